"""The services that were made: once each, even if many ask at the same time, and closed in reverse order.

* Who asks first makes the service, in its own task, so that context variables and task-bound things such as timeouts
  are its own. Others wait. If the maker fails, those who wait get the same error, and who asks later tries anew; if
  the maker is cancelled, one of those who wait takes over.
* A factory may ask the container for more while it runs. If that leads back to what is being made, also by way of
  another task, it is an error, not a deadlock.
* What was made is closed in the reverse order of its completion: a generator is resumed, other objects by the first of
  ``aclose``, ``dispose`` and ``close`` that their class has. What was only handed on, or given from outside, is not
  closed. A failure to close is logged and keeps nothing else from being closed.
"""

from __future__ import annotations

import asyncio
import inspect
import logging
import warnings
from collections import Counter
from collections.abc import AsyncGenerator, Awaitable, Callable, Generator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from functools import partial
from itertools import groupby, islice
from typing import Any

from lexigram.contracts.core.scopes import ServiceScope
from lexigram.contracts.exceptions.container import CircularDependencyError, ContainerError, DependencyError
from lexigram.di.binding import Binding, check_implements
from lexigram.di.markers import MISSING

__all__ = ["Instances", "Prepare", "making"]

_logger = logging.getLogger(__name__)

Prepare = Callable[[], Awaitable[tuple[Sequence[Any], Mapping[str, Any]]]]
"""Gives what a factory needs, by position and by name."""

_TOLD = 10  # how many services a warning names

_Close = Callable[[BaseException | None], Awaitable[None]]


@dataclass(eq=False)
class _Making:
    """A service that is being made.

    Attributes:
        binding: Which.
        done: Resolved when it is made or given up, failed when it failed; None where nobody can wait.
        waits_for: What its factory waits for, itself or in a task that it started.
    """

    binding: Binding
    done: asyncio.Future[None] | None = None
    waits_for: set[_Making] = field(default_factory=set["_Making"])

    def leads_to(self, goals: Sequence[_Making]) -> list[_Making] | None:
        """The way along ``waits_for`` to one of *goals*, itself first; None when there is none."""
        trails: list[list[_Making]] = [[self]]
        seen: set[_Making] = {self}
        for trail in trails:
            if trail[-1] in goals:
                return trail
            fresh = trail[-1].waits_for - seen
            seen |= fresh
            trails += [[*trail, step] for step in fresh]
        return None


_chain: ContextVar[tuple[_Making, ...]] = ContextVar("lexigram_making", default=())


@contextmanager
def making(binding: Binding) -> Generator[None]:
    """Remember, where a factory is at work, that it asked for *binding*; for the chain that errors show."""
    chain = _chain.get()
    if not chain:
        yield
        return
    token = _chain.set((*chain, _Making(binding)))
    try:
        yield
    finally:
        _chain.reset(token)


class Instances:
    """What was made for one place, the application or a scope.

    Args:
        label: The place, for messages.
        parent: What was made around it.
    """

    def __init__(self, label: str, parent: Instances | None = None) -> None:
        self.label = label
        self.values: dict[Binding, Any] = {}
        self.closed = False
        self._parent = parent
        self._making: dict[Binding, _Making] = {}
        self._closers: list[tuple[str, Any, _Close]] = []
        self._held: Counter[int] = Counter()

    @property
    def depth(self) -> int:
        """How many services are waiting to be closed."""
        return len(self._closers)

    async def obtain(self, binding: Binding, prepare: Prepare) -> Any:
        """The service of a binding: the one that is there, or a new one.

        Args:
            binding: Which.
            prepare: Gives what its factory needs, by position and by name; called only if it is to be made.

        Returns:
            The service.

        Raises:
            CircularDependencyError: It is being made, and this request is part of that.
            ContainerError: The place is closed.
        """
        once = binding.lifetime is not ServiceScope.TRANSIENT
        while True:
            if once and (value := self.values.get(binding, MISSING)) is not MISSING:
                return value
            if self.closed:
                raise self.refusal(binding)
            under_way = self._making.get(binding) if once else None
            if under_way is None:
                return await self._make_noted(binding, prepare, once=once)
            await self._wait(under_way)

    def refusal(self, binding: Binding) -> ContainerError:
        """The error for those who ask for a service after the end."""
        return ContainerError(f"{binding} was asked for after {self.label} was closed")

    async def close(self, error: BaseException | None = None) -> None:
        """Close everything, the latest first, and end the place for good.

        Args:
            error: What ended it; generators get it as the value of their ``yield``.
        """
        self.closed = True
        await self.close_down_to(0, error)
        self.values.clear()

    async def close_down_to(self, depth: int, error: BaseException | None = None) -> None:
        """Close what was made since there were *depth* services to close, the latest first.

        Args:
            depth: How many of the earliest stay open.
            error: What ended them; generators get it as the value of their ``yield``.
        """
        interruption: BaseException | None = None
        while len(self._closers) > depth:
            label, value, close = self._closers.pop()
            self._held[id(value)] -= 1
            if not self._held[id(value)]:
                del self._held[id(value)]
            try:
                await close(error)
            except Exception:
                _logger.exception("closing %s failed", label)
            except BaseException as interrupted:  # noqa: BLE001 - raised below, when the rest is closed
                interruption = interruption or interrupted
        if interruption is not None:
            raise interruption

    def __del__(self) -> None:
        if getattr(self, "_closers", None):
            labels = dict.fromkeys(label for label, _, _ in self._closers)
            left = ", ".join([*islice(labels, _TOLD), *(["…"] if len(labels) > _TOLD else [])])
            warnings.warn(
                f"{self.label} was not closed; still open: {left}", ResourceWarning, stacklevel=1, source=self
            )

    async def _wait(self, other: _Making) -> None:
        chain = _chain.get()
        trail = other.leads_to(chain) if chain else None
        if trail is not None:
            raise _circular([*chain[chain.index(trail[-1]) :], *trail])
        assert other.done is not None  # noqa: S101 - only what is made once is waited for
        if chain:
            maker = next((step for step in reversed(chain) if step.done is not None), None)
            waiting = maker.waits_for if maker is not None else set[_Making]()
            waiting.add(other)
            try:
                await asyncio.shield(other.done)
            finally:
                waiting.discard(other)
        else:
            await asyncio.shield(other.done)

    async def _make_noted(self, binding: Binding, prepare: Prepare, *, once: bool) -> Any:
        """Make a service, so that others can wait for it and circles are seen."""
        chain = _chain.get()
        running = next((i for i, step in enumerate(chain[:-1]) if step.binding is binding), None)
        if not once and running is not None:
            raise _circular(chain[running:])
        step = _Making(binding, asyncio.get_running_loop().create_future() if once else None)
        token = _chain.set((*chain, step))
        if once:
            self._making[binding] = step
        failure: Exception | None = None
        try:
            value = await self._make(binding, *await prepare())
            if once:
                self.values[binding] = value
            return value  # noqa: TRY300 - the finally below needs the value stored first
        except Exception as error:
            failure = error
            raise
        finally:
            _chain.reset(token)
            if once:
                del self._making[binding]
            if step.done is not None:
                if failure is None:
                    step.done.set_result(None)
                else:
                    step.done.set_exception(failure)
                    step.done.exception()  # taken here, since perhaps nobody waits

    async def _make(self, binding: Binding, arguments: Sequence[Any], named: Mapping[str, Any]) -> Any:
        factory = binding.factory
        assert factory is not None  # noqa: S101 - values are given, not made
        try:
            made: Any = factory(*arguments, **named)
            close: _Close | None = None
            if binding.makes_instances:
                value = made
            elif inspect.isasyncgen(made):
                value, close = await _first_async(made, binding), partial(_finish_async, made)
            elif inspect.isgenerator(made):
                value, close = _first(made, binding), partial(_finish, made)
            else:
                value = await made if inspect.isawaitable(made) else made
        except StopIteration as error:
            raise DependencyError(f"{binding.source} raised StopIteration while making {binding}") from error
        except Exception as error:
            error.add_note(f"while making {binding} with {binding.source}")
            raise
        if close is None:
            close = _closing(value)
            if close is not None and self._only_handed_on(value, arguments, named):
                close = None
        if close is not None:
            self._closers.append((str(binding), value, close))
            self._held[id(value)] += 1
        return await self._accepted(binding, value)

    async def _accepted(self, binding: Binding, value: Any) -> Any:
        """The value, unless it is not what was promised, or comes too late."""
        try:
            if binding.validate and not binding.makes_instances:
                check_implements(binding.key, value)
            if self.closed:
                raise self.refusal(binding)
        except ContainerError:
            if self._closers and self._closers[-1][1] is value:
                await self.close_down_to(self.depth - 1)
            raise
        return value

    def _only_handed_on(self, value: Any, arguments: Sequence[Any], named: Mapping[str, Any]) -> bool:
        if any(value is given for given in (*arguments, *named.values())):
            return True
        place: Instances | None = self
        while place is not None:
            if id(value) in place._held:  # what is held lives, so that its id is nobody else's
                return True
            place = place._parent
        return False


def _circular(steps: Sequence[_Making]) -> CircularDependencyError:
    # A service that is asked for and then made takes two steps and is told once.
    names = tuple(name for name, _ in groupby(str(step.binding) for step in steps))
    text = f"{' -> '.join(names)}: these need each other while they are being made"
    return CircularDependencyError(text, chain=names, hint="Ask the container later than in the factory.")


def _closing(value: object) -> _Close | None:
    """What closes an object: the first of the methods known by custom, looked up on its class."""
    for name in ("aclose", "dispose", "close"):
        if callable(getattr(type(value), name, None)):
            return partial(_call, getattr(value, name))
    return None


async def _call(close: Callable[[], Any], _error: BaseException | None) -> None:
    outcome = close()
    if inspect.isawaitable(outcome):
        await outcome


async def _first_async(generator: AsyncGenerator[Any, Any], binding: Binding) -> Any:
    try:
        return await anext(generator)
    except StopAsyncIteration:
        raise DependencyError(f"the factory of {binding} yielded nothing") from None


def _first(generator: Generator[Any, Any, Any], binding: Binding) -> Any:
    try:
        return next(generator)
    except StopIteration:
        raise DependencyError(f"the factory of {binding} yielded nothing") from None


async def _finish_async(generator: AsyncGenerator[Any, Any], error: BaseException | None) -> None:
    try:
        await generator.asend(error)
    except StopAsyncIteration:
        return
    await generator.aclose()
    raise DependencyError("a factory that is a generator must yield once only")


async def _finish(generator: Generator[Any, Any, Any], error: BaseException | None) -> None:
    try:
        generator.send(error)
    except StopIteration:
        return
    generator.close()
    raise DependencyError("a factory that is a generator must yield once only")

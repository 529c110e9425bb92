"""Hooks: named points of a program where others may act, or change a value.

Two kinds, in separate name spaces::

    hooks = HookRegistry()

    @hooks.action("nosql.connected")
    async def announce(payload: NoSQLConnectedHook) -> None: ...

    @hooks.filter("order.total", priority=HookPriority.LATE)
    def round_up(value: Decimal, **_: object) -> Decimal: ...

    await hooks.call_action("nosql.connected", payload=NoSQLConnectedHook(backend="memory"))
    total = await hooks.apply_filter("order.total", total, order=order)

An action's handlers are told, one after the other; a failing one is logged and the next is told all the same. A
filter's handlers hand the value on; there an error propagates, since half a filter is a wrong value. Handlers get the
keyword arguments of the call, may be sync or async, and run in the task of the caller, lowest priority first, then in
the order of registration. What is registered or taken away during a call counts from the next call on.
"""

from __future__ import annotations

import logging
from bisect import insort
from collections.abc import Callable
from dataclasses import dataclass, field
from inspect import isawaitable
from itertools import count
from typing import Any, TypeVar

from lexigram.contracts.core.hooks import HookHandler, HookPriority, HookRegistryProtocol

__all__ = ["HookHandler", "HookPriority", "HookRegistry", "HookRegistryProtocol"]

H = TypeVar("H", bound=HookHandler)

_logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, order=True)
class _Registration:
    """A handler and its place in the order."""

    priority: int
    sequence: int
    handler: HookHandler = field(compare=False)
    once: bool = field(compare=False)


class _HandlerTable:
    """The handlers of one kind of hook, by name, in order. Tuples are replaced, never changed: a call can walk one."""

    def __init__(self) -> None:
        self._by_name: dict[str, tuple[_Registration, ...]] = {}
        self._sequence = count()

    def add(self, name: str, handler: HookHandler, priority: int, once: bool) -> None:
        """Add a handler; one that is there already is moved to the new priority."""
        kept = [other for other in self._by_name.get(name, ()) if other.handler != handler]
        insort(kept, _Registration(int(priority), next(self._sequence), handler, once))
        self._by_name[name] = tuple(kept)

    def remove(self, name: str, handler: HookHandler) -> bool:
        """Take a handler away; True when it was there."""
        before = self._by_name.get(name, ())
        after = tuple(other for other in before if other.handler != handler)
        if after:
            self._by_name[name] = after
        else:
            self._by_name.pop(name, None)
        return len(after) != len(before)

    def handlers(self, name: str) -> tuple[_Registration, ...]:
        """The handlers of a name in order."""
        return self._by_name.get(name, ())

    def claim(self, name: str, registration: _Registration) -> bool:
        """Take a ``once`` handler away before it runs; False when another call was faster."""
        before = self._by_name.get(name, ())
        if registration not in before:
            return False
        self.remove(name, registration.handler)
        return True

    def names(self) -> tuple[str, ...]:
        """The names that have handlers."""
        return tuple(sorted(self._by_name))


class HookRegistry:
    """Where handlers are registered, and hooks fired. Implements ``HookRegistryProtocol``."""

    def __init__(self) -> None:
        self._actions = _HandlerTable()
        self._filters = _HandlerTable()

    def register_action(
        self, hook_name: str, handler: HookHandler, priority: int = HookPriority.NORMAL, *, once: bool = False
    ) -> None:
        """Run *handler* whenever the action is called.

        A handler that is registered already for this action is moved to the new priority, not run twice.

        Args:
            hook_name: The action, such as ``nosql.connected``.
            handler: A function, sync or async; gets the keyword arguments of the call.
            priority: The lowest runs first; see ``HookPriority``.
            once: Run it only for the first call.
        """
        self._actions.add(hook_name, handler, priority, once)

    def register_filter(
        self, hook_name: str, handler: HookHandler, priority: int = HookPriority.NORMAL, *, once: bool = False
    ) -> None:
        """Let *handler* change the value whenever the filter is applied.

        Args:
            hook_name: The filter's name.
            handler: A function, sync or async; gets the value and the keyword arguments, returns the new value.
            priority: The lowest runs first; see ``HookPriority``.
            once: Run it only for the first application.
        """
        self._filters.add(hook_name, handler, priority, once)

    def unregister_action(self, hook_name: str, handler: HookHandler) -> bool:
        """Take an action's handler away.

        Returns:
            True when it was there.
        """
        return self._actions.remove(hook_name, handler)

    def unregister_filter(self, hook_name: str, handler: HookHandler) -> bool:
        """Take a filter's handler away.

        Returns:
            True when it was there.
        """
        return self._filters.remove(hook_name, handler)

    def action(self, hook_name: str, priority: int = HookPriority.NORMAL, *, once: bool = False) -> Callable[[H], H]:
        """Register the decorated function as an action's handler; see :meth:`register_action`.

        Returns:
            A decorator that returns the function unchanged.
        """

        def decorate(handler: H) -> H:
            self.register_action(hook_name, handler, priority, once=once)
            return handler

        return decorate

    def filter(self, hook_name: str, priority: int = HookPriority.NORMAL, *, once: bool = False) -> Callable[[H], H]:
        """Register the decorated function as a filter's handler; see :meth:`register_filter`.

        Returns:
            A decorator that returns the function unchanged.
        """

        def decorate(handler: H) -> H:
            self.register_filter(hook_name, handler, priority, once=once)
            return handler

        return decorate

    async def call_action(self, hook_name: str, **kwargs: Any) -> None:
        """Tell the action's handlers, in order.

        An error in one is logged with its traceback and does not stop the others. Cancellation passes.

        Args:
            hook_name: The action.
            **kwargs: What each handler is called with.
        """
        for registration in self._actions.handlers(hook_name):
            if registration.once and not self._actions.claim(hook_name, registration):
                continue
            try:
                outcome = registration.handler(**kwargs)
                if isawaitable(outcome):
                    await outcome
            except Exception:
                _logger.exception("a handler of the action %r failed: %s", hook_name, _name_of(registration.handler))

    async def apply_filter(self, hook_name: str, value: Any, **kwargs: Any) -> Any:
        """Hand *value* through the filter's handlers, in order.

        Args:
            hook_name: The filter.
            value: What the first handler gets; each further one gets what the one before returned.
            **kwargs: What each handler is called with besides.

        Returns:
            What the last handler returned; *value* itself when there are none.
        """
        for registration in self._filters.handlers(hook_name):
            if registration.once and not self._filters.claim(hook_name, registration):
                continue
            value = registration.handler(value, **kwargs)
            if isawaitable(value):
                value = await value
        return value

    def has_action(self, hook_name: str) -> bool:
        """True when the action has a handler; spares the making of a payload that nobody would see."""
        return bool(self._actions.handlers(hook_name))

    def has_filter(self, hook_name: str) -> bool:
        """True when the filter has a handler."""
        return bool(self._filters.handlers(hook_name))

    def clear(self) -> None:
        """Take all handlers away."""
        self._actions = _HandlerTable()
        self._filters = _HandlerTable()

    def __repr__(self) -> str:
        return f"HookRegistry(actions={list(self._actions.names())}, filters={list(self._filters.names())})"


def _name_of(handler: HookHandler) -> str:
    return str(getattr(handler, "__qualname__", None) or repr(handler))

"""Taking providers through their lives: register, boot in levels, shut down in reverse."""

from __future__ import annotations

import asyncio
import inspect
import logging
import time
import weakref
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from functools import partial

from lexigram.app.entries import Entry
from lexigram.app.events import LifecycleEvent, ProviderBooted, ProviderFailed, ProviderRegistered
from lexigram.app.ordering import needs_of
from lexigram.config import LexigramConfig
from lexigram.contracts.exceptions.base import LexigramError
from lexigram.contracts.exceptions.config import ConfigurationError
from lexigram.contracts.exceptions.provider import ProviderError, ProviderTimeoutError
from lexigram.di.container import Container
from lexigram.di.provider import Hosting, Provider, ProviderState
from lexigram.services.finishing import OutOfTimeError, seen_through

__all__ = ["Lifecycle"]

_logger = logging.getLogger(__name__)

_Tell = Callable[[LifecycleEvent], Awaitable[None]]


class Lifecycle:
    """Runs the providers of one application.

    Args:
        app_name: The application's name, for events.
        container: Where they register.
        levels: The order of booting.
        tell: Publishes an event and fires its hook.
        shutdown_timeout: Seconds that a provider may take to shut down where it does not say; None for no limit.
    """

    def __init__(
        self,
        app_name: str,
        container: Container,
        levels: Sequence[Sequence[Entry]],
        tell: _Tell,
        shutdown_timeout: float | None = None,
    ) -> None:
        self._shutdown_timeout = shutdown_timeout
        self.errors: list[ProviderError] = []
        self._app_name = app_name
        self._container = container
        self._levels = levels
        self._tell = tell
        self._entries = [entry for level in levels for entry in level]
        self._started: list[tuple[Sequence[Entry], int]] = []

    async def register(self, config: LexigramConfig) -> None:
        """Give each provider its section of the configuration and let it register, in the order of booting.

        Args:
            config: The application's configuration.

        Raises:
            ConfigurationError: A section does not fit its provider's model.
            ProviderError: A provider failed to register, or runs in another application.
        """
        for entry in self._entries:
            self._take(entry.provider, config)
        for entry in self._entries:
            provider = entry.provider
            try:
                await _awaited(provider.register(self._container.view(entry.owner)), "register")
            except Exception as error:
                raise await self._failed(entry, error, "register") from error
            provider.state = ProviderState.REGISTERED
            await self._tell(ProviderRegistered(app_name=self._app_name, provider=entry.name))

    def _take(self, provider: Provider, config: LexigramConfig) -> None:
        """Make a provider this application's, with what its configuration says."""
        before = provider.hosting
        if before is not None and before.holder() is not None:
            raise ProviderError(
                f"provider {provider.name!r} belongs to the application {before.app_name!r}, which has not stopped",
                provider=provider.name,
                phase="register",
                hint="Make one for each application: list the class, or call the module's configure() or stub() anew.",
            )
        # What another application read for it is not this one's.
        read_before = before is not None and before.section is not None and provider.config is before.section
        section: object = None
        if provider.config_key is not None and (provider.config is None or read_before):
            provider.config = section = _section(config, provider)
        provider.hosting = Hosting(self._app_name, section, weakref.ref(self))

    def _release(self, provider: Provider) -> None:
        """Leave a provider to other applications."""
        if provider.hosting is not None and provider.hosting.holder() is self:
            provider.hosting = replace(provider.hosting, holder=_nobody)

    async def boot(self) -> None:
        """Boot level after level, the providers of a level together.

        When a required provider fails, the others of its level are cancelled. What has booted keeps running until
        :meth:`shutdown`.

        Raises:
            ProviderError: A required provider failed; it names the provider and has the failure as its cause.
        """
        for level in self._levels:
            failures: list[ProviderError] = []
            booting = [asyncio.create_task(self._boot(e, failures), name=f"boot {e.name}") for e in level]
            try:
                await _all_or_first_failure(booting)
            finally:
                # What was made so far is closed after these providers are shut down, what comes later before.
                self._started.append((level, self._container.depth))
            if failures:
                for other in failures[1:]:
                    _logger.error("provider %r failed as well: %s", other.provider, other)
                raise failures[0] from failures[0].__cause__

    async def shutdown(self) -> None:
        """Shut down what has booted, in reverse, each after the services that were made since it booted.

        Errors are logged and kept in :attr:`errors`. A cancellation is passed on when everything is shut down.
        """
        interruption: BaseException | None = None
        while self._started:
            level, depth = self._started.pop()
            steps: list[Callable[[], Awaitable[None]]] = [partial(self._container.close_down_to, depth)]
            steps += [partial(self._shut_down, entry) for entry in reversed(level) if entry.booted]
            for step in steps:
                try:
                    await step()
                except BaseException as interrupted:  # noqa: BLE001 - raised below, when the rest is shut down
                    interruption = interruption or interrupted
        for entry in self._entries:
            self._release(entry.provider)
        if interruption is not None:
            raise interruption

    async def _boot(self, entry: Entry, failures: list[ProviderError]) -> None:
        provider = entry.provider
        began = time.perf_counter()
        limit = asyncio.timeout(provider.boot_timeout)
        try:
            self._check_needs(entry)
            async with limit:
                await _awaited(provider.boot(self._container.view(entry.owner)), "boot")
            if limit.expired():
                # It kept the cancellation to itself and went on: whatever it started has to be stopped.
                await _awaited(provider.shutdown(), "shutdown")
                raise TimeoutError  # noqa: TRY301 - goes the way of every other failure
        except (Exception, asyncio.CancelledError) as error:
            if isinstance(error, asyncio.CancelledError) and _is_cancelled():
                raise
            passed = provider.boot_timeout if limit.expired() else None
            failure = await self._failed(entry, error, "boot", limit=passed)
            if provider.required:
                failures.append(failure)
                raise failure from error
            entry.failure = error
            _logger.warning("the application runs without provider %r: %s", entry.name, failure.message)
            return
        provider.state = ProviderState.BOOTED
        duration = (time.perf_counter() - began) * 1000
        await self._tell(ProviderBooted(app_name=self._app_name, provider=entry.name, duration_ms=duration))

    def _check_needs(self, entry: Entry) -> None:
        for needed in needs_of(entry, self._entries):
            if needed.failure is not None:
                raise ProviderError(f"it depends on {needed.name!r}, which failed to boot", provider=entry.name)

    async def _shut_down(self, entry: Entry) -> None:
        own = entry.provider.shutdown_timeout
        limit = self._shutdown_timeout if own is None else own
        try:
            work = _awaited(entry.provider.shutdown(), "shutdown")
            await (work if limit is None else seen_through(work, limit, interruptible=True))
        except OutOfTimeError as error:
            _logger.error("provider %r did not shut down within %s s", entry.name, limit)  # noqa: TRY400 - no trace says more
            self.errors.append(await self._failed(entry, error, "shutdown", limit=limit))
        except Exception as error:
            _logger.exception("provider %r failed to shut down", entry.name)
            self.errors.append(await self._failed(entry, error, "shutdown"))
        finally:
            entry.provider.state = ProviderState.SHUTDOWN

    async def _failed(
        self, entry: Entry, error: BaseException, phase: str, *, limit: float | None = None
    ) -> ProviderError:
        """Tell of a failure, and make the error that names the provider."""
        provider = entry.provider
        try:
            await provider.on_error(error, phase)
        except Exception:
            _logger.exception("on_error of provider %r failed", entry.name)
        await self._tell(ProviderFailed(app_name=self._app_name, provider=entry.name, phase=phase, error=error))
        what = "shut down" if phase == "shutdown" else phase
        if limit is not None:
            return ProviderTimeoutError(
                f"provider {entry.name!r} did not {what} within {limit} s",
                provider=entry.name,
                phase=phase,
                timeout=limit,
                cause=error,
                hint=f"See what it waits for, or raise its {phase}_timeout.",
            )
        text = error.message if isinstance(error, LexigramError) else str(error)
        return ProviderError(
            f"provider {entry.name!r} failed to {what}: {type(error).__name__}: {text}",
            provider=entry.name,
            phase=phase,
            cause=error,
            hint=error.hint if isinstance(error, LexigramError) else None,
        )


def _nobody() -> None:
    """The holder of a provider that is free."""


async def _awaited(outcome: object, method: str) -> None:
    """Await what a provider's method returned, and say so where it is not async."""
    if not inspect.isawaitable(outcome):
        raise TypeError(f"{method}() is not async; write it with `async def`")
    await outcome


def _is_cancelled() -> bool:
    """Whether the running task was told to stop; else a cancellation is somebody's stray one, thus a failure."""
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0


async def _all_or_first_failure(tasks: Sequence[asyncio.Task[None]]) -> None:
    """Wait for all tasks; cancel the rest when one fails, or when the caller is cancelled. Failures are not raised."""
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_EXCEPTION)
    finally:
        for task in tasks:
            task.cancel()
        outcomes = await asyncio.gather(*tasks, return_exceptions=True)
    for outcome in outcomes:
        if isinstance(outcome, BaseException) and not isinstance(outcome, (ProviderError, asyncio.CancelledError)):
            raise outcome


def _section(config: LexigramConfig, provider: Provider) -> object:
    assert provider.config_key is not None  # noqa: S101 - the caller asked
    try:
        present = [
            name
            for name in (provider.config_key, *provider.config_aliases)
            if config.has_section(name, provider.config_model)
        ]
        if len(present) > 1:
            raise ConfigurationError(
                f"{' and '.join(f'`{name}:`' for name in present)} are the same section under two names",
                hint=f"Keep one of them, preferably `{provider.config_key}:`.",
            )
        key = present[0] if present else provider.config_key
        if provider.config_model is None:
            return config.get_section(key)
        return config.get_section(key, provider.config_model)
    except LexigramError as error:
        error.add_note(f"while reading the configuration of provider {provider.name!r}")
        raise

"""One service: its state, and starting and stopping it safely."""

# ruff: noqa: ASYNC109 - the documented methods take their time limit as a parameter

from __future__ import annotations

import asyncio
import logging
import time
from enum import StrEnum
from types import TracebackType
from typing import Protocol, Self, runtime_checkable

from lexigram.contracts.core.health import HealthCheckResult, HealthStatus
from lexigram.services.exceptions import ServiceDisabledError, ServiceError, ServiceStateError, ServiceTimeoutError
from lexigram.services.finishing import OutOfTimeError, is_cancelled, seen_through

__all__ = ["Service", "ServiceProtocol", "ServiceState"]

_log = logging.getLogger("lexigram.services")


class ServiceState(StrEnum):
    """How far a service has come. ``failed`` is a start that failed; it may be tried again."""

    CREATED = "created"
    STARTING = "starting"
    READY = "ready"
    STOPPING = "stopping"
    STOPPED = "stopped"
    FAILED = "failed"


_HEALTH = {
    ServiceState.CREATED: HealthStatus.UNKNOWN,
    ServiceState.STARTING: HealthStatus.STARTING,
    ServiceState.STOPPING: HealthStatus.UNHEALTHY,
    ServiceState.STOPPED: HealthStatus.UNHEALTHY,
    ServiceState.FAILED: HealthStatus.UNHEALTHY,
}


@runtime_checkable
class ServiceProtocol(Protocol):
    """What is started, stopped and asked for its health. :class:`Service` implements it."""

    @property
    def name(self) -> str:
        """Its name, for messages."""
        ...

    async def start(self) -> None:
        """Start it; starting twice does nothing."""
        ...

    async def stop(self) -> None:
        """Stop it; stopping twice does nothing."""
        ...

    async def wait_ready(self, timeout: float | None = None) -> None:
        """Wait until it has started, at most *timeout* seconds."""
        ...

    def is_ready(self) -> bool:
        """True between a successful start and the beginning of the stop."""
        ...

    def is_enabled(self) -> bool:
        """False when the configuration switches it off."""
        ...

    async def health(self, timeout: float = 5.0) -> HealthCheckResult:
        """Whether it works, within *timeout* seconds. A failure is a result, not an exception."""
        ...


class Service:
    """Base of services. A subclass writes :meth:`_open` and :meth:`_close`, and perhaps :meth:`_check`.

    Any number of callers may start and stop it at the same time: changes happen one after the other, and who starts
    what is being started waits for it. A stop does not wait for a start that takes long; it breaks it off.

    Args:
        name: Its name, for messages, logs and health results.
        enabled: False switches it off: it cannot be started.
        start_timeout: Seconds that starting may take; None for no limit.
        stop_timeout: Seconds that stopping may take; None for no limit.
    """

    def __init__(
        self,
        name: str,
        *,
        enabled: bool = True,
        start_timeout: float | None = None,
        stop_timeout: float | None = None,
    ) -> None:
        self._name = name
        self._enabled = enabled
        self._start_timeout = start_timeout
        self._stop_timeout = stop_timeout
        self._state = ServiceState.CREATED
        self._failure: BaseException | None = None
        self._opening: asyncio.Task[None] | None = None
        self._changing = asyncio.Lock()
        self._moved = asyncio.Event()

    @property
    def name(self) -> str:
        """Its name."""
        return self._name

    @property
    def state(self) -> ServiceState:
        """How far it has come."""
        return self._state

    @property
    def failure(self) -> BaseException | None:
        """Why the last start failed, while the state is ``failed``."""
        return self._failure

    def is_enabled(self) -> bool:
        """False when the configuration switches it off."""
        return self._enabled

    def is_ready(self) -> bool:
        """True between a successful start and the beginning of the stop."""
        return self._state is ServiceState.READY

    async def start(self) -> None:
        """Start it. Starting twice does nothing; a start that failed may be repeated.

        When starting fails, or is cancelled, what was opened is closed again.

        Raises:
            ServiceDisabledError: It is switched off.
            ServiceTimeoutError: It did not start within its time.
            ServiceStateError: It was stopped while it started.
        """
        if not self.is_enabled():
            raise self._disabled("cannot be started")
        async with self._changing:
            if self._state is ServiceState.READY:
                return
            self._move(ServiceState.STARTING)
            limit = asyncio.timeout(self._start_timeout)
            self._opening = opening = asyncio.create_task(self._open(), name=f"start {self.name}")
            try:
                async with limit:
                    await opening
            except BaseException as error:
                await self._take_back()
                if isinstance(error, asyncio.CancelledError):
                    self._move(ServiceState.STOPPED)
                    if is_cancelled():
                        raise
                    raise ServiceStateError(
                        f"the service {self.name!r} was stopped while it started", service=self.name
                    ) from None
                failure = self._too_late("start", self._start_timeout, error) if limit.expired() else error
                self._move(ServiceState.FAILED, failure)
                if failure is error:
                    raise
                raise failure from error
            finally:
                self._opening = None
            self._move(ServiceState.READY)

    async def stop(self) -> None:
        """Stop it. Stopping twice does nothing. What has begun is finished, also when the caller is cancelled.

        Raises:
            ServiceTimeoutError: It did not stop within its time.
            Exception: What closing raised; it counts as stopped all the same.
        """
        if self._opening is not None:
            self._opening.cancel()
        async with self._changing:
            if self._state is not ServiceState.READY:
                return
            self._move(ServiceState.STOPPING)
            try:
                await seen_through(self._close(), self._stop_timeout)
            except OutOfTimeError as error:
                raise self._too_late("stop", self._stop_timeout, error) from error
            finally:
                self._move(ServiceState.STOPPED)

    async def wait_ready(self, timeout: float | None = None) -> None:
        """Wait until it has started; does not start it.

        Args:
            timeout: Seconds to wait; None for no limit.

        Raises:
            ServiceDisabledError: It is switched off, so it will never be ready.
            ServiceTimeoutError: It was not ready in time.
            ServiceError: Its start failed; the failure is the cause.
        """
        if not self.is_enabled():
            raise self._disabled("will never be ready")
        try:
            async with asyncio.timeout(timeout):
                while self._state is not ServiceState.READY:
                    if self._failure is not None:
                        raise ServiceError(
                            f"the service {self.name!r} failed to start: {type(self._failure).__name__}",
                            service=self.name,
                        ) from self._failure
                    await self._moved.wait()
        except TimeoutError as error:
            raise ServiceTimeoutError(
                f"the service {self.name!r} was not ready within {timeout} s: it is {self._state}",
                service=self.name,
                timeout=timeout,
                hint=None if self._state is ServiceState.STARTING else "Start it first.",
            ) from error

    async def health(self, timeout: float = 5.0) -> HealthCheckResult:
        """Whether it works. Never raises.

        Args:
            timeout: Seconds that the check may take.

        Returns:
            What :meth:`_check` says of a service that is ready; else what its state says.
        """
        if not self.is_enabled():
            return HealthCheckResult(self.name, HealthStatus.DEGRADED, message="not enabled")
        if self._state is not ServiceState.READY:
            error = None if self._failure is None else type(self._failure).__name__
            return HealthCheckResult(self.name, _HEALTH[self._state], message=f"it is {self._state}", error=error)
        began = time.perf_counter()
        try:
            async with asyncio.timeout(timeout):
                return await self._check(timeout)
        except TimeoutError:
            error = f"no answer within {timeout} s"
        except Exception as failure:  # noqa: BLE001 - a check that fails says that the service does
            # Only the kind: the text may hold what the service was configured with.
            error = type(failure).__name__
        return HealthCheckResult(
            self.name,
            HealthStatus.UNHEALTHY,
            message="the health check failed",
            error=error,
            duration_ms=(time.perf_counter() - began) * 1000,
        )

    async def health_check(self, timeout: float = 5.0) -> HealthCheckResult:
        """The same as :meth:`health`, under the name that ``HealthCheckProtocol`` has."""
        return await self.health(timeout)

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.name!r} {self._state if self._enabled else 'disabled'}>"

    async def _open(self) -> None:
        """Start; when it comes back, the service is ready."""

    async def _close(self) -> None:
        """Stop. Called after a start that failed or was cancelled too, so it copes with half of one."""

    async def _check(self, timeout: float) -> HealthCheckResult:
        """Whether the started service works; by default, it does.

        Args:
            timeout: Seconds that the check may take.
        """
        del timeout
        return HealthCheckResult(self.name, message=f"it is {self._state}")

    def _move(self, state: ServiceState, failure: BaseException | None = None) -> None:
        self._state, self._failure = state, failure
        moved, self._moved = self._moved, asyncio.Event()
        moved.set()

    async def _take_back(self) -> None:
        """Close after a start that did not succeed; what goes wrong then must not hide why."""
        try:
            await seen_through(self._close(), self._stop_timeout)
        except Exception:  # noqa: BLE001 - logged; the failure of the start says more
            _log.exception("closing the service %r after a failed start failed", self.name)

    def _disabled(self, what: str) -> ServiceDisabledError:
        return ServiceDisabledError(
            f"the service {self.name!r} is switched off and {what}",
            service=self.name,
            hint="Set `enabled` to true in its configuration.",
        )

    def _too_late(self, what: str, limit: float | None, error: BaseException) -> ServiceTimeoutError:
        return ServiceTimeoutError(
            f"the service {self.name!r} did not {what} within {limit} s", service=self.name, timeout=limit, cause=error
        )

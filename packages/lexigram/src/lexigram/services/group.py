"""Several services that are started and stopped together."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from lexigram.contracts.core.health import AggregateHealthResult, HealthCheckResult, HealthStatus
from lexigram.services.exceptions import ServiceTimeoutError
from lexigram.services.service import Service, ServiceProtocol

__all__ = ["ServiceGroup"]

_log = logging.getLogger("lexigram.services")


class ServiceGroup(Service):
    """Starts its members at once, all or none, and stops them in reverse order.

    When one fails to start, those still starting are cancelled, those that this start has started are stopped again,
    and the first failure is raised. Members that are switched off are passed over, and members that were running
    before are left running by a start that fails.

    Args:
        name: Its name.
        members: The services, in order.
        start_timeout: Seconds that starting all may take; None for no limit.
        stop_timeout: Seconds that stopping all may take; None for no limit.
    """

    def __init__(
        self,
        name: str,
        members: Iterable[ServiceProtocol] = (),
        *,
        start_timeout: float | None = None,
        stop_timeout: float | None = None,
    ) -> None:
        super().__init__(name, start_timeout=start_timeout, stop_timeout=stop_timeout)
        self._members: dict[str, ServiceProtocol] = {}
        self._started: list[ServiceProtocol] = []
        for member in members:
            self._add(member)

    @property
    def members(self) -> Mapping[str, ServiceProtocol]:
        """The services by name, in order."""
        return dict(self._members)

    def is_ready(self) -> bool:
        """True when the group has started and every member that is switched on is ready."""
        return super().is_ready() and all(member.is_ready() for member in self._enabled_members())

    async def wait_ready(self, timeout: float | None = None) -> None:  # noqa: ASYNC109 - of the base
        """Wait until the group has started and every member that is switched on is ready; see ``Service``."""
        try:
            async with asyncio.timeout(timeout):
                await super().wait_ready()
                for member in self._enabled_members():
                    await member.wait_ready()
        except TimeoutError as error:
            waiting = [member.name for member in self._enabled_members() if not member.is_ready()]
            raise ServiceTimeoutError(
                f"the group {self.name!r} was not ready within {timeout} s; not ready: {', '.join(waiting) or 'none'}",
                service=self.name,
                timeout=timeout,
            ) from error

    def describe(self) -> tuple[Mapping[str, Any], ...]:
        """Name, whether it is switched on and whether it is ready, of each member in order."""
        return tuple(
            {"name": name, "enabled": member.is_enabled(), "ready": member.is_ready()}
            for name, member in self._members.items()
        )

    def _add(self, member: ServiceProtocol) -> None:
        if member.name in self._members:
            raise ValueError(f"the group {self.name!r} has two services named {member.name!r}")
        self._members[member.name] = member

    def _enabled_members(self) -> Sequence[ServiceProtocol]:
        return [member for member in self._members.values() if member.is_enabled()]

    async def _open(self) -> None:
        self._started = []
        before = [member for member in self._enabled_members() if not member.is_ready()]
        # Noted before the first await: a start that is cancelled half way is stopped as well.
        self._started = before
        try:
            async with asyncio.TaskGroup() as tasks:
                for member in self._enabled_members():
                    tasks.create_task(_start(member), name=f"start {member.name}")
        except BaseExceptionGroup as failures:
            first, *others = failures.exceptions
            for other in others:
                _log.error("in the group %r, another service failed as well", self.name, exc_info=other)
            raise first from first.__cause__
        self._started = list(self._enabled_members())

    async def _close(self) -> None:
        started, self._started = self._started, []
        failure: Exception | None = None
        for member in reversed(started):
            try:
                await member.stop()
            except Exception as error:  # noqa: BLE001 - raised below, when the others are stopped
                _log.exception("stopping the service %r failed", member.name)
                failure = failure or error
        if failure is not None:
            raise failure

    async def _check(self, timeout: float) -> HealthCheckResult:  # noqa: ASYNC109 - of the base
        members = self._enabled_members()
        results = await asyncio.gather(*(member.health(timeout) for member in members))
        worst = AggregateHealthResult(results).status if results else HealthStatus.HEALTHY
        return HealthCheckResult(
            self.name,
            worst,
            message="; ".join(f"{r.component}: {r.message or r.status}" for r in results) or "there are no services",
            error=next((r.error for r in results if r.error), None),
            duration_ms=max((r.duration_ms for r in results), default=0.0),
            details={member.name: result.to_dict() for member, result in zip(members, results, strict=True)},
        )


async def _start(member: ServiceProtocol) -> None:
    try:
        await member.start()
        await member.wait_ready()
    except Exception as error:
        error.add_note(f"while starting the service {member.name!r}")
        raise

"""Whether everything that must be ready is: what a ``/readyz`` route asks.

::

    registry = await app.container.resolve(ReadinessRegistry)
    registry.register(ServiceReadinessCheck(consumer))

    found = await registry.run_all()                     # {"orders": "ok", "mail": "skipped"}
    ready = registry.is_ready(found)
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping
from enum import StrEnum
from typing import Protocol, runtime_checkable

from lexigram.contracts.core.health import HealthStatus
from lexigram.services.service import ServiceProtocol

__all__ = ["ReadinessCheckProtocol", "ReadinessRegistry", "ReadinessStatus", "ServiceReadinessCheck"]

_log = logging.getLogger("lexigram.services")


class ReadinessStatus(StrEnum):
    """What a check found; ``skipped`` when it is switched off."""

    OK = "ok"
    FAIL = "fail"
    SKIPPED = "skipped"


@runtime_checkable
class ReadinessCheckProtocol(Protocol):
    """A question that must be answered with yes before the application takes requests."""

    @property
    def name(self) -> str:
        """Its name in the answer."""
        ...

    def enabled(self) -> bool:
        """False leaves it out."""
        ...

    async def check(self) -> bool:
        """Whether it is ready; an exception means that it is not."""
        ...


class ServiceReadinessCheck:
    """Ready when a service is, and its health check does not say that it is unhealthy.

    Args:
        service: The service.
    """

    def __init__(self, service: ServiceProtocol) -> None:
        self._service = service

    @property
    def name(self) -> str:
        """The service's name."""
        return self._service.name

    def enabled(self) -> bool:
        """Whether the service is switched on."""
        return self._service.is_enabled()

    async def check(self) -> bool:
        """Ask the service."""
        if not self._service.is_ready():
            return False
        return (await self._service.health()).status is not HealthStatus.UNHEALTHY


class ReadinessRegistry:
    """The checks of one application."""

    def __init__(self) -> None:
        self._checks: dict[str, ReadinessCheckProtocol] = {}

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the checks, in order."""
        return tuple(self._checks)

    def register(self, check: ReadinessCheckProtocol) -> Callable[[], None]:
        """Add a check.

        Returns:
            A function that takes it out again; calling it twice does nothing.

        Raises:
            ValueError: There is a check of this name.
        """
        name = check.name
        if name in self._checks:
            raise ValueError(f"there is a readiness check {name!r} already; give this one another name")
        self._checks[name] = check

        def undo() -> None:
            if self._checks.get(name) is check:
                del self._checks[name]

        return undo

    async def run_all(self, timeout: float = 5.0) -> dict[str, ReadinessStatus]:  # noqa: ASYNC109 - as elsewhere
        """Ask all checks at once.

        Args:
            timeout: Seconds that each may take; one that takes longer has failed.

        Returns:
            What each found, in the order of registering.
        """
        checks = dict(self._checks)
        found = await asyncio.gather(*(_ask(check, timeout) for check in checks.values()))
        return dict(zip(checks, found, strict=True))

    @staticmethod
    def is_ready(found: Mapping[str, ReadinessStatus]) -> bool:
        """True when no check failed."""
        return ReadinessStatus.FAIL not in found.values()

    def clear(self) -> None:
        """Forget all checks."""
        self._checks.clear()


async def _ask(check: ReadinessCheckProtocol, limit: float) -> ReadinessStatus:
    try:
        if not check.enabled():
            return ReadinessStatus.SKIPPED
        async with asyncio.timeout(limit):
            return ReadinessStatus.OK if await check.check() else ReadinessStatus.FAIL
    except TimeoutError:
        _log.warning("the readiness check %r gave no answer within %s s", check.name, limit)
    except Exception as error:  # noqa: BLE001 - a check that fails says no
        _log.warning("the readiness check %r failed: %s", check.name, type(error).__name__)
    return ReadinessStatus.FAIL

"""How a component says whether it works, and how an application sums that up."""

# ruff: noqa: ASYNC109 - the documented methods take their time limit as a parameter

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, Protocol, Self, runtime_checkable

__all__ = [
    "AggregateHealthResult",
    "HealthCheckCategory",
    "HealthCheckProtocol",
    "HealthCheckResult",
    "HealthStatus",
]


class HealthStatus(StrEnum):
    """The state of a component."""

    HEALTHY = "healthy"
    UNHEALTHY = "unhealthy"
    DEGRADED = "degraded"
    UNKNOWN = "unknown"
    STARTING = "starting"


class HealthCheckCategory(StrEnum):
    """The question a check answers.

    Attributes:
        LIVENESS: Is the process stuck, so that it must be restarted?
        READINESS: Can it serve requests now?
        STARTUP: Has it finished starting?
    """

    LIVENESS = "liveness"
    READINESS = "readiness"
    STARTUP = "startup"


_SEVERITY = {
    HealthStatus.HEALTHY: 0,
    HealthStatus.STARTING: 1,
    HealthStatus.UNKNOWN: 2,
    HealthStatus.DEGRADED: 3,
    HealthStatus.UNHEALTHY: 4,
}


def _now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class HealthCheckResult:
    """What one check found.

    Attributes:
        component: Name of what was checked, such as ``nosql``.
        status: Its state.
        message: A sentence for a person.
        error: What went wrong, as text without secrets.
        duration_ms: How long the check took, in milliseconds.
        details: Further facts, by name.
        checked_at: When, in UTC.
        category: The question it answers.
    """

    component: str
    status: HealthStatus = HealthStatus.HEALTHY
    message: str | None = None
    error: str | None = None
    duration_ms: float = 0.0
    details: Mapping[str, Any] = field(default_factory=dict[str, Any])
    checked_at: datetime = field(default_factory=_now)
    category: HealthCheckCategory = HealthCheckCategory.READINESS

    def is_healthy(self) -> bool:
        """True when the status is ``healthy``."""
        return self.status is HealthStatus.HEALTHY

    def is_degraded(self) -> bool:
        """True when the status is ``degraded``."""
        return self.status is HealthStatus.DEGRADED

    def to_dict(self) -> dict[str, Any]:
        """The result as plain data that JSON takes, times in ISO 8601."""
        return {
            "component": self.component,
            "status": self.status.value,
            "message": self.message,
            "error": self.error,
            "duration_ms": self.duration_ms,
            "details": dict(self.details),
            "checked_at": self.checked_at.isoformat(),
            "category": self.category.value,
        }


@dataclass(frozen=True, slots=True)
class AggregateHealthResult:
    """What the checks of several components found.

    The whole is as bad as its worst part, in the order healthy, starting, unknown, degraded, unhealthy; without
    components it is unknown.

    Attributes:
        components: The single results, kept as a tuple.
        checked_at: When, in UTC.
    """

    components: Sequence[HealthCheckResult] = ()
    checked_at: datetime = field(default_factory=_now)

    def __post_init__(self) -> None:
        # A frozen object must not share a list with its maker.
        object.__setattr__(self, "components", tuple(self.components))

    @classmethod
    def of(cls, results: Iterable[HealthCheckResult]) -> Self:
        """Sum up any iterable of results."""
        return cls(tuple(results))

    @property
    def status(self) -> HealthStatus:
        """The worst status among the components; ``unknown`` when there are none."""
        return max((r.status for r in self.components), key=_SEVERITY.__getitem__, default=HealthStatus.UNKNOWN)

    def is_healthy(self) -> bool:
        """True when every component is healthy, and there is one."""
        return self.status is HealthStatus.HEALTHY

    def is_degraded(self) -> bool:
        """True when the worst status is ``degraded``."""
        return self.status is HealthStatus.DEGRADED

    def for_category(self, category: HealthCheckCategory) -> AggregateHealthResult:
        """The same, of only those components that answer *category*."""
        return AggregateHealthResult(tuple(r for r in self.components if r.category is category), self.checked_at)

    def to_dict(self) -> dict[str, Any]:
        """The result as plain data that JSON takes, components in order."""
        return {
            "status": self.status.value,
            "checked_at": self.checked_at.isoformat(),
            "components": [r.to_dict() for r in self.components],
        }


@runtime_checkable
class HealthCheckProtocol(Protocol):
    """Anything that can say whether it works."""

    async def health_check(self, timeout: float = 5.0) -> HealthCheckResult:
        """Check, within *timeout* seconds. A failure is a result, not an exception."""
        ...

"""Health results and their sum."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest
from lexigram.contracts.core.health import (
    AggregateHealthResult,
    HealthCheckCategory,
    HealthCheckProtocol,
    HealthCheckResult,
    HealthStatus,
)

WHEN = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


def result(status: HealthStatus, category: HealthCheckCategory = HealthCheckCategory.READINESS) -> HealthCheckResult:
    """Return a result with this status."""
    return HealthCheckResult("x", status, category=category)


def test_a_result_is_healthy_unless_said_otherwise() -> None:
    """The defaults."""
    found = HealthCheckResult("nosql")

    assert (found.is_healthy(), found.is_degraded(), found.duration_ms, found.category) == (
        True,
        False,
        0.0,
        "readiness",
    )
    assert found.checked_at.tzinfo is UTC
    assert HealthCheckResult("nosql", HealthStatus.DEGRADED).is_degraded()


@pytest.mark.parametrize(
    ("statuses", "expected"),
    [
        ([], "unknown"),
        (["healthy"], "healthy"),
        (["healthy", "starting"], "starting"),
        (["starting", "unknown"], "unknown"),
        (["unknown", "degraded"], "degraded"),
        (["degraded", "unhealthy", "healthy"], "unhealthy"),
    ],
)
def test_the_whole_is_as_bad_as_its_worst_part(statuses: list[str], expected: str) -> None:
    """In the order healthy, starting, unknown, degraded, unhealthy."""
    whole = AggregateHealthResult.of(result(HealthStatus(status)) for status in statuses)

    assert whole.status == expected
    assert whole.is_healthy() is (expected == "healthy")
    assert whole.is_degraded() is (expected == "degraded")


def test_components_may_come_as_a_list() -> None:
    """And are not shared with it."""
    found = [result(HealthStatus.HEALTHY)]
    whole = AggregateHealthResult(components=found)
    found.clear()

    assert len(whole.components) == 1


def test_a_category_is_summed_up_alone() -> None:
    """Liveness does not fail because the database is away."""
    whole = AggregateHealthResult(
        (result(HealthStatus.UNHEALTHY), result(HealthStatus.HEALTHY, HealthCheckCategory.LIVENESS))
    )

    assert whole.for_category(HealthCheckCategory.LIVENESS).is_healthy()
    assert whole.for_category(HealthCheckCategory.STARTUP).status == "unknown"


def test_results_are_data_that_json_takes() -> None:
    """Times are text."""
    one = HealthCheckResult(
        "nosql", HealthStatus.UNHEALTHY, "m", "down", 1.5, {"a": 1}, WHEN, HealthCheckCategory.LIVENESS
    )
    expected = {
        "component": "nosql",
        "status": "unhealthy",
        "message": "m",
        "error": "down",
        "duration_ms": 1.5,
        "details": {"a": 1},
        "checked_at": "2026-01-02T03:04:05+00:00",
        "category": "liveness",
    }

    assert json.loads(json.dumps(AggregateHealthResult((one,), WHEN).to_dict())) == {
        "status": "unhealthy",
        "checked_at": "2026-01-02T03:04:05+00:00",
        "components": [expected],
    }


def test_the_protocol_is_a_method() -> None:
    """Anything with a health check is one."""

    class Checked:
        async def health_check(self, timeout: float = 5.0) -> HealthCheckResult:  # noqa: ASYNC109
            return HealthCheckResult(f"{timeout}")

    assert isinstance(Checked(), HealthCheckProtocol)

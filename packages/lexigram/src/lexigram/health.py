"""Health: the contracts' types, and asking several components at once."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping

from lexigram.contracts.core.health import (
    AggregateHealthResult,
    HealthCheckCategory,
    HealthCheckProtocol,
    HealthCheckResult,
    HealthStatus,
)

__all__ = [
    "AggregateHealthResult",
    "HealthCheckCategory",
    "HealthCheckProtocol",
    "HealthCheckResult",
    "HealthStatus",
    "check_all",
    "check_one",
]


async def check_one(component: str, check: HealthCheckProtocol, timeout: float = 5.0) -> HealthCheckResult:  # noqa: ASYNC109 - the contract's name
    """Ask one component; a failure, or no answer in time, is a result.

    Args:
        component: Its name, for results that it does not make itself.
        check: The component.
        timeout: Seconds that it may take.

    Returns:
        What it says, or ``unhealthy`` with the error.
    """
    began = time.perf_counter()
    try:
        async with asyncio.timeout(timeout):
            return await check.health_check(timeout)
    except TimeoutError:
        error = f"no answer within {timeout} s"
    except Exception as failure:  # noqa: BLE001 - a check that fails says that the component does
        error = f"{type(failure).__name__}: {failure}"
    return HealthCheckResult(
        component,
        HealthStatus.UNHEALTHY,
        message="the health check failed",
        error=error,
        duration_ms=(time.perf_counter() - began) * 1000,
    )


async def check_all(checks: Mapping[str, HealthCheckProtocol], timeout: float = 5.0) -> AggregateHealthResult:  # noqa: ASYNC109 - the contract's name
    """Ask several components at once.

    Args:
        checks: The components by name.
        timeout: Seconds that each of them may take.

    Returns:
        The results, in the order of *checks*.
    """
    results = await asyncio.gather(*(check_one(name, check, timeout) for name, check in checks.items()))
    return AggregateHealthResult(tuple(results))

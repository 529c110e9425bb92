"""The health of an application: its providers', and its own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from lexigram.app.entries import Entry
from lexigram.app.states import AppState
from lexigram.health import AggregateHealthResult, HealthCheckCategory, HealthCheckResult, HealthStatus, check_all
from lexigram.services.readiness import ReadinessRegistry, ReadinessStatus

__all__ = ["check_providers", "check_readiness", "check_state"]

_READY = {
    AppState.CREATED: HealthStatus.STARTING,
    AppState.STARTING: HealthStatus.STARTING,
    AppState.RUNNING: HealthStatus.HEALTHY,
    AppState.STOPPING: HealthStatus.UNHEALTHY,
    AppState.STOPPED: HealthStatus.UNHEALTHY,
}


def check_state(name: str, state: AppState, category: HealthCheckCategory) -> HealthCheckResult:
    """What an application's state says of itself.

    Args:
        name: The application's name.
        state: Its state.
        category: The question. An application that still stops is alive, though not ready.

    Returns:
        The result, with the application as component.
    """
    status = _READY[state]
    if category is HealthCheckCategory.LIVENESS and state is not AppState.STOPPED:
        status = HealthStatus.HEALTHY
    return HealthCheckResult(name, status, message=f"the application is {state}", category=category)


async def check_providers(entries: Sequence[Entry], timeout: float) -> AggregateHealthResult:  # noqa: ASYNC109 - the contract's name
    """Ask all providers at once.

    Args:
        entries: The providers.
        timeout: Seconds that each of them may take.

    Returns:
        A result for each. One that the application can do without makes it degraded at worst.
    """
    asked = await check_all({e.name: e.provider for e in entries if e.failure is None}, timeout)
    found = iter(asked.components)
    return AggregateHealthResult(tuple(_judged(e, None if e.failure is not None else next(found)) for e in entries))


async def check_readiness(registry: ReadinessRegistry, timeout: float) -> tuple[HealthCheckResult, ...]:  # noqa: ASYNC109 - the contract's name
    """Ask the checks that were registered.

    Args:
        registry: The application's.
        timeout: Seconds that each of them may take.

    Returns:
        A result for each that is switched on.
    """
    found = await registry.run_all(timeout)
    return tuple(
        HealthCheckResult(name, HealthStatus.HEALTHY if status is ReadinessStatus.OK else HealthStatus.UNHEALTHY)
        for name, status in found.items()
        if status is not ReadinessStatus.SKIPPED
    )


def _judged(entry: Entry, result: HealthCheckResult | None) -> HealthCheckResult:
    if result is None:
        error = f"{type(entry.failure).__name__}: {entry.failure}"
        return HealthCheckResult(entry.name, HealthStatus.DEGRADED, message="the provider failed to boot", error=error)
    if result.status is HealthStatus.UNHEALTHY and not entry.provider.required:
        return replace(result, status=HealthStatus.DEGRADED)
    return result

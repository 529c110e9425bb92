"""Health: of single components, of providers together, of the application."""

# ruff: noqa: ASYNC109 - the contract's name

from __future__ import annotations

import asyncio

import pytest
from lexigram import (
    AggregateHealthResult,
    Application,
    AppState,
    HealthCheckResult,
    HealthStatus,
    LexigramConfig,
    Provider,
)
from lexigram.app.checks import check_state
from lexigram.contracts.core.di import ContainerResolverProtocol
from lexigram.health import HealthCheckCategory, HealthCheckProtocol, check_all, check_one

CONFIG = LexigramConfig()  # made here, since reading plugins would block the event loop


class Component:
    """A component that says what it is told to, fails, or never answers."""

    def __init__(
        self, status: HealthStatus = HealthStatus.HEALTHY, *, fails: bool = False, hangs: bool = False
    ) -> None:
        self.status = status
        self.fails = fails
        self.hangs = hangs

    async def health_check(self, timeout: float = 5.0) -> HealthCheckResult:
        if self.fails:
            raise OSError("broken")
        if self.hangs:
            await asyncio.Event().wait()
        return HealthCheckResult("component", self.status, details={"timeout": timeout})


class Sick(Provider):
    """A provider whose component is in some state."""

    def __init__(self, name: str, component: Component, *, required: bool = True) -> None:
        super().__init__()
        self.name = name
        self.component = component
        self.required = required

    async def health_check(self, timeout: float = 5.0) -> HealthCheckResult:
        return await self.component.health_check(timeout)


async def test_a_component_speaks_for_itself() -> None:
    """Its own result comes back, and it knows how long it may take."""
    component = Component(HealthStatus.DEGRADED)

    result = await check_one("name", component, 2.5)

    assert isinstance(component, HealthCheckProtocol)
    assert result.is_degraded()
    assert result.component == "component"
    assert result.details == {"timeout": 2.5}


async def test_a_failing_check_is_a_result() -> None:
    """An exception says that the component does not work."""
    result = await check_one("name", Component(fails=True))

    assert (result.component, result.status) == ("name", HealthStatus.UNHEALTHY)
    assert result.error == "OSError: broken"
    assert result.duration_ms >= 0


async def test_a_hanging_check_is_a_result() -> None:
    """No answer in time says so, too."""
    result = await check_one("name", Component(hangs=True), 0.01)

    assert result.status is HealthStatus.UNHEALTHY
    assert result.error == "no answer within 0.01 s"


async def test_components_are_asked_at_once() -> None:
    """Two that never answer take the time of one; the whole is as bad as the worst."""
    checks = {"a": Component(), "b": Component(hangs=True), "c": Component(HealthStatus.DEGRADED)}

    result = await check_all(checks, 0.01)

    assert [found.status for found in result.components] == ["healthy", "unhealthy", "degraded"]
    assert result.status is HealthStatus.UNHEALTHY
    assert (await check_all({})).status is HealthStatus.UNKNOWN


async def test_the_health_of_an_application_is_that_of_its_providers() -> None:
    """Required ones count fully; those that it can do without make it degraded at worst."""
    sick = Component(HealthStatus.UNHEALTHY)
    needed, extra = Sick("needed", Component()), Sick("extra", sick, required=False)
    async with Application.boot(providers=[needed, extra], config=CONFIG) as app:
        assert (await app.health_check()).status is HealthStatus.DEGRADED
        needed.component = Component(hangs=True)
        result = await app.health_check(timeout=0.01)
        assert result.status is HealthStatus.UNHEALTHY
        assert result.components[0].component == "needed"
        assert isinstance(result, AggregateHealthResult)
    assert (await app.health_check()).components == ()


async def test_an_application_is_ready_when_it_and_its_providers_are() -> None:
    """Before the start and after the end providers are not asked."""
    sick = Sick("sick", Component(HealthStatus.DEGRADED))
    app = Application("shop", CONFIG).add_provider(sick)
    assert (await app.readiness_check()).status is HealthStatus.STARTING
    async with app:
        ready = await app.readiness_check()
        assert [(r.component, r.status) for r in ready.components] == [("shop", "healthy"), ("component", "degraded")]
        assert ready.status is HealthStatus.DEGRADED
    ready = await app.readiness_check()
    assert len(ready.components) == 1
    assert ready.status is HealthStatus.UNHEALTHY


async def test_an_application_has_started_when_all_has_booted() -> None:
    """While it boots it is starting; alive it is until the end."""
    seen: list[HealthStatus] = []

    class Asking(Provider):
        async def boot(self, container: ContainerResolverProtocol) -> None:
            seen.append((await app.startup_check()).status)
            seen.append((await app.liveness_check()).status)

    app = Application("shop", CONFIG).add_provider(Asking)
    async with app:
        assert (await app.startup_check()).is_healthy()
        assert (await app.liveness_check()).is_healthy()
    assert seen == [HealthStatus.STARTING, HealthStatus.HEALTHY]
    assert (await app.liveness_check()).status is HealthStatus.UNHEALTHY


@pytest.mark.parametrize(
    ("category", "expected"),
    [
        (HealthCheckCategory.LIVENESS, ["healthy", "healthy", "healthy", "healthy", "unhealthy"]),
        (HealthCheckCategory.READINESS, ["starting", "starting", "healthy", "unhealthy", "unhealthy"]),
        (HealthCheckCategory.STARTUP, ["starting", "starting", "healthy", "unhealthy", "unhealthy"]),
    ],
)
def test_a_state_answers_each_question(category: HealthCheckCategory, expected: list[str]) -> None:
    """An application that stops is alive, but not ready."""
    results = [check_state("shop", state, category) for state in AppState]

    assert [result.status for result in results] == expected
    assert {result.category for result in results} == {category}

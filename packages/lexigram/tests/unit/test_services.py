"""Services: states, callers at the same time, cancellations, limits; groups that start all or none; readiness."""

from __future__ import annotations

import asyncio

import pytest
from lexigram import Application, Provider
from lexigram.contracts.core.health import HealthCheckProtocol, HealthCheckResult, HealthStatus
from lexigram.services import (
    ReadinessRegistry,
    ReadinessStatus,
    Service,
    ServiceDisabledError,
    ServiceError,
    ServiceGroup,
    ServiceProtocol,
    ServiceReadinessCheck,
    ServiceState,
    ServiceStateError,
    ServiceTimeoutError,
)
from lexigram.services.finishing import OutOfTimeError, seen_through


class Toy(Service):
    """Keeps a diary; waits at its gate when it has one; fails when told to."""

    def __init__(self, name: str = "toy", diary: list[str] | None = None, **options: object) -> None:
        super().__init__(name, **options)  # type: ignore[arg-type]
        self.diary: list[str] = [] if diary is None else diary
        self.gate: asyncio.Event | None = None
        self.opening = asyncio.Event()
        self.fails: BaseException | None = None
        self.close_fails: BaseException | None = None
        self.close_gate: asyncio.Event | None = None
        self.closing = asyncio.Event()
        self.checked: HealthCheckResult | BaseException | None = None

    async def _open(self) -> None:
        self.diary.append(f"open {self.name}")
        self.opening.set()
        if self.gate is not None:
            await self.gate.wait()
        if self.fails is not None:
            raise self.fails

    async def _close(self) -> None:
        self.closing.set()
        if self.close_gate is not None:
            await self.close_gate.wait()
        self.diary.append(f"close {self.name}")
        if self.close_fails is not None:
            raise self.close_fails

    async def _check(self, timeout: float) -> HealthCheckResult:  # noqa: ASYNC109 - of the base
        if isinstance(self.checked, BaseException):
            raise self.checked
        return self.checked or await super()._check(timeout)


async def test_a_service_goes_from_created_to_ready_to_stopped() -> None:
    """And it may be started again."""
    toy = Toy()
    assert (toy.state, toy.is_ready()) == (ServiceState.CREATED, False)

    await toy.start()
    assert (toy.state, toy.is_ready()) == (ServiceState.READY, True)

    await toy.stop()
    assert (toy.state, toy.is_ready()) == (ServiceState.STOPPED, False)

    await toy.start()
    assert toy.diary == ["open toy", "close toy", "open toy"]


async def test_a_service_has_the_forms_that_others_ask_for() -> None:
    """As a service and as something with a health check."""
    assert isinstance(Toy(), ServiceProtocol)
    assert isinstance(Toy(), HealthCheckProtocol)


async def test_starting_and_stopping_twice_does_nothing() -> None:
    """Whoever comes second finds it done."""
    async with Toy() as toy:
        await toy.start()
    await toy.stop()

    assert toy.diary == ["open toy", "close toy"]


async def test_callers_at_the_same_time_share_one_start() -> None:
    """Nobody comes back before it is ready."""
    toy = Toy()
    toy.gate = asyncio.Event()
    callers = [asyncio.create_task(toy.start()) for _ in range(5)]
    await toy.opening.wait()
    assert not any(caller.done() for caller in callers)

    toy.gate.set()
    await asyncio.gather(*callers)

    assert toy.diary == ["open toy"]


async def test_a_failed_start_is_closed_and_may_be_repeated() -> None:
    """What was half open does not stay so."""
    toy = Toy()
    toy.fails = OSError("gone")
    with pytest.raises(OSError, match="gone"):
        await toy.start()
    assert (toy.state, toy.failure) == (ServiceState.FAILED, toy.fails)
    assert toy.diary == ["open toy", "close toy"]

    toy.fails = None
    await toy.start()
    assert (toy.is_ready(), toy.failure) == (True, None)


async def test_the_failure_of_a_start_is_not_hidden_by_that_of_the_closing(caplog: pytest.LogCaptureFixture) -> None:
    """The second one is logged."""
    toy = Toy()
    toy.fails, toy.close_fails = OSError("gone"), ValueError("stuck")

    with pytest.raises(OSError, match="gone"):
        await toy.start()

    assert "closing the service 'toy' after a failed start failed" in caplog.text


async def test_a_cancelled_start_closes_what_it_opened() -> None:
    """And is a cancellation for its caller."""
    toy = Toy()
    toy.gate = asyncio.Event()
    starting = asyncio.create_task(toy.start())
    await toy.opening.wait()

    starting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await starting

    assert (toy.diary, toy.state) == (["open toy", "close toy"], ServiceState.STOPPED)


async def test_a_caller_who_waits_starts_it_when_the_first_is_cancelled() -> None:
    """The cancellation is the first caller's alone."""
    toy = Toy()
    toy.gate = asyncio.Event()
    first, second = asyncio.create_task(toy.start()), asyncio.create_task(toy.start())
    await toy.opening.wait()

    first.cancel()
    toy.gate.set()
    await second

    assert first.cancelled() or isinstance(first.exception(), asyncio.CancelledError)
    assert toy.is_ready()


async def test_a_stop_breaks_off_a_start_that_takes_long() -> None:
    """It does not wait for what may never come."""
    toy = Toy()
    toy.gate = asyncio.Event()
    starting = asyncio.create_task(toy.start())
    await toy.opening.wait()

    await toy.stop()

    with pytest.raises(ServiceStateError, match="was stopped while it started"):
        await starting
    assert (toy.diary, toy.state) == (["open toy", "close toy"], ServiceState.STOPPED)


async def test_a_start_that_takes_too_long_is_an_error_with_the_limit() -> None:
    """And is taken back."""
    toy = Toy(start_timeout=0.01)
    toy.gate = asyncio.Event()

    with pytest.raises(ServiceTimeoutError, match=r"did not start within 0\.01 s") as caught:
        await toy.start()

    assert (caught.value.service, caught.value.timeout) == ("toy", 0.01)
    assert (toy.diary, toy.state) == (["open toy", "close toy"], ServiceState.FAILED)


async def test_a_timeout_of_the_service_itself_is_told_as_it_is() -> None:
    """Only the limit's passing is ours."""
    toy = Toy(start_timeout=10, stop_timeout=10)
    toy.fails = TimeoutError("the server's")
    with pytest.raises(TimeoutError, match="the server's"):
        await toy.start()

    toy.fails, toy.close_fails = None, TimeoutError("the server's")
    await toy.start()
    with pytest.raises(TimeoutError, match="the server's"):
        await toy.stop()


async def test_a_stop_that_takes_too_long_is_an_error_and_counts_as_stopped() -> None:
    """Nobody waits for ever."""
    toy = Toy(stop_timeout=0.01)
    toy.close_gate = asyncio.Event()
    await toy.start()

    with pytest.raises(ServiceTimeoutError, match=r"did not stop within 0\.01 s"):
        await toy.stop()

    assert toy.state is ServiceState.STOPPED


async def test_a_stop_that_has_begun_is_finished_although_the_caller_is_cancelled() -> None:
    """Half closed is worse than late."""
    toy = Toy()
    toy.close_gate = asyncio.Event()
    await toy.start()
    stopping = asyncio.create_task(toy.stop())
    await toy.closing.wait()

    stopping.cancel()
    await asyncio.sleep(0)
    assert not stopping.done()
    toy.close_gate.set()
    with pytest.raises(asyncio.CancelledError):
        await stopping

    assert toy.diary == ["open toy", "close toy"]


async def test_what_does_not_heed_its_cancellation_is_left_alone() -> None:
    """The limit holds for it as well."""
    done = asyncio.Event()

    async def stubborn() -> None:
        while not done.is_set():
            try:
                await done.wait()
            except asyncio.CancelledError:
                continue

    began = asyncio.get_running_loop().time()
    with pytest.raises(OutOfTimeError):
        await seen_through(stubborn(), 0.01)

    assert asyncio.get_running_loop().time() - began < 5
    done.set()


async def test_waiting_ends_when_it_is_ready() -> None:
    """However many wait, and without starting it."""
    toy = Toy()
    waiting = [asyncio.create_task(toy.wait_ready(timeout=30)) for _ in range(3)]
    await asyncio.sleep(0)
    assert toy.state is ServiceState.CREATED

    await toy.start()
    await asyncio.gather(*waiting)


async def test_waiting_too_long_is_an_error_that_says_what_to_do() -> None:
    """The service was never started."""
    with pytest.raises(ServiceTimeoutError, match=r"not ready within 0\.01 s: it is created") as caught:
        await Toy().wait_ready(timeout=0.01)

    assert (caught.value.hint, caught.value.timeout) == ("Start it first.", 0.01)


async def test_waiting_for_a_start_that_fails_ends_with_the_failure() -> None:
    """Nobody waits for what will not come."""
    toy = Toy()
    toy.gate, toy.fails = asyncio.Event(), OSError("gone")
    starting, waiting = asyncio.create_task(toy.start()), asyncio.create_task(toy.wait_ready())
    await toy.opening.wait()
    toy.gate.set()

    with pytest.raises(ServiceError, match="failed to start: OSError") as caught:
        await waiting
    assert caught.value.__cause__ is toy.fails
    with pytest.raises(OSError, match="gone"):
        await starting


async def test_a_service_that_is_switched_off_cannot_be_started_or_waited_for() -> None:
    """Both say so at once."""
    toy = Toy(enabled=False)

    with pytest.raises(ServiceDisabledError, match="is switched off and cannot be started"):
        await toy.start()
    with pytest.raises(ServiceDisabledError, match="will never be ready"):
        await toy.wait_ready()
    assert (await toy.health()).status is HealthStatus.DEGRADED
    assert repr(toy) == "<Toy 'toy' disabled>"


async def test_health_follows_the_state() -> None:
    """A service that is ready is asked; the others are not."""
    toy = Toy()
    assert (await toy.health()).status is HealthStatus.UNKNOWN

    toy.gate = asyncio.Event()
    starting = asyncio.create_task(toy.start())
    await toy.opening.wait()
    assert (await toy.health()).status is HealthStatus.STARTING

    toy.gate.set()
    await starting
    assert (await toy.health_check()).status is HealthStatus.HEALTHY

    toy.checked = HealthCheckResult("toy", HealthStatus.DEGRADED, message="slow")
    assert (await toy.health()).message == "slow"

    await toy.stop()
    assert (await toy.health()).status is HealthStatus.UNHEALTHY


async def test_a_health_check_that_fails_is_a_result_without_the_text() -> None:
    """The text may hold a secret."""
    async with Toy() as toy:
        toy.checked = OSError("mongodb://ada:hunter2@db")
        result = await toy.health()

    assert (result.status, result.error) == (HealthStatus.UNHEALTHY, "OSError")
    assert "hunter2" not in str(result.to_dict())


async def test_a_health_check_that_takes_too_long_is_a_result() -> None:
    """Nobody waits longer than he said."""

    class Slow(Toy):
        async def _check(self, timeout: float) -> HealthCheckResult:  # noqa: ASYNC109 - of the base
            await asyncio.Event().wait()
            raise AssertionError

    async with Slow() as slow:
        result = await slow.health(timeout=0.01)

    assert (result.status, result.error) == (HealthStatus.UNHEALTHY, "no answer within 0.01 s")


# --- groups


def three() -> tuple[ServiceGroup, list[Toy], list[str]]:
    """A group of three services that write one diary."""
    diary: list[str] = []
    toys = [Toy(name, diary) for name in "abc"]
    return ServiceGroup("all", toys), toys, diary


async def test_a_group_starts_at_once_and_stops_in_reverse() -> None:
    """Each waits at its gate, so none can have come before another."""
    group, toys, diary = three()
    gate = asyncio.Event()
    for toy in toys:
        toy.gate = gate
    starting = asyncio.create_task(group.start())
    await asyncio.gather(*(toy.opening.wait() for toy in toys))
    gate.set()
    await starting
    assert group.is_ready()

    await group.stop()
    assert diary == ["open a", "open b", "open c", "close c", "close b", "close a"]


async def test_one_of_three_that_fails_rolls_the_others_back() -> None:
    """One is ready by then, one still starts; the failure names its service."""
    group, (a, b, c), diary = three()
    b.gate, b.fails = asyncio.Event(), OSError("gone")
    c.gate = asyncio.Event()
    starting = asyncio.create_task(group.start())
    await asyncio.gather(*(toy.opening.wait() for toy in (a, b, c)))
    await a.wait_ready()

    b.gate.set()
    with pytest.raises(OSError, match="gone") as caught:
        await starting

    assert caught.value.__notes__ == ["while starting the service 'b'"]
    assert sorted(diary[3:]) == ["close a", "close b", "close c"]
    assert not any(toy.is_ready() for toy in (a, b, c))
    assert group.state is ServiceState.FAILED


async def test_a_cancelled_start_of_a_group_stops_those_that_had_started() -> None:
    """Also the ones that were ready."""
    group, (a, b, _), diary = three()
    b.gate = asyncio.Event()
    starting = asyncio.create_task(group.start())
    await b.opening.wait()
    await a.wait_ready()

    starting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await starting

    assert sorted(line for line in diary if line.startswith("close")) == ["close a", "close b", "close c"]


async def test_a_start_that_fails_leaves_what_ran_before_running() -> None:
    """It takes back what it did, and no more."""
    group, (a, b, _), _ = three()
    await a.start()
    b.fails = OSError("gone")

    with pytest.raises(OSError, match="gone"):
        await group.start()

    assert a.is_ready()


async def test_a_group_passes_over_members_that_are_switched_off() -> None:
    """They are in the description, and nowhere else."""
    diary: list[str] = []
    group = ServiceGroup("all", [Toy("a", diary), Toy("b", diary, enabled=False)])
    async with group:
        assert group.describe() == (
            {"name": "a", "enabled": True, "ready": True},
            {"name": "b", "enabled": False, "ready": False},
        )
        assert list((await group.health()).details) == ["a"]

    assert diary == ["open a", "close a"]


async def test_one_that_cannot_be_stopped_does_not_keep_the_others_running() -> None:
    """Its failure is raised when all have been told."""
    group, (a, b, c), _ = three()
    await group.start()
    b.close_fails = ValueError("stuck")

    with pytest.raises(ValueError, match="stuck"):
        await group.stop()

    assert not any(toy.is_ready() for toy in (a, b, c))


async def test_the_health_of_a_group_is_that_of_its_worst_member() -> None:
    """With each one's own in the details."""
    group, (_, b, _), _ = three()
    async with group:
        b.checked = HealthCheckResult("b", HealthStatus.UNHEALTHY, error="gone")
        result = await group.health()

    assert (result.status, result.error) == (HealthStatus.UNHEALTHY, "gone")
    assert {name: found["status"] for name, found in result.details.items()} == {
        "a": "healthy",
        "b": "unhealthy",
        "c": "healthy",
    }


async def test_a_group_is_not_ready_while_a_member_is_not() -> None:
    """Whoever waits is told which one."""
    group, (a, _, _), _ = three()
    async with group:
        await a.stop()
        assert not group.is_ready()
        with pytest.raises(ServiceTimeoutError, match="not ready: a"):
            await group.wait_ready(timeout=0.01)
        assert (await group.health()).status is HealthStatus.UNHEALTHY

        await a.start()
        await group.wait_ready(timeout=5)


async def test_a_group_without_members_is_ready_when_started() -> None:
    """There is nothing to wait for."""
    async with ServiceGroup("none") as group:
        assert group.is_ready()
        assert (await group.health()).status is HealthStatus.HEALTHY


def test_two_members_of_one_name_are_refused() -> None:
    """They could not be told apart."""
    with pytest.raises(ValueError, match="two services named 'a'"):
        ServiceGroup("all", [Toy("a"), Toy("a")])


# --- readiness


class Check:
    """A check that answers as told."""

    def __init__(self, name: str, answer: bool | BaseException | None, *, enabled: bool = True) -> None:
        self.name = name
        self.answer = answer
        self.on = enabled

    def enabled(self) -> bool:
        return self.on

    async def check(self) -> bool:
        if isinstance(self.answer, BaseException):
            raise self.answer
        if self.answer is None:
            await asyncio.Event().wait()
        return bool(self.answer)


async def test_checks_say_ok_fail_or_skipped() -> None:
    """A check that fails or takes too long says no."""
    registry = ReadinessRegistry()
    for check in (
        Check("yes", True),
        Check("no", False),
        Check("broken", OSError("x")),
        Check("slow", None),
        Check("off", True, enabled=False),
    ):
        registry.register(check)

    found = await registry.run_all(timeout=0.01)

    assert found == {"yes": "ok", "no": "fail", "broken": "fail", "slow": "fail", "off": "skipped"}
    assert not registry.is_ready(found)
    assert registry.is_ready({"yes": ReadinessStatus.OK, "off": ReadinessStatus.SKIPPED})


async def test_a_service_is_ready_when_it_has_started_and_is_not_unhealthy() -> None:
    """Degraded is good enough to serve."""
    registry, toy = ReadinessRegistry(), Toy()
    undo = registry.register(ServiceReadinessCheck(toy))
    assert await registry.run_all() == {"toy": "fail"}

    await toy.start()
    toy.checked = HealthCheckResult("toy", HealthStatus.DEGRADED)
    assert await registry.run_all() == {"toy": "ok"}

    toy.checked = HealthCheckResult("toy", HealthStatus.UNHEALTHY)
    assert await registry.run_all() == {"toy": "fail"}

    undo()
    undo()
    assert registry.names == ()


def test_two_checks_of_one_name_are_refused_until_the_registry_is_cleared() -> None:
    """A second one would hide the first."""
    registry = ReadinessRegistry()
    registry.register(Check("db", True))
    with pytest.raises(ValueError, match="a readiness check 'db' already"):
        registry.register(Check("db", True))

    registry.clear()
    registry.register(Check("db", True))


@pytest.mark.allow_blocking("an application looks for plugins while it starts")
async def test_an_application_asks_the_registered_checks_whether_it_is_ready() -> None:
    """A provider registers one; a check that is switched off is left out."""
    check = Check("queue", False)

    class QueueProvider(Provider):
        async def boot(self, container: object) -> None:
            registry = await container.resolve(ReadinessRegistry)  # type: ignore[attr-defined]
            registry.register(check)

    async with Application.boot(providers=[QueueProvider()]) as app:
        before = await app.readiness_check()
        check.answer = True
        after = await app.readiness_check()
        check.on = False
        without = await app.readiness_check()

    assert before.status is HealthStatus.UNHEALTHY
    assert after.is_healthy()
    assert "queue" not in [result.component for result in without.components]

"""HookRegistry: order, isolation of errors, once, and handlers that come and go."""

from __future__ import annotations

import asyncio
import logging
from typing import Any

import pytest
from lexigram.hooks import HookPriority, HookRegistry, HookRegistryProtocol


@pytest.fixture
def hooks() -> HookRegistry:
    """An empty registry."""
    return HookRegistry()


def test_it_implements_the_contract(hooks: HookRegistry) -> None:
    """Services depend on the protocol."""
    assert isinstance(hooks, HookRegistryProtocol)


async def test_an_action_without_handlers_does_nothing(hooks: HookRegistry) -> None:
    """Firing is always safe."""
    await hooks.call_action("nobody.listens", payload=1)

    assert not hooks.has_action("nobody.listens")


async def test_sync_and_async_handlers_get_the_arguments_of_the_call(hooks: HookRegistry) -> None:
    """Both kinds of function are handlers."""
    seen: list[tuple[str, Any]] = []

    async def slow(payload: int) -> None:
        await asyncio.sleep(0)
        seen.append(("async", payload))

    hooks.register_action("x", lambda payload: seen.append(("sync", payload)))
    hooks.register_action("x", slow)
    await hooks.call_action("x", payload=7)

    assert seen == [("sync", 7), ("async", 7)]


async def test_handlers_run_by_priority_then_by_registration(hooks: HookRegistry) -> None:
    """The lowest priority runs first."""
    order: list[str] = []
    for name, priority in [
        ("late", HookPriority.LATE),
        ("first", HookPriority.EARLIEST),
        ("a", HookPriority.NORMAL),
        ("b", HookPriority.NORMAL),
        ("between", 75),
        ("last", HookPriority.LATEST),
    ]:
        hooks.register_action("x", lambda name=name: order.append(name), priority)

    await hooks.call_action("x")

    assert order == ["first", "between", "a", "b", "late", "last"]


async def test_a_failing_action_handler_is_logged_and_the_others_run(
    hooks: HookRegistry, caplog: pytest.LogCaptureFixture
) -> None:
    """The log says which handler of which hook, with the traceback."""
    ran: list[str] = []

    @hooks.action("x")
    def broken() -> None:
        raise ValueError("boom")

    @hooks.action("x")
    async def also_broken() -> None:
        raise KeyError("bang")

    hooks.register_action("x", lambda: ran.append("last"))

    with caplog.at_level(logging.ERROR):
        await hooks.call_action("x")

    assert ran == ["last"]
    assert [record.exc_info[0] for record in caplog.records if record.exc_info] == [ValueError, KeyError]
    assert "'x'" in caplog.messages[0]
    assert "broken" in caplog.messages[0]


async def test_cancellation_passes_through_an_action(hooks: HookRegistry) -> None:
    """Being told to stop is not an error to isolate."""

    @hooks.action("x")
    async def cancelled() -> None:
        raise asyncio.CancelledError

    with pytest.raises(asyncio.CancelledError):
        await hooks.call_action("x")


async def test_a_filter_hands_the_value_on(hooks: HookRegistry) -> None:
    """Each handler gets what the one before returned, and the keyword arguments."""

    @hooks.filter("price", HookPriority.LATE)
    def double(value: int, **_: Any) -> int:
        return value * 2

    @hooks.filter("price")
    async def add(value: int, *, amount: int) -> int:
        return value + amount

    assert await hooks.apply_filter("price", 1, amount=3) == 8
    assert await hooks.apply_filter("other", 1) == 1
    assert hooks.has_filter("price")


async def test_an_error_in_a_filter_propagates(hooks: HookRegistry) -> None:
    """Half a filter would be a wrong value."""

    @hooks.filter("price")
    def broken(value: int) -> int:
        raise ValueError("boom")

    with pytest.raises(ValueError, match="boom"):
        await hooks.apply_filter("price", 1)


async def test_once_runs_for_the_first_call_only(hooks: HookRegistry) -> None:
    """For actions and for filters."""
    seen: list[int] = []
    hooks.register_action("x", lambda n: seen.append(n), once=True)
    hooks.register_filter("y", lambda value: value + 1, once=True)

    await hooks.call_action("x", n=1)
    await hooks.call_action("x", n=2)

    assert seen == [1]
    assert [await hooks.apply_filter("y", 0), await hooks.apply_filter("y", 0)] == [1, 0]


async def test_once_runs_once_even_if_two_calls_are_under_way(hooks: HookRegistry) -> None:
    """The handler is taken away before it runs, not after."""
    gate = asyncio.Event()
    seen: list[str] = []

    async def wait() -> None:
        await gate.wait()

    hooks.register_action("x", wait)
    hooks.register_action("x", lambda: seen.append("once"), once=True)
    hooks.register_filter("y", lambda value: wait_and_return(value))
    hooks.register_filter("y", lambda value: value + 1, once=True)

    async def wait_and_return(value: int) -> int:
        await gate.wait()
        return value

    async with asyncio.TaskGroup() as group:
        calls = [group.create_task(hooks.call_action("x")) for _ in range(2)]
        filters = [group.create_task(hooks.apply_filter("y", 0)) for _ in range(2)]
        await asyncio.sleep(0)
        gate.set()

    assert all(call.done() for call in calls)
    assert seen == ["once"]
    assert sorted(task.result() for task in filters) == [0, 1]


async def test_once_may_call_its_own_hook_again(hooks: HookRegistry) -> None:
    """No endless recursion."""
    calls: list[int] = []

    async def again() -> None:
        calls.append(1)
        await hooks.call_action("x")

    hooks.register_action("x", again, once=True)
    await hooks.call_action("x")

    assert calls == [1]


async def test_registering_a_handler_again_moves_it(hooks: HookRegistry) -> None:
    """It runs once, at the new priority."""
    order: list[str] = []

    def moved() -> None:
        order.append("moved")

    hooks.register_action("x", moved, HookPriority.EARLY)
    hooks.register_action("x", lambda: order.append("other"))
    hooks.register_action("x", moved, HookPriority.LATE)
    await hooks.call_action("x")

    assert order == ["other", "moved"]


async def test_unregister_says_whether_the_handler_was_there(hooks: HookRegistry) -> None:
    """Actions and filters are separate name spaces."""

    def handler(*_: Any, **__: Any) -> int:
        raise AssertionError("must not run")

    hooks.register_action("x", handler)
    hooks.register_filter("x", handler)
    hooks.register_filter("x", abs)

    assert hooks.unregister_action("x", handler)
    assert not hooks.unregister_action("x", handler)
    assert hooks.unregister_filter("x", handler)
    assert not hooks.unregister_filter("unknown", handler)
    await hooks.call_action("x")
    assert await hooks.apply_filter("x", -5) == 5


async def test_changes_during_a_call_count_from_the_next(hooks: HookRegistry) -> None:
    """A running call walks the handlers it started with."""
    order: list[str] = []

    def second() -> None:
        order.append("second")

    def first() -> None:
        order.append("first")
        hooks.unregister_action("x", second)
        hooks.register_action("x", lambda: order.append("third"), HookPriority.LATEST)

    hooks.register_action("x", first, once=True)
    hooks.register_action("x", second)

    await hooks.call_action("x")
    assert order == ["first", "second"]

    order.clear()
    await hooks.call_action("x")
    assert order == ["third"]


def test_decorators_return_the_function(hooks: HookRegistry) -> None:
    """The decorated name stays usable."""

    @hooks.action("x")
    def act() -> str:
        return "act"

    @hooks.filter("y")
    def change(value: int) -> int:
        return value + 1

    assert (act(), change(1)) == ("act", 2)
    assert repr(hooks) == "HookRegistry(actions=['x'], filters=['y'])"


async def test_clear_takes_everything_away(hooks: HookRegistry) -> None:
    """For tests that share a registry."""
    hooks.register_action("x", print)
    hooks.register_filter("y", abs)

    hooks.clear()

    assert repr(hooks) == "HookRegistry(actions=[], filters=[])"

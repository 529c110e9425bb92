"""Coroutines that go on when the task that waits for them is cancelled."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from contextvars import ContextVar
from typing import Any

import pytest
from lexigram.nosql.backends.mongodb.leaving import MAY_BE_LEFT, Leavable

pytestmark = pytest.mark.skipif(not MAY_BE_LEFT, reason="from Python 3.12 on, requests are tasks that begin at once")

LIMIT: ContextVar[float | None] = ContextVar("LIMIT", default=None)


def leavable(work: Coroutine[Any, Any, Any]) -> Leavable[Any]:
    return Leavable(work, asyncio.get_running_loop())


async def waited(work: Leavable[Any]) -> Any:
    return await work


async def left(work: Leavable[Any], sent: asyncio.Event) -> None:
    """Cancel a task that waits for *work*."""
    task = asyncio.create_task(waited(work))
    await sent.wait()
    task.cancel()
    await asyncio.wait((task,))
    assert task.cancelled()
    assert work.left


class Work:
    """Waits twice, and says what it has seen."""

    def __init__(self) -> None:
        loop = asyncio.get_running_loop()
        self.sent = asyncio.Event()
        self.first: asyncio.Future[str] = loop.create_future()
        self.second: asyncio.Future[str] = loop.create_future()
        self.seen: list[str] = []

    async def run(self) -> list[str]:
        token = LIMIT.set(1.0)
        try:
            self.sent.set()
            self.seen.append(await self.first)
            self.seen.append(await self.second)
        except ValueError as error:
            self.seen.append(f"failed: {error}")
        finally:
            LIMIT.reset(token)
        return self.seen


async def test_work_runs_in_the_task_that_waits() -> None:
    """No other is made, and what it returns or raises comes through."""

    async def task() -> asyncio.Task[Any] | None:
        await asyncio.sleep(0)
        return asyncio.current_task()

    async def fail() -> None:
        await asyncio.sleep(0.001)
        raise ValueError("no")

    assert await leavable(task()) is asyncio.current_task()
    with pytest.raises(ValueError, match="no"):
        await leavable(fail())


async def test_errors_of_what_work_waits_for_reach_it() -> None:
    """Cancellations too, where it is not the task that is cancelled."""
    work = Work()
    asyncio.get_running_loop().call_soon(work.first.set_exception, ValueError("lost"))
    assert await leavable(work.run()) == ["failed: lost"]

    work = Work()
    asyncio.get_running_loop().call_soon(work.first.cancel)
    going = leavable(work.run())
    with pytest.raises(asyncio.CancelledError):
        await going
    assert not going.left


async def test_work_that_is_left_goes_on_from_where_it_was() -> None:
    """It has not noticed, and ends as it would have ended."""
    work = Work()
    going = leavable(work.run())
    await left(going, work.sent)
    rest = going.go_on()
    assert not work.first.cancelled()

    work.first.set_result("one")
    work.second.set_result("two")

    assert await rest == ["one", "two"]


async def test_work_may_be_left_when_its_answer_is_there() -> None:
    """In the same turn of the event loop."""
    work = Work()
    going = leavable(work.run())
    task = asyncio.create_task(waited(going))
    await work.sent.wait()
    work.first.set_result("one")
    task.cancel()
    await asyncio.wait((task,))

    assert task.cancelled()
    rest = going.go_on()
    work.second.set_result("two")
    assert await rest == ["one", "two"]


async def test_work_may_be_left_where_it_gives_others_a_turn() -> None:
    """A coroutine that waits for nothing is left there too."""
    turns: list[int] = []

    async def turn() -> str:
        for number in range(3):
            turns.append(number)
            await asyncio.sleep(0)
        return "done"

    going = leavable(turn())
    task = asyncio.create_task(waited(going))
    await asyncio.sleep(0)
    task.cancel()
    await asyncio.wait((task,))

    assert (turns, task.cancelled()) == ([0], True)
    assert await going.go_on() == "done"


async def test_what_is_left_can_be_cut_off() -> None:
    """Its task is cancelled as any other, and what it catches it goes on with."""
    work = Work()
    going = leavable(work.run())
    await left(going, work.sent)
    rest = going.go_on()
    await asyncio.sleep(0)
    rest.cancel()
    await asyncio.wait((rest,))

    assert rest.cancelled()
    assert work.first.cancelled()

    work = Work()
    going = leavable(work.run())
    await left(going, work.sent)
    rest = going.go_on()
    work.first.set_exception(ValueError("lost"))
    assert await rest == ["failed: lost"]


async def test_what_work_sets_is_seen_by_nobody_else() -> None:
    """Neither while it runs nor after it was left: PyMongo keeps its time limits in variables of the context."""
    work = Work()
    going = leavable(work.run())
    await left(going, work.sent)
    assert LIMIT.get() is None
    token = LIMIT.set(2.0)
    rest = going.go_on()
    work.first.set_result("one")
    work.second.set_result("two")

    await rest

    assert LIMIT.get() == 2.0
    LIMIT.reset(token)


async def test_a_time_limit_leaves_work_as_well() -> None:
    """It cancels the task, and the task goes on."""
    work = Work()
    going = leavable(work.run())
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.001):
            await going
    rest = going.go_on()
    work.first.set_result("one")
    work.second.set_result("two")

    assert await rest == ["one", "two"]


async def test_work_is_closed_with_who_waits() -> None:
    """A coroutine that is thrown away closes what it waits for."""
    work = Work()
    waiting = waited(leavable(work.run()))
    waiting.send(None)
    waiting.close()

    assert LIMIT.get() is None
    assert work.sent.is_set()
    assert not work.first.done()

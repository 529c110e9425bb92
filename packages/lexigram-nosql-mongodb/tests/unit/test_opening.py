"""Cursors whose reader has gone before the first answer are closed."""

from __future__ import annotations

import asyncio

import pytest
from lexigram.nosql.backends.mongodb.opening import Openings
from pymongo.errors import ConnectionFailure


class Request:
    """A request that is answered when the test says so."""

    def __init__(self) -> None:
        self.sent = asyncio.Event()
        self.answer: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self.closed = asyncio.Event()
        self.result: str | None = None

    async def make(self) -> str:
        self.sent.set()
        return await self.answer

    async def close(self, result: str) -> None:
        self.result = result
        self.closed.set()


async def cancelled(openings: Openings, request: Request, *, alone: bool = True) -> asyncio.Task[str]:
    """Make a request, and cancel the task that waits for it."""
    task = asyncio.create_task(openings.first(request.make(), request.close, alone=alone))
    await request.sent.wait()
    task.cancel()
    if alone:
        await asyncio.wait((task,))
        assert task.cancelled()
    return task


async def test_an_answer_that_is_waited_for_is_returned_and_left_open() -> None:
    """Nothing is closed."""
    openings, request = Openings(interruptible=True), Request()
    request.answer.set_result("cursor")

    assert await openings.first(request.make(), request.close) == "cursor"
    await openings.end()
    assert not request.closed.is_set()


async def test_what_is_opened_for_nobody_is_closed() -> None:
    """The cancellation does not wait for it."""
    openings, request = Openings(interruptible=True), Request()
    await cancelled(openings, request)
    request.answer.set_result("cursor")

    await request.closed.wait()

    assert request.result == "cursor"


async def test_an_answer_that_comes_with_the_cancellation_is_closed() -> None:
    """Also where the answer was there first."""
    openings, request = Openings(interruptible=True), Request()
    task = asyncio.create_task(openings.first(request.make(), request.close))
    await request.sent.wait()
    request.answer.set_result("cursor")
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task

    await openings.end()

    assert request.result == "cursor"


async def test_a_request_that_takes_too_long_is_cut_off() -> None:
    """So that its connection is closed, and the server ends it."""
    openings, request = Openings(interruptible=True, patience=0.01), Request()
    await cancelled(openings, request)

    await openings.end()

    assert request.answer.cancelled()
    assert not request.closed.is_set()


async def test_a_request_on_a_thread_is_waited_for() -> None:
    """Cutting it off would only hide it."""
    openings, request = Openings(interruptible=False, patience=0.01), Request()
    await cancelled(openings, request)
    await openings.end()
    assert not request.answer.done()
    request.answer.set_result("cursor")

    await request.closed.wait()

    assert request.result == "cursor"


async def test_in_a_session_the_cancellation_waits_until_the_cursor_is_closed() -> None:
    """The next request of the session would run beside it."""
    openings, request = Openings(interruptible=True), Request()
    task = await cancelled(openings, request, alone=False)
    request.answer.set_result("cursor")

    await asyncio.wait((task,))

    assert task.cancelled()
    assert request.closed.is_set()


@pytest.mark.parametrize("error", [ConnectionFailure("gone"), asyncio.CancelledError()], ids=repr)
async def test_a_request_that_fails_leaves_nothing_to_close(error: BaseException) -> None:
    """Nor anything in the log."""
    openings, request = Openings(interruptible=True), Request()
    await cancelled(openings, request)
    request.answer.set_exception(error)

    await openings.end()

    assert not request.closed.is_set()


async def test_a_cursor_that_cannot_be_closed_is_left_to_the_server() -> None:
    """Its connection is gone."""

    class Lost(Request):
        async def close(self, result: str) -> None:
            await super().close(result)
            raise ConnectionFailure("gone")

    openings, request = Openings(interruptible=True), Lost()
    await cancelled(openings, request)
    request.answer.set_result("cursor")

    await openings.end()

    assert request.closed.is_set()

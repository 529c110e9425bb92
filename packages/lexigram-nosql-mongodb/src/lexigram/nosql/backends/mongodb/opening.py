"""Closes cursors whose reader has gone before the server's first answer.

A cursor on the server is known by a number that its first answer brings. Where the task that asked is cancelled before
that, nobody would know the number, and the server would keep the cursor for ten minutes. So the first request of a
cursor goes on without the task that asked (:mod:`~lexigram.nosql.backends.mongodb.leaving`), and what it opened is
closed.

A request that takes longer than :data:`PATIENCE_SECONDS` after that is cut off together with its connection, by which
the server sees that nobody waits for it. One on a thread of motor cannot be cut off, and ends when it ends.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable, Callable
from types import CoroutineType
from typing import Any, Final, TypeVar, cast

from lexigram.nosql.backends.mongodb.leaving import MAY_BE_LEFT, Leavable
from lexigram.nosql.finishing import to_the_end
from pymongo.errors import PyMongoError

__all__ = ["PATIENCE_SECONDS", "Openings"]

T = TypeVar("T")

PATIENCE_SECONDS: Final = 1.0


class Openings:
    """The first requests of one client's cursors.

    Args:
        interruptible: Whether a request that is cancelled is cut off, and does not go on by itself.
        patience: Seconds that a request may go on when nobody waits for it any more.
    """

    def __init__(self, *, interruptible: bool, patience: float = PATIENCE_SECONDS) -> None:
        self._interruptible = interruptible
        self._patience = patience
        self._left: set[asyncio.Task[None]] = set()

    async def first(self, request: Awaitable[T], close: Callable[[T], Awaitable[Any]], *, alone: bool = True) -> T:
        """Wait for a cursor's first request.

        Args:
            request: The request.
            close: Closes what it opened, given its result; called only where nobody waits any more.
            alone: False for a request in a session, in which the next one must wait until this one is over.

        Returns:
            What *request* returned.

        Raises:
            CancelledError: The waiting task was cancelled; the cursor is closed meanwhile.
        """
        loop = asyncio.get_running_loop()
        if MAY_BE_LEFT and isinstance(request, CoroutineType):
            work = Leavable(cast("CoroutineType[Any, Any, T]", request), loop)
            try:
                return await work
            except asyncio.CancelledError:
                if work.left:
                    await self._leave(work.go_on(), close, alone)
                raise
        task = _begun(request, loop)
        if not task.done():
            # What shield() does, for half its price.
            ended: asyncio.Future[None] = loop.create_future()
            task.add_done_callback(lambda _: None if ended.done() else ended.set_result(None))
            try:
                await ended
            except asyncio.CancelledError:
                if not task.cancelled():
                    await self._leave(task, close, alone)
                raise
        return task.result()

    async def end(self) -> None:
        """Wait until everything is closed that nobody waits for; not much longer than requests may take."""
        if self._left:
            await asyncio.wait(tuple(self._left), timeout=2 * self._patience)

    async def _leave(self, request: asyncio.Future[T], close: Callable[[T], Awaitable[Any]], alone: bool) -> None:
        """Have a request's cursor closed that nobody waits for any more."""
        release = asyncio.get_running_loop().create_task(self._release(request, close), name="lexigram mongodb")
        self._left.add(release)
        release.add_done_callback(self._left.discard)
        if not alone:
            await to_the_end(_ended(release, self._patience))

    async def _release(self, request: asyncio.Future[T], close: Callable[[T], Awaitable[Any]]) -> None:
        await _ended(request, self._patience)
        if self._interruptible:
            request.cancel()
        await _ended(request)
        # One that failed holds nothing.
        if not request.cancelled() and request.exception() is None:
            try:
                await close(request.result())
            except PyMongoError:
                # The connection is gone, and the server notices.
                return


async def _ended(future: asyncio.Future[Any], seconds: float | None = None) -> None:
    await asyncio.wait((future,), timeout=seconds)


def _begun(request: Awaitable[T], loop: asyncio.AbstractEventLoop) -> asyncio.Future[T]:
    """The future of a request, which may be one."""
    if not isinstance(request, CoroutineType):
        return asyncio.ensure_future(request)
    work = cast("CoroutineType[Any, Any, T]", request)
    if sys.version_info >= (3, 12):
        return asyncio.Task(work, loop=loop, eager_start=True)
    return loop.create_task(work)

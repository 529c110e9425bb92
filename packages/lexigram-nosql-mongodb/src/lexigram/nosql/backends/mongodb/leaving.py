"""Runs a coroutine in the task that waits for it, and lets it go on by itself when that task is cancelled.

A task of its own for the coroutine does the same, and costs three turns of the event loop: to begin, to end, and to
wake who waits. Here there are none. The coroutine runs within the task that waits, and where it waits for a future, the
task waits for a :class:`Leavable` in its place. Cancelling the task then cancels that, and not the future; so the
coroutine has not noticed anything, and :meth:`Leavable.go_on` makes a task of what is left of it.

The coroutine has a context of its own, as a task would have: what it sets there (PyMongo keeps its time limits so) must
neither be seen by the task that has gone, nor change with it.

From Python 3.12 on, the time limits of asyncio hold on to the task that they were set in, and would cancel it after the
coroutine has been left. There a task is the way, which may begin at once (``eager_start``).
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable, Coroutine, Generator
from contextvars import Context, copy_context
from types import coroutine
from typing import Any, Final, Generic, TypeVar, cast

__all__ = ["MAY_BE_LEFT", "Leavable"]

T = TypeVar("T")

MAY_BE_LEFT: Final = sys.version_info < (3, 12)
"""True where coroutines can be left without a task of their own."""


class Leavable(Generic[T]):
    """A coroutine that goes on when its waiting task is cancelled.

    Await it once. To the event loop it is the future that the coroutine waits for.

    Args:
        work: The coroutine; it has not begun.
        loop: The running event loop.

    Attributes:
        left: True once the waiting task was cancelled, and the coroutine was not.
    """

    __slots__ = ("_asyncio_future_blocking", "_context", "_future", "_loop", "_outside", "_wake", "_work", "left")

    def __init__(self, work: Coroutine[Any, Any, T], loop: asyncio.AbstractEventLoop) -> None:
        self._work = work
        self._loop = loop
        self._context = copy_context()
        self._future: asyncio.Future[Any]
        self._wake: Callable[[asyncio.Future[Any]], object]
        self._outside: Context
        self.left = False

    def __await__(self) -> Generator[Any, Any, T]:
        run, work = self._context.run, self._work
        step: Callable[[Any], Any] = work.send
        value: Any = None
        while True:
            try:
                future = run(step, value)
            except StopIteration as end:
                return cast("T", end.value)
            if future is None:
                # A turn of the event loop: asyncio.sleep(0).
                future = self._loop.create_future()
                future.set_result(None)
            else:
                future._asyncio_future_blocking = False
            self._future = future
            self._asyncio_future_blocking = True
            try:
                yield self
            except GeneratorExit:
                run(work.close)
                raise
            except BaseException as error:
                if self.left:
                    raise
                step, value = work.throw, error
            else:
                step, value = work.send, None

    def go_on(self) -> asyncio.Task[T]:
        """Let a coroutine that was left go on as a task."""
        return self._loop.create_task(_rest(self._work, self._future), name="lexigram mongodb", context=self._context)

    # --- what the event loop's task asks of a future

    def add_done_callback(self, wake: Callable[[asyncio.Future[Any]], object], *, context: Context) -> None:
        """Have the task woken by the future itself."""
        self._wake, self._outside = wake, context
        self._future.add_done_callback(wake, context=context)

    def cancel(self, msg: Any = None) -> bool:
        """Leave the coroutine: the task is woken with a cancellation, and the future knows nothing of it."""
        self.left = True
        if self._future.done():
            # The task has its turn in any case, and is cancelled then.
            return False
        self._future.remove_done_callback(self._wake)
        gone: asyncio.Future[Any] = self._loop.create_future()
        gone.cancel(msg)
        gone.add_done_callback(self._wake, context=self._outside)
        return True


async def _rest(work: Coroutine[Any, Any, T], future: asyncio.Future[Any]) -> T:
    return await _resumed(work, future)


@coroutine
def _resumed(work: Coroutine[Any, Any, T], future: Any) -> Generator[Any, Any, T]:
    """Drive a coroutine on that waits for a future."""
    while True:
        if future is not None:
            future._asyncio_future_blocking = True
        try:
            try:
                yield future
            except GeneratorExit:
                work.close()
                raise
            except BaseException as error:  # noqa: BLE001 - the coroutine's own, and it decides
                future = work.throw(error)
            else:
                future = work.send(None)
        except StopIteration as end:
            return cast("T", end.value)

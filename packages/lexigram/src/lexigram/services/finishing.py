"""Seeing something through although the caller is cancelled, but not for longer than allowed."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

__all__ = ["OutOfTimeError", "is_cancelled", "seen_through"]

T = TypeVar("T")

_GRACE = 1.0
"""Seconds that something has to heed its cancellation."""

_left_alone: set[asyncio.Future[Any]] = set()


class OutOfTimeError(TimeoutError):
    """A limit passed; told apart from a ``TimeoutError`` of the work itself."""


def is_cancelled() -> bool:
    """Whether the running task was told to stop; else a cancellation came from somewhere else."""
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0


async def seen_through(work: Coroutine[Any, Any, T], limit: float | None = None, *, interruptible: bool = False) -> T:
    """Run *work* to its end; a cancellation of the caller is passed on after that.

    Args:
        work: What must not be left half done.
        limit: Seconds after which it is cancelled all the same, and left alone if it does not heed that; None for no
            limit.
        interruptible: Tell the work of the caller's cancellation, so that it may hurry.

    Returns:
        What *work* returned.

    Raises:
        OutOfTimeError: The limit passed.
    """
    task = asyncio.ensure_future(work)
    interruption: asyncio.CancelledError | None = None
    late = False
    for seconds in (limit, _GRACE):
        interruption = await _waited(task, seconds, interruptible) or interruption
        if task.done():
            break
        late = True
        task.cancel()
    if not task.done():
        _left_alone.add(task)
        task.add_done_callback(_left_alone.discard)
    if task.done() and not task.cancelled():
        task.exception()  # seen, so that nobody warns of it
    if interruption is not None:
        raise interruption
    if late and (not task.done() or task.cancelled()):
        raise OutOfTimeError
    return task.result()


async def _waited(
    task: asyncio.Future[Any], seconds: float | None, interruptible: bool
) -> asyncio.CancelledError | None:
    """Wait for a task, at most so long; gives back the cancellation that came meanwhile."""
    clock = asyncio.get_running_loop().time
    end = None if seconds is None else clock() + seconds
    interruption: asyncio.CancelledError | None = None
    while not task.done():
        rest = None if end is None else end - clock()
        if rest is not None and rest <= 0:
            break
        try:
            await asyncio.wait([task], timeout=rest)
        except asyncio.CancelledError as error:
            interruption = error
            if interruptible:
                task.cancel()
    return interruption

"""Raises cancellations that get lost on Python 3.11.

Before Python 3.12, ``asyncio.wait_for`` forgets a cancellation that comes when what it waits for has just ended
(python/cpython issue 86296). PyMongo sends every message that way, so a task that is cancelled while it sends, or a
time limit that passes then, would go on as if nothing had been. :class:`Heeding` looks after each request whether the
task has been cancelled meanwhile. That is soon enough for a request that is answered at once; :func:`insisting` is for
those that the server answers when there is something to tell.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable
from contextlib import AbstractContextManager
from types import TracebackType
from typing import Any, Final, TypeVar

__all__ = ["LOSES_CANCELLATIONS", "Heeding", "insisting"]

T = TypeVar("T")

_AGAIN: Final = 0.01
"""Seconds after which a cancellation that had no effect is repeated."""

LOSES_CANCELLATIONS: Final = sys.version_info < (3, 12)
"""True where this is needed."""


class Heeding:
    """A context in which no cancellation gets lost.

    Args:
        inner: A context to run the block in, or None.
    """

    __slots__ = ("_before", "_inner", "_task")

    def __init__(self, inner: AbstractContextManager[Any] | None = None) -> None:
        self._inner = inner
        self._task: asyncio.Task[Any] | None = None
        self._before = 0

    def __enter__(self) -> None:
        self._task = asyncio.current_task()
        self._before = 0 if self._task is None else self._task.cancelling()
        if self._inner is not None:
            self._inner.__enter__()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._inner is not None:
            self._inner.__exit__(kind, error, trace)
        task = self._task
        if task is not None and task.cancelling() > self._before and not isinstance(error, asyncio.CancelledError):
            raise asyncio.CancelledError


async def insisting(work: Awaitable[T]) -> T:
    """Wait for *work*, and cancel it until it ends when the waiting task is cancelled.

    Args:
        work: A request that may take long.

    Returns:
        What *work* returned.
    """
    if not LOSES_CANCELLATIONS:
        return await work
    task = asyncio.ensure_future(work)
    try:
        await asyncio.wait((task,))
    except asyncio.CancelledError:
        while not task.done():
            task.cancel()
            await asyncio.wait((task,), timeout=_AGAIN)
        if not task.cancelled():
            task.exception()  # has been seen; the cancellation is what counts
        raise
    return task.result()

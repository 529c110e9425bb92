"""Documents as they come, from a find or a pipeline.

A cursor is made by a synchronous call and asks the backend for nothing until it is iterated. It can be used in every
documented way: ``async for``, ``await cursor`` (gives the cursor itself), ``to_list()``, ``first()``, ``explain()``,
``async with``. After its end it stays ended; leaving it early closes what it holds.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Generator
from contextlib import AbstractContextManager
from types import TracebackType
from typing import Any, Literal, Self

from lexigram.nosql.driver import Document
from lexigram.nosql.exceptions import CursorError, NoSQLTimeoutError
from lexigram.nosql.query.numbers import parse_count
from lexigram.nosql.query.plan import Plan

__all__ = ["Cursor"]

Batches = AsyncGenerator[list[Document], None]


class Cursor:
    """An asynchronous stream of documents.

    Args:
        open_batches: Starts the request; called on first use.
        explain: Describes the request; told whether it has started.
        waiting: Makes the context in which each wait runs, where errors become Lexigram's; told if it is the first.
        timeout: Seconds that all waiting together may take; None for no limit.
        opened: Told of the cursor before its request starts, so that a transaction can end it.
        failed: Told of what ended the cursor, so that a transaction is aborted.
    """

    __slots__ = (
        "__weakref__",
        "_batch",
        "_batches",
        "_busy",
        "_explain",
        "_failed",
        "_left",
        "_limit",
        "_open",
        "_opened",
        "_position",
        "_reason",
        "_state",
        "_waiting",
    )

    def __init__(
        self,
        open_batches: Callable[[], Batches],
        explain: Callable[[bool], Awaitable[Plan]],
        waiting: Callable[[bool], AbstractContextManager[Any]],
        timeout: float | None,
        opened: Callable[[Cursor], None] | None = None,
        failed: Callable[[BaseException], None] | None = None,
    ) -> None:
        self._open = open_batches
        self._opened = opened
        self._failed = failed
        self._reason: str | None = None
        self._explain = explain
        self._waiting = waiting
        self._limit = timeout
        self._left = timeout
        self._batches: Batches | None = None
        self._batch: list[Document] = []
        self._position = 0
        self._state: Literal["new", "open", "ended", "closed"] = "new"
        self._busy = False

    def __aiter__(self) -> Self:
        return self

    def __await__(self) -> Generator[Any, None, Self]:
        return self._itself().__await__()

    async def _itself(self) -> Self:
        return self

    async def __anext__(self) -> Document:
        position = self._position
        if position >= len(self._batch):
            if not await self._fetch():
                raise StopAsyncIteration
            position = 0
        self._position = position + 1
        return self._batch[position]

    async def to_list(self, length: int | None = None) -> list[Document]:
        """All remaining documents, or the next *length*.

        Args:
            length: How many at most; None for all.

        Returns:
            The documents, in order.

        Raises:
            QueryOptionError: *length* is not an int of 0 or more.
            CursorError: The cursor was closed before its end.
        """
        if length is not None:
            parse_count("length", length)
        result: list[Document] = []
        while length is None or len(result) < length:
            if self._position >= len(self._batch) and not await self._fetch():
                break
            end = len(self._batch) if length is None else self._position + length - len(result)
            chunk = self._batch[self._position : end]
            self._position += len(chunk)
            result += chunk
        return result

    async def first(self) -> Document | None:
        """The first remaining document, or None; closes the cursor."""
        try:
            return await anext(self, None)
        finally:
            await self.aclose()

    async def explain(self) -> Plan:
        """How the request runs, with counts of what it read so far.

        Returns:
            The plan; its counts are None when the cursor has not been used.
        """
        return await self._explain(self._state != "new")

    async def end(self, reason: str) -> None:
        """Close the cursor for somebody else; who reads on is told why.

        Args:
            reason: What happened, as a sentence without its full stop.
        """
        if self._state == "open":
            self._reason = reason
            await self.aclose()

    async def aclose(self) -> None:
        """Release what the cursor holds. Safe to call twice; a cursor at its end needs no closing.

        Where another task waits for the cursor at this moment, that task releases it when its wait is over.
        """
        if self._state != "ended":
            self._state = "closed"
        if not self._busy:
            await self._release()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    @property
    def closed(self) -> bool:
        """True after :meth:`aclose`, or after an error; a cursor that came to its end is not closed but ended."""
        return self._state == "closed"

    async def _release(self) -> None:
        self._batch, self._position = [], 0
        batches, self._batches = self._batches, None
        if batches is not None:
            with self._waiting(False):
                try:
                    await batches.aclose()
                except BaseException as error:
                    self._tell(error)
                    raise

    def _tell(self, error: BaseException) -> None:
        if self._failed is not None:
            self._failed(error)

    async def _fetch(self) -> bool:
        """Get the next batch; False at the end."""
        if self._state == "ended":
            return False
        if self._state == "closed":
            raise self._refusal()
        if self._busy:
            raise CursorError("two tasks read this cursor at the same time", hint="Give each task its own cursor.")
        self._busy = True
        try:
            with self._waiting(self._batches is None):
                try:
                    batch = await self._next()
                except BaseException as error:
                    self._tell(error)
                    raise
        except BaseException:
            # The generator has ended with the error; what it held is released.
            self._state = "closed"
            self._batch, self._position, self._batches = [], 0, None
            raise
        finally:
            self._busy = False
        if self.closed:
            await self._release()
            raise self._refusal()
        if batch is None:
            # A generator at its end holds nothing.
            self._state = "ended"
            self._batch, self._position, self._batches = [], 0, None
            return False
        self._batch, self._position = batch, 0
        return True

    async def _next(self) -> list[Document] | None:
        """The next batch that is not empty; None at the end."""
        batches = self._batches
        if batches is None:
            self._state = "open"
            if self._opened is not None:
                self._opened(self)
            batches = self._batches = self._open()
        while True:
            batch = await (anext(batches, None) if self._left is None else self._next_in_time(batches))
            if batch is None or batch:
                return batch

    def _refusal(self) -> CursorError:
        if self._reason is None:
            return CursorError("this cursor is closed", hint="Call find() or aggregate() again for a new one.")
        return CursorError(self._reason, hint="Read the cursor inside the block, for instance with to_list().")

    async def _next_in_time(self, batches: Batches) -> list[Document] | None:
        """The next batch within what is left of the cursor's time."""
        limit = self._left
        time = asyncio.get_running_loop().time
        start = time()
        clock = asyncio.timeout(limit)
        try:
            async with clock:
                return await anext(batches, None)
        except TimeoutError as error:
            if not clock.expired():
                raise
            raise NoSQLTimeoutError(f"the cursor did not finish within {self._limit} s", timeout=self._limit) from error
        finally:
            self._left = max(0.0, (limit or 0.0) - (time() - start))

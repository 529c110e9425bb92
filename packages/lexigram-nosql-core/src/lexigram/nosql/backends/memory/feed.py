"""The change feed of one collection: a bounded log that watchers read at their own pace.

A resume token is the place in the log after an event, with the log's own random mark, so that a token of another store
or of an earlier life of this one is refused instead of being misread.
"""

from __future__ import annotations

import asyncio
import secrets
from collections import deque
from collections.abc import AsyncIterator, Sequence
from typing import Any, Literal, NamedTuple

from lexigram.contracts.data.nosql.nosql import ChangeEvent
from lexigram.nosql.driver import Document
from lexigram.nosql.exceptions import CursorError
from lexigram.nosql.update.diff import describe_change
from lexigram.nosql.values.copying import copy_document, copy_value

__all__ = ["Change", "ChangeLog"]

_HISTORY_LOST = 286


class Change(NamedTuple):
    """One entry of the log; its documents are the store's own.

    Attributes:
        operation: What happened.
        document_id: The ``_id``; None for a dropped collection.
        before: The document as it was.
        after: The document as it is.
    """

    operation: Literal["insert", "update", "replace", "delete", "drop"]
    document_id: Any = None
    before: Document | None = None
    after: Document | None = None


class ChangeLog:
    """The latest changes of one collection.

    Args:
        collection: Its name.
        size: How many changes are kept.
    """

    def __init__(self, collection: str, size: int) -> None:
        self._collection = collection
        self._mark = secrets.token_hex(6)
        # An insert may stand for itself as its document: bulks would make a change of each for nobody to read.
        self._entries: deque[Change | Document] = deque(maxlen=size)
        self._end = 0
        self._closed = False
        self._waiting: set[asyncio.Event] = set()

    def append(self, change: Change) -> None:
        """Add a change and wake the watchers."""
        self._entries.append(change)
        self._end += 1
        for waiter in self._waiting:
            waiter.set()

    def extend(self, inserted: Sequence[Document]) -> None:
        """Add inserts by their documents and wake the watchers."""
        self._entries.extend(inserted)
        self._end += len(inserted)
        for waiter in self._waiting:
            waiter.set()

    def close(self) -> None:
        """End all feeds, after what is in the log."""
        self._closed = True
        for waiter in self._waiting:
            waiter.set()

    async def follow(self, position: int, full_document: bool) -> AsyncIterator[ChangeEvent]:
        """Yield each change from *position* on, once, in order.

        Raises:
            CursorError: The reader was so slow that changes it had not seen left the log.
        """
        waiter = asyncio.Event()
        self._waiting.add(waiter)
        try:
            while True:
                waiter.clear()
                while position < self._end:
                    start = self._end - len(self._entries)
                    if position < start:
                        raise self._lost()
                    entry = self._entries[position - start]
                    change = Change("insert", entry["_id"], None, entry) if isinstance(entry, dict) else entry
                    position += 1
                    yield self._event(change, position, full_document)
                if self._closed:
                    return
                await waiter.wait()
        finally:
            self._waiting.discard(waiter)

    def position(self, token: str | None) -> int:
        """The place that a token means; the end of the log for none.

        Raises:
            CursorError: The token is of another log, or what follows it has left this one.
        """
        if token is None:
            return self._end
        mark, _, place = token.partition("-")
        if mark != self._mark or not place.isdecimal() or int(place) > self._end:
            raise CursorError(
                "the resume token is not of this collection's feed",
                hint="Watch from now on, without a token.",
                mongo_code=260,
            )
        if int(place) < self._end - len(self._entries):
            raise self._lost()
        return int(place)

    def _lost(self) -> CursorError:
        return CursorError(
            f"changes of {self._collection!r} after this point are no longer kept",
            hint="Raise change_history, read faster, or read the collection anew and watch from now on.",
            mongo_code=_HISTORY_LOST,
        )

    def _event(self, change: Change, position: int, full_document: bool) -> ChangeEvent:
        updated: dict[str, Any] | None = None
        removed: tuple[str, ...] = ()
        if change.operation == "update" and change.before is not None and change.after is not None:
            difference = describe_change(change.before, change.after)
            updated, removed = dict(difference.updated_fields), tuple(difference.removed_fields)
        shown = change.after if full_document or change.operation != "update" else None
        return ChangeEvent(
            operation=change.operation,
            collection=self._collection,
            document_id=copy_value(change.document_id),
            document=None if shown is None else copy_document(shown),
            resume_token=f"{self._mark}-{position}",
            updated_fields=updated,
            removed_fields=removed,
        )

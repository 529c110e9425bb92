"""Change feeds: the driver's events, chosen by a filter, in order, once each."""

# The class of an Any is Unknown to pyright, and this module asks for classes all the time.
# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false, reportUnknownMemberType=false

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractContextManager
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from lexigram.contracts.data.nosql.nosql import ChangeEvent
from lexigram.nosql.driver import DriverCollection, SupportsChangeStream
from lexigram.nosql.exceptions import CursorError, PipelineError
from lexigram.nosql.query.parse import Query, parse_filter
from lexigram.nosql.query.suggest import shown

if TYPE_CHECKING:
    from lexigram.nosql.collection import Collection
    from lexigram.nosql.store import DocumentStore

__all__ = ["ChangeStream", "follow"]


class ChangeStream:
    """A running change feed: an asynchronous iterator of events, to be closed.

    A wait that is cancelled (by a timeout, say) loses nothing: the next wait goes on with the same event. One task
    reads at a time; any task may close the feed, which ends the loop of the one that reads. A feed that failed keeps
    raising its error until it is closed; open a new one with :attr:`resume_token`.

    Args:
        events: The driver's events.
        query: Which of them are wanted, or None for all.
        translating: Makes the context in which each wait runs.
        resume_token: Where the feed begins.
    """

    def __init__(
        self,
        events: AsyncIterator[ChangeEvent],
        query: Query | None,
        translating: Callable[[], AbstractContextManager[Any]],
        resume_token: str | None,
    ) -> None:
        self._events = events
        self._query = query
        self._translating = translating
        self._token = resume_token
        self._closed = False
        self._failure: Exception | None = None
        self._waiting = False
        self._next: asyncio.Task[ChangeEvent | None] | None = None

    @property
    def resume_token(self) -> str | None:
        """Token of the last event that was delivered, or that the filter left out after it."""
        return self._token

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> ChangeEvent:
        if self._closed:
            raise StopAsyncIteration
        if self._failure is not None:
            # A feed that broke has not come to its end; who asks again must not take it for one.
            raise self._failure
        if self._waiting:
            raise CursorError("two tasks read this change feed at the same time", hint="Give each task its own feed.")
        if self._next is None:
            self._next = asyncio.ensure_future(self._wanted())
        pending = self._next
        self._waiting = True
        try:
            # A generator does not survive a cancellation, so the wait for the event is a task that does.
            await asyncio.wait((pending,))
        finally:
            self._waiting = False
        if pending.cancelled():
            raise StopAsyncIteration
        self._next = None
        try:
            with self._translating():
                event = pending.result()
        except Exception as error:
            self._failure = error
            raise
        if event is None:
            raise StopAsyncIteration
        self._token = event.resume_token
        return event

    async def aclose(self) -> None:
        """Stop the feed. Safe to call twice."""
        if self._closed:
            return
        self._closed = True
        pending = self._next
        if pending is not None:
            pending.cancel()
            await asyncio.wait((pending,))
            if not pending.cancelled():
                pending.exception()  # has been seen; nobody waits for it
        close = getattr(self._events, "aclose", None)
        if close is not None:
            with self._translating():
                await close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    async def _wanted(self) -> ChangeEvent | None:
        """The next event that the filter lets pass; None at the end of the feed."""
        async for event in self._events:
            if self._query is None or self._query.matches(_as_document(event)):
                return event
            self._token = event.resume_token
        return None


def follow(
    store: DocumentStore,
    collection: Collection,
    target: DriverCollection,
    pipeline: Any,
    resume_after: str | None,
    full_document: bool,
) -> ChangeStream:
    """Open a feed; see :meth:`Collection.watch`."""
    query = _event_filter(pipeline)
    if resume_after is not None and not isinstance(resume_after, str):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise CursorError(f"a resume token is text, not {type(resume_after).__name__}", mongo_code=14)
    if not isinstance(target, SupportsChangeStream):
        raise store.unsupported("change_streams")
    events = target.watch(resume_after, full_document)
    return ChangeStream(events, query, lambda: store.translating("watch", collection.name), resume_after)


def _event_filter(pipeline: Any) -> Query | None:
    """The ``$match`` stages of a feed's pipeline as one filter.

    Raises:
        PipelineError: Another stage is in it; events keep their form on every backend.
    """
    if hasattr(pipeline, "build"):
        pipeline = pipeline.build()
    if not isinstance(pipeline, list | tuple | None):
        raise PipelineError(f"a pipeline is a list of stages, not {type(pipeline).__name__}", mongo_code=14)
    conditions: list[Any] = []
    for stage in pipeline or ():
        if not isinstance(stage, dict) or list(stage) != ["$match"]:
            raise PipelineError(
                f"a change feed takes $match stages only, not {shown(stage)}",
                hint="Filter with $match and shape the events in your own code.",
            )
        conditions.append(stage["$match"])
    return parse_filter({"$and": conditions}) if conditions else None


def _as_document(event: ChangeEvent) -> dict[str, Any]:
    """An event as MongoDB's change stream shows it, for filters."""
    shown: dict[str, Any] = {
        "operationType": event.operation,
        "ns": {"coll": event.collection},
        "documentKey": {"_id": event.document_id},
    }
    if event.document is not None:
        shown["fullDocument"] = event.document
    if event.updated_fields is not None:
        shown["updateDescription"] = {
            "updatedFields": dict(event.updated_fields),
            "removedFields": list(event.removed_fields),
        }
    return shown

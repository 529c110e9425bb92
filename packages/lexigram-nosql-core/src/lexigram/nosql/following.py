"""Change feeds: the driver's events, chosen by a filter, in order, once each."""

# The class of an Any is Unknown to pyright, and this module asks for classes all the time.
# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false, reportUnknownMemberType=false

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from lexigram.contracts.data.nosql.nosql import ChangeEvent
from lexigram.nosql.driver import DriverCollection, SupportsChangeStream
from lexigram.nosql.exceptions import CursorError, PipelineError
from lexigram.nosql.query.parse import Query, parse_filter

if TYPE_CHECKING:
    from lexigram.nosql.collection import Collection
    from lexigram.nosql.store import DocumentStore

__all__ = ["ChangeStream", "follow"]


class ChangeStream:
    """A running change feed: an asynchronous iterator of events, to be closed.

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
        translating: Callable[[], Any],
        resume_token: str | None,
    ) -> None:
        self._events = events
        self._query = query
        self._translating = translating
        self._token = resume_token
        self._closed = False

    @property
    def resume_token(self) -> str | None:
        """Token of the last event looked at, also of one that the filter left out."""
        return self._token

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> ChangeEvent:
        if self._closed:
            raise CursorError("this change feed is closed")
        with self._translating():
            async for event in self._events:
                self._token = event.resume_token
                if self._query is None or self._query.matches(_as_document(event)):
                    return event
        raise StopAsyncIteration

    async def aclose(self) -> None:
        """Stop the feed. Safe to call twice."""
        if not self._closed:
            self._closed = True
            close = getattr(self._events, "aclose", None)
            if close is not None:
                await close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()


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
    conditions: list[Any] = []
    for stage in pipeline or ():
        if not isinstance(stage, dict) or list(stage) != ["$match"]:
            raise PipelineError(
                f"a change feed takes $match stages only, not {stage!r}",
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

"""What a driver may do beyond the required methods. Each ability makes a backend faster, never different.

The portable layer asks once for each connection which of these protocols a driver or its collections meet, and does
without where one is missing. For requests that a backend may or may not be able to run *exactly*, the protocol has two
steps: ``compile_…`` translates and makes no call, and gives None where the backend would mean something else; then the
request runs. A backend that finds out only while running that it means something else answers None, having changed
nothing, and the portable layer does the work: the caller sees the engine's answer or the engine's error.

=========================  ==========================================================================================
ability                    without it
=========================  ==========================================================================================
SupportsFindOne            a read with limit 1
SupportsCount              matches are read and counted
SupportsDistinct           matches are read, their values told apart by the engine
SupportsUpdate             read, compute, replace if unchanged, again when another writer was first
SupportsDelete             read, delete if unchanged
SupportsBulk               one write after the other, neighbouring inserts together
SupportsAggregate          the first filter, sort, skip and limit are read natively, the engine does the rest
SupportsExplain            the plan says what the driver compiled, and counts what came back
SupportsSessions           a session is the task's alone; the server knows nothing of it
SupportsUnacknowledged     every write is acknowledged
SupportsTransactions       refused by name
SupportsChangeStream       refused by name
SupportsIndexes            refused by name
=========================  ==========================================================================================
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

from lexigram.contracts.data.nosql.nosql import ChangeEvent
from lexigram.nosql.calls import (
    Batch,
    BulkOutcome,
    BulkStep,
    Call,
    Compiled,
    Document,
    Hint,
    NativePipeline,
    NativeRead,
    Outcome,
    ServerFacts,
    WriteRequest,
)
from lexigram.nosql.indexes import IndexSpec

if TYPE_CHECKING:
    from lexigram.nosql.aggregation.parse import Pipeline

__all__ = [
    "SupportsAggregate",
    "SupportsBulk",
    "SupportsChangeStream",
    "SupportsCount",
    "SupportsDelete",
    "SupportsDistinct",
    "SupportsExplain",
    "SupportsFindOne",
    "SupportsFitting",
    "SupportsIndexes",
    "SupportsNesting",
    "SupportsSessions",
    "SupportsTransactions",
    "SupportsUnacknowledged",
    "SupportsUpdate",
]


@runtime_checkable
class SupportsFindOne(Protocol):
    """A collection that reads a single document without opening a cursor."""

    async def find_one(self, read: NativeRead, call: Call) -> tuple[Document, Any] | None:
        """The first document of an exact, ordered read with limit 1, and its revision (None unless asked for)."""
        ...


@runtime_checkable
class SupportsCount(Protocol):
    """A collection that counts on the server."""

    async def count(self, compiled: Compiled, limit: int, call: Call) -> int:
        """How many documents an exact request selects, counting no further than *limit*; 0 for no limit."""
        ...

    async def estimated_count(self, call: Call) -> int:
        """How many documents the collection holds, as the metadata says."""
        ...


@runtime_checkable
class SupportsIndexes(Protocol):
    """A collection with secondary indexes."""

    async def create_index(self, spec: IndexSpec, call: Call) -> None:
        """Make the index. The portable layer has checked that no other has its name or keys."""
        ...

    async def drop_index(self, name: str, call: Call) -> None:
        """Remove the index. The portable layer has checked that it exists."""
        ...

    async def list_indexes(self, call: Call) -> list[IndexSpec]:
        """All indexes but the one on ``_id``."""
        ...


@runtime_checkable
class SupportsTransactions(Protocol):
    """A driver with multi-document transactions."""

    async def begin(self) -> Any:
        """Start a transaction and return the session handle that operations will carry."""
        ...

    async def commit(self, session: Any) -> None:
        """Make the transaction's writes visible, all or none. When it fails, :meth:`rollback` follows."""
        ...

    async def rollback(self, session: Any) -> None:
        """Drop the transaction's writes. Never fails for a transaction that is already over."""
        ...


@runtime_checkable
class SupportsChangeStream(Protocol):
    """A collection whose changes can be followed."""

    def watch(self, resume_after: str | None, full_document: bool) -> AsyncIterator[ChangeEvent]:
        """Yield each change once, in order, from now or from after the token. Closing the iterator ends the feed."""
        ...


@runtime_checkable
class SupportsDistinct(Protocol):
    """A collection that collects different values on the server."""

    async def distinct(self, compiled: Compiled, path: str, call: Call) -> Sequence[Any] | None:
        """The different values of a path in what an exact request selects, arrays counted by element.

        Values are different as the engine tells them apart, under the filter's collation.

        Returns:
            The values in any order, or None where the server cannot give them.
        """
        ...


@runtime_checkable
class SupportsUpdate(Protocol):
    """A collection that changes documents where they are."""

    def compile_update(self, request: WriteRequest) -> Any | None:
        """Translate an update or replacement. Makes no call.

        Returns:
            The native request, or None where the backend would do anything else than the engine.
        """
        ...

    async def run_update(self, native: Any, call: Call) -> Outcome | None:
        """Run what :meth:`compile_update` gave. Each document changes at once, or not at all.

        Returns:
            What it did, or None where the backend refused without changing anything, and the engine should try.
        """
        ...


@runtime_checkable
class SupportsDelete(Protocol):
    """A collection that deletes by filter."""

    def compile_delete(self, request: WriteRequest) -> Any | None:
        """Translate a deletion. Makes no call.

        Returns:
            The native request, or None where the backend would do anything else than the engine.
        """
        ...

    async def run_delete(self, native: Any, call: Call) -> Outcome | None:
        """Run what :meth:`compile_delete` gave.

        Returns:
            What it did, or None where the backend refused without deleting anything.
        """
        ...


@runtime_checkable
class SupportsBulk(Protocol):
    """A collection that takes many writes at once."""

    async def bulk(self, steps: Sequence[BulkStep], ordered: bool, call: Call) -> BulkOutcome:
        """Run prepared inserts and native requests.

        Args:
            steps: The writes, one or more.
            ordered: One after the other, up to the first that fails; otherwise all are tried.
            call: Session and deadline.

        Returns:
            What they did, and which failed.
        """
        ...


@runtime_checkable
class SupportsAggregate(Protocol):
    """A collection that runs pipelines, whole or their first stages."""

    def compile_pipeline(self, pipeline: Pipeline, hint: Hint | None) -> NativePipeline | None:
        """Translate as many stages as mean the same, from the first on. Makes no call.

        ``$merge`` and ``$out`` may be taken only where the backend stores what the engine would, ids included; they are
        not offered in a transaction.

        Returns:
            The native pipeline and how many of ``pipeline.stages`` it stands for, or None for none.
        """
        ...

    def aggregate(self, pipeline: NativePipeline, batch_size: int, call: Call) -> AsyncIterator[Batch]:
        """Run a native pipeline and yield its output in the pipeline's order. Closing the iterator ends it.

        The documents belong to the reader, also where the driver shares those of plain reads.
        """
        ...


@runtime_checkable
class SupportsFitting(Protocol):
    """A collection that refuses documents for more than their values and their size, such as what was set for it."""

    def check(self, document: Document) -> None:
        """Refuse what an insert would refuse, without a call; sizes may be left out.

        Args:
            document: A prepared document.

        Raises:
            DocumentValidationError: The collection cannot hold it.
        """
        ...


@runtime_checkable
class SupportsNesting(Protocol):
    """A driver whose documents may have collections below them, which ``list_collections()`` does not look for."""

    async def list_nested(self) -> list[str]:
        """Names of the collections below documents, in any order; may read the whole database."""
        ...


@runtime_checkable
class SupportsExplain(Protocol):
    """A collection whose server describes its plans."""

    async def explain(self, request: NativeRead | NativePipeline, ran: bool, call: Call) -> ServerFacts | None:
        """Ask the server how it runs a request.

        Args:
            request: The native read or pipeline.
            ran: True when the request has been used already, so that counts are wanted, and running it once more to get
                them is no harm. Never true for a pipeline that writes.
            call: Session and deadline.

        Returns:
            The facts, or None where the server tells nothing.
        """
        ...


@runtime_checkable
class SupportsSessions(Protocol):
    """A driver whose server knows sessions outside of transactions, such as causally consistent ones."""

    async def begin_session(self) -> Any:
        """Start a session and return the handle that operations will carry."""
        ...

    async def end_session(self, session: Any) -> None:
        """End a session. Never fails for one that is over."""
        ...

    async def begin_in(self, session: Any) -> Any:
        """Start a transaction in a session, as :meth:`SupportsTransactions.begin` does without one."""
        ...


@runtime_checkable
class SupportsUnacknowledged(Protocol):
    """A driver that may have been told not to wait for answers to writes."""

    @property
    def acknowledges(self) -> bool:
        """False when writes return before the server has answered."""
        ...

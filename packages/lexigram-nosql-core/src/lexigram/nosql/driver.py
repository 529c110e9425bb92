"""What a backend implements.

A driver is small on purpose: it opens a connection, reads what a compiled request asks for, inserts, replaces a
document that has not changed, deletes one, and classifies its SDK's errors by code. Everything a user sees (validation,
planning, sorting, projection, updates, aggregation, sessions, errors, events) is done once, above it, by
:class:`~lexigram.nosql.store.DocumentStore` and :class:`~lexigram.nosql.collection.Collection`.

:class:`Driver` and :class:`DriverCollection` are required. Further abilities are the small ``Supports…`` protocols of
:mod:`lexigram.nosql.abilities`: the portable layer looks for them and falls back to the required methods where they are
missing, so an ability makes a backend faster, never different. Abilities without a fallback (transactions, change
feeds, indexes) raise :class:`~lexigram.nosql.exceptions.UnsupportedFeatureError` where they are missing. What is passed
to and fro is in :mod:`lexigram.nosql.calls`. All of it can be imported from here.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any, Protocol, runtime_checkable

from lexigram.nosql.abilities import (
    SupportsAggregate,
    SupportsBulk,
    SupportsChangeStream,
    SupportsCount,
    SupportsDelete,
    SupportsDistinct,
    SupportsExplain,
    SupportsFindOne,
    SupportsFitting,
    SupportsIndexes,
    SupportsNesting,
    SupportsSessions,
    SupportsTransactions,
    SupportsUnacknowledged,
    SupportsUpdate,
)
from lexigram.nosql.calls import (
    NO_CALL,
    Access,
    Batch,
    BulkOutcome,
    BulkStep,
    Call,
    Change,
    Compiled,
    Document,
    Hint,
    NativePipeline,
    NativeRead,
    Outcome,
    ServerFacts,
    WriteRequest,
)
from lexigram.nosql.exceptions import NoSQLError
from lexigram.nosql.query.parse import Query
from lexigram.nosql.query.sort import Sort

__all__ = [
    "NO_CALL",
    "Access",
    "Batch",
    "BulkOutcome",
    "BulkStep",
    "Call",
    "Change",
    "Compiled",
    "Document",
    "Driver",
    "DriverCollection",
    "Hint",
    "NativePipeline",
    "NativeRead",
    "Outcome",
    "ServerFacts",
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
    "WriteRequest",
]


@runtime_checkable
class DriverCollection(Protocol):
    """One collection, as a backend sees it. Handles are cheap and hold no connection of their own."""

    def compile(self, query: Query, sort: Sort | None, hint: Hint | None) -> Compiled:
        """Translate a filter and sort. Makes no call.

        Args:
            query: The parsed filter.
            sort: The parsed sort, or None.
            hint: Name or keys of the index to use, or None.

        Returns:
            The native part and the residue.

        Raises:
            NoSQLIndexError: *hint* names no index.
        """
        ...

    def read(self, read: NativeRead, call: Call) -> AsyncIterator[Batch]:
        """Run a read and yield batches. Closing the iterator releases what it holds."""
        ...

    async def insert(
        self, documents: Sequence[Document], ordered: bool, call: Call
    ) -> Sequence[tuple[int, BaseException]]:
        """Insert documents that all have an ``_id``.

        Returns:
            Position and error of each document that was not inserted; with *ordered*, at most one, after which
            nothing was tried, or all of those that were sent together where nobody knows what became of them.
        """
        ...

    async def replace(self, old: Document, new: Document, revision: Any, whole: bool, call: Call) -> bool:
        """Replace a document if it is still as it was read.

        Args:
            old: The document as read.
            new: The document to store, with the same ``_id``.
            revision: What :attr:`Batch.revisions` held for it.
            whole: True when the caller gave the whole document, False when an update made it of the old one; change
                feeds tell the two apart.
            call: Session and deadline.

        Returns:
            False when it was changed or removed since.
        """
        ...

    async def delete(self, old: Document, revision: Any, call: Call) -> bool:
        """Delete a document if it is still as it was read.

        Returns:
            False when it was changed or removed since.
        """
        ...


@runtime_checkable
class Driver(Protocol):
    """An open connection to one database."""

    @property
    def native(self) -> Any:
        """The SDK's own handle, for what the portable API does not offer."""
        ...

    @property
    def shares_documents(self) -> bool:
        """True when :meth:`DriverCollection.read` yields documents that the driver keeps, which must be copied."""
        ...

    def collection(self, name: str) -> DriverCollection:
        """A handle on a collection; makes no call."""
        ...

    async def ping(self) -> Mapping[str, Any]:
        """Ask the server for a sign of life.

        Returns:
            Facts worth showing in a health check, such as the server's version; no secrets.
        """
        ...

    async def list_collections(self) -> list[str]:
        """Names of the collections, in any order."""
        ...

    async def drop_collection(self, name: str) -> None:
        """Remove a collection; a missing one is not an error."""
        ...

    async def close(self) -> None:
        """Release everything. Called once."""
        ...

    def classify(self, error: BaseException) -> NoSQLError | None:
        """Translate an SDK error by its code.

        Returns:
            The error to raise, or None when *error* does not come from this backend.
        """
        ...

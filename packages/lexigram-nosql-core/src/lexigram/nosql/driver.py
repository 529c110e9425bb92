"""What a backend implements.

A driver is small on purpose: it opens a connection, reads what a compiled request asks for, inserts, replaces a
document that has not changed, deletes one, and classifies its SDK's errors by code. Everything a user sees (validation,
planning, sorting, projection, updates, aggregation, sessions, errors, events) is done once, above it, by
:class:`~lexigram.nosql.store.DocumentStore` and :class:`~lexigram.nosql.collection.Collection`.

Further abilities are the small ``Supports…`` protocols below. The portable layer looks for them and falls back to the
required methods where they are missing, so an ability makes a backend faster, never different. Abilities without a
fallback (transactions, change feeds, indexes) raise
:class:`~lexigram.nosql.exceptions.UnsupportedFeatureError` where they are missing.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol, runtime_checkable

from lexigram.contracts.data.nosql.nosql import ChangeEvent
from lexigram.nosql.exceptions import NoSQLError
from lexigram.nosql.indexes import IndexSpec
from lexigram.nosql.query.parse import Query
from lexigram.nosql.query.projection import Projection
from lexigram.nosql.query.sort import Sort

__all__ = [
    "NO_CALL",
    "Access",
    "Batch",
    "Call",
    "Compiled",
    "Document",
    "Driver",
    "DriverCollection",
    "Hint",
    "NativeRead",
    "SupportsChangeStream",
    "SupportsCount",
    "SupportsFindOne",
    "SupportsIndexes",
    "SupportsTransactions",
]

Document = dict[str, Any]
Hint = str | tuple[tuple[str, int | str], ...]


@dataclass(frozen=True, slots=True)
class Call:
    """The circumstances of one operation.

    Attributes:
        session: The driver's own session handle, or None.
        in_transaction: True when *session* has a transaction running.
        deadline: Time of ``loop.time()`` by which the operation must end, in seconds; None for no limit.
    """

    session: Any = None
    in_transaction: bool = False
    deadline: float | None = None


NO_CALL = Call()


@dataclass(frozen=True, slots=True)
class Access:
    """How a backend reaches the documents.

    Attributes:
        kind: ``key`` for look-ups by ``_id``, ``index`` for a named index, ``scan`` for reading everything.
        index: Name of the index used.
        fields: The fields whose conditions the access path serves, in order.
    """

    kind: Literal["key", "index", "scan"]
    index: str | None = None
    fields: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Compiled:
    """A filter and sort, translated as far as the backend means the same.

    The native part must select a superset of the matches. ``residue`` is what the engine still has to test on each
    document that comes back, and is None only when the native part is exact.

    Attributes:
        access: How the documents are reached.
        native: The driver's own request; opaque to the portable layer.
        residue: The conditions left for the engine.
        ordered: True when documents come back in the order of the sort that was asked (or none was asked).
        projects: True when the driver can apply the projection itself, exactly.
        display: The native request as plain data for ``explain()``, without secrets.
        query: The filter as the backend reads it, where the engine must know: ``$text`` bound to the fields of the text
            index, so that scores are the backend's. None where that is the filter itself.
    """

    access: Access
    native: Any = None
    residue: Query | None = None
    ordered: bool = False
    projects: bool = False
    display: Mapping[str, Any] = field(default_factory=dict[str, Any])
    query: Query | None = None

    @property
    def exact(self) -> bool:
        """True when the native part selects exactly the matches."""
        return self.residue is None


@dataclass(frozen=True, slots=True)
class NativeRead:
    """A read, ready to run.

    ``skip``, ``limit`` and ``projection`` are set only when the portable layer has found that the driver may apply
    them: the native part is exact and comes in the right order.

    Attributes:
        compiled: What the driver compiled.
        skip: Documents to leave out at the start.
        limit: Most documents to return; 0 for all.
        projection: Fields to return; None for whole documents.
        batch_size: About how many documents the reader wants at a time.
        revisions: True when the reader will write, and needs :attr:`Batch.revisions`.
        after: A place in the order of the sort (what :meth:`Sort.place` gave): documents up to it, it included, are
            not wanted. Only advice, since the engine leaves them out itself; a driver that reads an ordered index may
            begin there.
    """

    compiled: Compiled
    skip: int = 0
    limit: int = 0
    projection: Projection | None = None
    batch_size: int = 1000
    revisions: bool = False
    after: tuple[Any, ...] | None = None


@dataclass(slots=True)
class Batch:
    """Documents that came back together.

    Attributes:
        documents: Decoded documents, in order.
        revisions: One opaque value for each document, to be given back to ``replace`` and ``delete``; None where the
            reader did not ask.
        examined: Documents the backend looked at for this batch; defaults to the number returned.
    """

    documents: list[Document]
    revisions: Sequence[Any] | None = None
    examined: int | None = None


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
            nothing was tried.
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

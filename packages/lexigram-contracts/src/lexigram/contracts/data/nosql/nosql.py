"""What an application may ask of a document store, whatever database stands behind it.

Filters, updates and pipelines are MongoDB's; their meaning is the same on every backend. Methods return plain values
and raise :class:`~lexigram.contracts.exceptions.base.LexigramError` subclasses; ``collection.attempt`` has the same
methods returning a ``Result``.
"""

# ruff: noqa: ASYNC109 - the documented methods take their time limit as a parameter

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Generator, Iterable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Literal, Protocol, Self, TypeAlias, runtime_checkable

from lexigram.contracts.core.health import HealthCheckResult
from lexigram.contracts.domain.pagination import CursorPage

__all__ = [
    "BulkWriteResult",
    "ChangeEvent",
    "ChangeStreamProtocol",
    "CollectionProtocol",
    "CursorProtocol",
    "Document",
    "DocumentResult",
    "DocumentStoreProtocol",
    "Filter",
    "SessionProtocol",
    "SortSpec",
]

Document: TypeAlias = dict[str, Any]
"""A document, by field."""

Filter: TypeAlias = Mapping[str, Any]
"""A filter in MongoDB's language."""

SortSpec: TypeAlias = Sequence[tuple[str, int]]
"""Fields to order by: 1 ascending, -1 descending."""


@dataclass(frozen=True, slots=True)
class DocumentResult:
    """The outcome of a write on one collection.

    Attributes:
        document_id: The inserted document's ``_id`` as text; None for other writes.
        matched_count: Documents the filter selected. For deletes, the number deleted (as documented).
        modified_count: Documents that really changed.
        upserted_id: The ``_id``, as text, of the document an upsert made.
        acknowledged: False only for unacknowledged writes.
        deleted_count: Documents deleted; 0 for other writes.
        raw_id: The inserted or upserted ``_id`` with its own type.
    """

    document_id: str | None = None
    matched_count: int = 0
    modified_count: int = 0
    upserted_id: str | None = None
    acknowledged: bool = True
    deleted_count: int = 0
    raw_id: Any = None


@dataclass(frozen=True, slots=True)
class BulkWriteResult:
    """The outcome of many writes.

    Attributes:
        inserted_count: Documents inserted.
        matched_count: Documents selected by updates and replacements.
        modified_count: Documents that really changed.
        deleted_count: Documents deleted.
        upserted_ids: For ``bulk_write``, the upserted ids as text; for ``insert_many``, the inserted ids as text.
        inserted_ids: The inserted ids with their own types, in order.
        acknowledged: False only for unacknowledged writes.
    """

    inserted_count: int = 0
    matched_count: int = 0
    modified_count: int = 0
    deleted_count: int = 0
    upserted_ids: list[str] = field(default_factory=list[str])
    inserted_ids: list[Any] = field(default_factory=list[Any])
    acknowledged: bool = True


@dataclass(frozen=True, slots=True)
class ChangeEvent:
    """One change of a collection.

    Attributes:
        operation: ``insert``, ``update``, ``replace``, ``delete`` or ``drop``.
        collection: Name of the collection.
        document_id: The ``_id`` of the document that changed.
        document: The document after the change; None for deletes.
        resume_token: Opaque; pass it to ``watch(resume_after=...)`` to go on after this event.
        updated_fields: For updates, the paths set and their values.
        removed_fields: For updates, the paths removed.
    """

    operation: Literal["insert", "update", "replace", "delete", "drop"]
    collection: str
    document_id: Any
    document: Document | None
    resume_token: str
    updated_fields: Mapping[str, Any] | None = None
    removed_fields: Sequence[str] = ()


@runtime_checkable
class CursorProtocol(Protocol):
    """Documents as they come: async-iterable, and awaitable to itself."""

    def __aiter__(self) -> AsyncIterator[Document]: ...
    def __await__(self) -> Generator[Any, None, Self]: ...
    async def to_list(self, length: int | None = None) -> list[Document]:
        """All remaining documents, or the next *length*."""
        ...

    async def first(self) -> Document | None:
        """The first remaining document, or None; closes the cursor."""
        ...

    async def explain(self) -> Any:
        """How the request runs (or ran): access path, native part, residue, counts."""
        ...

    async def aclose(self) -> None:
        """Release what the cursor holds. Safe to call twice."""
        ...

    async def __aenter__(self) -> Self: ...
    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...


@runtime_checkable
class ChangeStreamProtocol(Protocol):
    """A running change feed: an async iterator of events, to be closed."""

    @property
    def resume_token(self) -> str | None:
        """Token of the last event delivered."""
        ...

    def __aiter__(self) -> AsyncIterator[ChangeEvent]: ...
    async def __anext__(self) -> ChangeEvent: ...
    async def aclose(self) -> None:
        """Stop the feed."""
        ...

    async def __aenter__(self) -> Self: ...
    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...


@runtime_checkable
class SessionProtocol(Protocol):
    """A conversation with the store; operations of the same task join it by themselves."""

    @property
    def in_transaction(self) -> bool:
        """True between the start of a transaction and its end."""
        ...


@runtime_checkable
class CollectionProtocol(Protocol):
    """A named set of documents.

    Every method that takes a filter accepts a mapping, a ``DocumentQueryBuilder`` or a built query; every method
    takes ``session`` (join this session instead of the task's) and ``timeout`` (seconds for the whole call).
    """

    @property
    def name(self) -> str:
        """The collection's name."""
        ...

    @property
    def attempt(self) -> Any:
        """The same methods, returning ``Result`` instead of raising."""
        ...

    async def insert_one(
        self, document: Mapping[str, Any], *, session: Any = None, timeout: float | None = None
    ) -> DocumentResult:
        """Insert one document; an ``_id`` is made when missing."""
        ...

    async def insert_many(
        self,
        documents: Iterable[Mapping[str, Any]],
        *,
        ordered: bool = True,
        session: Any = None,
        timeout: float | None = None,
    ) -> BulkWriteResult:
        """Insert documents; *ordered* stops at the first failure."""
        ...

    async def find_one(
        self,
        filter: Any = None,
        *,
        projection: Any = None,
        sort: Any = None,
        skip: int = 0,
        hint: Any = None,
        collation: Mapping[str, Any] | None = None,
        session: Any = None,
        timeout: float | None = None,
    ) -> Document | None:
        """The first document that matches, or None."""
        ...

    def find(
        self,
        filter: Any = None,
        *,
        projection: Any = None,
        sort: Any = None,
        skip: int = 0,
        limit: int = 0,
        hint: Any = None,
        collation: Mapping[str, Any] | None = None,
        batch_size: int | None = None,
        session: Any = None,
        timeout: float | None = None,
    ) -> CursorProtocol:
        """A cursor over the documents that match. Nothing is sent until it is iterated."""
        ...

    async def find_page(
        self,
        filter: Any = None,
        *,
        sort: Any = None,
        size: int = 20,
        token: str | None = None,
        projection: Any = None,
        session: Any = None,
        timeout: float | None = None,
    ) -> CursorPage[Document]:
        """One page by keyset; pass the previous page's ``next_cursor`` as *token* to go on."""
        ...

    async def update_one(
        self,
        filter: Any,
        update: Any,
        *,
        upsert: bool = False,
        array_filters: Sequence[Mapping[str, Any]] | None = None,
        sort: Any = None,
        hint: Any = None,
        collation: Mapping[str, Any] | None = None,
        session: Any = None,
        timeout: float | None = None,
    ) -> DocumentResult:
        """Update the first document that matches."""
        ...

    async def update_many(
        self,
        filter: Any,
        update: Any,
        *,
        upsert: bool = False,
        array_filters: Sequence[Mapping[str, Any]] | None = None,
        hint: Any = None,
        collation: Mapping[str, Any] | None = None,
        session: Any = None,
        timeout: float | None = None,
    ) -> DocumentResult:
        """Update every document that matches."""
        ...

    async def replace_one(
        self,
        filter: Any,
        replacement: Mapping[str, Any],
        *,
        upsert: bool = False,
        sort: Any = None,
        hint: Any = None,
        collation: Mapping[str, Any] | None = None,
        session: Any = None,
        timeout: float | None = None,
    ) -> DocumentResult:
        """Replace the first document that matches, keeping its ``_id``."""
        ...

    async def delete_one(
        self,
        filter: Any,
        *,
        hint: Any = None,
        collation: Mapping[str, Any] | None = None,
        session: Any = None,
        timeout: float | None = None,
    ) -> DocumentResult:
        """Delete the first document that matches."""
        ...

    async def delete_many(
        self,
        filter: Any,
        *,
        hint: Any = None,
        collation: Mapping[str, Any] | None = None,
        session: Any = None,
        timeout: float | None = None,
    ) -> DocumentResult:
        """Delete every document that matches."""
        ...

    async def find_one_and_update(
        self,
        filter: Any,
        update: Any,
        *,
        upsert: bool = False,
        return_document: bool = True,
        projection: Any = None,
        sort: Any = None,
        array_filters: Sequence[Mapping[str, Any]] | None = None,
        hint: Any = None,
        collation: Mapping[str, Any] | None = None,
        session: Any = None,
        timeout: float | None = None,
    ) -> Document | None:
        """Update one document and return it as it is after (True) or was before (False)."""
        ...

    async def find_one_and_replace(
        self,
        filter: Any,
        replacement: Mapping[str, Any],
        *,
        upsert: bool = False,
        return_document: bool = True,
        projection: Any = None,
        sort: Any = None,
        hint: Any = None,
        collation: Mapping[str, Any] | None = None,
        session: Any = None,
        timeout: float | None = None,
    ) -> Document | None:
        """Replace one document and return it as it is after (True) or was before (False)."""
        ...

    async def find_one_and_delete(
        self,
        filter: Any,
        *,
        projection: Any = None,
        sort: Any = None,
        hint: Any = None,
        collation: Mapping[str, Any] | None = None,
        session: Any = None,
        timeout: float | None = None,
    ) -> Document | None:
        """Delete one document and return it as it was."""
        ...

    async def count_documents(
        self,
        filter: Any = None,
        *,
        skip: int = 0,
        limit: int = 0,
        hint: Any = None,
        collation: Mapping[str, Any] | None = None,
        session: Any = None,
        timeout: float | None = None,
    ) -> int:
        """How many documents match, exactly."""
        ...

    async def estimated_document_count(self, *, timeout: float | None = None) -> int:
        """How many documents the collection holds, as the backend's metadata says."""
        ...

    async def exists(self, filter: Any = None, *, session: Any = None, timeout: float | None = None) -> bool:
        """True when at least one document matches."""
        ...

    async def distinct(
        self,
        key: str,
        filter: Any = None,
        *,
        collation: Mapping[str, Any] | None = None,
        session: Any = None,
        timeout: float | None = None,
    ) -> list[Any]:
        """The different values of *key*, arrays counted by element."""
        ...

    def aggregate(
        self,
        pipeline: Any,
        *,
        batch_size: int | None = None,
        collation: Mapping[str, Any] | None = None,
        let: Mapping[str, Any] | None = None,
        hint: Any = None,
        session: Any = None,
        timeout: float | None = None,
    ) -> CursorProtocol:
        """A cursor over the pipeline's output."""
        ...

    async def bulk_write(
        self, operations: Sequence[Any], *, ordered: bool = True, session: Any = None, timeout: float | None = None
    ) -> BulkWriteResult:
        """Run portable write operations (``InsertOne``, ``UpdateOne``, …); *ordered* stops at the first failure."""
        ...

    async def create_index(
        self,
        keys: str | Sequence[tuple[str, int | str]] | Mapping[str, int | str],
        *,
        unique: bool = False,
        name: str | None = None,
        sparse: bool = False,
        partial_filter: Mapping[str, Any] | None = None,
        expire_after_seconds: float | None = None,
        collation: Mapping[str, Any] | None = None,
        timeout: float | None = None,
    ) -> str:
        """Make an index, or find the same one, and return its name."""
        ...

    async def drop_index(self, name: str, *, timeout: float | None = None) -> None:
        """Remove the index called *name*."""
        ...

    async def list_indexes(self, *, timeout: float | None = None) -> list[Document]:
        """The indexes, one mapping each, in MongoDB's form."""
        ...

    def watch(
        self,
        pipeline: Any = None,
        *,
        resume_after: str | None = None,
        full_document: bool = True,
    ) -> ChangeStreamProtocol:
        """Follow the collection's changes from now, or from after *resume_after*."""
        ...


@runtime_checkable
class DocumentStoreProtocol(Protocol):
    """A database of documents, by whatever driver the configuration names."""

    async def connect(self) -> None:
        """Open the connection. Connecting twice does nothing."""
        ...

    async def disconnect(self) -> None:
        """Close everything that is open. Disconnecting twice does nothing."""
        ...

    def is_connected(self) -> bool:
        """True between a successful connect and disconnect."""
        ...

    def collection(self, name: str) -> CollectionProtocol:
        """A handle on a collection; makes no call and works before :meth:`connect`."""
        ...

    def get_collection(self, name: str) -> Awaitable[CollectionProtocol]:
        """The same handle, for code that awaits it."""
        ...

    def session(self) -> AbstractAsyncContextManager[Any]:
        """A session; operations of the same task join it."""
        ...

    def transaction(self) -> AbstractAsyncContextManager[Any]:
        """A session with a transaction: commits on a clean exit, rolls back on an error or a cancellation."""
        ...

    async def list_collections(self) -> list[str]:
        """The names of the collections, sorted."""
        ...

    async def drop_collection(self, name: str) -> None:
        """Remove a collection with its documents and indexes. A missing one is not an error."""
        ...

    async def health_check(self, timeout: float = 5.0) -> HealthCheckResult:
        """Whether the store answers, how fast, and what it is. Never raises."""
        ...

"""What a running pipeline needs of its surroundings: other collections, writes, the time and the limits."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Protocol, runtime_checkable

from lexigram.nosql.aggregation.ast import Leading
from lexigram.nosql.aggregation.limits import DEFAULT_MEMORY_LIMIT
from lexigram.nosql.exceptions import UnsupportedFeatureError
from lexigram.nosql.query.parse import Query

__all__ = ["Change", "LocalContext", "MergeWrite", "RunContext"]

Document = dict[str, Any]


class Change(Protocol):
    """How a document is changed; see :class:`lexigram.nosql.update.apply.Update`."""

    def apply(self, document: Document, query: Query | None = None) -> tuple[Document, bool]:
        """The new document, and whether it differs."""
        ...

    def build_upsert(self, query: Query) -> Document:
        """The document to insert; it may lack an ``_id``."""
        ...


@dataclass(frozen=True, slots=True)
class MergeWrite:
    """One document's part in a ``$merge``.

    Attributes:
        query: Equality on the fields that identify the document.
        change: What becomes of the document that matches.
        upsert: Insert ``change.build_upsert(query)`` when none matches.
    """

    query: Query
    change: Change
    upsert: bool


@runtime_checkable
class RunContext(Protocol):
    """Surroundings of one run. Reads and writes join the session that the pipeline runs in."""

    @property
    def collection(self) -> str:
        """Name of the collection that the pipeline reads."""
        ...

    @property
    def now(self) -> datetime:
        """``$$NOW``: aware, in UTC, cut to milliseconds, the same for the whole run."""
        ...

    @property
    def memory_limit_bytes(self) -> int:
        """Most that one blocking stage may hold, in bytes; 0 for no limit."""
        ...

    @property
    def shares_documents(self) -> bool:
        """True when documents read are the store's own, which may not be handed out."""
        ...

    def find(self, collection: str, leading: Leading) -> AsyncIterator[list[Document]]:
        """Read a collection, in its natural order unless a sort is asked; closing the iterator ends the read."""
        ...

    async def insert(self, collection: str, documents: Sequence[Document]) -> None:
        """Insert documents, making an ``_id`` where one is missing.

        Raises:
            DuplicateKeyError: A unique index holds a document's key already.
        """
        ...

    async def merge(self, collection: str, writes: Sequence[MergeWrite]) -> Sequence[bool]:
        """Carry out writes, in order where two concern the same document.

        Returns:
            For each write, whether a document matched or was inserted.
        """
        ...

    async def replace_all(self, collection: str, documents: Sequence[Document]) -> None:
        """Make a collection hold these documents and no others, keeping its indexes."""
        ...

    async def has_unique_index(self, collection: str, fields: frozenset[str]) -> bool:
        """Whether a unique index on exactly these fields, neither partial nor sparse, identifies documents."""
        ...


class LocalContext:
    """Surroundings with no other collections: pipelines over documents that are at hand.

    Args:
        now: ``$$NOW``; the present when missing.
        memory_limit_bytes: Most that one blocking stage may hold, in bytes.
        shares_documents: Whether the documents are someone else's.
    """

    __slots__ = ("_now", "memory_limit_bytes", "shares_documents")

    collection = ""

    def __init__(
        self,
        *,
        now: datetime | None = None,
        memory_limit_bytes: int = DEFAULT_MEMORY_LIMIT,
        shares_documents: bool = True,
    ) -> None:
        self._now = present() if now is None else now
        self.memory_limit_bytes = memory_limit_bytes
        self.shares_documents = shares_documents

    @property
    def now(self) -> datetime:
        """``$$NOW``."""
        return self._now

    def find(self, collection: str, leading: Leading) -> AsyncIterator[list[Document]]:
        """Fail: there are no other collections."""
        raise self._nowhere("read", collection)

    async def insert(self, collection: str, documents: Sequence[Document]) -> None:
        """Fail: there are no other collections."""
        raise self._nowhere("write", collection)

    async def merge(self, collection: str, writes: Sequence[MergeWrite]) -> Sequence[bool]:
        """Fail: there are no other collections."""
        raise self._nowhere("write", collection)

    async def replace_all(self, collection: str, documents: Sequence[Document]) -> None:
        """Fail: there are no other collections."""
        raise self._nowhere("write", collection)

    async def has_unique_index(self, collection: str, fields: frozenset[str]) -> bool:
        """Fail: there are no other collections."""
        raise self._nowhere("write", collection)

    def _nowhere(self, verb: str, collection: str) -> UnsupportedFeatureError:
        return UnsupportedFeatureError(
            f"this pipeline cannot {verb} the collection {collection!r} here",
            hint="Run it with aggregate() on a collection of a store.",
            feature="other_collections",
        )


def present() -> datetime:
    """The time, in UTC, cut to milliseconds as documents hold it."""
    clock = datetime.now(UTC)
    return clock.replace(microsecond=clock.microsecond // 1000 * 1000)

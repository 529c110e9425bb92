"""Moves collections from one store to another, whatever their backends are.

The documents are read once to see whether the target can hold them, and once more to write them, in batches; one batch
is held at a time. A copy that goes on after it was stopped reads the source from its beginning, asks the target for the
ids of each batch, and writes only what is missing there or different; so it does not matter in which order a backend
gives its documents, nor whether the last batch was stored as a whole.

All collections are copied where none is named, those below documents included: to look for these, the source may have
to read the names of all of its documents. A named one is copied without what is below its documents.

Then both sides are read and compared by count and by checksum. A checksum is the sum of the SHA-256 digests of all
documents as Extended JSON, which tells types, order of fields and last digits apart, and does not depend on the order
of the documents.
"""

from __future__ import annotations

import hashlib
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import Any, Final

from lexigram.contracts.data.nosql.operations import ReplaceOne
from lexigram.nosql.driver import Document, SupportsFitting
from lexigram.nosql.exceptions import (
    BulkWriteError,
    DocumentValidationError,
    NoSQLError,
    NoSQLIndexError,
    QueryOptionError,
)
from lexigram.nosql.indexes import ID_INDEX, IndexSpec, parse_index
from lexigram.nosql.query.plan import deliberate_scan
from lexigram.nosql.sizes import size_check
from lexigram.nosql.store import DocumentStore
from lexigram.nosql.values.extended_json import dumps

__all__ = ["Copier", "Digest", "Inspection", "Misfit", "Summary"]

_MOST_SHOWN: Final = 20
_MODULUS: Final = 2**256
_PROPERTIES: Final = ("unique", "sparse")

Progress = Callable[[int], None]


class Digest:
    """Count and checksum of documents, in any order.

    Attributes:
        count: How many were added.
    """

    def __init__(self) -> None:
        self.count = 0
        self._sum = 0

    def add(self, document: Document) -> None:
        """Add a document."""
        self.count += 1
        self._sum = (self._sum + int.from_bytes(_digest(document))) % _MODULUS

    @property
    def checksum(self) -> str:
        """Equal for the same documents, whatever their order: 64 hexadecimal digits."""
        return f"{self._sum:064x}"


def _digest(document: Document) -> bytes:
    return hashlib.sha256(dumps(document).encode("utf-8", "surrogatepass")).digest()


@dataclass(frozen=True, slots=True)
class Misfit:
    """Something that the target cannot hold.

    Attributes:
        collection: Where it is.
        what: The ``_id`` of a document as Extended JSON, or the name of an index or of the collection.
        kind: Which of them it is: ``document``, ``index`` or ``collection``.
        code: Of the error.
        reason: Why not.
    """

    collection: str
    what: str
    kind: str
    code: str
    reason: str


@dataclass(slots=True)
class Inspection:
    """What a look at the source found.

    Attributes:
        documents: How many documents each collection holds.
        misfits: The first of what the target cannot hold.
        unfit_documents: How many documents it cannot hold, of the collections that it can have.
        unfit_collections: The collections whose names it cannot have.
    """

    documents: dict[str, int] = field(default_factory=dict[str, int])
    misfits: list[Misfit] = field(default_factory=list[Misfit])
    unfit_documents: int = 0
    unfit_collections: list[str] = field(default_factory=list[str])

    @property
    def total(self) -> int:
        """Documents of all collections."""
        return sum(self.documents.values())

    def add(self, misfit: Misfit) -> None:
        """Count something that does not fit; the first are kept."""
        self.unfit_documents += misfit.kind == "document"
        if len(self.misfits) < _MOST_SHOWN:
            self.misfits.append(misfit)


@dataclass(slots=True)
class Summary:
    """What was done with one collection.

    Attributes:
        collection: Its name.
        read: Documents read.
        written: Documents written in this run.
        indexes: Indexes made.
        checksum: Of the source; None where nothing was compared.
        differs: What the comparison found: counts and checksums of both sides; None for nothing.
    """

    collection: str
    read: int = 0
    written: int = 0
    indexes: int = 0
    checksum: str | None = None
    differs: str | None = None


class Copier:
    """Copies collections.

    Args:
        source: Where they are, connected.
        target: Where they go, connected.
        batch_size: Most documents to hold at a time.
    """

    def __init__(self, source: DocumentStore, target: DocumentStore, batch_size: int) -> None:
        self._source = source
        self._target = target
        self._batch_size = batch_size
        # A store leaves the size to an encoder that refuses bad documents itself; here nothing is encoded before it is
        # too late. Counting encodes the document, where the backend counts in its own way.
        self._fits = size_check(target.spec, target.config)

    async def inspect(self, collections: Sequence[str], progress: Progress) -> Inspection:
        """Look at everything, and write nothing.

        Args:
            collections: Their names.
            progress: Told how many documents have been looked at.

        Returns:
            How much there is, and what the target cannot hold.
        """
        found = Inspection()
        seen = 0
        for name in collections:
            try:
                self._target.collection(name).reach()
            except NoSQLError as error:
                found.add(Misfit(name, name, "collection", error.code, error.message))
                found.unfit_collections.append(name)
                found.documents[name] = await self._source.collection(name).estimated_document_count()
                continue
            for spec in await self._indexes(self._source, name):
                refusal = self._refuses(spec)
                if refusal is not None:
                    found.add(Misfit(name, spec.name, "index", refusal.code, refusal.message))
            found.documents[name] = 0
            async with aclosing(self._batches(self._source, name)) as batches:
                async for batch in batches:
                    for document in batch:
                        fault = self._misfit(name, document)
                        if fault is not None:
                            found.add(Misfit(name, dumps(document["_id"]), "document", fault.code, fault.message))
                    found.documents[name] += len(batch)
                    seen += len(batch)
                    progress(seen)
        return found

    def _misfit(self, name: str, document: Document) -> NoSQLError | None:
        """Why the target cannot hold a document of a collection."""
        target = self._target.collection(name).reach().target
        try:
            prepared = self._target.prepare(document)
            if self._fits is not None:
                self._fits(prepared)
            elif self._target.spec.document_size is not None:
                self._target.spec.document_size(prepared)
            if isinstance(target, SupportsFitting):
                target.check(prepared)
        except DocumentValidationError as error:
            return error
        return None

    def _refuses(self, spec: IndexSpec) -> NoSQLError | None:
        """Why the target cannot have an index."""
        able = self._target.spec.capabilities
        wanted = {
            "indexes": True,
            "unique_indexes": spec.unique,
            "sparse_indexes": spec.sparse,
            "partial_indexes": spec.partial_filter is not None,
            "ttl_indexes": spec.expire_after_seconds is not None,
            "text_search": any(way == "text" for _, way in spec.keys),
            "collations": spec.collation is not None,
            "wildcard_indexes": spec.is_wildcard,
        }
        missing = [name for name, asked in wanted.items() if asked and not getattr(able, name)]
        return self._target.unsupported(missing[0]) if missing else None

    async def copy(
        self,
        name: str,
        *,
        anew: bool,
        indexes: bool,
        skip_unfit: bool,
        progress: Progress,
        save: Callable[[int], Awaitable[None]],
    ) -> Summary:
        """Copy one collection.

        Args:
            name: Its name.
            anew: The target's collection is empty, so that nothing has to be compared.
            indexes: Make the source's indexes as well, where the target can have them.
            skip_unfit: Leave out what the target cannot hold.
            progress: Told how many documents have been read.
            save: The same, after each batch, when the batch is stored.

        Returns:
            What was done.
        """
        summary = Summary(name)
        target = self._target.collection(name)
        if indexes:
            held = await self._indexes(self._target, name)
            for spec in await self._indexes(self._source, name):
                if self._refuses(spec) is None and not any(other.same_as(spec) for other in held):
                    await target.create_index(spec.keys, **_options(spec))
                    summary.indexes += 1
        async with aclosing(self._batches(self._source, name)) as batches:
            async for batch in batches:
                fitting = (
                    [document for document in batch if self._misfit(name, document) is None] if skip_unfit else batch
                )
                missing = fitting if anew else await self._missing(name, fitting)
                if missing:
                    await self._write(name, missing, anew=anew)
                summary.read += len(batch)
                summary.written += len(missing)
                progress(summary.read)
                await save(summary.read)
        return summary

    async def _missing(self, name: str, batch: Sequence[Document]) -> list[Document]:
        """Those documents of a batch that are not in the target as they are."""
        target = self._target.collection(name)
        ids = [document["_id"] for document in batch]
        found = await target.find({"_id": {"$in": ids}}).to_list()
        there = {_digest(document) for document in found}
        return [document for document in batch if _digest(document) not in there]

    async def _write(self, name: str, documents: Sequence[Document], *, anew: bool) -> None:
        target = self._target.collection(name)
        try:
            if anew:
                await target.insert_many(documents, ordered=False)
                return
            operations = [
                ReplaceOne({"_id": {"$eq": document["_id"]}}, document, upsert=True) for document in documents
            ]
            await target.bulk_write(operations, ordered=False)
        except BulkWriteError as error:
            first = error.failures[0]
            identity = dumps(documents[first.index]["_id"])
            raise NoSQLError(
                f"{name}: {len(error.failures):,} documents could not be written, the first with the _id {identity}: "
                f"{first.error.message}",
                hint="Put right what it says, and go on with --resume.",
            ) from error

    async def compare(self, name: str, progress: Progress, *, skip_unfit: bool = False) -> tuple[Digest, Digest]:
        """Read a collection on both sides.

        Args:
            name: Its name.
            progress: Told how many documents have been read.
            skip_unfit: What the target cannot hold was left out.

        Returns:
            Count and checksum of the source and of the target.
        """
        sides = (Digest(), Digest())
        seen = 0
        for store, digest in zip((self._source, self._target), sides, strict=True):
            async with aclosing(self._batches(store, name)) as batches:
                async for batch in batches:
                    for document in batch:
                        if not skip_unfit or store is self._target or self._misfit(name, document) is None:
                            digest.add(document)
                    seen += len(batch)
                    progress(seen)
        return sides

    async def _batches(self, store: DocumentStore, name: str) -> AsyncGenerator[list[Document]]:
        batch: list[Document] = []
        with deliberate_scan():
            cursor = store.collection(name).find({}, batch_size=self._batch_size)
        async with aclosing(cursor):
            async for document in cursor:
                batch.append(document)
                if len(batch) >= self._batch_size:
                    yield batch
                    batch = []
        if batch:
            yield batch

    async def _indexes(self, store: DocumentStore, name: str) -> list[IndexSpec]:
        """The indexes of a collection but the one on ``_id``; none on a backend without."""
        if not store.spec.capabilities.indexes:
            return []
        found: list[IndexSpec] = []
        for told in await store.collection(name).list_indexes():
            if told["name"] == ID_INDEX.name:
                continue
            try:
                found.append(_read_index(told))
            except (NoSQLIndexError, QueryOptionError) as error:
                raise NoSQLError(
                    f"the index {told['name']!r} of {name!r} cannot be copied: {error.message}",
                    hint="Copy with --no-indexes, and make the indexes yourself.",
                ) from error
        return found


def _read_index(told: Document) -> IndexSpec:
    """An index from the form in which it is listed."""
    return parse_index(
        list(told["key"].items()),
        unique=told.get("unique", False),
        name=told["name"],
        sparse=told.get("sparse", False),
        partial_filter=told.get("partialFilterExpression"),
        expire_after_seconds=told.get("expireAfterSeconds"),
        collation=told.get("collation"),
    )


def _options(spec: IndexSpec) -> dict[str, Any]:
    """An index's options, as they are given to make it."""
    options: dict[str, Any] = {"name": spec.name}
    options.update({name: True for name in _PROPERTIES if getattr(spec, name)})
    if spec.partial_filter is not None:
        options["partial_filter"] = spec.partial_filter
    if spec.expire_after_seconds is not None:
        options["expire_after_seconds"] = spec.expire_after_seconds
    if spec.collation is not None:
        options["collation"] = spec.collation
    return options

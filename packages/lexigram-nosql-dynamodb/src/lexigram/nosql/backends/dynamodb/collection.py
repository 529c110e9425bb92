"""One collection of DynamoDB, as the portable layer sees it."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Sequence
from contextlib import aclosing
from typing import TYPE_CHECKING, Any, TypeVar

from botocore.exceptions import ClientError
from lexigram.contracts.data.nosql.nosql import ChangeEvent
from lexigram.nosql.backends.dynamodb.changes import follow
from lexigram.nosql.backends.dynamodb.errors import error_code
from lexigram.nosql.backends.dynamodb.indexing import create_index, drop_index, listed
from lexigram.nosql.backends.dynamodb.layouts.home import Home
from lexigram.nosql.backends.dynamodb.native_writes import NativeWrites, Single, Sweep
from lexigram.nosql.backends.dynamodb.reading.native import NativeFind
from lexigram.nosql.driver import (
    Batch,
    Call,
    Compiled,
    Document,
    Hint,
    NativePipeline,
    NativeRead,
    Outcome,
    ServerFacts,
)
from lexigram.nosql.indexes import IndexSpec
from lexigram.nosql.query.parse import Query
from lexigram.nosql.query.sort import Sort

if TYPE_CHECKING:
    from lexigram.nosql.backends.dynamodb.driver import DynamoDBDriver

__all__ = ["DynamoDBCollection"]

T = TypeVar("T")

_SMALL_BYTES = 1_048_576


class DynamoDBCollection(NativeWrites):
    """One collection.

    Args:
        driver: The connection.
        name: Name of the collection.

    Attributes:
        driver: The connection.
        name: Name of the collection.
    """

    def __init__(self, driver: DynamoDBDriver, name: str) -> None:
        self.driver = driver
        self.name = name

    # --- reads

    def compile(self, query: Query, sort: Sort | None, hint: Hint | None) -> Compiled:
        """Choose key look-up, index or scan, and write the conditions as expressions."""
        return self.driver.compile(self.driver.homes.guess(self.name), query, sort, hint)

    async def read(self, read: NativeRead, call: Call) -> AsyncGenerator[Batch]:
        """Run a read, page by page."""
        find: NativeFind = read.compiled.native
        home = await self.home()
        if call.in_transaction:
            async with aclosing(call.session.stream(home, find, read)) as pairs:
                async for batch in _batches(pairs, read):
                    yield batch
            return
        if home is not find.home:
            async with aclosing(self._read_anew(home, read)) as batches:
                async for batch in batches:
                    yield batch
            return
        began = False
        try:
            async with aclosing(self._read_there(home, read)) as batches:
                async for batch in batches:
                    began = True
                    yield batch
        except ClientError as error:
            if began or not await self._has_changed(home, error):
                raise
        else:
            return
        async with aclosing(self._read_anew(await self.home(), read)) as batches:
            async for batch in batches:
                yield batch

    async def _read_there(self, home: Home, read: NativeRead) -> AsyncGenerator[Batch]:
        """Run a read where it was compiled for."""
        find: NativeFind = read.compiled.native
        skip, left = read.skip, read.limit
        project = None if read.projection is None else read.projection.apply
        reader = self.driver.reader
        items = reader.items(home, find.reach, find.counts, strict=read.revisions, most=skip + left if left else 0)
        async with aclosing(items) as pages:
            async for page, examined in pages:
                pairs = reader.shown(home, page)
                if skip:
                    dropped = min(skip, len(pairs))
                    pairs, skip = pairs[dropped:], skip - dropped
                if read.limit:
                    pairs = pairs[:left]
                    left -= len(pairs)
                counted: int | None = examined
                for start in range(0, max(len(pairs), 1), read.batch_size):
                    part = pairs[start : start + read.batch_size]
                    documents = [pair[0] for pair in part] if project is None else [project(pair[0]) for pair in part]
                    revisions = [home.revision(pair[1]) for pair in part] if read.revisions else None
                    yield Batch(documents, revisions, counted)
                    counted = 0
                if read.limit and not left:
                    return

    async def _read_anew(self, home: Home, read: NativeRead) -> AsyncGenerator[Batch]:
        """Run a read whose collection has changed since it was compiled, and keep what was promised of it."""
        find: NativeFind = read.compiled.native
        again = self.driver.compile(home, find.query, find.sort, None)
        reach = again.native.reach
        pairs: list[tuple[Document, Any]] = []
        examined = 0
        async with aclosing(self.driver.reader.items(home, reach, find.counts, strict=read.revisions)) as pages:
            async for page, looked_at in pages:
                examined += looked_at
                shown = self.driver.reader.shown(home, page)
                if read.compiled.residue is None and reach.residue is not None:
                    shown = [pair for pair in shown if find.query.matches(pair[0])]
                pairs += shown
        if find.sort is not None and read.compiled.ordered and not reach.ordered:
            by_document = {id(document): item for document, item in pairs}
            ordered = find.sort.sorted([document for document, _ in pairs])
            pairs = [(document, by_document[id(document)]) for document in ordered]
        pairs = pairs[read.skip : read.skip + read.limit if read.limit else None]
        project = None if read.projection is None else read.projection.apply
        counted: int | None = examined
        for start in range(0, max(len(pairs), 1), read.batch_size):
            part = pairs[start : start + read.batch_size]
            documents = [pair[0] for pair in part] if project is None else [project(pair[0]) for pair in part]
            yield Batch(documents, [home.revision(pair[1]) for pair in part] if read.revisions else None, counted)
            counted = 0

    async def find_one(self, read: NativeRead, call: Call) -> tuple[Document, Any] | None:
        """The first document of a read; by ``_id``, one GetItem."""
        find: NativeFind = read.compiled.native
        reach = find.reach
        if not call.in_transaction and reach.kind == "keys" and len(reach.keys) == 1 and not read.skip:
            home = await self.home()
            if home is find.home and home.exists:
                item = await self.driver.reader.one(home, dict(reach.keys[0]), find.counts, strict=read.revisions)
                shown = self.driver.reader.shown(home, [] if item is None else [item])
                if not shown or (reach.residue is not None and not reach.residue.matches(shown[0][0])):
                    return None
                document = shown[0][0] if read.projection is None else read.projection.apply(shown[0][0])
                return document, home.revision(shown[0][1]) if read.revisions else None
        async with aclosing(self.read(read, call)) as batches:
            async for batch in batches:
                if batch.documents:
                    return batch.documents[0], None if batch.revisions is None else batch.revisions[0]
        return None

    async def count(self, compiled: Compiled, limit: int, call: Call) -> int:
        """How many documents match; the service counts where nothing of them has to be seen."""
        find: NativeFind = compiled.native
        home = await self.home()
        plain = home is find.home and not home.expiring and not home.expires_natively
        if plain and not call.in_transaction and find.reach.counts and home.exists:
            try:
                return await self.driver.reader.count(home, find.reach, find.counts, limit)
            except ClientError as error:
                if not await self._has_changed(home, error):
                    raise
        counted = 0
        async with aclosing(self.read(NativeRead(compiled, limit=limit), call)) as batches:
            async for batch in batches:
                counted += len(batch.documents)
        return counted

    async def estimated_count(self, call: Call) -> int:
        """How many documents there are: counted where that takes one page, else as the service says, hours late."""
        from lexigram.nosql.query.parse import parse_filter

        home = await self.home()
        if not home.exists:
            return 0
        self.driver.homes.forget(self.name)
        home = await self.home()
        described = home.described or {}
        alone = home.shape.primary.partition[0].constant is None
        if alone and int(described.get("TableSizeBytes") or 0) > _SMALL_BYTES:
            return int(described.get("ItemCount") or 0)
        return await self.count(self.driver.compile(home, parse_filter({}), None, None), 0, call)

    # --- writes

    async def insert(
        self, documents: Sequence[Document], ordered: bool, call: Call
    ) -> Sequence[tuple[int, BaseException]]:
        """Insert documents; see :mod:`~lexigram.nosql.backends.dynamodb.writing.writer`."""
        if call.in_transaction:
            failed: list[tuple[int, BaseException]] = await call.session.insert(await self.made_home(), documents)
            return failed
        return await self._writing(lambda home: self.driver.writer.insert(home, documents, ordered))

    async def replace(self, old: Document, new: Document, revision: Any, whole: bool, call: Call) -> bool:
        """Replace a document if it is still as it was read."""
        if call.in_transaction:
            done: bool = await call.session.replace(await self.home(), new, revision, whole=whole)
            return done
        return await self._writing(lambda home: self.driver.writer.replace(home, old, new, revision, whole=whole))

    async def delete(self, old: Document, revision: Any, call: Call) -> bool:
        """Delete a document if it is still as it was read."""
        if call.in_transaction:
            done: bool = await call.session.delete(revision)
            return done
        home = await self.home()
        return home.exists and await self.driver.writer.delete(home, old, revision)

    async def run_update(self, native: Single | Sweep, call: Call) -> Outcome | None:
        """Run an update."""
        return await self._unless_lost(super().run_update(native, call))

    async def run_delete(self, native: Single | Sweep, call: Call) -> Outcome | None:
        """Run a deletion."""
        return await self._unless_lost(super().run_delete(native, call))

    # --- indexes, changes, costs

    async def create_index(self, spec: IndexSpec, call: Call) -> None:
        """Make an index; see :mod:`~lexigram.nosql.backends.dynamodb.indexing`."""
        await create_index(self.driver, self.name, spec)

    async def drop_index(self, name: str, call: Call) -> None:
        """Remove an index."""
        await drop_index(self.driver, self.name, name)

    async def list_indexes(self, call: Call) -> list[IndexSpec]:
        """All indexes but the one on ``_id``."""
        return await listed(self.driver, self.name)

    def watch(self, resume_after: str | None, full_document: bool) -> AsyncIterator[ChangeEvent]:
        """Follow the changes; see :mod:`~lexigram.nosql.backends.dynamodb.changes`."""
        return follow(self.driver, self.name, resume_after, full_document)

    async def explain(self, request: NativeRead | NativePipeline, ran: bool, call: Call) -> ServerFacts | None:
        """What running a read has cost; DynamoDB has no plans of its own."""
        if not ran or not isinstance(request, NativeRead):
            return None
        find: NativeFind = request.compiled.native
        return ServerFacts(documents_examined=find.counts.examined, details=find.counts.to_dict())

    # --- below: the parts that the methods share

    async def home(self) -> Home:
        """Where the collection lies; its table may be missing."""
        return await self.driver.homes.find(self.name)

    async def made_home(self) -> Home:
        """The same, after its table has been made if it was missing."""
        return await self.driver.homes.make(self.name)

    async def _writing(self, work: Callable[[Home], Awaitable[T]]) -> T:
        """Write, once more where the table was dropped by somebody else meanwhile."""
        home = await self.made_home()
        try:
            return await work(home)
        except ClientError as error:
            if error_code(error) != "ResourceNotFoundException":
                raise
            self.driver.homes.lost(self.name)
            found = await self.home()
            if found.exists and found.record is home.record:
                raise
        return await work(await self.made_home())

    async def _has_changed(self, home: Home, error: ClientError) -> bool:
        """True when a read was refused, and the collection's indexes are others than it was made for."""
        if error_code(error) != "ValidationException":
            return False
        self.driver.homes.lost(self.name)
        return (await self.home()).shape.indexes != home.shape.indexes

    async def _unless_lost(self, work: Awaitable[Outcome | None]) -> Outcome | None:
        """Write; where the table was dropped by somebody else meanwhile, leave it to the portable way."""
        try:
            return await work
        except ClientError as error:
            if error_code(error) != "ResourceNotFoundException":
                raise
            self.driver.homes.lost(self.name)
            if (await self.home()).exists:
                raise
        return None


async def _batches(pairs: AsyncIterator[tuple[Document, Any]], read: NativeRead) -> AsyncGenerator[Batch]:
    """Put documents together, no more at a time than are asked for."""
    documents: list[Document] = []
    revisions: list[Any] = []
    async for document, revision in pairs:
        documents.append(document)
        revisions.append(revision)
        if len(documents) >= read.batch_size:
            yield Batch(documents, revisions if read.revisions else None)
            documents, revisions = [], []
    if documents:
        yield Batch(documents, revisions if read.revisions else None)

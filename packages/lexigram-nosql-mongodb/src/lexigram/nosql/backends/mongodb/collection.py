"""One collection of a MongoDB database: reads, inserts, and writes on the condition that nothing changed."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any, Final

from bson.errors import InvalidDocument
from lexigram.contracts.data.nosql.nosql import ChangeEvent
from lexigram.nosql.backends.mongodb.access import reach
from lexigram.nosql.backends.mongodb.changes import follow
from lexigram.nosql.backends.mongodb.codecs import PLAIN_OPTIONS
from lexigram.nosql.backends.mongodb.compiling import NativeFind, compile_filter, compile_hint, compile_sort
from lexigram.nosql.backends.mongodb.errors import write_failures
from lexigram.nosql.backends.mongodb.explaining import ask_pipeline, ask_read
from lexigram.nosql.backends.mongodb.indexes import to_server
from lexigram.nosql.backends.mongodb.native_pipelines import NativePipelines
from lexigram.nosql.backends.mongodb.native_writes import NativeWrites
from lexigram.nosql.backends.mongodb.projecting import native_projection
from lexigram.nosql.backends.mongodb.refusals import meaning
from lexigram.nosql.backends.mongodb.restoring import restore, restore_many
from lexigram.nosql.backends.mongodb.unchanged import unchanged
from lexigram.nosql.driver import (
    Access,
    Batch,
    Call,
    Compiled,
    Document,
    Hint,
    NativePipeline,
    NativeRead,
    ServerFacts,
)
from lexigram.nosql.finishing import to_the_end
from lexigram.nosql.indexes import IndexSpec
from lexigram.nosql.query.parse import Query
from lexigram.nosql.query.sort import Sort
from pymongo.collation import Collation
from pymongo.errors import BulkWriteError, OperationFailure, WriteError
from pymongo.read_preferences import ReadPreference
from pymongo.write_concern import WriteConcern

if TYPE_CHECKING:
    from lexigram.nosql.backends.mongodb.driver import MongoDBDriver
    from pymongo.asynchronous.collection import AsyncCollection

__all__ = ["MongoDBCollection"]

_MOST_SHAPES: Final = 1000
_BY_CODE_POINT: Final = Collation("simple")
_MOST_IN_A_BATCH: Final = 100_000


class MongoDBCollection(NativeWrites, NativePipelines):
    """One collection.

    Args:
        driver: The connection.
        name: Name of the collection.

    Attributes:
        driver: The connection.
        name: Name of the collection.
        native: The SDK's collection. It decodes without Lexigram's decoders: what it returns is to be restored
            (:mod:`~lexigram.nosql.backends.mongodb.restoring`).
        primary: The same, reading from the primary whatever the read preference is: for reads that a write depends on.
        answering: The same, with writes that are acknowledged whatever the write concern is: for writes whose effect
            must be known.
    """

    def __init__(self, driver: MongoDBDriver, name: str) -> None:
        self.driver = driver
        self.name = name
        self.native: AsyncCollection[Document] = driver.database[name].with_options(codec_options=PLAIN_OPTIONS)
        self.primary = self.native.with_options(read_preference=ReadPreference.PRIMARY)
        self.answering = (
            self.native if driver.acknowledges else self.native.with_options(write_concern=WriteConcern(w=1))
        )
        self._accesses: dict[Any, Access] = {}
        self._judged_by: Sequence[IndexSpec] | None = None

    # --- what one request carries

    def within(self, call: Call) -> AbstractContextManager[Any]:
        """A context for the requests of one call; see :meth:`MongoDBDriver.within`."""
        self.driver.check_loop()
        return self.driver.within(call)

    def session(self, call: Call) -> Any:
        """The SDK's session of a call, or None."""
        return None if call.session is None else call.session.native

    def writing(self, call: Call) -> AsyncCollection[Document]:
        """The collection to write to: a session knows no writes without an answer."""
        return self.native if call.session is None else self.answering

    # --- reads

    def compile(self, query: Query, sort: Sort | None, hint: Hint | None) -> Compiled:
        """Write the filter and the order in the server's form, and say how the documents are probably reached."""
        conditions, exact = compile_filter(query, self.driver.server.version)
        order, ordered = compile_sort(sort, query)
        collation = None if query.collation is None else query.collation.document()
        if collation is None and sort is not None and sort.collation is not None:
            collation = sort.collation.document()
        native = NativeFind(conditions, order if ordered else None, collation, compile_hint(hint))
        return Compiled(
            access=self._access(query, sort, hint),
            native=native,
            residue=None if exact else query,
            ordered=ordered,
            projects=True,
            display={"find": self.name, "filter": conditions, **native.options()},
        )

    def _access(self, query: Query, sort: Sort | None, hint: Hint | None) -> Access:
        """The guess at the access, kept for filters of the same shape while the indexes stay the same."""
        policy, catalogue = self.driver.config.scan_policy, self.driver.catalogue
        indexes = None if policy == "allow" else catalogue.indexes(self.name)
        if indexes is None and policy == "deny":
            indexes = ()
        shape = query.shape
        if indexes is not self._judged_by or len(self._accesses) >= _MOST_SHAPES:
            self._judged_by = indexes
            self._accesses.clear()
        key = (shape, sort, hint)
        access = None if shape is None else self._accesses.get(key)
        if access is None:
            access = reach(query, sort, indexes, hint)
            if shape is not None:
                self._accesses[key] = access
        if access.kind == "scan" and indexes is not None:
            catalogue.doubt(self.name)
        return access

    async def find_one(self, read: NativeRead, call: Call) -> tuple[Document, Any] | None:
        """The first document of a read."""
        native: NativeFind = read.compiled.native
        options = native.options()
        finish = None
        if read.projection is not None:
            options["projection"], finish = native_projection(read.projection)
        if read.skip:
            options["skip"] = read.skip
        if call.session is not None:
            options["session"] = call.session.native
        collection = self.primary if read.revisions and not call.in_transaction else self.native
        try:
            with self.within(call):
                document = await collection.find_one(native.filter, **options)
        except OperationFailure as error:
            meant = await meaning(self, error, native.hint, text="$text" in native.filter)
            if meant is None:
                raise
            raise meant from error
        if document is None:
            return None
        restore(document)
        found = document if finish is None else finish(document)
        return found, found

    async def read(self, read: NativeRead, call: Call) -> AsyncGenerator[Batch]:
        """Run a read: one request for each batch."""
        native: NativeFind = read.compiled.native
        options = native.options()
        finish = None
        if read.projection is not None:
            options["projection"], finish = native_projection(read.projection)
        size = min(read.batch_size, _MOST_IN_A_BATCH)
        collection = self.primary if read.revisions and not call.in_transaction else self.native
        self.driver.check_loop()
        cursor = collection.find(
            native.filter,
            skip=read.skip,
            limit=read.limit,
            batch_size=size,
            session=self.session(call),
            **options,
        )
        # One that ends with its first answer leaves nothing on the server.
        opened = 0 < read.limit <= size
        try:
            while cursor.alive:
                with self.within(call):
                    if opened:
                        documents = await cursor.to_list(size)
                    else:
                        documents = await self.driver.openings.first(
                            cursor.to_list(size), lambda _: cursor.close(), alone=call.session is None
                        )
                        opened = True
                if documents:
                    restore_many(documents)
                    found = documents if finish is None else list(map(finish, documents))
                    # What was read is what a write compares; see the module "unchanged".
                    yield Batch(found, found if read.revisions else None)
        except OperationFailure as error:
            meant = await meaning(self, error, native.hint, text="$text" in native.filter)
            if meant is None:
                raise
            raise meant from error
        finally:
            if opened and cursor.alive:  # one at its end has closed itself
                await to_the_end(cursor.close())

    # --- writes

    async def insert(
        self, documents: Sequence[Document], ordered: bool, call: Call
    ) -> Sequence[tuple[int, BaseException]]:
        """Insert documents that have an ``_id``."""
        if self.driver.config.scan_policy != "allow" and not call.in_transaction:
            await self.driver.catalogue.learn(self.name)
        collection, session = self.writing(call), self.session(call)
        with self.within(call):
            try:
                if len(documents) == 1:
                    await collection.insert_one(documents[0], session=session)
                else:
                    await collection.insert_many(documents, ordered=ordered, session=session)
            except WriteError as error:
                return [(0, error)]
            except BulkWriteError as error:
                failures = write_failures(error)
                if not failures:
                    raise
                return failures
            except (OverflowError, UnicodeEncodeError) as error:
                # The encoder names some of its refusals itself, and lets Python name the others.
                raise InvalidDocument(str(error)) from error
        return ()

    async def replace(self, old: Document, new: Document, revision: Any, whole: bool, call: Call) -> bool:
        """Replace a document if it is still the same; see :mod:`~lexigram.nosql.backends.mongodb.unchanged`."""
        with self.within(call):
            result = await self.answering.replace_one(
                unchanged(old), new, collation=_BY_CODE_POINT, session=self.session(call)
            )
        return result.matched_count == 1

    async def delete(self, old: Document, revision: Any, call: Call) -> bool:
        """Delete a document if it is still the same."""
        with self.within(call):
            result = await self.answering.delete_one(
                unchanged(old), collation=_BY_CODE_POINT, session=self.session(call)
            )
        return result.deleted_count == 1

    # --- indexes

    async def create_index(self, spec: IndexSpec, call: Call) -> None:
        """Make an index."""
        with self.within(call):
            await self.native.create_indexes([to_server(spec)])
        await self.list_indexes(call)

    async def drop_index(self, name: str, call: Call) -> None:
        """Remove an index."""
        with self.within(call):
            await self.native.drop_index(name)
        await self.list_indexes(call)

    async def list_indexes(self, call: Call) -> list[IndexSpec]:
        """All indexes but the one on ``_id``."""
        with self.within(call):
            indexes = list(await self.driver.list_indexes(self.name))
        self.driver.catalogue.note(self.name, indexes)
        return indexes

    # --- the change feed, and what the server says of its plans

    def watch(self, resume_after: str | None, full_document: bool) -> AsyncGenerator[ChangeEvent]:
        """Follow the changes."""
        return follow(self, resume_after, full_document)

    async def explain(self, request: NativeRead | NativePipeline, ran: bool, call: Call) -> ServerFacts | None:
        """Ask the server how it runs a request."""
        hint: Any = None
        try:
            with self.within(call):
                if isinstance(request, NativePipeline):
                    hint = request.native.options.get("hint")
                    return await ask_pipeline(self, request, ran, self.session(call))
                hint = request.compiled.native.hint
                return await ask_read(self, request, ran, self.session(call))
        except OperationFailure as error:
            meant = await meaning(self, error, hint)
            if meant is None:
                raise
            raise meant from error

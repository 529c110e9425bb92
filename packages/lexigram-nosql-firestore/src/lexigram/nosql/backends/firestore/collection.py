"""One collection of a Firestore database, or a group of collections: reads and conditional writes."""

# Messages of protobuf have no types.
# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false, reportUnknownMemberType=false

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

from grpc import StatusCode, aio
from lexigram.contracts.data.nosql.nosql import ChangeEvent
from lexigram.nosql.backends.firestore.catalogue import Indexes
from lexigram.nosql.backends.firestore.codec import decode_document, messages
from lexigram.nosql.backends.firestore.errors import code_of, missing_index
from lexigram.nosql.backends.firestore.following import follow
from lexigram.nosql.backends.firestore.indexing import NativeIndexes
from lexigram.nosql.backends.firestore.naming import Scope
from lexigram.nosql.backends.firestore.planning import KeyRead, requests
from lexigram.nosql.backends.firestore.planning.hints import CollectionHints
from lexigram.nosql.backends.firestore.planning.indexes import index_definitions
from lexigram.nosql.backends.firestore.totals import Totals
from lexigram.nosql.backends.firestore.writing.changes import Step, Target, revision_of
from lexigram.nosql.backends.firestore.writing.committing import CHANGED, still_kept
from lexigram.nosql.backends.firestore.writing.native import NativeWrites
from lexigram.nosql.driver import Access, Batch, Call, Compiled, Document, Hint, NativeRead
from lexigram.nosql.exceptions import NoSQLError, NoSQLIndexError
from lexigram.nosql.query.parse import Query
from lexigram.nosql.query.sort import Sort

if TYPE_CHECKING:
    from lexigram.nosql.backends.firestore.driver import FirestoreDriver
    from lexigram.nosql.backends.firestore.transactions import Transaction

__all__ = ["FirestoreCollection", "Native"]

_MOST_NAMES: Final = 1000
"""Most documents that are asked for by name in one request."""


@dataclass(frozen=True, slots=True)
class Native:
    """What :meth:`FirestoreCollection.compile` gives down to the other methods.

    Attributes:
        read: A ``KeyRead`` or a ``QueryRead``.
        query: The filter, for a transaction that has to test its own writes.
        sort: The order, for the same.
    """

    read: Any
    query: Query
    sort: Sort | None


class FirestoreCollection(NativeWrites, NativeIndexes, Totals):
    """One collection.

    Args:
        driver: The connection.
        scope: Which documents it holds.
        hints: What its fields hold.
    """

    def __init__(self, driver: FirestoreDriver, scope: Scope, hints: CollectionHints) -> None:
        super().__init__(driver, scope, hints)
        self._planner = driver.planner(scope, hints)

    @property
    def name(self) -> str:
        """Name of the collection."""
        return self.scope.name

    # --- planning

    def compile(self, query: Query, sort: Sort | None, hint: Hint | None) -> Compiled:
        """Translate a filter and an order; see :mod:`~lexigram.nosql.backends.firestore.planning`."""
        indexes = self.driver.catalogue.known(self.scope.name)
        if hint is not None:
            self._check_hint(hint, indexes)
        bound: Query | None = None
        if query.text is not None:
            query = bound = query.with_text_fields(indexes.text_fields(self.scope.name))
        compiled = self._planner.compile(query, sort)
        compiled.query = bound
        native = Native(compiled.native, query, sort)
        if compiled.access.kind == "index" and indexes.records:
            compiled.access = _named(compiled.access, indexes)
        if indexes.expiring and compiled.residue is None:
            # What is due is still there, and must not be counted, nor use up a limit.
            compiled.residue = query
        compiled.native = native
        return compiled

    def _check_hint(self, hint: Hint, indexes: Indexes) -> None:
        if hint in ("_id_", (("_id", 1),)):
            return
        if not any(hint in (spec.name, spec.keys) for spec in indexes.ready):
            raise NoSQLIndexError(
                f"the hint {hint!r} names no index",
                hint=f"There are: {', '.join(['_id_', *(spec.name for spec in indexes.ready)])}.",
                mongo_code=2,
            )

    # --- reads

    def decode(self, message: Any) -> Document:
        """A document from its message, which is used up."""
        name: str = message.name
        if self.scope.is_group:
            document = decode_document(None, message.fields)
            document["_id"] = self.scope.identity(name)
            return document
        return decode_document(self.scope.identity(name), message.fields)

    async def find_one(self, read: NativeRead, call: Call) -> tuple[Document, Any] | None:
        """The first document of a read."""
        native: Native = read.compiled.native
        keys = native.read
        self.driver.catalogue.doubt()
        if type(keys) is KeyRead and len(keys.ids) == 1 and not read.skip and not call.in_transaction:
            identity = keys.ids[0]
            scope = self.scope
            if scope.is_group and not scope.may_hold(identity):
                return None
            message = await self.client.get(scope.document(identity), call.deadline)
            if message is None:
                return None
            revision = revision_of(message) if read.revisions else None
            document = self.decode(message)
            if read.projection is not None and not read.revisions:
                document = read.projection.apply(document)
            return document, revision
        async with aclosing(self.read(replace(read, limit=1), call)) as batches:
            async for batch in batches:
                if batch.documents:
                    return batch.documents[0], batch.revisions[0] if batch.revisions is not None else None
        return None

    async def read(self, read: NativeRead, call: Call) -> AsyncGenerator[Batch]:
        """Run a read."""
        transaction: Transaction | None = call.session if call.in_transaction else None
        self.driver.catalogue.doubt()
        hides = self.driver.catalogue.known(self.scope.name).hides()
        project = None if read.projection is None else read.projection.apply
        source = self._messages(read, call) if transaction is None else transaction.read(self, read, call)
        async with aclosing(source):
            async for found in source:
                if hides is not None:
                    found = [pair for pair in found if not hides(pair[0])]
                documents = [document for document, _ in found]
                if project is not None:
                    documents = [project(document) for document in documents]
                yield Batch(documents, [revision for _, revision in found] if read.revisions else None)

    async def _messages(self, read: NativeRead, call: Call) -> AsyncGenerator[list[tuple[Document, Any]]]:
        """What a read outside of transactions finds."""
        async with aclosing(self.fetch(read, call.deadline)) as source:
            async for found in source:
                yield [(self._with_revision(message, read.revisions)) for message in found]

    def _with_revision(self, message: Any, wanted: bool) -> tuple[Document, Any]:
        revision = revision_of(message) if wanted else None
        return self.decode(message), revision

    async def fetch(
        self,
        read: NativeRead,
        deadline: float | None,
        *,
        at: Any = None,
        note: Callable[[Any], None] | None = None,
        fields: Sequence[str] = (),
    ) -> AsyncGenerator[list[Any]]:
        """The messages of the documents that a read selects, skip and limit applied.

        Args:
            read: The read.
            deadline: That of the call.
            at: The time to read at; None for now.
            note: Told the time that was read at.
            fields: Paths of the fields that are wanted of what queries find; none for what the read says.
        """
        native: Native = read.compiled.native
        if type(native.read) is KeyRead:
            source = self._by_key(native.read, deadline, at, note)
            skip, limit = read.skip, read.limit
        else:
            queries = requests(native.read, read, self.scope.place)
            for query in queries:
                for path in fields:
                    query.select.fields.add().field_path = path
            source = self._by_query(queries, read, deadline, at, note)
            skip, limit = (read.skip, read.limit) if len(queries) > 1 else (0, 0)
        left = limit
        async with aclosing(source):
            async for found in source:
                if skip:
                    dropped = min(skip, len(found))
                    found, skip = found[dropped:], skip - dropped
                if limit:
                    found = found[:left]
                    left -= len(found)
                if found:
                    yield found
                if limit and not left:
                    return

    async def _by_key(
        self, keys: KeyRead, deadline: float | None, at: Any, note: Callable[[Any], None] | None
    ) -> AsyncGenerator[list[Any]]:
        scope = self.scope
        names = list(dict.fromkeys([scope.document(identity) for identity in keys.ids if scope.may_hold(identity)]))
        if len(names) == 1 and at is None and note is None:
            message = await self.client.get(names[0], deadline)
            yield [] if message is None else [message]
            return
        for first in range(0, len(names), _MOST_NAMES):
            asked = names[first : first + _MOST_NAMES]
            found, read_at = await self.client.batch_get(asked, deadline, at=at)
            if note is not None:
                note(read_at)
            at = at or read_at
            yield [found[name] for name in asked if name in found]

    async def _by_query(
        self, queries: list[Any], read: NativeRead, deadline: float | None, at: Any, note: Callable[[Any], None] | None
    ) -> AsyncGenerator[list[Any]]:
        seen: set[str] | None = set() if len(queries) > 1 else None
        size = max(1, read.batch_size)
        for query in queries:
            request = messages.RunQueryRequest(parent=self.scope.parent, structured_query=query)
            if self.driver.recorder is not None:
                await self.driver.recorder.see(query)
            if at is not None:
                request.read_time.CopyFrom(at)
            try:
                async with aclosing(self.client.query(request, deadline, size)) as answers:
                    async for documents, read_at in answers:
                        if read_at is not None:
                            if note is not None:
                                note(read_at)
                            # Of several queries, all read at the time of the first: a document that goes from what one
                            # selects to what another does would be missed between them.
                            at = at or read_at
                        if seen is not None:
                            documents = [message for message in documents if message.name not in seen]
                            seen.update([message.name for message in documents])
                        if documents:
                            yield documents
            except aio.AioRpcError as error:
                raised = self.missing_index(error, query)
                if raised is None:
                    raise
                raise raised from error

    def missing_index(self, error: BaseException, query: Any) -> NoSQLError | None:
        """What a refused query means, if an index is missing."""
        return missing_index(error, next(iter(index_definitions([query])), None))

    # --- writes

    async def target(self) -> Target:
        """What makes the writes of this collection, on what its indexes are now."""
        return self.target_of(self.scope, await self.driver.catalogue.fresh(self.scope.name))

    def target_of(self, scope: Scope, indexes: Indexes) -> Target:
        """What makes the writes of a collection."""
        return Target(scope, indexes, self.hints)

    def check(self, document: Document) -> None:
        """Refuse a document that cannot be stored here."""
        if self.scope.is_group:
            scope, identity = self.scope.home(document["_id"])
            document = {**document, "_id": identity}
        else:
            scope = self.scope
        self.target_of(scope, self.driver.catalogue.known(scope.name)).message(document)

    async def _home(self, document: Document) -> tuple[Target, Document]:
        """What writes a document, and the document as its own collection has it."""
        if not self.scope.is_group:
            return await self.target(), document
        scope, identity = self.scope.home(document["_id"])
        indexes = await self.driver.catalogue.fresh(scope.name)
        return self.target_of(scope, indexes), {**document, "_id": identity}

    async def prepare(self, documents: Sequence[Document], first: int = 0) -> list[tuple[Target, Step]]:
        """The steps that insert documents.

        Args:
            documents: All that the call was given.
            first: Position of the first that is wanted.

        Raises:
            DocumentValidationError: One cannot be stored; its details say which.
        """
        found: list[tuple[Target, Step]] = []
        for place, document in enumerate(documents[first:], first):
            try:
                target, own = await self._home(document)
                found.append((target, target.insert(own)))
            except NoSQLError as error:
                if len(documents) > 1:
                    error.with_details(document_index=place)
                raise
        return found

    async def insert(
        self, documents: Sequence[Document], ordered: bool, call: Call
    ) -> Sequence[tuple[int, BaseException]]:
        """Insert documents; see :mod:`~lexigram.nosql.backends.firestore.writing.committing`."""
        prepared = await self.prepare(documents)
        if call.in_transaction:
            transaction: Transaction = call.session
            return await transaction.insert(self, prepared, ordered, call)
        targets = {id(step): target for target, step in prepared}

        async def renew(first: int, end: int) -> list[Step] | None:
            if await still_kept(self.driver.catalogue, [target for target, _ in prepared[first:end]]):
                return None
            prepared[first:] = await self.prepare(documents, first)
            targets.update({id(step): target for target, step in prepared})
            return [step for _, step in prepared[first:]]

        return await self.driver.committer.each(
            [step for _, step in prepared],
            ordered,
            call.deadline,
            lambda step, taken: targets[id(step)].duplicate(step, taken),
            renew,
        )

    async def replace(self, old: Document, new: Document, revision: Any, whole: bool, call: Call) -> bool:
        """Change a document if it is still as it was read."""
        target, mine = await self._home(new)
        before = {**old, "_id": mine["_id"]} if self.scope.is_group else old
        if call.in_transaction:
            transaction: Transaction = call.session
            return await transaction.replace(self, target, before, mine, revision, call)
        return await self.conditionally(target, target.replace(before, mine, revision), call)

    async def delete(self, old: Document, revision: Any, call: Call) -> bool:
        """Remove a document if it is still as it was read."""
        target, mine = await self._home(old)
        if call.in_transaction:
            transaction: Transaction = call.session
            return await transaction.delete(self, target, mine, revision, call)
        return await self.conditionally(target, target.delete(mine, revision), call)

    async def conditionally(self, target: Target, step: Step, call: Call) -> bool:
        """Send the writes of one document.

        Args:
            target: What made them.
            step: The writes.
            call: The deadline.

        Returns:
            False where the document is no longer as it was read.

        Raises:
            DuplicateKeyError: A unique index holds the key already.
        """
        try:
            await self.driver.committer.send(step.writes, call.deadline)
        except aio.AioRpcError as error:
            code = code_of(error)
            if code in CHANGED:
                return False
            if code is not StatusCode.ALREADY_EXISTS:
                raise
            taken = await self.driver.committer.taken(list(step.creates), call.deadline)
            if not taken:
                return False
            raise target.duplicate(step, min(taken)) from error
        return True

    # --- the change feed

    def watch(self, resume_after: str | None, full_document: bool) -> AsyncGenerator[ChangeEvent]:
        """Follow the changes; see :mod:`~lexigram.nosql.backends.firestore.following.feed`."""
        return follow(self, resume_after, full_document)


def _named(access: Access, indexes: Indexes) -> Access:
    """An access by Firestore's own indexes, by the name of a recorded index on the same fields, where there is one."""
    # Beside a field stand the tags below it, for the types that Firestore does not have.
    fields = tuple(dict.fromkeys([path.partition(".`~")[0] for path in access.fields]))
    for spec in indexes.ready:
        if fields and spec.fields[: len(fields)] == fields:
            return Access("index", spec.name, fields)
    return access

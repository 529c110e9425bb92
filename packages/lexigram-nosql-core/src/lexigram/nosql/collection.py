"""The collection that an application holds: every method, once, for every backend.

The way of a call: check the arguments, find the session, plan, let the driver run the native part, let the engine do
the rest, translate what goes wrong. Reads are in :mod:`lexigram.nosql.reading`, writes in
:mod:`lexigram.nosql.writing`, bulks in :mod:`lexigram.nosql.bulk`, keyset pages in :mod:`lexigram.nosql.paging`.

The module is long because the public methods stand together; each is a few lines over those rooms.
"""

# ruff: noqa: ASYNC109 - the documented methods take their time limit as a parameter

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import aclosing
from typing import TYPE_CHECKING, Any, TypeVar

from lexigram.contracts.data.nosql.nosql import BulkWriteResult, DocumentResult
from lexigram.contracts.data.nosql.operations import WriteOperation
from lexigram.contracts.domain.pagination import CursorPage
from lexigram.nosql.aggregating import PipelineReader
from lexigram.nosql.bulk import bulk_error, prepare_bulk, run_bulk
from lexigram.nosql.cursor import Cursor
from lexigram.nosql.driver import (
    NO_CALL,
    Call,
    Document,
    Driver,
    DriverCollection,
    NativeRead,
    SupportsCount,
    SupportsFindOne,
)
from lexigram.nosql.exceptions import (
    BulkWriteFailure,
    DocumentValidationError,
    NoSQLError,
    NoSQLTimeoutError,
    QueryOptionError,
)
from lexigram.nosql.following import ChangeStream, follow
from lexigram.nosql.indexing import create_index, drop_index, list_indexes
from lexigram.nosql.paging import find_page
from lexigram.nosql.query.options import parse_find, parse_hint, parse_selection_filter
from lexigram.nosql.query.plan import FindRequest, Plan, ReadPlan, plan_read
from lexigram.nosql.query.projection import Projection, parse_projection
from lexigram.nosql.query.sort import parse_sort
from lexigram.nosql.reading import finisher, read_batches, read_matching
from lexigram.nosql.session import Session, current_session
from lexigram.nosql.update.parse import parse_replacement, parse_update
from lexigram.nosql.values.copying import copy_document, copy_value
from lexigram.nosql.values.order import hash_key
from lexigram.nosql.values.path import MISSING, query_leaves, split_path
from lexigram.nosql.writing import Change, Outcome, Selection, Writer

if TYPE_CHECKING:
    from lexigram.nosql.attempt import Attempt
    from lexigram.nosql.store import DocumentStore

__all__ = ["Collection"]

T = TypeVar("T")


class Collection:
    """A named set of documents in one store.

    Every method that takes a filter accepts a mapping in MongoDB's language, a ``DocumentQueryBuilder`` or a
    ``DocumentQuery``. Every method takes ``session`` (join this one instead of the task's) and ``timeout`` (seconds for
    the whole call; the store's ``operation_timeout`` when missing). All raise
    :class:`~lexigram.nosql.exceptions.NoSQLError`; :attr:`attempt` returns results instead.

    Args:
        store: The store it belongs to.
        name: Its name.
    """

    def __init__(self, store: DocumentStore, name: str) -> None:
        self._store = store
        self._name = name
        self._driver: Driver | None = None
        self._target: DriverCollection | None = None
        self._writer: Writer | None = None
        self._finds_one: Callable[[NativeRead, Call], Awaitable[Document | None]] | None = None

    def __repr__(self) -> str:
        return f"<Collection {self._name!r} of {self._store!r}>"

    @property
    def name(self) -> str:
        """The collection's name."""
        return self._name

    @property
    def store(self) -> DocumentStore:
        """The store it belongs to."""
        return self._store

    @property
    def attempt(self) -> Attempt:
        """The same methods, returning ``Result`` instead of raising."""
        from lexigram.nosql.attempt import Attempt

        return Attempt(self)

    # --- inserts

    async def insert_one(
        self, document: Mapping[str, Any], *, session: Session | None = None, timeout: float | None = None
    ) -> DocumentResult:
        """Insert one document; an ``_id`` is made when missing. The caller's mapping is not touched.

        Returns:
            The result with ``document_id`` and ``raw_id``.

        Raises:
            DocumentValidationError: The document holds what documents may not hold.
            DuplicateKeyError: A unique index holds its key already.
        """
        prepared = self._store.prepare(document)

        async def work(call: Call) -> DocumentResult:
            failures = await self.writer().insert([prepared], True, call)
            if failures:
                raise failures[0][1]
            identity = prepared["_id"]
            return DocumentResult(document_id=str(identity), raw_id=copy_value(identity))

        return await self._run("insert_one", work, session, timeout)

    async def insert_many(
        self,
        documents: Iterable[Mapping[str, Any]],
        *,
        ordered: bool = True,
        session: Session | None = None,
        timeout: float | None = None,
    ) -> BulkWriteResult:
        """Insert documents; all are checked before the first is sent.

        Args:
            documents: The documents.
            ordered: Stop at the first failure; otherwise try all.
            session: The session to join.
            timeout: Seconds for the whole call.

        Returns:
            The counts and ids; ``insert_many([])`` does nothing.

        Raises:
            DocumentValidationError: A document is not valid; nothing was inserted.
            BulkWriteError: Some were not inserted; it says which and why, and holds the result for the others. When all
                failures are duplicates, it is a DuplicateKeyError too.
        """
        if isinstance(documents, Mapping):
            raise DocumentValidationError("insert_many() takes a list of documents", hint="Use insert_one() for one.")
        prepared: list[Document] = []
        prepare = self._store.prepare
        for index, document in enumerate(documents):
            try:
                prepared.append(prepare(document))
            except NoSQLError as error:
                error.with_details(document_index=index)
                raise

        async def work(call: Call) -> BulkWriteResult:
            failures: list[BulkWriteFailure] = []
            for index, error in await self.writer().insert(prepared, ordered, call) if prepared else ():
                if not isinstance(error, NoSQLError):
                    raise error
                failures.append(BulkWriteFailure(index, error))
            failed = {failure.index for failure in failures}
            end = min(failed) if ordered and failed else len(prepared)
            ids = [copy_value(d["_id"]) for index, d in enumerate(prepared[:end]) if index not in failed]
            result = BulkWriteResult(len(ids), upserted_ids=[str(identity) for identity in ids], inserted_ids=ids)
            if failures:
                raise bulk_error(result, failures, len(prepared))
            return result

        return await self._run("insert_many", work, session, timeout)

    # --- reads

    async def find_one(
        self,
        filter: Any = None,
        *,
        projection: Any = None,
        sort: Any = None,
        skip: int = 0,
        hint: Any = None,
        collation: Mapping[str, Any] | None = None,
        session: Session | None = None,
        timeout: float | None = None,
    ) -> Document | None:
        """The first document that matches, or None."""
        request = parse_find(filter, projection, sort, skip, 1, hint, collation)

        async def work(call: Call) -> Document | None:
            target = self.reach()
            plan = self.guarded_plan(target, request)
            if plan.direct and self._finds_one is not None:
                document = await self._finds_one(plan.read, call)
                if document is None:
                    return None
                finish = self._finisher(plan)
                return document if finish is None else finish(document)
            async with aclosing(self._batches(target, plan, call)) as batches:
                async for batch in batches:
                    return batch[0]
            return None

        return await self._run("find_one", work, session, timeout)

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
        session: Session | None = None,
        timeout: float | None = None,
    ) -> Cursor:
        """A cursor over the documents that match.

        The arguments are checked here; nothing is sent until the cursor is used. The session is the one of the task
        that first uses it.

        Raises:
            NoSQLFilterError: The filter is not valid.
            QueryOptionError: Another argument is not valid.
        """
        request = parse_find(filter, projection, sort, skip, limit, hint, collation, batch_size)
        plan: ReadPlan | None = None

        async def batches() -> AsyncGenerator[list[Document], None]:
            nonlocal plan
            with self._store.observing("find", self._name):
                target = self.reach()
                plan = self.guarded_plan(target, request)
                async with aclosing(self._batches(target, plan, self._call(session))) as found:
                    async for batch in found:
                        yield batch

        async def explain(ran: bool) -> Plan:
            shown = plan if plan is not None else plan_read(self.reach(), request)
            return shown.explain("find", self._store.backend, self._name, ran=ran)

        return self._cursor("find", batches, explain, timeout)

    async def find_page(
        self,
        filter: Any = None,
        *,
        sort: Any = None,
        size: int = 20,
        token: str | None = None,
        projection: Any = None,
        session: Session | None = None,
        timeout: float | None = None,
    ) -> CursorPage[Document]:
        """One page by keyset: stable under ties and under inserts before it, at the same cost for every page.

        Args:
            filter: The filter; the same for all pages.
            sort: The order; ``_id`` is added as the last key, and is the order when missing.
            size: Documents in a page, 1 or more.
            token: The previous page's ``next_cursor``; None for the first page.
            projection: The fields to return.
            session: The session to join.
            timeout: Seconds for the whole call.

        Returns:
            The page.

        Raises:
            PageTokenError: The token was altered, or belongs to another query.
        """
        return await self._run(
            "find_page",
            lambda call: find_page(self, filter, sort, size, token, projection, call),
            session,
            timeout,
        )

    async def exists(self, filter: Any = None, *, session: Session | None = None, timeout: float | None = None) -> bool:
        """True when at least one document matches."""
        request = parse_find(filter, {"_id": 1}, None, 0, 1)

        async def work(call: Call) -> bool:
            target = self.reach()
            async with aclosing(read_matching(target, self.guarded_plan(target, request), call)) as batches:
                async for _ in batches:
                    return True
            return False

        return await self._run("exists", work, session, timeout)

    async def count_documents(
        self,
        filter: Any = None,
        *,
        skip: int = 0,
        limit: int = 0,
        hint: Any = None,
        collation: Mapping[str, Any] | None = None,
        session: Session | None = None,
        timeout: float | None = None,
    ) -> int:
        """How many documents match, exactly; *skip* leaves some out, *limit* stops counting."""
        request = parse_find(filter, None, None, skip, limit, hint, collation)
        most = request.skip + request.limit if request.limit else 0

        async def work(call: Call) -> int:
            target = self.reach()
            wanted = FindRequest(request.query, limit=most, hint=request.hint)
            plan = self.guarded_plan(target, wanted)
            counted = 0
            if plan.residue is None and isinstance(target, SupportsCount):
                counted = await target.count(plan.read.compiled, call)
            else:
                async with aclosing(read_matching(target, plan, call)) as batches:
                    async for batch in batches:
                        counted += len(batch.documents)
                        if most and counted >= most:
                            break
            return max(0, (min(counted, most) if most else counted) - request.skip)

        return await self._run("count_documents", work, session, timeout)

    async def estimated_document_count(self, *, timeout: float | None = None) -> int:
        """How many documents the collection holds, as the backend's metadata says; exact where it has none."""

        async def work(call: Call) -> int:
            target = self.reach()
            if isinstance(target, SupportsCount):
                return await target.estimated_count(NO_CALL)
            return await self.count_documents()

        return await self._run("estimated_document_count", work, None, timeout)

    async def distinct(
        self,
        key: str,
        filter: Any = None,
        *,
        collation: Mapping[str, Any] | None = None,
        session: Session | None = None,
        timeout: float | None = None,
    ) -> list[Any]:
        """The different values of the path *key* in the order met, arrays counted by element."""
        if not isinstance(key, str) or not key or key.startswith("$"):  # pyright: ignore[reportUnnecessaryIsInstance]
            raise QueryOptionError(f"distinct() takes a field path, not {key!r}")
        request = parse_find(filter, None, None, 0, 0, None, collation)
        parts = split_path(key)
        identity: Callable[[Any], Any] = hash_key
        if request.query.collation is not None:
            identity = request.query.collation.hash_key

        async def work(call: Call) -> list[Any]:
            target = self.reach()
            found: dict[Any, Any] = {}
            async with aclosing(read_matching(target, self.guarded_plan(target, request), call)) as batches:
                async for batch in batches:
                    for document in batch.documents:
                        for value in _distinct_values(document, parts):
                            found.setdefault(identity(value), value)
            return [copy_value(value) for value in found.values()]

        return await self._run("distinct", work, session, timeout)

    def aggregate(
        self,
        pipeline: Any,
        *,
        batch_size: int | None = None,
        collation: Mapping[str, Any] | None = None,
        let: Mapping[str, Any] | None = None,
        hint: Any = None,
        session: Session | None = None,
        timeout: float | None = None,
    ) -> Cursor:
        """A cursor over the pipeline's output.

        Args:
            pipeline: Stages in MongoDB's form, or an ``AggregationPipeline``.
            batch_size: About how many documents to fetch at a time.
            collation: How text is compared.
            let: Variables, readable as ``$$name``.
            hint: Index for the first stages.
            session: The session to join.
            timeout: Seconds that all waiting for the cursor may take.

        Raises:
            PipelineError: The pipeline is not valid.
        """
        reader = PipelineReader(self, pipeline, collation, let, parse_hint(hint), batch_size)

        async def batches() -> AsyncGenerator[list[Document], None]:
            with self._store.observing("aggregate", self._name):
                async with aclosing(reader.run(self._call(session))) as found:
                    async for batch in found:
                        if batch:
                            yield batch

        return self._cursor("aggregate", batches, reader.explain, timeout)

    # --- updates, replacements, deletes

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
        session: Session | None = None,
        timeout: float | None = None,
    ) -> DocumentResult:
        """Update the first document that matches.

        Args:
            filter: Which document.
            update: Update operators, or an update pipeline.
            upsert: Insert a document made of filter and update when none matches.
            array_filters: Conditions for ``$[name]`` in paths.
            sort: Which of several matches is first.
            hint: Index to use.
            collation: How text is compared.
            session: The session to join.
            timeout: Seconds for the whole call.

        Raises:
            UpdateError: The update is not valid, or cannot be applied to the document.
        """
        selection = self._selection(filter, sort, hint, collation)
        change = parse_update(update, array_filters=array_filters, collation=selection.query.collation)
        return await self._change("update_one", selection, change, upsert, session, timeout)

    async def update_many(
        self,
        filter: Any,
        update: Any,
        *,
        upsert: bool = False,
        array_filters: Sequence[Mapping[str, Any]] | None = None,
        hint: Any = None,
        collation: Mapping[str, Any] | None = None,
        session: Session | None = None,
        timeout: float | None = None,
    ) -> DocumentResult:
        """Update every document that matches; see :meth:`update_one` for the arguments."""
        selection = self._selection(filter, None, hint, collation)
        change = parse_update(update, array_filters=array_filters, collation=selection.query.collation)

        async def work(call: Call) -> DocumentResult:
            self._guard(selection)
            return _result(await self.writer().change_many(selection, change, upsert, call))

        return await self._run("update_many", work, session, timeout)

    async def replace_one(
        self,
        filter: Any,
        replacement: Mapping[str, Any],
        *,
        upsert: bool = False,
        sort: Any = None,
        hint: Any = None,
        collation: Mapping[str, Any] | None = None,
        session: Session | None = None,
        timeout: float | None = None,
    ) -> DocumentResult:
        """Replace the first document that matches, keeping its ``_id``."""
        selection = self._selection(filter, sort, hint, collation)
        change = parse_replacement(replacement)
        return await self._change("replace_one", selection, change, upsert, session, timeout)

    async def delete_one(
        self,
        filter: Any,
        *,
        hint: Any = None,
        collation: Mapping[str, Any] | None = None,
        session: Session | None = None,
        timeout: float | None = None,
    ) -> DocumentResult:
        """Delete the first document that matches."""
        selection = self._selection(filter, None, hint, collation)

        async def work(call: Call) -> DocumentResult:
            self._guard(selection)
            return _result(await self.writer().delete_one(selection, call))

        return await self._run("delete_one", work, session, timeout)

    async def delete_many(
        self,
        filter: Any,
        *,
        hint: Any = None,
        collation: Mapping[str, Any] | None = None,
        session: Session | None = None,
        timeout: float | None = None,
    ) -> DocumentResult:
        """Delete every document that matches."""
        selection = self._selection(filter, None, hint, collation)

        async def work(call: Call) -> DocumentResult:
            self._guard(selection)
            return _result(await self.writer().delete_many(selection, call))

        return await self._run("delete_many", work, session, timeout)

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
        session: Session | None = None,
        timeout: float | None = None,
    ) -> Document | None:
        """Update one document and return it as it is after (True) or was before (False).

        Returns:
            The document; None when nothing matched, or before an upsert.
        """
        selection = self._selection(filter, sort, hint, collation)
        change = parse_update(update, array_filters=array_filters, collation=selection.query.collation)
        return await self._find_and(
            "find_one_and_update", selection, change, upsert, return_document, projection, session, timeout
        )

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
        session: Session | None = None,
        timeout: float | None = None,
    ) -> Document | None:
        """Replace one document and return it as it is after (True) or was before (False)."""
        selection = self._selection(filter, sort, hint, collation)
        change = parse_replacement(replacement)
        return await self._find_and(
            "find_one_and_replace", selection, change, upsert, return_document, projection, session, timeout
        )

    async def find_one_and_delete(
        self,
        filter: Any,
        *,
        projection: Any = None,
        sort: Any = None,
        hint: Any = None,
        collation: Mapping[str, Any] | None = None,
        session: Session | None = None,
        timeout: float | None = None,
    ) -> Document | None:
        """Delete one document and return it as it was, or None when nothing matched."""
        selection = self._selection(filter, sort, hint, collation)
        fields = None if projection is None else parse_projection(projection, query=selection.query)

        async def work(call: Call) -> Document | None:
            self._guard(selection)
            return _shown((await self.writer().delete_one(selection, call)).before, fields)

        return await self._run("find_one_and_delete", work, session, timeout)

    async def bulk_write(
        self,
        operations: Sequence[WriteOperation],
        *,
        ordered: bool = True,
        session: Session | None = None,
        timeout: float | None = None,
    ) -> BulkWriteResult:
        """Run write operations; all are checked before the first is carried out.

        Args:
            operations: ``InsertOne``, ``UpdateOne``, ``UpdateMany``, ``ReplaceOne``, ``DeleteOne``, ``DeleteMany``.
            ordered: Stop at the first failure; otherwise try all.
            session: The session to join.
            timeout: Seconds for the whole call.

        Returns:
            The counts; ``bulk_write([])`` does nothing.

        Raises:
            BulkWriteError: Some failed; it says which and why, and holds the result of the others.
        """

        async def work(call: Call) -> BulkWriteResult:
            writer = self.writer()
            steps = prepare_bulk(operations, writer, self._store.prepare)
            return await run_bulk(operations, steps, writer, ordered, call)

        return await self._run("bulk_write", work, session, timeout)

    # --- indexes, changes, plans

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
        """Make an index, or find the same one; see :func:`lexigram.nosql.indexes.parse_index` for the arguments.

        Returns:
            Its name.

        Raises:
            UnsupportedFeatureError: The backend does not offer such an index.
            NoSQLIndexError: It is not valid, or another index has its name or keys.
            DuplicateKeyError: It is unique, and documents hold the same key.
        """
        options = {
            "unique": unique,
            "name": name,
            "sparse": sparse,
            "partial_filter": partial_filter,
            "expire_after_seconds": expire_after_seconds,
            "collation": collation,
        }
        return await self._run(
            "create_index",
            lambda call: create_index(self._store, self.reach(), keys, options, call),
            None,
            timeout,
        )

    async def drop_index(self, name: str, *, timeout: float | None = None) -> None:
        """Remove the index called *name*.

        Raises:
            NoSQLIndexError: There is none, or it is the one on ``_id``.
        """
        await self._run("drop_index", lambda call: drop_index(self._store, self.reach(), name, call), None, timeout)

    async def list_indexes(self, *, timeout: float | None = None) -> list[Document]:
        """The indexes in MongoDB's form, the one on ``_id`` first."""
        return await self._run("list_indexes", lambda call: list_indexes(self.reach(), call), None, timeout)

    def watch(
        self, pipeline: Any = None, *, resume_after: str | None = None, full_document: bool = True
    ) -> ChangeStream:
        """Follow the collection's changes, from now or from after *resume_after*.

        Args:
            pipeline: ``$match`` and other streaming stages over the events, in MongoDB's form.
            resume_after: A ``resume_token``; changes after it are delivered.
            full_document: Deliver the whole document with updates.

        Raises:
            UnsupportedFeatureError: The backend has no change feed.
        """
        return follow(self._store, self, self.reach(), pipeline, resume_after, full_document)

    async def explain(self, operation: str, filter: Any = None, /, **options: Any) -> Plan:
        """How a read, update or delete would run; nothing is run.

        Args:
            operation: Name of the method, such as ``update_many`` or ``delete_one``.
            filter: Its filter.
            **options: ``sort``, ``projection``, ``skip``, ``limit``, ``hint``, ``collation``.

        Raises:
            QueryOptionError: The operation reads nothing by filter.
        """
        writes = operation.startswith(("update", "delete", "replace", "find_one_and"))
        if not (writes or operation in _PLANNED_READS):
            raise QueryOptionError(
                f"explain() has no plan for {operation!r}",
                hint="Use the name of a method with a filter, or explain() on the cursor of find() or aggregate().",
            )
        request = parse_find(filter, **options)
        plan = plan_read(self.reach(), request, revisions=writes).explain(
            operation, self._store.backend, self._name, ran=False
        )
        if writes:
            plan.write = "replace-if-unchanged"
        return plan

    # --- below: the parts that the methods share

    def read(self, request: FindRequest, call: Call) -> AsyncGenerator[list[Document], None]:
        """Batches of a parsed request, for the rooms that read on behalf of this collection."""
        target = self.reach()
        return self._batches(target, self.guarded_plan(target, request), call)

    def read_raw(self, request: FindRequest, call: Call) -> AsyncGenerator[list[Document], None]:
        """The same without copies: the documents may be the store's own."""
        target = self.reach()
        plan = self.guarded_plan(target, request)
        return read_batches(target, plan, call, finish=None, memory_limit=self._store.config.memory_limit_bytes)

    def reach(self) -> DriverCollection:
        """The backend's collection, made anew after a reconnect."""
        driver = self._store.driver
        target = self._target
        if target is None or driver is not self._driver:
            store = self._store
            self._target = target = driver.collection(self._name)
            self._driver = driver
            # Asking a protocol takes longer than a look-up by key, so it is asked once.
            self._finds_one = target.find_one if isinstance(target, SupportsFindOne) else None
            self._writer = Writer(target, store.prepare, store.config.write_attempts, driver.classify)
        return target

    def writer(self) -> Writer:
        """What writes to the backend's collection."""
        self.reach()
        if self._writer is None:
            raise NoSQLError("the collection has no writer")
        return self._writer

    def guarded_plan(self, target: DriverCollection, request: FindRequest) -> ReadPlan:
        """The split of a read, if the scan policy lets it pass."""
        plan = plan_read(target, request)
        if plan.read.compiled.access.kind == "scan":
            self._store.scan_guard.check(self._name, plan.read.compiled, request.query, request.sort)
        return plan

    def _guard(self, selection: Selection) -> None:
        """Apply the scan policy to a write."""
        compiled = self.reach().compile(selection.query, selection.sort, selection.hint)
        self._store.scan_guard.check(self._name, compiled, selection.query, selection.sort)

    def _finisher(self, plan: ReadPlan) -> Callable[[Document], Document] | None:
        return finisher(plan, self._store.driver.shares_documents)

    def _batches(self, target: DriverCollection, plan: ReadPlan, call: Call) -> AsyncGenerator[list[Document], None]:
        return read_batches(
            target, plan, call, finish=self._finisher(plan), memory_limit=self._store.config.memory_limit_bytes
        )

    def _call(self, session: Session | None, deadline: float | None = None) -> Call:
        """The circumstances of an operation: the session given, or the task's."""
        if session is None:
            session = current_session(self._store)
            if session is None:
                return NO_CALL if deadline is None else Call(deadline=deadline)
        elif session.store is not self._store:
            raise QueryOptionError("the session belongs to another store")
        return session.call(deadline)

    async def _run(
        self, operation: str, work: Callable[[Call], Awaitable[T]], session: Session | None, timeout: float | None
    ) -> T:
        """Run one operation: session, time limit, observers, error translation."""
        store = self._store
        limit = store.config.operation_timeout if timeout is None else timeout
        with store.observing(operation, self._name), store.translating(operation, self._name):
            if limit is None:
                return await work(self._call(session))
            clock = asyncio.timeout(limit)
            try:
                async with clock:
                    return await work(self._call(session, asyncio.get_running_loop().time() + limit))
            except TimeoutError as error:
                if not clock.expired():
                    raise
                raise NoSQLTimeoutError(f"{operation} did not finish within {limit} s", timeout=limit) from error

    def _cursor(
        self,
        operation: str,
        batches: Callable[[], AsyncGenerator[list[Document], None]],
        explain: Callable[[bool], Awaitable[Plan]],
        timeout: float | None,
    ) -> Cursor:
        limit = self._store.config.operation_timeout if timeout is None else timeout
        return Cursor(batches, explain, lambda: self._store.translating(operation, self._name), limit)

    @staticmethod
    def _selection(filter: Any, sort: Any, hint: Any, collation: Mapping[str, Any] | None) -> Selection:
        query = parse_selection_filter(filter, collation)
        return Selection(
            query, None if sort is None else parse_sort(sort, collation=query.collation, query=query), parse_hint(hint)
        )

    async def _change(
        self,
        operation: str,
        selection: Selection,
        change: Change,
        upsert: bool,
        session: Session | None,
        timeout: float | None,
    ) -> DocumentResult:
        async def work(call: Call) -> DocumentResult:
            self._guard(selection)
            return _result(await self.writer().change_one(selection, change, upsert, call))

        return await self._run(operation, work, session, timeout)

    async def _find_and(
        self,
        operation: str,
        selection: Selection,
        change: Change,
        upsert: bool,
        after: bool,
        projection: Any,
        session: Session | None,
        timeout: float | None,
    ) -> Document | None:
        fields = None if projection is None else parse_projection(projection, query=selection.query)

        async def work(call: Call) -> Document | None:
            self._guard(selection)
            outcome = await self.writer().change_one(selection, change, upsert, call)
            return _shown(outcome.after if after else outcome.before, fields)

        return await self._run(operation, work, session, timeout)


_PLANNED_READS = frozenset({"find", "find_one", "find_page", "count_documents", "distinct", "exists"})


def _distinct_values(document: Document, parts: tuple[str, ...]) -> Iterator[Any]:
    """The values of a path as ``distinct`` counts them: an array by its elements."""
    for value, spread in query_leaves(document, parts):
        if spread and isinstance(value, list):
            yield from value
        elif value is not MISSING:
            yield value


def _result(outcome: Outcome) -> DocumentResult:
    """The public form of what a write did."""
    upserted = outcome.upserted
    identity = None if upserted is None else upserted["_id"]
    return DocumentResult(
        matched_count=outcome.matched or outcome.deleted,
        modified_count=outcome.modified,
        upserted_id=None if upserted is None else str(identity),
        deleted_count=outcome.deleted,
        raw_id=copy_value(identity),
    )


def _shown(document: Document | None, projection: Projection | None) -> Document | None:
    """A document of a write as it leaves: projected, and never the store's own."""
    if document is None:
        return None
    return copy_document(document) if projection is None else projection.apply(document)

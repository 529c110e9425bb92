"""The collection that an application holds: every method, once, for every backend.

The way of a call: check the arguments, find the session, plan, let the driver run the native part, let the engine do
the rest, translate what goes wrong. Reads are in :mod:`lexigram.nosql.reading`, writes in
:mod:`lexigram.nosql.writing`, bulks in :mod:`lexigram.nosql.bulk`, keyset pages in :mod:`lexigram.nosql.paging`.

The module is long because the public methods stand together; each is a few lines over those rooms.
"""

# ruff: noqa: ASYNC109 - the documented methods take their time limit as a parameter

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager, aclosing
from dataclasses import dataclass, replace
from operator import itemgetter
from typing import TYPE_CHECKING, Any, Literal, TypeVar

from lexigram.contracts.data.nosql.nosql import BulkWriteResult, DocumentResult
from lexigram.contracts.data.nosql.operations import WriteOperation
from lexigram.contracts.domain.pagination import CursorPage
from lexigram.nosql.aggregating import PipelineReader
from lexigram.nosql.bulk import bulk_error, prepare_bulk, run_bulk
from lexigram.nosql.cursor import Cursor
from lexigram.nosql.driver import (
    NO_CALL,
    Call,
    Change,
    Document,
    Driver,
    DriverCollection,
    NativePipeline,
    NativeRead,
    Outcome,
    SupportsAggregate,
    SupportsCount,
    SupportsDistinct,
    SupportsExplain,
    SupportsFindOne,
    SupportsUnacknowledged,
    SupportsUpdate,
)
from lexigram.nosql.exceptions import (
    BulkWriteFailure,
    DocumentValidationError,
    NoSQLError,
    NoSQLTimeoutError,
    QueryOptionError,
    ScanDeniedError,
)
from lexigram.nosql.following import ChangeStream, follow
from lexigram.nosql.indexes import parse_index
from lexigram.nosql.indexing import create_index, drop_index, list_indexes
from lexigram.nosql.paging import prepare_page, read_page, total_order
from lexigram.nosql.query.numbers import parse_seconds
from lexigram.nosql.query.options import parse_find, parse_flag, parse_hint, parse_selection_filter, parse_upsert
from lexigram.nosql.query.plan import FindRequest, Plan, ReadPlan, deliberate_scan, plan_read
from lexigram.nosql.query.projection import Projection, parse_projection
from lexigram.nosql.query.sort import parse_sort
from lexigram.nosql.query.suggest import shown
from lexigram.nosql.reading import finisher, read_batches, read_matching
from lexigram.nosql.session import Session, current_session
from lexigram.nosql.update.parse import parse_replacement, parse_update
from lexigram.nosql.values.bson_compat import is_text
from lexigram.nosql.values.copying import copy_document, copy_value
from lexigram.nosql.values.distinct import distinct_values
from lexigram.nosql.values.order import hash_key
from lexigram.nosql.values.path import split_path
from lexigram.nosql.values.readable import has_utf8
from lexigram.nosql.writing import Finder, Selection, Writer

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
        self._reached: _Reached | None = None

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
            reached = self.reach()
            failures = await reached.writer.insert([prepared], True, call)
            if failures:
                raise failures[0][1]
            identity = prepared["_id"]
            return DocumentResult(
                document_id=str(identity), acknowledged=reached.acknowledges, raw_id=copy_value(identity)
            )

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
        if isinstance(documents, Mapping | str | bytes) or not isinstance(documents, Iterable):  # pyright: ignore[reportUnnecessaryIsInstance]
            raise DocumentValidationError("insert_many() takes a list of documents", hint="Use insert_one() for one.")
        parse_flag("ordered", ordered)
        prepared = self._store.prepare_many(list(documents))

        async def work(call: Call) -> BulkWriteResult:
            failures: list[BulkWriteFailure] = []
            reached = self.reach()
            for index, error in await reached.writer.insert(prepared, ordered, call) if prepared else ():
                if not isinstance(error, NoSQLError):
                    raise error
                failures.append(BulkWriteFailure(index, error))
            failed = {failure.index for failure in failures}
            end = min(failed) if ordered and failed else len(prepared)
            done = [d for index, d in enumerate(prepared[:end]) if index not in failed] if failed else prepared
            ids = list(map(copy_value, map(itemgetter("_id"), done)))
            result = BulkWriteResult(
                len(ids),
                upserted_ids=list(map(str, ids)),
                inserted_ids=ids,
                acknowledged=reached.acknowledges,
            )
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
            reached = self.reach()
            plan = self.plan(reached, request)
            if reached.finds_one is not None and plan.direct:
                found = await reached.finds_one(plan.read, call)
                if found is None:
                    return None
                finish = finisher(plan, reached.driver.shares_documents)
                return found[0] if finish is None else finish(found[0])
            async with aclosing(self._batches(reached, plan, call)) as batches:
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

        def batches(call: Call) -> AsyncGenerator[list[Document]]:
            nonlocal plan
            reached = self.reach()
            plan = self.plan(reached, request)
            return self._batches(reached, plan, call)

        async def explain(ran: bool) -> Plan:
            split = plan if plan is not None else plan_read(self.reach().target, request)
            shown = split.explain("find", self._store.backend, self._name, ran=ran)
            await self.ask_server(shown, split.read, ran)
            return shown

        return self._cursor("find", batches, explain, session, timeout)

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
        """One page by keyset: stable under ties and under inserts before it.

        Every page asks for the same number of documents, however far it is from the first: one more than it holds.
        Where the sort field holds arrays, which stand at one of their elements but match by any, it may ask a second
        time. Arrays inside arrays, and a collation, can make it ask more often.

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
        # Before the session is joined: a wrong argument must not abort a transaction.
        with self._store.translating("find_page", self._name):
            page = prepare_page(self, filter, sort, size, token, projection)
        return await self._run("find_page", lambda call: read_page(self, page, call), session, timeout)

    async def exists(self, filter: Any = None, *, session: Session | None = None, timeout: float | None = None) -> bool:
        """True when at least one document matches."""
        request = parse_find(filter, {"_id": 1}, None, 0, 1)

        async def work(call: Call) -> bool:
            reached = self.reach()
            plan = self.plan(reached, request)
            if reached.finds_one is not None and plan.direct:
                return await reached.finds_one(plan.read, call) is not None
            async with aclosing(read_matching(reached.target, plan, call)) as batches:
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
            reached = self.reach()
            plan = self.plan(reached, FindRequest(request.query, limit=most, hint=request.hint))
            counted = 0
            if plan.residue is None and reached.counts is not None:
                counted = await reached.counts.count(plan.read.compiled, most, call)
            else:
                async with aclosing(read_matching(reached.target, plan, call)) as batches:
                    async for batch in batches:
                        counted += len(batch.documents)
                        if most and counted >= most:
                            break
            return max(0, (min(counted, most) if most else counted) - request.skip)

        return await self._run("count_documents", work, session, timeout)

    async def estimated_document_count(self, *, timeout: float | None = None) -> int:
        """How many documents the collection holds, as the backend's metadata says; exact where it has none.

        Always outside of transactions.
        """
        everything = parse_find()

        async def work(call: Call) -> int:
            reached = self.reach()
            if reached.counts is not None:
                return await reached.counts.estimated_count(call)
            counted = 0
            async with aclosing(read_matching(reached.target, self.plan(reached, everything), call)) as batches:
                async for batch in batches:
                    counted += len(batch.documents)
            return counted

        return await self._run_outside("estimated_document_count", work, timeout)

    async def distinct(
        self,
        key: str,
        filter: Any = None,
        *,
        collation: Mapping[str, Any] | None = None,
        session: Session | None = None,
        timeout: float | None = None,
    ) -> list[Any]:
        """The different values of the path *key*, arrays counted by element, in the order in which they are met."""
        if not is_text(key) or not key or key.startswith("$") or "\0" in key:
            raise QueryOptionError(f"distinct() takes a field path, not {shown(key)}", mongo_code=14)
        if not has_utf8(key):
            raise QueryOptionError("distinct() takes a field path that has a UTF-8 form")
        request = parse_find(filter, None, None, 0, 0, None, collation)
        parts = split_path(key)
        identity: Callable[[Any], Any] = hash_key
        if request.query.collation is not None:
            identity = request.query.collation.hash_key

        async def work(call: Call) -> list[Any]:
            reached = self.reach()
            found: dict[Any, Any] = {}
            plan = self.plan(reached, request)
            if plan.residue is None and reached.distincts is not None:
                values = await reached.distincts.distinct(plan.read.compiled, key, call)
                if values is not None:
                    return list(values)
            async with aclosing(read_matching(reached.target, plan, call)) as batches:
                async for batch in batches:
                    for document in batch.documents:
                        for value in distinct_values(document, parts):
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
        return self._cursor("aggregate", reader.run, reader.explain, session, timeout)

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

        parse_upsert(upsert, selection.query)

        async def work(call: Call) -> DocumentResult:
            return _result(await self.reach().writer.change_many(selection, change, upsert, call))

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
            return _result(await self.reach().writer.delete_one(selection, call))

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
            return _result(await self.reach().writer.delete_many(selection, call))

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
        fields = _fields(projection, selection)

        async def work(call: Call) -> Document | None:
            outcome = await self.reach().writer.delete_one(selection, call, "before", fields)
            return _shown(outcome.before, None if outcome.projected else fields)

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
        if isinstance(operations, Mapping | str | bytes) or not isinstance(operations, Iterable):  # pyright: ignore[reportUnnecessaryIsInstance]
            raise DocumentValidationError("bulk_write() takes a list of write operations")
        parse_flag("ordered", ordered)
        # Before the session is joined: a wrong operation must not abort a transaction.
        with self._store.translating("bulk_write", self._name):
            writer = self.reach().writer
            steps = prepare_bulk(list(operations), writer, self._store.prepare)

        async def work(call: Call) -> BulkWriteResult:
            return await run_bulk(steps, writer, ordered, call)

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
            DuplicateKeyError: It is unique, and documents hold the same key; no index was made.
            TransactionError: A transaction is running in this task.
        """
        spec = parse_index(
            keys,
            unique=unique,
            name=name,
            sparse=sparse,
            partial_filter=partial_filter,
            expire_after_seconds=expire_after_seconds,
            collation=collation,
        )
        return await self._run_outside(
            "create_index",
            lambda call: create_index(self._store, self.reach().target, spec, named=name is not None, call=call),
            timeout,
            refuse_transaction=True,
        )

    async def drop_index(self, name: str, *, timeout: float | None = None) -> None:
        """Remove the index called *name*.

        Raises:
            NoSQLIndexError: There is none, or it is the one on ``_id``.
            TransactionError: A transaction is running in this task.
        """
        await self._run_outside(
            "drop_index",
            lambda call: drop_index(self._store, self.reach().target, name, call),
            timeout,
            refuse_transaction=True,
        )

    async def list_indexes(self, *, timeout: float | None = None) -> list[Document]:
        """The indexes in MongoDB's form, the one on ``_id`` first. Always outside of transactions."""
        return await self._run_outside("list_indexes", lambda call: list_indexes(self.reach().target, call), timeout)

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
            CursorError: The token is not of this feed, or what follows it is no longer kept.
        """
        with self._store.translating("watch", self._name):
            return follow(self._store, self, self.reach().target, pipeline, resume_after, full_document)

    async def explain(self, operation: str, filter: Any = None, /, **options: Any) -> Plan:
        """How a read, update or delete would run; nothing is run.

        Args:
            operation: Name of the method, such as ``update_many`` or ``delete_one``.
            filter: Its filter.
            **options: ``sort``, ``projection``, ``skip``, ``limit``, ``hint``, ``collation``; for updates and
                replacements also ``update`` or ``replacement``, ``array_filters`` and ``upsert``, on which depends
                whether the backend runs them itself.

        Raises:
            QueryOptionError: The operation reads nothing by filter.
        """
        if not isinstance(operation, str):  # pyright: ignore[reportUnnecessaryIsInstance] - callers are not all typed
            raise QueryOptionError(
                f"explain() takes the name of a method, not {type(operation).__name__}",
                hint='Write explain("find", {...}), or explain() on the cursor of find() or aggregate().',
            )
        writes = operation.startswith(("update", "delete", "replace", "find_one_and"))
        if not (writes or operation in _PLANNED_READS):
            raise QueryOptionError(
                f"explain() has no plan for {operation!r}",
                hint="Use the name of a method with a filter, or explain() on the cursor of find() or aggregate().",
            )
        change: Change | None = None
        upsert = False
        if writes:
            upsert = parse_flag("upsert", options.pop("upsert", False))
            filters = options.pop("array_filters", None)
            if "update" in options:
                update = options.pop("update")
                change = parse_update(update, array_filters=filters, collation=options.get("collation"))
            elif "replacement" in options:
                change = parse_replacement(options.pop("replacement"))
        request = parse_find(filter, **options)
        if operation == "find_page":
            request = replace(request, sort=total_order(request))
        reached = self.reach()
        with self._store.translating("explain", self._name):
            plan = plan_read(reached.target, request, revisions=writes)
            shown = plan.explain(operation, self._store.backend, self._name, ran=False)
            if writes:
                native = _writes_natively(reached, operation, request, plan, change, upsert)
                shown.write = "native" if native else "replace-if-unchanged"
            await self.ask_server(shown, plan.read, False)
        return shown

    async def ask_server(self, shown: Plan, request: NativeRead | NativePipeline, ran: bool) -> None:
        """Add to a plan what the backend's server says of it, where it says anything."""
        explains = self.reach().explains
        if explains is not None:
            facts = await explains.explain(request, ran, NO_CALL)
            if facts is not None:
                shown.add(facts)

    # --- below: the parts that the methods share

    def read(self, request: FindRequest, call: Call) -> AsyncGenerator[list[Document]]:
        """Batches of a parsed request, for the rooms that read on behalf of this collection."""
        reached = self.reach()
        return self._batches(reached, self.plan(reached, request), call)

    def read_raw(self, plan: ReadPlan, call: Call) -> AsyncGenerator[list[Document]]:
        """The same without copies: the documents may be the store's own."""
        limit = self._store.config.memory_limit_bytes
        return read_batches(self.reach().target, plan, call, finish=None, memory_limit=limit)

    def reach(self) -> _Reached:
        """The backend's side of the collection, made anew after a reconnect.

        Raises:
            StoreNotConnectedError: The store is not connected.
        """
        driver = self._store.driver
        reached = self._reached
        if reached is None or reached.driver is not driver:
            reached = self._reached = self._reach(driver)
        return reached

    def _reach(self, driver: Driver) -> _Reached:
        store = self._store
        target = driver.collection(self._name)
        finds_one = target.find_one if isinstance(target, SupportsFindOne) else None

        def plan(request: FindRequest) -> ReadPlan:
            return self.plan(reached, request, revisions=True)

        writer = Writer(
            target,
            plan,
            finds_one,
            store.prepare,
            store.make_id,
            store.config.write_attempts,
            driver.classify,
            store.fits,
        )
        reached = _Reached(
            driver,
            target,
            writer,
            finds_one,
            target if isinstance(target, SupportsCount) else None,
            target if isinstance(target, SupportsDistinct) else None,
            target if isinstance(target, SupportsAggregate) else None,
            target if isinstance(target, SupportsExplain) else None,
            driver.acknowledges if isinstance(driver, SupportsUnacknowledged) else True,
        )
        return reached

    def plan(self, reached: _Reached, request: FindRequest, *, revisions: bool = False) -> ReadPlan:
        """The split of a read, if backend and scan policy let it pass.

        Raises:
            UnsupportedFeatureError: It searches text, which the backend does not offer.
            ScanDeniedError: It would read the whole collection.
        """
        store = self._store
        if request.query.text is not None:
            store.require("text_search", store.spec.capabilities.text_search)
        plan = plan_read(reached.target, request, revisions=revisions)
        compiled = plan.read.compiled
        # The next page of an ordered read begins at its place, and the first has been looked at.
        if store.scan_guard.policy != "allow" and not (compiled.ordered and request.after is not None):
            store.scan_guard.check(self._name, compiled, request.query, request.sort)
        return plan

    def _batches(self, reached: _Reached, plan: ReadPlan, call: Call) -> AsyncGenerator[list[Document]]:
        return read_batches(
            reached.target,
            plan,
            call,
            finish=finisher(plan, reached.driver.shares_documents),
            memory_limit=self._store.config.memory_limit_bytes,
        )

    def _joined(self, session: Session | None) -> Session | None:
        """The session that an operation runs in: the one given, or the task's."""
        if session is None:
            return current_session(self._store)
        if not isinstance(session, Session):  # pyright: ignore[reportUnnecessaryIsInstance]
            raise QueryOptionError(f"{shown(session)} is not a session", hint="Use what store.session() gives.")
        if session.store is not self._store:
            raise QueryOptionError("the session belongs to another store")
        return session

    async def _run(
        self, operation: str, work: Callable[[Call], Awaitable[T]], session: Session | None, timeout: float | None
    ) -> T:
        """Run one operation: session, time limit, observers, error translation."""
        store = self._store
        limit = store.config.operation_timeout if timeout is None else parse_seconds("timeout", timeout)
        with store.operating(operation, self._name):
            joined = self._joined(session)
            try:
                if limit is None:
                    return await work(NO_CALL if joined is None else joined.call())
                deadline = asyncio.get_running_loop().time() + limit
                call = Call(deadline=deadline) if joined is None else joined.call(deadline)
                return await _in_time(operation, work, call, limit)
            except BaseException as error:
                # The scan policy refuses before anything is sent.
                if joined is not None and not isinstance(error, ScanDeniedError):
                    joined.abort(error)
                raise

    async def _run_outside(
        self,
        operation: str,
        work: Callable[[Call], Awaitable[T]],
        timeout: float | None,
        *,
        refuse_transaction: bool = False,
    ) -> T:
        """Run one operation that no transaction can hold: outside of it, or not at all."""
        store = self._store
        limit = store.config.operation_timeout if timeout is None else parse_seconds("timeout", timeout)
        with store.operating(operation, self._name):
            if refuse_transaction:
                store.refuse_in_transaction(operation)
            if limit is None:
                return await work(NO_CALL)
            deadline = asyncio.get_running_loop().time() + limit
            return await _in_time(operation, work, Call(deadline=deadline), limit)

    def _cursor(
        self,
        operation: str,
        read: Callable[[Call], AsyncGenerator[list[Document]]],
        explain: Callable[[bool], Awaitable[Plan]],
        session: Session | None,
        timeout: float | None,
    ) -> Cursor:
        store, name = self._store, self._name
        limit = store.config.operation_timeout if timeout is None else parse_seconds("timeout", timeout)
        joined: Session | None = None

        def batches() -> AsyncGenerator[list[Document]]:
            if limit is not None:
                deadline = asyncio.get_running_loop().time() + limit
                return read(Call(deadline=deadline) if joined is None else joined.call(deadline))
            return read(NO_CALL if joined is None else joined.call())

        def failed(error: BaseException) -> None:
            if joined is not None and not isinstance(error, ScanDeniedError):
                joined.abort(error)

        def waiting(first: bool) -> AbstractContextManager[None]:
            return store.operating(operation, name) if first else store.translating(operation, name)

        async def explained(ran: bool) -> Plan:
            with store.translating("explain", name):
                return await explain(ran)

        def opened(cursor: Cursor) -> None:
            nonlocal joined
            joined = self._joined(session)
            if joined is not None:
                joined.hold(cursor)

        return Cursor(batches, explained, waiting, limit, opened, failed)

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
        parse_upsert(upsert, selection.query)

        async def work(call: Call) -> DocumentResult:
            return _result(await self.reach().writer.change_one(selection, change, upsert, call))

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
        parse_flag("return_document", after)
        fields = _fields(projection, selection, after=after)
        parse_upsert(upsert, selection.query)

        async def work(call: Call) -> Document | None:
            returns: Literal["before", "after"] = "after" if after else "before"
            outcome = await self.reach().writer.change_one(selection, change, upsert, call, returns, fields)
            return _shown(outcome.after if after else outcome.before, None if outcome.projected else fields)

        return await self._run(operation, work, session, timeout)


@dataclass(frozen=True, slots=True)
class _Reached:
    """The backend's side of a collection. Asking a protocol is slow, so it is asked once for each connection.

    Attributes:
        driver: The connection.
        target: The backend's collection.
        writer: Writes to it.
        finds_one: Its own way to read one document, or None.
        counts: The collection again where it counts on the server, else None.
        distincts: The same where it collects different values.
        aggregates: The same where it runs pipelines.
        explains: The same where its server describes its plans.
        acknowledges: False when writes return before the server has answered.
    """

    driver: Driver
    target: DriverCollection
    writer: Writer
    finds_one: Finder | None
    counts: SupportsCount | None
    distincts: SupportsDistinct | None
    aggregates: SupportsAggregate | None
    explains: SupportsExplain | None
    acknowledges: bool


def _writes_natively(
    reached: _Reached, operation: str, request: FindRequest, plan: ReadPlan, change: Change | None, upsert: bool
) -> bool:
    """Whether the backend runs a write itself; for a change that is not given, whether it may."""
    selection = Selection(request.query, request.sort, request.hint)
    many = operation.endswith("_many")
    with deliberate_scan():
        if operation.startswith("delete") or operation == "find_one_and_delete":
            return reached.writer.compile_delete(selection, many=many) is not None
        if change is None:
            return isinstance(reached.target, SupportsUpdate) and plan.direct
        return reached.writer.compile_change(selection, change, many=many, upsert=upsert) is not None


async def _in_time(operation: str, work: Callable[[Call], Awaitable[T]], call: Call, limit: float) -> T:
    """Run an operation, and say it in Lexigram's words when its time is over."""
    clock = asyncio.timeout(limit)
    try:
        async with clock:
            return await work(call)
    except TimeoutError as error:
        if not clock.expired():
            raise
        raise NoSQLTimeoutError(f"{operation} did not finish within {limit} s", timeout=limit) from error


_PLANNED_READS = frozenset({"find", "find_one", "find_page", "count_documents", "distinct", "exists"})


def _result(outcome: Outcome) -> DocumentResult:
    """The public form of what a write did."""
    upserted = outcome.upserted
    identity = None if upserted is None else upserted["_id"]
    return DocumentResult(
        matched_count=outcome.matched or outcome.deleted,
        modified_count=outcome.modified,
        upserted_id=None if upserted is None else str(identity),
        acknowledged=outcome.acknowledged,
        deleted_count=outcome.deleted,
        raw_id=copy_value(identity),
    )


def _fields(projection: Any, selection: Selection, *, after: bool = False) -> Projection | None:
    """What a write shows of its document."""
    if projection is None:
        return None
    fields = parse_projection(projection, query=selection.query, sort=selection.sort)
    if fields is None:
        return None
    if after and fields.positional:
        raise QueryOptionError(
            "a positional $ keeps what the filter chose in the old document, and the new one is asked for",
            hint="pass return_document=False, or project the whole array or an $elemMatch",
            mongo_code=2,
        )
    if fields.sort_key:
        raise QueryOptionError("a document that is written shows no sortKey", hint="read it first", mongo_code=2)
    return fields


def _shown(document: Document | None, projection: Projection | None) -> Document | None:
    """A document of a write as it leaves: projected, and never the store's own."""
    if document is None:
        return None
    return copy_document(document) if projection is None else projection.apply(document)

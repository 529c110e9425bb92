"""Runs a pipeline on a collection: its beginning goes to the backend, the rest streams through the engine.

The beginning is as many stages as the backend runs itself (:class:`~lexigram.nosql.abilities.SupportsAggregate`);
elsewhere, and where the pipeline is a plain read altogether, it is the filter, sort, skip and limit that a planned read
carries out.

:class:`StoreContext` is what the stages see of the store: other collections, writes, the time and the limits, all
within the session that the pipeline runs in.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Mapping, Sequence
from contextlib import aclosing
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from lexigram.nosql.aggregation.ast import Leading
from lexigram.nosql.aggregation.context import MergeWrite, present
from lexigram.nosql.aggregation.parse import Pipeline, parse_pipeline
from lexigram.nosql.aggregation.run import run
from lexigram.nosql.driver import Call, Document, Hint, NativePipeline, NativeRead, SupportsIndexes
from lexigram.nosql.exceptions import PipelineError
from lexigram.nosql.query.numbers import parse_count
from lexigram.nosql.query.options import DEFAULT_BATCH_SIZE
from lexigram.nosql.query.parse import parse_filter
from lexigram.nosql.query.plan import FindRequest, Plan, ReadPlan, plan_read
from lexigram.nosql.reading import closable
from lexigram.nosql.writing import Selection

if TYPE_CHECKING:
    from lexigram.nosql.collection import Collection

__all__ = ["PipelineReader", "StoreContext"]

_NOT_IN_TRANSACTION: Final = 263
_TURN: Final = 1000  # documents checked before others have a turn


class StoreContext:
    """The surroundings of one run of a pipeline.

    Args:
        collection: The collection that the pipeline reads.
        call: Session and deadline.
    """

    def __init__(self, collection: Collection, call: Call) -> None:
        self._home = collection
        self._call = call
        self._now = present()

    @property
    def collection(self) -> str:
        """Name of the collection that the pipeline reads."""
        return self._home.name

    @property
    def now(self) -> datetime:
        """``$$NOW``."""
        return self._now

    @property
    def memory_limit_bytes(self) -> int:
        """Most that one blocking stage may hold, in bytes."""
        return self._home.store.config.memory_limit_bytes

    @property
    def shares_documents(self) -> bool:
        """True when documents read are the store's own."""
        return self._home.store.driver.shares_documents

    def find(self, collection: str, leading: Leading) -> AsyncIterator[list[Document]]:
        """Read a collection."""
        target = self._home.store.collection(collection)
        return target.read_raw(target.plan(target.reach(), request_of(leading)), self._call)

    async def insert(self, collection: str, documents: Sequence[Document]) -> None:
        """Insert documents."""
        target = self._home.store.collection(collection)
        prepared = [target.store.prepare(document) for document in documents]
        await _insert(target, prepared, self._call)

    async def merge(self, collection: str, writes: Sequence[MergeWrite]) -> Sequence[bool]:
        """Carry out writes one after the other."""
        writer = self._home.store.collection(collection).reach().writer
        done: list[bool] = []
        for write in writes:
            outcome = await writer.change_one(Selection(write.query), write.change, write.upsert, self._call)
            done.append(bool(outcome.matched) or outcome.upserted is not None)
        return done

    async def replace_all(self, collection: str, documents: Sequence[Document]) -> None:
        """Make a collection hold these documents and no others.

        The documents are checked before anything is removed. Where the backend has transactions, others see the old
        state or the new one; elsewhere, and where it is more than a transaction can hold, they may see the moment
        between.
        """
        store = self._home.store
        target = store.collection(collection)
        prepared: list[Document] = []
        for start in range(0, len(documents), _TURN):
            prepared += map(store.prepare, documents[start : start + _TURN])
            await asyncio.sleep(0)
        everything = Selection(parse_filter({}))
        most = store.spec.capabilities.max_transaction_writes
        if store.spec.capabilities.transactions and (
            most is None or len(prepared) + await target.count_documents(limit=most + 1) <= most
        ):
            async with store.transaction() as session:
                call = session.call(self._call.deadline)
                await target.reach().writer.delete_many(everything, call)
                await _insert(target, prepared, call)
            return
        await target.reach().writer.delete_many(everything, self._call)
        await _insert(target, prepared, self._call)

    async def has_unique_index(self, collection: str, fields: frozenset[str]) -> bool:
        """Whether a unique index on exactly these fields identifies documents."""
        if fields == frozenset({"_id"}):
            return True
        target = self._home.store.collection(collection).reach().target
        if not isinstance(target, SupportsIndexes):
            return False
        return any(
            spec.unique and not spec.sparse and spec.partial_filter is None and frozenset(spec.fields) == fields
            for spec in await target.list_indexes(Call(deadline=self._call.deadline))
        )


async def _insert(target: Collection, prepared: Sequence[Document], call: Call) -> None:
    """Insert prepared documents, all or up to the first that fails."""
    failures = await target.reach().writer.insert(prepared, True, call)
    if failures:
        raise failures[0][1]


def request_of(leading: Leading, hint: Hint | None = None, batch_size: int = DEFAULT_BATCH_SIZE) -> FindRequest:
    """The read that a pipeline begins with."""
    return FindRequest(leading.query, leading.sort, None, leading.skip, leading.limit or 0, hint, batch_size)


class PipelineReader:
    """One aggregation.

    Args:
        collection: What it reads.
        pipeline: Stages in MongoDB's form, or a builder.
        collation: How text is compared.
        let: Variables.
        hint: Index for the first stages.
        batch_size: About how many documents to fetch at a time.

    Raises:
        NoSQLError: The pipeline or an option is not valid.
    """

    def __init__(
        self,
        collection: Collection,
        pipeline: Any,
        collation: Mapping[str, Any] | None,
        let: Mapping[str, Any] | None,
        hint: Hint | None,
        batch_size: int | None,
    ) -> None:
        self._collection = collection
        self._pipeline: Pipeline = parse_pipeline(pipeline, let=let, collation=collation)
        size = DEFAULT_BATCH_SIZE if batch_size is None else parse_count("batch_size", batch_size) or DEFAULT_BATCH_SIZE
        self._request = request_of(self._pipeline.leading, hint, size)
        self._hint = hint
        self._plan: ReadPlan | None = None
        self._native: NativePipeline | None = None
        self._rest: Pipeline = self._pipeline.rest
        self._fetched = 0
        self._examined = 0
        self._returned = 0

    def run(self, call: Call) -> AsyncGenerator[list[Document], None]:
        """The pipeline's output, in batches.

        Raises:
            PipelineError: It writes, and this is a transaction (263).
        """
        if call.in_transaction and self._pipeline.writes is not None:
            stage = self._pipeline.stages[-1].name
            raise PipelineError(
                f"{stage} cannot be used in a transaction",
                hint="Write the results with insert_many() or bulk_write(), or run the pipeline outside.",
                mongo_code=_NOT_IN_TRANSACTION,
            )
        collection = self._collection
        reached = collection.reach()
        if self._pipeline.leading.limit is not None and self._pipeline.reads_source:
            self._plan = collection.plan(reached, self._request)
            self._split(self._plan)
        if self._native is None:
            return self._finished(self._source(call), call)
        source = self._from_backend(self._native, call)
        return self._finished(source, call) if self._rest.stages else source

    async def _finished(
        self, source: AsyncGenerator[list[Document], None], call: Call
    ) -> AsyncGenerator[list[Document], None]:
        """What the engine makes of what is read."""
        async with aclosing(source):
            output = run(self._rest, source, StoreContext(self._collection, call))
            async with aclosing(output):
                async for batch in output:
                    self._returned += len(batch)
                    yield batch

    async def explain(self, ran: bool) -> Plan:
        """How the pipeline runs: what the backend does, and the stages that are left for the engine."""
        collection = self._collection
        plan = self._plan
        if plan is None:
            plan = plan_read(collection.reach().target, self._request)
            self._split(plan)
        shown = plan.explain("aggregate", collection.store.backend, collection.name, ran=ran)
        shown.stages = self._rest.describe()
        request: NativeRead | NativePipeline = plan.read
        if self._native is not None:
            request = self._native
            shown.native = self._native.display
            shown.sort = shown.skip = shown.limit = shown.projection = None
        if ran:
            shown.documents_returned = self._returned
            if self._native is not None and not self._rest.stages:
                shown.documents_returned = self._fetched
            if self._native is not None:
                shown.documents_read, shown.documents_examined = self._fetched, self._examined
        await collection.ask_server(shown, request, ran and self._pipeline.writes is None)
        return shown

    def _split(self, plan: ReadPlan) -> None:
        """Decide what the backend runs and what is left for the engine."""
        pipeline = self._pipeline
        self._native, self._rest = None, pipeline.rest
        aggregates = self._collection.reach().aggregates
        if aggregates is None:
            return
        if not pipeline.rest.plan and plan.direct and plan.projection is None:
            return
        native = aggregates.compile_pipeline(pipeline, self._hint)
        if native is None:
            return
        rest = pipeline.after(native.stages)
        if rest is not None:
            self._native, self._rest = native, rest

    async def _from_backend(self, native: NativePipeline, call: Call) -> AsyncGenerator[list[Document], None]:
        """What the stages that the backend runs give."""
        aggregates = self._collection.reach().aggregates
        if aggregates is None:
            return
        batches = closable(aggregates.aggregate(native, self._request.batch_size, call))
        try:
            async for batch in batches:
                self._fetched += len(batch.documents)
                self._examined += len(batch.documents) if batch.examined is None else batch.examined
                if batch.documents:
                    yield batch.documents
        except BaseException:
            # One that came to its end holds nothing.
            await batches.aclose()
            raise

    async def _source(self, call: Call) -> AsyncGenerator[list[Document], None]:
        """What a planned read gives."""
        if self._plan is None:
            return
        async with aclosing(self._collection.read_raw(self._plan, call)) as batches:
            async for batch in batches:
                yield batch

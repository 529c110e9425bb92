"""The least driver with every ability, each carried out by the engine.

:class:`AbleDriver` is to :class:`~lexigram.nosql.testing.minimal.MinimalDriver` what a capable service is to a simple
one: it filters, sorts, updates, deletes, aggregates and tells values apart itself. Since it uses the engine for that,
its answers are right by construction, and what differs between the two shows a fault of the portable layer. It is able
for filters of comparisons only, and declines updates by pipeline, so that both ways are taken; :attr:`AbleDriver.ran`
says which.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import replace
from typing import Any, Final

from lexigram.nosql.aggregation.context import LocalContext
from lexigram.nosql.aggregation.parse import Pipeline, parse_pipeline
from lexigram.nosql.aggregation.run import run
from lexigram.nosql.backend import API, BackendConfig, BackendSpec, Capabilities
from lexigram.nosql.driver import (
    Access,
    Batch,
    BulkOutcome,
    BulkStep,
    Call,
    Change,
    Compiled,
    Document,
    Hint,
    NativePipeline,
    NativeRead,
    Outcome,
    ServerFacts,
    WriteRequest,
)
from lexigram.nosql.exceptions import DocumentValidationError, NoSQLError, UpdateError
from lexigram.nosql.query.ast import Always, And, Compare
from lexigram.nosql.query.parse import Query
from lexigram.nosql.query.sort import Sort
from lexigram.nosql.store import DocumentStore
from lexigram.nosql.testing.minimal import MinimalCollection, MinimalDriver, MinimalError, Row
from lexigram.nosql.update.apply import OperatorUpdate
from lexigram.nosql.update.replacement import Replacement
from lexigram.nosql.values.copying import copy_document
from lexigram.nosql.values.distinct import distinct_values
from lexigram.nosql.values.normalise import normalise_document
from lexigram.nosql.values.order import hash_key
from lexigram.nosql.values.path import split_path

__all__ = ["SPEC", "AbleCollection", "AbleDocumentStore", "AbleDriver"]

_STAGES: Final = frozenset({"$match", "$sort", "$skip", "$limit", "$group", "$project", "$set", "$unwind"})


class AbleDriver(MinimalDriver):
    """A database of lists that does more.

    Attributes:
        ran: How often each ability was used.
        refuses: True makes every native write answer, while running, that the engine should do it.
        fault: Raised by every native request, where set.
        acknowledges: False makes the outcome of writes unknown.
        sessions: The sessions that are open.
    """

    def __init__(self) -> None:
        super().__init__()
        self.ran: Counter[str] = Counter()
        self.refuses = False
        self.fault: BaseException | None = None
        self.acknowledges = True
        self.sessions: set[object] = set()

    def collection(self, name: str) -> AbleCollection:
        """A handle on a collection."""
        return AbleCollection(self, name)

    async def begin_session(self) -> object:
        """Something to carry."""
        session = object()
        self.sessions.add(session)
        return session

    async def end_session(self, session: object) -> None:
        """Forget it."""
        self.sessions.discard(session)

    async def begin_in(self, session: object) -> Any:
        """There are no transactions."""
        raise MinimalError("transactions", {})

    def classify(self, error: BaseException) -> NoSQLError | None:
        """Translate by code."""
        if isinstance(error, MinimalError) and error.code == "not encoded":
            return DocumentValidationError("the encoder refused a value")
        return super().classify(error)

    async def use(self, ability: str) -> None:
        """Count the use of an ability, and fail where told to."""
        self.ran[ability] += 1
        await asyncio.sleep(0)
        if self.fault is not None:
            raise self.fault


class AbleCollection(MinimalCollection):
    """One list of documents.

    Args:
        driver: The database.
        name: Name of the collection.
    """

    def __init__(self, driver: AbleDriver, name: str) -> None:
        super().__init__(driver, name)
        self._able = driver

    def compile(self, query: Query, sort: Sort | None, hint: Hint | None) -> Compiled:
        """Take filters of comparisons, and every order but those of scores."""
        compiled = super().compile(query, sort, hint)
        if not _is_plain(query) or (sort is not None and sort.has_meta):
            return compiled
        return replace(compiled, native=(query, sort), residue=None, ordered=True, projects=True)

    async def read(self, read: NativeRead, call: Call) -> AsyncGenerator[Batch]:
        """All documents, or those that match."""
        if read.compiled.native is None:
            async with aclosing(super().read(read, call)) as batches:
                async for batch in batches:
                    yield batch
            return
        rows = self._select(read.compiled)
        rows = rows[read.skip : read.skip + read.limit if read.limit else None]
        shown = copy_document if read.projection is None else read.projection.apply
        found = [(shown(row.document), row.revision) for row in rows]
        for start in range(0, len(found), read.batch_size):
            part = found[start : start + read.batch_size]
            revisions = [row[1] for row in part] if read.revisions else None
            yield Batch([row[0] for row in part], revisions, len(self.rows))
            await asyncio.sleep(0)

    async def insert(
        self, documents: Sequence[Document], ordered: bool, call: Call
    ) -> Sequence[tuple[int, BaseException]]:
        """Encode all documents, then append them."""
        encoded: list[Document] = []
        for document in documents:
            try:
                encoded.append(normalise_document(document))
            except DocumentValidationError:
                raise MinimalError("not encoded", {}) from None
        return await super().insert(encoded, ordered, call)

    async def distinct(self, compiled: Compiled, path: str, call: Call) -> Sequence[Any]:
        """The values, in the order met."""
        await self._able.use("distinct")
        query: Query = compiled.native[0]
        identity = hash_key if query.collation is None else query.collation.hash_key
        parts = split_path(path)
        found: dict[Any, Any] = {}
        for row in self._select(compiled):
            for value in distinct_values(copy_document(row.document), parts):
                found.setdefault(identity(value), value)
        return list(found.values())

    def compile_update(self, request: WriteRequest) -> WriteRequest | None:
        """Take what is made of operators, and replacements."""
        return request if isinstance(request.change, OperatorUpdate | Replacement) else None

    async def run_update(self, native: WriteRequest, call: Call) -> Outcome | None:
        """Change the rows at once, or none of them."""
        await self._able.use("update")
        change = native.change
        if self._able.refuses or change is None:
            return None
        rows = self._select(native.compiled)[: None if native.many else 1]
        if not rows:
            return await self._upsert(native, change, call) if native.upsert else self._told(Outcome())
        try:
            results = [change.apply(row.document, native.query) for row in rows]
        except UpdateError:
            return None
        outcome = Outcome(matched=len(rows))
        for row, (new, changed) in zip(rows, results, strict=True):
            self._show(native, outcome, row.document, new)
            if changed:
                outcome.modified += 1
                row.document, row.revision = copy_document(new), next(self._able.writes)
        return self._told(outcome)

    def compile_delete(self, request: WriteRequest) -> WriteRequest | None:
        """Take all."""
        return request

    async def run_delete(self, native: WriteRequest, call: Call) -> Outcome | None:
        """Remove the rows."""
        await self._able.use("delete")
        if self._able.refuses:
            return None
        rows = self._select(native.compiled)[: None if native.many else 1]
        outcome = Outcome(deleted=len(rows))
        for row in rows:
            self._show(native, outcome, row.document, None)
            self.rows.remove(row)
        return self._told(outcome)

    async def bulk(self, steps: Sequence[BulkStep], ordered: bool, call: Call) -> BulkOutcome:
        """One after the other."""
        await self._able.use("bulk")
        total, upserted, failures = BulkOutcome(), dict[int, Any](), list[tuple[int, BaseException]]()
        for place, step in enumerate(steps):
            try:
                outcome = await self._run_step(step, call)
            except (UpdateError, MinimalError) as error:
                failures.append((place, error))
                if ordered:
                    break
                continue
            total.matched += outcome.matched
            total.modified += outcome.modified
            total.deleted += outcome.deleted
            if outcome.upserted is not None:
                upserted[place] = outcome.upserted["_id"]
        total.upserted, total.failures, total.acknowledged = upserted, failures, self._able.acknowledges
        return total

    def compile_pipeline(self, pipeline: Pipeline, hint: Hint | None) -> NativePipeline | None:
        """Take the first stages that are among a few; variables of the caller are left to the engine."""
        count = 0
        for stage in pipeline.stages:
            if stage.name not in _STAGES:
                break
            count += 1
        if not count or pipeline.variables or not _is_plain(pipeline.leading.query):
            return None
        stages = [stage.to_document() for stage in pipeline.stages[:count]]
        native = parse_pipeline(stages, collation=pipeline.collation)
        return NativePipeline(native, count, {"pipeline": [next(iter(stage)) for stage in stages]})

    async def aggregate(self, pipeline: NativePipeline, batch_size: int, call: Call) -> AsyncGenerator[Batch]:
        """Run it over copies of all rows."""
        await self._able.use("aggregate")

        async def source() -> AsyncGenerator[list[Document]]:
            if self.rows:
                yield [copy_document(row.document) for row in self.rows]

        async with aclosing(run(pipeline.native, source(), LocalContext())) as batches:
            async for batch in batches:
                for start in range(0, len(batch), batch_size):
                    yield Batch(batch[start : start + batch_size], examined=len(self.rows))

    async def explain(self, request: NativeRead | NativePipeline, ran: bool, call: Call) -> ServerFacts:
        """What a server with an optimiser might say."""
        await self._able.use("explain")
        what = "read" if isinstance(request, NativeRead) else "pipeline"
        return ServerFacts(Access("index", "of the server"), len(self.rows) if ran else None, 0, {"what": what})

    @property
    def rows(self) -> list[Row]:
        """The list; reading does not make one."""
        return self._able.rows.get(self._name, [])

    def _select(self, compiled: Compiled) -> list[Row]:
        query, sort = compiled.native
        rows = [row for row in self.rows if query.matches(row.document)]
        if sort is None:
            return rows
        by_place = {id(row.document): row for row in rows}
        return [by_place[id(document)] for document in sort.sorted([row.document for row in rows])]

    async def _run_step(self, step: BulkStep, call: Call) -> Outcome:
        if step.kind == "insert":
            failures = await self.insert([step.native], True, call)
            if failures:
                raise failures[0][1]
            return Outcome()
        run_native = self.run_update if step.kind == "update" else self.run_delete
        outcome = await run_native(step.native, call)
        if outcome is None:
            # A bulk has no way back to the engine: the error is that of the write, and what came before it stays.
            for row in self._select(step.native.compiled):
                new, changed = step.native.change.apply(row.document, step.native.query)
                if changed:
                    row.document, row.revision = copy_document(new), next(self._able.writes)
            step.native.change.build_upsert(step.native.query)
            raise MinimalError("refused", {})
        return outcome

    async def _upsert(self, native: WriteRequest, change: Change, call: Call) -> Outcome | None:
        try:
            made = change.build_upsert(native.query)
        except UpdateError:
            return None
        if "_id" not in made:
            made = {"_id": native.new_id, **made}
        outcome = Outcome(upserted={"_id": made["_id"]})
        self._show(native, outcome, None, made)
        failures = await self.insert([made], True, call)
        if failures:
            raise failures[0][1]
        return self._told(outcome)

    def _show(self, native: WriteRequest, outcome: Outcome, before: Document | None, after: Document | None) -> None:
        wanted = before if native.returns == "before" else after if native.returns == "after" else None
        if wanted is None:
            return
        shown = copy_document(wanted) if native.projection is None else native.projection.apply(wanted)
        outcome.projected = native.projection is not None
        if native.returns == "before":
            outcome.before = shown
        else:
            outcome.after = shown

    def _told(self, outcome: Outcome) -> Outcome:
        return outcome if self._able.acknowledges else Outcome(acknowledged=False)


def _is_plain(query: Query) -> bool:
    return all(isinstance(node, Always | And | Compare) for node in query.root.walk())


async def _connect(config: BackendConfig) -> AbleDriver:
    return AbleDriver()


SPEC = BackendSpec(
    name="able",
    api=API,
    config=BackendConfig,
    capabilities=Capabilities(native_aggregation=True, encoder_validates=True),
    connect=_connect,
    distribution="lexigram-nosql-core",
)


class AbleDocumentStore(DocumentStore):
    """A store on the able driver; it reads whole collections for everything, and does not warn of it.

    Args:
        config: Settings of the portable layer.
    """

    def __init__(self, config: BackendConfig | None = None) -> None:
        super().__init__(SPEC, BackendConfig(scan_policy="allow") if config is None else config, name="able")

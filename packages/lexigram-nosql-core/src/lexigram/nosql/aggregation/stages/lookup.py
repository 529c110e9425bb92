"""``$lookup`` (manual, "$lookup"): by equality, by a pipeline with variables, or by both.

By equality, the foreign documents of a whole batch are read with one query and joined by hash; what a value finds is
kept for the batches that follow, and these grow, so that a long source costs few queries. A pipeline is compiled once,
its variables being parameters; what its first stages give without looking at the variables is read once and kept, and a
``$match`` with ``{"$expr": {"$eq": […]}}`` between a foreign field and a variable is answered by a hash table over it.
"""

# Specifications are of any type, and what is narrowed from Any has parts that are unknown to the checker.
# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false, reportUnknownMemberType=false

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping, Sequence
from itertools import chain
from typing import Any, Final

from lexigram.nosql.aggregation.chain import collect, open_chain
from lexigram.nosql.aggregation.expressions.compiled import Compiled
from lexigram.nosql.aggregation.expressions.errors import FAILED_TO_PARSE, fault
from lexigram.nosql.aggregation.stages.base import NOTHING, AsyncRunner, Batch, Document, Fields, Output, Run, Stage
from lexigram.nosql.aggregation.stages.correlated import Correlation, correlation_of
from lexigram.nosql.aggregation.stages.fields import setter
from lexigram.nosql.aggregation.stages.join import Foreign, Local, Table
from lexigram.nosql.aggregation.stages.parsing import (
    Env,
    Subpipeline,
    as_list,
    check_collection,
    compile_let,
    path_of,
    shown,
)
from lexigram.nosql.aggregation.stages.subrun import read_matching, read_pipeline
from lexigram.nosql.exceptions import MemoryLimitError
from typing_extensions import override

__all__ = ["Lookup", "parse_lookup"]

_LARGEST: Final = 16_384  # documents joined with one query, at most


class Lookup(Stage):
    """Adds an array of another collection's documents.

    Args:
        collection: The other collection; empty where the pipeline begins with ``$documents``.
        target: Names of the path that takes the array.
        local: Names of the local path, or None.
        foreign: The foreign side, or None.
        let: Variables for the pipeline.
        pipeline: The pipeline, or None.
        env: Where the stage stands.
    """

    name = "$lookup"
    output = Output.NEW
    one_to_one = True

    def __init__(
        self,
        collection: str,
        target: Sequence[str],
        local: Sequence[str] | None,
        foreign: Foreign | None,
        let: Mapping[str, Compiled],
        pipeline: Subpipeline | None,
        env: Env,
    ) -> None:
        self.collection = collection
        self.target = tuple(target)
        self.local = None if local is None else tuple(local)
        self.foreign = foreign
        self.let = dict(let)
        self.pipeline = pipeline
        reads: frozenset[str] | None = frozenset() if local is None else frozenset({local[0]})
        for part in self.let.values():
            reads = None if reads is None or part.fields_needed is None else reads | part.fields_needed
        nested = len(target) > 1
        if nested and reads is not None:
            reads |= {target[0]}
        self.fields = Fields(reads, NOTHING if nested else frozenset({target[0]}))
        self.collections = frozenset({collection} if collection else ()).union(
            NOTHING if pipeline is None else pipeline.collections
        )
        inner = NOTHING if pipeline is None else pipeline.variables_needed - frozenset(self.let)
        self.variables_needed = inner.union(*(part.variables_needed for part in self.let.values()))
        self.volatile = (pipeline is not None and pipeline.volatile) or any(part.volatile for part in self.let.values())
        self.prefix: tuple[Stage, ...] = ()
        self.suffix: tuple[Stage, ...] = ()
        self.correlation: Correlation | None = None
        if pipeline is not None:
            self._split(pipeline, env)

    def _split(self, pipeline: Subpipeline, env: Env) -> None:
        """Part the pipeline into what is the same for every document and what is not."""
        names = frozenset(self.let)
        count = 0
        if self.foreign is not None:
            # The join stands before everything but the documents' own source.
            count = 1 if pipeline.from_documents else 0
        else:
            for stage in pipeline.stages:
                if stage.volatile or stage.variables_needed & names:
                    break
                count += 1
        self.prefix, self.suffix = pipeline.stages[:count], pipeline.stages[count:]
        if self.foreign is None and self.suffix:
            self.correlation = correlation_of(self.suffix[0], names, env)
            if self.correlation is not None and self.correlation.whole:
                self.suffix = self.suffix[1:]

    @override
    def leaves(self, names: frozenset[str]) -> bool:
        return self.target[0] not in names

    @override
    def open(self, run: Run) -> AsyncRunner:
        return _Joining(self, self.foreign, run) if self.foreign is not None else _Piping(self, run)

    @override
    def describe(self) -> str:
        how = "hash join" if self.foreign is not None else "pipeline"
        return f"$lookup {self.collection or '$documents'} as {'.'.join(self.target)}, {how}"


class _Joining(AsyncRunner):
    """Joins by equality, with or without a pipeline over what is found."""

    __slots__ = ("_foreign", "_local", "_meter", "_own", "_put", "_run", "_stage", "_table", "_waiting", "_wanted")

    def __init__(self, stage: Lookup, foreign: Foreign, run: Run) -> None:
        super().__init__()
        self._stage = stage
        self._run = run
        self._foreign = foreign
        self._local = Local(stage.local or (), foreign.identity)
        self._put = setter(stage.target)
        self._table = Table(foreign)
        self._meter = run.meter("$lookup")
        self._waiting: Batch = []
        self._wanted = 0
        self._own: Batch | None = None  # the documents of $documents

    @override
    async def push(self, batch: Batch) -> AsyncGenerator[Batch, None]:
        self._waiting = self._waiting + batch if self._waiting else batch
        if len(self._waiting) >= self._wanted:
            yield await self._work()

    @override
    async def finish(self) -> AsyncGenerator[Batch, None]:
        if self._waiting:
            yield await self._work()

    async def _work(self) -> Batch:
        batch, self._waiting = self._waiting, []
        single = self._local.single(batch)
        if single is not None:
            keys = self._local.keys(single)
            queried = await self._fetch(dict(zip(keys, single, strict=True)))
            found = self._table.find(keys)
        else:
            # Only one query can tell the order in which several values' documents stand.
            self._forget()
            several = self._local.several(batch)
            all_keys = [self._local.keys(values) for values in several]
            flat = zip(chain.from_iterable(all_keys), chain.from_iterable(several), strict=True)
            queried = await self._fetch(dict(flat))
            found = [self._table.find_any(each) for each in all_keys]
        # Queries for many documents at once cost less than many queries; what is known costs none.
        self._wanted = min(2 * len(batch), _LARGEST) if queried else 0
        if self._stage.pipeline is not None and self._stage.suffix:
            found = [await self._through(document, matches) for document, matches in zip(batch, found, strict=True)]
        put = self._put
        return [put(document, matches) for document, matches in zip(batch, found, strict=True)]

    def _forget(self) -> None:
        self._table.clear()
        self._meter.held = 0

    async def _fetch(self, needed: dict[Any, Any]) -> bool:
        """Read the foreign documents of a batch that are not at hand."""
        table = self._table
        wanted = {key: value for key, value in needed.items() if key not in table.known}
        if not wanted:
            return False
        if self._meter.limit and self._meter.held > self._meter.limit // 2:
            self._forget()
            wanted = needed
        documents = await self._read(list(wanted.values()))
        self._meter.documents(documents)
        table.add(set(wanted), documents)
        return True

    async def _read(self, values: Sequence[Any]) -> Batch:
        stage = self._stage
        query = self._foreign.query(values)
        if stage.pipeline is None or not stage.pipeline.from_documents:
            return await read_matching(stage.collection, query, self._run)
        if self._own is None:
            self._own = await read_pipeline("", stage.pipeline, stage.prefix, self._run)
        return query.select(self._own)

    async def _through(self, document: Document, matches: Batch) -> Batch:
        """What the pipeline makes of the matches of a document."""
        run = _bind(self._stage.let, document, self._run)
        if run.tired(len(matches) + 1):
            await run.pause()
        return await collect(open_chain(self._stage.suffix, run), matches)


class _Piping(AsyncRunner):
    """Runs a pipeline over the foreign collection for each document."""

    __slots__ = ("_kept", "_put", "_run", "_stage", "_table", "_whole")

    def __init__(self, stage: Lookup, run: Run) -> None:
        super().__init__()
        self._stage = stage
        self._run = run
        self._put = setter(stage.target)
        self._kept: Batch | None = None
        self._whole = False  # True when the first stages give too much to keep
        self._table: dict[Any, Batch] | None = None

    @override
    async def push(self, batch: Batch) -> AsyncGenerator[Batch, None]:
        put = self._put
        out: Batch = []
        for document in batch:
            out.append(put(document, await self._found(document)))
        yield out

    @override
    async def finish(self) -> AsyncGenerator[Batch, None]:
        return
        yield []

    async def _found(self, document: Document) -> Batch:
        stage = self._stage
        kept = await self._prefix() if self._kept is None else self._kept
        if kept is not None and not stage.suffix and stage.correlation is None:
            return kept
        run = _bind(stage.let, document, self._run)
        if kept is None:
            pipeline = stage.pipeline
            assert pipeline is not None  # noqa: S101 - a lookup without a foreign field has a pipeline
            return await read_pipeline(stage.collection, pipeline, pipeline.stages, run)
        if stage.correlation is not None:
            if self._table is None:
                self._table = stage.correlation.table(kept, self._run.variables)
            kept = self._table.get(stage.correlation.key(run.variables), [])
            if not stage.suffix:
                return kept
        if run.tired(len(kept) + 1):
            await run.pause()
        return await collect(open_chain(stage.suffix, run), kept)

    async def _prefix(self) -> Batch | None:
        """What the first stages give, the same for every document; None where it is too much to keep."""
        if self._kept is None and not self._whole:
            stage = self._stage
            pipeline = stage.pipeline
            assert pipeline is not None  # noqa: S101 - a lookup without a foreign field has a pipeline
            meter = self._run.meter("$lookup")
            try:
                self._kept = await read_pipeline(stage.collection, pipeline, stage.prefix, self._run, meter)
            except MemoryLimitError:
                # Reading anew for every document needs less room; if it does not, that fails.
                self._whole = True
        return self._kept


def _bind(let: Mapping[str, Compiled], document: Document, run: Run) -> Run:
    """The run of the pipeline for one document."""
    variables = run.variables
    return run.within({name: part.evaluate(document, variables) for name, part in let.items()})


def parse_lookup(specification: Any, env: Env) -> Sequence[Stage]:
    """Compile ``$lookup``.

    Args:
        specification: ``from``, ``as``, ``localField`` and ``foreignField``, ``let`` and ``pipeline``.
        env: Where it stands.

    Returns:
        The stage.

    Raises:
        PipelineError: The options do not go together (9), a path is not valid, or the pipeline is not.
    """
    if not isinstance(specification, Mapping):
        raise fault(FAILED_TO_PARSE, f"$lookup takes a document of options, not {shown(specification)}")
    texts: dict[str, str] = {}
    for name, value in specification.items():
        if name in {"let", "pipeline"}:
            continue
        if name not in {"from", "as", "localField", "foreignField"}:
            raise fault(FAILED_TO_PARSE, f"$lookup has no option {str(name)[:64]!r}")
        if not isinstance(value, str):
            raise fault(FAILED_TO_PARSE, f"{name!r} of $lookup must be a string, not {shown(value)}")
        texts[name] = str(value)
    if not texts.get("as"):
        raise fault(FAILED_TO_PARSE, "$lookup needs 'as'")
    stages = None
    if "pipeline" in specification:
        stages = as_list(specification["pipeline"])
        if stages is None:
            raise fault(
                FAILED_TO_PARSE, f"'pipeline' of $lookup must be an array, not {shown(specification['pipeline'])}"
            )
    _check_combination(texts, stages, "let" in specification)
    let = compile_let(specification["let"], env, "'let' of $lookup") if "let" in specification else {}
    pipeline = None if stages is None else env.bind(let).pipeline(stages, "$lookup")
    collection = texts.get("from", "")
    if collection:
        check_collection(collection, "$lookup")
    if pipeline is not None and pipeline.from_documents:
        collection = ""
    elif not collection:
        raise fault(FAILED_TO_PARSE, "$lookup without 'from' needs a pipeline that begins with $documents")
    local = texts.get("localField")
    foreign = texts.get("foreignField")
    if foreign is not None:
        path_of(foreign)
    return [
        Lookup(
            collection,
            path_of(texts["as"]),
            None if local is None else path_of(local),
            None if foreign is None else Foreign(foreign, env.collation),
            let,
            pipeline,
            env.bind(let),
        )
    ]


def _check_combination(texts: Mapping[str, str], stages: Sequence[Any] | None, let: bool) -> None:
    local, foreign = texts.get("localField"), texts.get("foreignField")
    if bool(local) != bool(foreign):
        raise fault(FAILED_TO_PARSE, "$lookup needs both of 'localField' and 'foreignField', or neither")
    if stages is None:
        if not local:
            raise fault(FAILED_TO_PARSE, "$lookup needs 'localField' and 'foreignField', or 'pipeline'")
        if let:
            raise fault(FAILED_TO_PARSE, "$lookup with 'let' needs 'pipeline' too")

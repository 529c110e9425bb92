"""``$merge`` (manual, "$merge"): writes documents into a collection, one by one.

A document is identified by the ``on`` fields, for which the target needs a unique index. Where the target is among the
collections that the pipeline reads, everything is computed before anything is written, so that no document meets its
own output; elsewhere batches are written as they come.
"""

# Specifications are of any type, and what is narrowed from Any has parts that are unknown to the checker.
# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false, reportUnknownMemberType=false

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from typing import Any, Final

from lexigram.nosql.aggregation.context import Change, MergeWrite
from lexigram.nosql.aggregation.expressions.compiled import Compiled
from lexigram.nosql.aggregation.expressions.errors import BAD_VALUE, TYPE_MISMATCH, fault
from lexigram.nosql.aggregation.limits import CHUNK
from lexigram.nosql.aggregation.stages.base import (
    NOTHING,
    AsyncRunner,
    Batch,
    Document,
    Fields,
    MapStage,
    Run,
    Stage,
    chunks,
)
from lexigram.nosql.aggregation.stages.fields import read_path
from lexigram.nosql.aggregation.stages.parsing import (
    Env,
    Subpipeline,
    as_list,
    check_collection,
    compile_let,
    known_options,
    path_of,
    shown,
)
from lexigram.nosql.aggregation.stages.writing import namespace, prepared
from lexigram.nosql.exceptions import PipelineError, UpdateError
from lexigram.nosql.query.parse import Query, parse_filter
from lexigram.nosql.values.normalise import normalise_document
from lexigram.nosql.values.order import equal
from lexigram.nosql.values.path import MISSING
from typing_extensions import override

__all__ = ["Merge", "parse_merge"]

_NO_MATCH: Final = 13113
_IMMUTABLE: Final = 66
_MODES: Final = frozenset(
    {
        ("replace", "insert"),
        ("replace", "fail"),
        ("replace", "discard"),
        ("merge", "insert"),
        ("merge", "fail"),
        ("merge", "discard"),
        ("keepExisting", "insert"),
        ("pipeline", "insert"),
        ("pipeline", "fail"),
        ("pipeline", "discard"),
        ("fail", "insert"),
    }
)


class Merge(Stage):
    """Writes each document into a collection.

    Args:
        target: Name of the collection.
        on: Paths that identify a document.
        matched: ``replace``, ``keepExisting``, ``merge``, ``fail`` or ``pipeline``.
        not_matched: ``insert``, ``discard`` or ``fail``.
        let: Variables of the pipeline.
        pipeline: What a matching document goes through, or None.
    """

    name = "$merge"
    fields = Fields(None)

    def __init__(
        self,
        target: str,
        on: Sequence[str],
        matched: str,
        not_matched: str,
        let: Mapping[str, Compiled],
        pipeline: Subpipeline | None,
    ) -> None:
        self.target = target
        self.on = {path: path_of(path) for path in on}
        self.matched = matched
        self.not_matched = not_matched
        self.let = dict(let)
        self.pipeline = pipeline
        inner = NOTHING if pipeline is None else pipeline.variables_needed - frozenset(self.let)
        self.variables_needed = inner.union(*(part.variables_needed for part in self.let.values()))

    @override
    def open(self, run: Run) -> AsyncRunner:
        return _Merging(self, run)

    @override
    def describe(self) -> str:
        return f"$merge into {self.target} on {', '.join(self.on)}: {self.matched}, else {self.not_matched}"


class _Merging(AsyncRunner):
    __slots__ = ("_checked", "_held", "_hold", "_meter", "_run", "_stage")

    def __init__(self, stage: Merge, run: Run) -> None:
        super().__init__()
        self._stage = stage
        self._run = run
        self._hold = stage.target in run.reads or stage.target == run.context.collection
        self._held: Batch = []
        self._meter = run.meter("$merge")
        self._checked = False

    @override
    async def push(self, batch: Batch) -> AsyncGenerator[Batch, None]:
        if self._hold:
            self._meter.documents(batch)
            self._held += batch
        else:
            await self._write(batch)
        return
        yield batch

    @override
    async def finish(self) -> AsyncGenerator[Batch, None]:
        held, self._held = self._held, []
        for batch in chunks(held):
            await self._write(batch)
        await self._check()
        return
        yield held

    async def _check(self) -> None:
        stage = self._stage
        if self._checked or set(stage.on) == {"_id"}:
            return
        if not await self._run.context.has_unique_index(stage.target, frozenset(stage.on)):
            raise fault(
                51183,
                f"$merge needs a unique index on {', '.join(stage.on)} of {stage.target!r}",
                f"collection({stage.target!r}).create_index({[(path, 1) for path in stage.on]!r}, unique=True)",
            )
        self._checked = True

    async def _write(self, batch: Batch) -> None:
        await self._check()
        stage, context = self._stage, self._run.context
        documents = prepared(batch)
        if stage.matched == "fail":
            await context.insert(stage.target, documents)
            return
        writes: list[MergeWrite] = []
        plain: list[Document] = []
        for document in documents:
            query = self._identify(document)
            if query is not None:
                writes.append(MergeWrite(query, self._change(document), stage.not_matched == "insert"))
            elif stage.not_matched == "insert":
                plain.append(document)  # without an _id it matches nothing
            elif stage.not_matched == "fail":
                raise self._no_match()
        results = await context.merge(stage.target, writes) if writes else ()
        if stage.not_matched == "fail" and not all(results):
            raise self._no_match()
        for start in range(0, len(plain), CHUNK):
            await context.insert(stage.target, plain[start : start + CHUNK])
        if self._run.tired(len(documents)):
            await self._run.pause()

    def _no_match(self) -> PipelineError:
        return fault(_NO_MATCH, f"$merge found no document in {self._stage.target!r} that matches")

    def _identify(self, document: Document) -> Query | None:
        """The filter for the documents that one matches; None for a document that has yet to get its ``_id``."""
        conditions: list[dict[str, Any]] = []
        for path, names in self._stage.on.items():
            value = read_path(document, names)
            if type(value) is list:
                raise fault(51185, f"$merge cannot identify a document by {path!r}, which is an array")
            if value is MISSING or value is None:
                if path == "_id" and value is MISSING:
                    return None
                raise fault(51132, f"$merge cannot identify a document by {path!r}, which is missing or null")
            conditions.append({path: {"$eq": value}})
        return parse_filter(conditions[0] if len(conditions) == 1 else {"$and": conditions})

    def _change(self, document: Document) -> Change:
        stage = self._stage
        if stage.matched == "replace":
            return _Written(document, lambda _old: document)
        if stage.matched == "keepExisting":
            return _Written(document, lambda old: old)
        if stage.matched == "merge":
            return _Written(document, lambda old: {**old, **document})
        run = self._run
        values = {name: part.evaluate(document, run.variables) for name, part in stage.let.items()}
        variables = {**run.variables, **values}
        transforms = [each.transform for each in stage.pipeline.stages if isinstance(each, MapStage)]  # type: ignore[union-attr]

        def through(old: Document) -> Document:
            for transform in transforms:
                old = transform(old, variables)
            return normalise_document(old)

        return _Written(document, through)


class _Written:
    """What becomes of the document that one of ``$merge`` matches."""

    __slots__ = ("_document", "_make")

    def __init__(self, document: Document, make: Callable[[Document], Document]) -> None:
        self._document = document
        self._make = make

    def apply(self, document: Document, query: Query | None = None) -> tuple[Document, bool]:
        new = self._make(document)
        if new is document:
            return document, False
        if "_id" not in new:
            new = {"_id": document["_id"], **new}
        elif not equal(new["_id"], document["_id"]):
            raise UpdateError("$merge would change the _id of a document", mongo_code=_IMMUTABLE)
        return new, new != document or list(new) != list(document)

    def build_upsert(self, query: Query) -> Document:
        return self._document


def parse_merge(specification: Any, env: Env) -> Sequence[Stage]:
    """Compile ``$merge``.

    Args:
        specification: The collection's name, or ``into``, ``on``, ``let``, ``whenMatched``, ``whenNotMatched``.
        env: Where it stands.

    Returns:
        The stage.

    Raises:
        PipelineError: It is neither (14), the options are not valid (40414, 40415, 2, 51178 to 51199, 51273, 5786800),
            or a path or the pipeline is not.
        UnsupportedFeatureError: It names another database.
    """
    if isinstance(specification, str):
        return [Merge(check_collection(specification, "$merge"), ["_id"], "merge", "insert", {}, None)]
    if not isinstance(specification, Mapping):
        raise fault(TYPE_MISMATCH, f"$merge takes the name of a collection or a document, not {shown(specification)}")
    names = ("into", "on", "let", "whenMatched", "whenNotMatched")
    options = known_options("$merge", specification, names, required=("into",))
    target = _into(options["into"])
    on = _on(options["on"]) if options.get("on") is not None else ["_id"]
    not_matched = _mode("whenNotMatched", options.get("whenNotMatched", "insert"), ("insert", "discard", "fail"))
    matched = options.get("whenMatched", "merge")
    stages = as_list(matched)
    if stages is not None:
        matched = "pipeline"
    elif not isinstance(matched, str):
        raise fault(51191, f"'whenMatched' of $merge must be a string or a pipeline, not {shown(matched)}")
    else:
        _mode("whenMatched", matched, ("replace", "keepExisting", "merge", "fail"))
    if (matched, not_matched) not in _MODES:
        raise fault(51181, f"$merge cannot combine whenMatched: {matched} with whenNotMatched: {not_matched}")
    if stages is None:
        if "let" in options:
            raise fault(51199, "'let' of $merge goes with a pipeline in whenMatched")
        return [Merge(target, on, matched, not_matched, {}, None)]
    definitions = options.get("let", {"new": "$$ROOT"})
    let = compile_let(definitions, env, "'let' of $merge", TYPE_MISMATCH)
    if definitions.get("new", "$$ROOT") != "$$ROOT":
        raise fault(51273, "'let' of $merge may not give 'new' another value than $$ROOT")
    if not_matched == "insert":
        let.setdefault("new", env.expression("$$ROOT"))
    pipeline = env.bind(let).pipeline(stages, "$merge")
    return [Merge(target, on, matched, not_matched, let, pipeline)]


def _into(value: Any) -> str:
    if isinstance(value, str):
        if not value:
            raise fault(5786800, "'into' of $merge may not be empty")
        return check_collection(value, "$merge")
    if not isinstance(value, Mapping):
        raise fault(51178, f"'into' of $merge must be a string or a document, not {shown(value)}")
    options = namespace("$merge", value)
    if not options.get("coll"):
        raise fault(5786801, "'into' of $merge needs a 'coll' that is not empty")
    return str(options["coll"])


def _on(value: Any) -> list[str]:
    paths = [value] if isinstance(value, str) else as_list(value)
    if paths is None:
        raise fault(51186, f"'on' of $merge must be a string or an array of strings, not {shown(value)}")
    for path in paths:
        if not isinstance(path, str):
            raise fault(51134, f"'on' of $merge must hold strings only, not {shown(path)}")
    if not paths:
        raise fault(51187, "'on' of $merge needs at least one field")
    if len(set(paths)) < len(paths):
        raise fault(31465, "'on' of $merge names a field twice")
    return [str(path) for path in paths]


def _mode(option: str, value: Any, modes: Sequence[str]) -> str:
    if not isinstance(value, str):
        raise fault(TYPE_MISMATCH, f"{option!r} of $merge must be a string, not {shown(value)}")
    if value not in modes:
        raise fault(BAD_VALUE, f"{option!r} of $merge must be one of {', '.join(modes)}, not {value[:64]!r}")
    return str(value)

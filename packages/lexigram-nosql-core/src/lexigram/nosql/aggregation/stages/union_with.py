"""``$unionWith`` (manual, "$unionWith")."""

# Specifications are of any type, and what is narrowed from Any has parts that are unknown to the checker.
# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false, reportUnknownMemberType=false

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing
from typing import Any

from lexigram.nosql.aggregation.expressions.errors import FAILED_TO_PARSE, TYPE_MISMATCH, fault
from lexigram.nosql.aggregation.stages.base import AsyncRunner, Batch, Fields, Owned, Run, Stage
from lexigram.nosql.aggregation.stages.parsing import (
    Env,
    Subpipeline,
    as_list,
    check_collection,
    known_options,
    shown,
)
from lexigram.nosql.aggregation.stages.subrun import nothing, read_collection, run_over
from typing_extensions import override

__all__ = ["UnionWith", "parse_union_with"]


class UnionWith(Stage):
    """Appends another collection's documents.

    Args:
        collection: The other collection; empty where the pipeline begins with ``$documents``.
        pipeline: What they go through.
    """

    name = "$unionWith"
    fields = Fields(None)

    def __init__(self, collection: str, pipeline: Subpipeline) -> None:
        self.collection = collection
        self.pipeline = pipeline
        self.collections = pipeline.collections | frozenset({collection} if collection else ())
        self.variables_needed = pipeline.variables_needed
        self.volatile = pipeline.volatile

    @override
    def leaves(self, names: frozenset[str]) -> bool:
        return False

    @override
    def owned(self, before: Owned, source: Owned) -> Owned:
        appended = source
        for stage in self.pipeline.stages:
            appended = stage.owned(appended, source)
        return min(before, appended)

    @override
    def open(self, run: Run) -> AsyncRunner:
        return _Uniting(self, run)

    @override
    def describe(self) -> str:
        return f"$unionWith {self.collection or '$documents'}"


class _Uniting(AsyncRunner):
    __slots__ = ("_run", "_stage")

    def __init__(self, stage: UnionWith, run: Run) -> None:
        super().__init__()
        self._stage = stage
        self._run = run

    @override
    async def push(self, batch: Batch) -> AsyncGenerator[Batch, None]:
        yield batch

    @override
    async def finish(self) -> AsyncGenerator[Batch, None]:
        stage, run = self._stage, self._run
        if stage.pipeline.from_documents:
            batches = run_over(nothing(), stage.pipeline.stages, run)
        else:
            batches = read_collection(stage.collection, stage.pipeline.stages, run)
        async with aclosing(batches):
            async for batch in batches:
                yield batch


def parse_union_with(specification: Any, env: Env) -> Sequence[Stage]:
    """Compile ``$unionWith``.

    Args:
        specification: The collection's name, or ``coll`` and ``pipeline``.
        env: Where it stands.

    Returns:
        The stage.

    Raises:
        PipelineError: It is neither (9), an option is unknown (40415) or has the wrong type (14), there is no
            collection and no ``$documents`` (9), or the pipeline is not valid.
    """
    if isinstance(specification, str):
        return [UnionWith(check_collection(specification, "$unionWith"), env.pipeline([], "$unionWith"))]
    if not isinstance(specification, Mapping):
        raise fault(FAILED_TO_PARSE, f"$unionWith takes a collection or a document, not {shown(specification)}")
    options = known_options("$unionWith", specification, ("coll", "pipeline"))
    collection = options.get("coll", "")
    if not isinstance(collection, str):
        raise fault(TYPE_MISMATCH, f"'coll' of $unionWith must be a string, not {shown(collection)}")
    stages = as_list(options.get("pipeline", []))
    if stages is None:
        raise fault(TYPE_MISMATCH, f"'pipeline' of $unionWith must be an array, not {shown(options['pipeline'])}")
    pipeline = env.pipeline(stages, "$unionWith")
    if pipeline.from_documents:
        return [UnionWith("", pipeline)]
    if not collection:
        raise fault(FAILED_TO_PARSE, "$unionWith without 'coll' needs a pipeline that begins with $documents")
    return [UnionWith(check_collection(collection, "$unionWith"), pipeline)]

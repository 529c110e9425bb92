"""Pipelines that the server runs, whole or their first stages, and the values that it tells apart.

A pipeline goes down from its first stage on, as it was written, with constants normalised, up to the first stage that
the server does not have in its version, or that means something else there:

* stages and operators that came with a later version (:mod:`~lexigram.nosql.backends.mongodb.versions`);
* a filter that does not go down whole (:mod:`~lexigram.nosql.backends.mongodb.compiling`), also within ``$lookup``,
  ``$facet`` and ``$unionWith``;
* ``$documents``, which reads no collection;
* ``$merge`` and ``$out`` of documents that may lack an ``_id``: the server would make an ``ObjectId``, the store makes
  a text.

What differs by nature and is left to the server all the same: which documents ``$sample`` and ``$rand`` choose, the
order of ``$group``, of ties and of ``$unionWith`` where no ``$sort`` follows, text scores, ``$$NOW`` by the server's
clock, and its limits (16 MiB for a document on its way, 100 MB of memory for a stage before it goes to disk).
"""

# Specifications are of any type, and what is narrowed from Any has parts that are unknown to the checker.
# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false, reportUnknownMemberType=false

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from lexigram.nosql.aggregation.parse import Pipeline
from lexigram.nosql.backends.mongodb.compiling import NativeFind, compile_filter, compile_hint
from lexigram.nosql.backends.mongodb.errors import classify
from lexigram.nosql.backends.mongodb.native import NativeCollection
from lexigram.nosql.backends.mongodb.refusals import meaning
from lexigram.nosql.backends.mongodb.restoring import restore_many, restore_value
from lexigram.nosql.backends.mongodb.versions import Version, first_version, first_version_of_stage
from lexigram.nosql.driver import Batch, Call, Compiled, Hint, NativePipeline
from lexigram.nosql.exceptions import NoSQLError, PipelineError, QueryOptionError, UpdateError
from lexigram.nosql.finishing import to_the_end
from lexigram.nosql.query.parse import parse_filter
from lexigram.nosql.values.collation import Collation
from lexigram.nosql.values.path import MISSING
from pymongo.errors import OperationFailure

if TYPE_CHECKING:
    from pymongo.asynchronous.command_cursor import AsyncCommandCursor

__all__ = ["NativePipelines", "NativeStages", "compile_stages"]

_MOST_IN_A_BATCH: Final = 100_000
_DISK_BY_DEFAULT: Final = (6, 0)
_LET: Final = (5, 0)
_AMBIGUOUS_ORDER: Final = 16746
_TOO_LARGE: Final = frozenset({10334, 17217})
_WRITING: Final = frozenset({"$merge", "$out"})
_WITH_PIPELINE: Final = frozenset({"$lookup", "$unionWith"})
_MAKING_IDS: Final = frozenset({"$bucket", "$bucketAuto", "$group", "$sortByCount"})
_ID: Final = frozenset({"_id"})


@dataclass(frozen=True, slots=True)
class NativeStages:
    """Stages, ready for the SDK.

    Attributes:
        stages: The stages.
        options: Collation, variables, hint.
    """

    stages: list[dict[str, Any]]
    options: Mapping[str, Any]


def compile_stages(pipeline: Pipeline, version: Version) -> list[dict[str, Any]]:
    """Write the first stages of a pipeline for the server, as many as mean the same there.

    Args:
        pipeline: The pipeline.
        version: Of the server.

    Returns:
        The stages; none where not even the first goes down.
    """
    names = frozenset(pipeline.variables)
    natives: list[dict[str, Any]] = []
    for stage in pipeline.stages:
        if stage.name in _WRITING and not _keeps_ids(pipeline):
            break
        native = _stage(stage.name, stage.specification, pipeline.collation, names, version)
        if native is None:
            break
        natives.append(native)
    return natives


def _keeps_ids(pipeline: Pipeline) -> bool:
    """True where each document that comes to the last stage certainly has an ``_id``."""
    return all(stage.name in _MAKING_IDS or stage.leaves(_ID) for stage in pipeline.plan[:-1])


def _stage(
    name: str, specification: Any, collation: Collation | None, variables: frozenset[str], version: Version
) -> dict[str, Any] | None:
    if name == "$documents" or first_version_of_stage(name, specification) > version:
        return None
    if name == "$match":
        return _match(specification, collation, variables, version)
    if name == "$facet":
        return _facet(specification, collation, variables, version)
    if name in _WITH_PIPELINE and isinstance(specification, Mapping) and "pipeline" in specification:
        return _joined(name, specification, collation, variables, version)
    if name == "$graphLookup" and "restrictSearchWithMatch" in specification:
        matched = _match(specification["restrictSearchWithMatch"], collation, variables, version)
        if matched is None:
            return None
    return {name: specification} if first_version(specification) <= version else None


def _match(
    specification: Any, collation: Collation | None, variables: frozenset[str], version: Version
) -> dict[str, Any] | None:
    native, exact = compile_filter(parse_filter(specification, collation=collation, variables=variables), version)
    return {"$match": native} if exact else None


def _facet(
    specification: Mapping[str, Any], collation: Collation | None, variables: frozenset[str], version: Version
) -> dict[str, Any] | None:
    facets: dict[str, Any] = {}
    for field, stages in specification.items():
        facet = _within(stages, collation, variables, version)
        if facet is None:
            return None
        facets[field] = facet
    return {"$facet": facets}


def _joined(
    name: str,
    specification: Mapping[str, Any],
    collation: Collation | None,
    variables: frozenset[str],
    version: Version,
) -> dict[str, Any] | None:
    let: Mapping[str, Any] = specification.get("let") or {}
    inner = _within(specification["pipeline"], collation, variables | frozenset(let), version)
    if inner is None or first_version(let) > version:
        return None
    return {name: {**specification, "pipeline": inner}}


def _within(
    stages: Sequence[Mapping[str, Any]], collation: Collation | None, variables: frozenset[str], version: Version
) -> list[dict[str, Any]] | None:
    """A pipeline within a stage: all of it, or nothing."""
    natives: list[dict[str, Any]] = []
    for stage in stages:
        ((name, specification),) = stage.items()
        native = _stage(name, specification, collation, variables, version)
        if native is None:
            return None
        natives.append(native)
    return natives


def _as_pipeline_error(error: OperationFailure) -> PipelineError | None:
    """Where a stage fails on a document, what the engine would raise; the code is the same."""
    found = classify(error)
    if error.code == _AMBIGUOUS_ORDER:
        return None
    if type(found) is NoSQLError or isinstance(found, QueryOptionError | UpdateError):
        return PipelineError(found.message, mongo_code=error.code)
    return None


async def _close(cursor: AsyncCommandCursor[dict[str, Any]]) -> None:
    await cursor.close()


class NativePipelines(NativeCollection):
    """The abilities ``SupportsAggregate``, ``SupportsDistinct`` and ``SupportsCount`` of a collection."""

    def compile_pipeline(self, pipeline: Pipeline, hint: Hint | None) -> NativePipeline | None:
        """Translate the first stages of a pipeline."""
        version = self.driver.server.version
        options: dict[str, Any] = {}
        if pipeline.variables:
            if version < _LET or any(value is MISSING for value in pipeline.variables.values()):
                return None
            options["let"] = {name: {"$literal": value} for name, value in pipeline.variables.items()}
        key = (NativePipelines, version)
        stages: list[dict[str, Any]] | None = pipeline.made.get(key)
        if stages is None:
            stages = pipeline.made[key] = compile_stages(pipeline, version)
        if not stages:
            return None
        if pipeline.collation is not None:
            options["collation"] = pipeline.collation.document()
        if hint is not None:
            options["hint"] = compile_hint(hint)
        if version < _DISK_BY_DEFAULT:
            options["allowDiskUse"] = True
        display = {"aggregate": self.name, "pipeline": stages, **options}
        return NativePipeline(NativeStages(stages, options), len(stages), display)

    async def aggregate(self, pipeline: NativePipeline, batch_size: int, call: Call) -> AsyncGenerator[Batch]:
        """Run stages: one request for each batch."""
        try:
            native: NativeStages = pipeline.native
            size = min(batch_size, _MOST_IN_A_BATCH)
            options = dict(native.options)
            writes = not _WRITING.isdisjoint(native.stages[-1])
            if not writes:
                options["batchSize"] = size
            # What a pipeline writes is a write: its concern is the collection's, and it has an answer.
            collection = self.answering if writes else self.native
            client, first, alone = self.driver.client, self.driver.openings.first, call.session is None
            opened = not client.opens_late
            cursor: AsyncCommandCursor[dict[str, Any]]
            with self.within(call):
                asked = client.aggregate(collection, native.stages, session=self.session(call), **options)
                cursor = await (first(asked, _close, alone=alone) if opened else asked)
            try:
                while cursor.alive:
                    with self.within(call):
                        if opened:
                            documents = await cursor.to_list(size)
                        else:
                            documents = await first(cursor.to_list(size), lambda _: cursor.close(), alone=alone)
                            opened = True
                    if documents:
                        restore_many(documents)
                        yield Batch(documents)
            finally:
                if opened and cursor.alive:  # one at its end has closed itself
                    await to_the_end(cursor.close())
        except OperationFailure as error:
            failure = await meaning(self, error, pipeline.native.options.get("hint")) or _as_pipeline_error(error)
            if failure is None:
                raise
            raise failure from error

    async def distinct(self, compiled: Compiled, path: str, call: Call) -> Sequence[Any] | None:
        """The different values of a path; None where they do not fit into one answer of 16 MiB."""
        find: NativeFind = compiled.native
        options: dict[str, Any] = {} if find.collation is None else {"collation": find.collation}
        try:
            with self.within(call):
                values = await self.native.distinct(path, find.filter, session=self.session(call), **options)
        except OperationFailure as error:
            if error.code in _TOO_LARGE and not call.in_transaction:
                return None
            raise
        return list(map(restore_value, values))

    async def count(self, compiled: Compiled, limit: int, call: Call) -> int:
        """How many documents match, counting no further than *limit*; 0 for no limit."""
        find: NativeFind = compiled.native
        options = find.options()
        options.pop("sort", None)
        if limit:
            options["limit"] = limit
        try:
            with self.within(call):
                return await self.native.count_documents(find.filter, session=self.session(call), **options)
        except OperationFailure as error:
            meant = await meaning(self, error, find.hint, text="$text" in find.filter)
            if meant is None:
                raise
            raise meant from error

    async def estimated_count(self, call: Call) -> int:
        """How many documents there are, as the collection's metadata says."""
        with self.within(call):
            return await self.native.estimated_document_count()

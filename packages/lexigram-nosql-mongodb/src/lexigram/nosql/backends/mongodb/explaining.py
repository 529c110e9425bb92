"""What the server says of its own plan, in the portable plan's words.

Source: MongoDB manual, "Explain Results". Both of the server's forms are read: the classic tree of stages, and that of
the slot-based engine, which keeps the tree under ``queryPlan``.
"""

# Documents are of any type, and what is narrowed from Any has parts that are unknown to the checker.
# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false, reportUnknownMemberType=false

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, Final

from bson.son import SON
from lexigram.nosql.backends.mongodb.codecs import CODEC_OPTIONS
from lexigram.nosql.backends.mongodb.compiling import NativeFind
from lexigram.nosql.backends.mongodb.native_pipelines import NativeStages
from lexigram.nosql.backends.mongodb.projecting import native_projection
from lexigram.nosql.driver import Access, NativePipeline, NativeRead, ServerFacts

if TYPE_CHECKING:
    from lexigram.nosql.backends.mongodb.collection import MongoDBCollection

__all__ = ["ask", "ask_pipeline", "ask_read", "server_facts"]

_BY_ID: Final = frozenset({"IDHACK", "EXPRESS_IXSCAN", "EXPRESS_CLUSTERED_IXSCAN", "CLUSTERED_IXSCAN"})
_BY_INDEX: Final = frozenset(
    {"IXSCAN", "COUNT_SCAN", "DISTINCT_SCAN", "TEXT_MATCH", "TEXT", "GEO_NEAR_2DSPHERE", "EXPRESS_IXSCAN"}
)
_SCAN: Final = frozenset({"COLLSCAN"})


async def ask_read(collection: MongoDBCollection, read: NativeRead, ran: bool, session: Any) -> ServerFacts | None:
    """Let the server explain a read.

    Args:
        collection: The collection.
        read: The read.
        ran: Run it once more, to count what is looked at.
        session: The SDK's session, or None.
    """
    native: NativeFind = read.compiled.native
    command: dict[str, Any] = {"find": collection.name, "filter": native.filter}
    if native.sort is not None:
        command["sort"] = SON(native.sort)
    if read.projection is not None and (spec := native_projection(read.projection)[0]) is not None:
        command["projection"] = spec
    if native.collation is not None:
        command["collation"] = native.collation
    if native.hint is not None:
        command["hint"] = native.hint if isinstance(native.hint, str) else SON(native.hint)
    if read.skip:
        command["skip"] = read.skip
    if read.limit:
        command["limit"] = read.limit
    return await ask(collection, command, ran, session)


async def ask_pipeline(
    collection: MongoDBCollection, pipeline: NativePipeline, ran: bool, session: Any
) -> ServerFacts | None:
    """Let the server explain a pipeline.

    Args:
        collection: The collection.
        pipeline: The pipeline.
        ran: Run it once more, to count what is looked at.
        session: The SDK's session, or None.
    """
    native: NativeStages = pipeline.native
    options = dict(native.options)
    if isinstance(options.get("hint"), list):
        options["hint"] = SON(options["hint"])
    command = {"aggregate": collection.name, "pipeline": native.stages, "cursor": {}, **options}
    return await ask(collection, command, ran, session)


async def ask(collection: MongoDBCollection, command: Mapping[str, Any], ran: bool, session: Any) -> ServerFacts | None:
    """Let the server explain a command.

    Args:
        collection: The collection.
        command: The command, such as ``find`` or ``aggregate``.
        ran: Run it, to count what is looked at.
        session: The SDK's session, or None.
    """
    reply = await collection.driver.database.command(
        {"explain": command, "verbosity": "executionStats" if ran else "queryPlanner"},
        codec_options=CODEC_OPTIONS,
        session=session,
    )
    return server_facts(reply)


def server_facts(reply: Mapping[str, Any]) -> ServerFacts:
    """Read what the server answered.

    Args:
        reply: The answer to ``explain``.

    Returns:
        Access path, counts where it ran, and the winning plan in short.
    """
    planner, statistics = _parts(reply)
    winner = planner.get("winningPlan") or {}
    stages = list(_stages(winner.get("queryPlan", winner)))
    details: dict[str, Any] = {"stages": [stage["stage"] for stage in stages]}
    if planner.get("indexFilterSet"):
        details["index_filter"] = True
    return ServerFacts(
        access=_access(stages),
        documents_examined=statistics.get("totalDocsExamined"),
        keys_examined=statistics.get("totalKeysExamined"),
        details=details,
    )


def _parts(reply: Mapping[str, Any]) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
    """The planner's part and the counts, wherever they stand: alone, under a pipeline's first stage, or by shard."""
    for stage in reply.get("stages") or ():
        cursor = stage.get("$cursor")
        if cursor is not None:
            return cursor.get("queryPlanner") or {}, cursor.get("executionStats") or {}
    shards = reply.get("shards")
    if isinstance(shards, Mapping) and shards:
        return _parts(next(iter(shards.values())))
    return reply.get("queryPlanner") or {}, reply.get("executionStats") or {}


def _stages(plan: Any) -> Iterator[Mapping[str, Any]]:
    """The stages of a plan, the outermost first."""
    if not isinstance(plan, Mapping):
        return
    if "stage" in plan:
        yield plan
    for name in ("inputStage", "thenStage", "elseStage", "outerStage", "innerStage"):
        yield from _stages(plan.get(name))
    for below in plan.get("inputStages") or ():
        yield from _stages(below)
    for shard in plan.get("shards") or ():
        yield from _stages(shard.get("winningPlan"))


def _access(stages: list[Mapping[str, Any]]) -> Access | None:
    """The worst of the ways in which documents are reached: one branch that scans reads everything."""
    if any(stage["stage"] in _SCAN for stage in stages):
        return Access("scan")
    for stage in stages:
        name = stage["stage"]
        index = stage.get("indexName")
        if name in _BY_ID and index in (None, "_id_"):
            return Access("key", "_id_", ("_id",))
        if name in _BY_INDEX or index is not None:
            keys = tuple(stage.get("keyPattern") or ())
            return Access("key" if index == "_id_" else "index", index, keys)
    return None

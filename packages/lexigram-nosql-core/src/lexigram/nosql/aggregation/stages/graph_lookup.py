"""``$graphLookup`` (manual, "$graphLookup"): follows references from document to document.

The search goes breadth first, for all documents of a batch together: one query per step reads what no step before has
read, and what a value leads to is kept for the whole run.
"""

# Specifications are of any type, and what is narrowed from Any has parts that are unknown to the checker.
# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false, reportUnknownMemberType=false

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping, Sequence
from typing import Any

from lexigram.nosql.aggregation.expressions.compiled import Compiled
from lexigram.nosql.aggregation.expressions.errors import FAILED_TO_PARSE, fault
from lexigram.nosql.aggregation.expressions.numbers import as_double, as_long, is_numeric
from lexigram.nosql.aggregation.stages.base import NOTHING, AsyncRunner, Batch, Document, Fields, Output, Run, Stage
from lexigram.nosql.aggregation.stages.fields import joined_values, setter, write_path
from lexigram.nosql.aggregation.stages.join import Foreign, Table
from lexigram.nosql.aggregation.stages.parsing import Env, check_collection, path_of, shown, whole_number
from lexigram.nosql.aggregation.stages.subrun import read_matching
from lexigram.nosql.query.parse import parse_filter
from lexigram.nosql.query.unparse import unparse
from lexigram.nosql.values.order import hash_key
from lexigram.nosql.values.path import MISSING
from typing_extensions import override

__all__ = ["GraphLookup", "parse_graph_lookup"]


class GraphLookup(Stage):
    """Adds an array of the documents that references lead to.

    Args:
        collection: The collection searched.
        target: Names of the path that takes the array.
        start: Gives the values to begin with.
        connect_from: Names of the path whose values lead on.
        foreign: The field that values lead to.
        max_depth: Steps after the first; None for no limit.
        depth: Names of the path that takes the number of steps, or None.
        restrict: A filter that documents must match to be found, or None.
    """

    name = "$graphLookup"
    output = Output.NEW
    one_to_one = True

    def __init__(
        self,
        collection: str,
        target: Sequence[str],
        start: Compiled,
        connect_from: Sequence[str],
        foreign: Foreign,
        max_depth: int | None,
        depth: Sequence[str] | None,
        restrict: Mapping[str, Any] | None,
    ) -> None:
        self.collection = collection
        self.target = tuple(target)
        self.start = start
        self.connect_from = tuple(connect_from)
        self.foreign = foreign
        self.max_depth = max_depth
        self.depth = None if depth is None else tuple(depth)
        self.restrict = restrict
        nested = len(target) > 1
        reads = start.fields_needed
        if nested and reads is not None:
            reads |= {target[0]}
        self.fields = Fields(reads, NOTHING if nested else frozenset({target[0]}))
        self.collections = frozenset({collection})
        self.variables_needed = start.variables_needed
        self.volatile = start.volatile

    @override
    def leaves(self, names: frozenset[str]) -> bool:
        return self.target[0] not in names

    @override
    def open(self, run: Run) -> AsyncRunner:
        return _Searching(self, run)

    @override
    def describe(self) -> str:
        return f"$graphLookup {self.collection} as {'.'.join(self.target)}"


class _Search:
    """The search for one document."""

    __slots__ = ("found", "frontier")

    def __init__(self, frontier: dict[Any, Any]) -> None:
        self.frontier = frontier
        self.found: dict[Any, Document] = {}


class _Searching(AsyncRunner):
    __slots__ = ("_meter", "_put", "_run", "_stage", "_table")

    def __init__(self, stage: GraphLookup, run: Run) -> None:
        super().__init__()
        self._stage = stage
        self._run = run
        self._put = setter(stage.target)
        self._table = Table(stage.foreign)
        self._meter = run.meter("$graphLookup")

    @override
    async def push(self, batch: Batch) -> AsyncGenerator[Batch, None]:
        stage = self._stage
        starts = stage.start.evaluate_many(batch, self._run.variables)
        searches = [_Search(self._frontier(value if type(value) is list else [value])) for value in starts]
        active = searches
        depth = 0
        while active and (stage.max_depth is None or depth <= stage.max_depth):
            await self._fetch(active)
            active = [search for search in active if self._step(search, depth)]
            depth += 1
            if self._run.tired(len(active)):
                await self._run.pause()
        put = self._put
        yield [put(document, list(search.found.values())) for document, search in zip(batch, searches, strict=True)]

    @override
    async def finish(self) -> AsyncGenerator[Batch, None]:
        return
        yield []

    def _frontier(self, values: Sequence[Any]) -> dict[Any, Any]:
        identity = self._stage.foreign.identity
        return {identity(value): value for value in values if value is not MISSING}

    async def _fetch(self, searches: Sequence[_Search]) -> None:
        """Read what the frontiers lead to and is not at hand."""
        table, foreign = self._table, self._stage.foreign
        known = table.known
        wanted = {key: value for each in searches for key, value in each.frontier.items() if key not in known}
        if not wanted:
            return
        # Null leads to documents that hold null, never to those that lack the field.
        exists = {foreign.path: {"$exists": True}} if foreign.null in wanted else None
        conditions = [each for each in (self._stage.restrict, exists) if each]
        also = {"$and": conditions} if conditions else None
        documents = await read_matching(self._stage.collection, foreign.query(list(wanted.values()), also), self._run)
        for document in documents:
            if "_id" not in document:
                raise fault(40271, f"documents of {self._stage.collection!r} must have an _id for $graphLookup")
        self._meter.documents(documents)
        table.add(set(wanted), documents)

    def _step(self, search: _Search, depth: int) -> bool:
        """Go one step; True if it found something new."""
        stage = self._stage
        frontier: list[Any] = []
        new = False
        for document in self._table.find_any(list(search.frontier)):
            key = hash_key(document["_id"])
            if key in search.found:
                continue
            new = True
            search.found[key] = document if stage.depth is None else write_path(document, stage.depth, as_long(depth))
            frontier += joined_values(document, stage.connect_from)
        search.frontier = self._frontier(frontier)
        return new


def parse_graph_lookup(specification: Any, env: Env) -> Sequence[Stage]:
    """Compile ``$graphLookup``.

    Args:
        specification: ``from``, ``startWith``, ``connectFromField``, ``connectToField``, ``as``, ``maxDepth``,
            ``depthField``, ``restrictSearchWithMatch``.
        env: Where it stands.

    Returns:
        The stage.

    Raises:
        PipelineError: It is not a document or has no ``from`` (9), an option is unknown (40104), missing (40105) or has
            the wrong type (40100 to 40103, 40185), or an expression or path is not valid.
        NoSQLFilterError: ``restrictSearchWithMatch`` is not a valid filter.
    """
    if not isinstance(specification, Mapping):
        raise fault(FAILED_TO_PARSE, f"$graphLookup takes a document of options, not {shown(specification)}")
    if "from" not in specification:
        raise fault(FAILED_TO_PARSE, "$graphLookup needs 'from'")
    if not isinstance(specification["from"], str):
        raise fault(FAILED_TO_PARSE, f"'from' of $graphLookup must be a string, not {shown(specification['from'])}")
    texts: dict[str, str] = {}
    start: Compiled | None = None
    max_depth: int | None = None
    restrict: Mapping[str, Any] | None = None
    for name, value in specification.items():
        if name == "startWith":
            start = env.expression(value)
        elif name == "maxDepth":
            max_depth = _max_depth(value)
        elif name == "restrictSearchWithMatch":
            if not isinstance(value, Mapping):
                raise fault(40185, f"restrictSearchWithMatch of $graphLookup must be a document, not {shown(value)}")
            # Written anew, so that what the caller does to his own does not reach a stage that is kept.
            restrict = unparse(parse_filter(value, collation=env.collation).root)
        elif name in {"from", "as", "connectFromField", "connectToField", "depthField"}:
            if not isinstance(value, str):
                raise fault(40103, f"{name!r} of $graphLookup must be a string, not {shown(value)}")
            texts[name] = str(value)
        else:
            raise fault(40104, f"$graphLookup has no option {str(name)[:64]!r}")
    needed = ("from", "as", "connectFromField", "connectToField")
    if start is None or not all(name in texts for name in needed):
        raise fault(40105, f"$graphLookup needs 'startWith', {', '.join(map(repr, needed))}")
    path_of(texts["connectToField"])
    return [
        GraphLookup(
            check_collection(texts["from"], "$graphLookup"),
            path_of(texts["as"]),
            start,
            path_of(texts["connectFromField"]),
            Foreign(texts["connectToField"], env.collation),
            max_depth,
            path_of(texts["depthField"]) if "depthField" in texts else None,
            restrict,
        )
    ]


def _max_depth(value: Any) -> int:
    if not is_numeric(value):
        raise fault(40100, f"maxDepth of $graphLookup must be a number, not {shown(value)}")
    if as_double(value) < 0:
        raise fault(40101, f"maxDepth of $graphLookup may not be negative: {value}")
    depth = whole_number(value)
    if depth is None:
        raise fault(40102, f"maxDepth of $graphLookup must be a whole number, not {value}")
    return depth

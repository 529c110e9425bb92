"""How pipelines run: in batches, no further than needed, within limits, without sharing what is not theirs.

One file, since the tests share the source that counts what is read.
"""

from __future__ import annotations

import asyncio
import copy
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing
from datetime import UTC, datetime
from typing import Any

import pytest
from bson import Decimal128
from lexigram.nosql.aggregation import LocalContext, Pipeline, RunContext, parse_pipeline
from lexigram.nosql.aggregation.run import run
from lexigram.nosql.aggregation.stages.base import Owned
from lexigram.nosql.exceptions import MemoryLimitError, PipelineError

Aggregate = Callable[..., Any]
Document = dict[str, Any]


class Source:
    """A source that notes how far it was read and whether it was closed."""

    def __init__(self, count: int, size: int = 10) -> None:
        self.count = count
        self.size = size
        self.given = 0
        self.closed = False

    async def read(self) -> AsyncIterator[list[Document]]:
        """Batches of documents."""
        try:
            while self.given < self.count:
                start = self.given
                self.given += self.size
                yield [{"_id": n, "a": n % 7} for n in range(start, min(self.given, self.count))]
        finally:
            self.closed = True


async def test_batches_stream_through_stages_that_do_not_wait() -> None:
    """The first output comes after the first input."""
    source = Source(100)
    async with aclosing(
        run(parse_pipeline([{"$match": {"a": {"$lt": 6}}}, {"$set": {"b": 1}}]), source.read(), LocalContext())
    ) as out:
        first = await anext(out)
    assert source.given == 10
    assert source.closed
    assert len(first) == 9


@pytest.mark.parametrize(
    ("stages", "given"),
    [
        ([{"$limit": 5}], 10),
        ([{"$limit": 10}], 10),
        ([{"$limit": 11}], 20),
        ([{"$skip": 15}, {"$limit": 5}], 20),
        ([{"$set": {"b": 1}}, {"$match": {"b": 1}}, {"$limit": 3}], 10),
        ([{"$unwind": "$a"}, {"$limit": 3}, {"$group": {"_id": None, "n": {"$sum": 1}}}], 10),
        ([{"$match": {"a": 1}}, {"$limit": 2}, {"$sort": {"_id": -1}}], 10),
        ([{"$limit": 25}, {"$lookup": {"from": "f", "localField": "a", "foreignField": "a", "as": "x"}}], 30),
        ([{"$lookup": {"from": "f", "pipeline": [], "as": "x"}}, {"$limit": 5}], 10),
        (
            [
                {"$lookup": {"from": "f", "pipeline": [], "as": "x"}},
                {"$unwind": {"path": "$x", "preserveNullAndEmptyArrays": True}},
                {"$limit": 5},
            ],
            10,
        ),
        ([{"$documents": [{"a": 1}]}], 0),
    ],
)
async def test_a_limit_stops_the_source(surroundings: Any, stages: Any, given: int) -> None:
    """No batch is read that cannot matter, and the source is closed."""
    source = Source(1000)
    async for _ in run(parse_pipeline(stages), source.read(), surroundings({"f": []})):
        pass
    assert source.given == given
    assert source.closed or not given


async def test_a_limit_of_nothing_reads_nothing() -> None:
    """As comes of a skip beyond the limit."""
    source = Source(1000)
    pipeline = parse_pipeline([{"$limit": 5}, {"$skip": 5}, {"$sort": {"a": 1}}, {"$limit": 3}])
    assert pipeline.leading.limit is None
    assert [batch async for batch in run(pipeline, source.read(), LocalContext())] == []
    assert source.given <= 10
    source = Source(1000)
    pipeline = parse_pipeline([{"$sort": {"a": 1}}, {"$limit": 5}, {"$skip": 9}])
    assert [batch async for batch in run(pipeline, source.read(), LocalContext())] == []
    assert source.given == 0


@pytest.mark.parametrize(
    "stages",
    [
        [{"$set": {"b": 1}}],
        [{"$unwind": "$a"}],
        [{"$lookup": {"from": "f", "localField": "a", "foreignField": "a", "as": "x"}}],
        [
            {
                "$lookup": {
                    "from": "f",
                    "let": {"a": "$a"},
                    "pipeline": [{"$match": {"$expr": {"$gt": ["$_id", "$$a"]}}}],
                    "as": "x",
                }
            }
        ],
        [{"$graphLookup": {"from": "f", "startWith": "$a", "connectFromField": "a", "connectToField": "a", "as": "x"}}],
        [{"$unionWith": "f"}, {"$set": {"b": 1}}],
        [{"$match": {"_id": {"$lt": 0}}}, {"$unionWith": "f"}],
    ],
)
async def test_closing_a_run_closes_what_it_reads(surroundings: Any, stages: Any) -> None:
    """After the first batch, the source and the other collections."""
    around = surroundings({"f": [{"_id": n, "a": n} for n in range(50)]}, batch=5)
    source = Source(100)
    async with aclosing(run(parse_pipeline(stages), source.read(), around)) as out:
        await anext(out)
    assert source.closed
    assert around.open_reads == 0


@pytest.mark.parametrize(
    "stages",
    [
        [{"$set": {"b": {"$divide": [1, {"$subtract": ["$_id", 25]}]}}}],
        [{"$group": {"_id": {"$divide": [1, {"$subtract": ["$_id", 25]}]}}}],
        [{"$lookup": {"from": "f", "pipeline": [{"$set": {"b": {"$divide": ["$_id", 0]}}}], "as": "x"}}],
        [{"$unionWith": {"coll": "f", "pipeline": [{"$set": {"b": {"$divide": ["$_id", 0]}}}]}}],
    ],
)
async def test_an_error_closes_what_is_read(surroundings: Any, stages: Any) -> None:
    """And reaches the caller."""
    around = surroundings({"f": [{"_id": n} for n in range(50)]}, batch=5)
    source = Source(100)
    with pytest.raises(PipelineError):
        async for _ in run(parse_pipeline(stages), source.read(), around):
            pass
    assert source.closed
    assert around.open_reads == 0


async def test_an_error_of_the_source_reaches_the_caller() -> None:
    """As it is."""

    async def broken() -> AsyncIterator[list[Document]]:
        yield [{"_id": 1}]
        raise OSError("gone")

    with pytest.raises(OSError, match="gone"):
        async for _ in run(parse_pipeline([{"$sort": {"_id": 1}}]), broken(), LocalContext()):
            pass


async def test_a_source_need_not_be_a_generator() -> None:
    """Any iterator of batches will do, with a close or without."""

    class Plain:
        def __init__(self) -> None:
            self.left = 3

        def __aiter__(self) -> Plain:
            return self

        async def __anext__(self) -> list[Document]:
            self.left -= 1
            if self.left < 0:
                raise StopAsyncIteration
            return [{"_id": self.left}] if self.left != 1 else []

    class Closing(Plain):
        closed = False

        async def aclose(self) -> None:
            self.closed = True

    assert [batch async for batch in run(parse_pipeline([]), Plain(), LocalContext())] == [[{"_id": 2}], [{"_id": 0}]]
    source = Closing()
    assert [batch async for batch in run(parse_pipeline([{"$limit": 1}]), source, LocalContext())] == [[{"_id": 2}]]
    assert source.closed


class _Others:
    """Another task, that counts its turns."""

    def __init__(self) -> None:
        self.turns = 0

    async def work(self) -> None:
        while True:
            self.turns += 1
            await asyncio.sleep(0)


@pytest.mark.parametrize(
    "stages",
    [
        [{"$match": {"a": 1}}],
        [{"$group": {"_id": "$a", "n": {"$sum": 1}}}],
        [{"$sort": {"a": 1}}],
        [{"$lookup": {"from": "f", "localField": "a", "foreignField": "_id", "as": "x"}}],
        [
            {"$limit": 1000},
            {
                "$lookup": {
                    "from": "f",
                    "let": {"a": "$a"},
                    "pipeline": [{"$match": {"$expr": {"$lte": ["$_id", "$$a"]}}}],
                    "as": "x",
                }
            },
        ],
        [{"$limit": 1}, {"$lookup": {"from": "big", "localField": "a", "foreignField": "g", "as": "x"}}],
        [{"$limit": 1}, {"$unionWith": {"coll": "big", "pipeline": [{"$set": {"h": 1}}, {"$match": {"h": 2}}]}}],
        [{"$merge": {"into": "o", "whenNotMatched": "discard"}}],
    ],
)
async def test_other_tasks_have_their_turn(surroundings: Any, stages: Any) -> None:
    """Although neither the source nor the collections ever wait."""
    around = surroundings({"f": [{"_id": n} for n in range(40)], "big": [{"_id": n, "g": 0} for n in range(20_000)]})
    others = _Others()
    task = asyncio.create_task(others.work())
    async for _ in run(parse_pipeline(stages), Source(20_000, 500).read(), around):
        pass
    task.cancel()
    assert others.turns >= 3


async def test_a_run_can_be_cancelled_in_the_middle() -> None:
    """The source is closed, also where it never waits itself."""
    source = Source(10_000_000, 1000)

    async def work() -> None:
        async for _ in run(
            parse_pipeline([{"$group": {"_id": "$a", "n": {"$sum": 1}}}]), source.read(), LocalContext()
        ):
            pass

    task = asyncio.create_task(work())
    for _ in range(5):
        await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert source.closed
    assert 0 < source.given < 10_000_000


# Memory


@pytest.mark.parametrize(
    "stages",
    [
        [{"$sort": {"t": 1}}],
        [{"$sort": {"t": 1}}, {"$limit": 9000}],
        [{"$group": {"_id": "$_id"}}],
        [{"$group": {"_id": None, "all": {"$push": "$t"}}}],
        [{"$group": {"_id": None, "set": {"$addToSet": "$u"}}}],
        [{"$group": {"_id": None, "all": {"$push": "$$ROOT"}}}],
        [{"$group": {"_id": None, "x": {"$topN": {"n": 100_000, "sortBy": {"t": 1}, "output": "$t"}}}}],
        [{"$bucketAuto": {"groupBy": "$_id", "buckets": 3}}],
        [{"$sample": {"size": 9000}}],
        [{"$facet": {"x": [{"$match": {"_id": {"$gte": 0}}}]}}],
        [{"$facet": {"x": [{"$lookup": {"from": "f", "pipeline": [], "as": "l"}}]}}],
        [{"$setWindowFields": {"output": {"n": {"$sum": 1}}}}],
        [{"$densify": {"field": "_id", "range": {"step": 1, "bounds": "full"}}}],
        [{"$out": "o"}],
    ],
)
@pytest.mark.parametrize("batch", [100, 10_000])
async def test_blocking_stages_hold_no_more_than_they_may(
    aggregate: Aggregate, surroundings: Any, stages: Any, batch: int
) -> None:
    """MongoDB's code, and what can be done instead of ``allowDiskUse``."""
    documents = [{"_id": n, "t": f"{n:06}" + "x" * 200, "u": f"{n}" + "x" * 200} for n in range(10_000)]
    context = surroundings({"f": []}, batch=batch, memory_limit_bytes=400_000)
    with pytest.raises(MemoryLimitError) as caught:
        await aggregate(documents, stages, context=context)
    assert caught.value.mongo_code == 292
    assert "allowDiskUse" in str(caught.value.hint)
    await aggregate(documents, stages, context=surroundings({"f": []}, batch=batch))


@pytest.mark.parametrize(
    "stages",
    [
        [{"$sort": {"t": 1}}, {"$limit": 10}],
        [{"$group": {"_id": "$g", "n": {"$sum": 1}, "f": {"$first": "$t"}, "m": {"$max": "$t"}}}],
        [{"$group": {"_id": "$g", "s": {"$addToSet": "$g"}}}],
        [{"$group": {"_id": None, "x": {"$firstN": {"n": 3, "input": "$t"}}}}],
        [{"$facet": {"n": [{"$count": "n"}], "first": [{"$limit": 3}]}}],
        [{"$sample": {"size": 5}}],
        [{"$match": {"g": 1}}, {"$project": {"g": 1}}],
    ],
)
async def test_what_is_not_held_does_not_count(aggregate: Aggregate, surroundings: Any, stages: Any) -> None:
    """Groups and the first of many take little room, however much goes through."""
    documents = [{"_id": n, "g": n % 5, "t": "x" * 300} for n in range(20_000)]
    assert await aggregate(documents, stages, context=surroundings(batch=500, memory_limit_bytes=3_000_000))


async def test_no_limit_is_a_limit_of_zero(aggregate: Aggregate, surroundings: Any) -> None:
    """Then nothing is measured."""
    documents = [{"_id": n, "t": "x" * 100} for n in range(2000)]
    stages = [{"$sort": {"_id": -1}}, {"$group": {"_id": "$t", "n": {"$push": "$_id"}}}]
    made = await aggregate(documents, stages, context=surroundings(memory_limit_bytes=0))
    assert len(made[0]["n"]) == 2000


# What leaves belongs to the caller


def _containers(value: Any) -> list[Any]:
    if isinstance(value, dict):
        return [value, *(part for item in value.values() for part in _containers(item))]
    if isinstance(value, list):
        return [value, *(part for item in value for part in _containers(item))]
    return []


ALIASES: list[list[Any]] = [
    [],
    [{"$match": {"g": 1}}],
    [{"$project": {"d": 1, "e": "$d", "f": ["$d", "$d"]}}],
    [{"$project": {"d.x": 1}}],
    [{"$project": {"g": 0}}],
    [{"$set": {"e": "$d", "c": {"$literal": {"k": [1]}}}}],
    [{"$set": {"d.y": "$l"}}],
    [{"$unset": "d.x"}],
    [{"$unwind": "$l"}],
    [{"$unwind": {"path": "$l", "includeArrayIndex": "i"}}],
    [{"$replaceWith": "$d"}],
    [{"$replaceWith": {"$literal": {"k": [1]}}}],
    [{"$group": {"_id": "$d", "a": {"$push": "$$ROOT"}, "b": {"$first": "$d"}, "c": {"$addToSet": "$l"}}}],
    [{"$group": {"_id": {"$literal": {"k": [1]}}, "a": {"$push": {"$literal": [1]}}}}],
    [{"$bucketAuto": {"groupBy": "$d", "buckets": 2, "output": {"a": {"$push": "$$ROOT"}}}}],
    [{"$bucket": {"groupBy": "$g", "boundaries": [0, 5], "output": {"a": {"$push": "$d"}}}}],
    [{"$sort": {"g": 1}}, {"$limit": 2}],
    [{"$sample": {"size": 2}}],
    [{"$lookup": {"from": "f", "localField": "g", "foreignField": "g", "as": "x"}}],
    [{"$lookup": {"from": "f", "pipeline": [], "as": "x"}}],
    [
        {
            "$lookup": {
                "from": "f",
                "let": {"g": "$g"},
                "pipeline": [{"$match": {"$expr": {"$eq": ["$g", "$$g"]}}}],
                "as": "x",
            }
        }
    ],
    [{"$graphLookup": {"from": "f", "startWith": "$g", "connectFromField": "g", "connectToField": "g", "as": "x"}}],
    [{"$unionWith": "f"}],
    [{"$project": {"g": 1}}, {"$unionWith": {"coll": "f", "pipeline": [{"$project": {"d": 1}}]}}],
    [{"$facet": {"x": [], "y": [{"$limit": 1}], "z": [{"$group": {"_id": "$d"}}]}}],
    [{"$redact": "$$DESCEND"}],
    [{"$redact": "$$KEEP"}],
    [{"$setWindowFields": {"output": {"a": {"$push": "$d"}, "b": {"$first": "$l"}}}}],
    [{"$setWindowFields": {"output": {"d.w": {"$first": "$l"}}}}],
    [{"$densify": {"field": "_id", "partitionByFields": ["d"], "range": {"step": 1, "bounds": [0, 4]}}}],
    [{"$fill": {"sortBy": {"_id": 1}, "output": {"d": {"method": "locf"}, "q": {"value": {"$literal": [1]}}}}}],
    [{"$documents": {"$literal": [{"k": [1]}, {"k": [1]}]}}],
    [{"$set": {"v": "$$given"}}],
]


@pytest.mark.parametrize("stages", ALIASES, ids=str)
@pytest.mark.parametrize("shares", [True, False])
async def test_nothing_that_leaves_is_shared(surroundings: Any, stages: Any, shares: bool) -> None:
    """Not with stored documents, not with the pipeline's constants, and no two parts of the output with each other."""
    shared = {"x": [1, {"y": 2}]}
    given = {"k": [1]}

    def documents() -> list[Document]:
        return [{"_id": n, "g": 1, "d": copy.deepcopy(shared), "l": [[1], [2]]} for n in range(3)]

    stored, foreign = documents(), documents()
    # Where documents are not shared they belong to the run, which may give them away, but never twice.
    around = surroundings({"f": foreign}, batch=2, shares_documents=shares)
    before = copy.deepcopy(stages)
    pipeline = parse_pipeline(stages, let={"given": {"$literal": given}})
    for _ in range(2):
        source = stored if shares else documents()
        around.collections["f"] = foreign if shares else documents()
        result = [document async for batch in run(pipeline, around.source(source), around) for document in batch]
        parts = _containers(result)
        assert len(set(map(id, parts))) == len(parts)
        if shares:
            theirs = set(map(id, _containers([stored, foreign, stages, given])))
            assert theirs.isdisjoint(map(id, parts))
        for part in parts:  # a caller may do anything with what it got
            part.clear()
        assert stages == before
        assert given == {"k": [1]}
    assert stored == foreign == documents()


def test_only_what_is_not_the_runs_is_copied() -> None:
    """What stages have made anew need not be copied once more."""
    assert parse_pipeline([{"$match": {"a": 1}}]).owned(shares_documents=True) is Owned.NOTHING
    assert parse_pipeline([{"$match": {"a": 1}}]).owned(shares_documents=False) is Owned.ALL
    assert parse_pipeline([{"$set": {"b": 1}}, {"$sort": {"a": 1}}]).owned(shares_documents=True) is Owned.TOP
    assert parse_pipeline([{"$set": {"b": 1}}, {"$replaceWith": "$a"}]).owned(shares_documents=True) is Owned.NOTHING


# What a pipeline says about itself


def test_the_leading_stages_are_a_read() -> None:
    """Filter, sort, skip and limit, in the order in which a read does them."""
    stages = [{"$match": {"a": 1}}, {"$sort": {"b": -1}}, {"$skip": 2}, {"$limit": 5}, {"$project": {"c": 1}}]
    pipeline = parse_pipeline(stages)
    leading = pipeline.leading
    assert leading.query.matches({"a": 1})
    assert leading.sort is not None
    assert leading.sort.fields == (("b", -1),)
    assert (leading.skip, leading.limit) == (2, 5)
    assert leading.fields == {"_id", "c"}
    assert pipeline.leading_match is leading.query
    assert [stage.name for stage in pipeline.rest.plan] == ["$project"]
    assert pipeline.fields_needed == {"_id", "a", "b", "c"}
    assert pipeline.to_list() == stages


@pytest.mark.parametrize(
    ("stages", "skip", "limit", "rest"),
    [
        ([], 0, 0, []),
        ([{"$limit": 5}, {"$skip": 2}], 2, 3, []),
        ([{"$limit": 5}, {"$skip": 5}], 5, None, []),
        ([{"$skip": 2}, {"$skip": 3}, {"$limit": 9}, {"$limit": 4}], 5, 4, []),
        ([{"$sort": {"a": 1}}, {"$limit": 4}, {"$skip": 1}], 1, 3, []),
        ([{"$limit": 5}, {"$match": {"a": 1}}], 0, 5, ["$match"]),
        ([{"$limit": 5}, {"$sort": {"a": 1}}], 0, 5, ["$sort"]),
        ([{"$unwind": "$a"}, {"$limit": 5}], 0, 0, ["$unwind", "$limit"]),
        ([{"$set": {"b": 1}}, {"$limit": 5}], 0, 5, ["$set"]),
        ([{"$match": {"$expr": {"$eq": ["$a", "$$NOW"]}}}], 0, 0, ["$match"]),
    ],
)
async def test_a_run_may_begin_behind_the_leading_stages(
    aggregate: Aggregate, surroundings: Any, stages: Any, skip: int, limit: int | None, rest: list[str]
) -> None:
    """A read and the rest give together what the pipeline gives alone."""
    pipeline = parse_pipeline(stages)
    assert (pipeline.leading.skip, pipeline.leading.limit) == (skip, limit)
    assert [stage.name for stage in pipeline.rest.plan] == rest
    documents = [{"_id": n, "a": (n * 7) % 5} for n in range(20)]
    around = surroundings({"self": documents}, batch=3)
    source = around.find("self", pipeline.leading) if limit is not None else around.source([])
    made = [each async for batch in run(pipeline, source, around, from_leading=True) for each in batch]
    assert made == await aggregate(documents, stages)
    assert made == await aggregate(documents, stages, optimise=False)


@pytest.mark.parametrize(
    ("stages", "fields"),
    [
        ([], None),
        ([{"$match": {"a.b": 1}}], None),
        ([{"$project": {"a": 1}}], {"_id", "a"}),
        ([{"$project": {"a": 1, "_id": 0}}], {"a"}),
        ([{"$project": {"x": {"$add": ["$a.b", "$c"]}}}], {"_id", "a", "c"}),
        ([{"$project": {"x": "$$ROOT"}}], None),
        ([{"$project": {"a": 0}}], None),
        ([{"$set": {"x": "$a"}}, {"$project": {"x": 1}}], {"_id", "a"}),
        ([{"$set": {"x": "$a"}}], None),
        ([{"$set": {"x.y": "$a"}}, {"$project": {"x": 1}}], {"_id", "a", "x"}),
        ([{"$unwind": "$l"}, {"$group": {"_id": "$l.k", "n": {"$sum": "$v"}}}], {"l", "v"}),
        ([{"$match": {"a": 1}}, {"$sort": {"b.c": 1}}, {"$count": "n"}], {"a", "b"}),
        ([{"$count": "n"}], set()),
        (
            [{"$lookup": {"from": "f", "localField": "a", "foreignField": "b", "as": "x"}}, {"$project": {"x": 1}}],
            {"_id", "a"},
        ),
        (
            [{"$lookup": {"from": "f", "let": {"v": "$q"}, "pipeline": [], "as": "x.y"}}, {"$project": {"x": 1}}],
            {"_id", "q", "x"},
        ),
        ([{"$replaceWith": "$a"}], {"a"}),
        ([{"$facet": {"x": [{"$count": "n"}], "y": [{"$group": {"_id": "$a"}}]}}], {"a"}),
        ([{"$facet": {"x": [{"$limit": 1}]}}], None),
        ([{"$bucketAuto": {"groupBy": "$a", "buckets": 2, "output": {"m": {"$max": "$b"}}}}], {"a", "b"}),
        (
            [
                {"$setWindowFields": {"partitionBy": "$p", "sortBy": {"s": 1}, "output": {"x": {"$sum": "$v"}}}},
                {"$project": {"x": 1}},
            ],
            {"_id", "p", "s", "v"},
        ),
        ([{"$sortByCount": "$a"}], {"a"}),
        ([{"$unset": "a"}, {"$group": {"_id": "$b"}}], {"b"}),
        ([{"$redact": "$$KEEP"}], None),
        ([{"$documents": []}], set()),
        ([{"$match": {"$jsonSchema": {}}}, {"$count": "n"}], None),
    ],
)
def test_the_fields_that_a_pipeline_needs(stages: Any, fields: set[str] | None) -> None:
    """Top-level names; None for whole documents."""
    assert parse_pipeline(stages, optimise=False).fields_needed == fields


async def test_documents_without_the_fields_that_are_not_needed_give_the_same(aggregate: Aggregate) -> None:
    """What a covered read leaves out does not matter."""
    documents = [{"_id": n, "a": n % 3, "b": [n], "c": {"d": n}, "e": "x"} for n in range(9)]
    for stages in (
        [{"$group": {"_id": "$a", "n": {"$sum": "$c.d"}}}],
        [{"$unwind": "$b"}, {"$project": {"b": 1, "x": "$c.d"}}],
        [{"$set": {"x": "$a"}}, {"$sort": {"x": -1}}, {"$project": {"x": 1}}],
        [{"$facet": {"x": [{"$sortByCount": "$a"}]}}],
    ):
        needed = parse_pipeline(stages).fields_needed
        assert needed is not None
        assert "e" not in needed
        cut = [{name: value for name, value in document.items() if name in needed} for document in documents]
        assert await aggregate(cut, stages) == await aggregate(documents, stages)


def test_what_a_pipeline_touches() -> None:
    """Other collections, the one it writes, whether it reads its own, and whether chance plays a part."""
    pipeline = parse_pipeline(
        [
            {"$lookup": {"from": "a", "pipeline": [{"$lookup": {"from": "b", "pipeline": [], "as": "x"}}], "as": "y"}},
            {
                "$facet": {
                    "f": [
                        {
                            "$graphLookup": {
                                "from": "d",
                                "startWith": 1,
                                "connectFromField": "x",
                                "connectToField": "x",
                                "as": "y",
                            }
                        }
                    ]
                }
            },
            {"$unionWith": {"coll": "c", "pipeline": [{"$unionWith": "e"}]}},
            {"$merge": "o"},
        ]
    )
    assert pipeline.collections_read == {"a", "b", "c", "d", "e"}
    assert pipeline.writes == "o"
    assert pipeline.reads_source
    assert not pipeline.volatile
    assert parse_pipeline([{"$out": "p"}]).writes == "p"
    assert parse_pipeline([]).writes is None
    assert not parse_pipeline([{"$documents": []}]).reads_source
    for stage in (
        {"$sample": {"size": 1}},
        {"$set": {"a": {"$rand": {}}}},
        {"$match": {"$sampleRate": 0.5}},
        {"$lookup": {"from": "a", "pipeline": [{"$sample": {"size": 1}}], "as": "x"}},
        {"$facet": {"x": [{"$sample": {"size": 1}}]}},
        {"$unionWith": {"coll": "a", "pipeline": [{"$sample": {"size": 1}}]}},
    ):
        assert parse_pipeline([stage]).volatile
    assert repr(pipeline) == "Pipeline($lookup, $facet, $unionWith, $merge)"


def test_the_plan_can_be_shown() -> None:
    """One line for each stage that runs."""
    stages: list[Any] = [
        {"$match": {"a": 1}},
        {"$match": {"$expr": {"$gt": ["$a", "$$NOW"]}}},
        {"$unwind": "$l"},
        {"$sort": {"a": 1, "b": -1}},
        {"$limit": 5},
        {"$skip": 1},
        {"$lookup": {"from": "f", "localField": "a", "foreignField": "b", "as": "x"}},
        {"$lookup": {"from": "f", "pipeline": [], "as": "x.y"}},
        {"$lookup": {"pipeline": [{"$documents": []}], "as": "z"}},
        {"$graphLookup": {"from": "f", "startWith": 1, "connectFromField": "x", "connectToField": "x", "as": "y"}},
        {"$set": {"a": 1}},
        {"$unionWith": "g"},
        {"$unionWith": {"pipeline": [{"$documents": []}]}},
        {"$sample": {"size": 3}},
        {"$redact": "$$KEEP"},
        {"$setWindowFields": {"output": {"a.b": {"$sum": 1}}}},
        {"$densify": {"field": "a.b", "range": {"step": 1, "bounds": "full"}}},
        {"$bucketAuto": {"groupBy": "$a", "buckets": 2}},
        {"$group": {"_id": "$a", "n": {"$sum": 1}}},
        {"$sortByCount": "$n"},
        {"$count": "n"},
        {"$facet": {"x": [], "y": []}},
        {"$merge": {"into": "o", "whenMatched": "replace"}},
    ]
    assert parse_pipeline(stages).describe() == (
        "$match a",
        "$match by expression",
        "$unwind $l",
        "$sort {a: 1, b: -1}, first 5",
        "$skip 1",
        "$lookup f as x, hash join",
        "$lookup f as x.y, pipeline",
        "$lookup $documents as z, pipeline",
        "$graphLookup f as y",
        "$set",
        "$unionWith g",
        "$unionWith $documents",
        "$sample 3",
        "$redact",
        "$setWindowFields a.b",
        "$sort {a.b: 1}",
        "$densify a.b",
        "$bucketAuto into 2",
        "$group into _id, n",
        "$sortByCount into _id, count",
        "$sort {count: -1}",
        "$count",
        "$facet x, y",
        "$merge into o on _id: replace, else insert",
    )
    assert parse_pipeline([{"$documents": []}, {"$out": "o"}]).describe() == ("$documents", "$out o")


# One document


def test_a_pipeline_can_be_applied_to_one_document() -> None:
    """As an update by pipeline does; the document that is given stays."""
    pipeline = parse_pipeline(
        [{"$set": {"b": {"$add": ["$a", "$$by"]}, "at": "$$NOW"}}, {"$unset": "a"}, {"$replaceWith": {"x": "$$ROOT"}}],
        let={"by": 5},
    )
    now = datetime(2020, 1, 1, tzinfo=UTC)
    document = {"_id": 1, "a": 1}
    made = pipeline.apply_to_document(document, {"NOW": now})
    assert made == {"x": {"_id": 1, "b": 6, "at": now}}
    assert document == {"_id": 1, "a": 1}
    assert isinstance(parse_pipeline([{"$set": {"at": "$$NOW"}}]).apply_to_document({})["at"], datetime)
    assert parse_pipeline([{"$addFields": {"a": "$$by"}}], let={"by": 1}).apply_to_document({}, {"by": 2}) == {"a": 2}


@pytest.mark.parametrize("stage", [{"$match": {"a": 1}}, {"$unwind": "$a"}, {"$limit": 1}, {"$group": {"_id": None}}])
def test_only_some_stages_make_one_document_of_one(stage: Any) -> None:
    """The others are refused with MongoDB's code."""
    with pytest.raises(PipelineError) as caught:
        parse_pipeline([{"$set": {"a": 1}}, stage]).apply_to_document({})
    assert caught.value.mongo_code == 72


# Surroundings


def test_local_surroundings_are_surroundings() -> None:
    """They have what a run asks for."""
    around = LocalContext(now=datetime(2020, 1, 1, tzinfo=UTC), memory_limit_bytes=5, shares_documents=False)
    assert isinstance(around, RunContext)
    assert (around.collection, around.memory_limit_bytes, around.shares_documents) == ("", 5, False)
    assert around.now.year == 2020
    assert LocalContext().now.tzinfo is UTC
    assert LocalContext().now.microsecond % 1000 == 0


def test_a_pipeline_can_be_run_again(aggregate: Aggregate) -> None:
    """It holds no state; parsing it again gives the stages that were compiled before."""
    stages = [{"$set": {"b": {"$add": ["$a", 1]}}}, {"$group": {"_id": "$b"}}]
    first, second = parse_pipeline(stages), parse_pipeline(stages)
    assert isinstance(first, Pipeline)
    assert first.plan == second.plan
    assert parse_pipeline([{"$set": {"b": {"$add": ["$a", 1.0]}}}]).plan[0] is not first.plan[0]
    assert parse_pipeline([{"$set": {"b": {"$add": ["$a", True]}}}], optimise=False).plan[0] is not first.plan[0]


async def test_a_compiled_stage_does_not_follow_changes_to_what_was_written(aggregate: Aggregate) -> None:
    """The caller may go on changing its own dicts."""
    group: dict[str, Any] = {"_id": None, "all": {"$push": {"$literal": [1]}}}
    assert await aggregate([{"_id": 1}], [{"$group": group}]) == [{"_id": None, "all": [[1]]}]
    group["all"]["$push"]["$literal"].append(2)
    assert await aggregate([{"_id": 1}], [{"$group": group}]) == [{"_id": None, "all": [[1, 2]]}]
    match: dict[str, Any] = {"a": {"$in": [1]}}
    pipeline = parse_pipeline(
        [
            {"$match": match},
            {
                "$graphLookup": {
                    "from": "f",
                    "startWith": 1,
                    "connectFromField": "x",
                    "connectToField": "_id",
                    "as": "y",
                    "restrictSearchWithMatch": match,
                }
            },
        ]
    )
    match["a"]["$in"].append(2)
    made = await aggregate([{"_id": 1, "a": 2}], pipeline.to_list(), f=[])
    assert len(made) in (0, 1)


def test_a_pipeline_with_values_that_have_no_hash_is_parsed_each_time() -> None:
    stages = [{"$match": {"a": Decimal128("2.5")}}]
    assert parse_pipeline(stages).stages == parse_pipeline(stages).stages


@pytest.mark.parametrize(
    "stages",
    [
        [{"$documents": [{"a": 0}]}, {"$densify": {"field": "a", "range": {"step": 1, "bounds": [0, 100_000]}}}],
        [{"$documents": [{"a": {"$range": [0, 100_000]}}]}, {"$unwind": "$a"}],
    ],
    ids=["densify", "unwind"],
)
async def test_others_have_turns_while_documents_are_multiplied_and_counted(
    aggregate: Aggregate, stages: list[dict[str, Any]]
) -> None:
    turns = 0
    done = False

    async def other() -> None:
        nonlocal turns
        while not done:
            turns += 1
            await asyncio.sleep(0)

    task = asyncio.create_task(other())
    counted = await aggregate([], [*stages, {"$count": "n"}])
    done = True
    await task
    assert counted[0]["n"] >= 100_000
    assert turns > 10

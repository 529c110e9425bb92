"""What pipelines give. The expected documents are MongoDB's."""

# ruff: noqa: S101 - these are tests

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from lexigram.nosql import AggregationPipeline
from lexigram.nosql.collection import Collection
from lexigram.nosql.exceptions import DuplicateKeyError, NoSQLError, PipelineError
from lexigram.nosql.store import DocumentStore
from lexigram.nosql.testing.comparing import assert_same, assert_same_documents
from lexigram.nosql.testing.suite import Suite, ids_of

__all__ = ["Aggregation"]

ORDERS: list[dict[str, Any]] = [
    {"_id": 1, "who": "ada", "total": 10, "items": ["pen", "ink"], "at": datetime(2026, 1, 5, tzinfo=UTC)},
    {"_id": 2, "who": "bob", "total": 20.5, "items": [], "at": datetime(2026, 1, 20, tzinfo=UTC)},
    {"_id": 3, "who": "ada", "total": 30, "items": ["pen"], "at": datetime(2026, 2, 1, tzinfo=UTC)},
    {"_id": 4, "who": "eve", "total": None, "at": datetime(2026, 2, 2, tzinfo=UTC)},
    {"_id": 5, "who": "bob", "total": 4, "items": ["ink", "ink"], "at": datetime(2026, 2, 3, tzinfo=UTC)},
]
PEOPLE: list[dict[str, Any]] = [{"_id": "ada", "city": "London"}, {"_id": "bob", "city": "Paris"}]

_BY_ID: dict[str, Any] = {"$sort": {"_id": 1}}
_ONLY = {"$match": {"_id": 1}}


def _value(expression: Any) -> list[dict[str, Any]]:
    return [_ONLY, {"$project": {"_id": 0, "v": expression}}]


CASES: dict[str, tuple[list[dict[str, Any]], list[dict[str, Any]]]] = {
    "match": (
        [{"$match": {"who": "ada"}}, {"$project": {"total": 1}}, _BY_ID],
        [{"_id": 1, "total": 10}, {"_id": 3, "total": 30}],
    ),
    "sort and limit": ([{"$sort": {"_id": -1}}, {"$limit": 2}, {"$project": {"_id": 1}}], [{"_id": 5}, {"_id": 4}]),
    "skip": ([_BY_ID, {"$skip": 3}, {"$project": {"_id": 1}}], [{"_id": 4}, {"_id": 5}]),
    "limit before sort": (
        [_BY_ID, {"$limit": 2}, {"$sort": {"_id": -1}}, {"$project": {"_id": 1}}],
        [{"_id": 2}, {"_id": 1}],
    ),
    "count": ([{"$match": {"total": {"$gt": 5}}}, {"$count": "n"}], [{"n": 3}]),
    "count of nothing": ([{"$match": {"total": 99}}, {"$count": "n"}], []),
    "group and sum": (
        [{"$group": {"_id": "$who", "sum": {"$sum": "$total"}}}, _BY_ID],
        [{"_id": "ada", "sum": 40}, {"_id": "bob", "sum": 24.5}, {"_id": "eve", "sum": 0}],
    ),
    "group all": (
        [{"$group": {"_id": None, "n": {"$sum": 1}, "avg": {"$avg": "$total"}}}],
        [{"_id": None, "n": 5, "avg": 16.125}],
    ),
    "group by an object": (
        [{"$group": {"_id": {"w": "$who", "m": {"$month": "$at"}}, "n": {"$sum": 1}}}, {"$match": {"n": 2}}],
        [],
    ),
    "min, max, first, last": (
        [
            _BY_ID,
            {
                "$group": {
                    "_id": "$who",
                    "min": {"$min": "$total"},
                    "max": {"$max": "$total"},
                    "first": {"$first": "$_id"},
                    "last": {"$last": "$_id"},
                }
            },
            {"$match": {"_id": "bob"}},
        ],
        [{"_id": "bob", "min": 4, "max": 20.5, "first": 2, "last": 5}],
    ),
    "push": (
        [_BY_ID, {"$group": {"_id": "$who", "ids": {"$push": "$_id"}}}, {"$match": {"_id": "ada"}}],
        [{"_id": "ada", "ids": [1, 3]}],
    ),
    "group by a missing field": ([{"$group": {"_id": "$nothing", "n": {"$sum": 1}}}], [{"_id": None, "n": 5}]),
    "group by equal numbers": (
        [
            {"$project": {"k": {"$cond": [{"$gt": ["$_id", 2]}, 1, {"$literal": 1.0}]}}},
            {"$group": {"_id": {"$add": ["$k", 1.0]}, "n": {"$sum": 1}}},
        ],
        [{"_id": 2.0, "n": 5}],
    ),
    "unwind": (
        [
            {"$unwind": "$items"},
            {"$match": {"_id": {"$lt": 4}}},
            {"$project": {"items": 1}},
            {"$sort": {"_id": 1, "items": 1}},
        ],
        [{"_id": 1, "items": "ink"}, {"_id": 1, "items": "pen"}, {"_id": 3, "items": "pen"}],
    ),
    "unwind that keeps": (
        [
            {"$unwind": {"path": "$items", "preserveNullAndEmptyArrays": True}},
            {"$match": {"_id": {"$in": [2, 4]}}},
            {"$project": {"items": 1}},
            _BY_ID,
        ],
        [{"_id": 2}, {"_id": 4}],
    ),
    "unwind with positions": (
        [
            _ONLY,
            {"$unwind": {"path": "$items", "includeArrayIndex": "i"}},
            # A long, which stands for itself only where the classes of bson are installed.
            {"$project": {"items": 1, "i": {"$toInt": "$i"}}},
        ],
        [{"_id": 1, "items": "pen", "i": 0}, {"_id": 1, "items": "ink", "i": 1}],
    ),
    "unwind and group": (
        [{"$unwind": "$items"}, {"$group": {"_id": "$items", "n": {"$sum": 1}}}, _BY_ID],
        [{"_id": "ink", "n": 3}, {"_id": "pen", "n": 2}],
    ),
    "sortByCount": (
        [{"$unwind": "$items"}, {"$sortByCount": "$items"}],
        [{"_id": "ink", "count": 3}, {"_id": "pen", "count": 2}],
    ),
    "set": (
        [_ONLY, {"$set": {"twice": {"$multiply": ["$total", 2]}}}, {"$unset": ["items", "at"]}],
        [{"_id": 1, "who": "ada", "total": 10, "twice": 20}],
    ),
    "replaceRoot": ([_ONLY, {"$replaceRoot": {"newRoot": {"w": "$who"}}}], [{"w": "ada"}]),
    "bucket": (
        [{"$bucket": {"groupBy": "$_id", "boundaries": [0, 3, 10], "output": {"n": {"$sum": 1}}}}],
        [{"_id": 0, "n": 2}, {"_id": 3, "n": 3}],
    ),
    "facet": (
        [
            {
                "$facet": {
                    "n": [{"$count": "n"}],
                    "top": [{"$sort": {"_id": -1}}, {"$limit": 1}, {"$project": {"_id": 1}}],
                }
            }
        ],
        [{"n": [{"n": 5}], "top": [{"_id": 5}]}],
    ),
    "lookup": (
        [
            {"$match": {"_id": {"$in": [1, 4]}}},
            {"$lookup": {"from": "people", "localField": "who", "foreignField": "_id", "as": "p"}},
            {"$project": {"p": 1}},
            _BY_ID,
        ],
        [{"_id": 1, "p": [{"_id": "ada", "city": "London"}]}, {"_id": 4, "p": []}],
    ),
    "lookup with a pipeline": (
        [
            _ONLY,
            {
                "$lookup": {
                    "from": "people",
                    "let": {"w": "$who"},
                    "pipeline": [{"$match": {"$expr": {"$ne": ["$_id", "$$w"]}}}, {"$project": {"_id": 0}}],
                    "as": "p",
                }
            },
            {"$project": {"_id": 0, "p": 1}},
        ],
        [{"p": [{"city": "Paris"}]}],
    ),
    "unionWith": (
        [
            {"$match": {"_id": 1}},
            {"$project": {"_id": 1}},
            {"$unionWith": {"coll": "people", "pipeline": [{"$project": {"_id": 1}}, {"$match": {"_id": "ada"}}]}},
        ],
        [{"_id": 1}, {"_id": "ada"}],
    ),
    "windows": (
        [
            {
                "$setWindowFields": {
                    "partitionBy": "$who",
                    "sortBy": {"_id": 1},
                    "output": {"run": {"$sum": "$total", "window": {"documents": ["unbounded", "current"]}}},
                }
            },
            {"$match": {"who": "ada"}},
            {"$project": {"run": 1}},
            _BY_ID,
        ],
        [{"_id": 1, "run": 10}, {"_id": 3, "run": 40}],
    ),
    "redact": ([_ONLY, {"$redact": {"$cond": [{"$eq": ["$who", "ada"]}, "$$PRUNE", "$$KEEP"]}}], []),
    "cond": (_value({"$cond": [{"$gt": ["$total", 5]}, "much", "little"]}), [{"v": "much"}]),
    "switch": (
        _value({"$switch": {"branches": [{"case": {"$lt": ["$total", 5]}, "then": 1}], "default": 2}}),
        [{"v": 2}],
    ),
    "ifNull": (_value({"$ifNull": ["$nothing", "$who"]}), [{"v": "ada"}]),
    "concat": (_value({"$concat": ["$who", "!", {"$toUpper": "$who"}]}), [{"v": "ada!ADA"}]),
    "arithmetic": (_value({"$divide": [{"$subtract": ["$total", 4]}, 4]}), [{"v": 1.5}]),
    "decimals": (_value({"$add": [{"$toDecimal": "0.1"}, {"$toDecimal": "0.2"}]}), [{"v": Decimal("0.3")}]),
    "array functions": (_value({"$map": {"input": "$items", "in": {"$strLenCP": "$$this"}}}), [{"v": [3, 3]}]),
    "filter an array": (
        _value({"$filter": {"input": "$items", "as": "i", "cond": {"$eq": ["$$i", "ink"]}}}),
        [{"v": ["ink"]}],
    ),
    "reduce": (
        _value({"$reduce": {"input": [1, 2, 3], "initialValue": 0, "in": {"$add": ["$$value", "$$this"]}}}),
        [{"v": 6}],
    ),
    "sizes": (_value({"$size": "$items"}), [{"v": 2}]),
    "dates": (_value({"$dateToString": {"date": "$at", "format": "%Y-%m-%d"}}), [{"v": "2026-01-05"}]),
    "date arithmetic": (
        _value({"$dateAdd": {"startDate": "$at", "unit": "month", "amount": 1}}),
        [{"v": datetime(2026, 2, 5, tzinfo=UTC)}],
    ),
    "types": (_value({"$type": "$total"}), [{"v": "int"}]),
    "comparison of missing": (_value({"$gt": ["$nothing", None]}), [{"v": False}]),
    "objects": (_value({"$mergeObjects": [{"a": 1}, {"b": "$total"}]}), [{"v": {"a": 1, "b": 10}}]),
    "let": (_value({"$let": {"vars": {"x": 5}, "in": {"$add": ["$$x", "$total"]}}}), [{"v": 15}]),
}

REFUSED: dict[str, Any] = {
    "unknown stage": [{"$foo": 1}],
    "two stages in one": [{"$match": {}, "$limit": 1}],
    "no list": {"$match": {}},
    "unknown accumulator": [{"$group": {"_id": None, "x": {"$foo": 1}}}],
    "group without id": [{"$group": {"n": {"$sum": 1}}}],
    "limit of zero": [{"$limit": 0}],
    "skip below zero": [{"$skip": -1}],
    "unknown expression": [{"$set": {"x": {"$foo": 1}}}],
    "division by zero": [{"$set": {"x": {"$divide": [1, 0]}}}],
    "size of a number": [{"$set": {"x": {"$size": "$total"}}}],
    "sum of text and date": [{"$set": {"x": {"$add": ["$who", 1]}}}],
    "empty path": [{"$unwind": ""}],
    "path without dollar": [{"$unwind": "items"}],
    "filter of a match": [{"$match": {"a": {"$foo": 1}}}],
    "a variable that is not there": [{"$set": {"x": "$$nothing"}}],
    "out in the middle": [{"$out": "x"}, {"$match": {}}],
}


class Aggregation(Suite, topic="aggregation"):
    """The output does not depend on how much of a pipeline the backend runs."""

    @pytest.mark.parametrize("case", CASES)
    async def test_a_pipeline_gives(self, things: Collection, store: DocumentStore, case: str) -> None:
        """Exactly the documents that MongoDB gives, in their order. Check ``compile_pipeline()``, if there is one."""
        stages, expected = CASES[case]
        await things.insert_many(ORDERS)
        await store.collection("people").insert_many(PEOPLE)
        cursor = things.aggregate(stages)
        assert_same(await cursor.to_list(), expected)
        self.observe("aggregation", native=not (await cursor.explain()).stages)

    @pytest.mark.parametrize("case", REFUSED)
    async def test_a_pipeline_is_refused(self, things: Collection, case: str) -> None:
        """When it is given, or when it meets the documents. Check that errors of the server are classified."""
        await things.insert_many(ORDERS)
        with pytest.raises(NoSQLError) as caught:
            await things.aggregate(REFUSED[case]).to_list()
        assert isinstance(caught.value, ValueError)

    async def test_an_empty_pipeline_gives_everything(self, things: Collection) -> None:
        """All documents as they are. Check pipelines without stages."""
        await things.insert_many(ORDERS)
        assert_same_documents(await things.aggregate([]).to_list(), ORDERS)

    async def test_a_built_pipeline_means_the_same(self, things: Collection) -> None:
        """A builder is taken wherever a list is. Check that the portable layer parses it."""
        await things.insert_many(ORDERS)
        built = AggregationPipeline().match({"who": "bob"}).sort([("_id", -1)]).limit(1)
        assert ids_of(await things.aggregate(built).to_list()) == [5]

    async def test_output_is_read_in_batches(self, things: Collection) -> None:
        """A cursor over many documents can be left early. Check that closing the iterator ends the request."""
        await things.insert_many([{"_id": number} for number in range(300)])
        seen = 0
        async with things.aggregate([{"$sort": {"_id": 1}}], batch_size=10) as cursor:
            async for document in cursor:
                assert document["_id"] == seen
                seen += 1
                if seen == 25:
                    break
        assert await things.count_documents() == 300

    async def test_variables_of_the_caller_are_read(self, things: Collection) -> None:
        """``let`` gives ``$$name``. Check that variables reach native pipelines."""
        await things.insert_many(ORDERS)
        cursor = things.aggregate([{"$match": {"$expr": {"$eq": ["$who", "$$w"]}}}, _BY_ID], let={"w": "ada"})
        assert ids_of(await cursor.to_list()) == [1, 3]

    async def test_out_replaces_a_collection(self, things: Collection, store: DocumentStore) -> None:
        """What was there is gone. Check ``$out``: it is done by the portable layer, or exactly."""
        await things.insert_many(ORDERS)
        await store.collection("copy").insert_one({"_id": "old"})
        given = await things.aggregate(
            [{"$match": {"who": "ada"}}, {"$project": {"total": 1}}, {"$out": "copy"}]
        ).to_list()
        assert given == []
        assert_same_documents(
            await store.collection("copy").find().to_list(), [{"_id": 1, "total": 10}, {"_id": 3, "total": 30}]
        )

    async def test_merge_joins_a_collection(self, things: Collection, store: DocumentStore) -> None:
        """What matches is merged, the rest inserted. Check ``$merge``."""
        await things.insert_many([{"_id": 1, "a": 1}, {"_id": 2, "a": 2}])
        target = store.collection("target")
        await target.insert_many([{"_id": 1, "b": 5}, {"_id": 9}])
        await things.aggregate([{"$merge": {"into": "target"}}]).to_list()
        assert_same_documents(
            await target.find().to_list(), [{"_id": 1, "b": 5, "a": 1}, {"_id": 2, "a": 2}, {"_id": 9}]
        )

    async def test_merge_may_fail_on_what_is_there(self, things: Collection, store: DocumentStore) -> None:
        """``whenMatched: fail`` is a duplicate key. Check ``$merge``."""
        await things.insert_one({"_id": 1, "a": 1})
        await store.collection("target").insert_one({"_id": 1})
        with pytest.raises((PipelineError, DuplicateKeyError)):
            await things.aggregate([{"$merge": {"into": "target", "whenMatched": "fail"}}]).to_list()
        assert await store.collection("target").find().to_list() == [{"_id": 1}]

    async def test_a_sample_has_the_size_asked(self, things: Collection) -> None:
        """Different documents of the collection. Check ``$sample``."""
        await things.insert_many([{"_id": number} for number in range(50)])
        found = await things.aggregate([{"$sample": {"size": 12}}]).to_list()
        assert len(set(ids_of(found))) == 12

    async def test_a_graph_is_followed(self, things: Collection) -> None:
        """``$graphLookup`` through several levels. Check where it runs."""
        await things.insert_many([{"_id": 1, "up": None}, {"_id": 2, "up": 1}, {"_id": 3, "up": 2}])
        stages = [
            {"$match": {"_id": 3}},
            {
                "$graphLookup": {
                    "from": "things",
                    "startWith": "$up",
                    "connectFromField": "up",
                    "connectToField": "_id",
                    "as": "over",
                }
            },
        ]
        (found,) = await things.aggregate(stages).to_list()
        assert sorted(ids_of(found["over"])) == [1, 2]

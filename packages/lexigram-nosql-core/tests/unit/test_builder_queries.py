"""Queries built step by step: every condition, how conditions combine, and that builders never change."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from lexigram.nosql import ComparisonOp, DocumentQuery, DocumentQueryBuilder, ElementOp, EvaluationOp, LogicalOp
from lexigram.nosql.backends.memory import InMemoryDocumentStore
from lexigram.nosql.exceptions import NoSQLError, NoSQLFilterError, QueryOptionError
from lexigram.nosql.query.operators import ArrayOp

Build = Callable[[DocumentQueryBuilder], DocumentQueryBuilder]

NOW = re.compile("^a", re.IGNORECASE)


@pytest.mark.parametrize(
    ("build", "expected"),
    [
        (lambda b: b, {}),
        (lambda b: b.where("a", 1), {"a": 1}),
        (lambda b: b.where("a.b", None), {"a.b": None}),
        (lambda b: b.where("a", {"x": 1}), {"a": {"x": 1}}),
        (lambda b: b.where("a", {"$gt": 1}), {"a": {"$gt": 1}}),
        (lambda b: b.where_ne("a", 1), {"a": {"$ne": 1}}),
        (lambda b: b.where_gt("a", 1), {"a": {"$gt": 1}}),
        (lambda b: b.where_gte("a", 1), {"a": {"$gte": 1}}),
        (lambda b: b.where_lt("a", 1), {"a": {"$lt": 1}}),
        (lambda b: b.where_lte("a", 1), {"a": {"$lte": 1}}),
        (lambda b: b.where_between("a", 1, 5), {"a": {"$gte": 1, "$lte": 5}}),
        (lambda b: b.where_in("a", (1, 2)), {"a": {"$in": [1, 2]}}),
        (lambda b: b.where_in("a", {1}), {"a": {"$in": [1]}}),
        (lambda b: b.where_not_in("a", [1]), {"a": {"$nin": [1]}}),
        (lambda b: b.where_exists("a"), {"a": {"$exists": True}}),
        (lambda b: b.where_exists("a", False), {"a": {"$exists": False}}),
        (lambda b: b.where_type("a", "string"), {"a": {"$type": "string"}}),
        (lambda b: b.where_type("a", [1, "null"]), {"a": {"$type": [1, "null"]}}),
        (lambda b: b.where_regex("a", "^x"), {"a": {"$regex": "^x"}}),
        (lambda b: b.where_regex("a", "^x", "i"), {"a": {"$regex": "^x", "$options": "i"}}),
        (lambda b: b.where_text("word"), {"$text": {"$search": "word"}}),
        (lambda b: b.and_where({"a": 1}, {"b": 2}), {"$and": [{"a": 1}, {"b": 2}]}),
        (lambda b: b.or_where({"a": 1}, {"b": 2}), {"$or": [{"a": 1}, {"b": 2}]}),
        (lambda b: b.filter({"a": 1, "b": 2}), {"$and": [{"a": 1, "b": 2}]}),
        (lambda b: b.filter({}), {}),
        (lambda b: b.filter(ComparisonOp.GTE, "a", 10), {"a": {"$gte": 10}}),
        (lambda b: b.filter(ComparisonOp.EQ, "a", 10), {"a": 10}),
        (lambda b: b.filter("$in", "a", [1]), {"a": {"$in": [1]}}),
        (lambda b: b.filter(ElementOp.EXISTS, "a", True), {"a": {"$exists": True}}),
        (lambda b: b.filter(ArrayOp.SIZE, "a", 2), {"a": {"$size": 2}}),
        (lambda b: b.filter(LogicalOp.NOT, "a", {"$gt": 1}), {"a": {"$not": {"$gt": 1}}}),
        (lambda b: b.filter(LogicalOp.OR, [{"a": 1}, {"b": 2}]), {"$or": [{"a": 1}, {"b": 2}]}),
        (lambda b: b.filter(LogicalOp.NOR, ({"a": 1},)), {"$nor": [{"a": 1}]}),
        (lambda b: b.filter(LogicalOp.AND, [{"a": 1}]), {"$and": [{"a": 1}]}),
        (lambda b: b.filter(EvaluationOp.TEXT, "word"), {"$text": {"$search": "word"}}),
        (lambda b: b.filter(EvaluationOp.EXPR, {"$gt": ["$a", 1]}), {"$expr": {"$gt": ["$a", 1]}}),
        (lambda b: b.filter({"a": {ComparisonOp.GT: 1}}), {"$and": [{"a": {"$gt": 1}}]}),
        # Conditions combine.
        (lambda b: b.where_gte("a", 10).where_lte("a", 100), {"a": {"$gte": 10, "$lte": 100}}),
        (lambda b: b.where_gte("a", 1).where_gte("a", 2), {"a": {"$gte": 1}, "$and": [{"a": {"$gte": 2}}]}),
        (lambda b: b.where("a", 1).where("a", 2), {"a": 1, "$and": [{"a": {"$eq": 2}}]}),
        (lambda b: b.where("a", 1).where_gt("a", 0), {"a": {"$eq": 1, "$gt": 0}}),
        (lambda b: b.where_gt("a", 0).where("a", 1), {"a": {"$gt": 0, "$eq": 1}}),
        (
            lambda b: b.where_regex("a", "x", "i").where_ne("a", "y"),
            {"a": {"$regex": "x", "$options": "i"}, "$and": [{"a": {"$ne": "y"}}]},
        ),
        (lambda b: b.where_ne("a", 1).where_regex("a", "x"), {"a": {"$ne": 1}, "$and": [{"a": {"$regex": "x"}}]}),
        (lambda b: b.where("a", NOW).where_gt("a", "b"), {"a": NOW, "$and": [{"a": {"$gt": "b"}}]}),
        (lambda b: b.where_gt("a", "b").where("a", NOW), {"a": {"$gt": "b"}, "$and": [{"a": {"$regex": NOW}}]}),
        (
            lambda b: b.or_where({"a": 1}).or_where({"b": 2}),
            {"$or": [{"a": 1}], "$and": [{"$or": [{"b": 2}]}]},
        ),
        (
            lambda b: b.and_where({"a": 1}).and_where({"b": 2}).where("c", 3),
            {"c": 3, "$and": [{"a": 1}, {"$and": [{"b": 2}]}]},
        ),
        (lambda b: b.where("a", 1).filter({"a": 2}), {"a": 1, "$and": [{"a": 2}]}),
    ],
)
def test_each_step_adds_its_condition(build: Build, expected: dict[str, Any]) -> None:
    """In MongoDB's form; nothing is lost."""
    query = build(DocumentQueryBuilder()).build()
    assert query == DocumentQuery(expected)
    assert list(query.filter) == list(expected) or "$and" in expected


async def test_combined_conditions_select_what_each_of_them_does() -> None:
    """The documented range, several groups of alternatives, and a pattern beside a comparison."""
    async with InMemoryDocumentStore() as store:
        things = store.collection("things")
        await things.insert_many([{"_id": index, "a": index, "t": f"x{index % 3}"} for index in range(20)])
        new = DocumentQueryBuilder

        async def ids(builder: DocumentQueryBuilder) -> list[int]:
            return [document["_id"] for document in await things.find(builder).to_list()]

        assert await ids(new().where_gte("a", 5).where_lte("a", 7)) == [5, 6, 7]
        assert await ids(new().where_gte("a", 5).where_gte("a", 18)) == [18, 19]
        assert await ids(new().where("a", 1).where("a", 2)) == []
        assert await ids(new().or_where({"a": 1}, {"a": 2}).or_where({"t": "x1"}, {"a": 9})) == [1]
        assert await ids(new().where_regex("t", "^X", "i").where_ne("t", "x0").where_lt("a", 5)) == [1, 2, 4]
        assert await ids(new().where("t", re.compile("0")).where_gt("a", 14)) == [15, 18]


def test_projection_order_and_limits_are_collected() -> None:
    """Selected or excluded, in the order given; the last skip and limit hold."""
    builder = DocumentQueryBuilder()
    assert builder.select("a", "b").exclude("_id").build().projection == {"a": 1, "b": 1, "_id": 0}
    assert builder.exclude("_id").select("a").build().projection == {"_id": 0, "a": 1}
    assert builder.exclude("a", "b").build().projection == {"a": 0, "b": 0}
    assert builder.select("a").select("b", "a").build().projection == {"b": 1, "a": 1}
    for sorted_builder in (
        builder.sort([("a", 1), ("b", -1)]),
        builder.sort({"a": 1, "b": -1}),
        builder.sort("a").sort("b", -1),
        builder.sort_by("a").sort_by("b", descending=True),
        builder.sort([]).sort((("a", 1), ("b", -1))),
    ):
        assert sorted_builder.build().sort == [("a", 1), ("b", -1)]
    query = builder.skip(5).limit(10).skip(2).build()
    assert (query.skip, query.limit, query.sort, query.projection) == (2, 10, None, None)


def test_a_builder_never_changes() -> None:
    """Each step gives a new one, so that it can be branched."""
    base = DocumentQueryBuilder().where("a", 1).limit(5)
    branch = base.where("b", 2).or_where({"c": 3}).sort_by("d").select("e").skip(1).limit(7)
    assert base.build() == DocumentQuery({"a": 1}, limit=5)
    assert branch.build().filter == {"a": 1, "b": 2, "$or": [{"c": 3}]}
    assert base == DocumentQueryBuilder().where("a", 1).limit(5)


def test_what_is_given_and_what_is_built_are_not_shared() -> None:
    """Changing either changes no builder."""
    inner: dict[str, Any] = {"a": {"$in": [1, 2]}}
    values = [{"x": 1}]
    builder = DocumentQueryBuilder().or_where(inner).where_in("b", values).where("c", {"d": [1]})
    inner["a"]["$in"].append(3)
    values[0]["x"] = 2
    expected = {"b": {"$in": [{"x": 1}]}, "c": {"d": [1]}, "$or": [{"a": {"$in": [1, 2]}}]}
    built = builder.build()
    assert built.filter == expected
    built.filter["c"]["d"].append(2)
    built.filter["$or"][0]["a"]["$in"].clear()
    assert builder.build().filter == expected


DEEP: Any = {}
for _ in range(10_000):
    DEEP = {"$and": [DEEP]}


@pytest.mark.parametrize(
    ("build", "error"),
    [
        (lambda b: b.where("", 1), NoSQLFilterError),
        (lambda b: b.where(5, 1), NoSQLFilterError),
        (lambda b: b.where("$a", 1), NoSQLFilterError),
        (lambda b: b.where("a\0", 1), NoSQLFilterError),
        (lambda b: b.where("a", {1}), NoSQLError),
        (lambda b: b.where("a", {"$foo": 1}), NoSQLFilterError),
        (lambda b: b.where_in("a", "text"), NoSQLFilterError),
        (lambda b: b.where_in("a", 5), NoSQLFilterError),
        (lambda b: b.where_not_in("a", {"x": 1}), NoSQLFilterError),
        (lambda b: b.where_type("a", "text"), NoSQLFilterError),
        (lambda b: b.where_regex("a", "("), NoSQLFilterError),
        (lambda b: b.where_regex("a", 5), NoSQLFilterError),
        (lambda b: b.where_regex("a", "x", "q"), NoSQLFilterError),
        (lambda b: b.where_text(5), NoSQLFilterError),
        (lambda b: b.and_where(), NoSQLFilterError),
        (lambda b: b.or_where(5), NoSQLFilterError),
        (lambda b: b.or_where({"$where": "1"}), NoSQLFilterError),
        (lambda b: b.filter(5), NoSQLFilterError),
        (lambda b: b.filter({"a": 1}, "b"), NoSQLFilterError),
        (lambda b: b.filter(LogicalOp.OR, {"a": 1}), NoSQLFilterError),
        (lambda b: b.filter(LogicalOp.OR, [{"a": 1}], 5), NoSQLFilterError),
        (lambda b: b.filter(ComparisonOp.GT, "a"), NoSQLFilterError),
        (lambda b: b.filter(ComparisonOp.GT), NoSQLFilterError),
        (lambda b: b.filter("$foo", "a", 1), NoSQLFilterError),
        (lambda b: b.filter(LogicalOp.NOT, "a", 5), NoSQLFilterError),
        (lambda b: b.filter(DEEP), NoSQLFilterError),
        (lambda b: b.filter({"a": 1, "$comment": DEEP}), NoSQLFilterError),
        (lambda b: b.select("$a"), NoSQLFilterError),
        (lambda b: b.select("a").exclude("b"), QueryOptionError),
        (lambda b: b.exclude("b").select("a"), QueryOptionError),
        (lambda b: b.sort([("a", 2)]), QueryOptionError),
        (lambda b: b.sort([("a",)]), QueryOptionError),
        (lambda b: b.sort(5), QueryOptionError),
        (lambda b: b.sort([("$natural", 1)]), QueryOptionError),
        (lambda b: b.sort({"a": {"$meta": "textScore"}}), QueryOptionError),
        (lambda b: b.sort_by(""), NoSQLError),
        (lambda b: b.skip(-1), QueryOptionError),
        (lambda b: b.skip("1"), QueryOptionError),
        (lambda b: b.limit(1.5), QueryOptionError),
    ],
)
def test_a_wrong_step_is_refused_where_it_is_made(build: Callable[[Any], Any], error: type[NoSQLError]) -> None:
    """Not only when the query is run."""
    with pytest.raises(error) as caught:
        build(DocumentQueryBuilder())
    assert caught.value.message

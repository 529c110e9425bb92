"""Stages that read other collections: ``$lookup``, ``$graphLookup``, ``$unionWith``; and ``$facet``."""

from __future__ import annotations

import re
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from lexigram.nosql.aggregation import parse_pipeline
from lexigram.nosql.aggregation.context import LocalContext
from lexigram.nosql.aggregation.run import run
from lexigram.nosql.exceptions import MemoryLimitError, PipelineError, UnsupportedFeatureError

Aggregate = Callable[..., Any]

NAN = float("nan")

# Local documents and path, foreign documents and path, and for each local document the ids that it finds.
EQUALITIES: list[tuple[str, list[Any], str, list[Any], str, list[list[int]]]] = [
    (
        "plain values",
        [{"a": 1}, {"a": 2}, {"a": 9}],
        "a",
        [{"b": 2}, {"b": 1}, {"b": 1}],
        "b",
        [[1, 2], [0], []],
    ),
    (
        "numbers are equal across types, and to nothing else",
        [{"a": 1}, {"a": 1.0}, {"a": Decimal(1)}, {"a": True}, {"a": "1"}],
        "a",
        [{"b": 1}, {"b": 1.0}, {"b": Decimal(1)}, {"b": True}, {"b": "1"}],
        "b",
        [[0, 1, 2], [0, 1, 2], [0, 1, 2], [3], [4]],
    ),
    (
        "NaN is equal to NaN",
        [{"a": NAN}, {"a": Decimal("nan")}, {"a": [1, NAN]}],
        "a",
        [{"b": NAN}, {"b": Decimal("nan")}, {"b": [5, NAN]}, {"b": None}, {}],
        "b",
        [[0, 1, 2], [0, 1, 2], [0, 1, 2]],
    ),
    (
        "null, missing and an empty array find null and missing",
        [{"a": None}, {}, {"a": []}, {"a": [None]}, {"a": 0}, {"a": False}, {"a": ""}, {"a": {}}],
        "a",
        [{"b": None}, {}, {"b": [None, 1]}, {"b": []}, {"b": [[None]]}, {"b": 0}, {"b": False}, {"b": ""}, {"b": {}}],
        "b",
        [[0, 1, 2], [0, 1, 2], [0, 1, 2], [0, 1, 2], [5], [6], [7], [8]],
    ),
    (
        "a local array stands for its elements",
        [{"a": [1, 2]}, {"a": [[1, 2]]}, {"a": [2, 2]}, {"a": [1, [1, 2]]}],
        "a",
        [{"b": 1}, {"b": 2}, {"b": [1, 2]}, {"b": [[1, 2], 7]}, {"b": 3}],
        "b",
        [[0, 1, 2], [2, 3], [1, 2], [0, 2, 3]],
    ),
    (
        "an empty array within an array finds empty arrays",
        [{"a": [[]]}, {"a": [[], 1]}],
        "a",
        [{"b": []}, {"b": [[]]}, {"b": [[], 5]}, {"b": None}, {}, {"b": 1}],
        "b",
        [[0, 1, 2], [0, 1, 2, 5]],
    ),
    (
        "documents are equal with their fields in order",
        [{"a": {"x": 1, "y": 2}}, {"a": {"y": 2, "x": 1}}, {"a": {"x": 1.0, "y": 2}}],
        "a",
        [{"b": {"x": 1, "y": 2}}, {"b": {"y": 2, "x": 1}}, {"b": [{"x": 1, "y": 2}]}],
        "b",
        [[0, 2], [1], [0, 2]],
    ),
    (
        "a local path goes through arrays",
        [{"a": [{"x": 1}, {"x": 2}]}, {"a": {"x": [1, 3]}}, {"a": [{"x": [2, 3]}, 5, {"y": 1}]}, {"a": [{"y": 1}]}],
        "a.x",
        [{"b": 1}, {"b": 2}, {"b": 3}, {"b": None}],
        "b",
        [[0, 1], [0, 2], [1, 2], [3]],
    ),
    (
        "a local path that leads to nothing is null",
        [{"a": 5}, {"a": []}, {"a": [1]}, {"a": {"x": None}}, {"a": {"x": []}}, {"a": [[{"x": 1}]]}],
        "a.x",
        [{"b": 1}, {"b": None}],
        "b",
        [[1], [1], [1], [1], [1], [1]],
    ),
    (
        "a foreign path goes through arrays",
        [{"a": 1}, {"a": [1, 2]}],
        "a",
        [{"b": {"x": 1}}, {"b": [{"x": 1}, {"x": 5}]}, {"b": {"x": [2, 1]}}, {"b": [{"x": [[1], 7]}]}, {"b": 1}],
        "b.x",
        [[0, 1, 2], [0, 1, 2]],
    ),
    (
        "a deep path",
        [{"a": 1}],
        "a",
        [
            {"b": {"c": {"d": 1}}},
            {"b": [{"c": [{"d": 2}, {"d": 1}]}]},
            {"b": [{"c": {"e": 2}}, {"c": {"d": [[3], 1]}}]},
            {"b": [{"c": {"d": [[1], 2]}}]},
        ],
        "b.c.d",
        [[0, 1, 2]],
    ),
    (
        "a number in a local path is a position",
        [{"a": [{"x": 1}, {"x": 2}]}, {"a": [{"y": 1}]}, {"a": {"0": {"x": 2}}}, {"a": [{"x": [2, 1]}]}],
        "a.0.x",
        [{"b": 1}, {"b": 2}, {"b": None}],
        "b",
        [[0], [2], [1], [0, 1]],
    ),
    (
        "a number in a foreign path is a position",
        [{"a": 1}],
        "a",
        [{"b": [{"x": 1}, {"x": 2}]}, {"b": [{"x": 2}, {"x": 1}]}, {"b": [{"x": [3, 1]}]}, {"b": {"0": {"x": 1}}}],
        "b.0.x",
        [[0, 2, 3]],
    ),
    (
        "regular expressions are compared, not matched",
        [{"a": re.compile("^x")}, {"a": "xyz"}, {"a": ["xyz", re.compile("^x")]}],
        "a",
        [{"b": "xyz"}, {"b": re.compile("^x")}, {"b": re.compile("^x", re.IGNORECASE)}],
        "b",
        [[1], [0], [0, 1]],
    ),
]


@pytest.mark.parametrize(
    ("local", "local_field", "foreign", "foreign_field", "found"),
    [case[1:] for case in EQUALITIES],
    ids=[case[0] for case in EQUALITIES],
)
@pytest.mark.parametrize("batch", [1, 2, 100])
@pytest.mark.parametrize("shape", ["equality", "with a pipeline", "of documents"])
async def test_lookup_compares_as_mongodb_does(
    aggregate: Aggregate,
    local: list[Any],
    local_field: str,
    foreign: list[Any],
    foreign_field: str,
    found: list[list[int]],
    batch: int,
    shape: str,
) -> None:
    """Each local document finds the foreign ones in their own order, in all three forms, whatever the batches."""
    locals_ = [{"_id": n, **document} for n, document in enumerate(local)]
    foreigns = [{"_id": n, **document} for n, document in enumerate(foreign)]
    stage: dict[str, Any] = {"from": "f", "localField": local_field, "foreignField": foreign_field, "as": "found"}
    if shape == "with a pipeline":
        stage["pipeline"] = [{"$project": {"_id": 1}}]
    elif shape == "of documents":
        stage["pipeline"] = [{"$documents": {"$literal": foreigns}}, {"$project": {"_id": 1}}]
        del stage["from"]
    made = await aggregate(locals_, [{"$lookup": stage}], batch=batch, f=foreigns)
    assert [[each["_id"] for each in document["found"]] for document in made] == found
    assert [{**document, "found": 0} for document in made] == [{**document, "found": 0} for document in locals_]
    if shape == "equality":
        for document in made:
            assert repr(document["found"]) == repr([foreigns[each["_id"]] for each in document["found"]])


async def test_lookup_reads_once_per_batch_and_only_what_is_new(aggregate: Aggregate, surroundings: Any) -> None:
    """A batch's foreign documents come with one query, and what is known is not asked for again."""
    around = surroundings({"f": [{"_id": n, "k": n % 10} for n in range(40)]}, batch=50)
    documents = [{"_id": n, "k": n % 10} for n in range(500)]
    stage = {"$lookup": {"from": "f", "localField": "k", "foreignField": "k", "as": "x"}}
    made = await aggregate(documents, [stage], context=around)
    assert len(around.reads) == 1
    assert all([each["k"] for each in document["x"]] == [document["k"]] * 4 for document in made)


async def test_lookup_of_many_values_takes_few_reads(aggregate: Aggregate, surroundings: Any) -> None:
    """Batches of a long source grow, so that reads do not."""
    around = surroundings({"f": [{"_id": n} for n in range(0, 4000, 7)]}, batch=10)
    documents = [{"_id": n} for n in range(4000)]
    stage = {"$lookup": {"from": "f", "localField": "_id", "foreignField": "_id", "as": "x"}}
    made = await aggregate(documents, [stage], context=around)
    assert len(around.reads) < 15
    assert [len(document["x"]) for document in made] == [int(n % 7 == 0) for n in range(4000)]


async def test_lookup_forgets_what_takes_too_much_room(aggregate: Aggregate, surroundings: Any) -> None:
    """Joined documents that no longer matter are let go, so a join of many small parts fits."""
    foreign = [{"_id": n, "text": "x" * 100} for n in range(2000)]
    around = surroundings({"f": foreign}, batch=100, memory_limit_bytes=100_000)
    stages = [{"$lookup": {"from": "f", "localField": "_id", "foreignField": "_id", "as": "x"}}, {"$unset": "x.text"}]
    made = await aggregate([{"_id": n} for n in range(2000)], stages, context=around)
    assert [document["x"] for document in made] == [[{"_id": n}] for n in range(2000)]
    with pytest.raises(MemoryLimitError):
        await aggregate(
            [{"_id": 1}],
            [{"$lookup": {**stages[0]["$lookup"], "localField": "n", "foreignField": "n"}}],
            context=around,
        )


async def test_the_array_may_take_the_place_of_a_field_or_stand_inside(aggregate: Aggregate) -> None:
    """``as`` replaces what is there, and may be a path."""
    stage = {"from": "f", "localField": "a", "foreignField": "a"}
    foreign = [{"_id": 7, "a": 1}]
    made = await aggregate([{"_id": 1, "a": 1, "b": 2}], [{"$lookup": {**stage, "as": "a"}}], f=foreign)
    assert made == [{"_id": 1, "a": foreign, "b": 2}]
    made = await aggregate([{"_id": 1, "a": 1, "b": {"c": 2}}], [{"$lookup": {**stage, "as": "b.d"}}], f=foreign)
    assert made == [{"_id": 1, "a": 1, "b": {"c": 2, "d": foreign}}]
    made = await aggregate([{"_id": 1, "a": 1, "b": 5}], [{"$lookup": {**stage, "as": "b.d"}}], f=foreign)
    assert made == [{"_id": 1, "a": 1, "b": {"d": foreign}}]


async def test_lookup_of_a_collection_that_is_not_there(aggregate: Aggregate) -> None:
    """It holds nothing."""
    stage = {"$lookup": {"from": "nowhere", "localField": "a", "foreignField": "a", "as": "x"}}
    assert await aggregate([{"_id": 1}], [stage]) == [{"_id": 1, "x": []}]


ORDERS = [
    {"_id": 1, "item": "almonds", "price": 12, "ordered": 2},
    {"_id": 2, "item": "pecans", "price": 20, "ordered": 1},
    {"_id": 3, "item": "cookies", "price": 10, "ordered": 60},
]
WAREHOUSES = [
    {"_id": 1, "stock_item": "almonds", "warehouse": "A", "instock": 120},
    {"_id": 2, "stock_item": "pecans", "warehouse": "A", "instock": 80},
    {"_id": 3, "stock_item": "almonds", "warehouse": "B", "instock": 60},
    {"_id": 4, "stock_item": "cookies", "warehouse": "B", "instock": 40},
    {"_id": 5, "stock_item": "cookies", "warehouse": "A", "instock": 80},
]


@pytest.mark.parametrize("batch", [1, 100])
async def test_a_pipeline_sees_the_variables_of_let(aggregate: Aggregate, batch: int) -> None:
    """The manual's example of two conditions in a correlated pipeline."""
    conditions = [{"$eq": ["$stock_item", "$$order_item"]}, {"$gte": ["$instock", "$$order_qty"]}]
    stage = {
        "$lookup": {
            "from": "warehouses",
            "let": {"order_item": "$item", "order_qty": "$ordered"},
            "pipeline": [
                {"$match": {"$expr": {"$and": conditions}}},
                {"$project": {"stock_item": 0, "_id": 0}},
            ],
            "as": "stock",
        }
    }
    made = await aggregate(ORDERS, [stage], batch=batch, warehouses=WAREHOUSES)
    assert [document["stock"] for document in made] == [
        [{"warehouse": "A", "instock": 120}, {"warehouse": "B", "instock": 60}],
        [{"warehouse": "A", "instock": 80}],
        [{"warehouse": "A", "instock": 80}],
    ]


CORRELATED: list[tuple[str, list[Any]]] = [
    ("equality alone", [{"$match": {"$expr": {"$eq": ["$k", "$$v"]}}}]),
    ("turned around", [{"$match": {"$expr": {"$eq": ["$$v", "$k"]}}}]),
    ("beside a plain condition", [{"$match": {"$expr": {"$eq": ["$k", "$$v"]}, "_id": {"$gte": 0}}}]),
    ("in an and", [{"$match": {"$expr": {"$and": [{"$eq": ["$k", "$$v"]}, {"$gte": ["$_id", 0]}]}}}]),
    ("by another operator", [{"$match": {"$expr": {"$not": [{"$ne": ["$k", "$$v"]}]}}}]),
    (
        "in a computed field",
        [
            {"$set": {"v": {"$ifNull": ["$$v", "$none"]}}},
            {"$match": {"$expr": {"$eq": [{"$ifNull": ["$k", "$none"]}, "$v"]}}},
            {"$unset": "v"},
        ],
    ),
    (
        "after other stages",
        [{"$match": {"_id": {"$gte": 0}}}, {"$sort": {"_id": 1}}, {"$match": {"$expr": {"$eq": ["$k", "$$v"]}}}],
    ),
]


@pytest.mark.parametrize("pipeline", [case[1] for case in CORRELATED], ids=[case[0] for case in CORRELATED])
@pytest.mark.parametrize("batch", [1, 100])
async def test_equality_in_a_pipeline_is_that_of_expressions(
    aggregate: Aggregate, pipeline: list[Any], batch: int
) -> None:
    """Unlike in the form with fields, arrays are compared whole, and null is not missing."""
    values: list[Any] = [1, 1.0, True, None, ..., [1], [], {"x": 1}, "1", NAN]
    foreign = [{"_id": n} if value is ... else {"_id": n, "k": value} for n, value in enumerate(values)]
    stage = {"$lookup": {"from": "f", "let": {"v": "$k"}, "pipeline": pipeline, "as": "x"}}
    made = await aggregate(foreign, [stage], batch=batch, f=foreign)
    found = [[each["_id"] for each in document["x"]] for document in made]
    merged = pipeline[0].get("$set") is not None  # there null and missing are made one
    nothing = [3, 4] if merged else None
    assert found == [[0, 1], [0, 1], [2], nothing or [3], nothing or [4], [5], [6], [7], [8], [9]]


async def test_an_uncorrelated_pipeline_is_read_once(aggregate: Aggregate, surroundings: Any) -> None:
    """And its first stages are left to the read."""
    around = surroundings({"f": [{"_id": n, "a": n % 3} for n in range(9)]}, batch=2)
    pipeline = [{"$match": {"a": 1}}, {"$sort": {"_id": -1}}, {"$limit": 2}, {"$project": {"_id": 1}}]
    stage = {"$lookup": {"from": "f", "pipeline": pipeline, "as": "x"}}
    made = await aggregate([{"_id": n} for n in range(10)], [stage], context=around)
    assert [document["x"] for document in made] == [[{"_id": 7}, {"_id": 4}]] * 10
    ((name, leading),) = around.reads
    assert name == "f"
    assert leading.query.matches({"a": 1})
    assert not leading.query.matches({"a": 2})
    assert leading.limit == 2
    assert leading.fields == {"_id"}


async def test_what_leads_a_correlated_pipeline_is_read_once(aggregate: Aggregate, surroundings: Any) -> None:
    """The stages before the first use of a variable are the same for every document."""
    around = surroundings({"f": [{"_id": n, "a": n % 3} for n in range(9)]})
    pipeline = [{"$match": {"a": 1}}, {"$match": {"$expr": {"$gt": ["$_id", "$$least"]}}}]
    stage = {"$lookup": {"from": "f", "let": {"least": "$_id"}, "pipeline": pipeline, "as": "x"}}
    made = await aggregate([{"_id": 0}, {"_id": 3}, {"_id": 6}], [stage], context=around)
    assert [[each["_id"] for each in document["x"]] for document in made] == [[1, 4, 7], [4, 7], [7]]
    assert len(around.reads) == 1


async def test_what_is_too_much_to_keep_is_read_again(aggregate: Aggregate, surroundings: Any) -> None:
    """Without room for the shared beginning each document has its own read."""
    around = surroundings({"f": [{"_id": n, "t": "x" * 1000} for n in range(30)]}, memory_limit_bytes=9000)
    pipeline = [{"$match": {"$expr": {"$eq": ["$_id", "$$id"]}}}]
    stage = {"$lookup": {"from": "f", "let": {"id": "$_id"}, "pipeline": pipeline, "as": "x"}}
    made = await aggregate([{"_id": n} for n in range(5)], [stage, {"$unset": "x.t"}], context=around)
    assert [document["x"] for document in made] == [[{"_id": n}] for n in range(5)]
    assert len(around.reads) > 5


async def test_chance_is_not_shared(aggregate: Aggregate, surroundings: Any) -> None:
    """A pipeline that samples is run anew for each document."""
    around = surroundings({"f": [{"_id": n} for n in range(1000)]})
    stage = {"$lookup": {"from": "f", "pipeline": [{"$sample": {"size": 1}}], "as": "x"}}
    made = await aggregate([{"_id": n} for n in range(20)], [stage], context=around)
    assert len({document["x"][0]["_id"] for document in made}) > 1


async def test_fields_and_pipeline_go_together(aggregate: Aggregate) -> None:
    """The pipeline sees what the fields join, with variables, for each document."""
    stage = {
        "$lookup": {
            "from": "warehouses",
            "localField": "item",
            "foreignField": "stock_item",
            "let": {"ordered": "$ordered"},
            "pipeline": [
                {"$match": {"$expr": {"$gte": ["$instock", "$$ordered"]}}},
                {"$group": {"_id": None, "total": {"$sum": "$instock"}}},
            ],
            "as": "stock",
        }
    }
    made = await aggregate(ORDERS, [stage], warehouses=WAREHOUSES)
    totals = [document["stock"][0]["total"] for document in made]
    assert totals == [180, 80, 80]


async def test_lookups_may_nest(aggregate: Aggregate) -> None:
    """A pipeline within a pipeline sees the variables around it."""
    inner = {
        "$lookup": {
            "from": "c",
            "let": {"b": "$_id"},
            "pipeline": [{"$match": {"$expr": {"$and": [{"$eq": ["$b", "$$b"]}, {"$eq": ["$a", "$$a"]}]}}}],
            "as": "cs",
        }
    }
    outer = {"$lookup": {"from": "b", "let": {"a": "$_id"}, "pipeline": [inner], "as": "bs"}}
    made = await aggregate(
        [{"_id": 1}, {"_id": 2}],
        [outer],
        b=[{"_id": 10}],
        c=[{"_id": 100, "a": 1, "b": 10}, {"_id": 101, "a": 2, "b": 10}, {"_id": 102, "a": 2, "b": 11}],
    )
    assert [[each["_id"] for each in document["bs"][0]["cs"]] for document in made] == [[100], [101]]


async def test_a_lookup_may_read_the_collection_itself(aggregate: Aggregate) -> None:
    """There is nothing special about it."""
    documents = [{"_id": 1, "parent": None}, {"_id": 2, "parent": 1}, {"_id": 3, "parent": 1}]
    stage = {"$lookup": {"from": "self", "localField": "_id", "foreignField": "parent", "as": "children"}}
    made = await aggregate(documents, [stage], self=documents)
    assert [[each["_id"] for each in document["children"]] for document in made] == [[2, 3], [], []]


async def test_found_documents_are_not_shared(aggregate: Aggregate) -> None:
    """Two documents that find the same one get copies, and the collection keeps its own."""
    foreign = [{"_id": 7, "a": 1, "deep": {"x": [1]}}]
    by_field = {"from": "f", "localField": "a", "foreignField": "a", "as": "x"}
    by_pipeline = {"from": "f", "pipeline": [], "as": "x"}
    for lookup in (by_field, by_pipeline):
        first, second = await aggregate([{"_id": 1, "a": 1}, {"_id": 2, "a": 1}], [{"$lookup": lookup}], f=foreign)
        first["x"][0]["deep"]["x"].append(2)
        first["x"].append(3)
        assert second["x"] == foreign == [{"_id": 7, "a": 1, "deep": {"x": [1]}}]


# $graphLookup

EMPLOYEES = [
    {"_id": 1, "name": "Dev"},
    {"_id": 2, "name": "Eliot", "reportsTo": "Dev"},
    {"_id": 3, "name": "Ron", "reportsTo": "Eliot"},
    {"_id": 4, "name": "Andrew", "reportsTo": "Eliot"},
    {"_id": 5, "name": "Asya", "reportsTo": "Ron"},
    {"_id": 6, "name": "Dan", "reportsTo": "Andrew"},
]
HIERARCHY = {
    "from": "employees",
    "startWith": "$reportsTo",
    "connectFromField": "reportsTo",
    "connectToField": "name",
    "as": "above",
}


@pytest.mark.parametrize("batch", [1, 2, 100])
async def test_graph_lookup_follows_references(aggregate: Aggregate, batch: int) -> None:
    """The manual's example, with the number of steps."""
    stage = {"$graphLookup": {**HIERARCHY, "depthField": "steps"}}
    made = await aggregate(EMPLOYEES, [stage], batch=batch, employees=EMPLOYEES)
    above = [{each["name"]: each["steps"] for each in document["above"]} for document in made]
    assert above == [
        {},
        {"Dev": 0},
        {"Eliot": 0, "Dev": 1},
        {"Eliot": 0, "Dev": 1},
        {"Ron": 0, "Eliot": 1, "Dev": 2},
        {"Andrew": 0, "Eliot": 1, "Dev": 2},
    ]


async def test_the_number_of_steps_is_a_long(aggregate: Aggregate) -> None:
    """Manual, "$graphLookup", depthField."""
    stages = [{"$graphLookup": {**HIERARCHY, "depthField": "steps"}}, {"$unwind": "$above"}]
    typed = [*stages, {"$group": {"_id": {"$type": "$above.steps"}}}]
    assert await aggregate(EMPLOYEES, typed, employees=EMPLOYEES) == [{"_id": "long"}]


@pytest.mark.parametrize(
    ("depth", "names"),
    [(0, {"Ron"}), (1, {"Ron", "Eliot"}), (2.0, {"Ron", "Eliot", "Dev"}), (9, {"Ron", "Eliot", "Dev"})],
)
async def test_graph_lookup_goes_so_many_steps(aggregate: Aggregate, depth: Any, names: set[str]) -> None:
    """0 is the first step alone."""
    (made,) = await aggregate([EMPLOYEES[4]], [{"$graphLookup": {**HIERARCHY, "maxDepth": depth}}], employees=EMPLOYEES)
    assert {each["name"] for each in made["above"]} == names


async def test_graph_lookup_ends_in_a_circle(aggregate: Aggregate) -> None:
    """Every document is found once."""
    nodes = [{"_id": n, "to": [(n + 1) % 4, (n + 2) % 4]} for n in range(4)]
    options = {"from": "g", "startWith": "$_id", "connectFromField": "to", "connectToField": "_id", "as": "x"}
    made = await aggregate(nodes, [{"$graphLookup": {**options, "depthField": "d"}}], g=nodes)
    for document in made:
        start = document["_id"]
        assert {each["_id"]: each["d"] for each in document["x"]} == {
            start: 0,
            (start + 1) % 4: 1,
            (start + 2) % 4: 1,
            (start + 3) % 4: 2,
        }


async def test_graph_lookup_may_be_restricted(aggregate: Aggregate) -> None:
    """What the filter refuses is not found, nor what only it would lead to."""
    stage = {"$graphLookup": {**HIERARCHY, "restrictSearchWithMatch": {"name": {"$ne": "Eliot"}}}}
    (made,) = await aggregate([EMPLOYEES[4]], [stage], employees=EMPLOYEES)
    assert [each["name"] for each in made["above"]] == ["Ron"]


async def test_graph_lookup_begins_with_each_element_of_an_array(aggregate: Aggregate) -> None:
    """And with nothing where the expression gives nothing."""
    options = {**HIERARCHY, "startWith": "$starts", "maxDepth": 0}
    documents = [
        {"_id": 1, "starts": ["Dev", "Ron"]},
        {"_id": 2},
        {"_id": 3, "starts": []},
        {"_id": 4, "starts": "Dan"},
    ]
    made = await aggregate(documents, [{"$graphLookup": options}], employees=EMPLOYEES)
    assert [[each["name"] for each in document["above"]] for document in made] == [["Dev", "Ron"], [], [], ["Dan"]]


async def test_graph_lookup_meets_arrays_on_both_sides(aggregate: Aggregate) -> None:
    """An array leads on by each element, and is found by each."""
    nodes = [
        {"_id": 1, "keys": ["a", "b"], "to": ["c"]},
        {"_id": 2, "keys": "c", "to": [{"no": 1}]},
        {"_id": 3, "keys": ["b"]},
    ]
    options = {"from": "g", "startWith": "b", "connectFromField": "to", "connectToField": "keys", "as": "x"}
    (made,) = await aggregate([{"_id": 0}], [{"$graphLookup": options}], g=nodes)
    assert sorted(each["_id"] for each in made["x"]) == [1, 2, 3]


async def test_null_leads_to_null_and_not_to_missing(aggregate: Aggregate) -> None:
    """Documents that lack the field are found by nothing."""
    nodes = [{"_id": 1, "k": None}, {"_id": 2}, {"_id": 3, "k": 5}]
    options = {"from": "g", "startWith": None, "connectFromField": "to", "connectToField": "k", "as": "x"}
    (made,) = await aggregate([{"_id": 0}], [{"$graphLookup": options}], g=nodes)
    assert [each["_id"] for each in made["x"]] == [1]


async def test_graph_lookup_reads_each_step_of_a_batch_once(aggregate: Aggregate, surroundings: Any) -> None:
    """All searches of a batch share their reads."""
    around = surroundings({"g": [{"_id": n, "next": n + 1} for n in range(10)]})
    options = {"from": "g", "startWith": "$next", "connectFromField": "next", "connectToField": "_id", "as": "x"}
    made = await aggregate([{"_id": n, "next": n} for n in range(10)], [{"$graphLookup": options}], context=around)
    assert [len(document["x"]) for document in made] == list(range(10, 0, -1))
    assert len(around.reads) <= 2


async def test_a_depth_field_does_not_reach_the_collection(aggregate: Aggregate) -> None:
    """Documents found are copies; the depth may be nested."""
    nodes = [{"_id": 1, "m": {"k": 1}}]
    options = {"from": "g", "startWith": 1, "connectFromField": "to", "connectToField": "_id", "as": "x"}
    (made,) = await aggregate([{"_id": 0}], [{"$graphLookup": {**options, "depthField": "m.d"}}], g=nodes)
    assert made["x"] == [{"_id": 1, "m": {"k": 1, "d": 0}}]
    assert nodes == [{"_id": 1, "m": {"k": 1}}]


async def test_graph_lookup_needs_ids(aggregate: Aggregate) -> None:
    """Without an ``_id`` a document cannot be told from others."""
    options = {"from": "g", "startWith": 1, "connectFromField": "to", "connectToField": "k", "as": "x"}
    with pytest.raises(PipelineError) as caught:
        await aggregate([{"_id": 0}], [{"$graphLookup": options}], g=[{"k": 1}])
    assert caught.value.mongo_code == 40271


# $unionWith


async def test_union_appends_a_collection(aggregate: Aggregate) -> None:
    """After the documents of this one, as they are or through a pipeline."""
    here, there = [{"_id": 1, "a": 1}], [{"_id": 2, "a": 2}, {"_id": 3, "a": 3}]
    assert await aggregate(here, [{"$unionWith": "o"}], o=there) == here + there
    assert await aggregate(here, [{"$unionWith": {"coll": "o"}}], o=there) == here + there
    stage = {"$unionWith": {"coll": "o", "pipeline": [{"$match": {"a": 3}}, {"$project": {"a": 1, "_id": 0}}]}}
    assert await aggregate(here, [stage], o=there) == [*here, {"a": 3}]
    stage = {"$unionWith": {"pipeline": [{"$documents": [{"a": 9}]}]}}
    assert await aggregate(here, [stage, {"$sort": {"a": -1}}]) == [{"a": 9}, *here]
    assert await aggregate([], [{"$unionWith": "o"}, {"$unionWith": "o"}], o=there, batch=1) == there + there


async def test_a_limit_after_a_union_reads_no_more_than_needed(aggregate: Aggregate, surroundings: Any) -> None:
    """The other collection is not read where the limit is reached before."""
    around = surroundings({"o": [{"_id": 2}]})
    made = await aggregate([{"_id": 1}, {"_id": 0}], [{"$unionWith": "o"}, {"$limit": 2}], context=around)
    assert made == [{"_id": 1}, {"_id": 0}]
    assert around.reads == []
    made = await aggregate([{"_id": 1}], [{"$unionWith": "o"}, {"$limit": 2}], context=around)
    assert made == [{"_id": 1}, {"_id": 2}]


async def test_what_a_union_appends_is_the_callers(aggregate: Aggregate) -> None:
    """The other collection's documents are copied too, even behind documents that were made."""
    there = [{"_id": 2, "a": [1]}]
    made = await aggregate([{"_id": 1}], [{"$project": {"x": "$_id"}}, {"$unionWith": "o"}], o=there)
    made[1]["a"].append(2)
    assert there == [{"_id": 2, "a": [1]}]


# $facet


async def test_facets_share_one_pass(aggregate: Aggregate) -> None:
    """Each pipeline gives a field; pipelines that read collections among them."""
    documents = [{"_id": n, "a": n % 3} for n in range(10)]
    plain = {
        "groups": [{"$group": {"_id": "$a", "n": {"$sum": 1}}}, {"$sort": {"_id": 1}}],
        "first": [{"$limit": 2}],
        "none": [{"$match": {"a": 9}}],
        "all": [{"$count": "n"}],
        "same": [],
    }
    expected = {
        "groups": [{"_id": 0, "n": 4}, {"_id": 1, "n": 3}, {"_id": 2, "n": 3}],
        "first": [{"_id": 0, "a": 0}, {"_id": 1, "a": 1}],
        "none": [],
        "all": [{"n": 10}],
        "same": documents,
    }
    for batch in (1, 4, 100):
        assert await aggregate(documents, [{"$facet": plain}], batch=batch) == [expected]
        lookup = {"$lookup": {"from": "f", "localField": "a", "foreignField": "_id", "as": "x"}}
        facets = {**plain, "joined": [{"$limit": 1}, lookup]}
        made = await aggregate(documents, [{"$facet": facets}], batch=batch, f=[{"_id": 0}])
        assert made == [{**expected, "joined": [{"_id": 0, "a": 0, "x": [{"_id": 0}]}]}]
    assert list(made[0]) == ["groups", "first", "none", "all", "same", "joined"]


async def test_facets_of_nothing(aggregate: Aggregate) -> None:
    """One document comes out in any case."""
    assert await aggregate([], [{"$facet": {"a": [{"$limit": 1}], "b": [{"$count": "n"}]}}]) == [{"a": [], "b": []}]


async def test_facets_that_want_no_more_stop_the_source(aggregate: Aggregate, surroundings: Any) -> None:
    """The source is read until the last facet has enough."""
    taken = []

    async def source() -> Any:
        for n in range(100):
            taken.append(n)
            yield [{"_id": n}]

    for extra in ([], [{"$lookup": {"from": "f", "localField": "a", "foreignField": "b", "as": "x"}}]):
        taken.clear()
        pipeline = parse_pipeline([{"$facet": {"a": [{"$limit": 3}, *extra], "b": [{"$limit": 5}]}}])
        batches = [batch async for batch in run(pipeline, source(), surroundings({"f": []}))]
        assert [len(batches[0][0][name]) for name in "ab"] == [3, 5]
        assert len(taken) == 5


async def test_facets_do_not_share_documents(aggregate: Aggregate) -> None:
    """A document in two facets is two documents of the caller."""
    source = [{"_id": 1, "a": [1]}]
    (made,) = await aggregate(source, [{"$facet": {"x": [], "y": []}}])
    made["x"][0]["a"].append(2)
    assert made["y"] == source == [{"_id": 1, "a": [1]}]


# Without other collections


@pytest.mark.parametrize(
    "stage",
    [
        {"$lookup": {"from": "o", "localField": "a", "foreignField": "a", "as": "x"}},
        {"$unionWith": "o"},
        {"$out": "o"},
        {"$merge": "o"},
        {"$merge": {"into": "o", "on": "a"}},
        {"$merge": {"into": "o", "whenMatched": "fail"}},
    ],
)
async def test_pipelines_over_documents_at_hand_have_no_collections(stage: Any) -> None:
    """The surroundings of such a run say so."""

    async def source() -> Any:
        yield [{"_id": 1, "a": 1}]

    with pytest.raises(UnsupportedFeatureError):
        async for _ in run(parse_pipeline([stage]), source(), LocalContext()):
            pass

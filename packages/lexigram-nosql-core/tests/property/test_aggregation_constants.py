"""Stages compiled once for all constants answer as stages compiled with the constants in them do."""

from __future__ import annotations

import asyncio
import math
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from bson import Binary, Decimal128, Int64, Regex, Timestamp
from hypothesis import given, settings
from hypothesis import strategies as st
from lexigram.nosql.aggregation import LocalContext, lifting, parse_pipeline
from lexigram.nosql.aggregation import parse as pipelines
from lexigram.nosql.aggregation.expressions.compile import CACHE
from lexigram.nosql.aggregation.run import run
from lexigram.nosql.exceptions import NoSQLError
from lexigram.nosql.query import parse as filters
from lexigram.nosql.query import parser, projection, shape
from lexigram.nosql.query.projection import parse_projection

NOW = datetime(2024, 5, 6, 7, 8, 9, tzinfo=UTC)
CONSTANTS = st.sampled_from(
    [
        *(0, 1, -1, 7, 2**31, 2**63 - 1, 2**63, 0.0, -0.0, 1.0, 2.5, math.nan, math.inf, True, False, None),
        *("", "a", "é", "1", "$", "$$", "\0", "\ud800", Decimal(1), Decimal("1.00"), Decimal("NaN"), NOW),
        *(NOW.replace(tzinfo=None, microsecond=1234), b"x", [], [1, "$a"], {}),
        *(Binary(b"x", 5), Binary(b"x", 128), Int64(1), Decimal128("1"), Regex("a"), Regex("a", "i"), Timestamp(1, 1)),
    ]
)
PATHS = st.sampled_from(["$a", "$b", "$c.d", "$none", "$$ROOT.a", "$$NOW", "$$REMOVE", "$a."])
BINARY = st.sampled_from(
    ["$eq", "$ne", "$gt", "$gte", "$lt", "$lte", "$cmp", "$add", "$subtract", "$multiply", "$divide", "$mod"]
)
MANY = st.sampled_from(["$add", "$multiply", "$and", "$or", "$ifNull", "$concat", "$max", "$mergeObjects"])
UNARY = st.sampled_from(
    ["$abs", "$size", "$toUpper", "$isArray", "$first", "$reverseArray", "$arrayToObject", "$type", "$toInt", "$sum"]
)
ARRAYS = st.sampled_from(
    [
        *("$in", "$setUnion", "$setIntersection", "$setDifference", "$setEquals", "$setIsSubset", "$concatArrays"),
        *("$arrayElemAt", "$slice", "$indexOfArray", "$range", "$split", "$max", "$mergeObjects", "$round"),
    ]
)
VALUES = st.one_of(CONSTANTS, st.sampled_from([3, 4.5, "text", Decimal("2.5")]))


class Hole:
    """The place of a constant in the sketch of a pipeline."""


HOLE = Hole()


def operations(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """Operators whose constants are lifted, and some whose are not."""
    return st.one_of(
        st.builds(lambda name, left, right: {name: [left, right]}, BINARY, inner, inner),
        st.builds(lambda name, parts: {name: parts}, MANY, st.lists(inner, min_size=1, max_size=3)),
        st.builds(lambda a, b, c: {"$cond": [a, b, c]}, inner, inner, inner),
        st.builds(lambda a, b, c: {"$cond": {"if": a, "then": b, "else": c}}, inner, inner, inner),
        st.builds(lambda a: {"$not": a}, inner),
        st.builds(lambda a: {"$not": [a]}, inner),
        st.builds(lambda a: {"$literal": a}, inner),
        st.builds(lambda a, b: {"$in": [a, [b, 1]]}, inner, inner),
        st.builds(lambda a, b: {"$map": {"input": [1, a], "in": {"$eq": ["$$this", b]}}}, inner, inner),
        st.builds(lambda a, b: {"$let": {"vars": {"x": a}, "in": {"$ifNull": ["$$x", b]}}}, inner, inner),
        st.builds(lambda a, b: {"$switch": {"branches": [{"case": a, "then": b}], "default": a}}, inner, inner),
        st.builds(lambda a: {"x": a, "y": [a]}, inner),
        st.builds(lambda name, a: {name: a}, UNARY, inner),
        st.builds(lambda name, a: {name: [a]}, UNARY, inner),
        st.builds(lambda name, a, b: {name: [a, b]}, ARRAYS, inner, inner),
        st.builds(lambda name, a, b: {name: [a, [b, b]]}, ARRAYS, inner, inner),
        st.builds(lambda a, b, c: {"$substrCP": [a, b, c]}, inner, inner, inner),
        st.builds(
            lambda a, b: {"$filter": {"input": ["$a", a], "cond": {"$gt": ["$$this", b]}, "limit": b}}, inner, inner
        ),
        st.builds(
            lambda a, b: {"$reduce": {"input": ["$a", 2], "initialValue": a, "in": {"$max": ["$$this", b]}}},
            inner,
            inner,
        ),
        st.builds(lambda a, b: {"$replaceAll": {"input": "$a", "find": a, "replacement": b}}, inner, inner),
        st.builds(lambda a: {"$trim": {"input": "$c.d", "chars": a}}, inner),
        st.builds(lambda a, b: {"$setField": {"field": "x", "input": "$c", "value": [a, b]}}, inner, inner),
        st.builds(lambda a, b: {"$getField": {"field": a, "input": {"a": b, "c": "$a"}}}, inner, inner),
        st.builds(lambda a, b: {"$convert": {"input": "$a", "to": a, "onError": b, "onNull": a}}, inner, inner),
        st.builds(
            lambda a, b: {"$dateAdd": {"startDate": "$$NOW", "unit": "day", "amount": a, "timezone": b}}, inner, inner
        ),
        st.builds(lambda a, b: {"$dateToString": {"date": a, "format": b, "onNull": b}}, inner, inner),
        st.builds(lambda a: {"$regexMatch": {"input": "$a", "regex": a}}, inner),
        st.builds(lambda a: {"$literal": [a]}, inner),
    )


EXPRESSIONS = st.recursive(st.one_of(PATHS, st.just(HOLE), st.just(HOLE)), operations, max_leaves=8)
ACCUMULATORS = st.sampled_from(["$sum", "$avg", "$min", "$max", "$first", "$last", "$push", "$addToSet"])
STAGES = st.one_of(
    st.builds(lambda x, y: {"$addFields": {"x": x, "c.y": y}}, EXPRESSIONS, EXPRESSIONS),
    st.builds(lambda x, y: {"$set": {"c": {"x": x}, "a": y}}, EXPRESSIONS, EXPRESSIONS),
    st.builds(lambda x, y: {"$project": {"a": 1, "x": x, "c": {"y": y}}}, EXPRESSIONS, EXPRESSIONS),
    st.builds(
        lambda key, name, x, y: {"$group": {"_id": key, "x": {name: x}, "y": {"$push": y}}},
        EXPRESSIONS,
        ACCUMULATORS,
        EXPRESSIONS,
        EXPRESSIONS,
    ),
    st.builds(lambda x: {"$match": {"$expr": x}}, EXPRESSIONS),
    st.builds(lambda x: {"$match": {"a": {"$ne": 5}, "$expr": {"$eq": ["$a", x]}}}, EXPRESSIONS),
    st.builds(
        lambda x, y: {"$match": {"$or": [{"$expr": x}, {"a": HOLE}, {"$expr": {"$gt": [y, HOLE]}}]}},
        EXPRESSIONS,
        EXPRESSIONS,
    ),
    st.builds(lambda x: {"$facet": {"f": [{"$addFields": {"x": x}}], "g": [{"$match": {"$expr": x}}]}}, EXPRESSIONS),
    st.builds(lambda x: {"$replaceWith": {"a": x, "b": "$a", "c": HOLE}}, EXPRESSIONS),
    st.builds(lambda x: {"$replaceRoot": {"newRoot": {"$mergeObjects": ["$$ROOT", {"c": x}]}}}, EXPRESSIONS),
    st.builds(lambda x: {"$sortByCount": x}, EXPRESSIONS),
    st.builds(lambda x: {"$redact": {"$cond": [x, "$$KEEP", "$$PRUNE"]}}, EXPRESSIONS),
    st.builds(
        lambda x, y: {
            "$bucket": {
                "groupBy": {"$ifNull": [x, HOLE]},
                "boundaries": [0, 5],
                "default": HOLE,
                "output": {"x": {"$push": y}},
            }
        },
        EXPRESSIONS,
        EXPRESSIONS,
    ),
    st.builds(
        lambda x, y: {
            "$setWindowFields": {
                "partitionBy": x,
                "sortBy": {"_id": 1},
                "output": {"x": {"$push": y, "window": {"documents": ["unbounded", "current"]}}},
            }
        },
        EXPRESSIONS,
        EXPRESSIONS,
    ),
    st.builds(
        lambda x, y: {
            "$unionWith": {
                "pipeline": [{"$documents": [{"a": 1}, {"a": HOLE}]}, {"$match": {"$expr": x}}, {"$set": {"x": y}}]
            }
        },
        EXPRESSIONS,
        EXPRESSIONS,
    ),
    st.builds(
        lambda x, y: {
            "$lookup": {
                "as": "c",
                "let": {"x": x, "y": HOLE},
                "pipeline": [
                    {"$documents": [{"a": 1}, {"a": HOLE}]},
                    {"$match": {"$expr": {"$gte": ["$a", "$$x"]}, "a": {"$ne": HOLE}}},
                    {"$set": {"x": y, "y": "$$y"}},
                ],
            }
        },
        EXPRESSIONS,
        EXPRESSIONS,
    ),
    st.just({"$sort": {"a": 1}}),
    st.just({"$limit": 3}),
)
DOCUMENTS: list[dict[str, Any]] = [
    {"_id": 0, "a": 1, "b": 2.5, "c": {"d": "text"}},
    {"_id": 1, "a": "a", "b": None, "c": {"d": NOW}},
    {"_id": 2, "a": True, "b": Decimal("2.50"), "c": [{"d": 1}, {"d": 1.0}]},
    {"_id": 3, "b": math.nan},
    {"_id": 4, "a": 1.0, "b": -0.0, "c": {"d": 2**62}},
]


def filled(sketch: Any, constants: list[Any], used: list[int]) -> Any:
    """A pipeline made of a sketch: each hole takes the next constant."""
    if sketch is HOLE:
        used[0] += 1
        return constants[used[0] % len(constants)]
    if isinstance(sketch, dict):
        return {name: filled(value, constants, used) for name, value in sketch.items()}
    if isinstance(sketch, list):
        return [filled(value, constants, used) for value in sketch]
    return sketch


async def source() -> AsyncIterator[list[dict[str, Any]]]:
    yield DOCUMENTS[:3]
    yield DOCUMENTS[3:]


async def answered(pipeline: Any) -> str:
    found: list[Any] = []
    async for batch in run(pipeline, source(), LocalContext(now=NOW)):
        found += batch
    return repr(found)  # which tells 1 from 1.0 and true, 0.0 from -0.0, and NaN from nothing


def outcome(stages: Any) -> tuple[str, ...]:
    """What a pipeline gives, or its error: where, which, and what is told of it."""
    step = "parsing"
    try:
        pipeline = parse_pipeline(stages)
        step = "running"
        return "answer", asyncio.run(answered(pipeline))
    except NoSQLError as error:
        return step, type(error).__name__, str(error), repr(getattr(error, "mongo_code", None))


@settings(max_examples=400, deadline=None)
@given(
    st.lists(STAGES, min_size=1, max_size=3), st.lists(st.lists(VALUES, min_size=1, max_size=6), min_size=3, max_size=5)
)
def test_pipelines_answer_the_same_with_constants_as_parameters(sketch: list[Any], rows: list[list[Any]]) -> None:
    """Whatever constants came before, answers, their types and errors are those of a fresh compilation."""
    written = [filled(sketch, row, [0]) for row in rows]
    forget()
    shared = [outcome(stages) for stages in [*written, *written]]
    alone: list[tuple[str, ...]] = []
    with constants_in_place():
        for stages in written:
            forget()
            alone.append(outcome(stages))
    forget()
    assert shared == alone + alone


def forget() -> None:
    """Forget all that was compiled."""
    pipelines.cache_clear()
    filters.cache_clear()
    CACHE.clear()
    projection.cache_clear()


@contextmanager
def constants_in_place() -> Iterator[None]:
    """Compile everything with its constants in it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pipelines, "lift_stage", lambda _name, specification, _put: specification)
        patch.setattr(lifting, "lift_projection", lambda specification, _put: specification)
        for module in (shape, parser):
            patch.setattr(module, "lift", lambda expression, _put: expression)
        yield


def shown(spec: Any) -> tuple[str, ...]:
    """What a projection shows of documents, or its error."""
    try:
        found = parse_projection(spec)
        assert found is not None
        return tuple([repr(found.apply(document)) for document in DOCUMENTS])
    except NoSQLError as error:
        return type(error).__name__, str(error), repr(error.mongo_code)


PROJECTED = EXPRESSIONS.filter(lambda sketch: "$$NOW" not in repr(sketch))


def test_a_slice_of_a_number_has_the_same_error_with_constants_as_parameters() -> None:
    """The first number of a $slice tells the projection's own from the expression."""
    sketches = [{"a": 1, "c": {"y": {"$slice": [0, "$a"]}}}, {"a": 1, "y": {"$slice": [3, "$a"]}}]
    forget()
    shared = [shown(spec) for spec in [*sketches, *sketches]]
    with constants_in_place():
        forget()
        alone = [shown(spec) for spec in sketches]
    forget()
    assert shared == alone + alone


@settings(max_examples=200, deadline=None)
@given(PROJECTED, PROJECTED, st.lists(st.lists(VALUES, min_size=1, max_size=4), min_size=2, max_size=4))
def test_projections_show_the_same_with_constants_as_parameters(x: Any, y: Any, rows: list[list[Any]]) -> None:
    """Whatever constants came before, a read shows what a projection with its constants in it shows."""
    sketch = {"a": 1, "x": x, "c": {"y": y}}
    written = [filled(sketch, row, [0]) for row in rows]
    forget()
    shared = [shown(spec) for spec in [*written, *written]]
    alone: list[tuple[str, ...]] = []
    with constants_in_place():
        for spec in written:
            forget()
            alone.append(shown(spec))
    forget()
    assert shared == alone + alone

"""Filters and orders in the server's form: exact where it means the same, a superset where it does not."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from bson.regex import Regex
from hypothesis import given
from lexigram.nosql.backends.mongodb.compiling import compile_filter, compile_hint, compile_sort
from lexigram.nosql.backends.mongodb.versions import first_version
from lexigram.nosql.query.parse import parse_filter
from lexigram.nosql.query.sort import parse_sort
from lexigram.nosql.testing.strategies import documents, filters

NEW = (8, 2, 0)
OLD = (4, 2, 0)
MOMENT = datetime(2024, 1, 1, tzinfo=UTC)

CASES: list[tuple[dict[str, Any], dict[str, Any]]] = [
    ({}, {}),
    ({"_id": "a"}, {"_id": "a"}),
    ({"a": 1, "b": Decimal("1.5")}, {"a": 1, "b": Decimal("1.5")}),
    ({"a": None}, {"a": None}),
    ({"a": {"x": 1}}, {"a": {"$eq": {"x": 1}}}),
    ({"a": [1, 2]}, {"a": {"$eq": [1, 2]}}),
    ({"a": {"$gte": 1, "$lt": 5}}, {"a": {"$gte": 1, "$lt": 5}}),
    ({"a": {"$ne": 1}}, {"a": {"$ne": 1}}),
    ({"a": {"$in": [1, 2]}}, {"a": {"$in": [1, 2]}}),
    ({"a": {"$nin": [1, 2]}}, {"a": {"$nin": [1, 2]}}),
    ({"a": {"$in": []}}, {"_id": {"$in": []}}),
    ({"a": {"$exists": False}}, {"a": {"$exists": False}}),
    ({"a": {"$not": {"$gt": 5}}}, {"a": {"$not": {"$gt": 5}}}),
    ({"$or": [{"a": 1}, {"b": {"$gt": MOMENT}}]}, {"$or": [{"a": 1}, {"b": {"$gt": MOMENT}}]}),
    ({"$nor": [{"a": 1}]}, {"$nor": [{"a": 1}]}),
    ({"$and": [{"a": 1}, {"a": 2}]}, {"$and": [{"a": 1}, {"a": 2}]}),
    ({"a": {"$regex": "^x", "$options": "i"}}, {"a": {"$regex": "^x", "$options": "i"}}),
    ({"a": {"$all": [1, 2]}}, {"a": {"$all": [1, 2]}}),
    ({"a": {"$size": 2}}, {"a": {"$size": 2}}),
    ({"a": {"$mod": [4, 1]}}, {"a": {"$mod": [4, 1]}}),
    ({"a": {"$elemMatch": {"$gt": 1, "$lt": 5}}}, {"a": {"$elemMatch": {"$gt": 1, "$lt": 5}}}),
    ({"a": {"$elemMatch": {"x": 1, "y": 2}}}, {"a": {"$elemMatch": {"x": 1, "y": 2}}}),
    ({"a": {"$type": "string"}}, {"a": {"$type": [2]}}),
    ({"$expr": {"$gt": ["$a", "$b"]}}, {"$expr": {"$gt": ["$a", "$b"]}}),
    ({"$text": {"$search": "coffee", "$language": "en"}}, {"$text": {"$search": "coffee", "$language": "en"}}),
]


@pytest.mark.parametrize(("filter", "native"), CASES, ids=[repr(case[0])[:60] for case in CASES])
def test_a_filter_goes_down_as_it_stands(filter: dict[str, Any], native: dict[str, Any]) -> None:
    """All of it, so nothing is left for the engine."""
    assert compile_filter(parse_filter(filter), NEW) == (native, True)


def test_a_pattern_among_values_goes_down_as_bson_s() -> None:
    """Where only values may stand."""
    native, exact = compile_filter(parse_filter({"a": {"$in": [1, re.compile("^x", re.IGNORECASE)]}}), NEW)

    assert exact
    assert native == {"a": {"$in": [1, Regex("^x", "i")]}}


@given(filters(), documents())
def test_what_goes_down_means_what_was_asked(filter: dict[str, Any], document: dict[str, Any]) -> None:
    """The native form, read by the engine again, holds for the same documents."""
    query = parse_filter(filter)
    native, exact = compile_filter(query, NEW)
    again = parse_filter(native)

    if exact:
        assert again.matches(document) == query.matches(document)
    else:
        assert again.matches(document) or not query.matches(document)


def test_an_operator_that_the_server_lacks_is_left_to_the_engine() -> None:
    """The other conditions go down, and select more."""
    days = {"$dateDiff": {"startDate": "$a", "endDate": "$b", "unit": "day"}}
    query = parse_filter({"a": 1, "$expr": {"$gt": [days, 1]}})

    assert compile_filter(query, OLD) == ({"a": 1}, False)
    assert compile_filter(query, NEW)[1]


def test_a_disjunction_is_left_as_a_whole() -> None:
    """Leaving out a part of it would select less."""
    query = parse_filter({"b": 2, "$or": [{"a": 1}, {"$sampleRate": 0.5}]})

    assert compile_filter(query, OLD) == ({"b": 2}, False)


def test_an_order_goes_down() -> None:
    """By fields, by place, by score where the filter gives one; by chance it does not."""
    plain, text = parse_filter({}), parse_filter({"$text": {"$search": "x"}})

    assert compile_sort(None, plain) == (None, True)
    assert compile_sort(parse_sort([("a", 1), ("b", -1)]), plain) == ([("a", 1), ("b", -1)], True)
    assert compile_sort(parse_sort([("$natural", -1)]), plain) == ([("$natural", -1)], True)
    score = parse_sort([("score", {"$meta": "textScore"})], query=text)
    assert compile_sort(score, text) == ([("score", {"$meta": "textScore"})], True)
    assert compile_sort(parse_sort([("r", {"$meta": "randVal"})]), plain) == (None, False)


def test_a_hint_by_keys_is_a_list() -> None:
    """As the SDK takes it."""
    assert compile_hint((("a", 1),)) == [("a", 1)]
    assert compile_hint("a_1") == "a_1"
    assert compile_hint(None) is None


def test_the_newest_operator_of_an_expression_decides() -> None:
    """At any depth, in documents and lists."""
    assert first_version({"$add": ["$a", 1]}) == ()
    assert first_version({"$add": [{"$bitAnd": ["$a", {"$getField": "b"}]}, 1]}) == (6, 3)

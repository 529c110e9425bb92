"""Comparison, truth and choice."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from bson import Decimal128, Int64, MaxKey, MinKey, ObjectId
from lexigram.nosql.aggregation.expressions import compile_expression
from lexigram.nosql.exceptions import PipelineError
from lexigram.nosql.values.collation import parse_collation
from lexigram.nosql.values.path import MISSING

NAN = float("nan")

# In ascending order; no two are equal.
ORDER: list[Any] = [
    MinKey(),
    MISSING,
    None,
    NAN,
    float("-inf"),
    -5,
    0,
    Decimal("0.5"),
    1.5,
    Int64(2),
    2**53,
    Decimal("1E+30"),
    "",
    "A",
    "a",
    "\u00e9",
    {},
    {"a": 1},
    {"a": 1, "b": 2},
    {"b": 1},
    [],
    [1],
    [1, 2],
    [2],
    b"a",
    ObjectId("5ab9cbfa31c2ab715d42129e"),
    False,
    True,
    datetime(2020, 1, 1, tzinfo=UTC),
    MaxKey(),
]


def evaluate(expression: Any, document: dict[str, Any] | None = None, **options: Any) -> Any:
    return compile_expression(expression, **options)(document or {}, {})


def documents(left: Any, right: Any) -> dict[str, Any]:
    return {name: value for name, value in (("l", left), ("r", right)) if value is not MISSING}


@pytest.mark.parametrize("left", range(len(ORDER)))
def test_all_values_compare_in_one_order(left: int) -> None:
    """Every comparison operator agrees with the position of its operands."""
    for right in range(len(ORDER)):
        document = documents(ORDER[left], ORDER[right])
        sign = (left > right) - (left < right)
        outcome = {
            operator: evaluate({operator: ["$l", "$r"]}, document)
            for operator in ("$cmp", "$eq", "$ne", "$gt", "$gte", "$lt", "$lte")
        }
        assert outcome == {
            "$cmp": sign,
            "$eq": sign == 0,
            "$ne": sign != 0,
            "$gt": sign > 0,
            "$gte": sign >= 0,
            "$lt": sign < 0,
            "$lte": sign <= 0,
        }


@pytest.mark.parametrize(
    ("left", "right"),
    [(1, 1.0), (1, Decimal("1.00")), (1, Int64(1)), (0.0, -0.0), (1.5, Decimal128("1.5")), (NAN, NAN), ([1], [1.0])],
)
def test_equal_numbers_are_equal_whatever_their_type(left: Any, right: Any) -> None:
    """Numeric equality does not ask for the type."""
    assert evaluate({"$eq": ["$l", "$r"]}, documents(left, right)) is True
    assert evaluate({"$ne": ["$l", "$r"]}, documents(left, right)) is False
    assert evaluate({"$cmp": ["$l", "$r"]}, documents(left, right)) == 0


def test_a_bool_is_not_a_number() -> None:
    """Python's equality of True and 1 does not leak."""
    assert evaluate({"$eq": [True, 1]}) is False
    assert evaluate({"$eq": ["$a", 1]}, {"a": True}) is False


def test_a_collation_compares_strings() -> None:
    """Strength 2 ignores case, in all operators that compare."""
    collation = parse_collation({"locale": "en", "strength": 2})
    document = {"l": "Abc", "r": "aBC", "n": 1, "list": ["x", "ABC"]}
    for operator, expected in (("$eq", True), ("$ne", False), ("$gte", True), ("$lt", False), ("$cmp", 0)):
        assert evaluate({operator: ["$l", "$r"]}, document, collation=collation) == expected
    assert evaluate({"$eq": ["$n", 1]}, document, collation=collation) is True
    assert evaluate({"$in": ["$l", "$list"]}, document, collation=collation) is True
    assert evaluate({"$in": ["$l", ["abc"]]}, document, collation=collation) is True
    assert evaluate({"$indexOfArray": ["$list", "$l"]}, document, collation=collation) == 1
    assert evaluate({"$setUnion": [["a"], ["A"]]}, collation=collation) == ["a"]
    assert evaluate({"$max": [["b", "A"]]}, collation=collation) == "b"
    assert evaluate({"$sortArray": {"input": ["b", "A", "a"], "sortBy": 1}}, collation=collation) == ["A", "a", "b"]
    assert evaluate({"$minN": {"n": 1, "input": ["b", "A"]}}, collation=collation) == ["A"]


@pytest.mark.parametrize(
    ("value", "truth"),
    [
        (True, True),
        (False, False),
        (None, False),
        (MISSING, False),
        (0, False),
        (0.0, False),
        (-0.0, False),
        (Decimal("0.00"), False),
        (Decimal128("0"), False),
        (Int64(0), False),
        (1, True),
        (-1.5, True),
        (NAN, True),
        (Decimal(1), True),
        (Decimal128("1"), True),
        ("", True),
        ("false", True),
        ([], True),
        ({}, True),
    ],
)
def test_truth_is_mongodbs(value: Any, truth: bool) -> None:
    """Only false, null, missing and zero are false."""
    document = {} if value is MISSING else {"v": value}
    assert evaluate({"$and": ["$v"]}, document) is truth
    assert evaluate({"$or": ["$v"]}, document) is truth
    assert evaluate({"$not": ["$v"]}, document) is not truth
    assert evaluate({"$cond": ["$v", "yes", "no"]}, document) == ("yes" if truth else "no")
    assert evaluate({"$switch": {"branches": [{"case": "$v", "then": 1}], "default": 2}}, document) == (
        1 if truth else 2
    )
    if value is not MISSING:
        assert evaluate({"$allElementsTrue": [["$v"]]}, document) is truth
        assert evaluate({"$anyElementTrue": [["$v"]]}, document) is truth
        assert len(evaluate({"$filter": {"input": ["$v"], "cond": "$$this"}}, document)) == truth


@pytest.mark.parametrize(
    ("expression", "document", "expected"),
    [
        ({"$and": []}, {}, True),
        ({"$or": []}, {}, False),
        ({"$and": ["$a", "$b"]}, {"a": True, "b": 0}, False),
        ({"$or": ["$a", "$b"]}, {"a": False, "b": 2}, True),
        ({"$and": ["$a", {"$divide": [1, "$z"]}]}, {"a": False, "z": 0}, False),
        ({"$or": ["$a", {"$divide": [1, "$z"]}]}, {"a": True, "z": 0}, True),
        ({"$and": "$a"}, {"a": 1}, True),
        ({"$cond": {"if": "$a", "then": 1, "else": 2}}, {"a": True}, 1),
        ({"$cond": {"else": 2, "then": 1, "if": "$a"}}, {"a": False}, 2),
        ({"$cond": ["$a", 1, {"$divide": [1, "$z"]}]}, {"a": 1, "z": 0}, 1),
        ({"$ifNull": ["$a", "x"]}, {"a": None}, "x"),
        ({"$ifNull": ["$a", "x"]}, {"a": 0}, 0),
        ({"$ifNull": ["$a", "$b", "x"]}, {}, "x"),
        ({"$ifNull": ["$a", "$b", "x"]}, {"b": 5}, 5),
        ({"$switch": {"branches": [{"case": "$a", "then": 1}, {"case": True, "then": 2}]}}, {"a": 0}, 2),
        ({"$allElementsTrue": "$a"}, {"a": [1, True]}, True),
        ({"$allElementsTrue": [[]]}, {}, True),
        ({"$anyElementTrue": [[]]}, {}, False),
        ({"$anyElementTrue": [[0, None]]}, {}, False),
    ],
)
def test_choices_evaluate_only_what_they_need(expression: Any, document: dict[str, Any], expected: Any) -> None:
    """Branches not taken are not evaluated."""
    assert evaluate(expression, document) == expected


def test_ifnull_may_end_in_nothing() -> None:
    """The last operand is given whatever it is."""
    assert evaluate({"$ifNull": ["$a", "$b"]}) is MISSING


@pytest.mark.parametrize(
    ("expression", "code"),
    [
        ({"$eq": [1]}, 16020),
        ({"$not": [1, 2]}, 16020),
        ({"$cond": [1, 2]}, 16020),
        ({"$cond": {"then": 1, "else": 2}}, 17080),
        ({"$cond": {"if": 1, "else": 2}}, 17081),
        ({"$cond": {"if": 1, "then": 2}}, 17082),
        ({"$cond": {"if": 1, "then": 2, "else": 3, "more": 4}}, 17083),
        ({"$ifNull": ["$a"]}, 1257300),
        ({"$switch": 1}, 40060),
        ({"$switch": {"branches": 1}}, 40061),
        ({"$switch": {"branches": [1]}}, 40062),
        ({"$switch": {"branches": [{"case": 1, "then": 2, "x": 3}]}}, 40063),
        ({"$switch": {"branches": [{"then": 2}]}}, 40064),
        ({"$switch": {"branches": [{"case": 2}]}}, 40065),
        ({"$switch": {"branches": [{"case": "$gone", "then": 2}]}}, 40066),
        ({"$switch": {"x": 1}}, 40067),
        ({"$switch": {"branches": []}}, 40068),
        ({"$switch": {}}, 40068),
        ({"$allElementsTrue": [1]}, 17040),
        ({"$anyElementTrue": ["$gone"]}, 17041),
    ],
)
def test_faults_have_mongodbs_codes(expression: Any, code: int) -> None:
    """Found when compiling, or when evaluating where they depend on the document."""
    with pytest.raises(PipelineError) as caught:
        evaluate(expression)
    assert caught.value.mongo_code == code

"""Filter expressions become filters, one for each expression and its meaning."""

from __future__ import annotations

import re
from typing import Any

import pytest
from bson import Regex
from lexigram.contracts.data.types import (
    AndExpr,
    FieldContains,
    FieldEq,
    FieldGt,
    FieldGte,
    FieldIn,
    FieldLt,
    FieldLte,
    FieldNeq,
    FilterExpression,
    NotExpr,
    OrExpr,
)
from lexigram.nosql.exceptions import NoSQLFilterError
from lexigram.nosql.query.parse import parse_filter
from lexigram.nosql.specification import to_filter
from lexigram.nosql.specification.document import equality

A, B, C = FieldEq("a", 1), FieldEq("b", 2), FieldEq("c", 3)


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        (FieldEq("a", 1), {"a": 1}),
        (FieldEq("a", None), {"a": None}),
        (FieldEq("a", {"$gt": 1}), {"a": {"$eq": {"$gt": 1}}}),
        (FieldEq("a", re.compile("x")), {"a": {"$eq": re.compile("x")}}),
        (FieldNeq("a", 1), {"a": {"$ne": 1}}),
        (FieldNeq("a", re.compile("x")), {"a": {"$not": {"$eq": re.compile("x")}}}),
        (FieldGt("a", 1), {"a": {"$gt": 1}}),
        (FieldGte("a", 1), {"a": {"$gte": 1}}),
        (FieldLt("a", 1), {"a": {"$lt": 1}}),
        (FieldLte("a", 1), {"a": {"$lte": 1}}),
        (FieldLte("a", None), {"a": {"$in": []}}),
        (FieldIn("a", (1, 2)), {"a": {"$in": [1, 2]}}),
        (FieldIn("a", ()), {"a": {"$in": []}}),
        (FieldIn("a", (1, re.compile("x"))), {"$or": [{"a": 1}, {"a": {"$eq": re.compile("x")}}]}),
        (FieldContains("a", 1), {"a": {"$elemMatch": {"$eq": 1}}}),
        (A & B, {"$and": [{"a": 1}, {"b": 2}]}),
        (A | B, {"$or": [{"a": 1}, {"b": 2}]}),
        (A & B & C, {"$and": [{"a": 1}, {"b": 2}, {"c": 3}]}),
        (A | (B | C), {"$or": [{"a": 1}, {"b": 2}, {"c": 3}]}),
        (A & (B | C), {"$and": [{"a": 1}, {"$or": [{"b": 2}, {"c": 3}]}]}),
        (~A, {"$nor": [{"a": 1}]}),
        (~~A, {"a": 1}),
        (~~~A, {"$nor": [{"a": 1}]}),
        (~(A | B), {"$nor": [{"a": 1}, {"b": 2}]}),
        (~(A & B), {"$nor": [{"$and": [{"a": 1}, {"b": 2}]}]}),
        (~~(A | B), {"$or": [{"a": 1}, {"b": 2}]}),
    ],
)
def test_an_expression_has_its_filter(spec: FilterExpression, expected: dict[str, Any]) -> None:
    """Chains are flat, double negations fall away, and the filter is a valid one."""
    assert to_filter(spec) == expected
    parse_filter(expected)


def test_names_and_values_may_be_called_otherwise_in_documents() -> None:
    """Both are asked for every condition."""
    spec = FieldIn("a", ("x", "y")) & ~FieldContains("b", "z") & FieldGt("c", "w")

    found = to_filter(spec, field=str.upper, value=str.upper)

    assert found == {
        "$and": [
            {"A": {"$in": ["X", "Y"]}},
            {
                "$nor": [
                    {"$or": [{"B": {"$regex": "Z", "$not": {"$type": "array"}}}, {"B": {"$elemMatch": {"$eq": "Z"}}}]}
                ]
            },
            {"C": {"$gt": "W"}},
        ]
    }


@pytest.mark.parametrize("needle", ["", "a.c", "\0", "(", "\\", " \t\n", "[^-]", "#&~;", "é", "𐐷", "$", "^"])
def test_text_is_looked_for_as_it_is(needle: str) -> None:
    """Nothing in it is taken for a regular expression."""
    matches = parse_filter(to_filter(FieldContains("a", needle))).matches

    assert matches({"a": f"x{needle}y"})
    assert matches({"a": ["x", needle]})
    assert not matches({"a": [f"x{needle}y"]})
    assert not matches({"a": None})
    assert not matches({})
    assert matches({"a": "abc"}) is (needle == "")


def test_an_array_holds_elements_that_are_no_text() -> None:
    """A number is found in an array, and nowhere else."""
    matches = parse_filter(to_filter(FieldContains("a", 1))).matches

    assert matches({"a": [0, 1]})
    assert not matches({"a": 1})
    assert not matches({"a": "1"})


@pytest.mark.parametrize("kind", [AndExpr, OrExpr])
@pytest.mark.parametrize("leftward", [True, False])
def test_long_chains_are_flat(kind: Any, leftward: bool) -> None:
    """Ten thousand conditions, nested either way, are one list."""
    spec: Any = FieldEq("a", 0)
    for number in range(1, 10_000):
        spec = kind(spec, FieldEq("a", number)) if leftward else kind(FieldEq("a", number), spec)

    found = to_filter(spec)

    (parts,) = found.values()
    assert [part["a"] for part in parts] == sorted(range(10_000), reverse=not leftward)
    assert parse_filter(found).matches({"a": 9_999}) is (kind is OrExpr)


def test_ten_thousand_negations_are_none() -> None:
    """Two make none."""
    spec: FilterExpression = A
    for _ in range(10_000):
        spec = NotExpr(spec)

    assert to_filter(spec) == {"a": 1}


def test_what_alternates_endlessly_is_translated_and_then_refused() -> None:
    """The translation does not run out of stack; the language allows no such depth."""
    spec: FilterExpression = A
    for _ in range(5_000):
        spec = ~((spec | B) & C)

    with pytest.raises(NoSQLFilterError):
        parse_filter(to_filter(spec))


@pytest.mark.parametrize("spec", [None, {"a": 1}, AndExpr(A, "b")])  # type: ignore[arg-type]
def test_what_is_no_expression_is_refused(spec: Any) -> None:
    """Also inside of one."""
    with pytest.raises(TypeError, match="is not a filter expression"):
        to_filter(spec)


def test_equality_takes_nothing_for_an_operator() -> None:
    """Plain values stay as they are."""
    assert equality(1) == 1
    assert equality([1]) == [1]
    assert equality({}) == {"$eq": {}}
    assert equality(Regex("a")) == {"$eq": Regex("a")}

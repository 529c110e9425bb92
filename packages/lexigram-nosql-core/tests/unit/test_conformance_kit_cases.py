"""Generated cases are recorded exactly, drawn again by their number, and compared to the last bit."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from lexigram.nosql.backends.memory import InMemoryDocumentStore
from lexigram.nosql.testing.cases import Case, compare, draw, recorded
from lexigram.nosql.testing.comparing import assert_same, assert_same_documents, difference


@pytest.mark.parametrize(
    ("found", "expected", "told"),
    [
        ({"a": 1}, {"a": 1.0}, "a is 1 (int), expected 1.0 (float)"),
        ({"a": True}, {"a": 1}, "a is True (bool), expected 1 (int)"),
        ({"a": [0.0]}, {"a": [-0.0]}, "a[0] is 0.0, expected -0.0"),
        (
            {"a": {"b": Decimal("1.0")}},
            {"a": {"b": Decimal("1.00")}},
            "a.b is Decimal('1.0'), expected Decimal('1.00')",
        ),
        ({"a": 1, "b": 2}, {"b": 2, "a": 1}, "the value has the fields ['a', 'b'], expected ['b', 'a']"),
        ({"a": [1]}, {"a": [1, 2]}, "a has 1 elements, expected 2: [1] and [1, 2]"),
        (None, {"a": 1}, "the value is None (NoneType), expected {'a': 1} (dict)"),
    ],
)
def test_a_difference_says_where_it_is(found: Any, expected: Any, told: str) -> None:
    """Types, signs, exponents, the order of fields and lengths count."""
    assert difference(found, expected) == told
    with pytest.raises(AssertionError):
        assert_same(found, expected)


def test_what_is_the_same_has_no_difference() -> None:
    """NaN is NaN, and documents may come in any order."""
    assert difference({"a": [float("nan"), {}]}, {"a": [float("nan"), {}]}) is None
    assert_same_documents([{"_id": 2}, {"_id": "a"}, {"_id": 1}], [{"_id": 1}, {"_id": 2}, {"_id": "a"}])


def test_recorded_cases_are_kept_exactly() -> None:
    """Written again they are the same line, and there is something of every kind in them."""
    cases = recorded()
    kinds = {request["kind"] for case in cases for request in case.requests}

    assert len({case.seed for case in cases}) == len(cases) >= 20
    assert len(kinds) == 9
    for case in cases:
        again = Case.from_line(case.to_line())
        assert difference(list(again.documents), list(case.documents)) is None
        assert repr(again.requests) == repr(case.requests)


def test_a_case_is_drawn_again_by_its_number() -> None:
    """Another number gives another."""
    assert draw(5).to_line() == draw(5).to_line()
    assert draw(5).documents != draw(6).documents


async def test_a_store_that_differs_is_told_with_the_request() -> None:
    """An answer, a refusal, and what a write left; later requests begin from the same documents."""
    case = Case(
        9,
        [{"_id": 1, "n": 1}],
        [
            {"kind": "find", "filter": {"n": 1}},
            {"kind": "update_one", "filter": {"n": 1}, "sort": {"_id": 1}, "update": {"$set": {"n": 2}}},
            {"kind": "update_many", "filter": {}, "update": {"$inc": {"n": 1}}},
            {"kind": "count", "filter": {"n": 3}, "skip": 0, "limit": 0},
        ],
    )
    async with InMemoryDocumentStore() as ours, InMemoryDocumentStore() as theirs:
        one, other = theirs.collection("things"), ours.collection("things")
        assert await compare(case, one, other) == []
    async with InMemoryDocumentStore() as ours, InMemoryDocumentStore() as theirs:
        one, other = theirs.collection("things"), ours.collection("things")
        await one.create_index("n", unique=True)
        await one.insert_one({"_id": 99, "n": 2})
        told = await compare(case, one, other)
    assert told[0].startswith("request 1 of seed 9: the value has the fields ['refused'], expected ['answer']")
    assert '"$set":{"n":2}' in told[0]
    assert 'on [{"_id":1,"n":1}]' in told[0]
    assert len(told) == 1

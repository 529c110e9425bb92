"""Generated cases are recorded exactly, drawn again by their number, and compared to the last bit."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from lexigram.nosql.backends.memory import InMemoryDocumentStore
from lexigram.nosql.testing.cases import Case, Difference, compare, draw, recorded
from lexigram.nosql.testing.comparing import assert_same, assert_same_documents, difference
from lexigram.nosql.testing.shrinking import shrink, smaller


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
        told = list(map(str, await compare(case, one, other)))
    assert told[0].startswith("request 1 of seed 9: the value has the fields ['refused'], expected ['answer']")
    assert '"$set":{"n":2}' in told[0]
    assert 'on [{"_id":1,"n":1}]' in told[0]
    assert len(told) == 1


def test_what_is_smaller_lacks_a_part_or_is_one() -> None:
    """Each only a little; an id stays, and what is neither a document nor a list is as small as can be."""
    assert list(smaller({"_id": 1, "a": [5, {"b": 6}]})) == [
        {"_id": 1},
        [5, {"b": 6}],
        {"_id": 1, "a": [{"b": 6}]},
        {"_id": 1, "a": [5]},
        {"_id": 1, "a": {"b": 6}},
        {"_id": 1, "a": [5, {}]},
    ]
    assert list(smaller("text")) == []


DOCUMENTS = [{"_id": number, "n": number, "m": {"k": [number]}} for number in range(6)]
UPDATE = {"kind": "update_many", "filter": {"m.k": {"$gte": 0}}, "update": {"$set": {"n": 7, "o": 1}}}


async def different(request: dict[str, Any], *, tries: int = 400) -> tuple[Difference, Difference]:
    """A difference from a store in which two documents cannot have the same ``n``, and the smallest like it."""
    async with InMemoryDocumentStore() as ours, InMemoryDocumentStore() as theirs:
        one, other = theirs.collection("things"), ours.collection("things")
        await one.create_index("n", unique=True, sparse=True)
        (found,) = await compare(Case(3, DOCUMENTS, [request]), one, other)
        return found, await shrink(found, one, other, tries)


async def test_a_difference_is_shrunk_to_what_it_is_about() -> None:
    """Two documents, and an update that gives both the same number."""
    found, small = await different(UPDATE)

    assert found.kind == small.kind == (True, False, False)
    assert len(small.documents) == 2
    assert all(set(document) == {"_id"} for document in small.documents)
    assert small.request == {"kind": "update_many", "filter": {}, "update": {"$set": {"n": 7}}}
    assert small.place == "request 0 of seed 3"
    assert small.found == {"refused": "DuplicateKeyError"}


async def test_shrinking_ends_after_so_many_tries() -> None:
    """With the smallest so far."""
    found, small = await different(UPDATE, tries=1)

    assert len(found.documents) > len(small.documents) > 2
    assert (await different(UPDATE, tries=0))[1].documents == found.documents


async def test_what_does_not_differ_again_is_left_as_it_is() -> None:
    """It depends on something that is not in the collection."""
    found = Difference({"kind": "find", "filter": {"n": 1}}, DOCUMENTS, {"answer": []}, {"answer": [1]}, "told")
    async with InMemoryDocumentStore() as ours, InMemoryDocumentStore() as theirs:
        assert await shrink(found, theirs.collection("things"), ours.collection("things")) is found

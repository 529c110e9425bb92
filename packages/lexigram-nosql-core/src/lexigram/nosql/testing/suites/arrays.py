"""Conditions on arrays, and through them."""

# ruff: noqa: S101 - these are tests

from __future__ import annotations

from typing import Any

import pytest
from lexigram.nosql.collection import Collection
from lexigram.nosql.testing.suite import Suite, ids_of

__all__ = ["Arrays"]

DOCUMENTS: list[dict[str, Any]] = [
    {"_id": 1, "a": [1, 2, 3]},
    {"_id": 2, "a": 2},
    {"_id": 3, "a": []},
    {"_id": 4, "a": [[1, 2], 5]},
    {"_id": 5, "a": [{"b": 1, "c": 9}, {"b": 7, "c": 2}]},
    {"_id": 6, "a": [{"b": [1, 7]}]},
    {"_id": 7, "a": {"b": 1, "c": 2}},
    {"_id": 8, "a": {"0": "zero"}},
    {"_id": 9, "a": [None, "x"]},
    {"_id": 10},
]

CASES: dict[str, tuple[dict[str, Any], list[int]]] = {
    "an element": ({"a": 2}, [1, 2]),
    "a whole array": ({"a": [1, 2, 3]}, [1]),
    "an array in an array": ({"a": [1, 2]}, [4]),
    "the empty array": ({"a": []}, [3]),
    "null in an array": ({"a": None}, [9, 10]),
    "some element above": ({"a": {"$gt": 2}}, [1, 4]),
    "different elements for a range": ({"a": {"$gt": 2, "$lt": 2}}, [1]),
    "one element for a range": ({"a": {"$elemMatch": {"$gt": 1, "$lt": 3}}}, [1]),
    "no element": ({"a": {"$ne": 2}}, [3, 4, 5, 6, 7, 8, 9, 10]),
    "no element of several": ({"a": {"$nin": [2, "x"]}}, [3, 4, 5, 6, 7, 8, 10]),
    "not above": ({"a": {"$not": {"$gt": 2}}}, [2, 3, 5, 6, 7, 8, 9, 10]),
    "all": ({"a": {"$all": [1, 3]}}, [1]),
    "all of one": ({"a": {"$all": [2]}}, [1, 2]),
    "all of nothing": ({"a": {"$all": []}}, []),
    "all with elemMatch": ({"a": {"$all": [{"$elemMatch": {"b": 1}}, {"$elemMatch": {"c": 2}}]}}, [5]),
    "size": ({"a": {"$size": 2}}, [4, 5, 9]),
    "size zero": ({"a": {"$size": 0}}, [3]),
    "position": ({"a.0": 1}, [1]),
    "position of a pair": ({"a.1": 5}, [4]),
    "position or name": ({"a.0": "zero"}, [8]),
    "position exists": ({"a.2": {"$exists": True}}, [1]),
    "through an array": ({"a.b": 7}, [5, 6]),
    "through an array of arrays": ({"a.b": {"$gt": 5}}, [5, 6]),
    "to an array below": ({"a.b": [1, 7]}, [6]),
    "fields of different elements": ({"a.b": 1, "a.c": 2}, [5, 7]),
    "fields of one element": ({"a": {"$elemMatch": {"b": 1, "c": 2}}}, []),
    "fields of one element found": ({"a": {"$elemMatch": {"b": 7, "c": 2}}}, [5]),
    "not through an array": ({"a.b": {"$ne": 1}}, [1, 2, 3, 4, 8, 9, 10]),
    "missing in all elements": ({"a.b": {"$exists": False}}, [1, 2, 3, 4, 8, 9, 10]),
    "null below": ({"a.c": None}, [2, 6, 8, 10]),
    "a position and below": ({"a.1.b": 7}, [5]),
    "type looks into arrays": ({"a": {"$type": "string"}}, [9]),
    "type of the array": ({"a": {"$type": "array"}}, [1, 3, 4, 5, 6, 9]),
    "in": ({"a": {"$in": [3, "x"]}}, [1, 9]),
    "in with an array": ({"a": {"$in": [[1, 2]]}}, [4]),
    "expr takes the whole": ({"$expr": {"$eq": ["$a", [1, 2, 3]]}}, [1]),
    "elemMatch of elements": ({"a": {"$elemMatch": {"$in": ["x"]}}}, [9]),
    "elemMatch negated": ({"a": {"$not": {"$elemMatch": {"b": {"$exists": True}}}}}, [1, 2, 3, 4, 7, 8, 9, 10]),
    "an object in an array": ({"a": {"b": 1, "c": 9}}, [5]),
}


class Arrays(Suite, topic="arrays"):
    """A condition on a field holds for an array if it holds for an element."""

    @pytest.mark.parametrize("case", CASES)
    async def test_a_filter_selects_by_arrays(self, things: Collection, case: str) -> None:
        """Exactly the documents that MongoDB selects.

        Check ``compile()``: most services compare arrays as wholes, so such conditions are left in ``residue``.
        """
        asked, expected = CASES[case]
        await things.insert_many(DOCUMENTS)
        cursor = things.find(asked)
        found = sorted(ids_of(await cursor.to_list()))
        if case == "null below":
            # An element that is no object does not lack the field; [] and an object without it are told apart below.
            assert set(expected) <= set(found)
            assert not {5, 7} & set(found)
        else:
            assert found == expected
        self.observe("filters", native=(await cursor.explain()).residue is None)

    async def test_an_array_is_sorted_by_its_end(self, things: Collection) -> None:
        """Ascending by the least element, descending by the greatest. Check that such sorts are not native."""
        await things.insert_many([{"_id": 1, "a": [5, 1]}, {"_id": 2, "a": [3]}, {"_id": 3, "a": [9, 2]}])
        assert ids_of(await things.find(sort=[("a", 1)]).to_list()) == [1, 3, 2]
        assert ids_of(await things.find(sort=[("a", -1)]).to_list()) == [3, 1, 2]

    async def test_arrays_keep_their_order_and_types(self, things: Collection) -> None:
        """Mixed, nested and empty ones. Check the codec for lists (sets of a service have no order)."""
        value = [3, "a", 1, [], [[None]], {"x": [1.0]}, True, 3]
        await things.insert_one({"_id": 1, "a": value})
        found = await things.find_one({"_id": 1})
        assert found is not None
        assert repr(found["a"]) == repr(value)

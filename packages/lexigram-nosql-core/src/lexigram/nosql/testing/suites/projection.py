"""Which fields come back, and in what order."""

# ruff: noqa: S101 - these are tests

from __future__ import annotations

from typing import Any

import pytest
from lexigram.nosql.collection import Collection
from lexigram.nosql.exceptions import QueryOptionError
from lexigram.nosql.testing.comparing import assert_same
from lexigram.nosql.testing.suite import Suite

__all__ = ["Projection"]

DOCUMENT: dict[str, Any] = {
    "_id": 1,
    "a": 1,
    "o": {"x": 1, "y": {"z": 2}, "w": 3},
    "l": [{"p": 1, "q": 2}, {"p": 3}, 4],
    "n": [5, 6, 7, 8],
}

CASES: dict[str, tuple[Any, dict[str, Any]]] = {
    "one field": ({"a": 1}, {"_id": 1, "a": 1}),
    "a list of names": (["a", "n"], {"_id": 1, "a": 1, "n": [5, 6, 7, 8]}),
    "without id": ({"a": 1, "_id": 0}, {"a": 1}),
    "only id": ({"_id": 1}, {"_id": 1}),
    "the order of the document": ({"n": 1, "a": 1}, {"_id": 1, "a": 1, "n": [5, 6, 7, 8]}),
    "what is missing": ({"zzz": 1}, {"_id": 1}),
    "a path": ({"o.y.z": 1}, {"_id": 1, "o": {"y": {"z": 2}}}),
    "two paths": ({"o.w": 1, "o.x": 1}, {"_id": 1, "o": {"x": 1, "w": 3}}),
    "nested form": ({"o": {"x": 1}}, {"_id": 1, "o": {"x": 1}}),
    "through an array": ({"l.p": 1}, {"_id": 1, "l": [{"p": 1}, {"p": 3}]}),
    "all but one": ({"o": 0, "l": 0}, {"_id": 1, "a": 1, "n": [5, 6, 7, 8]}),
    "all but a path": ({"o.y": 0, "l": 0, "n": 0}, {"_id": 1, "a": 1, "o": {"x": 1, "w": 3}}),
    "all but through an array": ({"l.p": 0, "o": 0, "n": 0}, {"_id": 1, "a": 1, "l": [{"q": 2}, {}, 4]}),
    "all but id": ({"_id": 0, "l": 0, "o": 0}, {"a": 1, "n": [5, 6, 7, 8]}),
    "slice": ({"n": {"$slice": 2}, "a": 1}, {"_id": 1, "a": 1, "n": [5, 6]}),
    "slice of the end": ({"n": {"$slice": -1}, "a": 1}, {"_id": 1, "a": 1, "n": [8]}),
    "slice of the middle": ({"n": {"$slice": [1, 2]}, "a": 1}, {"_id": 1, "a": 1, "n": [6, 7]}),
    "elemMatch": ({"n": {"$elemMatch": {"$gt": 6}}}, {"_id": 1, "n": [7]}),
    "a computed field": ({"_id": 1, "sum": {"$add": ["$a", "$o.w"]}}, {"_id": 1, "sum": 4}),
    "a constant": ({"_id": 0, "c": {"$literal": 1}}, {"c": 1}),
    "another name": ({"_id": 0, "b": "$a"}, {"b": 1}),
}


class Projection(Suite, topic="projection"):
    """The fields do not depend on who leaves the others out."""

    @pytest.mark.parametrize("case", CASES)
    async def test_a_projection_gives(self, things: Collection, case: str) -> None:
        """Exactly the document that MongoDB gives. Check ``projects`` of ``compile()``, and how it is applied."""
        projection, expected = CASES[case]
        await things.insert_one(DOCUMENT)
        cursor = things.find({}, projection=projection)
        assert_same(await cursor.to_list(), [expected])
        assert_same(await things.find_one({"_id": 1}, projection=projection), expected)
        self.observe("projection", native=(await cursor.explain()).projection == "backend")

    @pytest.mark.parametrize(
        "projection",
        [{"a": 1, "o": 0}, {"a": 1, "a.b": 1}, {"a": {"$foo": 1}}, {"": 1}, {"n": {"$slice": "x"}}, 5],
        ids=["mixed", "colliding", "unknown operator", "empty name", "slice of text", "number"],
    )
    async def test_a_projection_is_refused(self, things: Collection, projection: Any) -> None:
        """Before anything is sent. Check that the portable layer parses it."""
        with pytest.raises(QueryOptionError):
            await things.find({}, projection=projection).to_list()

    async def test_fields_that_are_not_wanted_still_count(self, things: Collection) -> None:
        """Filter and sort see the whole document. Check that a projection goes down only where nothing follows it."""
        await things.insert_many([{"_id": number, "a": number, "b": -number, "c": 0} for number in range(5)])
        found = await things.find({"a": {"$mod": [2, 0]}}, sort=[("b", 1)], projection={"_id": 0, "c": 1}).to_list()
        assert found == [{"c": 0}] * 3
        found = await things.find({"a": {"$gt": 1}}, sort=[("b", 1)], projection={"_id": 1}, limit=2).to_list()
        assert found == [{"_id": 4}, {"_id": 3}]

    async def test_the_element_that_matched_is_shown(self, things: Collection) -> None:
        """The positional ``$``. Check that the filter reaches the projection."""
        await things.insert_one({"_id": 1, "n": [1, 5, 9]})
        assert await things.find_one({"n": {"$gt": 3}}, projection={"n.$": 1}) == {"_id": 1, "n": [5]}

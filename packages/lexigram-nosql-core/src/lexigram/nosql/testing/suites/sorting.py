"""In what order documents come, across types and with what is missing."""

# ruff: noqa: S101, PT017 - these are tests, not every backend raises

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from lexigram.nosql.collection import Collection
from lexigram.nosql.exceptions import MemoryLimitError, NoSQLError, QueryOptionError
from lexigram.nosql.testing.suite import Suite, ids_of

__all__ = ["Sorting"]

# In MongoDB's order of types: null and missing, numbers, text, objects, arrays, binary, bool, dates.
ORDERED: list[Any] = [
    None,
    float("nan"),
    float("-inf"),
    -5,
    -0.5,
    0,
    Decimal("0.1"),
    1,
    1.5,
    2**53,
    2**53 + 1,
    float("inf"),
    "",
    "A",
    "B",
    "a",
    "aa",
    "b",
    "ä",
    "\U0001f600",
    {},
    {"a": 1},
    {"a": 1, "b": 1},
    {"a": 2},
    {"b": 0},
    b"",
    b"a",
    b"b",
    b"aa",
    UUID(int=1),
    UUID(int=2**127),
    False,
    True,
    datetime(1969, 12, 31, tzinfo=UTC),
    datetime(2026, 11, 21, 1, 2, 3, tzinfo=UTC),
]


class Sorting(Suite, topic="sorting"):
    """One order on every backend."""

    @pytest.mark.parametrize("direction", [1, -1], ids=["ascending", "descending"])
    async def test_values_of_all_types_have_an_order(self, things: Collection, direction: int) -> None:
        """MongoDB's order of types, and of values in a type. Check that ``ordered`` is set only for the same order."""
        await things.insert_many([{"_id": (place * 13) % len(ORDERED), "v": place} for place in range(len(ORDERED))])
        await things.delete_many({})
        shuffled = sorted(range(len(ORDERED)), key=lambda place: (place * 13) % len(ORDERED))
        await things.insert_many([{"_id": place, "v": ORDERED[place]} for place in shuffled])
        found = await things.find(sort=[("v", direction)]).to_list()
        assert ids_of(found) == list(range(len(ORDERED)))[::direction]

    @pytest.mark.parametrize("direction", [1, -1], ids=["ascending", "descending"])
    async def test_ids_of_all_types_have_an_order(self, things: Collection, direction: int) -> None:
        """The same order for ``_id``. Check the keys of the service."""
        values = [value for value in ORDERED if value not in (None, "", b"") and value == value]
        await things.insert_many([{"_id": value, "place": place} for place, value in enumerate(values)])
        found = await things.find(sort=[("_id", direction)]).to_list()
        assert [document["place"] for document in found] == list(range(len(values)))[::direction]

    async def test_what_is_missing_comes_first(self, things: Collection) -> None:
        """Documents without the field stay in the answer. Check native sorts: some services leave them out."""
        await things.insert_many([{"_id": 1, "n": 2}, {"_id": 2}, {"_id": 3, "n": 1}, {"_id": 4, "n": None}])
        order = ids_of(await things.find(sort=[("n", 1), ("_id", 1)]).to_list())
        assert order == [2, 4, 3, 1]
        assert ids_of(await things.find(sort=[("n", -1), ("_id", 1)]).to_list()) == [1, 3, 2, 4]

    async def test_several_fields_decide_in_turn(self, things: Collection) -> None:
        """Each with its own direction. Check native sorts by several fields."""
        await things.insert_many([{"_id": number, "a": number % 3, "b": number} for number in range(9)])
        found = await things.find(sort=[("a", 1), ("b", -1)]).to_list()
        assert ids_of(found) == [6, 3, 0, 7, 4, 1, 8, 5, 2]

    async def test_a_path_decides(self, things: Collection) -> None:
        """Nested fields. Check native sorts by paths."""
        await things.insert_many([{"_id": 1, "o": {"n": 3}}, {"_id": 2, "o": {"n": 1}}, {"_id": 3, "o": 5}])
        assert ids_of(await things.find(sort=[("o.n", 1)]).to_list()) == [3, 2, 1]

    @pytest.mark.parametrize(
        ("skip", "limit", "expected"),
        [
            (0, 3, [0, 1, 2]),
            (3, 0, [3, 4, 5, 6, 7, 8, 9]),
            (3, 3, [3, 4, 5]),
            (10, 0, []),
            (12, 5, []),
            (0, 0, [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]),
            (8, 50, [8, 9]),
            (0, 50, [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]),
        ],
        ids=["limit", "skip", "both", "skip all", "skip more", "neither", "limit beyond the end", "large limit"],
    )
    @pytest.mark.parametrize("narrow", [False, True], ids=["all", "filtered"])
    async def test_skip_and_limit_follow_the_order(
        self, things: Collection, skip: int, limit: int, expected: list[int], narrow: bool
    ) -> None:
        """Filter, sort, skip, limit, in this order.

        Check that skip and limit go down only where filter and sort do: a limit beside a condition that the engine
        tests must still give so many documents.
        """
        await things.insert_many([{"_id": number, "n": -number} for number in range(10)])
        await things.insert_many([{"_id": number, "n": 1, "other": [1]} for number in range(100, 130)])
        asked: dict[str, Any] = {"other": {"$not": {"$size": 1}}} if narrow else {"_id": {"$lt": 100}}
        cursor = things.find(asked, sort=[("n", -1)], skip=skip, limit=limit, batch_size=3)
        assert ids_of(await cursor.to_list()) == expected
        if skip or limit:
            plan = await cursor.explain()
            self.observe("paging", native="engine" not in (plan.skip, plan.limit))
            self.observe("sorting", native=plan.sort == "backend")

    async def test_a_limit_beside_a_residue_is_filled(self, things: Collection) -> None:
        """Rows that the engine drops do not count. Check that ``limit`` goes down only for exact requests."""
        await things.insert_many([{"_id": number, "a": [number % 10]} for number in range(200)])
        found = await things.find({"a": {"$elemMatch": {"$eq": 9}}}, limit=15).to_list()
        assert len(found) == 15
        assert await things.find({"a": {"$elemMatch": {"$eq": 9}}}, skip=15).to_list() != []

    async def test_sorts_are_written_in_several_forms(self, things: Collection) -> None:
        """Pairs, a mapping, a name. Check that the portable layer parses them."""
        await things.insert_many([{"_id": 1, "n": 2}, {"_id": 2, "n": 1}])
        sorts: list[Any] = [[("n", 1)], {"n": 1}, "n"]
        for sort in sorts:
            assert ids_of(await things.find(sort=sort).to_list()) == [2, 1]

    @pytest.mark.parametrize(
        "sort",
        [[("n", 2)], [("n", "up")], [("$n", 1)], [("", 1)], [("a..b", 1)], 5, [("n",)]],
        ids=["direction", "text", "dollar", "empty", "empty part", "number", "not a pair"],
    )
    async def test_a_sort_is_refused(self, things: Collection, sort: Any) -> None:
        """Before anything is sent. Check that the portable layer parses it."""
        with pytest.raises(QueryOptionError):
            await things.find(sort=sort).to_list()

    async def test_two_arrays_give_no_order(self, things: Collection) -> None:
        """As on MongoDB, it is an error. Check native sorts by several fields."""
        await things.insert_many([{"_id": 1, "a": [1], "b": [2]}, {"_id": 2, "a": [3], "b": [1]}])
        with pytest.raises(NoSQLError):
            await things.find(sort=[("a", 1), ("b", 1)]).to_list()

    async def test_a_collation_decides_over_text(self, things: Collection) -> None:
        """Case and accents as the locale has them. Check that native sorts look at the collation."""
        words = ["zebra", "Apple", "äther", "apple", "Zoo"]
        await things.insert_many([{"_id": word} for word in words])
        found = await things.find(sort=[("_id", 1)], collation={"locale": "de"}).to_list()
        assert ids_of(found) == ["apple", "Apple", "äther", "zebra", "Zoo"]

    async def test_numbers_in_text_may_count(self, things: Collection) -> None:
        """``numericOrdering``. Check that native sorts look at the collation."""
        await things.insert_many([{"_id": name} for name in ("a10", "a9", "a1")])
        order = {"locale": "en", "numericOrdering": True}
        assert ids_of(await things.find(sort=[("_id", 1)], collation=order).to_list()) == ["a1", "a9", "a10"]

    async def test_a_sort_that_holds_too_much_is_refused(self) -> None:
        """Beyond ``memory_limit_bytes``, unless the backend sorts. Check that the setting reaches the store."""
        async with self.opened(scan_policy="allow", memory_limit_bytes=20_000) as store:
            things = store.collection("things")
            await things.insert_many([{"_id": number, "a": [number], "s": "x" * 500} for number in range(120)])
            cursor = things.find(sort=[("a.0", -1), ("s", 1)])
            try:
                assert len(await cursor.to_list()) == 120
            except MemoryLimitError as error:
                assert error.mongo_code == 292
            else:
                assert (await cursor.explain()).sort == "backend"

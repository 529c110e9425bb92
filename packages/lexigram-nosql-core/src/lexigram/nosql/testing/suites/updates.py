"""What updates make of documents. The expected documents are MongoDB's."""

# ruff: noqa: S101 - these are tests

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from lexigram.nosql.collection import Collection
from lexigram.nosql.exceptions import NoSQLError, UpdateError
from lexigram.nosql.testing.comparing import assert_same
from lexigram.nosql.testing.suite import Suite, ids_of

__all__ = ["Updates"]

_A: dict[str, Any] = {"a": 1}

CASES: dict[str, tuple[dict[str, Any], Any, dict[str, Any]]] = {
    "set": ({"a": 1}, {"$set": {"a": 2}}, {"a": 2}),
    "set appends": ({"a": 1}, {"$set": {"c": 1, "b": 2}}, {"a": 1, "b": 2, "c": 1}),
    "set below": ({"a": {"x": 1}}, {"$set": {"a.y": 2}}, {"a": {"x": 1, "y": 2}}),
    "set makes objects": ({}, {"$set": {"a.b.c": 1}}, {"a": {"b": {"c": 1}}}),
    "set an element": ({"a": [1, 2]}, {"$set": {"a.1": 5}}, {"a": [1, 5]}),
    "set beyond the end": ({"a": [1]}, {"$set": {"a.3": 5}}, {"a": [1, None, None, 5]}),
    "set a number as a name": ({"a": {}}, {"$set": {"a.0": 5}}, {"a": {"0": 5}}),
    "set another type": ({"a": 1}, {"$set": {"a": 1.0}}, {"a": 1.0}),
    "unset": ({"a": 1, "b": 2}, {"$unset": {"a": ""}}, {"b": 2}),
    "unset below": ({"a": {"x": 1, "y": 2}}, {"$unset": {"a.x": ""}}, {"a": {"y": 2}}),
    "unset an element": ({"a": [1, 2]}, {"$unset": {"a.0": ""}}, {"a": [None, 2]}),
    "unset what is missing": ({"a": 1}, {"$unset": {"z": ""}}, {"a": 1}),
    "inc": ({"a": 1}, {"$inc": {"a": 2}}, {"a": 3}),
    "inc a missing field": ({}, {"$inc": {"a": 2}}, {"a": 2}),
    "inc by a float": ({"a": 1}, {"$inc": {"a": 0.5}}, {"a": 1.5}),
    "inc a float": ({"a": 1.5}, {"$inc": {"a": 1}}, {"a": 2.5}),
    "inc by a decimal": ({"a": 1}, {"$inc": {"a": Decimal("0.1")}}, {"a": Decimal("1.1")}),
    "inc an element": ({"a": [1, 2]}, {"$inc": {"a.0": 1}}, {"a": [2, 2]}),
    "mul": ({"a": 3}, {"$mul": {"a": 2}}, {"a": 6}),
    "mul a missing field": ({}, {"$mul": {"a": 2}}, {"a": 0}),
    "min": ({"a": 3, "b": 3}, {"$min": {"a": 2, "b": 4}}, {"a": 2, "b": 3}),
    "max": ({"a": 3, "b": 3}, {"$max": {"a": 2, "b": 4}}, {"a": 3, "b": 4}),
    "min across types": ({"a": "x"}, {"$min": {"a": 5}}, {"a": 5}),
    "max a missing field": ({}, {"$max": {"a": 5}}, {"a": 5}),
    "rename": ({"a": 1, "b": 2}, {"$rename": {"a": "c"}}, {"b": 2, "c": 1}),
    "rename below": ({"a": {"x": 1}}, {"$rename": {"a.x": "b.y"}}, {"a": {}, "b": {"y": 1}}),
    "rename over": ({"a": 1, "b": 2}, {"$rename": {"a": "b"}}, {"b": 1}),
    "rename what is missing": ({"a": 1}, {"$rename": {"z": "y"}}, {"a": 1}),
    "bit": ({"a": 13}, {"$bit": {"a": {"and": 10}}}, {"a": 8}),
    "push": ({"a": [1]}, {"$push": {"a": 2}}, {"a": [1, 2]}),
    "push makes the array": ({}, {"$push": {"a": 2}}, {"a": [2]}),
    "push an array": ({"a": [1]}, {"$push": {"a": [2, 3]}}, {"a": [1, [2, 3]]}),
    "push each": ({"a": [1]}, {"$push": {"a": {"$each": [2, 3]}}}, {"a": [1, 2, 3]}),
    "push at a position": ({"a": [1, 2]}, {"$push": {"a": {"$each": [9], "$position": 1}}}, {"a": [1, 9, 2]}),
    "push from the end": ({"a": [1, 2]}, {"$push": {"a": {"$each": [9], "$position": -1}}}, {"a": [1, 9, 2]}),
    "push and sort": ({"a": [3, 1]}, {"$push": {"a": {"$each": [2], "$sort": 1}}}, {"a": [1, 2, 3]}),
    "push and slice": ({"a": [1, 2]}, {"$push": {"a": {"$each": [3, 4], "$slice": -3}}}, {"a": [2, 3, 4]}),
    "push, sort and slice": (
        {"a": [{"s": 5}, {"s": 8}]},
        {"$push": {"a": {"$each": [{"s": 7}], "$sort": {"s": -1}, "$slice": 2}}},
        {"a": [{"s": 8}, {"s": 7}]},
    ),
    "addToSet": ({"a": [1]}, {"$addToSet": {"a": 2}}, {"a": [1, 2]}),
    "addToSet again": ({"a": [1]}, {"$addToSet": {"a": 1.0}}, {"a": [1]}),
    "addToSet each": ({"a": [1]}, {"$addToSet": {"a": {"$each": [2, 1, 2]}}}, {"a": [1, 2]}),
    "addToSet of objects": (
        {"a": [{"x": 1, "y": 2}]},
        {"$addToSet": {"a": {"y": 2, "x": 1}}},
        {"a": [{"x": 1, "y": 2}, {"y": 2, "x": 1}]},
    ),
    "pop": ({"a": [1, 2, 3]}, {"$pop": {"a": 1}}, {"a": [1, 2]}),
    "pop the first": ({"a": [1, 2, 3]}, {"$pop": {"a": -1}}, {"a": [2, 3]}),
    "pull a value": ({"a": [1, 2, 1]}, {"$pull": {"a": 1}}, {"a": [2]}),
    "pull by a condition": ({"a": [1, 5, 9]}, {"$pull": {"a": {"$gte": 5}}}, {"a": [1]}),
    "pull objects": ({"a": [{"x": 1, "y": 1}, {"x": 2}]}, {"$pull": {"a": {"x": 1}}}, {"a": [{"x": 2}]}),
    "pullAll": ({"a": [1, 2, 3, 2]}, {"$pullAll": {"a": [2, 3]}}, {"a": [1]}),
    "every element": ({"a": [1, 2]}, {"$inc": {"a.$[]": 10}}, {"a": [11, 12]}),
    "a field of every element": ({"a": [{"x": 1}, {}]}, {"$set": {"a.$[].x": 5}}, {"a": [{"x": 5}, {"x": 5}]}),
    "several operators": (
        {"a": 1, "b": [1]},
        {"$inc": {"a": 1}, "$push": {"b": 2}, "$set": {"c": 0}},
        {"a": 2, "b": [1, 2], "c": 0},
    ),
    "setOnInsert does nothing": ({"a": 1}, {"$setOnInsert": {"b": 1}}, {"a": 1}),
    "pipeline": ({"a": 3, "b": 4}, [{"$set": {"c": {"$add": ["$a", "$b"]}}}], {"a": 3, "b": 4, "c": 7}),
    "pipeline of stages": ({"a": 3}, [{"$set": {"b": "$a"}}, {"$unset": "a"}], {"b": 3}),
    "pipeline that replaces": ({"a": {"x": 1}}, [{"$replaceWith": "$a"}], {"x": 1}),
    "dates": (
        {},
        {"$set": {"a": datetime(2026, 1, 2, 3, 4, 5, 6000, tzinfo=UTC)}},
        {"a": datetime(2026, 1, 2, 3, 4, 5, 6000, tzinfo=UTC)},
    ),
}

REFUSED: dict[str, tuple[dict[str, Any], Any]] = {
    "unknown operator": (_A, {"$foo": {"a": 1}}),
    "no operator": (_A, {"a": 2}),
    "nothing": (_A, {}),
    "operators mixed with fields": (_A, {"$set": {"a": 1}, "b": 1}),
    "the id": (_A, {"$set": {"_id": 9}}),
    "one path twice": (_A, {"$set": {"a": 1}, "$inc": {"a": 1}}),
    "a path and one in it": (_A, {"$set": {"a": {}, "a.b": 1}}),
    "an empty name": (_A, {"$set": {"a..b": 1}}),
    "inc text": ({"a": "x"}, {"$inc": {"a": 1}}),
    "inc by text": (_A, {"$inc": {"a": "1"}}),
    "mul null": ({"a": None}, {"$mul": {"a": 1}}),
    "push to a number": (_A, {"$push": {"a": 1}}),
    "addToSet to text": ({"a": "x"}, {"$addToSet": {"a": 1}}),
    "pull from a number": (_A, {"$pull": {"a": 1}}),
    "pop by two": ({"a": [1]}, {"$pop": {"a": 2}}),
    "set below a number": (_A, {"$set": {"a.b": 1}}),
    "a name in an array": ({"a": [1]}, {"$set": {"a.x": 1}}),
    "inc beyond 64 bits": ({"a": 2**63 - 1}, {"$inc": {"a": 1}}),
    "rename to itself": (_A, {"$rename": {"a": "a"}}),
    "a condition that is not given": ({"a": [1]}, {"$set": {"a.$[x]": 1}}),
    "the match without a filter on the array": ({"a": [1]}, {"$set": {"a.$": 1}}),
    "bit of a float": ({"a": 1.5}, {"$bit": {"a": {"and": 1}}}),
    "a pipeline with a stage of reads": (_A, [{"$match": {}}]),
    "a value that no document holds": (_A, {"$set": {"a": {1}}}),
}


class Updates(Suite, topic="updates"):
    """The documents do not depend on who computes them."""

    @pytest.mark.parametrize("case", CASES)
    async def test_an_update_makes(self, things: Collection, case: str) -> None:
        """Exactly the document that MongoDB makes, and it counts as modified only when something changed.

        Check the native form of the update, or ``replace``.
        """
        before, update, after = CASES[case]
        await things.insert_one({"_id": 1, **before})
        result = await things.update_one({"_id": 1}, update)
        found = await things.find_one({"_id": 1})
        assert_same(found, {"_id": 1, **after})
        changed = repr(list(before.items())) != repr(list(after.items()))
        assert (result.matched_count, result.modified_count) == (1, int(changed))
        plan = await things.explain("update_one", {"_id": 1})
        assert plan.write is not None

    @pytest.mark.parametrize("case", REFUSED)
    async def test_an_update_is_refused(self, things: Collection, case: str) -> None:
        """With an error that is a ValueError, and nothing changes. Check the native form of the update."""
        before, update = REFUSED[case]
        await things.insert_one({"_id": 1, **before})
        with pytest.raises(NoSQLError) as caught:
            await things.update_one({"_id": 1}, update)
        assert isinstance(caught.value, ValueError)
        assert_same(await things.find_one({"_id": 1}), {"_id": 1, **before})

    async def test_the_first_match_is_changed(self, things: Collection) -> None:
        """The positional ``$`` is the element that the filter matched. Check how the filter reaches the update."""
        await things.insert_one({"_id": 1, "a": [{"x": 1}, {"x": 2}, {"x": 2}]})
        await things.update_one({"a.x": 2}, {"$set": {"a.$.hit": True}})
        assert await things.find_one({}) == {"_id": 1, "a": [{"x": 1}, {"x": 2, "hit": True}, {"x": 2}]}

    async def test_elements_are_chosen_by_conditions(self, things: Collection) -> None:
        """``$[name]`` takes ``array_filters``. Check how they reach the update."""
        await things.insert_one({"_id": 1, "a": [1, 5, 9]})
        await things.update_one({"_id": 1}, {"$set": {"a.$[high]": 0}}, array_filters=[{"high": {"$gte": 5}}])
        assert await things.find_one({}) == {"_id": 1, "a": [1, 0, 0]}

    async def test_update_one_changes_one(self, things: Collection) -> None:
        """Though several match. Check the native form of the update."""
        await things.insert_many([{"_id": number, "n": 0} for number in range(3)])
        result = await things.update_one({"n": 0}, {"$inc": {"n": 1}})
        assert (result.matched_count, result.modified_count) == (1, 1)
        assert await things.count_documents({"n": 1}) == 1

    async def test_update_one_takes_the_first_in_order(self, things: Collection) -> None:
        """A sort decides. Check sorts of updates."""
        await things.insert_many([{"_id": number, "n": -number} for number in range(4)])
        await things.update_one({}, {"$set": {"hit": 1}}, sort=[("n", 1)])
        assert ids_of(await things.find({"hit": 1}).to_list()) == [3]

    async def test_update_many_changes_what_matches(self, things: Collection) -> None:
        """Matched counts all, modified those that changed. Check the native form of the update."""
        await things.insert_many([{"_id": number, "n": number % 3} for number in range(30)])
        result = await things.update_many({"n": {"$gte": 1}}, {"$set": {"n": 2}})
        assert (result.matched_count, result.modified_count) == (20, 10)
        assert await things.count_documents({"n": 2}) == 20

    async def test_update_many_changes_each_once(self, things: Collection) -> None:
        """A document that matches again after its change is left alone. Check updates of what moves in an index."""
        await things.insert_many([{"_id": number, "n": number} for number in range(120)])
        assert (await things.update_many({"n": {"$gte": 0}}, {"$inc": {"n": 1000}})).modified_count == 120
        assert await things.count_documents({"n": {"$gte": 1000, "$lt": 1120}}) == 120

    async def test_updating_nothing_makes_nothing(self, things: Collection) -> None:
        """Without upsert. Check updates of missing documents."""
        result = await things.update_one({"_id": 1}, {"$set": {"a": 1}})
        assert (result.matched_count, result.modified_count, result.upserted_id) == (0, 0, None)
        assert await things.count_documents() == 0

    @pytest.mark.parametrize(
        ("filter", "update", "made"),
        [
            ({"_id": 1}, {"$set": {"a": 2}}, {"_id": 1, "a": 2}),
            ({"_id": 1, "k": "x"}, {"$inc": {"n": 1}}, {"_id": 1, "k": "x", "n": 1}),
            ({"_id": 1, "o.p": 5}, {"$set": {"o.q": 6}}, {"_id": 1, "o": {"p": 5, "q": 6}}),
            ({"_id": 1, "n": {"$gt": 3}}, {"$set": {"a": 1}}, {"_id": 1, "a": 1}),
            ({"$and": [{"_id": 1}, {"k": {"$eq": 2}}]}, {"$set": {"a": 1}}, {"_id": 1, "k": 2, "a": 1}),
            ({"_id": 1}, {"$setOnInsert": {"a": 1}}, {"_id": 1, "a": 1}),
            ({"k": 2}, {"$setOnInsert": {"_id": 1}}, {"_id": 1, "k": 2}),
            ({"_id": 1}, [{"$set": {"a": {"$add": [1, 1]}}}], {"_id": 1, "a": 2}),
            ({"_id": {"$in": [1]}, "k": {"$all": [3]}}, {"$push": {"a": 1}}, {"_id": 1, "k": 3, "a": [1]}),
        ],
        ids=["id", "equality", "path", "range", "and", "setOnInsert", "id by update", "pipeline", "operators of one"],
    )
    async def test_an_upsert_makes(self, things: Collection, filter: Any, update: Any, made: Any) -> None:
        """The document that equalities of the filter and the update give. Check the native upsert."""
        result = await things.update_one(filter, update, upsert=True)
        assert (result.matched_count, result.raw_id) == (0, 1)
        stored = await things.find_one({})
        assert stored is not None
        assert {name: stored[name] for name in sorted(stored)} == {name: made[name] for name in sorted(made)}
        assert next(iter(stored)) == "_id"

    async def test_an_upsert_makes_an_id(self, things: Collection) -> None:
        """Where neither filter nor update has one. Check that the result names the stored id."""
        result = await things.update_one({"k": 1}, {"$set": {"a": 1}}, upsert=True)
        stored = await things.find_one({})
        assert stored is not None
        assert stored["_id"] == result.raw_id
        assert isinstance(result.raw_id, str)

    async def test_an_upsert_that_matches_updates(self, things: Collection) -> None:
        """Nothing is inserted. Check that the filter is looked at first."""
        await things.insert_one({"_id": 1, "k": 1})
        result = await things.update_many({"k": 1}, {"$inc": {"k": 1}, "$setOnInsert": {"new": 1}}, upsert=True)
        assert (result.matched_count, result.upserted_id) == (1, None)
        assert await things.find().to_list() == [{"_id": 1, "k": 2}]

    async def test_an_update_that_fails_for_one_of_many_says_so(self, things: Collection) -> None:
        """The failing document stays as it was. Check that errors of the server are classified."""
        await things.insert_many([{"_id": 1, "n": "text"}])
        with pytest.raises(UpdateError):
            await things.update_many({}, {"$inc": {"n": 1}})
        assert await things.find_one({"_id": 1}) == {"_id": 1, "n": "text"}

    async def test_the_date_of_now_is_set(self, things: Collection) -> None:
        """``$currentDate`` sets an aware date of about now. Check the clock of the service."""
        await things.insert_one({"_id": 1})
        before = datetime.now(UTC)
        await things.update_one({"_id": 1}, {"$currentDate": {"at": True}})
        found = await things.find_one({})
        assert found is not None
        assert found["at"].tzinfo is not None
        assert abs((found["at"] - before).total_seconds()) < 60

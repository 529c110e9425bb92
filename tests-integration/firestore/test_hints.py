"""What field hints let Firestore do by itself is what the engine would do."""

from __future__ import annotations

from typing import Any

import pytest
from lexigram.nosql.exceptions import DocumentValidationError, UpdateError

HINTS = {"things": {"kind": "required text", "tags": "required array of text", "n": "required number", "note": "text"}}
START = {"kind": "x", "tags": ["a", "b", "a"], "n": 1, "note": "hello", "other": {"b": 1}}

UPDATES: dict[str, tuple[dict[str, Any], bool]] = {
    "set": ({"$set": {"kind": "y", "n": 2.5}}, True),
    "set to the same": ({"$set": {"kind": "x"}}, True),
    "set what may be missing": ({"$set": {"note": "z"}}, False),
    "set what has no hint": ({"$set": {"other": 1}}, False),
    "unset": ({"$unset": {"other": 1, "note": 1}}, True),
    "unset what is not there": ({"$unset": {"nothing": 1}}, True),
    "add": ({"$addToSet": {"tags": "c"}}, True),
    "add what is there": ({"$addToSet": {"tags": "b"}}, True),
    "add several": ({"$addToSet": {"tags": {"$each": ["b", "d", "e"]}}}, True),
    "pull": ({"$pull": {"tags": "a"}}, True),
    "pull what is not there": ({"$pull": {"tags": "z"}}, True),
    "pull all": ({"$pullAll": {"tags": ["a", "b"]}}, True),
    "pull by condition": ({"$pull": {"tags": {"$gt": "a"}}}, False),
    "several": ({"$set": {"kind": "y"}, "$unset": {"other": 1}, "$addToSet": {"tags": "q"}}, True),
    "increment": ({"$inc": {"n": 1}}, False),
    "push": ({"$push": {"tags": "a"}}, False),
    "a path": ({"$set": {"other.b": 2}}, False),
    "a pipeline": ([{"$set": {"kind": "y"}}], False),  # type: ignore[dict-item]  # updates are lists as well
}


@pytest.mark.parametrize("case", UPDATES)
async def test_an_update_is_the_engines_and_is_read_for_only_where_it_must_be(
    case: str, open_store: Any, counted: Any
) -> None:
    update, native = UPDATES[case]
    hinted, plain = await open_store(fields=HINTS, index_refresh_ms=3_600_000), await open_store()
    answers = []
    for store, name in ((hinted, "things"), (plain, "others")):
        collection = store.collection(name)
        await collection.insert_one({"_id": "a", **START})
        requests = counted(store)
        result = await collection.update_one({"_id": "a"}, update)
        if store is hinted:
            assert (requests["get"] == 0) is native
        missing = await collection.update_one({"_id": "zz"}, update)
        found = await collection.find_one({"_id": "a"})
        answers.append((result.matched_count, result.modified_count, missing.matched_count, found, list(found)))
    assert answers[0] == answers[1]


@pytest.mark.parametrize(
    "update",
    [
        {"$set": {"kind": 5}},
        {"$set": {"kind": "x" * 2000}},
        {"$unset": {"kind": 1}},
        {"$addToSet": {"tags": 5}},
        {"$push": {"tags": 5}},
        {"$set": {"n": float("nan")}},
        {"$rename": {"kind": "sort"}},
    ],
)
async def test_a_write_that_would_break_a_hint_is_refused(update: dict[str, Any], open_store: Any) -> None:
    things = (await open_store(fields=HINTS)).collection("things")
    await things.insert_one({"_id": "a", **START})
    for act in (things.update_one, things.update_many):
        with pytest.raises(DocumentValidationError):
            await act({"_id": "a"}, update)
    assert await things.find_one({"_id": "a"}) == {"_id": "a", **START}


async def test_a_document_that_grows_too_large_is_refused_by_name(open_store: Any) -> None:
    things = (await open_store(fields={"things": {"t": "required scalar"}})).collection("things")
    await things.insert_one({"_id": "a", "t": "", "large": "x" * 1_000_000})
    with pytest.raises(DocumentValidationError) as caught:
        await things.update_one({"_id": "a"}, {"$set": {"t": "y" * 90_000}})
    assert type(caught.value).__name__ == "DocumentTooLargeError"


async def test_the_engine_names_what_does_not_fit(open_store: Any) -> None:
    things = (await open_store(fields=HINTS)).collection("things")
    await things.insert_one({"_id": "a", **START})
    with pytest.raises(UpdateError):
        await things.update_one({"_id": "a"}, {"$inc": {"kind": 1}})


async def test_many_are_changed_in_few_commits_and_each_counts_once(open_store: Any, counted: Any) -> None:
    store = await open_store(fields=HINTS, max_writes=100, index_refresh_ms=3_600_000)
    things = store.collection("things")
    documents = [{"_id": f"d{number}", **START, "n": number % 2} for number in range(450)]
    await things.insert_many(documents)
    found = counted(store)
    result = await things.update_many({"kind": "x"}, {"$set": {"n": 1}})
    assert (result.matched_count, result.modified_count) == (450, 225)
    assert found["commit"] == 5
    found.clear()
    assert (await things.delete_many({"n": 1})).deleted_count == 450
    assert found["commit"] == 5
    result = await things.update_many({"kind": "none"}, {"$set": {"n": 1}}, upsert=False)
    assert (result.matched_count, result.modified_count) == (0, 0)


async def test_a_hinted_field_stays_where_queries_see_it(open_store: Any) -> None:
    """Beside a name so long that Firestore could not hold the path, it would be packed away."""
    things = (await open_store(fields={"things": {"a.b": "int"}})).collection("things")
    await things.insert_one({"_id": 1, "a": {"b": 5}})
    with pytest.raises(DocumentValidationError, match=r"a\.b"):
        await things.insert_one({"_id": 2, "a": {"b": 5, "n" * 1450: 1}})
    assert await things.find({"a.b": 5}).to_list() == [{"_id": 1, "a": {"b": 5}}]


@pytest.mark.parametrize("update", [{"$unset": {"a": ""}}, {"$set": {"a": {"b": [7, 9]}}}])
async def test_a_change_of_a_whole_map_keeps_the_hints_inside_it(update: dict[str, Any], open_store: Any) -> None:
    store = await open_store(fields={"things": {"a": "required map", "a.b": "required int"}})
    things = store.collection("things")
    await things.insert_one({"_id": "1", "a": {"b": 1}})
    with pytest.raises(DocumentValidationError):
        await things.update_one({"_id": "1"}, update)
    assert await things.find({"a.b": 1}).to_list() == [{"_id": "1", "a": {"b": 1}}]


async def test_a_map_with_a_hint_inside_it_only_is_not_taken_away(open_store: Any) -> None:
    store = await open_store(fields={"things": {"a.b": "required int"}})
    things = store.collection("things")
    await things.insert_one({"_id": "1", "a": {"b": 1}})
    with pytest.raises(DocumentValidationError):
        await things.update_one({"_id": "1"}, {"$unset": {"a": ""}})
    assert await things.count_documents({"a.b": {"$exists": True}}) == 1
    assert await things.find_one({"_id": "1"}) == {"_id": "1", "a": {"b": 1}}

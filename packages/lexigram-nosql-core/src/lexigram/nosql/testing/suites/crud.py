"""Inserting, reading, replacing, deleting one document and many."""

# ruff: noqa: S101 - these are tests

from __future__ import annotations

from typing import Any

import pytest
from lexigram.nosql.collection import Collection
from lexigram.nosql.exceptions import (
    BulkWriteError,
    DocumentValidationError,
    DuplicateKeyError,
    NoSQLFilterError,
    QueryOptionError,
    UpdateError,
)
from lexigram.nosql.store import DocumentStore
from lexigram.nosql.testing.comparing import assert_same, assert_same_documents
from lexigram.nosql.testing.suite import Suite, ids_of

__all__ = ["Crud"]

_DOCUMENT: dict[str, Any] = {"_id": "ada", "name": "Ada", "tags": ["x", {"y": [1]}], "address": {"city": "London"}}


class Crud(Suite, topic="crud"):
    """What every application does all day."""

    async def test_what_is_inserted_comes_back(self, things: Collection) -> None:
        """The same values in the same order of fields. Check the codec, in both directions."""
        await things.insert_one(_DOCUMENT)
        assert_same(await things.find_one({"_id": "ada"}), _DOCUMENT)

    async def test_insert_one_gives_the_id(self, things: Collection) -> None:
        """With its own type, and as text. Check that ``insert`` takes ``_id`` as it is."""
        result = await things.insert_one({"_id": 7})
        assert (result.document_id, result.raw_id) == ("7", 7)

    async def test_a_missing_id_is_made(self, things: Collection) -> None:
        """The stored document has the id that the result names, in front. Check that no other id is made."""
        result = await things.insert_one({"a": 1})
        stored = await things.find_one({})
        assert stored is not None
        assert list(stored) == ["_id", "a"]
        assert stored["_id"] == result.raw_id

    async def test_the_callers_document_is_not_touched(self, things: Collection) -> None:
        """No ``_id`` is added to it. Check that ``insert`` changes nothing it is given."""
        document = {"a": [1]}
        await things.insert_one(document)
        assert document == {"a": [1]}

    async def test_what_is_read_belongs_to_the_reader(self, things: Collection) -> None:
        """Changing it changes nothing stored. Check ``shares_documents`` of the driver."""
        await things.insert_one({"_id": 1, "a": {"b": [1]}})
        found = await things.find_one({"_id": 1})
        assert found is not None
        found["a"]["b"].append(2)
        assert await things.find_one({"_id": 1}) == {"_id": 1, "a": {"b": [1]}}

    async def test_what_was_inserted_belongs_to_the_caller(self, things: Collection) -> None:
        """Changing it later changes nothing stored. Check that ``insert`` keeps no reference."""
        document = {"_id": 1, "a": {"b": [1]}}
        await things.insert_one(document)
        document["a"]["b"].append(2)  # type: ignore[index]
        assert await things.find_one({"_id": 1}) == {"_id": 1, "a": {"b": [1]}}

    async def test_an_empty_document_gets_an_id(self, things: Collection) -> None:
        """It can be stored. Check documents without fields of their own."""
        result = await things.insert_one({})
        assert await things.find_one({}) == {"_id": result.raw_id}

    async def test_an_id_stands_once(self, things: Collection) -> None:
        """The second insert is a DuplicateKeyError that names the key, and nothing changes.

        Check that ``insert`` writes only what does not exist, and how its error is classified.
        """
        await things.insert_one({"_id": 1, "a": 1})
        with pytest.raises(DuplicateKeyError) as caught:
            await things.insert_one({"_id": 1, "a": 2})
        assert caught.value.key == {"_id": 1}
        assert caught.value.mongo_code == 11000
        assert await things.find_one({"_id": 1}) == {"_id": 1, "a": 1}

    async def test_many_are_inserted(self, things: Collection) -> None:
        """The result counts them and names their ids in order. Check ``insert`` with several documents."""
        result = await things.insert_many([{"_id": number} for number in (3, 1, 2)])
        assert (result.inserted_count, result.inserted_ids) == (3, [3, 1, 2])
        assert await things.count_documents() == 3

    async def test_more_than_a_batch_is_inserted(self, things: Collection) -> None:
        """Larger lists are split as the service wants. Check the chunks of ``insert`` and of ``read``."""
        await things.insert_many([{"_id": number, "a": number % 7} for number in range(260)])
        assert await things.count_documents() == 260
        assert len(await things.find({"a": 3}).to_list()) == 37

    async def test_inserting_none_does_nothing(self, things: Collection) -> None:
        """No request is sent for an empty list. Check that ``insert`` is not called."""
        assert (await things.insert_many([])).inserted_count == 0

    async def test_ordered_inserts_stop_at_the_first_failure(self, things: Collection) -> None:
        """What came before stays, what comes after is not tried. Check ``ordered`` of ``insert``."""
        with pytest.raises(BulkWriteError) as caught:
            await things.insert_many([{"_id": 1}, {"_id": 1}, {"_id": 2}])
        assert [failure.index for failure in caught.value.failures] == [1]
        assert caught.value.result.inserted_ids == [1]
        assert ids_of(await things.find(sort=[("_id", 1)]).to_list()) == [1]

    async def test_unordered_inserts_try_all(self, things: Collection) -> None:
        """Each failure is told with its position. Check ``ordered`` of ``insert``."""
        with pytest.raises(BulkWriteError) as caught:
            await things.insert_many([{"_id": 1}, {"_id": 1}, {"_id": 2}, {"_id": 2}], ordered=False)
        assert [failure.index for failure in caught.value.failures] == [1, 3]
        assert isinstance(caught.value, DuplicateKeyError)
        assert ids_of(await things.find(sort=[("_id", 1)]).to_list()) == [1, 2]

    async def test_no_document_is_sent_when_one_is_not_valid(self, things: Collection) -> None:
        """All are checked first. Check that the portable layer does the insert."""
        with pytest.raises(DocumentValidationError):
            await things.insert_many([{"_id": 1}, {"_id": 2, "a": {1, 2}}])
        assert await things.count_documents() == 0

    async def test_a_missing_document_is_none(self, things: Collection) -> None:
        """Reading it is no error. Check reads by ``_id`` of what is not there."""
        await things.insert_one({"_id": 1})
        assert await things.find_one({"_id": 2}) is None
        assert await things.find_one({"a": 1}) is None

    async def test_a_collection_that_was_never_written_is_empty(self, store: DocumentStore) -> None:
        """Every read works on it. Check reads of tables or folders that do not exist yet."""
        nothing = store.collection("nothing")
        assert await nothing.find().to_list() == []
        assert await nothing.find_one({"_id": 1}) is None
        assert await nothing.count_documents() == 0
        assert await nothing.estimated_document_count() == 0
        assert await nothing.distinct("a") == []
        assert not await nothing.exists()
        assert await nothing.aggregate([{"$match": {}}]).to_list() == []
        assert (await nothing.update_many({}, {"$set": {"a": 1}})).matched_count == 0
        assert (await nothing.delete_many({})).deleted_count == 0

    async def test_exists_says_whether_one_matches(self, things: Collection) -> None:
        """By id and by other fields. Check reads with limit 1."""
        await things.insert_many([{"_id": 1, "a": 1}, {"_id": 2, "a": 2}])
        assert await things.exists({"_id": 2})
        assert await things.exists({"a": 1})
        assert not await things.exists({"_id": 2, "a": 1})

    async def test_counting_takes_filter_skip_and_limit(self, things: Collection) -> None:
        """As MongoDB counts. Check ``SupportsCount``, if the backend has it."""
        await things.insert_many([{"_id": number, "a": number % 2} for number in range(9)])
        assert await things.count_documents() == 9
        assert await things.count_documents({"a": 1}) == 4
        assert await things.count_documents({"a": 1}, limit=3) == 3
        assert await things.count_documents({"a": 1}, skip=3) == 1
        assert await things.count_documents({"a": 0}, skip=1, limit=2) == 2
        assert await things.count_documents({"a": 7}) == 0
        assert await things.estimated_document_count() == 9

    async def test_distinct_values_are_told_once(self, things: Collection) -> None:
        """Arrays count by element, 1 and 1.0 are one value. Check ``SupportsDistinct``, if the backend has it."""
        await things.insert_many([{"a": 1}, {"a": 1.0}, {"a": [2, 3]}, {"a": "x"}, {"b": 1}, {"a": None}])
        found = await things.distinct("a")
        assert len(found) == 5
        assert {value for value in found if isinstance(value, int | float)} == {1, 2, 3}
        assert "x" in found
        assert None in found
        assert sorted(await things.distinct("a", {"a": {"$gt": 1}})) == [2, 3]

    async def test_a_replacement_keeps_the_id(self, things: Collection) -> None:
        """All other fields are the new ones. Check ``replace``."""
        await things.insert_one({"_id": 1, "a": 1, "b": 2})
        result = await things.replace_one({"a": 1}, {"c": 3})
        assert (result.matched_count, result.modified_count) == (1, 1)
        assert_same(await things.find_one({"_id": 1}), {"_id": 1, "c": 3})

    async def test_replacing_what_is_not_there_does_nothing(self, things: Collection) -> None:
        """It is no error, and nothing is made. Check ``replace`` for missing documents."""
        result = await things.replace_one({"_id": 1}, {"a": 1})
        assert (result.matched_count, result.modified_count, result.upserted_id) == (0, 0, None)
        assert await things.count_documents() == 0

    async def test_replacing_by_the_same_changes_nothing(self, things: Collection) -> None:
        """Matched, not modified. Check that the portable layer or the server compares."""
        await things.insert_one({"_id": 1, "a": 1})
        result = await things.replace_one({"_id": 1}, {"a": 1})
        assert (result.matched_count, result.modified_count) == (1, 0)

    async def test_a_replacement_may_insert(self, things: Collection) -> None:
        """With upsert, and the id of the filter. Check upserts of replacements."""
        result = await things.replace_one({"_id": "new"}, {"a": 1}, upsert=True)
        assert (result.matched_count, result.upserted_id, result.raw_id) == (0, "new", "new")
        assert await things.find_one({}) == {"_id": "new", "a": 1}

    async def test_a_replacement_cannot_change_the_id(self, things: Collection) -> None:
        """It is refused. Check that ids are compared before the write."""
        await things.insert_one({"_id": 1})
        with pytest.raises(UpdateError):
            await things.replace_one({"_id": 1}, {"_id": 2})
        assert ids_of(await things.find().to_list()) == [1]

    @pytest.mark.parametrize("replacement", [{"$set": {"a": 1}}, [{"$set": {"a": 1}}], None])
    async def test_a_replacement_is_a_document(self, things: Collection, replacement: Any) -> None:
        """Operators are refused. Check that the portable layer parses it."""
        await things.insert_one({"_id": 1})
        with pytest.raises((UpdateError, DocumentValidationError)):
            await things.replace_one({"_id": 1}, replacement)

    async def test_delete_one_deletes_one(self, things: Collection) -> None:
        """Though several match. Check ``delete``."""
        await things.insert_many([{"_id": number, "a": 1} for number in range(3)])
        assert (await things.delete_one({"a": 1})).deleted_count == 1
        assert await things.count_documents() == 2

    async def test_deleting_what_is_not_there_does_nothing(self, things: Collection) -> None:
        """It is no error. Check ``delete`` for missing documents."""
        assert (await things.delete_one({"_id": 1})).deleted_count == 0

    async def test_delete_many_deletes_what_matches(self, things: Collection) -> None:
        """And nothing else. Check ``delete`` and ``SupportsDelete``."""
        await things.insert_many([{"_id": number, "a": number % 3} for number in range(30)])
        assert (await things.delete_many({"a": {"$in": [0, 1]}})).deleted_count == 20
        assert {document["a"] for document in await things.find().to_list()} == {2}

    async def test_delete_many_without_conditions_empties(self, things: Collection) -> None:
        """An empty filter means all. Check deletions of more than one batch."""
        await things.insert_many([{"_id": number} for number in range(130)])
        assert (await things.delete_many({})).deleted_count == 130
        assert await things.find().to_list() == []

    async def test_find_one_and_update_gives_either_side(self, things: Collection) -> None:
        """After by default, before when asked. Check that the document returned is the one changed."""
        await things.insert_one({"_id": 1, "n": 1})
        assert await things.find_one_and_update({"_id": 1}, {"$inc": {"n": 1}}) == {"_id": 1, "n": 2}
        before = await things.find_one_and_update({"_id": 1}, {"$inc": {"n": 1}}, return_document=False)
        assert before == {"_id": 1, "n": 2}
        assert await things.find_one_and_update({"_id": 2}, {"$inc": {"n": 1}}) is None

    async def test_find_one_and_update_takes_the_first_in_order(self, things: Collection) -> None:
        """A sort decides. Check reads of writes with a sort."""
        await things.insert_many([{"_id": 1, "n": 5}, {"_id": 2, "n": 9}, {"_id": 3, "n": 7}])
        changed = await things.find_one_and_update({}, {"$set": {"done": True}}, sort=[("n", -1)], projection={"n": 0})
        assert changed == {"_id": 2, "done": True}

    async def test_find_one_and_replace_may_insert(self, things: Collection) -> None:
        """The new document, or None before it. Check upserts that return."""
        assert await things.find_one_and_replace({"_id": 1}, {"a": 1}, upsert=True) == {"_id": 1, "a": 1}
        assert await things.find_one_and_replace({"_id": 2}, {"a": 2}, upsert=True, return_document=False) is None
        assert await things.count_documents() == 2

    async def test_find_one_and_delete_gives_what_is_gone(self, things: Collection) -> None:
        """By order, with the fields asked for. Check deletions that return."""
        await things.insert_many([{"_id": 1, "n": 5, "x": 1}, {"_id": 2, "n": 3, "x": 2}])
        gone = await things.find_one_and_delete({}, sort=[("n", 1)], projection=["x"])
        assert gone == {"_id": 2, "x": 2}
        assert ids_of(await things.find().to_list()) == [1]
        assert await things.find_one_and_delete({"_id": 2}) is None

    async def test_a_cursor_is_read_in_every_way(self, things: Collection) -> None:
        """``async for``, ``await``, ``to_list``, ``first``. Check ``read`` with small batches."""
        await things.insert_many([{"_id": number} for number in range(7)])
        order = [("_id", 1)]
        assert [document["_id"] async for document in things.find(sort=order, batch_size=2)] == list(range(7))
        cursor = await things.find(sort=order, batch_size=3)
        assert ids_of(await cursor.to_list(4)) == [0, 1, 2, 3]
        assert ids_of(await cursor.to_list()) == [4, 5, 6]
        assert await cursor.to_list() == []
        assert await things.find(sort=order).first() == {"_id": 0}

    async def test_a_cursor_at_its_end_stays_there(self, things: Collection) -> None:
        """Asking again gives the end again. Check that ``read`` ends instead of raising."""
        await things.insert_one({"_id": 1})
        cursor = things.find()
        assert await anext(cursor) == {"_id": 1}
        for _ in range(3):
            with pytest.raises(StopAsyncIteration):
                await anext(cursor)

    async def test_results_instead_of_errors(self, things: Collection) -> None:
        """``attempt`` wraps both. Check that errors are NoSQLErrors."""
        assert (await things.attempt.insert_one({"_id": 1})).is_ok()
        refused = await things.attempt.insert_one({"_id": 1})
        assert isinstance(refused.unwrap_err(), DuplicateKeyError)

    @pytest.mark.parametrize("filter", ["_id", 1, [("_id", 1)], b"x"], ids=["text", "int", "list", "bytes"])
    async def test_a_filter_is_a_mapping(self, things: Collection, filter: Any) -> None:
        """Anything else is refused before it is sent. Check that the portable layer parses it."""
        with pytest.raises(NoSQLFilterError):
            await things.find_one(filter)

    @pytest.mark.parametrize("count", [-1, 1.5, "1", True], ids=["negative", "float", "text", "bool"])
    @pytest.mark.parametrize("option", ["skip", "limit"])
    async def test_skip_and_limit_are_counts(self, things: Collection, option: str, count: Any) -> None:
        """Anything else is refused before it is sent. Check that the portable layer parses them."""
        with pytest.raises(QueryOptionError):
            things.find({}, **{option: count})

    async def test_collections_are_apart(self, store: DocumentStore) -> None:
        """The same id in each. Check how the name becomes part of keys."""
        names = ["a", "b", "ab"]
        for name in names:
            await store.collection(name).insert_one({"_id": 1, "in": name})
        for name in names:
            assert_same_documents(await store.collection(name).find().to_list(), [{"_id": 1, "in": name}])
        await store.collection("a").delete_many({})
        assert await store.collection("ab").count_documents() == 1

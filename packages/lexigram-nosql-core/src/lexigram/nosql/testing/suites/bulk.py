"""Many writes in one call."""

# ruff: noqa: S101, PT012 - these are tests, a block is what fails

from __future__ import annotations

from typing import Any

import pytest
from lexigram.nosql import DeleteMany, DeleteOne, InsertOne, ReplaceOne, UpdateMany, UpdateOne
from lexigram.nosql.collection import Collection
from lexigram.nosql.exceptions import BulkWriteError, DuplicateKeyError, NoSQLError, UpdateError
from lexigram.nosql.store import DocumentStore
from lexigram.nosql.testing.suite import Suite, ids_of, needs

__all__ = ["Bulk"]


class Bulk(Suite, topic="bulk"):
    """In order or not, and what failed is told by position."""

    async def test_writes_run_in_their_order(self, things: Collection) -> None:
        """Each sees the ones before; the counts are added up. Check ``bulk()``, if there is one."""
        result = await things.bulk_write(
            [
                InsertOne({"_id": 1, "n": 1}),
                InsertOne({"_id": 2, "n": 2}),
                UpdateOne({"_id": 1}, {"$inc": {"n": 10}}),
                UpdateMany({"n": {"$gt": 1}}, {"$set": {"big": True}}),
                ReplaceOne({"_id": 2}, {"r": 1}),
                InsertOne({"_id": 3}),
                DeleteOne({"_id": 3}),
                UpdateOne({"_id": 4}, {"$set": {"n": 4}}, upsert=True),
                DeleteMany({"n": 99}),
            ]
        )
        assert (result.inserted_count, result.matched_count, result.modified_count) == (3, 4, 4)
        assert (result.deleted_count, result.upserted_ids, result.inserted_ids) == (1, ["4"], [1, 2, 3])
        assert await things.find(sort=[("_id", 1)]).to_list() == [
            {"_id": 1, "n": 11, "big": True},
            {"_id": 2, "r": 1},
            {"_id": 4, "n": 4},
        ]

    async def test_an_ordered_bulk_stops(self, things: Collection) -> None:
        """What came before counts, what comes after is not tried. Check ``ordered`` of ``bulk()``."""
        with pytest.raises(BulkWriteError) as caught:
            await things.bulk_write(
                [
                    InsertOne({"_id": 1}),
                    UpdateOne({"_id": 1}, {"$set": {"a": "text"}}),
                    UpdateOne({"_id": 1}, {"$inc": {"a": 1}}),
                    InsertOne({"_id": 2}),
                ]
            )
        (failure,) = caught.value.failures
        assert failure.index == 2
        assert isinstance(failure.error, UpdateError)
        assert (caught.value.result.inserted_count, caught.value.result.modified_count) == (1, 1)
        assert ids_of(await things.find().to_list()) == [1]

    async def test_an_unordered_bulk_tries_all(self, things: Collection) -> None:
        """Each failure with its position. Check ``ordered`` of ``bulk()``."""
        with pytest.raises(BulkWriteError) as caught:
            await things.bulk_write(
                [
                    InsertOne({"_id": 1, "a": "text"}),
                    InsertOne({"_id": 1}),
                    UpdateOne({"_id": 1}, {"$inc": {"a": 1}}),
                    InsertOne({"_id": 2}),
                ],
                ordered=False,
            )
        assert [failure.index for failure in caught.value.failures] == [1, 2]
        assert isinstance(caught.value.failures[0].error, DuplicateKeyError)
        assert caught.value.result.inserted_ids == [1, 2]
        assert sorted(ids_of(await things.find().to_list())) == [1, 2]

    async def test_duplicates_alone_are_a_duplicate_key(self, things: Collection) -> None:
        """So that a caller can catch it as one. Check how errors of ``bulk()`` are classified."""
        await things.insert_one({"_id": 1})
        with pytest.raises(DuplicateKeyError) as caught:
            await things.bulk_write([InsertOne({"_id": 1}), InsertOne({"_id": 2})], ordered=False)
        assert isinstance(caught.value, BulkWriteError)
        assert caught.value.failures[0].error.operation is not None

    async def test_nothing_runs_when_one_is_not_valid(self, things: Collection) -> None:
        """All are checked first. Check that the portable layer prepares them."""
        with pytest.raises(NoSQLError) as caught:
            await things.bulk_write([InsertOne({"_id": 1}), UpdateOne({"_id": 1}, {"$foo": {"a": 1}})])
        assert (caught.value.details or {})["operation_index"] == 1
        assert await things.count_documents() == 0

    async def test_an_empty_bulk_does_nothing(self, things: Collection) -> None:
        """It is no error. Check that ``bulk()`` is not called."""
        result = await things.bulk_write([])
        assert (result.inserted_count, result.matched_count, result.deleted_count) == (0, 0, 0)

    @pytest.mark.parametrize(
        "operations", [{"_id": 1}, "text", [{"_id": 1}], 5], ids=["document", "text", "list", "int"]
    )
    async def test_a_bulk_is_a_list_of_writes(self, things: Collection, operations: Any) -> None:
        """Anything else is refused. Check that the portable layer prepares them."""
        with pytest.raises(NoSQLError):
            await things.bulk_write(operations)

    @pytest.mark.parametrize("ordered", [True, False], ids=["ordered", "unordered"])
    async def test_a_large_bulk_is_split(self, things: Collection, ordered: bool) -> None:
        """More than a service takes in one request. Check the chunks of ``bulk()`` and ``insert``."""
        result = await things.bulk_write([InsertOne({"_id": number}) for number in range(230)], ordered=ordered)
        assert result.inserted_count == 230
        result = await things.bulk_write(
            [UpdateOne({"_id": number}, {"$set": {"a": 1}}) for number in range(0, 230, 2)], ordered=ordered
        )
        assert (result.matched_count, result.modified_count) == (115, 115)
        result = await things.bulk_write([DeleteOne({"_id": number}) for number in range(230)], ordered=ordered)
        assert result.deleted_count == 230

    async def test_upserts_are_told_in_order(self, things: Collection) -> None:
        """Their ids as text. Check the positions that ``bulk()`` gives."""
        await things.insert_one({"_id": "b"})
        result = await things.bulk_write(
            [ReplaceOne({"_id": name}, {"n": place}, upsert=True) for place, name in enumerate("cba")]
        )
        assert (result.matched_count, result.upserted_ids) == (1, ["c", "a"])

    async def test_array_filters_and_pipelines_are_taken(self, things: Collection) -> None:
        """As in single updates. Check what reaches ``bulk()``."""
        await things.insert_one({"_id": 1, "a": [1, 5]})
        await things.bulk_write(
            [
                UpdateOne({"_id": 1}, {"$set": {"a.$[x]": 0}}, array_filters=[{"x": {"$gt": 3}}]),
                UpdateOne({"_id": 1}, [{"$set": {"n": {"$size": "$a"}}}]),
            ]
        )
        assert await things.find_one({}) == {"_id": 1, "a": [1, 0], "n": 2}

    @needs("transactions")
    async def test_a_bulk_takes_part_in_a_transaction(self, things: Collection, store: DocumentStore) -> None:
        """All of it or none. Check that ``bulk()`` carries the session."""
        await things.insert_one({"_id": 1, "n": 1})
        with pytest.raises(ZeroDivisionError):
            async with store.transaction():
                await things.bulk_write([InsertOne({"_id": 2}), UpdateOne({"_id": 1}, {"$inc": {"n": 1}})])
                raise ZeroDivisionError
        assert await things.find().to_list() == [{"_id": 1, "n": 1}]

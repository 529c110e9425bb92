"""Lists of write operations: what they do, what each failure says, and that nothing happens before all are checked."""

from __future__ import annotations

from typing import Any

import pytest
from lexigram.contracts.data.nosql.nosql import BulkWriteResult
from lexigram.nosql import DeleteMany, DeleteOne, DocumentQueryBuilder, InsertOne, ReplaceOne, UpdateMany, UpdateOne
from lexigram.nosql.backends.memory import InMemoryDocumentStore
from lexigram.nosql.collection import Collection
from lexigram.nosql.exceptions import (
    BulkDuplicateKeyError,
    BulkWriteError,
    DuplicateKeyError,
    NoSQLError,
    NoSQLFilterError,
    QueryOptionError,
    UpdateError,
)


async def everything(collection: Collection) -> list[dict[str, Any]]:
    return await collection.find(sort=[("_id", 1)]).to_list()


async def test_operations_run_in_order_and_are_counted(things: Collection) -> None:
    """Each sees what those before it did."""
    result = await things.bulk_write(
        [
            InsertOne({"_id": 1, "n": 1}),
            InsertOne({"_id": 2, "n": 1}),
            UpdateOne({"n": 1}, {"$inc": {"n": 1}}),
            UpdateMany({}, {"$set": {"seen": True}}),
            UpdateOne({"_id": 3}, {"$set": {"n": 3}}, upsert=True),
            UpdateMany({"_id": 4}, {"$set": {"n": 4}}, upsert=True),
            ReplaceOne({"_id": 5}, {"n": 5}, upsert=True),
            ReplaceOne({"_id": 2}, {"n": 20}),
            DeleteOne({"_id": 3}),
            InsertOne({"_id": 6}),
            DeleteMany({"n": {"$in": [4, 5]}}),
        ]
    )
    assert result == BulkWriteResult(
        inserted_count=3,
        matched_count=4,
        modified_count=4,
        deleted_count=3,
        upserted_ids=["3", "4", "5"],
        inserted_ids=[1, 2, 6],
    )
    assert await everything(things) == [{"_id": 1, "n": 2, "seen": True}, {"_id": 2, "n": 20}, {"_id": 6}]


async def test_an_empty_list_does_nothing(things: Collection) -> None:
    """An empty result."""
    assert await things.bulk_write([]) == BulkWriteResult()
    assert await things.bulk_write(()) == BulkWriteResult()


async def test_operations_take_their_options(things: Collection) -> None:
    """Array filters, collation, hints, builders."""
    await things.insert_many([{"_id": 1, "t": "A", "l": [1, 5]}, {"_id": 2, "t": "b", "l": [7]}])
    loose = {"locale": "en", "strength": 2}
    result = await things.bulk_write(
        [
            UpdateMany({}, {"$set": {"l.$[big]": 0}}, array_filters=[{"big": {"$gt": 4}}]),
            UpdateOne({"t": "a"}, {"$set": {"x": 1}}, collation=loose, hint="_id_"),
            ReplaceOne({"t": "B"}, {"t": "c"}, collation=loose),
            UpdateOne(DocumentQueryBuilder().where("t", "c"), [{"$set": {"y": {"$concat": ["$t", "!"]}}}]),
        ]
    )
    assert result.modified_count == 5
    assert await everything(things) == [{"_id": 1, "t": "A", "l": [1, 0], "x": 1}, {"_id": 2, "t": "c", "y": "c!"}]
    result = await things.bulk_write([DeleteOne({"t": "a"}, collation=loose), DeleteMany({"t": "C"}, collation=loose)])
    assert result.deleted_count == 2


async def test_a_sort_says_which_document_is_the_first(things: Collection) -> None:
    """Of updates and replacements, as since MongoDB 8.0; a wrong one is refused before anything is done."""
    await things.insert_many([{"_id": 1, "n": 2}, {"_id": 2, "n": 3}, {"_id": 3, "n": 1}])
    await things.bulk_write(
        [UpdateOne({}, {"$set": {"x": 1}}, sort=[("n", -1)]), ReplaceOne({"x": None}, {"r": 1}, sort={"n": 1})]
    )
    assert await everything(things) == [{"_id": 1, "n": 2}, {"_id": 2, "n": 3, "x": 1}, {"_id": 3, "r": 1}]
    with pytest.raises(QueryOptionError) as caught:
        await things.bulk_write([InsertOne({"_id": 4}), UpdateOne({}, {"$set": {"x": 1}}, sort={"n": 2})])
    assert caught.value.mongo_code == 15975
    assert await things.count_documents({}) == 3


async def test_an_ordered_list_ends_at_its_first_failure(things: Collection) -> None:
    """The error says which and why, and holds the result of those before."""
    await things.insert_one({"_id": 1, "n": "text"})
    with pytest.raises(BulkWriteError) as caught:
        await things.bulk_write(
            [
                InsertOne({"_id": 2}),
                DeleteOne({"_id": 9}),
                UpdateOne({"_id": 1}, {"$inc": {"n": 1}}),
                InsertOne({"_id": 3}),
            ]
        )
    error = caught.value
    assert [failure.index for failure in error.failures] == [2]
    assert isinstance(error.failures[0].error, UpdateError)
    assert not isinstance(error, DuplicateKeyError)
    assert error.__cause__ is error.failures[0].error
    assert error.mongo_code == error.failures[0].error.mongo_code == 14
    assert error.result == BulkWriteResult(1, inserted_ids=[2])
    assert (error.operation, error.collection) == ("bulk_write", "things")
    assert (error.failures[0].error.operation, error.failures[0].error.collection) == ("bulk_write", "things")
    assert "1 of 4 operations failed; the first is number 2" in error.message
    assert await everything(things) == [{"_id": 1, "n": "text"}, {"_id": 2}]


async def test_an_ordered_run_of_inserts_ends_in_its_middle(things: Collection) -> None:
    """Those after the duplicate are not tried."""
    with pytest.raises(BulkDuplicateKeyError) as caught:
        await things.bulk_write([DeleteOne({}), InsertOne({"_id": 1}), InsertOne({"_id": 1}), InsertOne({"_id": 2})])
    assert [failure.index for failure in caught.value.failures] == [2]
    assert caught.value.result.inserted_ids == [1]
    assert caught.value.code == "LEX_ERR_NOSQL_030"
    assert await everything(things) == [{"_id": 1}]


async def test_an_unordered_list_tries_all(things: Collection) -> None:
    """Every failure with its position."""
    await things.insert_one({"_id": 1, "n": "x"})
    with pytest.raises(BulkWriteError) as caught:
        await things.bulk_write(
            [
                InsertOne({"_id": 1}),
                InsertOne({"_id": 2}),
                UpdateOne({"_id": 1}, {"$inc": {"n": 1}}),
                DeleteOne({"_id": 2}),
                InsertOne({"_id": 3}),
                InsertOne({"_id": 3}),
            ],
            ordered=False,
        )
    assert [failure.index for failure in caught.value.failures] == [0, 2, 5]
    assert caught.value.result == BulkWriteResult(2, deleted_count=1, inserted_ids=[2, 3])
    assert await everything(things) == [{"_id": 1, "n": "x"}, {"_id": 3}]


@pytest.mark.parametrize(
    ("operation", "error"),
    [
        (InsertOne({"a": {1}}), NoSQLError),
        (InsertOne(5), NoSQLError),  # type: ignore[arg-type]
        (UpdateOne({"$foo": 1}, {"$set": {"a": 1}}), NoSQLFilterError),
        (UpdateOne({}, {"$foo": {"a": 1}}), UpdateError),
        (UpdateMany({}, {"$set": {"a.$[x]": 1}}), UpdateError),
        (UpdateMany(DocumentQueryBuilder().limit(1), {"$set": {"a": 1}}), QueryOptionError),
        (ReplaceOne({}, {"$set": {"a": 1}}), UpdateError),
        (DeleteOne(5), NoSQLFilterError),
        (DeleteMany({}, hint=5), QueryOptionError),
        (DeleteMany({}, collation=5), QueryOptionError),  # type: ignore[arg-type]
        (UpdateOne({}, {"$set": {"a": 1}}, upsert="yes"), QueryOptionError),  # type: ignore[arg-type]
        (ReplaceOne({}, {"a": 1}, upsert=1), QueryOptionError),  # type: ignore[arg-type]
        ("insert", NoSQLError),
        (None, NoSQLError),
    ],
    ids=str,
)
async def test_all_are_checked_before_the_first_is_run(
    things: Collection, operation: Any, error: type[NoSQLError]
) -> None:
    """The error says at which place the wrong one stands."""
    with pytest.raises(error) as caught:
        await things.bulk_write([InsertOne({"_id": 1}), operation], ordered=False)
    assert caught.value.details["operation_index"] == 1
    assert await things.count_documents() == 0


async def test_a_bulk_that_only_lost_races_may_be_repeated(memory: InMemoryDocumentStore, kept: Collection) -> None:
    """retryable, when every failure is."""
    from lexigram.nosql.bulk import bulk_error
    from lexigram.nosql.exceptions import BulkWriteFailure, WriteConflictError

    lost = BulkWriteFailure(0, WriteConflictError("x"))
    assert bulk_error(BulkWriteResult(), [lost], 1).retryable
    assert not bulk_error(BulkWriteResult(), [lost, BulkWriteFailure(1, NoSQLError("y"))], 2).retryable


async def test_the_ids_of_a_result_are_the_callers_own(things: Collection) -> None:
    """Changing one changes no stored document."""
    result = await things.bulk_write([InsertOne({"_id": {"a": 1}})])
    result.inserted_ids[0]["a"] = 2
    many = await things.insert_many([{"_id": {"b": 1}}])
    many.inserted_ids[0]["b"] = 2
    one = await things.insert_one({"_id": {"c": 1}})
    one.raw_id["c"] = 2
    upserted = await things.update_one({"_id": {"d": 1}}, {"$set": {"x": 1}}, upsert=True)
    upserted.raw_id["d"] = 2
    assert [document["_id"] for document in await everything(things)] == [{"a": 1}, {"b": 1}, {"c": 1}, {"d": 1}]

"""What goes wrong between client and service: acknowledged writes are there, nothing twice, nothing lost silently."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Any

import pytest
import pytest_asyncio
from dynamodb.conftest import settings_for
from dynamodb.raw import drop_tables
from lexigram.nosql import InsertOne
from lexigram.nosql.backends.dynamodb import DynamoDBConfig, DynamoDBDocumentStore
from lexigram.nosql.collection import Collection
from lexigram.nosql.exceptions import (
    DuplicateKeyError,
    NoSQLConnectionError,
    NoSQLError,
    ThrottledError,
    WriteConflictError,
)
from servers import Server
from servers.faults import Between, broken, faulty, held, refused, reset, slow, throttled, unprocessed


@pytest_asyncio.fixture
async def between(dynoxide_server: Server) -> AsyncIterator[Between]:
    async with faulty(dynoxide_server.endpoint) as opened:
        yield opened


@pytest_asyncio.fixture
async def store(dynoxide_server: Server, between: Between, prefix: str) -> AsyncIterator[DynamoDBDocumentStore]:
    given: dict[str, Any] = {
        **settings_for(dynoxide_server),
        "endpoint_url": between.url,
        "table_name": prefix,
        "scan_policy": "allow",
        "schema_lease_seconds": 60.0,
        "max_attempts": 3,
        "batch_attempts": 6,
    }
    async with DynamoDBDocumentStore(DynamoDBConfig(**given)) as opened:
        await opened.collection("things").insert_one({"_id": "first"})
        yield opened
    await drop_tables(dynoxide_server.endpoint, prefix)


@pytest.fixture
def things(store: DynamoDBDocumentStore) -> Collection:
    return store.collection("things")


async def test_a_burst_of_throttling_is_waited_out(things: Collection, between: Between) -> None:
    between.add(throttled("PutItem", times=2))
    await things.insert_one({"_id": 1})
    assert await things.find_one({"_id": 1}) == {"_id": 1}
    assert between.count("PutItem") == 1 + 3


async def test_throttling_without_end_is_told_by_name(things: Collection, between: Between) -> None:
    between.add(throttled("PutItem", times=None))
    with pytest.raises(ThrottledError) as caught:
        await things.insert_one({"_id": 1})
    assert caught.value.retryable
    between.faults.clear()
    assert await things.find_one({"_id": 1}) is None


@pytest.mark.parametrize("done", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("fault", [broken, reset], ids=["500", "reset"])
async def test_an_insert_whose_answer_is_lost_is_there_once(
    things: Collection, between: Between, fault: Any, done: bool
) -> None:
    between.add(fault("PutItem", done=done))
    result = await things.insert_one({"_id": 1, "n": 1})
    assert result.raw_id == 1
    assert await things.find_one({"_id": 1}) == {"_id": 1, "n": 1}
    with pytest.raises(DuplicateKeyError):
        await things.insert_one({"_id": 1, "n": 2})


@pytest.mark.parametrize("done", [False, True], ids=["before", "after"])
async def test_many_inserts_whose_answer_is_lost_are_there_once(
    things: Collection, between: Between, done: bool
) -> None:
    between.add(reset("TransactWriteItems", done=done))
    result = await things.insert_many([{"_id": number} for number in range(30)])
    assert result.inserted_count == 30
    assert await things.count_documents() == 31


@pytest.mark.parametrize("done", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("fault", [broken, reset], ids=["500", "reset"])
async def test_an_increment_whose_answer_is_lost_counts_once(
    things: Collection, between: Between, fault: Any, done: bool
) -> None:
    await things.insert_one({"_id": 1, "n": 0})
    between.add(fault("UpdateItem", done=done))
    assert (await things.update_one({"_id": 1}, {"$inc": {"n": 1}})).modified_count == 1
    assert await things.find_one({"_id": 1}) == {"_id": 1, "n": 1}


@pytest.mark.parametrize("done", [False, True], ids=["before", "after"])
async def test_a_replacement_whose_answer_is_lost_counts_once(things: Collection, between: Between, done: bool) -> None:
    await things.insert_one({"_id": 1, "n": 0})
    between.add(reset("PutItem", done=done))
    assert (await things.replace_one({"_id": 1}, {"n": 5})).modified_count == 1
    assert await things.find_one({"_id": 1}) == {"_id": 1, "n": 5}


async def test_a_deletion_whose_answer_is_lost_is_not_told_as_nothing(things: Collection, between: Between) -> None:
    await things.insert_one({"_id": 1})
    between.add(reset("DeleteItem", done=True))
    with pytest.raises(NoSQLConnectionError):
        await things.find_one_and_delete({"_id": 1})
    assert await things.find_one({"_id": 1}) is None


async def test_a_commit_whose_answer_is_lost_counts_once(
    store: DynamoDBDocumentStore, things: Collection, between: Between
) -> None:
    await things.insert_one({"_id": 1, "n": 0})
    between.add(broken("TransactWriteItems", done=True))
    async with store.transaction():
        await things.update_one({"_id": 1}, {"$inc": {"n": 1}})
        await things.insert_one({"_id": 2})
    assert await things.find_one({"_id": 1}) == {"_id": 1, "n": 1}
    assert await things.find_one({"_id": 2}) == {"_id": 2}


async def test_unprocessed_keys_are_asked_for_again(things: Collection, between: Between) -> None:
    await things.insert_many([{"_id": number} for number in range(120)])
    between.add(unprocessed("BatchGetItem", times=3))
    found = await things.find({"_id": {"$in": list(range(150))}}).to_list()
    assert sorted(document["_id"] for document in found) == list(range(120))


async def test_keys_that_stay_unprocessed_are_never_told_as_missing(things: Collection, between: Between) -> None:
    await things.insert_many([{"_id": number} for number in range(3)])
    between.add(unprocessed("BatchGetItem", times=None))
    with pytest.raises(ThrottledError):
        await things.find({"_id": {"$in": [0, 1, 2]}}).to_list()


async def test_unprocessed_deletions_are_sent_again(dynoxide_server: Server, between: Between, prefix: str) -> None:
    given = {**settings_for(dynoxide_server), "endpoint_url": between.url, "table_name": f"{prefix}s"}
    config = DynamoDBConfig(**given, layout="single-table")
    async with DynamoDBDocumentStore(config) as store:
        for name in ("gone", "kept"):
            await store.collection(name).insert_many([{"_id": number} for number in range(60)])
        between.add(unprocessed("BatchWriteItem", times=4))
        await store.drop_collection("gone")
        assert await store.list_collections() == ["kept"]
        assert await store.collection("gone").count_documents() == 0
        assert await store.collection("kept").count_documents() == 60


async def test_a_slow_answer_arrives_whole(things: Collection, between: Between) -> None:
    await things.insert_many([{"_id": number, "s": "x" * 500} for number in range(50)])
    reached, go = asyncio.Event(), asyncio.Event()
    between.add(slow(reached, go, "Scan"))
    reading = asyncio.ensure_future(things.find().to_list())
    await reached.wait()
    assert not reading.done()
    go.set()
    assert len(await reading) == 51


@pytest.mark.parametrize("done", [False, True], ids=["before", "after"])
async def test_a_cancelled_insert_of_many_stops_between_two_transactions(
    things: Collection, between: Between, done: bool
) -> None:
    reached, go = asyncio.Event(), asyncio.Event()
    between.add(held(reached, go, "TransactWriteItems", done=done, skip=1))
    task = asyncio.ensure_future(things.insert_many([{"_id": number} for number in range(250)]))
    await reached.wait()
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task
    go.set()
    count = await things.count_documents()
    assert count in ({201} if done else {101, 201})
    again = await things.attempt.insert_many([{"_id": number} for number in range(250)], ordered=False)
    assert again.is_err()
    assert await things.count_documents() == 251


async def test_transactions_in_the_way_are_waited_out(things: Collection, between: Between) -> None:
    between.add(refused("TransactionConflictException", "PutItem", times=3))
    await things.insert_one({"_id": 1})
    assert await things.count_documents() == 2


async def test_transactions_in_the_way_without_end_are_a_conflict(things: Collection, between: Between) -> None:
    between.add(refused("TransactionConflictException", "PutItem", times=None))
    with pytest.raises(WriteConflictError):
        await things.insert_one({"_id": 1})


async def test_a_bulk_under_throttling_loses_nothing(things: Collection, between: Between) -> None:
    between.add(throttled("TransactWriteItems", times=2), throttled("PutItem", times=1))
    result = await things.bulk_write([InsertOne({"_id": number}) for number in range(120)], ordered=False)
    assert result.inserted_count == 120
    assert await things.count_documents() == 121


async def test_what_was_acknowledged_in_a_storm_is_there(things: Collection, between: Between) -> None:
    between.add(
        throttled("PutItem", times=5, skip=1),
        reset("PutItem", done=True, times=3, skip=2),
        broken("PutItem", times=4, skip=3),
    )
    results = await asyncio.gather(*(things.attempt.insert_one({"_id": number}) for number in range(40)))
    acknowledged = {number for number, result in enumerate(results) if result.is_ok()}
    between.faults.clear()
    there = {document["_id"] for document in await things.find({"_id": {"$ne": "first"}}).to_list()}
    assert acknowledged <= there
    refusals = [result.unwrap_err() for result in results if result.is_err()]
    assert all(isinstance(error, NoSQLError) for error in refusals)

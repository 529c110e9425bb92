"""Round trips of writes, guards of unique indexes under concurrency, transactions at their limits, expiry, repair."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from dynamodb.conftest import Opener
from dynamodb.raw import request
from lexigram.nosql.backends.dynamodb import DynamoDBDocumentStore, rebuild_indexes
from lexigram.nosql.exceptions import DuplicateKeyError, NoSQLIndexError, TransactionError, WriteConflictError
from servers import Server


async def test_writes_take_as_few_round_trips_as_are_exact(open_store: Opener, either_server: Server) -> None:
    store = await open_store(schema_lease_seconds=60)
    things = store.collection("things")
    await things.insert_one({"_id": "first", "n": 0})

    async def trips(work: Any) -> int:
        before = store.driver.client.requests
        await work
        return int(store.driver.client.requests - before)

    most = store.config.max_transaction_items
    assert await trips(things.insert_one({"_id": 1, "n": 1})) == 1
    assert await trips(things.find_one({"_id": 1})) == 1
    assert await trips(things.update_one({"_id": 1}, {"$inc": {"n": 1}})) == 1
    assert await trips(things.find_one_and_update({"_id": 1}, {"$set": {"n": 5}})) == 1
    assert await trips(things.delete_one({"_id": 1})) == 1
    assert await trips(things.insert_many([{"_id": number} for number in range(100, 200)])) == -(-100 // most)
    assert await trips(things.find({"_id": {"$in": list(range(100, 200))}}).to_list()) == 1
    assert await trips(things.count_documents()) == 1
    scan = 1
    assert await trips(things.delete_many({"_id": {"$ne": "first"}})) == scan + -(-100 // most)


async def test_unique_keys_are_exact_among_writers_of_two_stores(open_store: Opener, layout: str) -> None:
    one, other = await open_store(layout=layout), await open_store(layout=layout)
    await one.collection("users").create_index("mail", unique=True)
    await asyncio.sleep(one.config.schema_lease_seconds)
    stores = [one, other]

    async def add(number: int) -> Any:
        users = stores[number % 2].collection("users")
        return await users.attempt.insert_one({"_id": number, "mail": f"m{number % 5}"})

    results = await asyncio.gather(*(add(number) for number in range(30)))
    assert sum(result.is_ok() for result in results) == 5
    errors = [result.unwrap_err() for result in results if result.is_err()]
    assert all(isinstance(error, DuplicateKeyError | WriteConflictError) for error in errors)
    mails = [document["mail"] for document in await one.collection("users").find().to_list()]
    assert sorted(mails) == [f"m{number}" for number in range(5)]


async def test_keys_that_documents_exchange_stay_unique(store: DynamoDBDocumentStore) -> None:
    users = store.collection("users")
    await users.create_index("mail", unique=True)
    await users.insert_many([{"_id": 1, "mail": "a"}, {"_id": 2, "mail": "b"}])
    async with store.transaction():
        await users.update_one({"_id": 1}, {"$set": {"mail": "c"}})
        await users.update_one({"_id": 2}, {"$set": {"mail": "a"}})
    with pytest.raises(DuplicateKeyError):
        await users.insert_one({"_id": 3, "mail": "a"})
    await users.insert_one({"_id": 4, "mail": "b"})
    assert {document["_id"]: document["mail"] for document in await users.find().to_list()} == {1: "c", 2: "a", 4: "b"}


async def test_a_transaction_that_is_too_large_sends_nothing(store: DynamoDBDocumentStore) -> None:
    things = store.collection("things")
    await things.insert_one({"_id": "first"})
    most = store.config.max_transaction_items
    with pytest.raises(TransactionError) as caught:
        async with store.transaction():
            await things.insert_many([{"_id": number} for number in range(most + 1)])
    assert not caught.value.retryable
    assert str(most + 1) in str(caught.value)
    assert await things.count_documents() == 1


async def test_a_transaction_of_too_many_bytes_sends_nothing(store: DynamoDBDocumentStore) -> None:
    things = store.collection("things")
    await things.insert_one({"_id": "first"})
    if store.config.max_transaction_items < 11:
        pytest.skip("eleven items of 400 KB are needed, and this server takes ten in a transaction")
    with pytest.raises(TransactionError) as caught:  # noqa: PT012 - the block is what fails
        async with store.transaction():
            for number in range(11):
                await things.insert_one({"_id": number, "s": "x" * 400_000})
    assert "4194304" in str(caught.value)
    assert await things.count_documents() == 1


async def test_what_a_transaction_read_must_be_as_it_was(store: DynamoDBDocumentStore) -> None:
    accounts = store.collection("accounts")
    await accounts.insert_many([{"_id": "a", "n": 1}, {"_id": "b", "n": 1}])

    async def outside(change: Any) -> None:
        await change

    for change in (
        lambda: accounts.update_one({"_id": "b"}, {"$set": {"n": 7}}),
        lambda: accounts.delete_one({"_id": "b"}),
        lambda: accounts.insert_one({"_id": "missing"}),
    ):

        async def lose(change: Any = change) -> None:
            async with store.transaction():
                await accounts.find_one({"_id": "b"})
                await accounts.find_one({"_id": "missing"})
                await accounts.update_one({"_id": "a"}, {"$inc": {"n": 1}})
                await asyncio.ensure_future(outside(change()))

        with pytest.raises(WriteConflictError) as caught:
            await lose()
        assert caught.value.retryable
    assert await accounts.find_one({"_id": "a"}) == {"_id": "a", "n": 1}


async def test_two_that_read_what_the_other_writes_do_not_both_commit(store: DynamoDBDocumentStore) -> None:
    doctors = store.collection("doctors")
    await doctors.insert_many([{"_id": 1, "on_call": True}, {"_id": 2, "on_call": True}])
    both = asyncio.Barrier(2)

    async def leave(identity: int) -> None:
        async with store.transaction():
            others = await doctors.find({"on_call": True}).to_list()
            await both.wait()
            if len(others) == 2:
                await doctors.update_one({"_id": identity}, {"$set": {"on_call": False}})

    results = await asyncio.gather(leave(1), leave(2), return_exceptions=True)
    assert any(isinstance(result, WriteConflictError) for result in results)
    assert await doctors.count_documents({"on_call": True}) >= 1


async def test_what_has_expired_is_hidden_and_may_be_written_over(store: DynamoDBDocumentStore, layout: str) -> None:
    things = store.collection("things")
    await things.create_index("at", expire_after_seconds=60)
    await things.create_index("mail", unique=True)
    now = datetime.now(UTC)
    await things.insert_many(
        [
            {"_id": 1, "at": now - timedelta(seconds=61), "mail": "a"},
            {"_id": 2, "at": now, "mail": "b"},
            {"_id": 3, "at": [now, now - timedelta(hours=1)], "mail": "c"},
        ]
    )
    assert [document["_id"] for document in await things.find().to_list()] == [2]
    assert await things.find_one({"_id": 1}) is None
    assert await things.count_documents() == 1
    assert not await things.exists({"mail": "a"})
    assert (await things.update_one({"_id": 1}, {"$set": {"x": 1}})).matched_count == 0
    await things.insert_one({"_id": 1, "at": now, "mail": "z"})
    await things.insert_one({"_id": 4, "at": now, "mail": "c"})
    assert sorted(document["_id"] for document in await things.find().to_list()) == [1, 2, 4]


async def test_indexes_are_made_right_after_others_wrote(
    store: DynamoDBDocumentStore, either_server: Server, prefix: str
) -> None:
    users = store.collection("users")
    await users.create_index("mail", unique=True)
    await users.insert_many([{"_id": "a", "mail": "1"}, {"_id": "b", "mail": "2"}])
    table, endpoint = f"{prefix}-users", either_server.endpoint
    await request(endpoint, "DeleteItem", {"TableName": table, "Key": {"_id": {"S": "a"}}})
    for identity, mail in (("c", "3"), ("d", "2")):
        item = {"_id": {"S": identity}, "mail": {"S": mail}}
        await request(endpoint, "PutItem", {"TableName": table, "Item": item})
    assert await users.find({"mail": "3"}).to_list() == []
    (report,) = await rebuild_indexes(store, "users")
    assert (report.documents, report.mended, report.freed) == (3, 1, 1)
    assert report.duplicates == [("d", {"mail": "2"})]
    assert [document["_id"] for document in await users.find({"mail": "3"}).to_list()] == ["c"]
    with pytest.raises(DuplicateKeyError):
        await users.insert_one({"_id": "e", "mail": "3"})
    await users.insert_one({"_id": "f", "mail": "1"})
    with pytest.raises(NoSQLIndexError):
        await rebuild_indexes(store, "users", name="nothing")


async def test_consistent_reads_do_not_use_global_indexes(open_store: Opener) -> None:
    store = await open_store(consistent_reads=True)
    things = store.collection("things")
    await things.insert_many([{"_id": number, "n": number} for number in range(5)])
    await things.create_index("n")
    plan = await things.find({"n": 3}).explain()
    assert plan.access.kind == "scan"
    with pytest.raises(NoSQLIndexError):
        await things.find({"n": 3}, hint="n_1").to_list()
    assert [document["_id"] for document in await things.find({"n": 3}).to_list()] == [3]


async def test_making_an_index_tells_its_cost_and_progress(
    store: DynamoDBDocumentStore, caplog: pytest.LogCaptureFixture
) -> None:
    things = store.collection("things")
    await things.insert_many([{"_id": number, "n": number} for number in range(5)])
    with caplog.at_level("INFO", "lexigram.nosql"):
        await things.create_index("n")
    told = [record.getMessage() for record in caplog.records if record.name == "lexigram.nosql"]
    assert "will be read and written once" in told[0]
    assert any("ACTIVE" in line for line in told[1:])


async def test_a_pipeline_may_write_more_than_a_transaction_holds(store: DynamoDBDocumentStore) -> None:
    things = store.collection("things")
    await things.insert_many([{"_id": number, "n": number} for number in range(130)])
    await things.aggregate([{"$match": {"n": {"$gte": 5}}}, {"$out": "copies"}]).to_list()
    assert await store.collection("copies").count_documents() == 125

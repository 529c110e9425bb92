"""Transactions read a snapshot, see their own writes, and lose to whoever was first."""

# ruff: noqa: PT012 - a block is what fails

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from lexigram.nosql.backends.firestore import FirestoreDocumentStore
from lexigram.nosql.exceptions import TransactionError, WriteConflictError
from lexigram.nosql.session import Session

Opener = Callable[..., Any]


async def test_increments_of_many_transactions_are_not_lost(store: FirestoreDocumentStore) -> None:
    things = store.collection("things")
    await things.insert_one({"_id": 1, "n": 0})

    async def add(session: Session) -> None:
        found = await things.find_one({"_id": 1})
        assert found is not None
        await things.replace_one({"_id": 1}, {"n": found["n"] + 1})

    await asyncio.gather(*[store.run_transaction(add, attempts=100) for _ in range(8)])
    assert await things.find_one({"_id": 1}) == {"_id": 1, "n": 8}


async def test_a_snapshot_is_one_over_all_collections(store: FirestoreDocumentStore) -> None:
    things, others = store.collection("things"), store.collection("others")
    await things.insert_one({"_id": 1, "n": 1})
    async with store.transaction():
        assert await things.count_documents({}) == 1

        async def outside() -> None:
            await things.update_one({"_id": 1}, {"$inc": {"n": 1}})
            await things.insert_one({"_id": 2})
            await others.insert_one({"_id": 1})

        await asyncio.create_task(outside())
        assert await things.find({}).to_list() == [{"_id": 1, "n": 1}]
        assert await things.find_one({"_id": 2}) is None
        assert await others.count_documents({}) == 0
        assert await things.distinct("n") == [1]
    assert await things.count_documents({}) == 2


async def test_a_first_read_by_query_fixes_the_snapshot(store: FirestoreDocumentStore) -> None:
    accounts = store.collection("accounts")
    await accounts.insert_one({"_id": "a", "name": "x", "balance": 100})

    async def credit() -> None:
        await accounts.update_one({"_id": "a"}, {"$inc": {"balance": 50}})
        await accounts.insert_one({"_id": "b", "name": "x", "balance": 0})

    with pytest.raises(WriteConflictError):
        async with store.transaction():
            (found,) = await accounts.find({"name": "x"}).to_list()
            await asyncio.create_task(credit())
            assert await accounts.find({"name": "x"}).to_list() == [found]
            await accounts.update_one({"_id": "a"}, {"$set": {"balance": found["balance"] - 30}})
    assert await accounts.find_one({"_id": "a"}) == {"_id": "a", "name": "x", "balance": 150}


async def test_what_somebody_else_changed_first_cannot_be_changed(store: FirestoreDocumentStore) -> None:
    things = store.collection("things")
    await things.insert_many([{"_id": number, "n": 0} for number in range(3)])

    async def outside(work: Any) -> None:
        await asyncio.create_task(work)

    for inside, before in (
        (
            lambda: things.update_one({"_id": 0}, {"$inc": {"n": 1}}),
            lambda: things.update_one({"_id": 0}, {"$inc": {"n": 5}}),
        ),
        (lambda: things.delete_one({"_id": 1}), lambda: things.update_one({"_id": 1}, {"$inc": {"n": 5}})),
        (lambda: things.update_one({"_id": 2}, {"$inc": {"n": 1}}), lambda: things.delete_one({"_id": 2})),
        (lambda: things.insert_one({"_id": 9}), lambda: things.insert_one({"_id": 9})),
    ):
        with pytest.raises(WriteConflictError) as caught:
            async with store.transaction():
                await things.find_one({"_id": "any"})
                await outside(before())
                await inside()
        assert caught.value.retryable


async def test_reads_see_own_writes_in_order_and_within_limits(store: FirestoreDocumentStore) -> None:
    things = store.collection("things")
    await things.insert_many([{"_id": f"d{number}", "n": number} for number in range(6)])
    async with store.transaction():
        await things.delete_one({"_id": "d0"})
        await things.update_one({"_id": "d1"}, {"$set": {"n": 50}})
        await things.insert_one({"_id": "d25", "n": 2.5})
        found = await things.find({"n": {"$gte": 2}}, sort=[("n", 1)], skip=1, limit=3).to_list()
        assert [document["n"] for document in found] == [2.5, 3, 4]
        assert await things.find_one({"_id": "d0"}) is None
        assert await things.find_one({"_id": "d1"}) == {"_id": "d1", "n": 50}
        assert await things.count_documents({"n": 50}) == 1
        assert await things.find({"_id": {"$in": ["d0", "d1", "d25"]}}, projection={"n": 1, "_id": 0}).to_list() == [
            {"n": 50},
            {"n": 2.5},
        ]
        await things.insert_one({"_id": "d0", "n": "again"})
        await things.delete_one({"_id": "d25"})
        assert await things.count_documents({}) == 6
    assert await things.find_one({"_id": "d0"}) == {"_id": "d0", "n": "again"}
    assert await things.find_one({"_id": "d25"}) is None


async def test_a_transaction_of_too_many_writes_is_refused_before_anything_is_sent(
    store: FirestoreDocumentStore, counted: Any
) -> None:
    things = store.collection("things")
    found = counted(store)
    with pytest.raises(TransactionError) as caught:
        async with store.transaction():
            await things.insert_many([{"_id": number} for number in range(501)])
    assert not caught.value.retryable
    assert found["commit"] == 0
    with pytest.raises(TransactionError):
        async with store.transaction():
            for number in range(12):
                await things.insert_one({"_id": number, "s": "x" * 1_000_000})
    assert found["commit"] == 0
    async with store.transaction():
        await things.insert_many([{"_id": number} for number in range(500)])
    assert await things.count_documents({}) == 500


async def test_a_document_that_is_written_often_counts_once(store: FirestoreDocumentStore) -> None:
    things = store.collection("things")
    await things.insert_one({"_id": "old"})
    async with store.transaction():
        for number in range(12):
            await things.replace_one({"_id": "new"}, {"n": number, "s": "x" * 900_000}, upsert=True)
            await things.update_one({"_id": "old"}, {"$set": {"n": number, "s": "x" * 900_000}})
    assert [document["n"] for document in await things.find({}).to_list()] == [11, 11]


async def test_the_guards_of_unique_indexes_are_writes_as_well(store: FirestoreDocumentStore, counted: Any) -> None:
    things = store.collection("things")
    await things.create_index("k", unique=True)
    found = counted(store)
    with pytest.raises(TransactionError):
        async with store.transaction():
            await things.insert_many([{"_id": number, "k": number} for number in range(251)])
    assert found["commit"] == 0
    async with store.transaction():
        await things.insert_many([{"_id": number, "k": number} for number in range(250)])


async def test_a_cancelled_transaction_writes_nothing_and_holds_nothing(store: FirestoreDocumentStore) -> None:
    things = store.collection("things")
    await things.insert_one({"_id": 1})
    inside = asyncio.Event()

    async def work() -> None:
        async with store.transaction():
            await things.update_one({"_id": 1}, {"$set": {"n": 1}})
            inside.set()
            await asyncio.Event().wait()

    task = asyncio.create_task(work())
    await inside.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    async with asyncio.timeout(5):
        await things.update_one({"_id": 1}, {"$set": {"free": True}})
    assert await things.find().to_list() == [{"_id": 1, "free": True}]

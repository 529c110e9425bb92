"""Transactions and sessions of a real server."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import Any

import pytest
from lexigram.nosql.backends.mongodb import MongoDBDocumentStore, mongodb_session, mongodb_transaction
from lexigram.nosql.backends.mongodb.driver import MongoDBDriver
from lexigram.nosql.backends.mongodb.server import ServerDescription
from lexigram.nosql.exceptions import (
    NoSQLConnectionError,
    UnsupportedFeatureError,
    WriteConflictError,
)
from lexigram.nosql.session import Session
from pymongo.errors import OperationFailure


async def fail_next(store: MongoDBDocumentStore, command: str, times: int = 1, **what: Any) -> None:
    """Let the server refuse the next commands of a name."""
    await store.native.client["admin"].command(
        "configureFailPoint", "failCommand", mode={"times": times}, data={"failCommands": [command], **what}
    )


def driver_of(store: MongoDBDocumentStore) -> MongoDBDriver:
    driver = store.driver
    assert isinstance(driver, MongoDBDriver)
    return driver


async def test_what_a_transaction_wrote_is_there_at_once(store: MongoDBDocumentStore) -> None:
    """And nothing of it before the commit."""
    things = store.collection("things")
    await things.insert_one({"_id": 0})

    async with store.transaction():
        await things.insert_one({"_id": 1})
        await things.update_one({"_id": 0}, {"$set": {"seen": True}})
        outside = await asyncio.create_task(things.find().to_list())

    assert outside == [{"_id": 0}]
    assert await things.find(sort=[("_id", 1)]).to_list() == [{"_id": 0, "seen": True}, {"_id": 1}]


async def test_an_error_takes_everything_back(store: MongoDBDocumentStore) -> None:
    """Also what was written to another collection."""
    await store.collection("things").insert_one({"_id": 0})

    async def work() -> None:
        async with store.transaction():
            await store.collection("things").delete_one({"_id": 0})
            await store.collection("others").insert_one({"_id": 1})
            raise LookupError

    with pytest.raises(LookupError):
        await work()

    assert await store.collection("things").count_documents({}) == 1
    assert await store.collection("others").count_documents({}) == 0


async def test_a_cancelled_transaction_leaves_nothing(store: MongoDBDocumentStore) -> None:
    """Neither documents nor a session, and the document is free for the next."""
    things = store.collection("things")
    await things.insert_one({"_id": 0})
    written = asyncio.Event()

    async def work() -> None:
        async with store.transaction():
            await things.update_one({"_id": 0}, {"$set": {"by": "cancelled"}})
            written.set()
            await asyncio.Event().wait()

    task = asyncio.create_task(work())
    await written.wait()
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)

    await things.update_one({"_id": 0}, {"$set": {"by": "next"}})
    assert await things.find_one({"_id": 0}) == {"_id": 0, "by": "next"}


async def test_the_second_writer_loses_and_may_try_again(store: MongoDBDocumentStore) -> None:
    """The error says so, and keeps the server's as its cause."""
    things = store.collection("things")
    await things.insert_one({"_id": 0, "n": 0})

    async def work() -> None:
        async with store.transaction():
            await things.find_one({"_id": 0})
            await asyncio.create_task(_increment(store))
            await things.update_one({"_id": 0}, {"$inc": {"n": 1}})

    with pytest.raises(WriteConflictError) as caught:
        await work()

    assert caught.value.retryable
    assert caught.value.mongo_code == 112
    assert isinstance(caught.value.__cause__, OperationFailure)
    assert await things.find_one({"_id": 0}) == {"_id": 0, "n": 1}


async def _increment(store: MongoDBDocumentStore) -> None:
    await store.collection("things").update_one({"_id": 0}, {"$inc": {"n": 1}})


async def test_contending_transactions_all_come_through(store: MongoDBDocumentStore) -> None:
    """``run_transaction`` runs the work again after a conflict; no increment is lost."""
    things = store.collection("things")
    await things.insert_one({"_id": 0, "n": 0})

    async def work(_: Session) -> None:
        found = await things.find_one({"_id": 0})
        assert found is not None
        await things.update_one({"_id": 0}, {"$set": {"n": found["n"] + 1}})

    await asyncio.gather(*(store.run_transaction(work, attempts=50) for _ in range(8)))

    assert await things.find_one({"_id": 0}) == {"_id": 0, "n": 8}


async def test_a_commit_whose_answer_was_lost_is_sent_again(own_store: MongoDBDocumentStore) -> None:
    """The block runs once, and its writes are there once."""
    store = own_store
    things = store.collection("things")
    await things.insert_one({"_id": 0, "n": 0})
    await fail_next(store, "commitTransaction", times=3, errorCode=91)
    runs = 0

    async with store.transaction():
        runs += 1
        await things.update_one({"_id": 0}, {"$inc": {"n": 1}})

    assert runs == 1
    assert await things.find_one({"_id": 0}) == {"_id": 0, "n": 1}


async def test_a_transient_error_in_a_transaction_runs_it_again(own_store: MongoDBDocumentStore) -> None:
    """Whatever the error was, the server labelled it."""
    store = own_store
    things = store.collection("things")
    await things.insert_one({"_id": 0, "n": 0})
    await fail_next(store, "update", errorCode=91, errorLabels=["TransientTransactionError"])
    runs = 0

    async def work(_: Session) -> None:
        nonlocal runs
        runs += 1
        await things.update_one({"_id": 0}, {"$inc": {"n": 1}})

    await store.run_transaction(work)

    assert runs == 2
    assert await things.find_one({"_id": 0}) == {"_id": 0, "n": 1}


async def test_a_server_that_stands_alone_says_what_it_lacks(store: MongoDBDocumentStore) -> None:
    """Before anything is sent; of transactions and of feeds."""
    driver_of(store).server = ServerDescription((8, 0, 0), "standalone")

    with pytest.raises(UnsupportedFeatureError, match="replica set") as caught:
        async with store.transaction():
            raise AssertionError
    assert caught.value.feature == "transactions"
    with pytest.raises(UnsupportedFeatureError, match="replica set"):
        await anext(store.collection("things").watch())


async def test_a_session_sees_its_own_writes(store: MongoDBDocumentStore) -> None:
    """Causally consistent: the server is told the time of the last write."""
    things = store.collection("things")

    async with store.session() as session:
        await things.insert_one({"_id": 1})
        native = session.call().session.native
        assert await things.find_one({"_id": 1}) == {"_id": 1}

    assert native.options.causal_consistency
    assert native.operation_time is not None
    assert native.has_ended


async def test_a_transaction_runs_in_the_session_that_is_open(store: MongoDBDocumentStore) -> None:
    """Which goes on afterwards."""
    things = store.collection("things")

    async with store.session() as session:
        async with session.transaction():
            await things.insert_one({"_id": 1})
        await things.insert_one({"_id": 2})
        with suppress(LookupError):
            async with session.transaction():
                await things.insert_one({"_id": 3})
                raise LookupError
        assert await things.distinct("_id") == [1, 2]


async def test_the_documented_session_is_the_sdk_s(store: MongoDBDocumentStore) -> None:
    """For code that talks to motor or PyMongo itself; it ends with the block."""
    async with mongodb_session(store.native.client) as session:
        await store.native["things"].insert_one({"_id": 1}, session=session)

    assert session.has_ended
    assert await store.collection("things").count_documents({}) == 1


async def test_the_documented_transaction_commits_or_rolls_back(store: MongoDBDocumentStore) -> None:
    """As the block ends."""
    things = store.native["things"]
    async with mongodb_transaction(store.native.client) as session:
        await things.insert_one({"_id": 1}, session=session)
    with suppress(LookupError):
        async with mongodb_transaction(store.native.client) as session:
            await things.insert_one({"_id": 2}, session=session)
            raise LookupError

    assert session.has_ended
    assert await store.collection("things").distinct("_id") == [1]


async def test_the_documented_transaction_takes_clients_only() -> None:
    """A store is none; the error says what to pass."""
    with pytest.raises(NoSQLConnectionError, match="is no client of MongoDB"):
        async with mongodb_session(object()):
            raise AssertionError

"""Servers that die and come back, answers that do not come, calls that are given up."""

# ruff: noqa: PT012 - a block is what fails

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from grpc import StatusCode, aio
from lexigram.nosql.backends.firestore import FirestoreConfig, FirestoreDocumentStore
from lexigram.nosql.exceptions import NoSQLConnectionError, NoSQLTimeoutError, TransactionError
from lexigram.nosql.session import Session
from servers.restartable import Restartable


@pytest_asyncio.fixture
async def own_store(own_firestore: Restartable) -> AsyncIterator[FirestoreDocumentStore]:
    """Return a connected store on an emulator of this test's own."""
    config = FirestoreConfig(
        project_id="own",
        emulator_host=own_firestore.url,
        retry_attempts=2,
        retry_max_ms=300,
        connect_timeout_ms=60_000,
        scan_policy="allow",
    )
    async with FirestoreDocumentStore(config) as opened:
        yield opened


@pytest.mark.timeout(180)
async def test_a_server_that_dies_and_comes_back_is_used_again(
    own_store: FirestoreDocumentStore, own_firestore: Restartable
) -> None:
    """Every operation says that the connection is gone, with the SDK's error as cause; afterwards all is well."""
    things = own_store.collection("things")
    await things.insert_one({"_id": 1})
    await asyncio.to_thread(own_firestore.process.kill)
    acts: dict[str, Any] = {
        "find_one": lambda: things.find_one({"_id": 1}),
        "find": lambda: things.find({"n": 1}).to_list(),
        "count": lambda: things.count_documents({}),
        "insert": lambda: things.insert_one({"_id": 2}),
        "update": lambda: things.update_one({"_id": 1}, {"$set": {"a": 1}}),
        "delete": lambda: things.delete_one({"_id": 1}),
        "list": own_store.list_collections,
    }
    for name, act in acts.items():
        with pytest.raises(NoSQLConnectionError) as caught:
            await act()
        assert caught.value.retryable, name
        assert caught.value.__cause__ is not None, name
    health = await own_store.health_check(timeout=2)
    assert health.status.value == "unhealthy"
    await asyncio.to_thread(own_firestore.process.start)
    async with asyncio.timeout(30):
        while (await things.attempt.insert_one({"_id": 3})).is_err():  # noqa: ASYNC110 - the next attempt is the event
            await asyncio.sleep(0.1)
    assert await things.find({}).to_list() == [{"_id": 3}]
    assert (await own_store.health_check()).status.value == "healthy"


@pytest.mark.timeout(180)
async def test_a_request_under_way_ends_when_the_server_dies(
    own_store: FirestoreDocumentStore, own_firestore: Restartable
) -> None:
    things = own_store.collection("things")
    await things.insert_many([{"_id": number, "s": "x" * 10_000} for number in range(400)])
    cursor = things.find({}, batch_size=5)
    assert await anext(cursor)
    await asyncio.to_thread(own_firestore.process.kill)
    with pytest.raises(NoSQLConnectionError):
        async with asyncio.timeout(30):
            async for _ in cursor:
                await asyncio.sleep(0)
            # What had arrived before the server died may have been all; then the next request tells.
            await things.find_one({"_id": 1})
    await cursor.aclose()


async def test_a_deadline_ends_a_call_in_time(store: FirestoreDocumentStore) -> None:
    things = store.collection("things")
    await things.insert_many([{"_id": number, "s": "x" * 10_000} for number in range(300)])
    loop = asyncio.get_running_loop()
    start = loop.time()
    with pytest.raises(NoSQLTimeoutError):
        await things.find({"n": {"$exists": False}}, timeout=0.01).to_list()
    assert loop.time() - start < 2
    assert await things.count_documents({}) == 300


async def test_a_cancelled_call_leaves_the_connection_usable(store: FirestoreDocumentStore) -> None:
    things = store.collection("things")
    await things.insert_many([{"_id": number, "s": "x" * 10_000} for number in range(300)])
    for delay in (0.0, 0.001, 0.005, 0.02):
        for act in (
            lambda: things.find({"n": {"$exists": False}}).to_list(),
            lambda: things.find_one({"_id": 5}),
            lambda: things.update_one({"_id": 5}, {"$inc": {"n": 1}}),
        ):
            task = asyncio.ensure_future(act())
            await asyncio.sleep(delay)
            task.cancel()
            await asyncio.wait([task])
            assert task.cancelled() or task.exception() is None
    assert await things.count_documents({}) == 300


async def test_a_cursor_that_is_left_early_has_ended_its_request(store: FirestoreDocumentStore) -> None:
    things = store.collection("things")
    await things.insert_many([{"_id": str(number), "s": "x" * 2000} for number in range(400)])
    driver: Any = store.driver
    send, calls = driver.client._query, list[Any]()

    def noted(*args: Any, **given: Any) -> Any:
        calls.append(send(*args, **given))
        return calls[-1]

    driver.client._query = noted
    before = asyncio.all_tasks()
    async with things.find({}, batch_size=5) as cursor:
        async for _ in cursor:
            break
    assert [call.done() for call in calls] == [True]
    async with asyncio.timeout(5):
        while asyncio.all_tasks() - before:  # noqa: ASYNC110 - gRPC tells nobody when its tasks have ended
            await asyncio.sleep(0.01)


async def test_increments_under_contention_are_not_lost(store: FirestoreDocumentStore) -> None:
    things = store.collection("things")
    await things.insert_one({"_id": 1, "n": 0})
    await asyncio.gather(*[things.update_one({"_id": 1}, {"$inc": {"n": 1}}) for _ in range(12)])
    assert await things.find_one({"_id": 1}) == {"_id": 1, "n": 12}


def losing(store: FirestoreDocumentStore, before: Any = None, *, made: bool) -> None:
    """Lose the answer to the next commit of a store.

    Args:
        store: The store.
        before: What another writer does meanwhile.
        made: Whether the commit is made; then the other writer comes after it.
    """
    driver: Any = store.driver
    send = driver.client._commit

    async def lost(request: Any, **given: Any) -> Any:
        driver.client._commit = send
        if made:
            await send(request, **given)
        if before is not None:
            await before()
        raise aio.AioRpcError(StatusCode.UNAVAILABLE, aio.Metadata(), aio.Metadata(), details="lost")

    driver.client._commit = lost


@pytest.mark.parametrize("made", [True, False])
async def test_the_increment_of_another_writer_is_not_taken_for_ones_own(open_store: Any, made: bool) -> None:
    ours, others = await open_store(), await open_store()
    things = ours.collection("things")
    await things.insert_one({"_id": 1, "n": 5})
    losing(ours, lambda: others.collection("things").update_one({"_id": 1}, {"$inc": {"n": 1}}), made=made)
    with pytest.raises(NoSQLConnectionError, match="cannot be told"):
        await things.update_one({"_id": 1}, {"$inc": {"n": 1}})
    assert await things.find_one({"_id": 1}) == {"_id": 1, "n": 7 if made else 6}


async def test_a_lock_is_not_held_twice(open_store: Any) -> None:
    ours, others = await open_store(), await open_store()
    losing(ours, lambda: others.collection("locks").insert_one({"_id": "lock"}), made=False)
    with pytest.raises(NoSQLConnectionError, match="cannot be told"):
        await ours.collection("locks").insert_one({"_id": "lock"})


async def test_a_deletion_whose_answer_was_lost_takes_no_second_document(store: FirestoreDocumentStore) -> None:
    things = store.collection("things")
    await things.insert_many([{"_id": "a", "n": 1}, {"_id": "b", "n": 2}])
    losing(store, made=True)
    with pytest.raises(NoSQLConnectionError, match="cannot be told"):
        await things.find_one_and_delete({}, sort=[("n", 1)])
    assert await things.find({}).to_list() == [{"_id": "b", "n": 2}]


async def test_a_transaction_whose_answer_was_lost_is_committed_once(store: FirestoreDocumentStore) -> None:
    things = store.collection("things")
    await things.insert_one({"_id": 1, "n": 0})

    async def add(_: Session) -> None:
        await things.update_one({"_id": 1}, {"$inc": {"n": 1}})

    losing(store, made=True)
    with pytest.raises(TransactionError, match="nobody knows"):
        await store.run_transaction(add)
    assert await things.find_one({"_id": 1}) == {"_id": 1, "n": 1}

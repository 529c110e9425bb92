"""Servers that die, are slow or refuse: what the caller sees, and that the store recovers."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import pytest
from lexigram.contracts.core.health import HealthStatus
from lexigram.nosql.backends.mongodb import MongoDBConfig, MongoDBDocumentStore
from lexigram.nosql.exceptions import (
    DocumentTooLargeError,
    DuplicateKeyError,
    NoSQLConnectionError,
    NoSQLError,
    NoSQLTimeoutError,
)
from mongodb.known_faults import forgotten_retries
from pymongo.errors import PyMongoError
from servers.mongodb import RestartableMongoDB
from servers.processes import free_port


async def fail(store: MongoDBDocumentStore, commands: list[str], mode: Any, **what: Any) -> None:
    await store.native.client["admin"].command(
        "configureFailPoint", "failCommand", mode=mode, data={"failCommands": commands, **what}
    )


@pytest.mark.timeout(180)
async def test_no_acknowledged_write_is_lost_when_the_server_is_killed(
    restartable_mongodb: RestartableMongoDB, own_settings: dict[str, Any]
) -> None:
    """In the middle of 1,000 writes: each is acknowledged or fails with one typed error, and none is there twice."""
    acknowledged: set[int] = set()
    failed: dict[int, Exception] = {}
    settings = {**own_settings, "server_selection_timeout_ms": 20_000, "max_pool_size": 8}
    async with MongoDBDocumentStore(MongoDBConfig(**settings)) as store:
        things = store.collection("things")
        await things.create_index("number")
        waiting = iter(range(1000))
        killed = asyncio.Event()

        async def write() -> None:
            for number in waiting:
                try:
                    await things.insert_one({"number": number})
                except NoSQLError as error:
                    failed[number] = error
                else:
                    acknowledged.add(number)
                if len(acknowledged) >= 300:
                    killed.set()

        async def kill() -> None:
            await killed.wait()
            await asyncio.to_thread(restartable_mongodb.process.restart)

        await asyncio.gather(kill(), *(write() for _ in range(8)))
        forgetting = forgotten_retries(await store.native.command("buildInfo"))

        stored = [found["number"] for found in await things.find().to_list()]
        assert await things.find_one({"number": 999}) is not None  # the pool has recovered

    assert len(stored) == len(set(stored))
    assert acknowledged <= set(stored)
    assert len(acknowledged) + len(failed) == 1000
    allowed = {NoSQLConnectionError, NoSQLTimeoutError, *forgetting}
    assert {type(error) for error in failed.values()} <= allowed
    assert all(isinstance(error.__cause__, PyMongoError) for error in failed.values())


@pytest.mark.timeout(120)
async def test_a_store_recovers_when_its_server_comes_back(
    restartable_mongodb: RestartableMongoDB, own_settings: dict[str, Any]
) -> None:
    """While it is gone, calls fail in time and the health check says so."""
    settings = {**own_settings, "server_selection_timeout_ms": 1000}
    async with MongoDBDocumentStore(MongoDBConfig(**settings)) as store:
        things = store.collection("things")
        await things.insert_one({"_id": 1})
        await asyncio.to_thread(restartable_mongodb.process.stop)

        start = time.monotonic()
        with pytest.raises(NoSQLConnectionError) as caught:
            await things.find_one({"_id": 1})
        assert time.monotonic() - start < 10
        assert caught.value.retryable
        assert (await store.health_check()).status is HealthStatus.UNHEALTHY

        await asyncio.to_thread(restartable_mongodb.process.start)
        async with asyncio.timeout(30):
            # Each check waits for a server itself.
            while (await store.health_check()).status is not HealthStatus.HEALTHY:
                pass
        assert await things.find_one({"_id": 1}) == {"_id": 1}


async def test_a_server_that_is_not_there_is_told_in_time(kind: str) -> None:
    """With the host, and without the password."""
    uri = f"mongodb://ada:opensesame@127.0.0.1:{free_port()}/"
    store = MongoDBDocumentStore(MongoDBConfig(uri=uri, client=kind, server_selection_timeout_ms=1000))  # type: ignore[arg-type]

    with pytest.raises(NoSQLConnectionError) as caught:
        await store.connect()

    assert "127.0.0.1" in str(caught.value)
    assert "opensesame" not in repr(caught.value) + str(caught.value) + repr(caught.value.__cause__)
    assert not store.is_connected()


async def test_a_slow_server_is_a_timeout(own_store: MongoDBDocumentStore) -> None:
    """Of the call's own time limit, which the server is told as well."""
    things = own_store.collection("things")
    await things.insert_one({"_id": 1})
    await fail(own_store, ["find"], "alwaysOn", blockConnection=True, blockTimeMS=3000)

    start = time.monotonic()
    with pytest.raises(NoSQLTimeoutError):
        await things.find_one({"_id": 1}, timeout=0.3)
    assert time.monotonic() - start < 2.5

    await own_store.native.client["admin"].command("configureFailPoint", "failCommand", mode="off")
    async with asyncio.timeout(20):
        assert await things.find_one({"_id": 1}) == {"_id": 1}


@pytest.mark.parametrize("setting", [{"timeout_ms": 300}, {"operation_timeout": 0.3}, {"socket_timeout_ms": 1000}])
async def test_a_slow_server_is_a_timeout_by_configuration(
    own_settings: dict[str, Any], setting: dict[str, Any]
) -> None:
    """Of the client, of the store, or of one answer."""
    config = MongoDBConfig(**own_settings, **setting, retry_reads=False)
    async with MongoDBDocumentStore(config) as store:
        await fail(store, ["find"], {"times": 1}, blockConnection=True, blockTimeMS=4000)
        start = time.monotonic()
        with pytest.raises(NoSQLTimeoutError):
            await store.collection("things").find_one({"_id": 1})
        assert time.monotonic() - start < 3.5


async def test_an_exhausted_pool_is_a_timeout(own_settings: dict[str, Any]) -> None:
    """After ``wait_queue_timeout_ms``, not a hang; afterwards the connection is free again."""
    config = MongoDBConfig(**{**own_settings, "max_pool_size": 1, "wait_queue_timeout_ms": 200})
    async with MongoDBDocumentStore(config) as store:
        things = store.collection("things")
        await things.insert_one({"_id": 1})
        await fail(store, ["find"], {"times": 1}, blockConnection=True, blockTimeMS=1500)

        results = await asyncio.gather(*(things.find_one({"_id": 1}) for _ in range(4)), return_exceptions=True)

        assert {type(result) for result in results} == {dict, NoSQLTimeoutError}
        assert await things.find_one({"_id": 1}) == {"_id": 1}


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        (10107, NoSQLConnectionError),
        (50, NoSQLTimeoutError),
        (11602, NoSQLConnectionError),
        (9001, NoSQLConnectionError),
    ],
)
async def test_a_refusal_of_the_server_is_told_by_its_code(
    own_settings: dict[str, Any], code: int, expected: type[NoSQLError]
) -> None:
    """Once the SDK's own repetition is over."""
    config = MongoDBConfig(**own_settings, retry_writes=False)
    async with MongoDBDocumentStore(config) as store:
        await fail(store, ["insert"], {"times": 1}, errorCode=code)

        with pytest.raises(expected) as caught:
            await store.collection("things").insert_one({"_id": 1})

    assert type(caught.value) is expected
    assert (caught.value.backend, caught.value.collection, caught.value.operation) == (
        "mongodb",
        "things",
        "insert_one",
    )


async def test_a_write_that_the_server_lost_is_repeated_once(own_store: MongoDBDocumentStore) -> None:
    """``retry_writes``: the caller sees nothing of it, and the document is there once."""
    await fail(own_store, ["insert"], {"times": 1}, closeConnection=True)

    await own_store.collection("things").insert_one({"_id": 1})

    assert await own_store.collection("things").count_documents({}) == 1


async def test_a_document_that_is_too_large_is_refused(store: MongoDBDocumentStore) -> None:
    """By name, and nothing is stored."""
    with pytest.raises(DocumentTooLargeError):
        await store.collection("things").insert_one({"_id": 1, "text": "x" * 17_000_000})

    assert await store.collection("things").count_documents({}) == 0


async def test_a_duplicate_key_says_where(store: MongoDBDocumentStore) -> None:
    """Index and key as attributes, and the words that services look for."""
    users = store.collection("users")
    await users.create_index([("mail", 1)], unique=True, name="one_mail")
    await users.insert_one({"_id": 1, "mail": "a@b"})

    with pytest.raises(DuplicateKeyError, match="duplicate key") as caught:
        await users.insert_one({"_id": 2, "mail": "a@b"})

    assert (caught.value.index, caught.value.key) == ("one_mail", {"mail": "a@b"})
    assert isinstance(caught.value.__cause__, PyMongoError)


async def test_a_cancelled_call_leaks_no_connection(own_settings: dict[str, Any]) -> None:
    """With a pool of two, many calls that are cancelled while they wait for the server leave both to the next."""
    config = MongoDBConfig(**{**own_settings, "max_pool_size": 2, "wait_queue_timeout_ms": 5000})
    async with MongoDBDocumentStore(config) as store:
        things = store.collection("things")
        await things.insert_many([{"_id": number} for number in range(50)])
        await fail(store, ["find", "getMore"], {"times": 6}, blockConnection=True, blockTimeMS=300)

        for _ in range(6):
            task = asyncio.create_task(things.find(batch_size=5).to_list())
            await asyncio.wait((task,), timeout=0.05)
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

        async with asyncio.timeout(20):
            found = await asyncio.gather(*(things.find(batch_size=5).to_list() for _ in range(4)))
    assert [len(documents) for documents in found] == [50] * 4


def test_a_store_of_another_event_loop_says_so(own_settings: dict[str, Any]) -> None:
    """Instead of hanging, or of an error from deep inside the SDK."""
    store = MongoDBDocumentStore(MongoDBConfig(**own_settings))
    first = asyncio.new_event_loop()
    try:
        first.run_until_complete(store.connect())
        first.run_until_complete(store.collection("things").insert_one({"_id": 1}))

        async def elsewhere() -> None:
            for call in (store.collection("things").find_one({"_id": 1}), store.collection("things").find().to_list()):
                with pytest.raises(NoSQLConnectionError, match="another event loop") as caught:
                    await call
                assert not caught.value.retryable

        asyncio.run(elsewhere())
        first.run_until_complete(store.disconnect())
    finally:
        first.close()

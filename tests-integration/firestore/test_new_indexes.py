"""Writes of many and transactions keep the unique indexes that others make while they are under way."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from lexigram.nosql.backends.firestore import FirestoreDocumentStore
from lexigram.nosql.exceptions import BulkWriteError, DuplicateKeyError, WriteConflictError

Opener = Callable[..., Any]


def after_first_commit(store: FirestoreDocumentStore, act: Callable[[], Awaitable[Any]]) -> None:
    """Let something happen when the next commit of a store has been answered."""
    driver: Any = store.driver
    send = driver.client._commit

    async def sending(request: Any, **given: Any) -> Any:
        driver.client._commit = send
        answer = await send(request, **given)
        await act()
        return answer

    driver.client._commit = sending


async def pair(open_store: Opener) -> tuple[FirestoreDocumentStore, Any]:
    """A store whose commits hold two writes, and what another store makes an index with."""
    ours, others = await open_store(max_writes=2), await open_store()
    return ours, lambda: others.collection("things").create_index("k", unique=True)


async def test_an_insert_of_many_keeps_an_index_made_meanwhile(open_store: Opener) -> None:
    ours, make_index = await pair(open_store)
    things = ours.collection("things")
    after_first_commit(ours, make_index)
    with pytest.raises(BulkWriteError):
        await things.insert_many([{"_id": str(n), "k": n if n < 2 else 7} for n in range(6)])
    assert [document["k"] for document in await things.find({}, sort=[("k", 1)]).to_list()] == [0, 1, 7]


@pytest.mark.parametrize("text", ["", "x" * 900_000])
async def test_an_update_of_many_keeps_an_index_made_meanwhile(open_store: Opener, text: str) -> None:
    """Made between two batches, or between two commits of one."""
    ours, make_index = await pair(open_store)
    if text:
        ours = await open_store()
    things = ours.collection("things")
    keys = [10, 11, 12, 13, 1, 2, 3, 4]
    for number, key in enumerate(keys):
        await things.insert_one({"_id": str(number), "k": key})
    after_first_commit(ours, make_index)
    with pytest.raises(DuplicateKeyError):
        await things.update_many({}, {"$set": {"s": text + "y"}, "$max": {"k": 9}})
    found = [document["k"] for document in await things.find({}, sort=[("k", 1)]).to_list()]
    assert found == [2, 3, 4, 9, 10, 11, 12, 13]


async def test_a_deletion_of_many_frees_the_keys_of_an_index_made_meanwhile(open_store: Opener) -> None:
    ours, make_index = await pair(open_store)
    things = ours.collection("things")
    await things.insert_many([{"_id": str(n), "k": n} for n in range(6)])
    after_first_commit(ours, make_index)
    assert (await things.delete_many({})).deleted_count == 6
    for number in range(6):
        await things.insert_one({"_id": f"new {number}", "k": number})


async def test_a_transaction_that_wrote_before_an_index_was_made_is_to_be_run_again(open_store: Opener) -> None:
    ours, others = await open_store(), await open_store()
    things = ours.collection("things")

    async def outside() -> None:
        await others.collection("things").create_index("k", unique=True)
        await others.collection("things").insert_one({"_id": "theirs", "k": 2})

    with pytest.raises(WriteConflictError) as caught:  # noqa: PT012 - the end of the block is what fails
        async with ours.transaction():
            await things.insert_one({"_id": "ours", "k": 2})
            await asyncio.create_task(outside())
    assert caught.value.retryable
    assert await things.find({}).to_list() == [{"_id": "theirs", "k": 2}]

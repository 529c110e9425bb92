"""Writes that the SDK repeats because no answer came, while others write the same document: each counts once."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest
import pytest_asyncio
from aiohttp import web
from dynamodb.conftest import settings_for
from dynamodb.raw import drop_tables, request
from lexigram.nosql.backends.dynamodb import DynamoDBConfig, DynamoDBDocumentStore
from lexigram.nosql.collection import Collection
from lexigram.nosql.exceptions import NoSQLConnectionError
from servers import Server
from servers.faults import Between, Exchange, Fault, faulty, reset

TASKS, CALLS = 24, 6


@pytest_asyncio.fixture
async def between(either_server: Server) -> AsyncIterator[Between]:
    async with faulty(either_server.endpoint) as opened:
        yield opened


@pytest.fixture
def given(either_server: Server, prefix: str) -> dict[str, Any]:
    return {
        **settings_for(either_server),
        "table_name": prefix,
        "scan_policy": "allow",
        "schema_lease_seconds": 60.0,
        "batch_attempts": 20,
    }


@pytest_asyncio.fixture
async def others(given: dict[str, Any], either_server: Server, prefix: str) -> AsyncIterator[Collection]:
    """Return a collection with one document, as a store without an endpoint between has it."""
    async with DynamoDBDocumentStore(DynamoDBConfig(**given)) as opened:
        things = opened.collection("things")
        await things.insert_one({"_id": 1, "n": 0, "l": []})
        yield things
    await drop_tables(either_server.endpoint, prefix)


@pytest_asyncio.fixture
async def things(given: dict[str, Any], between: Between, others: Collection) -> AsyncIterator[Collection]:
    """Return the same collection by the endpoint between."""
    async with DynamoDBDocumentStore(DynamoDBConfig(**{**given, "endpoint_url": between.url})) as opened:
        things = opened.collection("things")
        # What is not known yet is not written natively.
        await things.find_one({"_id": 1})
        yield things


@pytest_asyncio.fixture
async def strict(given: dict[str, Any], between: Between, others: Collection) -> AsyncIterator[Collection]:
    """Return the same with writes by transactions."""
    settings = {**given, "endpoint_url": between.url, "idempotent_writes": "transaction"}
    async with DynamoDBDocumentStore(DynamoDBConfig(**settings)) as opened:
        things = opened.collection("things")
        await things.find_one({"_id": 1})
        yield things


def _lossy(*operations: str) -> Fault:
    """Lose the answers to a third of the requests, which are carried out, and a sixth of the requests themselves."""
    chance = random.Random(7)

    async def act(exchange: Exchange) -> Any:
        number = chance.randrange(6)
        # The SDK gives up at some time; here it is to come through.
        if exchange.request.headers["amz-sdk-request"].partition(";")[0] not in {"attempt=1", "attempt=2", "attempt=3"}:
            number = 3
        if number != 0:
            answer = await exchange.forward(exchange.body)
            if number > 2:
                return answer
        transport = exchange.request.transport
        if transport is not None:
            transport.abort()
        return web.Response(status=500)

    return Fault(act, frozenset(operations), times=None)


def _lost_after(work: Callable[[], Awaitable[Any]], operation: str) -> Fault:
    """Let a request be carried out, and something else after it, and cut the connection."""

    async def act(exchange: Exchange) -> web.StreamResponse:
        await exchange.forward(exchange.body)
        await work()
        transport = exchange.request.transport
        if transport is not None:
            transport.abort()
        return web.Response(status=500)

    return Fault(act, frozenset({operation}))


async def _storm(write: Callable[[int], Awaitable[Any]]) -> tuple[set[int], set[int]]:
    """Write from many tasks at once; the numbers of the calls that were acknowledged, and of those told as unknown."""
    done: set[int] = set()
    unknown: set[int] = set()

    async def work(task: int) -> None:
        for number in range(task * CALLS, (task + 1) * CALLS):
            try:
                await write(number)
            except NoSQLConnectionError:
                unknown.add(number)
            else:
                done.add(number)

    await asyncio.gather(*map(work, range(TASKS)))
    assert len(done) + len(unknown) == TASKS * CALLS
    return done, unknown


async def test_increments_whose_answers_are_lost_count_once_each(
    things: Collection, others: Collection, between: Between
) -> None:
    between.add(_lossy("UpdateItem", "PutItem"))
    done, unknown = await _storm(lambda _: things.update_one({"_id": 1}, {"$inc": {"n": 1}}))
    found = await others.find_one({"_id": 1})
    assert found is not None
    assert len(done) <= found["n"] <= len(done) + len(unknown)
    # Of a document that is written so often, the latest six revisions tell only a part of the lost ones.
    assert len(done) > TASKS * CALLS / 4


async def test_elements_whose_answers_are_lost_are_appended_once_each(
    things: Collection, others: Collection, between: Between
) -> None:
    between.add(_lossy("UpdateItem", "PutItem"))
    done, unknown = await _storm(lambda number: things.update_one({"_id": 1}, {"$push": {"l": number}}))
    found = await others.find_one({"_id": 1})
    assert found is not None
    counted = Counter(found["l"])
    assert set(counted.values()) == {1}
    assert done <= set(counted) <= done | unknown


async def test_writes_by_transactions_are_never_told_as_unknown(
    strict: Collection, others: Collection, between: Between
) -> None:
    between.add(_lossy("TransactWriteItems"))
    sent = between.count("UpdateItem") + between.count("PutItem")
    done, unknown = await _storm(lambda _: strict.update_one({"_id": 1}, {"$inc": {"n": 1}}))
    assert not unknown
    assert await others.find_one({"_id": 1}) == {"_id": 1, "n": len(done), "l": []}
    assert between.count("UpdateItem") + between.count("PutItem") == sent


@pytest.mark.parametrize("writes", [1, 5, 6, 20])
async def test_an_update_is_known_among_the_latest_six(
    things: Collection, others: Collection, between: Between, writes: int
) -> None:
    async def write() -> None:
        for _ in range(writes):
            await others.update_one({"_id": 1}, {"$inc": {"n": 100}})

    between.add(_lost_after(write, "UpdateItem"))
    updating = things.update_one({"_id": 1}, {"$inc": {"n": 1}})
    if writes <= 5:
        assert (await updating).modified_count == 1
    else:
        with pytest.raises(NoSQLConnectionError) as caught:
            await updating
        assert not caught.value.retryable
    assert await others.find_one({"_id": 1}) == {"_id": 1, "n": 1 + 100 * writes, "l": []}


async def test_an_update_is_known_after_replacements_by_others(
    things: Collection, others: Collection, between: Between
) -> None:
    async def write() -> None:
        await others.update_one({"_id": 1}, {"$mul": {"n": 10}})
        await others.replace_one({"_id": 1}, {"n": 10, "l": [1]})
        async with others.store.transaction():
            await others.update_one({"_id": 1}, {"$inc": {"n": 1}})

    between.add(_lost_after(write, "UpdateItem"))
    assert (await things.update_one({"_id": 1}, {"$inc": {"n": 1}})).modified_count == 1
    assert await others.find_one({"_id": 1}) == {"_id": 1, "n": 11, "l": [1]}


async def test_an_update_does_not_change_what_was_stored_anew_after_it(
    things: Collection, others: Collection, between: Between
) -> None:
    async def write() -> None:
        await others.delete_one({"_id": 1})
        await others.insert_one({"_id": 1, "n": 0, "l": []})

    between.add(_lost_after(write, "UpdateItem"))
    with pytest.raises(NoSQLConnectionError):
        await things.update_one({"_id": 1}, {"$inc": {"n": 1}})
    assert await others.find_one({"_id": 1}) == {"_id": 1, "n": 0, "l": []}


@pytest.mark.parametrize("returns", ["before", "after"])
async def test_a_document_that_an_update_was_to_return_is_not_another_one(
    things: Collection, others: Collection, between: Between, returns: Any
) -> None:
    between.add(_lost_after(lambda: others.update_one({"_id": 1}, {"$inc": {"n": 100}}), "UpdateItem"))
    with pytest.raises(NoSQLConnectionError, match=f"what was there {returns} it"):
        await things.find_one_and_update({"_id": 1}, {"$inc": {"n": 1}}, return_document=returns == "after")
    assert await others.find_one({"_id": 1}) == {"_id": 1, "n": 101, "l": []}


async def test_what_is_kept_of_earlier_writes_is_small_and_not_shown(
    others: Collection, either_server: Server, prefix: str
) -> None:
    for number in range(20):
        await others.update_one({"_id": 1}, {"$inc": {"n": 1}})
        if number % 3 == 0:
            await others.update_one({"_id": 1}, {"$mul": {"n": 1}})
    assert await others.find_one({"_id": 1}) == {"_id": 1, "n": 20, "l": []}
    told = await request(either_server.endpoint, "Scan", {"TableName": f"{prefix}-things"})
    ours = told["Items"][0]["_lx"]["M"]
    kept = [ours[name]["S"] for name in ("r", "p1", "p2", "p3", "p4", "p5")]
    assert kept == sorted(set(kept), reverse=True)
    assert sum(map(len, kept)) == 6 * 14


async def test_writes_by_transactions_answer_as_others_do(
    strict: Collection, others: Collection, between: Between
) -> None:
    await strict.insert_one({"_id": 2, "n": 1, "s": "a"})
    assert (await strict.update_one({"_id": 2}, {"$inc": {"n": 1}})).modified_count == 1
    assert (await strict.update_one({"_id": 2}, {"$set": {"s": "a"}})).modified_count == 0
    assert (await strict.update_one({"_id": 2, "s": "b"}, {"$inc": {"n": 1}})).matched_count == 0
    assert (await strict.update_one({"_id": 2}, {"$inc": {"n": 0.5}})).modified_count == 1
    assert await strict.find_one_and_update({"_id": 2}, {"$set": {"s": "c"}}, return_document=False) == {
        "_id": 2,
        "n": 2.5,
        "s": "a",
    }
    assert (await strict.replace_one({"_id": 2}, {"n": 5})).modified_count == 1
    assert (await strict.delete_one({"_id": 2, "n": 4})).deleted_count == 0
    assert (await strict.delete_one({"_id": 2})).deleted_count == 1
    assert (await strict.delete_one({"_id": 2})).deleted_count == 0
    await strict.insert_one({"_id": 3})
    assert await strict.find_one_and_delete({"_id": 3}) == {"_id": 3}
    assert not {"PutItem", "UpdateItem", "DeleteItem"} & {operation for operation, _ in between.requests}
    assert await others.count_documents() == 1


@pytest.mark.parametrize("operation", ["delete", "insert"])
async def test_a_write_by_transaction_does_not_undo_what_others_did_after_it(
    strict: Collection, others: Collection, between: Between, operation: str
) -> None:
    if operation == "delete":
        between.add(_lost_after(lambda: others.insert_one({"_id": 1, "n": 5}), "TransactWriteItems"))
        assert (await strict.delete_one({"_id": 1})).deleted_count == 1
        assert await others.find_one({"_id": 1}) == {"_id": 1, "n": 5}
    else:
        between.add(_lost_after(lambda: others.delete_one({"_id": 2}), "TransactWriteItems"))
        await strict.insert_one({"_id": 2})
        assert await others.find_one({"_id": 2}) is None


async def test_a_lost_answer_without_others_is_no_matter(things: Collection, between: Between) -> None:
    between.add(reset("UpdateItem", done=True, times=3))
    assert (await things.update_one({"_id": 1}, {"$inc": {"n": 1}})).modified_count == 1
    assert await things.find_one({"_id": 1}) == {"_id": 1, "n": 1, "l": []}

"""Writes that others come between: lost answers, refusals in the middle, indexes made meanwhile."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest
import pytest_asyncio
from aiohttp import web
from dynamodb.conftest import settings_for
from dynamodb.raw import drop_tables
from lexigram.nosql.backends.dynamodb import DynamoDBConfig, DynamoDBDocumentStore
from lexigram.nosql.collection import Collection
from lexigram.nosql.exceptions import DuplicateKeyError, NoSQLConnectionError
from servers import Server
from servers.faults import Between, Exchange, Fault, broken, faulty, refused, throttled

Work = Callable[[], Awaitable[Any]]


@pytest_asyncio.fixture
async def between(dynoxide_server: Server) -> AsyncIterator[Between]:
    async with faulty(dynoxide_server.endpoint) as opened:
        yield opened


@pytest.fixture
def given(dynoxide_server: Server, prefix: str) -> dict[str, Any]:
    return {
        **settings_for(dynoxide_server),
        "table_name": prefix,
        "scan_policy": "allow",
        "schema_lease_seconds": 60.0,
        "max_attempts": 3,
        "batch_attempts": 6,
    }


@pytest_asyncio.fixture
async def store(
    given: dict[str, Any], between: Between, dynoxide_server: Server, prefix: str
) -> AsyncIterator[DynamoDBDocumentStore]:
    """Return a store whose requests go by the endpoint between."""
    async with DynamoDBDocumentStore(DynamoDBConfig(**{**given, "endpoint_url": between.url})) as opened:
        await opened.collection("things").insert_one({"_id": "first"})
        yield opened
    await drop_tables(dynoxide_server.endpoint, prefix)


@pytest.fixture
def things(store: DynamoDBDocumentStore) -> Collection:
    return store.collection("things")


@pytest_asyncio.fixture
async def others(given: dict[str, Any], store: DynamoDBDocumentStore) -> AsyncIterator[Collection]:
    """Return the same collection as another store has it, without an endpoint between."""
    async with DynamoDBDocumentStore(DynamoDBConfig(**given)) as opened:
        yield opened.collection("things")


def lost_after(work: Work, operation: str) -> Fault:
    """Let a request be carried out, and something else after it, and cut the connection."""

    async def act(exchange: Exchange) -> web.StreamResponse:
        await exchange.forward(exchange.body)
        await work()
        transport = exchange.request.transport
        if transport is not None:
            transport.abort()
        return web.Response(status=500)

    return Fault(act, frozenset({operation}))


def before(work: Work, *operations: str, skip: int = 0) -> Fault:
    """Let something happen before a request reaches the server."""

    async def act(exchange: Exchange) -> Any:
        await work()
        return await exchange.forward(exchange.body)

    return Fault(act, frozenset(operations), skip=skip)


async def test_an_update_by_the_engine_never_counts_twice_though_others_come_between(
    things: Collection, others: Collection, between: Between
) -> None:
    await things.insert_one({"_id": 1, "n": 1})
    between.add(lost_after(lambda: others.update_one({"_id": 1}, {"$inc": {"n": 100}}), "PutItem"))
    with pytest.raises(NoSQLConnectionError) as caught:
        await things.update_one({"_id": 1}, {"$mul": {"n": 2}})
    assert not caught.value.retryable
    assert await things.find_one({"_id": 1}) == {"_id": 1, "n": 102}


async def test_an_insert_that_others_changed_at_once_is_not_told_as_a_duplicate(
    things: Collection, others: Collection, between: Between
) -> None:
    between.add(lost_after(lambda: others.update_one({"_id": 1}, {"$inc": {"n": 100}}), "PutItem"))
    with pytest.raises(NoSQLConnectionError):
        await things.insert_one({"_id": 1, "n": 0})
    assert await things.find_one({"_id": 1}) == {"_id": 1, "n": 100}


@pytest.mark.parametrize("selected", [{"_id": 1}, {"_id": 1, "n": {"$mod": [2, 0]}}], ids=["native", "engine"])
async def test_a_deletion_does_not_take_what_others_stored_after_it(
    things: Collection, others: Collection, between: Between, selected: Any
) -> None:
    await things.insert_one({"_id": 1, "n": 0})
    between.add(lost_after(lambda: others.insert_one({"_id": 1, "n": 2}), "DeleteItem"))
    if selected == {"_id": 1}:
        # A condition on a field, so that the repetition finds something else than it was asked for.
        selected = {"_id": 1, "n": 0}
    with pytest.raises(NoSQLConnectionError):
        await things.delete_one(selected)
    assert await things.find_one({"_id": 1}) == {"_id": 1, "n": 2}


async def test_a_duplicate_after_throttling_is_still_a_duplicate(things: Collection, between: Between) -> None:
    between.add(throttled("PutItem", times=2))
    with pytest.raises(DuplicateKeyError):
        await things.insert_one({"_id": "first"})


async def test_transactions_in_the_way_after_a_lost_answer_make_no_duplicate(
    things: Collection, between: Between
) -> None:
    between.add(broken("PutItem"), refused("TransactionConflictException", "PutItem", times=2))
    await things.insert_one({"_id": 1})
    assert await things.find_one({"_id": 1}) == {"_id": 1}


async def test_transactions_in_the_way_of_a_stored_insert_do_not_hide_it(things: Collection, between: Between) -> None:
    between.add(broken("PutItem", done=True), refused("TransactionConflictException", "PutItem", times=2))
    await things.insert_one({"_id": 1})
    assert await things.find_one({"_id": 1}) == {"_id": 1}

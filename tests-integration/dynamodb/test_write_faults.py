"""Writes that others come between: lost answers, refusals in the middle, indexes made meanwhile."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import pytest_asyncio
from aiohttp import web
from dynamodb.conftest import settings_for
from dynamodb.raw import drop_tables, request
from lexigram.nosql.backends.dynamodb import DynamoDBConfig, DynamoDBDocumentStore
from lexigram.nosql.collection import Collection
from lexigram.nosql.exceptions import (
    BulkWriteError,
    DuplicateKeyError,
    NoSQLConnectionError,
    ThrottledError,
    UnsupportedFeatureError,
)
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
async def brief(
    given: dict[str, Any], between: Between, store: DynamoDBDocumentStore
) -> AsyncIterator[DynamoDBDocumentStore]:
    """Return a store that makes indexes without a long wait."""
    settings = {**given, "endpoint_url": between.url, "schema_lease_seconds": 0.05}
    async with DynamoDBDocumentStore(DynamoDBConfig(**settings)) as opened:
        yield opened


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


def after(work: Work, operation: str) -> Fault:
    """Let something happen after a request was carried out, and before it is answered."""

    async def act(exchange: Exchange) -> Any:
        answer = await exchange.forward(exchange.body)
        await work()
        return answer

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


@pytest.mark.parametrize("ordered", [True, False])
async def test_an_index_made_during_an_insert_of_many_counts_for_what_is_left(
    given: dict[str, Any], between: Between, store: DynamoDBDocumentStore, others: Collection, ordered: bool
) -> None:
    brief = {**given, "endpoint_url": between.url, "schema_lease_seconds": 0.05, "batch_concurrency": 1}
    async with DynamoDBDocumentStore(DynamoDBConfig(**brief)) as opened:
        things = opened.collection("things")
        await things.find_one({"_id": 0})
        # The other store waits its own, long lease; what counts here is that this one asks before each transaction.
        others_store = DynamoDBDocumentStore(DynamoDBConfig(**{**given, "schema_lease_seconds": 0.05}))
        async with others_store:
            quick = others_store.collection("things")

            async def index() -> None:
                await quick.create_index("mail", unique=True)

            between.add(after(index, "TransactWriteItems"))
            documents = [{"_id": number, "mail": f"m{number % 290}"} for number in range(300)]
            with pytest.raises(BulkWriteError) as caught:
                await things.insert_many(documents, ordered=ordered)
    assert caught.value.failures[0].index == 290
    assert all(isinstance(failure.error, DuplicateKeyError) for failure in caught.value.failures)
    assert await others.count_documents({"mail": "m5"}) == 1
    assert await others.count_documents() == 291


@pytest.mark.parametrize("fault", [throttled, broken], ids=["throttled", "500"])
@pytest.mark.parametrize("operation", ["PutItem", "UpdateItem", "TransactWriteItems"])
async def test_a_write_is_not_sent_again_by_the_rules_of_indexes_that_have_changed(
    brief: DynamoDBDocumentStore, between: Between, given: dict[str, Any], fault: Any, operation: str
) -> None:
    things = brief.collection("things")
    await things.insert_one({"_id": 1, "k": 1})
    async with DynamoDBDocumentStore(DynamoDBConfig(**{**given, "schema_lease_seconds": 0.05})) as other:

        async def act(exchange: Exchange) -> Any:
            await other.collection("things").create_index("k")
            return await fault(operation).act(exchange)

        between.add(Fault(act, frozenset({operation})))
        sent = between.count(operation)
        documents = [{"_id": number, "k": 2} for number in (2, 3)]
        write: Any = {
            "PutItem": lambda: things.insert_one(documents[0]),
            "UpdateItem": lambda: things.update_one({"_id": 1}, {"$set": {"k": 2}}),
            "TransactWriteItems": lambda: things.insert_many(documents),
        }[operation]
        with pytest.raises((ThrottledError, NoSQLConnectionError)):
            await write()
        assert between.count(operation) == sent + 1
        await write()
        found = other.collection("things").find({"k": 2})
        assert (await found.explain()).access.index == "k_1"
        assert len(await found.to_list()) == (2 if operation == "TransactWriteItems" else 1)


async def test_an_index_made_during_an_update_of_many_holds_what_is_left(
    brief: DynamoDBDocumentStore, between: Between, given: dict[str, Any]
) -> None:
    things = brief.collection("things")
    await things.insert_many([{"_id": number, "n": number} for number in range(250)])
    async with DynamoDBDocumentStore(DynamoDBConfig(**{**given, "schema_lease_seconds": 0.05})) as other:
        quick = other.collection("things")
        between.add(after(lambda: quick.create_index("mail", unique=True, sparse=True), "TransactWriteItems"))
        await things.update_many({}, [{"$set": {"mail": "$n"}}])
        with pytest.raises(DuplicateKeyError):
            await quick.insert_one({"_id": "x", "mail": 240})


@pytest.mark.parametrize("ordered", [True, False])
async def test_throttling_in_the_middle_says_what_was_inserted(
    things: Collection, between: Between, ordered: bool
) -> None:
    between.add(throttled("TransactWriteItems", times=None, skip=2))
    with pytest.raises(BulkWriteError) as caught:
        await things.insert_many([{"_id": number} for number in range(500)], ordered=ordered)
    between.faults.clear()
    there = {document["_id"] for document in await things.find({"_id": {"$ne": "first"}}).to_list()}
    assert set(caught.value.result.inserted_ids) == there
    assert len(there) == 200
    failed = {failure.index for failure in caught.value.failures}
    assert failed == ({200} if ordered else set(range(500)) - there)
    assert all(isinstance(failure.error, ThrottledError) for failure in caught.value.failures)
    assert caught.value.retryable


@pytest.mark.parametrize("ordered", [True, False])
async def test_throttling_from_the_start_is_told_by_name(things: Collection, between: Between, ordered: bool) -> None:
    between.add(throttled("TransactWriteItems", times=None))
    with pytest.raises(ThrottledError):
        await things.insert_many([{"_id": number} for number in range(500)], ordered=ordered)
    assert await things.count_documents() == 1


async def test_throttling_in_the_middle_says_what_was_updated(things: Collection, between: Between) -> None:
    await things.insert_many([{"_id": number, "v": 0} for number in range(300)])
    between.add(throttled("TransactWriteItems", times=None, skip=2))
    with pytest.raises(ThrottledError) as caught:
        await things.update_many({}, {"$inc": {"v": 1}})
    between.faults.clear()
    assert caught.value.details["modified"] == 200
    assert await things.count_documents({"v": 1}) == 200


@pytest.mark.parametrize("selection", [{"v": {"$mod": [1, 0]}}, {}], ids=["engine", "new table"])
async def test_throttling_in_the_middle_says_what_was_done_by_the_engine_too(
    given: dict[str, Any], others: Collection, between: Between, selection: dict[str, Any]
) -> None:
    await others.delete_many({})
    await others.insert_many([{"_id": number, "v": 0} for number in range(300)])
    async with DynamoDBDocumentStore(DynamoDBConfig(**{**given, "endpoint_url": between.url})) as store:
        things = store.collection("things")
        between.add(throttled("TransactWriteItems", "PutItem", "DeleteItem", times=None, skip=2))
        for write in (things.update_many(selection, {"$inc": {"v": 1}}, upsert=True), things.delete_many(selection)):
            with pytest.raises(ThrottledError) as caught:
                await write
            done = {name: caught.value.details[name] for name in ("matched", "modified", "deleted")}
            left = await others.count_documents()
            if done["deleted"]:
                assert done == {"matched": 0, "modified": 0, "deleted": 300 - left}
            else:
                changed = await others.count_documents({"v": 1})
                assert done == {"matched": changed, "modified": changed, "deleted": 0}
            between.faults[0].skip = 2


async def test_the_key_of_what_was_written_over_after_it_expired_is_free(brief: DynamoDBDocumentStore) -> None:
    users = brief.collection("users")
    await users.create_index("mail", unique=True)
    await users.create_index("at", expire_after_seconds=1)
    await users.insert_one({"_id": 1, "mail": "a", "at": datetime.now(UTC) - timedelta(seconds=60)})
    await users.insert_one({"_id": 1, "mail": "b"})
    await users.insert_one({"_id": 2, "mail": "a"})
    with pytest.raises(DuplicateKeyError):
        await users.insert_one({"_id": 3, "mail": "b"})


@pytest.mark.parametrize("number", [1, 2])
async def test_what_is_hidden_is_written_over_before_its_second_has_passed(
    brief: DynamoDBDocumentStore, number: int
) -> None:
    things = brief.collection("things")
    await things.create_index("at", expire_after_seconds=1)
    await things.insert_one({"_id": 1, "at": datetime.now(UTC) - timedelta(seconds=1)})
    assert await things.find_one({"_id": 1}) is None
    await things.insert_many([{"_id": 1 + each} for each in range(number)])
    assert await things.find_one({"_id": 1}) == {"_id": 1}


async def test_a_document_read_again_is_noted_when_it_is_filed_apart(
    brief: DynamoDBDocumentStore, others: Collection, between: Between, given: dict[str, Any]
) -> None:
    things = brief.collection("things")
    await things.create_index("tags")
    await things.delete_many({})
    await things.insert_many([{"_id": number, "src": 1, "tags": 0} for number in range(2)])
    between.add(before(lambda: others.update_one({"_id": 1}, {"$set": {"src": [7, 8]}}), "TransactWriteItems"))
    assert (await things.update_many({}, [{"$set": {"tags": "$src"}}])).modified_count == 2
    async with DynamoDBDocumentStore(DynamoDBConfig(**given)) as fresh:
        assert [found["_id"] for found in await fresh.collection("things").find({"tags": 7}).to_list()] == [1]


async def test_an_item_of_others_with_too_many_attributes_is_refused_instead_of_written_over(
    store: DynamoDBDocumentStore, things: Collection, dynoxide_server: Server, prefix: str
) -> None:
    for count in (148, 160):
        item = {**{f"a{number}": {"N": "1"} for number in range(count)}, "_id": {"S": f"wide{count}"}}
        await request(dynoxide_server.endpoint, "PutItem", {"TableName": f"{prefix}-things", "Item": item})
    assert (await things.update_one({"_id": "wide148"}, {"$set": {"b": 2}})).modified_count == 1
    with pytest.raises(UnsupportedFeatureError, match="160"):
        await things.update_one({"_id": "wide160"}, {"$set": {"b": 2}})

"""Change feeds on streams: where they begin and end, and what their tokens are good for."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from dynamodb.conftest import Opener
from lexigram.nosql.backends.dynamodb import DynamoDBDocumentStore
from lexigram.nosql.backends.dynamodb.feed.positions import Place, Positions
from lexigram.nosql.exceptions import CursorError, UnsupportedFeatureError
from servers import Server


async def _take(feed: Any, count: int) -> list[Any]:
    async with asyncio.timeout(20):
        return [await anext(feed) for _ in range(count)]


async def test_a_feed_waits_for_its_table_and_ends_with_it(store: DynamoDBDocumentStore) -> None:
    things = store.collection("things")
    async with things.watch() as feed:
        first = asyncio.ensure_future(anext(feed))
        await asyncio.sleep(0)
        await things.insert_one({"_id": 1})
        async with asyncio.timeout(20):
            assert (await first).document_id == 1
        await things.update_one({"_id": 1}, {"$set": {"a": 1}})
        assert [event.operation for event in await _take(feed, 1)] == ["update"]


async def test_the_first_change_of_a_stream_that_was_read_while_it_was_empty_is_told(
    store: DynamoDBDocumentStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    # DynamoDB Local refuses iterators of empty shards once there is a record.
    client = store.driver.client
    real, reads = client.streams_call, asyncio.Semaphore(0)

    async def call(operation: str, asked: Any) -> Any:
        answer = await real(operation, asked)
        if operation == "GetRecords":
            reads.release()
        return answer

    monkeypatch.setattr(client, "streams_call", call)
    for number in range(5):
        things = store.collection(f"things{number}")
        await store.driver.homes.make(things.name)
        async with things.watch() as feed:
            first = asyncio.ensure_future(anext(feed))
            await reads.acquire()
            await reads.acquire()
            await things.insert_one({"_id": number})
            async with asyncio.timeout(20):
                assert (await first).document_id == number
        while not reads.locked():
            await reads.acquire()


async def test_making_an_index_is_no_change(store: DynamoDBDocumentStore) -> None:
    things = store.collection("things")
    async with things.watch() as feed:
        first = asyncio.ensure_future(anext(feed))
        await asyncio.sleep(0)
        await things.insert_one({"_id": 1, "n": 5})
        async with asyncio.timeout(20):
            assert (await first).document == {"_id": 1, "n": 5}
        await things.create_index("n", unique=True)
        await things.insert_one({"_id": 2, "n": 6})
        (event,) = await _take(feed, 1)
        assert (event.operation, event.document) == ("insert", {"_id": 2, "n": 6})


async def test_a_token_of_another_life_of_the_table_is_refused(open_store: Opener) -> None:
    store = await open_store()
    things = store.collection("things")
    async with things.watch() as feed:
        first = asyncio.ensure_future(anext(feed))
        await asyncio.sleep(0)
        await things.insert_one({"_id": 1})
        async with asyncio.timeout(20):
            token = (await first).resume_token
    await store.drop_collection("things")
    await things.insert_one({"_id": 1})
    with pytest.raises(CursorError):
        async with things.watch(resume_after=token) as feed:
            await _take(feed, 1)


def test_children_are_read_after_their_parents() -> None:
    positions = Positions("arn")
    shards: list[dict[str, Any]] = [
        {"ShardId": "old", "SequenceNumberRange": {"EndingSequenceNumber": "5"}},
        {"ShardId": "a", "ParentShardId": "old", "SequenceNumberRange": {}},
        {"ShardId": "b", "SequenceNumberRange": {}},
    ]
    positions.enter(shards, 1000)
    assert sorted(positions.readable()) == ["a", "b"]
    split = [
        *shards,
        {"ShardId": "a1", "ParentShardId": "a", "SequenceNumberRange": {}},
        {"ShardId": "a2", "ParentShardId": "a", "SequenceNumberRange": {}},
    ]
    positions.places["a"] = Place("after", "17")
    positions.learn(split)
    assert sorted(positions.readable()) == ["a", "b"]
    again = Positions.from_token(positions.to_token())
    again.learn(split)
    assert sorted(again.readable()) == ["a", "b"]
    positions.places["a"] = Place("end")
    assert sorted(positions.readable()) == ["a1", "a2", "b"]
    again = Positions.from_token(positions.to_token())
    again.learn(split)
    assert sorted(again.readable()) == ["a1", "a2", "b"]
    assert "old" not in again.places


@pytest.mark.parametrize("token", ["", "x", "e30", "bm9uc2Vuc2U"])
def test_a_token_that_is_none_is_refused(token: str) -> None:
    with pytest.raises(CursorError):
        Positions.from_token(token)


async def test_an_existing_table_without_a_stream_says_so(
    open_store: Opener, either_server: Server, prefix: str
) -> None:
    from dynamodb.raw import request
    from lexigram.nosql.backends.dynamodb import ExistingTable

    table = f"{prefix}-plain"
    await request(
        either_server.endpoint,
        "CreateTable",
        {
            "TableName": table,
            "BillingMode": "PAY_PER_REQUEST",
            "AttributeDefinitions": [{"AttributeName": "id", "AttributeType": "S"}],
            "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}],
        },
    )
    store = await open_store(existing_tables={"plain": ExistingTable(table=table)})
    with pytest.raises(UnsupportedFeatureError) as caught:
        async with store.collection("plain").watch() as feed:
            await _take(feed, 1)
    assert caught.value.feature == "change_streams"

"""Change feeds of a real server: where they begin, and that nothing is lost or told twice."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from lexigram.nosql.backends.mongodb import MongoDBConfig, MongoDBDocumentStore
from lexigram.nosql.backends.mongodb.changes import decode_token, encode_token
from lexigram.nosql.exceptions import CursorError
from servers.mongodb import RestartableMongoDB


async def taken(feed: AsyncIterator[Any], count: int) -> list[Any]:
    async with asyncio.timeout(20):
        return [await anext(feed) for _ in range(count)]


async def test_a_feed_begins_where_it_was_asked_for(store: MongoDBDocumentStore) -> None:
    """Not where it is first read, so a write between the two is in it, and one before is not."""
    things = store.collection("things")
    await things.insert_one({"_id": "before"})

    async with things.watch() as feed:
        await things.insert_one({"_id": "between"})
        (event,) = await taken(feed, 1)

    assert (event.operation, event.document_id, event.document) == ("insert", "between", {"_id": "between"})


async def test_a_token_goes_on_after_its_event(store: MongoDBDocumentStore) -> None:
    """On another connection, and with everything that happened meanwhile."""
    things = store.collection("things")
    async with things.watch() as feed:
        await things.insert_many([{"_id": number} for number in range(4)])
        events = await taken(feed, 2)
    await things.delete_one({"_id": 3})

    async with things.watch(resume_after=events[1].resume_token) as feed:
        later = await taken(feed, 3)

    assert [(event.operation, event.document_id) for event in later] == [("insert", 2), ("insert", 3), ("delete", 3)]


async def test_a_filter_chooses_events(store: MongoDBDocumentStore) -> None:
    """By what happened, and by the document."""
    things = store.collection("things")
    async with things.watch([{"$match": {"operationType": "update", "fullDocument.n": {"$gt": 1}}}]) as feed:
        await things.insert_one({"_id": 1, "n": 1})
        await things.update_one({"_id": 1}, {"$inc": {"n": 0.5}})
        await things.update_one({"_id": 1}, {"$inc": {"n": 1.5}})
        (event,) = await taken(feed, 1)

    assert event.operation == "update"
    assert event.document is not None
    assert event.document["n"] in (1.5, 3.0)


async def test_a_feed_that_waits_can_be_closed_at_any_moment(store: MongoDBDocumentStore) -> None:
    """Also while it sends a request, where Python 3.11 would lose the cancellation."""
    things = store.collection("things")
    await things.insert_one({"_id": 1})

    async with asyncio.timeout(40):
        for number in range(40):
            feed = things.watch()
            waiting = asyncio.ensure_future(anext(feed))
            await asyncio.wait((waiting,), timeout=number * 0.0005)
            await feed.aclose()
            with pytest.raises(StopAsyncIteration):
                await waiting


async def test_a_dropped_collection_ends_its_feed(store: MongoDBDocumentStore) -> None:
    """After the event that says so."""
    things = store.collection("things")
    async with things.watch() as feed:
        await things.insert_one({"_id": 1})
        await store.drop_collection("things")
        async with asyncio.timeout(20):
            events = [event async for event in feed]

    assert [event.operation for event in events] == ["insert", "drop"]


@pytest.mark.parametrize("token", ["", "nonsense!", "AAAA", encode_token({"x": 1})[:-2]])
async def test_a_token_that_is_none_is_refused(store: MongoDBDocumentStore, token: str) -> None:
    """By name, before anything is sent."""
    with pytest.raises(CursorError) as caught:
        await anext(store.collection("things").watch(resume_after=token))

    assert caught.value.mongo_code == 260


def test_a_token_is_text_and_comes_back() -> None:
    """Whatever the server puts into it."""
    token = {"_data": "8265A0", "_typeBits": b"\x01"}

    assert decode_token(encode_token(token)) == token


@pytest.mark.timeout(120)
async def test_a_feed_outlives_its_server(restartable_mongodb: RestartableMongoDB, kind: str) -> None:
    """Killed and started again in the middle: every acknowledged write is told once, in order."""
    config = MongoDBConfig(
        uri=restartable_mongodb.uri, client=kind, min_pool_size=0, heartbeat_frequency_ms=500, scan_policy="allow"
    )
    async with MongoDBDocumentStore(config) as store:
        things = store.collection("things")
        async with things.watch() as feed:
            await things.insert_many([{"_id": number} for number in range(5)])
            first = await taken(feed, 3)
            await asyncio.to_thread(restartable_mongodb.process.restart)
            for number in range(5, 10):
                await things.update_one({"_id": number}, {"$set": {"again": True}}, upsert=True)
            async with asyncio.timeout(60):
                rest = [await anext(feed) for _ in range(7)]

    assert [event.document_id for event in [*first, *rest]] == list(range(10))

"""Following the changes of a collection: events, resuming, several readers, slow ones, and the end."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from lexigram.contracts.data.nosql.nosql import ChangeEvent, ChangeStreamProtocol
from lexigram.nosql import AggregationPipeline
from lexigram.nosql.backends.memory import InMemoryDocumentStore, MemoryConfig
from lexigram.nosql.collection import Collection
from lexigram.nosql.exceptions import CursorError, NoSQLFilterError, PipelineError, UnsupportedFeatureError
from lexigram.nosql.following import ChangeStream
from lexigram.nosql.testing.minimal import MinimalDocumentStore


async def take(feed: ChangeStream, count: int) -> list[ChangeEvent]:
    return [await anext(feed) for _ in range(count)]


async def test_every_kind_of_change_is_told(memory: InMemoryDocumentStore, kept: Collection) -> None:
    """In order, with the document as it is after the change."""
    async with kept.watch() as feed:
        assert isinstance(feed, ChangeStreamProtocol)
        await kept.insert_one({"_id": 1, "a": {"b": 1, "c": 2}, "l": [1]})
        await kept.update_one({"_id": 1}, {"$set": {"a.b": 5}, "$unset": {"a.c": 1}, "$push": {"l": 2}})
        await kept.replace_one({"_id": 1}, {"x": 1})
        await kept.update_one({"_id": 1}, {"$set": {"x": 1}})
        await kept.delete_one({"_id": 1})
        await memory.drop_collection("things")
        events = [event async for event in feed]
    assert [event.operation for event in events] == ["insert", "update", "replace", "delete", "drop"]
    assert [event.document_id for event in events] == [1, 1, 1, 1, None]
    assert [event.document for event in events] == [
        {"_id": 1, "a": {"b": 1, "c": 2}, "l": [1]},
        {"_id": 1, "a": {"b": 5}, "l": [1, 2]},
        {"_id": 1, "x": 1},
        None,
        None,
    ]
    assert events[1].updated_fields == {"a.b": 5, "l.1": 2}
    assert tuple(events[1].removed_fields) == ("a.c",)
    assert events[2].updated_fields is None
    assert {event.collection for event in events} == {"things"}
    assert len({event.resume_token for event in events}) == 5


async def test_a_feed_begins_when_it_is_asked_for(kept: Collection) -> None:
    """Not when it is first read, and not before."""
    await kept.insert_one({"_id": "before"})
    feed = kept.watch()
    await kept.insert_one({"_id": "after"})
    assert (await anext(feed)).document_id == "after"
    await feed.aclose()


async def test_watching_makes_no_collection(memory: InMemoryDocumentStore, kept: Collection) -> None:
    """Nor does a failed insert."""
    async with kept.watch():
        assert await memory.list_collections() == []
        await memory.drop_collection("things")
        assert await memory.list_collections() == []


async def test_a_feed_goes_on_after_a_token(kept: Collection) -> None:
    """After any event that was seen, also in a new feed."""
    feed = kept.watch()
    assert feed.resume_token is None
    await kept.insert_many([{"_id": index} for index in range(5)])
    events = await take(feed, 3)
    assert feed.resume_token == events[2].resume_token
    await feed.aclose()
    again = kept.watch(resume_after=feed.resume_token)
    assert again.resume_token == feed.resume_token
    assert [event.document_id for event in await take(again, 2)] == [3, 4]
    await again.aclose()
    async with kept.watch(resume_after=events[0].resume_token) as third:
        assert [event.document_id for event in await take(third, 4)] == [1, 2, 3, 4]


async def test_a_token_of_another_feed_is_refused(memory: InMemoryDocumentStore, kept: Collection) -> None:
    """At the call, with MongoDB's code."""
    other = memory.collection("other")
    async with other.watch() as feed:
        await other.insert_one({})
        foreign = (await anext(feed)).resume_token
    mark = foreign.partition("-")[0]
    for token in (foreign, "", "x", "x-1"):
        with pytest.raises(CursorError) as caught:
            kept.watch(resume_after=token)
        assert caught.value.mongo_code == 260
        assert (caught.value.collection, caught.value.operation) == ("things", "watch")
    for token in (f"{mark}-9", f"{mark}--1", f"{mark}-x"):
        with pytest.raises(CursorError):
            other.watch(resume_after=token)
    with pytest.raises(CursorError):
        kept.watch(resume_after=5)  # type: ignore[arg-type]
    await memory.drop_collection("other")
    await other.insert_one({})
    with pytest.raises(CursorError):
        other.watch(resume_after=foreign)


async def test_history_that_is_gone_is_an_error() -> None:
    """For a late resumer at the call, for a slow reader when it reads; never a gap."""
    async with InMemoryDocumentStore(MemoryConfig(change_history=3)) as store:
        kept = store.collection("things")
        slow = kept.watch()
        await kept.insert_one({"_id": 0})
        first = (await anext(slow)).resume_token
        await kept.insert_many([{"_id": index} for index in range(1, 4)])
        assert [event.document_id for event in await take(kept.watch(resume_after=first), 3)] == [1, 2, 3]
        await kept.insert_one({"_id": 4})
        with pytest.raises(CursorError, match="no longer kept") as caught:
            kept.watch(resume_after=first)
        assert caught.value.mongo_code == 286
        assert "change_history" in (caught.value.hint or "")
        with pytest.raises(CursorError, match="no longer kept") as caught:
            await anext(slow)
        assert caught.value.operation == "watch"


async def test_several_readers_read_at_their_own_pace(kept: Collection) -> None:
    """Each sees every change once."""

    async def read(feed: ChangeStream) -> list[Any]:
        return [event.document_id for event in await take(feed, 20)]

    feeds = [kept.watch() for _ in range(5)]
    readers = [asyncio.create_task(read(feed)) for feed in feeds]
    for index in range(20):
        await kept.insert_one({"_id": index})
        if index % 3 == 0:
            await asyncio.sleep(0)
    assert await asyncio.gather(*readers) == [list(range(20))] * 5
    late = kept.watch()
    for feed in [*feeds, late]:
        await feed.aclose()


async def test_events_are_chosen_by_match_stages(kept: Collection) -> None:
    """In the form of MongoDB's change events; what is left out still moves the token."""
    matches = [{"$match": {"operationType": "update"}}, {"$match": {"updateDescription.updatedFields.a": {"$gt": 1}}}]
    async with kept.watch(matches) as feed, kept.watch() as everything:
        await kept.insert_one({"_id": 1, "a": 0})
        await kept.update_one({"_id": 1}, {"$set": {"a": 1}})
        await kept.update_one({"_id": 1}, {"$set": {"a": 2}})
        await kept.delete_one({"_id": 1})
        event = await anext(feed)
        assert event.updated_fields == {"a": 2}
        assert feed.resume_token == event.resume_token == (await take(everything, 3))[2].resume_token
        waiting = asyncio.create_task(anext(feed))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        assert feed.resume_token == (await anext(everything)).resume_token
        waiting.cancel()
    async with kept.watch(AggregationPipeline().match({"fullDocument.b": 1, "ns.coll": "things"})) as feed:
        await kept.insert_many([{"_id": 2}, {"_id": 3, "b": 1}])
        assert (await anext(feed)).document_id == 3
    async with kept.watch([{"$match": {"documentKey._id": {"$gte": 5}}}]) as feed:
        await kept.insert_many([{"_id": 4}, {"_id": 5}])
        assert (await anext(feed)).document_id == 5


async def test_other_stages_are_refused(kept: Collection) -> None:
    """Events keep their form on every backend."""
    for wrong in ([{"$project": {"a": 1}}], [{"$match": {}, "$limit": 1}], ["$match"], {"$match": {}}, 5, "x"):
        with pytest.raises(PipelineError):
            kept.watch(wrong)
    with pytest.raises(NoSQLFilterError):
        kept.watch([{"$match": {"a": {"$foo": 1}}}])


async def test_updates_may_come_without_the_document(kept: Collection) -> None:
    """full_document=False; inserts and replacements have it all the same."""
    async with kept.watch(full_document=False) as feed:
        await kept.insert_one({"_id": 1})
        await kept.update_one({"_id": 1}, {"$set": {"a": 1}})
        await kept.replace_one({"_id": 1}, {"b": 1})
        events = await take(feed, 3)
    assert [event.document for event in events] == [{"_id": 1}, None, {"_id": 1, "b": 1}]
    assert events[1].updated_fields == {"a": 1}


async def test_an_events_document_is_the_readers_own(kept: Collection) -> None:
    """Changing it changes neither the store nor what others read."""
    async with kept.watch() as feed, kept.watch() as other:
        await kept.insert_one({"_id": 1, "l": [1]})
        event = await anext(feed)
        assert event.document is not None
        event.document["l"].append(2)
        assert (await anext(other)).document == {"_id": 1, "l": [1]}
    assert await kept.find_one() == {"_id": 1, "l": [1]}


async def test_a_wait_that_is_cut_off_loses_nothing(kept: Collection) -> None:
    """Polling with a time limit sees every event."""
    async with kept.watch() as feed:
        for _ in range(3):
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.001):
                    await anext(feed)
        before = feed.resume_token
        await kept.insert_one({"_id": 1})
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        assert feed.resume_token is before
        assert (await anext(feed)).document_id == 1
        await kept.insert_one({"_id": 2})
        assert (await anext(feed)).document_id == 2


async def test_one_task_reads_a_feed_at_a_time(kept: Collection) -> None:
    """The second is refused; the first goes on."""
    async with kept.watch() as feed:
        first = asyncio.create_task(anext(feed))
        await asyncio.sleep(0)
        with pytest.raises(CursorError, match="two tasks"):
            await anext(feed)
        await kept.insert_one({"_id": 1})
        assert (await first).document_id == 1


async def test_closing_a_feed_ends_the_wait_of_its_reader(kept: Collection) -> None:
    """From another task; its loop ends, wherever it stands."""
    feed = kept.watch()

    async def read() -> list[ChangeEvent]:
        return [event async for event in feed]

    reader = asyncio.create_task(read())
    await kept.insert_one({"_id": 1})
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    await feed.aclose()
    await feed.aclose()
    assert [event.document_id for event in await reader] == [1]
    assert [event async for event in feed] == []


async def test_an_event_that_nobody_fetched_is_dropped_with_its_feed(kept: Collection) -> None:
    """Also an error that nobody fetched."""
    feed = kept.watch()
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.001):
            await anext(feed)
    await kept.insert_one({"_id": 1})
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    await feed.aclose()
    with pytest.raises(StopAsyncIteration):
        await anext(feed)


async def test_feeds_end_when_the_store_is_disconnected(memory: InMemoryDocumentStore, kept: Collection) -> None:
    """After what was there to be read."""
    feed = kept.watch()
    await kept.insert_one({"_id": 1})
    waiting = kept.watch()
    reader = asyncio.create_task(anext(waiting, None))
    await asyncio.sleep(0)
    await memory.disconnect()
    assert await reader is None
    assert [event.document_id async for event in feed] == [1]
    with pytest.raises(StopAsyncIteration):
        await anext(feed)


async def test_a_backend_without_feeds_says_so() -> None:
    """By the name of the capability, at the call."""
    async with MinimalDocumentStore() as store:
        with pytest.raises(UnsupportedFeatureError) as caught:
            store.collection("things").watch()
        assert caught.value.feature == "change_streams"
        assert caught.value.operation == "watch"


async def test_a_feed_that_lost_its_history_keeps_saying_so() -> None:
    """Who asks again must not take it for the end; closing it ends it."""
    async with InMemoryDocumentStore(MemoryConfig(change_history=2)) as store:
        things = store.collection("things")
        feed = things.watch()
        await things.insert_one({"_id": 0})
        assert (await anext(feed)).document_id == 0
        await things.insert_many([{"_id": n} for n in range(1, 6)])

        for _ in range(3):
            with pytest.raises(CursorError, match="no longer kept"):
                await anext(feed)

        await feed.aclose()
        with pytest.raises(StopAsyncIteration):
            await anext(feed)

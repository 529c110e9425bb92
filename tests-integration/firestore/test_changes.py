"""Change feeds on the emulator: several changes between two moments, tokens, faults, clean stops."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any

import pytest
from lexigram.contracts.data.nosql.nosql import ChangeEvent
from lexigram.nosql.backends.firestore import FirestoreConfig, FirestoreDocumentStore
from lexigram.nosql.collection import Collection
from lexigram.nosql.exceptions import CursorError
from lexigram.nosql.following import ChangeStream
from lexigram.nosql.store import DocumentStore
from servers import Server

SECONDS = 10


@asynccontextmanager
async def opened(place: str, project: str | None = None, **settings: Any) -> AsyncIterator[DocumentStore]:
    """A store on a project of its own."""
    given = {"project_id": project or f"feed-{uuid.uuid4().hex[:12]}", "emulator_host": place, "index_refresh_ms": 0}
    async with FirestoreDocumentStore(FirestoreConfig(**given, **settings)) as store:
        yield store


@pytest.fixture
async def things(firestore_server: Server) -> AsyncIterator[Collection]:
    """An empty collection."""
    async with opened(firestore_server.endpoint) as store:
        yield store.collection("things")


async def take(feed: ChangeStream, count: int) -> list[ChangeEvent]:
    """So many events."""
    async with asyncio.timeout(SECONDS):
        return [await anext(feed) for _ in range(count)]


def told(events: Sequence[ChangeEvent]) -> list[tuple[str, Any]]:
    """What happened to which document."""
    return [(event.operation, event.document_id) for event in events]


async def test_a_feed_begins_where_it_was_asked_for(things: Collection) -> None:
    """Not where it is first read: what is written in between is in it, what was written before is not."""
    await things.insert_one({"_id": "before"})
    async with things.watch() as feed:
        await things.insert_one({"_id": "after"})
        await things.update_one({"_id": "before"}, {"$set": {"a": 1}})
        events = await take(feed, 2)
    assert told(events) == [("insert", "after"), ("update", "before")]


async def test_a_feed_of_a_store_that_has_long_not_heard_the_time_tells_nothing_old(firestore_server: Server) -> None:
    """What the store makes of its own clock falls behind, by about 43 seconds in a day."""
    async with opened(firestore_server.endpoint) as store:
        things = store.collection("things")
        await things.insert_one({"_id": "old"})
        for _ in range(20):
            await things.find_one({"_id": "old"})
        driver: Any = store.driver
        told_at, tick = driver.client._seen
        day = 86_400_000_000
        driver.client._seen = told_at - day, tick - day
        async with things.watch() as feed:
            await things.insert_one({"_id": "new"})
            assert told(await take(feed, 1)) == [("insert", "new")]


async def test_every_change_of_a_document_between_two_moments_is_told(things: Collection) -> None:
    """Read from the database's past: who comes late sees each version, with what changed in it."""
    async with things.watch() as feed:
        await things.insert_one({"_id": 1, "n": 0})
        (first,) = await take(feed, 1)
    for number in range(1, 6):
        await things.update_one({"_id": 1}, {"$set": {"n": number}})
    await things.insert_one({"_id": 2})
    async with things.watch(resume_after=first.resume_token) as feed:
        events = await take(feed, 6)
    assert told(events) == [("update", 1)] * 5 + [("insert", 2)]
    assert [event.updated_fields for event in events[:5]] == [{"n": number} for number in range(1, 6)]
    assert [event.document for event in events[:5]] == [{"_id": 1, "n": number} for number in range(1, 6)]


async def test_a_document_that_was_deleted_and_made_anew_is_told_so(things: Collection) -> None:
    """Also where both fall between two moments."""
    await things.insert_one({"_id": 1, "life": 1})
    async with things.watch() as feed:
        await things.insert_one({"_id": "mark"})
        (mark,) = await take(feed, 1)
    await things.delete_one({"_id": 1})
    await things.insert_one({"_id": 1, "life": 2})
    async with things.watch(resume_after=mark.resume_token) as feed:
        events = await take(feed, 2)
    assert told(events) == [("delete", 1), ("insert", 1)]
    assert events[1].document == {"_id": 1, "life": 2}


async def test_a_resumed_feed_is_told_of_what_is_gone_only_that_it_is_gone(things: Collection) -> None:
    """The limit that the manual names: the time away is one moment."""
    await things.insert_one({"_id": "old", "n": 0})
    async with things.watch() as feed:
        await things.insert_one({"_id": "mark"})
        (mark,) = await take(feed, 1)
    await things.insert_one({"_id": "passing", "n": 0})
    for identity in ("old", "passing"):
        await things.update_one({"_id": identity}, {"$inc": {"n": 1}})
        await things.delete_one({"_id": identity})
    async with things.watch(resume_after=mark.resume_token) as feed:
        (first,) = await take(feed, 1)
        await things.insert_one({"_id": "later"})
        (second,) = await take(feed, 1)
    assert told([first, second]) == [("delete", "old"), ("insert", "later")]


async def test_a_place_within_a_commit_can_be_gone_on_from(things: Collection) -> None:
    """Deletions of one commit too, each once."""
    await things.insert_many([{"_id": number} for number in range(5)])
    async with things.watch() as feed:
        await things.delete_many({})
        events = await take(feed, 5)
    assert sorted(told(events)) == [("delete", number) for number in range(5)]
    await things.insert_one({"_id": "later"})
    for place, event in enumerate(events):
        async with things.watch(resume_after=event.resume_token) as feed:
            rest = await take(feed, 5 - place)
        assert told(rest) == [*told(events[place + 1 :]), ("insert", "later")]


@pytest.mark.parametrize("identity", [7, 7.5, True, None, "a/b", "~x", b"\0", {"a": 1}], ids=repr)
async def test_ids_of_every_type_come_back(things: Collection, identity: Any) -> None:
    """In deletions as well, where only the name of a document is told."""
    async with things.watch() as feed:
        await things.insert_one({"_id": identity, "a": 1})
        await take(feed, 1)
        await things.delete_one({"_id": identity})
        (event,) = await take(feed, 1)
    assert told([event]) == [("delete", identity)]
    assert type(event.document_id) is type(identity)


async def test_a_group_of_collections_is_followed(things: Collection) -> None:
    """The ids are paths."""
    store = things.store
    async with store.collection("**/items").watch() as feed:
        await store.collection("users/u1/items").insert_one({"_id": "i1", "n": 1})
        await store.collection("users/u2/items").insert_one({"_id": "i1", "n": 2})
        events = await take(feed, 2)
        await store.collection("users/u1/items").delete_one({"_id": "i1"})
        events += await take(feed, 1)
    assert told(events) == [
        ("insert", "users/u1/items/i1"),
        ("insert", "users/u2/items/i1"),
        ("delete", "users/u1/items/i1"),
    ]


async def test_writers_at_the_same_time_lose_nothing(things: Collection) -> None:
    """Every document's changes come in their order, each once."""

    async def write(number: int) -> None:
        await things.insert_one({"_id": number, "n": 0})
        for step in range(1, 4):
            await things.update_one({"_id": number}, {"$set": {"n": step}})

    async with things.watch() as feed:
        reading = asyncio.ensure_future(take(feed, 40))
        await asyncio.gather(*[write(number) for number in range(10)])
        events = await reading
    for number in range(10):
        own = [event.document for event in events if event.document_id == number]
        assert own == [{"_id": number, "n": step} for step in range(4)]


async def test_tokens_are_good_on_another_connection(firestore_server: Server) -> None:
    """As after a restart of the process."""
    project = f"feed-{uuid.uuid4().hex[:12]}"
    async with opened(firestore_server.endpoint, project) as store:
        async with store.collection("things").watch() as feed:
            await store.collection("things").insert_one({"_id": 1})
            (first,) = await take(feed, 1)
        await store.collection("things").insert_one({"_id": 2})
    async with (
        opened(firestore_server.endpoint, project) as store,
        store.collection("things").watch(resume_after=first.resume_token) as feed,
    ):
        await store.collection("things").insert_one({"_id": 3})
        assert told(await take(feed, 2)) == [("insert", 2), ("insert", 3)]


async def test_a_token_of_another_collection_is_refused(things: Collection) -> None:
    """By name, not by silence."""
    async with things.watch() as feed:
        await things.insert_one({"_id": 1})
        (event,) = await take(feed, 1)
    with pytest.raises(CursorError):
        things.store.collection("others").watch(resume_after=event.resume_token)


@asynccontextmanager
async def line(place: str) -> AsyncIterator[tuple[str, Callable[[], Awaitable[None]]]]:
    """A way to a server that can be cut: an address, and what cuts every connection that goes through it."""
    host, _, port = place.rpartition(":")
    writers: set[asyncio.StreamWriter] = set()

    async def carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while data := await reader.read(65536):
                writer.write(data)
                await writer.drain()
        except ConnectionError:
            pass
        finally:
            writer.close()

    async def connect(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, back = await asyncio.open_connection(host, int(port))
        writers.update((writer, back))
        try:
            await asyncio.gather(carry(reader, back), carry(there, writer))
        finally:
            writers.difference_update((writer, back))

    async def cut() -> None:
        for writer in list(writers):
            writer.transport.abort()

    server = await asyncio.start_server(connect, "127.0.0.1", 0)
    try:
        yield f"127.0.0.1:{server.sockets[0].getsockname()[1]}", cut
    finally:
        server.close()
        await cut()
        await server.wait_closed()


async def test_a_connection_that_is_cut_loses_nothing_and_tells_nothing_twice(firestore_server: Server) -> None:
    """The feed listens again after the last moment that was told."""
    project = f"feed-{uuid.uuid4().hex[:12]}"
    async with (
        line(firestore_server.endpoint) as (place, cut),
        opened(place, project) as reader,
        opened(firestore_server.endpoint, project) as writer,
        reader.collection("things").watch() as feed,
    ):
        things = writer.collection("things")
        found: list[tuple[str, Any]] = []
        for turn in range(3):
            await things.insert_one({"_id": f"seen {turn}"})
            found += told(await take(feed, 1))
            waiting = asyncio.ensure_future(take(feed, 2))
            await cut()
            await things.insert_one({"_id": f"unseen {turn}"})
            await things.update_one({"_id": f"unseen {turn}"}, {"$set": {"a": 1}})
            found += told(await waiting)
    assert found == [
        change
        for turn in range(3)
        for change in [("insert", f"seen {turn}"), ("insert", f"unseen {turn}"), ("update", f"unseen {turn}")]
    ]


async def test_a_closed_feed_leaves_no_task_behind(things: Collection) -> None:
    """Whether it waits for an event or not."""
    before = asyncio.all_tasks()
    for begin in (True, False):
        feed = things.watch()
        if begin:
            waiting = asyncio.ensure_future(anext(feed, None))
            await things.insert_one({"_id": uuid.uuid4()})
            assert await asyncio.wait_for(waiting, SECONDS) is not None
            waiting = asyncio.ensure_future(anext(feed, None))
            await asyncio.sleep(0)
            await feed.aclose()
            assert await waiting is None
        else:
            await feed.aclose()
    left = asyncio.all_tasks() - before  # gRPC ends a cancelled request in a task of its own
    if left:
        _, pending = await asyncio.wait(left, timeout=SECONDS)
        assert pending == set()

"""Following what changes."""

# ruff: noqa: S101, PT012 - these are tests, a block is what fails

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import pytest
from lexigram.contracts.data.nosql.nosql import ChangeEvent
from lexigram.nosql.collection import Collection
from lexigram.nosql.exceptions import CursorError, NoSQLFilterError, PipelineError
from lexigram.nosql.following import ChangeStream
from lexigram.nosql.store import DocumentStore
from lexigram.nosql.testing.suite import Suite, needs

__all__ = ["ChangeFeed"]

_MARK = "marker "
_MATCH_MARKS: dict[str, Any] = {"documentKey._id": {"$regex": f"^{_MARK}"}}


class ChangeFeed(Suite, topic="change_feed"):
    """Each change once, in order, and none lost when a reader comes back."""

    @asynccontextmanager
    async def _following(self, things: Collection, **options: Any) -> AsyncGenerator[ChangeStream]:
        """A feed that has begun: markers are inserted until it shows one."""
        async with things.watch(**options) as feed:
            first = asyncio.ensure_future(anext(feed))
            async with asyncio.timeout(self.hooks.settle_seconds):
                number = 0
                while not first.done():
                    await things.insert_one({"_id": f"{_MARK}{number}"})
                    number += 1
                    await asyncio.wait({first}, timeout=0.05)
                seen = (await first).document_id
                while seen != f"{_MARK}{number - 1}":
                    seen = (await anext(feed)).document_id
            await things.delete_many({"_id": {"$regex": f"^{_MARK}"}})
            await self._take(feed, number)
            yield feed

    async def _take(self, feed: ChangeStream, count: int) -> list[ChangeEvent]:
        """So many events, or a failure after a while."""
        async with asyncio.timeout(self.hooks.settle_seconds):
            return [await anext(feed) for _ in range(count)]

    @staticmethod
    def _told(events: Sequence[ChangeEvent]) -> list[tuple[str, Any]]:
        return [(event.operation, event.document_id) for event in events]

    @needs("change_streams")
    async def test_every_kind_of_change_is_told(self, things: Collection) -> None:
        """Insert, update, replace, delete, with the document after it. Check ``watch()``."""
        async with self._following(things) as feed:
            await things.insert_one({"_id": 1, "a": 1, "b": {"c": 1}})
            await things.update_one({"_id": 1}, {"$set": {"a": 2}, "$unset": {"b.c": ""}})
            await things.replace_one({"_id": 1}, {"x": 1})
            await things.delete_one({"_id": 1})
            events = await self._take(feed, 4)
        assert self._told(events) == [("insert", 1), ("update", 1), ("replace", 1), ("delete", 1)]
        assert events[0].document == {"_id": 1, "a": 1, "b": {"c": 1}}
        assert events[2].document == {"_id": 1, "x": 1}
        assert events[3].document is None
        assert events[1].updated_fields == {"a": 2}
        assert tuple(events[1].removed_fields) == ("b.c",)
        assert {event.collection for event in events} == {"things"}

    @needs("change_streams")
    async def test_updates_bring_the_document(self, things: Collection) -> None:
        """The whole one, unless it is not wanted. Check ``full_document``."""
        await things.insert_one({"_id": 1, "a": 1, "b": 1})
        async with self._following(things) as feed:
            await things.update_one({"_id": 1}, {"$set": {"a": 2}})
            (event,) = await self._take(feed, 1)
        assert event.document == {"_id": 1, "a": 2, "b": 1}
        async with self._following(things, full_document=False) as feed:
            await things.update_one({"_id": 1}, {"$set": {"a": 3}})
            (event,) = await self._take(feed, 1)
        assert event.document is None
        assert event.updated_fields == {"a": 3}

    @needs("change_streams")
    async def test_changes_come_in_order_and_once(self, things: Collection) -> None:
        """Many writes of one task. Check the order of the service's feed."""
        async with self._following(things) as feed:
            await things.insert_many([{"_id": number} for number in range(40)])
            await things.update_many({}, {"$set": {"a": 1}})
            events = await self._take(feed, 80)
        assert self._told(events[:40]) == [("insert", number) for number in range(40)]
        assert sorted(self._told(events[40:])) == [("update", number) for number in range(40)]

    @needs("change_streams")
    async def test_writes_that_change_nothing_are_not_told(self, things: Collection) -> None:
        """A refused insert, an update to the same, a delete of nothing. Check what the service reports."""
        await things.insert_one({"_id": 1, "a": 1})
        async with self._following(things) as feed:
            await things.attempt.insert_one({"_id": 1})
            await things.update_one({"_id": 1}, {"$set": {"a": 1}})
            await things.delete_one({"_id": 9})
            await things.insert_one({"_id": 2})
            assert self._told(await self._take(feed, 1)) == [("insert", 2)]

    @needs("change_streams")
    async def test_a_feed_goes_on_after_its_token(self, things: Collection) -> None:
        """What happened meanwhile is delivered, nothing twice. Check ``resume_after``."""
        async with self._following(things) as feed:
            await things.insert_one({"_id": 1})
            await things.insert_one({"_id": 2})
            (first,) = await self._take(feed, 1)
        assert feed.resume_token == first.resume_token
        await things.insert_one({"_id": 3})
        async with things.watch(resume_after=first.resume_token) as feed:
            await things.insert_one({"_id": 4})
            assert self._told(await self._take(feed, 3)) == [("insert", 2), ("insert", 3), ("insert", 4)]

    @needs("change_streams")
    async def test_every_event_has_a_token_of_its_own(self, things: Collection) -> None:
        """Each can be gone on from. Check tokens of events of one request."""
        async with self._following(things) as feed:
            await things.insert_many([{"_id": number} for number in range(3)])
            events = await self._take(feed, 3)
        assert len({event.resume_token for event in events}) == 3
        for place, event in enumerate(events[:-1]):
            async with things.watch(resume_after=event.resume_token) as feed:
                assert self._told(await self._take(feed, 1)) == [("insert", place + 1)]

    @needs("change_streams")
    @pytest.mark.parametrize("token", ["", "nonsense", "8263"])
    async def test_a_token_that_is_none_is_refused(self, things: Collection, token: str) -> None:
        """CursorError, not silence. Check how tokens are read."""
        await things.insert_one({"_id": 1})
        with pytest.raises(CursorError):
            async with things.watch(resume_after=token) as feed:
                await self._take(feed, 1)

    @needs("change_streams")
    async def test_events_are_chosen_by_a_filter(self, things: Collection) -> None:
        """By operation and by the document. Check that the portable layer, or the server exactly, filters."""
        either = {"$or": [_MATCH_MARKS, {"operationType": "insert", "fullDocument.n": {"$gt": 1}}]}
        async with self._following(things, pipeline=[{"$match": either}]) as feed:
            await things.insert_many([{"_id": number, "n": number} for number in range(4)])
            await things.update_one({"_id": 3}, {"$set": {"n": 9}})
            await things.insert_one({"_id": 4, "n": 4})
            assert self._told(await self._take(feed, 3)) == [("insert", 2), ("insert", 3), ("insert", 4)]

    @pytest.mark.parametrize(
        ("pipeline", "error"),
        [
            ([{"$group": {"_id": None}}], PipelineError),
            ([{"$match": {"a": {"$foo": 1}}}], NoSQLFilterError),
            ("x", PipelineError),
        ],
        ids=["stage", "filter", "text"],
    )
    async def test_a_pipeline_that_is_no_filter_is_refused(
        self, things: Collection, pipeline: Any, error: type[Exception]
    ) -> None:
        """On every backend alike. Check that the portable layer parses it."""
        with pytest.raises(error):
            things.watch(pipeline)

    @needs("change_streams")
    async def test_collections_have_feeds_of_their_own(self, things: Collection, store: DocumentStore) -> None:
        """Others are not told. Check how the service's feed is narrowed."""
        async with self._following(things) as feed:
            await store.collection("others").insert_one({"_id": "other"})
            await things.insert_one({"_id": 1})
            assert self._told(await self._take(feed, 1)) == [("insert", 1)]

    @needs("change_streams")
    async def test_two_readers_see_the_same(self, things: Collection) -> None:
        """Each at its own pace. Check that a feed has its own place."""
        async with self._following(things) as one:
            await things.insert_one({"_id": 1})
            (event,) = await self._take(one, 1)
            async with things.watch(resume_after=event.resume_token) as other:
                await things.insert_one({"_id": 2})
                assert self._told(await self._take(one, 1)) == self._told(await self._take(other, 1)) == [("insert", 2)]

    @needs("change_streams")
    async def test_a_wait_that_is_cancelled_loses_nothing(self, things: Collection) -> None:
        """The next wait goes on. Check that ``watch()`` is only read by the portable layer's task."""
        async with self._following(things) as feed:
            waiting = asyncio.ensure_future(anext(feed))
            await asyncio.sleep(0)
            waiting.cancel()
            with pytest.raises(asyncio.CancelledError):
                await waiting
            await things.insert_one({"_id": 1})
            assert self._told(await self._take(feed, 1)) == [("insert", 1)]

    @needs("change_streams")
    async def test_a_closed_feed_ends(self, things: Collection) -> None:
        """Also the loop of another task. Check that closing the iterator ends the request."""
        async with self._following(things) as feed:
            reading = asyncio.ensure_future(anext(feed, None))
            await asyncio.sleep(0)
            await feed.aclose()
            assert await asyncio.wait_for(reading, self.hooks.settle_seconds) is None
            with pytest.raises(StopAsyncIteration):
                await anext(feed)

    @needs("change_streams", "transactions")
    async def test_a_transaction_is_told_when_it_commits(self, things: Collection, store: DocumentStore) -> None:
        """What is rolled back never. Check when the service reports writes of transactions."""
        await things.insert_one({"_id": 0})
        async with self._following(things) as feed:
            with pytest.raises(ZeroDivisionError):
                async with store.transaction():
                    await things.insert_one({"_id": 1})
                    raise ZeroDivisionError
            async with store.transaction():
                await things.insert_one({"_id": 2})
                await things.update_one({"_id": 0}, {"$set": {"a": 1}})
            assert self._told(await self._take(feed, 2)) == [("insert", 2), ("update", 0)]

"""Many callers at once, and callers that go away."""

# ruff: noqa: S101 - these are tests

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import Any

import pytest
from lexigram.nosql.collection import Collection
from lexigram.nosql.driver import NO_CALL, Document, NativeRead
from lexigram.nosql.exceptions import CursorError, DuplicateKeyError
from lexigram.nosql.query.parse import parse_filter
from lexigram.nosql.store import DocumentStore
from lexigram.nosql.testing.suite import Suite

__all__ = ["Concurrency"]


class Concurrency(Suite, topic="concurrency"):
    """Nothing is lost, nothing is left open."""

    async def test_no_increment_is_lost(self) -> None:
        """Of many tasks on one document. Check ``replace``: it stores only if nobody was first."""
        async with self.opened(scan_policy="allow", write_attempts=200) as store:
            things = store.collection("things")
            await things.insert_one({"_id": 1, "n": 0})
            await asyncio.gather(*(things.update_one({"_id": 1}, {"$inc": {"n": 1}}) for _ in range(20)))
            assert await things.find_one({"_id": 1}) == {"_id": 1, "n": 20}

    async def test_no_element_is_lost(self) -> None:
        """Of many tasks that push. Check ``replace``, or the native update."""
        async with self.opened(scan_policy="allow", write_attempts=200) as store:
            things = store.collection("things")
            await things.insert_one({"_id": 1, "l": []})
            await asyncio.gather(*(things.update_one({"_id": 1}, {"$push": {"l": n}}) for n in range(12)))
            found = await things.find_one({"_id": 1})
            assert found is not None
            assert sorted(found["l"]) == list(range(12))

    async def test_a_stale_document_is_not_written(self, things: Collection, store: DocumentStore) -> None:
        """``replace`` and ``delete`` refuse what somebody changed since it was read.

        Check ``Batch.revisions``, and that both methods compare them in the same step as they write.
        """
        await things.insert_one({"_id": 1, "n": 0})
        target = store.driver.collection("things")
        read = NativeRead(target.compile(parse_filter({"_id": 1}), None, None), revisions=True)
        seen: list[tuple[Document, Any]] = []
        for _ in range(2):
            async for batch in target.read(read, NO_CALL):
                assert batch.revisions is not None
                seen += [
                    (dict(document), mark) for document, mark in zip(batch.documents, batch.revisions, strict=True)
                ]
        (old, mark), (same, other) = seen
        assert await target.replace(old, {"_id": 1, "n": 1}, mark, False, NO_CALL)
        assert not await target.replace(same, {"_id": 1, "n": 2}, other, False, NO_CALL)
        assert not await target.delete(same, other, NO_CALL)
        assert await things.find().to_list() == [{"_id": 1, "n": 1}]
        await things.delete_one({"_id": 1})
        assert not await target.replace(same, {"_id": 1, "n": 3}, other, False, NO_CALL)
        assert await things.count_documents() == 0

    async def test_one_of_many_inserts_wins(self, things: Collection) -> None:
        """The others are duplicates. Check that ``insert`` writes only what does not exist."""
        results = await asyncio.gather(*(things.attempt.insert_one({"_id": 1, "by": n}) for n in range(10)))
        assert sum(result.is_ok() for result in results) == 1
        assert all(isinstance(result.unwrap_err(), DuplicateKeyError) for result in results if result.is_err())
        winner = next(number for number, result in enumerate(results) if result.is_ok())
        assert await things.find().to_list() == [{"_id": 1, "by": winner}]

    async def test_one_of_many_takes_a_document(self, things: Collection) -> None:
        """A queue gives each job to one worker. Check ``delete``: only if it is still as it was read."""
        await things.insert_many([{"_id": number} for number in range(5)])
        taken = await asyncio.gather(*(things.find_one_and_delete({}, sort=[("_id", 1)]) for _ in range(8)))
        got = sorted(document["_id"] for document in taken if document is not None)
        assert got == [0, 1, 2, 3, 4]
        assert await things.count_documents() == 0

    async def test_one_of_many_claims_a_document(self, things: Collection) -> None:
        """By an update whose filter then no longer matches. Check that the filter is tested again before each write."""
        await things.insert_one({"_id": 1, "owner": None})
        results = await asyncio.gather(
            *(things.update_one({"_id": 1, "owner": None}, {"$set": {"owner": number}}) for number in range(6))
        )
        assert sum(result.modified_count for result in results) == 1

    async def test_upserts_at_once_make_one_document(self) -> None:
        """Of one id. Check that an upsert that meets a duplicate updates it."""
        async with self.opened(scan_policy="allow", write_attempts=200) as store:
            things = store.collection("things")
            await asyncio.gather(*(things.update_one({"_id": 1}, {"$inc": {"n": 1}}, upsert=True) for _ in range(8)))
            assert await things.find().to_list() == [{"_id": 1, "n": 8}]

    async def test_many_collections_at_once(self, store: DocumentStore) -> None:
        """Callers share the store. Check pools and locks of the driver."""

        async def work(name: str) -> int:
            things = store.collection(name)
            await things.insert_many([{"_id": number, "in": name} for number in range(20)])
            await things.update_many({"_id": {"$gte": 10}}, {"$set": {"high": True}})
            return await things.count_documents({"in": name, "high": True})

        assert await asyncio.gather(*(work(f"c{number}") for number in range(8))) == [10] * 8
        assert len(await store.list_collections()) == 8

    async def test_readers_beside_writers_see_whole_documents(self, things: Collection) -> None:
        """Both fields are of one write. Check that a write is one step for readers."""
        await things.insert_one({"_id": 1, "a": 0, "b": 0})

        async def write() -> None:
            for number in range(1, 15):
                await things.update_one({"_id": 1}, {"$set": {"a": number, "b": number}})

        async def read() -> None:
            for _ in range(15):
                found = await things.find_one({"_id": 1})
                assert found is not None
                assert found["a"] == found["b"]
                await asyncio.sleep(0)

        await asyncio.gather(write(), read(), read())

    @pytest.mark.parametrize("turns", [0, 1, 2, 3, 5, 8])
    async def test_a_cancelled_write_happened_or_not(self, things: Collection, turns: int) -> None:
        """The document is whole, and the store goes on. Check that a cancellation releases locks and connections."""
        await things.insert_one({"_id": 1, "a": 0, "b": 0})
        task = asyncio.ensure_future(things.update_one({"_id": 1}, {"$inc": {"a": 1, "b": 1}}))
        for _ in range(turns):
            await asyncio.sleep(0)
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
        async with asyncio.timeout(self.hooks.settle_seconds):
            found = await things.find_one({"_id": 1})
            assert found in ({"_id": 1, "a": 0, "b": 0}, {"_id": 1, "a": 1, "b": 1})
            await things.update_one({"_id": 1}, {"$set": {"after": True}})

    @pytest.mark.parametrize("turns", [0, 1, 3, 6])
    async def test_a_cancelled_insert_of_many_can_be_repeated(self, things: Collection, turns: int) -> None:
        """Each document is there once in the end. Check that a cancellation releases locks and connections."""
        documents = [{"_id": number} for number in range(60)]
        task = asyncio.ensure_future(things.insert_many(documents))
        for _ in range(turns):
            await asyncio.sleep(0)
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
        async with asyncio.timeout(self.hooks.settle_seconds):
            await things.attempt.insert_many(documents, ordered=False)
            assert await things.count_documents() == 60

    @pytest.mark.parametrize("turns", [0, 1, 2, 4])
    async def test_a_cancelled_read_leaves_nothing(self, things: Collection, turns: int) -> None:
        """The next read works. Check that closing the iterator of ``read`` ends the request."""
        await things.insert_many([{"_id": number} for number in range(100)])
        task = asyncio.ensure_future(things.find(batch_size=5).to_list())
        for _ in range(turns):
            await asyncio.sleep(0)
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
        async with asyncio.timeout(self.hooks.settle_seconds):
            assert len(await things.find(batch_size=7).to_list()) == 100

    async def test_a_cursor_that_is_left_early_is_closed(self, things: Collection, store: DocumentStore) -> None:
        """Many of them exhaust nothing. Check that closing the iterator of ``read`` gives the connection back."""
        await things.insert_many([{"_id": number} for number in range(50)])
        for _ in range(120):
            async with things.find(batch_size=2) as cursor:
                async for _document in cursor:
                    break
        await asyncio.wait_for(store.disconnect(), self.hooks.settle_seconds)

    async def test_many_cursors_are_open_at_once(self, things: Collection) -> None:
        """Each goes its own way. Check that ``read`` keeps its state to itself."""
        await things.insert_many([{"_id": number} for number in range(30)])
        cursors = [things.find(sort=[("_id", 1)], batch_size=3) for _ in range(6)]
        for expected in range(30):
            for cursor in cursors:
                assert (await anext(cursor))["_id"] == expected
        for cursor in cursors:
            await cursor.aclose()

    async def test_two_tasks_do_not_read_one_cursor(self, things: Collection) -> None:
        """The second is refused, or both get different documents. Check that the cursor is the portable one."""
        await things.insert_many([{"_id": number} for number in range(4)])
        cursor = things.find(batch_size=1)
        results = await asyncio.gather(anext(cursor), anext(cursor), return_exceptions=True)
        ids = [result["_id"] for result in results if isinstance(result, dict)]
        assert len(set(ids)) == len(ids) >= 1
        assert all(isinstance(result, CursorError) for result in results if not isinstance(result, dict))
        await cursor.aclose()

    async def test_closing_while_others_work_ends_them(self) -> None:
        """They finish or fail; nobody hangs. Check ``close()`` of the driver with requests under way."""
        async with self.opened(scan_policy="allow") as store:
            things = store.collection("things")
            await things.insert_many([{"_id": number} for number in range(40)])
            tasks = [asyncio.ensure_future(things.find(batch_size=4).to_list()) for _ in range(4)]
            await asyncio.sleep(0)
            await store.disconnect()
            done, pending = await asyncio.wait(tasks, timeout=self.hooks.settle_seconds)
            assert not pending
            for task in done:
                task.exception()

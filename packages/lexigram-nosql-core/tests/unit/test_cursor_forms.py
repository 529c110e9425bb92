"""Cursors in every documented form, their end, and what closes them."""

# ruff: noqa: PT012 - it is the block of a transaction or cursor that raises

from __future__ import annotations

import asyncio
import gc
from collections.abc import AsyncGenerator
from typing import Any

import pytest
from lexigram.contracts.data.nosql.nosql import CursorProtocol
from lexigram.nosql.backend import BackendConfig, BackendSpec
from lexigram.nosql.collection import Collection
from lexigram.nosql.driver import Batch, Call, NativeRead
from lexigram.nosql.exceptions import CursorError, MemoryLimitError, NoSQLTimeoutError, QueryOptionError
from lexigram.nosql.store import DocumentStore
from lexigram.nosql.testing.minimal import SPEC, MinimalCollection, MinimalDriver


class Watched(MinimalCollection):
    """Tells how many reads are open."""

    def __init__(self, driver: WatchedDriver, name: str) -> None:
        super().__init__(driver, name)
        self.watched = driver

    async def read(self, read: NativeRead, call: Call) -> AsyncGenerator[Batch]:
        self.watched.open += 1
        try:
            async for batch in super().read(read, call):
                await self.watched.gate.wait()
                yield batch
        finally:
            self.watched.open -= 1
            self.watched.closed_one.set()


class WatchedDriver(MinimalDriver):
    """A driver that can be made to wait."""

    def __init__(self) -> None:
        super().__init__()
        self.open = 0
        self.gate = asyncio.Event()
        self.gate.set()
        self.closed_one = asyncio.Event()

    def collection(self, name: str) -> Watched:
        return Watched(self, name)


async def watched_store(config: BackendConfig | None = None) -> tuple[DocumentStore, WatchedDriver, Collection]:
    driver = WatchedDriver()

    async def connect(config: BackendConfig) -> WatchedDriver:
        return driver

    spec = BackendSpec(
        name="watched",
        api=SPEC.api,
        config=BackendConfig,
        capabilities=SPEC.capabilities,
        connect=connect,
        distribution="none",
    )
    store = DocumentStore(spec, config or BackendConfig(scan_policy="allow"))
    await store.connect()
    collection = store.collection("things")
    await collection.insert_many([{"_id": index} for index in range(10)])
    return store, driver, collection


ALL = [{"_id": index} for index in range(10)]


async def test_a_cursor_is_iterated_awaited_and_listed() -> None:
    """async for, async for over await, to_list, and all of them on find() and aggregate()."""
    _, driver, things = await watched_store()
    for make in (lambda: things.find(batch_size=3), lambda: things.aggregate([{"$match": {}}], batch_size=3)):
        assert isinstance(make(), CursorProtocol)
        assert [document async for document in make()] == ALL
        assert [document async for document in await make()] == ALL
        assert await make().to_list() == ALL
        assert await (await make()).to_list() == ALL
        async with make() as cursor:
            assert [document async for document in cursor] == ALL
    assert driver.open == 0


async def test_awaiting_a_cursor_gives_the_cursor_itself() -> None:
    """So both documented forms are one."""
    _, _, things = await watched_store()
    cursor = things.find()
    assert await cursor is cursor


async def test_to_list_takes_parts() -> None:
    """The next ones each time, across batches, until nothing is left."""
    _, _, things = await watched_store()
    cursor = things.find(batch_size=3)
    assert await cursor.to_list(0) == []
    assert await cursor.to_list(4) == ALL[:4]
    assert await anext(cursor) == ALL[4]
    assert await cursor.to_list(2) == ALL[5:7]
    assert await cursor.to_list() == ALL[7:]
    assert await cursor.to_list() == []
    assert await cursor.to_list(5) == []
    for wrong in (-1, "1", 1.5, True):
        with pytest.raises(QueryOptionError):
            await things.find().to_list(wrong)  # type: ignore[arg-type]


async def test_first_gives_one_and_closes() -> None:
    """None where there is none."""
    _, driver, things = await watched_store()
    cursor = things.find(batch_size=2)
    assert await cursor.first() == {"_id": 0}
    assert cursor.closed
    assert driver.open == 0
    with pytest.raises(CursorError, match="closed"):
        await anext(cursor)
    assert await things.find({"_id": 99}).first() is None
    second = things.find(batch_size=2)
    assert await anext(second) == {"_id": 0}
    assert await second.first() == {"_id": 1}


async def test_after_its_end_a_cursor_stays_ended() -> None:
    """Asking again goes on ending, and it is not closed."""
    _, driver, things = await watched_store()
    cursor = things.find()
    assert len(await cursor.to_list()) == 10
    for _ in range(3):
        with pytest.raises(StopAsyncIteration):
            await anext(cursor)
        assert await cursor.to_list() == []
        assert await cursor.first() is None
    await cursor.aclose()
    assert not cursor.closed
    assert await cursor.to_list() == []
    assert driver.open == 0


async def test_nothing_is_read_before_the_cursor_is_used() -> None:
    """find() is a synchronous call that makes no request."""
    _, driver, things = await watched_store()
    cursor = things.find()
    assert driver.open == 0
    await things.insert_one({"_id": 10})
    assert len(await cursor.to_list()) == 11


async def test_closing_releases_what_is_held_and_can_be_done_twice() -> None:
    """Also before the first use."""
    _, driver, things = await watched_store()
    cursor = things.find(batch_size=2)
    await anext(cursor)
    assert driver.open == 1
    await cursor.aclose()
    await cursor.aclose()
    assert driver.open == 0
    with pytest.raises(CursorError):
        await cursor.to_list()
    unused = things.find()
    await unused.aclose()
    with pytest.raises(CursorError):
        await anext(unused)


async def test_leaving_the_loop_early_closes_the_cursor() -> None:
    """A cursor that nobody holds releases its read by itself."""
    _, driver, things = await watched_store()
    async for document in things.find(batch_size=2):
        assert document == {"_id": 0}
        break
    gc.collect()
    await driver.closed_one.wait()
    assert driver.open == 0
    driver.closed_one.clear()
    async for _ in things.aggregate([{"$match": {}}], batch_size=2):
        break
    gc.collect()
    await driver.closed_one.wait()
    assert driver.open == 0


async def test_an_error_in_the_loop_leaves_the_block_closed() -> None:
    """async with closes, whatever happens inside."""
    _, driver, things = await watched_store()
    cursor = things.find(batch_size=2)
    with pytest.raises(RuntimeError, match="mine"):
        async with cursor:
            async for _ in cursor:
                raise RuntimeError("mine")
    assert cursor.closed
    assert driver.open == 0


async def test_two_tasks_cannot_read_one_cursor_at_once() -> None:
    """The second is refused, the first goes on."""
    _, driver, things = await watched_store()
    cursor = things.find(batch_size=20)
    driver.gate.clear()
    first = asyncio.create_task(cursor.to_list())
    await asyncio.sleep(0)
    with pytest.raises(CursorError, match="two tasks"):
        await anext(cursor)
    driver.gate.set()
    assert await first == ALL


async def test_a_cursor_closed_by_another_task_ends_the_one_that_waits() -> None:
    """Its wait ends with an error, and the read is released."""
    _, driver, things = await watched_store()
    cursor = things.find(batch_size=2)
    driver.gate.clear()
    first = asyncio.create_task(cursor.to_list())
    await asyncio.sleep(0)
    await cursor.aclose()
    assert driver.open == 1
    driver.gate.set()
    with pytest.raises(CursorError, match="closed"):
        await first
    assert driver.open == 0


async def test_a_cancelled_read_is_released() -> None:
    """And the cursor is closed."""
    _, driver, things = await watched_store()
    cursor = things.find()
    driver.gate.clear()
    task = asyncio.create_task(cursor.to_list())
    await asyncio.sleep(0)
    assert driver.open == 1
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert driver.open == 0
    assert cursor.closed


async def test_a_cursor_has_its_time() -> None:
    """All waits together; the error says how long, and nothing stays open."""
    _, driver, things = await watched_store()
    driver.gate.clear()
    cursor = things.find(timeout=0.01)
    with pytest.raises(NoSQLTimeoutError) as caught:
        await cursor.to_list()
    assert caught.value.timeout == 0.01
    assert (caught.value.collection, caught.value.operation) == ("things", "find")
    assert isinstance(caught.value, TimeoutError)
    assert driver.open == 0
    with pytest.raises(CursorError):
        await anext(cursor)
    driver.gate.set()
    assert await things.find(timeout=60).to_list() == ALL
    with pytest.raises(NoSQLTimeoutError):
        driver.gate.clear()
        await things.aggregate([{"$match": {}}], timeout=0.01).to_list()
    assert driver.open == 0


async def test_a_timeout_says_the_whole_time_of_a_cursor() -> None:
    """Not what was left of it when the last wait began."""
    _, driver, things = await watched_store()
    cursor = things.find(batch_size=2, timeout=0.05)
    await anext(cursor)
    driver.gate.clear()
    with pytest.raises(NoSQLTimeoutError, match=r"within 0\.05 s") as caught:
        await cursor.to_list()
    assert caught.value.timeout == 0.05


async def test_the_stores_time_limit_holds_for_cursors() -> None:
    """operation_timeout, where the call says nothing."""
    _, driver, things = await watched_store(BackendConfig(scan_policy="allow", operation_timeout=0.01))
    driver.gate.clear()
    with pytest.raises(NoSQLTimeoutError):
        await things.find().to_list()
    assert driver.open == 0


async def test_a_timeout_of_the_driver_is_not_ours() -> None:
    """A TimeoutError from within is passed on as it is."""
    _, _, things = await watched_store()

    class Timing(Watched):
        async def read(self, read: NativeRead, call: Call) -> AsyncGenerator[Batch]:
            raise TimeoutError("of the socket")
            yield

    driver: Any = things.store.driver
    driver.collection = lambda name: Timing(driver, name)
    other = things.store.collection("other")
    with pytest.raises(TimeoutError, match="of the socket") as caught:
        await other.find(timeout=60).to_list()
    assert not isinstance(caught.value, NoSQLTimeoutError)
    with pytest.raises(TimeoutError, match="of the socket") as caught:
        await other.find_one(timeout=60)
    assert not isinstance(caught.value, NoSQLTimeoutError)


async def test_explain_says_what_will_be_done_and_what_was_done() -> None:
    """Before the first use without counts, afterwards with them."""
    _, _, things = await watched_store()
    cursor = things.find({"_id": {"$gte": 5}}, sort=[("_id", -1)], skip=1, limit=2, projection=["_id"])
    plan = await cursor.explain()
    assert plan.full_scan
    assert plan.residue == {"_id": {"$gte": 5}}
    assert (plan.sort, plan.skip, plan.limit, plan.projection) == ("engine",) * 4
    assert plan.documents_examined is None
    assert await cursor.to_list() == [{"_id": 8}, {"_id": 7}]
    plan = await cursor.explain()
    assert (plan.documents_examined, plan.documents_read, plan.documents_returned) == (10, 10, 2)
    assert plan.to_dict()["access"] == {"kind": "scan", "index": None, "fields": []}
    assert str(plan).startswith("find on things (watched): scan\n")


async def test_explain_of_a_pipeline_lists_its_stages() -> None:
    """And counts what the backend read and what came out."""
    _, _, things = await watched_store()
    cursor = things.aggregate([{"$match": {"_id": {"$gte": 4}}}, {"$group": {"_id": None, "n": {"$sum": 1}}}])
    plan = await cursor.explain()
    assert plan.operation == "aggregate"
    assert any("$group" in stage for stage in plan.stages)
    assert await cursor.to_list() == [{"_id": None, "n": 6}]
    plan = await cursor.explain()
    assert (plan.documents_examined, plan.documents_returned) == (10, 1)


async def test_sorting_more_than_the_memory_limit_is_an_error() -> None:
    """With the ways out; a limit keeps little, so it may sort much."""
    _, _, things = await watched_store(BackendConfig(scan_policy="allow", memory_limit_bytes=50_000))
    await things.insert_many([{"_id": index, "text": "x" * 1000, "n": index} for index in range(100, 200)])
    with pytest.raises(MemoryLimitError) as caught:
        await things.find(sort=[("n", 1)]).to_list()
    assert caught.value.mongo_code == 292
    assert "index" in (caught.value.hint or "")
    assert len(await things.find(sort=[("n", -1)], limit=3).to_list()) == 3
    assert len(await things.find({"_id": {"$gte": 100}}).to_list()) == 100

"""Two runners never migrate one store at the same time, and a runner that died keeps nobody out for long."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from lexigram.nosql.backends.memory import InMemoryDocumentStore
from lexigram.nosql.collection import Collection
from lexigram.nosql.exceptions import MigrationLockedError, NoSQLConnectionError
from lexigram.nosql.migration import MigrationManager, RunPython
from lexigram.nosql.migration.lock import MigrationLock, new_runner

LOCK = {"_id": "_lock"}


@pytest.fixture
async def store() -> AsyncIterator[InMemoryDocumentStore]:
    async with InMemoryDocumentStore() as opened:
        yield opened


class Clock:
    """A clock that a test sets."""

    def __init__(self) -> None:
        self.time = datetime(2026, 11, 21, 12, tzinfo=UTC)

    def now(self) -> datetime:
        return self.time

    def monotonic(self) -> float:
        return self.time.timestamp()

    def timestamp(self) -> float:
        return self.time.timestamp()


def lock(store: InMemoryDocumentStore, owner: str, clock: Clock, **options: Any) -> MigrationLock:
    settings: dict[str, Any] = {"seconds": 60.0, "wait": 0.0, **options}
    return MigrationLock(store.collection("_migrations"), owner, now=clock.now, **settings)


class Slow:
    """An operation that runs until it is let go."""

    def __init__(self) -> None:
        self.started = asyncio.Event()
        self.let_go = asyncio.Event()
        self.runs = 0

    async def __call__(self, _: Any) -> None:
        self.runs += 1
        self.started.set()
        await self.let_go.wait()

    def manager(self, store: InMemoryDocumentStore, **options: Any) -> MigrationManager:
        return MigrationManager(store, **options).add(RunPython(self, checksum="1"))


async def test_the_second_of_two_runners_is_refused(store: InMemoryDocumentStore) -> None:
    """It says who runs and until when; the first finishes undisturbed."""
    slow = Slow()
    first = asyncio.create_task(slow.manager(store).apply())
    await slow.started.wait()
    with pytest.raises(MigrationLockedError, match="another runner") as caught:
        await slow.manager(store).apply()
    assert caught.value.retryable
    assert caught.value.owner == (await store.collection("_migrations").find_one(LOCK) or {})["owner"]
    slow.let_go.set()
    assert await first == ["0001"]
    assert slow.runs == 1


async def test_the_second_of_two_runners_can_wait(store: InMemoryDocumentStore) -> None:
    """When the first has finished there is nothing left to do."""
    slow = Slow()
    first = asyncio.create_task(slow.manager(store).apply())
    await slow.started.wait()
    second = asyncio.create_task(slow.manager(store).apply(wait=30))
    await asyncio.sleep(0)
    slow.let_go.set()
    assert await first == ["0001"]
    assert await second == []
    assert slow.runs == 1


async def test_waiting_ends(store: InMemoryDocumentStore) -> None:
    """After the given time the refusal comes."""
    clock = Clock()
    async with lock(store, "a", clock):
        with pytest.raises(MigrationLockedError):
            async with lock(store, "b", clock, wait=0.02):
                pytest.fail("two runners have the lock")


async def test_of_many_runners_that_start_together_one_runs(store: InMemoryDocumentStore) -> None:
    """Each migration is carried out once, whoever does it."""
    runs: list[int] = []

    def manager() -> MigrationManager:
        made = MigrationManager(store)
        for number in range(3):
            made.add(str(number), "count", RunPython(lambda _, number=number: runs.append(number), checksum="1"))
        return made

    results = await asyncio.gather(*(manager().apply(wait=30) for _ in range(10)))
    assert sorted(runs) == [0, 1, 2]
    assert sorted(map(len, results)) == [0] * 9 + [3]


async def test_the_lock_is_gone_when_the_run_has_ended(store: InMemoryDocumentStore) -> None:
    """After success, after failure, and after an error inside the context."""
    clock = Clock()
    async with lock(store, "a", clock):
        held = await store.collection("_migrations").find_one(LOCK)
        assert held == {
            "_id": "_lock",
            "owner": "a",
            "acquired_at": clock.time,
            "expires_at": clock.time + timedelta(seconds=60),
        }
    assert await store.collection("_migrations").find_one(LOCK) is None
    with pytest.raises(ValueError, match="x"):
        async with lock(store, "a", clock):
            raise ValueError("x")
    assert await store.collection("_migrations").find_one(LOCK) is None


async def test_the_lock_of_a_dead_runner_expires(store: InMemoryDocumentStore) -> None:
    """It can be taken at the very moment at which it expires, and not before."""
    clock = Clock()
    expires = clock.time + timedelta(seconds=60)
    await store.collection("_migrations").insert_one({**LOCK, "owner": "dead", "expires_at": expires})
    clock.time = expires - timedelta(milliseconds=1)
    with pytest.raises(MigrationLockedError, match="dead"):
        async with lock(store, "b", clock):
            pytest.fail("the lock has not expired")
    clock.time = expires
    async with lock(store, "b", clock):
        assert (await store.collection("_migrations").find_one(LOCK) or {})["owner"] == "b"


async def test_a_lock_is_renewed_while_it_is_held(store: InMemoryDocumentStore) -> None:
    """Its expiry moves with the clock."""
    clock = Clock()
    renewed = asyncio.Event()

    class Spy:
        def start(self, command: Any) -> Any:
            return lambda error: renewed.set() if command.operation == "update_one" else None

    async with lock(store, "a", clock, seconds=0.03):
        clock.time += timedelta(seconds=5)
        store.observe(Spy())
        await renewed.wait()
        held = await store.collection("_migrations").find_one(LOCK) or {}
        assert held["expires_at"] == clock.time + timedelta(seconds=0.03)


async def test_a_runner_that_lost_its_lock_stops(store: InMemoryDocumentStore) -> None:
    """Its operation is cancelled, the new owner's lock stays, and the record is left to the new owner."""
    slow = Slow()
    task = asyncio.create_task(slow.manager(store, lock_seconds=0.03).apply())
    await slow.started.wait()
    await store.collection("_migrations").update_one(LOCK, {"$set": {"owner": "somebody else"}})
    with pytest.raises(MigrationLockedError, match="lost to another runner"):
        await task
    assert (await store.collection("_migrations").find_one(LOCK) or {})["owner"] == "somebody else"
    assert [row["state"] for row in await slow.manager(store).status()] == ["running"]


async def test_a_lock_lost_without_the_event_loop_noticing_is_found_before_the_record(
    store: InMemoryDocumentStore,
) -> None:
    """An operation that blocked the loop for too long does not write that it is done."""

    async def steal(_: Any) -> None:
        await store.collection("_migrations").update_one(LOCK, {"$set": {"owner": "somebody else"}})

    manager = MigrationManager(store).add(RunPython(steal, checksum="1"))
    with pytest.raises(MigrationLockedError, match="lost"):
        await manager.apply()
    assert [row["state"] for row in await manager.status()] == ["running"]


async def test_a_cancellation_from_outside_stays_one(store: InMemoryDocumentStore) -> None:
    """Also when the lock was lost at the same time."""
    clock = Clock()
    entered = asyncio.Event()

    async def hold() -> None:
        async with lock(store, "a", clock, seconds=0.03):
            entered.set()
            try:
                await asyncio.Event().wait()
            finally:
                task.cancel()

    task = asyncio.create_task(hold())
    await entered.wait()
    await store.collection("_migrations").delete_one(LOCK)
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_a_failing_renewal_is_borne_until_the_lock_expires(
    store: InMemoryDocumentStore, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """A hiccup is logged; when the store stays away the runner stops, since others may have the lock by then."""
    clock = Clock()

    async def away(*arguments: Any, **options: Any) -> Any:
        raise NoSQLConnectionError("the server is gone")

    async def hold() -> None:
        async with lock(store, "a", clock, seconds=0.03):
            monkeypatch.setattr(Collection, "update_one", away)
            await asyncio.Event().wait()

    with caplog.at_level(logging.WARNING), pytest.raises(MigrationLockedError, match="lost"):
        await hold()
    assert caplog.text.count("renewing the migration lock failed") >= 2


async def test_a_release_that_fails_is_logged(
    store: InMemoryDocumentStore, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """The work is done; the lock expires by itself."""

    async def away(*arguments: Any, **options: Any) -> Any:
        raise NoSQLConnectionError("the server is gone")

    monkeypatch.setattr(Collection, "delete_one", away)
    with caplog.at_level(logging.WARNING):
        assert await MigrationManager(store).add(RunPython(repr, checksum="1")).apply() == ["0001"]
    assert "it will expire" in caplog.text


async def test_a_cancellation_while_taking_the_lock_leaves_none(
    store: InMemoryDocumentStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Even when the request had succeeded and only its answer was lost."""
    clock = Clock()
    answered = asyncio.Event()
    real = Collection.find_one_and_update

    async def slow(self: Collection, *arguments: Any, **options: Any) -> Any:
        await real(self, *arguments, **options)
        answered.set()
        await asyncio.Event().wait()

    monkeypatch.setattr(Collection, "find_one_and_update", slow)

    async def enter() -> None:
        async with lock(store, "a", clock):
            pytest.fail("the answer never came")

    task = asyncio.create_task(enter())
    await answered.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert await store.collection("_migrations").find_one(LOCK) is None


async def test_the_refusal_makes_sense_when_the_lock_was_just_released(
    store: InMemoryDocumentStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between the attempt and the look the other runner may finish."""
    clock = Clock()

    async def nothing(self: Collection, *arguments: Any, **options: Any) -> None:
        return None

    async with lock(store, "a", clock):
        with monkeypatch.context() as finished:
            finished.setattr(Collection, "find_one", nothing)
            with pytest.raises(MigrationLockedError, match="just finished"):
                async with lock(store, "b", clock):
                    pytest.fail("two runners have the lock")


def test_runners_have_names_of_their_own() -> None:
    """Host, process and a random part."""
    first, second = new_runner(), new_runner()
    assert first != second
    assert first.count(":") >= 2

"""The migration manager: order, plans, records, resuming, rolling back, events, and where its store comes from."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import pytest
from lexigram.contracts.core.result import Err
from lexigram.contracts.domain.events import DomainEvent
from lexigram.contracts.events.protocols import EventError
from lexigram.events import EventBus
from lexigram.nosql.backends.memory import InMemoryDocumentStore
from lexigram.nosql.backends.memory.spec import MemoryConfig
from lexigram.nosql.events import MigrationAppliedEvent, MigrationFailedEvent
from lexigram.nosql.exceptions import (
    IrreversibleMigrationError,
    MigrationChangedError,
    MigrationError,
    NoSQLConnectionError,
    StoreNotConnectedError,
)
from lexigram.nosql.migration import (
    AddField,
    CreateIndex,
    DropCollection,
    MigrationManager,
    MigrationOperation,
    RenameField,
    RunPython,
)
from lexigram.nosql.migration.ledger import Ledger
from lexigram.nosql.running import RunningStore, announce
from lexigram.nosql.store import DocumentStore


@pytest.fixture
async def store() -> AsyncIterator[InMemoryDocumentStore]:
    async with InMemoryDocumentStore() as opened:
        yield opened


class Journal:
    """Operations that write down what they do, and fail when told to."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.failing: BaseException | None = None

    def operation(self, name: str, *, reversible: bool = True) -> RunPython:
        def work(word: str) -> Any:
            async def run(store: Any) -> None:
                self.lines.append(f"{word} {name}")
                if self.failing is not None:
                    raise self.failing

            return run

        return RunPython(work("up"), work("down") if reversible else None, checksum=name)


@pytest.fixture
def journal() -> Journal:
    return Journal()


def versioned(store: Any, journal: Journal, *versions: str, **options: Any) -> MigrationManager:
    manager = MigrationManager(store, **options)
    for version in versions:
        manager.add(version, f"number {version}", journal.operation(version))
    return manager


async def test_both_documented_forms_work(store: InMemoryDocumentStore) -> None:
    """A store with versions, and a name with operations alone."""
    await store.collection("users").insert_one({"_id": 1, "fullname": "Ada"})
    first = MigrationManager(store, migrations_collection="_migrations")
    first.add("001", "Index the mail", CreateIndex("users", [("email", 1)]))
    assert await first.migrate() == ["001"]
    second = MigrationManager("user-schema-v2")
    second.add(RenameField("users", "fullname", "display_name"))
    second.add(AddField("users", "timezone", default="UTC"))
    assert await second.apply(store) == ["user-schema-v2-0001", "user-schema-v2-0002"]
    assert await store.collection("users").find_one() == {"_id": 1, "display_name": "Ada", "timezone": "UTC"}


async def test_versions_run_in_natural_order(store: InMemoryDocumentStore, journal: Journal) -> None:
    """2 comes before 10, however they were added."""
    manager = versioned(store, journal, "10", "2", "1", "v10", "v9")
    assert await manager.migrate() == ["1", "2", "10", "v9", "v10"]
    assert [migration.version for migration in manager.migrations] == ["1", "2", "10", "v9", "v10"]


async def test_applied_migrations_do_not_run_again(store: InMemoryDocumentStore, journal: Journal) -> None:
    """A new manager with one more applies that one."""
    await versioned(store, journal, "1", "2").migrate()
    assert await versioned(store, journal, "1", "2", "3").apply() == ["3"]
    assert journal.lines == ["up 1", "up 2", "up 3"]


async def test_a_target_ends_the_run(store: InMemoryDocumentStore, journal: Journal) -> None:
    """Later versions stay pending; an unknown target is an error with a suggestion."""
    manager = versioned(store, journal, "2026.1", "2026.2", "2026.3")
    assert await manager.apply(target="2026.2") == ["2026.1", "2026.2"]
    assert await manager.pending() == ["2026.3"]
    with pytest.raises(MigrationError, match=r"no version '2026\.33'; did you mean '2026\.3'"):
        await manager.apply(target="2026.33")


async def test_a_dry_run_writes_nothing(store: InMemoryDocumentStore, journal: Journal) -> None:
    """It returns the steps, and there is not even a lock."""
    manager = versioned(store, journal, "1", "2")
    steps = await manager.apply(dry_run=True)
    assert [str(step) for step in steps] == [
        "up 1: number 1: run Journal.operation.<locals>.work.<locals>.run",
        "up 2: number 2: run Journal.operation.<locals>.work.<locals>.run",
    ]
    assert [(step.version, step.description, step.direction, step.resumes) for step in steps] == [
        ("1", "number 1", "up", False),
        ("2", "number 2", "up", False),
    ]
    assert journal.lines == []
    assert await store.list_collections() == []
    await manager.apply()
    assert [step.version for step in await manager.rollback(steps=2, dry_run=True)] == ["2", "1"]
    assert await manager.get_applied_versions() == {"1", "2"}


async def test_nothing_to_do_takes_no_lock(store: InMemoryDocumentStore, journal: Journal) -> None:
    """Many instances that start together do not wait for each other when all is applied."""
    manager = versioned(store, journal, "1")
    await manager.apply()
    seen: list[str] = []

    class Spy:
        def start(self, command: Any) -> Any:
            seen.append(command.operation)
            return lambda error: None

    store.observe(Spy())
    assert await manager.apply() == []
    assert seen == ["find"]


async def test_status_shows_what_is_applied_pending_failed_and_unknown(
    store: InMemoryDocumentStore, journal: Journal
) -> None:
    """One row each, in order, with times and errors."""
    await versioned(store, journal, "1", "9").migrate()
    journal.failing = ValueError("boom")
    manager = versioned(store, journal, "1", "2", "10")
    with pytest.raises(MigrationError):
        await manager.migrate()
    rows = await manager.status()
    assert [(row["version"], row["state"], row["applied"], row["known"], row["error"]) for row in rows] == [
        ("1", "applied", True, True, None),
        ("2", "failed", False, True, "ValueError: boom"),
        ("9", "applied", True, False, None),
        ("10", "pending", False, True, None),
    ]
    assert rows[0]["applied_at"] is not None
    assert rows[0]["duration_ms"] is not None
    assert rows[3]["applied_at"] is None
    assert rows[2]["description"] == "number 9"


async def test_records_say_when_how_long_and_by_whom(store: InMemoryDocumentStore, journal: Journal) -> None:
    """What the ledger keeps of an applied migration."""
    before = datetime.now(UTC)
    await versioned(store, journal, "2", "10").migrate()
    records = await versioned(store, journal).get_applied_migrations()
    assert [record.version for record in records] == ["2", "10"]
    record = records[0]
    assert record.applied_at is not None
    assert record.applied_at.timestamp() >= before.timestamp() - 0.001
    assert record.duration_ms is not None
    assert record.duration_ms >= 0
    assert record.state == "applied"
    assert record.direction == "up"
    document = await store.collection("_migrations").find_one({"_id": "2"})
    assert document is not None
    assert document["checksum"].startswith("sha256:")
    assert ":" in document["runner"]


async def test_a_failing_migration_stops_the_run(store: InMemoryDocumentStore, journal: Journal) -> None:
    """Those before it stay applied, the cause is chained, the lock is free, and the next run resumes with it."""
    await versioned(store, journal, "1").migrate()
    manager = versioned(store, journal, "1", "2", "3")
    journal.failing = cause = RuntimeError("disk full")
    with pytest.raises(MigrationError, match="2: number 2 failed: RuntimeError: disk full") as caught:
        await manager.migrate()
    assert caught.value.__cause__ is cause
    assert caught.value.version == "2"
    assert await manager.get_applied_versions() == {"1"}
    journal.failing = None
    assert [step.resumes for step in await manager.apply(dry_run=True)] == [True, False]
    assert await manager.migrate() == ["2", "3"]
    assert journal.lines == ["up 1", "up 2", "up 2", "up 3"]


async def test_the_message_of_our_own_errors_is_recorded_without_code(
    store: InMemoryDocumentStore, journal: Journal
) -> None:
    """Errors of the store are told by their message."""
    journal.failing = NoSQLConnectionError("the server is gone")
    with pytest.raises(MigrationError, match="the server is gone"):
        await versioned(store, journal, "1").migrate()
    assert (await versioned(store, journal, "1").status())[0]["error"] == "the server is gone"


class Crash(BaseException):
    """Ends a run as the end of the process would: nobody records anything."""


async def test_a_run_that_crashed_in_the_middle_is_resumed(store: InMemoryDocumentStore, journal: Journal) -> None:
    """The record says running; the next run carries the operation out again and notes the interruption."""
    manager = versioned(store, journal, "1", "2")
    journal.failing = Crash()
    with pytest.raises(Crash):
        await manager.apply()
    assert [row["state"] for row in await manager.status()] == ["running", "pending"]
    assert (await manager.history())[-1].state == "running"
    assert await manager.pending() == ["1", "2"]
    journal.failing = None
    assert await manager.apply() == ["1", "2"]
    assert [(run.version, run.state) for run in await manager.history()] == [
        ("1", "interrupted"),
        ("1", "applied"),
        ("2", "applied"),
    ]


async def test_a_crash_between_operation_and_record_is_resumed(
    store: InMemoryDocumentStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The operation took effect and nobody knows; carrying it out again changes nothing."""
    await store.collection("users").insert_many([{"_id": 1, "old": 1}, {"_id": 2}])
    manager = MigrationManager(store).add(RenameField("users", "old", "new")).add(AddField("users", "f", default=0))

    async def never(*arguments: Any) -> None:
        raise NoSQLConnectionError("connection lost")

    with monkeypatch.context() as broken:
        broken.setattr(Ledger, "end", never)
        with pytest.raises(NoSQLConnectionError):
            await manager.apply()
    assert await store.collection("users").find().to_list() == [{"_id": 1, "new": 1}, {"_id": 2}]
    assert [row["state"] for row in await manager.status()] == ["running", "pending"]
    assert await manager.apply() == ["0001", "0002"]
    assert await store.collection("users").find().to_list() == [{"_id": 1, "new": 1, "f": 0}, {"_id": 2, "f": 0}]


async def test_the_migrations_own_error_wins_when_recording_it_fails(
    store: InMemoryDocumentStore, journal: Journal, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """The failure to record is logged."""

    async def never(*arguments: Any) -> None:
        raise NoSQLConnectionError("connection lost")

    monkeypatch.setattr(Ledger, "end", never)
    journal.failing = ValueError("boom")
    with caplog.at_level(logging.ERROR), pytest.raises(MigrationError, match="boom"):
        await versioned(store, journal, "1").apply()
    assert "recording the failed migration failed" in caplog.text


async def test_a_cancelled_migration_is_recorded_and_the_lock_is_free(store: InMemoryDocumentStore) -> None:
    """Cancelling passes; the next run resumes."""
    started = asyncio.Event()
    forever = asyncio.Event()

    async def wait(_: Any) -> None:
        started.set()
        await forever.wait()

    manager = MigrationManager(store).add(RunPython(wait, checksum="1"))
    task = asyncio.create_task(manager.apply())
    await started.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert await store.collection("_migrations").find_one({"_id": "_lock"}) is None
    (row,) = await manager.status()
    assert (row["state"], row["error"]) == ("failed", "cancelled")
    forever.set()
    assert await manager.apply() == ["0001"]


async def test_a_changed_migration_is_found_before_anything_runs(
    store: InMemoryDocumentStore, journal: Journal
) -> None:
    """Applying, rolling back, dry runs and pending() refuse; status() shows which."""
    await MigrationManager(store).add("1", "add", AddField("u", "f", default=1)).migrate()
    manager = MigrationManager(store).add("1", "add", AddField("u", "f", default=2))
    manager.add("2", "more", journal.operation("2"))
    for attempt in (
        lambda: manager.apply(),
        lambda: manager.apply(dry_run=True),
        lambda: manager.rollback(),
        lambda: manager.pending(),
    ):
        with pytest.raises(MigrationChangedError, match="changed since: 1: add") as caught:
            await attempt()
        assert caught.value.version == "1"
    assert journal.lines == []
    assert [(row["version"], row["changed"]) for row in await manager.status()] == [("1", True), ("2", False)]


async def test_a_failed_migration_may_be_repaired(store: InMemoryDocumentStore, journal: Journal) -> None:
    """What was not applied has nothing to be compared with."""
    journal.failing = ValueError("boom")
    with pytest.raises(MigrationError):
        await versioned(store, journal, "1").apply()
    repaired = MigrationManager(store).add("1", "repaired", CreateIndex("users", "email"))
    assert await repaired.apply() == ["1"]
    assert (await repaired.get_applied_migrations())[0].description == "repaired"


async def test_changing_the_order_of_unnumbered_operations_is_noticed(store: InMemoryDocumentStore) -> None:
    """Their versions follow from the order, so the checksums no longer fit."""
    a, b = AddField("u", "a", default=1), AddField("u", "b", default=1)
    await MigrationManager("m").add(a).add(b).apply(store)
    with pytest.raises(MigrationChangedError):
        await MigrationManager("m").add(b).add(a).apply(store)


async def test_rollback_undoes_the_last(store: InMemoryDocumentStore, journal: Journal) -> None:
    """One without arguments, several with steps, all after a target."""
    manager = versioned(store, journal, "1", "2", "3", "10")
    await manager.migrate()
    journal.lines.clear()
    assert await manager.rollback() == ["10"]
    assert await manager.rollback(steps=2) == ["3", "2"]
    assert await manager.apply() == ["2", "3", "10"]
    journal.lines.clear()
    assert await manager.rollback("1") == ["10", "3", "2"]
    assert journal.lines == ["down 10", "down 3", "down 2"]
    assert await manager.get_applied_versions() == {"1"}
    assert await manager.rollback("1") == []
    assert await manager.rollback(steps=5) == ["1"]
    assert await manager.rollback() == []
    assert [row["state"] for row in await manager.status()] == ["pending"] * 4


async def test_rollback_refuses_before_anything_is_undone(store: InMemoryDocumentStore, journal: Journal) -> None:
    """One irreversible migration among several stops all, and says which and why."""
    manager = MigrationManager(store)
    manager.add("1", "one way", DropCollection("old"))
    manager.add("2", "both ways", journal.operation("2"))
    await manager.apply()
    journal.lines.clear()
    with pytest.raises(IrreversibleMigrationError, match="1: one way cannot be rolled back") as caught:
        await manager.rollback(steps=2)
    assert caught.value.version == "1"
    assert journal.lines == []
    assert await manager.rollback() == ["2"]


async def test_rollback_of_a_migration_that_is_not_known_is_refused(
    store: InMemoryDocumentStore, journal: Journal
) -> None:
    """Nothing here knows how to undo it; going back to it is possible."""
    await versioned(store, journal, "1", "2").migrate()
    manager = versioned(store, journal, "1", "3")
    await manager.apply()
    assert await manager.rollback("2") == ["3"]
    with pytest.raises(MigrationError, match="nothing here knows how to undo them: 2"):
        await manager.rollback()


@pytest.mark.parametrize("steps", [0, -1, True, 1.5])
async def test_rollback_takes_a_whole_number_of_steps(
    store: InMemoryDocumentStore, journal: Journal, steps: Any
) -> None:
    """One or more, and not together with a target."""
    manager = versioned(store, journal, "1")
    with pytest.raises(MigrationError, match="1 or more"):
        await manager.rollback(steps=steps)
    with pytest.raises(MigrationError, match="not both"):
        await manager.rollback("1", steps=1)
    with pytest.raises(MigrationError, match="no version '7'"):
        await manager.rollback("7")


async def test_a_failed_step_can_be_rolled_back(store: InMemoryDocumentStore) -> None:
    """What half a migration did is undone by its inverse."""
    users = store.collection("users")
    await users.insert_many([{"_id": 1, "a": 1}, {"_id": 2, "a": 2}])

    async def half(_: Any) -> None:
        await users.update_one({"_id": 1}, {"$rename": {"a": "b"}})
        raise ValueError("boom")

    async def back(_: Any) -> None:
        await users.update_many({}, {"$rename": {"b": "a"}})

    manager = MigrationManager(store).add("1", "half", RunPython(half, back, checksum="1"))
    with pytest.raises(MigrationError):
        await manager.apply()
    assert await manager.rollback() == ["1"]
    assert await users.find().to_list() == [{"_id": 1, "a": 1}, {"_id": 2, "a": 2}]
    assert [(run.direction, run.state) for run in await manager.history()] == [
        ("up", "failed"),
        ("down", "rolled_back"),
    ]


async def test_a_rollback_that_failed_can_go_either_way(store: InMemoryDocumentStore, journal: Journal) -> None:
    """It counts as half done: rolling back tries again, applying repairs it."""
    manager = versioned(store, journal, "1")
    await manager.apply()
    journal.failing = ValueError("boom")
    with pytest.raises(MigrationError, match="failed to roll back"):
        await manager.rollback()
    journal.failing = None
    (row,) = await manager.status()
    assert (row["state"], row["direction"], row["applied"]) == ("failed", "down", False)
    assert [step.resumes for step in await manager.rollback(dry_run=True)] == [True]
    assert await manager.pending() == ["1"]
    assert await manager.rollback() == ["1"]
    assert await manager.pending() == ["1"]


async def test_history_keeps_every_run_in_order(store: InMemoryDocumentStore, journal: Journal) -> None:
    """Up and down, succeeded and failed."""
    manager = versioned(store, journal, "1", "2")
    await manager.apply()
    await manager.rollback()
    journal.failing = ValueError("boom")
    with pytest.raises(MigrationError):
        await manager.apply()
    runs = await manager.history()
    assert [(run.version, run.direction, run.state) for run in runs] == [
        ("1", "up", "applied"),
        ("2", "up", "applied"),
        ("2", "down", "rolled_back"),
        ("2", "up", "failed"),
    ]
    assert runs[-1].error == "ValueError: boom"
    assert runs[0].runner == runs[1].runner != runs[2].runner
    assert all(run.at is not None and run.duration_ms is not None for run in runs)


async def test_managers_with_names_share_a_ledger(store: InMemoryDocumentStore, journal: Journal) -> None:
    """Each sees its own migrations only, even under the same versions."""
    users = versioned(store, journal, "1", name="users")
    orders = versioned(store, journal, "1", "2", name="orders")
    assert await users.apply() == ["1"]
    assert await orders.apply() == ["1", "2"]
    assert [row["version"] for row in await users.status()] == ["1"]
    assert await orders.rollback(steps=9) == ["2", "1"]
    assert await users.get_applied_versions() == {"1"}


async def test_a_ledger_of_an_earlier_release_is_understood(store: InMemoryDocumentStore, journal: Journal) -> None:
    """Version, description and a time as text count as applied; there is no checksum to compare."""
    ledger = store.collection("_migrations")
    await ledger.insert_many(
        [
            {"version": "1", "description": "old", "applied_at": "2024-05-01T10:00:00+00:00"},
            {"version": "2", "description": "older", "applied_at": "once upon a time"},
            {"version": "3", "description": "naive", "applied_at": "2024-05-01T10:00:00"},
            {"note": "no migration"},
        ]
    )
    manager = versioned(store, journal, "1", "2", "3", "4")
    assert await manager.apply() == ["4"]
    assert [record.applied_at for record in await manager.get_applied_migrations()][:3] == [
        datetime(2024, 5, 1, 10, tzinfo=UTC),
        None,
        datetime(2024, 5, 1, 10, tzinfo=UTC),
    ]
    assert [run.version for run in await manager.history()] == ["2", "1", "3", "4"]
    assert await manager.rollback("2") == ["4", "3"]
    assert await ledger.count_documents({"version": "3"}) == 1


@pytest.mark.parametrize("version", ["", " 1", "1\n", "a/b", "_lock", "x" * 201, 7, None])
def test_what_cannot_be_a_version_is_refused(version: Any) -> None:
    """Versions are short printable texts; so are names of managers."""
    with pytest.raises(MigrationError):
        MigrationManager().add(version, "text", AddField("u", "f", default=1))
    if isinstance(version, str):
        with pytest.raises(MigrationError, match="cannot be a version, or the name of a manager"):
            MigrationManager(version)


@pytest.mark.parametrize(("first", "second"), [("1", "1"), ("1", "01"), ("v1.10", "v1.010")])
def test_versions_are_unique(first: str, second: str) -> None:
    """Leading zeros do not make another version."""
    manager = MigrationManager().add(first, "a", AddField("u", "a", default=1))
    with pytest.raises(MigrationError, match="two migrations"):
        manager.add(second, "b", AddField("u", "b", default=1))


def test_misuse_of_add_is_refused() -> None:
    """Mixed forms, missing parts and what is no operation."""
    operation = AddField("u", "a", default=1)
    manager: Any = MigrationManager()
    with pytest.raises(MigrationError, match="takes an operation, not NoneType"):
        manager.add("1", "text")
    with pytest.raises(MigrationError, match="takes an operation, not function"):
        manager.add("1", "text", lambda store: None)
    with pytest.raises(MigrationError, match="takes a description"):
        manager.add("1", None, operation)
    with pytest.raises(MigrationError, match="one operation, or a version"):
        manager.add(operation, "text")
    manager.add(operation)
    with pytest.raises(MigrationError, match="some have none"):
        manager.add("2", "text", operation)
    assert manager.add(operation) is manager
    assert repr(manager) == "<MigrationManager '' with 2 migrations>"


def test_misuse_of_the_constructor_is_refused() -> None:
    """Two names, two stores, a lock that never lives."""
    with pytest.raises(MigrationError, match="given twice"):
        MigrationManager("a", name="b")
    with pytest.raises(MigrationError, match="not both"):
        MigrationManager(InMemoryDocumentStore(), db_name="x")
    with pytest.raises(MigrationError, match="more than 0"):
        MigrationManager(lock_seconds=0)


async def test_migrations_do_not_run_inside_a_transaction(store: InMemoryDocumentStore, journal: Journal) -> None:
    """Nobody else would see the lock; a session alone is fine."""
    manager = versioned(store, journal, "1")
    async with store.transaction():
        with pytest.raises(MigrationError, match="not run inside a transaction"):
            await manager.apply()
    async with store.session():
        assert await manager.apply() == ["1"]


async def test_a_store_that_is_not_connected_says_so(journal: Journal) -> None:
    """As every operation of the store does."""
    with pytest.raises(StoreNotConnectedError):
        await versioned(InMemoryDocumentStore(), journal, "1").apply()


# --- events


async def test_applied_and_rolled_back_migrations_are_announced(store: InMemoryDocumentStore, journal: Journal) -> None:
    """With name, database and direction."""
    bus, events = EventBus(), list[MigrationAppliedEvent]()
    bus.subscribe(MigrationAppliedEvent, events.append)
    manager = versioned(store, journal, "1", events=bus)
    await manager.apply()
    await manager.rollback()
    assert [(event.migration_name, event.database, event.direction) for event in events] == [
        ("1: number 1", "memory", "up"),
        ("1: number 1", "memory", "down"),
    ]


async def test_a_failed_migration_is_announced(store: InMemoryDocumentStore, journal: Journal) -> None:
    """With what went wrong."""
    bus, events = EventBus(), list[MigrationFailedEvent]()
    bus.subscribe(MigrationFailedEvent, events.append)
    journal.failing = ValueError("boom")
    with pytest.raises(MigrationError):
        await versioned(None, journal, "1").bind(store, events=bus).apply()
    (event,) = events
    assert (event.migration_name, event.database, event.error) == ("1: number 1", "memory", "ValueError: boom")


async def test_a_handler_that_fails_does_not_fail_the_migration(
    store: InMemoryDocumentStore, journal: Journal, caplog: pytest.LogCaptureFixture
) -> None:
    """Neither one that returns an error nor a bus that raises."""

    class Refusing(EventBus):
        async def publish(self, event: DomainEvent) -> Any:
            return Err(EventError("nobody listens"))

    class Raising(EventBus):
        async def publish(self, event: DomainEvent) -> Any:
            raise RuntimeError("no bus today")

    with caplog.at_level(logging.WARNING):
        assert await versioned(store, journal, "1", events=Refusing()).apply() == ["1"]
        assert await versioned(store, journal, "1", "2", events=Raising()).apply() == ["2"]
    assert "nobody listens" in caplog.text
    assert "announcing MigrationAppliedEvent failed" in caplog.text


# --- where the store comes from


async def test_without_any_store_the_error_says_what_to_do(journal: Journal) -> None:
    """No argument, no binding, no running application."""
    with pytest.raises(MigrationError, match="no application with document stores runs") as caught:
        await versioned(None, journal, "1").apply()
    assert "MigrationManager(store), bind(store) or apply(store)" in (caught.value.hint or "")


async def test_a_running_applications_primary_store_is_meant(journal: Journal) -> None:
    """And its event bus; other stores by name, or by the database that their section names."""

    class Config(MemoryConfig):
        database: str = "catalogue"

    bus, events = EventBus(), list[MigrationAppliedEvent]()
    bus.subscribe(MigrationAppliedEvent, events.append)
    async with InMemoryDocumentStore(name="main") as main, InMemoryDocumentStore(Config(), name="other") as other:
        withdraw = announce([RunningStore(main, True, bus), RunningStore(other, False, bus)])
        try:
            assert await versioned("m", journal, "1").apply() == ["1"]
            assert await main.list_collections() == ["_migrations"]
            assert await other.list_collections() == []
            assert await versioned(None, journal, "1", db_name="other").apply() == ["1"]
            assert await versioned(None, journal, "1", "2", db_name="catalogue").apply() == ["2"]
            assert await versioned(other, journal, "1", "2", "3").apply() == ["3"]
            with pytest.raises(MigrationError, match="there are: main, other; did you mean 'other'"):
                await versioned(None, journal, "1", db_name="othr").apply()
            again = announce([RunningStore(main, True, None)])
            with pytest.raises(MigrationError, match="2 applications that run here have a primary"):
                await versioned(None, journal, "1").apply()
            again()
        finally:
            withdraw()
            withdraw()
        assert [event.database for event in events] == ["main", "other", "other", "other"]
        with pytest.raises(MigrationError, match="no application"):
            await versioned(None, journal, "1").apply()


def test_stores_of_another_event_loop_are_not_found(journal: Journal) -> None:
    """An application that ended without a shutdown leaves nothing behind."""

    async def left_behind() -> DocumentStore:
        store = InMemoryDocumentStore()
        await store.connect()
        announce([RunningStore(store, True, None)])
        return store

    asyncio.run(left_behind())

    async def look() -> None:
        with pytest.raises(MigrationError, match="no application"):
            await versioned(None, journal, "1").apply()

    asyncio.run(look())


async def test_an_operation_of_ones_own_runs_like_any_other(store: InMemoryDocumentStore) -> None:
    """It only has to extend the base class."""

    class Seed(MigrationOperation):
        def __init__(self, name: str) -> None:
            self.name = name

        async def execute(self, store: Any) -> None:
            await store.collection("seeds").update_one({"_id": self.name}, {"$set": {"on": True}}, upsert=True)

    manager = MigrationManager(store).add("1", "seed", Seed("flags"))
    assert await manager.apply() == ["1"]
    assert await store.collection("seeds").find().to_list() == [{"_id": "flags", "on": True}]

"""Brings a store up to date, and back: ordered, locked, checksummed, and safe to resume.

Both documented ways of writing migrations work::

    manager = MigrationManager(store)
    manager.add("2026.1", "unique e-mail", CreateIndex("users", [("email", 1)], unique=True))
    await manager.migrate()

    manager = MigrationManager("user-schema-v2")        # the application's primary store
    manager.add(CreateIndex("users", [("email", 1)], unique=True))
    manager.add(AddField("users", "timezone", default="UTC"))
    await manager.apply()

In the second, versions are made of the manager's name and the order of the operations, so operations are only ever
added at the end; the checksums notice when one is not.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, Literal, Self, overload

from lexigram.contracts.core.clock import ClockProtocol
from lexigram.contracts.data.nosql.nosql import CollectionProtocol, DocumentStoreProtocol
from lexigram.contracts.domain.events import DomainEvent
from lexigram.contracts.events.protocols import EventBusProtocol
from lexigram.contracts.exceptions.base import LexigramError
from lexigram.nosql.events import MigrationAppliedEvent, MigrationFailedEvent
from lexigram.nosql.exceptions import MigrationError, NoSQLError
from lexigram.nosql.finishing import to_the_end
from lexigram.nosql.migration.ledger import Ledger
from lexigram.nosql.migration.lock import MigrationLock, new_runner
from lexigram.nosql.migration.operations import MigrationOperation
from lexigram.nosql.migration.planning import plan_down, plan_up, status_rows
from lexigram.nosql.migration.records import (
    MIGRATIONS_COLLECTION,
    Migration,
    MigrationHistoryEntry,
    MigrationRecord,
    MigrationState,
    MigrationStatus,
    MigrationStep,
)
from lexigram.nosql.migration.versions import check_version, version_key
from lexigram.nosql.running import find_running, running_store
from lexigram.nosql.session import current_session
from lexigram.nosql.store import DocumentStore

__all__ = ["MIGRATIONS_COLLECTION", "MigrationManager", "MigrationOperation", "MigrationRecord"]

_log = logging.getLogger("lexigram.nosql")

Plan = Callable[[dict[str, MigrationRecord]], list[MigrationStep]]


class MigrationManager:
    """An ordered list of migrations, and what runs them.

    The store is the one given here, bound later, or passed to a call; otherwise it is the primary store of the
    application that runs on this event loop, or the one it calls *db_name*.

    Args:
        store: The store, or the manager's name in its place.
        migrations_collection: Collection that holds ledger and lock.
        name: The manager's name. Managers with different names share a ledger without seeing each other's migrations.
        db_name: The application's name for the store.
        events: Where applied and failed migrations are announced; the bus of the store's application when missing.
        lock_seconds: How long the lock lives without renewal, which is how long a runner that died keeps others out.
        clock: Where the present comes from.

    Raises:
        MigrationError: An argument is not valid.
    """

    def __init__(
        self,
        store: DocumentStoreProtocol | str | None = None,
        *,
        migrations_collection: str = MIGRATIONS_COLLECTION,
        name: str | None = None,
        db_name: str | None = None,
        events: EventBusProtocol | None = None,
        lock_seconds: float = 60.0,
        clock: ClockProtocol | None = None,
    ) -> None:
        if isinstance(store, str):
            if name is not None:
                raise MigrationError("the manager's name is given twice")
            store, name = None, store
        if store is not None and db_name is not None:
            raise MigrationError("give the store or its name, not both")
        if not lock_seconds > 0:
            raise MigrationError(f"lock_seconds is {lock_seconds}, but must be more than 0")
        self.name = "" if name is None else check_version(name)
        self._store = store
        self._db_name = db_name
        self._collection = migrations_collection
        self._events = events
        self._lock_seconds = lock_seconds
        self._now: Callable[[], datetime] = _utc_now if clock is None else clock.now
        self._migrations: list[Migration] = []
        self._numbered = False

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.name!r} with {len(self._migrations)} migrations>"

    @property
    def migrations(self) -> tuple[Migration, ...]:
        """The migrations, in the order in which they are applied."""
        return tuple(sorted(self._migrations, key=lambda migration: version_key(migration.version)))

    @overload
    def add(self, version: MigrationOperation, /) -> Self: ...
    @overload
    def add(self, version: str, description: str, operation: MigrationOperation) -> Self: ...
    def add(
        self,
        version: str | MigrationOperation,
        description: str | None = None,
        operation: MigrationOperation | None = None,
    ) -> Self:
        """Add a migration: an operation, or version, description and operation.

        Args:
            version: Its version, or the operation alone; its version then follows from the order.
            description: A line for people.
            operation: What it does.

        Returns:
            The manager itself.

        Raises:
            MigrationError: The version stands already, or one migration has a version and another has none.
        """
        numbered = isinstance(version, MigrationOperation)
        if self._migrations and numbered is not self._numbered:
            raise MigrationError(
                "some migrations of this manager have versions and some have none, so they have no order",
                hint="Give every migration a version, or none.",
            )
        if isinstance(version, MigrationOperation):
            if description is not None or operation is not None:
                raise MigrationError("add() takes one operation, or a version, a description and an operation")
            operation, description = version, version.describe()
            number = f"{len(self._migrations) + 1:04}"
            version = f"{self.name}-{number}" if self.name else number
        if not isinstance(operation, MigrationOperation):
            raise MigrationError(
                f"a migration takes an operation, not {type(operation).__name__}",
                hint="Wrap a function as RunPython(up, down, checksum='1').",
                version=str(version),
            )
        if description is None:
            raise MigrationError(f"migration {version!r} takes a description")
        key = version_key(check_version(version))
        for other in self._migrations:
            if version_key(other.version) == key:
                raise MigrationError(f"there are two migrations {other.version!r}", version=version)
        self._migrations.append(Migration(version, description, operation, operation.fingerprint()))
        self._numbered = numbered
        return self

    def bind(self, store: DocumentStoreProtocol, *, events: EventBusProtocol | None = None) -> Self:
        """Set the store, and where migrations are announced.

        Args:
            store: The store, for all calls that name none.
            events: The event bus; the one known so far stays when missing.

        Returns:
            The manager itself.
        """
        self._store = store
        self._events = events or self._events
        return self

    @overload
    async def apply(
        self,
        store: DocumentStoreProtocol | None = None,
        *,
        target: str | None = None,
        wait: float = 0.0,
        dry_run: Literal[False] = False,
    ) -> list[str]: ...
    @overload
    async def apply(
        self,
        store: DocumentStoreProtocol | None = None,
        *,
        target: str | None = None,
        wait: float = 0.0,
        dry_run: Literal[True],
    ) -> list[MigrationStep]: ...
    async def apply(
        self,
        store: DocumentStoreProtocol | None = None,
        *,
        target: str | None = None,
        wait: float = 0.0,
        dry_run: bool = False,
    ) -> list[str] | list[MigrationStep]:
        """Apply what is not applied yet, in order.

        Args:
            store: The store; the manager's own when missing.
            target: The last version to apply; None for all.
            wait: Seconds to wait for another runner to finish.
            dry_run: Only say what would be done; nothing is written, not even a lock.

        Returns:
            The versions applied, or the steps of a dry run.

        Raises:
            MigrationChangedError: An applied migration was changed; nothing has been done.
            MigrationLockedError: Another runner is at work.
            MigrationError: A migration failed; those before it stay applied, and its cause is chained.
        """
        _check_target(target)
        return await self._go(store, lambda records: plan_up(self.migrations, records, target), wait, dry_run)

    async def migrate(
        self, store: DocumentStoreProtocol | None = None, *, target: str | None = None, wait: float = 0.0
    ) -> list[str]:
        """The same as :meth:`apply`."""
        return await self.apply(store, target=target, wait=wait)

    @overload
    async def rollback(
        self,
        target: str | None = None,
        *,
        steps: int | None = None,
        store: DocumentStoreProtocol | None = None,
        wait: float = 0.0,
        dry_run: Literal[False] = False,
    ) -> list[str]: ...
    @overload
    async def rollback(
        self,
        target: str | None = None,
        *,
        steps: int | None = None,
        store: DocumentStoreProtocol | None = None,
        wait: float = 0.0,
        dry_run: Literal[True],
    ) -> list[MigrationStep]: ...
    async def rollback(
        self,
        target: str | None = None,
        *,
        steps: int | None = None,
        store: DocumentStoreProtocol | None = None,
        wait: float = 0.0,
        dry_run: bool = False,
    ) -> list[str] | list[MigrationStep]:
        """Undo the last migration, the last *steps*, or all after *target*.

        A migration that failed or was interrupted half-way counts as one to undo.

        Args:
            target: The version to go back to, which stays applied.
            steps: How many migrations to undo; 1 when neither is given.
            store: The store; the manager's own when missing.
            wait: Seconds to wait for another runner to finish.
            dry_run: Only say what would be done.

        Returns:
            The versions undone, the last first, or the steps of a dry run.

        Raises:
            IrreversibleMigrationError: One of them cannot be undone; nothing has been done.
            MigrationChangedError: An applied migration was changed; nothing has been done.
            MigrationLockedError: Another runner is at work.
            MigrationError: Undoing one failed; its cause is chained.
        """
        _check_target(target)
        if target is not None and steps is not None:
            raise MigrationError("give the target or the number of steps, not both")
        count = 1 if steps is None else steps
        return await self._go(store, lambda records: plan_down(self.migrations, records, target, count), wait, dry_run)

    async def pending(self, store: DocumentStoreProtocol | None = None) -> list[str]:
        """The versions that :meth:`apply` would apply, in order.

        Raises:
            MigrationChangedError: An applied migration was changed.
        """
        records = await self._ledger(self._choose(store)[0]).records()
        return [step.version for step in plan_up(self.migrations, records)]

    async def status(self, store: DocumentStoreProtocol | None = None) -> list[MigrationStatus]:
        """One row for each migration that the manager or the ledger knows, in order."""
        return status_rows(self.migrations, await self._ledger(self._choose(store)[0]).records())

    async def history(self, store: DocumentStoreProtocol | None = None) -> list[MigrationHistoryEntry]:
        """The runs, up and down, succeeded and failed, the oldest first."""
        return await self._ledger(self._choose(store)[0]).history()

    async def get_applied_migrations(self, store: DocumentStoreProtocol | None = None) -> list[MigrationRecord]:
        """The records of the migrations that are wholly applied, in order of their versions."""
        records = await self._ledger(self._choose(store)[0]).records()
        applied = [record for record in records.values() if record.applied]
        return sorted(applied, key=lambda record: version_key(record.version))

    async def get_applied_versions(self, store: DocumentStoreProtocol | None = None) -> set[str]:
        """The versions that are wholly applied."""
        return {record.version for record in await self.get_applied_migrations(store)}

    # --- below: how a run goes

    def _choose(self, store: DocumentStoreProtocol | None) -> tuple[DocumentStoreProtocol, EventBusProtocol | None]:
        """The store that is meant, and where to announce."""
        chosen = store or self._store
        if chosen is not None:
            running = find_running(chosen)
        else:
            try:
                running = running_store(self._db_name)
            except NoSQLError as error:
                raise MigrationError(
                    f"no store to migrate: {error.message}",
                    hint="Write MigrationManager(store), bind(store) or apply(store), or call it inside a running "
                    "application.",
                ) from error
            chosen = running.store
        return chosen, self._events or (running.events if running is not None else None)

    def _ledger(self, store: DocumentStoreProtocol) -> Ledger:
        return Ledger(self._records(store), self.name, self._now)

    def _records(self, store: DocumentStoreProtocol) -> CollectionProtocol:
        return store.collection(self._collection)

    async def _go(self, store: DocumentStoreProtocol | None, plan: Plan, wait: float, dry_run: bool) -> list[Any]:
        chosen, events = self._choose(store)
        session = current_session(chosen) if isinstance(chosen, DocumentStore) else None
        if session is not None and session.in_transaction:
            raise MigrationError(
                "migrations do not run inside a transaction: nobody else would see the lock",
                hint="Call this outside of `async with store.transaction()`.",
            )
        ledger = self._ledger(chosen)
        steps = plan(await ledger.records())
        if dry_run or not steps:
            return steps
        runner = new_runner()
        done: list[str] = []
        lock = MigrationLock(self._records(chosen), runner, seconds=self._lock_seconds, wait=wait, now=self._now)
        async with lock:
            # Another runner may have been at work until now.
            for step in plan(await ledger.records()):
                await lock.confirm()
                await self._run(step, chosen, ledger, lock, events, runner)
                done.append(step.version)
        return done

    async def _run(
        self,
        step: MigrationStep,
        store: DocumentStoreProtocol,
        ledger: Ledger,
        lock: MigrationLock,
        events: EventBusProtocol | None,
        runner: str,
    ) -> None:
        database = getattr(store, "name", type(store).__name__)
        await ledger.begin(step, runner)
        start = time.perf_counter()

        async def end(state: MigrationState, error: str | None = None) -> None:
            await ledger.end(step, runner, state, (time.perf_counter() - start) * 1000, error)

        try:
            await step.operation.execute(store)
            await lock.confirm()
        except asyncio.CancelledError:
            if not lock.lost:
                await _try_to(end("failed", "cancelled"))
            raise
        except Exception as error:
            if lock.lost:
                # Whoever has the lock now keeps the record.
                raise
            text = _told(error)
            await _try_to(end("failed", text))
            await _publish(
                events, MigrationFailedEvent(migration_name=step.migration.name, database=database, error=text)
            )
            raise MigrationError(
                f"migration {step.migration.name} failed{'' if step.direction == 'up' else ' to roll back'}: {text}",
                hint="Those before it are done. Repair the cause and run it again; it resumes with this one.",
                version=step.version,
            ) from error
        await to_the_end(end("applied" if step.direction == "up" else "rolled_back"))
        _log.info("migration %s: %s", step.migration.name, step.direction)
        await _publish(
            events,
            MigrationAppliedEvent(migration_name=step.migration.name, database=database, direction=step.direction),
        )


def _utc_now() -> datetime:
    return datetime.now(UTC)


def _told(error: BaseException) -> str:
    """What went wrong, for the ledger and the event."""
    return error.message if isinstance(error, LexigramError) else f"{type(error).__name__}: {error}"


async def _try_to(write: Any) -> None:
    """Write how a run failed; when that fails too, the run's own error says more."""
    try:
        await to_the_end(write)
    except Exception:  # noqa: BLE001 - logged; the migration's own error goes on
        _log.exception("recording the failed migration failed")


async def _publish(events: EventBusProtocol | None, event: DomainEvent) -> None:
    """Announce; a handler that fails does not make the migration fail."""
    if events is None:
        return
    try:
        result = await events.publish(event)
    except Exception:  # noqa: BLE001 - a bus may raise anything, and the migration is done
        _log.exception("announcing %s failed", type(event).__name__)
        return
    if result.is_err():
        _log.warning("announcing %s: %s", type(event).__name__, result.unwrap_err())


def _check_target(target: object) -> None:
    """Refuse a version that is no text; 3 and "0003" would otherwise meet in a comparison."""
    if target is not None and not isinstance(target, str):
        raise MigrationError(
            f"a target is a version as text, not {type(target).__name__}", hint=f'Write it as it was added: "{target}".'
        )

"""What is known of migrations: records of the ledger, entries of the history, rows of the status, steps of a plan."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, TypedDict

from lexigram.nosql.migration.operations import MigrationOperation

__all__ = [
    "MIGRATIONS_COLLECTION",
    "Direction",
    "Migration",
    "MigrationHistoryEntry",
    "MigrationRecord",
    "MigrationState",
    "MigrationStatus",
    "MigrationStep",
]

MIGRATIONS_COLLECTION = "_migrations"
"""The collection that holds the ledger when nothing else is said."""

Direction = Literal["up", "down"]

MigrationState = Literal["applied", "rolled_back", "running", "failed", "interrupted"]
"""``running`` and ``failed`` mean that an operation may be half done; ``interrupted`` stands in the history only."""


@dataclass(frozen=True, slots=True)
class Migration:
    """One migration as the program knows it.

    Attributes:
        version: Its version, unique in its manager.
        description: A line for people.
        operation: What it does.
        checksum: Of the operation; see :meth:`MigrationOperation.checksum`.
    """

    version: str
    description: str
    operation: MigrationOperation
    checksum: str

    @property
    def name(self) -> str:
        """Version and description."""
        return f"{self.version}: {self.description}"


@dataclass(frozen=True, slots=True)
class MigrationRecord:
    """One migration as the ledger knows it.

    Attributes:
        version: Its version.
        description: Its description when it ran.
        applied_at: When its last run began or, once it ended, when it ended; in UTC.
        checksum: Of the operation that ran; None in ledgers that keep none.
        duration_ms: How long the last finished run took, in milliseconds.
        state: How the last run went.
        direction: Which way the last run went.
        error: Why it failed, as text.
        manager: Name of the manager it belongs to; empty for managers without a name.
        id: The ``_id`` of the record.
    """

    version: str
    description: str
    applied_at: datetime | None
    checksum: str | None = None
    duration_ms: float | None = None
    state: MigrationState = "applied"
    direction: Direction = "up"
    error: str | None = None
    manager: str = ""
    id: Any = None

    @property
    def applied(self) -> bool:
        """True when the migration is wholly applied."""
        return self.state == "applied"

    @property
    def partial(self) -> bool:
        """True when a run, either way, began and did not succeed."""
        return self.state in {"running", "failed"}


@dataclass(frozen=True, slots=True)
class MigrationHistoryEntry:
    """One run of a migration.

    Attributes:
        version: The migration.
        description: Its description.
        direction: ``up`` or ``down``.
        state: How the run ended.
        at: When it ended; for ``running`` and ``interrupted``, when it began. In UTC.
        duration_ms: How long it took, in milliseconds; None when it never ended.
        error: Why it failed, as text.
        runner: Who ran it: host, process and a random part.
    """

    version: str
    description: str
    direction: Direction
    state: MigrationState
    at: datetime | None
    duration_ms: float | None = None
    error: str | None = None
    runner: str | None = None


class MigrationStatus(TypedDict):
    """One row of the status.

    Attributes:
        version: The migration.
        description: Its description.
        applied: True when it is wholly applied.
        state: ``pending`` or the state in the ledger.
        direction: Which way the last run went; None when there was none.
        known: False when the ledger has it and the manager does not.
        changed: True when it was applied with another checksum.
        applied_at: When its last run ended, in UTC.
        duration_ms: How long that run took, in milliseconds.
        error: Why it failed, as text.
    """

    version: str
    description: str
    applied: bool
    state: str
    direction: str | None
    known: bool
    changed: bool
    applied_at: datetime | None
    duration_ms: float | None
    error: str | None


@dataclass(frozen=True, slots=True)
class MigrationStep:
    """One migration that a run will carry out.

    Attributes:
        migration: The migration.
        direction: ``up`` to apply it, ``down`` to undo it.
        operation: What will be carried out: the migration's operation or its inverse.
        record: What the ledger says of it, or None.
    """

    migration: Migration
    direction: Direction
    operation: MigrationOperation
    record: MigrationRecord | None = None

    @property
    def version(self) -> str:
        """The migration's version."""
        return self.migration.version

    @property
    def description(self) -> str:
        """The migration's description."""
        return self.migration.description

    @property
    def resumes(self) -> bool:
        """True when an earlier run began it and did not succeed."""
        return self.record is not None and self.record.partial

    def __str__(self) -> str:
        again = " (an earlier run did not finish)" if self.resumes else ""
        return f"{self.direction} {self.migration.name}: {self.operation.describe()}{again}"

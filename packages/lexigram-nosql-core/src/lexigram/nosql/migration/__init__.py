"""Migrations: ordered, idempotent changes of a store that are applied once and can be undone where that is possible.

:class:`MigrationManager` runs them; :mod:`~lexigram.nosql.migration.operations` has what they do;
:mod:`~lexigram.nosql.migration.ledger` and :mod:`~lexigram.nosql.migration.lock` say how a store remembers them and how
two runners keep out of each other's way.
"""

from __future__ import annotations

from lexigram.nosql.migration.manager import MigrationManager
from lexigram.nosql.migration.operations import (
    AddField,
    Compound,
    CreateIndex,
    DropCollection,
    DropIndex,
    MigrationOperation,
    RemoveField,
    RenameField,
    RunPython,
)
from lexigram.nosql.migration.records import (
    MIGRATIONS_COLLECTION,
    Migration,
    MigrationHistoryEntry,
    MigrationRecord,
    MigrationStatus,
    MigrationStep,
)

__all__ = [
    "MIGRATIONS_COLLECTION",
    "AddField",
    "Compound",
    "CreateIndex",
    "DropCollection",
    "DropIndex",
    "Migration",
    "MigrationHistoryEntry",
    "MigrationManager",
    "MigrationOperation",
    "MigrationRecord",
    "MigrationStatus",
    "MigrationStep",
    "RemoveField",
    "RenameField",
    "RunPython",
]

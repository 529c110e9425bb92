"""Decides what a run does. Nothing here touches a store."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from lexigram.nosql.exceptions import IrreversibleMigrationError, MigrationChangedError, MigrationError
from lexigram.nosql.migration.records import Migration, MigrationRecord, MigrationStatus, MigrationStep
from lexigram.nosql.migration.versions import version_key
from lexigram.suggestions import did_you_mean

__all__ = ["plan_down", "plan_up", "refuse_changed", "status_rows"]

Migrations = Sequence[Migration]
Records = Mapping[str, MigrationRecord]


def _changed(migration: Migration, record: MigrationRecord | None) -> bool:
    return record is not None and record.applied and record.checksum not in {None, migration.checksum}


def refuse_changed(migrations: Migrations, records: Records) -> None:
    """Refuse to go on when a migration is not what was applied under its version.

    Raises:
        MigrationChangedError: One was changed since it was applied.
    """
    changed = [migration for migration in migrations if _changed(migration, records.get(migration.version))]
    if changed:
        raise MigrationChangedError(
            f"applied migrations were changed since: {', '.join(migration.name for migration in changed)}",
            hint="Put them back as they were, and make the change in a new migration.",
            version=changed[0].version,
            versions=tuple(migration.version for migration in changed),
        )


def plan_up(migrations: Migrations, records: Records, target: str | None = None) -> list[MigrationStep]:
    """What applying does.

    Args:
        migrations: All that the manager knows, in order.
        records: What the ledger says.
        target: The last version to apply; None for all.

    Returns:
        The steps, in order.

    Raises:
        MigrationChangedError: An applied migration was changed.
        MigrationError: There is no such target.
    """
    refuse_changed(migrations, records)
    if target is not None:
        _check_target(target, [migration.version for migration in migrations])
    end = None if target is None else version_key(target)
    return [
        MigrationStep(migration, "up", migration.operation, record)
        for migration in migrations
        if end is None or version_key(migration.version) <= end
        if (record := records.get(migration.version)) is None or not record.applied
    ]


def plan_down(
    migrations: Migrations, records: Records, target: str | None = None, steps: int = 1
) -> list[MigrationStep]:
    """What rolling back does. A migration that an earlier run left half done counts as applied here.

    Args:
        migrations: All that the manager knows, in order.
        records: What the ledger says.
        target: The version to go back to, which stays; None to count *steps* instead.
        steps: How many migrations to undo, 1 or more.

    Returns:
        The steps, the last migration first.

    Raises:
        MigrationChangedError: An applied migration was changed.
        MigrationError: There is no such target, or a migration to undo is not known here.
        IrreversibleMigrationError: A migration to undo has no inverse; nothing has been undone.
    """
    refuse_changed(migrations, records)
    known = {migration.version: migration for migration in migrations}
    done = sorted(
        (version for version, record in records.items() if record.applied or record.partial),
        key=version_key,
        reverse=True,
    )
    if target is not None:
        _check_target(target, {*known, *records})
        done = [version for version in done if version_key(version) > version_key(target)]
    else:
        if isinstance(steps, bool) or not isinstance(steps, int) or steps < 1:  # pyright: ignore[reportUnnecessaryIsInstance]
            raise MigrationError(f"steps is a number, 1 or more, not {steps!r}")
        done = done[:steps]
    unknown = [version for version in done if version not in known]
    if unknown:
        raise MigrationError(
            f"these migrations were applied, but nothing here knows how to undo them: {', '.join(unknown)}",
            hint="Roll back with the release of the program that applied them.",
            version=unknown[0],
        )
    return [_step_down(known[version], records[version]) for version in done]


def _step_down(migration: Migration, record: MigrationRecord) -> MigrationStep:
    try:
        inverse = migration.operation.inverse()
    except IrreversibleMigrationError as error:
        raise IrreversibleMigrationError(
            f"migration {migration.name} cannot be rolled back: {error.message}",
            hint=error.hint or "Roll back to this version instead, or write a new migration that repairs what it did.",
            version=migration.version,
        ) from error
    return MigrationStep(migration, "down", inverse, record)


def _check_target(target: str, versions: Sequence[str] | set[str]) -> None:
    if target not in versions:
        listed = ", ".join(sorted(versions, key=version_key)) or "none"
        raise MigrationError(
            f"there is no version {target!r}{did_you_mean(target, versions)}", hint=f"There are: {listed}."
        )


def status_rows(migrations: Migrations, records: Records) -> list[MigrationStatus]:
    """One row for each migration that the manager or the ledger knows, in order.

    Args:
        migrations: All that the manager knows.
        records: What the ledger says.
    """
    known = {migration.version: migration for migration in migrations}
    rows: list[MigrationStatus] = []
    for version in sorted({*known, *records}, key=version_key):
        migration, record = known.get(version), records.get(version)
        rolled_back = record is not None and record.state == "rolled_back"
        if migration is None and rolled_back:
            continue
        rows.append(
            MigrationStatus(
                version=version,
                description=migration.description if migration is not None else record.description if record else "",
                applied=record is not None and record.applied,
                state="pending" if record is None or rolled_back else record.state,
                direction=record.direction if record is not None else None,
                known=migration is not None,
                changed=migration is not None and _changed(migration, record),
                applied_at=record.applied_at if record is not None else None,
                duration_ms=record.duration_ms if record is not None else None,
                error=record.error if record is not None else None,
            )
        )
    return rows

"""What ``lexigram nosql migrate`` does: finds the migrations of a program, runs them, and shows how it went."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from datetime import datetime
from importlib import import_module
from typing import Any, cast

from lexigram.cli.output import console, print_json, table
from lexigram.nosql.cli.opening import warn_if_forgetful, with_store
from lexigram.nosql.cli.options import Target
from lexigram.nosql.cli.showing import printable
from lexigram.nosql.exceptions import MigrationError
from lexigram.nosql.migration import MigrationManager, MigrationOperation, MigrationStatus, MigrationStep
from lexigram.nosql.store import DocumentStore
from rich.text import Text

__all__ = ["load_manager", "migrate_down", "migrate_up", "show_history", "show_status"]

_ATTRIBUTES = ("manager", "migrations")
_FORMS = (
    "Give the module `manager = MigrationManager(...)`, or `migrations = [...]` with operations or with tuples "
    "(version, description, operation)."
)


def load_manager(place: str) -> MigrationManager:
    """Import the migrations of a program. The current folder counts as a place to import from.

    Args:
        place: ``myapp.migrations`` for its ``manager`` or ``migrations``, or ``myapp.migrations:name``.

    Returns:
        The manager.

    Raises:
        MigrationError: The module cannot be imported, or holds no migrations.
    """
    name, _, attribute = place.partition(":")
    folder = os.getcwd()
    if folder not in sys.path:
        sys.path.insert(0, folder)
    try:
        module = import_module(name)
    except Exception as error:
        raise MigrationError(
            f"cannot import the migrations from {name!r}: {type(error).__name__}: {error}",
            hint="Run this in the folder of the program, and write the module as in an import: myapp.migrations.",
        ) from error
    for candidate in (attribute,) if attribute else _ATTRIBUTES:
        found = getattr(module, candidate, None)
        if found is not None:
            return _manager_of(found, f"{name}:{candidate}")
    raise MigrationError(f"the module {name!r} has no {attribute or ' and no '.join(_ATTRIBUTES)}", hint=_FORMS)


def _manager_of(found: Any, place: str) -> MigrationManager:
    if isinstance(found, MigrationManager):
        return found
    if not isinstance(found, list | tuple):
        raise MigrationError(f"{place} is a {type(found).__name__}, which holds no migrations", hint=_FORMS)
    manager = MigrationManager()
    for entry in cast("Sequence[Any]", found):
        if isinstance(entry, MigrationOperation):
            manager.add(entry)
        elif isinstance(entry, list | tuple) and len(cast("Sequence[Any]", entry)) == 3:
            manager.add(*cast("tuple[str, str, MigrationOperation]", tuple(cast("Sequence[Any]", entry))))
        else:
            raise MigrationError(f"{place} holds {entry!r}, which is no migration", hint=_FORMS)
    return manager


def migrate_up(target: Target, module: str, to: str | None, *, dry_run: bool, wait: float, as_json: bool) -> None:
    """Apply migrations.

    Args:
        target: The store.
        module: Where the migrations are.
        to: The last version to apply; None for all.
        dry_run: Only show what would be done.
        wait: Seconds to wait for another runner.
        as_json: Show it as JSON.
    """
    manager = load_manager(module)

    async def work(store: DocumentStore) -> list[str] | list[MigrationStep]:
        warn_if_forgetful(store)
        if dry_run:
            return await manager.apply(store, target=to, dry_run=True)
        return await manager.apply(store, target=to, wait=wait)

    _show_run(manager, with_store(target, work), "applied", dry_run=dry_run, as_json=as_json)


def migrate_down(
    target: Target, module: str, to: str | None, steps: int | None, *, dry_run: bool, wait: float, as_json: bool
) -> None:
    """Undo migrations.

    Args:
        target: The store.
        module: Where the migrations are.
        to: The version to go back to; None to count.
        steps: How many to undo; 1 when neither is given.
        dry_run: Only show what would be done.
        wait: Seconds to wait for another runner.
        as_json: Show it as JSON.
    """
    manager = load_manager(module)

    async def work(store: DocumentStore) -> list[str] | list[MigrationStep]:
        if dry_run:
            return await manager.rollback(to, steps=steps, store=store, dry_run=True)
        return await manager.rollback(to, steps=steps, store=store, wait=wait)

    _show_run(manager, with_store(target, work), "undone", dry_run=dry_run, as_json=as_json)


def _show_run(
    manager: MigrationManager, done: list[str] | list[MigrationStep], verb: str, *, dry_run: bool, as_json: bool
) -> None:
    planned = [step for step in done if isinstance(step, MigrationStep)]
    versions = [step for step in done if isinstance(step, str)]
    if as_json:
        print_json({"dry_run": True, "steps": [_as_data(step) for step in planned]} if dry_run else {verb: versions})
        return
    out = console()
    if not done:
        out.print(f"Nothing to do: no migration is to be {verb}.")
    for step in planned:
        out.print(f"would run: {printable(str(step))}", soft_wrap=True)
    names = {migration.version: migration.name for migration in manager.migrations}
    for version in versions:
        line = Text(f"{verb} ", style="green").append(printable(names.get(version, version)), style="default")
        out.print(line, soft_wrap=True)


def _as_data(step: MigrationStep) -> dict[str, Any]:
    return {
        "version": step.version,
        "direction": step.direction,
        "operation": step.operation.describe(),
        "resumes": step.resumes,
    }


def show_status(target: Target, module: str, *, as_json: bool) -> bool:
    """Show which migrations are applied.

    Args:
        target: The store.
        module: Where the migrations are.
        as_json: Show it as JSON.

    Returns:
        True when every migration is applied as it is written, and nothing else is.
    """
    manager = load_manager(module)
    rows = with_store(target, manager.status)
    if as_json:
        print_json(rows)
    else:
        listed = table("Version", "Description", "State", "At", "Took", "Note")
        for row in rows:
            listed.add_row(
                printable(row["version"]),
                printable(row["description"]),
                _state(row["state"]),
                _moment(row["applied_at"]),
                _took(row["duration_ms"]),
                printable(_remark(row)),
            )
        console().print(listed)
    return all(row["applied"] and row["known"] and not row["changed"] for row in rows)


_STYLES = {"applied": "green", "failed": "red", "running": "yellow", "interrupted": "yellow"}


def _state(state: str) -> Text:
    return Text(state.replace("_", " "), style=_STYLES.get(state, "default"))


def _remark(row: MigrationStatus) -> str:
    if not row["known"]:
        return "not among these migrations"
    if row["changed"]:
        return "changed since it was applied"
    half = f"{row['direction']} did not finish" if row["state"] in {"running", "failed"} else ""
    return ": ".join(part for part in (half, row["error"] or "") if part)


def _moment(at: datetime | None) -> str:
    return "" if at is None else f"{at:%Y-%m-%d %H:%M:%S}"


def _took(milliseconds: float | None) -> str:
    return "" if milliseconds is None else f"{milliseconds:,.0f} ms"


def show_history(target: Target, module: str, *, as_json: bool) -> None:
    """Show the runs so far.

    Args:
        target: The store.
        module: Where the migrations are.
        as_json: Show it as JSON.
    """
    manager = load_manager(module)
    runs = with_store(target, manager.history)
    if as_json:
        print_json(
            [
                {
                    "version": run.version,
                    "description": run.description,
                    "direction": run.direction,
                    "state": run.state,
                    "at": run.at,
                    "duration_ms": run.duration_ms,
                    "error": run.error,
                    "runner": run.runner,
                }
                for run in runs
            ]
        )
        return
    listed = table("At (UTC)", "Version", "Description", "Way", "State", "Took", "Error")
    for run in runs:
        listed.add_row(
            _moment(run.at),
            printable(run.version),
            printable(run.description),
            run.direction,
            _state(run.state),
            _took(run.duration_ms),
            printable(run.error or ""),
        )
    console().print(listed)

"""What has been applied, kept in the store itself.

One document for each migration: its state now, and its last runs. The state ``running`` is written before an operation
and the outcome after it, so whoever comes after a crash sees what may be half done; operations are idempotent, so doing
it again is right.

Documents without a state, as earlier releases wrote them (version, description, applied_at as text), count as applied.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, cast

from lexigram.contracts.data.nosql.nosql import CollectionProtocol
from lexigram.nosql.migration.records import (
    Direction,
    MigrationHistoryEntry,
    MigrationRecord,
    MigrationState,
    MigrationStep,
)
from lexigram.nosql.migration.versions import LOCK_ID

__all__ = ["Ledger"]

_RUNS_KEPT = 100
_LONG_AGO = datetime.min.replace(tzinfo=UTC)


class Ledger:
    """The records of one manager.

    Args:
        collection: Where they are kept.
        manager: Name of the manager; empty for one without a name. Managers see only their own records.
        now: Gives the time, aware.
    """

    def __init__(self, collection: CollectionProtocol, manager: str, now: Callable[[], datetime]) -> None:
        self._collection = collection
        self._manager = manager
        self._now = now
        self._number = 0

    async def records(self) -> dict[str, MigrationRecord]:
        """The records by version, in no particular order."""
        return {record.version: record for record in map(_record, await self._documents())}

    async def history(self) -> list[MigrationHistoryEntry]:
        """The last runs of every migration, the oldest first; runs that have not ended come last."""
        entries: list[tuple[tuple[bool, int, datetime], MigrationHistoryEntry]] = []
        for document in await self._documents():
            record = _record(document)
            runs = list(document.get("history", ()))
            if not runs or record.state == "running":
                now = {"direction": record.direction, "state": record.state, "at": record.applied_at}
                runs.append({**now, "runner": document.get("runner")})
            for run in runs:
                entry = _entry(record, run)
                # Clocks are too coarse, and differ between runners; the numbers do not.
                place = (entry.state == "running", run.get("number", 0), entry.at or _LONG_AGO)
                entries.append((place, entry))
        return [entry for _, entry in sorted(entries, key=lambda pair: pair[0])]

    async def begin(self, step: MigrationStep, runner: str) -> None:
        """Write that a step runs.

        Args:
            step: The step.
            runner: Who runs it.
        """
        update: dict[str, Any] = {
            "$set": {
                "version": step.version,
                "description": step.description,
                "checksum": step.migration.checksum,
                "manager": self._manager,
                "state": "running",
                "direction": step.direction,
                "applied_at": self._now(),
                "runner": runner,
            },
            "$unset": {"error": "", "duration_ms": ""},
        }
        old = step.record
        if old is not None and old.state == "running":
            update["$push"] = self._run(old.direction, "interrupted", old.applied_at, None, None, None)
        await self._collection.update_one({"_id": self._id(step)}, update, upsert=True)

    async def end(
        self, step: MigrationStep, runner: str, state: MigrationState, duration_ms: float, error: str | None = None
    ) -> None:
        """Write how a step ended.

        Args:
            step: The step.
            runner: Who ran it.
            state: How it ended.
            duration_ms: How long it took, in milliseconds.
            error: Why it failed, as text.
        """
        at = self._now()
        ended: dict[str, Any] = {"state": state, "applied_at": at, "duration_ms": duration_ms}
        if error is not None:
            ended["error"] = error
        run = self._run(step.direction, state, at, duration_ms, error, runner)
        await self._collection.update_one({"_id": self._id(step)}, {"$set": ended, "$push": run})

    async def _documents(self) -> list[dict[str, Any]]:
        # The whole collection is small, and a request without a filter is no scan that an index could spare.
        documents = await self._collection.find().to_list()
        numbers = [run.get("number", 0) for document in documents for run in document.get("history", ())]
        self._number = max([self._number, *numbers])
        return [
            document
            for document in documents
            if document.get("_id") != LOCK_ID and "version" in document and document.get("manager", "") == self._manager
        ]

    def _id(self, step: MigrationStep) -> Any:
        if step.record is not None:
            return step.record.id
        return f"{self._manager}/{step.version}" if self._manager else step.version

    def _run(
        self,
        direction: Direction,
        state: MigrationState,
        at: datetime | None,
        duration_ms: float | None,
        error: str | None,
        runner: str | None,
    ) -> dict[str, Any]:
        self._number += 1
        run = {
            "number": self._number,
            "direction": direction,
            "state": state,
            "at": at,
            "duration_ms": duration_ms,
            "error": error,
            "runner": runner,
        }
        return {"history": {"$each": [run], "$slice": -_RUNS_KEPT}}


def _record(document: Mapping[str, Any]) -> MigrationRecord:
    return MigrationRecord(
        version=str(document["version"]),
        description=str(document.get("description", "")),
        applied_at=_moment(document.get("applied_at")),
        checksum=document.get("checksum"),
        duration_ms=document.get("duration_ms"),
        state=cast("MigrationState", document.get("state", "applied")),
        direction=cast("Direction", document.get("direction", "up")),
        error=document.get("error"),
        manager=document.get("manager", ""),
        id=document["_id"],
    )


def _entry(record: MigrationRecord, run: Mapping[str, Any]) -> MigrationHistoryEntry:
    return MigrationHistoryEntry(
        version=record.version,
        description=record.description,
        direction=run["direction"],
        state=run["state"],
        at=_moment(run["at"]),
        duration_ms=run.get("duration_ms"),
        error=run.get("error"),
        runner=run.get("runner"),
    )


def _moment(value: Any) -> datetime | None:
    """A moment as the ledger has it: a date, or text in ISO 8601 from earlier releases."""
    if isinstance(value, str):
        try:
            value = datetime.fromisoformat(value)
        except ValueError:
            return None
    if not isinstance(value, datetime):
        return None
    return value if value.tzinfo is not None else value.replace(tzinfo=UTC)

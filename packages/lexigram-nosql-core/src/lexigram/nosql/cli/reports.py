"""What import and export tell when they have finished."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

__all__ = ["ExportReport", "ImportCounts", "ImportMode", "ImportReport"]


class ImportMode(StrEnum):
    """What an import does with a document whose ``_id`` exists."""

    INSERT = "insert"
    UPSERT = "upsert"
    SKIP = "skip"


@dataclass(slots=True)
class ImportCounts:
    """How many lines went which way.

    Attributes:
        inserted: Documents inserted.
        replaced: Documents that took the place of one with the same ``_id``.
        skipped: Documents left out since their ``_id`` exists.
        rejected: Lines that could not be loaded.
        blank: Lines without anything on them.
    """

    inserted: int = 0
    replaced: int = 0
    skipped: int = 0
    rejected: int = 0
    blank: int = 0

    @property
    def written(self) -> int:
        """Documents that are in the collection because of the import."""
        return self.inserted + self.replaced


@dataclass(frozen=True, slots=True)
class ImportReport:
    """What an import did, over all its resumptions.

    Attributes:
        collection: The collection.
        lines: Lines read.
        counts: Which way they went.
        seconds: How long this run took.
        rejects: The file with the bad lines; None when there are none.
    """

    collection: str
    lines: int
    counts: ImportCounts
    seconds: float
    rejects: Path | None = None

    @property
    def rejected(self) -> int:
        """Lines that could not be loaded."""
        return self.counts.rejected

    def to_dict(self) -> dict[str, Any]:
        """The report as plain data."""
        return {
            "collection": self.collection,
            "lines": self.lines,
            "inserted": self.counts.inserted,
            "replaced": self.counts.replaced,
            "skipped": self.counts.skipped,
            "rejected": self.counts.rejected,
            "blank": self.counts.blank,
            "seconds": round(self.seconds, 3),
            "rejects": None if self.rejects is None else str(self.rejects),
        }

    def __str__(self) -> str:
        counts = self.counts
        told = [f"{counts.inserted:,} inserted"]
        told += [f"{counts.replaced:,} replaced"] if counts.replaced else []
        told += [f"{counts.skipped:,} skipped"] if counts.skipped else []
        told += [f"{counts.rejected:,} rejected"] if counts.rejected else []
        where = f"\nThe bad lines are in {self.rejects}, each with what is wrong with it." if self.rejects else ""
        word = "line" if self.lines == 1 else "lines"
        return f"{self.collection}: {self.lines:,} {word} in {self.seconds:.1f} s: {', '.join(told)}.{where}"


@dataclass(frozen=True, slots=True)
class ExportReport:
    """What an export did.

    Attributes:
        collection: The collection.
        documents: Documents written.
        seconds: How long it took.
        file: Where they are; None for standard output.
    """

    collection: str
    documents: int
    seconds: float
    file: Path | None = None

    def to_dict(self) -> dict[str, Any]:
        """The report as plain data."""
        return {
            "collection": self.collection,
            "documents": self.documents,
            "seconds": round(self.seconds, 3),
            "file": None if self.file is None else str(self.file),
        }

    def __str__(self) -> str:
        where = "" if self.file is None else f" to {self.file}"
        word = "document" if self.documents == 1 else "documents"
        return f"{self.collection}: {self.documents:,} {word}{where} in {self.seconds:.1f} s."

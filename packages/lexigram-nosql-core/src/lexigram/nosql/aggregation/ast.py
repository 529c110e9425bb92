"""A pipeline as data: the stages as written, and the part at its start that a backend may take over."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from lexigram.nosql.query.parse import Query
from lexigram.nosql.query.sort import Sort

__all__ = ["Leading", "StageSpec"]


@dataclass(frozen=True, slots=True)
class StageSpec:
    """One stage as written.

    Attributes:
        name: Such as ``$match``.
        specification: What stands beside the name.
    """

    name: str
    specification: Any

    def to_document(self) -> dict[str, Any]:
        """The stage in MongoDB's form."""
        return {self.name: self.specification}


@dataclass(frozen=True, slots=True)
class Leading:
    """What a pipeline asks of its collection before anything else: a read, in the order filter, sort, skip, limit.

    Attributes:
        query: The filter; empty when there is none.
        sort: The order, or None.
        skip: Documents to leave out at the start.
        limit: Most documents to read; 0 for all, None for none at all.
        fields: Top-level fields that the rest of the pipeline reads; None for whole documents.
        stages: How many of the optimised stages it stands for.
    """

    query: Query
    sort: Sort | None = None
    skip: int = 0
    limit: int | None = 0
    fields: frozenset[str] | None = None
    stages: int = 0

"""The rows of the table of capabilities, and how a cell is told from what the kit observed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

__all__ = ["FEATURES", "Feature"]


@dataclass(frozen=True, slots=True)
class Feature:
    """One row.

    Attributes:
        name: What tests call it; for a capability, its field.
        title: What people read.
        kind: ``work`` is done natively or by the engine, ``capability`` is offered or not, ``limit`` is a number that
            the spec declares and the kit has tried.
        unit: Of a limit.
    """

    name: str
    title: str
    kind: Literal["work", "capability", "limit"]
    unit: str = ""

    def shown(self, seen: Mapping[str, int], capabilities: Mapping[str, Any]) -> str:
        """The cell for one backend.

        Args:
            seen: How often it was ``native``, ``engine`` or ``refused``.
            capabilities: What the spec declares, for limits.

        Returns:
            A few words; ``not observed`` where no test has shown it.
        """
        native, engine, refused = (seen.get(way, 0) for way in ("native", "engine", "refused"))
        if not native + engine + refused:
            return "not observed"
        if refused:
            return "not offered"
        if self.kind == "limit":
            limit = capabilities.get(self.name)
            return "none" if limit is None else f"{limit:,} {self.unit}".strip()
        if self.kind == "capability":
            # Tests of what is offered pass either way; those that look at a plan tell who does it.
            return "by the engine" if engine else "native"
        if not engine:
            return "native"
        return f"native for {native} of {native + engine}" if native else "by the engine"


FEATURES: tuple[Feature, ...] = (
    Feature("keys", "Look-up by `_id`", "work"),
    Feature("filters", "Filters", "work"),
    Feature("sorting", "Sort", "work"),
    Feature("paging", "Skip and limit", "work"),
    Feature("projection", "Projection", "work"),
    Feature("find_one", "Reading one document", "work"),
    Feature("count", "Counting", "work"),
    Feature("distinct", "Distinct values", "work"),
    Feature("update", "Updates", "work"),
    Feature("delete", "Deletes by filter", "work"),
    Feature("bulk", "Bulk writes", "work"),
    Feature("aggregation", "Pipelines", "work"),
    Feature("transactions", "Transactions", "capability"),
    Feature("change_streams", "Change feed", "capability"),
    Feature("indexes", "Indexes", "capability"),
    Feature("unique_indexes", "Unique indexes", "capability"),
    Feature("sparse_indexes", "Sparse indexes", "capability"),
    Feature("partial_indexes", "Partial indexes", "capability"),
    Feature("ttl_indexes", "Expiring documents", "capability"),
    Feature("text_search", "Text search", "capability"),
    Feature("collations", "Indexes with a collation", "capability"),
    Feature("wildcard_indexes", "Wildcard indexes", "capability"),
    Feature("max_document_bytes", "Largest document", "limit", "bytes"),
    Feature("max_nesting", "Deepest nesting", "limit", "levels"),
    Feature("max_transaction_writes", "Most writes of a transaction", "limit", "documents"),
)
"""All rows, in order."""

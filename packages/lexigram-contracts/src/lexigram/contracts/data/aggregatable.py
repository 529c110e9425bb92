"""Rows that can be summed up."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol, runtime_checkable

__all__ = ["AggregatableProtocol"]


@runtime_checkable
class AggregatableProtocol(Protocol):
    """A data source with aggregation."""

    async def aggregate(
        self, group_by: Sequence[str], aggregations: Mapping[str, str], filters: Mapping[str, Any] | None = None
    ) -> Sequence[Mapping[str, Any]]:
        """One row per group; *aggregations* names a function for each field, such as ``{"price": "avg"}``."""
        ...

"""Rows that can be changed many at a time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol, runtime_checkable

__all__ = ["BulkOperationsProtocol"]


@runtime_checkable
class BulkOperationsProtocol(Protocol):
    """A data source with bulk operations."""

    async def bulk_create(self, records: Sequence[Mapping[str, Any]]) -> Sequence[Any]:
        """Make rows, and return their keys, in order."""
        ...

    async def bulk_update(self, updates: Sequence[Mapping[str, Any]], filters: Mapping[str, Any] | None = None) -> int:
        """Change rows, and return how many changed."""
        ...

    async def bulk_delete(self, filters: Mapping[str, Any]) -> int:
        """Remove the rows that meet *filters*, and return how many there were."""
        ...

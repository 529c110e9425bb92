"""Rows of one kind, as an administrator's pages read and change them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol, runtime_checkable

__all__ = ["DataSourceProtocol"]


@runtime_checkable
class DataSourceProtocol(Protocol):
    """Rows that can be listed, read, made, changed and removed."""

    async def list(
        self,
        *,
        filters: Mapping[str, Any] | None = None,
        sort: Sequence[tuple[str, int]] | None = None,
        skip: int = 0,
        limit: int = 100,
    ) -> Sequence[Mapping[str, Any]]:
        """Rows whose fields equal *filters*, at most *limit* of them after the first *skip*."""
        ...

    async def count(self, filters: Mapping[str, Any] | None = None) -> int:
        """How many rows have fields that equal *filters*."""
        ...

    async def get(self, key: Any) -> Mapping[str, Any] | None:
        """The row with this key, or None."""
        ...

    async def create(self, data: Mapping[str, Any]) -> Mapping[str, Any]:
        """Make a row, and return it as stored."""
        ...

    async def update(self, key: Any, data: Mapping[str, Any]) -> Mapping[str, Any] | None:
        """Change fields of a row, and return it as stored; None when there is none."""
        ...

    async def delete(self, key: Any) -> bool:
        """Remove a row; True when there was one."""
        ...

"""Rows that can be searched by words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol, runtime_checkable

__all__ = ["SearchableProtocol"]


@runtime_checkable
class SearchableProtocol(Protocol):
    """A data source with a search."""

    async def search(
        self, query: str, fields: Sequence[str] | None = None, filters: Mapping[str, Any] | None = None
    ) -> Any:
        """The rows whose *fields* (all, when none are named) hold the words of *query*, and meet *filters*."""
        ...

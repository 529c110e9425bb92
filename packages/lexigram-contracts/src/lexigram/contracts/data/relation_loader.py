"""Rows together with those they refer to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol, runtime_checkable

__all__ = ["RelationLoaderProtocol"]


@runtime_checkable
class RelationLoaderProtocol(Protocol):
    """A data source that knows its relations."""

    async def load_relations(
        self, records: Sequence[Mapping[str, Any]], relations: Sequence[str]
    ) -> Sequence[Mapping[str, Any]]:
        """The same rows, with what they refer to put in."""
        ...

    async def get_relation_options(
        self, relation_name: str, filters: Mapping[str, Any] | None = None
    ) -> Sequence[Mapping[str, Any]]:
        """The rows that may be referred to."""
        ...

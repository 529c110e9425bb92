"""Write operations for ``bulk_write``, the same on every backend."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

__all__ = ["DeleteMany", "DeleteOne", "InsertOne", "ReplaceOne", "UpdateMany", "UpdateOne", "WriteOperation"]


@dataclass(frozen=True, slots=True)
class InsertOne:
    """Insert *document*; an ``_id`` is made when missing."""

    document: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class UpdateOne:
    """Update the first document that matches *filter*; *sort* says which that is."""

    filter: Any
    update: Any
    upsert: bool = False
    array_filters: Sequence[Mapping[str, Any]] | None = None
    collation: Mapping[str, Any] | None = None
    hint: Any = None
    sort: Any = None


@dataclass(frozen=True, slots=True)
class UpdateMany:
    """Update every document that matches *filter*."""

    filter: Any
    update: Any
    upsert: bool = False
    array_filters: Sequence[Mapping[str, Any]] | None = None
    collation: Mapping[str, Any] | None = None
    hint: Any = None


@dataclass(frozen=True, slots=True)
class ReplaceOne:
    """Replace the first document that matches *filter*, keeping its ``_id``; *sort* says which that is."""

    filter: Any
    replacement: Mapping[str, Any]
    upsert: bool = False
    collation: Mapping[str, Any] | None = None
    hint: Any = None
    sort: Any = None


@dataclass(frozen=True, slots=True)
class DeleteOne:
    """Delete the first document that matches *filter*."""

    filter: Any
    collation: Mapping[str, Any] | None = None
    hint: Any = None


@dataclass(frozen=True, slots=True)
class DeleteMany:
    """Delete every document that matches *filter*."""

    filter: Any
    collation: Mapping[str, Any] | None = None
    hint: Any = None


WriteOperation = InsertOne | UpdateOne | UpdateMany | ReplaceOne | DeleteOne | DeleteMany

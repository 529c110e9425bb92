"""Repositories of documents."""

from __future__ import annotations

import builtins
from collections.abc import Iterable
from typing import Any, Protocol, TypeVar, runtime_checkable

from lexigram.contracts.data.types import FilterExpression
from lexigram.contracts.domain.pagination import CursorPage, Page
from lexigram.contracts.domain.specification import SpecificationProtocol

__all__ = ["DocumentRepositoryProtocol"]

T = TypeVar("T")


@runtime_checkable
class DocumentRepositoryProtocol(Protocol[T]):
    """Objects of one kind, stored as documents of one collection.

    Where a method takes *filter*, it is MongoDB's language, whatever the backend; where it takes *spec*, it is a filter
    expression of ``lexigram.contracts.data.protocols`` or another specification. *filters* as keywords are equalities.
    """

    async def get(self, document_id: Any) -> T | None:
        """The object with this id, or None."""
        ...

    async def list(self, skip: int = 0, limit: int = 100, *, sort: Any = None, **filters: Any) -> builtins.list[T]:
        """Objects whose fields equal *filters*, at most *limit* of them after the first *skip*, in the order *sort*."""
        ...

    async def find_by_filter(self, filter: Any) -> builtins.list[T]:
        """The objects that match."""
        ...

    async def find_by_spec(self, spec: FilterExpression | SpecificationProtocol[Any]) -> builtins.list[T]:
        """The objects that satisfy *spec*."""
        ...

    async def find_one(self, filter: Any = None, *, sort: Any = None) -> T | None:
        """The first object that matches, or None."""
        ...

    async def exists(self, filter: Any = None) -> bool:
        """True when at least one object matches."""
        ...

    async def count(self, **filters: Any) -> int:
        """How many objects have fields that equal *filters*."""
        ...

    async def paginate(self, page: int = 1, size: int = 20, *, filter: Any = None, sort: Any = None) -> Page[T]:
        """One page by number, from 1, with the count of all objects that match."""
        ...

    async def find_page(
        self, token: str | None = None, size: int = 20, *, filter: Any = None, sort: Any = None
    ) -> CursorPage[T]:
        """One page by keyset: pass the ``next_cursor`` of the page before, and its filter and order, to go on."""
        ...

    async def save(self, entity: T) -> T:
        """Store an object, new or known, and return it as stored, id included."""
        ...

    async def delete(self, document_id: Any) -> bool:
        """Remove the object with this id; True when there was one."""
        ...

    async def save_many(self, entities: Iterable[T]) -> builtins.list[T]:
        """Store objects, new or known, and return them as stored, in order."""
        ...

    async def delete_many(self, document_ids: Iterable[Any]) -> int:
        """Remove the objects with these ids, and return how many there were."""
        ...

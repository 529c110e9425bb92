"""Repositories: stored objects as if they were a collection in memory."""

from __future__ import annotations

import builtins
from collections.abc import Iterable
from typing import Any, Protocol, TypeVar, runtime_checkable

from lexigram.contracts.domain.specification import SpecificationProtocol

__all__ = ["ReadOnlyRepositoryProtocol", "RepositoryProtocol"]

T = TypeVar("T")


@runtime_checkable
class ReadOnlyRepositoryProtocol(Protocol[T]):
    """A repository that is read."""

    async def get(self, key: Any, /) -> T | None:
        """The object with this key, or None."""
        ...

    async def list(self, skip: int = 0, limit: int = 100, **filters: Any) -> builtins.list[T]:
        """Objects whose fields equal *filters*, at most *limit* of them after the first *skip*."""
        ...

    async def find_by_spec(self, spec: SpecificationProtocol[Any]) -> builtins.list[T]:
        """The objects that satisfy *spec*, a filter expression or another specification that the store understands."""
        ...

    async def count(self, **filters: Any) -> int:
        """How many objects have fields that equal *filters*."""
        ...


@runtime_checkable
class RepositoryProtocol(ReadOnlyRepositoryProtocol[T], Protocol[T]):
    """A repository that is read and written."""

    async def save(self, entity: T) -> T:
        """Store an object, new or known, and return it as stored."""
        ...

    async def delete(self, key: Any, /) -> bool:
        """Remove the object with this key; True when there was one."""
        ...

    async def save_many(self, entities: Iterable[T]) -> builtins.list[T]:
        """Store objects, new or known, and return them as stored, in order."""
        ...

    async def delete_many(self, keys: Iterable[Any]) -> int:
        """Remove the objects with these keys, and return how many there were."""
        ...

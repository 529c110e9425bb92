"""Locks kept in a store that several processes share."""

from __future__ import annotations

from typing import Protocol, runtime_checkable

__all__ = ["LockStoreProtocol"]


@runtime_checkable
class LockStoreProtocol(Protocol):
    """Named locks with an owner and an end, so that a crashed owner does not hold one for ever."""

    async def acquire(self, lock_name: str, owner: str, ttl: int) -> bool:
        """Take the lock for *ttl* seconds; False when another owner holds it. The same owner may take it again."""
        ...

    async def release(self, lock_name: str, owner: str) -> bool:
        """Give the lock back; False when *owner* does not hold it."""
        ...

    async def extend(self, lock_name: str, owner: str, ttl: int) -> bool:
        """Hold the lock for *ttl* seconds from now; False when *owner* does not hold it any more."""
        ...

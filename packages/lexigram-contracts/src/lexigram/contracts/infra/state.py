"""A key-value store for the application's own state."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol, runtime_checkable

__all__ = ["StateStoreProtocol"]


@runtime_checkable
class StateStoreProtocol(Protocol):
    """Values by key, with an end where one is set. Values are what JSON can hold."""

    async def get(self, key: str) -> Any | None:
        """The value, or None when there is none or its time is over."""
        ...

    async def set(self, key: str, value: Any, ttl: int | None = None) -> None:
        """Keep a value for *ttl* seconds, or for good."""
        ...

    async def delete(self, key: str) -> bool:
        """Forget a value; True when there was one."""
        ...

    async def exists(self, key: str) -> bool:
        """True when there is a value."""
        ...

    async def expire(self, key: str, ttl: int) -> bool:
        """Let a value end in *ttl* seconds; False when there is none."""
        ...

    async def ttl(self, key: str) -> int:
        """Seconds left; -1 when the value has no end, -2 when there is none."""
        ...

    async def get_many(self, keys: Sequence[str]) -> dict[str, Any]:
        """The values of those keys that have one."""
        ...

    async def set_many(self, items: Mapping[str, Any], ttl: int | None = None) -> None:
        """Keep several values, each for *ttl* seconds, or for good."""
        ...

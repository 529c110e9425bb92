"""The outbox of a unit of work."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol, runtime_checkable

__all__ = ["OutboxStoreProtocol"]


@runtime_checkable
class OutboxStoreProtocol(Protocol):
    """Stores events in the transaction that changes the data, until a relay has delivered them."""

    async def append_batch(self, events: Sequence[Any]) -> None:
        """Store events, in order, in the transaction that is open."""
        ...

    async def fetch_pending(self, limit: int = 100) -> list[dict[str, Any]]:
        """Events not yet delivered, oldest first, as rows."""
        ...

    async def mark_delivered(self, event_id: str) -> None:
        """The event has been delivered."""
        ...

    async def mark_failed(self, event_id: str, error: str) -> None:
        """Delivering failed."""
        ...

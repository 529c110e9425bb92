"""The outbox: events stored with the data they tell of, and published afterwards, at least once."""

from __future__ import annotations

from enum import StrEnum
from typing import Any, Protocol, runtime_checkable

__all__ = ["OutboxBackendProtocol", "OutboxEntryProtocol", "OutboxRelayProtocol", "OutboxStatus"]


class OutboxStatus(StrEnum):
    """How far an entry has come."""

    PENDING = "pending"
    PUBLISHED = "published"
    FAILED = "failed"


@runtime_checkable
class OutboxEntryProtocol(Protocol):
    """A stored event."""

    @property
    def entry_id(self) -> str:
        """Identifies the entry."""
        ...

    @property
    def event(self) -> Any:
        """What is to be published."""
        ...

    @property
    def status(self) -> OutboxStatus:
        """How far it has come."""
        ...

    @property
    def error(self) -> str | None:
        """Why the last attempt failed."""
        ...


@runtime_checkable
class OutboxBackendProtocol(Protocol):
    """Stores events until they are published."""

    async def store_event(self, event: Any) -> OutboxEntryProtocol:
        """Store an event, in the transaction that is open."""
        ...

    async def get_pending(self, *, limit: int = 100) -> list[OutboxEntryProtocol]:
        """Entries not yet published, oldest first."""
        ...

    async def mark_published(self, entry_id: str) -> None:
        """The event has been published."""
        ...

    async def mark_failed(self, entry_id: str, error: str) -> None:
        """Publishing failed."""
        ...


@runtime_checkable
class OutboxRelayProtocol(Protocol):
    """Publishes what the outbox holds."""

    async def process_pending(self) -> tuple[int, int]:
        """Publish what is pending, and return how many entries were published and how many failed."""
        ...

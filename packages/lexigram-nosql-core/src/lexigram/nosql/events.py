"""What document stores announce on the event bus."""

from __future__ import annotations

from dataclasses import dataclass

from lexigram.contracts.domain.events import DomainEvent

__all__ = ["MigrationAppliedEvent", "MigrationFailedEvent", "NoSQLConnectedEvent", "NoSQLDisconnectedEvent"]


@dataclass(frozen=True, kw_only=True)
class NoSQLConnectedEvent(DomainEvent):
    """A store connected.

    Attributes:
        database: Name of the store in the configuration.
        host: Name of its backend; never an address with credentials.
    """

    database: str
    host: str


@dataclass(frozen=True, kw_only=True)
class NoSQLDisconnectedEvent(DomainEvent):
    """A store closed its connection.

    Attributes:
        database: Name of the store in the configuration.
    """

    database: str


@dataclass(frozen=True, kw_only=True)
class MigrationAppliedEvent(DomainEvent):
    """A migration was applied, or rolled back.

    Attributes:
        migration_name: Its version and description.
        database: Name of the store.
        direction: ``up`` or ``down``.
    """

    migration_name: str
    database: str
    direction: str = "up"


@dataclass(frozen=True, kw_only=True)
class MigrationFailedEvent(DomainEvent):
    """A migration failed.

    Attributes:
        migration_name: Its version and description.
        database: Name of the store.
        error: What went wrong, as text.
    """

    migration_name: str
    database: str
    error: str

"""What document stores tell hook handlers: ``payload`` of ``nosql.connected`` and ``nosql.disconnected``."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["CONNECTED", "DISCONNECTED", "NoSQLConnectedHook", "NoSQLDisconnectedHook"]

CONNECTED = "nosql.connected"
DISCONNECTED = "nosql.disconnected"


@dataclass(frozen=True, kw_only=True)
class NoSQLConnectedHook:
    """A store connected.

    Attributes:
        backend: Name of the store in the configuration.
    """

    backend: str


@dataclass(frozen=True, kw_only=True)
class NoSQLDisconnectedHook:
    """A store closed its connection.

    Attributes:
        backend: Name of the store in the configuration.
    """

    backend: str

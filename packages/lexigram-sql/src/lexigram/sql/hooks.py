"""What is told to hooks: connections that are ready, transactions that begin and end."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = [
    "ACQUIRED",
    "BEGUN",
    "ENDED",
    "SQLConnectionReadyHook",
    "SQLTransactionBegunHook",
    "SQLTransactionEndedHook",
]

ACQUIRED = "connection.acquired"
BEGUN = "transaction.begin"
ENDED = "transaction.end"


@dataclass(frozen=True, slots=True)
class SQLConnectionReadyHook:
    """A database is connected (``connection.acquired``).

    Attributes:
        backend: Name of the backend.
    """

    backend: str


@dataclass(frozen=True, slots=True)
class SQLTransactionBegunHook:
    """A transaction has begun (``transaction.begin``); savepoints are not told."""


@dataclass(frozen=True, slots=True)
class SQLTransactionEndedHook:
    """A transaction has ended (``transaction.end``).

    Attributes:
        committed: False when it was rolled back.
    """

    committed: bool

"""What is known of a query that ran, and who keeps it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Protocol, runtime_checkable

__all__ = ["QueryLogEntry", "QueryLoggerProtocol"]


def _now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class QueryLogEntry:
    """A query that ran.

    Attributes:
        sql: The statement.
        params: Its parameters.
        execution_time: Seconds it took.
        timestamp: When it began, in UTC.
        success: False when it failed.
        error_message: Why it failed.
        connection_id: The connection it ran on.
        transaction_id: The transaction it ran in.
        user_id: On whose behalf.
        request_id: For which request.
        trace_id: In which trace.
    """

    sql: str
    params: Any = None
    execution_time: float = 0.0
    timestamp: datetime = field(default_factory=_now)
    success: bool = True
    error_message: str | None = None
    connection_id: str | None = None
    transaction_id: str | None = None
    user_id: str | None = None
    request_id: str | None = None
    trace_id: str | None = None


@runtime_checkable
class QueryLoggerProtocol(Protocol):
    """Keeps queries that ran."""

    def log_query(self, entry: QueryLogEntry) -> None:
        """Take note of a query. Must not block: it is called on the event loop."""
        ...

    def get_entries(self) -> Sequence[QueryLogEntry]:
        """What is still kept, oldest first."""
        ...

    def get_slow_queries(self, threshold: float | None = None) -> Sequence[QueryLogEntry]:
        """Those that took *threshold* seconds or more, the slowest first; without it, the logger's own threshold."""
        ...

"""Measurements for the application's metrics, in the names of OpenTelemetry's conventions for database clients."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from lexigram.contracts.data.sql.query_log import QueryLogEntry
from lexigram.contracts.observability.metrics import MetricsCollectorProtocol

__all__ = ["MetricsQueryLogger", "operation_of"]

_DURATION: Final = "db.client.operation.duration"


def operation_of(sql: str) -> str:
    """The word that a statement begins with, such as ``SELECT``."""
    return sql.lstrip("( \n").partition(" ")[0].upper()[:20]


class MetricsQueryLogger:
    """Reports how long each statement took, in seconds. Implements ``QueryLoggerProtocol``, and keeps nothing.

    Args:
        metrics: The application's metrics.
        system: Name of the backend, such as ``postgres``.
        database: Name of the database in the configuration.
    """

    def __init__(self, metrics: MetricsCollectorProtocol, system: str, database: str) -> None:
        self._metrics = metrics
        self._tags = {"db.system.name": system, "db.namespace": database}

    def log_query(self, entry: QueryLogEntry) -> None:
        """Report a statement."""
        tags = {**self._tags, "db.operation.name": operation_of(entry.sql)}
        if not entry.success:
            tags["error.type"] = "error"
        self._metrics.histogram(_DURATION, entry.execution_time, tags)

    def get_entries(self) -> Sequence[QueryLogEntry]:
        """None are kept."""
        return []

    def get_slow_queries(self, threshold: float | None = None) -> Sequence[QueryLogEntry]:
        """None are kept."""
        del threshold
        return []

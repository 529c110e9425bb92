"""Query loggers: to the console, to a file, to memory.

Failed statements and slow ones are always kept; of the others a share, the sample rate. Loggers are called on the event
loop and must not block, so the file logger writes on a thread of its own.
"""

from __future__ import annotations

import json
import logging
import random
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from lexigram.contracts.data.sql.query_log import QueryLogEntry

__all__ = ["ConsoleQueryLogger", "FileQueryLogger", "MemoryQueryLogger", "QueryLoggerBase"]

_log = logging.getLogger("lexigram.sql.queries")


class QueryLoggerBase(ABC):
    """What query loggers share. Implements ``QueryLoggerProtocol``.

    Args:
        slow_query_threshold: Seconds from which on a statement is slow.
        max_entries: How many entries are kept for :meth:`get_entries`; the oldest go first.
        sample_rate: The share of quick, successful statements that is kept, 0 to 1.

    Raises:
        ValueError: The rate is not between 0 and 1.
    """

    def __init__(self, slow_query_threshold: float = 1.0, max_entries: int = 1000, sample_rate: float = 1.0) -> None:
        if not 0 <= sample_rate <= 1:
            raise ValueError(f"sample_rate is a share between 0 and 1, not {sample_rate}")
        self.slow_query_threshold = slow_query_threshold
        self.sample_rate = sample_rate
        self._entries: deque[QueryLogEntry] = deque(maxlen=max_entries)

    def is_slow(self, entry: QueryLogEntry) -> bool:
        """True when the statement took as long as the threshold or longer."""
        return entry.execution_time >= self.slow_query_threshold

    def log_query(self, entry: QueryLogEntry) -> None:
        """Take note of a statement, unless it is left out by the sample rate."""
        wanted = not entry.success or self.is_slow(entry) or self.sample_rate >= 1
        if not wanted and random.random() >= self.sample_rate:  # noqa: S311 - a sample, not a secret
            return
        self._entries.append(entry)
        self.write(entry)

    @abstractmethod
    def write(self, entry: QueryLogEntry) -> None:
        """Put an entry where this logger puts them."""

    def get_entries(self) -> Sequence[QueryLogEntry]:
        """What is still kept, oldest first."""
        return list(self._entries)

    def get_slow_queries(self, threshold: float | None = None) -> Sequence[QueryLogEntry]:
        """Those that took *threshold* seconds or more, the slowest first; without it, the logger's own threshold."""
        least = self.slow_query_threshold if threshold is None else threshold
        slow = [entry for entry in self._entries if entry.execution_time >= least]
        return sorted(slow, key=lambda entry: entry.execution_time, reverse=True)

    def clear_logs(self) -> None:
        """Forget all entries."""
        self._entries.clear()

    def close(self) -> None:  # noqa: B027 - most loggers hold nothing
        """Release what the logger holds, such as a file."""


class ConsoleQueryLogger(QueryLoggerBase):
    """Writes to Python's logging, as ``lexigram.sql.queries``: failures as errors, slow statements as warnings.

    Args:
        slow_query_threshold: Seconds from which on a statement is slow.
        max_entries: How many entries are kept.
        sample_rate: The share of quick, successful statements that is kept.
        log_level: Level of quick, successful statements.
    """

    def __init__(
        self,
        slow_query_threshold: float = 1.0,
        max_entries: int = 1000,
        sample_rate: float = 1.0,
        log_level: int = logging.DEBUG,
    ) -> None:
        super().__init__(slow_query_threshold, max_entries, sample_rate)
        self.log_level = log_level

    def write(self, entry: QueryLogEntry) -> None:
        """Log an entry."""
        if not entry.success:
            _log.error("%.1f ms, failed: %s: %s", entry.execution_time * 1000, entry.error_message, entry.sql)
        elif self.is_slow(entry):
            _log.warning("%.1f ms, slow: %s %r", entry.execution_time * 1000, entry.sql, entry.params)
        elif _log.isEnabledFor(self.log_level):
            _log.log(self.log_level, "%.1f ms: %s %r", entry.execution_time * 1000, entry.sql, entry.params)


class MemoryQueryLogger(QueryLoggerBase):
    """Keeps entries in memory, for tests and for looking at."""

    def write(self, entry: QueryLogEntry) -> None:
        """Nothing more: entries are kept already."""

    def get_entries_by_sql(self, part: str) -> Sequence[QueryLogEntry]:
        """Those whose statement holds *part*; upper and lower case are the same."""
        wanted = part.lower()
        return [entry for entry in self._entries if wanted in entry.sql.lower()]

    def get_failed_queries(self) -> Sequence[QueryLogEntry]:
        """Those that failed, oldest first."""
        return [entry for entry in self._entries if not entry.success]


class FileQueryLogger(QueryLoggerBase):
    """Appends entries to a file, one JSON object in a line.

    Args:
        log_file: The file; its folder must exist.
        slow_query_threshold: Seconds from which on a statement is slow.
        max_entries: How many entries are kept in memory; the file keeps all.
        sample_rate: The share of quick, successful statements that is kept.
    """

    def __init__(
        self,
        log_file: str | Path,
        slow_query_threshold: float = 1.0,
        max_entries: int = 10_000,
        sample_rate: float = 1.0,
    ) -> None:
        super().__init__(slow_query_threshold, max_entries, sample_rate)
        self._path = Path(log_file)
        # One thread, so that lines keep their order.
        self._writer = ThreadPoolExecutor(max_workers=1, thread_name_prefix="lexigram-sql-log")
        self._failed = False

    def write(self, entry: QueryLogEntry) -> None:
        """Hand a line to the writing thread."""
        line = json.dumps(
            {
                "timestamp": entry.timestamp.isoformat(),
                "sql": entry.sql,
                "params": entry.params,
                "execution_time": round(entry.execution_time, 6),
                "success": entry.success,
                "error_message": entry.error_message,
                "connection_id": entry.connection_id,
                "transaction_id": entry.transaction_id,
                "user_id": entry.user_id,
                "request_id": entry.request_id,
                "trace_id": entry.trace_id,
            },
            default=_shown,
            ensure_ascii=False,
        )
        self._writer.submit(self._append, line)

    def _append(self, line: str) -> None:
        try:
            with self._path.open("a", encoding="utf-8") as file:
                file.write(line + "\n")
            self._failed = False
        except OSError as error:
            if not self._failed:  # once, not for every statement
                _log.error("the query log %s cannot be written: %s", self._path, error)
            self._failed = True

    def close(self) -> None:
        """Wait until all lines are written, and end the thread."""
        self._writer.shutdown(wait=True)


def _shown(value: Any) -> str:
    """A value that JSON has no form for."""
    return str(value) if not isinstance(value, bytes) else f"{len(value)} bytes"

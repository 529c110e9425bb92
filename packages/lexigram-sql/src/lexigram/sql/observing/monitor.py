"""``DatabaseMonitor``: which statements run, how often and how long, and how the pool is.

::

    async with DatabaseMonitor(db) as monitor:
        ...
        print((await monitor.get_query_stats())["slowest"])

Statements are told apart by their text, which holds placeholders and no values.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Protocol, Self

from lexigram.contracts.core.health import HealthCheckResult
from lexigram.contracts.data.sql.query_log import QueryLogEntry, QueryLoggerProtocol

__all__ = ["DatabaseMonitor", "StatementStats"]


class _Watched(Protocol):
    def add_query_logger(self, logger: QueryLoggerProtocol) -> None: ...
    def remove_query_logger(self, logger: QueryLoggerProtocol) -> None: ...
    async def get_pool_stats(self) -> dict[str, int | float]: ...
    async def health_check(self, timeout: float = 5.0) -> HealthCheckResult: ...  # noqa: ASYNC109 - the contract's name


@dataclass(slots=True)
class StatementStats:
    """Figures about one statement.

    Attributes:
        sql: Its text.
        count: How often it ran.
        failures: How often it failed.
        seconds: How long all its runs took together.
        longest: How long the longest took, in seconds.
    """

    sql: str
    count: int = 0
    failures: int = 0
    seconds: float = 0.0
    longest: float = 0.0

    def to_dict(self) -> dict[str, Any]:
        """The figures by name, with the mean."""
        return {
            "sql": self.sql,
            "count": self.count,
            "failures": self.failures,
            "total_seconds": self.seconds,
            "mean_seconds": self.seconds / self.count,
            "max_seconds": self.longest,
        }


class DatabaseMonitor:
    """Watches one database while it is started. Implements ``QueryLoggerProtocol``.

    Args:
        database: Which.
        slow_query_threshold: Seconds from which on a statement is slow.
        max_statements: How many different statements are told apart; those that ran longest ago go first.
        max_slow: How many slow statements are kept whole.
    """

    def __init__(
        self, database: _Watched, *, slow_query_threshold: float = 1.0, max_statements: int = 500, max_slow: int = 100
    ) -> None:
        self._database = database
        self._threshold = slow_query_threshold
        self._most = max_statements
        self._most_slow = max_slow
        self._statements: OrderedDict[str, StatementStats] = OrderedDict()
        self._slow: list[QueryLogEntry] = []
        self._whole = StatementStats("")
        self._started = False

    def start(self) -> None:
        """Begin to watch. Starting twice does nothing."""
        if not self._started:
            self._started = True
            self._database.add_query_logger(self)

    def stop(self) -> None:
        """Watch no longer; the figures stay. Stopping twice does nothing."""
        if self._started:
            self._started = False
            self._database.remove_query_logger(self)

    def reset(self) -> None:
        """Begin all figures anew."""
        self._statements.clear()
        self._slow.clear()
        self._whole = StatementStats("")

    async def __aenter__(self) -> Self:
        self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def log_query(self, entry: QueryLogEntry) -> None:
        """Take note of a statement."""
        found = self._statements.get(entry.sql)
        if found is None:
            found = self._statements[entry.sql] = StatementStats(entry.sql)
            if len(self._statements) > self._most:
                self._statements.popitem(last=False)
        else:
            self._statements.move_to_end(entry.sql)
        for figures in (found, self._whole):
            figures.count += 1
            figures.failures += not entry.success
            figures.seconds += entry.execution_time
            figures.longest = max(figures.longest, entry.execution_time)
        if entry.execution_time >= self._threshold:
            self._slow.append(entry)
            del self._slow[: -self._most_slow]

    def get_entries(self) -> Sequence[QueryLogEntry]:
        """The slow statements that are kept, oldest first."""
        return list(self._slow)

    def get_slow_queries(self, threshold: float | None = None) -> Sequence[QueryLogEntry]:
        """Those that took *threshold* seconds or more, the slowest first; the monitor's own threshold when None."""
        least = self._threshold if threshold is None else threshold
        slow = [entry for entry in self._slow if entry.execution_time >= least]
        return sorted(slow, key=lambda entry: entry.execution_time, reverse=True)

    def statements(self) -> list[StatementStats]:
        """The figures of each statement, that which took most time in all first."""
        return sorted(self._statements.values(), key=lambda one: one.seconds, reverse=True)

    async def get_query_stats(self) -> dict[str, Any]:
        """Figures of all statements, and under ``slowest`` those of the ten that took most time in all."""
        whole = self._whole
        return {
            "statements": whole.count,
            "failures": whole.failures,
            "total_seconds": whole.seconds,
            "mean_seconds": whole.seconds / whole.count if whole.count else 0.0,
            "max_seconds": whole.longest,
            "slow": len(self._slow),
            "slowest": [one.to_dict() for one in self.statements()[:10]],
        }

    async def get_pool_stats(self) -> dict[str, int | float]:
        """Figures about the connections; see ``DatabaseMetricsProtocol``."""
        return await self._database.get_pool_stats()

    async def health_check(self, timeout: float = 5.0) -> HealthCheckResult:  # noqa: ASYNC109 - the contract's name
        """Whether the database answers. Never raises.

        Args:
            timeout: Seconds that it may take.
        """
        return await self._database.health_check(timeout)

"""The pool that a database has: one for all, or a writer and readers where only one may write at a time.

SQLite has one writer for a file, and with its write-ahead log any number of readers beside it ("Write-Ahead Logging",
2.2 "Concurrency"). Lending the writer to one caller at a time makes writers wait in a fair queue here, rather than meet
``SQLITE_BUSY`` there.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

from lexigram.contracts.core.health import HealthCheckResult, HealthStatus
from lexigram.sql.config import DatabaseConfig
from lexigram.sql.driver import SqlDriver
from lexigram.sql.observing.figures import QueryFigures
from lexigram.sql.pool.lent import LentConnection
from lexigram.sql.pool.pool import Pool, PoolStats
from lexigram.sql.pool.simple import AbstractConnectionPool

__all__ = ["ConnectionPool"]


class ConnectionPool(AbstractConnectionPool):
    """Lends the connections of one database. Implements ``ConnectionPoolProtocol``.

    Args:
        driver: Opens them.
        config: The database's configuration.
        readers: False keeps no readers beside a single writer, as for a database in memory, which is in one connection.
        backend: Name of the backend, for errors.
    """

    def __init__(self, driver: SqlDriver, config: DatabaseConfig, *, readers: bool, backend: str) -> None:
        self._driver = driver
        self._config = config
        self._backend = backend
        limit = config.backend.connect_timeout.total_seconds
        single = driver.max_writers == 1
        self._writers = Pool(
            lambda: driver.connect(False),
            config.pool,
            name=config.name,
            connect_timeout=limit,
            backend=backend,
            size=1 if single else None,
            overflow=0 if single else None,
        )
        self._readers: Pool | None = None
        if single and readers:
            self._readers = Pool(
                lambda: driver.connect(True), config.pool, name=config.name, connect_timeout=limit, backend=backend
            )
        self.queries = QueryFigures()

    @property
    def max_connections(self) -> int:
        """The most that are open at once."""
        return self._writers.max_connections + (self._readers.max_connections if self._readers else 0)

    @property
    def connection_timeout(self) -> float:
        """The most seconds to wait for one."""
        return self._config.pool.acquire_timeout.total_seconds

    async def initialize(self) -> None:
        """Open the first connections.

        Raises:
            DatabaseConnectionError: One cannot be opened.
        """
        await self._writers.open()
        if self._readers is not None:
            try:
                await self._readers.open()
            except BaseException:
                await self._writers.close(0)
                raise

    async def shutdown(self) -> None:
        """Close all connections, waiting a while for those that are lent."""
        # The writer last: a reader that is the last to go leaves SQLite's log beside the file.
        for pool in reversed(self._pools()):
            await pool.close()

    def _pools(self) -> list[Pool]:
        return [self._writers] if self._readers is None else [self._writers, self._readers]

    def pool_for(self, *, read_only: bool) -> Pool:
        """The pool that lends for this kind of work."""
        return self._readers if read_only and self._readers is not None else self._writers

    @asynccontextmanager
    async def get_connection(self) -> AsyncGenerator[LentConnection]:
        """Lend a connection that may write inside an ``async with`` block; its session is reset afterwards."""
        connection = await self._writers.acquire()
        lent = LentConnection(connection, self._driver, self._backend, self.queries)
        try:
            yield lent
        finally:
            await lent.close()
            self._writers.release(connection, clean=False)

    async def warm(self, count: int) -> None:
        """Open connections until there are *count*."""
        await self.pool_for(read_only=True).warm(count)

    async def validate_connections(self) -> int:
        """Try the idle connections, close the dead ones, and return how many were dead."""
        return sum([await pool.validate() for pool in self._pools()])

    def stats(self) -> PoolStats:
        """The figures of this moment, of all connections together."""
        whole = PoolStats()
        for pool in self._pools():
            for name in PoolStats.__slots__:
                setattr(whole, name, getattr(whole, name) + getattr(pool.stats, name))
        return whole

    async def get_pool_stats(self) -> dict[str, int | float]:
        """The figures by name; among them ``active_connections``, ``idle_connections`` and ``wait_time_ms``."""
        figures = self.stats()
        return {
            "active_connections": figures.active,
            "idle_connections": figures.idle,
            "waiting": figures.waiting,
            "max_connections": self.max_connections,
            "opened": figures.opened,
            "closed": figures.closed,
            "lent": figures.lent,
            "timeouts": figures.timeouts,
            "wait_time_ms": figures.waited_seconds * 1000,
        }

    async def get_query_stats(self) -> dict[str, Any]:
        """How many statements ran on these connections, and failed; ``DatabaseMonitor`` says more."""
        return self.queries.to_dict()

    async def health_check(self, timeout: float = 5.0) -> HealthCheckResult:  # noqa: ASYNC109 - the contract's name
        """Whether a connection can be had, and answers. Never raises.

        Args:
            timeout: Seconds that it may take.
        """
        start = time.perf_counter()
        status, message, error = HealthStatus.HEALTHY, "the database answers", None
        try:
            async with asyncio.timeout(timeout):
                pool = self.pool_for(read_only=True)
                connection = await pool.acquire(timeout)
                try:
                    await connection.ping()
                except BaseException:
                    connection.terminate()
                    raise
                finally:
                    pool.release(connection)
        except TimeoutError:
            status, message, error = HealthStatus.UNHEALTHY, f"no answer within {timeout:g} s", "timeout"
        except Exception as caught:  # noqa: BLE001 - a health check reports what is wrong, whatever it is
            # Its text may hold what the driver was configured with.
            status, message = HealthStatus.UNHEALTHY, "asking failed"
            error = str(getattr(caught, "code", type(caught).__name__))
        details: dict[str, Any] = {"backend": self._backend, **await self.get_pool_stats()}
        return HealthCheckResult(
            component=f"database:{self._config.name}",
            status=status,
            message=message,
            error=error,
            duration_ms=(time.perf_counter() - start) * 1000,
            details=details,
        )

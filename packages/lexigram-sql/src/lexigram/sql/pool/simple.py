"""Pools for direct use: the shape of one, and one made of a URL alone."""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from contextlib import AbstractAsyncContextManager
from types import TracebackType
from typing import Any, Self

from lexigram.contracts.core.health import HealthCheckResult
from lexigram.contracts.data.sql.database import ConnectionProtocol
from lexigram.contracts.exceptions.infra import DatabaseError
from lexigram.sql.config import DatabaseConfig, refuse_weak_password
from lexigram.sql.exceptions import ConnectionPoolError, DatabaseConnectionError

__all__ = ["AbstractConnectionPool", "SimpleConnectionPool"]


class AbstractConnectionPool(ABC):
    """What pools have in common. Implements ``ConnectionPoolProtocol``."""

    @property
    @abstractmethod
    def max_connections(self) -> int:
        """The most that are open at once."""

    @property
    @abstractmethod
    def connection_timeout(self) -> float:
        """The most seconds to wait for one."""

    @abstractmethod
    async def initialize(self) -> None:
        """Open the first connections."""

    @abstractmethod
    async def shutdown(self) -> None:
        """Close all connections, waiting for those that are lent."""

    @abstractmethod
    def get_connection(self) -> AbstractAsyncContextManager[ConnectionProtocol]:
        """Lend a connection inside an ``async with`` block."""

    @abstractmethod
    async def get_pool_stats(self) -> dict[str, int | float]:
        """Figures about the pool."""

    @abstractmethod
    async def get_query_stats(self) -> dict[str, Any]:
        """Figures about the queries that ran."""

    @abstractmethod
    async def health_check(self, timeout: float = 5.0) -> HealthCheckResult:  # noqa: ASYNC109 - the contract's name
        """Whether a connection can be had, and answers. Never raises."""

    @abstractmethod
    async def warm(self, count: int) -> None:
        """Open connections until there are *count*."""

    @abstractmethod
    async def validate_connections(self) -> int:
        """Try the idle connections, close the dead ones, and return how many were dead."""

    async def __aenter__(self) -> Self:
        await self.initialize()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.shutdown()


class SimpleConnectionPool(AbstractConnectionPool):
    """The pool of one database, without transactions, sessions or logs around it.

    ::

        async with SimpleConnectionPool("postgresql://…", max_connections=5) as pool:
            async with pool.get_connection() as connection:
                rows = await connection.fetch("SELECT name FROM product WHERE id = $1", 7)

    Args:
        config: The configuration, or a URL.
        max_connections: The most that are open at once; the configuration's when None. A database of files in SQLite
            has one more, which writes.
        connection_timeout: The most seconds to wait for one; the configuration's when None.
    """

    def __init__(
        self,
        config: DatabaseConfig | str,
        *,
        max_connections: int | None = None,
        connection_timeout: float | None = None,
    ) -> None:
        chosen = DatabaseConfig.from_url(config) if isinstance(config, str) else config
        pool = chosen.pool.model_dump()
        if max_connections is not None:
            pool |= {
                "max_size": max_connections,
                "max_overflow": 0,
                "min_size": min(max_connections, chosen.pool.min_size),
            }
        if connection_timeout is not None:
            pool["acquire_timeout"] = connection_timeout
        self._config = chosen.model_copy(update={"pool": type(chosen.pool).model_validate(pool)})
        self._most = self._config.pool.max_size + self._config.pool.max_overflow
        self._driver: Any = None
        self._pool: Any = None

    def __repr__(self) -> str:
        return f"<{type(self).__name__} at {self._config.url}>"

    @property
    def max_connections(self) -> int:
        """The most that are open at once."""
        return self._most if self._pool is None else int(self._pool.max_connections)

    @property
    def connection_timeout(self) -> float:
        """The most seconds to wait for one."""
        return self._config.pool.acquire_timeout.total_seconds

    async def initialize(self) -> None:
        """Open the first connections. Opening twice does nothing.

        Raises:
            DatabaseConnectionError: One cannot be opened.
            ConfigurationError: The password is a well-known one, and this is production.
        """
        from lexigram.sql.backend import SQL_BACKENDS
        from lexigram.sql.pool.split import ConnectionPool

        if self._pool is not None:
            return
        url = self._config.url
        refuse_weak_password(url, self._config.name)
        spec = await asyncio.to_thread(SQL_BACKENDS.load, url.backend)
        driver = await asyncio.to_thread(spec.make, url, self._config)  # it imports the SDK
        pool = ConnectionPool(driver, self._config, readers=not url.in_memory, backend=spec.name)
        try:
            await pool.initialize()
        except BaseException as error:
            await driver.close()
            if isinstance(error, DatabaseError) or not isinstance(error, Exception):
                raise
            unknown = DatabaseConnectionError(f"connecting failed: {type(error).__name__}", backend=spec.name)
            raise driver.classify(error) or unknown from error
        self._driver, self._pool = driver, pool

    async def shutdown(self) -> None:
        """Close all connections, waiting a while for those that are lent. Closing twice does nothing."""
        driver, pool, self._driver, self._pool = self._driver, self._pool, None, None
        if pool is not None:
            await pool.shutdown()
            await driver.close()

    def _open(self) -> Any:
        if self._pool is None:
            raise ConnectionPoolError(
                "the pool is not open", hint="Use `async with pool:`, or await initialize() first.", retryable=False
            )
        return self._pool

    def get_connection(self) -> AbstractAsyncContextManager[ConnectionProtocol]:
        """Lend a connection inside an ``async with`` block; its session is reset afterwards.

        Raises:
            ConnectionPoolError: The pool is not open, or none came back in time.
        """
        lent: AbstractAsyncContextManager[ConnectionProtocol] = self._open().get_connection()
        return lent

    async def get_pool_stats(self) -> dict[str, int | float]:
        """Figures about the connections; see :meth:`ConnectionPool.get_pool_stats`."""
        found: dict[str, int | float] = await self._open().get_pool_stats()
        return found

    async def get_query_stats(self) -> dict[str, Any]:
        """How many statements ran, and failed."""
        found: dict[str, Any] = await self._open().get_query_stats()
        return found

    async def health_check(self, timeout: float = 5.0) -> HealthCheckResult:  # noqa: ASYNC109 - the contract's name
        """Whether a connection can be had, and answers.

        Args:
            timeout: Seconds that it may take.
        """
        found: HealthCheckResult = await self._open().health_check(timeout)
        return found

    async def warm(self, count: int) -> None:
        """Open connections until there are *count*."""
        await self._open().warm(count)

    async def validate_connections(self) -> int:
        """Try the idle connections, close the dead ones, and return how many were dead."""
        return int(await self._open().validate_connections())

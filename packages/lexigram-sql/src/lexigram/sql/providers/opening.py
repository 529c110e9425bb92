"""Connects a database and disconnects it: finds the backend, opens the pool, and says how both are."""

# ruff: noqa: ASYNC109 - the documented methods take their time limit as a parameter

from __future__ import annotations

import asyncio
import logging
from dataclasses import replace
from types import TracebackType
from typing import Any, Self

from lexigram.contracts.core.health import HealthCheckResult, HealthStatus
from lexigram.contracts.core.hooks import HookRegistryProtocol
from lexigram.contracts.data.sql.query_log import QueryLoggerProtocol
from lexigram.contracts.data.sql.sql_dialect import SQLDialect
from lexigram.contracts.exceptions.config import ConfigurationError
from lexigram.contracts.observability.metrics import MetricsCollectorProtocol
from lexigram.contracts.observability.tracing import TracerProtocol
from lexigram.sql.backend import SQL_BACKENDS, SqlBackendSpec
from lexigram.sql.config import DatabaseConfig, refuse_weak_password
from lexigram.sql.context import DbContext
from lexigram.sql.driver import SqlDriver
from lexigram.sql.exceptions import DatabaseConnectionError, DatabaseError
from lexigram.sql.hooks import (
    ACQUIRED,
    SQLConnectionReadyHook,
)
from lexigram.sql.logs.loggers import ConsoleQueryLogger
from lexigram.sql.logs.masking import ParameterMask
from lexigram.sql.observing.metrics import MetricsQueryLogger
from lexigram.sql.observing.resilience import DatabaseResilienceHandler
from lexigram.sql.pool.split import ConnectionPool
from lexigram.sql.providers.runner import Runner

__all__ = ["Opening"]


class Opening:
    """Connects one database, and disconnects it; everything else stands on this.

    Args:
        config: The configuration or a URL; a database in memory when missing.
        query_logger: Told of every statement; with ``echo`` and without a logger, they go to Python's logging.
        hooks: Told of connections and transactions.
        tracer: Puts each statement into a span.
        metrics: Told how long each statement took.
    """

    def __init__(
        self,
        config: DatabaseConfig | str | None = None,
        *,
        query_logger: QueryLoggerProtocol | None = None,
        hooks: HookRegistryProtocol | None = None,
        tracer: TracerProtocol | None = None,
        metrics: MetricsCollectorProtocol | None = None,
    ) -> None:
        if config is None or isinstance(config, str):
            config = DatabaseConfig.from_url(config or "sqlite:///:memory:")
        self.config = config
        self._url = config.url
        self._spec: SqlBackendSpec | None = None
        self._hooks = hooks
        operations = config.operations
        self._own_logger: ConsoleQueryLogger | None = None
        if query_logger is None and operations.echo:
            query_logger = self._own_logger = ConsoleQueryLogger(
                operations.slow_query_threshold.total_seconds,
                sample_rate=operations.log_sample_rate,
                log_level=logging.INFO,
            )
        self._loggers: tuple[QueryLoggerProtocol, ...] = () if query_logger is None else (query_logger,)
        self._context: DbContext | None = DbContext()
        self._driver: SqlDriver | None = None
        self._pool: ConnectionPool | None = None
        self._runner: Runner | None = None
        self._tracer: TracerProtocol | None = tracer
        self._measures: MetricsQueryLogger | None = None
        self._resilience: DatabaseResilienceHandler | None = None
        self._changing = asyncio.Lock()
        self._keys: dict[str, str | None] = {}
        if metrics is not None:
            self.set_metrics(metrics)

    def resolve(self) -> SqlBackendSpec:
        """Find the backend that the URL names. Reads the metadata of distributions, so it is called off the loop.

        Raises:
            PluginNotFoundError: No installed distribution offers the scheme.
            ConfigurationError: The URL asks for a driver that the backend does not use.
        """
        if self._spec is None:
            spec = SQL_BACKENDS.load(self._url.backend)
            if self._url.driver is not None and self._url.driver not in spec.drivers:
                known = ", ".join(sorted(spec.drivers))
                raise ConfigurationError(
                    f"{self._url.scheme}+{self._url.driver} is not offered; {spec.name} uses {known}",
                    hint=f"Write {self._url.scheme}:// or {self._url.scheme}+{known}://.",
                )
            self._spec = spec
        return self._spec

    @property
    def spec(self) -> SqlBackendSpec:
        """The backend."""
        return self._spec or self.resolve()

    def __repr__(self) -> str:
        state = "connected" if self._runner is not None else "not connected"
        return f"<{type(self).__name__} {self.config.name!r} at {self._url}, {state}>"

    # Opening and closing

    @property
    def name(self) -> str:
        """Name of the database in the configuration."""
        return self.config.name

    @property
    def url(self) -> str:
        """Where it is, with the password hidden."""
        return str(self._url)

    @property
    def database_type(self) -> str:
        """Name of the backend, such as ``postgres``."""
        return self.spec.name

    @property
    def dialect(self) -> SQLDialect:
        """The SQL it speaks."""
        return self.spec.dialect

    async def connect(self) -> None:
        """Open the connections. Connecting twice does nothing.

        Raises:
            ConfigurationError: The password is a well-known one, and this is production.
            DatabaseConnectionError: The database cannot be reached.
        """
        async with self._changing:
            if self._runner is not None:
                return
            refuse_weak_password(self._url, self.config.name)
            spec = await asyncio.to_thread(self.resolve)
            driver = await asyncio.to_thread(spec.make, self._url, self.config)  # it imports the SDK
            try:
                if self._resilience is None:
                    pool = await self._opened(driver)
                else:
                    pool = await self._resilience.execute("connect", self._opened, driver)
            except BaseException:
                await driver.close()
                raise
            limit = self.config.operations.statement_timeout.total_seconds
            self._driver, self._pool = driver, pool
            self._runner = Runner(
                self,
                driver,
                pool,
                backend=self.spec.name,
                timeout=limit or None,
                mask=ParameterMask(self.config.operations.mask_columns, spec.dialect),
            )
            self._runner.loggers = self._loggers
            self._runner.tracer = self._tracer
            self._runner.resilience = self._resilience
            self.set_context(self._context)
        await self.tell(ACQUIRED, SQLConnectionReadyHook(backend=self.spec.name))

    async def _opened(self, driver: SqlDriver) -> ConnectionPool:
        """A pool with its first connections."""
        pool = ConnectionPool(driver, self.config, readers=not self._url.in_memory, backend=self.spec.name)
        try:
            await pool.initialize()
        except DatabaseError:
            raise
        except Exception as error:
            translated = driver.classify(error) or DatabaseConnectionError(
                f"connecting to {self.config.name!r} failed: {type(error).__name__}", backend=self.spec.name
            )
            raise translated from error
        return pool

    async def disconnect(self) -> None:
        """Close the connections, waiting a while for those in use. Disconnecting twice does nothing."""
        async with self._changing:
            driver, pool = self._driver, self._pool
            self._driver = self._pool = self._runner = None
            self._keys.clear()
            if pool is not None:
                await pool.shutdown()
            if driver is not None:
                await driver.close()
            if self._own_logger is not None:
                self._own_logger.close()

    boot = connect
    shutdown = disconnect

    async def __aenter__(self) -> Self:
        await self.connect()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.disconnect()

    async def is_connected(self) -> bool:
        """True between a successful connect and disconnect."""
        return self._runner is not None

    @property
    def runner(self) -> Runner:
        """What runs the statements.

        Raises:
            DatabaseConnectionError: The database is not connected.
        """
        if self._runner is None:
            raise self._not_connected()
        return self._runner

    def get_primary_pool(self) -> ConnectionPool:
        """The pool of this database.

        Raises:
            DatabaseConnectionError: The database is not connected.
        """
        if self._pool is None:
            raise self._not_connected()
        return self._pool

    def _not_connected(self) -> DatabaseConnectionError:
        return DatabaseConnectionError(
            f"the database {self.config.name!r} is not connected",
            hint="Await db.connect() first, or use `async with db:`.",
            backend=self._url.backend,
            retryable=False,
        )

    async def evict_dead_connections(self) -> int:
        """Try the idle connections, close the dead ones, and return how many were dead."""
        return await self.get_primary_pool().validate_connections()

    def set_hook_registry(self, hooks: HookRegistryProtocol | None) -> None:
        """Choose who is told of connections and transactions."""
        self._hooks = hooks

    def set_context(self, context: DbContext | None) -> None:
        """Choose what entries of query logs say of who a statement runs for: user, request and trace."""
        self._context = context
        if self._runner is not None:
            self._runner.log_context = None if context is None else context.log_context

    def add_query_logger(self, logger: QueryLoggerProtocol) -> None:
        """Tell one more logger of every statement."""
        self._loggers = (*self._loggers, logger)
        if self._runner is not None:
            self._runner.loggers = self._loggers

    def remove_query_logger(self, logger: QueryLoggerProtocol) -> None:
        """Tell a logger no more."""
        self._loggers = tuple([one for one in self._loggers if one is not logger])
        if self._runner is not None:
            self._runner.loggers = self._loggers

    def set_tracer(self, tracer: TracerProtocol | None) -> None:
        """Put each statement into a span."""
        self._tracer = tracer
        if self._runner is not None:
            self._runner.tracer = tracer

    def set_metrics(self, metrics: MetricsCollectorProtocol | None) -> None:
        """Report how long statements take."""
        if self._measures is not None:
            self.remove_query_logger(self._measures)
            self._measures = None
        if metrics is not None:
            self._measures = MetricsQueryLogger(metrics, self._url.backend, self.config.name)
            self.add_query_logger(self._measures)

    def set_resilience(self, handler: DatabaseResilienceHandler | None) -> None:
        """Choose what is tried again; see :mod:`lexigram.sql.observing.resilience`."""
        self._resilience = handler if handler is not None and handler.is_active else None
        if self._runner is not None:
            self._runner.resilience = self._resilience

    async def get_query_stats(self) -> dict[str, Any]:
        """How many statements ran, and failed; see :meth:`ConnectionPool.get_query_stats`."""
        return await self.get_primary_pool().get_query_stats()

    async def tell(self, hook: str, payload: Any) -> None:
        """Call the hooks of an event."""
        if self._hooks is not None:
            await self._hooks.call_action(hook, payload=payload)

    # Health

    async def health_check(self, timeout: float = 5.0) -> HealthCheckResult:
        """Whether the database answers within *timeout* seconds, how fast, and the pool's figures. Never raises."""
        if self._pool is None or self._driver is None:
            return HealthCheckResult(
                component=f"database:{self.config.name}",
                status=HealthStatus.UNHEALTHY,
                message="the database is not connected",
                error="not_connected",
            )
        facts = dict(self._driver.describe())
        result = await self._pool.health_check(timeout)
        return replace(result, details={**result.details, **facts})

    async def get_pool_stats(self) -> dict[str, int | float]:
        """Figures about the connections; see :meth:`ConnectionPool.get_pool_stats`."""
        return await self.get_primary_pool().get_pool_stats()

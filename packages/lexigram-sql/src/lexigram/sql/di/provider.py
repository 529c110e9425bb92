"""Builds the databases that the configuration names, connects them together, and closes them in reverse."""

from __future__ import annotations

import asyncio
import logging
from typing import cast

from lexigram.contracts.core.di import ContainerRegistrarProtocol, ContainerResolverProtocol
from lexigram.contracts.core.health import AggregateHealthResult, HealthCheckResult, HealthStatus
from lexigram.contracts.core.hooks import HookRegistryProtocol
from lexigram.contracts.data.sql.database import ConnectionPoolProtocol, DatabaseProviderProtocol
from lexigram.contracts.data.sql.query_log import QueryLoggerProtocol
from lexigram.contracts.exceptions.infra import NoPrimaryBackendError
from lexigram.contracts.infra.resilience import ResiliencePipelineFactoryProtocol, TimeoutConfig
from lexigram.contracts.observability.metrics import MetricsCollectorProtocol
from lexigram.contracts.observability.tracing import TracerProtocol
from lexigram.di.provider import Provider, ProviderPriority
from lexigram.sql.config import SECTIONS, DatabaseConfig, DataConfig
from lexigram.sql.context import DbContext
from lexigram.sql.logs.loggers import ConsoleQueryLogger
from lexigram.sql.observing.resilience import DatabaseResilienceHandler
from lexigram.sql.pool.split import ConnectionPool
from lexigram.sql.providers.database_service import DatabaseService
from lexigram.sql.query.predicates import PredicateCompiler
from lexigram.sql.sessions.session import DbSession, create_session_factory

__all__ = ["DatabaseProvider"]

_log = logging.getLogger("lexigram.sql")


class DatabaseProvider(Provider):
    """Databases for the container.

    Binds each database as ``DatabaseProviderProtocol`` and ``DatabaseService`` by its name, the primary one also
    without a name, their pools as ``ConnectionPoolProtocol`` (``NAME:pool``), and scoped sessions (``DbSession``) of
    the primary one. What the application has of hooks, query loggers, tracer, metrics and resilience is used.

    Args:
        config: The settings, or a URL; the application's ``sql:``, ``database:`` or ``db:`` section when missing.
        enable_query_logging: Log every statement of every database, as ``operations.echo`` does for one.
    """

    name = "database"
    priority = ProviderPriority.INFRASTRUCTURE
    config_key = SECTIONS[0]
    config_aliases = SECTIONS[1:]
    config_model = DatabaseConfig

    def __init__(self, config: DatabaseConfig | str | None = None, *, enable_query_logging: bool = False) -> None:
        super().__init__(DatabaseConfig.from_url(config) if isinstance(config, str) else config)
        self._logs_queries = enable_query_logging
        self._databases: list[DatabaseService] = []
        self._connected: list[DatabaseService] = []
        self._primary: DatabaseService | None = None

    @property
    def settings(self) -> DatabaseConfig:
        """The settings in force: those given, or the application's section, or the defaults."""
        return self.config if isinstance(self.config, DatabaseConfig) else DatabaseConfig()

    async def register(self, container: ContainerRegistrarProtocol) -> None:
        """Bind the databases; nothing is connected yet.

        Raises:
            PluginError: No installed distribution offers a URL's scheme.
            ConfigurationError: A setting is not valid.
        """
        settings = self.settings
        self._databases, self._primary = [], None
        container.singleton(DatabaseConfig, settings)
        container.singleton(DataConfig, settings.data)
        if not settings.enabled:
            return
        for name, primary, entry in settings.entries():
            database = DatabaseService(entry)
            await asyncio.to_thread(database.resolve)
            self._databases.append(database)
            container.singleton(DatabaseProviderProtocol, database, name=name)
            container.singleton(DatabaseService, database, name=name)
            container.singleton(ConnectionPoolProtocol, factory=database.get_primary_pool, name=f"{name}:pool")
            if primary:
                self._primary = database
                container.singleton(DatabaseProviderProtocol, database)
                container.singleton(DatabaseService, database)
                container.singleton(ConnectionPoolProtocol, factory=database.get_primary_pool)
                container.singleton(PredicateCompiler, PredicateCompiler(database.dialect))
        container.scoped(DbSession, create_session_factory())

    async def boot(self, container: ContainerResolverProtocol) -> None:
        """Connect all databases together; when one fails, those that connected are closed again.

        Raises:
            DatabaseConnectionError: A database could not be reached.
        """
        hooks = await container.resolve_optional(HookRegistryProtocol)
        logger = await container.resolve_optional(QueryLoggerProtocol)
        tracer = await container.resolve_optional(TracerProtocol)
        metrics = await container.resolve_optional(MetricsCollectorProtocol)
        pipelines = await container.resolve_optional(ResiliencePipelineFactoryProtocol)
        context = await container.resolve_optional(DbContext)
        for database in self._databases:
            database.set_hook_registry(hooks)
            if context is not None:
                database.set_context(context)
            if logger is not None:
                database.add_query_logger(logger)
            if self._logs_queries:
                database.add_query_logger(ConsoleQueryLogger(log_level=logging.INFO))
            database.set_tracer(tracer)
            database.set_metrics(metrics)
            if pipelines is not None:
                limit = database.config.operations.statement_timeout.total_seconds
                limits = TimeoutConfig(timeout=limit) if limit else None
                database.set_resilience(DatabaseResilienceHandler(pipelines, timeout_config=limits))
        try:
            async with asyncio.TaskGroup() as group:
                for database in self._databases:
                    group.create_task(database.connect(), name=f"connect {database.name}")
            self._connected = list(self._databases)
        except BaseException as failure:
            await self._close(self._databases)
            if isinstance(failure, BaseExceptionGroup):
                first = cast("BaseExceptionGroup[BaseException]", failure).exceptions[0]
                raise first from first.__cause__
            raise

    async def shutdown(self) -> None:
        """Close all databases, the last first."""
        await self._close(self._connected)

    async def _close(self, databases: list[DatabaseService]) -> None:
        self._connected = []
        for database in reversed(databases):
            try:
                await database.disconnect()
            except Exception:  # noqa: BLE001 - logged; the others must be closed too
                _log.exception("closing the database %r failed", database.name)

    def get_primary_pool(self) -> ConnectionPool:
        """The pool of the primary database.

        Raises:
            NoPrimaryBackendError: There is none.
        """
        if self._primary is None:
            raise NoPrimaryBackendError(
                "no database is bound without a name", hint="Configure a url, or backends with `primary: true`."
            )
        return self._primary.get_primary_pool()

    async def health_check(self, timeout: float = 5.0) -> HealthCheckResult:  # noqa: ASYNC109 - the contract's name
        """The worst state of all databases, with the state of each.

        Args:
            timeout: Seconds to wait for each; they are asked together.
        """
        if not self._connected:
            reason = "no database is connected" if self.settings.enabled else "sql is not enabled"
            return HealthCheckResult(component=self.name, status=HealthStatus.DEGRADED, message=reason)
        results = await asyncio.gather(*(database.health_check(timeout) for database in self._connected))
        return HealthCheckResult(
            component=self.name,
            status=AggregateHealthResult(tuple(results)).status,
            message="; ".join(f"{result.component}: {result.message}" for result in results),
            error=next((result.error for result in results if result.error), None),
            duration_ms=max(result.duration_ms for result in results),
            details={result.component: result.to_dict() for result in results},
        )

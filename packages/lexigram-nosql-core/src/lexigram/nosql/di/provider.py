"""Builds the stores that the configuration names, connects them together, and closes them in reverse."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import cast

from lexigram.contracts.core.di import ContainerRegistrarProtocol, ContainerResolverProtocol
from lexigram.contracts.core.health import AggregateHealthResult, HealthCheckResult, HealthStatus
from lexigram.contracts.core.hooks import HookRegistryProtocol
from lexigram.contracts.data.nosql.nosql import DocumentStoreProtocol
from lexigram.contracts.data.nosql.nosql_repository import DocumentRepositoryProtocol
from lexigram.contracts.events import EventBusProtocol
from lexigram.contracts.observability.metrics import MetricsCollectorProtocol
from lexigram.contracts.observability.tracing import TracerProtocol
from lexigram.di.provider import Provider, ProviderPriority
from lexigram.nosql.config import NoSQLConfig
from lexigram.nosql.di.telling import StoreNews, observe, repositories_in
from lexigram.nosql.running import RunningStore, announce
from lexigram.nosql.store import DocumentStore

__all__ = ["NoSQLProvider"]

_log = logging.getLogger("lexigram.nosql")


class NoSQLProvider(Provider):
    """Document stores for the container.

    Binds every store by its name, the primary one also without a name, and tells hooks
    (``nosql.connected``, ``nosql.disconnected``) and event bus when they connect and close.

    Args:
        config: The settings; the application's ``nosql:`` section when missing.
        enable_ttl: False refuses indexes with ``expire_after_seconds``.
    """

    name = "nosql"
    priority = ProviderPriority.INFRASTRUCTURE
    config_key = "nosql"
    config_model = NoSQLConfig

    def __init__(self, config: NoSQLConfig | None = None, *, enable_ttl: bool = True) -> None:
        super().__init__(config)
        self._enable_ttl = enable_ttl
        self._stores: list[DocumentStore] = []
        self._connected: list[DocumentStore] = []
        self._primary: DocumentStore | None = None
        self._withdraw: Callable[[], None] | None = None
        self._news = StoreNews(None, None)

    @property
    def settings(self) -> NoSQLConfig:
        """The settings in force: those given, or the application's section, or the defaults."""
        return self.config if isinstance(self.config, NoSQLConfig) else NoSQLConfig()

    async def register(self, container: ContainerRegistrarProtocol) -> None:
        """Bind the stores; nothing is connected yet.

        Raises:
            PluginError: A driver is not installed or cannot be used.
            ConfigurationError: A backend's section is not valid.
        """
        settings = self.settings
        self._stores, self._primary = [], None
        container.singleton(NoSQLConfig, settings)
        if not settings.enabled:
            return
        for name, primary, entry in settings.entries():
            spec, config = await asyncio.to_thread(entry.backend)
            store = DocumentStore(spec, config, name=name, enable_ttl=self._enable_ttl)
            self._stores.append(store)
            container.singleton(DocumentStoreProtocol, store, name=name)
            container.register_generic(DocumentRepositoryProtocol, repositories_in(store), name=name)
            if primary:
                self._primary = store
                container.singleton(DocumentStoreProtocol, store)
                container.register_generic(DocumentRepositoryProtocol, repositories_in(store))

    async def boot(self, container: ContainerResolverProtocol) -> None:
        """Connect all stores together; when one fails, those that connected are closed again.

        Raises:
            NoSQLConnectionError: A store could not connect.
        """
        self._news = StoreNews(
            await container.resolve_optional(HookRegistryProtocol), await container.resolve_optional(EventBusProtocol)
        )
        tracer = await container.resolve_optional(TracerProtocol)
        metrics = await container.resolve_optional(MetricsCollectorProtocol)
        for store in self._stores:
            observe(store, tracer, metrics)
        try:
            async with asyncio.TaskGroup() as group:
                for store in self._stores:
                    group.create_task(store.connect(), name=f"connect {store.name}")
            self._connected = list(self._stores)
            self._withdraw = announce(
                [RunningStore(store, store is self._primary, self._news.events) for store in self._stores]
            )
            for store in self._connected:
                await self._news.connected(store)
        except BaseException as failure:
            await self._close(self._stores)
            if isinstance(failure, BaseExceptionGroup):
                first: BaseException = cast("BaseExceptionGroup[BaseException]", failure).exceptions[0]
                raise first from first.__cause__
            raise

    async def shutdown(self) -> None:
        """Close all stores, the last first."""
        connected = self._connected
        await self._close(connected)
        for store in reversed(connected):
            await self._news.disconnected(store)

    async def health_check(self, timeout: float = 5.0) -> HealthCheckResult:  # noqa: ASYNC109 - the contract's name
        """The worst state of all stores, with the state of each.

        Args:
            timeout: Seconds to wait for each store; they are asked together.
        """
        if not self._connected:
            reason = "no document store is connected" if self.settings.enabled else "nosql is not enabled"
            return HealthCheckResult(component=self.name, status=HealthStatus.DEGRADED, message=reason)
        results = await asyncio.gather(*(store.health_check(timeout) for store in self._connected))
        worst = AggregateHealthResult(tuple(results)).status
        return HealthCheckResult(
            component=self.name,
            status=worst,
            message="; ".join(f"{result.component}: {result.message}" for result in results),
            error=next((result.error for result in results if result.error), None),
            duration_ms=max(result.duration_ms for result in results),
            details={result.component: result.to_dict() for result in results},
        )

    async def _close(self, stores: list[DocumentStore]) -> None:
        """Close stores, the last first; one that fails to close does not keep the others open."""
        self._connected = []
        if self._withdraw is not None:
            self._withdraw()
            self._withdraw = None
        for store in reversed(stores):
            try:
                await store.disconnect()
            except Exception:  # noqa: BLE001 - logged; the others must be closed too
                _log.exception("closing the document store %r failed", store.name)

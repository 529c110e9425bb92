"""Connections inside an application: ``Application(modules=[ConnectionsModule.configure()])``.

::

    class Orders:
        def __init__(
            self,
            store: DocumentStoreProtocol,                              # the default connection's
            logs: Annotated[DocumentStoreProtocol, Named("logs")],
            connections: ConnectionManager,
        ) -> None: ...

The settings are the ``database`` section of the application's configuration, which may itself come from a file with
layers: ``LexigramConfig.from_settings("settings.toml")``.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from lexigram.contracts.core.di import ContainerRegistrarProtocol, ContainerResolverProtocol
from lexigram.contracts.core.health import HealthCheckResult, HealthStatus
from lexigram.contracts.core.hooks import HookRegistryProtocol
from lexigram.contracts.data.nosql.nosql import DocumentStoreProtocol
from lexigram.contracts.data.nosql.nosql_repository import DocumentRepositoryProtocol
from lexigram.contracts.events import EventBusProtocol
from lexigram.contracts.observability.metrics import MetricsCollectorProtocol
from lexigram.contracts.observability.tracing import TracerProtocol
from lexigram.contracts.security.secrets import SecretStoreProtocol
from lexigram.credentials import SecretSource, default_secrets
from lexigram.di.module import DynamicModule, Module, module
from lexigram.di.provider import Provider, ProviderFactory, ProviderPriority
from lexigram.nosql.connections.connection import Connection, StoreConnection
from lexigram.nosql.connections.manager import ConnectionManager
from lexigram.nosql.connections.registry import ConnectionRegistry
from lexigram.nosql.connections.settings import DatabaseSettings
from lexigram.nosql.di.telling import StoreNews, observe, repositories_in
from lexigram.nosql.running import RunningStore, announce
from lexigram.nosql.store import DocumentStore

__all__ = ["ConnectionsModule", "ConnectionsProvider"]


class ConnectionsProvider(Provider):
    """Binds ``ConnectionManager``, each connection and its store by name, and the default ones without a name.

    Args:
        config: The settings; the application's ``database:`` section when missing.
        registry: What ``backend`` may say.
        secrets: Where references are looked up; by default in the application's ``SecretStoreProtocol``, if there is
            one, then in the environment and in mounted files.
        bind_stores: False binds the manager and the connections only, for applications whose stores come from
            ``NoSQLModule``.
    """

    name = "connections"
    priority = ProviderPriority.INFRASTRUCTURE
    config_key = "database"
    config_model = DatabaseSettings

    def __init__(
        self,
        config: DatabaseSettings | None = None,
        *,
        registry: ConnectionRegistry | None = None,
        secrets: Sequence[SecretSource] | None = None,
        bind_stores: bool = True,
    ) -> None:
        super().__init__(config)
        self._registry = registry
        self._secrets = secrets
        self._bind_stores = bind_stores
        self._manager = ConnectionManager()
        self._news = StoreNews(None, None)
        self._withdraw: Callable[[], None] | None = None
        self._announced: list[DocumentStore] = []

    @property
    def enabled(self) -> bool:
        """False when the settings switch every connection off, so that there are no stores to export."""
        settings = self.config
        return isinstance(settings, DatabaseSettings) and any(each.enabled for each in settings.documents.values())

    async def register(self, container: ContainerRegistrarProtocol) -> None:
        """Make the connections and bind them; nothing is opened yet.

        Raises:
            PluginError: A backend is not installed or cannot be used.
            ConfigurationError: A setting does not fit.
        """
        settings = self.config if isinstance(self.config, DatabaseSettings) else DatabaseSettings()
        self._manager = manager = await asyncio.to_thread(
            ConnectionManager, settings, registry=self._registry, secrets=self._secrets
        )
        container.singleton(ConnectionManager, manager)
        for name, connection in manager.connections.items():
            self._bind(container, connection, name)
            if name == manager.default_name:
                self._bind(container, connection, None)

    def _bind(self, container: ContainerRegistrarProtocol, connection: Connection, name: str | None) -> None:
        container.singleton(Connection, connection, name=name)
        if self._bind_stores and isinstance(connection, StoreConnection):
            container.singleton(DocumentStoreProtocol, connection.store, name=name)
            container.register_generic(DocumentRepositoryProtocol, repositories_in(connection.store), name=name)

    async def boot(self, container: ContainerResolverProtocol) -> None:
        """Open all connections that are switched on, or none.

        Raises:
            NoSQLConnectionError: A database cannot be reached.
            ConfigurationError: A secret is missing, or a setting does not fit its backend.
        """
        self._news = StoreNews(
            await container.resolve_optional(HookRegistryProtocol), await container.resolve_optional(EventBusProtocol)
        )
        tracer = await container.resolve_optional(TracerProtocol)
        metrics = await container.resolve_optional(MetricsCollectorProtocol)
        stores = {name: c.store for name, c in self._manager.connections.items() if isinstance(c, StoreConnection)}
        for store in stores.values():
            observe(store, tracer, metrics)
        secrets = None if self._secrets is not None else await container.resolve_optional(SecretStoreProtocol)
        if secrets is not None:
            self._manager.look_up_in(secrets, *default_secrets())
        await self._manager.start()
        try:
            default = stores.get(self._manager.default_name or "")
            if self._bind_stores:
                self._withdraw = announce(
                    [RunningStore(store, store is default, self._news.events) for store in stores.values()]
                )
            self._announced = list(stores.values())
            for store in self._announced:
                await self._news.connected(store)
        except BaseException:
            await self._end()
            raise

    async def shutdown(self) -> None:
        """Close all connections, the last first."""
        announced = self._announced
        await self._end()
        for store in reversed(announced):
            await self._news.disconnected(store)

    async def _end(self) -> None:
        self._announced = []
        if self._withdraw is not None:
            self._withdraw()
            self._withdraw = None
        await self._manager.stop()

    async def health_check(self, timeout: float = 5.0) -> HealthCheckResult:  # noqa: ASYNC109 - the contract's name
        """The worst state of all connections, with the state of each.

        Args:
            timeout: Seconds to wait for each; they are asked together.
        """
        if not self._manager.connections:
            return HealthCheckResult(self.name, HealthStatus.DEGRADED, message="no connection is switched on")
        return await self._manager.health(timeout)


@module(name="connections")
class ConnectionsModule(Module):
    """The connections of ``settings.toml``, as a module."""

    @classmethod
    def configure(
        cls,
        config: DatabaseSettings | Mapping[str, Any] | None = None,
        *,
        registry: ConnectionRegistry | None = None,
        secrets: Sequence[SecretSource] | None = None,
        bind_stores: bool = True,
    ) -> DynamicModule:
        """The connections that the settings name.

        Args:
            config: The settings; the application's ``database:`` section when missing. A mapping is validated.
            registry: What ``backend`` may say.
            secrets: Where references are looked up.
            bind_stores: False leaves ``DocumentStoreProtocol`` to ``NoSQLModule``.
        """
        if config is not None and not isinstance(config, DatabaseSettings):
            config = DatabaseSettings.from_dict(config)
        return cls._with(
            lambda: ConnectionsProvider(config, registry=registry, secrets=secrets, bind_stores=bind_stores),
            bind_stores,
        )

    @classmethod
    def stub(cls, config: DatabaseSettings | Mapping[str, Any] | None = None) -> DynamicModule:
        """The same connections in memory, for tests: no service, empty at each start.

        Args:
            config: Where the names are taken from; a single connection ``default`` when missing.
        """
        given = config if isinstance(config, DatabaseSettings) or config is None else DatabaseSettings.from_dict(config)
        if given is None:
            named: dict[str, Any] = {"default": {"backend": "local"}}
            default = None
        else:
            named = {n: {"backend": "local", "enabled": each.enabled} for n, each in given.documents.items()}
            default = given.default_document_connection
        settings = DatabaseSettings.from_dict({"documents": named, "default_document_connection": default})
        return cls._with(lambda: ConnectionsProvider(settings), bind_stores=True)

    @classmethod
    def _with(cls, make: Callable[[], Provider], bind_stores: bool) -> DynamicModule:
        exports: list[Any] = [ConnectionManager, Connection]
        if bind_stores:
            exports += [DocumentStoreProtocol, DocumentRepositoryProtocol]
        return DynamicModule(module=cls, providers=[ProviderFactory(make)], exports=exports)

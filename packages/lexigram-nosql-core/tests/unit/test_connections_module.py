"""Named connections inside an application."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import pytest
from lexigram import Application
from lexigram.config import CONFIG_SECTIONS, BaseConfig, ConfigurationError, LexigramConfig
from lexigram.contracts.core.health import HealthStatus
from lexigram.contracts.data.nosql.nosql import DocumentStoreProtocol
from lexigram.contracts.data.nosql.nosql_repository import DocumentRepositoryProtocol
from lexigram.contracts.exceptions.provider import ProviderError
from lexigram.contracts.observability.metrics import MetricsCollectorProtocol
from lexigram.contracts.security.secrets import SecretStoreProtocol
from lexigram.di import Named
from lexigram.di.provider import Provider
from lexigram.nosql import MigrationManager, NoSQLConnectedEvent, NoSQLDisconnectedEvent, NoSQLModule
from lexigram.nosql.connections import Connection, ConnectionManager, ConnectionsModule, DatabaseSettings

pytestmark = pytest.mark.allow_blocking("an application looks for plugins while it starts")

TWO = {
    "default_document_connection": "main",
    "documents": {
        "main": {"backend": "local"},
        "logs": {"backend": "local"},
        "old": {"backend": "x", "enabled": False},
    },
}


@dataclass
class Thing:
    """An entity."""

    id: str
    name: str


async def test_stores_are_bound_by_the_names_of_their_connections() -> None:
    """The default one without a name as well, and repositories in each."""
    async with Application.boot(modules=[ConnectionsModule.configure(TWO)]) as app:
        resolve = app.container.resolve
        manager = await resolve(ConnectionManager)

        assert await resolve(DocumentStoreProtocol) is manager.store("main")
        assert await resolve(Annotated[DocumentStoreProtocol, Named("logs")]) is manager.store("logs")
        assert await resolve(Annotated[Connection, Named("logs")]) is manager.get("logs")
        assert await resolve(Connection) is manager.get()

        things = await resolve(DocumentRepositoryProtocol[Thing])
        await things.save(Thing("1", "first"))
        assert await manager.store("main").collection("things").count_documents() == 1
        assert manager.is_ready()
    assert not manager.is_ready()


async def test_the_section_of_a_settings_file_with_layers_is_used(tmp_path: Path) -> None:
    """The file is the whole application's configuration."""
    path = tmp_path / "settings.toml"
    path.write_text(
        '[default.database.documents.main]\nbackend = "nowhere"\n[testing.database.documents.main]\nbackend = "local"\n'
    )
    config = LexigramConfig.from_settings(path, environment="testing")

    async with Application.boot(modules=[ConnectionsModule.configure()], config=config) as app:
        manager = await app.container.resolve(ConnectionManager)
        assert manager.names == ("main",)
        assert (await app.health_check()).is_healthy()


async def test_the_health_of_an_application_has_each_connection() -> None:
    """By name."""
    async with Application.boot(modules=[ConnectionsModule.configure(TWO)]) as app:
        (result,) = (await app.health_check()).components

    assert result.component == "connections"
    assert {name: found["status"] for name, found in result.details.items()} == {"main": "healthy", "logs": "healthy"}


async def test_without_connections_an_application_runs_degraded() -> None:
    """There is nothing to export, and nothing to resolve."""
    async with Application.boot(modules=[ConnectionsModule.configure({})]) as app:
        assert (await app.health_check()).status is HealthStatus.DEGRADED
        assert not app.container.has(DocumentStoreProtocol)


async def test_a_connection_that_fails_fails_the_boot_and_closes_the_others() -> None:
    """The provider and the connection are named."""
    given = {"documents": {"a": {"backend": "local"}, "b": {"backend": "local", "provider": {"sweep_seconds": -1}}}}
    app = Application(config=LexigramConfig(database=given)).add_module(ConnectionsModule.configure())

    with pytest.raises(ProviderError, match=r"'connections' failed to boot.*documents\.b\.provider\.sweep_seconds"):
        await app.start()


async def test_events_tell_of_each_connection_and_migrations_find_the_default_one() -> None:
    """As for stores of the other module."""
    seen: list[Any] = []
    app = Application()
    app.add_module(ConnectionsModule.configure(TWO))
    app.events.subscribe(NoSQLConnectedEvent, seen.append)
    app.events.subscribe(NoSQLDisconnectedEvent, seen.append)
    async with app:
        migrations = MigrationManager("shop")
        assert await migrations.apply() == []
        assert [type(event).__name__ for event in seen] == ["NoSQLConnectedEvent"] * 2

    assert [event.database for event in seen] == ["main", "logs", "logs", "main"]


async def test_metrics_see_the_operations_of_connections() -> None:
    """Where the application has a collector."""

    class Metrics:
        def __init__(self) -> None:
            self.names: list[str] = []

        def histogram(self, name: str, value: float, tags: dict[str, str] | None = None) -> None:
            self.names.append(name)

    metrics = Metrics()

    class MetricsProvider(Provider):
        async def register(self, container: Any) -> None:
            container.singleton(MetricsCollectorProtocol, metrics, validate=False)

    async with Application.boot(providers=[MetricsProvider()], modules=[ConnectionsModule.configure(TWO)]) as app:
        manager = await app.container.resolve(ConnectionManager)
        await manager.store("logs").collection("x").insert_one({})

    assert metrics.names == ["db.client.operation.duration"]


async def test_references_are_looked_up_in_the_applications_secret_store() -> None:
    """Before the environment, where there is such a store."""
    asked: list[str] = []

    class Vault:
        async def get_secret(self, key: str) -> str | None:
            asked.append(key)
            return "7"

        async def set_secret(self, key: str, value: str) -> None: ...

        async def delete_secret(self, key: str) -> bool:
            return False

    class VaultProvider(Provider):
        async def register(self, container: Any) -> None:
            container.singleton(SecretStoreProtocol, Vault())

    given = {"documents": {"main": {"backend": "local", "provider": {"change_history": {"secret": "HISTORY"}}}}}
    async with Application.boot(providers=[VaultProvider()], modules=[ConnectionsModule.configure(given)]) as app:
        manager = await app.container.resolve(ConnectionManager)
        config: Any = manager.store().config

    assert (asked, config.change_history) == (["HISTORY"], 7)


async def test_both_modules_live_together_when_the_stores_are_left_to_one() -> None:
    """The connections are still there by name."""
    modules = [ConnectionsModule.configure(TWO, bind_stores=False), NoSQLModule.stub()]
    async with Application.boot(modules=modules) as app:
        manager = await app.container.resolve(ConnectionManager)
        assert await app.container.resolve(DocumentStoreProtocol) is not manager.store()


async def test_the_stub_puts_every_connection_in_memory() -> None:
    """Names and the default one stay; without settings there is one."""
    real = DatabaseSettings.from_dict(
        {
            "default_document_connection": "main",
            "documents": {
                "main": {"backend": "mongo", "provider": {"url": {"secret": "NOT_THERE"}}},
                "logs": {"backend": "couch"},
                "old": {"backend": "couch", "enabled": False},
            },
        }
    )
    async with Application.boot(modules=[ConnectionsModule.stub(real)]) as app:
        manager = await app.container.resolve(ConnectionManager)
        assert [(each["name"], each["backend"], each["ready"]) for each in manager.describe()] == [
            ("main", "local", True),
            ("logs", "local", True),
            ("old", "local", False),
        ]
        assert manager.default_name == "main"

    async with Application.boot(modules=[ConnectionsModule.stub()]) as app:
        assert (await app.container.resolve(DocumentStoreProtocol)).is_connected()


async def test_connections_share_their_section_with_whoever_else_claims_it() -> None:
    """Another distribution may read ``database:`` for databases of its own kind."""

    class Other(BaseConfig):
        url: str = "none"

    undo = CONFIG_SECTIONS.register("database", Other)
    try:
        config = LexigramConfig(database={"url": "other://db", **TWO})
        assert config.get_section("database", Other).url == "other://db"
        async with Application.boot(modules=[ConnectionsModule.configure()], config=config) as app:
            assert (await app.container.resolve(ConnectionManager)).default_name == "main"
        with pytest.raises(ConfigurationError, match=r"database\.documents\.main\.backend: is missing"):
            LexigramConfig(database={"documents": {"main": {}}})
    finally:
        undo()

"""Databases as a module: ``Application(modules=[DatabaseModule.configure(...)])``."""

from __future__ import annotations

from typing import Any

from lexigram.contracts.data.sql.database import ConnectionPoolProtocol, DatabaseProviderProtocol
from lexigram.di.module import DynamicModule, Module, module
from lexigram.di.provider import ProviderFactory
from lexigram.sql.config import DatabaseConfig, DataConfig
from lexigram.sql.di.provider import DatabaseProvider
from lexigram.sql.providers.database_service import DatabaseService
from lexigram.sql.query.predicates import PredicateCompiler
from lexigram.sql.sessions.session import DbSession

__all__ = ["DatabaseModule"]

_MEMORY = "sqlite:///:memory:"


@module(name="database")
class DatabaseModule(Module):
    """Binds ``DatabaseProviderProtocol``, each named database, and scoped sessions (``DbSession``)."""

    @classmethod
    def configure(
        cls, config: DatabaseConfig | str | Any = None, *, enable_query_logging: bool = False
    ) -> DynamicModule:
        """The databases that the configuration names.

        Args:
            config: The settings, or a URL; the application's ``sql:``, ``database:`` or ``db:`` section when missing.
                A mapping is validated.
            enable_query_logging: Log every statement of every database, as ``operations.echo`` does for one.
        """
        if isinstance(config, str):
            config = DatabaseConfig.from_url(config)
        elif config is not None and not isinstance(config, DatabaseConfig):
            config = DatabaseConfig.from_dict(config)
        return cls._with(config, enable_query_logging)

    @classmethod
    def stub(cls, config: DatabaseConfig | None = None) -> DynamicModule:
        """SQLite in memory, for tests: no server, no file, empty at each start.

        Args:
            config: Where the names of several databases are taken from; each becomes a database of its own in memory.
        """
        if config is None or not config.backends:
            return cls._with(DatabaseConfig.from_url(_MEMORY))
        entries = [{"name": entry.name, "primary": entry.primary, "url": _MEMORY} for entry in config.backends]
        return cls._with(DatabaseConfig.from_dict({"backends": entries}))

    @classmethod
    def _with(cls, config: DatabaseConfig | None, enable_query_logging: bool = False) -> DynamicModule:
        return DynamicModule(
            module=cls,
            providers=[ProviderFactory(lambda: DatabaseProvider(config, enable_query_logging=enable_query_logging))],
            exports=[
                DatabaseProviderProtocol,
                DatabaseService,
                DatabaseConfig,
                DataConfig,
                ConnectionPoolProtocol,
                PredicateCompiler,
                DbSession,
            ],
        )

"""Document stores as a module: ``Application(modules=[NoSQLModule.configure(...)])``."""

from __future__ import annotations

from typing import Any

from lexigram.contracts.data.nosql.nosql import DocumentStoreProtocol
from lexigram.contracts.data.nosql.nosql_repository import DocumentRepositoryProtocol
from lexigram.di.module import DynamicModule, Module, module
from lexigram.di.provider import ProviderFactory
from lexigram.nosql.config import NamedNoSQLConfig, NoSQLConfig
from lexigram.nosql.di.provider import NoSQLProvider

__all__ = ["NoSQLModule"]


@module(name="nosql")
class NoSQLModule(Module):
    """Binds ``DocumentStoreProtocol``, each named store, and ``DocumentRepositoryProtocol[T]``."""

    @classmethod
    def configure(cls, config: NoSQLConfig | Any = None, enable_ttl: bool = True) -> DynamicModule:
        """The stores that the configuration names.

        Args:
            config: The settings; the application's ``nosql:`` section when missing. A mapping is validated.
            enable_ttl: False refuses indexes with ``expire_after_seconds``.
        """
        if config is not None and not isinstance(config, NoSQLConfig):
            config = NoSQLConfig.from_dict(config)
        return cls._with(config, enable_ttl=enable_ttl)

    @classmethod
    def stub(cls, config: NoSQLConfig | None = None) -> DynamicModule:
        """A store in memory, for tests: no service, no file, empty at each start.

        Args:
            config: Where the names of several stores are taken from; each becomes a store in memory of its own, with
                the settings of its ``memory:`` section where it has one.
        """
        if config is None or not config.backends:
            return cls._with(NoSQLConfig.from_dict(_in_memory(config)))
        entries = [{"name": entry.name, "primary": entry.primary, **_in_memory(entry)} for entry in config.backends]
        return cls._with(NoSQLConfig.from_dict({"backends": entries}))

    @classmethod
    def _with(cls, config: NoSQLConfig | None, *, enable_ttl: bool = True) -> DynamicModule:
        return DynamicModule(
            module=cls,
            providers=[ProviderFactory(lambda: NoSQLProvider(config, enable_ttl=enable_ttl))],
            exports=[DocumentStoreProtocol, DocumentRepositoryProtocol, NoSQLConfig],
        )


def _in_memory(config: NoSQLConfig | NamedNoSQLConfig | None) -> dict[str, Any]:
    """The driver, and its section if there is one."""
    section = None if config is None else (config.model_extra or {}).get("memory")
    return {"driver": "memory"} if section is None else {"driver": "memory", "memory": section}

"""What ``backend = "…"`` may say, and what it makes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

from lexigram.credentials import SecretSource
from lexigram.nosql.backend import BACKENDS
from lexigram.nosql.connections.connection import Connection, StoreConnection
from lexigram.nosql.connections.settings import ConnectionSettings

__all__ = ["ALIASES", "ConnectionFactory", "ConnectionRegistry"]

ALIASES = {"mongo": "mongodb", "local": "memory"}
"""Further names of backends."""


class ConnectionFactory(Protocol):
    """Makes a connection of its settings."""

    def __call__(
        self, name: str, settings: ConnectionSettings, *, secrets: Sequence[SecretSource] | None
    ) -> Connection:
        """Make it; nothing is opened yet."""
        ...


class ConnectionRegistry:
    """Makes connections by the name of their backend.

    Every backend that is installed, or registered with ``BACKENDS.register``, is there by its name; an application may
    add factories of its own.

    Args:
        enable_ttl: False refuses indexes with ``expire_after_seconds`` on the stores.
    """

    def __init__(self, *, enable_ttl: bool = True) -> None:
        self._enable_ttl = enable_ttl
        self._factories: dict[str, ConnectionFactory] = {}

    def names(self) -> tuple[str, ...]:
        """What ``backend`` may say, sorted."""
        installed = BACKENDS.names()
        aliases = [alias for alias, name in ALIASES.items() if name in installed]
        return tuple(sorted({*installed, *aliases, *self._factories}))

    def register(self, backend: str, factory: ConnectionFactory) -> Callable[[], None]:
        """Add a factory; it takes precedence over an installed backend of that name.

        Returns:
            A function that takes it out again; calling it twice does nothing.

        Raises:
            ValueError: A factory is registered under this name.
        """
        if backend in self._factories:
            raise ValueError(f"the backend {backend!r} has a factory already; take that out first")
        self._factories[backend] = factory

        def undo() -> None:
            if self._factories.get(backend) is factory:
                del self._factories[backend]

        return undo

    def create(
        self, name: str, settings: ConnectionSettings, *, secrets: Sequence[SecretSource] | None = None
    ) -> Connection:
        """Make a connection.

        Args:
            name: Its name.
            settings: Its settings.
            secrets: Where references are looked up.

        Returns:
            The connection, not started.

        Raises:
            PluginError: No installed distribution offers the backend; says which there are, or what to install.
        """
        factory = self._factories.get(settings.backend)
        if factory is not None:
            return factory(name, settings, secrets=secrets)
        spec = BACKENDS.load(ALIASES.get(settings.backend, settings.backend))
        return StoreConnection(name, settings, spec, secrets=secrets, enable_ttl=self._enable_ttl)

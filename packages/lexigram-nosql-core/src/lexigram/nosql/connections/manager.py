"""All connections of an application: started at once, all or none, and found by name."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from os import PathLike
from typing import Any, Self

from lexigram.config.loading import Secrets
from lexigram.credentials import SecretSource
from lexigram.nosql.connections.connection import Connection, StoreConnection
from lexigram.nosql.connections.registry import ConnectionRegistry
from lexigram.nosql.connections.settings import DatabaseSettings
from lexigram.nosql.exceptions import ConnectionDisabledError, NoSQLError, UnknownConnectionError
from lexigram.nosql.store import DocumentStore
from lexigram.services import ServiceGroup
from lexigram.suggestions import did_you_mean

__all__ = ["ConnectionManager"]


class ConnectionManager(ServiceGroup):
    """The connections that the settings name.

    ``start`` opens all that are switched on, at once; when one fails, or the caller is cancelled, those that were
    opened are closed again. It belongs to the event loop that it was started on.

    Args:
        settings: The settings; no connections when missing.
        registry: What ``backend`` may say.
        secrets: Where references are looked up, in order; see :func:`lexigram.credentials.default_secrets`.

    Raises:
        PluginError: A backend is not installed or cannot be used.
    """

    def __init__(
        self,
        settings: DatabaseSettings | None = None,
        *,
        registry: ConnectionRegistry | None = None,
        secrets: Sequence[SecretSource] | None = None,
    ) -> None:
        super().__init__("connections")
        self._settings = DatabaseSettings() if settings is None else settings
        self._registry = ConnectionRegistry() if registry is None else registry
        self._secrets = secrets
        self._connections: dict[str, Connection] = {}
        self._make()

    @classmethod
    def from_settings(
        cls,
        path: str | PathLike[str] = "settings.toml",
        *,
        environment: str | None = None,
        registry: ConnectionRegistry | None = None,
        secrets: Sequence[SecretSource] | None = None,
        file_secrets: Secrets = None,
    ) -> Self:
        """The connections of a settings file with a layer for each environment. Reads the file, so it blocks.

        Args:
            path: The file.
            environment: Whose layer counts; ``LEX_ENV``, else ``APP_ENV``, else ``development`` if not given.
            registry: What ``backend`` may say.
            secrets: Where ``{ secret = "NAME" }`` is looked up.
            file_secrets: Where ``${secret:NAME}`` is looked up.

        Raises:
            ConfigurationError: The file cannot be read, or a setting does not fit.
            PluginError: A backend is not installed or cannot be used.
        """
        settings = DatabaseSettings.from_settings(path, environment=environment, secrets=file_secrets)
        return cls(settings, registry=registry, secrets=secrets)

    @property
    def settings(self) -> DatabaseSettings:
        """The settings."""
        return self._settings

    @property
    def names(self) -> tuple[str, ...]:
        """The names of all connections, also of those that are switched off."""
        return tuple(self._settings.documents)

    @property
    def connections(self) -> Mapping[str, Connection]:
        """The connections that are switched on, by name."""
        return dict(self._connections)

    @property
    def default_name(self) -> str | None:
        """The connection that is meant when no name is given, or None where that is not clear."""
        return self._settings.default_name

    def get(self, name: str | None = None) -> Connection:
        """A connection; it need not have been started.

        Args:
            name: Its name; the default connection when missing.

        Raises:
            UnknownConnectionError: There is none of this name, or no default; lists the names that there are.
            ConnectionDisabledError: The settings switch it off.
        """
        wanted = self.default_name if name is None else name
        found = None if wanted is None else self._connections.get(wanted)
        if found is not None:
            return found
        known = f"there are: {', '.join(self.names)}" if self.names else "the settings name none"
        if wanted is None:
            raise UnknownConnectionError(
                f"no connection is the default one; {known}",
                hint="Give a name, or set default_document_connection.",
            )
        if wanted in self._settings.documents:
            raise ConnectionDisabledError(
                f"the connection {wanted!r} is switched off",
                hint=f"Set database.documents.{wanted}.enabled to true.",
                connection=wanted,
            )
        raise UnknownConnectionError(
            f"there is no connection {wanted!r}{did_you_mean(wanted, self.names)}; {known}", connection=wanted
        )

    def store(self, name: str | None = None) -> DocumentStore:
        """The portable store of a connection.

        Args:
            name: The connection's name; the default one when missing.

        Raises:
            UnknownConnectionError: As for :meth:`get`.
            ConnectionDisabledError: As for :meth:`get`.
            NoSQLError: A factory of the application's own made the connection, and it has no store.
        """
        connection = self.get(name)
        if isinstance(connection, StoreConnection):
            return connection.store
        raise NoSQLError(
            f"the connection {connection.name!r} is a {type(connection).__name__}, which has no document store",
            hint="Use get_database() for its own handle.",
        )

    async def get_database(self, name: str | None = None) -> Any:
        """The SDK's own handle of a connection; waits for it while the connection is being started.

        Args:
            name: The connection's name; the default one when missing.

        Raises:
            UnknownConnectionError: As for :meth:`get`.
            ConnectionDisabledError: As for :meth:`get`.
            StoreNotConnectedError: It has not been started.
        """
        return await self.get(name).get_database()

    def look_up_in(self, *secrets: SecretSource) -> None:
        """Look references up elsewhere from the next connect on.

        Args:
            *secrets: Where, in order.
        """
        self._secrets = secrets
        for connection in self._connections.values():
            connection.secrets = secrets

    def describe(self) -> tuple[Mapping[str, Any], ...]:
        """Of each connection its name, backend, whether it is switched on, ready, and the default one."""
        return tuple(
            {
                "name": name,
                "backend": settings.backend,
                "enabled": settings.enabled,
                "ready": name in self._connections and self._connections[name].is_ready(),
                "default": name == self.default_name,
            }
            for name, settings in self._settings.documents.items()
        )

    async def clear(self) -> None:
        """Stop all connections and forget them; the next start makes new ones. For tests."""
        try:
            await self.stop()
        finally:
            await asyncio.to_thread(self._make)

    def _make(self) -> None:
        made = {
            name: self._registry.create(name, settings, secrets=self._secrets)
            for name, settings in self._settings.documents.items()
            if settings.enabled
        }
        self._connections = made
        self._members = dict(made)

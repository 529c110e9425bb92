"""One connection: its life, its credentials, its store."""

# ruff: noqa: ASYNC109 - the documented methods take their time limit as a parameter

from __future__ import annotations

import asyncio
import logging
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any, cast

from lexigram.config.tree import SecretText
from lexigram.contracts.core.health import HealthCheckResult
from lexigram.contracts.exceptions.config import ConfigurationError
from lexigram.credentials import Credential, SecretReference, SecretSource
from lexigram.nosql.backend import BackendConfig, BackendSpec
from lexigram.nosql.connections.settings import ConnectionSettings
from lexigram.nosql.connections.store import RenewableStore
from lexigram.nosql.exceptions import AuthenticationFailedError, StoreNotConnectedError
from lexigram.nosql.store import DocumentStore
from lexigram.services import Service, ServiceState

__all__ = ["Connection", "StoreConnection"]

_log = logging.getLogger("lexigram.nosql")


class Connection(Service, ABC):
    """Base of connections. For a backend of an installed distribution it is a :class:`StoreConnection`.

    Args:
        name: Its name in the settings.
        settings: Its settings.
        secrets: Where references are looked up; see :func:`lexigram.credentials.default_secrets`.
    """

    def __init__(
        self, name: str, settings: ConnectionSettings, *, secrets: Sequence[SecretSource] | None = None
    ) -> None:
        super().__init__(name, enabled=settings.enabled, start_timeout=settings.start_timeout)
        self.settings = settings
        self.secrets = secrets

    async def get_database(self) -> Any:
        """The SDK's own handle; waits for it while the connection is being started.

        Raises:
            StoreNotConnectedError: The connection has not been started.
        """
        if self.state is ServiceState.STARTING:
            await self.wait_ready()
        if not self.is_ready():
            raise StoreNotConnectedError(
                f"the connection {self.name!r} is {self.state}",
                hint="Await start() first, of the connection or of its manager.",
                backend=self.settings.backend,
            )
        return await self._native()

    @abstractmethod
    async def _native(self) -> Any:
        """The handle, of a connection that is ready."""


class StoreConnection(Connection):
    """A connection to a backend, with the portable store on it.

    Args:
        name: Its name in the settings.
        settings: Its settings.
        spec: The backend.
        secrets: Where references are looked up.
        enable_ttl: False refuses indexes with ``expire_after_seconds``.
    """

    def __init__(
        self,
        name: str,
        settings: ConnectionSettings,
        spec: BackendSpec,
        *,
        secrets: Sequence[SecretSource] | None = None,
        enable_ttl: bool = True,
    ) -> None:
        super().__init__(name, settings, secrets=secrets)
        self._spec = spec
        self._renewing: asyncio.Task[None] | None = None
        self._store = RenewableStore(
            spec,
            _portable_part(spec, settings),
            self._configured,
            self._renew_soon,
            name=name,
            enable_ttl=enable_ttl,
        )

    @property
    def store(self) -> DocumentStore:
        """The portable store; its collections can be had before the start."""
        return self._store

    @property
    def spec(self) -> BackendSpec:
        """The backend."""
        return self._spec

    async def renew(self) -> bool:
        """Look up the credentials, and replace the connection if they have changed.

        Operations that run on the old one may finish (``drain_timeout``); cursors and transactions end with it.

        Returns:
            True if there is a new connection.

        Raises:
            NoSQLConnectionError: The new connection failed; the old one stays.
            ConfigurationError: A secret is missing.
        """
        return await self._store.renew(self.settings.drain_timeout)

    async def _native(self) -> Any:
        return self._store.native

    async def _open(self) -> None:
        await self._store.connect()

    async def _close(self) -> None:
        renewing, self._renewing = self._renewing, None
        if renewing is not None:
            renewing.cancel()
            await asyncio.wait([renewing])
        await self._store.disconnect()

    async def _check(self, timeout: float) -> HealthCheckResult:
        result = await self._store.health_check(timeout)
        if result.error == AuthenticationFailedError().code:
            self._renew_soon()
        return result

    async def _configured(self) -> BackendConfig:
        """The backend's settings as of now."""
        provider, model = self.settings.provider, self._spec.config
        url = None
        if provider.url is not None and model.connection_setting("url") is not None:
            url = await provider.url.get(self.secrets)
        options: dict[str, Any] = {}
        for key, value in provider.options.items():
            credential = _credential_in(value)
            options[key] = value if credential is None else await credential.get(self.secrets)
        return model.from_connection(
            url, provider.database_name, options, where=("database", "documents", self.name, "provider")
        )

    def _renew_soon(self) -> None:
        """Renew in the background, once however many operations were refused."""
        if self._renewing is None or self._renewing.done():
            self._renewing = asyncio.get_running_loop().create_task(self._try_renewing(), name=f"renew {self.name}")

    async def _try_renewing(self) -> None:
        try:
            if await self.renew():
                _log.info("the connection %r was opened anew with changed credentials", self.name)
            else:
                _log.warning("the connection %r was refused, and its credentials have not changed", self.name)
        except ConfigurationError as error:
            _log.error("the connection %r was refused, and its credentials cannot be looked up: %s", self.name, error)
        except Exception:  # noqa: BLE001 - logged; the next refusal tries again
            _log.exception("the connection %r was refused, and could not be opened anew", self.name)


def _credential_in(value: Any) -> Credential | None:
    """A setting of the backend that has to be looked up."""
    if isinstance(value, Mapping):
        entries = cast("Mapping[str, Any]", value)
        name = entries.get("secret")
        return Credential(SecretReference(name)) if len(entries) == 1 and isinstance(name, str) and name else None
    return Credential(value) if isinstance(value, SecretText | Credential) else None


def _portable_part(spec: BackendSpec, settings: ConnectionSettings) -> BackendConfig:
    """What every backend's settings have, without what needs a secret; the store wants it before it connects."""
    known = BackendConfig.model_fields
    own = {
        name: field.get_default(call_default_factory=True)
        for name, field in spec.config.model_fields.items()
        if name in known
    }
    given = {name: value for name, value in settings.provider.options.items() if name in known}
    return BackendConfig.from_dict(own | {k: v for k, v in given.items() if _credential_in(v) is None})

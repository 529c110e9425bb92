"""What a service may have to be told of the application's life; each is optional."""

from __future__ import annotations

from typing import Any, Protocol, runtime_checkable

__all__ = [
    "OnApplicationBootstrapProtocol",
    "OnApplicationShutdownProtocol",
    "OnBeforeShutdownProtocol",
    "OnConfigReloadProtocol",
    "OnModuleInitProtocol",
]


@runtime_checkable
class OnModuleInitProtocol(Protocol):
    """Told when its module is complete."""

    async def on_module_init(self) -> None:
        """The module's providers have booted."""
        ...


@runtime_checkable
class OnApplicationBootstrapProtocol(Protocol):
    """Told when the application is about to serve."""

    async def on_application_bootstrap(self) -> None:
        """Every provider has booted."""
        ...


@runtime_checkable
class OnBeforeShutdownProtocol(Protocol):
    """Told before anything is stopped."""

    async def on_before_shutdown(self) -> None:
        """The application is about to stop; every service still works."""
        ...


@runtime_checkable
class OnApplicationShutdownProtocol(Protocol):
    """Told when the application has stopped."""

    async def on_application_shutdown(self, signal: str | None = None) -> None:
        """The providers are shut down; *signal* is what asked for it, such as ``SIGTERM``."""
        ...


@runtime_checkable
class OnConfigReloadProtocol(Protocol):
    """Told when the configuration was read anew."""

    async def on_config_reload(self, config: Any) -> None:
        """The new configuration holds from now on."""
        ...

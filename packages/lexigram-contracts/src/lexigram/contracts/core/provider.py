"""What an application asks of a provider, and the order in which providers start."""

# ruff: noqa: ASYNC109 - the documented methods take their time limit as a parameter

from __future__ import annotations

from enum import IntEnum, StrEnum
from typing import Any, Protocol, runtime_checkable

from lexigram.contracts.core.di import ContainerRegistrarProtocol, ContainerResolverProtocol
from lexigram.contracts.core.health import HealthCheckResult

__all__ = ["ProviderPriority", "ProviderProtocol", "ProviderState"]


class ProviderPriority(IntEnum):
    """When a provider boots: the lowest first. Any int between two names works as well."""

    CRITICAL = 0
    INFRASTRUCTURE = 10
    SECURITY = 20
    NORMAL = 30
    APPLICATION = 40
    DOMAIN = 50
    PRESENTATION = 80
    COMMS = 90
    LOW = 100


class ProviderState(StrEnum):
    """How far a provider has come."""

    CREATED = "created"
    REGISTERED = "registered"
    BOOTED = "booted"
    SHUTDOWN = "shutdown"


@runtime_checkable
class ProviderProtocol(Protocol):
    """A part of the application that registers services, starts them and stops them."""

    @property
    def name(self) -> str:
        """A name, unique in the application."""
        ...

    @property
    def priority(self) -> int:
        """When it boots; see :class:`ProviderPriority`."""
        ...

    async def register(self, container: ContainerRegistrarProtocol) -> None:
        """Say how the services are made. Nothing can be resolved yet."""
        ...

    async def boot(self, container: ContainerResolverProtocol) -> None:
        """Start what must run, such as connections."""
        ...

    async def shutdown(self) -> None:
        """Stop what :meth:`boot` started. Called in reverse order of booting."""
        ...

    async def on_error(self, error: BaseException, phase: str) -> Any:
        """Told of a failure of its own in ``register``, ``boot`` or ``shutdown``, before it goes on."""
        ...

    async def health_check(self, timeout: float = 5.0) -> HealthCheckResult:
        """Whether what it started works, within *timeout* seconds."""
        ...

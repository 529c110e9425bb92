"""Providers: the parts of an application that register services, start them and stop them.

::

    class SearchProvider(Provider):
        name = "search"
        priority = ProviderPriority.INFRASTRUCTURE
        dependencies = ("nosql",)
        config_key = "search"
        config_model = SearchConfig

        async def register(self, container: ContainerRegistrarProtocol) -> None:
            container.singleton(SearchProtocol, SearchClient)

        async def boot(self, container: ContainerResolverProtocol) -> None:
            self._client = await container.resolve(SearchProtocol)
            await self._client.connect()

        async def shutdown(self) -> None:
            await self._client.disconnect()

The application calls ``register`` of all providers, freezes the container, calls ``boot`` of those that depend on
nothing, then of those that depend on them, and ``shutdown`` in reverse. Where nobody waits for anybody, the lower
``priority`` boots first, and equal ones at the same time.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Self

from lexigram.contracts.core.di import ContainerRegistrarProtocol, ContainerResolverProtocol
from lexigram.contracts.core.health import HealthCheckResult, HealthStatus
from lexigram.contracts.core.provider import ProviderPriority, ProviderProtocol, ProviderState

__all__ = ["Hosting", "Provider", "ProviderFactory", "ProviderPriority", "ProviderProtocol", "ProviderState"]


@dataclass(frozen=True, slots=True)
class Hosting:
    """The application that a provider belongs to, or belonged to last.

    Attributes:
        app_name: Its name.
        section: What it read of its configuration for the provider; None if that had one of its own.
        holder: What takes the provider through its life there, as long as it is needed.
    """

    app_name: str
    section: Any
    holder: Callable[[], object | None]


class Provider:
    """Base of providers; each method may be left as it is. Implements ``ProviderProtocol``.

    Attributes:
        name: Unique in the application; the class's name where it is not set.
        priority: When it boots among those that do not wait for each other: the lowest first.
        dependencies: Providers, by name or class, that must have booted before it.
        optional_dependencies: The same for providers that may be absent, or fail where they are not required.
        boot_timeout: Seconds that ``boot`` may take; None for no limit.
        shutdown_timeout: Seconds that ``shutdown`` may take; None for the ``shutdown_timeout`` of the application's
            configuration, which is 60 unless it says otherwise.
        required: False lets the application run, degraded, when this provider fails to boot.
        config_key: The section of the configuration that it reads.
        config_aliases: Other names that the section may have; only one of them may be there.
        config_model: What that section is read into.
        config: The section, set by the application before ``register`` unless it is set already.
        state: How far it has come; kept by the application.
        hosting: The application that it belongs to; kept by the application.
    """

    name: str = ""
    priority: int = ProviderPriority.NORMAL
    dependencies: Sequence[str | type[Provider]] = ()
    optional_dependencies: Sequence[str | type[Provider]] = ()
    boot_timeout: float | None = None
    shutdown_timeout: float | None = None
    required: bool = True
    config_key: str | None = None
    config_aliases: Sequence[str] = ()
    config_model: type[Any] | None = None
    config: Any = None
    state: ProviderState = ProviderState.CREATED
    hosting: Hosting | None = None

    def __init__(self, config: Any = None) -> None:
        if config is not None:
            self.config = config

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        own = next((base for base in cls.__mro__ if base.__dict__.get("name")), None)
        if own is None or own.__dict__["name"] == own.__name__:
            cls.name = cls.__dict__.get("name") or cls.__name__

    @classmethod
    def from_config(cls, config: Any, **context: Any) -> Self:
        """Make a provider of its section of the configuration.

        Args:
            config: The section, as ``config_model``.
            **context: Further arguments of the class.
        """
        return cls(config, **context)

    @property
    def enabled(self) -> bool:
        """False when the configuration switches it off; its module may then lack what it exports."""
        return getattr(self.config, "enabled", True) is not False

    async def register(self, container: ContainerRegistrarProtocol) -> None:
        """Say how the services are made. Nothing can be resolved yet."""

    async def boot(self, container: ContainerResolverProtocol) -> None:
        """Start what must run, such as connections. What it cannot finish, it takes back itself."""

    async def shutdown(self) -> None:
        """Stop what :meth:`boot` started. Called only where ``boot`` succeeded."""

    async def on_error(self, error: BaseException, phase: str) -> Any:
        """Told of a failure of its own, before it goes on.

        Args:
            error: What was raised.
            phase: ``register``, ``boot`` or ``shutdown``.
        """

    async def health_check(self, timeout: float = 5.0) -> HealthCheckResult:  # noqa: ASYNC109 - the contract's name
        """Whether what it started works; by default, whether it has booted.

        Args:
            timeout: Seconds that the check may take.
        """
        del timeout
        if self.state is ProviderState.BOOTED:
            return HealthCheckResult(self.name)
        return HealthCheckResult(self.name, HealthStatus.UNHEALTHY, message=f"the provider is {self.state}")

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.name!r} {self.state}>"


@dataclass(frozen=True, slots=True, eq=False)
class ProviderFactory:
    """Makes a provider; each application that lists it has one of its own.

    What a module's ``configure()`` or ``stub()`` returns may stand in a decorator, and so in several applications that
    run at once. A provider cannot be in two, but this can.

    Attributes:
        make: Makes the provider.
    """

    make: Callable[[], Provider]

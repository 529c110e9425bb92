"""The application: providers and modules, brought to life in order and stopped in reverse.

::

    async with Application.boot(modules=[NoSQLModule.configure(), CatalogueModule]) as app:
        products = await app.container.resolve(ProductService)

or as a program, until a signal comes::

    app = Application("shop")
    app.add_module(NoSQLModule.configure())
    app.add_provider(WebProvider())
    app.run()

Starting goes: modules are put together, the configuration's sections are handed out, providers register, the container
is checked as a whole and frozen, providers boot level after level. If any of that fails, what has started is stopped
again and the error says which provider it was. Stopping is the exact reverse: services that were made after a provider
booted are closed before it is shut down. An application is started once; make a new one to start again.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager
from contextvars import ContextVar, Token
from types import ModuleType, TracebackType
from typing import TYPE_CHECKING, Any, Self, TypeVar, overload

from typing_extensions import TypeForm

from lexigram.app.checks import check_providers, check_readiness, check_state
from lexigram.app.discovery import discovered
from lexigram.app.entries import Entry, Parts, collect_parts
from lexigram.app.events import (
    HOOKS,
    ApplicationStarted,
    ApplicationStarting,
    ApplicationStopped,
    ApplicationStopping,
    HealthCheckCompleted,
    LifecycleEvent,
)
from lexigram.app.lifecycle import Lifecycle
from lexigram.app.notices import listeners, notify, notify_all
from lexigram.app.ordering import boot_levels
from lexigram.app.running import run_application
from lexigram.app.states import ApplicationStateError, AppState
from lexigram.config import LexigramConfig
from lexigram.contracts.core.config import ConfigProtocol
from lexigram.contracts.core.hooks import HookRegistryProtocol
from lexigram.contracts.core.result import Err
from lexigram.contracts.events.protocols import EventBusProtocol
from lexigram.contracts.exceptions.container import ContainerError
from lexigram.contracts.exceptions.provider import ProviderError
from lexigram.di.container import Container
from lexigram.di.module.base import DynamicModule
from lexigram.di.module.graph import ModuleGraph, ModuleNode, ModuleSource
from lexigram.di.provider import Provider
from lexigram.di.resolver import Resolver, active_resolver
from lexigram.di.scope import deactivate
from lexigram.events import EventBus
from lexigram.health import AggregateHealthResult, HealthCheckCategory
from lexigram.hooks import HookRegistry
from lexigram.services.readiness import ReadinessRegistry

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["AppState", "Application", "ApplicationStateError", "create_app", "run_application"]

R = TypeVar("R")
T = TypeVar("T")

DEFAULT_NAME = "lexigram-app"

ProviderSource = Provider | type[Any]
"""What may be listed as a provider: an object, a provider's class, or a class that becomes a service."""


# A variable, and not the task that stops it: what is called meanwhile may run in tasks of its own.
_stopping: ContextVar[tuple[Application, ...]] = ContextVar("lexigram_stopping", default=())


class Application:
    """An application.

    Args:
        name: Its name; the configuration's ``app_name`` if that is set and this is not.
        config: Its configuration; read from files and environment (``LexigramConfig.from_env_profile()``) when it is
            first needed, if not given.
        testing: Whether services may be overridden in its container.
    """

    def __init__(
        self, name: str = DEFAULT_NAME, config: LexigramConfig | None = None, *, testing: bool = False
    ) -> None:
        self._name = name
        self._config = config
        self._container = Container(testing_mode=testing)
        self._hooks = HookRegistry()
        self._events = EventBus()
        self._readiness = ReadinessRegistry()
        self._state = AppState.CREATED
        self._listed_providers: list[ProviderSource] = []
        self._listed_modules: list[ModuleSource] = []
        self._modules = ModuleGraph()
        self._entries: list[Entry] = []
        self._lifecycle: Lifecycle | None = None
        self._module_told: list[ModuleNode] = []
        self._told_of_start = False
        self._stop_reason: str | None = None
        self._active: Token[Resolver | None] | None = None
        self._stop_requested = asyncio.Event()
        self._stopped = asyncio.Event()

    @classmethod
    @asynccontextmanager
    async def boot(
        cls,
        name: str | None = None,
        providers: Iterable[ProviderSource] = (),
        modules: Iterable[ModuleSource] = (),
        config: LexigramConfig | None = None,
        *,
        testing: bool = False,
    ) -> AsyncGenerator[Self]:
        """Make an application, start it, and stop it at the end of the ``async with`` block, whatever happens there.

        Args:
            name: Its name.
            providers: Providers, and classes that become services.
            modules: Modules.
            config: Its configuration.
            testing: Whether services may be overridden in its container.

        Yields:
            The running application.
        """
        app = cls(name or DEFAULT_NAME, config, testing=testing)
        app.add_providers(*providers)
        app.add_modules(*modules)
        await app.start()
        try:
            yield app
        finally:
            await app.stop()

    @property
    def name(self) -> str:
        """The application's name."""
        if self._name == DEFAULT_NAME and self._config is not None:
            return self._config.app_name
        return self._name

    @property
    def state(self) -> AppState:
        """Where it is in its life."""
        return self._state

    @property
    def is_running(self) -> bool:
        """True between the end of starting and the beginning of stopping."""
        return self._state is AppState.RUNNING

    @property
    def config(self) -> LexigramConfig:
        """The configuration; reads it if that has not happened yet.

        Starting reads it in a thread. On an event loop, ask for it after that, or give one to the constructor.
        """
        if self._config is None:
            self._config = LexigramConfig.from_env_profile()
        return self._config

    @property
    def container(self) -> Container:
        """The container."""
        return self._container

    @property
    def hooks(self) -> HookRegistryProtocol:
        """Where hooks are fired: what is registered under ``HookRegistryProtocol``."""
        return self._registered(HookRegistryProtocol, self._hooks)

    @property
    def events(self) -> EventBusProtocol:
        """Where events are published: what is registered under ``EventBusProtocol``."""
        return self._registered(EventBusProtocol, self._events)

    @property
    def logger(self) -> logging.Logger:
        """A logger of the application's name."""
        return logging.getLogger(self.name)

    @property
    def providers(self) -> tuple[Provider, ...]:
        """The providers in the order of booting; before the start, those that were added."""
        if self._state is AppState.CREATED:
            return tuple(p for p in self._listed_providers if isinstance(p, Provider))
        return tuple(entry.provider for entry in self._entries)

    @property
    def modules(self) -> tuple[type[Any], ...]:
        """The classes of the modules, imports first; empty before the start."""
        return tuple(node.module for node in self._modules)

    @property
    def shutdown_errors(self) -> tuple[ProviderError, ...]:
        """What went wrong while stopping, in order; it was logged as well."""
        return () if self._lifecycle is None else tuple(self._lifecycle.errors)

    def add_provider(self, provider: ProviderSource) -> Self:
        """Add a provider: an object, or a class that needs no arguments; or a class that becomes a service.

        Raises:
            ApplicationStateError: The application has been started.
        """
        self._expect_created("add a provider to")
        self._listed_providers.append(provider)
        return self

    def add_providers(self, *providers: ProviderSource) -> Self:
        """Add several providers; see :meth:`add_provider`."""
        for provider in providers:
            self.add_provider(provider)
        return self

    def discover_providers(self, *packages: str | ModuleType) -> Self:
        """Add the providers that packages define, and their classes under ``@singleton``, ``@scoped`` and the like.

        Imports every module of the packages, so it blocks; call it before the start, where no event loop waits.

        Args:
            *packages: Import names, such as ``"shop.providers"``, or the packages themselves.

        Raises:
            ApplicationError: A module cannot be imported.
            ApplicationStateError: The application has been started.
        """
        self._expect_created("add providers to")
        for package in packages:
            for cls in discovered(package):
                if cls not in self._listed_providers:
                    self.add_provider(cls)
        return self

    def add_module(self, module: ModuleSource) -> Self:
        """Add a module: a class, or what its ``configure()``, ``scope()`` or ``stub()`` returns.

        Raises:
            ApplicationStateError: The application has been started.
        """
        self._expect_created("add a module to")
        self._listed_modules.append(module)
        return self

    def add_modules(self, *modules: ModuleSource) -> Self:
        """Add several modules; see :meth:`add_module`."""
        for module in modules:
            self.add_module(module)
        return self

    async def start(self) -> None:
        """Start it. When that fails, or is cancelled, what has started is stopped again.

        Raises:
            ApplicationStateError: It has been started before.
            ProviderError: A provider failed to register or to boot; it names the provider and chains the failure.
            ModuleError: The modules do not fit together.
            ContainerValidationError: Services are missing, circular, or held beyond their scope.
            ConfigurationError: The configuration cannot be read, or a section does not fit its provider.
        """
        self._expect_created("start")
        self._state = AppState.STARTING
        try:
            if self._config is None:
                self._config = await asyncio.to_thread(LexigramConfig.from_env_profile)
            await self._start()
            self._state = AppState.RUNNING
            self._active = active_resolver.set(self._container)
            await self._tell(ApplicationStarted(app_name=self.name))
        except BaseException:
            if self._state is AppState.STARTING:
                await self._stop()
            else:
                await self.stop()
            raise

    async def stop(self) -> None:
        """Stop it; errors on the way are logged and kept in :attr:`shutdown_errors`. Safe to call twice.

        A second caller waits until it has stopped; but what is called while it stops, a provider's ``shutdown`` for
        instance, cannot wait for that, and comes back at once.

        Raises:
            ApplicationStateError: It is being started; cancel that instead.
        """
        if self._state is AppState.STARTING:
            raise ApplicationStateError(
                f"{self.name} is being started and cannot be stopped yet", hint="Cancel the task that starts it."
            )
        if self._state in {AppState.STOPPING, AppState.STOPPED}:
            if self not in _stopping.get():
                await self._stopped.wait()
            return
        deactivate(self._active)
        await self._stop()

    def request_stop(self, reason: str | None = None) -> None:
        """Tell the application, when it runs as a program, to stop. Returns at once.

        Args:
            reason: Why, for services with ``on_application_shutdown``; the name of the signal when one came.
        """
        self._stop_reason = reason
        self._stop_requested.set()

    async def wait_for_stop_request(self) -> None:
        """Wait until :meth:`request_stop` is called."""
        await self._stop_requested.wait()

    @overload
    def run(self) -> None: ...
    @overload
    def run(self, main: Callable[[Application], Awaitable[R]]) -> R | None: ...
    def run(self, main: Callable[[Application], Awaitable[Any]] | None = None) -> Any:
        """Run it as a program; see :func:`run_application`."""
        if main is None:
            return run_application(self)
        return run_application(self, main)

    async def health_check(self, timeout: float = 5.0) -> AggregateHealthResult:  # noqa: ASYNC109 - the contract's name
        """The health of the providers, which are asked at once; as bad as the worst of them.

        Args:
            timeout: Seconds that each of them may take.

        Returns:
            A result for each provider; none before the start and after the end.
        """
        running = self._entries if self._state in {AppState.RUNNING, AppState.STOPPING} else []
        result = await check_providers(running, timeout)
        components = {found.component: found.status.value for found in result.components}
        await self._tell(HealthCheckCompleted(app_name=self.name, status=result.status.value, components=components))
        return result

    async def liveness_check(self) -> AggregateHealthResult:
        """Whether the process works at all, so that it need not be killed; providers are not asked."""
        return AggregateHealthResult((check_state(self.name, self._state, HealthCheckCategory.LIVENESS),))

    async def readiness_check(self, timeout: float = 5.0) -> AggregateHealthResult:  # noqa: ASYNC109 - the contract's name
        """Whether it can serve: it runs, so do its providers, and the checks in its ``ReadinessRegistry`` agree.

        Args:
            timeout: Seconds that each provider and each check may take.
        """
        own = check_state(self.name, self._state, HealthCheckCategory.READINESS)
        if not self.is_running:
            return AggregateHealthResult((own,))
        health, checks = await asyncio.gather(
            self.health_check(timeout), check_readiness(self._registered(ReadinessRegistry, self._readiness), timeout)
        )
        return AggregateHealthResult((own, *health.components, *checks))

    async def startup_check(self) -> AggregateHealthResult:
        """Whether it has finished starting; providers are not asked."""
        return AggregateHealthResult((check_state(self.name, self._state, HealthCheckCategory.STARTUP),))

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.stop()

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.name!r} {self._state}>"

    async def _start(self) -> None:
        self._bind_own()
        await self._tell(ApplicationStarting(app_name=self.name))
        self._modules = ModuleGraph(self._listed_modules)
        self._container.set_borders(self._modules)
        parts = collect_parts(self._listed_providers, self._modules)
        levels = boot_levels(parts.entries, self._modules)
        self._entries = [entry for level in levels for entry in level]
        for owner, service in parts.services:
            self._container.view(owner).register(service)
        self._lifecycle = Lifecycle(self.name, self._container, levels, self._tell, self.config.shutdown_timeout)
        await self._lifecycle.register(self.config)
        self._verify_exports(parts)
        self._container.freeze()
        await self._lifecycle.boot()
        for node in self._modules:
            if (told := getattr(node.module, "on_module_booted", None)) is not None:
                self._module_told.append(node)
                await told(self._container.view(node.module))
        self._told_of_start = True
        found = listeners(self._container, self._entries)
        for owner, listener in found:
            if owner is not None:
                await notify(listener, "on_module_init")
        for _, listener in found:
            await notify(listener, "on_application_bootstrap")

    async def _stop(self) -> None:
        """Stop whatever has started; a cancellation on the way is passed on at the end."""
        self._state = AppState.STOPPING
        within = _stopping.set((*_stopping.get(), self))
        steps: list[Callable[[], Awaitable[None]]] = [lambda: self._tell(ApplicationStopping(app_name=self.name))]
        found = listeners(self._container, self._entries) if self._told_of_start else []
        steps.append(lambda: notify_all(found, "on_before_shutdown"))
        steps += [_shutdown_of(node) for node in reversed(self._module_told)]
        if self._lifecycle is not None:
            steps.append(self._lifecycle.shutdown)
        steps.append(self._container.dispose)
        steps.append(lambda: notify_all(found, "on_application_shutdown", self._stop_reason))
        steps.append(lambda: self._tell(ApplicationStopped(app_name=self.name)))
        interruption: BaseException | None = None
        for step in steps:
            try:
                await step()
            except Exception:
                self.logger.exception("a step of stopping %s failed", self.name)
            except BaseException as interrupted:  # noqa: BLE001 - raised below, when everything is stopped
                interruption = interruption or interrupted
        _stopping.reset(within)
        self._state = AppState.STOPPED
        self._stopped.set()
        if interruption is not None:
            raise interruption

    def _bind_own(self) -> None:
        """Register what every application offers, unless the caller registered something of his own."""
        own: list[tuple[Any, Any]] = [
            (Application, self),
            (LexigramConfig, self.config),
            (ConfigProtocol, self.config),
            (HookRegistryProtocol, self._hooks),
            (EventBusProtocol, self._events),
            (ReadinessRegistry, self._readiness),
        ]
        own += [(type(value), value) for value in (self, self.config)]  # perhaps classes of the caller's own
        for key, value in own:
            if not self._container.has(key):
                self._container.singleton(key, value)

    def _verify_exports(self, parts: Parts) -> None:
        """Check that modules have what they export; one whose provider is switched off need not."""
        switched_off = {entry.owner for entry in parts.entries if not entry.provider.enabled}
        self._modules.verify_exports(self._container.keys_of, unless=switched_off)

    def _registered(self, key: TypeForm[T], own: T) -> T:
        try:
            return self._container.resolve_sync(key)
        except ContainerError:
            return own  # nothing is registered yet, or what is has not been made

    async def _tell(self, event: LifecycleEvent) -> None:
        """Fire an event's hook and publish it; what handlers do wrong is logged."""
        hooks, events = self.hooks, self.events
        await hooks.call_action(HOOKS[type(event)], payload=event)
        try:
            result = await events.publish(event)
        except Exception:
            self.logger.exception("publishing %s failed", type(event).__name__)
            return
        if isinstance(result, Err):
            self.logger.warning("%s", result.error)

    def _expect_created(self, what: str) -> None:
        if self._state is not AppState.CREATED:
            raise ApplicationStateError(
                f"cannot {what} {self.name}: it is {self._state}",
                hint="Do that before the start; to start again, make a new application.",
            )


def _shutdown_of(node: ModuleNode) -> Callable[[], Awaitable[None]]:
    async def tell() -> None:
        if (told := getattr(node.module, "on_module_shutdown", None)) is not None:
            await told()

    return tell


def create_app(
    name: str = DEFAULT_NAME,
    providers: Sequence[ProviderSource] = (),
    modules: Sequence[type[Any] | DynamicModule] = (),
    config: LexigramConfig | None = None,
) -> Application:
    """Make an application of its parts; see :class:`Application`."""
    return Application(name, config).add_providers(*providers).add_modules(*modules)

"""Asking: what the container, its scopes and the modules' views of it have in common."""

from __future__ import annotations

import inspect
import weakref
from collections.abc import Callable
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, TypeVar, cast

from dishka import AsyncContainer
from typing_extensions import TypeForm

from lexigram.contracts.core.di import ContainerResolverProtocol
from lexigram.contracts.core.scopes import ServiceScope
from lexigram.contracts.exceptions.container import ContainerError, DependencyError, ScopedResolutionError
from lexigram.di.binding import Binding, Owner
from lexigram.di.graph import Graph, Place
from lexigram.di.instances import Instances, making
from lexigram.di.keys import Key, Request, parse_request
from lexigram.di.markers import MISSING
from lexigram.di.registry import Registry
from lexigram.di.signature import Dependency, dependencies_of, describe_callable

if TYPE_CHECKING:
    from lexigram.di.scope import Scope

__all__ = ["Engine", "Level", "Resolver", "active_resolver"]

T = TypeVar("T")

active_resolver: ContextVar[Resolver | None] = ContextVar("lexigram_active_resolver", default=None)
"""Where functions under ``@inject`` get services: the innermost open scope, else the running application."""


class Engine:
    """What a container, its scopes and its views share.

    Args:
        testing: Whether services may be overridden.
    """

    def __init__(self, *, testing: bool = False) -> None:
        self.registry = Registry()
        self.testing = testing
        self.frozen = False
        self.root = Level(self, Instances("the container"))
        self.scopes: weakref.WeakSet[Scope] = weakref.WeakSet()
        self._graph: Graph | None = None
        self._selected: dict[tuple[Any, Owner], Binding] = {}

    @property
    def graph(self) -> Graph:
        """The graph of what is registered now."""
        if self._graph is None or self._graph.generation != self.registry.generation:
            self._graph = Graph(self.registry, self.root.place)
            self._selected.clear()
        return self._graph

    def select(self, form: Any, consumer: Owner) -> Binding:
        """The binding that is meant by a type as written.

        Raises:
            UnresolvableDependencyError: There is none.
            ModuleVisibilityError: There is one, but not for *consumer*.
        """
        _ = self.graph  # forgets selections that are out of date
        try:
            found = self._selected.get((form, consumer))
        except TypeError:  # metadata that cannot be hashed
            return self._selected_anew(form, consumer)
        if found is None:
            found = self._selected[form, consumer] = self._selected_anew(form, consumer)
        return found

    def _selected_anew(self, form: Any, consumer: Owner) -> Binding:
        key = parse_request(form).key
        binding = self.registry.select(key, consumer)
        if binding is None:
            raise self.registry.missing(key, consumer)
        return binding

    def knowing(self, binding: Binding) -> Graph:
        """The graph, rebuilt if it was built before *binding* came up."""
        graph = self.graph
        if not graph.knows(binding):
            self._graph = graph = Graph(self.registry, self.root.place)
        return graph


class Level:
    """The application or a scope, as a place to get services from.

    Args:
        engine: What all places share.
        instances: What was made here.
        root: The application's level, for a scope.
    """

    def __init__(self, engine: Engine, instances: Instances, root: Level | None = None) -> None:
        self.instances = instances
        self.root = root
        self.place = Place(instances, self._resolver_for)
        self._engine = engine
        self._entered: tuple[Graph, AsyncContainer] | None = None

    def made(self, binding: Binding) -> Any:
        """The service if it is there already, else ``MISSING``."""
        if binding.factory is None:
            return binding.value
        home = self.root if self.root is not None and binding.lifetime is ServiceScope.SINGLETON else self
        return home.instances.values.get(binding, MISSING)

    async def get(self, binding: Binding) -> Any:
        """The service of a binding.

        Raises:
            ContainerError: This place, or the container, is closed; or the service cannot be made.
            ScopedResolutionError: It lives in a scope, and this is none.
        """
        value = self.made(binding)
        if value is not MISSING:
            return value
        if self.instances.closed:
            raise self.instances.refusal(binding)
        graph = self._engine.graph
        graph.check(binding)
        if self.root is None and graph.needs_scope(binding):
            what = "lives in" if binding.lifetime is ServiceScope.SCOPED else "needs a service that lives in"
            raise ScopedResolutionError(
                f"{binding} {what} a scope, and there is none here",
                str(binding),
                hint="Ask inside `async with container.scope() as scope`.",
            )
        graph = self._engine.knowing(binding)
        with making(binding):
            return await graph.get(await self._entrance(graph), binding, in_scope=self.root is not None)

    async def _entrance(self, graph: Graph) -> AsyncContainer:
        if self.root is None:
            return graph.container
        if self._entered is None or self._entered[0] is not graph:
            self._entered = graph, await graph.enter(self.place)
        return self._entered[1]

    def _resolver_for(self, owner: Owner) -> Resolver:
        return Resolver(self._engine, self, owner)


class Resolver:
    """Where services are asked for. Implements ``ContainerResolverProtocol``.

    Args:
        engine: The container's engine.
        level: The application or a scope.
        owner: In whose name to ask; decides what is visible.
    """

    def __init__(self, engine: Engine, level: Level, owner: Owner = None) -> None:
        self._engine = engine
        self._level = level
        self._owner = owner

    async def resolve(self, service_type: TypeForm[T]) -> T:
        """The service registered under a key.

        Args:
            service_type: The key: a class, a protocol, ``G[int]``, ``Annotated[P, Named("x")]``; ``P | None`` to get
                None when nothing is registered.

        Returns:
            The service.

        Raises:
            UnresolvableDependencyError: Nothing is registered under it, or under something it needs.
            CircularDependencyError: What it needs, needs it.
            ScopedResolutionError: It lives in a scope, and this is not one.
            ModuleVisibilityError: It belongs to a module that does not export it to this one.
            ContainerError: The container or scope is closed.
        """
        try:
            binding = self._engine.select(service_type, self._owner)
        except ContainerError:
            return cast("T", await self._answer(parse_request(service_type)))
        return cast("T", await self._level.get(binding))

    async def resolve_optional(self, service_type: TypeForm[T]) -> T | None:
        """The service registered under a key, or None when none is, or none that is visible here.

        Args:
            service_type: The key.

        Returns:
            The service or None.

        Raises:
            ContainerError: It is registered, but cannot be made.
        """
        key = parse_request(service_type).key
        return cast("T | None", await self._answer(Request(key, default=None)))

    async def resolve_all(self, service_type: TypeForm[T]) -> list[T]:
        """Every service registered under a type that is visible here.

        Args:
            service_type: The type.

        Returns:
            The unnamed service first, then the named ones by name; empty when there are none.
        """
        bindings = self._engine.registry.select_all(parse_request(service_type).key.type, self._owner)
        return [cast("T", await self._level.get(b)) for b in bindings]

    def resolve_sync(self, service_type: TypeForm[T]) -> T:
        """A service that exists already, where nothing can be awaited.

        Args:
            service_type: The key.

        Returns:
            The service: one that was registered as an object, or that was made before.

        Raises:
            ContainerError: It has not been made yet.
            UnresolvableDependencyError: Nothing is registered under the key.
        """
        binding = self._engine.select(service_type, self._owner)
        value = self._level.made(binding)
        if value is MISSING:
            raise ContainerError(
                f"{binding} has not been made yet", hint="Use `await resolve(...)`, at least the first time."
            )
        return cast("T", value)

    async def call(self, func: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        """Call a function with what it needs.

        Args:
            func: A function, sync or async, or a class.
            *args: What is given by position.
            **kwargs: What is given by name; the other parameters are injected.

        Returns:
            What it returns, awaited if need be.

        Raises:
            DependencyError: A parameter that is not given cannot be injected.
        """
        given = frozenset(inspect.signature(func).bind_partial(*args, **kwargs).arguments)
        injected = list(args)
        for dependency in dependencies_of(func, skip=given):
            value = await self._argument(func, dependency)
            if dependency.positional:
                injected.append(value)
            else:
                kwargs[dependency.parameter] = value
        outcome = func(*injected, **kwargs)
        return await outcome if inspect.isawaitable(outcome) and not isinstance(func, type) else outcome

    def has(self, service_type: TypeForm[Any], *, name: str | None = None) -> bool:
        """True when something that is visible here is registered under the key."""
        return self._engine.registry.select(parse_request(service_type, name).key, self._owner) is not None

    def scope(self) -> Scope:
        """A scope, to be used with ``async with``.

        Scoped services live until its end, where they are closed in reverse order. A scope opened inside another has
        its own, and ends before it.
        """
        from lexigram.di.scope import Scope

        return Scope(self._engine, owner=self._owner, parent=self)

    def create_scope(self) -> Scope:
        """The same as :meth:`scope`; without ``async with``, end it with ``await scope.dispose()``."""
        return self.scope()

    async def _answer(self, request: Request) -> Any:
        """The service, or the default; the errors of :meth:`resolve`."""
        binding = self._engine.registry.select(request.key, self._owner)
        if binding is not None:
            return await self._level.get(binding)
        if request.key == Key(ContainerResolverProtocol):
            return self
        if request.default is MISSING:
            raise self._engine.registry.missing(request.key, self._owner)
        return request.default

    async def _argument(self, func: Callable[..., Any], dependency: Dependency) -> Any:
        if dependency.key is not None:
            return await self._answer(Request(dependency.key, dependency.default))
        if dependency.default is not MISSING:
            return dependency.default
        raise DependencyError(
            f"{describe_callable(func)} cannot be called: {dependency.fault}", hint="Give it, or annotate it."
        )

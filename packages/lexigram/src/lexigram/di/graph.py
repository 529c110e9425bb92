"""The graph as dishka runs it.

dishka turns the bindings into compiled functions, one per service, that fetch what the service needs and keep it per
scope. A trial of dishka 1.10 showed what it does not carry, and what therefore stands around it here:

* Its containers are closed books: nothing can be bound or overridden after they are built. They are cheap, though
  (200 services in 10 ms), and hold nothing of ours, so a registry that has changed gets a new one.
* One lock covers all services of a container. A slow one keeps all others waiting, so that a provider that hangs while
  booting would make its neighbours time out; and a factory that asks the container for more waits for itself for ever.
  The containers are made without lock, and :mod:`lexigram.di.instances` sees to it that each service is made once.
* Its finalisers belong to the dishka container, thus could not outlive a rebuilt one; they stop at a cancellation, and
  those of transients run at the end of the application even if a scope asked. They are in ``instances`` as well.
* It stops at the first fault of the graph, does not know names, optional dependencies or borders between modules, and
  drops ``Annotated``. :mod:`~lexigram.di.plan` and :mod:`~lexigram.di.validation` do that, before dishka sees anything;
  each binding is a key of its own for it.

Only dishka's public names are used.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from dishka import AsyncContainer, Provider, Scope, make_async_container

from lexigram.contracts.core.scopes import ServiceScope
from lexigram.di.binding import Binding, Owner
from lexigram.di.instances import Instances
from lexigram.di.plan import Argument, Plans
from lexigram.di.registry import Registry
from lexigram.di.validation import Fault, find_faults

__all__ = ["Graph", "Place"]


@dataclass(frozen=True, slots=True)
class Place:
    """Where services are made: the application or a scope.

    Attributes:
        instances: What was made there.
        resolver_for: Gives the resolver that factories of an owner get.
    """

    instances: Instances
    resolver_for: Callable[[Owner], Any]


class _Application(Place):
    """The key under which dishka finds the application's place."""


class _InScope(Place):
    """The key under which dishka finds a scope's place."""


class Graph:
    """The bindings of a registry at one moment, ready to be run.

    Args:
        registry: The bindings.
        place: The application's place.
    """

    def __init__(self, registry: Registry, place: Place) -> None:
        self.generation = registry.generation
        self._registry = registry
        self._place = place
        self._plans = Plans(registry)
        self._sound: set[Binding] = set()
        self._nodes: dict[tuple[Binding, Scope], type[Any]] = {}
        self._container: AsyncContainer | None = None

    def faults(self, *roots: Binding) -> list[Fault]:
        """The faults in what the given bindings need; of all bindings, if none is given."""
        return find_faults(self._plans, roots or [b for b in list(self._registry) if not self._registry.replaced(b)])

    def needs_scope(self, binding: Binding) -> bool:
        """True when the service can be made in a scope only."""
        return self._plans.needs_scope(binding)

    def check(self, binding: Binding) -> None:
        """Raise the error of the first fault in what a binding needs."""
        if binding in self._sound:
            return
        for fault in self.faults(binding):
            raise fault.error
        self._sound.add(binding)

    async def enter(self, place: Place) -> AsyncContainer:
        """The dishka container for a scope. It is never left: what it hands out is closed by ours."""
        return await self.container(context={_InScope: place}, scope=Scope.REQUEST).__aenter__()

    async def get(self, container: AsyncContainer, binding: Binding, *, in_scope: bool) -> Any:
        """Get a service that :meth:`check` found sound, making what is not there yet.

        Args:
            container: :attr:`container`, or what :meth:`enter` returned.
            binding: Which service.
            in_scope: True to make it in the scope, where its lifetime allows.

        Returns:
            The service.
        """
        return await container.get(self._nodes[binding, self._level(binding, in_scope=in_scope)])

    def knows(self, binding: Binding) -> bool:
        """False for a binding that came after the container was built, such as a form of a generic first asked for."""
        return self._container is not None and any((binding, level) in self._nodes for level in _LEVELS)

    @property
    def container(self) -> AsyncContainer:
        """The dishka container of the application."""
        if self._container is None:
            self._container = self._build()
        return self._container

    @staticmethod
    def _level(binding: Binding, *, in_scope: bool) -> Scope:
        if binding.lifetime is ServiceScope.SINGLETON or not in_scope:
            return Scope.APP
        return Scope.REQUEST

    def _build(self) -> AsyncContainer:
        nodes = [(binding, level) for binding in self._reachable() for level in self._levels(binding)]
        self._nodes = {node: type(str(node[0]), (), {}) for node in nodes}
        provider = Provider()
        provider.from_context(provides=_Application, scope=Scope.APP)
        provider.from_context(provides=_InScope, scope=Scope.REQUEST)
        for binding, level in nodes:
            provider.provide(
                self._source(binding, level),
                provides=self._nodes[binding, level],
                scope=level,
                cache=binding.lifetime is not ServiceScope.TRANSIENT,
            )
        return make_async_container(
            provider, context={_Application: self._place}, lock_factory=None, skip_validation=True
        )

    def _reachable(self) -> list[Binding]:
        """All bindings that are made and can be, with the forms of generics that they ask for."""
        found: dict[Binding, None] = {}
        waiting = list(self._registry)
        while waiting:
            binding = waiting.pop()
            if binding in found or binding.factory is None:
                continue
            found[binding] = None
            waiting += self._plans.targets(binding)
        return [b for b in found if all(a.fault is None for a in self._plans.of(b))]

    def _levels(self, binding: Binding) -> Iterator[Scope]:
        """Where a service can be made. A transient is made where it is asked for, so that it is closed there too."""
        if binding.lifetime is not ServiceScope.SCOPED and not self.needs_scope(binding):
            yield Scope.APP
        if binding.lifetime is not ServiceScope.SINGLETON:
            yield Scope.REQUEST

    def _source(self, binding: Binding, level: Scope) -> Callable[..., Any]:
        """The function that dishka calls with the place, and with the services that a binding needs."""
        in_scope = level is Scope.REQUEST
        leaves = self._leaves(binding)
        keys: list[type[Any]] = [_InScope if in_scope else _Application]
        for leaf in leaves:
            missing: type[Any] = object  # stands for a faulty service, which is never asked for
            keys.append(self._nodes.get((leaf, self._level(leaf, in_scope=in_scope)), missing))

        async def make(place: Place, *services: Any) -> Any:
            return await self._assemble(binding, place, dict(zip(leaves, services, strict=True)))

        parameters = [
            inspect.Parameter(f"p{i}", inspect.Parameter.POSITIONAL_ONLY, annotation=key) for i, key in enumerate(keys)
        ]
        make.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
        make.__annotations__ = {p.name: p.annotation for p in parameters}
        return make

    def _leaves(self, binding: Binding) -> list[Binding]:
        """What dishka fetches for a binding: all it needs but the transients, and what those need in turn.

        Transients are made only once it is certain that the service that needs them is made, which dishka cannot know.
        """
        leaves: dict[Binding, None] = {}
        seen = {binding}
        waiting = [binding]
        while waiting:
            for target in self._plans.targets(waiting.pop()):
                if target in seen or target.factory is None:
                    continue
                seen.add(target)
                if target.lifetime is ServiceScope.TRANSIENT:
                    waiting.append(target)
                else:
                    leaves[target] = None
        return list(leaves)

    async def _assemble(self, binding: Binding, place: Place, services: Mapping[Binding, Any]) -> Any:
        async def prepare() -> tuple[list[Any], dict[str, Any]]:
            arguments: list[Any] = []
            named: dict[str, Any] = {}
            for argument in self._plans.of(binding):
                value = await self._value(argument, binding, place, services)
                if argument.dependency.positional:
                    arguments.append(value)
                else:
                    named[argument.dependency.parameter] = value
            return arguments, named

        return await place.instances.obtain(binding, prepare)

    async def _value(self, argument: Argument, binding: Binding, place: Place, services: Mapping[Binding, Any]) -> Any:
        target = argument.target
        if target is None:
            return place.resolver_for(binding.owner) if argument.dependency.resolver else argument.value
        if target.factory is None:
            return target.value
        if target.lifetime is ServiceScope.TRANSIENT:
            return await self._assemble(target, place, services)
        return services[target]


_LEVELS = (Scope.APP, Scope.REQUEST)

"""The container: services by type, made when first asked for, with what they need given to their constructors.

::

    container = Container()
    container.singleton(ClockProtocol, SystemClock)            # a class; its parameters are injected
    container.singleton(Settings, Settings(debug=True))        # an object
    container.singleton(Pool, open_pool)                       # a function, sync or async; a generator closes it, too
    container.scoped(UnitOfWork)                               # the key is the class
    container.singleton(Store, archive, name="archive")        # for Annotated[Store, Named("archive")]
    container.freeze()                                         # finds everything that is missing or circular
    store = await container.resolve(Store)
    await container.dispose()

It belongs to one event loop and is not for use from several threads. What it made it closes, in reverse order; what it
was given it leaves alone. A container that is forgotten with something left to close warns (``ResourceWarning``).
How the parts fit together: :mod:`~lexigram.di.registry` knows what is registered, :mod:`~lexigram.di.plan` which
binding each parameter means, :mod:`~lexigram.di.validation` what is wrong with that, :mod:`~lexigram.di.graph` lets
dishka run it, :mod:`~lexigram.di.instances` makes each service once and closes it.
"""

from __future__ import annotations

from collections.abc import Callable
from types import TracebackType
from typing import Any, Self, TypeVar, get_origin

from typing_extensions import TypeForm

from lexigram.contracts.core.scopes import ServiceScope
from lexigram.contracts.exceptions.container import (
    ContainerError,
    ContainerValidationError,
    RegistrationError,
)
from lexigram.contracts.exceptions.provider import ModuleVisibilityError
from lexigram.di.binding import Binding, Injectable, Owner, check_implements, make_alias, make_binding
from lexigram.di.keys import Key, parse_key, type_name
from lexigram.di.markers import MISSING
from lexigram.di.registry import Borders, GenericBinding, GenericFactory
from lexigram.di.resolver import Engine, Resolver
from lexigram.di.scope import Scope

__all__ = ["Container", "ContainerView", "Override", "Scope"]

T = TypeVar("T")


class Override:
    """An override that can be taken back, by :meth:`undo` or at the end of a ``with`` block."""

    def __init__(self, undo: Callable[[], None]) -> None:
        self._undo = undo

    def undo(self) -> None:
        """Put back what was there before. Safe to call twice."""
        self._undo()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.undo()


class ContainerView(Resolver):
    """The container as one owner sees it: registers in the owner's name and finds what is visible to it.

    Providers of a module get one. Implements ``ContainerRegistrarProtocol`` and ``ContainerResolverProtocol``.
    """

    def __init__(self, engine: Engine, owner: Owner = None) -> None:
        super().__init__(engine, engine.root, owner)

    def singleton(
        self,
        service_type: TypeForm[T],
        instance: Any = None,
        *,
        name: str | None = None,
        factory: Callable[..., Any] | None = None,
        validate: bool = True,
    ) -> None:
        """Register one object for the whole application.

        Args:
            service_type: The key.
            instance: The object; or a class or function that makes it, with its parameters injected. Without it the
                key is the class.
            name: Registers beside the unnamed one, for ``Named(name)``.
            factory: A function that makes the object; needed only where the object itself is a function or a class.
            validate: Whether to check that it has what the key promises.

        Raises:
            ContainerError: The container is frozen.
            RegistrationError: It cannot make anything, or what it makes is not what the key promises.
            ProtocolValidationError: It lacks members of the protocol that is its key.
        """
        self._register(service_type, ServiceScope.SINGLETON, instance, name, factory, validate)

    def scoped(
        self, service_type: TypeForm[T], factory: Any = None, *, name: str | None = None, validate: bool = True
    ) -> None:
        """Register one object per scope.

        Args:
            service_type: The key.
            factory: A class or function that makes it; without it the key is the class.
            name: Registers beside the unnamed one.
            validate: Whether to check that it has what the key promises.

        Raises:
            ContainerError: The container is frozen, or the registration is not valid; see :meth:`singleton`.
        """
        self._register(service_type, ServiceScope.SCOPED, factory, name, None, validate)

    def transient(
        self, service_type: TypeForm[T], factory: Any = None, *, name: str | None = None, validate: bool = True
    ) -> None:
        """Register a new object per request, which is closed with the scope, or else the container, that was asked.

        Args:
            service_type: The key.
            factory: A class or function that makes it; without it the key is the class.
            name: Registers beside the unnamed one.
            validate: Whether to check that it has what the key promises.

        Raises:
            ContainerError: The container is frozen, or the registration is not valid; see :meth:`singleton`.
        """
        self._register(service_type, ServiceScope.TRANSIENT, factory, name, None, validate)

    def bind(self, service_type: TypeForm[T], instance: Any, *, name: str | None = None) -> None:
        """Provide this very object under the key, whatever it is; also after the container is frozen.

        Services that were made before keep what they were given then.

        Args:
            service_type: The key.
            instance: The object.
            name: Registers beside the unnamed one.

        Raises:
            RegistrationError: It is no instance of the key's class.
            ProtocolValidationError: It lacks members of the protocol that is the key.
        """
        self._refuse_when_closed()
        key = parse_key(service_type, name)
        check_implements(key, instance)
        self._engine.registry.add(Binding(key=key, lifetime=ServiceScope.SINGLETON, value=instance, owner=self._owner))

    def register(self, *classes: type[Any], lifetime: ServiceScope | None = None) -> None:
        """Register classes as services, as their decorators say (see :mod:`lexigram.di.decorators`).

        Args:
            *classes: The classes.
            lifetime: For those without a decorator; singletons by default.

        Raises:
            ContainerError: The container is frozen, or one of them cannot be made.
        """
        for cls in classes:
            mark = vars(get_origin(cls) or cls).get("__lexigram_injectable__")
            if not isinstance(mark, Injectable):
                mark = Injectable(lifetime or ServiceScope.SINGLETON)
            first, *others = mark.provides or (cls,)
            self._register(first, mark.lifetime, cls, mark.name, None, validate=True)
            for other in others:
                self._engine.registry.add(
                    make_alias(parse_key(other, mark.name), parse_key(first, mark.name), mark.lifetime, self._owner)
                )

    def register_generic(
        self,
        origin: Any,
        factory: GenericFactory,
        *,
        name: str | None = None,
        lifetime: ServiceScope = ServiceScope.SINGLETON,
    ) -> None:
        """Register all concrete forms of a generic at once.

        ``register_generic(RepositoryProtocol, make)`` answers ``resolve(RepositoryProtocol[User])`` with
        ``make((User,), resolver)``, one object for each choice of type arguments. A form that is registered by itself
        comes first.

        Args:
            origin: The generic class or protocol, without arguments.
            factory: Gets the type arguments and a resolver; sync, async or a generator.
            name: Registers beside the unnamed one.
            lifetime: How long each object lives.

        Raises:
            ContainerError: The container is frozen.
            RegistrationError: *origin* is not generic.
        """
        self._refuse_when_frozen(f"{type_name(origin)}[...]")
        if get_origin(origin) is not None or not getattr(origin, "__class_getitem__", None):
            raise RegistrationError(
                f"{type_name(origin)} is not an open generic", hint="Give the class itself, without type arguments."
            )
        self._engine.registry.add_generic(GenericBinding(origin, name, factory, lifetime, self._owner))

    def _register(
        self,
        form: Any,
        lifetime: ServiceScope,
        implementation: Any,
        name: str | None,
        factory: Callable[..., Any] | None,
        validate: bool,
    ) -> None:
        key = parse_key(form, name)
        self._refuse_when_frozen(str(key))
        self._engine.registry.add(
            make_binding(key, lifetime, implementation, factory=factory, owner=self._owner, validate=validate)
        )

    def _refuse_when_frozen(self, what: str) -> None:
        self._refuse_when_closed()
        if self._engine.frozen:
            raise ContainerError(
                f"{what} cannot be registered: the container is frozen",
                hint="Register in Provider.register(); bind() takes finished objects at any time.",
            )

    def _refuse_when_closed(self) -> None:
        if self._engine.root.instances.closed:
            raise ContainerError("the container is closed")


class Container(ContainerView):
    """The container, as the application sees it. Implements ``ContainerProtocol``.

    Args:
        testing_mode: Whether :meth:`override` is allowed.
    """

    def __init__(self, *, testing_mode: bool = False) -> None:
        super().__init__(Engine(testing=testing_mode))

    @property
    def is_frozen(self) -> bool:
        """True when registration has ended."""
        return self._engine.frozen

    @property
    def is_closed(self) -> bool:
        """True after :meth:`dispose`."""
        return self._engine.root.instances.closed

    def view(self, owner: Owner) -> ContainerView:
        """The container as *owner* sees it, a module for instance."""
        return ContainerView(self._engine, owner)

    def set_borders(self, borders: Borders) -> None:
        """Say what owners show to each other; without that they show everything."""
        self._engine.registry.borders = borders
        self._engine.registry.generation += 1

    def override(self, service_type: TypeForm[T], instance: Any, *, name: str | None = None) -> Override:
        """Put something in the place of what is, or will be, registered under a key; for tests.

        It stands for the bindings of all modules. Services that were made before keep what they were given then.

        Args:
            service_type: The key.
            instance: The object, or a class or function that makes it, once for the application or, where the service
                is scoped, once for each scope.
            name: The name, for a named service.

        Returns:
            What takes it back; may be used with ``with``.

        Raises:
            ContainerError: The container is not in testing mode.
        """
        if not self._engine.testing:
            raise ContainerError(
                "services are overridden in tests only", hint="Make it with Container(testing_mode=True)."
            )
        self._refuse_when_closed()
        key = parse_key(service_type, name)
        replaced = self._engine.registry.select(key)
        made_by = make_binding(key, ServiceScope.SINGLETON, instance, validate=False)
        if made_by.factory is not None and replaced is not None:
            made_by.lifetime = replaced.lifetime
        return Override(self._engine.registry.override(made_by))

    def freeze(self, validate: bool = True) -> None:
        """End registration. Nothing happens if it has ended already.

        Args:
            validate: Whether to look for faults first.

        Raises:
            ContainerValidationError: Dependencies are missing or circular, or singletons hold scoped services; all
                faults are listed.
            ModuleVisibilityError: The only fault is that a module uses what another does not export to it.
        """
        self._refuse_when_closed()
        if self._engine.frozen:
            return
        if validate:
            faults = self._engine.graph.faults()
            if len(faults) == 1 and isinstance(faults[0].error, ModuleVisibilityError):
                raise faults[0].error
            if faults:
                raise ContainerValidationError(issues=[fault.text for fault in faults])
        self._engine.frozen = True

    def validate(self) -> list[str]:
        """The faults of the graph, one sentence each; empty when there are none."""
        return [fault.text for fault in self._engine.graph.faults()]

    def keys_of(self, owner: Owner) -> list[Key]:
        """The keys that an owner registered; a generic without arguments stands for all its forms."""
        return self._engine.registry.keys_of(owner)

    def existing(self) -> list[tuple[Owner, Any]]:
        """The singletons that exist now, with their owners, in the order of registration."""
        singletons = (b for b in self._engine.registry if b.lifetime is ServiceScope.SINGLETON)
        made = ((b.owner, self._level.made(b)) for b in singletons if not self._engine.registry.replaced(b))
        return [(owner, service) for owner, service in made if service is not MISSING]

    def dump_registrations(self) -> list[dict[str, Any]]:
        """What is registered, for people and for tools.

        Returns:
            For each binding ``service``, ``name``, ``lifetime``, ``source`` and ``owner``.
        """
        borders = self._engine.registry.borders
        return [
            {
                "service": type_name(binding.key.type),
                "name": binding.key.name,
                "lifetime": binding.lifetime.value,
                "source": binding.source,
                "owner": None if binding.owner is None else borders.name_of(binding.owner),
            }
            for binding in self._engine.registry
        ]

    @property
    def depth(self) -> int:
        """How many services are waiting to be closed; see :meth:`close_down_to`."""
        return self._engine.root.instances.depth

    async def close_down_to(self, depth: int) -> None:
        """Close the services made since :attr:`depth` had that value, the latest first.

        The application uses it to stop in the reverse of the order in which it started: what was made after a
        provider booted is closed before that provider is shut down.

        Args:
            depth: An earlier value of :attr:`depth`.
        """
        for scope in list(self._engine.scopes):
            await scope.dispose()
        await self._engine.root.instances.close_down_to(depth)

    async def dispose(self) -> None:
        """Close what the container made, in reverse order, scopes first. Safe to call twice.

        A failure to close is logged and keeps nothing else from being closed.
        """
        for scope in list(self._engine.scopes):
            await scope.dispose()
        await self._engine.root.instances.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.dispose()

"""Registering in the container: what is understood, what is refused, what is found afterwards."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Annotated, Any, Generic, NewType, Protocol, TypeVar
from unittest.mock import AsyncMock, MagicMock

import pytest
from lexigram.contracts.core.di import ContainerProtocol, ContainerRegistrarProtocol, ContainerResolverProtocol
from lexigram.contracts.exceptions.container import (
    ContainerError,
    ProtocolValidationError,
    RegistrationError,
    UnresolvableDependencyError,
)
from lexigram.di import Container, Named, Qualifier, ServiceScope, injectable, scoped, singleton, transient

T = TypeVar("T")
Limit = NewType("Limit", int)


class Clock(Protocol):
    """A protocol with a method, a property and a data member."""

    zone: str

    @property
    def resolution(self) -> float: ...

    def now(self) -> float: ...


class SystemClock:
    """An implementation that sets the data member in its constructor."""

    def __init__(self) -> None:
        self.zone = "UTC"

    @property
    def resolution(self) -> float:
        raise RuntimeError("asked before the start")

    def now(self) -> float:
        return 1.0


class Broken:
    """Lacks the method."""

    zone = "UTC"
    resolution = 1.0


class Service(ABC):
    """An abstract class."""

    @abstractmethod
    def serve(self) -> None: ...


class RealService(Service):
    """Its implementation."""

    def serve(self) -> None: ...


class Registered:
    """A virtual subclass of Service."""

    def serve(self) -> None: ...


Service.register(Registered)


class Repository(Protocol[T]):
    """A generic protocol."""

    def get(self) -> T: ...


class MemoryRepository(Generic[T]):
    """A generic implementation with a dependency."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock

    def get(self) -> T:
        raise NotImplementedError


@dataclass
class Settings:
    """A plain object."""

    debug: bool = False


class Callback:
    """An object that can be called, but is a service itself."""

    def __call__(self) -> int:
        return 1


def test_the_container_has_all_that_the_contracts_ask_for() -> None:
    """The container implements the three protocols."""
    container = Container()

    assert isinstance(container, ContainerProtocol)
    assert isinstance(container, ContainerRegistrarProtocol)
    assert isinstance(container, ContainerResolverProtocol)


async def test_an_object_is_given_as_it_is() -> None:
    """What is registered as an object comes back itself."""
    settings = Settings()
    async with Container() as container:
        container.singleton(Settings, settings)

        assert await container.resolve(Settings) is settings
        assert container.resolve_sync(Settings) is settings


async def test_a_class_is_made_once() -> None:
    """A class registered under a protocol is made at the first request."""
    async with Container() as container:
        container.singleton(Clock, SystemClock)

        clock = await container.resolve(Clock)

        assert isinstance(clock, SystemClock)
        assert await container.resolve(Clock) is clock


async def test_a_class_may_be_its_own_key() -> None:
    """Without an implementation the key is the class."""
    async with Container() as container:
        container.singleton(SystemClock)
        container.scoped(Settings)
        container.transient(RealService)

        assert type(await container.resolve(SystemClock)) is SystemClock
        assert await container.resolve(RealService) is not await container.resolve(RealService)


async def test_functions_make_services() -> None:
    """Sync and async functions, generators of both kinds, lambdas and partials are factories."""

    def make() -> SystemClock:
        return SystemClock()

    async def make_later() -> SystemClock:
        return SystemClock()

    def yielding() -> Iterator[SystemClock]:
        yield SystemClock()

    async def yielding_later() -> AsyncIterator[SystemClock]:
        yield SystemClock()

    def make_of(kind: type[SystemClock]) -> SystemClock:
        return kind()

    async with Container() as container:
        factories = [make, make_later, yielding, yielding_later, lambda: SystemClock(), partial(make_of, SystemClock)]
        for index, factory in enumerate(factories):
            container.singleton(Clock, factory, name=str(index))

        assert [type(clock) for clock in await container.resolve_all(Clock)] == [SystemClock] * 6


async def test_a_factory_may_be_said_to_be_one() -> None:
    """The factory parameter is for keys whose services are functions or classes themselves."""
    async with Container() as container:
        container.singleton(Callable[[], int], factory=lambda: lambda: 7)
        container.bind(type, Settings)

        function = await container.resolve(Callable[[], int])

        assert function() == 7
        assert await container.resolve(type) is Settings


async def test_an_object_that_can_be_called_is_a_service() -> None:
    """Only functions and classes are taken for factories."""
    callback = Callback()
    async with Container() as container:
        container.singleton(Callback, callback)

        assert await container.resolve(Callback) is callback


async def test_names_stand_beside_the_unnamed() -> None:
    """A type may be registered once without and many times with names."""
    async with Container() as container:
        container.singleton(Settings, Settings(debug=True))
        container.singleton(Settings, Settings(), name="quiet")
        container.bind(Annotated[Settings, Qualifier("other")], Settings())

        assert (await container.resolve(Settings)).debug
        assert not (await container.resolve(Annotated[Settings, Named("quiet")])).debug
        assert not (await container.resolve(Annotated[Settings, "quiet"])).debug
        assert container.has(Settings, name="other")
        assert not container.has(Settings, name="nobody")


async def test_concrete_generics_are_keys_and_implementations() -> None:
    """Two forms of a generic are two services; a concrete form may be what makes one."""
    async with Container() as container:
        container.singleton(Clock, SystemClock)
        container.singleton(Repository[int], MemoryRepository[int])
        container.singleton(Repository[str], MemoryRepository)

        ints, strings = await container.resolve(Repository[int]), await container.resolve(Repository[str])

        assert isinstance(ints, MemoryRepository)
        assert ints is not strings
        assert isinstance(ints.clock, SystemClock)
        with pytest.raises(UnresolvableDependencyError):
            await container.resolve(Repository[bytes])


async def test_a_new_type_is_a_key_of_its_own() -> None:
    """A NewType is told from the type under it."""
    async with Container() as container:
        container.singleton(Limit, 5)

        assert await container.resolve(Limit) == 5
        assert not container.has(int)


async def test_registering_again_replaces() -> None:
    """The last registration of a key counts."""
    async with Container() as container:
        container.singleton(Settings, Settings())
        container.singleton(Settings, Settings(debug=True))

        assert (await container.resolve(Settings)).debug
        assert len(await container.resolve_all(Settings)) == 1


async def test_registering_again_counts_after_a_request_too() -> None:
    """Until it is frozen, a container may change even if something was resolved."""
    async with Container() as container:
        container.singleton(Clock, SystemClock)
        first = await container.resolve(Clock)
        container.singleton(Clock, SystemClock)

        assert await container.resolve(Clock) is not first


def test_protocols_and_abstract_classes_cannot_be_made() -> None:
    """What has no implementation is refused when it is registered."""
    container = Container()

    with pytest.raises(RegistrationError, match="Clock is a protocol and cannot be made"):
        container.singleton(Clock)
    with pytest.raises(RegistrationError, match="Service is an abstract class"):
        container.scoped(Service)
    with pytest.raises(RegistrationError, match="Callable is an abstract class"):
        container.singleton(Callable[[], int])
    with pytest.raises(RegistrationError, match="Limit is not a class"):
        container.singleton(Limit)


def test_an_implementation_that_lacks_members_is_refused() -> None:
    """What a protocol asks for must be there; data members of classes are left to their constructors."""
    container = Container()

    with pytest.raises(ProtocolValidationError, match="Broken does not implement Clock: it lacks now") as failure:
        container.singleton(Clock, Broken)
    assert failure.value.missing == ("now",)
    assert failure.value.code == "LEX_ERR_DI_007"
    with pytest.raises(ProtocolValidationError, match="lacks now, resolution, zone"):
        container.singleton(Clock, Settings())
    with pytest.raises(ProtocolValidationError):
        container.bind(Clock, Settings())
    container.singleton(Clock, Broken, validate=False)
    container.scoped(Clock, Broken, validate=False)
    container.transient(Clock, Broken, validate=False)


def test_an_implementation_of_another_class_is_refused() -> None:
    """Objects and classes must be of the class that is their key; virtual subclasses are."""
    container = Container()

    with pytest.raises(RegistrationError, match="an instance of Settings is no Service"):
        container.singleton(Service, Settings())
    with pytest.raises(RegistrationError, match="Settings is no Service and cannot be registered as Service named 'a'"):
        container.singleton(Service, Settings, name="a")
    container.singleton(Service, Registered)
    container.singleton(Service, Registered())
    container.singleton(Service, RealService)


def test_a_property_is_not_run_when_it_is_looked_for() -> None:
    """Checking an object must not call its properties, which may not work yet."""
    Container().singleton(Clock, SystemClock())


def test_mocks_pass_for_what_they_stand_for() -> None:
    """Tests may register mocks."""
    container = Container()

    container.singleton(Clock, MagicMock())
    container.singleton(Repository, AsyncMock(spec=MemoryRepository))
    container.singleton(Service, MagicMock(spec=RealService))


async def test_what_a_factory_makes_is_checked() -> None:
    """A function cannot be checked before it runs, what it returns can; what it made is closed again."""
    closed: list[str] = []

    class Closing:
        def close(self) -> None:
            closed.append("closed")

    async with Container() as container:
        container.singleton(Clock, factory=lambda: Closing())
        container.singleton(Clock, factory=lambda: Broken(), validate=False, name="unchecked")

        with pytest.raises(ProtocolValidationError, match="lacks now"):
            await container.resolve(Clock)
        assert closed == ["closed"]
        assert isinstance(await container.resolve(Annotated[Clock, "unchecked"]), Broken)


def test_contradictions_are_refused() -> None:
    """An object and a factory, an object per scope, and a factory that cannot be called make no sense."""
    container = Container()

    with pytest.raises(RegistrationError, match="both an instance and a factory"):
        container.singleton(Settings, Settings(), factory=Settings)
    with pytest.raises(RegistrationError, match="is scoped and needs a class or function"):
        container.scoped(Settings, Settings())
    with pytest.raises(RegistrationError, match="is transient and needs"):
        container.transient(Settings, Settings())
    with pytest.raises(RegistrationError, match="cannot be called"):
        container.singleton(Settings, factory=5)  # type: ignore[arg-type]


async def test_nothing_is_registered_after_freezing() -> None:
    """A frozen container refuses registrations and says so with its own code."""
    container = Container()
    container.singleton(Settings)
    assert not container.is_frozen
    container.freeze()
    container.freeze()

    assert container.is_frozen
    for register in (container.singleton, container.scoped, container.transient):
        with pytest.raises(
            ContainerError, match="SystemClock cannot be registered: the container is frozen"
        ) as failure:
            register(SystemClock)
        assert failure.value.code == "LEX_ERR_DI_001"
    with pytest.raises(ContainerError, match="frozen"):
        container.register_generic(Repository, lambda types, resolver: None)
    with pytest.raises(ContainerError, match="frozen"):
        container.register(SystemClock)
    await container.dispose()


async def test_objects_are_bound_after_freezing() -> None:
    """bind() adds and replaces at any time; what was made before keeps what it was given."""
    async with Container() as container:
        container.singleton(Clock, SystemClock)
        container.singleton(MemoryRepository)
        container.transient(Repository[int], MemoryRepository)
        container.freeze()
        old = await container.resolve(MemoryRepository)
        clock = SystemClock()
        container.bind(Clock, clock)
        container.bind(Settings, Settings(), name="late")

        assert await container.resolve(Clock) is clock
        assert await container.resolve(Annotated[Settings, "late"]) == Settings()
        fresh: Any = await container.resolve(Repository[int])
        assert fresh.clock is clock
        assert (await container.resolve(MemoryRepository)) is old
        assert old.clock is not clock


async def test_overriding_is_for_tests() -> None:
    """A container that is not in testing mode refuses overrides."""
    async with Container() as container:
        with pytest.raises(ContainerError, match="in tests only"):
            container.override(Settings, Settings())


async def test_an_override_stands_for_what_is_registered() -> None:
    """It counts for requests and for injection, before and after registration, until it is taken back."""
    fake = SystemClock()
    async with Container(testing_mode=True) as container:
        before = container.override(Clock, fake)
        container.singleton(Clock, SystemClock)
        container.transient(MemoryRepository)
        container.freeze()
        assert await container.resolve(Clock) is fake
        assert (await container.resolve(MemoryRepository)).clock is fake

        before.undo()
        before.undo()
        real = await container.resolve(Clock)
        assert real is not fake

        with container.override(Clock, fake), container.override(Clock, SystemClock) as inner:
            assert await container.resolve(Clock) not in {fake, real}
            inner.undo()
            assert await container.resolve(Clock) is fake
        assert await container.resolve(Clock) is real


async def test_an_override_that_is_made_lives_as_long_as_what_it_stands_for() -> None:
    """A class in the place of a scoped service is made once per scope."""
    async with Container(testing_mode=True) as container:
        container.scoped(Settings)
        container.freeze()
        container.override(Settings, lambda: Settings(debug=True))

        async with container.scope() as one, container.scope() as two:
            assert (await one.resolve(Settings)).debug
            assert await one.resolve(Settings) is not await two.resolve(Settings)


async def test_an_override_mends_the_graph() -> None:
    """Faults of what is overridden do not count."""
    async with Container(testing_mode=True) as container:
        container.singleton(MemoryRepository)
        container.override(MemoryRepository, MagicMock())

        container.freeze()


async def test_an_override_of_a_name_leaves_the_others() -> None:
    """Only the service of that name is replaced."""
    async with Container(testing_mode=True) as container:
        container.singleton(Settings, Settings())
        container.singleton(Settings, Settings(), name="a")
        container.override(Settings, Settings(debug=True), name="a")

        assert not (await container.resolve(Settings)).debug
        assert (await container.resolve(Annotated[Settings, "a"])).debug


class Made:
    """What the generic factory of the tests makes."""

    def __init__(self, kind: type[Any]) -> None:
        self.kind = kind
        self.closed = False

    def get(self) -> Any:
        return self.kind

    async def aclose(self) -> None:
        self.closed = True


class NeedsForms:
    """Asks for two forms of a generic."""

    def __init__(self, ints: Repository[int], strings: Annotated[Repository[str], Named("b")]) -> None:
        self.ints = ints
        self.strings = strings


async def test_a_generic_is_registered_for_all_its_forms() -> None:
    """The factory gets the type arguments and a resolver, once for each form; validation accepts the forms."""
    asked: list[tuple[Any, ...]] = []

    async def make(arguments: tuple[Any, ...], resolver: ContainerResolverProtocol) -> Made:
        asked.append(arguments)
        assert await resolver.resolve(Settings) == Settings()
        return Made(arguments[0])

    container = Container()
    container.singleton(Settings, Settings())
    container.register_generic(Repository, make)
    container.register_generic(Repository, lambda arguments, resolver: Made(arguments[0]), name="b")
    container.singleton(NeedsForms)
    container.singleton(Repository[float], MemoryRepository)
    container.singleton(Clock, SystemClock)
    container.freeze()

    needs = await container.resolve(NeedsForms)
    ints = await container.resolve(Repository[int])
    late = await container.resolve(Repository[list[Settings]])

    assert needs.ints is ints
    assert needs.strings.get() is str
    assert late.get() == list[Settings]
    assert asked == [(int,), (list[Settings],)]
    assert isinstance(await container.resolve(Repository[float]), MemoryRepository)
    assert [r.get() for r in await container.resolve_all(Repository[bytes])] == [bytes, bytes]
    assert container.has(Repository[complex])
    await container.dispose()
    assert isinstance(ints, Made)
    assert ints.closed


async def test_a_generic_may_be_transient_or_scoped() -> None:
    """The lifetime of a generic is that of each of its forms."""
    async with Container() as container:
        container.register_generic(Repository, lambda a, r: Made(a[0]), lifetime=ServiceScope.TRANSIENT)
        container.register_generic(Repository, lambda a, r: Made(a[0]), lifetime=ServiceScope.SCOPED, name="s")

        assert await container.resolve(Repository[int]) is not await container.resolve(Repository[int])
        async with container.scope() as scope:
            first = await scope.resolve(Annotated[Repository[int], "s"])
            assert await scope.resolve(Annotated[Repository[int], "s"]) is first


async def test_an_open_generic_is_asked_for_with_its_types() -> None:
    """Without type arguments nobody can tell what to make."""
    async with Container() as container:
        container.register_generic(Repository, lambda a, r: Made(a[0]))

        with pytest.raises(UnresolvableDependencyError, match="registered for concrete forms only"):
            await container.resolve(Repository)


def test_only_open_generics_are_registered_as_such() -> None:
    """A concrete form and a plain class are refused."""
    container = Container()

    for wrong in (Repository[int], Settings):
        with pytest.raises(RegistrationError, match="is not an open generic"):
            container.register_generic(wrong, lambda a, r: None)


@scoped(provides=[Clock, SystemClock], name="marked")
class Marked(SystemClock):
    """A class that says how it is registered."""


@singleton
class Single:
    """A singleton without brackets."""


@transient()
class Fresh:
    """A transient with brackets."""


@injectable("scoped", "named", provides=Clock)
class Injectable(SystemClock):
    """The general form."""


async def test_classes_say_how_they_are_registered() -> None:
    """Decorators set lifetime, name and keys; several keys give the same object."""
    async with Container() as container:
        container.register(Marked, Single, Fresh, Injectable)
        container.register(Settings, lifetime=ServiceScope.TRANSIENT)
        container.freeze()

        assert await container.resolve(Single) is await container.resolve(Single)
        assert await container.resolve(Fresh) is not await container.resolve(Fresh)
        assert await container.resolve(Settings) is not await container.resolve(Settings)
        async with container.scope() as scope:
            marked = await scope.resolve(Annotated[Clock, "marked"])
            assert type(marked) is Marked
            assert await scope.resolve(Annotated[SystemClock, "marked"]) is marked
            assert type(await scope.resolve(Annotated[Clock, "named"])) is Injectable
        assert not container.has(Marked)


async def test_a_mark_is_not_inherited() -> None:
    """A subclass says for itself how it is registered."""

    class Sub(Marked):
        pass

    async with Container() as container:
        container.register(Sub)

        assert type(await container.resolve(Sub)) is Sub


def test_decorators_refuse_what_makes_no_sense() -> None:
    """There are three lifetimes, and only classes have one."""
    with pytest.raises(RegistrationError, match="'forever' is no lifetime"):
        injectable("forever")
    with pytest.raises(RegistrationError, match="is not a class"):
        singleton(5)  # type: ignore[type-var]


async def test_what_is_handed_on_is_not_closed_when_it_is_refused() -> None:
    """A service of the wrong kind that belongs to another key stays open."""

    def wrong(settings: Settings) -> Settings:
        return settings

    async with Container() as container:
        container.singleton(Settings)
        container.singleton(Clock, wrong)

        with pytest.raises(ProtocolValidationError):
            await container.resolve(Clock)
        assert await container.resolve(Settings) == Settings()


async def test_owners_see_each_others_services_where_there_are_no_borders() -> None:
    """Without modules a view only says in whose name something is registered."""
    async with Container() as container:
        view = container.view(Service)
        view.singleton(Settings, Settings(debug=True))
        container.singleton(Settings, Settings())

        assert (await view.resolve(Settings)).debug
        assert not (await container.resolve(Settings)).debug
        assert (await container.view(Clock).resolve(Settings)).debug is False
        assert [entry["owner"] for entry in container.dump_registrations()] == ["Service", None]


def test_registrations_can_be_shown() -> None:
    """A dump tells key, name, lifetime and source of each registration."""
    container = Container()
    container.singleton(Settings, Settings(), name="a")
    container.scoped(Clock, SystemClock)

    assert container.dump_registrations() == [
        {
            "service": "Settings",
            "name": "a",
            "lifetime": "singleton",
            "source": "an instance of Settings",
            "owner": None,
        },
        {"service": "Clock", "name": None, "lifetime": "scoped", "source": "SystemClock", "owner": None},
    ]

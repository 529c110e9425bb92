"""Asking the container: names, options, injection, faults."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Annotated, Any, Protocol

import pytest
from lexigram.contracts.core.di import ContainerResolverProtocol
from lexigram.contracts.exceptions.container import (
    CircularDependencyError,
    ContainerError,
    ContainerValidationError,
    DependencyError,
    RegistrationError,
    ScopedResolutionError,
    UnresolvableDependencyError,
)
from lexigram.di import Container, Inject, Named, OptionalDep, Scope, inject, named


class Store(Protocol):
    """A protocol to inject."""

    label: str


@dataclass
class MemoryStore:
    """Its implementation."""

    label: str = "primary"


class Reader:
    """Needs the unnamed store and one by each spelling of a name."""

    def __init__(
        self,
        store: Store,
        marked: Annotated[Store, Named("analytics")],
        bare: Annotated[Store, "analytics"],
        default: Store = named("analytics"),  # noqa: B008 - that is its place
    ) -> None:
        self.labels = [store.label, marked.label, bare.label, default.label]


class Misspelt:
    """Asks for a name that is not there."""

    def __init__(self, store: Annotated[Store, "analitics"]) -> None: ...


class Optionals:
    """Everything it asks for may be absent."""

    def __init__(
        self,
        a: Store | None,
        b: Annotated[Store, OptionalDep("nothing")],
        c: Annotated[Store, Named("x")] | None = None,
        d: int = 5,
        e: Store = Inject(default="none"),  # type: ignore[assignment]  # noqa: B008 - that is its place
    ) -> None:
        self.values = [a, b, c, d, e]


class Keeper:
    """Keeps the resolver."""

    def __init__(self, resolver: ContainerResolverProtocol) -> None:
        self.resolver = resolver


class Left:
    """Needs Right."""

    def __init__(self, right: Right) -> None: ...


class Right:
    """Needs Left."""

    def __init__(self, left: Left) -> None: ...


class Top:
    """Needs Middle."""

    def __init__(self, middle: Middle) -> None: ...


class Middle:
    """Needs a store, and a thing without annotation."""

    def __init__(self, store: Store, thing) -> None: ...  # type: ignore[no-untyped-def]


class Selfish:
    """Needs itself."""

    def __init__(self, other: Selfish) -> None: ...


class Narrow:
    """Lives in a scope."""


class Between:
    """Hands a scoped service on."""

    def __init__(self, narrow: Narrow) -> None:
        self.narrow = narrow


class Wide:
    """Would hold a scoped service."""

    def __init__(self, between: Between) -> None: ...


class Bystander:
    """Needs a scoped service, perhaps."""

    def __init__(self, narrow: Narrow | None = None) -> None:
        self.narrow = narrow


def stores() -> Container:
    container = Container()
    container.singleton(Store, MemoryStore())
    container.singleton(Store, MemoryStore("analytics"), name="analytics")
    container.singleton(Store, MemoryStore("archive"), name="archive")
    return container


async def test_names_mean_the_same_in_every_spelling() -> None:
    """Named, a bare string and named() inject the service of that name, nothing else the unnamed one."""
    async with stores() as container:
        container.singleton(Reader)
        container.freeze()

        assert (await container.resolve(Reader)).labels == ["primary", "analytics", "analytics", "analytics"]


async def test_an_unknown_name_is_an_error_that_lists_the_known() -> None:
    """The unnamed service never stands in for a named one."""
    async with stores() as container:
        for form in (Annotated[Store, "analitics"], Annotated[Store, Named("analitics")]):
            with pytest.raises(UnresolvableDependencyError) as failure:
                await container.resolve(form)
            assert failure.value.code == "LEX_ERR_DI_004"
            assert failure.value.message == (
                "no Store is named 'analitics'; the names are 'analytics', 'archive'; did you mean 'analytics'?"
            )
            assert failure.value.known_names == ["analytics", "archive"]

        container.singleton(Misspelt)
        with pytest.raises(ContainerValidationError, match="no Store is named 'analitics'"):
            container.freeze()


async def test_a_name_where_there_are_none_is_an_error() -> None:
    """A type that is registered without names only says so."""
    async with Container() as container:
        container.singleton(Store, MemoryStore())

        with pytest.raises(UnresolvableDependencyError, match="under any name; there is only the unnamed one"):
            await container.resolve(Annotated[Store, "analytics"])
        with pytest.raises(UnresolvableDependencyError, match="Optionals named 'x' is not registered"):
            await container.resolve(Annotated[Optionals, "x"])


async def test_names_only_is_an_error_that_lists_them() -> None:
    """Where all services of a type have names, the unnamed one is none of them."""
    async with Container() as container:
        container.singleton(Store, MemoryStore(), name="a")

        with pytest.raises(UnresolvableDependencyError, match="registered only under names: 'a'") as failure:
            await container.resolve(Store)
        assert failure.value.hint is not None
        assert 'Annotated[Store, Named("a")]' in failure.value.hint


async def test_what_may_be_absent_may_be_absent() -> None:
    """None beside the type, OptionalDep, Inject and defaults stand in for what is not registered."""
    async with Container() as container:
        container.transient(Optionals)
        container.freeze()
        assert (await container.resolve(Optionals)).values == [None, "nothing", None, 5, "none"]

        store = MemoryStore()
        container.bind(Store, store)
        container.bind(Store, store, name="x")
        container.bind(int, 6)
        assert (await container.resolve(Optionals)).values == [store, store, store, 6, store]


async def test_requests_may_be_optional() -> None:
    """resolve_optional and P | None give None for what is not registered."""
    async with Container() as container:
        assert await container.resolve_optional(Store) is None
        assert await container.resolve(Store | None) is None
        assert await container.resolve_optional(Annotated[Store, "x"]) is None
        container.singleton(Store, MemoryStore())

        assert await container.resolve_optional(Store) == MemoryStore()
        assert await container.resolve(Store | None) == MemoryStore()


async def test_an_optional_request_does_not_hide_faults() -> None:
    """What is registered but cannot be made is an error, even where it may be absent."""
    async with Container() as container:
        container.singleton(Top)

        with pytest.raises(UnresolvableDependencyError, match="Middle is not registered"):
            await container.resolve_optional(Top)


async def test_all_services_of_a_type_come_in_order() -> None:
    """The unnamed one first, then by name, whatever the order of registration."""
    async with Container() as container:
        assert await container.resolve_all(Store) == []
        container.singleton(Store, MemoryStore("b"), name="b")
        container.singleton(Store, MemoryStore("a"), name="a")
        container.singleton(Store, MemoryStore())

        assert [store.label for store in await container.resolve_all(Store)] == ["primary", "a", "b"]


async def test_an_unregistered_class_is_not_made() -> None:
    """Nothing is made that nobody registered."""
    async with Container() as container:
        with pytest.raises(UnresolvableDependencyError, match="MemoryStore is not registered") as failure:
            await container.resolve(MemoryStore)
        assert failure.value.code == "LEX_ERR_DI_004"
        assert failure.value.dependency == "MemoryStore"


async def test_what_is_no_type_cannot_be_asked_for() -> None:
    """Values are refused as keys."""
    async with Container() as container:
        with pytest.raises(RegistrationError):
            await container.resolve("Store")


async def test_metadata_that_cannot_be_hashed_does_no_harm() -> None:
    """Other libraries may put anything in Annotated."""
    async with stores() as container:
        form: Any = Annotated[Store, {"doc": "of somebody else"}, Named("archive")]

        assert (await container.resolve(form)).label == "archive"


async def test_services_may_get_the_resolver() -> None:
    """A singleton gets the container's resolver, a scoped service that of its scope."""
    async with Container() as container:
        container.singleton(Keeper)
        container.scoped(Narrow)
        container.scoped(Between)
        container.scoped(Store, lambda resolver: MemoryStore(), validate=False)

        keeper = await container.resolve(Keeper)
        assert await keeper.resolver.resolve(Keeper) is keeper
        assert await container.resolve(ContainerResolverProtocol) is container

    async with Container() as container:
        container.scoped(Narrow)
        container.scoped(Keeper)
        async with container.scope() as scope:
            keeper = await scope.resolve(Keeper)
            assert await keeper.resolver.resolve(Narrow) is await scope.resolve(Narrow)


async def test_a_service_that_exists_can_be_had_without_waiting() -> None:
    """resolve_sync gives objects and what was made before, else it says how to get them."""

    async def make() -> MemoryStore:
        return MemoryStore()

    async with Container() as container:
        container.singleton(Store, make)

        with pytest.raises(ContainerError, match="Store has not been made yet"):
            container.resolve_sync(Store)
        store = await container.resolve(Store)
        assert container.resolve_sync(Store) is store
        with pytest.raises(UnresolvableDependencyError):
            container.resolve_sync(Reader)
        container.scoped(Narrow)
        async with container.scope() as scope:
            narrow = await scope.resolve(Narrow)
            assert scope.resolve_sync(Narrow) is narrow
            assert scope.resolve_sync(Store) is store


async def test_missing_dependencies_are_told_with_the_chain() -> None:
    """Who asks for a service whose parts are missing learns the way to what is missing."""
    async with Container() as container:
        container.singleton(Top)
        container.singleton(Middle)

        with pytest.raises(UnresolvableDependencyError) as failure:
            await container.resolve(Top)
        assert failure.value.chain == ("Top", "Middle", "Store")
        assert failure.value.dependency == "Store"
        assert failure.value.message == ("Top -> Middle: Store is not registered (parameter 'store' of Middle)")


async def test_circular_dependencies_are_told_with_the_circle() -> None:
    """A circle is named from one of its services back to it."""
    async with Container() as container:
        container.singleton(Left)
        container.singleton(Right)
        container.singleton(Selfish)

        with pytest.raises(CircularDependencyError, match="Left -> Right -> Left") as failure:
            await container.resolve(Left)
        assert failure.value.chain == ("Left", "Right", "Left")
        with pytest.raises(CircularDependencyError, match="Selfish -> Selfish"):
            await container.resolve(Selfish)


async def test_freezing_lists_all_faults() -> None:
    """Missing, circular, captive and unreadable dependencies are told together, and nothing is frozen."""
    async with Container() as container:
        for service in (Top, Middle, Left, Right, Selfish, Wide):
            container.singleton(service)
        container.transient(Between)
        container.scoped(Narrow)

        with pytest.raises(ContainerValidationError) as failure:
            container.freeze()

        assert failure.value.code == "LEX_ERR_DI_008"
        assert sorted(failure.value.issues) == [
            "Left -> Right -> Left: these need each other",
            "Middle cannot be made by Middle: parameter 'thing' has no annotation",
            "Selfish -> Selfish: these need each other",
            "Top -> Middle: Store is not registered (parameter 'store' of Middle)",
            "Wide -> Between -> Narrow: a singleton would keep a scoped service beyond the end of its scope",
        ]
        assert sorted(container.validate()) == sorted(failure.value.issues)
        assert not container.is_frozen
        assert "5 faults" in str(failure.value)


async def test_freezing_may_leave_the_faults_for_later() -> None:
    """Without validation each fault is met by who asks for the service."""
    async with Container() as container:
        container.singleton(Top)
        container.singleton(Narrow)
        container.freeze(validate=False)

        assert isinstance(await container.resolve(Narrow), Narrow)
        with pytest.raises(UnresolvableDependencyError):
            await container.resolve(Top)


async def test_a_parameter_that_cannot_be_read_is_told_at_the_request() -> None:
    """Who asks for the service gets an error that names the parameter."""
    async with stores() as container:
        container.singleton(Middle)

        with pytest.raises(DependencyError, match="Middle cannot be made by Middle: parameter 'thing'") as failure:
            await container.resolve(Middle)
        assert failure.value.code == "LEX_ERR_DI_002"


async def test_a_singleton_may_not_hold_a_scoped_service() -> None:
    """Neither at the request nor in the graph, however many transients are between."""
    async with Container() as container:
        container.singleton(Wide)
        container.transient(Between)
        container.scoped(Narrow)

        async with container.scope() as scope:
            with pytest.raises(ScopedResolutionError, match="Wide -> Between -> Narrow") as failure:
                await scope.resolve(Wide)
            assert failure.value.chain == ("Wide", "Between", "Narrow")


async def test_a_scoped_service_lives_in_scopes_only() -> None:
    """Outside a scope it is an error of its own, as is a transient that needs one."""
    async with Container() as container:
        container.scoped(Narrow)
        container.transient(Between)
        container.transient(Bystander)

        for service in (Narrow, Between, Bystander):
            with pytest.raises(ScopedResolutionError) as failure:
                await container.resolve(service)
            assert failure.value.code == "LEX_ERR_DI_009"
        async with container.scope() as scope:
            between = await scope.resolve(Between)
            assert between.narrow is await scope.resolve(Narrow)


async def test_functions_are_called_with_what_they_need() -> None:
    """call() injects what is not given, sync or async."""

    def join(prefix: str, store: Store, other: Annotated[Store, "archive"], sign: str = "-") -> str:
        return prefix + store.label + sign + other.label

    async def later(store: Store, /, n: int, absent: Reader | None = None) -> tuple[str, int, Reader | None]:
        return store.label, n, absent

    async with stores() as container:
        assert await container.call(join, ">") == ">primary-archive"
        assert await container.call(join, ">", sign="+", store=MemoryStore("x")) == ">x+archive"
        assert await container.call(later, n=3) == ("primary", 3, None)
        assert isinstance(await container.call(Keeper), Keeper)
        with pytest.raises(UnresolvableDependencyError, match="Reader is not registered"):
            await container.call(needs_reader)
        with pytest.raises(DependencyError, match="untold cannot be called: parameter 'thing' has no annotation"):
            await container.call(untold)


def needs_reader(reader: Reader) -> None: ...


def untold(thing, other=1) -> None: ...  # type: ignore[no-untyped-def]


@inject
async def greet(greeting: str, store: Store, *, sign: str = "!") -> str:
    """A function whose store is injected."""
    return f"{greeting} {store.label}{sign}"


async def test_an_injected_function_takes_from_the_open_scope() -> None:
    """@inject fills in from the innermost scope, and only there."""
    async with Container() as container:
        container.scoped(Store, lambda: MemoryStore("scoped"))

        async with container.scope():
            assert await greet("hello") == "hello scoped!"
            assert await greet("hello", MemoryStore("given"), sign="?") == "hello given?"
            async with container.scope() as inner:
                store = await inner.resolve(Store)
                store.label = "inner"
                assert await greet("hello") == "hello inner!"
            assert await greet("hello") == "hello scoped!"
        with pytest.raises(ContainerError, match="no scope is open and no application runs"):
            await greet("hello")


def test_only_async_functions_are_injected() -> None:
    """Nothing can be awaited for a sync function."""
    with pytest.raises(RegistrationError, match="is not async"):
        inject(needs_reader)  # type: ignore[arg-type]


async def test_errors_of_factories_come_as_they_are() -> None:
    """The error of a factory is raised itself, with a note that says what was being made, and is not remembered."""
    attempts = 0

    async def make() -> MemoryStore:
        nonlocal attempts
        attempts += 1
        if attempts == 1:
            raise ConnectionError("refused")
        return MemoryStore()

    async with Container() as container:
        container.singleton(Store, make)
        container.singleton(Keeper, factory=lambda: 5, validate=False)

        with pytest.raises(ConnectionError, match="refused") as failure:
            await container.resolve(Store)
        assert any("while making Store with" in note for note in failure.value.__notes__)
        assert await container.resolve(Store) == MemoryStore()
        assert await container.resolve(Keeper) == 5


async def test_a_generator_must_yield() -> None:
    """A factory that yields nothing is told from one that fails; StopIteration does not end a coroutine unseen."""

    async def nothing() -> AsyncIterator[MemoryStore]:
        return
        yield

    def nothing_either() -> Any:
        yield from ()

    def stop() -> MemoryStore:
        raise StopIteration

    async with Container() as container:
        container.singleton(Store, nothing, name="a")
        container.singleton(Store, nothing_either, name="b")
        container.singleton(Store, stop, name="c")

        for name in ("a", "b"):
            with pytest.raises(DependencyError, match="yielded nothing"):
                await container.resolve(Annotated[Store, Named(name)])
        with pytest.raises(DependencyError, match="StopIteration"):
            await container.resolve(Annotated[Store, "c"])


async def test_a_scope_is_a_resolver() -> None:
    """A scope offers what the container offers for asking."""
    async with stores() as container:
        container.scoped(Narrow)
        async with container.scope() as scope:
            assert isinstance(scope, Scope)
            assert isinstance(scope, ContainerResolverProtocol)
            assert scope.has(Store)
            assert await scope.resolve_optional(Reader) is None
            assert len(await scope.resolve_all(Store)) == 3
            assert isinstance(await scope.call(Between), Between)

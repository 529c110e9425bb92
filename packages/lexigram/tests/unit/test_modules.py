"""Modules: putting them together, and the borders between them."""

from __future__ import annotations

from typing import Annotated, Any, Generic, Protocol, TypeVar

import pytest
from lexigram import Application, LexigramConfig, Module, Named, Provider, create_module, global_module, module
from lexigram.contracts.core.di import ContainerRegistrarProtocol, ContainerResolverProtocol
from lexigram.contracts.core.module import DynamicModuleProtocol, ModuleProtocol
from lexigram.contracts.exceptions.container import ContainerValidationError, UnresolvableDependencyError
from lexigram.contracts.exceptions.provider import (
    ModuleCycleError,
    ModuleDuplicateError,
    ModuleError,
    ModuleExportError,
    ModuleImportError,
    ModuleVisibilityError,
    ProviderError,
)
from lexigram.di import ContainerView
from lexigram.di.module import DynamicModule, ModuleMetadata
from lexigram.di.module.graph import ModuleGraph
from lexigram.di.provider import ProviderPriority

T = TypeVar("T")

CONFIG = LexigramConfig()  # made here, since reading plugins would block the event loop


class Store(Protocol):
    """What the store module exports."""

    label: str


class MemoryStore:
    """Its implementation, private to the module."""

    label = "memory"


class Pool:
    """Private to the store module."""


class Repository(Generic[T]):
    """A generic that the store module exports in all its forms."""

    def __init__(self, kind: Any) -> None:
        self.kind = kind


class StoreProvider(Provider):
    """Registers the store, a named one, a private pool and a generic."""

    name = "store"
    priority = ProviderPriority.INFRASTRUCTURE

    def __init__(self, *, off: bool = False) -> None:
        super().__init__()
        self._off = off

    @property
    def enabled(self) -> bool:
        return not self._off

    async def register(self, container: ContainerRegistrarProtocol) -> None:
        if self._off:
            return
        assert isinstance(container, ContainerView)
        container.singleton(Pool)
        container.singleton(Store, MemoryStore)
        container.singleton(Store, MemoryStore, name="archive")
        container.register_generic(Repository, lambda arguments, resolver: Repository(arguments[0]))

    async def boot(self, container: ContainerResolverProtocol) -> None:
        assert self._off or isinstance(await container.resolve(Pool), Pool)


@module(name="store")
class StoreModule(Module):
    """A module that is configured."""

    @classmethod
    def configure(cls, *, off: bool = False) -> DynamicModule:
        return DynamicModule(cls, [StoreProvider(off=off)], exports=[Store, Repository])

    @classmethod
    def stub(cls, config: Any = None) -> DynamicModule:
        return cls.configure()


class Products:
    """A repository whose constructor asks for what the store module exports."""

    def __init__(self, store: Store, archive: Annotated[Store, Named("archive")], numbers: Repository[int]) -> None:
        self.labels = [store.label, archive.label, numbers.kind]


class Catalogue:
    """A service on top of the repository."""

    def __init__(self, products: Products) -> None:
        self.products = products


class Secretive:
    """Asks for what the store module keeps to itself."""

    def __init__(self, pool: Pool) -> None: ...


class Prying:
    """Asks for what the store module keeps to itself, if it may."""

    def __init__(self, pool: Pool | None = None) -> None:
        self.pool = pool


def app(*modules: Any, providers: Any = ()) -> Any:
    return Application.boot("test", modules=modules, providers=providers, config=CONFIG)


async def fail(*modules: Any, providers: Any = ()) -> None:
    async with app(*modules, providers=providers):
        pytest.fail("it started")


def test_modules_follow_the_contracts() -> None:
    """Classes and what they return implement the protocols."""
    assert isinstance(StoreModule, ModuleProtocol)
    assert isinstance(StoreModule.stub(), DynamicModuleProtocol)


def test_a_module_that_has_no_configuration_says_so() -> None:
    """configure() and stub() are there only where a module writes them."""
    for method in (Module.configure, Module.stub):
        with pytest.raises(NotImplementedError):
            method()


def test_the_decorator_needs_brackets() -> None:
    """A bare @module is a mistake that is told."""
    with pytest.raises(ModuleError, match="needs brackets"):
        module(StoreModule)  # type: ignore[arg-type]


async def test_a_scope_builds_repositories() -> None:
    """Classes given to scope() get what their constructors ask for, and are exported."""
    async with app(StoreModule.stub(), StoreModule.scope(Products)) as running:
        products = await running.container.resolve(Products)

    assert products.labels == ["memory", "memory", int]


async def test_a_scope_may_keep_its_classes() -> None:
    """exports= says what others may use instead."""
    parts = StoreModule.stub(), StoreModule.scope(Products, Catalogue, exports=[Catalogue])
    async with app(*parts) as running:
        assert await running.container.resolve(Catalogue)
        with pytest.raises(ModuleVisibilityError, match=r"'store.scope\(Products, Catalogue\)'"):
            await running.container.resolve(Products)


async def test_a_scope_sees_all_of_its_module() -> None:
    """What scope() adds is part of the module; scopes of one module do not see each other without importing."""
    first = StoreModule.scope(Products)
    async with app(
        StoreModule.stub(), first, StoreModule.scope(Secretive), StoreModule.scope(Catalogue, imports=[first])
    ) as running:
        await running.container.resolve(Secretive)
        await running.container.resolve(Catalogue)
    with pytest.raises(ModuleVisibilityError, match="Products belongs to module"):
        await fail(StoreModule.stub(), StoreModule.scope(Products), StoreModule.scope(Catalogue))


async def test_a_module_uses_what_it_imports() -> None:
    """Exports reach importers, whatever their name, and generics in all forms; the application sees all exports."""

    @module(imports=[StoreModule], providers=[Products, Catalogue], exports=[Catalogue])
    class CatalogueModule(Module): ...

    async with app(StoreModule.configure(), CatalogueModule) as running:
        catalogue = await running.container.resolve(Catalogue)

        assert catalogue.products.labels == ["memory", "memory", int]
        assert (await running.container.resolve(Annotated[Store, "archive"])).label == "memory"
        assert (await running.container.resolve(Repository[str])).kind is str
        assert running.modules == (StoreModule, CatalogueModule)
        for hidden in (Products, Pool):
            with pytest.raises(ModuleVisibilityError) as failure:
                await running.container.resolve(hidden)
            assert failure.value.code == "LEX_ERR_MOD_005"
            assert failure.value.consumer_module is None
        assert failure.value.provider_module == "store"
        assert failure.value.service_type == "Pool"
        assert await running.container.resolve_optional(Pool) is None


async def test_what_is_not_exported_is_not_visible_to_other_modules() -> None:
    """A single such use is told by itself, several with all other faults."""
    with pytest.raises(ModuleVisibilityError) as failure:
        await fail(StoreModule.stub(), create_module("spy", [Secretive], [StoreModule]))
    assert failure.value.consumer_module == "spy"
    assert failure.value.provider_module == "store"
    assert "Secretive: Pool belongs to module 'store' and is not visible to module 'spy'" in failure.value.message
    assert failure.value.hint == "Export it from 'store' and import that module in 'spy'."

    with pytest.raises(ContainerValidationError) as both:
        await fail(StoreModule.stub(), create_module("spy", [Secretive, Catalogue], [StoreModule]))
    assert len(both.value.issues) == 2


async def test_what_is_not_imported_is_not_visible() -> None:
    """An export reaches those who import the module, nobody else."""
    with pytest.raises(ContainerValidationError) as failure:
        await fail(StoreModule.stub(), create_module("stranger", [Products]))

    assert all("not visible to module 'stranger'" in issue for issue in failure.value.issues)
    assert len(failure.value.issues) == 3


async def test_a_hidden_service_may_be_absent() -> None:
    """Where None is allowed, a service of another module counts as absent."""
    async with app(StoreModule.stub(), create_module("shy", [Prying], [StoreModule], [Prying])) as running:
        assert (await running.container.resolve(Prying)).pool is None


async def test_two_modules_may_register_the_same() -> None:
    """Each sees its own; the application what is exported."""

    class Own(Provider):
        def __init__(self, label: str) -> None:
            super().__init__()
            self.name = label

        async def register(self, container: ContainerRegistrarProtocol) -> None:
            store = MemoryStore()
            store.label = self.name
            container.singleton(Store, store)
            container.singleton(Label)

    first = create_module("first", [Own("one")], exports=[Label])
    second = create_module("second", [Own("two")], exports=[Store])
    async with app(first, second) as running:
        assert (await running.container.resolve(Label)).text == "one"
        assert (await running.container.resolve(Store)).label == "two"


class Label:
    """Keeps the label of the store that it got."""

    def __init__(self, store: Store) -> None:
        self.text = store.label


async def test_a_modules_own_service_comes_before_the_applications() -> None:
    """What the application registers is visible to all, and gives way to a module's own."""

    class Everywhere(Provider):
        async def register(self, container: ContainerRegistrarProtocol) -> None:
            store = MemoryStore()
            store.label = "application"
            container.singleton(Store, store)

    own = DynamicModule(StoreModule, [StoreProvider(), Label], exports=[Label])
    other = create_module("other", [Label], exports=[Label])
    async with app(own, providers=[Everywhere]) as running:
        assert (await running.container.resolve(Label)).text == "memory"
        assert (await running.container.resolve(Store)).label == "application"
    async with app(other, providers=[Everywhere]) as running:
        assert (await running.container.resolve(Label)).text == "application"


async def test_exports_are_handed_on() -> None:
    """A module may export a module it imports, or a key that reached it; more than once over."""
    by_module = create_module("by_module", imports=[StoreModule], exports=[StoreModule])
    by_key = create_module("by_key", imports=[by_module], exports=[Store, Repository])
    user = create_module("user", [Products], [by_key], [Products])
    async with app(StoreModule.stub(), user) as running:
        assert (await running.container.resolve(Products)).labels == ["memory", "memory", int]

    narrow = create_module("narrow", imports=[StoreModule], exports=[Annotated[Store, Named("archive")]])
    with pytest.raises(ContainerValidationError) as failure:
        await fail(StoreModule.stub(), create_module("user", [Products], [narrow]))
    assert len(failure.value.issues) == 2
    assert not any("archive" in issue for issue in failure.value.issues)


async def test_a_global_module_is_visible_to_all() -> None:
    """Its exports need no import; what it keeps stays its own."""

    @global_module("everywhere", imports=[StoreModule], exports=[StoreModule])
    class Everywhere(Module): ...

    @module(providers=[Products], exports=[Products])
    class Plain(Module): ...

    async with app(StoreModule.stub(), Everywhere, Plain) as running:
        await running.container.resolve(Products)
    with pytest.raises(ModuleVisibilityError):
        await fail(StoreModule.stub(), Everywhere, create_module("spy", [Secretive]))
    dynamic = DynamicModule(StoreModule, [StoreProvider()], exports=[Store, Repository], is_global=True)
    async with app(dynamic, Plain) as running:
        await running.container.resolve(Products)


async def test_two_global_modules_may_look_at_each_other() -> None:
    """Handing on each other's keys leads nowhere, but does not go round for ever."""
    one = create_module("one", exports=[Store], is_global=True)
    two = create_module("two", exports=[Store], is_global=True)

    with pytest.raises(ModuleExportError):
        await fail(one, two)


async def test_circular_imports_are_told_with_the_chain() -> None:
    """The names along the circle are there, from one of them back to it."""
    one, two, three = (create_module(name) for name in ("one", "two", "three"))
    chain = [
        DynamicModule(one.module, imports=[two.module], name="one"),
        DynamicModule(two.module, imports=[three.module], name="two"),
        DynamicModule(three.module, imports=[one.module], name="three"),
    ]

    with pytest.raises(ModuleCycleError, match="one -> two -> three -> one") as failure:
        await fail(*chain)
    assert failure.value.cycle == ("one", "two", "three", "one")
    assert failure.value.code == "LEX_ERR_MOD_004"


async def test_a_module_is_configured_once() -> None:
    """Two configurations of one class are an error; the same one listed twice is not."""
    with pytest.raises(ModuleDuplicateError, match="module 'store' is configured twice") as failure:
        await fail(StoreModule.configure(), StoreModule.stub())
    assert failure.value.code == "LEX_ERR_MOD_006"

    once = StoreModule.configure()
    async with app(once, once, create_module("user", imports=[once, StoreModule])) as running:
        assert len(running.providers) == 1


async def test_an_imported_module_must_be_configured_somewhere() -> None:
    """Its class alone has nothing to offer; the error says who needs it and what to add."""
    with pytest.raises(ModuleImportError, match="module 'store' is not configured, but 'shop' needs it") as failure:
        await fail(create_module("shop", imports=[StoreModule]))
    assert failure.value.missing_import == "store"
    assert failure.value.module_name == "shop"
    assert failure.value.available_modules == ("shop",)
    assert failure.value.hint is not None
    assert "StoreModule.configure(...)" in failure.value.hint
    with pytest.raises(ModuleImportError, match="needs it"):
        await fail(StoreModule.scope(Products))
    with pytest.raises(ModuleImportError, match=r"module 'store' is not configured\n"):
        ModuleGraph([StoreModule])


async def test_an_export_must_be_registered() -> None:
    """A module that exports what it does not have is told what it has."""
    with pytest.raises(ModuleExportError, match=r"'shop' exports Store, which none .*; they register Pool") as failure:
        await fail(create_module("shop", [Pool], exports=[Store]))
    assert failure.value.missing_export == "Store"
    assert failure.value.registered_types == ("Pool",)
    with pytest.raises(ModuleExportError, match="which is no key"):
        await fail(create_module("shop", exports=["Store"]))
    with pytest.raises(ModuleImportError, match="exports module 'store' without importing it"):
        await fail(create_module("shop", exports=[StoreModule]))


async def test_a_module_that_is_switched_off_need_not_have_its_exports() -> None:
    """A provider may register nothing because its configuration says so; who needs it is told."""
    handing_on = create_module("handing_on", imports=[StoreModule], exports=[Store])
    async with app(StoreModule.configure(off=True), handing_on) as running:
        with pytest.raises(UnresolvableDependencyError):
            await running.container.resolve(Store)


async def test_what_is_listed_must_make_sense() -> None:
    """Modules, providers and classes each have their place."""
    with pytest.raises(ModuleError, match="is no module"):
        await fail(Pool)
    with pytest.raises(ModuleError, match="is no module"):
        await fail("store")
    with pytest.raises(ProviderError, match="the provider Demanding, listed in shop, cannot be made"):
        await fail(create_module("shop", [Demanding]))


class Demanding(Provider):
    """A provider that needs an argument."""

    def __init__(self, something: int) -> None:
        super().__init__()


async def test_a_decorated_class_need_not_inherit() -> None:
    """@module is enough; generic classes may be services."""

    @module(providers=[Boxed[int]], exports=[Boxed[int]])
    class Plain: ...

    async with app(Plain) as running:
        assert isinstance(await running.container.resolve(Boxed[int]), Boxed)


class Boxed(Generic[T]):
    """A generic service."""


async def test_modules_are_told_of_the_start_and_the_end() -> None:
    """After all have booted, imports first, with their own view; before shutdown, in reverse."""
    told: list[Any] = []

    @module(providers=[StoreProvider], exports=[Store])
    class First(Module):
        @classmethod
        async def on_module_booted(cls, container: ContainerResolverProtocol) -> None:
            told.append(type(await container.resolve(Pool)))

        @classmethod
        async def on_module_shutdown(cls) -> None:
            told.append("first down")

    @module(imports=[First])
    class Second(Module):
        @classmethod
        async def on_module_booted(cls, container: ContainerResolverProtocol) -> None:
            told.append(await container.resolve_optional(Pool))

        @classmethod
        async def on_module_shutdown(cls) -> None:
            told.append("second down")

    async with app(Second):
        assert told == [Pool, None]
    assert told[2:] == ["second down", "first down"]


def test_what_a_module_says_is_plain_data() -> None:
    """The decorator keeps tuples, whatever was given."""
    said = vars(StoreModule)["__lexigram_module__"]

    assert said == ModuleMetadata("store")


async def test_the_container_tells_owners() -> None:
    """A dump of the registrations names the module of each."""
    async with app(StoreModule.stub()) as running:
        owners = {entry["service"]: entry["owner"] for entry in running.container.dump_registrations()}

    assert owners["Store"] == "store"
    assert owners["Application"] is None

"""Modules: groups of providers and services with a border.

A module shows what it exports to the modules that import it, and to the application; everything else is its own::

    @module(imports=[NoSQLModule], providers=[ProductService, ProductRepository], exports=[ProductService])
    class CatalogueModule(Module): ...

    async with Application.boot(modules=[NoSQLModule.stub(), CatalogueModule]) as app:
        products = await app.container.resolve(ProductService)

* ``providers`` holds providers (objects, or classes that need no arguments) and plain classes, which become services.
  A provider's class, and a ``ProviderFactory``, make one for each application; an object is in one at a time.
* ``imports`` holds modules: classes, which are configured there or elsewhere in the application, or what
  ``configure()`` returns.
* ``exports`` holds keys, with or without names, and modules, whose exports are handed on. A key exports all services
  of that type whatever their names, and a generic all its forms.
* A module's class is its identity: it is configured once in an application.
* A global module shows its exports to all. What the application itself registers is visible to all as well.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar, cast

from lexigram.contracts.core.di import ContainerResolverProtocol
from lexigram.contracts.exceptions.provider import ModuleError
from lexigram.di.keys import type_name

__all__ = ["DynamicModule", "Module", "ModuleMetadata", "create_module", "global_module", "metadata_of", "module"]

C = TypeVar("C", bound=type[Any])


@dataclass(frozen=True, slots=True)
class ModuleMetadata:
    """What ``@module`` says of a class.

    Attributes:
        name: The module's name.
        providers: Providers and services.
        imports: The modules that it uses.
        exports: What it shows.
        is_global: Whether it shows that to all.
    """

    name: str
    providers: tuple[Any, ...] = ()
    imports: tuple[Any, ...] = ()
    exports: tuple[Any, ...] = ()
    is_global: bool = False


@dataclass(frozen=True, eq=False)
class DynamicModule:
    """A module with its configuration; adds to what ``@module`` says of the class.

    Attributes:
        module: The module's class.
        providers: Providers and services.
        imports: The modules that it uses.
        exports: What it shows.
        is_global: Whether it shows that to all.
        name: The name in messages; that of the class where it is None.
    """

    module: type[Any]
    providers: Sequence[Any] = ()
    imports: Sequence[Any] = ()
    exports: Sequence[Any] = ()
    is_global: bool = False
    name: str | None = None

    def __post_init__(self) -> None:
        for field in ("providers", "imports", "exports"):
            object.__setattr__(self, field, tuple(getattr(self, field)))


class Module:
    """Base of modules."""

    @classmethod
    def configure(cls, *args: Any, **kwargs: Any) -> DynamicModule:
        """The module with its configuration, for real use.

        Raises:
            NotImplementedError: The module has nothing to configure; list its class.
        """
        raise NotImplementedError(f"{cls.__name__} has no configure(); list the class itself")

    @classmethod
    def scope(
        cls, *types: type[Any], exports: Sequence[Any] | None = None, imports: Sequence[Any] = ()
    ) -> DynamicModule:
        """A part of the module that adds services, such as repositories, to one configured elsewhere.

        The services see everything in the module, and get what their constructors ask for.

        Args:
            *types: Classes that become services.
            exports: What others may use; all the classes by default.
            imports: Further modules whose exports the services use.

        Returns:
            The part; there may be several of one module.
        """
        names = ", ".join(type_name(t) for t in types)
        part = type(f"_{cls.__name__}Scope", (Module,), {"__lexigram_scope_of__": cls, "__module__": cls.__module__})
        return DynamicModule(
            module=part,
            providers=types,
            imports=(cls, *imports),
            exports=types if exports is None else exports,
            name=f"{metadata_of(cls).name}.scope({names})",
        )

    @classmethod
    def stub(cls, config: Any = None) -> DynamicModule:
        """The module with embedded parts that need no service outside the process, for tests.

        Raises:
            NotImplementedError: The module has no such form.
        """
        raise NotImplementedError(f"{cls.__name__} has no stub()")

    @classmethod
    async def on_module_booted(cls, container: ContainerResolverProtocol) -> None:
        """Told when all providers of the application have booted.

        Args:
            container: What is visible to the module.
        """

    @classmethod
    async def on_module_shutdown(cls) -> None:
        """Told before the providers of the application are shut down."""


def module(
    name: str | None = None,
    providers: Sequence[Any] = (),
    imports: Sequence[Any] = (),
    exports: Sequence[Any] = (),
    is_global: bool = False,
) -> Callable[[C], C]:
    """Make a class a module.

    Args:
        name: Its name in messages; the class's by default.
        providers: Providers, and classes that become services.
        imports: The modules that it uses.
        exports: What it shows to those who import it.
        is_global: Whether it shows that to all.

    Returns:
        The decorator.
    """

    def mark(cls: C) -> C:
        said = ModuleMetadata(name or cls.__name__, tuple(providers), tuple(imports), tuple(exports), is_global)
        cls.__lexigram_module__ = said
        return cls

    if isinstance(name, type):
        raise ModuleError(f"@module needs brackets above {name.__name__}", hint="Write @module().")
    return mark


def global_module(
    name: str | None = None,
    providers: Sequence[Any] = (),
    imports: Sequence[Any] = (),
    exports: Sequence[Any] = (),
) -> Callable[[C], C]:
    """Make a class a module that shows its exports to all; see :func:`module`."""
    return module(name, providers, imports, exports, is_global=True)


def create_module(
    name: str,
    providers: Sequence[Any] = (),
    imports: Sequence[Any] = (),
    exports: Sequence[Any] = (),
    is_global: bool = False,
) -> DynamicModule:
    """Make a module without writing a class; see :func:`module` for the arguments."""
    return DynamicModule(type(name, (Module,), {}), providers, imports, exports, is_global, name)


def metadata_of(cls: type[Any]) -> ModuleMetadata:
    """What ``@module`` says of a class itself, not of its bases; without it the name alone."""
    return cast("ModuleMetadata", vars(cls).get("__lexigram_module__") or ModuleMetadata(cls.__name__))

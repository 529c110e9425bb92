"""What the container offers to those who register and to those who ask.

Keys are whatever can be written as a type: a class, a protocol, ``Repository[User]``,
``Annotated[DocumentStoreProtocol, Named("analytics")]``. They are typed with ``TypeForm`` (PEP 747), since ``type[T]``
refuses protocols and annotated types.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Any, Protocol, TypeVar, runtime_checkable

from typing_extensions import TypeForm

__all__ = ["ContainerProtocol", "ContainerRegistrarProtocol", "ContainerResolverProtocol"]

T = TypeVar("T")


@runtime_checkable
class ContainerRegistrarProtocol(Protocol):
    """Where providers say how services are made."""

    def singleton(
        self,
        service_type: TypeForm[T],
        instance: Any = None,
        *,
        name: str | None = None,
        factory: Callable[..., Any] | None = None,
    ) -> None:
        """Register one object for the whole application.

        Args:
            service_type: The key.
            instance: The object itself, or a class or function that makes it; without it (and without *factory*), the
                key is the class.
            name: Registers beside the unnamed one, for ``Named(name)``.
            factory: A function, sync or async, that makes the object; says explicitly what *instance* may be.
        """
        ...

    def scoped(self, service_type: TypeForm[T], factory: Any = None, *, name: str | None = None) -> None:
        """Register one object per scope, made by a class or a function; without *factory*, the key is the class."""
        ...

    def transient(self, service_type: TypeForm[T], factory: Any = None, *, name: str | None = None) -> None:
        """Register a new object per request, made by a class or a function; without *factory*, the key is the class."""
        ...

    def bind(self, service_type: TypeForm[T], instance: Any, *, name: str | None = None) -> None:
        """Provide this very object under the key, even after the container is frozen."""
        ...

    def register_generic(
        self, origin: Any, factory: Callable[[tuple[Any, ...], Any], Any], *, name: str | None = None
    ) -> None:
        """Register all concrete forms of a generic at once, one object for each choice of type arguments.

        Args:
            origin: The generic class or protocol, without arguments.
            factory: Gets the type arguments and a resolver, and makes the object; sync or async.
            name: Registers beside the unnamed one, for ``Named(name)``.
        """
        ...

    def has(self, service_type: TypeForm[T], *, name: str | None = None) -> bool:
        """True when something is registered under the key."""
        ...


@runtime_checkable
class ContainerResolverProtocol(Protocol):
    """Where services are asked for."""

    async def resolve(self, service_type: TypeForm[T]) -> T:
        """The service registered under the key.

        Raises:
            UnresolvableDependencyError: Nothing is registered under it, or under something it needs.
            CircularDependencyError: What it needs, needs it.
            ScopedResolutionError: It lives in a scope, and this is not one.
        """
        ...

    async def resolve_optional(self, service_type: TypeForm[T]) -> T | None:
        """The service registered under the key, or None when none is."""
        ...

    async def resolve_all(self, service_type: TypeForm[T]) -> list[T]:
        """Every service registered under the key, the unnamed one first, then by name."""
        ...


@runtime_checkable
class ContainerProtocol(ContainerRegistrarProtocol, ContainerResolverProtocol, Protocol):
    """The whole container."""

    def override(self, service_type: TypeForm[T], instance: Any, *, name: str | None = None) -> Any:
        """Put *instance* in the place of what is registered, for tests."""
        ...

    def freeze(self, validate: bool = True) -> None:
        """End registration; with *validate*, check the whole graph first.

        Raises:
            ContainerValidationError: Dependencies are missing or circular; all of them are listed.
        """
        ...

    def validate(self) -> list[str]:
        """The faults of the graph, one sentence each; empty when there are none."""
        ...

    def scope(self) -> AbstractAsyncContextManager[ContainerResolverProtocol]:
        """A scope: scoped services live until its end, where they are closed in reverse order."""
        ...

    async def call(self, func: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        """Call *func*, sync or async, with what it needs injected beside the arguments given."""
        ...

    async def dispose(self) -> None:
        """Close what the container made, in reverse order. Safe to call twice."""
        ...

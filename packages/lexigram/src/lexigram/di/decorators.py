"""Decorators that say on a class how it is registered, and on a function that its parameters are injected.

They register nothing by themselves: a class takes effect where it is listed, in a module's ``providers`` or in
``container.register()``. Without brackets they mean the defaults::

    @singleton
    class Clock: ...

    @scoped(provides=UnitOfWorkProtocol)
    class SqlUnitOfWork: ...

    @inject
    async def report(day: date, store: DocumentStoreProtocol) -> Report: ...

    await report(today)         # the store comes from the open scope, else from the running application
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, TypeVar, cast, overload

from lexigram.contracts.core.scopes import ServiceScope
from lexigram.contracts.exceptions.container import ContainerError, RegistrationError
from lexigram.di.binding import Injectable
from lexigram.di.keys import type_name
from lexigram.di.resolver import active_resolver

__all__ = ["inject", "injectable", "scoped", "singleton", "transient"]

C = TypeVar("C", bound=type[Any])
R = TypeVar("R")


def injectable(
    scope: ServiceScope | str = ServiceScope.SINGLETON, name: str | None = None, *, provides: Any | Sequence[Any] = ()
) -> Callable[[C], C]:
    """Say how a class is registered.

    Args:
        scope: How long its objects live: ``singleton``, ``scoped`` or ``transient``.
        name: Registers it beside the unnamed service.
        provides: The type, or types, that it is registered under; by default the class itself.

    Returns:
        The decorator.

    Raises:
        RegistrationError: There is no such lifetime.
    """
    try:
        lifetime = ServiceScope(scope)
    except ValueError as error:
        known = ", ".join(ServiceScope)
        raise RegistrationError(f"{scope!r} is no lifetime", hint=f"Use one of: {known}.") from error
    types = tuple(cast("Sequence[Any]", provides)) if isinstance(provides, (list, tuple)) else (provides,)

    def mark(cls: C) -> C:
        if not isinstance(cls, type):  # pyright: ignore[reportUnnecessaryIsInstance] - callers are not all typed
            raise RegistrationError(f"{cls!r} is not a class", hint="These decorators are for classes.")
        cls.__lexigram_injectable__ = Injectable(lifetime, name, types)
        return cls

    return mark


@overload
def singleton(cls: C, /) -> C: ...
@overload
def singleton(*, name: str | None = None, provides: Any | Sequence[Any] = ()) -> Callable[[C], C]: ...
def singleton(cls: Any = None, /, *, name: str | None = None, provides: Any | Sequence[Any] = ()) -> Any:
    """Say that there is one object of the class in the whole application; see :func:`injectable`."""
    return _mark(cls, ServiceScope.SINGLETON, name, provides)


@overload
def scoped(cls: C, /) -> C: ...
@overload
def scoped(*, name: str | None = None, provides: Any | Sequence[Any] = ()) -> Callable[[C], C]: ...
def scoped(cls: Any = None, /, *, name: str | None = None, provides: Any | Sequence[Any] = ()) -> Any:
    """Say that there is one object of the class in each scope; see :func:`injectable`."""
    return _mark(cls, ServiceScope.SCOPED, name, provides)


@overload
def transient(cls: C, /) -> C: ...
@overload
def transient(*, name: str | None = None, provides: Any | Sequence[Any] = ()) -> Callable[[C], C]: ...
def transient(cls: Any = None, /, *, name: str | None = None, provides: Any | Sequence[Any] = ()) -> Any:
    """Say that each request gets an object of its own; see :func:`injectable`."""
    return _mark(cls, ServiceScope.TRANSIENT, name, provides)


def _mark(cls: Any, lifetime: ServiceScope, name: str | None, provides: Any) -> Any:
    decorator = injectable(lifetime, name, provides=provides)
    return decorator if cls is None else decorator(cls)


def inject(func: Callable[..., Awaitable[R]]) -> Callable[..., Awaitable[R]]:
    """Let the parameters that a caller does not give be injected.

    They come from the innermost open scope of the caller's context, else from the running application.

    Args:
        func: An async function.

    Returns:
        The function, whose parameters may be left out.

    Raises:
        RegistrationError: The function is not async.
    """
    if not inspect.iscoroutinefunction(func):
        raise RegistrationError(
            f"{type_name(func)} is not async, so nothing can be resolved for it",
            hint="Make it async, or call it with container.call().",
        )

    @functools.wraps(func)
    async def injected(*args: Any, **kwargs: Any) -> R:
        resolver = active_resolver.get()
        if resolver is None:
            raise ContainerError(
                f"{type_name(func)} was called where no scope is open and no application runs",
                hint="Call it inside `async with container.scope()`, or with container.call().",
            )
        return cast("R", await resolver.call(func, *args, **kwargs))

    return injected

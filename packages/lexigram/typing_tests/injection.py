"""What type checkers see of the container; checked by mypy and pyright, never run."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Annotated, Any, Generic, NewType, Protocol, TypeVar, assert_type

from lexigram import Application, LexigramConfig, Provider, inject, run_application, scoped, singleton
from lexigram.contracts.core.di import ContainerProtocol, ContainerRegistrarProtocol, ContainerResolverProtocol
from lexigram.contracts.core.provider import ProviderProtocol
from lexigram.contracts.events.protocols import EventBusProtocol
from lexigram.di import Container, DynamicModule, Module, Named, Scope, named

T = TypeVar("T")
UserId = NewType("UserId", str)


class P(Protocol):
    """A protocol, which type[T] would refuse."""

    def go(self) -> int: ...


class G(Generic[T]):
    """A generic."""


class Service:
    """A class whose parameters are injected."""

    def __init__(
        self,
        one: P,
        two: Annotated[P, Named("b")],
        three: P = named("c"),  # noqa: B008 - that is its place
        four: P | None = None,
    ) -> None: ...


async def resolving(container: Container, scope: Scope, resolver: ContainerResolverProtocol) -> None:
    """The key's type is the service's."""
    assert_type(await container.resolve(P), P)
    assert_type(await container.resolve(Annotated[P, Named("a")]), P)
    assert_type(await container.resolve(Annotated[P, "a"]), P)
    assert_type(await container.resolve(G[int]), G[int])
    assert_type(await container.resolve(Annotated[G[int], Named("a")]), G[int])
    assert_type(await container.resolve(Service), Service)
    assert_type(await container.resolve(P | None), P | None)
    assert_type(await container.resolve(UserId), UserId)
    assert_type(await container.resolve_optional(P), P | None)
    assert_type(await container.resolve_all(P), list[P])
    assert_type(container.resolve_sync(P), P)
    assert_type(await scope.resolve(P), P)
    assert_type(await resolver.resolve(G[int]), G[int])
    async with container.scope() as inner:
        assert_type(inner, Scope)
        assert_type(await inner.resolve(P), P)


async def yielding() -> AsyncIterator[G[int]]:
    """A factory that closes what it made."""
    yield G[int]()


def registering(container: Container, registrar: ContainerRegistrarProtocol, value: P) -> None:
    """Keys of all kinds are accepted."""
    container.singleton(P, value)
    container.singleton(G[int], yielding)
    container.scoped(Service)
    container.transient(Annotated[P, Named("a")], Service, validate=False)
    container.bind(P, value, name="a")
    container.register_generic(G, lambda arguments, resolver: G[Any]())
    registrar.singleton(P, value)
    with container.override(P, value) as override:
        override.undo()


def protocols(container: Container, application: Application) -> None:
    """What is implemented is what the contracts ask for."""
    whole: ContainerProtocol = container
    resolver: ContainerResolverProtocol = container.scope()
    provider: ProviderProtocol = Provider()
    print(whole, resolver, provider, application.events, application.hooks)


@singleton
class Plain:
    """A decorated class stays itself."""


@scoped(provides=P)
class Decorated:
    """With arguments, too."""

    def go(self) -> int:
        """Do nothing."""
        return 1


assert_type(Plain(), Plain)
assert_type(Decorated().go(), int)


@inject
async def injected(one: int, store: P) -> str:
    """Parameters may be left out, the result stays."""
    return f"{one}{store}"


class Own(Module):
    """A module of one's own."""

    @classmethod
    def configure(cls, size: int = 1) -> DynamicModule:
        """With its own parameters."""
        return DynamicModule(cls, exports=[P, G[int]])


async def main(app: Application) -> int:
    """What runs while the application does."""
    assert_type(await injected(1), str)
    assert_type(await app.container.resolve(EventBusProtocol), EventBusProtocol)
    return 1


async def booting() -> None:
    """The application comes out of boot()."""
    async with Application.boot("a", [Provider()], [Own.configure(2), Own.scope(Service)], LexigramConfig()) as app:
        assert_type(app, Application)
        assert_type(app.config, LexigramConfig)


def running(app: Application) -> None:
    """What main returns is returned, or None where it was stopped."""
    assert_type(app.run(main), int | None)
    assert_type(run_application(app, main), int | None)

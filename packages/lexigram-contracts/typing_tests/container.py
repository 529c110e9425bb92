"""What type checkers make of the container's keys. Never run."""

from __future__ import annotations

from typing import Annotated, Generic, Protocol, TypeVar, assert_type

from lexigram.contracts.core.di import ContainerProtocol, ContainerRegistrarProtocol, ContainerResolverProtocol
from lexigram.contracts.core.hooks import HookRegistryProtocol
from lexigram.contracts.data.nosql import DocumentRepositoryProtocol, DocumentStoreProtocol

T = TypeVar("T")


class Named:
    def __init__(self, name: str) -> None:
        self.name = name


class Box(Generic[T]):
    pass


class Clock(Protocol):
    def now(self) -> float: ...


class SystemClock:
    def now(self) -> float:
        return 0.0


def register(container: ContainerRegistrarProtocol) -> None:
    container.singleton(Clock, SystemClock)
    container.singleton(Clock, SystemClock(), name="system")
    container.scoped(Box[int], Box)
    container.transient(SystemClock)
    container.bind(Annotated[Clock, Named("x")], SystemClock())


async def resolve(container: ContainerResolverProtocol) -> None:
    assert_type(await container.resolve(SystemClock), SystemClock)
    assert_type(await container.resolve(Clock), Clock)
    assert_type(await container.resolve(DocumentStoreProtocol), DocumentStoreProtocol)
    assert_type(await container.resolve(Annotated[DocumentStoreProtocol, Named("analytics")]), DocumentStoreProtocol)
    assert_type(await container.resolve(Annotated[DocumentStoreProtocol, "analytics"]), DocumentStoreProtocol)
    assert_type(await container.resolve(Box[int]), Box[int])
    assert_type(await container.resolve(DocumentRepositoryProtocol[Box[str]]), DocumentRepositoryProtocol[Box[str]])
    assert_type(await container.resolve_optional(HookRegistryProtocol), HookRegistryProtocol | None)
    assert_type(await container.resolve_all(Clock), list[Clock])


async def scopes(container: ContainerProtocol) -> None:
    async with container.scope() as scope:
        assert_type(await scope.resolve(Clock), Clock)

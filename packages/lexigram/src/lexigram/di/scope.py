"""Scopes: stretches of work, such as a request, that have services of their own."""

from __future__ import annotations

import weakref
from contextvars import Token
from types import TracebackType
from typing import Self

from lexigram.contracts.exceptions.container import ContainerError
from lexigram.di.binding import Owner
from lexigram.di.instances import Instances
from lexigram.di.resolver import Engine, Level, Resolver, active_resolver

__all__ = ["Scope", "active_resolver"]


class Scope(Resolver):
    """A place for scoped services, made by ``container.scope()``.

    ::

        async with container.scope() as scope:
            service = await scope.resolve(OrderService)

    Singletons are the application's. Inside ``async with``, functions under ``@inject`` take their services from it.
    """

    def __init__(self, engine: Engine, *, owner: Owner = None, parent: Resolver) -> None:
        made_around = parent._level.instances
        super().__init__(engine, Level(engine, Instances("the scope", made_around), engine.root), owner)
        self._children: weakref.WeakSet[Scope] = weakref.WeakSet()
        self._token: Token[Resolver | None] | None = None
        if made_around.closed:
            raise ContainerError("a scope cannot be opened: what it would be in is closed")
        (parent._children if isinstance(parent, Scope) else engine.scopes).add(self)

    @property
    def closed(self) -> bool:
        """True after the end."""
        return self._level.instances.closed

    async def dispose(self, error: BaseException | None = None) -> None:
        """End it: close what was made in it, and in scopes inside it, in reverse order. Safe to call twice.

        Args:
            error: Why it ends; factories that are generators get it as the value of their ``yield``.
        """
        for child in list(self._children):
            await child.dispose(error)
        await self._level.instances.close(error)

    async def __aenter__(self) -> Self:
        self._token = active_resolver.set(self)
        return self

    async def __aexit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None
    ) -> None:
        deactivate(self._token)
        await self.dispose(exc)


def deactivate(token: Token[Resolver | None] | None) -> None:
    """Take back ``active_resolver.set``; in another context, such as that of a test's teardown, there is nothing to."""
    if token is None:
        return
    try:
        active_resolver.reset(token)
    except ValueError:
        return

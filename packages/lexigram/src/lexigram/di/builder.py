"""Containers made from one description: an application's, and a fresh one for each of its tests.

::

    builder = ContainerBuilder().singleton(Clock, SystemClock).scoped(UnitOfWork)

    async with builder.build() as container: ...
    async with builder.singleton(Clock, FixedClock).build() as container: ...
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, Self, TypeVar

from typing_extensions import TypeForm

from lexigram.contracts.core.scopes import ServiceScope
from lexigram.di.container import Container

__all__ = ["ContainerBuilder"]

T = TypeVar("T")


class ContainerBuilder:
    """Remembers registrations, and makes containers of them. Its methods take what those of ``Container`` do.

    Of two registrations of one service the later counts. What is registered as an object is shared by all containers
    that are built; what is registered as a class or function is made by each.
    """

    def __init__(self) -> None:
        self._steps: list[tuple[object, Callable[[Container], None]]] = []

    def singleton(
        self,
        service_type: TypeForm[T],
        instance: Any = None,
        *,
        name: str | None = None,
        factory: Callable[..., Any] | None = None,
        validate: bool = True,
    ) -> Self:
        """Register one object for the whole application; see ``Container.singleton``."""
        return self._add(
            (service_type, name),
            lambda container: container.singleton(
                service_type, instance, name=name, factory=factory, validate=validate
            ),
        )

    def scoped(
        self, service_type: TypeForm[T], factory: Any = None, *, name: str | None = None, validate: bool = True
    ) -> Self:
        """Register one object for each scope; see ``Container.scoped``."""
        return self._add(
            (service_type, name),
            lambda container: container.scoped(service_type, factory, name=name, validate=validate),
        )

    def transient(
        self, service_type: TypeForm[T], factory: Any = None, *, name: str | None = None, validate: bool = True
    ) -> Self:
        """Register a new object for each request; see ``Container.transient``."""
        return self._add(
            (service_type, name),
            lambda container: container.transient(service_type, factory, name=name, validate=validate),
        )

    def register(self, *classes: type[Any], lifetime: ServiceScope | None = None) -> Self:
        """Register classes as their decorators say; see ``Container.register``."""
        for cls in classes:
            self._add((cls, None), partial(_register, cls, lifetime))
        return self

    def build(self, *, validate: bool = True, testing_mode: bool = False) -> Container:
        """Make a container, frozen.

        Args:
            validate: Look for what is missing or circular.
            testing_mode: Whether services may be overridden in it.

        Raises:
            RegistrationError: A registration is not possible.
            ContainerValidationError: Services are missing, circular, or held beyond their scope.
        """
        container = Container(testing_mode=testing_mode)
        for _, step in self._steps:
            step(container)
        container.freeze(validate)
        return container

    def _add(self, key: object, step: Callable[[Container], None]) -> Self:
        self._steps = [*(other for other in self._steps if other[0] != key), (key, step)]
        return self


def _register(cls: type[Any], lifetime: ServiceScope | None, container: Container) -> None:
    container.register(cls, lifetime=lifetime)

"""Bindings: how one service is made, and for how long it lives."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property, partial
from typing import Any, TypeAlias, get_origin

from typing_extensions import get_protocol_members, is_protocol

from lexigram.contracts.core.scopes import ServiceScope
from lexigram.contracts.exceptions.container import ProtocolValidationError, RegistrationError
from lexigram.di.keys import Key, type_name
from lexigram.di.markers import MISSING
from lexigram.di.signature import Dependency, dependencies_of, describe_callable

__all__ = ["Binding", "Injectable", "Owner", "check_implements", "make_alias", "make_binding"]

Owner: TypeAlias = type[Any] | None
"""Who registered a binding: a module's class; None for the application itself."""


@dataclass(frozen=True, slots=True)
class Injectable:
    """What the decorators of :mod:`lexigram.di.decorators` write on a class.

    Attributes:
        lifetime: How long its objects live.
        name: The name it is registered under; None for the unnamed one.
        provides: The types it is registered under; empty for the class itself.
    """

    lifetime: ServiceScope = ServiceScope.SINGLETON
    name: str | None = None
    provides: tuple[Any, ...] = ()


@dataclass(eq=False, kw_only=True)
class Binding:
    """One way to a service. Two bindings are never equal; caches are keyed by them.

    Attributes:
        key: What it is registered under.
        lifetime: How long what it makes lives.
        factory: A class or function that makes the service; None when *value* is the service.
        value: The service itself.
        owner: Who registered it.
        validate: Whether what the factory makes is checked against the key.
        explicit: Dependencies that are known without reading *factory*; None to read it.
    """

    key: Key
    lifetime: ServiceScope
    factory: Callable[..., Any] | None = None
    value: Any = MISSING
    owner: Owner = None
    validate: bool = True
    explicit: tuple[Dependency, ...] | None = field(default=None, repr=False)

    @cached_property
    def dependencies(self) -> tuple[Dependency, ...]:
        """What the factory needs, in the order of its parameters."""
        if self.explicit is not None:
            return self.explicit
        return () if self.factory is None else dependencies_of(self.factory)

    @property
    def source(self) -> str:
        """What makes the service, for messages."""
        if self.factory is None:
            return f"an instance of {type_name(type(self.value))}"
        return describe_callable(self.factory)

    @property
    def makes_instances(self) -> bool:
        """True when the factory is a class, so that calling it gives the service and nothing to await."""
        return isinstance(get_origin(self.factory) or self.factory, type)

    def __str__(self) -> str:
        return str(self.key)


def make_binding(
    key: Key,
    lifetime: ServiceScope,
    implementation: Any = None,
    *,
    factory: Callable[..., Any] | None = None,
    owner: Owner = None,
    validate: bool = True,
) -> Binding:
    """Understand what was given to ``singleton``, ``scoped`` or ``transient``.

    Args:
        key: The key.
        lifetime: The lifetime.
        implementation: A class or function that makes the service, or for singletons the service; None for the key's
            own class.
        factory: A function that makes the service, said explicitly.
        owner: Who registers.
        validate: Whether to check that the service has what the key promises.

    Returns:
        The binding.

    Raises:
        RegistrationError: It cannot make anything, or both arguments are given.
        ProtocolValidationError: It lacks members of the protocol that is its key.
    """
    if factory is not None:
        if implementation is not None:
            raise RegistrationError(f"{key} has both an instance and a factory", hint="Give one of them.")
        if not callable(factory):
            raise RegistrationError(f"the factory of {key} cannot be called: {factory!r}")
        made_by: Callable[..., Any] | None = factory
    elif implementation is None:
        made_by = key.type
        if not isinstance(get_origin(made_by) or made_by, type):
            raise RegistrationError(f"{key} is not a class", hint="Say which class or function makes it.")
    elif _makes(implementation):
        made_by = implementation
    elif lifetime is ServiceScope.SINGLETON:
        made_by = None
    else:
        raise RegistrationError(
            f"{key} is {lifetime} and needs a class or function that makes it, not {implementation!r}",
            hint="An object that exists already is registered with singleton() or bind().",
        )
    if made_by is None:
        if validate:
            check_implements(key, implementation)
        return Binding(key=key, lifetime=lifetime, value=implementation, owner=owner, validate=validate)
    _check_factory(key, made_by, validate)
    return Binding(key=key, lifetime=lifetime, factory=made_by, owner=owner, validate=validate)


def make_alias(key: Key, target: Key, lifetime: ServiceScope, owner: Owner) -> Binding:
    """A binding that hands on the service of another key."""

    def hand_on(service: Any) -> Any:
        return service

    return Binding(key=key, lifetime=lifetime, factory=hand_on, owner=owner, explicit=(Dependency("service", target),))


def _makes(implementation: Any) -> bool:
    """True for classes, concrete generics and functions; an object that merely can be called is a service itself."""
    if isinstance(implementation, (type, partial)) or inspect.isroutine(implementation):
        return True
    return isinstance(get_origin(implementation), type)


def _check_factory(key: Key, factory: Any, validate: bool) -> None:
    cls = get_origin(factory) or factory
    if not isinstance(cls, type):
        return
    if is_protocol(cls) or inspect.isabstract(cls):
        what = "a protocol" if is_protocol(cls) else "an abstract class"
        raise RegistrationError(
            f"{type_name(cls)} is {what} and cannot be made", hint="Register a class that implements it."
        )
    if validate:
        _check_class(key, cls)


def _check_class(key: Key, cls: type[Any]) -> None:
    promised = get_origin(key.type) or key.type
    if not isinstance(promised, type) or _inherits(cls, promised):
        return
    if not is_protocol(promised):
        if not issubclass(cls, promised):
            raise _not_a(key, promised, type_name(cls))
        return
    # Only methods: data members may be set by the class's __init__.
    missing = [m for m in _members(promised) if callable(getattr(promised, m, None)) and not hasattr(cls, m)]
    if missing:
        raise _lacks(key, type_name(cls), missing)


def check_implements(key: Key, service: Any) -> None:
    """Check that an object has what its key promises.

    Args:
        key: The key: a class whose instance it must be, or a protocol whose members it must have. Other forms of type
            promise nothing that could be checked.
        service: The object.

    Raises:
        ProtocolValidationError: It lacks members of the protocol.
        RegistrationError: It is no instance of the class.
    """
    promised = get_origin(key.type) or key.type
    if not isinstance(promised, type) or _inherits(_class_of(service), promised):
        return
    if is_protocol(promised):
        missing = [m for m in _members(promised) if not _has_member(service, m)]
        if missing:
            raise _lacks(key, f"an instance of {type_name(type(service))}", missing)
    elif not isinstance(service, promised):
        raise _not_a(key, promised, f"an instance of {type_name(type(service))}")


def _inherits(cls: type[Any], promised: type[Any]) -> bool:
    """Whether *cls* inherits from *promised*; protocols are not asked to compare members, which some refuse."""
    return promised in cls.__mro__


def _class_of(service: object) -> type[object]:
    return type(service)


def _members(protocol: type[Any]) -> Sequence[str]:
    return sorted(get_protocol_members(protocol))


def _has_member(service: Any, name: str) -> bool:
    # Static, since a property may do work or fail before the service has started.
    if inspect.getattr_static(service, name, MISSING) is not MISSING:
        return True
    return hasattr(_class_of(service), "__getattr__") and hasattr(service, name)


def _lacks(key: Key, who: str, missing: Sequence[str]) -> ProtocolValidationError:
    return ProtocolValidationError(
        f"{who} does not implement {type_name(key.type)}: it lacks {', '.join(missing)}",
        missing=missing,
        hint="Implement what is missing, or register with validate=False.",
    )


def _not_a(key: Key, promised: type[Any], who: str) -> RegistrationError:
    return RegistrationError(
        f"{who} is no {type_name(promised)} and cannot be registered as {key}",
        hint="Register it under its own type or a protocol, or with validate=False.",
    )

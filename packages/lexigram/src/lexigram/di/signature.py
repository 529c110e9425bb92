"""What a class or a function needs: its parameters, read as requests for services.

Annotations are read when the graph is put together, not when a service is registered, so that classes may refer to
others that are defined later. Each parameter is read by itself: one that cannot be read is a fault of that parameter,
told with all the others; where it has a default, that is used, with a warning in the log.
"""

from __future__ import annotations

import inspect
import logging
import typing
from collections import ChainMap
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from types import SimpleNamespace
from typing import Any, TypeVar, get_args, get_origin

from lexigram.contracts.core.di import ContainerResolverProtocol
from lexigram.contracts.exceptions.container import RegistrationError
from lexigram.di.keys import Key, parse_request, type_name
from lexigram.di.markers import MISSING, Inject, OptionalDep

__all__ = ["Dependency", "dependencies_of", "describe_callable"]

_logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Dependency:
    """One parameter.

    Attributes:
        parameter: Its name.
        key: The service it asks for; None when *fault* says why that is not known.
        default: What to use when nothing is registered; ``MISSING`` when that is a fault.
        positional: True when it cannot be given by name.
        resolver: True when it asks for the container itself, or for the scope where the service is made.
        fault: Why it cannot be injected.
    """

    parameter: str
    key: Key | None
    default: Any = MISSING
    positional: bool = False
    resolver: bool = False
    fault: str | None = None


def dependencies_of(target: Any, *, skip: frozenset[str] = frozenset()) -> tuple[Dependency, ...]:
    """Read what a class or a function needs.

    Args:
        target: A class, a concrete generic such as ``Repo[User]``, a function, a method, a partial, or an object that
            can be called.
        skip: Names of parameters that are given by other means.

    Returns:
        A dependency for each parameter but ``*args`` and ``**kwargs``, in order.
    """
    called: Any = get_origin(target) or target
    if isinstance(target, partial):
        skip |= target.keywords.keys()
    try:
        parameters = inspect.signature(called).parameters.values()
    except (TypeError, ValueError):
        return ()  # built-in types do not tell; they are called without arguments
    except NameError as error:  # where Python evaluates annotations only now (PEP 649)
        return (Dependency("...", None, fault=f"its annotations cannot be read: {error}"),)
    source = _annotated_function(target)
    substitutions = _type_arguments(target)
    found: list[Dependency] = []
    for position, parameter in enumerate(parameters):
        if parameter.kind in {parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD} or parameter.name in skip:
            continue
        found.append(_read(parameter, position, target, source, substitutions))
    return tuple(found)


def _read(
    parameter: inspect.Parameter,
    position: int,
    target: Any,
    source: Any,
    substitutions: Mapping[Any, Any],
) -> Dependency:
    name = parameter.name
    positional = parameter.kind is parameter.POSITIONAL_ONLY
    default: Any = MISSING if parameter.default is parameter.empty else parameter.default
    marked_name: str | None = None
    if isinstance(default, Inject):
        marked_name, default = default.name, default.default
    elif isinstance(default, OptionalDep):
        default = default.default
    annotation = _evaluated(parameter.annotation, source, target)
    if annotation is parameter.empty:
        if default is not MISSING:
            return Dependency(name, None, default, positional)
        return Dependency(name, None, fault=f"parameter {name!r} has no annotation")
    if isinstance(annotation, _Unreadable):
        if default is not MISSING:
            # Not a fault, since others' classes do so for parameters that are no services.
            told = describe_callable(target), name, annotation.reason
            _logger.warning("%s gets the default for %r, whose annotation cannot be read: %s", *told)
            return Dependency(name, None, default, positional)
        return Dependency(name, None, fault=f"the annotation of {name!r} cannot be read: {annotation.reason}")
    try:
        request = parse_request(_substituted(annotation, substitutions), marked_name)
    except RegistrationError as error:
        if default is not MISSING:
            return Dependency(name, None, default, positional)
        return Dependency(name, None, fault=f"parameter {name!r}: {error.message}")
    if default is MISSING:
        default = request.default
    resolver = request.key.type is ContainerResolverProtocol and request.key.name is None
    return Dependency(name, request.key, default, positional, resolver)


@dataclass(frozen=True, slots=True)
class _Unreadable:
    reason: str


def _evaluated(annotation: Any, source: Any, target: Any) -> Any:
    """The annotation itself, where it is written as a string."""
    if annotation is inspect.Parameter.empty or not _has_strings(annotation):
        return annotation
    module_names: dict[str, Any] = getattr(source, "__globals__", {})
    # Classes inside the class come last, so that no attribute hides a type of the module.
    names = ChainMap(module_names, dict(vars(target)) if isinstance(target, type) else {})
    holder = SimpleNamespace(__annotations__={"it": annotation})
    try:
        return typing.get_type_hints(holder, globalns=module_names, localns=names, include_extras=True)["it"]
    except NameError as error:
        return _Unreadable(f"{error}; import it at run time, not for type checkers only")
    except (TypeError, SyntaxError, AttributeError) as error:
        return _Unreadable(str(error))


def _has_strings(annotation: Any) -> bool:
    """True when the annotation, or an argument of it, has to be looked up by name; names in ``Annotated`` have not."""
    if isinstance(annotation, (str, typing.ForwardRef)):
        return True
    if get_origin(annotation) is typing.Annotated:
        return _has_strings(get_args(annotation)[0])
    return any(_has_strings(a) for a in get_args(annotation))


def _annotated_function(target: Any) -> Any:
    """The function whose module the annotations belong to."""
    while isinstance(target, partial):
        target = target.func
    target = inspect.unwrap(target)
    origin = get_origin(target)
    cls = origin if isinstance(origin, type) else target
    if isinstance(cls, type):
        own_init: Any = getattr(cls, "__init__")  # noqa: B009 - type checkers distrust the plain form
        return inspect.unwrap(own_init if own_init is not object.__init__ else cls.__new__)
    if inspect.isroutine(target):
        return getattr(target, "__func__", target)
    return getattr(type(target).__call__, "__func__", type(target).__call__)


def _type_arguments(target: Any) -> dict[Any, Any]:
    """For each type variable of a class and its bases, what stands for it: ``{T: Product}`` for ``Repo[Product]``."""
    found: dict[Any, Any] = {}

    def visit(form: Any) -> None:
        cls = get_origin(form) or form
        if not isinstance(cls, type):
            return
        for variable, argument in zip(getattr(cls, "__parameters__", ()), get_args(form), strict=False):
            found.setdefault(variable, _substituted(argument, found))
        for base in vars(cls).get("__orig_bases__", cls.__bases__):
            if get_origin(base) not in {typing.Generic, typing.Protocol}:
                visit(base)

    if isinstance(get_origin(target) or target, type):
        visit(target)
    return found


def _substituted(annotation: Any, substitutions: Mapping[Any, Any]) -> Any:
    if isinstance(annotation, TypeVar):
        return substitutions.get(annotation, annotation)
    variables = getattr(annotation, "__parameters__", ())
    if not substitutions or isinstance(annotation, type) or not variables:
        return annotation
    return annotation[tuple(substitutions.get(v, v) for v in variables)]


def describe_callable(target: Any) -> str:
    """The name of what makes a service, for messages."""
    while isinstance(target, partial):
        target = target.func
    return type_name(target) if hasattr(target, "__qualname__") or get_args(target) else type_name(type(target))

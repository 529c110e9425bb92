"""Keys: what a service is registered and asked for under.

A key is a type and perhaps a name. The type may be anything that can be written as one and hashed: a class, a
protocol, ``Repository[User]``, a ``NewType``. Names come from ``Annotated`` (see :mod:`lexigram.di.markers`).
"""

from __future__ import annotations

import types
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Annotated, Any, TypeGuard, Union, get_args, get_origin

from lexigram.contracts.exceptions.container import RegistrationError
from lexigram.di.markers import MISSING, Inject, Named, OptionalDep, Qualifier

__all__ = ["Key", "Request", "parse_key", "parse_request", "type_name"]


@dataclass(frozen=True, slots=True)
class Key:
    """What a service is registered under.

    Attributes:
        type: The type, without ``Annotated``.
        name: The name beside it; None for the unnamed service.
    """

    type: Any
    name: str | None = None

    def __str__(self) -> str:
        text = type_name(self.type)
        return text if self.name is None else f"{text} named {self.name!r}"


@dataclass(frozen=True, slots=True)
class Request:
    """What is asked for.

    Attributes:
        key: The key.
        default: What to use when nothing is registered under it; ``MISSING`` when that is an error.
    """

    key: Key
    default: Any = MISSING


def type_name(form: Any) -> str:
    """The name of a type for messages: as it is written, without modules.

    Args:
        form: A class, an alias such as ``list[int]``, or another form of type.

    Returns:
        The name.
    """
    if get_origin(form) is Annotated:
        inner, *metadata = get_args(form)
        names = ", ".join(repr(m) for m in metadata)
        return f"Annotated[{type_name(inner)}, {names}]"
    arguments = get_args(form)
    if arguments and get_origin(form) in {Union, types.UnionType}:
        return " | ".join(type_name(a) for a in arguments)
    if arguments:
        return f"{type_name(get_origin(form))}[{', '.join(type_name(a) for a in arguments)}]"
    if form is type(None):
        return "None"
    if _is_parameters(form):
        return f"[{', '.join(type_name(a) for a in form)}]"
    name = getattr(form, "__qualname__", None) or getattr(form, "__name__", None)
    return str(name).rpartition("<locals>.")[2] if name else repr(form)


def _is_parameters(form: Any) -> TypeGuard[list[Any]]:
    """True for the parameters of a ``Callable``."""
    return isinstance(form, list)


def parse_key(form: Any, name: str | None = None) -> Key:
    """Read a key.

    Args:
        form: The type, or ``Annotated`` of it.
        name: The name given beside it.

    Returns:
        The key.

    Raises:
        RegistrationError: It cannot be a key, or two different names are given.
    """
    request = parse_request(form, name)
    if request.default is not MISSING:
        raise RegistrationError(
            f"{type_name(form)} cannot be a key: it says that the service may be absent",
            hint="Register under the type itself; say None only where the service is asked for.",
        )
    return request.key


def parse_request(form: Any, name: str | None = None) -> Request:
    """Read what is asked for, which may be optional: ``P | None``, or ``Annotated`` with ``OptionalDep``.

    Args:
        form: The type as written.
        name: The name given beside it.

    Returns:
        The key and the default.

    Raises:
        RegistrationError: It cannot be a key, or two different names are given.
    """
    default: Any = MISSING
    names: list[str] = [] if name is None else [name]
    bare: list[str] = []
    while True:
        if type(form).__name__ == "TypeAliasType":  # typing has its own, and typing_extensions another
            form = form.__value__
        elif get_origin(form) is Annotated:
            form, *metadata = get_args(form)
            found, default = _read_metadata(metadata, default)
            names += found
            bare += [m for m in metadata if isinstance(m, str)]
        elif get_origin(form) in {Union, types.UnionType}:
            members = [a for a in get_args(form) if a is not type(None)]
            if len(members) != 1:
                raise RegistrationError(f"{type_name(form)} cannot be a key: it is several types")
            form, default = members[0], None if default is MISSING else default
        else:
            break
    # A string is a name only where no marker gives one: libraries put documentation there too.
    distinct = sorted(set(names or bare))
    if len(distinct) > 1:
        raise RegistrationError(f"{type_name(form)} is asked for under several names: {', '.join(distinct)}")
    return Request(Key(_checked(form), distinct[0] if distinct else None), default)


def _read_metadata(metadata: Iterable[Any], default: Any) -> tuple[list[str], Any]:
    """The names that markers give, and the default; the one handed in if they give none."""
    names: list[str] = []
    for mark in metadata:
        match mark:
            case Named(found):
                names.append(found)
            case Qualifier():
                names.append(mark.name)
            case OptionalDep(fallback):
                default = fallback
            case Inject(found, fallback):
                names += [] if found is None else [found]
                default = default if fallback is MISSING else fallback
            case _:
                pass
    return names, default


def _checked(form: Any) -> Any:
    if form is None or isinstance(form, (str, bytes, int, float)):
        raise RegistrationError(f"{form!r} cannot be a key", hint="Keys are types.")
    try:
        hash(form)
    except TypeError as error:
        raise RegistrationError(f"{form!r} cannot be a key: it cannot be hashed", hint="Keys are types.") from error
    return form

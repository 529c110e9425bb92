"""Faults of a configuration, told all at once: the key, the place, what is wrong and what was expected."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar, cast

from pydantic import BaseModel, TypeAdapter, ValidationError
from pydantic.errors import PydanticUserError
from pydantic_core import ErrorDetails, InitErrorDetails, PydanticCustomError

from lexigram.config.display import describe_value
from lexigram.config.fields import is_secret_field, opened, place_at
from lexigram.config.tree import Key, KeyPath, Leaf, Node, Section, Source, SourceKind, dotted, find, to_plain
from lexigram.contracts.exceptions.config import ConfigurationError

__all__ = ["ConfigProblem", "ConfigValidationError", "problems_of", "read_as", "unknown_keys"]

T = TypeVar("T")

_ABSENT = frozenset({"missing", "missing_argument", "missing_keyword_only_argument"})
_UNKNOWN = frozenset({"unknown_key", "extra_forbidden", "unexpected_keyword_argument"})
_OWN_WORDS = frozenset({"value_error", "assertion_error"})
_SECTION_TYPES = frozenset({"model_type", "model_attributes_type", "dataclass_type", "dict_type", "mapping_type"})


@dataclass(frozen=True, slots=True)
class ConfigProblem:
    """One fault.

    Attributes:
        key: Dotted path of the setting; empty for the whole.
        message: What is wrong with it; secrets are never in it.
        source: Where the value came from; None if there is no value.
    """

    key: str
    message: str
    source: Source | None = None

    def __str__(self) -> str:
        text = f"{self.key}: {self.message}" if self.key else self.message
        return text if self.source is None else f"{text} ({self.source})"


class ConfigValidationError(ConfigurationError, ValueError):
    """The configuration does not fit the models that read it.

    Attributes:
        problems: All faults found.
    """

    problems: tuple[ConfigProblem, ...]

    def __init__(self, problems: Iterable[ConfigProblem] = (), *, hint: str | None = None) -> None:
        found = tuple(problems)
        if len(found) == 1:
            message = str(found[0])
        else:
            lines = "".join(f"\n  - {problem}" for problem in found)
            message = f"{len(found)} problems in the configuration:{lines}"
        first = found[0] if found else ConfigProblem("", "")
        source = str(first.source) if first.source is not None else None
        super().__init__(message, key=first.key or None, source=source, hint=hint)
        self.problems = found


def unknown_keys(model: type[BaseModel], suggestions: Mapping[str, str]) -> ValidationError:
    """The error for keys that a model with ``extra="allow"`` refuses itself; it is told with each key's own place.

    Args:
        model: The model.
        suggestions: For each key what follows "unknown key", such as ``; did you mean 'driver'?``, or nothing.

    Returns:
        The error, to be raised in a validator.
    """
    lines: list[InitErrorDetails] = [
        {
            "type": PydanticCustomError("unknown_key", "unknown key{suggestion}", {"suggestion": suggestion}),
            "loc": (key,),
            "input": None,
        }
        for key, suggestion in suggestions.items()
    ]
    return ValidationError.from_exception_data(model.__name__, lines, hide_input=True)


def read_as(kind: type[T], node: Node, path: KeyPath = ()) -> T:
    """Read a tree into a model.

    Args:
        kind: A pydantic model, a dataclass, or any type that pydantic knows.
        node: The tree.
        path: Where it stands in the configuration, for messages.

    Returns:
        The model's instance.

    Raises:
        ConfigValidationError: The tree does not fit; lists every fault.
        ConfigurationError: *kind* is no type that a configuration can be read into.
    """
    node = opened(kind, node)
    plain = to_plain(node)
    if isinstance(node, Leaf) and node.value is None:
        plain = {}
    try:
        if issubclass(kind, BaseModel):
            return cast("T", kind.model_validate(plain))
        return TypeAdapter(kind).validate_python(plain)
    except ValidationError as error:
        # Without the cause: the text of a ValidationError may hold the values, and so the secrets.
        raise ConfigValidationError(problems_of(error, kind, node, path)) from None
    except PydanticUserError as error:
        raise ConfigurationError(
            f"{kind.__qualname__} is not something that a configuration can be read into",
            key=dotted(path) or None,
            hint="Derive it from lexigram.config.BaseConfig, or make it a dataclass.",
        ) from error


def problems_of(error: ValidationError, kind: Any, node: Node, path: KeyPath = ()) -> list[ConfigProblem]:
    """Word the faults in a validation error.

    Args:
        error: What pydantic raised.
        kind: The type that was to be read.
        node: The tree that it was to be read from.
        path: Where that stands in the configuration.

    Returns:
        One problem per key; the members of a union that were all refused are told together.
    """
    grouped: dict[KeyPath, list[ErrorDetails]] = {}
    for details in error.errors(include_url=False):
        grouped.setdefault(_existing_path(node, details), []).append(details)
    # Where one member of a union takes a section, what is wrong inside it says more than that the others take none.
    outer = {relative[:end] for relative in grouped for end in range(len(relative))}
    for relative in outer & grouped.keys():
        if all(details["type"] not in _OWN_WORDS for details in grouped[relative]):
            del grouped[relative]
    return [_problem(kind, node, path, relative, group) for relative, group in grouped.items()]


def _existing_path(node: Node, details: ErrorDetails) -> KeyPath:
    """The error's location without what pydantic puts between: names of union members and of validators."""
    location = details["loc"]
    path: list[Key] = []
    current: Node | None = node
    for position, part in enumerate(location):
        child = find(current, (part,)) if current is not None else None
        is_last = position == len(location) - 1
        if child is not None or (is_last and isinstance(current, Section) and details["type"] in _ABSENT | _UNKNOWN):
            path.append(part)
            current = child
    return tuple(path)


def _problem(kind: Any, node: Node, path: KeyPath, relative: KeyPath, group: Sequence[ErrorDetails]) -> ConfigProblem:
    found = find(node, relative)
    key = dotted((*path, *relative))
    if found is None:
        parent = find(node, relative[:-1])
        source = parent.source if parent is not None and parent.source.kind is SourceKind.FILE else None
        return ConfigProblem(key, "is missing, and there is no default", source)
    field, _ = place_at(kind, relative, node)
    name = next((part for part in reversed(relative) if isinstance(part, str)), "")
    secret = found.source.is_secret or (field is not None and is_secret_field(field))
    message = _message(group, to_plain(found), name, secret)
    is_written = isinstance(found, Leaf) and found.source.kind is SourceKind.FILE and found.value is not None
    if is_written and any(details["type"] == "string_type" for details in group):
        message += "; put it in quotes"
    return ConfigProblem(key, message, found.source)


def _message(group: Sequence[ErrorDetails], value: Any, name: str, secret: bool) -> str:
    first = group[0]
    if first["type"] in _UNKNOWN:
        return first["msg"] if first["type"] == "unknown_key" else "unknown key"
    if first["type"] in _OWN_WORDS:
        return first["msg"].partition(", ")[2] or first["msg"]
    wanted = " or ".join(dict.fromkeys(map(_wanted, group)))
    return f"{wanted}, got {describe_value(value, name, secret=secret)}"


def _wanted(details: ErrorDetails) -> str:
    if details["type"] in _SECTION_TYPES:
        return "must be a section"
    text = details["msg"].partition(", unable to parse")[0]
    found = re.fullmatch(r"Input should be (.*)", text, re.DOTALL)
    return f"must be {found[1]}" if found else text[:1].lower() + text[1:]

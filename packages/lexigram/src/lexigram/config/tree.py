"""Configuration as a tree in which every value knows where it came from.

Sources are read into trees, trees are merged, and only the result is turned into plain data for the models. Nodes are
never changed; merging makes new ones and shares the rest.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Container, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any, TypeAlias, TypeGuard

from pydantic import SecretStr

from lexigram.contracts.exceptions.config import ConfigurationError

__all__ = [
    "DEFAULT_SOURCE",
    "MAX_DEPTH",
    "Items",
    "Key",
    "KeyPath",
    "Leaf",
    "Node",
    "SecretText",
    "Section",
    "Source",
    "SourceKind",
    "Text",
    "dotted",
    "find",
    "from_json",
    "from_plain",
    "is_list",
    "is_mapping",
    "is_valid_text",
    "leaves",
    "merge",
    "parse_key",
    "to_plain",
]

MAX_DEPTH = 100
"""Levels that a configuration may be nested; enough for people, and far from the limits of any parser."""

Key: TypeAlias = str | int
KeyPath: TypeAlias = tuple[Key, ...]

_LONE_SURROGATE = re.compile("[\ud800-\udfff]")


class SourceKind(StrEnum):
    """The kinds of places that a value can come from."""

    DEFAULT = "default"
    FILE = "file"
    DOTENV = "dotenv"
    ENVIRONMENT = "environment"
    CODE = "code"
    SETTINGS = "settings"


@dataclass(frozen=True, slots=True)
class Source:
    """Where a value came from.

    Attributes:
        kind: The kind of place.
        name: The file, the variable, or the class of the settings source; empty for defaults and code.
        line: Line in the file, from 1.
        column: Column in the line, from 1.
        variable: The variable that a line of a ``.env`` file sets.
        variables: Environment variables that were put into the value.
        secrets: Secrets that were put into the value, as ``name from resolver``.
    """

    kind: SourceKind
    name: str = ""
    line: int | None = None
    column: int | None = None
    variable: str | None = None
    variables: tuple[str, ...] = ()
    secrets: tuple[str, ...] = ()

    @property
    def is_secret(self) -> bool:
        """Whether the value holds a secret from a resolver."""
        return bool(self.secrets)

    @property
    def place(self) -> str:
        """The place alone: ``application.yaml:7``, ``LEX_DEBUG``, ``default``."""
        if self.kind in {SourceKind.DEFAULT, SourceKind.CODE}:
            return self.kind.value
        return self.name if self.line is None else f"{self.name}:{self.line}"

    def __str__(self) -> str:
        notes = [self.variable] if self.variable else []
        notes += [f"${{{name}}}" for name in self.variables]
        notes += [f"secret {secret}" for secret in self.secrets]
        kind = "environment variable " if self.kind is SourceKind.ENVIRONMENT else ""
        return f"{kind}{self.place}" + (f", {', '.join(notes)}" if notes else "")


DEFAULT_SOURCE = Source(SourceKind.DEFAULT)


class Text(str):
    """Text from a place that knows no types: an environment variable, or the result of an interpolation.

    A model reads it more generously than other text: as JSON where it wants a list or a section, and the empty text as
    nothing where it wants a number or nothing.
    """

    __slots__ = ()


class SecretText(Text):
    """Text with secrets in it, which can be put together again when they have changed.

    Attributes:
        again: Reads the secrets anew and gives the text; None where that is not possible.
    """

    again: Callable[[], str] | None = None


@dataclass(frozen=True, slots=True)
class Leaf:
    """A single value."""

    value: Any
    source: Source


@dataclass(frozen=True, slots=True)
class Items:
    """A list."""

    items: tuple[Node, ...]
    source: Source


@dataclass(frozen=True, slots=True)
class Section:
    """A mapping."""

    entries: Mapping[str, Node]
    source: Source

    def without_foreign(self, names: Container[str]) -> Section:
        """The section without what variables set under other names: that is for other parts of the application.

        Args:
            names: The names that the section's reader knows.
        """
        foreign = {SourceKind.ENVIRONMENT, SourceKind.DOTENV}
        entries = {k: v for k, v in self.entries.items() if k in names or v.source.kind not in foreign}
        return replace(self, entries=entries)


Node: TypeAlias = Leaf | Items | Section


def dotted(path: Sequence[Key]) -> str:
    """Write a path as people do: ``nosql.backends[0].name``."""
    text = ""
    for key in path:
        text += f"[{key}]" if isinstance(key, int) else f".{key}" if text else str(key)
    return text


def parse_key(key: str) -> tuple[str, ...]:
    """Read a dotted key; list indices may be written ``a.0.b`` or ``a[0].b``.

    Args:
        key: The key.

    Returns:
        Its parts; parts made of digits stay text, since only the tree knows whether they mean an index.
    """
    return tuple(part for part in re.sub(r"\[(\d+)\]", r".\1", key).split(".") if part)


def is_mapping(value: object) -> TypeGuard[Mapping[Any, Any]]:
    """Whether a value becomes a section."""
    return isinstance(value, Mapping)


def is_list(value: object) -> TypeGuard[Sequence[Any]]:
    """Whether a value becomes a list."""
    return isinstance(value, list | tuple)


def is_valid_text(text: str) -> bool:
    """Whether a text can be written as UTF-8, that is, holds no lone surrogates."""
    return _LONE_SURROGATE.search(text) is None


def from_plain(value: Any, source: Source, path: KeyPath = ()) -> Node:
    """Make a tree of plain data.

    Args:
        value: Mappings, lists and tuples become branches; everything else is a leaf.
        source: Where it came from.
        path: Where it stands, for errors.

    Returns:
        The tree. It shares nothing with *value* that can be changed, except objects in leaves.

    Raises:
        ConfigurationError: It is nested too deeply or contains itself, has keys that are not text, or holds text that
            is not valid Unicode.
    """
    if len(path) > MAX_DEPTH:
        raise ConfigurationError(
            f"the configuration is nested more than {MAX_DEPTH} levels deep, or contains itself",
            key=dotted(path[:8]) + "…",
            source=str(source),
        )
    if is_mapping(value):
        entries: dict[str, Node] = {}
        for key, item in value.items():
            if not isinstance(key, str):
                raise ConfigurationError(
                    f"keys are text; {key!r} is {type(key).__name__}", key=dotted(path), source=str(source)
                )
            _check_text(key, source, path)
            entries[key] = from_plain(item, source, (*path, key))
        return Section(entries, source)
    if is_list(value):
        return Items(tuple(from_plain(item, source, (*path, index)) for index, item in enumerate(value)), source)
    if isinstance(value, str):
        _check_text(value, source, path)
    return Leaf(value, source)


def from_json(leaf: Leaf) -> Node:
    """Read the JSON in a text from a variable.

    Args:
        leaf: Any leaf.

    Returns:
        The list or section that its text describes; the leaf itself if it describes none.
    """
    if not isinstance(leaf.value, Text) or not leaf.value.lstrip().startswith(("{", "[")):
        return leaf
    try:
        return from_plain(json.loads(leaf.value), leaf.source)
    except (ValueError, RecursionError):
        return leaf


def _check_text(text: str, source: Source, path: KeyPath) -> None:
    if not is_valid_text(text):
        raise ConfigurationError(
            "text with lone surrogates is not valid Unicode", key=dotted(path) or None, source=str(source)
        )


def to_plain(node: Node, *, wrap_secrets: bool = False) -> Any:
    """Turn a tree into plain data.

    Args:
        node: The tree.
        wrap_secrets: Give values that hold a secret as ``SecretStr``.

    Returns:
        New dictionaries and lists, and the values of the leaves.
    """
    match node:
        case Section(entries):
            return {key: to_plain(child, wrap_secrets=wrap_secrets) for key, child in entries.items()}
        case Items(items):
            return [to_plain(child, wrap_secrets=wrap_secrets) for child in items]
        case Leaf(value, source):
            if wrap_secrets and source.is_secret and isinstance(value, str):
                return SecretStr(str(value))
            return value


def merge(base: Node, over: Node) -> Node:
    """Lay one tree over another.

    Args:
        base: The lower tree.
        over: The higher one.

    Returns:
        Sections merged key by key; anything else of *over* replaces what is in *base*.
    """
    if not (isinstance(base, Section) and isinstance(over, Section)):
        return over
    entries = dict(base.entries)
    for key, child in over.entries.items():
        entries[key] = merge(entries[key], child) if key in entries else child
    return replace(base, entries=entries)


def find(node: Node, path: Sequence[Key]) -> Node | None:
    """Walk down a path.

    Args:
        node: Where to start.
        path: The keys; text made of digits is an index where the tree has a list.

    Returns:
        What is there, or None.
    """
    current: Node | None = node
    for key in path:
        match current:
            case Section(entries):
                current = entries.get(str(key))
            case Items(items):
                index = int(key) if isinstance(key, int) or re.fullmatch(r"\d{1,9}", key) else -1
                current = items[index] if 0 <= index < len(items) else None
            case _:
                return None
    return current


def leaves(node: Node, path: KeyPath = ()) -> Iterator[tuple[KeyPath, Node]]:
    """Everything in a tree that has a value of its own: leaves, and branches that are empty."""
    match node:
        case Section(entries) if entries:
            for key, child in entries.items():
                yield from leaves(child, (*path, key))
        case Items(items) if items:
            for index, child in enumerate(items):
                yield from leaves(child, (*path, index))
        case _:
            yield path, node

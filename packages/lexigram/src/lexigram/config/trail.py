"""The source trail: every value of a configuration and where it came from, as it may be shown."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from lexigram.config.display import is_masked, shown
from lexigram.config.tree import KeyPath, Node, Source, dotted, leaves, to_plain
from lexigram.config.values import Position, transformed

__all__ = ["TrailEntry", "model_trail", "tree_trail"]


@dataclass(frozen=True, slots=True)
class TrailEntry:
    """One value of the configuration, as it may be shown.

    Attributes:
        key: Its dotted path.
        value: The value as plain data; masked if secret.
        source: Where it came from.
        is_secret: Whether all or part of it is masked.
    """

    key: str
    value: Any
    source: Source
    is_secret: bool


def model_trail(model: Any, start: Position) -> Iterator[TrailEntry]:
    """The values of a model, defaults included.

    Args:
        model: The model, or a single value.
        start: Where it stands.

    Yields:
        One entry per value.
    """
    entries: list[TrailEntry] = []

    def collect(value: Any, position: Position) -> None:
        hidden = is_masked(value, position.name, secret=position.holds_secret)
        value = shown(value, position.name, secret=position.holds_secret)
        entries.append(TrailEntry(dotted(position.path), value, position.source, is_secret=hidden))

    transformed(model, collect, start, show_empty=True)
    yield from entries


def tree_trail(node: Node, path: KeyPath) -> Iterator[TrailEntry]:
    """The values of a tree that no model describes.

    Args:
        node: The tree.
        path: Where it stands.

    Yields:
        One entry per value.
    """
    for where, leaf in leaves(node, path):
        name = next((part for part in reversed(where) if isinstance(part, str)), "")
        secret = leaf.source.is_secret
        value = to_plain(leaf)
        hidden = is_masked(value, name, secret=secret)
        yield TrailEntry(dotted(where), shown(value, name, secret=secret), leaf.source, is_secret=hidden)

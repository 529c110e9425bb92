"""Walking through the values of models, knowing at each where it came from and whether it is secret."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, cast

from pydantic import BaseModel, SecretBytes, SecretStr

from lexigram.config.display import shown
from lexigram.config.fields import is_secret_field
from lexigram.config.secrets import MASK
from lexigram.config.tree import DEFAULT_SOURCE, Key, KeyPath, Source, Text, is_list, is_mapping

__all__ = ["Position", "SourceMap", "printable", "redacted", "revealed", "sources_of", "transformed"]


class SourceMap(dict[KeyPath, Source]):
    """Where values came from; takes no part in comparing configurations."""

    def __eq__(self, other: object) -> bool:
        return isinstance(other, SourceMap)

    __hash__ = None


@dataclass(frozen=True, slots=True)
class Position:
    """A place in a configuration, on the way down through its values.

    Attributes:
        sources: The sources of the nearest model above.
        inside: The path from that model.
        path: The path from the start.
        is_secret: Whether a field on the way is marked as secret.
    """

    sources: Mapping[KeyPath, Source]
    inside: KeyPath = ()
    path: KeyPath = ()
    is_secret: bool = False

    @property
    def name(self) -> str:
        """The last key that is no index."""
        return next((part for part in reversed(self.path) if isinstance(part, str)), "")

    @property
    def source(self) -> Source:
        """Where the value here, or the one that it is a part of, came from."""
        known = (self.inside[:end] for end in range(len(self.inside), 0, -1) if self.inside[:end] in self.sources)
        return next((self.sources[path] for path in known), DEFAULT_SOURCE)

    @property
    def holds_secret(self) -> bool:
        """Whether the value here is secret by its field or by its source."""
        return self.is_secret or self.source.is_secret

    def below(self, key: Key, *, is_secret: bool = False) -> Position:
        """The place of a value inside this one."""
        return replace(self, inside=(*self.inside, key), path=(*self.path, key), is_secret=self.is_secret or is_secret)

    def within(self, sources: Mapping[KeyPath, Source]) -> Position:
        """The same place, where a model with sources of its own begins."""
        return replace(self, sources=sources, inside=()) if sources else self


def sources_of(model: object) -> Mapping[KeyPath, Source]:
    """Where the values of a model came from, by their paths in it; nothing for models that do not know."""
    sources: Any = getattr(model, "_sources", {})
    return cast("Mapping[KeyPath, Source]", sources) if isinstance(sources, SourceMap) else {}


def transformed(
    value: Any,
    leaf: Callable[[Any, Position], Any],
    position: Position,
    *,
    open_models: bool = True,
    show_empty: bool = False,
) -> Any:
    """Turn a configuration's values into others, keeping their arrangement.

    Args:
        value: A model, a collection or a single value.
        leaf: Makes the new value of a single one.
        position: Where it is.
        open_models: Turn models into dictionaries; otherwise they are single values.
        show_empty: Call *leaf* for empty collections too.

    Returns:
        New dictionaries and lists of new values.
    """

    def down(item: Any, key: Key, *, is_secret: bool = False) -> Any:
        below = position.below(key, is_secret=is_secret)
        return transformed(item, leaf, below, open_models=open_models, show_empty=show_empty)

    if show_empty and (is_mapping(value) or is_list(value)) and not value:
        return leaf(value, position)
    if isinstance(value, BaseModel):
        if not open_models:
            return leaf(value, position)
        position = position.within(sources_of(value))
        fields = type(value).model_fields
        entries = {name: getattr(value, name) for name in fields} | (value.model_extra or {})
        return {
            name: down(entry, name, is_secret=name in fields and is_secret_field(fields[name]))
            for name, entry in entries.items()
        }
    if is_mapping(value):
        return {key: down(item, str(key)) for key, item in value.items()}
    if is_list(value):
        return [down(item, index) for index, item in enumerate(value)]
    return leaf(value, position)


def redacted(value: Any, position: Position) -> Any:
    """A value as people may see it."""
    return shown(value, position.name, secret=position.holds_secret)


def revealed(value: Any, position: Position) -> Any:
    """A value as it is, secrets as text."""
    if isinstance(value, SecretStr | SecretBytes):
        return value.get_secret_value()
    return str(value) if isinstance(value, Text) else value


def printable(value: Any, position: Position) -> Any:
    """A value as ``repr`` may show it; what masks itself is left alone."""
    if isinstance(value, SecretStr | SecretBytes | BaseModel):
        return value
    text = redacted(value, position)
    return text if MASK in str(text) else value

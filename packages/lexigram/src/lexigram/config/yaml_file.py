"""YAML files as configuration trees.

PyYAML's parser gives the events; the tree is built here, for what its constructor cannot do: it knows lines, refuses a
key that is there twice, and neither deep nesting nor a chain of aliases can exhaust it. Plain values follow the core
schema of YAML 1.2, so that ``NO``, ``on`` and ``12:30`` are text (a model that wants a boolean still understands
``yes`` and ``on``); a number with leading zeros is text as well. Anchors, aliases and merge keys (``<<``) work.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, NoReturn, cast

import yaml

from lexigram.config.tree import MAX_DEPTH, Items, Leaf, Node, Section, Source, SourceKind, is_valid_text
from lexigram.contracts.exceptions.config import ConfigurationError

__all__ = ["parse_yaml"]

_MAX_VALUES = 100_000
_MERGE = "<<"
_TAG = "tag:yaml.org,2002:"
_INT = re.compile(r"[-+]?(?:0|[1-9][0-9]*)")
_OTHER_INT = re.compile(r"0o[0-7]+|0x[0-9a-fA-F]+")
_FLOAT = re.compile(r"[-+]?(?:[0-9]+\.[0-9]*|\.[0-9]+)(?:[eE][-+]?[0-9]+)?")
_WORDS: dict[str, Any] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL")),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
    **dict.fromkeys((".inf", ".Inf", ".INF", "+.inf", "+.Inf", "+.INF"), float("inf")),
    **dict.fromkeys(("-.inf", "-.Inf", "-.INF"), float("-inf")),
    **dict.fromkeys((".nan", ".NaN", ".NAN"), float("nan")),
}
_events: Callable[..., Iterator[yaml.Event]] = cast("Any", yaml).parse  # PyYAML's stubs leave it half untyped
_READERS: dict[str, Callable[[str], Any]] = {"str": str, "int": lambda text: int(text, 0), "float": float}


@dataclass(slots=True)
class _Frame:
    """A list or section that is not complete yet."""

    source: Source
    anchor: str | None
    is_section: bool
    entries: dict[str, Node] = field(default_factory=dict[str, Node])
    lines: dict[str, int] = field(default_factory=dict[str, int])
    items: list[Node] = field(default_factory=list[Node])
    merged: list[Node] = field(default_factory=list[Node])
    key: str | None = None
    is_merge: bool = False
    size: int = 1

    def complete(self) -> Node:
        """The finished node; merged sections fill in what is not said here."""
        if not self.is_section:
            return Items(tuple(self.items), self.source)
        entries: dict[str, Node] = {}
        for other in reversed(self.merged):
            if isinstance(other, Section):
                entries.update(other.entries)
        return Section({**entries, **self.entries}, self.source)


class _Builder:
    """Builds the tree from the parser's events, without recursion."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._frames: list[_Frame] = []
        self._anchors: dict[str, tuple[Node, int]] = {}
        self._size = 0
        self._documents = 0
        self.root: Node | None = None

    def take(self, event: yaml.Event) -> None:
        """Take the next event."""
        match event:
            case yaml.DocumentStartEvent():
                self._documents += 1
                if self._documents > 1:
                    self._fail("there is more than one document in the file", event)
            case yaml.SequenceStartEvent() | yaml.MappingStartEvent():
                self._open(event)
            case yaml.SequenceEndEvent() | yaml.MappingEndEvent():
                frame = self._frames.pop()
                self._add(frame.complete(), frame.size, frame.anchor, event)
            case yaml.ScalarEvent():
                self._scalar(event)
            case yaml.AliasEvent():
                self._alias(event)
            case _:
                pass

    def _open(self, event: yaml.SequenceStartEvent | yaml.MappingStartEvent) -> None:
        if self._frames and self._frames[-1].is_section and self._frames[-1].key is None:
            self._fail("a key must be text, not a list or a section", event)
        if len(self._frames) >= MAX_DEPTH:
            self._fail(f"the file is nested more than {MAX_DEPTH} levels deep", event)
        is_section = isinstance(event, yaml.MappingStartEvent)
        if event.tag not in {None, "!", _TAG + ("map" if is_section else "seq")}:
            self._fail(f"the tag {event.tag!r} is not supported", event)
        self._frames.append(_Frame(self._source(event), event.anchor, is_section))

    def _scalar(self, event: yaml.ScalarEvent) -> None:
        text: str = event.value
        if not is_valid_text(text):
            self._fail("text with lone surrogates is not valid Unicode", event)
        frame = self._frames[-1] if self._frames else None
        if frame is not None and frame.is_section and frame.key is None:
            self._key(frame, text, event)
        else:
            self._add(Leaf(self._value(event), self._source(event)), 1, event.anchor, event)

    def _key(self, frame: _Frame, text: str, event: yaml.ScalarEvent) -> None:
        line, _ = _position(event.start_mark)
        frame.key = text
        frame.is_merge = text == _MERGE and event.implicit[0]
        if not frame.is_merge:
            if text in frame.lines:
                self._fail(f"the key {text!r} is there twice, first in line {frame.lines[text]}", event)
            frame.lines[text] = line

    def _alias(self, event: yaml.AliasEvent) -> None:
        anchor = event.anchor
        if self._frames and self._frames[-1].is_section and self._frames[-1].key is None:
            self._fail("a key must be text, not an alias", event)
        if any(frame.anchor == anchor for frame in self._frames):
            self._fail(f"the alias *{anchor} makes a value contain itself", event)
        if anchor not in self._anchors:
            self._fail(f"the alias *{anchor} has no anchor", event)
        node, size = self._anchors[anchor]
        self._add(node, size, None, event)

    def _add(self, node: Node, size: int, anchor: str | None, event: yaml.Event) -> None:
        """Put a finished node where it belongs."""
        if anchor:
            self._anchors[anchor] = (node, size)
        if not self._frames:
            self.root = node
            return
        frame = self._frames[-1]
        frame.size += size
        if frame.size > _MAX_VALUES:
            self._fail(f"the file has more than {_MAX_VALUES} values, aliases counted", event)
        if not frame.is_section:
            frame.items.append(node)
        elif frame.is_merge:
            for section in node.items if isinstance(node, Items) else (node,):
                if not isinstance(section, Section):
                    self._fail("only sections can be merged with <<", event)
                frame.merged.append(section)
            frame.key = None
        elif frame.key is not None:
            frame.entries[frame.key] = node
            frame.key = None

    def _value(self, event: yaml.ScalarEvent) -> Any:
        text: str = event.value
        tag: str | None = event.tag
        try:
            if tag == "!" or (tag is None and not event.implicit[0]):
                return text
            if tag in {None, _TAG + "null", _TAG + "bool"}:
                if text in _WORDS:
                    return _WORDS[text]
                if tag is not None:
                    self._fail(f"{text[:40]!r} is no {tag.removeprefix(_TAG)}", event)
                return _number(text)
            reader = _READERS.get(tag.removeprefix(_TAG)) if tag and tag.startswith(_TAG) else None
        except ValueError:
            self._fail(f"a number of {len(text)} digits is too long", event)
        if reader is None:
            self._fail(f"the tag {tag!r} is not supported", event)
        try:
            return reader(text)
        except ValueError:
            self._fail(f"{text[:40]!r} is no {str(tag).removeprefix(_TAG)}", event)

    def _source(self, event: yaml.Event) -> Source:
        return Source(SourceKind.FILE, self._name, *_position(event.start_mark))

    def _fail(self, message: str, event: yaml.Event) -> NoReturn:
        _fail(self._name, message, *_position(event.start_mark))


def parse_yaml(text: str, name: str) -> Node:
    """Read a YAML document.

    Args:
        text: The document.
        name: The file's name, for sources and errors.

    Returns:
        The tree; an empty section for an empty document.

    Raises:
        ConfigurationError: It is not well-formed, has a key twice, holds more than one document or unsupported tags,
            or is nested too deeply. Says the file, the line and the column.
    """
    builder = _Builder(name)
    try:
        for event in _events(text, Loader=yaml.SafeLoader):
            builder.take(event)
    except yaml.reader.ReaderError as error:
        before = text[: error.position]
        line = before.count("\n") + 1
        column = len(before) - (before.rfind("\n") + 1) + 1
        _fail(name, f"a character is not allowed in YAML: {error.reason}", line, column, error)
    except yaml.MarkedYAMLError as error:
        message = ", ".join(part for part in (error.context, error.problem) if part) or "not valid YAML"
        _fail(name, message, *_position(error.problem_mark or error.context_mark), error)
    root = builder.root
    source = Source(SourceKind.FILE, name, 1, 1)
    if root is None or (isinstance(root, Leaf) and root.value is None):
        return Section({}, source)
    return root


def _position(mark: Any) -> tuple[int, int]:
    """Line and column, from 1, of a mark, which PyYAML may leave out."""
    return (1, 1) if mark is None else (mark.line + 1, mark.column + 1)


def _number(text: str) -> int | float | str:
    if _INT.fullmatch(text):
        return int(text)
    if _OTHER_INT.fullmatch(text):
        return int(text, 0)
    return float(text) if _FLOAT.fullmatch(text) else text


def _fail(name: str, message: str, line: int, column: int, cause: Exception | None = None) -> NoReturn:
    raise ConfigurationError(
        f"{name}, line {line}, column {column}: {message}",
        source=f"{name}:{line}",
        file=name,
        line=line,
        column=column,
        cause=cause,
    )

r"""Settings from environment variables and from the ``.env`` file.

``LEX_`` and the setting's path, in capitals, with two underscores between the levels: ``LEX_NOSQL__MONGODB__URI`` is
``nosql.mongodb.uri``. Numbers are places in a list, ``LEX_NOSQL__BACKENDS__0__NAME``: they change or extend a list of
the files, or make a new one, and must leave no gap. What belongs to the application itself may be written with or
without ``APP__``: ``LEX_APP_NAME`` and ``LEX_APP__APP_NAME`` are the same. Capitals in the keys of a file are found as
well. A value may be JSON where a list or a section is wanted.

Variables that are no settings but choose where settings come from: ``LEX_PROFILE``, ``LEX_CONFIG`` (read by the command
line) and ``LEX_SECRETS_DIR``. ``APP_ENV`` is read as ``LEX_ENV`` if that is not set.

The ``.env`` file lies beside the configuration file and is read by python-dotenv's rules; the process's own variables
take precedence over it, and it changes none of them.

Reading the variables is the task of ``lexigram.config.sources``; here is what their names mean.
"""

from __future__ import annotations

import io
import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace

from dotenv.parser import parse_stream

from lexigram.config.tree import (
    MAX_DEPTH,
    Items,
    KeyPath,
    Leaf,
    Node,
    Section,
    Source,
    SourceKind,
    Text,
    dotted,
    from_json,
    is_valid_text,
)
from lexigram.contracts.exceptions.config import ConfigurationError

__all__ = [
    "DELIMITER",
    "FALLBACK",
    "PREFIX",
    "RESERVED",
    "Assignment",
    "apply_assignments",
    "assignments_of",
    "dotenv_lines",
]

PREFIX = "LEX_"
DELIMITER = "__"
RESERVED = frozenset({"LEX_PROFILE", "LEX_CONFIG", "LEX_SECRETS_DIR"})
"""Variables that say where settings come from and are none themselves."""

FALLBACK = "APP_ENV"
"""Read as ``LEX_ENV`` where no variable of ours says what the application runs for."""

_INDEX = re.compile(r"0|[1-9][0-9]{0,5}")


@dataclass(frozen=True, slots=True)
class Assignment:
    """One setting from one variable.

    Attributes:
        path: The setting's path, in small letters; indices are still text.
        text: The variable's value.
        source: The variable, or the line of the ``.env`` file.
    """

    path: tuple[str, ...]
    text: str
    source: Source

    @property
    def variable(self) -> str:
        """The variable's name."""
        return self.source.variable or self.source.name


@dataclass(slots=True)
class _Branch:
    """The assignments under one path, by the next part of the name."""

    here: Assignment | None = None
    below: dict[str, _Branch] = field(default_factory=dict[str, "_Branch"])

    def first(self) -> Assignment:
        """Any assignment under this path, for messages."""
        return self.here if self.here is not None else next(iter(self.below.values())).first()


def dotenv_lines(text: str, name: str) -> dict[str, Source]:
    """Where the variables of a ``.env`` file stand.

    Args:
        text: Its content.
        name: Its name, for sources and errors.

    Returns:
        The place of each variable; the last one where it is set twice.

    Raises:
        ConfigurationError: A line cannot be read.
    """
    places: dict[str, Source] = {}
    for binding in parse_stream(io.StringIO(text)):
        skipped = binding.original.string[: len(binding.original.string) - len(binding.original.string.lstrip())]
        line = binding.original.line + skipped.count("\n")
        if binding.error:
            raise ConfigurationError(
                f"{name}, line {line}: not a setting of the form NAME=value",
                source=f"{name}:{line}",
                file=name,
                line=line,
            )
        if binding.key is not None:
            places[binding.key] = Source(SourceKind.DOTENV, name, line, variable=binding.key)
    return places


def assignments_of(
    variables: Mapping[str, tuple[str, Source]],
    root_fields: Collection[str] = frozenset(),
    *,
    prefix: str = PREFIX,
    delimiter: str = DELIMITER,
) -> list[Assignment]:
    """The settings in the variables.

    Args:
        variables: The value of each variable and where it is.
        root_fields: The names that may be written with or without ``APP__``.
        prefix: What the names of settings begin with; capitals make no difference.
        delimiter: What stands between the levels.

    Returns:
        One assignment per path.

    Raises:
        ConfigurationError: A name has an empty part or too many, a value is not valid text, or two variables mean the
            same setting and differ.
    """
    found: dict[tuple[str, ...], Assignment] = {}
    for name, (value, source) in sorted(variables.items()):
        path = _path_of(name, root_fields, prefix, delimiter)
        if path is None:
            continue
        if not is_valid_text(value):
            raise ConfigurationError(
                f"the variable {name} holds bytes that are not UTF-8", key=dotted(path), source=str(source)
            )
        other = found.get(path)
        if other is not None and other.text != value:
            raise ConfigurationError(
                f"{other.variable} and {name} both set {dotted(path)}, to different values",
                key=dotted(path),
                source=str(source),
                hint="Unset one of them.",
            )
        found[path] = Assignment(path, value, source)
    fallback = variables.get(FALLBACK)
    if fallback is not None and ("env",) not in found:
        found["env",] = Assignment(("env",), *fallback)
    return list(found.values())


def _path_of(name: str, root_fields: Collection[str], prefix: str, delimiter: str) -> tuple[str, ...] | None:
    """The setting that a variable means; None if it means none."""
    folded, start = name.lower(), prefix.lower()
    if not folded.startswith(start) or name.upper() in RESERVED:
        return None
    path = tuple(folded.removeprefix(start).split(delimiter.lower()))
    if not all(path):
        raise ConfigurationError(
            f"the variable {name} has an empty part in its name",
            source=name,
            hint=f"Put {delimiter} between levels: {prefix}SECTION{delimiter}KEY.",
        )
    if len(path) > MAX_DEPTH:
        raise ConfigurationError(f"the variable {name[:60]}… has more than {MAX_DEPTH} levels", source=name[:60])
    if len(path) == 2 and path[0] == "app" and path[1] in root_fields:
        path = path[1:]
    return ("env",) if path == ("environment",) else path


def apply_assignments(root: Section, assignments: Iterable[Assignment]) -> Section:
    """Lay settings from variables over a tree.

    Args:
        root: What the files say.
        assignments: The settings.

    Returns:
        The new tree.

    Raises:
        ConfigurationError: A variable reaches into something that is no section, or leaves a gap in a list.
    """
    top = _Branch()
    for assignment in assignments:
        branch = top
        for part in assignment.path:
            branch = branch.below.setdefault(part, _Branch())
        branch.here = assignment
    return _section(root, top, ())


def _applied(node: Node | None, branch: _Branch, path: KeyPath) -> Node:
    if branch.here is not None:
        node = Leaf(Text(branch.here.text), branch.here.source)
        if not branch.below:
            return node
    opened = _opened(node, branch, path) if isinstance(node, Leaf) else node
    if opened is None:
        source = branch.first().source
        opened = Items((), source) if all(map(_INDEX.fullmatch, branch.below)) else Section({}, source)
    return _items(opened, branch, path) if isinstance(opened, Items) else _section(opened, branch, path)


def _opened(leaf: Leaf, branch: _Branch, path: KeyPath) -> Section | Items | None:
    """Make a branch of a value that a variable reaches into: nothing, or JSON from another variable."""
    if leaf.value is None:
        return None
    opened = from_json(leaf)
    if isinstance(opened, Leaf):
        assignment = next(iter(branch.below.values())).first()
        raise ConfigurationError(
            f"{assignment.variable} sets a part of {dotted(path)}, which is no section ({leaf.source})",
            key=dotted(path),
            source=str(assignment.source),
        )
    return opened


def _section(node: Section, branch: _Branch, path: KeyPath) -> Section:
    entries = dict(node.entries)
    folded = {key.casefold(): key for key in entries}
    for part, child in branch.below.items():
        key = part if part in entries else folded.get(part, part)
        entries[key] = _applied(entries.get(key), child, (*path, key))
    return replace(node, entries=entries)


def _items(node: Items, branch: _Branch, path: KeyPath) -> Items:
    items = list(node.items)
    for part in sorted(branch.below, key=lambda part: (len(part), part)):
        child = branch.below[part]
        if not _INDEX.fullmatch(part) or int(part) > len(items):
            assignment = child.first()
            reason = (
                f"which has {len(items)} elements; the next one is {len(items)}"
                if _INDEX.fullmatch(part)
                else "which is a list; the part after it must be a number"
            )
            raise ConfigurationError(
                f"{assignment.variable} sets [{part}] of {dotted(path)}, {reason}",
                key=dotted(path),
                source=str(assignment.source),
            )
        index = int(part)
        value = _applied(items[index] if index < len(items) else None, child, (*path, index))
        items[index : index + 1] = [value]
    return replace(node, items=tuple(items))

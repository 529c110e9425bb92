"""TOML files as configuration trees.

The standard library's parser gives the values but not their lines, so the lines are found by a second, simpler walk
over text that is known to be valid: table headers and the keys at the beginning of a statement. A value inside an
inline table or a list has the line of the statement that it belongs to.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from dataclasses import replace

from lexigram.config.tree import Items, KeyPath, Leaf, Node, Section, Source, SourceKind, from_plain
from lexigram.contracts.exceptions.config import ConfigurationError

__all__ = ["parse_toml"]

_POSITION = re.compile(r"\s*\(at (?:line (\d+), column (\d+)|end of document)\)$")
_KEY_PART = re.compile(r"""\s*(?:"((?:[^"\\]|\\.)*)"|'([^']*)'|([A-Za-z0-9_-]+))\s*(\.)?""")
_TOKEN = re.compile(
    r"""
      \"{3}(?:[^\\]|\\.)*?\"{3,5}    # text over several lines, with escapes
    | '{3}.*?'{3,5}                   # the same, without
    | \"(?:[^\"\\\n]|\\.)*\" | '[^'\n]*'
    | \#[^\n]*
    | [\[\]{}\n]
    """,
    re.DOTALL | re.VERBOSE,
)


def parse_toml(text: str, name: str) -> Node:
    """Read a TOML document.

    Args:
        text: The document.
        name: The file's name, for sources and errors.

    Returns:
        The tree.

    Raises:
        ConfigurationError: It is not well-formed, has a key twice, or is nested too deeply. Says the file, the line and
            the column.
    """
    try:
        data = tomllib.loads(text)
    except RecursionError:
        raise ConfigurationError(f"{name}: the file is nested too deeply", source=name, file=name) from None
    except ValueError as error:
        found = _POSITION.search(str(error))
        if found is not None and found[1]:
            line, column = int(found[1]), int(found[2])
        else:
            line, column = text.count("\n") + 1, len(text) - text.rfind("\n")
        raise ConfigurationError(
            f"{name}, line {line}, column {column}: {_POSITION.sub('', str(error))}",
            source=f"{name}:{line}",
            file=name,
            line=line,
            column=column,
            cause=error,
        ) from error
    tree = from_plain(data, Source(SourceKind.FILE, name))
    return _with_lines(tree, dict(_lines(text)), ())


def _with_lines(node: Node, lines: dict[KeyPath, int], path: KeyPath) -> Node:
    """Give each node the line of the nearest statement that it belongs to."""
    line = next((lines[path[:end]] for end in range(len(path), 0, -1) if path[:end] in lines), 1)
    source = replace(node.source, line=line)
    match node:
        case Section(entries):
            return Section({key: _with_lines(child, lines, (*path, key)) for key, child in entries.items()}, source)
        case Items(items):
            return Items(tuple(_with_lines(child, lines, (*path, index)) for index, child in enumerate(items)), source)
        case Leaf(value):
            return Leaf(value, source)


def _statements(text: str) -> Iterator[tuple[int, str]]:
    """Each statement's first line and its text up to the end of that line; comments and continuations left out."""
    depth = 0
    start = 0
    line = first_line = 1
    for token in _TOKEN.finditer(text):
        lexeme = token[0]
        if lexeme in "[{":
            depth += 1
        elif lexeme in "]}":
            depth -= 1
        elif lexeme == "\n":
            line += 1
            if depth == 0:
                yield first_line, text[start : token.start()]
                start, first_line = token.end(), line
        else:
            line += lexeme.count("\n")
    yield first_line, text[start:]


def _lines(text: str) -> Iterator[tuple[KeyPath, int]]:
    """The line of each table and each key that is written at the beginning of a statement."""
    table: KeyPath = ()
    counts: dict[KeyPath, int] = {}
    for line, raw in _statements(text):
        statement = raw.lstrip()
        if statement.startswith("[["):
            plain = _key(statement[2:])
            table = _resolved(plain[:-1], counts) + plain[-1:]
            index = counts[table] = counts.get(table, -1) + 1
            yield table, line
            table = (*table, index)
            yield table, line
        elif statement.startswith("["):
            table = _resolved(_key(statement[1:]), counts)
            yield table, line
        elif statement and not statement.startswith("#"):
            key = _key(statement)
            for end in range(1, len(key) + 1):
                yield (*table, *key[:end]), line


def _resolved(key: KeyPath, counts: dict[KeyPath, int]) -> KeyPath:
    """Put the index of the last element behind each part that is a list of tables."""
    path: KeyPath = ()
    for part in key:
        path = (*path, part)
        if path in counts:
            path = (*path, counts[path])
    return path


def _key(text: str) -> KeyPath:
    """Read a dotted key at the beginning of a text."""
    parts: list[str] = []
    position = 0
    while found := _KEY_PART.match(text, position):
        quoted, literal, bare, dot = found.groups()
        parts.append(_unescaped(quoted) if quoted is not None else literal if literal is not None else bare)
        position = found.end()
        if not dot:
            break
    return tuple(parts)


def _unescaped(quoted: str) -> str:
    return str(tomllib.loads(f'x = "{quoted}"')["x"]) if "\\" in quoted else quoted

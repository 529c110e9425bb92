"""Fields along a dotted path, as stages read and write them.

Stages that put one value in one place (``as`` of ``$lookup``, the index of ``$unwind``) step through documents only:
whatever else stands on the way is replaced when written and hides the rest when read. Stages that look for values to
join on go through arrays and positions in them.
"""

# The class of an Any is Unknown to pyright, and this module asks for classes all the time.
# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false, reportUnknownMemberType=false

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from lexigram.nosql.values.path import MISSING, array_index

__all__ = ["getter", "joined_values", "read_path", "setter", "write_path"]


def read_path(document: dict[str, Any], names: Sequence[str]) -> Any:
    """Follow a path through documents.

    Args:
        document: Where to start.
        names: The path.

    Returns:
        What is there, or ``MISSING``.
    """
    value: Any = document
    for name in names:
        if type(value) is not dict:
            return MISSING
        value = value.get(name, MISSING)
    return value


def write_path(document: dict[str, Any], names: Sequence[str], value: Any) -> dict[str, Any]:
    """Put a value at a path, in a copy that shares everything else.

    Args:
        document: The document; it is not changed.
        names: The path.
        value: The value; ``MISSING`` removes what is there.

    Returns:
        The new document.
    """
    result = document.copy()
    place = result
    for name in names[:-1]:
        child = place.get(name)
        place[name] = child.copy() if type(child) is dict else {}
        place = place[name]
    if value is MISSING:
        place.pop(names[-1], None)
    else:
        place[names[-1]] = value
    return result


def getter(names: Sequence[str]) -> Callable[[dict[str, Any]], Any]:
    """Make a function that reads a path as :func:`read_path` does."""
    if len(names) == 1:
        only = names[0]
        return lambda document: document.get(only, MISSING)
    return lambda document: read_path(document, names)


def setter(names: Sequence[str]) -> Callable[[dict[str, Any], Any], dict[str, Any]]:
    """Make a function that writes a path as :func:`write_path` does."""
    if len(names) > 1:
        return lambda document, value: write_path(document, names, value)
    only = names[0]

    def put(document: dict[str, Any], value: Any) -> dict[str, Any]:
        result = document.copy()
        if value is MISSING:
            result.pop(only, None)
        else:
            result[only] = value
        return result

    return put


def joined_values(document: dict[str, Any], names: Sequence[str]) -> list[Any]:
    """Find the values of a field that a join looks up: of an array, its elements.

    Args:
        document: The document.
        names: The path; numbers after the first name are positions where they meet arrays.

    Returns:
        The values, in order; none where there is no field or an empty array.
    """
    found: list[Any] = []
    _visit(document, names, 0, found)
    return found


def _visit(document: dict[str, Any], names: Sequence[str], start: int, found: list[Any]) -> None:
    value: Any = document.get(names[start], MISSING)
    start += 1
    while start < len(names) and type(value) is list:
        index = array_index(names[start])
        if index < 0:
            break
        value = value[index] if index < len(value) else MISSING
        start += 1
    if start == len(names):
        if type(value) is list:
            found.extend(value)
        elif value is not MISSING:
            found.append(value)
    elif type(value) is dict:
        _visit(value, names, start, found)
    elif type(value) is list:
        for item in value:
            if type(item) is dict:
                _visit(item, names, start, found)

"""The values that ``distinct`` finds in one document (manual, "distinct").

Its paths are simpler than a filter's: in an array, a numeric component is only a position, never also a name in the
objects there, and an array at the end counts as its elements however it was reached. The values of one document come in
MongoDB's order over values, which is why ``["S", "M"]`` gives ``M`` first.
"""

# The class of an Any is Unknown to pyright, and this module asks for classes all the time.
# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false, reportUnknownMemberType=false

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from lexigram.nosql.values.bson_compat import reference_fields
from lexigram.nosql.values.order import sort_key
from lexigram.nosql.values.path import MISSING, array_index

__all__ = ["distinct_values"]


def distinct_values(document: Any, parts: Sequence[str]) -> list[Any]:
    """Find the values of a path as ``distinct`` counts them: an array by its elements.

    Args:
        document: A document.
        parts: Components of the path.

    Returns:
        The values, which are the document's own, in MongoDB's order; equal ones may be among them.
    """
    found: list[Any] = []
    _collect(document, parts, 0, found)
    if len(found) > 1:
        found.sort(key=sort_key)
    return found


def _collect(value: Any, parts: Sequence[str], start: int, found: list[Any]) -> None:
    count = len(parts)
    while start < count:
        part = parts[start]
        if type(value) is list:
            if not (part.isascii() and part.isdigit()):
                for item in value:
                    if type(item) is not list:
                        _collect(item, parts, start, found)
                return
            index = array_index(part)
            value = value[index] if 0 <= index < len(value) else MISSING
        else:
            fields = value if type(value) is dict else reference_fields(value)
            if fields is None:
                return
            value = fields.get(part, MISSING)
        start += 1
    if type(value) is list:
        found.extend(value)
    elif value is not MISSING:
        found.append(value)

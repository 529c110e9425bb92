"""Dotted paths and what they reach.

MongoDB has more than one meaning for ``"a.b"``:

* a **query** path goes through arrays: it reaches ``b`` in every object of the array ``a``, and a numeric component is
  both a position in an array and a name in an object (:func:`query_leaves`, :func:`query_values`);
* a **plain** path takes one step per component and never fans out (:func:`get_path`).

A field that is not there is :data:`MISSING`, which is not None.
"""

# The class of an Any is Unknown to pyright, and this module asks for classes all the time.
# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false, reportUnknownMemberType=false

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any, Final, final

from lexigram.nosql.values.bson_compat import NO_REFERENCES, reference_fields

__all__ = [
    "MISSING",
    "Missing",
    "array_index",
    "get_path",
    "is_prefix",
    "query_leaves",
    "query_values",
    "split_path",
]


@final
class Missing:
    """The type of :data:`MISSING`."""

    __slots__ = ()
    _only: Missing | None = None

    def __new__(cls) -> Missing:
        """Give the only one there is."""
        if cls._only is None:
            cls._only = super().__new__(cls)
        return cls._only

    def __bool__(self) -> bool:
        return False

    def __repr__(self) -> str:
        return "MISSING"

    def __copy__(self) -> Missing:
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> Missing:
        return self

    def __reduce__(self) -> str:
        return "MISSING"


MISSING: Final = Missing()
"""What a path reaches where there is no field."""


@lru_cache(maxsize=4096)
def split_path(path: str) -> tuple[str, ...]:
    """Split a dotted path into its components.

    Args:
        path: Such as ``"a.0.b"``. Components may be empty.

    Returns:
        The components, at least one.
    """
    return tuple(path.split("."))


@lru_cache(maxsize=4096)
def array_index(part: str) -> int:
    """Read a path component as a position in an array.

    Args:
        part: One component.

    Returns:
        The position, or -1 if the component is not a number written plainly (``"01"`` is a name).
    """
    if not part.isascii() or not part.isdigit() or len(part) > 10 or (part[0] == "0" and part != "0"):
        return -1
    return int(part)


def is_prefix(shorter: Sequence[str], longer: Sequence[str]) -> bool:
    """Say whether one path is the other or leads to it.

    Args:
        shorter: Components.
        longer: Components.

    Returns:
        True if *longer* begins with *shorter*.
    """
    return len(shorter) <= len(longer) and all(a == b for a, b in zip(shorter, longer, strict=False))


def get_path(value: Any, parts: Sequence[str], default: Any = MISSING) -> Any:
    """Follow a path one step per component, by name in objects and by position in arrays.

    Args:
        value: Where to start.
        parts: Components.
        default: What to return where the path leads nowhere.

    Returns:
        What is there.
    """
    for part in parts:
        if isinstance(value, dict):
            value = value.get(part, MISSING)
        elif isinstance(value, list):
            index = array_index(part)
            value = value[index] if 0 <= index < len(value) else MISSING
        else:
            return default
        if value is MISSING:
            return default
    return value


def query_leaves(value: Any, parts: Sequence[str], start: int = 0) -> list[tuple[Any, bool]]:
    """Find all that a query path reaches.

    Args:
        value: A document, or a value of one.
        parts: Components.
        start: The component to begin with.

    Returns:
        Pairs of a value and whether its elements count too, should it be an array: they do where the path ends in a
        field's name, not where it ends in a position. A field that is not there in an object counts as ``MISSING``; an
        array without objects, or an empty one, contributes nothing.
    """
    found: list[tuple[Any, bool]] = []
    _query(value, parts, start, len(parts), found)
    return found


def _query(value: Any, parts: Sequence[str], start: int, count: int, found: list[tuple[Any, bool]]) -> None:
    while start < count:
        cls = type(value)
        if cls is dict:
            value = value.get(parts[start], MISSING)
            start += 1
        elif cls is list:
            _query_array(value, parts, start, count, found)
            return
        else:
            value = reference_fields(value)
            if value is None:
                found.append((MISSING, True))
                return
    found.append((value, True))


def _query_array(items: list[Any], parts: Sequence[str], start: int, count: int, found: list[tuple[Any, bool]]) -> None:
    for item in items:
        if type(item) is dict:
            _query(item, parts, start, count, found)
        elif type(item) not in NO_REFERENCES and (reference := reference_fields(item)) is not None:
            _query(reference, parts, start, count, found)
    index = array_index(parts[start])
    if 0 <= index < len(items):
        item = items[index]
        if start + 1 == count:
            found.append((item, False))
        elif type(item) is dict:
            _query(item, parts, start + 1, count, found)
        elif type(item) is list:
            _query_array(item, parts, start + 1, count, found)
        elif (reference := reference_fields(item)) is not None:
            _query(reference, parts, start + 1, count, found)


def query_values(value: Any, parts: Sequence[str]) -> list[Any]:
    """Find all values that a comparison on a query path looks at.

    Args:
        value: A document.
        parts: Components.

    Returns:
        Every value reached; where it is an array whose elements count, its elements and then the array itself.
    """
    values: list[Any] = []
    for leaf, spread in query_leaves(value, parts):
        if spread and type(leaf) is list:
            values.extend(leaf)
        values.append(leaf)
    return values

"""Names of fields as DynamoDB holds them, and their order, which it does not hold.

A document has few shapes, so what has to be known of a list of names is worked out once and kept: for writing, how each
name is stored and what ``$order`` says; for reading, the stored names in their order. Both tables are bounded.

``$order`` is the shortest beginnings of the names that tell them apart, joined by NUL, which no name may hold. Where
one name is the beginning of another, it is the names themselves, after a leading NUL. Beginnings whose field has been
taken out are passed over.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, NamedTuple

from lexigram.nosql.backends.dynamodb.codec.tags import ORDER, OURS, RESERVED, Tag
from lexigram.nosql.exceptions import DocumentValidationError

__all__ = [
    "Shape",
    "field_order",
    "item_reading",
    "item_shape",
    "map_reading",
    "map_shape",
    "plain_path",
    "stored_field",
    "stored_name",
]

_MOST: Final = 4096
_LONGEST: Final = 200
"""Lists of more names than this are worked out each time: each of them would take much room."""


class Shape(NamedTuple):
    """How the fields of a map are stored.

    Attributes:
        names: Their stored names, in order; None where they are stored as they are.
        order: Contents of ``$order``; None where the fields stand in the order of their names.
    """

    names: tuple[str, ...] | None
    order: str | None


Reading = tuple[tuple[str, str], ...]
"""Stored name and name of each field, in their order."""

_map_shapes: dict[tuple[str, ...], Shape] = {}
_item_shapes: dict[tuple[str, ...], Shape] = {}
# The service gives the same fields in another order each time, so these go by sets.
_map_readings: dict[tuple[frozenset[str], str | None], Reading] = {}
_item_readings: dict[tuple[frozenset[str], str | None, frozenset[str]], Reading] = {}


def stored_name(name: str) -> str:
    """The name under which a map holds a field, as it stands in a document path.

    Args:
        name: A field's name.
    """
    return f"${name}" if not name or name[0] == "$" else name


def stored_field(name: str) -> str:
    """The attribute that holds a top-level field.

    Args:
        name: A field's name.
    """
    return f"${name}" if not name or name[0] == "$" or name.startswith(RESERVED) else name


def plain_path(path: str) -> list[str]:
    """The attribute names along a dotted path.

    Args:
        path: Such as ``"address.city"``.

    Returns:
        The names as they are stored. Whether the document has maps there, or lists, only the document knows.
    """
    first, *others = path.split(".")
    return [stored_field(first), *map(stored_name, others)]


def _check(names: Iterable[str]) -> None:
    for name in names:
        if type(name) is not str:
            raise DocumentValidationError(
                f"a field name is {type(name).__qualname__}, not str", hint="use str(key)", path=""
            )
        if "\0" in name:
            raise DocumentValidationError("a field name holds a NUL character", path=name.replace("\0", "\\0"))
        if not name.isascii():
            try:
                name.encode()
            except UnicodeEncodeError as error:
                raise DocumentValidationError(
                    f"a field name has a lone surrogate at position {error.start}, which has no UTF-8 form",
                    path=name.encode("utf-8", "backslashreplace").decode(),
                ) from None


def _written(names: Sequence[str]) -> str | None:
    """What ``$order`` says of stored names; None where they are in their own order."""
    ordered = sorted(names)
    if list(names) == ordered:
        return None
    beginnings: dict[str, str] = {}
    last = len(ordered) - 1
    for place, name in enumerate(ordered):
        common = 0
        for neighbour in (ordered[place - 1] if place else "", ordered[place + 1] if place < last else ""):
            same = 0
            for left, right in zip(name, neighbour, strict=False):
                if left != right:
                    break
                same += 1
            common = max(common, same)
        if common == len(name):  # the beginning of another, or empty
            return "\0" + "\0".join(names)
        beginnings[name] = name[: common + 1]
    return "\0".join([beginnings[name] for name in names])


def _in_order(present: Iterable[str], order: str | None) -> list[str]:
    """Stored names in the order that ``$order`` says; others follow by name."""
    ordered = sorted(present)
    if order is None:
        return ordered
    left = dict.fromkeys(ordered)
    found: list[str] = []
    if order[:1] == "\0":
        found = [name for name in order[1:].split("\0") if name in left]
        for name in found:
            left.pop(name, None)
    else:
        for beginning in order.split("\0"):
            place = bisect_left(ordered, beginning)
            if place < len(ordered) and (name := ordered[place]).startswith(beginning) and name in left:
                found.append(name)
                del left[name]
    return [*dict.fromkeys(found), *left]


def _shape(names: tuple[str, ...], top: bool) -> Shape:
    _check(names)
    store = stored_field if top else stored_name
    stored = tuple([store(name) for name in names])
    return Shape(None if stored == names else stored, _written(stored))


def map_shape(names: tuple[str, ...]) -> Shape:
    """How a map with these fields is stored.

    Args:
        names: Their names, in order.

    Raises:
        DocumentValidationError: A name is none.
    """
    shape = _map_shapes.get(names)
    if shape is None:
        shape = _shape(names, top=False)
        if len(names) <= _LONGEST:
            if len(_map_shapes) >= _MOST:
                _map_shapes.clear()
            _map_shapes[names] = shape
    return shape


def item_shape(names: tuple[str, ...]) -> Shape:
    """How an item with these top-level fields is stored.

    Args:
        names: Their names, in order, without ``_id``.

    Raises:
        DocumentValidationError: A name is none.
    """
    shape = _item_shapes.get(names)
    if shape is None:
        shape = _shape(names, top=True)
        if len(names) <= _LONGEST:
            if len(_item_shapes) >= _MOST:
                _item_shapes.clear()
            _item_shapes[names] = shape
    return shape


def field_order(document: Mapping[str, Any]) -> str | None:
    """What ``_lx.o`` says of a document.

    Args:
        document: The document.

    Returns:
        The text; None where the fields stand in the order of their names.
    """
    return item_shape(tuple([name for name in document if name != "_id"])).order


def map_reading(present: frozenset[str], order: str | None) -> Reading:
    """The fields of a map in their order.

    Args:
        present: The stored names that it has.
        order: Contents of ``$order``, if it has one.
    """
    key = (present, order)
    reading = _map_readings.get(key)
    if reading is None:
        own = [name for name in present if name != ORDER and name != Tag.DB_REF]
        reading = tuple([(name, _name(name)) for name in _in_order(own, order)])
        if len(present) <= _LONGEST:
            if len(_map_readings) >= _MOST:
                _map_readings.clear()
            _map_readings[key] = reading
    return reading


def _name(stored: str) -> str:
    return stored[1:] if stored[:2] == "$$" or stored == "$" else stored


def _field(stored: str) -> str:
    return stored[1:] if stored[:1] == "$" and stored.startswith(RESERVED, 1) else _name(stored)


def item_reading(present: frozenset[str], order: str | None, skip: frozenset[str]) -> Reading:
    """The top-level fields of an item in their order, without what is ours.

    Args:
        present: The attributes that it has.
        order: Contents of ``_lx.o``, if it has one.
        skip: Attributes to leave out.
    """
    key = (present, order, skip)
    reading = _item_readings.get(key)
    if reading is None:
        own = [name for name in present if not name.startswith(OURS) and name not in skip]
        reading = tuple([(name, _field(name)) for name in _in_order(own, order)])
        if len(present) <= _LONGEST:
            if len(_item_readings) >= _MOST:
                _item_readings.clear()
            _item_readings[key] = reading
    return reading

"""The condition that a stored document is still the one that was read, exactly.

Documents of MongoDB have no revision, and adding one would change what other programs see. So a write on this condition
compares the whole document on the server: ``$$ROOT`` equals the old one, given literally. That comparison, unlike
equality of each field, sees fields that were added, their order, and NaN. It takes 1, 1.0 and ``Decimal("1.0")`` for
equal, as it does 0.0 and -0.0; so for every number of the old document its type is asked for as well, and the text of
zeros and decimals, which says their sign and their digits. Strings are compared by code point whatever the collection's
collation is; the caller passes the collation ``simple``.

The old document travels with the new one, so together they may have 16 MiB; a larger pair is refused by PyMongo as too
large. Updates and deletions that the server runs itself need none of this.
"""

# Documents are of any type, and what is narrowed from Any has parts that are unknown to the checker.
# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false, reportUnknownMemberType=false

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from math import copysign
from typing import Any, Final

from bson.int64 import Int64
from lexigram.nosql.backends.mongodb.compiling import NativeFilter
from lexigram.nosql.driver import Document

__all__ = ["unchanged"]

_INT32_MIN: Final = -(2**31)
_INT32_MAX: Final = 2**31 - 1


def unchanged(old: Document) -> NativeFilter:
    """A filter that selects a document if it is still as it was read.

    Args:
        old: The document as read.

    Returns:
        A filter on its ``_id`` and on everything else.
    """
    same: list[Any] = [{"$eq": ["$$ROOT", {"$literal": old}]}]
    for expression, name, value in _numbers("$$ROOT", old):
        same.append({"$eq": [{"$type": expression}, name]})
        if name == "double" and value == 0:
            # As text the two zeros differ.
            same.append({"$eq": [{"$toString": expression}, "-0" if copysign(1.0, value) < 0 else "0"]})
        elif name == "decimal":
            same.append({"$eq": [{"$toString": expression}, str(value)]})
    return {"_id": {"$eq": old["_id"]}, "$expr": {"$and": same}}


def _numbers(expression: Any, value: Any) -> Iterator[tuple[Any, str, Any]]:
    """Every number of a value: how the server finds it, the name of its type, and the number."""
    if isinstance(value, dict):
        for name, part in value.items():
            if isinstance(part, dict | list | int | float | Decimal) and not isinstance(part, bool):
                yield from _numbers(_field(expression, name), part)
    elif isinstance(value, list):
        for position, part in enumerate(value):
            if isinstance(part, dict | list | int | float | Decimal) and not isinstance(part, bool):
                yield from _numbers({"$arrayElemAt": [expression, position]}, part)
    elif isinstance(value, float):
        yield expression, "double", value
    elif isinstance(value, Decimal):
        yield expression, "decimal", value
    elif isinstance(value, Int64) or not _INT32_MIN <= value <= _INT32_MAX:
        yield expression, "long", value
    else:
        yield expression, "int", value


def _field(expression: Any, name: str) -> Any:
    if isinstance(expression, str) and name and not name.startswith("$") and "." not in name:
        return f"{expression}.{name}"
    return {"$getField": {"field": {"$literal": name}, "input": expression}}

"""The ways in which one value may stand in an item.

Most values stand in exactly one way, some in two, because ``bson`` has a type of its own for the same value. Where the
ways can be listed, equality is exact, for the value itself and for an element of a list. Numbers are another matter
(:mod:`~lexigram.nosql.backends.dynamodb.planning.numbers`).
"""

# The class of an Any is Unknown to pyright, and this module asks for classes all the time.
# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false, reportUnknownMemberType=false

from __future__ import annotations

import uuid
from base64 import b64encode
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any, Final

from lexigram.nosql.backends.dynamodb.codec import Tag, encode_value
from lexigram.nosql.backends.dynamodb.planning.expressions import Operand
from lexigram.nosql.backends.dynamodb.planning.shape import AttributeValue
from lexigram.nosql.values.bson_compat import BsonTag, binary_parts, bson_tag
from lexigram.nosql.values.order import date_millis

__all__ = ["Maker", "Source", "as_it_is", "contents", "form_count", "form_of", "is_rigid", "ordered_tags"]

Maker = Callable[[Any, int], AttributeValue]


@dataclass(frozen=True, slots=True)
class Source:
    """Where a value of the filter comes from.

    Attributes:
        slot: The constant.
        position: Which of its elements, for the values of ``$in``; None for the constant itself.
    """

    slot: int
    position: int | None = None

    def operand(self, make: Maker, part: int = 0) -> Operand:
        """Make a value of an expression of it.

        Args:
            make: Makes the attribute value.
            part: Which of several, 0 to 3.
        """
        if self.position is None:
            return Operand(self.slot, make, part)
        return Operand(self.slot, _of_element(make), self.position << 2 | part)


@lru_cache(maxsize=64)
def _of_element(make: Maker) -> Maker:
    """The same maker for an element of a constant, so that equal operands stay equal."""

    def make_of_element(values: Sequence[Any], part: int) -> AttributeValue:
        return make(values[part >> 2], part & 3)

    return make_of_element


_ONE_FORM: Final = frozenset({str, bool})
_RIGID: Final = frozenset({str, bool, type(None)})
_SINGLE_TAGS: Final = frozenset({BsonTag.OBJECT_ID, BsonTag.TIMESTAMP, BsonTag.MIN_KEY, BsonTag.MAX_KEY})
_UUID_BYTES: Final = 16
_UUID_SUBTYPE: Final = 4


def as_it_is(value: Any, _part: int = 0) -> AttributeValue:
    """A value in the form in which the codec writes it."""
    return {"S": value} if type(value) is str else encode_value(value)


def _tagged(tag: Tag, content: AttributeValue) -> AttributeValue:
    return {"M": {tag.value: content}}


def _bytes(content: bytes) -> AttributeValue:
    return {"B": b64encode(content).decode("ascii")}


def _binary(value: Any, part: int) -> AttributeValue:
    subtype, content = (_UUID_SUBTYPE, value.bytes) if isinstance(value, uuid.UUID) else binary_parts(value)
    if part == 0:
        return _tagged(Tag.BINARY, _bytes(bytes([subtype]) + content))
    return _bytes(content) if subtype == 0 else _tagged(Tag.UUID, _bytes(content))


def _date(value: Any, part: int) -> AttributeValue:
    return _tagged(Tag.DATE if part == 0 else Tag.DATETIME_MS, {"N": str(date_millis(value))})


def form_count(value: Any) -> int:
    """Count the ways in which a value may stand in an item.

    Args:
        value: A constant that is no number and no container.

    Returns:
        1 or 2; 0 where they cannot be listed.
    """
    cls = type(value)
    if cls in _ONE_FORM:
        return 1
    if cls is datetime or cls is bytes or cls is uuid.UUID:
        return 2
    tag = bson_tag(cls)
    if tag in _SINGLE_TAGS:
        return 1
    if tag is BsonTag.DATETIME_MS:
        return 2
    if tag is BsonTag.BINARY:
        subtype, content = binary_parts(value)
        return 2 if subtype == 0 or (subtype == _UUID_SUBTYPE and len(content) == _UUID_BYTES) else 1
    return 0


def form_of(value: Any, part: int) -> AttributeValue:
    """One of the ways in which a value may stand in an item.

    Args:
        value: A constant with a :func:`form_count`.
        part: Which of them, from 0.
    """
    cls = type(value)
    if cls is datetime:
        return _date(value, part)
    if cls is bytes or cls is uuid.UUID:
        return _binary(value, part)
    tag = bson_tag(cls)
    if tag is BsonTag.DATETIME_MS:
        return _date(value, part)
    return _binary(value, part) if tag is BsonTag.BINARY else as_it_is(value)


def is_rigid(value: Any) -> bool:
    """Say whether a container has one form only: nothing but text, bools and nulls in lists and plain maps.

    Args:
        value: A dict or a list.
    """
    cls = type(value)
    if cls is dict:
        return all(name[:1] != "$" and (type(item) in _RIGID or is_rigid(item)) for name, item in value.items())
    return cls is list and all(type(item) in _RIGID or is_rigid(item) for item in value)


_ORDERED: Final = {
    BsonTag.OBJECT_ID: (Tag.OBJECT_ID,),
    BsonTag.TIMESTAMP: (Tag.TIMESTAMP,),
    BsonTag.DATETIME_MS: (Tag.DATE, Tag.DATETIME_MS),
}


def ordered_tags(value: Any) -> tuple[Tag, ...]:
    """Name the tags whose contents have the engine's order among values of this one's type.

    Args:
        value: A constant.

    Returns:
        The tags; none where contents do not compare as values do.
    """
    cls = type(value)
    if cls is datetime:
        return _ORDERED[BsonTag.DATETIME_MS]
    tag = bson_tag(cls)
    return () if tag is None else _ORDERED.get(tag, ())


def contents(value: Any, _part: int = 0) -> AttributeValue:
    """What stands under a tag, to compare with.

    Args:
        value: A constant with :func:`ordered_tags`.
    """
    if type(value) is datetime:
        return {"N": str(date_millis(value))}
    return next(iter(encode_value(value)["M"].values()))

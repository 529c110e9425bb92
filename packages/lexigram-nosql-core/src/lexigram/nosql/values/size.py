"""How many bytes a document takes as BSON (bsonspec.org, version 1.1)."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, Final

from lexigram.nosql.values.bson_compat import BsonTag, binary_parts, bson_tag, code_scope, regex_parts
from lexigram.nosql.values.kinds import INT32_MAX, INT32_MIN, Kind, class_kind

__all__ = ["bson_size", "value_size"]


def _text(value: str) -> int:
    return len(value) if value.isascii() else len(value.encode("utf-8", "surrogatepass"))


def _binary(value: Any) -> int:
    if hasattr(value, "bytes"):
        return 21
    subtype, content = binary_parts(value)
    return len(content) + (9 if subtype == 2 else 5)  # the old binary subtype repeats its length inside


def _regex(value: Any) -> int:
    source, options = regex_parts(value)
    # Every text pattern has the flag for Unicode, which says nothing and is written all the same.
    return _text(source) + len(options) + (3 if value.flags & re.UNICODE else 2)


def _code(value: Any) -> int:
    scope = code_scope(value)
    return _text(value) + 5 + (0 if scope is None else 4 + bson_size(scope))


def _array(value: Any) -> int:
    # Names are the positions in decimal: one byte each below ten, two below a hundred, and so on.
    count = len(value)
    names, digits, start = 0, 1, 0
    while start < count:
        end = min(count, 10**digits)
        names += (end - start) * digits
        start, digits = end, digits + 1
    return 5 + 2 * count + names + sum([_SIZES[type(item)](item) for item in value])


def bson_size(document: Any) -> int:
    """Count the bytes of a document in BSON.

    Args:
        document: A mapping as documents are.

    Returns:
        Bytes, with the length prefix and the closing byte.

    Raises:
        DocumentValidationError: A value has no BSON type.
    """
    total = 5
    for name, value in document.items():
        total += 2 + (len(name) if name.isascii() else _text(name)) + _SIZES[type(value)](value)
    return total


_BY_KIND: Final[dict[Kind, Callable[[Any], int]]] = {
    Kind.MISSING: lambda _value: 0,
    Kind.NULL: lambda _value: 0,
    Kind.BOOL: lambda _value: 1,
    Kind.INT: lambda value: 4 if INT32_MIN <= value <= INT32_MAX else 8,
    Kind.DOUBLE: lambda _value: 8,
    Kind.DECIMAL: lambda _value: 16,
    Kind.STRING: lambda value: 5 + _text(value),
    Kind.BINARY: _binary,
    Kind.OBJECT: bson_size,
    Kind.ARRAY: _array,
    Kind.DATE: lambda _value: 8,
    Kind.REGEX: _regex,
}

_BY_TAG: Final[dict[BsonTag, Callable[[Any], int]]] = {
    BsonTag.OBJECT_ID: lambda _value: 12,
    BsonTag.INT64: lambda _value: 8,
    BsonTag.DECIMAL128: lambda _value: 16,
    BsonTag.BINARY: _binary,
    BsonTag.TIMESTAMP: lambda _value: 8,
    BsonTag.REGEX: _regex,
    BsonTag.MIN_KEY: lambda _value: 0,
    BsonTag.MAX_KEY: lambda _value: 0,
    BsonTag.CODE: _code,
    BsonTag.DB_REF: lambda value: bson_size(value.as_doc()),
    BsonTag.DATETIME_MS: lambda _value: 8,
}


class _Sizes(dict[type, Callable[[Any], int]]):
    """Size functions by exact class, filled as classes are met."""

    def __missing__(self, cls: type) -> Callable[[Any], int]:
        tag = bson_tag(cls)
        function = _BY_KIND[class_kind(cls)] if tag is None else _BY_TAG[tag]
        self[cls] = function
        return function


_SIZES: Final = _Sizes()


def value_size(value: Any) -> int:
    """Count the bytes of a value in BSON, without the byte of its type and its name.

    Args:
        value: Any value that documents hold.

    Returns:
        Bytes.

    Raises:
        DocumentValidationError: The value has no BSON type.
    """
    return _SIZES[type(value)](value)

"""Which BSON type a Python value is.

Numbers and names are those of MongoDB's ``$type`` (manual, "BSON types"). Python has one kind of int where BSON has
two: it is ``int`` while it fits in 32 bits and ``long`` beyond, as pymongo encodes it; ``bson.Int64`` is always
``long``.

Look-ups are by exact class; a class met for the first time is classified once, through its bases. Values without a BSON
type raise :class:`~lexigram.nosql.exceptions.DocumentValidationError`, never anything else.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from enum import IntEnum
from typing import Any, Final

from lexigram.nosql.exceptions import DocumentValidationError
from lexigram.nosql.values.bson_compat import BsonTag, bson_tag, code_scope
from lexigram.nosql.values.path import MISSING

__all__ = [
    "ALIASES",
    "INT32_MAX",
    "INT32_MIN",
    "INT64_MAX",
    "INT64_MIN",
    "NUMBER_KINDS",
    "RANKS",
    "Kind",
    "class_kind",
    "is_number",
    "kind_of",
    "kinds_named",
    "type_name",
]

INT32_MIN: Final = -(2**31)
INT32_MAX: Final = 2**31 - 1
INT64_MIN: Final = -(2**63)
INT64_MAX: Final = 2**63 - 1


class Kind(IntEnum):
    """BSON types by number; 0 stands for a field that is not there."""

    MIN_KEY = -1
    MISSING = 0
    DOUBLE = 1
    STRING = 2
    OBJECT = 3
    ARRAY = 4
    BINARY = 5
    UNDEFINED = 6
    OBJECT_ID = 7
    BOOL = 8
    DATE = 9
    NULL = 10
    REGEX = 11
    DB_POINTER = 12
    JAVASCRIPT = 13
    SYMBOL = 14
    JAVASCRIPT_WITH_SCOPE = 15
    INT = 16
    TIMESTAMP = 17
    LONG = 18
    DECIMAL = 19
    MAX_KEY = 127


NUMBER_KINDS: Final = frozenset({Kind.DOUBLE, Kind.INT, Kind.LONG, Kind.DECIMAL})

ALIASES: Final[Mapping[str, Kind]] = {
    "double": Kind.DOUBLE,
    "string": Kind.STRING,
    "object": Kind.OBJECT,
    "array": Kind.ARRAY,
    "binData": Kind.BINARY,
    "undefined": Kind.UNDEFINED,
    "objectId": Kind.OBJECT_ID,
    "bool": Kind.BOOL,
    "date": Kind.DATE,
    "null": Kind.NULL,
    "regex": Kind.REGEX,
    "dbPointer": Kind.DB_POINTER,
    "javascript": Kind.JAVASCRIPT,
    "symbol": Kind.SYMBOL,
    "javascriptWithScope": Kind.JAVASCRIPT_WITH_SCOPE,
    "int": Kind.INT,
    "timestamp": Kind.TIMESTAMP,
    "long": Kind.LONG,
    "decimal": Kind.DECIMAL,
    "minKey": Kind.MIN_KEY,
    "maxKey": Kind.MAX_KEY,
}

_NAMES: Final[dict[Kind, str]] = {Kind.MISSING: "missing", **{kind: name for name, kind in ALIASES.items()}}

# Place of each type in the comparison order; equal places compare by value.
RANKS: Final[Mapping[Kind, int]] = {
    Kind.MIN_KEY: -1,
    Kind.MISSING: 0,
    Kind.UNDEFINED: 0,
    Kind.NULL: 5,
    Kind.DOUBLE: 10,
    Kind.INT: 10,
    Kind.LONG: 10,
    Kind.DECIMAL: 10,
    Kind.STRING: 15,
    Kind.SYMBOL: 15,
    Kind.OBJECT: 20,
    Kind.ARRAY: 25,
    Kind.BINARY: 30,
    Kind.OBJECT_ID: 35,
    Kind.BOOL: 40,
    Kind.DATE: 45,
    Kind.TIMESTAMP: 47,
    Kind.REGEX: 50,
    Kind.DB_POINTER: 55,
    Kind.JAVASCRIPT: 60,
    Kind.JAVASCRIPT_WITH_SCOPE: 65,
    Kind.MAX_KEY: 127,
}

_TAG_KINDS: Final[dict[BsonTag, Kind]] = {
    BsonTag.OBJECT_ID: Kind.OBJECT_ID,
    BsonTag.INT64: Kind.LONG,
    BsonTag.DECIMAL128: Kind.DECIMAL,
    BsonTag.BINARY: Kind.BINARY,
    BsonTag.TIMESTAMP: Kind.TIMESTAMP,
    BsonTag.REGEX: Kind.REGEX,
    BsonTag.MIN_KEY: Kind.MIN_KEY,
    BsonTag.MAX_KEY: Kind.MAX_KEY,
    BsonTag.CODE: Kind.JAVASCRIPT,
    BsonTag.DB_REF: Kind.OBJECT,
    BsonTag.DATETIME_MS: Kind.DATE,
}

# bool before int, whose subclass it is.
_BASES: Final[tuple[tuple[type, Kind], ...]] = (
    (bool, Kind.BOOL),
    (int, Kind.INT),
    (float, Kind.DOUBLE),
    (Decimal, Kind.DECIMAL),
    (str, Kind.STRING),
    (bytes, Kind.BINARY),
    (Mapping, Kind.OBJECT),
    (list, Kind.ARRAY),
    (tuple, Kind.ARRAY),
    (datetime, Kind.DATE),
    (uuid.UUID, Kind.BINARY),
    (re.Pattern, Kind.REGEX),
)


class _Kinds(dict[type, Kind]):
    """Kinds by exact class, filled as classes are met."""

    def __missing__(self, cls: type) -> Kind:
        tag = bson_tag(cls)
        if tag is not None:
            kind = _TAG_KINDS[tag]
        else:
            for base, candidate in _BASES:
                if issubclass(cls, base):
                    kind = candidate
                    break
            else:
                raise DocumentValidationError(
                    f"{cls.__module__}.{cls.__qualname__} is not a type that documents hold",
                    hint="use None, bool, int, float, str, bytes, datetime, Decimal, UUID, list, dict or a bson type",
                )
        self[cls] = kind
        return kind


_KINDS: Final = _Kinds({type(None): Kind.NULL, type(MISSING): Kind.MISSING})


def class_kind(cls: type) -> Kind:
    """Say which BSON type the values of a class have, as far as the class alone tells.

    Args:
        cls: A class.

    Returns:
        Its kind; ``INT`` for int of any size, ``JAVASCRIPT`` for code with or without scope.

    Raises:
        DocumentValidationError: The class has no BSON type.
    """
    return _KINDS[cls]


def kind_of(value: Any) -> Kind:
    """Say which BSON type a value has.

    Args:
        value: Any value, or :data:`~lexigram.nosql.values.path.MISSING`.

    Returns:
        Its kind.

    Raises:
        DocumentValidationError: The value has no BSON type.
    """
    kind = _KINDS[type(value)]
    if kind is Kind.INT:
        return kind if INT32_MIN <= value <= INT32_MAX else Kind.LONG
    if kind is Kind.JAVASCRIPT and code_scope(value) is not None:
        return Kind.JAVASCRIPT_WITH_SCOPE
    return kind


def type_name(value: Any) -> str:
    """Name the BSON type of a value, as ``$type`` in an expression does.

    Args:
        value: Any value.

    Returns:
        Such as ``"int"`` or ``"objectId"``; ``"missing"`` for a field that is not there.

    Raises:
        DocumentValidationError: The value has no BSON type.
    """
    return _NAMES[kind_of(value)]


def is_number(value: Any) -> bool:
    """Say whether a value is a BSON number; a bool is not.

    Args:
        value: Any value that documents hold.

    Returns:
        True for int, long, double and decimal.
    """
    return _KINDS[type(value)] in NUMBER_KINDS


def kinds_named(name: str) -> frozenset[Kind] | None:
    """Look up a type's name as ``$type`` takes it.

    Args:
        name: An alias, or ``"number"`` for all four number types.

    Returns:
        The kinds meant, or None if the name is unknown.
    """
    if name == "number":
        return NUMBER_KINDS
    kind = ALIASES.get(name)
    return None if kind is None else frozenset({kind})

"""The types of ``bson``, understood without importing it.

pymongo is optional: a value can only be an ``ObjectId`` if its owner imported ``bson``, so classes are recognised by
where they were defined, and read by their attributes. This is the only module that knows their names; nothing here
imports ``bson`` until :func:`load` is asked for a class, because a value has to be made.
"""

from __future__ import annotations

import re
from enum import Enum
from importlib import import_module
from typing import Any, TypeGuard

from lexigram.nosql.exceptions import UnsupportedFeatureError

__all__ = [
    "NO_REFERENCES",
    "BsonTag",
    "binary_parts",
    "bson_tag",
    "code_scope",
    "is_text",
    "load",
    "reference_fields",
    "regex_parts",
]


class BsonTag(Enum):
    """The classes of ``bson`` that a document may hold."""

    OBJECT_ID = "ObjectId"
    INT64 = "Int64"
    DECIMAL128 = "Decimal128"
    BINARY = "Binary"
    TIMESTAMP = "Timestamp"
    REGEX = "Regex"
    MIN_KEY = "MinKey"
    MAX_KEY = "MaxKey"
    CODE = "Code"
    DB_REF = "DBRef"
    DATETIME_MS = "DatetimeMS"


_HOMES: dict[tuple[str, str], BsonTag] = {
    ("bson.objectid", "ObjectId"): BsonTag.OBJECT_ID,
    ("bson.int64", "Int64"): BsonTag.INT64,
    ("bson.decimal128", "Decimal128"): BsonTag.DECIMAL128,
    ("bson.binary", "Binary"): BsonTag.BINARY,
    ("bson.timestamp", "Timestamp"): BsonTag.TIMESTAMP,
    ("bson.regex", "Regex"): BsonTag.REGEX,
    ("bson.min_key", "MinKey"): BsonTag.MIN_KEY,
    ("bson.max_key", "MaxKey"): BsonTag.MAX_KEY,
    ("bson.code", "Code"): BsonTag.CODE,
    ("bson.dbref", "DBRef"): BsonTag.DB_REF,
    ("bson.datetime_ms", "DatetimeMS"): BsonTag.DATETIME_MS,
}
_MODULES = {tag: module for (module, _), tag in _HOMES.items()}

# Letters in the order in which BSON stores them. re.UNICODE is what every str pattern has, so it says nothing.
_FLAGS = ((re.IGNORECASE, "i"), (re.LOCALE, "l"), (re.MULTILINE, "m"), (re.DOTALL, "s"), (re.VERBOSE, "x"))


def bson_tag(cls: type) -> BsonTag | None:
    """Say which class of ``bson`` a class is, or descends from.

    Args:
        cls: Any class.

    Returns:
        Its tag, or None if it has nothing to do with ``bson``.
    """
    for base in cls.__mro__:
        tag = _HOMES.get((base.__module__, base.__qualname__))
        if tag is not None:
            return tag
    return None


def is_text(value: Any) -> TypeGuard[str]:
    """Say whether a value is text as BSON has it.

    Args:
        value: Any value.

    Returns:
        True for ``str`` and its descendants, but for ``bson.Code``, which is code.
    """
    return type(value) is str or (isinstance(value, str) and bson_tag(type(value)) is None)


NO_REFERENCES: frozenset[Any] = frozenset({type(None), bool, int, float, str, bytes, list, dict})
"""Common classes that are no database references, for loops that want to save the call."""


def reference_fields(value: Any) -> dict[str, Any] | None:
    """Read a database reference as the document that it is stored as, so that paths lead into it.

    Args:
        value: Any value.

    Returns:
        The fields ``$ref``, ``$id`` and perhaps others; None for what is no ``bson.DBRef``.
    """
    cls: type[Any] = value.__class__
    if cls in NO_REFERENCES or bson_tag(cls) is not BsonTag.DB_REF:
        return None
    return dict(value.as_doc())


def load(tag: BsonTag) -> Any:
    """Import one class of ``bson``, to make a value of it.

    Args:
        tag: Which.

    Returns:
        The class.

    Raises:
        UnsupportedFeatureError: pymongo, which brings ``bson``, is not installed.
    """
    try:
        return getattr(import_module(_MODULES[tag]), tag.value)
    except ImportError as error:
        raise UnsupportedFeatureError(
            f"a value of type {tag.value} needs the bson package",
            hint="pip install pymongo",
            feature=f"bson.{tag.value}",
        ) from error


def regex_parts(value: Any) -> tuple[str, str]:
    """Take a regular expression apart.

    Args:
        value: An ``re.Pattern`` or a ``bson.Regex``.

    Returns:
        Its source and its option letters, sorted. A bytes pattern is read as Latin-1, so that nothing is lost.
    """
    pattern: Any = value.pattern
    source = pattern.decode("latin-1") if isinstance(pattern, bytes) else str(pattern)
    flags = int(value.flags)
    return source, "".join([letter for flag, letter in _FLAGS if flags & flag])


def binary_parts(value: Any) -> tuple[int, bytes]:
    """Take a ``bson.Binary`` apart.

    Args:
        value: A ``bson.Binary``, or plain bytes (subtype 0).

    Returns:
        Its subtype and its content.
    """
    return int(getattr(value, "subtype", 0)), bytes(value)


def code_scope(value: Any) -> dict[str, Any] | None:
    """Read the variables that a ``bson.Code`` carries.

    Args:
        value: A ``bson.Code``.

    Returns:
        Its scope, or None for code without one.
    """
    scope: dict[str, Any] | None = value.scope
    return scope

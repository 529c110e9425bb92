"""Items to documents, in one pass."""

# The class of an Any is Unknown to pyright, and this module asks for classes all the time.
# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false, reportUnknownMemberType=false

from __future__ import annotations

import re
import uuid
from base64 import b64decode
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, Final

from lexigram.nosql.backends.dynamodb.codec.keys import decode_key
from lexigram.nosql.backends.dynamodb.codec.names import item_reading, map_reading
from lexigram.nosql.backends.dynamodb.codec.numbers import parse_decimal, parse_number
from lexigram.nosql.backends.dynamodb.codec.tags import EXPONENT, ORDER, OURS, SCOPE, Tag
from lexigram.nosql.values.bson_compat import BsonTag, load
from lexigram.nosql.values.path import MISSING

__all__ = ["decode_document", "decode_id", "decode_value"]

AttributeValue = Mapping[str, Any]

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_NOTHING: Final[frozenset[str]] = frozenset()
_COMPANIONS: Final = frozenset({EXPONENT, SCOPE})


def _map(value: dict[str, AttributeValue]) -> Any:
    order: Any = None
    if len(value) > 1:
        order = value.get(ORDER)
        if order is not None:
            order = order.get("S")
        elif Tag.DB_REF in value:
            return _reference(value)
        elif len(value) == 2 and not _COMPANIONS.isdisjoint(value):
            found = _accompanied(value)
            if found is not MISSING:
                return found
    else:
        for name in value:
            if name[:1] == "$":
                found = _untagged(name, value[name])
                if found is not MISSING:
                    return found
    return _fields(value, order)


def _fields(value: dict[str, AttributeValue], order: str | None) -> dict[str, Any]:
    decoded: dict[str, Any] = {}
    for stored, name in map_reading(frozenset(value), order):
        item = value[stored]
        if "S" in item:
            decoded[name] = item["S"]
        elif "N" in item:
            text = item["N"]
            decoded[name] = int(text) if text.isdecimal() and len(text) < 19 else parse_number(text)
        else:
            for kind in item:
                decoded[name] = _DECODERS[kind](item[kind])
    return decoded


def _list(value: list[AttributeValue]) -> list[Any]:
    decoded: list[Any] = []
    for item in value:
        if "S" in item:
            decoded.append(item["S"])
        else:
            ((kind, content),) = item.items()
            decoded.append(_DECODERS[kind](content))
    return decoded


def _bytes(text: str) -> bytes:
    return b64decode(text)


def _decoded_float(kind: str, content: Any) -> Any:
    return float(content) if kind in "NS" else MISSING


def _decoded_decimal(kind: str, content: Any) -> Any:
    return parse_decimal(content) if kind == "N" else Decimal(content) if kind == "S" else MISSING


def _decoded_date(kind: str, content: Any) -> Any:
    if kind != "N":
        return MISSING
    return _EPOCH + timedelta(milliseconds=parse_whole(content))


def parse_whole(text: str) -> int:
    """A whole number, in whatever form the server gave it back."""
    try:
        return int(text)
    except ValueError:
        return int(Decimal(text))


def _decoded_pattern(kind: str, content: Any) -> Any:
    if kind != "S":
        return MISSING
    flags, source = _pattern_parts(content)
    return re.compile(source, flags)


def _pattern_parts(content: str) -> tuple[int, str | bytes]:
    flags, _, source = content.partition("/")
    if flags[:1] == "b":
        return int(flags[1:]), source.encode("latin-1")
    return int(flags), source


def _decoded_regex(kind: str, content: Any) -> Any:
    if kind != "S":
        return MISSING
    flags, source = _pattern_parts(content)
    return load(BsonTag.REGEX)(source, flags)


def _decoded_binary(kind: str, content: Any) -> Any:
    if kind != "B":
        return MISSING
    data = b64decode(content)
    return load(BsonTag.BINARY)(data[1:], data[0])


def _decoded_timestamp(kind: str, content: Any) -> Any:
    if kind != "N":
        return MISSING
    whole = parse_whole(content)
    return load(BsonTag.TIMESTAMP)(whole >> 32, whole & 0xFFFFFFFF)


def _decoded_decimal128(kind: str, content: Any) -> Any:
    found = content if kind == "S" else _decoded_decimal(kind, content)
    return found if found is MISSING else load(BsonTag.DECIMAL128)(found)


_UNTAG: Final[Mapping[str, Callable[[str, Any], Any]]] = {
    Tag.FLOAT: _decoded_float,
    Tag.DECIMAL: _decoded_decimal,
    Tag.DATE: _decoded_date,
    Tag.UUID: lambda kind, content: uuid.UUID(bytes=b64decode(content)) if kind == "B" else MISSING,
    Tag.PATTERN: _decoded_pattern,
    Tag.OBJECT_ID: lambda kind, content: load(BsonTag.OBJECT_ID)(b64decode(content)) if kind == "B" else MISSING,
    Tag.INT64: lambda kind, content: load(BsonTag.INT64)(parse_whole(content)) if kind == "N" else MISSING,
    Tag.DECIMAL128: _decoded_decimal128,
    Tag.BINARY: _decoded_binary,
    Tag.TIMESTAMP: _decoded_timestamp,
    Tag.REGEX: _decoded_regex,
    Tag.MIN_KEY: lambda kind, _content: load(BsonTag.MIN_KEY)() if kind == "NULL" else MISSING,
    Tag.MAX_KEY: lambda kind, _content: load(BsonTag.MAX_KEY)() if kind == "NULL" else MISSING,
    Tag.CODE: lambda kind, content: load(BsonTag.CODE)(content) if kind == "S" else MISSING,
    Tag.DATETIME_MS: lambda kind, content: load(BsonTag.DATETIME_MS)(parse_whole(content)) if kind == "N" else MISSING,
}


def _untagged(tag: str, value: AttributeValue) -> Any:
    """The value under a tag; MISSING where it is no tag of ours, but a map of somebody else's."""
    untag = _UNTAG.get(tag)
    if untag is None:
        return MISSING
    ((kind, content),) = value.items()
    try:
        return untag(kind, content)
    except (ValueError, ArithmeticError, TypeError, re.error):
        return MISSING


def _accompanied(value: Mapping[str, AttributeValue]) -> Any:
    """A decimal with its exponent, or code with its scope; MISSING where it is neither."""
    exponent = value.get(EXPONENT)
    if exponent is not None and "N" in exponent:
        for tag in (Tag.DECIMAL, Tag.DECIMAL128):
            number = value.get(tag)
            if number is not None and "N" in number:
                found = parse_decimal(number["N"], parse_whole(exponent["N"]))
                return found if tag is Tag.DECIMAL else load(BsonTag.DECIMAL128)(found)
    code, scope = value.get(Tag.CODE), value.get(SCOPE)
    if code is not None and scope is not None and "S" in code and "M" in scope:
        return load(BsonTag.CODE)(code["S"], _map(scope["M"]))
    return MISSING


def _reference(value: dict[str, AttributeValue]) -> Any:
    order = value[Tag.DB_REF].get("S")
    fields = _fields(value, order or None)
    if "$ref" not in fields or "$id" not in fields:
        return fields
    collection, identity = fields.pop("$ref"), fields.pop("$id")
    return load(BsonTag.DB_REF)(collection, identity, fields.pop("$db", None), fields)


def _sorted_set(decode: Callable[[Any], Any]) -> Callable[[Any], list[Any]]:
    return lambda members: sorted([decode(member) for member in members])


_DECODERS: Final[Mapping[str, Callable[[Any], Any]]] = {
    "S": lambda value: value,
    "N": parse_number,
    "M": _map,
    "BOOL": lambda value: value,
    "NULL": lambda _value: None,
    "L": _list,
    "B": _bytes,
    "SS": sorted,
    "NS": _sorted_set(parse_number),
    "BS": _sorted_set(b64decode),
}


def decode_value(value: AttributeValue) -> Any:
    """An attribute value as a value of documents.

    Args:
        value: It on the wire.

    Returns:
        The value. Sets become sorted lists.
    """
    ((kind, content),) = value.items()
    return _DECODERS[kind](content)


def decode_id(key: AttributeValue, item: Mapping[str, AttributeValue]) -> Any:
    """The ``_id`` that a key attribute holds.

    Args:
        key: The key attribute's value.
        item: The item that it is of.

    Returns:
        The ``_id``, with its type.
    """
    ours = item.get(OURS)
    exact = ours.get("M", {}).get("i") if ours is not None else None
    return decode_key(key) if exact is None else decode_value(exact)


def decode_document(
    item: dict[str, AttributeValue], document_id: Any = MISSING, skip: frozenset[str] = _NOTHING
) -> dict[str, Any]:
    """An item as a document, without what is ours.

    Args:
        item: The item.
        document_id: Its ``_id``, which comes first; ``MISSING`` for none.
        skip: Attributes to leave out, such as those of keys.

    Returns:
        A new document.
    """
    decoded: dict[str, Any] = {} if document_id is MISSING else {"_id": document_id}
    ours = item.get(OURS)
    order: Any = None
    if ours is not None:
        order = ours.get("M", {}).get("o")
        if order is not None:
            order = order.get("S")
    for stored, name in item_reading(frozenset(item), order, skip):
        value = item[stored]
        if "S" in value:
            decoded[name] = value["S"]
        elif "N" in value:
            text = value["N"]
            decoded[name] = int(text) if text.isdecimal() and len(text) < 19 else parse_number(text)
        else:
            for kind in value:
                decoded[name] = _DECODERS[kind](value[kind])
    return decoded

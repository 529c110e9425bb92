"""Firestore's messages as Python values, in one pass.

What other programs stored comes back so: a timestamp cut to milliseconds, a reference as the path of its document
(``users/ada``), a geographical point as GeoJSON (``{"type": "Point", "coordinates": [longitude, latitude]}``), a vector
as a list of floats.
"""

# Messages of protobuf have no types, and neither have the values of documents.
# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false, reportUnknownMemberType=false

from __future__ import annotations

import re
import uuid
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, Final

from lexigram.nosql.backends.firestore.codec import tags
from lexigram.nosql.backends.firestore.codec.messages import Value
from lexigram.nosql.backends.firestore.codec.names import ESCAPE, ID_FIELD, ORDER_FIELD, PREFIX, TTL_FIELD, decode_name
from lexigram.nosql.exceptions import DocumentValidationError
from lexigram.nosql.values.bson_compat import BsonTag, load

__all__ = ["decode_document", "decode_fields", "decode_value"]

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MOST_LAYOUTS: Final = 2048
_LONGEST_LAYOUT: Final = 4096
_VECTOR: Final = "__type__"
_MARK: Final = object()
"""Read for the element that says that there are decimals in an array."""

# Encoded names, and whether some of them stand for others.
_layouts: dict[str, tuple[tuple[str, ...], bool]] = {}  # bounded, and emptied when full


def _layout(order: str) -> tuple[tuple[str, ...], bool]:
    names = tuple(order.split("\0"))
    layout = (names, any(name.startswith(ESCAPE) for name in names))
    if len(order) <= _LONGEST_LAYOUT:
        if len(_layouts) >= _MOST_LAYOUTS:
            _layouts.clear()
        _layouts[order] = layout
    return layout


def decode_document(identity: Any, fields: Any) -> dict[str, Any]:
    """A document.

    Args:
        identity: Its ``_id``, as the document's id tells it.
        fields: The ``fields`` of the ``Document``.

    Returns:
        The document, ``_id`` first.
    """
    document: dict[str, Any] = {"_id": identity}
    if ID_FIELD in fields:
        document["_id"] = decode_value(fields[ID_FIELD])
        del fields[ID_FIELD]
    if TTL_FIELD in fields:
        del fields[TTL_FIELD]
    _read_fields(fields, document)
    return document


def decode_fields(fields: Any) -> dict[str, Any]:
    """A map of fields as a dict.

    Args:
        fields: The ``fields`` of a ``MapValue``, or of a ``Document`` of this backend's own.
    """
    found: dict[str, Any] = {}
    _read_fields(fields, found)
    return found


def _read_fields(fields: Any, into: dict[str, Any]) -> None:
    identity = into.get("_id")
    has_identity = "_id" in into
    if ORDER_FIELD in fields:
        names, escaped = _names(fields)
    else:
        names = sorted(fields)
        # Few characters come after the prefix, and none of ASCII but DEL.
        escaped = bool(names) and names[-1] >= PREFIX
    for name in names:
        value = fields[name]
        kind = value.WhichOneof("value_type")
        if escaped and name.startswith(ESCAPE):
            name = decode_name(name)
        if kind == "string_value":
            into[name] = value.string_value
        elif kind == "integer_value":
            into[name] = value.integer_value
        elif kind == "double_value":
            into[name] = value.double_value
        elif kind == "boolean_value":
            into[name] = value.boolean_value
        elif kind == "timestamp_value":
            stamp = value.timestamp_value
            into[name] = _EPOCH + timedelta(0, stamp.seconds, stamp.nanos // 1_000_000 * 1000)
        else:
            into[name] = _READERS[kind](value)
    if has_identity:
        # A field of that name, which other programs may store, does not hide the id.
        into["_id"] = identity


def _names(fields: Any) -> tuple[Any, bool]:
    """The names of fields in their order, and whether some are escaped."""
    order = fields[ORDER_FIELD]
    layout = _layouts.get(order.string_value)
    if layout is None:
        layout = _layout(order.string_value)
    names = layout[0]
    if len(names) + 1 == len(fields) and all(map(fields.__contains__, names)):
        return layout
    # Others have added fields or removed some since the order was written.
    known = [name for name in dict.fromkeys(names) if name in fields]
    known += sorted(set(fields).difference(known, (ORDER_FIELD,)))
    return known, True


def decode_value(value: Any) -> Any:
    """The Python value that a ``Value`` holds."""
    return _READERS[value.WhichOneof("value_type")](value)


def _read_list(value: Any) -> list[Any]:
    found: list[Any] = []
    add = found.append
    for item in value.array_value.values:
        kind = item.WhichOneof("value_type")
        if kind == "string_value":
            add(item.string_value)
        elif kind == "integer_value":
            add(item.integer_value)
        else:
            add(_READERS[kind](item))
    if found and found[-1] is _MARK:
        found.pop()
    return found


def _read_map(value: Any) -> Any:
    fields = value.map_value.fields
    if len(fields) <= 2:  # so many as a tag and what goes with it
        for name in fields:
            reader = _TAGS.get(name)
            if reader is not None:
                return reader(fields)
    found: dict[str, Any] = {}
    _read_fields(fields, found)
    return found


def _read_timestamp(value: Any) -> datetime:
    stamp = value.timestamp_value
    return _EPOCH + timedelta(0, stamp.seconds, stamp.nanos // 1_000_000 * 1000)


def _read_reference(value: Any) -> str:
    text: str = value.reference_value
    return text.partition("/documents/")[2] or text


def _read_point(value: Any) -> dict[str, Any]:
    point = value.geo_point_value
    return {"type": "Point", "coordinates": [point.longitude, point.latitude]}


def _unknown(value: Any) -> Any:
    raise DocumentValidationError(
        f"a stored value is of a kind that documents do not hold: {value.WhichOneof('value_type')}"
    )


class _Readers(dict[str | None, Callable[[Any], Any]]):
    def __missing__(self, kind: str | None) -> Callable[[Any], Any]:
        return _unknown


_READERS: Final = _Readers(
    {
        None: lambda _: None,
        "null_value": lambda _: None,
        "boolean_value": lambda value: value.boolean_value,
        "integer_value": lambda value: value.integer_value,
        "double_value": lambda value: value.double_value,
        "timestamp_value": _read_timestamp,
        "string_value": lambda value: value.string_value,
        "bytes_value": lambda value: value.bytes_value,
        "reference_value": _read_reference,
        "geo_point_value": _read_point,
        "array_value": _read_list,
        "map_value": _read_map,
    }
)


def _decimal128(fields: Any) -> Any:
    return load(BsonTag.DECIMAL128)(fields[tags.DECIMAL128].string_value)


def _source(value: Any) -> str | bytes:
    if value.WhichOneof("value_type") == "bytes_value":
        found: bytes = value.bytes_value
        return found
    text: str = value.string_value
    return text


def _pattern(fields: Any) -> Any:
    flags = fields[tags.FLAGS].integer_value
    source = _source(fields[tags.PATTERN])
    return re.compile(source, flags)


def _regex(fields: Any) -> Any:
    return load(BsonTag.REGEX)(_source(fields[tags.REGEX]), fields[tags.FLAGS].integer_value)


def _timestamp(fields: Any) -> Any:
    packed = fields[tags.TIMESTAMP].bytes_value
    return load(BsonTag.TIMESTAMP)(int.from_bytes(packed[:4], "big"), int.from_bytes(packed[4:], "big"))


def _binary(fields: Any) -> Any:
    return load(BsonTag.BINARY)(fields[tags.BINARY].bytes_value, fields[tags.SUBTYPE].integer_value)


def _code(fields: Any) -> Any:
    scope = decode_value(fields[tags.SCOPE]) if tags.SCOPE in fields else None
    return load(BsonTag.CODE)(fields[tags.CODE].string_value, scope)


def _database_reference(fields: Any) -> Any:
    parts = dict(decode_value(fields[tags.REFERENCE]))
    return load(BsonTag.DB_REF)(parts.pop("$ref"), parts.pop("$id"), parts.pop("$db", None), parts)


def _vector(fields: Any) -> Any:
    return decode_value(fields["value"]) if "value" in fields else []


_TAGS: Final[Mapping[str, Callable[[Any], Any]]] = {
    tags.DECIMAL: lambda fields: Decimal(fields[tags.DECIMAL].string_value),
    tags.UUID: lambda fields: uuid.UUID(bytes=fields[tags.UUID].bytes_value),
    tags.LIST: lambda fields: _read_list(fields[tags.LIST]),
    tags.PATTERN: _pattern,
    tags.OBJECT_ID: lambda fields: load(BsonTag.OBJECT_ID)(fields[tags.OBJECT_ID].bytes_value),
    tags.LONG: lambda fields: load(BsonTag.INT64)(fields[tags.LONG].integer_value),
    tags.DECIMAL128: _decimal128,
    tags.DECIMALS: lambda _: _MARK,
    tags.BINARY: _binary,
    tags.TIMESTAMP: _timestamp,
    tags.REGEX: _regex,
    tags.MIN_KEY: lambda _: load(BsonTag.MIN_KEY)(),
    tags.MAX_KEY: lambda _: load(BsonTag.MAX_KEY)(),
    tags.CODE: _code,
    tags.REFERENCE: _database_reference,
    tags.DATE: lambda fields: load(BsonTag.DATETIME_MS)(fields[tags.DATE].integer_value),
    tags.PACKED: lambda fields: decode_value(Value.FromString(fields[tags.PACKED].bytes_value)),
    _VECTOR: _vector,
}

"""Python values as Firestore's messages, in one pass that refuses what documents may not hold.

Firestore takes 20 levels of maps and arrays, and paths of 1,500 bytes. What lies deeper is packed: its message as
bytes, in which there may be 20 levels more. A name of 70 bytes or more counts for several levels, so the bytes of paths
need not be counted.
"""

# Messages of protobuf have no types, and neither have the values of documents.
# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false, reportUnknownMemberType=false

from __future__ import annotations

import re
import uuid
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Final

from lexigram.nosql.backends.firestore.codec import tags
from lexigram.nosql.backends.firestore.codec.messages import Value
from lexigram.nosql.backends.firestore.codec.names import ORDER_FIELD, encode_name
from lexigram.nosql.exceptions import DocumentValidationError
from lexigram.nosql.values.bson_compat import BsonTag, binary_parts, bson_tag, code_scope

__all__ = ["MAX_DEPTH", "encode_fields", "encode_into", "encode_value", "may_be_packed"]

MAX_DEPTH: Final = 20
"""Levels of maps and arrays in a document (Firestore, "Usage and limits"), those of this codec included."""

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MOST_LAYOUTS: Final = 2048
_WIDEST: Final = 64
_BYTES_PER_LEVEL: Final = 70
_ARRAY_OF_ARRAYS: Final = 4
"""Levels of the largest value that queries are asked for: two arrays, the map between them, and a tag inside."""
_PACKED: Final = 1 << 16
"""Added to the levels that are left inside of what is packed, where paths may be of any length."""
_LEVELS: Final = _PACKED - 1

# The encoded names of a dict's fields in its order, the entry that keeps the order where one is needed, and for how
# many levels the longest of them counts besides its own.
Layout = tuple[tuple[str, ...], str | None, int]
_layouts: dict[tuple[str, ...], Layout] = {}  # bounded, and emptied when full


def _layout(names: tuple[str, ...]) -> Layout:
    for name in names:
        if type(name) is not str:
            raise DocumentValidationError(f"a field name is {type(name).__qualname__}, not str")
    encoded = tuple([encode_name(name) for name in names])
    rest = [name for name in encoded if name]
    order = None if rest == sorted(rest) else "\0".join(rest)
    layout = (encoded, order, max(map(_extra_levels, encoded), default=0))
    if len(names) <= _WIDEST:
        if len(_layouts) >= _MOST_LAYOUTS:
            _layouts.clear()
        _layouts[names] = layout
    return layout


def _extra_levels(name: str) -> int:
    return (len(name) if name.isascii() else len(name.encode())) // _BYTES_PER_LEVEL


def may_be_packed(parts: Sequence[str]) -> bool:
    """Say whether an array of arrays at a path may be stored as bytes; what is simpler is not, where this is False.

    Args:
        parts: The encoded names of the path.
    """
    return len(parts) + sum(map(_extra_levels, parts)) > MAX_DEPTH - _ARRAY_OF_ARRAYS


def encode_fields(document: Mapping[str, Any], fields: Any, *, depth: int = MAX_DEPTH) -> None:
    """Write the fields of a document, ``_id`` left out, into the map of fields of a message.

    Args:
        document: The document.
        fields: The ``fields`` of a ``Document``, or of a ``MapValue`` that stands for one.
        depth: Levels of maps and arrays that may still follow.

    Raises:
        DocumentValidationError: It holds what no document may hold, or what Firestore does not take.
    """
    if "_id" in document:
        document = {name: value for name, value in document.items() if name != "_id"}
    try:
        _put_fields(document, fields, depth)
    except UnicodeEncodeError as error:
        raise _no_utf8(error) from None


def encode_value(value: Any) -> Any:
    """A value as a ``Value``.

    Args:
        value: Any value that documents hold.

    Raises:
        DocumentValidationError: No document may hold it.
    """
    target = Value()
    encode_into(value, target)
    return target


def encode_into(value: Any, target: Any, *, depth: int = MAX_DEPTH) -> None:
    """Write a value into an empty ``Value``; see :func:`encode_value`."""
    try:
        _put(value, target, depth)
    except UnicodeEncodeError as error:
        raise _no_utf8(error) from None


def _no_utf8(error: UnicodeEncodeError) -> DocumentValidationError:
    return DocumentValidationError(f"text with a lone surrogate at position {error.start} has no UTF-8 form")


def _put_fields(mapping: Mapping[str, Any], fields: Any, depth: int, layout: Layout | None = None) -> None:
    if layout is None:
        names = tuple(mapping)
        layout = _layouts.get(names) or _layout(names)
    encoded, order, extra = layout
    if extra and depth < _PACKED:
        _put_long_names(mapping, fields, depth, encoded)
        encoded, mapping = (), {}
    for name, value in zip(encoded, mapping.values(), strict=True):
        cls = value.__class__
        if cls is str:
            fields[name].string_value = value
        elif cls is float:
            fields[name].double_value = value
        elif cls is bool:
            fields[name].boolean_value = value
        elif value is None:
            fields[name].null_value = 0
        else:
            _WRITERS[cls](value, fields[name], depth)
    if order is not None:
        fields[ORDER_FIELD].string_value = order


def _put_long_names(mapping: Mapping[str, Any], fields: Any, depth: int, encoded: Sequence[str]) -> None:
    for name, value in zip(encoded, mapping.values(), strict=True):
        _put(value, fields[name], max(1, depth - _extra_levels(name)))


def _put(value: Any, target: Any, depth: int) -> None:
    _WRITERS[value.__class__](value, target, depth)


def _pack(value: Any, target: Any) -> None:
    """Write a value as the bytes of its message, since its levels are too many."""
    inner = Value()
    _put(value, inner, MAX_DEPTH + _PACKED)
    target.map_value.fields[tags.PACKED].bytes_value = inner.SerializeToString()


def _put_list(value: Any, target: Any, depth: int) -> None:
    if depth & _LEVELS <= 1:
        _pack(value, target)
        return
    array = target.array_value
    if not value:
        array.SetInParent()
        return
    add = array.values.add
    depth -= 1
    decimals = False
    for item in value:
        cls = item.__class__
        if cls is str:
            add().string_value = item
        elif cls is list or cls is tuple:
            if depth & _LEVELS <= 2:
                _pack(item, add())
            else:
                _put_list(item, add().map_value.fields[tags.LIST], depth - 1)
        else:
            writer = _WRITERS[cls]
            writer(item, add(), depth)
            if writer is _put_decimal or writer is _put_decimal128:
                decimals = True
    if decimals:
        _tagged(add())[tags.DECIMALS].boolean_value = True


def _put_map(value: Any, target: Any, depth: int) -> None:
    if not value:
        target.map_value.SetInParent()
        return
    names = tuple(value)
    layout = _layouts.get(names) or _layout(names)
    if depth & _LEVELS <= 1 or (layout[2] and depth < _PACKED and depth - layout[2] <= 1):
        _pack(value, target)
    else:
        _put_fields(value, target.map_value.fields, depth - 1, layout)


def _put_int(value: Any, target: Any, depth: int) -> None:
    try:
        target.integer_value = value
    except ValueError:
        raise DocumentValidationError("an int outside 64 bits", hint="use Decimal or str") from None


def _put_str(value: Any, target: Any, depth: int) -> None:
    target.string_value = value


def _put_float(value: Any, target: Any, depth: int) -> None:
    target.double_value = value


def _put_bool(value: Any, target: Any, depth: int) -> None:
    target.boolean_value = value


def _put_null(value: Any, target: Any, depth: int) -> None:
    target.null_value = 0


def _put_bytes(value: Any, target: Any, depth: int) -> None:
    target.bytes_value = value


def _put_datetime(value: Any, target: Any, depth: int) -> None:
    if value.tzinfo is None:
        value = value.replace(tzinfo=UTC)
    past = value - _EPOCH
    timestamp = target.timestamp_value
    timestamp.seconds = past.days * 86400 + past.seconds
    timestamp.nanos = past.microseconds // 1000 * 1_000_000


def _tagged(target: Any) -> Any:
    return target.map_value.fields


def _put_decimal(value: Any, target: Any, depth: int) -> None:
    fields = _tagged(target)
    fields[tags.DECIMAL].string_value = str(value)
    fields[tags.NUMBER].double_value = float(value)


def _put_uuid(value: Any, target: Any, depth: int) -> None:
    _tagged(target)[tags.UUID].bytes_value = value.bytes


def _put_source(fields: Any, tag: str, value: Any) -> None:
    source = value.pattern
    if isinstance(source, bytes):
        fields[tag].bytes_value = source
    elif "\0" in source:
        raise DocumentValidationError("a regular expression holds a NUL character")
    else:
        fields[tag].string_value = source
    fields[tags.FLAGS].integer_value = int(value.flags)


def _put_pattern(value: Any, target: Any, depth: int) -> None:
    _put_source(_tagged(target), tags.PATTERN, value)


def _put_regex(value: Any, target: Any, depth: int) -> None:
    _put_source(_tagged(target), tags.REGEX, value)


def _put_object_id(value: Any, target: Any, depth: int) -> None:
    _tagged(target)[tags.OBJECT_ID].bytes_value = value.binary


def _put_long(value: Any, target: Any, depth: int) -> None:
    _put_int(int(value), _tagged(target)[tags.LONG], depth)


def _put_decimal128(value: Any, target: Any, depth: int) -> None:
    fields = _tagged(target)
    fields[tags.DECIMAL128].string_value = str(value)
    fields[tags.NUMBER].double_value = float(value.to_decimal())


def _put_binary(value: Any, target: Any, depth: int) -> None:
    subtype, content = binary_parts(value)
    fields = _tagged(target)
    fields[tags.BINARY].bytes_value = content
    fields[tags.SUBTYPE].integer_value = subtype


def _put_timestamp(value: Any, target: Any, depth: int) -> None:
    packed = value.time.to_bytes(4, "big") + value.inc.to_bytes(4, "big")
    _tagged(target)[tags.TIMESTAMP].bytes_value = packed


def _put_min_key(value: Any, target: Any, depth: int) -> None:
    _tagged(target)[tags.MIN_KEY].boolean_value = True


def _put_max_key(value: Any, target: Any, depth: int) -> None:
    _tagged(target)[tags.MAX_KEY].boolean_value = True


def _put_code(value: Any, target: Any, depth: int) -> None:
    if depth & _LEVELS <= 2:
        _pack(value, target)
        return
    fields = _tagged(target)
    fields[tags.CODE].string_value = str(value)
    scope = code_scope(value)
    if scope is not None:
        _put_map(scope, fields[tags.SCOPE], depth - 1)


def _put_reference(value: Any, target: Any, depth: int) -> None:
    if depth & _LEVELS <= 2:
        _pack(value, target)
    else:
        _put_map(dict(value.as_doc()), _tagged(target)[tags.REFERENCE], depth - 1)


def _put_date(value: Any, target: Any, depth: int) -> None:
    _tagged(target)[tags.DATE].integer_value = int(value)


def _refuse(value: Any, target: Any, depth: int) -> None:
    cls = type(value)
    raise DocumentValidationError(
        f"a value of type {cls.__module__}.{cls.__qualname__}, which documents do not hold",
        hint="use None, bool, int, float, str, bytes, datetime, Decimal, UUID, list, dict or a type of bson",
    )


Writer = Callable[[Any, Any, int], None]

_BY_TAG: Final[Mapping[BsonTag, Writer]] = {
    BsonTag.OBJECT_ID: _put_object_id,
    BsonTag.INT64: _put_long,
    BsonTag.DECIMAL128: _put_decimal128,
    BsonTag.BINARY: _put_binary,
    BsonTag.TIMESTAMP: _put_timestamp,
    BsonTag.REGEX: _put_regex,
    BsonTag.MIN_KEY: _put_min_key,
    BsonTag.MAX_KEY: _put_max_key,
    BsonTag.CODE: _put_code,
    BsonTag.DB_REF: _put_reference,
    BsonTag.DATETIME_MS: _put_date,
}


class _Writers(dict[type, Writer]):
    """How a value of a class is written; classes met for the first time are looked up by their bases."""

    def __missing__(self, cls: type) -> Writer:
        writer: Writer = _refuse
        tag = bson_tag(cls)
        if tag is not None:
            writer = _BY_TAG[tag]
        elif issubclass(cls, Mapping):
            writer = _put_map
        elif issubclass(cls, list | tuple):
            writer = _put_list
        elif issubclass(cls, datetime):
            writer = _put_datetime
        elif issubclass(cls, uuid.UUID):
            writer = _put_uuid
        if writer is not _refuse:  # classes that are refused are not kept alive by the table
            self[cls] = writer
        return writer


_WRITERS: Final = _Writers(
    {
        type(None): _put_null,
        bool: _put_bool,
        int: _put_int,
        float: _put_float,
        str: _put_str,
        bytes: _put_bytes,
        datetime: _put_datetime,
        Decimal: _put_decimal,
        uuid.UUID: _put_uuid,
        re.Pattern: _put_pattern,
        dict: _put_map,
        list: _put_list,
        tuple: _put_list,
    }
)

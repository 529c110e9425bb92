"""Documents to items, in one pass that also refuses what a document may not hold."""

# The class of an Any is Unknown to pyright, and this module asks for classes all the time.
# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false, reportUnknownMemberType=false

from __future__ import annotations

import re
import uuid
from base64 import b64encode
from collections.abc import Callable, Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any, Final

from lexigram.nosql.backends.dynamodb.codec.keys import key_is_exact
from lexigram.nosql.backends.dynamodb.codec.names import item_shape, map_shape
from lexigram.nosql.backends.dynamodb.codec.numbers import decimal_parts, float_text
from lexigram.nosql.backends.dynamodb.codec.tags import EXPONENT, ORDER, OURS, SCOPE, Tag
from lexigram.nosql.exceptions import DocumentValidationError
from lexigram.nosql.values.bson_compat import BsonTag, binary_parts, bson_tag, code_scope
from lexigram.nosql.values.kinds import INT64_MAX, INT64_MIN
from lexigram.nosql.values.normalise import normalise_value
from lexigram.nosql.values.order import date_millis

__all__ = ["ANY_PATH", "MAX_NESTING", "encode_document", "encode_item", "encode_value", "fractional_paths"]

AttributeValue = dict[str, Any]
Encoder = Callable[[Any, int], AttributeValue]

ANY_PATH: Final = "*"
"""Stands alone in ``_lx.f`` for more paths than are worth listing."""

MAX_NESTING: Final = 31
"""How deep maps and lists may be nested in an attribute: of the 32 levels that DynamoDB allows (Amazon DynamoDB
Developer Guide, "Constraints"), the innermost value is one."""

_MOST_PATHS: Final = 32
_NULL: Final[AttributeValue] = {"NULL": True}
_TRUE: Final[AttributeValue] = {"BOOL": True}
_FALSE: Final[AttributeValue] = {"BOOL": False}


class _Culprit(Exception):  # noqa: N818 - never leaves this module
    """Carries the path upwards while the walk is abandoned."""

    def __init__(self, message: str, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.parts: list[str] = []

    def refusal(self) -> DocumentValidationError:
        path = ".".join(self.parts[::-1])
        return DocumentValidationError(f"{path}: {self.message}" if path else self.message, hint=self.hint, path=path)


def _deeper(depth: int) -> int:
    """The levels left below a container, or a tag, which is one as well."""
    if depth <= 0:
        raise _Culprit("nested deeper than DynamoDB's 32 levels", "flatten the document")
    return depth - 1


def _text(value: str, _depth: int) -> AttributeValue:
    if not value.isascii():
        try:
            value.encode()
        except UnicodeEncodeError as error:
            raise _Culprit(f"text with a lone surrogate at position {error.start} has no UTF-8 form") from None
    return {"S": value}


def _int(value: int, _depth: int) -> AttributeValue:
    if INT64_MIN <= value <= INT64_MAX:
        return {"N": str(value)}
    raise _Culprit("an int outside 64 bits", "use Decimal or str")


def _float(value: float, depth: int) -> AttributeValue:
    text = float_text(value)
    if text is not None and not value.is_integer():
        return {"N": text}
    return _tagged(Tag.FLOAT, {"S": repr(value)} if text is None else {"N": text}, depth)


def _bytes(value: bytes, _depth: int) -> AttributeValue:
    return {"B": b64encode(value).decode("ascii")}


def _tagged(tag: str, contents: AttributeValue, depth: int) -> AttributeValue:
    _deeper(depth)
    return {"M": {tag: contents}}


def _map(value: Mapping[str, Any], depth: int) -> AttributeValue:
    return {"M": _fields(value, _deeper(depth))}


def _fields(value: Mapping[str, Any], depth: int) -> dict[str, AttributeValue]:
    try:
        stored, order = map_shape(tuple(value))
    except DocumentValidationError as error:
        raise _named(error) from None
    encoded: dict[str, AttributeValue] = {}
    name = ""
    try:
        for name, item in value.items():
            cls = item.__class__
            if cls is str and item.isascii():
                encoded[name] = {"S": item}
            else:
                encoded[name] = _ENCODERS[cls](item, depth)
    except _Culprit as culprit:
        culprit.parts.append(name)
        raise
    if stored is not None:
        encoded = dict(zip(stored, encoded.values(), strict=True))
    if order is not None:
        encoded[ORDER] = {"S": order}
    return encoded


def _named(error: DocumentValidationError) -> _Culprit:
    """A refused field name as a culprit, so that the path to it is told."""
    culprit = _Culprit(error.message.removeprefix(f"{error.path}: "), error.hint)
    if error.path:
        culprit.parts.append(error.path)
    return culprit


def _list(value: Any, depth: int) -> AttributeValue:
    depth = _deeper(depth)
    encoded: list[AttributeValue] = []
    try:
        for item in value:
            cls = item.__class__
            if cls is str and item.isascii():
                encoded.append({"S": item})
            else:
                encoded.append(_ENCODERS[cls](item, depth))
    except _Culprit as culprit:
        culprit.parts.append(str(len(encoded)))
        raise
    return {"L": encoded}


def _datetime(value: datetime, depth: int) -> AttributeValue:
    return _tagged(Tag.DATE, {"N": str(date_millis(value))}, depth)


def _uuid(value: uuid.UUID, depth: int) -> AttributeValue:
    return _tagged(Tag.UUID, _bytes(value.bytes, 0), depth)


def _decimal_as(tag: Tag, value: Decimal, text: str, depth: int) -> AttributeValue:
    parts = decimal_parts(value)
    if parts is None:
        return _tagged(tag, {"S": text}, depth)
    encoded = _tagged(tag, parts[""], depth)
    if EXPONENT in parts:
        encoded["M"][EXPONENT] = parts[EXPONENT]
    return encoded


def _decimal(value: Decimal, depth: int) -> AttributeValue:
    return _decimal_as(Tag.DECIMAL, value, str(value), depth)


def _decimal128(value: Any, depth: int) -> AttributeValue:
    return _decimal_as(Tag.DECIMAL128, value.to_decimal(), str(value), depth)


def _pattern_as(tag: Tag, value: Any, depth: int) -> AttributeValue:
    source = value.pattern
    kind = "b" if isinstance(source, bytes) else ""
    text = source.decode("latin-1") if isinstance(source, bytes) else source
    return _tagged(tag, _text(f"{kind}{int(value.flags)}/{text}", 0), depth)


def _binary(value: Any, depth: int) -> AttributeValue:
    subtype, content = binary_parts(value)
    return _tagged(Tag.BINARY, _bytes(bytes([subtype]) + content, 0), depth)


def _code(value: Any, depth: int) -> AttributeValue:
    encoded = _tagged(Tag.CODE, _text(str(value), 0), depth)
    scope = code_scope(value)
    if scope is not None:
        encoded["M"][SCOPE] = _map(scope, depth - 1)
    return encoded


def _reference(value: Any, depth: int) -> AttributeValue:
    fields = _map(value.as_doc(), depth)
    # Its fields stand as those of any map do, so that paths lead into it; the tag says what made it.
    order = fields["M"].pop(ORDER, _NULL)
    fields["M"][Tag.DB_REF] = order
    return fields


def _normalised(value: Any, depth: int) -> AttributeValue:
    """What is taken for another class: subclasses of containers and dates."""
    try:
        plain = normalise_value(value)
    except DocumentValidationError as error:
        raise _named(error) from None
    encode = _ENCODERS[plain.__class__]
    if encode is _normalised:
        raise _Culprit(f"a value of type {value.__class__.__qualname__}, which documents do not hold")
    return encode(plain, depth)


_BSON: Final[Mapping[BsonTag, Encoder]] = {
    BsonTag.OBJECT_ID: lambda value, depth: _tagged(Tag.OBJECT_ID, _bytes(value.binary, 0), depth),
    BsonTag.INT64: lambda value, depth: _tagged(Tag.INT64, _int(int(value), 0), depth),
    BsonTag.DECIMAL128: _decimal128,
    BsonTag.BINARY: _binary,
    BsonTag.TIMESTAMP: lambda value, depth: _tagged(Tag.TIMESTAMP, {"N": str((value.time << 32) + value.inc)}, depth),
    BsonTag.REGEX: lambda value, depth: _pattern_as(Tag.REGEX, value, depth),
    BsonTag.MIN_KEY: lambda _value, depth: _tagged(Tag.MIN_KEY, _NULL, depth),
    BsonTag.MAX_KEY: lambda _value, depth: _tagged(Tag.MAX_KEY, _NULL, depth),
    BsonTag.CODE: _code,
    BsonTag.DB_REF: _reference,
    BsonTag.DATETIME_MS: lambda value, depth: _tagged(Tag.DATETIME_MS, {"N": str(int(value))}, depth),
}


class _Encoders(dict[type, Encoder]):
    """Encoders by exact class."""

    def __missing__(self, cls: type) -> Encoder:
        tag = bson_tag(cls)
        if tag is None:
            return _normalised
        self[cls] = _BSON[tag]
        return _BSON[tag]


_ENCODERS: Final = _Encoders(
    {
        type(None): lambda _value, _depth: _NULL,
        bool: lambda value, _depth: _TRUE if value else _FALSE,
        int: _int,
        float: _float,
        str: _text,
        bytes: _bytes,
        dict: _map,
        list: _list,
        tuple: _list,
        datetime: _datetime,
        Decimal: _decimal,
        uuid.UUID: _uuid,
        re.Pattern: lambda value, depth: _pattern_as(Tag.PATTERN, value, depth),
    }
)


def encode_value(value: Any) -> AttributeValue:
    """One value as an attribute value.

    Args:
        value: Any value that documents hold.

    Returns:
        It on the wire. Parts of it may be shared with other values, so it is not to be changed.

    Raises:
        DocumentValidationError: Documents do not hold it, or DynamoDB does not; it says where.
    """
    try:
        return _ENCODERS[value.__class__](value, MAX_NESTING)
    except _Culprit as culprit:
        raise culprit.refusal() from None


def encode_document(document: Mapping[str, Any]) -> dict[str, AttributeValue]:
    """The fields of a document as attributes, without ``_id`` and without what is ours.

    Args:
        document: The document. Its ``_id`` goes into a key attribute (see ``encode_key``).

    Returns:
        Attributes by name.

    Raises:
        DocumentValidationError: Documents do not hold it, or DynamoDB does not; it says where.
    """
    return _attributes(document)[0]


def _attributes(document: Mapping[str, Any]) -> tuple[dict[str, AttributeValue], str | None]:
    names = tuple(document)
    if "_id" in document:
        names = names[1:] if names[0] == "_id" else tuple([name for name in names if name != "_id"])
    stored, order = item_shape(names)
    encoded: dict[str, AttributeValue] = {}
    name = ""
    try:
        for name, item in document.items():
            cls = item.__class__
            if cls is str and item.isascii():
                encoded[name] = {"S": item}
            else:
                encoded[name] = _ENCODERS[cls](item, MAX_NESTING)
    except _Culprit as culprit:
        culprit.parts.append(name)
        raise culprit.refusal() from None
    encoded.pop("_id", None)
    if stored is not None:
        encoded = dict(zip(stored, encoded.values(), strict=True))
    return encoded, order


def encode_item(document: Mapping[str, Any], revision: str) -> dict[str, AttributeValue]:
    """A document as an item, without its key attributes.

    Args:
        document: The document.
        revision: Text for ``_lx.r``.

    Returns:
        Attributes by name, ``_lx`` among them.

    Raises:
        DocumentValidationError: Documents do not hold it, or DynamoDB does not; it says where.
    """
    encoded, order = _attributes(document)
    ours: dict[str, AttributeValue] = {"r": {"S": revision}}
    if order is not None:
        ours["o"] = {"S": order}
    paths = fractional_paths(document)
    if paths:
        ours["f"] = {"SS": paths}
    identity = document.get("_id")
    if not key_is_exact(identity):
        ours["i"] = encode_value(identity)
    encoded[OURS] = {"M": ours}
    return encoded


def fractional_paths(document: Mapping[str, Any]) -> list[str]:
    """Where plain numbers with a fraction stand in a document, outside of arrays.

    Args:
        document: The document.

    Returns:
        Dotted paths, each once; :data:`ANY_PATH` alone for more than 32 of them.
    """
    found: dict[str, None] = {}
    _find_fractions(document, "", found)
    return [*found] if len(found) <= _MOST_PATHS else [ANY_PATH]


def _find_fractions(value: Mapping[str, Any], prefix: str, found: dict[str, None]) -> None:
    for name, item in value.items():
        cls = item.__class__
        if cls is float:
            if not item.is_integer() and float_text(item) is not None:
                found[prefix + name] = None
        elif cls is dict:
            _find_fractions(item, f"{prefix}{name}.", found)

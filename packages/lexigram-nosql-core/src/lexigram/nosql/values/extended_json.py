"""Documents as JSON text and back, every type kept.

The format is MongoDB Extended JSON v2, relaxed: what JSON has stays plain, the rest is an object with one ``$`` key
(``{"$date": …}``, ``{"$numberDecimal": …}``). Source: MongoDB manual, "MongoDB Extended JSON (v2)".

A document that itself holds a mapping which would be read as such a wrapper is written as ``{"$escaped": {…}}``, which
is ours: the format has no way to say it, and nothing may be lost.
"""

# The class of an Any is Unknown to pyright, and this module asks for classes all the time.
# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false, reportUnknownMemberType=false

from __future__ import annotations

import base64
import json
import math
import re
import uuid
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from lexigram.nosql.exceptions import DocumentValidationError, UnsupportedFeatureError
from lexigram.nosql.values.bson_compat import BsonTag, binary_parts, bson_tag, load, regex_parts
from lexigram.nosql.values.order import date_millis

__all__ = ["dumps", "from_extended", "loads", "to_extended"]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_LAST_TEXT_DATE = datetime(9999, 12, 31, 23, 59, 59, 999000, tzinfo=UTC)
_ESCAPED = "$escaped"
_BYTES = frozenset({bytes, bytearray, memoryview})
_FLAGS = {"i": re.IGNORECASE, "m": re.MULTILINE, "s": re.DOTALL, "x": re.VERBOSE}


def dumps(value: Any) -> str:
    """One value as one line of text.

    Raises:
        DocumentValidationError: It holds a type that documents do not have.
    """
    return json.dumps(to_extended(value), ensure_ascii=False, separators=(",", ":"), allow_nan=False)


def loads(text: str | bytes) -> Any:
    """The value that :func:`dumps` wrote, or any Extended JSON text, canonical or relaxed.

    Raises:
        DocumentValidationError: The text is not JSON, has a key twice, or a wrapper in it is malformed.
    """
    try:
        return from_extended(json.loads(text, object_pairs_hook=_object))
    except RecursionError as error:
        raise DocumentValidationError("the JSON text is nested too deeply") from error
    except ValueError as error:
        if isinstance(error, DocumentValidationError):
            raise
        raise DocumentValidationError(f"not JSON: {error}") from error


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """A JSON object; of a key that stands twice, one value would be lost without a word (RFC 8259, section 4)."""
    made = dict(pairs)
    if len(made) != len(pairs):
        doubled, _ = Counter(key for key, _ in pairs).most_common(1)[0]
        raise DocumentValidationError(f"not JSON: the key {doubled!r} stands twice in one object")
    return made


def to_extended(value: Any) -> Any:
    """A value as plain JSON data.

    Raises:
        DocumentValidationError: It holds a type that documents do not have.
    """
    cls = value.__class__
    if value is None or cls is str or cls is bool or cls is int:
        return value
    if isinstance(value, dict):
        data = {str(key): to_extended(item) for key, item in value.items()}
        return {_ESCAPED: data} if _looks_wrapped(data) else data
    if isinstance(value, list | tuple):
        return [to_extended(item) for item in value]
    if cls is float:
        if math.isfinite(value):
            return value
        return {"$numberDouble": "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"}
    return _wrap(value)


def _wrap(value: Any) -> Any:
    """A value that JSON does not have."""
    if isinstance(value, datetime):
        moment = value if value.tzinfo else value.replace(tzinfo=UTC)
        if _EPOCH <= moment <= _LAST_TEXT_DATE:
            text = moment.astimezone(UTC).isoformat(timespec="milliseconds")
            return {"$date": text.replace("+00:00", "Z")}
        return {"$date": {"$numberLong": str(date_millis(moment))}}
    if isinstance(value, Decimal):
        return {"$numberDecimal": _decimal_text(value)}
    if isinstance(value, uuid.UUID):
        return _binary(4, value.bytes)
    if type(value) in _BYTES:
        return _binary(0, bytes(value))
    if isinstance(value, re.Pattern):
        return _pattern(value)
    match bson_tag(type(value)):
        case BsonTag.OBJECT_ID:
            return {"$oid": str(value)}
        case BsonTag.INT64:
            return {"$numberLong": str(int(value))}
        case BsonTag.DECIMAL128:
            return {"$numberDecimal": str(value)}
        case BsonTag.BINARY:
            return _binary(*binary_parts(value))
        case BsonTag.TIMESTAMP:
            return {"$timestamp": {"t": value.time, "i": value.inc}}
        case BsonTag.REGEX:
            return _pattern(value)
        case BsonTag.MIN_KEY:
            return {"$minKey": 1}
        case BsonTag.MAX_KEY:
            return {"$maxKey": 1}
        case BsonTag.DATETIME_MS:
            return {"$date": {"$numberLong": str(int(value))}}
        case _:
            raise DocumentValidationError(f"documents have no {type(value).__name__}, so it has no Extended JSON")


def _binary(subtype: int, data: bytes) -> dict[str, Any]:
    return {"$binary": {"base64": base64.b64encode(data).decode("ascii"), "subType": f"{subtype:02x}"}}


def _pattern(value: Any) -> dict[str, Any]:
    pattern, options = regex_parts(value)
    return {"$regularExpression": {"pattern": pattern, "options": options}}


def _decimal_text(value: Decimal) -> str:
    if value.is_nan():
        return "NaN"
    if value.is_infinite():
        return "Infinity" if value > 0 else "-Infinity"
    return str(value)


def _looks_wrapped(data: dict[str, Any]) -> bool:
    return any(key in _READERS or key == _ESCAPED for key in data)


def from_extended(data: Any) -> Any:
    """The value that plain JSON data stands for.

    Raises:
        DocumentValidationError: A wrapper is malformed.
    """
    if isinstance(data, list):
        return [from_extended(item) for item in data]
    if not isinstance(data, dict):
        return data
    if len(data) == 1:
        ((key, inner),) = data.items()
        if key == _ESCAPED and isinstance(inner, dict):
            return {name: from_extended(item) for name, item in inner.items()}
        reader = _READERS.get(key)
        if reader is not None:
            try:
                return reader(inner)
            except DocumentValidationError:
                raise
            except UnsupportedFeatureError:
                raise
            except Exception as error:  # the classes of bson raise errors of their own
                raise DocumentValidationError(f"malformed Extended JSON: {key} with {inner!r}") from error
    return {key: from_extended(item) for key, item in data.items()}


def _read_date(inner: Any) -> datetime:
    if isinstance(inner, str):
        moment = datetime.fromisoformat(inner)
        moment = moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
        return moment.replace(microsecond=moment.microsecond // 1000 * 1000)
    milliseconds = int(inner["$numberLong"]) if isinstance(inner, dict) else int(inner)
    return _EPOCH + timedelta(milliseconds=milliseconds)


def _read_binary(inner: Any) -> Any:
    data = base64.b64decode(inner["base64"], validate=True)
    subtype = int(inner["subType"], 16)
    if subtype == 0:
        return data
    if subtype == 4 and len(data) == 16:
        return uuid.UUID(bytes=data)
    return load(BsonTag.BINARY)(data, subtype)


def _read_pattern(inner: Any) -> re.Pattern[str]:
    flags = re.RegexFlag(0)
    for letter in inner["options"]:
        flags |= _FLAGS.get(letter, re.RegexFlag(0))
    return re.compile(inner["pattern"], flags)


_READERS: dict[str, Callable[[Any], Any]] = {
    "$date": _read_date,
    "$numberDecimal": lambda inner: Decimal(_text(inner)),
    "$numberDouble": lambda inner: float(_text(inner)),
    "$numberInt": lambda inner: int(_text(inner)),
    "$numberLong": lambda inner: int(_text(inner)),
    "$binary": _read_binary,
    "$uuid": lambda inner: uuid.UUID(_text(inner)),
    "$oid": lambda inner: load(BsonTag.OBJECT_ID)(_text(inner)),
    "$timestamp": lambda inner: load(BsonTag.TIMESTAMP)(int(inner["t"]), int(inner["i"])),
    "$regularExpression": _read_pattern,
    "$minKey": lambda _: load(BsonTag.MIN_KEY)(),
    "$maxKey": lambda _: load(BsonTag.MAX_KEY)(),
}


def _text(inner: Any) -> str:
    if not isinstance(inner, str):
        raise TypeError(f"{inner!r} is not text")
    return inner

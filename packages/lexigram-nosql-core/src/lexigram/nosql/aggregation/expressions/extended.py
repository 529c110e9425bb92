"""``$serializeEJSON`` and ``$deserializeEJSON`` (manual, "Type Expression Operators").

Values as Extended JSON v2 within documents: what JSON does not have becomes a document with one ``$`` key, in the
canonical form numbers and dates too. Reading is strict: a document that begins with such a key holds nothing else.
"""

# Values are of any type here, and what is narrowed from Any has parts that are unknown to the checker.
# pyright: reportUnknownArgumentType=false, reportUnknownLambdaType=false, reportUnknownMemberType=false
# pyright: reportUnknownVariableType=false

from __future__ import annotations

import base64
import binascii
import math
import re
import uuid
from collections.abc import Callable, Mapping
from typing import Any, Final

from lexigram.nosql.aggregation.expressions.arguments import named
from lexigram.nosql.aggregation.expressions.binary_data import make_binary, parts_of
from lexigram.nosql.aggregation.expressions.compiled import Compiled, combine
from lexigram.nosql.aggregation.expressions.dates import date_from_text
from lexigram.nosql.aggregation.expressions.errors import BAD_VALUE, CONVERSION_FAILURE, FAILED_TO_PARSE, fault
from lexigram.nosql.aggregation.expressions.growth import Growth
from lexigram.nosql.aggregation.expressions.moments import date_of, millis_of
from lexigram.nosql.aggregation.expressions.number_text import text_to_decimal, text_to_double, text_to_int
from lexigram.nosql.aggregation.expressions.numbers import as_decimal, as_long
from lexigram.nosql.aggregation.expressions.scope import Builder, Scope
from lexigram.nosql.aggregation.expressions.text import date_text, double_text
from lexigram.nosql.exceptions import PipelineError
from lexigram.nosql.values.bson_compat import BsonTag, code_scope, load, reference_fields, regex_parts
from lexigram.nosql.values.kinds import INT32_MAX, INT32_MIN, Kind, kind_of, type_name
from lexigram.nosql.values.path import MISSING

__all__ = ["OPERATORS"]

_MAX_DEPTH: Final = 200
_FIRST_TEXT: Final = 0
_LAST_TEXT: Final = 253402300799999
_OBJECT_ID: Final = re.compile(r"[0-9a-fA-F]{24}")
_SUBTYPE: Final = re.compile(r"[0-9a-fA-F]{1,2}")
_MOMENT: Final = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}(:[0-9]{2}(\.[0-9]{1,3})?)?(Z|[+-][0-9]{2}:?[0-9]{2})"
)
_JSON: Final = frozenset({Kind.NULL, Kind.BOOL, Kind.STRING, Kind.INT, Kind.LONG, Kind.DOUBLE})


def _failed(reason: str) -> PipelineError:
    return fault(CONVERSION_FAILURE, reason)


# --- writing


def _write_double(value: float, relaxed: bool) -> Any:
    return value if relaxed and math.isfinite(value) else {"$numberDouble": double_text(value)}


def _write_date(value: Any, relaxed: bool) -> Any:
    millis = millis_of(value)
    if relaxed and _FIRST_TEXT <= millis <= _LAST_TEXT:
        return {"$date": date_text(value)}
    return {"$date": {"$numberLong": str(millis)}}


def _write_binary(value: Any, _relaxed: bool) -> Any:
    subtype, content = parts_of(value)
    if subtype == 4 and len(content) == 16:
        return {"$uuid": str(uuid.UUID(bytes=content))}
    return {"$binary": {"base64": base64.b64encode(content).decode("ascii"), "subType": f"{subtype:x}"}}


def _write_regex(value: Any, _relaxed: bool) -> Any:
    pattern, options = regex_parts(value)
    return {"$regularExpression": {"pattern": pattern, "options": options}}


def _write_decimal(value: Any, _relaxed: bool) -> Any:
    number = as_decimal(value)
    if number.is_nan():
        return {"$numberDecimal": "NaN"}
    return {"$numberDecimal": str(number)}


_WRITERS: Final[Mapping[Kind, Callable[[Any, bool], Any]]] = {
    Kind.INT: lambda value, relaxed: value if relaxed else {"$numberInt": str(int(value))},
    Kind.LONG: lambda value, relaxed: value if relaxed else {"$numberLong": str(int(value))},
    Kind.DOUBLE: _write_double,
    Kind.DECIMAL: _write_decimal,
    Kind.DATE: _write_date,
    Kind.BINARY: _write_binary,
    Kind.REGEX: _write_regex,
    Kind.OBJECT_ID: lambda value, _relaxed: {"$oid": str(value)},
    Kind.TIMESTAMP: lambda value, _relaxed: {"$timestamp": {"t": as_long(value.time), "i": as_long(value.inc)}},
    Kind.MIN_KEY: lambda _value, _relaxed: {"$minKey": 1},
    Kind.MAX_KEY: lambda _value, _relaxed: {"$maxKey": 1},
    Kind.JAVASCRIPT: lambda value, _relaxed: {"$code": str(value)},
    Kind.JAVASCRIPT_WITH_SCOPE: lambda value, _relaxed: {
        "$code": str(value),
        "$scope": _written(code_scope(value) or {}, relaxed=False),
    },
}


def _written(value: Any, *, relaxed: bool, depth: int = 0) -> Any:
    if depth > _MAX_DEPTH:
        raise _failed(f"the result would nest deeper than {_MAX_DEPTH} levels")
    if isinstance(value, dict):
        return {name: _written(item, relaxed=relaxed, depth=depth + 1) for name, item in value.items()}
    if isinstance(value, list):
        return [_written(item, relaxed=relaxed, depth=depth + 1) for item in value]
    kind = kind_of(value)
    if kind is Kind.OBJECT:
        return _written(reference_fields(value), relaxed=relaxed, depth=depth)
    writer = _WRITERS.get(kind)
    return value if writer is None else writer(value, relaxed)


# --- reading


def _text(key: str, value: Any) -> str:
    if not isinstance(value, str):
        raise _failed(f"the value of {key} must be a string, not {type_name(value)}")
    return value


def _fields(key: str, value: Any, *names: str) -> list[Any]:
    if not isinstance(value, dict) or value.keys() != set(names):
        raise _failed(f"the value of {key} must be a document with the fields {' and '.join(names)}")
    return [value[name] for name in names]


def _read_int(value: Any) -> int:
    number = text_to_int(_text("$numberInt", value))
    if not INT32_MIN <= number <= INT32_MAX:
        raise _failed(f"{value!r} does not fit in 32 bits")
    return number


def _special(key: str, value: Any) -> str:
    text = _text(key, value)
    if text.lower().lstrip("+-") in {"nan", "inf", "infinity"} and text not in {"NaN", "Infinity", "-Infinity"}:
        raise _failed(f"the value of {key} must be a number, NaN, Infinity or -Infinity, not {text!r}")
    return text


def _read_binary(value: Any) -> Any:
    content, subtype = _fields("$binary", value, "base64", "subType")
    if not _SUBTYPE.fullmatch(_text("$binary.subType", subtype)):
        raise _failed("$binary.subType must be one byte in hexadecimal digits")
    try:
        data = base64.b64decode(_text("$binary.base64", content), validate=True)
    except binascii.Error as error:
        raise _failed("$binary.base64 must be base64") from error
    number = int(subtype, 16)
    if number == 4 and len(data) != 16:
        raise fault(13016802, f"a UUID has 16 bytes, not {len(data)}")
    if 9 < number < 128:
        raise fault(12978507, f"there is no binary subtype {number}")
    return make_binary(number, data)


def _read_uuid(value: Any) -> Any:
    text = _text("$uuid", value)
    try:
        found = uuid.UUID(text)
    except ValueError as error:
        raise _failed("the value of $uuid must be a UUID") from error
    if str(found) != text.lower():
        raise _failed("the value of $uuid must be a UUID of 8-4-4-4-12 digits")
    return found


def _read_object_id(value: Any) -> Any:
    if not _OBJECT_ID.fullmatch(_text("$oid", value)):
        raise _failed("the value of $oid must be 24 hexadecimal digits")
    return load(BsonTag.OBJECT_ID)(value)


def _read_timestamp(value: Any) -> Any:
    parts = _fields("$timestamp", value, "t", "i")
    for part in parts:
        if kind_of(part) not in (Kind.INT, Kind.LONG) or not 0 <= part < 2**32:
            raise _failed("the fields of $timestamp must be whole numbers of 32 bits")
    return load(BsonTag.TIMESTAMP)(int(parts[0]), int(parts[1]))


def _read_regex(value: Any) -> Any:
    pattern, options = (_text("$regularExpression", part) for part in _fields("$regularExpression", value, *_REGEX))
    flags = re.RegexFlag(0)
    for letter in options:
        flag = _FLAGS.get(letter)
        if flag is None:
            raise _failed(f"there is no option {letter!r} of regular expressions")
        flags |= flag
    try:
        return re.compile(pattern, flags)
    except re.error:  # PCRE knows more than Python's re
        return load(BsonTag.REGEX)(pattern, options)


_REGEX: Final = ("pattern", "options")
_FLAGS: Final = {"i": re.IGNORECASE, "m": re.MULTILINE, "s": re.DOTALL, "x": re.VERBOSE, "u": re.RegexFlag(0)}


def _read_date(value: Any) -> Any:
    if isinstance(value, str):
        if not _MOMENT.fullmatch(value):
            raise _failed("the value of $date must be a date and time in ISO 8601")
        return date_from_text(value)
    (millis,) = _fields("$date", value, "$numberLong")
    try:
        return date_of(text_to_int(_text("$date.$numberLong", millis)))
    except PipelineError as error:
        raise _failed(error.message) from error


def _read_key(tag: BsonTag) -> Callable[[Any], Any]:
    def read(value: Any) -> Any:
        if kind_of(value) is not Kind.INT or value != 1:
            raise _failed("the value of $minKey and $maxKey must be 1")
        return load(tag)()

    return read


def _refused(key: str) -> Callable[[Any], Any]:
    def read(_value: Any) -> Any:
        raise _failed(f"documents hold no values of the deprecated type that {key} stands for")

    return read


_READERS: Final[Mapping[str, Callable[[Any], Any]]] = {
    "$numberInt": _read_int,
    "$numberLong": lambda value: as_long(text_to_int(_text("$numberLong", value))),
    "$numberDouble": lambda value: text_to_double(_special("$numberDouble", value)),
    "$numberDecimal": lambda value: text_to_decimal(_special("$numberDecimal", value)),
    "$binary": _read_binary,
    "$uuid": _read_uuid,
    "$oid": _read_object_id,
    "$timestamp": _read_timestamp,
    "$regularExpression": _read_regex,
    "$date": _read_date,
    "$minKey": _read_key(BsonTag.MIN_KEY),
    "$maxKey": _read_key(BsonTag.MAX_KEY),
    **{key: _refused(key) for key in ("$symbol", "$dbPointer", "$undefined")},
}
_WRAPPERS: Final = frozenset({*_READERS, "$ref", "$id", "$code", "$scope"})


def _read_document(value: dict[str, Any], depth: int) -> Any:
    first = next(iter(value), "")
    reader = _READERS.get(first)
    if reader is not None:
        if len(value) > 1:
            raise _failed(f"a document that begins with {first} holds nothing else")
        return reader(value[first])
    if first == "$code" and len(value) == 1:
        return load(BsonTag.CODE)(_text("$code", value["$code"]))
    if value.keys() == {"$code", "$scope"}:
        scope = _read(value["$scope"], depth + 1)
        if not isinstance(scope, dict):
            raise _failed("the value of $scope must be a document")
        return load(BsonTag.CODE)(_text("$code", value["$code"]), scope)
    for name in value:
        if name in _WRAPPERS:
            raise _failed(f"{name} must be the first field of a document")
    return {name: _read(item, depth + 1) for name, item in value.items()}


def _read(value: Any, depth: int = 0) -> Any:
    if depth > _MAX_DEPTH:
        raise _failed(f"the result would nest deeper than {_MAX_DEPTH} levels")
    if isinstance(value, dict):
        return _read_document(value, depth)
    if isinstance(value, list):
        return [_read(item, depth + 1) for item in value]
    if kind_of(value) not in _JSON:
        raise _failed(f"Extended JSON holds what JSON has, not {type_name(value)}")
    return value


# --- the operators


def _bounded(value: Any) -> Any:
    try:
        Growth().check(value)
    except PipelineError as error:
        raise _failed(error.message) from error
    return value


def _operator(name: str, convert: Callable[[Any, bool], Any], *options: str) -> Builder:
    def build(spec: Any, scope: Scope) -> Compiled:
        arguments = named(
            name,
            spec,
            required={"input": FAILED_TO_PARSE},
            optional=(*options, "onError"),
            not_document=FAILED_TO_PARSE,
            unknown=FAILED_TO_PARSE,
        )
        parts = {key: scope.compile(value) for key, value in arguments.items()}
        source = parts["input"].evaluate
        relaxed = parts["relaxed"].evaluate if "relaxed" in parts else None
        on_error = parts["onError"].evaluate if "onError" in parts else None

        def apply(document: Any, variables: Any) -> Any:
            value = source(document, variables)
            form = True if relaxed is None else relaxed(document, variables)
            if not isinstance(form, bool):
                raise fault(BAD_VALUE, f"'relaxed' of {name} must be true or false, not {type_name(form)}")
            if value is MISSING:
                return None
            try:
                return _bounded(convert(value, form))
            except PipelineError as error:
                if on_error is None or error.mongo_code != CONVERSION_FAILURE:
                    raise
                return on_error(document, variables)

        return combine(list(parts.values()), apply)

    return build


OPERATORS: Mapping[str, Builder] = {
    "$serializeEJSON": _operator("$serializeEJSON", lambda value, relaxed: _written(value, relaxed=relaxed), "relaxed"),
    "$deserializeEJSON": _operator("$deserializeEJSON", lambda value, _relaxed: _read(value)),
}

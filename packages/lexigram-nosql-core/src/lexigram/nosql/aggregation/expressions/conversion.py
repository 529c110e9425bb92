"""``$convert`` and its short forms, ``$type`` and ``$isNumber`` (manual, "Type Expression Operators").

What converts to what is MongoDB's table: an int, for example, is no date, while a long is. Null and missing convert
to null, or to ``onNull``; what cannot be converted is an error (241), or ``onError``.

Documents and arrays are read from JSON, as MongoDB 8.3 does, but not written: ``$toString`` of them is an error as it
is up to 8.2. Servers of both kinds are asked the same, and only the operators for reading tell them apart by name.
"""

# Values are of any type here, and what is narrowed from Any has parts that are unknown to the checker.
# pyright: reportUnknownArgumentType=false, reportUnknownLambdaType=false, reportUnknownMemberType=false
# pyright: reportUnknownParameterType=false, reportUnknownVariableType=false

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import ROUND_DOWN, Decimal
from typing import Any, Final

from lexigram.nosql.aggregation.expressions import binary_data
from lexigram.nosql.aggregation.expressions.arguments import exactly, named, valued
from lexigram.nosql.aggregation.expressions.boolean import truth
from lexigram.nosql.aggregation.expressions.compiled import Compiled, Evaluator, combine
from lexigram.nosql.aggregation.expressions.dates import date_from_text
from lexigram.nosql.aggregation.expressions.errors import BAD_VALUE, CONVERSION_FAILURE, FAILED_TO_PARSE, fault
from lexigram.nosql.aggregation.expressions.growth import Growth
from lexigram.nosql.aggregation.expressions.moments import date_of, millis_of
from lexigram.nosql.aggregation.expressions.number_text import (
    number_to_text,
    text_to_decimal,
    text_to_double,
    text_to_int,
)
from lexigram.nosql.aggregation.expressions.numbers import (
    DECIMAL128,
    as_decimal,
    as_int32,
    as_long,
    is_numeric,
)
from lexigram.nosql.aggregation.expressions.scope import Builder, Scope
from lexigram.nosql.aggregation.expressions.text import date_text
from lexigram.nosql.aggregation.expressions.vectors import VECTOR, array_to_vector, vector_to_array
from lexigram.nosql.aggregation.expressions.zones import as_date
from lexigram.nosql.exceptions import PipelineError
from lexigram.nosql.values.bson_compat import BsonTag, load
from lexigram.nosql.values.kinds import ALIASES, INT32_MAX, INT32_MIN, INT64_MAX, INT64_MIN, Kind, kind_of, type_name
from lexigram.nosql.values.path import MISSING

__all__ = ["OPERATORS"]

_OBJECT_ID: Final = re.compile(r"[0-9a-fA-F]{24}")
_LONGEST_WHOLE: Final = 20  # characters of a number of 64 bits, and its sign
_WHOLE_KINDS: Final = (Kind.INT, Kind.LONG)


@dataclass(frozen=True, slots=True)
class _Options:
    base: int | None = None
    form: str | None = None
    order: str = "little"
    subtype: int = 0


_Conversion = Callable[[Any, Kind, _Options], Any]


def _same(value: Any, _kind: Kind, _options: _Options) -> Any:
    return value


def _failed(reason: str) -> PipelineError:
    return fault(CONVERSION_FAILURE, reason)


def _whole(value: Any, kind: Kind) -> int:
    """A number cut to a whole one."""
    if kind in _WHOLE_KINDS:
        return int(value)
    if kind is Kind.DOUBLE:
        if not math.isfinite(value):
            raise _failed(f"{value} is not a whole number")
        return int(value)
    number = as_decimal(value)
    if not number.is_finite():
        raise _failed(f"{number} is not a whole number")
    if number.adjusted() > 20:
        raise _failed(f"{number} does not fit in 64 bits")
    return int(number.to_integral_value(ROUND_DOWN))


def _to_int(value: Any, kind: Kind, _options: _Options) -> int:
    number = _whole(value, kind)
    if not INT32_MIN <= number <= INT32_MAX:
        raise _failed(f"{value} does not fit in 32 bits")
    return number


def _to_long(value: Any, kind: Kind, _options: _Options) -> int:
    number = _whole(value, kind)
    if not INT64_MIN <= number <= INT64_MAX:
        raise _failed(f"{value} does not fit in 64 bits")
    return as_long(number)


def _to_double(value: Any, kind: Kind, _options: _Options) -> float:
    if kind is not Kind.DECIMAL:
        return float(value)
    number = as_decimal(value)
    result = float(number)
    if number.is_finite() and (math.isinf(result) or (result == 0 and not number.is_zero())):
        raise _failed(f"{number} is out of the range of doubles")
    return result


def _number_to_date(value: Any, kind: Kind, _options: _Options) -> Any:
    number = _whole(value, kind)
    if not INT64_MIN <= number <= INT64_MAX:
        raise _failed(f"{value} does not fit in 64 bits")
    return _date(number)


def _date(millis: int) -> Any:
    try:
        return date_of(millis)
    except PipelineError as error:
        raise _failed(error.message) from error


def _text_to_int(value: str, _kind: Kind, options: _Options) -> int:
    number = text_to_int(value, options.base or 10)
    if not INT32_MIN <= number <= INT32_MAX:
        raise _failed(f"{value[:100]!r} does not fit in 32 bits")
    return number


def _text_to_double(value: str, _kind: Kind, options: _Options) -> float:
    return text_to_double(value) if options.base is None else float(text_to_int(value, options.base))


def _text_to_decimal(value: str, _kind: Kind, options: _Options) -> Decimal:
    return text_to_decimal(value) if options.base is None else Decimal(text_to_int(value, options.base))


def _text_to_object_id(value: str, _kind: Kind, _options: _Options) -> Any:
    if not _OBJECT_ID.fullmatch(value):
        raise _failed(f"{value[:100]!r} is not an ObjectId: 24 hexadecimal digits are")
    return load(BsonTag.OBJECT_ID)(value)


def _refuse_number(text: str) -> Any:
    raise ValueError(f"{text} is no number of JSON")


def _whole_number(text: str) -> Any:
    number = int(text) if len(text) <= _LONGEST_WHOLE else None
    if number is None or not INT64_MIN <= number <= INT64_MAX:
        return float(text)
    return number


def _unescaped(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    if any("\0" in name for name, _ in pairs):
        raise ValueError("a name holds a NUL")
    return dict(pairs)


def _from_json(value: str, wanted: type, kind: Kind) -> Any:
    """Read a document or an array from JSON; what looks like Extended JSON is read as it stands."""
    try:
        found = json.loads(value, parse_int=_whole_number, parse_constant=_refuse_number, object_pairs_hook=_unescaped)
        Growth().check(found)
    except (ValueError, RecursionError) as error:
        raise _failed(f"{value[:100]!r} does not stand for a value that fits in a document: {error}") from error
    if not isinstance(found, wanted):
        raise _failed(f"{value[:100]!r} is JSON, but no {_NAMES[kind]}")
    return found


def _vector_to_array(value: Any, _kind: Kind, options: _Options) -> list[Any]:
    subtype, content = binary_data.parts_of(value)
    if subtype != VECTOR:
        raise _failed(f"binary data of the subtype {subtype} does not convert to array, only vectors (9) do")
    return vector_to_array(content, options.order)


def _array_to_vector(value: Any, _kind: Kind, options: _Options) -> Any:
    if options.subtype != VECTOR:
        raise _failed("an array converts to binary data of the subtype 9 only")
    return array_to_vector(value, options.order)


def _format(options: _Options) -> str:
    if options.form is None:
        raise fault(4341115, "'format' of $convert is needed between text and binary data")
    return options.form


def _binary_to_binary(value: Any, _kind: Kind, options: _Options) -> Any:
    if binary_data.parts_of(value)[0] != options.subtype:
        raise _failed("binary data does not change its subtype")
    return value


def _date_to_text(value: Any, _kind: Kind, _options: _Options) -> str:
    try:
        return date_text(value)
    except PipelineError as error:
        raise _failed(error.message) from error


def _truth(value: Any, _kind: Kind, _options: _Options) -> bool:
    return truth(value)


_NUMBERS: Final[dict[Kind, _Conversion]] = {
    Kind.DOUBLE: _to_double,
    Kind.INT: _to_int,
    Kind.LONG: _to_long,
    Kind.DECIMAL: lambda value, _kind, _options: as_decimal(value),
    Kind.BOOL: _truth,
    Kind.STRING: lambda value, kind, options: number_to_text(value, kind, options.base),
}
_FROM_NUMBER: Final[dict[Kind, _Conversion]] = {**_NUMBERS, Kind.DATE: _number_to_date}
_TO_BINARY: Final[dict[Kind, _Conversion]] = {
    Kind.BINARY: lambda value, kind, options: binary_data.number_to_binary(value, kind, options.order, options.subtype)
}
_TABLE: Final[Mapping[Kind, Mapping[Kind, _Conversion]]] = {
    Kind.INT: {**_NUMBERS, **_TO_BINARY},
    Kind.LONG: {**_FROM_NUMBER, **_TO_BINARY},
    Kind.DOUBLE: {**_FROM_NUMBER, **_TO_BINARY},
    Kind.DECIMAL: {**_FROM_NUMBER, Kind.DECIMAL: _same},
    Kind.STRING: {
        Kind.DOUBLE: _text_to_double,
        Kind.STRING: _same,
        Kind.OBJECT_ID: _text_to_object_id,
        Kind.DATE: lambda value, _kind, _options: date_from_text(value),
        Kind.INT: _text_to_int,
        Kind.LONG: lambda value, _kind, options: as_long(text_to_int(value, options.base or 10)),
        Kind.DECIMAL: _text_to_decimal,
        Kind.BINARY: lambda value, _kind, options: binary_data.text_to_binary(value, _format(options), options.subtype),
        Kind.ARRAY: lambda value, _kind, _options: _from_json(value, list, Kind.ARRAY),
        Kind.OBJECT: lambda value, _kind, _options: _from_json(value, dict, Kind.OBJECT),
    },
    Kind.ARRAY: {Kind.BINARY: _array_to_vector},
    Kind.BINARY: {
        Kind.ARRAY: _vector_to_array,
        Kind.BINARY: _binary_to_binary,
        Kind.STRING: lambda value, _kind, options: binary_data.binary_to_text(value, _format(options)),
        Kind.INT: lambda value, _kind, options: binary_data.binary_to_int(value, options.order, 4),
        Kind.LONG: lambda value, _kind, options: binary_data.binary_to_int(value, options.order, 8),
        Kind.DOUBLE: lambda value, _kind, options: binary_data.binary_to_double(value, options.order),
    },
    Kind.OBJECT_ID: {
        Kind.STRING: lambda value, _kind, _options: str(value),
        Kind.OBJECT_ID: _same,
        Kind.DATE: lambda value, _kind, _options: as_date(value),
    },
    Kind.BOOL: {
        Kind.DOUBLE: lambda value, _kind, _options: 1.0 if value else 0.0,
        Kind.STRING: lambda value, _kind, _options: "true" if value else "false",
        Kind.BOOL: _same,
        Kind.INT: lambda value, _kind, _options: int(value),
        Kind.LONG: lambda value, _kind, _options: as_long(int(value)),
        Kind.DECIMAL: lambda value, _kind, _options: Decimal(int(value)),
    },
    Kind.DATE: {
        Kind.DOUBLE: lambda value, _kind, _options: float(millis_of(value)),
        Kind.STRING: _date_to_text,
        Kind.DATE: _same,
        Kind.LONG: lambda value, _kind, _options: as_long(millis_of(value)),
        Kind.DECIMAL: lambda value, _kind, _options: DECIMAL128.create_decimal(millis_of(value)),
    },
    Kind.TIMESTAMP: {Kind.DATE: lambda value, _kind, _options: as_date(value)},
}


def _convert(value: Any, target: Kind, options: _Options) -> Any:
    kind = kind_of(value)
    conversion = _TABLE.get(kind, {}).get(target)
    if conversion is None:
        if target is Kind.BOOL:  # everything that is not null or a number is true
            return truth(value)
        raise _failed(f"{type_name(value)} does not convert to {_NAMES.get(target, 'missing')}")
    return conversion(value, kind, options)


_NAMES: Final = {kind: name for name, kind in ALIASES.items()}


def _target(to: Any) -> tuple[Kind, int] | None:
    """The type to convert to and the subtype of binary data; None where it is null."""
    subtype = 0
    if isinstance(to, dict):
        for key in to:
            if key not in ("type", "subtype"):
                raise fault(FAILED_TO_PARSE, f"'to' of $convert has no field {key!r}; it has type and subtype")
        if "type" not in to:
            raise fault(FAILED_TO_PARSE, "'to' of $convert needs a type")
        if to.get("subtype") is not None:
            subtype = binary_data.check_subtype(to["subtype"])
        to = to["type"]
    if to is None or to is MISSING:
        return None
    if isinstance(to, str):
        if to == "missing":
            return Kind.MISSING, subtype
        kind = ALIASES.get(to)
        if kind is None:
            raise fault(BAD_VALUE, f"there is no type {to!r}")
        return kind, subtype
    if not is_numeric(to):
        raise fault(FAILED_TO_PARSE, f"'to' of $convert must be a type's name or number, not {type_name(to)}")
    number = as_int32(to)
    if number is None:
        raise fault(FAILED_TO_PARSE, f"'to' of $convert must be a whole number, not {to}")
    try:
        return Kind(number), subtype
    except ValueError as error:
        raise fault(FAILED_TO_PARSE, f"there is no type {number}") from error


def _base(value: Any) -> int | None:
    if value is None or value is MISSING:
        return None
    number = as_int32(value)
    if number is None:
        raise fault(3501300, f"'base' of $convert must be a whole number, not {type_name(value)}")
    if number not in (2, 8, 10, 16):
        raise fault(3501301, f"'base' of $convert must be 2, 8, 10 or 16, not {number}")
    return number


def _chosen(value: Any, name: str, choices: tuple[str, ...], codes: tuple[int, int]) -> str | None:
    if value is None or value is MISSING:
        return None
    if not isinstance(value, str):
        raise fault(codes[0], f"{name!r} of $convert must be a string, not {type_name(value)}")
    if value not in choices:
        raise fault(codes[1], f"{name!r} of $convert must be one of {', '.join(choices)}, not {value!r}")
    return value


_ARGUMENTS: Final = ("to", "input", "base", "format", "byteOrder", "onError", "onNull")


def _convert_operator(spec: Any, scope: Scope) -> Compiled:
    arguments = named(
        "$convert",
        spec,
        required={"input": FAILED_TO_PARSE, "to": FAILED_TO_PARSE},
        optional=_ARGUMENTS[2:],
        not_document=FAILED_TO_PARSE,
        unknown=FAILED_TO_PARSE,
    )
    parts = {name: scope.compile(value) for name, value in arguments.items()}
    closures: dict[str, Evaluator] = {name: part.evaluate for name, part in parts.items()}
    read, to, on_null, on_error = closures["input"], closures["to"], closures.get("onNull"), closures.get("onError")

    def option(name: str, document: Any, variables: Any) -> Any:
        evaluate = closures.get(name)
        return None if evaluate is None else evaluate(document, variables)

    def convert(document: Any, variables: Any) -> Any:
        target = _target(to(document, variables))
        value = read(document, variables)
        if value is None or value is MISSING:
            return None if on_null is None else on_null(document, variables)
        if target is None:
            return None
        options = _Options(
            _base(option("base", document, variables)),
            _chosen(option("format", document, variables), "format", binary_data.FORMATS, (4341114, 4341125)),
            _chosen(option("byteOrder", document, variables), "byteOrder", ("little", "big"), (9130001, 9130002))
            or "little",
            target[1],
        )
        try:
            return _convert(value, target[0], options)
        except PipelineError as error:
            if on_error is None or error.mongo_code != CONVERSION_FAILURE:
                raise
            return on_error(document, variables)

    return combine(list(parts.values()), convert)


def _short(name: str, target: Kind, options: _Options = _Options()) -> Builder:
    def convert(value: Any) -> Any:
        return None if value is None or value is MISSING else _convert(value, target, options)

    def build(spec: Any, scope: Scope) -> Compiled:
        if isinstance(spec, list | tuple):
            if len(spec) != 1:
                raise fault(50723, f"{name} takes one argument, not {len(spec)}")
            spec = spec[0]
        part = scope.compile(spec)
        evaluate = part.evaluate
        return combine([part], lambda document, variables: convert(evaluate(document, variables)))

    return build


OPERATORS: Mapping[str, Builder] = {
    "$convert": _convert_operator,
    "$toArray": _short("$toArray", Kind.ARRAY),
    "$toBool": _short("$toBool", Kind.BOOL),
    "$toDate": _short("$toDate", Kind.DATE),
    "$toDecimal": _short("$toDecimal", Kind.DECIMAL),
    "$toDouble": _short("$toDouble", Kind.DOUBLE),
    "$toInt": _short("$toInt", Kind.INT),
    "$toLong": _short("$toLong", Kind.LONG),
    "$toObject": _short("$toObject", Kind.OBJECT),
    "$toObjectId": _short("$toObjectId", Kind.OBJECT_ID),
    "$toString": _short("$toString", Kind.STRING, _Options(form="auto")),
    "$toUUID": _short("$toUUID", Kind.BINARY, _Options(form="uuid", subtype=4)),
    "$type": exactly("$type", 1, valued(type_name)),
    "$isNumber": exactly("$isNumber", 1, valued(is_numeric)),
}

"""Dates and their parts (manual, "Date Expression Operators").

``$year`` to ``$millisecond`` and the ISO parts, ``$dateFromParts $dateToParts $dateFromString $dateToString``, and
the parts of timestamps. What adds to dates and compares them is in
:mod:`~lexigram.nosql.aggregation.expressions.date_arithmetic`.
"""

# Values are of any type here, and what is narrowed from Any has parts that are unknown to the checker.
# pyright: reportUnknownArgumentType=false, reportUnknownLambdaType=false, reportUnknownMemberType=false
# pyright: reportUnknownParameterType=false, reportUnknownVariableType=false

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from lexigram.nosql.aggregation.expressions.arguments import exactly, named, valued
from lexigram.nosql.aggregation.expressions.compiled import Compiled, Evaluator, combine
from lexigram.nosql.aggregation.expressions.date_format import (
    check_format,
    formatter,
    parse_with_format,
    week_of_year,
)
from lexigram.nosql.aggregation.expressions.date_reading import read_date
from lexigram.nosql.aggregation.expressions.errors import CONVERSION_FAILURE, fault
from lexigram.nosql.aggregation.expressions.moments import date_of
from lexigram.nosql.aggregation.expressions.numbers import as_int64, as_long
from lexigram.nosql.aggregation.expressions.scope import Builder, Scope
from lexigram.nosql.aggregation.expressions.units import days_to
from lexigram.nosql.aggregation.expressions.zones import Zone, as_date, from_local, local_time, parse_zone
from lexigram.nosql.exceptions import PipelineError
from lexigram.nosql.values.kinds import Kind, kind_of, type_name
from lexigram.nosql.values.path import MISSING

__all__ = ["NO_ZONE", "OPERATORS", "compile_arguments", "date_from_text", "zone_reader"]

NO_ZONE = object()
"""What a zone reader gives where the time zone evaluates to null."""

_DAY_MILLIS = 86_400_000


def zone_reader(part: Compiled | None) -> Callable[[Any, Any], Any]:
    """The closure that gives the time zone of an operator.

    Args:
        part: The ``timezone`` argument, None where it was left out.

    Returns:
        A closure giving a zone, or ``NO_ZONE``.

    Raises:
        PipelineError: The argument is a constant that is not a time zone.
    """
    if part is None:
        return lambda _document, _variables: None
    if part.is_constant:
        fixed = NO_ZONE if part.value is None or part.value is MISSING else parse_zone(part.value)
        return lambda _document, _variables: fixed
    read = part.evaluate

    def zone(document: Any, variables: Any) -> Any:
        value = read(document, variables)
        return NO_ZONE if value is None or value is MISSING else parse_zone(value)

    return zone


def compile_arguments(arguments: Mapping[str, Any], scope: Scope) -> dict[str, Compiled]:
    """Compile the named arguments of an operator.

    Args:
        arguments: The arguments as written.
        scope: Where the operator stands.

    Returns:
        The compiled arguments by name.
    """
    return {name: scope.compile(value) for name, value in arguments.items()}


def _optional(part: Compiled | None) -> Evaluator | None:
    return None if part is None else part.evaluate


def _part(name: str, extract: Callable[[datetime], Any]) -> Builder:
    def build(spec: Any, scope: Scope) -> Compiled:
        zone_part: Compiled | None = None
        if isinstance(spec, Mapping) and not _is_operator(spec):
            arguments = named(
                name, spec, required={"date": 40539}, optional=("timezone",), not_document=40536, unknown=40535
            )
            part = scope.compile(arguments["date"])
            zone_part = scope.compile(arguments["timezone"]) if "timezone" in arguments else None
        elif isinstance(spec, list | tuple):
            if len(spec) != 1:
                raise fault(40536, f"{name} takes one date, not {len(spec)}")
            part = scope.compile(spec[0])
        else:
            part = scope.compile(spec)
        read, zone = part.evaluate, zone_reader(zone_part)

        def give(document: Any, variables: Any) -> Any:
            value = read(document, variables)
            if value is None or value is MISSING:
                return None
            date = as_date(value)
            where = zone(document, variables)
            return None if where is NO_ZONE else extract(local_time(date, where))

        return combine([part] if zone_part is None else [part, zone_part], give)

    return build


def _is_operator(spec: Mapping[Any, Any]) -> bool:
    first = next(iter(spec), None)
    return isinstance(first, str) and first[:1] == "$"


_PARTS: Mapping[str, Callable[[datetime], Any]] = {
    "$year": lambda local: local.year,
    "$month": lambda local: local.month,
    "$dayOfMonth": lambda local: local.day,
    "$hour": lambda local: local.hour,
    "$minute": lambda local: local.minute,
    "$second": lambda local: local.second,
    "$millisecond": lambda local: local.microsecond // 1000,
    "$dayOfYear": lambda local: local.timetuple().tm_yday,
    "$dayOfWeek": lambda local: local.isoweekday() % 7 + 1,
    "$week": week_of_year,
    "$isoDayOfWeek": lambda local: local.isoweekday(),
    "$isoWeek": lambda local: local.isocalendar().week,
    "$isoWeekYear": lambda local: as_long(local.isocalendar().year),
}


def _to_parts(spec: Any, scope: Scope) -> Compiled:
    arguments = named(
        "$dateToParts",
        spec,
        required={"date": 40522},
        optional=("timezone", "iso8601"),
        not_document=40524,
        unknown=40520,
    )
    parts = compile_arguments(arguments, scope)
    read, zone, flag = parts["date"].evaluate, zone_reader(parts.get("timezone")), _optional(parts.get("iso8601"))

    def to_parts(document: Any, variables: Any) -> Any:
        value = read(document, variables)
        where = zone(document, variables)
        iso = False if flag is None else flag(document, variables)
        if where is NO_ZONE or iso is None or iso is MISSING:
            return None
        if not isinstance(iso, bool):
            raise fault(40521, f"'iso8601' of $dateToParts must be true or false, not {type_name(iso)}")
        if value is None or value is MISSING:
            return None
        local = local_time(as_date(value), where)
        if iso:
            calendar = local.isocalendar()
            day = {"isoWeekYear": calendar.year, "isoWeek": calendar.week, "isoDayOfWeek": calendar.weekday}
        else:
            day = {"year": local.year, "month": local.month, "day": local.day}
        return {
            **day,
            "hour": local.hour,
            "minute": local.minute,
            "second": local.second,
            "millisecond": local.microsecond // 1000,
        }

    return combine(list(parts.values()), to_parts)


_DEFAULTS = {
    "year": 1970, "month": 1, "day": 1, "isoWeekYear": 1970, "isoWeek": 1, "isoDayOfWeek": 1,
    "hour": 0, "minute": 0, "second": 0, "millisecond": 0,
}  # fmt: skip
_UNBOUNDED = frozenset({"year", "isoWeekYear", "second", "millisecond"})


def _from_parts(spec: Any, scope: Scope) -> Compiled:
    arguments = named(
        "$dateFromParts", spec, required={}, optional=(*_DEFAULTS, "timezone"), not_document=40519, unknown=40518
    )
    if "year" not in arguments and "isoWeekYear" not in arguments:
        raise fault(40516, "$dateFromParts needs 'year' or 'isoWeekYear'")
    if "year" in arguments and not arguments.keys().isdisjoint({"isoWeekYear", "isoWeek", "isoDayOfWeek"}):
        raise fault(40489, "$dateFromParts takes natural or ISO parts of a date, not both")
    if "isoWeekYear" in arguments and not arguments.keys().isdisjoint({"month", "day"}):
        raise fault(40525, "$dateFromParts takes ISO or natural parts of a date, not both")
    parts = compile_arguments(arguments, scope)
    closures = {name: part.evaluate for name, part in parts.items() if name != "timezone"}
    zone = zone_reader(parts.get("timezone"))
    iso = "isoWeekYear" in arguments
    order = ("hour", "minute", "second", "millisecond", "timezone", *(_ISO_ORDER if iso else _NATURAL_ORDER))

    def from_parts(document: Any, variables: Any) -> Any:
        numbers: dict[str, int] = {}
        where: Any = None
        for name in order:
            if name == "timezone":
                where = zone(document, variables)
                if where is NO_ZONE:
                    return None
                continue
            read = closures.get(name)
            if read is None:
                numbers[name] = _DEFAULTS[name]
                continue
            value = read(document, variables)
            if value is None or value is MISSING:
                return None
            numbers[name] = _number(name, value)
        return _assemble(numbers, where, iso=iso)

    return combine(list(parts.values()), from_parts)


_NATURAL_ORDER = ("year", "month", "day")
_ISO_ORDER = ("isoWeekYear", "isoWeek", "isoDayOfWeek")


def _number(name: str, value: Any) -> int:
    number = as_int64(value)
    if number is None:
        raise fault(40515, f"{name!r} must be a whole number, not {type_name(value)}")
    if name not in _UNBOUNDED and not -32768 <= number <= 32767:
        raise fault(31034, f"{name!r} must be from -32768 to 32767, not {number}")
    return number


def _assemble(numbers: Mapping[str, int], zone: Zone, *, iso: bool) -> datetime:
    year = numbers["isoWeekYear" if iso else "year"]
    if not 1 <= year <= 9999:
        name, code = ("isoWeekYear", 31095) if iso else ("year", 40523)
        raise fault(code, f"{name!r} must be from 1 to 9999, not {year}")
    if iso:
        fourth = days_to(year, 1, 4)  # always in the first week
        monday = fourth - (fourth + 3) % 7
        days = monday + (numbers["isoWeek"] - 1) * 7 + numbers["isoDayOfWeek"] - 1
    else:
        days = days_to(year, numbers["month"], numbers["day"])
    minutes = numbers["hour"] * 60 + numbers["minute"]
    millis = days * _DAY_MILLIS + (minutes * 60 + numbers["second"]) * 1000 + numbers["millisecond"]
    return from_local(date_of(millis), zone)


def date_from_text(text: str, zone: Zone = None, format: str | None = None) -> datetime:
    """Read a date as ``$dateFromString`` does.

    Args:
        text: The date.
        zone: The zone of its clock; None for UTC.
        format: How it is written; None to recognise it.

    Returns:
        The date, in UTC with milliseconds.

    Raises:
        PipelineError: The text is not such a date (241).
    """
    local = read_date(text, zone) if format is None else parse_with_format(text, format, zone)
    try:
        moment = from_local(local, zone) if local.tzinfo is None else local.astimezone(UTC)
    except OverflowError as error:
        raise fault(CONVERSION_FAILURE, f"{text[:100]!r} is outside the years 1 to 9999") from error
    return moment - timedelta(microseconds=moment.microsecond % 1000)


def _is_string(value: Any) -> bool:
    return kind_of(value) is Kind.STRING


def _from_string(spec: Any, scope: Scope) -> Compiled:
    arguments = named(
        "$dateFromString",
        spec,
        required={"dateString": 40542},
        optional=("format", "timezone", "onError", "onNull"),
        not_document=40540,
        unknown=40541,
    )
    parts = compile_arguments(arguments, scope)
    read, zone = parts["dateString"].evaluate, zone_reader(parts.get("timezone"))
    shape, on_null, on_error = (_optional(parts.get(name)) for name in ("format", "onNull", "onError"))

    def parse(document: Any, variables: Any) -> Any:
        text = read(document, variables)
        form = None if shape is None else shape(document, variables)
        if form is not None and form is not MISSING:
            if not _is_string(form):
                raise fault(40684, f"'format' of $dateFromString must be a string, not {type_name(form)}")
            check_format(form)
        where = zone(document, variables)
        if text is None or text is MISSING:
            return None if on_null is None else on_null(document, variables)
        try:
            if not _is_string(text):
                raise fault(CONVERSION_FAILURE, f"'dateString' must be a string, not {type_name(text)}")
            if where is NO_ZONE or (shape is not None and (form is None or form is MISSING)):
                return None
            return date_from_text(text, where, form)
        except PipelineError as error:
            if on_error is None or error.mongo_code != CONVERSION_FAILURE:
                raise
            return on_error(document, variables)

    return combine(list(parts.values()), parse)


_DEFAULT_FORMAT = "%Y-%m-%dT%H:%M:%S.%L"


def _to_string(spec: Any, scope: Scope) -> Compiled:
    arguments = named(
        "$dateToString",
        spec,
        required={"date": 18628},
        optional=("format", "timezone", "onNull"),
        not_document=18629,
        unknown=18534,
    )
    parts = compile_arguments(arguments, scope)
    read, zone = parts["date"].evaluate, zone_reader(parts.get("timezone"))
    on_null = _optional(parts.get("onNull"))
    form = parts.get("format")
    fixed = None if form is None or not form.is_constant else _formatter(form.value)
    shape = None if form is None or form.is_constant else form.evaluate
    in_utc, elsewhere = formatter(_DEFAULT_FORMAT + "Z"), formatter(_DEFAULT_FORMAT)

    def write(document: Any, variables: Any) -> Any:
        value = read(document, variables)
        chosen = fixed if shape is None else _formatter(shape(document, variables))
        where = zone(document, variables)
        if value is None or value is MISSING:
            return None if on_null is None else on_null(document, variables)
        if where is NO_ZONE:
            return None
        if form is None:
            chosen = in_utc if where is None else elsewhere
        return None if chosen is None else chosen(local_time(as_date(value), where))

    return combine(list(parts.values()), write)


def _formatter(form: Any) -> Callable[[datetime], str] | None:
    if form is None or form is MISSING:
        return None
    if not _is_string(form):
        raise fault(18533, f"'format' of $dateToString must be a string, not {type_name(form)}")
    return formatter(form)


def _of_timestamp(name: str, code: int, attribute: str) -> Builder:
    def give(value: Any) -> Any:
        if value is None or value is MISSING:
            return None
        if kind_of(value) is not Kind.TIMESTAMP:
            raise fault(code, f"{name} takes a timestamp, not {type_name(value)}")
        return as_long(getattr(value, attribute))

    return exactly(name, 1, valued(give))


OPERATORS: Mapping[str, Builder] = {
    **{name: _part(name, extract) for name, extract in _PARTS.items()},
    "$dateToParts": _to_parts,
    "$dateFromParts": _from_parts,
    "$dateFromString": _from_string,
    "$dateToString": _to_string,
    "$tsSecond": _of_timestamp("$tsSecond", 5687301, "time"),
    "$tsIncrement": _of_timestamp("$tsIncrement", 5687302, "inc"),
}

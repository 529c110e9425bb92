"""``$dateAdd $dateSubtract $dateDiff $dateTrunc`` (manual, "Date Expression Operators")."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from lexigram.nosql.aggregation.expressions.arguments import named
from lexigram.nosql.aggregation.expressions.compiled import Compiled, combine
from lexigram.nosql.aggregation.expressions.dates import NO_ZONE, compile_arguments, zone_reader
from lexigram.nosql.aggregation.expressions.errors import FAILED_TO_PARSE, fault
from lexigram.nosql.aggregation.expressions.numbers import as_int64, as_long
from lexigram.nosql.aggregation.expressions.scope import Builder, Scope
from lexigram.nosql.aggregation.expressions.units import UNITS, WEEKDAYS, add_units, count_units, truncate
from lexigram.nosql.aggregation.expressions.zones import as_date
from lexigram.nosql.values.kinds import INT64_MIN, type_name
from lexigram.nosql.values.path import MISSING

__all__ = ["OPERATORS", "check_unit"]

_SUNDAY = 6


def check_unit(value: Any, name: str) -> str:
    """Check a unit of time.

    Args:
        value: The unit.
        name: The operator, for the message.

    Returns:
        The unit.

    Raises:
        PipelineError: It is not a string (5439013), or not a unit (9).
    """
    if not isinstance(value, str):
        raise fault(5439013, f"'unit' of {name} must be a string, not {type_name(value)}")
    if value not in UNITS:
        raise fault(FAILED_TO_PARSE, f"{name} has no unit {value!r}", f"there are {', '.join(sorted(UNITS))}")
    return value


def _unit_reader(part: Compiled, name: str) -> Callable[[Any, Any], str | None]:
    if part.is_constant:
        fixed = None if part.value is None or part.value is MISSING else check_unit(part.value, name)
        return lambda _document, _variables: fixed
    read = part.evaluate

    def unit(document: Any, variables: Any) -> str | None:
        value = read(document, variables)
        return None if value is None or value is MISSING else check_unit(value, name)

    return unit


def _week_reader(part: Compiled | None, name: str) -> Callable[[Any, Any], int | None]:
    if part is None:
        return lambda _document, _variables: _SUNDAY
    read = part.evaluate

    def first_day(document: Any, variables: Any) -> int | None:
        value = read(document, variables)
        if value is None or value is MISSING:
            return None
        if not isinstance(value, str):
            raise fault(5439015, f"'startOfWeek' of {name} must be a string, not {type_name(value)}")
        number = WEEKDAYS.get(value.lower())
        if number is None:
            raise fault(5439016, f"{value!r} is not a day of the week")
        return number

    return first_day


def _add(name: str, sign: int) -> Builder:
    def build(spec: Any, scope: Scope) -> Compiled:
        arguments = named(
            name,
            spec,
            required={"startDate": 5166402, "unit": 5166402, "amount": 5166402},
            optional=("timezone",),
            not_document=5166400,
            unknown=5166401,
        )
        parts = compile_arguments(arguments, scope)
        read, amount = parts["startDate"].evaluate, parts["amount"].evaluate
        unit, zone = _unit_reader(parts["unit"], name), zone_reader(parts.get("timezone"))

        def add(document: Any, variables: Any) -> Any:
            start = read(document, variables)
            if start is None or start is MISSING:
                return None
            which = unit(document, variables)
            if which is None:
                return None
            count = amount(document, variables)
            if count is None or count is MISSING:
                return None
            where = zone(document, variables)
            if where is NO_ZONE:
                return None
            date = as_date(start, 5166403)
            number = as_int64(count)
            if number is None:
                raise fault(5166405, f"'amount' of {name} must be a whole number, not {type_name(count)}")
            if sign < 0 and number == INT64_MIN:
                raise fault(6045000, f"'amount' of {name} is out of range")
            return add_units(date, which, sign * number, where)

        return combine(list(parts.values()), add)

    return build


def _diff(spec: Any, scope: Scope) -> Compiled:
    arguments = named(
        "$dateDiff",
        spec,
        required={"startDate": 5166303, "endDate": 5166304, "unit": 5166305},
        optional=("timezone", "startOfWeek"),
        not_document=5166301,
        unknown=5166302,
    )
    parts = compile_arguments(arguments, scope)
    first, second = parts["startDate"].evaluate, parts["endDate"].evaluate
    unit, zone = _unit_reader(parts["unit"], "$dateDiff"), zone_reader(parts.get("timezone"))
    week = _week_reader(parts.get("startOfWeek"), "$dateDiff")

    def difference(document: Any, variables: Any) -> Any:
        start = first(document, variables)
        if start is None or start is MISSING:
            return None
        end = second(document, variables)
        if end is None or end is MISSING:
            return None
        which = unit(document, variables)
        if which is None:
            return None
        day = week(document, variables) if which == "week" else _SUNDAY
        if day is None:
            return None
        where = zone(document, variables)
        if where is NO_ZONE:
            return None
        return as_long(count_units(as_date(start, 5166307), as_date(end, 5166307), which, where, day))

    return combine(list(parts.values()), difference)


def _trunc(spec: Any, scope: Scope) -> Compiled:
    arguments = named(
        "$dateTrunc",
        spec,
        required={"date": 5439009, "unit": 5439010},
        optional=("binSize", "timezone", "startOfWeek"),
        not_document=5439007,
        unknown=5439008,
    )
    parts = compile_arguments(arguments, scope)
    read = parts["date"].evaluate
    unit, zone = _unit_reader(parts["unit"], "$dateTrunc"), zone_reader(parts.get("timezone"))
    week = _week_reader(parts.get("startOfWeek"), "$dateTrunc")
    size = parts["binSize"].evaluate if "binSize" in parts else None

    def cut(document: Any, variables: Any) -> Any:
        value = read(document, variables)
        if value is None or value is MISSING:
            return None
        bins: Any = 1 if size is None else size(document, variables)
        if bins is None or bins is MISSING:
            return None
        number = _bin_size(bins)
        which = unit(document, variables)
        if which is None:
            return None
        day = week(document, variables) if which == "week" else _SUNDAY
        if day is None:
            return None
        where = zone(document, variables)
        if where is NO_ZONE:
            return None
        return truncate(as_date(value, 5439012), which, number, where, day)

    return combine(list(parts.values()), cut)


def _bin_size(value: Any) -> int:
    number = as_int64(value)
    if number is None:
        raise fault(5439017, f"'binSize' of $dateTrunc must be a whole number, not {type_name(value)}")
    if number <= 0:
        raise fault(5439018, f"'binSize' of $dateTrunc must be greater than 0, not {number}")
    return number


OPERATORS: Mapping[str, Builder] = {
    "$dateAdd": _add("$dateAdd", 1),
    "$dateSubtract": _add("$dateSubtract", -1),
    "$dateDiff": _diff,
    "$dateTrunc": _trunc,
}

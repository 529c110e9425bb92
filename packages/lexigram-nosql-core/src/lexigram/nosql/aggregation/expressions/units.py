"""Counting in calendar units: adding to dates, distances between them, and the bins they fall into.

Years to days are counted on the clocks of a time zone, hours to milliseconds in elapsed time, as MongoDB's
``$dateAdd``, ``$dateDiff`` and ``$dateTrunc`` do.
"""

from __future__ import annotations

from calendar import monthrange
from datetime import UTC, date, datetime, timedelta
from typing import Final

from lexigram.nosql.aggregation.expressions.errors import OVERFLOW, fault
from lexigram.nosql.aggregation.expressions.moments import date_of, millis_of
from lexigram.nosql.aggregation.expressions.zones import Zone, from_local, local_time, offset_seconds

__all__ = ["UNITS", "WEEKDAYS", "add_units", "count_units", "days_to", "truncate", "unit_millis"]

_MILLIS: Final = {"millisecond": 1, "second": 1000, "minute": 60_000, "hour": 3_600_000}
_MONTHS: Final = {"month": 1, "quarter": 3, "year": 12}
_DAYS: Final = {"day": 1, "week": 7}
UNITS: Final = frozenset({*_MILLIS, *_MONTHS, *_DAYS})
"""Names of the units of time."""

_DAY_NAMES: Final = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
WEEKDAYS: Final = {
    **{name: number for number, name in enumerate(_DAY_NAMES)},
    **{name[:3]: number for number, name in enumerate(_DAY_NAMES)},
}
"""Names of weekdays in lower case, each with its number from Monday as 0."""

_EPOCH_DAY: Final = date(1970, 1, 1).toordinal()
_MAX_AMOUNT: Final = {
    "year": 584_942_419,
    "quarter": 2_339_769_676,
    "month": 7_019_309_028,
    "week": 30_500_568_904,
    "day": 213_503_982_335,
    "hour": 5_124_095_576_040,
    "minute": 307_445_734_562_400,
    "second": 18_446_744_073_744_000,
}
_REFERENCE: Final = datetime(2000, 1, 1, tzinfo=UTC)  # a Saturday, from which bins are counted
_REFERENCE_WEEKDAY: Final = 5
_MAX_BIN: Final = 100_000_000_000


def unit_millis(unit: str) -> int:
    """How long a unit is that always has the same length.

    Args:
        unit: ``week`` or shorter.

    Returns:
        Milliseconds.
    """
    return _MILLIS[unit] if unit in _MILLIS else _DAYS[unit] * 86_400_000


def days_to(year: int, month: int, day: int) -> int:
    """The day number of a date whose parts may be out of range and carry over, so that month 14 is next February.

    Args:
        year: Year.
        month: Month, from 1.
        day: Day of the month, from 1.

    Returns:
        Days from 1970.

    Raises:
        PipelineError: The month is not within the years 1 to 9999 (15).
    """
    years, months = divmod(month - 1, 12)
    if not 1 <= year + years <= 9999:
        raise fault(OVERFLOW, "the date is outside the years 1 to 9999")
    return date(year + years, months + 1, 1).toordinal() - _EPOCH_DAY + day - 1


def _move_days(local: datetime, days: int) -> datetime:
    try:
        return local + timedelta(days=days)
    except OverflowError as error:
        raise fault(OVERFLOW, "the date is outside the years 1 to 9999") from error


def _move_months(local: datetime, months: int) -> datetime:
    years, month = divmod(local.year * 12 + local.month - 1 + months, 12)
    if not 1 <= years <= 9999:
        raise fault(OVERFLOW, "the date is outside the years 1 to 9999")
    # The last day of a shorter month stands for those it lacks.
    day = min(local.day, monthrange(years, month + 1)[1])
    return local.replace(year=years, month=month + 1, day=day)


def add_units(moment: datetime, unit: str, amount: int, zone: Zone) -> datetime:
    """Add units of time to a date.

    Args:
        moment: The date, in UTC.
        unit: The unit.
        amount: How many, negative to go back.
        zone: The zone on whose clocks days and longer units are counted.

    Returns:
        The date, in UTC.

    Raises:
        PipelineError: The amount (5976500) or the result (15) is out of range.
    """
    if unit != "millisecond" and not -_MAX_AMOUNT[unit] < amount < _MAX_AMOUNT[unit]:
        raise fault(5976500, f"{amount} {unit}s are too many to add to a date")
    if unit in _MILLIS:
        return date_of(millis_of(moment) + amount * _MILLIS[unit])
    local = local_time(moment, zone)
    wall = local.replace(tzinfo=None)
    moved = _move_days(wall, amount * _DAYS[unit]) if unit in _DAYS else _move_months(wall, amount * _MONTHS[unit])
    if moved == wall:
        return moment
    return from_local(moved, zone)


def _whole(dividend: int, divisor: int) -> int:
    quotient = abs(dividend) // divisor
    return quotient if dividend >= 0 else -quotient


def count_units(start: datetime, end: datetime, unit: str, zone: Zone, week_start: int) -> int:
    """How many boundaries of a unit lie between two dates.

    Args:
        start: The first date, in UTC.
        end: The second date, in UTC.
        unit: The unit.
        zone: The zone whose clocks tell where a unit begins.
        week_start: The first day of the week, from Monday as 0.

    Returns:
        The count, negative where *end* comes before *start*.
    """
    if unit == "millisecond":
        return millis_of(end) - millis_of(start)
    first, last = local_time(start, zone), local_time(end, zone)
    if unit in _MONTHS:
        months = _MONTHS[unit]
        return _month_number(last) // months - _month_number(first) // months
    days = last.toordinal() - first.toordinal()
    if unit == "day":
        return days
    if unit == "week":
        return (last.toordinal() - 1 - week_start) // 7 - (first.toordinal() - 1 - week_start) // 7
    shift = offset_seconds(first) - offset_seconds(last)
    hours = days * 24 + last.hour - first.hour
    if unit == "hour":
        return hours + _whole(shift, 3600)
    minutes = hours * 60 + last.minute - first.minute
    if unit == "minute":
        return minutes + _whole(shift, 60)
    return minutes * 60 + last.second - first.second + shift


def _month_number(local: datetime) -> int:
    return local.year * 12 + local.month - 1


def truncate(moment: datetime, unit: str, size: int, zone: Zone, week_start: int) -> datetime:
    """The start of the bin that a date falls into; bins are counted from 2000.

    Args:
        moment: The date, in UTC.
        unit: The unit.
        size: How many units a bin has, at least 1.
        zone: The zone whose clocks tell where a unit begins.
        week_start: The first day of the week, from Monday as 0.

    Returns:
        The start of the bin, in UTC.

    Raises:
        PipelineError: The bins are too large (5439006), or one begins out of range (15).
    """
    reference = from_local(_REFERENCE, zone)
    if unit in _MILLIS:
        distance = millis_of(moment) - millis_of(reference)
        return date_of(millis_of(moment) - distance % (size * _MILLIS[unit]))
    if size > _MAX_BIN:
        raise fault(5439006, f"'binSize' of $dateTrunc must be at most {_MAX_BIN}")
    if unit == "week":
        reference = _move_days(reference, (week_start - _REFERENCE_WEEKDAY) % 7)
    distance = count_units(reference, moment, unit, zone, week_start)
    return add_units(reference, unit, distance - distance % size, zone)

"""Dates against zoneinfo, the calendar and plain counting."""

from __future__ import annotations

import calendar
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from hypothesis import assume, given
from hypothesis import strategies as st
from lexigram.nosql.aggregation.expressions import compile_expression

ZONES = ["UTC", "Europe/Berlin", "America/New_York", "Asia/Kathmandu", "Australia/Lord_Howe", "America/St_Johns"]
ZONE = st.sampled_from(ZONES)
MOMENTS = st.integers(-3_786_825_600_000, 4_102_444_800_000).map(
    lambda millis: datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=millis)
)
FIXED = {"millisecond": 1, "second": 1000, "minute": 60_000, "hour": 3_600_000}
CALENDAR = ["day", "week", "month", "quarter", "year"]


def evaluate(name: str, **arguments: Any) -> Any:
    return compile_expression({name: {key: f"${key}" for key in arguments}})(arguments, {})


def millis(moment: datetime) -> int:
    return (moment - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(milliseconds=1)


@given(MOMENTS, ZONE)
def test_parts(moment: datetime, zone: str) -> None:
    local = moment.astimezone(ZoneInfo(zone))
    iso = local.isocalendar()
    expected = {
        "$year": local.year,
        "$month": local.month,
        "$dayOfMonth": local.day,
        "$hour": local.hour,
        "$minute": local.minute,
        "$second": local.second,
        "$millisecond": local.microsecond // 1000,
        "$dayOfYear": int(local.strftime("%j")),
        "$dayOfWeek": int(local.strftime("%w")) + 1,
        "$week": int(local.strftime("%U")),
        "$isoWeek": iso.week,
        "$isoWeekYear": iso.year,
        "$isoDayOfWeek": iso.weekday,
    }
    for name, value in expected.items():
        assert evaluate(name, date=moment, timezone=zone) == value


@given(MOMENTS, ZONE, st.booleans())
def test_parts_and_back(moment: datetime, zone: str, iso: bool) -> None:
    local = moment.astimezone(ZoneInfo(zone))
    parts = evaluate("$dateToParts", date=moment, timezone=zone, iso8601=iso)
    back = evaluate("$dateFromParts", **parts, timezone=zone)
    # What comes twice on the clocks is taken for its first coming.
    assert back == (moment if local.fold == 0 else local.replace(fold=0).astimezone(UTC))


@given(MOMENTS, ZONE)
def test_text_and_back(moment: datetime, zone: str) -> None:
    offset = moment.astimezone(ZoneInfo(zone)).utcoffset()
    assume(offset is not None and offset.total_seconds() % 60 == 0)  # text knows whole minutes only
    form = "%Y-%m-%dT%H:%M:%S.%L%z"
    text = evaluate("$dateToString", date=moment, format=form, timezone=zone)
    assert datetime.fromisoformat(text) == moment
    assert evaluate("$dateFromString", dateString=text, format=form) == moment
    assert evaluate("$dateFromString", dateString=text) == moment
    plain = evaluate("$dateToString", date=moment)
    assert plain == moment.strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03d}Z"
    assert evaluate("$dateFromString", dateString=plain) == moment
    day = evaluate("$dateToString", date=moment, format="%G-W%V-%u", timezone=zone)
    assert date.fromisoformat(day) == moment.astimezone(ZoneInfo(zone)).date()


@given(MOMENTS, st.sampled_from(sorted(FIXED)), st.integers(-10_000, 10_000), ZONE)
def test_adding_elapsed_time(moment: datetime, unit: str, amount: int, zone: str) -> None:
    later = evaluate("$dateAdd", startDate=moment, unit=unit, amount=amount, timezone=zone)
    assert later == moment + timedelta(milliseconds=FIXED[unit] * amount)
    assert evaluate("$dateSubtract", startDate=later, unit=unit, amount=amount, timezone=zone) == moment


def moved(day: date, unit: str, amount: int) -> date:
    if unit in ("day", "week"):
        return day + timedelta(days=amount * (7 if unit == "week" else 1))
    for _step in range(abs(amount) * {"month": 1, "quarter": 3, "year": 12}[unit]):
        day = day.replace(day=1) + timedelta(days=32 if amount > 0 else -1)
        day = day.replace(day=1)
    return day


@given(MOMENTS, st.sampled_from(CALENDAR), st.integers(-30, 30), ZONE)
def test_adding_on_the_calendar(moment: datetime, unit: str, amount: int, zone: str) -> None:
    local = moment.astimezone(ZoneInfo(zone))
    found = evaluate("$dateAdd", startDate=moment, unit=unit, amount=amount, timezone=zone)
    day = moved(local.date(), unit, amount)
    if unit in ("month", "quarter", "year"):
        day = day.replace(day=min(local.day, calendar.monthrange(day.year, day.month)[1]))
    wanted = datetime.combine(day, local.time(), tzinfo=ZoneInfo(zone)).astimezone(UTC)
    assert found == (moment if amount == 0 else wanted)


@given(MOMENTS, MOMENTS, ZONE)
def test_differences_on_the_calendar(start: datetime, end: datetime, zone: str) -> None:
    first, last = (moment.astimezone(ZoneInfo(zone)) for moment in (start, end))
    monday_first, monday_last = (day.date() - timedelta(days=day.weekday()) for day in (first, last))
    months = (last.year - first.year) * 12 + last.month - first.month
    expected = {
        "year": last.year - first.year,
        "quarter": (last.year * 4 + (last.month - 1) // 3) - (first.year * 4 + (first.month - 1) // 3),
        "month": months,
        "day": (last.date() - first.date()).days,
    }
    for unit, count in expected.items():
        assert evaluate("$dateDiff", startDate=start, endDate=end, unit=unit, timezone=zone) == count
    weeks = evaluate("$dateDiff", startDate=start, endDate=end, unit="week", timezone=zone, startOfWeek="monday")
    assert weeks == (monday_last - monday_first).days // 7


@given(MOMENTS, MOMENTS, st.sampled_from(sorted(FIXED)))
def test_differences_of_elapsed_time(start: datetime, end: datetime, unit: str) -> None:
    expected = millis(end) // FIXED[unit] - millis(start) // FIXED[unit]
    assert evaluate("$dateDiff", startDate=start, endDate=end, unit=unit) == expected


@given(MOMENTS, st.sampled_from([*FIXED, *CALENDAR]), st.integers(1, 40), ZONE)
def test_bins(moment: datetime, unit: str, size: int, zone: str) -> None:
    arguments = {"unit": unit, "timezone": zone}
    start = evaluate("$dateTrunc", date=moment, binSize=size, **arguments)
    end = evaluate("$dateAdd", startDate=start, amount=size, **arguments)
    local = start.astimezone(ZoneInfo(zone))
    # Where clocks were set back over the start of a day, this day has two of them.
    assume(all(each.astimezone(ZoneInfo(zone)).replace(fold=0).astimezone(UTC) == each for each in (start, moment)))
    assert start <= moment < end
    assert evaluate("$dateTrunc", date=start, binSize=size, **arguments) == start
    if unit in FIXED:
        assert (millis(moment) - millis(start)) < size * FIXED[unit]
    elif local.hour:  # the start of the day did not come on these clocks
        assert local.hour == 1
    else:
        assert (local.minute, local.second, local.microsecond) == (0, 0, 0)
    if unit in ("month", "quarter", "year"):
        assert local.day == 1
        months = {"month": 1, "quarter": 3, "year": 12}[unit]
        assert ((local.year - 2000) * 12 + local.month - 1) % (months * size) == 0
    if unit == "week":
        assert local.weekday() == 6


@given(st.integers(1, 9999), st.integers(-400, 400), st.integers(-4000, 4000), st.integers(-100, 100))
def test_parts_that_carry_over(year: int, month: int, day: int, hour: int) -> None:
    months = year * 12 + month - 1
    assume(12 <= months < 9999 * 12 + 12)
    first = datetime(months // 12, months % 12 + 1, 1, tzinfo=UTC)
    try:
        expected = first + timedelta(days=day - 1, hours=hour)
    except OverflowError:
        assume(False)
    assert evaluate("$dateFromParts", year=year, month=month, day=day, hour=hour) == expected

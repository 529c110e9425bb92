"""Dates read from text without a format: ISO 8601 in its variants, and the common ways in which dates are written.

MongoDB leaves this to a lenient parser; what is read here is what its manual and tests show:
``2017-02-08T12:10:40.787Z``, ``20170208T121040``, ``2017-W27-2``, ``2017-185``, ``2/8/2017``, ``08-02-2017``, ``Feb
8th, 2017 5pm``, ``8 February 2017``, ``@1486555840``; zones as ``Z``, offsets, abbreviations and military letters.
Words that count from the present day are not.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Final

from lexigram.nosql.aggregation.expressions.date_format import MONTH_NAMES, DateFields, broken
from lexigram.nosql.aggregation.expressions.units import WEEKDAYS
from lexigram.nosql.aggregation.expressions.zones import Zone

__all__ = ["read_date"]

_MONTHS: Final = {
    **{name.lower(): number for number, name in enumerate(MONTH_NAMES, 1)},
    **{name[:3].lower(): number for number, name in enumerate(MONTH_NAMES, 1)},
    "sept": 9,
}
_NAMES: Final = "|".join(sorted(_MONTHS, key=len, reverse=True))
_FLAGS: Final = re.IGNORECASE | re.ASCII

# The usual shape, tried first.
_ISO: Final = re.compile(
    r"(\d{4})-(\d{2})-(\d{2})(?:[T ](\d{2}):(\d{2})(?::(\d{2})(?:[.,](\d{1,9}))?)?)?(Z)?", re.ASCII
)
_WEEKDAY: Final = re.compile(r"(sun|mon|tues?|wed(?:nes)?|thu(?:rs?)?|fri|sat(?:ur)?)(?:day)?\b[.,]?\s*", _FLAGS)
_DATES: Final = tuple(
    re.compile(pattern, _FLAGS)
    for pattern in (
        r"(?P<Y>\d{4})-?w(?P<V>[0-5]\d)(?:-?(?P<u>[0-7]))?(?!\d)",
        r"(?P<Y>\d{4})[-/](?P<m>\d{1,2})[-/](?P<d>\d{1,2})(?!\d)",
        r"(?P<Y>\d{4})(?P<m>\d{2})(?P<d>\d{2})(?![\d.])",
        r"(?P<Y>\d{4})[-.]?(?P<j>[0-3]\d{2})(?!\d)",
        r"(?P<Y>\d{4})-(?P<m>\d{1,2})(?![\d:])",
        rf"(?P<Y>\d{{4}})[-. ]?(?P<b>{_NAMES})[-. ]?(?P<d>\d{{1,2}})(?:st|nd|rd|th)?(?!\d)",
        r"(?P<m>\d{1,2})/(?P<d>\d{1,2})(?:/(?P<Y>\d{4}|\d{2}))?(?!\d)",
        r"(?P<d>\d{1,2})[-.](?P<m>\d{1,2})[-.](?P<Y>\d{4})(?!\d)",
        r"(?P<d>\d{1,2})\.(?P<m>\d{1,2})\.(?P<Y>\d{2})(?![\d:])",
        rf"(?P<d>\d{{1,2}})(?:st|nd|rd|th)?[ \t.-]*(?P<b>{_NAMES})\b[ \t.,-]*(?P<Y>\d{{4}}|\d{{2}}(?![\d:]))?",
        rf"(?P<b>{_NAMES})\b[ .\t-]*(?P<d>\d{{1,2}})(?:st|nd|rd|th)?(?![\d:])[ \t.,-]*(?P<Y>\d{{4}})?(?![\d:])",
        rf"(?P<b>{_NAMES})\b[ .\t-]*(?P<Y>\d{{4}})(?!\d)",
    )
)
_TIMES: Final = tuple(
    re.compile(pattern, _FLAGS)
    for pattern in (
        (
            r"(?:t|\s*)(?P<H>\d{1,2})[:.](?P<M>[0-5]\d)(?:[:.](?P<S>[0-5]\d|60)(?:[.,:](?P<f>\d+))?)?"
            r"(?:\s*(?P<p>[ap])\.?m\b\.?)?(?!\d)"
        ),
        r"\s*(?P<H>\d{1,2})\s*(?P<p>[ap])\.?m\b\.?",
        r"t(?P<H>[01]\d|2[0-4])(?P<M>[0-5]\d)(?:(?P<S>[0-5]\d)(?:[.,](?P<f>\d+))?)?(?!\d)",
        r"t(?P<H>\d{1,2})(?!\d)",
        r"\s*(?P<w>noon|midnight)\b",
    )
)
_SEPARATOR: Final = re.compile(r"[\s,]*")
_EPOCH: Final = re.compile(r"@(-?\d{1,15})(?:\.(\d{1,6}))?", re.ASCII)


def read_date(text: str, zone: Zone) -> datetime:
    """Read a date.

    Args:
        text: The date.
        zone: The zone that the caller asked for; None for UTC.

    Returns:
        A local time in the zone, or an aware one where the text had a zone.

    Raises:
        PipelineError: The text is not a date that is understood, or is incomplete (241).
    """
    fields = DateFields()
    iso = _ISO.fullmatch(text)
    if iso is not None:
        fields.year, fields.month, fields.day = int(iso[1]), int(iso[2]), int(iso[3])
        if iso[4] is not None:
            fields.hour, fields.minute, fields.second = int(iso[4]), int(iso[5]), int(iso[6] or 0)
            fields.micro = int((iso[7] or "0")[:6].ljust(6, "0"))
        if iso[8]:
            fields.offset = 0
        _check_time(fields, text)
        return fields.moment(text, zone)
    stripped = text.strip()
    epoch = _EPOCH.fullmatch(stripped)
    if epoch is not None:
        return _from_epoch(text, epoch, zone)
    return _read(fields, stripped, text, zone)


def _from_epoch(text: str, found: re.Match[str], zone: Zone) -> datetime:
    if zone is not None:
        raise broken(text, "it has a time zone, and a timezone argument is given too")
    try:
        moment = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=int(found[1]))
    except OverflowError as error:
        raise broken(text, "it is outside the years 1 to 9999") from error
    return moment.replace(microsecond=int((found[2] or "0").ljust(6, "0")))


def _read(fields: DateFields, text: str, whole: str, zone: Zone) -> datetime:
    position = 0
    weekday: int | None = None
    seen_date = seen_time = False
    while position < len(text):
        day = _WEEKDAY.match(text, position)
        if day is not None and weekday is None:
            weekday = WEEKDAYS[day[1][:3].lower()]
            position = day.end()
            continue
        end = position if seen_date else _read_date(fields, text, position)
        if end > position:
            seen_date = True
        elif not seen_time:
            end = _read_time(fields, text, position)
            seen_time = end > position
        if end == position and fields.offset is None:
            end = fields.read_zone(text, position)
        if end == position:
            raise broken(whole, f"nothing is understood at position {position}")
        position = _next(text, end)
    _check_time(fields, whole)
    moment = fields.moment(whole, zone)
    if weekday is not None:  # a weekday that the date does not have means the next one that follows
        moment += timedelta(days=(weekday - moment.weekday()) % 7)
    return moment


def _next(text: str, position: int) -> int:
    """Past white space and commas, unless a time follows that is marked by a T."""
    found = _SEPARATOR.match(text, position)
    return position if found is None else found.end()


def _read_date(fields: DateFields, text: str, position: int) -> int:
    for pattern in _DATES:
        found = pattern.match(text, position)
        if found is None:
            continue
        parts = found.groupdict()
        year = parts["Y"]
        number = None if year is None else int(year)
        if year is not None and number is not None and len(year) == 2:
            number += 2000 if number < 70 else 1900
        if "V" in parts:
            fields.iso_year, fields.iso_week = number, int(parts["V"])
            fields.iso_day = int(parts["u"]) if parts["u"] else 1
        elif "j" in parts:
            fields.year, fields.day_of_year = number, int(parts["j"])
        else:
            fields.year = number
            month = parts.get("b")
            fields.month = _MONTHS[month.lower()] if month else int(parts["m"])
            fields.day = int(parts["d"]) if "d" in parts else 1
        return found.end()
    return position


def _read_time(fields: DateFields, text: str, position: int) -> int:
    for pattern in _TIMES:
        found = pattern.match(text, position)
        if found is None:
            continue
        parts = found.groupdict()
        if "w" in parts:
            fields.hour, fields.minute, fields.second = (12 if parts["w"].lower() == "noon" else 0), 0, 0
            return found.end()
        hour = int(parts["H"])
        half = parts.get("p")
        if half:
            if not 1 <= hour <= 12:
                raise broken(text, "the hour is out of range")
            hour = hour % 12 + (12 if half.lower() == "p" else 0)
        fields.hour = hour
        fields.minute = int(parts.get("M") or 0)
        fields.second = int(parts.get("S") or 0)
        fields.micro = int((parts.get("f") or "0")[:6].ljust(6, "0"))
        return found.end()
    return position


def _check_time(fields: DateFields, text: str) -> None:
    hour, minute, second = fields.hour or 0, fields.minute or 0, fields.second or 0
    if hour > 24 or minute > 59 or second > 60 or (hour == 24 and (minute or second or fields.micro)):
        raise broken(text, "the time is out of range")

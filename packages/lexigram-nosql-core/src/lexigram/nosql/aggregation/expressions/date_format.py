"""Dates to text and back by a format of ``%`` specifiers (manual, ``$dateToString``, ``$dateFromString``)."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date, datetime, timedelta, timezone
from functools import lru_cache
from typing import Any, Final

from lexigram.nosql.aggregation.expressions.errors import CONVERSION_FAILURE, fault
from lexigram.nosql.aggregation.expressions.zones import Zone, offset_seconds
from lexigram.nosql.exceptions import PipelineError

__all__ = ["MONTH_NAMES", "DateFields", "Formatter", "check_format", "formatter", "parse_with_format", "week_of_year"]

Formatter = Callable[[datetime], str]

MONTH_NAMES: Final = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November",
    "December",
)  # fmt: skip
_WRITTEN: Final = frozenset("bBdGHjLmMSwuUVYzZ%")
_READ: Final = frozenset("bBdGHjLmMSuVYzZ%")


def week_of_year(local: datetime) -> int:
    """The week of the year, where weeks begin on Sunday and days before the first Sunday are in week 0.

    Args:
        local: A local time.

    Returns:
        0 to 53.
    """
    day_of_year = local.timetuple().tm_yday
    return (day_of_year + 6 - local.isoweekday() % 7) // 7


def _offset(local: datetime) -> str:
    minutes = _minutes(local)
    hours, rest = divmod(abs(minutes), 60)
    return f"{'-' if minutes < 0 else '+'}{hours:02d}{rest:02d}"


def _minutes(local: datetime) -> int:
    seconds = offset_seconds(local)
    return seconds // 60 if seconds >= 0 else -(-seconds // 60)


_WRITERS: Final[dict[str, Formatter]] = {
    "b": lambda local: MONTH_NAMES[local.month - 1][:3],
    "B": lambda local: MONTH_NAMES[local.month - 1],
    "d": lambda local: f"{local.day:02d}",
    "G": lambda local: f"{local.isocalendar().year:04d}",
    "H": lambda local: f"{local.hour:02d}",
    "j": lambda local: f"{local.timetuple().tm_yday:03d}",
    "L": lambda local: f"{local.microsecond // 1000:03d}",
    "m": lambda local: f"{local.month:02d}",
    "M": lambda local: f"{local.minute:02d}",
    "S": lambda local: f"{local.second:02d}",
    "w": lambda local: str(local.isoweekday() % 7 + 1),
    "u": lambda local: str(local.isoweekday()),
    "U": lambda local: f"{week_of_year(local):02d}",
    "V": lambda local: f"{local.isocalendar().week:02d}",
    "Y": lambda local: f"{local.year:04d}",
    "z": _offset,
    "Z": lambda local: str(_minutes(local)),
    "%": lambda _local: "%",
}


def _pieces(text: str, known: frozenset[str]) -> list[tuple[bool, str]]:
    """A format cut into specifiers (True) and literal text."""
    pieces: list[tuple[bool, str]] = []
    position = 0
    while position < len(text):
        if text[position] != "%":
            end = text.find("%", position)
            end = len(text) if end < 0 else end
            pieces.append((False, text[position:end]))
            position = end
            continue
        if position + 1 == len(text):
            raise fault(18535, "a date format ends in a single '%'")
        letter = text[position + 1]
        if letter not in known:
            raise fault(18536, f"a date format has no specifier %{letter}", f"there are %{', %'.join(sorted(known))}")
        pieces.append((True, letter))
        position += 2
    return pieces


@lru_cache(maxsize=256)
def formatter(text: str) -> Formatter:
    """Prepare a format for writing dates.

    Args:
        text: The format.

    Returns:
        A function of a local time.

    Raises:
        PipelineError: A specifier is unknown (18536) or incomplete (18535).
    """
    writers = [_WRITERS[piece] if special else _literal(piece) for special, piece in _pieces(text, _WRITTEN)]
    return lambda local: "".join([write(local) for write in writers])


def _literal(text: str) -> Formatter:
    return lambda _local: text


def check_format(text: str) -> None:
    """Check a format for reading dates.

    Args:
        text: The format.

    Raises:
        PipelineError: A specifier is unknown (18536) or incomplete (18535).
    """
    _reading(text)


_MONTHS_READ: Final = {name.lower(): number for number, name in enumerate(MONTH_NAMES, 1)} | {
    name[:3].lower(): number for number, name in enumerate(MONTH_NAMES, 1)
}
_ABBREVIATIONS: Final = {
    "utc": 0, "gmt": 0, "z": 0, "wet": 0, "west": 1, "bst": 1, "ist": 1, "cet": 1, "cest": 2, "mez": 1, "mesz": 2,
    "eet": 2, "eest": 3, "msk": 3, "msd": 4, "est": -5, "edt": -4, "cst": -6, "cdt": -5, "mst": -7, "mdt": -6,
    "pst": -8, "pdt": -7, "akst": -9, "akdt": -8, "hst": -10, "jst": 9, "kst": 9, "aest": 10, "aedt": 11, "awst": 8,
    "nzst": 12, "nzdt": 13, "ast": -4, "adt": -3, "sast": 2, "hkt": 8, "pkt": 5,
}  # fmt: skip
_MILITARY: Final = {
    **{chr(ord("a") + number - 1 + (number > 9)): number for number in range(1, 13)},
    **{chr(ord("n") + number - 1): -number for number in range(1, 13)},
}
_ZONE: Final = re.compile(
    r"\s*\(?(?:(?:gmt|utc)(?=[+-]))?(?:(?P<sign>[+-])(?P<hours>\d{1,2})(?::?(?P<minutes>\d{2}))?|(?P<name>[A-Za-z]{1,6}))\)?",
    re.IGNORECASE | re.ASCII,
)


class DateFields:
    """What was read of a date.

    Attributes:
        year: And so on down to ``micro``: the parts; None for those that were not there.
        iso_year: Year of an ISO week date, with ``iso_week`` and ``iso_day``.
        day_of_year: Number of the day in its year.
        offset: Minutes ahead of UTC; None where no zone was given.
    """

    __slots__ = (
        "day", "day_of_year", "hour", "iso_day", "iso_week", "iso_year", "micro", "minute", "month", "offset", "second",
        "year",
    )  # fmt: skip

    def __init__(self) -> None:
        self.year: int | None = None
        self.month: int | None = None
        self.day: int | None = None
        self.hour: int | None = None
        self.minute: int | None = None
        self.second: int | None = None
        self.micro: int | None = None
        self.iso_year: int | None = None
        self.iso_week: int | None = None
        self.iso_day: int | None = None
        self.day_of_year: int | None = None
        self.offset: int | None = None

    def read_zone(self, text: str, position: int) -> int:
        """Read a time zone: an offset, an abbreviation such as ``EST`` or a military letter.

        Args:
            text: The text.
            position: Where the zone begins.

        Returns:
            Where it ends; the position given if there is no zone.
        """
        found = _ZONE.match(text, position)
        if found is None:
            return position
        if found["sign"]:
            minutes = int(found["hours"]) * 60 + int(found["minutes"] or 0)
            self.offset = -minutes if found["sign"] == "-" else minutes
            return found.end()
        name = found["name"].lower()
        hours = _ABBREVIATIONS.get(name, _MILITARY.get(name))
        if hours is None:
            return position
        self.offset = hours * 60
        return found.end()

    def moment(self, text: str, zone: Zone) -> datetime:
        """Make the date.

        Args:
            text: What was read, for the error.
            zone: The zone that the caller asked for.

        Returns:
            A local time in the zone, or an aware one where the text had a zone.

        Raises:
            PipelineError: The parts are incomplete, out of range, or mixed, or there are two zones (241).
        """
        if self.offset is not None and zone is not None:
            raise broken(text, "it has a time zone, and a timezone argument is given too")
        try:
            day = self._day(text)
            if self.hour is None and self.minute is None and self.second is None and self.micro is None:
                self.hour = 0
            elif self.hour is None:
                raise broken(text, "it is incomplete: the hour is missing")
            start = datetime(day.year, day.month, day.day)  # noqa: DTZ001 - a local time, whose zone follows
            moment = start + timedelta(
                hours=self.hour, minutes=self.minute or 0, seconds=self.second or 0, microseconds=self.micro or 0
            )
            if self.offset is not None:
                moment = moment.replace(tzinfo=timezone(timedelta(minutes=self.offset)))
        except PipelineError:
            raise
        except (ValueError, OverflowError) as error:
            raise broken(text, str(error)) from error
        return moment

    def _day(self, text: str) -> date:
        natural = self.year is not None or self.month is not None or self.day is not None
        iso = self.iso_year is not None or self.iso_week is not None or self.iso_day is not None
        if natural and iso:
            raise broken(text, "it mixes ISO week dates with natural dates")
        if iso:
            if self.iso_year is None:
                raise broken(text, "it has an ISO week or day without the ISO year")
            monday = date(self.iso_year, 1, 4)
            monday -= timedelta(days=monday.isoweekday() - 1)
            week = 1 if self.iso_week is None else self.iso_week
            return monday + timedelta(days=(week - 1) * 7 + (1 if self.iso_day is None else self.iso_day) - 1)
        if self.year is not None and self.day_of_year is not None:
            if not 1 <= self.day_of_year <= 366:
                raise broken(text, "the day of the year is out of range")
            return date(self.year, 1, 1) + timedelta(days=self.day_of_year - 1)
        if self.year is None or self.month is None or self.day is None:
            raise broken(text, "it is incomplete: year, month and day are needed")
        return date(self.year, self.month, self.day)


def broken(text: str, reason: str) -> Exception:
    """Make the error for text that is not a date.

    Args:
        text: The text.
        reason: What is wrong.

    Returns:
        The error (241).
    """
    return fault(CONVERSION_FAILURE, f"{text[:100]!r} is not a date: {reason}")


_Reader = Callable[[DateFields, str, int], int]


def _digits(name: str, most: int) -> _Reader:
    pattern = re.compile(rf"\d{{1,{most}}}", re.ASCII)

    def read(fields: DateFields, text: str, position: int) -> int:
        found = pattern.match(text, position)
        if found is None:
            raise broken(text, f"there is no {name.replace('_', ' ')} at position {position}")
        setattr(fields, name, int(found[0]))
        return found.end()

    return read


_FRACTION: Final = re.compile(r"\d{1,3}", re.ASCII)
_WORD: Final = re.compile(r"[A-Za-z]+")
_MINUTES: Final = re.compile(r"[+-]?\d{1,4}", re.ASCII)


def _milliseconds(fields: DateFields, text: str, position: int) -> int:
    found = _FRACTION.match(text, position)
    if found is None:
        raise broken(text, f"there are no milliseconds at position {position}")
    fields.micro = int(found[0].ljust(6, "0"))
    return found.end()


def _month(fields: DateFields, text: str, position: int) -> int:
    found = _WORD.match(text, position)
    month = _MONTHS_READ.get(found[0].lower()) if found else None
    if found is None or month is None:
        raise broken(text, f"there is no month's name at position {position}")
    fields.month = month
    return found.end()


def _zone(fields: DateFields, text: str, position: int) -> int:
    end = fields.read_zone(text, position)
    if end == position:
        raise broken(text, f"there is no time zone at position {position}")
    return end


def _zone_minutes(fields: DateFields, text: str, position: int) -> int:
    found = _MINUTES.match(text, position)
    if found is None:
        raise broken(text, f"there are no minutes from UTC at position {position}")
    fields.offset = int(found[0])
    return found.end()


def _percent(_fields: DateFields, text: str, position: int) -> int:
    if text[position : position + 1] != "%":
        raise broken(text, f"there is no '%' at position {position}")
    return position + 1


_READERS: Final[dict[str, _Reader]] = {
    "b": _month,
    "B": _month,
    "d": _digits("day", 2),
    "G": _digits("iso_year", 4),
    "H": _digits("hour", 2),
    "j": _digits("day_of_year", 3),
    "L": _milliseconds,
    "m": _digits("month", 2),
    "M": _digits("minute", 2),
    "S": _digits("second", 2),
    "u": _digits("iso_day", 1),
    "V": _digits("iso_week", 2),
    "Y": _digits("year", 4),
    "z": _zone,
    "Z": _zone_minutes,
    "%": _percent,
}
_RANGES: Final = (("hour", 23), ("minute", 59), ("second", 59), ("iso_week", 53), ("iso_day", 7))


@lru_cache(maxsize=256)
def _reading(text: str) -> list[tuple[bool, str]]:
    return _pieces(text, _READ)


def parse_with_format(text: str, format: str, zone: Zone) -> datetime:
    """Read a date by a format.

    Args:
        text: The date.
        format: The format.
        zone: The zone that the caller asked for; None for UTC.

    Returns:
        A local time in the zone, or an aware one where the text had a zone.

    Raises:
        PipelineError: The text is not a date in this format (241), or the format is not valid (18535, 18536).
    """
    fields = DateFields()
    position = 0
    for special, piece in _reading(format):
        if special:
            position = _READERS[piece](fields, text, position)
        elif text.startswith(piece, position):
            position += len(piece)
        else:
            raise broken(text, f"{piece!r} is not at position {position}")
    if position < len(text):
        raise broken(text, f"there is more after position {position}")
    for name, most in _RANGES:
        value: Any = getattr(fields, name)
        if value is not None and value > most:
            raise broken(text, f"the {name.replace('_', ' ')} is out of range")
    return fields.moment(text, zone)

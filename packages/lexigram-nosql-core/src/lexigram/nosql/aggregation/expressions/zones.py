"""Time zones: Olson names through :mod:`zoneinfo`, and offsets such as ``+05:30``.

A zone is a ``tzinfo``; None stands for UTC, for which dates need no conversion. Where clocks are set back, a local
time that comes twice is taken for its first coming; where they are set forward, one that does not come is counted
with the offset from before, as MongoDB does.
"""

# Values are of any type here, and what is narrowed from Any has parts that are unknown to the checker.
# pyright: reportUnknownArgumentType=false, reportUnknownLambdaType=false, reportUnknownMemberType=false
# pyright: reportUnknownParameterType=false, reportUnknownVariableType=false

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from functools import lru_cache
from typing import Any, Final
from zoneinfo import ZoneInfo

from lexigram.nosql.aggregation.expressions.errors import OVERFLOW, fault
from lexigram.nosql.aggregation.expressions.moments import date_of, millis_of
from lexigram.nosql.values.bson_compat import BsonTag, bson_tag
from lexigram.nosql.values.kinds import type_name

__all__ = ["Zone", "as_date", "from_local", "local_time", "offset_seconds", "parse_zone"]

Zone = tzinfo | None

_OFFSET: Final = re.compile(r"([+-])(\d{2})(?::?(\d{2}))?", re.ASCII)
_NAME: Final = re.compile(r"[A-Za-z][A-Za-z0-9_+\-/]*")
_UTC_NAMES: Final = frozenset({"UTC", "GMT", "Etc/UTC", "Etc/GMT", "Z"})


@lru_cache(maxsize=1024)
def _zone(text: str) -> Zone:
    offset = _OFFSET.fullmatch(text)
    if offset is not None:
        minutes = int(offset[2]) * 60 + int(offset[3] or 0)
        if minutes == 0:
            return None
        delta = timedelta(minutes=minutes if offset[1] == "+" else -minutes)
        if abs(delta) < timedelta(hours=24):
            return timezone(delta)
        raise fault(40485, f"an offset of {text} from UTC is too large")
    if text in _UTC_NAMES:
        return None
    if _NAME.fullmatch(text):
        try:
            return ZoneInfo(text)
        except (KeyError, ValueError, OSError):
            pass
    raise fault(
        40485, f"there is no time zone {text!r}", "use a name such as 'Europe/London', or an offset such as '+05:30'"
    )


def parse_zone(value: Any) -> Zone:
    """Read a time zone.

    Args:
        value: An Olson name, or an offset: ``+05``, ``+0530``, ``+05:30``.

    Returns:
        The zone; None for UTC.

    Raises:
        PipelineError: The value is not a string (40517), or no zone has this name (40485).
    """
    if not isinstance(value, str):
        raise fault(40517, f"a time zone must be a string, not {type_name(value)}")
    return _zone(value)


def as_date(value: Any, code: int = 16006) -> datetime:
    """A value as a date.

    Args:
        value: A date, a timestamp or an ObjectId.
        code: MongoDB's code for anything else.

    Returns:
        The date, in UTC with milliseconds.

    Raises:
        PipelineError: The value has no date, or one outside the years 1 to 9999 (15).
    """
    if type(value) is datetime and value.tzinfo is UTC:
        return value
    if isinstance(value, datetime):
        return date_of(millis_of(value))
    tag = bson_tag(type(value))
    if tag is BsonTag.DATETIME_MS:
        return date_of(millis_of(value))
    if tag is BsonTag.TIMESTAMP:
        return date_of(value.time * 1000)
    if tag is BsonTag.OBJECT_ID:
        return date_of(int.from_bytes(value.binary[:4], "big") * 1000)
    raise fault(code, f"a value of type {type_name(value)} is not a date")


def local_time(date: datetime, zone: Zone) -> datetime:
    """A date as the clocks of a zone show it.

    Args:
        date: The date, in UTC.
        zone: The zone.

    Returns:
        A datetime with the local year, month and so on.

    Raises:
        PipelineError: The local time is not within the years 1 to 9999 (15).
    """
    if zone is None:
        return date
    try:
        return date.astimezone(zone)
    except OverflowError as error:
        raise fault(OVERFLOW, "the date is outside the years 1 to 9999 in this time zone") from error


def from_local(local: datetime, zone: Zone) -> datetime:
    """The date when the clocks of a zone show a time.

    Args:
        local: The time shown; its own zone does not matter.
        zone: The zone.

    Returns:
        The date, in UTC.

    Raises:
        PipelineError: The date is not within the years 1 to 9999 (15).
    """
    if zone is None:
        return local.replace(tzinfo=UTC, fold=0)
    try:
        return local.replace(tzinfo=zone, fold=0).astimezone(UTC)
    except OverflowError as error:
        raise fault(OVERFLOW, "the date is outside the years 1 to 9999") from error


def offset_seconds(local: datetime) -> int:
    """How far ahead of UTC the clocks are.

    Args:
        local: A time of :func:`local_time`.

    Returns:
        Seconds.
    """
    offset = local.utcoffset()
    return 0 if offset is None else offset.days * 86400 + offset.seconds

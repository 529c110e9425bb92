"""Dates as milliseconds and back.

Dates are datetimes in UTC, aware, with milliseconds. MongoDB's dates reach further than Python's years 1 to 9999: a
``bson.DatetimeMS`` from outside is computed with, and a result outside is an error.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any, Final

from lexigram.nosql.aggregation.expressions.errors import OVERFLOW, fault
from lexigram.nosql.values.order import date_millis

__all__ = ["date_of", "millis_of"]

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_FIRST: Final = -62135596800000
_LAST: Final = 253402300799999


def millis_of(date: Any) -> int:
    """Milliseconds from 1970 to a date.

    Args:
        date: A datetime or ``bson.DatetimeMS``.

    Returns:
        Milliseconds.
    """
    return date_millis(date)


def date_of(millis: int) -> datetime:
    """The date so many milliseconds after the start of 1970.

    Args:
        millis: Milliseconds, negative for earlier dates.

    Returns:
        The date, in UTC.

    Raises:
        PipelineError: It is not within the years 1 to 9999 (15).
    """
    if not _FIRST <= millis <= _LAST:
        raise fault(OVERFLOW, "the date is outside the years 1 to 9999")
    return _EPOCH + timedelta(milliseconds=millis)

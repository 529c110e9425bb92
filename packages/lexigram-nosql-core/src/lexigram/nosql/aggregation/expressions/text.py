"""Values as text, as the string operators read their operands, and numbers and dates as ``$toString`` writes them."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta
from typing import Any

from lexigram.nosql.aggregation.expressions.errors import fault
from lexigram.nosql.aggregation.expressions.moments import date_of, millis_of
from lexigram.nosql.aggregation.expressions.numbers import as_decimal
from lexigram.nosql.values.kinds import Kind, kind_of, type_name

__all__ = ["as_text", "date_text", "double_text", "utf8"]

_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def utf8(text: str) -> bytes:
    """A string's bytes.

    Args:
        text: The string.

    Returns:
        Its UTF-8 form.
    """
    return text.encode("utf-8", "surrogatepass")


def double_text(value: float) -> str:
    """A double as ``$toString`` writes it: the shortest text that reads back as the same number.

    Args:
        value: The double.

    Returns:
        Such as ``2.5``, ``1``, ``1e+21``, ``-0``, ``Infinity`` or ``NaN``.
    """
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "Infinity" if value > 0 else "-Infinity"
    return repr(value).removesuffix(".0")


def date_text(date: Any) -> str:
    """A date in ISO 8601, in UTC with milliseconds.

    Args:
        date: A datetime or ``bson.DatetimeMS``.

    Returns:
        Such as ``2024-01-31T12:00:00.000Z``.

    Raises:
        PipelineError: It is not within the years 1 to 9999 (15).
    """
    moment = date_of(millis_of(date))
    return f"{moment:%m-%dT%H:%M:%S}".join((f"{moment.year:04d}-", f".{moment.microsecond // 1000:03d}Z"))


def as_text(value: Any) -> str:
    """A value as the string operators read it; null and missing are empty.

    Args:
        value: A string, number, date, timestamp or code.

    Returns:
        The text.

    Raises:
        PipelineError: The value is of another type (16007).
    """
    kind = kind_of(value)
    if kind is Kind.STRING or kind is Kind.JAVASCRIPT:
        return str(value)
    if kind is Kind.NULL or kind is Kind.MISSING:
        return ""
    if kind is Kind.INT or kind is Kind.LONG:
        return str(int(value))
    if kind is Kind.DOUBLE:
        return f"{value:.16g}"
    if kind is Kind.DECIMAL:
        return str(as_decimal(value))
    if kind is Kind.DATE:
        return date_text(value)
    if kind is Kind.TIMESTAMP:
        moment = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=value.time)
        return f"{_MONTHS[moment.month - 1]} {moment.day:2d} {moment:%H:%M:%S}:{value.inc:x}"
    raise fault(16007, f"a value of type {type_name(value)} is not text")

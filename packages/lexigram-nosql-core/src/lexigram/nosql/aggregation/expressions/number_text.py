"""Numbers to text and back, as ``$convert`` does it, in bases 2, 8, 10 and 16."""

from __future__ import annotations

import math
import re
from decimal import Decimal
from typing import Any, Final

from lexigram.nosql.aggregation.expressions.errors import CONVERSION_FAILURE, fault
from lexigram.nosql.aggregation.expressions.numbers import DECIMAL128, as_decimal, as_int64
from lexigram.nosql.aggregation.expressions.text import double_text
from lexigram.nosql.values.kinds import INT64_MAX, INT64_MIN, Kind

__all__ = ["number_to_text", "text_to_decimal", "text_to_double", "text_to_int"]

_FORMATS: Final = {2: "b", 8: "o", 10: "d", 16: "X"}
_DIGITS: Final = {
    2: re.compile(r"[+-]?[01]+"),
    8: re.compile(r"[+-]?[0-7]+"),
    10: re.compile(r"[+-]?[0-9]+"),
    16: re.compile(r"[+-]?[0-9A-Fa-f]+"),
}
_REAL: Final = re.compile(r"[+-]?(?:(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:e[+-]?[0-9]+)?|inf(?:inity)?|nan)", re.IGNORECASE)
_LONGEST: Final = 1000


def _unreadable(text: str, what: str) -> Exception:
    return fault(CONVERSION_FAILURE, f"{text[:100]!r} is not {what}")


def text_to_int(text: str, base: int = 10) -> int:
    """Read a whole number of 64 bits.

    Args:
        text: Its digits, with or without a sign.
        base: 2, 8, 10 or 16.

    Returns:
        The number.

    Raises:
        PipelineError: The text is not such a number (241).
    """
    if len(text) > _LONGEST or not _DIGITS[base].fullmatch(text):
        raise _unreadable(text, f"a whole number in base {base}")
    number = int(text, base)
    if not INT64_MIN <= number <= INT64_MAX:
        raise _unreadable(text, "a number of 64 bits")
    return number


def text_to_double(text: str) -> float:
    """Read a double.

    Args:
        text: The number in decimal.

    Returns:
        The nearest double.

    Raises:
        PipelineError: The text is not a number, or out of range (241).
    """
    if len(text) > _LONGEST or not _REAL.fullmatch(text):
        raise _unreadable(text, "a number")
    number = float(text)
    if math.isinf(number) and "inf" not in text.lower():
        raise _unreadable(text, "a number in the range of doubles")
    return number


def text_to_decimal(text: str) -> Decimal:
    """Read a decimal.

    Args:
        text: The number in decimal.

    Returns:
        The decimal, rounded to 34 digits.

    Raises:
        PipelineError: The text is not a number, or out of range (241).
    """
    if len(text) > _LONGEST or not _REAL.fullmatch(text):
        raise _unreadable(text, "a number")
    number = DECIMAL128.create_decimal(text)
    lost = number.is_zero() and re.search("[1-9]", re.split("[eE]", text, maxsplit=1)[0]) is not None
    if lost or (number.is_infinite() and "inf" not in text.lower()):
        raise _unreadable(text, "a number in the range of decimals")
    return number


def number_to_text(value: Any, kind: Kind, base: int | None) -> str:
    """Write a number.

    Args:
        value: The number.
        kind: Its kind.
        base: The base for whole numbers; None for decimal notation.

    Returns:
        The text.

    Raises:
        PipelineError: A base is given and the number is not whole, or has more than 64 bits (241).
    """
    if base is None:
        if kind is Kind.DOUBLE:
            return double_text(value)
        return str(as_decimal(value)) if kind is Kind.DECIMAL else str(int(value))
    number = as_int64(value)
    if number is None:
        raise fault(CONVERSION_FAILURE, f"{value} has no form in base {base}: it is not a whole number of 64 bits")
    return format(number, _FORMATS[base])

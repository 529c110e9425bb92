"""Numbers as DynamoDB holds them: 38 digits, magnitudes from 1E-130 to 9.99…E+125, and no other than finite ones."""

from __future__ import annotations

from decimal import MAX_EMAX, MIN_EMIN, Context, Decimal
from math import isfinite
from typing import Any, Final

from lexigram.nosql.backends.dynamodb.codec.tags import EXPONENT

__all__ = ["MAX_DIGITS", "decimal_parts", "fits_number", "float_text", "parse_decimal", "parse_number", "plain_text"]

MAX_DIGITS: Final = 38
_LEAST: Final = -130
_GREATEST: Final = 125
_FLOAT_LEAST: Final = 1e-130
_FLOAT_GREATEST: Final = 9.99e125
_FLOAT_DIGITS: Final = 15
"""Digits that every float keeps (C's ``DBL_DIG``)."""
_EXACT: Final = Context(prec=6300, Emax=MAX_EMAX, Emin=MIN_EMIN)  # holds every Decimal128 written out


def fits_number(value: Decimal) -> bool:
    """Say whether DynamoDB holds a number exactly.

    Args:
        value: Any decimal.
    """
    if not value.is_finite():
        return False
    if not value:
        return True
    if not _LEAST <= value.adjusted() <= _GREATEST:
        return False
    return len(value.as_tuple().digits) <= MAX_DIGITS or len(value.normalize(_EXACT).as_tuple().digits) <= MAX_DIGITS


def plain_text(value: Decimal) -> str:
    """A finite decimal without an exponent or needless zeros, as DynamoDB gives it back.

    Args:
        value: A finite decimal.
    """
    return format(value.normalize(_EXACT), "f") if value else "0"


def decimal_parts(value: Decimal) -> dict[str, Any] | None:
    """A decimal as a number, and its exponent where the number does not tell it.

    Args:
        value: Any decimal.

    Returns:
        The contents of the tag as ``N`` under an empty name, with ``$exp`` beside it where needed; None for what
        DynamoDB's numbers do not hold: negative zero, what is not finite, and what is too large or too small.
    """
    if not fits_number(value) or (not value and value.is_signed()):
        return None
    text = plain_text(value)
    parts: dict[str, Any] = {"": {"N": text}}
    exponent = value.as_tuple().exponent
    if exponent != Decimal(text).as_tuple().exponent:
        parts[EXPONENT] = {"N": str(exponent)}
    return parts


def parse_decimal(text: str, exponent: int | None = None) -> Decimal:
    """The decimal that :func:`decimal_parts` took apart.

    Args:
        text: The number, in whatever form the server gave it back.
        exponent: Its exponent where that was given.
    """
    value = Decimal(plain_text(Decimal(text)))
    if exponent is None:
        return value
    sign, digits, own = value.as_tuple()
    shift = int(own) - exponent
    if shift < 0:  # zeros that plain text has, and the value does not
        return Decimal((sign, digits[:shift] or (0,), exponent))
    return Decimal((sign, digits + (0,) * shift if value else (0,), exponent))


def float_text(value: float) -> str | None:
    """A float as a number.

    Args:
        value: Any float.

    Returns:
        Its shortest digits that come back as the same float; None where DynamoDB's numbers do not hold it: negative
        zero, what is not finite, and what is too large or too small.
    """
    if not isfinite(value):
        return None
    if value == 0.0:
        return None if str(value)[0] == "-" else "0"
    return repr(value) if _FLOAT_LEAST <= abs(value) <= _FLOAT_GREATEST else None


def parse_number(text: str) -> int | float | Decimal:
    """What a plain number is: an int when whole, a float when it has a fraction that a float keeps.

    Args:
        text: The number, in whatever form the server gave it back.

    Returns:
        An int, a float, or a Decimal for what neither keeps.
    """
    if "." not in text and "E" not in text and "e" not in text:
        whole = int(text)
        return whole if -(2**63) <= whole < 2**63 else Decimal(text)
    value = Decimal(text)
    if value == value.to_integral_value():
        whole = int(value)
        return whole if -(2**63) <= whole < 2**63 else Decimal(plain_text(value))
    number = float(text)
    if len(text) > _FLOAT_DIGITS and Decimal(repr(number)) != value:
        return Decimal(plain_text(value))
    return number

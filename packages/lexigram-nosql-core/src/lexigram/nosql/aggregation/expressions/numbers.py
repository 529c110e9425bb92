"""Numbers as MongoDB computes with them: int, long, double and decimal.

A Python int is ``int`` or ``long`` by its size; ``bson.Int64`` stays ``long`` through arithmetic. A result that
leaves 64 bits becomes a double. Decimals are computed with 34 digits in the range of IEEE 754 decimal128, half to
even; a result is a ``bson.Decimal128`` where an operand was one, else a ``Decimal``.
"""

# Values are of any type here, and what is narrowed from Any has parts that are unknown to the checker.
# pyright: reportUnknownArgumentType=false, reportUnknownLambdaType=false, reportUnknownMemberType=false
# pyright: reportUnknownParameterType=false, reportUnknownVariableType=false

from __future__ import annotations

import math
from collections.abc import Iterable
from decimal import MAX_PREC, ROUND_DOWN, ROUND_HALF_EVEN, Context, Decimal
from typing import Any, Final

from lexigram.nosql.values.bson_compat import BsonTag, bson_tag, load
from lexigram.nosql.values.kinds import (
    INT32_MAX,
    INT32_MIN,
    INT64_MAX,
    INT64_MIN,
    NUMBER_KINDS,
    Kind,
    class_kind,
    kind_of,
)
from lexigram.nosql.values.order import number_value

__all__ = [
    "DECIMAL128",
    "as_decimal",
    "as_double",
    "as_int32",
    "as_int64",
    "as_long",
    "clip",
    "has_int64",
    "is_numeric",
    "like_decimal",
    "number_kind",
    "round_half_away",
    "stays_long",
]

DECIMAL128: Final = Context(prec=34, rounding=ROUND_HALF_EVEN, Emin=-6143, Emax=6144, clamp=1, traps=[])
"""Arithmetic of decimal128: no traps, so that faults give NaN and infinities as the standard says."""

_EXACT: Final = Context(prec=MAX_PREC, traps=[])


def number_kind(value: Any) -> Kind | None:
    """The kind of a number.

    Args:
        value: Any value, or ``MISSING``.

    Returns:
        ``INT``, ``LONG``, ``DOUBLE`` or ``DECIMAL``; None for everything else, bool included.
    """
    kind = kind_of(value)
    return kind if kind in NUMBER_KINDS else None


def is_numeric(value: Any) -> bool:
    """Whether a value is a number; a bool is not.

    Args:
        value: Any value, or ``MISSING``.

    Returns:
        True for int, long, double and decimal.
    """
    cls = type(value)
    return cls is int or cls is float or class_kind(cls) in NUMBER_KINDS


def has_int64(*values: Any) -> bool:
    """Whether one of the values is a ``bson.Int64``, so that the result is a long whatever its size.

    Args:
        values: Numbers.

    Returns:
        True if one is.
    """
    return any(type(value) is not int and isinstance(value, int) for value in values)


def stays_long(result: int, *operands: Any) -> bool:
    """Whether a whole result needs the class of longs, because an operand was a long and it would be taken for an int.

    Args:
        result: The result.
        operands: What it was computed from, whole numbers.

    Returns:
        True if it does: a long is never an int again by becoming small.
    """
    if has_int64(*operands):
        return True
    return INT32_MIN <= result <= INT32_MAX and not all(INT32_MIN <= operand <= INT32_MAX for operand in operands)


def as_long(value: int) -> int:
    """A long: ``bson.Int64`` where bson is installed and the number would be taken for an int, else the int itself.

    Args:
        value: A whole number.

    Returns:
        The same number.
    """
    int64 = _int64_class()
    return value if int64 is None else int64(value)


_cache: dict[str, Any] = {}


def _int64_class() -> Any:
    try:
        return _cache["int64"]
    except KeyError:
        try:
            _cache["int64"] = load(BsonTag.INT64)
        except Exception:  # noqa: BLE001 - bson is optional, and plain ints do without it
            _cache["int64"] = None
        return _cache["int64"]


def clip(value: int, *, long: bool = False) -> int | float:
    """A whole result as MongoDB returns it: a double where it does not fit in 64 bits.

    Args:
        value: The exact result.
        long: True where the result is a long even when it is small.

    Returns:
        The int, or the nearest double.
    """
    if INT64_MIN <= value <= INT64_MAX:
        return as_long(value) if long else value
    return float(value)


def as_double(value: Any) -> float:
    """A number as a double.

    Args:
        value: A number of any kind.

    Returns:
        The nearest double.
    """
    try:
        return float(number_value(value))
    except OverflowError:
        return math.copysign(math.inf, value)


def as_decimal(value: Any) -> Decimal:
    """A number as a decimal; doubles count with 15 digits.

    Args:
        value: A number of any kind.

    Returns:
        The decimal.
    """
    if isinstance(value, Decimal):
        return value
    if isinstance(value, float):
        if value and math.isfinite(value):
            return Decimal(f"{value:.14e}")
        return Decimal(value)
    if isinstance(value, int):
        return Decimal(int(value))
    number = number_value(value)
    return number if isinstance(number, Decimal) else Decimal(number)


def like_decimal(result: Decimal, operands: Iterable[Any]) -> Any:
    """A decimal result in the class of the operands.

    Args:
        result: The result.
        operands: What it was computed from.

    Returns:
        A ``bson.Decimal128`` if one of the operands is one, else the result itself.
    """
    for operand in operands:
        if not isinstance(operand, Decimal) and bson_tag(type(operand)) is BsonTag.DECIMAL128:
            return type(operand)(result)
    return result


def round_half_away(value: float) -> int:
    """The nearest whole number, halves away from zero.

    Args:
        value: A finite double.

    Returns:
        The whole number.
    """
    whole = math.trunc(value)
    if abs(value - whole) >= 0.5:
        whole += 1 if value > 0 else -1
    return whole


def as_int64(value: Any) -> int | None:
    """A number as a whole number of 64 bits.

    Args:
        value: Any value.

    Returns:
        The int; None if the value is not a number, has a fraction, or does not fit.
    """
    kind = number_kind(value)
    if kind is None:
        return None
    if kind is Kind.INT or kind is Kind.LONG:
        whole = int(value)
    elif kind is Kind.DOUBLE:
        if not math.isfinite(value) or value != math.trunc(value):
            return None
        whole = int(value)
    else:
        number = as_decimal(value)
        if not number.is_finite() or number.adjusted() > 20 or number != number.to_integral_value(ROUND_DOWN, _EXACT):
            return None
        whole = int(number)
    return whole if INT64_MIN <= whole <= INT64_MAX else None


def as_int32(value: Any) -> int | None:
    """A number as a whole number of 32 bits.

    Args:
        value: Any value.

    Returns:
        The int; None if the value is not a number, has a fraction, or does not fit.
    """
    whole = as_int64(value)
    return whole if whole is not None and -(2**31) <= whole < 2**31 else None

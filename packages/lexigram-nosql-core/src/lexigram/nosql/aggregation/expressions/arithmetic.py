"""``$add $subtract $multiply $divide $mod`` and the like (manual, "Arithmetic Expression Operators").

Null and missing operands give null. Whole numbers stay whole while they fit in 64 bits and become doubles beyond;
one double makes the result a double, one decimal a decimal. ``$divide`` never gives a whole number. Dates are added
to and subtracted in milliseconds. The powers and logarithms are in
:mod:`~lexigram.nosql.aggregation.expressions.powers`, rounding in
:mod:`~lexigram.nosql.aggregation.expressions.rounding`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import Any

from lexigram.nosql.aggregation.expressions.arguments import at_least, exactly, until_null
from lexigram.nosql.aggregation.expressions.compiled import Compiled, Evaluator
from lexigram.nosql.aggregation.expressions.errors import BAD_VALUE, OVERFLOW, TYPE_MISMATCH, fault
from lexigram.nosql.aggregation.expressions.generate import binary
from lexigram.nosql.aggregation.expressions.moments import date_of, millis_of
from lexigram.nosql.aggregation.expressions.numbers import (
    DECIMAL128,
    as_decimal,
    as_double,
    as_long,
    clip,
    like_decimal,
    number_kind,
    round_half_away,
    stays_long,
)
from lexigram.nosql.aggregation.expressions.scope import Builder, Scope
from lexigram.nosql.values.kinds import INT64_MAX, INT64_MIN, Kind, kind_of, type_name
from lexigram.nosql.values.path import MISSING

__all__ = ["OPERATORS", "add", "divide", "multiply", "subtract"]

_WIDTH = {Kind.INT: 0, Kind.LONG: 1, Kind.DOUBLE: 2, Kind.DECIMAL: 3}


def _whole_millis(value: Any) -> int:
    """A number of milliseconds to move a date by."""
    if isinstance(value, int):
        return int(value)
    if isinstance(value, float):
        if not math.isfinite(value) or not INT64_MIN <= value < INT64_MAX + 1:
            raise fault(OVERFLOW, "the date would be out of range")
        return round_half_away(value)
    number = as_decimal(value)
    if not number.is_finite() or number.adjusted() > 20:
        raise fault(OVERFLOW, "the date would be out of range")
    return int(number.to_integral_value())


def _like_long(result: int, values: Sequence[Any]) -> int:
    return as_long(result) if stays_long(result, *values) else result


def add(*values: Any) -> Any:
    """Add as ``$add`` does.

    Args:
        values: Numbers and at most one date; null and ``MISSING`` make the result null.

    Returns:
        The sum, a date if one was among the operands.

    Raises:
        PipelineError: A value is neither (14), two are dates (16612), or the date is out of range (15).
    """
    total: Any = 0
    width = 0
    long = False
    millis: int | None = None
    for value in values:
        if value is None or value is MISSING:
            return None
        kind = number_kind(value)
        if kind is None:
            if kind_of(value) is not Kind.DATE:
                raise fault(TYPE_MISMATCH, f"$add takes numbers and dates, not {type_name(value)}")
            if millis is not None:
                raise fault(16612, "$add takes one date at most")
            millis = _whole_millis(total) + millis_of(value)
            continue
        if millis is not None:
            millis += _whole_millis(value)
            continue
        if _WIDTH[kind] > width:
            width = _WIDTH[kind]
            if width == 2:
                total = float(total)
            elif width == 3:
                total = as_decimal(total)
        long = long or kind is Kind.LONG
        if width == 3:
            total = DECIMAL128.add(total, as_decimal(value))
        elif width == 2:
            total += float(value)
        else:
            whole = total + int(value)
            if INT64_MIN <= whole <= INT64_MAX:
                total = whole
            else:
                total, width = float(total) + float(value), 2
    if millis is not None:
        return date_of(millis)
    if width == 3:
        return like_decimal(total, values)
    return _like_long(total, values) if long and width < 2 else total


def subtract(left: Any, right: Any) -> Any:
    """Subtract as ``$subtract`` does.

    Args:
        left: A number or a date.
        right: A number, or a date if *left* is one.

    Returns:
        The difference: a number, a date less milliseconds, or the milliseconds between two dates; None for null.

    Raises:
        PipelineError: The types do not go together (14), or the date is out of range (15).
    """
    if left is None or left is MISSING or right is None or right is MISSING:
        return None
    from_kind, kind = number_kind(left), number_kind(right)
    if from_kind is not None and kind is not None:
        if Kind.DECIMAL in (from_kind, kind):
            return like_decimal(DECIMAL128.subtract(as_decimal(left), as_decimal(right)), (left, right))
        if Kind.DOUBLE in (from_kind, kind):
            return float(left) - float(right)
        whole = int(left) - int(right)
        if INT64_MIN <= whole <= INT64_MAX:
            return clip(whole, long=stays_long(whole, left, right))
        return float(left) - float(right)
    if kind_of(left) is Kind.DATE:
        if kind_of(right) is Kind.DATE:
            return as_long(millis_of(left) - millis_of(right))
        if kind is not None:
            return date_of(millis_of(left) - _whole_millis(right))
    raise fault(TYPE_MISMATCH, f"$subtract cannot take {type_name(right)} from {type_name(left)}")


def multiply(*values: Any) -> Any:
    """Multiply as ``$multiply`` does.

    Args:
        values: Numbers; null and ``MISSING`` make the result null.

    Returns:
        The product.

    Raises:
        PipelineError: A value is not a number (14).
    """
    product: Any = 1
    double = 1.0
    width = 0
    long = False
    for value in values:
        if value is None or value is MISSING:
            return None
        kind = number_kind(value)
        if kind is None:
            raise fault(TYPE_MISMATCH, f"$multiply takes numbers, not {type_name(value)}")
        long = long or kind is Kind.LONG
        if kind is Kind.DECIMAL and width < 3:
            product = as_decimal(double) if width == 2 else Decimal(product)
            width = 3
        if width == 3:
            product = DECIMAL128.multiply(product, as_decimal(value))
            continue
        double *= float(value)
        width = max(width, _WIDTH[kind])
        if width < 2:
            product *= int(value)
            if not INT64_MIN <= product <= INT64_MAX:
                width = 2
    if width == 3:
        return like_decimal(product, values)
    if width == 2:
        return double
    return _like_long(product, values) if long else product


def divide(left: Any, right: Any) -> Any:
    """Divide as ``$divide`` does.

    Args:
        left: The dividend.
        right: The divisor.

    Returns:
        The quotient, a double or a decimal; None for null.

    Raises:
        PipelineError: An operand is not a number (14), or the divisor is 0 (2).
    """
    if left is None or left is MISSING or right is None or right is MISSING:
        return None
    kinds = (number_kind(left), number_kind(right))
    if None in kinds:
        raise fault(TYPE_MISMATCH, f"$divide takes numbers, not {type_name(left)} and {type_name(right)}")
    if Kind.DECIMAL in kinds:
        divisor = as_decimal(right)
        if divisor.is_zero():
            raise fault(BAD_VALUE, "$divide cannot divide by zero")
        return like_decimal(DECIMAL128.divide(as_decimal(left), divisor), (left, right))
    divisor_double = float(right)
    if divisor_double == 0:
        raise fault(BAD_VALUE, "$divide cannot divide by zero")
    return float(left) / divisor_double


def _mod(left: Any, right: Any) -> Any:
    if left is None or left is MISSING or right is None or right is MISSING:
        return None
    kinds = (number_kind(left), number_kind(right))
    if None in kinds:
        raise fault(16611, f"$mod takes numbers, not {type_name(left)} and {type_name(right)}")
    if Kind.DECIMAL in kinds:
        divisor = as_decimal(right)
        if divisor.is_zero():
            raise fault(5733415, "$mod cannot divide by zero")
        return like_decimal(_decimal_remainder(as_decimal(left), divisor), (left, right))
    if as_double(right) == 0:
        raise fault(16610, "$mod cannot divide by zero")
    if Kind.DOUBLE in kinds:
        try:
            return math.fmod(left, right)
        except ValueError:  # an infinite dividend has no remainder
            return math.nan
    # The remainder has the sign of the dividend, where Python's has the divisor's.
    remainder = abs(int(left)) % abs(int(right))
    return clip(-remainder if left < 0 else remainder, long=stays_long(remainder, left, right))


def _decimal_remainder(left: Decimal, right: Decimal) -> Decimal:
    if left.is_finite() and right.is_finite():
        # The context's remainder refuses quotients of more than 34 digits, which decimal128 divides exactly.
        wide = DECIMAL128.copy()
        wide.prec = max(34, left.adjusted() - right.adjusted() + 36)
        wide.Emin, wide.Emax, wide.clamp = -20000, 20000, 0
        return DECIMAL128.plus(wide.remainder(left, right))
    return DECIMAL128.remainder(left, right)


# Two ints give what fits in 64 bits. What a long gives is left alone where its size says that it is a long.
_SUM = """
if type(x) is int and type(y) is int:
    if -2147483648 <= x <= 2147483647 and -2147483648 <= y <= 2147483647:
        return x {sign} y
    result = x {sign} y
    if 2147483647 < result <= 9223372036854775807 or -9223372036854775808 <= result < -2147483648:
        return result
elif type(x) is float and (type(y) is float or type(y) is int) or type(y) is float and type(x) is int:
    return x {sign} y
return slow(x, y)
"""
_QUOTIENT = """
if y and (type(x) is int or type(x) is float) and (type(y) is int or type(y) is float):
    return x * 1.0 / y
return slow(x, y)
"""


def _two(body: str, slow: Callable[[Any, Any], Any]) -> Callable[[Sequence[Compiled], Scope], Evaluator]:
    return lambda parts, _scope: binary(body, parts[0], parts[1], {"slow": slow})


def _many(body: str, slow: Callable[..., Any]) -> Callable[[Sequence[Compiled], Scope], Evaluator]:
    others = until_null(slow)

    def make(parts: Sequence[Compiled], scope: Scope) -> Evaluator:
        if len(parts) == 2:
            return binary(body, parts[0], parts[1], {"slow": slow}, stops=True)
        return others(parts, scope)

    return make


OPERATORS: Mapping[str, Builder] = {
    "$add": at_least("$add", 0, 0, _many(_SUM.format(sign="+"), add)),
    "$subtract": exactly("$subtract", 2, _two(_SUM.format(sign="-"), subtract)),
    "$multiply": at_least("$multiply", 0, 0, _many(_SUM.format(sign="*"), multiply)),
    "$divide": exactly("$divide", 2, _two(_QUOTIENT, divide)),
    "$mod": exactly("$mod", 2, lambda parts, _scope: binary("return slow(x, y)", parts[0], parts[1], {"slow": _mod})),
}

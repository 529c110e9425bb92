"""Sine and its relatives (manual, "Trigonometry Expression Operators").

Angles are radians. Null and missing give null, NaN gives NaN; an operand outside the range of a function is an
error.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

from lexigram.nosql.aggregation.expressions.arguments import exactly, valued
from lexigram.nosql.aggregation.expressions.decimals import FUNCTIONS, atan2, pi
from lexigram.nosql.aggregation.expressions.errors import fault
from lexigram.nosql.aggregation.expressions.numbers import (
    DECIMAL128,
    as_decimal,
    as_double,
    like_decimal,
    number_kind,
)
from lexigram.nosql.aggregation.expressions.powers import unary
from lexigram.nosql.aggregation.expressions.scope import Builder
from lexigram.nosql.values.kinds import Kind, type_name
from lexigram.nosql.values.path import MISSING

__all__ = ["OPERATORS"]

_INFINITY = math.inf


def _function(
    name: str,
    double: Callable[[float], float],
    low: float = -_INFINITY,
    high: float = _INFINITY,
    *,
    finite: bool = False,
) -> Builder:
    decimal = FUNCTIONS[name]

    def compute(value: Any, kind: Kind) -> Any:
        if kind is Kind.DECIMAL:
            number = as_decimal(value)
            if number.is_nan():
                return value
            check(number)
            return like_decimal(decimal(number), (value,))
        number_double = float(value)
        if math.isnan(number_double):
            return number_double
        check(number_double)
        try:
            return double(number_double)
        except OverflowError:  # only sinh and cosh grow so fast
            return math.copysign(math.inf, number_double) if name == "sinh" else math.inf

    def check(number: float | Decimal) -> None:
        if not low <= number <= high or (finite and not Decimal(number).is_finite()):
            bounds = "a finite number" if finite else f"a number from {low} to {high}"
            raise fault(50989, f"${name} takes {bounds}, not {number}")

    return unary(f"${name}", compute)


def _atanh(number: float) -> float:
    return math.copysign(math.inf, number) if abs(number) == 1 else math.atanh(number)


def _atan2(y: Any, x: Any) -> Any:
    if y is None or y is MISSING:
        return None
    first = number_kind(y)
    if first is None:
        raise fault(51044, f"$atan2 takes numbers, not {type_name(y)}")
    if x is None or x is MISSING:
        return None
    second = number_kind(x)
    if second is None:
        raise fault(51045, f"$atan2 takes numbers, not {type_name(x)}")
    if Kind.DECIMAL in (first, second):
        return like_decimal(atan2(as_decimal(y), as_decimal(x)), (y, x))
    return math.atan2(as_double(y), as_double(x))


def _scaled(name: str, double: float, decimal: Decimal) -> Builder:
    def compute(value: Any, kind: Kind) -> Any:
        if kind is Kind.DECIMAL:
            return like_decimal(DECIMAL128.multiply(as_decimal(value), decimal), (value,))
        return float(value) * double

    return unary(name, compute)


OPERATORS: Mapping[str, Builder] = {
    "$sin": _function("sin", math.sin, finite=True),
    "$cos": _function("cos", math.cos, finite=True),
    "$tan": _function("tan", math.tan, finite=True),
    "$asin": _function("asin", math.asin, -1, 1),
    "$acos": _function("acos", math.acos, -1, 1),
    "$atan": _function("atan", math.atan),
    "$atan2": exactly("$atan2", 2, valued(_atan2)),
    "$sinh": _function("sinh", math.sinh),
    "$cosh": _function("cosh", math.cosh),
    "$tanh": _function("tanh", math.tanh),
    "$asinh": _function("asinh", math.asinh),
    "$acosh": _function("acosh", math.acosh, 1),
    "$atanh": _function("atanh", _atanh, -1, 1),
    "$degreesToRadians": _scaled("$degreesToRadians", math.pi / 180.0, DECIMAL128.divide(pi(40), Decimal(180))),
    "$radiansToDegrees": _scaled("$radiansToDegrees", 180.0 / math.pi, DECIMAL128.divide(Decimal(180), pi(40))),
}

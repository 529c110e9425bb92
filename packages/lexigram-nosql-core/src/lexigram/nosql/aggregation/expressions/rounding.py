"""``$ceil $floor $round $trunc`` (manual, "Arithmetic Expression Operators").

``$round`` takes halves to the even neighbour. Doubles are rounded as the decimals they are, to 34 digits, so
``2.675`` to two places is ``2.67``. Whole numbers stay whole.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from decimal import ROUND_CEILING, ROUND_DOWN, ROUND_FLOOR, ROUND_HALF_EVEN, Context, Decimal
from typing import Any

from lexigram.nosql.aggregation.expressions.arguments import between, valued
from lexigram.nosql.aggregation.expressions.errors import fault
from lexigram.nosql.aggregation.expressions.numbers import (
    DECIMAL128,
    as_decimal,
    as_int64,
    as_long,
    is_numeric,
    like_decimal,
    number_kind,
    stays_long,
)
from lexigram.nosql.aggregation.expressions.powers import unary
from lexigram.nosql.aggregation.expressions.scope import Builder
from lexigram.nosql.values.kinds import INT64_MAX, INT64_MIN, Kind, type_name
from lexigram.nosql.values.path import MISSING

__all__ = ["OPERATORS"]

_DIGITS = 34
_WIDE = Context(prec=400, Emin=-20000, Emax=20000, traps=[])


def _quantize(number: Decimal, place: int, rounding: str) -> Decimal:
    """Round to a place; a place too far right gives zeros up to the 34 digits that there are."""
    if not number.is_finite():
        return number
    return _rounded(number, min(place, _DIGITS - 1 - number.adjusted()) if number else place, rounding)


def _rounded(number: Decimal, place: int, rounding: str) -> Decimal:
    context = _WIDE.copy()
    context.rounding = rounding
    return number.quantize(Decimal((0, (1,), -place)), context=context)


def _whole(name: str, rounding: str) -> Builder:
    def function(value: Any, kind: Kind) -> Any:
        if kind is Kind.DOUBLE:
            if not math.isfinite(value):
                return value
            number: float = value
            result = float(math.ceil(number) if rounding == ROUND_CEILING else math.floor(number))
            return math.copysign(0.0, value) if result == 0 and value <= 0 else result
        if kind is Kind.DECIMAL:
            return like_decimal(_quantize(as_decimal(value), 0, rounding), (value,))
        return value

    return unary(name, function)


def _to_place(name: str, rounding: str) -> Builder:
    def function(value: Any, place: Any = 0) -> Any:
        if value is None or value is MISSING:
            return None
        kind = number_kind(value)
        if kind is None:
            raise fault(51081, f"{name} takes a number, not {type_name(value)}")
        if place is None or place is MISSING:
            return None
        if not is_numeric(place):
            raise fault(16004, f"the place of {name} must be a whole number, not {type_name(place)}")
        where = as_int64(place)
        if where is None:
            raise fault(51082, f"the place of {name} must be a whole number, not {place}")
        if not -20 <= where <= 100:
            raise fault(51083, f"the place of {name} must be from -20 to 100, not {where}")
        return _round(name, value, kind, where, rounding)

    return between(name, 1, 2, valued(function))


def _round(name: str, value: Any, kind: Kind, place: int, rounding: str) -> Any:
    if kind is Kind.DECIMAL:
        return like_decimal(_quantize(as_decimal(value), place, rounding), (value,))
    if kind is Kind.DOUBLE:
        if not math.isfinite(value):
            return value
        result = float(_quantize(DECIMAL128.create_decimal_from_float(value), place, rounding))
        return math.copysign(result, value) if result == 0 else result
    if place >= 0:
        return value
    whole = int(_rounded(Decimal(int(value)), place, rounding))
    if not INT64_MIN <= whole <= INT64_MAX:
        raise fault(51080, f"{name} of {value} to {place} places does not fit in 64 bits")
    return as_long(whole) if stays_long(whole, value) else whole


OPERATORS: Mapping[str, Builder] = {
    "$ceil": _whole("$ceil", ROUND_CEILING),
    "$floor": _whole("$floor", ROUND_FLOOR),
    "$round": _to_place("$round", ROUND_HALF_EVEN),
    "$trunc": _to_place("$trunc", ROUND_DOWN),
}

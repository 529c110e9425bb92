"""``$abs $exp $ln $log $log10 $pow $sigmoid $sqrt`` (manual, "Arithmetic Expression Operators").

Null and missing give null. Decimals are computed with 34 digits, everything else as doubles; a power of whole
numbers stays whole while it fits in 64 bits.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

from lexigram.nosql.aggregation.expressions.arguments import exactly, named, valued
from lexigram.nosql.aggregation.expressions.compiled import Compiled, combine
from lexigram.nosql.aggregation.expressions.errors import TYPE_MISMATCH, fault
from lexigram.nosql.aggregation.expressions.numbers import (
    DECIMAL128,
    as_decimal,
    as_double,
    clip,
    has_int64,
    like_decimal,
    number_kind,
    stays_long,
)
from lexigram.nosql.aggregation.expressions.scope import Builder, Scope
from lexigram.nosql.values.kinds import INT64_MAX, INT64_MIN, Kind, type_name
from lexigram.nosql.values.path import MISSING

__all__ = ["OPERATORS", "unary"]


def unary(name: str, function: Callable[[Any, Kind], Any]) -> Builder:
    """The builder of an operator on one number, null where the operand is null or missing.

    Args:
        name: The operator's name.
        function: Takes the number and its kind.

    Returns:
        The builder; the operator refuses what is not a number (28765).
    """

    def evaluate(value: Any) -> Any:
        if value is None or value is MISSING:
            return None
        kind = number_kind(value)
        if kind is None:
            raise fault(28765, f"{name} takes a number, not {type_name(value)}")
        return function(value, kind)

    return exactly(name, 1, valued(evaluate))


def _abs(value: Any, kind: Kind) -> Any:
    if kind is Kind.DECIMAL:
        return like_decimal(as_decimal(value).copy_abs(), (value,))
    if kind is Kind.DOUBLE:
        return abs(value)
    if value == INT64_MIN:
        raise fault(28680, "$abs has no 64-bit result for the smallest long")
    return clip(abs(int(value)), long=has_int64(value))


def _exp(value: Any, kind: Kind) -> Any:
    if kind is Kind.DECIMAL:
        return like_decimal(DECIMAL128.exp(as_decimal(value)), (value,))
    try:
        return math.exp(value)
    except OverflowError:
        return math.inf


def _logarithm(
    name: str, code: int, double: Callable[[float], float], decimal: Callable[[Decimal], Decimal]
) -> Builder:
    def function(value: Any, kind: Kind) -> Any:
        if kind is Kind.DECIMAL:
            number = as_decimal(value)
            if number.is_nan():
                return value
            if number > 0:
                return like_decimal(decimal(number), (value,))
        argument = as_double(value)
        if math.isnan(argument):
            return math.nan
        if argument <= 0:
            raise fault(code, f"{name} takes a positive number, not {argument}")
        return double(argument)

    return unary(name, function)


def _log(value: Any, base: Any) -> Any:
    if value is None or value is MISSING or base is None or base is MISSING:
        return None
    kinds = (number_kind(value), number_kind(base))
    if kinds[0] is None:
        raise fault(28756, f"$log takes a number, not {type_name(value)}")
    if kinds[1] is None:
        raise fault(28757, f"the base of $log must be a number, not {type_name(base)}")
    if Kind.DECIMAL in kinds:
        number, root = as_decimal(value), as_decimal(base)
        if number.is_nan() or root.is_nan():
            return like_decimal(Decimal("NaN"), (value, base))
        if number > 0 and root > 0 and root != 1:
            result = DECIMAL128.divide(DECIMAL128.ln(number), DECIMAL128.ln(root))
            return like_decimal(result, (value, base))
    argument, root_double = as_double(value), as_double(base)
    if argument <= 0:
        raise fault(28758, f"$log takes a positive number, not {argument}")
    if root_double <= 0 or root_double == 1:
        raise fault(28759, f"the base of $log must be positive and not 1, not {root_double}")
    logarithm, divisor = math.log(argument), math.log(root_double)
    return logarithm / divisor


def _pow(base: Any, exponent: Any) -> Any:
    if base is None or base is MISSING or exponent is None or exponent is MISSING:
        return None
    kinds = (number_kind(base), number_kind(exponent))
    if kinds[0] is None:
        raise fault(28762, f"the base of $pow must be a number, not {type_name(base)}")
    if kinds[1] is None:
        raise fault(28763, f"the exponent of $pow must be a number, not {type_name(exponent)}")
    if as_decimal(base).is_zero() and _is_negative(exponent):
        raise fault(28764, "$pow cannot raise 0 to a negative power")
    if Kind.DECIMAL in kinds:
        return like_decimal(_decimal_power(as_decimal(base), as_decimal(exponent)), (base, exponent))
    if Kind.DOUBLE in kinds:
        return _double_power(float(base), float(exponent))
    whole, times = int(base), int(exponent)
    if whole in (1, -1):
        unit = whole if times % 2 else 1
        return clip(unit, long=stays_long(unit, base, exponent))
    if 0 <= times <= 63 or whole == 0:
        power = whole**times
        if INT64_MIN <= power <= INT64_MAX:
            return clip(power, long=stays_long(power, base, exponent))
    return _double_power(float(whole), float(times))


def _is_negative(value: Any) -> bool:
    number = as_decimal(value)
    return not number.is_nan() and number < 0


def _decimal_power(base: Decimal, exponent: Decimal) -> Decimal:
    if exponent.is_zero():
        return Decimal(1)  # of NaN and of 0 too, as in IEEE 754
    return DECIMAL128.power(base, exponent)


def _double_power(base: float, exponent: float) -> float:
    try:
        return math.pow(base, exponent)
    except OverflowError:
        odd = exponent % 2 == 1
        return -math.inf if base < 0 and odd else math.inf
    except ValueError:  # a negative base with a fraction for exponent
        return math.nan


def _sqrt(value: Any, kind: Kind) -> Any:
    if kind is Kind.DECIMAL:
        number = as_decimal(value)
        if not number.is_nan() and number < 0:
            raise fault(28714, "$sqrt takes a number that is not negative")
        return like_decimal(DECIMAL128.sqrt(number), (value,))
    if value < 0:
        raise fault(28714, "$sqrt takes a number that is not negative")
    return math.sqrt(value)


def _sigmoid(value: Any, otherwise: Any) -> Any:
    if value is None or value is MISSING:
        return None if otherwise is MISSING else otherwise
    kind = number_kind(value)
    if kind is None:
        raise fault(TYPE_MISMATCH, f"$sigmoid takes a number, not {type_name(value)}")
    if kind is Kind.DECIMAL:
        return like_decimal(
            DECIMAL128.divide(Decimal(1), DECIMAL128.add(Decimal(1), DECIMAL128.exp(as_decimal(value).copy_negate()))),
            (value,),
        )
    try:
        return 1.0 / (1.0 + math.exp(-float(value)))
    except OverflowError:
        return 0.0


def _build_sigmoid(spec: Any, scope: Scope) -> Compiled:
    number, otherwise = spec, None
    if isinstance(spec, Mapping) and "input" in spec:
        arguments = named(
            "$sigmoid", spec, required={"input": 40414}, optional=("onNull",), not_document=TYPE_MISMATCH, unknown=40415
        )
        number, otherwise = arguments["input"], arguments.get("onNull")
    parts = [scope.compile(number), scope.compile(otherwise)]
    return combine(parts, valued(_sigmoid)(parts, scope))


OPERATORS: Mapping[str, Builder] = {
    "$abs": unary("$abs", _abs),
    "$exp": unary("$exp", _exp),
    "$ln": _logarithm("$ln", 28766, math.log, DECIMAL128.ln),
    "$log10": _logarithm("$log10", 28761, math.log10, DECIMAL128.log10),
    "$log": exactly("$log", 2, valued(_log)),
    "$pow": exactly("$pow", 2, valued(_pow)),
    "$sigmoid": _build_sigmoid,
    "$sqrt": unary("$sqrt", _sqrt),
}

"""Accumulators that only windows have: ``$covariancePop $covarianceSamp $expMovingAvg $integral``.

See the manual, "$setWindowFields", for each. Results are doubles, or decimals where a decimal was among the values.
"""

from __future__ import annotations

import math
from datetime import datetime
from decimal import Decimal
from typing import Any

from lexigram.nosql.aggregation.accumulators.base import Accumulator
from lexigram.nosql.aggregation.accumulators.sums import Sum
from lexigram.nosql.aggregation.expressions.arithmetic import add, divide, multiply, subtract
from lexigram.nosql.aggregation.expressions.errors import fault
from lexigram.nosql.aggregation.expressions.numbers import DECIMAL128, as_decimal, is_numeric, number_kind
from lexigram.nosql.values.kinds import Kind, kind_of
from lexigram.nosql.values.order import number_value
from typing_extensions import override

__all__ = ["Covariance", "ExponentialAverage", "Integral"]


def _is_pair(value: Any) -> bool:
    return isinstance(value, list) and len(value) == 2  # pyright: ignore[reportUnknownArgumentType] - a list of anything


class Covariance(Accumulator):
    """The covariance of two series; what is not a pair of numbers does not count.

    Args:
        sample: True to divide by one less than the number of pairs.
    """

    __slots__ = ("_count", "_means", "_products", "_sample")

    def __init__(self, *, sample: bool) -> None:
        self._sample = sample
        self._count = 0
        self._means: tuple[Any, Any] = (0, 0)
        self._products: Any = 0.0

    @override
    def add(self, value: Any) -> None:
        if not _is_pair(value) or not is_numeric(value[0]) or not is_numeric(value[1]):
            return
        x, y = value
        self._count += 1
        mean_x, mean_y = self._means
        away = subtract(x, mean_x)
        mean_x = add(mean_x, divide(away, self._count))
        mean_y = add(mean_y, divide(subtract(y, mean_y), self._count))
        self._means = (mean_x, mean_y)
        self._products = add(self._products, multiply(away, subtract(y, mean_y)))

    @override
    def result(self) -> Any:
        divisor = self._count - 1 if self._sample else self._count
        return divide(self._products, divisor) if divisor > 0 else None


class ExponentialAverage(Accumulator):
    """A moving average in which older numbers count less and less.

    Args:
        alpha: How much the newest number counts, between 0 and 1.
    """

    __slots__ = ("_alpha", "_average", "_decimal")

    def __init__(self, alpha: Decimal) -> None:
        self._alpha = alpha
        self._average: Decimal | None = None
        self._decimal = False

    @override
    def add(self, value: Any) -> None:
        kind = number_kind(value)
        if kind is None:
            return
        self._decimal = self._decimal or kind is Kind.DECIMAL
        number = as_decimal(value)
        if self._average is None:
            self._average = number
            return
        old = DECIMAL128.multiply(self._average, DECIMAL128.subtract(Decimal(1), self._alpha))
        self._average = DECIMAL128.add(DECIMAL128.multiply(number, self._alpha), old)

    @override
    def result(self) -> Any:
        if self._average is None or self._decimal:
            return self._average
        return float(self._average)


class Integral(Accumulator):
    """The area under a line through points, by trapezoids; None without points.

    Args:
        unit: Milliseconds of the unit of time in which to give it; None where the first coordinate is a number.
    """

    __slots__ = ("_area", "_nan", "_previous", "_unit")

    def __init__(self, unit: int | None) -> None:
        self._unit = unit
        self._area = Sum()
        self._previous: Any = None
        self._nan = False

    @override
    def add(self, value: Any) -> None:
        self._check(value)
        self._nan = self._nan or any(not isinstance(each, datetime) and _is_nan(each) for each in value)
        if self._previous is not None and not self._nan:
            width = subtract(value[0], self._previous[0])
            self._area.add(divide(multiply(add(value[1], self._previous[1]), width), 2.0))
        self._previous = value

    def _check(self, value: Any) -> None:
        dated = _is_pair(value) and kind_of(value[0]) is Kind.DATE
        if not _is_pair(value) or not is_numeric(value[1]) or not (dated or is_numeric(value[0])):
            raise fault(5423900, "$integral needs a number, and a number or date in the field that sorts")
        if self._unit is not None and not dated:
            raise fault(5423901, "$integral with 'unit' needs a date in the field that sorts")
        if self._unit is None and dated:
            raise fault(5423902, "$integral without 'unit' needs a number in the field that sorts")

    @override
    def result(self) -> Any:
        if self._previous is None:
            return None
        if self._nan:
            return math.nan
        area = self._area.result()
        return area if self._unit is None else divide(area, self._unit)


def _is_nan(value: Any) -> bool:
    number = number_value(value) if is_numeric(value) else 0
    return number != number

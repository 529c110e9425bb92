"""``$stdDevPop $stdDevSamp $percentile $median`` (manual, "Accumulators").

The standard deviation is Welford's running one. Percentiles are discrete: the smallest value that at least the
share *p* of the values does not exceed. MongoDB's only method, ``approximate``, gives the same up to its digest's
size and nearly the same beyond; here it is always exact, so the numbers are kept.
"""

from __future__ import annotations

import math
from array import array
from collections.abc import Sequence
from typing import Any

from lexigram.nosql.aggregation.accumulators.base import Accumulator
from lexigram.nosql.aggregation.expressions.numbers import as_double, is_numeric
from typing_extensions import override

__all__ = ["Median", "Percentile", "StandardDeviation", "percentiles"]


class StandardDeviation(Accumulator):
    """The standard deviation of the numbers among the values.

    Args:
        sample: True to divide by one less than their number; then at least two are needed, else one.
    """

    __slots__ = ("_count", "_mean", "_sample", "_squares")

    def __init__(self, *, sample: bool) -> None:
        self._sample = sample
        self._count = 0
        self._mean = 0.0
        self._squares = 0.0

    @override
    def add(self, value: Any) -> None:
        if not is_numeric(value):
            return
        number = as_double(value)
        self._count += 1
        delta = number - self._mean
        if delta != 0.0:
            self._mean += delta / self._count
            self._squares += delta * (number - self._mean)

    @override
    def result(self) -> float | None:
        divisor = self._count - 1 if self._sample else self._count
        return math.sqrt(self._squares / divisor) if divisor > 0 else None


def percentiles(numbers: Sequence[float], shares: Sequence[float]) -> list[float | None]:
    """The discrete percentiles of some numbers.

    Args:
        numbers: The numbers, in any order, none of them NaN.
        shares: The shares, each from 0 to 1.

    Returns:
        For each share the smallest number that at least this share of the numbers does not exceed; None without
        numbers.
    """
    if not numbers:
        return [None] * len(shares)
    ordered = sorted(numbers)
    size = len(ordered)
    return [ordered[max(0, min(size, math.ceil(size * share)) - 1)] for share in shares]


class Percentile(Accumulator):
    """The percentiles of the numbers among the values, as doubles.

    Args:
        shares: Which percentiles, each from 0 to 1.
    """

    __slots__ = ("_numbers", "_shares")

    def __init__(self, shares: Sequence[float]) -> None:
        self._shares = shares
        self._numbers = array("d")

    @override
    def add(self, value: Any) -> None:
        if is_numeric(value):
            number = as_double(value)
            if not math.isnan(number):
                self._numbers.append(number)

    @override
    def result(self) -> Any:
        return percentiles(self._numbers, self._shares)

    @override
    def values_held(self) -> int:
        return len(self._numbers)


class Median(Percentile):
    """The median of the numbers among the values, as a double; None if there are none."""

    __slots__ = ()

    def __init__(self) -> None:
        super().__init__((0.5,))

    @override
    def result(self) -> float | None:
        return percentiles(self._numbers, self._shares)[0]

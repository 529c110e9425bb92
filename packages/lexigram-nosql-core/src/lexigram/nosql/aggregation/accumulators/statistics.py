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
from sortedcontainers import SortedList
from typing_extensions import override

__all__ = ["Median", "Percentile", "SlidingPercentile", "StandardDeviation", "percentiles"]


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
    return _of_ordered(sorted(numbers), shares)


def _of_ordered(ordered: Sequence[float], shares: Sequence[float]) -> list[float | None]:
    size = len(ordered)
    if not size:
        return [None] * len(shares)
    return [ordered[max(0, min(size, math.ceil(size * share)) - 1)] for share in shares]


class SlidingPercentile:
    """The percentiles of numbers that come and go, in order all the time.

    Args:
        shares: Which percentiles, each from 0 to 1.
        single: True to give the first of them alone.
    """

    __slots__ = ("_ordered", "_shares", "_single")

    def __init__(self, shares: Sequence[float], *, single: bool) -> None:
        self._shares = shares
        self._single = single
        self._ordered: SortedList[float] = SortedList()

    def fill(self, values: Sequence[Any]) -> None:
        """Take the first values; those that are no numbers do not count, as in :meth:`add` and :meth:`remove`."""
        self._ordered.update([number for value in values if (number := _number(value)) is not None])

    def add(self, value: Any) -> None:
        """Take a value."""
        number = _number(value)
        if number is not None:
            self._ordered.add(number)

    def remove(self, value: Any) -> None:
        """Let a value go that was taken before, and before all that are equal to it."""
        number = _number(value)
        if number is not None:
            self._ordered.remove(number)

    def result(self) -> Any:
        """The percentiles of what is held, or the only one."""
        found = _of_ordered(self._ordered, self._shares)
        return found[0] if self._single else found


def _number(value: Any) -> float | None:
    """A value as a double; None for what is no number or NaN."""
    if not is_numeric(value):
        return None
    number = as_double(value)
    return None if math.isnan(number) else number


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
        number = _number(value)
        if number is not None:
            self._numbers.append(number)

    @override
    def result(self) -> Any:
        return percentiles(self._numbers, self._shares)

    def sliding(self) -> SlidingPercentile:
        """The same percentiles, for values that come and go."""
        return SlidingPercentile(self._shares, single=False)

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

    @override
    def sliding(self) -> SlidingPercentile:
        return SlidingPercentile(self._shares, single=True)

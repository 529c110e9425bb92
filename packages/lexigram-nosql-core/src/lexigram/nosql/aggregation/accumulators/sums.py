"""``$sum $avg $count`` (manual, "Accumulators").

Doubles are summed with twice their precision, so that ``0.1`` added ten times is ``1.0``; whole numbers exactly,
becoming a double only where the total leaves 64 bits; decimals apart, with 34 digits, joined at the end. What is
not a number does not count.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from decimal import Decimal
from typing import Any, Final

from lexigram.nosql.aggregation.accumulators.base import Accumulator
from lexigram.nosql.aggregation.expressions.numbers import DECIMAL128, as_decimal, clip, like_decimal, number_kind
from lexigram.nosql.values.kinds import Kind
from typing_extensions import override

__all__ = ["Average", "Count", "Sum"]

_INT: Final[frozenset[type]] = frozenset({int})
_FLOAT: Final[frozenset[type]] = frozenset({float})
_PLAIN: Final[frozenset[type]] = frozenset({int, float})


class _Total(Accumulator):
    """The running total that ``$sum`` and ``$avg`` share."""

    __slots__ = ("_decimal", "_double", "_error", "_int64", "_like", "_special", "_whole", "count")

    def __init__(self) -> None:
        self.count = 0
        self._whole = 0
        self._double: float | None = None
        self._error = 0.0  # what rounding took from the double
        self._special: float | None = None  # the sum of infinities and NaN
        self._decimal: Decimal | None = None
        self._like: Any = None
        self._int64 = False

    @override
    def add(self, value: Any) -> None:
        if type(value) is int:
            self.count += 1
            self._whole += value
        elif type(value) is float:
            self.count += 1
            self._add_double(value)
        else:
            self._add_other(value)

    @override
    def add_many(self, values: Sequence[Any]) -> None:
        classes: frozenset[type] = frozenset(map(type, values))
        if classes == _INT:
            self._whole += sum(values)
        elif classes == _FLOAT:
            self._add_doubles(values)
        elif classes == _PLAIN:
            self._whole += sum([value for value in values if type(value) is int])
            self._add_doubles([value for value in values if type(value) is float])
        else:
            for value in values:
                self.add(value)
            return
        self.count += len(values)

    def _add_double(self, value: float) -> None:
        if not math.isfinite(value):
            self._special = value if self._special is None else self._special + value
            value = 0.0
        old = self._double
        if old is None:
            self._double = value
            return
        new = old + value
        if math.isfinite(new):
            # What the addition lost, found exactly (Knuth's two-sum).
            part = new - old
            self._error += (old - (new - part)) + (value - part)
        self._double = new

    def _add_doubles(self, values: Sequence[float]) -> None:
        old = self._double or 0.0
        try:
            new = math.fsum([old, self._error, *values])
            rest = math.fsum([old, self._error, *values, -new])
        except (OverflowError, ValueError):  # infinities, or sums out of range
            for value in values:
                self._add_double(value)
            return
        if math.isfinite(new):
            self._double, self._error = new, rest
        else:
            for value in values:
                self._add_double(value)

    def _add_other(self, value: Any) -> None:
        kind = number_kind(value)
        if kind is None:
            return
        self.count += 1
        if kind is Kind.DECIMAL:
            if self._like is None or isinstance(self._like, Decimal):
                self._like = value
            self._decimal = DECIMAL128.add(self._decimal or Decimal(0), as_decimal(value))
        else:
            self._whole += int(value)
            self._int64 = True

    def _as_double(self) -> float:
        if self._special is not None:
            return self._special
        high = float(self._whole)
        double = self._double or 0.0
        if not math.isfinite(double):
            return double
        try:
            return math.fsum([double, self._error, high, float(self._whole - int(high))])
        except OverflowError:
            return double + high

    def _as_decimal(self) -> Decimal:
        total = DECIMAL128.add(self._decimal or Decimal(0), Decimal(self._whole))
        if self._special is not None:
            return DECIMAL128.add(total, Decimal(self._special))
        if self._double is not None:
            total = DECIMAL128.add(total, DECIMAL128.add(Decimal(self._double), Decimal(self._error)))
        return total


class Sum(_Total):
    """The sum of the numbers among the values; 0 if there are none."""

    __slots__ = ()

    @override
    def result(self) -> Any:
        if self._decimal is not None:
            return like_decimal(self._as_decimal(), (self._like,))
        if self._double is not None:
            return self._as_double()
        return clip(self._whole, long=self._int64)


class Average(_Total):
    """The mean of the numbers among the values; None if there are none."""

    __slots__ = ()

    @override
    def result(self) -> Any:
        if self.count == 0:
            return None
        if self._decimal is not None:
            return like_decimal(DECIMAL128.divide(self._as_decimal(), Decimal(self.count)), (self._like,))
        return self._as_double() / self.count


class Count(Accumulator):
    """How many values there were, of whatever kind."""

    __slots__ = ("_count",)

    def __init__(self) -> None:
        self._count = 0

    @override
    def add(self, value: Any) -> None:
        self._count += 1

    @override
    def add_many(self, values: Sequence[Any]) -> None:
        self._count += len(values)

    @override
    def result(self) -> int:
        return self._count

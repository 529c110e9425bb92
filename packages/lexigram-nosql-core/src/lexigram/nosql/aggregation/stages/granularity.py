"""Series of preferred numbers, to which ``$bucketAuto`` rounds its boundaries (manual, "$bucketAuto", "granularity").

The Renard series are those of ISO 3, the E series those of IEC 60063, in the roundings that MongoDB lists.
"""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any, Final, Protocol

from lexigram.nosql.aggregation.expressions.errors import fault
from lexigram.nosql.aggregation.expressions.numbers import DECIMAL128, as_decimal, as_double, number_kind
from lexigram.nosql.values.kinds import Kind

__all__ = ["GRANULARITIES", "Rounder", "rounder_named"]

_E192: Final = (
    100, 101, 102, 104, 105, 106, 107, 109, 110, 111, 113, 114, 115, 117, 118, 120, 121, 123, 124, 126, 127, 129, 130,
    132, 133, 135, 137, 138, 140, 142, 143, 145, 147, 149, 150, 152, 154, 156, 158, 160, 162, 164, 165, 167, 169, 172,
    174, 176, 178, 180, 182, 184, 187, 189, 191, 193, 196, 198, 200, 203, 205, 208, 210, 213, 215, 218, 221, 223, 226,
    229, 232, 234, 237, 240, 243, 246, 249, 252, 255, 258, 261, 264, 267, 271, 274, 277, 280, 284, 287, 291, 294, 298,
    301, 305, 309, 312, 316, 320, 324, 328, 332, 336, 340, 344, 348, 352, 357, 361, 365, 370, 374, 379, 383, 388, 392,
    397, 402, 407, 412, 417, 422, 427, 432, 437, 442, 448, 453, 459, 464, 470, 475, 481, 487, 493, 499, 505, 511, 517,
    523, 530, 536, 542, 549, 556, 562, 569, 576, 583, 590, 597, 604, 612, 619, 626, 634, 642, 649, 657, 665, 673, 681,
    690, 698, 706, 715, 723, 732, 741, 750, 759, 768, 777, 787, 796, 806, 816, 825, 835, 845, 856, 866, 876, 887, 898,
    909, 920, 931, 942, 953, 965, 976, 988,
)  # fmt: skip

_SERIES: Final[Mapping[str, Sequence[int]]] = {
    "R5": (10, 16, 25, 40, 63),
    "R10": (100, 125, 160, 200, 250, 315, 400, 500, 630, 800),
    "R20": (
        100, 112, 125, 140, 160, 180, 200, 224, 250, 280, 315, 355, 400, 450, 500, 560, 630, 710, 800, 900,
    ),
    "R40": (
        100, 106, 112, 118, 125, 132, 140, 150, 160, 170, 180, 190, 200, 212, 224, 236, 250, 265, 280, 300, 315, 355,
        375, 400, 425, 450, 475, 500, 530, 560, 600, 630, 670, 710, 750, 800, 850, 900, 950,
    ),
    "R80": (
        103, 109, 115, 122, 128, 136, 145, 155, 165, 175, 185, 195, 206, 218, 230, 243, 258, 272, 290, 307, 325, 345,
        365, 387, 412, 437, 462, 487, 515, 545, 575, 615, 650, 690, 730, 775, 825, 875, 925, 975,
    ),
    "1-2-5": (10, 20, 50),
    "E6": (10, 15, 22, 33, 47, 68),
    "E12": (10, 12, 15, 18, 22, 27, 33, 39, 47, 56, 68, 82),
    "E24": (10, 11, 12, 13, 15, 16, 18, 20, 22, 24, 27, 30, 33, 36, 39, 43, 47, 51, 56, 62, 68, 75, 82, 91),
    "E48": _E192[::4],
    "E96": _E192[::2],
    "E192": _E192,
}  # fmt: skip

GRANULARITIES: Final = (*_SERIES, "POWERSOF2")
"""Names of the series."""


class Rounder(Protocol):
    """Rounds to a series."""

    def up(self, value: Any) -> Any:
        """The next number of the series that is greater; 0 stays."""
        ...

    def down(self, value: Any) -> Any:
        """The next number of the series that is less; 0 stays."""
        ...


class _Preferred:
    """A series that repeats in every power of ten."""

    def __init__(self, series: Sequence[int]) -> None:
        self._doubles = [float(number) for number in series]
        self._decimals = [Decimal(number) for number in series]

    def up(self, value: Any) -> Any:
        return self._round(value, up=True)

    def down(self, value: Any) -> Any:
        return self._round(value, up=False)

    def _round(self, value: Any, *, up: bool) -> Any:
        number: Any
        series: Sequence[Any]
        ten: Any
        if number_kind(value) is Kind.DECIMAL:
            number, series, ten = as_decimal(value), self._decimals, Decimal(10)
        else:
            number, series, ten = as_double(value), self._doubles, 10.0
        if number == 0 or not math.isfinite(number):
            return value
        return _above(number, series, ten) if up else _below(number, series, ten)


def _above(number: Any, series: Sequence[Any], ten: Any) -> Any:
    factor = ten / ten
    while number >= series[-1] * factor:
        factor *= ten
    while number < series[0] * factor:
        lowest = series[0] * factor
        factor /= ten
        if number >= series[-1] * factor:
            return lowest  # between the greatest of one power and the least of the next
    return series[bisect_right([item * factor for item in series], number)] * factor


def _below(number: Any, series: Sequence[Any], ten: Any) -> Any:
    factor = ten / ten
    while number <= series[0] * factor:
        factor /= ten
    while number > series[-1] * factor:
        highest = series[-1] * factor
        factor *= ten
        if number <= series[0] * factor:
            return highest
    return series[bisect_left([item * factor for item in series], number) - 1] * factor


class _PowersOfTwo:
    """1, 2, 4 and so on, and their halves."""

    def up(self, value: Any) -> Any:
        kind = number_kind(value)
        if value == 0 or kind is None:
            return value
        if kind is Kind.DOUBLE:
            return value if math.isinf(value) else _power(math.floor(math.log2(value)) + 1)
        if kind is Kind.DECIMAL:
            return _decimal_power(math.floor(_log2(as_decimal(value))) + 1)
        return 1 << int(value).bit_length()

    def down(self, value: Any) -> Any:
        kind = number_kind(value)
        if value == 0 or kind is None:
            return value
        if kind is Kind.DOUBLE:
            return value if math.isinf(value) else _power(math.ceil(math.log2(value)) - 1)
        if kind is Kind.DECIMAL:
            return _decimal_power(math.ceil(_log2(as_decimal(value))) - 1)
        return _power((int(value) - 1).bit_length() - 1)


def _power(exponent: int) -> int | float:
    return 1 << exponent if 0 <= exponent < 63 else math.ldexp(1.0, exponent)


def _log2(value: Decimal) -> float:
    return float(DECIMAL128.divide(DECIMAL128.ln(value), DECIMAL128.ln(Decimal(2))))


def _decimal_power(exponent: int) -> Decimal:
    return DECIMAL128.power(Decimal(2), exponent)


_ROUNDERS: Final[dict[str, Rounder]] = {
    **{name: _Preferred(series) for name, series in _SERIES.items()},
    "POWERSOF2": _PowersOfTwo(),
}


def rounder_named(name: str) -> Rounder:
    """Look up a series.

    Args:
        name: Such as ``R5``.

    Returns:
        What rounds to it.

    Raises:
        PipelineError: There is no such series (40257).
    """
    rounder = _ROUNDERS.get(name)
    if rounder is None:
        raise fault(40257, f"there is no granularity {name[:64]!r}", f"there are {', '.join(GRANULARITIES)}")
    return rounder

"""What equality and order of numbers become, where numbers stand in five different forms.

An int and a float with a fraction are plain numbers; the other floats, decimals and ``bson``'s numbers are tagged. The
engine compares all of them by exact value. DynamoDB compares decimal digits, and holds a float by its shortest digits,
which are not its exact value: ``0.1`` is a little more than ``Decimal("0.1")``, and the float ``2**62`` is written
4611686018427388000. So a constant has a :class:`Case`:

* ``SIMPLE``: one text that is its exact value in every form; nearly all ints, and floats such as 0.5;
* ``ZERO``: the same, but negative zero equals it, and is held as text;
* ``FRACTION``: a float like 0.1, that no int and no decimal of 34 digits can equal;
* ``LONG``: a float whose exact value a decimal can hold, in more digits than the shortest;
* ``LARGE``: whole, and beyond 2**53, where floats are no longer dense enough;
* ``DECIMAL``: a decimal fraction that is no float;
* ``OUT``: what DynamoDB's numbers do not hold.

Where digits may mislead, bounds are widened by more than a float's last digit: the answer is a superset then.
"""

from __future__ import annotations

from decimal import ROUND_CEILING, ROUND_FLOOR, Context, Decimal
from enum import Enum
from math import isfinite, ulp
from typing import Any, Final

from lexigram.nosql.backends.dynamodb.codec.numbers import fits_number, float_text, plain_text
from lexigram.nosql.backends.dynamodb.planning.shape import AttributeValue
from lexigram.nosql.values.order import number_value

__all__ = ["Case", "above", "below", "exact", "number_case", "range_case", "shortest"]

_DENSE: Final = 2**53
_DECIMAL128_DIGITS: Final = 34
_LARGEST_BOUND: Final = 1e124
_WIDE: Final = Context(prec=1200)
_FLOOR: Final = Context(prec=38, rounding=ROUND_FLOOR)
_CEILING: Final = Context(prec=38, rounding=ROUND_CEILING)


class Case(Enum):
    """How a numeric constant relates to its digits."""

    SIMPLE = 0
    ZERO = 1
    FRACTION = 2
    LONG = 3
    LARGE = 4
    DECIMAL = 5
    OUT = 6


def number_case(value: Any) -> Case:
    """Say which case a number is.

    Args:
        value: A number of any type.
    """
    if type(value) is int:
        return (Case.SIMPLE if -_DENSE <= value <= _DENSE else Case.LARGE) if value else Case.ZERO
    number = number_value(value)
    if number == 0:
        return Case.ZERO
    if isinstance(number, float):
        return _float_case(number)
    if isinstance(number, int):
        return Case.SIMPLE if -_DENSE <= number <= _DENSE else Case.LARGE
    if not fits_number(number):
        return Case.OUT
    nearest = float(number)
    if abs(number) <= _DENSE and isfinite(nearest) and Decimal(nearest) == number:
        return Case.SIMPLE if Decimal(repr(nearest)) == number else Case.DECIMAL
    return Case.LARGE if number == number.to_integral_value(context=_WIDE) else Case.DECIMAL


def _float_case(number: float) -> Case:
    text = float_text(number)
    if text is None:
        return Case.OUT
    value = Decimal(number)
    if abs(number) <= _DENSE and Decimal(text) == value:
        return Case.SIMPLE
    if not number.is_integer():
        return Case.FRACTION if len(value.as_tuple().digits) > _DECIMAL128_DIGITS else Case.LONG
    return Case.LARGE if fits_number(value) else Case.OUT


def range_case(value: Any) -> Case | None:
    """Say which case a number is as the end of a range.

    Args:
        value: A number of any type.

    Returns:
        The case, ``OUT`` also for what is so large that wider bounds would be; None for NaN, which has no range.
    """
    number = number_value(value)
    if number != number:
        return None
    is_vast = not -_LARGEST_BOUND <= number <= _LARGEST_BOUND
    return Case.OUT if is_vast else number_case(value)


def exact(value: Any, _part: int = 0) -> AttributeValue:
    """A number that DynamoDB holds exactly.

    Args:
        value: A number of any case but ``FRACTION`` and ``OUT``.
    """
    if type(value) is int:
        return {"N": str(value)}
    number = number_value(value)
    return {"N": str(int(number)) if isinstance(number, int) else plain_text(Decimal(number))}


def shortest(value: Any, _part: int = 0) -> AttributeValue:
    """A number as a float of that value, or the nearest one, is held.

    Args:
        value: A number of any case but ``OUT``.
    """
    if type(value) is int and -_DENSE <= value <= _DENSE:
        return {"N": str(value)}
    return {"N": float_text(float(number_value(value))) or "0"}


def below(value: Any, _part: int = 0) -> AttributeValue:
    """A number under which no form of anything equal to or above *value* is held."""
    number = Decimal(number_value(value))
    return {"N": plain_text(_FLOOR.subtract(number, _margin(number)))}


def above(value: Any, _part: int = 0) -> AttributeValue:
    """A number over which no form of anything equal to or below *value* is held."""
    number = Decimal(number_value(value))
    return {"N": plain_text(_CEILING.add(number, _margin(number)))}


def _margin(number: Decimal) -> Decimal:
    """More than what lies between a float's digits and its value, for floats near a number."""
    size = abs(float(number))
    return Decimal(repr(2 * ulp(size))) if size >= 1e-100 else Decimal("1e-115")

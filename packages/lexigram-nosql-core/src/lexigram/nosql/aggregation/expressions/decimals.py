"""Trigonometry on decimals, with 34 digits.

Every step names its context: operators such as ``-x`` would round to the thread's own.
Series and identities evaluated with guard digits, then rounded once. Doubles are the standard library's business;
this is only for operands that are decimals.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Context, Decimal
from functools import lru_cache
from typing import Final

from lexigram.nosql.aggregation.expressions.numbers import DECIMAL128

__all__ = ["FUNCTIONS", "atan2", "pi"]

_GUARD: Final = 20
_ZERO: Final = Decimal(0)
_ONE: Final = Decimal(1)
_HUGE: Final = Decimal("1E+40")


def _context(digits: int = 34 + _GUARD) -> Context:
    return Context(prec=digits, Emin=-99999, Emax=99999, traps=[])


@lru_cache(maxsize=64)
def pi(digits: int) -> Decimal:
    """The number pi.

    Args:
        digits: How many digits.

    Returns:
        Pi, correct to these digits (Gauss-Legendre).
    """
    context = _context(digits + 10)
    a, b, t, p = _ONE, context.divide(_ONE, context.sqrt(Decimal(2))), Decimal("0.25"), _ONE
    while True:
        mean = context.divide(context.add(a, b), Decimal(2))
        if context.subtract(a, mean).copy_abs() < Decimal((0, (1,), -digits - 5)):
            break
        b = context.sqrt(context.multiply(a, b))
        difference = context.subtract(a, mean)
        t = context.subtract(t, context.multiply(p, context.multiply(difference, difference)))
        p = context.multiply(p, Decimal(2))
        a = mean
    total = context.add(a, b)
    return context.divide(context.multiply(total, total), context.multiply(Decimal(4), t))


def _series(first: Decimal, start: int, factor: Decimal, context: Context) -> Decimal:
    """The sum of ``first * factor**k * start! / (start + 2k)!`` over k."""
    total, term, index = first, first, start
    while True:
        index += 2
        term = context.divide(context.multiply(term, factor), Decimal(index * (index - 1)))
        new = context.add(total, term)
        if new == total:
            return total
        total = new


def _reduce(x: Decimal) -> tuple[Decimal, int, Context]:
    """An angle brought to within an eighth of a turn of zero, and how many quarter turns were taken off."""
    digits = 34 + _GUARD + max(0, x.adjusted() + 1)
    context = _context(digits)
    quarter = context.divide(pi(digits), Decimal(2))
    turns = context.divide(x, quarter).to_integral_value()
    return context.subtract(x, context.multiply(turns, quarter)), int(context.remainder(turns, Decimal(4))) % 4, context


def _sin_cos(x: Decimal) -> tuple[Decimal, Decimal]:
    angle, quarters, context = _reduce(x)
    factor = context.multiply(angle, angle).copy_negate()
    sine, cosine = _series(angle, 1, factor, context), _series(_ONE, 0, factor, context)
    for _ in range(quarters):
        sine, cosine = cosine, sine.copy_negate()
    return sine, cosine


def _sin(x: Decimal) -> Decimal:
    return _sin_cos(x)[0]


def _cos(x: Decimal) -> Decimal:
    return _sin_cos(x)[1]


def _tan(x: Decimal) -> Decimal:
    sine, cosine = _sin_cos(x)
    return _context().divide(sine, cosine)


def _atan(x: Decimal) -> Decimal:
    context = _context()
    if x.is_infinite() or x.copy_abs() > _HUGE:
        return (context.divide(pi(60), Decimal(2))).copy_sign(x)
    halvings = 0
    while x.copy_abs() > Decimal("0.05"):
        # atan x = 2 atan(x / (1 + sqrt(1 + x^2)))
        root = context.sqrt(context.add(_ONE, context.multiply(x, x)))
        x = context.divide(x, context.add(_ONE, root))
        halvings += 1
    square, power, total, index = context.multiply(x, x), x, x, 1
    while True:
        power = context.multiply(power, square).copy_negate()
        index += 2
        new = context.add(total, context.divide(power, Decimal(index)))
        if new == total:
            return context.multiply(total, Decimal(2**halvings))
        total = new


def _asin(x: Decimal) -> Decimal:
    context = _context()
    if x.copy_abs() == 1:
        return context.divide(pi(60), Decimal(2)).copy_sign(x)
    rest = context.sqrt(context.multiply(context.subtract(_ONE, x), context.add(_ONE, x)))
    return _atan(context.divide(x, rest))


def _acos(x: Decimal) -> Decimal:
    context = _context()
    if x == 1:
        return _ZERO
    if x == -1:
        return pi(60)
    # 2 atan(sqrt((1 - x) / (1 + x))) loses nothing near 1.
    ratio = context.divide(context.subtract(_ONE, x), context.add(_ONE, x))
    return context.multiply(Decimal(2), _atan(context.sqrt(ratio)))


def _sinh(x: Decimal) -> Decimal:
    if x.is_infinite():
        return x
    context = _context()
    if x.copy_abs() < 1:
        return _series(x, 1, context.multiply(x, x), context)
    grown = context.exp(x)
    return context.divide(context.subtract(grown, context.divide(_ONE, grown)), Decimal(2))


def _cosh(x: Decimal) -> Decimal:
    if x.is_infinite():
        return x.copy_abs()
    context = _context()
    grown = context.exp(x.copy_abs())
    return context.divide(context.add(grown, context.divide(_ONE, grown)), Decimal(2))


def _tanh(x: Decimal) -> Decimal:
    if x.copy_abs() > 60:
        return _ONE.copy_sign(x)
    return _context().divide(_sinh(x), _cosh(x))


def _asinh(x: Decimal) -> Decimal:
    if x.is_infinite() or x.is_zero():
        return x
    size = x.copy_abs()
    # The digits that the logarithm of a number near 1 loses are added beforehand.
    context = _context(34 + _GUARD + max(0, -2 * x.adjusted()))
    root = context.sqrt(context.add(context.multiply(size, size), _ONE))
    return context.ln(context.add(size, root)).copy_sign(x)


def _acosh(x: Decimal) -> Decimal:
    if x.is_infinite():
        return x
    context = _context(80)
    root = context.sqrt(context.multiply(context.subtract(x, _ONE), context.add(x, _ONE)))
    return context.ln(context.add(x, root))


def _atanh(x: Decimal) -> Decimal:
    if x.copy_abs() == 1:
        return Decimal("Infinity").copy_sign(x)
    if x.is_zero():
        return x
    context = _context(34 + _GUARD + max(0, -2 * x.adjusted()))
    ratio = context.divide(context.add(_ONE, x), context.subtract(_ONE, x))
    return context.divide(context.ln(ratio), Decimal(2))


def atan2(y: Decimal, x: Decimal) -> Decimal:
    """The angle of a point.

    Args:
        y: Its second coordinate.
        x: Its first coordinate.

    Returns:
        The angle from the first axis, from minus pi to pi, in radians.
    """
    if y.is_nan() or x.is_nan():
        return Decimal("NaN")
    context = _context()
    half = context.divide(pi(60), Decimal(2))
    left = x.is_signed()
    if y.is_zero():
        angle = pi(60) if left else _ZERO
    elif x.is_zero():
        angle = half
    elif y.is_infinite():
        angle = half
        if x.is_infinite():
            angle = context.divide(context.multiply(Decimal(3 if left else 1), half), Decimal(2))
    elif x.is_infinite():
        angle = pi(60) if left else _ZERO
    else:
        angle = _atan(context.divide(y, x).copy_abs())
        if left:
            angle = context.subtract(pi(60), angle)
    return DECIMAL128.plus(angle).copy_sign(y)


def _finished(function: Callable[[Decimal], Decimal]) -> Callable[[Decimal], Decimal]:
    def rounded(x: Decimal) -> Decimal:
        if x.is_nan():
            return x
        return DECIMAL128.plus(function(x))

    return rounded


FUNCTIONS: Mapping[str, Callable[[Decimal], Decimal]] = {
    "sin": _finished(_sin),
    "cos": _finished(_cos),
    "tan": _finished(_tan),
    "asin": _finished(_asin),
    "acos": _finished(_acos),
    "atan": _finished(_atan),
    "sinh": _finished(_sinh),
    "cosh": _finished(_cosh),
    "tanh": _finished(_tanh),
    "asinh": _finished(_asinh),
    "acosh": _finished(_acosh),
    "atanh": _finished(_atanh),
}
"""The functions of one decimal, by the name that :mod:`math` has for them."""

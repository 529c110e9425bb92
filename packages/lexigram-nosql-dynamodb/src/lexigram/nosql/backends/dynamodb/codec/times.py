"""Times as text at the beginning of revisions: in their order, as DynamoDB compares text."""

from __future__ import annotations

from functools import lru_cache
from typing import Final

__all__ = ["DIGITS", "TIME_LENGTH", "grace", "time_of", "to_digits"]

DIGITS: Final = "-0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ_abcdefghijklmnopqrstuvwxyz"
"""In the order of their codes."""

TIME_LENGTH: Final = 7
"""Digits of a time in milliseconds, enough until 2109."""

_COARSE: Final = 5
"""Digits of a time in steps of 4,096 milliseconds."""


def to_digits(number: int, length: int) -> str:
    """A number as text.

    Args:
        number: Not negative.
        length: How many digits; those before are left out.
    """
    return "".join([DIGITS[number >> 6 * place & 63] for place in range(length - 1, -1, -1)])


def time_of(revision: str) -> int:
    """When a revision was made, in milliseconds from 1970."""
    return _number(revision[:TIME_LENGTH])


def grace(revision: str) -> str:
    """Text that is greater than all revisions made less than four seconds after this one, or a little longer."""
    return _grace(revision[:_COARSE])


@lru_cache(maxsize=64)
def _grace(beginning: str) -> str:
    return to_digits(_number(beginning) + 2, len(beginning))


def _number(text: str) -> int:
    found = 0
    for digit in text:
        found = found << 6 | DIGITS.index(digit)
    return found

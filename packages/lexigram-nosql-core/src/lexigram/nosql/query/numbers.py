"""Checks numbers that stand beside a request."""

from __future__ import annotations

from typing import Any

from lexigram.nosql.exceptions import QueryOptionError

__all__ = ["parse_count", "parse_seconds"]


def parse_count(name: str, value: Any) -> int:
    """Check a number that is 0 or more.

    Args:
        name: What it is called, for the error.
        value: The number.

    Returns:
        The number.

    Raises:
        QueryOptionError: It is not an int, negative, or above 64 bits.
    """
    if isinstance(value, bool) or not isinstance(value, int):
        raise QueryOptionError(f"{name} must be an int, not {type(value).__name__}", mongo_code=14)
    if not 0 <= value < 2**63:
        raise QueryOptionError(f"{name} must be 0 or more and fit in 64 bits", mongo_code=51024)
    return value


def parse_seconds(name: str, value: Any) -> float:
    """Check a time in seconds that is more than 0.

    Args:
        name: What it is called, for the error.
        value: The time.

    Returns:
        The time in seconds.

    Raises:
        QueryOptionError: It is not a number, or not more than 0.
    """
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise QueryOptionError(f"{name} must be a number of seconds, not {type(value).__name__}", mongo_code=14)
    if not value > 0:
        raise QueryOptionError(f"{name} must be more than 0 seconds, not {value}", mongo_code=51024)
    return float(value)

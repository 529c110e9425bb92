"""Near misses for names of operators, stages and settings, shared by everything that parses."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from typing import Any

from lexigram.suggestions import did_you_mean, near_miss

__all__ = ["did_you_mean", "near_miss", "operator_hint", "shown"]


def operator_hint(name: str, known: Iterable[str]) -> str | None:
    """Word the near miss of an unknown operator, for an error's hint.

    Args:
        name: What was written, such as ``$gte2``.
        known: The operators there are.

    Returns:
        ``"did you mean '$gte'?"``, or None if nothing is near.
    """
    nearest = near_miss(name, known)
    return f"did you mean {nearest!r}?" if nearest is not None else None


def shown(value: Any) -> str:
    """Write a value for an error, briefly and whatever it is.

    Args:
        value: Any value.

    Returns:
        At most 64 characters.
    """
    if isinstance(value, str | int | float | bytes | bool | Decimal) or value is None:
        try:
            text = repr(value[:64]) if isinstance(value, str | bytes) else repr(value)
        except ValueError:  # an int of more digits than Python writes
            text = "a number of thousands of digits"
        return text[:64]
    return f"a value of type {type(value).__qualname__}"

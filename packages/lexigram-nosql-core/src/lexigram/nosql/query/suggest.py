"""Near misses for names of operators, stages and settings, shared by everything that parses."""

from __future__ import annotations

from collections.abc import Iterable

from lexigram.suggestions import did_you_mean, near_miss

__all__ = ["did_you_mean", "near_miss", "operator_hint"]


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

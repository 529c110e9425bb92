"""Near misses: which known name was probably meant by an unknown one."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches

__all__ = ["did_you_mean", "near_miss"]

_LONGEST = 200  # difflib is quadratic; nobody mistypes a name this long
_SHORTEST = 3  # below, every name is one slip away from another


def _fold(name: str) -> str:
    """Bring spellings together that people mix up: case, dashes, dots and underscores."""
    return name.casefold().replace("-", "").replace("_", "").replace(".", "")


def _one_slip_apart(a: str, b: str) -> bool:
    """Whether one letter was changed, added, left out, or swapped with its neighbour; finds short names."""
    start = 0
    while start < min(len(a), len(b)) and a[start] == b[start]:
        start += 1
    rest_a, rest_b = a[start:], b[start:]
    return rest_b in {rest_a[1:], rest_a[1::-1] + rest_a[2:]} or rest_a[1:] == rest_b[1:] or rest_a == rest_b[1:]


def near_miss(name: str, known: Iterable[str], *, cutoff: float = 0.7) -> str | None:
    """Find the known name that *name* is probably a misspelling of.

    Args:
        name: What was written.
        known: What could have been written.
        cutoff: How alike they must be, from 0 to 1.

    Returns:
        The nearest known name, or None if none is near enough to be worth mentioning. Names that differ only in
        case, dashes, dots and underscores are always near.
    """
    folded: dict[str, str] = {}
    for candidate in known:
        folded.setdefault(_fold(candidate), candidate)
    wanted = _fold(name[:_LONGEST])
    if wanted in folded:
        return folded[wanted]
    for candidate in folded:
        if len(wanted) >= _SHORTEST and _one_slip_apart(wanted, candidate):
            return folded[candidate]
    matches = get_close_matches(wanted, folded, n=1, cutoff=cutoff)
    return folded[matches[0]] if matches else None


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Word the near miss for the end of a message.

    Args:
        name: What was written.
        known: What could have been written.

    Returns:
        ``"; did you mean 'x'?"``, or the empty text if nothing is near.
    """
    nearest = near_miss(name, known)
    return f"; did you mean {nearest!r}?" if nearest is not None else ""

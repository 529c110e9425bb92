r"""What ``\p{...}`` stands for in regular expressions: the general categories of Unicode, as ranges of characters.

PCRE2 also knows scripts (``\p{Greek}``) and binary properties; Python's Unicode data has neither. The version of
Unicode is Python's.
"""

from __future__ import annotations

from functools import lru_cache
from itertools import groupby
from typing import Final
from unicodedata import category

__all__ = ["Ranges", "complement", "property_ranges"]

Ranges = tuple[tuple[int, int], ...]

_LAST: Final = 0x10FFFF
_CATEGORIES: Final = frozenset(
    {"Cc", "Cf", "Cn", "Co", "Cs", "Ll", "Lm", "Lo", "Lt", "Lu", "Mc", "Me", "Mn", "Nd", "Nl", "No"}
    | {"Pc", "Pd", "Pe", "Pf", "Pi", "Po", "Ps", "Sc", "Sk", "Sm", "So", "Zl", "Zp", "Zs"}
)
# Planes without characters and those for private use: most of all code points, which need not be asked one by one.
_WHOLE: Final = (
    (0x40000, 0xDFFFF),
    (0xE1000, 0xEFFFF),
    (0xF0000, 0xFFFFD),
    (0xFFFFE, 0xFFFFF),
    (0x100000, 0x10FFFD),
    (0x10FFFE, _LAST),
)
_IGNORED: Final = str.maketrans("", "", " -_")
_UNIONS: Final = {"L&": ("Ll", "Lt", "Lu"), "Any": tuple(_CATEGORIES), "Xan": ("L", "N")}


@lru_cache(maxsize=1)
def _runs() -> tuple[tuple[int, int, str], ...]:
    """Neighbours of one category: first and last character and the category."""
    runs: list[tuple[int, int, str]] = []
    end = 0
    for first, last in _WHOLE:
        for kind, group in groupby(map(category, map(chr, range(end, first)))):
            start, end = end, end + sum([1 for _ in group])
            runs.append((start, end - 1, kind))
        runs.append((first, last, category(chr(first))))
        end = last + 1
    return tuple(runs)


@lru_cache(maxsize=128)
def property_ranges(name: str) -> Ranges | None:
    r"""Find the characters of a property.

    Args:
        name: A general category such as ``Lu``, its first letter for all that begin so, ``L&``, ``Any`` or ``Xan``.
            Case, spaces, hyphens and underscores do not matter.

    Returns:
        Ranges in order, both ends included; None for a name that is not known here.
    """
    name = name.translate(_IGNORED).capitalize()
    parts = _UNIONS.get(name, (name,))
    wanted = frozenset([kind for kind in _CATEGORIES for part in parts if kind == part or kind[0] == part])
    if not wanted:
        return None
    ranges: list[tuple[int, int]] = []
    for first, last, kind in _runs():
        if kind not in wanted:
            continue
        if ranges and ranges[-1][1] == first - 1:
            ranges[-1] = (ranges[-1][0], last)
        else:
            ranges.append((first, last))
    return tuple(ranges)


def complement(ranges: Ranges) -> Ranges:
    """Find the characters that are in none of the ranges.

    Args:
        ranges: Ranges in order.

    Returns:
        The others.
    """
    rest: list[tuple[int, int]] = []
    start = 0
    for first, last in ranges:
        if first > start:
            rest.append((start, first - 1))
        start = last + 1
    if start <= _LAST:
        rest.append((start, _LAST))
    return tuple(rest)

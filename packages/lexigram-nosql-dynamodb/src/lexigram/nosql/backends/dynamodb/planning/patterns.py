r"""What a regular expression asks of the beginning of a text, or of some part of it.

DynamoDB has no regular expressions, but it has ``begins_with`` and ``contains``. The tree into which Python's ``re``
parses the (translated) expression is read from its start: an anchor and then plain characters give a beginning;
without an anchor, the longest run of plain characters that must stand somewhere gives a part. Whatever is not
understood gives nothing, which asks less.
"""

# The parse tree of re has no types.
# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false, reportUnknownMemberType=false

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from importlib import import_module
from typing import Any, Final

from lexigram.nosql.query.regex import compile_regex
from lexigram.nosql.query.regex_linear import parse_tree

__all__ = ["PatternFacts", "pattern_facts"]

_names: Final[Any] = import_module("re._constants")
_LONGEST: Final = 500


@dataclass(frozen=True, slots=True)
class PatternFacts:
    """What every text that an expression matches has.

    Attributes:
        prefix: How it begins; empty where nothing is known.
        part: What stands somewhere in it; empty where nothing is known.
        whole: True where the beginning is all that is asked.
    """

    prefix: str = ""
    part: str = ""
    whole: bool = False


@lru_cache(maxsize=1024)
def pattern_facts(source: str, options: str) -> PatternFacts:
    """Read a regular expression.

    Args:
        source: In PCRE's syntax.
        options: Letters of ``imsux``.

    Returns:
        What is known of the texts it matches.
    """
    pattern = compile_regex(source, options, boolean=True).pattern
    tree = parse_tree(pattern.pattern, pattern.flags)
    flags: int = tree.state.flags
    items = list(tree)
    if flags & re.IGNORECASE:
        return PatternFacts()
    if items and items[0][0] is _names.AT and _at_start(items[0][1], flags):
        text, rest = _run(items[1:])
        if not _is_text(text):
            return PatternFacts()
        return PatternFacts(text[:_LONGEST], "", whole=not rest and 0 < len(text) <= _LONGEST)
    best = ""
    rest = items
    while rest:
        text, left = _run(rest)
        best = max(best, text, key=len)
        # An item that is not understood is passed over; it may take anything, or nothing.
        rest = left[1:]
    return PatternFacts("", best[:_LONGEST] if _is_text(best) else "")


def _is_text(text: str) -> bool:
    """False where half of a surrogate pair stands alone, as in no document."""
    return not any("\ud800" <= char <= "\udfff" for char in text)


def _at_start(anchor: Any, flags: int) -> bool:
    if anchor is _names.AT_BEGINNING:
        return not flags & re.MULTILINE
    return anchor is _names.AT_BEGINNING_STRING


def _run(items: list[Any]) -> tuple[str, list[Any]]:
    """The plain characters at the start of a sequence, and what comes after them."""
    text: list[str] = []
    for position, (op, argument) in enumerate(items):
        if op is not _names.LITERAL:
            return "".join(text), items[position:]
        text.append(chr(argument))
    return "".join(text), []

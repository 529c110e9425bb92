"""Reads the paths of an update, and puts fields in the order in which MongoDB makes them.

Since 5.0 an update works through its fields by name, numbers by size, whatever order they were written in (manual,
"Update Operators", behaviour of field order).
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cmp_to_key
from typing import Any, Final

from lexigram.nosql.exceptions import DocumentValidationError
from lexigram.nosql.update.ast import UpdatePath, is_each
from lexigram.nosql.update.errors import BAD_VALUE, EMPTY_FIELD_NAME, FAILED_TO_PARSE, OVERFLOW, fault
from lexigram.nosql.values.normalise import DEFAULT_LIMITS, normalise_value

__all__ = ["in_update_order", "list_position", "parse_path"]

_HUGE: Final = 10**18


def parse_path(text: Any) -> UpdatePath:
    """Read a path of an update.

    Args:
        text: A dotted path; components may be names, positions, ``$``, ``$[]`` and ``$[identifier]``.

    Returns:
        The path.

    Raises:
        UpdateError: A component is empty, stands where it may not, or there are too many.
        DocumentValidationError: It is not text that documents hold.
    """
    if not isinstance(text, str):
        raise fault(FAILED_TO_PARSE, f"a field of an update is named by text, not {type(text).__qualname__}")
    text = str.__str__(text)
    normalise_value(text, path="")
    if "\0" in text:
        raise DocumentValidationError("a field name holds a NUL character")
    parts = tuple(text.split("."))
    if "" in parts:
        raise fault(
            EMPTY_FIELD_NAME,
            f"the path {text[:200]!r} of an update has an empty component"
            if text
            else "the path of an update is empty",
        )
    if len(parts) > DEFAULT_LIMITS.max_depth:
        raise fault(OVERFLOW, f"the path of an update has more than {DEFAULT_LIMITS.max_depth} components")
    if parts[0] == "$":
        raise fault(BAD_VALUE, f"the path {text!r} begins with '$', but there is no array before it")
    if is_each(parts[0]):
        raise fault(BAD_VALUE, f"the path {text!r} begins with {parts[0]!r}, but there is no array before it")
    if parts.count("$") > 1:
        raise fault(BAD_VALUE, f"the path {text!r} has more than one positional '$'", hint="use $[] or $[identifier]")
    return UpdatePath(text, parts)


def list_position(part: str) -> int:
    """Read a component as a position in an array, as updates do.

    Args:
        part: One component.

    Returns:
        The position; -1 if it is not a number.
    """
    if not part.isascii() or not part.isdigit():
        return -1
    return int(part) if len(part) <= 18 else _HUGE


def _is_number(part: str) -> bool:
    # With a leading zero it is only a name.
    return part.isascii() and part.isdigit() and (part[0] != "0" or part == "0")


def _compare(a: str, b: str) -> int:
    if len(a) != len(b) and _is_number(a) and _is_number(b):
        return len(a) - len(b)
    return (a > b) - (a < b)


def in_update_order(names: Iterable[str]) -> list[str]:
    """Put the children of one object or array in the order in which an update visits them.

    Args:
        names: Components.

    Returns:
        By code point, but plain numbers by size.
    """
    return sorted(names, key=cmp_to_key(_compare))

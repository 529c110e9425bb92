"""Finds text that has no UTF-8 form, which no backend stores and no server is sent: lone surrogates."""

# The class of an Any is Unknown to pyright, and this module asks for classes all the time.
# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false, reportUnknownMemberType=false

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

__all__ = ["has_utf8", "unreadable"]


def has_utf8(text: str) -> bool:
    """Whether a text has a UTF-8 form.

    Args:
        text: Any text; asking costs next to nothing where it is ASCII.
    """
    if text.isascii():
        return True
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def unreadable(value: Any) -> str | None:
    """Find a text without a UTF-8 form in plain data, names of fields included.

    Args:
        value: Such as a filter or a stage. Parts that are shared many times over are looked at once.

    Returns:
        What is wrong, in words; None if nothing is.
    """
    seen: set[int] = set()
    pending: list[Any] = [value]
    while pending:
        part = pending.pop()
        if isinstance(part, str):
            if not has_utf8(part):
                place = next(place for place, letter in enumerate(part) if "\ud800" <= letter <= "\udfff")
                return f"text with a lone surrogate at position {place} has no UTF-8 form"
        elif isinstance(part, Mapping | list | tuple) and id(part) not in seen:
            seen.add(id(part))
            if isinstance(part, Mapping):
                pending.extend(part)
                pending.extend(part.values())
            else:
                pending.extend(part)
    return None

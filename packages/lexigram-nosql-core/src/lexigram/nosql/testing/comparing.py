"""Equality as parity means it: same types, same order of fields, same sign of zero, same exponent of decimals."""

# Values are of any type, and what is narrowed from Any has parts that are unknown to the checker.
# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false, reportUnknownMemberType=false

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from lexigram.nosql.update.identical import identical
from lexigram.nosql.values.order import sort_key

__all__ = ["assert_same", "assert_same_documents", "by_id", "difference"]


def difference(found: Any, expected: Any, path: str = "") -> str | None:
    """Where two values differ first, in words, or None where they are the same.

    Args:
        found: What came.
        expected: What should have come.
        path: Where the values stand.

    Returns:
        The place, what is there, and what should be.
    """
    if identical(found, expected):
        return None
    place = path or "the value"
    if type(found) is not type(expected):
        return f"{place} is {_named(found)}, expected {_named(expected)}"
    if isinstance(found, dict):
        if list(found) != list(expected):
            return f"{place} has the fields {list(found)}, expected {list(expected)}"
        parts = [(f"{path}.{name}" if path else str(name), found[name], expected[name]) for name in found]
    elif isinstance(found, list):
        if len(found) != len(expected):
            return f"{place} has {len(found)} elements, expected {len(expected)}: {found!r} and {expected!r}"
        parts = [
            (f"{path}[{index}]", left, right) for index, (left, right) in enumerate(zip(found, expected, strict=True))
        ]
    else:
        return f"{place} is {found!r}, expected {expected!r}"
    for name, left, right in parts:
        told = difference(left, right, name)
        if told is not None:
            return told
    return f"{place} is {found!r}, expected {expected!r}"


def _named(value: Any) -> str:
    return f"{value!r} ({type(value).__name__})"


def assert_same(found: Any, expected: Any) -> None:
    """Fail where two values are not the same to the last bit.

    Args:
        found: What came.
        expected: What should have come.

    Raises:
        AssertionError: They differ; it says where.
    """
    told = difference(found, expected)
    if told is not None:
        raise AssertionError(told)


def by_id(documents: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Documents in the order of their ``_id``."""
    return sorted(documents, key=lambda document: sort_key(document["_id"]))


def assert_same_documents(found: Sequence[dict[str, Any]], expected: Sequence[dict[str, Any]]) -> None:
    """Fail where two sets of documents, in any order, are not the same.

    Args:
        found: What came.
        expected: What should have come.

    Raises:
        AssertionError: They differ; it says where.
    """
    assert_same(by_id(found), by_id(expected))

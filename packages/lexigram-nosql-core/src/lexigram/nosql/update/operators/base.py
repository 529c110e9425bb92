"""What an update operator is: how its operand is read, and how it is compiled."""

# Values are of any type, and what is narrowed from Any has parts that are unknown to the checker.
# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false, reportUnknownMemberType=false

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, Self

from lexigram.nosql.update.ast import UpdatePath
from lexigram.nosql.update.run import Apply
from lexigram.nosql.values.collation import Collation
from lexigram.nosql.values.kinds import INT64_MAX, INT64_MIN
from lexigram.nosql.values.normalise import DEFAULT_LIMITS, DocumentLimits, normalise_value
from lexigram.nosql.values.order import equal, hash_key, sort_key

__all__ = ["Bind", "Operator", "Setting", "constant", "unchanged_operand"]

Bind = Callable[[Any], Any]
"""Checks an operand as the user wrote it, and gives it as :mod:`~lexigram.nosql.update.ast` describes it."""


@dataclass(frozen=True, slots=True)
class Setting:
    """How values are compared throughout one update.

    Attributes:
        collation: The collation, or None to compare text by code point.
        key: Gives the place of a value in the order.
        equal: Says whether two values are equal.
        hash_key: Gives something hashable that is equal for equal values.
    """

    collation: Collation | None
    key: Callable[[Any], Any]
    equal: Callable[[Any, Any], bool]
    hash_key: Callable[[Any], Any]

    @classmethod
    def of(cls, collation: Collation | None) -> Self:
        """Take the functions of a collation.

        Args:
            collation: It, or None.

        Returns:
            The setting.
        """
        if collation is None:
            return cls(None, sort_key, equal, hash_key)
        return cls(collation, collation.sort_key, collation.equal, collation.hash_key)


@dataclass(frozen=True, slots=True)
class Operator:
    """One update operator.

    Attributes:
        name: Such as ``"$set"``.
        binder: Makes the function that checks operands for one path.
        maker: Compiles it for one path and the number of its operand.
        render: Writes an operand as the user would.
        creates: True if it makes fields that are not there.
        lenient: True if a path that cannot exist is no fault.
        insert_only: True if it works only while an upsert builds its document.
    """

    name: str
    binder: Callable[[UpdatePath, Setting], Bind]
    maker: Callable[[UpdatePath, int, Setting], Apply]
    render: Callable[[Any], Any]
    creates: bool = True
    lenient: bool = False
    insert_only: bool = False


_PLAIN: Final = frozenset({type(None), bool, float, bytes, uuid.UUID})


def constant(path: UpdatePath, levels: int = 0) -> Bind:
    """Make the function that checks and copies a value which will be stored.

    Args:
        path: Where it will be stored.
        levels: How many arrays or objects will be around it, below the path.

    Returns:
        The function. It raises ``DocumentValidationError``, also when the document would be nested too deep.
    """
    limits = DocumentLimits(DEFAULT_LIMITS.max_depth - len(path.parts) - levels, DEFAULT_LIMITS.max_containers)
    text = path.text

    def bind(value: Any) -> Any:
        cls = type(value)
        if cls is int:
            if INT64_MIN <= value <= INT64_MAX:
                return value
        elif cls is str:
            if value.isascii():
                return value
        elif cls in _PLAIN:
            return value
        return normalise_value(value, path=text, limits=limits)

    return bind


def unchanged_operand(operand: Any) -> Any:
    """Write an operand that is as the user wrote it."""
    return operand

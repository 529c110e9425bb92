"""What an update says, as data: one :class:`Operation` for each operator and path.

Backends read this to find what they can run natively; nothing in it changes once made. Operands are normalised: lists
became tuples of checked values, texts of numbers ints. The kinds of operand, by operator:

=================================  ====================================================================
``$set $setOnInsert $min $max``    the value
``$inc $mul``                      the number
``$unset``                         None
``$rename``                        :class:`UpdatePath` of the new name
``$currentDate``                   ``"date"`` or ``"timestamp"``
``$push``                          :class:`Push`
``$addToSet``                      :class:`AddToSet`
``$pop``                           ``1`` (last) or ``-1`` (first)
``$pull``                          :class:`Pull`
``$pullAll``                       tuple of values
``$bit``                           tuple of pairs of ``"and"``, ``"or"`` or ``"xor"`` and an int
=================================  ====================================================================
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from lexigram.nosql.query.parse import Query

__all__ = ["AddToSet", "Operation", "Pull", "Push", "UpdatePath"]


@dataclass(frozen=True, slots=True)
class UpdatePath:
    """Where an operator works.

    Attributes:
        text: As it was written, such as ``"a.$[x].b"``.
        parts: Its components.
    """

    text: str
    parts: tuple[str, ...]

    @property
    def is_plain(self) -> bool:
        """True if no component is ``$``, ``$[]`` or ``$[identifier]``."""
        return not any(part == "$" or is_each(part) for part in self.parts)

    @property
    def is_positional(self) -> bool:
        """True if a component is ``$``, the element that the filter matched."""
        return "$" in self.parts

    @property
    def identifiers(self) -> tuple[str, ...]:
        """Names of the array filters it uses, in order."""
        return tuple([part[2:-1] for part in self.parts if is_each(part) and part != "$[]"])

    def __str__(self) -> str:
        return self.text


def is_each(part: str) -> bool:
    """Say whether a component stands for several elements of an array.

    Args:
        part: One component.

    Returns:
        True for ``$[]`` and ``$[identifier]``.
    """
    return len(part) >= 3 and part[:2] == "$[" and part[-1] == "]"


@dataclass(frozen=True, slots=True)
class Push:
    """What ``$push`` adds, and what it does to the array afterwards.

    Attributes:
        values: Elements to add, in order.
        position: Where to add them, from the end if negative; None for the end.
        slice: How many elements to keep, from the end if negative; None for all.
        sort: 1 or -1 to sort whole elements, pairs of dotted path and 1 or -1 to sort by fields, None not to sort.
        each: True if it was written with ``$each``.
    """

    values: tuple[Any, ...]
    position: int | None = None
    slice: int | None = None
    sort: int | tuple[tuple[str, int], ...] | None = None
    each: bool = False


@dataclass(frozen=True, slots=True)
class AddToSet:
    """What ``$addToSet`` adds where it is not there yet.

    Attributes:
        values: Elements, each once.
        each: True if it was written with ``$each``.
    """

    values: tuple[Any, ...]
    each: bool = False


@dataclass(frozen=True, slots=True)
class Pull:
    """Which elements ``$pull`` removes.

    Attributes:
        condition: As it was written, normalised: a value, conditions on the fields of elements, or on elements.
        query: The conditions parsed; None where elements equal to *condition* go.
        wrapped: True if *query* tests a document whose field ``element`` is the element.
    """

    condition: Any
    query: Query | None = field(default=None, compare=False)
    wrapped: bool = False


@dataclass(frozen=True, slots=True)
class Operation:
    """One operator on one path.

    Attributes:
        operator: Such as ``"$set"``.
        path: Where.
        operand: With what; see the module for its type.
    """

    operator: str
    path: UpdatePath
    operand: Any

"""How much of a condition DynamoDB's expressions can say.

A condition of the engine lies between two expressions. The *superset* holds wherever the condition does, and is what
reads filter by; the engine tests what comes back. The *sure* expression holds only where the condition does, and is
what native writes depend on: if it fails, nothing is known yet, and the engine decides. Where both are the same, the
expression is *exact*. Negation swaps the two, so nothing has to be known about it anywhere else.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from lexigram.nosql.backends.dynamodb.planning.expressions import (
    ALWAYS,
    NEVER,
    Expression,
    all_of,
    any_of,
    negation,
)
from lexigram.nosql.backends.dynamodb.planning.shape import AttributeType
from lexigram.nosql.query.ast import Slot

__all__ = ["EVERY", "NONE", "UNKNOWN", "Constants", "Guard", "Meaning", "both", "either", "exactly", "opposite"]


@dataclass(frozen=True, slots=True)
class Meaning:
    """Two expressions with a condition between them.

    Attributes:
        superset: Holds wherever the condition does.
        sure: Holds only where the condition does.
    """

    superset: Expression
    sure: Expression

    @property
    def exact(self) -> bool:
        """True when the two are one."""
        return self.superset == self.sure


UNKNOWN: Final = Meaning(ALWAYS, NEVER)
"""Of a condition that DynamoDB cannot say anything about."""

EVERY: Final = Meaning(ALWAYS, ALWAYS)
"""Of a condition that every item meets."""

NONE: Final = Meaning(NEVER, NEVER)
"""Of a condition that no item meets."""


def exactly(expression: Expression) -> Meaning:
    """The meaning of a condition that an expression says exactly."""
    return Meaning(expression, expression)


def both(parts: Sequence[Meaning]) -> Meaning:
    """The meaning of conditions that must all hold."""
    return Meaning(all_of([part.superset for part in parts]), all_of([part.sure for part in parts]))


def either(parts: Sequence[Meaning]) -> Meaning:
    """The meaning of conditions of which one must hold."""
    return Meaning(any_of([part.superset for part in parts]), any_of([part.sure for part in parts]))


def opposite(part: Meaning) -> Meaning:
    """The meaning of a condition that must not hold."""
    return Meaning(negation(part.sure), negation(part.superset))


Guard = tuple[int, Callable[[Any], Any], Any]
"""A constant, a question about it, and the answer that a plan depends on."""


@dataclass(slots=True)
class Constants:
    """The constants of a filter, and what was asked about them.

    A plan is kept for all filters of one shape, so whatever it depends on beyond their classes, which the shape tells,
    must be asked through :meth:`ask`.

    Attributes:
        values: One for each slot.
        typed: Top-level attributes that hold one type only, because an index has them as keys.
        foreign: True when items may exist that we did not write.
        collated: True when text compares by other rules than code points.
        guards: What was asked, and answered.
    """

    values: Sequence[Any]
    typed: dict[str, AttributeType] = field(default_factory=dict[str, AttributeType])
    foreign: bool = False
    collated: bool = False
    guards: list[Guard] = field(default_factory=list[Guard])

    def ask(self, slot: Slot, question: Callable[[Any], Any]) -> Any:
        """Ask about a constant.

        Args:
            slot: Which one.
            question: A function with no other input, whose answers compare.

        Returns:
            The answer.
        """
        for index, asked, answer in self.guards:
            if index == slot.index and asked is question:
                return answer
        answer = question(self.values[slot.index])
        self.guards.append((slot.index, question, answer))
        return answer

    def at(self, slot: Slot) -> Any:
        """Give a constant, of which nothing but its class may be looked at."""
        return self.values[slot.index]

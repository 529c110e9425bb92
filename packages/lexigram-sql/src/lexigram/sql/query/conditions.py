"""Conditions: how they are described, and how they are written.

A condition is a tuple: ``("compare", column, operator, slots)``, where an added operator stands as its handler,
``("columns", left, operator, right)``, ``("raw", sql, slots)``, ``("in_query", column, shape, negated)``,
``("exists", shape, negated)``, ``("and"|"or", conditions)``, ``("differs", column, slot)`` and
``("except", condition)``. The last two are negations with the meaning that they have in Python: NULL differs from every
value, and what is not known to hold does not hold.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

import sqlalchemy as sa
from lexigram.contracts.data.sql.sql_dialect import SQLDialect
from lexigram.sql.exceptions import DataQueryError
from lexigram.sql.query.operators import Handler, Operator
from lexigram.sql.query.patterns import PATTERNS, pattern_condition
from lexigram.sql.query.shape import Clause, Shape

__all__ = ["Pieces", "condition_of"]


class Pieces(Protocol):
    """What a condition is written with."""

    @property
    def dialect(self) -> SQLDialect:
        """The SQL that is written."""
        ...

    def column(self, name: str) -> Any:
        """A column, checked and quoted."""
        ...

    def argument(self, function: str, name: str) -> Any:
        """What a function is given."""
        ...

    def value(self, slot: Any, form: str = "") -> Any:
        """A value's parameter; *form* names what becomes of the value."""
        ...

    def raw(self, clause: Clause, *, grouped: bool = False) -> Any:
        """SQL as it was given, in parentheses when *grouped*."""
        ...

    def subquery(self, shape: Shape) -> Any:
        """A query inside this one."""
        ...


def condition_of(clause: Clause, pieces: Pieces) -> Any:
    """Write a condition.

    Args:
        clause: The condition.
        pieces: What it is written with.
    """
    match clause[0]:
        case "compare":
            _, name, operator, slots = clause
            return _compared(_operand(name, pieces), operator, slots, pieces)
        case "columns":
            _, left, operator, right = clause
            return _comparison(Operator(operator), pieces.column(left), [pieces.column(right)])
        case "raw":
            return pieces.raw(clause, grouped=True)
        case "in_query":
            _, name, shape, negated = clause
            query = pieces.subquery(shape)
            column = pieces.column(name)
            return column.not_in(query) if negated else column.in_(query)
        case "exists":
            _, shape, negated = clause
            found = sa.exists(pieces.subquery(shape))
            return sa.not_(found) if negated else found
        case "and":
            return sa.and_(sa.true(), *(condition_of(part, pieces) for part in clause[1]))
        case "or":
            return sa.or_(sa.false(), *(condition_of(part, pieces) for part in clause[1]))
        case "differs":
            return pieces.column(clause[1]).is_distinct_from(pieces.value(clause[2]))
        case "except":
            # A condition that is NULL does not hold, so that the rows are exactly those that it leaves out.
            return sa.not_(sa.func.coalesce(condition_of(clause[1], pieces), sa.false()))
        case _:
            raise DataQueryError(f"{clause[0]!r} is no condition")


def _operand(name: Any, pieces: Pieces) -> Any:
    """A column, or an aggregate of one: ``("call", function, column)``."""
    if isinstance(name, str):
        return pieces.column(name)
    _, function, column = name
    return getattr(sa.func, function)(pieces.argument(function, column))


def _compared(column: Any, operator: str | Handler, slots: Sequence[Any], pieces: Pieces) -> Any:
    if not isinstance(operator, str):
        return operator(column, [pieces.value(slot) for slot in slots])
    known = Operator(operator)
    if known in PATTERNS:
        return pattern_condition(known, column, slots[0], pieces)
    return _comparison(known, column, [pieces.value(slot) for slot in slots])


def _comparison(operator: Operator, column: Any, values: list[Any]) -> Any:
    value = values[0] if values else None
    match operator:
        case Operator.EQ:
            return column == value
        case Operator.NE:
            return column != value
        case Operator.LT:
            return column < value
        case Operator.LE:
            return column <= value
        case Operator.GT:
            return column > value
        case Operator.GE:
            return column >= value
        case Operator.IN:
            return column.in_(values) if values else sa.false()
        case Operator.NOT_IN:
            return column.not_in(values) if values else sa.true()
        case Operator.IS_NULL:
            return column.is_(sa.null())
        case Operator.IS_NOT_NULL:
            return column.is_not(sa.null())
        case Operator.BETWEEN:
            return column.between(values[0], values[1])
        case Operator.NOT_BETWEEN:
            return ~column.between(values[0], values[1])
        case _:
            raise DataQueryError(f"{operator} does not compare two columns", hint="Use =, !=, <, <=, > or >=.")

"""Reads conditions in their documented forms into the tuples of :mod:`lexigram.sql.query.conditions`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Protocol, runtime_checkable

from lexigram.contracts.data.types import (
    AndExpr,
    FieldContains,
    FieldEq,
    FieldGt,
    FieldGte,
    FieldIn,
    FieldLt,
    FieldLte,
    FieldNeq,
    FilterExpression,
    NotExpr,
    OrExpr,
    is_filter_expression,
)
from lexigram.sql.exceptions import DataQueryError
from lexigram.sql.query.names import as_name
from lexigram.sql.query.operators import Operator, escape_like, parse_operator
from lexigram.sql.query.raw import RawSQL
from lexigram.sql.query.shape import Clause, Slot

__all__ = ["Described", "Describes", "comparison", "describe_expression", "join_condition"]

Described = tuple[Clause, tuple[Any, ...]]


@runtime_checkable
class Describes(Protocol):
    """A condition of another kind that can say what it is, such as a repository's typed filter."""

    def describe(self, first: int) -> Described:
        """The condition, its values beginning at position *first*, and the values."""
        ...


_ORDERED = {FieldGt: Operator.GT, FieldGte: Operator.GE, FieldLt: Operator.LT, FieldLte: Operator.LE}


def comparison(column: Any, op: Any, value: Any, given: bool, first: int) -> Described:
    """Read what ``where()`` is given.

    Args:
        column: A column, ``("call", function, column)``, a filter expression, a typed filter, RawSQL or a mapping.
        op: The operator; the value itself where only two arguments are given and it is no operator.
        value: The value.
        given: False when there is none.
        first: Position of the first value.

    Raises:
        DataQueryError: The operator is not known, or the value does not fit it.
    """
    if is_filter_expression(column):
        return describe_expression(column, first)
    if isinstance(column, Describes):
        return column.describe(first)
    if isinstance(column, RawSQL):
        slots = tuple(Slot(first + index) for index in range(len(column.params)))
        return ("raw", column.sql, slots), column.params
    if isinstance(column, Mapping):
        return _mapping(column, first)
    target = column if isinstance(column, tuple) else as_name(column)
    if not given and not _is_operator(op):
        # where("status", "active"): equality without saying so
        op, value, given = Operator.EQ, op, True
    name, arity = parse_operator(op)
    match arity:
        case "none":
            if given and value not in (None, True, False):
                raise DataQueryError(f"{name} takes no value", hint="Leave it out.")
            if value is False:
                name = (Operator.IS_NOT_NULL if name == Operator.IS_NULL else Operator.IS_NULL).value
            return ("compare", target, name, ()), ()
        case "many":
            values = _several(name, value, given)
        case "two":
            values = _several(name, value, given)
            if len(values) != 2:
                raise DataQueryError(f"{name} takes two values, not {len(values)}", hint="Give (low, high).")
        case "one":
            if not given:
                raise DataQueryError(f"{name} takes a value", hint=f"Write where(column, {name!r}, value).")
            if value is None and name in (Operator.EQ, Operator.NE):
                null = Operator.IS_NULL if name == Operator.EQ else Operator.IS_NOT_NULL
                return ("compare", target, null.value, ()), ()
            values = (_pattern(name, value),)
    return ("compare", target, name, tuple(Slot(first + index) for index in range(len(values)))), values


def _is_operator(op: Any) -> bool:
    try:
        parse_operator(op)
    except DataQueryError:
        return False
    return True


def _several(name: str, value: Any, given: bool) -> tuple[Any, ...]:
    if not given or isinstance(value, str | bytes | Mapping) or not isinstance(value, Iterable):
        raise DataQueryError(f"{name} takes a collection of values", hint="Give a list, a tuple or a set.")
    return tuple(value)


def _pattern(name: str, value: Any) -> Any:
    """The value, as the pattern that its operator means."""
    shapes = {
        Operator.CONTAINS.value: "%{}%",
        Operator.ICONTAINS.value: "%{}%",
        Operator.STARTS_WITH.value: "{}%",
        Operator.ENDS_WITH.value: "%{}",
    }
    shape = shapes.get(name)
    if shape is None:
        return value
    if not isinstance(value, str):
        raise DataQueryError(f"{name} takes text, not {type(value).__name__}", hint="Give a string.")
    return shape.format(escape_like(value))


def _mapping(given: Mapping[Any, Any], first: int) -> Described:
    parts: list[Clause] = []
    values: list[Any] = []
    for name, value in given.items():
        clause, bound = comparison(name, Operator.EQ, value, True, first + len(values))
        parts.append(clause)
        values += bound
    return ("and", tuple(parts)), tuple(values)


def join_condition(left: str, op: Operator | str, right: str) -> Clause:
    """A comparison of two columns."""
    name, arity = parse_operator(op)
    if arity != "one":
        raise DataQueryError(f"{name} does not compare two columns", hint="Use =, !=, <, <=, > or >=.")
    return ("columns", left, name, right)


def describe_expression(root: FilterExpression, first: int) -> Described:
    """A filter expression of contracts, with the meaning that it has in Python.

    Every comparison is true or false: with NULL it is false, but for ``FieldNeq``, since None does not equal the
    value. So ``~`` of a condition selects exactly the other rows.

    Args:
        root: The expression; may be nested as deep as memory allows.
        first: Position of the first value.
    """
    values: list[Any] = []
    done: list[Clause] = []
    pending: list[tuple[FilterExpression, bool]] = [(root, False)]
    while pending:
        node, visited = pending.pop()
        if isinstance(node, AndExpr | OrExpr):
            if not visited:
                pending += [(node, True), (node.right, False), (node.left, False)]
                continue
            right, left = done.pop(), done.pop()
            kind = "and" if isinstance(node, AndExpr) else "or"
            parts = (*(left[1] if left[0] == kind else (left,)), *(right[1] if right[0] == kind else (right,)))
            done.append((kind, parts))
        elif isinstance(node, NotExpr):
            if not visited:
                pending += [(node, True), (node.expr, False)]
                continue
            done.append(("not", done.pop()))
        else:
            clause, bound = _leaf(node, first + len(values))
            done.append(clause)
            values += bound
    return done.pop(), tuple(values)


def _leaf(node: Any, first: int) -> Described:
    """A condition on one field, never NULL."""
    if isinstance(node, FieldEq):
        if node.value is None:
            return ("compare", node.field, Operator.IS_NULL.value, ()), ()
        return ("certain", ("compare", node.field, Operator.EQ.value, (Slot(first),))), (node.value,)
    if isinstance(node, FieldNeq):
        if node.value is None:
            return ("compare", node.field, Operator.IS_NOT_NULL.value, ()), ()
        equal = ("certain", ("compare", node.field, Operator.EQ.value, (Slot(first),)))
        return ("not", equal), (node.value,)
    if isinstance(node, FieldIn):
        present = tuple(value for value in node.values if value is not None)
        slots = tuple(Slot(first + index) for index in range(len(present)))
        clause: Clause = ("certain", ("compare", node.field, Operator.IN.value, slots))
        if len(present) < len(node.values):
            clause = ("or", (("compare", node.field, Operator.IS_NULL.value, ()), clause))
        return clause, present
    if isinstance(node, FieldContains):
        if not isinstance(node.value, str):
            raise DataQueryError(
                f"FieldContains({node.field!r}) looks for text in SQL, not {type(node.value).__name__}",
                hint="Give a string, or use FieldEq.",
            )
        pattern = _pattern(Operator.CONTAINS.value, node.value)
        return ("certain", ("compare", node.field, Operator.CONTAINS.value, (Slot(first),))), (pattern,)
    operator = _ORDERED[type(node)]
    if node.value is None:
        return ("or", ()), ()
    return ("certain", ("compare", node.field, operator.value, (Slot(first),))), (node.value,)

"""Reads conditions in their documented forms into the tuples of :mod:`lexigram.sql.query.conditions`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final, Protocol, cast, runtime_checkable

from lexigram.contracts.data.protocols import QueryFilterProtocol
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
from lexigram.sql.query.operators import Operator, operator_registry, parse_operator
from lexigram.sql.query.patterns import LIKES, PATTERNS, unfinished
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


MAX_DEPTH: Final = 32
"""Levels of a filter expression. The stack of SQLite's parser has 100 places, and a level takes two and more."""

_COMPARE = frozenset({Operator.EQ, Operator.NE, Operator.LT, Operator.LE, Operator.GT, Operator.GE})
_KNOWN = frozenset(operator.value for operator in Operator)
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
    if not isinstance(column, str):  # the rest is slow to tell apart
        whole = _whole(column, first)
        if whole is not None:
            return whole
    target = _target(column)
    if not given and not isinstance(op, Operator):
        # where("status", "active"): equality without saying so. Text is a value here whatever it spells, since it may
        # come from a stranger, who would else choose what is compared by sending "like" or "in".
        if _spells_null_test(op):
            raise DataQueryError(
                f"where(column, {op!r}) may mean a value or an operator",
                hint="Use where_null(column), or Operator.IS_NULL; for the value, write where(column, '=', value).",
            )
        op, value, given = Operator.EQ, op, True
    name, arity = parse_operator(op)
    if arity == "none" and name not in _KNOWN:
        return ("compare", target, _code(name), ()), ()
    if arity == "none":
        return ("compare", target, _null_test(name, op, value, given), ()), ()
    if arity == "one":
        return _single(target, name, value, given, first)
    values = _several(name, value, given)
    if arity == "two" and len(values) != 2:
        raise DataQueryError(f"{name} takes two values, not {len(values)}", hint="Give (low, high).")
    if name in (Operator.IN, Operator.NOT_IN):
        return _listed(target, name, values, first)
    if name in _KNOWN and any(value is None for value in values):
        raise _no_none(name)
    return ("compare", target, _code(name), _slots(first, len(values))), values


def _whole(given: Any, first: int) -> Described | None:
    """A condition that says all by itself; None for what is no more than a column."""
    if is_filter_expression(given):
        return describe_expression(given, first)
    if isinstance(given, Describes):
        return given.describe(first)
    if isinstance(given, QueryFilterProtocol):
        expression = given.to_expression()
        return (("and", ()), ()) if expression is None else describe_expression(expression, first)
    if isinstance(given, Mapping):
        return _mapping(cast("Any", given), first)
    return None


def _code(name: str) -> Any:
    """What a clause says of its operator: its name, or the handler of one that was added."""
    added = operator_registry.find(name)
    # The handler itself, so that another one under the same name makes another shape.
    return name if added is None else added[1]


def _target(column: Any) -> Any:
    """A column's name, or ``("call", function, column)``."""
    return column if isinstance(column, tuple) else as_name(column)  # pyright: ignore[reportUnknownVariableType] - a clause


def _slots(first: int, count: int) -> tuple[Slot, ...]:
    return tuple(Slot(first + index) for index in range(count))


def _spells_null_test(op: Any) -> bool:
    if not isinstance(op, str) or "null" not in op.lower():
        return False
    try:
        return parse_operator(op)[1] == "none"
    except DataQueryError:
        return False


def _null_test(name: str, op: Any, value: Any, given: bool) -> str:
    """``IS NULL`` or ``IS NOT NULL``; False after ``isnull`` turns it round."""
    allowed = (None,) if str(op).strip().lower() in {"is", "is not"} else (None, True, False)
    if given and not any(value is one for one in allowed):
        raise DataQueryError(f"{op} takes no value but None", hint="Leave it out, or compare with =.")
    if value is False:
        return (Operator.IS_NOT_NULL if name == Operator.IS_NULL else Operator.IS_NULL).value
    return name


def _single(target: Any, name: str, value: Any, given: bool, first: int) -> Described:
    if not given:
        raise DataQueryError(f"{name} takes a value", hint=f"Write where(column, {name!r}, value).")
    if name in PATTERNS and not isinstance(value, str):
        raise DataQueryError(f"{name} takes text, not {type(value).__name__}", hint="Give a string.")
    if name in LIKES and unfinished(value):
        raise DataQueryError("the pattern ends with a backslash", hint="Write two to mean one.")
    if isinstance(value, RawSQL):
        clause, values = value.describe(first)
        return ("compare", target, _code(name), (clause,)), values
    if value is None and name in (Operator.EQ, Operator.NE):
        null = Operator.IS_NULL if name == Operator.EQ else Operator.IS_NOT_NULL
        return ("compare", target, null.value, ()), ()
    if value is None and name in _KNOWN:
        raise _no_none(name)
    return ("compare", target, _code(name), (Slot(first),)), (value,)


def _no_none(name: str) -> DataQueryError:
    return DataQueryError(f"nothing is {name} None", hint="Compare with = or !=, or use IS NULL.")


def _listed(target: Any, name: str, values: tuple[Any, ...], first: int) -> Described:
    """``IN``, where NULL is a value like others: SQL's own would never find it, and ``NOT IN`` nothing at all."""
    present = tuple(value for value in values if value is not None)
    clause: Clause = ("compare", target, name, _slots(first, len(present)))
    if len(present) == len(values):
        return clause, present
    if name == Operator.IN:
        return ("or", (clause, ("compare", target, Operator.IS_NULL.value, ()))), present
    return ("and", (clause, ("compare", target, Operator.IS_NOT_NULL.value, ()))), present


def _several(name: str, value: Any, given: bool) -> tuple[Any, ...]:
    if not given or isinstance(value, str | bytes | Mapping) or not isinstance(value, Iterable):
        raise DataQueryError(f"{name} takes a collection of values", hint="Give a list, a tuple or a set.")
    values: Iterable[Any] = cast("Any", value)
    return tuple(values)


def _mapping(given: Mapping[Any, Any], first: int) -> Described:
    parts: list[Clause] = []
    values: list[Any] = []
    for name, value in given.items():
        clause, bound = comparison(name, Operator.EQ, value, True, first + len(values))
        parts.append(clause)
        values += bound
    return ("and", tuple(parts)), tuple(values)


def join_condition(left: str, op: Operator | str, right: str) -> Clause:
    """A comparison of two columns.

    Raises:
        DataQueryError: The operator does not compare columns.
    """
    name, _ = parse_operator(op)
    if name not in _COMPARE:
        raise DataQueryError(f"{name} does not compare two columns", hint="Use =, !=, <, <=, > or >=.")
    return ("columns", left, name, right)


def describe_expression(root: FilterExpression, first: int) -> Described:
    """A filter expression of contracts, with the meaning that it has in Python.

    A comparison with NULL does not hold, but for ``FieldNeq``, since None does not equal the value; ``~`` of it
    selects exactly the other rows.

    Args:
        root: The expression. Chains of one kind may be of any length; databases bound how deep others nest.
        first: Position of the first value.

    Raises:
        DataQueryError: It is nested deeper than :data:`MAX_DEPTH`, or SQL has no form for it.
    """
    values: list[Any] = []
    done: list[tuple[Clause, int]] = []
    pending: list[tuple[FilterExpression, bool]] = [(root, False)]
    while pending:
        node, visited = pending.pop()
        if isinstance(node, AndExpr | OrExpr):
            if not visited:
                pending += [(node, True), (node.right, False), (node.left, False)]
                continue
            right, left = done.pop(), done.pop()
            done.append(_joined("and" if isinstance(node, AndExpr) else "or", left, right))
        elif isinstance(node, NotExpr):
            if not visited:
                pending += [(node, True), (node.expr, False)]
                continue
            clause, depth = done.pop()
            done.append((clause[1], depth) if clause[0] == "except" else (("except", clause), depth + 1))
        else:
            clause, bound = _leaf(node, first + len(values))
            done.append((clause, 1))
            values += bound
        if done[-1][1] > MAX_DEPTH:
            raise DataQueryError(
                f"a filter is nested deeper than {MAX_DEPTH} levels", hint="Use FieldIn, or ask in several queries."
            )
    return done.pop()[0], tuple(values)


def _joined(kind: str, left: tuple[Clause, int], right: tuple[Clause, int]) -> tuple[Clause, int]:
    """Two conditions as one; a chain of the same kind stays flat."""
    parts: list[Clause] = []
    depth = 0
    for clause, below in (left, right):
        same = clause[0] == kind
        parts += clause[1] if same else (clause,)
        depth = max(depth, below if same else below + 1)
    return (kind, tuple(parts)), depth


def _leaf(node: Any, first: int) -> Described:
    """A condition on one field."""
    if isinstance(node, FieldEq):
        if node.value is None:
            return ("compare", node.field, Operator.IS_NULL.value, ()), ()
        return ("compare", node.field, Operator.EQ.value, (Slot(first),)), (node.value,)
    if isinstance(node, FieldNeq):
        if node.value is None:
            return ("compare", node.field, Operator.IS_NOT_NULL.value, ()), ()
        return ("differs", node.field, Slot(first)), (node.value,)
    if isinstance(node, FieldIn):
        return _listed(node.field, Operator.IN.value, node.values, first)
    if isinstance(node, FieldContains):
        return _single(node.field, Operator.CONTAINS.value, node.value, True, first)
    if node.value is None:
        return ("or", ()), ()
    return ("compare", node.field, _ORDERED[type(node)].value, (Slot(first),)), (node.value,)

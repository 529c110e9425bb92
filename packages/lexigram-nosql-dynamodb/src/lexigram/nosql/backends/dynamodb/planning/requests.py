"""Puts requests together: key condition, filter within DynamoDB's limits, names and values.

Conditions that a filter has no room for are left to the engine, the longest first; a request is never sent to fail.
"""

# The class of an Any is Unknown to pyright, and this module asks for classes all the time.
# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false, reportUnknownMemberType=false

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from lexigram.nosql.backends.dynamodb.planning.access import RequestTemplate, fill_values
from lexigram.nosql.backends.dynamodb.planning.candidates import Branch, Candidate
from lexigram.nosql.backends.dynamodb.planning.expressions import (
    ALWAYS,
    MAX_BYTES,
    MAX_EXPANDED,
    MAX_OPERATORS,
    MAX_SUBSTITUTION,
    Between,
    Comparison,
    Constant,
    Expression,
    Function,
    Text,
    Writer,
    all_of,
    names_in,
    operators,
    values_in,
)
from lexigram.nosql.backends.dynamodb.planning.meanings import Meaning
from lexigram.nosql.backends.dynamodb.planning.shape import ALL, ScopeCondition, TableShape

__all__ = ["Limits", "Term", "are_small", "branch_request", "scan_request", "weight", "within_limits"]

_SMALL = 2048
_MEDIUM = 48 * 1024
_MOST_ITEMS = 2000


@dataclass(frozen=True, slots=True)
class Limits:
    """What one expression may be, and the values of a request; other numbers than DynamoDB's are for tests.

    Attributes:
        bytes: Of an expression's text.
        operators: Operators and functions in an expression.
        expanded: Bytes of an expression with its values in place.
        substitution: Bytes of all names and values.
    """

    bytes: int = MAX_BYTES
    operators: int = MAX_OPERATORS
    expanded: int = MAX_EXPANDED
    substitution: int = MAX_SUBSTITUTION


@dataclass(frozen=True, slots=True)
class Term:
    """A condition that must hold, as far as DynamoDB can say it.

    Attributes:
        key: Its identity among the filter's conditions.
        meaning: What expressions say of it.
    """

    key: int
    meaning: Meaning


def weight(value: Any) -> int:
    """Say how much a constant counts in an expression.

    Args:
        value: A constant.

    Returns:
        0 for one of which any expression may have as many as it has operators, 1 for one that may stand among those, 2
        for one that must be measured.
    """
    cls = type(value)
    if cls is str or cls is bytes:
        size = len(value) * 4
    elif cls is dict or cls is list or cls is tuple:
        size = sized(value) if len(value) <= _MOST_ITEMS else _MEDIUM + 1
    else:
        return 0
    return 0 if size <= _SMALL else 1 if size <= _MEDIUM else 2


def are_small(weights: Iterable[int]) -> bool:
    """Say whether constants need not be measured.

    Args:
        weights: Their :func:`weight`.
    """
    return sum(weights) <= 1


def sized(value: Any) -> int:
    """About how many bytes a constant takes on the wire.

    Args:
        value: A constant.
    """
    cls = type(value)
    if cls is str:
        return len(value) * (1 if value.isascii() else 4)
    if cls is dict:
        return sum([8 + sized(name) + sized(item) for name, item in value.items()])
    if cls is list or cls is tuple:
        return sum([8 + sized(item) for item in value])
    return len(value) * 2 if isinstance(value, bytes) else 40


def within_limits(writer: Writer, expression: Expression, limits: Limits, constants: Sequence[Any] | None) -> bool:
    """Say whether a request takes an expression.

    Args:
        writer: Has the names and values of the rest of the request.
        expression: The expression.
        limits: What it may be.
        constants: Of the filter, where their sizes count; None where all are small.
    """
    if operators(expression) > limits.operators:
        return False
    trial = writer.copy()
    if len(trial.write(expression)) > limits.bytes:
        return False
    if constants is None:
        return True
    values = fill_values(trial.fixed, trial.operands, constants)
    sizes = {name: len(json.dumps(value, ensure_ascii=False).encode()) for name, value in values.items()}
    if sum([sizes[trial.value(value)] for value in values_in(expression)]) > limits.expanded:
        return False
    return sum(sizes.values()) + sum([len(name.encode()) for name in trial.names.values()]) <= limits.substitution


def _scope(condition: ScopeCondition) -> Expression:
    path = (condition.attribute,)
    if condition.value is None:
        return Function("attribute_exists" if condition.test == "present" else "attribute_not_exists", path)
    ((kind, content),) = condition.value.items()
    value = Text(content) if kind == "S" else Constant(kind, content)
    return Comparison(path, "=", value) if condition.test == "equals" else Function("begins_with", path, value)


def _filter(
    shape: TableShape,
    writer: Writer,
    terms: Sequence[Term],
    barred: frozenset[str],
    held: frozenset[str] | None,
    limits: Limits,
    constants: Sequence[Any] | None,
) -> tuple[Expression, set[int]]:
    """The filter of a request, and which conditions it says exactly.

    Args:
        shape: The table.
        writer: Has the key condition's names and values.
        terms: The conditions.
        barred: Attributes that a filter may not look at.
        held: Attributes that the index holds; None for all.
        limits: What an expression may be.
        constants: As in :func:`within_limits`.
    """
    chosen: list[Expression] = [_scope(condition) for condition in shape.scope if condition.attribute not in barred]
    said: set[int] = set()
    for term in sorted(terms, key=lambda each: operators(each.meaning.superset)):
        superset = term.meaning.superset
        if superset == ALWAYS:
            said |= {term.key} if term.meaning.exact else set()
            continue
        names = names_in(superset)
        if names & barred or (held is not None and not names <= held):
            continue
        if within_limits(writer, all_of([*chosen, superset]), limits, constants):
            chosen.append(superset)
            said |= {term.key} if term.meaning.exact else set()
    return all_of(chosen), said


def branch_request(
    shape: TableShape,
    candidate: Candidate,
    branch: Branch,
    terms: Sequence[Term],
    limits: Limits,
    constants: Sequence[Any] | None,
) -> tuple[RequestTemplate, frozenset[int]]:
    """The Query request for one branch.

    Args:
        shape: The table.
        candidate: The way to read.
        branch: Which part of it.
        terms: Conditions that must all hold.
        limits: What an expression may be.
        constants: As in :func:`within_limits`.

    Returns:
        The request, and the conditions that it says exactly.
    """
    index = candidate.index
    writer = Writer()
    fixed: dict[str, Any] = {"TableName": shape.table}
    if index.kind != "table":
        fixed["IndexName"] = index.name
    fixed["KeyConditionExpression"] = " AND ".join(map(writer.write, branch.conditions))
    between = next((condition for condition in branch.conditions if isinstance(condition, Between)), None)
    barred = frozenset(key.name for key in index.keys)
    held: frozenset[str] | None = None
    if index.projection != ALL:
        keys = barred | {key.name for key in shape.primary.keys}
        held = keys | index.projection if isinstance(index.projection, frozenset) else keys
    left = [term for term in terms if term.key not in branch.settled]
    condition, said = _filter(shape, writer, left, barred, held, limits, constants)
    if condition != ALWAYS:
        fixed["FilterExpression"] = writer.write(condition)
    if candidate.direction < 0:
        fixed["ScanIndexForward"] = False
    return _template(fixed, writer, between), branch.settled | said


def scan_request(
    shape: TableShape, terms: Sequence[Term], limits: Limits, constants: Sequence[Any] | None
) -> tuple[RequestTemplate, frozenset[int]]:
    """The request that reads a whole table; see :func:`branch_request`."""
    writer = Writer()
    fixed: dict[str, Any] = {"TableName": shape.table}
    condition, said = _filter(shape, writer, terms, frozenset(), None, limits, constants)
    if condition != ALWAYS:
        fixed["FilterExpression"] = writer.write(condition)
    return _template(fixed, writer, None), frozenset(said)


def _template(fixed: dict[str, Any], writer: Writer, between: Between | None) -> RequestTemplate:
    if writer.names:
        fixed["ExpressionAttributeNames"] = writer.names
    ends = () if between is None else (writer.value(between.low), writer.value(between.high))
    return RequestTemplate(fixed, writer.fixed, tuple(writer.operands), ends)

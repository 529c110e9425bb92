"""Translates filter expressions into MongoDB's language.

Source of meaning: :mod:`lexigram.contracts.data.types`. On values that are no arrays or mappings, the filter selects
exactly the documents whose objects satisfy the expression, but for what the language itself has of its own: a bool
equals no number, NaN equals itself and is less than no number, bytes are ordered by length first and stand beside
UUIDs, and a document equals another only with its fields in the same order. On an array, a condition also looks at the
elements, as everywhere in that language; ``FieldContains`` finds an element of an array, and no key of a mapping.
"""

# The class of an Any is Unknown to pyright, and this module asks for classes all the time.
# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false, reportUnknownMemberType=false

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

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
)
from lexigram.nosql.values.bson_compat import BsonTag, bson_tag

__all__ = ["equality", "to_filter"]

_PLAIN = frozenset({type(None), bool, int, float, str, bytes})


def to_filter(
    spec: FilterExpression,
    *,
    field: Callable[[str], str] | None = None,
    value: Callable[[Any], Any] | None = None,
) -> dict[str, Any]:
    """The filter that selects what an expression is satisfied by.

    Args:
        spec: An expression, also one made with ``&``, ``|`` and ``~``.
        field: Says for a field of the expression what it is called in documents; the same when missing.
        value: Says for a value of the expression what it is in documents; the same when missing.

    Returns:
        A filter for every method that takes one. Chains of ``&`` or ``|`` are flat in it, however long.

    Raises:
        TypeError: *spec* is not a filter expression.
    """
    pending: list[tuple[str, list[FilterExpression], list[dict[str, Any]]]] = []
    node: FilterExpression = spec
    while True:
        operator, parts = _parts(node)
        if operator:
            pending.append((operator, parts, []))
            node = parts.pop()
            continue
        result = _leaf(parts[0], field or _same, value or _same)
        while pending:
            operator, parts, done = pending[-1]
            done.append(result)
            if parts:
                node = parts.pop()
                break
            pending.pop()
            result = {operator: done}
        else:
            return result


def equality(value: Any) -> Any:
    """The condition that a field equals *value*, whatever that is, so that nothing in it is taken for an operator."""
    if type(value) in _PLAIN:
        return value
    literal = isinstance(value, Mapping | re.Pattern) or bson_tag(type(value)) is BsonTag.REGEX
    return {"$eq": value} if literal else value


def _same(given: Any) -> Any:
    return given


def _parts(node: FilterExpression) -> tuple[str, list[FilterExpression]]:
    """The operator of a combination and its parts, the first at the end; no operator for a condition."""
    negated = False
    while isinstance(node, NotExpr):
        negated, node = not negated, node.expr
    if isinstance(node, OrExpr):
        return "$nor" if negated else "$or", _chain(node, OrExpr)
    if negated:
        return "$nor", [node]
    if isinstance(node, AndExpr):
        return "$and", _chain(node, AndExpr)
    return "", [node]


def _chain(spec: AndExpr | OrExpr, kind: type[AndExpr | OrExpr]) -> list[FilterExpression]:
    """The parts of ``a & b & c`` in one list, the last first."""
    parts: list[FilterExpression] = []
    pending: list[FilterExpression] = [spec]
    while pending:
        node = pending.pop()
        if isinstance(node, kind):
            pending += [node.left, node.right]
        else:
            parts.append(node)
    return parts


def _leaf(spec: FilterExpression, name: Callable[[str], str], stored: Callable[[Any], Any]) -> dict[str, Any]:
    match spec:
        case FieldEq(field, value):
            return {name(field): equality(stored(value))}
        case FieldNeq(field, value):
            condition = equality(stored(value))
            return {name(field): {"$not": condition} if isinstance(condition, Mapping) else {"$ne": condition}}
        case FieldGt(field, value):
            return _ordered(name(field), "$gt", stored(value))
        case FieldGte(field, value):
            return _ordered(name(field), "$gte", stored(value))
        case FieldLt(field, value):
            return _ordered(name(field), "$lt", stored(value))
        case FieldLte(field, value):
            return _ordered(name(field), "$lte", stored(value))
        case FieldIn(field, values):
            return _in(name(field), [stored(value) for value in values])
        case FieldContains(field, value):
            return _contains(name(field), stored(value))
        case _:
            raise TypeError(f"{type(spec).__name__} is not a filter expression")


def _ordered(field: str, operator: str, value: Any) -> dict[str, Any]:
    # In that language null is at least null, and what is missing too; in an expression None has no order.
    return {field: {"$in": []} if value is None else {operator: value}}


def _in(field: str, values: list[Any]) -> dict[str, Any]:
    conditions = [equality(value) for value in values]
    if any(isinstance(condition, Mapping) for condition in conditions):
        return {"$or": [{field: condition} for condition in conditions]}
    return {field: {"$in": values}}


def _contains(field: str, value: Any) -> dict[str, Any]:
    """Text holds a piece of text, an array holds an element."""
    element: dict[str, Any] = {field: {"$elemMatch": {"$eq": value}}}
    if not isinstance(value, str):
        return element
    piece = re.escape(value).replace("\0", r"\x00")
    text = {field: {"$regex": piece, "$not": {"$type": "array"}}}
    return {"$or": [text, element]}

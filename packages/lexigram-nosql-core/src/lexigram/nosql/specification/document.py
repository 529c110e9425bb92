"""Translates filter expressions into MongoDB's language.

Source of meaning: :mod:`lexigram.contracts.data.types`. An equality also finds an element of an array, as everywhere in
that language.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
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

__all__ = ["to_filter"]


def to_filter(spec: FilterExpression) -> dict[str, Any]:
    """The filter that selects what an expression is satisfied by.

    Args:
        spec: An expression, also one made with ``&``, ``|`` and ``~``.

    Returns:
        A filter for every method that takes one.

    Raises:
        TypeError: *spec* is not a filter expression.
    """
    match spec:
        case AndExpr():
            return {"$and": [to_filter(part) for part in _chain(spec, AndExpr)]}
        case OrExpr():
            return {"$or": [to_filter(part) for part in _chain(spec, OrExpr)]}
        case NotExpr(inner):
            return {"$nor": [to_filter(inner)]}
        case FieldEq(field, value):
            return {field: {"$eq": value} if isinstance(value, Mapping | re.Pattern) else value}
        case FieldNeq(field, value):
            return {field: {"$ne": value}}
        case FieldGt(field, value):
            return {field: {"$gt": value}}
        case FieldGte(field, value):
            return {field: {"$gte": value}}
        case FieldLt(field, value):
            return {field: {"$lt": value}}
        case FieldLte(field, value):
            return {field: {"$lte": value}}
        case FieldIn(field, values):
            return {field: {"$in": list(values)}}
        case FieldContains(field, value):
            return _contains(field, value)
        case _:
            raise TypeError(f"{type(spec).__name__} is not a filter expression")


def _chain(spec: AndExpr | OrExpr, kind: type[AndExpr | OrExpr]) -> list[FilterExpression]:
    """The parts of ``a & b & c``, in order and in one list, so that long chains do not nest."""
    parts: list[FilterExpression] = []
    pending: list[FilterExpression] = [spec]
    while pending:
        node = pending.pop()
        if isinstance(node, kind):
            pending += [node.right, node.left]
        else:
            parts.append(node)
    return parts


def _contains(field: str, value: Any) -> dict[str, Any]:
    """Text holds a piece of text, an array holds an element."""
    element: dict[str, Any] = {field: {"$elemMatch": {"$eq": value}}}
    if not isinstance(value, str):
        return element
    text = {field: {"$regex": re.escape(value), "$not": {"$type": "array"}}}
    return {"$or": [text, element]}

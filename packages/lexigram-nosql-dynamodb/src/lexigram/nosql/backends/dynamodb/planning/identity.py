"""Conditions on ``_id`` in filters, where the key of the request does not say them already.

An item always has its ``_id``, and never an array there. A key attribute with key text knows equality, and the order
of plain text; of the rest, the engine decides.
"""

# The class of an Any is Unknown to pyright, and this module asks for classes all the time.
# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false, reportUnknownMemberType=false

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

from lexigram.nosql.backends.dynamodb.codec import encode_key
from lexigram.nosql.backends.dynamodb.planning.expressions import (
    MAX_IN,
    Comparison,
    Expression,
    Function,
    OneOf,
    Operand,
    Path,
    all_of,
    any_of,
)
from lexigram.nosql.backends.dynamodb.planning.forms import Maker, Source
from lexigram.nosql.backends.dynamodb.planning.keys import KeyTest, Points, Prefix, Span, key_tests
from lexigram.nosql.backends.dynamodb.planning.meanings import (
    EVERY,
    NONE,
    UNKNOWN,
    Constants,
    Meaning,
    both,
    exactly,
)
from lexigram.nosql.backends.dynamodb.planning.shape import AttributeValue, KeyAttribute, TableShape
from lexigram.nosql.exceptions import DocumentValidationError
from lexigram.nosql.query.ast import Compare, Exists, Leaf, Slot

__all__ = ["identity", "pair_operands", "pairs_among"]


def identity(node: Leaf, constants: Constants, shape: TableShape) -> Meaning:
    """Say what a condition on ``_id``, or on a part of it, means in a filter.

    Args:
        node: The condition.
        constants: Of the filter.
        shape: The table.
    """
    if isinstance(node, Exists) and node.path == "_id":
        return EVERY if node.exists else NONE
    for key in shape.id_attributes:
        if key.path == node.path:
            tests = key_tests(key, [node], constants)
            return _meaning(key, tests[0][1]) if tests else UNKNOWN
    if isinstance(node, Compare) and node.path == "_id" and node.op == "$eq" and len(shape.id_attributes) > 1:
        operands = pair_operands(node.value, constants, shape.id_attributes)
        if operands is None:
            return NONE
        return both(
            [
                exactly(Comparison((key.name,), "=", operand))
                for key, operand in zip(shape.id_attributes, operands, strict=True)
            ]
        )
    return UNKNOWN


def pairs_among(slot: Slot, constants: Constants, keys: Sequence[KeyAttribute]) -> list[tuple[Operand, ...]]:
    """The key attributes of those values of a ``$in`` that an item may have as its ``_id`` of several parts.

    Args:
        slot: The values.
        constants: Of the filter.
        keys: The attributes that hold the parts.
    """
    parts = tuple([((key.path or "").partition(".")[2], key.type, key.encoded) for key in keys])
    fit: tuple[bool, ...] = constants.ask(slot, _questions(parts))
    return [
        tuple([Source(slot.index, position).operand(_part(*part)) for part in parts])
        for position, fits in enumerate(fit)
        if fits
    ]


def pair_operands(slot: Slot, constants: Constants, keys: Sequence[KeyAttribute]) -> tuple[Operand, ...] | None:
    """The key attributes of an ``_id`` that is a document of several parts.

    Args:
        slot: The ``_id`` asked for.
        constants: Of the filter.
        keys: The attributes that hold its parts.

    Returns:
        One operand for each; None where no item can have that ``_id``.
    """
    parts = tuple([((key.path or "").partition(".")[2], key.type, key.encoded) for key in keys])
    if not constants.ask(slot, _question(parts)):
        return None
    return tuple([Operand(slot.index, _part(*part)) for part in parts])


@lru_cache(maxsize=256)
def _question(parts: tuple[tuple[str, Any, bool], ...]) -> Any:
    def fits(value: Any) -> bool:
        if not isinstance(value, Mapping) or list(value) != [name for name, _, _ in parts]:
            return False
        try:
            for name, kind, encoded in parts:
                _key_value(value[name], kind, encoded)
        except DocumentValidationError:
            return False
        return True

    return fits


@lru_cache(maxsize=256)
def _questions(parts: tuple[tuple[str, Any, bool], ...]) -> Any:
    fits = _question(parts)

    def all_fit(values: Sequence[Any]) -> tuple[bool, ...]:
        return tuple(map(fits, values))

    return all_fit


@lru_cache(maxsize=256)
def _part(name: str, kind: Any, encoded: bool) -> Maker:
    def make(value: Mapping[str, Any], _part: int) -> AttributeValue:
        return _key_value(value[name], kind, encoded)

    return make


def _key_value(value: Any, kind: Any, encoded: bool) -> AttributeValue:
    if kind == "S" and not encoded:
        if type(value) is not str or not value:
            raise DocumentValidationError("_id: the key attribute takes text that is not empty", path="_id")
        return {"S": value}
    return encode_key(value, kind)


def _meaning(key: KeyAttribute, test: KeyTest) -> Meaning:
    path: Path = (key.name,)
    match test:
        case Points((), is_exact):
            return NONE if is_exact else UNKNOWN
        case Points(values, is_exact):
            expression: Expression = any_of(
                [
                    Comparison(path, "=", values[start])
                    if len(values) - start == 1
                    else OneOf((path,), values[start : start + MAX_IN])
                    for start in range(0, len(values), MAX_IN)
                ]
            )
        case Span(low, high, is_exact, besides):
            ends = [Comparison(path, end.comparator, end.value) for end in (low, high) if end is not None]
            others = [Function("begins_with", path, beginning) for beginning in besides]
            expression = any_of([all_of(ends), *others])
        case Prefix(value, is_exact, besides):
            others = [Function("begins_with", path, beginning) for beginning in besides]
            expression = any_of([Function("begins_with", path, value), *others])
    return exactly(expression) if is_exact else Meaning(expression, any_of([]))

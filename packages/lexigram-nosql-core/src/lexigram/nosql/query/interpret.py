"""Matchers of documents as a tree of closures.

This is what runs a filter too large to be worth compiling, and what tells which element of an array made a document
match. It means exactly what :mod:`~lexigram.nosql.query.compile` writes.
"""

# Documents and filters are of any type, and what is narrowed from Any has parts that are unknown to the checker.
# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false, reportUnknownMemberType=false
# pyright: reportUnknownLambdaType=false

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

from lexigram.nosql.query.ast import (
    All,
    And,
    ElemMatch,
    Exists,
    Expr,
    JsonSchema,
    Leaf,
    Never,
    Node,
    Nor,
    Not,
    Or,
    SampleRate,
    Size,
    Text,
)
from lexigram.nosql.query.match import Single, present, reach, single, spread, steps
from lexigram.nosql.query.text import text_matcher
from lexigram.nosql.values.collation import Collation
from lexigram.nosql.values.kinds import is_number
from lexigram.nosql.values.order import number_value
from lexigram.nosql.values.path import MISSING

__all__ = ["Context", "document_matcher", "matched_position", "truthy"]


@dataclass(frozen=True, slots=True)
class Context:
    """What a filter is asked with, beside the document.

    Attributes:
        collation: How strings compare; None for by code point.
        variables: Values of the variables that ``$expr`` may use.
        text_fields: Paths that ``$text`` searches; None for all strings.
    """

    collation: Collation | None = None
    variables: Mapping[str, Any] | None = None
    text_fields: tuple[str, ...] | None = None


def truthy(value: Any) -> bool:
    """Say whether an expression's value counts as true (manual, "Boolean expressions").

    Args:
        value: Any value.

    Returns:
        False for false, null, a missing field and zero; True for all else.
    """
    if value is True:
        return True
    if value is False or value is None or value is MISSING:
        return False
    return not is_number(value) or number_value(value) != 0


def document_matcher(node: Node, context: Context) -> Single:
    """Make the function that asks a condition of a document.

    Args:
        node: The condition, without slots.
        context: What else it is asked with.

    Returns:
        The function.
    """
    kind = type(node)
    maker = _COMBINATIONS.get(kind)
    if maker is not None:
        return maker([document_matcher(child, context) for child in node.children])
    if isinstance(node, Leaf):
        return _leaf(node, context)
    if isinstance(node, Expr):
        evaluate, variables = node.evaluate, context.variables or {}
        return lambda document: truthy(evaluate(document, variables))
    if isinstance(node, JsonSchema):
        return node.validate
    if isinstance(node, Text):
        return text_matcher(node, context.text_fields)
    if isinstance(node, SampleRate):
        rate = node.rate
        return lambda _document: random.random() < rate  # noqa: S311 - a sample, not a secret
    return _never if isinstance(node, Never) else _always


def _leaf(node: Leaf, context: Context) -> Single:
    if isinstance(node, Exists):
        # No field is there only if no way leads to it, so absence is asked of all ways at once.
        found = _on_path(node.path, present, present)
        return found if node.exists else lambda document: not found(document)
    one = single(node, context.collation, lambda condition: document_matcher(condition, context))
    return _on_path(node.path, one if isinstance(node, Size | ElemMatch) else spread(one), one)


def _on_path(path: str | None, leaf: Single, one: Single) -> Single:
    parts = steps(path or "")
    return lambda document: reach(document, parts, 0, leaf, one)


def _all(parts: Sequence[Single]) -> Single:
    if not parts:
        return _never  # only $all of nothing has no parts
    return lambda document: all(part(document) for part in parts)


def _and(parts: Sequence[Single]) -> Single:
    def test(document: Any) -> bool:
        return all(part(document) for part in parts)

    return test


def _or(parts: Sequence[Single]) -> Single:
    def test(document: Any) -> bool:
        return any(part(document) for part in parts)

    return test


def _nor(parts: Sequence[Single]) -> Single:
    found = _or(parts)
    return lambda document: not found(document)


def _never(_document: Any) -> bool:
    return False


def _always(_document: Any) -> bool:
    return True


_COMBINATIONS: dict[type[Node], Callable[[Sequence[Single]], Single]] = {
    And: _and,
    Or: _or,
    Nor: _nor,
    Not: _nor,
    All: _all,
}
_PLAIN_CONDITIONS = (And, All)


def matched_position(node: Node, document: Mapping[str, Any], path: str, context: Context) -> int | None:
    """Find which element of an array made a document match, for the positional ``$``.

    Of several conditions that chose an element, one on the array itself wins over one on another array, and a later one
    over an earlier one; MongoDB leaves the choice undefined.

    Args:
        node: The filter, without slots.
        document: A document that it matches.
        path: Path of the array that ``$`` follows.
        context: What the filter is asked with.

    Returns:
        The position in the outermost array on the way, or None if no condition chose one.
    """
    wanted = path.split(".")
    best: tuple[bool, int] | None = None
    pending: list[Node] = [node]
    while pending:
        current = pending.pop()
        if isinstance(current, _PLAIN_CONDITIONS):
            pending.extend(reversed(current.children))
        elif isinstance(current, Or):
            # Alternatives choose no element, unless they are one condition in other words.
            simple = current.simplified()
            if simple is not current:
                pending.append(simple)
        elif isinstance(current, Leaf) and current.path is not None:
            found = _leaf_position(current, document, context)
            if found is not None:
                array, position = found
                own = array == wanted[: len(array)]
                if best is None or own >= best[0]:
                    best = (own, position)
    return None if best is None else best[1]


def _leaf_position(node: Leaf, document: Mapping[str, Any], context: Context) -> tuple[list[str], int] | None:
    """Find the first element of the first array on a leaf's path that meets the leaf's condition."""
    parts = (node.path or "").split(".")
    value: Any = document
    for position, part in enumerate(parts):
        if type(value) is not dict:
            return None
        value = cast("dict[str, Any]", value).get(part, MISSING)
        if type(value) is list:
            index = _element(node, value, parts[position + 1 :], context)
            return None if index is None else (parts[: position + 1], index)
    return None


def _element(node: Leaf, items: list[Any], rest: list[str], context: Context) -> int | None:
    one = single(node, context.collation, lambda condition: document_matcher(condition, context))
    if isinstance(node, ElemMatch) and not rest:
        for index, item in enumerate(items):
            if one([item]):
                return index
        return None
    if isinstance(node, Size) and not rest:
        return None
    leaf = one if isinstance(node, Size | ElemMatch) else spread(one)
    remaining = steps(".".join(rest))
    for index, item in enumerate(items):
        if not rest:
            if one(item):
                return index
        # Alone in an array of its length, the element is reached by name and by position alike.
        elif reach([*[None] * index, item] if remaining[0][1] == index else [item], remaining, 0, leaf, one):
            return index
    return None

"""Conditions that need more than the values they are asked of, and so may not stand everywhere."""

from __future__ import annotations

from lexigram.nosql.query.ast import Expr, JsonSchema, Node, Text

__all__ = ["special_feature"]


def special_feature(condition: Node) -> tuple[str, int] | None:
    """Find ``$expr``, ``$jsonSchema`` or ``$text`` in a condition, as deep as they may be.

    MongoDB bans the three from array filters, from ``$pull``, from ``$elemMatch`` in projections and from the filter of
    a positional projection.

    Args:
        condition: The condition.

    Returns:
        The first one's name and the error code for it; None if there is none.
    """
    for node in condition.walk():
        if isinstance(node, Expr):
            return "$expr", 224
        if isinstance(node, JsonSchema):
            return "$jsonSchema", 224
        if isinstance(node, Text):
            return "$text", 2
    return None

"""What filters inside an update may not use: conditions that need more than the element they are asked of."""

from __future__ import annotations

from lexigram.nosql.query.ast import Expr, JsonSchema, Node, Text
from lexigram.nosql.update.errors import BAD_VALUE, QUERY_FEATURE_NOT_ALLOWED, fault

__all__ = ["refuse_features"]


def refuse_features(condition: Node, where: str) -> None:
    """Refuse ``$expr``, ``$jsonSchema`` and ``$text``, wherever in a condition they stand.

    Args:
        condition: The condition of an array filter or of ``$pull``.
        where: Which of them, for the error.

    Raises:
        UpdateError: One of the three is there (code 2 for ``$text``, 224 for the others).
    """
    for node in condition.walk():
        if isinstance(node, Expr | JsonSchema):
            raise fault(QUERY_FEATURE_NOT_ALLOWED, f"{where} cannot use $expr or $jsonSchema")
        if isinstance(node, Text):
            raise fault(BAD_VALUE, f"{where} cannot use $text")

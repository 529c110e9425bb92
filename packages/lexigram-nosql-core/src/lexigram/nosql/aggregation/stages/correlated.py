"""Finds an equality between a foreign document and a variable, so that a hash table can stand for a scan.

The common correlated join is ``{"$match": {"$expr": {"$eq": ["$field", "$$variable"]}}}``, alone or in an ``$and``.
Where there are other conditions the table only chooses candidates, and the ``$match`` still tests each of them.
"""

# Expressions are of any type, and what is narrowed from Any has parts that are unknown to the checker.
# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false, reportUnknownMemberType=false

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from lexigram.nosql.aggregation.expressions.compiled import Compiled
from lexigram.nosql.aggregation.stages.base import Batch, Stage
from lexigram.nosql.aggregation.stages.match import Match
from lexigram.nosql.aggregation.stages.parsing import Env
from lexigram.nosql.query.ast import Expr
from lexigram.nosql.values.order import hash_key

__all__ = ["Correlation", "correlation_of"]


class Correlation:
    """An equality that every foreign document must meet.

    Args:
        field: The side that reads the foreign document.
        variable: The side that reads variables.
        identity: Gives something hashable that is equal for equal values.
        whole: True when nothing else is asked of the documents.
    """

    def __init__(self, field: Compiled, variable: Compiled, identity: Callable[[Any], Any], *, whole: bool) -> None:
        self.field = field
        self.variable = variable
        self.identity = identity
        self.whole = whole

    def table(self, documents: Batch, variables: Mapping[str, Any]) -> dict[Any, Batch]:
        """Sort documents by their side of the equality."""
        table: dict[Any, Batch] = {}
        for document, value in zip(documents, self.field.evaluate_many(documents, variables), strict=True):
            table.setdefault(self.identity(value), []).append(document)
        return table

    def key(self, variables: Mapping[str, Any]) -> Any:
        """The place in the table of the documents that may meet it."""
        return self.identity(self.variable.evaluate({}, variables))


def correlation_of(stage: Stage, names: frozenset[str], env: Env) -> Correlation | None:
    """Look for an equality in the first stage that reads variables.

    Args:
        stage: The stage.
        names: Names of the variables that differ from document to document.
        env: Where the stage stands.

    Returns:
        The equality, or None.
    """
    if not isinstance(stage, Match):
        return None
    identity = hash_key if env.collation is None else env.collation.hash_key
    conditions = stage.query.conjuncts
    for node in conditions:
        if not isinstance(node, Expr):
            continue
        for pair in _equalities(node.expression):
            for field, variable in (pair, pair[::-1]):
                if _is_field(field) and _is_variable(variable, names):
                    whole = len(conditions) == 1 and "$eq" in node.expression
                    return Correlation(env.expression(field), env.expression(variable), identity, whole=whole)
    return None


def _is_field(operand: Any) -> bool:
    return isinstance(operand, str) and operand[:1] == "$" and operand[1:2] != "$"


def _is_variable(operand: Any, names: frozenset[str]) -> bool:
    return isinstance(operand, str) and operand[:2] == "$$" and operand[2:].partition(".")[0] in names


def _equalities(expression: Any) -> Iterator[tuple[Any, Any]]:
    if not isinstance(expression, Mapping) or len(expression) != 1:
        return
    ((name, operands),) = expression.items()
    if not isinstance(operands, list | tuple):
        return
    if name == "$eq" and len(operands) == 2:
        yield operands[0], operands[1]
    elif name == "$and":
        for operand in operands:
            yield from _equalities(operand)

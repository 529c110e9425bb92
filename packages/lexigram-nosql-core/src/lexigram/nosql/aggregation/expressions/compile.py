"""The entry: from an expression as users write it to a compiled one."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from types import MappingProxyType
from typing import Any

from lexigram.nosql.aggregation.expressions import arithmetic, boolean, comparison, conditional, variables
from lexigram.nosql.aggregation.expressions.compiled import Compiled
from lexigram.nosql.aggregation.expressions.errors import OVERFLOW, fault
from lexigram.nosql.aggregation.expressions.scope import Builder, Scope
from lexigram.nosql.values.collation import Collation

__all__ = ["OPERATORS", "compile_expression"]

OPERATORS: Mapping[str, Builder] = MappingProxyType(
    {
        **arithmetic.OPERATORS,
        **boolean.OPERATORS,
        **comparison.OPERATORS,
        **conditional.OPERATORS,
        **variables.OPERATORS,
    }
)
"""Every expression operator, by name."""


def compile_expression(
    expression: Any, *, variables: Collection[str] = (), collation: Collation | None = None
) -> Compiled:
    """Compile an expression.

    Args:
        expression: As users write it: ``"$price"``, ``{"$add": ["$a", 1]}``, a document or array of expressions, a
            constant.
        variables: Names of the variables that will be given values at each evaluation, beside the system variables.
        collation: How strings compare; None for comparison by code point.

    Returns:
        The compiled expression; everything that can be wrong with it as such has been checked.

    Raises:
        PipelineError: The expression is not valid; ``mongo_code`` says in MongoDB's terms why.
    """
    try:
        return Scope(OPERATORS, variables, collation).compile(expression)
    except RecursionError as error:
        raise fault(OVERFLOW, "the expression nests too deep") from error

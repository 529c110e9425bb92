"""The entry: from an expression as users write it to a compiled one."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from functools import cache
from types import MappingProxyType
from typing import Any, Final

from lexigram.nosql.aggregation.expressions import (
    arithmetic,
    arrays,
    bitwise,
    boolean,
    comparison,
    conditional,
    conversion,
    date_arithmetic,
    dates,
    digests,
    extended,
    iteration,
    misc,
    objects,
    powers,
    regex,
    rounding,
    sets,
    strings,
    trigonometry,
    vectors,
)
from lexigram.nosql.aggregation.expressions import (
    variables as variable_operators,
)
from lexigram.nosql.aggregation.expressions.cache import CompiledCache, expression_key
from lexigram.nosql.aggregation.expressions.compiled import Compiled
from lexigram.nosql.aggregation.expressions.errors import OVERFLOW, fault
from lexigram.nosql.aggregation.expressions.scope import Builder, Scope
from lexigram.nosql.values.collation import Collation

__all__ = ["CACHE", "compile_expression", "operators"]

CACHE: Final = CompiledCache()
"""What was compiled lately."""


@cache
def operators() -> Mapping[str, Builder]:
    """Every expression operator.

    Returns:
        What compiles each, by its name.
    """
    # Accumulators compile their arguments with this module, so they can only be asked for once it is there.
    from lexigram.nosql.aggregation.accumulators import inline

    rooms = (
        arithmetic,
        arrays,
        bitwise,
        boolean,
        comparison,
        conditional,
        conversion,
        date_arithmetic,
        dates,
        digests,
        extended,
        inline,
        iteration,
        misc,
        objects,
        powers,
        regex,
        rounding,
        sets,
        strings,
        trigonometry,
        variable_operators,
        vectors,
    )
    return MappingProxyType({name: builder for room in rooms for name, builder in room.OPERATORS.items()})


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
    key: Any = None
    try:
        key = (expression_key(expression), frozenset(variables), collation)
        kept = CACHE.get(key)
    except TypeError:  # it is not kept
        key = kept = None
    if kept is not None:
        return kept
    try:
        compiled = Scope(operators(), variables, collation).compile(expression)
    except RecursionError as error:
        raise fault(OVERFLOW, "the expression nests too deep") from error
    if key is not None:
        CACHE.put(key, compiled)
    return compiled

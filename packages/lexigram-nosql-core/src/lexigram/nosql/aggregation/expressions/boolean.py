"""Truth, and ``$and $or $not $allElementsTrue $anyElementTrue`` (manual, "Boolean Expression Operators")."""

# Values are of any type here, and what is narrowed from Any has parts that are unknown to the checker.
# pyright: reportUnknownArgumentType=false, reportUnknownLambdaType=false, reportUnknownMemberType=false
# pyright: reportUnknownParameterType=false, reportUnknownVariableType=false

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from lexigram.nosql.aggregation.expressions.arguments import at_least, exactly, valued
from lexigram.nosql.aggregation.expressions.compiled import Compiled, Evaluator
from lexigram.nosql.aggregation.expressions.errors import fault
from lexigram.nosql.aggregation.expressions.numbers import is_numeric
from lexigram.nosql.aggregation.expressions.scope import Builder, Scope
from lexigram.nosql.values.kinds import type_name
from lexigram.nosql.values.order import number_value
from lexigram.nosql.values.path import MISSING

__all__ = ["OPERATORS", "truth"]


def truth(value: Any) -> bool:
    """Whether a value counts as true: all but false, null, missing and zero do.

    Args:
        value: Any value, or ``MISSING``.

    Returns:
        Its truth; an empty string, array or document is true, and so is NaN.
    """
    if value is True:
        return True
    if value is False or value is None or value is MISSING:
        return False
    cls = type(value)
    if cls is int or cls is float:
        return bool(value != 0)
    return not is_numeric(value) or number_value(value) != 0


def _all_of(parts: Sequence[Compiled], _scope: Scope) -> Evaluator:
    closures = [part.evaluate for part in parts]

    def every(document: Any, variables: Any) -> bool:
        for each in closures:
            value = each(document, variables)
            if value is not True and (value is False or not truth(value)):
                return False
        return True

    return every


def _any_of(parts: Sequence[Compiled], _scope: Scope) -> Evaluator:
    closures = [part.evaluate for part in parts]

    def some(document: Any, variables: Any) -> bool:
        for each in closures:
            value = each(document, variables)
            if value is True or (value is not False and truth(value)):
                return True
        return False

    return some


def _all_elements(value: Any) -> bool:
    if not isinstance(value, list):
        raise fault(17040, f"$allElementsTrue takes an array, not {type_name(value)}")
    return all(map(truth, value))


def _any_element(value: Any) -> bool:
    if not isinstance(value, list):
        raise fault(17041, f"$anyElementTrue takes an array, not {type_name(value)}")
    return any(map(truth, value))


OPERATORS: Mapping[str, Builder] = {
    "$and": at_least("$and", 0, 0, _all_of),
    "$or": at_least("$or", 0, 0, _any_of),
    "$not": exactly("$not", 1, valued(lambda value: not truth(value))),
    "$allElementsTrue": exactly("$allElementsTrue", 1, valued(_all_elements)),
    "$anyElementTrue": exactly("$anyElementTrue", 1, valued(_any_element)),
}

"""Comparison operators: ``$cmp $eq $ne $gt $gte $lt $lte`` (manual, "Comparison Expression Operators").

They compare values of any types in MongoDB's one order, where a missing field comes before null, with the collation
of the pipeline for strings.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from lexigram.nosql.aggregation.expressions.arguments import exactly
from lexigram.nosql.aggregation.expressions.compiled import Compiled, Evaluator
from lexigram.nosql.aggregation.expressions.generate import binary
from lexigram.nosql.aggregation.expressions.scope import Builder, Scope
from lexigram.nosql.values.order import compare, equal

__all__ = ["OPERATORS", "comparer", "equality"]

# Plain comparison is right for two strings without collation and for two numbers that are not NaN; NaN falls through,
# since it is neither less than nor not less than itself. Exact types keep bool, and what subclasses of str and int
# mean, out.
_ORDERED = """
if type(x) is str:
    if type(y) is str and plain:
        return x {sign} y
elif (type(x) is int or type(x) is float) and (type(y) is int or type(y) is float):
    if x {sign} y:
        return True
    if x {opposite} y:
        return False
return compare(x, y) {sign} 0
"""
_EQUAL = """
if type(x) is str:
    if type(y) is str and plain:
        return x {sign} y
elif type(x) is int and type(y) is int:
    return x {sign} y
return {negation}equal(x, y)
"""
_COMPARED = "return compare(x, y)"
_BODIES = {
    "$cmp": _COMPARED,
    "$eq": _EQUAL.format(sign="==", negation=""),
    "$ne": _EQUAL.format(sign="!=", negation="not "),
    "$gt": _ORDERED.format(sign=">", opposite="<="),
    "$gte": _ORDERED.format(sign=">=", opposite="<"),
    "$lt": _ORDERED.format(sign="<", opposite=">="),
    "$lte": _ORDERED.format(sign="<=", opposite=">"),
}


def comparer(scope: Scope) -> Callable[[Any, Any], int]:
    """How values compare in a scope.

    Args:
        scope: The scope, for its collation.

    Returns:
        A function giving -1, 0 or 1.
    """
    if scope.collation is None:
        return compare
    key = scope.collation.sort_key

    def collated(a: Any, b: Any) -> int:
        left, right = key(a), key(b)
        return int(left > right) - int(left < right)

    return collated


def equality(scope: Scope) -> Callable[[Any, Any], bool]:
    """How equality is decided in a scope.

    Args:
        scope: The scope, for its collation.

    Returns:
        A function giving whether two values are equal.
    """
    if scope.collation is None:
        return equal
    key = scope.collation.sort_key
    return lambda a, b: key(a) == key(b)


def _comparison(name: str) -> Builder:
    body = _BODIES[name]
    asks_equality = name in ("$eq", "$ne")

    def make(parts: Sequence[Compiled], scope: Scope) -> Evaluator:
        helpers: dict[str, Any] = {}
        if asks_equality:
            helpers["equal"] = equality(scope)
        else:
            helpers["compare"] = comparer(scope)
        helpers["plain"] = scope.collation is None
        return binary(body, parts[0], parts[1], helpers)

    return exactly(name, 2, make)


OPERATORS: Mapping[str, Builder] = {name: _comparison(name) for name in _BODIES}

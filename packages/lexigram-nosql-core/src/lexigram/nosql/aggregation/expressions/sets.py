"""Arrays as sets: ``$setDifference $setEquals $setIntersection $setIsSubset $setUnion``.

See the manual, "Set Expression Operators". Duplicates do not count, and elements compare as everywhere. Unions and
intersections come out in the order of values, as MongoDB's do, though it promises none; a difference keeps the
order of its first operand.
"""

# Values are of any type here, and what is narrowed from Any has parts that are unknown to the checker.
# pyright: reportUnknownArgumentType=false, reportUnknownLambdaType=false, reportUnknownMemberType=false
# pyright: reportUnknownParameterType=false, reportUnknownVariableType=false

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from lexigram.nosql.aggregation.expressions.arguments import Maker, at_least, exactly, until_null, valued
from lexigram.nosql.aggregation.expressions.compiled import Compiled, Evaluator
from lexigram.nosql.aggregation.expressions.errors import fault
from lexigram.nosql.aggregation.expressions.scope import Builder, Scope
from lexigram.nosql.values.kinds import type_name
from lexigram.nosql.values.order import hash_key, sort_key
from lexigram.nosql.values.path import MISSING

__all__ = ["OPERATORS"]

Key = Callable[[Any], Any]


def _keyed(function: Callable[..., Any], evaluated: Callable[[Callable[..., Any]], Maker] = valued) -> Maker:
    """A maker for functions that take how elements are identified and ordered before the operands."""

    def make(parts: Sequence[Compiled], scope: Scope) -> Evaluator:
        identity: Key = hash_key if scope.collation is None else scope.collation.hash_key
        order: Key = sort_key if scope.collation is None else scope.collation.sort_key
        return evaluated(lambda *values: function(identity, order, *values))(parts, scope)

    return make


def _array(value: Any, code: int, name: str) -> list[Any]:
    if not isinstance(value, list):
        raise fault(code, f"{name} takes arrays, not {type_name(value)}")
    return value


def _difference(identity: Key, _order: Key, left: Any, right: Any) -> Any:
    if left is None or left is MISSING or right is None or right is MISSING:
        return None
    first = _array(left, 17048, "$setDifference")
    seen = set(map(identity, _array(right, 17049, "$setDifference")))
    result: list[Any] = []
    for item in first:
        key = identity(item)
        if key not in seen:
            seen.add(key)
            result.append(item)
    return result


def _equals(identity: Key, _order: Key, *values: Any) -> bool:
    sets = [frozenset(map(identity, _array(value, 17044, "$setEquals"))) for value in values]
    return all(each == sets[0] for each in sets[1:])


def _is_subset(identity: Key, _order: Key, left: Any, right: Any) -> bool:
    first = _array(left, 17046, "$setIsSubset")
    return set(map(identity, first)) <= set(map(identity, _array(right, 17042, "$setIsSubset")))


def _intersection(identity: Key, order: Key, *values: Any) -> Any:
    common: dict[Any, Any] = {}
    for number, value in enumerate(values):
        if value is None or value is MISSING:
            return None
        items = _array(value, 17047, "$setIntersection")
        if number == 0:
            for item in items:
                common.setdefault(identity(item), item)
        elif common:
            keys = set(map(identity, items))
            common = {key: item for key, item in common.items() if key in keys}
    return sorted(common.values(), key=order)


def _union(identity: Key, order: Key, *values: Any) -> Any:
    together: dict[Any, Any] = {}
    for value in values:
        if value is None or value is MISSING:
            return None
        for item in _array(value, 17043, "$setUnion"):
            together.setdefault(identity(item), item)
    return sorted(together.values(), key=order)


OPERATORS: Mapping[str, Builder] = {
    "$setDifference": exactly("$setDifference", 2, _keyed(_difference)),
    "$setEquals": at_least("$setEquals", 2, 17045, _keyed(_equals)),
    "$setIntersection": at_least("$setIntersection", 0, 0, _keyed(_intersection, until_null)),
    "$setIsSubset": exactly("$setIsSubset", 2, _keyed(_is_subset)),
    "$setUnion": at_least("$setUnion", 0, 0, _keyed(_union, until_null)),
}

"""What the operators mean in Python: for objects in memory, the rows that SQL would choose."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from operator import ge, gt, le, lt
from typing import Any, cast

from lexigram.sql.exceptions import DataQueryError
from lexigram.sql.query.operators import Operator, parse_operator
from lexigram.sql.query.patterns import PATTERNS, matches

__all__ = ["holds", "look_up"]

_ORDERED: dict[Operator, Callable[[Any, Any], Any]] = {
    Operator.LT: lt,
    Operator.LE: le,
    Operator.GT: gt,
    Operator.GE: ge,
}
_SHAPES = {
    Operator.CONTAINS: "%{}%",
    Operator.ICONTAINS: "%{}%",
    Operator.STARTS_WITH: "{}%",
    Operator.ENDS_WITH: "%{}",
}


def look_up(candidate: Any, path: str) -> Any:
    """The value at a dotted path of keys and attributes; None where it ends early."""
    value = candidate
    for name in path.split("."):
        value = cast("Mapping[str, Any]", value).get(name) if isinstance(value, Mapping) else getattr(value, name, None)
        if value is None:
            return None
    return value


def holds(operator: Operator | str, found: Any, value: Any) -> bool:
    """Whether a comparison holds; with None it does as little as one with NULL.

    Args:
        operator: One of :class:`~lexigram.sql.query.operators.Operator`, in any spelling.
        found: What the column holds.
        value: What it is compared with.

    Raises:
        DataQueryError: The operator is unknown, or one that was added and only the database knows.
    """
    name, _ = parse_operator(operator)
    try:
        known = Operator(name)
    except ValueError as error:
        raise DataQueryError(f"{name!r} has no meaning outside the database", hint="Ask the database.") from error
    if known in PATTERNS:
        return _matches(known, found, value)
    match known:
        case Operator.IS_NULL | Operator.IS_NOT_NULL:
            return (found is None) is ((known is Operator.IS_NULL) is (value is not False))
        case Operator.EQ:
            return found is None if value is None else bool(found == value)
        case Operator.NE:
            return found is not None and (value is None or bool(found != value))
        case Operator.IN:
            return any(found is None if one is None else bool(found == one) for one in value)
        case Operator.NOT_IN:
            values = list(value)
            return not values or (found is not None and all(one is None or found != one for one in values))
        case Operator.BETWEEN | Operator.NOT_BETWEEN:
            low, high = value
            if found is None:
                return False
            inside = _in_order(le, low, found) and _in_order(le, found, high)
            return inside is (known is Operator.BETWEEN)
        case _:
            return found is not None and _in_order(_ORDERED[known], found, value)


def _in_order(test: Callable[[Any, Any], Any], left: Any, right: Any) -> bool:
    try:
        return bool(test(left, right))
    except TypeError:
        return False


def _matches(operator: Operator, found: Any, value: str) -> bool:
    if not isinstance(found, str):
        return False
    shape = _SHAPES.get(operator)
    if shape is not None:
        value = shape.format(value.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_"))
    met = matches(value, found, fold=operator in (Operator.ILIKE, Operator.ICONTAINS))
    return met is (operator is not Operator.NOT_LIKE)

"""``$bitAnd $bitOr $bitXor $bitNot`` (manual, "Bitwise Operators"), on ints and longs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from lexigram.nosql.aggregation.expressions.arguments import at_least, valued
from lexigram.nosql.aggregation.expressions.errors import TYPE_MISMATCH, fault
from lexigram.nosql.aggregation.expressions.numbers import as_long, has_int64, number_kind, stays_long
from lexigram.nosql.aggregation.expressions.powers import unary
from lexigram.nosql.aggregation.expressions.scope import Builder
from lexigram.nosql.values.kinds import Kind, type_name
from lexigram.nosql.values.path import MISSING

__all__ = ["OPERATORS"]

_WHOLE = (Kind.INT, Kind.LONG)


def _fold(name: str, start: int, combine: Callable[[int, int], int]) -> Builder:
    def compute(*values: Any) -> Any:
        result = start
        for value in values:
            if value is None or value is MISSING:
                return None
            if number_kind(value) not in _WHOLE:
                raise fault(TYPE_MISMATCH, f"{name} takes ints and longs, not {type_name(value)}")
            result = combine(result, int(value))
        return as_long(result) if stays_long(result, *values) else result

    return at_least(name, 0, 0, valued(compute))


def _not(value: Any, kind: Kind) -> Any:
    if kind not in _WHOLE:
        raise fault(TYPE_MISMATCH, f"$bitNot takes an int or long, not {type_name(value)}")
    return as_long(~int(value)) if has_int64(value) else ~value


OPERATORS: Mapping[str, Builder] = {
    "$bitAnd": _fold("$bitAnd", -1, lambda a, b: a & b),
    "$bitOr": _fold("$bitOr", 0, lambda a, b: a | b),
    "$bitXor": _fold("$bitXor", 0, lambda a, b: a ^ b),
    "$bitNot": unary("$bitNot", _not),
}

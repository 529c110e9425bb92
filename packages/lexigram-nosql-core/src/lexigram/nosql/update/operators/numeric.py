"""``$inc``, ``$mul`` and ``$bit`` (manual, "Field Update Operators" and "Bitwise Update Operator").

Whole numbers stay whole and must fit in 64 bits; a double makes the result a double, a decimal a decimal. Unlike in
expressions, a result outside 64 bits is a fault.
"""

# Values are of any type, and what is narrowed from Any has parts that are unknown to the checker.
# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false, reportUnknownMemberType=false

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from operator import and_, or_, xor
from typing import Any, Final

from lexigram.nosql.aggregation.expressions.numbers import (
    DECIMAL128,
    as_decimal,
    as_long,
    has_int64,
    is_numeric,
    like_decimal,
)
from lexigram.nosql.update.ast import UpdatePath
from lexigram.nosql.update.errors import BAD_VALUE, TYPE_MISMATCH, fault, show
from lexigram.nosql.update.operators.base import Bind, Operator, Setting, constant, unchanged_operand
from lexigram.nosql.update.run import UNCHANGED, Apply, Run
from lexigram.nosql.values.kinds import INT64_MAX, INT64_MIN, Kind, class_kind, type_name
from lexigram.nosql.values.path import MISSING

__all__ = ["NUMERIC_OPERATORS"]

_WHOLE: Final = frozenset({Kind.INT, Kind.LONG})


def _add(a: Any, b: Any) -> Any:
    return a + b


def _multiply(a: Any, b: Any) -> Any:
    return a * b


def _compute(a: Any, b: Any, whole: Callable[[Any, Any], Any], decimal: Callable[[Decimal, Decimal], Decimal]) -> Any:
    """Combine two numbers of any kinds; None where the result leaves 64 bits."""
    left, right = class_kind(type(a)), class_kind(type(b))
    if left is Kind.DECIMAL or right is Kind.DECIMAL:
        return like_decimal(decimal(as_decimal(a), as_decimal(b)), (a, b))
    if left is Kind.DOUBLE or right is Kind.DOUBLE:
        return whole(float(a), float(b))
    result = whole(int(a), int(b))
    if not INT64_MIN <= result <= INT64_MAX:
        return None
    return as_long(result) if has_int64(a, b) else result


def _bind_number(verb: str) -> Callable[[UpdatePath, Setting], Bind]:
    def binder(path: UpdatePath, setting: Setting) -> Bind:
        check = constant(path)

        def bind(value: Any) -> Any:
            cls = type(value)
            if cls is float or (cls is int and INT64_MIN <= value <= INT64_MAX):
                return value
            value = check(value)
            if not is_numeric(value):
                raise fault(TYPE_MISMATCH, f"cannot {verb} {path.text!r} by {type_name(value)}: give a number")
            return value

        return bind

    return binder


def _make_arithmetic(
    name: str,
    whole: Callable[[Any, Any], Any],
    decimal: Callable[[Decimal, Decimal], Decimal],
    missing: Callable[[Any], Any],
) -> Callable[[UpdatePath, int, Setting], Apply]:
    def maker(path: UpdatePath, index: int, setting: Setting) -> Apply:
        def apply(current: Any, operands: Sequence[Any], run: Run) -> Any:
            value = operands[index]
            if type(current) is int and type(value) is int:
                result = whole(current, value)
                if result == current:
                    return UNCHANGED
                if INT64_MIN <= result <= INT64_MAX:
                    return result
            elif current is MISSING:
                return missing(value)
            elif is_numeric(current):
                result = _compute(current, value, whole, decimal)
                if type(result) is type(current) and result == current:
                    return UNCHANGED
                if result is not None:
                    return result
            else:
                raise fault(
                    TYPE_MISMATCH,
                    f"cannot apply {name} to {path.text!r}, of non-numeric type {type_name(current)}",
                )
            raise fault(BAD_VALUE, f"{name} takes {path.text!r} out of 64 bits: {current} by {value}")

        return apply

    return maker


def _zero(value: Any) -> Any:
    return _compute(value, 0, _multiply, DECIMAL128.multiply)


_BITWISE: Final[Mapping[str, Callable[[int, int], int]]] = {"and": and_, "or": or_, "xor": xor}


def _is_whole(value: Any) -> bool:
    return class_kind(type(value)) in _WHOLE


def _bind_bit(path: UpdatePath, setting: Setting) -> Bind:
    check = constant(path)

    def bind(value: Any) -> tuple[tuple[str, int], ...]:
        if not isinstance(value, Mapping) or not value:
            raise fault(BAD_VALUE, f"$bit of {path.text!r} takes {{'and': int}}, {{'or': int}} or {{'xor': int}}")
        operations: list[tuple[str, int]] = []
        for name, operand in value.items():
            if not isinstance(name, str) or name not in _BITWISE:
                raise fault(BAD_VALUE, f"$bit of {path.text!r} knows 'and', 'or' and 'xor', not {show(name)}")
            number = check(operand)
            if not _is_whole(number):
                raise fault(BAD_VALUE, f"$bit of {path.text!r} takes whole numbers, not {type_name(number)}")
            operations.append((str(name), number))
        return tuple(operations)

    return bind


def _make_bit(path: UpdatePath, index: int, setting: Setting) -> Apply:
    def apply(current: Any, operands: Sequence[Any], run: Run) -> Any:
        if current is not MISSING and not _is_whole(current):
            raise fault(BAD_VALUE, f"cannot apply $bit to {path.text!r}, of non-integral type {type_name(current)}")
        result = 0 if current is MISSING else current
        for name, number in operands[index]:
            long = has_int64(result, number)
            result = _BITWISE[name](int(result), int(number))
            if long:
                result = as_long(result)
        return UNCHANGED if type(result) is type(current) and result == current else result

    return apply


NUMERIC_OPERATORS: Final = (
    Operator(
        "$inc",
        _bind_number("increment"),
        _make_arithmetic("$inc", _add, DECIMAL128.add, lambda value: value),
        unchanged_operand,
    ),
    Operator(
        "$mul",
        _bind_number("multiply"),
        _make_arithmetic("$mul", _multiply, DECIMAL128.multiply, _zero),
        unchanged_operand,
    ),
    Operator("$bit", _bind_bit, _make_bit, dict),
)

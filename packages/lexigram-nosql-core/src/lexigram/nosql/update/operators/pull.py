"""``$pull``, ``$pullAll`` and ``$pop`` (manual, "Array Update Operators").

The condition of ``$pull`` is one of three: a mapping whose first key is an operator on a field, or a regular
expression, is tested on each element, whatever it is; any other mapping is a filter on elements that are objects; any
other value is compared for equality. None of them makes a field that is not there.
"""

# Values are of any type, and what is narrowed from Any has parts that are unknown to the checker.
# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false, reportUnknownMemberType=false

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

from lexigram.nosql.aggregation.expressions.numbers import as_int64
from lexigram.nosql.query.parse import parse_filter
from lexigram.nosql.query.parser import TOP_LEVEL_OPERATORS
from lexigram.nosql.update.ast import Pull, UpdatePath
from lexigram.nosql.update.errors import (
    BAD_VALUE,
    FAILED_TO_PARSE,
    TYPE_MISMATCH,
    fault,
    refuse_features,
    show,
)
from lexigram.nosql.update.operators.base import Bind, Operator, Setting, constant, unchanged_operand
from lexigram.nosql.update.run import UNCHANGED, Apply, Run
from lexigram.nosql.values.bson_compat import BsonTag, bson_tag
from lexigram.nosql.values.copying import copy_value
from lexigram.nosql.values.kinds import type_name
from lexigram.nosql.values.normalise import normalise_value
from lexigram.nosql.values.path import MISSING

__all__ = ["PULL_OPERATORS"]

_ELEMENT: Final = "element"


def _is_regex(value: Any) -> bool:
    return isinstance(value, re.Pattern) or bson_tag(type(value)) is BsonTag.REGEX


def _bind_pull(path: UpdatePath, setting: Setting) -> Bind:
    check = constant(path, 1)

    def bind(value: Any) -> Pull:
        if isinstance(value, Mapping):
            first = next(iter(value), None)
            if (
                not isinstance(first, str)
                or not first.startswith("$")
                or first in TOP_LEVEL_OPERATORS
                or first == "$not"
            ):
                query = parse_filter(value, collation=setting.collation)
                refuse_features(query.root, f"$pull at {path.text!r}")
                return Pull(normalise_value(value), query)
        elif not _is_regex(value):
            return Pull(check(value))
        return Pull(normalise_value(value), parse_filter({_ELEMENT: value}, collation=setting.collation), True)

    return bind


def _make_pull(path: UpdatePath, index: int, setting: Setting) -> Apply:
    equal = setting.equal

    def apply(current: Any, operands: Sequence[Any], run: Run) -> Any:
        if current is MISSING:
            return UNCHANGED
        array = _array(path, "$pull", current)
        pull: Pull = operands[index]
        if pull.query is None:
            condition = pull.condition
            kept = [item for item in array if not equal(item, condition)]
        else:
            matches = pull.query.matches
            if pull.wrapped:
                kept = [item for item in array if not matches({_ELEMENT: item})]
            else:
                kept = [item for item in array if type(item) is not dict or not matches(item)]
        return UNCHANGED if len(kept) == len(array) else kept

    return apply


def _array(path: UpdatePath, operator: str, current: Any) -> list[Any]:
    if type(current) is not list:
        raise fault(
            BAD_VALUE, f"cannot {operator} from {path.text!r}: it must be an array, but is {type_name(current)}"
        )
    return current


def _render_pull(operand: Pull) -> Any:
    return copy_value(operand.condition)


def _bind_pull_all(path: UpdatePath, setting: Setting) -> Bind:
    check = constant(path, 1)

    def bind(value: Any) -> tuple[Any, ...]:
        if not isinstance(value, list | tuple):
            raise fault(BAD_VALUE, f"$pullAll at {path.text!r} takes a list, not {type_name(normalise_value(value))}")
        return tuple([check(item) for item in value])

    return bind


def _make_pull_all(path: UpdatePath, index: int, setting: Setting) -> Apply:
    hash_key = setting.hash_key

    def apply(current: Any, operands: Sequence[Any], run: Run) -> Any:
        if current is MISSING:
            return UNCHANGED
        array = _array(path, "$pullAll", current)
        unwanted = set(map(hash_key, operands[index]))
        kept = [item for item in array if hash_key(item) not in unwanted]
        return UNCHANGED if len(kept) == len(array) else kept

    return apply


def _render_pull_all(operand: tuple[Any, ...]) -> list[Any]:
    return [copy_value(value) for value in operand]


def _bind_pop(path: UpdatePath, setting: Setting) -> Bind:
    def bind(value: Any) -> int:
        number = as_int64(normalise_value(value))
        if number not in {1, -1}:
            raise fault(
                FAILED_TO_PARSE,
                f"$pop at {path.text!r} takes 1 for the last element or -1 for the first, not {show(value)}",
            )
        return 1 if number == 1 else -1

    return bind


def _make_pop(path: UpdatePath, index: int, setting: Setting) -> Apply:
    def apply(current: Any, operands: Sequence[Any], run: Run) -> Any:
        if current is MISSING:
            return UNCHANGED
        if type(current) is not list:
            raise fault(
                TYPE_MISMATCH, f"cannot $pop from {path.text!r}: it must be an array, but is {type_name(current)}"
            )
        if not current:
            return UNCHANGED
        return current[:-1] if operands[index] == 1 else current[1:]

    return apply


PULL_OPERATORS: Final = (
    Operator("$pull", _bind_pull, _make_pull, _render_pull, creates=False),
    Operator("$pullAll", _bind_pull_all, _make_pull_all, _render_pull_all, creates=False),
    Operator("$pop", _bind_pop, _make_pop, unchanged_operand, creates=False),
)

"""``$push`` with its modifiers, and ``$addToSet`` (manual, "Array Update Operators").

``$push`` adds at ``$position``, then sorts, then slices. Sorting compares whole elements in MongoDB's order, or fields
of them by plain paths; elements that are not objects count as having none of the fields.
"""

# Values are of any type, and what is narrowed from Any has parts that are unknown to the checker.
# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false, reportUnknownMemberType=false

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from lexigram.nosql.aggregation.expressions.numbers import as_int64, is_numeric
from lexigram.nosql.update.ast import AddToSet, Push, UpdatePath
from lexigram.nosql.update.errors import BAD_VALUE, TYPE_MISMATCH, fault, show
from lexigram.nosql.update.operators.base import Bind, Operator, Setting, constant
from lexigram.nosql.update.run import UNCHANGED, Apply, Run
from lexigram.nosql.values.copying import copy_value
from lexigram.nosql.values.kinds import type_name
from lexigram.nosql.values.normalise import normalise_value
from lexigram.nosql.values.path import MISSING, get_path

__all__ = ["PUSH_OPERATORS"]

_MODIFIERS: Final = ("$each", "$position", "$slice", "$sort")


def _kind(value: Any) -> str:
    return type_name(normalise_value(value))


def _each(path: UpdatePath, operator: str, value: Any, check: Bind, code: int) -> list[Any]:
    if not isinstance(value, list | tuple):
        raise fault(code, f"$each of {operator} at {path.text!r} takes a list, not {_kind(value)}")
    return [check(item) for item in value]


def _whole(path: UpdatePath, modifier: str, value: Any) -> int:
    number = as_int64(normalise_value(value))
    if number is None:
        raise fault(BAD_VALUE, f"{modifier} of $push at {path.text!r} takes a whole number, not {_kind(value)}")
    return number


def _direction(path: UpdatePath, value: Any) -> int:
    value = normalise_value(value)
    direction = as_int64(value) if is_numeric(value) else None
    if direction not in {1, -1}:
        raise fault(BAD_VALUE, f"$sort of $push at {path.text!r} takes 1 or -1, or {{'field': 1 or -1}}")
    return 1 if direction == 1 else -1


def _sort(path: UpdatePath, value: Any) -> int | tuple[tuple[str, int], ...]:
    if not isinstance(value, Mapping):
        return _direction(path, value)
    if not value:
        raise fault(BAD_VALUE, f"$sort of $push at {path.text!r} names no field")
    fields: list[tuple[str, int]] = []
    for name, direction in value.items():
        if not isinstance(name, str) or "" in name.split("."):
            raise fault(BAD_VALUE, f"$sort of $push at {path.text!r} names {show(name)}, with an empty component")
        fields.append((str(name), _direction(path, direction)))
    return tuple(fields)


def _bind_push(path: UpdatePath, setting: Setting) -> Bind:
    check = constant(path, 1)

    def bind(value: Any) -> Push:
        if not isinstance(value, Mapping) or "$each" not in value:
            return Push((check(value),))
        for name in value:
            if name not in _MODIFIERS:
                raise fault(
                    BAD_VALUE,
                    f"$push at {path.text!r} has no modifier {show(name)}",
                    hint=f"the modifiers are {', '.join(_MODIFIERS)}",
                )
        return Push(
            tuple(_each(path, "$push", value["$each"], check, BAD_VALUE)),
            _whole(path, "$position", value["$position"]) if "$position" in value else None,
            _whole(path, "$slice", value["$slice"]) if "$slice" in value else None,
            _sort(path, value["$sort"]) if "$sort" in value else None,
            True,
        )

    return bind


def _field_key(name: str, key: Callable[[Any], Any]) -> Callable[[Any], Any]:
    parts = name.split(".")
    return lambda element: key(get_path(element, parts, None) if type(element) is dict else None)


def _arrange(array: list[Any], push: Push, key: Callable[[Any], Any]) -> None:
    """Sort and slice in place."""
    sort = push.sort
    if isinstance(sort, tuple):
        for name, direction in reversed(sort):
            array.sort(key=_field_key(name, key), reverse=direction < 0)
    elif sort is not None:
        array.sort(key=key, reverse=sort < 0)
    if push.slice is not None:
        if push.slice >= 0:
            del array[push.slice :]
        elif -push.slice < len(array):
            del array[: push.slice]


def _make_push(path: UpdatePath, index: int, setting: Setting) -> Apply:
    key = setting.key

    def apply(current: Any, operands: Sequence[Any], run: Run) -> Any:
        push: Push = operands[index]
        if current is MISSING:
            array: list[Any] = []
        elif type(current) is list:
            array = current[:]
        else:
            raise fault(BAD_VALUE, f"cannot $push to {path.text!r}: it must be an array, but is {type_name(current)}")
        if not push.each:
            array.append(copy_value(push.values[0]))
            return array
        position = len(array) if push.position is None else push.position
        array[position:position] = [copy_value(value) for value in push.values]
        length = len(array)
        _arrange(array, push, key)
        if current is not MISSING and not push.values and len(array) == length and not (push.sort and array):
            return UNCHANGED  # sorting counts as a change, of anything but an empty array
        return array

    return apply


def _render_push(operand: Push) -> Any:
    if not operand.each:
        return copy_value(operand.values[0])
    rendered: dict[str, Any] = {"$each": [copy_value(value) for value in operand.values]}
    if operand.position is not None:
        rendered["$position"] = operand.position
    if operand.slice is not None:
        rendered["$slice"] = operand.slice
    if operand.sort is not None:
        rendered["$sort"] = dict(operand.sort) if isinstance(operand.sort, tuple) else operand.sort
    return rendered


def _bind_add_to_set(path: UpdatePath, setting: Setting) -> Bind:
    check = constant(path, 1)
    hash_key = setting.hash_key

    def bind(value: Any) -> AddToSet:
        # Only a first field $each is a modifier; elsewhere it is a field of the element.
        if not isinstance(value, Mapping) or next(iter(value), None) != "$each":
            return AddToSet((check(value),))
        if len(value) > 1:
            raise fault(BAD_VALUE, f"$addToSet at {path.text!r} takes nothing beside $each")
        unique: dict[Any, Any] = {}
        for item in _each(path, "$addToSet", value["$each"], check, TYPE_MISMATCH):
            unique.setdefault(hash_key(item), item)
        return AddToSet(tuple(unique.values()), True)

    return bind


def _make_add_to_set(path: UpdatePath, index: int, setting: Setting) -> Apply:
    hash_key = setting.hash_key
    by_code_point = setting.collation is None

    def apply(current: Any, operands: Sequence[Any], run: Run) -> Any:
        values = operands[index].values
        if current is MISSING:
            return [copy_value(value) for value in values]
        if type(current) is not list:
            raise fault(
                BAD_VALUE, f"cannot $addToSet to {path.text!r}: it must be an array, but is {type_name(current)}"
            )
        if by_code_point and len(values) == 1 and type(values[0]) is str:
            # Nothing but a str equals a str, so the list can look for itself.
            return UNCHANGED if values[0] in current else [*current, values[0]]
        present = set(map(hash_key, current))
        new = [copy_value(value) for value in values if hash_key(value) not in present]
        return [*current, *new] if new else UNCHANGED

    return apply


def _render_add_to_set(operand: AddToSet) -> Any:
    values = [copy_value(value) for value in operand.values]
    return {"$each": values} if operand.each else values[0]


PUSH_OPERATORS: Final = (
    Operator("$push", _bind_push, _make_push, _render_push),
    Operator("$addToSet", _bind_add_to_set, _make_add_to_set, _render_add_to_set),
)

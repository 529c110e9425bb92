"""Operators on any field (manual, "Field Update Operators"), but for arithmetic."""

# Values are of any type, and what is narrowed from Any has parts that are unknown to the checker.
# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false, reportUnknownMemberType=false

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from lexigram.nosql.update.ast import UpdatePath
from lexigram.nosql.update.errors import BAD_VALUE, OVERFLOW, PATH_NOT_VIABLE, fault, show
from lexigram.nosql.update.identical import identical
from lexigram.nosql.update.operators.base import Bind, Operator, Setting, constant, unchanged_operand
from lexigram.nosql.update.paths import list_position, parse_path
from lexigram.nosql.update.run import REMOVED, UNCHANGED, Apply, Run, current_time, next_tick
from lexigram.nosql.values.bson_compat import BsonTag, is_text, load
from lexigram.nosql.values.copying import copy_value
from lexigram.nosql.values.kinds import type_name
from lexigram.nosql.values.normalise import DEFAULT_LIMITS, DocumentLimits, normalise_value
from lexigram.nosql.values.path import MISSING, get_path, is_prefix

__all__ = ["FIELD_OPERATORS", "RENAMED_AWAY"]


def _bind_constant(path: UpdatePath, setting: Setting) -> Bind:
    return constant(path)


def _make_set(path: UpdatePath, index: int, setting: Setting) -> Apply:
    def apply(current: Any, operands: Sequence[Any], run: Run) -> Any:
        value = operands[index]
        if identical(value, current):
            return UNCHANGED
        return copy_value(value)

    return apply


def _make_set_on_insert(path: UpdatePath, index: int, setting: Setting) -> Apply:
    def apply(current: Any, operands: Sequence[Any], run: Run) -> Any:
        if not run.insert or identical(operands[index], current):
            return UNCHANGED
        return copy_value(operands[index])

    return apply


def _bind_unset(path: UpdatePath, setting: Setting) -> Bind:
    return lambda value: None


def _make_unset(path: UpdatePath, index: int, setting: Setting) -> Apply:
    def apply(current: Any, operands: Sequence[Any], run: Run) -> Any:
        return UNCHANGED if current is MISSING else REMOVED

    return apply


def _make_min(path: UpdatePath, index: int, setting: Setting) -> Apply:
    key = setting.key

    def apply(current: Any, operands: Sequence[Any], run: Run) -> Any:
        value = operands[index]
        if current is MISSING or key(value) < key(current):
            return copy_value(value)
        return UNCHANGED

    return apply


def _make_max(path: UpdatePath, index: int, setting: Setting) -> Apply:
    key = setting.key

    def apply(current: Any, operands: Sequence[Any], run: Run) -> Any:
        value = operands[index]
        if current is MISSING or key(value) > key(current):
            return copy_value(value)
        return UNCHANGED

    return apply


_DATE: Final = "date"
_TIMESTAMP: Final = "timestamp"


def _bind_current_date(path: UpdatePath, setting: Setting) -> Bind:
    def bind(value: Any) -> str:
        kind: Any = _DATE
        if isinstance(value, Mapping):
            for option in value:
                if option != "$type":
                    raise fault(BAD_VALUE, f"$currentDate of {path.text!r} has no option {show(option)}")
            kind = value.get("$type")
        elif not isinstance(value, bool):
            kind = None
        if not is_text(kind) or kind not in {_DATE, _TIMESTAMP}:
            raise fault(
                BAD_VALUE,
                f"$currentDate of {path.text!r} takes true, {{'$type': 'date'}} or {{'$type': 'timestamp'}}",
            )
        if kind == _TIMESTAMP:
            load(BsonTag.TIMESTAMP)
        return _TIMESTAMP if kind == _TIMESTAMP else _DATE

    return bind


def _make_current_date(path: UpdatePath, index: int, setting: Setting) -> Apply:
    def apply(current: Any, operands: Sequence[Any], run: Run) -> Any:
        if operands[index] == _DATE:
            return current_time()
        return load(BsonTag.TIMESTAMP)(*next_tick())

    return apply


def _bind_rename(path: UpdatePath, setting: Setting) -> Bind:
    source = path

    def bind(value: Any) -> UpdatePath:
        if not is_text(value):
            raise fault(BAD_VALUE, f"$rename of {source.text!r} takes the new name, not {show(value)}")
        target = parse_path(value)
        if source.parts == target.parts:
            raise fault(BAD_VALUE, f"$rename of {source.text!r} must give another name")
        if is_prefix(source.parts, target.parts) or is_prefix(target.parts, source.parts):
            raise fault(BAD_VALUE, f"$rename: one of {source.text!r} and {target.text!r} leads to the other")
        for role, one in (("source", source), ("destination", target)):
            if not one.is_plain:
                raise fault(BAD_VALUE, f"the {role} {one.text!r} of $rename may not hold $, $[] or $[identifier]")
        return target

    return bind


def _refuse_arrays(document: dict[str, Any], path: UpdatePath, role: str) -> None:
    value: Any = document
    for part in path.parts[:-1]:
        value = get_path(value, (part,))
        if type(value) is list:
            raise fault(BAD_VALUE, f"the {role} {path.text!r} of $rename is an element of an array, or inside one")


def rename_source(document: dict[str, Any], path: UpdatePath) -> Any:
    """Find the value that ``$rename`` moves.

    Args:
        document: The document before the update.
        path: The old name.

    Returns:
        The value, or ``MISSING``.

    Raises:
        UpdateError: The path cannot exist, or goes through an array.
    """
    value: Any = document
    for depth, part in enumerate(path.parts):
        cls = type(value)
        if (cls is not dict and cls is not list) or (cls is list and list_position(part) < 0):
            raise fault(
                PATH_NOT_VIABLE,
                f"{path.text!r} leads nowhere: {'.'.join(path.parts[:depth])!r} is {type_name(value)}",
            )
        if cls is dict:
            value = value.get(part, MISSING)
        else:
            place = list_position(part)
            value = value[place] if place < len(value) else MISSING
        if value is MISSING:
            return MISSING
    _refuse_arrays(document, path, "source")
    return value


def _make_rename(path: UpdatePath, index: int, setting: Setting) -> Apply:
    source = path

    def apply(current: Any, operands: Sequence[Any], run: Run) -> Any:
        value = rename_source(run.document, source)
        if value is MISSING:
            return UNCHANGED
        target: UpdatePath = operands[index]
        _refuse_arrays(run.document, target, "destination")
        if len(target.parts) > len(source.parts) and isinstance(value, dict | list):
            room = DEFAULT_LIMITS.max_depth - len(target.parts)
            try:
                normalise_value(value, path=target.text, limits=DocumentLimits(room))
            except ValueError as error:
                raise fault(OVERFLOW, f"$rename to {target.text!r} would nest the document too deep") from error
        return value

    return apply


def _render_path(operand: UpdatePath) -> str:
    return operand.text


def _render_current_date(operand: str) -> Any:
    return True if operand == _DATE else {"$type": _TIMESTAMP}


RENAMED_AWAY: Final = Operator("$rename", _bind_unset, _make_unset, unchanged_operand, creates=False, lenient=True)
"""What ``$rename`` does at the old name."""


def _render_unset(operand: None) -> str:
    return ""


FIELD_OPERATORS: Final = (
    Operator("$set", _bind_constant, _make_set, copy_value),
    Operator("$setOnInsert", _bind_constant, _make_set_on_insert, copy_value, insert_only=True),
    Operator("$unset", _bind_unset, _make_unset, _render_unset, creates=False, lenient=True),
    Operator("$min", _bind_constant, _make_min, copy_value),
    Operator("$max", _bind_constant, _make_max, copy_value),
    Operator("$currentDate", _bind_current_date, _make_current_date, _render_current_date),
    Operator("$rename", _bind_rename, _make_rename, _render_path),
)

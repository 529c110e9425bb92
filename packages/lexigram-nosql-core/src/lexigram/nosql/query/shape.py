"""The shape of a filter: all of it but its constants.

Two filters of one shape have the same tree and the same code, so both are kept by shape and a repeated query costs this
walk and a look-up. A shape is a flat tuple of field names, operators, classes of constants and brackets; arguments that
are no mere constants, such as a regular expression, are part of it as they are.

Whatever this walk does not know it calls :class:`Unshaped`, and the filter is parsed on its own. That is never wrong,
only slower; so the walk knows the common forms only, and leaves every complaint to the parser.
"""

# Filters are of any type, and what is narrowed from Any has parts that are unknown to the checker.
# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false, reportUnknownMemberType=false

from __future__ import annotations

import re
from datetime import datetime
from decimal import Decimal
from typing import Any, Final
from uuid import UUID

from lexigram.nosql.query.compile import NAN, list_mark
from lexigram.nosql.values.bson_compat import BsonTag, bson_tag
from lexigram.nosql.values.kinds import INT64_MAX, INT64_MIN
from lexigram.nosql.values.readable import has_utf8
from lexigram.nosql.values.slots import Put, Slot, lift, putter

__all__ = ["Unshaped", "expression_putter", "scan"]


class _Known(dict[type, bool]):
    """Whether values of a class are constants, for the classes of ``bson``."""

    def __missing__(self, cls: type) -> bool:
        tag = bson_tag(cls)
        constant = tag is not None and tag is not BsonTag.REGEX
        if tag is not None:
            self[cls] = constant
        return constant


_known: Final = _Known({tuple: True})


class Unshaped(Exception):  # noqa: N818 - a way out, not a fault
    """The filter has no shape worth keeping."""


_CONSTANTS: Final = frozenset({str, int, float, bool, type(None), UUID, bytes, datetime, Decimal})
_CONTAINERS: Final = frozenset({dict, list})
_SIMPLE: Final = frozenset({str, int, float, type(None), bool, UUID, bytes})
_COMPARISONS: Final = frozenset({"$eq", "$ne", "$gt", "$gte", "$lt", "$lte"})
_LISTS: Final = frozenset({"$in", "$nin"})
_LOGICAL: Final = frozenset({"$and", "$or", "$nor"})
# Arguments that are text or numbers and stay in the shape.
_LITERALS: Final = frozenset({"$options", "$size", "$type", "$exists"})
# Arguments that are more than that and stay in the shape as well.
_FROZEN: Final = frozenset({"$jsonSchema", "$text", "$comment", "$sampleRate"})
_FROZEN_FIELD: Final = frozenset({"$mod", "$bitsAllSet", "$bitsAllClear", "$bitsAnySet", "$bitsAnyClear"})
_MAX_FROZEN: Final = 500
_MAX_TOKENS: Final = 2_000
_MAX_DEPTH: Final = 40

_OPEN: Final = 1
_CLOSE: Final = 2
_OPERATORS: Final = 3


def scan(filter: dict[str, Any], tokens: list[Any], constants: list[Any], depth: int = 0) -> None:
    """Walk through a filter.

    Args:
        filter: A plain dict.
        tokens: Where to put the shape.
        constants: Where to put the constants.
        depth: How deep this part is nested.

    Raises:
        Unshaped: The shape is not worth keeping, or the filter is not valid.
    """
    if depth > _MAX_DEPTH or len(tokens) > _MAX_TOKENS:
        raise Unshaped
    for key, value in filter.items():
        if type(key) is not str or not has_utf8(key):
            raise Unshaped
        tokens.append(key)
        cls = type(value)
        if key[:1] == "$":
            if key in _FROZEN:
                tokens.append(_freeze(value, 0, [_MAX_FROZEN]))
                continue
            if key == "$expr":
                lifted = lift(value, expression_putter(constants, []))
                tokens.append(_freeze(lifted, 0, [_MAX_FROZEN]))
                continue
            if key not in _LOGICAL or cls is not list:
                raise Unshaped
            tokens.append(_OPEN)
            for part in value:
                if type(part) is not dict:
                    raise Unshaped
                tokens.append(_OPEN)
                scan(part, tokens, constants, depth + 1)
                tokens.append(_CLOSE)
            tokens.append(_CLOSE)
        elif cls is dict:
            for first in value:
                operators = type(first) is str and first[:1] == "$"
                break
            else:
                operators = False
            if not operators:
                tokens.append(dict)
                constants.append(value)
            elif "$ref" in value or "$id" in value:
                raise Unshaped
            else:
                _scan_operators(value, tokens, constants, depth)
        elif cls is re.Pattern:
            tokens.append(value)
        else:
            _constant(value, tokens, constants)


def expression_putter(constants: list[Any], slots: list[tuple[str, int]]) -> Put:
    """Make what takes constants out of the expressions of a filter.

    Args:
        constants: Where the filter's constants go, as they are written.
        slots: Where the names of the slots go, each with the place of its constant.

    Returns:
        What :func:`~lexigram.nosql.values.slots.lift` takes.
    """

    def take(name: str, written: Any, _held: Any) -> None:
        if type(written) is str and not has_utf8(written):
            raise Unshaped
        slots.append((name, len(constants)))
        constants.append(written)

    # Pipelines name theirs otherwise, since a filter in a pipeline sees those of the pipeline too.
    return putter("\1", take, constants.__len__)


def _constant(value: Any, tokens: list[Any], constants: list[Any]) -> None:
    cls = type(value)
    if cls is int:
        if not INT64_MIN <= value <= INT64_MAX:
            raise Unshaped
        tokens.append(int)
    elif cls is float:
        tokens.append(float if value == value else NAN)
    elif cls is str:
        if not has_utf8(value):
            raise Unshaped
        tokens.append(str)
    elif cls in _CONSTANTS or cls in _CONTAINERS or _known[cls]:
        tokens.append(cls)
    else:
        raise Unshaped
    constants.append(value)


def _scan_operators(operators: dict[str, Any], tokens: list[Any], constants: list[Any], depth: int) -> None:
    if depth > _MAX_DEPTH:
        raise Unshaped
    tokens.append(_OPERATORS)
    for name, argument in operators.items():
        tokens.append(name)
        cls = type(argument)
        if name in _COMPARISONS:
            if cls is re.Pattern:
                raise Unshaped
            _constant(argument, tokens, constants)
        elif name in _LISTS:
            if cls is not list and cls is not tuple:
                raise Unshaped
            classes = set(map(type, argument))
            if not classes <= _SIMPLE or (int in classes and not _in_range(argument)):
                raise Unshaped
            if str in classes and not all(has_utf8(item) for item in argument if type(item) is str):
                raise Unshaped
            tokens.append(list_mark(argument))
            constants.append(argument)
        elif name == "$regex":
            if cls is str:
                _constant(argument, tokens, constants)
            elif cls is re.Pattern:
                tokens.append(argument)
            else:
                raise Unshaped
        elif name in _LITERALS:
            if cls not in _SIMPLE:
                raise Unshaped
            tokens.append(cls)
            tokens.append(argument)
        elif name in _FROZEN_FIELD:
            tokens.append(_freeze(argument, 0, [_MAX_FROZEN]))
        elif name == "$all" and (cls is list or cls is tuple):
            tokens.append(len(argument))
            for item in argument:
                if type(item) not in _SIMPLE:
                    raise Unshaped
                _constant(item, tokens, constants)
        elif name == "$not" and cls is dict:
            _scan_operators(argument, tokens, constants, depth + 1)
        elif name == "$elemMatch" and cls is dict:
            for first in argument:
                if type(first) is not str:
                    raise Unshaped
                if first[:1] == "$" and first not in _LOGICAL:
                    if "$ref" in argument or "$id" in argument or "$db" in argument:
                        raise Unshaped
                    _scan_operators(argument, tokens, constants, depth + 1)
                else:
                    tokens.append(_OPEN)
                    scan(argument, tokens, constants, depth + 1)
                    tokens.append(_CLOSE)
                break
            else:
                raise Unshaped
        else:
            raise Unshaped
    tokens.append(_CLOSE)


def _in_range(values: Any) -> bool:
    return all(type(value) is not int or INT64_MIN <= value <= INT64_MAX for value in values)


def _freeze(value: Any, depth: int, left: list[int]) -> Any:
    """Make an argument hashable, telling apart all that could make a difference: 1, 1.0 and true, and order."""
    left[0] -= 1
    if left[0] < 0 or depth > _MAX_DEPTH:
        raise Unshaped
    cls = type(value)
    if cls is str or cls is int or cls is bool or value is None:
        return cls, value
    if cls is Slot:
        return value
    if cls is float or cls is Decimal:
        return cls, repr(value)
    if cls is dict:
        if not all(type(name) is str for name in value):
            raise Unshaped
        return cls, tuple([(name, _freeze(item, depth + 1, left)) for name, item in value.items()])
    if cls is list or cls is tuple:
        return list, tuple([_freeze(item, depth + 1, left) for item in value])
    if cls is UUID or cls is bytes or cls is datetime:
        return cls, value
    raise Unshaped

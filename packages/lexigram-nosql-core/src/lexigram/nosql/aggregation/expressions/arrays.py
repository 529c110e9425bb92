"""Reading and cutting arrays (manual, "Array Expression Operators").

``$arrayElemAt $arrayToObject $concatArrays $first $in $indexOfArray $isArray $last $objectToArray $range
$reverseArray $size $slice $zip``. The operators that evaluate an expression for each element are in
:mod:`~lexigram.nosql.aggregation.expressions.iteration`.
"""

# Values are of any type here, and what is narrowed from Any has parts that are unknown to the checker.
# pyright: reportUnknownArgumentType=false, reportUnknownLambdaType=false, reportUnknownMemberType=false
# pyright: reportUnknownParameterType=false, reportUnknownVariableType=false

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from lexigram.nosql.aggregation.expressions.arguments import at_least, between, exactly, named, until_null, valued
from lexigram.nosql.aggregation.expressions.comparison import equality
from lexigram.nosql.aggregation.expressions.compiled import Compiled, Evaluator, combine
from lexigram.nosql.aggregation.expressions.errors import fault
from lexigram.nosql.aggregation.expressions.growth import check_items
from lexigram.nosql.aggregation.expressions.numbers import as_int32, is_numeric
from lexigram.nosql.aggregation.expressions.scope import Builder, Scope
from lexigram.nosql.values.kinds import type_name
from lexigram.nosql.values.order import hash_key
from lexigram.nosql.values.path import MISSING

__all__ = ["OPERATORS", "whole"]


def whole(value: Any, not_number: int, not_whole: int, what: str) -> int:
    """A number as a whole number of 32 bits.

    Args:
        value: The value.
        not_number: MongoDB's code for a value that is not a number.
        not_whole: MongoDB's code for a number that is not whole, or does not fit.
        what: What the number is, for the message.

    Returns:
        The number.

    Raises:
        PipelineError: It is not such a number.
    """
    if not is_numeric(value):
        raise fault(not_number, f"{what} must be a number, not {type_name(value)}")
    number = as_int32(value)
    if number is None:
        raise fault(not_whole, f"{what} must be a whole number of 32 bits, not {value}")
    return number


def _nullish(value: Any) -> bool:
    return value is None or value is MISSING


def _element(name: str, array: Any, index: Any) -> Any:
    if _nullish(array) or _nullish(index):
        return None
    if not isinstance(array, list):
        raise fault(28689, f"{name} takes an array, not {type_name(array)}")
    position = whole(index, 28690, 28691, f"the position of {name}")
    if -len(array) <= position < len(array):
        return array[position]
    return MISSING


def _array_to_object(value: Any) -> Any:
    if _nullish(value):
        return None
    if not isinstance(value, list):
        raise fault(40386, f"$arrayToObject takes an array, not {type_name(value)}")
    result: dict[str, Any] = {}
    if not value:
        return result
    pairs = isinstance(value[0], list)
    if not pairs and not isinstance(value[0], dict):
        raise fault(40398, f"$arrayToObject takes an array of pairs or of documents, not of {type_name(value[0])}")
    for item in value:
        key, content = _pair(item) if pairs else _key_value(item)
        if "\0" in key:
            raise fault(4940400 if pairs else 4940401, "a field name may not hold a NUL")
        result[key] = content
    return result


def _pair(item: Any) -> tuple[str, Any]:
    if not isinstance(item, list):
        raise fault(40396, f"$arrayToObject was given pairs first and then {type_name(item)}")
    if len(item) != 2:
        raise fault(40397, f"$arrayToObject takes pairs, not arrays of {len(item)}")
    if not isinstance(item[0], str):
        raise fault(40395, f"the key of a pair must be a string, not {type_name(item[0])}")
    return item[0], item[1]


def _key_value(item: Any) -> tuple[str, Any]:
    if not isinstance(item, dict):
        raise fault(40391, f"$arrayToObject was given documents first and then {type_name(item)}")
    if len(item) != 2:
        raise fault(40392, f"$arrayToObject takes documents with the fields k and v, not with {len(item)} fields")
    if "k" not in item or "v" not in item:
        raise fault(40393, "$arrayToObject takes documents with the fields k and v")
    if not isinstance(item["k"], str):
        raise fault(40394, f"the field k must be a string, not {type_name(item['k'])}")
    return item["k"], item["v"]


def _object_to_array(value: Any) -> Any:
    if _nullish(value):
        return None
    if not isinstance(value, dict):
        raise fault(40390, f"$objectToArray takes a document, not {type_name(value)}")
    return [{"k": key, "v": content} for key, content in value.items()]


def _concat(*values: Any) -> Any:
    result: list[Any] = []
    for value in values:
        if _nullish(value):
            return None
        if not isinstance(value, list):
            raise fault(28664, f"$concatArrays takes arrays, not {type_name(value)}")
        check_items(len(result) + len(value))
        result += value
    return result


def _in(parts: Sequence[Compiled], scope: Scope) -> Evaluator:
    needle, haystack = parts
    find = needle.evaluate
    if haystack.is_constant and isinstance(haystack.value, list):
        identity = hash_key if scope.collation is None else scope.collation.hash_key
        known = frozenset(map(identity, haystack.value))
        return lambda document, variables: identity(find(document, variables)) in known
    if haystack.slot is not None:
        return _in_slot(find, haystack.slot, hash_key if scope.collation is None else scope.collation.hash_key)
    array = haystack.evaluate
    same = equality(scope)

    def contains(document: Any, variables: Any) -> bool:
        value = find(document, variables)
        values = array(document, variables)
        if not isinstance(values, list):
            raise fault(40081, f"$in takes an array as its second argument, not {type_name(values)}")
        return any(same(value, each) for each in values)

    return contains


def _in_slot(find: Evaluator, slot: str, identity: Callable[[Any], Any]) -> Evaluator:
    """Look in an array that is the same for a whole run: what it holds is looked up by hash."""
    last: tuple[Any, frozenset[Any]] = (None, frozenset())

    def contains(document: Any, variables: Any) -> bool:
        nonlocal last
        value = find(document, variables)
        values = variables[slot]
        held, known = last
        if held is not values:
            if not isinstance(values, list):
                raise fault(40081, f"$in takes an array as its second argument, not {type_name(values)}")
            known = frozenset(map(identity, values))
            # One assignment: runs in other threads may have arrays of their own.
            last = (values, known)
        return identity(value) in known

    return contains


def bound(value: Any, name: str, which: str, not_whole: int = 40096, negative: int = 40097) -> int:
    """A position that limits a search.

    Args:
        value: The operand.
        name: The operator.
        which: Which end of the search it is.
        not_whole: MongoDB's code for what is not a whole number of 32 bits.
        negative: MongoDB's code for a negative one.

    Returns:
        The position.

    Raises:
        PipelineError: It is not whole, or negative.
    """
    number = as_int32(value)
    if number is None:
        raise fault(not_whole, f"the {which} of {name} must be a whole number, not {type_name(value)}")
    if number < 0:
        raise fault(negative, f"the {which} of {name} must not be negative")
    return number


def _index_of(parts: Sequence[Compiled], scope: Scope) -> Evaluator:
    same = equality(scope)

    def find(values: Any, target: Any, *bounds: Any) -> Any:
        if _nullish(values):
            return None
        if not isinstance(values, list):
            raise fault(40090, f"$indexOfArray takes an array, not {type_name(values)}")
        start = bound(bounds[0], "$indexOfArray", "start") if bounds else 0
        end = bound(bounds[1], "$indexOfArray", "end") if len(bounds) > 1 else len(values)
        for position in range(start, min(end, len(values))):
            if same(values[position], target):
                return position
        return -1

    return valued(find)(parts, scope)


def _range(start: Any, end: Any, step: Any = 1) -> Any:
    first = whole(start, 34443, 34444, "the start of $range")
    last = whole(end, 34445, 34446, "the end of $range")
    stride = whole(step, 34447, 34448, "the step of $range")
    if stride == 0:
        raise fault(34449, "the step of $range must not be 0")
    numbers = range(first, last, stride)
    check_items(len(numbers))
    return list(numbers)


def _reverse(value: Any) -> Any:
    if _nullish(value):
        return None
    if not isinstance(value, list):
        raise fault(34435, f"$reverseArray takes an array, not {type_name(value)}")
    return value[::-1]


def _size(value: Any) -> int:
    if not isinstance(value, list):
        raise fault(17124, f"$size takes an array, not {type_name(value)}")
    return len(value)


def _slice(parts: Sequence[Compiled], _scope: Scope) -> Evaluator:
    array, second, *third = (part.evaluate for part in parts)
    length = third[0] if third else None

    def cut(document: Any, variables: Any) -> Any:
        values = array(document, variables)
        number = second(document, variables)
        if _nullish(values) or _nullish(number):
            return None
        if not isinstance(values, list):
            raise fault(28724, f"$slice takes an array, not {type_name(values)}")
        position = whole(number, 28725, 28726, "the second argument of $slice")
        if length is None:
            return values[:position] if position >= 0 else values[position:]
        start = max(0, len(values) + position) if position < 0 else position
        count = length(document, variables)
        if _nullish(count):
            return None
        size = whole(count, 28727, 28728, "the third argument of $slice")
        if size <= 0:
            raise fault(28729, f"the third argument of $slice must be positive, not {size}")
        return values[start : start + size]

    return cut


def _zip(spec: Any, scope: Scope) -> Compiled:
    arguments = named(
        "$zip",
        spec,
        required={},
        optional=("inputs", "defaults", "useLongestLength"),
        not_document=34460,
        unknown=34464,
    )
    longest = arguments.get("useLongestLength", False)
    if not isinstance(longest, bool):
        raise fault(34463, f"'useLongestLength' of $zip must be true or false, not {type(longest).__name__}")
    inputs = _expressions(arguments.get("inputs", ()), scope, 34461, "inputs")
    defaults = _expressions(arguments.get("defaults", ()), scope, 34462, "defaults")
    if not inputs:
        raise fault(34465, "$zip needs at least one input")
    if defaults and not longest:
        raise fault(34466, "'defaults' of $zip need 'useLongestLength': true")
    if defaults and len(defaults) != len(inputs):
        raise fault(34467, "$zip needs as many defaults as inputs")
    closures = [part.evaluate for part in inputs]
    fillers = [part.evaluate for part in defaults]

    def zipped(document: Any, variables: Any) -> Any:
        columns: list[list[Any]] = []
        for each in closures:
            column = each(document, variables)
            if _nullish(column):
                return None
            if not isinstance(column, list):
                raise fault(34468, f"$zip takes arrays, not {type_name(column)}")
            columns.append(column)
        shortest, length = min(map(len, columns)), max(map(len, columns))
        if shortest == length or not longest:
            return [list(row) for row in zip(*columns, strict=False)]
        fill = [_or_null(each(document, variables)) for each in fillers] or [None] * len(columns)
        return [
            [column[row] if row < len(column) else other for column, other in zip(columns, fill, strict=True)]
            for row in range(length)
        ]

    return combine([*inputs, *defaults], zipped)


def _or_null(value: Any) -> Any:
    return None if value is MISSING else value


def _expressions(spec: Any, scope: Scope, code: int, what: str) -> list[Compiled]:
    if not isinstance(spec, list | tuple):
        raise fault(code, f"'{what}' of $zip must be an array, not {type(spec).__name__}")
    return [scope.compile(item) for item in spec]


OPERATORS: Mapping[str, Builder] = {
    "$arrayElemAt": exactly("$arrayElemAt", 2, valued(lambda array, index: _element("$arrayElemAt", array, index))),
    "$arrayToObject": exactly("$arrayToObject", 1, valued(_array_to_object)),
    "$concatArrays": at_least("$concatArrays", 0, 0, until_null(_concat)),
    "$first": exactly("$first", 1, valued(lambda array: _element("$first", array, 0))),
    "$in": exactly("$in", 2, _in),
    "$indexOfArray": between("$indexOfArray", 2, 4, _index_of),
    "$isArray": exactly("$isArray", 1, valued(lambda value: isinstance(value, list))),
    "$last": exactly("$last", 1, valued(lambda array: _element("$last", array, -1))),
    "$objectToArray": exactly("$objectToArray", 1, valued(_object_to_array)),
    "$range": between("$range", 2, 3, valued(_range)),
    "$reverseArray": exactly("$reverseArray", 1, valued(_reverse)),
    "$size": exactly("$size", 1, valued(_size)),
    "$slice": between("$slice", 2, 3, _slice),
    "$zip": _zip,
}

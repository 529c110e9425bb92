"""Expressions evaluated for each element of an array: ``$filter $map $reduce``, and ``$sortArray``.

The position of an element is ``$$IDX``, or the variable that ``arrayIndexAs`` names. ``$top $bottom $topN $bottomN``
take the first or last elements of an array in an order, as ``$sortArray`` reads it.
"""

# Values are of any type here, and what is narrowed from Any has parts that are unknown to the checker.
# pyright: reportUnknownArgumentType=false, reportUnknownLambdaType=false, reportUnknownMemberType=false
# pyright: reportUnknownParameterType=false, reportUnknownVariableType=false

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from lexigram.nosql.aggregation.expressions.arguments import named
from lexigram.nosql.aggregation.expressions.boolean import truth
from lexigram.nosql.aggregation.expressions.compiled import Compiled, combine
from lexigram.nosql.aggregation.expressions.errors import FAILED_TO_PARSE, fault
from lexigram.nosql.aggregation.expressions.growth import Growth
from lexigram.nosql.aggregation.expressions.numbers import as_int32, as_int64, is_numeric
from lexigram.nosql.aggregation.expressions.ordering import ranking_key
from lexigram.nosql.aggregation.expressions.paths import field_names, follow, validate_variable_name
from lexigram.nosql.aggregation.expressions.scope import Builder, Scope
from lexigram.nosql.aggregation.expressions.variables import bound
from lexigram.nosql.values.kinds import type_name
from lexigram.nosql.values.order import sort_key
from lexigram.nosql.values.path import MISSING

__all__ = ["OPERATORS"]

# Between two measurements a value may grow so much (as a logarithm) that walking it is still a matter of a second.
_TOLERATED = math.log(100_000)
_POSITION = "IDX"
_BINDERS = frozenset({"$let", "$map", "$filter", "$reduce", "$zip"})


def _variable(arguments: Mapping[str, Any], option: str = "as", default: str = "this") -> str:
    name = arguments.get(option, default)
    if not isinstance(name, str):
        raise fault(FAILED_TO_PARSE, f"{option!r} must be the name of a variable")
    if option in arguments:
        validate_variable_name(name)
    return name


def _distinct(operator: str, names: Sequence[str], code: int) -> None:
    if len(set(names)) < len(names):
        raise fault(code, f"{operator} needs different names for its variables, not {', '.join(names)}")


def _map(spec: Any, scope: Scope) -> Compiled:
    arguments = named(
        "$map",
        spec,
        required={"input": 16880, "in": 16882},
        optional=("as", "arrayIndexAs"),
        not_document=16878,
        unknown=16879,
    )
    name, position = _variable(arguments), _variable(arguments, "arrayIndexAs", _POSITION)
    _distinct("$map", (name, position), 9375801)
    source = scope.compile(arguments["input"])
    body = scope.bind((name, position)).compile(arguments["in"])
    array, each = source.evaluate, body.evaluate
    counts = position in body.variables_needed

    def mapped(document: Any, variables: Any) -> Any:
        values = array(document, variables)
        if values is None or values is MISSING:
            return None
        if not isinstance(values, list):
            raise fault(16883, f"$map takes an array, not {type_name(values)}")
        # One copy for all elements: nothing that is evaluated keeps the variables.
        inner = dict(variables)
        result: list[Any] = []
        if counts:
            for inner[position], inner[name] in enumerate(values):
                value = each(document, inner)
                result.append(None if value is MISSING else value)
            return result
        for inner[name] in values:
            value = each(document, inner)
            result.append(None if value is MISSING else value)
        return result

    return bound([source], [body], frozenset({name, position}), mapped)


def _filter(spec: Any, scope: Scope) -> Compiled:
    arguments = named(
        "$filter",
        spec,
        required={"input": 28648, "cond": 28650},
        optional=("as", "limit", "arrayIndexAs"),
        not_document=28646,
        unknown=28647,
    )
    name, position = _variable(arguments), _variable(arguments, "arrayIndexAs", _POSITION)
    _distinct("$filter", (name, position), 9375802)
    source = scope.compile(arguments["input"])
    condition = scope.bind((name, position)).compile(arguments["cond"])
    limit = scope.compile(arguments["limit"]) if "limit" in arguments else None
    array, test = source.evaluate, condition.evaluate
    most = None if limit is None else limit.evaluate
    counts = position in condition.variables_needed

    def filtered(document: Any, variables: Any) -> Any:
        values = array(document, variables)
        if values is None or values is MISSING:
            return None
        if not isinstance(values, list):
            raise fault(28651, f"$filter takes an array, not {type_name(values)}")
        left = -1 if most is None or not values else _limit(most(document, variables))
        inner = dict(variables)
        result: list[Any] = []
        for index, value in enumerate(values):
            inner[name] = value
            if counts:
                inner[position] = index
            passed = test(document, inner)
            if passed is True or (passed is not False and truth(passed)):
                result.append(value)
                left -= 1
                if left == 0:
                    break
        return result

    outer = [source] if limit is None else [source, limit]
    return bound(outer, [condition], frozenset({name, position}), filtered)


def _limit(value: Any) -> int:
    if value is None or value is MISSING:
        return -1
    number = as_int32(value)
    if number is None:
        raise fault(327391, f"'limit' of $filter must be a whole number of 32 bits, not {type_name(value)}")
    if number <= 0:
        raise fault(327392, f"'limit' of $filter must be greater than 0, not {number}")
    return number


def _reduce(spec: Any, scope: Scope) -> Compiled:
    arguments = named(
        "$reduce",
        spec,
        required={"input": 40077, "initialValue": 40078, "in": 40079},
        optional=("as", "valueAs", "arrayIndexAs"),
        not_document=40075,
        unknown=40076,
    )
    name, total = _variable(arguments), _variable(arguments, "valueAs", "value")
    position = _variable(arguments, "arrayIndexAs", _POSITION)
    _distinct("$reduce", (name, total, position), 9298401)
    source = scope.compile(arguments["input"])
    initial = scope.compile(arguments["initialValue"])
    body = scope.bind((name, total, position)).compile(arguments["in"])
    array, start, step = source.evaluate, initial.evaluate, body.evaluate
    every = _check_interval(arguments["in"], f"$${total}")
    counts = position in body.variables_needed

    def reduced(document: Any, variables: Any) -> Any:
        values = array(document, variables)
        if values is None or values is MISSING:
            return None
        if not isinstance(values, list):
            raise fault(40080, f"$reduce takes an array, not {type_name(values)}")
        inner = dict(variables)
        result = start(document, variables)
        growth = Growth()
        left = every
        for index, inner[name] in enumerate(values):
            inner[total] = result
            if counts:
                inner[position] = index
            result = step(document, inner)
            left -= 1
            if left == 0:
                left = every
                growth.check(result)
        growth.check(result)
        return result

    return bound([source, initial], [body], frozenset({name, total, position}), reduced)


def _check_interval(expression: Any, total: str) -> int:
    """After how many steps a loop's value is to be measured, by how much one step can multiply it at most."""
    uses = 0
    waiting: list[Any] = [expression]
    while waiting:
        part = waiting.pop()
        if isinstance(part, str):
            uses += part == total or part.startswith(f"{total}.")
        elif isinstance(part, Mapping):
            if not _BINDERS.isdisjoint(part):
                return 1
            waiting += part.values()
        elif isinstance(part, list | tuple):
            waiting += part
    return 100 if uses < 2 else max(1, int(_TOLERATED / math.log(uses)))


def _sort_array(spec: Any, scope: Scope) -> Compiled:
    arguments = named(
        "$sortArray", spec, required={"input": 2942502, "sortBy": 2942503}, not_document=2942500, unknown=2942501
    )
    source = scope.compile(arguments["input"])
    key, reverse = _sort_key(arguments["sortBy"], scope)
    array = source.evaluate

    def arranged(document: Any, variables: Any) -> Any:
        values = array(document, variables)
        if values is None or values is MISSING:
            return None
        if not isinstance(values, list):
            raise fault(2942504, f"$sortArray takes an array, not {type_name(values)}")
        return sorted(values, key=key, reverse=reverse)

    return combine([source], arranged)


def _sort_key(sort_by: Any, scope: Scope) -> tuple[Any, bool]:
    place = sort_key if scope.collation is None else scope.collation.sort_key
    if isinstance(sort_by, Mapping):
        if not sort_by:
            raise fault(2942505, "'sortBy' of $sortArray needs at least one field")
        paths: list[list[str]] = []
        directions: list[int] = []
        for path, direction in sort_by.items():
            if not isinstance(path, str):
                raise fault(2942505, "the fields of 'sortBy' must be strings")
            paths.append(field_names(path))
            directions.append(_direction(direction, 2942505))
        ranked = ranking_key(directions, place)
        return (lambda value: ranked([follow(value, names) for names in paths])), False
    if not is_numeric(sort_by):
        raise fault(2942507, "'sortBy' of $sortArray must be 1, -1, or a document of fields with these")
    return place, _direction(sort_by, 2942506) < 0


def _direction(value: Any, code: int) -> int:
    number = as_int32(value) if is_numeric(value) else None
    if number not in (1, -1):
        raise fault(code, f"a direction must be 1 or -1, not {value}")
    return number


@dataclass(frozen=True, slots=True)
class _Codes:
    """MongoDB's codes for what an operator that takes the ends of an order refuses."""

    not_document: int
    unknown: int
    input: int
    not_array: int
    n: int = 0
    not_whole: int = 0
    negative: int = 0


def _end(name: str, codes: _Codes, *, last: bool) -> Builder:
    """The builder of an operator that takes one or several elements from an end of an array in an order."""
    several = codes.n != 0

    def build(spec: Any, scope: Scope) -> Compiled:
        arguments = named(
            name,
            spec,
            required={"n": codes.n, "input": codes.input} if several else {"input": codes.input},
            optional=("sortBy",),
            not_document=codes.not_document,
            unknown=codes.unknown,
        )
        source = scope.compile(arguments["input"])
        key, reverse = _sort_key(arguments.get("sortBy", 1), scope)
        size = scope.compile(arguments["n"] if several else 1)
        array, count = source.evaluate, size.evaluate

        def take(document: Any, variables: Any) -> Any:
            number, values = count(document, variables), array(document, variables)
            if number is None or number is MISSING or values is None or values is MISSING:
                return None
            many = as_int64(number)
            if many is None:
                raise fault(codes.not_whole, f"'n' of {name} must be a whole number, not {type_name(number)}")
            if not isinstance(values, list):
                raise fault(codes.not_array, f"'input' of {name} must be an array, not {type_name(values)}")
            if many < 0:
                raise fault(codes.negative, f"'n' of {name} must not be negative, not {many}")
            found = sorted(values, key=key, reverse=reverse)
            found = found[max(0, len(found) - many) :] if last else found[:many]
            if several:
                return found
            return found[0] if found else None

        return combine([source, size], take)

    return build


OPERATORS: Mapping[str, Builder] = {
    "$filter": _filter,
    "$map": _map,
    "$reduce": _reduce,
    "$sortArray": _sort_array,
    "$top": _end("$top", _Codes(7212113, 7212114, 7212115, 721213), last=False),
    "$bottom": _end("$bottom", _Codes(7212122, 7212123, 7212124, 721217), last=True),
    "$topN": _end("$topN", _Codes(721218, 721219, 7212111, 721211, 7212110, 721210, 721212), last=False),
    "$bottomN": _end("$bottomN", _Codes(7212117, 7212118, 7212120, 721215, 7212119, 721214, 721216), last=True),
}

"""``$getField $setField $unsetField $mergeObjects`` (manual, "Object Expression Operators").

They reach fields whose names hold dots or begin with ``$``, which paths do not, and ``$getField`` those whose names are
computed.
"""

# Values are of any type here, and what is narrowed from Any has parts that are unknown to the checker.
# pyright: reportUnknownArgumentType=false, reportUnknownLambdaType=false, reportUnknownMemberType=false
# pyright: reportUnknownParameterType=false, reportUnknownVariableType=false

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lexigram.nosql.aggregation.expressions.arguments import at_least, named, valued
from lexigram.nosql.aggregation.expressions.compiled import Compiled, combine
from lexigram.nosql.aggregation.expressions.errors import fault
from lexigram.nosql.aggregation.expressions.scope import Builder, Scope
from lexigram.nosql.values.kinds import type_name
from lexigram.nosql.values.path import MISSING

__all__ = ["OPERATORS"]


def _get_field(spec: Any, scope: Scope) -> Compiled:
    whole = not isinstance(spec, Mapping) or _is_operator(spec)
    if whole:
        field, source = scope.compile(spec), scope.compile("$$CURRENT")
    else:
        arguments = named(
            "$getField", spec, required={"field": 3041702, "input": 3041703}, not_document=3041702, unknown=3041701
        )
        field, source = scope.compile(arguments["field"]), scope.compile(arguments["input"])
    if not field.is_constant:
        return _read_field(field, source)
    name = _field_name(field.value)
    if whole and not scope.rebound:
        return Compiled(
            lambda document, _variables: document.get(name, MISSING), fields_needed=frozenset({name}), field_name=name
        )
    read = source.evaluate

    def get(document: Any, variables: Any) -> Any:
        value = read(document, variables)
        if isinstance(value, dict):
            return value.get(name, MISSING)
        return None if value is None else MISSING

    return combine([source], get)


def _read_field(field: Compiled, source: Compiled) -> Compiled:
    """Read a field whose name is computed for each document."""
    give, read = field.evaluate, source.evaluate

    def get(document: Any, variables: Any) -> Any:
        name = _field_name(give(document, variables))
        value = read(document, variables)
        if isinstance(value, dict):
            return value.get(name, MISSING)
        return None if value is None else MISSING

    return combine([field, source], get)


def _field_name(value: Any) -> str:
    if not isinstance(value, str):
        raise fault(3041704, f"'field' of $getField must be a string, not {type_name(value)}")
    return value


def _is_operator(spec: Mapping[Any, Any]) -> bool:
    first = next(iter(spec), "")
    return isinstance(first, str) and first[:1] == "$"


def _constant_name(operator: str, field: Any, scope: Scope) -> str:
    """The constant string that names the field to set."""
    part = scope.compile(field)
    if isinstance(field, str) and field[:1] == "$":
        raise fault(
            4161108, f"'field' of {operator} is a name, not a path", f"write {{'$literal': {field!r}}} for that name"
        )
    if not part.is_constant or (isinstance(field, Mapping) and not _is_literal(field)):
        raise fault(4161106, f"'field' of {operator} must be a constant")
    if not isinstance(part.value, str):
        raise fault(4161107, f"'field' of {operator} must be a string, not {type_name(part.value)}")
    return part.value


def _is_literal(field: Mapping[Any, Any]) -> bool:
    return next(iter(field), None) in ("$literal", "$const")


def _set_field(name: str, *, unset: bool) -> Builder:
    def build(spec: Any, scope: Scope) -> Compiled:
        required = (
            {"field": 4161102, "input": 4161109} if unset else {"field": 4161102, "value": 4161103, "input": 4161109}
        )
        arguments = named(name, spec, required=required, not_document=4161100, unknown=4161101)
        field = _constant_name(name, arguments["field"], scope)
        source = scope.compile(arguments["input"])
        value = scope.compile("$$REMOVE" if unset else arguments["value"])
        read, give = source.evaluate, value.evaluate

        def put(document: Any, variables: Any) -> Any:
            base = read(document, variables)
            if base is None or base is MISSING:
                return None
            if not isinstance(base, dict):
                raise fault(4161105, f"'input' of {name} must be a document, not {type_name(base)}")
            content = give(document, variables)
            result = dict(base)
            if content is MISSING:
                result.pop(field, None)
            else:
                result[field] = content
            return result

        return combine([source, value], put)

    return build


def _merge(*values: Any) -> Any:
    if len(values) == 1 and isinstance(values[0], list):
        values = tuple(values[0])
    result: dict[str, Any] = {}
    for value in values:
        if isinstance(value, dict):
            result.update(value)
        elif value is not None and value is not MISSING:
            raise fault(40400, f"$mergeObjects takes documents, not {type_name(value)}")
    return result


OPERATORS: Mapping[str, Builder] = {
    "$getField": _get_field,
    "$setField": _set_field("$setField", unset=False),
    "$unsetField": _set_field("$unsetField", unset=True),
    "$mergeObjects": at_least("$mergeObjects", 0, 0, valued(_merge)),
}

"""``$getField $setField $unsetField $mergeObjects`` (manual, "Object Expression Operators").

They reach fields whose names hold dots or begin with ``$``, which paths do not.
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
    codes = (5654600, 5654601, 5654602)
    if not isinstance(spec, Mapping) or _is_operator(spec):
        name = _constant_name("$getField", spec, scope, codes)
        source = scope.compile("$$CURRENT")
        if not scope.rebound:
            return Compiled(
                lambda document, _variables: document.get(name, MISSING),
                fields_needed=frozenset({name}),
                field_name=name,
            )
    else:
        arguments = named(
            "$getField", spec, required={"field": 3041702, "input": 3041703}, not_document=3041702, unknown=3041701
        )
        name = _constant_name("$getField", arguments["field"], scope, codes)
        source = scope.compile(arguments["input"])
    read = source.evaluate

    def get(document: Any, variables: Any) -> Any:
        value = read(document, variables)
        if isinstance(value, dict):
            return value.get(name, MISSING)
        return None if value is None else MISSING

    return combine([source], get)


def _is_operator(spec: Mapping[Any, Any]) -> bool:
    first = next(iter(spec), "")
    return isinstance(first, str) and first[:1] == "$"


def _constant_name(operator: str, field: Any, scope: Scope, codes: tuple[int, int, int]) -> str:
    """The constant string that names a field; the codes are for paths, for what varies, and for what is no string."""
    part = scope.compile(field)
    if isinstance(field, str) and field[:1] == "$":
        raise fault(
            codes[0], f"'field' of {operator} is a name, not a path", f"write {{'$literal': {field!r}}} for that name"
        )
    if not part.is_constant or (isinstance(field, Mapping) and not _is_literal(field)):
        raise fault(codes[1], f"'field' of {operator} must be a constant")
    if not isinstance(part.value, str):
        raise fault(codes[2], f"'field' of {operator} must be a string, not {type_name(part.value)}")
    return part.value


def _is_literal(field: Mapping[Any, Any]) -> bool:
    return next(iter(field), None) in ("$literal", "$const")


def _set_field(name: str, *, unset: bool) -> Builder:
    def build(spec: Any, scope: Scope) -> Compiled:
        required = (
            {"field": 4161102, "input": 4161109} if unset else {"field": 4161102, "value": 4161103, "input": 4161109}
        )
        arguments = named(name, spec, required=required, not_document=4161100, unknown=4161101)
        field = _constant_name(name, arguments["field"], scope, (4161108, 4161106, 4161107))
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

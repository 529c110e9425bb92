"""``$let`` and ``$literal`` (manual, "Variable Expression Operators", "Literal Expression Operator")."""

# Values are of any type here, and what is narrowed from Any has parts that are unknown to the checker.
# pyright: reportUnknownArgumentType=false, reportUnknownLambdaType=false, reportUnknownMemberType=false
# pyright: reportUnknownParameterType=false, reportUnknownVariableType=false

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lexigram.nosql.aggregation.expressions.arguments import named
from lexigram.nosql.aggregation.expressions.compiled import Compiled, Evaluator, combine
from lexigram.nosql.aggregation.expressions.errors import fault
from lexigram.nosql.aggregation.expressions.growth import Growth
from lexigram.nosql.aggregation.expressions.paths import validate_variable_name
from lexigram.nosql.aggregation.expressions.scope import Builder, Scope

__all__ = ["OPERATORS", "bound"]

_WATCHED = 8


def bound(outer: list[Compiled], inner: list[Compiled], names: frozenset[str], evaluate: Evaluator) -> Compiled:
    """An operator that defines variables for some of its operands.

    Args:
        outer: Operands evaluated in the operator's own scope.
        inner: Operands evaluated with the variables defined.
        names: The variables.
        evaluate: The closure of the whole.

    Returns:
        The compiled operator; the variables it defines are not among those it needs.
    """
    whole = combine([*outer, *inner], evaluate)
    if whole.is_constant:
        return whole
    outside = frozenset[str]().union(*(part.variables_needed for part in outer))
    inside = frozenset[str]().union(*(part.variables_needed for part in inner))
    return Compiled(
        evaluate,
        fields_needed=whole.fields_needed,
        variables_needed=outside | (inside - names),
        volatile=whole.volatile,
    )


def _let(spec: Any, scope: Scope) -> Compiled:
    arguments = named("$let", spec, required={"vars": 16876, "in": 16877}, not_document=16874, unknown=16875)
    definitions = arguments["vars"]
    if not isinstance(definitions, Mapping):
        raise fault(10065, f"'vars' of $let must be a document, not {type(definitions).__name__}")
    values: dict[str, Compiled] = {}
    for name, value in definitions.items():
        if not isinstance(name, str):
            raise fault(10065, "the names in 'vars' of $let must be strings")
        validate_variable_name(name)
        values[name] = scope.compile(value)
    names = frozenset(values)
    body = scope.bind(names).compile(arguments["in"])
    closures = [(name, part.evaluate) for name, part in values.items()]
    inner = body.evaluate

    def let(document: Any, variables: Any) -> Any:
        extended = dict(variables)
        for name, evaluate in closures:
            extended[name] = evaluate(document, variables)
        return inner(document, extended)

    def watched(document: Any, variables: Any) -> Any:
        growth = Growth()
        extended = dict(variables)
        for name, evaluate in closures:
            extended[name] = value = evaluate(document, variables)
            growth.check(value)
        return inner(document, extended)

    # Definitions inside definitions can double a value each time, like a loop written out.
    return bound(list(values.values()), [body], names, let if scope.bindings < _WATCHED else watched)


def _literal(spec: Any, scope: Scope) -> Compiled:
    return scope.literal(spec)


OPERATORS: Mapping[str, Builder] = {"$let": _let, "$literal": _literal, "$const": _literal}

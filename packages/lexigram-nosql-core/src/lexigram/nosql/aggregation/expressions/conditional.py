"""Choosing a value: ``$cond $ifNull $switch`` (manual, "Conditional Expression Operators")."""

# Values are of any type here, and what is narrowed from Any has parts that are unknown to the checker.
# pyright: reportUnknownArgumentType=false, reportUnknownLambdaType=false, reportUnknownMemberType=false
# pyright: reportUnknownParameterType=false, reportUnknownVariableType=false

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from lexigram.nosql.aggregation.expressions.arguments import at_least, exactly, named
from lexigram.nosql.aggregation.expressions.boolean import truth
from lexigram.nosql.aggregation.expressions.compiled import Compiled, Evaluator, combine
from lexigram.nosql.aggregation.expressions.errors import fault
from lexigram.nosql.aggregation.expressions.scope import Builder, Scope
from lexigram.nosql.values.path import MISSING

__all__ = ["OPERATORS"]


def _choose(parts: Sequence[Compiled], _scope: Scope) -> Evaluator:
    condition, yes, no = (part.evaluate for part in parts)

    def choose(document: Any, variables: Any) -> Any:
        value = condition(document, variables)
        if value is True or (value is not False and truth(value)):
            return yes(document, variables)
        return no(document, variables)

    return choose


_cond_by_position = exactly("$cond", 3, _choose)


def _cond(spec: Any, scope: Scope) -> Compiled:
    if not isinstance(spec, Mapping):
        return _cond_by_position(spec, scope)
    arguments = named(
        "$cond", spec, required={"if": 17080, "then": 17081, "else": 17082}, not_document=16020, unknown=17083
    )
    parts = [scope.compile(arguments[key]) for key in ("if", "then", "else")]
    return combine(parts, _choose(parts, scope))


def _first_not_null(parts: Sequence[Compiled], _scope: Scope) -> Evaluator:
    *tries, last = (part.evaluate for part in parts)
    if len(tries) == 1:
        only = tries[0]

        def either(document: Any, variables: Any) -> Any:
            value = only(document, variables)
            return last(document, variables) if value is None or value is MISSING else value

        return either

    def first(document: Any, variables: Any) -> Any:
        for each in tries:
            value = each(document, variables)
            if value is not None and value is not MISSING:
                return value
        return last(document, variables)

    return first


def _branches(spec: Any) -> list[tuple[Any, Any]]:
    if not isinstance(spec, list | tuple):
        raise fault(40061, f"$switch takes an array of branches, not {type(spec).__name__}")
    branches: list[tuple[Any, Any]] = []
    for branch in spec:
        arguments = named(
            "a branch of $switch", branch, required={"case": 40064, "then": 40065}, not_document=40062, unknown=40063
        )
        branches.append((arguments["case"], arguments["then"]))
    return branches


def _switch(spec: Any, scope: Scope) -> Compiled:
    arguments = named("$switch", spec, required={}, optional=("branches", "default"), not_document=40060, unknown=40067)
    branches = _branches(arguments.get("branches", ()))
    if not branches:
        raise fault(40068, "$switch needs at least one branch")
    parts = [(scope.compile(case), scope.compile(then)) for case, then in branches]
    default = scope.compile(arguments["default"]) if "default" in arguments else None
    closures = [(case.evaluate, then.evaluate) for case, then in parts]
    otherwise = None if default is None else default.evaluate

    def switch(document: Any, variables: Any) -> Any:
        for case, then in closures:
            value = case(document, variables)
            if value is True or (value is not False and truth(value)):
                return then(document, variables)
        if otherwise is None:
            raise fault(40066, "no branch of $switch applies, and it has no default")
        return otherwise(document, variables)

    flat = [part for pair in parts for part in pair]
    return combine(flat if default is None else [*flat, default], switch)


OPERATORS: Mapping[str, Builder] = {
    "$cond": _cond,
    "$ifNull": at_least("$ifNull", 2, 1257300, _first_not_null),
    "$switch": _switch,
}

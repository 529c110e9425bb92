"""How operators take their arguments: by position, in an array or alone, or by name in a document."""

# Values are of any type here, and what is narrowed from Any has parts that are unknown to the checker.
# pyright: reportUnknownArgumentType=false, reportUnknownLambdaType=false, reportUnknownMemberType=false
# pyright: reportUnknownParameterType=false, reportUnknownVariableType=false

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias

from lexigram.nosql.aggregation.expressions.compiled import Compiled, Evaluator, combine
from lexigram.nosql.aggregation.expressions.errors import fault
from lexigram.nosql.aggregation.expressions.scope import Builder, Scope
from lexigram.nosql.values.path import MISSING

__all__ = ["Maker", "at_least", "between", "exactly", "named", "operands", "until_null", "valued"]

Maker: TypeAlias = Callable[[Sequence[Compiled], Scope], Evaluator]
"""What makes an operator's closure from its compiled operands."""


def operands(spec: Any, scope: Scope) -> list[Compiled]:
    """Compile the operands of an operator.

    Args:
        spec: What stands beside the operator's name: an array of operands, or one operand alone.
        scope: Where the operator stands.

    Returns:
        The compiled operands.

    Raises:
        PipelineError: One of them is not valid.
    """
    if isinstance(spec, list | tuple):
        return [scope.compile(item) for item in spec]
    return [scope.compile(spec)]


def exactly(name: str, count: int, make: Maker) -> Builder:
    """The builder of an operator that takes a fixed number of operands.

    Args:
        name: The operator's name.
        count: How many operands it takes.
        make: Makes its closure.

    Returns:
        The builder; it refuses any other number of operands (16020).
    """

    def build(spec: Any, scope: Scope) -> Compiled:
        parts = operands(spec, scope)
        if len(parts) != count:
            raise fault(16020, f"{name} takes exactly {count} argument{'s'[: count != 1]}, but {len(parts)} were given")
        return combine(parts, make(parts, scope))

    return build


def between(name: str, least: int, most: int, make: Maker) -> Builder:
    """The builder of an operator some of whose operands may be left out.

    Args:
        name: The operator's name.
        least: How many operands it takes at least.
        most: How many operands it takes at most.
        make: Makes its closure.

    Returns:
        The builder; it refuses any other number of operands (28667).
    """

    def build(spec: Any, scope: Scope) -> Compiled:
        parts = operands(spec, scope)
        if not least <= len(parts) <= most:
            raise fault(
                28667, f"{name} takes at least {least} and at most {most} arguments, but {len(parts)} were given"
            )
        return combine(parts, make(parts, scope))

    return build


def at_least(name: str, least: int, code: int, make: Maker) -> Builder:
    """The builder of an operator that takes any number of operands.

    Args:
        name: The operator's name.
        least: How many operands it takes at least.
        code: MongoDB's code for fewer.
        make: Makes its closure.

    Returns:
        The builder.
    """

    def build(spec: Any, scope: Scope) -> Compiled:
        parts = operands(spec, scope)
        if len(parts) < least:
            raise fault(code, f"{name} takes at least {least} arguments, but {len(parts)} were given")
        return combine(parts, make(parts, scope))

    return build


def valued(function: Callable[..., Any]) -> Maker:
    """The maker of a closure that evaluates all operands and hands their values to a function.

    Args:
        function: Takes the operands' values, ``MISSING`` for those that are missing.

    Returns:
        The maker.
    """

    def make(parts: Sequence[Compiled], _scope: Scope) -> Evaluator:
        closures = [part.evaluate for part in parts]
        if len(closures) == 1:
            only = closures[0]
            return lambda document, variables: function(only(document, variables))
        if len(closures) == 2:
            first, second = closures
            return lambda document, variables: function(first(document, variables), second(document, variables))
        return lambda document, variables: function(*[each(document, variables) for each in closures])

    return make


def until_null(function: Callable[..., Any]) -> Maker:
    """The maker of a closure that evaluates operands up to the first that is null or missing.

    Args:
        function: Takes the values of these operands, the null or ``MISSING`` included.

    Returns:
        The maker.
    """

    def make(parts: Sequence[Compiled], _scope: Scope) -> Evaluator:
        closures = [part.evaluate for part in parts]

        def evaluate(document: Any, variables: Any) -> Any:
            values: list[Any] = []
            for each in closures:
                value = each(document, variables)
                values.append(value)
                if value is None or value is MISSING:
                    break
            return function(*values)

        return evaluate

    return make


def named(
    name: str,
    spec: Any,
    *,
    required: Mapping[str, int],
    optional: Sequence[str] = (),
    not_document: int,
    unknown: int,
) -> dict[str, Any]:
    """Check the arguments of an operator that takes them by name.

    Args:
        name: The operator's name.
        spec: What stands beside it.
        required: Names of the arguments that must be there, each with MongoDB's code for its absence.
        optional: Names of the other arguments.
        not_document: MongoDB's code for anything else than a document.
        unknown: MongoDB's code for an argument that the operator does not know.

    Returns:
        The arguments as written, not compiled.

    Raises:
        PipelineError: One of the checks fails.
    """
    if not isinstance(spec, Mapping):
        raise fault(not_document, f"{name} takes a document of named arguments, not {type(spec).__name__}")
    for key in spec:
        if key not in required and key not in optional:
            known = ", ".join([*required, *optional])
            raise fault(unknown, f"{name} has no argument {key!r}; it takes {known}")
    for key, code in required.items():
        if key not in spec:
            raise fault(code, f"{name} needs the argument {key!r}")
    return dict(spec)

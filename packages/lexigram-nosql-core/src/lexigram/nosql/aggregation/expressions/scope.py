"""The scope in which an expression's parts are compiled, and what every part can be.

A part is a reference (a string that begins with ``$``), an operator (a document with one key that begins with
``$``), a document or an array of expressions, or a constant. The scope knows the operators, the variables in sight
and the collation, and counts the depth, so that deep or cyclic input is an error and never exhausts the stack.
"""

# Values are of any type here, and what is narrowed from Any has parts that are unknown to the checker.
# pyright: reportUnknownArgumentType=false, reportUnknownLambdaType=false, reportUnknownMemberType=false
# pyright: reportUnknownParameterType=false, reportUnknownVariableType=false

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Any, TypeAlias

from lexigram.nosql.aggregation.expressions.compiled import Compiled, combine, constant
from lexigram.nosql.aggregation.expressions.errors import BAD_VALUE, OVERFLOW, fault
from lexigram.nosql.aggregation.expressions.paths import compile_reference
from lexigram.nosql.exceptions import DocumentValidationError
from lexigram.nosql.query.suggest import operator_hint
from lexigram.nosql.values.collation import Collation
from lexigram.nosql.values.normalise import normalise_value
from lexigram.nosql.values.path import MISSING
from lexigram.nosql.values.slots import Slot

__all__ = ["MAX_DEPTH", "Builder", "Scope"]

MAX_DEPTH = 100
"""Expressions that nest deeper are refused. (MongoDB stops at 180 levels of BSON; an operator takes two.)"""


class Scope:
    """Where a part of an expression stands.

    Attributes:
        operators: What compiles each operator, by name.
        variables: Names of the user variables in sight.
        collation: How strings compare; None for comparison by code point.
        rebound: True where ``CURRENT`` was given another value, so that field paths start from a variable.
        depth: How deep the part is nested.
        bindings: How many operators around it define variables.
    """

    __slots__ = ("bindings", "collation", "depth", "operators", "rebound", "variables")

    def __init__(
        self,
        operators: Mapping[str, Builder],
        variables: Collection[str] = (),
        collation: Collation | None = None,
        *,
        rebound: bool = False,
        depth: int = 0,
        bindings: int = 0,
    ) -> None:
        self.operators = operators
        self.variables = frozenset(variables)
        self.collation = collation
        self.rebound = rebound
        self.depth = depth
        self.bindings = bindings

    def bind(self, names: Iterable[str]) -> Scope:
        """The scope inside this one in which these variables are in sight too.

        Args:
            names: Names of the variables, checked already; ``CURRENT`` moves the start of field paths.

        Returns:
            The inner scope.
        """
        bound = frozenset(names)
        return Scope(
            self.operators,
            self.variables | (bound - {"CURRENT"}),
            self.collation,
            rebound=self.rebound or "CURRENT" in bound,
            depth=self.depth,
            bindings=self.bindings + 1,
        )

    def compile(self, expression: Any) -> Compiled:
        """Compile a part.

        Args:
            expression: The part as the user wrote it.

        Returns:
            The compiled part.

        Raises:
            PipelineError: It is not valid, or nests too deep (15).
        """
        kind = type(expression)
        if kind is str:
            if expression[:1] == "$":
                return compile_reference(expression, self.variables, rebound=self.rebound)
            return constant(expression) if expression.isascii() else self.literal(expression)
        if kind is int or kind is bool or kind is float or expression is None:
            return self.literal(expression)
        if kind is Slot:
            return _slot(expression)
        if self.depth >= MAX_DEPTH:
            raise fault(OVERFLOW, f"the expression nests deeper than {MAX_DEPTH} levels, or contains itself")
        self.depth += 1
        try:
            if isinstance(expression, Mapping):
                return self._document(expression)
            if isinstance(expression, list | tuple):
                return self._array(expression)
            return self.literal(expression)
        finally:
            self.depth -= 1

    def _document(self, expression: Mapping[Any, Any]) -> Compiled:
        for key in expression:
            if not isinstance(key, str):
                raise fault(BAD_VALUE, f"a key of an expression must be a string, not {type(key).__name__}")
        first = next(iter(expression), "")
        if first[:1] == "$":
            if len(expression) != 1:
                raise fault(
                    15983, f"an operator must stand alone in its document, but {first} stands beside other keys"
                )
            return self._operator(first, expression[first])
        names: list[str] = []
        parts: list[Compiled] = []
        for key, value in expression.items():
            if not key:
                raise fault(15998, "a field name may not be empty")
            if key[0] == "$":
                raise fault(16410, f"the operator {key} must stand alone in its document")
            if "." in key:
                raise fault(16412, f"a field name may not hold a dot: {key!r}; nest documents, or use $setField")
            if "\0" in key:
                raise fault(16411, "a field name may not hold a NUL")
            names.append(key)
            parts.append(self.compile(value))
        pairs = [(name, part.evaluate) for name, part in zip(names, parts, strict=True)]

        def document(source: Any, variables: Any) -> Any:
            result: dict[str, Any] = {}
            for name, evaluate in pairs:
                value = evaluate(source, variables)
                if value is not MISSING:
                    result[name] = value
            return result

        return combine(parts, document)

    def _operator(self, name: str, spec: Any) -> Compiled:
        builder = self.operators.get(name)
        if builder is None:
            raise fault(168, f"there is no expression operator {name}", operator_hint(name, self.operators))
        return builder(spec, self)

    def _array(self, expression: list[Any] | tuple[Any, ...]) -> Compiled:
        parts = [self.compile(item) for item in expression]
        closures = [part.evaluate for part in parts]

        def array(source: Any, variables: Any) -> Any:
            return [None if (value := each(source, variables)) is MISSING else value for each in closures]

        return combine(parts, array)

    def literal(self, value: Any) -> Compiled:
        """A value taken as it is, ``$`` and all.

        Args:
            value: The value.

        Returns:
            The constant.

        Raises:
            PipelineError: It is not a value that a document may hold (2).
        """
        if type(value) is Slot:
            return _slot(value)
        try:
            return constant(normalise_value(value))
        except DocumentValidationError as error:
            code = error.mongo_code or BAD_VALUE
            raise fault(code, f"a constant in the expression is not valid: {error.message}") from error


def _slot(slot: Slot) -> Compiled:
    """The expression that reads a constant which was taken out."""
    name = slot.name
    return Compiled(lambda _document, variables: variables[name], variables_needed=frozenset((name,)), slot=name)


Builder: TypeAlias = Callable[[Any, Scope], Compiled]
"""What compiles an operator: from the value beside its name, and the scope."""

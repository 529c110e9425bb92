"""A compiled expression: a closure, and what callers need to know to plan with it.

An expression becomes a tree of Python closures ``(document, variables) -> value``. Values that come out may be
parts of the document that went in: whoever stores them or hands them out copies them first. Constants that are
lists or documents are made afresh at each evaluation, so that no result can reach into a compiled expression.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from lexigram.nosql.values.copying import copy_value
from lexigram.nosql.values.path import MISSING

__all__ = ["Compiled", "Evaluator", "combine", "constant"]

Evaluator: TypeAlias = Callable[[Any, Any], Any]
"""A closure from a document and the variables' values to a value, ``MISSING`` where there is none."""

_NOTHING: frozenset[str] = frozenset()
_NO_VARIABLES: dict[str, Any] = {}


@dataclass(frozen=True, slots=True)
class Compiled:
    """An expression that is ready to be evaluated.

    Attributes:
        evaluate: The closure itself, for inner loops: ``evaluate(document, variables)``.
        is_constant: True when the value depends on nothing: not the document, the variables, chance or the clock.
        value: The constant, ``MISSING`` for one that is missing; None where ``is_constant`` is False. Never changed.
        fields_needed: Names of the top-level fields that are read; None when the whole document is.
        field_name: The field's name where the expression is one top-level field, such as ``"$price"``; None otherwise.
        variables_needed: Names of the variables that are read, ``NOW`` and other system variables included.
        volatile: True when two evaluations on the same input may differ (``$rand``, ``$sampleRate``).
        slot: Name of the variable that holds the constant where the expression is a slot of one; None otherwise.
    """

    evaluate: Evaluator
    is_constant: bool = False
    value: Any = None
    fields_needed: frozenset[str] | None = _NOTHING
    field_name: str | None = None
    variables_needed: frozenset[str] = _NOTHING
    volatile: bool = False
    slot: str | None = None

    def __call__(self, document: Mapping[str, Any], variables: Mapping[str, Any]) -> Any:
        """Evaluate the expression for one document.

        Args:
            document: The document; it is not changed.
            variables: Values of the variables by name, ``NOW`` included where the expression reads it.

        Returns:
            The value, or ``MISSING``. It may share parts with the document.

        Raises:
            PipelineError: The expression cannot be evaluated on these values.
        """
        return self.evaluate(document, variables)

    def evaluate_many(self, documents: Sequence[dict[str, Any]], variables: Mapping[str, Any]) -> list[Any]:
        """Evaluate the expression for several documents, faster than one by one.

        Args:
            documents: The documents.
            variables: Values of the variables, the same for all.

        Returns:
            One value for each document, in their order.

        Raises:
            PipelineError: The expression cannot be evaluated on one of them.
        """
        if self.field_name is not None:
            name = self.field_name
            try:
                return [document[name] for document in documents]
            except KeyError:
                return [document.get(name, MISSING) for document in documents]
        if self.is_constant and not isinstance(self.value, dict | list):
            return [self.value] * len(documents)
        evaluate = self.evaluate
        return [evaluate(document, variables) for document in documents]


def constant(value: Any) -> Compiled:
    """A constant.

    Args:
        value: The value, validated and owned by the expression; ``MISSING`` for none.

    Returns:
        The compiled constant; lists and documents come out as copies.
    """
    if isinstance(value, dict | list):
        return Compiled(lambda _document, _variables: copy_value(value), is_constant=True, value=value)
    return Compiled(lambda _document, _variables: value, is_constant=True, value=value)


def combine(parts: Sequence[Compiled], evaluate: Evaluator, *, volatile: bool = False) -> Compiled:
    """An expression made of others, folded into a constant where all of them are constants.

    Args:
        parts: The operands.
        evaluate: The closure that evaluates the whole.
        volatile: True when the operator itself depends on chance.

    Returns:
        The compiled whole.

    Raises:
        PipelineError: All operands are constants, and the operator cannot be evaluated on them.
    """
    fields: frozenset[str] | None = _NOTHING
    variables = _NOTHING
    folds = not volatile
    for part in parts:
        if part.fields_needed is None or fields is None:
            fields = None
        elif part.fields_needed:
            fields |= part.fields_needed
        if part.variables_needed:
            variables |= part.variables_needed
        volatile = volatile or part.volatile
        folds = folds and part.is_constant
    if folds:
        return constant(evaluate({}, _NO_VARIABLES))
    return Compiled(evaluate, fields_needed=fields, variables_needed=variables, volatile=volatile)

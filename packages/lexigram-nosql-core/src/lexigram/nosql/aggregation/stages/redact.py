"""``$redact`` (manual, "$redact")."""

# The class of an Any is Unknown to pyright, and this module asks for classes all the time.
# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false, reportUnknownMemberType=false

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from lexigram.nosql.aggregation.expressions.compiled import Compiled
from lexigram.nosql.aggregation.expressions.errors import fault
from lexigram.nosql.aggregation.stages.base import Batch, Document, Fields, Output, Run, Runner, Stage
from lexigram.nosql.aggregation.stages.parsing import Env, shown
from lexigram.nosql.values.path import MISSING
from typing_extensions import override

__all__ = ["Redact", "parse_redact"]

_KEEP: Final = "keep"
_PRUNE: Final = "prune"
_DESCEND: Final = "descend"
_DECISIONS: Final = {"KEEP": _KEEP, "PRUNE": _PRUNE, "DESCEND": _DESCEND}
_LEVEL: Final = "REDACT_LEVEL"  # the document being decided on; user variables begin with a lower-case letter


class Redact(Stage):
    """Keeps, prunes or descends into each document, and each document within.

    Args:
        expression: Decides; field paths in it start at the document in question, ``$$ROOT`` at the outermost.
    """

    name = "$redact"
    output = Output.PARTS
    fields = Fields(None)

    def __init__(self, expression: Compiled) -> None:
        self.expression = expression
        self.variables_needed = expression.variables_needed - {_LEVEL, *_DECISIONS}
        self.volatile = expression.volatile

    @override
    def open(self, run: Run) -> Runner:
        return _Redacting(self.expression, run.variables)


class _Redacting(Runner):
    __slots__ = ("_evaluate", "_root", "_variables")

    def __init__(self, expression: Compiled, variables: Mapping[str, Any]) -> None:
        super().__init__()
        self._evaluate = expression.evaluate
        self._variables: dict[str, Any] = {**variables, **_DECISIONS}
        self._root: Document = {}

    @override
    def push(self, batch: Batch) -> Iterable[Batch]:
        out: Batch = []
        for document in batch:
            self._root = document
            result = self._decide(document)
            if result is not MISSING:
                out.append(result)
        return (out,)

    def _decide(self, document: Document) -> Any:
        self._variables[_LEVEL] = document
        decision = self._evaluate(self._root, self._variables)
        if decision == _KEEP:
            return document
        if decision == _PRUNE:
            return MISSING
        if decision != _DESCEND:
            raise fault(17053, f"$redact must give $$KEEP, $$PRUNE or $$DESCEND, not {shown(decision)}")
        result: Document = {}
        for name, value in document.items():
            kept = self._value(value)
            if kept is not MISSING:
                result[name] = kept
        return result

    def _value(self, value: Any) -> Any:
        cls = type(value)
        if cls is dict:
            return self._decide(value)
        if cls is list:
            items = [self._value(item) for item in value]
            return [item for item in items if item is not MISSING]
        return value


def parse_redact(specification: Any, env: Env) -> Sequence[Stage]:
    """Compile ``$redact``.

    Args:
        specification: An expression for ``$$KEEP``, ``$$PRUNE`` or ``$$DESCEND``.
        env: Where it stands.

    Returns:
        The stage; it raises ``PipelineError`` (17053) where the expression gives anything else.

    Raises:
        PipelineError: The expression is not valid.
    """
    inner = env.bind([_LEVEL, *_DECISIONS])
    return [Redact(inner.expression({"$let": {"vars": {"CURRENT": f"$${_LEVEL}"}, "in": specification}}))]

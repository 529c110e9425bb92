"""``$documents`` (manual, "$documents"): documents written in the pipeline instead of a collection's.

MongoDB takes it in a pipeline on the database and at the start of the pipelines of ``$lookup`` and ``$unionWith``.
There is no pipeline on a database here, so a collection's pipeline may begin with it too; the collection is then not
read.
"""

# Specifications are of any type, and what is narrowed from Any has parts that are unknown to the checker.
# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false, reportUnknownMemberType=false

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from lexigram.nosql.aggregation.expressions.compiled import Compiled
from lexigram.nosql.aggregation.expressions.errors import fault
from lexigram.nosql.aggregation.stages.base import NOTHING, Batch, Fields, Output, Run, Runner, Stage, chunks
from lexigram.nosql.aggregation.stages.parsing import Env, shown
from typing_extensions import override

__all__ = ["Documents", "parse_documents"]


class Documents(Stage):
    """Gives documents of its own.

    Args:
        expression: Gives the array of them.
    """

    name = "$documents"
    output = Output.PARTS
    fields = Fields(NOTHING, keeps=False)

    def __init__(self, expression: Compiled) -> None:
        self.expression = expression
        self.variables_needed = expression.variables_needed
        self.volatile = expression.volatile

    @override
    def open(self, run: Run) -> Runner:
        return _Giving(self.expression, run)


class _Giving(Runner):
    __slots__ = ("_expression", "_run")

    def __init__(self, expression: Compiled, run: Run) -> None:
        super().__init__()
        self._expression = expression
        self._run = run
        self.done = True  # no source is read

    @override
    def push(self, batch: Batch) -> Iterable[Batch]:
        return ()

    @override
    def finish(self) -> Iterable[Batch]:
        value = self._expression.evaluate({}, self._run.variables)
        if type(value) is not list:
            raise fault(5858203, f"$documents takes an array of documents, not {shown(value)}")
        for item in value:
            if type(item) is not dict:
                raise fault(40228, f"$documents takes documents only, not {shown(item)}")
        return chunks(value)


def parse_documents(specification: Any, env: Env) -> Sequence[Stage]:
    """Compile ``$documents``.

    Args:
        specification: An array of documents, or an expression for one.
        env: Where it stands.

    Returns:
        The stage; it raises ``PipelineError`` where there is no array (5858203), or something else than documents in it
        (40228).

    Raises:
        PipelineError: An expression is not valid.
    """
    return [Documents(env.expression(specification))]

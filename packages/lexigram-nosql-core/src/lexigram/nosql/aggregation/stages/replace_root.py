"""``$replaceRoot`` and ``$replaceWith`` (manual, "$replaceRoot")."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from lexigram.nosql.aggregation.expressions.compiled import Compiled
from lexigram.nosql.aggregation.expressions.errors import fault
from lexigram.nosql.aggregation.stages.base import Document, Fields, MapStage, Output, Stage
from lexigram.nosql.aggregation.stages.parsing import Env, known_options, shown

__all__ = ["parse_replace_root", "parse_replace_with"]


def _stage(name: str, part: Compiled) -> MapStage:
    evaluate = part.evaluate

    def replace(document: Document, variables: Mapping[str, Any]) -> Document:
        value = evaluate(document, variables)
        if type(value) is not dict:
            raise fault(40228, f"what {name} puts in a document's place must be a document, not {shown(value)}")
        return value  # pyright: ignore[reportUnknownVariableType] - a document

    return MapStage(
        name,
        replace,
        fields=Fields(part.fields_needed, keeps=False),
        variables_needed=part.variables_needed,
        volatile=part.volatile,
        output=Output.PARTS,
    )


def parse_replace_root(specification: Any, env: Env) -> Sequence[Stage]:
    """Compile ``$replaceRoot``.

    Args:
        specification: A document with ``newRoot``.
        env: Where it stands.

    Returns:
        The stage; it raises ``PipelineError`` (40228) where the expression gives no document.

    Raises:
        PipelineError: It is not a document (40229), ``newRoot`` is missing (40414), or the expression is not valid.
    """
    options = known_options("$replaceRoot", specification, ("newRoot",), required=("newRoot",), shape=40229)
    return [_stage("$replaceRoot", env.expression(options["newRoot"]))]


def parse_replace_with(specification: Any, env: Env) -> Sequence[Stage]:
    """Compile ``$replaceWith``.

    Args:
        specification: An expression for a document.
        env: Where it stands.

    Returns:
        The stage; it raises ``PipelineError`` (40228) where the expression gives no document.

    Raises:
        PipelineError: The expression is not valid.
    """
    return [_stage("$replaceWith", env.expression(specification))]

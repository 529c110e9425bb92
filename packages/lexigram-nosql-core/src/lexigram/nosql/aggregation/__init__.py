"""Aggregation: pipelines, expressions and accumulators.

:func:`parse_pipeline` checks and compiles a pipeline, :func:`run` runs it over batches of documents.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lexigram.nosql.aggregation.context import LocalContext, RunContext
    from lexigram.nosql.aggregation.parse import Pipeline, parse_pipeline
    from lexigram.nosql.aggregation.run import run

__all__ = ["LocalContext", "Pipeline", "RunContext", "parse_pipeline", "run"]

_HOMES = {
    "LocalContext": "context",
    "RunContext": "context",
    "Pipeline": "parse",
    "parse_pipeline": "parse",
    "run": "run",
}


def __getattr__(name: str) -> Any:
    # Filters and updates use the expressions; they should not pay for the stages.
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"{__name__}.{home}"), name)

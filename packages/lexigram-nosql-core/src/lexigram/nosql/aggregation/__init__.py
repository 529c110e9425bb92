"""Aggregation: pipelines, expressions and accumulators.

:func:`parse_pipeline` checks and compiles a pipeline, :func:`~lexigram.nosql.aggregation.run.run` runs it over
batches of documents.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lexigram.nosql.aggregation.context import LocalContext, RunContext
    from lexigram.nosql.aggregation.parse import Pipeline, parse_pipeline

__all__ = ["LocalContext", "Pipeline", "RunContext", "parse_pipeline"]

_HOMES = {
    "LocalContext": "context",
    "RunContext": "context",
    "Pipeline": "parse",
    "parse_pipeline": "parse",
}


def __getattr__(name: str) -> Any:
    # Filters and updates use the expressions; they should not pay for the stages.
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"{__name__}.{home}"), name)

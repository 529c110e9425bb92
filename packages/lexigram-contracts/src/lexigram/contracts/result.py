"""``Result`` and what goes with it, by its short path."""

from __future__ import annotations

from lexigram.contracts.core.result import Err, Ok, Result, ResultError, UnwrapError, is_err, is_ok, is_result
from lexigram.contracts.core.result_utils import (
    ResultPipeline,
    as_result,
    as_result_sync,
    collect,
    from_exception,
    partition,
    pipeline,
    try_catch,
    try_catch_sync,
)

__all__ = [
    "Err",
    "Ok",
    "Result",
    "ResultError",
    "ResultPipeline",
    "UnwrapError",
    "as_result",
    "as_result_sync",
    "collect",
    "from_exception",
    "is_err",
    "is_ok",
    "is_result",
    "partition",
    "pipeline",
    "try_catch",
    "try_catch_sync",
]

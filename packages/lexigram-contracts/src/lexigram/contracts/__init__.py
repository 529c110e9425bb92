"""What the data layer promises: protocols, results, errors, filter expressions.

Protocols are imported from the module that defines them, or from its package, such as ``lexigram.contracts.data``; what
everyone uses, results and the root of the errors, is here as well. Importing any of it loads only what it needs, and no
third-party module but typing_extensions.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lexigram.contracts.core.result import (
        Err,
        Ok,
        Result,
        ResultError,
        UnwrapError,
        is_err,
        is_ok,
        is_result,
    )
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
    from lexigram.contracts.exceptions.base import (
        LexigramError,
    )
else:
    from lexigram.contracts.lazy import lazy_exports

    __getattr__, __dir__ = lazy_exports(
        __name__,
        {
            "core.result": (
                "Err",
                "Ok",
                "Result",
                "ResultError",
                "UnwrapError",
                "is_err",
                "is_ok",
                "is_result",
            ),
            "core.result_utils": (
                "ResultPipeline",
                "as_result",
                "as_result_sync",
                "collect",
                "from_exception",
                "partition",
                "pipeline",
                "try_catch",
                "try_catch_sync",
            ),
            "exceptions.base": ("LexigramError",),
        },
    )

__all__ = [
    "Err",
    "LexigramError",
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

"""What the data layer promises: protocols, results, errors, filter expressions.

Protocols are imported from the module that defines them, or from its package, such as ``lexigram.contracts.data``; what
everyone uses, results and the root of the errors, is here as well. Importing any of it loads only what it needs, and no
third-party module but typing_extensions.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lexigram.contracts.core.result import (
        Err as Err,
    )
    from lexigram.contracts.core.result import (
        Ok as Ok,
    )
    from lexigram.contracts.core.result import (
        Result as Result,
    )
    from lexigram.contracts.core.result import (
        ResultError as ResultError,
    )
    from lexigram.contracts.core.result import (
        UnwrapError as UnwrapError,
    )
    from lexigram.contracts.core.result import (
        is_err as is_err,
    )
    from lexigram.contracts.core.result import (
        is_ok as is_ok,
    )
    from lexigram.contracts.core.result import (
        is_result as is_result,
    )
    from lexigram.contracts.core.result_utils import (
        ResultPipeline as ResultPipeline,
    )
    from lexigram.contracts.core.result_utils import (
        as_result as as_result,
    )
    from lexigram.contracts.core.result_utils import (
        as_result_sync as as_result_sync,
    )
    from lexigram.contracts.core.result_utils import (
        collect as collect,
    )
    from lexigram.contracts.core.result_utils import (
        from_exception as from_exception,
    )
    from lexigram.contracts.core.result_utils import (
        partition as partition,
    )
    from lexigram.contracts.core.result_utils import (
        pipeline as pipeline,
    )
    from lexigram.contracts.core.result_utils import (
        try_catch as try_catch,
    )
    from lexigram.contracts.core.result_utils import (
        try_catch_sync as try_catch_sync,
    )
    from lexigram.contracts.exceptions.base import (
        LexigramError as LexigramError,
    )
else:
    from lexigram.contracts._lazy import lazy_exports

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

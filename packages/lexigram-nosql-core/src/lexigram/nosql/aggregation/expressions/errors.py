"""The one way in which expressions fail: a :class:`PipelineError` that carries MongoDB's own code."""

from __future__ import annotations

from lexigram.nosql.exceptions import PipelineError

__all__ = ["BAD_VALUE", "CONVERSION_FAILURE", "FAILED_TO_PARSE", "OVERFLOW", "TYPE_MISMATCH", "fault"]

BAD_VALUE = 2
FAILED_TO_PARSE = 9
TYPE_MISMATCH = 14
OVERFLOW = 15
CONVERSION_FAILURE = 241


def fault(code: int, message: str, hint: str | None = None) -> PipelineError:
    """Make the error for a fault in an expression, or in what it is evaluated on.

    Args:
        code: MongoDB's error code for this fault, on which services branch.
        message: What is wrong and, where it is not plain, what to write instead.
        hint: A near miss, or another way to do it.

    Returns:
        The error, to be raised.
    """
    return PipelineError(message, hint=hint, mongo_code=code)

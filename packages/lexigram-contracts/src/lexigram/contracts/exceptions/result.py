"""Errors of using a ``Result`` wrongly.

* ResultError 001
  + UnwrapError 002

Codes are ``LEX_ERR_RESULT_`` and the number.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from lexigram.contracts.exceptions.base import LexigramError

__all__ = ["ResultError", "UnwrapError"]


class ResultError(LexigramError):
    """A Result was used wrongly."""

    _code: ClassVar[str] = "LEX_ERR_RESULT_001"


class UnwrapError(ResultError):
    """A value was taken out of a Result that holds the other kind.

    Attributes:
        result: The result concerned.
    """

    _code = "LEX_ERR_RESULT_002"

    def __init__(
        self,
        message: str | None = None,
        details: Mapping[str, Any] | None = None,
        cause: BaseException | None = None,
        hint: str | None = None,
        *,
        result: Any = None,
        **context: Any,
    ) -> None:
        super().__init__(message, details, cause, hint, **context)
        self.result = result

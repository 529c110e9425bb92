"""Errors that a domain expects: fit to travel in ``Err``.

* DomainError DOM_001
  + NotFoundError DOM_002
  + PermissionDeniedError DOM_003
  + AuthenticationError DOM_004
  + AuthorizationError DOM_005
  + RateLimitError DOM_006
  + ConflictError DOM_007
  + ValidationError DOM_008 (also ValueError)
    - FieldError DOM_009

Codes are ``LEX_ERR_`` and what is shown.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from lexigram.contracts.exceptions.base import LexigramError

__all__ = [
    "AuthenticationError",
    "AuthorizationError",
    "ConflictError",
    "DomainError",
    "FieldError",
    "NotFoundError",
    "PermissionDeniedError",
    "RateLimitError",
    "ValidationError",
]


class DomainError(LexigramError):
    """The domain refused the request."""

    _code: ClassVar[str] = "LEX_ERR_DOM_001"


class NotFoundError(DomainError):
    """What was asked for does not exist."""

    _code = "LEX_ERR_DOM_002"


class PermissionDeniedError(DomainError):
    """The caller may not do this to this object."""

    _code = "LEX_ERR_DOM_003"


class AuthenticationError(DomainError):
    """The caller could not prove who they are."""

    _code = "LEX_ERR_DOM_004"


class AuthorizationError(DomainError):
    """The caller lacks the right that this needs."""

    _code = "LEX_ERR_DOM_005"


class RateLimitError(DomainError):
    """The caller asks too often.

    Attributes:
        retry_after: Seconds after which to ask again; None when not known.
    """

    _code = "LEX_ERR_DOM_006"

    def __init__(self, message: str | None = None, *args: Any, retry_after: float | None = None, **kwargs: Any) -> None:
        super().__init__(message, *args, **kwargs)
        self.retry_after = retry_after


class ConflictError(DomainError):
    """The request contradicts the present state."""

    _code = "LEX_ERR_DOM_007"


class ValidationError(DomainError, ValueError):
    """Input does not have the form it must have.

    Attributes:
        errors: The faults of single fields.
    """

    _code = "LEX_ERR_DOM_008"

    def __init__(
        self, message: str | None = None, *args: Any, errors: Sequence[FieldError] = (), **kwargs: Any
    ) -> None:
        super().__init__(message, *args, **kwargs)
        self.errors: tuple[FieldError, ...] = tuple(errors)


class FieldError(ValidationError):
    """One field does not have the form it must have.

    Attributes:
        field: Its name, or dotted path.
    """

    _code = "LEX_ERR_DOM_009"

    def __init__(self, message: str | None = None, *args: Any, field: str = "", **kwargs: Any) -> None:
        super().__init__(message, *args, **kwargs)
        self.field = field

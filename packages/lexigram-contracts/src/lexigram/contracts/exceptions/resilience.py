"""Errors of the resilience patterns.

* ResilienceError 001
  + RetryError 002
    - RetryExhaustedError 006
  + CircuitBreakerError 003
    - CircuitOpenError 007
  + BulkheadError 004
  + FallbackError 005
  + ResilienceTimeoutError 008 (also TimeoutError)

Codes are ``LEX_ERR_RES_`` and the number.
"""

from __future__ import annotations

from typing import Any, ClassVar

from lexigram.contracts.exceptions.base import LexigramError

__all__ = [
    "BulkheadError",
    "CircuitBreakerError",
    "CircuitOpenError",
    "FallbackError",
    "ResilienceError",
    "ResilienceTimeoutError",
    "RetryError",
    "RetryExhaustedError",
]


class ResilienceError(LexigramError):
    """A resilience policy gave up."""

    _code: ClassVar[str] = "LEX_ERR_RES_001"


class RetryError(ResilienceError):
    """A retry could not be made."""

    _code = "LEX_ERR_RES_002"


class RetryExhaustedError(RetryError):
    """Every attempt failed; the last failure is the cause.

    Attributes:
        attempts: How many were made.
    """

    _code = "LEX_ERR_RES_006"

    def __init__(self, message: str | None = None, *args: Any, attempts: int = 0, **kwargs: Any) -> None:
        super().__init__(message, *args, **kwargs)
        self.attempts = attempts


class CircuitBreakerError(ResilienceError):
    """A circuit breaker stood in the way."""

    _code = "LEX_ERR_RES_003"


class CircuitOpenError(CircuitBreakerError):
    """The circuit is open: the service failed too often of late.

    Attributes:
        retry_after: Seconds until it lets a trial through; None when not known.
    """

    _code = "LEX_ERR_RES_007"

    def __init__(self, message: str | None = None, *args: Any, retry_after: float | None = None, **kwargs: Any) -> None:
        super().__init__(message, *args, **kwargs)
        self.retry_after = retry_after


class BulkheadError(ResilienceError):
    """Too many calls are under way already."""

    _code = "LEX_ERR_RES_004"


class FallbackError(ResilienceError):
    """The fallback failed as well."""

    _code = "LEX_ERR_RES_005"


class ResilienceTimeoutError(ResilienceError, TimeoutError):
    """The call did not finish within its time.

    Attributes:
        timeout: The limit that passed, in seconds.
    """

    _code = "LEX_ERR_RES_008"

    def __init__(self, message: str | None = None, *args: Any, timeout: float | None = None, **kwargs: Any) -> None:
        super().__init__(message, *args, **kwargs)
        self.timeout = timeout

"""Errors of services.

* ServiceError SVC_001
  + ServiceStateError SVC_002 (also RuntimeError)
    - ServiceDisabledError SVC_003
  + ServiceTimeoutError SVC_004 (also TimeoutError)

Codes are ``LEX_ERR_`` and what is shown.
"""

from __future__ import annotations

from typing import Any, ClassVar

from lexigram.contracts.exceptions.base import LexigramError

__all__ = ["ServiceDisabledError", "ServiceError", "ServiceStateError", "ServiceTimeoutError"]


class ServiceError(LexigramError):
    """A service could not be started, used or stopped.

    Attributes:
        service: Its name.
    """

    _code: ClassVar[str] = "LEX_ERR_SVC_001"

    def __init__(self, message: str | None = None, *args: Any, service: str | None = None, **kwargs: Any) -> None:
        super().__init__(message, *args, **kwargs)
        self.service = service


class ServiceStateError(ServiceError, RuntimeError):
    """The service is not in the state that the call needs."""

    _code = "LEX_ERR_SVC_002"


class ServiceDisabledError(ServiceStateError):
    """The configuration switches the service off."""

    _code = "LEX_ERR_SVC_003"


class ServiceTimeoutError(ServiceError, TimeoutError):
    """The service was not ready, or not stopped, within its time.

    Attributes:
        timeout: The limit that passed, in seconds.
    """

    _code = "LEX_ERR_SVC_004"

    def __init__(self, message: str | None = None, *args: Any, timeout: float | None = None, **kwargs: Any) -> None:
        super().__init__(message, *args, **kwargs)
        self.timeout = timeout

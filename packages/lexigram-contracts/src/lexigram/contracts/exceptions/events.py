"""Errors of events.

* EventError 001
  + EventHandlerError 002

Codes are ``LEX_ERR_EVT_`` and the number.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from lexigram.contracts.exceptions.base import LexigramError

__all__ = ["EventError", "EventHandlerError"]


class EventError(LexigramError):
    """An event could not be published or handled."""

    _code: ClassVar[str] = "LEX_ERR_EVT_001"


class EventHandlerError(EventError):
    """One or more handlers of an event failed; the first failure is the cause.

    Attributes:
        failures: What each failed handler raised or returned, in order.
    """

    _code = "LEX_ERR_EVT_002"

    def __init__(self, message: str | None = None, *args: Any, failures: Sequence[Any] = (), **kwargs: Any) -> None:
        super().__init__(message, *args, **kwargs)
        self.failures: tuple[Any, ...] = tuple(failures)

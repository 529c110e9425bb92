"""The states of an application, and the error for what does not fit one."""

from __future__ import annotations

from enum import StrEnum
from typing import ClassVar

from lexigram.contracts.exceptions.base import LexigramError

__all__ = ["AppState", "ApplicationError", "ApplicationStateError"]


class AppState(StrEnum):
    """Where an application is in its life; it goes through them in this order, once."""

    CREATED = "created"
    STARTING = "starting"
    RUNNING = "running"
    STOPPING = "stopping"
    STOPPED = "stopped"


class ApplicationError(LexigramError):
    """An application was put together or used wrongly."""

    _code: ClassVar[str] = "LEX_ERR_APP_001"


class ApplicationStateError(ApplicationError, RuntimeError):
    """Something was asked of an application that its state does not allow."""

    _code: ClassVar[str] = "LEX_ERR_APP_002"

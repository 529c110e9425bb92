"""How long a service lives."""

from __future__ import annotations

from enum import StrEnum

__all__ = ["ServiceScope"]


class ServiceScope(StrEnum):
    """How long a service lives.

    Attributes:
        SINGLETON: As long as the application.
        SCOPED: As long as a scope, such as a request.
        TRANSIENT: A new one each time it is asked for.
    """

    SINGLETON = "singleton"
    SCOPED = "scoped"
    TRANSIENT = "transient"

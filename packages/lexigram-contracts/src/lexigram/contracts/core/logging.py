"""Logging as services use it: an event and its facts by name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol, Self, runtime_checkable

__all__ = ["LoggerFactoryProtocol", "LoggerProtocol", "RedactorProtocol"]


@runtime_checkable
class LoggerProtocol(Protocol):
    """Writes log entries."""

    def bind(self, **values: Any) -> Self:
        """A logger that adds these facts to each entry."""
        ...

    def debug(self, event: str, *args: Any, **values: Any) -> Any:
        """Log what helps to find a fault."""
        ...

    def info(self, event: str, *args: Any, **values: Any) -> Any:
        """Log what happens in the normal course."""
        ...

    def warning(self, event: str, *args: Any, **values: Any) -> Any:
        """Log what works, but should be looked at."""
        ...

    def error(self, event: str, *args: Any, **values: Any) -> Any:
        """Log what did not work."""
        ...

    def exception(self, event: str, *args: Any, **values: Any) -> Any:
        """Log what did not work, with the exception being handled."""
        ...


@runtime_checkable
class LoggerFactoryProtocol(Protocol):
    """Makes loggers."""

    def get_logger(self, name: str, **values: Any) -> LoggerProtocol:
        """The logger of this name, adding these facts to each entry."""
        ...


@runtime_checkable
class RedactorProtocol(Protocol):
    """Takes secrets out of what is about to be logged."""

    def redact(self, values: Mapping[str, Any], /) -> dict[str, Any]:
        """The same facts with secrets masked."""
        ...

"""Tracing: spans, one inside the other."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager
from typing import Any, Protocol, runtime_checkable

__all__ = ["SpanProtocol", "TracerProtocol"]


@runtime_checkable
class SpanProtocol(Protocol):
    """A piece of work, from its beginning to its end."""

    def set_attribute(self, key: str, value: Any) -> None:
        """Note a fact."""
        ...

    def add_event(self, name: str, attributes: Mapping[str, Any] | None = None) -> None:
        """Note that something happened now."""
        ...

    def record_exception(self, exception: BaseException) -> None:
        """Note a failure."""
        ...

    def set_status(self, status: str, description: str | None = None) -> None:
        """Say how it went: ``ok`` or ``error``."""
        ...

    def end(self) -> None:
        """The work is done. Ending twice does nothing."""
        ...


@runtime_checkable
class TracerProtocol(Protocol):
    """Begins spans."""

    def start_span(
        self, name: str, attributes: Mapping[str, Any] | None = None
    ) -> AbstractContextManager[SpanProtocol]:
        """A span that is the current one inside a ``with`` block, and ends with it."""
        ...

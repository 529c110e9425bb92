"""Metrics: counts, levels and distributions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol, runtime_checkable

__all__ = ["MetricsCollectorProtocol"]


@runtime_checkable
class MetricsCollectorProtocol(Protocol):
    """Takes measurements. *tags* tell series of one metric apart."""

    def increment(self, name: str, value: float = 1.0, tags: Mapping[str, str] | None = None) -> None:
        """Add to a count."""
        ...

    def gauge(self, name: str, value: float, tags: Mapping[str, str] | None = None) -> None:
        """Say where a level stands."""
        ...

    def histogram(self, name: str, value: float, tags: Mapping[str, str] | None = None) -> None:
        """Add a value to a distribution."""
        ...

    def create_counter(self, name: str, description: str = "", unit: str = "") -> Any:
        """Announce a count, and return the collector's own handle on it."""
        ...

    def create_gauge(self, name: str, description: str = "", unit: str = "") -> Any:
        """Announce a level, and return the collector's own handle on it."""
        ...

    def create_histogram(
        self, name: str, description: str = "", unit: str = "", buckets: Sequence[float] | None = None
    ) -> Any:
        """Announce a distribution, and return the collector's own handle on it."""
        ...

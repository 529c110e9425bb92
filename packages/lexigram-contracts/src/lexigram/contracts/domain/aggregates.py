"""Aggregates: objects that record what happened to them until someone publishes it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, runtime_checkable

from lexigram.contracts.domain.events import DomainEvent

__all__ = ["AggregateRootProtocol"]


@runtime_checkable
class AggregateRootProtocol(Protocol):
    """The one object of an aggregate that others hold.

    ``collect_events`` looks, ``pull_events`` takes: only what was pulled, or cleared, is gone, so that no event is
    published twice.
    """

    def add_event(self, event: DomainEvent) -> None:
        """Record that something happened."""
        ...

    def collect_events(self) -> Sequence[DomainEvent]:
        """The events recorded so far, in order; they stay recorded."""
        ...

    def pull_events(self) -> Sequence[DomainEvent]:
        """The events recorded so far, in order; they are recorded no longer."""
        ...

    def clear_events(self) -> None:
        """Forget the events recorded so far."""
        ...

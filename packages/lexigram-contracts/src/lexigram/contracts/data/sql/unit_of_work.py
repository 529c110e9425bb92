"""A unit of work: changes that happen together or not at all."""

from __future__ import annotations

from collections.abc import Sequence
from types import TracebackType
from typing import Any, Protocol, Self, runtime_checkable

__all__ = ["UnitOfWorkProtocol"]


@runtime_checkable
class UnitOfWorkProtocol(Protocol):
    """Commits on a clean exit of its ``async with`` block; rolls back on an error or a cancellation."""

    async def __aenter__(self) -> Self: ...

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool | None: ...

    async def commit(self) -> None:
        """Make the changes lasting, and hand on the events."""
        ...

    async def rollback(self) -> None:
        """Undo the changes, and drop the events."""
        ...

    def register_new(self, entity: Any) -> None:
        """This object is to be inserted."""
        ...

    def register_dirty(self, entity: Any) -> None:
        """This object is to be updated."""
        ...

    def register_deleted(self, entity: Any) -> None:
        """This object is to be deleted."""
        ...

    def register_event(self, event: Any) -> None:
        """This event is to be handed on with the commit."""
        ...

    def collect_events(self) -> Sequence[Any]:
        """The events registered so far, those of registered aggregates included, in order; nothing is dropped."""
        ...

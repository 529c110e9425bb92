"""What publishes events and what handles them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, Protocol, TypeAlias, TypeVar, overload, runtime_checkable

from lexigram.contracts.core.result import Result
from lexigram.contracts.domain.events import DomainEvent
from lexigram.contracts.exceptions.events import EventError, EventHandlerError

__all__ = ["EventBusProtocol", "EventError", "EventHandler", "EventHandlerError", "EventHandlerProtocol"]

E = TypeVar("E")


@runtime_checkable
class EventHandlerProtocol(Protocol):
    """An object that handles events of one type."""

    async def handle(self, event: Any, /) -> Result[None, EventError]:
        """Act on the event; an expected failure is an ``Err``."""
        ...


EventHandler: TypeAlias = EventHandlerProtocol | Callable[[Any], Awaitable[Any]] | Callable[[Any], Any]
"""What may be subscribed: an object with ``handle``, or a function, sync or async."""


@runtime_checkable
class EventBusProtocol(Protocol):
    """Brings events to those who subscribed to their type, or to a type above it."""

    async def publish(self, event: DomainEvent) -> Result[None, EventError]:
        """Hand the event to its handlers.

        Returns:
            ``Ok(None)`` when all of them succeeded, else an ``Err``; one failure does not keep the event from the
            other handlers.
        """
        ...

    @overload
    def subscribe(self, event_type: type[Any], handler: EventHandlerProtocol) -> Any: ...
    @overload
    def subscribe(self, event_type: type[E], handler: Callable[[E], Any]) -> Any: ...
    def subscribe(self, event_type: type[Any], handler: EventHandler) -> Any:
        """Call *handler* with every event of this type from now on."""
        ...

    def unsubscribe(self, event_type: type[Any], handler: EventHandler) -> Any:
        """Call *handler* no longer."""
        ...

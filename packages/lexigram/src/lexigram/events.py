"""The event bus that lives in the process.

A handler subscribes to a type of event and gets every event of that type or of a type below it, so that subscribing to
``DomainEvent`` means all events::

    bus = EventBus()
    undo = bus.subscribe(OrderPlaced, send_confirmation)
    result = await bus.publish(OrderPlaced(order_id="o-1"))

``publish`` runs the handlers one after the other in the order of subscription, in the caller's task, so that they see
its context variables and take part in its transaction. A failing handler does not keep the event from the others; the
failures come back together as one ``Err``. Nothing is stored: an event that nobody subscribed to is gone, and so is
one whose process dies. For events that must survive, use an outbox.
"""

from __future__ import annotations

from collections.abc import Callable
from inspect import isawaitable
from typing import Any, TypeGuard, TypeVar, overload

from lexigram.contracts.core.result import Err, Ok, Result
from lexigram.contracts.domain.events import DomainEvent
from lexigram.contracts.events.protocols import EventBusProtocol, EventHandler, EventHandlerProtocol
from lexigram.contracts.exceptions.events import EventError, EventHandlerError

__all__ = [
    "DomainEvent",
    "EventBus",
    "EventBusProtocol",
    "EventError",
    "EventHandler",
    "EventHandlerError",
    "EventHandlerProtocol",
]

E = TypeVar("E")


class EventBus:
    """Brings events to those in this process who subscribed to them. Implements ``EventBusProtocol``."""

    def __init__(self) -> None:
        self._subscriptions: tuple[tuple[type[Any], EventHandler], ...] = ()
        self._handlers_of: dict[type[Any], tuple[Callable[[Any], Any], ...]] = {}

    @overload
    def subscribe(self, event_type: type[E], handler: EventHandlerProtocol) -> Callable[[], None]: ...
    @overload
    def subscribe(self, event_type: type[E], handler: Callable[[E], Any]) -> Callable[[], None]: ...
    def subscribe(self, event_type: type[Any], handler: EventHandler) -> Callable[[], None]:
        """Call *handler* with every event of this type, or of a type below it, from now on.

        Subscribing the same handler to the same type again changes nothing, and a handler that is subscribed to
        several types of an event is called once for it.

        Args:
            event_type: The class; ``DomainEvent`` for all domain events.
            handler: An object with ``handle``, or a function, sync or async.

        Returns:
            A function that ends the subscription.

        Raises:
            EventError: *event_type* is no class, or *handler* can neither handle nor be called.
        """
        if not isinstance(event_type, type):  # pyright: ignore[reportUnnecessaryIsInstance] - callers are not all typed
            raise EventError(f"events are subscribed to by class; {event_type!r} is none")
        if not (callable(getattr(handler, "handle", None)) or callable(handler)):
            raise EventError(f"{handler!r} cannot handle events", hint="Give a function or an object with handle().")
        if (event_type, handler) not in self._subscriptions:
            self._subscriptions = (*self._subscriptions, (event_type, handler))
            self._handlers_of.clear()
        return lambda: self._end(event_type, handler)

    def unsubscribe(self, event_type: type[Any], handler: EventHandler) -> bool:
        """Call *handler* no longer for this type.

        Args:
            event_type: The class it was subscribed to.
            handler: The handler.

        Returns:
            True when it was subscribed.
        """
        before = self._subscriptions
        self._end(event_type, handler)
        return len(self._subscriptions) != len(before)

    async def publish(self, event: DomainEvent) -> Result[None, EventError]:
        """Hand the event to its handlers, one after the other.

        A handler fails by raising or by returning an ``Err``. Cancellation is not a failure; it passes.

        Args:
            event: The event.

        Returns:
            ``Ok(None)`` when all handlers succeeded, also when there were none; else ``Err`` of an
            ``EventHandlerError`` whose ``failures`` lists what each failed handler raised or returned.
        """
        failures: list[Any] = []
        for handler in self._matching(type(event)):
            try:
                outcome = handler(event)
                if isawaitable(outcome):
                    outcome = await outcome
            except Exception as error:  # noqa: BLE001 - whatever a handler raises is collected for the publisher
                failures.append(error)
            else:
                if _is_refusal(outcome):
                    failures.append(outcome.error)
        if not failures:
            return Ok(None)
        return Err(_failed(event, failures))

    async def publish_many(self, events: list[DomainEvent]) -> Result[None, EventError]:
        """Publish events in order, all of them even if a handler of one fails.

        Args:
            events: The events.

        Returns:
            ``Ok(None)``, or ``Err`` of an ``EventHandlerError`` with the failures of all the events.
        """
        failures: list[Any] = []
        failed: DomainEvent | None = None
        for event in events:
            result = await self.publish(event)
            if isinstance(result, Err):
                failed = failed or event
                failures.extend(result.error.failures)
        return Ok(None) if failed is None else Err(_failed(failed, failures))

    def clear(self) -> None:
        """End all subscriptions."""
        self._subscriptions = ()
        self._handlers_of.clear()

    def _end(self, event_type: type[Any], handler: EventHandler) -> None:
        self._subscriptions = tuple(kept for kept in self._subscriptions if kept != (event_type, handler))
        self._handlers_of.clear()

    def _matching(self, event_type: type[Any]) -> tuple[Callable[[Any], Any], ...]:
        """What to call with an event of this type: each handler once, in the order of subscription."""
        found = self._handlers_of.get(event_type)
        if found is None:
            handlers: list[EventHandler] = []
            for subscribed, handler in self._subscriptions:
                if issubclass(event_type, subscribed) and handler not in handlers:
                    handlers.append(handler)
            found = tuple(h.handle if isinstance(h, EventHandlerProtocol) else h for h in handlers)
            self._handlers_of[event_type] = found
        return found


def _is_refusal(outcome: Any) -> TypeGuard[Err[Any]]:
    return isinstance(outcome, Err)


def _failed(event: DomainEvent, failures: list[Any]) -> EventHandlerError:
    first = failures[0]
    how_many = "a handler" if len(failures) == 1 else f"{len(failures)} handlers"
    return EventHandlerError(
        f"{how_many} of {type(event).__name__} failed: {type(first).__name__}: {first}",
        failures=failures,
        cause=first if isinstance(first, BaseException) else None,
    )

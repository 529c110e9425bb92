"""EventBus: who gets which event, in which order, and what becomes of failures."""

from __future__ import annotations

import asyncio
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

import pytest
from lexigram.events import DomainEvent, EventBus, EventBusProtocol, EventError, EventHandlerError
from lexigram.result import Err, Ok, Result


@dataclass(frozen=True, kw_only=True)
class OrderEvent(DomainEvent):
    """Something happened to an order."""

    order_id: str


@dataclass(frozen=True, kw_only=True)
class OrderPlaced(OrderEvent):
    """An order was placed."""


@dataclass(frozen=True, kw_only=True)
class UserCreated(DomainEvent):
    """A user was created."""


@pytest.fixture
def bus() -> EventBus:
    """A bus without subscriptions."""
    return EventBus()


PLACED = OrderPlaced(order_id="o-1")


def test_it_implements_the_contract(bus: EventBus) -> None:
    """Services depend on the protocol."""
    assert isinstance(bus, EventBusProtocol)


async def test_an_event_without_handlers_is_ok(bus: EventBus) -> None:
    """Publishing is always safe."""
    assert await bus.publish(PLACED) == Ok(None)


async def test_functions_and_objects_with_handle_are_handlers(bus: EventBus) -> None:
    """Sync functions, async functions and handler objects all get the event."""
    seen: list[str] = []

    async def function(event: OrderPlaced) -> None:
        await asyncio.sleep(0)
        seen.append(f"async {event.order_id}")

    class Handler:
        async def handle(self, event: OrderPlaced, /) -> Result[None, EventError]:
            seen.append(f"object {event.order_id}")
            return Ok(None)

    bus.subscribe(OrderPlaced, function)
    bus.subscribe(OrderPlaced, lambda event: seen.append(f"sync {event.order_id}"))
    bus.subscribe(OrderPlaced, Handler())

    assert await bus.publish(PLACED) == Ok(None)
    assert seen == ["async o-1", "sync o-1", "object o-1"]


async def test_a_subscription_covers_the_types_below(bus: EventBus) -> None:
    """DomainEvent means all events."""
    seen: list[tuple[str, str]] = []
    bus.subscribe(DomainEvent, lambda event: seen.append(("all", event.event_type)))
    bus.subscribe(OrderEvent, lambda event: seen.append(("orders", event.event_type)))
    bus.subscribe(OrderPlaced, lambda event: seen.append(("placed", event.event_type)))

    await bus.publish(PLACED)
    await bus.publish(UserCreated())
    await bus.publish(OrderEvent(order_id="o-2"))

    assert seen == [
        ("all", "OrderPlaced"),
        ("orders", "OrderPlaced"),
        ("placed", "OrderPlaced"),
        ("all", "UserCreated"),
        ("all", "OrderEvent"),
        ("orders", "OrderEvent"),
    ]


async def test_a_handler_of_several_types_is_called_once_per_event(bus: EventBus) -> None:
    """Base and subclass subscription do not add up."""
    seen: list[DomainEvent] = []

    bus.subscribe(DomainEvent, seen.append)
    bus.subscribe(OrderPlaced, seen.append)
    bus.subscribe(OrderPlaced, seen.append)
    await bus.publish(PLACED)

    assert seen == [PLACED]


async def test_one_failure_is_returned_and_does_not_stop_the_others(bus: EventBus) -> None:
    """The first failure is the cause."""
    seen: list[str] = []
    boom = ValueError("boom")

    async def broken(event: OrderPlaced) -> None:
        raise boom

    bus.subscribe(OrderPlaced, broken)
    bus.subscribe(OrderPlaced, lambda _: seen.append("after"))
    result = await bus.publish(PLACED)

    assert seen == ["after"]
    error = result.unwrap_err()
    assert isinstance(error, EventHandlerError)
    assert error.failures == (boom,)
    assert error.__cause__ is boom
    assert error.message == "a handler of OrderPlaced failed: ValueError: boom"


async def test_raised_and_returned_failures_are_collected(bus: EventBus) -> None:
    """An Err is a failure as an exception is."""
    refused = EventError("refused")
    boom = ValueError("boom")

    class Refusing:
        async def handle(self, event: Any, /) -> Result[None, EventError]:
            return Err(refused)

    def broken(event: OrderPlaced) -> None:
        raise boom

    bus.subscribe(OrderPlaced, Refusing())
    bus.subscribe(OrderPlaced, broken)
    bus.subscribe(OrderPlaced, lambda _: Err("in words"))
    error = (await bus.publish(PLACED)).unwrap_err()

    assert isinstance(error, EventHandlerError)
    assert error.failures == (refused, boom, "in words")
    assert "3 handlers of OrderPlaced failed" in error.message


async def test_a_failure_in_words_has_no_cause(bus: EventBus) -> None:
    """Only exceptions can be causes."""
    bus.subscribe(OrderPlaced, lambda _: Err("in words"))

    assert (await bus.publish(PLACED)).unwrap_err().__cause__ is None


async def test_cancellation_is_no_failure(bus: EventBus) -> None:
    """It reaches the publisher."""

    async def cancelled(event: OrderPlaced) -> None:
        raise asyncio.CancelledError

    bus.subscribe(OrderPlaced, cancelled)

    with pytest.raises(asyncio.CancelledError):
        await bus.publish(PLACED)


async def test_unsubscribe_and_undo_end_a_subscription(bus: EventBus) -> None:
    """Also after the event type was published before."""
    seen: list[DomainEvent] = []

    undo = bus.subscribe(OrderPlaced, seen.append)
    await bus.publish(PLACED)
    undo()
    await bus.publish(PLACED)
    bus.subscribe(OrderPlaced, seen.append)

    assert bus.unsubscribe(OrderPlaced, seen.append)
    assert not bus.unsubscribe(OrderPlaced, seen.append)
    await bus.publish(PLACED)
    assert seen == [PLACED]


async def test_handlers_see_the_context_of_the_publisher(bus: EventBus) -> None:
    """So they take part in its transaction."""
    tenant: ContextVar[str] = ContextVar("tenant")
    seen: list[str] = []

    async def handler(event: OrderPlaced) -> None:
        seen.append(tenant.get())

    bus.subscribe(OrderPlaced, handler)
    tenant.set("acme")
    await bus.publish(PLACED)

    assert seen == ["acme"]


async def test_a_subscription_made_while_publishing_counts_from_the_next_event(bus: EventBus) -> None:
    """The running publication is not disturbed."""
    seen: list[str] = []

    def later(event: OrderPlaced) -> None:
        seen.append("later")

    bus.subscribe(OrderPlaced, lambda _: bus.subscribe(OrderPlaced, later) and None)

    await bus.publish(PLACED)
    assert seen == []
    await bus.publish(PLACED)
    assert seen == ["later"]


async def test_publish_many_goes_on_after_a_failure(bus: EventBus) -> None:
    """The failures of all events come back together."""
    seen: list[str] = []

    def sometimes(event: OrderEvent) -> None:
        seen.append(event.order_id)
        if event.order_id != "good":
            raise ValueError(event.order_id)

    bus.subscribe(OrderEvent, sometimes)
    events: list[DomainEvent] = [OrderEvent(order_id=name) for name in ("bad", "good", "worse")]
    error = (await bus.publish_many(events)).unwrap_err()

    assert seen == ["bad", "good", "worse"]
    assert isinstance(error, EventHandlerError)
    assert [str(failure) for failure in error.failures] == ["bad", "worse"]
    assert await bus.publish_many([OrderEvent(order_id="good")]) == Ok(None)


def test_what_cannot_handle_is_refused_at_once(bus: EventBus) -> None:
    """The mistake is reported where it is made."""
    with pytest.raises(EventError, match="cannot handle events"):
        bus.subscribe(OrderPlaced, 42)  # type: ignore[call-overload]
    with pytest.raises(EventError, match="subscribed to by class"):
        bus.subscribe("OrderPlaced", print)  # type: ignore[call-overload]


async def test_clear_ends_all_subscriptions(bus: EventBus) -> None:
    """For tests that share a bus."""
    seen: list[DomainEvent] = []
    bus.subscribe(DomainEvent, seen.append)
    await bus.publish(PLACED)

    bus.clear()
    await bus.publish(PLACED)

    assert seen == [PLACED]

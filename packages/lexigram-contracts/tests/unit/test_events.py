"""Domain events: how they are written, named, stored and read back."""

from __future__ import annotations

import copy
import pickle
from concurrent.futures import ThreadPoolExecutor
from dataclasses import FrozenInstanceError, dataclass, field, fields
from datetime import UTC, datetime
from threading import Barrier
from typing import Any
from uuid import UUID

import pytest
from lexigram.contracts.domain.events import DomainEvent
from lexigram.contracts.exceptions.infra import DataValidationError


class Ordered(DomainEvent):
    """Written plainly."""

    order: str
    lines: list[int] = field(default_factory=list)


@dataclass(frozen=True, kw_only=True)
class Paid(Ordered):
    """Written with the decorator, above one without."""

    amount: int = 0
    notes: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Shipped(Paid):
    """Positional fields of its own."""

    carrier: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Delivered(Ordered):
    """With slots for its own fields."""

    door: str


class Audited:
    """Something else to inherit from."""


class Refunded(Ordered, Audited):
    """With a base that is no event."""


class Cancelled(DomainEvent):
    """With a name that does not follow the class."""

    event_type: str = "order.cancelled"


def test_events_are_written_plainly_or_with_the_decorator() -> None:
    """Both give the same dataclass, bases included, whichever is made first."""
    assert (Paid(order="1", amount=3).order, Ordered(order="1").lines, Shipped("DHL", order="1").carrier) == (
        "1",
        [],
        "DHL",
    )
    assert [f.name for f in fields(Paid)][-4:] == ["order", "lines", "amount", "notes"]
    assert Ordered(order="1").lines is not Ordered(order="1").lines
    with pytest.raises(TypeError, match="order"):
        Ordered()  # type: ignore[call-arg]
    with pytest.raises(TypeError, match="positional"):
        Ordered("1")  # type: ignore[misc]


def test_a_base_is_complete_before_its_first_object() -> None:
    """A decorated subclass of a plain class has the plain class's fields, though nobody made one yet."""

    class First(DomainEvent):
        a: int

    @dataclass(frozen=True, kw_only=True)
    class Second(First):
        b: int

    class Third(Second):
        c: int

    event = Third(a=1, b=2, c=3)

    assert (event.a, event.b, event.c) == (1, 2, 3)


def test_events_are_facts() -> None:
    """Frozen, with an id and a time of their own."""
    one, two = Ordered(order="1"), Ordered(order="1")

    assert isinstance(one.event_id, UUID)
    assert one.event_id != two.event_id
    assert one != two
    assert one.occurred_at.tzinfo is UTC
    assert one.schema_version == 1
    with pytest.raises(FrozenInstanceError):
        one.order = "2"  # type: ignore[misc]


def test_events_are_named_after_their_class() -> None:
    """Unless the class says another name."""
    assert [DomainEvent().event_type, Paid(order="1").event_type] == ["DomainEvent", "Paid"]
    assert (Cancelled().event_type, Cancelled(event_type="x").event_type) == ("order.cancelled", "x")


@pytest.mark.parametrize(
    "event",
    [
        DomainEvent(),
        Ordered(order="1", lines=[1]),
        Shipped("DHL", order="1", actor_id="me"),
        Cancelled(),
        Delivered(order="1", door="2"),
        Refunded(order="1"),
    ],
)
def test_events_survive_storing_pickling_and_copying(event: DomainEvent) -> None:
    """What comes back is equal."""
    data = event.to_dict()

    assert isinstance(data["event_id"], str)
    assert data["occurred_at"].endswith("+00:00")
    assert type(event).from_dict(data) == event
    assert type(event).from_dict({f.name: getattr(event, f.name) for f in fields(event)}) == event
    assert pickle.loads(pickle.dumps(event)) == copy.deepcopy(event) == event


@pytest.mark.parametrize(
    ("data", "message", "name"),
    [
        ({"order": "1", "colour": "red", "zone": 1}, "Ordered has no fields colour, zone", "colour"),
        ({"lines": []}, "Ordered needs order", "order"),
        ({"order": "1", "event_type": "Paid"}, "'Paid' is not a Ordered", "event_type"),
        ({"order": "1", "event_id": "x"}, "event_id is not valid: 'x'", "event_id"),
        ({"order": "1", "occurred_at": "noon"}, "occurred_at is not valid: 'noon'", "occurred_at"),
    ],
)
def test_what_is_no_such_event_is_refused(data: dict[str, Any], message: str, name: str) -> None:
    """Nothing is dropped silently."""
    with pytest.raises(DataValidationError, match=message) as caught:
        Ordered.from_dict(data)

    assert caught.value.field == name


def test_an_event_belongs_to_an_aggregate() -> None:
    """The same event, with its place."""
    event = Ordered(order="1", occurred_at=datetime(2026, 1, 1, tzinfo=UTC))
    placed = event.for_aggregate("1", "Order", 7)

    assert (placed.aggregate_id, placed.aggregate_type, placed.sequence_number) == ("1", "Order", 7)
    assert (placed.event_id, placed.occurred_at, placed.order) == (event.event_id, event.occurred_at, "1")
    assert placed.event_type == "Ordered"


def test_many_threads_may_make_the_first_object() -> None:
    """A class is completed once, and nobody sees it half done."""
    for _ in range(20):

        class Fresh(DomainEvent):
            a: int

        barrier = Barrier(4)

        def make(barrier: Barrier = barrier, fresh: type[Any] = Fresh) -> int:
            barrier.wait()
            return fresh(a=1).a

        with ThreadPoolExecutor(4) as pool:
            assert [future.result() for future in [pool.submit(make) for _ in range(4)]] == [1, 1, 1, 1]

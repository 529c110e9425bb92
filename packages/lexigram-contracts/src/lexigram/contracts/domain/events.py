"""Domain events: facts that happened, told to whoever listens.

An event is a class with annotated fields and nothing else; it becomes a frozen, keyword-only dataclass by itself::

    class UserCreated(DomainEvent):
        user_id: str

Writing ``@dataclass(frozen=True, kw_only=True)`` above it is allowed and changes nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import MISSING, dataclass, field, fields, replace
from datetime import UTC, datetime
from threading import RLock
from typing import Any, Protocol, Self, runtime_checkable
from uuid import UUID, uuid4

from lexigram.contracts.exceptions.infra import DataValidationError
from typing_extensions import dataclass_transform

__all__ = ["DomainEvent", "DomainEventPublisherProtocol"]


# Set last, so that a thread which sees it finds the class whole.
_COMPLETE = "_event_class_is_complete"
_completing = RLock()


def _now() -> datetime:
    return datetime.now(UTC)


def _complete(cls: type[Any]) -> None:
    """Make a dataclass of each event class on the way to the root that is none of its own yet.

    This cannot happen in ``__init_subclass__``, which runs before a ``@dataclass`` above the class does its work; a
    class is finished for certain when the first object, or the first subclass, is made.
    """
    if _COMPLETE in vars(cls):
        return
    with _completing:
        for base in reversed(cls.__mro__):
            if issubclass(base, DomainEvent) and _COMPLETE not in vars(base):
                if "__dataclass_fields__" not in vars(base):
                    dataclass(frozen=True, kw_only=True)(base)
                setattr(base, _COMPLETE, True)


@dataclass_transform(frozen_default=True, kw_only_default=True, field_specifiers=(field,))
class _EventFields:
    """Carries the mark that tells type checkers how subclasses behave."""


@dataclass(frozen=True, kw_only=True)
class DomainEvent(_EventFields):
    """A fact that happened in the domain.

    Attributes:
        event_id: Unique to this event.
        occurred_at: When it happened, in UTC.
        event_type: The class's name; a subclass may declare the field with another default.
        aggregate_id: The aggregate it happened to.
        aggregate_type: That aggregate's type.
        sequence_number: Its place among the aggregate's events.
        actor_id: Who caused it.
        schema_version: Version of the event's fields.
    """

    event_id: UUID = field(default_factory=uuid4)
    occurred_at: datetime = field(default_factory=_now)
    event_type: str = field(init=False)
    aggregate_id: str | None = None
    aggregate_type: str | None = None
    sequence_number: int | None = None
    actor_id: str | None = None
    schema_version: int = 1

    def __new__(cls, *args: Any, **kwargs: Any) -> Self:
        """Finish the class if need be, and name the event after it."""
        _complete(cls)
        event = object.__new__(cls)
        object.__setattr__(event, "event_type", cls.__name__)
        return event

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        for base in cls.__bases__:
            if issubclass(base, DomainEvent):
                _complete(base)

    def to_dict(self) -> dict[str, Any]:
        """The event's fields by name; ids as text and times in ISO 8601, other values as they are."""
        return {f.name: _plain(getattr(self, f.name)) for f in fields(self)}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """Make an event of what :meth:`to_dict` gave.

        Raises:
            DataValidationError: A key is no field of this event, a field without a default is missing, the event is of
                another type, or an id or time cannot be read.
        """
        _complete(cls)
        known = {f.name: f.init for f in fields(cls)}
        if unknown := sorted(set(data) - set(known)):
            raise DataValidationError(f"{cls.__name__} has no fields {', '.join(unknown)}", field=unknown[0])
        needed = (f for f in fields(cls) if f.init and f.default is MISSING and f.default_factory is MISSING)
        if missing := [f.name for f in needed if f.name not in data]:
            raise DataValidationError(f"{cls.__name__} needs {', '.join(missing)}", field=missing[0])
        values = {name: value for name, value in data.items() if known[name]}
        if not known["event_type"] and data.get("event_type", cls.__name__) != cls.__name__:
            raise DataValidationError(f"{data['event_type']!r} is not a {cls.__name__}", field="event_type")
        for name, read in (("event_id", UUID), ("occurred_at", datetime.fromisoformat)):
            if isinstance(values.get(name), str):
                try:
                    values[name] = read(values[name])
                except ValueError as error:
                    raise DataValidationError(f"{name} is not valid: {values[name]!r}", field=name) from error
        return cls(**values)

    def for_aggregate(self, aggregate_id: str, aggregate_type: str, sequence_number: int | None = None) -> Self:
        """The same event, said to have happened to this aggregate."""
        return replace(self, aggregate_id=aggregate_id, aggregate_type=aggregate_type, sequence_number=sequence_number)


def _plain(value: Any) -> Any:
    if isinstance(value, UUID):
        return str(value)
    return value.isoformat() if isinstance(value, datetime) else value


@runtime_checkable
class DomainEventPublisherProtocol(Protocol):
    """Takes events, by whatever way they travel."""

    async def publish(self, event: Any) -> Any:
        """Hand one event on."""
        ...

"""What compiled updates are made of: functions from a field's value to its new value, and what they may consult."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from enum import Enum
from itertools import count
from typing import Any, Final, NamedTuple

__all__ = [
    "INSERT",
    "REMOVED",
    "UNCHANGED",
    "UPDATE",
    "Apply",
    "Outcome",
    "Position",
    "Run",
    "current_time",
    "next_tick",
]


class Outcome(Enum):
    """Results that are not values."""

    UNCHANGED = "unchanged"
    REMOVED = "removed"


UNCHANGED: Final = Outcome.UNCHANGED
"""The field stays as it is, or stays away."""

REMOVED: Final = Outcome.REMOVED
"""The field goes; in an array its place becomes null."""


class Position(NamedTuple):
    """The element of an array that a condition of the filter matched.

    Attributes:
        array: Path of the array.
        place: Index of the element, as text.
    """

    array: str
    place: str


class Run:
    """One application of an update to one document.

    Args:
        document: The document before the update.
        insert: True while an upsert builds its document.
        positions: The elements of arrays that the filter's conditions matched.
        filters: The array filters' tests, by identifier.
    """

    __slots__ = ("document", "filters", "insert", "positions")

    def __init__(
        self,
        document: dict[str, Any],
        insert: bool = False,
        positions: Sequence[Position] = (),
        filters: Mapping[str, Callable[[Any], bool]] | None = None,
    ) -> None:
        self.document = document
        self.insert = insert
        self.positions = positions
        self.filters: Mapping[str, Callable[[Any], bool]] = {} if filters is None else filters

    def position(self, array: str) -> str | None:
        """Tell what ``$`` after an array stands for.

        Args:
            array: Path of the array.

        Returns:
            Index of the element as text, or None if the filter matched no element of an array.
        """
        chosen: str | None = None
        for position in self.positions:
            if position.array == array:
                return position.place
            chosen = position.place
        return chosen


UPDATE: Final = Run({})
"""Serves every update whose operators look at nothing but their own field."""

INSERT: Final = Run({}, insert=True)
"""The same, while an upsert builds its document."""

Apply = Callable[[Any, Sequence[Any], Run], Any]
"""Takes a field's value (or ``MISSING``), the update's operands and the run; gives the new value, or an outcome."""

_ticks = count(1)


def current_time() -> datetime:
    """Tell the time as documents hold it.

    Returns:
        Now, in UTC, cut to milliseconds.
    """
    now = datetime.now(UTC)
    return now.replace(microsecond=now.microsecond - now.microsecond % 1000)


def next_tick() -> tuple[int, int]:
    """Make the two parts of a timestamp that this process has not used yet.

    Returns:
        Seconds since 1970, and an increment.
    """
    return int(time.time()), next(_ticks) & 0xFFFFFFFF

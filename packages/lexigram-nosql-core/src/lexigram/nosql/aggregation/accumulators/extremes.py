"""``$min $max $minN $maxN`` and ``$first $last $firstN $lastN`` (manual, "Accumulators").

The smallest and largest go by MongoDB's order over all types, and null and missing do not count; the first and last
go by the order in which documents come, and a missing value counts as null.
"""

from __future__ import annotations

from bisect import insort
from collections import deque
from collections.abc import Callable, Sequence
from itertools import count, islice
from typing import Any, Final

from lexigram.nosql.aggregation.accumulators.base import Accumulator
from lexigram.nosql.values.order import sort_key
from lexigram.nosql.values.path import MISSING
from typing_extensions import override

__all__ = ["Extreme", "ExtremeN", "First", "FirstN", "Last", "LastN"]

Key = Callable[[Any], Any]

_PLAIN: Final = (frozenset({int}), frozenset({str}))


class Extreme(Accumulator):
    """The smallest or the largest value; None if there is none.

    Args:
        largest: Which of the two.
        key: Gives a value's place in the order.
    """

    __slots__ = ("_best", "_key", "_largest", "_place", "_plain")

    def __init__(self, *, largest: bool, key: Key = sort_key) -> None:
        self._largest = largest
        self._key = key
        self._plain = key is sort_key
        self._best: Any = None
        self._place: Any = None

    @override
    def add(self, value: Any) -> None:
        if value is None or value is MISSING:
            return
        place = self._key(value)
        if self._place is None or (place > self._place if self._largest else place < self._place):
            self._best, self._place = value, place

    @override
    def add_many(self, values: Sequence[Any]) -> None:
        if self._plain and values and frozenset(map(type, values)) in _PLAIN:
            self.add(max(values) if self._largest else min(values))
            return
        for value in values:
            self.add(value)

    @override
    def result(self) -> Any:
        return self._best


class ExtremeN(Accumulator):
    """The n smallest in ascending, or the n largest in descending order.

    Args:
        n: How many to keep, at least 1.
        largest: Which of the two.
        key: Gives a value's place in the order.
    """

    __slots__ = ("_entries", "_key", "_largest", "_n", "_order")

    def __init__(self, n: int, *, largest: bool, key: Key = sort_key) -> None:
        self._n = n
        self._largest = largest
        self._key = key
        self._order = count()
        self._entries: list[tuple[Any, int, Any]] = []

    @override
    def add(self, value: Any) -> None:
        if value is None or value is MISSING:
            return
        place = self._key(value)
        entries = self._entries
        if len(entries) == self._n:
            if self._largest:
                if place <= entries[0][0]:
                    return
                del entries[0]
            else:
                if place >= entries[-1][0]:
                    return
                del entries[-1]
        insort(entries, (place, next(self._order), value))

    @override
    def result(self) -> list[Any]:
        values = [entry[2] for entry in self._entries]
        return values[::-1] if self._largest else values

    @override
    def values_held(self) -> int:
        return len(self._entries)


class First(Accumulator):
    """The first value; None if it is missing or there is none."""

    __slots__ = ("_seen", "_value")

    def __init__(self) -> None:
        self._seen = False
        self._value: Any = None

    @override
    def add(self, value: Any) -> None:
        if not self._seen:
            self._seen = True
            self._value = None if value is MISSING else value

    @override
    def add_many(self, values: Sequence[Any]) -> None:
        if values:
            self.add(values[0])

    @override
    def result(self) -> Any:
        return self._value


class Last(Accumulator):
    """The last value; None if it is missing or there is none."""

    __slots__ = ("_value",)

    def __init__(self) -> None:
        self._value: Any = None

    @override
    def add(self, value: Any) -> None:
        self._value = None if value is MISSING else value

    @override
    def add_many(self, values: Sequence[Any]) -> None:
        if values:
            self.add(values[-1])

    @override
    def result(self) -> Any:
        return self._value


class FirstN(Accumulator):
    """The first n values.

    Args:
        n: How many to keep, at least 1.
    """

    __slots__ = ("_n", "_values")

    def __init__(self, n: int) -> None:
        self._n = n
        self._values: list[Any] = []

    @override
    def add(self, value: Any) -> None:
        if len(self._values) < self._n:
            self._values.append(None if value is MISSING else value)

    @override
    def add_many(self, values: Sequence[Any]) -> None:
        for value in islice(values, self._n - len(self._values)):
            self.add(value)

    @override
    def result(self) -> list[Any]:
        return self._values[:]

    @override
    def values_held(self) -> int:
        return len(self._values)


class LastN(Accumulator):
    """The last n values.

    Args:
        n: How many to keep, at least 1.
    """

    __slots__ = ("_values",)

    def __init__(self, n: int) -> None:
        self._values: deque[Any] = deque(maxlen=n)

    @override
    def add(self, value: Any) -> None:
        self._values.append(None if value is MISSING else value)

    @override
    def result(self) -> list[Any]:
        return list(self._values)

    @override
    def values_held(self) -> int:
        return len(self._values)

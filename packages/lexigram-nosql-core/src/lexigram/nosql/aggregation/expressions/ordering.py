"""Places of values in a sort by several fields, as ``$sortArray`` and the ranking accumulators need them.

An array's place is that of its smallest element, or of its largest where the order descends; a missing field stands
where null does.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from lexigram.nosql.values.order import sort_key
from lexigram.nosql.values.path import MISSING

__all__ = ["ranking_key"]

Key = Callable[[Any], Any]

_EMPTY = (0,)  # an empty array stands just below null


class _Descending:
    """A key whose order is turned around."""

    __slots__ = ("key",)

    def __init__(self, key: Any) -> None:
        self.key = key

    def __lt__(self, other: _Descending) -> bool:
        return bool(other.key < self.key)

    def __le__(self, other: _Descending) -> bool:
        return bool(other.key <= self.key)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Descending) and bool(self.key == other.key)

    def __hash__(self) -> int:
        return hash(self.key)


def ranking_key(directions: Sequence[int], key: Key = sort_key) -> Callable[[Sequence[Any]], tuple[Any, ...]]:
    """Make the function that gives the place of a document in a sort.

    Args:
        directions: 1 or -1 for each field of the sort.
        key: Gives a value's place in the order.

    Returns:
        A function of the fields' values, ``MISSING`` among them, to something comparable.
    """

    def place(value: Any, direction: int) -> Any:
        if isinstance(value, list):
            keys: list[Any] = [key(item) for item in value]  # pyright: ignore[reportUnknownVariableType]
            found = (min(keys) if direction > 0 else max(keys)) if keys else _EMPTY
        else:
            found = key(None if value is MISSING else value)  # a sort does not tell missing from null
        return found if direction > 0 else _Descending(found)

    def places(values: Sequence[Any]) -> tuple[Any, ...]:
        return tuple([place(value, direction) for value, direction in zip(values, directions, strict=True)])

    return places

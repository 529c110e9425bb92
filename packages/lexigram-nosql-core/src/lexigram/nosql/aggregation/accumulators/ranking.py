"""``$top $bottom $topN $bottomN`` (manual, "Accumulators").

They keep what a document gives for ``output`` by where its sort key stands; among equal keys the first document
wins. An array's place in a sort is that of its smallest element, or of its largest where the order descends.
"""

from __future__ import annotations

from bisect import insort
from collections.abc import Callable, Sequence
from itertools import count
from typing import Any

from lexigram.nosql.aggregation.accumulators.base import Accumulator
from typing_extensions import override

__all__ = ["Ranked", "Ranking"]


class Ranked:
    """What a document brings: its values of the sort's fields, and its output."""

    __slots__ = ("output", "values")

    def __init__(self, values: Sequence[Any], output: Any) -> None:
        self.values = values
        self.output = output


class Ranking(Accumulator):
    """The outputs of the n documents that a sort puts first, or last, in the order of the sort.

    Args:
        n: How many to keep, at least 1.
        key: Gives a document's place from its values.
        last: True for those put last.
        single: True to give the one output rather than a list of them.
    """

    __slots__ = ("_entries", "_key", "_last", "_n", "_order", "_single")

    def __init__(self, n: int, key: Callable[[Sequence[Any]], Any], *, last: bool, single: bool) -> None:
        self._n = n
        self._key = key
        self._last = last
        self._single = single
        self._order = count()
        self._entries: list[tuple[Any, int, Any]] = []

    @override
    def add(self, value: Ranked) -> None:
        place = self._key(value.values)
        entries = self._entries
        if len(entries) == self._n:
            if self._last:
                if place <= entries[0][0]:
                    return
                del entries[0]
            else:
                if place >= entries[-1][0]:
                    return
                del entries[-1]
        insort(entries, (place, next(self._order), value.output))

    @override
    def result(self) -> Any:
        outputs = [entry[2] for entry in self._entries]
        if self._single:
            return outputs[0] if outputs else None
        return outputs

    @override
    def values_held(self) -> int:
        return len(self._entries)

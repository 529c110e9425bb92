"""Accumulators over windows: for each document of a partition, what accumulates over the documents of its window.

Windows that only grow, or only shrink, are worked on once: each adds what the one before did not have. Medians and
percentiles are kept in order while a window grows or slides, so that a value is put in its place once and taken out
once. Results come one after the other, so that others can have a turn among them.
"""

# Values are of any type here, and what is narrowed from Any has parts that are unknown to the checker.
# pyright: reportUnknownArgumentType=false, reportUnknownLambdaType=false, reportUnknownMemberType=false
# pyright: reportUnknownParameterType=false, reportUnknownVariableType=false

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, Final, TypeAlias

from lexigram.nosql.aggregation.accumulators.base import Accumulator
from lexigram.nosql.aggregation.accumulators.statistics import Percentile, SlidingPercentile
from lexigram.nosql.aggregation.accumulators.sums import Average, Count, Sum
from lexigram.nosql.values.copying import copy_value

__all__ = ["Bounds", "Compute", "Documents", "over_windows"]

Bounds: TypeAlias = Sequence[tuple[int, int]]
"""For each document, where its window begins and the position after its end; an empty window has both equal."""

Documents: TypeAlias = Sequence[dict[str, Any]]
Compute: TypeAlias = Callable[[Documents, Bounds, Mapping[str, Any]], Iterable[Any]]


def over_windows(
    make: Callable[[Mapping[str, Any]], Accumulator],
    columns: Callable[[Documents, Mapping[str, Any]], list[Any]],
) -> Compute:
    """Make what computes an accumulator over windows.

    Args:
        make: Makes an accumulator from the variables' values.
        columns: Gives the values to accumulate, one for each document.

    Returns:
        A function of the documents, the bounds of their windows and the variables' values.
    """

    def compute(documents: Documents, bounds: Bounds, variables: Mapping[str, Any]) -> Iterator[Any]:
        values = columns(documents, variables)
        first = make(variables)
        if isinstance(first, Percentile) and len(bounds) > 1:
            return _sliding(first.sliding, values, bounds)
        if len(bounds) > 1 and _shrinks(bounds, len(values)) and isinstance(first, _ORDERLESS):
            return _from_the_end(lambda: make(variables), values, bounds)
        return _from_the_start(lambda: make(variables), values, bounds)

    return compute


# Their results do not depend on the order of the values, but for the last of a decimal's 34 digits.
_ORDERLESS: Final = (Sum, Average, Count)


def _shrinks(bounds: Bounds, size: int) -> bool:
    return bounds[0][0] != bounds[-1][0] and all(end == size for _start, end in bounds)


def _from_the_start(make: Callable[[], Accumulator], values: list[Any], bounds: Bounds) -> Iterator[Any]:
    accumulator = make()
    begin, until = 0, 0
    result: Any = None
    fresh = False
    for start, end in bounds:
        if start == begin and end == until and fresh:
            yield copy_value(result)
            continue
        if start == begin and end >= until:
            if end == until + 1:
                accumulator.add(values[until])
            elif end > until:
                accumulator.add_many(values[until:end])
        else:
            accumulator = make()
            accumulator.add_many(values[start:end])
        begin, until = start, max(start, end)
        result, fresh = accumulator.result(), True
        yield result


def _sliding(make: Callable[[], SlidingPercentile], values: list[Any], bounds: Bounds) -> Iterator[Any]:
    held = make()
    begin = until = 0
    result: Any = None
    fresh = False
    for start, end in bounds:
        if start == begin and end == until and fresh:
            yield copy_value(result)
            continue
        # Where less than half of what is held stays, it is put in order anew.
        if start < begin or end < until or 2 * (start - begin) > until - begin:
            held = make()
            held.fill(values[start:end])
        else:
            for value in values[begin:start]:
                held.remove(value)
            for value in values[until:end]:
                held.add(value)
        begin, until = start, max(start, end)
        result, fresh = held.result(), True
        yield result


def _from_the_end(make: Callable[[], Accumulator], values: list[Any], bounds: Bounds) -> Iterator[Any]:
    results: list[Any] = [None] * len(bounds)
    accumulator = make()
    begin = len(values)
    for index in range(len(bounds) - 1, -1, -1):
        start = min(bounds[index][0], len(values))
        if start > begin:
            accumulator = make()
            begin = len(values)
        accumulator.add_many(values[start:begin])
        begin = start
        results[index] = accumulator.result()
    return iter(results)

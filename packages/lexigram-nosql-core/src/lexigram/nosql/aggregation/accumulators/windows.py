"""Accumulators over windows: for each document of a partition, what accumulates over the documents of its window.

Windows that only grow, or only shrink, are worked on once: each adds what the one before did not have.
"""

# Values are of any type here, and what is narrowed from Any has parts that are unknown to the checker.
# pyright: reportUnknownArgumentType=false, reportUnknownLambdaType=false, reportUnknownMemberType=false
# pyright: reportUnknownParameterType=false, reportUnknownVariableType=false

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, TypeAlias

from lexigram.nosql.aggregation.accumulators.base import Accumulator
from lexigram.nosql.aggregation.accumulators.sums import Average, Count, Sum
from lexigram.nosql.values.copying import copy_value

__all__ = ["Bounds", "Compute", "Documents", "over_windows"]

Bounds: TypeAlias = Sequence[tuple[int, int]]
"""For each document, where its window begins and the position after its end; an empty window has both equal."""

Documents: TypeAlias = Sequence[dict[str, Any]]
Compute: TypeAlias = Callable[[Documents, Bounds, Mapping[str, Any]], list[Any]]


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

    def compute(documents: Documents, bounds: Bounds, variables: Mapping[str, Any]) -> list[Any]:
        values = columns(documents, variables)
        if len(bounds) > 1 and _shrinks(bounds, len(values)) and isinstance(make(variables), _ORDERLESS):
            return _from_the_end(lambda: make(variables), values, bounds)
        return _from_the_start(lambda: make(variables), values, bounds)

    return compute


# Their results do not depend on the order of the values, but for the last of a decimal's 34 digits.
_ORDERLESS: Final = (Sum, Average, Count)


def _shrinks(bounds: Bounds, size: int) -> bool:
    return bounds[0][0] != bounds[-1][0] and all(end == size for _start, end in bounds)


def _from_the_start(make: Callable[[], Accumulator], values: list[Any], bounds: Bounds) -> list[Any]:
    results: list[Any] = []
    accumulator = make()
    begin, until = 0, 0
    result: Any = None
    fresh = False
    for start, end in bounds:
        if start == begin and end == until and fresh:
            results.append(copy_value(result))
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
        results.append(result)
    return results


def _from_the_end(make: Callable[[], Accumulator], values: list[Any], bounds: Bounds) -> list[Any]:
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
    return results

"""The windows of ``$setWindowFields``: which neighbours each document of a partition sees."""

# Specifications are of any type, and what is narrowed from Any has parts that are unknown to the checker.
# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false, reportUnknownMemberType=false

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC
from typing import Any, Final, Literal, TypeAlias

from lexigram.nosql.aggregation.expressions.arithmetic import add
from lexigram.nosql.aggregation.expressions.compiled import Compiled
from lexigram.nosql.aggregation.expressions.date_arithmetic import check_unit
from lexigram.nosql.aggregation.expressions.errors import FAILED_TO_PARSE, fault
from lexigram.nosql.aggregation.expressions.numbers import (
    as_decimal,
    as_int32,
    is_numeric,
)
from lexigram.nosql.aggregation.expressions.units import add_units
from lexigram.nosql.aggregation.expressions.zones import as_date
from lexigram.nosql.aggregation.limits import CHUNK
from lexigram.nosql.aggregation.stages.base import Batch, Run, chunks
from lexigram.nosql.aggregation.stages.parsing import Env, as_list, shown
from lexigram.nosql.aggregation.window_operators import Bounds
from lexigram.nosql.query.sort import Sort
from lexigram.nosql.values.kinds import Kind, kind_of
from lexigram.nosql.values.order import sort_key

__all__ = ["Window", "parse_window", "whole_partition"]

Bound: TypeAlias = "Literal['unbounded', 'current'] | Any"

_UNBOUNDED: Final = "unbounded"
_CURRENT: Final = "current"


@dataclass(frozen=True, slots=True)
class Window:
    """A window, checked.

    Attributes:
        lower: ``unbounded``, ``current``, or a distance.
        upper: The same.
        by: For windows by value, the field that the stage sorts by; None for windows by position.
        unit: For windows by date, the unit of the distances.
    """

    lower: Bound
    upper: Bound
    by: Compiled | None = None
    unit: str | None = None

    @property
    def includes_current(self) -> bool:
        """Whether every document's window includes the document itself."""
        names = (_UNBOUNDED, _CURRENT)
        return (self.lower in names or as_decimal(self.lower) <= 0) and (
            self.upper in names or as_decimal(self.upper) >= 0
        )

    async def bounds(self, documents: Batch, run: Run) -> Bounds:
        """Find the windows of a partition, with turns for others.

        Args:
            documents: The partition, in order.
            run: The run.

        Returns:
            For each document where its window begins, and the position after its end.

        Raises:
            PipelineError: A window by value meets something else than numbers (5429413, 5429414) or dates (5429513).
        """
        count = len(documents)
        if self.by is None and (self.lower, self.upper) == (_UNBOUNDED, _UNBOUNDED):
            return whole_partition(count)
        values: list[Any] = []
        keys: list[Any] = []
        if self.by is not None:
            for part in chunks(documents):
                found = self.by.evaluate_many(part, run.variables)
                for value in found:
                    self._check(value)
                values += found
                keys += map(sort_key, found)
                await run.turn(len(part))
        bounds: list[tuple[int, int]] = []
        for start in range(0, count, CHUNK):
            positions = range(start, min(start + CHUNK, count))
            if self.by is None:
                bounds += _by_position(self.lower, self.upper, positions, count)
            else:
                bounds += [self._by_value(position, values[position], keys) for position in positions]
            await run.turn(len(positions))
        return bounds

    def _by_value(self, position: int, value: Any, keys: list[Any]) -> tuple[int, int]:
        if self.lower == _CURRENT:
            start = position
        elif self.lower == _UNBOUNDED:
            start = 0
        else:
            start = bisect_left(keys, sort_key(self._shift(value, self.lower)))
        if self.upper == _CURRENT:
            end = position + 1
        elif self.upper == _UNBOUNDED:
            end = len(keys)
        else:
            end = bisect_right(keys, sort_key(self._shift(value, self.upper)))
        return start, max(start, end)

    def _check(self, value: Any) -> None:
        is_date = kind_of(value) is Kind.DATE
        if self.unit is not None:
            if not is_date:
                raise fault(5429513, f"a window by date needs dates in the field that sorts, not {shown(value)}")
        elif is_date:
            raise fault(5429413, "a window by value over dates needs a 'unit'")
        elif not is_numeric(value):
            raise fault(5429414, f"a window by value needs numbers in the field that sorts, not {shown(value)}")

    def _shift(self, value: Any, distance: Any) -> Any:
        if self.unit is None:
            return add(value, distance)
        return add_units(as_date(value), self.unit, int(as_decimal(distance)), UTC)


def whole_partition(count: int) -> Bounds:
    """The windows where none is given: everything, for every document."""
    return [(0, count)] * count


def _by_position(lower: Bound, upper: Bound, positions: range, count: int) -> list[tuple[int, int]]:
    before = None if lower == _UNBOUNDED else 0 if lower == _CURRENT else lower
    after = None if upper == _UNBOUNDED else 0 if upper == _CURRENT else upper
    bounds: list[tuple[int, int]] = []
    for position in positions:
        start = 0 if before is None else min(max(position + before, 0), count)
        end = count if after is None else min(max(position + after + 1, 0), count)
        bounds.append((start, max(start, end)))
    return bounds


def parse_window(specification: Any, sort: Sort | None, env: Env) -> Window:
    """Check a window.

    Args:
        specification: ``documents``, or ``range`` and ``unit``.
        sort: The stage's order, or None.
        env: Where it stands.

    Returns:
        The window.

    Raises:
        PipelineError: It is not valid (9), its bounds are turned around (5339900), or it needs another order (5339901,
            5339902, 8947401).
    """
    if not isinstance(specification, Mapping):
        raise fault(FAILED_TO_PARSE, f"a window must be a document, not {shown(specification)}")
    if not specification:
        return Window(_UNBOUNDED, _UNBOUNDED)
    if "documents" in specification and "range" in specification:
        raise fault(FAILED_TO_PARSE, "a window has either 'documents' or 'range', not both")
    known = {"documents"} if "documents" in specification else {"range", "unit"}
    for name in specification:
        if name not in known:
            raise fault(FAILED_TO_PARSE, f"a window by {min(known)} has no option {str(name)[:64]!r}")
    if "documents" in specification:
        window = Window(*_bounds(specification["documents"], _whole, env))
        if (window.lower, window.upper) != (_UNBOUNDED, _UNBOUNDED) and sort is None:
            raise fault(5339901, "a window by documents needs a 'sortBy'")
        return window
    if "range" not in specification:
        raise fault(FAILED_TO_PARSE, "the 'unit' of a window goes with 'range'")
    unit: str | None = None
    if "unit" in specification:
        if not isinstance(specification["unit"], str):
            raise fault(FAILED_TO_PARSE, f"'unit' of a window must be a string, not {shown(specification['unit'])}")
        unit = check_unit(specification["unit"], "a window")
    lower, upper = _bounds(specification["range"], _number if unit is None else _whole_value, env)
    if sort is None or len(sort.fields) != 1 or sort.has_meta:
        raise fault(5339902, "a window by value needs a 'sortBy' with exactly one field")
    path, direction = sort.fields[0]
    if direction < 0:
        raise fault(8947401, "a window by value needs a 'sortBy' that ascends")
    return Window(lower, upper, env.expression(f"${path}"), unit)


def _bounds(specification: Any, check: Callable[[Any], Any], env: Env) -> tuple[Bound, Bound]:
    items = as_list(specification)
    if items is None or len(items) != 2:
        raise fault(FAILED_TO_PARSE, "the bounds of a window are an array of two")
    lower, upper = [_bound(item, check, env) for item in items]
    low, high = [0 if bound == _CURRENT else bound for bound in (lower, upper)]
    if _UNBOUNDED not in (low, high) and sort_key(low) > sort_key(high):
        raise fault(5339900, f"the lower bound of a window may not exceed the upper: {low}, {high}")
    return lower, upper


def _bound(item: Any, check: Callable[[Any], Any], env: Env) -> Bound:
    if isinstance(item, str):
        if item not in (_UNBOUNDED, _CURRENT):
            raise fault(FAILED_TO_PARSE, f"a bound of a window is 'unbounded', 'current' or a number, not {item!r}")
        return str(item)
    compiled = env.expression(item)
    if not compiled.is_constant:
        raise fault(FAILED_TO_PARSE, "a bound of a window must be a constant")
    return check(compiled.value)


def _whole(value: Any) -> int:
    number = as_int32(value)
    if number is None:
        raise fault(FAILED_TO_PARSE, f"a bound by documents must be a whole number, not {shown(value)}")
    return number


def _whole_value(value: Any) -> Any:
    if as_int32(value) is None:
        raise fault(FAILED_TO_PARSE, f"a bound by dates must be a whole number, not {shown(value)}")
    return value


def _number(value: Any) -> Any:
    if not is_numeric(value):
        raise fault(FAILED_TO_PARSE, f"a bound by value must be a number, not {shown(value)}")
    return value

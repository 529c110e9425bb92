"""``$sort`` (manual, "$sort"), with the limit that follows it."""

# Specifications are of any type, and what is narrowed from Any has parts that are unknown to the checker.
# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false, reportUnknownMemberType=false

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from lexigram.nosql.aggregation.expressions.errors import BAD_VALUE, FAILED_TO_PARSE, fault
from lexigram.nosql.aggregation.expressions.numbers import is_numeric
from lexigram.nosql.aggregation.stages.base import Batch, Fields, Run, Runner, Stage, chunks
from lexigram.nosql.aggregation.stages.parsing import Env, path_of, shown, whole_number
from lexigram.nosql.exceptions import UnsupportedFeatureError
from lexigram.nosql.query.sort import Sort, parse_sort
from lexigram.nosql.values.collation import Collation
from typing_extensions import override

__all__ = ["SortStage", "check_sort", "parse_sort_stage"]

_OFFERED_METAS = ("textScore", "randVal")
_METAS = (*_OFFERED_METAS, "indexKey", "geoNearDistance", "geoNearPoint", "searchScore", "vectorSearchScore")
_SLACK = 4000  # what may still be among the first is cut down when it holds so many more than needed
_LARGE = 3 * _SLACK  # below, no memory limit that makes sense is reached between two cuts


class SortStage(Stage):
    """Orders the documents; documents with equal keys stay in the order they came in.

    Args:
        sort: The order.
        limit: How many of the first are wanted; 0 for all.
    """

    name = "$sort"
    blocking = True

    def __init__(self, sort: Sort, limit: int = 0) -> None:
        self.sort = sort
        self.limit = limit
        self.fields = Fields(None if sort.metas else sort.fields_needed)
        self.volatile = "randVal" in sort.metas.values()

    @override
    def open(self, run: Run) -> Runner:
        return _Top(self.sort, self.limit, run) if self.limit else _Sorting(self.sort, run)

    @override
    def describe(self) -> str:
        keys = ", ".join(f"{path}: {direction}" for path, direction in self.sort.fields)
        return f"$sort {{{keys}}}" + (f", first {self.limit}" if self.limit else "")


class _Sorting(Runner):
    __slots__ = ("_held", "_meter", "_sort")

    def __init__(self, sort: Sort, run: Run) -> None:
        super().__init__()
        self._sort = sort
        self._held: Batch = []
        self._meter = run.meter("$sort")

    @override
    def push(self, batch: Batch) -> Iterable[Batch]:
        self._meter.documents(batch)
        self._held += batch
        return ()

    @override
    def finish(self) -> Iterable[Batch]:
        held, self._held = self._held, []
        return chunks(self._sort.sorted(held))


class _Top(Runner):
    """Keeps no more than a small multiple of what is wanted."""

    __slots__ = ("_held", "_limit", "_meter", "_most", "_sort")

    def __init__(self, sort: Sort, limit: int, run: Run) -> None:
        super().__init__()
        self._sort = sort
        self._limit = limit
        self._most = 2 * limit + _SLACK
        self._held: Batch = []
        self._meter = run.meter("$sort")

    @override
    def push(self, batch: Batch) -> Iterable[Batch]:
        self._held += batch
        if len(self._held) > self._most:
            self._held = self._sort.top(self._held, self._limit)
            self._meter.held = 0
            self._meter.documents(self._held)
        elif self._most > _LARGE:
            self._meter.documents(batch)
        return ()

    @override
    def finish(self) -> Iterable[Batch]:
        held, self._held = self._held, []
        return chunks(self._sort.top(held, self._limit))


def check_sort(specification: Any, collation: Collation | None, what: str = "$sort") -> Sort:
    """Check the order that a stage asks for.

    Args:
        specification: Fields and directions, as a document.
        collation: How text is compared.
        what: Whose order it is, for messages.

    Returns:
        The order.

    Raises:
        PipelineError: It is not a document (15973) or an empty one (15976), a direction is not a number (15974) or
            neither 1 nor -1 (15975), or a path is not valid.
    """
    if not isinstance(specification, Mapping):
        raise fault(15973, f"{what} takes a document of fields and directions, not {shown(specification)}")
    if not specification:
        raise fault(15976, f"{what} needs at least one field")
    fields: dict[str, Any] = {}
    for path, direction in specification.items():
        if not isinstance(path, str):
            raise fault(BAD_VALUE, f"the fields of {what} are strings, not {shown(path)}")
        path_of(path)
        if isinstance(direction, Mapping):
            _check_meta(direction, what)
            fields[str(path)] = direction
            continue
        if not is_numeric(direction):
            raise fault(15974, f"the direction of {path!r} must be 1 or -1, not {shown(direction)}")
        sign = whole_number(direction)
        if sign not in (1, -1):
            raise fault(15975, f"the direction of {path!r} must be 1 or -1, not {shown(direction)}")
        fields[str(path)] = sign
    sort = parse_sort(fields, collation=collation)
    if sort is None:
        raise fault(15976, f"{what} needs at least one field")
    return sort


def _check_meta(direction: Mapping[Any, Any], what: str) -> None:
    if next(iter(direction), None) != "$meta":
        raise fault(17312, f"{what} sorts by 1, -1 or a $meta, not by another document")
    if len(direction) != 1:
        raise fault(FAILED_TO_PARSE, f"a $meta of {what} stands alone in its document")
    kind = direction["$meta"]
    if kind not in _METAS or (what != "$sort" and kind in _OFFERED_METAS):
        raise fault(31138, f"{what} cannot sort by the $meta {shown(kind)}")
    if kind not in _OFFERED_METAS:
        raise UnsupportedFeatureError(
            f"{what} by the $meta {kind!r} is not offered",
            hint="There are 'textScore', after a $match with $text, and 'randVal'.",
            feature="meta_sort",
        )


def parse_sort_stage(specification: Any, env: Env) -> Sequence[Stage]:
    """Compile ``$sort``.

    Args:
        specification: Fields and directions.
        env: Where it stands.

    Returns:
        The stage.

    Raises:
        PipelineError: It is not valid; see :func:`check_sort`.
    """
    return [SortStage(check_sort(specification, env.collation))]

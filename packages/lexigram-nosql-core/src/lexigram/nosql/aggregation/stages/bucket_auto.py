"""``$bucketAuto`` (manual, "$bucketAuto"): groups by ranges that hold about as many documents each.

Documents with one value never part, so buckets may be fewer and fuller than asked. Accumulators that go by order
(``$push``, ``$first``) see a bucket's documents in the order in which they came in.
"""

# Specifications are of any type, and what is narrowed from Any has parts that are unknown to the checker.
# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false, reportUnknownMemberType=false

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from lexigram.nosql.aggregation.expressions.compiled import Compiled
from lexigram.nosql.aggregation.expressions.errors import fault
from lexigram.nosql.aggregation.expressions.numbers import as_double, as_int32, is_numeric
from lexigram.nosql.aggregation.stages.base import NOTHING, Batch, Document, Fields, Output, Run, Runner, Stage, chunks
from lexigram.nosql.aggregation.stages.bucket import check_group_by
from lexigram.nosql.aggregation.stages.granularity import Rounder, rounder_named
from lexigram.nosql.aggregation.stages.group import GroupField, parse_outputs
from lexigram.nosql.aggregation.stages.parsing import Env, shown
from lexigram.nosql.values.order import sort_key
from lexigram.nosql.values.path import MISSING
from typing_extensions import override

__all__ = ["BucketAuto", "parse_bucket_auto"]


class BucketAuto(Stage):
    """Makes one document of each bucket.

    Args:
        by: Expression whose value decides.
        buckets: How many buckets are wanted.
        outputs: The fields computed for each.
        rounder: What boundaries are rounded to, or None.
        place: Gives a value's place in the order.
    """

    name = "$bucketAuto"
    output = Output.NEW
    blocking = True

    def __init__(
        self,
        by: Compiled,
        buckets: int,
        outputs: Sequence[GroupField],
        rounder: Rounder | None,
        place: Callable[[Any], Any],
    ) -> None:
        self.by = by
        self.buckets = buckets
        self.outputs = tuple(outputs)
        self.rounder = rounder
        self.place = place
        reads = by.fields_needed
        for output in outputs:
            needed = output.accumulator.fields_needed
            reads = None if reads is None or needed is None else reads | needed
        self.fields = Fields(reads, keeps=False)
        self.variables_needed = by.variables_needed.union(
            NOTHING, *(output.accumulator.variables_needed for output in outputs)
        )
        self.volatile = by.volatile

    @override
    def open(self, run: Run) -> Runner:
        return _Bucketing(self, run)

    @override
    def describe(self) -> str:
        return f"$bucketAuto into {self.buckets}"


class _Entry:
    """A document with its value and its position."""

    __slots__ = ("document", "place", "position", "value")

    def __init__(self, value: Any, place: Any, position: int, document: Document) -> None:
        self.value = value
        self.place = place
        self.position = position
        self.document = document


class _Bucketing(Runner):
    __slots__ = ("_entries", "_meter", "_run", "_stage")

    def __init__(self, stage: BucketAuto, run: Run) -> None:
        super().__init__()
        self._stage = stage
        self._run = run
        self._entries: list[_Entry] = []
        self._meter = run.meter("$bucketAuto")

    @override
    def push(self, batch: Batch) -> Iterable[Batch]:
        self._meter.documents(batch)
        place = self._stage.place
        values = self._stage.by.evaluate_many(batch, self._run.variables)
        for document, found in zip(batch, values, strict=True):
            value = found
            if self._stage.rounder is not None:
                _check_roundable(value)
            elif value is MISSING:
                value = None
            self._entries.append(_Entry(value, place(value), len(self._entries), document))
        return ()

    @override
    def finish(self) -> Iterable[Batch]:
        entries = sorted(self._entries, key=lambda entry: entry.place)
        self._entries = []
        return chunks(self._make(entries))

    def _make(self, entries: list[_Entry]) -> Batch:
        rounder, place, wanted = self._stage.rounder, self._stage.place, self._stage.buckets
        size = max(math.floor(len(entries) / wanted + 0.5), 1)
        made: Batch = []
        start = 0
        previous: Any = MISSING
        while start < len(entries) and len(made) < wanted:
            end = len(entries) if len(made) + 1 == wanted else min(start + size, len(entries))
            lowest, highest = entries[start], entries[end - 1]
            low = lowest.value
            if rounder is None:
                while end < len(entries) and entries[end].place == highest.place:
                    end += 1
                high = entries[end].value if end < len(entries) else highest.value
            else:
                low = rounder.down(low) if previous is MISSING else previous
                high = rounder.up(highest.value)
                where = place(high)
                while end < len(entries) and (where > entries[end].place or highest.place == entries[end].place):
                    end += 1
                if as_double(high) == 0 and end < len(entries):
                    high = rounder.down(entries[end].value)
            previous = high
            made.append(self._bucket(low, high, entries[start:end]))
            start = end
        return made

    def _bucket(self, low: Any, high: Any, entries: list[_Entry]) -> Document:
        entries.sort(key=lambda entry: entry.position)
        documents = [entry.document for entry in entries]
        variables = self._run.variables
        bucket: Document = {"_id": {"min": low, "max": high}}
        for output in self._stage.outputs:
            accumulator = output.accumulator.new(None, variables)
            accumulator.add_many(output.accumulator.argument.evaluate_many(documents, variables))
            bucket[output.name] = accumulator.result()
        return bucket


def _check_roundable(value: Any) -> None:
    if not is_numeric(value):
        raise fault(40258, f"$bucketAuto with a granularity takes numbers only, not {shown(value)}")
    number = as_double(value)
    if math.isnan(number):
        raise fault(40259, "$bucketAuto with a granularity cannot take NaN")
    if number < 0:
        raise fault(40260, "$bucketAuto with a granularity takes numbers that are not negative")


def _buckets(value: Any) -> int:
    if not is_numeric(value):
        raise fault(40241, f"'buckets' of $bucketAuto must be a number, not {shown(value)}")
    number = as_int32(value)
    if number is None:
        raise fault(40242, f"'buckets' of $bucketAuto must be a whole number of 32 bits, not {value}")
    if number <= 0:
        raise fault(40243, f"'buckets' of $bucketAuto must be positive, not {number}")
    return number


def parse_bucket_auto(specification: Any, env: Env) -> Sequence[Stage]:
    """Compile ``$bucketAuto``.

    Args:
        specification: ``groupBy``, ``buckets``, ``output``, ``granularity``.
        env: Where it stands.

    Returns:
        The stage; with a granularity it raises ``PipelineError`` for what is not a number (40258), NaN (40259) or
        negative (40260).

    Raises:
        PipelineError: It is not a document (40240), an option is unknown (40245) or missing (40246), or is not valid
            (40239, 40241 to 40244, 40257, 40261), or an accumulator takes its ``n`` from the group (4544714).
    """
    if not isinstance(specification, Mapping):
        raise fault(40240, f"$bucketAuto takes a document of options, not {shown(specification)}")
    outputs: Mapping[Any, Any] = {}
    rounder: Rounder | None = None
    buckets = 0
    for name, value in specification.items():
        if name == "groupBy":
            check_group_by("$bucketAuto", value, 40239)
        elif name == "buckets":
            buckets = _buckets(value)
        elif name == "output":
            if not isinstance(value, Mapping):
                raise fault(40244, f"'output' of $bucketAuto must be a document, not {shown(value)}")
            outputs = value
        elif name == "granularity":
            if not isinstance(value, str):
                raise fault(40261, f"'granularity' of $bucketAuto must be a string, not {shown(value)}")
            rounder = rounder_named(value)
        else:
            raise fault(40245, f"$bucketAuto has no option {str(name)[:64]!r}")
    if "groupBy" not in specification or not buckets:
        raise fault(40246, "$bucketAuto needs 'groupBy' and 'buckets'")
    fields = parse_outputs(outputs or {"count": {"$sum": 1}}, env)
    for field in fields:
        if field.accumulator.reads_group:
            raise fault(4544714, f"'n' of {field.accumulator.name} must be a constant in $bucketAuto")
    place = sort_key if env.collation is None else env.collation.sort_key
    return [BucketAuto(env.expression(specification["groupBy"]), buckets, fields, rounder, place)]

"""``$densify`` (manual, "$densify"): adds documents where a sequence has gaps.

A sequence is counted in steps from its first value, or from the lower bound. Documents whose field is null or missing
pass. With partitions and ``full`` bounds, every partition is filled from the least value of all to the greatest of all.
(MongoDB finds the first value of a bounded sequence by one step back and one forward, which in months need not lead to
the same day; here it is the bound itself.)
"""

# Specifications are of any type, and what is narrowed from Any has parts that are unknown to the checker.
# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false, reportUnknownMemberType=false

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC
from itertools import islice
from typing import Any, Final

from lexigram.nosql.aggregation.expressions.arithmetic import add
from lexigram.nosql.aggregation.expressions.date_arithmetic import check_unit
from lexigram.nosql.aggregation.expressions.errors import TYPE_MISMATCH, fault
from lexigram.nosql.aggregation.expressions.numbers import as_int64, is_numeric
from lexigram.nosql.aggregation.expressions.units import add_units
from lexigram.nosql.aggregation.expressions.zones import as_date
from lexigram.nosql.aggregation.limits import CHUNK, MAX_DENSIFIED
from lexigram.nosql.aggregation.stages.base import NOTHING, Batch, Document, Fields, Output, Run, Runner, Stage
from lexigram.nosql.aggregation.stages.fields import read_path, write_path
from lexigram.nosql.aggregation.stages.group import identity_of
from lexigram.nosql.aggregation.stages.parsing import Env, as_list, known_options, path_of, shown
from lexigram.nosql.aggregation.stages.sort import SortStage, check_sort
from lexigram.nosql.exceptions import PipelineError
from lexigram.nosql.values.kinds import Kind, kind_of
from lexigram.nosql.values.order import hash_key, sort_key
from lexigram.nosql.values.path import MISSING, is_prefix
from typing_extensions import override

__all__ = ["Densify", "parse_densify"]

_FULL: Final = "full"
_PARTITION: Final = "partition"


@dataclass(frozen=True, slots=True)
class _Range:
    """How a sequence goes on.

    Attributes:
        step: Distance between two values.
        unit: Unit of the distance, for dates.
        bounds: ``full``, ``partition``, or the least value and the one after the greatest.
    """

    step: Any
    unit: str | None
    bounds: str | tuple[Any, Any]

    def next(self, value: Any) -> Any:
        """The value one step further."""
        if self.unit is None:
            return add(value, self.step)
        return add_units(as_date(value), self.unit, int(self.step), UTC)


class Densify(Stage):
    """Adds documents between those that come in, which are sorted by the partitions and the field.

    Args:
        path: Names of the field.
        partitions: Paths that separate sequences.
        range: How a sequence goes on.
        identity: Gives something hashable that is equal for equal partitions.
    """

    name = "$densify"
    multiplies = True
    output = Output.PARTS

    def __init__(
        self,
        path: Sequence[str],
        partitions: Sequence[Sequence[str]],
        range: _Range,
        identity: Callable[[Any], Any] = hash_key,
    ) -> None:
        self.path = tuple(path)
        self.partitions = tuple(map(tuple, partitions))
        self.range = range
        self.identity = identity
        self.fields = Fields(frozenset({path[0], *(each[0] for each in partitions)}), NOTHING)

    @override
    def leaves(self, names: frozenset[str]) -> bool:
        return False

    @override
    def open(self, run: Run) -> Runner:
        return _Densifying(self)

    @override
    def describe(self) -> str:
        return f"$densify {'.'.join(self.path)}"


class _Densifying(Runner):
    __slots__ = ("_first", "_last", "_left", "_next", "_range", "_stage", "_templates")

    def __init__(self, stage: Densify) -> None:
        super().__init__()
        self._stage = stage
        self._range = stage.range
        self._left = MAX_DENSIFIED
        self._next: dict[Any, Any] = {}  # for each sequence, the value that a document should have next
        self._templates: dict[Any, Document] = {}  # the fields of each sequence's partition
        self._first: Any = MISSING
        self._last: Any = MISSING

    @override
    def push(self, batch: Batch) -> Iterable[Batch]:
        return _batches(made for document in batch for made in self._take(document))

    @override
    def finish(self) -> Iterable[Batch]:
        return _batches(self._rest())

    def _take(self, document: Document) -> Iterator[Document]:
        value = read_path(document, self._stage.path)
        if value is not None and value is not MISSING:
            self._check(value)
            template = self._template(document)
            key = self._stage.identity(template) if self._stage.partitions else None
            yield from self._before(key, template, value)
        yield document

    def _before(self, key: Any, template: Document, value: Any) -> Iterator[Document]:
        """What is missing in a sequence before a value."""
        bounds = self._range.bounds
        if self._first is MISSING:
            self._first = value
        self._last = value
        if key not in self._next:
            self._templates[key] = template
            if isinstance(bounds, tuple):
                self._next[key] = bounds[0]
            else:
                self._next[key] = value if bounds == _PARTITION else self._first
        if not isinstance(bounds, tuple):
            yield from self._between(key, value)
        elif not _less(value, bounds[0]):
            yield from self._between(key, value if _less(value, bounds[1]) else bounds[1])

    def _between(self, key: Any, end: Any) -> Iterator[Document]:
        """Fill a sequence up to a value, which itself is not made."""
        template = self._templates[key]
        value = self._next[key]
        while _less(value, end):
            yield self._make(template, value)
            value = self._range.next(value)
        self._next[key] = value if _less(end, value) else self._range.next(value)

    def _rest(self) -> Iterator[Document]:
        """What is missing after the last document."""
        bounds = self._range.bounds
        if isinstance(bounds, tuple):
            if not self._next and not self._stage.partitions:
                self._next[None] = bounds[0]
                self._templates[None] = {}
            for key in list(self._next):
                yield from self._between(key, bounds[1])
        elif bounds == _FULL and self._stage.partitions and self._first is not MISSING:
            end = self._end()
            for key in list(self._next):
                yield from self._between(key, end)

    def _end(self) -> Any:
        """The value before which the sequences of all partitions end: a step beyond the greatest, if that is on one."""
        value = self._first
        steps = 0
        while _less(value, self._last):
            value = self._range.next(value)
            steps += 1
            if steps > MAX_DENSIFIED:
                raise _too_many()
        return self._last if _less(self._last, value) else self._range.next(value)

    def _template(self, document: Document) -> Document:
        """The fields that the documents added to a sequence have beside the sequence's own."""
        template: Document = {}
        for names in self._stage.partitions:
            value = read_path(document, names)
            if value is not MISSING:
                template = write_path(template, names, value)
        return template

    def _make(self, template: Document, value: Any) -> Document:
        self._left -= 1
        if self._left < 0:
            raise _too_many()
        return write_path(template, self._stage.path, value)

    def _check(self, value: Any) -> None:
        is_date = kind_of(value) is Kind.DATE
        if not is_date and not is_numeric(value):
            raise fault(5733201, f"$densify takes numbers or dates, not {shown(value)}")
        if is_date and self._range.unit is None:
            raise fault(6053601, "$densify met a date, but its step has no unit")
        if not is_date and self._range.unit is not None:
            raise fault(6053600, "$densify met a number, but its step has a unit")


def _batches(documents: Iterator[Document]) -> Iterator[Batch]:
    while batch := list(islice(documents, CHUNK)):
        yield batch


def _too_many() -> PipelineError:
    return fault(5897900, f"$densify may add {MAX_DENSIFIED} documents at most")


def _less(left: Any, right: Any) -> bool:
    return bool(sort_key(left) < sort_key(right))


def parse_densify(specification: Any, env: Env) -> Sequence[Stage]:
    """Compile ``$densify``.

    Args:
        specification: ``field``, ``partitionByFields``, ``range``.
        env: Where it stands.

    Returns:
        A sort and the stage; it raises ``PipelineError`` for values of the wrong type (5733201, 6053600, 6053601) and
        for too many documents (5897900).

    Raises:
        PipelineError: It is not a document (9), an option is unknown (40415), missing (40414) or of the wrong type
            (14), or is not valid (5733401 to 5733410, 5876900, 5946800, 5946802, 6586400, 8993000, 9554500).
    """
    names = ("field", "partitionByFields", "range")
    options = known_options("$densify", specification, names, required=("field", "range"))
    field = options["field"]
    if not isinstance(field, str):
        raise fault(TYPE_MISMATCH, f"'field' of $densify must be a string, not {shown(field)}")
    partitions = as_list(options.get("partitionByFields", []))
    if partitions is None or not all(isinstance(each, str) for each in partitions):
        raise fault(TYPE_MISMATCH, "'partitionByFields' of $densify must be an array of strings")
    steps = _range(options["range"])
    if steps.bounds == _PARTITION and not partitions:
        raise fault(5733408, "the bounds 'partition' of $densify need 'partitionByFields'; 'full' does not")
    path, keys = path_of(field), [path_of(each) for each in partitions]
    for key in keys:
        if is_prefix(path, key):
            raise fault(8993000, f"'partitionByFields' of $densify may not hold the field itself: {field!r}")
        if is_prefix(key, path):
            raise fault(9554500, f"the field of $densify may not be part of a partition's key: {field!r}")
    order = dict.fromkeys([*(partitions if steps.bounds != _FULL else ()), field], 1)
    return [
        SortStage(check_sort(order, env.collation)),
        Densify(path, keys, steps, identity_of(env)),
    ]


def _range(specification: Any) -> _Range:
    if not isinstance(specification, Mapping):
        raise fault(TYPE_MISMATCH, f"'range' of $densify must be a document, not {shown(specification)}")
    options = known_options("$densify", specification, ("step", "bounds", "unit"), required=("step", "bounds"))
    step = options["step"]
    if not is_numeric(step):
        raise fault(TYPE_MISMATCH, f"'step' of $densify must be a number, not {shown(step)}")
    if not _less(0, step):
        raise fault(5733401, "'step' of $densify must be a positive number")
    unit: str | None = None
    if "unit" in options:
        if not isinstance(options["unit"], str):
            raise fault(TYPE_MISMATCH, f"'unit' of $densify must be a string, not {shown(options['unit'])}")
        if as_int64(step) is None:
            raise fault(6586400, "'step' of $densify must be a whole number where there is a unit")
        unit = check_unit(options["unit"], "$densify")
        step = as_int64(step)
    bounds = options["bounds"]
    if isinstance(bounds, str):
        if bounds not in (_FULL, _PARTITION):
            raise fault(5946802, f"'bounds' of $densify must be 'full', 'partition' or an array, not {bounds[:64]!r}")
        return _Range(step, unit, str(bounds))
    pair = as_list(bounds)
    if pair is None:
        raise fault(5733404, f"'bounds' of $densify must be 'full', 'partition' or an array, not {shown(bounds)}")
    if len(pair) != 2:
        raise fault(5733403, f"'bounds' of $densify must hold two values, not {len(pair)}")
    _check_bounds(pair[0], pair[1], step, unit)
    return _Range(step, unit, (pair[0], pair[1]))


def _check_bounds(low: Any, high: Any, step: Any, unit: str | None) -> None:
    if _less(high, low):
        raise fault(5733402, "'bounds' of $densify must ascend")
    if is_numeric(low):
        if unit is not None:
            raise fault(5733409, "numeric 'bounds' of $densify go without a unit")
        if not is_numeric(high):
            raise fault(5733406, "'bounds' of $densify must be two numbers or two dates")
        if not kind_of(low) == kind_of(high) == kind_of(step):
            raise fault(5876900, "'bounds' and 'step' of $densify must be numbers of one type")
    elif kind_of(low) is Kind.DATE:
        if kind_of(high) is not Kind.DATE:
            raise fault(5733405, "'bounds' of $densify must be two numbers or two dates")
        if unit is None:
            raise fault(5733410, "'bounds' of $densify that are dates need a unit")
    else:
        raise fault(5946800, "'bounds' of $densify must be two numbers or two dates")

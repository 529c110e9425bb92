"""The state of one accumulator for all groups, in a column.

Groups are numbered in the order in which they are met. What every pipeline uses (sums and averages of ints and floats,
counts, extremes of plain values, first, last, push) is kept in one list or dict with a place for each group and worked
on with few calls per batch, the simplest of it in one loop for all accumulators; as soon as a value comes that is not
so plain, the column goes over to an :class:`~lexigram.nosql.aggregation.accumulators.base.Accumulator` for each group,
which knows all the rules. The columns stand together, since each follows the same few rules of going over.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from itertools import compress
from math import isnan
from operator import eq
from typing import Any, Final, Literal, NamedTuple

from lexigram.nosql.aggregation.accumulators import Accumulator, CompiledAccumulator
from lexigram.nosql.aggregation.accumulators.sums import Average, Sum
from lexigram.nosql.aggregation.expressions.numbers import clip
from lexigram.nosql.values.kinds import INT64_MAX, INT64_MIN
from lexigram.nosql.values.path import MISSING
from typing_extensions import override

__all__ = ["Column", "Inline", "Members", "Step", "classes_of", "open_column", "run_inline", "run_steps"]

_INT: Final = frozenset({int})
_FLOAT: Final = frozenset({float})
_NUMBERS: Final = frozenset({int, float})
_LARGEST: Final = 1e300  # floats add up to less than this, so no sum of them is infinite
_ABSENT: Final = frozenset({type(None), type(MISSING)})
_NO_NUMBERS: Final = _ABSENT | {str, bool, dict, list, bytes, datetime}
_ORDERED: Final = (_INT, frozenset({str}), frozenset({datetime}), _FLOAT, _NUMBERS)


def classes_of(values: Sequence[Any]) -> frozenset[type]:
    """The classes of values.

    Args:
        values: Some values, mostly of one class.

    Returns:
        Their classes. Comparing each with the first takes less time than collecting them in a set.
    """
    classes = list(map(type, values))
    if classes and classes.count(classes[0]) == len(classes):
        return frozenset((classes[0],))
    return frozenset(classes)


Make = Callable[[Any], Accumulator]
"""Makes an accumulator for a group from its ``_id``."""


class Step(NamedTuple):
    """What is left to do for each value of a batch, in the one loop that :func:`run_steps` makes over all columns.

    Attributes:
        kind: ``total`` adds the value, ``count`` adds one, ``largest`` and ``smallest`` keep it if it is so.
        groups: The group of each value.
        values: The values.
        target: What stands so far for each group.
    """

    kind: Literal["total", "count", "largest", "smallest"]
    groups: Sequence[int]
    values: Sequence[Any]
    target: list[Any]


_STEPS: Final[Mapping[str, str]] = {
    "total": "t{0}[group] += v{0}",
    "count": "t{0}[group] += 1",
    "largest": "if (now := t{0}[group]) is None or v{0} > now: t{0}[group] = v{0}",
    "smallest": "if (now := t{0}[group]) is None or v{0} < now: t{0}[group] = v{0}",
}


@lru_cache(maxsize=256)
def _loop(kinds: tuple[str, ...]) -> Callable[..., None]:
    """Write the loop for steps of these kinds: one loop over all takes half the time of a loop for each."""
    numbers = range(len(kinds))
    drawn = [number for number in numbers if kinds[number] != "count"]
    names = ", ".join(["group", *[f"v{number}" for number in drawn]])
    sources = ", ".join(["groups", *[f"values[{number}]" for number in drawn]])
    source = "\n".join(
        [
            "def run(groups, values, targets):",
            *[f"    t{number} = targets[{number}]" for number in numbers],
            f"    for {names} in zip({sources}, strict=True):" if drawn else "    for group in groups:",
            *[f"        {_STEPS[kind].format(number)}" for number, kind in enumerate(kinds)],
        ]
    )
    namespace: dict[str, Any] = {}
    exec(compile(source, "<columns>", "exec"), namespace)  # noqa: S102 - the source is ours alone
    made: Callable[..., None] = namespace["run"]
    return made


def run_steps(steps: Sequence[Step]) -> None:
    """Do what is left for the values of a batch.

    Args:
        steps: What the columns left; those of the same groups run in one loop.
    """
    while steps:
        groups = steps[0].groups
        together = [step for step in steps if step.groups is groups]
        _loop(tuple([step.kind for step in together]))(
            groups, [step.values for step in together], [step.target for step in together]
        )
        steps = [step for step in steps if step.groups is not groups]


class Inline(NamedTuple):
    """What a column does with each value, where all values are of one plain class.

    Attributes:
        kind: As for :class:`Step`.
        target: What stands so far for each group.
    """

    kind: Literal["total", "count", "largest", "smallest"]
    target: list[Any]


_INLINE: Final[Mapping[type, str]] = {int: "int", float: "float", str: "str"}


@lru_cache(maxsize=256)
def _inline_loop(fields: tuple[type, ...], kinds: tuple[tuple[str, int], ...]) -> Callable[..., Any]:
    """Write the loop that reads documents itself: it takes half the time of columns drawn out of them first.

    Nothing is done for a document before all its values are known to be of the classes that were seen first.
    """
    numbers = range(len(fields))
    lines = ["def run(groups, documents, names, targets):"]
    lines += [f"    n{number} = names[{number}]" for number in numbers]
    lines += [f"    t{number} = targets[{number}]" for number in range(len(kinds))]
    lines += ["    pairs = zip(groups, documents, strict=True)", "    try:", "        for group, document in pairs:"]
    for number in numbers:
        name = _INLINE[fields[number]]
        unordered = f" or v{number} != v{number}" if name == "float" else ""
        lines.append(f"            v{number} = document[n{number}]")
        lines.append(f"            if v{number}.__class__ is not {name}{unordered}: break")
    for number, (kind, field) in enumerate(kinds):
        lines.append("            " + _STEPS[kind].format(number).replace(f"v{number}", f"v{field}"))
    lines += ["        else:", "            return None", "    except KeyError:", "        pass"]
    lines.append("    return (group, document), pairs")
    namespace: dict[str, Any] = {}
    exec(compile("\n".join(lines), "<columns>", "exec"), namespace)  # noqa: S102 - the source is ours alone
    made: Callable[..., Any] = namespace["run"]
    return made


def run_inline(
    columns: Sequence[Column],
    fields: Sequence[str | None],
    members: Members,
    groups: Sequence[int],
    documents: list[dict[str, Any]],
) -> tuple[Sequence[int], list[dict[str, Any]]]:
    """Take the values of a batch straight out of its documents, as far as all of them are plain.

    Args:
        columns: The columns.
        fields: The field that each column reads; None where it reads none.
        members: Counts the documents.
        groups: The group of each document.
        documents: The documents; at least one.

    Returns:
        The groups and the documents that are left, from the first that has a value which is not plain.
    """
    first = documents[0]
    classes: dict[str, type] = {}
    kinds: list[tuple[str, int]] = []
    targets: list[list[Any]] = []
    for column, field in zip(columns, fields, strict=True):
        value = None if field is None else first.get(field, MISSING)
        steps = column.inline(value)
        if steps is None:
            return groups, documents
        if field is not None:
            classes[field] = type(value)
        place = -1 if field is None else list(classes).index(field)
        for kind, target in steps:
            kinds.append((kind, place))
            targets.append(target)
    if members.wanted:
        kinds.append(("count", -1))
        targets.append(members.counts)
    left = _inline_loop(tuple(classes.values()), tuple(kinds))(groups, documents, list(classes), targets)
    if left is None:
        return (), []
    pairs = [left[0], *left[1]]
    return [group for group, _ in pairs], [document for _, document in pairs]


class Column(ABC):
    """What one accumulator holds for all groups."""

    __slots__ = ()

    @abstractmethod
    def open(self, ids: Sequence[Any]) -> None:
        """Make room for new groups.

        Args:
            ids: Their ``_id`` values, in the order of their numbers.
        """

    @abstractmethod
    def add(self, groups: Sequence[int], values: Sequence[Any]) -> Sequence[Step]:
        """Take the values of a batch, or leave what is simple to a loop that serves other columns too.

        Args:
            groups: The group of each value.
            values: What the accumulator's argument gave.

        Returns:
            What is left to do, for :func:`run_steps`, before anything else is asked of the column.

        Raises:
            PipelineError: The accumulator does not take one of them.
        """

    def inline(self, first: Any) -> Sequence[Inline] | None:
        """What is to be done with each value of a batch, if all are like the first.

        Args:
            first: The first value; None where the column reads no field.

        Returns:
            What to do, maybe nothing; None where values have to go through :meth:`add`.
        """
        return None

    @abstractmethod
    def results(self) -> Sequence[Any]:
        """What has been accumulated for each group."""

    @property
    def keeps(self) -> bool:
        """True when it holds more with every value."""
        return False

    def held(self) -> int:
        """How many values are held."""
        return 0


class Members:
    """How many documents each group has, counted once for all columns that need to know.

    Attributes:
        counts: The number for each group, without the batch that the columns are taking.
        wanted: Whether a column wants to know.
    """

    __slots__ = ("counts", "wanted")

    def __init__(self) -> None:
        self.counts: list[int] = []
        self.wanted = False

    def open(self, count: int) -> None:
        """Make room for so many new groups."""
        self.counts += [0] * count

    def add(self, groups: Sequence[int]) -> Sequence[Step]:
        """Take the documents of a batch, after all columns have."""
        counts = self.counts
        if len(counts) == 1:
            counts[0] += len(groups)
            return ()
        return (Step("count", groups, (), counts),) if self.wanted else ()

    @property
    def inline(self) -> Inline:
        """What is to be done for each document."""
        return Inline("count", self.counts)


class _Objects(Column):
    """An accumulator for each group."""

    __slots__ = ("_groups", "_make")

    def __init__(self, make: Make) -> None:
        self._make = make
        self._groups: list[Accumulator] = []

    @override
    def open(self, ids: Sequence[Any]) -> None:
        make = self._make
        self._groups += [make(each) for each in ids]

    def take_over(self, groups: Sequence[Accumulator]) -> None:
        self._groups = list(groups)

    @override
    def add(self, groups: Sequence[int], values: Sequence[Any]) -> Sequence[Step]:
        objects = self._groups
        if len(objects) == 1:
            objects[0].add_many(values)
            return ()
        rows: dict[int, list[Any]] = defaultdict(list)
        for group, value in zip(groups, values, strict=True):
            rows[group].append(value)
        for group, found in rows.items():
            if len(found) == 1:
                objects[group].add(found[0])
            else:
                objects[group].add_many(found)
        return ()

    @override
    def results(self) -> Sequence[Any]:
        return [group.result() for group in self._groups]

    @property
    @override
    def keeps(self) -> bool:
        return any(group.values_held() for group in self._groups[-1:])

    @override
    def held(self) -> int:
        return sum(group.values_held() for group in self._groups)


class _Plain(Column):
    """A column that goes over to accumulators when values stop being plain."""

    __slots__ = ("_ids", "_make", "_objects")

    def __init__(self, make: Make) -> None:
        self._make = make
        self._ids: list[Any] = []
        self._objects: _Objects | None = None

    @abstractmethod
    def _grow(self, count: int) -> None:
        """Make room for so many new groups."""

    @abstractmethod
    def _take(self, groups: Sequence[int], values: Sequence[Any]) -> Sequence[Step] | None:
        """Take values if all are plain, and say what is left to do; otherwise take none and give None."""

    @abstractmethod
    def _seed(self, accumulator: Accumulator, group: int) -> None:
        """Bring a new accumulator to where a group stands."""

    @abstractmethod
    def _results(self) -> Sequence[Any]:
        """What has been accumulated while values were plain."""

    @override
    def open(self, ids: Sequence[Any]) -> None:
        if self._objects is not None:
            self._objects.open(ids)
        else:
            self._ids += ids
            self._grow(len(ids))

    @override
    def add(self, groups: Sequence[int], values: Sequence[Any]) -> Sequence[Step]:
        if self._objects is None:
            steps = self._take(groups, values)
            if steps is not None:
                return steps
            self._objects = _Objects(self._make)
            accumulators = [self._make(each) for each in self._ids]
            for group, accumulator in enumerate(accumulators):
                self._seed(accumulator, group)
            self._objects.take_over(accumulators)
            self._ids = []
        return self._objects.add(groups, values)

    @override
    def results(self) -> Sequence[Any]:
        return self._results() if self._objects is None else self._objects.results()


class _Totals(_Plain):
    """Sums of ints, exactly, and of floats, with what rounding took from them (Knuth's two-sum)."""

    __slots__ = ("_bound", "_doubles", "_errors", "_floats", "_wholes")

    def __init__(self, make: Make) -> None:
        super().__init__(make)
        self._wholes: list[int] = []
        self._doubles: list[float | None] = []
        self._errors: list[float] = []
        self._bound = 0.0
        self._floats = False

    @override
    def _grow(self, count: int) -> None:
        self._wholes += [0] * count
        self._doubles += [None] * count
        self._errors += [0.0] * count

    @override
    def _take(self, groups: Sequence[int], values: Sequence[Any]) -> Sequence[Step] | None:
        return self._absorb(groups, values, classes_of(values))

    def _absorb(self, groups: Sequence[int], values: Sequence[Any], classes: frozenset[type]) -> Sequence[Step] | None:
        """Take values of these classes if all are plain."""
        if classes == _INT:
            return self._add_ints(groups, values)
        numbers = classes - _NO_NUMBERS
        if not numbers <= _NUMBERS:
            return None
        if float in numbers:
            floats = values if classes == _FLOAT else [value for value in values if type(value) is float]
            bound = self._bound + sum(map(abs, floats))
            if not bound < _LARGEST:  # nor is NaN
                return None
            self._bound = bound
            self._floats = True
            self._add_floats(_of(float, groups, values, classes), floats)
        if int in numbers:
            ints = [value for value in values if type(value) is int]
            return self._add_ints(_of(int, groups, values, classes), ints)
        return ()

    @override
    def inline(self, first: Any) -> Sequence[Inline] | None:
        return (Inline("total", self._wholes),) if type(first) is int and self._objects is None else None

    def _add_ints(self, groups: Sequence[int], values: Sequence[int]) -> Sequence[Step]:
        wholes = self._wholes
        if len(wholes) == 1:
            wholes[0] += sum(values)
            return ()
        return (Step("total", groups, values, wholes),)

    def _add_floats(self, groups: Sequence[int], values: Sequence[float]) -> None:
        doubles, errors = self._doubles, self._errors
        for group, value in zip(groups, values, strict=True):
            old = doubles[group]
            if old is None:
                doubles[group] = value
            else:
                doubles[group] = new = old + value
                part = new - old
                errors[group] += (old - (new - part)) + (value - part)

    @override
    def _seed(self, accumulator: Accumulator, group: int) -> None:
        self._add_state(accumulator, group)

    def _add_state(self, accumulator: Accumulator, group: int) -> None:
        accumulator.add(self._wholes[group])
        double = self._doubles[group]
        if double is not None:
            accumulator.add(double)
            accumulator.add(self._errors[group])

    def _sum(self, group: int) -> Any:
        """The sum of one group: an int, or a float if there were floats."""
        whole, double = self._wholes[group], self._doubles[group]
        if double is None:
            return whole
        if not whole:
            return double + self._errors[group]
        total = Sum()
        self._add_state(total, group)
        return total.result()


class _Sums(_Totals):
    """Sums of numbers."""

    __slots__ = ()

    @override
    def _results(self) -> Sequence[Any]:
        if not self._floats:
            return _clipped(self._wholes)
        return [clip(total) if type(total) is int else total for total in map(self._sum, range(len(self._wholes)))]


class _Averages(_Totals):
    """Averages of numbers.

    As long as every value is a number, the members of a group are counted for all such columns together.
    """

    __slots__ = ("_members", "_own")

    def __init__(self, make: Make, members: Members | None) -> None:
        super().__init__(make)
        self._members = members
        self._own: list[int] = []
        if members is not None:
            members.wanted = True

    @property
    def _counts(self) -> list[int]:
        return self._own if self._members is None else self._members.counts

    @override
    def _grow(self, count: int) -> None:
        super()._grow(count)
        if self._members is None:
            self._own += [0] * count

    @override
    def _take(self, groups: Sequence[int], values: Sequence[Any]) -> Sequence[Step] | None:
        classes = classes_of(values)
        steps = self._absorb(groups, values, classes)
        if steps is None:
            return None
        numbers = groups
        if not classes <= _NUMBERS:
            if self._members is not None:
                self._own, self._members = self._members.counts.copy(), None
            numbers = [group for group, value in zip(groups, values, strict=True) if type(value) in _NUMBERS]
        if self._members is not None:
            return steps
        counts = self._own
        if len(counts) == 1:
            counts[0] += len(numbers)
            return steps
        return (*steps, Step("count", numbers, (), counts))

    @override
    def inline(self, first: Any) -> Sequence[Inline] | None:
        steps = super().inline(first)
        return steps if steps is None or self._members is not None else (*steps, Inline("count", self._own))

    @override
    def _seed(self, accumulator: Accumulator, group: int) -> None:
        count = self._counts[group]
        if count and isinstance(accumulator, Average):
            self._add_state(accumulator, group)
            accumulator.count = count

    @override
    def _results(self) -> Sequence[Any]:
        sums = list(map(self._sum, range(len(self._wholes)))) if self._floats else self._wholes
        pairs = zip(sums, self._counts, strict=True)
        return [float(total) / count if count else None for total, count in pairs]


def _of(cls: type, groups: Sequence[int], values: Sequence[Any], classes: frozenset[type]) -> Sequence[int]:
    """The groups of the values of one class."""
    if classes == frozenset((cls,)):
        return groups
    return [group for group, value in zip(groups, values, strict=True) if type(value) is cls]


class _Counts(Column):
    """Sums of one whole number, and so counts."""

    __slots__ = ("_members", "_shared", "_step")

    def __init__(self, step: int, members: Members | None) -> None:
        self._step = step
        self._shared = members is not None
        self._members = Members() if members is None else members
        self._members.wanted = True

    @override
    def open(self, ids: Sequence[Any]) -> None:
        if not self._shared:
            self._members.open(len(ids))

    @override
    def add(self, groups: Sequence[int], values: Sequence[Any]) -> Sequence[Step]:
        return () if self._shared else self._members.add(groups)

    @override
    def inline(self, first: Any) -> Sequence[Inline] | None:
        return () if self._shared else (self._members.inline,)

    @override
    def results(self) -> Sequence[Any]:
        step, counts = self._step, self._members.counts
        return _clipped(counts if step == 1 else [count * step for count in counts])


class _Extremes(_Plain):
    """The smallest or largest of values of one plain class."""

    __slots__ = ("_best", "_class", "_largest")

    def __init__(self, make: Make, *, largest: bool) -> None:
        super().__init__(make)
        self._largest = largest
        self._best: list[Any] = []
        self._class: frozenset[type] = frozenset()

    @override
    def _grow(self, count: int) -> None:
        self._best += [None] * count

    @override
    def _take(self, groups: Sequence[int], values: Sequence[Any]) -> Sequence[Step] | None:
        classes = classes_of(values)
        present = (classes | self._class) - _ABSENT
        if not present:
            return ()
        if present not in _ORDERED:
            return None
        if not classes.isdisjoint(_ABSENT):
            there = [value is not None and value is not MISSING for value in values]
            groups, values = list(compress(groups, there)), list(compress(values, there))
        if datetime in present and None in {value.tzinfo for value in values}:
            return None
        # A sum with NaN is NaN, but so is one of both infinities; NaN alone does not equal itself.
        if float in present and isnan(sum(values)) and not all(map(eq, values, values)):
            return None
        self._class = present
        return (Step("largest" if self._largest else "smallest", groups, values, self._best),)

    @override
    def inline(self, first: Any) -> Sequence[Inline] | None:
        cls: type[Any] = first.__class__
        if self._objects is not None or cls not in _INLINE or not self._class <= {cls}:
            return None
        self._class = frozenset((cls,))
        return (Inline("largest" if self._largest else "smallest", self._best),)

    @override
    def _seed(self, accumulator: Accumulator, group: int) -> None:
        accumulator.add(self._best[group])

    @override
    def _results(self) -> Sequence[Any]:
        return self._best


class _Firsts(Column):
    """The first values."""

    __slots__ = ("_size", "_values")

    def __init__(self) -> None:
        self._values: list[Any] = []
        self._size = 0

    @override
    def open(self, ids: Sequence[Any]) -> None:
        self._size += len(ids)

    @override
    def add(self, groups: Sequence[int], values: Sequence[Any]) -> Sequence[Step]:
        found = self._values
        if len(found) == self._size:
            return ()
        for group, value in zip(groups, values, strict=True):
            # New groups are numbered in the order in which their first documents stand.
            if group == len(found):
                found.append(None if value is MISSING else value)
        return ()

    @override
    def results(self) -> Sequence[Any]:
        return self._values


class _Lasts(Column):
    """The last values."""

    __slots__ = ("_values",)

    def __init__(self) -> None:
        self._values: dict[int, Any] = {}

    @override
    def open(self, ids: Sequence[Any]) -> None:
        """Nothing: values make their own room."""

    @override
    def add(self, groups: Sequence[int], values: Sequence[Any]) -> Sequence[Step]:
        self._values.update(zip(groups, values, strict=True))
        return ()

    @override
    def results(self) -> Sequence[Any]:
        # The dict has its keys in the order in which they came, which is that of the numbers.
        return [None if value is MISSING else value for value in self._values.values()]


class _Lists(Column):
    """All values."""

    __slots__ = ("_lists",)

    def __init__(self) -> None:
        self._lists: list[list[Any]] = []

    @override
    def open(self, ids: Sequence[Any]) -> None:
        self._lists += [[] for _ in ids]

    @override
    def add(self, groups: Sequence[int], values: Sequence[Any]) -> Sequence[Step]:
        lists = self._lists
        for group, value in zip(groups, values, strict=True):
            if value is not MISSING:
                lists[group].append(value)
        return ()

    @override
    def results(self) -> Sequence[Any]:
        return self._lists

    @property
    @override
    def keeps(self) -> bool:
        return True

    @override
    def held(self) -> int:
        return sum(map(len, self._lists))


def _clipped(numbers: Sequence[int]) -> Sequence[Any]:
    if numbers and (max(numbers) > INT64_MAX or min(numbers) < INT64_MIN):
        return list(map(clip, numbers))
    return numbers


def open_column(
    accumulator: CompiledAccumulator, variables: Mapping[str, Any], *, collated: bool, members: Members | None = None
) -> Column:
    """Make the column of an accumulator.

    Args:
        accumulator: The accumulator, compiled.
        variables: Values of the variables.
        collated: Whether text is compared by a collation.
        members: Counts the documents of groups for all columns; None where the column is to count alone.

    Returns:
        The column, for one run.
    """
    name, argument = accumulator.name, accumulator.argument
    new = accumulator.new

    def make(group: Any) -> Accumulator:
        return new(group, variables)

    if name in ("$sum", "$count") and argument.is_constant and type(argument.value) is int:
        return _Counts(argument.value, members)
    if name == "$sum":
        return _Sums(make)
    if name == "$avg":
        return _Averages(make, members)
    if name in ("$min", "$max") and not collated:
        return _Extremes(make, largest=name == "$max")
    if name == "$first":
        return _Firsts()
    if name == "$last":
        return _Lasts()
    if name == "$push":
        return _Lists()
    return _Objects(make)

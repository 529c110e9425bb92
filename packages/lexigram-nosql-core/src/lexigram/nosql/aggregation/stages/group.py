"""``$group`` and ``$sortByCount`` (manual, "$group", "$sortByCount").

Groups hold accumulators, never documents. A batch is worked on column by column: the keys of all its documents, then
for each accumulator the values of all its documents. Groups come out in
the order in which their first documents came, where MongoDB promises none.

Two keys are one group if they are equal by MongoDB's order: 1 and 1.0 are, 1 and true are not; the group's ``_id`` is
the key that came first. A missing key counts as null, but inside a key that is a document it stays missing.
"""

# Specifications are of any type, and what is narrowed from Any has parts that are unknown to the checker.
# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false, reportUnknownMemberType=false

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import count, islice
from operator import itemgetter
from typing import Any, Final

from lexigram.nosql.aggregation.accumulators import CompiledAccumulator, compile_accumulator
from lexigram.nosql.aggregation.accumulators.ranking import Ranked
from lexigram.nosql.aggregation.expressions.compiled import Compiled
from lexigram.nosql.aggregation.expressions.errors import BAD_VALUE, fault
from lexigram.nosql.aggregation.limits import CHUNK, Meter
from lexigram.nosql.aggregation.stages.base import NOTHING, Batch, Document, Fields, Output, Run, Runner, Stage
from lexigram.nosql.aggregation.stages.columns import Members, Step, classes_of, open_column, run_inline, run_steps
from lexigram.nosql.aggregation.stages.parsing import Env, shown
from lexigram.nosql.aggregation.stages.sort import SortStage, check_sort
from lexigram.nosql.values.order import hash_key
from lexigram.nosql.values.path import MISSING
from lexigram.nosql.values.size import value_size
from typing_extensions import override

__all__ = ["Group", "GroupField", "Key", "identity_of", "key_of", "parse_group", "parse_outputs", "parse_sort_by_count"]

_PLAIN: Final = (frozenset({str}), frozenset({int}), frozenset({str, int}))
_PER_GROUP: Final = 200  # bytes, about
_PER_ACCUMULATOR: Final = 100
_SAMPLE: Final = 8
_NO_LIMIT: Final = 2**63


@dataclass(frozen=True, slots=True)
class GroupField:
    """A field of the output with what computes it.

    Attributes:
        name: Name of the field.
        accumulator: The accumulator, compiled.
    """

    name: str
    accumulator: CompiledAccumulator


@dataclass(frozen=True, slots=True)
class Key:
    """What documents are grouped by.

    Attributes:
        parts: Expressions: one, or one for each field of a document.
        names: Names of the fields, or None where there is one expression.
    """

    parts: tuple[Compiled, ...]
    names: tuple[str, ...] | None

    def values(self, columns: Sequence[Sequence[Any]], positions: Sequence[int]) -> list[Any]:
        """The ``_id`` of the documents at some positions, from the values of the expressions for all documents."""
        if self.names is None:
            return [columns[0][position] for position in positions]
        named = list(zip(self.names, columns, strict=True))
        return [
            {name: value for name, column in named if (value := column[position]) is not MISSING}
            for position in positions
        ]


def key_of(specification: Any, env: Env) -> Key:
    """Compile what documents are grouped by.

    Args:
        specification: The ``_id`` as written.
        env: Where it stands.

    Returns:
        The key.

    Raises:
        PipelineError: A field of it says 1 or true as a projection would (17390), or an expression is not valid.
    """
    if isinstance(specification, Mapping) and specification:
        names = [name for name in specification if isinstance(name, str)]
        if len(names) == len(specification) and not any(name[:1] == "$" for name in names):
            for value in specification.values():
                if isinstance(value, bool | int | float):
                    raise fault(17390, "the _id of $group computes fields; it does not choose them with 1 or true")
            whole = env.expression(specification)
            if whole.is_constant:
                return Key((whole,), None)
            return Key(tuple([env.expression(value) for value in specification.values()]), tuple(map(str, names)))
    return Key((env.expression(specification),), None)


class Group(Stage):
    """Makes one document of each group.

    Args:
        key: What documents are grouped by.
        outputs: The fields computed for each group.
        identity: Gives something hashable that is equal for equal keys.
        name: Name of the stage as written.
    """

    output = Output.NEW
    blocking = True

    def __init__(
        self, key: Key, outputs: Sequence[GroupField], identity: Callable[[Any], Any] = hash_key, name: str = "$group"
    ) -> None:
        self.name = name
        self.key = key
        self.outputs = tuple(outputs)
        self.identity = identity
        reads: frozenset[str] | None = NOTHING
        accumulators = [output.accumulator for output in outputs]
        for needed in [part.fields_needed for part in key.parts] + [each.fields_needed for each in accumulators]:
            reads = None if reads is None or needed is None else reads | needed
        self.fields = Fields(reads, keeps=False)
        self.variables_needed = NOTHING.union(
            *(part.variables_needed for part in key.parts), *(each.variables_needed for each in accumulators)
        )
        # A ranking accumulator marks its argument as volatile to keep it from being folded.
        self.volatile = any(part.volatile for part in key.parts) or any(
            each.argument.volatile and each.name not in _RANKING for each in accumulators
        )

    @override
    def open(self, run: Run) -> Runner:
        return Grouping(self, run)

    @override
    def describe(self) -> str:
        return f"{self.name} into {', '.join(['_id', *(output.name for output in self.outputs)])}"


_RANKING: Final = frozenset({"$top", "$topN", "$bottom", "$bottomN"})


class Grouping(Runner):
    """One run of a :class:`Group`.

    Args:
        stage: The stage.
        run: The run.
    """

    __slots__ = (
        "_bytes",
        "_columns",
        "_fields",
        "_ids",
        "_members",
        "_meter",
        "_numbers",
        "_plain",
        "_seen",
        "_stage",
        "_variables",
    )

    def __init__(self, stage: Group, run: Run) -> None:
        super().__init__()
        self._stage = stage
        self._variables = run.variables
        self._plain = stage.identity is hash_key
        self._members = Members()
        self._columns = [
            open_column(output.accumulator, run.variables, collated=not self._plain, members=self._members)
            for output in stage.outputs
        ]
        arguments = [output.accumulator.argument for output in stage.outputs]
        self._fields: list[str | None] | None = None
        if arguments and all(part.field_name is not None or part.is_constant for part in arguments):
            self._fields = [part.field_name for part in arguments]
        # A key that is not there yet takes the next number, without a call of Python's.
        self._numbers: defaultdict[Any, int] = defaultdict(count().__next__)
        self._ids: list[Any] = []
        self._meter = run.meter(stage.name)
        self._seen = 0  # values that may be held
        self._bytes = 0  # what they take, about

    @override
    def push(self, batch: Batch) -> Iterable[Batch]:
        groups = self._number(batch)
        if self._fields is not None and len(self._ids) > 1:
            groups, batch = run_inline(self._columns, self._fields, self._members, groups, batch)
        if batch:
            self._take(groups, batch)
        self._check()
        return ()

    def _take(self, groups: Sequence[int], batch: Batch) -> None:
        variables = self._variables
        steps: list[Step] = []
        for output, column in zip(self._stage.outputs, self._columns, strict=True):
            values = _values(output.accumulator.argument, batch, variables)
            steps += column.add(groups, values)
            if column.keeps and self._meter.limit:
                self._count(values)
        steps += self._members.add(groups)
        run_steps(steps)

    def _number(self, batch: Batch) -> Sequence[int]:
        """The group of each document; groups that are new are opened."""
        parts = self._stage.key.parts
        if all(part.is_constant for part in parts):
            if not self._ids:
                self._open([None if parts[0].value is MISSING else parts[0].evaluate({}, self._variables)])
            return [0] * len(batch)
        columns = [_values(part, batch, self._variables) for part in parts]
        if len(columns) == 1:
            columns[0], identities = self._identify(columns[0], as_null=True)
        else:
            identities = list(zip(*[self._identify(column)[1] for column in columns], strict=True))
        known = len(self._ids)
        numbers = self._numbers
        groups = list(map(numbers.__getitem__, identities))
        if len(numbers) > known and identities is columns[0] and self._stage.key.names is None:
            self._open(list(islice(numbers, known, None)))
        elif len(numbers) > known:
            # New groups are numbered as they come, so each is first met behind the one before.
            firsts: list[int] = []
            position = 0
            for group in range(known, len(numbers)):
                position = groups.index(group, position)
                firsts.append(position)
            self._open(self._stage.key.values(columns, firsts))
        return groups

    def _open(self, ids: list[Any]) -> None:
        self._ids += ids
        self._members.open(len(ids))
        for column in self._columns:
            column.open(ids)
        if self._meter.limit:
            size = value_size(ids[-1]) + _PER_GROUP + _PER_ACCUMULATOR * len(self._columns)
            self._meter.held += len(ids) * size

    def _identify(self, values: list[Any], *, as_null: bool = False) -> tuple[list[Any], list[Any]]:
        """The values of a key, and what tells them apart."""
        classes = classes_of(values)
        if as_null and type(MISSING) in classes:
            values = [None if value is MISSING else value for value in values]
        identity = self._stage.identity
        if not self._plain:
            return values, [identity(value) for value in values]
        if classes in _PLAIN:
            return values, values
        return values, [value if (cls := type(value)) is str or cls is int else hash_key(value) for value in values]

    def _count(self, values: Sequence[Any]) -> None:
        sizes = Meter(self._meter.stage, _NO_LIMIT)
        sizes.values([value.output if type(value) is Ranked else value for value in values[::_SAMPLE]])
        self._seen += len(values)
        self._bytes += sizes.held * _SAMPLE

    def _check(self) -> None:
        """Compare what is held with the limit: exactly only when what was seen passes it."""
        meter = self._meter
        if not meter.limit or meter.held + self._bytes <= meter.limit:
            return
        held = sum(column.held() for column in self._columns)
        self._bytes = min(self._bytes, held * self._bytes // max(self._seen, 1))
        self._seen = held
        if meter.held + self._bytes > meter.limit:
            meter.refuse()

    @override
    def finish(self) -> Iterable[Batch]:
        names = ("_id", *(output.name for output in self._stage.outputs))
        rows = zip(self._ids, *[column.results() for column in self._columns], strict=True)
        make = _maker(names)
        while out := make(islice(rows, CHUNK)):
            yield out


@lru_cache(maxsize=256)
def _maker(names: tuple[str, ...]) -> Callable[[Iterable[Any]], list[Document]]:
    """Write the function that makes documents of rows: a dict's display takes a fifth of the time of ``dict(zip())``.

    The names stand in the source as ``repr`` writes them, so nothing in them is code.
    """
    row = ", ".join([f"v{index}" for index in range(len(names))])
    fields = ", ".join([f"{name!r}: v{index}" for index, name in enumerate(names)])
    made: Callable[[Iterable[Any]], list[Document]] = eval(f"lambda rows: [{{{fields}}} for {row}, in rows]")  # noqa: S307
    return made


def _values(part: Compiled, batch: Batch, variables: Mapping[str, Any]) -> list[Any]:
    if part.is_constant:
        return [part.evaluate({}, variables)] * len(batch)
    if part.field_name is not None:
        try:
            return list(map(itemgetter(part.field_name), batch))
        except KeyError:  # the field is not in all
            pass
    return part.evaluate_many(batch, variables)


def parse_outputs(specification: Mapping[Any, Any], env: Env) -> list[GroupField]:
    """Compile the computed fields of ``$group`` and its relatives.

    Args:
        specification: Fields with their accumulators.
        env: Where they stand.

    Returns:
        The fields, in order.

    Raises:
        PipelineError: A field is not computed by an accumulator (40234) or by more than one (40238), its name holds a
            dot (40235) or begins with ``$`` (40236), or the accumulator is not valid.
    """
    outputs: list[GroupField] = []
    for name, value in specification.items():
        if not isinstance(name, str):
            raise fault(BAD_VALUE, f"a field name must be a string, not {shown(name)}")
        first = next(iter(value), None) if isinstance(value, Mapping) else None
        if not isinstance(first, str) or first[:1] != "$":
            raise fault(40234, f"the field {name!r} must be computed by an accumulator, such as {{'$sum': 1}}")
        if "." in name:
            raise fault(40235, f"the field name {name!r} may not hold a dot")
        if name[:1] == "$":
            raise fault(40236, f"the field name {name!r} may not begin with '$'")
        if len(value) != 1:
            raise fault(40238, f"the field {name!r} must be computed by one accumulator")
        accumulator = compile_accumulator(str(first), value[first], variables=env.variables, collation=env.collation)
        outputs.append(GroupField(str(name), accumulator))
    return outputs


def identity_of(env: Env) -> Callable[[Any], Any]:
    """What tells keys apart under the collation of a place."""
    return hash_key if env.collation is None else env.collation.hash_key


def parse_group(specification: Any, env: Env) -> Sequence[Stage]:
    """Compile ``$group``.

    Args:
        specification: The ``_id`` and the computed fields.
        env: Where it stands.

    Returns:
        The stage.

    Raises:
        PipelineError: It is not a document (15947), has no ``_id`` (15955), or a part of it is not valid.
    """
    if not isinstance(specification, Mapping):
        raise fault(15947, f"$group takes a document of fields, not {shown(specification)}")
    if "_id" not in specification:
        raise fault(15955, "$group needs an _id; use None to make one group of all documents")
    key = key_of(specification["_id"], env)
    rest = {name: value for name, value in specification.items() if name != "_id"}
    return [Group(key, parse_outputs(rest, env), identity_of(env))]


def parse_sort_by_count(specification: Any, env: Env) -> Sequence[Stage]:
    """Compile ``$sortByCount``.

    Args:
        specification: The expression to group by.
        env: Where it stands.

    Returns:
        A group and a sort.

    Raises:
        PipelineError: It is neither a path (40148) nor an operator in a document (40147, 40149), or is not valid.
    """
    if isinstance(specification, Mapping):
        first = next(iter(specification), None)
        if not isinstance(first, str) or first[:1] != "$":
            raise fault(40147, "$sortByCount takes a path with '$' or an operator in a document")
    elif isinstance(specification, str):
        if specification[:1] != "$":
            raise fault(
                40148, f"$sortByCount takes a path with '$' or an operator in a document, not {specification!r}"
            )
    else:
        raise fault(
            40149, f"$sortByCount takes a path with '$' or an operator in a document, not {shown(specification)}"
        )
    outputs = parse_outputs({"count": {"$sum": 1}}, env)
    group = Group(key_of(specification, env), outputs, identity_of(env), "$sortByCount")
    return [group, SortStage(check_sort({"count": -1}, env.collation))]

"""``$group`` and ``$sortByCount`` (manual, "$group", "$sortByCount").

Groups hold accumulators, never documents. A batch is worked on column by column: the keys of all its documents, then
for each accumulator the values of all its documents, handed to each group's accumulator together. Groups come out in
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
from typing import Any, Final

from lexigram.nosql.aggregation.accumulators import Accumulator, CompiledAccumulator, compile_accumulator
from lexigram.nosql.aggregation.expressions.compiled import Compiled
from lexigram.nosql.aggregation.expressions.errors import BAD_VALUE, fault
from lexigram.nosql.aggregation.limits import CHUNK, Meter
from lexigram.nosql.aggregation.stages.base import NOTHING, Batch, Document, Fields, Output, Run, Runner, Stage
from lexigram.nosql.aggregation.stages.parsing import Env, shown
from lexigram.nosql.aggregation.stages.sort import SortStage, check_sort
from lexigram.nosql.values.order import hash_key
from lexigram.nosql.values.path import MISSING
from lexigram.nosql.values.size import value_size
from typing_extensions import override

__all__ = ["Group", "GroupField", "Key", "identity_of", "key_of", "parse_group", "parse_outputs", "parse_sort_by_count"]

_PLAIN: Final = (frozenset({str}), frozenset({int}), frozenset({str, int}))
_PER_GROUP: Final = 200  # bytes of a group with its first accumulator, about
_PER_ACCUMULATOR: Final = 100
_PER_VALUE: Final = 16


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

    def value(self, values: Sequence[Any]) -> Any:
        """The ``_id`` of a group, from the values of the expressions for its first document."""
        if self.names is None:
            return values[0]
        return {name: value for name, value in zip(self.names, values, strict=True) if value is not MISSING}


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
    """One run of a :class:`Group`."""

    __slots__ = ("_groups", "_ids", "_makers", "_meter", "_plain", "_run", "_stage", "_values_held")

    def __init__(self, stage: Group, run: Run) -> None:
        super().__init__()
        self._stage = stage
        self._run = run
        self._makers = [output.accumulator.new for output in stage.outputs]
        self._plain = stage.identity is hash_key
        self._ids: dict[Any, Any] = {}
        self._groups: dict[Any, list[Accumulator]] = {}
        self._meter = run.meter(stage.name)
        self._values_held = 0  # bytes of the values that accumulators may hold, at most

    @override
    def push(self, batch: Batch) -> Iterable[Batch]:
        known = len(self._groups)
        self._accumulate(batch, self._rows(batch))
        self._measure(len(self._groups) - known, batch)
        return ()

    def _rows(self, batch: Batch) -> list[tuple[list[Accumulator], Sequence[int]]]:
        """The groups met in a batch, each with the positions of its documents."""
        variables = self._run.variables
        parts = self._stage.key.parts
        if all(part.is_constant for part in parts):
            values = [None if part.value is MISSING and len(parts) == 1 else part.value for part in parts]
            identity = self._identity_of(values)
            return [(self._groups.get(identity) or self._new(identity, values), range(len(batch)))]
        columns = [_column(part, batch, variables) for part in parts]
        if len(columns) == 1:
            columns[0], identities = self._identify(columns[0], as_null=True)
        else:
            identities = list(zip(*[self._identify(column)[1] for column in columns], strict=True))
        positions_of: dict[Any, list[int]] = defaultdict(list)
        for position, identity in enumerate(identities):
            positions_of[identity].append(position)
        rows: list[tuple[list[Accumulator], Sequence[int]]] = []
        groups = self._groups
        for identity, positions in positions_of.items():
            group = groups.get(identity)
            if group is None:
                first = positions[0]
                group = self._new(identity, [column[first] for column in columns])
            rows.append((group, positions))
        return rows

    def _identify(self, values: list[Any], *, as_null: bool = False) -> tuple[list[Any], list[Any]]:
        """The values of a key, and what tells them apart."""
        classes = frozenset(map(type, values))
        if as_null and type(MISSING) in classes:
            values = [None if value is MISSING else value for value in values]
        identity = self._stage.identity
        if not self._plain:
            return values, [identity(value) for value in values]
        if classes in _PLAIN:
            return values, values
        return values, [value if (cls := type(value)) is str or cls is int else hash_key(value) for value in values]

    def _identity_of(self, values: Sequence[Any]) -> Any:
        identities = [self._stage.identity(value) for value in values]
        return identities[0] if len(identities) == 1 else tuple(identities)

    def _new(self, identity: Any, values: Sequence[Any]) -> list[Accumulator]:
        key = self._ids[identity] = self._stage.key.value(values)
        variables = self._run.variables
        group = self._groups[identity] = [make(key, variables) for make in self._makers]
        return group

    def _accumulate(self, batch: Batch, rows: Sequence[tuple[list[Accumulator], Sequence[int]]]) -> None:
        variables = self._run.variables
        single = len(rows) == 1
        for index, output in enumerate(self._stage.outputs):
            argument = output.accumulator.argument
            if argument.is_constant:
                value = argument.evaluate({}, variables)
                for group, positions in rows:
                    group[index].add_many([value] * len(positions))
                continue
            values = argument.evaluate_many(batch, variables)
            if single:
                rows[0][0][index].add_many(values)
                continue
            for group, positions in rows:
                if len(positions) == 1:
                    group[index].add(values[positions[0]])
                else:
                    group[index].add_many([values[position] for position in positions])

    def _measure(self, new: int, batch: Batch) -> None:
        """Count what is held: exactly only when the cheap upper bound passes the limit."""
        meter = self._meter
        if not meter.limit:
            return
        if new:
            sample = next(reversed(self._ids.values()))
            meter.held += new * (_PER_GROUP + value_size(sample) + _PER_ACCUMULATOR * len(self._makers))
        if self._holds_values():
            sizes = Meter(meter.stage, 0x7FFFFFFFFFFFFFFF)
            sizes.documents(batch)
            self._values_held += sizes.held
        if meter.held + self._values_held > meter.limit:
            self._recount()

    def _holds_values(self) -> bool:
        group = next(reversed(self._groups.values()))
        return any(accumulator.values_held() for accumulator in group)

    def _recount(self) -> None:
        held = values = 0
        for group in self._groups.values():
            for accumulator in group:
                count = accumulator.values_held()
                if count:
                    values += count
                    held += _PER_VALUE * count
        if values:
            # What one value takes is asked of one group, for all.
            holders = [each for each in next(reversed(self._groups.values())) if each.values_held()]
            counted = sum(each.values_held() for each in holders)
            held += values * sum(value_size(each.result()) for each in holders) // max(counted, 1)
        self._values_held = held
        if self._meter.held + held > self._meter.limit:
            self._meter.refuse()

    @override
    def finish(self) -> Iterable[Batch]:
        names = [output.name for output in self._stage.outputs]
        out: Batch = []
        for identity, group in self._groups.items():
            document: Document = {"_id": self._ids[identity]}
            for name, accumulator in zip(names, group, strict=True):
                document[name] = accumulator.result()
            out.append(document)
            if len(out) >= CHUNK:
                yield out
                out = []
        if out:
            yield out


def _column(part: Compiled, batch: Batch, variables: Mapping[str, Any]) -> list[Any]:
    if part.is_constant:
        return [part.evaluate({}, variables)] * len(batch)
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

"""``$setWindowFields`` (manual, "$setWindowFields").

Documents come out partition by partition, in the order of the partitions' keys, and within one in the order of
``sortBy``; without either, in the order in which they came in. A missing key counts as null.
"""

# Specifications are of any type, and what is narrowed from Any has parts that are unknown to the checker.
# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false, reportUnknownMemberType=false

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

from lexigram.nosql.aggregation.expressions.compiled import Compiled
from lexigram.nosql.aggregation.expressions.errors import FAILED_TO_PARSE, TYPE_MISMATCH, fault
from lexigram.nosql.aggregation.stages.additions import Filler, Tree, make_filler
from lexigram.nosql.aggregation.stages.base import NOTHING, AsyncRunner, Batch, Fields, Output, Run, Stage, chunks
from lexigram.nosql.aggregation.stages.parsing import MISSING_OPTION, Env, known_options, path_of, shown
from lexigram.nosql.aggregation.stages.sort import check_sort
from lexigram.nosql.aggregation.stages.windows import Window, parse_window, whole_partition
from lexigram.nosql.aggregation.window_operators import WindowOperator, window_operator
from lexigram.nosql.query.sort import Sort
from lexigram.nosql.values.order import hash_key, sort_key
from lexigram.nosql.values.path import MISSING, is_prefix
from typing_extensions import override

__all__ = ["SetWindowFields", "parse_set_window_fields", "window_stage"]

_WORK = 4  # a result takes about as long as so many documents in other stages
_RESULT = "WINDOW_RESULT"  # the value being put in place; user variables begin with a lower-case letter


@dataclass(frozen=True, slots=True)
class _Field:
    """A field of the output."""

    names: tuple[str, ...]
    operator: WindowOperator
    window: Window | None
    fill: Filler


class SetWindowFields(Stage):
    """Adds fields computed over neighbours.

    Args:
        partition: Gives what separates documents, or None.
        sort: The order within a partition, or None.
        outputs: The fields.
        collation_key: Gives a value's place in the order.
        identity: Gives something hashable that is equal for equal values.
        name: Name of the stage as written.
    """

    output = Output.NEW
    blocking = True

    def __init__(
        self,
        partition: Compiled | None,
        sort: Sort | None,
        outputs: Sequence[_Field],
        place: Callable[[Any], Any],
        identity: Callable[[Any], Any],
        name: str,
    ) -> None:
        self.name = name
        self.partition = partition
        self.sort = sort
        self.outputs = tuple(outputs)
        self.place = place
        self.identity = identity
        known = NOTHING if sort is None else sort.fields_needed
        reads: frozenset[str] | None = known
        if partition is not None:
            reads = None if partition.fields_needed is None else known | partition.fields_needed
            self.variables_needed = partition.variables_needed
            self.volatile = partition.volatile
        for output in outputs:
            needed = output.operator.fields_needed
            if len(output.names) > 1 and needed is not None:
                needed |= {output.names[0]}
            reads = None if reads is None or needed is None else reads | needed
            self.variables_needed = self.variables_needed | output.operator.variables_needed
        self.touches = frozenset(output.names[0] for output in outputs)
        self.fields = Fields(reads, frozenset(output.names[0] for output in outputs if len(output.names) == 1))

    @override
    def leaves(self, names: frozenset[str]) -> bool:
        return names.isdisjoint(self.touches)

    @override
    def open(self, run: Run) -> AsyncRunner:
        return _Windowing(self, run)

    @override
    def describe(self) -> str:
        return f"{self.name} {', '.join('.'.join(output.names) for output in self.outputs)}"


class _Windowing(AsyncRunner):
    """Waits for nothing, but works so long on a partition that others must have a turn."""

    __slots__ = ("_held", "_meter", "_run", "_stage")

    def __init__(self, stage: SetWindowFields, run: Run) -> None:
        super().__init__()
        self._stage = stage
        self._run = run
        self._held: Batch = []
        self._meter = run.meter(stage.name)

    @override
    async def push(self, batch: Batch) -> AsyncGenerator[Batch, None]:
        self._meter.documents(batch)
        self._held += batch
        return
        yield batch

    @override
    async def finish(self) -> AsyncGenerator[Batch, None]:
        held, self._held = self._held, []
        for partition in await self._partitions(held):
            ordered = partition if self._stage.sort is None else self._stage.sort.sorted(partition)
            await self._run.turn(len(ordered))
            for batch in chunks(await self._compute(ordered)):
                yield batch

    async def _partitions(self, documents: Batch) -> list[Batch]:
        stage = self._stage
        if not documents:
            return []
        if stage.partition is None or stage.partition.is_constant:
            return [documents]
        keys: dict[Any, Any] = {}
        found: dict[Any, Batch] = {}
        for part in chunks(documents):
            values = stage.partition.evaluate_many(part, self._run.variables)
            for document, value in zip(part, values, strict=True):
                key = None if value is MISSING else value
                if type(key) is list:
                    raise fault(TYPE_MISMATCH, f"{stage.name} cannot partition by an array")
                identity = stage.identity(key)
                keys.setdefault(identity, key)
                found.setdefault(identity, []).append(document)
            await self._run.turn(len(part))
        return [found[each] for each in sorted(found, key=lambda each: stage.place(keys[each]))]

    async def _compute(self, documents: Batch) -> Batch:
        stage, run = self._stage, self._run
        made: Batch = []
        for part in chunks(documents):
            made += [document.copy() for document in part]
            await run.turn(len(part))
        for output in stage.outputs:
            if output.window is None:
                bounds = whole_partition(len(documents)) if output.operator.takes_window else ()
            else:
                bounds = await output.window.bounds(documents, run)
            values = iter(output.operator.compute(documents, bounds, run.variables))
            for part in chunks(made):
                results = list(islice(values, len(part)))
                self._put(output, part, results)
                await run.turn(_WORK * len(part))
        return made

    def _put(self, output: _Field, documents: Batch, values: list[Any]) -> None:
        if output.operator.holds_values and self._meter.limit:
            self._meter.values(values)
        if len(output.names) == 1:
            name = output.names[0]
            for document, value in zip(documents, values, strict=True):
                document[name] = value
        else:
            for document, value in zip(documents, values, strict=True):
                output.fill(document, document, {_RESULT: value})


def parse_set_window_fields(specification: Any, env: Env) -> Sequence[Stage]:
    """Compile ``$setWindowFields``.

    Args:
        specification: ``partitionBy``, ``sortBy``, ``output``.
        env: Where it stands.

    Returns:
        The stage; it raises ``PipelineError`` where a document's key is an array (14).

    Raises:
        PipelineError: It is not a document (9), an option is unknown (40415), missing (40414) or of the wrong type
            (14), two outputs conflict (6307900), or an operator, a window or an expression is not valid.
    """
    return [window_stage("$setWindowFields", specification, env)]


def window_stage(name: str, specification: Any, env: Env) -> SetWindowFields:
    """Compile a stage of windows; see :func:`parse_set_window_fields`.

    Args:
        name: Name of the stage as written.
        specification: The options of ``$setWindowFields``.
        env: Where it stands.

    Returns:
        The stage.
    """
    options = known_options(name, specification, ("partitionBy", "sortBy", "output"))
    for option in ("sortBy", "output"):
        if option in options and not isinstance(options[option], Mapping):
            raise fault(TYPE_MISMATCH, f"{option!r} of {name} must be a document, not {shown(options[option])}")
    if "output" not in options:
        raise fault(MISSING_OPTION, f"{name} needs the option 'output'")
    output = options["output"]
    partition: Compiled | None = None
    if options.get("partitionBy") is not None:
        partition = env.expression(options["partitionBy"])
        if partition.is_constant and isinstance(partition.value, list):
            raise fault(TYPE_MISMATCH, f"{name} cannot partition by an array")
    sort: Sort | None = None
    if options.get("sortBy"):
        sort = check_sort(options["sortBy"], env.collation, f"'sortBy' of {name}")
    fields: list[_Field] = []
    taken: dict[tuple[str, ...], str] = {}
    for path, value in output.items():
        if not isinstance(path, str):
            raise fault(FAILED_TO_PARSE, f"the fields of 'output' must be strings, not {shown(path)}")
        names = path_of(path)
        _take(taken, names, path)
        fields.append(_field(names, value, sort, env))
    place = sort_key if env.collation is None else env.collation.sort_key
    identity = hash_key if env.collation is None else env.collation.hash_key
    return SetWindowFields(partition, sort, fields, place, identity, name)


def _take(taken: dict[tuple[str, ...], str], names: tuple[str, ...], path: str) -> None:
    """Note an output, and check that no other is the same, leads to it, or is reached through it."""
    for other, other_path in taken.items():
        if is_prefix(other, names) or is_prefix(names, other):
            raise fault(6307900, f"the outputs {path!r} and {other_path!r} conflict")
    taken[names] = path


def _field(names: tuple[str, ...], specification: Any, sort: Sort | None, env: Env) -> _Field:
    if not isinstance(specification, Mapping):
        raise fault(FAILED_TO_PARSE, f"the output {'.'.join(names)!r} must be a document, not {shown(specification)}")
    operators = [key for key in specification if isinstance(key, str) and key[:1] == "$"]
    if not operators:
        raise fault(FAILED_TO_PARSE, f"the output {'.'.join(names)!r} needs a window operator")
    name = str(operators[0])
    for key in specification:
        if key != name and key != "window":
            raise fault(
                FAILED_TO_PARSE, f"{name} of the output {'.'.join(names)!r} takes a 'window', not {str(key)[:64]!r}"
            )
    has_window = "window" in specification
    operator = window_operator(
        name,
        specification[name],
        sort=() if sort is None else sort.fields,
        has_window=has_window,
        variables=env.variables,
        collation=env.collation,
    )
    window = parse_window(specification["window"], sort, env) if has_window else None
    if operator.includes_current and window is not None and not window.includes_current:
        raise fault(FAILED_TO_PARSE, f"the window of {name} must include the current document")
    tree: Tree = {names[-1]: env.bind([_RESULT]).expression(f"$${_RESULT}")}
    for part in reversed(names[:-1]):
        tree = {part: tree}
    return _Field(names, operator, window, make_filler(tree))

"""Pipelines, parsed, checked, compiled and optimised: everything that can be wrong with one is found before it runs.

A stage that was compiled lately is not compiled again: stages are kept by a key of their whole specification, each
constant with its type. ``$match`` is kept by the shape of its filter instead, with the constants as parameters, as
every filter is; so are many constants in expressions (:mod:`~lexigram.nosql.aggregation.lifting`). A whole pipeline
that comes again with the same constants is kept as well, with what a driver made of it; not one with ``let``, nor one
whose filters evaluate expressions, which may ask for the time. Keys are made in one walk over a pipeline, for it and
for its stages.
"""

# Specifications are of any type, and what is narrowed from Any has parts that are unknown to the checker.
# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false, reportUnknownMemberType=false

from __future__ import annotations

import marshal
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, Final

from lexigram.nosql.aggregation.ast import Leading, StageSpec
from lexigram.nosql.aggregation.context import present
from lexigram.nosql.aggregation.expressions.cache import expression_key
from lexigram.nosql.aggregation.expressions.errors import OVERFLOW, TYPE_MISMATCH, fault
from lexigram.nosql.aggregation.expressions.misc import METADATA
from lexigram.nosql.aggregation.leading import fields_needed, split_leading
from lexigram.nosql.aggregation.lifting import lift_stage
from lexigram.nosql.aggregation.limits import MAX_STAGES, MAX_SUBPIPELINES
from lexigram.nosql.aggregation.optimise import optimise as optimised
from lexigram.nosql.aggregation.stages.base import NOTHING, Document, MapStage, Output, Owned, Stage
from lexigram.nosql.aggregation.stages.documents import Documents
from lexigram.nosql.aggregation.stages.match import Match
from lexigram.nosql.aggregation.stages.merge import Merge
from lexigram.nosql.aggregation.stages.out import Out
from lexigram.nosql.aggregation.stages.parsing import Env, StageParser, Subpipeline, as_list, compile_let, shown
from lexigram.nosql.aggregation.stages.registry import NOT_IN_FACET, OFFERED, STAGES, TRANSFORMS, WRITING
from lexigram.nosql.aggregation.stages.sort import SortStage
from lexigram.nosql.exceptions import NoSQLError, PipelineError, UnsupportedFeatureError
from lexigram.nosql.query.parse import Query
from lexigram.nosql.query.suggest import operator_hint
from lexigram.nosql.values.collation import Collation, parse_collation
from lexigram.nosql.values.kept import Kept
from lexigram.nosql.values.normalise import normalise_value
from lexigram.nosql.values.path import MISSING
from lexigram.nosql.values.readable import unreadable
from lexigram.nosql.values.slots import putter

__all__ = ["Pipeline", "cache_clear", "parse_pipeline"]

_INVALID_OPTIONS: Final = 72
_TOO_DEEP: Final = 232
_NO_LET_FIELDS: Final = 4890500
_MOST_KEPT: Final = 1024
_NO_CONSTANTS: Final[Mapping[str, Any]] = MappingProxyType({})

_kept: Kept[tuple[Stage, ...]] = Kept(_MOST_KEPT)
_LONGEST_WRITTEN: Final = 4096  # bytes
_WRITTEN_SCALARS: Final = frozenset({str, int, float, bool, type(None)})
_pipelines: Kept[Pipeline] = Kept(_MOST_KEPT // 2)
_as_written: Kept[Pipeline] = Kept(_MOST_KEPT // 2)


class Pipeline:
    """A pipeline, ready to run. Made by :func:`parse_pipeline`; never changes.

    Attributes:
        stages: The stages as written, their values normalised.
        plan: The stages that run, compiled and optimised.
        made: What others made of this pipeline, by keys of their own: a driver its native form, for one.
        collation: How text is compared, or None.
        variables: Values of the ``let`` variables by name.
        constants: What :attr:`plan` was compiled without: constants by the names of their slots.
    """

    __slots__ = ("_leading", "_rest", "_text", "collation", "constants", "made", "plan", "stages", "variables")

    def __init__(
        self,
        stages: Sequence[StageSpec],
        plan: Sequence[Stage],
        variables: Mapping[str, Any],
        collation: Collation | None,
        text: Query | None,
        constants: Mapping[str, Any] = _NO_CONSTANTS,
    ) -> None:
        self.stages = tuple(stages)
        self.plan = tuple(plan)
        self.variables = dict(variables)
        self.constants = constants
        self.collation = collation
        self.made: dict[Any, Any] = {}
        self._text = text
        self._leading: Leading | None = None
        self._rest: Pipeline | None = None

    def __repr__(self) -> str:
        return f"Pipeline({', '.join(stage.name for stage in self.stages)})"

    @property
    def leading(self) -> Leading:
        """What a plain read of the collection can do: filter, sort, skip, limit, and the fields the rest needs."""
        self._split()
        assert self._leading is not None  # noqa: S101 - just made
        return self._leading

    @property
    def rest(self) -> Pipeline:
        """The pipeline without :attr:`leading`, to be run over what that read gives."""
        self._split()
        assert self._rest is not None  # noqa: S101 - just made
        return self._rest

    def _split(self) -> None:
        if self._leading is None:
            self._leading, rest = split_leading(self.plan)
            self._rest = Pipeline(self.stages, rest, self.variables, self.collation, self._text, self.constants)

    def after(self, count: int) -> Pipeline | None:
        """The pipeline without its first stages, to be run over what they give.

        Args:
            count: How many of :attr:`stages` are left out.

        Returns:
            The rest, or None where it asks the documents for a text score, which only those that were read have.
        """
        if count not in self.made:
            self.made[count] = self._after(count)
        rest: Pipeline | None = self.made[count]
        return rest

    def _after(self, count: int) -> Pipeline | None:
        stages = self.stages[count:]
        if not stages:
            return Pipeline((), (), self.variables, self.collation, None)
        env = Env(_parse_within, NOTHING, self.collation)
        if self.variables:
            env = env.bind(self.variables)
        plan: list[Stage] = []
        for stage in stages:
            plan += _compile(stage.name, stage.specification, STAGES[stage.name], env)
        if any(METADATA in stage.variables_needed for stage in plan) or any(
            isinstance(stage, SortStage) and stage.sort.metas for stage in plan
        ):
            return None
        return Pipeline(stages, optimised(plan), self.variables, self.collation, None)

    @property
    def leading_match(self) -> Query:
        """The filter among :attr:`leading`; empty when there is none."""
        return self.leading.query

    @property
    def fields_needed(self) -> frozenset[str] | None:
        """Names of the top-level fields that the pipeline reads; None for whole documents."""
        return fields_needed(self.plan)

    @property
    def collections_read(self) -> frozenset[str]:
        """Names of the other collections that the pipeline reads."""
        return NOTHING.union(*(stage.collections for stage in self.plan))

    @property
    def writes(self) -> str | None:
        """Name of the collection that ``$merge`` or ``$out`` writes, or None."""
        last = self.plan[-1] if self.plan else None
        return last.target if isinstance(last, Merge | Out) else None

    @property
    def reads_source(self) -> bool:
        """False when the pipeline begins with ``$documents``."""
        return not (self.plan and isinstance(self.plan[0], Documents))

    @property
    def volatile(self) -> bool:
        """True when two runs on the same input may differ."""
        return any(stage.volatile for stage in self.plan)

    def to_list(self) -> list[Document]:
        """The pipeline as written, in MongoDB's form."""
        return [stage.to_document() for stage in self.stages]

    def describe(self) -> tuple[str, ...]:
        """One line for each stage that runs, for ``explain()``."""
        return tuple(stage.describe() for stage in self.plan)

    def owned(self, shares_documents: bool) -> Owned:
        """How much of the documents that leave belongs to the run, and so need not be copied."""
        source = owned = Owned.NOTHING if shares_documents else Owned.ALL
        for stage in self.plan:
            owned = stage.owned(owned, source)
        return owned

    def metadata(self) -> dict[str, Any]:
        """What ``$meta`` reads, as a variable: the text score, where the pipeline begins with ``$text``."""
        text = self._text
        if text is None:
            return {}

        def read(document: Document, name: str) -> Any:
            return text.text_score(document) if name == "textScore" else MISSING

        return {METADATA: read}

    def apply_to_document(self, document: Document, variables: Mapping[str, Any] | None = None) -> Document:
        """Make one document of another, as an update by pipeline does.

        Args:
            document: The document; it is not changed.
            variables: Values of further variables; ``NOW`` is the present unless given.

        Returns:
            The new document. It may share parts with the old one and with the pipeline: copy it before it is stored.

        Raises:
            PipelineError: A stage does not make one document of one (72), or cannot be carried out.
        """
        known = {"NOW": present(), **self.variables, **self.constants, **(variables or {})}
        for stage in self.plan:
            if not isinstance(stage, MapStage):
                raise _not_in_update(stage.name)
            document = stage.transform(document, known)
        return document


def _not_in_update(name: str) -> PipelineError:
    return fault(
        _INVALID_OPTIONS, f"{name} cannot be a stage of an update", f"there are {', '.join(sorted(TRANSFORMS))}"
    )


def parse_pipeline(
    stages: Any, *, let: Mapping[str, Any] | None = None, collation: Any = None, optimise: bool = True
) -> Pipeline:
    """Parse a pipeline.

    Args:
        stages: Stages in MongoDB's form, or an ``AggregationPipeline``.
        let: Variables, readable as ``$$name``; their values are expressions without fields.
        collation: How text is compared: a specification as MongoDB takes it, or a
            :class:`~lexigram.nosql.values.collation.Collation`.
        optimise: False leaves the stages in the order they are written.

    Returns:
        The pipeline.

    Raises:
        PipelineError: It is not valid; ``mongo_code`` says in MongoDB's terms why.
        NoSQLFilterError: A filter in it is not valid.
        QueryOptionError: The collation is not valid.
        UnsupportedFeatureError: A stage is known and not offered.
    """
    order = parse_collation(collation) if collation is not None else None
    build = getattr(stages, "build", None)
    if callable(build) and not isinstance(stages, Mapping | type):
        stages = build()
    items = as_list(stages)
    if items is None:
        raise fault(TYPE_MISMATCH, f"a pipeline is an array of stages, not {shown(stages)}")
    written = _written(items) if let is None and optimise else None
    if written is not None and (known := _as_written.get((written, order))) is not None:
        return known
    constants: dict[str, Any] = {}
    lifted, keys = _lifted(items, constants)
    key = None if let is not None or not optimise else _pipeline_key(keys, constants, order)
    if key is not None and (known := _pipelines.get(key)) is not None:
        _keep_as_written(written, items, order, known)
        return known
    # Written text with a lone surrogate has this byte, and hardly anything else has.
    told = unreadable(items) or unreadable(let) if written is None or b"\xed" in written else None
    if told is not None:
        raise PipelineError(told)
    outer = Env(_parse_within, NOTHING, order)
    values: dict[str, Any] = {}
    if let is not None:
        values = _let_values(let, outer)
        outer = outer.bind(values)
    try:
        plan = _parse_stages(items, outer, lifted, keys)
    except RecursionError as error:
        raise fault(OVERFLOW, "the pipeline nests too deep") from error
    text = _bind_text(plan)
    pipeline = Pipeline(
        [StageSpec(name, _snapshot(specification)) for item in items for name, specification in item.items()],
        optimised(plan) if optimise else plan,
        values,
        order,
        text,
        constants,
    )
    if key is not None and not any(isinstance(stage, Match) and stage.query.uses_expressions for stage in plan):
        _pipelines.put(key, pipeline)
        _keep_as_written(written, items, order, pipeline)
    return pipeline


def _keep_as_written(written: bytes | None, items: Any, order: Collation | None, pipeline: Pipeline) -> None:
    """Keep a pipeline by how it is written, if that says all: binary data of any subtype is written as plain bytes."""
    if written is not None and not _holds_bytes(items):
        _as_written.put((written, order), pipeline)


def _holds_bytes(value: Any) -> bool:
    """Whether there is binary data in what has a written form."""
    pending = [value]
    while pending:
        part = pending.pop()
        cls = type(part)
        if cls is dict:
            pending.extend(part.values())
        elif cls is list or cls is tuple:
            pending.extend(part)
        elif cls not in _WRITTEN_SCALARS:
            return True
    return False


def _written(items: Any) -> bytes | None:
    """What tells pipelines of plain values apart, to the bit and by the order of fields, in a tenth of a key's time.

    Returns:
        The key; None for a pipeline that holds other values, or is too large to be worth keeping.
    """
    try:
        # Version 2 knows no references, by which equal pipelines would differ.
        written = marshal.dumps(items, 2)
    except ValueError:
        return None
    return written if len(written) <= _LONGEST_WRITTEN else None


def _lifted(items: Sequence[Any], constants: dict[str, Any]) -> tuple[list[Any], list[Any]]:
    """Take the constants out of stages, and make the key of each stage without them.

    Args:
        items: The stages as written.
        constants: Where to put the constants, by the names of their slots.

    Returns:
        What stands beside the name of each stage, and its key; None for what is no stage, and for the key of what is
        not worth keeping.
    """

    def take(name: str, _written: Any, held: Any) -> None:
        constants[name] = held

    put = putter("\0", take, constants.__len__)
    lifted: list[Any] = []
    keys: list[Any] = []
    for item in items:
        specification = key = None
        if type(item) is dict and len(item) == 1:
            ((name, specification),) = item.items()
            if type(name) is str:
                try:
                    specification = lift_stage(name, specification, put)
                    key = (name, expression_key(specification))
                except (TypeError, RecursionError):  # a value without a hash, or a stage too large to be worth keeping
                    key = None
        lifted.append(specification)
        keys.append(key)
    return lifted, keys


def _pipeline_key(keys: list[Any], constants: Mapping[str, Any], order: Collation | None) -> Any:
    if None in keys:
        return None
    try:
        key = (tuple(keys), expression_key(list(constants.values())), order)
        hash(key)
    except TypeError:  # a value without a hash, or too much to be worth keeping
        return None
    return key


def _snapshot(specification: Any) -> Any:
    """A specification that nobody else can change; as it is where it holds what documents do not."""
    try:
        return normalise_value(specification)
    except NoSQLError:
        return specification


def _let_values(let: Any, env: Env) -> dict[str, Any]:
    """The values of the variables, each of which may read those before it."""
    if not isinstance(let, Mapping):
        raise fault(TYPE_MISMATCH, f"'let' must be a document, not {shown(let)}")
    variables = {"NOW": present()}
    values: dict[str, Any] = {}
    for name, definition in let.items():
        for part in compile_let({name: definition}, env.bind(values), "'let'").values():
            if part.fields_needed != NOTHING:
                raise fault(
                    _NO_LET_FIELDS, f"the variable {name!r} of 'let' reads a field, but there is no document yet"
                )
            values[str(name)] = part.evaluate({}, {**variables, **values})
    return values


def _parse_within(specification: Any, env: Env, within: str) -> Subpipeline:
    """Compile a pipeline within a stage; what :class:`Env` calls."""
    items = as_list(specification)
    if items is None:
        raise fault(TYPE_MISMATCH, f"the pipeline of {within} must be an array, not {shown(specification)}")
    if env.depth >= MAX_SUBPIPELINES:
        raise fault(_TOO_DEEP, f"pipelines may stand within {MAX_SUBPIPELINES} others at most")
    plan = _parse_stages(items, Env(env.parse, env.variables, env.collation, env.depth + 1, within))
    _bind_text(plan)
    from_documents = bool(plan) and isinstance(plan[0], Documents)
    return Subpipeline(optimised(plan), from_documents)


def _parse_stages(
    items: Sequence[Any], env: Env, lifted: Sequence[Any] | None = None, keys: Sequence[Any] | None = None
) -> list[Stage]:
    if len(items) > MAX_STAGES:
        raise fault(7749501, f"a pipeline has {MAX_STAGES} stages at most, not {len(items)}")
    plan: list[Stage] = []
    for position, item in enumerate(items):
        if type(item) is not dict and not isinstance(item, Mapping):
            raise fault(TYPE_MISMATCH, f"each stage of a pipeline is a document, not {shown(item)}")
        if len(item) != 1:
            raise fault(40323, f"a stage is a document with exactly one field, its name; this one has {len(item)}")
        ((name, specification),) = item.items()
        parser = STAGES.get(name) if isinstance(name, str) else None
        if parser is None:
            raise fault(
                40324, f"there is no stage {str(name)[:64]!r}", operator_hint(str(name)[:64], OFFERED) if name else None
            )
        _check_place(str(name), position, len(items), env)
        if lifted is None or keys is None or lifted[position] is None:
            compiled = _compile(str(name), specification, parser, env)
        else:
            compiled = _compile(str(name), specification, parser, env, lifted[position], keys[position])
        for stage in compiled:
            if isinstance(stage, Match) and stage.has_text and position:
                raise fault(17313, "$text may stand only in a $match that is the first stage")
        plan += compiled
    return plan


def _check_place(name: str, position: int, count: int, env: Env) -> None:
    """Check that a stage may stand where it does."""
    within = env.within
    if within == "$facet" and name in NOT_IN_FACET:
        raise fault(40600, f"{name} is not allowed within $facet")
    if within == "$merge" and name not in TRANSFORMS:
        raise _not_in_update(name)
    if name in WRITING:
        if within == "$lookup":
            raise fault(51047, f"{name} is not allowed within $lookup")
        if within == "$unionWith":
            raise fault(31441, f"{name} is not allowed within $unionWith")
        if position + 1 < count:
            raise fault(40601, f"{name} must be the last stage")
    if name == "$documents" and position:
        raise fault(40602, "$documents must be the first stage")


def _compile(
    name: str, written: Any, parser: StageParser, env: Env, lifted: Any = None, key: Any = None
) -> Sequence[Stage]:
    """Compile a stage, or find it among those that were compiled lately.

    Args:
        name: Its name.
        written: What stands beside it.
        parser: Compiles it.
        env: Where it stands.
        lifted: The same without its constants, if they were taken out here and not with a stage around it.
        key: What tells it from others without its constants, if that was made already.
    """
    if name == "$match":
        return parser(written, env)
    specification = written if lifted is None else lifted
    try:
        if key is None:
            key = (name, expression_key(specification))
        whole = (key, env.variables, env.collation, env.depth, env.within)
        kept = _kept.get(whole)
    except TypeError:  # a constant without a hash, or a stage too large to be worth keeping
        return _parsed(parser, written, specification, env)
    if kept is None:
        kept = tuple(_parsed(parser, written, specification, env))
        _kept.put(whole, kept)
    return kept


def _parsed(parser: StageParser, written: Any, lifted: Any, env: Env) -> Sequence[Stage]:
    try:
        return parser(lifted, env)
    except NoSQLError:
        if lifted is written:
            raise
        # What is told of an error is told of what was written.
        return parser(written, env)


def cache_clear() -> None:
    """Forget the stages and pipelines that were compiled lately."""
    _kept.clear()
    _pipelines.clear()
    _as_written.clear()


def _bind_text(plan: list[Stage]) -> Query | None:
    """Give the filter with ``$text`` to the stages that ask for its score.

    The score is computed from the document, so it is to be had only while documents are as they were read.
    """
    text: Query | None = None
    original = True
    for position, stage in enumerate(plan):
        asks = METADATA in stage.variables_needed
        if isinstance(stage, SortStage) and "textScore" in stage.sort.metas.values():
            asks = True
            if text is not None:
                plan[position] = SortStage(stage.sort.with_query(text))
        if asks and text is None:
            raise fault(40218, "a text score needs a $match with $text at the start")
        if asks and not original:
            raise UnsupportedFeatureError(
                f"{stage.name} asks for the text score of documents that an earlier stage made",
                hint="Add the score right after the $match: {'$addFields': {'score': {'$meta': 'textScore'}}}.",
                feature="text_score_later",
            )
        if isinstance(stage, Match) and stage.has_text:
            text = stage.query
        original = original and stage.output is Output.SAME
    return text

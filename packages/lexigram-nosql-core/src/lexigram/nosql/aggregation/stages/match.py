"""``$match`` (manual, "$match").

The filter is the query language's, and so is its cache by shape. Conditions that read variables are tested apart from
the others, so that the others can still be taken over by an index.
"""

# Specifications are of any type, and what is narrowed from Any has parts that are unknown to the checker.
# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false, reportUnknownMemberType=false

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from lexigram.nosql.aggregation.expressions.compile import compile_expression
from lexigram.nosql.aggregation.expressions.errors import fault
from lexigram.nosql.aggregation.stages.base import NOTHING, Batch, Fields, Run, Runner, Stage
from lexigram.nosql.aggregation.stages.parsing import Env, shown
from lexigram.nosql.query.ast import Expr, JsonSchema, SampleRate, Text
from lexigram.nosql.query.parse import Query, parse_filter
from lexigram.nosql.values.path import split_path
from typing_extensions import override

__all__ = ["Match", "Matching", "parse_match"]


@dataclass(frozen=True, slots=True)
class _Facts:
    """What is known of all filters of one shape."""

    fields: Fields
    variables_needed: frozenset[str]
    volatile: bool
    has_text: bool
    may_fail: bool


_FACTS: Final[dict[Any, _Facts]] = {}
_MOST_FACTS: Final = 1024


def _facts(query: Query, variables: frozenset[str]) -> _Facts:
    reads: frozenset[str] | None = frozenset(split_path(path)[0] for path in query.paths)
    needed = NOTHING
    volatile = has_text = may_fail = False
    for node in query.root.walk():
        if isinstance(node, Expr):
            compiled = compile_expression(node.expression, variables=variables, collation=query.collation)
            needed |= compiled.variables_needed
            volatile = volatile or compiled.volatile
            may_fail = True
            reads = None if reads is None or compiled.fields_needed is None else reads | compiled.fields_needed
        elif isinstance(node, JsonSchema | Text):
            has_text = has_text or isinstance(node, Text)
            reads = None
        elif isinstance(node, SampleRate):
            volatile = True
    return _Facts(Fields(reads, NOTHING), needed, volatile, has_text, may_fail)


class Match(Stage):
    """Keeps the documents that a filter holds for.

    Args:
        query: The filter, parsed.
        filter: The filter as written.
        variables: Names of the user variables in sight.
    """

    name = "$match"

    def __init__(self, query: Query, filter: Mapping[str, Any], variables: frozenset[str]) -> None:
        self.query = query
        self.filter = filter
        self._variables = variables
        shape = query.shape
        facts = None if shape is None else _FACTS.get(shape)
        if facts is None:
            facts = _facts(query, variables)
            if shape is not None:
                if len(_FACTS) >= _MOST_FACTS:
                    _FACTS.clear()
                _FACTS[shape] = facts
        self.fields = facts.fields
        self.variables_needed = facts.variables_needed
        self.volatile = facts.volatile
        self.has_text = facts.has_text
        self.may_fail = facts.may_fail

    def part(self, filter: Mapping[str, Any]) -> Match:
        """The same stage with a part of the filter."""
        return Match(
            parse_filter(filter, collation=self.query.collation, variables=self._variables), filter, self._variables
        )

    def joined(self, other: Match) -> Match:
        """One stage for this and the one that follows it."""
        return self.part({"$and": [self.filter, other.filter]})

    def bound(self, run: Run) -> Query:
        """The filter with the values that variables have in a run."""
        return self.query.with_variables(run.variables) if self.variables_needed else self.query

    @override
    def open(self, run: Run) -> Runner:
        return Matching(self.bound(run))

    @override
    def describe(self) -> str:
        return f"$match {', '.join(sorted(self.query.paths)) or 'by expression'}"


class Matching(Runner):
    """Keeps the documents that a query holds for.

    Args:
        query: The query.
    """

    __slots__ = ("_query",)

    def __init__(self, query: Query) -> None:
        super().__init__()
        self._query = query

    @override
    def push(self, batch: Batch) -> Iterable[Batch]:
        return (self._query.select(batch),)


def parse_match(specification: Any, env: Env) -> Sequence[Stage]:
    """Compile ``$match``.

    Args:
        specification: The filter, or a query that is nothing but one.
        env: Where it stands.

    Returns:
        No stage for an empty filter, else one, or two where a part of the filter reads variables.

    Raises:
        PipelineError: It is not a filter at all (15959).
        NoSQLFilterError: It is not a valid filter.
    """
    if not isinstance(specification, Mapping):
        raise fault(15959, f"$match takes a filter, as a document, not {shown(specification)}")
    # The whole filter is parsed first, so that an error is about what was written.
    stage = _match(specification, env)
    if stage.variables_needed:
        early, late = _separate(specification)
        if early and late:
            return [_match({"$and": early}, env), _match({"$and": late}, env)]
    return [] if stage.query.is_empty else [stage]


def _match(filter: Mapping[str, Any], env: Env) -> Match:
    query = parse_filter(filter, collation=env.collation, variables=env.variables)
    return Match(query, filter, env.variables)


def _separate(filter: Mapping[str, Any]) -> tuple[list[Any], list[Any]]:
    """Split what must all hold into what evaluates no expression and what does."""
    early: list[Any] = []
    late: list[Any] = []
    for key, value in filter.items():
        if key == "$and" and isinstance(value, list | tuple):
            for part in value:
                more_early, more_late = _separate(part)
                early += more_early
                late += more_late
        elif key == "$expr" or (key[:1] == "$" and _mentions(value)):
            late.append({key: value})
        else:
            early.append({key: value})
    return early, late


def _mentions(value: Any) -> bool:
    if isinstance(value, Mapping):
        return "$expr" in value or any(_mentions(item) for item in value.values())
    return isinstance(value, list | tuple) and any(map(_mentions, value))

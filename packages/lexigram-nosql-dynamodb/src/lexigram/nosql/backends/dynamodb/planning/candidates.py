"""Ways to read a part of a table or an index, one request for each part.

A :class:`Branch` is one request: what its key condition says, and which conditions of the filter need not be asked
again. What the key of an index says is said by ``Query``'s key condition alone; DynamoDB refuses filters on the key
attributes of what is read, so other conditions on those stay with the engine.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import product

from lexigram.nosql.backends.dynamodb.planning.expressions import (
    Between,
    Comparison,
    Constant,
    Expression,
    Function,
    Value,
)
from lexigram.nosql.backends.dynamodb.planning.keys import KeyTest, Points, Prefix, Span, key_tests
from lexigram.nosql.backends.dynamodb.planning.meanings import Constants
from lexigram.nosql.backends.dynamodb.planning.ordering import native_direction
from lexigram.nosql.backends.dynamodb.planning.shape import ALL, AttributeValue, IndexShape, KeyAttribute
from lexigram.nosql.query.ast import Exists, Node
from lexigram.nosql.query.sort import Sort

__all__ = ["MOST_REQUESTS", "Branch", "Candidate", "Impossible", "key_constant", "native_candidate", "point_sets"]

MOST_REQUESTS = 100
"""Requests that one read is split into at most."""

_EQUALITY = 3
_RANGE = 2
_KINDS = {"table": 0, "lsi": 1, "gsi": 2}


class Impossible(Exception):  # noqa: N818 - a way out, not a fault
    """No item can meet the filter."""


@dataclass(frozen=True, slots=True)
class Branch:
    """One request.

    Attributes:
        conditions: What its key condition says, one test for each attribute.
        settled: Conditions of the filter that it says exactly.
    """

    conditions: tuple[Expression, ...]
    settled: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True)
class Candidate:
    """A way to read.

    Attributes:
        index: What is read.
        branches: The requests.
        fields: Fields whose conditions it serves, in order.
        direction: 1 forwards or -1 backwards, in the order of the sort; 0 where it does not give that order.
        worth: How much of the sort key is used.
        fetch: True when the index does not hold whole items.
    """

    index: IndexShape
    branches: tuple[Branch, ...]
    fields: tuple[str, ...]
    direction: int
    worth: int
    fetch: bool = field(default=False)

    def rank(self, *, ordered: bool) -> tuple[int, ...]:
        """A tuple that is least for the best candidate.

        Args:
            ordered: An order was asked for.
        """
        helps = ordered and self.direction != 0
        return (self.fetch, -self.worth, -helps, _KINDS[self.index.kind], len(self.branches))


def key_constant(value: AttributeValue) -> Constant:
    """A fixed key value."""
    ((kind, content),) = value.items()
    return Constant(kind, content)


def point_sets(
    keys: Sequence[KeyAttribute], terms: Sequence[Node], constants: Constants
) -> tuple[list[tuple[Value, ...]], frozenset[int]] | None:
    """Find values that fix all of some key attributes.

    Args:
        keys: The attributes.
        terms: Conditions that must all hold.
        constants: Of the filter.

    Returns:
        The possible values of each attribute, and the conditions that these say exactly; None where one is not fixed.

    Raises:
        Impossible: One has no possible value.
    """
    found: list[tuple[Value, ...]] = []
    settled: set[int] = set()
    for key in keys:
        if key.constant is not None:
            found.append((key_constant(key.constant),))
            continue
        chosen = _points(key_tests(key, terms, constants))
        if chosen is None:
            return None
        term, points = chosen
        found.append(points.values)
        if points.exact:
            settled.add(id(term))
    return found, frozenset(settled)


def _points(tests: Sequence[tuple[Node, KeyTest]]) -> tuple[Node, Points] | None:
    points = [(term, test) for term, test in tests if isinstance(test, Points)]
    if not points:
        return None
    term, best = min(points, key=lambda pair: len(pair[1].values))
    if not best.values:
        raise Impossible
    return term, best


def native_candidate(
    index: IndexShape,
    terms: Sequence[Node],
    constants: Constants,
    sort: Sort | None,
    wanting: frozenset[str] | None,
) -> Candidate | None:
    """Find how an index whose key attributes are fields serves a filter.

    Args:
        index: The table's own key, or an index.
        terms: Conditions that must all hold.
        constants: Of the filter.
        sort: The order, or None.
        wanting: Attributes that are wanted of each item, without those of the table's key; None for all.

    Returns:
        The way to read; None where partition attributes are not fixed, or matches may be missing from the index.

    Raises:
        Impossible: A key attribute has no possible value.
    """
    fixed = point_sets(index.partition, terms, constants)
    if fixed is None or not _holds_matches(index, terms, constants):
        return None
    sets, settled = fixed
    names = [key.name for key in index.partition]
    fields = [key.path for key in index.partition if key.path is not None]
    worth = 0
    span: _Reading | None = None
    for key in index.sort:
        tests = key_tests(key, terms, constants)
        chosen = _points(tests)
        if chosen is not None and _count([*sets, chosen[1].values]) <= MOST_REQUESTS:
            term, points = chosen
            sets.append(points.values)
            names.append(key.name)
            if points.exact:
                settled |= {id(term)}
            worth += _EQUALITY
        else:
            span = _span(key, tests)
            worth += 0 if span is None else _RANGE
            if span is None:
                break
        fields.append(key.path or key.name)
        if span is not None:
            break
    if _count(sets) > MOST_REQUESTS:
        return None
    single = frozenset([name for name, values in zip(names, sets, strict=True) if len(values) == 1])
    branches: list[Branch] = []
    for values in product(*sets):
        equal = tuple([Comparison((name,), "=", value) for name, value in zip(names, values, strict=True)])
        if span is None:
            branches.append(Branch(equal, settled))
            continue
        branches.append(Branch((*equal, span.condition), settled | span.settled))
        branches += [Branch((*equal, other), settled) for other in span.besides]
    direction = native_direction(index, single, sort) if len(branches) == 1 else int(sort is None)
    return Candidate(index, tuple(branches), tuple(fields), direction, worth, not _covers(index, wanting))


def _count(sets: Sequence[tuple[Value, ...]]) -> int:
    count = 1
    for values in sets:
        count *= len(values)
    return count


def _holds_matches(index: IndexShape, terms: Sequence[Node], constants: Constants) -> bool:
    """True when every item that the conditions select is in the index: only items with all key attributes are."""
    if index.kind == "table":
        return True
    for key in index.keys:
        if key.constant is not None or (key.path or "").split(".")[0] == "_id":
            continue
        present = any(isinstance(term, Exists) and term.exists and term.path == key.path for term in terms)
        if not present and not key_tests(key, terms, constants):
            return False
    return True


def _covers(index: IndexShape, wanting: frozenset[str] | None) -> bool:
    """True when an index holds all that is wanted of its items."""
    if index.projection == ALL:
        return True
    if wanting is None:
        return False
    held = frozenset(key.name for key in index.keys)
    return wanting <= (held | index.projection if isinstance(index.projection, frozenset) else held)


@dataclass(frozen=True, slots=True)
class _Reading:
    """What is asked of the last sort attribute."""

    condition: Expression
    settled: frozenset[int]
    besides: tuple[Expression, ...]


def _span(key: KeyAttribute, tests: Sequence[tuple[Node, KeyTest]]) -> _Reading | None:
    path = (key.name,)
    for term, test in tests:
        if isinstance(test, Prefix):
            others = tuple([Function("begins_with", path, text) for text in test.besides])
            said = frozenset([id(term)]) if test.exact else frozenset[int]()
            return _Reading(Function("begins_with", path, test.value), said, others)
    spans = [(term, test) for term, test in tests if isinstance(test, Span)]
    low = next(((term, test, test.low) for term, test in spans if test.low is not None), None)
    high = next(((term, test, test.high) for term, test in spans if test.high is not None), None)
    besides: dict[Expression, None] = {}
    for side in (low, high):
        if side is not None:
            besides.update(dict.fromkeys([Function("begins_with", path, text) for text in side[1].besides]))
    condition: Expression
    if low is not None and high is not None:
        # BETWEEN has both ends in it.
        condition = Between(path, low[2].value, high[2].value)
        inclusive = {">=", "<="}
    else:
        end = high[2] if low is None and high is not None else low[2] if low is not None else None
        if end is None:
            return None
        condition = Comparison(path, end.comparator, end.value)
        inclusive = {"<", "<=", ">", ">="}
    said = frozenset(
        [id(side[0]) for side in (low, high) if side is not None and side[1].exact and side[2].comparator in inclusive]
    )
    return _Reading(condition, said, tuple(besides))

"""How an index of ours serves a filter (see ``index_keys``).

Equalities on the hashed fields give partitions; equalities on the fields after them, and a range or a beginning on the
next, give a span of the sort attribute. Both compare the engine's keys, so they are exact for documents filed in order;
those filed apart are read beside them, and tested against everything.
"""

# The class of an Any is Unknown to pyright, and this module asks for classes all the time.
# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false, reportUnknownMemberType=false

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from itertools import product
from typing import Any, Final, cast

from lexigram.nosql.backends.dynamodb.planning.candidates import (
    MOST_REQUESTS,
    Branch,
    Candidate,
    Impossible,
    key_constant,
)
from lexigram.nosql.backends.dynamodb.planning.expressions import (
    Between,
    Comparison,
    Composite,
    Expression,
    Function,
)
from lexigram.nosql.backends.dynamodb.planning.index_keys import (
    AFTER,
    before,
    encode,
    hash_partition,
    irregular_partition,
    rank_bounds,
)
from lexigram.nosql.backends.dynamodb.planning.meanings import Constants
from lexigram.nosql.backends.dynamodb.planning.ordering import computed_direction
from lexigram.nosql.backends.dynamodb.planning.shape import AttributeValue, ComputedIndex, IndexShape
from lexigram.nosql.indexes import IndexSpec
from lexigram.nosql.query.ast import Compare, Exists, In, Node, Slot, Type
from lexigram.nosql.query.parse import parse_filter
from lexigram.nosql.query.sort import Sort
from lexigram.nosql.values.kinds import Kind, class_kind
from lexigram.nosql.values.order import sort_key

__all__ = ["computed_candidate", "includes_matches"]

_LONGEST: Final = 200
"""Characters, bytes or fields of a constant that goes into a sort value, which has 1,024 bytes."""

_EQUALITY: Final = 3
_RANGE: Final = 2
_RANGED: Final = frozenset({10, 15, 30, 35, 40, 45, 47})
"""Places in the order of types whose values have ranges."""

Part = tuple[int, int | None]


def computed_candidate(
    index: IndexShape, terms: Sequence[Node], constants: Constants, sort: Sort | None
) -> Candidate | None:
    """Find how an index of ours serves a filter or an order.

    Args:
        index: The index.
        terms: Conditions that must all hold.
        constants: Of the filter.
        sort: The order, or None.

    Returns:
        The way to read; None where the hashed fields are not fixed, matches may be missing, or nothing is served.

    Raises:
        Impossible: An indexed field has no possible value.
    """
    computed = cast("ComputedIndex", index.computed)
    if (
        constants.collated
        or computed.spec.collation is not None
        or not includes_matches(computed.spec, terms, constants)
    ):
        return None
    fields = computed.spec.fields
    sets: list[list[Part]] = []
    settled: set[int] = set()
    for path in fields:
        chosen = _points(path, terms, constants, sorted_by=len(sets) >= computed.hashed)
        if chosen is None or _count([*sets, chosen[1]]) > MOST_REQUESTS:
            break
        settled.add(id(chosen[0]))
        sets.append(chosen[1])
    if len(sets) < computed.hashed:
        return None
    bounds = _bounds(fields[len(sets)], terms, constants) if len(sets) < len(fields) else ()
    served = (*fields[: len(sets)], *([fields[len(sets)]] if bounds else []))
    branches = [_branch(index, computed, parts, bounds, frozenset(settled)) for parts in product(*sets)]
    if computed.irregular:
        partition = Comparison((index.partition[0].name,), "=", key_constant(irregular_partition(computed)))
        branches.append(Branch((partition,)))
    direction = int(sort is None)
    if len(branches) == 1:
        direction = computed_direction(computed.spec.keys, len(sets), sort)
    if not served and (sort is None or direction == 0):
        return None
    worth = _EQUALITY * (len(sets) - computed.hashed) + (_RANGE if bounds else 0)
    return Candidate(index, tuple(branches), served, direction, worth)


def _count(sets: Sequence[Sequence[Part]]) -> int:
    count = 1
    for each in sets:
        count *= len(each)
    return count


def _branch(
    index: IndexShape,
    computed: ComputedIndex,
    parts: Sequence[Part],
    bounds: Sequence[tuple[Compare, Slot]],
    settled: frozenset[int],
) -> Branch:
    hashed, others = tuple(parts[: computed.hashed]), tuple(parts[computed.hashed :])
    partition = Comparison((index.partition[0].name,), "=", Composite(hashed, _partition_maker(computed)))
    path = (index.sort[0].name,)
    ways = tuple([way if isinstance(way, int) else 1 for _, way in computed.spec.keys[computed.hashed :]])
    condition: Expression
    if bounds:
        low, high = _ends([(term.op, slot.index) for term, slot in bounds], ways[len(others)] > 0)
        condition = Between(
            path,
            Composite((*others, (low[1], None)), _bound_maker(ways[: len(others) + 1], low[0])),
            Composite((*others, (high[1], None)), _bound_maker(ways[: len(others) + 1], high[0])),
        )
        return Branch((partition, condition), settled | {id(term) for term, _ in bounds})
    if not others:
        return Branch((partition,), settled)
    whole = len(parts) == len(computed.spec.keys)
    value = Composite(others, _prefix_maker(ways[: len(others)]))
    condition = Comparison(path, "=", value) if whole else Function("begins_with", path, value)
    return Branch((partition, condition), settled)


def _ends(bounds: Sequence[tuple[str, int]], ascending: bool) -> tuple[tuple[str, int], tuple[str, int]]:
    """For the lower and the upper end of the texts, what is made of which constant."""
    slot = bounds[0][1]
    lows = [(op, index) for op, index in bounds if op in ("$gt", "$gte")]
    highs = [(op, index) for op, index in bounds if op in ("$lt", "$lte")]
    if not ascending:
        lows, highs = highs, lows
    low = {"$gt": "after", "$lt": "after"}.get(lows[0][0], "at") if lows else "first"
    high = {"$gt": "before", "$lt": "before"}.get(highs[0][0], "to") if highs else "last"
    return (low, lows[0][1] if lows else slot), (high, highs[0][1] if highs else slot)


# What makes values of constants. The functions are kept, so that equal operands are found to be equal.

Maker = Callable[[Sequence[Any]], AttributeValue]


@lru_cache(maxsize=512)
def _partition_maker(computed: ComputedIndex) -> Maker:
    def make(values: Sequence[Any]) -> AttributeValue:
        return hash_partition(computed, values)

    return make


@lru_cache(maxsize=512)
def _prefix_maker(ways: tuple[int, ...]) -> Maker:
    def make(values: Sequence[Any]) -> AttributeValue:
        return {"S": "".join(map(encode, values, ways))}

    return make


@lru_cache(maxsize=512)
def _bound_maker(ways: tuple[int, ...], where: str) -> Maker:
    def make(values: Sequence[Any]) -> AttributeValue:
        *leading, last = values
        prefix = "".join(map(encode, leading, ways))
        if where in ("first", "last"):
            return {"S": prefix + rank_bounds(last, ways[-1])[where == "last"]}
        text = encode(last, ways[-1])
        if where == "before":
            return {"S": prefix + before(text)}
        return {"S": prefix + (text + AFTER if where in ("after", "to") else text)}

    return make


# What conditions say of a field


_LONG: Final = frozenset({Kind.ARRAY, Kind.OBJECT, Kind.REGEX, Kind.JAVASCRIPT, Kind.UNDEFINED})


def _is_short(value: Any) -> bool:
    """True for a scalar whose text is short."""
    cls = type(value)
    if cls is str or isinstance(value, bytes):
        return len(value) <= _LONGEST
    return class_kind(cls) not in _LONG


def _is_scalar(value: Any) -> bool:
    """True for what can be hashed: a document does for equality, an array or a pattern does not."""
    return class_kind(type(value)) not in (Kind.ARRAY, Kind.REGEX, Kind.UNDEFINED)


def _lengths(values: Sequence[Any]) -> int | None:
    return len(values) if all(map(_is_short, values)) and _distinct(values) else None


def _scalars(values: Sequence[Any]) -> int | None:
    return len(values) if all(map(_is_scalar, values)) and _distinct(values) else None


def _distinct(values: Sequence[Any]) -> bool:
    return len({sort_key(value) for value in values}) == len(values)


def _points(
    path: str, terms: Sequence[Node], constants: Constants, *, sorted_by: bool
) -> tuple[Node, list[Part]] | None:
    for term in terms:
        if not isinstance(term, Compare | In) or term.path != path:
            continue
        if isinstance(term, Compare):
            slot = cast("Slot", term.value)
            if term.op == "$eq" and constants.ask(slot, _is_short if sorted_by else _is_scalar):
                return term, [(slot.index, None)]
        elif not term.regexes:
            slot = cast("Slot", term.values)
            count = constants.ask(slot, _lengths if sorted_by else _scalars)
            if count == 0:
                raise Impossible
            if count is not None:
                return term, [(slot.index, position) for position in range(count)]
    return None


def _has_null(values: Sequence[Any]) -> bool:
    return any(value is None for value in values)


def _range_rank(value: Any) -> int | None:
    if not _is_short(value):
        return None
    rank: int = sort_key(value)[0]
    return rank if rank in _RANGED else None


def _bounds(path: str, terms: Sequence[Node], constants: Constants) -> tuple[tuple[Compare, Slot], ...]:
    """Comparisons that bound a field: one for each end, both of the same type."""
    found: dict[bool, tuple[Compare, Slot, int]] = {}
    for term in terms:
        if isinstance(term, Compare) and term.path == path and term.op != "$eq":
            slot = cast("Slot", term.value)
            rank = constants.ask(slot, _range_rank)
            if rank is not None and all(rank == other for _, _, other in found.values()):
                found.setdefault(term.op in ("$gt", "$gte"), (term, slot, rank))
    return tuple([(term, slot) for term, slot, _ in found.values()])


# What an index leaves out


def includes_matches(spec: IndexSpec, terms: Sequence[Node], constants: Constants) -> bool:
    """Say whether every document that the conditions select is in an index.

    Args:
        spec: The index.
        terms: Conditions that must all hold.
        constants: Of the filter.
    """
    if spec.partial_filter is not None:
        parts = parse_filter(dict(spec.partial_filter)).conjuncts
        return all(any(_implies(term, part, constants) for term in terms) for part in parts)
    if not spec.sparse:
        return True
    # A sparse index leaves out documents without the field, which only a condition that refuses null rules out.
    return any(_refuses_null(term, constants) for term in terms if getattr(term, "path", None) in spec.fields)


def _refuses_null(term: Node, constants: Constants) -> bool:
    if isinstance(term, Exists):
        return term.exists
    if isinstance(term, Compare):
        return constants.at(cast("Slot", term.value)) is not None
    if isinstance(term, In):
        return not constants.ask(cast("Slot", term.values), _has_null)
    return False


@lru_cache(maxsize=512)
def _meets(op: str, key: Any) -> Callable[[Any], bool]:
    """A question about a constant: whether everything that equals it meets a comparison."""

    def ask(value: Any) -> bool:
        if not _is_scalar(value):
            return False
        own = sort_key(value)
        if op == "$eq":
            return bool(own == key)
        if own[0] != key[0]:
            return False
        return bool({"$gt": own > key, "$gte": own >= key, "$lt": own < key, "$lte": own <= key}[op])

    return ask


@lru_cache(maxsize=512)
def _all_meet(op: str, key: Any) -> Callable[[Sequence[Any]], bool]:
    meets = _meets(op, key)

    def ask(values: Sequence[Any]) -> bool:
        return all(map(meets, values))

    return ask


def _implies(term: Node, part: Node, constants: Constants) -> bool:
    """True when whatever meets *term* meets *part* of a partial index's filter as well."""
    if getattr(term, "path", None) != getattr(part, "path", None):
        return False
    if isinstance(part, Exists) and part.exists:
        return isinstance(term, Exists | Compare | In) and _refuses_null(term, constants)
    if (
        isinstance(part, Compare)
        and _is_scalar(part.value)
        and (part.op == "$eq" or sort_key(part.value)[0] in _RANGED)
    ):
        key = sort_key(part.value)
        if isinstance(term, In):
            return not term.regexes and bool(constants.ask(cast("Slot", term.values), _all_meet(part.op, key)))
        if isinstance(term, Compare):
            slot = cast("Slot", term.value)
            if term.op == "$eq":
                return bool(constants.ask(slot, _meets(part.op, key)))
            return part.op != "$eq" and bool(constants.ask(slot, _lies_within(term.op, part.op, key)))
        return False
    return isinstance(part, Type) and term == part


@lru_cache(maxsize=512)
def _lies_within(own_op: str, op: str, key: Any) -> Callable[[Any], bool]:
    """A question about the end of a range: whether the range lies within another."""

    def ask(value: Any) -> bool:
        own = sort_key(value)
        if own_op[:3] != op[:3] or own[0] != key[0] or len(own) == 1:
            return False
        if own == key:
            return own_op == op or len(op) == len("$gte")
        return bool(own > key) == op.startswith("$gt")

    return ask

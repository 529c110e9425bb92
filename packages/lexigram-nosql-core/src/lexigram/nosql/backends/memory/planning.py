"""Chooses how a request reaches the documents of one table: by key, by an index, or by reading all.

The choice follows the conditions that must all hold (the top-level conjunction): equalities and ``$in`` give points,
comparisons give ranges within one type, and an index whose fields begin with them bounds what is read. Among the
candidates the one with the fewest entries wins, counting a sort that the index order saves. Bounds only narrow: every
document that is read is still tested against the whole filter.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, product
from typing import Any

from lexigram.nosql.backends.memory.index import NULL, Entry, Index
from lexigram.nosql.backends.memory.table import Table
from lexigram.nosql.driver import Access
from lexigram.nosql.query.ast import And, Compare, In, Node, Or
from lexigram.nosql.query.parse import Query
from lexigram.nosql.query.sort import Sort
from lexigram.nosql.values.kinds import RANKS, Kind, kind_of
from lexigram.nosql.values.order import hash_key
from lexigram.nosql.values.path import MISSING

__all__ = ["Reach", "choose"]

_MOST_POINTS = 1000
_SORT_COST = 0.5
_ORDERED_READ_COST = 0.3

Range = tuple[Entry | None, Entry | None]


@dataclass(frozen=True, slots=True)
class Reach:
    """How the documents are reached.

    Attributes:
        access: For ``explain()``.
        ranges: Bounds in the index, low included and high excluded; empty for key look-ups and scans.
        index: The index, or None.
        keys: For key look-ups, the keys.
        ordered: True when the documents come in the order of the sort.
        reverse: True when the index is read from its end.
        branches: For a union, one reach for each branch of ``$or``.
        cost: Estimate of the work, in documents.
    """

    access: Access
    index: Index | None = None
    ranges: tuple[Range, ...] = ()
    keys: tuple[Any, ...] = ()
    ordered: bool = False
    reverse: bool = False
    branches: tuple[Reach, ...] = ()
    cost: float = 0.0

    def candidates(self) -> Iterator[Any]:
        """Keys of the documents to test, each once, in index order; not for scans."""
        if self.branches:
            return _once(chain.from_iterable(branch.candidates() for branch in self.branches))
        if self.index is None:
            return iter(self.keys)
        index = self.index
        found = chain.from_iterable(self._in_range(index, low, high) for low, high in self.ranges)
        return _once(found) if index.is_multikey or len(self.ranges) > 1 else found

    def _in_range(self, index: Index, low: Entry | None, high: Entry | None) -> Iterable[Any]:
        if low is not None and high is None:
            return index.keys_at(low)
        return index.keys_between(low, high if high != _NO_END else None, reverse=self.reverse)


_NO_END: Entry = ()
"""High bound of a range without an end; None as high bound means exactly the low entry."""

SCAN = Access("scan")
_KEY = Access("key", "_id_", ("_id",))


def choose(table: Table, query: Query, sort: Sort | None, hint: Any) -> Reach:
    """The cheapest way to the documents that a query may select.

    Args:
        table: The documents.
        query: The filter.
        sort: The order that is wanted, or None.
        hint: Name or keys of the index that must be used, or None.

    Raises:
        NoSQLIndexError: *hint* names no index.
    """
    indexes: Iterable[Index]
    if hint is None or hint in ("_id_", (("_id", 1),)):
        by_key = _by_one_key(query) or _by_key(query.conjuncts, query)
        if by_key is not None:
            return by_key
        indexes = table.indexes.values() if hint is None else ()
    else:
        indexes = (table.index_called(hint),)
    size = len(table.documents)
    terms = query.conjuncts
    scan = Reach(SCAN, cost=size + (size * _SORT_COST if sort is not None else 0))
    best = scan
    forced: Reach | None = None
    for index in indexes:
        reach = _by_index(index, terms, query, sort, size)
        if reach is not None and (forced is None or reach.cost < forced.cost):
            forced = reach
        if reach is not None and reach.cost < best.cost:
            best = reach
    if best is scan and sort is None and hint is None and len(terms) == 1 and isinstance(terms[0], Or):
        best = _by_union(table, terms[0], query, size) or scan
    if hint is not None and forced is not None:
        return forced
    return best


def _by_one_key(query: Query) -> Reach | None:
    """A look-up of one ``_id``, found without building the filter's tree."""
    value = query.equality("_id", MISSING)
    if value is MISSING or query.collation is not None or not _is_scalar(value):
        return None
    return Reach(_KEY, keys=(hash_key(value),), ordered=True)


def _by_key(terms: Sequence[Node], query: Query) -> Reach | None:
    """A look-up by ``_id``, where the filter fixes it."""
    for term in terms:
        if isinstance(term, Compare) and term.path == "_id" and term.op == "$eq":
            values: Sequence[Any] = (term.value,)
        elif isinstance(term, In) and term.path == "_id" and not term.regexes:
            values = term.values
        else:
            continue
        if query.collation is not None or any(not _is_scalar(value) for value in values):
            continue
        keys = tuple(dict.fromkeys(hash_key(value) for value in values))
        return Reach(_KEY, keys=keys, ordered=len(keys) <= 1, cost=0.0)
    return None


def _by_union(table: Table, root: Or, query: Query, size: int) -> Reach | None:
    """Each branch of ``$or`` by an index of its own, when all have one."""
    branches: list[Reach] = []
    for part in root.parts:
        terms: Sequence[Node] = part.parts if isinstance(part, And) else (part,)
        found = _by_key(terms, query)
        if found is None:
            reaches = [_by_index(index, terms, query, None, size) for index in table.indexes.values()]
            found = min((reach for reach in reaches if reach is not None), key=lambda reach: reach.cost, default=None)
        if found is None:
            return None
        branches.append(found)
    cost = sum(branch.cost for branch in branches)
    if cost >= size:
        return None
    names = ", ".join(dict.fromkeys(branch.access.index or "" for branch in branches))
    fields = tuple(dict.fromkeys(field for branch in branches for field in branch.access.fields))
    return Reach(Access("index", names, fields), branches=tuple(branches), cost=cost)


def _by_index(index: Index, terms: Sequence[Node], query: Query, sort: Sort | None, size: int) -> Reach | None:
    """How an index bounds a request or gives its order; None when it does neither."""
    if index.is_text or index.collation != query.collation or not _includes_matches(index, terms):
        return None
    prefixes: list[Entry] = [()]
    fields: list[str] = []
    bounds: Range | None = None
    for path in index.spec.fields:
        points = _points(index, terms, path)
        if points is not None and len(points) * len(prefixes) <= _MOST_POINTS:
            prefixes = [(*prefix, point) for prefix, point in product(prefixes, points)]
            fields.append(path)
            continue
        bounds = _bounds(index, terms, path)
        if bounds is not None:
            fields.append(path)
        break
    ordered, reverse = _order(index, prefixes, sort)
    if not fields and not ordered:
        return None
    ranges = tuple(_range(index, prefix, bounds) for prefix in prefixes)
    if fields:
        count = sum(
            index.count_at(low) if low is not None and high is None else index.count_between(low, _end(high))
            for low, high in ranges
        )
        cost = count * (1 if ordered or sort is None else 1 + _SORT_COST)
    else:
        cost = size * _ORDERED_READ_COST
    access = Access("index", index.spec.name, tuple(fields))
    return Reach(access, index, ranges, ordered=ordered, reverse=reverse, cost=cost)


def _end(high: Entry | None) -> Entry | None:
    return None if high == _NO_END else high


def _includes_matches(index: Index, terms: Sequence[Node]) -> bool:
    """True when every document that the conditions select is in the index."""
    if index.spec.partial_filter is not None:
        return False if index.partial_root is None else _implies(terms, index.partial_root)
    if not index.spec.sparse:
        return True
    # A sparse index leaves out documents without the field, which only a condition that refuses null rules out.
    return any(
        ((points := _points(index, terms, path)) is not None and NULL not in points)
        or _bounds(index, terms, path) is not None
        for path in index.spec.fields
    )


def _implies(terms: Sequence[Node], partial: Node) -> bool:
    """True when each condition of a partial index is also one of the request's."""
    wanted = partial.parts if isinstance(partial, And) else (partial,)
    return all(any(term == part for term in terms) for part in wanted)


def _points(index: Index, terms: Sequence[Node], path: str) -> list[Any] | None:
    """Keys that a field must equal one of; None when no condition says so."""
    for term in terms:
        if isinstance(term, Compare) and term.path == path and term.op == "$eq":
            values: Sequence[Any] = (term.value,)
        elif isinstance(term, In) and term.path == path and not term.regexes:
            values = term.values
        else:
            continue
        if all(_is_scalar(value) for value in values):
            return list(dict.fromkeys(index.key_of(value) for value in values))
    return None


def _bounds(index: Index, terms: Sequence[Node], path: str) -> Range | None:
    """The range of keys that comparisons allow a field; None when none does."""
    low: Any = None
    high: Any = None
    for term in terms:
        if not (isinstance(term, Compare) and term.path == path and term.op != "$eq") or not _has_range(term.value):
            continue
        key = index.key_of(term.value)
        rank = key[0]
        if term.op in ("$gt", "$gte"):
            start, end = (key if term.op == "$gte" else (*key, 0)), (rank + 0.5,)
        else:
            start, end = (rank,), (key if term.op == "$lt" else (*key, 0))
        if index.is_multikey and low is not None:
            # Two elements of one array may each meet one condition, so the bounds may not be narrowed together.
            continue
        low = start if low is None or start > low else low
        high = end if high is None or end < high else high
    return None if low is None else (low, high)


def _range(index: Index, prefix: Entry, bounds: Range | None) -> Range:
    """Bounds of the entries that begin with *prefix* and go on within *bounds*."""
    if bounds is not None:
        return (*prefix, bounds[0]), (*prefix, bounds[1])
    if not prefix:
        return None, _NO_END
    if len(prefix) == len(index.spec.keys):
        return prefix, None
    return prefix, (*prefix[:-1], (*prefix[-1], 0))


def _order(index: Index, prefixes: list[Entry], sort: Sort | None) -> tuple[bool, bool]:
    """Whether reading the index gives the order, and whether from its end."""
    if sort is None or index.is_multikey or not index.covers_all or len(prefixes) != 1:
        return False, False
    if sort.collation != index.collation or sort.has_meta:
        return False, False
    fixed = index.spec.fields[: len(prefixes[0])]
    wanted = [(path, way) for path, way in sort.fields if path not in fixed]
    given = index.spec.fields[len(fixed) : len(fixed) + len(wanted)]
    ways = {way for _, way in wanted}
    if tuple(path for path, _ in wanted) != given or len(ways) > 1:
        return False, False
    return True, ways == {-1}


def _is_scalar(value: Any) -> bool:
    """True for a value whose equality means equality of keys: no array, and no expression to match text with."""
    return kind_of(value) not in (Kind.ARRAY, Kind.REGEX, Kind.UNDEFINED)


def _has_range(value: Any) -> bool:
    """True for a value whose type is a range of keys."""
    kind = kind_of(value)
    return RANKS[kind] in (10, 15, 30, 35, 40, 45, 47) and value == value


def _once(keys: Iterable[Any]) -> Iterator[Any]:
    """Each key at its first place."""
    return iter(dict.fromkeys(keys))

"""Chooses how a request reaches the documents of one table: by key, by an index, or by reading all.

The choice follows the conditions that must all hold (the top-level conjunction): equalities and ``$in`` give points,
comparisons give ranges within one type, and an index whose fields begin with them bounds what is read. Among the
candidates the one with the fewest documents wins, counting a sort that the index order saves. Bounds only narrow: every
document that is read is still tested against the whole filter.

An index gives an order as far as its fields go: documents that agree there are put in order in groups, as they are
reached, so that a limit still ends the read early.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, groupby, product
from typing import Any

from lexigram.nosql.backends.memory.index import NULL, Entry, Index
from lexigram.nosql.backends.memory.table import Table
from lexigram.nosql.driver import Access, Document
from lexigram.nosql.exceptions import QueryOptionError
from lexigram.nosql.indexes import ID_INDEX
from lexigram.nosql.query.ast import And, Compare, Exists, In, Node, Or, Type
from lexigram.nosql.query.parse import Query
from lexigram.nosql.query.sort import Sort
from lexigram.nosql.values.kinds import RANKS, Kind, kind_of
from lexigram.nosql.values.order import equal, hash_key, sort_key
from lexigram.nosql.values.path import MISSING, array_index, split_path

__all__ = ["Reach", "choose"]

_MOST_POINTS = 1000
_SORT_COST = 0.5
_ORDERED_READ_COST = 0.3
_BOUNDED = 0.99

Range = tuple[Entry | None, Entry | None]

_NO_END: Entry = ()
"""High bound of a range without an end; None as high bound means exactly the low entry."""

_SCAN = Access("scan")
_KEY = Access("key", ID_INDEX.name, ("_id",))


@dataclass(slots=True)
class Reach:
    """How the documents are reached.

    Attributes:
        access: For ``explain()``.
        index: The index, or None.
        ranges: Bounds in the index, low included and high excluded; empty for key look-ups and scans.
        keys: For key look-ups, the keys.
        ordered: True when the documents come in the order of the sort.
        reverse: True when the index, or the whole table, is read from its end.
        branches: For a union, one reach for each branch of ``$or``.
        cost: Estimate of the work, in documents.
        prefix: For an ordered read, the part of every entry that an equality fixes.
        places: For an ordered read, which fields of the sort the index gives, in its order.
        groups: For an ordered read, the sort of documents that agree in those; None where nothing is left to sort.
        exact: True for the look-up of one key that is the whole filter, so that nothing is left to test.
        query: For an ordered read, the filter.
    """

    access: Access
    index: Index | None = None
    ranges: tuple[Range, ...] = ()
    keys: tuple[Any, ...] = ()
    ordered: bool = False
    reverse: bool = False
    branches: tuple[Reach, ...] = ()
    cost: float = 0.0
    prefix: Entry = ()
    places: tuple[int, ...] = ()
    groups: Sort | None = None
    exact: bool = False
    query: Query | None = None

    def candidates(self) -> Iterator[Any]:
        """Keys of the documents to test, each once, in index order; not for scans."""
        if self.branches:
            return _once(chain.from_iterable(branch.candidates() for branch in self.branches))
        if self.index is None:
            return iter(self.keys)
        found = chain.from_iterable(self._in_range(self.index, low, high) for low, high in self.ranges)
        return _once(found) if self.index.is_multikey or len(self.ranges) > 1 else found

    def documents(self, table: Table, after: Sequence[Any] | None) -> Iterator[Document]:
        """The documents to test, as they are now, one by one; the table may not change meanwhile.

        Args:
            table: Where they are.
            after: A place in the order, before which an ordered read need not begin.
        """
        held = table.documents
        if self.access.kind == "scan":
            return iter(reversed(held.values()) if self.reverse else held.values())
        if self.index is None:
            return (held[key] for key in self.candidates() if key in held)
        if not self.places:
            return map(held.__getitem__, self.candidates())
        return self._in_order(self.index, held, after)

    def _in_order(self, index: Index, held: dict[Any, Document], after: Sequence[Any] | None) -> Iterator[Document]:
        """The documents in the order of the index, those that agree in it in the order of the sort."""
        ((low, high),) = self.ranges
        low, high = self._begin(low, _end(high), after)
        sort = self.groups
        if sort is None:
            yield from map(held.__getitem__, index.keys_between(low, high, reverse=self.reverse))
            return
        length = len(self.prefix) + len(self.places)
        for _, entries in groupby(index.between(low, high, reverse=self.reverse), lambda entry: entry[:length]):
            group = [held[key] for entry in entries for key in index.keys_at(entry)]
            if len(group) > 1:
                try:
                    group = sort.sorted(group)
                except QueryOptionError:
                    # A document that has no place in the order is a fault only where the filter selects it.
                    if self.query is None:
                        raise
                    group = sort.sorted(self.query.select(group))
            yield from group

    def _begin(self, low: Entry | None, high: Entry | None, after: Sequence[Any] | None) -> Range:
        """The bounds of an ordered read, narrowed to what agrees with a place or comes after it."""
        if after is None:
            return low, high
        start = (*self.prefix, *(after[place] for place in self.places))
        if not self.reverse:
            return (start if low is None else max(low, start)), high
        above = _above(start)
        return low, (above if high is None else min(high, above))

    def _in_range(self, index: Index, low: Entry | None, high: Entry | None) -> Iterable[Any]:
        if low is not None and high is None:
            return index.keys_at(low)
        return index.keys_between(low, _end(high), reverse=self.reverse)


def choose(table: Table, query: Query, sort: Sort | None, hint: Any) -> Reach:
    """The cheapest way to the documents that a query may select.

    Args:
        table: The documents.
        query: The filter.
        sort: The order that is wanted, or None.
        hint: Name or keys of the index that must be used, ``$natural`` for none, or None.

    Raises:
        NoSQLIndexError: *hint* names no index.
    """
    natural = _natural(sort, hint)
    if natural:
        wanted = sort is None or sort.natural == natural
        return Reach(_SCAN, ordered=wanted, reverse=natural < 0)
    hinted = hint is not None and hint not in (ID_INDEX.name, ID_INDEX.keys)
    if not hinted:
        by_key = _by_one_key(query) or _by_key(query.conjuncts, query)
        if by_key is not None:
            return by_key
    if not hinted and not table.indexes and hint is None and sort is None and not _bounds_id(query):
        return Reach(_SCAN)
    terms = query.conjuncts
    size = len(table.documents)
    # Whatever an index bounds is read through it: even where it bounds little, it costs no more than a scan.
    scan = Reach(_SCAN)
    if hinted:
        index = table.index_called(hint)
        return _by_index(index, terms, query, sort, size) or _whole(index, terms) or scan
    if hint is not None:
        return _by_index(table.ids(), terms, query, sort, size) or _whole(table.ids(), terms) or scan
    best = scan
    indexes = list(table.indexes.values())
    if _bounds_id(query) or (sort is not None and sort.fields and sort.fields[0][0] == "_id"):
        indexes.append(table.ids())
    for index in indexes:
        reach = _by_index(index, terms, query, sort, size)
        if reach is not None and (reach.cost < best.cost or best is scan):
            best = reach
    for term in terms:
        if isinstance(term, Or):
            reach = _by_union(indexes, term, terms, query, sort, size)
            if reach is not None and (reach.cost < best.cost or best is scan):
                best = reach
    return best


def _natural(sort: Sort | None, hint: Any) -> int:
    """The direction in which sort or hint want the table itself to be read; 0 when they do not."""
    if hint == (("$natural", -1),):
        return -1
    if hint == (("$natural", 1),):
        return 1
    return 0 if sort is None else sort.natural


def _bounds_id(query: Query) -> bool:
    """True when a comparison bounds the ``_id``."""
    return any(isinstance(term, Compare) and term.path == "_id" and _has_range(term.value) for term in query.conjuncts)


def _by_one_key(query: Query) -> Reach | None:
    """A look-up of one ``_id``, found without building the filter's tree."""
    value = query.equality("_id", MISSING)
    if value is MISSING or query.collation is not None:
        return None
    if type(value) is not str:  # which is its own key
        if not _is_scalar(value):
            return None
        value = hash_key(value)
    return Reach(_KEY, keys=(value,), ordered=True, exact=query.is_equality("_id"))


def _by_key(terms: Sequence[Node], query: Query) -> Reach | None:
    """A look-up by ``_id``, where the filter fixes it."""
    for term in terms:
        if isinstance(term, Compare) and term.path == "_id" and term.op == "$eq":
            values: Sequence[Any] = (term.value,)
        elif isinstance(term, In) and term.path == "_id" and not term.regexes:
            values = term.values
        else:
            continue
        if query.collation is not None or not all(map(_is_scalar, values)):
            continue
        # In the order of the values, as MongoDB's index on _id gives them.
        keys = tuple(dict.fromkeys(map(hash_key, sorted(values, key=sort_key))))
        return Reach(_KEY, keys=keys, ordered=len(keys) <= 1, cost=len(keys))
    return None


def _by_union(
    indexes: Sequence[Index], union: Or, terms: Sequence[Node], query: Query, sort: Sort | None, size: int
) -> Reach | None:
    """Each branch of ``$or`` by an index of its own, when all have one."""
    branches: list[Reach] = []
    for part in union.parts:
        own = part.parts if isinstance(part, And) else (part,)
        found = _by_key(own, query)
        if found is None:
            together = [*own, *(term for term in terms if term is not union)]
            reaches = [_by_index(index, together, query, None, size) for index in indexes]
            found = min((reach for reach in reaches if reach is not None), key=lambda reach: reach.cost, default=None)
        if found is None:
            return None
        branches.append(found)
    names = ", ".join(dict.fromkeys(branch.access.index or "" for branch in branches))
    fields = tuple(dict.fromkeys(field for branch in branches for field in branch.access.fields))
    cost = min(sum(branch.cost for branch in branches), size) * (1 if sort is None else 1 + _SORT_COST)
    return Reach(Access("index", names, fields), branches=tuple(branches), cost=cost)


def _by_index(index: Index, terms: Sequence[Node], query: Query, sort: Sort | None, size: int) -> Reach | None:
    """How an index bounds a request or gives its order; None when it does neither."""
    if index.is_text or index.collation != query.collation or not _includes_matches(index, terms):
        return None
    prefixes: list[Entry] = [()]
    fields: list[str] = []
    bounds: tuple[tuple[Any, Any], ...] = ()
    for path in index.spec.fields:
        if index.is_multikey and _share_root(path, fields):
            # Different elements of one array may meet the two conditions, and no entry holds values of both.
            break
        points = _points(index, terms, path)
        if points is not None and len(points) * len(prefixes) <= _MOST_POINTS:
            prefixes = [(*prefix, point) for prefix, point in product(prefixes, sorted(points))]
            fields.append(path)
            continue
        bounds = _bounds(index, terms, path)
        if bounds:
            fields.append(path)
        break
    ranges = tuple(_range(index, prefix, bound) for prefix in prefixes for bound in (bounds or (None,)))
    order = _order(index, prefixes[0], sort) if len(ranges) == 1 and sort is not None else None
    if not fields and order is None:
        return None
    if fields:
        count = sum(
            index.count_at(low) if low is not None and high is None else index.count_between(low, _end(high))
            for low, high in ranges
        )
        cost = min(count, size) * (1 if order is not None or sort is None else 1 + _SORT_COST)
        if order is not None:
            # In the same order it reads a part of what an index without bounds reads.
            cost = min(cost, _BOUNDED * size * _ORDERED_READ_COST)
    else:
        cost = size * _ORDERED_READ_COST
    reach = Reach(Access("index", index.spec.name, tuple(fields)), index, ranges, cost=cost)
    if order is not None:
        reach.ordered = True
        reach.prefix = prefixes[0]
        reach.places, reach.reverse, reach.groups = order
        reach.query = query
    return reach


def _share_root(path: str, fields: Sequence[str]) -> bool:
    """True when a path begins with the same field of the document as one of the others."""
    root = path.partition(".")[0]
    return any(field.partition(".")[0] == root for field in fields)


def _whole(index: Index, terms: Sequence[Node]) -> Reach | None:
    """All of an index that was asked for by name, if it holds every match."""
    if index.is_text or not _includes_matches(index, terms):
        return None
    return Reach(Access("index", index.spec.name), index, ((None, _NO_END),))


def _end(high: Entry | None) -> Entry | None:
    return None if high == _NO_END else high


def _above(entry: Entry) -> Entry:
    """The least entry above all that begin with *entry*."""
    return (*entry[:-1], (*entry[-1], 0))


def _includes_matches(index: Index, terms: Sequence[Node]) -> bool:
    """True when every document that the conditions select is in the index."""
    if index.partial is not None:
        # Its filter compares text by code point, the request perhaps otherwise.
        return index.collation is None and all(
            any(_implies(term, part) for term in terms) for part in index.partial.conjuncts
        )
    if not index.spec.sparse:
        return True
    # A sparse index leaves out documents without the field, which only a condition that refuses null rules out.
    return any(
        ((points := _points(index, terms, path)) is not None and NULL not in points)
        or bool(_bounds(index, terms, path))
        for path in index.spec.fields
    )


def _implies(term: Node, part: Node) -> bool:
    """True when whatever meets *term* meets *part* of a partial index's filter as well."""
    if isinstance(part, Exists) and part.exists:
        if isinstance(term, Exists):
            return term.exists and term.path == part.path
        values = _values(term)
        return bool(values) and getattr(term, "path", None) == part.path and None not in [*map(_null, values or ())]
    if isinstance(part, Compare) and isinstance(term, Compare | In) and part.path == term.path:
        values = _values(term)
        if values is not None:
            return bool(values) and all(_meets(value, part) for value in values)
        return isinstance(term, Compare) and _bounded(term, part)
    return type(term) is type(part) and isinstance(term, Exists | Type) and term == part


def _null(value: Any) -> Any:
    """None for values that a missing field equals, or that are not one value."""
    return None if value is None or not _is_scalar(value) else True


def _values(term: Node) -> Sequence[Any] | None:
    """The values that a condition allows; None when it is no equality."""
    if isinstance(term, Compare):
        return (term.value,) if term.op == "$eq" else None
    return term.values if isinstance(term, In) and not term.regexes else None


def _meets(value: Any, part: Compare) -> bool:
    """True when a value meets a comparison."""
    if not (_is_scalar(value) and _is_scalar(part.value)):
        return False
    if part.op == "$eq":
        return equal(value, part.value)
    key, limit = sort_key(value), sort_key(part.value)
    if not _has_range(part.value) or key[0] != limit[0]:
        return False
    return {"$gt": key > limit, "$gte": key >= limit, "$lt": key < limit, "$lte": key <= limit}[part.op]


def _bounded(term: Compare, part: Compare) -> bool:
    """True when a range lies within another."""
    if term.op[:3] != part.op[:3] or not (_has_range(term.value) and _has_range(part.value)):
        return False
    key, limit = sort_key(term.value), sort_key(part.value)
    if key[0] != limit[0]:
        return False
    if equal(term.value, part.value):
        return term.op == part.op or len(part.op) == len("$gte")
    return (key > limit) == part.op.startswith("$gt")


def _points(index: Index, terms: Sequence[Node], path: str) -> list[Any] | None:
    """Keys that a field must equal one of; None when no condition says so."""
    for term in terms:
        if not isinstance(term, Compare | In) or term.path != path:
            continue
        values = _values(term)
        if values is not None and all(map(_is_scalar, values)):
            keys = list(dict.fromkeys(map(index.key_of, values)))
            # A number in a path is also a field that elements lack: they match null without an entry that says so.
            return None if NULL in keys and _has_position(path) else keys
    return None


def _has_position(path: str) -> bool:
    """True for a path with a name that may be a position in an array."""
    return any(array_index(part) >= 0 for part in split_path(path)[1:])


def _bounds(index: Index, terms: Sequence[Node], path: str) -> tuple[tuple[Any, Any], ...]:
    """The ranges of keys that comparisons or a type allow a field; none when nothing bounds it."""
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
    return () if low is None else ((low, high),)


def _range(index: Index, prefix: Entry, bound: tuple[Any, Any] | None) -> Range:
    """Bounds of the entries that begin with *prefix* and go on within *bound*."""
    if bound is not None:
        return (*prefix, bound[0]), (*prefix, bound[1])
    if not prefix:
        return None, _NO_END
    if len(prefix) == len(index.spec.keys):
        return prefix, None
    return prefix, _above(prefix)


def _order(index: Index, prefix: Entry, sort: Sort) -> tuple[tuple[int, ...], bool, Sort | None] | None:
    """How far the index gives the order: which fields of the sort, whether from its end, and the sort that is left.

    Returns:
        None when it gives none of it.
    """
    if index.is_multikey or sort.collation != index.collation or sort.has_meta:
        return None
    fixed = index.spec.fields[: len(prefix)]
    wanted = [(place, path, way) for place, (path, way) in enumerate(sort.fields) if path not in fixed]
    if not wanted:
        return (), False, None
    places: list[int] = []
    way = wanted[0][2]
    for (place, path, direction), given in zip(wanted, index.spec.fields[len(fixed) :], strict=False):
        if path != given or direction != way:
            break
        places.append(place)
    left = [path for _, path, _ in wanted[len(places) :]]
    if not places or sum(path != "_id" for path in left) + index.has_arrays > 1:
        # Two fields may both be arrays, also of one element, which no order has a place for: that must be told of every
        # match, and not of those alone that a limit lets be read.
        return None
    return tuple(places), way < 0, sort if left else None


def _is_scalar(value: Any) -> bool:
    """True for a value whose equality means equality of keys: no array, and no expression to match text with."""
    return kind_of(value) not in (Kind.ARRAY, Kind.REGEX, Kind.UNDEFINED)


def _has_range(value: Any) -> bool:
    """True for a value whose type is a range of keys."""
    kind = kind_of(value)
    return RANKS[kind] in (10, 15, 30, 35, 40, 45, 47) and value == value


def _once(keys: Iterable[Any]) -> Iterator[Any]:
    """Each key at its first place."""
    seen: set[Any] = set()
    for key in keys:
        if key not in seen:
            seen.add(key)
            yield key

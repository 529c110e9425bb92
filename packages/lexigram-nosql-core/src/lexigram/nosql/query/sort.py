"""Orders: by fields, forwards or backwards, as MongoDB orders (manual, "Sort").

Values of all types have one order (:mod:`~lexigram.nosql.values.order`); a missing field sorts as null. An array sorts
by its least element forwards and its greatest backwards, an empty one before null; with several fields the least
combination of one element decides, and two different arrays cannot be combined. Equal documents stay in the order they
came in.

Most collections have one plain type in the sorted field. Then Python compares the values themselves: the fields are
drawn out as columns, and only columns that hold something else pay for keys.
"""

# Documents are of any type, and what is narrowed from Any has parts that are unknown to the checker.
# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false, reportUnknownMemberType=false
# pyright: reportUnknownLambdaType=false

from __future__ import annotations

import random
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from enum import Enum
from functools import lru_cache
from heapq import nlargest, nsmallest
from math import isnan
from operator import eq
from typing import TYPE_CHECKING, Any, Final, Literal

from lexigram.nosql.exceptions import DocumentValidationError, QueryOptionError
from lexigram.nosql.query.field_path import check_field_path
from lexigram.nosql.query.sort_columns import Column, Fixed, Open, draw_column, expand
from lexigram.nosql.query.suggest import shown
from lexigram.nosql.values.bson_compat import is_text
from lexigram.nosql.values.collation import Collation, parse_collation
from lexigram.nosql.values.kinds import is_number
from lexigram.nosql.values.order import number_value, sort_key
from lexigram.nosql.values.path import MISSING, query_values, split_path

if TYPE_CHECKING:
    from lexigram.nosql.query.parse import Query

__all__ = ["MAX_FIELDS", "Sort", "parse_sort"]

Document = dict[str, Any]
Direction = Literal[1, -1]

MAX_FIELDS: Final = 32
"""Fields that an order may have."""

_NULL: Final = (5,)
_METAS: Final = frozenset({"textScore", "randVal"})
_DIRECTIONS: Final[Mapping[str, Direction]] = {"asc": 1, "ascending": 1, "desc": -1, "descending": -1}
_NUMBERS: Final = frozenset({int, float})
_PLAIN: Final = frozenset({str, int, bytes, bool})


class _Backwards:
    """A key that compares the other way round."""

    __slots__ = ("key",)

    def __init__(self, key: Any) -> None:
        self.key = key

    def __lt__(self, other: _Backwards) -> bool:
        return bool(other.key < self.key)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Backwards) and bool(self.key == other.key)

    def __hash__(self) -> int:
        return hash(self.key)


class Sort:
    """An order. Made by :func:`parse_sort`; never changes.

    Attributes:
        fields: Paths and directions, the first deciding first. For a score the path is the name it was given.
        metas: Names among them that stand for a score, with which score.
        natural: 1 or -1 for the order in which documents are stored or its reverse, without fields; else 0.
        collation: How strings compare; None for by code point.
    """

    __slots__ = ("_key", "_parts", "_query", "collation", "fields", "metas", "natural")

    def __init__(
        self,
        fields: tuple[tuple[str, Direction], ...],
        metas: Mapping[str, str],
        natural: int,
        collation: Collation | None,
        query: Query | None,
    ) -> None:
        self.fields = fields
        self.metas = metas
        self.natural = natural
        self.collation = collation
        self._query = query
        self._key = sort_key if collation is None else collation.sort_key
        self._parts: tuple[tuple[str, ...], ...] = tuple([split_path(path) for path, _ in fields])

    def __repr__(self) -> str:
        return f"Sort({list(self.fields)!r})" if not self.natural else f"Sort($natural: {self.natural})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Sort) and (self.fields, self.metas, self.natural, self.collation) == (
            other.fields,
            other.metas,
            other.natural,
            other.collation,
        )

    def __hash__(self) -> int:
        return hash((self.fields, self.natural))

    @property
    def has_meta(self) -> bool:
        """True if not only fields decide: a score, chance, or the order of storage."""
        return bool(self.metas) or self.natural != 0

    @property
    def fields_needed(self) -> frozenset[str]:
        """Top-level fields that are read."""
        return frozenset(
            [parts[0] for (path, _), parts in zip(self.fields, self._parts, strict=True) if path not in self.metas]
        )

    def with_query(self, query: Query) -> Sort:
        """Say which filter gives the scores to sort by.

        Args:
            query: A filter with ``$text``.

        Returns:
            The same order.
        """
        return Sort(self.fields, self.metas, self.natural, self.collation, query)

    # Ordering

    def key(self, document: Document) -> Any:
        """Give the place of a document in this order.

        Args:
            document: A normalised document.

        Returns:
            Something that compares as the documents do.

        Raises:
            QueryOptionError: The document has two arrays that cannot be combined (code 2), or an ambiguous position in
                an array (code 16746), or the order is by a score that the filter does not give (code 40218).
        """
        return self.key_at(self.place(document))

    def place(self, document: Document) -> tuple[Any, ...]:
        """Give the place of a document, without directions, as plain data that can be kept.

        Args:
            document: A normalised document.

        Returns:
            For each field the key (:func:`~lexigram.nosql.values.order.sort_key`) that decides.

        Raises:
            QueryOptionError: As :meth:`key`.
        """
        columns = [[self._score(path, document)] if path in self.metas else None for path, _ in self.fields]
        return self._array_keys(document, columns)

    def key_at(self, place: Sequence[Any]) -> Any:
        """Give the key of a place that was kept.

        Args:
            place: What :meth:`place` gave.

        Returns:
            What :meth:`key` gives for a document at that place.
        """
        return tuple(
            [key if direction > 0 else _Backwards(key) for key, (_, direction) in zip(place, self.fields, strict=True)]
        )

    def sorted(self, documents: Iterable[Document]) -> list[Document]:
        """Order documents.

        Args:
            documents: Normalised documents.

        Returns:
            A new list of the documents themselves.

        Raises:
            QueryOptionError: As :meth:`key`.
        """
        found = list(documents)
        if self.natural:
            return found if self.natural > 0 else found[::-1]
        columns = self._columns(found)
        if len(columns) == 1:
            return _by_column(found, columns[0], self.fields[0][1] < 0)
        order = list(range(len(found)))
        # From the last field to the first, since each pass keeps what the one before made of equals.
        for (_, direction), column in zip(reversed(self.fields), reversed(columns), strict=True):
            order.sort(key=column.values.__getitem__, reverse=direction < 0)
        return [found[index] for index in order]

    def top(self, documents: Iterable[Document], n: int) -> list[Document]:
        """Order documents and keep the first.

        Args:
            documents: Normalised documents.
            n: How many to keep.

        Returns:
            A new list, as :meth:`sorted` cut after *n*.

        Raises:
            QueryOptionError: As :meth:`key`.
        """
        found = list(documents)
        if n <= 0:
            return []
        if self.natural or n * 4 >= len(found):
            return self.sorted(found)[:n]
        columns = self._columns(found)
        first, backwards = columns[0], self.fields[0][1] < 0
        if len(columns) == 1 and first.getter is not None:
            return (nlargest if backwards else nsmallest)(n, found, key=first.getter)
        # What the first field puts behind the first n cannot be among them.
        values = first.values
        if backwards:
            last = nlargest(n, values)[-1]
            kept = [index for index, value in enumerate(values) if not value < last]
        else:
            last = nsmallest(n, values)[-1]
            kept = [index for index, value in enumerate(values) if not last < value]
        for (_, direction), column in zip(reversed(self.fields), reversed(columns), strict=True):
            kept.sort(key=column.values.__getitem__, reverse=direction < 0)
        return [found[index] for index in kept[:n]]

    # Columns

    def _columns(self, documents: Sequence[Document]) -> list[Column]:
        """Draw out, for each field, something of every document that compares as the field does."""
        columns: list[Column] = []
        for (path, _), parts in zip(self.fields, self._parts, strict=True):
            if path in self.metas:
                columns.append(Column([self._score(path, document) for document in documents]))
                continue
            column = draw_column(documents, parts)
            if column is None:
                return self._columns_with_arrays(documents)
            columns.append(self._comparable(column))
        return columns

    def _comparable(self, column: Column) -> Column:
        values, classes = column.values, column.classes
        if self.collation is None or str not in classes:
            if len(classes) == 1 and classes <= _PLAIN:
                return column
            if classes <= _NUMBERS and (not isnan(sum(values)) or all(map(eq, values, values))):
                return column  # a sum with NaN is NaN, but so is one of both infinities
            if classes == {datetime} and None not in {value.tzinfo for value in values}:
                return column
        return Column(list(map(self._key, values)))

    def _columns_with_arrays(self, documents: Sequence[Document]) -> list[Column]:
        keys: list[tuple[Any, ...]] = []
        for document in documents:
            scores = [[self._score(path, document)] if path in self.metas else None for path, _ in self.fields]
            keys.append(self._array_keys(document, scores))
        return [Column(list(column)) for column in zip(*keys, strict=True)]

    def _array_keys(self, document: Document, scores: Sequence[Sequence[Any] | None]) -> tuple[Any, ...]:
        """Find the least combination of keys of a document, arrays taken apart."""
        pending: list[Any] = [
            Fixed(scored[0]) if scored is not None else Open(document, parts)
            for scored, parts in zip(scores, self._parts, strict=True)
        ]
        combinations = list(expand(pending))
        place = self._key
        keyed = [
            tuple(
                [
                    value.value if scored is not None else place(value.value)
                    for value, scored in zip(combination, scores, strict=True)
                ]
            )
            for combination in combinations
        ]
        if len(keyed) == 1:
            return keyed[0]
        directions = [direction for _, direction in self.fields]
        return min(
            keyed,
            key=lambda keys: tuple(
                [key if direction > 0 else _Backwards(key) for key, direction in zip(keys, directions, strict=True)]
            ),
        )

    def values(self, document: Document) -> list[Any]:
        """Give the values that decide where a document stands, as ``{"$meta": "sortKey"}`` shows them.

        Args:
            document: A normalised document.

        Returns:
            One for each field, None where there is none; of arrays, the element that decides.

        Raises:
            QueryOptionError: As :meth:`key`.
        """
        shown: list[Any] = []
        for (path, _), parts, key in zip(self.fields, self._parts, self.place(document), strict=True):
            if path in self.metas:
                shown.append(self._score(path, document))
                continue
            place = sort_key if self.collation is None else self.collation.sort_key
            reached = [value for value in query_values(document, parts) if value is not MISSING]
            shown.append(next((value for value in reached if place(value) == key), None))
        return shown

    def _score(self, name: str, document: Document) -> float:
        if self.metas[name] == "randVal":
            return random.random()  # noqa: S311 - an order by chance, not a secret
        if self._query is None or self._query.text is None:
            raise QueryOptionError(
                "sorting by textScore needs a filter with $text", hint="filter by {'$text': ...}", mongo_code=40218
            )
        return self._query.text_score(document)


def _by_column(documents: list[Document], column: Column, backwards: bool) -> list[Document]:
    if column.getter is not None:
        documents.sort(key=column.getter, reverse=backwards)
        return documents
    order = sorted(range(len(documents)), key=column.values.__getitem__, reverse=backwards)
    return [documents[index] for index in order]


# Reading specifications


def parse_sort(spec: Any, *, collation: Any = None, query: Query | None = None) -> Sort | None:
    """Read an order.

    Args:
        spec: A field's name; a mapping from paths to 1, -1 or ``{"$meta": "textScore"}``; a sequence of names and of
            pairs of path and direction; a :class:`Sort`; None.
        collation: How strings compare.
        query: The filter, if the order is by its score.

    Returns:
        The order; None if nothing is to be ordered by.

    Raises:
        QueryOptionError: It is not valid; ``mongo_code`` says why: 15974 for a direction that is no number, 15975 for
            one that is neither 1 nor -1, 7472500 for a field that stands twice, and others.
    """
    if spec is None:
        return None
    if isinstance(spec, Sort):
        return spec if query is None else spec.with_query(query)
    order = parse_collation(collation) if collation is not None else None
    pairs = _pairs(spec)
    if not pairs:
        return None
    if all(type(path) is str and type(direction) is int for path, direction in pairs):
        return _plain(tuple(pairs), order)
    return _read(pairs, order, query)


@lru_cache(maxsize=512)
def _plain(pairs: tuple[tuple[str, int], ...], order: Collation | None) -> Sort:
    return _read(pairs, order, None)


def _read(pairs: Sequence[tuple[Any, Any]], order: Collation | None, query: Query | None) -> Sort:
    if any(path == "$natural" for path, _ in pairs):
        return Sort((), {}, _natural(pairs), order, None)
    fields: dict[str, Direction] = {}
    metas: dict[str, str] = {}
    for path, value in pairs:
        if isinstance(value, Mapping):
            name = check_field_path(path, "a sort")
            metas[name] = _meta(value)
            direction: Direction = -1
        else:
            name = check_field_path(path, "a sort")
            direction = _direction(value, name)
        if name in fields:
            raise QueryOptionError(f"a sort names the field {name!r} twice", mongo_code=7472500)
        fields[name] = direction
    if len(fields) > MAX_FIELDS:
        raise QueryOptionError(f"a sort has at most {MAX_FIELDS} fields, this one {len(fields)}", mongo_code=13103)
    return Sort(tuple(fields.items()), metas, 0, order, query)


def _pairs(spec: Any) -> list[tuple[Any, Any]]:
    if is_text(spec):
        return [(spec, 1)]
    if isinstance(spec, Mapping):
        return list(spec.items())
    if not isinstance(spec, list | tuple):
        raise QueryOptionError(
            f"a sort is a field's name, a mapping, or pairs of field and direction, not {type(spec).__qualname__}",
            hint="such as [('price', -1)]",
            mongo_code=14,
        )
    # One pair alone is taken for the list that was probably meant.
    items = (
        [spec] if len(spec) == 2 and isinstance(spec[0], str) and not isinstance(spec[1], str | list | tuple) else spec
    )
    pairs: list[tuple[Any, Any]] = []
    for item in items:
        if isinstance(item, str):
            pairs.append((item, 1))
        elif isinstance(item, list | tuple) and len(item) == 2:
            pairs.append((item[0], item[1]))
        elif isinstance(item, Mapping):
            pairs.extend(item.items())
        else:
            raise QueryOptionError(
                "a sort is made of pairs of field and direction", hint="such as [('price', -1)]", mongo_code=14
            )
    return pairs


def _direction(value: Any, path: str) -> Direction:
    given = value.value if isinstance(value, Enum) else value
    if isinstance(value, Enum) and isinstance(given, str) and given.lower() in _DIRECTIONS:
        return _DIRECTIONS[given.lower()]
    try:
        number = number_value(given) if is_number(given) else None
    except DocumentValidationError:
        number = None
    if number is None:
        hint = "1 for ascending, -1 for descending"
        raise QueryOptionError(f"a sort's direction is a number: {path!r}", hint=hint, mongo_code=15974)
    if number != number or not -2 < number < 2 or int(number) == 0:
        raise QueryOptionError(
            f"a sort's direction is 1 (ascending) or -1 (descending), not {shown(number)}: {path!r}", mongo_code=15975
        )
    return 1 if number > 0 else -1


def _meta(value: Mapping[Any, Any]) -> str:
    if "$meta" not in value:
        raise QueryOptionError(
            "a sort orders by fields; $meta is the only expression it takes", hint="1 or -1", mongo_code=17312
        )
    if len(value) != 1:
        raise QueryOptionError("$meta stands alone in a sort", mongo_code=9)
    meta = value["$meta"]
    if not is_text(meta) or meta not in _METAS:
        raise QueryOptionError(f"a sort orders by {' or '.join(sorted(_METAS))}, not by this $meta", mongo_code=31138)
    return meta


def _natural(pairs: Sequence[tuple[Any, Any]]) -> int:
    if len(pairs) > 1:
        raise QueryOptionError("$natural stands alone in a sort", mongo_code=2)
    try:
        return _direction(pairs[0][1], "$natural")
    except QueryOptionError as error:
        raise QueryOptionError("$natural is 1 or -1", mongo_code=2) from error

"""Joins by equality: one query for many documents, and a hash table for what comes back.

The meaning is that of a filter ``{foreign: {"$in": [the local values]}}`` for each document (manual, "$lookup"): a
local array stands for its elements, no local value at all for null, null finds documents without the field too, and a
foreign array matches by element and as a whole. Which foreign documents null finds is asked of the filter itself.
"""

# The class of an Any is Unknown to pyright, and this module asks for classes all the time.
# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false, reportUnknownMemberType=false

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from lexigram.nosql.aggregation.stages.base import Batch, Document
from lexigram.nosql.aggregation.stages.fields import joined_values
from lexigram.nosql.query.parse import Query, parse_filter
from lexigram.nosql.values.collation import Collation
from lexigram.nosql.values.kinds import Kind, class_kind
from lexigram.nosql.values.order import hash_key
from lexigram.nosql.values.path import MISSING, query_values, split_path

__all__ = ["Foreign", "Local", "Table"]

_SIMPLE: Final = frozenset({str, int, float, bool, type(None)})
_SELVES: Final = (frozenset({str}), frozenset({int}), frozenset({str, int}))  # these stand for themselves


class Local:
    """The local side of a join.

    Args:
        names: The path that is compared.
        identity: Gives something hashable that is equal for equal values.
    """

    def __init__(self, names: Sequence[str], identity: Callable[[Any], Any]) -> None:
        self._names = tuple(names)
        self._identity = identity
        self._plain = identity is hash_key

    def single(self, batch: Batch) -> list[Any] | None:
        """The value of each document where each has one, null where there is none; None where one has several."""
        if len(self._names) == 1:
            name = self._names[0]
            values = [document.get(name) for document in batch]
            return None if list in map(type, values) else values
        found = self.several(batch)
        return [values[0] for values in found] if all(len(values) == 1 for values in found) else None

    def several(self, batch: Batch) -> list[list[Any]]:
        """The values of each document, at least one; null where there is none."""
        return [joined_values(document, self._names) or [None] for document in batch]

    def keys(self, values: list[Any]) -> list[Any]:
        """What tells values apart."""
        if self._plain and frozenset(map(type, values)) in _SELVES:
            return values
        return list(map(self._identity, values))


class Foreign:
    """The foreign side of a join.

    Args:
        path: The field that is compared.
        collation: How text is compared.
    """

    def __init__(self, path: str, collation: Collation | None) -> None:
        self.path = path
        self.collation = collation
        self.identity: Callable[[Any], Any] = hash_key if collation is None else collation.hash_key
        self.null = self.identity(None)
        self._names = split_path(path)
        self._single = self._names[0] if len(self._names) == 1 else None
        self._is_null = parse_filter({path: None}, collation=collation)

    def query(self, values: Sequence[Any], also: Mapping[str, Any] | None = None) -> Query:
        """The filter for all documents that one of the values finds.

        Args:
            values: The values.
            also: Another filter that they must match.

        Returns:
            The query.
        """
        plain = [value for value in values if not _is_regex(value)]
        condition: dict[str, Any] = {self.path: {"$in": plain}}
        if len(plain) < len(values):
            # In a list a regular expression would be matched; here it is compared.
            exact = [{self.path: {"$eq": value}} for value in values if _is_regex(value)]
            condition = {"$or": [condition, *exact]}
        return parse_filter({"$and": [also, condition]} if also else condition, collation=self.collation)

    def keys(self, document: Document) -> set[Any]:
        """What tells apart the values that find a document."""
        value = document.get(self._single, MISSING) if self._single is not None else None
        if self._single is not None and type(value) in _SIMPLE:
            return {self.identity(value)}
        found = {
            self.identity(item)
            for item in query_values(document, self._names)
            if item is not MISSING and item is not None
        }
        if self._is_null.matches(document):
            found.add(self.null)
        return found


def _is_regex(value: Any) -> bool:
    cls = type(value)
    return cls not in _SIMPLE and class_kind(cls) is Kind.REGEX


class Table:
    """Foreign documents by the values that find them.

    Args:
        foreign: The foreign side.
    """

    __slots__ = ("_foreign", "_order", "_places", "known")

    def __init__(self, foreign: Foreign) -> None:
        self._foreign = foreign
        self._places: dict[Any, list[Document]] = {}
        self._order: dict[int, int] = {}
        self.known: set[Any] = set()

    def clear(self) -> None:
        """Forget everything."""
        self._places.clear()
        self._order.clear()
        self.known.clear()

    def add(self, keys: set[Any], documents: Batch) -> None:
        """Take the documents that a query for some values gave, all of them and in order.

        Args:
            keys: What tells the values apart.
            documents: The documents.
        """
        self.known |= keys
        places, order = self._places, self._order
        for document in documents:
            order.setdefault(id(document), len(order))
            for key in self._foreign.keys(document):
                if key in keys:
                    place = places.get(key)
                    if place is None:
                        places[key] = [document]
                    else:
                        place.append(document)

    def find(self, keys: Sequence[Any]) -> list[Batch]:
        """The documents that each value finds; the lists are not to be changed."""
        places = self._places
        return [places.get(key, _NONE) for key in keys]

    def find_any(self, keys: Sequence[Any]) -> Batch:
        """The documents that any of several values finds, in the order in which they were added."""
        found = {id(document): document for key in keys for document in self._places.get(key, _NONE)}
        order = self._order
        return [found[place] for place in sorted(found, key=order.__getitem__)]


_NONE: Final[Batch] = []

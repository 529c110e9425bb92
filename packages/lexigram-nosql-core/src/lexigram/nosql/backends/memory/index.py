"""One secondary index in memory.

Each document gives a set of entries, tuples of sort keys, one for each combination of array elements (a *multikey*
index, as MongoDB's). Entries are kept in a dict for equality and, once a range or an order was asked for, also sorted.
A missing field is indexed as null, an empty array below it. Text indexes hold no entries: they only name their fields.
"""

# The class of an Any is Unknown to pyright, and this module asks for classes all the time.
# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false, reportUnknownMemberType=false

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from lexigram.nosql.driver import Document
from lexigram.nosql.exceptions import NoSQLIndexError
from lexigram.nosql.indexes import IndexSpec
from lexigram.nosql.query.parse import parse_filter
from lexigram.nosql.values.collation import parse_collation
from lexigram.nosql.values.order import sort_key
from lexigram.nosql.values.path import MISSING, array_index, split_path
from sortedcontainers import SortedList

__all__ = ["EMPTY_ARRAY", "NULL", "Entry", "Index"]

Entry = tuple[Any, ...]

NULL = sort_key(None)
EMPTY_ARRAY = sort_key(MISSING)


class Index:
    """Entries of one index, and which documents have them.

    Args:
        spec: What it indexes.
    """

    def __init__(self, spec: IndexSpec) -> None:
        self.spec = spec
        self.is_text = any(way == "text" for _, way in spec.keys)
        self._paths = tuple(split_path(path) for path in spec.fields)
        collation = parse_collation(spec.collation)
        self.collation = collation
        self.key_of = sort_key if collation is None else collation.sort_key
        self._partial = None if spec.partial_filter is None else parse_filter(spec.partial_filter)
        self.partial_root = None if self._partial is None else self._partial.root
        self._holders: dict[Entry, dict[Any, None]] = {}
        self._sorted: SortedList[Entry] | None = None
        self._multikey = 0

    @property
    def is_multikey(self) -> bool:
        """True when some document holds an array in an indexed field."""
        return self._multikey > 0

    @property
    def covers_all(self) -> bool:
        """True when every document has an entry, so that the index can give an order."""
        return not (self.spec.sparse or self._partial is not None or self.is_text)

    def entries_of(self, document: Document) -> frozenset[Entry]:
        """The entries of a document; none when the index leaves it out.

        Raises:
            NoSQLIndexError: Two of the indexed fields hold arrays (MongoDB's code 171).
        """
        if self.is_text or (self._partial is not None and not self._partial.matches(document)):
            return frozenset()
        if len(self._paths) == 1 and len(self._paths[0]) == 1:
            value = document.get(self._paths[0][0], MISSING)
            if type(value) is not list:
                if value is MISSING:
                    return frozenset() if self.spec.sparse else _NULL_ENTRY
                return frozenset(((self.key_of(value),),))
        found: set[Entry] = set()
        if not self._expand(document, {}, found) and self.spec.sparse:
            return frozenset()
        return frozenset(found)

    def _expand(self, document: Document, chosen: dict[tuple[str, ...], Any], found: set[Entry]) -> bool:
        """Collect the entries for each choice of array elements; True when an indexed field is there at all."""
        entry: list[Any] = []
        present = False
        for path in self._paths:
            value, array_at = _resolve(document, path, chosen)
            if array_at is not None:
                if any(array_at[: len(prefix)] != prefix for prefix in chosen):
                    raise NoSQLIndexError(
                        f"the index {self.spec.name!r} cannot index two arrays of one document", mongo_code=171
                    )
                present = array_at == path
                for element in value or (_EMPTY,):
                    present = self._expand(document, {**chosen, array_at: element}, found) or present
                return present
            present = present or value is not MISSING
            entry.append(EMPTY_ARRAY if value is _EMPTY else NULL if value is MISSING else self.key_of(value))
        found.add(tuple(entry))
        return present

    def add(self, key: Any, entries: frozenset[Entry]) -> None:
        """Record that the document *key* has *entries*."""
        holders = self._holders
        for entry in entries:
            held = holders.get(entry)
            if held is None:
                holders[entry] = {key: None}
                if self._sorted is not None:
                    self._sorted.add(entry)
            else:
                held[key] = None
        if len(entries) > 1:
            self._multikey += 1

    def remove(self, key: Any, entries: frozenset[Entry]) -> None:
        """Forget that the document *key* has *entries*."""
        holders = self._holders
        for entry in entries:
            held = holders[entry]
            del held[key]
            if not held:
                del holders[entry]
                if self._sorted is not None:
                    self._sorted.remove(entry)
        if len(entries) > 1:
            self._multikey -= 1

    def holder(self, entries: Iterable[Entry], but: Iterable[Any]) -> tuple[Entry, Any] | None:
        """An entry that another document has already, and that document's key."""
        exempt = set(but)
        for entry in entries:
            for key in self._holders.get(entry, ()):
                if key not in exempt:
                    return entry, key
        return None

    def keys_at(self, entry: Entry) -> Iterable[Any]:
        """The documents that have exactly this entry."""
        return self._holders.get(entry, ())

    def count_at(self, entry: Entry) -> int:
        """How many documents have exactly this entry."""
        return len(self._holders.get(entry, ()))

    def keys_between(self, low: Entry | None, high: Entry | None, *, reverse: bool = False) -> Iterator[Any]:
        """The documents with entries from *low* (included) to *high* (excluded), in order of entry.

        A document with several entries in between comes once for each.
        """
        holders = self._holders
        for entry in self._ordered().irange(low, high, inclusive=(True, False), reverse=reverse):
            yield from holders[entry]

    def count_between(self, low: Entry | None, high: Entry | None) -> int:
        """How many entries lie from *low* (included) to *high* (excluded)."""
        ordered = self._ordered()
        start = 0 if low is None else ordered.bisect_left(low)
        end = len(ordered) if high is None else ordered.bisect_left(high)
        return max(0, end - start)

    def __len__(self) -> int:
        return len(self._holders)

    def _ordered(self) -> SortedList[Entry]:
        if self._sorted is None:
            self._sorted = SortedList(self._holders)
        return self._sorted


_EMPTY: Any = object()
_NULL_ENTRY: frozenset[Entry] = frozenset(((NULL,),))


def _resolve(
    document: Document, path: tuple[str, ...], chosen: dict[tuple[str, ...], Any]
) -> tuple[Any, tuple[str, ...] | None]:
    """Follow a path; at an array stop and say where, unless an element was chosen for it."""
    value: Any = document
    for depth, part in enumerate(path):
        if isinstance(value, list):
            position = array_index(part)
            value = value[position] if 0 <= position < len(value) else MISSING
        elif isinstance(value, dict):
            value = value.get(part, MISSING)
        else:
            return MISSING, None
        if isinstance(value, list):
            at = path[: depth + 1]
            if at in chosen:
                value = chosen[at]
                if value is _EMPTY and depth + 1 < len(path):
                    return MISSING, None
            elif depth + 1 == len(path) or array_index(path[depth + 1]) < 0:
                return value, at
    return value, None

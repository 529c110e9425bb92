"""One secondary index in memory.

Each document gives a set of entries, tuples of sort keys, one for each combination of array elements (a *multikey*
index, as MongoDB's). Entries are kept in a dict for equality and, once a range or an order was asked for, also sorted.
A missing field is indexed as null, an empty array below it. Text indexes hold no entries: they only name their fields.

Whatever a comparison on the path looks at is among the entries, so a look-up finds every document that may match; what
it finds besides is dropped by the filter itself.
"""

# The class of an Any is Unknown to pyright, and this module asks for classes all the time.
# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false, reportUnknownMemberType=false

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator
from itertools import chain
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


class ArrayEntries(frozenset[Entry]):
    """Entries of a document with an array on an indexed path, of which there may be one only."""


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
        self.partial = None if spec.partial_filter is None else parse_filter(spec.partial_filter)
        self._names = tuple([path[0] for path in self._paths]) if all(len(path) == 1 for path in self._paths) else ()
        self._roots = tuple(dict.fromkeys([path[0] for path in self._paths]))
        self._holders: dict[Entry, dict[Any, None]] = {}
        self._sorted: SortedList[Entry] | None = None
        self._multikey = 0
        self._arrays = 0
        self._held = 0

    @property
    def is_multikey(self) -> bool:
        """True when some document has several entries."""
        return self._multikey > 0

    @property
    def has_arrays(self) -> bool:
        """True when some document holds an array on an indexed path, of any length."""
        return self._arrays > 0

    def agrees(self, old: Document, new: Document) -> bool:
        """True when two documents share what is indexed, as before and after an update, and so have the same entries.

        False says nothing: the entries may still be the same.
        """
        if self.partial is not None:
            return False
        for name in self._roots:  # noqa: SIM110 - a generator would take longer than the look-ups
            if old.get(name, MISSING) is not new.get(name, MISSING):
                return False
        return True

    def entries_of(self, document: Document) -> frozenset[Entry]:
        """The entries of a document; none when the index leaves it out.

        Raises:
            NoSQLIndexError: Two of the indexed fields hold arrays (MongoDB's code 171), or a number in a path means
                both a position in an array and a field of its elements (code 16746).
        """
        if self.is_text or (self.partial is not None and not self.partial.matches(document)):
            return frozenset()
        if self._names:
            values = [document.get(name, MISSING) for name in self._names]
            if list not in map(type, values):
                if self.spec.sparse and all(value is MISSING for value in values):
                    return frozenset()
                key_of = self.key_of
                return frozenset((tuple([NULL if value is MISSING else key_of(value) for value in values]),))
        found: set[Entry] = set()
        if not self._expand(document, {}, found) and self.spec.sparse:
            return frozenset()
        return ArrayEntries(found) if any(_meets_array(document, path) for path in self._paths) else frozenset(found)

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
        self._held += len(entries)
        if type(entries) is ArrayEntries:
            self._arrays += 1
            self._multikey += len(entries) > 1

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
        self._held -= len(entries)
        if type(entries) is ArrayEntries:
            self._arrays -= 1
            self._multikey -= len(entries) > 1

    def holder(self, entries: Iterable[Entry], but: Container[Any]) -> Any:
        """The key of a document, none of *but*, that has one of the entries; None when there is none."""
        for entry in entries:
            for key in self._holders.get(entry, ()):
                if key not in but:
                    return key
        return None

    def held_twice(self) -> Any:
        """The key of a document one of whose entries another document has too; None when there is none."""
        return next((next(iter(held)) for held in self._holders.values() if len(held) > 1), None)

    def keys_at(self, entry: Entry) -> Iterable[Any]:
        """The documents that have exactly this entry."""
        return self._holders.get(entry, ())

    def count_at(self, entry: Entry) -> int:
        """How many documents have exactly this entry."""
        return len(self._holders.get(entry, ()))

    def between(self, low: Entry | None, high: Entry | None, *, reverse: bool = False) -> Iterator[Entry]:
        """The entries from *low* (included) to *high* (excluded), in order."""
        return self._ordered().irange(low, high, inclusive=(True, False), reverse=reverse)

    def keys_between(self, low: Entry | None, high: Entry | None, *, reverse: bool = False) -> Iterator[Any]:
        """The documents with such entries, in order of entry; one with several of them comes once for each."""
        return chain.from_iterable(map(self._holders.__getitem__, self.between(low, high, reverse=reverse)))

    def count_between(self, low: Entry | None, high: Entry | None) -> float:
        """About how many documents have entries from *low* (included) to *high* (excluded)."""
        ordered = self._ordered()
        start = 0 if low is None else ordered.bisect_left(low)
        end = len(ordered) if high is None else ordered.bisect_left(high)
        return max(0, end - start) * self._held / len(ordered) if ordered else 0

    def _ordered(self) -> SortedList[Entry]:
        if self._sorted is None:
            self._sorted = SortedList(self._holders)
        return self._sorted


_EMPTY: Any = object()


def _meets_array(document: Document, path: tuple[str, ...]) -> bool:
    """True when an array stands on a path or at its end."""
    value: Any = document
    for part in path:
        if type(value) is not dict:
            break
        value = value.get(part)
    return type(value) is list


def _resolve(
    document: Document, path: tuple[str, ...], chosen: dict[tuple[str, ...], Any]
) -> tuple[Any, tuple[str, ...] | None]:
    """Follow a path; at an array stop and say where, unless an element was chosen for it."""
    value: Any = document
    for depth, part in enumerate(path):
        if isinstance(value, list):
            position = array_index(part)
            if position >= 0 and any(isinstance(item, dict) and part in item for item in value):
                raise NoSQLIndexError(
                    f"cannot index {'.'.join(path)!r}: {part!r} is a position in the array and a field of an element",
                    mongo_code=16746,
                )
            value = value[position] if 0 <= position < len(value) else MISSING
        elif isinstance(value, dict):
            value = value.get(part, MISSING)
        else:
            return MISSING, None
        if isinstance(value, list):
            if depth + 1 < len(path) and array_index(path[depth + 1]) >= 0:
                continue  # a position in the array, whichever of its elements another path has chosen
            at = path[: depth + 1]
            if at not in chosen:
                return value, at
            value = chosen[at]
            if value is _EMPTY and depth + 1 < len(path):
                return MISSING, None
    return value, None

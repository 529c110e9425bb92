"""The documents of one collection, in all versions that a running transaction may still see.

Every committed write has a number, its version. The table holds the latest state of each document; while transactions
run, also the number that stored it, and what it replaced (``_past``), with the numbers from and to which that stood. A
reader with a snapshot sees what stood at that number. Without transactions no numbers are kept: any later snapshot sees
everything that is there.

Nothing here waits, so each method is atomic among the tasks of an event loop.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from lexigram.nosql.backends.memory.feed import Change, ChangeLog
from lexigram.nosql.backends.memory.index import Entry, Index
from lexigram.nosql.driver import Document
from lexigram.nosql.exceptions import DuplicateKeyError, NoSQLFilterError, NoSQLIndexError
from lexigram.nosql.values.copying import copy_value
from lexigram.nosql.values.order import hash_key
from lexigram.nosql.values.path import get_path, split_path

__all__ = ["Table", "duplicate_key", "key_of"]


class _Past(NamedTuple):
    """A document as it was from one version up to, but not including, another."""

    document: Document
    start: int
    end: int


class Table:
    """One collection.

    Args:
        name: Its name.
        history: How many changes its feed keeps.
    """

    def __init__(self, name: str, history: int) -> None:
        self.name = name
        self.documents: dict[Any, Document] = {}
        self.indexes: dict[str, Index] = {}
        self.expiring: tuple[Index, ...] = ()
        self.dropped = False
        self.log = ChangeLog(name, history)
        self._versions: dict[Any, int] = {}
        self._past: dict[Any, list[_Past]] = {}

    def visible(self, key: Any, snapshot: int) -> Document | None:
        """The document *key* as it stood at *snapshot*, or None."""
        if self._versions.get(key, 0) <= snapshot:
            document = self.documents.get(key)
            if document is not None:
                return document
        for past in self._past.get(key, ()):
            if past.start <= snapshot < past.end:
                return past.document
        return None

    def changed_since(self, key: Any, snapshot: int) -> bool:
        """True when *key* was written after *snapshot*."""
        if self._versions.get(key, 0) > snapshot:
            return True
        return any(past.end > snapshot for past in self._past.get(key, ()))

    def keys_with_past(self) -> Iterable[Any]:
        """The documents that a snapshot may see differently from now."""
        return self._past

    def snapshot_keys(self) -> list[Any]:
        """The keys of everything that any snapshot can see, in the order in which it was inserted."""
        return [*self.documents, *(key for key in self._past if key not in self.documents)]

    def write(self, changes: Mapping[Any, Change], version: int, *, keep_past: bool) -> None:
        """Store several changes as one version, all or none.

        Args:
            changes: What happens to each document, by key.
            version: Number of this write.
            keep_past: True while transactions run that may need what is replaced.

        Raises:
            DuplicateKeyError: A unique index would hold a key twice; nothing was stored.
            NoSQLIndexError: A document cannot be indexed; nothing was stored.
        """
        entries = self._checked_entries(changes)
        for key, change in changes.items():
            for index, before, after in entries.get(key, ()):
                if before != after:
                    index.remove(key, before)
                    index.add(key, after)
            if keep_past:
                old = self.documents.get(key)
                if old is not None:
                    self._past.setdefault(key, []).append(_Past(old, self._versions.get(key, 0), version))
                self._versions[key] = version
            if change.after is None:
                self.documents.pop(key, None)
            else:
                self.documents[key] = change.after
            self.log.append(change)

    def insert_new(self, documents: Sequence[Document]) -> list[int]:
        """Insert documents where nothing needs checking but their ``_id``: without indexes and transactions.

        Returns:
            Positions of those whose ``_id`` stands already; nothing is tried after the first.
        """
        held, append = self.documents, self.log.append
        for position, document in enumerate(documents):
            key = key_of(document)
            if key in held:
                return [position]
            held[key] = document
            append(Change("insert", document["_id"], None, document))
        return []

    def check(self, changes: Mapping[Any, Change]) -> None:
        """Find out whether :meth:`write` would refuse these changes.

        Raises:
            DuplicateKeyError: A unique index would hold a key twice.
            NoSQLIndexError: A document cannot be indexed.
        """
        self._checked_entries(changes)

    def forget_past(self, oldest: int | None) -> None:
        """Drop versions that no running transaction can see; *oldest* is the lowest snapshot, None without any."""
        if oldest is None:
            self._past.clear()
            self._versions.clear()
            return
        for key in list(self._past):
            kept = [past for past in self._past[key] if past.end > oldest]
            if kept:
                self._past[key] = kept
            else:
                del self._past[key]

    def add_index(self, index: Index) -> None:
        """Fill an index and begin to use it.

        Raises:
            DuplicateKeyError: It is unique, and documents hold the same key; it is not added.
            NoSQLIndexError: A document cannot be indexed; it is not added.
        """
        for key, document in self.documents.items():
            entries = index.entries_of(document)
            if index.spec.unique:
                self._refuse_duplicate(index, entries, (key,))
            index.add(key, entries)
        self.indexes[index.spec.name] = index
        self._note_expiring()

    def drop_index(self, name: str) -> None:
        """Stop using an index."""
        del self.indexes[name]
        self._note_expiring()

    def _note_expiring(self) -> None:
        self.expiring = tuple(index for index in self.indexes.values() if index.spec.expire_after_seconds is not None)

    def _checked_entries(
        self, changes: Mapping[Any, Change]
    ) -> dict[Any, list[tuple[Index, frozenset[Entry], frozenset[Entry]]]]:
        """What each index drops and gains, after checking the unique ones."""
        if not self.indexes:
            return {}
        result: dict[Any, list[tuple[Index, frozenset[Entry], frozenset[Entry]]]] = {}
        for index in self.indexes.values():
            taken: dict[Entry, Any] = {}
            for key, change in changes.items():
                old = self.documents.get(key)
                before = index.entries_of(old) if old is not None else frozenset[Entry]()
                after = index.entries_of(change.after) if change.after is not None else frozenset[Entry]()
                if index.spec.unique and after:
                    if after != before:
                        self._refuse_duplicate(index, after - before, changes)
                    for entry in after:
                        if taken.setdefault(entry, key) != key:
                            raise self._duplicate(index, change.after)
                result.setdefault(key, []).append((index, before, after))
        return result

    def _refuse_duplicate(self, index: Index, entries: Iterable[Entry], but: Iterable[Any]) -> None:
        found = index.holder(entries, but)
        if found is not None:
            raise self._duplicate(index, self.documents[found[1]])

    def _duplicate(self, index: Index, document: Document | None) -> DuplicateKeyError:
        key = {path: copy_value(get_path(document or {}, split_path(path), None)) for path in index.spec.fields}
        return duplicate_key(self.name, index.spec.name, key)

    def text_fields(self) -> tuple[str, ...]:
        """The fields that ``$text`` searches.

        Raises:
            NoSQLFilterError: There is no text index (MongoDB's code 27).
        """
        for index in self.indexes.values():
            if index.is_text:
                return tuple(path for path, way in index.spec.keys if way == "text")
        raise NoSQLFilterError(
            f"$text needs a text index on {self.name!r}",
            hint=f"collection({self.name!r}).create_index([('field', 'text')])",
            mongo_code=27,
        )

    def index_called(self, hint: object) -> Index:
        """The index with a name, or with keys.

        Raises:
            NoSQLIndexError: There is none.
        """
        for index in self.indexes.values():
            if hint in (index.spec.name, index.spec.keys):
                return index
        raise NoSQLIndexError(
            f"there is no index {hint!r}",
            hint=f"There are: {', '.join(['_id_', *self.indexes])}.",
            collection=self.name,
            mongo_code=2,
        )


def duplicate_key(collection: str, index: str, key: dict[str, Any]) -> DuplicateKeyError:
    """The error for a key that stands already."""
    return DuplicateKeyError(
        f"E11000 duplicate key in collection {collection!r}, index {index!r}: {key!r}",
        index=index,
        key=key,
        collection=collection,
    )


def key_of(document: Document) -> Any:
    """What a document is stored under."""
    return hash_key(document["_id"])

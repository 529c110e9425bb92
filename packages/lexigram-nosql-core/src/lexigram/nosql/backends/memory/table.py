"""The documents of one collection, in all versions that a running transaction may still see.

Every committed write has a number, its version. The table holds the latest state of each document; while transactions
run, also the number that stored it, and what it replaced (``_past``), with the numbers from and to which that stood. A
reader with a snapshot sees what stood at that number. Without transactions no numbers are kept: any later snapshot sees
everything that is there.

Nothing here waits but the filling of an index, so every other method is atomic among the tasks of an event loop.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from lexigram.nosql.backends.memory.feed import Change, ChangeLog
from lexigram.nosql.backends.memory.index import Entry, Index
from lexigram.nosql.driver import Document
from lexigram.nosql.exceptions import DuplicateKeyError, NoSQLFilterError, NoSQLIndexError
from lexigram.nosql.indexes import ID_INDEX
from lexigram.nosql.values.copying import copy_value
from lexigram.nosql.values.order import hash_key
from lexigram.nosql.values.path import get_path, split_path

if TYPE_CHECKING:
    from lexigram.nosql.backends.memory.transactions import Transaction

__all__ = ["Entries", "Table", "duplicate_key", "key_of"]

Entries = list[tuple[Index, Any, frozenset[Entry], frozenset[Entry]]]
"""What a write changes in the indexes: index, key of the document, entries before, entries after."""

_NONE: frozenset[Entry] = frozenset()
_TURN = 1000


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

    Attributes:
        documents: The latest state of every document, by key, in the order of insertion.
        indexes: The secondary indexes, by name.
        expiring: Those among them that make documents expire.
        claims: The running transaction that has written a document, by key.
        building: For each index that is being filled, the keys of what was written meanwhile.
        exists: True once it has held a document or an index.
        dropped: True once it has been removed from the database.
        log: The change feed.
    """

    def __init__(self, name: str, history: int) -> None:
        self.name = name
        self.documents: dict[Any, Document] = {}
        self.indexes: dict[str, Index] = {}
        self.expiring: tuple[Index, ...] = ()
        self.claims: dict[Any, Transaction] = {}
        self.building: list[dict[Any, None]] = []
        self.exists = False
        self.dropped = False
        self.log = ChangeLog(name, history)
        self._ids: Index | None = None
        self._listed: list[Document] | None = None
        self._versions: dict[Any, int] = {}
        self._past: dict[Any, list[_Past]] = {}
        self._order: list[Any] = []

    def listed(self) -> Sequence[Document]:
        """The documents as they are now, in the order of insertion; not to be changed. Kept until the next write."""
        if self._listed is None:
            self._listed = list(self.documents.values())
        return self._listed

    # --- versions

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
        return self._versions.get(key, 0) > snapshot

    def keys_with_past(self) -> Iterable[Any]:
        """The documents that a snapshot may see differently from now."""
        return self._past

    def snapshot_keys(self) -> list[Any]:
        """The keys of everything that any snapshot can see, in the order in which it was inserted."""
        return [*self._order, *self.documents]

    def forget_past(self, oldest: int | None) -> None:
        """Drop versions that no running transaction can see; *oldest* is the lowest snapshot, None without any."""
        if oldest is None:
            self._past.clear()
            self._versions.clear()
            self._order = []
            return
        for key in [key for key, version in self._versions.items() if version <= oldest]:
            del self._versions[key]
        for key, pasts in list(self._past.items()):
            kept = [past for past in pasts if past.end > oldest]
            if kept:
                self._past[key] = kept
            else:
                del self._past[key]

    # --- writes

    def check(self, changes: Mapping[Any, Change]) -> Entries:
        """Find out what several changes, as one version, do to the indexes.

        Args:
            changes: What happens to each document, by key.

        Returns:
            What :meth:`write` needs.

        Raises:
            DuplicateKeyError: A unique index would hold a key twice.
            NoSQLIndexError: A document cannot be indexed.
        """
        entries: Entries = []
        for index in self.indexes.values():
            taken: dict[Entry, Any] = {}
            # Where entries may pass from one document to another, those that stay where they are count too.
            alone = len(changes) == 1 or not index.spec.unique
            for key, change in changes.items():
                old = self.documents.get(key)
                if alone and old is not None and change.after is not None and index.agrees(old, change.after):
                    continue
                before = _NONE if old is None else index.entries_of(old)
                after = _NONE if change.after is None else index.entries_of(change.after)
                if index.spec.unique and after:
                    self._refuse_duplicate(index, after - before, changes)
                    if any(taken.setdefault(entry, key) != key for entry in after):
                        raise self.duplicate(index, change.after)
                if before != after or type(before) is not type(after):
                    entries.append((index, key, before, after))
        return entries

    def write(self, changes: Mapping[Any, Change], entries: Entries, version: int, *, keep_past: bool) -> None:
        """Store several changes as one version.

        Args:
            changes: What happens to each document, by key.
            entries: What :meth:`check` gave for them.
            version: Number of this write.
            keep_past: True while transactions run that may need what is replaced.
        """
        self.exists = True
        self._listed = None
        for changed in self.building:
            changed.update(dict.fromkeys(changes))
        # All that goes before all that comes: in a unique index an entry may pass from one document to another.
        for index, key, before, _ in entries:
            index.remove(key, before)
        for index, key, _, after in entries:
            index.add(key, after)
        for key, change in changes.items():
            old = self.documents.get(key)
            if keep_past:
                if old is not None:
                    if change.after is None and not self._order:
                        # A deleted document keeps its place for those who still see it.
                        self._order = list(self.documents)
                    self._past.setdefault(key, []).append(_Past(old, self._versions.get(key, 0), version))
                self._versions[key] = version
            if change.after is not None:
                self.documents[key] = change.after
            elif old is not None:
                del self.documents[key]
            if self._ids is not None and (old is None) != (change.after is None):
                self._note_id(self._ids, key, change)
            self.log.append(change)

    def insert_new(self, documents: Sequence[Document]) -> int:
        """Insert documents where nothing needs checking but their ``_id``: without indexes and transactions.

        Returns:
            How many were inserted: all, or those before the first whose ``_id`` stands already.
        """
        held = self.documents
        self._listed = None
        count = 0
        for document in documents:
            identity = document["_id"]
            key = identity if type(identity) is str else hash_key(identity)
            if key in held:
                break
            held[key] = document
            count += 1
        inserted = documents if count == len(documents) else documents[:count]
        self.exists = self.exists or count > 0
        if self._ids is not None:
            for document in inserted:
                identity = document["_id"]
                self._note_id(self._ids, hash_key(identity), Change("insert", identity, None, document))
        self.log.extend(inserted)
        return count

    def _refuse_duplicate(self, index: Index, entries: Iterable[Entry], but: Collection[Any]) -> None:
        holder = index.holder(entries, but)
        if holder is not None:
            raise self.duplicate(index, self.documents[holder])

    def duplicate(self, index: Index, document: Document | None) -> DuplicateKeyError:
        """The error for a document whose key in a unique index stands already."""
        key = {path: copy_value(get_path(document or {}, split_path(path), None)) for path in index.spec.fields}
        return duplicate_key(self.name, index.spec.name, key)

    # --- indexes

    async def add_index(self, index: Index) -> None:
        """Fill an index, with turns for others, and begin to use it.

        What others write meanwhile is put in before the index is used; nothing is refused on its account until then.

        Raises:
            DuplicateKeyError: It is unique, and documents hold the same key; it is not added.
            NoSQLIndexError: A document cannot be indexed; it is not added.
        """
        changed: dict[Any, None] = {}
        entered: dict[Any, frozenset[Entry]] = {}
        self.building.append(changed)
        try:
            pending = list(self.documents)
            while pending:
                for start in range(0, len(pending), _TURN):
                    if start or entered:
                        await asyncio.sleep(0)
                    for key in pending[start : start + _TURN]:
                        before = entered.pop(key, None)
                        if before is not None:
                            index.remove(key, before)
                        document = self.documents.get(key)
                        if document is not None:
                            entered[key] = entries = index.entries_of(document)
                            index.add(key, entries)
                pending = list(changed)
                changed.clear()
            if index.spec.unique:
                twice = index.held_twice()
                if twice is not None:
                    raise self.duplicate(index, self.documents[twice])
        finally:
            self.building = [each for each in self.building if each is not changed]
        self.exists = True
        self.indexes[index.spec.name] = index
        self._note_expiring()

    def drop_index(self, name: str) -> None:
        """Stop using an index."""
        self.indexes.pop(name, None)
        self._note_expiring()

    def ids(self) -> Index:
        """The order of the ``_id``; made when it is first asked for, since look-ups do not need it."""
        if self._ids is None:
            self._ids = index = Index(ID_INDEX)
            for key, document in self.documents.items():
                index.add(key, index.entries_of(document))
        return self._ids

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
            hint=f"There are: {', '.join([ID_INDEX.name, *self.indexes])}.",
            collection=self.name,
            mongo_code=2,
        )

    def _note_expiring(self) -> None:
        self.expiring = tuple(index for index in self.indexes.values() if index.spec.expire_after_seconds is not None)

    @staticmethod
    def _note_id(ids: Index, key: Any, change: Change) -> None:
        entry = frozenset(((ids.key_of(change.document_id),),))
        if change.after is None:
            ids.remove(key, entry)
        else:
            ids.add(key, entry)


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

"""Transactions of the memory backend: a snapshot to read, a private list of writes, and a check at the end.

The first writer wins: a document that a running transaction has written cannot be written by another, and one that
anybody changed since the snapshot cannot be written at all. Writes outside of transactions do not wait for those
inside: a transaction whose document they changed fails at its commit.
"""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING, Any

from lexigram.nosql.backends.memory.feed import Change
from lexigram.nosql.backends.memory.index import Entry, Index
from lexigram.nosql.backends.memory.table import Table, duplicate_key
from lexigram.nosql.driver import Document
from lexigram.nosql.exceptions import DuplicateKeyError, WriteConflictError

if TYPE_CHECKING:
    from lexigram.nosql.backends.memory.driver import MemoryDriver

__all__ = ["Transaction"]


class _Writes:
    """What one transaction wrote to one table.

    Attributes:
        changes: What happens to each document, by key.
        unique: For each unique index, which of these documents has an entry.
    """

    __slots__ = ("changes", "unique")

    def __init__(self) -> None:
        self.changes: dict[Any, Change] = {}
        self.unique: dict[Index, dict[Entry, Any]] = {}


class Transaction:
    """One transaction.

    Args:
        driver: The database.
        snapshot: Number of the last write it sees.
    """

    def __init__(self, driver: MemoryDriver, snapshot: int) -> None:
        self._driver = driver
        self.snapshot = snapshot
        self._writes: dict[Table, _Writes] = {}

    def document(self, table: Table, key: Any) -> Document | None:
        """The document *key* as this transaction sees it: its own write, or the snapshot."""
        writes = self._writes.get(table)
        if writes is not None:
            own = writes.changes.get(key)
            if own is not None:
                return own.after
        return table.visible(key, self.snapshot)

    def changed_keys(self, table: Table) -> list[Any]:
        """Documents of which an index of the present state may say something else than this transaction sees."""
        return [*table.keys_with_past(), *self._own(table)]

    def all_keys(self, table: Table) -> list[Any]:
        """Keys of everything this transaction may see, in order of insertion."""
        return list(dict.fromkeys([*table.snapshot_keys(), *self._own(table)]))

    def write(self, table: Table, key: Any, change: Change) -> None:
        """Note a write.

        Raises:
            WriteConflictError: Somebody else wrote the document after the snapshot, or is writing it.
            DuplicateKeyError: A unique index would hold a key twice, as this transaction sees it.
            NoSQLIndexError: The document cannot be indexed.
        """
        if table.claims.get(key, self) is not self or table.dropped or table.changed_since(key, self.snapshot):
            raise _conflict(table)
        writes = self._writes.setdefault(table, _Writes())
        after = self._check_unique(table, writes, key, change)
        earlier = writes.changes.get(key)
        for index, entries in after.items():
            held = writes.unique.setdefault(index, {})
            if earlier is not None and earlier.after is not None:
                for entry in index.entries_of(earlier.after):
                    held.pop(entry, None)
            held.update(dict.fromkeys(entries, key))
        table.claims[key] = self
        writes.changes[key] = change if earlier is None else _merged(earlier, change)

    def insert(self, table: Table, key: Any, change: Change) -> None:
        """Note an insert.

        Raises:
            DuplicateKeyError: The ``_id`` or a unique index's key stands already.
            WriteConflictError: Somebody else inserted it after the snapshot.
            NoSQLIndexError: The document cannot be indexed.
        """
        if self.document(table, key) is not None:
            raise duplicate_key(table.name, "_id_", {"_id": change.document_id})
        self.write(table, key, change)

    def commit(self) -> None:
        """Make all writes visible as one version.

        Raises:
            WriteConflictError: Somebody else was first; nothing was written.
        """
        final: dict[Table, dict[Any, Change]] = {}
        for table, writes in self._writes.items():
            # What was inserted and deleted again was never there.
            changes = {key: change for key, change in writes.changes.items() if change.before or change.after}
            if table.dropped or any(table.changed_since(key, self.snapshot) for key in changes):
                raise _conflict(table)
            if changes:
                final[table] = changes
        try:
            self._driver.store(final, by=self)
        except DuplicateKeyError as error:
            # It was free when this transaction wrote it, so another writer took it meanwhile.
            raise _conflict(next(iter(final))) from error

    def release(self) -> None:
        """Let others write what this transaction wrote."""
        for table, writes in self._writes.items():
            for key in writes.changes:
                if table.claims.get(key) is self:
                    del table.claims[key]
        self._writes = {}

    def _own(self, table: Table) -> dict[Any, Change]:
        writes = self._writes.get(table)
        return {} if writes is None else writes.changes

    def _check_unique(self, table: Table, writes: _Writes, key: Any, change: Change) -> dict[Index, frozenset[Entry]]:
        """The entries of the document in the unique indexes, if no other document has them."""
        result: dict[Index, frozenset[Entry]] = {}
        for index in table.indexes.values():
            entries = frozenset[Entry]() if change.after is None else index.entries_of(change.after)
            if not index.spec.unique:
                continue
            result[index] = entries
            held = writes.unique.get(index, {})
            if any(held.get(entry, key) != key for entry in entries):
                raise table.duplicate(index, change.after)
            for holder in chain.from_iterable(map(index.keys_at, entries)):
                # What this transaction wrote itself is no longer as the index says.
                if holder == key or holder in writes.changes:
                    continue
                if table.changed_since(holder, self.snapshot):
                    raise _conflict(table)
                raise table.duplicate(index, change.after)
        return result


def _conflict(table: Table) -> WriteConflictError:
    return WriteConflictError(
        f"another writer changed {table.name!r} after this transaction began",
        hint="Run the transaction again; store.run_transaction() does it for you.",
        collection=table.name,
    )


def _merged(earlier: Change, later: Change) -> Change:
    """Two changes of one document in one transaction, as one."""
    if earlier.before is None:
        return Change("insert" if later.after is not None else "delete", later.document_id, None, later.after)
    operation = later.operation
    if earlier.operation == "delete" or (earlier.operation == "replace" and operation == "update"):
        operation = "replace" if later.after is not None else "delete"
    return Change(operation, later.document_id, earlier.before, later.after)

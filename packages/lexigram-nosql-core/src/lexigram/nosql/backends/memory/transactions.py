"""Transactions of the memory backend: a snapshot to read, a private list of writes, and a check at the end."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lexigram.nosql.backends.memory.feed import Change
from lexigram.nosql.backends.memory.table import Table, duplicate_key
from lexigram.nosql.driver import Document
from lexigram.nosql.exceptions import DuplicateKeyError, WriteConflictError

if TYPE_CHECKING:
    from lexigram.nosql.backends.memory.driver import MemoryDriver

__all__ = ["Transaction"]


class Transaction:
    """One transaction.

    Args:
        driver: The database.
        snapshot: Number of the last write it sees.
    """

    def __init__(self, driver: MemoryDriver, snapshot: int) -> None:
        self._driver = driver
        self.snapshot = snapshot
        self._writes: dict[Table, dict[Any, Change]] = {}

    def document(self, table: Table, key: Any) -> Document | None:
        """The document *key* as this transaction sees it: its own write, or the snapshot."""
        own = self._writes.get(table, {}).get(key)
        return own.after if own is not None else table.visible(key, self.snapshot)

    def changed_keys(self, table: Table) -> list[Any]:
        """Documents of which an index of the present state may say something else than this transaction sees."""
        return [*table.keys_with_past(), *self._writes.get(table, ())]

    def all_keys(self, table: Table) -> list[Any]:
        """Keys of everything this transaction may see, in order of insertion."""
        return list(dict.fromkeys([*table.snapshot_keys(), *self._writes.get(table, ())]))

    def write(self, table: Table, key: Any, change: Change) -> None:
        """Note a write.

        Raises:
            WriteConflictError: Somebody else wrote the document after the snapshot.
            DuplicateKeyError: A unique index would hold a key twice, as this transaction sees it.
        """
        self._check_conflict(table, key)
        own = self._writes.setdefault(table, {})
        earlier = own.get(key)
        if earlier is not None:
            change = _merged(earlier, change)
        table.check({**own, key: change})
        own[key] = change

    def insert(self, table: Table, key: Any, change: Change) -> None:
        """Note an insert.

        Raises:
            DuplicateKeyError: The ``_id`` or a unique index's key stands already.
            WriteConflictError: Somebody else inserted it after the snapshot.
        """
        if self.document(table, key) is not None:
            raise duplicate_key(table.name, "_id_", {"_id": change.document_id})
        self.write(table, key, change)

    def commit(self) -> None:
        """Make all writes visible as one version.

        Raises:
            WriteConflictError: Somebody else was first; nothing was written.
        """
        if not any(self._writes.values()):
            return
        for table, changes in self._writes.items():
            for key in changes:
                self._check_conflict(table, key)
            try:
                table.check(changes)
            except DuplicateKeyError as error:
                # It was free when this transaction wrote it, so another writer took it meanwhile.
                raise _conflict(table) from error
        self._driver.store(self._writes)

    def _check_conflict(self, table: Table, key: Any) -> None:
        if table.dropped or table.changed_since(key, self.snapshot):
            raise _conflict(table)


def _conflict(table: Table) -> WriteConflictError:
    return WriteConflictError(
        f"another writer changed a document of {table.name!r} after this transaction began",
        hint="Run the transaction again; store.run_transaction() does it for you.",
        collection=table.name,
    )


def _merged(earlier: Change, later: Change) -> Change:
    """Two changes of one document in one transaction, as one."""
    if earlier.operation == "insert":
        return Change("insert" if later.after is not None else "delete", later.document_id, None, later.after)
    operation = later.operation
    if earlier.operation == "delete" or (earlier.operation == "replace" and operation == "update"):
        operation = "replace" if later.after is not None else "delete"
    return Change(operation, later.document_id, earlier.before, later.after)

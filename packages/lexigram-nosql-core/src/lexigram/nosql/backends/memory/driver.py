"""The memory database: its tables, the numbers of its writes, its running transactions.

Reads and writes never wait while they look at or change a table, so each is atomic among the tasks of an event loop.
Only between batches does a long scan give way, and then it goes on over the documents as they were.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import UTC, datetime
from itertools import islice
from typing import Any

from lexigram.contracts.data.nosql.nosql import ChangeEvent
from lexigram.nosql.backends.memory.feed import Change
from lexigram.nosql.backends.memory.index import Index
from lexigram.nosql.backends.memory.planning import Reach, choose
from lexigram.nosql.backends.memory.spec import MemoryConfig
from lexigram.nosql.backends.memory.table import Table, duplicate_key, key_of
from lexigram.nosql.backends.memory.transactions import Transaction
from lexigram.nosql.driver import Batch, Call, Compiled, Document, Hint, NativeRead
from lexigram.nosql.exceptions import NoSQLError, NoSQLIndexError
from lexigram.nosql.indexes import IndexSpec
from lexigram.nosql.query.parse import Query
from lexigram.nosql.query.sort import Sort
from lexigram.nosql.values.order import date_millis

__all__ = ["MemoryCollection", "MemoryDriver"]

_FIRST_SCAN = 256
_SCAN = 2000


class MemoryDriver:
    """An open memory database.

    Args:
        config: Its settings.
    """

    shares_documents = True

    def __init__(self, config: MemoryConfig) -> None:
        self._config = config
        self._tables: dict[str, Table] = {}
        self._version = 0
        self._running: set[Transaction] = set()
        self._sweeper: asyncio.Task[None] | None = None

    @property
    def native(self) -> Mapping[str, list[Document]]:
        """The documents themselves, by collection. They belong to the store: read them, never change them."""
        return {name: list(table.documents.values()) for name, table in self._tables.items()}

    def collection(self, name: str) -> MemoryCollection:
        """A handle on a collection."""
        return MemoryCollection(self, name)

    async def ping(self) -> Mapping[str, Any]:
        """How much is held."""
        return {
            "collections": len(self._tables),
            "documents": sum(len(table.documents) for table in self._tables.values()),
            "transactions": len(self._running),
        }

    async def list_collections(self) -> list[str]:
        """Names of the collections that hold documents or indexes."""
        return list(self._tables)

    async def drop_collection(self, name: str) -> None:
        """Remove a collection; its feed tells of it and ends."""
        table = self._tables.pop(name, None)
        if table is not None:
            table.dropped = True
            self._version += 1
            table.log.append(Change("drop"))
            table.log.close()

    async def close(self) -> None:
        """Forget everything and end the feeds."""
        if self._sweeper is not None:
            self._sweeper.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._sweeper
        for table in self._tables.values():
            table.log.close()
        self._tables.clear()
        self._running.clear()

    def classify(self, error: BaseException) -> NoSQLError | None:
        """Nothing to translate: the engine raises Lexigram's errors itself."""
        return None

    async def begin(self) -> Transaction:
        """Start a transaction on the state of now."""
        transaction = Transaction(self, self._version)
        self._running.add(transaction)
        return transaction

    async def commit(self, session: Transaction) -> None:
        """Make a transaction's writes visible."""
        try:
            session.commit()
        finally:
            self._end(session)

    async def rollback(self, session: Transaction) -> None:
        """Drop a transaction's writes."""
        self._end(session)

    def table(self, name: str) -> Table:
        """The table of a collection, made when missing."""
        table = self._tables.get(name)
        if table is None:
            table = self._tables[name] = Table(name, self._config.change_history)
        return table

    def existing(self, name: str) -> Table | None:
        """The table of a collection with what is due removed, or None."""
        table = self._tables.get(name)
        if table is not None and table.expiring:
            self.expire(table)
        return table

    def store(self, writes: Mapping[Table, Mapping[Any, Change]]) -> None:
        """Store changes of several tables as one version."""
        self._version += 1
        for table, changes in writes.items():
            table.write(changes, self._version, keep_past=bool(self._running))

    def is_plain(self, table: Table, call: Call) -> bool:
        """True when inserts into a table need no more than a look at the ``_id``."""
        return not (self._running or table.indexes or call.in_transaction)

    def insert_new(self, table: Table, documents: Sequence[Document]) -> list[int]:
        """Insert documents into a plain table; see :meth:`Table.insert_new`."""
        self._version += 1
        return table.insert_new(documents)

    def expire(self, table: Table) -> None:
        """Remove the documents of a table that are due."""
        now = date_millis(datetime.now(UTC))
        due: dict[Any, Change] = {}
        for index in table.expiring:
            limit = now - int((index.spec.expire_after_seconds or 0) * 1000)
            # Dates have rank 45, and only they make a document expire.
            for key in index.keys_between(((45,),), ((45, limit, 0),)):
                document = table.documents[key]
                due[key] = Change("delete", document["_id"], document, None)
        if due:
            self.store({table: due})

    def sweep(self) -> None:
        """Begin to remove what is due, from time to time, also where nobody asks."""
        if self._sweeper is None:
            self._sweeper = asyncio.get_running_loop().create_task(self._sweep(), name="lexigram memory sweep")

    async def _sweep(self) -> None:
        while True:
            await asyncio.sleep(self._config.sweep_seconds)
            for table in self._tables.values():
                if table.expiring:
                    self.expire(table)

    def _end(self, transaction: Transaction) -> None:
        self._running.discard(transaction)
        oldest = min((other.snapshot for other in self._running), default=None)
        for table in self._tables.values():
            table.forget_past(oldest)


class MemoryCollection:
    """One collection of a memory database.

    Args:
        driver: The database.
        name: Name of the collection.
    """

    def __init__(self, driver: MemoryDriver, name: str) -> None:
        self._driver = driver
        self._name = name

    def compile(self, query: Query, sort: Sort | None, hint: Hint | None) -> Compiled:
        """Choose key look-up, index or scan; the whole filter is tested here, so nothing is left over."""
        table = self._driver.existing(self._name) or Table(self._name, 1)
        if query.text is not None:
            query = query.with_text_fields(table.text_fields())
        reach = choose(table, query, sort, hint)
        return Compiled(reach.access, (query, sort, reach), None, ordered=sort is None or reach.ordered)

    async def find_one(self, read: NativeRead, call: Call) -> Document | None:
        """The first document of a read."""
        query, _, reach = _parts(read)
        if reach.access.kind == "scan" or call.in_transaction:
            async for batch in self.read(read, call):
                return batch.documents[0]
            return None
        table = self._driver.existing(self._name)
        if table is None:
            return None
        held = table.documents
        candidates = (held[key] for key in reach.candidates() if key in held)
        if not read.skip:
            return query.first(candidates)
        found = query.select(candidates, read.skip + 1)
        return found[read.skip] if len(found) > read.skip else None

    async def read(self, read: NativeRead, call: Call) -> AsyncIterator[Batch]:
        """Run a read: narrow by the index, test each document, yield what matches."""
        query, sort, reach = _parts(read)
        table = self._driver.existing(self._name)
        if table is None:
            return
        if call.in_transaction:
            documents, ordered = self._seen_by(call.session, table, reach), False
        else:
            documents, ordered = self._present(table, reach), True
        skip, left = read.skip, read.limit
        if not ordered and sort is not None and reach.ordered:
            # The order of the index is that of the present state, not of what the transaction sees.
            documents, unfiltered = sort.sorted(query.select(documents)), True
        else:
            unfiltered = query.is_empty
        source = iter(documents)
        size = _FIRST_SCAN if left else _SCAN
        fixed = False
        while chunk := list(islice(source, size)):
            found = chunk if unfiltered else query.select(chunk)
            if skip:
                dropped = min(skip, len(found))
                found, skip = found[dropped:], skip - dropped
            if left:
                found = found[:left]
                left -= len(found)
            done = bool(read.limit) and not left
            if not done and not fixed:
                # What is left is fixed now, so that writes of other tasks do not reach into this read.
                source, size, fixed = iter(list(source)), _SCAN, True
            if found:
                yield Batch(found, found if read.revisions else None, len(chunk))
            if done:
                return
            await asyncio.sleep(0)

    async def insert(
        self, documents: Sequence[Document], ordered: bool, call: Call
    ) -> Sequence[tuple[int, BaseException]]:
        """Insert documents, each on its own."""
        table = self._driver.table(self._name)
        failures: list[tuple[int, BaseException]] = []
        start = 0
        while self._driver.is_plain(table, call) and start < len(documents):
            stopped = self._driver.insert_new(table, documents[start : start + _SCAN])
            if not stopped:
                start += _SCAN
                await asyncio.sleep(0)
                continue
            position = start + stopped[0]
            identity = documents[position]["_id"]
            failures.append((position, duplicate_key(self._name, "_id_", {"_id": identity})))
            if ordered:
                return failures
            start = position + 1
        for position, document in enumerate(documents[start:], start):
            key = key_of(document)
            change = Change("insert", document["_id"], None, document)
            try:
                if call.in_transaction:
                    call.session.insert(table, key, change)
                else:
                    if key in table.documents:
                        raise duplicate_key(self._name, "_id_", {"_id": document["_id"]})
                    self._driver.store({table: {key: change}})
            except NoSQLError as error:
                failures.append((position, error))
                if ordered or call.in_transaction:
                    break
            if position % _SCAN == _SCAN - 1 and not call.in_transaction:
                await asyncio.sleep(0)
        return failures

    async def replace(self, old: Document, new: Document, revision: Any, whole: bool, call: Call) -> bool:
        """Store *new* where *revision* still stands."""
        return self._write(Change("replace" if whole else "update", new["_id"], revision, new), revision, call)

    async def delete(self, old: Document, revision: Any, call: Call) -> bool:
        """Remove *revision* where it still stands."""
        return self._write(Change("delete", old["_id"], revision, None), revision, call)

    async def count(self, compiled: Compiled, call: Call) -> int:
        """How many documents match."""
        query, _, reach = compiled.native
        table = self._driver.existing(self._name)
        if table is None:
            return 0
        if query.is_empty and not call.in_transaction and reach.access.kind == "scan":
            return len(table.documents)
        counted = 0
        async for batch in self.read(NativeRead(compiled), call):
            counted += len(batch.documents)
        return counted

    async def estimated_count(self, call: Call) -> int:
        """How many documents there are."""
        table = self._driver.existing(self._name)
        return 0 if table is None else len(table.documents)

    async def create_index(self, spec: IndexSpec, call: Call) -> None:
        """Build an index."""
        table = self._driver.table(self._name)
        if any(way == "text" for _, way in spec.keys) and any(other.is_text for other in table.indexes.values()):
            raise NoSQLIndexError("a collection has at most one text index", mongo_code=85)
        table.add_index(Index(spec))
        if table.expiring:
            self._driver.sweep()

    async def drop_index(self, name: str, call: Call) -> None:
        """Remove an index."""
        self._driver.table(self._name).drop_index(name)

    async def list_indexes(self, call: Call) -> list[IndexSpec]:
        """All indexes but the one on ``_id``."""
        table = self._driver.existing(self._name)
        return [] if table is None else [index.spec for index in table.indexes.values()]

    def watch(self, resume_after: str | None, full_document: bool) -> AsyncIterator[ChangeEvent]:
        """Follow the changes, from this moment or from the token on."""
        log = self._driver.table(self._name).log
        return log.follow(log.position(resume_after), full_document)

    def _write(self, change: Change, revision: Document, call: Call) -> bool:
        table = self._driver.table(self._name)
        key = key_of(revision)
        if call.in_transaction:
            if call.session.document(table, key) is not revision:
                return False
            call.session.write(table, key, change)
            return True
        if table.documents.get(key) is not revision:
            return False
        self._driver.store({table: {key: change}})
        return True

    @staticmethod
    def _present(table: Table, reach: Reach) -> Any:
        """The documents to test, as they are now."""
        if reach.access.kind == "scan":
            return table.documents.values()
        held = table.documents
        return [held[key] for key in reach.candidates() if key in held]

    @staticmethod
    def _seen_by(transaction: Transaction, table: Table, reach: Reach) -> list[Document]:
        """The documents to test, as a transaction sees them."""
        if reach.access.kind == "scan":
            keys = transaction.all_keys(table)
        else:
            keys = list(dict.fromkeys([*reach.candidates(), *transaction.changed_keys(table)]))
        seen = (transaction.document(table, key) for key in keys)
        return [document for document in seen if document is not None]


def _parts(read: NativeRead) -> tuple[Query, Sort | None, Reach]:
    query, sort, reach = read.compiled.native
    return query, sort, reach

"""The memory database: its tables, the numbers of its writes, its running transactions.

Reads and writes never wait while they look at or change a table, so each is atomic among the tasks of an event loop.
Only between batches does a long scan give way, and then it goes on over the documents as they were.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator, AsyncIterator, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from itertools import islice
from operator import length_hint
from typing import Any

from lexigram.contracts.data.nosql.nosql import ChangeEvent
from lexigram.nosql.backends.memory.feed import Change
from lexigram.nosql.backends.memory.index import Index
from lexigram.nosql.backends.memory.planning import Reach, choose
from lexigram.nosql.backends.memory.spec import MemoryConfig
from lexigram.nosql.backends.memory.table import Table, duplicate_key, key_of
from lexigram.nosql.backends.memory.transactions import Transaction
from lexigram.nosql.driver import Batch, Call, Compiled, Document, Hint, NativeRead
from lexigram.nosql.exceptions import NoSQLError, NoSQLIndexError, TransactionError, WriteConflictError
from lexigram.nosql.indexes import ID_INDEX, IndexSpec
from lexigram.nosql.query.parse import Query
from lexigram.nosql.query.sort import Sort
from lexigram.nosql.values.copying import copy_document
from lexigram.nosql.values.order import date_millis

__all__ = ["MemoryCollection", "MemoryDriver"]

_FIRST_SCAN = 256
_SCAN = 4096
_TURN = 1024  # inserts one by one before others have a turn
"""Documents looked at before other tasks have a turn."""


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
        self._dropped: dict[str, int] = {}
        self._oldest = 0
        self._sweeper: asyncio.Task[None] | None = None

    @property
    def native(self) -> Mapping[str, list[Document]]:
        """Copies of all documents, by collection: there is no SDK, so this is what the database holds."""
        return {name: list(map(copy_document, table.documents.values())) for name, table in self._existing()}

    def collection(self, name: str) -> MemoryCollection:
        """A handle on a collection."""
        return MemoryCollection(self, name)

    async def ping(self) -> Mapping[str, Any]:
        """How much is held."""
        return {
            "collections": len(await self.list_collections()),
            "documents": sum(len(table.documents) for table in self._tables.values()),
            "transactions": len(self._running),
        }

    async def list_collections(self) -> list[str]:
        """Names of the collections that have held documents or indexes."""
        return [name for name, _ in self._existing()]

    async def drop_collection(self, name: str) -> None:
        """Remove a collection; its feed tells of it and ends."""
        table = self._tables.pop(name, None)
        if table is not None:
            table.dropped = True
            self._version += 1
            if self._running:
                self._dropped[name] = self._version
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
        if not self._running:
            self._oldest = self._version
        self._running.add(transaction)
        return transaction

    async def commit(self, session: Transaction) -> None:
        """Make a transaction's writes visible."""
        if session not in self._running:
            raise TransactionError("this transaction is over: the store was disconnected meanwhile")
        session.commit()
        self._end(session)

    async def rollback(self, session: Transaction) -> None:
        """Drop a transaction's writes."""
        self._end(session)

    def table(self, name: str) -> Table:
        """The table of a collection with what is due removed, made when missing."""
        table = self.existing(name)
        if table is None:
            table = self._tables[name] = Table(name, self._config.change_history)
        return table

    def existing(self, name: str) -> Table | None:
        """The table of a collection with what is due removed, or None."""
        table = self._tables.get(name)
        if table is not None and table.expiring:
            self.expire(table)
        return table

    def store(self, writes: Mapping[Table, Mapping[Any, Change]], by: Transaction | None = None) -> None:
        """Store changes of several tables as one version, all or none.

        Args:
            writes: What happens to each document of each table.
            by: The transaction whose changes they are, which needs no past of its own.

        Raises:
            DuplicateKeyError: A unique index would hold a key twice; nothing was stored.
            NoSQLIndexError: A document cannot be indexed; nothing was stored.
        """
        checked = [(table, changes, table.check(changes)) for table, changes in writes.items()]
        self._version += 1
        keep_past = len(self._running) > (by is not None)
        for table, changes, entries in checked:
            table.write(changes, entries, self._version, keep_past=keep_past)

    def is_plain(self, table: Table, call: Call) -> bool:
        """True when inserts into a table need no more than a look at the ``_id``."""
        return not (self._running or table.indexes or table.building or call.in_transaction)

    def insert_new(self, table: Table, documents: Sequence[Document]) -> int:
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
        if self._sweeper is None or self._sweeper.done():
            self._sweeper = asyncio.get_running_loop().create_task(self._sweep(), name="lexigram memory sweep")

    def refuse_dropped(self, name: str, transaction: Transaction) -> None:
        """Refuse to go on with a transaction whose snapshot a dropped collection belonged to.

        Raises:
            WriteConflictError: The collection was dropped after the transaction began.
        """
        if self._dropped.get(name, 0) > transaction.snapshot:
            raise WriteConflictError(
                f"the collection {name!r} was dropped after this transaction began",
                hint="Run the transaction again.",
                collection=name,
            )

    def _existing(self) -> list[tuple[str, Table]]:
        return [(name, table) for name, table in self._tables.items() if table.exists]

    async def _sweep(self) -> None:
        while True:
            await asyncio.sleep(self._config.sweep_seconds)
            for table in self._tables.values():
                if table.expiring:
                    self.expire(table)

    def _end(self, transaction: Transaction) -> None:
        if transaction not in self._running:
            return
        self._running.discard(transaction)
        transaction.release()
        oldest = min((other.snapshot for other in self._running), default=None)
        if oldest == self._oldest:
            return
        for table in self._tables.values():
            table.forget_past(oldest)
        if oldest is None:
            self._dropped.clear()
        else:
            self._oldest = oldest


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
        bound: Query | None = None
        if query.text is not None:
            query = bound = query.with_text_fields(table.text_fields())
        reach = choose(table, query, sort, hint)
        display = {"direction": "backward"} if reach.reverse else _FORWARD
        return Compiled(reach.access, (query, sort, reach), None, sort is None or reach.ordered, False, display, bound)

    async def find_one(self, read: NativeRead, call: Call) -> tuple[Document, Any] | None:
        """The first document of a read."""
        if call.in_transaction:
            return await self._first_of(read, call)
        query, _, reach = _parts(read)
        table = self._driver.existing(self._name)
        if table is None:
            return None
        if reach.exact and not read.skip:
            found = table.documents.get(reach.keys[0])
            return None if found is None else (found, found)
        large = reach.access.kind == "scan" and len(table.documents) > _SCAN
        if large and (read.skip or reach.reverse):
            return await self._first_of(read, call)
        candidates = reach.documents(table, read.after)
        if large:
            found = await _first_match(query, table, candidates)
        elif not read.skip:
            found = query.first(candidates)
        else:
            several = query.select(candidates, read.skip + 1)
            found = several[read.skip] if len(several) > read.skip else None
        return None if found is None else (found, found)

    async def _first_of(self, read: NativeRead, call: Call) -> tuple[Document, Any] | None:
        async with contextlib.aclosing(self.read(read, call)) as batches:
            async for batch in batches:
                if batch.documents:
                    return batch.documents[0], batch.documents[0]
        return None

    async def read(self, read: NativeRead, call: Call) -> AsyncGenerator[Batch]:
        """Run a read: narrow by the index, test each document, yield what matches."""
        query, sort, reach = _parts(read)
        table = self._driver.existing(self._name)
        if call.in_transaction:
            self._driver.refuse_dropped(self._name, call.session)
        if table is None:
            return
        matches = None if query.is_empty else query.select
        if not call.in_transaction and not read.limit and reach.access.kind == "scan" and not reach.reverse:
            source, fixed = iter(table.listed()), True
        elif not call.in_transaction:
            source, fixed = reach.documents(table, read.after), False
        else:
            seen, fixed = _seen_by(call.session, table, reach), True
            if reach.ordered and sort is not None and not sort.natural:
                # The order of the index is that of the present state, not of what the transaction sees.
                seen, matches = sort.sorted(query.select(seen)), None
            source = iter(seen)
        skip, left = read.skip, read.limit
        wanted = skip + left if left else 0
        size = min(max(wanted, _FIRST_SCAN if reach.access.kind == "scan" else 1), _SCAN) if left else _SCAN
        batch: list[Document] = []
        examined = 0
        while chunk := list(islice(source, size)):
            if not wanted:
                found = chunk if matches is None else matches(chunk)
                examined += len(chunk)
            else:
                rest = iter(chunk)
                found = list(islice(rest, wanted)) if matches is None else matches(rest, wanted)
                # What a limit leaves unread in this chunk was not looked at.
                examined += len(chunk) - length_hint(rest)
            if skip:
                dropped = min(skip, len(found))
                found, skip = found[dropped:], skip - dropped
            batch += found
            if left:
                left -= len(found)
                wanted = skip + left
                if not left:
                    break
            if len(chunk) < size:
                break
            if size == _SCAN:
                # What is left is fixed before others have a turn, so that their writes do not reach into this read.
                if not fixed:
                    source, fixed = iter(list(source)), True
                yield Batch(batch, batch if read.revisions else None, examined)
                batch, examined = [], 0
                await asyncio.sleep(0)
            size = min(size * 2, _SCAN)
        yield Batch(batch, batch if read.revisions else None, examined)

    async def insert(
        self, documents: Sequence[Document], ordered: bool, call: Call
    ) -> Sequence[tuple[int, BaseException]]:
        """Insert documents, each on its own."""
        if call.in_transaction:
            self._driver.refuse_dropped(self._name, call.session)
        table = self._driver.table(self._name)
        failures: list[tuple[int, BaseException]] = []
        start = 0
        while start < len(documents) and self._driver.is_plain(table, call) and not table.dropped:
            part = documents[start : start + _SCAN]
            done = self._driver.insert_new(table, part)
            start += done
            if done < len(part):
                identity = documents[start]["_id"]
                failures.append((start, duplicate_key(self._name, ID_INDEX.name, {"_id": identity})))
                if ordered:
                    return failures
                start += 1
            elif start < len(documents):
                await asyncio.sleep(0)
        for position, document in enumerate(documents[start:], start):
            if table.dropped:
                table = self._driver.table(self._name)
            key = key_of(document)
            change = Change("insert", document["_id"], None, document)
            try:
                if call.in_transaction:
                    call.session.insert(table, key, change)
                else:
                    if key in table.documents:
                        raise duplicate_key(self._name, ID_INDEX.name, {"_id": document["_id"]})
                    self._driver.store({table: {key: change}})
            except NoSQLError as error:
                failures.append((position, error))
                if ordered or call.in_transaction:
                    break
            if position % _TURN == _TURN - 1:
                await asyncio.sleep(0)
        return failures

    async def replace(self, old: Document, new: Document, revision: Any, whole: bool, call: Call) -> bool:
        """Store *new* where *revision* still stands."""
        return self._write(Change("replace" if whole else "update", new["_id"], revision, new), revision, call)

    async def delete(self, old: Document, revision: Any, call: Call) -> bool:
        """Remove *revision* where it still stands."""
        return self._write(Change("delete", old["_id"], revision, None), revision, call)

    async def count(self, compiled: Compiled, limit: int, call: Call) -> int:
        """How many documents match."""
        native: tuple[Query, Sort | None, Reach] = compiled.native
        query, _, reach = native
        table = self._driver.existing(self._name)
        if call.in_transaction or limit or table is None:
            counted = 0
            async with contextlib.aclosing(self.read(NativeRead(compiled, limit=limit), call)) as batches:
                async for batch in batches:
                    counted += len(batch.documents)
            return counted
        if query.is_empty and reach.access.kind == "scan":
            return len(table.documents)
        documents = table.listed() if reach.access.kind == "scan" else list(reach.documents(table, None))
        counted = query.count(documents[:_SCAN])
        for start in range(_SCAN, len(documents), _SCAN):
            await asyncio.sleep(0)
            counted += query.count(documents[start : start + _SCAN])
        return counted

    async def estimated_count(self, call: Call) -> int:
        """How many documents there are."""
        table = self._driver.existing(self._name)
        return 0 if table is None else len(table.documents)

    async def create_index(self, spec: IndexSpec, call: Call) -> None:
        """Build an index."""
        if spec.is_wildcard:
            raise NoSQLIndexError("the memory backend has no wildcard indexes", collection=self._name)
        table = self._driver.table(self._name)
        index = Index(spec)
        if index.is_text and any(other.is_text for other in table.indexes.values()):
            raise NoSQLIndexError("a collection has at most one text index", mongo_code=85)
        await table.add_index(index)
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
            self._driver.refuse_dropped(self._name, call.session)
            if call.session.document(table, key) is not revision:
                return False
            call.session.write(table, key, change)
            return True
        if table.documents.get(key) is not revision:
            return False
        self._driver.store({table: {key: change}})
        return True


_FORWARD: Mapping[str, Any] = {}


async def _first_match(query: Query, table: Table, candidates: Iterator[Document]) -> Document | None:
    """The first match of a long scan of a table."""
    found = query.first(islice(candidates, _SCAN))
    if found is not None:
        return found
    # What is left is fixed before others have a turn, so that their writes do not reach into this read.
    documents = table.listed()
    for start in range(_SCAN, len(documents), _SCAN):
        await asyncio.sleep(0)
        found = query.first(documents[start : start + _SCAN])
        if found is not None:
            return found
    return None


def _seen_by(transaction: Transaction, table: Table, reach: Reach) -> list[Document]:
    """The documents to test, as a transaction sees them."""
    if reach.access.kind == "scan":
        keys = transaction.all_keys(table)
        if reach.reverse:
            keys.reverse()
    elif reach.access.kind == "key":
        keys = list(reach.keys)
    else:
        keys = list(dict.fromkeys([*reach.candidates(), *transaction.changed_keys(table)]))
    seen = (transaction.document(table, key) for key in keys)
    return [document for document in seen if document is not None]


def _parts(read: NativeRead) -> tuple[Query, Sort | None, Reach]:
    query, sort, reach = read.compiled.native
    return query, sort, reach

"""The indexes of a database, as this backend knows them.

Firestore makes an index of every field by itself, and refuses a second of the same value nowhere. So an index of
Lexigram's is a record: which fields, and what the index refuses or hides. The records of a collection stand in one
document of the collection ``~indexes``; every process reads them all at once, when it connects and, before it writes,
whenever what it knows is older than ``index_refresh_ms``.

=======================  =============================================================================================
property                 how it is kept
=======================  =============================================================================================
``unique``               by guards (:mod:`~lexigram.nosql.backends.firestore.writing.guards`)
``expire_after_seconds`` documents that are due are hidden, and hold the time when they are in the field ``~ttl``, on
                         which Firestore's own policy can be set, so that it removes them
others                   the record is all there is: Firestore's own indexes serve
=======================  =============================================================================================
"""

# Messages of protobuf have no types.
# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false, reportUnknownMemberType=false

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from grpc import StatusCode
from lexigram.nosql.backends.firestore.client import Client
from lexigram.nosql.backends.firestore.codec import decode_fields, encode_fields, encode_id, messages
from lexigram.nosql.backends.firestore.codec.names import TTL_FIELD
from lexigram.nosql.backends.firestore.errors import code_of
from lexigram.nosql.backends.memory.index import Index
from lexigram.nosql.driver import Document
from lexigram.nosql.exceptions import NoSQLFilterError, WriteConflictError
from lexigram.nosql.indexes import IndexSpec
from lexigram.nosql.values.kinds import RANKS, Kind
from lexigram.nosql.writing import backoff

__all__ = ["INDEXES", "NOTHING", "Catalogue", "Indexes", "Record", "is_text", "make_record"]

INDEXES: Final = "~indexes"
"""The collection of the records."""

_ATTEMPTS: Final = 20
_LEAST_DOUBT: Final = 1.0
_CHANGED: Final = frozenset(
    {StatusCode.FAILED_PRECONDITION, StatusCode.ALREADY_EXISTS, StatusCode.NOT_FOUND, StatusCode.ABORTED}
)
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_LAST: Final = datetime(9999, 12, 31, 23, 59, 59, 999000, tzinfo=UTC)
_DATE_RANK: Final = RANKS[Kind.DATE]


@dataclass(frozen=True)
class Record:
    """One index.

    Attributes:
        spec: What it is.
        mark: Text that no other index has or had, in the names of its guards.
        ready: False while it is being made: writes keep it, but nobody may rely on it.
    """

    spec: IndexSpec
    mark: str
    ready: bool = True


class Indexes:
    """The indexes of one collection.

    Args:
        records: Their records.

    Attributes:
        records: The same.
        unique: Those that refuse duplicates, with what finds their entries.
        expiring: Those that make documents expire, and after how many milliseconds.
    """

    def __init__(self, records: Sequence[Record] = ()) -> None:
        self.records = tuple(records)
        self.unique = tuple([(record, Index(record.spec)) for record in self.records if record.spec.unique])
        self.expiring = tuple(
            [
                (Index(record.spec), int(record.spec.expire_after_seconds * 1000))
                for record in self.records
                if record.spec.expire_after_seconds is not None
            ]
        )
        self.ready = [record.spec for record in self.records if record.ready]

    def due(self, document: Document) -> int | None:
        """When a document expires, in milliseconds since 1970; None for never."""
        first: int | None = None
        for index, after in self.expiring:
            for ((rank, *payload),) in index.entries_of(document):
                if rank == _DATE_RANK:
                    when = payload[0] + after
                    first = when if first is None or when < first else first
        return first

    def text_fields(self, collection: str) -> tuple[str, ...]:
        """The fields that ``$text`` searches.

        Args:
            collection: Name of the collection, for the error.

        Raises:
            NoSQLFilterError: There is no text index (MongoDB's code 27).
        """
        for spec in self.ready:
            if is_text(spec):
                return tuple([path for path, way in spec.keys if way == "text"])
        raise NoSQLFilterError(
            f"$text needs a text index on {collection!r}",
            hint=f"collection({collection!r}).create_index([('field', 'text')])",
            mongo_code=27,
        )

    def hides(self) -> Callable[[Document], bool] | None:
        """What says of a document whether it is due, from now; None where none ever is."""
        if not self.expiring:
            return None
        now = int(datetime.now(UTC).timestamp() * 1000)

        def is_due(document: Document) -> bool:
            when = self.due(document)
            return when is not None and when <= now

        return is_due

    def put_due(self, document: Document, fields: Any) -> None:
        """Write into a document's fields when it is due, where a policy of Firestore's can see it."""
        when = self.due(document) if self.expiring else None
        if when is None:
            return
        past = _moment(when) - _EPOCH
        stamp = fields[TTL_FIELD].timestamp_value
        stamp.seconds = past.days * 86400 + past.seconds
        stamp.nanos = past.microseconds * 1000


def _moment(milliseconds: int) -> datetime:
    try:
        return _EPOCH + timedelta(milliseconds=milliseconds)
    except OverflowError:
        return _LAST if milliseconds > 0 else _EPOCH


NOTHING: Final = Indexes()


def is_text(spec: IndexSpec) -> bool:
    """True for an index that ``$text`` needs."""
    return any(way == "text" for _, way in spec.keys)


class Catalogue:
    """What is known of the indexes of all collections.

    Args:
        client: The connection.
        refresh_seconds: How old that may be when something is written.
    """

    def __init__(self, client: Client, refresh_seconds: float) -> None:
        self._client = client
        self._seconds = refresh_seconds
        self._known: dict[str, Indexes] = {}
        self._at = float("-inf")
        self._noted: dict[str, int] = {}
        self._changes = 0
        self._asking: asyncio.Task[None] | None = None

    async def settle(self) -> None:
        """Wait until every process writes by what the records are now.

        That is as long as what another one knows may be old, and as long again for the writes that it was making then.
        """
        await asyncio.sleep(2 * self._seconds)

    def known(self, path: str) -> Indexes:
        """What is known of a collection now; makes no call.

        Args:
            path: Its path.
        """
        return self._known.get(path, NOTHING)

    def record(self, mark: str) -> Record | None:
        """The index with a mark, as far as it is known; makes no call."""
        for indexes in self._known.values():
            for record in indexes.records:
                if record.mark == mark:
                    return record
        return None

    def names(self) -> list[str]:
        """Paths of the collections that have indexes."""
        return list(self._known)

    async def fresh(self, path: str) -> Indexes:
        """What is known of a collection, asked again where the answer is old."""
        if asyncio.get_running_loop().time() - self._at >= self._seconds:
            await asyncio.shield(self._ask())
        return self._known.get(path, NOTHING)

    def doubt(self) -> None:
        """Ask again in the background, where the answer is old; for reads, which do not wait for it."""
        if asyncio.get_running_loop().time() - self._at >= max(self._seconds, _LEAST_DOUBT):
            self._ask()

    def _ask(self) -> asyncio.Task[None]:
        if self._asking is None:
            self._asking = asyncio.create_task(self.load(None), name="lexigram firestore indexes")
            self._asking.add_done_callback(self._asked)
        return self._asking

    def _asked(self, task: asyncio.Task[None]) -> None:
        self._asking = None
        if not task.cancelled():
            task.exception()  # whoever waits gets it

    async def close(self) -> None:
        """Ask nothing more."""
        if self._asking is not None:
            self._asking.cancel()
            await asyncio.gather(self._asking, return_exceptions=True)

    async def load(self, deadline: float | None) -> None:
        """Read all records.

        Args:
            deadline: When that must have ended, as ``loop.time()``.
        """
        began, changes = asyncio.get_running_loop().time(), self._changes
        request = messages.ListDocumentsRequest(parent=self._client.root, collection_id=INDEXES, page_size=300)
        known: dict[str, Indexes] = {}
        while True:
            page = await self._client.list_documents(request, deadline)
            for document in page.documents:
                path, records = _read(document)
                if records:
                    known[path] = Indexes(records)
            if not page.next_page_token:
                break
            request.page_token = page.next_page_token
        for path, indexes in known.items():
            old = self._known.get(path)
            if old is not None and old.records == indexes.records:
                known[path] = old
        for path, change in self._noted.items():
            if change > changes:
                # Changed from here while this was read; what was read may be older.
                known.pop(path, None)
                if path in self._known:
                    known[path] = self._known[path]
        self._noted = {path: change for path, change in self._noted.items() if change > changes}
        self._known = known
        self._at = began

    async def change(
        self, path: str, change: Callable[[Sequence[Record]], Sequence[Record]], deadline: float | None
    ) -> Sequence[Record]:
        """Change the records of a collection, on what they are now.

        Args:
            path: Path of the collection.
            change: Makes the new records of the old ones; may be called more than once.
            deadline: When that must have ended.

        Returns:
            The new records.

        Raises:
            WriteConflictError: Others kept changing them.
        """
        name = f"{self._client.root}/{INDEXES}/{encode_id(path)}"
        for attempt in range(_ATTEMPTS):
            stored = await self._client.get(name, deadline)
            old = _read(stored)[1] if stored is not None else ()
            new = tuple(change(old))
            if new == tuple(old):
                self._note(path, new)
                return new
            write = messages.Write()
            write.update.name = name
            encode_fields({"collection": path, "indexes": [_to_plain(record) for record in new]}, write.update.fields)
            if stored is None:
                write.current_document.exists = False
            else:
                write.current_document.update_time.CopyFrom(stored.update_time)
            try:
                await self._client.commit([write], deadline)
            except Exception as error:
                if code_of(error) not in _CHANGED:
                    raise
                await asyncio.sleep(backoff(attempt))
                continue
            self._note(path, new)
            return new
        raise WriteConflictError(f"others kept changing the indexes of {path!r}")

    async def forget(self, path: str, deadline: float | None) -> Sequence[Record]:
        """Remove the records of a collection.

        Returns:
            What they were.
        """
        removed: list[Record] = []

        def nothing(old: Sequence[Record]) -> Sequence[Record]:
            removed[:] = old
            return ()

        await self.change(path, nothing, deadline)
        return removed

    def _note(self, path: str, records: Sequence[Record]) -> None:
        self._changes += 1
        self._noted[path] = self._changes
        if records:
            self._known[path] = Indexes(records)
        else:
            self._known.pop(path, None)


def make_record(spec: IndexSpec) -> Record:
    """The record of an index that is about to be made."""
    return Record(spec, secrets.token_hex(8), ready=False)


def _to_plain(record: Record) -> Document:
    spec = record.spec
    return {
        "name": spec.name,
        "keys": [{"path": path, "way": way} for path, way in spec.keys],
        "unique": spec.unique,
        "sparse": spec.sparse,
        "partial_filter": None if spec.partial_filter is None else dict(spec.partial_filter),
        "expire_after_seconds": spec.expire_after_seconds,
        "collation": None if spec.collation is None else dict(spec.collation),
        "mark": record.mark,
        "ready": record.ready,
    }


def _read(document: Any) -> tuple[str, tuple[Record, ...]]:
    plain: Mapping[str, Any] = decode_fields(document.fields)
    records = [
        Record(
            IndexSpec(
                keys=tuple([(key["path"], key["way"]) for key in each["keys"]]),
                name=each["name"],
                unique=each["unique"],
                sparse=each["sparse"],
                partial_filter=each["partial_filter"],
                expire_after_seconds=each["expire_after_seconds"],
                collation=each["collation"],
            ),
            each["mark"],
            each["ready"],
        )
        for each in plain["indexes"]
    ]
    return plain["collection"], tuple(records)

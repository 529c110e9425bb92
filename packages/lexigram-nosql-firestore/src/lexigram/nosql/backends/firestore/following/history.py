"""What happened to documents between two moments, read from Firestore's own past.

The listener tells the last state of a document only, and not what was before it. Firestore can be read as it was at any
microsecond of the last hour (longer with point-in-time recovery), so the states before are read there: each change of a
document at *t* replaced what stood at *t - 1*, and if that is younger than the moment before, it was a change as well.
So a document that was written several times between two moments is told as often. What cannot be found so is what a
document was between its last state that the listener told and its deletion, and documents that came and went between
two moments. For a feed that is resumed, the whole time for which it was away lies between two moments.

An insert is told where Firestore says that the document was created then, and a deletion before it where it had been
there in the moment before.
"""

# Messages of protobuf have no types.
# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false, reportUnknownMemberType=false

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal

from grpc import StatusCode, aio
from lexigram.nosql.backends.firestore.codec import messages
from lexigram.nosql.backends.firestore.codec.names import PREFIX
from lexigram.nosql.backends.firestore.errors import code_of
from lexigram.nosql.backends.firestore.following.listening import Moment, micros, put_micros, timestamp
from lexigram.nosql.exceptions import CursorError
from lexigram.nosql.values.order import sort_key

if TYPE_CHECKING:
    from lexigram.nosql.backends.firestore.collection import FirestoreCollection

__all__ = ["Happening", "History"]

HISTORY_LOST: Final = 286
_MOST_NAMES: Final = 300
_MOST_KNOWN: Final = 100_000
_FORGOTTEN: Final = frozenset({StatusCode.FAILED_PRECONDITION, StatusCode.INVALID_ARGUMENT, StatusCode.OUT_OF_RANGE})

Kind = Literal["insert", "update", "delete"]
_RANKS: Final[Mapping[str, int]] = {"insert": 0, "update": 1, "delete": 2}


@dataclass(slots=True)
class Happening:
    """One change of one document.

    Attributes:
        kind: What happened.
        time: When, in microseconds; for a deletion, by when.
        identity: The ``_id``.
        before: The document as it was, for updates.
        after: The document as it is.
    """

    kind: Kind
    time: int
    identity: Any
    before: dict[str, Any] | None = None
    after: dict[str, Any] | None = None

    @property
    def rank(self) -> int:
        """Its place among what happened at the same time."""
        return _RANKS[self.kind]

    @property
    def key(self) -> tuple[Any, ...]:
        """Something that compares as happenings are told."""
        return self.time, self.rank, sort_key(self.identity)


class History:
    """Reads the past of one collection.

    Args:
        collection: The collection.
    """

    def __init__(self, collection: FirestoreCollection) -> None:
        self._collection = collection
        self._client = collection.client
        # When each document that is there was written last, as far as it has been told; None where that is not known.
        self._known: dict[str, int] | None = None

    async def between(self, base: int, moment: Moment) -> list[Happening]:
        """What happened after one moment, up to the next.

        Args:
            base: The moment before.
            moment: What the listener told of the next.

        Returns:
            The happenings, in order.

        Raises:
            CursorError: The past is no longer kept.
        """
        # Decoding uses the documents up.
        times = {name: micros(document.update_time) for name, document in moment.documents.items()}
        try:
            found = await self._changes(base, moment)
            found += await self._deletions(base, moment, times)
        except aio.AioRpcError as error:
            if code_of(error) in _FORGOTTEN:
                raise lost(self._collection.name) from error
            raise
        found.sort(key=lambda happening: happening.key)
        return found

    async def state(self, time: int) -> Moment:
        """All documents as they were at a moment, in the form in which the listener tells them.

        Args:
            time: When, in microseconds.

        Raises:
            CursorError: The past is no longer kept.
        """
        documents: dict[str, Any] = {}
        try:
            async for found, _ in self._client.query(self._query(time, names_only=False), None, 1000):
                documents.update({document.name: document for document in found})
        except aio.AioRpcError as error:
            if code_of(error) in _FORGOTTEN:
                raise lost(self._collection.name) from error
            raise
        return Moment(time, b"", documents, is_whole=True)

    # --- inserts and updates

    async def _changes(self, base: int, moment: Moment) -> list[Happening]:
        found: list[Happening] = []
        created: list[tuple[str, int]] = []
        # Documents of one commit are read together, as they were just before it.
        pending: dict[int, dict[str, Any]] = {}
        for name, document in moment.documents.items():
            time = micros(document.update_time)
            if time > self._told(name, base):
                pending.setdefault(time, {})[name] = document
        while pending:
            time = max(pending)
            batch = pending.pop(time)
            fresh = [name for name, document in batch.items() if micros(document.create_time) == time]
            created += [(name, time) for name in fresh]
            older = await self._read(set(batch).difference(fresh), time - 1)
            for name, document in batch.items():
                before = older.get(name)
                if before is not None and micros(before.update_time) > self._told(name, base):
                    copied = type(before)()
                    copied.CopyFrom(before)  # decoding uses it up
                    pending.setdefault(micros(before.update_time), {})[name] = copied
                after = self._collection.decode(document)
                kind: Kind = "insert" if before is None else "update"
                was = None if before is None else self._collection.decode(before)
                found.append(Happening(kind, time, after["_id"], was, after))
        found += await self._earlier_lives(created, base)
        return found

    def _told(self, name: str, base: int) -> int:
        """Up to when the changes of a document have been told."""
        return base if self._known is None else self._known.get(name, 0)

    async def _earlier_lives(self, created: list[tuple[str, int]], base: int) -> list[Happening]:
        """Deletions of documents that were there in the moment before, and have been created anew since."""
        if self._known is not None:
            suspects = [(name, time) for name, time in created if name in self._known]
        else:
            existing = await self._read([name for name, _ in created], base)
            suspects = [(name, time) for name, time in created if name in existing]
        identities = await self._identities([name for name, _ in suspects], base)
        return [
            Happening("delete", time - 1, identity) for (_, time), identity in zip(suspects, identities, strict=True)
        ]

    async def _read(self, names: Iterable[str], time: int) -> dict[str, Any]:
        """Documents as they were at a time, by name; those that were not there are left out."""
        wanted = sorted(names)
        found: dict[str, Any] = {}
        for start in range(0, len(wanted), _MOST_NAMES):
            part, _ = await self._client.batch_get(wanted[start : start + _MOST_NAMES], None, at=timestamp(time))
            found.update(part)
        return found

    # --- deletions

    async def _deletions(self, base: int, moment: Moment, times: dict[str, int]) -> list[Happening]:
        gone = set(moment.gone)
        if moment.is_whole or moment.is_doubtful:
            before = await self._names_at(base) if self._known is None else set(self._known)
            now = set(times) if moment.is_whole else await self._names_at(moment.time)
            gone |= before.difference(now)
        if moment.is_whole:
            self._known = times if len(times) <= _MOST_KNOWN else None
        elif self._known is not None:
            self._known.update(times)
            for name in gone:
                self._known.pop(name, None)
        # When a document was deleted is told roughly or not at all; a reader that comes back must find the same time.
        return [
            Happening("delete", max(base, moment.time), identity) for identity in await self._identities(gone, base)
        ]

    async def _identities(self, names: Iterable[str], time: int) -> list[Any]:
        """The ids of documents that have gone. What a name does not tell, the document told."""
        told = {name: self._collection.scope.identity(name) for name in names}
        unclear = [name for name in told if name.rpartition("/")[2].startswith(PREFIX)]
        for name, document in (await self._read(unclear, time)).items():
            told[name] = self._collection.decode(document)["_id"]
        return list(told.values())

    async def _names_at(self, time: int) -> set[str]:
        names: set[str] = set()
        async for found, _ in self._client.query(self._query(time, names_only=True), None, 1000):
            names.update([document.name for document in found])
        return names

    def _query(self, time: int, *, names_only: bool) -> Any:
        scope = self._collection.scope
        request = messages.RunQueryRequest(parent=scope.parent)
        source = request.structured_query.from_.add(collection_id=scope.collection_id)
        source.all_descendants = scope.is_group
        if names_only:
            request.structured_query.select.fields.add().field_path = "__name__"
        put_micros(time, request.read_time)
        return request


def lost(name: str) -> CursorError:
    """What a reader is told that comes too late."""
    return CursorError(
        f"changes of {name!r} after this point are no longer kept",
        hint="Firestore keeps an hour, or with point-in-time recovery a week: read the collection anew, and watch from "
        "now on.",
        mongo_code=HISTORY_LOST,
    )

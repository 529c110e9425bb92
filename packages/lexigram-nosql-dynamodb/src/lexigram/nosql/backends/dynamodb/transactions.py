"""Transactions: writes wait here, and go out as one TransactWriteItems with a condition on everything that was read.

A transaction reads consistently, sees its own writes, and gives a document as it was when it was first read. At its
end, one request stores all writes or none; it also checks that every document which was read is as it was, and that
what was looked up by ``_id`` and not found is still not there. When something has changed, nothing is written, and a
:class:`~lexigram.nosql.exceptions.WriteConflictError` says so, which ``store.run_transaction()`` answers by running the
work again.

What was read by scan or query is read once more before the end, so that documents which came into it meanwhile are
noticed; one that comes into it between that reading and the request is not, since DynamoDB has no conditions on what
does not exist, other than by key.

A transaction that writes nothing ends with such a request as well, of conditions only, unless it has read one item
alone; where it has read more than fits in one, it reads them again instead.

A read without a sort stops at its limit: what it did not look at does not count as read.

The service takes 100 items and 4 MB in one transaction. Documents read count as well as documents written, and so does
every guard of a unique index. What is more is refused before anything is sent.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterable, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

from botocore.exceptions import ClientError
from lexigram.nosql.backends.dynamodb.codec import check_size, item_size
from lexigram.nosql.backends.dynamodb.errors import error_code
from lexigram.nosql.backends.dynamodb.layouts.expiry import now_millis
from lexigram.nosql.backends.dynamodb.layouts.home import Home, Item, is_same
from lexigram.nosql.backends.dynamodb.layouts.revisions import Revision
from lexigram.nosql.backends.dynamodb.reading.counts import Counts
from lexigram.nosql.backends.dynamodb.reading.getting import batch_get
from lexigram.nosql.backends.dynamodb.reading.native import NativeFind, Reach
from lexigram.nosql.backends.dynamodb.writing.building import (
    OWNER,
    Guard,
    claim,
    guards_of_document,
    put,
    release,
    touched,
)
from lexigram.nosql.backends.dynamodb.writing.conditions import Condition, absent_or_expired, unchanged
from lexigram.nosql.backends.dynamodb.writing.transact import (
    CONDITION_FAILED,
    MAX_TRANSACTION_BYTES,
    reasons_of,
    transact,
)
from lexigram.nosql.backends.dynamodb.writing.unique import duplicate_key
from lexigram.nosql.driver import Document, NativeRead
from lexigram.nosql.exceptions import TransactionError, WriteConflictError
from lexigram.nosql.query.parse import Query
from lexigram.nosql.values.copying import copy_document

if TYPE_CHECKING:
    from lexigram.nosql.backends.dynamodb.driver import DynamoDBDriver
    from lexigram.nosql.backends.dynamodb.wire import Again

__all__ = ["State", "Transaction"]

_ENDED: Final = "this transaction is over"
_RACES: Final = frozenset({CONDITION_FAILED, "TransactionConflict"})


def _lost_race(reasons: Sequence[str] | None) -> bool:
    """True when others were the only reason why a transaction was cancelled, so that it may be run again."""
    causes = set(reasons or ()) - {"None"}
    return bool(causes) and causes <= _RACES


@dataclass(frozen=True, slots=True)
class State:
    """A document as a transaction sees it. Each change makes another one, so it is a revision as well.

    Attributes:
        home: Where the document lies.
        key: Its key.
        document: The document now; None where there is none.
        before: The document as it was read; None where there was none.
        revision: Of the item that was read; None where there was none.
        whole: True when the whole document was given by a replacement.
    """

    home: Home
    key: Item
    document: Document | None
    before: Document | None
    revision: Revision | None
    whole: bool = False

    @property
    def changed(self) -> bool:
        """True when the transaction writes it."""
        return self.document is not self.before

    @property
    def place(self) -> str:
        """Where it lies, as a text."""
        return touched(self.home.table, self.key)


@dataclass(frozen=True, slots=True)
class _Seen:
    """What was read by scan or query."""

    home: Home
    query: Query
    reach: Reach


class Transaction:
    """One transaction.

    Args:
        driver: The connection.
    """

    def __init__(self, driver: DynamoDBDriver) -> None:
        self._driver = driver
        self._states: dict[str, State] = {}
        self._seen: list[_Seen] = []
        self._over = False

    # --- reading

    async def stream(self, home: Home, find: NativeFind, read: NativeRead) -> AsyncGenerator[tuple[Document, State]]:
        """The documents that a read selects, as this transaction sees them.

        Without a sort they come as they are found, and only those count as read that were taken.

        Args:
            home: Where the collection lies.
            find: The read, compiled.
            read: What of it is wanted.

        Yields:
            Documents, which are the caller's own, and what they are revisions of.

        Raises:
            WriteConflictError: Somebody changed what this transaction has read.
            ScanDeniedError: It reads the whole collection for a part of it, and ``scan_policy`` is ``deny``.
        """
        self._check_open()
        reach = self._driver.strict_reach(home, find)
        project = copy_document if read.projection is None else read.projection.apply
        if find.sort is not None and read.compiled.ordered:
            chosen = [each async for each in self._matching(home, reach, find.query, 0)]
            by_document = {id(document): (document, state) for document, state in chosen}
            ordered = find.sort.sorted([document for document, _ in chosen])
            for document in ordered[read.skip : read.skip + read.limit if read.limit else None]:
                yield project(document), by_document[id(document)][1]
            return
        skip, left = read.skip, read.limit
        most = read.skip + read.limit if read.limit and reach.residue is None else 0
        async with aclosing(self._matching(home, reach, find.query, most)) as matching:
            async for document, state in matching:
                if skip:
                    skip -= 1
                    continue
                yield project(document), state
                left -= 1
                if not left:
                    return

    async def _matching(
        self, home: Home, reach: Reach, query: Query, most: int
    ) -> AsyncGenerator[tuple[Document, State]]:
        earlier = [seen.query for seen in self._seen if seen.home.collection == home.collection]
        found: set[str] = set()
        known = {place: state for place, state in self._states.items() if state.home.collection == home.collection}
        if most:
            # Documents that are changed here may match no longer.
            most += sum(state.changed for state in known.values())
        async with aclosing(self._driver.reader.items(home, reach, Counts(), strict=True, most=most)) as pages:
            async for items, _ in pages:
                for document, item in self._driver.reader.shown(home, items):
                    self._check_open()
                    state = State(home, home.key_of(item), document, document, home.revision(item))
                    place = state.place
                    found.add(place)
                    held = self._states.get(place)
                    if held is None:
                        # Of what a scan passes over nothing is told, but that it does not match: see _see_again().
                        if reach.kind != "keys" and not query.matches(document):
                            continue
                        if any(other.matches(document) for other in earlier):
                            raise self._conflict(home, "a document appeared in what this transaction has read")
                        self._states[place] = held = state
                    elif held.revision != state.revision:
                        raise self._conflict(home, "another writer changed a document of this transaction")
                    if held.document is not None and query.matches(held.document):
                        yield held.document, held
        self._check_open()
        for key in reach.keys:
            place = touched(home.table, key)
            if place not in found and place not in self._states:
                self._states[place] = State(home, dict(key), None, None, None)
        for place, state in known.items():
            if place not in found and not state.changed and state.before is not None and query.matches(state.before):
                raise self._conflict(home, "another writer removed a document of this transaction")
        if reach.kind in {"query", "scan"}:
            # All of it was looked at, so what is not there counts as well.
            self._seen.append(_Seen(home, query, reach))
        for place in known:
            state = self._states[place]
            if place not in found and state.changed and state.document is not None and query.matches(state.document):
                yield state.document, state

    # --- writing

    async def insert(self, home: Home, documents: Sequence[Document]) -> list[tuple[int, BaseException]]:
        """Note new documents, up to the first that cannot be inserted.

        Returns:
            Its position and error, if there is one.
        """
        self._check_open()
        states = await self._look_up(home, [home.key(document["_id"]) for document in documents])
        for number, (document, place) in enumerate(zip(documents, states, strict=True)):
            state = self._states[place]
            if state.document is not None:
                return [(number, duplicate_key(home.collection, None, document))]
            kept = copy_document(document)
            check_size([home.item(kept)])
            refused = await self._note(replace(state, home=home, document=kept))
            if refused is not None:
                return [(number, refused)]
        return []

    async def replace(self, home: Home, new: Document, revision: State, *, whole: bool) -> bool:
        """Note a document's new version.

        Returns:
            False when this transaction has written it since it was read.

        Raises:
            DuplicateKeyError: A unique index holds a key of the new version.
        """
        self._check_open()
        if self._states.get(revision.place) is not revision:
            return False
        kept = copy_document(new)
        check_size([home.item(kept)])
        refused = await self._note(replace(revision, home=home, document=kept, whole=whole or revision.whole))
        if refused is not None:
            raise refused
        return True

    async def delete(self, revision: State) -> bool:
        """Note that a document goes.

        Returns:
            False when this transaction has written it since it was read.
        """
        self._check_open()
        if self._states.get(revision.place) is not revision:
            return False
        self._states[revision.place] = replace(revision, document=None)
        return True

    async def _look_up(self, home: Home, keys: Sequence[Item]) -> list[str]:
        """See that what stands under keys is known."""
        places = [touched(home.table, key) for key in keys]
        missing = {place: key for place, key in zip(places, keys, strict=True) if place not in self._states}
        reach = replace(self._driver.key_reach(home), keys=tuple(missing.values()))
        if missing:
            async with aclosing(self._driver.reader.items(home, reach, Counts(), strict=True)) as pages:
                async for items, _ in pages:
                    for document, item in self._driver.reader.shown(home, items):
                        state = State(home, home.key_of(item), document, document, home.revision(item))
                        self._states[state.place] = state
        for place, key in missing.items():
            self._states.setdefault(place, State(home, key, None, None, None))
        return places

    async def _note(self, state: State) -> BaseException | None:
        """Keep a new version, unless a unique index holds one of its keys."""
        if state.home.unique and state.document is not None:
            wanted = guards_of_document(state.home, state.document)
            own = {} if state.before is None else guards_of_document(state.home, state.before)
            for text, guard in wanted.items():
                if text not in own and await self._is_taken(state, text, guard):
                    return duplicate_key(state.home.collection, guard.index, state.document)
        self._states[state.place] = state
        return None

    async def _is_taken(self, state: State, text: str, guard: Guard) -> bool:
        """Whether another document has a guard, as this transaction sees it."""
        for place, other in self._states.items():
            if place == state.place or not other.changed or other.document is None:
                continue
            if text in guards_of_document(other.home, other.document):
                return True
        owner = await self._owner(state.home, guard)
        if owner is None or owner == state.key:
            return False
        holder = self._states.get(touched(state.home.table, owner))
        if holder is not None and holder.changed:
            return False
        return not await self._driver.writer.take_over(state.home, guard, state.key)

    async def _owner(self, home: Home, guard: Guard) -> Item | None:
        found = batch_get(
            self._driver.client, home.catalogue, [guard.key], Counts(), consistent=True, attempts=self._attempts
        )
        async with aclosing(found):
            async for items in found:
                owner: Item = items[0][OWNER]["M"]
                return owner
        return None

    # --- the end

    async def commit(self) -> None:
        """Store all writes, if everything that was read is as it was.

        Raises:
            WriteConflictError: Somebody was first; nothing was written.
            TransactionError: It is more than one request can hold; nothing was sent.
        """
        self._check_open()
        changed = [state for state in self._states.values() if state.changed]
        if not changed:
            self._over = True
            await self._check_read()
            return
        self._check_fits(list(self._items(changed)))
        await self._see_again()
        # Indexes may have been made since the documents were read.
        changed = [await self._as_now(state) for state in changed]
        for state in changed:
            if state.document is not None:
                await self._driver.homes.note_apart(state.home, (state.document,))
        items = list(self._items(changed))
        self._check_fits(items)
        self._over = True
        try:
            reasons = await transact(self._driver.client, items, self._attempts, self._still())
        except ClientError as error:
            if not _lost_race(reasons_of(error)):
                raise
            raise self._refused(items, reasons_of(error) or []) from error
        if reasons is not None:
            raise self._refused(items, reasons)

    async def _as_now(self, state: State) -> State:
        """A write by the rules that hold now."""
        home = await self._driver.homes.find(state.home.collection)
        if is_same(home, state.home):
            return state
        self._states[state.place] = found = replace(state, home=home)
        return found

    async def _check_read(self) -> None:
        """See that what a transaction without writes has read was there at the same time."""
        if not self._seen and len(self._states) <= 1:
            # One item is always as it was at one time.
            return
        await self._see_again()
        items = list(self._items(()))
        if len(items) <= self._driver.config.max_transaction_items and all(
            state.home.exists for state in self._states.values()
        ):
            if not items:
                return
            try:
                reasons = await transact(self._driver.client, items, self._attempts, self._still())
            except ClientError as error:
                # A table that is gone meanwhile is seen below.
                if error_code(error) != "ResourceNotFoundException":
                    if not _lost_race(reasons_of(error)):
                        raise
                    raise self._refused(items, reasons_of(error) or []) from error
            else:
                if reasons is not None:
                    raise self._refused(items, reasons)
                return
        await self._read_again()

    async def _read_again(self) -> None:
        """See that every document is as it was when it was read: so all were, when the last of them was read."""
        homes: dict[str, list[State]] = {}
        for state in self._states.values():
            homes.setdefault(state.home.collection, []).append(state)
        for states in homes.values():
            home = states[0].home
            revisions: dict[str, Revision] = {}
            reach = replace(self._driver.key_reach(home), keys=tuple(state.key for state in states))
            async with aclosing(self._driver.reader.items(home, reach, Counts(), strict=True)) as pages:
                async for items, _ in pages:
                    for _, item in self._driver.reader.shown(home, items):
                        revisions[touched(home.table, home.key_of(item))] = home.revision(item)
            if any(revisions.get(state.place) != state.revision for state in states):
                raise self._conflict(home, "another writer changed what this transaction has read")

    def rollback(self) -> None:
        """Forget the writes."""
        self._over = True
        self._states.clear()
        self._seen.clear()

    def _items(self, changed: Sequence[State]) -> Iterable[dict[str, Any]]:
        now = now_millis()
        claims: dict[str, tuple[Home, Guard, Item]] = {}
        releases: dict[str, tuple[Home, Guard, Item]] = {}
        for state in changed:
            home = state.home
            condition = self._condition(state, now)
            before = {} if state.before is None else guards_of_document(home, state.before)
            after = {} if state.document is None else guards_of_document(home, state.document)
            claims.update({text: (home, guard, state.key) for text, guard in after.items() if text not in before})
            releases.update({text: (home, guard, state.key) for text, guard in before.items() if text not in after})
            if state.document is not None:
                yield put(home, home.item(state.document, whole=state.whole, before=state.revision), condition)
            else:
                yield {"Delete": {"TableName": home.table, "Key": state.key, **condition.to_request()}}
        for state in self._states.values():
            if not state.changed:
                condition = self._condition(state, now)
                yield {"ConditionCheck": {"TableName": state.home.table, "Key": state.key, **condition.to_request()}}
        for text, (home, guard, key) in claims.items():
            part = claim(home, guard.key, key)
            if text in releases:
                # It goes from one document of this transaction to another.
                part["Put"]["ConditionExpression"] = "#o = :o"
                part["Put"]["ExpressionAttributeNames"] = {"#o": OWNER}
                part["Put"]["ExpressionAttributeValues"] = {":o": {"M": releases[text][2]}}
            yield part
        for text, (home, guard, key) in releases.items():
            if text not in claims:
                yield release(home, guard.key, key)

    @staticmethod
    def _condition(state: State, now: int) -> Condition:
        if state.revision is None:
            return absent_or_expired(state.home, now)
        return unchanged(state.home, state.revision)

    def _check_fits(self, items: Sequence[Mapping[str, Any]]) -> None:
        most = self._driver.config.max_transaction_items
        if len(items) > most:
            raise TransactionError(
                f"this transaction has {len(items)} items, and DynamoDB takes {most}: every document read or written "
                "counts, and every key of a unique index that is taken or freed",
                hint="Do it in several transactions, or read less in it.",
            )
        size = sum(item_size(next(iter(item.values())).get("Item", {})) for item in items)
        if size > MAX_TRANSACTION_BYTES:
            raise TransactionError(
                f"this transaction writes {size} bytes, and DynamoDB takes {MAX_TRANSACTION_BYTES}",
                hint="Do it in several transactions.",
            )

    async def _see_again(self) -> None:
        """Look for documents that came into what was read."""
        for seen in self._seen:
            async with aclosing(self._driver.reader.items(seen.home, seen.reach, Counts(), strict=True)) as pages:
                async for items, _ in pages:
                    for document, item in self._driver.reader.shown(seen.home, items):
                        place = touched(seen.home.table, seen.home.key_of(item))
                        if place not in self._states and seen.query.matches(document):
                            raise self._conflict(seen.home, "a document appeared in what this transaction has read")

    def _refused(self, items: Sequence[Mapping[str, Any]], reasons: Sequence[str]) -> WriteConflictError:
        told: list[dict[str, Any]] = []
        for item, reason in zip(items, reasons, strict=False):
            if reason == "None":
                continue
            action, request = next(iter(item.items()))
            told.append({"action": action, "table": request["TableName"], "reason": reason})
        error = WriteConflictError(
            "another writer changed what this transaction has read or written; nothing was written",
            hint="Run the transaction again; store.run_transaction() does.",
        )
        error.with_details(reasons=told)
        return error

    @staticmethod
    def _conflict(home: Home, what: str) -> WriteConflictError:
        return WriteConflictError(
            f"{what}; nothing was written",
            hint="Run the transaction again; store.run_transaction() does.",
            collection=home.collection,
        )

    def _still(self) -> Again:
        homes = {state.home.collection: state.home for state in self._states.values()}
        return self._driver.homes.still(*homes.values())

    @property
    def _attempts(self) -> int:
        return self._driver.config.batch_attempts

    def _check_open(self) -> None:
        if self._over:
            raise TransactionError(_ENDED)

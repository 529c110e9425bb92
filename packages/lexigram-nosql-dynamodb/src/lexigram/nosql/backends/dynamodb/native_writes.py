"""Updates and deletions that do not read first, and those of many documents that write a hundred at a time.

**One document by its** ``_id``: one UpdateItem or DeleteItem, whose condition holds the rest of the filter and
everything under which the expression means what the engine would do
(:mod:`~lexigram.nosql.backends.dynamodb.planning.writes`). Where the condition fails nothing has happened, and the
portable way looks why: the document may be gone, or not match, or need the engine.

Where the answer to one is lost, the item tells whether it took place, and it is sent again only where it surely did not
(:mod:`~lexigram.nosql.backends.dynamodb.layouts.revisions`); or else it goes as a transaction, by the setting
``idempotent_writes``.

**Many documents**: the engine computes each, and transactions store up to a hundred of them, each on the condition that
it is as it was read; what somebody changed meanwhile is read and computed again by itself. When the first document
with an array comes into an index by another store, this one learns of it within ``schema_lease_seconds``; until then a
write that finds its documents by that index may pass over that one.

In a transaction, writes wait for its end; see :mod:`~lexigram.nosql.backends.dynamodb.transactions`.
"""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Mapping
from contextlib import aclosing
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from botocore.exceptions import BotoCoreError, ClientError
from lexigram.nosql.backends.dynamodb.codec import check_size
from lexigram.nosql.backends.dynamodb.errors import classify, error_code
from lexigram.nosql.backends.dynamodb.layouts.home import Home, Item, is_same
from lexigram.nosql.backends.dynamodb.layouts.revisions import covers, has_seen, is_latest, new_revision
from lexigram.nosql.backends.dynamodb.planning.writes import WritePlan
from lexigram.nosql.backends.dynamodb.reading.counts import Counts
from lexigram.nosql.backends.dynamodb.reading.getting import key_text
from lexigram.nosql.backends.dynamodb.reading.native import NativeFind
from lexigram.nosql.backends.dynamodb.writing.building import Write, deletion, replacement
from lexigram.nosql.backends.dynamodb.writing.conditions import unchanged
from lexigram.nosql.backends.dynamodb.writing.lost import send, unknown_outcome
from lexigram.nosql.backends.dynamodb.writing.sweeping import carry_out_all
from lexigram.nosql.backends.dynamodb.writing.transact import reasons_of, transact
from lexigram.nosql.driver import Call, Change, Document, Outcome, WriteRequest
from lexigram.nosql.exceptions import NoSQLConnectionError, NoSQLError, WriteConflictError
from lexigram.nosql.query.parse import Query
from lexigram.nosql.update.apply import Update
from lexigram.nosql.update.replacement import Replacement
from lexigram.nosql.writing import backoff

if TYPE_CHECKING:
    from lexigram.nosql.backends.dynamodb.driver import DynamoDBDriver

__all__ = ["NativeWrites", "Single", "Sweep"]

_REFUSED: Final = frozenset({"ConditionalCheckFailedException", "TransactionConflictException", "ValidationException"})
"""Nothing has happened, and the engine should look; what is not valid is said better by it, with its own limits."""

_UNDER_WAY: Final = 30.0
"""Seconds after which a native write is not sent again, so that its revision tells about when it was carried out."""

_CHANGING: Final = frozenset({"$push", "$addToSet"})
"""Operators that are native only where they change the document."""


@dataclass(frozen=True, slots=True)
class Single:
    """A write of the one document that a filter names.

    Attributes:
        request: What was asked.
        home: Where the collection lay.
        plan: What is sent.
    """

    request: WriteRequest
    home: Home
    plan: WritePlan


@dataclass(frozen=True, slots=True)
class Sweep:
    """A write of all documents that a filter selects.

    Attributes:
        request: What was asked.
        find: How they are found.
    """

    request: WriteRequest
    find: NativeFind


class NativeWrites(ABC):
    """The abilities of a collection to update and delete.

    Attributes:
        driver: The connection.
        name: Name of the collection.
    """

    driver: DynamoDBDriver
    name: str

    @abstractmethod
    async def home(self) -> Home:
        """Where the collection lies."""

    def compile_update(self, request: WriteRequest) -> Single | Sweep | None:
        """Take updates of one document that the service can do, and updates of many."""
        find: NativeFind = request.compiled.native
        home, change = find.home, request.change
        if home.exists and isinstance(change, Update) and not change.is_pipeline and not _expires(home):
            plan = home.planner.write(request.query, change.operations, home.protected)
            if plan is not None:
                return Single(request, home, plan)
        return Sweep(request, find) if request.many and isinstance(change, Update) else None

    async def run_update(self, native: Single | Sweep, call: Call) -> Outcome | None:
        """Run an update."""
        change = native.request.change
        if isinstance(native, Sweep):
            outcome = await self._sweep(native, change, call)
            # What nothing matched may still be inserted.
            return None if outcome is not None and native.request.upsert and not outcome.matched else outcome
        home = await self._unchanged_home(native, call)
        return None if home is None or change is None else await self._update(home, native, change)

    def compile_delete(self, request: WriteRequest) -> Single | Sweep | None:
        """Take deletions of one document by its ``_id``, and deletions of many."""
        find: NativeFind = request.compiled.native
        home = find.home
        if home.exists and not home.unique and not _expires(home):
            plan = home.planner.write(request.query)
            if plan is not None:
                return Single(request, home, plan)
        return Sweep(request, find) if request.many else None

    async def run_delete(self, native: Single | Sweep, call: Call) -> Outcome | None:
        """Run a deletion."""
        if isinstance(native, Sweep):
            return await self._sweep(native, None, call)
        home = await self._unchanged_home(native, call)
        if home is None:
            return None
        request = native.plan.request()
        if self._strict:
            told = native.request.returns is None and await self._transacted("Delete", request, home)
            return Outcome(deleted=1) if told else None
        if native.request.returns is not None:
            request["ReturnValues"] = "ALL_OLD"
        sending = _Sending(self, home, native, new_revision())
        try:
            answer = await self._send("DeleteItem", request, sending)
        except (ClientError, BotoCoreError) as error:
            if sending.is_unknown or (sending.was_lost and error_code(error) in _REFUSED):
                raise unknown_outcome("a deletion") from error
            if error_code(error) not in _REFUSED:
                raise
            return None
        old = answer.get("Attributes")
        return Outcome(deleted=1, before=home.document(old) if old else None)

    # --- one document

    async def _update(self, home: Home, native: Single, change: Change) -> Outcome | None:
        revision = new_revision()
        request = native.plan.request(revision)
        returns = native.request.returns
        always = isinstance(change, Update) and all(map(_changes, change.operations))
        if self._strict:
            # A transaction does not tell what was there.
            told = always and returns is None and await self._transacted("Update", request, home)
            return Outcome(matched=1, modified=1) if told else None
        if returns == "before" or not always:
            # Whether anything changed is told by what was there.
            request["ReturnValues"] = "ALL_OLD"
        elif returns == "after":
            request["ReturnValues"] = "ALL_NEW"
        sending = _Sending(self, home, native, revision)
        try:
            answer = await self._send("UpdateItem", request, sending)
        except (ClientError, BotoCoreError) as error:
            refused = error_code(error) in _REFUSED
            if not sending.was_lost:
                if refused:
                    return None
                raise
            found = await self.item(home, dict(native.plan.key))
            if found is None or not has_seen(found, revision):
                if refused or sending.is_unknown:
                    raise unknown_outcome("an update") from error
                raise
            if returns == "before" or (returns == "after" and not is_latest(found, revision)):
                raise NoSQLConnectionError(
                    f"the answer to an update was lost; the update was carried out, but what was there {returns} it "
                    "is gone",
                    retryable=False,
                ) from error
            return Outcome(matched=1, modified=1, after=home.document(found))
        item: Item | None = answer.get("Attributes")
        if item is None:
            return Outcome(matched=1, modified=1)
        document = home.document(item)
        if request["ReturnValues"] == "ALL_NEW":
            return Outcome(matched=1, modified=1, after=document)
        new, changed = change.apply(document, native.request.query)
        return Outcome(matched=1, modified=int(changed), before=document, after=new)

    @property
    def _strict(self) -> bool:
        """True when writes go as transactions, which the service itself carries out once."""
        return self.driver.config.idempotent_writes == "transaction"

    async def _transacted(self, action: str, request: dict[str, Any], home: Home) -> bool:
        """Carry out one write as a transaction; False where the engine should look, and nothing has happened."""
        try:
            attempts, still = self.driver.config.batch_attempts, self.driver.homes.still(home)
            reasons = await transact(self.driver.client, [{action: request}], attempts, still)
        except ClientError as error:
            if error_code(error) == "ValidationException" or "ValidationError" in (reasons_of(error) or ()):
                return False
            raise
        return reasons is None

    async def _send(self, operation: str, request: dict[str, Any], sending: _Sending) -> dict[str, Any]:
        return await send(self.driver.client, operation, request, self.driver.config.batch_attempts, sending.again)

    async def item(self, home: Home, key: Item) -> Item | None:
        """The item with a key, as it was written last."""
        return await self.driver.reader.one(home, key, Counts(), strict=True)

    async def _unchanged_home(self, native: Single, call: Call) -> Home | None:
        """Where the collection lies, if that is where the request was made for, and it may run now."""
        if call.in_transaction:
            return None
        home = await self.home()
        return home if home is native.home else None

    # --- many documents

    async def _sweep(self, native: Sweep, change: Change | None, call: Call) -> Outcome | None:
        """Change or delete what is found; None in a transaction, and where there is nothing yet.

        Raises:
            NoSQLError: It went wrong in the middle; the details say how many documents were done by then.
        """
        if call.in_transaction:
            return None
        home, find = await self.home(), native.find
        if not home.exists:
            return None
        if home is not find.home:
            # Its table or its indexes have changed since the request was compiled.
            find = self.driver.compile(home, find.query, find.sort, None).native
        outcome = Outcome()
        try:
            await self._sweep_pages(home, find, native.request.query, change, outcome)
        except (ClientError, BotoCoreError, NoSQLError) as error:
            done = {"matched": outcome.matched, "modified": outcome.modified, "deleted": outcome.deleted}
            if not any(done.values()):
                raise
            if isinstance(error, NoSQLError):
                error.with_details(**done)
                raise
            found = classify(error)
            if found is None:
                raise
            raise found.with_details(**done) from error
        return outcome

    async def _sweep_pages(
        self, home: Home, find: NativeFind, query: Query, change: Change | None, outcome: Outcome
    ) -> None:
        seen: set[str] = set()
        config = self.driver.config
        async with aclosing(self.driver.reader.items(home, find.reach, find.counts, strict=True)) as pages:
            async for items, _ in pages:
                writes: list[Write] = []
                read: dict[str, tuple[Document, Item]] = {}
                for document, item in self.driver.reader.shown(home, items):
                    key = key_text(home.key_of(item))
                    # A page may show a document again at the place to which this very update has moved it.
                    if key in seen:
                        continue
                    seen.add(key)
                    if find.reach.residue is not None and not find.reach.residue.matches(document):
                        continue
                    read[key] = document, item
                    write = self._write(home, document, item, change, query)
                    if write is None:
                        outcome.matched += 1
                    else:
                        writes.append(write)
                if change is not None and writes:
                    await self.driver.homes.note_apart(home, [write.document for write in writes])
                failed = await carry_out_all(
                    self.driver.client,
                    writes,
                    config.max_transaction_items,
                    config.batch_attempts,
                    partial(self._current, read, change, query),
                    partial(_count, outcome, change=change),
                    self.driver.homes.still,
                )
                for write in failed:
                    await self._again(write, change, query, outcome)

    async def _current(
        self, read: Mapping[str, tuple[Document, Item]], change: Change | None, query: Query, left: list[Write]
    ) -> list[Write]:
        """Writes by the rules that hold now, of documents as they were read."""
        home = await self.home()
        if is_same(home, left[0].home):
            return left
        if change is not None:
            await self.driver.homes.note_apart(home, [write.document for write in left])
        made = [self._write(home, *read[key_text(write.key)], change, query) for write in left]
        return [write for write in made if write is not None]

    def _write(self, home: Home, document: Document, item: Item, change: Change | None, query: Query) -> Write | None:
        """What is to be done to a document; None where an update changes nothing."""
        revision = home.revision(item)
        if change is None:
            return deletion(home, document, revision)
        new, changed = change.apply(document, query)
        if not changed:
            return None
        stored = home.item(new, whole=isinstance(change, Replacement), before=revision)
        check_size([stored])
        return replacement(home, document, new, stored, unchanged(home, revision))

    async def _again(self, write: Write, change: Change | None, query: Query, outcome: Outcome) -> None:
        """Look again at a document that somebody changed meanwhile, or whose key another one holds."""
        for attempt in range(self.driver.config.write_attempts):
            home = await self.home()
            item = await self.item(home, write.key)
            shown = self.driver.reader.shown(home, [] if item is None else [item])
            if item is None or not shown or not query.matches(shown[0][0]):
                return
            fresh = self._write(home, shown[0][0], item, change, query)
            if fresh is None:
                outcome.matched += 1
                return
            if change is not None:
                await self.driver.homes.note_apart(home, (fresh.document,))
            if await self.driver.writer.carry_out(fresh):
                _count(outcome, 1, change=change)
                return
            await asyncio.sleep(backoff(attempt))
        raise WriteConflictError(
            "other writers kept changing a document; gave up after "
            f"{self.driver.config.write_attempts} attempts, {outcome.modified + outcome.deleted} documents were done",
            hint="Run it again, or raise write_attempts.",
        )


class _Sending:
    """A native write under way, which is sent again only where it surely has not taken place.

    Args:
        writes: The collection.
        home: Where it lies.
        native: The write.
        revision: Its revision; for a deletion, one that was made right before.

    Attributes:
        was_lost: True when an attempt may have been carried out though no answer came.
        is_unknown: True when that cannot be told any more.
    """

    def __init__(self, writes: NativeWrites, home: Home, native: Single, revision: str) -> None:
        self._writes = writes
        self._home = home
        self._key = dict(native.plan.key)
        self._revision = revision
        self._still = writes.driver.homes.still(home)
        self._in_flight = writes.driver.config.read_timeout + writes.driver.config.connect_timeout
        self._until = asyncio.get_running_loop().time() + _UNDER_WAY
        self.was_lost = False
        self.is_unknown = False

    async def again(self, lost: bool) -> bool:
        """Say whether the write may be sent again."""
        if not lost:
            return asyncio.get_running_loop().time() < self._until and await self._still(False)
        self.was_lost = True
        item = await self._writes.item(self._home, self._key)
        if item is not None and has_seen(item, self._revision):
            return False
        self.is_unknown = item is None or not covers(item, self._revision, _UNDER_WAY + self._in_flight)
        return not self.is_unknown


def _count(outcome: Outcome, done: int, *, change: Change | None) -> None:
    if change is None:
        outcome.deleted += done
    else:
        outcome.matched += done
        outcome.modified += done


def _expires(home: Home) -> bool:
    return bool(home.expiring) or home.expires_natively


def _changes(operation: Any) -> bool:
    """True for an operation that changes every document on which the service may carry it out."""
    if operation.operator == "$inc":
        return bool(operation.operand != 0)
    return operation.operator in _CHANGING

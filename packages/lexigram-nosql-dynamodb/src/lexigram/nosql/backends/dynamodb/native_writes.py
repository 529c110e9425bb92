"""Updates and deletions that do not read first, and those of many documents that write a hundred at a time.

**One document by its** ``_id``: one UpdateItem or DeleteItem, whose condition holds the rest of the filter and
everything under which the expression means what the engine would do
(:mod:`~lexigram.nosql.backends.dynamodb.planning.writes`). Where the condition fails nothing has happened, and the
portable way looks why: the document may be gone, or not match, or need the engine.

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
from lexigram.nosql.backends.dynamodb.layouts.home import Home, Item, new_revision
from lexigram.nosql.backends.dynamodb.layouts.reserved import META
from lexigram.nosql.backends.dynamodb.planning.writes import WritePlan
from lexigram.nosql.backends.dynamodb.reading.counts import Counts
from lexigram.nosql.backends.dynamodb.reading.getting import key_text
from lexigram.nosql.backends.dynamodb.reading.native import NativeFind
from lexigram.nosql.backends.dynamodb.writing.building import Write, deletion, replacement
from lexigram.nosql.backends.dynamodb.writing.conditions import unchanged
from lexigram.nosql.backends.dynamodb.writing.lost import answer_lost, send, unknown_outcome
from lexigram.nosql.backends.dynamodb.writing.sweeping import carry_out_all
from lexigram.nosql.backends.dynamodb.writing.writer import is_same
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
        if not home.exists:
            return None
        if isinstance(change, Update) and not change.is_pipeline and not _expires(home):
            plan = home.planner.write(request.query, change.operations, home.protected)
            if plan is not None:
                return Single(request, home, plan)
        if request.many and not request.upsert and isinstance(change, Update):
            return Sweep(request, find)
        return None

    async def run_update(self, native: Single | Sweep, call: Call) -> Outcome | None:
        """Run an update."""
        home = await self._unchanged_home(native, call)
        change = native.request.change
        if home is None or change is None:
            return None
        if isinstance(native, Sweep):
            return await self._sweep(home, native, change)
        return await self._update(home, native, change)

    def compile_delete(self, request: WriteRequest) -> Single | Sweep | None:
        """Take deletions of one document by its ``_id``, and deletions of many."""
        find: NativeFind = request.compiled.native
        home = find.home
        if not home.exists:
            return None
        if not home.unique and not _expires(home):
            plan = home.planner.write(request.query)
            if plan is not None:
                return Single(request, home, plan)
        return Sweep(request, find) if request.many else None

    async def run_delete(self, native: Single | Sweep, call: Call) -> Outcome | None:
        """Run a deletion."""
        home = await self._unchanged_home(native, call)
        if home is None:
            return None
        if isinstance(native, Sweep):
            return await self._sweep(home, native, None)
        request = native.plan.request()
        if native.request.returns is not None:
            request["ReturnValues"] = "ALL_OLD"
        try:
            answer = await send(self.driver.client, "DeleteItem", request, self.driver.config.batch_attempts)
        except ClientError as error:
            if error_code(error) not in _REFUSED:
                raise
            if answer_lost(error):
                raise unknown_outcome("a deletion") from error
            return None
        old = answer.get("Attributes")
        return Outcome(deleted=1, before=home.document(old) if old else None)

    # --- one document

    async def _update(self, home: Home, native: Single, change: Change) -> Outcome | None:
        revision = new_revision()
        request = _once(native.plan.request(revision), revision)
        returns = native.request.returns
        always = isinstance(change, Update) and all(map(_changes, change.operations))
        if returns == "before" or not always:
            # Whether anything changed is told by what was there.
            request["ReturnValues"] = "ALL_OLD"
        elif returns == "after":
            request["ReturnValues"] = "ALL_NEW"
        try:
            answer = await send(self.driver.client, "UpdateItem", request, self.driver.config.batch_attempts)
        except ClientError as error:
            if error_code(error) not in _REFUSED:
                raise
            if not answer_lost(error):
                return None
            found = await self._item(home, dict(native.plan.key))
            if found is None or home.revision(found) != revision:
                raise unknown_outcome("an update") from error
            if returns == "before":
                raise NoSQLConnectionError(
                    "the answer to an update was lost; the update was carried out, but what was there before is gone",
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

    async def _item(self, home: Home, key: Item) -> Item | None:
        return await self.driver.reader.one(home, key, Counts(), strict=True)

    async def _unchanged_home(self, native: Single | Sweep, call: Call) -> Home | None:
        """Where the collection lies, if that is where the request was made for, and it may run now."""
        if call.in_transaction:
            return None
        home = await self.home()
        return home if home is (native.home if isinstance(native, Single) else native.find.home) else None

    # --- many documents

    async def _sweep(self, home: Home, native: Sweep, change: Change | None) -> Outcome:
        """Change or delete what is found.

        Raises:
            NoSQLError: It went wrong in the middle; the details say how many documents were done by then.
        """
        outcome = Outcome()
        try:
            await self._sweep_pages(home, native, change, outcome)
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

    async def _sweep_pages(self, home: Home, native: Sweep, change: Change | None, outcome: Outcome) -> None:
        find, query = native.find, native.request.query
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
        stored = home.item(new, whole=isinstance(change, Replacement))
        check_size([stored])
        return replacement(home, document, new, stored, unchanged(home, revision))

    async def _again(self, write: Write, change: Change | None, query: Query, outcome: Outcome) -> None:
        """Look again at a document that somebody changed meanwhile, or whose key another one holds."""
        for attempt in range(self.driver.config.write_attempts):
            home = await self.home()
            item = await self._item(home, write.key)
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


def _once(request: dict[str, Any], revision: str) -> dict[str, Any]:
    """The same update, refused where it was the latest one already: the SDK repeats what was not answered.

    Another writer who comes between the two hides the first; the repetition is then carried out as well.
    """
    return {
        **request,
        "ConditionExpression": f"({request['ConditionExpression']}) AND #lxm.#lxr <> :lxr",
        "ExpressionAttributeNames": {**request["ExpressionAttributeNames"], "#lxm": META, "#lxr": "r"},
        "ExpressionAttributeValues": {**request["ExpressionAttributeValues"], ":lxr": {"S": revision}},
    }


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

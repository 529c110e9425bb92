"""Carries writes out with as few requests as are exact.

**Inserts.** BatchWriteItem knows no conditions, so it would write over what is there: it never inserts. One document is
a PutItem with ``attribute_not_exists``; several are TransactWriteItems of up to 100 of them, each with that condition:
one round trip for a hundred documents, where single puts would take a hundred. It is the only request that stores many
items and refuses those that exist, and its cancellation names them, so a second trip stores the others. The price is
the double of write units (Amazon DynamoDB Developer Guide, "Transactions: how it works", capacity).

**Replacing and deleting** are one conditional PutItem or DeleteItem; with guards that change, one transaction.

**Lost answers.** The SDK repeats a request whose answer did not come. The repetition of a conditional write that took
place fails its condition; since every write has a revision of its own, the item tells whether it was ours. Where it
does not, because another writer came between, the outcome is unknown, and is told so
(:mod:`~lexigram.nosql.backends.dynamodb.writing.lost`).
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

from botocore.exceptions import BotoCoreError, ClientError
from lexigram.nosql.backends.dynamodb.codec import check_size
from lexigram.nosql.backends.dynamodb.errors import error_code
from lexigram.nosql.backends.dynamodb.layouts.expiry import now_millis
from lexigram.nosql.backends.dynamodb.layouts.home import Home, Item, is_same
from lexigram.nosql.backends.dynamodb.layouts.reserved import META
from lexigram.nosql.backends.dynamodb.layouts.revisions import Revision, has_seen
from lexigram.nosql.backends.dynamodb.reading.counts import Counts
from lexigram.nosql.backends.dynamodb.reading.getting import get_item
from lexigram.nosql.backends.dynamodb.writing.building import (
    OWNER,
    Guard,
    Write,
    deletion,
    guards_of_document,
    insertion,
    put,
    release,
    replacement,
)
from lexigram.nosql.backends.dynamodb.writing.conditions import absent, unchanged
from lexigram.nosql.backends.dynamodb.writing.lost import IN_THE_WAY, answer_lost, send, unknown_outcome
from lexigram.nosql.backends.dynamodb.writing.transact import CONDITION_FAILED, MAX_TRANSACTION_BYTES, transact
from lexigram.nosql.backends.dynamodb.writing.unique import duplicate_key
from lexigram.nosql.driver import Document
from lexigram.nosql.exceptions import DocumentValidationError, NoSQLError, NoSQLIndexError

if TYPE_CHECKING:
    from lexigram.nosql.backends.dynamodb.client import DynamoClient
    from lexigram.nosql.backends.dynamodb.config import DynamoDBConfig
    from lexigram.nosql.backends.dynamodb.layouts.homes import Homes

__all__ = ["Writer", "encode_all"]

_REFUSED: Final = frozenset({"ConditionalCheckFailedException", IN_THE_WAY})
_ERRORS: Final = (ClientError, BotoCoreError, NoSQLError)
"""What the service, the SDK and the catalogue raise; anything else is nobody's answer."""

Failure = tuple[int, BaseException]
Numbered = tuple[int, Write]


def encode_all(home: Home, documents: Sequence[Document]) -> list[Item]:
    """Documents as items, none of which is too large.

    Args:
        home: Where they go.
        documents: The documents.

    Raises:
        DocumentValidationError: One cannot be stored; its details say which.
    """
    items: list[Item] = []
    try:
        for document in documents:
            items.append(home.item(document))  # noqa: PERF401 - how many there are tells where it failed
    except (DocumentValidationError, NoSQLIndexError) as error:
        if len(documents) > 1:
            error.with_details(document_index=len(items))
        raise
    check_size(items)
    return items


@dataclass(slots=True)
class _Sent:
    """How far an insertion of many documents is.

    Attributes:
        stored: True when some of them are.
        stopped: The service's error after which nothing more is sent.
    """

    stored: bool = False
    stopped: Exception | None = None


def _holds(home: Home, item: Item, guard: Guard) -> bool:
    """True when an item's document has the key that a guard stands for."""
    try:
        return guard.text in guards_of_document(home, home.document(item))
    except NoSQLIndexError:
        # Another program stored what the index cannot hold; its guard is not ours to judge.
        return True


class Writer:
    """Writes to a store's tables.

    Args:
        client: The client.
        config: The store's settings.
        homes: Where collections lie.
    """

    def __init__(self, client: DynamoClient, config: DynamoDBConfig, homes: Homes) -> None:
        self._client = client
        self._homes = homes
        self._attempts = config.batch_attempts
        self._at_once = config.batch_concurrency
        self._most = config.max_transaction_items
        self._strict = config.idempotent_writes == "transaction"

    async def insert(self, home: Home, documents: Sequence[Document], ordered: bool) -> list[Failure]:
        """Insert documents.

        Args:
            home: Where they go.
            documents: The documents.
            ordered: Stop at the first that fails.

        Returns:
            Position and error of those that were not inserted. An error of the service after some were inserted is that
            of every document that it kept from being sent, or from being answered for.

        Raises:
            ClientError: The service refused the first; nothing was inserted.
            BotoCoreError: It was not reached, or did not answer, before anything was inserted.
        """
        items = encode_all(home, documents)
        await self._homes.note_apart(home, documents)
        now = now_millis()
        left: list[Numbered] = []
        failures: list[Failure] = []
        for place, (document, item) in enumerate(zip(documents, items, strict=True)):
            try:
                left.append((place, insertion(home, document, item, now)))
            except NoSQLIndexError as error:
                failures.append((place, error))
                if ordered:
                    break
        sent = _Sent()
        if ordered:
            failed = await self._insert_chunks(left, sent, ordered=True)
            return failed or failures
        while left:
            # Documents that share a key are not sent at the same time.
            chunks, left = self._round(left)
            if len(chunks) == 1:
                failures += await self._insert_chunks(chunks[0], sent, ordered=False)
                continue
            places = asyncio.Semaphore(self._at_once)

            async def one(chunk: list[Numbered], places: asyncio.Semaphore = places) -> list[Failure]:
                async with places:
                    return await self._insert_chunks(chunk, sent, ordered=False)

            # Those under way are answered for before an error is raised: they may yet store something.
            results = await asyncio.gather(*map(one, chunks), return_exceptions=True)
            for result in results:
                if isinstance(result, BaseException):
                    raise result
                failures += result
        if sent.stopped is not None and not sent.stored and all(error is sent.stopped for _, error in failures):
            raise sent.stopped
        return sorted(failures, key=lambda failure: failure[0])

    async def replace(self, home: Home, old: Document, new: Document, revision: Revision, *, whole: bool) -> bool:
        """Replace a document if it is still as it was read.

        Returns:
            False when it was changed or removed since.

        Raises:
            DuplicateKeyError: A unique index holds a key of the new document.
        """
        item = home.item(new, whole=whole, before=revision)
        check_size([item])
        await self._homes.note_apart(home, (new,))
        write = replacement(home, old, new, item, unchanged(home, revision))
        if write.parts == 1 and not self._strict:
            return await self.put(home, item, write.main["Put"])
        return await self.carry_out(write)

    async def delete(self, home: Home, old: Document, revision: Revision) -> bool:
        """Delete a document if it is still as it was read.

        Returns:
            False when it was changed or removed since.

        Raises:
            NoSQLConnectionError: An answer was lost, and the document is not as it was: whether by this call, nobody
                knows.
        """
        write = deletion(home, old, revision)
        if write.parts > 1 or self._strict:
            return await self.carry_out(write)
        try:
            await send(self._client, "DeleteItem", write.main["Delete"], self._attempts, self._homes.still(home))
        except ClientError as error:
            if error_code(error) not in _REFUSED:
                raise
            if answer_lost(error):
                raise unknown_outcome("a deletion") from error
            return False
        return True

    async def put(self, home: Home, item: Item, request: dict[str, Any]) -> bool:
        """Store an item on a condition.

        Args:
            home: Where it lies.
            item: The item.
            request: The members of PutItem.

        Returns:
            False where the condition failed.

        Raises:
            NoSQLConnectionError: An answer was lost, and the item is not this one: whether it was, nobody knows.
        """
        try:
            await send(self._client, "PutItem", request, self._attempts, self._homes.still(home))
        except ClientError as error:
            if error_code(error) not in _REFUSED:
                raise
            if not answer_lost(error):
                if error_code(error) == IN_THE_WAY:
                    raise
                return False
            found = await self._read(home, home.key_of(item))
            if not has_seen(found, item[META]["M"]["r"]["S"]):
                raise unknown_outcome("a write") from error
        return True

    async def carry_out(self, write: Write) -> bool:
        """Carry out a write with its guards.

        Returns:
            False where the document's own condition failed.

        Raises:
            DuplicateKeyError: A unique index holds a key of the document.
        """
        while True:
            reasons = await transact(self._client, list(write.items()), self._attempts, self._homes.still(write.home))
            if reasons is None:
                return True
            if reasons[0] == CONDITION_FAILED:
                return False
            for guard, reason in zip(write.claims, reasons[1:], strict=False):
                if reason == CONDITION_FAILED and not await self.take_over(write.home, guard, write.key):
                    raise duplicate_key(write.home.collection, guard.index, write.document)
            if CONDITION_FAILED in reasons[1 + len(write.claims) :]:
                # A guard that should be this document's own is another's: leave it.
                write = await self._without_lost_releases(write, reasons[1 + len(write.claims) :])

    async def take_over(self, home: Home, guard: Guard, key: Item) -> bool:
        """Free a guard whose document is gone, has expired, or has another key by now.

        Returns:
            True when the guard is free, or this document's already.
        """
        found = await get_item(
            self._client,
            home.catalogue,
            guard.key,
            Counts(),
            consistent=True,
            ProjectionExpression="#o",
            ExpressionAttributeNames={"#o": OWNER},
        )
        if found is None:
            return True
        owner: Item = found[OWNER]["M"]
        if owner == key:
            return True
        item = await self._read(home, owner)
        if item is None:
            state = absent(home)
        elif self._is_hidden(home, item) or not _holds(home, item, guard):
            state = unchanged(home, home.revision(item))
        else:
            return False
        reasons = await transact(
            self._client,
            [
                release(home, guard.key, owner),
                {"ConditionCheck": {"TableName": home.table, "Key": owner, **state.to_request()}},
            ],
            self._attempts,
            self._homes.still(home),
        )
        return reasons is None

    @staticmethod
    def _is_hidden(home: Home, item: Item) -> bool:
        """True when reading shows an item no more: its document has expired."""
        now = now_millis()
        return home.is_gone(item, now) or (bool(home.expiring) and home.is_hidden(home.document(item), now))

    async def _over_hidden(self, write: Write) -> Write | None:
        """An insertion whose key is taken, over what has expired; None where a document stands there."""
        home = write.home
        if not home.expiring and not home.expires_natively:
            return None
        item = await self._read(home, write.key)
        if item is None:
            return write
        if not self._is_hidden(home, item):
            return None
        main = put(home, write.main["Put"]["Item"], unchanged(home, home.revision(item)))
        return replace(write, main=main)

    async def _without_lost_releases(self, write: Write, reasons: Sequence[str]) -> Write:
        kept = [guard for guard, reason in zip(write.releases, reasons, strict=False) if reason != CONDITION_FAILED]
        return Write(write.home, write.key, write.document, write.main, write.claims, kept, write.size)

    async def _insert_chunks(self, left: list[Numbered], sent: _Sent, *, ordered: bool) -> list[Failure]:
        """Insert documents, as many at a time as a transaction takes, each time by the rules that hold then."""
        failures: list[Failure] = []
        unfit: list[Failure] = []
        while left:
            if sent.stopped is not None:
                # More of the same would fail the same way, after as long a wait.
                return [*failures, *unfit, *[(place, sent.stopped) for place, _ in left[: 1 if ordered else None]]]
            chunk: list[Numbered] = []
            try:
                left, refused = await self._current(left, ordered)
                unfit += refused
                chunk, left = self._chunk(left)
                failed = await self._insert_chunk(chunk, ordered=ordered)
            except _ERRORS as error:
                if ordered and not sent.stored:
                    raise
                sent.stopped = sent.stopped or error
                left = [*chunk, *left]
                if ordered:
                    unfit = []
                continue
            sent.stored = sent.stored or len(failed) < len(chunk)
            failures += failed
            if ordered and failed:
                return failures
        return [*failures, *unfit]

    async def _current(self, left: list[Numbered], ordered: bool) -> tuple[list[Numbered], list[Failure]]:
        """Writes as they must be now: an index may have been made or removed since they were built."""
        if not left:
            return left, []
        before = left[0][1].home
        home = await self._homes.find(before.collection)
        if is_same(home, before):
            return left, []
        await self._homes.note_apart(home, [write.document for _, write in left])
        now = now_millis()
        writes: list[Numbered] = []
        unfit: list[Failure] = []
        for place, write in left:
            try:
                (item,) = encode_all(home, [write.document])
                writes.append((place, insertion(home, write.document, item, now)))
            except NoSQLError as error:
                unfit.append((place, error))
                if ordered:
                    break
        return writes, unfit

    async def _insert_chunk(self, chunk: list[Numbered], *, ordered: bool) -> list[Failure]:
        """Insert documents with different keys together."""
        failures: list[Failure] = []
        left = list(chunk)
        while left:
            if len(left) == 1 and left[0][1].parts == 1 and not self._strict:
                place, write = left[0]
                request = write.main["Put"]
                if await self.put(write.home, request["Item"], request):
                    break
                over = await self._over_hidden(write)
                if over is None:
                    failures.append((place, duplicate_key(write.home.collection, None, write.document)))
                    break
                left = [(place, over)]
                continue
            reasons = await transact(
                self._client,
                [item for _, write in left for item in write.items()],
                self._attempts,
                self._homes.still(left[0][1].home),
            )
            if reasons is None:
                break
            failed: dict[int, BaseException] = {}
            start = 0
            for number, (place, write) in enumerate(left):
                own = reasons[start : start + write.parts]
                start += write.parts
                if own[0] == CONDITION_FAILED:
                    over = await self._over_hidden(write)
                    if over is not None:
                        left[number] = place, over
                        continue
                error = await self._refusal(write, own)
                if error is not None:
                    failed[number] = error
                    if ordered:
                        break
            failures += [(left[number][0], error) for number, error in failed.items()]
            if ordered and failed:
                left = left[: min(failed)]
            else:
                left = [each for number, each in enumerate(left) if number not in failed]
        return failures

    async def _refusal(self, write: Write, reasons: Sequence[str]) -> BaseException | None:
        """Why a document of a cancelled transaction cannot be inserted, or None where it was not the cause."""
        if CONDITION_FAILED not in reasons:
            return None
        if reasons[0] == CONDITION_FAILED:
            return duplicate_key(write.home.collection, None, write.document)
        for guard, reason in zip(write.claims, reasons[1:], strict=True):
            if reason == CONDITION_FAILED and not await self.take_over(write.home, guard, write.key):
                return duplicate_key(write.home.collection, guard.index, write.document)
        return None

    def _chunk(self, left: list[Numbered]) -> tuple[list[Numbered], list[Numbered]]:
        """The first documents that fit into one transaction, and the others."""
        taken: set[str] = set()
        parts = size = 0
        for number, (_, write) in enumerate(left):
            own = write.touched()
            parts, size = parts + write.parts, size + write.size
            if number and (parts > self._most or size > MAX_TRANSACTION_BYTES or not taken.isdisjoint(own)):
                return left[:number], left[number:]
            taken |= own
        return left, []

    def _round(self, left: list[Numbered]) -> tuple[list[list[Numbered]], list[Numbered]]:
        """Chunks that share no key, and what has to wait for them."""
        taken: set[str] = set()
        now: list[Numbered] = []
        later: list[Numbered] = []
        for each in left:
            own = each[1].touched()
            (now if taken.isdisjoint(own) else later).append(each)
            taken |= own
        chunks: list[list[Numbered]] = []
        while now:
            chunk, now = self._chunk(now)
            chunks.append(chunk)
        return chunks, later

    async def _read(self, home: Home, key: Item) -> Item | None:
        return await get_item(self._client, home.table, key, Counts(), consistent=True)

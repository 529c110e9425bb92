"""The records of all collections, kept in a table, and a copy of them that is never old.

A writer must know every index that another process declares, before that process relies on it. So nobody works with a
copy that is older than the *lease* (the setting ``schema_lease_seconds``), and who declares an index waits for one
lease before it fills and uses it: by then everybody writes the index's keys and guards. The copy is read again in the
background when half of its time is over, one query for all collections. So requests do not wait for it, but for the
first one after nothing was asked for a whole lease. A write that the SDK sends again, which may take longer, is sent
only while the copy, fresh again, says the same. What is read and says nothing new leaves the copy's records as they
are, the same objects.

The table is called as the setting ``table_name`` says. It is made with the first record; until then there are none.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Final

from botocore.exceptions import ClientError
from lexigram.nosql.backends.dynamodb.errors import error_code
from lexigram.nosql.backends.dynamodb.layouts.records import NOTHING, CollectionRecord
from lexigram.nosql.backends.dynamodb.layouts.reserved import CATALOGUE, PARTITION
from lexigram.nosql.exceptions import StoreNotConnectedError, WriteConflictError
from lexigram.nosql.writing import backoff

if TYPE_CHECKING:
    from collections.abc import Awaitable

    from lexigram.nosql.backends.dynamodb.client import DynamoClient

__all__ = ["Catalogue"]

_log: Final = logging.getLogger("lexigram.nosql")
_ATTEMPTS: Final = 50


class Catalogue:
    """The records of a store's collections.

    Args:
        client: The client.
        table: Name of the table.
        sort: Name of its sort key.
        lease: Seconds for which a copy of the records may be worked with.
        make_table: Makes the table, if it is not there.
    """

    def __init__(
        self, client: DynamoClient, table: str, sort: str, lease: float, make_table: Callable[[], Awaitable[None]]
    ) -> None:
        self._client = client
        self.table = table
        self.sort = sort
        self.lease = lease
        self._make_table = make_table
        self._records: Mapping[str, CollectionRecord] = {}
        self._changes: dict[str, float] = {}
        self._read_at: float | None = None
        self._reading: asyncio.Task[None] | None = None

    @property
    def records(self) -> Mapping[str, CollectionRecord]:
        """The copy of the records, by collection."""
        return self._records

    def record(self, collection: str) -> CollectionRecord:
        """What the copy says of a collection."""
        return self._records.get(collection, NOTHING)

    async def fresh(self) -> None:
        """See that the copy is not older than the lease.

        Raises:
            StoreNotConnectedError: The store is being disconnected.
        """
        now = asyncio.get_running_loop().time()
        age = float("inf") if self._read_at is None else now - self._read_at
        if age < self.lease / 2:
            return
        reading = self._reading
        if reading is None or reading.done():
            reading = self._reading = asyncio.get_running_loop().create_task(
                self._read(now), name="lexigram dynamodb catalogue"
            )
            reading.add_done_callback(_look_at)
        if age >= self.lease:
            await asyncio.wait((reading,))
            if reading.cancelled():
                raise StoreNotConnectedError("the store was disconnected meanwhile")
            reading.result()

    def expire(self) -> None:
        """Have the copy read again before it is worked with the next time."""
        self._read_at = None

    async def read(self) -> None:
        """Read all records now."""
        await self._read(asyncio.get_running_loop().time())

    async def change(
        self, collection: str, change: Callable[[CollectionRecord], CollectionRecord | None]
    ) -> CollectionRecord:
        """Change a collection's record; nobody else's change is lost.

        Args:
            collection: Its name.
            change: Gives the new record for the old one, or None to leave it as it is.

        Returns:
            The record as it is now.

        Raises:
            WriteConflictError: Others kept changing it.
        """
        for attempt in range(_ATTEMPTS):
            if attempt:
                await asyncio.sleep(backoff(attempt))
            old = await self._read_one(collection)
            new = change(old)
            if new is None:
                self._note(collection, old)
                return old
            stored = CollectionRecord(new.indexes, old.version + 1)
            if await self._write(collection, old, stored):
                self._note(collection, stored)
                return stored
        raise WriteConflictError(f"others kept changing the indexes of {collection!r}", hint="Run it again.")

    async def remove(self, collection: str) -> None:
        """Forget a collection."""
        self._note(collection, None)
        try:
            await self._client.call("DeleteItem", {"TableName": self.table, "Key": self._key(collection)})
        except ClientError as error:
            if error_code(error) != "ResourceNotFoundException":
                raise

    async def close(self) -> None:
        """End what is read in the background."""
        if self._reading is not None:
            self._reading.cancel()
            await asyncio.wait((self._reading,))
            if not self._reading.cancelled():
                self._reading.exception()  # has been seen by those who waited; nobody else asks

    async def _read(self, at: float) -> None:
        request: dict[str, Any] = {
            "TableName": self.table,
            "ConsistentRead": True,
            "KeyConditionExpression": "#p = :p",
            "ExpressionAttributeNames": {"#p": PARTITION},
            "ExpressionAttributeValues": {":p": {"S": CATALOGUE}},
        }
        records: dict[str, CollectionRecord] = {}
        try:
            while True:
                answer = await self._client.call("Query", request)
                for item in answer.get("Items", ()):
                    name = item[self.sort]["S"]
                    records[name] = _newer(self._records.get(name), _record(item))
                if not answer.get("LastEvaluatedKey"):
                    break
                request["ExclusiveStartKey"] = answer["LastEvaluatedKey"]
        except ClientError as error:
            if error_code(error) != "ResourceNotFoundException":
                raise
            records = {}
        # A change that was made here meanwhile is newer than what was read.
        for name, changed_at in self._changes.items():
            if changed_at >= at:
                if name in self._records:
                    records[name] = self._records[name]
                else:
                    records.pop(name, None)
        self._records = records
        self._changes = {name: changed_at for name, changed_at in self._changes.items() if changed_at >= at}
        self._read_at = at

    async def _read_one(self, collection: str) -> CollectionRecord:
        try:
            answer = await self._client.call(
                "GetItem", {"TableName": self.table, "Key": self._key(collection), "ConsistentRead": True}
            )
        except ClientError as error:
            if error_code(error) != "ResourceNotFoundException":
                raise
            return NOTHING
        item = answer.get("Item")
        return NOTHING if not item else _record(item)

    async def _write(self, collection: str, old: CollectionRecord, new: CollectionRecord) -> bool:
        item = {**self._key(collection), "version": {"N": str(new.version)}, "record": {"S": new.to_text()}}
        request: dict[str, Any] = {
            "TableName": self.table,
            "Item": item,
            "ConditionExpression": "attribute_not_exists(#p)",
            "ExpressionAttributeNames": {"#p": PARTITION},
        }
        if old.version:
            request["ConditionExpression"] = "#v = :v"
            request["ExpressionAttributeNames"] = {"#v": "version"}
            request["ExpressionAttributeValues"] = {":v": {"N": str(old.version)}}
        try:
            await self._client.call("PutItem", request)
        except ClientError as error:
            code = error_code(error)
            if code == "ConditionalCheckFailedException":
                return False
            if code != "ResourceNotFoundException":
                raise
            await self._make_table()
            return await self._write(collection, old, new)
        return True

    def _key(self, collection: str) -> dict[str, Any]:
        return {PARTITION: {"S": CATALOGUE}, self.sort: {"S": collection}}

    def _note(self, collection: str, record: CollectionRecord | None) -> None:
        records = dict(self._records)
        if record is None or not record.version:
            records.pop(collection, None)
        else:
            records[collection] = _newer(records.get(collection), record)
        self._records = records
        self._changes[collection] = asyncio.get_running_loop().time()


def _look_at(reading: asyncio.Task[None]) -> None:
    """See how reading in the background ended; a later request reads again, and tells what it finds."""
    if not reading.cancelled() and (error := reading.exception()) is not None:
        _log.debug("the records of indexes could not be read: %s", type(error).__name__)


def _newer(known: CollectionRecord | None, found: CollectionRecord) -> CollectionRecord:
    """The record that was known, where nothing of it that counts has changed."""
    return known if known is not None and known.indexes == found.indexes else found


def _record(item: Mapping[str, Any]) -> CollectionRecord:
    return CollectionRecord.from_text(item["record"]["S"], int(item["version"]["N"]))

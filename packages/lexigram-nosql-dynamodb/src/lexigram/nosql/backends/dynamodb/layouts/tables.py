"""Making tables, waiting for them, and removing them.

The service works on a table for seconds. What is waited for is asked with growing pauses; the caller's time limit, or
``table_wait_seconds``, ends every wait.
"""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from botocore.exceptions import ClientError
from lexigram.nosql.backends.dynamodb.errors import error_code
from lexigram.nosql.backends.dynamodb.layouts.reserved import slot_attributes, slot_index
from lexigram.nosql.exceptions import NoSQLTimeoutError

if TYPE_CHECKING:
    from lexigram.nosql.backends.dynamodb.client import DynamoClient
    from lexigram.nosql.backends.dynamodb.config import DynamoDBConfig

__all__ = ["Tables", "index_attributes"]

_log = logging.getLogger("lexigram.nosql")
_FIRST_PAUSE: Final = 0.02
_LONGEST_PAUSE: Final = 5.0

Description = Mapping[str, Any]


class Tables:
    """The tables of a store.

    Args:
        client: The client.
        config: How tables are made.
    """

    def __init__(self, client: DynamoClient, config: DynamoDBConfig) -> None:
        self._client = client
        self._config = config

    async def describe(self, table: str) -> Description | None:
        """What the service says of a table.

        Args:
            table: Its name.

        Returns:
            ``Table`` of DescribeTable's answer; None where there is no such table, or it is about to go.
        """
        try:
            answer = await self._client.call("DescribeTable", {"TableName": table})
        except ClientError as error:
            if error_code(error) != "ResourceNotFoundException":
                raise
            return None
        described: Description = answer["Table"]
        return None if described.get("TableStatus") == "DELETING" else described

    async def make(
        self,
        table: str,
        partition: tuple[str, str],
        sort: tuple[str, str] | None,
        *,
        streams: bool,
        slots: Sequence[int] = (),
    ) -> Description:
        """Make a table, or wait for the one that somebody else is making, until it can be used.

        Args:
            table: Its name.
            partition: Name and type of the partition key.
            sort: Name and type of the sort key, or None.
            streams: Keep a stream of its changes.
            slots: Numbers of the global indexes of ours that it has from the beginning.

        Returns:
            The table as it is.

        Raises:
            NoSQLTimeoutError: It took longer than ``table_wait_seconds``.
        """
        keys = [partition] if sort is None else [partition, sort]
        request: dict[str, Any] = {
            "TableName": table,
            "AttributeDefinitions": [{"AttributeName": name, "AttributeType": kind} for name, kind in keys],
            "KeySchema": [
                {"AttributeName": name, "KeyType": key_type}
                for (name, _), key_type in zip(keys, ("HASH", "RANGE"), strict=False)
            ],
            **self.throughput(),
        }
        if streams:
            request["StreamSpecification"] = {"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"}
        if slots:
            request["GlobalSecondaryIndexes"] = [self.index(slot) for slot in slots]
            for slot in slots:
                request["AttributeDefinitions"] += index_attributes(slot)
        waiting = self._waiting(table, "not made")
        while True:
            try:
                await self._client.call("CreateTable", request)
            except ClientError as error:
                # Somebody else makes it, or it is just going away.
                if error_code(error) != "ResourceInUseException":
                    raise
            described = await self.wait(table, lambda known: known is None or known["TableStatus"] == "ACTIVE")
            if described is not None:
                return described
            await waiting.pause()

    def index(self, slot: int) -> dict[str, Any]:
        """What is said of a global index of ours that is to be made.

        Args:
            slot: Its number.
        """
        partition, sort = slot_attributes(slot)
        return {
            "IndexName": slot_index(slot),
            "KeySchema": [
                {"AttributeName": partition, "KeyType": "HASH"},
                {"AttributeName": sort, "KeyType": "RANGE"},
            ],
            "Projection": {"ProjectionType": "ALL"},
            **self.index_throughput(),
        }

    async def remove(self, table: str) -> None:
        """Remove a table with all that is in it, and wait until it is gone; a missing one is not an error.

        Args:
            table: Its name.

        Raises:
            NoSQLTimeoutError: It took longer than ``table_wait_seconds``.
        """
        waiting = self._waiting(table, "in use, and not removed")
        while True:
            try:
                await self._client.call("DeleteTable", {"TableName": table})
            except ClientError as error:
                code = error_code(error)
                if code == "ResourceNotFoundException":
                    return
                # It is being made, changed or removed.
                if code not in {"ResourceInUseException", "LimitExceededException"}:
                    raise
                await waiting.pause(error)
                continue
            break
        async for gone in self._asking(table):
            if gone is None:
                return

    async def names(self, prefix: str) -> list[str]:
        """Names of the tables that begin with *prefix*."""
        found: list[str] = []
        # Names come in their order; the first one asked for comes after the name given.
        request: dict[str, Any] = {"ExclusiveStartTableName": prefix} if len(prefix) >= _SHORTEST_NAME else {}
        while True:
            answer = await self._client.call("ListTables", request)
            names: list[str] = answer.get("TableNames", [])
            found += [name for name in names if name.startswith(prefix)]
            last = answer.get("LastEvaluatedTableName")
            if not last or (names and names[-1] > prefix and not names[-1].startswith(prefix)):
                return found
            request["ExclusiveStartTableName"] = last

    async def change(
        self, table: str, request: Mapping[str, Any], wanted: Callable[[], Awaitable[bool]] | None = None
    ) -> None:
        """Change a table by UpdateTable, after any change that is under way.

        Args:
            table: Its name.
            request: What changes.
            wanted: Asked right before each attempt; where it says False, nothing more is sent.

        Raises:
            NoSQLTimeoutError: Other changes took longer than ``table_wait_seconds``.
        """
        waiting = self._waiting(table, "in use, and not changed")
        while wanted is None or await wanted():
            try:
                await self._client.call("UpdateTable", {"TableName": table, **request})
            except ClientError as error:
                if error_code(error) not in {"ResourceInUseException", "LimitExceededException"}:
                    raise
                await waiting.pause(error)
            else:
                return

    async def wait(self, table: str, done: Callable[[Description | None], bool]) -> Description | None:
        """Ask for a table until *done* says that it is as it should be.

        Args:
            table: Its name.
            done: Looks at the table's description, None for a table that is not there.

        Returns:
            The description that satisfied it.

        Raises:
            NoSQLTimeoutError: It took longer than ``table_wait_seconds``.
        """
        async for described in self._asking(table):
            if done(described):
                return described
        raise AssertionError("asking ends with an error")  # pragma: no cover - the iterator never ends

    def throughput(self) -> dict[str, Any]:
        """How a new table, or a new index of one, is paid for."""
        if self._config.billing_mode == "PAY_PER_REQUEST":
            return {"BillingMode": "PAY_PER_REQUEST"}
        return {"BillingMode": "PROVISIONED", **self.index_throughput()}

    def index_throughput(self) -> dict[str, Any]:
        """The same for an index of an existing table."""
        if self._config.billing_mode == "PAY_PER_REQUEST":
            return {}
        return {
            "ProvisionedThroughput": {
                "ReadCapacityUnits": self._config.read_capacity_units,
                "WriteCapacityUnits": self._config.write_capacity_units,
            }
        }

    def _waiting(self, table: str, status: str) -> _Waiting:
        return _Waiting(table, status, self._config.table_wait_seconds)

    async def _asking(self, table: str) -> AsyncIterator[Description | None]:
        waiting = self._waiting(table, "missing")
        while True:
            try:
                described: Description | None = (await self._client.call("DescribeTable", {"TableName": table}))[
                    "Table"
                ]
            except ClientError as error:
                if error_code(error) != "ResourceNotFoundException":
                    raise
                described = None
            yield described
            waiting.status = "missing" if described is None else str(described.get("TableStatus"))
            await waiting.pause()


_SHORTEST_NAME: Final = 3


class _Waiting:
    """Waits with growing pauses, and not for ever.

    Args:
        table: What is waited for.
        status: What it is still, in words.
        most: Seconds.
    """

    def __init__(self, table: str, status: str, most: float) -> None:
        self.status = status
        self._table = table
        self._most = most
        self._started = asyncio.get_running_loop().time()
        self._attempt = 0

    async def pause(self, cause: BaseException | None = None) -> None:
        """Wait a little.

        Args:
            cause: Why the latest attempt failed.

        Raises:
            NoSQLTimeoutError: There is no time left.
        """
        waited = asyncio.get_running_loop().time() - self._started
        if waited > self._most:
            raise NoSQLTimeoutError(
                f"the table {self._table!r} is still {self.status} after {waited:.0f} s",
                hint="Raise table_wait_seconds, or look at the table in the AWS console.",
                timeout=self._most,
            ) from cause
        self._attempt += 1
        await asyncio.sleep(_pause(self._attempt))


def index_attributes(slot: int) -> list[dict[str, str]]:
    """The definitions of the attributes of a global index of ours.

    Args:
        slot: Its number.
    """
    return [{"AttributeName": attribute, "AttributeType": "S"} for attribute in slot_attributes(slot)]


def _pause(attempt: int) -> float:
    """Seconds to wait before asking again: short at first, then longer."""
    most = min(_LONGEST_PAUSE, _FIRST_PAUSE * 2 ** min(attempt, 12))
    return random.uniform(most / 2, most)  # noqa: S311 - jitter

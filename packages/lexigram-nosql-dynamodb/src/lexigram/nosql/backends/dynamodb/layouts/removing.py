"""Removing a collection: its table, or its part of a single table; its guards, and its record.

A collection's items go by BatchWriteItem, 25 at a time. What it leaves unprocessed is sent again, after a pause that
grows; what is still left after ``batch_attempts`` is an error, and the collection is still recorded, so the removal can
be repeated.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import aclosing
from typing import TYPE_CHECKING, Any, Final

from botocore.exceptions import ClientError
from lexigram.nosql.backends.dynamodb.errors import error_code
from lexigram.nosql.backends.dynamodb.layouts.names import escape
from lexigram.nosql.backends.dynamodb.layouts.records import IndexRecord
from lexigram.nosql.backends.dynamodb.layouts.reserved import PARTITION, documents_of
from lexigram.nosql.backends.dynamodb.reading.counts import Counts
from lexigram.nosql.backends.dynamodb.reading.getting import pause_before
from lexigram.nosql.backends.dynamodb.reading.paging import pages
from lexigram.nosql.backends.dynamodb.writing.unique import guard_partitions
from lexigram.nosql.exceptions import ThrottledError, UnsupportedFeatureError

if TYPE_CHECKING:
    from lexigram.nosql.backends.dynamodb.client import DynamoClient
    from lexigram.nosql.backends.dynamodb.config import DynamoDBConfig
    from lexigram.nosql.backends.dynamodb.layouts.homes import Homes

__all__ = ["BATCH_WRITE", "batch_delete", "remove_collection", "remove_guards"]

BATCH_WRITE: Final = 25
"""Most requests of one BatchWriteItem."""


async def batch_delete(client: DynamoClient, table: str, keys: Sequence[Any], attempts: int) -> None:
    """Delete items whatever they hold.

    Args:
        client: The client.
        table: Name of the table.
        keys: Keys, each once.
        attempts: How often requests are sent while none of them is processed.

    Raises:
        ThrottledError: The service left deletions unprocessed each time.
    """
    for start in range(0, len(keys), BATCH_WRITE):
        left: list[Any] = [{"DeleteRequest": {"Key": key}} for key in keys[start : start + BATCH_WRITE]]
        attempt = 0
        while left:
            if attempt:
                await asyncio.sleep(pause_before(attempt))
            answer = await client.call("BatchWriteItem", {"RequestItems": {table: left}})
            told: dict[str, list[Any]] = answer.get("UnprocessedItems") or {}
            unprocessed = told.get(table, [])
            attempt = attempt + 1 if len(unprocessed) == len(left) else 1
            if unprocessed and attempt >= attempts:
                raise ThrottledError(
                    f"the service left {len(unprocessed)} of {len(keys)} deletions unprocessed, {attempts} times",
                    hint="Raise the table's capacity, and repeat the operation.",
                    retryable=True,
                )
            left = unprocessed


async def _empty(client: DynamoClient, table: str, partition: str, sort: str, at_once: int, attempts: int) -> None:
    """Delete all items of a partition."""
    request = {
        "TableName": table,
        "KeyConditionExpression": "#p = :p",
        "ProjectionExpression": "#p, #s",
        "ExpressionAttributeNames": {"#p": PARTITION, "#s": sort},
        "ExpressionAttributeValues": {":p": {"S": partition}},
        "ConsistentRead": True,
    }
    places = asyncio.Semaphore(at_once)

    async def delete(keys: Sequence[Any]) -> None:
        async with places:
            await batch_delete(client, table, keys, attempts)

    async with aclosing(pages(client, "Query", request, Counts())) as found:
        async for page in found:
            keys = page.items
            await asyncio.gather(
                *(delete(keys[start : start + BATCH_WRITE]) for start in range(0, len(keys), BATCH_WRITE))
            )


async def remove_guards(client: DynamoClient, config: DynamoDBConfig, collection: str, index: IndexRecord) -> None:
    """Delete all guards of a unique index.

    Args:
        client: The client.
        config: The store's settings.
        collection: Name of the collection.
        index: The index.
    """
    partitions = guard_partitions(escape(collection), index.mark)
    try:
        await asyncio.gather(
            *(
                _empty(client, config.table_name, partition, config.pk_field, 1, config.batch_attempts)
                for partition in partitions
            )
        )
    except ClientError as error:
        if error_code(error) != "ResourceNotFoundException":
            raise


async def remove_collection(client: DynamoClient, config: DynamoDBConfig, homes: Homes, name: str) -> None:
    """Remove a collection; a missing one is not an error.

    Args:
        client: The client.
        config: The store's settings.
        homes: Where collections lie.
        name: Name of the collection.

    Raises:
        UnsupportedFeatureError: Its table is one of somebody else's.
        NoSQLError: Its table would be another store's catalogue.
    """
    if name in config.existing_tables:
        raise UnsupportedFeatureError(
            f"the table of {name!r} was made elsewhere and is not removed from here",
            hint="Delete its documents with delete_many({}), or the table in the AWS console.",
            feature="drop_collection",
        )
    if not homes.is_single:
        # Another store's catalogue is told here, before anything is removed.
        homes.forget(name)
        await homes.find(name)
    await homes.catalogue.read()
    record = homes.catalogue.record(name)
    if homes.is_single:
        try:
            partition = documents_of(escape(name))
            table = config.table_name
            await _empty(client, table, partition, config.pk_field, config.batch_concurrency, config.batch_attempts)
        except ClientError as error:
            if error_code(error) != "ResourceNotFoundException":
                raise
    else:
        await homes.tables.remove(homes.table(name))
    for index in record.indexes:
        if index.spec.unique:
            await remove_guards(client, config, name, index)
    if record.version:
        await homes.catalogue.remove(name)
    homes.forget(name)

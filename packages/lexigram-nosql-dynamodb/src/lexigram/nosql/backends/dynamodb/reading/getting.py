"""Reading items whose keys are known.

BatchGetItem takes 100 keys and answers at most 16 MB; keys that it had no room or no capacity for come back as
unprocessed and are asked for again, after a pause that grows and has a random part. What is still unprocessed after
``batch_attempts`` is an error: a key that nobody answered for is never told as missing.
"""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import AsyncGenerator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from lexigram.nosql.backends.dynamodb.reading.counts import Counts
from lexigram.nosql.exceptions import ThrottledError

if TYPE_CHECKING:
    from lexigram.nosql.backends.dynamodb.client import DynamoClient

__all__ = ["BATCH_GET", "batch_get", "get_item", "key_text", "pause_before", "unique_keys"]

BATCH_GET: Final = 100
"""Most keys of one BatchGetItem."""

_FIRST_PAUSE: Final = 0.025
_LONGEST_PAUSE: Final = 5.0

Item = dict[str, Any]


def pause_before(attempt: int) -> float:
    """Seconds to wait before what was left unprocessed is sent again.

    Args:
        attempt: How often it was sent, 1 or more.
    """
    return random.uniform(0, min(_LONGEST_PAUSE, _FIRST_PAUSE * 2 ** min(attempt, 10)))  # noqa: S311 - jitter


def key_text(key: Mapping[str, Any]) -> str:
    """The same text for the same key."""
    return json.dumps(key, sort_keys=True)


def unique_keys(keys: Sequence[Item]) -> list[Item]:
    """The keys, each once; the service refuses a batch that names one twice."""
    return list({key_text(key): key for key in keys}.values())


async def get_item(
    client: DynamoClient, table: str, key: Item, counts: Counts, *, consistent: bool, **options: Any
) -> Item | None:
    """Read one item.

    Args:
        client: The client.
        table: Name of the table.
        key: The item's key.
        counts: Counts the request.
        consistent: Read what was written last.
        **options: More of the request, such as a projection.

    Returns:
        The item, or None.
    """
    answer = await client.call(
        "GetItem",
        {"TableName": table, "Key": key, "ConsistentRead": consistent, "ReturnConsumedCapacity": "TOTAL", **options},
    )
    item: Item | None = answer.get("Item")
    counts.add(answer, 0 if item is None else 1, 0 if item is None else 1)
    return item


async def batch_get(
    client: DynamoClient,
    table: str,
    keys: Sequence[Item],
    counts: Counts,
    *,
    consistent: bool,
    attempts: int,
    **options: Any,
) -> AsyncGenerator[list[Item]]:
    """Read items by their keys, 100 at a time; those that do not exist are left out.

    Args:
        client: The client.
        table: Name of the table.
        keys: Keys, each once.
        counts: Counts the requests.
        consistent: Read what was written last.
        attempts: How often keys are asked for, 1 or more.
        **options: More of the request for the table, such as a projection.

    Yields:
        Items in no order.

    Raises:
        ThrottledError: The service left keys unprocessed each time.
    """
    for start in range(0, len(keys), BATCH_GET):
        wanted: list[Item] = list(keys[start : start + BATCH_GET])
        attempt = 0
        while wanted:
            if attempt:
                await asyncio.sleep(pause_before(attempt))
            answer = await client.call(
                "BatchGetItem",
                {
                    "RequestItems": {table: {"Keys": wanted, "ConsistentRead": consistent, **options}},
                    "ReturnConsumedCapacity": "TOTAL",
                },
            )
            # There is one table, and the service may call it by its name where it was asked by its ARN.
            responses: dict[str, list[Item]] = answer.get("Responses") or {}
            found = [item for items in responses.values() for item in items]
            counts.add(answer, len(found), len(found))
            unprocessed: dict[str, dict[str, list[Item]]] = answer.get("UnprocessedKeys") or {}
            left = [key for part in unprocessed.values() for key in part.get("Keys", [])]
            # Progress is no failure: large items come 16 MB at a time.
            attempt = attempt + 1 if len(left) == len(wanted) else 1
            if left and attempt >= attempts:
                raise ThrottledError(
                    f"the service left {len(left)} of {len(keys)} keys unprocessed, {attempts} times",
                    hint="Raise the table's capacity or batch_attempts, or ask for less at once.",
                    retryable=True,
                )
            wanted = left
            if found:
                yield found

"""One TransactWriteItems: sent again while it loses races, with its cancellation read item by item.

The client token makes a repetition by the SDK harmless: the service carries a transaction out once in ten minutes,
whatever it is told how often (Amazon DynamoDB API Reference, "ClientRequestToken").
"""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from botocore.exceptions import ClientError
from lexigram.nosql.backends.dynamodb.errors import error_code
from lexigram.nosql.backends.dynamodb.reading.getting import pause_before

if TYPE_CHECKING:
    from lexigram.nosql.backends.dynamodb.client import DynamoClient
    from lexigram.nosql.backends.dynamodb.wire import Again

__all__ = ["CONDITION_FAILED", "MAX_TRANSACTION_BYTES", "MAX_TRANSACTION_ITEMS", "reasons_of", "transact"]

MAX_TRANSACTION_ITEMS: Final = 100
MAX_TRANSACTION_BYTES: Final = 4_194_304

CONDITION_FAILED: Final = "ConditionalCheckFailed"

_AGAIN: Final = frozenset({"TransactionConflict", "ThrottlingError", "ProvisionedThroughputExceeded"})
_IN_PROGRESS: Final = frozenset({"TransactionInProgressException", "TransactionConflictException"})


def reasons_of(error: ClientError) -> list[str] | None:
    """Why each item of a cancelled transaction was refused.

    Args:
        error: The SDK's error.

    Returns:
        A code for each item, ``None`` (as text) for those that were not the cause; None for any other error.
    """
    if error_code(error) != "TransactionCanceledException":
        return None
    response: Mapping[str, Any] = error.response
    return [str(reason.get("Code", "None")) for reason in response.get("CancellationReasons") or ()]


async def transact(
    client: DynamoClient, items: Sequence[Mapping[str, Any]], attempts: int, again: Again
) -> list[str] | None:
    """Carry out a transaction.

    Args:
        client: The client.
        items: ``TransactItems``, 1 to 100.
        attempts: How often it is tried while others are in its way.
        again: Asked before it is sent again.

    Returns:
        None when it was carried out; else the reasons, of which at least one is a condition that failed.

    Raises:
        ClientError: It was refused for another reason, or others were in its way each time.
    """
    token = str(uuid.uuid4())
    refused: ClientError | None = None
    for attempt in range(attempts):
        if attempt:
            await asyncio.sleep(pause_before(attempt))
        if refused is not None and not await again(False):
            raise refused
        last = attempt + 1 >= attempts
        try:
            await client.call("TransactWriteItems", {"TransactItems": list(items), "ClientRequestToken": token}, again)
        except ClientError as error:
            refused = error
            reasons = reasons_of(error)
            if reasons is None:
                if error_code(error) in _IN_PROGRESS and not last:
                    continue
                raise
            if CONDITION_FAILED in reasons:
                return reasons
            if last or not _AGAIN.intersection(reasons):
                raise
            # The cancelled one is over, and its token with it.
            token = str(uuid.uuid4())
        else:
            return None
    raise AssertionError("the last attempt returns or raises")  # pragma: no cover

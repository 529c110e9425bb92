"""Conditional writes whose answer may have been lost on the way.

The SDK sends a request again when no answer came. Where the first one had been carried out, the second fails its
condition, and another writer may have come between the two: then nobody can tell what the first one did. That is said,
as :class:`~lexigram.nosql.exceptions.NoSQLConnectionError`; to try again would perhaps count the write twice.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final, cast

from botocore.exceptions import ClientError
from lexigram.nosql.backends.dynamodb.errors import error_code
from lexigram.nosql.backends.dynamodb.reading.getting import pause_before
from lexigram.nosql.backends.dynamodb.wire import ANSWER_LOST, Again
from lexigram.nosql.exceptions import NoSQLConnectionError

if TYPE_CHECKING:
    from lexigram.nosql.backends.dynamodb.client import DynamoClient

__all__ = ["IN_THE_WAY", "answer_lost", "send", "unknown_outcome"]

IN_THE_WAY: Final = "TransactionConflictException"
"""A transaction of somebody else holds the item; the condition was not looked at."""


def answer_lost(error: Exception) -> bool:
    """True when the request was sent before without an answer, so that it may have been carried out.

    Args:
        error: What the last one was answered.
    """
    if not isinstance(error, ClientError):
        return False
    metadata = cast("Mapping[str, Any]", error.response.get("ResponseMetadata") or {})
    lost = metadata.get(ANSWER_LOST)
    # Botocore's own loop tells only how often it sent the request, not why.
    return int(metadata.get("RetryAttempts") or 0) > 0 if lost is None else bool(lost)


async def send(
    client: DynamoClient, operation: str, request: Mapping[str, Any], attempts: int, again: Again
) -> dict[str, Any]:
    """Send a conditional write of one item, again while transactions of others hold it.

    Args:
        client: The client.
        operation: ``PutItem``, ``UpdateItem`` or ``DeleteItem``.
        request: Its parameters.
        attempts: How often it is tried, 1 or more.
        again: Asked before it is sent again.

    Returns:
        What the service answers.

    Raises:
        ClientError: It was refused; :func:`answer_lost` tells of all attempts together.
    """
    lost = False
    refused: ClientError | None = None
    for attempt in range(1, attempts + 1):
        if attempt > 1:
            await asyncio.sleep(pause_before(attempt - 1))
            if refused is not None and not await again(False):
                raise refused
        try:
            return await client.call(operation, request, again)
        except ClientError as error:
            lost = lost or answer_lost(error)
            cast("dict[str, Any]", error.response).setdefault("ResponseMetadata", {})[ANSWER_LOST] = lost
            if error_code(error) != IN_THE_WAY or attempt == attempts:
                raise
            refused = error
    raise AssertionError("the last attempt returns or raises")  # pragma: no cover


def unknown_outcome(what: str) -> NoSQLConnectionError:
    """The error for a write that took place or did not, which nobody can tell.

    Args:
        what: What was written, such as ``an update``.
    """
    return NoSQLConnectionError(
        f"the answer to {what} was lost, and the document may have been changed since by another writer; "
        "whether this one took place cannot be told",
        hint="Read the document, and repeat the call if what you wanted is not the case.",
        retryable=False,
    )

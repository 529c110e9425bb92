"""Changes or deletes all documents that a filter selects, page by page, many in a round trip.

What a page holds is read consistently, computed by the engine, and written by transactions of up to 100 documents, each
on the condition that it is still as it was read. A document that somebody changed meanwhile is told to the caller, who
looks at it again by itself.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING

from lexigram.nosql.backends.dynamodb.writing.building import Write
from lexigram.nosql.backends.dynamodb.writing.transact import CONDITION_FAILED, MAX_TRANSACTION_BYTES, transact

if TYPE_CHECKING:
    from lexigram.nosql.backends.dynamodb.client import DynamoClient
    from lexigram.nosql.backends.dynamodb.wire import Again

__all__ = ["carry_out_all"]


async def carry_out_all(
    client: DynamoClient,
    writes: Sequence[Write],
    most: int,
    attempts: int,
    current: Callable[[list[Write]], Awaitable[list[Write]]],
    count: Callable[[int], None],
    still: Callable[..., Again],
) -> list[Write]:
    """Carry out writes of different documents, each by itself or not at all.

    Args:
        client: The client.
        writes: The writes.
        most: Items of one transaction.
        attempts: How often a transaction is tried while others are in its way.
        current: Gives writes as they must be now; it is asked before each transaction, since an index may have been
            made or removed meanwhile.
        count: Told of each transaction how many documents it wrote, so that an error leaves a true number.
        still: Gives what is asked before a transaction is sent again; it is told of the collection.

    Returns:
        Those whose condition failed.
    """
    failed: list[Write] = []
    left = list(writes)
    while left:
        chunk, left = _chunk(await current(left), most)
        while chunk:
            items = [item for write in chunk for item in write.items()]
            reasons = await transact(client, items, attempts, still(chunk[0].home))
            if reasons is None:
                count(len(chunk))
                break
            kept: list[Write] = []
            start = 0
            for write in chunk:
                own = reasons[start : start + write.parts]
                start += write.parts
                (failed if CONDITION_FAILED in own else kept).append(write)
            chunk = kept
    return failed


def _chunk(left: list[Write], most: int) -> tuple[list[Write], list[Write]]:
    """The first writes that fit into one transaction, and the others."""
    taken: set[str] = set()
    parts = size = 0
    for number, write in enumerate(left):
        own = write.touched()
        parts, size = parts + write.parts, size + write.size
        if number and (parts > most or size > MAX_TRANSACTION_BYTES or not taken.isdisjoint(own)):
            return left[:number], left[number:]
        taken |= own
    return left, []

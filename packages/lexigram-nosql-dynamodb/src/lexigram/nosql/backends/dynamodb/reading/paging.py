"""Reading pages of a query or of a scan, one after the other or in parallel segments.

A page ends at 1 MB of what was looked at, whatever the filter lets through, so an empty page is no end: only the
absence of ``LastEvaluatedKey`` is.
"""

# The class of an Any is Unknown to pyright, and this module asks for classes.
# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false, reportUnknownMemberType=false

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal

from lexigram.nosql.backends.dynamodb.reading.counts import Counts

if TYPE_CHECKING:
    from lexigram.nosql.backends.dynamodb.client import DynamoClient

__all__ = ["Page", "pages", "parallel_scan", "segments_for"]

_PAGE_BYTES: Final = 1_048_576

Item = dict[str, Any]


@dataclass(slots=True)
class Page:
    """One answer.

    Attributes:
        items: What came back; empty for a count.
        examined: How many items the service looked at.
        count: How many it let through.
    """

    items: list[Item]
    examined: int
    count: int


async def pages(
    client: DynamoClient, operation: Literal["Query", "Scan"], request: Mapping[str, Any], counts: Counts
) -> AsyncGenerator[Page]:
    """Read page after page.

    Args:
        client: The client.
        operation: ``Query`` or ``Scan``.
        request: The request without a place to begin at.
        counts: Counts the requests.

    Yields:
        Pages, the empty ones too.
    """
    asked = {**request, "ReturnConsumedCapacity": "TOTAL"}
    while True:
        answer = await client.call(operation, asked)
        items: list[Item] = answer.get("Items", [])
        count: int = answer.get("Count", len(items))
        examined: int = answer.get("ScannedCount", count)
        counts.add(answer, examined, count)
        last = answer.get("LastEvaluatedKey")
        yield Page(items, examined, count)
        if not last:
            return
        asked["ExclusiveStartKey"] = last


def segments_for(description: Mapping[str, Any] | None, most: int) -> int:
    """How many segments a scan is worth: one for each page that the table may have, as far as the service knows.

    Args:
        description: What it says of the table, which is some hours old.
        most: The most segments that are wanted.
    """
    size = int((description or {}).get("TableSizeBytes") or 0)
    return max(1, min(most, -(-size // _PAGE_BYTES)))


async def parallel_scan(
    client: DynamoClient, request: Mapping[str, Any], counts: Counts, segments: int, at_once: int
) -> AsyncGenerator[Page]:
    """Scan a table in segments, several of them at the same time.

    Args:
        client: The client.
        request: The scan, without a segment.
        counts: Counts the requests.
        segments: How many, 1 or more.
        at_once: How many are read at the same time.

    Yields:
        Pages, as they come. Not more than one for each segment is held.
    """
    if segments <= 1:
        async with aclosing(pages(client, "Scan", request, counts)) as found:
            async for page in found:
                yield page
        return
    ready: asyncio.Queue[Page | None] = asyncio.Queue(maxsize=1)
    places = asyncio.Semaphore(at_once)

    async def read(segment: int) -> None:
        async with places:
            part = {**request, "Segment": segment, "TotalSegments": segments}
            async with aclosing(pages(client, "Scan", part, counts)) as found:
                async for page in found:
                    await ready.put(page)

    async def read_all() -> None:
        async with asyncio.TaskGroup() as group:
            for segment in range(segments):
                group.create_task(read(segment))
        await ready.put(None)

    reading = asyncio.ensure_future(read_all())
    getting: asyncio.Future[Page | None] | None = None
    try:
        while True:
            getting = asyncio.ensure_future(ready.get())
            await asyncio.wait((getting, reading), return_when=asyncio.FIRST_COMPLETED)
            if not getting.done() and reading.done():
                error: BaseException | None = reading.exception()
                while isinstance(error, BaseExceptionGroup):
                    parts: tuple[BaseException, ...] = error.exceptions
                    error = parts[0]
                if error is not None:
                    raise error
            ready_page = await getting
            if ready_page is None:
                return
            yield ready_page
    finally:
        for task in (reading, getting):
            if task is not None and not task.done():
                task.cancel()
                await asyncio.wait((task,))
        if reading.done() and not reading.cancelled():
            reading.exception()

"""Runs a compiled read: requests go out, items come back as documents, what has expired stays hidden."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import TYPE_CHECKING, Any, Literal

from botocore.exceptions import ClientError
from lexigram.nosql.backends.dynamodb.errors import error_code
from lexigram.nosql.backends.dynamodb.layouts.expiry import now_millis
from lexigram.nosql.backends.dynamodb.layouts.home import Home, Item
from lexigram.nosql.backends.dynamodb.reading.counts import Counts
from lexigram.nosql.backends.dynamodb.reading.getting import batch_get, get_item, key_text, unique_keys
from lexigram.nosql.backends.dynamodb.reading.native import Reach
from lexigram.nosql.backends.dynamodb.reading.paging import Page, pages, parallel_scan, segments_for

if TYPE_CHECKING:
    from lexigram.nosql.backends.dynamodb.client import DynamoClient
    from lexigram.nosql.backends.dynamodb.config import DynamoDBConfig

__all__ = ["Reader"]


class Reader:
    """Reads from a store's tables.

    Args:
        client: The client.
        config: The store's settings.
    """

    def __init__(self, client: DynamoClient, config: DynamoDBConfig) -> None:
        self._client = client
        self._config = config

    def consistent(self, asked: bool) -> bool:
        """Whether a read sees what was written last.

        Args:
            asked: True for a read that a write, or a transaction, depends on.
        """
        return asked or self._config.consistent_reads

    async def items(
        self, home: Home, reach: Reach, counts: Counts, *, strict: bool, most: int = 0
    ) -> AsyncGenerator[tuple[list[Item], int]]:
        """The items that are reached, page by page.

        Args:
            home: Where they lie.
            reach: How they are reached.
            counts: Counts the requests.
            strict: Read what was written last, where the service can.
            most: How many items are wanted in all; 0 for all.

        Yields:
            Items, and how many the service looked at for them. Nothing where the table is not there.
        """
        try:
            async with aclosing(self._items(home, reach, counts, strict, most)) as found:
                async for each in found:
                    yield each
        except ClientError as error:
            # A collection whose table was never made, or is gone, holds nothing.
            if error_code(error) != "ResourceNotFoundException" or await self._exists(home):
                raise

    async def one(self, home: Home, key: Item, counts: Counts, *, strict: bool) -> Item | None:
        """One item by its key."""
        try:
            return await get_item(self._client, home.table, key, counts, consistent=self.consistent(strict))
        except ClientError as error:
            if error_code(error) != "ResourceNotFoundException":
                raise
            return None

    async def count(self, home: Home, reach: Reach, counts: Counts, limit: int) -> int:
        """How many items are reached, without reading them into memory.

        Args:
            home: Where they lie.
            reach: A query or scan that selects exactly.
            counts: Counts the requests.
            limit: Where to stop; 0 for nowhere.
        """
        counted = 0
        try:
            async with aclosing(self._pages(home, reach, counts, False, {"Select": "COUNT"}, 0)) as found:
                async for page in found:
                    counted += page.count
                    if limit and counted >= limit:
                        break
        except ClientError as error:
            if error_code(error) != "ResourceNotFoundException":
                raise
        return min(counted, limit) if limit else counted

    async def _items(
        self, home: Home, reach: Reach, counts: Counts, strict: bool, most: int
    ) -> AsyncGenerator[tuple[list[Item], int]]:
        if reach.kind == "nothing":
            return
        if reach.kind == "keys":
            keys: list[Any] = list(reach.keys)
            if len(keys) == 1:
                item = await self.one(home, keys[0], counts, strict=strict)
                if item is not None:
                    yield [item], 1
                return
            found = batch_get(
                self._client,
                home.table,
                keys,
                counts,
                consistent=self.consistent(strict),
                attempts=self._config.batch_attempts,
            )
            async with aclosing(found):
                async for items in found:
                    yield items, len(items)
            return
        async with aclosing(self._pages(home, reach, counts, strict, {}, most)) as read:
            async for page in read:
                if reach.fetch:
                    yield await self._fetched(home, reach, page.items, counts, strict), page.examined
                else:
                    yield page.items, page.examined

    async def _pages(
        self, home: Home, reach: Reach, counts: Counts, strict: bool, more: dict[str, Any], most: int
    ) -> AsyncGenerator[Page]:
        for request in reach.requests:
            asked = {**request, **more}
            if self.consistent(strict) and self._may_be_consistent(home, request):
                asked["ConsistentRead"] = True
            if most and not reach.filtered:
                asked["Limit"] = most
            operation: Literal["Query", "Scan"] = "Query" if reach.kind == "query" else "Scan"
            if operation == "Scan":
                segments = 1 if most else segments_for(home.described, self._config.scan_segments)
                found = parallel_scan(self._client, asked, counts, segments, self._config.batch_concurrency)
            else:
                found = pages(self._client, "Query", asked, counts)
            async with aclosing(found):
                async for page in found:
                    yield page

    async def _fetched(self, home: Home, reach: Reach, entries: list[Item], counts: Counts, strict: bool) -> list[Item]:
        """The whole items of an index's entries, in their order, without those that match no longer."""
        keys = [home.key_of(entry) for entry in entries]
        found: dict[str, Item] = {}
        consistent, attempts = self.consistent(strict), self._config.batch_attempts
        reading = batch_get(
            self._client, home.table, unique_keys(keys), counts, consistent=consistent, attempts=attempts
        )
        async with aclosing(reading) as batches:
            async for items in batches:
                found.update({key_text(home.key_of(item)): item for item in items})
        texts = map(key_text, keys)
        items_found = [found[text] for text in texts if text in found]
        if reach.again is None:
            return items_found
        # The index lags behind the table, and the two were read one after the other.
        return [item for item in items_found if reach.again.matches(home.document(item))]

    @staticmethod
    def _may_be_consistent(home: Home, request: Any) -> bool:
        name = request.get("IndexName")
        if name is None:
            return True
        index = home.shape.index(name)
        return index is not None and index.consistent_ok

    async def _exists(self, home: Home) -> bool:
        try:
            await self._client.call("DescribeTable", {"TableName": home.table})
        except ClientError as error:
            if error_code(error) != "ResourceNotFoundException":
                raise
            return False
        return True

    def shown(self, home: Home, items: list[Item]) -> list[tuple[Any, Item]]:
        """Items as documents, without those that have expired.

        Args:
            home: Where they lie.
            items: The items.

        Returns:
            Pairs of document and item.
        """
        if not home.expiring and not home.expires_natively:
            return [(home.document(item), item) for item in items]
        now = now_millis()
        pairs = [(home.document(item), item) for item in items if not home.is_gone(item, now)]
        return [(document, item) for document, item in pairs if not home.is_hidden(document, now)]

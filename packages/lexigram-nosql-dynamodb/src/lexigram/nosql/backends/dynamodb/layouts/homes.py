"""Finds where collections lie, and makes their tables."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Iterable
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from botocore.exceptions import ClientError
from lexigram.nosql.backends.dynamodb.errors import error_code
from lexigram.nosql.backends.dynamodb.layouts.catalogue import Catalogue
from lexigram.nosql.backends.dynamodb.layouts.home import Home, is_same
from lexigram.nosql.backends.dynamodb.layouts.names import collection_of, table_of
from lexigram.nosql.backends.dynamodb.layouts.records import CollectionRecord
from lexigram.nosql.backends.dynamodb.layouts.reserved import EXPIRY, PARTITION
from lexigram.nosql.backends.dynamodb.layouts.shapes import (
    existing_primary,
    has_slots,
    is_catalogue,
    key_schema,
    own_primary,
    single_primary,
    table_shape,
)
from lexigram.nosql.backends.dynamodb.layouts.tables import Description, Tables
from lexigram.nosql.backends.dynamodb.planning.shape import IndexShape
from lexigram.nosql.driver import Document
from lexigram.nosql.exceptions import NoSQLError

if TYPE_CHECKING:
    from lexigram.nosql.backends.dynamodb.client import DynamoClient
    from lexigram.nosql.backends.dynamodb.config import DynamoDBConfig
    from lexigram.nosql.backends.dynamodb.wire import Again

__all__ = ["Homes"]

_ASK_AGAIN: Final = 5.0
"""Seconds after which a table without an index that is recorded is asked for again."""


class Homes:
    """The homes of a store's collections.

    Args:
        client: The client.
        config: The store's settings.

    Attributes:
        tables: The tables.
        catalogue: The records of collections.
    """

    def __init__(self, client: DynamoClient, config: DynamoDBConfig) -> None:
        self._client = client
        self._config = config
        self.tables = Tables(client, config)
        self.catalogue = Catalogue(
            client, config.table_name, config.pk_field, config.schema_lease_seconds, self._make_catalogue
        )
        self._described: dict[str, Description] = {}
        self._expiry: dict[str, str | None] = {}
        self._homes: dict[str, Home] = {}
        self._making: dict[str, asyncio.Lock] = {}
        # Tables whose description may be old, and for each collection with which record it was compared, until when
        # that counts.
        self._stale: set[str] = set()
        self._compared: dict[str, tuple[CollectionRecord, float]] = {}

    @property
    def is_single(self) -> bool:
        """True when all collections share one table."""
        return self._config.layout == "single-table"

    def table(self, collection: str) -> str:
        """Name of a collection's table."""
        given = self._config.existing_tables.get(collection)
        if given is not None:
            return given.table
        return self._config.table_name if self.is_single else table_of(self._config.table_name, collection)

    async def open(self) -> None:
        """Read what is recorded of collections, and ask for the tables that exist already.

        Which also shows whether the service answers, and takes the credentials.
        """
        await self.catalogue.read()
        for collection in self._config.existing_tables:
            await self.find(collection)

    async def close(self) -> None:
        """End what runs in the background."""
        await self.catalogue.close()

    def guess(self, collection: str) -> Home:
        """Where a collection lies, as far as it is known without asking."""
        return self._home(collection, self._described.get(self.table(collection)))

    async def find(self, collection: str) -> Home:
        """Where a collection lies; its table may be missing."""
        await self.catalogue.fresh()
        table = self.table(collection)
        described = self._described.get(table)
        if described is None or table in self._stale or not self._agrees(collection, described):
            described = await self._describe(collection, table)
        return self._home(collection, described)

    async def _describe(self, collection: str, table: str) -> Description | None:
        record = self.catalogue.record(collection)
        self._stale.discard(table)
        known = self._described.get(table)
        described = await self.tables.describe(table)
        if described is not None and described == known:
            described = known
        if described is None:
            self._described.pop(table, None)
            return None
        if collection in self._config.existing_tables:
            self._expiry[table] = await self._expiry_of(table)
        elif not self.is_single and is_catalogue(described):
            raise NoSQLError(
                f"the table {table!r} of the collection {collection!r} is the catalogue of another store",
                hint="Call the collection otherwise, or choose another table_name.",
                collection=collection,
            )
        self._described[table] = described
        agreed = has_slots(described, record)
        until = math.inf if agreed else asyncio.get_running_loop().time() + max(self.catalogue.lease, _ASK_AGAIN)
        self._compared[collection] = (record, until)
        return described

    def _agrees(self, collection: str, described: Description) -> bool:
        """False when a record names an index that the table did not have when it was described."""
        record = self.catalogue.record(collection)
        compared = self._compared.get(collection)
        if compared is not None and compared[0] is record:
            return compared[1] == math.inf or asyncio.get_running_loop().time() < compared[1]
        if not has_slots(described, record):
            return False
        self._compared[collection] = (record, math.inf)
        return True

    def still(self, *homes: Home) -> Again:
        """What lets writes be sent again only while the collections are as the writes were made for.

        Sending again may take longer than the lease, and who makes an index does not wait for that.

        Args:
            homes: The collections, as they were.
        """

        async def again(lost: bool) -> bool:
            if not lost:
                for home in homes:
                    if not is_same(await self.find(home.collection), home):
                        return False
            return True

        return again

    async def make(self, collection: str) -> Home:
        """Where a collection lies, after its table has been made if it was missing.

        Raises:
            NoSQLError: It is missing, and ``table_creation`` is ``require``, or it is one that others make.
        """
        home = await self.find(collection)
        if not home.exists or home.described is None or home.described.get("TableStatus") == "CREATING":
            async with self._making.setdefault(home.table, asyncio.Lock()):
                home = await self.find(collection)
                if not home.exists:
                    await self.catalogue.read()
                    await self._make(collection)
                elif home.described is not None and home.described.get("TableStatus") == "CREATING":
                    self.forget(collection)
                    known = await self.tables.wait(
                        home.table, lambda one: one is None or one["TableStatus"] == "ACTIVE"
                    )
                    if known is None:
                        await self.catalogue.read()
                        await self._make(collection)
                home = await self.find(collection)
        if self.is_single and collection not in self._config.existing_tables and not home.record.version:
            await self.catalogue.change(collection, lambda record: None if record.version else record)
            home = await self.find(collection)
        return home

    def forget(self, collection: str) -> None:
        """Ask the service again for a collection's table, the next time."""
        if collection in self._config.existing_tables:
            # Its key is not known without a description, and does not change.
            self._stale.add(self.table(collection))
        elif not self.is_single:
            self._described.pop(self.table(collection), None)
        self._homes.pop(collection, None)

    def forget_table(self, table: str) -> None:
        """Ask the service again for a table, the next time."""
        self._stale.add(table)

    def lost(self, collection: str) -> None:
        """Believe nothing of a collection, one of whose tables has turned out to be missing."""
        self.forget(collection)
        self.forget_table(self.table(collection))
        self.catalogue.expire()

    def lost_any(self) -> None:
        """Believe nothing of any collection, where it is not known which table is missing."""
        for collection in [*self._homes]:
            self.lost(collection)

    async def note_apart(self, home: Home, documents: Iterable[Document]) -> None:
        """Record that documents which are about to be stored are filed apart, where that is news.

        Args:
            home: Where they go.
            documents: The documents.
        """
        marks = {index.mark for document in documents for index in home.filed_apart(document)}
        if not marks:
            return

        def note(record: CollectionRecord) -> CollectionRecord | None:
            news = [index for index in record.indexes if index.mark in marks and not index.irregular]
            for index in news:
                record = record.with_index(replace(index, irregular=True))
            return record if news else None

        await self.catalogue.change(home.collection, note)

    async def list(self) -> list[str]:
        """Names of the collections that there are."""
        own = list(self._config.existing_tables)
        if self.is_single:
            await self.catalogue.read()
            return list(dict.fromkeys([*own, *self.catalogue.records]))
        prefix = self._config.table_name
        tables = await self.tables.names(f"{prefix}-")
        for table in tables[:]:
            # Where others go on from its name, it may be another store's catalogue.
            if any(other.startswith(f"{table}-") for other in tables):
                described = await self.tables.describe(table)
                if described is not None and is_catalogue(described):
                    tables.remove(table)
        found = [collection_of(prefix, table) for table in tables]
        return list(dict.fromkeys([*own, *(name for name in found if name is not None)]))

    async def _make(self, collection: str) -> None:
        table = self.table(collection)
        if self._config.table_creation == "require" or collection in self._config.existing_tables:
            raise NoSQLError(
                f"there is no table {table!r} for the collection {collection!r}",
                hint=f"Make it with a text partition key {self._config.pk_field!r}, or set `table_creation: create`.",
                collection=collection,
            )
        if self.is_single:
            await self._make_catalogue()
        else:
            # Where only the table was lost, its indexes are still recorded.
            slots = [index.slot for index in self.catalogue.record(collection).indexes if index.slot]
            self._described[table] = await self.tables.make(
                table, (self._config.pk_field, "S"), None, streams=True, slots=slots
            )
        if self.guess(collection).expiring:
            await self.enable_expiry(collection)

    async def enable_expiry(self, collection: str) -> None:
        """Have DynamoDB remove expired items of a collection's table."""
        try:
            await self._client.call(
                "UpdateTimeToLive",
                {
                    "TableName": self.table(collection),
                    "TimeToLiveSpecification": {"Enabled": True, "AttributeName": EXPIRY},
                },
            )
        except ClientError as error:
            # So it answers where it is enabled already.
            if error_code(error) != "ValidationException" or await self._expiry_of(self.table(collection)) != EXPIRY:
                raise

    async def _expiry_of(self, table: str) -> str | None:
        """The attribute by which a table expires items, or None."""
        answer = await self._client.call("DescribeTimeToLive", {"TableName": table})
        told: dict[str, Any] = answer.get("TimeToLiveDescription", {})
        return told.get("AttributeName") if told.get("TimeToLiveStatus") in {"ENABLED", "ENABLING"} else None

    async def _make_catalogue(self) -> None:
        if self._config.table_creation == "require":
            raise NoSQLError(
                f"there is no table {self._config.table_name!r}, in which indexes are recorded",
                hint=f"Make it with a text partition key {PARTITION!r} and a text sort key "
                f"{self._config.pk_field!r}, or set `table_creation: create`.",
            )
        self._described[self._config.table_name] = await self.tables.make(
            self._config.table_name, (PARTITION, "S"), (self._config.pk_field, "S"), streams=self.is_single
        )

    def _home(self, collection: str, described: Description | None) -> Home:
        record = self.catalogue.record(collection)
        known = self._homes.get(collection)
        if known is not None and known.record is record and known.described is described:
            return known
        home = self._homes[collection] = self._build(collection, record, described)
        return home

    def _build(self, collection: str, record: CollectionRecord, described: Description | None) -> Home:
        config = self._config
        table = self.table(collection)
        foreign = collection in config.existing_tables
        primary: IndexShape
        if self.is_single and not foreign:
            primary = single_primary(table, config.pk_field, collection)
        elif described is not None and (foreign or key_schema(described) != ([config.pk_field], [])):
            given = config.existing_tables.get(collection)
            parts = () if given is None else given.id_attributes
            primary, foreign = existing_primary(described, parts, table=table), True
        else:
            primary = own_primary(table, config.pk_field)
        shape = table_shape(
            collection,
            primary,
            record,
            described,
            foreign=foreign,
            segments=config.scan_segments,
        )
        stream = described.get("LatestStreamArn") if described is not None else None
        return Home(
            collection,
            shape,
            record,
            config.table_name,
            config.pk_field,
            self._expiry.get(table) or EXPIRY,
            described is not None,
            stream,
            described,
            self._expiry.get(table) not in (None, EXPIRY),
        )

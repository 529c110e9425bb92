"""Making and dropping indexes."""

from __future__ import annotations

import asyncio
import logging
import secrets
from contextlib import aclosing
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from lexigram.nosql.backends.dynamodb.compiling import compile_reach
from lexigram.nosql.backends.dynamodb.layouts.home import Home
from lexigram.nosql.backends.dynamodb.layouts.records import CollectionRecord, IndexRecord
from lexigram.nosql.backends.dynamodb.layouts.removing import remove_guards
from lexigram.nosql.backends.dynamodb.reading.counts import Counts
from lexigram.nosql.backends.dynamodb.writing.building import Write, guards_of_document
from lexigram.nosql.backends.dynamodb.writing.conditions import unchanged
from lexigram.nosql.exceptions import NoSQLIndexError, UnsupportedFeatureError
from lexigram.nosql.indexes import IndexSpec
from lexigram.nosql.query.parse import parse_filter

if TYPE_CHECKING:
    from lexigram.nosql.backends.dynamodb.driver import DynamoDBDriver

__all__ = ["create_index", "drop_index", "listed"]

_log: Final = logging.getLogger("lexigram.nosql")


async def listed(driver: DynamoDBDriver, collection: str) -> list[IndexSpec]:
    """All indexes of a collection but the one on ``_id``."""
    await driver.homes.catalogue.read()
    record = driver.homes.catalogue.record(collection)
    return [index.spec for index in record.indexes]


async def create_index(driver: DynamoDBDriver, collection: str, spec: IndexSpec) -> None:
    """Make an index."""
    _check_offered(spec)
    home = await driver.homes.make(collection)
    mark = secrets.token_hex(4)

    def declare(record: CollectionRecord) -> CollectionRecord | None:
        if record.index(spec.name) is not None:
            return None
        return record.with_index(IndexRecord(spec, mark))

    record = await driver.homes.catalogue.change(collection, declare)
    declared = record.index(spec.name)
    if declared is None or declared.mark != mark:
        # Somebody else is making the same one.
        if declared is None or not declared.spec.same_as(spec):
            raise NoSQLIndexError(f"another index is called {spec.name!r}", mongo_code=86)
        return
    try:
        await asyncio.sleep(driver.config.schema_lease_seconds)
        home = await driver.homes.find(collection)
        if declared.expires:
            await driver.homes.enable_expiry(collection)
        if spec.unique:
            await fill_guards(driver, home, declared)
        await driver.homes.catalogue.change(
            collection, lambda known: known.with_index(replace(declared, state="ready"))
        )
    except BaseException:
        await driver.homes.catalogue.change(collection, lambda known: known.without_index(mark))
        if spec.unique:
            await remove_guards(driver.client, driver.config, collection, declared)
        raise


async def fill_guards(driver: DynamoDBDriver, home: Home, index: IndexRecord) -> None:
    """Give every document the guards that it needs."""
    reach = compile_reach(home, parse_filter({}), None, None)
    only = replace_record(home, index)
    async with aclosing(driver.reader.items(home, reach, Counts(), strict=True)) as pages:
        async for items, _ in pages:
            for document, item in driver.reader.shown(home, items):
                key = home.key_of(item)
                check = unchanged(home, home.revision(item)).to_request()
                write = Write(
                    home,
                    key,
                    document,
                    {"ConditionCheck": {"TableName": home.table, "Key": key, **check}},
                    tuple(guards_of_document(only, document).values()),
                )
                if write.claims:
                    await driver.writer.carry_out(write)


def replace_record(home: Home, index: IndexRecord) -> Home:
    return replace(home, record=CollectionRecord((index,), home.record.version))


async def drop_index(driver: DynamoDBDriver, collection: str, name: str) -> None:
    """Remove an index."""
    await driver.homes.catalogue.read()
    index = driver.homes.catalogue.record(collection).index(name)
    if index is None:
        raise NoSQLIndexError(f"the index {name!r} was made elsewhere and is not dropped from here")
    await driver.homes.catalogue.change(collection, lambda known: known.without_index(index.mark))
    if index.spec.unique:
        await remove_guards(driver.client, driver.config, collection, index)


def _check_offered(spec: IndexSpec) -> None:
    """Refuse what an index of ours cannot be."""
    for feature, asked in (
        ("text_search", any(way == "text" for _, way in spec.keys)),
        ("collations", spec.collation is not None),
        ("wildcard_indexes", spec.is_wildcard),
    ):
        if asked:
            raise UnsupportedFeatureError(f"indexes on DynamoDB have no {feature.replace('_', ' ')}", feature=feature)

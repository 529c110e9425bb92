"""Makes the indexes of a collection right again, after somebody wrote past them.

Whoever writes through a store keeps indexes exact. An item that is written, restored or deleted by other tools has no
computed attributes, no guards, or leaves some behind. :func:`rebuild_indexes` looks at every document and every guard::

    from lexigram.nosql.backends.dynamodb import rebuild_indexes

    for report in await rebuild_indexes(store, "products"):
        print(report)

The command ``lexigram nosql rebuild-indexes products`` does the same.

It may run while others write, and it may be run again. Two documents that hold the same key of a unique index are told,
and not changed: which of them is right, only their owner knows.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import aclosing
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from lexigram.nosql.backends.dynamodb.compiling import compile_reach
from lexigram.nosql.backends.dynamodb.indexing import keeping
from lexigram.nosql.backends.dynamodb.layouts.home import Home, Item
from lexigram.nosql.backends.dynamodb.layouts.records import CollectionRecord, IndexRecord
from lexigram.nosql.backends.dynamodb.layouts.reserved import PARTITION
from lexigram.nosql.backends.dynamodb.reading.counts import Counts
from lexigram.nosql.backends.dynamodb.reading.paging import pages
from lexigram.nosql.backends.dynamodb.writing.building import OWNER, Guard, guards_of_document, release
from lexigram.nosql.backends.dynamodb.writing.conditions import unchanged
from lexigram.nosql.backends.dynamodb.writing.transact import transact
from lexigram.nosql.backends.dynamodb.writing.unique import guard_partitions
from lexigram.nosql.exceptions import DuplicateKeyError, NoSQLIndexError, QueryOptionError
from lexigram.nosql.query.parse import parse_filter

if TYPE_CHECKING:
    from lexigram.nosql.backends.dynamodb.driver import DynamoDBDriver
    from lexigram.nosql.store import DocumentStore

__all__ = ["Repair", "rebuild_indexes"]


@dataclass(slots=True)
class Repair:
    """What was found and done for one index.

    Attributes:
        index: Its name.
        documents: Documents looked at.
        mended: Documents whose attributes or guards were missing or wrong, and are right now.
        freed: Guards of documents that are gone or hold another key; they are gone now.
        duplicates: The ``_id`` of each document whose key another one holds already, and that key.
        unfit: The ``_id`` of each document that the index cannot hold.
    """

    index: str
    documents: int = 0
    mended: int = 0
    freed: int = 0
    duplicates: list[tuple[Any, Mapping[str, Any]]] = field(default_factory=list[tuple[Any, Mapping[str, Any]]])
    unfit: list[Any] = field(default_factory=list[Any])

    def to_dict(self) -> dict[str, Any]:
        """The report as plain data."""
        return {
            "index": self.index,
            "documents": self.documents,
            "mended": self.mended,
            "freed": self.freed,
            "duplicates": [{"_id": identity, "key": dict(key)} for identity, key in self.duplicates],
            "unfit": [*self.unfit],
        }


async def rebuild_indexes(store: DocumentStore, collection: str, *, name: str | None = None) -> list[Repair]:
    """Make indexes of a collection right.

    Args:
        store: A connected store on DynamoDB.
        collection: Name of the collection.
        name: Of the only index to look at; all of them if missing.

    Returns:
        One report for each index.

    Raises:
        QueryOptionError: The store is not one on DynamoDB.
        NoSQLIndexError: There is no such index.
    """
    from lexigram.nosql.backends.dynamodb.driver import DynamoDBDriver

    driver = store.driver
    if not isinstance(driver, DynamoDBDriver):
        raise QueryOptionError(f"rebuild_indexes() takes a store on DynamoDB, not on {store.backend}")
    with store.translating("rebuild_indexes", collection):
        await driver.homes.catalogue.read()
        home = await driver.homes.find(collection)
        chosen = [index for index in home.record.indexes if name in (None, index.spec.name)]
        if name is not None and not chosen:
            raise NoSQLIndexError(f"there is no index {name!r}")
        return [await _rebuild(driver, home, index) for index in chosen if index.state == "ready"]


async def _rebuild(driver: DynamoDBDriver, home: Home, index: IndexRecord) -> Repair:
    report = Repair(index.spec.name)
    only = replace(home, record=CollectionRecord((index,) if index.spec.unique else (), home.record.version))
    if index.spec.unique:
        await _free(driver, home, only, index, report)
    reach = compile_reach(home, parse_filter({}), None, None, consistent=True)
    async with aclosing(driver.reader.items(home, reach, Counts(), strict=True)) as found:
        async for items, _ in found:
            for document, item in driver.reader.shown(home, items):
                report.documents += 1
                try:
                    await driver.homes.note_apart(home, (document,))
                    write = keeping(home, only, index, document, item)
                    if write is None:
                        continue
                    held = await _held(driver, home, write.claims)
                    write.claims = [guard for guard in write.claims if held.get(guard.text) != write.key]
                    stale = "Update" in write.main
                    if (stale or write.claims) and await driver.writer.carry_out(write):
                        report.mended += 1
                except DuplicateKeyError as error:
                    report.duplicates.append((document["_id"], error.key or {}))
                except NoSQLIndexError:
                    report.unfit.append(document["_id"])
    return report


async def _held(driver: DynamoDBDriver, home: Home, guards: Any) -> dict[str, Item]:
    """Whose the guards are, by their text."""
    found: dict[str, Item] = {}
    for guard in guards:
        answer = await driver.client.call(
            "GetItem", {"TableName": home.catalogue, "Key": guard.key, "ConsistentRead": True}
        )
        item = answer.get("Item")
        if item:
            found[guard.text] = item[OWNER]["M"]
    return found


async def _free(driver: DynamoDBDriver, home: Home, only: Home, index: IndexRecord, report: Repair) -> None:
    """Remove the guards that belong to no document."""
    for partition in guard_partitions(home.escaped, index.mark):
        request = {
            "TableName": home.catalogue,
            "KeyConditionExpression": "#p = :p",
            "ExpressionAttributeNames": {"#p": PARTITION},
            "ExpressionAttributeValues": {":p": {"S": partition}},
            "ConsistentRead": True,
        }
        async with aclosing(pages(driver.client, "Query", request, Counts())) as found:
            async for page in found:
                for item in page.items:
                    key = {PARTITION: item[PARTITION], home.catalogue_sort: item[home.catalogue_sort]}
                    report.freed += await _free_one(driver, home, only, Guard(index, key), item[OWNER]["M"])


async def _free_one(driver: DynamoDBDriver, home: Home, only: Home, guard: Guard, owner: Item) -> bool:
    item = await driver.reader.one(home, owner, Counts(), strict=True)
    shown = driver.reader.shown(home, [] if item is None else [item])
    if item is None or not shown:
        # An owner that nobody has is nobody's: the guard is freed if the document is still not there.
        return await driver.writer.take_over(home, guard, {})
    if guard.text in guards_of_document(only, shown[0][0]):
        return False
    condition = unchanged(home, home.revision(item)).to_request()
    parts = [
        release(home, guard.key, owner),
        {"ConditionCheck": {"TableName": home.table, "Key": owner, **condition}},
    ]
    return await transact(driver.client, parts, driver.config.batch_attempts, driver.homes.still(home)) is None

"""Making, dropping, listing and repairing indexes.

**What an index is.** A global secondary index on two attributes that are computed from each document
(:mod:`~lexigram.nosql.backends.dynamodb.planning.index_keys`), with whole items in it; for ``unique``, guards besides;
for ``expire_after_seconds``, the table's TTL attribute besides.

A text index, and one with a collation, have no global index: DynamoDB has no order of words or languages. They say
which fields ``$text`` searches and how scores are made, and what a unique index takes for equal; reads go without them.

**How it is made.** It is declared in the catalogue; one lease later every writer keeps it. Then the service makes the
global index, every document that was there before gets its computed attributes and guards, on the condition that it is
unchanged, and the index is declared ready. Readers use it from then on. What goes wrong on the way is undone.

A write that was sent right before may arrive while the documents are gone through; so they are gone through twice, the
second time two leases after the declaration or later, and only what has been missed is written.

While it is made, its record in the catalogue has a heartbeat. Who asks for the same index waits for it, and makes it
anew only where the heart has stood still for ``table_wait_seconds``. Who was given up but lives learns of it before the
next batch of documents, stops, and waits for the other's index in its turn, twice as long, so that two slow ones do not
give each other up for ever. What it still wrote has the keys of its own index, and the other one's second pass, two
leases after it took over, puts that right.

**How it is dropped.** Its record says so; one lease later nobody reads the index any more, and it leaves the record.
Then the global index goes, unless another collection of the same table has come to use it meanwhile; and after another
lease, when nobody makes guards any more, these go as well.

**What it costs.** Storage for a second copy of every item, and for each write that changes an indexed document a write
to the index; making it, one read and one write of every document. The log says how many documents and bytes these are.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections.abc import Mapping
from contextlib import aclosing, suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

from botocore.exceptions import BotoCoreError, ClientError
from lexigram.nosql.backends.dynamodb.compiling import compile_reach
from lexigram.nosql.backends.dynamodb.errors import error_code
from lexigram.nosql.backends.dynamodb.layouts.home import Home, Item
from lexigram.nosql.backends.dynamodb.layouts.records import CollectionRecord, IndexRecord
from lexigram.nosql.backends.dynamodb.layouts.removing import remove_guards
from lexigram.nosql.backends.dynamodb.layouts.reserved import slot_attributes, slot_index
from lexigram.nosql.backends.dynamodb.layouts.tables import index_attributes
from lexigram.nosql.backends.dynamodb.reading.counts import Counts
from lexigram.nosql.backends.dynamodb.writing.building import Write, guards_of_document
from lexigram.nosql.backends.dynamodb.writing.conditions import unchanged
from lexigram.nosql.driver import Document
from lexigram.nosql.exceptions import NoSQLError, NoSQLIndexError, UnsupportedFeatureError
from lexigram.nosql.finishing import to_the_end
from lexigram.nosql.indexes import IndexSpec
from lexigram.nosql.query.parse import parse_filter

if TYPE_CHECKING:
    from lexigram.nosql.backends.dynamodb.driver import DynamoDBDriver

__all__ = ["create_index", "drop_index", "fill", "keeping", "listed"]

_log: Final = logging.getLogger("lexigram.nosql")
_OPTIONS_CONFLICT: Final = 85
_NAME_CONFLICT: Final = 86
_MOST_INDEXES: Final = 20
_AT_ONCE: Final = 16
_BEATS: Final = 5
"""How often in ``table_wait_seconds`` a build shows that it goes on."""


async def listed(driver: DynamoDBDriver, collection: str) -> list[IndexSpec]:
    """All indexes of a collection but the one on ``_id``: ours that are ready, and those that the table has besides.

    Args:
        driver: The connection.
        collection: Name of the collection.
    """
    await driver.homes.catalogue.read()
    driver.homes.forget_table(driver.homes.table(collection))
    home = await driver.homes.find(collection)
    # One that its table has lost does nothing, and create_index() makes it again.
    own = [
        index.spec
        for index in home.record.indexes
        if index.state == "ready" and (index.slot is None or home.shape.index(slot_index(index.slot)) is not None)
    ]
    return [*own, *_native(home)]


def _native(home: Home) -> list[IndexSpec]:
    """The table's own indexes; of a table of ours, there are only those on computed attributes."""
    found: list[IndexSpec] = []
    for index in home.shape.indexes:
        if index.computed is None:
            keys = tuple((key.path or key.name, 1) for key in index.keys)
            found.append(IndexSpec(keys, index.name, sparse=True))
    return found


async def create_index(driver: DynamoDBDriver, collection: str, spec: IndexSpec) -> None:
    """Make an index, or wait for the same one that somebody else is making.

    Args:
        driver: The connection.
        collection: Name of the collection.
        spec: The index.

    Raises:
        DuplicateKeyError: It is unique, and documents hold the same key; no index was made.
        NoSQLIndexError: A document cannot be indexed, or the table has as many indexes as it can.
        UnsupportedFeatureError: Such an index cannot be had here.
    """
    _check_offered(spec)
    await driver.homes.make(collection)
    patience = _Patience(driver.config.table_wait_seconds)
    while not await _made(driver, collection, spec, patience):
        patience.grow()


async def _made(driver: DynamoDBDriver, collection: str, spec: IndexSpec, patience: _Patience) -> bool:
    """Make an index, or wait for it; False when somebody else has begun it anew meanwhile."""
    mark = secrets.token_hex(4)
    replaced: IndexRecord | None = None

    def declare(record: CollectionRecord) -> CollectionRecord | None:
        nonlocal replaced
        replaced = record.index(spec.name)
        if replaced is not None:
            if not patience.has_ended(replaced):
                return None
            record = record.without_index(replaced.mark)
        if _is_text(spec) and any(_is_text(other.spec) for other in record.indexes):
            raise NoSQLIndexError("a collection has at most one text index", mongo_code=_OPTIONS_CONFLICT)
        return record.with_index(IndexRecord(spec, mark, _free_slot(spec, record)))

    while True:
        record = await driver.homes.catalogue.change(collection, declare)
        declared = record.index(spec.name)
        if declared is not None and declared.mark == mark:
            break
        if declared is None or (declared.state != "dropping" and not declared.spec.same_as(spec)):
            raise NoSQLIndexError(f"another index is called {spec.name!r}", mongo_code=_NAME_CONFLICT)
        if declared.state == "ready":
            if await _is_there(driver, collection, declared):
                return True
            # The table was made anew by somebody else, without it.
            patience.end(declared)
            continue
        await patience.pause(declared, max(0.05, min(1.0, driver.config.schema_lease_seconds / 2)))
    beating = asyncio.get_running_loop().create_task(
        _beat(driver, collection, mark), name=f"lexigram dynamodb index {spec.name}"
    )
    try:
        await _build(driver, collection, declared)
    except _GivenUpError:
        await to_the_end(_undo(driver, collection, declared))
        present = driver.homes.catalogue.record(collection).index(spec.name)
        if present is None or present.state == "dropping" or not present.spec.same_as(spec):
            raise
        return False
    except BaseException:
        await to_the_end(_undo(driver, collection, declared))
        raise
    finally:
        beating.cancel()
        await to_the_end(_ended(beating))
    if replaced is not None and replaced.mark != mark and replaced.spec.unique:
        await remove_guards(driver.client, driver.config, collection, replaced)
    return True


class _GivenUpError(NoSQLIndexError):
    """Who makes an index was taken for dead, or the index was dropped."""


class _Patience:
    """Waits for what somebody else does to an index, as long as something is done.

    Args:
        most: Seconds without a sign of life after which it ends.
    """

    def __init__(self, most: float) -> None:
        self._most = most
        self._seen: tuple[str, str, int] | None = None
        self._waited = 0.0
        self._ended: set[tuple[str, str, int]] = set()

    def has_ended(self, index: IndexRecord) -> bool:
        """True when an index is as it was when patience with it ended."""
        return _sign(index) in self._ended

    def grow(self) -> None:
        """Wait twice as long from now on."""
        self._most *= 2

    def end(self, index: IndexRecord) -> None:
        """Wait no longer for an index, as it is."""
        self._ended.add(_sign(index))

    async def pause(self, index: IndexRecord, seconds: float) -> None:
        """Wait a little for an index, for the last time where nothing has happened for long."""
        if _sign(index) != self._seen:
            self._seen, self._waited = _sign(index), 0.0
        await asyncio.sleep(seconds)
        self._waited += seconds
        if self._waited > self._most:
            self.end(index)


def _sign(index: IndexRecord) -> tuple[str, str, int]:
    """What changes while somebody works on an index."""
    return index.mark, index.state, index.beat


async def _beat(driver: DynamoDBDriver, collection: str, mark: str) -> None:
    """Show others that an index is still being built."""

    def beat(record: CollectionRecord) -> CollectionRecord | None:
        index = record.marked(mark)
        if index is None or index.state != "building":
            return None
        return record.with_index(replace(index, beat=index.beat + 1))

    while True:
        await asyncio.sleep(driver.config.table_wait_seconds / _BEATS)
        # One that is missed is made good by the next; and if none succeeds, the build itself finds out why.
        with suppress(BotoCoreError, ClientError, NoSQLError):
            await driver.homes.catalogue.change(collection, beat)


async def _ended(task: asyncio.Task[None]) -> None:
    await asyncio.wait((task,))


def _is_text(spec: IndexSpec) -> bool:
    return any(way == "text" for _, way in spec.keys)


def _free_slot(spec: IndexSpec, record: CollectionRecord) -> int | None:
    """The number of the global index that an index gets; None for one that has none."""
    if spec.collation is not None or _is_text(spec):
        return None
    taken = {index.slot for index in record.indexes}
    return next(slot for slot in range(1, len(taken) + 2) if slot not in taken)


async def _build(driver: DynamoDBDriver, collection: str, index: IndexRecord) -> None:
    homes = driver.homes
    lease = driver.config.schema_lease_seconds
    loop = asyncio.get_running_loop()
    declared_at = loop.time()
    await asyncio.sleep(lease)
    home = await _still_building(driver, collection, index)
    if index.expires:
        if home.expires_natively:
            raise NoSQLIndexError(
                f"the table {home.table!r} expires items by {home.expiry!r} already, and can have one such attribute"
            )
        await homes.enable_expiry(collection)
    if index.slot is not None:
        _tell_cost(home, index)
        await _make_native(driver, home, index)
        homes.forget_table(home.table)
        home = await homes.find(collection)
    if index.slot is not None or index.spec.unique or index.expires:
        await fill(driver, home, index)
        await asyncio.sleep(max(0.0, declared_at + 2 * lease - loop.time()))
        await fill(driver, await _still_building(driver, collection, index), index, only_missed=True)
    if not await _is_there(driver, collection, index):
        raise NoSQLIndexError(f"the index {index.spec.name!r} was removed from its table while it was made")

    def finish(known: CollectionRecord) -> CollectionRecord | None:
        present = known.marked(index.mark)
        if present is None or present.state != "building":
            return None
        return known.with_index(replace(present, state="ready"))

    finished = (await homes.catalogue.change(collection, finish)).marked(index.mark)
    # The change is repeated where its answer was lost; then it was ready already.
    if finished is None or finished.state != "ready":
        raise _given_up(index)


async def _still_building(driver: DynamoDBDriver, collection: str, index: IndexRecord) -> Home:
    """Where the collection lies, unless the index was dropped, or begun anew by somebody else.

    Raises:
        _GivenUpError: It was.
    """
    home = await driver.homes.find(collection)
    present = home.record.marked(index.mark)
    if present is None or present.state != "building":
        raise _given_up(index)
    return home


def _given_up(index: IndexRecord) -> NoSQLIndexError:
    return _GivenUpError(
        f"the index {index.spec.name!r} was dropped, or begun anew by somebody else, while it was made",
        hint="Look at list_indexes(), and make it again if it is missing.",
    )


async def _is_there(driver: DynamoDBDriver, collection: str, index: IndexRecord) -> bool:
    """True when the table has the global index that an index needs."""
    if index.slot is None:
        return True
    described = await driver.homes.tables.describe(driver.homes.table(collection)) or {}
    name = slot_index(index.slot)
    present = described.get("GlobalSecondaryIndexes") or ()
    return any(each["IndexName"] == name and each.get("IndexStatus") != "DELETING" for each in present)


async def _undo(driver: DynamoDBDriver, collection: str, index: IndexRecord) -> None:
    await driver.homes.catalogue.change(collection, lambda known: known.without_index(index.mark))
    await _remove_parts(driver, collection, index)


def _tell_cost(home: Home, index: IndexRecord) -> None:
    described = home.described or {}
    _log.info(
        "making the index %r of %r: about %s documents, %s bytes, will be read and written once; from then on the "
        "index holds a copy of each, and takes a write of its own for each that changes",
        index.spec.name,
        home.collection,
        described.get("ItemCount", "?"),
        described.get("TableSizeBytes", "?"),
    )


async def _make_native(driver: DynamoDBDriver, home: Home, index: IndexRecord) -> None:
    """Have the service make the global index, and wait until it can be written and read."""
    slot = index.slot or 0
    name = slot_index(slot)
    tables = driver.homes.tables
    described = await tables.wait(home.table, lambda _: True) or {}
    present = described.get("GlobalSecondaryIndexes") or ()
    if all(each["IndexName"] != name or each.get("IndexStatus") == "DELETING" for each in present):
        if len(present) >= _MOST_INDEXES:
            raise NoSQLIndexError(
                f"the table {home.table!r} has {len(present)} global indexes, and DynamoDB takes {_MOST_INDEXES}",
                hint="Drop one that is not needed.",
            )
        request = {
            "AttributeDefinitions": index_attributes(slot),
            "GlobalSecondaryIndexUpdates": [{"Create": tables.index(slot)}],
        }
        try:
            await tables.change(home.table, request)
        except ClientError as error:
            # Another collection of the table has made it meanwhile.
            if error_code(error) != "ValidationException" or not await _is_there(driver, home.collection, index):
                raise
    told = ""

    def is_ready(known: Mapping[str, Any] | None) -> bool:
        nonlocal told
        for each in (known or {}).get("GlobalSecondaryIndexes") or ():
            if each["IndexName"] == name:
                status = str(each.get("IndexStatus", "ACTIVE"))
                state = f"{status}, {'filling, ' if each.get('Backfilling') else ''}{each.get('ItemCount', 0)} items"
                if state != told:
                    told = state
                    _log.info("the index %r of %r is %s", index.spec.name, home.collection, state)
                return status == "ACTIVE"
        return False

    await tables.wait(home.table, is_ready)


@dataclass(slots=True)
class Filled:
    """What filling an index has found.

    Attributes:
        documents: Documents looked at.
        changed: Documents whose attributes or guards were missing or wrong.
    """

    documents: int = 0
    changed: int = 0


async def fill(driver: DynamoDBDriver, home: Home, index: IndexRecord, *, only_missed: bool = False) -> Filled:
    """Give every document the attributes and guards that an index needs.

    Args:
        driver: The connection.
        home: The collection, with the index declared.
        index: The index.
        only_missed: Leave alone what has the index's attributes already: whoever put them made the guards as well.

    Raises:
        DuplicateKeyError: Two documents hold the same key of a unique index.
        NoSQLIndexError: A document cannot be indexed, or somebody dropped the index meanwhile.
    """
    only = replace(home, record=CollectionRecord((index,) if index.spec.unique else (), home.record.version))
    reach = compile_reach(home, parse_filter({}), None, None, consistent=True)
    found = Filled()

    async def one(document: Document, item: Item) -> None:
        found.documents += 1
        if only_missed and _is_filed(home, index, document, item):
            return
        write = keeping(home, only, index, document, item)
        # Where the condition fails, somebody changed the document, and kept the index while doing so.
        if write is not None and await driver.writer.carry_out(write):
            found.changed += 1

    async with aclosing(driver.reader.items(home, reach, Counts(), strict=True)) as pages:
        async for items, _ in pages:
            pairs = driver.reader.shown(home, items)
            await driver.homes.note_apart(home, [document for document, _ in pairs])
            for start in range(0, len(pairs), _AT_ONCE):
                await _still_building(driver, home.collection, index)
                try:
                    async with asyncio.TaskGroup() as group:
                        for document, item in pairs[start : start + _AT_ONCE]:
                            group.create_task(one(document, item))
                except BaseExceptionGroup as errors:
                    raise errors.exceptions[0] from errors.exceptions[0].__cause__
    return found


def _is_filed(home: Home, index: IndexRecord, document: Document, item: Item) -> bool:
    """True when an item has the attributes of a global index, and these tell that it was filed."""
    wanted = home.computed(document, index)
    if index.slot is None or any(item.get(name) != value for name, value in wanted.items()):
        return False
    return wanted[slot_attributes(index.slot)[0]] is not None


def keeping(home: Home, only: Home, index: IndexRecord, document: Document, item: Item) -> Write | None:
    """The write that makes an index right for a document.

    Args:
        home: The collection, with the index declared.
        only: The same with this index alone, where it is unique; with none, where it is not.
        index: The index.
        document: The document.
        item: Its item.

    Returns:
        The write, on the condition that the document is unchanged; None where nothing is to be done.
    """
    wanted = home.computed(document, index)
    stale = [name for name, value in wanted.items() if item.get(name) != value]
    guards = tuple(guards_of_document(only, document).values())
    if not stale and not guards:
        return None
    key = home.key_of(item)
    condition = unchanged(home, home.revision(item))
    if not stale:
        main = {"ConditionCheck": {"TableName": home.table, "Key": key, **condition.to_request()}}
        return Write(home, key, document, main, guards)
    names, values = dict(condition.names), dict(condition.values)
    puts: list[str] = []
    removals: list[str] = []
    for place, name in enumerate(stale):
        names[f"#x{place}"] = name
        value = wanted[name]
        if value is None:
            removals.append(f"#x{place}")
        else:
            values[f":x{place}"] = value
            puts.append(f"#x{place} = :x{place}")
    expression = " ".join(
        [*([f"SET {', '.join(puts)}"] if puts else []), *([f"REMOVE {', '.join(removals)}"] if removals else [])]
    )
    update = {
        "TableName": home.table,
        "Key": key,
        "UpdateExpression": expression,
        "ConditionExpression": condition.expression,
        "ExpressionAttributeNames": names,
        "ExpressionAttributeValues": values,
    }
    return Write(home, key, document, {"Update": update}, guards)


async def drop_index(driver: DynamoDBDriver, collection: str, name: str) -> None:
    """Remove an index.

    Args:
        driver: The connection.
        collection: Name of the collection.
        name: Of the index.

    Raises:
        NoSQLIndexError: It is one that the table was made with.
    """
    await driver.homes.catalogue.read()
    index = driver.homes.catalogue.record(collection).index(name)
    if index is None:
        raise NoSQLIndexError(f"the index {name!r} was made elsewhere and is not dropped from here")
    was_read = index.state != "building"

    def drop(known: CollectionRecord) -> CollectionRecord | None:
        present = known.marked(index.mark)
        return None if present is None else known.with_index(replace(present, state="dropping"))

    lease = driver.config.schema_lease_seconds
    await driver.homes.catalogue.change(collection, drop)
    if was_read:
        await asyncio.sleep(lease)
    await driver.homes.catalogue.change(collection, lambda known: known.without_index(index.mark))
    if index.slot is not None:
        await _remove_native(driver, collection, index, index.slot)
    if index.spec.unique:
        await asyncio.sleep(lease)
        await remove_guards(driver.client, driver.config, collection, index)


async def _remove_parts(driver: DynamoDBDriver, collection: str, index: IndexRecord) -> None:
    """Remove the global index of an index that was never ready, and its guards."""
    if index.slot is not None:
        await _remove_native(driver, collection, index, index.slot)
    if index.spec.unique:
        await remove_guards(driver.client, driver.config, collection, index)


async def _remove_native(driver: DynamoDBDriver, collection: str, index: IndexRecord, slot: int) -> None:
    """Remove a global index, unless another index has come to use it."""
    homes = driver.homes
    table, name = homes.table(collection), slot_index(slot)

    async def is_unused() -> bool:
        await homes.catalogue.read()
        return not any(
            other.slot == slot and other.mark != index.mark
            for owner, record in homes.catalogue.records.items()
            for other in record.indexes
            if homes.table(owner) == table
        )

    if await _is_there(driver, collection, index):
        try:
            request = {"GlobalSecondaryIndexUpdates": [{"Delete": {"IndexName": name}}]}
            await homes.tables.change(table, request, is_unused)
        except ClientError as error:
            # Somebody else has removed it.
            if error_code(error) not in {"ResourceNotFoundException", "ValidationException"}:
                raise
    homes.forget_table(table)


def _check_offered(spec: IndexSpec) -> None:
    """Refuse what an index of ours cannot be."""
    if spec.is_wildcard:
        raise UnsupportedFeatureError("DynamoDB has no wildcard indexes", feature="wildcard_indexes")

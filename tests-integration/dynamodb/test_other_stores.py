"""Indexes and tables that another store, or another tool, makes and removes meanwhile."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from botocore.exceptions import ClientError
from dynamodb.conftest import Opener
from dynamodb.raw import request
from lexigram.nosql.backends.dynamodb import DynamoDBDocumentStore, indexing
from lexigram.nosql.exceptions import DuplicateKeyError, NoSQLIndexError, NoSQLTimeoutError
from servers import Server


def _operations(store: DynamoDBDocumentStore, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The operations that a store sends from now on."""
    sent: list[str] = []
    real = store.driver.client.call

    async def call(operation: str, request: Any, *more: Any) -> Any:
        sent.append(operation)
        return await real(operation, request, *more)

    monkeypatch.setattr(store.driver.client, "call", call)
    return sent


async def _until(event: asyncio.Event, task: asyncio.Task[Any]) -> None:
    """Wait for what a task is to reach; its error, where it ends before."""
    waiting = asyncio.ensure_future(event.wait())
    await asyncio.wait((waiting, task), return_when=asyncio.FIRST_COMPLETED)
    if not waiting.done():
        waiting.cancel()
        await task
        raise AssertionError("the task ended before")


async def test_a_new_store_reads_by_the_indexes_that_are_recorded(open_store: Opener, layout: str) -> None:
    first = await open_store(layout=layout)
    await first.collection("things").create_index("sku")
    await first.collection("things").insert_one({"_id": 1, "sku": "x"})
    for work in ("find", "hint", "update"):
        store = await open_store(layout=layout, scan_policy="deny")
        things = store.collection("things")
        if work == "update":
            assert (await things.update_one({"sku": "x"}, {"$set": {"n": 1}})).matched_count == 1
            continue
        cursor = things.find({"sku": "x"}, hint="sku_1" if work == "hint" else None)
        assert (await cursor.explain()).access.index == "sku_1"
        assert [document["_id"] for document in await cursor.to_list()] == [1]


async def test_an_index_that_another_store_made_is_used(open_store: Opener, layout: str) -> None:
    one, other = await open_store(layout=layout), await open_store(layout=layout)
    things = one.collection("things")
    await things.insert_one({"_id": 1, "sku": "x"})
    assert await things.count_documents({"sku": "x"}) == 1
    await other.collection("things").create_index("sku")
    await one.driver.homes.catalogue.read()
    assert await things.count_documents({"sku": "x"}) == 1
    assert (await things.find({"sku": "x"}).explain()).access.index == "sku_1"
    assert len(await things.find({"sku": "x"}, hint="sku_1").to_list()) == 1


async def test_reading_the_same_records_again_changes_nothing(open_store: Opener) -> None:
    store = await open_store()
    await store.collection("things").create_index("sku")
    home = await store.driver.homes.find("things")
    await store.driver.homes.catalogue.read()
    assert await store.driver.homes.find("things") is home


async def test_a_collection_that_another_store_dropped_is_empty(open_store: Opener, layout: str) -> None:
    one, other = await open_store(layout=layout), await open_store(layout=layout)
    things = one.collection("things")

    async def drop() -> None:
        await things.insert_one({"_id": 1, "n": 1})
        await other.drop_collection("things")

    await drop()
    assert (await things.update_one({"_id": 1}, {"$set": {"n": 2}})).matched_count == 0
    await drop()
    assert (await things.delete_one({"_id": 1})).deleted_count == 0
    await drop()
    assert (await things.update_many({"n": 1}, {"$set": {"n": 2}})).matched_count == 0
    await drop()
    assert await things.find_one({"_id": 1}) is None


async def test_a_transaction_on_a_dropped_collection_may_be_run_again(open_store: Opener) -> None:
    one, other = await open_store(), await open_store()
    things = one.collection("things")
    await things.insert_one({"_id": 1})
    await other.drop_collection("things")

    async def add(_: Any) -> None:
        await things.insert_one({"_id": 2})

    await one.run_transaction(add)
    assert await things.find().to_list() == [{"_id": 2}]


async def test_a_table_that_is_gone_is_made_again(open_store: Opener, layout: str, prefix: str) -> None:
    store = await open_store(layout=layout)
    things = store.collection("things")
    await things.create_index("k")
    await things.insert_one({"_id": 1, "k": 1})
    table = prefix if layout == "single-table" else f"{prefix}-things"
    await store.driver.homes.tables.remove(table)
    await things.insert_one({"_id": 2, "k": 2})
    assert [document["_id"] for document in await things.find().to_list()] == [2]
    # Records of indexes lie in the single table, and go with it; where they do not, the table is made with its indexes.
    await things.create_index("k")
    assert (await things.find({"k": 2}).explain()).access.index == "k_1"
    assert [document["_id"] for document in await things.find({"k": 2}).to_list()] == [2]


async def test_looking_by_id_hears_of_indexes(open_store: Opener, monkeypatch: pytest.MonkeyPatch) -> None:
    store = await open_store(schema_lease_seconds=60)
    things = store.collection("things")
    await things.insert_one({"_id": 1})
    await things.find_one({"_id": 1})
    store.driver.homes.catalogue.expire()
    sent = _operations(store, monkeypatch)
    await things.find_one({"_id": 1})
    assert sent == ["Query", "GetItem"]


async def test_records_that_cannot_be_read_in_the_background_are_read_later(
    open_store: Opener, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = await open_store(schema_lease_seconds=60)
    things = store.collection("things")
    await things.insert_one({"_id": 1})
    catalogue = store.driver.homes.catalogue
    loop = asyncio.get_running_loop()
    complaints: list[dict[str, Any]] = []
    loop.set_exception_handler(lambda _, context: complaints.append(context))
    failed = asyncio.Event()
    real = store.driver.client.call

    async def call(operation: str, request: Any, *more: Any) -> Any:
        if operation == "Query":
            failed.set()
            raise ConnectionError("away")
        return await real(operation, request, *more)

    monkeypatch.setattr(catalogue, "_read_at", loop.time() - 40)
    monkeypatch.setattr(store.driver.client, "call", call)
    assert await things.find_one({"_id": 1}) == {"_id": 1}
    await failed.wait()
    reading = catalogue._reading
    await asyncio.wait((reading,))
    monkeypatch.setattr(catalogue, "_reading", None)
    del reading
    assert complaints == []
    monkeypatch.undo()
    await catalogue.fresh()
    assert await things.find_one({"_id": 1}) == {"_id": 1}


async def test_an_index_that_another_store_drops_is_left_in_time(open_store: Opener, layout: str) -> None:
    # The other one waits for a shorter lease than this one goes by.
    slow = await open_store(layout=layout, schema_lease_seconds=1)
    things = slow.collection("things")
    await things.insert_one({"_id": 1, "sku": "x"})
    await things.create_index("sku")
    other = await open_store(layout=layout)
    for read in (lambda: things.find({"sku": "x"}).to_list(), lambda: things.count_documents({"sku": "x"})):
        assert await read() in (1, [{"_id": 1, "sku": "x"}])
        await other.collection("things").drop_index("sku_1")
        assert await read() in (1, [{"_id": 1, "sku": "x"}])
        await other.collection("things").create_index("sku")
        await slow.driver.homes.catalogue.read()


async def test_a_dropped_index_goes_a_lease_after_its_readers(
    open_store: Opener, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = await open_store(schema_lease_seconds=0.2)
    users = store.collection("users")
    await users.create_index("mail", unique=True)
    told: list[str] = []
    real = asyncio.sleep

    async def sleep(seconds: float, result: Any = None) -> Any:
        if seconds == 0.2:
            record = store.driver.homes.catalogue.record("users")
            told.append(record.indexes[0].state if record.indexes else "gone")
        return await real(seconds, result)

    sent = _operations(store, monkeypatch)
    monkeypatch.setattr(asyncio, "sleep", sleep)
    await users.drop_index("mail_1")
    assert told == ["dropping", "gone"]
    assert sent.count("UpdateTable") == 1


async def test_an_index_whose_maker_shows_no_life_is_made_by_another(
    open_store: Opener, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The first beats once a minute, the other one waits for less than a second.
    one, other = await open_store(table_wait_seconds=300), await open_store(table_wait_seconds=0.3)
    await one.collection("things").insert_one({"_id": 1, "k": 1})
    began, go_on = asyncio.Event(), asyncio.Event()
    real = indexing.fill

    async def fill(driver: Any, *given: Any, **more: Any) -> Any:
        if driver is one.driver:
            began.set()
            await go_on.wait()
        return await real(driver, *given, **more)

    monkeypatch.setattr(indexing, "fill", fill)
    first = asyncio.create_task(one.collection("things").create_index("k", unique=True))
    await _until(began, first)
    mark = (await one.driver.homes.catalogue._read_one("things")).indexes[0].mark
    await other.collection("things").create_index("k", unique=True)
    await other.collection("things").insert_one({"_id": 2, "k": 2})
    assert (await one.driver.homes.catalogue._read_one("things")).indexes[0].mark != mark
    go_on.set()
    # It is alive, and finds the index there.
    await first
    for store in (one, other):
        await store.driver.homes.catalogue.read()
        things = store.collection("things")
        assert [index.state for index in store.driver.homes.catalogue.record("things").indexes] == ["ready"]
        assert (await things.find({"k": 1}).explain()).access.index == "k_1"
        assert [await things.count_documents({"k": value}) for value in (1, 2)] == [1, 1]
        with pytest.raises(DuplicateKeyError):
            await things.insert_one({"_id": 3, "k": 1})


async def test_what_a_maker_that_was_given_up_still_writes_is_put_right(
    open_store: Opener, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, other = await open_store(table_wait_seconds=300), await open_store(table_wait_seconds=0.3)
    await one.collection("things").insert_many([{"_id": number, "k": number} for number in range(5)])
    began, go_on, late = asyncio.Event(), asyncio.Event(), asyncio.Event()
    real, real_check = indexing.fill, indexing._still_building
    fills: list[bool] = []

    async def fill(driver: Any, *given: Any, **more: Any) -> Any:
        if driver is one.driver:
            began.set()
            await go_on.wait()
        found = await real(driver, *given, **more)
        if driver is other.driver:
            fills.append(found.changed > 0)
            if len(fills) == 1:
                go_on.set()
                await late.wait()
        return found

    async def still_building(driver: Any, collection: str, index: Any) -> Any:
        # The first has looked just before it was given up, and writes its documents now.
        if driver is one.driver and go_on.is_set() and not late.is_set():
            return await driver.homes.find(collection)
        return await real_check(driver, collection, index)

    async def first() -> None:
        await one.collection("things").create_index("k")

    async def filled_late(*given: Any, **more: Any) -> Any:
        found = await fill(*given, **more)
        if given[0] is one.driver:
            late.set()
        return found

    monkeypatch.setattr(indexing, "fill", filled_late)
    monkeypatch.setattr(indexing, "_still_building", still_building)
    making = asyncio.create_task(first())
    await _until(began, making)
    await other.collection("things").create_index("k")
    await making
    assert fills == [True, True]
    found = other.collection("things").find({"k": {"$gte": 0}}, sort=[("k", 1)])
    assert (await found.explain()).access.index == "k_1"
    assert [document["_id"] for document in await found.to_list()] == list(range(5))


async def test_an_index_that_is_dropped_while_it_is_made_says_so(
    open_store: Opener, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, other = await open_store(), await open_store()
    await one.collection("things").insert_one({"_id": 1, "k": 1})
    real = indexing.fill

    async def fill(*given: Any, **more: Any) -> Any:
        monkeypatch.setattr(indexing, "fill", real)
        await indexing.drop_index(other.driver, "things", "k_1")
        await one.driver.homes.catalogue.read()
        return await real(*given, **more)

    monkeypatch.setattr(indexing, "fill", fill)
    with pytest.raises(NoSQLIndexError, match="dropped"):
        await one.collection("things").create_index("k")


async def test_an_index_that_is_being_made_is_waited_for(open_store: Opener, monkeypatch: pytest.MonkeyPatch) -> None:
    # Its heart beats every twentieth second, and nobody gives anybody up in less than five minutes.
    monkeypatch.setattr(indexing, "_BEATS", 6000)
    one, other = await open_store(), await open_store()
    await one.collection("things").insert_one({"_id": 1, "k": 1})
    began, go_on = asyncio.Event(), asyncio.Event()
    real, real_pause, paused = indexing.fill, indexing._Patience.pause, asyncio.Semaphore(0)

    async def fill(*given: Any, **more: Any) -> Any:
        began.set()
        await go_on.wait()
        return await real(*given, **more)

    async def pause(*given: Any) -> None:
        paused.release()
        await real_pause(*given)

    monkeypatch.setattr(indexing, "fill", fill)
    monkeypatch.setattr(indexing._Patience, "pause", pause)
    first = asyncio.create_task(one.collection("things").create_index("k"))
    await _until(began, first)
    catalogue = other.driver.homes.catalogue
    (declared,) = (await catalogue._read_one("things")).indexes
    second = asyncio.create_task(other.collection("things").create_index("k"))
    beats: set[int] = set()
    while len(beats) < 3:
        await paused.acquire()
        beats.add((await catalogue._read_one("things")).indexes[0].beat)
    assert not second.done()
    go_on.set()
    await asyncio.gather(first, second)
    assert [index.mark for index in (await catalogue._read_one("things")).indexes] == [declared.mark]
    assert len(await one.collection("things").list_indexes()) == 2


async def test_an_index_that_another_collection_uses_stays(open_store: Opener, monkeypatch: pytest.MonkeyPatch) -> None:
    one = await open_store(layout="single-table", schema_lease_seconds=1)
    other = await open_store(layout="single-table")
    await one.collection("x").insert_many([{"_id": 1, "e": 1}, {"_id": 2, "e": 1}])
    await other.collection("y").insert_one({"_id": 1, "k": 1})
    real = indexing.fill

    async def fill(*given: Any, **more: Any) -> Any:
        monkeypatch.setattr(indexing, "fill", real)
        await other.collection("y").create_index("k")
        return await real(*given, **more)

    monkeypatch.setattr(indexing, "fill", fill)
    with pytest.raises(DuplicateKeyError):
        await one.collection("x").create_index("e", unique=True)
    found = other.collection("y").find({"k": 1})
    assert (await found.explain()).access.index == "k_1"
    assert await found.to_list() == [{"_id": 1, "k": 1}]


async def test_an_index_that_its_table_has_lost_is_made_again(open_store: Opener, layout: str) -> None:
    store = await open_store(layout=layout)
    things = store.collection("things")
    await things.insert_one({"_id": 1, "k": 1})
    await things.create_index("k", unique=True)
    homes = store.driver.homes
    table = homes.table("things")
    await homes.tables.change(table, {"GlobalSecondaryIndexUpdates": [{"Delete": {"IndexName": "lexigram-1"}}]})
    await homes.tables.wait(table, lambda known: not (known or {}).get("GlobalSecondaryIndexes"))
    fresh = await open_store(layout=layout)
    assert await fresh.collection("things").count_documents({"k": 1}) == 1
    await fresh.collection("things").create_index("k", unique=True)
    found = fresh.collection("things").find({"k": 1})
    assert (await found.explain()).access.index == "k_1"
    assert await found.to_list() == [{"_id": 1, "k": 1}]
    with pytest.raises(DuplicateKeyError):
        await fresh.collection("things").insert_one({"_id": 2, "k": 1})


async def test_a_write_that_arrives_late_is_in_the_index(open_store: Opener, monkeypatch: pytest.MonkeyPatch) -> None:
    one, late = await open_store(), await open_store(schema_lease_seconds=60)
    things = one.collection("things")
    await things.insert_many([{"_id": 1, "k": 1}, {"_id": 2, "k": 2}])
    await late.collection("things").find_one({"_id": 1})
    real = indexing.fill
    fills: list[bool] = []

    async def fill(*given: Any, **more: Any) -> Any:
        filled = await real(*given, **more)
        if not fills:
            # Its copy of the records is older than the index.
            await late.collection("things").replace_one({"_id": 2}, {"k": 1})
        fills.append(bool(more))
        return filled

    monkeypatch.setattr(indexing, "fill", fill)
    await things.create_index("k")
    assert fills == [False, True]
    assert [document["_id"] for document in await things.find({"k": 1}, sort=[("_id", 1)]).to_list()] == [1, 2]
    assert (await things.find({"k": 1}).explain()).access.index == "k_1"


async def test_the_command_makes_indexes_right(open_store: Opener, either_server: Server, prefix: str) -> None:
    store = await open_store()
    users = store.collection("users")
    await users.create_index("mail", unique=True)
    await users.insert_one({"_id": "a", "mail": "1"})
    for identity, mail in (("b", "2"), ("c", "1")):
        item = {"_id": {"S": identity}, "mail": {"S": mail}}
        await request(either_server.endpoint, "PutItem", {"TableName": f"{prefix}-users", "Item": item})
    work = store.spec.rebuild_indexes
    assert work is not None
    (report,) = await work(store, "users", "mail_1")
    told = {"_id": "c", "key": {"mail": "1"}}
    assert report == {"index": "mail_1", "documents": 3, "mended": 1, "freed": 0, "duplicates": [told], "unfit": []}
    assert [document["_id"] for document in await users.find({"mail": "2"}).to_list()] == ["b"]


async def test_a_table_that_stays_in_use_is_not_waited_for_for_ever(
    open_store: Opener, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = await open_store(table_wait_seconds=0.1)
    tables = store.driver.homes.tables

    async def call(operation: str, request: Any, *more: Any) -> Any:
        raise ClientError({"Error": {"Code": "ResourceInUseException", "Message": "busy"}}, operation)

    monkeypatch.setattr(store.driver.client, "call", call)
    with pytest.raises(NoSQLTimeoutError):
        await tables.remove("some-table")
    with pytest.raises(NoSQLTimeoutError):
        await tables.change("some-table", {})
    monkeypatch.undo()

"""Indexes and tables that another store, or another tool, makes and removes meanwhile."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from dynamodb.conftest import Opener
from lexigram.nosql.backends.dynamodb import DynamoDBDocumentStore


def _operations(store: DynamoDBDocumentStore, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The operations that a store sends from now on."""
    sent: list[str] = []
    real = store.driver.client.call

    async def call(operation: str, request: Any) -> Any:
        sent.append(operation)
        return await real(operation, request)

    monkeypatch.setattr(store.driver.client, "call", call)
    return sent


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
    store = await open_store(schema_lease_seconds=0.05)
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

    async def call(operation: str, request: Any) -> Any:
        if operation == "Query":
            failed.set()
            raise ConnectionError("away")
        return await real(operation, request)

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

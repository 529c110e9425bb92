"""Caller and store share nothing, bad input changes nothing, and many tasks at once lose nothing."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Coroutine
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from lexigram.nosql import InsertOne, UpdateOne
from lexigram.nosql.backends.memory import InMemoryDocumentStore
from lexigram.nosql.collection import Collection
from lexigram.nosql.exceptions import DuplicateKeyError, NoSQLError, TransactionError, WriteConflictError
from lexigram.nosql.session import Session
from lexigram.nosql.store import DocumentStore
from lexigram.nosql.testing.minimal import MinimalDocumentStore
from lexigram.nosql.testing.strategies import anything, documents


def run(work: Coroutine[Any, Any, None]) -> None:
    asyncio.run(work)


def spoil(value: Any) -> None:
    """Change every dict and list inside a value."""
    if isinstance(value, dict):
        for item in list(value.values()):
            spoil(item)
        value["spoiled"] = True
    elif isinstance(value, list):
        for item in value:
            spoil(item)
        value.append("spoiled")


async def stored(things: Collection) -> str:
    return repr(await things.find(sort=[("_id", 1)]).to_list())


@settings(suppress_health_check=[HealthCheck.too_slow])
@given(documents(bson=True), documents(bson=True))
def test_neither_side_can_change_the_others_documents(first: dict[str, Any], second: dict[str, Any]) -> None:
    """What goes in, what comes out of every method, and what a feed and a native handle show."""

    async def check(store: DocumentStore) -> None:
        async with store:
            things = store.collection("things")
            given_one, given_many = {"_id": 1, **first}, [{"_id": 2, **second}]
            update, bulk = {"$set": {"x": second}}, {"_id": 3, **first}
            feed = things.watch() if isinstance(store, InMemoryDocumentStore) else None
            await things.insert_one(given_one)
            await things.insert_many(given_many)
            await things.bulk_write([InsertOne(bulk), UpdateOne({"_id": 3}, update)])
            before = await stored(things)
            for value in (given_one, given_many, update, bulk):
                spoil(value)
            assert await stored(things) == before
            shown: list[Any] = [
                await things.find().to_list(),
                await things.find_one({"_id": 1}),
                await things.find({}, projection={"nothing": 0}).to_list(),
                await things.aggregate([{"$match": {}}]).to_list(),
                await things.aggregate([{"$group": {"_id": None, "all": {"$push": "$$ROOT"}}}]).to_list(),
                (await things.find_page()).items,
                await things.distinct("a"),
                await things.find_one_and_update({"_id": 1}, {"$setOnInsert": {"y": 1}}),
            ]
            if feed is not None:
                shown += [(await anext(feed)).document for _ in range(3)]
                shown.append(store.native["things"])
                await feed.aclose()
            for value in shown:
                spoil(value)
            assert await stored(things) == before

    run(check(InMemoryDocumentStore()))
    run(check(MinimalDocumentStore()))


@settings(suppress_health_check=[HealthCheck.too_slow])
@given(anything(), anything())
def test_bad_input_raises_a_typed_error_and_changes_nothing(first: Any, second: Any) -> None:
    """Whatever is given as filter, update, document, option or pipeline."""

    async def check(store: DocumentStore) -> None:
        async with store:
            things = store.collection("things")
            await things.insert_many([{"_id": 1, "a": 1}, {"_id": 2, "a": [1, {"b": 2}]}])
            calls: list[Any] = [
                lambda: things.insert_one(first),
                lambda: things.insert_many(first),
                lambda: things.update_one(first, second),
                lambda: things.update_many(first, second),
                lambda: things.replace_one(first, second),
                lambda: things.delete_one(first, hint=second),
                lambda: things.delete_many(first, collation=second),
                lambda: things.find_one_and_update(first, second),
                lambda: things.find_one_and_replace(first, second),
                lambda: things.find_one_and_delete(first, projection=second),
                lambda: things.find_one(first, projection=second),
                lambda: things.find(first, sort=second).to_list(),
                lambda: things.find(None, skip=first, limit=second).to_list(),
                lambda: things.find_page(first, sort=second, size=2),
                lambda: things.count_documents(first, hint=second),
                lambda: things.distinct(first, second),
                lambda: things.aggregate(first).to_list(),
                lambda: things.bulk_write(first),
                lambda: things.create_index(first, partial_filter=second),
            ]
            for call in calls:
                before = await stored(things)
                try:
                    await call()
                except NoSQLError:
                    assert await stored(things) == before
                else:
                    await things.delete_many({})
                    await things.insert_many([{"_id": 1, "a": 1}, {"_id": 2, "a": [1, {"b": 2}]}])

    run(check(InMemoryDocumentStore()))


def nested(depth: int) -> dict[str, Any]:
    value: dict[str, Any] = {}
    for _ in range(depth):
        value = {"a": value}
    return value


def cyclic() -> dict[str, Any]:
    value: dict[str, Any] = {}
    value["a"] = [value]
    return value


@pytest.mark.parametrize("bad", [nested(10_000), cyclic()], ids=["deep", "cyclic"])
async def test_deep_and_cyclic_input_is_refused(bad: dict[str, Any], memory: InMemoryDocumentStore) -> None:
    """As document, filter, update, replacement and pipeline."""
    things = memory.collection("things")
    await things.insert_one({"_id": 1})
    for call in (
        lambda: things.insert_one(bad),
        lambda: things.insert_many([bad]),
        lambda: things.find_one(bad),
        lambda: things.find_one({"$and": [bad, {"$or": [bad]}]}),
        lambda: things.find_one({"x": bad}),
        lambda: things.update_one({}, {"$set": {"x": bad}}),
        lambda: things.replace_one({}, bad),
        lambda: things.bulk_write([InsertOne(bad)]),
        lambda: things.aggregate([{"$match": bad}]).to_list(),
        lambda: things.aggregate([{"$set": {"x": bad}}]).to_list(),
    ):
        with pytest.raises(NoSQLError):
            await call()
    assert await things.find().to_list() == [{"_id": 1}]


async def test_large_documents_and_odd_numbers_are_data(memory: InMemoryDocumentStore) -> None:
    """Ten megabytes, NaN and the infinities."""
    things = memory.collection("things")
    text = "x" * 10_000_000
    await things.insert_one({"_id": 1, "text": text})
    assert (await things.find_one({"_id": 1}) or {})["text"] == text
    await things.insert_many([{"_id": name, "n": float(name)} for name in ("nan", "inf", "-inf")])
    assert [item["_id"] for item in await things.find({"n": float("nan")}).to_list()] == ["nan"]
    assert [item["_id"] for item in await things.find({"n": {"$exists": True}}, sort=[("n", 1)]).to_list()] == [
        "nan",
        "-inf",
        "inf",
    ]


async def test_a_thousand_tasks_lose_nothing(memory: InMemoryDocumentStore) -> None:
    """Increments, transactions and unique inserts, cancelled at random."""
    chance = random.Random(20261121)
    counters, names = memory.collection("counters"), memory.collection("names")
    await names.create_index("name", unique=True)
    await counters.insert_many([{"_id": index, "plain": 0, "moved": 0} for index in range(10)])
    done = {"plain": 0}

    async def increment() -> None:
        await asyncio.sleep(0)
        await counters.update_one({"_id": chance.randrange(10)}, {"$inc": {"plain": 1}})
        done["plain"] += 1

    async def move() -> None:
        async def work(session: Session) -> None:
            source, target = chance.sample(range(10), 2)
            await counters.update_one({"_id": source}, {"$inc": {"moved": -1}})
            await asyncio.sleep(0)
            await counters.update_one({"_id": target}, {"$inc": {"moved": 1}})

        await memory.run_transaction(work, attempts=3)

    async def name() -> None:
        await asyncio.sleep(0)
        await names.insert_one({"name": chance.randrange(50)})

    tasks = [asyncio.create_task(chance.choice((increment, move, name))()) for _ in range(1000)]
    for _ in range(20):
        await asyncio.sleep(0)
        for task in chance.sample(tasks, 15):
            task.cancel()
    results = await asyncio.gather(*tasks, return_exceptions=True)
    allowed = (asyncio.CancelledError, DuplicateKeyError, WriteConflictError, TransactionError)
    assert [result for result in results if result is not None and not isinstance(result, allowed)] == []
    found = await counters.find().to_list()
    assert sum(item["plain"] for item in found) == done["plain"]
    assert sum(item["moved"] for item in found) == 0
    everyone = [item["name"] for item in await names.find().to_list()]
    assert len(everyone) == len(set(everyone))
    assert (await memory.driver.ping())["transactions"] == 0
    driver: Any = memory.driver
    for collection in ("counters", "names"):
        assert driver.existing(collection).claims == {}
    await counters.update_many({}, {"$set": {"free": True}}, timeout=30)

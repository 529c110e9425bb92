"""Counts, sums and averages that Firestore adds up are those of the engine, which adds up what Firestore cannot."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from lexigram.nosql.backends.firestore import FirestoreDocumentStore
from lexigram.nosql.backends.firestore.recording import read_recording
from lexigram.nosql.backends.memory import InMemoryDocumentStore

Opener = Callable[..., Any]

HINTS = {
    "orders": {
        "status": "required text",
        "total": "required int",
        "deep": "map",
        "deep.n": "required int",
        "price": "number",
        "maybe": "int",
    }
}
ORDERS: list[dict[str, Any]] = [
    {
        "_id": f"o{number}",
        "status": "new" if number % 3 else "paid",
        "total": number * (10**16 + 1) - 7,
        "deep": {"n": -number},
        "price": number / 10,
        "tags": [number, "x"],
        **({"maybe": number} if number % 2 else {}),
    }
    for number in range(1, 12)
]


@pytest_asyncio.fixture
async def store(open_store: Opener) -> FirestoreDocumentStore:
    """Return a store with orders and hints for them."""
    opened: FirestoreDocumentStore = await open_store(fields=HINTS)
    await opened.collection("orders").insert_many(ORDERS)
    return opened


async def by_engine(documents: list[dict[str, Any]], pipeline: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """What the engine makes of documents."""
    async with InMemoryDocumentStore() as memory:
        await memory.collection("orders").insert_many(documents)
        found: list[dict[str, Any]] = await memory.collection("orders").aggregate(pipeline).to_list()
        return found


SUMS = {
    "_id": None,
    "n": {"$sum": 1},
    "sum": {"$sum": "$total"},
    "avg": {"$avg": "$total"},
    "deep": {"$avg": "$deep.n"},
}
NATIVE: list[list[dict[str, Any]]] = [
    [{"$count": "n"}],
    [{"$match": {"status": "new"}}, {"$count": "n"}],
    [{"$match": {"status": "nothing"}}, {"$count": "n"}],
    [{"$group": {"_id": None}}],
    [{"$group": {"_id": None, "n": {"$sum": 1}, "m": {"$count": {}}}}],
    [{"$group": SUMS}],
    [{"$match": {"status": "new"}}, {"$match": {"price": {"$gt": 0.25}}}, {"$group": SUMS}],
    [{"$match": {"status": "nothing"}}, {"$group": SUMS}],
    [{"$match": {"status": "new"}}, {"$group": SUMS}, {"$project": {"_id": 0, "n": 1, "k": {"$add": ["$sum", 1]}}}],
]
LEFT: list[list[dict[str, Any]]] = [
    [{"$group": {"_id": None, "x": {"$sum": "$price"}}}],
    [{"$group": {"_id": None, "x": {"$sum": "$maybe"}}}],
    [{"$group": {"_id": None, "x": {"$sum": "$tags"}}}],
    [{"$group": {"_id": None, "x": {"$sum": {"$add": ["$total", 1]}}}}],
    [{"$group": {"_id": None, "x": {"$sum": 2}}}],
    [{"$group": {"_id": None, "x": {"$max": "$total"}}}],
    [{"$group": {"_id": 5, "x": {"$sum": 1}}}],
    [{"$group": {"_id": "$status", "x": {"$sum": 1}}}, {"$sort": {"_id": 1}}],
    [{"$match": {"tags": {"$gt": 3}}}, {"$count": "n"}],
    [{"$sort": {"total": 1}}, {"$limit": 3}, {"$group": SUMS}],
    [{"$match": {"_id": "o3"}}, {"$group": SUMS}],
    [{"$unwind": "$tags"}, {"$count": "n"}],
    [{"$group": SUMS}, {"$match": {"n": 11}}],
]


@pytest.mark.parametrize("pipeline", NATIVE)
async def test_firestore_adds_up_what_it_adds_as_the_engine_does(
    store: FirestoreDocumentStore, counted: Any, pipeline: list[dict[str, Any]]
) -> None:
    """In one request, and no document is read."""
    sent = counted(store)
    cursor = store.collection("orders").aggregate(pipeline)
    assert await cursor.to_list() == await by_engine(ORDERS, pipeline)
    assert dict(sent) == {"aggregate": 1}
    assert "aggregations" in (await cursor.explain()).native


@pytest.mark.parametrize("pipeline", LEFT)
async def test_the_engine_adds_up_what_firestore_adds_otherwise(
    store: FirestoreDocumentStore, counted: Any, pipeline: list[dict[str, Any]]
) -> None:
    sent = counted(store)
    cursor = store.collection("orders").aggregate(pipeline)
    assert await cursor.to_list() == await by_engine(ORDERS, pipeline)
    assert sent["aggregate"] == 0
    assert "aggregations" not in ((await cursor.explain()).native or {})


async def test_the_plan_shows_what_is_added_up_and_the_hint_that_allows_it(store: FirestoreDocumentStore) -> None:
    plan = await store.collection("orders").aggregate([{"$match": {"status": "new"}}, {"$group": SUMS}]).explain()
    assert plan.native["aggregations"] == {
        "n": "count",
        "sum": ["sum", "total"],
        "avg": ["avg", "total"],
        "deep": ["avg", "deep.n"],
    }
    assert plan.native["field_hints"] == {
        "status": "required text",
        "total": "required int",
        "deep.n": "required int",
    }
    assert plan.stages == ()


async def test_a_sum_beyond_64_bits_is_that_of_the_engine(store: FirestoreDocumentStore) -> None:
    """Also one that only leaves them on the way."""
    large = [
        {**ORDERS[0], "_id": "a", "total": 2**63 - 1},
        {**ORDERS[0], "_id": "b", "total": 2**63 - 1},
        {**ORDERS[0], "_id": "c", "total": -(2**63)},
        {**ORDERS[0], "_id": "d", "total": 3},
    ]
    orders = store.collection("orders")
    for documents in (large[:2], large[:3], large):
        await orders.delete_many({})
        await orders.insert_many(documents)
        assert await orders.aggregate([{"$group": SUMS}]).to_list() == await by_engine(documents, [{"$group": SUMS}])


async def test_a_transaction_counts_its_own_writes_and_its_snapshot(store: FirestoreDocumentStore) -> None:
    orders, pipeline = store.collection("orders"), [{"$group": SUMS}]
    extra = {**ORDERS[0], "_id": "own", "total": 5}
    async with store.transaction():
        assert await orders.aggregate(pipeline).to_list() == await by_engine(ORDERS, pipeline)
        await orders.insert_one(extra)
        await orders.delete_one({"_id": "o3"})
        held = [each for each in [*ORDERS, extra] if each["_id"] != "o3"]
        assert await orders.aggregate(pipeline).to_list() == await by_engine(held, pipeline)


async def test_what_is_due_does_not_count(store: FirestoreDocumentStore) -> None:
    orders = store.collection("orders")
    await orders.create_index("at", expire_after_seconds=0)
    await orders.update_one({"_id": "o1"}, {"$set": {"at": datetime(2020, 1, 1, tzinfo=UTC)}})
    assert await orders.aggregate([{"$group": SUMS}]).to_list() == await by_engine(ORDERS[1:], [{"$group": SUMS}])


async def test_the_index_that_a_sum_needs_is_recorded(open_store: Opener, tmp_path: Path) -> None:
    """That of its field beside those of the filter; a count needs none."""
    store = await open_store(fields=HINTS, index_recording=tmp_path / "seen.jsonl")
    orders = store.collection("orders")
    await orders.aggregate([{"$match": {"status": "new"}}, {"$count": "n"}]).to_list()
    await orders.aggregate([{"$group": SUMS}]).to_list()
    assert read_recording(tmp_path / "seen.jsonl") == []
    await orders.aggregate([{"$match": {"status": "new"}}, {"$group": SUMS}]).to_list()
    assert [
        [field["fieldPath"] for field in definition["fields"]] for definition in read_recording(tmp_path / "seen.jsonl")
    ] == [["status", "total"], ["status", "deep.n"]]

"""What the server does itself: as the engine would, in one request."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
import pytest_asyncio
from bson.objectid import ObjectId
from lexigram.nosql import DeleteMany, DeleteOne, InsertOne, ReplaceOne, UpdateMany, UpdateOne
from lexigram.nosql.backends.memory import InMemoryDocumentStore
from lexigram.nosql.backends.mongodb import MongoDBDocumentStore
from lexigram.nosql.collection import Collection
from lexigram.nosql.exceptions import (
    BulkWriteError,
    DocumentValidationError,
    DuplicateKeyError,
    NoSQLError,
    PipelineError,
    TransactionError,
    UpdateError,
)
from lexigram.nosql.observing import Command
from pymongo.monitoring import CommandListener, CommandStartedEvent, register
from servers import Server

WHEN = datetime(2024, 2, 29, 12, 30, tzinfo=UTC)
DOCUMENTS: list[dict[str, Any]] = [
    {"_id": 1, "n": 1, "tags": ["a", "b"], "at": WHEN, "price": Decimal("1.10")},
    {"_id": 2, "n": 2, "tags": ["b"], "lines": [{"sku": "x", "count": 5}, {"sku": "y", "count": 50}]},
    {"_id": 3, "n": 2, "tags": [], "owner": {"name": "Ada", "key": UUID(int=7)}},
]

Work = Callable[[Collection], Coroutine[Any, Any, Any]]


@pytest_asyncio.fixture
async def things(store: MongoDBDocumentStore) -> Collection:
    """Return a collection with three documents."""
    collection = store.collection("things")
    await collection.insert_many(DOCUMENTS)
    return collection


@pytest_asyncio.fixture
async def model() -> AsyncIterator[Collection]:
    """Return the same collection in memory, where the engine does everything."""
    async with InMemoryDocumentStore() as store:
        collection = store.collection("things")
        await collection.insert_many(DOCUMENTS)
        yield collection


async def outcome(work: Coroutine[Any, Any, Any]) -> Any:
    try:
        return await work
    except NoSQLError as error:
        return type(error), error.mongo_code


async def left(collection: Collection) -> list[dict[str, Any]]:
    return await collection.find(sort=[("_id", 1)]).to_list()


WRITES: dict[str, Work] = {
    "set and inc": lambda c: c.update_one({"_id": 1}, {"$set": {"a.b": 5}, "$inc": {"n": 4}}),
    "nothing changes": lambda c: c.update_one({"_id": 1}, {"$set": {"n": 1}}),
    "no match": lambda c: c.update_many({"n": 99}, {"$set": {"n": 1}}),
    "many": lambda c: c.update_many({"n": 2}, {"$push": {"tags": {"$each": ["q", "p"], "$sort": 1}}}),
    "typed values": lambda c: c.update_one(
        {"at": WHEN}, {"$set": {"b": b"\0", "d": Decimal("2.50"), "u": UUID(int=5), "w": WHEN}}
    ),
    "typed increment": lambda c: c.update_one({"_id": 1}, {"$mul": {"n": 2.5}}),
    "array filters": lambda c: c.update_one(
        {"_id": 2}, {"$set": {"lines.$[big].seen": True}}, array_filters=[{"big.count": {"$gte": 10}}]
    ),
    "all elements": lambda c: c.update_many({"lines": {"$exists": True}}, {"$inc": {"lines.$[].count": 1}}),
    "positional": lambda c: c.update_one({"lines.sku": "y"}, {"$set": {"lines.$.count": 0}}),
    "pipeline": lambda c: c.update_many({"n": 2}, [{"$set": {"twice": {"$multiply": ["$n", 2]}}}]),
    "rename and unset": lambda c: c.update_one({"_id": 3}, {"$rename": {"owner": "keeper"}, "$unset": {"tags": ""}}),
    "empty update": lambda c: c.update_one({"_id": 1}, {"$set": {}}),
    "replace": lambda c: c.replace_one({"n": 1}, {"m": Decimal("1.5")}),
    "replace by another id": lambda c: c.replace_one({"_id": 1}, {"_id": 9, "m": 1}),
    "upsert by the filter": lambda c: c.update_one({"_id": 7, "k": "x"}, {"$inc": {"n": 1}}, upsert=True),
    "upsert by replacement": lambda c: c.replace_one({"_id": 7}, {"k": "x"}, upsert=True),
    "upsert of many": lambda c: c.update_many({"_id": 7}, {"$setOnInsert": {"k": "x"}}, upsert=True),
    "delete one": lambda c: c.delete_one({"n": 1}),
    "delete many": lambda c: c.delete_many({"n": 2}),
    "delete none": lambda c: c.delete_many({"n": 99}),
    "find and update": lambda c: c.find_one_and_update({"n": 2}, {"$inc": {"n": 1}}, sort=[("_id", -1)]),
    "find before the update": lambda c: c.find_one_and_update(
        {"_id": 1}, {"$inc": {"n": 1}}, return_document=False, projection={"n": 1, "at": 1}
    ),
    "find and compute": lambda c: c.find_one_and_update(
        {"_id": 1}, {"$inc": {"n": 1}}, projection={"first": {"$arrayElemAt": ["$tags", 0]}, "price": 1}
    ),
    "find and replace": lambda c: c.find_one_and_replace({"n": 1}, {"m": 1}, projection=["m"]),
    "find and upsert": lambda c: c.find_one_and_update({"_id": 8}, {"$set": {"n": 8}}, upsert=True),
    "find before an upsert": lambda c: c.find_one_and_update(
        {"_id": 8}, {"$set": {"n": 8}}, upsert=True, return_document=False
    ),
    "find and delete": lambda c: c.find_one_and_delete({"n": 2}, sort=[("_id", -1)], projection={"_id": 0, "n": 1}),
    "find and delete none": lambda c: c.find_one_and_delete({"n": 99}),
    "push to a number": lambda c: c.update_one({"_id": 1}, {"$push": {"n": 1}}),
    "increment a text": lambda c: c.update_one({"_id": 3}, {"$inc": {"owner.name": 1}}),
    "path through a number": lambda c: c.update_one({"_id": 1}, {"$set": {"n.x": 1}}),
    "the id changes": lambda c: c.update_one({"_id": 1}, {"$set": {"_id": 5}}),
    "the id changes in an array of stages": lambda c: c.update_one({"_id": 1}, [{"$set": {"_id": 5}}]),
    "collation": lambda c: c.update_many(
        {"owner.name": "ADA"}, {"$set": {"hit": True}}, collation={"locale": "en", "strength": 2}
    ),
}


@pytest.mark.parametrize("name", WRITES)
async def test_a_write_does_what_the_engine_would(name: str, things: Collection, model: Collection) -> None:
    """The result, the document wanted back, the error by type and code, and what is left."""
    work = WRITES[name]
    assert repr(await outcome(work(things))) == repr(await outcome(work(model)))
    assert repr(await left(things)) == repr(await left(model))


@pytest.mark.parametrize(
    "change",
    [{"$set": {"m": 1}}, [{"$set": {"m": 1}}], None],
    ids=["operators", "pipeline", "replacement"],
)
async def test_an_upsert_without_an_id_gets_one_of_the_store_s(change: Any, things: Collection) -> None:
    """A text that grows with time, never an ObjectId."""
    if change is None:
        result = await things.replace_one({"n": 50}, {"m": 1}, upsert=True)
    else:
        result = await things.update_one({"n": 50}, change, upsert=True)
    assert isinstance(result.raw_id, str)
    assert UUID(result.raw_id).version == 7
    found = await things.find_one({"_id": result.raw_id})
    assert found is not None
    assert next(iter(found)) == "_id"
    assert found["m"] == 1
    again = await things.update_one({"_id": result.raw_id}, {"$set": {"m": 2}}, upsert=True)
    assert (again.matched_count, again.upserted_id) == (1, None)


async def test_ids_of_any_kind_come_back_from_upserts(things: Collection) -> None:
    """As they went in."""
    for identity in (ObjectId(), Decimal("1.5"), WHEN, UUID(int=9), {"a": WHEN}, None):
        result = await things.update_one({"_id": identity}, {"$set": {"m": 1}}, upsert=True)
        assert repr(result.raw_id) == repr(identity)
        assert result.upserted_id == str(identity)


async def test_concurrent_increments_are_all_counted(things: Collection) -> None:
    """Each is one request, so no race is lost."""
    await asyncio.gather(*[things.update_one({"_id": 1}, {"$inc": {"n": 1}}) for _ in range(50)])
    assert (await things.find_one({"_id": 1}) or {})["n"] == 51


async def test_concurrent_upserts_make_one_document(things: Collection) -> None:
    """Who comes second updates what the first made."""
    results = await asyncio.gather(
        *[things.update_one({"_id": "counter"}, {"$inc": {"n": 1}}, upsert=True) for _ in range(20)]
    )
    assert sum(result.upserted_id is not None for result in results) == 1
    assert (await things.find_one({"_id": "counter"}) or {})["n"] == 20


async def test_an_update_that_does_not_fit_ends_a_transaction(store: MongoDBDocumentStore, things: Collection) -> None:
    """The server has given up on it, so nobody tries again."""

    async def work() -> None:
        async with store.transaction():
            await things.insert_one({"_id": 10})
            with pytest.raises(NoSQLError):
                await things.update_one({"_id": 1}, {"$push": {"n": 1}})
            with pytest.raises(TransactionError):
                await things.find_one({"_id": 1})

    with pytest.raises(TransactionError):
        await work()
    assert repr(await left(things)) == repr(DOCUMENTS)


OPERATIONS: list[Any] = [
    InsertOne({"_id": 4, "n": 4, "at": WHEN}),
    UpdateMany({"n": 2}, {"$inc": {"n": 1}}),
    UpdateOne({"_id": 8}, {"$set": {"n": 8}}, upsert=True),
    UpdateOne({"_id": 2}, {"$set": {"lines.$[x].count": 0}}, array_filters=[{"x.sku": "y"}]),
    ReplaceOne({"_id": 9}, {"n": 9}, upsert=True),
    DeleteOne({"_id": 1}),
    DeleteMany({"n": {"$in": [8, 9]}}),
]


async def test_a_bulk_does_what_the_engine_would(things: Collection, model: Collection) -> None:
    """Counts, ids and what is left."""
    assert repr(await things.bulk_write(OPERATIONS)) == repr(await model.bulk_write(OPERATIONS))
    assert repr(await left(things)) == repr(await left(model))


@pytest.mark.parametrize("ordered", [True, False])
async def test_failures_of_a_bulk_are_told_by_their_place(ordered: bool, things: Collection, model: Collection) -> None:
    """With the error that each would have been alone, and what the others did."""
    operations = [
        InsertOne({"_id": 4}),
        InsertOne({"_id": 1}),
        UpdateOne({"_id": 2}, {"$set": {"seen": True}}),
        UpdateOne({"_id": 1}, {"$push": {"n": 1}}),
        DeleteOne({"_id": 3}),
    ]
    told: list[Any] = []
    for collection in (things, model):
        with pytest.raises(BulkWriteError) as caught:
            await collection.bulk_write(operations, ordered=ordered)
        error = caught.value
        assert isinstance(error.failures[0].error, DuplicateKeyError)
        assert error.failures[0].error.key == {"_id": 1}
        told.append(([failure.index for failure in error.failures], repr(error.result)))
    assert told[0] == told[1]
    assert repr(await left(things)) == repr(await left(model))


async def test_a_bulk_is_one_request_for_each_kind_in_a_row(open_store: Callable[..., Any]) -> None:
    """And no document is read."""
    sent: list[str] = []

    class Listener(CommandListener):
        def started(self, event: CommandStartedEvent) -> None:
            if event.database_name.startswith("lexigram_test_"):
                sent.append(event.command_name)

        def succeeded(self, event: Any) -> None:
            pass

        def failed(self, event: Any) -> None:
            pass

    register(Listener())
    store: MongoDBDocumentStore = await open_store()
    things = store.collection("things")
    await things.insert_many(DOCUMENTS)
    sent.clear()
    await things.bulk_write(OPERATIONS)
    assert sent == ["insert", "update", "delete"]
    for work, expected in (
        (things.update_one({"_id": 2}, {"$inc": {"n": 1}}), "update"),
        (things.delete_many({"n": 99}), "delete"),
        (things.find_one_and_update({"_id": 2}, {"$inc": {"n": 1}}), "findAndModify"),
        (things.aggregate([{"$group": {"_id": "$n"}}]).to_list(), "aggregate"),
        (things.aggregate([{"$match": {"_id": 2}}]).to_list(), "find"),
        (things.distinct("n"), "distinct"),
        (things.count_documents({"n": 1}), "aggregate"),
        (things.estimated_document_count(), "count"),
    ):
        sent.clear()
        await work
        assert sent == [expected]


PIPELINES: dict[str, list[dict[str, Any]]] = {
    "group": [{"$group": {"_id": "$n", "ids": {"$push": "$_id"}, "n": {"$sum": 1}}}, {"$sort": {"_id": 1}}],
    "unwind": [{"$unwind": "$tags"}, {"$sortByCount": "$tags"}, {"$sort": {"_id": 1}}],
    "typed": [{"$sort": {"_id": 1}}, {"$project": {"at": 1, "price": 1, "owner": 1, "year": {"$year": "$at"}}}],
    "join": [
        {"$lookup": {"from": "things", "localField": "n", "foreignField": "_id", "as": "same"}},
        {"$set": {"same": {"$size": "$same"}}},
        {"$sort": {"_id": 1}},
        {"$project": {"same": 1}},
    ],
    "facet": [{"$sort": {"_id": 1}}, {"$facet": {"all": [{"$count": "n"}], "two": [{"$match": {"n": 2}}]}}],
    "documents": [{"$documents": [{"a": 1}, {"a": 2}]}, {"$match": {"a": 2}}],
    "variables": [{"$match": {"$expr": {"$eq": ["$n", "$$wanted"]}}}, {"$sort": {"_id": 1}}, {"$count": "n"}],
    "division": [{"$set": {"x": {"$divide": ["$n", 0]}}}],
}


@pytest.mark.parametrize("name", PIPELINES)
async def test_a_pipeline_gives_what_the_engine_would(name: str, things: Collection, model: Collection) -> None:
    """Documents, classes of values, and errors."""
    let = {"wanted": {"$add": [1, 1]}} if name == "variables" else None
    found = await outcome(things.aggregate(PIPELINES[name], let=let).to_list())
    expected = await outcome(model.aggregate(PIPELINES[name], let=let).to_list())
    if isinstance(expected, tuple):
        assert found == expected
    else:
        assert repr(found) == repr(expected)


async def test_what_the_server_lacks_is_done_by_the_engine(
    things: Collection, model: Collection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The beginning goes down, the rest streams."""
    driver: Any = things.store.driver
    monkeypatch.setattr(type(driver.server), "version", (4, 2), raising=False)
    stages = [
        {"$match": {"n": {"$gt": 0}}},
        {"$group": {"_id": "$n", "count": {"$sum": 1}}},
        {"$sort": {"_id": 1}},
        {"$setWindowFields": {"sortBy": {"_id": 1}, "output": {"place": {"$documentNumber": {}}}}},
    ]
    cursor = things.aggregate(stages)
    assert await cursor.to_list() == await model.aggregate(stages).to_list()
    plan = await cursor.explain()
    assert [next(iter(stage)) for stage in plan.native["pipeline"]] == ["$match", "$group", "$sort"]
    assert [line.split()[0] for line in plan.stages] == ["$setWindowFields"]


@pytest.mark.parametrize("last", ["$merge", "$out"])
async def test_pipelines_write_with_ids_that_are_the_store_s(last: str, things: Collection) -> None:
    """The server writes where each document has its ``_id``, the engine where it makes one."""
    written = things.store.collection("written")
    assert await things.aggregate([{"$group": {"_id": "$n", "count": {"$sum": 1}}}, {last: "written"}]).to_list() == []
    assert await left(written) == [{"_id": 1, "count": 1}, {"_id": 2, "count": 2}]
    await things.aggregate([{"$project": {"_id": 0, "n": 1}}, {last: "written"}]).to_list()
    made = [document for document in await left(written) if isinstance(document["_id"], str)]
    assert [document["n"] for document in made] == [1, 2, 2]
    assert not any(isinstance(document["_id"], ObjectId) for document in await left(written))


async def test_a_pipeline_in_a_transaction_sees_and_keeps_to_it(
    store: MongoDBDocumentStore, things: Collection
) -> None:
    """One that writes is refused there, as the server does."""
    async with store.transaction():
        await things.insert_one({"_id": 4, "n": 40})
        total = await things.aggregate([{"$group": {"_id": None, "n": {"$sum": "$n"}}}]).to_list()
        assert total == [{"_id": None, "n": 45}]
    with pytest.raises(PipelineError) as caught:
        async with store.transaction():
            await things.aggregate([{"$group": {"_id": "$n"}}, {"$merge": "written"}]).to_list()
    assert caught.value.mongo_code == 263
    assert await left(store.collection("written")) == []


async def test_a_pipeline_s_cursor_is_closed_when_it_is_left(own_store: MongoDBDocumentStore) -> None:
    """On the server too, which nobody else uses meanwhile."""
    things = own_store.collection("things")
    await things.insert_many([{"_id": number} for number in range(100, 400)])
    async with things.aggregate([{"$set": {"m": 1}}], batch_size=2) as cursor:
        assert (await anext(cursor))["m"] == 1
    opened = await own_store.native.client["admin"].command("serverStatus")
    assert opened.get("metrics", {}).get("cursor", {}).get("open", {}).get("total", 0) == 0


@pytest.mark.parametrize(
    ("path", "filter", "collation"),
    [
        ("tags", None, None),
        ("n", {"n": {"$gt": 1}}, None),
        ("at", None, None),
        ("price", None, None),
        ("lines.count", None, None),
        ("owner.key", None, None),
        ("missing", None, None),
        ("tags", None, {"locale": "en", "strength": 1}),
    ],
)
async def test_distinct_values_are_those_of_the_engine(
    path: str, filter: Any, collation: Any, things: Collection, model: Collection, mongodb_server: Server
) -> None:
    """In any order, with the classes that went in."""
    found = await things.distinct(path, filter, collation=collation)
    expected = await model.distinct(path, filter, collation=collation)
    if mongodb_server.product.name == "SecantusDB" and path == "lines.count":
        # Manual, "distinct": a path goes through arrays of documents.
        assert found == [], "the stand-in finds them now"
        return
    assert sorted(map(repr, found)) == sorted(map(repr, expected))


@pytest.mark.parametrize("options", [{}, {"skip": 1}, {"limit": 1}, {"skip": 1, "limit": 5}, {"hint": "_id_"}])
async def test_counts_are_exact(options: dict[str, Any], things: Collection, model: Collection) -> None:
    """With skip and limit."""
    assert await things.count_documents({"n": 2}, **options) == await model.count_documents({"n": 2}, **options)


async def test_the_server_s_own_plan_is_told(things: Collection) -> None:
    """The index it takes, and what it looked at."""
    await things.create_index([("n", 1)], name="by_n")
    cursor = things.find({"n": 2})
    await cursor.to_list()
    plan = await cursor.explain()
    assert (plan.access.kind, plan.access.index) == ("index", "by_n")
    assert (plan.documents_examined, plan.documents_returned) == (2, 2)
    plan = await things.explain("update_many", {"n": 2}, update={"$inc": {"n": 1}})
    assert plan.write == "native"
    plan = await things.explain("replace_one", {"n": 2}, replacement={"m": 1}, upsert=True)
    assert plan.write == "replace-if-unchanged"
    assert len(await left(things)) == 3


async def test_unacknowledged_writes_say_so(open_store: Callable[..., Any], store: MongoDBDocumentStore) -> None:
    """Their effect shows after a while; those that need an answer get one."""
    careless: MongoDBDocumentStore = await open_store(write_concern_w=0)
    things, seen = careless.collection("things"), store.collection("things")
    assert not (await things.insert_one({"_id": 1})).acknowledged
    assert not (await things.insert_many([{"_id": 2}, {"_id": 3}])).acknowledged
    while await seen.count_documents() < 3:
        pass
    assert not (await things.update_one({"_id": 1}, {"$set": {"n": 1}})).acknowledged
    assert not (await things.delete_one({"_id": 2})).acknowledged
    assert not (await things.bulk_write([InsertOne({"_id": 4}), DeleteOne({"_id": 3})])).acknowledged
    while await left(seen) != [{"_id": 1, "n": 1}, {"_id": 4}]:
        pass
    hinted = await things.update_one({"_id": 1}, {"$inc": {"n": 1}}, hint="_id_")
    assert (hinted.acknowledged, hinted.matched_count) == (True, 1)
    assert await things.find_one_and_update({"_id": 1}, {"$inc": {"n": 1}}) == {"_id": 1, "n": 3}


@pytest.mark.parametrize("bad", [2**63, "\ud800", {"a\0b": 1}], ids=["int", "surrogate", "nul"])
async def test_what_the_encoder_refuses_is_named_and_nothing_is_inserted(bad: Any, things: Collection) -> None:
    """Among many documents, which are not walked before."""
    documents: list[dict[str, Any]] = [{"_id": number, "deep": [number]} for number in range(100, 150)]
    documents[40]["deep"] = [{"is": bad}]
    with pytest.raises(DocumentValidationError) as caught:
        await things.insert_many(documents)
    assert caught.value.details["document_index"] == 40
    assert (caught.value.path or "").startswith("deep.0.is")
    assert await things.count_documents() == 3


async def test_time_limits_hold_for_native_requests(things: Collection) -> None:
    """Whether the server has carried a write out by then, nobody can say."""
    commands: list[str] = []
    stop = things.store.observe(_Watching(commands))
    for work in (
        things.update_one({"_id": 1}, {"$inc": {"n": 1}}, timeout=1e-9),
        things.delete_many({}, timeout=1e-9),
        things.bulk_write([InsertOne({"_id": 50}), DeleteOne({"_id": 1})], timeout=1e-9),
        things.aggregate([{"$group": {"_id": 1}}], timeout=1e-9).to_list(),
        things.distinct("n", timeout=1e-9),
    ):
        with pytest.raises(NoSQLError):
            await work
    stop()
    assert commands == ["NoSQLTimeoutError"] * 5


class _Watching:
    """Notes how operations end."""

    def __init__(self, ended: list[str]) -> None:
        self._ended = ended

    def start(self, command: Command) -> Callable[[BaseException | None], None]:
        return lambda error: self._ended.append(type(error).__name__)


async def test_the_error_of_a_single_update_is_the_engine_s(things: Collection) -> None:
    """With the document's id, as on every backend."""
    with pytest.raises(UpdateError) as caught:
        await things.update_one({"_id": 1}, {"$inc": {"tags": 1}})
    assert caught.value.details["document_id"] == 1
    assert caught.value.mongo_code == 14

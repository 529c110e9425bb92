"""What type checkers see of stores, collections, cursors and builders; checked by mypy and pyright, never run."""

from __future__ import annotations

from typing import Any, assert_type

from lexigram.contracts.core.health import HealthCheckResult
from lexigram.contracts.data.nosql import (
    BulkWriteResult,
    ChangeEvent,
    CollectionProtocol,
    CursorProtocol,
    DocumentResult,
    DocumentStoreProtocol,
)
from lexigram.contracts.data.nosql.operations import DeleteOne, InsertOne, UpdateOne
from lexigram.contracts.domain import CursorPage
from lexigram.nosql import AggregationPipeline, ComparisonOp, DocumentQueryBuilder, DocumentStore
from lexigram.nosql.attempt import Attempt, AttemptCursor
from lexigram.nosql.backends.memory import InMemoryDocumentStore
from lexigram.nosql.collection import Collection
from lexigram.nosql.cursor import Cursor
from lexigram.nosql.exceptions import NoSQLError
from lexigram.nosql.query.builder import DocumentQuery
from lexigram.nosql.query.plan import Plan
from lexigram.nosql.session import Session
from lexigram.result import Err, Ok, Result

Document = dict[str, Any]


async def stores(store: DocumentStore) -> None:
    async with store as opened:
        assert_type(opened, DocumentStore)
    async with InMemoryDocumentStore() as memory:
        assert_type(memory, InMemoryDocumentStore)
    assert_type(store.collection("a"), Collection)
    assert_type(await store.get_collection("a"), Collection)
    assert_type(await store.list_collections(), list[str])
    assert_type(await store.health_check(), HealthCheckResult)
    assert_type(store.is_connected(), bool)
    async with store.session() as session, session.transaction() as same:
        assert_type(session, Session)
        assert_type(same, Session)
    async with store.transaction() as session:
        assert_type(session, Session)

    async def work(session: Session) -> int:
        return 1

    assert_type(await store.run_transaction(work), int)


async def collections(collection: Collection) -> None:
    assert_type(await collection.insert_one({"a": 1}), DocumentResult)
    assert_type(await collection.insert_many([{"a": 1}], ordered=False), BulkWriteResult)
    assert_type(await collection.find_one({"a": 1}), Document | None)
    assert_type(await collection.find_one(DocumentQueryBuilder().where("a", 1)), Document | None)
    assert_type(await collection.find_page(size=2), CursorPage[Document])
    assert_type(await collection.update_one({}, {"$set": {"a": 1}}, upsert=True), DocumentResult)
    assert_type(await collection.update_many({}, [{"$set": {"a": 1}}]), DocumentResult)
    assert_type(await collection.replace_one({}, {"a": 1}), DocumentResult)
    assert_type(await collection.delete_one({}), DocumentResult)
    assert_type(await collection.delete_many({}), DocumentResult)
    assert_type(await collection.find_one_and_update({}, {"$inc": {"a": 1}}), Document | None)
    assert_type(await collection.find_one_and_replace({}, {}), Document | None)
    assert_type(await collection.find_one_and_delete({}), Document | None)
    assert_type(await collection.count_documents(), int)
    assert_type(await collection.estimated_document_count(), int)
    assert_type(await collection.exists({"a": 1}), bool)
    assert_type(await collection.distinct("a"), list[Any])
    assert_type(
        await collection.bulk_write([InsertOne({}), UpdateOne({}, {"$set": {"a": 1}}), DeleteOne({})]), BulkWriteResult
    )
    assert_type(await collection.create_index([("a", 1)], unique=True), str)
    assert_type(await collection.create_index("a"), str)
    assert_type(await collection.list_indexes(), list[Document])
    assert_type(await collection.explain("find", {"a": 1}), Plan)


async def cursors(collection: Collection) -> None:
    cursor = collection.find({"a": 1}, sort=[("a", 1)], limit=5)
    assert_type(cursor, Cursor)
    assert_type(await cursor, Cursor)
    assert_type(await cursor.to_list(), list[Document])
    assert_type(await cursor.first(), Document | None)
    assert_type(await cursor.explain(), Plan)
    async for document in collection.find():
        assert_type(document, Document)
    async for document in await collection.find():
        assert_type(document, Document)
    async for document in collection.aggregate(AggregationPipeline().match({"a": 1})):
        assert_type(document, Document)
    async with collection.find() as opened:
        assert_type(opened, Cursor)
    async with collection.watch() as changes:
        async for change in changes:
            assert_type(change, ChangeEvent)


async def attempts(collection: Collection) -> None:
    attempt = collection.attempt
    assert_type(attempt, Attempt)
    assert_type(await attempt.insert_one({"a": 1}), Result[DocumentResult, NoSQLError])
    assert_type(await attempt.find_one({"a": 1}, sort="a"), Result[Document | None, NoSQLError])
    assert_type(await attempt.count_documents(), Result[int, NoSQLError])
    assert_type(attempt.find({"a": 1}), AttemptCursor)
    assert_type(await attempt.find().to_list(), Result[list[Document], NoSQLError])
    assert_type(await attempt.aggregate([]).first(), Result[Document | None, NoSQLError])
    match await attempt.delete_one({}):
        case Ok(result):
            assert_type(result, DocumentResult)
        case Err(error):
            assert_type(error, NoSQLError)
    await attempt.insert_one(5)  # type: ignore[arg-type]
    await attempt.find_one(limit=5)  # type: ignore[call-arg]


def builders() -> None:
    builder = DocumentQueryBuilder().where_gte("a", 1).filter(ComparisonOp.LTE, "a", 5).sort([("a", 1)]).limit(3)
    assert_type(builder, DocumentQueryBuilder)
    assert_type(builder.select("a").build(), DocumentQuery)
    pipeline = AggregationPipeline().match({"a": 1}).group("$b", n={"$sum": 1}).sort("n", descending=True)
    assert_type(pipeline, AggregationPipeline)
    assert_type(pipeline.build(), list[Document])


def protocols(store: DocumentStore) -> None:
    """What is implemented is what the contracts ask for."""
    whole: DocumentStoreProtocol = store
    memory: DocumentStoreProtocol = InMemoryDocumentStore()
    collection: CollectionProtocol = store.collection("a")
    cursor: CursorProtocol = store.collection("a").find()
    print(whole, memory, collection, cursor)

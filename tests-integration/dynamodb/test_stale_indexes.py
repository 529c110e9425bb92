"""Indexes that hold keys only: what is got by their keys may have changed since the index was written."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import pytest
import pytest_asyncio
from dynamodb.conftest import Opener
from dynamodb.raw import request
from lexigram.nosql.backends.dynamodb import DynamoDBDocumentStore, ExistingTable
from servers import Server


@pytest.fixture(params=["KEYS_ONLY", "INCLUDE"])
def projected(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest_asyncio.fixture
async def jobs_store(projected: str, open_store: Opener, either_server: Server, prefix: str) -> DynamoDBDocumentStore:
    table = f"{prefix}-jobs"
    projection: dict[str, Any] = {"ProjectionType": projected}
    if projected == "INCLUDE":
        projection["NonKeyAttributes"] = ["level"]
    await request(
        either_server.endpoint,
        "CreateTable",
        {
            "TableName": table,
            "BillingMode": "PAY_PER_REQUEST",
            "AttributeDefinitions": [
                {"AttributeName": "id", "AttributeType": "S"},
                {"AttributeName": "status", "AttributeType": "S"},
            ],
            "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}],
            "GlobalSecondaryIndexes": [
                {
                    "IndexName": "by_status",
                    "KeySchema": [{"AttributeName": "status", "KeyType": "HASH"}],
                    "Projection": projection,
                }
            ],
        },
    )
    store: DynamoDBDocumentStore = await open_store(existing_tables={"jobs": ExistingTable(table=table)})
    await store.collection("jobs").insert_many(
        [{"_id": str(number), "status": "old", "level": 1} for number in range(3)]
    )
    return store


def _after_the_index(
    monkeypatch: pytest.MonkeyPatch, store: DynamoDBDocumentStore, work: Callable[[], Awaitable[Any]]
) -> None:
    """Have something done once, right after the index was read."""
    client = store.driver.client
    real = client.call

    async def call(operation: str, asked: Any, *more: Any) -> Any:
        answer = await real(operation, asked, *more)
        if operation == "Query" and asked.get("IndexName") == "by_status":
            monkeypatch.setattr(client, "call", real)
            await work()
        return answer

    monkeypatch.setattr(client, "call", call)


async def test_a_document_that_matches_no_longer_is_not_found(
    jobs_store: DynamoDBDocumentStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    jobs = jobs_store.collection("jobs")
    _after_the_index(monkeypatch, jobs_store, lambda: jobs.update_one({"_id": "1"}, {"$set": {"status": "live"}}))
    found = await jobs.find({"status": "old"}).to_list()
    assert sorted(document["_id"] for document in found) == ["0", "2"]
    assert await jobs.find_one({"_id": "1"}) == {"_id": "1", "status": "live", "level": 1}


async def test_a_document_that_matches_no_longer_is_not_deleted(
    jobs_store: DynamoDBDocumentStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    jobs = jobs_store.collection("jobs")
    _after_the_index(monkeypatch, jobs_store, lambda: jobs.update_one({"_id": "1"}, {"$set": {"status": "live"}}))
    assert (await jobs.delete_many({"status": "old"})).deleted_count == 2
    assert await jobs.find().to_list() == [{"_id": "1", "status": "live", "level": 1}]


async def test_a_document_that_matches_no_longer_is_not_updated(
    jobs_store: DynamoDBDocumentStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    jobs = jobs_store.collection("jobs")
    _after_the_index(monkeypatch, jobs_store, lambda: jobs.update_one({"_id": "1"}, {"$set": {"status": "live"}}))
    assert (await jobs.update_many({"status": "old"}, {"$set": {"level": 2}})).modified_count == 2
    assert await jobs.find_one({"_id": "1"}) == {"_id": "1", "status": "live", "level": 1}

"""DynamoDB in an application: alone, and as a named store beside MongoDB."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator, Callable
from typing import Annotated, Any

import pytest
import pytest_asyncio
from dynamodb.conftest import settings_for
from dynamodb.raw import drop_tables
from lexigram import Application
from lexigram.contracts.data.nosql.nosql import DocumentStoreProtocol
from lexigram.di import Named
from lexigram.nosql import DocumentStore, NoSQLModule
from lexigram.nosql.backends.dynamodb import DynamoDBBackend, DynamoDBConfig
from pymongo import AsyncMongoClient
from servers import Server

pytestmark = pytest.mark.allow_blocking("an application looks for plugins while it starts")


@pytest_asyncio.fixture
async def section(server: Callable[[str], Server]) -> AsyncIterator[dict[str, Any]]:
    """Return the section ``dynamodb:`` of a configuration."""
    local = server("dynamodb")
    given = {**settings_for(local), "table_name": f"lexigram{uuid.uuid4().hex[:12]}", "scan_policy": "allow"}
    yield given
    await drop_tables(local.endpoint, given["table_name"])


async def test_the_driver_is_chosen_by_the_configuration(section: dict[str, Any]) -> None:
    module = NoSQLModule.configure({"driver": "dynamodb", "dynamodb": section})
    async with Application.boot(modules=[module]) as app:
        store = await app.container.resolve(DocumentStoreProtocol)
        assert isinstance(store, DocumentStore)
        assert (store.backend, store.is_connected()) == ("dynamodb", True)
        await store.collection("things").insert_one({"_id": 1})
        assert await store.collection("things").find_one({"_id": 1}) == {"_id": 1}
    assert not store.is_connected()


async def test_it_stands_beside_mongodb(section: dict[str, Any], mongodb_server: Server) -> None:
    database = f"lexigram_test_{uuid.uuid4().hex[:12]}"
    mongodb = {"uri": mongodb_server.endpoint, "database": database, "min_pool_size": 0}
    module = NoSQLModule.configure(
        {
            "backends": [
                {"name": "main", "primary": True, "driver": "mongodb", "mongodb": mongodb},
                {"name": "carts", "driver": "dynamodb", "dynamodb": section},
            ]
        }
    )
    try:
        async with Application.boot(modules=[module]) as app:
            main = await app.container.resolve(DocumentStoreProtocol)
            carts = await app.container.resolve(Annotated[DocumentStoreProtocol, Named("carts")])
            for store in (main, carts):
                await store.collection("things").insert_one({"_id": 1, "in": store.name})  # type: ignore[attr-defined]
            assert await main.collection("things").find_one({"_id": 1}) == {"_id": 1, "in": "main"}
            assert await carts.collection("things").find_one({"_id": 1}) == {"_id": 1, "in": "carts"}
    finally:
        async with AsyncMongoClient[dict[str, Any]](mongodb_server.endpoint) as client:
            await client.drop_database(database)


async def test_it_is_used_directly_without_an_application(section: dict[str, Any]) -> None:
    store = DynamoDBBackend(config=DynamoDBConfig(**section))
    await store.connect()
    try:
        assert await store.list_collections() == []
    finally:
        await store.disconnect()

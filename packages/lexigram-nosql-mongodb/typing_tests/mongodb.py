"""What type checkers see of the MongoDB backend; checked by mypy and pyright, never run."""

from __future__ import annotations

from typing import Any, assert_type

from lexigram.nosql.backends.mongodb import (
    MongoDBBackend,
    MongoDBConfig,
    MongoDBDocumentStore,
    configure_codecs,
    mongodb_session,
    mongodb_transaction,
)
from lexigram.nosql.collection import Collection
from pymongo import AsyncMongoClient
from pymongo.asynchronous.database import AsyncDatabase


async def stores() -> None:
    config = MongoDBConfig(uri="mongodb://db", client="pymongo", read_preference="nearest", write_concern_w=1)
    async with MongoDBDocumentStore(config) as store:
        assert_type(store, MongoDBDocumentStore)
        assert_type(store.collection("a"), Collection)
    assert_type(MongoDBBackend(config), MongoDBDocumentStore)


async def handles(client: AsyncMongoClient[dict[str, Any]], database: AsyncDatabase[dict[str, Any]]) -> None:
    assert_type(configure_codecs(database), AsyncDatabase[dict[str, Any]])
    async with mongodb_session(client) as session:
        assert_type(session, Any)
    async with mongodb_transaction(client) as session:
        assert_type(session, Any)

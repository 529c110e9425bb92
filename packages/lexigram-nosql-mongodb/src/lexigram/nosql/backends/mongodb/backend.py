"""MongoDB for direct use, without an application."""

from __future__ import annotations

from lexigram.nosql.backends.mongodb.config import MongoDBConfig
from lexigram.nosql.backends.mongodb.spec import SPEC
from lexigram.nosql.store import DocumentStore

__all__ = ["MongoDBBackend", "MongoDBDocumentStore"]


class MongoDBDocumentStore(DocumentStore):
    """Documents in a database of a MongoDB deployment.

    ::

        config = MongoDBConfig(uri="mongodb://localhost:27017", database="shop")
        async with MongoDBDocumentStore(config) as store:
            await store.collection("products").insert_one({"sku": "ABC"})

    Args:
        config: Where it is, and how to behave there.
        name: Name for logs and health checks.
        enable_ttl: False refuses indexes with ``expire_after_seconds``.
    """

    def __init__(self, config: MongoDBConfig | None = None, *, name: str = "mongodb", enable_ttl: bool = True) -> None:
        super().__init__(SPEC, config, name=name, enable_ttl=enable_ttl)


MongoDBBackend = MongoDBDocumentStore
"""The same, by the name that backends have."""

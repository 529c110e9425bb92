"""DynamoDB for direct use, without an application."""

from __future__ import annotations

from lexigram.nosql.backends.dynamodb.config import DynamoDBConfig
from lexigram.nosql.backends.dynamodb.spec import SPEC
from lexigram.nosql.store import DocumentStore

__all__ = ["DynamoDBBackend", "DynamoDBDocumentStore"]


class DynamoDBDocumentStore(DocumentStore):
    """Documents in tables of DynamoDB.

    ::

        config = DynamoDBConfig(region="eu-central-1", table_name="shop")
        async with DynamoDBDocumentStore(config) as store:
            await store.collection("products").insert_one({"sku": "ABC"})

    Args:
        config: Where it is, and how to behave there.
        name: Name for logs and health checks.
        enable_ttl: False refuses indexes with ``expire_after_seconds``.
    """

    def __init__(
        self, config: DynamoDBConfig | None = None, *, name: str = "dynamodb", enable_ttl: bool = True
    ) -> None:
        super().__init__(SPEC, config, name=name, enable_ttl=enable_ttl)


DynamoDBBackend = DynamoDBDocumentStore
"""The same, by the name that backends have."""

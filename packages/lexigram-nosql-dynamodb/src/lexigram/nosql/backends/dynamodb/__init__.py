"""DynamoDB: documents in tables of Amazon DynamoDB.

::

    from lexigram.nosql.backends.dynamodb import DynamoDBConfig, DynamoDBDocumentStore

    config = DynamoDBConfig(region="eu-central-1", table_name="shop")
    async with DynamoDBDocumentStore(config) as store:
        await store.collection("products").insert_one({"sku": "ABC"})
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lexigram.nosql.backends.dynamodb.backend import DynamoDBBackend as DynamoDBBackend
    from lexigram.nosql.backends.dynamodb.backend import DynamoDBDocumentStore as DynamoDBDocumentStore
    from lexigram.nosql.backends.dynamodb.config import DynamoDBConfig as DynamoDBConfig
    from lexigram.nosql.backends.dynamodb.config import ExistingTable as ExistingTable
    from lexigram.nosql.backends.dynamodb.repairing import Repair as Repair
    from lexigram.nosql.backends.dynamodb.repairing import rebuild_indexes as rebuild_indexes

__all__ = [
    "DynamoDBBackend",
    "DynamoDBConfig",
    "DynamoDBDocumentStore",
    "ExistingTable",
    "Repair",
    "rebuild_indexes",
]

_HOMES = {
    "DynamoDBBackend": "backend",
    "DynamoDBConfig": "config",
    "DynamoDBDocumentStore": "backend",
    "ExistingTable": "config",
    "Repair": "repairing",
    "rebuild_indexes": "repairing",
}


def __getattr__(name: str) -> Any:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f"{__name__}.{home}"), name)
    globals()[name] = value
    return value

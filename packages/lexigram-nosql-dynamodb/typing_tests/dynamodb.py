"""What type checkers see of the DynamoDB backend; checked by mypy and pyright, never run."""

from __future__ import annotations

from typing import Any, assert_type

from lexigram.nosql.backends.dynamodb import (
    DynamoDBBackend,
    DynamoDBConfig,
    DynamoDBDocumentStore,
    ExistingTable,
)
from lexigram.nosql.backends.dynamodb.codec import decode_document, encode_item
from lexigram.nosql.collection import Collection


async def stores() -> None:
    config = DynamoDBConfig(
        region="eu-central-1",
        layout="single-table",
        billing_mode="PROVISIONED",
        existing_tables={"orders": ExistingTable(table="legacy-orders", id_attributes=("customer", "number"))},
    )
    async with DynamoDBDocumentStore(config) as store:
        assert_type(store, DynamoDBDocumentStore)
        assert_type(store.collection("a"), Collection)
    assert_type(DynamoDBBackend(config), DynamoDBDocumentStore)
    assert_type(config.table_name, str)


def items() -> None:
    item = encode_item({"_id": 1, "a": 2}, "revision")
    assert_type(item, dict[str, dict[str, Any]])
    assert_type(decode_document({**item}, 1), dict[str, Any])

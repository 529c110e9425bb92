"""The DynamoDB backend, as the core sees it before it is used."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lexigram.nosql.backend import API, BackendSpec, Capabilities
from lexigram.nosql.backends.dynamodb.config import DynamoDBConfig

if TYPE_CHECKING:
    from lexigram.nosql.driver import Driver
    from lexigram.nosql.store import DocumentStore

__all__ = ["MAX_DOCUMENT_BYTES", "MAX_NESTING", "MAX_TRANSACTION_WRITES", "SPEC"]

MAX_DOCUMENT_BYTES = 409_600
"""Largest item, in bytes as DynamoDB counts (Amazon DynamoDB Developer Guide, "Constraints": 400 KB)."""

MAX_NESTING = 31
"""Levels of documents and arrays, the document itself being one. DynamoDB nests an attribute 32 deep; the innermost
value is one of them, and one is kept for the map in which a value stands that DynamoDB has no type for."""

MAX_TRANSACTION_WRITES = 100
"""Items of one transaction (Amazon DynamoDB Developer Guide, "Constraints")."""


async def _connect(config: DynamoDBConfig) -> Driver:
    from lexigram.nosql.backends.dynamodb.driver import connect

    return await connect(config)


async def _rebuild(store: DocumentStore, collection: str, name: str | None) -> list[dict[str, Any]]:
    from lexigram.nosql.backends.dynamodb.repairing import rebuild_indexes

    return [report.to_dict() for report in await rebuild_indexes(store, collection, name=name)]


SPEC = BackendSpec(
    name="dynamodb",
    api=API,
    config=DynamoDBConfig,
    capabilities=Capabilities(
        transactions=True,
        change_streams=True,
        indexes=True,
        unique_indexes=True,
        sparse_indexes=True,
        partial_indexes=True,
        ttl_indexes=True,
        text_search=True,
        collations=True,
        max_document_bytes=MAX_DOCUMENT_BYTES,
        max_nesting=MAX_NESTING,
        max_transaction_writes=MAX_TRANSACTION_WRITES,
        encoder_validates=True,
    ),
    connect=_connect,
    distribution="lexigram-nosql-dynamodb",
    rebuild_indexes=_rebuild,
)

"""The MongoDB backend, as the core sees it before it is used."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lexigram.nosql.backend import API, BackendSpec, Capabilities
from lexigram.nosql.backends.mongodb.config import MongoDBConfig

if TYPE_CHECKING:
    from lexigram.nosql.driver import Driver

__all__ = ["MAX_DOCUMENT_BYTES", "SPEC"]

MAX_DOCUMENT_BYTES = 16_777_216
"""Largest document, in bytes of BSON (MongoDB manual, "MongoDB Limits and Thresholds")."""


async def _connect(config: MongoDBConfig) -> Driver:
    from lexigram.nosql.backends.mongodb.driver import connect

    return await connect(config)


SPEC = BackendSpec(
    name="mongodb",
    api=API,
    config=MongoDBConfig,
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
        wildcard_indexes=True,
        native_aggregation=True,
        max_document_bytes=MAX_DOCUMENT_BYTES,
        encoder_validates=True,
    ),
    connect=_connect,
    distribution="lexigram-nosql-mongodb",
)

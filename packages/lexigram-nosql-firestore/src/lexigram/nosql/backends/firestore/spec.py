"""The Firestore backend, as the core sees it before it is used."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lexigram.nosql.backend import API, BackendSpec, Capabilities
from lexigram.nosql.backends.firestore.config import FirestoreConfig

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from lexigram.nosql.backend import IndexFile
    from lexigram.nosql.driver import Driver

__all__ = ["MAX_DOCUMENT_BYTES", "MAX_TRANSACTION_WRITES", "SPEC"]

MAX_DOCUMENT_BYTES = 1_048_576
"""Largest document, in bytes as Firestore counts them (Firestore, "Usage and limits")."""
MAX_TRANSACTION_WRITES = 500
"""Most writes of a transaction; each key in a unique index is one of its own."""


async def _connect(config: FirestoreConfig) -> Driver:
    from lexigram.nosql.backends.firestore.driver import connect

    return await connect(config)


def _document_size(document: Mapping[str, Any]) -> int:
    from lexigram.nosql.backends.firestore.codec import document_size, encode_id

    return document_size(document, f"collection/{encode_id(document['_id'])}" if "_id" in document else "")


def _index_file(config: FirestoreConfig, existing: str | None) -> IndexFile:
    from lexigram.nosql.backends.firestore.recording import make_index_file

    return make_index_file(config, existing)


SPEC = BackendSpec(
    name="firestore",
    api=API,
    config=FirestoreConfig,
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
        max_transaction_writes=MAX_TRANSACTION_WRITES,
        random_ids=True,
        encoder_validates=True,
    ),
    connect=_connect,
    distribution="lexigram-nosql-firestore",
    document_size=_document_size,
    index_file=_index_file,
)

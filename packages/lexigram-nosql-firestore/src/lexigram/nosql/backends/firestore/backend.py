"""Firestore for direct use, without an application."""

from __future__ import annotations

from lexigram.nosql.backends.firestore.config import FirestoreConfig
from lexigram.nosql.backends.firestore.spec import SPEC
from lexigram.nosql.store import DocumentStore

__all__ = ["FirestoreBackend", "FirestoreDocumentStore"]


class FirestoreDocumentStore(DocumentStore):
    """Documents in a Firestore database.

    ::

        config = FirestoreConfig(project_id="shop")
        async with FirestoreDocumentStore(config) as store:
            await store.collection("products").insert_one({"sku": "ABC"})

    Args:
        config: Where it is, and how to behave there.
        name: Name for logs and health checks.
        enable_ttl: False refuses indexes with ``expire_after_seconds``.
    """

    def __init__(self, config: FirestoreConfig, *, name: str = "firestore", enable_ttl: bool = True) -> None:
        super().__init__(SPEC, config, name=name, enable_ttl=enable_ttl)


FirestoreBackend = FirestoreDocumentStore
"""The same, by the name that backends have."""

"""The memory store for direct use, without an application."""

from __future__ import annotations

from lexigram.nosql.backends.memory.spec import SPEC, MemoryConfig
from lexigram.nosql.store import DocumentStore

__all__ = ["InMemoryDocumentStore"]


class InMemoryDocumentStore(DocumentStore):
    """Documents in memory.

    ::

        async with InMemoryDocumentStore() as store:
            await store.collection("products").insert_one({"sku": "ABC"})

    Args:
        config: Its settings.
        name: Name for logs and health checks.
    """

    def __init__(self, config: MemoryConfig | None = None, *, name: str = "memory") -> None:
        super().__init__(SPEC, config, name=name)

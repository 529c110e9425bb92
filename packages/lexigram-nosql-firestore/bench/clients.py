"""Who is measured: Google's ``AsyncClient`` by itself, and the document store on the same emulator.

Both store the same documents. ``AsyncClient`` is used as its documentation shows; the requests of each are counted, and
compared with what the service needs for the work at least.
"""

from __future__ import annotations

import asyncio
import uuid
from abc import abstractmethod
from datetime import UTC, datetime
from typing import Any

from google.cloud.firestore_v1 import AsyncClient, FieldFilter, async_transactional
from lexigram.nosql.backends.firestore import FirestoreConfig, FirestoreDocumentStore
from lexigram.nosql.backends.firestore.credentials import load_credentials, make_sdk_client
from sidebyside import Contender

__all__ = ["CONTENDERS", "OPERATIONS", "OPTIMUM"]

STORED = 100
AT_A_TIME = 16
_WHEN = datetime(2025, 6, 1, 12, 30, tzinfo=UTC)


OPERATIONS: dict[str, str] = {
    "set": "set a new document",
    "get": "get by id",
    "query_100": "query, 100 documents",
    "gets_16": f"{AT_A_TIME} gets at a time",
    "transaction": "transaction: read, write",
}
"""What is measured, and how the tables call it."""

OPTIMUM: dict[str, int] = {"set": 1, "get": 1, "query_100": 1, "gets_16": AT_A_TIME, "transaction": 2}
"""Requests of the hand-written optimum."""

RAW = "AsyncClient"


def product(number: int) -> dict[str, Any]:
    """A document as applications have them, without its id."""
    return {
        "sku": f"sku-{number}",
        "name": f"Product {number}",
        "price": 9.5 + number % 90,
        "quantity": number % 40,
        "active": number % 3 > 0,
        "created": _WHEN,
        "tags": ["new", "sale"],
        "maker": {"name": "Acme", "country": "PT"},
        "kind": "thing",
    }


class Client(Contender):
    """One of those measured.

    Args:
        place: Where the emulator is.
    """

    def __init__(self, place: str) -> None:
        self.config = FirestoreConfig(
            project_id=f"bench-{uuid.uuid4().hex[:8]}", emulator_host=place, fields={"products": {"kind": "text"}}
        )
        self._sent = 0

    def requests(self) -> int:
        """How many requests have been sent."""
        return self._sent

    @abstractmethod
    async def set(self, number: int) -> Any:
        """Store a new document."""

    @abstractmethod
    async def get(self, number: int) -> Any:
        """Read one of the stored documents by its id."""

    @abstractmethod
    async def query_100(self, number: int) -> Any:
        """Read all stored documents by an equality."""

    @abstractmethod
    async def transaction(self, number: int) -> Any:
        """Read a document and change a field of it."""

    async def gets_16(self, number: int) -> Any:
        """16 callers at a time."""
        return await asyncio.gather(*[self.get(number + place) for place in range(AT_A_TIME)])

    def _counted(self, holder: Any, *methods: str) -> None:
        """Count the calls of methods that send a request each."""
        for method in methods:
            send = getattr(holder, method)

            def counting(*args: Any, _send: Any = send, **kwargs: Any) -> Any:
                self._sent += 1
                return _send(*args, **kwargs)

            setattr(holder, method, counting)


class Sdk(Client):
    """``AsyncClient``."""

    name = RAW
    package = "google-cloud-firestore"

    async def open(self) -> None:
        """Connect, and store the documents that are read."""
        self._client: AsyncClient = make_sdk_client(self.config, load_credentials(self.config))
        self._products = self._client.collection("products")
        self._made = self._client.collection("made")
        for number in range(STORED):
            await self._products.document(f"p{number}").set(product(number))
        api = self._client._firestore_api
        self._counted(api, "commit", "batch_get_documents", "run_query", "begin_transaction", "rollback")

    async def close(self) -> None:
        """Disconnect."""
        await self._client._firestore_api.transport.close()

    async def set(self, number: int) -> Any:
        """Store a new document."""
        await self._made.document(f"m{number}").set(product(number))

    async def get(self, number: int) -> Any:
        """Read one of the stored documents by its id."""
        found = await self._products.document(f"p{number % STORED}").get()
        return {"_id": found.id, **(found.to_dict() or {})}

    async def query_100(self, number: int) -> Any:
        """Read all stored documents by an equality."""
        query = self._products.where(filter=FieldFilter("kind", "==", "thing"))
        return [{"_id": found.id, **(found.to_dict() or {})} async for found in query.stream()]

    async def transaction(self, number: int) -> Any:
        """Read a document and change a field of it."""
        reference = self._products.document(f"p{number % STORED}")

        @async_transactional
        async def work(transaction: Any) -> None:
            found = await reference.get(transaction=transaction)
            transaction.update(reference, {"quantity": found.get("quantity") + 1})

        await work(self._client.transaction())


class Ours(Client):
    """The document store."""

    name = "Lexigram"
    package = "lexigram-nosql-firestore"
    raw = RAW

    async def open(self) -> None:
        """Connect, and store the documents that are read."""
        self._store = FirestoreDocumentStore(self.config.model_copy(update={"index_refresh_ms": 3_600_000}))
        await self._store.connect()
        self._products = self._store.collection("products")
        self._made = self._store.collection("made")
        await self._products.insert_many([{"_id": f"p{number}", **product(number)} for number in range(STORED)])
        client: Any = self._store.driver
        self._counted(client.client, "_commit", "_batch_get", "_query", "_get", "_list", "_aggregate")

    async def close(self) -> None:
        """Disconnect."""
        await self._store.disconnect()

    async def set(self, number: int) -> Any:
        """Store a new document."""
        await self._made.insert_one({"_id": f"m{number}", **product(number)})

    async def get(self, number: int) -> Any:
        """Read one of the stored documents by its id."""
        return await self._products.find_one({"_id": f"p{number % STORED}"})

    async def query_100(self, number: int) -> Any:
        """Read all stored documents by an equality."""
        return await self._products.find({"kind": "thing"}).to_list()

    async def transaction(self, number: int) -> Any:
        """Read a document and change a field of it."""
        identity = f"p{number % STORED}"
        async with self._store.transaction():
            await self._products.update_one({"_id": identity}, {"$inc": {"quantity": 1}})


CONTENDERS = (Sdk, Ours)

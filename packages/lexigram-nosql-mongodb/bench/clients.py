"""Who is measured: the two SDKs by themselves, Beanie 2, and the document store on each SDK.

All talk to one server, write with the same concern and read from the primary. The SDKs by themselves are set up as an
application would that wants what the store gives: aware dates and UUIDs.
"""

from __future__ import annotations

import asyncio
from abc import abstractmethod
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, ClassVar

from beanie import Document, init_beanie
from lexigram.nosql.backends.mongodb.backend import MongoDBDocumentStore
from lexigram.nosql.backends.mongodb.config import MongoDBConfig
from motor.motor_asyncio import AsyncIOMotorClient
from pymongo import AsyncMongoClient
from sidebyside import Contender

__all__ = ["CONTENDERS", "OPERATIONS", "Client"]

OPERATIONS: dict[str, str] = {
    "insert_one": "insert_one",
    "find_one": "find_one by _id",
    "find_100": "find, 100 documents",
    "concurrent_32": "32 find_one at a time",
    "insert_many": "insert_many, 1,000 documents",
    "aggregate": "aggregate: match, group, sort",
}
"""What is measured, and how the tables call it."""

STORED = 100
_DATABASE = "lexigram_bench"
_WHEN = datetime(2025, 6, 1, 12, 30, tzinfo=UTC)


def product(number: int) -> dict[str, Any]:
    """A document as applications have them, without an ``_id``."""
    return {
        "sku": f"sku-{number}",
        "name": f"Product {number}",
        "price": 9.5 + number % 90,
        "quantity": number % 40,
        "active": number % 3 > 0,
        "created": _WHEN,
        "tags": ["new", "sale"],
        "maker": {"name": "Acme", "country": "PT"},
    }


def pipeline() -> list[dict[str, Any]]:
    """Counts and sums by a field."""
    return [
        {"$match": {"active": True}},
        {"$group": {"_id": "$quantity", "count": {"$sum": 1}, "total": {"$sum": "$price"}}},
        {"$sort": {"_id": 1}},
    ]


class Client(Contender):
    """One of those measured.

    Args:
        uri: Where the server is.
    """

    def __init__(self, uri: str) -> None:
        self.uri = uri
        self.many = [product(number) for number in range(1000)]

    @abstractmethod
    async def insert_one(self, number: int) -> Any:
        """Insert a document without an ``_id``."""

    @abstractmethod
    async def find_one(self, number: int) -> Any:
        """Read one of the stored documents by its ``_id``."""

    @abstractmethod
    async def find_100(self, number: int) -> Any:
        """Read all stored documents."""

    @abstractmethod
    async def insert_many(self, number: int) -> Any:
        """Insert 1,000 documents without an ``_id``."""

    @abstractmethod
    async def aggregate(self, number: int) -> Any:
        """Run :func:`pipeline`."""

    async def concurrent_32(self, number: int) -> Any:
        """32 callers at a time."""
        return await asyncio.gather(*[self.find_one(number + place) for place in range(32)])


def _stored() -> list[dict[str, Any]]:
    return [{"_id": number, **product(number)} for number in range(STORED)]


class _Sdk(Client):
    """An SDK by itself."""

    client: Any

    async def open(self) -> None:
        """Connect."""
        database = self.client[_DATABASE]
        self.read, self.written = database[f"{self.name}_read"], database[f"{self.name}_written"]
        await self.read.drop()
        await self.read.insert_many(_stored())

    async def clear(self) -> None:
        """Drop the collection."""
        await self.written.drop()

    async def insert_one(self, number: int) -> Any:
        return await self.written.insert_one(product(number))

    async def find_one(self, number: int) -> Any:
        return await self.read.find_one({"_id": number % STORED})

    async def find_100(self, number: int) -> Any:
        return await self.read.find({}).to_list(None)

    async def insert_many(self, number: int) -> Any:
        # The SDK writes an _id into each, so each call needs its own.
        return await self.written.insert_many([dict(document) for document in self.many])


class RawPyMongo(_Sdk):
    name = "AsyncMongoClient"
    package = "pymongo"

    async def open(self) -> None:
        self.client = AsyncMongoClient[dict[str, Any]](self.uri, tz_aware=True, uuidRepresentation="standard")
        await super().open()

    async def close(self) -> None:
        await self.client.close()

    async def aggregate(self, number: int) -> Any:
        return await (await self.read.aggregate(pipeline())).to_list(None)


class RawMotor(_Sdk):
    name = "motor"
    package = "motor"

    async def open(self) -> None:
        self.client = AsyncIOMotorClient(self.uri, tz_aware=True, uuidRepresentation="standard")
        await super().open()

    async def close(self) -> None:
        self.client.close()

    async def aggregate(self, number: int) -> Any:
        return await self.read.aggregate(pipeline()).to_list(None)


class _Product(Document):
    sku: str
    name: str
    price: float
    quantity: int
    active: bool
    created: datetime
    tags: list[str]
    maker: dict[str, str]


class StoredProduct(_Product):
    """What Beanie reads."""

    id: int  # type: ignore[assignment]

    class Settings:
        """Where."""

        name = "beanie_read"


class WrittenProduct(_Product):
    """What Beanie writes."""

    class Settings:
        """Where."""

        name = "beanie_written"


class Beanie(Client):
    name = "Beanie 2"
    raw = "AsyncMongoClient"
    package = "beanie"

    async def open(self) -> None:
        self.client = AsyncMongoClient[dict[str, Any]](self.uri, tz_aware=True, uuidRepresentation="standard")
        database = self.client[_DATABASE]
        await database["beanie_read"].drop()
        await database["beanie_read"].insert_many(_stored())
        await init_beanie(database=database, document_models=[StoredProduct, WrittenProduct])

    async def clear(self) -> None:
        await self.client[_DATABASE]["beanie_written"].drop()

    async def close(self) -> None:
        await self.client.close()

    async def insert_one(self, number: int) -> Any:
        return await WrittenProduct(**product(number)).insert()

    async def find_one(self, number: int) -> Any:
        return await StoredProduct.get(number % STORED)

    async def find_100(self, number: int) -> Any:
        return await StoredProduct.find_all().to_list()

    async def insert_many(self, number: int) -> Any:
        return await WrittenProduct.insert_many([WrittenProduct(**document) for document in self.many])

    async def aggregate(self, number: int) -> Any:
        return await StoredProduct.find_all().aggregate(pipeline()).to_list()


class _Lexigram(Client):
    package = "lexigram-nosql-mongodb"
    client: ClassVar[Any]

    async def open(self) -> None:
        config = MongoDBConfig(
            uri=self.uri,
            database=_DATABASE,
            client=self.client,
            min_pool_size=0,
            retry_writes=False,
            read_preference="primary",
            write_concern_w=1,
        )
        self.store = MongoDBDocumentStore(config)
        await self.store.connect()
        self.read = self.store.collection(f"lexigram_{self.client}_read")
        self.written = self.store.collection(f"lexigram_{self.client}_written")
        await self.store.drop_collection(self.read.name)
        await self.read.insert_many(_stored())

    async def clear(self) -> None:
        await self.store.drop_collection(self.written.name)

    async def close(self) -> None:
        await self.store.disconnect()

    async def insert_one(self, number: int) -> Any:
        return await self.written.insert_one(product(number))

    async def find_one(self, number: int) -> Any:
        return await self.read.find_one({"_id": number % STORED})

    async def find_100(self, number: int) -> Any:
        return await self.read.find({}).to_list()

    async def insert_many(self, number: int) -> Any:
        return await self.written.insert_many(self.many)

    async def aggregate(self, number: int) -> Any:
        return await self.read.aggregate(pipeline()).to_list()


class LexigramOnPyMongo(_Lexigram):
    name = "Lexigram on AsyncMongoClient"
    raw = "AsyncMongoClient"
    client = "pymongo"


class LexigramOnMotor(_Lexigram):
    name = "Lexigram on motor"
    raw = "motor"
    client = "motor"


CONTENDERS: Sequence[type[Client]] = (RawPyMongo, RawMotor, Beanie, LexigramOnPyMongo, LexigramOnMotor)

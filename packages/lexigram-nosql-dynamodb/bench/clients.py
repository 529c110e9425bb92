"""Who is measured: aioboto3's client by itself, aiodynamo, PynamoDB, and the document store.

All talk to one server. aioboto3 is set up as a hand-written application has it: the low-level client, boto3's own
serialiser of values, and for each operation the one request that does it. PynamoDB blocks, so each of its calls runs on
a thread, as in an application that is asynchronous otherwise. Dates are text, since only the store keeps them.
"""

from __future__ import annotations

import asyncio
from abc import abstractmethod
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import aioboto3
import aiohttp
from aiodynamo.client import Client
from aiodynamo.credentials import Key, StaticCredentials
from aiodynamo.expressions import F, HashKey
from aiodynamo.http.aiohttp import AIOHTTP
from aiodynamo.models import BatchGetRequest
from boto3.dynamodb.types import TypeDeserializer, TypeSerializer
from lexigram.nosql.backends.dynamodb import DynamoDBConfig, DynamoDBDocumentStore
from pynamodb.attributes import BooleanAttribute, ListAttribute, MapAttribute, NumberAttribute, UnicodeAttribute
from pynamodb.models import Model
from sidebyside import Contender
from yarl import URL

__all__ = ["CONTENDERS", "OPERATIONS", "OPTIMUM"]

OPERATIONS: dict[str, str] = {
    "put": "put, unless it is there",
    "get": "get by key",
    "batch_100": "batch of 100 by key",
    "query_100": "query, 100 items",
    "update": "update: add 1",
    "concurrent_16": "16 gets at a time",
}
"""What is measured, and how the tables call it."""

OPTIMUM: dict[str, int] = {"put": 1, "get": 1, "batch_100": 1, "query_100": 1, "update": 1, "concurrent_16": 16}
"""Requests of the hand-written optimum."""

RAW = "aioboto3"
STORED = 100
_KEYS = ("AKID", "SECRET")
_REGION = "us-east-1"


def product(number: int) -> dict[str, Any]:
    """A document as applications have them, without an ``_id``."""
    return {
        "sku": f"sku-{number}",
        "name": f"Product {number}",
        "price": 9.5 + number % 90,
        "quantity": number % 40,
        "active": number % 3 > 0,
        "created": "2025-06-01T12:30:00Z",
        "tags": ["new", "sale"],
        "maker": {"name": "Acme", "country": "PT"},
    }


class Measured(Contender):
    """One of those measured.

    Args:
        url: Where the server is.
    """

    def __init__(self, url: str) -> None:
        self.url = url

    @abstractmethod
    async def put(self, number: int) -> Any:
        """Store a document, on the condition that there is none with its key."""

    @abstractmethod
    async def get(self, number: int) -> Any:
        """Read one of the stored documents by its key."""

    @abstractmethod
    async def batch_100(self, number: int) -> Any:
        """Read 100 documents by their keys."""

    @abstractmethod
    async def query_100(self, number: int) -> Any:
        """Read the 100 documents of a partition."""

    @abstractmethod
    async def update(self, number: int) -> Any:
        """Add 1 to a field of a document."""

    async def concurrent_16(self, number: int) -> Any:
        """16 callers at a time."""
        return await asyncio.gather(*[self.get(number + place) for place in range(16)])


def _identity(number: int) -> str:
    return f"id-{number % STORED:03}"


class Raw(Measured):
    name = RAW
    package = "aioboto3"

    async def open(self) -> None:
        session = aioboto3.Session(*_KEYS, region_name=_REGION)
        self.entered = session.client("dynamodb", endpoint_url=self.url)
        self.client = await self.entered.__aenter__()
        write, read = TypeSerializer().serialize, TypeDeserializer().deserialize
        self.write = lambda values: {name: write(value) for name, value in values.items()}
        self.read = lambda values: {name: read(value) for name, value in values.items()}
        self.sent = 0

        def count(**_: object) -> None:
            self.sent += 1

        self.client.meta.events.register("before-send.dynamodb", count)
        self.table = "bench-raw"
        await make_table(self.client, self.table)
        for number in range(STORED):
            await self.client.put_item(TableName=self.table, Item=self.write(self._item("p", number)))

    def _item(self, partition: str, number: int) -> dict[str, Any]:
        fields = {**product(number), "price": Decimal(str(product(number)["price"]))}
        return {"pk": partition, "sk": f"id-{number:03}", **fields}

    def _key(self, number: int) -> dict[str, Any]:
        return self.write({"pk": "p", "sk": _identity(number)})

    async def close(self) -> None:
        await self.entered.__aexit__(None, None, None)

    async def put(self, number: int) -> Any:
        return await self.client.put_item(
            TableName=self.table,
            Item=self.write(self._item("written", number)),
            ConditionExpression="attribute_not_exists(pk)",
        )

    async def get(self, number: int) -> Any:
        return self.read((await self.client.get_item(TableName=self.table, Key=self._key(number)))["Item"])

    async def batch_100(self, number: int) -> Any:
        answer = await self.client.batch_get_item(
            RequestItems={self.table: {"Keys": [self._key(place) for place in range(100)]}}
        )
        return [self.read(item) for item in answer["Responses"][self.table]]

    async def query_100(self, number: int) -> Any:
        answer = await self.client.query(
            TableName=self.table,
            KeyConditionExpression="pk = :p",
            ExpressionAttributeValues={":p": {"S": "p"}},
        )
        return [self.read(item) for item in answer["Items"]]

    async def update(self, number: int) -> Any:
        return await self.client.update_item(
            TableName=self.table,
            Key=self._key(number),
            UpdateExpression="ADD updates :one",
            ConditionExpression="attribute_exists(pk)",
            ExpressionAttributeValues={":one": {"N": "1"}},
        )

    def requests(self) -> int | None:
        return self.sent


async def make_table(client: Any, table: str) -> None:
    """Make a table with a partition key ``pk`` and a sort key ``sk``, in the place of an older one."""
    if table in (await client.list_tables())["TableNames"]:
        await client.delete_table(TableName=table)
        await client.get_waiter("table_not_exists").wait(TableName=table, WaiterConfig={"Delay": 1})
    await client.create_table(
        TableName=table,
        KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}],
        AttributeDefinitions=[{"AttributeName": name, "AttributeType": "S"} for name in ("pk", "sk")],
        BillingMode="PAY_PER_REQUEST",
    )


class AioDynamo(Measured):
    name = "aiodynamo"
    package = "aiodynamo"
    raw = RAW

    async def open(self) -> None:
        async with aioboto3.Session(*_KEYS, region_name=_REGION).client("dynamodb", endpoint_url=self.url) as client:
            await make_table(client, "bench-aiodynamo")
        self.session = aiohttp.ClientSession()
        self.client = Client(AIOHTTP(self.session), StaticCredentials(Key(*_KEYS)), _REGION, URL(self.url))
        self.table = self.client.table("bench-aiodynamo")
        for number in range(STORED):
            await self.table.put_item({"pk": "p", "sk": _identity(number), **product(number)})

    async def close(self) -> None:
        await self.session.close()

    async def put(self, number: int) -> Any:
        item = {"pk": "written", "sk": f"id-{number:03}", **product(number)}
        return await self.table.put_item(item, condition=F("pk").does_not_exist())

    async def get(self, number: int) -> Any:
        return await self.table.get_item({"pk": "p", "sk": _identity(number)})

    async def batch_100(self, number: int) -> Any:
        keys = [{"pk": "p", "sk": _identity(place)} for place in range(100)]
        return (await self.client.batch_get({self.table.name: BatchGetRequest(keys)})).items[self.table.name]

    async def query_100(self, number: int) -> Any:
        return [item async for item in self.table.query(HashKey("pk", "p"))]

    async def update(self, number: int) -> Any:
        key = {"pk": "p", "sk": _identity(number)}
        return await self.table.update_item(key, F("updates").add(1), condition=F("pk").exists())


class _Product(Model):
    class Meta:
        """Where; the address is set when it is known."""

        table_name = "bench-pynamodb"
        region = _REGION
        host = ""
        aws_access_key_id, aws_secret_access_key = _KEYS

    pk = UnicodeAttribute(hash_key=True)
    sk = UnicodeAttribute(range_key=True)
    sku = UnicodeAttribute()
    name = UnicodeAttribute()
    price = NumberAttribute()
    quantity = NumberAttribute()
    active = BooleanAttribute()
    created = UnicodeAttribute()
    tags = ListAttribute[str]()
    maker = MapAttribute[str, str]()
    updates = NumberAttribute(null=True)


def _fields(found: _Product) -> dict[str, Any]:
    values = found.attribute_values
    return {**values, "maker": values["maker"].attribute_values}


class PynamoDB(Measured):
    name = "PynamoDB"
    package = "pynamodb"
    raw = RAW

    async def open(self) -> None:
        _Product.Meta.host = self.url
        async with aioboto3.Session(*_KEYS, region_name=_REGION).client("dynamodb", endpoint_url=self.url) as client:
            await make_table(client, "bench-pynamodb")
        for number in range(STORED):
            await asyncio.to_thread(_Product("p", _identity(number), **product(number)).save)

    async def close(self) -> None:
        """Nothing of it is ours to close."""

    async def put(self, number: int) -> Any:
        item = _Product("written", f"id-{number:03}", **product(number))
        return await asyncio.to_thread(item.save, _Product.pk.does_not_exist())

    async def get(self, number: int) -> Any:
        return _fields(await asyncio.to_thread(_Product.get, "p", _identity(number)))

    async def batch_100(self, number: int) -> Any:
        keys = [("p", _identity(place)) for place in range(100)]
        return await asyncio.to_thread(lambda: [_fields(found) for found in _Product.batch_get(keys)])

    async def query_100(self, number: int) -> Any:
        return await asyncio.to_thread(lambda: [_fields(found) for found in _Product.query("p")])

    async def update(self, number: int) -> Any:
        item = _Product("p", _identity(number))
        return await asyncio.to_thread(item.update, [_Product.updates.add(1)], _Product.pk.exists())


class Lexigram(Measured):
    name = "Lexigram"
    package = "lexigram-nosql-dynamodb"
    raw = RAW

    async def open(self) -> None:
        self.store = DynamoDBDocumentStore(
            DynamoDBConfig(
                endpoint_url=self.url,
                access_key=_KEYS[0],
                secret_key=_KEYS[1],
                region=_REGION,
                layout="single-table",
                table_name="bench-lexigram",
                scan_policy="allow",
                schema_lease_seconds=60,
            )
        )
        await self.store.connect()
        self.stored, self.written = self.store.collection("p"), self.store.collection("written")
        await self.stored.delete_many({})
        await self.written.delete_many({})
        await self.stored.insert_many(
            [{"_id": _identity(number), **product(number), "updates": 0} for number in range(STORED)]
        )
        await self.written.insert_one({"_id": "first"})

    async def close(self) -> None:
        await self.store.disconnect()

    async def put(self, number: int) -> Any:
        return await self.written.insert_one({"_id": f"id-{number:03}", **product(number)})

    async def get(self, number: int) -> Any:
        return await self.stored.find_one({"_id": _identity(number)})

    async def batch_100(self, number: int) -> Any:
        return await self.stored.find({"_id": {"$in": [_identity(place) for place in range(100)]}}).to_list()

    async def query_100(self, number: int) -> Any:
        return await self.stored.find({}).to_list()

    async def update(self, number: int) -> Any:
        return await self.stored.update_one({"_id": _identity(number)}, {"$inc": {"updates": 1}})

    def requests(self) -> int | None:
        driver: Any = self.store._driver  # it has no public name, as nobody else should count
        return int(driver.client.requests)


CONTENDERS: Sequence[type[Contender]] = (Raw, AioDynamo, PynamoDB, Lexigram)

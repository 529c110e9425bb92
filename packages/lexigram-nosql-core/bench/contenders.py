"""Those that are measured: ours, its peers, and the loop that nobody can beat by much.

Each offers the operations of :data:`workload.OPERATIONS` as methods that take the number of the call, so that calls
after each other ask for different documents. Methods of asynchronous libraries are coroutine functions. What a library
cannot do it has no method for; :attr:`Contender.cannot` says why.
"""

from __future__ import annotations

import heapq
import itertools
from bisect import bisect_left
from operator import itemgetter
from typing import Any

from lexigram.nosql.backends.memory import InMemoryDocumentStore
from workload import INDEXED, Document, Workload

__all__ = ["CONTENDERS", "Contender", "Lexigram", "Limit", "Mongomock", "MongomockMotor", "Monty"]


class Contender:
    """Someone who is measured.

    Args:
        work: The documents and requests.
    """

    name = ""
    package: str | None = None
    cannot: dict[str, str] = {}  # noqa: RUF012 - a constant of each class

    def __init__(self, work: Workload) -> None:
        self.work = work
        self._fresh = itertools.count()

    async def load(self) -> None:
        """Store the documents and make the indexes."""
        raise NotImplementedError

    async def close(self) -> None:
        """Let go of the documents."""


def _copy(value: Any) -> Any:
    """The copier that a careful person writes by hand; documents hold dicts, lists and what nobody can change."""
    if isinstance(value, dict):
        return {name: _copy(part) if isinstance(part, (dict, list)) else part for name, part in value.items()}
    return [_copy(part) if isinstance(part, (dict, list)) else part for part in value]


class Limit(Contender):
    """Loops over plain dicts, written for these very requests, with the copies that a store must make.

    It checks nothing, plans nothing and means nothing beyond these requests; its indexes are a dict and a sorted list.
    """

    name = "hand-written loop"

    async def load(self) -> None:
        """Copy the documents in."""
        self.orders = {order["_id"]: _copy(order) for order in self.work.orders}
        self.customers = {customer["_id"]: _copy(customer) for customer in self.work.customers}
        self.by_sku = {order["sku"]: order for order in self.orders.values()}
        self.by_position = sorted(self.orders.values(), key=itemgetter("position"))
        self.positions = [order["position"] for order in self.by_position]

    def insert_many(self, call: int) -> int:
        """Copy each document into a dict."""
        held: dict[Any, Document] = {}
        for document in self.work.orders:
            identity = document["_id"]
            if identity in held:
                raise ValueError(identity)
            held[identity] = _copy(document)
        return len(held)

    def find_by_id(self, call: int) -> Document:
        """One look-up."""
        return _copy(self.orders[self.work.ids[call % len(self.work.ids)]])

    def find_by_field(self, call: int) -> Document | None:
        """A loop that ends at the first match."""
        wanted = self.work.codes[call % len(self.work.codes)]
        for document in self.orders.values():
            if document["code"] == wanted:
                return _copy(document)
        return None

    def find_by_index(self, call: int) -> Document:
        """One look-up."""
        return _copy(self.by_sku[self.work.skus[call % len(self.work.skus)]])

    def range_sort(self, call: int) -> list[Document]:
        """A heap of twenty over a filter."""
        low, high = self.work.low, self.work.high
        found = [document for document in self.orders.values() if low <= document["amount"] < high]
        return [_copy(document) for document in heapq.nsmallest(20, found, key=itemgetter("rank"))]

    def range_sort_index(self, call: int) -> list[Document]:
        """A slice of a sorted list."""
        start = bisect_left(self.positions, self.work.first)
        end = bisect_left(self.positions, self.work.last)
        return [_copy(document) for document in self.by_position[start : min(end, start + 20)]]

    def or_count(self, call: int) -> int:
        """A count over a filter."""
        above = self.work.above
        return sum(
            1 for document in self.orders.values() if document["status"] == "cancelled" or document["amount"] > above
        )

    def group(self, call: int) -> list[Document]:
        """Totals in a dict of lists."""
        low = self.work.low
        totals: dict[Any, list[Any]] = {}
        for document in self.orders.values():
            amount = document["amount"]
            if amount >= low:
                customer = document["customer"]
                found = totals.get(customer)
                if found is None:
                    totals[customer] = [amount, document["quantity"], document["weight"], 1]
                else:
                    found[0] += amount
                    found[1] += document["quantity"]
                    weight = document["weight"]
                    if weight > found[2]:
                        found[2] = weight
                    found[3] += 1
        result = [
            {"_id": customer, "total": total, "mean": quantity / orders, "most": most, "orders": orders}
            for customer, (total, quantity, most, orders) in totals.items()
        ]
        result.sort(key=itemgetter("_id"))
        result.sort(key=itemgetter("total"), reverse=True)
        return result

    def lookup(self, call: int) -> list[Document]:
        """A look-up for each match."""
        status = self.work.status
        customers = self.customers
        result: list[Document] = []
        for document in self.orders.values():
            if document["status"] == status:
                joined = _copy(document)
                buyer = customers.get(document["customer"])
                joined["buyer"] = [] if buyer is None else [_copy(buyer)]
                result.append(joined)
        return result

    def update_by_id(self, call: int) -> int:
        """A new version of the document in place of the old one, so that a reader's is not changed under it."""
        identity = self.work.ids[call % len(self.work.ids)]
        document = self.orders[identity].copy()
        document["views"] += 1
        self.orders[identity] = document
        return 1


class Lexigram(Contender):
    """Ours, through its public API."""

    name = "lexigram"
    package = "lexigram-nosql-core"

    async def load(self) -> None:
        """Insert the documents."""
        self.store = InMemoryDocumentStore()
        await self.store.connect()
        self.orders = self.store.collection("orders")
        await self.orders.insert_many(self.work.orders)
        await self.store.collection("customers").insert_many(self.work.customers)
        for field in INDEXED:
            await self.orders.create_index(field)

    async def close(self) -> None:
        """Close the store."""
        await self.store.disconnect()

    async def insert_many(self, call: int) -> int:
        """Insert into a new collection."""
        name = f"fresh{next(self._fresh)}"
        result = await self.store.collection(name).insert_many(self.work.orders)
        await self.store.drop_collection(name)
        return result.inserted_count

    async def find_by_id(self, call: int) -> Document | None:
        """One document."""
        return await self.orders.find_one({"_id": self.work.ids[call % len(self.work.ids)]})

    async def find_by_field(self, call: int) -> Document | None:
        """One document."""
        return await self.orders.find_one({"code": self.work.codes[call % len(self.work.codes)]})

    async def find_by_index(self, call: int) -> Document | None:
        """One document."""
        return await self.orders.find_one({"sku": self.work.skus[call % len(self.work.skus)]})

    async def range_sort(self, call: int) -> list[Document]:
        """Twenty documents."""
        return await self.orders.find(self.work.range_filter, sort=[("rank", 1)], limit=20).to_list()

    async def range_sort_index(self, call: int) -> list[Document]:
        """Twenty documents."""
        return await self.orders.find(self.work.indexed_range_filter, sort=[("position", 1)], limit=20).to_list()

    async def or_count(self, call: int) -> int:
        """A count."""
        return await self.orders.count_documents(self.work.or_filter)

    async def group(self, call: int) -> list[Document]:
        """Totals."""
        return await self.orders.aggregate(self.work.group_pipeline).to_list()

    async def lookup(self, call: int) -> list[Document]:
        """A join."""
        return await self.orders.aggregate(self.work.lookup_pipeline).to_list()

    async def update_by_id(self, call: int) -> int:
        """An increment."""
        identity = self.work.ids[call % len(self.work.ids)]
        return (await self.orders.update_one({"_id": identity}, {"$inc": {"views": 1}})).modified_count


class _PyMongoLike(Contender):
    """A library with pymongo's synchronous API."""

    database: Any

    def connect(self) -> Any:
        """A new, empty database."""
        raise NotImplementedError

    async def load(self) -> None:
        """Insert the documents."""
        self.database = self.connect()
        self.orders = self.database["orders"]
        self.orders.insert_many([_copy(order) for order in self.work.orders])
        self.database["customers"].insert_many([_copy(customer) for customer in self.work.customers])
        if "find_by_index" not in self.cannot:
            for field in INDEXED:
                self.orders.create_index(field)

    def insert_many(self, call: int) -> int:
        """Insert into a new collection."""
        collection = self.database[f"fresh{next(self._fresh)}"]
        result = len(collection.insert_many(self.work.orders).inserted_ids)
        collection.drop()
        return result

    def find_by_id(self, call: int) -> Any:
        """One document."""
        return self.orders.find_one({"_id": self.work.ids[call % len(self.work.ids)]})

    def find_by_field(self, call: int) -> Any:
        """One document."""
        return self.orders.find_one({"code": self.work.codes[call % len(self.work.codes)]})

    def find_by_index(self, call: int) -> Any:
        """One document."""
        return self.orders.find_one({"sku": self.work.skus[call % len(self.work.skus)]})

    def range_sort(self, call: int) -> list[Any]:
        """Twenty documents."""
        return list(self.orders.find(self.work.range_filter, sort=[("rank", 1)], limit=20))

    def range_sort_index(self, call: int) -> list[Any]:
        """Twenty documents."""
        return list(self.orders.find(self.work.indexed_range_filter, sort=[("position", 1)], limit=20))

    def or_count(self, call: int) -> int:
        """A count."""
        return self.orders.count_documents(self.work.or_filter)

    def group(self, call: int) -> list[Any]:
        """Totals."""
        return list(self.orders.aggregate(self.work.group_pipeline))

    def lookup(self, call: int) -> list[Any]:
        """A join."""
        return list(self.orders.aggregate(self.work.lookup_pipeline))

    def update_by_id(self, call: int) -> int:
        """An increment."""
        identity = self.work.ids[call % len(self.work.ids)]
        return self.orders.update_one({"_id": identity}, {"$inc": {"views": 1}}).modified_count


class Mongomock(_PyMongoLike):
    """The usual stand-in for pymongo. It takes indexes and does not use them for reads."""

    name = "mongomock"
    package = "mongomock"

    def connect(self) -> Any:
        """A new client."""
        import mongomock

        return mongomock.MongoClient()["bench"]


class Monty(_PyMongoLike):
    """A MongoDB in Python, here with its memory engine."""

    name = "montydb"
    package = "montydb"
    cannot = {  # noqa: RUF012 - a constant
        "find_by_index": "has no indexes",
        "range_sort_index": "has no indexes",
        "group": "has no aggregation",
        "lookup": "has no aggregation",
    }

    def connect(self) -> Any:
        """A new client."""
        import montydb

        montydb.set_storage(storage="memory", use_bson=False)
        client = montydb.MontyClient(":memory:")
        # The memory belongs to the process, so what an earlier size left is still there.
        client.drop_database("bench")
        return client["bench"]


class MongomockMotor(Contender):
    """mongomock behind motor's API."""

    name = "mongomock-motor"
    package = "mongomock-motor"

    async def load(self) -> None:
        """Insert the documents."""
        from mongomock_motor import AsyncMongoMockClient

        self.database: Any = AsyncMongoMockClient()["bench"]
        self.orders = self.database["orders"]
        await self.orders.insert_many([_copy(order) for order in self.work.orders])
        await self.database["customers"].insert_many([_copy(customer) for customer in self.work.customers])
        for field in INDEXED:
            await self.orders.create_index(field)

    async def insert_many(self, call: int) -> int:
        """Insert into a new collection."""
        collection = self.database[f"fresh{next(self._fresh)}"]
        result = len((await collection.insert_many(self.work.orders)).inserted_ids)
        await collection.drop()
        return result

    async def find_by_id(self, call: int) -> Any:
        """One document."""
        return await self.orders.find_one({"_id": self.work.ids[call % len(self.work.ids)]})

    async def find_by_field(self, call: int) -> Any:
        """One document."""
        return await self.orders.find_one({"code": self.work.codes[call % len(self.work.codes)]})

    async def find_by_index(self, call: int) -> Any:
        """One document."""
        return await self.orders.find_one({"sku": self.work.skus[call % len(self.work.skus)]})

    async def range_sort(self, call: int) -> list[Any]:
        """Twenty documents."""
        return await self.orders.find(self.work.range_filter, sort=[("rank", 1)], limit=20).to_list(None)

    async def range_sort_index(self, call: int) -> list[Any]:
        """Twenty documents."""
        found = self.orders.find(self.work.indexed_range_filter, sort=[("position", 1)], limit=20)
        return await found.to_list(None)

    async def or_count(self, call: int) -> int:
        """A count."""
        return await self.orders.count_documents(self.work.or_filter)

    async def group(self, call: int) -> list[Any]:
        """Totals."""
        return await self.orders.aggregate(self.work.group_pipeline).to_list(None)

    async def lookup(self, call: int) -> list[Any]:
        """A join."""
        return await self.orders.aggregate(self.work.lookup_pipeline).to_list(None)

    async def update_by_id(self, call: int) -> int:
        """An increment."""
        identity = self.work.ids[call % len(self.work.ids)]
        return (await self.orders.update_one({"_id": identity}, {"$inc": {"views": 1}})).modified_count


CONTENDERS: tuple[type[Contender], ...] = (Limit, Lexigram, Mongomock, MongomockMotor, Monty)

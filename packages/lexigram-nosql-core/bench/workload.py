"""The documents that everyone gets, and the requests that everyone answers.

Orders with a nested object and a list, as services store them, and a tenth as many customers. Everything follows from a
fixed seed, so two runs, and all contenders of one run, see the same data.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import Any

__all__ = ["INDEXED", "OPERATIONS", "Operation", "Workload"]

Document = dict[str, Any]

_STATUSES = ("new", "paid", "packed", "sent", "cancelled")
_CITIES = ("Aarhus", "Bergen", "Cork", "Delft", "Evora", "Fano", "Ghent", "Hull", "Izola", "Jena")
_TAGS = ("gift", "express", "fragile", "bulk", "return", "eco")

INDEXED = ("sku", "position")
"""Fields that every contender which has indexes gets one on."""


@dataclass(frozen=True, slots=True)
class Operation:
    """One thing that is measured.

    Attributes:
        name: How it is called in tables and by ``--only``.
        title: What it does.
        single: True when one document is concerned and the event loop's own await is worth comparing with.
        growth: Most that its time may grow by when there are *n* times as many documents: ``flat``, ``linear`` or
            ``sorting`` (n log n).
    """

    name: str
    title: str
    single: bool = False
    growth: str = "sorting"


OPERATIONS = (
    Operation("insert_many", "insert_many of all documents"),
    Operation("find_by_id", "find_one by _id", single=True, growth="flat"),
    Operation("find_by_field", "find_one by an unindexed field"),
    Operation("find_by_index", "find_one by an indexed field", single=True, growth="flat"),
    Operation("range_sort", "range + sort + limit 20, no index"),
    Operation("range_sort_index", "range + sort + limit 20, indexed", growth="flat"),
    Operation("or_count", "count_documents of an $or"),
    Operation("group", "$match, $group, $sort"),
    Operation("lookup", "$match, $lookup by _id"),
    Operation("update_by_id", "update_one $inc by _id", single=True, growth="flat"),
)


class Workload:
    """Documents and requests of one size.

    Args:
        size: How many orders there are.
        flat: Leave the nested object and the list out.
    """

    def __init__(self, size: int, *, flat: bool = False) -> None:
        self.size = size
        random_numbers = random.Random(20261121)
        ranks = random_numbers.sample(range(size), size)
        positions = random_numbers.sample(range(size), size)
        customers = max(1, size // 10)
        self.orders: list[Document] = []
        for number in range(size):
            order: Document = {
                "_id": f"order-{number:07d}",
                "sku": f"S{ranks[number]:07d}",
                "code": f"C{positions[number]:07d}",
                "customer": f"customer-{random_numbers.randrange(customers):06d}",
                "status": random_numbers.choice(_STATUSES),
                "amount": random_numbers.randrange(1, 10_001),
                "quantity": random_numbers.randrange(1, 20),
                "weight": random_numbers.randrange(1, 4000) / 8,
                "rank": ranks[number],
                "position": positions[number],
                "views": 0,
            }
            if not flat:
                order["address"] = {"city": random_numbers.choice(_CITIES), "zip": random_numbers.randrange(10_000)}
                order["tags"] = random_numbers.sample(_TAGS, 2)
            self.orders.append(order)
        self.customers: list[Document] = [
            {"_id": f"customer-{number:06d}", "name": f"Customer {number}", "level": number % 5}
            for number in range(customers)
        ]
        # Spread over the collection, so that a scan for one of them reads half of it on average.
        chosen = random_numbers.sample(range(size), min(size, 997))
        self.ids: list[str] = [self.orders[number]["_id"] for number in chosen]
        self.codes: list[str] = [self.orders[number]["code"] for number in chosen]
        self.skus: list[str] = [self.orders[number]["sku"] for number in chosen]
        self.low, self.high = 2000, 8000
        self.first, self.last = size // 4, 3 * size // 4
        self.above = 9500
        self.status = "sent"

    @property
    def range_filter(self) -> Document:
        """The amounts that the unindexed range selects: six tenths of all."""
        return {"amount": {"$gte": self.low, "$lt": self.high}}

    @property
    def indexed_range_filter(self) -> Document:
        """The positions that the indexed range selects: half of all."""
        return {"position": {"$gte": self.first, "$lt": self.last}}

    @property
    def or_filter(self) -> Document:
        """Two conditions of which one or the other holds for about a quarter."""
        return {"$or": [{"status": "cancelled"}, {"amount": {"$gt": self.above}}]}

    @property
    def group_pipeline(self) -> list[Document]:
        """Totals by customer."""
        return [
            {"$match": {"amount": {"$gte": self.low}}},
            {
                "$group": {
                    "_id": "$customer",
                    "total": {"$sum": "$amount"},
                    "mean": {"$avg": "$quantity"},
                    "most": {"$max": "$weight"},
                    "orders": {"$sum": 1},
                }
            },
            {"$sort": {"total": -1, "_id": 1}},
        ]

    @property
    def lookup_pipeline(self) -> list[Document]:
        """The orders of one status, a fifth of all, each with its customer."""
        return [
            {"$match": {"status": self.status}},
            {"$lookup": {"from": "customers", "localField": "customer", "foreignField": "_id", "as": "buyer"}},
        ]

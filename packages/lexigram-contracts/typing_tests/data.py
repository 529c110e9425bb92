"""What type checkers make of filter expressions, collections and repositories. Never run."""

from __future__ import annotations

from typing import Any, assert_type

from lexigram.contracts.data.nosql import (
    BulkWriteResult,
    ChangeEvent,
    CollectionProtocol,
    DocumentRepositoryProtocol,
    DocumentResult,
    DocumentStoreProtocol,
)
from lexigram.contracts.data.protocols import (
    AndExpr,
    FieldContains,
    FieldEq,
    FieldGt,
    FieldIn,
    FilterExpression,
    NotExpr,
    OrExpr,
)
from lexigram.contracts.data.sql import DatabaseProviderProtocol, QueryResult
from lexigram.contracts.domain import CursorPage, DomainEvent, Page, SpecificationProtocol
from lexigram.contracts.events import EventBusProtocol, EventError
from lexigram.contracts.result import Err, Ok


class Product:
    pass


class ProductAdded(DomainEvent):
    sku: str
    price: int = 0


def expressions() -> None:
    cheap = FieldGt("price", 1) & FieldEq("status", "active")
    assert_type(cheap, AndExpr)
    assert_type(cheap | FieldIn("sku", ("a", "b")), OrExpr)
    assert_type(~cheap, NotExpr)
    whole: FilterExpression = ~(cheap | FieldContains("tags", "new"))
    specification: SpecificationProtocol[Any] = FieldEq("a", 1)
    specification = cheap
    assert_type(whole.is_satisfied_by({"price": 2}), bool)
    assert_type(specification.is_satisfied_by({"price": 2}), bool)


async def collections(store: DocumentStoreProtocol) -> None:
    collection = store.collection("products")
    assert_type(collection, CollectionProtocol)
    assert_type(await store.get_collection("products"), CollectionProtocol)
    assert_type(await collection.insert_one({"a": 1}), DocumentResult)
    assert_type(await collection.insert_many([{"a": 1}]), BulkWriteResult)
    assert_type(await collection.find_one({"a": 1}), dict[str, Any] | None)
    async for document in collection.find({"a": 1}, sort=[("a", 1)]):
        assert_type(document, dict[str, Any])
    async for document in await collection.find():
        assert_type(document, dict[str, Any])
    assert_type(await collection.aggregate([]).to_list(), list[dict[str, Any]])
    assert_type(await collection.find_page({}, size=2), CursorPage[dict[str, Any]])
    async with collection.watch() as stream:
        async for event in stream:
            assert_type(event, ChangeEvent)


async def repositories(products: DocumentRepositoryProtocol[Product]) -> None:
    assert_type(await products.get("x"), Product | None)
    assert_type(await products.list(sort=[("a", 1)], status="active"), list[Product])
    assert_type(await products.find_by_spec(FieldEq("a", 1) & FieldEq("b", 2)), list[Product])
    assert_type(await products.save(Product()), Product)
    assert_type(await products.paginate(1, 10), Page[Product])
    assert_type(await products.find_page(size=10), CursorPage[Product])


async def databases(database: DatabaseProviderProtocol) -> None:
    result = await database.execute_query("SELECT 1", [1])
    assert_type(result, QueryResult)
    for row in result:
        assert_type(row, dict[str, Any])


def events() -> None:
    event = ProductAdded(sku="x", aggregate_id="1")
    assert_type(event.sku, str)
    assert_type(ProductAdded.from_dict({}), ProductAdded)
    assert_type(event.for_aggregate("1", "Product"), ProductAdded)


async def added(event: ProductAdded) -> None: ...


async def buses(bus: EventBusProtocol) -> None:
    bus.subscribe(ProductAdded, added)
    assert_type(await bus.publish(ProductAdded(sku="x")), Ok[None] | Err[EventError])

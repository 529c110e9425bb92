"""What type checkers see of repositories and specifications; checked by mypy and pyright, never run."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, assert_type
from uuid import UUID

from lexigram.contracts.data.nosql import CollectionProtocol, DocumentRepositoryProtocol, DocumentStoreProtocol
from lexigram.contracts.data.types import FieldEq, FieldGte
from lexigram.contracts.domain import CursorPage, Page, SpecificationProtocol
from lexigram.di import Container, Named
from lexigram.nosql import AggregationPipeline, DocumentQueryBuilder
from lexigram.nosql.repository import DocumentRepository, current_tenant, tenant_scope
from lexigram.nosql.specification import to_filter
from pydantic import BaseModel
from typing_extensions import TypedDict


@dataclass
class Product:
    id: str
    price: int = 0


class Order(BaseModel):
    id: UUID


class Visit(TypedDict):
    id: int


class Products(DocumentRepository[Product, str]):
    collection_name = "products"

    async def cheap(self) -> list[Product]:
        return await self.find_by_filter(self._build_filter({"price": {"$lt": 10}}))


class Mapped(DocumentRepository[Product, str]):
    """The documented form: a subclass with two methods."""

    collection_name = "products"
    id_field = "sku"

    async def _document_to_entity(self, document: dict[str, Any]) -> Product:
        return Product(document["sku"], document["price"])

    async def _entity_to_document(self, entity: Product) -> dict[str, Any]:
        return {"sku": entity.id, "price": entity.price}


async def reading(products: Products) -> None:
    assert_type(await products.get("a"), Product | None)
    assert_type(await products.find_one({"price": 1}, sort="price"), Product | None)
    assert_type(await products.list(0, 10, sort=[("price", 1)], price=1), list[Product])
    assert_type(await products.find_by_filter({"price": {"$gt": 1}}), list[Product])
    assert_type(await products.find_by_filter(DocumentQueryBuilder().where_gt("price", 1)), list[Product])
    assert_type(await products.find_by_spec(FieldGte("price", 1) & FieldEq("id", "a")), list[Product])
    assert_type(await products.count(price=1), int)
    assert_type(await products.exists(), bool)
    assert_type(await products.distinct("price"), list[Any])
    assert_type(await products.aggregate(AggregationPipeline().count()), list[dict[str, Any]])
    assert_type(await products.paginate(2, 10), Page[Product])
    assert_type((await products.find_page(size=5)).items, list[Product])
    assert_type(await products.find_page(include_deleted=True), CursorPage[Product])
    assert_type(await products.cheap(), list[Product])
    assert_type(products.collection, CollectionProtocol)


async def writing(products: Products, since: datetime) -> None:
    assert_type(await products.save(Product("a")), Product)
    assert_type(await products.save_many(Product(name) for name in "abc"), list[Product])
    assert_type(await products.delete("a"), bool)
    assert_type(await products.delete_many(["a"]), int)
    assert_type(await products.delete_by_filter({}), int)
    assert_type(await products.restore("a"), bool)
    assert_type(await products.purge(before=since), int)


async def by_entity(store: DocumentStoreProtocol) -> None:
    orders = DocumentRepository[Order, UUID](store, entity=Order, versioned=True)
    assert_type(await orders.get(UUID(int=1)), Order | None)
    visits: DocumentRepository[Visit, int] = DocumentRepository(store, entity=Visit, soft_delete=True)
    assert_type(await visits.list(), list[Visit])
    await orders.get("text")  # type: ignore[arg-type]
    await visits.save(Order(id=UUID(int=1)))  # type: ignore[arg-type]


async def by_contract(products: DocumentRepositoryProtocol[Product], spec: SpecificationProtocol[Product]) -> None:
    assert_type(await products.get("a"), Product | None)
    assert_type(await products.find_by_spec(spec), list[Product])
    assert_type(await products.save(Product("a")), Product)


def protocols(products: Products, mapped: Mapped) -> None:
    """A repository is what the contract asks for."""
    one: DocumentRepositoryProtocol[Product] = products
    two: DocumentRepositoryProtocol[Product] = mapped
    print(one, two)


async def injected(container: Container) -> None:
    assert_type(
        await container.resolve(DocumentRepositoryProtocol[Product]),
        DocumentRepositoryProtocol[Product],
    )
    assert_type(
        await container.resolve(Annotated[DocumentRepositoryProtocol[Product], Named("analytics")]),
        DocumentRepositoryProtocol[Product],
    )
    assert_type(await container.resolve(Products), Products)


def tenants() -> None:
    with tenant_scope("one") as nothing:
        assert_type(nothing, None)
    assert_type(current_tenant(), str | None)


assert_type(to_filter(~FieldEq("a", 1), field=str.lower), dict[str, Any])

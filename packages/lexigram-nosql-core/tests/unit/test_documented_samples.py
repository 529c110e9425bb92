"""Every sample of the guide to document stores and of its page on backends, one by one, in the words of this project.

Each runs against ``NoSQLModule.stub()``, which is a real store in memory.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Protocol, runtime_checkable

import pytest
from lexigram import Application
from lexigram.config import LexigramConfig
from lexigram.contracts.data.nosql import DocumentStoreProtocol as ShortPath
from lexigram.contracts.data.nosql.nosql import (
    BulkWriteResult,
    CollectionProtocol,
    DocumentResult,
    DocumentStoreProtocol,
)
from lexigram.contracts.data.nosql.nosql_repository import DocumentRepositoryProtocol
from lexigram.di import Named as NamedFromDi
from lexigram.di.markers import Named
from lexigram.di.module import Module, module
from lexigram.nosql import (
    AddField,
    AggregationOp,
    AggregationPipeline,
    ComparisonOp,
    CreateIndex,
    DocumentQueryBuilder,
    DropCollection,
    DropIndex,
    LogicalOp,
    MigrationManager,
    NoSQLConfig,
    NoSQLModule,
    RenameField,
)
from lexigram.result import Err, Ok, Result


@dataclass
class Product:
    """What the samples call a product."""

    id: str
    sku: str
    name: str = ""
    status: str = "active"

    @classmethod
    def from_doc(cls, document: dict[str, Any]) -> Product:
        """A product of a document."""
        return cls(document["_id"], document["sku"], document.get("name", ""), document.get("status", ""))


@runtime_checkable
class MyCollection(CollectionProtocol, Protocol):
    """A narrower view of a collection."""

    async def insert_one(self, document: dict[str, Any]) -> DocumentResult: ...
    async def find_one(
        self, filter: dict[str, Any], *, projection: dict[str, Any] | None = None
    ) -> dict[str, Any] | None: ...
    async def count_documents(self, filter: dict[str, Any] | None = None) -> int: ...


async def test_a_collection_satisfies_a_protocol_that_narrows_the_contract() -> None:
    """The collection of a store is a CollectionProtocol and whatever is derived from it."""
    async with Application.boot(modules=[NoSQLModule.stub()]) as app:
        store = await app.container.resolve(DocumentStoreProtocol)

        assert isinstance(store, DocumentStoreProtocol)
        assert isinstance(store.collection("products"), MyCollection)
        assert isinstance(await store.collection("products").insert_many([]), BulkWriteResult)


def test_an_application_is_made_with_a_name() -> None:
    """The first sample only names an application."""
    assert Application(name="my-app").name == "my-app"


MONGODB_YAML = """
nosql:
  enabled: true
  driver: mongodb
  mongodb:
    uri: "${MONGODB_URI:mongodb://localhost:27017}"
    database: "myapp"
    max_pool_size: 50
    min_pool_size: 5
    connect_timeout_ms: 10000
    socket_timeout_ms: 30000
    retry_writes: true
    read_preference: "primaryPreferred"
    write_concern_w: "majority"
"""
DYNAMODB_YAML = """
nosql:
  driver: dynamodb
  dynamodb:
    table_name: "lexigram"
    region: "${AWS_REGION:us-east-1}"
    pk_field: "_id"
    endpoint_url: "${DYNAMODB_ENDPOINT}"
"""
FIRESTORE_YAML = """
nosql:
  driver: firestore
  firestore:
    project_id: "${GCP_PROJECT}"
    credentials_json: "${GCP_SA_KEY}"
    database_id: "(default)"
"""


@pytest.mark.parametrize(
    ("driver", "text"), [("mongodb", MONGODB_YAML), ("dynamodb", DYNAMODB_YAML), ("firestore", FIRESTORE_YAML)]
)
def test_the_documented_sections_are_read(
    driver: str, text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each documented YAML section is read, its variables filled in, whether or not its driver is installed."""
    for name in ("AWS_REGION", "MONGODB_URI"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("DYNAMODB_ENDPOINT", "http://localhost:8000")
    for name in ("GCP_PROJECT", "GCP_SA_KEY"):
        monkeypatch.setenv(name, f"value-of-{name}")
    (tmp_path / "application.yaml").write_text(text)

    config = LexigramConfig.from_yaml(tmp_path / "application.yaml").get_section("nosql", NoSQLConfig)

    assert config.driver == driver
    assert config.enabled
    shown = str(config.model_dump())
    assert "${" not in shown
    assert {"mongodb": "primaryPreferred", "dynamodb": "us-east-1", "firestore": "value-of-GCP_PROJECT"}[
        driver
    ] in shown


class ProductCatalog:
    """The guide's service: written against the contract, results for what may fail."""

    def __init__(self, store: DocumentStoreProtocol) -> None:
        self._store = store

    async def find_by_sku(self, sku: str) -> Result[Product, str]:
        """One product, or why there is none."""
        document = await self._store.collection("products").find_one({"sku": sku})
        return Err(f"Product not found: {sku}") if document is None else Ok(Product.from_doc(document))

    async def list_available(self) -> Result[list[Product], str]:
        """Active products by name."""
        found = []
        async for document in self._store.collection("products").find(
            {"status": "active"}, sort=[("name", 1)], limit=50
        ):
            found.append(Product.from_doc(document))
        return Ok(found)


async def test_a_service_is_given_the_store() -> None:
    """A service that takes DocumentStoreProtocol finds and lists documents."""
    catalogue = NoSQLModule.stub()
    async with Application.boot(modules=[catalogue]) as app:
        store = await app.container.resolve(DocumentStoreProtocol)
        await store.collection("products").insert_many(
            [
                {"sku": "B", "name": "Bolt", "status": "active"},
                {"sku": "A", "name": "Anvil", "status": "active"},
                {"sku": "C", "name": "Cog", "status": "retired"},
            ]
        )
        service = ProductCatalog(store)

        found = await service.find_by_sku("A")
        missing = await service.find_by_sku("Z")
        listed = await service.list_available()

    assert found.unwrap().name == "Anvil"
    assert missing == Err("Product not found: Z")
    assert [product.name for product in listed.unwrap()] == ["Anvil", "Bolt"]


async def test_the_store_is_resolved_outside_a_service() -> None:
    """A script boots an application, resolves the store and inserts."""
    async with Application.boot(modules=[NoSQLModule.stub()]) as app:
        store = await app.container.resolve(DocumentStoreProtocol)
        result = await store.collection("products").insert_one({"sku": "ABC", "name": "Widget"})

        assert result.acknowledged
        assert await store.collection("products").find_one({"sku": "ABC"}) == {
            "_id": result.document_id,
            "sku": "ABC",
            "name": "Widget",
        }


class ProductRepository:
    """The guide's own repository over the generic one."""

    def __init__(self, repo: DocumentRepositoryProtocol[Product]) -> None:
        self._repo = repo

    async def save(self, product: Product) -> Product:
        """Store a product."""
        return await self._repo.save(product)

    async def get(self, product_id: str) -> Product | None:
        """One product by id."""
        return await self._repo.get(product_id)


async def test_scope_registers_repositories_with_their_constructor_arguments() -> None:
    """``NoSQLModule.scope(ProductRepository)`` beside the configured module injects the repository of products."""

    @module(imports=[NoSQLModule.stub(), NoSQLModule.scope(ProductRepository)], exports=[ProductRepository])
    class CatalogModule(Module):
        """The guide's module."""

    async with Application.boot(modules=[CatalogModule]) as app:
        repository = await app.container.resolve(ProductRepository)
        saved = await repository.save(Product("p1", "ABC", "Widget"))

        assert saved == Product("p1", "ABC", "Widget")
        assert await repository.get("p1") == saved
        assert await repository.get("p2") is None


async def test_the_builder_combines_operators_into_one_query() -> None:
    """Two bounds on one field are a range, and the alternatives stand beside them."""
    query = (
        DocumentQueryBuilder()
        .filter(ComparisonOp.GTE, "price", 10.0)
        .filter(ComparisonOp.LTE, "price", 100.0)
        .filter(LogicalOp.OR, [{"status": "active"}, {"status": "promo"}])
        .sort([("price", 1)])
        .limit(20)
        .build()
    )
    async with Application.boot(modules=[NoSQLModule.stub()]) as app:
        store = await app.container.resolve(DocumentStoreProtocol)
        products = store.collection("products")
        await products.insert_many(
            [
                {"_id": 1, "price": 100.0, "status": "promo"},
                {"_id": 2, "price": 10.0, "status": "active"},
                {"_id": 3, "price": 9.99, "status": "active"},
                {"_id": 4, "price": 50.0, "status": "retired"},
                {"_id": 5, "price": 100.01, "status": "active"},
            ]
        )
        found = [document["_id"] async for document in products.find(query)]

    assert query.filter == {
        "price": {"$gte": 10.0, "$lte": 100.0},
        "$or": [{"status": "active"}, {"status": "promo"}],
    }
    assert (query.sort, query.limit) == ([("price", 1)], 20)
    assert found == [2, 1]


async def test_the_pipeline_builder_takes_mongo_dicts() -> None:
    """The guide's pipeline groups by brand, averages and orders."""
    pipeline = (
        AggregationPipeline()
        .match({"category": "electronics"})
        .group({"_id": "$brand", "count": {"$sum": 1}, "avg_price": {"$avg": "$price"}})
        .sort({"avg_price": -1})
        .project({"brand": 1, "avg_price": 1, "count": 1})
        .build()
    )
    async with Application.boot(modules=[NoSQLModule.stub()]) as app:
        store = await app.container.resolve(DocumentStoreProtocol)
        products = store.collection("products")
        await products.insert_many(
            [
                {"category": "electronics", "brand": "Acme", "price": 10.0},
                {"category": "electronics", "brand": "Acme", "price": 20.0},
                {"category": "electronics", "brand": "Zeta", "price": 40.0},
                {"category": "toys", "brand": "Acme", "price": 500.0},
            ]
        )
        rows = await products.aggregate(pipeline).to_list()

    assert [list(stage) for stage in pipeline] == [["$match"], ["$group"], ["$sort"], ["$project"]]
    assert AggregationOp.MATCH == "$match"
    assert rows == [
        {"_id": "Zeta", "count": 1, "avg_price": 40.0},
        {"_id": "Acme", "count": 2, "avg_price": 15.0},
    ]


async def test_migrations_are_declared_and_applied() -> None:
    """A manager with a name, inside an application, changes the primary store; applying again does nothing."""
    async with Application.boot(modules=[NoSQLModule.stub()]) as app:
        store = await app.container.resolve(DocumentStoreProtocol)
        users = store.collection("users")
        await users.insert_one({"_id": 1, "fullname": "Ada", "email": "ada@example.org"})
        await store.collection("old_sessions").insert_one({"_id": 1})
        manager = MigrationManager("user-schema-v2")
        manager.add(CreateIndex("users", [("email", 1)], unique=True))
        manager.add(RenameField("users", "fullname", "display_name"))
        manager.add(AddField("users", "timezone", default="UTC"))
        manager.add(DropCollection("old_sessions"))

        applied = await manager.apply()
        again = await manager.apply()

        assert len(applied) == 4
        assert again == []
        assert await users.find_one({}) == {
            "_id": 1,
            "email": "ada@example.org",
            "display_name": "Ada",
            "timezone": "UTC",
        }
        assert [index["name"] for index in await users.list_indexes()] == ["_id_", "email_1"]
        assert "old_sessions" not in await store.list_collections()
        assert DropIndex("users", "email_1").name == "email_1"


BACKENDS_YAML = """
nosql:
  backends:
    - name: "primary"
      driver: "memory"
      primary: true
    - name: "analytics"
      driver: "memory"
"""


class DashboardService:
    """The guide's service with two stores."""

    def __init__(
        self,
        store: DocumentStoreProtocol,
        analytics: Annotated[DocumentStoreProtocol, Named("analytics")],
    ) -> None:
        self.store = store
        self.analytics = analytics


class AnalyticsService:
    """The same from the page on backends, by its shorter import paths."""

    def __init__(
        self,
        primary: ShortPath,
        analytics: Annotated[ShortPath, NamedFromDi("analytics")],
    ) -> None:
        self.store = primary
        self.analytics = analytics


@pytest.fixture
def backends_config(tmp_path: Path) -> LexigramConfig:
    """The documented section with several backends."""
    (tmp_path / "application.yaml").write_text(BACKENDS_YAML)
    return LexigramConfig.from_yaml(tmp_path / "application.yaml")


@pytest.mark.parametrize("service", [DashboardService, AnalyticsService])
async def test_named_backends_are_injected_by_name(service: type[Any], backends_config: LexigramConfig) -> None:
    """The primary backend is injected without a name, the other by its name, and they are not the same."""

    @module(imports=[NoSQLModule.configure()], providers=[service], exports=[service])
    class DashboardModule(Module):
        """The application."""

    async with Application.boot(modules=[DashboardModule], config=backends_config) as app:
        built = await app.container.resolve(service)
        await built.analytics.collection("visits").insert_one({"_id": 1})

        assert built.store is await app.container.resolve(Annotated[DocumentStoreProtocol, Named("primary")])
        assert await built.analytics.collection("visits").count_documents() == 1
        assert await built.store.collection("visits").count_documents() == 0


async def test_the_stub_needs_no_service() -> None:
    """The last sample is a whole test."""
    async with Application.boot(modules=[NoSQLModule.stub()]) as app:
        store = await app.container.resolve(DocumentStoreProtocol)
        result = await store.collection("products").insert_one({"sku": "ABC"})

        assert result.acknowledged

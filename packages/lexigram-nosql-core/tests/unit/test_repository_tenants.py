"""A repository of tenants' data sees, and touches, one tenant's."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import Any

import pytest
from lexigram.contracts.data.types import FieldEq
from lexigram.nosql.backends.memory import InMemoryDocumentStore
from lexigram.nosql.exceptions import (
    BulkWriteError,
    DocumentValidationError,
    DuplicateKeyError,
    PageTokenError,
    PipelineError,
    TenantRequiredError,
)
from lexigram.nosql.repository import DocumentRepository, current_tenant, tenant_scope
from pydantic import BaseModel, ConfigDict


@dataclass
class Order:
    """What is ordered."""

    id: str
    item: str = ""


class Orders(DocumentRepository[Order, str]):
    """Its repository."""


@pytest.fixture
async def orders() -> AsyncIterator[Orders]:
    """Two tenants' orders."""
    async with InMemoryDocumentStore() as store:
        repository = Orders(store, multi_tenant=True, soft_delete=True)
        with tenant_scope("one"):
            await repository.save_many([Order("a", "x"), Order("b", "y"), Order("gone", "x")])
            await repository.delete("gone")
        with tenant_scope("two"):
            await repository.save_many([Order("c", "x"), Order("d", "z")])
        yield repository


class Everything:
    """A specification without a filter."""

    def is_satisfied_by(self, candidate: Order) -> bool:
        return bool(candidate.id)


async def _ids(found: Any) -> list[str]:
    return sorted(order.id for order in await found)


async def _items(found: Any) -> list[str]:
    return sorted(order.id for order in (await found).items)


READS: dict[str, tuple[Callable[[Orders], Any], Any, Any]] = {
    "get": (lambda orders: orders.get("a"), Order("a", "x"), None),
    "find_one": (lambda orders: orders.find_one({"item": "z"}), None, Order("d", "z")),
    "list": (lambda orders: _ids(orders.list()), ["a", "b"], ["c", "d"]),
    "list by tenant": (lambda orders: _ids(orders.list(tenant_id="one")), ["a", "b"], []),
    "find_by_filter": (lambda orders: _ids(orders.find_by_filter({"item": "x"})), ["a"], ["c"]),
    "find_by_filter or": (
        lambda orders: _ids(orders.find_by_filter({"$or": [{"tenant_id": "one"}, {"tenant_id": "two"}]})),
        ["a", "b"],
        ["c", "d"],
    ),
    "find_by_filter tenant": (lambda orders: _ids(orders.find_by_filter({"tenant_id": "one"})), ["a", "b"], []),
    "find_by_spec": (lambda orders: _ids(orders.find_by_spec(~FieldEq("item", "q"))), ["a", "b"], ["c", "d"]),
    "find_by_spec in memory": (lambda orders: _ids(orders.find_by_spec(Everything())), ["a", "b"], ["c", "d"]),
    "exists": (lambda orders: orders.exists({"_id": "a"}), True, False),
    "count": (lambda orders: orders.count(item="x"), 1, 1),
    "count all": (lambda orders: orders.count(include_deleted=True), 3, 2),
    "distinct": (lambda orders: orders.distinct("item"), ["x", "y"], ["x", "z"]),
    "aggregate": (
        lambda orders: orders.aggregate([{"$group": {"_id": "$tenant_id", "n": {"$sum": 1}}}]),
        [{"_id": "one", "n": 2}],
        [{"_id": "two", "n": 2}],
    ),
    "paginate": (lambda orders: _items(orders.paginate()), ["a", "b"], ["c", "d"]),
    "find_page": (lambda orders: _items(orders.find_page()), ["a", "b"], ["c", "d"]),
}


@pytest.mark.parametrize("name", READS)
async def test_a_read_finds_the_tenants_own(orders: Orders, name: str) -> None:
    """And without a tenant, none is made."""
    read, one, two = READS[name]

    with tenant_scope("one"):
        assert await read(orders) == one
    with tenant_scope("two"):
        assert await read(orders) == two
    with pytest.raises(TenantRequiredError, match="no tenant is set") as caught:
        await read(orders)
    assert caught.value.collection == "orders"
    assert "tenant_scope" in str(caught.value.hint)


WRITES: dict[str, tuple[Callable[[Orders], Any], Any]] = {
    "delete": (lambda orders: orders.delete("a"), False),
    "delete_many": (lambda orders: orders.delete_many(["a", "b"]), 0),
    "delete_by_filter": (lambda orders: orders.delete_by_filter({"tenant_id": "one"}), 0),
    "restore": (lambda orders: orders.restore("gone"), False),
    "purge": (lambda orders: orders.purge(), 0),
}


@pytest.mark.parametrize("name", WRITES)
async def test_a_write_leaves_other_tenants_alone(orders: Orders, name: str) -> None:
    """And without a tenant, none is made."""
    write, outcome = WRITES[name]
    before = await orders.collection.find().to_list()

    with tenant_scope("two"):
        assert await write(orders) == outcome
    for attempt in (lambda: write(orders), lambda: orders.save(Order("new")), lambda: orders.save_many([Order("new")])):
        with pytest.raises(TenantRequiredError):
            await attempt()

    assert await orders.collection.find().to_list() == before


@pytest.mark.parametrize("soft_delete", [True, False])
async def test_an_id_of_another_tenant_cannot_be_saved(orders: Orders, soft_delete: bool) -> None:
    """Alone or in a bulk; the document stays whose it is."""
    repository = Orders(orders._store, multi_tenant=True, soft_delete=soft_delete)
    before = await orders.collection.find().to_list()

    with tenant_scope("two"):
        with pytest.raises(DuplicateKeyError):
            await repository.save(Order("a", "stolen"))
        with pytest.raises(BulkWriteError) as caught:
            await repository.save_many([Order("a", "stolen"), Order("new")])

    assert caught.value.entity_index == 0
    assert await orders.collection.find().to_list() == before


async def test_documents_carry_their_tenant(orders: Orders) -> None:
    """Whether the entity knows of it or not."""

    class Strict(BaseModel):
        model_config = ConfigDict(extra="forbid")
        id: str = ""

    class Knowing(Strict):
        tenant_id: str | None = None

    strict = DocumentRepository(orders._store, entity=Strict, multi_tenant=True)
    knowing = DocumentRepository(orders._store, entity=Knowing, collection_name="stricts", multi_tenant=True)

    with tenant_scope("one"):
        assert await strict.save(Strict(id="a")) == Strict(id="a")
        saved = await knowing.save(Knowing(id="b"))
        assert saved == Knowing(id="b", tenant_id="one")
        assert await knowing.save(saved) == saved
        assert (await strict.save(Strict())).id
        assert len(await knowing.list(tenant_id="one")) == 3
    assert await strict.collection.distinct("tenant_id") == ["one"]


async def test_an_object_of_another_tenant_is_not_taken_over(orders: Orders) -> None:
    """It says whose it is."""

    @dataclass
    class Owned:
        id: str
        tenant_id: str = ""

    owned = DocumentRepository(orders._store, entity=Owned, multi_tenant=True)

    with tenant_scope("two"), pytest.raises(DocumentValidationError, match="belongs to another tenant") as caught:
        await owned.save(Owned("a", "one"))

    assert caught.value.path == "tenant_id"
    assert await owned.collection.count_documents() == 0


async def test_an_id_in_another_field_is_each_tenants_own(orders: Orders) -> None:
    """Two tenants may number alike."""

    class Numbered(DocumentRepository[Order, str]):
        collection_name = "numbered"
        id_field = "number"

    numbered = Numbered(orders._store, multi_tenant=True)
    await numbered.collection.create_index([("tenant_id", 1), ("number", 1)], unique=True)
    for tenant in ("one", "two"):
        with tenant_scope(tenant):
            await numbered.save(Order("1", tenant))
            await numbered.save_many([Order("1", tenant), Order("2", tenant)])

    with tenant_scope("one"):
        assert await numbered.get("1") == Order("1", "one")
        assert await numbered.count() == 2


async def test_a_page_token_is_the_tenants_own(orders: Orders) -> None:
    """Another's is refused."""
    with tenant_scope("one"):
        page = await orders.find_page(size=1)
    with tenant_scope("two"), pytest.raises(PageTokenError):
        await orders.find_page(page.next_cursor, size=1)


@pytest.mark.parametrize(
    ("stages", "where"),
    [
        ([{"$unionWith": "orders"}], "orders"),
        ([{"$lookup": {"from": "people", "localField": "a", "foreignField": "b", "as": "c"}}], "people"),
        ([{"$facet": {"a": [{"$lookup": {"from": "people", "pipeline": [], "as": "c"}}]}}], "people"),
        ([{"$unionWith": {"coll": "x", "pipeline": [{"$unionWith": "y"}]}}], "x, y"),
        ([{"$out": "copy"}], "copy"),
        ([{"$merge": {"into": "orders"}}], "orders"),
        ([{"$unionWith": "x"}, {"$merge": "y"}], "x, y"),
    ],
)
async def test_a_pipeline_that_leaves_the_tenants_documents_is_refused(
    orders: Orders, stages: list[dict[str, Any]], where: str
) -> None:
    """Other collections, and its own once more, are not bound to the tenant."""
    with tenant_scope("one"):
        with pytest.raises(PipelineError, match=f"reads or writes {where}, where all"):
            await orders.aggregate(stages)
        with pytest.raises(PipelineError):
            await orders.aggregate(stages, include_deleted=True)


@pytest.mark.parametrize("tenant", ["", "  ", None, 5])
def test_a_tenant_has_a_name(tenant: Any) -> None:
    """A blank one would be everybody's."""
    with pytest.raises(TenantRequiredError, match="is not the id of a tenant"), tenant_scope(tenant):
        pass


def test_scopes_nest_and_end() -> None:
    """Also with an error."""
    assert current_tenant() is None
    with tenant_scope("one"):
        with tenant_scope("two"):
            assert current_tenant() == "two"
        assert current_tenant() == "one"
        with pytest.raises(RuntimeError), tenant_scope("three"):
            raise RuntimeError
        assert current_tenant() == "one"
    assert current_tenant() is None


async def test_tasks_have_tenants_of_their_own(orders: Orders) -> None:
    """A hundred at once never mix; a task that is started inside inherits."""

    async def work(tenant: str) -> list[str]:
        with tenant_scope(tenant):
            await orders.save(Order(f"{tenant}-1", tenant))
            await asyncio.sleep(0)
            await orders.save(Order(f"{tenant}-2", tenant))
            return await asyncio.create_task(_ids(orders.list()))

    found = await asyncio.gather(*(work(f"t{number}") for number in range(100)))

    assert found == [[f"t{number}-1", f"t{number}-2"] for number in range(100)]


async def test_a_transaction_is_bound_to_the_tenant_too(orders: Orders) -> None:
    """Two tenants may work in one after the other."""
    async with orders._store.transaction():
        for tenant in ("one", "two"):
            with tenant_scope(tenant):
                await orders.save(Order(f"new-{tenant}"))

    with tenant_scope("one"):
        assert await _ids(orders.list()) == ["a", "b", "new-one"]

"""How a repository is made, and how it reads."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from typing import Any, Generic, TypeVar
from uuid import UUID

import pytest
from lexigram.contracts.data.nosql import DocumentRepositoryProtocol
from lexigram.contracts.data.types import FieldContains, FieldEq, FieldGte, FieldIn, FieldLt
from lexigram.nosql import AggregationPipeline, DocumentQueryBuilder
from lexigram.nosql.backends.memory import InMemoryDocumentStore
from lexigram.nosql.exceptions import (
    DocumentValidationError,
    NoSQLFilterError,
    PageTokenError,
    PipelineError,
    QueryOptionError,
    StoreNotConnectedError,
)
from lexigram.nosql.repository import DocumentRepository
from pydantic import BaseModel, Field

T = TypeVar("T")


class Status(StrEnum):
    """Whether it is sold."""

    ACTIVE = "active"
    RETIRED = "retired"


@dataclass
class Product:
    """What is sold."""

    id: str
    name: str
    price: int = 0
    status: Status = Status.ACTIVE
    since: date = date(2026, 1, 1)
    tags: list[str] = field(default_factory=list)


class Products(DocumentRepository[Product, str]):
    """A repository that needs no code."""

    collection_name = "products"


class Part(BaseModel):
    """A model with aliases."""

    id: str = Field(alias="_id")
    unit_price: int = Field(0, alias="unitPrice")


class Parts(DocumentRepository[Part, str]):
    """A repository that names no collection."""


WARES = [
    Product("a", "Anvil", 100, tags=["heavy", "iron"]),
    Product("b", "Bolt", 2, tags=["iron"]),
    Product("c", "Cable", 30, Status.RETIRED, date(2025, 6, 1)),
    Product("d", "Dowel", 2),
]


@pytest.fixture
async def store() -> AsyncIterator[InMemoryDocumentStore]:
    """A store in memory."""
    async with InMemoryDocumentStore() as opened:
        yield opened


@pytest.fixture
async def products(store: InMemoryDocumentStore) -> Products:
    """A repository with four products."""
    repository = Products(store)
    await repository.save_many(WARES)
    return repository


def ids(found: list[Product]) -> list[str]:
    """What was found, in short."""
    return [product.id for product in found]


async def test_a_repository_is_made_before_the_store_is_connected() -> None:
    """It may be used from then on."""
    store = InMemoryDocumentStore()
    products = Products(store)

    with pytest.raises(StoreNotConnectedError):
        await products.get("a")
    async with store:
        assert await products.get("a") is None


def test_a_repository_keeps_the_contract() -> None:
    """Also at run time."""
    repository = Products(InMemoryDocumentStore())

    assert isinstance(repository, DocumentRepositoryProtocol)
    assert repr(repository) == "<Products of 'products'>"
    assert repository.collection.name == "products"


@pytest.mark.parametrize(
    ("made", "name"),
    [
        (lambda store: DocumentRepository(store, entity=Product), "products"),
        (lambda store: DocumentRepository(store, entity=Product, collection_name="wares"), "wares"),
        (lambda store: Products(store, collection_name="other"), "other"),
        (lambda store: Parts(store), "parts"),
    ],
)
def test_the_collection_is_the_one_that_is_named(made: Any, name: str) -> None:
    """By the argument, else by the class, else by the entity."""
    assert made(InMemoryDocumentStore()).collection.name == name


async def test_a_generic_base_may_stand_between(store: InMemoryDocumentStore) -> None:
    """Its type argument is found all the same."""

    class Base(DocumentRepository[T, str], Generic[T]):
        async def named(self, name: str) -> T | None:
            return await self.find_one({"name": name})

    class Own(Base[Product]):
        pass

    repository = Own(store)
    await repository.save(WARES[0])

    assert await repository.named("Anvil") == WARES[0]


class Raw:
    """A class that pydantic does not map."""

    def __init__(self, key: str, size: int) -> None:
        self.key = key
        self.size = size


class Raws(DocumentRepository[Raw, str]):
    """A repository that maps its objects itself."""

    async def _document_to_entity(self, document: dict[str, Any]) -> Raw:
        return Raw(document["_id"], document["size"])

    async def _entity_to_document(self, entity: Raw) -> dict[str, Any]:
        return {"_id": entity.key, "size": entity.size}


async def test_a_subclass_may_map_its_objects_itself(store: InMemoryDocumentStore) -> None:
    """By the two documented methods, for any class; pydantic is not asked."""
    raws = Raws(store)

    saved = await raws.save(Raw("a", 1))

    assert (saved.key, saved.size) == ("a", 1)
    assert await raws.collection.find_one() == {"_id": "a", "size": 1}
    assert [raw.size for raw in await raws.list(id="a")] == [1]
    assert await raws.count(size=2) == 0
    with pytest.raises(TypeError, match="overrides both mapping methods"):
        await DocumentRepository._document_to_entity(raws, {})


async def test_a_subclass_may_override_one_of_the_methods(store: InMemoryDocumentStore) -> None:
    """The other one is made."""

    class Loud(DocumentRepository[Product, str]):
        async def _document_to_entity(self, document: dict[str, Any]) -> Product:
            return await super()._document_to_entity({**document, "name": document["name"].upper()})

    assert (await Loud(store).save(WARES[0])).name == "ANVIL"


@pytest.mark.parametrize(
    ("made", "said"),
    [
        (lambda store: DocumentRepository(store), "does not say in which collection"),
        (lambda store: DocumentRepository(store, entity=dict), "does not say in which collection"),
        (lambda store: DocumentRepository(store, collection_name="x"), "does not know the type of its objects"),
        (lambda store: DocumentRepository(store, entity=Raw), "Raw cannot be mapped"),
        (lambda store: DocumentRepository(store, entity=Product, versioned=True), "has no field 'version'"),
    ],
)
def test_a_repository_that_cannot_work_is_not_made(made: Any, said: str) -> None:
    """The error says what is missing and how to give it."""
    with pytest.raises(DocumentValidationError, match=said) as caught:
        made(InMemoryDocumentStore())

    assert caught.value.hint


async def test_an_object_is_read_by_its_id(products: Products) -> None:
    """Or there is none."""
    assert await products.get("a") == WARES[0]
    assert await products.get("z") is None


async def test_an_id_is_never_taken_for_a_condition(products: Products) -> None:
    """Ids come from outside."""
    dangerous: Any = {"$ne": None}

    assert await products.get(dangerous) is None
    assert await products.delete(dangerous) is False
    assert await products.count() == 4


@pytest.mark.parametrize("key", [7, 0, UUID(int=3), date(2026, 1, 1), Status.ACTIVE])
async def test_ids_have_types_of_their_own(store: InMemoryDocumentStore, key: Any) -> None:
    """Numbers (0 too), UUIDs, and what is stored as text."""

    @dataclass
    class Keyed:
        id: Any

    keyed: DocumentRepository[Any, Any] = DocumentRepository(store, entity=Keyed)

    await keyed.save(Keyed(key))

    found = await keyed.get(key)
    assert found is not None
    assert await keyed.delete(key)


async def test_keywords_are_equalities_of_attributes(products: Products) -> None:
    """With their values as the entity has them."""
    assert ids(await products.list(status=Status.RETIRED)) == ["c"]
    assert ids(await products.list(since=date(2025, 6, 1))) == ["c"]
    assert ids(await products.list(price=2, name="Dowel")) == ["d"]
    assert ids(await products.list(id="b")) == ["b"]
    assert ids(await products.list(tags=["iron"])) == ["b"]
    assert ids(await products.find_by_filter(FieldEq("status", Status.RETIRED) & FieldEq("id", "c"))) == ["c"]
    assert await products.count(price=2) == 2


async def test_a_keyword_with_operators_is_refused(products: Products) -> None:
    """It would be an equality with a document that has such a field."""
    with pytest.raises(NoSQLFilterError, match="price= takes a value") as caught:
        await products.list(price={"$gt": 1})

    assert "find_by_filter" in str(caught.value.hint)


async def test_list_has_a_limit_unless_told_otherwise(store: InMemoryDocumentStore) -> None:
    """A hundred objects; 0 is all."""
    products = Products(store)
    await products.save_many(Product(f"{number:03}", "x") for number in range(120))

    assert len(await products.list()) == 100
    assert len(await products.list(limit=0)) == 120
    assert ids(await products.list(118, sort="id")) == ["118", "119"]
    assert ids(await products.list(skip=1, limit=2, sort="id")) == ["001", "002"]


@pytest.mark.parametrize(
    ("sort", "expected"),
    [
        ([("price", 1), ("name", -1)], ["d", "b", "c", "a"]),
        ({"price": -1, "id": 1}, ["a", "c", "b", "d"]),
        ([("id", -1)], ["d", "c", "b", "a"]),
        ("name", ["a", "b", "c", "d"]),
        ({"$natural": -1}, ["d", "c", "b", "a"]),
    ],
)
async def test_an_order_speaks_of_attributes(products: Products, sort: Any, expected: list[str]) -> None:
    """In every form that collections take."""
    assert ids(await products.list(sort=sort)) == expected
    assert ids(await products.find_by_filter({}, sort=sort)) == expected
    first = await products.find_one(sort=sort)
    assert first is not None
    assert first.id == expected[0]
    page = await products.paginate(1, 2, sort=sort)
    assert ids(page.items) == expected[:2]


async def test_a_filter_is_whatever_describes_one(products: Products) -> None:
    """A mapping, a builder, a built query, a filter expression, nothing."""
    cheap: dict[str, Any] = {"price": {"$lt": 10}}
    builder = DocumentQueryBuilder().where_lt("price", 10)

    for given in (cheap, builder, builder.build(), FieldLt("price", 10)):
        assert sorted(ids(await products.find_by_filter(given))) == ["b", "d"]
        assert await products.count(given) == 2
        assert await products.exists(given)
        assert await products.distinct("name", given) == ["Bolt", "Dowel"]
        assert (await products.paginate(filter=given)).total == 2
        assert len((await products.find_page(filter=given)).items) == 2
    assert await products.count(None) == 4
    assert not await products.exists({"price": 3})
    assert await products.count(cheap, name="Bolt") == 1


@pytest.mark.parametrize("given", ["price", 5, ["price"]])
async def test_what_is_no_filter_is_refused(products: Products, given: Any) -> None:
    """By every method that takes one."""
    for method in (products.find_by_filter, products.count, products.exists, products.delete_by_filter):
        with pytest.raises(NoSQLFilterError, match="a filter is a mapping"):
            await method(given)


async def test_a_query_brings_its_order_and_limits(products: Products) -> None:
    """Arguments win over them."""
    dearest = DocumentQueryBuilder().sort_by("price", descending=True).skip(1).limit(1)

    assert ids(await products.find_by_filter(dearest)) == ["c"]
    assert ids(await products.find_by_filter(dearest, sort="name", skip=2, limit=2)) == ["c", "d"]
    assert await products.find_one(DocumentQueryBuilder().sort_by("price", descending=True)) == WARES[0]
    assert await products.count(DocumentQueryBuilder().limit(3)) == 3
    assert ids((await products.paginate(filter=DocumentQueryBuilder().sort_by("name", descending=True))).items) == [
        "d",
        "c",
        "b",
        "a",
    ]


async def test_what_a_query_brings_and_a_method_cannot_use_is_refused(products: Products) -> None:
    """Rather than left aside."""
    with pytest.raises(QueryOptionError, match="selects fields"):
        await products.find_by_filter(DocumentQueryBuilder().select("name"))
    with pytest.raises(QueryOptionError, match="takes a page and a size"):
        await products.paginate(filter=DocumentQueryBuilder().limit(1))
    with pytest.raises(QueryOptionError, match="takes a size"):
        await products.find_page(filter=DocumentQueryBuilder().limit(1))
    with pytest.raises(QueryOptionError, match="takes a filter only"):
        await products.delete_by_filter(DocumentQueryBuilder().limit(1))


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        (FieldEq("status", Status.RETIRED), ["c"]),
        (FieldEq("id", "b"), ["b"]),
        (FieldIn("id", ("a", "d")) & FieldGte("price", 50), ["a"]),
        (FieldContains("name", "ol") | FieldContains("tags", "heavy"), ["a", "b"]),
        (~FieldGte("since", date(2026, 1, 1)), ["c"]),
    ],
)
async def test_a_specification_selects_what_satisfies_it(products: Products, spec: Any, expected: list[str]) -> None:
    """By the names and values of the entity, as in memory."""
    found = await products.find_by_spec(spec)

    assert sorted(ids(found)) == expected
    assert sorted(ware.id for ware in WARES if spec.is_satisfied_by(ware)) == expected


async def test_a_specification_of_ten_thousand_parts_is_a_query(products: Products) -> None:
    """Chains are flat."""
    spec: Any = FieldEq("id", "a")
    for number in range(10_000):
        spec |= FieldEq("price", number + 1_000)

    assert ids(await products.find_by_spec(spec)) == ["a"]


async def test_a_specification_of_ones_own_is_asked(products: Products) -> None:
    """For its filter, where it has one; else about every object."""

    class Cheap:
        def is_satisfied_by(self, candidate: Product) -> bool:
            return candidate.price < 10

    class Named(Cheap):
        def to_filter(self) -> dict[str, Any]:
            return {"name": "Anvil"}

    assert sorted(ids(await products.find_by_spec(Cheap()))) == ["b", "d"]  # type: ignore[arg-type]
    assert ids(await products.find_by_spec(Named())) == ["a"]  # type: ignore[arg-type]
    with pytest.raises(NoSQLFilterError, match="is no specification"):
        await products.find_by_spec({"price": 1})  # type: ignore[arg-type]


async def test_aliases_are_translated_everywhere_but_in_filters(store: InMemoryDocumentStore) -> None:
    """A filter speaks of documents."""
    parts = DocumentRepository(store, entity=Part)
    await parts.save_many([Part(_id="a", unitPrice=2), Part(_id="b", unitPrice=1)])

    assert [part.id for part in await parts.list(sort="unit_price")] == ["b", "a"]
    assert [part.id for part in await parts.list(unit_price=2)] == ["a"]
    assert [part.id for part in await parts.find_by_spec(FieldGte("unit_price", 2))] == ["a"]
    assert [part.id for part in await parts.find_by_filter({"unitPrice": 2})] == ["a"]
    assert await parts.distinct("unit_price") == [2, 1]


async def test_pages_by_number_count_everything(products: Products) -> None:
    """The id decides between equals, so that no page repeats what another holds."""
    first = await products.paginate(1, 2, sort="price")
    second = await products.paginate(2, 2, sort=[("price", 1)])
    beyond = await products.paginate(9, 2)

    assert (ids(first.items), first.total, first.page, first.size, first.has_next) == (["b", "d"], 4, 1, 2, True)
    assert (ids(second.items), second.has_next) == (["c", "a"], False)
    assert (beyond.items, beyond.total) == ([], 4)
    assert ids((await products.paginate(size=2)).items) == ["a", "b"]
    for page, size in ((0, 1), (1, 0), (-1, 1), (1.5, 1)):
        with pytest.raises(QueryOptionError):
            await products.paginate(page, size)  # type: ignore[arg-type]


async def test_pages_by_cursor_meet_every_object_once(products: Products) -> None:
    """Also when others come meanwhile; a token belongs to its query."""
    first = await products.find_page(size=3, sort=[("price", 1)])
    await products.save(Product("e", "Eyelet", 1))
    second = await products.find_page(first.next_cursor, 3, sort=[("price", 1)])

    assert ids(first.items) == ["b", "d", "c"]
    assert first.has_more
    assert ids(second.items) == ["a"]
    assert second.next_cursor is None
    assert second.has_previous
    with pytest.raises(PageTokenError):
        await products.find_page(first.next_cursor, 3, sort=[("price", -1)])


async def test_a_pipeline_is_written_either_way(products: Products) -> None:
    """Its output is plain documents."""
    grouped = AggregationPipeline().group("$price", count={"$sum": 1}).sort("count", descending=True).limit(1)

    assert await products.aggregate(grouped) == [{"_id": 2, "count": 2}]
    assert await products.aggregate([{"$match": {"price": 30}}, {"$project": {"name": 1}}]) == [
        {"_id": "c", "name": "Cable"}
    ]
    assert await products.aggregate([{"$documents": [{"x": 1}]}]) == [{"x": 1}]
    with pytest.raises(PipelineError):
        await products.aggregate("price")


async def test_a_document_that_does_not_fit_is_named(products: Products) -> None:
    """With its collection, its id and its fields."""
    await products.collection.insert_one({"_id": "x", "name": 5})

    with pytest.raises(DocumentValidationError, match="document 'x' is not a Product") as caught:
        await products.list()

    assert caught.value.collection == "products"
    assert caught.value.fields == ["name"]


async def test_a_keyword_that_contains_itself_is_refused(products: Products) -> None:
    """Before anything is asked."""
    circle: dict[str, Any] = {}
    circle["a"] = circle

    with pytest.raises(DocumentValidationError, match="contains itself"):
        await products.list(name=circle)

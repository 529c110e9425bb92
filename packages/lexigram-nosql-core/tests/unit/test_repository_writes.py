"""How a repository saves and deletes."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Annotated, Any

import pytest
from lexigram.nosql import DocumentQueryBuilder, DocumentStore
from lexigram.nosql.backends.memory import InMemoryDocumentStore
from lexigram.nosql.exceptions import (
    BulkWriteError,
    DocumentValidationError,
    DuplicateKeyError,
    NoSQLError,
)
from lexigram.nosql.repository import DocumentRepository
from pydantic import BaseModel, ConfigDict, Field


@dataclass(frozen=True)
class Product:
    """What is sold."""

    id: str = ""
    name: str = ""
    price: int = 0
    note: str | None = None
    at: datetime | None = None


class Products(DocumentRepository[Product, str]):
    """Its repository."""


@pytest.fixture
async def store() -> AsyncIterator[InMemoryDocumentStore]:
    """A store in memory."""
    async with InMemoryDocumentStore() as opened:
        yield opened


@pytest.fixture
def products(store: InMemoryDocumentStore) -> Products:
    """An empty repository."""
    return Products(store)


async def test_a_new_object_gets_an_id_and_is_returned_with_it(products: Products) -> None:
    """The object that was given is left as it was."""
    given = Product(name="Anvil")

    saved = await products.save(given)

    assert saved.id
    assert given.id == ""
    assert saved == replace(given, id=saved.id)
    assert await products.get(saved.id) == saved


async def test_what_is_returned_is_what_is_stored(products: Products) -> None:
    """Datetimes are in UTC and have milliseconds."""
    saved = await products.save(Product("a", at=datetime(2026, 1, 1, 0, 0, 0, 123456, UTC)))

    assert saved.at == datetime(2026, 1, 1, 0, 0, 0, 123000, UTC)
    assert await products.get("a") == saved


async def test_saving_again_changes_the_document(products: Products) -> None:
    """There is still one."""
    await products.save(Product("a", "Anvil", 1))
    await products.save(Product("a", "Anvil", 2))

    assert await products.list() == [Product("a", "Anvil", 2)]


async def test_saving_leaves_fields_alone_that_the_entity_does_not_have(products: Products) -> None:
    """But None is a value, and is stored."""
    await products.collection.insert_one({"_id": "a", "name": "x", "note": "old", "weight": 5})

    await products.save(Product("a", "Anvil", note=None))

    assert await products.collection.find_one({"_id": "a"}) == {
        "_id": "a",
        "name": "Anvil",
        "note": None,
        "weight": 5,
        "price": 0,
        "at": None,
    }


async def test_what_could_not_be_read_again_is_not_stored(store: InMemoryDocumentStore) -> None:
    """An object is validated before it is written."""

    class Checked(BaseModel):
        id: str = ""
        size: int = 0

    checked = DocumentRepository(store, entity=Checked)
    wrong = Checked.model_construct(id="a", size="many")

    @dataclass
    class Bounded:
        id: str
        size: Annotated[int, Field(ge=0)] = 0

    bounded = DocumentRepository(store, entity=Bounded)

    with pytest.raises(DocumentValidationError, match="size: expected int, found str"):
        await checked.save(wrong)
    for identity in ("a", ""):
        with pytest.raises(DocumentValidationError, match="size: Input should be greater") as caught:
            await bounded.save(Bounded(identity, -1))
        assert caught.value.hint is None
    assert await checked.count() + await bounded.count() == 0


async def test_an_id_is_made_in_the_type_that_the_entity_has(store: InMemoryDocumentStore) -> None:
    """So the object is found by the id that it has."""

    @dataclass
    class Keyed:
        id: uuid.UUID | None = None

    keyed: DocumentRepository[Any, Any] = DocumentRepository(store, entity=Keyed)

    saved = await keyed.save(Keyed())
    (many,) = await keyed.save_many([Keyed()])

    assert isinstance(saved.id, uuid.UUID)
    assert await keyed.get(saved.id) == saved
    assert await keyed.get(many.id) == many


async def test_no_id_is_made_for_an_entity_that_numbers_its_own(store: InMemoryDocumentStore) -> None:
    """Nothing is stored, and the error says what to do."""

    @dataclass
    class Numbered:
        id: int | None = None

    numbered: DocumentRepository[Any, int] = DocumentRepository(store, entity=Numbered)

    with pytest.raises(DocumentValidationError) as caught:
        await numbered.save(Numbered())

    assert "Give the object an id" in str(caught.value.hint)
    assert await numbered.count() == 0
    assert (await numbered.save(Numbered(0))).id == 0


async def test_another_field_may_hold_the_id(store: InMemoryDocumentStore) -> None:
    """The document has an ``_id`` beside it, which the entity need not know."""

    class Item(BaseModel):
        model_config = ConfigDict(extra="ignore")
        sku: str = ""
        name: str = ""

    class Items(DocumentRepository[Item, str]):
        id_field = "sku"
        id_attribute = "sku"

    items = Items(store)
    await items.save(Item(sku="a", name="A"))
    await items.save(Item(sku="a", name="B"))
    made = await items.save(Item(name="C"))
    await items.save_many([Item(sku="a", name="D"), Item(sku="b"), Item()])

    assert await items.get("a") == Item(sku="a", name="D")
    assert await items.get(made.sku) == made
    assert await items.count() == 4
    assert all(document["_id"] != document["sku"] for document in await items.collection.find().to_list())
    assert [item.sku for item in (await items.paginate(size=2)).items] == sorted(
        item.sku for item in await items.list()
    )[:2]
    assert await items.delete("a")


async def test_an_entity_may_have_the_documents_id_beside_its_own(store: InMemoryDocumentStore) -> None:
    """It is used when the document is made; None is no id."""

    @dataclass
    class Item:
        sku: str
        _id: str | None = None
        name: str = ""

    class Items(DocumentRepository[Any, str]):
        id_field = "sku"
        id_attribute = "sku"

    items: DocumentRepository[Any, str] = Items(store, entity=Item)

    await items.save(Item("a", _id="native"))
    await items.save(Item("a", _id="other", name="x"))
    await items.save(Item("", _id=None))

    found = await items.collection.find({}, sort=[("sku", -1)]).to_list()
    assert found[0] == {"_id": "native", "sku": "a", "name": "x"}
    assert found[1]["_id"]


async def test_an_entity_of_nothing_but_an_id_is_saved(store: InMemoryDocumentStore) -> None:
    """Twice, too."""

    @dataclass
    class Mark:
        id: str

    marks = DocumentRepository(store, entity=Mark)

    await marks.save(Mark("a"))
    await marks.save(Mark("a"))
    await marks.save_many([Mark("a"), Mark("b")])

    assert await marks.count() == 2


@pytest.mark.parametrize("name", ["a.b", "$set", ""])
async def test_a_name_that_an_update_would_misread_is_refused(store: InMemoryDocumentStore, name: str) -> None:
    """Since it might come from outside, and go elsewhere."""

    class Open(BaseModel):
        model_config = ConfigDict(extra="allow")
        id: str

    opened = DocumentRepository(store, entity=Open)

    with pytest.raises(DocumentValidationError, match="cannot be the name of a field") as caught:
        await opened.save(Open(id="x", **{name: 1}))

    assert caught.value.path == name
    assert await opened.count() == 0


async def test_many_are_saved_in_one_bulk_and_returned_in_order(
    store: InMemoryDocumentStore, products: Products
) -> None:
    """New, known and changed ones together."""

    await products.save(Product("b", "old"))
    operations = products.collection.bulk_write
    calls: list[int] = []

    async def counted(*args: Any, **kwargs: Any) -> Any:
        calls.append(len(args[0]))
        return await operations(*args, **kwargs)

    products.collection.bulk_write = counted  # type: ignore[method-assign]
    saved = await products.save_many([Product(name="1"), Product("b", "2"), Product(name="3"), Product("d", "4")])

    assert calls == [4]
    assert [product.name for product in saved] == ["1", "2", "3", "4"]
    assert [product.id for product in saved][1::2] == ["b", "d"]
    assert [await products.get(product.id) for product in saved] == saved
    assert await products.count() == 4


async def test_saving_nothing_does_nothing(products: Products) -> None:
    """Any iterable will do, also an empty one."""
    assert await products.save_many([]) == []
    assert len(await products.save_many(Product(str(number)) for number in range(3))) == 3


async def test_all_objects_are_mapped_before_the_first_is_written(products: Products) -> None:
    """The error says which could not be."""
    wrong: Any = Product("b", price="much")  # type: ignore[arg-type]

    with pytest.raises(DocumentValidationError, match="price: expected int, found str") as caught:
        await products.save_many([Product("a"), wrong])

    assert caught.value.entity_index == 1
    assert await products.count() == 0


async def test_a_bulk_that_fails_says_which_object_it_was(products: Products) -> None:
    """Those before it are stored, those behind it are not."""
    await products.collection.create_index([("name", 1)], unique=True)
    await products.save(Product("x", "taken"))

    with pytest.raises(BulkWriteError) as caught:
        await products.save_many([Product("a", "free"), Product("b", "taken"), Product("c", "more")])

    assert isinstance(caught.value, DuplicateKeyError)
    assert caught.value.entity_index == 1
    assert caught.value.document_id == "b"
    assert caught.value.failures[0].index == 1
    assert await products.distinct("id") == ["x", "a"]


async def test_an_object_of_ten_megabytes_is_stored(products: Products) -> None:
    """How large a document may be is the backend's to say."""
    large = await products.save(Product("a", "x" * 10_000_000))

    assert await products.get("a") == large


async def test_a_unique_index_holds_for_saves(products: Products) -> None:
    """The error is the collection's."""
    await products.collection.create_index([("name", 1)], unique=True)
    await products.save(Product("a", "x"))

    with pytest.raises(DuplicateKeyError):
        await products.save(Product("b", "x"))


async def test_objects_are_deleted_by_id_and_by_filter(products: Products) -> None:
    """And how many there were is told."""
    await products.save_many([Product(name, price=number) for number, name in enumerate("abcdef")])

    assert await products.delete("a")
    assert not await products.delete("a")
    assert await products.delete_many(["b", "c", "z"]) == 2
    assert await products.delete_many([]) == 0
    assert await products.delete_by_filter(DocumentQueryBuilder().where_gte("price", 5)) == 1
    assert await products.distinct("id") == ["d", "e"]
    assert await products.delete_by_filter({}) == 2


async def test_text_is_no_list_of_ids(products: Products) -> None:
    """Its letters would be."""
    with pytest.raises(DocumentValidationError, match="takes a list of ids"):
        await products.delete_many("abc")


async def test_repositories_join_the_transaction_of_the_task(store: InMemoryDocumentStore, products: Products) -> None:
    """Without being told; a rollback takes everything back."""
    await products.save(Product("a", "Anvil"))

    async def work() -> None:
        async with store.transaction():
            await products.save(Product("a", "changed"))
            await products.save_many([Product("b"), Product("c")])
            await products.delete("a")
            assert await products.count() == 2
            raise RuntimeError("changed our mind")

    with pytest.raises(RuntimeError, match="changed our mind"):
        await work()
    assert await products.list() == [Product("a", "Anvil")]
    async with store.transaction():
        await products.save(Product("b"))
    assert await products.count() == 2


async def test_saves_of_one_object_at_once_leave_one_document(products: Products) -> None:
    """Each of a hundred tasks succeeds."""
    await asyncio.gather(*(products.save(Product("a", price=number)) for number in range(100)))

    assert await products.count() == 1


async def test_a_store_of_another_kind_will_do(store: InMemoryDocumentStore) -> None:
    """Only the protocol is asked for."""

    class Wrapped:
        def collection(self, name: str) -> Any:
            return store.collection(name)

    wrapped: Any = Wrapped()
    products = Products(wrapped)

    assert not isinstance(wrapped, DocumentStore)
    assert (await products.save(Product(name="x"))).id


async def test_what_comes_back_shares_nothing_with_what_was_given(store: InMemoryDocumentStore) -> None:
    """Lists and mappings are copied, whoever maps."""

    @dataclass
    class Bag:
        id: str
        things: list[Any] = field(default_factory=list)

    class Bags(DocumentRepository[Bag, str]):
        async def _document_to_entity(self, document: dict[str, Any]) -> Bag:
            return Bag(document.pop("_id"), document["things"])

        async def _entity_to_document(self, entity: Bag) -> dict[str, Any]:
            return {"_id": entity.id, "things": entity.things}

    bags = Bags(store)
    given = Bag("a", [1, [2]])

    saved = await bags.save(given)
    saved.things[1].append(3)

    assert given == Bag("a", [1, [2]])
    assert await bags.get("a") == given


async def test_a_mapping_of_ones_own_may_fail_in_its_own_way(store: InMemoryDocumentStore) -> None:
    """What it gives is checked like any document."""

    class Odd(DocumentRepository[Any, str]):
        collection_name = "odd"

        async def _document_to_entity(self, document: dict[str, Any]) -> Any:
            return document

        async def _entity_to_document(self, entity: Any) -> dict[str, Any]:
            return {"_id": "a", "value": entity}

    with pytest.raises(NoSQLError) as caught:
        await Odd(store).save({1, 2})

    assert isinstance(caught.value, DocumentValidationError)
    assert caught.value.path == "value"

"""Faults that were met once, each as small as it became."""

from __future__ import annotations

import base64
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
from lexigram.contracts.exceptions.config import ConfigurationError
from lexigram.nosql import BulkWriteError, InsertOne, NoSQLError, NoSQLModule, UpdateOne
from lexigram.nosql.backends.memory import InMemoryDocumentStore, MemoryConfig
from lexigram.nosql.collection import Collection
from lexigram.nosql.config import NoSQLConfig
from lexigram.nosql.exceptions import DocumentTooLargeError, QueryOptionError, ScanDeniedError


@pytest.fixture
async def store() -> AsyncIterator[InMemoryDocumentStore]:
    """An open store that denies scans."""
    async with InMemoryDocumentStore(MemoryConfig(scan_policy="deny")) as opened:
        yield opened


async def test_ids_of_a_bulk_are_copies(store: InMemoryDocumentStore) -> None:
    """Changing an id that a bulk returned, or its error, leaves the stored document as it is."""
    items = store.collection("items")
    result = await items.bulk_write([InsertOne({"_id": {"k": 1}})])
    result.inserted_ids[0]["k"] = "changed"
    with pytest.raises(BulkWriteError) as caught:
        await items.bulk_write([InsertOne({"_id": {"k": 2}}), InsertOne({"_id": {"k": 1}})])
    caught.value.result.inserted_ids[0]["k"] = "changed"

    assert await items.find().to_list() == [{"_id": {"k": 1}}, {"_id": {"k": 2}}]


@pytest.mark.parametrize("sort", [[("a", 1)], [("_id", -1)]])
async def test_an_order_does_not_carry_a_filter_past_the_scan_policy(
    store: InMemoryDocumentStore, sort: list[tuple[str, int]]
) -> None:
    """An index that only gives the order still reads everything for the filter."""
    items = store.collection("items")
    await items.create_index("a")

    with pytest.raises(ScanDeniedError):
        await items.find({"b": 1}, sort=sort).to_list()
    with pytest.raises(ScanDeniedError):
        await items.find_page({"b": 1}, sort=sort)
    assert await items.find({"a": {"$gt": 0}}, sort=sort).to_list() == []
    assert await items.find(sort=[("a", 1)], limit=1).to_list() == []


def deep() -> Any:
    """A list of 10,000 levels."""
    value: Any = 1
    for _ in range(10_000):
        value = [value]
    return value


@pytest.mark.parametrize(
    "call",
    [
        lambda items, value: items.watch([value]),
        lambda items, value: items.find(hint=value),
        lambda items, value: items.create_index(value),
        lambda items, value: items.create_index([value]),
        lambda items, value: items.create_index([("a", value)]),
        lambda items, value: items.create_index("a", name=value),
        lambda items, value: items.create_index("a", unique=value),
        lambda items, value: items.distinct(value),
        lambda items, value: items.drop_index(value),
        lambda items, value: items.find_one(session=value),
    ],
)
async def test_deep_arguments_are_refused_briefly(
    store: InMemoryDocumentStore, call: Callable[[Collection, Any], Any]
) -> None:
    """An argument of any depth is an error of ours whose text stays short."""
    with pytest.raises(NoSQLError) as caught:
        await call(store.collection("items"), deep())

    assert len(str(caught.value)) < 500


async def test_choices_are_true_or_false(store: InMemoryDocumentStore) -> None:
    """A text that happens to be true is not taken for a choice."""
    items = store.collection("items")
    unclear: Any = "before"

    for attempt in (
        items.find_one_and_update({"_id": 1}, {"$set": {"a": 1}}, return_document=unclear),
        items.update_one({"_id": 1}, {"$set": {"a": 1}}, upsert=unclear),
        items.update_many({"_id": 1}, {"$set": {"a": 1}}, upsert=unclear),
        items.insert_many([{}], ordered=unclear),
        items.bulk_write([InsertOne({})], ordered=unclear),
        items.bulk_write([UpdateOne({"_id": 1}, {"$set": {"a": 1}}, upsert=unclear)]),
    ):
        with pytest.raises(QueryOptionError, match="is True or False, not 'before'"):
            await attempt
    assert await items.count_documents() == 0


async def test_a_page_token_shows_no_values(store: InMemoryDocumentStore) -> None:
    """What a token carries cannot be read from it."""
    items = store.collection("items")
    await items.create_index([("name", 1), ("_id", 1)])
    await items.insert_many([{"name": "secret-a"}, {"name": "secret-b"}])

    page = await items.find_page(sort=[("name", 1)], size=1)

    token = page.next_cursor or ""
    raw = base64.urlsafe_b64decode(token + "=" * (-len(token) % 4))
    assert b"secret" not in raw
    following = await items.find_page(sort=[("name", 1)], size=1, token=token)
    assert [item["name"] for item in following.items] == ["secret-b"]


async def test_names_that_were_used_once_do_not_stay(store: InMemoryDocumentStore) -> None:
    """A handle lives as long as somebody holds it, and is the same one until then."""
    held = store.collection("held")
    for number in range(100):
        store.collection(f"once-{number}")

    assert store.collection("held") is held
    assert len(store._collections) == 1


@pytest.mark.parametrize("wrong", [{"driver": 5}, {"drver": "memory"}])
def test_a_mapping_for_the_module_is_checked_like_a_section(wrong: dict[str, Any]) -> None:
    """``configure`` with a mapping raises what loading a file raises."""
    with pytest.raises(ConfigurationError):
        NoSQLModule.configure(wrong)


def test_a_driver_beside_several_backends_is_refused() -> None:
    """A setting that would be ignored is an error."""
    with pytest.raises(ValueError, match="neither `driver` nor a backend's section"):
        NoSQLConfig.model_validate({"driver": "memory", "backends": [{"name": "a", "driver": "memory"}]})


async def test_a_memory_store_refuses_documents_above_the_limit_that_it_was_given() -> None:
    """As MongoDB does at 16 MiB: in every way in, before anything changes; without a limit nothing is counted."""
    async with InMemoryDocumentStore(MemoryConfig(max_document_bytes=1000)) as store:
        things = store.collection("things")
        await things.insert_one({"_id": 1, "text": "x" * 900})
        for write in (
            lambda: things.insert_one({"_id": 2, "text": "x" * 1000}),
            lambda: things.insert_many([{"_id": 3}, {"_id": 4, "text": "x" * 1000}]),
            lambda: things.update_one({"_id": 1}, {"$set": {"more": "x" * 200}}),
            lambda: things.replace_one({"_id": 1}, {"text": "x" * 1000}),
            lambda: things.aggregate([{"$set": {"more": "x" * 200}}, {"$out": "others"}]).to_list(),
        ):
            with pytest.raises(DocumentTooLargeError):
                await write()
        assert await things.find({"_id": {"$in": [1, 2, 4]}}).to_list() == [{"_id": 1, "text": "x" * 900}]
    async with InMemoryDocumentStore() as store:
        await store.collection("things").insert_one({"text": "x" * 2**20})

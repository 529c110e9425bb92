"""Indexes of a real server, in portable form, and what the server says of its plans."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from lexigram.nosql.backends.mongodb import MongoDBDocumentStore
from lexigram.nosql.exceptions import DuplicateKeyError, NoSQLIndexError, ScanDeniedError
from mongodb.known_faults import lacks_text_indexes
from servers import Server

INDEXES: dict[str, tuple[Any, dict[str, Any], dict[str, Any]]] = {
    "single": ("a", {}, {"key": {"a": 1}, "name": "a_1"}),
    "compound": ([("a", 1), ("b.c", -1)], {}, {"key": {"a": 1, "b.c": -1}, "name": "a_1_b.c_-1"}),
    "unique": ("a", {"unique": True, "name": "one"}, {"key": {"a": 1}, "name": "one", "unique": True}),
    "sparse": ("a", {"sparse": True}, {"key": {"a": 1}, "name": "a_1", "sparse": True}),
    "partial": (
        "a",
        {"partial_filter": {"b": {"$gt": 1}}},
        {"key": {"a": 1}, "name": "a_1", "partialFilterExpression": {"b": {"$gt": 1}}},
    ),
    "expiring": ("at", {"expire_after_seconds": 60}, {"key": {"at": 1}, "name": "at_1", "expireAfterSeconds": 60}),
    "wildcard": ("$**", {}, {"key": {"$**": 1}, "name": "$**_1"}),
    "wildcard below": ("a.$**", {}, {"key": {"a.$**": 1}, "name": "a.$**_1"}),
}


@pytest.mark.parametrize(("keys", "options", "expected"), INDEXES.values(), ids=INDEXES)
async def test_an_index_comes_back_as_it_was_made(
    store: MongoDBDocumentStore, keys: Any, options: dict[str, Any], expected: dict[str, Any]
) -> None:
    """And making it again is no error."""
    things = store.collection("things")

    name = await things.create_index(keys, **options)
    again = await things.create_index(keys, **options)

    assert name == again == expected["name"]
    assert await things.list_indexes() == [
        {"v": 2, "key": {"_id": 1}, "name": "_id_"},
        {"v": 2, **expected},
    ]
    await things.drop_index(name)
    assert len(await things.list_indexes()) == 1


async def test_a_collation_comes_back_as_it_was_made(store: MongoDBDocumentStore) -> None:
    """The server writes its defaults out; making the index again is no error all the same."""
    things = store.collection("things")
    collation = {"locale": "en", "strength": 2}

    await things.create_index("name", unique=True, collation=collation)
    await things.create_index("name", unique=True, collation=collation)

    shown = (await things.list_indexes())[1]["collation"]
    assert {"locale": shown["locale"], "strength": shown["strength"]} == collation
    with pytest.raises(NoSQLIndexError):
        await things.create_index("name", unique=True, collation={"locale": "en", "strength": 1})


async def test_a_text_index_comes_back_by_its_fields(store: MongoDBDocumentStore, mongodb_server: Server) -> None:
    """Not by what the server keeps of them."""
    if lacks_text_indexes(mongodb_server.product):
        with pytest.raises(NoSQLIndexError):
            await store.collection("things").create_index([("title", "text")])
        return
    things = store.collection("things")
    await things.create_index([("title", "text"), ("body", "text")])
    await things.insert_many([{"_id": 1, "title": "a coffee shop"}, {"_id": 2, "body": "tea only"}])

    assert set((await things.list_indexes())[1]["key"]) == {"title", "body"}
    assert await things.find({"$text": {"$search": "coffee"}}).to_list() == [{"_id": 1, "title": "a coffee shop"}]


async def test_a_unique_index_over_duplicates_says_which(store: MongoDBDocumentStore) -> None:
    """It is not made."""
    things = store.collection("things")
    await things.insert_many([{"a": 1}, {"a": 1}])

    with pytest.raises(DuplicateKeyError):
        await things.create_index("a", unique=True)

    assert len(await things.list_indexes()) == 1


@pytest.mark.timeout(120)
async def test_a_document_expires(store: MongoDBDocumentStore) -> None:
    """The server looks once a minute."""
    things = store.collection("things")
    await things.create_index("at", expire_after_seconds=1)
    now = datetime.now(UTC)
    await things.insert_many([{"_id": "old", "at": now - timedelta(hours=1)}, {"_id": "new", "at": now}])

    async with asyncio.timeout(100), things.watch([{"$match": {"operationType": "delete"}}]) as feed:
        event = await anext(feed)

    assert event.document_id in ("old", "new")


PLANS: dict[str, tuple[dict[str, Any], Any, tuple[str, str | None]]] = {
    "key": ({"_id": 3}, None, ("key", "_id_")),
    "index": ({"a": 3}, None, ("index", "a_1")),
    "range": ({"a": {"$gt": 3}}, None, ("index", "a_1")),
    "scan": ({"b": 3}, None, ("scan", None)),
    "order": ({}, [("a", -1)], ("index", "a_1")),
}


@pytest.mark.parametrize(("filter", "sort", "expected"), PLANS.values(), ids=PLANS)
async def test_the_plan_says_what_the_server_does(
    store: MongoDBDocumentStore, filter: dict[str, Any], sort: Any, expected: tuple[str, str | None]
) -> None:
    """The server is asked, and counts what it looks at once the read has run."""
    things = store.collection("things")
    await things.create_index("a")
    await things.insert_many([{"_id": number, "a": number, "b": number} for number in range(20)])

    cursor = things.find(filter, sort=sort)
    found = await cursor.to_list()
    plan = await cursor.explain()

    assert (plan.access.kind, plan.access.index) == expected
    assert plan.documents_returned == len(found)
    assert plan.documents_examined == (20 if expected[0] == "scan" else len(found))
    assert plan.server


async def test_a_denied_scan_names_the_index_that_would_serve(open_store: Any) -> None:
    """Once it is there, the same request runs; also after a reconnect, and with an index that somebody else made."""
    store = await open_store(scan_policy="deny")
    things = store.collection("things")
    await things.insert_one({"_id": 1, "a": 1, "b": 2})

    with pytest.raises(ScanDeniedError) as caught:
        await things.find({"a": 1}).to_list()
    assert caught.value.suggested_index == (("a", 1),)

    await things.create_index(list(caught.value.suggested_index))
    assert await things.find({"a": 1}).to_list() == [{"_id": 1, "a": 1, "b": 2}]
    await store.native["things"].create_index("b")
    again = await open_store(scan_policy="deny")
    assert await again.collection("things").find({"b": 2}).to_list() == [{"_id": 1, "a": 1, "b": 2}]


async def test_a_hint_that_names_no_index_is_refused(store: MongoDBDocumentStore) -> None:
    """With those that there are."""
    things = store.collection("things")
    await things.create_index("a")
    await things.insert_one({"a": 1})

    with pytest.raises(NoSQLIndexError, match="no index") as caught:
        await things.find({"a": 1}, hint="b_1").to_list()
    for call in (
        things.find_one({"a": 1}, hint=[("b", 1)]),
        things.count_documents({"a": 1}, hint="b_1"),
        things.aggregate([{"$match": {"a": 1}}], hint="b_1").to_list(),
        things.find({"a": 1}, hint="b_1").explain(),
        things.update_one({"a": 1}, {"$set": {"c": 1}}, hint="b_1"),
        things.delete_one({"a": 1}, hint="b_1"),
    ):
        with pytest.raises(NoSQLIndexError):
            await call

    assert "a_1" in (caught.value.hint or "")
    assert len(await things.find({"a": 1}, hint="a_1").to_list()) == 1

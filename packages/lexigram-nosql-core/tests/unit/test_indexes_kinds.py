"""What indexes promise: unique, sparse, partial, compound, multikey, expiring, text, collated."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from lexigram.nosql.backends.memory import InMemoryDocumentStore, MemoryConfig
from lexigram.nosql.collection import Collection
from lexigram.nosql.exceptions import (
    DuplicateKeyError,
    NoSQLError,
    NoSQLFilterError,
    NoSQLIndexError,
    QueryOptionError,
    UnsupportedFeatureError,
)
from lexigram.nosql.indexes import ID_INDEX, IndexSpec, parse_index
from lexigram.nosql.testing.minimal import MinimalDocumentStore


async def names(collection: Collection) -> list[str]:
    return [index["name"] for index in await collection.list_indexes()]


async def test_indexes_are_listed_in_mongodbs_form(kept: Collection) -> None:
    """With what they were made with, the one on _id first."""
    partial = {"n": {"$gt": 5}}
    assert await kept.create_index("a") == "a_1"
    assert await kept.create_index([("a", 1), ("b", -1)], unique=True) == "a_1_b_-1"
    assert await kept.create_index({"c.d": 1}, name="mine", sparse=True) == "mine"
    assert await kept.create_index("n", partial_filter=partial) == "n_1"
    assert await kept.create_index("at", expire_after_seconds=60) == "at_1"
    assert await kept.create_index([("t", "text")]) == "t_text"
    assert await kept.create_index("l", collation={"locale": "en", "strength": 2}) == "l_1"
    partial["n"] = 5  # type: ignore[assignment]
    listed = await kept.list_indexes()
    assert listed == [
        {"v": 2, "key": {"_id": 1}, "name": "_id_"},
        {"v": 2, "key": {"a": 1}, "name": "a_1"},
        {"v": 2, "key": {"a": 1, "b": -1}, "name": "a_1_b_-1", "unique": True},
        {"v": 2, "key": {"c.d": 1}, "name": "mine", "sparse": True},
        {"v": 2, "key": {"n": 1}, "name": "n_1", "partialFilterExpression": {"n": {"$gt": 5}}},
        {"v": 2, "key": {"at": 1}, "name": "at_1", "expireAfterSeconds": 60},
        {"v": 2, "key": {"t": "text"}, "name": "t_text"},
        {"v": 2, "key": {"l": 1}, "name": "l_1", "collation": {"locale": "en", "strength": 2}},
    ]
    listed[4]["partialFilterExpression"].clear()
    assert (await kept.list_indexes())[4]["partialFilterExpression"] == {"n": {"$gt": 5}}


async def test_an_index_that_is_there_is_found_again(kept: Collection) -> None:
    """The same one, under the name it has."""
    assert await kept.create_index("a", name="first") == "first"
    assert await kept.create_index("a") == "first"
    assert await kept.create_index("a", name="first") == "first"
    assert await kept.create_index("_id") == "_id_"
    assert await kept.create_index([("_id", 1)], unique=True) == "_id_"
    assert await names(kept) == ["_id_", "first"]


async def test_indexes_that_conflict_are_refused(kept: Collection) -> None:
    """With MongoDB's codes."""
    await kept.create_index("a")
    for options, code in (
        ({"keys": "a", "unique": True}, 86),
        ({"keys": "b", "name": "a_1"}, 86),
        ({"keys": "a", "name": "other"}, 85),
        ({"keys": "a", "name": "other", "expire_after_seconds": 5}, 85),
    ):
        with pytest.raises(NoSQLIndexError) as caught:
            await kept.create_index(**options)  # type: ignore[arg-type]
        assert caught.value.mongo_code == code
        assert caught.value.hint
    assert await kept.create_index("a", name="unique", unique=True) == "unique"
    assert await kept.create_index("a", name="some", partial_filter={"a": {"$gt": 1}}) == "some"
    assert await names(kept) == ["_id_", "a_1", "unique", "some"]


async def test_an_index_that_expires_otherwise_is_the_same_index_with_other_options(kept: Collection) -> None:
    """So it has the code of options that conflict, not that of a name."""
    await kept.create_index("a", expire_after_seconds=60)
    for options in ({}, {"expire_after_seconds": 61}, {"name": "other"}):
        with pytest.raises(NoSQLIndexError) as caught:
            await kept.create_index("a", **options)  # type: ignore[arg-type] - options of several types
        assert caught.value.mongo_code == 85


@pytest.mark.parametrize(
    ("keys", "options", "code"),
    [
        ([("_id", -1)], {}, 2),
        ("_id", {"sparse": True}, 197),
        ("_id", {"partial_filter": {"a": 1}}, 197),
        ("_id", {"collation": {"locale": "en"}}, 197),
        ("a", {"name": "_id_"}, 2),
        ("a", {"name": "*"}, 2),
    ],
)
async def test_the_index_on_ids_is_only_what_it_is(
    kept: Collection, keys: Any, options: dict[str, Any], code: int
) -> None:
    """No other index on ``_id`` alone is made, and none takes its name."""
    with pytest.raises(NoSQLIndexError) as caught:
        await kept.create_index(keys, **options)
    assert caught.value.mongo_code == code
    assert await names(kept) == ["_id_"]


async def test_an_index_is_dropped_by_name(kept: Collection) -> None:
    """And used no longer; what is not there cannot be dropped."""
    await kept.create_index("a", unique=True)
    await kept.insert_one({"a": 1})
    await kept.drop_index("a_1")
    await kept.insert_one({"a": 1})
    assert await names(kept) == ["_id_"]
    assert (await kept.find({"a": 1}).explain()).full_scan
    with pytest.raises(NoSQLIndexError, match="no index 'a_1'") as caught:
        await kept.drop_index("a_1")
    assert caught.value.mongo_code == 27
    with pytest.raises(NoSQLIndexError) as caught:
        await kept.drop_index("_id_")
    assert caught.value.mongo_code == 72


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        ({"keys": []}, NoSQLIndexError),
        ({"keys": ""}, NoSQLIndexError),
        ({"keys": 5}, NoSQLIndexError),
        ({"keys": None}, NoSQLIndexError),
        ({"keys": [("a", 1), "b"]}, NoSQLIndexError),
        ({"keys": [("a", 1, 1)]}, NoSQLIndexError),
        ({"keys": [("a", 2)]}, NoSQLIndexError),
        ({"keys": [("a", True)]}, NoSQLIndexError),
        ({"keys": [("a", "hashed")]}, NoSQLIndexError),
        ({"keys": [("a", [])]}, NoSQLIndexError),
        ({"keys": [(5, 1)]}, NoSQLIndexError),
        ({"keys": "$**.a"}, NoSQLIndexError),
        ({"keys": "$*"}, NoSQLIndexError),
        ({"keys": "$**"}, UnsupportedFeatureError),
        ({"keys": "a.$**"}, UnsupportedFeatureError),
        ({"keys": "a..b"}, NoSQLIndexError),
        ({"keys": ".a"}, NoSQLIndexError),
        ({"keys": "a\0"}, NoSQLIndexError),
        ({"keys": [("a", 1), ("a", -1)]}, NoSQLIndexError),
        ({"keys": [(f"f{index}", 1) for index in range(33)]}, NoSQLIndexError),
        ({"keys": "a", "unique": 1}, NoSQLIndexError),
        ({"keys": "a", "sparse": "yes"}, NoSQLIndexError),
        ({"keys": "a", "name": ""}, NoSQLIndexError),
        ({"keys": "a", "name": 5}, NoSQLIndexError),
        ({"keys": "a", "name": "*"}, NoSQLIndexError),
        ({"keys": "a", "partial_filter": {"$foo": 1}}, NoSQLFilterError),
        ({"keys": "a", "partial_filter": 5}, NoSQLFilterError),
        ({"keys": "a", "partial_filter": {"a": 1}, "sparse": True}, NoSQLIndexError),
        ({"keys": "a", "expire_after_seconds": -1}, NoSQLIndexError),
        ({"keys": "a", "expire_after_seconds": float("nan")}, NoSQLIndexError),
        ({"keys": "a", "expire_after_seconds": "60"}, NoSQLIndexError),
        ({"keys": "a", "expire_after_seconds": True}, NoSQLIndexError),
        ({"keys": "a", "expire_after_seconds": 2**31}, NoSQLIndexError),
        ({"keys": [("a", 1), ("b", 1)], "expire_after_seconds": 5}, NoSQLIndexError),
        ({"keys": [("a", "text")], "expire_after_seconds": 5}, NoSQLIndexError),
        ({"keys": "a", "collation": {"locale": "xx"}}, QueryOptionError),
    ],
    ids=str,
)
async def test_what_is_no_index_is_refused(
    kept: Collection, arguments: dict[str, Any], error: type[NoSQLError]
) -> None:
    """A typed error; nothing is made."""
    with pytest.raises(error):
        await kept.create_index(**arguments)
    assert await names(kept) == ["_id_"]


@pytest.mark.parametrize(
    ("condition", "code"),
    [
        ({"a": {"$ne": 1}}, 67),
        ({"a": {"$exists": False}}, 67),
        ({"a": {"$not": {"$gt": 1}}}, 67),
        ({"a": {"$nin": [1]}}, 67),
        ({"a": {"$regex": "x"}}, 67),
        ({"a": {"$mod": [2, 0]}}, 67),
        ({"a": {"$size": 2}}, 67),
        ({"a": {"$elemMatch": {"$gt": 1}}}, 67),
        ({"$nor": [{"a": 1}]}, 67),
        ({"$or": [{"a": 1}, {"a": {"$ne": 1}}]}, 67),
        ({"$expr": {"$eq": ["$a", 1]}}, 224),
        ({"$jsonSchema": {"required": ["a"]}}, 224),
        ({"$text": {"$search": "x"}}, 2),
    ],
    ids=str,
)
def test_a_partial_index_takes_no_condition_that_says_what_a_document_is_not(condition: Any, code: int) -> None:
    """Nor one that no index could rely on."""
    with pytest.raises(NoSQLIndexError) as caught:
        parse_index("a", partial_filter=condition)
    assert caught.value.mongo_code == code


@pytest.mark.parametrize(
    "condition",
    [
        {},
        {"a": 1},
        {"a": None},
        {"a": {"$gte": 1, "$lt": 5}},
        {"a": {"$exists": True}},
        {"a": {"$type": "string"}},
        {"a": {"$in": [1, 2]}},
        {"$or": [{"a": 1}, {"$and": [{"b": 2}, {"c": {"$gt": 3}}]}]},
    ],
    ids=str,
)
def test_a_partial_index_takes_conditions_that_say_what_a_document_is(condition: Any) -> None:
    """Also nested, as since MongoDB 6.0."""
    assert parse_index("a", partial_filter=condition).partial_filter == condition


def test_an_index_description_is_plain_data() -> None:
    """Equal by value; 1.0 is 1."""
    assert parse_index([("a", 1.0)]) == IndexSpec((("a", 1),), "a_1")  # type: ignore[list-item]
    assert parse_index("a").fields == ("a",)
    assert parse_index("a", name="x").same_as(parse_index("a"))
    assert not parse_index("a", unique=True).same_as(parse_index("a"))
    one, true = parse_index("a", partial_filter={"b": 1}), parse_index("a", partial_filter={"b": True})
    assert one.same_as(parse_index("a", name="x", partial_filter={"b": 1.0}))
    assert not one.same_as(true)
    assert ID_INDEX.to_document() == {"v": 2, "key": {"_id": 1}, "name": "_id_"}


async def test_a_unique_index_refuses_a_second_key(kept: Collection) -> None:
    """On every way of writing; a missing field is null, which also stands once."""
    await kept.create_index("k", unique=True)
    await kept.insert_many([{"_id": 1, "k": 1}, {"_id": 2, "k": 2}, {"_id": 3}])
    for write in (
        lambda: kept.insert_one({"k": 1.0}),
        lambda: kept.insert_one({"k": None}),
        lambda: kept.insert_one({"x": 1}),
        lambda: kept.update_one({"_id": 2}, {"$set": {"k": 1}}),
        lambda: kept.replace_one({"_id": 2}, {"k": 1}),
        lambda: kept.update_one({"_id": 9}, {"$set": {"k": 1}}, upsert=True),
        lambda: kept.find_one_and_update({"_id": 2}, {"$unset": {"k": 1}}),
        lambda: kept.update_many({"_id": {"$gt": 1}}, {"$set": {"k": 1}}),
    ):
        with pytest.raises(DuplicateKeyError) as caught:
            await write()
        assert caught.value.index == "k_1"
        assert caught.value.key is not None
        assert list(caught.value.key) == ["k"]
    assert await kept.count_documents() == 3
    await kept.update_one({"_id": 1}, {"$set": {"k": 1, "x": 1}})
    await kept.delete_one({"_id": 2})
    await kept.insert_one({"k": 2})


async def test_a_unique_index_holds_for_arrays_and_compounds(kept: Collection) -> None:
    """By element; one document may hold an element twice; all fields together count."""
    await kept.create_index("tags", unique=True)
    await kept.insert_one({"_id": 1, "tags": ["a", "b", "a"]})
    with pytest.raises(DuplicateKeyError):
        await kept.insert_one({"tags": ["c", "b"]})
    await kept.insert_one({"_id": 2, "tags": []})
    with pytest.raises(DuplicateKeyError):
        await kept.insert_one({"tags": []})
    await kept.drop_index("tags_1")
    await kept.create_index([("a", 1), ("b", -1)], unique=True, partial_filter={"a": {"$exists": True}})
    await kept.insert_many([{"a": 1, "b": 1}, {"a": 1, "b": 2}, {"a": 1}, {"b": 2}, {"b": 2}])
    for document in ({"a": 1, "b": 2}, {"a": 1, "b": None}):
        with pytest.raises(DuplicateKeyError) as caught:
            await kept.insert_one(document)
        assert caught.value.key == document
    await kept.insert_one({"a": [{"x": 1}, {"x": 2}], "b": 1})


async def test_a_unique_index_over_elements_of_one_array_takes_them_together(kept: Collection) -> None:
    """The pairs that stand in elements, not every combination."""
    await kept.create_index([("l.a", 1), ("l.b", 1)], unique=True)
    await kept.insert_one({"l": [{"a": 1, "b": 1}, {"a": 2, "b": 2}]})
    await kept.insert_one({"l": [{"a": 1, "b": 2}]})
    with pytest.raises(DuplicateKeyError):
        await kept.insert_one({"l": [{"a": 2, "b": 2}]})


async def test_a_unique_index_on_duplicates_is_not_made(kept: Collection) -> None:
    """Nothing of it stays behind."""
    await kept.insert_many([{"k": 1}, {"k": 1}])
    with pytest.raises(DuplicateKeyError) as caught:
        await kept.create_index("k", unique=True)
    assert (caught.value.index, caught.value.key) == ("k_1", {"k": 1})
    assert caught.value.operation == "create_index"
    assert await names(kept) == ["_id_"]
    assert (await kept.find({"k": 1}).explain()).full_scan
    await kept.insert_one({"k": 1})
    assert await kept.create_index("k") == "k_1"
    assert await kept.count_documents({"k": 1}) == 3


async def test_an_index_on_what_cannot_be_indexed_is_not_made(kept: Collection) -> None:
    """Two arrays, or a number that is position and name."""
    await kept.insert_many([{"a": [1], "b": [2]}, {"c": [{"0": 1}]}])
    with pytest.raises(NoSQLIndexError) as caught:
        await kept.create_index([("a", 1), ("b", 1)])
    assert caught.value.mongo_code == 171
    with pytest.raises(NoSQLIndexError) as caught:
        await kept.create_index("c.0")
    assert caught.value.mongo_code == 16746
    assert await names(kept) == ["_id_"]
    await kept.create_index("b.0")
    assert (await kept.find({"b.0": 2}).explain()).access.index == "b.0_1"
    assert await kept.count_documents({"b.0": 2}) == 1


async def test_a_sparse_index_leaves_out_documents_without_the_field(kept: Collection) -> None:
    """So unique holds for those that have it; null is a value."""
    await kept.create_index("k", unique=True, sparse=True)
    await kept.insert_many([{"_id": 1}, {"_id": 2}, {"_id": 3, "k": None}, {"_id": 4, "k": 4}])
    with pytest.raises(DuplicateKeyError):
        await kept.insert_one({"k": None})
    assert (await kept.find({"k": 4}).explain()).access.index == "k_1"
    assert (await kept.find({"k": {"$gt": 1}}).explain()).access.index == "k_1"
    assert (await kept.find({"k": None}).explain()).full_scan
    assert (await kept.find(sort=[("k", 1)]).explain()).full_scan
    assert await kept.count_documents({"k": None}) == 3
    assert await kept.count_documents({"k": None}, hint="k_1") == 3
    await kept.create_index([("a", 1), ("b", 1)], sparse=True)
    await kept.insert_many([{"_id": 5, "b": 1}, {"_id": 6, "a": 1}])
    assert [item["_id"] for item in await kept.find({"a": 1}).to_list()] == [6]
    assert await kept.count_documents({"a": None}) == 5


async def test_a_partial_index_serves_what_lies_within_it(kept: Collection) -> None:
    """And only that; unique holds inside it."""
    await kept.create_index("k", unique=True, partial_filter={"live": True, "n": {"$gte": 10}})
    await kept.insert_many([{"_id": 1, "k": 1, "live": True, "n": 10}, {"_id": 2, "k": 1, "live": False, "n": 10}])
    with pytest.raises(DuplicateKeyError):
        await kept.insert_one({"k": 1, "live": True, "n": 99})
    with pytest.raises(DuplicateKeyError):
        await kept.update_one({"_id": 2}, {"$set": {"live": True}})
    await kept.insert_one({"_id": 3, "k": 1, "live": 1, "n": 20})
    for given, used in (
        ({"k": 1, "live": True, "n": {"$gte": 10}}, True),
        ({"k": 1, "live": True, "n": {"$gt": 10}}, True),
        ({"k": 1, "live": True, "n": {"$gt": 50}}, True),
        ({"k": 1, "live": True, "n": 11}, True),
        ({"k": 1, "live": True, "n": {"$in": [11, 12]}}, True),
        ({"k": 1, "live": {"$in": [True]}, "n": 11}, True),
        ({"k": 1, "live": True, "n": {"$in": [11, 2]}}, False),
        ({"k": 1, "live": True, "n": {"$gte": 9}}, False),
        ({"k": 1, "live": True, "n": {"$lt": 50}}, False),
        ({"k": 1, "live": True, "n": {"$gte": "a"}}, False),
        ({"k": 1, "live": True, "n": {"$in": []}}, False),
        ({"k": 1, "live": 1, "n": {"$gte": 10}}, False),
        ({"k": 1, "live": True}, False),
        ({"k": 1}, False),
    ):
        plan = await kept.find(given).explain()
        assert (plan.access.index == "k_1") is used, given
        assert await kept.find(given).to_list() == await kept.find(given, hint=[("$natural", 1)]).to_list()
    await kept.create_index("e", partial_filter={"e": {"$exists": True}})
    assert (await kept.find({"e": 5}).explain()).access.index == "e_1"
    assert (await kept.find({"e": {"$exists": True}, "k": 1}, hint="e_1").explain()).access.index == "e_1"
    assert (await kept.find({"e": None}).explain()).full_scan
    assert (await kept.find({"e": {"$ne": 1}}).explain()).full_scan


async def test_what_is_due_is_not_there(memory: InMemoryDocumentStore, kept: Collection) -> None:
    """Hidden from the moment on, whatever reads; only dates expire, of arrays the earliest."""
    await kept.create_index("at", expire_after_seconds=60)
    now = datetime.now(UTC)
    await kept.insert_many(
        [
            {"_id": "old", "at": now - timedelta(seconds=61)},
            {"_id": "fresh", "at": now - timedelta(seconds=30)},
            {"_id": "number", "at": 5},
            {"_id": "text", "at": "1999-01-01"},
            {"_id": "none", "at": None},
            {"_id": "missing"},
            {"_id": "array", "at": [now, now - timedelta(days=1)]},
        ]
    )
    left = ["fresh", "number", "text", "none", "missing"]
    assert [document["_id"] for document in await kept.find().to_list()] == left
    assert await kept.count_documents() == await kept.estimated_document_count() == 5
    assert await kept.find_one({"_id": "old"}) is None
    assert not await kept.exists({"_id": "array"})
    assert (await kept.update_one({"_id": "old"}, {"$set": {"a": 1}})).matched_count == 0
    assert (await kept.delete_many({})).deleted_count == 5


async def test_an_expired_key_is_free(kept: Collection) -> None:
    """A unique index does not hold what is due."""
    await kept.create_index("at", expire_after_seconds=0)
    await kept.create_index("k", unique=True)
    await kept.insert_one({"_id": 1, "k": 1, "at": datetime.now(UTC)})
    await kept.insert_one({"_id": 1, "k": 1})
    assert await kept.find().to_list() == [{"_id": 1, "k": 1}]


async def test_what_is_due_is_removed_though_nobody_asks() -> None:
    """By a sweep, whose task ends with the connection; its feed tells of the deletion."""
    store = InMemoryDocumentStore(MemoryConfig(sweep_seconds=0.01))
    await store.connect()
    kept = store.collection("things")
    await kept.create_index("at", expire_after_seconds=0.05)
    async with kept.watch() as feed:
        await kept.insert_one({"_id": 1, "at": datetime.now(UTC)})
        await kept.insert_one({"_id": 2})
        assert [(await anext(feed)).operation for _ in range(3)] == ["insert", "insert", "delete"]
    assert list(store.native["things"]) == [{"_id": 2}]
    assert any(task.get_name() == "lexigram memory sweep" for task in asyncio.all_tasks())
    await kept.create_index("later", expire_after_seconds=5)
    await store.disconnect()
    assert not any(task.get_name() == "lexigram memory sweep" for task in asyncio.all_tasks())


async def test_expiry_can_be_switched_off() -> None:
    """enable_ttl=False refuses such indexes by name."""
    from lexigram.nosql.backends.memory.spec import SPEC
    from lexigram.nosql.store import DocumentStore

    async with DocumentStore(SPEC, enable_ttl=False) as store:
        with pytest.raises(UnsupportedFeatureError) as caught:
            await store.collection("things").create_index("at", expire_after_seconds=5)
        assert caught.value.feature == "ttl_indexes"
        assert await store.collection("things").create_index("at") == "at_1"


async def test_text_is_searched_in_the_fields_of_its_index(kept: Collection) -> None:
    """Not elsewhere, and not without an index; scores come from the same fields."""
    await kept.insert_many(
        [
            {"_id": 1, "title": "red apple", "body": "green pear", "hidden": "apple apple apple"},
            {"_id": 2, "title": "apple apple", "body": "apple"},
            {"_id": 3, "title": "plum", "hidden": "apple"},
        ]
    )
    with pytest.raises(NoSQLFilterError) as caught:
        await kept.find({"$text": {"$search": "apple"}}).to_list()
    assert caught.value.mongo_code == 27
    assert "create_index" in (caught.value.hint or "")
    await kept.create_index([("title", "text"), ("body", "text")])
    assert await kept.distinct("_id", {"$text": {"$search": "apple"}}) == [1, 2]
    assert await kept.count_documents({"$text": {"$search": "pear"}}) == 1
    score = {"score": {"$meta": "textScore"}}
    found = await kept.find({"$text": {"$search": "apple"}}, projection={"_id": 1, **score}, sort=score).to_list()
    assert [document["_id"] for document in found] == [2, 1]
    assert found[0]["score"] > found[1]["score"] > 0
    alone = await kept.find({"$text": {"$search": "apple"}, "_id": 1}, projection=score).to_list()
    assert alone[0]["score"] == found[1]["score"]
    best = await kept.find_one({"$text": {"$search": "apple"}}, sort=score)
    assert best is not None
    assert best["_id"] == 2
    updated = await kept.find_one_and_update(
        {"$text": {"$search": "apple"}}, {"$set": {"first": True}}, sort=score, projection={**score, "first": 1}
    )
    assert updated is not None
    assert updated["_id"] == 2
    with pytest.raises(NoSQLIndexError) as refused:
        await kept.create_index([("hidden", "text")])
    assert refused.value.mongo_code == 85


async def test_a_collated_index_serves_requests_with_its_collation(kept: Collection) -> None:
    """And holds unique by it."""
    loose = {"locale": "en", "strength": 2}
    await kept.create_index("name", unique=True, collation=loose)
    await kept.insert_many([{"_id": 1, "name": "Anna"}, {"_id": 2, "name": "bert"}])
    with pytest.raises(DuplicateKeyError):
        await kept.insert_one({"name": "ANNA"})
    plan = await kept.find({"name": "ANNA"}, collation=loose).explain()
    assert plan.access.index == "name_1"
    assert await kept.find({"name": "ANNA"}, collation=loose).to_list() == [{"_id": 1, "name": "Anna"}]
    assert (await kept.find({"name": "Anna"}).explain()).full_scan
    ordered = kept.find(sort=[("name", -1)], collation=loose)
    assert (await ordered.explain()).access.index == "name_1"
    assert [document["_id"] for document in await ordered.to_list()] == [2, 1]
    await kept.create_index("name", name="part", collation=loose, partial_filter={"name": {"$gt": "B"}})
    assert await kept.count_documents({"name": {"$gt": "BA"}}, collation=loose, hint="part") == 1


async def test_what_a_backend_does_not_offer_is_refused_by_name() -> None:
    """Instead of an index without the property."""
    async with MinimalDocumentStore() as store:
        things = store.collection("things")
        with pytest.raises(UnsupportedFeatureError) as caught:
            await things.create_index("a")
        assert caught.value.feature == "indexes"
        assert caught.value.operation == "create_index"
        with pytest.raises(UnsupportedFeatureError):
            await things.drop_index("a_1")
        assert await things.list_indexes() == [ID_INDEX.to_document()]
        assert await things.create_index("_id") == "_id_"
        with pytest.raises(UnsupportedFeatureError) as caught:
            await things.find({"$text": {"$search": "x"}}).to_list()
        assert caught.value.feature == "text_search"
        with pytest.raises(UnsupportedFeatureError):
            await things.delete_many({"$text": {"$search": "x"}})


async def test_a_dropped_collection_takes_its_indexes_along(memory: InMemoryDocumentStore, kept: Collection) -> None:
    """The next one of its name begins anew."""
    await kept.create_index("k", unique=True)
    await kept.insert_one({"k": 1})
    await memory.drop_collection("things")
    await memory.drop_collection("things")
    assert await names(kept) == ["_id_"]
    assert await memory.list_collections() == []
    await kept.insert_many([{"k": 1}, {"k": 1}])
    assert await kept.count_documents() == 2


async def turns_during(work: Any) -> int:
    """How many turns another task has while something is done."""
    turns = 0

    async def other() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    task = asyncio.create_task(other())
    try:
        await work
    finally:
        task.cancel()
    return turns


async def test_others_have_turns_while_an_index_is_built(kept: Collection) -> None:
    """One for every thousand documents."""
    await kept.insert_many([{"_id": n, "v": n % 7} for n in range(20_000)])
    assert await turns_during(kept.create_index([("v", 1), ("_id", -1)])) >= 19


async def test_others_have_turns_while_a_collection_is_replaced(kept: Collection) -> None:
    """Where documents are checked, removed and inserted."""
    await kept.insert_many([{"_id": n, "v": n % 7} for n in range(20_000)])
    assert await turns_during(kept.aggregate([{"$set": {"w": 1}}, {"$out": "replaced"}]).to_list()) >= 40


async def test_what_is_written_while_an_index_is_built_is_in_it(kept: Collection) -> None:
    """Inserts, updates and deletes, wherever the building stands."""
    await kept.insert_many([{"_id": n, "v": n} for n in range(5000)])

    async def write() -> None:
        for n in range(0, 5000, 500):
            await kept.delete_one({"_id": n})
            await kept.update_one({"_id": n + 1}, {"$set": {"v": -n}})
            await kept.insert_many([{"_id": 10_000 + n, "v": n}, {"_id": 20_000 + n, "v": [n, -7]}])
            await asyncio.sleep(0)

    await asyncio.gather(kept.create_index("v"), write())
    for value in (0, -500, -7, 500, 4500, 4999, 1):
        query = {"v": value}
        by_index = await kept.find(query, hint="v_1", sort=[("_id", 1)]).to_list()
        assert by_index == await kept.find(query, hint={"$natural": 1}, sort=[("_id", 1)]).to_list()


async def test_a_unique_index_meets_what_was_written_while_it_was_built(kept: Collection) -> None:
    """It is refused for the state at its end, and holds from then on."""
    await kept.insert_many([{"_id": n, "v": n} for n in range(5000)])

    async def twice() -> None:
        await asyncio.sleep(0)
        await kept.insert_one({"_id": "late", "v": 3})

    with pytest.raises(DuplicateKeyError):
        await asyncio.gather(kept.create_index("v", unique=True), twice())
    await kept.delete_one({"_id": "late"})
    await kept.create_index("v", unique=True)
    with pytest.raises(DuplicateKeyError):
        await kept.insert_one({"_id": "late", "v": 3})

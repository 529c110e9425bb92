"""Every way of writing to a collection, on the memory driver and on the one that has the required methods only."""

from __future__ import annotations

import uuid
from typing import Any

import pytest
from lexigram.contracts.data.nosql.nosql import BulkWriteResult, DocumentResult
from lexigram.nosql import DocumentQueryBuilder, ReplaceOne, UpdateOne
from lexigram.nosql.collection import Collection
from lexigram.nosql.exceptions import (
    BulkDuplicateKeyError,
    BulkWriteError,
    DocumentValidationError,
    DuplicateKeyError,
    NoSQLError,
    NoSQLFilterError,
    QueryOptionError,
    UpdateError,
)


async def everything(collection: Collection) -> list[dict[str, Any]]:
    return await collection.find(sort=[("_id", 1)]).to_list()


async def test_insert_one_makes_an_id_that_grows(things: Collection) -> None:
    """A time-ordered UUID as text, in front of the document."""
    first = await things.insert_one({"a": 1})
    second = await things.insert_one({"a": 2})
    assert first == DocumentResult(document_id=first.document_id, raw_id=first.document_id)
    assert uuid.UUID(first.document_id).version == 7
    assert first.document_id is not None
    assert second.document_id is not None
    assert first.document_id < second.document_id
    found = await things.find_one({"a": 1})
    assert list(found or {}) == ["_id", "a"]


async def test_insert_one_keeps_the_id_that_is_given(things: Collection) -> None:
    """Any scalar or document; the result has it with its own type and as text."""
    for identity in (7, 2.5, "x", None, True, {"a": 1, "b": 2}, uuid.UUID(int=5)):
        result = await things.insert_one({"x": 1, "_id": identity})
        assert result.raw_id == identity
        assert result.document_id == str(identity)
        found = await things.find_one({"_id": identity})
        assert found == {"_id": identity, "x": 1}
        assert list(found or {}) == ["_id", "x"]


async def test_insert_one_does_not_touch_what_it_is_given(things: Collection) -> None:
    """The caller's mapping stays as it was, and is not the store's."""
    given = {"a": {"b": [1]}}
    await things.insert_one(given)
    assert given == {"a": {"b": [1]}}
    given["a"]["b"].append(2)
    assert (await things.find_one() or {})["a"] == {"b": [1]}


async def test_an_id_stands_once(things: Collection) -> None:
    """Equal by value, whatever the type of number."""
    await things.insert_one({"_id": 1})
    for identity in (1, 1.0):
        with pytest.raises(DuplicateKeyError) as caught:
            await things.insert_one({"_id": identity})
        error = caught.value
        assert (error.index, error.key, error.mongo_code) == ("_id_", {"_id": identity}, 11000)
        assert (error.collection, error.operation, error.backend) == ("things", "insert_one", things.store.backend)
    assert await things.count_documents() == 1
    await things.insert_one({"_id": True})
    assert await things.count_documents() == 2


async def test_insert_many_gives_the_ids_in_order(things: Collection) -> None:
    """As text in upserted_ids (documented so), with their types in inserted_ids."""
    result = await things.insert_many([{"_id": 1}, {"a": 1}, {"_id": "x"}])
    assert result.inserted_count == 3
    assert result.inserted_ids[::2] == [1, "x"]
    assert result.upserted_ids == [str(identity) for identity in result.inserted_ids]
    assert await things.insert_many([]) == BulkWriteResult()
    assert await things.insert_many(iter([{"_id": 9}])) == BulkWriteResult(1, upserted_ids=["9"], inserted_ids=[9])


async def test_insert_many_ordered_stops_at_the_first_failure(things: Collection) -> None:
    """What stood before it is inserted, what comes after is not tried."""
    with pytest.raises(BulkDuplicateKeyError) as caught:
        await things.insert_many([{"_id": 1}, {"_id": 1}, {"_id": 2}])
    error = caught.value
    assert isinstance(error, DuplicateKeyError)
    assert isinstance(error, BulkWriteError)
    assert [failure.index for failure in error.failures] == [1]
    assert error.failures[0].error.key == {"_id": 1}  # type: ignore[attr-defined]
    assert error.failures[0].error.collection == "things"
    assert error.result == BulkWriteResult(1, upserted_ids=["1"], inserted_ids=[1])
    assert await everything(things) == [{"_id": 1}]


async def test_insert_many_unordered_tries_all(things: Collection) -> None:
    """Every failure is told with its position."""
    with pytest.raises(BulkWriteError) as caught:
        await things.insert_many([{"_id": 1}, {"_id": 1}, {"_id": 2}, {"_id": 2}, {"_id": 3}], ordered=False)
    assert [failure.index for failure in caught.value.failures] == [1, 3]
    assert caught.value.result.inserted_ids == [1, 2, 3]
    assert caught.value.mongo_code == 11000
    assert await things.count_documents() == 3


async def test_insert_many_checks_all_before_it_inserts_one(things: Collection) -> None:
    """An invalid document changes nothing; the error says which."""
    with pytest.raises(DocumentValidationError) as caught:
        await things.insert_many([{"a": 1}, {"b": {"c": {1, 2}}}])
    assert caught.value.details["document_index"] == 1
    assert caught.value.path == "b.c"
    assert await things.count_documents() == 0


async def test_update_one_updates_the_first_match(things: Collection) -> None:
    """Matched and modified are counted apart."""
    await things.insert_many([{"_id": 1, "a": 1}, {"_id": 2, "a": 1}])
    assert await things.update_one({"a": 1}, {"$inc": {"n": 1}}) == DocumentResult(matched_count=1, modified_count=1)
    assert await things.update_one({"_id": 1}, {"$set": {"a": 1}}) == DocumentResult(matched_count=1)
    assert await things.update_one({"a": 9}, {"$set": {"a": 1}}) == DocumentResult()
    assert await everything(things) == [{"_id": 1, "a": 1, "n": 1}, {"_id": 2, "a": 1}]


async def test_update_one_takes_a_sort(things: Collection) -> None:
    """The first in that order is updated."""
    await things.insert_many([{"_id": 1, "n": 5}, {"_id": 2, "n": 7}, {"_id": 3, "n": 6}])
    await things.update_one({}, {"$set": {"top": True}}, sort=[("n", -1)])
    await things.replace_one({}, {"least": True}, sort=[("n", 1)])
    assert await everything(things) == [{"_id": 1, "least": True}, {"_id": 2, "n": 7, "top": True}, {"_id": 3, "n": 6}]


async def test_update_many_updates_each_match_once(things: Collection) -> None:
    """Also when the update moves documents in what is read."""
    await things.insert_many([{"_id": index, "n": index} for index in range(30)])
    result = await things.update_many({"n": {"$gte": 10}}, {"$inc": {"n": 100}})
    assert result == DocumentResult(matched_count=20, modified_count=20)
    assert await things.count_documents({"n": {"$gte": 200}}) == 0
    assert await things.count_documents({"n": {"$gte": 110}}) == 20
    assert (await things.update_many({"n": {"$lt": 5}}, {"$set": {"n": 3}})) == DocumentResult(
        matched_count=5, modified_count=4
    )


async def test_updates_take_array_filters_positions_and_pipelines(things: Collection) -> None:
    """The whole update language, natively or not."""
    await things.insert_one({"_id": 1, "marks": [{"s": "a", "n": 1}, {"s": "b", "n": 2}]})
    await things.update_one({"_id": 1}, {"$set": {"marks.$[m].n": 9}}, array_filters=[{"m.s": "b"}])
    await things.update_one({"_id": 1, "marks.s": "a"}, {"$inc": {"marks.$.n": 4}})
    await things.update_many({}, {"$set": {"marks.$[m].seen": True}}, array_filters=[{"m.n": {"$gt": 8}}])
    await things.update_one({"_id": 1}, [{"$set": {"total": {"$sum": "$marks.n"}}}])
    assert await things.find_one() == {
        "_id": 1,
        "marks": [{"s": "a", "n": 5}, {"s": "b", "n": 9, "seen": True}],
        "total": 14,
    }


async def test_an_upsert_inserts_what_filter_and_update_say(things: Collection) -> None:
    """With an id from the filter, or a new one."""
    result = await things.update_one({"_id": 5, "a": {"$eq": 1}}, {"$set": {"b": 2}}, upsert=True)
    assert result == DocumentResult(upserted_id="5", raw_id=5)
    result = await things.update_one({"a": 7}, {"$inc": {"n": 1}, "$setOnInsert": {"new": True}}, upsert=True)
    assert result.matched_count == result.modified_count == 0
    assert result.upserted_id is not None
    result = await things.update_one({"a": 7}, {"$inc": {"n": 1}, "$setOnInsert": {"new": False}}, upsert=True)
    assert result == DocumentResult(matched_count=1, modified_count=1)
    assert await things.find({"a": 7}, projection={"_id": 0}).to_list() == [{"a": 7, "n": 2, "new": True}]
    many = await things.update_many({"a": 8}, {"$set": {"n": 0}}, upsert=True)
    assert many.upserted_id is not None
    assert (await things.update_many({"a": 8}, {"$set": {"n": 0}}, upsert=True)).upserted_id is None
    assert await things.count_documents() == 3


async def test_an_upsert_refuses_expressions_in_its_filter(things: Collection) -> None:
    """They do not say what the document would hold; without upsert they are as good as any condition."""
    await things.insert_one({"_id": 1, "a": 1})
    condition = {"$or": [{"$expr": {"$eq": ["$a", 1]}}]}
    change = {"$set": {"b": 1}}
    for write in (
        lambda: things.update_one(condition, change, upsert=True),
        lambda: things.update_many(condition, change, upsert=True),
        lambda: things.replace_one(condition, {"b": 1}, upsert=True),
        lambda: things.find_one_and_update(condition, change, upsert=True),
        lambda: things.bulk_write([UpdateOne(condition, change, upsert=True)]),
        lambda: things.bulk_write([ReplaceOne(condition, {"b": 1}, upsert=True)]),
    ):
        with pytest.raises(NoSQLFilterError) as caught:
            await write()
        assert caught.value.mongo_code == 224
    assert await everything(things) == [{"_id": 1, "a": 1}]
    assert (await things.update_one(condition, change)).modified_count == 1


async def test_replace_one_keeps_the_id(things: Collection) -> None:
    """And nothing else."""
    await things.insert_one({"_id": 1, "a": 1, "b": 2})
    assert await things.replace_one({"a": 1}, {"c": 3}) == DocumentResult(matched_count=1, modified_count=1)
    assert await things.replace_one({"c": 3}, {"c": 3}) == DocumentResult(matched_count=1)
    assert await everything(things) == [{"_id": 1, "c": 3}]
    result = await things.replace_one({"_id": 2}, {"d": 4}, upsert=True)
    assert (result.upserted_id, result.raw_id) == ("2", 2)
    result = await things.replace_one({"x": 1}, {"_id": 3, "e": 5}, upsert=True)
    assert result.raw_id == 3
    assert await things.replace_one({"x": 1}, {"y": 1}) == DocumentResult()
    assert await everything(things) == [{"_id": 1, "c": 3}, {"_id": 2, "d": 4}, {"_id": 3, "e": 5}]


async def test_deletes_count_what_they_deleted(things: Collection) -> None:
    """In deleted_count, and in matched_count as documented."""
    await things.insert_many([{"_id": index, "a": index % 2} for index in range(6)])
    assert await things.delete_one({"a": 1}) == DocumentResult(matched_count=1, deleted_count=1)
    assert await things.delete_many({"a": 1}) == DocumentResult(matched_count=2, deleted_count=2)
    assert await things.delete_one({"a": 1}) == DocumentResult()
    assert await things.delete_many({"a": 1}) == DocumentResult()
    assert [document["_id"] for document in await everything(things)] == [0, 2, 4]
    assert (await things.delete_many({})).deleted_count == 3


async def test_find_one_and_update_gives_the_document_after_or_before(things: Collection) -> None:
    """With projection, sort, array filters and upsert."""
    await things.insert_many([{"_id": 1, "n": 1, "l": [1, 5]}, {"_id": 2, "n": 2, "l": []}])
    assert await things.find_one_and_update({"_id": 1}, {"$inc": {"n": 1}}) == {"_id": 1, "n": 2, "l": [1, 5]}
    assert await things.find_one_and_update({"_id": 1}, {"$inc": {"n": 1}}, return_document=False) == {
        "_id": 1,
        "n": 2,
        "l": [1, 5],
    }
    assert await things.find_one_and_update({}, {"$set": {"x": 1}}, sort=[("n", 1)], projection={"x": 1}) == {
        "_id": 2,
        "x": 1,
    }
    assert await things.find_one_and_update(
        {"_id": 1}, {"$mul": {"l.$[big]": 10}}, array_filters=[{"big": {"$gt": 2}}], projection=["l"]
    ) == {"_id": 1, "l": [1, 50]}
    assert await things.find_one_and_update({"_id": 9}, {"$set": {"n": 9}}) is None
    assert await things.find_one_and_update({"_id": 9}, {"$set": {"n": 9}}, upsert=True) == {"_id": 9, "n": 9}
    assert await things.find_one_and_update({"_id": 8}, {"$set": {"n": 8}}, upsert=True, return_document=False) is None
    assert await things.count_documents() == 4


async def test_find_one_and_replace_and_delete(things: Collection) -> None:
    """The document as it is, or was."""
    await things.insert_many([{"_id": 1, "n": 1}, {"_id": 2, "n": 2}])
    assert await things.find_one_and_replace({"n": 1}, {"m": 1}) == {"_id": 1, "m": 1}
    assert await things.find_one_and_replace({"m": 1}, {"k": 1}, return_document=False, projection={"_id": 0}) == {
        "m": 1
    }
    assert await things.find_one_and_replace({"m": 1}, {"k": 1}) is None
    assert await things.find_one_and_replace({"_id": 3}, {"k": 3}, upsert=True) == {"_id": 3, "k": 3}
    assert await things.find_one_and_delete({}, sort=[("_id", -1)]) == {"_id": 3, "k": 3}
    assert await things.find_one_and_delete({"n": 2}, projection=["n"]) == {"_id": 2, "n": 2}
    assert await things.find_one_and_delete({"n": 2}) is None
    assert await everything(things) == [{"_id": 1, "k": 1}]


@pytest.mark.parametrize(
    ("operation", "filter", "projection", "code", "options"),
    [
        ("update", {"l": 2}, {"l.$": 1}, 2, {}),
        ("replace", {"l": 2}, {"l.$": 1}, 2, {}),
        ("update", {"l": 2}, {"k": {"$meta": "sortKey"}}, 2, {"sort": [("l", 1)]}),
        ("delete", {"l": 2}, {"k": {"$meta": "sortKey"}}, 2, {"sort": [("l", 1)]}),
        ("update", {"l": 2}, {"m.$": 1}, 51247, {"return_document": False}),
        ("replace", {"_id": 1}, {"l.$": 1}, 51246, {"return_document": False}),
        ("delete", {"_id": 1}, {"l.$": 1}, 51246, {}),
        ("update", {"_id": 1}, {"k": {"$divide": [1, "$n"]}}, 2, {"return_document": False}),
        ("update", {"_id": 1}, {"k": {"$divide": [1, "$n"]}}, 2, {}),
        ("update", {"_id": 9}, {"k": {"$divide": [1, "$n"]}}, 2, {"upsert": True}),
        ("delete", {"_id": 1}, {"k": {"$divide": [1, "$n"]}}, 2, {}),
    ],
)
async def test_a_projection_that_fails_leaves_the_document_as_it_was(
    things: Collection, operation: str, filter: Any, projection: Any, code: int, options: dict[str, Any]
) -> None:
    """The error comes before the write. A positional $ is refused where the new document is asked for, as on MongoDB:
    what the filter chose is in the old one."""
    document = {"_id": 1, "l": [1, 2], "m": [1], "n": 0}
    await things.insert_one(document)
    given = {"update": [{"$set": {"l": [9], "n": 0}}], "replace": [{"l": [9]}], "delete": []}[operation]
    with pytest.raises(NoSQLError) as caught:
        await getattr(things, f"find_one_and_{operation}")(filter, *given, projection=projection, **options)
    assert caught.value.mongo_code == code
    assert await everything(things) == [document]


async def test_the_positional_operator_shows_what_the_filter_chose_before_the_write(things: Collection) -> None:
    """Of the document as it was, before an update and before a deletion."""
    await things.insert_one({"_id": 1, "l": [1, 2]})
    shown = await things.find_one_and_update(
        {"l": 2}, {"$set": {"l.$": 5}}, projection={"l.$": 1}, return_document=False
    )
    assert shown == {"_id": 1, "l": [2]}
    assert await things.find_one_and_delete({"l": 5}, projection={"l.$": 1}) == {"_id": 1, "l": [5]}


async def test_what_a_write_returns_is_not_the_stores_own(things: Collection) -> None:
    """Changing it changes nothing."""
    await things.insert_one({"_id": 1, "l": [1]})
    after = await things.find_one_and_update({"_id": 1}, {"$push": {"l": 2}})
    assert after is not None
    after["l"].clear()
    before = await things.find_one_and_update({"_id": 1}, {"$push": {"l": 3}}, return_document=False)
    assert before is not None
    before["l"].clear()
    upserted = await things.find_one_and_update({"_id": 2}, {"$set": {"l": [1]}}, upsert=True)
    assert upserted is not None
    upserted["l"].clear()
    assert await everything(things) == [{"_id": 1, "l": [1, 2, 3]}, {"_id": 2, "l": [1]}]


async def test_an_update_that_cannot_be_applied_changes_nothing(things: Collection) -> None:
    """A typed error with MongoDB's code."""
    await things.insert_one({"_id": 1, "a": "text"})
    with pytest.raises(UpdateError) as caught:
        await things.update_one({"_id": 1}, {"$set": {"b": 1}, "$inc": {"a": 1}})
    assert caught.value.mongo_code == 14
    assert (caught.value.collection, caught.value.operation) == ("things", "update_one")
    with pytest.raises(UpdateError):
        await things.update_one({"_id": 1}, {"$set": {"_id": 2}})
    with pytest.raises(UpdateError):
        await things.replace_one({"_id": 1}, {"_id": 2})
    assert await everything(things) == [{"_id": 1, "a": "text"}]


WRONG_WRITES: list[tuple[str, tuple[Any, ...], dict[str, Any], type[NoSQLError]]] = [
    ("insert_one", (5,), {}, DocumentValidationError),
    ("insert_one", (None,), {}, DocumentValidationError),
    ("insert_one", ([{"a": 1}],), {}, DocumentValidationError),
    ("insert_one", ({"_id": [1]},), {}, DocumentValidationError),
    ("insert_one", ({1: 1},), {}, DocumentValidationError),
    ("insert_one", ({"a": object()},), {}, DocumentValidationError),
    ("insert_one", ({"a": 2**70},), {}, DocumentValidationError),
    ("insert_one", ({"a": "\ud800"},), {}, DocumentValidationError),
    ("insert_one", ({"a\0": 1},), {}, DocumentValidationError),
    ("insert_one", ({},), {"timeout": "x"}, QueryOptionError),
    ("insert_one", ({},), {"session": object()}, QueryOptionError),
    ("insert_many", ({"a": 1},), {}, DocumentValidationError),
    ("insert_many", ("text",), {}, DocumentValidationError),
    ("insert_many", (None,), {}, DocumentValidationError),
    ("insert_many", (5,), {}, DocumentValidationError),
    ("insert_many", ([{"a": 1}, 5],), {}, DocumentValidationError),
    ("update_one", ({}, {}), {}, UpdateError),
    ("update_one", ({}, {"a": 1}), {}, UpdateError),
    ("update_one", ({}, {"$sett": {"a": 1}}), {}, UpdateError),
    ("update_one", ({}, 5), {}, UpdateError),
    ("update_one", ({}, None), {}, UpdateError),
    ("update_one", ({}, {"$set": {"a": {1}}}), {}, NoSQLError),
    ("update_one", ({}, {"$set": {"a.$[x]": 1}}), {}, UpdateError),
    ("update_one", ({}, {"$set": {"a": 1}}), {"array_filters": 5}, NoSQLError),
    ("update_one", ({}, {"$set": {"a": 1}}), {"sort": 5}, QueryOptionError),
    ("update_one", (5, {"$set": {"a": 1}}), {}, NoSQLFilterError),
    ("update_one", (DocumentQueryBuilder().limit(1), {"$set": {"a": 1}}), {}, QueryOptionError),
    ("update_many", ({"$foo": 1}, {"$set": {"a": 1}}), {}, NoSQLFilterError),
    ("update_many", ({}, {"$set": {"a": 1}}), {"hint": 5}, QueryOptionError),
    ("replace_one", ({}, {"$set": {"a": 1}}), {}, UpdateError),
    ("replace_one", ({}, 5), {}, NoSQLError),
    ("replace_one", ({}, {"a": {1}}), {}, NoSQLError),
    ("delete_one", ("x",), {}, NoSQLFilterError),
    ("delete_many", ({"a": {"$bad": 1}},), {}, NoSQLFilterError),
    ("delete_many", (DocumentQueryBuilder().select("a"),), {}, QueryOptionError),
    ("delete_many", ({},), {"collation": {"locale": 5}}, QueryOptionError),
    ("find_one_and_update", ({}, {"$set": {}}), {"projection": 5}, QueryOptionError),
    ("find_one_and_delete", ({"a": {"$not": 5}},), {}, NoSQLFilterError),
    ("find_one_and_replace", ({}, []), {}, NoSQLError),
    ("bulk_write", (5,), {}, DocumentValidationError),
    ("bulk_write", ("x",), {}, DocumentValidationError),
    ("bulk_write", ([{"insertOne": {}}],), {}, DocumentValidationError),
]


@pytest.mark.parametrize(
    ("method", "arguments", "options", "error"), WRONG_WRITES, ids=lambda value: value if isinstance(value, str) else ""
)
async def test_wrong_arguments_are_refused_and_change_nothing(
    things: Collection, method: str, arguments: tuple[Any, ...], options: dict[str, Any], error: type[NoSQLError]
) -> None:
    """A typed error, before any effect."""
    await things.insert_one({"_id": 1, "a": 1})
    with pytest.raises(error) as caught:
        await getattr(things, method)(*arguments, **options)
    assert caught.value.message
    assert await everything(things) == [{"_id": 1, "a": 1}]


async def test_dollar_and_dotted_names_are_data_in_documents(things: Collection) -> None:
    """As in MongoDB since 5.0; only operators are read in filters and updates."""
    document = {"_id": 1, "$price": 5, "a.b": 1, "nested": {"$x": 1, "c.d": 2}}
    await things.insert_one(document)
    assert await things.find_one({"_id": 1}) == document
    assert await things.find_one({"a.b": 1}) is None
    assert await things.find_one({"$expr": {"$eq": [{"$getField": {"$literal": "$price"}}, 5]}}) == document


async def test_aggregate_runs_pipelines(things: Collection) -> None:
    """In MongoDB's form, with variables, to the last stage."""
    await things.insert_many([{"_id": index, "k": index % 2, "n": index} for index in range(6)])
    totals = await things.aggregate(
        [
            {"$match": {"n": {"$gt": 0}}},
            {"$group": {"_id": "$k", "total": {"$sum": {"$multiply": ["$n", "$$f"]}}}},
            {"$sort": {"_id": 1}},
        ],
        let={"f": 10},
        batch_size=2,
    ).to_list()
    assert totals == [{"_id": 0, "total": 60}, {"_id": 1, "total": 90}]
    assert await things.aggregate([{"$sort": {"n": -1}}, {"$limit": 1}, {"$project": {"n": 1, "_id": 0}}]).first() == {
        "n": 5
    }
    await things.aggregate([{"$match": {"k": 1}}, {"$out": "odd"}]).to_list()
    odd = things.store.collection("odd")
    assert await odd.count_documents() == 3
    await things.aggregate([{"$set": {"n": 0}}, {"$merge": {"into": "odd", "whenNotMatched": "discard"}}]).to_list()
    assert await odd.distinct("n") == [0]
    joined = await things.aggregate(
        [{"$lookup": {"from": "odd", "localField": "_id", "foreignField": "_id", "as": "o"}}, {"$match": {"o": []}}]
    ).to_list()
    assert [document["_id"] for document in joined] == [0, 2, 4]

"""The methods of a collection that return results instead of raising."""

from __future__ import annotations

import asyncio
import inspect

import pytest
from lexigram.contracts.core.result import Err, Ok
from lexigram.nosql import InsertOne
from lexigram.nosql.attempt import Attempt
from lexigram.nosql.backends.memory import InMemoryDocumentStore
from lexigram.nosql.collection import Collection
from lexigram.nosql.exceptions import (
    DuplicateKeyError,
    NoSQLFilterError,
    NoSQLIndexError,
    PipelineError,
    QueryOptionError,
    StoreNotConnectedError,
)

NO_RESULTS = {"ask_server", "attempt", "name", "store", "plan", "reach", "read", "read_raw"}


def test_every_method_of_a_collection_can_be_attempted() -> None:
    """With the same parameters."""
    public = {name for name in vars(Collection) if not name.startswith("_")} - NO_RESULTS
    assert public <= set(dir(Attempt))
    for name in public:
        original = inspect.signature(getattr(Collection, name))
        attempted = inspect.signature(getattr(Attempt, name))
        assert list(original.parameters) == list(attempted.parameters)


async def test_what_succeeds_is_ok(kept: Collection) -> None:
    """With the value that the method returns."""
    attempt = kept.attempt
    assert attempt.collection is kept
    inserted = await attempt.insert_one({"_id": 1})
    assert isinstance(inserted, Ok)
    assert inserted.unwrap().document_id == "1"
    assert (await attempt.insert_many([{"_id": 2}])).unwrap().inserted_count == 1
    assert await attempt.find_one({"_id": 1}) == Ok({"_id": 1})
    assert await attempt.find_one({"_id": 9}) == Ok(None)
    assert await attempt.count_documents() == Ok(2)
    assert await attempt.estimated_document_count() == Ok(2)
    assert await attempt.exists() == Ok(True)
    assert await attempt.distinct("_id") == Ok([1, 2])
    assert (await attempt.update_one({"_id": 1}, {"$set": {"a": 1}})).unwrap().modified_count == 1
    assert (await attempt.update_many({}, {"$set": {"a": 2}})).unwrap().modified_count == 2
    assert (await attempt.replace_one({"_id": 1}, {"a": 3})).unwrap().modified_count == 1
    assert await attempt.find_one_and_update({"_id": 1}, {"$inc": {"a": 1}}) == Ok({"_id": 1, "a": 4})
    assert await attempt.find_one_and_replace({"_id": 1}, {"b": 1}) == Ok({"_id": 1, "b": 1})
    assert await attempt.find_one_and_delete({"_id": 1}) == Ok({"_id": 1, "b": 1})
    assert (await attempt.bulk_write([InsertOne({"_id": 3})])).unwrap().inserted_count == 1
    assert (await attempt.find_page(size=1)).unwrap().has_more
    assert await attempt.create_index("a") == Ok("a_1")
    assert len((await attempt.list_indexes()).unwrap()) == 2
    assert (await attempt.explain("find", {"a": 1})).unwrap().access.index == "a_1"
    assert await attempt.drop_index("a_1") == Ok(None)
    assert (await attempt.delete_one({"_id": 2})).unwrap().deleted_count == 1
    assert (await attempt.delete_many({})).unwrap().deleted_count == 1


async def test_what_fails_is_err(kept: Collection) -> None:
    """Wherever the mistake is found."""
    await kept.insert_one({"_id": 1})
    match await kept.attempt.insert_one({"_id": 1}):
        case Err(DuplicateKeyError() as error):
            assert error.key == {"_id": 1}
        case other:
            pytest.fail(str(other))
    assert isinstance((await kept.attempt.find_one({"$foo": 1})).unwrap_err(), NoSQLFilterError)
    assert isinstance((await kept.attempt.find_one(skip=-1)).unwrap_err(), QueryOptionError)
    assert isinstance((await kept.attempt.drop_index("x")).unwrap_err(), NoSQLIndexError)


async def test_cursors_give_results_too(kept: Collection) -> None:
    """Also when there is no cursor at all."""
    await kept.insert_many([{"_id": index} for index in range(3)])
    assert await kept.attempt.find(sort=[("_id", -1)]).to_list() == Ok([{"_id": 2}, {"_id": 1}, {"_id": 0}])
    assert await kept.attempt.find().to_list(2) == Ok([{"_id": 0}, {"_id": 1}])
    assert await kept.attempt.find().first() == Ok({"_id": 0})
    assert await kept.attempt.aggregate([{"$count": "n"}]).first() == Ok({"n": 3})
    assert (await kept.attempt.find().explain()).unwrap().operation == "find"
    wrong = kept.attempt.find({"$foo": 1})
    assert isinstance((await wrong.to_list()).unwrap_err(), NoSQLFilterError)
    assert isinstance((await wrong.first()).unwrap_err(), NoSQLFilterError)
    assert isinstance((await wrong.explain()).unwrap_err(), NoSQLFilterError)
    await wrong.aclose()
    assert isinstance((await kept.attempt.aggregate([{"$foo": 1}]).to_list()).unwrap_err(), PipelineError)
    late = kept.attempt.find(hint="nope")
    assert isinstance((await late.to_list()).unwrap_err(), NoSQLIndexError)
    open_cursor = kept.attempt.find()
    await open_cursor.aclose()
    assert (await open_cursor.to_list()).is_err()


async def test_a_feed_is_a_result(kept: Collection) -> None:
    """Or why there is none."""
    feed = kept.attempt.watch().unwrap()
    await kept.insert_one({"_id": 1})
    assert (await anext(feed)).document_id == 1
    await feed.aclose()
    assert isinstance(kept.attempt.watch([{"$project": {}}]).unwrap_err(), PipelineError)


async def test_only_lexigrams_errors_become_results(kept: Collection) -> None:
    """A mistake in the program and a cancellation go on."""
    with pytest.raises(TypeError):
        await kept.attempt.insert_one()  # type: ignore[call-arg]
    task = asyncio.create_task(_forever(kept))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def _forever(kept: Collection) -> object:
    return await kept.attempt.find_one(session=await asyncio.Event().wait())  # type: ignore[arg-type]


async def test_a_store_that_is_not_connected_is_an_err() -> None:
    """Like every other reason."""
    assert isinstance(
        (await InMemoryDocumentStore().collection("x").attempt.find_one()).unwrap_err(), StoreNotConnectedError
    )

"""What a driver can do itself goes down where its filter is exact, and nowhere else; the answers are the engine's."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from lexigram.nosql import DeleteMany, DeleteOne, InsertOne, ReplaceOne, UpdateMany, UpdateOne
from lexigram.nosql.backend import BackendConfig
from lexigram.nosql.collection import Collection
from lexigram.nosql.exceptions import (
    BulkWriteError,
    DuplicateKeyError,
    NoSQLError,
    NoSQLTimeoutError,
    PipelineError,
    ScanDeniedError,
    TransactionError,
    UnsupportedFeatureError,
    UpdateError,
)
from lexigram.nosql.testing.able import AbleDocumentStore, AbleDriver
from lexigram.nosql.testing.minimal import MinimalError

Work = Callable[[Collection], Coroutine[Any, Any, Any]]

DOCUMENTS = [{"_id": 1, "n": 1, "tags": ["a", "b"]}, {"_id": 2, "n": 2, "tags": ["b"]}, {"_id": 3, "n": 2}]

WRITES: dict[str, tuple[str, Callable[[Collection, Any], Coroutine[Any, Any, Any]]]] = {
    "update_one": ("update", lambda c, f: c.update_one(f, {"$inc": {"n": 1}})),
    "update_many": ("update", lambda c, f: c.update_many(f, {"$inc": {"n": 1}})),
    "replace_one": ("update", lambda c, f: c.replace_one(f, {"m": 1})),
    "find_one_and_update": ("update", lambda c, f: c.find_one_and_update(f, {"$inc": {"n": 1}})),
    "find_one_and_replace": ("update", lambda c, f: c.find_one_and_replace(f, {"m": 1}, return_document=False)),
    "find_one_and_delete": ("delete", lambda c, f: c.find_one_and_delete(f, projection=["n"])),
    "delete_one": ("delete", lambda c, f: c.delete_one(f)),
    "delete_many": ("delete", lambda c, f: c.delete_many(f)),
}


@pytest.fixture
async def able() -> AsyncIterator[AbleDocumentStore]:
    """A store whose driver does all it can itself."""
    async with AbleDocumentStore() as store:
        yield store


@pytest.fixture
async def numbers(able: AbleDocumentStore) -> Collection:
    """Its collection with three documents."""
    collection = able.collection("numbers")
    await collection.insert_many(DOCUMENTS)
    return collection


def driver_of(collection: Collection) -> AbleDriver:
    driver = collection.store.driver
    assert isinstance(driver, AbleDriver)
    return driver


async def portable(work: Callable[[Collection], Coroutine[Any, Any, Any]]) -> tuple[Any, Any]:
    """What the same work gives where every native write is refused, and what is left then."""
    async with AbleDocumentStore() as store:
        collection = store.collection("numbers")
        await collection.insert_many(DOCUMENTS)
        driver_of(collection).refuses = True
        return await work(collection), await collection.find(sort=[("_id", 1)]).to_list()


@pytest.mark.parametrize("name", WRITES)
async def test_a_write_with_an_exact_filter_runs_natively_and_gives_the_same(name: str, numbers: Collection) -> None:
    """Once, and the documents end as the engine would have left them."""
    ability, write = WRITES[name]
    result = await write(numbers, {"n": 2})
    assert driver_of(numbers).ran == {ability: 1}
    left = await numbers.find(sort=[("_id", 1)]).to_list()
    assert (result, left) == await portable(lambda collection: write(collection, {"n": 2}))


@pytest.mark.parametrize("name", WRITES)
async def test_a_write_whose_filter_leaves_a_residue_goes_the_portable_way(name: str, numbers: Collection) -> None:
    """The driver is not asked."""
    _, write = WRITES[name]
    await write(numbers, {"tags": {"$size": 1}})
    assert not driver_of(numbers).ran
    changed = await numbers.find({"_id": 2}).to_list()
    assert changed != [DOCUMENTS[1]]
    assert await numbers.find_one({"_id": 1}) == DOCUMENTS[0]


async def test_an_update_that_the_driver_declines_goes_the_portable_way(numbers: Collection) -> None:
    """An update by pipeline, which this driver does not take."""
    result = await numbers.update_many({"n": 2}, [{"$set": {"twice": {"$add": ["$n", "$n"]}}}])
    assert (result.matched_count, result.modified_count) == (2, 2)
    assert not driver_of(numbers).ran
    assert await numbers.distinct("twice") == [4]


async def test_an_error_that_the_server_would_word_otherwise_is_the_engines(numbers: Collection) -> None:
    """The driver answers that it refused, and the engine says why."""
    with pytest.raises(UpdateError) as caught:
        await numbers.update_one({"_id": 1}, {"$inc": {"tags": 1}})
    assert driver_of(numbers).ran == {"update": 1}
    assert caught.value.operation == "update_one"
    assert await numbers.find_one({"_id": 1}) == DOCUMENTS[0]


@pytest.mark.parametrize("upsert", ["update_one", "update_many", "replace_one"])
async def test_a_native_upsert_gets_an_id_of_ours(upsert: str, numbers: Collection) -> None:
    """A text, as an insert would get, where neither filter nor change gives one."""
    change = {"m": 1} if upsert == "replace_one" else {"$set": {"m": 1}}
    result = await getattr(numbers, upsert)({"n": 9}, change, upsert=True)
    assert driver_of(numbers).ran == {"update": 1}
    assert isinstance(result.raw_id, str)
    assert len(result.raw_id) == 36
    assert result.upserted_id == result.raw_id
    assert await numbers.find_one({"_id": result.raw_id}) == (
        {"_id": result.raw_id, "m": 1} if upsert == "replace_one" else {"_id": result.raw_id, "n": 9, "m": 1}
    )


@pytest.mark.parametrize(
    ("filter", "change"),
    [
        ({"_id": 7}, {"$set": {"m": 1}}),
        ({"n": 9}, {"$setOnInsert": {"_id": 7}, "$set": {"m": 1}}),
    ],
    ids=["by the filter", "by the update"],
)
async def test_a_native_upsert_keeps_the_id_it_is_given(
    filter: dict[str, Any], change: dict[str, Any], numbers: Collection
) -> None:
    """By the filter or by the update."""
    result = await numbers.update_one(filter, change, upsert=True)
    assert driver_of(numbers).ran == {"update": 1}
    assert result.raw_id == 7
    assert await numbers.exists({"_id": 7, "m": 1})


async def test_conditions_that_may_give_the_id_are_left_to_the_engine(numbers: Collection) -> None:
    """``$in`` with one value gives it, a range does not."""
    result = await numbers.update_one({"_id": {"$in": [7]}}, {"$set": {"m": 1}}, upsert=True)
    assert result.raw_id == 7
    result = await numbers.update_one({"_id": {"$gt": 90}}, {"$set": {"m": 1}}, upsert=True)
    assert isinstance(result.raw_id, str)
    assert not driver_of(numbers).ran


async def test_the_document_wanted_back_is_projected_once(numbers: Collection) -> None:
    """By the driver where it projects, by the engine where it refused."""
    update = {"$set": {"seen": True}}
    projection = {"n": 1, "first": {"$arrayElemAt": ["$tags", 0]}}
    shown = await numbers.find_one_and_update({"_id": 1}, update, projection=projection)
    assert shown == {"_id": 1, "n": 1, "first": "a"}
    driver_of(numbers).refuses = True
    assert await numbers.find_one_and_update({"_id": 1}, update, projection=projection) == shown
    assert await numbers.find_one_and_update({"_id": 9}, update, projection=projection) is None


async def test_the_first_of_several_is_the_first_in_the_order(numbers: Collection) -> None:
    """Native writes get the order too."""
    assert await numbers.find_one_and_update({"n": 2}, {"$set": {"x": 1}}, sort=[("_id", -1)]) == {
        "_id": 3,
        "n": 2,
        "x": 1,
    }
    assert await numbers.find_one_and_delete({}, sort=[("n", -1), ("_id", 1)]) == DOCUMENTS[1]
    assert driver_of(numbers).ran == {"update": 1, "delete": 1}


async def test_the_scan_policy_holds_for_native_writes() -> None:
    """Nothing is sent where it denies."""
    async with AbleDocumentStore(BackendConfig(scan_policy="deny")) as store:
        collection = store.collection("numbers")
        await collection.insert_one({"_id": 1, "n": 1})
        for write in (
            collection.update_one({"n": 1}, {"$set": {"n": 2}}),
            collection.delete_many({"n": 1}),
            collection.find_one_and_delete({"n": 1}),
        ):
            with pytest.raises(ScanDeniedError):
                await write
        with pytest.raises(BulkWriteError) as caught:
            await collection.bulk_write([InsertOne({"_id": 2}), UpdateOne({"n": 1}, {"$set": {"n": 2}}), InsertOne({})])
        assert [failure.index for failure in caught.value.failures] == [1]
        assert isinstance(caught.value.failures[0].error, ScanDeniedError)
        assert caught.value.result.inserted_ids == [2]
        plan = await collection.explain("update_one", {"n": 1}, update={"$set": {"n": 2}})
        assert plan.write == "native"
        assert "update" not in driver_of(collection).ran


async def test_a_bulk_goes_down_whole(numbers: Collection) -> None:
    """In one request, with the counts and ids of all."""
    result = await numbers.bulk_write(
        [
            InsertOne({"_id": 4, "n": 4}),
            UpdateMany({"n": 2}, {"$inc": {"n": 1}}),
            UpdateOne({"_id": 8}, {"$set": {"n": 8}}, upsert=True),
            ReplaceOne({"n": 77}, {"n": 7}, upsert=True),
            DeleteOne({"_id": 1}),
            DeleteMany({"n": 3}),
        ]
    )
    assert driver_of(numbers).ran == {"bulk": 1, "update": 3, "delete": 2}
    assert (result.inserted_count, result.matched_count, result.modified_count, result.deleted_count) == (1, 2, 2, 3)
    assert result.inserted_ids == [4]
    assert result.upserted_ids[0] == "8"
    assert len(result.upserted_ids[1]) == 36
    assert sorted(await numbers.distinct("n")) == [4, 7, 8]


@pytest.mark.parametrize("ordered", [True, False])
async def test_failures_of_a_native_bulk_say_their_place_in_the_list(ordered: bool, numbers: Collection) -> None:
    """Also after a write that the engine had to do between."""
    with pytest.raises(BulkWriteError) as caught:
        await numbers.bulk_write(
            [
                InsertOne({"_id": 4}),
                UpdateOne({"_id": 1}, [{"$set": {"by": "pipeline"}}]),
                UpdateOne({"_id": 2}, {"$set": {"m": 1}}),
                InsertOne({"_id": 4}),
                InsertOne({"_id": 5}),
                UpdateOne({"_id": 1}, {"$inc": {"by": 1}}),
                DeleteOne({"_id": 3}),
            ],
            ordered=ordered,
        )
    error = caught.value
    assert [failure.index for failure in error.failures] == ([3] if ordered else [3, 5])
    assert isinstance(error.failures[0].error, DuplicateKeyError)
    assert error.result.inserted_ids == ([4] if ordered else [4, 5])
    assert error.result.deleted_count == (0 if ordered else 1)
    assert (await numbers.find_one({"_id": 1}))["by"] == "pipeline"  # type: ignore[index]
    assert driver_of(numbers).ran["bulk"] == 1


async def test_a_bulk_of_inserts_stays_a_list_of_inserts(numbers: Collection) -> None:
    """Which every driver takes."""
    await numbers.bulk_write([InsertOne({"_id": 4}), InsertOne({"_id": 5})])
    assert not driver_of(numbers).ran


@pytest.mark.parametrize(
    ("stages", "taken", "left"),
    [
        ([{"$match": {"n": 2}}, {"$group": {"_id": "$n", "ids": {"$push": "$_id"}}}], 2, ()),
        ([{"$group": {"_id": "$n", "count": {"$sum": 1}}}, {"$sort": {"_id": 1}}, {"$count": "all"}], 2, ("$count",)),
        ([{"$unwind": "$tags"}, {"$sortByCount": "$tags"}, {"$match": {"count": 2}}], 1, None),
    ],
    ids=["whole", "beginning", "middle"],
)
async def test_the_longest_exact_beginning_of_a_pipeline_goes_down(
    stages: list[dict[str, Any]], taken: int, left: tuple[str, ...] | None, numbers: Collection
) -> None:
    """The rest streams through the engine; ``explain()`` shows both."""
    cursor = numbers.aggregate(stages)
    found = await cursor.to_list()
    assert driver_of(numbers).ran == {"aggregate": 1}
    async with AbleDocumentStore() as other:
        copy = other.collection("numbers")
        await copy.insert_many(DOCUMENTS)
        # A filter that the driver does not know leaves the whole pipeline to the engine.
        expected = await copy.aggregate([{"$match": {"_id": {"$exists": True}}}, *stages]).to_list()
        assert not driver_of(copy).ran
    assert found == expected
    plan = await cursor.explain()
    assert plan.native == {"pipeline": [next(iter(stage)) for stage in stages[:taken]]}
    assert left is None or tuple(line.split()[0] for line in plan.stages) == left
    assert plan.documents_examined == 3
    assert plan.documents_returned == len(found)


async def test_a_pipeline_stays_what_it_was_when_it_was_given(numbers: Collection) -> None:
    """Also where the same one comes again: what the caller changes later is another pipeline."""
    stages: list[dict[str, Any]] = [{"$group": {"_id": "$n"}}, {"$sort": {"_id": 1}}]
    cursor = numbers.aggregate(stages)
    stages[0]["$group"]["_id"] = {"$add": ["$n", 10]}
    assert await cursor.to_list() == [{"_id": 1}, {"_id": 2}]
    assert await numbers.aggregate(stages).to_list() == [{"_id": 11}, {"_id": 12}]
    stages[0]["$group"]["_id"] = "$n"
    assert await numbers.aggregate(stages).to_list() == [{"_id": 1}, {"_id": 2}]
    assert driver_of(numbers).ran == {"aggregate": 3}


async def test_a_pipeline_that_comes_again_tells_the_time_anew(numbers: Collection) -> None:
    """A filter that asks for it is not kept."""
    stages = [{"$match": {"$expr": {"$lt": ["$at", "$$NOW"]}}}]
    assert await numbers.aggregate(stages).to_list() == DOCUMENTS  # a field that is missing comes before any date
    moment = datetime.now(UTC) + timedelta(milliseconds=30)
    await numbers.update_many({}, {"$set": {"at": moment}})
    assert await numbers.aggregate(stages).to_list() == []
    await asyncio.sleep((moment - datetime.now(UTC)).total_seconds() + 0.005)
    assert len(await numbers.aggregate(stages).to_list()) == len(DOCUMENTS)


async def test_a_pipeline_that_is_a_plain_read_is_one(numbers: Collection) -> None:
    """Which costs every backend less than a pipeline."""
    stages = [{"$match": {"n": 2}}, {"$sort": {"_id": -1}}, {"$limit": 1}]
    assert await numbers.aggregate(stages).to_list() == [DOCUMENTS[2]]
    assert not driver_of(numbers).ran


async def test_a_pipeline_writes_through_the_engine_what_the_driver_did_not_take(numbers: Collection) -> None:
    """``$merge`` after a native beginning."""
    stages = [{"$group": {"_id": "$n", "count": {"$sum": 1}}}, {"$merge": "totals"}]
    assert await numbers.aggregate(stages).to_list() == []
    assert driver_of(numbers).ran["aggregate"] == 1
    totals = numbers.store.collection("totals")
    assert await totals.find(sort=[("_id", 1)]).to_list() == [{"_id": 1, "count": 1}, {"_id": 2, "count": 2}]


async def test_a_pipeline_with_variables_is_whole_after_the_split(numbers: Collection) -> None:
    """The rest knows them."""
    stages = [{"$match": {"n": 2}}, {"$set": {"more": {"$add": ["$n", "$$extra"]}}}, {"$sort": {"_id": 1}}]
    found = await numbers.aggregate(stages, let={"extra": {"$add": [1, 2]}}).to_list()
    assert [document["more"] for document in found] == [5, 5]


async def test_documents_of_a_native_pipeline_are_the_readers(numbers: Collection) -> None:
    """Changing them changes nothing that is stored."""
    for document in await numbers.aggregate([{"$set": {"m": 1}}]).to_list():
        document["n"] = document["tags"] = None
    assert await numbers.find(sort=[("_id", 1)]).to_list() == DOCUMENTS


async def test_leaving_a_native_pipeline_early_closes_it(numbers: Collection) -> None:
    """As any cursor."""
    cursor = numbers.aggregate([{"$set": {"m": 1}}], batch_size=1)
    assert (await cursor.first() or {})["_id"] == 1
    assert cursor.closed


async def test_distinct_values_come_from_the_driver_where_the_filter_is_exact(numbers: Collection) -> None:
    """And from the engine elsewhere, equal."""
    assert sorted(await numbers.distinct("tags", {"n": {"$gte": 1}})) == ["a", "b"]
    assert driver_of(numbers).ran == {"distinct": 1}
    assert sorted(await numbers.distinct("tags", {"n": {"$in": [1, 2]}})) == ["a", "b"]
    assert driver_of(numbers).ran == {"distinct": 1}


async def test_a_session_is_one_of_the_servers_too(able: AbleDocumentStore, monkeypatch: pytest.MonkeyPatch) -> None:
    """Operations carry it, and it ends with its block, also on an error."""
    collection = able.collection("numbers")
    driver = driver_of(collection)
    carried: list[Any] = []
    insert = type(driver.collection("numbers")).insert

    async def noting(self: Any, documents: Any, ordered: bool, call: Any) -> Any:
        carried.append((call.session, call.in_transaction))
        return await insert(self, documents, ordered, call)

    monkeypatch.setattr(type(driver.collection("numbers")), "insert", noting)
    await collection.insert_one({})
    async with able.session() as session:
        (native,) = driver.sessions
        await collection.insert_one({})
        await asyncio.create_task(collection.insert_one({}, session=session))
        await asyncio.create_task(collection.insert_one({}))
    assert carried == [(None, False), (native, False), (native, False), (None, False)]
    assert not driver.sessions
    with pytest.raises(NoSQLError):
        async with able.session():
            await collection.find_one({"$no": 1})
    assert not driver.sessions


async def test_a_session_does_not_outlive_its_connection(able: AbleDocumentStore) -> None:
    """The new connection knows nothing of it."""
    async with able.session():
        await able.disconnect()
        await able.connect()
        with pytest.raises(TransactionError):
            await able.collection("numbers").find_one({})


async def test_a_store_without_transactions_says_so_in_a_session(able: AbleDocumentStore) -> None:
    """By name, as without one."""
    async with able.session() as session:
        with pytest.raises(UnsupportedFeatureError):
            async with session.transaction():
                pass


async def test_unacknowledged_writes_say_so(able: AbleDocumentStore) -> None:
    """Nothing is known of what they did."""
    numbers = able.collection("numbers")
    driver_of(numbers).acknowledges = False
    assert not (await numbers.insert_one({"_id": 1})).acknowledged
    assert not (await numbers.insert_many([{"_id": 2}])).acknowledged
    result = await numbers.update_one({"_id": 1}, {"$set": {"n": 1}})
    assert (result.acknowledged, result.matched_count) == (False, 0)
    assert not (await numbers.delete_one({"_id": 1})).acknowledged
    bulk = await numbers.bulk_write([InsertOne({"_id": 3}), DeleteOne({"_id": 3})])
    assert not bulk.acknowledged


async def test_the_servers_own_plan_is_in_the_plan(numbers: Collection) -> None:
    """With the way it takes and what it looked at."""
    cursor = numbers.find({"n": 2})
    before = await cursor.explain()
    assert (before.access.index, before.documents_examined, before.server) == ("of the server", None, {"what": "read"})
    await cursor.to_list()
    after = await cursor.explain()
    assert (after.documents_examined, after.keys_examined, after.documents_returned) == (3, 0, 2)
    pipeline = await numbers.aggregate([{"$group": {"_id": None}}]).explain()
    assert pipeline.server == {"what": "pipeline"}
    assert (await numbers.explain("delete_many", {"n": 2})).server == {"what": "read"}


@pytest.mark.parametrize("name", WRITES)
async def test_errors_of_native_requests_are_translated(name: str, numbers: Collection) -> None:
    """By the driver's code, with the original as the cause; other errors pass as they are."""
    _, write = WRITES[name]
    driver = driver_of(numbers)
    driver.fault = MinimalError("broken", {})
    with pytest.raises(NoSQLError) as caught:
        await write(numbers, {"_id": 1})
    assert caught.value.__cause__ is driver.fault
    assert (caught.value.operation, caught.value.collection) == (name, "numbers")
    driver.fault = ZeroDivisionError()
    with pytest.raises(ZeroDivisionError):
        await write(numbers, {"_id": 1})


@pytest.mark.parametrize(
    "work",
    [
        pytest.param(lambda c: c.bulk_write([InsertOne({}), DeleteOne({"_id": 1})]), id="bulk"),
        pytest.param(lambda c: c.aggregate([{"$group": {"_id": None}}]).to_list(), id="aggregate"),
        pytest.param(lambda c: c.distinct("n"), id="distinct"),
        pytest.param(lambda c: c.explain("find", {}), id="explain"),
    ],
)
async def test_errors_of_other_abilities_are_translated(work: Work, numbers: Collection) -> None:
    """All of them."""
    driver_of(numbers).fault = MinimalError("broken", {})
    with pytest.raises(NoSQLError) as caught:
        await work(numbers)
    assert isinstance(caught.value.__cause__, MinimalError)


@pytest.mark.parametrize(
    "work",
    [
        *(pytest.param(lambda c, w=write: w(c, {"_id": 1}), id=name) for name, (_, write) in WRITES.items()),
        pytest.param(lambda c: c.bulk_write([InsertOne({}), DeleteOne({"_id": 1})]), id="bulk"),
        pytest.param(lambda c: c.aggregate([{"$group": {"_id": None}}]).to_list(), id="aggregate"),
        pytest.param(lambda c: c.distinct("n"), id="distinct"),
    ],
)
async def test_a_native_request_can_be_cancelled(
    work: Work, numbers: Collection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It ends at once, and nothing was done."""
    begun = asyncio.Event()

    async def use(self: AbleDriver, ability: str) -> None:
        begun.set()
        await asyncio.Event().wait()

    monkeypatch.setattr(AbleDriver, "use", use)
    task = asyncio.create_task(work(numbers))
    await begun.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert await numbers.count_documents() == len(DOCUMENTS)


async def test_time_limits_hold_for_native_requests(numbers: Collection, monkeypatch: pytest.MonkeyPatch) -> None:
    """As for all others."""

    async def use(self: AbleDriver, ability: str) -> None:
        await asyncio.Event().wait()

    monkeypatch.setattr(AbleDriver, "use", use)
    for work in (
        numbers.update_one({"_id": 1}, {"$set": {"n": 2}}, timeout=0.01),
        numbers.delete_many({}, timeout=0.01),
        numbers.distinct("n", timeout=0.01),
        numbers.aggregate([{"$group": {"_id": None}}], timeout=0.01).to_list(),
    ):
        with pytest.raises(NoSQLTimeoutError):
            await work


async def test_the_rest_of_a_pipeline_that_needs_a_score_is_not_cut_off(numbers: Collection) -> None:
    """What stages ask of the documents that were read, they can ask only while those are there."""
    from lexigram.nosql.aggregation.parse import parse_pipeline

    pipeline = parse_pipeline([{"$match": {"$text": {"$search": "a"}}}, {"$sort": {"s": {"$meta": "textScore"}}}])
    assert pipeline.after(1) is None
    rest = pipeline.after(2)
    assert rest is not None
    assert rest.stages == ()
    with pytest.raises(PipelineError):
        parse_pipeline([{"$sort": {"s": {"$meta": "textScore"}}}])

"""Answers do not depend on who does the work: the engine above a driver, or the driver itself."""

from __future__ import annotations

import asyncio
import re
from collections import Counter
from collections.abc import Coroutine
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from lexigram.nosql import DeleteMany, DeleteOne, InsertOne, ReplaceOne, UpdateMany, UpdateOne
from lexigram.nosql.collection import Collection
from lexigram.nosql.exceptions import BulkWriteError, NoSQLError
from lexigram.nosql.testing.able import AbleDocumentStore, AbleDriver
from lexigram.nosql.testing.minimal import MinimalDocumentStore
from lexigram.nosql.testing.strategies import documents, field_names, filters, paths, pipelines, scalars, sorts, updates

Documents = list[dict[str, Any]]
ORDER = [("_id", 1)]

_NUMBERED = st.lists(documents(), max_size=6).map(
    lambda given: [{"_id": index, **document} for index, document in enumerate(given)]
)
# Of comparisons, which the able driver takes, and any.
_PLAIN = st.one_of(
    st.dictionaries(field_names(), scalars(), max_size=1),
    st.dictionaries(
        field_names(), st.dictionaries(st.sampled_from(["$gte", "$lt"]), scalars(), min_size=1), max_size=1
    ),
    st.builds(lambda identity: {"_id": identity}, st.integers(0, 8)),
)
_FILTERS = st.one_of(_PLAIN, filters())
_OPERATIONS = st.one_of(
    st.builds(lambda identity, document: InsertOne({"_id": identity, **document}), st.integers(0, 9), documents()),
    st.builds(UpdateOne, _PLAIN, updates(), st.booleans()),
    st.builds(UpdateMany, _PLAIN, updates(), st.booleans()),
    st.builds(ReplaceOne, _FILTERS, documents()),
    st.builds(DeleteOne, _FILTERS),
    st.builds(DeleteMany, _PLAIN),
)
_MADE = re.compile(r"'[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f-]{22}'")


def told(result: Any) -> str:
    """What came out, as text, apart from ids that were made."""
    return _MADE.sub("'made'", repr(result))


async def outcome(work: Coroutine[Any, Any, Any]) -> str:
    try:
        return told(await work)
    except BulkWriteError as error:
        failures = [(failure.index, type(failure.error), failure.error.mongo_code) for failure in error.failures]
        return told((failures, error.result))
    except NoSQLError as error:
        return told((type(error), error.mongo_code))


@settings(suppress_health_check=[HealthCheck.too_slow])
@given(_NUMBERED, _FILTERS, updates(), documents(), sorts(), st.booleans(), st.booleans())
def test_writes_do_the_same_by_driver_and_by_engine(
    given_documents: Documents,
    selection: dict[str, Any],
    update: dict[str, Any],
    replacement: dict[str, Any],
    order: list[tuple[str, int]],
    upsert: bool,
    after: bool,
) -> None:
    """Counts, documents wanted back, errors and what is left."""
    total = [*(pair for pair in order if pair[0] != "_id"), ("_id", 1)]
    natively: Counter[str] = Counter()

    async def everything(store: MinimalDocumentStore | AbleDocumentStore) -> list[str]:
        async with store:
            things = store.collection("things")
            await things.insert_many(given_documents)
            seen = [
                await outcome(things.update_one(selection, update, upsert=upsert, sort=total)),
                await outcome(
                    things.find_one_and_update(
                        selection, update, sort=total, return_document=after, projection={"a": 1}
                    )
                ),
                await outcome(things.update_many(selection, update, upsert=upsert)),
                await outcome(things.find(sort=ORDER, projection={"_id": 0}).to_list()),
                await outcome(
                    things.find_one_and_replace(
                        selection, replacement, sort=total, upsert=upsert, return_document=after
                    )
                ),
                await outcome(things.replace_one({"_id": 1}, replacement, upsert=upsert)),
                await outcome(things.delete_one(selection)),
                await outcome(things.find_one_and_delete(selection, sort=total)),
                await outcome(things.count_documents(selection)),
                await outcome(things.delete_many(selection)),
                await outcome(things.find(sort=ORDER, projection={"_id": 0}).to_list()),
            ]
            if isinstance(store.driver, AbleDriver):
                natively.update(store.driver.ran)
            return seen

    async def work() -> None:
        assert await everything(AbleDocumentStore()) == await everything(MinimalDocumentStore())

    asyncio.run(work())
    # The replacement by _id always can go down.
    assert natively["update"] >= 1


@settings(suppress_health_check=[HealthCheck.too_slow])
@given(_NUMBERED, st.lists(_OPERATIONS, min_size=1, max_size=6), st.booleans())
def test_bulks_do_the_same_by_driver_and_by_engine(
    given_documents: Documents, operations: list[Any], ordered: bool
) -> None:
    """Counts, ids, which failed and why, and what is left."""

    async def everything(store: MinimalDocumentStore | AbleDocumentStore) -> list[str]:
        async with store:
            things = store.collection("things")
            await things.insert_many(given_documents)
            return [
                await outcome(things.bulk_write(operations, ordered=ordered)),
                await outcome(things.find(sort=ORDER, projection={"_id": 0}).to_list()),
            ]

    async def work() -> None:
        assert await everything(AbleDocumentStore()) == await everything(MinimalDocumentStore())

    asyncio.run(work())


async def aggregated(things: Collection, pipeline: list[dict[str, Any]]) -> Documents:
    """All at once, since a pipeline that is not valid is refused where it is made."""
    return await things.aggregate(pipeline, batch_size=2).to_list()


@settings(suppress_health_check=[HealthCheck.too_slow])
@given(_NUMBERED, pipelines(), paths(), _FILTERS)
def test_pipelines_and_distinct_values_are_the_same_by_driver_and_by_engine(
    given_documents: Documents, pipeline: list[dict[str, Any]], path: str, selection: dict[str, Any]
) -> None:
    """In the pipeline's order."""

    async def everything(store: MinimalDocumentStore | AbleDocumentStore) -> list[str]:
        async with store:
            things = store.collection("things")
            await things.insert_many(given_documents)
            return [
                await outcome(aggregated(things, pipeline)),
                await outcome(aggregated(things, [{"$match": selection}, *pipeline])),
                await outcome(things.distinct(path, selection)),
            ]

    async def work() -> None:
        assert await everything(AbleDocumentStore()) == await everything(MinimalDocumentStore())

    asyncio.run(work())

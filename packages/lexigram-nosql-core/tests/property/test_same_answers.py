"""Answers do not depend on indexes, nor on what a driver can do beyond the required methods."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from functools import cache
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from lexigram.nosql.backends.memory import InMemoryDocumentStore
from lexigram.nosql.collection import Collection
from lexigram.nosql.exceptions import BulkWriteError, NoSQLError, NoSQLIndexError
from lexigram.nosql.indexes import parse_index
from lexigram.nosql.query.sort import parse_sort
from lexigram.nosql.testing.minimal import MinimalDocumentStore
from lexigram.nosql.testing.strategies import documents, field_names, filters, paths, scalars, sorts, values

Documents = list[dict[str, Any]]


def run(work: Callable[[], Coroutine[Any, Any, None]]) -> None:
    asyncio.run(work())


def numbered(given: Documents) -> Documents:
    """The documents with ids, as a store takes them."""
    return [{"_id": index, **document} for index, document in enumerate(given)]


@cache
def collections() -> st.SearchStrategy[Documents]:
    return st.lists(documents(bson=True), max_size=12).map(numbered)


def index_keys() -> st.SearchStrategy[list[tuple[str, int]]]:
    return st.dictionaries(paths(), st.sampled_from([1, -1]), min_size=1, max_size=3).map(
        lambda keys: list(keys.items())
    )


def possible(partial: dict[str, Any]) -> bool:
    """Whether an index can have this filter."""
    try:
        parse_index("a", partial_filter=partial)
    except NoSQLIndexError:
        return False
    return True


def indexes() -> st.SearchStrategy[list[dict[str, Any]]]:
    options = st.one_of(
        st.just({}),
        st.just({"sparse": True}),
        filters().filter(possible).map(lambda partial: {"partial_filter": partial}),
        st.dictionaries(field_names(), scalars(), min_size=1, max_size=1)
        .filter(possible)
        .map(lambda partial: {"partial_filter": partial}),
        paths().map(lambda path: {"partial_filter": {path: {"$exists": True}}}),
    )
    return st.lists(st.builds(lambda keys, more: {"keys": keys, **more}, index_keys(), options), max_size=3)


async def indexed(collection: Collection, wanted: list[dict[str, Any]]) -> None:
    for number, options in enumerate(wanted):
        try:
            await collection.create_index(**options, name=f"index{number}")
        except NoSQLIndexError as error:
            # Documents that it cannot hold, or it is there already.
            if error.mongo_code not in (16746, 171, 85):
                raise


async def insertable(collection: Collection, given: Documents) -> Documents:
    """Insert what the indexes can hold, and say what that was."""
    try:
        await collection.insert_many(given, ordered=False)
    except BulkWriteError as error:
        if not all(isinstance(failure.error, NoSQLIndexError) for failure in error.failures):
            raise
        refused = {failure.index for failure in error.failures}
        return [document for index, document in enumerate(given) if index not in refused]
    return given


async def outcome(work: Coroutine[Any, Any, Any]) -> Any:
    """What came out, or what was raised."""
    try:
        return await work
    except NoSQLError as error:
        return type(error), error.mongo_code


def same_order(found: Documents, expected: Documents, order: Any) -> None:
    """Equal as sets, and both in the order; ties may stand either way."""
    assert sorted(document["_id"] for document in found) == sorted(document["_id"] for document in expected)
    sort = parse_sort(order)
    assert sort is not None
    places = [sort.place(document) for document in found]
    assert places == [sort.place(document) for document in expected]


@settings(suppress_health_check=[HealthCheck.too_slow])
@given(collections(), filters(bson=True), sorts(), indexes(), st.integers(0, 3), st.integers(0, 4))
def test_answers_do_not_depend_on_indexes(
    given_documents: Documents,
    given_filter: dict[str, Any],
    order: list[tuple[str, int]],
    wanted: list[dict[str, Any]],
    skip: int,
    limit: int,
) -> None:
    """The same filter, order, skip and limit, with indexes and without."""

    async def work() -> None:
        async with InMemoryDocumentStore() as store:
            plain, fast = store.collection("plain"), store.collection("fast")
            await indexed(fast, wanted)
            await plain.insert_many(await insertable(fast, given_documents))
            total = [*(pair for pair in order if pair[0] != "_id"), ("_id", 1)]
            expected = await outcome(plain.find(given_filter).to_list())
            found = await outcome(fast.find(given_filter).to_list())
            if isinstance(expected, tuple):
                assert isinstance(found, tuple)
                return
            key = lambda document: document["_id"]  # noqa: E731
            assert repr(sorted(found, key=key)) == repr(sorted(expected, key=key))
            assert await fast.count_documents(given_filter) == len(expected)
            assert await fast.count_documents(given_filter, limit=2) == min(2, len(expected))
            assert await fast.exists(given_filter) is bool(expected)
            for spec in (order, total):
                ordered = await outcome(plain.find(given_filter, sort=spec).to_list())
                if isinstance(ordered, tuple):
                    continue  # an order over two arrays is an error, unless an index spares the sort
                same_order(await fast.find(given_filter, sort=spec).to_list(), ordered, spec)
            ordered = await outcome(plain.find(given_filter, sort=total, skip=skip, limit=limit).to_list())
            if not isinstance(ordered, tuple):
                assert repr(await fast.find(given_filter, sort=total, skip=skip, limit=limit).to_list()) == repr(
                    ordered
                )
                first = await fast.find_one(given_filter, sort=total)
                assert repr(first) == repr(await plain.find_one(given_filter, sort=total))
            for name in ("index0", "_id_"):
                if wanted or name == "_id_":
                    hinted = await fast.find(given_filter, hint=name).to_list()
                    assert sorted(map(key, hinted)) == sorted(map(key, expected))

    run(work)


@settings(suppress_health_check=[HealthCheck.too_slow])
@given(
    collections(),
    indexes(),
    st.lists(
        st.one_of(
            st.tuples(st.just("update"), filters(), field_names(), values(bson=True, max_leaves=4)),
            st.tuples(st.just("delete"), filters()),
            st.tuples(st.just("replace"), st.integers(0, 12), documents()),
            st.tuples(st.just("insert"), st.integers(0, 20), documents()),
            st.tuples(st.just("drop")),
        ),
        max_size=6,
    ),
    filters(),
)
def test_indexes_follow_every_write(
    given_documents: Documents, wanted: list[dict[str, Any]], writes: list[Any], given_filter: dict[str, Any]
) -> None:
    """After updates, deletes, replacements and inserts they say what a scan says."""

    async def write(collection: Collection, change: Any) -> Any:
        match change:
            case ("update", selection, name, value):
                return await outcome(collection.update_many(selection, {"$set": {name: value}}))
            case ("delete", selection):
                return await outcome(collection.delete_many(selection))
            case ("replace", identity, document):
                return await outcome(collection.replace_one({"_id": identity}, document, upsert=True))
            case ("insert", identity, document):
                return await outcome(collection.insert_one({"_id": identity, **document}))
            case _:
                return await outcome(collection.delete_many({"_id": {"$gt": 3}}))

    async def work() -> None:
        async with InMemoryDocumentStore() as store:
            plain, fast = store.collection("plain"), store.collection("fast")
            try:
                await fast.insert_many(given_documents)
                await indexed(fast, wanted)
                await fast.find(sort=[("_id", 1)]).to_list()
                await plain.insert_many(given_documents)
                for change in writes:
                    result = await write(fast, change)
                    if isinstance(result, tuple) and issubclass(result[0], NoSQLIndexError):
                        return  # documents that no such index can hold
                    await write(plain, change)
            except NoSQLIndexError:
                return
            everything = [("_id", 1)]
            assert repr(await fast.find(sort=everything).to_list()) == repr(await plain.find(sort=everything).to_list())
            expected = await outcome(plain.find(given_filter, sort=everything).to_list())
            assert repr(await outcome(fast.find(given_filter, sort=everything).to_list())) == repr(expected)
            for options in wanted:
                path = options["keys"][0][0]
                for document in await plain.find().to_list():
                    value = document.get(path)
                    if isinstance(value, str | int):
                        same = await plain.find({path: value}, sort=everything).to_list()
                        assert repr(await fast.find({path: value}, sort=everything).to_list()) == repr(same)

    run(work)


@settings(suppress_health_check=[HealthCheck.too_slow])
@given(
    collections(),
    filters(bson=True),
    sorts(),
    paths(),
    values(max_leaves=4),
    st.integers(0, 3),
    st.integers(0, 4),
    st.booleans(),
)
def test_the_least_driver_gives_the_same_answers(
    given_documents: Documents,
    given_filter: dict[str, Any],
    order: list[tuple[str, int]],
    path: str,
    value: Any,
    skip: int,
    limit: int,
    upsert: bool,
) -> None:
    """Every method, on the memory driver and on the one with required methods only."""

    async def everything(store: InMemoryDocumentStore | MinimalDocumentStore) -> list[Any]:
        things = store.collection("things")
        await things.insert_many(given_documents)
        total = [*(pair for pair in order if pair[0] != "_id"), ("_id", 1)]
        seen = [
            await outcome(things.find(given_filter).to_list()),
            await outcome(things.find(given_filter, sort=total, skip=skip, limit=limit, batch_size=2).to_list()),
            await outcome(things.find(given_filter, sort=order, limit=limit).to_list()),
            await outcome(things.find(given_filter, skip=skip, limit=limit, projection=["_id", "a"]).to_list()),
            await outcome(things.find_one(given_filter, sort=total, skip=skip)),
            await outcome(things.count_documents(given_filter, skip=skip, limit=limit)),
            await outcome(things.distinct(path, given_filter)),
            await outcome(things.exists(given_filter)),
            await outcome(
                things.aggregate([{"$match": given_filter}, {"$sort": dict(total)}, {"$limit": 3}]).to_list()
            ),
            await outcome(things.update_one(given_filter, {"$set": {"c": value}}, sort=total)),
            await outcome(things.find_one_and_update(given_filter, {"$set": {path: value}}, sort=total)),
            await outcome(things.update_many(given_filter, {"$set": {path: value}})),
            await outcome(things.update_one({"_id": 50}, {"$set": {path: value}}, upsert=upsert)),
            await outcome(things.replace_one(given_filter, {"b": value}, sort=total)),
            await outcome(things.find_one_and_delete(given_filter, sort=total)),
            await outcome(things.delete_one(given_filter)),
            await outcome(things.find(sort=[("_id", 1)]).to_list()),
            await outcome(things.delete_many(given_filter)),
            await outcome(things.find(sort=[("$natural", -1)]).to_list()),
        ]
        page = await outcome(things.find_page(given_filter, sort=order, size=2))
        seen.append(page if isinstance(page, tuple) else page.items)
        return seen

    async def work() -> None:
        async with InMemoryDocumentStore() as memory, MinimalDocumentStore() as minimal:
            assert repr(await everything(memory)) == repr(await everything(minimal))

    run(work)


# Indexes whose fields share one array, and paths with positions in it: what entries hold together there is not what
# conditions ask for one by one.
_SHARED_PATHS = ("a", "a.b", "a.c", "a.0", "a.1", "a.0.b", "a.1.c", "a.b.0", "a.b.c", "a.0.0", "d", "d.0", "_id")
_SMALL = st.sampled_from([None, 0, 1, 2, "x", True])
_INNER = st.one_of(
    _SMALL,
    st.lists(_SMALL, max_size=2),
    st.dictionaries(st.sampled_from(["b", "c", "0"]), st.one_of(_SMALL, st.lists(_SMALL, max_size=2)), max_size=2),
)
_ELEMENTS = st.one_of(
    _SMALL, st.lists(_INNER, max_size=3), st.dictionaries(st.sampled_from(["b", "c", "0"]), _INNER, max_size=2)
)
_OBJECTS = st.lists(
    st.dictionaries(st.sampled_from(["b", "c"]), st.one_of(_SMALL, st.lists(_SMALL, max_size=2))), max_size=3
)


@cache
def shared_documents() -> st.SearchStrategy[Documents]:
    document = st.fixed_dictionaries({}, optional={"a": st.one_of(_OBJECTS, _OBJECTS, _ELEMENTS), "d": _ELEMENTS})
    return st.lists(document, min_size=1, max_size=14).map(numbered)


@cache
def shared_conditions() -> st.SearchStrategy[dict[str, Any]]:
    comparison = st.one_of(
        _SMALL,
        st.builds(
            lambda name, value: {name: value}, st.sampled_from(["$gt", "$gte", "$lt", "$lte", "$ne", "$eq"]), _SMALL
        ),
        st.builds(lambda low, high: {"$gte": low, "$lte": high}, _SMALL, _SMALL),
        st.lists(_SMALL, max_size=3).map(lambda values: {"$in": values}),
        st.lists(_SMALL, min_size=1, max_size=2).map(lambda values: {"$all": values}),
        st.builds(lambda low, high: {"$elemMatch": {"b": low, "c": {"$gte": high}}}, _SMALL, _SMALL),
        st.builds(lambda low, high: {"$elemMatch": {"$gte": low, "$lte": high}}, _SMALL, _SMALL),
        st.booleans().map(lambda there: {"$exists": there}),
        st.integers(0, 2).map(lambda size: {"$size": size}),
        st.lists(_SMALL, max_size=2),
        st.dictionaries(st.sampled_from(["b", "c"]), _SMALL, min_size=1, max_size=2),
    )
    plain = st.dictionaries(st.sampled_from(_SHARED_PATHS), comparison, min_size=1, max_size=3)
    several = st.builds(
        lambda name, parts: {name: parts},
        st.sampled_from(["$and", "$or", "$nor"]),
        st.lists(plain, min_size=1, max_size=2),
    )
    return st.one_of(plain, plain, several, st.builds(lambda one, other: {**one, **other}, plain, several))


def shared_keys() -> st.SearchStrategy[list[tuple[str, int]]]:
    return st.dictionaries(st.sampled_from(_SHARED_PATHS), st.sampled_from([1, -1]), min_size=1, max_size=3).map(
        lambda keys: list(keys.items())
    )


@settings(max_examples=300, suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(
    shared_documents(),
    shared_conditions(),
    shared_keys(),
    st.lists(
        st.builds(
            lambda keys, more: {"keys": keys, **more},
            shared_keys().filter(lambda keys: keys[0][0] != "_id" or len(keys) > 1),  # that one is there
            st.sampled_from([{}, {"sparse": True}]),
        ),
        min_size=1,
        max_size=3,
    ),
    st.integers(0, 2),
    st.integers(0, 3),
)
def test_answers_do_not_depend_on_indexes_over_one_array(
    given_documents: Documents,
    given_filter: dict[str, Any],
    order: list[tuple[str, int]],
    wanted: list[dict[str, Any]],
    skip: int,
    limit: int,
) -> None:
    """Compound and multikey, with positions, whichever index is taken and whichever is named."""

    async def work() -> None:
        async with InMemoryDocumentStore() as store:
            plain, fast = store.collection("plain"), store.collection("fast")
            await indexed(fast, wanted)
            await plain.insert_many(await insertable(fast, given_documents))
            key = lambda document: document["_id"]  # noqa: E731
            expected = sorted(await plain.find(given_filter).to_list(), key=key)
            assert repr(sorted(await fast.find(given_filter).to_list(), key=key)) == repr(expected)
            assert await fast.count_documents(given_filter) == len(expected)
            for index in await fast.list_indexes():
                hinted = await fast.find(given_filter, hint=index["name"]).to_list()
                if not index.get("sparse"):  # which may leave documents out where it is named
                    assert repr(sorted(hinted, key=key)) == repr(expected)
            total = [*(pair for pair in order if pair[0] != "_id"), ("_id", 1)]
            ordered = await outcome(plain.find(given_filter, sort=total, skip=skip, limit=limit).to_list())
            found = await outcome(fast.find(given_filter, sort=total, skip=skip, limit=limit).to_list())
            if not isinstance(ordered, tuple):
                assert repr(found) == repr(ordered)
            before = await plain.find(sort=[("_id", 1)]).to_list()
            assert repr(await fast.find(sort=[("_id", 1)]).to_list()) == repr(before)
            changed = await outcome(fast.update_many(given_filter, {"$set": {"d": 5}}))
            await outcome(plain.update_many(given_filter, {"$set": {"d": 5}}))
            if not isinstance(changed, tuple):
                after = await plain.find(sort=[("_id", 1)]).to_list()
                assert repr(await fast.find(sort=[("_id", 1)]).to_list()) == repr(after)
                assert await fast.count_documents({"d": 5}) == sum(each.get("d") == 5 for each in after)

    run(work)

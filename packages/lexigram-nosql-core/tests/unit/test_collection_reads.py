"""Every way of reading a collection, on the memory driver and on the one that has the required methods only."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from lexigram.contracts.data.nosql.nosql import CollectionProtocol
from lexigram.nosql import DocumentQueryBuilder
from lexigram.nosql.collection import Collection
from lexigram.nosql.exceptions import NoSQLFilterError, NoSQLIndexError, QueryOptionError
from lexigram.nosql.query.builder import DocumentQuery
from lexigram.nosql.query.parse import parse_filter

BOOKS: list[dict[str, Any]] = [
    {"_id": 1, "title": "Middlemarch", "price": 12, "tags": ["novel", "long"], "author": {"name": "Eliot"}},
    {"_id": 2, "title": "Emma", "price": 8, "tags": ["novel"], "author": {"name": "Austen"}},
    {"_id": 3, "title": "Walden", "price": 10, "tags": [], "author": {"name": "Thoreau"}},
    {"_id": 4, "title": "Persuasion", "price": 8, "author": {"name": "Austen"}},
    {"_id": 5, "title": "emma", "price": None},
]


@pytest.fixture
async def books(things: Collection) -> Collection:
    await things.insert_many(BOOKS)
    return things


def ids(documents: list[dict[str, Any]]) -> list[Any]:
    return [document["_id"] for document in documents]


def test_a_collection_is_what_the_contract_says(things: Collection) -> None:
    """Services depend on the protocol, not on the class."""
    assert isinstance(things, CollectionProtocol)
    assert things.name == "things"
    assert things.store.collection("things") is things
    assert "things" in repr(things)


async def test_find_without_arguments_gives_everything_in_order_of_insertion(books: Collection) -> None:
    """No filter means all documents."""
    assert await books.find().to_list() == BOOKS
    assert await books.find({}).to_list() == BOOKS
    assert await books.find(None).to_list() == BOOKS


@pytest.mark.parametrize(
    ("filter", "expected"),
    [
        ({"_id": 3}, [3]),
        ({"_id": {"$in": [5, 1, 99]}}, [1, 5]),
        ({"price": 8}, [2, 4]),
        ({"price": {"$gt": 8, "$lte": 12}}, [1, 3]),
        ({"tags": "novel"}, [1, 2]),
        ({"tags": ["novel"]}, [2]),
        ({"author.name": "Austen"}, [2, 4]),
        ({"$or": [{"price": 12}, {"title": "Walden"}]}, [1, 3]),
        ({"price": None}, [5]),
        ({"tags": {"$exists": False}}, [4, 5]),
        ({"title": re.compile("^emma$", re.IGNORECASE)}, [2, 5]),
        ({"$expr": {"$gt": ["$price", 9]}}, [1, 3]),
        ({"price": {"$in": []}}, []),
        ({"price": {"$nin": []}}, [1, 2, 3, 4, 5]),
    ],
)
async def test_find_selects_what_the_filter_says(books: Collection, filter: Any, expected: list[int]) -> None:
    """The same filter means the same on every driver."""
    assert sorted(ids(await books.find(filter).to_list())) == expected
    assert await books.count_documents(filter) == len(expected)
    assert await books.exists(filter) is bool(expected)


@pytest.mark.parametrize(
    "given",
    [
        {"price": {"$gte": 10}},
        DocumentQueryBuilder().where_gte("price", 10),
        DocumentQueryBuilder().where_gte("price", 10).build(),
        parse_filter({"price": {"$gte": 10}}),
    ],
    ids=["mapping", "builder", "query", "parsed"],
)
async def test_every_form_of_a_filter_is_accepted(books: Collection, given: Any) -> None:
    """A mapping, a builder, what it builds, and a parsed filter."""
    assert ids(await books.find(given).to_list()) == [1, 3]
    assert (await books.find_one(given) or {})["_id"] == 1
    assert await books.count_documents(given) == 2
    assert await books.exists(given)
    assert await books.distinct("price", given) == [12, 10]
    assert (await books.find_page(given)).items == [BOOKS[0], BOOKS[2]]
    assert (await books.delete_many(given)).deleted_count == 2


async def test_a_built_query_brings_its_sort_skip_limit_and_projection(books: Collection) -> None:
    """What the query carries holds, unless the call says otherwise."""
    query = DocumentQueryBuilder().select("title").sort_by("price", descending=True).sort_by("_id").skip(1).limit(2)
    assert await books.find(query).to_list() == [{"_id": 3, "title": "Walden"}, {"_id": 2, "title": "Emma"}]
    assert ids(await books.find(query, limit=3).to_list()) == [3, 2, 4]
    assert await books.find(query, projection={"_id": 1}, sort=[("_id", 1)]).to_list() == [{"_id": 2}, {"_id": 3}]
    assert await books.count_documents(query) == 2
    built = query.build()
    assert built == DocumentQuery({}, {"title": 1}, [("price", -1), ("_id", 1)], 1, 2)


async def test_sort_skip_and_limit_apply_in_that_order(books: Collection) -> None:
    """Whoever sorts, limit counts sorted documents."""
    by_price = [("price", 1), ("_id", -1)]
    assert ids(await books.find(sort=by_price).to_list()) == [5, 4, 2, 3, 1]
    assert ids(await books.find(sort=by_price, skip=1, limit=2).to_list()) == [4, 2]
    assert ids(await books.find({"price": {"$gt": 0}}, sort=by_price, skip=3, limit=10).to_list()) == [1]
    assert ids(await books.find(sort={"title": -1}, limit=1).to_list()) == [5]
    assert ids(await books.find(skip=3).to_list()) == [4, 5]
    assert ids(await books.find(skip=9).to_list()) == []
    assert ids(await books.find({"price": 8}, skip=1).to_list()) == [4]
    assert ids(await books.find({"price": 8}, skip=1, limit=1).to_list()) == [4]
    assert ids(await books.find({"price": 8}, limit=1).to_list()) == [2]


async def test_natural_order_is_that_of_storage_and_its_reverse(books: Collection) -> None:
    """$natural forwards and backwards, with limit and with filter."""
    assert ids(await books.find(sort=[("$natural", 1)]).to_list()) == [1, 2, 3, 4, 5]
    assert ids(await books.find(sort=[("$natural", -1)]).to_list()) == [5, 4, 3, 2, 1]
    assert ids(await books.find({"price": 8}, sort={"$natural": -1}, limit=1).to_list()) == [4]
    assert (await books.find_one(sort=[("$natural", -1)]) or {})["_id"] == 5
    changed = await books.find_one_and_update({"price": 8}, {"$set": {"x": 1}}, sort=[("$natural", -1)])
    assert (changed or {})["_id"] == 4


async def test_projection_chooses_fields(books: Collection) -> None:
    """Included, excluded, computed, and as a list of names."""
    assert await books.find_one({"_id": 2}, projection={"title": 1}) == {"_id": 2, "title": "Emma"}
    assert await books.find_one({"_id": 2}, projection={"title": 1, "_id": 0}) == {"title": "Emma"}
    assert await books.find_one({"_id": 2}, projection=["title"]) == {"_id": 2, "title": "Emma"}
    assert await books.find_one({"_id": 3}, projection={"author": 0, "tags": 0}) == {
        "_id": 3,
        "title": "Walden",
        "price": 10,
    }
    assert await books.find_one({"_id": 1}, projection={"tags": {"$slice": 1}, "title": 1}) == {
        "_id": 1,
        "title": "Middlemarch",
        "tags": ["novel"],
    }
    assert await books.find({"tags": "long"}, projection={"tags.$": 1}).to_list() == [{"_id": 1, "tags": ["long"]}]


async def test_find_one_takes_the_first_in_order(books: Collection) -> None:
    """With sort and skip; None when nothing is there."""
    assert (await books.find_one()) == BOOKS[0]
    assert (await books.find_one(sort=[("price", -1)]) or {})["_id"] == 1
    assert (await books.find_one(sort=[("price", -1)], skip=1) or {})["_id"] == 3
    assert (await books.find_one(skip=4) or {})["_id"] == 5
    assert await books.find_one(skip=5) is None
    assert await books.find_one({"title": "Ulysses"}) is None
    assert await books.find_one({"_id": 99}) is None


async def test_collation_decides_what_is_equal_and_what_comes_first(books: Collection) -> None:
    """On find, find_one, count, distinct, updates and deletes."""
    loose = {"locale": "en", "strength": 2}
    assert ids(await books.find({"title": "EMMA"}, collation=loose).to_list()) == [2, 5]
    assert (await books.find_one({"title": "EMMA"}, collation=loose) or {})["_id"] == 2
    assert await books.count_documents({"title": "EMMA"}, collation=loose) == 2
    assert await books.distinct("title", {"price": {"$ne": 10}}, collation=loose) == [
        "Middlemarch",
        "Emma",
        "Persuasion",
    ]
    assert (await books.update_one({"title": "EMMA"}, {"$set": {"x": 1}}, collation=loose)).modified_count == 1
    assert (await books.update_many({"title": "EMMA"}, {"$set": {"x": 2}}, collation=loose)).modified_count == 2
    assert (await books.delete_one({"title": "WALDEN"}, collation=loose)).deleted_count == 1
    assert (await books.delete_many({"title": "EMMA"}, collation=loose)).deleted_count == 2


async def test_count_documents_skips_and_limits(books: Collection) -> None:
    """As MongoDB counts: skip first, then at most limit."""
    assert await books.count_documents() == 5
    assert await books.count_documents({}, skip=2) == 3
    assert await books.count_documents({}, limit=2) == 2
    assert await books.count_documents({}, skip=4, limit=2) == 1
    assert await books.count_documents({}, skip=9) == 0
    assert await books.count_documents({"price": 8}, skip=1, limit=5) == 1
    assert await books.count_documents({"price": {"$gt": 7}}, limit=1) == 1
    assert await books.count_documents(hint="_id_") == 5
    assert await books.estimated_document_count() == 5


async def test_an_empty_collection_answers(things: Collection) -> None:
    """Nothing has to be created first."""
    assert await things.find().to_list() == []
    assert await things.find_one() is None
    assert await things.count_documents() == 0
    assert await things.count_documents({"a": 1}) == 0
    assert await things.estimated_document_count() == 0
    assert await things.distinct("a") == []
    assert not await things.exists()
    assert (await things.find_page()).items == []
    assert (await things.update_many({}, {"$set": {"a": 1}})).matched_count == 0
    assert (await things.delete_many({})).deleted_count == 0
    assert await things.aggregate([{"$match": {}}]).to_list() == []
    assert await things.store.list_collections() == []


async def test_distinct_counts_arrays_by_element(things: Collection) -> None:
    """Values come once each, in the order met and in one document by size, equal numbers as one."""
    await things.insert_many(
        [
            {"a": [1, 2, 2]},
            {"a": 1.0},
            {"a": [[1], 3]},
            {"b": 1},
            {"a": None},
            {"a": Decimal(2)},
            {"a": [{"b": [7, 8]}]},
        ]
    )
    assert await things.distinct("a") == [1, 2, 3, [1], None, {"b": [7, 8]}]
    assert await things.distinct("a", {"a": {"$gt": 2}}) == [3, [1]]
    assert await things.distinct("a.b") == [7, 8]
    assert await things.distinct("a.0") == [1, {"b": [7, 8]}]
    assert await things.distinct("nothing") == []


@pytest.mark.parametrize(
    ("documents", "path", "expected"),
    [
        ([{"a": ["S", "M"]}, {"a": "L"}], "a", ["M", "S", "L"]),
        ([{"a": []}, {}, {"a": [[]]}, {"a": None}], "a", [[], None]),
        ([{"a": [[2, 3], "x"]}, {"a": [[[4]], None]}, {"a": 0}], "a.0", [2, 3, [4]]),
        ([{"a": [{"0": 7}, 8]}, {"a": {"0": 9}}], "a.0", [{"0": 7}, 9]),
        (
            [{"a": [{"b": {"c": [20, 2]}}, {"b": [{"c": 3}, {"c": [1]}]}]}, {"a": [[{"b": {"c": 5}}]]}],
            "a.b.c",
            [1, 2, 3, 20],
        ),
        (
            [{"a": [{"b": [{"c": 2}, {"c": [10, 1]}]}, {"b": [1, {"c": 4}]}]}, {"a": {"b": {"c": 7}}}],
            "a.0.b.1.c",
            [1, 10],
        ),
        ([{"a": [1, 2]}], "a.b", []),
        ([{"a": [{"01": 1}]}, {"a": {"01": 2}}], "a.01", [2]),
    ],
)
async def test_distinct_takes_a_number_in_a_path_for_a_position(
    things: Collection, documents: list[dict[str, Any]], path: str, expected: list[Any]
) -> None:
    """Never for a name inside an array; the array that it leads to counts by its elements."""
    await things.insert_many(documents)
    assert await things.distinct(path) == expected


async def test_what_goes_in_comes_out(things: Collection) -> None:
    """Every type of value survives the way through the store."""
    document = {
        "_id": "x",
        "none": None,
        "bool": True,
        "int": 2**40,
        "float": 1.5,
        "text": "ü\U0001f600",
        "bytes": b"\0\xff",
        "date": datetime(2026, 11, 21, 8, 30, 0, 123000, tzinfo=UTC),
        "decimal": Decimal("1.10"),
        "list": [1, [2, {"a": 3}]],
        "map": {"b": 1, "a": {"c": []}},
    }
    await things.insert_one(document)
    found = await things.find_one({"_id": "x"})
    assert found == document
    assert [type(value) for value in (found or {}).values()] == [type(value) for value in document.values()]
    assert str((found or {})["decimal"]) == "1.10"
    assert list((found or {})["map"]) == ["b", "a"]


async def test_a_hint_names_an_index_that_exists(things: Collection) -> None:
    """By name or by keys; an unknown one is an error, never a scan."""
    await things.insert_one({"_id": 1})
    assert await things.find(hint="_id_").to_list() == [{"_id": 1}]
    assert await things.find(hint=[("_id", 1)]).to_list() == [{"_id": 1}]
    assert await things.find({"_id": 1}, hint={"_id": 1}).to_list() == [{"_id": 1}]
    assert await things.find(hint={"$natural": 1}).to_list() == [{"_id": 1}]
    with pytest.raises(NoSQLIndexError, match="no index") as caught:
        await things.find_one({"a": 1}, hint="a_1")
    assert caught.value.collection == "things"
    with pytest.raises(NoSQLIndexError):
        await things.find({"_id": 1}, hint=[("a", 1)]).to_list()


WRONG_READS: list[tuple[str, dict[str, Any], type[Exception]]] = [
    ("find", {"filter": 1}, NoSQLFilterError),
    ("find", {"filter": [("a", 1)]}, NoSQLFilterError),
    ("find", {"filter": {"$gte": 5}}, NoSQLFilterError),
    ("find", {"filter": {"a": {"$gtt": 5}}}, NoSQLFilterError),
    ("find", {"filter": {"$where": "1"}}, NoSQLFilterError),
    ("find", {"sort": 5}, QueryOptionError),
    ("find", {"filter": {"$text": {"$search": "x"}}, "sort": {"$natural": 1}}, QueryOptionError),
    ("find", {"filter": {"$text": {"$search": "x"}}, "hint": "_id_"}, QueryOptionError),
    ("find", {"sort": {"$natural": 1}, "hint": "_id_"}, QueryOptionError),
    ("find", {"sort": {"$natural": 1}, "hint": {"$natural": -1}}, QueryOptionError),
    ("find", {"sort": [("a", 0)]}, QueryOptionError),
    ("find", {"projection": 5}, QueryOptionError),
    ("find", {"projection": {"a": 1, "b": 0}}, QueryOptionError),
    ("find", {"skip": -1}, QueryOptionError),
    ("find", {"skip": "1"}, QueryOptionError),
    ("find", {"limit": -1}, QueryOptionError),
    ("find", {"limit": 1.5}, QueryOptionError),
    ("find", {"limit": True}, QueryOptionError),
    ("find", {"limit": 2**70}, QueryOptionError),
    ("find", {"batch_size": -1}, QueryOptionError),
    ("find", {"hint": 5}, QueryOptionError),
    ("find", {"hint": []}, QueryOptionError),
    ("find", {"hint": [("a",)]}, QueryOptionError),
    ("find", {"hint": [(1, 1)]}, QueryOptionError),
    ("find", {"collation": {"locale": "xx"}}, QueryOptionError),
    ("find", {"collation": "en"}, QueryOptionError),
    ("find", {"timeout": 0}, QueryOptionError),
    ("find", {"timeout": "1"}, QueryOptionError),
    ("find_one", {"skip": -1}, QueryOptionError),
    ("find_one", {"timeout": -1}, QueryOptionError),
    ("find_one", {"timeout": float("nan")}, QueryOptionError),
    ("find_one", {"session": "s"}, QueryOptionError),
    ("count_documents", {"limit": -1}, QueryOptionError),
    ("count_documents", {"filter": "x"}, NoSQLFilterError),
    ("distinct", {"key": ""}, QueryOptionError),
    ("distinct", {"key": 5}, QueryOptionError),
    ("distinct", {"key": "$a"}, QueryOptionError),
    ("distinct", {"key": "a\0"}, QueryOptionError),
    ("find_page", {"size": 0}, QueryOptionError),
    ("find_page", {"size": 10_001}, QueryOptionError),
    ("find_page", {"sort": {"$natural": 1}}, QueryOptionError),
    ("find_page", {"filter": DocumentQuery(limit=5)}, QueryOptionError),
    ("exists", {"filter": {"a": {"$regex": "("}}}, NoSQLFilterError),
    ("explain", {"operation": "insert_one"}, QueryOptionError),
]


@pytest.mark.parametrize(
    ("method", "arguments", "error"), WRONG_READS, ids=lambda value: value if isinstance(value, str) else ""
)
async def test_wrong_arguments_are_refused_by_name(
    things: Collection, method: str, arguments: dict[str, Any], error: type[Exception]
) -> None:
    """A typed error, whatever is wrong."""

    async def call() -> None:
        if method == "explain":
            await things.explain(arguments["operation"])
        elif method == "find":
            await things.find(**arguments).to_list()
        else:
            await getattr(things, method)(**arguments)

    with pytest.raises(error) as caught:
        await call()
    assert caught.value.args[0]


async def test_find_checks_its_arguments_before_it_is_awaited(things: Collection) -> None:
    """The mistake is shown where it was made."""
    with pytest.raises(NoSQLFilterError):
        things.find({"a": {"$foo": 1}})
    with pytest.raises(QueryOptionError):
        things.find(limit=-1)


async def test_explain_tells_how_methods_would_run(things: Collection) -> None:
    """For reads and writes by filter; nothing is run."""
    await things.insert_one({"_id": 1, "a": 1})
    for operation in ("find", "find_one", "count_documents", "distinct", "exists", "find_page"):
        plan = await things.explain(operation, {"a": 1})
        assert plan.operation == operation
        assert plan.write is None
        assert plan.documents_examined is None
    for operation in ("update_one", "update_many", "replace_one", "delete_one", "delete_many", "find_one_and_delete"):
        plan = await things.explain(operation, {"a": 1}, sort=[("a", 1)])
        assert plan.write == ("native" if things.store.backend == "able" else "replace-if-unchanged")
        assert plan.full_scan is (things.store.backend != "able")  # whose server says that it takes an index
        assert plan.collection == "things"
    assert await things.find_one({"a": 1}) == {"_id": 1, "a": 1}


@pytest.mark.parametrize(
    ("documents", "sort", "expected"),
    [
        ([{"a": 2}, {"a": 1}, {}], [("a", 1)], [[None], [1], [2]]),
        ([{"a": [5, 1]}, {"a": 3}, {"a": []}], [("a", 1)], [[None], [1], [3]]),
        ([{"a": [5, 1]}, {"a": 3}], [("a", -1)], [[5], [3]]),
        ([{"a": 1, "b": "x"}], [("a", 1), ("b", -1)], [[1, "x"]]),
        ([{"a": [{"b": 2, "c": 1}, {"b": 1, "c": 9}]}], [("a.b", 1), ("a.c", 1)], [[1, 9]]),
    ],
)
async def test_a_projection_shows_the_sort_key(
    things: Collection, documents: list[dict[str, Any]], sort: list[tuple[str, int]], expected: list[Any]
) -> None:
    """The values that decided, of arrays the element."""
    await things.insert_many(documents)
    shown = await things.find({}, projection={"key": {"$meta": "sortKey"}, "_id": 0, "a": 1}, sort=sort).to_list()
    assert [document["key"] for document in shown] == expected


async def test_a_sort_key_needs_a_sort_by_fields(things: Collection) -> None:
    """Without one, or in the order of storage, there is none."""
    for sort in (None, [("$natural", 1)]):
        with pytest.raises(QueryOptionError) as caught:
            await things.find({}, projection={"key": {"$meta": "sortKey"}}, sort=sort).to_list()
        assert caught.value.mongo_code == 2

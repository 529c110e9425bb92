"""What a request costs, counted exactly: documents looked at, documents copied, shapes compiled, documents held.

Times differ from one machine to the next and numbers do not, so these tests are what keeps the engine fast. Copies are
counted in three ways: calls of the copiers, wherever a module uses one; stored documents that notice who goes through
them; and whatever function is called once more for one document more. One file, since the tests share these counters.
"""

from __future__ import annotations

import copy
import gc
import importlib
import pkgutil
import sys
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator
from types import FrameType
from typing import Any, ClassVar

import lexigram.nosql
import pytest
from lexigram.nosql.aggregation import LocalContext, parse_pipeline
from lexigram.nosql.aggregation import parse as pipelines
from lexigram.nosql.aggregation.expressions import compile as expressions
from lexigram.nosql.aggregation.expressions import generate
from lexigram.nosql.aggregation.run import run
from lexigram.nosql.aggregation.stages import sort
from lexigram.nosql.aggregation.stages.registry import STAGES
from lexigram.nosql.backends.memory.planning import Reach
from lexigram.nosql.backends.memory.table import Table
from lexigram.nosql.collection import Collection
from lexigram.nosql.query import compile as filter_code
from lexigram.nosql.query import parse as filters
from lexigram.nosql.query import projection as projections
from lexigram.nosql.query import sort as sorts
from lexigram.nosql.update import parse as updates
from lexigram.nosql.values import copying

N = 1000
REPEATS = 1000

Document = dict[str, Any]


def order(number: int) -> Document:
    """An order with a nested object and a list: ``n`` all different, ``group`` ten values, ``third`` three."""
    return {
        "_id": number,
        "n": (number * 37) % N,
        "group": number % 10,
        "third": number % 3,
        "plain": number * 7,
        "address": {"city": f"city {number % 5}", "lines": ["a", "b"]},
        "tags": ["x", f"tag {number % 4}"],
    }


@pytest.fixture
async def orders(kept: Collection) -> Collection:
    """A thousand orders, with an index on ``group``, one on ``n`` and one on ``third`` and ``n``."""
    await kept.insert_many(map(order, range(N)))
    await kept.create_index("group")
    await kept.create_index("n")
    await kept.create_index([("third", 1), ("n", 1)])
    return kept


# --- documents looked at

READS: dict[str, tuple[Any, dict[str, Any], str | None, int, int]] = {
    "one _id": ({"_id": 5}, {}, "_id_", 1, 1),
    "an _id that is not there": ({"_id": -5}, {}, "_id_", 0, 0),
    "several _ids": ({"_id": {"$in": [1, 2, 2, -1]}}, {}, "_id_", 2, 2),
    "an equality": ({"group": 3}, {}, "group_1", 100, 100),
    "an equality and what no index serves": ({"group": 3, "plain": 7 * 13}, {}, "group_1", 100, 1),
    "several equal values": ({"group": {"$in": [3, 4]}}, {}, "group_1", 200, 200),
    "a range": ({"n": {"$gte": 100, "$lt": 150}}, {}, "n_1", 50, 50),
    "a range and what no index serves": ({"n": {"$gte": 100, "$lt": 150}, "plain": {"$lt": 0}}, {}, "n_1", 50, 0),
    "an equality and a range in one index": ({"third": 1, "n": {"$lt": 300}}, {}, "third_1_n_1", 111, 111),
    "the more selective of two indexes": ({"group": 3, "n": {"$lt": 10}}, {}, "n_1", 10, 1),
    "a union": ({"$or": [{"n": 3}, {"n": 5}, {"_id": 9}]}, {}, "n_1, _id_", 3, 3),
    "an order by an index and a limit": ({}, {"sort": {"n": 1}, "limit": 20}, "n_1", 20, 20),
    "the end of an order": ({}, {"sort": {"n": -1}, "limit": 20}, "n_1", 20, 20),
    "an order, a skip and a limit": ({}, {"sort": {"n": 1}, "skip": 30, "limit": 20}, "n_1", 50, 20),
    "a range in its order, limited": ({"n": {"$gte": 500}}, {"sort": {"n": 1}, "limit": 20}, "n_1", 20, 20),
    "an equality, then the order of its index": (
        {"third": 2},
        {"sort": {"n": 1}, "limit": 20},
        "third_1_n_1",
        20,
        20,
    ),
    "no index": ({"plain": 7 * 13}, {}, None, N, 1),
    "no index, limited": ({"plain": {"$gte": 0}}, {"limit": 20}, None, 20, 20),
    "no index and a limit that is met on the way": ({"plain": 7 * 13}, {"limit": 1}, None, 14, 1),
    "an order without index": ({}, {"sort": {"plain": -1}, "limit": 20}, None, N, 20),
}


async def looked_at(cursor: Any) -> tuple[str | None, int | None, int]:
    """Run a cursor: the index it used, the documents looked at, the documents it gave."""
    found = await cursor.to_list()
    plan = await cursor.explain()
    assert plan.documents_returned == len(found)
    return plan.access.index, plan.documents_examined, len(found)


@pytest.mark.parametrize("case", READS)
async def test_a_find_looks_at_exactly_these_documents(orders: Collection, case: str) -> None:
    """What an index bounds, what a limit leaves, and everything only where nothing serves."""
    given, options, index, examined, returned = READS[case]
    assert await looked_at(orders.find(given, **options)) == (index, examined, returned)


class Pulled:
    """Counts the documents that anybody takes out of a table to test them."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self.documents = 0
        reach, listed = Reach.documents, Table.listed

        def counted(self_: Reach, table: Table, after: Any) -> Iterator[Document]:
            for document in reach(self_, table, after):
                self.documents += 1
                yield document

        def counted_list(self_: Table) -> Any:
            found = listed(self_)
            self.documents += len(found)
            return found

        patch.setattr(Reach, "documents", counted)
        patch.setattr(Table, "listed", counted_list)


@pytest.mark.parametrize(
    ("filter", "options", "pulled"),
    [
        ({"_id": 5}, {}, 0),
        ({"_id": 5, "plain": 35}, {}, 1),
        ({"group": 3}, {}, 1),
        ({"n": {"$gte": 500}}, {"sort": {"n": 1}}, 1),
        ({"group": 3, "plain": 7 * 13}, {}, 2),
        ({"plain": 7 * 13}, {}, 14),
        ({"plain": -1}, {}, N),
    ],
    ids=[
        "by _id",
        "by _id and a test",
        "by an index",
        "by the order of an index",
        "by an index and a test",
        "by a scan",
        "in vain",
    ],
)
async def test_a_find_one_stops_at_the_first_match(
    orders: Collection, monkeypatch: pytest.MonkeyPatch, filter: Any, options: Any, pulled: int
) -> None:
    """And so do ``exists`` and the writes of one document; the look-up of an ``_id`` has nothing to test."""
    counted = Pulled(monkeypatch)
    found = await orders.find_one(filter, **options)
    assert counted.documents == pulled
    if not options:
        assert await orders.exists(filter) is (found is not None)
        assert counted.documents == 2 * pulled
        await orders.update_one(filter, {"$inc": {"third": 0}})
        assert counted.documents == 3 * pulled


async def test_a_count_looks_at_what_its_index_bounds(orders: Collection, monkeypatch: pytest.MonkeyPatch) -> None:
    """And at nothing to count everything."""
    counted = Pulled(monkeypatch)
    assert await orders.count_documents({"group": 3}) == 100
    assert counted.documents == 100
    assert await orders.count_documents() == N
    assert counted.documents == 100
    assert await orders.count_documents({"plain": {"$lt": 70}}) == 10
    assert counted.documents == 100 + N


# --- documents copied


class Copies:
    """Counts copies of whole documents and of single values by the copiers, in every module that uses them."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self.documents = self.values = 0
        copy_document, copy_value = copying.copy_document, copying.copy_value

        def document_counted(document: Document) -> Document:
            self.documents += 1
            return copy_document(document)

        def value_counted(value: Any) -> Any:
            self.values += 1
            return copy_value(value)

        for _, name, _ in pkgutil.walk_packages(lexigram.nosql.__path__, "lexigram.nosql."):
            if name in sys.modules and name != copying.__name__:
                module = importlib.import_module(name)
                if getattr(module, "copy_document", None) is copy_document:
                    patch.setattr(module, "copy_document", document_counted)
                if getattr(module, "copy_value", None) is copy_value:
                    patch.setattr(module, "copy_value", value_counted)
        projections._plain.cache_clear()  # a kept projection may hold the copier itself

    def take(self) -> tuple[int, int]:
        """The copies of documents and of values since the last time."""
        taken = self.documents, self.values
        self.documents = self.values = 0
        return taken


@pytest.fixture
def copies(orders: Collection, monkeypatch: pytest.MonkeyPatch) -> Iterator[Copies]:
    """Counts from now on."""
    yield Copies(monkeypatch)
    projections._plain.cache_clear()


async def test_a_read_copies_each_document_that_it_returns_once(orders: Collection, copies: Copies) -> None:
    """And none that it only looked at."""
    await orders.find_one({"_id": 5})
    assert copies.take() == (1, 0)
    await orders.find_one({"plain": 7 * 13})
    assert copies.take() == (1, 0)
    assert len(await orders.find({"plain": {"$lt": 7 * 30}}).to_list()) == 30
    assert copies.take() == (30, 0)
    await orders.find({}, sort={"plain": -1}, limit=20).to_list()
    assert copies.take() == (20, 0)
    await orders.find({}, sort={"plain": -1}, skip=30, limit=20).to_list()
    assert copies.take() == (20, 0)
    await orders.find_page({"group": 3}, size=7)
    assert copies.take() == (8, 0), "one more, to know whether a page follows"


async def test_a_projection_copies_only_what_it_keeps(orders: Collection, copies: Copies) -> None:
    """Not the document, and of its values only the dicts and lists that are kept."""
    three = {"_id": {"$in": [1, 2, 3]}}
    assert await orders.find({"_id": 1}, projection={"n": 1}).to_list() == [{"_id": 1, "n": 37}]
    assert copies.take() == (0, 0)
    await orders.find(three, projection={"tags": 1, "n": 1}).to_list()
    assert copies.take() == (0, 3)
    await orders.find(three, projection={"address": 0}).to_list()
    assert copies.take() == (0, 3)
    await orders.find(three, projection={"address": 0, "tags": 0}).to_list()
    assert copies.take() == (0, 0)
    await orders.find(three, projection={"address.city": 1, "_id": 0}).to_list()
    assert copies.take() == (0, 3)


async def test_what_returns_no_document_copies_none(orders: Collection, copies: Copies) -> None:
    """Counts, existence, updates and deletes; a distinct copies the values it gives."""
    await orders.count_documents({"plain": {"$lt": 700}})
    await orders.count_documents({"group": 3})
    await orders.exists({"plain": 7 * 13})
    assert copies.take() == (0, 0)
    assert len(await orders.distinct("group")) == 10
    assert copies.take() == (0, 10)
    await orders.update_many({"group": 3}, {"$inc": {"plain": 1}})
    assert copies.take()[0] == 0
    await orders.delete_many({"group": 3})
    assert copies.take()[0] == 0
    await orders.find_one_and_update({"_id": 5}, {"$inc": {"plain": 1}})
    assert copies.take()[0] == 1


async def test_a_pipeline_copies_what_leaves_it_and_nothing_on_the_way(orders: Collection, copies: Copies) -> None:
    """Documents that are only filtered are copied once; those that it made hold nothing to copy."""
    await orders.aggregate([{"$match": {"plain": {"$lt": 70}}}]).to_list()
    assert copies.take() == (10, 0)
    await orders.aggregate([{"$match": {"group": 3}}, {"$sort": {"plain": -1}}, {"$limit": 5}]).to_list()
    assert copies.take() == (5, 0)
    groups = [{"$match": {"plain": {"$gte": 0}}}, {"$group": {"_id": "$group", "total": {"$sum": "$plain"}}}]
    assert len(await orders.aggregate([*groups, {"$sort": {"total": -1}}]).to_list()) == 10
    assert copies.take() == (0, 0)
    assert await orders.aggregate([{"$match": {"group": 3}}, {"$count": "n"}]).to_list() == [{"n": 100}]
    assert copies.take() == (0, 0)
    await orders.aggregate([{"$set": {"twice": {"$multiply": ["$plain", 2]}}}, {"$project": {"twice": 1}}]).to_list()
    assert copies.take() == (0, 0)
    await orders.aggregate([{"$match": {"group": 3}}, {"$project": {"tags": 1}}, {"$limit": 4}]).to_list()
    assert copies.take() == (0, 4)
    await orders.aggregate([{"$unwind": "$tags"}, {"$group": {"_id": "$tags", "n": {"$sum": 1}}}]).to_list()
    assert copies.take() == (0, 0)


class Watched(dict[str, Any]):
    """A document that notices whoever goes through all of it, as every way of copying a dict does."""

    passes: ClassVar[int] = 0

    def __iter__(self) -> Iterator[str]:
        Watched.passes += 1
        return super().__iter__()

    def __or__(self, other: Any) -> Any:
        Watched.passes += 1
        return super().__or__(other)

    def keys(self) -> Any:
        Watched.passes += 1
        return super().keys()

    def values(self) -> Any:
        Watched.passes += 1
        return super().values()

    def items(self) -> Any:
        Watched.passes += 1
        return super().items()

    def copy(self) -> Document:
        Watched.passes += 1
        return dict(super().items())


WAYS: dict[str, Callable[[Any], Any]] = {
    "dict": dict,
    "its own copy": lambda document: document.copy(),
    "copy": copy.copy,
    "deepcopy": copy.deepcopy,
    "a display": lambda document: {**document},
    "a union": lambda document: document | {},
    "a comprehension": lambda document: {name: document[name] for name in document},
    "a comprehension of items": lambda document: {name: value for name, value in document.items() if name},
    "the copier": copying.copy_document,
    "a zip": lambda document: dict(zip(document.keys(), document.values(), strict=True)),
}


@pytest.mark.parametrize("way", WAYS)
def test_a_watched_document_notices_how_it_is_copied(way: str) -> None:
    """Else the next test would prove nothing."""
    before = Watched.passes
    WAYS[way](Watched(a=1))
    assert Watched.passes > before


async def test_nobody_goes_through_a_document_that_is_only_looked_at(orders: Collection) -> None:
    """Neither to test it, nor to sort, group or count it; what is returned is gone through by the copier alone."""
    table: Table = orders.store.driver._tables["things"]  # type: ignore[attr-defined]
    for key, document in table.documents.items():
        table.documents[key] = Watched(document)
    table._listed = None
    some, grouped = {"plain": {"$lt": 70}}, {"_id": "$group", "total": {"$sum": "$plain"}, "last": {"$push": "$third"}}

    async def passes(request: Any) -> int:
        before = Watched.passes
        await request
        return Watched.passes - before

    assert await passes(orders.count_documents(some)) == 0
    assert await passes(orders.count_documents({**some, "group": 3})) == 0
    assert await passes(orders.exists({"plain": 70})) == 0
    assert await passes(orders.distinct("group", some)) == 0
    assert await passes(orders.find({"plain": -1}, sort={"third": 1}).to_list()) == 0
    assert await passes(orders.aggregate([{"$match": {}}, {"$group": grouped}, {"$sort": {"total": 1}}]).to_list()) == 0
    assert await passes(orders.aggregate([{"$match": some}, {"$count": "n"}]).to_list()) == 0
    each = await passes(orders.find_one({"_id": 1}))
    assert each == 2, "to copy it, and to find the dicts and lists in it"
    assert await passes(orders.find(some).to_list()) == 10 * each
    assert await passes(orders.find({}, sort={"plain": -1}, limit=5).to_list()) == 5 * each
    measured = await passes(orders.aggregate([{"$match": some}, {"$sort": {"plain": -1}}]).to_list()) - 10 * each
    assert measured == 1, "one in sixteen, to keep the memory limit"
    assert await passes(orders.find(some, projection={"n": 1}).to_list()) == 10


class Calls:
    """Counts what code of the package, and of Python's ``copy``, calls: functions of its own, and copies of dicts."""

    def __init__(self) -> None:
        self.found: Counter[str] = Counter()

    def __enter__(self) -> Counter[str]:
        self.found = Counter()
        self._before = sys.getprofile()
        sys.setprofile(self._note)
        return self.found

    def __exit__(self, *_: object) -> None:
        sys.setprofile(self._before)

    def _note(self, frame: FrameType, event: str, argument: Any) -> None:
        if event == "call":
            code = frame.f_code
            ours = "nosql" in code.co_filename or code.co_filename in (copy.__file__, "<filter>")
            # Comprehensions are functions in some versions of Python only, and generators are called for every item.
            if ours and code.co_name[:1] != "<":
                self.found[code.co_name] += 1
        elif event == "c_call" and isinstance(getattr(argument, "__self__", None), dict):
            name = argument.__name__
            if name in ("copy", "items"):
                self.found[f"dict.{name}"] += 1


async def per_document(collection: Collection, request: Callable[[Any], Any]) -> dict[str, float]:
    """What a request calls for each document, exactly: calls for 600 documents less calls for 100, by 500."""
    calls = Calls()
    counts: list[Counter[str]] = []
    for size in (100, 600):
        given = {"plain": {"$lt": 7 * size}}
        await request(given)  # compiled now, if it was not before
        with calls as found:
            await request(given)
        counts.append(found)
    few, many = counts
    return {name: (many[name] - few[name]) / 500 for name in few | many if many[name] != few[name]}


async def test_a_scan_calls_nothing_for_a_document_but_the_copier(orders: Collection) -> None:
    """Three dicts and lists to copy: the document, its address, and lists, which are cut and not copied by a call."""
    found = await per_document(orders, lambda given: orders.find(given).to_list())
    assert found == {"copy_document": 2, "_copy_list": 2, "dict.copy": 2, "dict.items": 2}
    assert await per_document(orders, lambda given: orders.count_documents(given)) == {}
    assert await per_document(orders, lambda given: orders.find(given, sort={"plain": 1}, limit=3).to_list()) == {}
    assert await per_document(orders, lambda given: orders.find_one({**given, "n": -1})) == {}


async def test_a_pipeline_calls_nothing_for_a_document_that_it_groups(orders: Collection) -> None:
    """Whole columns are worked on with a few calls for each batch."""

    def grouped(given: Document) -> Any:
        outputs = {"total": {"$sum": "$plain"}, "mean": {"$avg": "$n"}, "most": {"$max": "$n"}, "count": {"$sum": 1}}
        return orders.aggregate([{"$match": given}, {"$group": {"_id": "$group", **outputs}}]).to_list()

    assert await per_document(orders, grouped) == {}
    counted = [{"$count": "n"}]
    assert await per_document(orders, lambda given: orders.aggregate([{"$match": given}, *counted]).to_list()) == {}


async def test_an_insert_checks_and_copies_in_one_walk(kept: Collection) -> None:
    """A call for each dict and list; the ``_id`` is given back as a value of the caller's own."""
    calls = Calls()
    await kept.insert_many([order(-1), order(-2)])
    counts: list[Counter[str]] = []
    for start, end in ((0, 100), (100, 700)):
        documents = [{**order(number), "_id": f"order {number}"} for number in range(start, end)]
        with calls as found:
            await kept.insert_many(documents)
        counts.append(found)
    few, many = counts
    assert {name: (many[name] - few[name]) / 500 for name in few | many if many[name] != few[name]} == {
        "prepare": 1,
        "normalise_document": 1,
        "_copy_mapping": 2,
        "_copy_sequence": 2,
        "dict.copy": 2,
        "dict.items": 2,
        "copy_value": 1,
    }


# --- shapes compiled


class Counted:
    """Counts the calls of a function in a module."""

    def __init__(self, patch: pytest.MonkeyPatch, module: Any, name: str) -> None:
        self.calls = 0
        function = getattr(module, name)

        def counted(*arguments: Any, **options: Any) -> Any:
            self.calls += 1
            return function(*arguments, **options)

        patch.setattr(module, name, counted)


async def test_a_filter_is_parsed_and_compiled_once_for_its_shape(
    orders: Collection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However often it comes with other constants; each way to run it is generated once."""
    filters.cache_clear()
    parsed, written = Counted(monkeypatch, filters, "_parse"), Counted(monkeypatch, filter_code, "write")
    for value in range(REPEATS):
        await orders.find_one({"group": value % 10, "plain": {"$gte": value, "$lt": 2 * value}, "tags": {"$ne": "y"}})
    assert (parsed.calls, written.calls) == (1, 1)
    info = filters.cache_info()
    assert (info.misses, info.compilations, info.hits) == (1, 1, REPEATS - 1)
    for value in range(REPEATS):
        filters.parse_filter({"group": {"$in": [value, value + 1]}, "$or": [{"n": value}, {"third": {"$lt": value}}]})
    assert (parsed.calls, written.calls) == (2, 1), "what is never run is never compiled"


async def test_an_update_is_compiled_once_for_its_shape(orders: Collection, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its constants are checked for each, and nothing else."""
    updates._shapes.clear()
    filters.cache_clear()
    built, compiled = Counted(monkeypatch, updates, "_build"), Counted(monkeypatch, updates, "compile_root")
    for value in range(REPEATS):
        change = {"$inc": {"plain": value}, "$set": {"address.city": f"c{value}"}, "$push": {"tags": value}}
        await orders.update_one({"_id": value % 7}, change)
    assert (built.calls, compiled.calls) == (1, 1)
    assert filters.cache_info().misses == 1


async def test_a_projection_and_an_order_are_read_once(orders: Collection, monkeypatch: pytest.MonkeyPatch) -> None:
    """They are kept by what they name."""
    projections._plain.cache_clear()
    sorts._plain.cache_clear()
    projected, sorted_ = Counted(monkeypatch, projections, "_read"), Counted(monkeypatch, sorts, "_read")
    for value in range(REPEATS):
        options: dict[str, Any] = {"projection": {"address.city": 1, "n": True}, "sort": [("n", 1), ("plain", -1)]}
        await orders.find_one({"n": {"$gte": value}}, **options)
    assert (projected.calls, sorted_.calls) == (1, 1)


async def test_a_pipeline_is_compiled_once(orders: Collection, monkeypatch: pytest.MonkeyPatch) -> None:
    """The constants of a ``$match`` may differ each time; every other stage is parsed once."""
    pipelines.cache_clear()
    filters.cache_clear()
    generate._binder.cache_clear()
    written = Counted(monkeypatch, filter_code, "write")
    parsed: Counter[str] = Counter()

    def counting(name: str, parser: Any) -> Any:
        def parse(*arguments: Any) -> Any:
            parsed[name] += 1
            return parser(*arguments)

        return parse

    parsers = {name: parser if name == "$match" else counting(name, parser) for name, parser in STAGES.items()}
    monkeypatch.setattr(pipelines, "STAGES", parsers)
    for value in range(REPEATS):
        stages = [
            {"$match": {"n": {"$gte": value, "$lt": value + 2}}},
            {"$set": {"twice": {"$multiply": ["$plain", 2]}, "large": {"$gt": ["$n", 500]}}},
            {"$group": {"_id": "$large", "total": {"$sum": "$twice"}, "last": {"$last": {"$add": ["$n", 1]}}}},
            {"$sort": {"total": -1}},
            {"$limit": 5},
        ]
        await orders.aggregate(stages).to_list()
    assert parsed == {"$set": 1, "$group": 1, "$sort": 1, "$limit": 1}
    assert filters.cache_info().misses <= 2, "the filter, and the empty one"
    assert written.calls == 1


async def test_a_pipeline_is_compiled_once_for_its_shape(orders: Collection, monkeypatch: pytest.MonkeyPatch) -> None:
    """The constants in its expressions may differ each time; each run answers with its own."""
    pipelines.cache_clear()
    generate._binder.cache_clear()
    parsed: Counter[str] = Counter()

    def counting(name: str, parser: Any) -> Any:
        def parse(*arguments: Any) -> Any:
            parsed[name] += 1
            return parser(*arguments)

        return parse

    parsers = {name: parser if name == "$match" else counting(name, parser) for name, parser in STAGES.items()}
    monkeypatch.setattr(pipelines, "STAGES", parsers)
    compiled = Counted(monkeypatch, expressions, "Scope")
    scopes = 0
    for value in range(REPEATS):
        size = {"$switch": {"branches": [{"case": {"$lt": ["$n", value]}, "then": f"to {value}"}], "default": value}}
        stages = [
            {"$match": {"_id": 7}},
            {"$set": {"more": {"$add": ["$plain", value]}, "run": value, "size": size}},
            {"$project": {"more": 1, "run": 1, "size": 1, "even": {"$eq": [{"$mod": ["$more", value + 1]}, value]}}},
            {"$group": {"_id": {"$cond": ["$run", value, "none"]}, "all": {"$push": {"$multiply": ["$more", value]}}}},
        ]
        found = await orders.aggregate(stages).to_list()
        assert found == [{"_id": value or "none", "all": [(49 + value) * value]}]
        scopes = scopes or compiled.calls
    assert parsed == {"$set": 1, "$project": 1, "$group": 1}
    assert compiled.calls == scopes > 0, "no expression is compiled after the first run"


Sketch = Callable[[int], Any]

FRESH: dict[str, Sketch] = {
    "an expression in a filter": lambda n: [
        {"$match": {"n": {"$gt": n}, "$expr": {"$and": [{"$gt": ["$n", n]}, {"$in": ["$n", [n, n + 1]]}]}}}
    ],
    "a lookup": lambda n: [
        {
            "$lookup": {
                "from": "other",
                "as": "found",
                "let": {"x": "$n", "y": n},
                "pipeline": [
                    {"$match": {"plain": n, "$expr": {"$gt": ["$$x", {"$add": ["$n", n]}]}}},
                    {"$set": {"z": {"$add": ["$n", "$$y", n]}}},
                ],
            }
        }
    ],
    "a union": lambda n: [{"$unionWith": {"coll": "other", "pipeline": [{"$set": {"x": {"$add": ["$n", n]}}}]}}],
    "a filter in a union": lambda n: [
        {
            "$unionWith": {
                "coll": "other",
                "pipeline": [
                    {"$match": {"n": n, "$or": [{"plain": n}, {"third": {"$in": [n, n + 1]}}]}},
                    {"$count": "n"},
                ],
            }
        }
    ],
    "a filter behind the fields of a lookup": lambda n: [
        {
            "$lookup": {
                "from": "other",
                "localField": "n",
                "foreignField": "n",
                "pipeline": [{"$match": {"plain": {"$gte": n}}}, {"$group": {"_id": "$n", "all": {"$push": "$plain"}}}],
                "as": "found",
            }
        }
    ],
    "a filter in a union in a lookup in a facet": lambda n: [
        {
            "$facet": {
                "a": [
                    {
                        "$lookup": {
                            "from": "other",
                            "pipeline": [{"$unionWith": {"coll": "more", "pipeline": [{"$match": {"n": {"$lt": n}}}]}}],
                            "as": "found",
                        }
                    }
                ]
            }
        }
    ],
    "facets": lambda n: [
        {
            "$facet": {
                "a": [{"$match": {"n": n}}, {"$project": {"x": {"$slice": ["$tags", n + 1]}}}],
                "b": [{"$skip": 1}],
            }
        }
    ],
    "another root": lambda n: [{"$replaceWith": {"n": "$n", "run": n, "text": f"run {n}"}}],
    "a new root": lambda n: [{"$replaceRoot": {"newRoot": {"$mergeObjects": ["$$ROOT", {"run": n}]}}}],
    "a count by value": lambda n: [{"$sortByCount": {"$cond": [{"$gt": ["$n", n]}, "above", f"to {n}"]}}],
    "an array": lambda n: [{"$set": {"x": {"$setUnion": ["$tags", [n, n + 1]]}, "y": {"$in": ["$n", [n] * (n + 1)]}}}],
    "elements": lambda n: [{"$set": {"x": {"$filter": {"input": "$tags", "cond": {"$ne": ["$$this", f"tag {n}"]}}}}}],
    "buckets": lambda n: [{"$bucketAuto": {"groupBy": {"$add": ["$n", n]}, "buckets": 3}}],
    "a window": lambda n: [{"$setWindowFields": {"sortBy": {"n": 1}, "output": {"x": {"$sum": {"$add": ["$n", n]}}}}}],
    "what is left out": lambda n: [{"$redact": {"$cond": [{"$gt": ["$n", n]}, "$$KEEP", "$$PRUNE"]}}],
}


@pytest.mark.parametrize("case", FRESH)
async def test_constants_that_come_for_the_first_time_compile_nothing(
    case: str, orders: Collection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Wherever expressions stand in a pipeline, those with other constants are compiled once, and so are filters."""
    pipelines.cache_clear()
    filters.cache_clear()
    expressions.CACHE.clear()
    await orders.aggregate(FRESH[case](0)).to_list()
    await orders.aggregate(FRESH[case](1)).to_list()
    compiled = Counted(monkeypatch, expressions, "Scope")
    parsed, written = Counted(monkeypatch, filters, "_parse"), Counted(monkeypatch, filter_code, "write")
    inner: list[str] = []

    def counting(name: str, parser: Any) -> Any:
        def parse(specification: Any, env: Any) -> Any:
            if env.within:
                inner.append(name)
            return parser(specification, env)

        return parse

    around = {"$match", "$lookup", "$unionWith", "$facet"}  # the filter is in their keys, and its parts are kept
    parsers = {name: parser if name in around else counting(name, parser) for name, parser in STAGES.items()}
    monkeypatch.setattr(pipelines, "STAGES", parsers)
    for value in range(2, 12):
        await orders.aggregate(FRESH[case](value)).to_list()
    assert (compiled.calls, parsed.calls, written.calls, inner) == (0, 0, 0, [])


async def test_what_a_read_computes_is_compiled_once(orders: Collection, monkeypatch: pytest.MonkeyPatch) -> None:
    """However often a projection comes with other constants, and each read answers with its own."""
    projections.cache_clear()
    formed = Counted(monkeypatch, projections, "_form")
    for value in range(REPEATS):
        found = await orders.find_one({"_id": 7}, projection={"more": {"$add": ["$plain", value]}, "_id": 0})
        assert found == {"more": 49 + value}
    assert formed.calls == 1


def test_what_is_kept_of_expressions_is_bounded() -> None:
    """Also where every constant has to be compiled, and what comes again and again is never driven out."""
    pipelines.cache_clear()
    expressions.CACHE.clear()
    often = parse_pipeline([{"$set": {"x": {"$dateToString": {"date": "$n", "format": "%Y"}}}}])
    for value in range(5_000):
        parse_pipeline([{"$set": {"x": {"$dateToString": {"date": "$n", "format": f"{value}"}}}}])
        parse_pipeline([{"$set": {"x": {"$dateToString": {"date": "$n", "format": "%Y"}}}}])
    assert len(pipelines._kept) <= 2 * 1024
    assert len(pipelines._pipelines) <= 1024
    assert len(expressions.CACHE) <= 2 * 512
    assert parse_pipeline([{"$set": {"x": {"$dateToString": {"date": "$n", "format": "%Y"}}}}]) is often


def test_code_is_generated_once_for_the_shape_of_an_expression() -> None:
    """Other constants bind the code that there is."""
    pipelines.cache_clear()
    generate._binder.cache_clear()
    for value in range(REPEATS):
        # Fields that no other test has: expressions that are kept bind no code.
        parse_pipeline([{"$project": {"x": {"$add": ["$bound", value]}, "y": {"$gt": ["$coded", value]}}}])
    assert generate._binder.cache_info().misses == 2


# --- documents held


class Feed:
    """A source of documents that all hold one object, so that those which somebody keeps can be counted.

    Attributes:
        held: For each batch after the first, the documents of earlier batches that still lived when it was asked for.
        given: Documents given so far.
    """

    def __init__(self, batches: int, size: int = 100) -> None:
        self.held: list[int] = []
        self.given = 0
        self._batches = batches
        self._size = size
        self._mark = bytes(bytearray(b"one object, held by every document"))

    def living(self) -> int:
        """Documents of this source that live."""
        return sys.getrefcount(self._mark) - 2

    async def read(self) -> AsyncIterator[list[Document]]:
        """The batches."""
        for start in range(0, self._batches * self._size, self._size):
            if start:
                self.held.append(self.living())
            self.given += self._size
            numbers = range(start, start + self._size)
            yield [{"_id": n, "a": n % 7, "order": (n * 37) % 9973, "mark": self._mark} for n in numbers]


async def held_by(stages: list[Any], feed: Feed) -> list[Document]:
    """Run a pipeline over a feed, dropping what comes out at once; gives the last batch."""
    last: list[Document] = []
    async for batch in run(parse_pipeline(stages), feed.read(), LocalContext()):
        last = batch if "mark" not in batch[0] else [{"n": len(batch)}]
        del batch
    return last


async def test_a_group_holds_accumulators_and_no_documents() -> None:
    """Only the batch that was just given may still live."""
    feed = Feed(100)
    outputs = {"total": {"$sum": "$order"}, "most": {"$max": "$order"}, "first": {"$first": "$order"}}
    found = await held_by([{"$group": {"_id": "$a", **outputs, "count": {"$sum": 1}}}], feed)
    assert sum(group["count"] for group in found) == feed.given == 10_000
    assert max(feed.held) <= 100


async def test_a_sort_with_a_limit_holds_a_small_multiple_of_the_limit() -> None:
    """Twice the limit and a slack, and one batch; a sort without limit holds everything."""
    feed = Feed(100)
    assert await held_by([{"$set": {"b": 1}}, {"$sort": {"b": 1, "order": 1}}, {"$limit": 10}], feed) == [{"n": 10}]
    assert feed.given == 10_000
    assert max(feed.held) <= 2 * 10 + sort._SLACK + 100
    whole = Feed(100)
    await held_by([{"$set": {"b": 1}}, {"$sort": {"b": 1, "order": 1}}], whole)
    assert whole.held[-1] >= 9_800


async def test_stages_that_stream_hold_no_more_than_a_batch() -> None:
    """One document in, at most one out, nothing kept."""
    feed = Feed(100)
    stages = [{"$set": {"b": {"$add": ["$a", 1]}}}, {"$match": {"b": {"$gt": 2}}}, {"$unset": "order"}, {"$skip": 5}]
    await held_by(stages, feed)
    assert feed.given == 10_000
    assert max(feed.held) <= 200, "a batch, and what a stage made of it"


async def test_a_limit_ends_the_reading() -> None:
    """No batch is asked for that nobody needs."""
    feed = Feed(100)
    assert await held_by([{"$set": {"b": 1}}, {"$match": {"b": 1}}, {"$limit": 150}], feed) == [{"n": 50}]
    assert feed.given == 200
    one = Feed(100)
    await held_by([{"$unwind": "$a"}, {"$limit": 1}], one)
    assert one.given == 100


async def test_a_limit_behind_streaming_stages_ends_the_reading_of_a_collection(kept: Collection) -> None:
    """The collection is read in batches, so what is looked at is bounded by one batch more."""
    await kept.insert_many([{"_id": n, "tags": [1, 2]} for n in range(10_000)])
    cursor = kept.aggregate([{"$unwind": "$tags"}, {"$limit": 7}])
    assert await looked_at(cursor) == (None, 4096, 7)


# --- pipelines read through indexes

PIPELINES: dict[str, tuple[list[Any], str | None, int]] = {
    "a match": ([{"$match": {"group": 3}}, {"$count": "n"}], "group_1", 100),
    "a match behind a stage it can pass": (
        [{"$set": {"other": 1}}, {"$match": {"group": 3}}, {"$count": "n"}],
        "group_1",
        100,
    ),
    "a sort and a limit": ([{"$sort": {"n": -1}}, {"$limit": 5}, {"$project": {"n": 1}}], "n_1", 5),
    "a match, a sort and a limit": (
        [{"$match": {"third": 1}}, {"$sort": {"n": 1}}, {"$limit": 5}, {"$set": {"x": 1}}],
        "third_1_n_1",
        5,
    ),
    "a limit alone": ([{"$limit": 5}, {"$set": {"x": 1}}], None, 5),
    "a limit behind a stage that makes one of one": ([{"$set": {"x": 1}}, {"$limit": 5}], None, 5),
    "a skip and a limit": ([{"$skip": 10}, {"$limit": 5}], None, 15),
    "no index": ([{"$match": {"plain": {"$lt": 70}}}, {"$count": "n"}], None, N),
}


@pytest.mark.parametrize("case", PIPELINES)
async def test_the_beginning_of_a_pipeline_is_a_planned_read(orders: Collection, case: str) -> None:
    """It looks at what a find would look at."""
    stages, index, examined = PIPELINES[case]
    assert (await looked_at(orders.aggregate(stages)))[:2] == (index, examined)


async def test_a_lookup_asks_for_a_batch_at_a_time(orders: Collection, monkeypatch: pytest.MonkeyPatch) -> None:
    """Foreign documents are looked up by key, each once, and not for every document."""
    counted = Pulled(monkeypatch)
    stages = [
        {"$match": {"plain": {"$gte": 0}}},
        {"$lookup": {"from": "things", "localField": "group", "foreignField": "_id", "as": "found"}},
        {"$count": "n"},
    ]
    assert await orders.aggregate(stages).to_list() == [{"n": N}]
    assert counted.documents == N + 10


def test_the_collector_has_nothing_to_do_for_flat_documents() -> None:
    """Dicts of values that cannot refer to others are not tracked, so copying many does not slow the rest down."""
    copied = copying.copy_document({"_id": 1, "a": "x", "b": 2.5})
    assert not gc.is_tracked(copied) or sys.version_info >= (3, 14)

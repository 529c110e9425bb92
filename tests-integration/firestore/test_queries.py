"""What the planner sends selects on the emulator what the engine selects, in the engine's order."""

from __future__ import annotations

import math
import uuid
from collections.abc import AsyncIterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from lexigram.nosql.backends.firestore import FirestoreConfig, FirestoreDocumentStore
from lexigram.nosql.backends.firestore.planning import parse_hints
from lexigram.nosql.backends.firestore.recording import read_recording
from lexigram.nosql.exceptions import DocumentValidationError, QueryOptionError
from lexigram.nosql.query.parse import parse_filter
from lexigram.nosql.query.sort import parse_sort
from lexigram.nosql.store import DocumentStore
from lexigram.nosql.testing.strategies import documents, filters, scalars, sorts
from lexigram.nosql.values.normalise import normalise_document
from servers import Server

pytestmark = pytest.mark.asyncio(loop_scope="session")

FIELDS: dict[str, dict[str, str]] = {
    "plain": {},
    "scalars": {"a": "scalar", "b": "scalar", "c": "scalar", "_id": "text"},
    "numbers": {"a": "required number", "b": "number", "c": "int", "_id": "text"},
    "texts": {"a": "required text", "b": "text", "c": "array of text"},
    "dates": {"a": "required date", "b": "date or bool", "c": "bytes or uuid"},
    "deep": {"a": "map", "a.b": "required int", "a.c": "text", "b": "array", "c": "decimal"},
}
HINTS = parse_hints(FIELDS)

_VALUES = st.one_of(scalars(bson=True), st.sampled_from(["a", "ab", "b", 1, 2, 2.5, None, True]))
_CONDITIONS = st.one_of(
    _VALUES,
    st.dictionaries(st.sampled_from(["$gt", "$gte", "$lt", "$lte", "$ne", "$eq"]), _VALUES, min_size=1, max_size=2),
    st.dictionaries(st.sampled_from(["$in", "$nin"]), st.lists(_VALUES, max_size=40), min_size=1, max_size=1),
    st.sampled_from([{"$exists": True}, {"$exists": False}, {"$regex": "^a"}, {"$not": {"$gt": 1}}]),
)
_FIELDS = st.dictionaries(st.sampled_from(["a", "b", "c", "a.b", "_id"]), _CONDITIONS, min_size=1, max_size=3)
_EITHER = st.lists(_FIELDS, min_size=1, max_size=3).map(lambda parts: {"$or": parts})
_SIMPLE = st.one_of(_FIELDS, _EITHER, st.tuples(_FIELDS, _EITHER).map(lambda pair: {"$and": list(pair)}))
_FITTING: dict[str, st.SearchStrategy[Any]] = {
    "scalars": st.fixed_dictionaries({}, optional=dict.fromkeys("abc", scalars(bson=True))),
    "numbers": st.fixed_dictionaries(
        {"a": st.one_of(st.integers(-3, 5), st.sampled_from([0.5, 2.0, -0.0, math.inf, 2.0**53, 2**53 + 1, -(2**63)]))},
        optional={"b": st.sampled_from([1, 1.0, 2.5, -math.inf, None]), "c": st.integers(0, 3)},
    ),
    "texts": st.fixed_dictionaries(
        {"a": st.sampled_from(["", "a", "ab", "b", "é", "\U0001f600", "\uffff"])},
        optional={
            "b": st.sampled_from(["a", "b", None]),
            "c": st.lists(st.sampled_from(["a", "ab", None]), max_size=3),
        },
    ),
    "deep": st.fixed_dictionaries(
        {"a": st.fixed_dictionaries({"b": st.integers(0, 3)}, optional={"c": st.sampled_from(["a", "b", None])})},
        optional={
            "b": st.lists(scalars(bson=True), max_size=3),
            "c": st.sampled_from([Decimal("1.0"), Decimal("2.5"), Decimal("NaN"), None]),
        },
    ),
}


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def store(firestore_server: Server) -> AsyncIterator[DocumentStore]:
    """A store on a project of its own, with hints for its collections."""
    config = FirestoreConfig(
        project_id=f"asked-{uuid.uuid4().hex[:12]}",
        emulator_host=firestore_server.endpoint,
        scan_policy="allow",
        fields=FIELDS,
    )
    async with FirestoreDocumentStore(config) as opened:
        yield opened


def promised(name: str, batch: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Those documents that keep the hints of a collection."""
    kept: list[dict[str, Any]] = []
    for number, document in enumerate(batch):
        whole = normalise_document({"_id": f"d{number}", **document})
        try:
            HINTS[name].check(whole)
        except DocumentValidationError:
            continue
        kept.append(whole)
    return kept


@pytest.mark.timeout(900)
@pytest.mark.parametrize("name", FIELDS)
@settings(suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large], max_examples=60)
@given(data=st.data())
async def test_generated_requests_are_answered_as_the_engine_answers_them(
    store: DocumentStore, name: str, data: Any
) -> None:
    """With and without hints, in order, skipped and limited, and counted."""
    fitting = _FITTING.get(name)
    drawn = documents(bson=True) if fitting is None else st.one_of(fitting, fitting, documents(bson=True))
    held = promised(name, data.draw(st.lists(drawn, max_size=7)))
    things = store.collection(name)
    await things.delete_many({})
    if held:
        await things.insert_many(held)
    for asked in data.draw(st.lists(st.one_of(_SIMPLE, _SIMPLE, filters(bson=True)), min_size=3, max_size=6)):
        query = parse_filter(asked)
        matches = [document for document in held if query.matches(document)]
        found = await things.find(asked).to_list()
        plan = await things.find(asked).explain()
        assert {item["_id"] for item in found} == {item["_id"] for item in matches}, plan
        assert await things.count_documents(asked) == len(matches), plan
        order = data.draw(st.one_of(sorts(), st.sampled_from([[("a", 1)], [("a", -1), ("_id", 1)], [("a.b", -1)]])))
        sort = parse_sort(order)
        assert sort is not None
        try:
            keys = [sort.key(document) for document in sort.sorted(matches)]
        except QueryOptionError:
            # Two arrays of one document in one order: nobody sorts that.
            with pytest.raises(QueryOptionError):
                await things.find(asked, sort=order).to_list()
            continue
        skip, limit = data.draw(st.integers(0, 2)), data.draw(st.integers(1, 4))
        page = await things.find(asked, sort=order, skip=skip, limit=limit).to_list()
        plan = await things.find(asked, sort=order, skip=skip, limit=limit).explain()
        assert [sort.key(document) for document in page] == keys[skip : skip + limit], plan


async def test_more_than_thirty_values_keep_order_skip_and_limit(store: DocumentStore) -> None:
    """Several queries, merged; by id any number."""
    things = store.collection("many")
    await things.delete_many({})
    await things.insert_many(
        [{"_id": number, "s": f"s{number:03}", "tags": ["x", f"t{number}"]} for number in range(80)]
    )
    wanted = [f"s{number:03}" for number in range(70)]
    page = await things.find({"s": {"$in": wanted}}, sort=[("s", -1)], skip=2, limit=5).to_list()
    assert [item["s"] for item in page] == [f"s{number:03}" for number in range(67, 62, -1)]
    assert await things.count_documents({"s": {"$in": wanted}}) == 70
    assert len(await things.find({"s": {"$in": wanted}}, limit=40).to_list()) == 40
    tags = ["x", *[f"t{number}" for number in range(60)]]
    assert await things.count_documents({"tags": {"$in": tags}}) == 80
    ids = [*range(75), *map(float, range(75)), 500]
    assert len(await things.find({"_id": {"$in": ids}}).to_list()) == 75


async def test_pages_follow_each_other_by_a_cursor_of_firestore(store: DocumentStore) -> None:
    """The place of a page token is where the query begins, ties included."""
    things = store.collection("numbers")
    await things.delete_many({})
    await things.insert_many([{"_id": f"d{number:02}", "a": number // 4} for number in range(30)])
    seen: list[str] = []
    token: str | None = None
    while True:
        page = await things.find_page({}, sort=[("a", -1)], size=7, token=token)
        seen += [item["_id"] for item in page.items]
        token = page.next_cursor
        if token is None:
            break
    assert len(seen) == len(set(seen)) == 30
    assert seen[:4] == ["d28", "d29", "d24", "d25"]


async def test_an_order_by_ids_beside_a_range_is_not_refused(store: DocumentStore) -> None:
    """Firestore takes no order after that by the name, and implies one by the field of the range."""
    things = store.collection("numbers")
    await things.delete_many({})
    await things.insert_many([{"_id": f"d{number}", "a": 0, "b": number} for number in range(5)])
    page = await things.find({"a": 0, "b": {"$gt": 0}}, sort=[("a", -1), ("_id", -1)], limit=2).to_list()
    assert [item["_id"] for item in page] == ["d4", "d3"]
    found = await things.find_page({"b": {"$gte": 1}}, sort=[("a", 1)], size=2)
    assert [item["_id"] for item in found.items] == ["d1", "d2"]


async def test_a_plan_shows_which_hint_made_it_possible(store: DocumentStore) -> None:
    """And what is left to the engine without one."""
    plan = await store.collection("texts").find({"a": {"$gt": "b"}}, sort="a", limit=3).explain()
    assert (plan.sort, plan.limit, plan.residue) == ("backend", "backend", None)
    assert plan.native["field_hints"] == {"a": "required text"}
    plan = await store.collection("plain").find({"a": {"$gt": "b"}}, sort="a", limit=3).explain()
    assert (plan.sort, plan.limit) == ("engine", "engine")
    assert "array" in plan.native["left_to_engine"]["a"]


async def test_a_write_that_breaks_a_hint_is_refused(store: DocumentStore) -> None:
    """Inserts, updates and replacements; nothing is stored."""
    things = store.collection("texts")
    await things.delete_many({})
    await things.insert_one({"_id": "x", "a": "text"})
    for write in (
        things.insert_one({"_id": "y"}),
        things.update_one({"_id": "x"}, {"$set": {"a": ["text"]}}),
        things.update_one({"_id": "x"}, {"$unset": {"a": ""}}),
        things.update_one({"_id": "x"}, {"$push": {"c": 5}}),
        things.replace_one({"_id": "x"}, {"b": "no a"}),
    ):
        with pytest.raises(DocumentValidationError):
            await write
    assert await things.find({}).to_list() == [{"_id": "x", "a": "text"}]


async def test_indexes_that_queries_need_are_recorded(firestore_server: Server, tmp_path: Path) -> None:
    """Though the emulator does not ask for them."""
    path = tmp_path / "seen.jsonl"
    config = FirestoreConfig(
        project_id=f"seen-{uuid.uuid4().hex[:12]}",
        emulator_host=firestore_server.endpoint,
        fields={"orders": {"status": "required text", "total": "required number"}},
        index_recording=path,
    )
    async with FirestoreDocumentStore(config) as opened:
        orders = opened.collection("orders")
        await orders.insert_one({"_id": 1, "status": "new", "total": 5})
        await orders.find({"status": "new", "total": {"$gt": 1}}).to_list()
        await orders.count_documents({"status": "new", "total": {"$lt": 9}})
        await orders.find({"status": "new"}, sort=[("total", -1)]).to_list()
    assert [[field["fieldPath"] for field in definition["fields"]] for definition in read_recording(path)] == [
        ["status", "total"],
        ["status", "total"],
    ]

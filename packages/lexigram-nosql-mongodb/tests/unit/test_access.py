"""The guess at how the server reaches documents, and what it says itself."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest
from lexigram.nosql.backends.mongodb import access as module
from lexigram.nosql.backends.mongodb.access import Catalogue, reach
from lexigram.nosql.backends.mongodb.explaining import server_facts
from lexigram.nosql.driver import Access
from lexigram.nosql.indexes import IndexSpec, parse_index
from lexigram.nosql.query.parse import parse_filter
from lexigram.nosql.query.sort import parse_sort
from pymongo.errors import OperationFailure

INDEXES = (
    parse_index([("a", 1), ("b", -1)]),
    parse_index("name", collation={"locale": "en", "strength": 2}),
    parse_index([("title", "text")]),
)


@pytest.mark.parametrize(
    ("filter", "sort", "options", "expected"),
    [
        ({"_id": 5}, None, {}, Access("key", "_id_", ("_id",))),
        ({"_id": {"$in": [1, 2]}, "x": 1}, None, {}, Access("key", "_id_", ("_id",))),
        ({"_id": {"$gt": 5}}, None, {}, Access("index", "_id_", ("_id",))),
        ({"a": 5}, None, {}, Access("index", "a_1_b_-1", ("a",))),
        ({"a": 5, "b": {"$gt": 1}}, None, {}, Access("index", "a_1_b_-1", ("a", "b"))),
        ({"b": 5}, None, {}, Access("scan")),
        ({"a": {"$not": {"$gt": 5}}}, None, {}, Access("index", "a_1_b_-1", ("a",))),
        ({"$or": [{"a": 1}, {"a": 2, "c": 3}]}, None, {}, Access("index", "a_1_b_-1", ("a",))),
        ({"$or": [{"a": 1}, {"c": 2}]}, None, {}, Access("index", "a_1_b_-1", ("a",))),
        ({"$or": [{"c": 1}, {"d": 2}]}, None, {}, Access("scan")),
        ({"name": "x"}, None, {}, Access("scan")),
        ({"name": "x"}, None, {"collation": {"locale": "en", "strength": 2}}, Access("index", "name_1", ("name",))),
        ({"$text": {"$search": "x"}}, None, {}, Access("index", "title_text", ("$text",))),
        ({}, [("a", -1), ("b", 1)], {}, Access("index", "a_1_b_-1", ())),
        ({}, [("a", 1), ("b", 1)], {}, Access("scan")),
        ({}, [("_id", 1)], {}, Access("index", "_id_", ())),
    ],
)
def test_the_index_that_serves_is_found(
    filter: dict[str, Any], sort: Any, options: dict[str, Any], expected: Access
) -> None:
    """By the beginning of its keys, under the collation that was asked."""
    query = parse_filter(filter, collation=options.get("collation"))

    assert reach(query, None if sort is None else parse_sort(sort), INDEXES, None) == expected


def test_a_wildcard_serves_what_is_below_it() -> None:
    """Nothing beside it."""
    index = parse_index("a.$**")

    assert reach(parse_filter({"a.b": 1}), None, [index], None) == Access("index", "a.$**_1", ("a.b",))
    assert reach(parse_filter({"b": 1}), None, [index], None) == Access("scan")


def test_what_nobody_knows_passes() -> None:
    """Before the indexes have been asked for."""
    assert reach(parse_filter({"b": 1}), None, None, None).kind == "index"


class Asked:
    """Stands for the server's list of indexes."""

    def __init__(self) -> None:
        self.times = 0
        self.indexes: Sequence[IndexSpec] | Exception = INDEXES

    async def __call__(self, collection: str) -> Sequence[IndexSpec]:
        self.times += 1
        await asyncio.sleep(0)
        if isinstance(self.indexes, Exception):
            raise self.indexes
        return self.indexes


async def test_indexes_are_asked_for_once() -> None:
    """However many look at once."""
    ask = Asked()
    catalogue = Catalogue(ask)

    assert catalogue.indexes("things") is None
    await asyncio.gather(catalogue.learn("things"), catalogue.learn("things"))

    assert catalogue.indexes("things") == INDEXES
    assert ask.times == 1
    await catalogue.close()


async def test_an_old_answer_is_asked_for_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """When a scan casts doubt on it; a fresh one is believed."""
    ask = Asked()
    catalogue = Catalogue(ask)
    await catalogue.learn("things")

    catalogue.doubt("things")
    assert ask.times == 1
    monkeypatch.setattr(module, "REFRESH_SECONDS", -1.0)
    catalogue.doubt("things")
    await asyncio.sleep(0.01)

    assert ask.times == 2
    await catalogue.close()


async def test_indexes_that_may_not_be_listed_serve_everything() -> None:
    """A user without that right is not warned of each request."""
    ask = Asked()
    ask.indexes = OperationFailure("not authorized", 13)
    catalogue = Catalogue(ask)

    await catalogue.learn("things")

    assert reach(parse_filter({"x": 1}), None, catalogue.indexes("things"), None).kind == "index"


async def test_a_closed_catalogue_asks_no_more() -> None:
    """A question on its way is given up."""
    asked = asyncio.Event()

    async def ask(collection: str) -> Sequence[IndexSpec]:
        asked.set()
        await asyncio.Event().wait()
        raise AssertionError

    catalogue = Catalogue(ask)
    task = catalogue.refresh("things")
    await asked.wait()
    await catalogue.close()

    assert task.cancelled()


FETCH = {"stage": "FETCH", "inputStage": {"stage": "IXSCAN", "indexName": "a_1", "keyPattern": {"a": 1}}}
REPLIES: dict[str, tuple[dict[str, Any], Access | None, list[str]]] = {
    "classic": ({"queryPlanner": {"winningPlan": FETCH}}, Access("index", "a_1", ("a",)), ["FETCH", "IXSCAN"]),
    "slot based": (
        {"queryPlanner": {"winningPlan": {"queryPlan": FETCH, "slotBasedPlan": {}}}},
        Access("index", "a_1", ("a",)),
        ["FETCH", "IXSCAN"],
    ),
    "by id": ({"queryPlanner": {"winningPlan": {"stage": "IDHACK"}}}, Access("key", "_id_", ("_id",)), ["IDHACK"]),
    "express": (
        {"queryPlanner": {"winningPlan": {"stage": "EXPRESS_IXSCAN", "indexName": "a_1", "keyPattern": {"a": 1}}}},
        Access("index", "a_1", ("a",)),
        ["EXPRESS_IXSCAN"],
    ),
    "one branch scans": (
        {"queryPlanner": {"winningPlan": {"stage": "OR", "inputStages": [FETCH, {"stage": "COLLSCAN"}]}}},
        Access("scan"),
        ["OR", "FETCH", "IXSCAN", "COLLSCAN"],
    ),
    "pipeline": (
        {"stages": [{"$cursor": {"queryPlanner": {"winningPlan": FETCH}}}, {"$group": {}}]},
        Access("index", "a_1", ("a",)),
        ["FETCH", "IXSCAN"],
    ),
    "shards": (
        {"queryPlanner": {"winningPlan": {"stage": "SINGLE_SHARD", "shards": [{"winningPlan": FETCH}]}}},
        Access("index", "a_1", ("a",)),
        ["SINGLE_SHARD", "FETCH", "IXSCAN"],
    ),
    "nothing there": ({"queryPlanner": {"winningPlan": {"stage": "EOF"}}}, None, ["EOF"]),
}


@pytest.mark.parametrize(("reply", "access", "stages"), REPLIES.values(), ids=REPLIES)
def test_every_form_of_a_server_s_plan_is_read(reply: dict[str, Any], access: Access | None, stages: list[str]) -> None:
    """Of the classic engine, of the newer one, of pipelines and of clusters."""
    facts = server_facts(reply)

    assert facts.access == access
    assert facts.details["stages"] == stages


def test_counts_are_read_where_the_plan_ran() -> None:
    """Documents and index entries."""
    facts = server_facts(
        {
            "queryPlanner": {"winningPlan": FETCH},
            "executionStats": {"totalDocsExamined": 7, "totalKeysExamined": 9},
        }
    )

    assert (facts.documents_examined, facts.keys_examined) == (7, 9)

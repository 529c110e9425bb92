"""What goes to the server itself, and what is left to the engine, by version."""

from __future__ import annotations

import re
from typing import Any

import pytest
from lexigram.nosql.aggregation.parse import parse_pipeline
from lexigram.nosql.backends.mongodb.compiling import NativeFind, compile_filter, compile_sort
from lexigram.nosql.backends.mongodb.native_pipelines import compile_stages
from lexigram.nosql.backends.mongodb.native_writes import compile_delete, compile_update
from lexigram.nosql.backends.mongodb.versions import STAGES, first_version, first_version_of_stage
from lexigram.nosql.driver import Access, Change, Compiled, WriteRequest
from lexigram.nosql.query.parse import parse_filter
from lexigram.nosql.query.sort import parse_sort
from lexigram.nosql.update.parse import parse_replacement, parse_update

NEW = (8, 2)
ID = "made"


def request(change: Change | None, selection: dict[str, Any] | None = None, **options: Any) -> WriteRequest:
    query = parse_filter(selection or {"n": 1})
    sort = parse_sort(options.pop("order", None))
    hint = options.pop("hint", None)
    native = NativeFind(compile_filter(query, NEW)[0], compile_sort(sort, query)[0], None, hint)
    return WriteRequest(query, Compiled(Access("scan"), native), sort, hint, change, **options)


@pytest.mark.parametrize(
    "update",
    [
        {"$set": {"a.b": 1}, "$inc": {"n": 2}},
        {"$push": {"tags": {"$each": ["x"], "$slice": -3, "$sort": {"at": -1}}}},
        {"$pull": {"tags": {"$in": ["x"]}}},
        {"$rename": {"a": "b"}, "$unset": {"c": ""}},
        {"$currentDate": {"at": {"$type": "timestamp"}}},
        {"$bit": {"n": {"and": 5}}},
        {"$addToSet": {"tags": {"$each": ["x", "y"]}}},
    ],
    ids=lambda update: next(iter(update)),
)
def test_operators_go_down_as_they_were_written(update: dict[str, Any]) -> None:
    """Whatever they are."""
    native = compile_update(request(parse_update(update)), NEW)
    assert native is not None
    assert native.change == update
    assert native.find.filter == {"n": 1}


def test_array_filters_go_down_with_their_update() -> None:
    """As filters."""
    update = parse_update({"$set": {"items.$[big].seen": True}}, array_filters=[{"big.size": {"$gte": 5}}])
    native = compile_update(request(update), NEW)
    assert native is not None
    assert native.options()["array_filters"] == [{"big.size": {"$gte": 5}}]


@pytest.mark.parametrize(
    ("update", "expected"),
    [
        ({"$set": {"m": 1}}, {"$set": {"m": 1}, "$setOnInsert": {"_id": ID}}),
        ({"$setOnInsert": {"m": 1}}, {"$setOnInsert": {"_id": ID, "m": 1}}),
        ({"$setOnInsert": {"_id": 5}}, {"$setOnInsert": {"_id": 5}}),
        ({"$set": {"_id": 5}}, {"$set": {"_id": 5}}),
        ({"$set": {"_id.a": 5}}, None),
        ({"$inc": {"_id": 5}}, None),
        ([{"$set": {"m": 1}}], [{"$set": {"m": 1}}, {"$set": {"_id": {"$ifNull": ["$_id", ID]}}}]),
        ([{"$replaceWith": {"m": 1}}], None),
        ([{"$unset": "_id"}], None),
    ],
    ids=repr,
)
def test_an_upsert_takes_the_store_s_id_along_or_is_left_to_the_engine(update: Any, expected: Any) -> None:
    """The server would make an ObjectId."""
    native = compile_update(request(parse_update(update), upsert=True, new_id=ID), NEW)
    assert (None if native is None else native.change) == expected


def test_a_replacement_is_left_to_the_engine_only_where_it_needs_an_id() -> None:
    """One that goes along would be given to a document that is there."""
    replacement = parse_replacement({"m": 1})
    assert compile_update(request(replacement, upsert=True, new_id=ID), NEW) is None
    assert compile_update(request(replacement, {"_id": 5}, upsert=True), NEW) is not None
    assert compile_update(request(parse_replacement({"_id": 5}), upsert=True, new_id=ID), NEW) is not None
    native = compile_update(request(replacement), NEW)
    assert native is not None
    assert native.replaces


@pytest.mark.parametrize(
    ("options", "version", "goes"),
    [
        ({"order": [("a", 1)]}, (7, 0, 5), False),
        ({"order": [("a", 1)]}, (8, 0), True),
        ({"order": [("a", 1)], "returns": "after"}, (4, 2), True),
        ({"order": [("$natural", 1)], "returns": "after"}, NEW, False),
        ({"order": [("a", 1)], "many": True}, NEW, False),
    ],
)
def test_the_first_in_an_order_is_updated_where_the_server_knows_orders(
    options: dict[str, Any], version: tuple[int, ...], goes: bool
) -> None:
    """``sort`` of ``updateOne`` came with 8.0, that of ``findAndModify`` was always there."""
    assert (compile_update(request(parse_update({"$set": {"m": 1}}), **options), version) is not None) is goes


@pytest.mark.parametrize("update", [{"$set": {}}, {"$set": {}, "$inc": {}}])
def test_an_update_without_any_field_is_left_to_the_engine(update: dict[str, Any]) -> None:
    """The SDK refuses it, the engine matches and changes nothing."""
    assert compile_update(request(parse_update(update)), NEW) is None


def test_pipelines_of_updates_need_a_server_that_knows_their_operators() -> None:
    """``$dateTrunc`` came with 5.0."""
    update = parse_update([{"$set": {"day": {"$dateTrunc": {"date": "$at", "unit": "day"}}}}])
    assert compile_update(request(update), (4, 4)) is None
    assert compile_update(request(update), (5, 0)) is not None


@pytest.mark.parametrize(
    ("options", "version", "goes"),
    [
        ({}, (4, 2), True),
        ({"hint": "name"}, (4, 2), False),
        ({"hint": "name"}, (4, 4), True),
        ({"order": [("a", 1)]}, (4, 2), True),
        ({"order": [("$natural", -1)]}, NEW, False),
    ],
)
def test_deletions_go_down_where_the_server_takes_their_options(
    options: dict[str, Any], version: tuple[int, ...], goes: bool
) -> None:
    """Hints of deletions came with 4.4."""
    assert (compile_delete(request(None, **options), version) is not None) is goes


def names(stages: list[dict[str, Any]], version: tuple[int, ...] = NEW, **options: Any) -> list[str]:
    return [next(iter(stage)) for stage in compile_stages(parse_pipeline(stages, **options), version)]


@pytest.mark.parametrize(
    ("stages", "version", "taken"),
    [
        ([{"$group": {"_id": "$a"}}, {"$count": "n"}], NEW, 2),
        ([{"$match": {"a": 1}}, {"$unionWith": "other"}, {"$limit": 3}], (4, 2), 1),
        ([{"$match": {"a": 1}}, {"$unionWith": "other"}, {"$limit": 3}], (4, 4), 3),
        (
            [{"$sort": {"a": 1}}, {"$group": {"_id": 1, "n": {"$median": {"input": "$a", "method": "approximate"}}}}],
            (6, 0),
            1,
        ),
        ([{"$group": {"_id": 1, "n": {"$count": {}}}}], (4, 4), 0),
        ([{"$count": "n"}], (4, 2), 1),
        ([{"$documents": [{"a": 1}]}, {"$match": {"a": 1}}], NEW, 0),
        ([{"$set": {"x": {"$filter": {"input": "$a", "cond": True, "limit": 1}}}}], (5, 0), 0),
        ([{"$lookup": {"from": "o", "localField": "a", "foreignField": "b", "as": "c"}}], (4, 2), 1),
        (
            [{"$lookup": {"from": "o", "localField": "a", "foreignField": "b", "pipeline": [], "as": "c"}}],
            (4, 4),
            0,
        ),
        ([{"$lookup": {"from": "o", "pipeline": [{"$fill": {"output": {"a": {"value": 1}}}}], "as": "c"}}], (5, 0), 0),
        ([{"$facet": {"a": [{"$match": {"x": 1}}], "b": [{"$sortByCount": "$y"}]}}, {"$limit": 1}], (4, 2), 2),
        ([{"$facet": {"a": [{"$unionWith": "o"}]}}], (4, 2), 0),
    ],
    ids=lambda value: repr(value)[:60],
)
def test_stages_go_down_up_to_the_first_that_the_version_lacks(
    stages: list[dict[str, Any]], version: tuple[int, ...], taken: int
) -> None:
    """The engine does the rest."""
    assert names(stages, version) == [next(iter(stage)) for stage in stages[:taken]]


@pytest.mark.parametrize(
    ("stages", "writes"),
    [
        ([{"$group": {"_id": "$a"}}, {"$merge": "other"}], True),
        ([{"$match": {"a": 1}}, {"$set": {"b": 1}}, {"$out": "other"}], True),
        ([{"$project": {"_id": 0, "a": 1}}, {"$merge": "other"}], False),
        ([{"$unset": "_id"}, {"$out": "other"}], False),
        ([{"$replaceWith": "$a"}, {"$merge": "other"}], False),
    ],
    ids=lambda value: repr(value)[:60],
)
def test_documents_are_written_by_the_server_where_each_has_its_id(stages: list[dict[str, Any]], writes: bool) -> None:
    """Elsewhere it would make an ObjectId."""
    assert (names(stages) == [next(iter(stage)) for stage in stages]) is writes


def test_constants_of_stages_are_normalised_and_filters_written_anew() -> None:
    """As documents and filters are."""
    stages = compile_stages(
        parse_pipeline(
            [
                {"$match": {"a": {"$gte": 1}, "$expr": {"$eq": ["$b", "$$c"]}}},
                {"$set": {"t": {"$in": ["$x", (1, 2)]}}},
                {
                    "$lookup": {
                        "from": "o",
                        "let": {"v": "$a"},
                        "pipeline": [{"$match": {"$expr": {"$eq": ["$z", "$$v"]}}}],
                        "as": "o",
                    }
                },
            ],
            let={"c": 5},
        ),
        NEW,
    )
    assert stages == [
        {"$match": {"a": {"$gte": 1}, "$expr": {"$eq": ["$b", "$$c"]}}},
        {"$set": {"t": {"$in": ["$x", [1, 2]]}}},
        {
            "$lookup": {
                "from": "o",
                "as": "o",
                "let": {"v": "$a"},
                "pipeline": [{"$match": {"$expr": {"$eq": ["$z", "$$v"]}}}],
            }
        },
    ]


def test_versions_of_stages_and_arguments() -> None:
    """The newest thing decides."""
    assert first_version({"$convert": {"input": "$a", "to": "binData", "format": "hex"}}) == (8, 0)
    assert first_version([{"$add": [1, {"$bitAnd": ["$a", 1]}]}]) == (6, 3)
    assert first_version("$a") == ()
    assert first_version({"$convert": {"input": "$a", "to": "int"}}) == ()
    assert first_version({"$convert": {"input": "$a", "to": {"type": 16}}}) == ()
    for newer in (
        {"$toArray": "$a"},
        {"$convert": {"input": "$a", "to": "object"}},
        {"$convert": {"input": "$a", "to": {"type": 4}}},
        {"$convert": {"input": "$a", "to": "$b"}},
        {"$convert": {"input": "$a", "to": {"type": "binData", "subtype": 9}}},
        {"$map": {"input": "$a", "in": {"$add": ["$$this", "$$IDX"]}}},
        {"$reduce": {"input": "$a", "initialValue": 0, "valueAs": "x", "in": "$$x"}},
        {"$topN": {"n": 2, "input": "$a"}},
        {"$split": ["$a", re.compile("b")]},
        {"$replaceAll": {"input": "$a", "find": re.compile("b"), "replacement": "c"}},
    ):
        assert first_version(newer) == (8, 3)
    assert first_version({"$topN": {"n": 2, "sortBy": {"a": 1}, "output": "$a"}}) == (5, 2)
    assert first_version({"$split": ["$a", "b"]}) == ()
    assert first_version_of_stage("$bucket", {"groupBy": "$a", "output": {"n": {"$count": {}}}}) == (5, 0)
    assert first_version_of_stage("$densify", {}) == STAGES["$densify"]

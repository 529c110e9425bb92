"""Which composite indexes queries need, how they are recorded, and the file that is made of them."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from lexigram.nosql.backends.firestore.config import FirestoreConfig
from lexigram.nosql.backends.firestore.planning import Place, Planner, QueryRead, parse_hints
from lexigram.nosql.backends.firestore.planning.indexes import index_definitions, index_file
from lexigram.nosql.backends.firestore.recording import IndexRecorder, make_index_file, read_recording
from lexigram.nosql.exceptions import NoSQLError
from lexigram.nosql.query.parse import parse_filter
from lexigram.nosql.query.sort import parse_sort

HINTS = parse_hints(
    {"o": {"_id": "text", "a": "required text", "b": "required int", "c": "required date", "t": "array of text"}}
)["o"]
PLACE = Place("o", "projects/p/databases/d/documents/o/")
UP = "ASCENDING"
DOWN = "DESCENDING"


def read(filter: Any, sort: Any = None, place: Place = PLACE) -> QueryRead:
    """A read."""
    native = Planner(place, HINTS).compile(parse_filter(filter), parse_sort(sort)).native
    assert isinstance(native, QueryRead)
    return native


def fields(filter: Any, sort: Any = None) -> list[list[tuple[str, str]]]:
    """The fields of the indexes that a read needs."""
    return [
        [(field["fieldPath"], field.get("order") or field["arrayConfig"]) for field in definition["fields"]]
        for definition in index_definitions(read(filter, sort).queries)
    ]


@pytest.mark.parametrize(
    ("filter", "sort", "expected"),
    [
        ({"a": "x"}, None, []),
        ({"a": "x", "b": 1, "t": "y"}, None, []),
        ({"b": {"$gt": 1}}, None, []),
        ({"b": {"$gt": 1}}, [("b", -1)], []),
        ({}, [("b", -1)], []),
        ({}, [("b", -1), ("_id", -1)], []),
        ({"a": "x", "b": {"$gt": 1}}, None, [[("a", UP), ("b", UP)]]),
        ({"a": "x"}, [("b", -1)], [[("a", UP), ("b", DOWN)]]),
        ({"a": "x"}, [("a", 1)], []),
        ({"t": "x"}, [("b", 1)], [[("t", "CONTAINS"), ("b", UP)]]),
        ({}, [("b", 1), ("c", -1)], [[("b", UP), ("c", DOWN)]]),
        ({}, [("b", 1), ("_id", -1)], [[("b", UP), ("__name__", DOWN)]]),
        ({"a": "x", "b": {"$gt": 1}}, [("c", -1)], [[("a", UP), ("c", DOWN), ("b", DOWN)]]),
        ({"$or": [{"a": "x"}, {"t": "y"}]}, [("b", 1)], [[("a", UP), ("b", UP)], [("t", "CONTAINS"), ("b", UP)]]),
    ],
)
def test_the_index_that_a_query_needs(filter: Any, sort: Any, expected: Any) -> None:
    """Equalities, then arrays, then the order, then inequalities; nothing where single fields serve."""
    assert fields(filter, sort) == expected


def test_groups_of_collections_need_indexes_of_their_own_scope() -> None:
    """Also for single fields, as an override that keeps what Firestore has by itself."""
    place = Place("o")
    (definition,) = index_definitions(read({"a": "x", "b": {"$gt": 1}}, None, place).queries)
    assert definition["queryScope"] == "COLLECTION_GROUP"
    content = index_file(index_definitions(read({"b": {"$gt": 1}}, None, place).queries))
    assert content["indexes"] == []
    (override,) = content["fieldOverrides"]
    assert {"order": "ASCENDING", "queryScope": "COLLECTION_GROUP"} in override["indexes"]
    assert {"order": "ASCENDING", "queryScope": "COLLECTION"} in override["indexes"]
    assert index_file(index_definitions(read({"b": {"$gt": 1}}, None, place).queries), content) == content


async def test_queries_that_were_seen_are_recorded_once(tmp_path: Path) -> None:
    """By several recorders, as by several processes; queries that need nothing are not."""
    path = tmp_path / "seen.jsonl"
    one, two = IndexRecorder(path), IndexRecorder(path)
    await one.see(*read({"a": "x"}).queries)
    assert not path.exists()
    for _ in range(3):
        await one.see(*read({"a": "x"}, [("b", 1)]).queries)
    await two.see(*read({"a": "y"}, [("b", 1)]).queries)
    await two.see(*read({"a": "x"}, [("b", -1)]).queries)
    assert len(path.read_text().splitlines()) == 2
    assert len(await asyncio.to_thread(read_recording, path)) == 2


async def test_a_recording_is_bounded(tmp_path: Path) -> None:
    """A file that is full takes nothing more."""
    path = tmp_path / "seen.jsonl"
    path.write_text("".join(f'{{"collectionGroup": "c{number}"}}\n' for number in range(1000)))
    await IndexRecorder(path).see(*read({"a": "x"}, [("b", 1)]).queries)
    assert len(path.read_text().splitlines()) == 1000


async def test_the_file_keeps_what_it_holds(tmp_path: Path) -> None:
    """Indexes that others defined stay, those that are there are not doubled."""
    path = tmp_path / "seen.jsonl"
    await IndexRecorder(path).see(*read({"a": "x"}, [("b", 1)]).queries)
    await IndexRecorder(path).see(*read({"t": "x"}, [("b", 1)]).queries)
    config = FirestoreConfig(project_id="p", index_recording=path)
    held = {
        "indexes": [
            {"collectionGroup": "other", "queryScope": "COLLECTION", "fields": []},
            {
                "collectionGroup": "o",
                "queryScope": "COLLECTION",
                "fields": [
                    {"fieldPath": "a", "order": UP},
                    {"fieldPath": "b", "order": UP},
                    {"fieldPath": "__name__", "order": UP},
                ],
            },
        ],
        "fieldOverrides": [{"collectionGroup": "o", "fieldPath": "z", "indexes": []}],
    }
    made = await asyncio.to_thread(make_index_file, config, json.dumps(held))
    content = json.loads(made.text)
    assert (made.name, made.seen) == ("firestore.indexes.json", 2)
    assert [definition["collectionGroup"] for definition in content["indexes"]] == ["other", "o", "o"]
    assert content["fieldOverrides"] == held["fieldOverrides"]
    again = await asyncio.to_thread(make_index_file, config, made.text)
    assert again.text == made.text


def test_without_a_recording_the_setting_is_named(tmp_path: Path) -> None:
    """And a file that is none is refused."""
    with pytest.raises(NoSQLError) as caught:
        make_index_file(FirestoreConfig(project_id="p"), None)
    assert "index_recording" in str(caught.value.hint)
    path = tmp_path / "x"
    path.write_text("nonsense\n")
    with pytest.raises(NoSQLError):
        make_index_file(FirestoreConfig(project_id="p", index_recording=path), None)

"""The document that an upsert inserts."""

from __future__ import annotations

from typing import Any

import pytest
from lexigram.nosql.exceptions import UpdateError
from lexigram.nosql.query.parse import parse_filter
from lexigram.nosql.update.parse import parse_replacement, parse_update


def _upsert(filter: Any, update: Any, **options: Any) -> dict[str, Any]:
    return parse_update(update, **options).build_upsert(parse_filter(filter))


def _replace(filter: Any, replacement: Any) -> dict[str, Any]:
    return parse_replacement(replacement).build_upsert(parse_filter(filter))


@pytest.mark.parametrize(
    ("filter", "expected"),
    [
        ({}, {"z": 1}),
        ({"a": 1}, {"a": 1, "z": 1}),
        ({"a": None}, {"a": None, "z": 1}),
        ({"a": [1, 2]}, {"a": [1, 2], "z": 1}),
        ({"a": {"b.c": 1}}, {"a": {"b.c": 1}, "z": 1}),
        ({"a": {"$eq": 1}}, {"a": 1, "z": 1}),
        ({"a": {"$in": [1]}}, {"a": 1, "z": 1}),
        ({"a": {"$all": [1]}}, {"a": 1, "z": 1}),
        ({"$and": [{"a": 1}, {"b": {"$eq": 2}}]}, {"a": 1, "b": 2, "z": 1}),
        ({"$or": [{"a": 1}]}, {"a": 1, "z": 1}),
        ({"$or": [{"a": 1}, {"a": 1}]}, {"a": 1, "z": 1}),
        ({"a.b": 1, "a.c": 2}, {"a": {"b": 1, "c": 2}, "z": 1}),
        ({"a.0.b": 1}, {"a": {"0": {"b": 1}}, "z": 1}),
        ({"a": 1, "_id": 5}, {"_id": 5, "a": 1, "z": 1}),
        ({"_id": {"x": 1}}, {"_id": {"x": 1}, "z": 1}),
        ({"_id.x": 1, "_id.y": 2}, {"_id": {"x": 1, "y": 2}, "z": 1}),
        ({"a": {"$eq": 1, "$gt": 0}}, {"a": 1, "z": 1}),
        ({"a": {"$gt": 1}, "b": {"$ne": 2}, "c": {"$in": [1, 2]}}, {"z": 1}),
        ({"a": {"$exists": True}, "b": {"$not": {"$eq": 1}}, "c": {"$elemMatch": {"$eq": 1}}}, {"z": 1}),
        ({"$or": [{"a": 1}, {"a": 2}]}, {"z": 1}),
        ({"$or": [{"a": 1}, {"b": 1}]}, {"z": 1}),
        ({"$nor": [{"a": 1}]}, {"z": 1}),
        ({"a": {"$regex": "^x"}}, {"z": 1}),
    ],
)
def test_it_begins_with_what_the_filter_says_by_equality(filter: Any, expected: dict[str, Any]) -> None:
    """Equalities that must hold become fields; other conditions say nothing."""
    document = _upsert(filter, {"$set": {"z": 1}})
    assert document == expected
    if "_id" in expected:
        assert next(iter(document)) == "_id"


@pytest.mark.parametrize(
    "filter",
    [
        {"a": 1, "$and": [{"a": 2}]},
        {"$and": [{"a": 1}, {"a": 1}]},
        {"a": {"$all": [1, 2]}},
        {"a": 1, "a.b": 1},
        {"a.b": 1, "$and": [{"a": {}}]},
        {"_id": 1, "_id.x": 1},
    ],
)
def test_equalities_that_contradict_each_other_are_refused(filter: Any) -> None:
    """A path may be given once, and not together with a part of it."""
    with pytest.raises(UpdateError) as caught:
        _upsert(filter, {"$set": {"z": 1}})
    assert caught.value.mongo_code == 54


@pytest.mark.parametrize(
    ("filter", "update", "expected"),
    [
        ({"a": 1}, {"$inc": {"a": 2}}, {"a": 3}),
        ({"a": 1}, {"$set": {"a": 2}}, {"a": 2}),
        ({"a": 1}, {"$unset": {"a": 1}}, {}),
        ({"a": 1}, {"$rename": {"a": "b"}}, {"b": 1}),
        ({"a": [1]}, {"$push": {"a": 2}}, {"a": [1, 2]}),
        ({"a": [1, 2]}, {"$inc": {"a.$[]": 1}}, {"a": [2, 3]}),
        ({"a.b": 1}, {"$set": {"a.c": 2}}, {"a": {"b": 1, "c": 2}}),
        ({"_id": 1}, {"$setOnInsert": {"_id": 1, "a": 2}}, {"_id": 1, "a": 2}),
        ({"b": 2}, {"$setOnInsert": {"_id": 1}}, {"_id": 1, "b": 2}),
        ({}, {"$set": {"_id.x": 1}}, {"_id": {"x": 1}}),
        ({"a": 1}, {"$setOnInsert": {"$x": 1}}, {"a": 1, "$x": 1}),
        ({"a": 1}, {"$set": {}}, {"a": 1}),
    ],
)
def test_then_the_update_is_applied(filter: Any, update: Any, expected: dict[str, Any]) -> None:
    """Operators find the fields that the filter gave."""
    assert _upsert(filter, update) == expected


@pytest.mark.parametrize(
    ("filter", "update", "code"),
    [
        ({"_id": 1}, {"$set": {"_id": 2}}, 66),
        ({"_id": 1}, {"$setOnInsert": {"_id": 2}}, 66),
        ({"_id": {"x": 1}}, {"$set": {"_id.y": 2}}, 66),
        ({"a": 1}, {"$setOnInsert": {"a.b": 2}}, 28),
        ({"a": "x"}, {"$inc": {"a": 2}}, 14),
        ({"a": 1}, {"$set": {"a.$": 2}}, 2),
        ({}, {"$set": {"a.$[]": 2}}, 2),
    ],
)
def test_the_update_must_fit_what_the_filter_gave(filter: Any, update: Any, code: int) -> None:
    """The ``_id`` of the filter stays, and paths must be viable."""
    with pytest.raises(UpdateError) as caught:
        _upsert(filter, update)
    assert caught.value.mongo_code == code


def test_nothing_is_shared_with_the_filter() -> None:
    """Changing the document leaves the filter, and the next document, alone."""
    query = parse_filter({"a": {"b": [1]}})
    update = parse_update({"$set": {"c": 1}})
    document = update.build_upsert(query)
    document["a"]["b"].append(2)
    assert update.build_upsert(query) == {"a": {"b": [1]}, "c": 1}


@pytest.mark.parametrize(
    ("filter", "replacement", "expected"),
    [
        ({"a": 1}, {"b": 2}, {"b": 2}),
        ({"_id": 1, "a": 1}, {"b": 2}, {"_id": 1, "b": 2}),
        ({"_id": {"$eq": 1}}, {"b": 2}, {"_id": 1, "b": 2}),
        ({"$and": [{"_id": 1}]}, {}, {"_id": 1}),
        ({"_id": 1}, {"b": 2, "_id": 1}, {"_id": 1, "b": 2}),
        ({}, {"b": 2, "_id": 7}, {"_id": 7, "b": 2}),
        ({"_id": {"$gt": 1}}, {"b": 2}, {"b": 2}),
        ({"a": 1, "$and": [{"a": 2}]}, {"b": 2}, {"b": 2}),
    ],
)
def test_a_replacement_takes_only_the_id_from_the_filter(filter: Any, replacement: Any, expected: Any) -> None:
    """Other equalities of the filter do not count."""
    document = _replace(filter, replacement)
    assert document == expected
    assert list(document) == list(expected)


@pytest.mark.parametrize(
    ("filter", "code"),
    [
        ({"_id": 2}, 66),
        ({"_id.x": 1}, 111),
        ({"_id": 1, "$and": [{"_id": 1}]}, 54),
        ({"_id": 1, "_id.x": 1}, 54),
    ],
)
def test_a_replacement_needs_one_whole_id(filter: Any, code: int) -> None:
    """The filter's ``_id`` must be given once, whole, and not differ from the replacement's."""
    with pytest.raises(UpdateError) as caught:
        _replace(filter, {"_id": 1})
    assert caught.value.mongo_code == code

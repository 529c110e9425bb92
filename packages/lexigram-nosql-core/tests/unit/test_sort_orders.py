"""Orders: of values, of arrays, of several fields, and which specifications there are."""

from __future__ import annotations

import enum
import random
from datetime import UTC, datetime
from decimal import Decimal
from itertools import pairwise
from typing import Any

import bson
import pytest
from lexigram.nosql.exceptions import QueryOptionError
from lexigram.nosql.query.parse import parse_filter
from lexigram.nosql.query.sort import Sort, parse_sort

NAN = float("nan")


class Direction(enum.IntEnum):
    """As drivers have it."""

    UP = 1
    DOWN = -1


class Way(enum.StrEnum):
    """As other libraries have it."""

    ASC = "asc"
    DESC = "desc"


def sort(spec: Any, **options: Any) -> Sort:
    made = parse_sort(spec, **options)
    assert made is not None
    return made


def ids(documents: list[dict[str, Any]]) -> list[Any]:
    return [document["_id"] for document in documents]


def check(spec: Any, documents: list[dict[str, Any]], expected: list[Any], **options: Any) -> None:
    """Sorting, taking the first, and keys agree."""
    order = sort(spec, **options)
    before = list(documents)
    assert ids(order.sorted(documents)) == expected
    for n in range(len(documents) + 2):
        assert ids(order.top(documents, n)) == expected[:n]
    assert ids(sorted(documents, key=order.key)) == expected
    assert documents == before
    if any(path == "_id" for path, _ in order.fields):
        return
    many = [{**document, "_id": (document["_id"], copy)} for document in documents for copy in range(12)]
    wanted = [(key, copy) for key in expected for copy in range(12)] if spec_is_strict(order, documents) else None
    if wanted is not None:
        assert ids(order.top(many, 5)) == wanted[:5]


def spec_is_strict(order: Sort, documents: list[dict[str, Any]]) -> bool:
    keys = [order.key(document) for document in order.sorted(documents)]
    return all(a < b for a, b in pairwise(keys))


TYPES: list[dict[str, Any]] = [
    {"_id": "max", "a": bson.MaxKey()},
    {"_id": "regex", "a": bson.Regex("x")},
    {"_id": "date", "a": datetime(2026, 1, 1, tzinfo=UTC)},
    {"_id": "bool", "a": True},
    {"_id": "oid", "a": bson.ObjectId()},
    {"_id": "bin", "a": b"x"},
    {"_id": "object", "a": {"x": 1}},
    {"_id": "text", "a": "x"},
    {"_id": "number", "a": 1},
    {"_id": "nan", "a": NAN},
    {"_id": "empty", "a": []},
    {"_id": "min", "a": bson.MinKey()},
]


def test_types_have_one_order():
    """Backwards it is exactly the reverse; an empty array is before null."""
    expected = ["min", "empty", "nan", "number", "text", "object", "bin", "oid", "bool", "date", "regex", "max"]

    check("a", TYPES, expected)
    check({"a": -1}, TYPES, expected[::-1])


def test_a_missing_field_sorts_as_null_and_equals_keep_their_order():
    """Forwards and backwards."""
    documents = [{"_id": 1, "a": 1}, {"_id": 2}, {"_id": 3, "a": None}, {"_id": 4, "a": []}, {"_id": 5, "a": 1.0}]

    check("a", documents, [4, 2, 3, 1, 5])
    check([("a", -1)], documents, [1, 5, 2, 3, 4])


@pytest.mark.parametrize(
    "values",
    [
        [3, 1, 2],
        [2.5, -1.0, 0.0, float("inf"), float("-inf")],
        [2**53 + 1, 2.0**53, 1],
        ["b", "a", "é", ""],
        [b"b", b"a", b"c"],
        [True, False],
        [datetime(2026, 1, 2, tzinfo=UTC), datetime(2026, 1, 1, tzinfo=UTC)],
        [datetime(2026, 1, 2), datetime(2026, 1, 1, tzinfo=UTC)],  # noqa: DTZ001
        [Decimal("1.5"), 1, 2.5],
        [1, NAN, 0],
        [float("inf"), float("-inf"), 1.0],
        [1, True],
        [None, 1, None],
        ["a", 1],
        [{"x": 2}, {"x": 1}],
    ],
)
def test_columns_of_one_plain_type_sort_as_others(values: list[Any]):
    """The short way and the way of keys give the same, however long the list is."""
    rng = random.Random(3)
    documents = [{"_id": index, "a": rng.choice(values)} for index in range(60)]
    for direction in (1, -1):
        order = sort({"a": direction})
        expected = ids(sorted(documents, key=order.key))
        assert ids(order.sorted(documents)) == expected
        assert ids(order.top(documents, 7)) == expected[:7]


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        ({"a": 1}, [3, 1, 2]),
        ({"a": -1}, [1, 2, 3]),
        ({"a.b": 1}, [1, 2, 3]),
    ],
)
def test_an_array_sorts_by_its_least_or_greatest_element(spec: Any, expected: list[int]):
    """Least forwards, greatest backwards; a path into scalars finds nothing."""
    check(spec, [{"_id": 1, "a": [5, 9]}, {"_id": 2, "a": 7}, {"_id": 3, "a": [1, 6]}], expected)


def test_paths_lead_through_arrays_of_objects():
    """An element without the field counts as null, and so does an empty array on the way."""
    documents = [
        {"_id": 1, "a": [{"b": 5}, {"b": 2}]},
        {"_id": 2, "a": {"b": 3}},
        {"_id": 3, "a": [{"b": 1}, {"c": 1}]},
        {"_id": 4, "a": []},
        {"_id": 5, "a": [{"b": []}]},
        {"_id": 6, "a": [7]},
        {"_id": 7, "a": [{"b": [9, 0]}]},
    ]
    check({"a.b": 1}, documents, [5, 3, 4, 6, 7, 1, 2])
    check({"a.b": -1}, documents, [7, 1, 2, 3, 4, 6, 5])


def test_positions_choose_an_element():
    """Which is taken as a whole at the end of the path."""
    documents = [
        {"_id": 1, "a": [3, 1]},
        {"_id": 2, "a": [1, 3]},
        {"_id": 3, "a": [[0, 5], 9]},
        {"_id": 4, "a": {"0": 2}},
        {"_id": 5, "a": []},
    ]
    check({"a.0": 1}, documents, [5, 2, 4, 1, 3])
    check(
        {"a.1.b": 1},
        [{"_id": 1, "a": [0, {"b": 2}]}, {"_id": 2, "a": [0, [{"b": 1}]]}, {"_id": 3, "a": [{"b": 0}]}],
        [3, 2, 1],
    )
    with pytest.raises(QueryOptionError) as caught:
        sort("a.0").sorted([{"a": [{"0": 1}]}])
    assert caught.value.mongo_code == 16746


def test_several_fields_decide_in_turn():
    """Each in its direction, plain or not."""
    documents = [{"_id": 10 * a + b, "a": a, "b": b} for a in (1, 2) for b in (1, 2, 3)]

    check([("a", 1), ("b", -1)], documents, [13, 12, 11, 23, 22, 21])
    check([("a", -1), ("b", 1)], documents, [21, 22, 23, 11, 12, 13])
    mixed = [{"_id": 1, "a": 1, "b": "x"}, {"_id": 2, "a": 1}, {"_id": 3, "a": 1, "b": 5}, {"_id": 4, "b": 1}]
    check([("a", -1), ("b", -1)], mixed, [1, 3, 2, 4])
    check([("x.y", 1), ("a", 1)], mixed, [4, 1, 2, 3])


def test_the_least_combination_of_one_element_decides():
    """Fields of one array are taken from the same element."""
    documents = [
        {"_id": 1, "a": [{"x": 1, "y": 9}, {"x": 1, "y": 5}, {"x": 2, "y": 1}]},
        {"_id": 2, "a": [{"x": 1, "y": 7}]},
        {"_id": 3, "a": {"x": 1, "y": 6}},
    ]
    check([("a.x", 1), ("a.y", 1)], documents, [1, 3, 2])
    check([("a.x", 1), ("a.y", -1)], documents, [1, 2, 3])
    check([("a.x", -1), ("a.y", 1)], documents, [1, 3, 2])


def test_two_arrays_do_not_combine():
    """As in an index; one array may stand under another."""
    order = sort([("a", 1), ("b", 1)])
    with pytest.raises(QueryOptionError, match="parallel") as caught:
        order.sorted([{"a": [1], "b": [2]}])
    assert caught.value.mongo_code == 2
    with pytest.raises(QueryOptionError):
        order.key({"a": [1], "b": [2]})
    assert order.sorted([]) == []
    check(
        [("a.b", 1), ("a.c", 1)],
        [{"_id": 1, "a": [{"b": [2, 3], "c": 1}]}, {"_id": 2, "a": [{"b": 1, "c": 5}]}],
        [2, 1],
    )


def test_a_collation_orders_strings():
    """Other types keep their order."""
    documents = [{"_id": 1, "a": "b"}, {"_id": 2, "a": "C"}, {"_id": 3, "a": "á"}, {"_id": 4, "a": 5}]

    check("a", documents, [4, 2, 1, 3])
    check("a", documents, [4, 3, 1, 2], collation={"locale": "en"})
    assert sort("a", collation={"locale": "en"}).collation is not None


def test_storage_order_and_its_reverse():
    """$natural stands alone."""
    documents = [{"_id": 2}, {"_id": 1}]

    assert ids(sort({"$natural": 1}).sorted(documents)) == [2, 1]
    order = sort({"$natural": -1})
    assert ids(order.sorted(documents)) == [1, 2]
    assert ids(order.top(documents, 1)) == [1]
    assert (order.fields, order.natural, order.has_meta) == ((), -1, True)
    assert "natural" in repr(order)


def test_scores_order_from_high_to_low():
    """With the filter that gives them, before or after other fields."""
    query = parse_filter({"$text": {"$search": "coffee"}})
    documents = [{"_id": 1, "t": "coffee shop"}, {"_id": 2, "t": "coffee"}, {"_id": 3, "t": "coffee shop"}]
    spec = {"score": {"$meta": "textScore"}, "_id": -1}

    check(spec, documents, [2, 3, 1], query=query)
    assert ids(sort(sort(spec), query=query).sorted(documents)) == [2, 3, 1]
    order = sort(spec)
    assert order.has_meta
    assert order.metas == {"score": "textScore"}
    assert order.fields_needed == {"_id"}
    for use in (order.sorted, lambda documents: order.key(documents[0])):
        with pytest.raises(QueryOptionError) as caught:
            use(documents)
        assert caught.value.mongo_code == 40218
    check([("_id", 1), ("s", {"$meta": "textScore"})], [*documents, {"_id": [9], "t": ""}], [1, 2, 3, [9]], query=query)


def test_chance_orders_too():
    """By random value, differently each time, losing nothing."""
    order = sort({"r": {"$meta": "randVal"}})
    documents = [{"_id": index} for index in range(50)]

    assert sorted(ids(order.sorted(documents))) == ids(documents)
    assert order.sorted(documents) != order.sorted(documents)


@pytest.mark.parametrize(
    ("spec", "fields"),
    [
        ("a.b", (("a.b", 1),)),
        ({"a": 1, "b": -1}, (("a", 1), ("b", -1))),
        ([("a", 1), ("b", -1)], (("a", 1), ("b", -1))),
        ((("a", 1), ("b", -1)), (("a", 1), ("b", -1))),
        ([["a", -1]], (("a", -1),)),
        (["a", ("b", -1)], (("a", 1), ("b", -1))),
        ([{"a": 1}, {"b": -1}], (("a", 1), ("b", -1))),
        (("a", -1), (("a", -1),)),
        (("a", "b"), (("a", 1), ("b", 1))),
        ({"a": Direction.DOWN}, (("a", -1),)),
        ({"a": Way.DESC, "b": Way.ASC}, (("a", -1), ("b", 1))),
        ({"a": 1.0, "b": bson.Int64(-1), "c": Decimal(1), "d": -1.9}, (("a", 1), ("b", -1), ("c", 1), ("d", -1))),
        (bson.SON([("a", 1)]), (("a", 1),)),
    ],
)
def test_an_order_is_written_in_many_ways(spec: Any, fields: Any):
    """They all mean the same; an order is an order too."""
    order = sort(spec)
    assert order.fields == fields
    assert parse_sort(order) is order
    assert sort(spec) == order
    assert hash(sort(spec)) == hash(order)
    assert order != sort("zzz")
    assert order.fields_needed == {path.split(".")[0] for path, _ in fields}
    assert "Sort" in repr(order)


@pytest.mark.parametrize("spec", [None, {}, [], ()])
def test_no_order_is_none(spec: Any):
    """Whichever way nothing is said."""
    assert parse_sort(spec) is None


@pytest.mark.parametrize(
    ("spec", "code"),
    [
        (5, 14),
        ([5], 14),
        ([("a",)], 14),
        ([("a", 1, 1)], 14),
        ({1: 1}, 14),
        ({"a": "asc"}, 15974),
        ({"a": None}, 15974),
        ({"a": True}, 15974),
        ({"a": [1]}, 15974),
        ({"a": {1}}, 15974),
        ({"a": 0}, 15975),
        ({"a": 2}, 15975),
        ({"a": -2}, 15975),
        ({"a": 0.5}, 15975),
        ({"a": NAN}, 15975),
        ({"a": Decimal("NaN")}, 15975),
        ({"a": 10**5000}, 15975),
        ({"": 1}, 40352),
        ({"a.": 1}, 40353),
        ({".a": 1}, 15998),
        ({"a..b": 1}, 15998),
        ({"$a": 1}, 16410),
        ({"a.$b": 1}, 16410),
        ({"a\0": 1}, 16411),
        ({".".join("a" * 201): 1}, 5729100),
        ([("a", 1), ("a", -1)], 7472500),
        ({f"f{index}": 1 for index in range(33)}, 13103),
        ({"a": {}}, 17312),
        ({"a": {"$foo": 1}}, 17312),
        ({"a": {"$meta": "textScore", "x": 1}}, 9),
        ({"a": {"$meta": "foo"}}, 31138),
        ({"a": {"$meta": 1}}, 31138),
        ({"$natural": 1, "a": 1}, 2),
        ({"$natural": 5}, 2),
        ({"$natural": "x"}, 2),
    ],
)
def test_a_wrong_order_is_refused(spec: Any, code: int):
    """With MongoDB's code."""
    with pytest.raises(QueryOptionError) as caught:
        parse_sort(spec)
    assert caught.value.mongo_code == code

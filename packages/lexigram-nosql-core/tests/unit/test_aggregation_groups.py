"""Stages that make groups: ``$group``, ``$sortByCount``, ``$bucket``, ``$bucketAuto``."""

from __future__ import annotations

import math
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from lexigram.nosql.aggregation.stages.granularity import GRANULARITIES, rounder_named
from lexigram.nosql.exceptions import PipelineError

Aggregate = Callable[..., Any]

SALES = [
    {"_id": 1, "item": "abc", "price": 10, "quantity": 2, "date": datetime(2014, 3, 1, tzinfo=UTC)},
    {"_id": 2, "item": "jkl", "price": 20, "quantity": 1, "date": datetime(2014, 3, 1, tzinfo=UTC)},
    {"_id": 3, "item": "xyz", "price": 5, "quantity": 10, "date": datetime(2014, 3, 15, tzinfo=UTC)},
    {"_id": 4, "item": "xyz", "price": 5, "quantity": 20, "date": datetime(2014, 4, 4, tzinfo=UTC)},
    {"_id": 5, "item": "abc", "price": 10, "quantity": 10, "date": datetime(2014, 4, 4, tzinfo=UTC)},
]


async def test_groups_compute_their_fields(aggregate: Aggregate) -> None:
    """The manual's example, over batches of every size."""
    stage = {
        "$group": {
            "_id": "$item",
            "total": {"$sum": {"$multiply": ["$price", "$quantity"]}},
            "average": {"$avg": "$quantity"},
            "count": {"$sum": 1},
            "first": {"$first": "$quantity"},
            "last": {"$last": "$quantity"},
            "least": {"$min": "$quantity"},
            "most": {"$max": "$quantity"},
            "all": {"$push": "$quantity"},
        }
    }
    expected = [
        {
            "_id": "abc",
            "total": 120,
            "average": 6.0,
            "count": 2,
            "first": 2,
            "last": 10,
            "least": 2,
            "most": 10,
            "all": [2, 10],
        },
        {
            "_id": "jkl",
            "total": 20,
            "average": 1.0,
            "count": 1,
            "first": 1,
            "last": 1,
            "least": 1,
            "most": 1,
            "all": [1],
        },
        {
            "_id": "xyz",
            "total": 150,
            "average": 15.0,
            "count": 2,
            "first": 10,
            "last": 20,
            "least": 10,
            "most": 20,
            "all": [10, 20],
        },
    ]
    for batch in (1, 2, 100):
        made = await aggregate(SALES, [stage], batch=batch)
        assert made == expected
        assert list(made[0]) == ["_id", "total", "average", "count", "first", "last", "least", "most", "all"]


@pytest.mark.parametrize(
    ("values", "ids"),
    [
        ([1, 1.0, Decimal(1)], [1]),
        ([1, True], [1, True]),
        ([0, False, -0.0], [0, False]),
        (["1", 1], ["1", 1]),
        ([None, ...], [None]),
        ([..., None], [None]),
        ([float("nan"), float("nan"), Decimal("nan")], [float("nan")]),
        ([[1, 2], [1.0, 2], [2, 1]], [[1, 2], [2, 1]]),
        ([{"a": 1, "b": 2}, {"b": 2, "a": 1}], [{"a": 1, "b": 2}, {"b": 2, "a": 1}]),
        ([{"a": 1}, {"a": 1.0}], [{"a": 1}]),
        ([b"x", "x", b"x"], [b"x", "x"]),
        ([2**53, float(2**53), 2**53 + 1], [2**53, 2**53 + 1]),
        ([datetime(2020, 1, 1, tzinfo=UTC), datetime(2020, 1, 1, tzinfo=UTC)], [datetime(2020, 1, 1, tzinfo=UTC)]),
    ],
)
@pytest.mark.parametrize("batch", [1, 100])
async def test_keys_are_one_if_they_are_equal(
    aggregate: Aggregate, values: list[Any], ids: list[Any], batch: int
) -> None:
    """Numbers are equal across types, nothing else is; missing is null; the first key met names the group."""
    documents = [{"_id": n} if value is ... else {"_id": n, "k": value} for n, value in enumerate(values)]
    made = await aggregate(documents, [{"$group": {"_id": "$k", "n": {"$sum": 1}}}], batch=batch)
    assert repr([each["_id"] for each in made]) == repr(ids)
    assert sum(each["n"] for each in made) == len(values)


async def test_a_key_of_several_fields(aggregate: Aggregate) -> None:
    """A field that is missing is left out of the key, and differs from null there."""
    documents = [
        {"_id": 1, "a": 1, "b": 1},
        {"_id": 2, "a": 1.0, "b": 1},
        {"_id": 3, "a": 1},
        {"_id": 4, "a": 1, "b": None},
    ]
    made = await aggregate(documents, [{"$group": {"_id": {"x": "$a", "y": "$b"}, "ids": {"$push": "$_id"}}}])
    assert made == [
        {"_id": {"x": 1, "y": 1}, "ids": [1, 2]},
        {"_id": {"x": 1}, "ids": [3]},
        {"_id": {"x": 1, "y": None}, "ids": [4]},
    ]
    made = await aggregate(documents, [{"$group": {"_id": {"x": {"$add": ["$a", 1]}}, "n": {"$sum": 1}}}])
    assert made == [{"_id": {"x": 2}, "n": 4}]


@pytest.mark.parametrize("key", [None, 5, "text", {}, {"a": "b"}, [1], {"$literal": {"x": 1}}, "$$REMOVE"])
async def test_a_constant_key_makes_one_group(aggregate: Aggregate, key: Any) -> None:
    """One group where there are documents, and none where there are none."""
    stage = {"$group": {"_id": key, "n": {"$sum": "$price"}}}
    (made,) = await aggregate(SALES, [stage], batch=2)
    expected = {"x": 1} if key == {"$literal": {"x": 1}} else None if key == "$$REMOVE" else key
    assert made == {"_id": expected, "n": 50}
    assert await aggregate([], [stage]) == []


async def test_groups_without_fields_are_the_distinct_keys(aggregate: Aggregate) -> None:
    """As in MongoDB, in the order in which they were met."""
    assert await aggregate(SALES, [{"$group": {"_id": "$price"}}]) == [{"_id": 10}, {"_id": 20}, {"_id": 5}]


SUMS: list[tuple[list[Any], Any]] = [
    ([1, 2, 3], 6),
    ([1, 2.5], 3.5),
    ([1, Decimal("0.1")], Decimal("1.1")),
    ([0.1] * 10, 1.0),
    ([2**62, 2**62], 2.0**63),
    ([2**62, 2**62, -1], 2**63 - 1),
    ([2**62, 2**62, 0.0], 2.0**63),
    ([-(2**63), -1], -(2.0**63)),
    ([1, "x", None, ..., [5], True], 1),
    (["x"], 0),
    ([float("inf"), 1], float("inf")),
    ([1e308, 1e308], float("inf")),
    ([1e16, 1.0, -1e16], 1.0),
]


@pytest.mark.parametrize(("values", "total"), SUMS)
@pytest.mark.parametrize("batch", [1, 2, 100])
async def test_sums_are_those_of_mongodb(aggregate: Aggregate, values: list[Any], total: Any, batch: int) -> None:
    """Exact for integers, compensated for doubles, decimal where a decimal takes part; other types do not count."""
    documents = [{"_id": n} if value is ... else {"_id": n, "v": value} for n, value in enumerate(values)]
    ((made),) = await aggregate(documents, [{"$group": {"_id": None, "v": {"$sum": "$v"}}}], batch=batch)
    assert made["v"] == total
    assert type(made["v"]) is type(total)


@pytest.mark.parametrize(
    ("values", "mean"),
    [
        ([1, 2], 1.5),
        ([1], 1.0),
        ([Decimal(1), 2], Decimal("1.5")),
        ([1, "x", None, ...], 1.0),
        (["x"], None),
        ([2**63 - 1, 2**63 - 1], float(2**63 - 1)),
    ],
)
@pytest.mark.parametrize("batch", [1, 100])
async def test_averages_count_numbers_only(aggregate: Aggregate, values: list[Any], mean: Any, batch: int) -> None:
    """A double, or a decimal where one takes part; null for no numbers."""
    documents = [{"_id": n} if value is ... else {"_id": n, "v": value} for n, value in enumerate(values)]
    ((made),) = await aggregate(documents, [{"$group": {"_id": None, "v": {"$avg": "$v"}}}], batch=batch)
    assert made["v"] == mean
    assert type(made["v"]) is type(mean)


EXTREMES: list[tuple[list[Any], Any, Any]] = [
    ([3, 1, 2], 1, 3),
    (["b", "a"], "a", "b"),
    ([1, 1.0], 1, 1),
    ([1.0, 1], 1.0, 1.0),
    (["a", 5], 5, "a"),
    ([None, 5], 5, 5),
    ([..., 5], 5, 5),
    ([None, ...], None, None),
    ([float("nan"), 1], float("nan"), 1),
    ([True, 5], 5, True),
    ([[1, 9], [2]], [1, 9], [2]),
    ([2.5, Decimal("2.4"), 3], Decimal("2.4"), 3),
]


@pytest.mark.parametrize(("values", "least", "most"), EXTREMES)
@pytest.mark.parametrize("batch", [1, 2, 100])
async def test_least_and_greatest_go_by_the_order_of_values(
    aggregate: Aggregate, values: list[Any], least: Any, most: Any, batch: int
) -> None:
    """Null and missing do not count; the first of equals stays."""
    documents = [{"_id": n} if value is ... else {"_id": n, "v": value} for n, value in enumerate(values)]
    stage = {"$group": {"_id": None, "least": {"$min": "$v"}, "most": {"$max": "$v"}}}
    ((made),) = await aggregate(documents, [stage], batch=batch)
    assert repr((made["least"], made["most"])) == repr((least, most))


@pytest.mark.parametrize("batch", [1, 2, 100])
async def test_first_and_last_take_what_is_there(aggregate: Aggregate, batch: int) -> None:
    """A missing value is null, and is taken as any other."""
    documents = [{"_id": 1, "g": 1}, {"_id": 2, "g": 1, "v": 5}, {"_id": 3, "g": 2, "v": 6}, {"_id": 4, "g": 2}]
    stage = {"$group": {"_id": "$g", "first": {"$first": "$v"}, "last": {"$last": "$v"}}}
    made = await aggregate(documents, [stage], batch=batch)
    assert made == [{"_id": 1, "first": None, "last": 5}, {"_id": 2, "first": 6, "last": None}]


@pytest.mark.parametrize("batch", [1, 2, 100])
async def test_arrays_are_pushed_without_what_is_missing(aggregate: Aggregate, batch: int) -> None:
    """``$push`` leaves out missing values and keeps null; ``$addToSet`` keeps one of equals."""
    documents = [
        {"_id": 1, "g": 1, "v": 1},
        {"_id": 2, "g": 1},
        {"_id": 3, "g": 1, "v": None},
        {"_id": 4, "g": 2, "v": [1]},
        {"_id": 5, "g": 1, "v": 1.0},
        {"_id": 6, "g": 2, "v": [1.0]},
    ]
    stage = {"$group": {"_id": "$g", "all": {"$push": "$v"}, "set": {"$addToSet": "$v"}}}
    made = await aggregate(documents, [stage], batch=batch)
    assert made[0]["all"] == [1, None, 1.0]
    assert made[1]["all"] == [[1], [1.0]]
    assert sorted(map(repr, made[0]["set"])) == ["1", "None"]
    assert made[1]["set"] == [[1]]
    assert [list(each) for each in made] == [["_id", "all", "set"]] * 2


@pytest.mark.parametrize("batch", [1, 3, 100])
async def test_other_accumulators_are_kept_per_group(aggregate: Aggregate, batch: int) -> None:
    """Ranking, counting, deviation and merging, each on its own group."""
    documents = [{"_id": n, "g": n % 2, "v": n, "o": {"k": n, f"f{n}": n}} for n in range(6)]
    stage = {
        "$group": {
            "_id": "$g",
            "count": {"$count": {}},
            "merged": {"$mergeObjects": "$o"},
            "deviation": {"$stdDevPop": "$v"},
            "sample": {"$stdDevSamp": "$v"},
            "top": {"$top": {"sortBy": {"v": -1}, "output": "$v"}},
            "bottom2": {"$bottomN": {"n": 2, "sortBy": {"v": -1}, "output": "$_id"}},
            "first2": {"$firstN": {"n": 2, "input": "$v"}},
            "last2": {"$lastN": {"n": 2, "input": "$v"}},
            "max2": {"$maxN": {"n": 2, "input": "$v"}},
            "min2": {"$minN": {"n": 2, "input": "$v"}},
            "median": {"$median": {"input": "$v", "method": "approximate"}},
        }
    }
    even, odd = await aggregate(documents, [stage], batch=batch)
    assert even == {
        "_id": 0,
        "count": 3,
        "merged": {"k": 4, "f0": 0, "f2": 2, "f4": 4},
        "deviation": pytest.approx(math.sqrt(8 / 3)),
        "sample": 2.0,
        "top": 4,
        "bottom2": [2, 0],
        "first2": [0, 2],
        "last2": [2, 4],
        "max2": [4, 2],
        "min2": [0, 2],
        "median": 2.0,
    }
    assert odd["count"] == 3
    assert odd["first2"] == [1, 3]


async def test_the_size_of_a_ranking_may_depend_on_the_group(aggregate: Aggregate) -> None:
    """``n`` reads the group's key."""
    documents = [{"_id": n, "g": 1 + n % 2} for n in range(6)]
    stage = {"$group": {"_id": {"g": "$g"}, "x": {"$firstN": {"n": "$g", "input": "$_id"}}}}
    assert await aggregate(documents, [stage]) == [
        {"_id": {"g": 1}, "x": [0]},
        {"_id": {"g": 2}, "x": [1, 3]},
    ]


async def test_groups_do_not_share_what_they_give(aggregate: Aggregate) -> None:
    """The arrays and documents that come out are the caller's."""
    documents = [{"_id": 1, "v": {"a": [1]}}]
    stages = [{"$group": {"_id": "$v", "x": {"$push": "$v"}, "y": {"$first": "$v"}}}]
    ((made),) = await aggregate(documents, stages)
    made["_id"]["a"].append(2)
    made["x"][0]["a"].append(3)
    made["y"]["a"].append(4)
    assert documents == [{"_id": 1, "v": {"a": [1]}}]
    assert made == {"_id": {"a": [1, 2]}, "x": [{"a": [1, 3]}], "y": {"a": [1, 4]}}


async def test_many_groups_come_out_in_batches(aggregate: Aggregate) -> None:
    """None is lost at the edges of batches."""
    documents = [{"_id": n, "g": n % 2500} for n in range(5000)]
    made = await aggregate(documents, [{"$group": {"_id": "$g", "n": {"$sum": 1}, "s": {"$sum": "$_id"}}}], batch=77)
    assert made == [{"_id": g, "n": 2, "s": 2 * g + 2500} for g in range(2500)]


async def test_sort_by_count_orders_groups_by_size(aggregate: Aggregate) -> None:
    """The largest first; groups of one size stay in the order they were met."""
    documents = [{"_id": n, "t": t} for n, t in enumerate(["b", "a", "a", "c", "c", None])]
    assert await aggregate(documents, [{"$sortByCount": "$t"}]) == [
        {"_id": "a", "count": 2},
        {"_id": "c", "count": 2},
        {"_id": "b", "count": 1},
        {"_id": None, "count": 1},
    ]
    assert await aggregate(documents, [{"$sortByCount": {"$toUpper": "$t"}}, {"$limit": 1}]) == [
        {"_id": "A", "count": 2}
    ]


# $bucket

ARTISTS = [
    {"_id": 1, "year": 1893},
    {"_id": 2, "year": 1877},
    {"_id": 3, "year": 1844},
    {"_id": 4, "year": 1840},
    {"_id": 5, "year": 1862},
    {"_id": 6, "year": 1850},
]


async def test_buckets_hold_their_lower_end(aggregate: Aggregate) -> None:
    """Empty buckets do not come out; the count is there unless other fields are asked for."""
    stage = {"$bucket": {"groupBy": "$year", "boundaries": [1840, 1850, 1860, 1870, 1880, 1885, 1894]}}
    assert await aggregate(ARTISTS, [stage]) == [
        {"_id": 1840, "count": 2},
        {"_id": 1850, "count": 1},
        {"_id": 1860, "count": 1},
        {"_id": 1870, "count": 1},
        {"_id": 1885, "count": 1},
    ]


async def test_buckets_have_a_default_for_the_rest(aggregate: Aggregate) -> None:
    """Values outside, of another type, null and missing go there; the output is ordered by ``_id``."""
    documents = [*ARTISTS, {"_id": 7}, {"_id": 8, "year": None}, {"_id": 9, "year": "x"}]
    stage = {
        "$bucket": {
            "groupBy": "$year",
            "boundaries": [1850, 1880],
            "default": "other",
            "output": {"ids": {"$push": "$_id"}},
        }
    }
    assert await aggregate(documents, [stage]) == [
        {"_id": 1850, "ids": [2, 5, 6]},
        {"_id": "other", "ids": [1, 3, 4, 7, 8, 9]},
    ]


async def test_buckets_without_a_default_refuse_the_rest(aggregate: Aggregate) -> None:
    """A value outside is an error."""
    with pytest.raises(PipelineError) as caught:
        await aggregate(ARTISTS, [{"$bucket": {"groupBy": "$year", "boundaries": [1850, 1880]}}])
    assert caught.value.mongo_code == 40066


async def test_boundaries_may_be_expressions_and_mix_numbers(aggregate: Aggregate) -> None:
    """Anything constant of one type, where numbers are one type."""
    documents = [{"_id": 1, "v": 0.5}, {"_id": 2, "v": Decimal(2)}]
    stage = {"$bucket": {"groupBy": "$v", "boundaries": [0, {"$add": [0.5, 0.5]}, Decimal(3)]}}
    assert await aggregate(documents, [stage]) == [{"_id": 0, "count": 1}, {"_id": 1.0, "count": 1}]
    dates = [datetime(2020, month, 1, tzinfo=UTC) for month in (1, 2, 3)]
    stage = {"$bucket": {"groupBy": "$v", "boundaries": dates}}
    assert await aggregate([{"_id": 1, "v": datetime(2020, 2, 15, tzinfo=UTC)}], [stage]) == [
        {"_id": dates[1], "count": 1}
    ]


# $bucketAuto


async def test_buckets_are_made_of_equal_size(aggregate: Aggregate) -> None:
    """The upper end of a bucket is the lower one of the next; the last holds its upper end."""
    documents = [{"_id": n, "v": n * 10} for n in range(10)]
    assert await aggregate(documents, [{"$bucketAuto": {"groupBy": "$v", "buckets": 5}}]) == [
        {"_id": {"min": 0, "max": 20}, "count": 2},
        {"_id": {"min": 20, "max": 40}, "count": 2},
        {"_id": {"min": 40, "max": 60}, "count": 2},
        {"_id": {"min": 60, "max": 80}, "count": 2},
        {"_id": {"min": 80, "max": 90}, "count": 2},
    ]


async def test_one_value_is_never_parted(aggregate: Aggregate) -> None:
    """Buckets may be fewer and of different size."""
    values = [0, 0, 0, 0, 1, 2]
    documents = [{"_id": n, "v": value} for n, value in enumerate(values)]
    assert await aggregate(documents, [{"$bucketAuto": {"groupBy": "$v", "buckets": 3}}]) == [
        {"_id": {"min": 0, "max": 1}, "count": 4},
        {"_id": {"min": 1, "max": 2}, "count": 2},
    ]
    assert await aggregate(documents[:4], [{"$bucketAuto": {"groupBy": "$v", "buckets": 3}}]) == [
        {"_id": {"min": 0, "max": 0}, "count": 4}
    ]


async def test_buckets_of_what_is_not_a_number(aggregate: Aggregate) -> None:
    """Any values have an order; null and missing come first, as null."""
    documents = [{"_id": 1, "v": "b"}, {"_id": 2}, {"_id": 3, "v": "a"}, {"_id": 4, "v": 5}]
    stage = {"$bucketAuto": {"groupBy": "$v", "buckets": 2, "output": {"ids": {"$push": "$_id"}}}}
    assert await aggregate(documents, [stage]) == [
        {"_id": {"min": None, "max": "a"}, "ids": [2, 4]},
        {"_id": {"min": "a", "max": "b"}, "ids": [1, 3]},
    ]


async def test_more_buckets_than_documents(aggregate: Aggregate) -> None:
    """Each document gets its own; none at all where there are no documents."""
    stage = {"$bucketAuto": {"groupBy": "$v", "buckets": 9}}
    assert await aggregate([{"_id": 1, "v": 1}, {"_id": 2, "v": 2}], [stage]) == [
        {"_id": {"min": 1, "max": 2}, "count": 1},
        {"_id": {"min": 2, "max": 2}, "count": 1},
    ]
    assert await aggregate([], [stage]) == []


SERIES: list[tuple[str, list[Any], list[int]]] = [
    ("R20", [0, 20.0, 40.0, 63.0, 90.0, 100.0], [20, 20, 23, 27, 10]),
    ("E24", [0, 20.0, 43.0, 68.0, 91.0, 100.0], [20, 23, 25, 23, 9]),
    ("1-2-5", [0, 20.0, 50.0, 100.0], [20, 30, 50]),
    ("POWERSOF2", [0, 32, 64, 128], [32, 32, 36]),
]


@pytest.mark.parametrize(("granularity", "ends", "counts"), SERIES)
async def test_boundaries_are_rounded_to_a_series(
    aggregate: Aggregate, granularity: str, ends: list[Any], counts: list[int]
) -> None:
    """The examples of the manual: the numbers from 0 to 99."""
    documents = [{"_id": n, "v": n} for n in range(100)]
    stage = {"$bucketAuto": {"groupBy": "$v", "buckets": 5, "granularity": granularity}}
    made = await aggregate(documents, [stage])
    assert [each["_id"]["min"] for each in made] == ends[:-1]
    assert [each["_id"]["max"] for each in made] == ends[1:]
    assert [each["count"] for each in made] == counts


@pytest.mark.parametrize("name", GRANULARITIES)
@pytest.mark.parametrize(
    "value", [1e-7, 0.02, 0.99, 1, 1.0, 3, 9.9, 10, 16, 99, 100, 512, 1000, 12345.6, 2**40, Decimal("0.3"), Decimal(25)]
)
def test_rounding_meets_the_next_number_of_the_series(name: str, value: Any) -> None:
    """Up gives something greater, down something less, and each undoes the other."""
    rounder = rounder_named(name)
    up, down = rounder.up(value), rounder.down(value)
    assert down < value < up
    assert isinstance(up, Decimal) == isinstance(value, Decimal)
    # What lies between a number of the series and the next one rounds up to that.
    assert float(rounder.up(down)) == pytest.approx(float(value)) or rounder.up(down) == up
    assert float(rounder.down(rounder.up(up))) == pytest.approx(float(up))


@pytest.mark.parametrize("name", GRANULARITIES)
@pytest.mark.parametrize("value", [0, 0.0, Decimal(0)])
def test_zero_is_in_every_series(name: str, value: Any) -> None:
    """Zero rounds to itself."""
    assert rounder_named(name).up(value) == rounder_named(name).down(value) == 0


@pytest.mark.parametrize("name", ["R5", "POWERSOF2"])
def test_infinity_stays(name: str) -> None:
    """There is nothing beyond it."""
    assert rounder_named(name).up(math.inf) == rounder_named(name).down(math.inf) == math.inf


@pytest.mark.parametrize(
    ("name", "value", "down", "up"),
    [
        ("R5", 10, 6.3, 16.0),
        ("R5", 63, 40.0, 100.0),
        ("R10", 1, 0.8, 1.25),
        ("R20", 1.12, 1.0, 1.25),
        ("R40", 95, 90.0, 100.0),
        ("R80", 1, 0.975, 1.03),
        ("1-2-5", 5, 2.0, 10.0),
        ("1-2-5", 7, 5.0, 10.0),
        ("E6", 4, 3.3, 4.7),
        ("E12", 82, 68.0, 100.0),
        ("E24", 91, 82.0, 100.0),
        ("E48", 1, 0.953, 1.05),
        ("E96", 1, 0.976, 1.02),
        ("E192", 1, 0.988, 1.01),
        ("POWERSOF2", 8, 4, 16),
        ("POWERSOF2", 9, 8, 16),
        ("POWERSOF2", 0.3, 0.25, 0.5),
        ("POWERSOF2", 1, 0.5, 2),
    ],
)
def test_series_are_those_of_the_standards(name: str, value: Any, down: Any, up: Any) -> None:
    """Neighbours in the series of ISO 3 and IEC 60063."""
    rounder = rounder_named(name)
    assert float(rounder.down(value)) == pytest.approx(down)
    assert float(rounder.up(value)) == pytest.approx(up)


@pytest.mark.parametrize(
    ("code", "value"), [(40258, "x"), (40258, None), (40258, ...), (40259, float("nan")), (40260, -1)]
)
async def test_a_series_takes_numbers_that_are_not_negative(aggregate: Aggregate, code: int, value: Any) -> None:
    """Anything else is an error while it runs."""
    document = {"_id": 1} if value is ... else {"_id": 1, "v": value}
    with pytest.raises(PipelineError) as caught:
        await aggregate([document], [{"$bucketAuto": {"groupBy": "$v", "buckets": 2, "granularity": "R5"}}])
    assert caught.value.mongo_code == code

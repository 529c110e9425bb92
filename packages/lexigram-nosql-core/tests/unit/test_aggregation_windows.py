"""Stages that look at neighbours: ``$setWindowFields``, ``$densify``, ``$fill``."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from lexigram.nosql.aggregation import parse_pipeline
from lexigram.nosql.aggregation.accumulators.statistics import SlidingPercentile
from lexigram.nosql.aggregation.window_operators import window_operator
from lexigram.nosql.exceptions import MemoryLimitError, PipelineError

Aggregate = Callable[..., Any]

SALES = [
    {"_id": 0, "type": "chocolate", "year": 2020, "state": "CA", "price": 13, "quantity": 120},
    {"_id": 1, "type": "chocolate", "year": 2021, "state": "WA", "price": 14, "quantity": 140},
    {"_id": 2, "type": "vanilla", "year": 2021, "state": "CA", "price": 12, "quantity": 145},
    {"_id": 3, "type": "vanilla", "year": 2020, "state": "WA", "price": 13, "quantity": 104},
    {"_id": 4, "type": "strawberry", "year": 2019, "state": "CA", "price": 41, "quantity": 162},
    {"_id": 5, "type": "strawberry", "year": 2019, "state": "WA", "price": 43, "quantity": 134},
]


@pytest.mark.parametrize("batch", [1, 100])
async def test_a_running_total_for_each_partition(aggregate: Aggregate, batch: int) -> None:
    """The manual's example; documents come out by partition and order."""
    stage = {
        "$setWindowFields": {
            "partitionBy": "$state",
            "sortBy": {"year": 1},
            "output": {
                "total": {"$sum": "$quantity", "window": {"documents": ["unbounded", "current"]}},
                "all": {"$sum": "$quantity"},
                "rank": {"$rank": {}},
            },
        }
    }
    made = await aggregate(SALES, [stage], batch=batch)
    assert [(each["_id"], each["total"], each["all"], each["rank"]) for each in made] == [
        (4, 162, 427, 1),
        (0, 282, 427, 2),
        (2, 427, 427, 3),
        (5, 134, 378, 1),
        (3, 238, 378, 2),
        (1, 378, 378, 3),
    ]
    assert list(made[0]) == ["_id", "type", "year", "state", "price", "quantity", "total", "all", "rank"]


VALUES = [1, 2, 2, 4, 7, 7, 8, 12]


@pytest.mark.parametrize(
    "bounds",
    [
        ["unbounded", "unbounded"],
        ["unbounded", "current"],
        ["current", "unbounded"],
        ["current", "current"],
        [-1, 1],
        [-2, 0],
        [0, 2],
        [1, 3],
        [-3, -1],
        [-100, 100],
        ["unbounded", -2],
        [3, "unbounded"],
        ["current", 2],
        [-2, "current"],
        [20, 30],
        [-30, -20],
        [-1.0, 1.0],
    ],
)
async def test_windows_by_position_hold_these_neighbours(aggregate: Aggregate, bounds: list[Any]) -> None:
    """Every window, against the definition."""
    documents = [{"_id": n, "v": value} for n, value in enumerate(VALUES)]
    output = {"ids": {"$push": "$_id", "window": {"documents": bounds}}}
    made = await aggregate(documents, [{"$setWindowFields": {"sortBy": {"v": 1}, "output": output}}])
    for place, document in enumerate(made):
        low, high = (
            place if bound == "current" else bound if bound == "unbounded" else place + bound for bound in bounds
        )
        expected = [
            other
            for other in range(len(VALUES))
            if (low == "unbounded" or other >= low) and (high == "unbounded" or other <= high)
        ]
        assert document["ids"] == expected


@pytest.mark.parametrize(
    "bounds",
    [
        ["unbounded", "unbounded"],
        ["unbounded", 0],
        [0, "unbounded"],
        [-1, 1],
        [-2, 0],
        [0.5, 3],
        [-3, -1],
        [4, 5],
        [Decimal("-0.5"), Decimal("0.5")],
        [100, 200],
    ],
)
async def test_windows_by_value_hold_what_is_near(aggregate: Aggregate, bounds: list[Any]) -> None:
    """Every window of values, against the definition; equal values are in it together."""
    documents = [{"_id": n, "v": value} for n, value in enumerate(VALUES)]
    output = {"ids": {"$push": "$_id", "window": {"range": bounds}}}
    made = await aggregate(documents, [{"$setWindowFields": {"sortBy": {"v": 1}, "output": output}}])
    for document in made:
        low, high = (bound if bound == "unbounded" else document["v"] + Decimal(bound) for bound in bounds)
        expected = [
            other
            for other, value in enumerate(VALUES)
            if (low == "unbounded" or value >= low) and (high == "unbounded" or value <= high)
        ]
        assert document["ids"] == expected


async def test_a_window_by_value_holds_its_own_document(aggregate: Aggregate) -> None:
    """Bounds are added as ``$add`` adds, so a double at the distance 0 is the same double."""
    documents = [{"_id": n, "v": value} for n, value in enumerate([0.1, 0.3, 1.1])]
    output = {"ids": {"$push": "$_id", "window": {"range": [-0.5, 0]}}}
    made = await aggregate(documents, [{"$setWindowFields": {"sortBy": {"v": 1}, "output": output}}])
    assert [document["ids"] for document in made] == [[0], [0, 1], [2]]


async def test_the_current_bound_of_a_window_by_value_is_the_document_itself(aggregate: Aggregate) -> None:
    """Not its equals, unlike a distance of 0."""
    documents = [{"_id": n, "v": 5} for n in range(3)]
    output = {
        "upto": {"$push": "$_id", "window": {"range": ["unbounded", "current"]}},
        "equal": {"$push": "$_id", "window": {"range": [0, 0]}},
        "from": {"$push": "$_id", "window": {"range": ["current", "unbounded"]}},
    }
    made = await aggregate(documents, [{"$setWindowFields": {"sortBy": {"v": 1}, "output": output}}])
    assert [document["upto"] for document in made] == [[0], [0, 1], [0, 1, 2]]
    assert [document["equal"] for document in made] == [[0, 1, 2]] * 3
    assert [document["from"] for document in made] == [[0, 1, 2], [1, 2], [2]]


@pytest.mark.parametrize(
    ("bounds", "unit", "expected"),
    [
        ([-1, 0], "month", [[0], [0, 1], [1, 2], [2, 3], [4]]),
        (["unbounded", -1], "day", [[], [0], [0, 1], [0, 1, 2], [0, 1, 2, 3]]),
        ([0, 30], "day", [[0, 1], [1, 2], [2, 3], [3], [4]]),
        ([-1, 1], "year", [[0, 1, 2, 3], [0, 1, 2, 3], [0, 1, 2, 3], [0, 1, 2, 3], [4]]),
    ],
)
async def test_windows_by_date_count_units(aggregate: Aggregate, bounds: list[Any], unit: str, expected: Any) -> None:
    """A month before the end of March is the end of February."""
    dates = [(2020, 1, 31), (2020, 2, 29), (2020, 3, 30), (2020, 4, 15), (2022, 1, 1)]
    documents = [{"_id": n, "t": datetime(*date, tzinfo=UTC)} for n, date in enumerate(dates)]
    output = {"ids": {"$push": "$_id", "window": {"range": bounds, "unit": unit}}}
    made = await aggregate(documents, [{"$setWindowFields": {"sortBy": {"t": 1}, "output": output}}])
    assert [document["ids"] for document in made] == expected


@pytest.mark.parametrize(
    ("code", "value", "window"),
    [
        (5429414, "x", {"range": [-1, 1]}),
        (5429414, None, {"range": [-1, 1]}),
        (5429414, ..., {"range": ["unbounded", 1]}),
        (5429413, datetime(2020, 1, 1, tzinfo=UTC), {"range": [-1, 1]}),
        (5429513, 5, {"range": [-1, 1], "unit": "day"}),
    ],
)
async def test_windows_by_value_need_values_of_one_sort(
    aggregate: Aggregate, code: int, value: Any, window: dict[str, Any]
) -> None:
    """Numbers without a unit, dates with one."""
    document = {"_id": 1} if value is ... else {"_id": 1, "v": value}
    stage = {"$setWindowFields": {"sortBy": {"v": 1}, "output": {"x": {"$sum": "$v", "window": window}}}}
    with pytest.raises(PipelineError) as caught:
        await aggregate([document], [stage])
    assert caught.value.mongo_code == code


async def test_ranks_and_neighbours(aggregate: Aggregate) -> None:
    """Equal documents share a rank; a shift takes another document's value, or the default."""
    documents = [{"_id": n, "v": value} for n, value in enumerate([5, 3, 5, 1])]
    output = {
        "rank": {"$rank": {}},
        "dense": {"$denseRank": {}},
        "number": {"$documentNumber": {}},
        "before": {"$shift": {"output": "$_id", "by": -1, "default": "none"}},
        "after": {"$shift": {"output": "$_id", "by": 1}},
    }
    made = await aggregate(documents, [{"$setWindowFields": {"sortBy": {"v": -1}, "output": output}}])
    assert [[each[name] for name in ("_id", "rank", "dense", "number", "before", "after")] for each in made] == [
        [0, 1, 1, 1, "none", 2],
        [2, 1, 1, 2, 0, 1],
        [1, 3, 2, 3, 2, 3],
        [3, 4, 3, 4, 1, None],
    ]


async def test_partitions_are_one_if_their_keys_are_equal(aggregate: Aggregate) -> None:
    """They come in the order of their keys; missing is null; without an order documents stay as they came."""
    keys: list[Any] = ["b", 1, None, "a", 1.0, ..., {"x": 1}]
    documents = [{"_id": n} if key is ... else {"_id": n, "k": key} for n, key in enumerate(keys)]
    stage = {"$setWindowFields": {"partitionBy": "$k", "output": {"n": {"$count": {}}}}}
    made = await aggregate(documents, [stage])
    assert [(each["_id"], each["n"]) for each in made] == [(2, 2), (5, 2), (1, 2), (4, 2), (3, 1), (0, 1), (6, 1)]
    with pytest.raises(PipelineError) as caught:
        await aggregate([{"_id": 1, "k": [1]}], [stage])
    assert caught.value.mongo_code == 14


@pytest.mark.parametrize("partition", [None, 5, "all", {"a": 1}])
async def test_a_constant_partition_is_everything(aggregate: Aggregate, partition: Any) -> None:
    """As none at all."""
    stage = {"$setWindowFields": {"partitionBy": partition, "output": {"n": {"$sum": 1}}}}
    assert [each["n"] for each in await aggregate(SALES, [stage], batch=2)] == [6] * 6
    assert await aggregate([], [stage]) == []


async def test_an_output_may_stand_inside_or_take_the_place_of_a_field(aggregate: Aggregate) -> None:
    """Paths lead into documents and arrays as in ``$addFields``; later outputs read what came in."""
    documents = [{"_id": 1, "a": {"b": 1}, "v": 2, "l": [{"x": 1}, 5]}]
    output = {"a.c": {"$sum": "$v"}, "v": {"$max": 100}, "w": {"$sum": "$v"}, "l.y": {"$count": {}}}
    made = await aggregate(documents, [{"$setWindowFields": {"output": output}}])
    assert made == [{"_id": 1, "a": {"b": 1, "c": 2}, "v": 100, "l": [{"x": 1, "y": 1}, {"y": 1}], "w": 2}]
    assert documents == [{"_id": 1, "a": {"b": 1}, "v": 2, "l": [{"x": 1}, 5]}]


async def test_no_output_sorts_by_partition_and_order(aggregate: Aggregate) -> None:
    """An empty output is allowed."""
    stage = {"$setWindowFields": {"partitionBy": "$state", "sortBy": {"price": 1}, "output": {}}}
    assert [each["_id"] for each in await aggregate(SALES, [stage])] == [2, 0, 4, 3, 1, 5]


async def test_windows_hold_no_more_than_they_may(aggregate: Aggregate, surroundings: Any) -> None:
    """Neither documents nor what the windows collect of them."""
    documents = [{"_id": n, "t": "x" * 100} for n in range(500)]
    many = {"$setWindowFields": {"output": {"n": {"$sum": 1}}}}
    with pytest.raises(MemoryLimitError) as caught:
        await aggregate(documents, [many], context=surroundings(memory_limit_bytes=10_000))
    assert caught.value.mongo_code == 292
    collected = {"$setWindowFields": {"sortBy": {"_id": 1}, "output": {"n": {"$push": "$t"}}}}
    await aggregate(documents[:20], [collected], context=surroundings(memory_limit_bytes=100_000))
    with pytest.raises(MemoryLimitError):
        await aggregate(documents, [collected], context=surroundings(memory_limit_bytes=100_000))


# $densify

COFFEE = [
    {"_id": 1, "altitude": 600, "variety": "Arabica Typica", "score": 68.3},
    {"_id": 2, "altitude": 750, "variety": "Arabica Typica", "score": 69.5},
    {"_id": 3, "altitude": 950, "variety": "Arabica Typica", "score": 70.5},
    {"_id": 4, "altitude": 1250, "variety": "Gesha", "score": 88.15},
    {"_id": 5, "altitude": 1700, "variety": "Gesha", "score": 95.5},
]


def _altitudes(made: list[dict[str, Any]], variety: str) -> list[tuple[Any, bool]]:
    return [(each["altitude"], "_id" in each) for each in made if each["variety"] == variety]


@pytest.mark.parametrize("batch", [1, 100])
async def test_every_partition_is_filled_to_the_full_range(aggregate: Aggregate, batch: int) -> None:
    """The manual's example: from the least value of all to the greatest."""
    stage = {
        "$densify": {"field": "altitude", "partitionByFields": ["variety"], "range": {"bounds": "full", "step": 200}}
    }
    made = await aggregate(COFFEE, [stage], batch=batch)
    assert _altitudes(made, "Arabica Typica") == [
        (600, True),
        (750, True),
        (800, False),
        (950, True),
        (1000, False),
        (1200, False),
        (1400, False),
        (1600, False),
    ]
    assert _altitudes(made, "Gesha") == [
        (600, False),
        (800, False),
        (1000, False),
        (1200, False),
        (1250, True),
        (1400, False),
        (1600, False),
        (1700, True),
    ]
    assert {"variety": "Gesha", "altitude": 600} in made


async def test_each_partition_may_be_filled_for_itself(aggregate: Aggregate) -> None:
    """The manual's example: between a partition's own least and greatest value."""
    stage = {
        "$densify": {
            "field": "altitude",
            "partitionByFields": ["variety"],
            "range": {"bounds": "partition", "step": 200},
        }
    }
    made = await aggregate(COFFEE, [stage])
    assert _altitudes(made, "Arabica Typica") == [(600, True), (750, True), (800, False), (950, True)]
    assert _altitudes(made, "Gesha") == [(1250, True), (1450, False), (1650, False), (1700, True)]


async def test_dates_are_filled_by_units(aggregate: Aggregate) -> None:
    """The manual's example: hours between bounds; what lies outside stays and is not filled up to."""
    day = datetime(2021, 5, 18, tzinfo=UTC)
    documents = [{"_id": n, "t": day + timedelta(hours=hour)} for n, hour in enumerate([0, 4, 8, 12])]
    bounds = [day, day + timedelta(hours=8)]
    stage = {"$densify": {"field": "t", "range": {"step": 1, "unit": "hour", "bounds": bounds}}}
    made = await aggregate(documents, [stage])
    hours = [(each["t"] - day) / timedelta(hours=1) for each in made]
    assert hours == [0, 1, 2, 3, 4, 5, 6, 7, 8, 12]
    assert [n for n, each in enumerate(made) if "_id" in each] == [0, 4, 8, 9]
    months = [{"t": datetime(2020, 1, 31, tzinfo=UTC)}, {"t": datetime(2020, 6, 1, tzinfo=UTC)}]
    stage = {"$densify": {"field": "t", "range": {"step": 1, "unit": "month", "bounds": "full"}}}
    assert [each["t"].month for each in await aggregate(months, [stage])] == [1, 2, 3, 4, 5, 6]


async def test_bounds_reach_beyond_the_documents(aggregate: Aggregate) -> None:
    """The sequence begins at the lower bound and ends before the upper one, whatever there is."""
    stage = {"$densify": {"field": "v", "range": {"step": 2, "bounds": [0, 8]}}}
    made = await aggregate([{"v": 5}, {"v": -3}, {"v": 11}], [stage])
    assert [each["v"] for each in made] == [-3, 0, 2, 4, 5, 6, 11]
    assert await aggregate([], [stage]) == [{"v": 0}, {"v": 2}, {"v": 4}, {"v": 6}]
    by = {"$densify": {"field": "v", "partitionByFields": ["p"], "range": {"step": 3, "bounds": [0, 7]}}}
    made = await aggregate([{"v": 3, "p": 1}, {"v": 9, "p": 2}], [by])
    expected = [{"p": 1, "v": 0}, {"v": 3, "p": 1}, {"p": 1, "v": 6}]
    expected += [{"p": 2, "v": 0}, {"p": 2, "v": 3}, {"p": 2, "v": 6}, {"v": 9, "p": 2}]
    assert sorted(map(str, made)) == sorted(map(str, expected))


async def test_nulls_and_nothing_go_through(aggregate: Aggregate) -> None:
    """Documents without a value are no part of a sequence."""
    documents = [{"_id": 1, "v": None}, {"_id": 2}, {"_id": 3, "v": 1}, {"_id": 4, "v": 3}]
    made = await aggregate(documents, [{"$densify": {"field": "v", "range": {"step": 1, "bounds": "full"}}}])
    assert made == [*documents[:3], {"v": 2}, documents[3]]
    assert await aggregate([], [{"$densify": {"field": "v", "range": {"step": 1, "bounds": "full"}}}]) == []


async def test_steps_may_be_of_any_number(aggregate: Aggregate) -> None:
    """Doubles and decimals, and values that lie between steps or repeat."""
    stage = {"$densify": {"field": "v", "range": {"step": 0.5, "bounds": "full"}}}
    made = await aggregate([{"v": 1}, {"v": 1}, {"v": 1.75}, {"v": 2.5}], [stage])
    assert [each["v"] for each in made] == [1, 1, 1.5, 1.75, 2.0, 2.5]
    stage = {"$densify": {"field": "v", "range": {"step": Decimal("0.1"), "bounds": [Decimal(0), Decimal("0.3")]}}}
    assert await aggregate([], [stage]) == [{"v": Decimal("0.0") + Decimal(n) / 10} for n in range(3)]


async def test_a_nested_field_can_be_filled(aggregate: Aggregate) -> None:
    """And partitions by nested fields are written anew in each document made."""
    documents = [{"a": {"v": 1, "p": "x", "q": 9}}, {"a": {"v": 3, "p": "x"}}]
    stage = {"$densify": {"field": "a.v", "partitionByFields": ["a.p"], "range": {"step": 1, "bounds": "partition"}}}
    assert await aggregate(documents, [stage]) == [documents[0], {"a": {"p": "x", "v": 2}}, documents[1]]


@pytest.mark.parametrize(
    ("code", "documents", "options"),
    [
        (5733201, [{"v": "x"}], {"step": 1, "bounds": "full"}),
        (6053601, [{"v": datetime(2020, 1, 1, tzinfo=UTC)}], {"step": 1, "bounds": "full"}),
        (6053600, [{"v": 5}], {"step": 1, "unit": "day", "bounds": "full"}),
        (5897900, [{"v": 0}, {"v": 10**9}], {"step": 1, "bounds": "full"}),
        (5897900, [{"v": 0, "p": 1}, {"v": 10**9, "p": 2}], {"step": 1, "bounds": "full", "p": ["p"]}),
    ],
)
async def test_what_cannot_be_filled(
    aggregate: Aggregate, monkeypatch: pytest.MonkeyPatch, code: int, documents: Any, options: dict[str, Any]
) -> None:
    """Values of the wrong type, and sequences without end."""
    monkeypatch.setattr("lexigram.nosql.aggregation.stages.densify.MAX_DENSIFIED", 1000)
    rest = dict(options)
    stage: dict[str, Any] = {"field": rest.pop("f", "v")}
    if "p" in rest:
        stage["partitionByFields"] = rest.pop("p")
    with pytest.raises(PipelineError) as caught:
        await aggregate(documents, [{"$densify": {**stage, "range": rest}}])
    assert caught.value.mongo_code == code


# $fill

STOCK = [
    {"_id": 0, "time": 0, "price": 500},
    {"_id": 1, "time": 1},
    {"_id": 2, "time": 2, "price": 515},
    {"_id": 3, "time": 4, "price": None},
    {"_id": 4, "time": 5},
    {"_id": 5, "time": 6, "price": 485},
]


async def test_the_last_value_is_carried_forward(aggregate: Aggregate) -> None:
    """What comes before the first value stays null."""
    made = await aggregate(
        [{"_id": 9, "time": -1}, *STOCK], [{"$fill": {"sortBy": {"time": 1}, "output": {"price": {"method": "locf"}}}}]
    )
    assert [each["price"] for each in made] == [None, 500, 500, 515, 515, 515, 485]


async def test_values_are_filled_in_on_a_line(aggregate: Aggregate) -> None:
    """In proportion to the field that sorts."""
    made = await aggregate(STOCK, [{"$fill": {"sortBy": {"time": 1}, "output": {"price": {"method": "linear"}}}}])
    assert [each["price"] for each in made] == [500, 507.5, 515, 500, 492.5, 485]


async def test_values_are_filled_in_by_expressions(aggregate: Aggregate) -> None:
    """Null and missing get the value; an expression may read other fields."""
    stage = {"$fill": {"output": {"price": {"value": {"$multiply": ["$time", 10]}}, "open": {"value": False}}}}
    made = await aggregate(STOCK, [stage])
    assert [each["price"] for each in made] == [500, 10, 515, 40, 50, 485]
    assert [each["open"] for each in made] == [False] * 6


@pytest.mark.parametrize("by", [{"partitionBy": "$p"}, {"partitionByFields": ["p"]}, {"partitionBy": {"x": "$p"}}])
async def test_partitions_are_filled_apart(aggregate: Aggregate, by: dict[str, Any]) -> None:
    """A value is not carried into another partition."""
    documents = [{"_id": 1, "p": 1, "t": 1, "v": 5}, {"_id": 2, "p": 2, "t": 2}, {"_id": 3, "p": 1, "t": 3}]
    output = {"v": {"method": "locf"}, "w": {"value": 0}}
    made = await aggregate(documents, [{"$fill": {**by, "sortBy": {"t": 1}, "output": output}}])
    assert [(each["_id"], each["v"], each["w"]) for each in made] == [(1, 5, 0), (3, 5, 0), (2, None, 0)]


def test_fill_and_densify_say_what_they_stand_for() -> None:
    """The stages that run are shown by ``explain()``."""
    pipeline = parse_pipeline(
        [
            {"$densify": {"field": "t", "range": {"step": 1, "bounds": "full"}}},
            {"$fill": {"sortBy": {"t": 1}, "output": {"v": {"method": "locf"}, "w": {"value": 0}}}},
        ]
    )
    assert [line.split(" ")[0] for line in pipeline.describe()] == ["$sort", "$densify", "$fill", "$fill"]


async def test_a_list_in_a_window_is_an_array_of_expressions(aggregate: Aggregate) -> None:
    """Unlike in a group, where accumulators take one argument and refuse a list."""
    documents = [{"_id": 1, "a": 1, "b": 5}, {"_id": 2, "a": 2, "b": 3}]
    output = {"m": {"$max": ["$a", "$b"]}, "p": {"$push": ["$b"]}}
    made = await aggregate(documents, [{"$setWindowFields": {"sortBy": {"_id": 1}, "output": output}}])
    assert [(each["m"], each["p"]) for each in made] == [([2, 3], [[5], [3]])] * 2


def test_objects_are_not_merged_in_windows() -> None:
    """$mergeObjects is an accumulator of groups only."""
    with pytest.raises(PipelineError, match="no window operator") as caught:
        parse_pipeline([{"$setWindowFields": {"output": {"m": {"$mergeObjects": "$o"}}}}])
    assert caught.value.mongo_code == 9


@pytest.mark.parametrize("window", [["unbounded", "current"], [-50, 0], [-3, 40], ["current", "unbounded"], [2, 5]])
@pytest.mark.parametrize("spec", [{"$median": {}}, {"$percentile": {"p": [0.9, 0.1]}}])
async def test_medians_of_moving_windows_are_those_of_each_window_alone(
    aggregate: Aggregate, spec: dict[str, Any], window: list[Any]
) -> None:
    """Whatever comes and goes, also nulls, text, NaN, equal numbers and both zeros."""
    odd = [None, "text", float("nan"), 0.0, -0.0, 7, Decimal(7), 7.5]
    documents = [{"_id": n, "v": odd[n % 11] if n % 11 < 8 else (n * 7919) % 97} for n in range(150)]
    ((name, options),) = spec.items()
    operator = {name: {"input": "$v", "method": "approximate", **options}}
    stage = {"$setWindowFields": {"sortBy": {"_id": 1}, "output": {"m": {**operator, "window": {"documents": window}}}}}
    made = await aggregate(documents, [stage])
    for number, document in enumerate(made):
        low = 0 if window[0] == "unbounded" else max(0, number + (0 if window[0] == "current" else window[0]))
        high = 150 if window[1] == "unbounded" else number + (0 if window[1] == "current" else window[1]) + 1
        (alone,) = await aggregate(documents[low:high] or [{}], [{"$group": {"_id": None, "m": operator}}])
        assert repr(document["m"]) == repr(alone["m"])


def test_a_moving_median_puts_each_value_in_its_place_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """However large the window is."""
    moved = 0
    for way in ("add", "remove"):
        before = getattr(SlidingPercentile, way)

        def counted(self: Any, value: Any, before: Any = before) -> None:
            nonlocal moved
            moved += 1
            before(self, value)

        monkeypatch.setattr(SlidingPercentile, way, counted)
    operator = window_operator("$median", {"input": "$v", "method": "approximate"}, has_window=True)
    documents = [{"v": n} for n in range(1000)]
    list(operator.compute(documents, [(0, n + 1) for n in range(1000)], {}))
    assert moved <= 1000
    moved = 0
    list(operator.compute(documents, [(max(0, n - 300), min(1000, n + 300)) for n in range(1000)], {}))
    assert moved <= 2000


@pytest.mark.parametrize(
    "output",
    [
        {"$sum": "$v", "window": {"documents": ["unbounded", "current"]}},
        {"$avg": "$v", "window": {"range": [-5, 5]}},
        {"$derivative": {"input": "$v"}, "window": {"documents": [-1, 0]}},
        {"$rank": {}},
        {"$shift": {"output": "$v", "by": 1}},
        {"$median": {"input": "$v", "method": "approximate"}, "window": {"documents": [-5, 5]}},
    ],
    ids=lambda output: next(iter(output)),
)
async def test_others_have_turns_while_windows_are_computed(aggregate: Aggregate, output: dict[str, Any]) -> None:
    """One for every thousand results, also where all documents are one partition."""
    turns = 0

    async def other() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    documents = [{"_id": n, "v": n % 100} for n in range(20_000)]
    task = asyncio.create_task(other())
    try:
        await aggregate(
            documents, [{"$setWindowFields": {"sortBy": {"_id": 1}, "output": {"x": output}}}], batch=20_000
        )
    finally:
        task.cancel()
    assert turns >= 20

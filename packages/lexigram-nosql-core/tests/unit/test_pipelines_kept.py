"""Pipelines that come again: parsed once, and never taken for others that are only equal in Python."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from bson import Binary
from lexigram.nosql.aggregation.parse import cache_clear, parse_pipeline


def pipeline(value: Any) -> list[dict[str, Any]]:
    return [{"$match": {"a": value}}, {"$group": {"_id": "$b", "total": {"$sum": {"$multiply": ["$c", value]}}}}]


@pytest.mark.parametrize("value", [1, "text", datetime(2026, 1, 2, tzinfo=UTC)], ids=repr)
def test_a_pipeline_that_comes_again_is_parsed_once(value: Any) -> None:
    """With what a driver made of it."""
    cache_clear()

    assert parse_pipeline(pipeline(value)) is parse_pipeline(pipeline(value))


@pytest.mark.parametrize(
    ("one", "other"),
    [(1, 1.0), (1, True), (0.0, -0.0), ("1", b"1"), ([1], (1,)), (None, False), ({"x": 1, "y": 2}, {"y": 2, "x": 1})],
    ids=repr,
)
def test_pipelines_that_mean_different_things_are_told_apart(one: Any, other: Any) -> None:
    """Though Python finds many of them equal."""
    cache_clear()
    first = parse_pipeline([{"$addFields": {"v": {"$literal": one}}}])
    second = parse_pipeline([{"$addFields": {"v": {"$literal": other}}}])

    assert first is not second
    assert repr(first.stages[0].specification) == repr({"v": {"$literal": one}})


@pytest.mark.parametrize("turned", [False, True])
def test_binary_data_of_different_subtypes_is_told_apart(turned: bool) -> None:
    """Though both are written as the same bytes."""
    cache_clear()
    values = [b"a", Binary(b"a", 5), Binary(b"a", 128)]
    for value in 3 * (values[::-1] if turned else values):
        (stage,) = parse_pipeline([{"$match": {"v": value}}]).stages
        assert type(stage.specification["v"]) is type(value)
        assert getattr(stage.specification["v"], "subtype", 0) == getattr(value, "subtype", 0)


def test_a_pipeline_that_is_kept_does_not_change_with_what_was_given() -> None:
    """The list belongs to the caller."""
    cache_clear()
    given = pipeline(1)
    first = parse_pipeline(given)
    given[0]["$match"]["a"] = 2

    assert parse_pipeline(given) is not first
    assert first.stages[0].specification == {"a": 1}


def test_a_pipeline_that_asks_for_the_time_in_a_filter_is_parsed_each_time() -> None:
    """Each run has its own."""
    stages = [{"$match": {"$expr": {"$lt": ["$at", "$$NOW"]}}}]

    assert parse_pipeline(stages) is not parse_pipeline(stages)


def test_another_collation_makes_another_pipeline() -> None:
    """Also of the same stages."""
    stages = [{"$match": {"a": "x"}}]

    assert parse_pipeline(stages) is not parse_pipeline(stages, collation={"locale": "en", "strength": 1})

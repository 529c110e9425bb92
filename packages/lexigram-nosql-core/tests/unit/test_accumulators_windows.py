"""Window operators."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from bson import Int64
from lexigram.nosql.aggregation.window_operators import Bounds, SortKeys, window_operator, window_operator_names
from lexigram.nosql.exceptions import PipelineError
from lexigram.nosql.values.collation import Collation
from lexigram.nosql.values.path import MISSING

BY_X: SortKeys = (("x", 1),)
DAY = datetime(2024, 1, 1, tzinfo=UTC)
NAN = math.nan


def documents_of(values: Sequence[Any], places: Sequence[Any] | None = None) -> list[dict[str, Any]]:
    where = places if places is not None else range(len(values))
    return [
        {name: each for name, each in (("x", x), ("v", value)) if each is not MISSING}
        for x, value in zip(where, values, strict=True)
    ]


def whole(size: int) -> Bounds:
    return [(0, size)] * size


def running(size: int) -> Bounds:
    return [(0, index + 1) for index in range(size)]


def remaining(size: int) -> Bounds:
    return [(index, size) for index in range(size)]


def sliding(size: int, before: int = 1, after: int = 0) -> Bounds:
    bounds: list[tuple[int, int]] = []
    for index in range(size):
        start, end = max(0, index - before), min(size, index + after + 1)
        bounds.append((start, max(start, end)))
    return bounds


def run(
    name: str,
    spec: Any,
    documents: list[dict[str, Any]],
    bounds: Bounds | None = None,
    *,
    sort: SortKeys = BY_X,
    collation: Collation | None = None,
) -> list[Any]:
    operator = window_operator(name, spec, sort=sort, has_window=bounds is not None, collation=collation)
    chosen = whole(len(documents)) if bounds is None else bounds
    return list(operator.compute(documents, chosen, {}))


def code_of(
    name: str, spec: Any, documents: list[dict[str, Any]] | None = None, *, sort: SortKeys = BY_X, window: bool = False
) -> int | None:
    given = documents or []
    with pytest.raises(PipelineError) as caught:
        run(name, spec, given, whole(len(given)) if window else None, sort=sort)
    return caught.value.mongo_code


VALUES = documents_of([3, 1, "x", 2.5, MISSING])


def test_accumulators_over_windows() -> None:
    assert run("$sum", "$v", VALUES) == [6.5] * 5
    assert run("$sum", "$v", VALUES, running(5)) == [3, 4, 4, 6.5, 6.5]
    assert run("$sum", "$v", VALUES, remaining(5)) == [6.5, 3.5, 2.5, 2.5, 0]
    assert run("$sum", "$v", VALUES, sliding(5)) == [3, 4, 1, 2.5, 2.5]
    assert run("$avg", "$v", VALUES, remaining(5)) == [6.5 / 3, 1.75, 2.5, 2.5, None]
    assert run("$min", "$v", VALUES, running(5)) == [3, 1, 1, 1, 1]
    assert run("$max", "$v", VALUES, remaining(5)) == ["x", "x", "x", 2.5, None]
    assert run("$push", "$v", VALUES, sliding(5)) == [[3], [3, 1], [1, "x"], ["x", 2.5], [2.5]]
    assert run("$push", "$v", VALUES, sliding(5, -1, 2)) == [[1, "x"], ["x", 2.5], [2.5], [], []]
    assert run("$count", {}, VALUES, running(5)) == [1, 2, 3, 4, 5]
    assert run("$count", {}, VALUES, remaining(5)) == [5, 4, 3, 2, 1]
    assert run("$first", "$v", VALUES, sliding(5)) == [3, 3, 1, "x", 2.5]
    assert run("$last", "$v", VALUES, sliding(5)) == [3, 1, "x", 2.5, None]
    assert run("$addToSet", "$v", VALUES, running(5))[-1] == [3, 1, "x", 2.5]
    assert run("$topN", {"n": 1, "output": "$v", "sortBy": {"x": -1}}, VALUES, running(5))[:3] == [[3], [1], ["x"]]
    assert run("$minN", {"n": 1, "input": "$v"}, VALUES, running(5)) == [[3], [1], [1], [1], [1]]
    assert run("$median", {"input": "$v", "method": "approximate"}, VALUES, running(5)) == [3.0, 1.0, 1.0, 2.5, 2.5]
    assert run("$sum", "$v", [], []) == []


def test_windows_may_be_given_twice_or_start_anew() -> None:
    assert run("$sum", "$v", VALUES, [(0, 2), (0, 2), (0, 1), (1, 4), (1, 5)]) == [4, 4, 3, 3.5, 3.5]
    assert run("$count", {}, VALUES, [(3, 5), (2, 5), (4, 5), (5, 5), (9, 5)]) == [2, 3, 1, 0, 0]


def test_results_of_one_window_are_not_shared() -> None:
    first, second = run("$push", "$v", VALUES[:2])
    assert first == second == [3, 1]
    assert first is not second


def test_scaling_between_the_least_and_the_most_of_a_window() -> None:
    documents = documents_of([-3, 10, 3, 2, -6, 0, 4])
    assert run("$minMaxScaler", {"input": "$v"}, documents, remaining(7)) == [3 / 16, 1.0, 0.9, 0.8, 0.0, 0.0, 0]
    assert run("$minMaxScaler", "$v", documents_of([1, 5, 13, 21])) == [0.0, 0.2, 0.6, 1.0]
    scaled = run("$minMaxScaler", {"input": "$v", "min": 0, "max": 100}, documents_of([1, 5, 13, 21]))
    assert scaled == [0.0, 20.0, 60.0, 100.0]
    assert run("$minMaxScaler", {"$add": ["$v", 1]}, documents, sliding(7, 0)) == [0] * 7
    assert run("$minMaxScaler", {"input": 1, "min": 5, "max": 6}, documents) == [5] * 7


@pytest.mark.parametrize(
    ("spec", "code"),
    [
        ({"input": "$v", "other": 1}, 9),
        ({"min": 0, "max": 10}, 9),
        ({"input": "$v", "min": "low", "max": 10}, 9),
        ({"input": "$v", "min": 0, "max": "$v"}, 9),
        ({"input": "$v", "min": 0}, 9),
        ({"input": "$v", "max": 10}, 9),
        ({"input": "$v", "min": 10, "max": 10}, 9),
        ("$v", 10487000),
    ],
)
def test_wrong_scalings(spec: Any, code: int) -> None:
    assert code_of("$minMaxScaler", spec, documents_of(["x", 1])) == code


def test_ranks() -> None:
    documents = documents_of("abcde", [1, 2, 2.0, 3, [0, 9]])
    assert run("$rank", {}, documents) == [1, 2, 2, 4, 5]
    assert run("$denseRank", {}, documents) == [1, 2, 2, 3, 4]
    assert run("$documentNumber", {}, documents) == [1, 2, 3, 4, 5]
    gone = documents_of("abc", [None, MISSING, 1])
    assert run("$denseRank", {}, gone) == [1, 1, 2]
    words = documents_of("abc", ["a", "A", "b"])
    assert run("$rank", {}, words) == [1, 2, 3]
    assert run("$rank", {}, words, collation=Collation("en", strength=2)) == [1, 1, 3]
    assert run("$rank", {}, []) == []


def test_shifts() -> None:
    documents = documents_of([1, MISSING, 3])
    assert run("$shift", {"output": "$v", "by": 1}, documents) == [None, 3, None]
    assert run("$shift", {"output": "$v", "by": -1, "default": "none"}, documents) == ["none", 1, None]
    assert run("$shift", {"output": "$v", "by": 0}, documents) == [1, None, 3]
    assert run("$shift", {"output": "$v", "by": 5, "default": {"$add": [1, 1]}}, documents) == [2, 2, 2]
    shifted = run("$shift", {"output": "$v", "by": 9, "default": [1]}, documents)
    assert shifted == [[1]] * 3
    assert shifted[0] is not shifted[1]
    assert run("$shift", {"output": "$v", "by": 1, "default": "$$REMOVE"}, documents)[-1] is None


def test_last_observation_carried_forward() -> None:
    assert run("$locf", "$v", documents_of([None, 1, MISSING, None, 2])) == [None, 1, 1, 1, 2]


def test_linear_filling() -> None:
    values = [None, 1, MISSING, None, 4.0, None]
    assert run("$linearFill", "$v", documents_of(values)) == [None, 1, 2.0, 3.0, 4.0, None]
    assert run("$linearFill", "$v", documents_of([0, None, 10], [0, 1, 10])) == [0, 1.0, 10]
    dates = [DAY, DAY + timedelta(days=3), DAY + timedelta(days=4)]
    assert run("$linearFill", "$v", documents_of([0, None, 4], dates)) == [0, 3.0, 4]
    assert run("$linearFill", "$v", documents_of([Decimal(0), None, 4])) == [Decimal(0), Decimal(2), 4]
    assert run("$linearFill", "$v", documents_of([None, None])) == [None, None]
    assert code_of("$linearFill", "$v", documents_of(["x"])) == 14
    assert code_of("$linearFill", "$v", documents_of([1], ["x"])) == 14
    assert code_of("$linearFill", "$v", documents_of([1, 2], [1, 1.0])) == 6050106
    assert code_of("$linearFill", "$v", documents_of([1, 2], [1, DAY])) == 14


def test_covariance() -> None:
    documents = [{"x": x, "y": y} for x, y in ((1, 2), (2, 4), ("z", 1), (3, 7))]
    assert run("$covariancePop", ["$x", "$y"], documents) == [pytest.approx(5 / 3)] * 4
    assert run("$covarianceSamp", ["$x", "$y"], documents, running(4)) == [
        None, pytest.approx(1.0), pytest.approx(1.0), pytest.approx(2.5),
    ]  # fmt: skip
    assert run("$covariancePop", "$x", documents) == [None] * 4
    decimal = run("$covariancePop", ["$x", "$y"], [{"x": Decimal(1), "y": 1}, {"x": 3, "y": 3}])
    assert decimal == [Decimal(1)] * 2
    assert math.isnan(run("$covariancePop", ["$x", "$y"], [{"x": NAN, "y": 1}, {"x": 3, "y": 3}])[0])


def test_exponential_averages() -> None:
    documents = documents_of([13, 15.4, "x", 12, None])
    expected = [13.0, 14.2, 14.2, 13.1, 13.1]
    assert run("$expMovingAvg", {"input": "$v", "N": 3}, documents) == [pytest.approx(each) for each in expected]
    assert run("$expMovingAvg", {"input": "$v", "alpha": 0.5}, documents) == [pytest.approx(each) for each in expected]
    assert run("$expMovingAvg", {"input": "$v", "N": 1}, documents_of(["x"])) == [None]
    assert run("$expMovingAvg", {"input": "$v", "N": 3}, documents_of([Decimal(1), 2])) == [Decimal(1), Decimal("1.5")]


def test_derivatives() -> None:
    documents = documents_of([0, 2, 8, 8], [0, 1, 3, 3])
    assert run("$derivative", {"input": "$v"}, documents, sliding(4)) == [None, 2.0, 3.0, None]
    assert run("$derivative", {"input": "$v"}, documents, sliding(4, -1, 2))[-1] is None
    times = documents_of([0, 60], [DAY, DAY + timedelta(minutes=30)])
    assert run("$derivative", {"input": "$v", "unit": "hour"}, times, sliding(2)) == [None, 120.0]
    assert code_of("$derivative", {"input": "$v", "unit": "hour"}, documents, window=True) == 5624900
    assert code_of("$derivative", {"input": "$v"}, times, window=True) == 5624901
    assert code_of("$derivative", {"input": "$v"}, documents_of([1, 2], ["a", "b"]), window=True) == 5624902
    assert code_of("$derivative", {"input": "$v"}, documents_of([1, None]), window=True) == 5624903


def test_integrals() -> None:
    documents = documents_of([0, 2, 4], [0, 1, 3])
    assert run("$integral", {"input": "$v"}, documents, running(3)) == [0, 1.0, 7.0]
    times = documents_of([60, 60], [DAY, DAY + timedelta(minutes=30)])
    assert run("$integral", {"input": "$v", "unit": "hour"}, times, running(2)) == [0, 30.0]
    assert math.isnan(run("$integral", {"input": "$v"}, documents_of([1, NAN, 2]))[0])
    assert run("$integral", {"input": "$v"}, documents_of([Decimal(1), 3]))[0] == Decimal(2)
    assert run("$integral", {"input": "$v"}, documents, sliding(3, -2, 2))[-1] is None
    assert code_of("$integral", {"input": "$v"}, documents_of([None])) == 5423900
    assert code_of("$integral", {"input": "$v"}, documents_of([1], ["x"])) == 5423900
    assert code_of("$integral", {"input": "$v", "unit": "hour"}, documents) == 5423901
    assert code_of("$integral", {"input": "$v"}, times) == 5423902


ERRORS: list[tuple[str, Any, int]] = [
    ("$nope", {}, 9),
    ("$accumulator", {}, 9),
    ("$rank", {"a": 1}, 5371603),
    ("$rank", 1, 5371603),
    ("$shift", 1, 9),
    ("$shift", {"output": 1}, 9),
    ("$shift", {"output": 1, "by": 1, "x": 1}, 9),
    ("$shift", {"output": 1, "by": 1.5}, 9),
    ("$shift", {"output": 1, "by": 1, "default": "$v"}, 9),
    ("$expMovingAvg", 1, 9),
    ("$expMovingAvg", {"input": 1}, 9),
    ("$expMovingAvg", {"input": 1, "N": 1, "alpha": 0.5}, 9),
    ("$expMovingAvg", {"input": 1, "x": 1}, 9),
    ("$expMovingAvg", {"input": 1, "N": 1.5}, 9),
    ("$expMovingAvg", {"input": 1, "N": 0}, 9),
    ("$expMovingAvg", {"input": 1, "alpha": "x"}, 9),
    ("$expMovingAvg", {"input": 1, "alpha": 1}, 9),
    ("$expMovingAvg", {"input": 1, "alpha": NAN}, 9),
    ("$derivative", {"input": 1}, 9),
    ("$derivative", {"unit": "hour"}, 9),
    ("$derivative", {"input": 1, "unit": 1}, 9),
    ("$derivative", {"input": 1, "unit": "month"}, 5490710),
    ("$integral", {"input": 1, "unit": "eon"}, 9),
]


@pytest.mark.parametrize(("name", "spec", "code"), ERRORS)
def test_errors(name: str, spec: Any, code: int) -> None:
    assert code_of(name, spec) == code


def test_what_must_be_sorted() -> None:
    for name, spec, code in (
        ("$rank", {}, 5371602),
        ("$denseRank", {}, 5371602),
        ("$documentNumber", {}, 5371602),
        ("$linearFill", 1, 605001),
        ("$integral", {"input": 1}, 9),
        ("$derivative", {"input": 1}, 9),
        ("$shift", {"output": 1, "by": 1}, 9),
        ("$expMovingAvg", {"input": 1, "N": 1}, 9),
    ):
        assert code_of(name, spec, sort=()) == code
    assert code_of("$rank", {}, sort=(("x", 1), ("y", 1))) == 5371602


def test_what_takes_no_window() -> None:
    assert code_of("$rank", {}, window=True) == 5371601
    assert code_of("$locf", 1, window=True) == 9
    assert code_of("$shift", {"output": 1, "by": 1}, window=True) == 9


def test_what_is_read_is_known() -> None:
    operator = window_operator("$integral", {"input": "$a.b"}, sort=(("x.y", 1),))
    assert operator.fields_needed == {"a", "x"}
    assert window_operator("$push", "$$ROOT").fields_needed is None
    assert window_operator("$locf", {"$add": ["$$ROOT.a", "$b"]}).fields_needed in (None, {"a", "b"})
    assert window_operator("$push", "$a").holds_values
    assert not window_operator("$sum", "$a").holds_values
    assert window_operator(
        "$shift", {"output": "$$v", "by": Int64(1)}, sort=BY_X, variables=["v"]
    ).variables_needed == {"v"}
    assert {"$rank", "$sum", "$locf"} <= window_operator_names()
    assert "$accumulator" not in window_operator_names()

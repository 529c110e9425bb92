"""Accumulators against exact arithmetic and plain sorting, however their values arrive."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from decimal import Context, Decimal
from fractions import Fraction
from functools import cmp_to_key
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lexigram.nosql.aggregation.accumulators import compile_accumulator
from lexigram.nosql.aggregation.accumulators.compile import ACCUMULATORS
from lexigram.nosql.aggregation.window_operators import window_operator, window_operator_names
from lexigram.nosql.exceptions import PipelineError
from lexigram.nosql.testing.strategies import values
from lexigram.nosql.values.normalise import normalise_value
from lexigram.nosql.values.order import compare, equal
from lexigram.nosql.values.path import MISSING

VALUES = st.one_of(st.just(MISSING), values(bson=True, max_leaves=3).map(normalise_value))
LISTS = st.lists(VALUES, max_size=8)
WHOLE = st.one_of(st.integers(-10, 10), st.integers(-(2**63), 2**63 - 1))
DOUBLES = st.floats(-1e30, 1e30).filter(lambda number: number == 0 or abs(number) > 1e-30)
CUTS = st.lists(st.integers(0, 12), max_size=4).map(sorted)

SPECS: dict[str, Any] = {
    "$minN": {"n": 2, "input": "$v"},
    "$maxN": {"n": 2, "input": "$v"},
    "$firstN": {"n": 2, "input": "$v"},
    "$lastN": {"n": 2, "input": "$v"},
    "$top": {"output": "$v", "sortBy": {"v": 1}},
    "$bottom": {"output": "$v", "sortBy": {"v": 1}},
    "$topN": {"n": 2, "output": "$v", "sortBy": {"v": -1}},
    "$bottomN": {"n": 2, "output": "$v", "sortBy": {"v": -1}},
    "$percentile": {"input": "$v", "p": [0.1, 0.5, 1], "method": "approximate"},
    "$median": {"input": "$v", "method": "approximate"},
    "$count": {},
}
NAMES = sorted(set(ACCUMULATORS) - {"$accumulator"})


def documents_of(given_values: Sequence[Any]) -> list[dict[str, Any]]:
    return [{} if value is MISSING else {"v": value} for value in given_values]


def accumulate(name: str, given_values: Sequence[Any], cuts: Sequence[int] = ()) -> Any:
    """The result where values arrive in batches that end at the cuts, and one by one between the last two."""
    compiled = compile_accumulator(name, SPECS.get(name, "$v"))
    accumulator = compiled.new(None, {})
    documents = documents_of(given_values)
    start = 0
    for cut in (*cuts, len(documents)):
        accumulator.add_many(compiled.argument.evaluate_many(documents[start:cut], {}))
        start = max(start, min(cut, len(documents)))
    return accumulator.result()


def one_by_one(name: str, given_values: Sequence[Any]) -> Any:
    compiled = compile_accumulator(name, SPECS.get(name, "$v"))
    accumulator = compiled.new(None, {})
    for document in documents_of(given_values):
        accumulator.add(compiled.argument(document, {}))
    return accumulator.result()


def outcome(name: str, given_values: Sequence[Any], cuts: Sequence[int] | None) -> Any:
    try:
        return repr(one_by_one(name, given_values) if cuts is None else accumulate(name, given_values, cuts))
    except PipelineError as error:
        return error.mongo_code


@given(st.sampled_from(NAMES), LISTS, CUTS)
def test_it_does_not_matter_how_values_arrive(name: str, given_values: list[Any], cuts: list[int]) -> None:
    expected = outcome(name, given_values, ())
    assert outcome(name, given_values, cuts) == expected
    assert outcome(name, given_values, None) == expected


def exact(numbers: Sequence[Any]) -> Fraction:
    return sum(map(Fraction, numbers), Fraction(0))


@given(st.lists(WHOLE, max_size=10), CUTS)
def test_sums_of_whole_numbers_are_exact(numbers: list[int], cuts: list[int]) -> None:
    total = sum(numbers)
    expected = total if -(2**63) <= total < 2**63 else float(total)
    found = accumulate("$sum", numbers, cuts)
    assert (found, type(found)) == (expected, type(expected))
    assert one_by_one("$sum", numbers) == expected
    if numbers:
        assert math.isclose(accumulate("$avg", numbers, cuts), total / len(numbers), rel_tol=1e-15)


@given(st.lists(st.one_of(DOUBLES, WHOLE), max_size=12), CUTS)
def test_sums_of_doubles_are_rounded_once(numbers: list[Any], cuts: list[int]) -> None:
    total = exact(numbers)
    slack = float(sum(abs(Fraction(number)) for number in numbers)) * 2.0**-95
    for found in (accumulate("$sum", numbers, cuts), one_by_one("$sum", numbers)):
        assert math.isclose(found, float(total), rel_tol=2.0**-52, abs_tol=slack)


@given(
    st.lists(st.decimals(-(10**12), 10**12, places=4), min_size=1, max_size=8),
    st.lists(st.integers(-99, 99), max_size=3),
)
def test_sums_of_decimals_are_exact(decimals: list[Decimal], numbers: list[int]) -> None:
    total = exact([*decimals, *numbers])
    found = accumulate("$sum", [*numbers, *decimals])
    assert isinstance(found, Decimal)
    assert Fraction(found) == total
    mean = Context(prec=34).divide(found, Decimal(len(decimals) + len(numbers)))
    assert accumulate("$avg", [*decimals, *numbers]) == mean


@given(st.lists(st.floats(-1e6, 1e6), max_size=10))
def test_standard_deviations(numbers: list[float]) -> None:
    slack = 1e-9 * max([1.0, *map(abs, numbers)])
    population, sample = accumulate("$stdDevPop", numbers), accumulate("$stdDevSamp", numbers)
    assert population is None if not numbers else population == pytest.approx(statistics.pstdev(numbers), abs=slack)
    assert sample is None if len(numbers) < 2 else sample == pytest.approx(statistics.stdev(numbers), abs=slack)


@given(st.lists(st.floats(allow_nan=False), min_size=1, max_size=12), st.floats(0, 1))
def test_percentiles_are_the_smallest_that_reach_their_share(numbers: list[float], share: float) -> None:
    compiled = compile_accumulator("$percentile", {"input": "$v", "p": [share], "method": "approximate"})
    accumulator = compiled.new(None, {})
    accumulator.add_many(numbers)
    (found,) = accumulator.result()
    size = len(numbers)
    assert found in numbers
    assert sum(number <= found for number in numbers) / size >= share - 1e-12
    smaller = [number for number in numbers if number < found]
    assert not smaller or len(smaller) / size < share + 1e-12


@given(LISTS)
def test_extremes_are_the_ends_of_the_order(given_values: list[Any]) -> None:
    ordered = sorted(
        [value for value in given_values if value is not None and value is not MISSING], key=cmp_to_key(compare)
    )
    lowest, highest = accumulate("$min", given_values), accumulate("$max", given_values)
    assert equal(lowest, ordered[0]) if ordered else lowest is None
    assert equal(highest, ordered[-1]) if ordered else highest is None
    assert all(map(equal, accumulate("$minN", given_values), ordered[:2]))
    assert all(map(equal, accumulate("$maxN", given_values), ordered[:-3:-1]))
    assert len(accumulate("$minN", given_values)) == min(2, len(ordered))


@given(LISTS)
def test_sets_hold_each_value_once(given_values: list[Any]) -> None:
    found = accumulate("$addToSet", given_values)
    there = [value for value in given_values if value is not MISSING]
    for value in there:
        assert sum(equal(value, each) for each in found) == 1
    assert all(any(equal(each, value) for value in there) for each in found)


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 99)), max_size=10), st.integers(1, 4), st.booleans())
def test_top_and_bottom_are_the_ends_of_a_stable_sort(pairs: list[tuple[int, int]], n: int, falling: bool) -> None:
    documents = [{"k": key, "v": value} for key, value in pairs]
    spec = {"n": n, "output": "$v", "sortBy": {"k": -1 if falling else 1}}
    ordered = sorted(documents, key=lambda document: -document["k"] if falling else document["k"])
    found = {}
    for name in ("$topN", "$bottomN"):
        compiled = compile_accumulator(name, spec)
        accumulator = compiled.new(None, {})
        accumulator.add_many(compiled.argument.evaluate_many(documents, {}))
        found[name] = accumulator.result()
    assert found["$topN"] == [document["v"] for document in ordered[:n]]
    keys = [document["k"] for document in ordered[-n:]]
    assert len(found["$bottomN"]) == len(keys)
    assert all((key, value) in pairs for key, value in zip(keys, found["$bottomN"], strict=True))


WINDOWS = st.lists(st.tuples(st.integers(0, 8), st.integers(0, 8)), min_size=8, max_size=8)


@given(
    st.sampled_from([name for name in NAMES if name in window_operator_names()]),
    LISTS,
    WINDOWS,
    st.sampled_from(["any", "running", "remaining", "sliding"]),
)
def test_windows_are_groups_of_their_documents(
    name: str, given_values: list[Any], windows: list[tuple[int, int]], shape: str
) -> None:
    size = len(given_values)
    bounds = {
        "any": [(min(a, b, size), min(max(a, b), size)) for a, b in windows[:size]],
        "running": [(0, index + 1) for index in range(size)],
        "remaining": [(index, size) for index in range(size)],
        "sliding": [(max(0, index - 2), min(size, index + 2)) for index in range(size)],
    }[shape]
    spec = SPECS.get(name, "$v")
    expected = [outcome(name, given_values[start:end], ()) for start, end in bounds]
    operator = window_operator(name, spec, sort=(("v", 1),), has_window=True)
    refused: int | None = None
    found: list[str] = []
    try:
        found = [repr(result) for result in operator.compute(documents_of(given_values), bounds, {})]
    except PipelineError as error:
        refused = error.mongo_code
    assert found == expected if refused is None else refused in expected


@given(st.lists(st.tuples(st.floats(-1e3, 1e3), st.floats(-1e3, 1e3)), min_size=2, max_size=8))
def test_covariances(pairs: list[tuple[float, float]]) -> None:
    documents = [{"x": x, "y": y} for x, y in pairs]
    expected = statistics.covariance([x for x, _y in pairs], [y for _x, y in pairs])
    bounds = [(0, len(pairs))]
    (sample,) = window_operator("$covarianceSamp", ["$x", "$y"]).compute(documents, bounds, {})
    (population,) = window_operator("$covariancePop", ["$x", "$y"]).compute(documents, bounds, {})
    assert sample == pytest.approx(expected, rel=1e-6, abs=1e-6)
    assert population == pytest.approx(expected * (len(pairs) - 1) / len(pairs), rel=1e-6, abs=1e-6)


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(-9, 9)), max_size=8))
def test_ranks_count_what_comes_before(pairs: list[tuple[int, int]]) -> None:
    documents = [{"x": x} for x, _v in sorted(pairs)]
    places = [document["x"] for document in documents]
    sort = (("x", 1),)
    bounds = [(0, len(documents))] * len(documents)
    ranks = list(window_operator("$rank", {}, sort=sort).compute(documents, bounds, {}))
    dense = list(window_operator("$denseRank", {}, sort=sort).compute(documents, bounds, {}))
    assert ranks == [1 + sum(other < place for other in places) for place in places]
    assert dense == [1 + len({other for other in places if other < place}) for place in places]


@given(st.lists(st.one_of(st.none(), st.integers(-99, 99)), max_size=10))
def test_gaps_are_filled_on_straight_lines(numbers: list[int | None]) -> None:
    documents = [{"x": place, "v": number} for place, number in enumerate(numbers)]
    found = list(window_operator("$linearFill", "$v", sort=(("x", 1),)).compute(documents, [], {}))
    known = [place for place, number in enumerate(numbers) if number is not None]
    for place, (number, result) in enumerate(zip(numbers, found, strict=True)):
        before, after = [k for k in known if k < place], [k for k in known if k > place]
        if number is not None:
            assert result == number
        elif not before or not after:
            assert result is None
        else:
            left, right = before[-1], after[0]
            low, high = numbers[left], numbers[right]
            assert low is not None
            assert high is not None
            assert result == pytest.approx(low + (high - low) * (place - left) / (right - left))

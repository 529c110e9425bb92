"""Columns of groups give what an accumulator for each group gives, whatever comes in whatever batches."""

from __future__ import annotations

import math
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lexigram.nosql.aggregation import LocalContext, parse_pipeline
from lexigram.nosql.aggregation.accumulators.compile import compile_accumulator
from lexigram.nosql.aggregation.stages.base import Run, Runner
from lexigram.nosql.aggregation.stages.columns import Step, open_column, run_steps
from lexigram.nosql.testing import strategies
from lexigram.nosql.values.path import MISSING

_PLAIN = [
    st.integers(-3, 9),
    st.sampled_from([0.1, 0.2, -0.0, 2.5, 1e16, -1e16, 1e308]),
    st.sampled_from([float("inf"), float("-inf"), float("nan"), 2**63 - 1, 2**53 + 1]),
    st.sampled_from(["", "a", "b"]),
    st.sampled_from([datetime(2026, 1, 1, tzinfo=UTC), datetime(1970, 1, 1, tzinfo=UTC)]),
    st.sampled_from([None, MISSING]),
    st.sampled_from([Decimal("0.1"), True, [1], {"a": 1}]),
]


@st.composite
def _batches(draw: st.DrawFn) -> list[list[tuple[int, Any]]]:
    """Batches of groups with values; some of one kind only, as in most collections."""
    kinds = draw(st.lists(st.sampled_from(range(len(_PLAIN))), min_size=1, max_size=3))
    value = st.one_of([_PLAIN[kind] for kind in kinds])
    return draw(st.lists(st.lists(st.tuples(st.integers(0, 3), value), min_size=1, max_size=8), max_size=3))


def _alike(a: Any, b: Any) -> bool:
    if type(a) is not type(b):
        return False
    if isinstance(a, float):
        # Either way of adding keeps twice the digits of a double; which way may show in the last one.
        return (math.isnan(a) and math.isnan(b)) or a == b or math.isclose(a, b, rel_tol=1e-15)
    if isinstance(a, Decimal) and a.is_nan():
        return b.is_nan()
    return bool(a == b)


@given(st.sampled_from(["$sum", "$avg", "$min", "$max", "$first", "$last", "$push"]), _batches())
def test_a_column_agrees_with_accumulators(name: str, batches: list[list[tuple[int, Any]]]) -> None:
    """Ints, floats, NaN, infinities, text, dates, null and missing, alone and mixed."""
    compiled = compile_accumulator(name, "$x", variables=frozenset(), collation=None)
    column = open_column(compiled, {}, collated=False)
    numbers: dict[int, int] = {}
    expected: list[Any] = []
    for batch in batches:
        known = len(numbers)
        groups = [numbers.setdefault(group, len(numbers)) for group, _ in batch]
        column.open(list(numbers)[known:])
        expected += [compiled.new(None, {}) for _ in range(len(numbers) - known)]
        run_steps(column.add(groups, [value for _, value in batch]))
        for group, (_, value) in zip(groups, batch, strict=True):
            expected[group].add(value)
    results = [accumulator.result() for accumulator in expected]
    assert len(column.results()) == len(results)
    assert all(map(_alike, column.results(), results)), (column.results(), results)


@pytest.mark.parametrize(("name", "expected"), [("$sum", 1.0), ("$avg", 0.1)])
def test_a_column_of_floats_keeps_twice_their_precision(name: str, expected: float) -> None:
    """A tenth added ten times is one."""
    compiled = compile_accumulator(name, "$x", variables=frozenset(), collation=None)
    column = open_column(compiled, {}, collated=False)
    column.open([None])
    run_steps(column.add([0] * 10, [0.1] * 10))
    assert column.results() == [expected]


@given(st.lists(strategies.numbers(), min_size=1, max_size=6))
def test_extremes_of_mixed_numbers_go_by_their_value(values: list[Any]) -> None:
    """The first of equal numbers stays, whatever its type."""
    compiled = compile_accumulator("$max", "$x", variables=frozenset(), collation=None)
    column, single = open_column(compiled, {}, collated=False), compiled.new(None, {})
    column.open([None])
    for value in values:
        run_steps(column.add([0], [value]))
        single.add(value)
    assert repr(column.results()[0]) == repr(single.result())


@given(
    st.lists(st.sampled_from(["$sum", "$avg", "$min", "$max", "$count"]), min_size=1, max_size=5),
    st.lists(st.tuples(st.integers(0, 3), st.one_of([st.integers(-3, 9), st.none()])), min_size=1, max_size=12),
)
def test_columns_that_share_a_loop_do_not_disturb_each_other(names: list[str], batch: list[tuple[int, Any]]) -> None:
    """Together they give what each gives alone, also where some skip values that others count."""
    compiled = [
        compile_accumulator(name, {} if name == "$count" else "$x", variables=frozenset(), collation=None)
        for name in names
    ]
    numbers: dict[int, int] = {}
    groups = [numbers.setdefault(group, len(numbers)) for group, _ in batch]
    values = [value for _, value in batch]
    alone, together = ([open_column(each, {}, collated=False) for each in compiled] for _ in range(2))
    steps: list[Step] = []
    for single, shared in zip(alone, together, strict=True):
        single.open(list(numbers))
        shared.open(list(numbers))
        run_steps(single.add(groups, values))
        steps += shared.add(groups, values)
    run_steps(steps)
    assert [list(column.results()) for column in together] == [list(column.results()) for column in alone]


_FIELDS = [("$sum", "$x"), ("$avg", "$x"), ("$max", "$y"), ("$min", "$y"), ("$sum", 1), ("$avg", "$y"), ("$count", {})]


@given(
    st.lists(st.sampled_from(_FIELDS), min_size=1, max_size=5),
    st.lists(
        st.lists(
            st.fixed_dictionaries(
                {"g": st.sampled_from("abc")},
                optional={"x": st.one_of(_PLAIN[0], _PLAIN[0], *_PLAIN), "y": st.one_of(_PLAIN[0], _PLAIN[3], *_PLAIN)},
            ),
            min_size=1,
            max_size=8,
        ),
        min_size=1,
        max_size=4,
    ),
)
def test_documents_read_in_one_loop_give_what_accumulators_give(
    fields: list[tuple[str, Any]], batches: list[list[dict[str, Any]]]
) -> None:
    """However far the loop gets, and wherever it stops for a value that is not plain or is not there."""
    stages = [{"$group": {"_id": "$g", **{f"f{place}": {name: spec} for place, (name, spec) in enumerate(fields)}}}]
    (stage,) = parse_pipeline(stages).plan
    runner = stage.open(Run(LocalContext(), {"NOW": None}))
    assert isinstance(runner, Runner)
    compiled = [compile_accumulator(name, spec, variables=frozenset(), collation=None) for name, spec in fields]
    expected: dict[str, list[Any]] = {}
    for batch in batches:
        list(runner.push(batch))
        for document in batch:
            for each, accumulator in zip(
                compiled, expected.setdefault(document["g"], [one.new(None, {}) for one in compiled]), strict=True
            ):
                accumulator.add(each.argument.evaluate(document, {}))
    found = [document for out in runner.finish() for document in out]
    assert [document["_id"] for document in found] == list(expected)
    for document in found:
        results = [accumulator.result() for accumulator in expected[document["_id"]]]
        assert all(map(_alike, list(document.values())[1:], results)), (document, results)

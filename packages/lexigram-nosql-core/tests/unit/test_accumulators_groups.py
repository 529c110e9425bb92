"""Accumulators as $group uses them."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from bson import Decimal128, Int64
from lexigram.nosql.aggregation.accumulators import compile_accumulator
from lexigram.nosql.aggregation.accumulators.compile import ACCUMULATORS
from lexigram.nosql.exceptions import PipelineError
from lexigram.nosql.values.collation import Collation
from lexigram.nosql.values.path import MISSING

DATE = datetime(2024, 1, 1, tzinfo=UTC)
INFINITY = math.inf
NAN = math.nan


def documents_of(values: Sequence[Any]) -> list[dict[str, Any]]:
    return [{} if value is MISSING else {"v": value} for value in values]


def run(
    name: str,
    spec: Any,
    documents: Sequence[dict[str, Any]],
    group: Any = None,
    variables: Mapping[str, Any] | None = None,
    collation: Collation | None = None,
) -> Any:
    given = dict(variables or {})
    compiled = compile_accumulator(name, spec, variables=given, collation=collation)
    one_by_one = compiled.new(group, given)
    for document in documents:
        one_by_one.add(compiled.argument(document, given))
    together = compiled.new(group, given)
    middle = len(documents) // 2
    for part in (documents[:middle], documents[middle:]):
        together.add_many(compiled.argument.evaluate_many(part, given))
    result = one_by_one.result()
    assert_same(together.result(), result)
    assert one_by_one.values_held() == together.values_held()
    return result


def assert_same(left: Any, right: Any) -> None:
    assert type(left) is type(right)
    if isinstance(left, float | Decimal):
        assert repr(left) == repr(right)
    else:
        assert left == right


def code_of(name: str, spec: Any, documents: Sequence[dict[str, Any]] = (), group: Any = None) -> int | None:
    with pytest.raises(PipelineError) as caught:
        run(name, spec, documents, group)
    return caught.value.mongo_code


SUMS: list[tuple[list[Any], Any, Any]] = [
    ([], 0, None),
    (["x", None, MISSING, True, [1], DATE], 0, None),
    ([1, 2, 3], 6, 2.0),
    ([1, 2.5], 3.5, 1.75),
    ([1, "x", 2], 3, 1.5),
    ([0.1] * 10, 1.0, 0.1),
    ([1e100, 1.0, -1e100], 1.0, 1 / 3),
    ([2**62, 2**62], float(2**63), float(2**62)),
    ([2**62, 2**62, -(2**62)], 2**62, 2**62 / 3),
    ([-(2**63), -1], -float(2**63), -float(2**62)),
    ([Int64(1), 2], Int64(3), 1.5),
    ([Int64(1), 2.0], 3.0, 1.5),
    ([Decimal("0.1"), Decimal("0.2")], Decimal("0.3"), Decimal("0.15")),
    ([Decimal("0.1"), 1], Decimal("1.1"), Decimal("0.55")),
    ([Decimal("0.5"), 0.25], Decimal("0.75"), Decimal("0.375")),
    ([Decimal128("0.1"), Decimal128("0.2")], Decimal128("0.3"), Decimal128("0.15")),
    ([Decimal128("0.1"), Decimal("0.2")], Decimal128("0.3"), Decimal128("0.15")),
    ([1.0, INFINITY], INFINITY, INFINITY),
    ([-INFINITY, 2], -INFINITY, -INFINITY),
    ([1.0, INFINITY, -INFINITY], NAN, NAN),
    ([1.0, NAN, 2.0], NAN, NAN),
    ([1, NAN, INFINITY], NAN, NAN),
    ([1e308, 1e308], INFINITY, INFINITY),
    ([1e308, 1e308, 1], INFINITY, INFINITY),
    ([Decimal("Infinity"), 1.0], Decimal("Infinity"), Decimal("Infinity")),
    ([Decimal(1), INFINITY], Decimal("Infinity"), Decimal("Infinity")),
    ([Decimal(1), Decimal("NaN")], Decimal("NaN"), Decimal("NaN")),
    ([Decimal("Infinity"), -INFINITY], Decimal("NaN"), Decimal("NaN")),
    ([0.5, 2**60], float(2**60), float(2**59)),
]


@pytest.mark.parametrize(("values", "total", "mean"), SUMS)
def test_sums_and_averages(values: list[Any], total: Any, mean: Any) -> None:
    assert_same(run("$sum", "$v", documents_of(values)), total)
    assert_same(run("$avg", "$v", documents_of(values)), mean)


def test_a_constant_sum_counts() -> None:
    assert run("$sum", 1, [{}] * 5) == 5
    assert run("$sum", {"$literal": 0.5}, [{}] * 3) == 1.5
    assert run("$sum", "x", [{}] * 3) == 0
    assert run("$count", {}, [{}] * 5) == 5
    assert run("$count", {}, []) == 0


def test_sums_are_right_after_more_is_added() -> None:
    compiled = compile_accumulator("$sum", "$v")
    accumulator = compiled.new(None, {})
    totals: list[Any] = []
    for value in (1, 0.5, Decimal("0.25"), INFINITY):
        accumulator.add(value)
        totals.append(accumulator.result())
    assert totals == [1, 1.5, Decimal("1.75"), Decimal("Infinity")]


ORDERED: list[tuple[list[Any], Any, Any]] = [
    ([], None, None),
    ([None, MISSING], None, None),
    ([2, 1, 3], 1, 3),
    (["b", "a"], "a", "b"),
    ([2, "a", None, MISSING, DATE], 2, DATE),
    ([1, True, 5], 1, True),
    ([[1, 9], [2]], [1, 9], [2]),
    ([2, 1.5, Decimal(3)], 1.5, Decimal(3)),
    ([1.0, NAN, -5], NAN, 1.0),
]


@pytest.mark.parametrize(("values", "smallest", "largest"), ORDERED)
def test_smallest_and_largest(values: list[Any], smallest: Any, largest: Any) -> None:
    low, high = run("$min", "$v", documents_of(values)), run("$max", "$v", documents_of(values))
    assert_same(low, smallest)
    assert_same(high, largest)


def test_first_and_last() -> None:
    documents = documents_of([MISSING, 1, 2, MISSING])
    assert run("$first", "$v", documents) is None
    assert run("$first", "$v", documents[1:]) == 1
    assert run("$last", "$v", documents) is None
    assert run("$last", "$v", documents[:3]) == 2
    assert run("$first", "$v", []) is None
    assert run("$last", "$v", []) is None


def test_several_of_them() -> None:
    documents = documents_of([3, None, 1, MISSING, 2])
    assert run("$firstN", {"n": 2, "input": "$v"}, documents) == [3, None]
    assert run("$firstN", {"n": 9, "input": "$v"}, documents) == [3, None, 1, None, 2]
    assert run("$lastN", {"n": 2, "input": "$v"}, documents) == [None, 2]
    assert run("$lastN", {"n": 9, "input": "$v"}, documents) == [3, None, 1, None, 2]
    assert run("$minN", {"n": 2, "input": "$v"}, documents) == [1, 2]
    assert run("$maxN", {"n": 2, "input": "$v"}, documents) == [3, 2]
    assert run("$minN", {"n": 2.0, "input": "$v"}, []) == []
    assert run("$maxN", {"n": 1, "input": "$v"}, documents_of([1, 5, 3, 5.0])) == [5]
    assert run("$minN", {"n": 1, "input": "$v"}, documents_of([5, 1, 3, 1.0])) == [1]


def test_how_many_may_come_from_the_group() -> None:
    documents = documents_of([1, 2, 3])
    spec = {"n": {"$cond": [{"$eq": ["$kind", "short"]}, 1, 2]}, "input": "$v"}
    assert run("$firstN", spec, documents, {"kind": "short"}) == [1]
    assert run("$firstN", spec, documents, {"kind": "long"}) == [1, 2]
    assert run("$firstN", spec, documents, "no document") == [1, 2]
    assert run("$lastN", {"n": "$$n", "input": "$v"}, documents, variables={"n": 2}) == [2, 3]
    assert compile_accumulator("$lastN", {"n": "$$n", "input": "$v"}, variables=["n"]).variables_needed == {"n"}
    assert code_of("$firstN", {"n": "$gone", "input": "$v"}, documents) == 5787902


SCORES = [
    {"name": "a", "score": 5, "tags": [3, 9]},
    {"name": "b", "score": 7, "tags": [1, 4]},
    {"name": "c", "score": 5, "tags": [2]},
    {"score": 1},
]


def test_top_and_bottom() -> None:
    def ranked(name: str, n: int | None, sort: Any, output: Any = "$name") -> Any:
        spec = {"output": output, "sortBy": sort}
        return run(name, spec if n is None else {"n": n, **spec}, SCORES)

    assert ranked("$top", None, {"score": -1}) == "b"
    assert ranked("$bottom", None, {"score": -1}) is None
    assert ranked("$topN", 3, {"score": -1, "name": 1}) == ["b", "a", "c"]
    assert ranked("$topN", 3, {"score": -1}) == ["b", "a", "c"]
    assert ranked("$bottomN", 2, {"score": 1}) == ["a", "b"]  # the first of equals
    assert ranked("$bottomN", 9, {"score": 1}) == [None, "a", "c", "b"]
    assert ranked("$topN", 4, {"tags": 1}) == [None, "b", "c", "a"]
    assert ranked("$topN", 4, {"tags": -1}) == ["a", "b", "c", None]
    assert ranked("$topN", 2, {"score": Int64(-1), "name": -1.0}, ["$name", "$score"]) == [["b", 7], ["c", 5]]
    assert run("$top", {"output": "$name", "sortBy": {"score": 1}}, []) is None
    assert run("$topN", {"n": 2, "output": "$name", "sortBy": {"score": 1}}, []) == []
    assert ranked("$top", None, {"score": {"$meta": "textScore"}}) == "a"


def test_collecting() -> None:
    documents = documents_of([1, MISSING, None, 1.0, "a", "a", [1], [1.0]])
    assert run("$push", "$v", documents) == [1, None, 1.0, "a", "a", [1], [1.0]]
    assert run("$addToSet", "$v", documents) == [1, None, "a", [1]]
    assert run("$push", {"x": "$v"}, documents[:2]) == [{"x": 1}, {}]
    assert run("$concatArrays", "$v", documents_of([[1], MISSING, [2, 1], []])) == [1, 2, 1]
    assert run("$setUnion", "$v", documents_of([[1], MISSING, [2, 1.0], []])) == [1, 2]
    assert run("$mergeObjects", "$v", documents_of([{"a": 1, "b": 1}, None, MISSING, {"b": 2}])) == {"a": 1, "b": 2}
    assert run("$mergeObjects", "$v", []) == {}


def test_results_do_not_change_when_more_is_added() -> None:
    for name, first, second in (
        ("$push", 1, 2),
        ("$addToSet", 1, 2),
        ("$concatArrays", [1], [2]),
        ("$setUnion", [1], [2]),
        ("$mergeObjects", {"a": 1}, {"b": 2}),
    ):
        accumulator = compile_accumulator(name, "$v").new(None, {})
        accumulator.add(first)
        before = accumulator.result()
        kept = before.copy()
        accumulator.add(second)
        assert before == kept != accumulator.result()
        assert accumulator.values_held() == 2


def test_standard_deviations() -> None:
    documents = documents_of([1, 2.0, "x", Decimal(3), None, 4])
    assert run("$stdDevPop", "$v", documents) == pytest.approx(math.sqrt(1.25))
    assert run("$stdDevSamp", "$v", documents) == pytest.approx(math.sqrt(5 / 3))
    assert run("$stdDevPop", "$v", documents[:1]) == 0.0
    assert run("$stdDevSamp", "$v", documents[:1]) is None
    assert run("$stdDevPop", "$v", []) is None
    assert math.isnan(run("$stdDevPop", "$v", documents_of([1, INFINITY])))
    assert run("$stdDevPop", "$v", documents_of([5, 5, 5])) == 0.0


def test_percentiles() -> None:
    documents = documents_of([5, 1, "x", Decimal(3), None, 4, 2.0, NAN])
    spec = {"input": "$v", "p": [0, 0.2, 0.21, 0.5, 0.95, 1], "method": "approximate"}
    assert run("$percentile", spec, documents) == [1.0, 1.0, 2.0, 3.0, 5.0, 5.0]
    assert run("$percentile", spec, []) == [None] * 6


def test_medians() -> None:
    spec = {"input": "$v", "method": "approximate"}
    assert run("$median", spec, documents_of([3, 1, 2])) == 2.0
    assert run("$median", spec, documents_of([4, 3, 1, 2])) == 2.0
    assert run("$median", spec, documents_of(["x"])) is None


def test_a_collation_orders_and_joins() -> None:
    collation = Collation("en", strength=2)
    documents = documents_of(["b", "A", "a", "B"])
    assert run("$min", "$v", documents, collation=collation) == "A"
    assert run("$max", "$v", documents, collation=collation) == "b"
    assert run("$addToSet", "$v", documents, collation=collation) == ["b", "A"]
    assert run("$setUnion", "$v", documents_of([["b", "A"], ["a"]]), collation=collation) == ["b", "A"]
    assert run("$minN", {"n": 2, "input": "$v"}, documents, collation=collation) == ["A", "a"]
    assert run("$topN", {"n": 2, "output": "$v", "sortBy": {"v": 1}}, documents, collation=collation) == ["A", "a"]


ERRORS: list[tuple[str, Any, int]] = [
    ("$summ", "$v", 15952),
    ("$sum", ["$v", 1], 40237),
    ("$push", [], 40237),
    ("$sum", {"$add": 1, "x": 2}, 15983),
    ("$count", 1, 14),
    ("$count", {"a": 1}, 14),
    ("$minN", 1, 5787900),
    ("$maxN", {"n": 1, "input": 1, "x": 1}, 5787901),
    ("$minN", {"n": "x", "input": 1}, 5787902),
    ("$minN", {"n": 1.5, "input": 1}, 5787903),
    ("$minN", {"n": 0, "input": 1}, 5787908),
    ("$minN", {"input": 1}, 5787906),
    ("$minN", {"n": 1}, 5787907),
    ("$firstN", 1, 5787801),
    ("$lastN", 1, 5787801),
    ("$top", 1, 5788001),
    ("$top", {"output": 1, "sortBy": {"a": 1}, "n": 1}, 5788002),
    ("$topN", {"output": 1, "sortBy": {"a": 1}}, 5788003),
    ("$topN", {"n": 1, "sortBy": {"a": 1}}, 5788004),
    ("$topN", {"n": 1, "output": 1}, 5788005),
    ("$topN", {"n": -1, "output": 1, "sortBy": {"a": 1}}, 5787908),
    ("$top", {"output": 1, "sortBy": 1}, 10065),
    ("$top", {"output": 1, "sortBy": {}}, 15976),
    ("$top", {"output": 1, "sortBy": {"a": "x"}}, 15974),
    ("$top", {"output": 1, "sortBy": {"a": 2}}, 15975),
    ("$top", {"output": 1, "sortBy": {"a": {"x": 1}}}, 17312),
    ("$top", {"output": 1, "sortBy": {1: 1}}, 2),
    ("$percentile", 1, 7429703),
    ("$percentile", {"input": 1, "p": [0.5]}, 40414),
    ("$percentile", {"input": 1, "p": [0.5], "method": "approximate", "x": 1}, 40415),
    ("$percentile", {"input": 1, "p": "$p", "method": "approximate"}, 7750300),
    ("$percentile", {"input": 1, "p": 0.5, "method": "approximate"}, 7750301),
    ("$percentile", {"input": 1, "p": [], "method": "approximate"}, 7750301),
    ("$percentile", {"input": 1, "p": ["x"], "method": "approximate"}, 7750302),
    ("$percentile", {"input": 1, "p": [2], "method": "approximate"}, 7750303),
    ("$percentile", {"input": 1, "p": [NAN], "method": "approximate"}, 7750303),
    ("$percentile", {"input": 1, "p": [0.5], "method": 1}, 14),
    ("$percentile", {"input": 1, "p": [0.5], "method": "exact"}, 2),
    ("$median", 1, 7436100),
    ("$median", {"input": 1}, 40414),
    ("$median", {"input": 1, "method": "x"}, 2),
    ("$accumulator", {}, 2),
]


@pytest.mark.parametrize(("name", "spec", "code"), ERRORS)
def test_errors(name: str, spec: Any, code: int) -> None:
    assert code_of(name, spec) == code


@pytest.mark.parametrize(
    ("name", "value", "code"), [("$concatArrays", 1, 14), ("$setUnion", None, 14), ("$mergeObjects", 1, 40400)]
)
def test_values_of_the_wrong_type(name: str, value: Any, code: int) -> None:
    assert code_of(name, "$v", documents_of([value])) == code


def test_names_are_suggested() -> None:
    with pytest.raises(PipelineError) as caught:
        compile_accumulator("$summ", 1)
    assert caught.value.hint is not None
    assert "$sum" in caught.value.hint


def test_what_is_read_is_known() -> None:
    compiled = compile_accumulator("$top", {"output": "$a.b", "sortBy": {"c.d": 1}})
    assert compiled.fields_needed == {"a", "c"}
    assert compile_accumulator("$sum", "$$ROOT").fields_needed is None
    assert compile_accumulator("$count", {}).fields_needed == frozenset()
    assert compile_accumulator("$sum", "$v").argument.field_name == "v"
    assert set(ACCUMULATORS) >= {"$sum", "$avg", "$top", "$median"}

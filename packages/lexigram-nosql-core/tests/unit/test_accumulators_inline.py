"""Accumulators as expressions."""

from __future__ import annotations

import math
from decimal import Decimal
from typing import Any

import pytest
from bson import Int64
from lexigram.nosql.aggregation.expressions import compile_expression
from lexigram.nosql.exceptions import PipelineError
from lexigram.nosql.values.collation import Collation


def evaluate(expression: Any, document: dict[str, Any] | None = None) -> Any:
    return compile_expression(expression)(document or {}, {})


def code_of(expression: Any, document: dict[str, Any] | None = None) -> int | None:
    with pytest.raises(PipelineError) as caught:
        evaluate(expression, document)
    return caught.value.mongo_code


PERCENTILES = {"input": "$a", "p": [0.5, 1], "method": "approximate"}
RESULTS: list[tuple[Any, Any, Any]] = [
    ({"$sum": "$a"}, [1, 2.5, "x"], 3.5),
    ({"$sum": "$a"}, 5, 5),
    ({"$sum": "$a"}, "x", 0),
    ({"$sum": "$gone"}, None, 0),
    ({"$sum": ["$a", 1, None]}, 5, 6),
    ({"$sum": ["$a", 1]}, [5], 1),
    ({"$sum": [["$a", 1]]}, 5, 6),
    ({"$sum": []}, None, 0),
    ({"$sum": ["$a"]}, [1, [2], 3], 4),
    ({"$sum": "$a"}, [Int64(1), 1], Int64(2)),
    ({"$avg": "$a"}, [1, 2], 1.5),
    ({"$avg": "$a"}, [], None),
    ({"$avg": ["$a", 3]}, 1, 2.0),
    ({"$avg": "$a"}, [Decimal(1), 2], Decimal("1.5")),
    ({"$min": "$a"}, [3, 1, None], 1),
    ({"$max": "$a"}, [3, 1, "x"], "x"),
    ({"$max": ["$a", 2]}, 1, 2),
    ({"$max": ["$a", 2]}, [1], [1]),
    ({"$min": ["$gone", None]}, 1, None),
    ({"$stdDevPop": "$a"}, [1, 3], 1.0),
    ({"$stdDevSamp": "$a"}, [1, 3], math.sqrt(2)),
    ({"$stdDevSamp": "$a"}, 1, None),
    ({"$stdDevPop": ["$a", 3]}, 1, 1.0),
    ({"$minN": {"n": 2, "input": "$a"}}, [3, None, 1, 2], [1, 2]),
    ({"$maxN": {"n": 2, "input": "$a"}}, [3, None, 1, 2], [3, 2]),
    ({"$firstN": {"n": 2, "input": "$a"}}, [3, None, 1], [3, None]),
    ({"$lastN": {"n": {"$add": [1, 1]}, "input": "$a"}}, [3, None, 1], [None, 1]),
    ({"$median": {"input": "$a", "method": "approximate"}}, [3, 1, 2], 2.0),
    ({"$median": {"input": "$a", "method": "approximate"}}, 7, 7.0),
    ({"$median": {"input": ["$a", 1, 9], "method": "approximate"}}, 7, 7.0),
    ({"$median": {"input": "$gone", "method": "approximate"}}, 7, None),
    ({"$percentile": PERCENTILES}, [3, 1, 2], [2.0, 3.0]),
    ({"$percentile": PERCENTILES}, "x", [None, None]),
]


@pytest.mark.parametrize(("expression", "value", "expected"), RESULTS)
def test_results(expression: Any, value: Any, expected: Any) -> None:
    result = evaluate(expression, {"a": value})
    assert result == expected
    assert type(result) is type(expected)


ERRORS: list[tuple[Any, int]] = [
    ({"$minN": 1}, 5787900),
    ({"$maxN": {"n": 1, "input": [1], "x": 1}}, 5787901),
    ({"$minN": {"n": "x", "input": [1]}}, 5787902),
    ({"$minN": {"n": 1.5, "input": [1]}}, 5787903),
    ({"$minN": {"n": 0, "input": [1]}}, 5787908),
    ({"$minN": {"input": [1]}}, 5787906),
    ({"$minN": {"n": 1}}, 5787907),
    ({"$firstN": 1}, 5787801),
    ({"$firstN": {"n": 1, "input": "x"}}, 5788200),
    ({"$lastN": {"n": 1, "input": "$gone"}}, 5788200),
    ({"$percentile": 1}, 7436200),
    ({"$percentile": {"input": [1]}}, 40414),
    ({"$percentile": {**PERCENTILES, "x": 1}}, 40415),
    ({"$percentile": {**PERCENTILES, "p": "$p"}}, 7750300),
    ({"$percentile": {**PERCENTILES, "p": [2]}}, 7750303),
    ({"$percentile": {**PERCENTILES, "method": "x"}}, 2),
    ({"$median": 1}, 7436201),
    ({"$median": {"input": [1], "method": 1}}, 14),
]


@pytest.mark.parametrize(("expression", "code"), ERRORS)
def test_errors(expression: Any, code: int) -> None:
    assert code_of(expression) == code


def test_a_collation_orders() -> None:
    collation = Collation("en", strength=2)
    document = {"a": ["b", "A"]}
    assert compile_expression({"$min": "$a"}, collation=collation)(document, {}) == "A"
    assert compile_expression({"$max": "$a"}, collation=collation)(document, {}) == "b"
    assert compile_expression({"$minN": {"n": 1, "input": "$a"}}, collation=collation)(document, {}) == ["A"]


def test_they_are_expressions_like_others() -> None:
    compiled = compile_expression({"$multiply": [{"$sum": "$a"}, {"$max": ["$b", 2]}]})
    assert compiled({"a": [1, 2], "b": 5}, {}) == 15
    assert compiled.fields_needed == {"a", "b"}
    assert compile_expression({"$sum": [1, 2]}).value == 3

"""Operators on arrays, sets and documents."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from bson import Int64
from lexigram.nosql.aggregation.expressions import compile_expression
from lexigram.nosql.aggregation.expressions.growth import MAX_ITEMS
from lexigram.nosql.exceptions import PipelineError
from lexigram.nosql.values.path import MISSING


def evaluate(expression: Any, document: dict[str, Any] | None = None, **variables: Any) -> Any:
    return compile_expression(expression, variables=variables)(document or {}, variables)


def code_of(expression: Any, document: dict[str, Any] | None = None) -> int | None:
    with pytest.raises(PipelineError) as caught:
        evaluate(expression, document)
    return caught.value.mongo_code


RESULTS: list[tuple[Any, dict[str, Any], Any]] = [
    ({"$arrayElemAt": ["$a", 0]}, {"a": [1, 2, 3]}, 1),
    ({"$arrayElemAt": ["$a", -1]}, {"a": [1, 2, 3]}, 3),
    ({"$arrayElemAt": ["$a", 3]}, {"a": [1, 2, 3]}, MISSING),
    ({"$arrayElemAt": ["$a", -4]}, {"a": [1, 2, 3]}, MISSING),
    ({"$arrayElemAt": ["$a", 1.0]}, {"a": [1, 2]}, 2),
    ({"$arrayElemAt": ["$a", Decimal(1)]}, {"a": [1, 2]}, 2),
    ({"$arrayElemAt": ["$a", Int64(1)]}, {"a": [1, 2]}, 2),
    ({"$arrayElemAt": ["$gone", 0]}, {}, None),
    ({"$arrayElemAt": ["$a", None]}, {"a": [1]}, None),
    ({"$first": "$a"}, {"a": [1, 2]}, 1),
    ({"$first": "$a"}, {"a": []}, MISSING),
    ({"$first": "$a"}, {"a": None}, None),
    ({"$last": "$a"}, {"a": [1, 2]}, 2),
    ({"$last": ["$a"]}, {"a": [1, 2]}, 2),
    ({"$arrayToObject": "$a"}, {"a": [["x", 1], ["y", 2], ["x", 3]]}, {"x": 3, "y": 2}),
    ({"$arrayToObject": "$a"}, {"a": [{"k": "x", "v": 1}, {"v": 2, "k": "y"}]}, {"x": 1, "y": 2}),
    ({"$arrayToObject": "$a"}, {"a": []}, {}),
    ({"$arrayToObject": "$a"}, {}, None),
    ({"$arrayToObject": [[["x.$y", 1]]]}, {}, {"x.$y": 1}),
    ({"$objectToArray": "$a"}, {"a": {"x": 1, "y": {"z": 2}}}, [{"k": "x", "v": 1}, {"k": "y", "v": {"z": 2}}]),
    ({"$objectToArray": "$a"}, {"a": None}, None),
    ({"$concatArrays": ["$a", [3], "$a"]}, {"a": [1, 2]}, [1, 2, 3, 1, 2]),
    ({"$concatArrays": ["$a", None]}, {"a": [1]}, None),
    ({"$concatArrays": []}, {}, []),
    ({"$in": [2, "$a"]}, {"a": [1, 2.0]}, True),
    ({"$in": ["$b", "$a"]}, {"a": [1, [2]], "b": [2]}, True),
    ({"$in": ["$b", ["x", "y"]]}, {"b": "y"}, True),
    ({"$in": ["$b", ["x", "y"]]}, {"b": 1}, False),
    ({"$in": ["$b", [None]]}, {}, False),
    ({"$in": ["$b", ["$c", 2]]}, {"b": 1, "c": 1}, True),
    ({"$in": [True, "$a"]}, {"a": [1]}, False),
    ({"$indexOfArray": ["$a", 2]}, {"a": [1, 2, 3, 2]}, 1),
    ({"$indexOfArray": ["$a", 2, 2]}, {"a": [1, 2, 3, 2]}, 3),
    ({"$indexOfArray": ["$a", 2, 2, 3]}, {"a": [1, 2, 3, 2]}, -1),
    ({"$indexOfArray": ["$a", 2, 9, 1]}, {"a": [1, 2]}, -1),
    ({"$indexOfArray": ["$a", 9]}, {"a": [1]}, -1),
    ({"$indexOfArray": ["$gone", 9]}, {}, None),
    ({"$isArray": "$a"}, {"a": []}, True),
    ({"$isArray": "$a"}, {"a": "x"}, False),
    ({"$isArray": ["$gone"]}, {}, False),
    ({"$range": [0, 10, 3]}, {}, [0, 3, 6, 9]),
    ({"$range": [0, 3]}, {}, [0, 1, 2]),
    ({"$range": [3, 0, -1]}, {}, [3, 2, 1]),
    ({"$range": [0, 3, -1]}, {}, []),
    ({"$range": [1.0, "$n"]}, {"n": Decimal(3)}, [1, 2]),
    ({"$reverseArray": "$a"}, {"a": [1, [2], 3]}, [3, [2], 1]),
    ({"$reverseArray": "$a"}, {}, None),
    ({"$size": "$a"}, {"a": [1, 2]}, 2),
    ({"$slice": ["$a", 2]}, {"a": [1, 2, 3]}, [1, 2]),
    ({"$slice": ["$a", -2]}, {"a": [1, 2, 3]}, [2, 3]),
    ({"$slice": ["$a", -9]}, {"a": [1, 2, 3]}, [1, 2, 3]),
    ({"$slice": ["$a", 0]}, {"a": [1, 2, 3]}, []),
    ({"$slice": ["$a", 1, 1]}, {"a": [1, 2, 3]}, [2]),
    ({"$slice": ["$a", -2, 1]}, {"a": [1, 2, 3]}, [2]),
    ({"$slice": ["$a", -9, 2]}, {"a": [1, 2, 3]}, [1, 2]),
    ({"$slice": ["$a", 9, 2]}, {"a": [1, 2, 3]}, []),
    ({"$slice": ["$gone", 1]}, {}, None),
    ({"$slice": ["$a", "$gone"]}, {"a": [1]}, None),
    ({"$slice": ["$a", 0, "$gone"]}, {"a": [1]}, None),
    ({"$zip": {"inputs": ["$a", "$b"]}}, {"a": [1, 2, 3], "b": ["x", "y"]}, [[1, "x"], [2, "y"]]),
    (
        {"$zip": {"inputs": ["$a", "$b"], "useLongestLength": True}},
        {"a": [1, 2], "b": ["x"]},
        [[1, "x"], [2, None]],
    ),
    (
        {"$zip": {"inputs": ["$a", "$b"], "useLongestLength": True, "defaults": [0, "$d"]}},
        {"a": [1], "b": ["x", "y"], "d": 9},
        [[1, "x"], [0, "y"]],
    ),
    (
        {"$zip": {"inputs": ["$a", "$b"], "useLongestLength": True, "defaults": ["$gone", 1]}},
        {"a": [1], "b": [2, 3]},
        [[1, 2], [None, 3]],
    ),
    ({"$zip": {"inputs": ["$a", "$gone"]}}, {"a": [1]}, None),
    ({"$map": {"input": "$a", "in": {"$add": ["$$this", 1]}}}, {"a": [1, 2]}, [2, 3]),
    ({"$map": {"input": "$a", "as": "x", "in": "$$x.n"}}, {"a": [{"n": 1}, {}]}, [1, None]),
    ({"$map": {"input": "$gone", "in": 1}}, {}, None),
    ({"$map": {"input": "$a", "in": 1}}, {"a": []}, []),
    ({"$map": {"input": [1, 2], "in": "$c"}}, {"c": 3}, [3, 3]),
    (
        {"$map": {"input": "$a", "as": "x", "in": {"$map": {"input": "$$x", "as": "y", "in": ["$$x", "$$y"]}}}},
        {"a": [[1, 2]]},
        [[[[1, 2], 1], [[1, 2], 2]]],
    ),
    ({"$filter": {"input": "$a", "cond": {"$gt": ["$$this", 1]}}}, {"a": [1, 2, 3]}, [2, 3]),
    ({"$filter": {"input": "$a", "as": "x", "cond": {"$gt": ["$$x", 1]}, "limit": 1}}, {"a": [1, 2, 3]}, [2]),
    ({"$filter": {"input": "$a", "cond": True, "limit": None}}, {"a": [1, 2]}, [1, 2]),
    ({"$filter": {"input": "$a", "cond": "$$this"}}, {"a": [0, 1, None, "x"]}, [1, "x"]),
    ({"$filter": {"input": "$gone", "cond": True}}, {}, None),
    ({"$filter": {"input": "$a", "cond": True, "limit": "bad"}}, {"a": []}, []),
    ({"$reduce": {"input": "$a", "initialValue": 0, "in": {"$add": ["$$value", "$$this"]}}}, {"a": [1, 2, 3]}, 6),
    ({"$reduce": {"input": "$a", "initialValue": "x", "in": "$$this"}}, {"a": []}, "x"),
    ({"$reduce": {"input": "$gone", "initialValue": 0, "in": 1}}, {}, None),
    (
        {"$reduce": {"input": "$a", "initialValue": [], "in": {"$concatArrays": ["$$value", "$$this"]}}},
        {"a": [[1], [2, 3]]},
        [1, 2, 3],
    ),
    (
        {"$reduce": {"input": "$a", "initialValue": {"n": 0}, "in": {"n": {"$add": ["$$value.n", "$$this"]}}}},
        {"a": [1, 2]},
        {"n": 3},
    ),
    ({"$sortArray": {"input": "$a", "sortBy": 1}}, {"a": [3, "x", None, 1.5]}, [None, 1.5, 3, "x"]),
    ({"$sortArray": {"input": "$a", "sortBy": -1}}, {"a": [1, 3, 2]}, [3, 2, 1]),
    (
        {"$sortArray": {"input": "$a", "sortBy": {"n": -1, "m": 1}}},
        {"a": [{"n": 1}, {"n": 2, "m": 2}, {"n": 2, "m": 1}, {}]},
        [{"n": 2, "m": 1}, {"n": 2, "m": 2}, {"n": 1}, {}],
    ),
    (
        {"$sortArray": {"input": "$a", "sortBy": {"n": 1}}},
        {"a": [{"n": [5, 1]}, {"n": 2}, {"n": []}, {"n": None}]},
        [{"n": []}, {"n": None}, {"n": [5, 1]}, {"n": 2}],
    ),
    (
        {"$sortArray": {"input": "$a", "sortBy": {"n": -1}}},
        {"a": [{"n": [5, 1]}, {"n": 6}, {"n": 2}]},
        [{"n": 6}, {"n": [5, 1]}, {"n": 2}],
    ),
    ({"$sortArray": {"input": "$gone", "sortBy": 1}}, {}, None),
    ({"$setDifference": ["$a", "$b"]}, {"a": [3, 1, 3, 2], "b": [2.0]}, [3, 1]),
    ({"$setDifference": ["$gone", [1]]}, {}, None),
    ({"$setEquals": ["$a", "$b"]}, {"a": [1, 2, 1], "b": [2, 1.0]}, True),
    ({"$setEquals": ["$a", "$b", [1]]}, {"a": [1], "b": [1]}, True),
    ({"$setEquals": ["$a", "$b"]}, {"a": [1], "b": [[1]]}, False),
    ({"$setIntersection": ["$a", "$b"]}, {"a": [3, 1, 2], "b": [2, 3]}, [2, 3]),
    ({"$setIntersection": ["$a", [], [1]]}, {"a": [1]}, []),
    ({"$setIntersection": ["$a", None]}, {"a": [1]}, None),
    ({"$setIntersection": []}, {}, []),
    ({"$setIsSubset": ["$a", [1, 2, 3]]}, {"a": [2, 2]}, True),
    ({"$setIsSubset": ["$a", [1]]}, {"a": [2]}, False),
    ({"$setUnion": ["$a", "$b"]}, {"a": [3, 1], "b": [2, 1.0]}, [1, 2, 3]),
    ({"$setUnion": ["$a", "$gone"]}, {"a": [1]}, None),
    ({"$mergeObjects": ["$a", {"y": 2}]}, {"a": {"x": 1, "y": 1}}, {"x": 1, "y": 2}),
    ({"$mergeObjects": "$a"}, {"a": [{"x": 1}, None, {"y": 2}]}, {"x": 1, "y": 2}),
    ({"$mergeObjects": ["$a", None]}, {}, {}),
    ({"$mergeObjects": []}, {}, {}),
    ({"$getField": "a.b"}, {"a.b": 1, "a": {"b": 2}}, 1),
    ({"$getField": "gone"}, {}, MISSING),
    ({"$getField": {"$literal": "$x"}}, {"$x": 3}, 3),
    ({"$getField": {"field": "n", "input": "$a"}}, {"a": {"n": 1}}, 1),
    ({"$getField": {"field": {"$const": "$n"}, "input": "$a"}}, {"a": {"$n": 1}}, 1),
    ({"$getField": {"field": "n", "input": "$a"}}, {"a": None}, None),
    ({"$getField": {"field": "n", "input": "$a"}}, {}, MISSING),
    ({"$getField": {"field": "n", "input": "$a"}}, {"a": 5}, MISSING),
    ({"$getField": "$a"}, {"a": "b.c", "b.c": 7}, 7),
    ({"$getField": {"$concat": ["$a", ".", "c"]}}, {"a": "b", "b.c": 7}, 7),
    ({"$getField": {"$concat": ["a", "b"]}}, {"ab": 7}, 7),
    ({"$getField": {"field": "$a", "input": "$b"}}, {"a": "x", "b": {"x": 1}}, 1),
    ({"$getField": {"field": "$a", "input": "$b"}}, {"a": "x", "b": {}}, MISSING),
    ({"$getField": {"field": "$a", "input": "$b"}}, {"a": "x", "b": None}, None),
    ({"$getField": {"field": "$a", "input": "$b"}}, {"a": "x"}, MISSING),
    ({"$map": {"input": ["x", "y"], "in": {"$getField": "$$this"}}}, {"x": 1, "y": 2}, [1, 2]),
    ({"$setField": {"field": "a.b", "input": "$$ROOT", "value": 1}}, {"x": 0}, {"x": 0, "a.b": 1}),
    ({"$setField": {"field": "x", "input": "$$ROOT", "value": "$$REMOVE"}}, {"x": 0, "y": 1}, {"y": 1}),
    ({"$setField": {"field": "x", "input": None, "value": 1}}, {}, None),
    ({"$unsetField": {"field": "x", "input": "$a"}}, {"a": {"x": 1, "y": 2}}, {"y": 2}),
    ({"$unsetField": {"field": "gone", "input": "$a"}}, {"a": {"x": 1}}, {"x": 1}),
]


@pytest.mark.parametrize(("expression", "document", "expected"), RESULTS)
def test_operators_on_arrays_and_documents(expression: Any, document: dict[str, Any], expected: Any) -> None:
    """Each operator on what it takes, on null and on missing; the document is not changed."""
    before = repr(document)
    result = evaluate(expression, document)
    assert result is MISSING if expected is MISSING else result == expected
    assert type(result) is type(expected)
    assert repr(document) == before


@pytest.mark.parametrize(
    ("expression", "document", "code"),
    [
        ({"$arrayElemAt": ["$a", 0]}, {"a": 1}, 28689),
        ({"$arrayElemAt": ["$a", "x"]}, {"a": [1]}, 28690),
        ({"$arrayElemAt": ["$a", 1.5]}, {"a": [1]}, 28691),
        ({"$arrayElemAt": ["$a", 2**40]}, {"a": [1]}, 28691),
        ({"$first": "$a"}, {"a": 1}, 28689),
        ({"$first": [1, 2]}, {}, 16020),
        ({"$arrayToObject": "$a"}, {"a": 1}, 40386),
        ({"$arrayToObject": "$a"}, {"a": [1]}, 40398),
        ({"$arrayToObject": "$a"}, {"a": [["x", 1], {}]}, 40396),
        ({"$arrayToObject": "$a"}, {"a": [["x"]]}, 40397),
        ({"$arrayToObject": "$a"}, {"a": [[1, 2]]}, 40395),
        ({"$arrayToObject": "$a"}, {"a": [["x\0", 2]]}, 4940400),
        ({"$arrayToObject": "$a"}, {"a": [{"k": "x", "v": 1}, []]}, 40391),
        ({"$arrayToObject": "$a"}, {"a": [{"k": "x"}]}, 40392),
        ({"$arrayToObject": "$a"}, {"a": [{"k": "x", "z": 1}]}, 40393),
        ({"$arrayToObject": "$a"}, {"a": [{"k": 1, "v": 1}]}, 40394),
        ({"$arrayToObject": "$a"}, {"a": [{"k": "\0", "v": 1}]}, 4940401),
        ({"$objectToArray": "$a"}, {"a": []}, 40390),
        ({"$concatArrays": ["$a"]}, {"a": 1}, 28664),
        ({"$in": [1, "$a"]}, {"a": 1}, 40081),
        ({"$in": [1, 2]}, {}, 40081),
        ({"$in": [1]}, {}, 16020),
        ({"$indexOfArray": ["$a", 1]}, {"a": 1}, 40090),
        ({"$indexOfArray": ["$a", 1, "x"]}, {"a": [1]}, 40096),
        ({"$indexOfArray": ["$a", 1, 0, -1]}, {"a": [1]}, 40097),
        ({"$indexOfArray": ["$a"]}, {"a": [1]}, 28667),
        ({"$range": ["x", 1]}, {}, 34443),
        ({"$range": [1.5, 1]}, {}, 34444),
        ({"$range": [1, "$gone"]}, {}, 34445),
        ({"$range": [1, 1.5]}, {}, 34446),
        ({"$range": [1, 2, "x"]}, {}, 34447),
        ({"$range": [1, 2, 1.5]}, {}, 34448),
        ({"$range": [1, 2, 0]}, {}, 34449),
        ({"$range": [0, MAX_ITEMS + 1]}, {}, 146),
        ({"$reverseArray": "$a"}, {"a": 1}, 34435),
        ({"$size": "$gone"}, {}, 17124),
        ({"$slice": ["$a", 1]}, {"a": 1}, 28724),
        ({"$slice": ["$a", "x"]}, {"a": [1]}, 28725),
        ({"$slice": ["$a", 1.5]}, {"a": [1]}, 28726),
        ({"$slice": ["$a", 1, "x"]}, {"a": [1]}, 28727),
        ({"$slice": ["$a", 1, 1.5]}, {"a": [1]}, 28728),
        ({"$slice": ["$a", 1, 0]}, {"a": [1]}, 28729),
        ({"$zip": 1}, {}, 34460),
        ({"$zip": {"inputs": 1}}, {}, 34461),
        ({"$zip": {"inputs": [[1]], "defaults": 1, "useLongestLength": True}}, {}, 34462),
        ({"$zip": {"inputs": [[1]], "useLongestLength": 1}}, {}, 34463),
        ({"$zip": {"inputs": [[1]], "x": 1}}, {}, 34464),
        ({"$zip": {"inputs": []}}, {}, 34465),
        ({"$zip": {"inputs": [[1]], "defaults": [1]}}, {}, 34466),
        ({"$zip": {"inputs": [[1]], "defaults": [1, 2], "useLongestLength": True}}, {}, 34467),
        ({"$zip": {"inputs": ["$a"]}}, {"a": 1}, 34468),
        ({"$map": 1}, {}, 16878),
        ({"$map": {"input": [], "in": 1, "x": 1}}, {}, 16879),
        ({"$map": {"in": 1}}, {}, 16880),
        ({"$map": {"input": []}}, {}, 16882),
        ({"$map": {"input": "$a", "in": 1}}, {"a": 1}, 16883),
        ({"$map": {"input": [], "as": "A", "in": 1}}, {}, 9),
        ({"$map": {"input": [], "as": 1, "in": 1}}, {}, 9),
        ({"$filter": 1}, {}, 28646),
        ({"$filter": {"input": [], "cond": 1, "x": 1}}, {}, 28647),
        ({"$filter": {"cond": 1}}, {}, 28648),
        ({"$filter": {"input": []}}, {}, 28650),
        ({"$filter": {"input": "$a", "cond": 1}}, {"a": 1}, 28651),
        ({"$filter": {"input": "$a", "cond": 1, "limit": 1.5}}, {"a": [1]}, 327391),
        ({"$filter": {"input": "$a", "cond": 1, "limit": 0}}, {"a": [1]}, 327392),
        ({"$reduce": 1}, {}, 40075),
        ({"$reduce": {"input": [], "initialValue": 1, "in": 1, "x": 1}}, {}, 40076),
        ({"$reduce": {"initialValue": 1, "in": 1}}, {}, 40077),
        ({"$reduce": {"input": [], "in": 1}}, {}, 40078),
        ({"$reduce": {"input": [], "initialValue": 1}}, {}, 40079),
        ({"$reduce": {"input": "$a", "initialValue": 1, "in": 1}}, {"a": 1}, 40080),
        ({"$sortArray": 1}, {}, 2942500),
        ({"$sortArray": {"input": [], "sortBy": 1, "x": 1}}, {}, 2942501),
        ({"$sortArray": {"sortBy": 1}}, {}, 2942502),
        ({"$sortArray": {"input": []}}, {}, 2942503),
        ({"$sortArray": {"input": "$a", "sortBy": 1}}, {"a": 1}, 2942504),
        ({"$sortArray": {"input": [], "sortBy": {}}}, {}, 2942505),
        ({"$sortArray": {"input": [], "sortBy": {"a": 2}}}, {}, 2942505),
        ({"$sortArray": {"input": [], "sortBy": {1: 1}}}, {}, 2942505),
        ({"$sortArray": {"input": [], "sortBy": {"a": "x"}}}, {}, 2942505),
        ({"$sortArray": {"input": [], "sortBy": 2}}, {}, 2942506),
        ({"$sortArray": {"input": [], "sortBy": "x"}}, {}, 2942507),
        ({"$setDifference": [1, []]}, {}, 17048),
        ({"$setDifference": [[], 1]}, {}, 17049),
        ({"$setEquals": [[], 1]}, {}, 17044),
        ({"$setEquals": [[]]}, {}, 17045),
        ({"$setIntersection": [1]}, {}, 17047),
        ({"$setIsSubset": ["$gone", []]}, {}, 17046),
        ({"$setIsSubset": [[], None]}, {}, 17042),
        ({"$setUnion": [1]}, {}, 17043),
        ({"$mergeObjects": [1]}, {}, 40400),
        ({"$mergeObjects": [{"a": 1}, [1]]}, {}, 40400),
        ({"$getField": {"input": {}}}, {}, 3041702),
        ({"$getField": {"field": "a"}}, {}, 3041703),
        ({"$getField": {"field": "a", "input": {}, "x": 1}}, {}, 3041701),
        ({"$getField": "$a"}, {}, 3041704),
        ({"$getField": "$a"}, {"a": 5}, 3041704),
        ({"$getField": {"field": "$a.b", "input": {}}}, {"a": {"b": None}}, 3041704),
        ({"$getField": {"field": "$a", "input": None}}, {"a": []}, 3041704),
        ({"$getField": {"field": {"a": 1}, "input": {}}}, {}, 3041704),
        ({"$getField": 5}, {}, 3041704),
        ({"$getField": {"$const": True}}, {}, 3041704),
        ({"$setField": 1}, {}, 4161100),
        ({"$setField": {"field": "a", "input": {}, "value": 1, "x": 1}}, {}, 4161101),
        ({"$setField": {"input": {}, "value": 1}}, {}, 4161102),
        ({"$setField": {"field": "a", "input": {}}}, {}, 4161103),
        ({"$setField": {"field": "a", "value": 1}}, {}, 4161109),
        ({"$setField": {"field": "$a", "input": {}, "value": 1}}, {}, 4161108),
        ({"$setField": {"field": {"$concat": ["a"]}, "input": {}, "value": 1}}, {}, 4161106),
        ({"$setField": {"field": 1, "input": {}, "value": 1}}, {}, 4161107),
        ({"$setField": {"field": "a", "input": 1, "value": 1}}, {}, 4161105),
        ({"$unsetField": {"field": "a", "input": {}, "value": 1}}, {}, 4161101),
    ],
)
def test_faults_have_mongodbs_codes(expression: Any, document: dict[str, Any], code: int) -> None:
    """Found when compiling, or when evaluating where they depend on the document."""
    assert code_of(expression, document) == code


def test_variables_of_an_iteration_end_with_it() -> None:
    """Names are in sight in the body only, and hide outer ones there."""
    assert code_of({"$add": [{"$size": {"$map": {"input": [1], "in": 1}}}, "$$this"]}) == 17276
    nested = {"$map": {"input": "$a", "in": {"$reduce": {"input": "$$this", "initialValue": 0, "in": "$$this"}}}}
    assert evaluate(nested, {"a": [[1, 2], [3]]}) == [2, 3]
    assert evaluate({"$map": {"input": [1], "in": ["$$this", "$$v"]}}, v=9) == [[1, 9]]
    compiled = compile_expression({"$map": {"input": "$a", "as": "x", "in": ["$$x", "$$v"]}}, variables=("v",))
    assert compiled.variables_needed == {"v"}
    assert compile_expression({"$map": {"input": [1, 2], "in": 7}}).value == [7, 7]


def loop(times: int, step: Any, start: Any) -> dict[str, Any]:
    return {"$reduce": {"input": {"$range": [0, times]}, "initialValue": start, "in": step}}


@pytest.mark.parametrize(
    ("expression", "code"),
    [
        (loop(1000, ["$$value"], 1), 15),
        (loop(100, ["$$value", "$$value"], 1), 10334),
        (loop(100, {"a": "$$value", "b": {"c": "$$value", "d": "$$value"}}, 1), 10334),
        (loop(100, {"$concat": ["$$value", "$$value"]}, "a"), 10334),
        (loop(100, {"$concatArrays": ["$$value", "$$value"]}, [1]), 146),
        (loop(100, {"$let": {"vars": {"v": "$$value"}, "in": ["$$v", "$$v"]}}, 1), 10334),
        (loop(100, {"$map": {"input": [1, 2, 3], "in": "$$value"}}, 1), 10334),
        (loop(60, {"$replaceAll": {"input": "$$value", "find": "a", "replacement": "aa"}}, "a"), 10334),
    ],
)
def test_a_loop_cannot_build_what_no_document_holds(expression: Any, code: int) -> None:
    """Values that double with each step are stopped long before they are walked."""
    assert code_of(expression) == code


def test_definitions_inside_definitions_cannot_either() -> None:
    """A loop that is written out is stopped as well."""
    nested: Any = "$$a"
    for _ in range(60):
        nested = {"$let": {"vars": {"a": ["$$a", "$$a"]}, "in": nested}}
    assert code_of({"$let": {"vars": {"a": "$x"}, "in": nested}}) == 10334
    small: Any = "$$a"
    for _ in range(12):
        small = {"$let": {"vars": {"a": {"b": "$$a"}}, "in": small}}
    assert evaluate({"$let": {"vars": {"a": 1}, "in": small}}) != 1


def test_long_loops_over_ordinary_values_work() -> None:
    """The limits are far above what documents hold."""
    assert evaluate(loop(500, {"$concatArrays": ["$$value", ["$$this"]]}, [])) == list(range(500))
    grouped = evaluate(
        loop(300, {"$mergeObjects": ["$$value", {"$arrayToObject": [[[{"$toString": "$$this"}, ["$$this"]]]]}]}, {})
    )
    assert len(grouped) == 300

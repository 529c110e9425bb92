"""Operators on strings and regular expressions."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from bson import Code, Int64, ObjectId, Regex, Timestamp
from lexigram.nosql.aggregation.expressions import compile_expression
from lexigram.nosql.aggregation.expressions.growth import MAX_TEXT
from lexigram.nosql.exceptions import PipelineError


def evaluate(expression: Any, document: dict[str, Any] | None = None, **variables: Any) -> Any:
    return compile_expression(expression, variables=variables)(document or {}, variables)


def code_of(expression: Any, document: dict[str, Any] | None = None) -> int | None:
    with pytest.raises(PipelineError) as caught:
        evaluate(expression, document)
    return caught.value.mongo_code


NEW_YEAR = datetime(2024, 1, 1, 10, 30, tzinfo=UTC)

RESULTS: list[tuple[Any, dict[str, Any], Any]] = [
    ({"$concat": ["$a", "-", "$b"]}, {"a": "x", "b": "y"}, "x-y"),
    ({"$concat": ["$a", "-", "$gone"]}, {"a": "x"}, None),
    ({"$concat": []}, {}, ""),
    ({"$concat": "$a"}, {"a": "x"}, "x"),
    ({"$toLower": "$a"}, {"a": "ABC É"}, "abc É"),
    ({"$toUpper": "$a"}, {"a": "abc é ß"}, "ABC é ß"),
    ({"$toLower": "$gone"}, {}, ""),
    ({"$toUpper": "$a"}, {"a": None}, ""),
    ({"$toUpper": ["$a"]}, {"a": 12}, "12"),
    ({"$toLower": "$a"}, {"a": Int64(12)}, "12"),
    ({"$toLower": "$a"}, {"a": 2.5}, "2.5"),
    ({"$toLower": "$a"}, {"a": Decimal("1.50")}, "1.50"),
    ({"$toLower": "$a"}, {"a": NEW_YEAR}, "2024-01-01t10:30:00.000z"),
    ({"$toUpper": "$a"}, {"a": Timestamp(1704105000, 31)}, "JAN  1 10:30:00:1F"),
    ({"$toUpper": "$a"}, {"a": Code("x + 1")}, "X + 1"),
    ({"$strcasecmp": ["$a", "$b"]}, {"a": "abc", "b": "ABC"}, 0),
    ({"$strcasecmp": ["$a", "$b"]}, {"a": "abc", "b": "ABD"}, -1),
    ({"$strcasecmp": ["$a", "$gone"]}, {"a": "abc"}, 1),
    ({"$strcasecmp": ["$gone", None]}, {}, 0),
    ({"$substr": ["$a", 1, 2]}, {"a": "abcd"}, "bc"),
    ({"$substrBytes": ["$a", 1, -1]}, {"a": "abcd"}, "bcd"),
    ({"$substrBytes": ["$a", 9, 2]}, {"a": "abcd"}, ""),
    ({"$substrBytes": ["$a", 0, 3]}, {"a": "éa"}, "éa"),
    ({"$substrBytes": ["$a", 1.9, Decimal("2.9")]}, {"a": "abcd"}, "bc"),
    ({"$substrBytes": ["$gone", 0, 3]}, {}, ""),
    ({"$substrBytes": [1234, 0, 2]}, {}, "12"),
    ({"$substrCP": ["$a", 1, 2]}, {"a": "éèêë"}, "èê"),
    ({"$substrCP": ["$a", 1, 20]}, {"a": "éèêë"}, "èêë"),
    ({"$substrCP": ["$a", 9, 2]}, {"a": "abcd"}, ""),
    ({"$substrCP": ["$gone", 0, 2]}, {}, ""),
    ({"$strLenBytes": "$a"}, {"a": "é€a😀"}, 10),
    ({"$strLenCP": "$a"}, {"a": "é€a😀"}, 4),
    ({"$strLenCP": ""}, {}, 0),
    ({"$indexOfBytes": ["$a", "b"]}, {"a": "éab"}, 3),
    ({"$indexOfBytes": ["$a", "z"]}, {"a": "éab"}, -1),
    ({"$indexOfBytes": ["$a", "a", 1]}, {"a": "aba"}, 2),
    ({"$indexOfBytes": ["$a", "a", 1, 2]}, {"a": "aba"}, -1),
    ({"$indexOfBytes": ["$a", "a", 5]}, {"a": "aba"}, -1),
    ({"$indexOfBytes": ["$a", "a", 2, 1]}, {"a": "aba"}, -1),
    ({"$indexOfBytes": ["$gone", "a"]}, {}, None),
    ({"$indexOfBytes": ["", ""]}, {}, 0),
    ({"$indexOfCP": ["$a", "b"]}, {"a": "éab"}, 2),
    ({"$indexOfCP": ["$a", "a", 1]}, {"a": "aba"}, 2),
    ({"$indexOfCP": ["$a", "a", 1, 2]}, {"a": "aba"}, -1),
    ({"$indexOfCP": ["$a", "ba", 0, 2]}, {"a": "aba"}, 1),
    ({"$indexOfCP": ["", ""]}, {}, 0),
    ({"$indexOfCP": ["", "", 3]}, {}, -1),
    ({"$indexOfCP": [None, "a"]}, {}, None),
    ({"$split": ["$a", ", "]}, {"a": "x, y, z"}, ["x", "y", "z"]),
    ({"$split": ["$a", "-"]}, {"a": "-x-"}, ["", "x", ""]),
    ({"$split": ["$a", "-"]}, {"a": "x"}, ["x"]),
    ({"$split": ["$gone", "-"]}, {}, None),
    ({"$split": ["x", None]}, {}, None),
    ({"$trim": {"input": "$a"}}, {"a": " \n x y\t\u2003\0"}, "x y"),
    ({"$trim": {"input": "$a"}}, {"a": "\u3000x"}, "\u3000x"),
    ({"$ltrim": {"input": "$a"}}, {"a": "  x  "}, "x  "),
    ({"$rtrim": {"input": "$a"}}, {"a": "  x  "}, "  x"),
    ({"$trim": {"input": "$a", "chars": "xy"}}, {"a": "yxaxy"}, "a"),
    ({"$trim": {"input": "$a", "chars": ""}}, {"a": " x "}, " x "),
    ({"$trim": {"input": "$a", "chars": "$gone"}}, {"a": "x"}, None),
    ({"$trim": {"input": "$gone"}}, {}, None),
    ({"$replaceOne": {"input": "$a", "find": "x", "replacement": "yy"}}, {"a": "axx"}, "ayyx"),
    ({"$replaceAll": {"input": "$a", "find": "x", "replacement": "yy"}}, {"a": "axx"}, "ayyyy"),
    ({"$replaceAll": {"input": "$a", "find": "", "replacement": "-"}}, {"a": "ab"}, "-a-b-"),
    ({"$replaceOne": {"input": "$a", "find": "x", "replacement": None}}, {"a": "axx"}, None),
    ({"$replaceOne": {"input": "$gone", "find": "x", "replacement": "y"}}, {}, None),
    ({"$replaceOne": {"input": "a", "find": None, "replacement": "y"}}, {}, None),
]


@pytest.mark.parametrize(("expression", "document", "expected"), RESULTS)
def test_results(expression: Any, document: dict[str, Any], expected: Any) -> None:
    result = evaluate(expression, document)
    assert result == expected
    assert type(result) is type(expected)


ERRORS: list[tuple[Any, int]] = [
    ({"$concat": ["a", 1]}, 16702),
    ({"$toLower": [["a"]]}, 16007),
    ({"$toUpper": {"$literal": {"a": 1}}}, 16007),
    ({"$strcasecmp": ["a"]}, 16020),
    ({"$strcasecmp": ["a", ObjectId()]}, 16007),
    ({"$substr": ["a", 1]}, 16020),
    ({"$substrBytes": ["a", "1", 1]}, 16034),
    ({"$substrBytes": ["a", 1, "1"]}, 16035),
    ({"$substrBytes": ["a", -1, 1]}, 50752),
    ({"$substrBytes": ["a", 1e300, 1]}, 31109),
    ({"$substrBytes": ["a", float("nan"), 1]}, 31109),
    ({"$substrBytes": ["éa", 1, 1]}, 28656),
    ({"$substrBytes": ["éa", 0, 1]}, 28657),
    ({"$substrCP": ["a", "1", 1]}, 34450),
    ({"$substrCP": ["a", 1.5, 1]}, 34451),
    ({"$substrCP": ["a", 1, "1"]}, 34452),
    ({"$substrCP": ["a", 1, 1.5]}, 34453),
    ({"$substrCP": ["a", 1, -1]}, 34454),
    ({"$substrCP": ["a", -1, 1]}, 34455),
    ({"$strLenBytes": 1}, 34473),
    ({"$strLenBytes": "$gone"}, 34473),
    ({"$strLenCP": None}, 34471),
    ({"$indexOfBytes": ["a"]}, 28667),
    ({"$indexOfBytes": [1, "a"]}, 40091),
    ({"$indexOfBytes": ["a", 1]}, 40092),
    ({"$indexOfBytes": ["a", "a", "x"]}, 40096),
    ({"$indexOfBytes": ["a", "a", -1]}, 40097),
    ({"$indexOfCP": [1, "a"]}, 40093),
    ({"$indexOfCP": ["a", "$gone"]}, 40094),
    ({"$indexOfCP": ["a", "a", 0, 1.5]}, 40096),
    ({"$split": [1, "a"]}, 40085),
    ({"$split": ["a", 1]}, 40086),
    ({"$split": ["a", ""]}, 40087),
    ({"$trim": "a"}, 50696),
    ({"$trim": {"input": "a", "x": 1}}, 50694),
    ({"$trim": {"chars": "a"}}, 50695),
    ({"$trim": {"input": 1}}, 50699),
    ({"$ltrim": {"input": "a", "chars": 1}}, 50700),
    ({"$replaceOne": "a"}, 51751),
    ({"$replaceOne": {"input": "a", "find": "a", "replacement": "a", "x": 1}}, 51750),
    ({"$replaceOne": {"find": "a", "replacement": "a"}}, 51749),
    ({"$replaceOne": {"input": "a", "replacement": "a"}}, 51748),
    ({"$replaceOne": {"input": "a", "find": "a"}}, 51747),
    ({"$replaceAll": {"input": 1, "find": "a", "replacement": "a"}}, 51746),
    ({"$replaceAll": {"input": "a", "find": 1, "replacement": "a"}}, 51745),
    ({"$replaceAll": {"input": "a", "find": "a", "replacement": 1}}, 51744),
]


@pytest.mark.parametrize(("expression", "code"), ERRORS)
def test_errors(expression: Any, code: int) -> None:
    assert code_of(expression) == code


def test_texts_do_not_grow_without_end() -> None:
    document = {"a": "x" * (MAX_TEXT // 2 + 1)}
    with pytest.raises(PipelineError):
        evaluate({"$concat": ["$a", "$a"]}, document)
    with pytest.raises(PipelineError):
        evaluate({"$replaceAll": {"input": "$a", "find": "x", "replacement": "yyy"}}, document)


FIND_RESULTS: list[tuple[Any, dict[str, Any], Any]] = [
    (
        {"$regexFind": {"input": "$a", "regex": "(b)(x)?"}},
        {"a": "éabc"},
        {"match": "b", "idx": 2, "captures": ["b", None]},
    ),
    ({"$regexFind": {"input": "$a", "regex": "z"}}, {"a": "abc"}, None),
    ({"$regexFind": {"input": "$gone", "regex": "z"}}, {}, None),
    ({"$regexFind": {"input": "$a", "regex": None}}, {"a": "abc"}, None),
    (
        {"$regexFind": {"input": "$a", "regex": "$r", "options": "$o"}},
        {"a": "ABC", "r": "b", "o": "i"},
        {"match": "B", "idx": 1, "captures": []},
    ),
    (
        {"$regexFind": {"input": "$a", "regex": "$r"}},
        {"a": "ABC", "r": re.compile("b", re.IGNORECASE)},
        {"match": "B", "idx": 1, "captures": []},
    ),
    (
        {"$regexFind": {"input": "$a", "regex": Regex("b", "i"), "options": None}},
        {"a": "ABC"},
        {"match": "B", "idx": 1, "captures": []},
    ),
    (
        {"$regexFindAll": {"input": "$a", "regex": "a|b"}},
        {"a": "a-b"},
        [{"match": "a", "idx": 0, "captures": []}, {"match": "b", "idx": 2, "captures": []}],
    ),
    (
        {"$regexFindAll": {"input": "$a", "regex": "x*"}},
        {"a": "ab"},
        [{"match": "", "idx": 0, "captures": []}, {"match": "", "idx": 1, "captures": []}],
    ),
    ({"$regexFindAll": {"input": "", "regex": "x*"}}, {}, [{"match": "", "idx": 0, "captures": []}]),
    ({"$regexFindAll": {"input": "$gone", "regex": "a"}}, {}, []),
    ({"$regexFindAll": {"input": "a", "regex": "$gone"}}, {}, []),
    ({"$regexMatch": {"input": "$a", "regex": "^a.c$", "options": "s"}}, {"a": "a\nc"}, True),
    ({"$regexMatch": {"input": "$a", "regex": "^a"}}, {"a": "ba"}, False),
    ({"$regexMatch": {"input": None, "regex": "^a"}}, {}, False),
    ({"$regexMatch": {"input": "a", "regex": "$gone", "options": "i"}}, {}, False),
    ({"$regexMatch": {"input": "$a", "regex": "^b", "options": "m"}}, {"a": "a\nb"}, True),
    ({"$regexMatch": {"input": "$a", "regex": "a b # c", "options": "x"}}, {"a": "ab"}, True),
    ({"$regexMatch": {"input": "$a", "regex": "^(a+)+$"}}, {"a": "a" * 30_000 + "b"}, False),
]


@pytest.mark.parametrize(("expression", "document", "expected"), FIND_RESULTS)
def test_regular_expressions(expression: Any, document: dict[str, Any], expected: Any) -> None:
    assert evaluate(expression, document) == expected


FIND_ERRORS: list[tuple[Any, int]] = [
    ({"$regexFind": "a"}, 51103),
    ({"$regexFind": {"regex": "a"}}, 31022),
    ({"$regexFind": {"input": "a"}}, 31023),
    ({"$regexFind": {"input": "a", "regex": "a", "x": 1}}, 31024),
    ({"$regexFindAll": {"input": 1, "regex": "a"}}, 51104),
    ({"$regexFindAll": {"input": "a", "regex": 1}}, 51105),
    ({"$regexMatch": {"input": "a", "regex": "a", "options": 1}}, 51106),
    ({"$regexMatch": {"input": "a", "regex": Regex("a", "i"), "options": "i"}}, 51107),
    ({"$regexMatch": {"input": "a", "regex": "a", "options": "q"}}, 51108),
    ({"$regexMatch": {"input": "a", "regex": "a\0"}}, 51109),
    ({"$regexMatch": {"input": "a", "regex": "a", "options": "i\0"}}, 51110),
    ({"$regexMatch": {"input": "a", "regex": "(a"}}, 51111),
    ({"$regexFind": {"input": "a" * 30_000, "regex": "(a+)+$"}}, 51156),
    ({"$regexMatch": {"input": "a" * 30_000, "regex": r"(a*)(a*)\1b"}}, 51156),
]


@pytest.mark.parametrize(("expression", "code"), FIND_ERRORS)
def test_regular_expression_errors(expression: Any, code: int) -> None:
    assert code_of(expression) == code

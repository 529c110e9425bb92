"""What each operator of a filter means, case by case."""

from __future__ import annotations

import re
import uuid
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import bson
import pytest
from lexigram.nosql.query.interpret import Context, document_matcher
from lexigram.nosql.query.parse import parse_filter
from lexigram.nosql.values.normalise import normalise_document

NAN = float("nan")
INF = float("inf")
DAY = datetime(2026, 1, 2, tzinfo=UTC)
MISSING: dict[str, Any] = {}


def check(filter: dict[str, Any], holds: list[Any], fails: list[Any]) -> None:
    """Values are put into the field ``a``; dicts that name it are documents as they are."""

    def document(value: Any) -> dict[str, Any]:
        is_document = isinstance(value, dict) and (not value or "a" in value)
        return normalise_document(value if is_document else {"a": value})

    query = parse_filter(filter)
    interpreted = document_matcher(query.root, Context(query.collation))
    good, bad = [document(value) for value in holds], [document(value) for value in fails]
    for matches in (query.matches, interpreted):
        assert [d for d in good if not matches(d)] == [], "should match"
        assert [d for d in bad if matches(d)] == [], "should not match"
    assert query.select(good + bad) == good
    assert query.count(good + bad) == len(good)


@pytest.mark.parametrize(
    ("filter", "holds", "fails"),
    [
        # equality, by kind of constant
        (
            {"a": 1},
            [1, 1.0, Decimal(1), bson.Int64(1), bson.Decimal128("1"), [2, 1]],
            [True, "1", None, MISSING, [[1]], 2],
        ),
        ({"a": 1.5}, [1.5, Decimal("1.5"), [1.5]], [1, "1.5", MISSING]),
        ({"a": Decimal("1.5")}, [1.5, Decimal("1.50"), bson.Decimal128("1.5"), [1.5]], [1, NAN, Decimal("NaN"), "1.5"]),
        ({"a": 0}, [0, -0.0, Decimal("-0")], [False, None]),
        ({"a": NAN}, [NAN, Decimal("NaN"), bson.Decimal128("NaN"), [NAN]], [0, INF, None, MISSING]),
        ({"a": INF}, [INF, Decimal("Infinity")], [-INF, NAN]),
        ({"a": 2**53 + 1}, [2**53 + 1], [2.0**53]),
        ({"a": "x"}, ["x", ["x"], ["y", "x"]], ["X", ["xx"], [["x"]], MISSING, bson.Code("x")]),
        ({"a": True}, [True, [True]], [1, 1.0, "true", False]),
        ({"a": False}, [False, [1, False]], [0, None, MISSING]),
        ({"a": None}, [None, MISSING, [None], [1, None]], [0, False, [], [[None]], "", {"x": 1}]),
        ({"a": b"x"}, [b"x", bson.Binary(b"x", 0), [b"x"]], [bson.Binary(b"x", 5), "x"]),
        ({"a": bson.Binary(b"x", 5)}, [bson.Binary(b"x", 5)], [b"x"]),
        (
            {"a": uuid.UUID(int=7)},
            [uuid.UUID(int=7), bson.Binary.from_uuid(uuid.UUID(int=7)), [uuid.UUID(int=7)]],
            [uuid.UUID(int=8), b"x", bson.Binary(b"0" * 16, 0)],
        ),
        ({"a": DAY}, [DAY, bson.datetime_ms.DatetimeMS(1767312000000), [DAY]], [DAY.isoformat(), bson.Timestamp(1, 1)]),
        ({"a": bson.ObjectId("0" * 24)}, [bson.ObjectId("0" * 24), [bson.ObjectId("0" * 24)]], ["0" * 24]),
        ({"a": bson.Timestamp(1, 2)}, [bson.Timestamp(1, 2)], [bson.Timestamp(2, 1)]),
        ({"a": bson.MinKey()}, [bson.MinKey(), [bson.MinKey()]], [None, bson.MaxKey(), MISSING]),
        ({"a": {"x": 1}}, [{"x": 1.0}, [{"x": 1}]], [{"x": 1, "y": 2}, {"y": 1}, {"x": True}, MISSING]),
        ({"a": {"x": 1, "y": 2}}, [{"x": 1, "y": 2}], [{"y": 2, "x": 1}]),
        ({"a": {}}, [{"a": {}}, [{}]], [None, MISSING, {"x": 1}, []]),
        ({"a": {"b": {"$gt": 1}}}, [{"b": {"$gt": 1}}], [{"b": 2}]),
        ({"a": [1, 2]}, [[1, 2], [1.0, 2], [[1, 2]], [[1, 2], 3]], [[2, 1], [1], [1, 2, 3], 1]),
        ({"a": []}, [[], [[]], [1, []]], [None, MISSING, [1], {}]),
        ({"a": bson.DBRef("c", 1)}, [bson.DBRef("c", 1), {"a": {"$ref": "c", "$id": 1}}], [bson.DBRef("c", 2)]),
        ({"a": {"$ref": "c", "$id": 1}}, [bson.DBRef("c", 1)], [1]),
        (
            {"a": {"$eq": re.compile("x")}},
            [re.compile("x"), bson.Regex("x"), [bson.Regex("x")]],
            ["x", bson.Regex("x", "i")],
        ),
        # negation
        ({"a": {"$ne": 1}}, [2, None, MISSING, [2], [], "1", True], [1, 1.0, [1, 2]]),
        ({"a": {"$ne": None}}, [0, [], [1], {"x": 1}], [None, MISSING, [None]]),
        ({"a": {"$not": {"$gt": 1}}}, [1, 0, "x", MISSING, None, []], [2, [0, 2]]),
        ({"a": {"$not": {"$gt": 1, "$lt": 5}}}, [1, 5, MISSING], [2, [0, 9]]),
        ({"a": {"$not": re.compile("^x")}}, ["yx", 1, MISSING], ["x", ["x"]]),
        ({"a": {"$not": {"$not": {"$eq": 1}}}}, [1, [1]], [2]),
        # ranges stay within the type
        (
            {"a": {"$gt": 1}},
            [2, 1.5, Decimal(2), INF, bson.Decimal128("2"), [0, 2]],
            [1, 0, NAN, "2", True, None, [], [1]],
        ),
        ({"a": {"$gte": 1}}, [1, 1.0, Decimal(1), True is False or 2], [0.5, NAN, Decimal("NaN"), "1", MISSING]),
        ({"a": {"$lt": 1}}, [0, -INF, Decimal("0.9")], [1, NAN, Decimal("NaN"), False, None, MISSING]),
        ({"a": {"$lte": 1.0}}, [1, 1.0, Decimal(1)], [1.5, NAN, "a"]),
        ({"a": {"$gt": Decimal("0.5")}}, [1, 0.75, Decimal("0.6"), [1]], [0.5, NAN, Decimal("NaN"), "1"]),
        ({"a": {"$lte": NAN}}, [NAN, Decimal("NaN")], [0, -INF, None]),
        ({"a": {"$gte": NAN}}, [NAN], [0, INF]),
        ({"a": {"$lt": NAN}}, [], [NAN, 0, -INF]),
        ({"a": {"$gt": NAN}}, [], [NAN, 0, INF]),
        ({"a": {"$lt": INF}}, [0, -INF], [INF, NAN]),
        ({"a": {"$gt": "b"}}, ["c", "ba", ["a", "c"]], ["b", "B", 1, None, MISSING]),
        (
            {"a": {"$gte": DAY}},
            [DAY, DAY.replace(year=2027), [DAY]],
            [DAY.replace(year=2025), "x", bson.Timestamp(2**31, 1)],
        ),
        ({"a": {"$gt": bson.Timestamp(1, 1)}}, [bson.Timestamp(1, 2)], [bson.Timestamp(1, 1), DAY]),
        ({"a": {"$gt": False}}, [True, [True]], [False, 1, None]),
        ({"a": {"$gte": None}}, [None, MISSING, [None]], [0, [], "x"]),
        ({"a": {"$lte": None}}, [None, MISSING], [0, [], "x"]),
        ({"a": {"$gt": None}}, [], [None, MISSING, 0, [None]]),
        ({"a": {"$lt": None}}, [], [None, MISSING, 0, [None]]),
        ({"a": {"$gt": {"x": 1}}}, [{"x": 2}, {"y": 0}, {"x": 1, "y": 1}], [{"x": 1}, {"x": 0}, 5, MISSING]),
        ({"a": {"$lt": {"x": 1}}}, [{"a": {}}, {"x": 0}], [{"x": 1}, [], 0]),
        ({"a": {"$gt": [1, 2]}}, [[1, 3], [2], [[1, 3]]], [[1, 2], [1], 5, MISSING]),
        ({"a": {"$lt": [2]}}, [[1, 9], []], [[2], 1]),
        ({"a": {"$gt": b"b"}}, [b"c", b"aa", uuid.UUID(int=0)], [b"b", b"a", "c"]),
        ({"a": {"$lt": bson.ObjectId("1" * 24)}}, [bson.ObjectId("0" * 24)], [bson.ObjectId("1" * 24), "0"]),
        # the two constants that compare with everything
        ({"a": {"$gt": bson.MinKey()}}, [1, "x", None, MISSING, [], bson.MaxKey()], [bson.MinKey()]),
        ({"a": {"$gte": bson.MinKey()}}, [1, None, bson.MinKey()], []),
        ({"a": {"$lt": bson.MinKey()}}, [], [1, None, bson.MinKey(), MISSING]),
        ({"a": {"$lte": bson.MinKey()}}, [bson.MinKey()], [1, MISSING]),
        ({"a": {"$lt": bson.MaxKey()}}, [1, "x", MISSING, bson.MinKey()], [bson.MaxKey()]),
        ({"a": {"$lte": bson.MaxKey()}}, [1, MISSING, bson.MaxKey()], []),
        ({"a": {"$gt": bson.MaxKey()}}, [], [1, bson.MaxKey()]),
        ({"a": {"$gte": bson.MaxKey()}}, [bson.MaxKey()], [1, None]),
        # two bounds may be met by two elements
        ({"a": {"$gt": 5, "$lt": 3}}, [[1, 9]], [4, [4], 1, 9]),
        # lists
        ({"a": {"$in": [1, "x"]}}, [1, 1.0, "x", Decimal(1), ["x"], [0, 1]], [True, None, MISSING, "1"]),
        ({"a": {"$in": ["x", "y"]}}, ["x", ["z", "y"]], ["z", 1, MISSING]),
        ({"a": {"$in": []}}, [], [1, None, MISSING, []]),
        ({"a": {"$in": [None]}}, [None, MISSING, [None]], [0, []]),
        ({"a": {"$in": [None, 1]}}, [None, MISSING, 1], [0, "1", True]),
        ({"a": {"$in": [True]}}, [True], [1, 1.0]),
        ({"a": {"$in": [NAN]}}, [NAN, Decimal("NaN")], [0]),
        ({"a": {"$in": [[1], {"x": 1}]}}, [[1], [[1]], {"x": 1}, [{"x": 1}]], [1, {"x": 2}, []]),
        ({"a": {"$in": [re.compile("^x"), 5]}}, ["xy", 5, ["z", "x"], re.compile("^x")], ["yx", MISSING, 6]),
        ({"a": {"$in": [re.compile("^x"), None]}}, ["xy", MISSING, None], ["y"]),
        ({"a": {"$in": (1, 2)}}, [1, 2], [3]),
        ({"a": {"$in": [bson.DBRef("c", 1)]}}, [bson.DBRef("c", 1)], [1]),
        ({"a": {"$in": [DAY, bson.Int64(5)]}}, [DAY, 5], [6]),
        ({"a": {"$nin": [1, "x"]}}, [2, MISSING, None, [2], True], [1, "x", [1]]),
        ({"a": {"$nin": [None]}}, [1, []], [None, MISSING, [None]]),
        ({"a": {"$nin": []}}, [1, None, MISSING], []),
        ({"a": {"$nin": [re.compile("x")]}}, ["y", 1, MISSING], ["x", ["x"]]),
        # elements
        ({"a": {"$exists": True}}, [None, 0, [], {"a": {}}], [MISSING]),
        ({"a": {"$exists": False}}, [MISSING], [None, 0]),
        ({"a": {"$exists": 0}}, [MISSING], [None]),
        ({"a": {"$exists": None}}, [MISSING], [None]),
        ({"a": {"$exists": ""}}, [None], [MISSING]),
        ({"a": {"$type": "int"}}, [1, [1, "x"]], [2**40, 1.0, True, MISSING, []]),
        ({"a": {"$type": "long"}}, [2**40, bson.Int64(1)], [1]),
        ({"a": {"$type": "number"}}, [1, 1.5, Decimal(1), 2**40], [True, "1"]),
        ({"a": {"$type": 2}}, ["x", ["x"]], [1]),
        ({"a": {"$type": 2.0}}, ["x"], [1]),
        ({"a": {"$type": ["string", 10]}}, ["x", None], [MISSING, 1]),
        ({"a": {"$type": "array"}}, [[], [1], [[1]]], [1, {"x": []}]),
        ({"a": {"$type": "object"}}, [{"a": {}}, [{}]], [[], 1]),
        ({"a": {"$type": "null"}}, [None, [None]], [MISSING]),
        ({"a": {"$type": "binData"}}, [b"", uuid.UUID(int=0)], [""]),
        ({"a": {"$type": -1}}, [bson.MinKey()], [bson.MaxKey()]),
        ({"a": {"$type": 127}}, [bson.MaxKey()], [1]),
        ({"a": {"$type": "undefined"}}, [], [None, MISSING]),
        # remainders, cut towards zero
        (
            {"a": {"$mod": [4, 0]}},
            [0, 4, 8.9, -4, -4.5, Decimal("8.5"), [1, 4], bson.Int64(8)],
            [2, "4", NAN, INF, None, True, MISSING],
        ),
        ({"a": {"$mod": [4, 3]}}, [3, 7.9], [-1, 3 + 2**70 * 1.0]),
        ({"a": {"$mod": [4, -1]}}, [-1, -5], [3, 1]),
        ({"a": {"$mod": [-4, 3]}}, [3], [-1]),
        ({"a": {"$mod": [4.9, 0.9]}}, [4, 8], [5]),
        ({"a": {"$mod": [bson.Int64(4), Decimal("1.5")]}}, [5], [4, Decimal("NaN"), Decimal("1E+6000")]),
        ({"a": {"$mod": [-1, 0]}}, [-(2**63), 5], [9.3e18]),
        # bits
        (
            {"a": {"$bitsAllSet": 5}},
            [5, 7, 13.0, -1, Decimal(5), [0, 5], b"\x05"],
            [4, 1, 5.5, "5", NAN, 2.0**70, None, MISSING],
        ),
        ({"a": {"$bitsAllSet": [0, 2]}}, [5, b"\x07"], [4, b"", Decimal("5.5")]),
        ({"a": {"$bitsAllClear": 5}}, [0, 2, 8, b"\x08", b""], [1, -1]),
        ({"a": {"$bitsAnySet": [1, 9]}}, [2, 512, b"\x00\x02"], [1, b"\x01"]),
        ({"a": {"$bitsAnyClear": [0, 1]}}, [1, 2, 0, b"\x01"], [3, -1]),
        ({"a": {"$bitsAllSet": [63, 100]}}, [-1, -(2**63)], [2**62, 1]),
        ({"a": {"$bitsAnySet": b"\x01\x80"}}, [1, 2**15, b"\x00\x80"], [2, 0]),
        ({"a": {"$bitsAllSet": uuid.UUID(int=0)}}, [0, 1, b""], ["x"]),
        ({"a": {"$bitsAllSet": []}}, [0, 1], [None]),
        ({"a": {"$bitsAnySet": []}}, [], [0, 1]),
        # arrays
        ({"a": {"$size": 2}}, [[1, 2], [[], []]], [[1], 2, "ab", MISSING, [[1, 2]]]),
        ({"a": {"$size": 0}}, [[]], [MISSING, None, {"a": {}}]),
        ({"a": {"$size": 1.0}}, [[1]], [[]]),
        ({"a": {"$all": [1, 2]}}, [[2, 1], [1, 2, 3]], [[1], 1, MISSING]),
        ({"a": {"$all": [1]}}, [1, [1]], [2, MISSING]),
        ({"a": {"$all": []}}, [], [[], 1, MISSING]),
        ({"a": {"$all": [[1, 2]]}}, [[1, 2], [[1, 2]]], [[2, 1]]),
        ({"a": {"$all": [re.compile("^x"), "y"]}}, [["xx", "y"]], [["xx"], ["y"]]),
        ({"a": {"$all": [None]}}, [None, MISSING, [None]], [1]),
        (
            {"a": {"$all": [{"$elemMatch": {"x": 1}}, {"$elemMatch": {"y": 2}}]}},
            [[{"x": 1}, {"y": 2}], [{"x": 1, "y": 2}]],
            [[{"x": 1}]],
        ),
        ({"a": {"$elemMatch": {"$gt": 5, "$lt": 9}}}, [[6], [1, 7]], [[4, 10], 7, [], MISSING, [[6]]]),
        (
            {"a": {"$elemMatch": {"x": 1, "y": {"$gt": 1}}}},
            [[{"x": 1, "y": 2}]],
            [[{"x": 1}, {"y": 2}], {"x": 1, "y": 2}, [1]],
        ),
        ({"a": {"$elemMatch": {}}}, [[{}], [1, {"x": 1}], [[]]], [[], [1], 1]),
        ({"a": {"$elemMatch": {"0": 5}}}, [[[5]]], [[5], [[4, 5]]]),
        ({"a": {"$elemMatch": {"$elemMatch": {"$gt": 5}}}}, [[[6]]], [[6]]),
        ({"a": {"$elemMatch": {"$size": 1}}}, [[[1]]], [[1]]),
        ({"a": {"$elemMatch": {"$in": [1]}}}, [[1]], [[[1]], 1]),
        ({"a": {"$elemMatch": {"$not": {"$gt": 5}}}}, [[1, 9], [None]], [[9], []]),
        ({"a": {"$elemMatch": {"$ne": 1}}}, [[1, 2], [[1]]], [[1], []]),
        ({"a": {"$elemMatch": {"$nin": [1], "$exists": True}}}, [[2]], [[1]]),
        ({"a": {"$elemMatch": {"$exists": False}}}, [], [[1], [None], []]),
        ({"a": {"$elemMatch": {"$all": [1]}}}, [[1]], [[2], [[1]]]),
        ({"a": {"$elemMatch": {"$all": []}}}, [], [[1]]),
        ({"a": {"$elemMatch": {"$type": "string"}}}, [[1, "x"]], [[1], "x"]),
        ({"a": {"$elemMatch": {"$or": [{"x": 1}, {"y": 1}]}}}, [[{"x": 1}], [{"y": 1}]], [[{"x": 2}]]),
        ({"a": {"$elemMatch": {"$nor": [{"x": 1}]}}}, [[{"x": 2}]], [[{"x": 1}]]),
        ({"a": {"$elemMatch": {"$regex": "^x"}}}, [["xa"]], [["a"], "x"]),
        ({"a": {"$elemMatch": {"$eq": None}}}, [[None]], [[1], MISSING, []]),
        (
            {"a": {"$elemMatch": {"$ref": "c", "$id": 1}}},
            [[{"$ref": "c", "$id": 1, "x": 2}], [bson.DBRef("c", 1)]],
            [[{"$ref": "c"}]],
        ),
        # paths
        ({"a.b": 1}, [{"b": 1}, [{"b": 1}], [{"b": [1]}], [0, {"b": 1}]], [[[{"b": 1}]], 1, MISSING, {"b": 2}]),
        ({"a.b": None}, [{"a": {}}, {"b": None}, 5, None, MISSING, [{"c": 1}]], [[], [1], [{"b": 1}], [[]], {"b": 0}]),
        ({"a.b": {"$ne": None}}, [{"b": 1}, [], [1], [[]]], [{"a": {}}, MISSING, [{"c": 1}], 5]),
        ({"a.b": {"$exists": False}}, [MISSING, 5, {"a": {}}, [], [1], [{"c": 1}]], [{"b": 1}, [{"b": 1}, {"c": 1}]]),
        ({"a.b": {"$exists": True}}, [{"b": None}, [{"c": 1}, {"b": 1}]], [{"c": 1}, []]),
        ({"a.0": 1}, [[1, 2], {"0": 1}, [{"0": 1}]], [[2, 1], [[1]], 1]),
        ({"a.1": [2]}, [[0, [2]]], [[0, 2]]),
        ({"a.0.b": 1}, [[{"b": 1}], {"0": {"b": 1}}, [[{"b": 1}]]], [[{"b": 2}, {"b": 1}]]),
        ({"a.0.0": 1}, [[[1]], [[{"0": 1}]]], [[1], [[[1]]]]),
        ({"a.00": 1}, [{"00": 1}], [[1]]),
        ({"a.b": {"$size": 1}}, [{"b": [1]}, [{"b": [1, 2]}, {"b": [1]}]], [{"b": []}, [[1]]]),
        ({"a.b": {"$elemMatch": {"c": 1}}}, [{"b": [{"c": 1}]}, [{"b": [{"c": 1}]}]], [{"b": {"c": 1}}]),
        ({"a.b.c.d.e": 1}, [{"b": {"c": {"d": {"e": 1}}}}, {"b": [{"c": {"d": [{"e": 1}]}}]}], [{"b": {"c": 1}}]),
        ({"a.b.c": {"$gt": 1}}, [{"b": {"c": 2}}, {"b": [{"c": 0}, {"c": 2}]}], [{"b": {"c": 1}}, {"b": 2}]),
        ({"a.b": {"$regex": "x"}}, [{"b": "x"}, [{"b": ["y", "x"]}]], [{"b": "y"}, "x"]),
        ({"a.b": {"$type": "int"}}, [{"b": 1}], [{"b": "1"}]),
        # logic
        ({"a": 1, "b": 2}, [{"a": 1, "b": 2}], [{"a": 1}, {"a": 1, "b": 3}]),
        ({"$and": [{"a": {"$gt": 1}}, {"a": {"$lt": 5}}]}, [2], [1, 5]),
        ({"$or": [{"a": 1}, {"a": {"$gt": 5}}]}, [1, 6], [2, MISSING]),
        ({"$nor": [{"a": 1}, {"a": {"$gt": 5}}]}, [2, MISSING], [1, 6]),
        ({"$or": [{}]}, [1, MISSING], []),
        ({"$and": [{}]}, [1, MISSING], []),
        ({"$nor": [{}]}, [], [1, MISSING]),
        (
            {"$or": [{"a": 1, "b": 1}, {"b": 2}], "a": {"$gte": 1}},
            [{"a": 1, "b": 1}, {"a": 3, "b": 2}],
            [{"a": 0, "b": 2}],
        ),
        ({"$or": [{"$and": [{"a": 1}]}, {"$nor": [{"a": {"$lt": 5}}]}]}, [1, 5, MISSING], [2]),
        ({}, [1, MISSING], []),
        ({"$comment": "why", "a": 1}, [1], [2]),
        ({"$alwaysTrue": 1}, [1, MISSING], []),
        ({"$alwaysFalse": 1.0}, [], [1, MISSING]),
        ({"$sampleRate": 1}, [1], []),
        ({"$sampleRate": 0}, [], [1]),
        ({"$ref": "c"}, [], [1]),
        # expressions and schemas
        ({"$expr": {"$gt": ["$a", 1]}}, [2, "x", []], [1, None, MISSING]),
        ({"$expr": "$a"}, [1, "", [], {"x": 1}, "false"], [0, 0.0, False, None, MISSING, Decimal(0)]),
        ({"$expr": True}, [1], []),
        ({"$expr": {"$eq": ["$$NOW", "$$NOW"]}}, [1], []),
        ({"$jsonSchema": {"required": ["a"], "properties": {"a": {"bsonType": "int"}}}}, [1], ["x", MISSING]),
        ({"a": 1, "$jsonSchema": {}}, [1], [2]),
    ],
)
def test_an_operator_holds_for_what_mongodb_says(filter: dict[str, Any], holds: list[Any], fails: list[Any]):
    """Generated code and closures agree with the manual, and with each other."""
    check(filter, holds, fails)


@pytest.mark.parametrize(
    ("filter", "holds", "fails"),
    [
        ({"a": {"$regex": "^ab"}}, ["abc", ["x", "ab"]], ["xab", 1, None, MISSING]),
        ({"a": {"$regex": "AB", "$options": "i"}}, ["xaby"], ["ac"]),
        ({"a": {"$options": "i", "$regex": "AB"}}, ["xaby"], ["ac"]),
        ({"a": {"$regex": re.compile("ab", re.IGNORECASE)}}, ["AB"], ["a"]),
        ({"a": {"$regex": re.compile("ab"), "$options": "i"}}, ["AB"], ["a"]),
        ({"a": {"$regex": bson.Regex("ab", "i")}}, ["AB", bson.Regex("ab", "i")], ["a", bson.Regex("ab")]),
        ({"a": re.compile("^b", re.MULTILINE)}, ["a\nb"], ["ab"]),
        ({"a": bson.Regex("a.b", "s")}, ["a\nb"], ["ab"]),
        ({"a": {"$regex": "a b # note", "$options": "x"}}, ["ab"], ["a b"]),
        ({"a": {"$regex": ""}}, ["", "x"], [1, MISSING]),
        ({"a": {"$regex": "a", "$options": ""}}, ["a"], ["b"]),
        ({"a": {"$regex": "a", "$gt": "b"}}, ["ca"], ["a", "c"]),
        ({"a": {"$not": {"$regex": "a"}}}, ["b", MISSING], ["a"]),
        ({"a": {"$regex": "(a+)+$"}}, ["aaa"], ["aaab"]),
    ],
)
def test_text_is_matched(filter: dict[str, Any], holds: list[Any], fails: list[Any]):
    """In a string, in the strings of an array, and in a regular expression that is the very same."""
    check(filter, holds, fails)


@pytest.mark.parametrize(
    ("filter", "holds", "fails"),
    [
        ({"a": "resume"}, ["RÉSUMÉ", ["x", "Résumé"]], ["resumes", 1]),
        ({"a": {"$in": ["a", 1]}}, ["Á", 1], ["b"]),
        ({"a": {"$gt": "b"}}, ["C", "ç"], ["B", "á", 1]),
        ({"a": {"x": "é"}}, [{"x": "E"}], [{"X": "e"}]),
        ({"a": ["é"]}, [["E"]], [["f"]]),
        ({"a": {"$all": ["é", "f"]}}, [["E", "F"]], [["E"]]),
        ({"a": {"$elemMatch": {"$eq": "é"}}}, [["E"]], [["f"]]),
        ({"a": {"$elemMatch": {"x": "é"}}}, [[{"x": "E"}]], [[{"x": "f"}]]),
        ({"a": {"$regex": "e"}}, ["e"], ["E", "é"]),
        ({"a": {"$ne": "e"}}, ["f"], ["É"]),
    ],
)
def test_a_collation_decides_how_strings_compare(filter: dict[str, Any], holds: list[Any], fails: list[Any]):
    """Everywhere but in regular expressions and in names."""
    query = parse_filter(filter, collation={"locale": "en", "strength": 1})
    good, bad = [{"a": value} for value in holds], [{"a": value} for value in fails]

    assert query.select(good + bad) == good
    interpreted = document_matcher(query.root, Context(query.collation))
    assert [document for document in good + bad if interpreted(document)] == good


def test_a_sample_holds_for_about_its_part():
    """The rate is a probability, and both extremes are certain."""
    query = parse_filter({"$sampleRate": 0.5})
    interpreted = document_matcher(query.root, Context())

    assert 100 < query.count([{}] * 1000) < 900
    assert 100 < sum(interpreted({}) for _ in range(1000)) < 900


def test_paths_share_what_was_fetched_whatever_the_order_of_evaluation():
    """A field fetched for one condition is there for those that follow it, and fetched anew where it may not be."""
    documents = [{"a": a, "b": b} for a in (0, 1, 2) for b in (0, 1, 2)] + [{"a": {"x": 1}, "b": 1}, {}]
    wanted = {
        "$or": [{"$and": [{"b": 5}, {"a": 1}]}, {"$and": [{"a": {"$gt": 0}}, {"b": {"$lt": 2}}]}, {"a.x": 1, "b": 1}],
        "b": {"$gte": 0},
        "a": {"$ne": 7},
    }

    found = parse_filter(wanted).select(documents)

    assert found == [{"a": a, "b": b} for a in (1, 2) for b in (0, 1)] + [{"a": {"x": 1}, "b": 1}]


@pytest.mark.parametrize("operator", ["$gt", "$lt"])
def test_a_comparison_that_never_holds_leaves_the_field_to_the_next_one(operator: str):
    """Nothing is greater or less than null, and the conditions after it still read the field."""
    never = {"a": {operator: None}}
    check({"$or": [never, {"a": 1, "b": 2}]}, [{"a": 1, "b": 2}], [{"a": 1}, {"a": None}, {}])
    check({"$and": [{"$nor": [never]}, {"a": None}]}, [{"a": None}, {}], [{"a": 1}])
    check({"$or": [{"a.b": {operator: None}}, {"a.c": 3}]}, [{"a": {"c": 3}}], [{"a": {"b": None}}, {"a": 3}])


def test_deep_filters_compile():
    """Nesting as deep as is allowed neither exhausts Python's parser nor its stack."""
    nested: dict[str, Any] = {"a": 1}
    for level in range(98):
        nested = {("$or", "$and", "$nor")[level % 3]: [nested, {"b": level}]}
    query = parse_filter(nested)
    interpreted = document_matcher(query.root, Context())
    for document in ({"a": 1}, {"a": 2}, {"b": 3}, {}):
        assert query.matches(document) == interpreted(document)

    negation: dict[str, Any] = {"$gt": 1}
    for _ in range(90):
        negation = {"$not": negation}
    assert parse_filter({"a": negation}).matches({"a": 2})
    element: dict[str, Any] = {"$gt": 1}
    for _ in range(90):
        element = {"$not": element}
    assert parse_filter({"a": {"$elemMatch": element}}).select([{"a": [2]}, {"a": [1]}]) == [{"a": [2]}]


def test_large_filters_run_as_closures():
    """Hundreds of conditions are not generated, and mean the same."""
    query = parse_filter({"$or": [{"a": {"$gt": index, "$lt": index + 0.5}} for index in range(300)]})
    documents = [{"a": value} for value in (0.25, 299.25, 300.25, 5)]

    assert query.select(documents) == [{"a": 0.25}, {"a": 299.25}]
    assert query.select(documents, 1) == [{"a": 0.25}]
    assert query.count(documents) == 2
    assert query.first(documents[2:]) is None
    assert query.first(documents) == {"a": 0.25}
    assert query.matches({"a": 7.1})

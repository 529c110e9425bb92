"""Operators and arguments of expressions that MongoDB 8.3 brought (manual, "Aggregation Operators")."""

from __future__ import annotations

import base64
import math
import re
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from bson import Binary, Code, Int64, MaxKey, MinKey, ObjectId, Regex, Timestamp
from lexigram.nosql.aggregation.expressions import compile_expression
from lexigram.nosql.aggregation.expressions.digests import xxh64
from lexigram.nosql.exceptions import PipelineError
from lexigram.nosql.values.path import MISSING


def evaluated(expression: Any, **document: Any) -> Any:
    """The value of an expression for a document."""
    return compile_expression(expression)(document, {})


def refused(expression: Any, **document: Any) -> int | None:
    """MongoDB's code for what is wrong with an expression, or with what it is evaluated on."""
    with pytest.raises(PipelineError) as caught:
        evaluated(expression, **document)
    return caught.value.mongo_code


# --- $hash and $hexHash

DIGESTS = [
    ("Hello World", "xxh64", "YzTSBxkkW8I="),
    ("[1, 2, 3]", "xxh64", "wkwP8yqWE2o="),
    ("🧐🤓😎", "xxh64", "tWWU4BmD+Z4="),
    ("", "xxh64", "70bbN1HY6Zk="),
    (b"hey", "xxh64", "Wv5M8jFeEv4="),
    (Binary(b"hey", 128), "xxh64", "Wv5M8jFeEv4="),
    ("Hello World", "sha256", "pZGm1Av0IEBKARczz7exkNYsZb8LzaMrV7J32a2fFG4="),
    ("🧐🤓😎", "md5", "sAZFMN8tC1iTuOxlnoqCJg=="),
    (b"hey", "md5", "YFfxPEluz3/Xd86555rihQ=="),
]


@pytest.mark.parametrize(("value", "algorithm", "digest"), DIGESTS)
def test_text_and_binary_data_are_digested(value: Any, algorithm: str, digest: str) -> None:
    """The digests that MongoDB's own tests expect."""
    wanted = base64.b64decode(digest)
    given = {"input": "$v", "algorithm": algorithm}
    assert evaluated({"$hash": given}, v=value) == wanted
    assert evaluated({"$hexHash": given}, v=value) == wanted.hex().upper()


def test_a_long_text_is_digested_by_stripes() -> None:
    """Published values of XXH64 with the seed 0, for texts of every way through the algorithm."""
    assert xxh64(b"Nobody inspects the spammish repetition").hex() == "fbcea83c8a378bf1"
    assert xxh64(b"abc").hex() == "44bc2cf5ad770999"
    assert xxh64(b"a").hex() == "d24ec4f1a98c6e5b"


def test_what_cannot_be_digested() -> None:
    """Nothing gives nothing; arguments are told apart by code."""
    assert evaluated({"$hash": {"input": "$no", "algorithm": "md5"}}) is None
    assert refused({"$hash": {"input": "x"}}) == 9
    assert refused({"$hash": {"algorithm": "md5"}}) == 9
    assert refused({"$hash": {"input": "x", "algorithm": "md5", "more": 1}}) == 9
    assert refused({"$hash": 5}) == 9
    assert refused({"$hash": {"input": [1], "algorithm": "md5"}}) == 10754000
    assert refused({"$hexHash": {"input": "x", "algorithm": None}}) == 10754001
    assert refused({"$hexHash": {"input": "x", "algorithm": "MD5"}}) == 10754002


# --- Extended JSON

MOMENT = datetime(2004, 3, 21, 18, 59, 54, tzinfo=UTC)
OBJECT_ID = ObjectId("507f1f77bcf86cd799439011")

FORMS: list[tuple[Any, Any, Any]] = [
    ("text", "text", "text"),
    (True, True, True),
    (None, None, None),
    (1, {"$numberInt": "1"}, 1),
    (Int64(1), {"$numberLong": "1"}, Int64(1)),
    (2.5, {"$numberDouble": "2.5"}, 2.5),
    (1.0, {"$numberDouble": "1"}, 1.0),
    (math.inf, {"$numberDouble": "Infinity"}, {"$numberDouble": "Infinity"}),
    (Decimal("1.50"), {"$numberDecimal": "1.50"}, {"$numberDecimal": "1.50"}),
    (OBJECT_ID, {"$oid": str(OBJECT_ID)}, {"$oid": str(OBJECT_ID)}),
    (MOMENT, {"$date": {"$numberLong": "1079895594000"}}, {"$date": "2004-03-21T18:59:54.000Z"}),
    (b"ab", {"$binary": {"base64": "YWI=", "subType": "0"}}, {"$binary": {"base64": "YWI=", "subType": "0"}}),
    (UUID(int=5), {"$uuid": str(UUID(int=5))}, {"$uuid": str(UUID(int=5))}),
    (Timestamp(1, 2), {"$timestamp": {"t": 1, "i": 2}}, {"$timestamp": {"t": 1, "i": 2}}),
    (Code("f"), {"$code": "f"}, {"$code": "f"}),
    (MinKey(), {"$minKey": 1}, {"$minKey": 1}),
    (MaxKey(), {"$maxKey": 1}, {"$maxKey": 1}),
    (
        re.compile("a", re.IGNORECASE),
        {"$regularExpression": {"pattern": "a", "options": "i"}},
        {"$regularExpression": {"pattern": "a", "options": "i"}},
    ),
    ({"b": [1, {"c": MOMENT}]}, {"b": [{"$numberInt": "1"}, {"c": {"$date": {"$numberLong": "1079895594000"}}}]}, ...),
    (
        Code("f", {"a": 1}),
        {"$code": "f", "$scope": {"a": {"$numberInt": "1"}}},
        {"$code": "f", "$scope": {"a": {"$numberInt": "1"}}},
    ),
]


@pytest.mark.parametrize(("value", "canonical", "relaxed"), FORMS, ids=repr)
def test_values_are_written_as_extended_json_and_read_back(value: Any, canonical: Any, relaxed: Any) -> None:
    """In both forms, with the type of every number."""
    assert evaluated({"$serializeEJSON": {"input": "$v", "relaxed": False}}, v=value) == canonical
    assert evaluated({"$deserializeEJSON": {"input": "$v"}}, v=canonical) == value
    assert type(evaluated({"$deserializeEJSON": {"input": "$v"}}, v=canonical)) is type(value)
    if relaxed is not ...:
        assert evaluated({"$serializeEJSON": {"input": "$v"}}, v=value) == relaxed
        assert evaluated({"$deserializeEJSON": {"input": "$v"}}, v=relaxed) == value


MALFORMED: list[Any] = [
    {"$numberLong": 1},
    {"$numberLong": "--1"},
    {"$numberInt": "2147483648"},
    {"$numberDouble": "inf"},
    {"$oid": "x"},
    {"$uuid": "x"},
    {"$date": "July 4th"},
    {"$date": {"$numberLong": 1}},
    {"$date": {"$numberLong": "9223372036854775807"}},
    {"$binary": {"base64": "=", "subType": "0"}},
    {"$binary": {"base64": "YWI=", "subType": "xx"}},
    {"$timestamp": {"t": 1}},
    {"$timestamp": {"t": 1, "i": -1}},
    {"$regularExpression": {"pattern": "a"}},
    {"$regularExpression": {"pattern": "a", "options": "q"}},
    {"$minKey": 2},
    {"$symbol": "a"},
    {"$code": 5},
    {"$code": "f", "$scope": 1},
    {"$oid": str(OBJECT_ID), "a": 1},
    {"a": 1, "$oid": str(OBJECT_ID)},
]


@pytest.mark.parametrize("value", MALFORMED, ids=repr)
def test_what_is_no_extended_json_is_a_failed_conversion(value: Any) -> None:
    """Or what ``onError`` gives."""
    assert refused({"$deserializeEJSON": {"input": "$v"}}, v=value) == 241
    assert evaluated({"$deserializeEJSON": {"input": "$v", "onError": "none"}}, v=value) == "none"


def test_the_arguments_of_extended_json() -> None:
    """Nothing gives null; the depth of documents bounds what is written."""
    assert evaluated({"$serializeEJSON": {"input": "$no"}}) is None
    assert evaluated({"$deserializeEJSON": {"input": "$no"}}) is None
    assert refused({"$serializeEJSON": {"input": 1, "relaxed": 1}}) == 2
    assert refused({"$serializeEJSON": {"input": 1, "more": 1}}) == 9
    assert refused({"$deserializeEJSON": {"input": 1, "relaxed": True}}) == 9
    assert refused({"$deserializeEJSON": {"input": "$v"}}, v=MOMENT) == 241
    assert (
        refused({"$deserializeEJSON": {"input": "$v"}}, v={"$binary": {"base64": "YWI=", "subType": "4"}}) == 13016802
    )
    assert (
        refused({"$deserializeEJSON": {"input": "$v"}}, v={"$binary": {"base64": "YWI=", "subType": "10"}}) == 12978507
    )
    deep: Any = 1
    for _ in range(200):
        deep = [deep]
    assert evaluated({"$serializeEJSON": {"input": "$v"}}, v=deep) == deep
    assert refused({"$serializeEJSON": {"input": "$v", "relaxed": False}}, v=deep) == 241


# --- vectors


def vector(*content: int) -> Binary:
    """Binary data that holds a vector."""
    return Binary(bytes(content), 9)


@pytest.mark.parametrize(
    ("left", "right", "cosine", "dot", "distance"),
    [
        ([1, 2], [3, 4], 0.98387, 11, 2.828427),
        ([1, 2.5], [3, 5], 0.98724, 15.5, 3.20156),
        ([1], [2], 1, 2, 1),
        ([], [], 0, 0, 0),
        ([True, 1], [False, 2], 0.707107, 2, 1.414214),
        ([0, 0], [1, 1], 0, 0, 1.414214),
    ],
)
def test_how_alike_two_vectors_are(left: Any, right: Any, cosine: float, dot: float, distance: float) -> None:
    """Alone, and as a score from 0 to 1."""
    for name, wanted, score in (
        ("$similarityCosine", cosine, (1 + cosine) / 2),
        ("$similarityDotProduct", dot, (1 + dot) / 2),
        ("$similarityEuclidean", distance, 1 / (1 + distance)),
    ):
        found = evaluated({name: ["$l", "$r"]}, l=left, r=right)
        assert type(found) is float
        assert found == pytest.approx(wanted, abs=1e-5)
        scored = {name: {"vectors": ["$l", "$r"], "score": True}}
        assert evaluated(scored, l=left, r=right) == pytest.approx(score, abs=1e-5)


def test_vectors_in_binary_data_are_compared_with_each_other_and_with_arrays() -> None:
    """Whatever kind of number they hold."""
    floats = vector(0x27, 0, 0, 0, 0x80, 0x3F, 0, 0, 0x20, 0x40)
    assert evaluated({"$similarityDotProduct": ["$l", "$r"]}, l=floats, r=vector(3, 0, 3, 5)) == 15.5
    assert evaluated({"$similarityDotProduct": ["$l", [3, 5]]}, l=floats) == 15.5
    assert evaluated({"$similarityCosine": [None, [1]]}) is None
    assert refused({"$similarityCosine": [1, [1]]}) == 10413200
    assert refused({"$similarityCosine": [[1, 2], [1]]}) == 10413202
    assert refused({"$similarityCosine": [["x"], [1]]}) == 10413203
    assert refused({"$similarityCosine": [[1], [None]]}) == 10413204
    assert refused({"$similarityCosine": [[1]]}) == 16020
    assert refused({"$similarityCosine": {"vectors": [[1], [1]], "score": 1}}) == 9
    assert refused({"$similarityCosine": {"score": True}}) == 9


VECTORS: list[tuple[list[Any], Binary]] = [
    ([], vector(0x10, 0)),
    ([True, False], vector(0x10, 6, 0x80)),
    ([True] * 9, vector(0x10, 7, 0xFF, 0x80)),
    ([2, -7], vector(3, 0, 2, 249)),
    ([0.5], vector(0x27, 0, 0, 0, 0, 0x3F)),
]


@pytest.mark.parametrize(("values", "written"), VECTORS)
def test_arrays_convert_to_vectors_and_back(values: list[Any], written: Binary) -> None:
    """Into the smallest kind that holds every element."""
    to_vector = {"$convert": {"input": "$v", "to": {"type": "binData", "subtype": 9}}}
    assert evaluated(to_vector, v=values) == written
    assert evaluated({"$toArray": "$v"}, v=written) == values


def test_which_vectors_do_not_convert() -> None:
    """Ints of more than 8 bits, what is no number, and binary data that is no vector."""
    to_vector = {"$convert": {"input": "$v", "to": {"type": "binData", "subtype": 9}}}
    assert evaluated(to_vector, v=[0, 1, 1.0]) == vector(3, 0, 0, 1, 1)
    assert evaluated(to_vector, v=[1e300]) == vector(0x27, 0, 0, 0, 0x80, 0x7F)
    assert evaluated({"$toArray": "$v"}, v=Binary(b"", 9)) == []
    big = {"$convert": {"input": "$v", "to": "array", "byteOrder": "big"}}
    assert evaluated(big, v=vector(0x27, 0, 0x3F, 0, 0, 0)) == [0.5]
    assert refused(to_vector, v=[200]) == 241
    assert refused(to_vector, v=["x"]) == 241
    assert refused({"$convert": {"input": "$v", "to": "binData"}}, v=[1]) == 241
    assert refused({"$toArray": "$v"}, v=b"a") == 241
    assert refused({"$toArray": "$v"}, v=vector(3)) == 10506601
    assert refused({"$toArray": "$v"}, v=vector(0xEA, 0, 0)) == 10506600
    assert refused({"$toArray": "$v"}, v=vector(3, 1, 1)) == 10506606
    assert refused({"$toArray": "$v"}, v=vector(0x27, 0, 1)) == 10506602


# --- JSON

JSON: list[tuple[str, Any]] = [
    ("$toArray", []),
    ("$toArray", ["bar", None, False, -999]),
    ("$toArray", [[[["nested", {"object": "here"}]]]]),
    ("$toObject", {"foo": {"$literal": 1.5}, "$toString": []}),
    ("$toObject", {}),
]


@pytest.mark.parametrize(("name", "value"), JSON)
def test_documents_and_arrays_are_read_from_json(name: str, value: Any) -> None:
    """As they stand: neither Extended JSON nor an expression is seen in them."""
    text = repr(value).replace("'", '"').replace("None", "null").replace("False", "false")
    assert evaluated({name: "$v"}, v=text) == value


def test_numbers_of_json_are_of_the_smallest_kind_that_holds_them() -> None:
    """Beyond 64 bits they are doubles."""
    found = evaluated({"$toArray": "$v"}, v="[1, 1.2e+3, 18446744073709551615, -9223372036854775808]")
    assert [type(item) for item in found] == [int, float, float, int]
    assert found == [1, 1200.0, 18446744073709551616.0, -(2**63)]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("$toObject", "[{}]"),
        ("$toArray", '{"f": []}'),
        ("$toObject", '"str"'),
        ("$toArray", "123"),
        ("$toObject", "null"),
        ("$toObject", '{"f\\u0000oo": 1}'),
        ("$toObject", '{"foo": "b\0ar"}'),
        ("$toObject", '{"foo": 1}\n{"foo": 2}'),
        ("$toArray", '["foo",1,]'),
        ("$toArray", "[NaN]"),
        ("$toArray", ""),
        ("$toArray", "[" * 201 + "]" * 201),
        ("$toArray", "[" * 100_000),
        ("$toObject", "{a: 1}"),
    ],
)
def test_what_is_no_json_does_not_convert(name: str, text: str) -> None:
    """Or is what ``onError`` gives."""
    assert refused({name: "$v"}, v=text) == 241
    to = "array" if name == "$toArray" else "object"
    assert evaluated({"$convert": {"input": "$v", "to": to, "onError": "none"}}, v=text) == "none"


# --- positions of elements

ELEMENTS: list[tuple[Any, Any]] = [
    ({"$map": {"input": "$a", "in": "$$IDX"}}, [0, 1, 2, 3]),
    ({"$map": {"input": "$a", "as": "x", "arrayIndexAs": "i", "in": {"$add": ["$$x", "$$i"]}}}, [0, 8, 4, 8]),
    ({"$filter": {"input": "$a", "cond": {"$eq": ["$$this", "$$IDX"]}}}, [0, 2]),
    ({"$filter": {"input": "$a", "arrayIndexAs": "i", "cond": {"$gt": ["$$i", 0]}, "limit": 2}}, [7, 2]),
    ({"$reduce": {"input": "$a", "initialValue": 0, "in": {"$add": ["$$value", "$$IDX"]}}}, 6),
    (
        {
            "$reduce": {
                "input": "$a",
                "initialValue": "",
                "as": "x",
                "valueAs": "text",
                "arrayIndexAs": "i",
                "in": {"$concat": ["$$text", {"$toString": "$$i"}, ":", {"$toString": "$$x"}, " "]},
            }
        },
        "0:0 1:7 2:2 3:5 ",
    ),
    (
        {"$map": {"input": [0, 0], "in": {"$map": {"input": [0, 0], "in": "$$IDX"}}}},
        [[0, 1], [0, 1]],
    ),
    (
        {"$map": {"input": [0, 0], "in": {"$map": {"input": [0, 0], "arrayIndexAs": "i", "in": ["$$IDX", "$$i"]}}}},
        [[[0, 0], [0, 1]], [[1, 0], [1, 1]]],
    ),
]


@pytest.mark.parametrize(("expression", "value"), ELEMENTS)
def test_an_element_knows_its_position(expression: Any, value: Any) -> None:
    """In ``$$IDX``, which means the nearest array whose position has no name of its own."""
    assert evaluated(expression, a=[0, 7, 2, 5]) == value


@pytest.mark.parametrize(
    ("expression", "code"),
    [
        ("$$IDX", 17276),
        ({"$map": {"input": "$$IDX", "in": 1}}, 17276),
        ({"$map": {"input": "$a", "arrayIndexAs": "i", "in": "$$IDX"}}, 17276),
        ({"$filter": {"input": "$a", "arrayIndexAs": "i", "cond": 1, "limit": "$$i"}}, 17276),
        ({"$reduce": {"input": "$a", "initialValue": "$$IDX", "in": 1}}, 17276),
        ({"$reduce": {"input": "$a", "initialValue": 0, "as": "x", "in": "$$this"}}, 17276),
        ({"$reduce": {"input": "$a", "initialValue": 0, "valueAs": "x", "in": "$$value"}}, 17276),
        ({"$map": {"input": "$a", "arrayIndexAs": "IDX", "in": 1}}, 9),
        ({"$map": {"input": "$a", "arrayIndexAs": "", "in": 1}}, 9),
        ({"$filter": {"input": "$a", "arrayIndexAs": "^", "cond": 1}}, 9),
        ({"$reduce": {"input": "$a", "initialValue": 0, "as": "THIS", "in": 1}}, 9),
        ({"$reduce": {"input": "$a", "initialValue": 0, "valueAs": 5, "in": 1}}, 9),
        ({"$map": {"input": "$a", "as": "i", "arrayIndexAs": "i", "in": 1}}, 9375801),
        ({"$filter": {"input": "$a", "as": "i", "arrayIndexAs": "i", "cond": 1}}, 9375802),
        ({"$reduce": {"input": "$a", "initialValue": 0, "as": "i", "valueAs": "i", "in": 1}}, 9298401),
    ],
)
def test_names_of_variables_of_elements_are_checked(expression: Any, code: int) -> None:
    """Each is defined for the inner expression alone."""
    assert refused(expression, a=[1]) == code


# --- the ends of an order

PAIRS = [{"a": 1, "b": 1}, {"a": 2, "b": 2}, {"a": 2, "b": 1}]

ENDS: list[tuple[str, dict[str, Any], Any]] = [
    ("$top", {"input": [3, 1]}, 1),
    ("$top", {"input": [3, 1], "sortBy": -1}, 3),
    ("$top", {"input": []}, None),
    ("$top", {"input": None}, None),
    ("$bottom", {"input": [0, "a", [1, "b"], {"c": 2}]}, [1, "b"]),
    ("$bottom", {"input": "$pairs", "sortBy": {"a": 1, "b": -1}}, PAIRS[2]),
    ("$topN", {"n": 2, "input": [0, "a", 0.5]}, [0, 0.5]),
    ("$topN", {"n": 0, "input": [1]}, []),
    ("$topN", {"n": 9, "input": [2, 1]}, [1, 2]),
    ("$topN", {"n": 2, "input": "$pairs", "sortBy": {"a": 1, "b": -1}}, PAIRS[:2]),
    ("$topN", {"n": None, "input": [1]}, None),
    ("$bottomN", {"n": 2, "input": [0, 1, 2, 3], "sortBy": -1}, [1, 0]),
    ("$bottomN", {"n": 2, "input": [0, 1, 2, 3]}, [2, 3]),
    ("$bottomN", {"n": 0, "input": [1]}, []),
]


@pytest.mark.parametrize(("name", "spec", "value"), ENDS)
def test_the_first_or_last_elements_of_an_array_in_an_order(name: str, spec: Any, value: Any) -> None:
    """The order is upwards, by whole elements, unless it is given."""
    assert evaluated({name: spec}, pairs=PAIRS) == value


@pytest.mark.parametrize(
    ("expression", "code"),
    [
        ({"$topN": 0}, 721218),
        ({"$topN": {"input": [1]}}, 7212110),
        ({"$topN": {"n": 2}}, 7212111),
        ({"$topN": {"n": 1.5, "input": [1]}}, 721210),
        ({"$topN": {"n": -1, "input": [1]}}, 721212),
        ({"$topN": {"n": 1, "input": 1}}, 721211),
        ({"$topN": {"n": 1, "input": [1], "sortBy": "a"}}, 2942507),
        ({"$bottomN": 0}, 7212117),
        ({"$bottomN": {"input": [1]}}, 7212119),
        ({"$bottomN": {"n": 2}}, 7212120),
        ({"$bottomN": {"n": "2", "input": [1]}}, 721214),
        ({"$bottomN": {"n": -1, "input": [1]}}, 721216),
        ({"$bottomN": {"n": 1, "input": "one"}}, 721215),
        ({"$top": 0}, 7212113),
        ({"$top": {"sortBy": 1}}, 7212115),
        ({"$top": {"input": 1}}, 721213),
        ({"$bottom": 0}, 7212122),
        ({"$bottom": {"sortBy": 1}}, 7212124),
        ({"$bottom": {"input": "one"}}, 721217),
    ],
)
def test_what_the_ends_of_an_order_refuse(expression: Any, code: int) -> None:
    """With MongoDB's codes."""
    assert refused(expression) == code


# --- regular expressions that cut and replace


def test_text_is_replaced_and_split_by_regular_expressions() -> None:
    """What is put in stands for itself, and groups that captured come between the parts."""
    text = "blue paint with blue paintbrush"
    replaced = {"input": "$t", "find": "$r", "replacement": "red"}
    assert evaluated({"$replaceAll": replaced}, t=text, r=re.compile(r"\bblue paint\b")) == "red with blue paintbrush"
    assert evaluated({"$replaceOne": replaced}, t="aXbX", r=Regex("x", "i")) == "aredbX"
    assert evaluated({"$replaceAll": replaced}, t="abc", r=Regex("")) == "redaredbredcred"
    literal = {"input": "ab", "find": "$r", "replacement": r"\g<0>$1"}
    assert evaluated({"$replaceAll": literal}, r=Regex("a")) == r"\g<0>$1b"
    assert evaluated({"$split": ["a1b22c", "$r"]}, r=Regex(r"\d+")) == ["a", "b", "c"]
    assert evaluated({"$split": ["a1b", "$r"]}, r=Regex(r"(\d)(x)?")) == ["a", "1", "", "b"]
    assert evaluated({"$split": ["abc", "$r"]}, r=Regex("")) == ["", "a", "b", "c", ""]
    assert evaluated({"$split": ["$no", "$r"]}, r=Regex("a")) is None
    assert refused({"$split": [5, "$r"]}, r=Regex("a")) == 40085
    assert refused({"$replaceOne": replaced}, t="a", r=Regex("(")) == 51111
    assert refused({"$replaceAll": {**replaced, "replacement": 5}}, t="a", r=Regex("a")) == 51744


# --- the rest


def test_new_object_ids_differ_for_every_document() -> None:
    """They are no constants, and need an empty document."""
    make = compile_expression({"$createObjectId": {}})
    first, second = make({}, {}), make({}, {})
    assert isinstance(first, ObjectId)
    assert first != second
    assert make.volatile
    for argument in ({"key": 1}, None, ["x"], "x"):
        assert refused({"$createObjectId": argument}) == 9


def test_the_subtype_of_binary_data() -> None:
    """Null and missing have none, and nothing else may be asked."""
    for value, subtype in ((b"a", 0), (Binary(b"a", 128), 128), (UUID(int=5), 4), (None, None), (MISSING, None)):
        document = {} if value is MISSING else {"v": value}
        assert evaluated({"$subtype": "$v"}, **document) == subtype
    assert refused({"$subtype": "text"}) == 10389300

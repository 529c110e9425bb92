"""Conversions, types, and the operators that belong to no family."""

from __future__ import annotations

import math
import re
import uuid
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from bson import Binary, Code, DatetimeMS, DBRef, Decimal128, Int64, MaxKey, MinKey, ObjectId, Regex, Timestamp
from lexigram.nosql.aggregation.expressions import compile_expression
from lexigram.nosql.aggregation.expressions.misc import METADATA
from lexigram.nosql.exceptions import PipelineError
from lexigram.nosql.values.path import MISSING

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
DATE = datetime(2018, 3, 3, tzinfo=UTC)
UUID = uuid.UUID("0e3b9063-8abd-4eb3-9f9f-f4c59fd30a60")
OBJECT_ID = ObjectId("5ab9cbfa31c2ab715d42129e")
INFINITY = math.inf


def evaluate(expression: Any, document: dict[str, Any] | None = None, **variables: Any) -> Any:
    return compile_expression(expression, variables=variables)(document or {}, variables)


def convert(value: Any, to: Any, **others: Any) -> Any:
    return evaluate({"$convert": {"input": "$v", "to": to, **others}}, {"v": value})


def code_of(expression: Any, document: dict[str, Any] | None = None) -> int | None:
    with pytest.raises(PipelineError) as caught:
        evaluate(expression, document)
    return caught.value.mongo_code


CONVERTED: list[tuple[Any, str, Any]] = [
    (True, "double", 1.0),
    (5, "double", 5.0),
    (Decimal("2.5"), "double", 2.5),
    (Decimal("Infinity"), "double", INFINITY),
    (DATE, "double", 1520035200000.0),
    ("-5.5", "double", -5.5),
    ("1e3", "double", 1000.0),
    (".5", "double", 0.5),
    ("-inf", "double", -INFINITY),
    (2.5, "string", "2.5"),
    (1.0, "string", "1"),
    (-0.0, "string", "-0"),
    (1e21, "string", "1e+21"),
    (INFINITY, "string", "Infinity"),
    (-INFINITY, "string", "-Infinity"),
    (math.nan, "string", "NaN"),
    (7, "string", "7"),
    (Int64(2**40), "string", "1099511627776"),
    (Decimal("1E+3"), "string", "1E+3"),
    (True, "string", "true"),
    (OBJECT_ID, "string", "5ab9cbfa31c2ab715d42129e"),
    (DATE, "string", "2018-03-03T00:00:00.000Z"),
    ("x", "string", "x"),
    (OBJECT_ID, "objectId", OBJECT_ID),
    ("5ab9cbfa31c2ab715d42129e", "objectId", OBJECT_ID),
    (0, "bool", False),
    (0.0, "bool", False),
    (math.nan, "bool", True),
    (Decimal(0), "bool", False),
    (Decimal("0.1"), "bool", True),
    ("", "bool", True),
    ("false", "bool", True),
    (False, "bool", False),
    (OBJECT_ID, "bool", True),
    (EPOCH, "bool", True),
    ([], "bool", True),
    ({}, "bool", True),
    (Timestamp(0, 0), "bool", True),
    (b"", "bool", True),
    (1.9, "int", 1),
    (-1.9, "int", -1),
    (True, "int", 1),
    (Decimal("5.9"), "int", 5),
    (Int64(9), "int", 9),
    ("-5", "int", -5),
    ("+5", "int", 5),
    (1.9, "long", Int64(1)),
    (False, "long", Int64(0)),
    (Decimal("-5.9"), "long", Int64(-5)),
    (DATE, "long", Int64(1520035200000)),
    ("9223372036854775807", "long", Int64(2**63 - 1)),
    (2.5, "decimal", Decimal("2.50000000000000")),
    (True, "decimal", Decimal(1)),
    (Decimal("2.50"), "decimal", Decimal("2.50")),
    (Decimal128("2.50"), "decimal", Decimal128("2.50")),
    (DATE, "decimal", Decimal(1520035200000)),
    ("1e-3", "decimal", Decimal("0.001")),
    ("nan", "decimal", "nan"),
    (Int64(1520035200000), "date", DATE),
    (1520035200000.9, "date", DATE),
    (Decimal(1520035200000), "date", DATE),
    ("2018-03-03", "date", DATE),
    (OBJECT_ID, "date", datetime(2018, 3, 27, 4, 43, 38, tzinfo=UTC)),
    (Timestamp(1520035200, 1), "date", DATE),
    (DATE, "date", DATE),
    (b"ab", "binData", b"ab"),
]


@pytest.mark.parametrize(("value", "to", "expected"), CONVERTED)
def test_conversions(value: Any, to: str, expected: Any) -> None:
    result = convert(value, to)
    if expected == "nan":
        assert result.is_nan()
        return
    assert result == expected
    assert type(result) is type(expected)
    short = {"objectId": "$toObjectId", "binData": None}.get(to, f"$to{to[0].upper()}{to[1:]}")
    if short is not None:
        assert evaluate({short: "$v"}, {"v": value}) == expected
        assert evaluate({short: ["$v"]}, {"v": value}) == expected


NOT_CONVERTED: list[tuple[Any, Any]] = [
    ("x", "int"),
    ("5.5", "int"),
    ("", "int"),
    ("3000000000", "int"),
    ("9" * 2000, "int"),
    ("9223372036854775808", "long"),
    ("0x1", "double"),
    ("1e999", "double"),
    ("1e9999", "decimal"),
    ("1e-9999", "decimal"),
    (".", "decimal"),
    (1e10, "int"),
    (Int64(2**40), "int"),
    (1e20, "long"),
    (math.nan, "long"),
    (INFINITY, "int"),
    (Decimal("NaN"), "int"),
    (Decimal("1E+400"), "long"),
    (Decimal("1E+20"), "long"),
    (Decimal("1E+400"), "double"),
    (Decimal("1E-400"), "double"),
    (Int64(2**62), "date"),
    (1e20, "date"),
    (5, "date"),
    (True, "date"),
    ("yesterday", "date"),
    ("5ab9", "objectId"),
    (5, "objectId"),
    (OBJECT_ID, "int"),
    (DATE, "int"),
    ([1], "int"),
    ({}, "string"),
    (Regex("a"), "string"),
    (Timestamp(1, 1), "string"),
    (DatetimeMS(2**60), "string"),
    (1, 3),
    (1, "missing"),
    (1, "minKey"),
    (Binary(b"ab", 5), "binData"),
    ("x", {"type": "binData", "subtype": 4}),
]


@pytest.mark.parametrize(("value", "to"), NOT_CONVERTED)
def test_what_does_not_convert(value: Any, to: Any) -> None:
    others = {"format": "base64"} if isinstance(to, dict) else {}
    with pytest.raises(PipelineError) as caught:
        convert(value, to, **others)
    assert caught.value.mongo_code == 241
    assert convert(value, to, onError="bad", **others) == "bad"


def test_null_and_missing() -> None:
    assert convert(None, "int") is None
    assert convert(None, "int", onNull=0) == 0
    assert evaluate({"$convert": {"input": "$gone", "to": "int", "onNull": "$x"}}, {"x": 3}) == 3
    assert evaluate({"$toInt": "$gone"}) is None
    assert convert(1, None) is None
    assert convert(1, "$gone") is None
    assert convert(1, {"type": None}) is None
    assert convert(None, None, onNull=7) == 7


def test_targets() -> None:
    assert convert(1, 1) == 1.0
    assert convert(1, 2.0) == "1"
    assert convert(1, {"type": "string"}) == "1"
    assert evaluate({"$convert": {"input": "$v", "to": "$t"}}, {"v": "5", "t": "long"}) == Int64(5)


TARGET_ERRORS: list[tuple[Any, int]] = [
    ({"input": 1}, 9),
    ({"to": "int"}, 9),
    ({"input": 1, "to": "int", "x": 1}, 9),
    (1, 9),
    ({"input": 1, "to": "dinosaur"}, 2),
    ({"input": 1, "to": 99}, 9),
    ({"input": 1, "to": 1.5}, 9),
    ({"input": 1, "to": True}, 9),
    ({"input": 1, "to": {"subtype": 0}}, 9),
    ({"input": 1, "to": {"type": "int", "x": 1}}, 9),
    ({"input": 1, "to": {"type": "binData", "subtype": "x"}}, 4341108),
    ({"input": 1, "to": {"type": "binData", "subtype": 1.5}}, 4341106),
    ({"input": 1, "to": {"type": "binData", "subtype": 10}}, 4341107),
    ({"input": 1, "to": "int", "base": "x"}, 3501300),
    ({"input": 1, "to": "int", "base": 3}, 3501301),
    ({"input": "x", "to": "binData"}, 4341115),
    ({"input": b"x", "to": "string"}, 4341115),
    ({"input": "x", "to": "binData", "format": 1}, 4341114),
    ({"input": "x", "to": "binData", "format": "x"}, 4341125),
    ({"input": 1, "to": "binData", "byteOrder": 1}, 9130001),
    ({"input": 1, "to": "binData", "byteOrder": "x"}, 9130002),
]


@pytest.mark.parametrize(("arguments", "code"), TARGET_ERRORS)
def test_errors_in_the_arguments(arguments: Any, code: int) -> None:
    assert code_of({"$convert": arguments}) == code


def test_short_forms_take_one_argument() -> None:
    assert code_of({"$toInt": [1, 2]}) == 50723
    assert code_of({"$toInt": []}) == 50723
    assert code_of({"$toInt": [[1]]}) == 241


BASES: list[tuple[Any, str, int, Any]] = [
    ("FF", "int", 16, 255),
    ("-ff", "long", 16, Int64(-255)),
    ("101", "double", 2, 5.0),
    ("17", "decimal", 8, Decimal(15)),
    (255, "string", 16, "FF"),
    (-5, "string", 2, "-101"),
    (Int64(8), "string", 8, "10"),
    (8.0, "string", 10, "8"),
    (Decimal(9), "string", 8, "11"),
]


@pytest.mark.parametrize(("value", "to", "base", "expected"), BASES)
def test_bases(value: Any, to: str, base: int, expected: Any) -> None:
    result = convert(value, to, base=base)
    assert result == expected
    assert type(result) is type(expected)


@pytest.mark.parametrize(("value", "to", "base"), [("8", "int", 8), ("G", "int", 16), (1.5, "string", 16)])
def test_what_has_no_form_in_a_base(value: Any, to: str, base: int) -> None:
    with pytest.raises(PipelineError) as caught:
        convert(value, to, base=base)
    assert caught.value.mongo_code == 241


FORMS: list[tuple[str, bytes, str]] = [
    ("base64", b"hi?", "aGk/"),
    ("base64url", b"\xfb\xff", "-_8"),
    ("hex", b"hi", "6869"),
    ("utf8", "é".encode(), "é"),
]


@pytest.mark.parametrize(("form", "content", "text"), FORMS)
def test_binary_forms(form: str, content: bytes, text: str) -> None:
    assert convert(text, "binData", format=form) == content
    assert convert(text, {"type": "binData", "subtype": 6}, format=form) == Binary(content, 6)
    assert convert(content, "string", format=form) == text
    assert convert(Binary(content, 6), "string", format=form) == text


def test_uuids() -> None:
    text = str(UUID)
    assert evaluate({"$toUUID": "$v"}, {"v": text}) == UUID
    assert convert(text, {"type": "binData", "subtype": 4}, format="uuid") == UUID
    assert evaluate({"$toString": "$v"}, {"v": UUID}) == text
    assert evaluate({"$toString": "$v"}, {"v": b"hi"}) == "aGk="
    assert convert(UUID, "string", format="auto") == text
    assert convert(UUID, "string", format="hex") == UUID.hex.upper()
    assert convert(UUID, {"type": "binData", "subtype": 4}) == UUID
    for broken in ("x", text.replace("-", ""), "{" + text + "}"):
        assert code_of({"$toUUID": broken}) == 241


@pytest.mark.parametrize(
    ("value", "to", "form"),
    [
        ("a", "binData", "base64"),
        ("a", "binData", "base64url"),
        ("é", "binData", "base64"),
        ("é", "binData", "base64url"),
        ("abc", "binData", "hex"),
        ("a b c d ", "binData", "hex"),
        (str(UUID), "binData", "uuid"),
        (b"\xff", "string", "utf8"),
        (b"ab", "string", "uuid"),
    ],
)
def test_broken_binary_forms(value: Any, to: str, form: str) -> None:
    with pytest.raises(PipelineError) as caught:
        convert(value, to, format=form)
    assert caught.value.mongo_code == 241


def test_text_in_the_automatic_form() -> None:
    # The automatic form reads nothing: what the text is meant to be is not known.
    with pytest.raises(PipelineError):
        convert("!", "binData", format="auto")


def test_numbers_in_binary() -> None:
    assert convert(258, "binData") == b"\x02\x01\0\0"
    assert convert(258, "binData", byteOrder="big") == b"\0\0\x01\x02"
    assert convert(Int64(258), "binData", byteOrder="big") == bytes(6) + b"\x01\x02"
    assert convert(2**40, "binData") == (2**40).to_bytes(8, "little")
    assert convert(-2.5, "binData", byteOrder="big") == b"\xc0\x04" + bytes(6)
    assert convert(b"\x01\x02", "int", byteOrder="big") == 258
    assert convert(b"\xff", "int") == -1
    assert convert(b"\xff" * 8, "long") == Int64(-1)
    assert convert(b"\xc0\x04" + bytes(6), "double", byteOrder="big") == -2.5
    assert convert(b"\0\0\x20\xc0", "double") == -2.5
    for content, to in ((b"abc", "int"), (bytes(8), "int"), (bytes(2), "double"), (b"", "long")):
        with pytest.raises(PipelineError):
            convert(content, to)


TYPES: list[tuple[Any, str]] = [
    (1.0, "double"),
    ("", "string"),
    ({}, "object"),
    ([], "array"),
    (b"", "binData"),
    (OBJECT_ID, "objectId"),
    (True, "bool"),
    (DATE, "date"),
    (None, "null"),
    (re.compile("a"), "regex"),
    (Code("x"), "javascript"),
    (5, "int"),
    (2**40, "long"),
    (Int64(5), "long"),
    (Timestamp(1, 1), "timestamp"),
    (Decimal(1), "decimal"),
    (MinKey(), "minKey"),
    (MaxKey(), "maxKey"),
]


@pytest.mark.parametrize(("value", "name"), TYPES)
def test_types(value: Any, name: str) -> None:
    assert evaluate({"$type": "$v"}, {"v": value}) == name
    assert evaluate({"$isNumber": "$v"}, {"v": value}) is (name in {"double", "int", "long", "decimal"})


def test_types_of_missing_and_literal_arrays() -> None:
    assert evaluate({"$type": "$gone"}) == "missing"
    assert evaluate({"$type": [[1]]}) == "array"
    assert evaluate({"$isNumber": "$gone"}) is False


def test_metadata() -> None:
    compiled = compile_expression({"$meta": "textScore"})
    assert compiled.variables_needed == {METADATA}
    assert compiled({"a": 1}, {}) is MISSING
    assert compiled({"a": 1}, {METADATA: lambda document, name: (document["a"], name)}) == (1, "textScore")
    assert code_of({"$meta": 1}) == 17307
    assert code_of({"$meta": Code("textScore")}) == 17307
    assert code_of({"$meta": "x"}) == 17308


def test_chance() -> None:
    compiled = compile_expression({"$rand": {}})
    assert not compiled.is_constant
    values = [compiled({}, {}) for _ in range(100)]
    assert len(set(values)) > 90
    assert all(0 <= value < 1 for value in values)
    assert not compile_expression({"$multiply": [{"$rand": []}, 2]}).is_constant
    assert evaluate({"$sampleRate": 1}) is True
    assert evaluate({"$sampleRate": 0.0}) is False
    assert code_of({"$rand": 1}) == 10065
    assert code_of({"$rand": {"a": 1}}) == 3040501
    assert code_of({"$sampleRate": 2}) == 2
    assert code_of({"$sampleRate": "x"}) == 2


def test_sizes() -> None:
    assert evaluate({"$binarySize": "é"}) == 2
    assert evaluate({"$binarySize": b"abc"}) == 3
    assert evaluate({"$binarySize": UUID}) == 16
    assert evaluate({"$binarySize": "$gone"}) is None
    assert evaluate({"$bsonSize": "$$ROOT"}, {"a": 1}) == 12
    assert evaluate({"$bsonSize": None}) is None
    assert code_of({"$binarySize": 1}) == 51276
    assert code_of({"$bsonSize": "x"}) == 31393


@pytest.mark.parametrize("name", ["$function", "$accumulator"])
def test_javascript_is_refused(name: str) -> None:
    assert code_of({name: {}}) == 31264


# Hashes


def hashed(value: Any) -> int:
    return evaluate({"$toHashedIndexKey": "$v"}, {"v": value})


def test_the_hash_of_the_manual() -> None:
    assert evaluate({"$toHashedIndexKey": "string to hash"}) == Int64(763543691661428748)


def test_equal_values_hash_alike() -> None:
    for same in (
        [5, 5.0, 5.9, Int64(5), Decimal("5.5"), Decimal128("5")],
        [{"a": 5}, {"a": 5.2}],
        [[1, 2], [1.0, Int64(2)]],
        [math.nan, 0, Decimal("NaN")],
        [1e30, 2**63 - 1, INFINITY],
        [-1e30, -(2**63), -INFINITY],
        [Binary(b"a"), b"a"],
        [re.compile("a"), Regex("a")],
    ):
        assert len({hashed(value) for value in same}) == 1
    assert evaluate({"$toHashedIndexKey": "$gone"}) == hashed(None)


def test_different_values_hash_differently() -> None:
    values: list[Any] = [
        None, 0, 1, "", "0", True, False, EPOCH, DATE, OBJECT_ID, b"", b"a", Binary(b"a", 5), UUID, [], [0], {},
        {"a": 0}, {"b": 0}, Timestamp(1, 0), Timestamp(0, 1), Regex("a"), Regex("a", "i"), Code("a"), MinKey(),
        MaxKey(), DBRef("a", 1), [[]], [{}],
    ]  # fmt: skip
    assert len({hashed(value) for value in values}) == len(values)


def test_code_with_a_scope_is_not_hashed() -> None:
    assert code_of({"$toHashedIndexKey": "$v"}, {"v": Code("x", {"a": 1})}) == 2

"""$jsonSchema, keyword by keyword."""

from __future__ import annotations

import uuid
from decimal import Decimal
from typing import Any

import bson
import pytest
from lexigram.nosql.exceptions import NoSQLFilterError
from lexigram.nosql.query.jsonschema import KEYWORDS, compile_schema
from lexigram.nosql.query.parse import parse_filter

NAN = float("nan")


@pytest.mark.parametrize(
    ("schema", "valid", "invalid"),
    [
        ({}, [1, "x", None, {}], []),
        ({"title": "t", "description": "d"}, [1], []),
        ({"type": "string"}, ["x"], [1, None]),
        ({"type": ["string", "null"]}, ["x", None], [1]),
        ({"type": "number"}, [1, 1.5, Decimal(1), bson.Int64(1), bson.Decimal128("1")], [True, "1"]),
        ({"type": "boolean"}, [True], [1]),
        ({"type": "array"}, [[]], [{}]),
        ({"type": "object"}, [{}], [[]]),
        ({"bsonType": "int"}, [1], [1.0, 2**40]),
        ({"bsonType": ["long", "objectId"]}, [2**40, bson.ObjectId()], [1]),
        ({"bsonType": "number"}, [1, 1.5], ["x"]),
        ({"bsonType": "binData"}, [b"", uuid.UUID(int=1)], [""]),
        ({"maximum": 5}, [5, 4.5, "x", None, []], [6, NAN, Decimal("5.1")]),
        ({"maximum": 5, "exclusiveMaximum": True}, [4], [5, 5.0]),
        ({"maximum": 5, "exclusiveMaximum": False}, [5], [6]),
        ({"minimum": 5}, [5, 6], [4, NAN]),
        ({"minimum": 5, "exclusiveMinimum": True}, [6, "x"], [5]),
        ({"minimum": NAN}, [NAN], [1]),
        ({"multipleOf": 2}, [4, 0, -2, 4.0, "x"], [3, NAN, float("inf")]),
        ({"multipleOf": 0.1}, [0.3, 1, Decimal("0.7")], [0.35]),
        ({"multipleOf": Decimal("1E-6000")}, [1], []),
        ({"minLength": 2}, ["ab", "é😀", 1], ["a"]),
        ({"maxLength": 2}, ["ab", [1, 2, 3]], ["abc"]),
        ({"pattern": "^a"}, ["ab", 1], ["ba"]),
        ({"required": ["a", "b"]}, [{"a": 1, "b": None}, 5], [{"a": 1}, {}]),
        ({"properties": {"a": {"type": "string"}}}, [{"a": "x"}, {}, 5, {"b": 1}], [{"a": 1}]),
        ({"properties": {"a": {"properties": {"b": {"minimum": 1}}}}}, [{"a": {"b": 1}}, {"a": 1}], [{"a": {"b": 0}}]),
        ({"patternProperties": {"^n_": {"type": "number"}}}, [{"n_a": 1, "x": "y"}, 1], [{"n_a": "x"}]),
        ({"additionalProperties": True}, [{"a": 1}], []),
        ({"properties": {"a": {}}, "additionalProperties": False}, [{"a": 1}, {}, 1], [{"b": 1}]),
        (
            {"patternProperties": {"^n": {}}, "properties": {"a": {}}, "additionalProperties": {"type": "string"}},
            [{"a": 1, "n": 1, "x": "s"}],
            [{"x": 1}],
        ),
        ({"minProperties": 1}, [{"a": 1}, "x"], [{}]),
        ({"maxProperties": 1}, [{"a": 1}, "xyz"], [{"a": 1, "b": 2}]),
        ({"dependencies": {"a": ["b"]}}, [{"a": 1, "b": 1}, {"c": 1}, 1], [{"a": 1}]),
        ({"dependencies": {"a": {"required": ["b"]}}}, [{"a": 1, "b": 1}, {}], [{"a": 1}]),
        ({"items": {"type": "number"}}, [[1, 2], [], 5], [[1, "x"]]),
        ({"items": [{"type": "number"}, {"type": "string"}]}, [[1, "x"], [1], [1, "x", None], 1], [["x"]]),
        ({"items": [{}], "additionalItems": False}, [[1], [], 5], [[1, 2]]),
        ({"items": [{}], "additionalItems": {"type": "string"}}, [[1, "x"], 5], [[1, 2]]),
        ({"items": [{}], "additionalItems": True}, [[1, 2]], []),
        ({"items": {}, "additionalItems": False}, [[1, 2]], []),
        ({"minItems": 1}, [[1], "x"], [[]]),
        ({"maxItems": 1.0}, [[1], "xyz"], [[1, 2]]),
        (
            {"uniqueItems": True},
            [[1, 2, True], 5, [{"a": 1}, {"a": 2}]],
            [[1, 1.0], [{"a": 1, "b": 2}, {"b": 2, "a": 1}]],
        ),
        ({"uniqueItems": False}, [[1, 1]], []),
        ({"enum": [1, "a", {"a": 1, "b": [2]}, None]}, [1.0, "a", {"b": [2], "a": 1}, None], [2, True, {"a": 1}]),
        ({"allOf": [{"minimum": 1}, {"maximum": 5}]}, [3], [0, 6]),
        ({"anyOf": [{"type": "string"}, {"minimum": 5}]}, ["x", 6], [4]),
        ({"oneOf": [{"minimum": 1}, {"maximum": 5}]}, [0, 6], [3]),
        ({"not": {"type": "string"}}, [1], ["x"]),
    ],
)
def test_a_keyword_speaks_of_its_type(schema: dict[str, Any], valid: list[Any], invalid: list[Any]):
    """Values of other types are valid; numbers compare across types."""
    check = compile_schema(schema)

    assert [value for value in valid if not check(value)] == []
    assert [value for value in invalid if check(value)] == []
    query = parse_filter({"$jsonSchema": {"properties": {"v": schema}}})
    assert query.select([{"v": value} for value in valid + invalid]) == [{"v": value} for value in valid]


@pytest.mark.parametrize(
    ("schema", "code"),
    [
        (1, 14),
        ({"properties": {"a": 1}}, 14),
        ({"foo": 1}, 9),
        ({1: 1}, 9),
        ({"$ref": "#"}, 9),
        ({"format": "date"}, 9),
        ({"type": "integer"}, 9),
        ({"type": "strin"}, 2),
        ({"type": 1}, 14),
        ({"type": []}, 9),
        ({"type": ["string", "string"]}, 9),
        ({"type": "string", "bsonType": "string"}, 9),
        ({"bsonType": "foo"}, 2),
        ({"maximum": "x"}, 14),
        ({"maximum": {1}}, 14),
        ({"exclusiveMaximum": True}, 9),
        ({"maximum": 1, "exclusiveMaximum": 1}, 14),
        ({"exclusiveMinimum": True}, 9),
        ({"multipleOf": 0}, 9),
        ({"multipleOf": "x"}, 14),
        ({"multipleOf": NAN}, 9),
        ({"minLength": -1}, 9),
        ({"minLength": 1.5}, 9),
        ({"minLength": "x"}, 9),
        ({"maxItems": NAN}, 9),
        ({"pattern": 1}, 14),
        ({"pattern": "("}, 51091),
        ({"required": []}, 9),
        ({"required": "a"}, 14),
        ({"required": [1]}, 14),
        ({"required": ["a", "a"]}, 9),
        ({"properties": []}, 14),
        ({"properties": {1: {}}}, 14),
        ({"additionalProperties": 1}, 14),
        ({"additionalItems": 1}, 14),
        ({"items": 1}, 14),
        ({"dependencies": {"a": 1}}, 14),
        ({"dependencies": {"a": []}}, 9),
        ({"uniqueItems": 1}, 14),
        ({"enum": []}, 9),
        ({"enum": 1}, 14),
        ({"enum": [1, 1.0]}, 9),
        ({"enum": [{1}]}, 2),
        ({"allOf": []}, 2),
        ({"anyOf": {}}, 14),
        ({"oneOf": [1]}, 14),
        ({"not": 1}, 14),
        ({"title": 1}, 14),
    ],
)
def test_a_wrong_schema_is_refused(schema: Any, code: int):
    """With MongoDB's code and the place in the schema."""
    with pytest.raises(NoSQLFilterError) as caught:
        parse_filter({"$jsonSchema": schema})
    assert caught.value.mongo_code == code


def test_deep_schemas_are_refused():
    """A hundred levels are the limit."""
    schema: dict[str, Any] = {}
    for _ in range(10_000):
        schema = {"not": schema}
    with pytest.raises(NoSQLFilterError, match="levels") as caught:
        compile_schema(schema)
    assert caught.value.mongo_code == 15


def test_a_near_miss_is_suggested():
    """Of keywords and types."""
    with pytest.raises(NoSQLFilterError) as caught:
        compile_schema({"propertys": {}})
    assert caught.value.hint == "did you mean 'properties'?"
    assert "properties" in KEYWORDS

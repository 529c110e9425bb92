"""Documents come back from Firestore's messages to the last bit, and what Firestore refuses is never sent."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import bson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from lexigram.nosql.backends.firestore.codec import (
    MAX_DEPTH,
    decode_document,
    decode_fields,
    decode_id,
    decode_name,
    decode_value,
    document_size,
    encode_fields,
    encode_id,
    encode_name,
    encode_value,
    field_path,
    fields_size,
    is_told,
)
from lexigram.nosql.backends.firestore.codec.messages import Document, Value
from lexigram.nosql.exceptions import DocumentValidationError
from lexigram.nosql.testing import strategies
from lexigram.nosql.testing.comparing import assert_same
from lexigram.nosql.values.order import equal

BSON: dict[str, Any] = {
    "object id": bson.ObjectId("5f" * 12),
    "long": bson.Int64(4),
    "decimal128": bson.Decimal128("2.50"),
    "binary": bson.Binary(b"ab", 128),
    "timestamp": bson.Timestamp(5, 1),
    "regex": bson.Regex("a", "i"),
    "least": bson.MinKey(),
    "largest": bson.MaxKey(),
    "code": bson.Code("f()"),
    "code with scope": bson.Code("f()", {"b": 1, "a": [1]}),
    "reference": bson.DBRef("users", 5, "db", extra=1),
    "far date": bson.DatetimeMS(2**60),
}


def through(document: dict[str, Any]) -> dict[str, Any]:
    """The document after it was sent and received."""
    message = Document()
    encode_fields(document, message.fields)
    received = Document.FromString(message.SerializeToString())
    return decode_document(document.get("_id"), received.fields)


def nested(levels: int) -> Any:
    """So many dicts, one in the other."""
    value: Any = 1
    for _ in range(levels):
        value = {"a": value}
    return value


def native_depth(value: Any) -> int:
    """Levels of maps and arrays in a message, as Firestore counts them."""
    kind = value.WhichOneof("value_type")
    if kind == "map_value":
        return 1 + max((native_depth(inner) for inner in value.map_value.fields.values()), default=0)
    if kind == "array_value":
        return 1 + max(map(native_depth, value.array_value.values), default=0)
    return 0


def names_of(value: Any) -> set[str]:
    """All names of fields in a message."""
    kind = value.WhichOneof("value_type")
    if kind == "map_value":
        fields = value.map_value.fields
        return set(fields).union(*map(names_of, fields.values()))
    return set().union(*map(names_of, value.array_value.values)) if kind == "array_value" else set()


@given(
    st.dictionaries(st.text(max_size=6).filter(lambda name: "\0" not in name and name != "_id"), strategies.values())
)
def test_any_document_comes_back(document: dict[str, Any]) -> None:
    assert_same(through({"_id": 1, **document}), {"_id": 1, **document})


@pytest.mark.parametrize("kind", BSON)
def test_types_of_bson_come_back(kind: str) -> None:
    value = BSON[kind]
    found = through({"_id": 1, "v": value, "l": [value, [value]]})
    assert found == {"_id": 1, "v": value, "l": [value, [value]]}
    assert type(found["v"]) is type(value)


@pytest.mark.parametrize("pattern", [re.compile("a.b", re.IGNORECASE | re.DOTALL), re.compile(b"a\xff")])
def test_patterns_come_back(pattern: re.Pattern[Any]) -> None:
    found = through({"_id": 1, "p": pattern})["p"]
    assert (found.pattern, found.flags) == (pattern.pattern, pattern.flags)


@pytest.mark.parametrize(
    "name", ["", "~", "~~", "~id", "~ttl", "~decimal", "__x__", "____", "__name__", "a.b", "a`b", "\\", "$x", " ", "é"]
)
def test_any_name_comes_back_and_is_one_that_firestore_takes(name: str) -> None:
    encoded = encode_name(name)
    assert decode_name(encoded) == name
    assert encoded
    assert not re.fullmatch("__.*__", encoded, re.DOTALL)
    document = {"_id": 1, "b": {name: 1, "a": {name: [{name: 2}]}}}
    if name != "_id":
        document[name] = 3
    assert_same(through(document), document)


def test_maps_that_look_like_a_tag_are_maps() -> None:
    document = {"_id": 1, "v": {"~decimal": "1", "~n": 1.0}, "w": {"~list": [1]}, "x": {"~": "a\0b"}}
    assert_same(through(document), document)


@pytest.mark.parametrize(("name", "message"), [("a\0", "NUL"), ("\ud800", "UTF-8"), ("n" * 1501, "1501 bytes")])
def test_a_name_is_refused(name: str, message: str) -> None:
    with pytest.raises(DocumentValidationError, match=message):
        encode_fields({"_id": 1, "a": {name: 1}}, Document().fields)


@pytest.mark.parametrize("value", [2**63, -(2**63) - 1, "\ud800", {1}, object(), 1j])
def test_a_value_is_refused(value: Any) -> None:
    for document in ({"a": value}, {"a": [value]}, {"a": [[{"b": value}]]}):
        with pytest.raises(DocumentValidationError):
            encode_fields(document, Document().fields)


def test_the_order_of_fields_is_kept_only_where_it_is_not_that_of_the_names() -> None:
    message = Document()
    encode_fields({"_id": 1, "a": 1, "b": {"c": 1, "d": 2}}, message.fields)
    assert set(message.fields) == {"a", "b"}
    encode_fields({"_id": 1, "z": 1, "e": 2}, message.fields)
    assert message.fields["~"].string_value == "z\0e"


def test_fields_that_others_added_or_removed_take_their_place() -> None:
    message = Document()
    encode_fields({"z": 1, "m": 2, "a": 3}, message.fields)
    del message.fields["m"]
    message.fields["x"].integer_value = 4
    message.fields["b"].integer_value = 5
    assert list(decode_fields(message.fields)) == ["z", "a", "b", "x"]


def test_maps_are_equal_natively_exactly_if_they_are_for_the_engine() -> None:
    maps: list[Any] = [
        {"a": 1, "b": 2},
        {"b": 2, "a": 1},
        {"a": 1, "b": 2.5},
        {"a": {"d": 1, "c": 1}},
        {"a": {"c": 1, "d": 1}},
    ]
    for left in maps:
        for right in maps:
            assert (encode_value(left) == encode_value(right)) is equal(left, right)


@pytest.mark.parametrize("levels", [MAX_DEPTH - 1, MAX_DEPTH, MAX_DEPTH + 1, 50, 99])
@pytest.mark.parametrize("inside", [1, [], [[[1]]], Decimal(1), UUID(int=1), {"b": [Decimal(1)]}])
def test_what_lies_deeper_than_firestore_takes_is_packed(levels: int, inside: Any) -> None:
    value = inside
    for level in range(levels):
        value = {"a": value} if level % 3 else [value]
    document = {"_id": 1, "v": value}
    message = Document()
    encode_fields(document, message.fields)
    assert native_depth(message.fields["v"]) <= MAX_DEPTH
    assert_same(through(document), document)


def test_what_is_not_deep_is_not_packed() -> None:
    assert "~packed" not in names_of(encode_value(nested(MAX_DEPTH - 1)))
    assert "~packed" in names_of(encode_value(nested(MAX_DEPTH)))


def test_long_names_below_each_other_are_packed() -> None:
    name = "n" * 1000
    document = {"_id": 1, name: {name: {name: 1}}, "a": {"b" * 1400: {"c": 1}, "d": {"e" * 1400: [1, [2]]}}}
    document["f"] = {"g": {"h": {"i": {"j" * 1200: [{"k": [1]}]}}}}
    message = Document()
    encode_fields(document, message.fields)
    assert set(message.fields[name].map_value.fields) == {"~packed"}
    assert_same(through(document), document)


def test_what_other_programs_store_is_read() -> None:
    message = Document()
    fields = message.fields
    fields["when"].timestamp_value.seconds = 1
    fields["when"].timestamp_value.nanos = 123_456_789
    fields["friend"].reference_value = "projects/p/databases/(default)/documents/users/ada"
    fields["place"].geo_point_value.latitude = 41.15
    fields["place"].geo_point_value.longitude = -8.61
    vector = fields["vector"].map_value.fields
    vector["__type__"].string_value = "__vector__"
    vector["value"].array_value.values.add().double_value = 0.5
    fields["_id"].string_value = "hidden by the document's id"
    assert_same(
        decode_document("d", fields),
        {
            "_id": "d",
            "friend": "users/ada",
            "place": {"type": "Point", "coordinates": [-8.61, 41.15]},
            "vector": [0.5],
            "when": datetime(1970, 1, 1, 0, 0, 1, 123000, tzinfo=UTC),
        },
    )


def test_dates_are_cut_to_milliseconds_downwards() -> None:
    for year in (1960, 2026):
        value = encode_value(datetime(year, 1, 1, 0, 0, 0, 123_999, tzinfo=UTC))
        assert decode_value(value).microsecond == 123_000


IDS: list[Any] = [
    *["abc", "", "a/b", ".", "..", "__x__", "~", "~a/b~1", "ü\U0001f600", "k" * 1500, "k" * 3000, "a\0b"],
    *[0, 7, -5, 2**63 - 1, -(2**63), 2.5, -0.0, 1e308, 5e-324, float("inf"), float("-inf"), float("nan")],
    *[Decimal("1.250"), Decimal("1E+6000"), Decimal("NaN"), Decimal("-Infinity"), True, False, None],
    *[b"", b"\x00\xff", UUID(int=5), datetime(2026, 11, 21, tzinfo=UTC), {"a": 1, "b": [Decimal(1), "x"]}, {}],
    *[*(value for kind, value in BSON.items() if kind != "regex")],
]


@pytest.mark.parametrize("identity", IDS, ids=lambda value: repr(value)[:30])
def test_an_id_comes_back_or_is_known_not_to(identity: Any) -> None:
    encoded = encode_id(identity)
    assert 1 <= len(encoded.encode()) <= 1500
    assert "/" not in encoded
    assert encoded not in (".", "..")
    assert not re.fullmatch("__.*__", encoded, re.DOTALL)
    if is_told(identity, encoded):
        assert_same(decode_id(encoded), identity)


def test_ids_are_the_same_exactly_if_the_engine_says_so() -> None:
    more = [4, 4.0, Decimal("4.00"), bson.Int64(4), "4", True, 1, 1.0, {"a": 1}, {"a": 1.0}, {"b": 1}, "~n4", "~h", 0]
    for left in [*IDS, *more]:
        for right in [*IDS, *more]:
            assert (encode_id(left) == encode_id(right)) is equal(left, right), (left, right)


@given(strategies.scalars(), strategies.scalars())
def test_ids_of_equal_values_are_one(left: Any, right: Any) -> None:
    assert (encode_id(left) == encode_id(right)) is equal(left, right)


@pytest.mark.parametrize("encoded", ["~", "~q", "~nabc", "~xzz", "~u1", "~d9" + "9" * 40])
def test_ids_of_other_programs_are_text(encoded: str) -> None:
    assert decode_id(encoded) == encoded


def test_paths_are_quoted_where_they_must_be() -> None:
    assert field_path(["a", "b_1"]) == "a.b_1"
    assert field_path(["a.b", "1", "c`d", "e\\f", "~"]) == "`a.b`.`1`.`c\\`d`.`e\\\\f`.`~`"


def test_sizes_are_those_of_firestores_own_example() -> None:
    """The example of "Storage size calculations": users/jeff/tasks/my_task_id takes 147 bytes."""
    task = {"type": "Personal", "done": False, "priority": 1, "description": "Learn Cloud Firestore"}
    ordered = {name: task[name] for name in sorted(task)}
    assert document_size(ordered, "users/jeff/tasks/my_task_id") == 147


def test_sizes_count_every_kind() -> None:
    values: list[tuple[Any, int]] = [
        (None, 1),
        (True, 1),
        (1, 8),
        (1.5, 8),
        (datetime(2026, 1, 1, tzinfo=UTC), 8),
        (b"abc", 3),
        ("é", 3),
        ([1, "a"], 10),
        ({"a": 1}, 42),
        ([], 0),
        ({}, 32),
    ]
    for value, size in values:
        message = Document()
        encode_fields({"f": value}, message.fields)
        assert fields_size(message.fields) == 32 + 2 + size, value
    message = Document()
    message.fields["f"].geo_point_value.latitude = 1
    assert fields_size(message.fields) == 32 + 2 + 16


def test_decimals_stand_beside_the_nearest_double() -> None:
    """So a comparison by <= or >= with the double finds all that compare so exactly."""
    numbers = [Decimal(text) for text in ("-1E+400", "-2.5", "-0.1", "0", "0.1", "9007199254740993", "1E+6000")]
    doubles = [encode_value(number).map_value.fields["~n"].double_value for number in numbers]
    assert doubles == sorted(doubles)
    assert encode_value(Decimal("NaN")).map_value.fields["~n"].double_value != 0


def test_an_unknown_kind_of_value_is_told() -> None:
    value = Value()
    value.field_reference_value = "x"
    with pytest.raises(DocumentValidationError, match="field_reference_value"):
        decode_value(value)


@pytest.mark.parametrize(
    "encoded", ["~foo", "~n007", "~n4.0", "~s~s~s", "~sabc~2", "~s~0foo", "~bx", "~zz", "~habc", "~n-0", "~s" * 700]
)
def test_an_id_that_nothing_becomes_is_text_that_leads_back_to_it(encoded: str) -> None:
    assert decode_id(encoded) == encoded
    assert encode_id(encoded) == encoded
    assert is_told(encoded, encoded)


@pytest.mark.parametrize("identity", [7, {"a": 1}, "k" * 3000, "~n7", "a/b"], ids=lambda value: repr(value)[:20])
def test_text_that_looks_as_an_id_of_another_value_gets_another_id(identity: Any) -> None:
    taken = encode_id(identity)
    text = encode_id(taken) if taken[0] == "~" else "~"
    assert text != taken
    assert decode_id(text) == taken


@pytest.mark.parametrize("text", ["__id007__", "__id-0__", "__id99999999999999999999999__", "__id٣__"])
def test_numeric_ids_that_firestore_refuses_are_encoded(text: str) -> None:
    assert encode_id(text) == f"~s{text}"
    assert decode_id(encode_id(text)) == text


@pytest.mark.parametrize("text", ["__id7__", "__id0__", "__id-5__", f"__id{2**63 - 1}__", f"__id{-(2**63)}__"])
def test_numeric_ids_that_firestore_takes_are_kept(text: str) -> None:
    assert encode_id(text) == text


def test_the_first_numeric_id_out_of_range_is_encoded() -> None:
    assert encode_id(f"__id{2**63}__") == f"~s__id{2**63}__"

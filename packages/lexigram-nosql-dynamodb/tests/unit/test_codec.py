"""What goes into an item comes out of it, to the last bit, in whatever order the service gives it back."""

from __future__ import annotations

import json
import random
import re
import uuid
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import bson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from lexigram.nosql.backends.dynamodb.codec import (
    ANY_PATH,
    decode_document,
    decode_id,
    decode_key,
    decode_value,
    encode_document,
    encode_item,
    encode_key,
    encode_value,
    field_order,
    fractional_paths,
    key_is_exact,
    plain_path,
)
from lexigram.nosql.backends.dynamodb.codec.keys import LONGEST_KEY, canonical_text
from lexigram.nosql.exceptions import DocumentValidationError
from lexigram.nosql.testing import strategies
from lexigram.nosql.testing.comparing import assert_same
from lexigram.nosql.testing.suites.values import REFUSED, VALUES
from lexigram.nosql.update.identical import identical
from lexigram.nosql.values.order import equal

BSON: list[Any] = [
    bson.ObjectId("0123456789abcdef01234567"),
    bson.Int64(5),
    bson.Int64(-(2**63)),
    bson.Decimal128("1.50"),
    bson.Decimal128("-0"),
    bson.Decimal128("NaN"),
    bson.Decimal128("1E+6000"),
    bson.Binary(b"ab", 5),
    bson.Binary(b"", 128),
    bson.Timestamp(2**32 - 1, 7),
    bson.Regex("^a/b", "im"),
    bson.MinKey(),
    bson.MaxKey(),
    bson.Code("return 1"),
    bson.Code("return a", {"a": 1.0, "$float": {"b": 2}}),
    bson.DBRef("things", 5),
    bson.DBRef("things", bson.ObjectId("f" * 24), "shop", zone="x", amount=1.0),
    bson.DatetimeMS(2**60),
    bson.DatetimeMS(-(2**60)),
]
LOOKALIKES: list[Any] = [
    {"$float": 1},
    {"$float": {"N": "1"}},
    {"$date": "2026-01-01"},
    {"$decimal": Decimal(1), "$exp": 2},
    {"$order": "a\0b", "b": 1, "a": 2},
    {"$dbref": None, "a": 1},
    {"$$float": 1},
    {"$": 1, "$$": 2, "$$$": 3, "": 4},
    {"": 1},
    {"$": {"": {"$": 1}}},
    {"$code": "x", "$scope": {}},
    {"S": "x"},
    {"M": {"N": "1"}},
    {"a": 1, "ab": 2, "abc": 3, "": 4},
    {"ab": 1, "a": 2},
    {"b": {"z": 1, "y": {"x": 1, "w": 2}}, "a": [{"d": 1, "c": 2}]},
]


def travelled(value: Any, seed: int = 0) -> Any:
    """A value after a service that keeps no order of maps."""
    shuffling = random.Random(seed)

    def shuffled(part: Any) -> Any:
        if isinstance(part, dict):
            pairs = [(name, shuffled(item)) for name, item in part.items()]
            shuffling.shuffle(pairs)
            return dict(pairs)
        if isinstance(part, list):
            return [shuffled(item) for item in part]
        return part

    return shuffled(json.loads(json.dumps(value)))


def shapes(value: Any) -> set[str]:
    """The types of DynamoDB that an encoded value has."""
    (kind,) = value
    content = value[kind]
    inner = content.values() if kind == "M" else content if kind == "L" else ()
    return {kind}.union(*map(shapes, inner))


@pytest.mark.parametrize("value", [*VALUES.values(), *BSON, *LOOKALIKES], ids=lambda value: repr(value)[:40])
def test_a_value_comes_back(value: Any) -> None:
    for place in (value, [value], {"v": value}, {"z": value, "a": value}, [[{"b": value, "a": [value]}]]):
        encoded = encode_value(place)
        assert shapes(encoded) <= {"S", "N", "B", "BOOL", "NULL", "M", "L"}
        assert_same(decode_value(travelled(encoded)), place)


@given(strategies.values(bson=True, max_leaves=20), st.integers())
def test_any_value_comes_back(value: Any, seed: int) -> None:
    assert_same(decode_value(travelled(encode_value(value), seed)), value)


@given(st.floats())
def test_any_float_comes_back(value: float) -> None:
    assert_same(decode_value(travelled(encode_value(value))), value)


@given(st.decimals(allow_nan=False), st.integers(-200, 200))
def test_any_decimal_comes_back(value: Decimal, shift: int) -> None:
    if value.is_finite():
        sign, digits, exponent = value.as_tuple()
        value = Decimal((sign, digits[:34], int(exponent) + shift))
    assert_same(decode_value(travelled(encode_value(value))), value)


@given(st.integers(-(2**63), 2**63 - 1))
def test_any_int_comes_back(value: int) -> None:
    assert encode_value(value) == {"N": str(value)}
    assert_same(decode_value({"N": str(value)}), value)


NAMES = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=5) | st.sampled_from(
    ["$", "$$", "$order", "_lx", "_lxr", "$_lx", "a", "ab", "abc", "", "_id2"]
)


@given(st.dictionaries(NAMES, st.integers(0, 3) | st.dictionaries(NAMES, st.integers(0, 3), max_size=6), max_size=8))
def test_names_and_their_order_come_back(document: dict[str, Any]) -> None:
    item = travelled(encode_item(document, "r1"))
    assert all(name and "\0" not in name for name in item)
    assert_same(decode_document(item), document)


@given(strategies.documents(bson=True), strategies.scalars(bson=True), st.integers())
def test_a_document_comes_back_from_an_item(document: dict[str, Any], identity: Any, seed: int) -> None:
    if isinstance(identity, re.Pattern):
        return
    whole = {"_id": identity, **document}
    item = travelled(encode_item(whole, "r1"), seed)
    assert item["_lx"]["M"]["r"] == {"S": "r1"}
    assert "_id" not in item
    found = decode_document(item, decode_id(encode_key(identity), item))
    assert_same(found, whole)
    assert encode_document(whole) == encode_document(document)


def test_attributes_of_ours_are_left_out_and_fields_with_their_names_kept() -> None:
    item = {**encode_item({"_lx": 1, "_lxother": 2, "a": 3}, "r"), "_lx0p": {"S": "x"}, "pk": {"S": "key"}}
    assert_same(decode_document(item, 7, frozenset({"pk"})), {"_id": 7, "_lx": 1, "_lxother": 2, "a": 3})


def test_plain_paths_are_names_as_they_are_stored() -> None:
    assert plain_path("a.b.0") == ["a", "b", "0"]
    assert plain_path("_lx.$x") == ["$_lx", "$$x"]


def test_the_order_of_fields_is_told_by_their_shortest_beginnings() -> None:
    assert field_order({"_id": 1, "name": 1, "price": 2}) is None
    assert field_order({"status": 1, "name": 2, "stock": 3}) == "sta\0n\0sto"
    assert field_order({"ab": 1, "a": 2}) == "\0ab\0a"


def test_a_field_that_was_taken_out_or_put_in_by_another_does_not_disturb_the_order() -> None:
    item = encode_item({"status": 1, "name": 2, "stock": 3, "alpha": 4}, "r")
    del item["stock"]
    item["zz"] = {"N": "5"}
    item["mm"] = {"N": "6"}
    assert [*decode_document(travelled(item))] == ["status", "name", "alpha", "mm", "zz"]


def test_a_thousand_fields_are_put_in_order_at_once() -> None:
    document = {f"field{number}": number for number in range(1000)}
    assert_same(decode_document(travelled(encode_item(document, "r"))), document)


def test_fractions_are_listed_outside_of_arrays_only() -> None:
    document = {"a": 0.5, "b": 1.0, "c": {"d": 0.25, "e": [0.5]}, "f": 5e-324, "g": float("nan"), "h": Decimal("0.5")}
    assert fractional_paths(document) == ["a", "c.d"]
    assert fractional_paths({f"f{number}": 0.5 for number in range(33)}) == [ANY_PATH]


FOREIGN = [
    ({"N": "1"}, 1),
    ({"N": "1.50"}, 1.5),
    ({"N": "1E+2"}, 100),
    ({"N": "1.0E-7"}, 1e-7),
    ({"N": "12345678901234567890"}, Decimal(12345678901234567890)),
    ({"N": "5.0000000000000001"}, Decimal("5.0000000000000001")),
    ({"N": "0.12345678901234567890"}, Decimal("0.1234567890123456789")),
    ({"SS": ["b", "a"]}, ["a", "b"]),
    ({"NS": ["10", "9", "1.5"]}, [1.5, 9, 10]),
    ({"BS": ["Yg==", "YQ=="]}, [b"a", b"b"]),
    ({"M": {"$date": {"S": "tomorrow"}}}, {"$date": "tomorrow"}),
    ({"M": {"$unknown": {"N": "1"}}}, {"$unknown": 1}),
    ({"M": {"$uuid": {"B": "YQ=="}}}, {"$uuid": b"a"}),
    ({"M": {"b": {"N": "1"}, "a": {"N": "2"}}}, {"a": 2, "b": 1}),
]


@pytest.mark.parametrize(("value", "meaning"), FOREIGN, ids=lambda value: repr(value)[:40])
def test_values_of_others_are_understood(value: dict[str, Any], meaning: Any) -> None:
    assert_same(decode_value(value), meaning)
    assert equal(decode_value(encode_value(meaning)), meaning)


@pytest.mark.parametrize("value", REFUSED.values(), ids=REFUSED)
def test_what_documents_do_not_hold_is_refused_with_its_path(value: Any) -> None:
    if isinstance(value, Decimal):
        return  # the engine's own walk refuses it; DynamoDB would hold it
    with pytest.raises(DocumentValidationError) as caught:
        encode_document({"_id": 1, "a": [0, {"b": value}]})
    assert caught.value.path.startswith("a.1.b")
    with pytest.raises(DocumentValidationError):
        encode_value(value)


@pytest.mark.parametrize("leaf", [1, 1.0, datetime(2026, 1, 1, tzinfo=UTC)])
def test_nesting_beyond_what_dynamodb_takes_is_refused(leaf: Any) -> None:
    tagged = not isinstance(leaf, int)
    value = leaf
    for _ in range(30 if tagged else 31):
        value = [value]
    assert_same(decode_value(encode_value(value)), value)
    with pytest.raises(DocumentValidationError, match="32 levels"):
        encode_value([value])


def test_dates_of_other_zones_and_without_one_are_taken_as_utc() -> None:
    moment = datetime(2026, 6, 1, 6, 30, tzinfo=UTC)
    for given_as in (moment.astimezone(timezone(timedelta(hours=5))), moment.replace(tzinfo=None)):
        assert_same(decode_value(encode_value(given_as)), moment)
    assert_same(decode_value(encode_value(datetime(1960, 1, 1, 0, 0, 0, 123999, tzinfo=UTC))).microsecond, 123000)


def test_tags_hold_numbers_in_the_order_of_the_values() -> None:
    dates = [datetime(1, 1, 1, tzinfo=UTC), datetime(1969, 1, 1, tzinfo=UTC), datetime(2026, 1, 1, tzinfo=UTC)]
    stored = [int(encode_value(date)["M"]["$date"]["N"]) for date in dates]
    assert stored == sorted(stored)
    assert encode_value(1.0) == {"M": {"$float": {"N": "1.0"}}}
    assert encode_value(Decimal("1.50")) == {"M": {"$decimal": {"N": "1.5"}, "$exp": {"N": "-2"}}}
    assert encode_value(Decimal("1E+6000")) == {"M": {"$decimal": {"S": "1E+6000"}}}


IDS: list[Any] = [
    "a", "", "$a", "$s:a", "é", "x" * 2000, "$" * 999, "\U0001f600" * 251, 0, 1, -5, 2**63 - 1, 1.0, 0.5, 0.1, 2.0**-30,
    1e300, 5e-324, float("nan"), float("inf"), -0.0, Decimal(1), Decimal("0.5"), Decimal("0.1"), Decimal("1E+6000"),
    True, False, None, b"", b"a", b"x" * 600, uuid.UUID(int=5), datetime(2026, 1, 1, tzinfo=UTC), {"a": 1, "b": 2},
    {"b": 2, "a": 1}, {"a": 1.0, "b": 2}, {}, {"a": [1, {"b": None}]}, *BSON,
]  # fmt: skip


@pytest.mark.parametrize("identity", IDS, ids=lambda value: repr(value)[:40])
def test_an_id_comes_back_from_its_key(identity: Any) -> None:
    key = encode_key(identity)
    assert 0 < len(key["S"].encode()) <= LONGEST_KEY
    item = encode_item({"_id": identity}, "r")
    assert_same(decode_id(key, item), identity)
    if key_is_exact(identity):
        assert "i" not in item["_lx"]["M"]
        assert_same(decode_key(key), identity)


def test_keys_are_equal_exactly_where_the_engine_takes_ids_for_equal() -> None:
    for left in IDS:
        for right in IDS:
            assert (encode_key(left) == encode_key(right)) is equal(left, right), (left, right)


@given(strategies.values(bson=True, max_leaves=5), strategies.values(bson=True, max_leaves=5))
def test_canonical_texts_are_equal_exactly_where_values_are(left: Any, right: Any) -> None:
    assert (canonical_text(left) == canonical_text(right)) is equal(left, right)


@given(st.text(st.characters(exclude_categories=["Cs"])) | strategies.numbers() | st.binary())
def test_any_simple_id_comes_back(identity: Any) -> None:
    item = encode_item({"_id": identity}, "r")
    assert_same(decode_id(encode_key(identity), item), identity)


def test_plain_text_stays_plain_in_a_key() -> None:
    assert encode_key("order-1") == {"S": "order-1"}
    assert decode_key({"S": "$of somebody else"}) == "$of somebody else"
    assert decode_key({"S": "$d:tomorrow"}) == "$d:tomorrow"


@pytest.mark.parametrize(
    ("value", "kind", "stored"),
    [
        (5, "N", {"N": "5"}),
        (0.5, "N", {"N": "0.5"}),
        (2.0, "N", {"N": "2"}),
        (Decimal("0.5"), "N", {"N": "0.5"}),
        (b"ab", "B", {"B": "YWI="}),
    ],
)
def test_keys_of_other_types_take_what_fits_them(value: Any, kind: Any, stored: Any) -> None:
    assert encode_key(value, kind) == stored
    item = encode_item({"_id": value}, "r")
    assert identical(decode_id(stored, item), value)


@pytest.mark.parametrize(
    ("value", "kind"),
    [("a", "N"), (True, "N"), (None, "N"), (Decimal("0.1"), "N"), (5e-324, "N"), (float("nan"), "N"), ("a", "B"),
     (b"", "B"), (5, "B")],
)  # fmt: skip
def test_keys_of_other_types_refuse_what_they_cannot_hold(value: Any, kind: Any) -> None:
    with pytest.raises(DocumentValidationError, match="key attribute takes"):
        encode_key(value, kind)


def test_a_key_without_a_text_form_is_refused() -> None:
    with pytest.raises(DocumentValidationError, match="surrogate"):
        encode_key("\ud800")

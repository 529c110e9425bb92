"""The comparison order over all types, and equality and hashing along with it."""

from __future__ import annotations

import re
import uuid
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from itertools import pairwise, product
from typing import Any

import bson
import pytest
from lexigram.nosql.exceptions import DocumentValidationError
from lexigram.nosql.values.order import (
    compare,
    date_millis,
    equal,
    hash_key,
    make_equal,
    make_sort_key,
    number_value,
    sort_key,
    type_rank,
    value_of_key,
)
from lexigram.nosql.values.path import MISSING

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
ASCENDING: list[Any] = [
    bson.MinKey(),
    MISSING,
    None,
    float("nan"),
    float("-inf"),
    -(2**63),
    -1.5,
    -1,
    Decimal("-0.5"),
    0,
    Decimal("0.1"),
    0.1,  # the double nearest to a tenth is a little more than a tenth
    1,
    bson.Decimal128("1.5"),
    2**53,
    2**53 + 1,
    2.0**63,
    Decimal("1E+6000"),
    float("inf"),
    "",
    "A",
    "a",
    "ab",
    "é",
    "\U0001f600",
    {},
    {"a": 1},
    {"a": 2},
    {"b": 1},
    {"a": "x"},
    {"a": "x", "b": 1},
    [],
    [1],
    [1, 2],
    [2],
    ["a"],
    b"",
    b"a",
    b"b",
    bson.Binary(b"a", 5),
    b"aa",
    uuid.UUID(int=1),
    uuid.UUID(int=2),
    bson.ObjectId("0" * 24),
    bson.ObjectId("f" * 24),
    False,
    True,
    EPOCH - timedelta(milliseconds=1),
    EPOCH,
    bson.Timestamp(1, 1),
    bson.Timestamp(1, 2),
    re.compile("a"),
    re.compile("a", re.IGNORECASE),
    bson.Regex("b"),
    bson.Code("a"),
    bson.Code("a", {"x": 1}),
    bson.MaxKey(),
]

SAME: list[tuple[Any, Any]] = [
    (1, 1.0),
    (1, Decimal(1)),
    (1, bson.Int64(1)),
    (1.5, bson.Decimal128("1.50")),
    (0, -0.0),
    (0, Decimal("-0")),
    (float("nan"), Decimal("NaN")),
    (float("nan"), bson.Decimal128("NaN")),
    (float("inf"), Decimal("Infinity")),
    ("a", "a"),
    ([1, {"a": 2}], (1.0, {"a": Decimal(2)})),
    ({"a": 1}, bson.SON([("a", 1)])),
    ({"$ref": "c", "$id": 1}, bson.DBRef("c", 1)),
    (b"a", bson.Binary(b"a", 0)),
    (uuid.UUID(int=5), bson.Binary.from_uuid(uuid.UUID(int=5))),
    (EPOCH, datetime(1970, 1, 1)),  # noqa: DTZ001
    (EPOCH, datetime(1970, 1, 1, 2, tzinfo=timezone(timedelta(hours=2)))),
    (EPOCH, bson.datetime_ms.DatetimeMS(0)),
    (EPOCH, EPOCH + timedelta(microseconds=999)),
    (re.compile("a", re.MULTILINE), bson.Regex("a", "m")),
    (MISSING, MISSING),
]


def test_every_type_has_its_place():
    """All pairs of a list in ascending order compare as their positions do, and equal themselves only."""
    for (i, a), (j, b) in product(enumerate(ASCENDING), repeat=2):
        assert ((i > j) - (i < j), i == j, i == j) == (
            compare(a, b),
            equal(a, b),
            hash_key(a) == hash_key(b),
        ), (a, b)


@pytest.mark.parametrize(("a", "b"), SAME)
def test_values_of_one_meaning_are_equal(a: Any, b: Any):
    """What MongoDB stores as the same value compares equal and has the same key for hashing."""
    assert compare(a, b) == 0
    assert equal(a, b)
    assert equal(b, a)
    assert hash_key(a) == hash_key(b)
    assert hash(hash_key(a)) == hash(hash_key(b))


def test_a_bool_is_no_number():
    """True and 1 differ in order, equality and hashing, inside containers too."""
    assert not equal(True, 1)
    assert not equal([True], [1])
    assert not equal({"a": False}, {"a": 0})
    assert len({hash_key(value) for value in (True, 1, False, 0)}) == 4


def test_fields_in_another_order_make_another_object():
    """Objects are equal only field by field."""
    assert not equal({"a": 1, "b": 2}, {"b": 2, "a": 1})
    assert not equal({"a": 1}, {"a": 1, "b": 2})
    assert not equal({"a": 1, "b": 2}, {"a": 1, "b": 3})
    assert equal({"a": float("nan")}, {"a": float("nan")})


def test_large_ints_compare_exactly_with_floats():
    """Beyond 2**53 a float is compared by the number it is, not by rounding the int."""
    assert compare(2**53 + 1, 2.0**53) == 1
    assert compare(2.0**53, 2**53 + 1) == -1
    assert not equal(2**53 + 1, 2.0**53)


def test_ranks_group_types_that_compare():
    """Numbers share a rank, code with scope has its own."""
    assert type_rank(1) == type_rank(1.0) == type_rank(Decimal(1)) == type_rank(bson.Decimal128("1"))
    assert type_rank(bson.Code("a")) < type_rank(bson.Code("a", {}))
    assert [type_rank(a) for a in ASCENDING] == sorted(type_rank(a) for a in ASCENDING)


def test_a_type_without_a_place_is_refused():
    """Comparing what documents do not hold is a typed error."""
    for call in (sort_key, hash_key, type_rank):
        with pytest.raises(DocumentValidationError, match="set"):
            call({1})


def test_numbers_come_out_as_python_numbers():
    """Decimal128 becomes Decimal; the others stay."""
    assert number_value(bson.Decimal128("1.5")) == Decimal("1.5")
    assert number_value(7) == 7


def test_dates_count_milliseconds_downwards():
    """The count of a date before 1970 is negative and rounded down."""
    assert date_millis(EPOCH - timedelta(microseconds=1)) == -1
    assert date_millis(datetime(1970, 1, 1, 0, 0, 1)) == 1000  # noqa: DTZ001


def test_a_key_function_may_compare_strings_its_own_way():
    """Strings inside containers follow the given key, field names do not."""
    key = make_sort_key(str.lower)

    assert key(["A"]) == key(["a"])
    assert key({"x": "A"}) == key({"x": "a"})
    assert key({"X": "a"}) != key({"x": "a"})
    assert make_sort_key() is sort_key
    assert make_equal(key)("A", "a")
    assert make_equal(sort_key) is equal


def test_order_is_strict_between_neighbours():
    """Each value of the list is less than the next, by key as well."""
    for a, b in pairwise(ASCENDING):
        assert sort_key(a) < sort_key(b), (a, b)


@pytest.mark.parametrize(
    "value",
    [1, 1.5, Decimal("2.5"), "x", True, EPOCH, EPOCH - timedelta(days=1), uuid.UUID(int=5), b"ab", bson.ObjectId()],
)
def test_a_key_leads_back_to_a_value(value: Any):
    """For plain scalars, whose places say all about them."""
    found = value_of_key(sort_key(value))

    assert found == value
    assert type(found) is type(value)


@pytest.mark.parametrize(
    "value",
    [None, MISSING, float("nan"), {"a": 1}, [1], bson.MinKey(), bson.datetime_ms.DatetimeMS(2**60)],
)
def test_other_keys_lead_nowhere(value: Any):
    """Their places are not values."""
    assert value_of_key(sort_key(value)) is None

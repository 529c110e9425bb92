"""Extended JSON: every type as text and back, and malformed wrappers refused."""

from __future__ import annotations

import re
import uuid
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import bson
import pytest
from hypothesis import given
from lexigram.nosql.exceptions import DocumentValidationError
from lexigram.nosql.testing.strategies import values
from lexigram.nosql.values.extended_json import dumps, loads
from lexigram.nosql.values.order import equal

NEW_YEAR = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "null"),
        (True, "true"),
        (2**40, "1099511627776"),
        (1.5, "1.5"),
        ("ü", '"ü"'),
        (float("nan"), '{"$numberDouble":"NaN"}'),
        (float("-inf"), '{"$numberDouble":"-Infinity"}'),
        (float("inf"), '{"$numberDouble":"Infinity"}'),
        (NEW_YEAR, '{"$date":"2026-01-01T00:00:00.000Z"}'),
        (datetime(1969, 1, 1, tzinfo=UTC), '{"$date":{"$numberLong":"-31536000000"}}'),
        (Decimal("1.10"), '{"$numberDecimal":"1.10"}'),
        (Decimal("NaN"), '{"$numberDecimal":"NaN"}'),
        (Decimal("-Infinity"), '{"$numberDecimal":"-Infinity"}'),
        (b"\0\xff", '{"$binary":{"base64":"AP8=","subType":"00"}}'),
        (uuid.UUID(int=5), '{"$binary":{"base64":"AAAAAAAAAAAAAAAAAAAABQ==","subType":"04"}}'),
        (bson.ObjectId("0" * 24), '{"$oid":"000000000000000000000000"}'),
        (bson.Timestamp(5, 6), '{"$timestamp":{"t":5,"i":6}}'),
        (bson.MinKey(), '{"$minKey":1}'),
        (bson.MaxKey(), '{"$maxKey":1}'),
        (bson.Binary(b"ab", 5), '{"$binary":{"base64":"YWI=","subType":"05"}}'),
        ({"a": [1, {"b": None}]}, '{"a":[1,{"b":null}]}'),
        ({"$oid": "text"}, '{"$escaped":{"$oid":"text"}}'),
        ({"$escaped": {"a": 1}}, '{"$escaped":{"$escaped":{"a":1}}}'),
    ],
    ids=repr,
)
def test_a_value_is_written_and_read(value: Any, text: str) -> None:
    """In the relaxed form."""
    assert dumps(value) == text
    assert equal(loads(text), value)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ('{"$numberLong":"5"}', 5),
        ('{"$numberInt":"5"}', 5),
        ('{"$numberDouble":"1.5"}', 1.5),
        ('{"$date":{"$numberLong":"1767225600000"}}', NEW_YEAR),
        ('{"$date":"2026-01-01T01:00:00.0009+01:00"}', NEW_YEAR),
        ('{"$date":"2026-01-01T00:00:00"}', NEW_YEAR),
        ('{"$uuid":"00000000-0000-0000-0000-000000000005"}', uuid.UUID(int=5)),
        (b"[1]", [1]),
    ],
)
def test_other_forms_are_read_too(text: str | bytes, value: Any) -> None:
    """Canonical ones, and dates of other zones."""
    assert loads(text) == value


def test_numbers_and_patterns_of_bson_keep_their_meaning() -> None:
    """As the types that are read back."""
    assert loads(dumps(bson.Int64(7))) == 7
    assert loads(dumps(bson.Decimal128("2.50"))) == Decimal("2.50")
    found = loads(dumps(re.compile("^a", re.IGNORECASE | re.MULTILINE)))
    assert (found.pattern, found.flags & re.IGNORECASE, found.flags & re.MULTILINE) == (
        "^a",
        re.IGNORECASE,
        re.MULTILINE,
    )


@given(values())
def test_nothing_is_lost(value: Any) -> None:
    """For any value of a document."""
    assert equal(loads(dumps(value)), value)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "nope",
        '{"$date":"yesterday"}',
        '{"$date":[]}',
        '{"$oid":"short"}',
        '{"$oid":5}',
        '{"$numberDecimal":"x"}',
        '{"$numberDecimal":5}',
        '{"$numberLong":"x"}',
        '{"$binary":{"base64":"*","subType":"00"}}',
        '{"$binary":{"base64":"AA=="}}',
        '{"$binary":5}',
        '{"$timestamp":{"t":1}}',
        '{"$uuid":"x"}',
        '{"$regularExpression":{"pattern":"(","options":""}}',
        '{"$date":{"$numberLong":"99999999999999999999"}}',
        "[" * 100_000,
    ],
    ids=lambda text: text[:30],
)
def test_what_is_malformed_is_refused(text: str) -> None:
    """With a typed error."""
    with pytest.raises(DocumentValidationError):
        loads(text)


def test_what_documents_do_not_hold_has_no_form() -> None:
    """A typed error."""
    with pytest.raises(DocumentValidationError, match="complex"):
        dumps({"a": 1j})

"""Documents decoded without decoders are restored to what the codec with decoders gives."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import bson
import pytest
from bson.code import Code
from bson.datetime_ms import DatetimeMS
from bson.dbref import DBRef
from bson.decimal128 import Decimal128
from bson.int64 import Int64
from hypothesis import given
from lexigram.nosql.backends.mongodb.codecs import CODEC_OPTIONS, PLAIN_OPTIONS
from lexigram.nosql.backends.mongodb.restoring import restore, restore_many, restore_value
from lexigram.nosql.testing.strategies import documents

WHEN = datetime(2024, 2, 29, 12, 30, 15, 123_000, UTC)


@given(documents(bson=True))
def test_a_restored_document_is_what_the_codec_gives(document: dict[str, Any]) -> None:
    """Values, classes and order."""
    encoded = bson.encode(document, codec_options=PLAIN_OPTIONS)
    assert encoded == bson.encode(document, codec_options=CODEC_OPTIONS)
    expected = bson.decode(encoded, CODEC_OPTIONS)
    assert repr(restore(bson.decode(encoded, PLAIN_OPTIONS))) == repr(expected)
    several = [bson.decode(encoded, PLAIN_OPTIONS), bson.decode(encoded, PLAIN_OPTIONS)]
    restore_many(several)
    assert repr(several) == repr([expected, expected])


@pytest.mark.parametrize(
    "value",
    [
        WHEN,
        Decimal("1.10"),
        2**40,
        Int64(5),
        DatetimeMS(2**60),
        [[WHEN], {"a": {"b": [Decimal(1)]}}],
        {"deep": {"deeper": [WHEN, {"at": WHEN}]}},
        Code("f", {"at": 5}),
        Code("f"),
        DBRef("things", Int64(2**40), "other", at=WHEN),
        datetime.min.replace(tzinfo=UTC),
        datetime.max.replace(microsecond=999_000, tzinfo=UTC),
    ],
    ids=lambda value: f"{type(value).__name__} {value!r}"[:40],
)
def test_values_are_restored_wherever_they_stand(value: Any) -> None:
    """At the top, in objects and in arrays."""
    document = {"is": value, "in": [value, {"x": value}], "under": {"x": value}}
    encoded = bson.encode(document, codec_options=CODEC_OPTIONS)
    expected = bson.decode(encoded, CODEC_OPTIONS)
    found = restore(bson.decode(encoded, PLAIN_OPTIONS))
    assert repr(found) == repr(expected)
    assert found == expected
    alone = bson.decode(encoded, PLAIN_OPTIONS)["is"]
    assert repr(restore_value(alone)) == repr(expected["is"])


def test_a_date_is_restored_in_python_s_own_utc() -> None:
    """As the codec has it."""
    assert restore({"at": datetime(2024, 1, 1)})["at"].tzinfo is UTC  # noqa: DTZ001 - as PyMongo decodes


def test_the_parts_of_a_scope_and_of_a_reference_are_restored() -> None:
    """PyMongo decodes them within."""
    found = restore({"code": Code("f", {"n": Decimal128("1.5")}), "ref": DBRef("things", Decimal128("2.5"))})
    assert found["code"].scope == {"n": Decimal("1.5")}
    assert found["ref"].id == Decimal("2.5")

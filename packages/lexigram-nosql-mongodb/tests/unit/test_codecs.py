"""Documents become BSON and come back as they went in."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import bson
import pytest
from bson.datetime_ms import DatetimeMS
from bson.decimal128 import Decimal128
from bson.int64 import Int64
from bson.objectid import ObjectId
from lexigram.nosql.backends.mongodb.codecs import CODEC_OPTIONS


def there_and_back(value: Any) -> Any:
    return bson.decode(bson.encode({"is": value}, codec_options=CODEC_OPTIONS), CODEC_OPTIONS)["is"]


@pytest.mark.parametrize(
    "value",
    [
        None,
        True,
        5,
        2**31,
        2**63 - 1,
        -(2**63),
        1.5,
        -0.0,
        float("inf"),
        "text\u00e9",
        b"\x00\xff",
        Decimal("1.10"),
        Decimal("1E+6111"),
        Decimal("-Infinity"),
        UUID("12345678123456781234567812345678"),
        datetime(2024, 2, 29, 12, 30, 15, 123_000, UTC),
        datetime.min.replace(tzinfo=UTC),
        datetime.max.replace(microsecond=999_000, tzinfo=UTC),
        ObjectId("65a000000000000000000001"),
        [1, [2, {"a.b": [], "$c": {}}]],
        {"x": {"y": Decimal("0.0")}},
    ],
    ids=lambda value: f"{type(value).__name__} {value!r}"[:40],
)
def test_a_value_comes_back_equal_and_of_its_own_class(value: Any) -> None:
    """Also the sign of a zero and the digits of a decimal, which equality does not see."""
    back = there_and_back(value)

    assert back == value
    assert type(back) is type(value)
    assert repr(back) == repr(value)


def test_a_date_comes_back_aware_in_python_s_own_utc() -> None:
    """As from the memory store, so that both can be compared with ``is``."""
    assert there_and_back(datetime(2024, 1, 1, tzinfo=UTC)).tzinfo is UTC


def test_a_date_of_another_zone_comes_back_in_utc() -> None:
    """BSON keeps the moment, not the zone."""
    from datetime import timezone

    there = datetime(2024, 1, 1, 12, tzinfo=timezone(timedelta(hours=2)))

    assert there_and_back(there) == datetime(2024, 1, 1, 10, tzinfo=UTC)


def test_a_moment_that_python_has_no_date_for_comes_back_as_milliseconds() -> None:
    """Other programs may have stored it; it must not make the whole document unreadable."""
    far = DatetimeMS(2**60)

    assert there_and_back(far) == far


def test_an_int64_that_fits_in_32_bits_stays_one() -> None:
    """Somebody chose its width; as an int it would be stored with 32 bits the next time."""
    assert type(there_and_back(Int64(5))) is Int64


def test_a_large_int_is_no_int64() -> None:
    """It was an int when it went in."""
    assert type(there_and_back(2**40)) is int


def test_a_nan_comes_back() -> None:
    """Both of its kinds."""
    assert str(there_and_back(Decimal("NaN"))) == "NaN"
    assert str(there_and_back(float("nan"))) == "nan"


def test_a_decimal128_comes_back_as_a_decimal() -> None:
    """One Python type for one BSON type."""
    assert repr(there_and_back(Decimal128("2.50"))) == "Decimal('2.50')"


def test_what_bson_does_not_know_is_refused_by_name() -> None:
    """The fallback passes it on, and the encoder says what it is."""
    with pytest.raises(bson.errors.InvalidDocument, match="complex"):
        bson.encode({"is": 1j}, codec_options=CODEC_OPTIONS)

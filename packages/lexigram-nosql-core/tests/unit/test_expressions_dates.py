"""Operators on dates: parts, text, arithmetic, time zones."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from bson import DatetimeMS, Int64, ObjectId, Timestamp
from lexigram.nosql.aggregation.expressions import compile_expression
from lexigram.nosql.exceptions import PipelineError


def evaluate(expression: Any, document: dict[str, Any] | None = None, **variables: Any) -> Any:
    return compile_expression(expression, variables=variables)(document or {}, variables)


def code_of(expression: Any, document: dict[str, Any] | None = None) -> int | None:
    with pytest.raises(PipelineError) as caught:
        evaluate(expression, document)
    return caught.value.mongo_code


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


DATE = utc("2014-01-01T08:15:39.736")
LEAP = utc("2020-02-29T23:59:59.999")

PARTS: list[tuple[Any, Any]] = [
    ({"$year": "$d"}, 2014),
    ({"$month": "$d"}, 1),
    ({"$dayOfMonth": "$d"}, 1),
    ({"$hour": "$d"}, 8),
    ({"$minute": "$d"}, 15),
    ({"$second": "$d"}, 39),
    ({"$millisecond": "$d"}, 736),
    ({"$dayOfYear": "$d"}, 1),
    ({"$dayOfWeek": "$d"}, 4),
    ({"$week": "$d"}, 0),
    ({"$isoDayOfWeek": "$d"}, 3),
    ({"$isoWeek": ["$d"]}, 1),
    ({"$isoWeekYear": {"date": "$d"}}, Int64(2014)),
    ({"$hour": {"date": "$d", "timezone": "America/New_York"}}, 3),
    ({"$dayOfMonth": {"date": "$d", "timezone": "-09:00"}}, 31),
    ({"$year": {"date": "$d", "timezone": "-0900"}}, 2013),
    ({"$hour": {"date": "$d", "timezone": "+01"}}, 9),
    ({"$hour": {"date": "$d", "timezone": "+00:00"}}, 8),
    ({"$hour": {"date": "$d", "timezone": "GMT"}}, 8),
    ({"$hour": {"date": "$d", "timezone": "$z"}}, 17),
    ({"$hour": {"date": "$d", "timezone": "$gone"}}, None),
    ({"$hour": {"date": "$d", "timezone": None}}, None),
    ({"$hour": "$gone"}, None),
    ({"$hour": None}, None),
    ({"$dayOfYear": "$leap"}, 60),
    ({"$week": "$leap"}, 8),
    ({"$year": "$id"}, 2023),
    ({"$year": "$ts"}, 2024),
    ({"$millisecond": "$ms"}, 123),
    ({"$year": "$naive"}, 2021),
    ({"$hour": {"$toDate": "$d"}}, 8),
]
SOURCE: dict[str, Any] = {
    "d": DATE,
    "leap": LEAP,
    "z": "Asia/Tokyo",
    "id": ObjectId("65000000c2ab715d42129e00"),
    "ts": Timestamp(1704105000, 7),
    "ms": DatetimeMS(1704105000123),
    "naive": datetime(2021, 5, 6),  # noqa: DTZ001 - a naive date counts as UTC
}


@pytest.mark.parametrize(("expression", "expected"), PARTS)
def test_parts(expression: Any, expected: Any) -> None:
    assert evaluate(expression, SOURCE) == expected


DAY_PARTS = {"hour": 8, "minute": 15, "second": 39, "millisecond": 736}
TOGETHER: list[tuple[Any, Any]] = [
    ({"$dateToParts": {"date": "$d"}}, {"year": 2014, "month": 1, "day": 1, **DAY_PARTS}),
    (
        {"$dateToParts": {"date": "$d", "timezone": "America/New_York"}},
        {"year": 2014, "month": 1, "day": 1, **DAY_PARTS, "hour": 3},
    ),
    (
        {"$dateToParts": {"date": "$d", "iso8601": True}},
        {"isoWeekYear": 2014, "isoWeek": 1, "isoDayOfWeek": 3, **DAY_PARTS},
    ),
    ({"$dateToParts": {"date": "$gone"}}, None),
    ({"$dateToParts": {"date": "$d", "iso8601": None}}, None),
    ({"$dateToParts": {"date": "$d", "timezone": None}}, None),
    ({"$dateFromParts": {"year": 2017, "month": 2, "day": 8, "hour": 12}}, utc("2017-02-08T12:00")),
    ({"$dateFromParts": {"year": 2017}}, utc("2017-01-01")),
    ({"$dateFromParts": {"isoWeekYear": 2017, "isoWeek": 6, "isoDayOfWeek": 3, "hour": 12}}, utc("2017-02-08T12:00")),
    ({"$dateFromParts": {"isoWeekYear": 2020}}, utc("2019-12-30")),
    (
        {"$dateFromParts": {"year": 2016, "month": 12, "day": 31, "hour": 23, "timezone": "America/New_York"}},
        utc("2017-01-01T04:00"),
    ),
    ({"$dateFromParts": {"year": 2017, "month": 14, "day": 1}}, utc("2018-02-01")),
    ({"$dateFromParts": {"year": 2017, "month": 0, "day": 0}}, utc("2016-11-30")),
    ({"$dateFromParts": {"year": 2017, "day": 33, "hour": 25, "minute": -1}}, utc("2017-02-03T00:59")),
    ({"$dateFromParts": {"year": 2017, "second": 1e9, "millisecond": Decimal(1500)}}, utc("2048-09-09T01:46:41.500")),
    ({"$dateFromParts": {"year": 2017, "day": "$gone"}}, None),
    ({"$dateFromParts": {"year": 2017, "timezone": "$gone"}}, None),
    ({"$dateFromParts": {"isoWeekYear": 2017, "isoWeek": 60}}, utc("2018-02-19")),
]


@pytest.mark.parametrize(("expression", "expected"), TOGETHER)
def test_to_and_from_parts(expression: Any, expected: Any) -> None:
    assert evaluate(expression, SOURCE) == expected


WRITTEN: list[tuple[Any, Any]] = [
    ({"date": "$d"}, "2014-01-01T08:15:39.736Z"),
    ({"date": "$d", "timezone": "Asia/Tokyo"}, "2014-01-01T17:15:39.736"),
    ({"date": "$d", "format": "%Y-%m-%d %H:%M:%S:%L"}, "2014-01-01 08:15:39:736"),
    ({"date": "$d", "format": "%j %w %U %G %u %V %b %B %%"}, "001 4 00 2014 3 01 Jan January %"),
    ({"date": "$d", "format": "%z %Z", "timezone": "America/New_York"}, "-0500 -300"),
    ({"date": "$d", "format": "%z %Z", "timezone": "+0530"}, "+0530 330"),
    ({"date": "$d", "format": "%z %Z"}, "+0000 0"),
    ({"date": "$d", "format": "$f"}, "14"),
    ({"date": "$d", "format": ""}, ""),
    ({"date": "$gone"}, None),
    ({"date": "$gone", "onNull": "none"}, "none"),
    ({"date": "$d", "timezone": "$gone"}, None),
    ({"date": "$d", "format": None}, None),
]


@pytest.mark.parametrize(("arguments", "expected"), WRITTEN)
def test_to_string(arguments: Any, expected: Any) -> None:
    source = {**SOURCE, "f": "14"}
    assert evaluate({"$dateToString": arguments}, source) == expected


FREE: list[tuple[str, str]] = [
    ("2017-07-04", "2017-07-04T00:00:00"),
    ("2017-07-04T11:56", "2017-07-04T11:56:00"),
    ("2017-07-04T11:56:02Z", "2017-07-04T11:56:02"),
    ("2017-07-04T11:56:02.81Z", "2017-07-04T11:56:02.810"),
    ("2017-07-04T24:00:00", "2017-07-05T00:00:00"),
    ("2017-07-04T11:56.02", "2017-07-04T11:56:02"),
    ("2017-07-04T11:56.02.813", "2017-07-04T11:56:02.813"),
    ("2017-07-06 11:36:54", "2017-07-06T11:36:54"),
    ("2017-07-14T12:02:44.771 GMT", "2017-07-14T12:02:44.771"),
    ("2017-07-14T12:02:44.771 GMT+02:00", "2017-07-14T10:02:44.771"),
    ("2017-07-14T12:02:44.771+03", "2017-07-14T09:02:44.771"),
    ("2017-07-14T12:02:44.771+0330", "2017-07-14T08:32:44.771"),
    ("2017-07-14T12:02:44.771 CEST", "2017-07-14T10:02:44.771"),
    ("2017-07-14T12:02:44.771 PDT", "2017-07-14T19:02:44.771"),
    ("2017-07-14T12:02:44.771 A", "2017-07-14T11:02:44.771"),
    ("2017-07-14T12:02:44.771 L", "2017-07-14T01:02:44.771"),
    ("2017-07-14T12:02:44.771 P", "2017-07-14T15:02:44.771"),
    ("July 4th, 2017", "2017-07-04T00:00:00"),
    ("July 4th, 2017 12:39:30 BST", "2017-07-04T11:39:30"),
    ("July 4th, 2017 11am", "2017-07-04T11:00:00"),
    ("July 4th, 2017 12pm", "2017-07-04T12:00:00"),
    ("July 4th, 2017 12 a.m.", "2017-07-04T00:00:00"),
    ("7/4/17", "2017-07-04T00:00:00"),
    ("7/4/1971", "1971-07-04T00:00:00"),
    ("7/4/71", "1971-07-04T00:00:00"),
    ("04-07-2017", "2017-07-04T00:00:00"),
    ("2017-Jul-04 noon", "2017-07-04T12:00:00"),
    ("2017-Jul-04 midnight", "2017-07-04T00:00:00"),
    ("2017-07-04 12:48:07 GMT+0545", "2017-07-04T07:03:07"),
    ("2017-07-04 12:48:07 GMT-0200", "2017-07-04T14:48:07"),
    ("20170208T121040", "2017-02-08T12:10:40"),
    ("20170208T12", "2017-02-08T12:00:00"),
    ("2017-W27-2", "2017-07-04T00:00:00"),
    ("2017W27", "2017-07-03T00:00:00"),
    ("2017-185", "2017-07-04T00:00:00"),
    ("2017-07", "2017-07-01T00:00:00"),
    ("Tue, 4 Jul 2017 10:00:00 +0200", "2017-07-04T08:00:00"),
    ("Wed, 4 Jul 2017", "2017-07-05T00:00:00"),
    ("@1486555840", "2017-02-08T12:10:40"),
    ("@1486555840.25", "2017-02-08T12:10:40.250"),
    ("July 2017", "2017-07-01T00:00:00"),
    ("08.02.2017", "2017-02-08T00:00:00"),
    ("4 July 2017 5:30 pm", "2017-07-04T17:30:00"),
]


@pytest.mark.parametrize(("text", "expected"), FREE)
def test_dates_without_a_format(text: str, expected: str) -> None:
    assert evaluate({"$dateFromString": {"dateString": "$t"}}, {"t": text}) == utc(expected)
    assert evaluate({"$toDate": "$t"}, {"t": text}) == utc(expected)


@pytest.mark.parametrize(
    "text",
    [
        "July 4th",
        "12:50:53",
        "2017, 12:50:53",
        "60.Monday1770/06:59",
        "2017-07-12T22:23:55 America/New_York",
        "foo",
        "2017-02-30",
        "2017-13-01",
        "2017-000",
        "2017-367",
        "2017-07-04T25:00",
        "2017-07-04T24:00:01",
        "2017-07-04T12:61",
        "2017-07-04T12:00+99",
        "2017-07-04 13pm",
        "@99999999999999",
        "@253402300800",
        "0001-01-01T00:00:00+05:00",
        "9999-12-31T24:00:00",
        "",
    ],
)
def test_texts_that_are_no_dates(text: str) -> None:
    assert code_of({"$dateFromString": {"dateString": text}}) == 241
    assert evaluate({"$dateFromString": {"dateString": text, "onError": "bad"}}) == "bad"


READ: list[tuple[str, str, str]] = [
    ("05 12 1988", "%d %m %Y", "1988-12-05T00:00:00"),
    ("1992 % 04 % 26", "%Y %% %m %% %d", "1992-04-26T00:00:00"),
    ("4/26/1992:+0445", "%m/%d/%Y:%z", "1992-04-25T19:15:00"),
    ("4/26/1992:+285", "%m/%d/%Y:%Z", "1992-04-25T19:15:00"),
    ("4/26/1992:-60", "%m/%d/%Y:%Z", "1992-04-26T01:00:00"),
    ("2017", "%G", "2017-01-02T00:00:00"),
    ("2017, Week 53", "%G, Week %V", "2018-01-01T00:00:00"),
    ("2017, Day 5", "%G, Day %u", "2017-01-06T00:00:00"),
    ("53.7.2017", "%V.%u.%G", "2018-01-07T00:00:00"),
    ("1.1.1", "%V.%u.%G", "0001-01-01T00:00:00"),
    ("2017-07-14T12:02:44.771 GMT+02:00", "%Y-%m-%dT%H:%M:%S.%L%z", "2017-07-14T10:02:44.771"),
    ("2017-07-14T12:02:44.7 L", "%Y-%m-%dT%H:%M:%S.%L%z", "2017-07-14T01:02:44.700"),
    ("07 Dec 2018", "%d %b %Y", "2018-12-07T00:00:00"),
    ("07 december 2018", "%d %B %Y", "2018-12-07T00:00:00"),
    ("2017 185", "%Y %j", "2017-07-04T00:00:00"),
]


@pytest.mark.parametrize(("text", "form", "expected"), READ)
def test_dates_with_a_format(text: str, form: str, expected: str) -> None:
    assert evaluate({"$dateFromString": {"dateString": text, "format": form}}) == utc(expected)


@pytest.mark.parametrize(
    ("text", "form"),
    [
        ("2018-01", "%Y-%m-%d"),
        ("2018-01", "%Y"),
        ("2018", "%Y"),
        ("1992-26-04", "Y-d-m"),
        ("ISO Day 6", "ISO Day %u"),
        ("ISO Week 1, 2018", "ISO Week %V, %Y"),
        ("12/31/2018", "%m/%d/%G"),
        ("54 2018", "%V %G"),
        ("x", "%Y"),
        ("x", "%L"),
        ("x", "%b"),
        ("%", "%b"),
        ("?", "%z"),
        ("?", "%Z"),
        ("?", "%%"),
        ("2018-01-01 30", "%Y-%m-%d %M"),
        ("2018-01-01 24", "%Y-%m-%d %H"),
        ("2018-01-01 zzzz", "%Y-%m-%d %z"),
    ],
)
def test_texts_not_in_their_format(text: str, form: str) -> None:
    assert code_of({"$dateFromString": {"dateString": text, "format": form}}) == 241


FROM_STRING: list[tuple[Any, Any]] = [
    ({"dateString": "2017-02-08T12:00", "timezone": "Europe/Amsterdam"}, utc("2017-02-08T11:00")),
    ({"dateString": "2017-02-08T12:00:00.123456"}, utc("2017-02-08T12:00:00.123")),
    ({"dateString": "@0"}, utc("1970-01-01")),
    ({"dateString": "$gone"}, None),
    ({"dateString": "$gone", "onNull": 1}, 1),
    ({"dateString": None, "onError": "bad"}, None),
    ({"dateString": "2017-02-08", "timezone": "$gone"}, None),
    ({"dateString": "2017-02-08", "format": "$gone"}, None),
    ({"dateString": 1, "onError": "bad"}, "bad"),
]


@pytest.mark.parametrize(("arguments", "expected"), FROM_STRING)
def test_from_string(arguments: Any, expected: Any) -> None:
    assert evaluate({"$dateFromString": arguments}) == expected


@pytest.mark.parametrize("text", ["2017-02-08T12:00Z", "@0"])
def test_two_time_zones_are_one_too_many(text: str) -> None:
    assert code_of({"$dateFromString": {"dateString": text, "timezone": "Asia/Tokyo"}}) == 241


ARITHMETIC: list[tuple[Any, Any]] = [
    ({"$dateAdd": {"startDate": utc("2021-01-31"), "unit": "month", "amount": 1}}, utc("2021-02-28")),
    ({"$dateAdd": {"startDate": utc("2020-02-29"), "unit": "year", "amount": 1}}, utc("2021-02-28")),
    ({"$dateAdd": {"startDate": utc("2020-11-30"), "unit": "quarter", "amount": 1}}, utc("2021-02-28")),
    ({"$dateAdd": {"startDate": utc("2020-11-30"), "unit": "week", "amount": -1}}, utc("2020-11-23")),
    ({"$dateAdd": {"startDate": utc("2020-11-30"), "unit": "hour", "amount": 25}}, utc("2020-12-01T01:00")),
    (
        {"$dateAdd": {"startDate": utc("2020-11-30"), "unit": "millisecond", "amount": 1}},
        utc("2020-11-30T00:00:00.001"),
    ),
    # On the clocks of New York the night of 14 March 2021 has 23 hours.
    (
        {
            "$dateAdd": {
                "startDate": utc("2021-03-13T12:00"),
                "unit": "day",
                "amount": 1,
                "timezone": "America/New_York",
            }
        },
        utc("2021-03-14T11:00"),
    ),
    (
        {
            "$dateAdd": {
                "startDate": utc("2021-03-13T12:00"),
                "unit": "hour",
                "amount": 24,
                "timezone": "America/New_York",
            }
        },
        utc("2021-03-14T12:00"),
    ),
    (
        {
            "$dateAdd": {
                "startDate": utc("2021-11-07T06:30"),
                "unit": "day",
                "amount": 0,
                "timezone": "America/New_York",
            }
        },
        utc("2021-11-07T06:30"),
    ),
    ({"$dateSubtract": {"startDate": utc("2021-03-31"), "unit": "month", "amount": 1}}, utc("2021-02-28")),
    ({"$dateSubtract": {"startDate": "$gone", "unit": "month", "amount": 1}}, None),
    ({"$dateSubtract": {"startDate": DATE, "unit": "$gone", "amount": 1}}, None),
    ({"$dateSubtract": {"startDate": DATE, "unit": "day", "amount": None}}, None),
    ({"$dateSubtract": {"startDate": DATE, "unit": "day", "amount": 1, "timezone": None}}, None),
    ({"$dateDiff": {"startDate": utc("2020-12-31T23:59:59"), "endDate": utc("2021-01-01"), "unit": "year"}}, Int64(1)),
    ({"$dateDiff": {"startDate": utc("2021-01-01"), "endDate": utc("2020-12-31T23:59"), "unit": "quarter"}}, Int64(-1)),
    ({"$dateDiff": {"startDate": utc("2020-11-30"), "endDate": utc("2022-01-01"), "unit": "month"}}, Int64(14)),
    ({"$dateDiff": {"startDate": utc("2020-11-30T23:00"), "endDate": utc("2020-12-01"), "unit": "day"}}, Int64(1)),
    (
        {"$dateDiff": {"startDate": utc("2020-11-30"), "endDate": utc("2020-11-30T01:01:01"), "unit": "minute"}},
        Int64(61),
    ),
    (
        {"$dateDiff": {"startDate": utc("2020-11-30"), "endDate": utc("2020-11-30T00:01:01"), "unit": "second"}},
        Int64(61),
    ),
    (
        {"$dateDiff": {"startDate": utc("2020-11-30"), "endDate": utc("2020-11-30T00:00:01"), "unit": "millisecond"}},
        1000,
    ),
    ({"$dateDiff": {"startDate": utc("2021-01-02"), "endDate": utc("2021-01-03"), "unit": "week"}}, 1),
    (
        {
            "$dateDiff": {
                "startDate": utc("2021-01-02"),
                "endDate": utc("2021-01-03"),
                "unit": "week",
                "startOfWeek": "Monday",
            }
        },
        0,
    ),
    (
        {
            "$dateDiff": {
                "startDate": utc("2021-03-14T00:00"),
                "endDate": utc("2021-03-15T00:00"),
                "unit": "hour",
                "timezone": "America/New_York",
            }
        },
        24,
    ),
    ({"$dateDiff": {"startDate": None, "endDate": DATE, "unit": "day"}}, None),
    ({"$dateDiff": {"startDate": DATE, "endDate": None, "unit": "day"}}, None),
    ({"$dateDiff": {"startDate": DATE, "endDate": DATE, "unit": None}}, None),
    ({"$dateDiff": {"startDate": DATE, "endDate": DATE, "unit": "week", "startOfWeek": None}}, None),
    ({"$dateDiff": {"startDate": DATE, "endDate": DATE, "unit": "day", "startOfWeek": None}}, 0),
    ({"$dateDiff": {"startDate": DATE, "endDate": DATE, "unit": "day", "timezone": None}}, None),
    ({"$dateTrunc": {"date": utc("2020-05-18T14:10:30.123"), "unit": "hour"}}, utc("2020-05-18T14:00")),
    ({"$dateTrunc": {"date": utc("1999-12-31T23:59"), "unit": "hour", "binSize": 5}}, utc("1999-12-31T19:00")),
    ({"$dateTrunc": {"date": utc("1999-12-31T23:59"), "unit": "month", "binSize": 2}}, utc("1999-11-01")),
    (
        {
            "$dateTrunc": {
                "date": utc("2020-05-18T14:10"),
                "unit": "month",
                "binSize": 6,
                "timezone": "America/Los_Angeles",
            }
        },
        utc("2020-01-01T08:00"),
    ),
    (
        {
            "$dateTrunc": {
                "date": utc("2020-05-18T14:10:30.123"),
                "unit": "week",
                "binSize": 2,
                "timezone": "America/Los_Angeles",
                "startOfWeek": "Monday",
            }
        },
        utc("2020-05-11T07:00"),
    ),
    ({"$dateTrunc": {"date": utc("2021-03-20T11:30:05"), "unit": "week", "startOfWeek": "fri"}}, utc("2021-03-19")),
    ({"$dateTrunc": {"date": utc("2021-03-20T11:30:05"), "unit": "quarter"}}, utc("2021-01-01")),
    ({"$dateTrunc": {"date": utc("2021-03-20T11:30:05"), "unit": "year", "binSize": 5}}, utc("2020-01-01")),
    ({"$dateTrunc": {"date": "$gone", "unit": "year"}}, None),
    ({"$dateTrunc": {"date": DATE, "unit": None}}, None),
    ({"$dateTrunc": {"date": DATE, "unit": "year", "binSize": None}}, None),
    ({"$dateTrunc": {"date": DATE, "unit": "year", "timezone": None}}, None),
    ({"$dateTrunc": {"date": DATE, "unit": "week", "startOfWeek": "$gone"}}, None),
    ({"$tsSecond": Timestamp(12, 34)}, Int64(12)),
    ({"$tsIncrement": Timestamp(12, 34)}, Int64(34)),
    ({"$tsSecond": "$gone"}, None),
]


@pytest.mark.parametrize(("expression", "expected"), ARITHMETIC)
def test_arithmetic(expression: Any, expected: Any) -> None:
    assert evaluate(expression) == expected


def test_units_from_documents() -> None:
    document = {"d": utc("2021-01-31"), "u": "month", "n": 1, "w": "tuesday"}
    assert evaluate({"$dateAdd": {"startDate": "$d", "unit": "$u", "amount": "$n"}}, document) == utc("2021-02-28")
    truncated = {"$dateTrunc": {"date": "$d", "unit": "week", "startOfWeek": "$w"}}
    assert evaluate(truncated, document) == utc("2021-01-26")
    assert code_of({"$dateAdd": {"startDate": "$d", "unit": "$w", "amount": "$n"}}, document) == 9


ERRORS: list[tuple[Any, int]] = [
    ({"$year": "x"}, 16006),
    ({"$year": [1, 2]}, 40536),
    ({"$year": {"timezone": "UTC"}}, 40539),
    ({"$year": {"date": DATE, "x": 1}}, 40535),
    ({"$year": {"date": DATE, "timezone": 1}}, 40517),
    ({"$year": {"date": DATE, "timezone": "Not/AZone"}}, 40485),
    ({"$year": {"date": DATE, "timezone": "../etc/passwd"}}, 40485),
    ({"$year": {"date": DATE, "timezone": "+99:00"}}, 40485),
    ({"$year": {"date": DATE, "timezone": "America"}}, 40485),
    ({"$hour": {"date": utc("0001-01-01"), "timezone": "-05:00"}}, 15),
    ({"$year": DatetimeMS(10**17)}, 15),
    ({"$dateToParts": 1}, 40524),
    ({"$dateToParts": {"x": 1}}, 40520),
    ({"$dateToParts": {"iso8601": True}}, 40522),
    ({"$dateToParts": {"date": DATE, "iso8601": 1}}, 40521),
    ({"$dateFromParts": 1}, 40519),
    ({"$dateFromParts": {"x": 1}}, 40518),
    ({"$dateFromParts": {"month": 1}}, 40516),
    ({"$dateFromParts": {"year": 2017, "isoWeek": 1}}, 40489),
    ({"$dateFromParts": {"isoWeekYear": 2017, "month": 1}}, 40525),
    ({"$dateFromParts": {"year": 2017, "month": 1.5}}, 40515),
    ({"$dateFromParts": {"year": 2017, "month": "x"}}, 40515),
    ({"$dateFromParts": {"year": 2017, "month": 40000}}, 31034),
    ({"$dateFromParts": {"year": 0}}, 40523),
    ({"$dateFromParts": {"isoWeekYear": 10000}}, 31095),
    ({"$dateFromParts": {"year": 9999, "month": 13}}, 15),
    ({"$dateFromParts": {"year": 1, "timezone": "+05:00"}}, 15),
    ({"$dateFromString": 1}, 40540),
    ({"$dateFromString": {"x": 1}}, 40541),
    ({"$dateFromString": {"format": "%Y"}}, 40542),
    ({"$dateFromString": {"dateString": "x", "format": 1}}, 40684),
    ({"$dateFromString": {"dateString": "x", "format": "%n", "onError": 1}}, 18536),
    ({"$dateFromString": {"dateString": "x", "format": "%"}}, 18535),
    ({"$dateFromString": {"dateString": "2017-01-01", "timezone": "x", "onError": 1}}, 40485),
    ({"$dateFromString": {"dateString": 1}}, 241),
    ({"$dateToString": 1}, 18629),
    ({"$dateToString": {"x": 1}}, 18534),
    ({"$dateToString": {"format": "%Y"}}, 18628),
    ({"$dateToString": {"date": DATE, "format": 1}}, 18533),
    ({"$dateToString": {"date": DATE, "format": "%q"}}, 18536),
    ({"$dateToString": {"date": DATE, "format": "%Y%"}}, 18535),
    ({"$dateToString": {"date": "x"}}, 16006),
    ({"$dateAdd": 1}, 5166400),
    ({"$dateAdd": {"x": 1}}, 5166401),
    ({"$dateAdd": {"startDate": DATE, "unit": "day"}}, 5166402),
    ({"$dateAdd": {"startDate": 1, "unit": "day", "amount": 1}}, 5166403),
    ({"$dateAdd": {"startDate": DATE, "unit": "day", "amount": 1.5}}, 5166405),
    ({"$dateAdd": {"startDate": DATE, "unit": 1, "amount": 1}}, 5439013),
    ({"$dateAdd": {"startDate": DATE, "unit": "days", "amount": 1}}, 9),
    ({"$dateAdd": {"startDate": DATE, "unit": "year", "amount": 10**12}}, 5976500),
    ({"$dateAdd": {"startDate": DATE, "unit": "year", "amount": 10_000}}, 15),
    ({"$dateAdd": {"startDate": DATE, "unit": "day", "amount": 10_000_000}}, 15),
    ({"$dateAdd": {"startDate": DATE, "unit": "day", "amount": 10_000_000_000}}, 15),
    ({"$dateAdd": {"startDate": DATE, "unit": "millisecond", "amount": 2**62}}, 15),
    ({"$dateSubtract": {"startDate": DATE, "unit": "day", "amount": -(2**63)}}, 6045000),
    ({"$dateDiff": 1}, 5166301),
    ({"$dateDiff": {"x": 1}}, 5166302),
    ({"$dateDiff": {"endDate": DATE, "unit": "day"}}, 5166303),
    ({"$dateDiff": {"startDate": DATE, "unit": "day"}}, 5166304),
    ({"$dateDiff": {"startDate": DATE, "endDate": DATE}}, 5166305),
    ({"$dateDiff": {"startDate": DATE, "endDate": 1, "unit": "day"}}, 5166307),
    ({"$dateDiff": {"startDate": DATE, "endDate": DATE, "unit": "week", "startOfWeek": 1}}, 5439015),
    ({"$dateDiff": {"startDate": DATE, "endDate": DATE, "unit": "week", "startOfWeek": "x"}}, 5439016),
    ({"$dateTrunc": 1}, 5439007),
    ({"$dateTrunc": {"x": 1}}, 5439008),
    ({"$dateTrunc": {"unit": "day"}}, 5439009),
    ({"$dateTrunc": {"date": DATE}}, 5439010),
    ({"$dateTrunc": {"date": 1, "unit": "day"}}, 5439012),
    ({"$dateTrunc": {"date": DATE, "unit": "day", "binSize": "x"}}, 5439017),
    ({"$dateTrunc": {"date": DATE, "unit": "day", "binSize": 0}}, 5439018),
    ({"$dateTrunc": {"date": DATE, "unit": "day", "binSize": 10**12}}, 5439006),
    ({"$dateTrunc": {"date": utc("1999-12-31"), "unit": "year", "binSize": 9000}}, 15),
    ({"$tsSecond": DATE}, 5687301),
    ({"$tsIncrement": 1}, 5687302),
]


@pytest.mark.parametrize(("expression", "code"), ERRORS)
def test_errors(expression: Any, code: int) -> None:
    assert code_of(expression) == code


def test_a_local_time_that_comes_twice_is_its_first_coming() -> None:
    parts = {"year": 2021, "month": 11, "day": 7, "hour": 1, "minute": 30, "timezone": "America/New_York"}
    assert evaluate({"$dateFromParts": parts}) == utc("2021-11-07T05:30")


def test_a_local_time_that_does_not_come_counts_with_the_offset_from_before() -> None:
    parts = {"year": 2021, "month": 3, "day": 14, "hour": 2, "minute": 30, "timezone": "America/New_York"}
    assert evaluate({"$dateFromParts": parts}) == utc("2021-03-14T07:30")


def test_now_is_one_moment_for_all_documents() -> None:
    moment = utc("2024-05-06")
    assert evaluate({"$dateAdd": {"startDate": "$$NOW", "unit": "day", "amount": 1}}, NOW=moment) == moment + timedelta(
        1
    )
    assert evaluate({"$subtract": ["$$NOW", "$$NOW"]}, NOW=moment) == 0

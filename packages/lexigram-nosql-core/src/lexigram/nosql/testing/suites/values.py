"""What goes in comes out: types, precision, time zones, limits."""

# ruff: noqa: S101 - these are tests

from __future__ import annotations

import re
from collections import OrderedDict
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from enum import Enum
from importlib.util import find_spec
from typing import Any
from uuid import UUID

import pytest
from lexigram.nosql.collection import Collection
from lexigram.nosql.exceptions import DocumentValidationError
from lexigram.nosql.testing.comparing import assert_same
from lexigram.nosql.testing.suite import Suite

__all__ = ["Values"]

VALUES: dict[str, Any] = {
    "null": None,
    "true": True,
    "false": False,
    "zero": 0,
    "one": 1,
    "negative": -1,
    "32 bits": 2**31,
    "largest int": 2**63 - 1,
    "least int": -(2**63),
    "float zero": 0.0,
    "negative zero": -0.0,
    "whole float": 1.0,
    "float": 0.1,
    "large float": 1.7976931348623157e308,
    "small float": 5e-324,
    "infinity": float("inf"),
    "negative infinity": float("-inf"),
    "nan": float("nan"),
    "empty text": "",
    "text": "plain",
    "accents": "é e\u0301 ß",
    "emoji": "\U0001f600\U0001f468\u200d\U0001f469",
    "text with NUL": "a\0b",
    "text of lines": "a\r\nb\tc",
    "quotes": "a'b\"c\\d`e",
    "long text": "x" * 5000,
    "dollar text": "$a.b",
    "empty bytes": b"",
    "bytes": bytes(range(256)),
    "epoch": datetime(1970, 1, 1, tzinfo=UTC),
    "before the epoch": datetime(1969, 12, 31, 23, 59, 59, 999000, tzinfo=UTC),
    "milliseconds": datetime(2026, 11, 21, 12, 30, 15, 250000, tzinfo=UTC),
    "first date": datetime(1, 1, 1, tzinfo=UTC),
    "last date": datetime(9999, 12, 31, 23, 59, 59, 999000, tzinfo=UTC),
    "decimal": Decimal("0.1"),
    "decimal with zeros": Decimal("1.500"),
    "decimal zero": Decimal(0),
    "negative decimal zero": Decimal("-0"),
    "34 digits": Decimal("1.234567890123456789012345678901234"),
    "large decimal": Decimal("1E+6000"),
    "small decimal": Decimal("1E-6000"),
    "decimal nan": Decimal("NaN"),
    "decimal infinity": Decimal("-Infinity"),
    "uuid": UUID("12345678-1234-5678-9234-567812345678"),
    "uuid zero": UUID(int=0),
    "empty list": [],
    "empty object": {},
    "nested": {"a": [{"b": [[1, [2.0, None]], {}]}], "c": {"d": {"e": b"x"}}},
    "order of fields": {"z": 1, "a": 2, "m": {"y": 1, "b": 2}},
    "empty name": {"": 1},
    "number as name": {"0": 1, "10": 2, "9": 3},
    "dollar name": {"$ref": 1, "a$b": 2},
    "dotted name": {"a.b": 1, ".": 2, "a.": 3},
    "mixed list": [1, 1.0, True, None, "1", Decimal(1), b"1", [1], {"1": 1}],
    "pattern": re.compile("^a.*b$", re.IGNORECASE),
}

REFUSED: dict[str, Any] = {
    "set": {1},
    "object": object(),
    "complex": 1j,
    "date without time": date(2026, 1, 1),
    "65 bits": 2**63,
    "below 64 bits": -(2**63) - 1,
    "35 digits": Decimal("1.2345678901234567890123456789012345"),
    "decimal out of range": Decimal("1E+7000"),
    "lone surrogate": "\ud800",
    "int as a name": {1: "a"},
    "NUL in a name": {"a\0": 1},
    "range": range(3),
    "function": print,
}


class _Colour(Enum):
    RED = "red"


@dataclass
class _Point:
    x: int = 1


class Values(Suite, topic="values"):
    """Equal to the last bit, on every backend."""

    @pytest.mark.parametrize("kind", VALUES)
    async def test_a_value_comes_back(self, things: Collection, kind: str) -> None:
        """With its type, as a field, in a list and in an object; and a filter finds it.

        Check the codec, in both directions.
        """
        value = VALUES[kind]
        document = {"_id": 1, "v": value, "l": [value, value], "o": {"v": value}}
        await things.insert_one(document)
        found = await things.find_one({"_id": 1})
        assert_same(found, document)
        if kind != "pattern":
            assert await things.count_documents({"v": {"$eq": value}}) == 1
        (grouped,) = await things.aggregate([{"$group": {"_id": "$_id", "v": {"$first": "$v"}}}]).to_list()
        assert_same(grouped, {"_id": 1, "v": value})

    @pytest.mark.parametrize("kind", VALUES)
    async def test_a_value_is_set(self, things: Collection, kind: str) -> None:
        """By an update it comes back the same. Check the codec of updates."""
        await things.insert_one({"_id": 1})
        await things.update_one({"_id": 1}, {"$set": {"v": VALUES[kind]}})
        assert_same(await things.find_one({"_id": 1}), {"_id": 1, "v": VALUES[kind]})

    @pytest.mark.parametrize("kind", REFUSED)
    async def test_a_value_is_refused(self, things: Collection, kind: str) -> None:
        """With its path, before anything is sent, at any depth. Check that the portable layer prepares documents."""
        with pytest.raises(DocumentValidationError):
            await things.insert_one({"_id": 1, "v": REFUSED[kind]})
        with pytest.raises(DocumentValidationError) as caught:
            await things.insert_one({"_id": 1, "a": [{"b": REFUSED[kind]}]})
        assert caught.value.path.startswith("a.0")
        with pytest.raises(DocumentValidationError):
            await things.replace_one({"_id": 1}, {"v": REFUSED[kind]}, upsert=True)
        assert await things.count_documents() == 0

    @pytest.mark.parametrize("value", [_Colour.RED, _Point(), _Point], ids=["enum", "dataclass", "class"])
    async def test_objects_of_the_application_are_refused(self, things: Collection, value: Any) -> None:
        """They would come back as something else. Check that the portable layer prepares documents."""
        with pytest.raises(DocumentValidationError):
            await things.insert_one({"v": value})

    async def test_dates_come_back_in_utc(self, things: Collection) -> None:
        """Whatever their zone was; they are the same moment. Check the codec of dates."""
        zone = timezone(timedelta(hours=5, minutes=30))
        await things.insert_one({"_id": 1, "at": datetime(2026, 6, 1, 12, 0, tzinfo=zone)})
        found = await things.find_one({"at": datetime(2026, 6, 1, 6, 30, tzinfo=UTC)})
        assert_same(found, {"_id": 1, "at": datetime(2026, 6, 1, 6, 30, tzinfo=UTC)})
        assert found is not None
        assert found["at"].utcoffset() == timedelta(0)

    async def test_naive_dates_are_utc(self, things: Collection) -> None:
        """As pymongo takes them. Check the codec of dates."""
        await things.insert_one({"_id": 1, "at": datetime(2026, 6, 1, 12, 0)})  # noqa: DTZ001 - that is the case
        assert_same(await things.find_one({}), {"_id": 1, "at": datetime(2026, 6, 1, 12, 0, tzinfo=UTC)})

    async def test_dates_are_cut_to_milliseconds(self, things: Collection) -> None:
        """Not rounded, before the epoch neither. Check the codec of dates."""
        await things.insert_many(
            [
                {"_id": 1, "at": datetime(2026, 1, 1, 0, 0, 0, 123999, tzinfo=UTC)},
                {"_id": 2, "at": datetime(1960, 1, 1, 0, 0, 0, 123999, tzinfo=UTC)},
            ]
        )
        found = await things.find(sort=[("_id", 1)]).to_list()
        assert [document["at"].microsecond for document in found] == [123000, 123000]

    async def test_tuples_and_mappings_become_lists_and_dicts(self, things: Collection) -> None:
        """Plain ones. Check that the portable layer prepares documents."""
        await things.insert_one({"_id": 1, "t": (1, (2,)), "m": OrderedDict(b=1, a=2)})
        assert_same(await things.find_one({}), {"_id": 1, "t": [1, [2]], "m": {"b": 1, "a": 2}})

    async def test_a_document_that_holds_itself_is_refused(self, things: Collection) -> None:
        """Before the stack is full. Check that the portable layer prepares documents."""
        document: dict[str, Any] = {"_id": 1}
        document["self"] = document
        with pytest.raises(DocumentValidationError):
            await things.insert_one(document)

    async def test_types_stay_apart_in_one_field(self, things: Collection) -> None:
        """1, 1.0, true, "1" and decimal 1 come back each as it was. Check the codec of numbers."""
        values: list[Any] = [1, 1.0, True, "1", Decimal(1), Decimal("1.0"), b"1"]
        await things.insert_many([{"_id": place, "v": value} for place, value in enumerate(values)])
        found = await things.find(sort=[("_id", 1)]).to_list()
        assert_same([document["v"] for document in found], values)

    async def test_wide_and_long_documents_come_back(self, things: Collection) -> None:
        """A thousand fields, a thousand elements. Check limits of the service on names and expressions."""
        document = {"_id": 1, **{f"field{number}": number for number in range(1000)}, "list": list(range(1000))}
        await things.insert_one(document)
        assert_same(await things.find_one({"_id": 1}), document)

    async def test_types_of_bson_come_back(self, things: Collection) -> None:
        """Where pymongo is installed: ObjectId, Timestamp, MinKey and their like. Check the codec."""
        if find_spec("bson") is None:
            pytest.skip("pymongo is not installed")
        import bson

        values = {
            "object id": bson.ObjectId("5f" * 12),
            "timestamp": bson.Timestamp(5, 1),
            "least": bson.MinKey(),
            "largest": bson.MaxKey(),
            "binary": bson.Binary(b"ab", 128),
        }
        await things.insert_one({"_id": 1, **values})
        found = await things.find_one({"_id": 1})
        assert found == {"_id": 1, **values}
        assert found is not None
        assert [type(found[name]) for name in values] == [type(value) for value in values.values()]
        assert await things.count_documents({"object id": values["object id"]}) == 1

"""What documents may hold, and how it is kept."""

from __future__ import annotations

import copy
import dataclasses
import enum
import pickle
import re
import uuid
from collections import OrderedDict
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from types import MappingProxyType
from typing import Any

import bson
import pydantic
import pytest
from lexigram.nosql.exceptions import DocumentValidationError
from lexigram.nosql.values import normalise as module
from lexigram.nosql.values.copying import copy_document, copy_value
from lexigram.nosql.values.normalise import DocumentLimits, normalise_document, normalise_value
from lexigram.nosql.values.path import MISSING
from lexigram.nosql.values.size import bson_size, value_size


class Colour(enum.StrEnum):
    """Text that is an enumeration."""

    RED = "red"


class Level(enum.IntEnum):
    """An int that is an enumeration."""

    LOW = 1


class Name(str):
    """Text that is a little more."""

    __slots__ = ()


@dataclasses.dataclass
class Point:
    """A dataclass."""

    x: int = 1


class Model(pydantic.BaseModel):
    """A pydantic model."""

    x: int = 1


def nested(levels: int) -> dict[str, Any]:
    document: dict[str, Any] = {}
    for _ in range(levels - 1):
        document = {"a": document}
    return document


def test_what_comes_out_is_plain_and_new():
    """Mappings become dicts, sequences lists, and nothing changeable is shared."""
    inner: dict[str, Any] = {"x": [1, 2]}
    given = OrderedDict(a=inner, b=(1, {"y": 2}), c=MappingProxyType({"z": 3}), d=bson.SON([("q", 1)]))

    made = normalise_document(given)

    assert made == {"a": {"x": [1, 2]}, "b": [1, {"y": 2}], "c": {"z": 3}, "d": {"q": 1}}
    assert [type(value) for value in made.values()] == [dict, list, dict, dict]
    assert made["a"] is not inner
    assert made["a"]["x"] is not inner["x"]


@pytest.mark.parametrize(
    "value",
    [
        *(None, True, 1, -(2**63), 2**63 - 1, 1.5, float("nan"), "text", "é", b"bytes", Decimal("1.5"), [], {}, ""),
        *(uuid.UUID(int=1), bson.ObjectId(), bson.Int64(1), bson.Decimal128("1"), bson.Binary(b"a", 5)),
        *(bson.Timestamp(1, 1), bson.MinKey(), bson.MaxKey(), bson.Code("x", {"a": 1}), bson.DBRef("c", 1)),
        *(re.compile("a"), bson.Regex("a"), bson.datetime_ms.DatetimeMS(1), datetime(2026, 1, 1, tzinfo=UTC)),
    ],
)
def test_values_come_back_as_they_went_in(value: Any):
    """A value that documents hold keeps its type and content, at the top, in an object and in an array."""
    made = normalise_document({"a": value, "b": [value], "c": {"d": value}})

    for kept in (made["a"], made["b"][0], made["c"]["d"]):
        assert type(kept) is type(value)
        assert repr(kept) == repr(value)


def test_datetimes_become_utc_milliseconds():
    """Zones are converted, naive dates are UTC, and what is finer than a millisecond is cut off."""
    east = timezone(timedelta(hours=2))
    made = normalise_document(
        {
            "naive": datetime(2026, 1, 2, 3, 4, 5, 678901),  # noqa: DTZ001
            "east": datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=east),
            "utc": datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=UTC),
        }
    )

    expected = datetime(2026, 1, 2, 3, 4, 5, 678000, tzinfo=UTC)
    assert made == {"naive": expected, "east": expected - timedelta(hours=2), "utc": expected}
    assert all(value.tzinfo is UTC for value in made.values())


def test_a_subclass_of_datetime_becomes_a_datetime():
    """Libraries that freeze or extend datetimes make subclasses; the moment is kept."""

    class Moment(datetime):
        pass

    made = normalise_value(Moment(2026, 1, 1, tzinfo=UTC))

    assert type(made) is datetime
    assert made == datetime(2026, 1, 1, tzinfo=UTC)


def test_decimals_fit_in_128_bits():
    """A signalling NaN becomes a quiet one; a subclass becomes a Decimal."""

    class Money(Decimal):
        pass

    assert normalise_value(Decimal("sNaN")).is_qnan()
    assert normalise_value(Decimal("9" * 34 + "E+6111")) == Decimal("9" * 34 + "E+6111")
    with pytest.raises(DocumentValidationError):
        normalise_value(Money("1"))


@pytest.mark.parametrize(
    ("value", "hint"),
    [
        (2**63, "Decimal or str"),
        (-(2**63) - 1, "Decimal or str"),
        (Decimal("1" * 35), "34 digits"),
        (Decimal("1E+6145"), "34 digits"),
        (Decimal("1E-6177"), "34 digits"),
        ("\ud800", None),
        ({"\udfff": 1}, None),
        ({"a\0b": 1}, None),
        ({1: 1}, "str(key)"),
        ({b"a": 1}, "str(key)"),
        ({Colour.RED: 1}, "key.value"),
        (Colour.RED, "member.value"),
        (Level.LOW, "member.value"),
        (Name("x"), "str(value)"),
        ({1, 2}, "list"),
        (frozenset(), "list"),
        (date(2026, 1, 1), "datetime.combine"),
        (bytearray(b"a"), "bytes(value)"),
        (memoryview(b"a"), "bytes(value)"),
        (Point(), "asdict"),
        (Model(), "model_dump"),
        (object(), "None, bool, int"),
        (complex(1), "None, bool, int"),
        (range(2), "None, bool, int"),
        (datetime(1, 1, 1, tzinfo=timezone(timedelta(hours=2))), None),
        (re.compile("a\0"), None),
        (bson.Code("x", {"a": {1}}), "list"),
        (bson.Code("\ud800"), None),
        (bson.DBRef("c", {1}), "list"),
    ],
)
def test_what_documents_do_not_hold_is_refused_with_its_place(value: Any, hint: str | None):
    """The error names the path and, where there is something to do, says what."""
    for document, path in (({"a": {"b": [0, value]}}, "a.b.1"), ({"a": value}, "a")):
        with pytest.raises(DocumentValidationError) as caught:
            normalise_document(document)
        assert caught.value.path.startswith(path)
        assert (hint or "") in (caught.value.hint or "")
    with pytest.raises(DocumentValidationError) as caught:
        normalise_value(value, path="where")
    assert caught.value.path.startswith("where")


def test_only_mappings_are_documents():
    """A list is no document."""
    with pytest.raises(DocumentValidationError, match="mapping"):
        normalise_document([])  # type: ignore[arg-type]


def test_a_hundred_levels_are_the_limit():
    """As in MongoDB; the error has its code, and a cycle ends there too."""
    assert normalise_document(nested(100)) == nested(100)
    with pytest.raises(DocumentValidationError, match="100 levels") as caught:
        normalise_document(nested(101))
    assert caught.value.mongo_code == 15

    cycle: dict[str, Any] = {}
    cycle["a"] = [cycle]
    with pytest.raises(DocumentValidationError, match="contains itself") as caught:
        normalise_document(cycle)
    assert caught.value.path.endswith("...")
    deep: Any = []
    for _ in range(10_000):
        deep = [deep]
    with pytest.raises(DocumentValidationError):
        normalise_document({"a": deep})


def test_a_small_tree_cannot_unfold_into_a_huge_one():
    """Parts shared many times over are counted as often as they stand."""
    shared: list[Any] = []
    for _ in range(40):
        shared = [shared, shared]
    with pytest.raises(DocumentValidationError, match="too many") as caught:
        normalise_document({"a": shared}, limits=DocumentLimits(max_containers=1000))
    assert caught.value.mongo_code == 10334
    with pytest.raises(DocumentValidationError, match="too many"):
        normalise_document({str(i): {} for i in range(9)}, limits=DocumentLimits(max_containers=5))


@pytest.mark.parametrize(
    ("identifier", "code"),
    [([1], 53), ((1,), 53), (re.compile("a"), 53), (bson.Regex("a"), 53), ({"$a": 1}, 52)],
)
def test_an_identifier_is_no_array_or_regular_expression(identifier: Any, code: int):
    """Nor may its fields begin with a dollar sign."""
    with pytest.raises(DocumentValidationError) as caught:
        normalise_document({"_id": identifier})
    assert caught.value.mongo_code == code
    assert caught.value.path.startswith("_id")


def test_dots_and_dollars_are_names_like_others():
    """As in MongoDB since 5.0, at the top and inside; empty names too."""
    document = {"_id": {"a": 1, "b.c": 2}, "$a": 1, "a.b": {"$c": 2, "": 3}}

    assert normalise_document(document) == document


def test_names_met_before_are_not_checked_again_but_forgotten_in_time(monkeypatch: pytest.MonkeyPatch):
    """The set of known names is bounded, and very long names are not kept."""
    monkeypatch.setattr(module, "_known_keys", set())
    monkeypatch.setattr(module, "_KNOWN_KEYS_LIMIT", 3)
    for index in range(10):
        normalise_document({f"name{index}": 1, "é" * 200: 2})

    assert len(module._known_keys) <= 3


def test_copies_share_nothing_that_can_change():
    """Dicts and lists are new at every level; other values are the same objects."""
    moment = datetime.now(UTC)
    original = {"a": [1, [2], {"b": 3}], "c": {"d": {}, "e": moment}, "f": moment}

    made = copy_document(original)

    assert made == original
    assert made["f"] is moment
    pairs: list[tuple[Any, Any]] = [(made, original)]
    while pairs:
        a, b = pairs.pop()
        assert a is not b
        items = zip(a.values(), b.values(), strict=True) if isinstance(a, dict) else zip(a, b, strict=True)
        pairs.extend((x, y) for x, y in items if isinstance(x, dict | list))
    assert copy_value(original["a"]) == original["a"]
    assert copy_value(5) == 5
    assert copy_value({"a": 1}) == {"a": 1}


@pytest.mark.parametrize(
    "document",
    [
        {},
        {"a": None, "b": True, "c": 1, "d": 2**40, "e": 1.5, "f": "text", "g": "é€😀", "h": b"abc"},
        {"é": [], "a": list(range(120)), "b": [{"c": [1]}], "c": (1, 2)},
        {"a": bson.ObjectId(), "b": bson.Int64(1), "c": bson.Decimal128("1"), "d": bson.Timestamp(1, 1)},
        {"a": bson.Binary(b"abc", 5), "b": bson.Binary(b"abc", 2), "c": bson.Regex("a", "i"), "d": re.compile("é")},
        {"a": bson.MinKey(), "b": bson.MaxKey(), "c": bson.Code("x"), "d": bson.Code("x", {"a": 1})},
        {"a": bson.DBRef("c", 1, "d"), "b": datetime.now(UTC), "c": bson.datetime_ms.DatetimeMS(1)},
        {str(i): [i] * i for i in range(30)},
    ],
)
def test_sizes_are_those_of_bson(document: dict[str, Any]):
    """The count agrees with what bson really writes."""
    assert bson_size(document) == len(bson.encode(document))


def test_sizes_of_types_that_bson_needs_help_with():
    """UUIDs are binary data of 16 bytes, decimals take 16 bytes, a missing value none."""
    assert value_size(uuid.UUID(int=1)) == 21
    assert value_size(Decimal("1.5")) == 16
    assert value_size(MISSING) == 0
    with pytest.raises(DocumentValidationError):
        value_size({1})


def test_missing_is_one_thing_everywhere():
    """Copies and pickles of the mark for a missing field are the mark itself; it counts as false."""
    assert copy.copy(MISSING) is copy.deepcopy(MISSING) is pickle.loads(pickle.dumps(MISSING)) is type(MISSING)()
    assert not MISSING
    assert repr(MISSING) == "MISSING"

"""Which BSON type a value is, with and without the classes of bson."""

from __future__ import annotations

import re
import subprocess
import sys
import uuid
from collections import OrderedDict
from datetime import UTC, datetime
from decimal import Decimal
from enum import IntEnum
from types import MappingProxyType
from typing import Any

import bson
import pytest
from lexigram.nosql.exceptions import DocumentValidationError, UnsupportedFeatureError
from lexigram.nosql.values import bson_compat
from lexigram.nosql.values.bson_compat import BsonTag, binary_parts, bson_tag, load, reference_fields, regex_parts
from lexigram.nosql.values.kinds import Kind, is_number, kind_of, kinds_named, type_name
from lexigram.nosql.values.path import MISSING


class Number(IntEnum):
    """An int that is an enumeration too."""

    ONE = 1


@pytest.mark.parametrize(
    ("value", "name"),
    [
        (MISSING, "missing"),
        (None, "null"),
        (True, "bool"),
        (1, "int"),
        (-(2**31), "int"),
        (2**31, "long"),
        (-(2**31) - 1, "long"),
        (bson.Int64(1), "long"),
        (Number.ONE, "int"),
        (1.0, "double"),
        (Decimal(1), "decimal"),
        (bson.Decimal128("1"), "decimal"),
        ("a", "string"),
        ({}, "object"),
        (OrderedDict(), "object"),
        (MappingProxyType({}), "object"),
        (bson.DBRef("c", 1), "object"),
        ([], "array"),
        ((), "array"),
        (b"", "binData"),
        (bson.Binary(b"", 3), "binData"),
        (uuid.UUID(int=0), "binData"),
        (bson.ObjectId(), "objectId"),
        (datetime.now(UTC), "date"),
        (bson.datetime_ms.DatetimeMS(1), "date"),
        (bson.Timestamp(1, 1), "timestamp"),
        (re.compile("a"), "regex"),
        (bson.Regex("a"), "regex"),
        (bson.Code("x"), "javascript"),
        (bson.Code("x", {}), "javascriptWithScope"),
        (bson.MinKey(), "minKey"),
        (bson.MaxKey(), "maxKey"),
    ],
)
def test_each_value_has_the_type_that_mongodb_gives_it(value: Any, name: str):
    """The name is that of $type in expressions."""
    assert type_name(value) == name


def test_other_values_have_no_type():
    """A value without a BSON type is a typed error that names its class."""
    with pytest.raises(DocumentValidationError, match=r"builtins\.set"):
        kind_of({1})


def test_numbers_are_four_types():
    """A bool is not among them."""
    assert [is_number(value) for value in (1, 1.5, Decimal(1), bson.Int64(1), bson.Decimal128("1"))] == [True] * 5
    assert not is_number(True)
    assert not is_number("1")


def test_type_names_resolve():
    """Names give types, "number" gives four, unknown ones none."""
    assert kinds_named("string") == {Kind.STRING}
    assert kinds_named("number") == {Kind.INT, Kind.LONG, Kind.DOUBLE, Kind.DECIMAL}
    assert kinds_named("nothing") is None


def test_subclasses_of_bson_classes_are_recognised():
    """Where a class descends from one of bson's, it is one of them."""

    class Id(bson.ObjectId):
        pass

    assert bson_tag(Id) is BsonTag.OBJECT_ID
    assert type_name(Id()) == "objectId"
    assert bson_tag(str) is None


def test_bson_values_come_apart():
    """Regular expressions, binary data and references are read by their attributes."""
    assert regex_parts(re.compile("a", re.IGNORECASE | re.DOTALL)) == ("a", "is")
    assert regex_parts(re.compile(b"\xe9")) == ("\xe9", "")
    assert binary_parts(bson.Binary(b"a", 5)) == (5, b"a")
    assert binary_parts(b"a") == (0, b"a")
    assert reference_fields(bson.DBRef("c", 1)) == {"$ref": "c", "$id": 1}
    assert reference_fields(datetime.now(UTC)) is None
    assert reference_fields("a") is None


def test_a_class_of_bson_loads_on_demand(monkeypatch: pytest.MonkeyPatch):
    """The class is imported when asked for; without pymongo the error says what to install."""
    assert load(BsonTag.OBJECT_ID) is bson.ObjectId

    def missing(name: str) -> Any:
        raise ImportError(name)

    monkeypatch.setattr(bson_compat, "import_module", missing)
    with pytest.raises(UnsupportedFeatureError, match="ObjectId") as caught:
        load(BsonTag.OBJECT_ID)
    assert caught.value.hint == "pip install pymongo"
    assert caught.value.feature == "bson.ObjectId"


def test_values_work_without_importing_bson():
    """Normalising, comparing and matching plain values does not load bson."""
    code = (
        "import sys\n"
        "from lexigram.nosql.query.parse import parse_filter\n"
        "from lexigram.nosql.values.normalise import normalise_document\n"
        "document = normalise_document({'a': [1, 'x', None], 'b': {'c': 1.5}})\n"
        "assert parse_filter({'a': 'x', 'b.c': {'$gt': 1}}).matches(document)\n"
        "assert 'bson' not in sys.modules\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=50)

    assert (done.returncode, done.stderr) == (0, "")

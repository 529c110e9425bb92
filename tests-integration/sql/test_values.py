"""Values come back as they went in, out of columns of the declared types, and NULL out of all of them.

What a database has no type for is declared so that the way back is known: on SQLite by the name of the column's type,
on MySQL by its types for JSON and BOOLEAN; the rest comes back as the text or number that it was stored as, unless a
query declares what it is.
"""

from __future__ import annotations

import enum
import json
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal
from typing import Any

import pytest
from lexigram.sql.exceptions import MappingError, ParameterBindingError
from pydantic import AwareDatetime
from servers import Server
from sql.place import Opener, Place


class Colour(enum.Enum):
    """By text."""

    RED = "red"


class Size(enum.IntEnum):
    """By number."""

    LARGE = 3


TOKYO = timezone(timedelta(hours=9))
WHEN = datetime(2026, 2, 28, 23, 59, 59, 123456, tzinfo=UTC).replace(tzinfo=None)
ID = uuid.UUID("018f3a60-0000-7000-8000-00000000abcd")
LONG = Decimal("12345678901234567890.123456789012345678")
JSON = {"a": [1, 2.5, None, True], "ü": {"b": "x"}}

# Name, declared types, what goes in, and what comes back where that is something else.
VALUES: list[tuple[str, str, Any, Any]] = [
    ("integer", "BIGINT | BIGINT | BIGINT", 2**63 - 1, ...),
    ("negative", "BIGINT | BIGINT | BIGINT", -(2**63), ...),
    ("float", "DOUBLE PRECISION | DOUBLE PRECISION | DOUBLE PRECISION", 0.1 + 0.2, ...),
    ("text", "TEXT | TEXT | TEXT", "ünï'\"\\%s\n😀", ...),
    ("empty text", "TEXT | TEXT | TEXT", "", ...),
    ("bytes", "BLOB | BYTEA | BLOB", bytes(range(256)), ...),
    ("bytearray", "BLOB | BYTEA | BLOB", bytearray(b"\0'\\"), b"\0'\\"),
    ("true", "BOOLEAN | BOOLEAN | BOOLEAN", True, ...),
    ("false", "BOOLEAN | BOOLEAN | BOOLEAN", False, ...),
    ("decimal", "DECIMAL(20, 4) | DECIMAL(20, 4) | DECIMAL(20, 4)", Decimal("12345678901.2345"), ...),
    ("long decimal", "DECIMAL TEXT | NUMERIC(38, 18) | DECIMAL(38, 18)", LONG, ...),
    ("date", "DATE | DATE | DATE", date(2026, 2, 28), ...),
    ("time", "TIME | TIME | TIME(6)", time(23, 59, 59, 123456), ...),
    ("naive datetime", "DATETIME | TIMESTAMP | DATETIME(6)", WHEN, ...),
    ("aware datetime", "TIMESTAMPTZ | TIMESTAMPTZ | TIMESTAMP(6) NULL", WHEN.replace(tzinfo=UTC), ...),
    ("datetime of elsewhere", "TIMESTAMPTZ | TIMESTAMPTZ | TIMESTAMP(6) NULL", WHEN.replace(tzinfo=TOKYO), ...),
    ("uuid", "UUID | UUID | CHAR(36)", ID, "mysql text"),
    ("json object", "JSON | JSON | JSON", JSON, "mariadb json"),
    ("binary json", "JSONB | JSONB | JSON", JSON, "mariadb json"),
    ("json list", "JSON | JSONB | JSON", [1, {"a": None}], "mariadb json"),
    ("enum of text", "TEXT | TEXT | TEXT", Colour.RED, "red"),
    ("enum of numbers", "INTEGER | INTEGER | INTEGER", Size.LARGE, 3),
]


@pytest.mark.parametrize(("declared", "value", "back"), [row[1:] for row in VALUES], ids=[row[0] for row in VALUES])
async def test_a_value_comes_back_as_it_went_in(
    open_db: Opener, place: Place, server: Callable[[str], Server], declared: str, value: Any, back: Any
) -> None:
    """By every way of writing and reading, and found by its own value."""
    db = await open_db()
    await db.execute(f"CREATE TABLE item (id INTEGER PRIMARY KEY, value {place[declared]})")
    expected = value if back is ... else back
    if back == "mysql text":
        expected = str(value) if place.kind == "mysql" else value
    elif back == "mariadb json":
        expected = value
        if place.kind == "mysql" and server("mysql").product.name == "MariaDB":
            return await _kept_as_text(db, value)
    await db.execute_insert("item", {"id": 1, "value": value})
    await db.execute_insert("item", {"id": 2, "value": None})
    await db.execute_many("INSERT INTO item (id, value) VALUES (?, ?)", [[3, value], [4, None]])
    assert (await db.execute_update("item", {"value": value}, {"id": 2})).affected_rows == 1
    found = [row["value"] for row in await db.fetch("SELECT value FROM item ORDER BY id")]
    assert found == [expected, expected, expected, None]
    assert all(isinstance(one, type(expected)) for one in found[:3])
    assert isinstance(found[0], bool) == isinstance(expected, bool)
    streamed = [row["value"] async for row in db.stream("SELECT value FROM item ORDER BY id", batch_size=3)]
    assert streamed == found
    if isinstance(expected, datetime):
        assert (found[0].tzinfo is None) == (expected.tzinfo is None)
    if not isinstance(value, dict | list | float):
        assert await db.fetch_value("SELECT count(*) FROM item WHERE value = ?", [value]) == 3
    return None


async def _kept_as_text(db: Any, value: Any) -> None:
    """MariaDB has no type for JSON: it is text that is checked, and comes back as such."""
    await db.execute_insert("item", {"id": 1, "value": value})
    assert json.loads(await db.fetch_value("SELECT value FROM item")) == value


async def test_times_sort_by_moment_whatever_their_zone(open_db: Opener, place: Place) -> None:
    """Also on SQLite, where they are text."""
    db = await open_db()
    kind = place["TIMESTAMPTZ | TIMESTAMPTZ | TIMESTAMP(6) NULL"]
    await db.execute(f"CREATE TABLE item (id INTEGER PRIMARY KEY, value {kind})")
    noon = datetime(2026, 6, 1, 12, tzinfo=UTC)
    moments = [noon.astimezone(TOKYO), noon + timedelta(microseconds=1), noon + timedelta(hours=1)]
    for number, moment in enumerate(reversed(moments)):
        await db.execute_insert("item", {"id": number, "value": moment})
    assert [row["value"] for row in await db.fetch("SELECT value FROM item ORDER BY value")] == moments
    after = await db.fetch_value("SELECT count(*) FROM item WHERE value > ?", [noon.astimezone(TOKYO)])
    assert after == 2


async def test_decimals_of_a_declared_scale_add_up(open_db: Opener, place: Place) -> None:
    """Money is exact as far as the column says."""
    db = await open_db()
    await db.execute("CREATE TABLE item (id INTEGER PRIMARY KEY, price DECIMAL(12, 2))")
    await db.execute_many("INSERT INTO item VALUES (?, ?)", [[n, Decimal("0.10")] for n in range(3)])
    assert [row["price"] for row in await db.fetch("SELECT price FROM item")] == [Decimal("0.10")] * 3
    total = await db.fetch_value("SELECT sum(price) FROM item")
    assert total == pytest.approx(0.3) if place.kind == "sqlite" else total == Decimal("0.30")


@pytest.mark.parametrize("value", [object(), {1, 2}, 1j], ids=["object", "set", "complex"])
async def test_what_no_database_has_a_form_for_is_refused(open_db: Opener, value: Any) -> None:
    """Before anything is sent, or by the driver; never stored as something else."""
    db = await open_db()
    await db.execute("CREATE TABLE item (value TEXT)")
    with pytest.raises(ParameterBindingError):
        await db.execute_insert("item", {"value": value})
    assert await db.fetch("SELECT value FROM item") == []


@dataclass
class Declared:
    """What the table of the next tests holds, as no database but PostgreSQL knows it."""

    id: int
    token: uuid.UUID
    data: dict[str, Any]
    seen: AwareDatetime
    colour: Colour


async def _declared(open_db: Opener, place: Place) -> Any:
    db = await open_db()
    kinds = place[
        "token TEXT, data TEXT, seen TEXT | token UUID, data JSONB, seen TIMESTAMPTZ"
        " | token CHAR(36), data JSON, seen DATETIME(6)"
    ]
    await db.execute(f"CREATE TABLE item (id INTEGER PRIMARY KEY, {kinds}, colour VARCHAR(10))")
    row = {"id": 1, "token": ID, "data": JSON, "seen": WHEN.replace(tzinfo=UTC), "colour": Colour.RED}
    await db.insert("item", [row, dict.fromkeys(row) | {"id": 2}]).execute(db)
    return db


async def test_columns_of_a_query_have_the_types_that_it_declares(open_db: Opener, place: Place) -> None:
    """By a class or one by one; NULL stays NULL, and other columns are as the database has them."""
    db = await _declared(open_db, place)
    whole = {"id": 1, "token": ID, "data": JSON, "seen": WHEN.replace(tzinfo=UTC), "colour": Colour.RED}
    query = db.query("item").types(Declared).order_by("id")
    assert await query.fetch(db) == [whole, dict.fromkeys(whole) | {"id": 2}]
    assert await query.fetch_one(db) == whole
    assert [row async for row in query.stream(db, batch_size=1)] == await query.fetch(db)
    found = await db.query("item").select("token AS key", "data").types(key=uuid.UUID, data=dict).fetch_one(db)
    assert found == {"key": ID, "data": JSON}
    assert type(found["key"]) is uuid.UUID
    assert await db.query("item").select("token").types(token=uuid.UUID).where("id", "=", 1).fetch_value(db) == ID
    assert query != db.query("item").order_by("id")


async def test_a_column_that_is_not_what_it_is_declared_to_be_is_an_error(open_db: Opener, place: Place) -> None:
    """Which names the column, and not the value."""
    db = await _declared(open_db, place)
    await db.execute("UPDATE item SET colour = 'green'")
    with pytest.raises(MappingError, match="'colour'") as told:
        await db.query("item").types(Declared).fetch(db)
    assert "green" not in str(told.value)

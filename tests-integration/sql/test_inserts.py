"""Many rows at once are stored as one after the other would be: values, defaults, conflicts, and what is refused."""

from __future__ import annotations

import enum
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Any

import asyncpg
import pytest
from lexigram.sql.exceptions import (
    DatabaseError,
    DuplicateKeyError,
    NotNullViolationError,
    ParameterBindingError,
)
from lexigram.sql.providers import DatabaseService
from lexigram.sql.query import AsyncQueryBuilder
from lexigram.sql.repositories import GenericRepository
from servers import Server
from sql.place import Opener, Place

SEEN = datetime(2026, 3, 1, 12, 30, 15, 123456, tzinfo=UTC)


class Colour(enum.Enum):
    """A choice."""

    RED = "r"


@dataclass
class Row:
    """A key that the database makes, and a column with a default."""

    id: int | None = None
    name: str = ""
    amount: int | None = None


async def _table(open_db: Opener, place: Place) -> DatabaseService:
    db: DatabaseService = await open_db()
    await db.execute(
        f"CREATE TABLE item (id {place.key}, name VARCHAR(10) NOT NULL UNIQUE, amount INTEGER, kind INTEGER DEFAULT 7)"
    )
    return db


TYPED = [
    ("BOOLEAN | BOOLEAN | BOOLEAN", [True, None, False]),
    ("INTEGER | SMALLINT | INTEGER", [1, None, -(2**15)]),
    ("BIGINT | BIGINT | BIGINT", [2**63 - 1, None, 0]),
    ("DOUBLE PRECISION | DOUBLE PRECISION | DOUBLE PRECISION", [0.1, None, 3.0]),
    ("DECIMAL(10, 2) | NUMERIC(10, 2) | DECIMAL(10, 2)", [Decimal("12.50"), None, Decimal("-1.00")]),
    ("TEXT | TEXT | TEXT", ["ünï{}\"',\\", None, ""]),
    ("TEXT | TEXT | TEXT", [Colour.RED, None, "x"]),
    ("VARCHAR(5) | VARCHAR(5) | VARCHAR(5)", ["12345", None, ""]),
    ("BLOB | BYTEA | BLOB", [b"\0\xff", None, b""]),
    ("DATE | DATE | DATE", [date(2026, 1, 2), None, date(1, 1, 1)]),
    ("TIME | TIME | TIME(6)", [time(1, 2, 3, 4), None, time()]),
    ("TIMESTAMPTZ | TIMESTAMPTZ | TIMESTAMP(6) NULL", [SEEN, None, SEEN]),
    ("DATETIME | TIMESTAMP | DATETIME(6)", [SEEN.replace(tzinfo=None), None, SEEN.replace(tzinfo=None)]),
    ("UUID | UUID | CHAR(36)", [uuid.UUID(int=5), None, uuid.UUID(int=2**128 - 1)]),
    ("JSON | JSON | JSON", [{"a": [1]}, None, {}]),
    ("JSON | JSONB | JSON", [[1, 2], None, [3]]),
    ("TEXT | TEXT[] | TEXT", ["plain", None, "{}"]),
    ("TEXT | INET | TEXT", ["10.0.0.1", None, "10.0.0.2"]),
]


IDS = [f"{number}-{row[0].partition(' |')[0]}" for number, row in enumerate(TYPED)]


@pytest.mark.parametrize(("declared", "values"), TYPED, ids=IDS)
async def test_many_rows_hold_what_single_rows_hold(
    open_db: Opener, place: Place, declared: str, values: list[Any]
) -> None:
    """Of every type, NULL among them, and more often than a server's way for many is tried out."""
    db = await open_db()
    if place[declared].endswith("[]"):
        values = [["a", "b"], None, []]
    await db.execute(f"CREATE TABLE item (id INTEGER, value {place[declared]})")
    for number, value in enumerate(values):
        await db.execute_insert("item", {"id": number, "value": value})
    one_by_one = [row["value"] for row in await db.fetch("SELECT value FROM item ORDER BY id")]
    for _ in range(2):
        await db.execute("DELETE FROM item")
        rows = [[number, value] for number, value in enumerate(values)]
        assert await db.execute_many("INSERT INTO item (id, value) VALUES (?, ?)", rows) == 3
        assert [row["value"] for row in await db.fetch("SELECT value FROM item ORDER BY id")] == one_by_one


async def test_defaults_and_keys_are_made_for_each_row(open_db: Opener, place: Place) -> None:
    """In the order of the rows, also in a transaction, however many they are."""
    db = await _table(open_db, place)
    items = GenericRepository[Row, int](db, "item", Row)
    made = await items.bulk_create(Row(name=f"n{number}", amount=number) for number in range(1500))
    assert [one.id for one in made] == list(range(1, 1501))
    assert await items.find_many(sort_by="id") == made
    async with db.transaction():
        more = await items.bulk_create(Row(name=f"m{number}") for number in range(30))
    assert len({one.id for one in more}) == 30
    assert await db.fetch_value("SELECT count(*) FROM item WHERE kind = 7") == 1530


async def test_more_rows_than_fit_one_statement_are_all_or_none(open_db: Opener, place: Place) -> None:
    """With one that is taken at the very end."""
    db = await open_db()
    await db.execute("CREATE TABLE item (id INTEGER PRIMARY KEY, amount INTEGER)")
    insert = "INSERT INTO item (id, amount) VALUES (?, ?)"
    many = [[number, number % 7] for number in range(45_000)]
    with pytest.raises(DuplicateKeyError):
        await db.execute_many(insert, [*many, [0, 0]])
    assert await db.fetch_value("SELECT count(*) FROM item") == 0
    assert await db.execute_many(insert, many) == 45_000
    assert await db.fetch_value("SELECT count(*) FROM item WHERE amount = 3") == len(range(3, 45_000, 7))
    async with db.transaction():
        with pytest.raises(DuplicateKeyError):
            async with db.transaction():
                await db.execute_many(insert, [[50_000, 1], [1, 1]])
        await db.execute_many(insert, [[60_000, 1], [60_001, 1]])
    assert await db.fetch_value("SELECT count(*) FROM item") == 45_002


@pytest.mark.parametrize(
    ("bad", "error"),
    [
        (["k1", 1], DuplicateKeyError),
        ([None, 1], NotNullViolationError),
        (["much too long", 1], DatabaseError),
        (["n", object()], ParameterBindingError),
    ],
    ids=["taken", "null", "long", "object"],
)
async def test_one_bad_row_keeps_all_out(open_db: Opener, place: Place, bad: list[Any], error: type[Exception]) -> None:
    """With the same error as alone. SQLite knows no length of text."""
    if place.kind == "sqlite" and bad[0] == "much too long":
        pytest.skip("SQLite keeps text of any length")
    db = await _table(open_db, place)
    insert = "INSERT INTO item (name, amount) VALUES (?, ?)"
    await db.execute_many(insert, [["k1", 1], ["k2", 2]])
    with pytest.raises(error) as alone:
        await db.execute(insert, bad)
    with pytest.raises(error) as together:
        await db.execute_many(insert, [["a", 1], ["b", 2], bad, ["c", 3]])
    assert type(together.value) is type(alone.value)
    for fact in ("table", "column", "constraint"):
        assert getattr(together.value, fact, None) == getattr(alone.value, fact, None)
    assert await db.fetch_value("SELECT count(*) FROM item") == 2
    assert await db.execute_many(insert, [["d", 1], ["e", 2]]) == 2


async def test_conflicts_are_settled_row_by_row(open_db: Opener, place: Place) -> None:
    """Also between rows of the same call, which one statement could not do."""
    db = await _table(open_db, place)
    upsert = AsyncQueryBuilder("item").on_conflict("name").do_update("amount")
    rows = [{"name": name, "amount": number} for number, name in enumerate(["a", "b", "a", "a"])]
    await upsert.execute_many(db, rows)
    assert await db.fetch("SELECT name, amount FROM item ORDER BY name") == [
        {"name": "a", "amount": 3},
        {"name": "b", "amount": 1},
    ]


@pytest.mark.parametrize("kind", ["postgres"], indirect=True)
async def test_lists_are_never_taken_for_columns(open_db: Opener, place: Place) -> None:
    """PostgreSQL flattens arrays of arrays, which would spread a value over rows."""
    db = await _table(open_db, place)
    with pytest.raises(ParameterBindingError):
        await db.execute_many("INSERT INTO item (name, amount) VALUES (?, ?)", [[["a", "b"], 1], [["c", "d"], 2]])
    assert await db.fetch_value("SELECT count(*) FROM item") == 0


@pytest.mark.parametrize("kind", ["postgres"], indirect=True)
async def test_a_new_connection_asks_for_nothing(
    open_db: Opener, place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    """JSON is Python data from the start; the types' numbers are known."""

    async def asked(*_: Any, **__: Any) -> None:
        raise AssertionError("a query for each connection")

    monkeypatch.setattr(asyncpg.Connection, "set_type_codec", asked)
    db = await open_db()
    value = await db.fetch_value("SELECT CAST($1 AS jsonb)", [{"a": [1]}])
    assert value == {"a": [1]}
    assert await db.fetch_value("SELECT CAST('[1]' AS json)") == [1]


@pytest.mark.parametrize("kind", ["postgres"], indirect=True)
async def test_where_nothing_is_prepared_rows_go_one_by_one(
    place: Place, open_db: Opener, server: Callable[[str], Server]
) -> None:
    """As behind a pooler that lends connections for a transaction."""
    del server
    db = await _table(open_db, place)
    async with DatabaseService(f"{place.url}&statement_cache_size=0") as plain:
        rows = [[f"n{number}", number] for number in range(3)]
        assert await plain.execute_many("INSERT INTO item (name, amount) VALUES (?, ?)", rows) == 3
    assert await db.fetch_value("SELECT sum(amount) FROM item") == 3


@pytest.mark.parametrize("kind", ["sqlite"], indirect=True)
@pytest.mark.parametrize(
    "table",
    [
        "item (id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT UNIQUE, amount INTEGER)",
        "item (id INTEGER PRIMARY KEY, name TEXT UNIQUE, amount INTEGER)",
        "item (id TEXT PRIMARY KEY DEFAULT (lower(hex(randomblob(8)))), name TEXT UNIQUE, amount INTEGER)",
        "item (id TEXT PRIMARY KEY DEFAULT (hex(randomblob(8))), name TEXT UNIQUE, amount INTEGER) WITHOUT ROWID",
    ],
    ids=["counter", "row id", "text", "without row id"],
)
async def test_keys_belong_to_their_rows(open_db: Opener, table: str) -> None:
    """Whatever makes them: also after the last rows were removed, and with triggers that add rows of their own."""
    db: DatabaseService = await open_db()
    await db.execute(f"CREATE TABLE {table}")
    items = GenericRepository[Any, Any](db, "item", Row)

    async def names_of(many: list[Any]) -> list[str]:
        return [await db.fetch_value("SELECT name FROM item WHERE id = ?", [one.id]) for one in many]

    made = await items.bulk_create([Row(name=f"a{number}") for number in range(40)])
    if "WITHOUT" not in table:
        assert await names_of(made) == [one.name for one in made]
    await db.execute("DELETE FROM item WHERE name > 'a35'")
    async with db.transaction():
        more = await items.bulk_create([Row(name=f"b{number}") for number in range(40)])
    assert len({one.id for one in more}) == 40
    if "INTEGER PRIMARY KEY" in table:
        assert await names_of(more) == [one.name for one in more]
        await db.execute(
            "CREATE TRIGGER twin AFTER INSERT ON item WHEN NEW.name LIKE 'c%' BEGIN"
            " INSERT INTO item (name) VALUES ('twin of ' || NEW.name); END"
        )
        twins = await items.bulk_create([Row(name=f"c{number}") for number in range(30)])
        assert await names_of(twins) == [one.name for one in twins]
        with pytest.raises(DuplicateKeyError):
            await items.bulk_create([*(Row(name=f"d{number}") for number in range(30)), Row(name="b1")])
        assert not await db.fetch("SELECT id FROM item WHERE name LIKE 'd%'")
        assert await db.execute_many("INSERT INTO item (name) VALUES (?)", [["e1"], ["e2"]]) == 2

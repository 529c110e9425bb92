"""Tables are made and described, builders know their database, and a monitor counts what runs, on every database."""

from __future__ import annotations

import pytest
from lexigram.contracts.data.sql.database import ConnectionPoolProtocol, DatabaseMetricsProtocol
from lexigram.sql.exceptions import DataQueryError, InvalidIdentifierError, TableNotFoundError
from lexigram.sql.observing import DatabaseMonitor
from lexigram.sql.providers import DatabaseService
from sql.place import Opener, Place


async def test_a_table_is_made_described_and_removed(open_db: Opener, place: Place) -> None:
    """With the database's own words for types."""
    db = await open_db()
    columns = {"id": place.key, "name": "VARCHAR(50) NOT NULL", "price": "DECIMAL(10, 2) DEFAULT 1.5"}
    columns["order"] = "INTEGER"  # a word of SQL's own
    await db.create_table("odd_name", columns)
    await db.create_table("odd_name", columns)  # there already
    found = await db.get_table_columns("odd_name")
    assert [(one["name"], one["nullable"], one["primary_key"]) for one in found] == [
        ("id", False, True),
        ("name", False, False),
        ("price", True, False),
        ("order", True, False),
    ]
    assert "(10,2)" in found[2]["type"].replace(" ", "")
    assert "1.5" in found[2]["default"]
    with pytest.raises(TableNotFoundError):
        await db.drop_table("missing", if_exists=False)
    await db.drop_table("odd_name")
    await db.drop_table("odd_name")
    assert await db.get_table_columns("odd_name") == []


@pytest.mark.parametrize(
    "definition",
    [
        "",
        "  ",
        "INTEGER, b INTEGER",
        "INTEGER)",
        "INTEGER); DROP TABLE t",
        "(INTEGER",
        "INTEGER -- x",
        "INTEGER /* x */",
    ],
)
async def test_a_definition_of_a_column_is_only_one(open_db: Opener, definition: str) -> None:
    """Nothing follows it unseen."""
    db = await open_db()
    with pytest.raises(DataQueryError):
        await db.create_table("t", {"a": definition})
    assert not await db.table_exists("t")


async def test_names_of_tables_and_columns_are_checked(open_db: Opener) -> None:
    """Whoever gives them."""
    db = await open_db()
    for bad in ('a"; DROP TABLE t; --', "a b", "", "a`b"):
        with pytest.raises(InvalidIdentifierError):
            await db.create_table(bad, {"a": "INTEGER"})
        with pytest.raises(InvalidIdentifierError):
            await db.create_table("t", {bad: "INTEGER"})
        with pytest.raises(InvalidIdentifierError):
            await db.drop_table(bad)
        with pytest.raises(InvalidIdentifierError):
            await db.get_table_columns(bad)


async def test_builders_of_a_database_speak_its_dialect(db: DatabaseService, place: Place) -> None:
    """And the other short names do what the long ones do."""
    assert await db.insert("item", [{"name": "a"}, {"name": "b"}]).execute(db) == 2
    assert await db.update("item", {"amount": 3}).where("name", "=", "a").execute(db) == 1
    assert await db.delete("item").where("name", "=", "b").execute(db) == 1
    query = db.query("item").select("name", "amount").where("amount", ">", 1)
    assert query.build().sql.endswith(place["? | $1 | %s"])
    assert await query.fetch(db) == await db.fetch_all("SELECT name, amount FROM item") == [{"name": "a", "amount": 3}]
    assert await db.execute_modify("UPDATE item SET amount = ?", [4]) == 1
    async with db.get_connection() as connection:
        assert await connection.fetchrow("SELECT amount FROM item") == {"amount": 4}
    assert (await db.get_stats())["active_connections"] == 0
    assert type(db).get_driver_loader(db.database_type)().name == db.database_type


async def test_a_monitor_counts_statements_by_their_text(db: DatabaseService) -> None:
    """While it watches; values are not part of it."""
    before = (await db.get_query_stats())["statements"]
    async with DatabaseMonitor(db, slow_query_threshold=0) as monitor:
        for name in ("a", "b", "c"):
            await db.execute("INSERT INTO item (name) VALUES (?)", [name])
        with pytest.raises(TableNotFoundError):
            await db.fetch("SELECT * FROM missing")
        assert [row["name"] async for row in db.stream("SELECT name FROM item ORDER BY name")] == ["a", "b", "c"]
    await db.fetch("SELECT 1")
    figures = await monitor.get_query_stats()
    assert (figures["statements"], figures["failures"], figures["slow"]) == (5, 1, 5)
    assert {one.sql.split()[0]: one.count for one in monitor.statements() if one.count > 1} == {"INSERT": 3}
    assert monitor.get_slow_queries()[0].execution_time == figures["max_seconds"]
    assert isinstance(monitor, DatabaseMetricsProtocol)
    assert (await monitor.get_pool_stats())["active_connections"] == 0
    assert (await monitor.health_check()).is_healthy
    monitor.reset()
    assert (await monitor.get_query_stats())["mean_seconds"] == 0
    pool = db.get_primary_pool()
    assert isinstance(pool, ConnectionPoolProtocol)
    after = await pool.get_query_stats()
    assert (after["statements"] - before, after["failures"]) == (6, 1)

"""Statements do the same on every database: rows, counts, keys, streams, many at once, time limits."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import pytest
from lexigram.contracts.core.health import HealthStatus
from lexigram.contracts.data.sql.database import DatabaseProviderProtocol
from lexigram.sql.exceptions import DatabaseTimeoutError, DataQueryError, DuplicateKeyError, ParameterBindingError
from lexigram.sql.providers import DatabaseService
from sql.place import Opener, Place


async def names(db: DatabaseService) -> list[str]:
    """The names in the table, in the order of their keys."""
    return [row["name"] for row in await db.fetch("SELECT name FROM item ORDER BY id")]


async def fill(db: DatabaseService, count: int) -> None:
    """Insert that many rows."""
    await db.execute_many("INSERT INTO item (name, amount) VALUES (?, ?)", [[f"n{n:04}", n] for n in range(count)])


async def busy(db: DatabaseService) -> float:
    """How many connections are lent."""
    return (await db.get_pool_stats())["active_connections"]


async def test_the_service_is_a_database_provider(db: DatabaseService) -> None:
    """The protocol is what applications depend on."""
    assert isinstance(db, DatabaseProviderProtocol)
    assert await db.is_connected()
    assert await db.table_exists("item")
    assert not await db.table_exists("absent")


async def test_rows_are_inserted_read_changed_and_removed(db: DatabaseService) -> None:
    """With the keys that the database makes, and the counts that it tells."""
    first = await db.execute_insert("item", {"name": "a", "amount": 1})
    second = await db.execute_insert("item", {"name": "b", "amount": None})
    assert (first.inserted_id, second.inserted_id, second.affected_rows) == (1, 2, 1)
    assert await db.fetch("SELECT id, name, amount FROM item ORDER BY id") == [
        {"id": 1, "name": "a", "amount": 1},
        {"id": 2, "name": "b", "amount": None},
    ]
    changed = await db.execute_update("item", {"amount": 5}, "name = $1 OR name = $2", ["a", "b"])
    assert changed.affected_rows == 2
    same = await db.execute_update("item", {"amount": 5}, {"name": "a"})
    assert same.affected_rows == 1, "a row that is matched counts, changed or not"
    found = await db.execute_query("SELECT amount FROM item WHERE id = %s", [2])
    assert (list(found.rows), found.row_count, bool(found)) == ([{"amount": 5}], 1, True)
    assert await db.fetch_value("SELECT count(*) FROM item WHERE name = :n", {"n": "a"}) == 1
    assert (await db.execute_delete("item", "name = ?", ["a"])).affected_rows == 1
    assert await db.fetch_one("SELECT 1 AS one FROM item WHERE name = 'a'") is None
    assert (await db.execute("UPDATE item SET amount = 0 WHERE id = 99")).row_count == 0


async def test_what_needs_a_condition_is_refused_without_one(db: DatabaseService) -> None:
    """Nothing is removed by forgetting something."""
    await fill(db, 2)
    with pytest.raises(DataQueryError, match="needs a condition"):
        await db.execute_delete("item", " ")
    assert await db.fetch_value("SELECT count(*) FROM item") == 2


@pytest.mark.parametrize(
    ("sql", "params"),
    [
        ("SELECT '?$1%s', name FROM item WHERE name = ? -- ? $1 %s :x", ["n0001"]),
        ("SELECT '?$1%s', name FROM item WHERE name = $1 /* ? %s */", ["n0001"]),
        ("SELECT '?$1%%s', name FROM item WHERE name = %s", ["n0001"]),
        ("SELECT '?$1%s', name FROM item WHERE name = :name AND :name LIKE 'n%'", {"name": "n0001"}),
        ("SELECT '?$1%s', name FROM item WHERE amount % $2 = 0 AND name = $1", ["n0001", 1]),
    ],
    ids=["qmark", "numbered", "format", "named", "out of order"],
)
async def test_every_placeholder_works_on_every_database(db: DatabaseService, sql: str, params: Any) -> None:
    """Text and comments that look like one are left alone."""
    await fill(db, 3)
    (row,) = await db.fetch(sql, params)
    if "%%s" in sql:
        assert list(row.values()) == ["?$1%%s", "n0001"], "inside text, nothing is doubled"
    else:
        assert list(row.values()) == ["?$1%s", "n0001"]


async def test_hostile_values_are_values(db: DatabaseService) -> None:
    """Quotation marks, backslashes and percent signs go in and come back."""
    for number, text in enumerate(
        ["'; DROP TABLE item; --", "\\' OR 1=1 --", '"%s" %(x)s ? $1 :n', "\\0\n\t\x1a", "😀"]
    ):
        await db.execute_insert("item", {"id": number + 100, "name": text})
        assert await db.fetch_value("SELECT id FROM item WHERE name = ?", [text]) == number + 100
        assert await db.fetch_value("SELECT name FROM item WHERE id = ?", [number + 100]) == text


async def test_a_wrong_number_of_values_is_told_before_anything_is_sent(db: DatabaseService) -> None:
    """With both numbers."""
    with pytest.raises(ParameterBindingError, match="1 placeholder and got 2 values"):
        await db.execute("SELECT 1 FROM item WHERE id = ?", [1, 2])


async def test_many_rows_are_written_all_or_none(db: DatabaseService) -> None:
    """Alone, and inside a transaction, where the rest of it stays."""
    insert = "INSERT INTO item (name, amount) VALUES (?, ?)"
    assert await db.execute_many(insert, [["a", 1], ["b", 2], ["c", 3]]) == 3
    with pytest.raises(DuplicateKeyError):
        await db.execute_many(insert, [["d", 1], ["e", 2], ["a", 3]])
    assert await names(db) == ["a", "b", "c"]
    assert await db.execute_many("UPDATE item SET amount = ? WHERE name = ?", [[7, "a"], [8, "b"]]) == 2
    async with db.transaction():
        await db.execute_insert("item", {"name": "kept"})
        with pytest.raises(DuplicateKeyError):
            async with db.transaction():
                await db.execute_many(insert, [["f", 1], ["f", 2]])
        await db.execute_many(insert, [["g", 1]])
    assert await names(db) == ["a", "b", "c", "kept", "g"]
    assert await db.execute_many(insert, []) == 0


async def test_many_updates_of_which_one_fails_change_nothing(db: DatabaseService) -> None:
    """Statements that no driver makes one of are still all or none."""
    await fill(db, 3)
    with pytest.raises(DuplicateKeyError):
        await db.execute_many("UPDATE item SET name = ? WHERE id = ?", [["x", 1], ["x", 2]])
    assert await names(db) == ["n0000", "n0001", "n0002"]


async def test_a_stream_reads_batch_by_batch_and_gives_its_connection_back(db: DatabaseService) -> None:
    """Read to the end, left early, and cancelled."""
    await fill(db, 250)
    query = "SELECT name FROM item WHERE amount >= ? ORDER BY id"
    assert [row["name"] async for row in db.stream(query, [10], batch_size=100)] == [f"n{n:04}" for n in range(10, 250)]
    assert await busy(db) == 0
    rows = db.stream(query, [0], batch_size=10)
    assert (await anext(rows))["name"] == "n0000"
    assert await busy(db) == 1
    await rows.aclose()
    assert await busy(db) == 0

    reading = asyncio.Event()

    async def read() -> None:
        async for _ in db.stream(query, [0], batch_size=1):
            reading.set()
            await asyncio.Event().wait()

    task = asyncio.create_task(read())
    await reading.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert [row async for row in db.stream("SELECT name FROM item WHERE id < 0")] == []
    assert await db.fetch_value("SELECT count(*) FROM item") == 250


async def test_a_stream_in_a_transaction_sees_what_it_wrote(db: DatabaseService) -> None:
    """And the transaction goes on after it."""
    async with db.transaction() as connection:
        await fill(db, 30)
        assert len([row async for row in db.stream("SELECT name FROM item", batch_size=7)]) == 30
        assert len([row async for row in connection.stream("SELECT name FROM item WHERE amount < ?", 5)]) == 5
        await db.execute_insert("item", {"name": "after"})
    assert len(await names(db)) == 31


async def test_a_stream_does_not_hold_the_whole_answer(open_db: Opener, place: Place) -> None:
    """Rows without end begin to come."""
    db = await open_db()
    endless = place[
        "WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c) SELECT x FROM c"
        " | WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c) SELECT x FROM c"
        " | SELECT seq AS x FROM seq_1_to_1000000000"
    ]
    rows = db.stream(endless, batch_size=50)
    async with asyncio.timeout(10):
        assert [(await anext(rows))["x"] for _ in range(120)] == list(range(1, 121))
        await rows.aclose()
    assert await db.fetch_value("SELECT 1") == 1


async def test_a_statement_over_its_time_is_ended_at_the_server(db: DatabaseService, place: Place) -> None:
    """The error says the limit, the database works on, and nothing of the statement is left running."""
    started = time.perf_counter()
    with pytest.raises(DatabaseTimeoutError) as caught:
        await db.fetch(place.sleeping(20), timeout=0.2)
    assert time.perf_counter() - started < 5
    assert caught.value.retryable
    assert caught.value.timeout == 0.2
    assert "0.2 s" in str(caught.value)
    assert await db.fetch_value("SELECT 1") == 1
    running = place[
        "SELECT 0"
        " | SELECT count(*) FROM pg_stat_activity WHERE state = 'active' AND query LIKE '%pg_sleep(20)%'"
        "   AND pid <> pg_backend_pid()"
        " | SELECT count(*) FROM information_schema.processlist WHERE info LIKE 'SELECT SLEEP(20)%'"
    ]
    async with asyncio.timeout(5):
        while await db.fetch_value(running):  # noqa: ASYNC110 - the server tells nobody
            await asyncio.sleep(0.02)


async def test_a_batch_of_a_stream_has_the_time_of_a_statement(open_db: Opener, place: Place) -> None:
    """The caller's own time between batches does not count."""
    db = await open_db(statement_timeout=0.3)
    query = place[
        "WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c)"
        "   SELECT x FROM c WHERE x < 3 OR x % 1000000000 = 0"
        " | WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c WHERE pg_sleep(x / 10) IS NOT NULL)"
        "   SELECT x FROM c"
        " | SELECT seq AS x, REPEAT('.', 100000) AS filler FROM seq_1_to_100 WHERE SLEEP(IF(seq > 3, 10, 0)) = 0"
    ]
    rows = db.stream(query, batch_size=1)
    assert (await anext(rows))["x"] == 1
    await asyncio.sleep(0.4)
    with pytest.raises(DatabaseTimeoutError, match=r"0\.3 s"):
        async for _ in rows:
            pass
    assert await db.fetch_value("SELECT 1") == 1


async def test_a_statement_over_its_time_in_a_transaction_rolls_the_whole_back(
    db: DatabaseService, place: Place
) -> None:
    """What was done before it does not stay."""

    async def work() -> None:
        async with db.transaction():
            await db.execute_insert("item", {"name": "before"})
            await db.execute_query(place.sleeping(20), timeout=0.2)

    with pytest.raises(DatabaseTimeoutError):
        await work()
    assert await names(db) == []
    assert await busy(db) == 0


async def test_health_says_where_and_how_many(db: DatabaseService, place: Place) -> None:
    """Without a password, and with the pool's figures."""
    health = await db.health_check()
    assert health.status is HealthStatus.HEALTHY
    assert {"active_connections", "idle_connections", "wait_time_ms", "version", "database"} <= health.details.keys()
    assert health.details["backend"] == place.kind

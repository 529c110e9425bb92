"""The service on SQLite, in memory and in a file: statements, transactions, sessions, time limits, logs."""

from __future__ import annotations

import asyncio
import logging
import os
import sqlite3
from collections.abc import AsyncIterator
from contextlib import suppress
from decimal import Decimal
from pathlib import Path
from uuid import UUID

import pytest
from lexigram.contracts.core.health import HealthStatus
from lexigram.contracts.data.sql.database import DatabaseProviderProtocol
from lexigram.contracts.exceptions.config import ConfigurationError
from lexigram.sql.backends.sqlite.connection import SQLiteConnection
from lexigram.sql.config import DatabaseConfig
from lexigram.sql.exceptions import (
    CheckConstraintError,
    ColumnNotFoundError,
    ConnectionPoolError,
    DatabaseConnectionError,
    DatabaseTimeoutError,
    DataQueryError,
    DuplicateKeyError,
    ForeignKeyError,
    NotNullViolationError,
    ParameterBindingError,
    QuerySyntaxError,
    TableNotFoundError,
    TransactionError,
)
from lexigram.sql.logs import MemoryQueryLogger
from lexigram.sql.providers import DatabaseService

FOREVER = "WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c) SELECT count(*) FROM c"


@pytest.fixture(params=["memory", "file"])
async def db(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[DatabaseService]:
    url = ":memory:" if request.param == "memory" else f"sqlite:///{tmp_path / 'test.db'}"
    async with DatabaseService(url) as database:
        await database.execute(
            "CREATE TABLE product (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, price DECIMAL(10, 2),"
            " maker INTEGER REFERENCES product (id), CHECK (price < 1000))"
        )
        yield database


async def names(db: DatabaseService) -> list[str]:
    return [row["name"] for row in await db.fetch("SELECT name FROM product ORDER BY id")]


async def test_the_service_is_a_database_provider(db: DatabaseService) -> None:
    assert isinstance(db, DatabaseProviderProtocol)
    assert await db.is_connected()


async def test_rows_are_inserted_changed_read_and_removed(db: DatabaseService) -> None:
    inserted = await db.execute_insert("product", {"name": "Anvil", "price": Decimal("99.5")})
    assert (inserted.inserted_id, inserted.affected_rows) == (1, 1)
    updated = await db.execute_update("product", {"price": Decimal(3)}, "name = $1", ["Anvil"])
    assert updated.affected_rows == 1
    found = await db.execute_query("SELECT name, price FROM product WHERE id = %s", [1])
    assert (list(found), found.row_count, bool(found)) == ([{"name": "Anvil", "price": Decimal(3)}], 1, True)
    assert (await db.execute_delete("product", {"name": "Anvil", "maker": None})).affected_rows == 1
    assert await db.fetch_one("SELECT 1 FROM product") is None


async def test_an_update_or_a_delete_without_a_condition_is_refused(db: DatabaseService) -> None:
    with pytest.raises(DataQueryError, match="needs a condition"):
        await db.execute_delete("product", "  ")
    with pytest.raises(DataQueryError, match="needs a condition"):
        await db.execute_update("product", {"price": 1}, {})


@pytest.mark.parametrize("where", ["price = $1 OR name = $2", "price = ? OR name = ?", "price = %s OR name = %s"])
async def test_the_placeholders_of_a_condition_keep_their_meaning_behind_new_values(
    db: DatabaseService, where: str
) -> None:
    await db.execute_insert("product", {"name": "a", "price": 1})
    await db.execute_insert("product", {"name": "b", "price": 2})
    assert (await db.execute_update("product", {"price": 7, "maker": None}, where, [5, "b"])).affected_rows == 1
    assert (await db.execute_update("product", {"price": 8}, "name = :n", {"n": "b"})).affected_rows == 1
    assert await db.fetch_value("SELECT price FROM product WHERE name = 'b'") == 8


@pytest.mark.parametrize(
    ("sql", "params", "error", "names"),
    [
        ("INSERT INTO product (name) VALUES (?)", ["x"], DuplicateKeyError, {"table": "product", "column": "name"}),
        ("INSERT INTO product (id, name) VALUES (1, 'y')", [], DuplicateKeyError, {"column": "id"}),
        ("INSERT INTO product (name) VALUES (NULL)", [], NotNullViolationError, {"table": "product", "column": "name"}),
        (
            "INSERT INTO product (name, price) VALUES ('z', 5000)",
            [],
            CheckConstraintError,
            {"constraint": "price < 1000"},
        ),
        ("INSERT INTO product (name, maker) VALUES ('z', 77)", [], ForeignKeyError, {}),
        ("SELECT * FROM nowhere", [], TableNotFoundError, {"table": "nowhere"}),
        ("SELECT absent FROM product", [], ColumnNotFoundError, {"column": "absent"}),
        ("SELEC 1", [], QuerySyntaxError, {}),
        ("SELECT ?", [2**70], ParameterBindingError, {}),
        ("SELECT ?", [object()], ParameterBindingError, {}),
        ("SELECT ?", [], ParameterBindingError, {}),
        ("COMMIT", [], TransactionError, {}),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
async def test_faults_have_their_own_errors_with_names(
    db: DatabaseService, sql: str, params: list[object], error: type[Exception], names: dict[str, str]
) -> None:
    await db.execute_insert("product", {"name": "x"})
    with pytest.raises(error) as caught:
        await db.execute(sql, params)
    assert {name: getattr(caught.value, name) for name in names} == names


async def test_a_transaction_commits_on_a_clean_exit_and_rolls_back_on_an_error(db: DatabaseService) -> None:
    async with db.transaction():
        await db.execute_insert("product", {"name": "kept"})
    with suppress(LookupError):
        async with db.transaction():
            await db.execute_insert("product", {"name": "dropped"})
            raise LookupError
    async with db.transaction():
        assert await names(db) == ["kept"]


async def test_a_transaction_inside_another_is_a_savepoint(db: DatabaseService) -> None:
    async with db.transaction():
        await db.execute_insert("product", {"name": "outer"})
        with suppress(LookupError):
            async with db.transaction():
                await db.execute_insert("product", {"name": "inner"})
                raise LookupError
        async with db.transaction():
            await db.execute_insert("product", {"name": "second"})
    assert await names(db) == ["outer", "second"]


async def test_an_isolation_level_inside_a_transaction_is_refused(db: DatabaseService) -> None:
    async with db.transaction("read committed"):
        with pytest.raises(TransactionError, match="savepoint"):
            async with db.transaction("SERIALIZABLE"):
                pass
    with pytest.raises(TransactionError, match="no isolation level"):
        async with db.transaction("snapshot"):
            pass


async def test_a_cancelled_transaction_is_rolled_back_and_its_connection_is_whole(db: DatabaseService) -> None:
    started = asyncio.Event()

    async def work() -> None:
        async with db.transaction():
            await db.execute_insert("product", {"name": "half"})
            started.set()
            await db.fetch(FOREVER)

    task = asyncio.create_task(work())
    await started.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert await names(db) == []
    assert (await db.get_pool_stats())["active_connections"] == 0


async def test_tasks_never_share_the_connection_of_a_transaction(tmp_path: Path) -> None:
    async with DatabaseService(f"sqlite:///{tmp_path / 'test.db'}") as db:
        await db.execute("CREATE TABLE t (a INTEGER)")
        async with db.transaction():
            await db.execute("INSERT INTO t VALUES (1)")
            seen = await asyncio.gather(*(db.fetch_value("SELECT count(*) FROM t") for _ in range(5)))
            assert seen == [0] * 5, "another task does not see what is not committed"
            assert await db.fetch_value("SELECT count(*) FROM t") == 1


async def test_a_child_task_that_writes_waits_for_the_transaction_and_is_told_when_it_waits_in_vain(
    tmp_path: Path,
) -> None:
    config = DatabaseConfig.model_validate({"url": f"sqlite:///{tmp_path / 'test.db'}", "pool_timeout": 0.05})
    async with DatabaseService(config) as db:
        await db.execute("CREATE TABLE t (a INTEGER)")
        async with db.transaction():
            with pytest.raises(ConnectionPoolError, match="1 of at most 1 are in use"):
                await asyncio.create_task(db.execute("INSERT INTO t VALUES (1)"))


async def test_two_hundred_tasks_share_few_connections(tmp_path: Path) -> None:
    config = DatabaseConfig.model_validate({"url": f"sqlite:///{tmp_path / 'test.db'}", "pool_size": 5})
    async with DatabaseService(config) as db:
        await db.execute("CREATE TABLE t (a INTEGER)")

        async def work(number: int) -> None:
            async with db.transaction():
                await db.execute("INSERT INTO t VALUES (?)", [number])
            assert await db.fetch_value("SELECT count(*) FROM t WHERE a = ?", [number]) == 1

        await asyncio.gather(*(work(number) for number in range(200)))
        assert await db.fetch_value("SELECT count(DISTINCT a) FROM t") == 200


async def test_transactions_by_hand_nest_and_end(db: DatabaseService) -> None:
    await db.begin_transaction()
    await db.execute_insert("product", {"name": "a"})
    await db.begin_transaction()
    await db.execute_insert("product", {"name": "b"})
    await db.rollback_transaction()
    await db.commit_transaction()
    assert await names(db) == ["a"]
    with pytest.raises(TransactionError, match="begun no transaction"):
        await db.commit_transaction()
    async with db.transaction():
        await db.begin_transaction()
        await db.execute_insert("product", {"name": "c"})
        await db.rollback_transaction()
    assert await names(db) == ["a"]
    assert (await db.get_pool_stats())["active_connections"] == 0


async def test_a_session_begins_with_its_first_statement_and_commits_at_the_end(db: DatabaseService) -> None:
    async with db.session() as session:
        assert not session.in_transaction
        await session.execute("INSERT INTO product (name) VALUES (?)", "a")
        assert session.in_transaction
        await session.commit()
        assert not session.in_transaction
        await session.execute("INSERT INTO product (name) VALUES (?)", ["b"])
    with suppress(LookupError):
        async with db.session() as session:
            await session.execute("INSERT INTO product (name) VALUES (?)", "c")
            raise LookupError
    assert await names(db) == ["a", "b"]
    with pytest.raises(TransactionError, match="closed"):
        await session.execute("SELECT 1")


async def test_the_connection_of_a_block_is_of_no_use_after_it(db: DatabaseService) -> None:
    async with db.transaction() as connection:
        assert await connection.fetchrow("SELECT 1 AS one") == {"one": 1}
    with pytest.raises(TransactionError, match="given back"):
        await connection.fetch("SELECT 1")


async def test_a_borrowed_connection_is_given_back_once(db: DatabaseService) -> None:
    connection = await db.acquire()
    assert await connection.fetch("SELECT 1 AS one") == [{"one": 1}]
    await db.release(connection)
    await db.release(connection)
    assert (await db.get_pool_stats())["active_connections"] == 0


async def test_a_scope_keeps_one_connection(db: DatabaseService) -> None:
    assert db.get_scoped_connection() is None
    async with db.scoped_context() as connection:
        await connection.execute("CREATE TEMP TABLE scratch (a INTEGER)")
        assert await db.fetch("SELECT * FROM scratch") == []
        assert db.get_scoped_connection() is not None
    assert db.get_scoped_connection() is None


async def test_a_statement_over_its_time_is_interrupted_and_the_connection_stays(db: DatabaseService) -> None:
    with pytest.raises(DatabaseTimeoutError, match=r"took longer than 0\.02 s") as caught:
        await db.fetch(FOREVER, timeout=0.02)
    assert caught.value.timeout == 0.02
    assert await names(db) == []


async def test_many_rows_are_written_all_or_none(db: DatabaseService) -> None:
    assert await db.execute_many("INSERT INTO product (name) VALUES ($1)", [["a"], ["b"]]) == 2
    with pytest.raises(DuplicateKeyError):
        await db.execute_many("INSERT INTO product (name) VALUES ($1)", [["c"], ["a"]])
    assert await names(db) == ["a", "b"]


async def test_a_stream_yields_rows_and_gives_its_connection_back_when_left_early(db: DatabaseService) -> None:
    await db.execute_many("INSERT INTO product (name) VALUES (?)", [[f"n{number}"] for number in range(250)])
    rows = db.stream("SELECT name FROM product ORDER BY id", batch_size=100)
    assert (await anext(rows))["name"] == "n0"
    await rows.aclose()
    assert (await db.get_pool_stats())["active_connections"] == 0
    assert len([row async for row in db.stream("SELECT name FROM product")]) == 250


async def test_statements_are_logged_with_secrets_masked() -> None:
    logger = MemoryQueryLogger()
    async with DatabaseService(query_logger=logger) as db:
        await db.execute("CREATE TABLE account (id INTEGER, password TEXT)")
        await db.execute_insert("account", {"id": 5, "password": "hunter2"})
        await db.fetch("SELECT id FROM account WHERE password = ? AND id = ?", ["hunter2", 5])
        with pytest.raises(QuerySyntaxError):
            await db.execute("SELEC password, ?", ["hunter2"])
    assert [entry.params for entry in logger.get_entries_by_sql("account")][1:] == [[5, "***"], ["***", 5]]
    failed = logger.get_failed_queries()
    assert len(failed) == 1
    assert "hunter2" not in repr(failed)


async def test_echo_writes_statements_to_the_log(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, logger="lexigram.sql.queries"):
        async with DatabaseService(DatabaseConfig.model_validate({"url": ":memory:", "echo": True})) as db:
            await db.execute("SELECT 42 AS answer")
    assert any("SELECT 42 AS answer" in message for message in caplog.messages)


async def test_values_come_back_as_the_declared_types(db: DatabaseService) -> None:
    await db.execute("CREATE TABLE v (d DECIMAL TEXT, u UUID, j JSON, b BOOLEAN)")
    row = {"d": Decimal("12345678901234567890.12"), "u": UUID(int=7), "j": {"a": [1, None]}, "b": True}
    await db.execute_insert("v", row)
    assert await db.fetch_one("SELECT * FROM v") == row
    await db.execute_insert("v", {"d": None, "u": None, "j": None, "b": None})
    assert (await db.fetch("SELECT * FROM v"))[1] == dict.fromkeys("dujb")


async def test_a_database_that_is_not_connected_says_so() -> None:
    db = DatabaseService()
    with pytest.raises(DatabaseConnectionError, match="not connected"):
        await db.fetch("SELECT 1")
    assert (await db.health_check()).status is HealthStatus.UNHEALTHY
    await db.disconnect()


async def test_connecting_and_disconnecting_twice_does_nothing_and_again_is_possible() -> None:
    db = DatabaseService()
    await db.connect()
    await db.connect()
    await db.execute("CREATE TABLE t (a INTEGER)")
    await db.disconnect()
    await db.disconnect()
    async with db:
        assert not await db.table_exists("t"), "what was in memory is gone with its connection"


async def test_health_has_the_figures_of_the_pool(db: DatabaseService) -> None:
    health = await db.health_check()
    assert health.status is HealthStatus.HEALTHY
    assert {"active_connections", "idle_connections", "wait_time_ms", "version"} <= health.details.keys()


def test_a_file_that_cannot_be_opened_is_a_connection_error(tmp_path: Path) -> None:
    async def connect() -> None:
        async with DatabaseService(f"sqlite:///{tmp_path}/missing/test.db"):
            pass

    with pytest.raises(DatabaseConnectionError) as caught:
        asyncio.run(connect())
    assert caught.value.native_code == "SQLITE_CANTOPEN"


@pytest.mark.parametrize("url", ["sqlite+pysqlite:///a.db", "sqlite:///a.db?mode=odd", "sqlite:///a.db?odd=1"])
def test_what_a_url_cannot_mean_is_refused(url: str) -> None:
    async def connect() -> None:
        async with DatabaseService(url):
            pass

    with pytest.raises(ConfigurationError):
        asyncio.run(connect())


async def test_opening_that_is_cancelled_behind_the_file_closes_the_file(monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[SQLiteConnection] = []

    async def cancelled(self: SQLiteConnection, *_: object) -> None:
        opened.append(self)
        raise asyncio.CancelledError

    monkeypatch.setattr(SQLiteConnection, "_call", cancelled)
    connection = SQLiteConnection(lambda: sqlite3.connect(":memory:", check_same_thread=False), writes=True)
    with pytest.raises(asyncio.CancelledError):
        await connection.open()
    assert opened == [connection]
    assert not connection.is_alive


async def test_a_closed_database_is_one_file(tmp_path: Path) -> None:
    """Its log is a part of it again, whoever used it last."""
    async with DatabaseService(f"sqlite:///{tmp_path / 'a.db'}") as db:
        await db.execute("CREATE TABLE t (a INTEGER)")
        async with db.transaction():
            await db.execute("INSERT INTO t VALUES (1)")
        await db.fetch("SELECT * FROM t")
    assert os.listdir(tmp_path) == ["a.db"]

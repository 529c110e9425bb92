"""Connections that are shared, lost, killed and lent again: what a caller sees, and that the database recovers."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from typing import Any

import pytest
import pytest_asyncio
from lexigram.contracts.core.health import HealthStatus
from lexigram.sql import exceptions
from lexigram.sql.config import DatabaseConfig
from lexigram.sql.exceptions import (
    ConnectionPoolError,
    DatabaseConnectionError,
    DatabaseError,
    LockError,
    TransactionRollbackError,
)
from lexigram.sql.providers import DatabaseService
from servers.processes import free_port
from servers.restartable import Restartable
from sql.place import Opener, Place

servers_only = pytest.mark.parametrize("kind", ["postgres", "mysql"])

OwnDatabase = tuple[DatabaseService, Restartable]
SESSION = "SELECT pg_backend_pid() AS id | SELECT CONNECTION_ID() AS id"


def by_server(kind: str, both: str) -> str:
    """The variant for PostgreSQL or MySQL."""
    return both.split(" | ")[kind == "mysql"]


async def kill(url: str, kind: str, session: int) -> None:
    """End a session at the server, from another one, and wait until it is gone."""
    async with DatabaseService(DatabaseConfig.model_validate({"url": url, "pool_size": 1})) as admin:
        if kind == "postgres":
            assert await admin.fetch_value("SELECT pg_terminate_backend(?, 5000)", [session])
        else:
            await admin.execute(f"KILL {session}")


@servers_only
async def test_a_session_killed_in_a_transaction_is_a_retryable_error_and_the_pool_recovers(
    open_db: Opener, place: Place
) -> None:
    """What the transaction did is gone, and the next one gets a new connection."""
    db = await open_db(pool_size=2)
    await db.execute("CREATE TABLE item (name VARCHAR(50))")

    async def work() -> None:
        async with db.transaction() as connection:
            await db.execute("INSERT INTO item VALUES ('lost')")
            (row,) = await connection.fetch(by_server(place.kind, SESSION))
            await kill(place.url, place.kind, row["id"])
            await db.execute("INSERT INTO item VALUES ('never')")

    # Which of the two depends on whether the news of the end came before the statement was sent.
    with pytest.raises((DatabaseConnectionError, TransactionRollbackError)) as caught:
        await work()
    assert caught.value.retryable
    assert await db.fetch("SELECT name FROM item") == []
    async with db.transaction():
        await db.execute("INSERT INTO item VALUES ('again')")
    assert await db.fetch_value("SELECT count(*) FROM item") == 1
    assert (await db.get_pool_stats())["active_connections"] == 0


@servers_only
async def test_a_block_that_goes_on_after_its_connection_was_lost_is_told(open_db: Opener, place: Place) -> None:
    """Nothing of it is written by another connection, whatever the block catches."""
    db = await open_db()
    await db.execute("CREATE TABLE item (name VARCHAR(50))")

    async def work() -> None:
        async with db.transaction() as connection:
            (row,) = await connection.fetch(by_server(place.kind, SESSION))
            await kill(place.url, place.kind, row["id"])
            with suppress(DatabaseError):
                await db.execute("INSERT INTO item VALUES ('a')")
            await db.execute("INSERT INTO item VALUES ('b')")

    with pytest.raises(TransactionRollbackError) as caught:
        await work()
    assert caught.value.retryable
    assert await db.fetch("SELECT name FROM item") == []


@servers_only
async def test_a_block_that_ends_after_its_connection_was_lost_did_not_commit(open_db: Opener, place: Place) -> None:
    """A lost commit is never taken for a success."""
    db = await open_db()
    await db.execute("CREATE TABLE item (name VARCHAR(50))")

    async def work() -> None:
        async with db.transaction() as connection:
            await db.execute("INSERT INTO item VALUES ('a')")
            (row,) = await connection.fetch(by_server(place.kind, SESSION))
            await kill(place.url, place.kind, row["id"])

    with pytest.raises(DatabaseError) as caught:
        await work()
    assert getattr(caught.value, "retryable", False)
    assert await db.fetch("SELECT name FROM item") == []


@servers_only
async def test_idle_connections_that_died_are_found_and_replaced(open_db: Opener, place: Place) -> None:
    """By asking them, as a health check of the pool does."""
    db = await open_db(pool_min_size=3, pool_size=3)
    sessions: list[int] = []
    for _ in range(3):
        connection = await db.acquire()
        (row,) = await connection.fetch(by_server(place.kind, SESSION))
        sessions.append(row["id"])
        await db.release(connection)
    distinct = set(sessions)
    for session in distinct:
        await kill(place.url, place.kind, session)
    assert await db.evict_dead_connections() == len(distinct)
    assert await db.fetch_value("SELECT 1") == 1
    assert await db.evict_dead_connections() == 0


async def test_an_exhausted_pool_names_how_many_are_in_use(open_db: Opener) -> None:
    """After the time that was allowed, and not much later."""
    db = await open_db(pool_size=2, max_overflow=0, pool_timeout=0.2)
    held = [await db.acquire() for _ in range(1 if db.database_type == "sqlite" else 2)]
    count = len(held)
    started = time.perf_counter()
    with pytest.raises(ConnectionPoolError, match=f"{count} of at most {count} are in use") as caught:
        await db.acquire()
    assert 0.15 < time.perf_counter() - started < 2
    assert (caught.value.in_use, caught.value.max_size) == (count, count)
    assert caught.value.retryable
    for connection in held:
        await db.release(connection)
    await db.release(await db.acquire())
    assert (await db.get_pool_stats())["timeouts"] == 1


async def test_a_database_belongs_to_the_event_loop_that_connected_it(db: DatabaseService) -> None:
    """Another loop is told, instead of hanging."""

    def elsewhere() -> None:
        asyncio.run(db.fetch_value("SELECT 1"))

    with pytest.raises(ConnectionPoolError, match="another event loop"):
        await asyncio.to_thread(elsewhere)
    assert await db.fetch_value("SELECT 1") == 1


class Counting:
    """Counts the resets of a pool's connections."""

    def __init__(self, db: DatabaseService) -> None:
        self._resets = 0
        self._pool: Any = db.get_primary_pool()._writers
        self._original = self._pool._reset
        self._pool._reset = self._counted

    async def _counted(self, held: Any) -> None:
        self._resets += 1
        await self._original(held)

    async def settled(self) -> int:
        """Wait until nothing is being reset, and return how many were."""
        await self._pool._settled()
        return self._resets


async def test_clean_borrowers_cost_no_reset(open_db: Opener, place: Place) -> None:
    """Reads, writes, transactions, savepoints, streams and statements on the schema leave nothing behind."""
    db = await open_db(pool_size=1, max_overflow=0)
    counting = Counting(db)
    await db.execute(f"CREATE TABLE item (id {place.key}, name VARCHAR(50))")
    await db.execute("CREATE INDEX item_name ON item (name)")
    await db.execute_insert("item", {"name": "a"})
    await db.execute_many("INSERT INTO item (name) VALUES (?)", [["b"], ["c"]])
    async with db.transaction("SERIALIZABLE"):
        await db.execute("UPDATE item SET name = upper(name)")
        with suppress(LookupError):
            async with db.transaction():
                await db.execute("DELETE FROM item")
                raise LookupError
    async with db.session() as session:
        await session.execute("SELECT count(*) FROM item")
    assert len([row async for row in db.stream("SELECT * FROM item")]) == 3
    await db.execute("ALTER TABLE item ADD COLUMN note VARCHAR(10)")
    await db.execute("DROP TABLE item")
    assert await counting.settled() == 0
    assert (await db.get_pool_stats())["opened"] <= 2, "one that writes, and on SQLite one that reads"


LEAKS = [
    ("temporary table", "CREATE TEMPORARY TABLE scratch (a INTEGER)", "SELECT count(*) FROM scratch", None),
    (
        "setting",
        "PRAGMA foreign_keys = OFF | SET work_mem = '77MB' | SET SESSION sort_buffer_size = 123456",
        "PRAGMA foreign_keys | SHOW work_mem | SELECT @@sort_buffer_size",
        "same",
    ),
    (
        "setting by function",
        "PRAGMA recursive_triggers = ON | SELECT set_config('lexigram.tenant', 'x', false) | SELECT @tenant := 'x'",
        "PRAGMA recursive_triggers | SELECT coalesce(current_setting('lexigram.tenant', true), '') | SELECT @tenant",
        "same",
    ),
    (
        "isolation",
        "PRAGMA query_only = ON | SET default_transaction_read_only = on | SET SESSION TRANSACTION READ ONLY",
        "PRAGMA query_only | SHOW default_transaction_read_only | SELECT @@tx_read_only",
        "same",
    ),
    (
        "lock",
        "PRAGMA locking_mode | SELECT pg_advisory_lock(4711) | SELECT GET_LOCK('lexigram', 1)",
        "SELECT 0 | SELECT count(*) FROM pg_locks WHERE objid = 4711 | SELECT IS_USED_LOCK('lexigram')",
        "same",
    ),
    (
        "listener",
        "PRAGMA user_version | LISTEN news | SET @news = 1",
        "SELECT 0 | SELECT count(*) FROM pg_listening_channels() | SELECT @news",
        "same",
    ),
    (
        "schema",
        "ATTACH DATABASE ':memory:' AS other | SET search_path TO pg_catalog | USE information_schema",
        "SELECT count(*) FROM pragma_database_list WHERE name = 'other' | SHOW search_path | SELECT 1",
        "same",
    ),
    (
        "open transaction",
        "BEGIN | BEGIN | BEGIN",
        "SELECT 0 | SELECT coalesce(txid_current_if_assigned(), 0) | SELECT @@in_transaction",
        "same",
    ),
]


@pytest.mark.parametrize(("set_it", "look", "then"), [case[1:] for case in LEAKS], ids=[case[0] for case in LEAKS])
async def test_nothing_of_a_borrower_is_left_for_the_next(
    open_db: Opener, place: Place, set_it: str, look: str, then: str | None
) -> None:
    """The next borrower of the very same connection finds the session as it began."""
    db = await open_db(pool_size=1, max_overflow=0)
    set_it = place[set_it] if " | " in set_it else set_it
    look = place[look] if " | " in look else look
    counting = Counting(db)

    async def looked() -> Any:
        async with db.scoped_context() as connection:
            (row,) = await connection.fetch(look)
            return next(iter(row.values()))

    if then is None:
        async with db.scoped_context() as connection:
            await connection.execute(set_it)
            assert await looked() == 0
        with pytest.raises(DatabaseError):
            await looked()
    else:
        before = await looked()
        async with db.scoped_context() as connection:
            await connection.execute(set_it)
            if set_it == "BEGIN" and place.kind == "postgres":
                await connection.execute("SELECT txid_current()")
        assert await looked() == before
    assert await counting.settled() > 0
    assert (await db.get_pool_stats())["closed"] == 0, "it was reset, not replaced"


@servers_only
async def test_a_reset_session_has_our_settings(open_db: Opener, place: Place) -> None:
    """Character set, time zone and SQL mode are as on a new connection."""
    db = await open_db(pool_size=1, max_overflow=0)
    look = by_server(
        place.kind,
        "SELECT current_setting('TimeZone') || current_setting('application_name') || current_setting('search_path')"
        " | SELECT CONCAT_WS('/', @@sql_mode, @@time_zone, @@autocommit, @@character_set_client,"
        " @@character_set_connection, @@character_set_results)",
    )
    before = await db.fetch_value(look)
    async with db.scoped_context() as connection:
        await connection.execute(by_server(place.kind, "SET TIME ZONE 'Asia/Tokyo' | SET NAMES latin1, sql_mode = ''"))
        assert (await connection.fetch(look))[0] != before
    assert await db.fetch_value(look) == before
    assert "utf8mb4" in before or place.kind == "postgres"


@servers_only
async def test_two_writers_of_a_row_wait_and_one_is_told(open_db: Opener, place: Place) -> None:
    """A lock that cannot be had at once is a typed, retryable error."""
    db = await open_db()
    await db.execute("CREATE TABLE item (id INTEGER PRIMARY KEY, amount INTEGER)")
    await db.execute("INSERT INTO item VALUES (1, 0)")

    async def grab() -> None:
        async with db.transaction():
            await db.fetch("SELECT * FROM item WHERE id = 1 FOR UPDATE NOWAIT")

    async with db.transaction():
        await db.execute("UPDATE item SET amount = 1")
        with pytest.raises(LockError) as caught:
            await asyncio.create_task(grab())
    assert caught.value.retryable
    await grab()


async def test_a_server_that_is_not_there_is_a_connection_error_without_the_password() -> None:
    """At once, with the reason and what to check."""
    for scheme in ("postgresql", "mysql"):
        db = DatabaseService(f"{scheme}://someone:hunter2@127.0.0.1:{free_port()}/shop")
        with pytest.raises(exceptions.ConnectionRefusedError) as caught:
            await db.connect()
        assert "hunter2" not in repr(caught.value) + str(caught.value) + repr(caught.value.__cause__)
        assert not await db.is_connected()


@servers_only
async def test_wrong_credentials_are_refused_for_good(start_own: Callable[..., Restartable], kind: str) -> None:
    """With neither the user nor the password in the message."""
    own = start_own(kind)
    url = own.url.replace("postgres@", "intruder:hunter2@").replace("root@", "intruder:hunter2@")
    with pytest.raises(exceptions.ConnectionRefusedError) as caught:
        await DatabaseService(url).connect()
    assert not caught.value.retryable
    assert caught.value.native_code in {"28000", "28P01", 1045}
    assert "hunter2" not in str(caught.value)
    assert "intruder" not in str(caught.value)


@pytest_asyncio.fixture
async def own_db(start_own: Callable[..., Restartable], kind: str) -> AsyncIterator[OwnDatabase]:
    """Yield a database on a server of the test's own, and the server."""
    own = start_own(kind)
    if kind == "mysql":
        async with DatabaseService(own.url) as admin:
            await admin.execute("CREATE DATABASE shop")
    url = own.url + "shop" if kind == "mysql" else own.url
    config = {"url": url, "pool_size": 3, "pool_min_size": 3, "connect_timeout": 5}
    async with DatabaseService(DatabaseConfig.model_validate(config)) as db:
        yield db, own


@servers_only
async def test_after_a_crash_of_the_server_the_database_works_on(
    own_db: OwnDatabase,
) -> None:
    """What was committed is there; dead connections cost at most as many errors as there were, all retryable."""
    db, own = own_db
    await db.execute("CREATE TABLE item (name VARCHAR(20))")
    async with db.transaction():
        await db.execute("INSERT INTO item VALUES ('kept')")
    await asyncio.to_thread(own.process.kill)
    with pytest.raises(DatabaseConnectionError) as caught:
        await db.fetch("SELECT * FROM item")
    assert caught.value.retryable
    health = await db.health_check(1.0)
    assert health.status is HealthStatus.UNHEALTHY
    await asyncio.to_thread(own.process.start)
    failures = 0
    rows = None
    while rows is None:
        try:
            rows = await db.fetch("SELECT * FROM item")
        except DatabaseConnectionError:
            failures += 1
            assert failures <= 3
    assert rows == [{"name": "kept"}]
    assert (await db.health_check()).status is HealthStatus.HEALTHY

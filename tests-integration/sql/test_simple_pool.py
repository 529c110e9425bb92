"""A pool by itself lends connections that take the same statements on every database."""

from __future__ import annotations

import asyncio

import pytest
from lexigram.contracts.data.sql.database import ConnectionPoolProtocol, ConnectionProtocol
from lexigram.sql import AbstractConnectionPool, ConnectionPool, SimpleConnectionPool
from lexigram.sql.exceptions import (
    ConnectionPoolError,
    DatabaseTimeoutError,
    DuplicateKeyError,
    TableNotFoundError,
    TransactionError,
)
from lexigram.sql.providers import DatabaseService
from sql.place import Place


async def test_a_pool_by_itself_runs_statements(place: Place) -> None:
    """With any placeholders, values and errors that are ours, and rows as mappings."""
    async with SimpleConnectionPool(place.url) as pool:
        assert isinstance(pool, ConnectionPoolProtocol)
        async with pool.get_connection() as connection:
            assert isinstance(connection, ConnectionProtocol)
            await connection.execute(f"CREATE TABLE t (id {place.key}, name VARCHAR(20) UNIQUE)")
            assert (await connection.execute("INSERT INTO t (name) VALUES ($1), ($2)", "a", "b")).row_count == 2
            assert await connection.fetch("SELECT name FROM t WHERE name > ? ORDER BY name", "") == [
                {"name": "a"},
                {"name": "b"},
            ]
            assert await connection.fetchrow("SELECT name FROM t WHERE name = :name", {"name": "b"}) == {"name": "b"}
            assert await connection.fetchrow("SELECT name FROM t WHERE name = %s", ["c"]) is None
            with pytest.raises(DuplicateKeyError):
                await connection.execute("INSERT INTO t (name) VALUES (?)", "a")
            with pytest.raises(TableNotFoundError):
                await connection.fetch("SELECT * FROM missing")
            with pytest.raises(DatabaseTimeoutError):
                await connection.fetch(place.sleeping(30), timeout=0.1)
        with pytest.raises(TransactionError, match="given back"):
            await connection.fetch("SELECT 1")
        assert (await pool.get_query_stats())["failures"] == 3
        assert (await pool.health_check()).is_healthy
        await pool.warm(1)
        assert await pool.validate_connections() == 0


async def test_a_pool_by_itself_has_bounds(place: Place) -> None:
    """Of connections, and of the time to wait for one."""
    async with SimpleConnectionPool(place.url, max_connections=1, connection_timeout=2) as pool:
        async with pool.get_connection():
            with pytest.raises(ConnectionPoolError, match="1 of at most"):
                await asyncio.create_task(_one(pool))
        assert await _one(pool) == {"one": 1}
        assert (await pool.get_pool_stats())["timeouts"] == 1


async def _one(pool: AbstractConnectionPool) -> object:
    async with pool.get_connection() as connection:
        return await connection.fetchrow("SELECT 1 AS one")


async def test_a_pool_that_is_not_open_says_so(place: Place) -> None:
    """Before and after; and it can be opened again."""
    pool = SimpleConnectionPool(place.url)
    with pytest.raises(ConnectionPoolError, match="not open"):
        pool.get_connection()
    for _ in range(2):
        await pool.initialize()
        await pool.initialize()
        assert await _one(pool) == {"one": 1}
        await pool.shutdown()
        await pool.shutdown()
    with pytest.raises(ConnectionPoolError, match="not open"):
        await pool.get_pool_stats()


async def test_the_pool_of_a_database_lends_the_same_kind(db: DatabaseService) -> None:
    """Without a transaction of the task's in the way."""
    pool = db.get_primary_pool()
    assert isinstance(pool, ConnectionPool | AbstractConnectionPool)
    async with pool.get_connection() as connection:
        await connection.execute("INSERT INTO item (name) VALUES (?)", "a")
    assert await db.fetch_value("SELECT count(*) FROM item") == 1

"""LISTEN and NOTIFY on PostgreSQL; elsewhere they are refused with a word."""

from __future__ import annotations

import asyncio
from contextlib import suppress

import pytest
from lexigram.sql import PostgresProvider
from lexigram.sql.backends.postgres.notifications import Notification, Notifications, listen, notify
from lexigram.sql.exceptions import (
    DatabaseConnectionError,
    DataQueryError,
    InvalidIdentifierError,
    ProtocolValidationError,
)
from lexigram.sql.providers import DatabaseService
from sql.place import Place


@pytest.mark.parametrize("kind", ["postgres"])
async def test_what_is_sent_is_heard_in_order_once_it_is_committed(db: DatabaseService) -> None:
    """And what is rolled back never is."""
    async with listen(db, "orders", "Other_Things") as heard:
        async with db.transaction():
            await notify(db, "orders", "1")
            await notify(db, "Other_Things", "é' --")
        with suppress(LookupError):
            async with db.transaction():
                await notify(db, "orders", "dropped")
                raise LookupError
        await notify(db, "elsewhere", "unheard")
        await notify(db, "orders")
        found = [await anext(heard) for _ in range(3)]
    assert [(one.channel, one.payload) for one in found] == [("orders", "1"), ("Other_Things", "é' --"), ("orders", "")]
    assert isinstance(found[0], Notification)
    assert found[0].sender > 0


@pytest.mark.parametrize("kind", ["postgres"])
async def test_a_connection_that_listened_is_silent_afterwards(place: Place) -> None:
    """The next borrower hears nothing, and the pool has it back."""
    async with PostgresProvider(place.url) as db:
        async with db.listen("orders"):
            assert (await db.get_pool_stats())["active_connections"] == 1
        pool = db.get_primary_pool().pool_for(read_only=False)
        connection = await pool.acquire()
        assert await connection.native.fetch("SELECT * FROM pg_listening_channels()") == []
        pool.release(connection)
        await db.notify("orders", "nobody")


@pytest.mark.parametrize("kind", ["postgres"])
async def test_a_lost_connection_and_a_slow_reader_are_told(db: DatabaseService) -> None:
    """By the iteration, after what was heard before."""
    async with listen(db, "orders", max_pending=2) as heard:
        for number in range(4):
            await notify(db, "orders", str(number))
        assert [(await anext(heard)).payload for _ in range(2)] == ["0", "1"]
        for _ in range(2):
            with pytest.raises(DataQueryError, match="more than 2"):
                await anext(heard)
    async with listen(db, "orders") as heard:
        waiting = asyncio.create_task(_next(heard))
        listening = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE 'LISTEN%'"
        await db.execute(f"{listening} AND pid <> pg_backend_pid()")
        with pytest.raises(DatabaseConnectionError):
            await waiting
    assert await db.fetch_value("SELECT 1") == 1


async def _next(heard: Notifications) -> Notification:
    return await anext(heard)


async def test_what_cannot_be_sent_or_heard_is_refused(db: DatabaseService, place: Place) -> None:
    """Before anything is sent."""
    if place.kind != "postgres":
        with pytest.raises(ProtocolValidationError, match="PostgreSQL's"):
            await notify(db, "orders")
        with pytest.raises(ProtocolValidationError, match="PostgreSQL's"):
            await listen(db, "orders").__aenter__()
        return
    with pytest.raises(DataQueryError, match="bytes"):
        await notify(db, "orders", "é" * 4000)
    for bad in ('a"; --', "", "a b"):
        with pytest.raises(InvalidIdentifierError):
            await notify(db, bad)
        with pytest.raises(InvalidIdentifierError):
            await listen(db, bad).__aenter__()
    with pytest.raises(DataQueryError, match="no channel"):
        await listen(db).__aenter__()

"""Work that is cancelled at any of the points where it waits leaves nothing behind, on every database."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Generator
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any

import pytest
from lexigram.sql.providers import DatabaseService
from lexigram.sql.query import AsyncQueryBuilder
from lexigram.sql.repositories import GenericRepository
from sql.place import Opener, Place


@dataclass
class Item:
    """A row of ``item``."""

    id: int | None = None
    name: str = ""
    amount: int | None = None


class _Interrupted:
    """Cancels the task that runs a coroutine when it waits for the n-th time.

    Args:
        work: What runs.
        turn: At which wait, from 1.
        answered: True to cancel only when what was waited for is there, before the task knows.
    """

    def __init__(self, work: Coroutine[Any, Any, Any], turn: int, answered: bool) -> None:
        self._work = work
        self._turn = turn
        self._answered = answered
        self.waits = 0

    def __await__(self) -> Generator[Any, Any, Any]:
        task = asyncio.current_task()
        assert task is not None
        steps = self._work.__await__()
        try:
            waiting = next(steps)
            while True:
                self.waits += 1
                if self.waits == self._turn:
                    if self._answered and waiting is not None:
                        waiting.add_done_callback(lambda _: task.cancel())
                    else:
                        task.cancel()
                try:
                    given = yield waiting
                except BaseException as error:
                    waiting = steps.throw(error)
                else:
                    waiting = steps.send(given)
        except StopIteration as end:
            return end.value


async def _fetch(db: DatabaseService, _: int) -> None:
    await db.fetch("SELECT * FROM item")


async def _execute(db: DatabaseService, number: int) -> None:
    await db.execute("INSERT INTO item (name, amount) VALUES (?, 0)", [f"alone {number}"])


async def _stream(db: DatabaseService, _: int) -> None:
    async with aclosing(db.stream("SELECT * FROM item", batch_size=2)) as rows:
        async for _row in rows:
            pass


async def _transaction(db: DatabaseService, number: int) -> None:
    async with db.transaction():
        await db.execute("INSERT INTO item (name, amount) VALUES (?, 1)", [f"first {number}"])
        async with db.transaction():
            await db.execute("INSERT INTO item (name, amount) VALUES (?, 1)", [f"second {number}"])


async def _by_hand(db: DatabaseService, number: int) -> None:
    await db.begin_transaction()
    try:
        await db.execute("INSERT INTO item (name, amount) VALUES (?, 1)", [f"third {number}"])
        await db.execute("INSERT INTO item (name, amount) VALUES (?, 1)", [f"fourth {number}"])
    except BaseException:
        await db.rollback_transaction()
        raise
    await db.commit_transaction()


async def _session(db: DatabaseService, number: int) -> None:
    async with db.session() as session:
        await session.execute("INSERT INTO item (name, amount) VALUES (?, 1)", f"fifth {number}")
        await session.execute("INSERT INTO item (name, amount) VALUES (?, 1)", f"sixth {number}")


async def _acquire(db: DatabaseService, _: int) -> None:
    connection = await db.acquire()
    try:
        await connection.execute("SELECT 1")
    finally:
        await db.release(connection)


async def _scoped(db: DatabaseService, number: int) -> None:
    async with db.scoped_context() as connection:
        await connection.execute("SELECT 1")
        await _transaction(db, number + 10_000)


async def _bulk(db: DatabaseService, number: int) -> None:
    items = GenericRepository[Item, int](db, "item", Item)
    await items.bulk_create([Item(name=f"bulk {number} {each}", amount=1) for each in range(40)])


async def _bulk_change(db: DatabaseService, number: int) -> None:
    items = GenericRepository[Item, int](db, "item", Item)
    found = await items.find_many(amount=2)
    for item in found:
        item.name = f"{item.name.partition('#')[0]}#{number}"
    await items.bulk_update(found)


async def _builder(db: DatabaseService, number: int) -> None:
    rows = [{"name": f"built {number} {each}", "amount": 1} for each in range(4)]
    await AsyncQueryBuilder("item").execute_many(db, rows)


_WORK: list[Callable[[DatabaseService, int], Coroutine[Any, Any, None]]] = [
    _fetch,
    _execute,
    _stream,
    _transaction,
    _by_hand,
    _session,
    _acquire,
    _scoped,
    _bulk,
    _bulk_change,
    _builder,
]


async def _all_back(db: DatabaseService) -> None:
    """Every connection can be lent at the same time, so none is lost."""
    for read_only in (True, False):
        pool = db.get_primary_pool().pool_for(read_only=read_only)
        lent = [await pool.acquire() for _ in range(pool.max_connections)]
        for connection in lent:
            pool.release(connection)


@pytest.mark.parametrize("answered", [False, True], ids=["waiting", "answered"])
@pytest.mark.parametrize("work", _WORK, ids=lambda work: work.__name__.strip("_"))
async def test_work_that_is_cancelled_wherever_it_waits_leaves_nothing_behind(
    open_db: Opener, place: Place, work: Callable[[DatabaseService, int], Coroutine[Any, Any, None]], answered: bool
) -> None:
    """No connection is lost, no half transaction is kept, and the next one gets what it asks for."""
    db = await open_db(pool_size=2, max_overflow=0, pool_timeout=20)
    await db.execute(f"CREATE TABLE item (id {place.key}, name VARCHAR(50) NOT NULL UNIQUE, amount INTEGER)")
    await db.execute("INSERT INTO item (name, amount) VALUES ('a', 2), ('b', 2), ('c', 2), ('d', 2), ('e', 2)")
    for turn in range(1, 200):
        interrupted = _Interrupted(work(db, turn), turn, answered)

        async def run(interrupted: Awaitable[Any] = interrupted) -> None:
            await interrupted

        (outcome,) = await asyncio.gather(asyncio.create_task(run()), return_exceptions=True)
        assert outcome is None or isinstance(outcome, asyncio.CancelledError), outcome
        await _all_back(db)
        assert await db.fetch_value("SELECT count(*) FROM item WHERE amount = 1") % 2 == 0
        changed = {row["name"].partition("#")[2] for row in await db.fetch("SELECT name FROM item WHERE amount = 2")}
        assert len(changed) == 1
        async with db.transaction():
            await db.execute("INSERT INTO item (name, amount) VALUES ('kept', 3)")
        assert await db.fetch_value("SELECT count(*) FROM item WHERE amount = 3") == 1
        await db.execute("DELETE FROM item WHERE amount = 3")
        if interrupted.waits < turn:
            assert outcome is None
            break
    else:
        pytest.fail("the work did not end")
    assert (await db.get_pool_stats())["idle_connections"] <= (2 if place.kind != "sqlite" else 3)

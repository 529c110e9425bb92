"""Lending connections: bounds, waiting in turn, replacement, cancellation; of a driver made for the purpose."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from lexigram.sql.config import DatabasePoolConfig
from lexigram.sql.exceptions import ConnectionPoolError, ConnectionTimeoutError
from lexigram.sql.pool import Pool


class Connection:
    """A connection that remembers what was done to it."""

    def __init__(self, number: int) -> None:
        self.number = number
        self.is_alive = True
        self.resets = 0
        self.reset_fails = False

    async def ping(self) -> None:
        if self.number < 0:
            raise OSError("dead")

    async def reset(self) -> None:
        self.resets += 1
        if self.reset_fails:
            raise OSError("dead")

    async def close(self) -> None:
        self.is_alive = False

    def terminate(self) -> None:
        self.is_alive = False


class Server:
    """Opens connections; can be slow, and can refuse."""

    def __init__(self) -> None:
        self.opened: list[Connection] = []
        self.refuses = False
        self.gate: asyncio.Event | None = None

    async def connect(self) -> Any:
        if self.gate is not None:
            await self.gate.wait()
        if self.refuses:
            raise OSError("refused")
        connection = Connection(len(self.opened) + 1)
        self.opened.append(connection)
        return connection

    @property
    def alive(self) -> int:
        return sum(connection.is_alive for connection in self.opened)


def make(server: Server, **settings: Any) -> Pool:
    config = DatabasePoolConfig.model_validate({"min_size": 0, "max_size": 2, "max_overflow": 0, **settings})
    return Pool(server.connect, config, name="test", connect_timeout=5, backend="test")


async def turns(count: int = 5) -> None:
    """Let what is ready run."""
    for _ in range(count):
        await asyncio.sleep(0)


async def test_a_connection_that_came_back_is_lent_again() -> None:
    server = Server()
    pool = make(server)
    first = await pool.acquire()
    pool.release(first)
    assert await pool.acquire() is first
    pool.release(first)
    await pool.close()
    assert server.alive == 0


async def test_the_pool_opens_its_least_at_the_start_and_not_more_than_it_keeps() -> None:
    server = Server()
    pool = make(server, min_size=2)
    await pool.open()
    assert len(server.opened) == 2
    await pool.warm(10)
    assert len(server.opened) == 2
    await pool.close()


async def test_no_more_than_the_bound_are_open_at_any_moment() -> None:
    server = Server()
    pool = make(server, max_size=3, max_overflow=2)
    most = 0

    async def borrow() -> None:
        nonlocal most
        connection = await pool.acquire()
        most = max(most, pool.stats.active)
        await turns(3)
        pool.release(connection)

    await asyncio.gather(*(borrow() for _ in range(200)))
    assert most == 5
    assert pool.stats.lent == 200
    await turns()
    assert server.alive <= 3, "those beyond the size are closed when they come back"
    await pool.close()
    assert server.alive == 0


async def test_who_waits_longest_is_served_first() -> None:
    pool = make(Server(), max_size=1)
    held = await pool.acquire()
    served: list[int] = []

    async def borrow(number: int) -> None:
        connection = await pool.acquire()
        served.append(number)
        pool.release(connection)

    tasks = []
    for number in range(5):
        tasks.append(asyncio.create_task(borrow(number)))
        await turns(1)
    pool.release(held)
    await asyncio.gather(*tasks)
    assert served == [0, 1, 2, 3, 4]
    await pool.close()


async def test_waiting_in_vain_names_how_many_are_in_use() -> None:
    pool = make(Server(), max_size=2)
    held = [await pool.acquire(), await pool.acquire()]
    with pytest.raises(ConnectionPoolError, match="2 of at most 2 are in use") as caught:
        await pool.acquire(timeout=0.01)
    assert (caught.value.in_use, caught.value.max_size) == (2, 2)
    assert caught.value.retryable
    assert pool.stats.timeouts == 1
    assert pool.stats.waiting == 0
    for connection in held:
        pool.release(connection)
    await pool.close()


async def test_a_cancelled_waiter_leaves_the_queue() -> None:
    pool = make(Server(), max_size=1)
    held = await pool.acquire()
    waiting = asyncio.create_task(pool.acquire())
    await turns()
    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)
    assert pool.stats.waiting == 0
    pool.release(held)
    assert await pool.acquire() is held
    pool.release(held)
    await pool.close()


async def test_a_waiter_cancelled_while_it_is_served_hands_the_connection_on() -> None:
    pool = make(Server(), max_size=1)
    held = await pool.acquire()
    first, second = (asyncio.create_task(pool.acquire()) for _ in range(2))
    await turns()
    pool.release(held)  # the first is served, and has not run yet
    first.cancel()
    assert await second is held
    with pytest.raises(asyncio.CancelledError):
        await first
    pool.release(held)
    await pool.close()


async def test_opening_that_is_cancelled_leaves_room_for_the_next() -> None:
    server = Server()
    server.gate = asyncio.Event()
    pool = make(server, max_size=1)
    first = asyncio.create_task(pool.acquire())
    await turns()
    second = asyncio.create_task(pool.acquire())
    await turns()
    first.cancel()
    await asyncio.gather(first, return_exceptions=True)
    server.gate.set()
    pool.release(await second)
    await pool.close()
    assert len(server.opened) == 1


async def test_a_refused_connection_is_the_callers_error_and_the_next_may_succeed() -> None:
    server = Server()
    server.refuses = True
    pool = make(server, max_size=1)
    with pytest.raises(OSError, match="refused"):
        await pool.acquire()
    server.refuses = False
    pool.release(await pool.acquire())
    await pool.close()


async def test_opening_has_a_time_limit_of_its_own() -> None:
    server = Server()
    server.gate = asyncio.Event()
    config = DatabasePoolConfig(min_size=0)
    pool = Pool(server.connect, config, name="test", connect_timeout=0.01, backend="test")
    with pytest.raises(ConnectionTimeoutError, match=r"took longer than 0\.01 s"):
        await pool.acquire()
    await pool.close()


async def test_a_session_is_reset_only_when_something_was_left_behind() -> None:
    pool = make(Server(), max_size=1)
    connection: Any = await pool.acquire()
    pool.release(connection)
    assert connection.resets == 0
    assert await pool.acquire() is connection
    pool.release(connection, clean=False)
    assert await pool.acquire() is connection, "it is waited for, not replaced"
    assert connection.resets == 1
    pool.release(connection)
    await pool.close()


async def test_a_session_that_cannot_be_reset_is_not_lent_again() -> None:
    server = Server()
    pool = make(server, max_size=1)
    connection: Any = await pool.acquire()
    connection.reset_fails = True
    pool.release(connection, clean=False)
    other = await pool.acquire()
    assert other is not connection
    pool.release(other)
    await pool.close()


async def test_a_dead_connection_is_replaced() -> None:
    server = Server()
    pool = make(server, max_size=1)
    connection: Any = await pool.acquire()
    pool.release(connection)
    connection.is_alive = False
    other = await pool.acquire()
    assert other is not connection
    other.terminate()
    pool.release(other)
    assert (await pool.acquire()) is not other
    await pool.close(grace=0)


async def test_one_over_its_age_is_replaced_when_it_comes_back() -> None:
    server = Server()
    pool = make(server, max_size=1, max_lifetime=1e-9)
    first = await pool.acquire()
    pool.release(first)
    assert await pool.acquire() is not first
    await pool.close(grace=0)


async def test_idle_ones_beyond_the_least_are_closed_after_a_while() -> None:
    server = Server()
    pool = make(server, min_size=1, max_size=3, idle_timeout=0.01)
    held = [await pool.acquire() for _ in range(3)]
    for connection in held:
        pool.release(connection)
    async with asyncio.timeout(5):
        while server.alive > 1:  # noqa: ASYNC110 - the pool's own clock is what is waited for
            await asyncio.sleep(0.005)
    await pool.close()


async def test_validating_closes_those_that_do_not_answer() -> None:
    server = Server()
    pool = make(server)
    good: Any = await pool.acquire()
    bad: Any = await pool.acquire()
    bad.number = -1
    pool.release(good)
    pool.release(bad)
    assert await pool.validate() == 1
    assert (good.is_alive, bad.is_alive) == (True, False)
    await pool.close()


async def test_closing_waits_for_what_is_lent_and_then_drops_it() -> None:
    server = Server()
    pool = make(server)
    held = await pool.acquire()
    closing = asyncio.create_task(pool.close())
    await turns()
    assert not closing.done()
    pool.release(held)
    await closing
    assert server.alive == 0
    with pytest.raises(ConnectionPoolError, match="closed"):
        await pool.acquire()

    other = make(server)
    kept: Any = await other.acquire()
    await other.close(grace=0)
    assert not kept.is_alive


async def test_those_who_wait_when_the_pool_closes_are_told() -> None:
    pool = make(Server(), max_size=1)
    held = await pool.acquire()
    waiting = asyncio.create_task(pool.acquire())
    await turns()
    closing = asyncio.create_task(pool.close())
    with pytest.raises(ConnectionPoolError, match="closed while waiting"):
        await waiting
    pool.release(held)
    await closing

"""A pool of connections of one kind.

Lending is first come, first served, and waits for nothing when a connection is idle. A connection that comes back is
handed to whoever waits longest; its session is reset only when its borrower says that something was left behind, since
the reset is a round trip that costs as much as a small query. Connections that are lost, too old or too many are
closed instead.

A caller that is cancelled while it waits leaves the queue; one that is cancelled in the moment a connection is handed
to it gives the connection back.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import deque
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from lexigram.sql.config import DatabasePoolConfig
from lexigram.sql.driver import SqlConnection
from lexigram.sql.exceptions import ConnectionPoolError, ConnectionTimeoutError

__all__ = ["Pool", "PoolStats"]

_log = logging.getLogger("lexigram.sql.pool")

Opener = Callable[[], Awaitable[SqlConnection]]


@dataclass(slots=True)
class PoolStats:
    """Figures about a pool.

    Attributes:
        active: Connections that are lent.
        idle: Connections that wait to be lent.
        waiting: Callers that wait for one.
        opened: Connections opened so far.
        closed: Connections closed so far, for whatever reason.
        lent: How often one was lent.
        timeouts: How often a caller waited in vain.
        waited_seconds: Seconds that callers waited, all together.
    """

    active: int = 0
    idle: int = 0
    waiting: int = 0
    opened: int = 0
    closed: int = 0
    lent: int = 0
    timeouts: int = 0
    waited_seconds: float = 0.0


@dataclass(slots=True)
class _Held:
    """A connection, and what the pool knows of it."""

    connection: SqlConnection
    born: float
    idle_since: float = 0.0


class Pool:
    """Lends connections.

    Args:
        connect: Opens a connection.
        config: Bounds and time limits.
        name: Of the database, for messages.
        connect_timeout: Seconds that opening one may take.
        backend: Name of the backend, for errors.
        size: How many are kept at most, where that is not the configuration's ``max_size``.
        overflow: How many more may be open for a while, where that is not the configuration's.
    """

    def __init__(
        self,
        connect: Opener,
        config: DatabasePoolConfig,
        *,
        name: str,
        connect_timeout: float,
        backend: str,
        size: int | None = None,
        overflow: int | None = None,
    ) -> None:
        self._connect = connect
        self._config = config
        self._name = name
        self._backend = backend
        self._connect_timeout = connect_timeout
        self._size = config.max_size if size is None else size
        self._most = self._size + (config.max_overflow if overflow is None else overflow)
        self._idle: deque[_Held] = deque()
        self._lent: dict[int, _Held] = {}
        self._waiters: deque[asyncio.Future[_Held | None]] = deque()
        self._opening = 0
        self._closing: set[asyncio.Task[None]] = set()
        self._closed = False
        self._drained = asyncio.Event()
        self._drained.set()
        self._figures = PoolStats()
        self._sweeper: asyncio.TimerHandle | None = None
        self._loop: asyncio.AbstractEventLoop | None = None

    @property
    def max_connections(self) -> int:
        """The most that are open at once."""
        return self._most

    @property
    def stats(self) -> PoolStats:
        """The figures of this moment."""
        figures = self._figures
        figures.active, figures.idle, figures.waiting = len(self._lent), len(self._idle), len(self._waiters)
        return figures

    async def open(self) -> None:
        """Open the first connections, together.

        Raises:
            DatabaseConnectionError: One cannot be opened; those that were are closed again.
        """
        await self.warm(min(self._config.min_size, self._size))

    async def warm(self, count: int) -> None:
        """Open connections until there are *count*, at most as many as are kept."""
        if asyncio.get_running_loop() is not self._loop:
            self._bind()
        missing = min(count, self._size) - len(self._idle) - len(self._lent) - self._opening
        if missing <= 0:
            return
        self._opening += missing
        tasks = [asyncio.ensure_future(self._open()) for _ in range(missing)]
        try:
            results = await asyncio.gather(*tasks, return_exceptions=True)
        except BaseException:
            for task in tasks:
                task.cancel()
            for result in await asyncio.gather(*tasks, return_exceptions=True):
                if isinstance(result, _Held):
                    self._discard(result)
            await self._settled()
            raise
        failures = [result for result in results if isinstance(result, BaseException)]
        for result in results:
            if isinstance(result, _Held):
                if failures:
                    self._discard(result)
                else:
                    self._keep(result)
        if failures:
            await self._settled()
            raise failures[0]

    def acquire_idle(self) -> SqlConnection | None:
        """Lend an idle connection at once, or return None when :meth:`acquire` would have to wait or open one."""
        if asyncio.get_running_loop() is not self._loop:
            self._bind()
        idle = self._idle
        while idle and not self._waiters:
            held = idle.pop()  # the latest used: the others may grow old and go
            if held.connection.is_alive:
                return self._lend(held)
            self._discard(held)
        return None

    def _bind(self) -> None:
        """Belong to the event loop that first asks, since sockets and locks do."""
        if self._loop is not None:
            raise ConnectionPoolError(
                f"the connections of {self._name!r} belong to another event loop",
                hint="Connect a database of its own in each event loop, such as one for each asyncio.run().",
                backend=self._backend,
                operation="acquire",
                retryable=False,
            )
        self._loop = asyncio.get_running_loop()

    async def acquire(self, timeout: float | None = None) -> SqlConnection:  # noqa: ASYNC109 - waiting is what it does
        """Lend a connection.

        Args:
            timeout: Seconds to wait; the configuration's ``acquire_timeout`` when None.

        Raises:
            ConnectionPoolError: None came back in time, or the pool is closed.
            DatabaseConnectionError: A new one could not be opened.
        """
        if self._closed:
            raise self._refusal("the pool is closed", "Open it with connect(); it is closed by disconnect().")
        connection = self.acquire_idle()
        if connection is not None:
            return connection
        limit = self._config.acquire_timeout.total_seconds if timeout is None else timeout
        started = time.perf_counter()
        waiting = asyncio.timeout(limit)
        try:
            async with waiting:
                held = await self._next()
        except TimeoutError:
            if not waiting.expired():
                raise
            self._figures.timeouts += 1
            raise self._refusal(
                f"no connection of {self._name!r} came back within {limit:g} s: {len(self._lent)} of at most "
                f"{self._most} are in use, {len(self._waiters)} other callers wait",
                "Keep connections for shorter times, or raise pool.max_size or pool.acquire_timeout.",
                waited=time.perf_counter() - started,
            ) from None
        finally:
            self._figures.waited_seconds += time.perf_counter() - started
        if self._closed:
            self._discard(held)
            raise self._refusal("the pool was closed meanwhile", "Ask before disconnect().")
        return self._lend(held)

    async def _next(self) -> _Held:
        """Open a connection where one more may be open, else wait for one to come back."""
        if len(self._idle) + len(self._lent) + self._opening < self._most and not self._waiters:
            self._opening += 1
            return await self._open()
        waiter: asyncio.Future[_Held | None] = asyncio.get_running_loop().create_future()
        self._waiters.append(waiter)
        try:
            held = await waiter
        except BaseException:
            if not waiter.done() or waiter.cancelled():
                with suppress(ValueError):
                    self._waiters.remove(waiter)
            elif waiter.exception() is not None:
                pass  # the pool was closed
            elif (handed := waiter.result()) is not None:
                self._opening -= 1
                self._keep(handed)
            else:
                self._give_up_room()
            raise
        if held is not None:
            self._opening -= 1
            return held
        if self._closed:
            self._give_up_room()
            raise self._refusal("the pool was closed while waiting", "Ask before disconnect().")
        return await self._open()

    async def _open(self) -> _Held:
        """Open a connection in a room that was taken before, by counting ``_opening`` up."""
        try:
            connection = await self._connected()
        except BaseException:
            self._give_up_room()
            raise
        self._opening -= 1
        self._figures.opened += 1
        return _Held(connection, time.monotonic())

    async def _connected(self) -> SqlConnection:
        limit = asyncio.timeout(self._connect_timeout)
        try:
            async with limit:
                return await self._connect()
        except TimeoutError as error:
            if not limit.expired():
                raise
            raise ConnectionTimeoutError(
                f"opening a connection to {self._name!r} took longer than {self._connect_timeout:g} s",
                hint="Check host and port, or raise connect_timeout.",
                backend=self._backend,
                operation="connect",
            ) from error

    def _give_up_room(self) -> None:
        """Leave the room that was taken for a connection to the next who waits."""
        self._opening -= 1
        self._wake()

    def _lend(self, held: _Held) -> SqlConnection:
        self._lent[id(held.connection)] = held
        self._drained.clear()
        self._figures.lent += 1
        return held.connection

    def release(self, connection: SqlConnection, *, clean: bool = True) -> None:
        """Take a connection back; waits for nothing.

        Args:
            connection: What :meth:`acquire` gave.
            clean: False when its session must be reset before it is lent again.
        """
        held = self._lent.pop(id(connection), None)
        if held is None:
            return
        if not self._lent:
            self._drained.set()
        if self._is_spent(held):
            self._discard(held)
            self._wake()
        elif clean:
            self._keep(held)
        else:
            self._lent[id(connection)] = held
            self._drained.clear()
            self._run(self._reset(held))

    async def _reset(self, held: _Held) -> None:
        """Reset a session, then take the connection back."""
        try:
            async with asyncio.timeout(self._connect_timeout):
                await held.connection.reset()
        except Exception as error:  # noqa: BLE001 - whatever it is, this connection is not lent again
            _log.warning("a connection of %r could not be reset: %s", self._name, type(error).__name__)
            held.connection.terminate()
        self.release(held.connection)

    def _is_spent(self, held: _Held) -> bool:
        """True for a connection that is not lent again."""
        lifetime = self._config.max_lifetime.total_seconds
        too_many = len(self._idle) + len(self._lent) >= self._size and not self._waiters
        too_old = lifetime > 0 and time.monotonic() - held.born > lifetime
        return self._closed or too_many or too_old or not held.connection.is_alive

    def _keep(self, held: _Held) -> None:
        """Hand a connection to who waits longest, or lay it aside."""
        while self._waiters:
            waiter = self._waiters.popleft()
            if not waiter.done():
                self._opening += 1  # it keeps its room on the way
                waiter.set_result(held)
                return
        if self._closed:
            self._discard(held)
            return
        held.idle_since = time.monotonic()
        self._idle.append(held)
        self._sweep_later()

    def _wake(self) -> None:
        """Take room for one more connection, and tell who waits longest to open it."""
        while self._waiters:
            waiter = self._waiters.popleft()
            if not waiter.done():
                self._opening += 1
                waiter.set_result(None)
                return

    def _discard(self, held: _Held) -> None:
        """Close a connection in the background."""
        self._figures.closed += 1
        self._run(self._close(held.connection))

    async def _close(self, connection: SqlConnection) -> None:
        try:
            async with asyncio.timeout(self._connect_timeout):
                await connection.close()
        except Exception as error:  # noqa: BLE001 - it is given up in any case
            _log.debug("a connection of %r did not close: %s", self._name, type(error).__name__)
            connection.terminate()

    def _run(self, work: Any) -> None:
        task = asyncio.get_running_loop().create_task(work, name=f"pool of {self._name}")
        self._closing.add(task)
        task.add_done_callback(self._closing.discard)

    async def _settled(self) -> None:
        """Wait until nothing runs in the background."""
        while self._closing:
            await asyncio.wait(self._closing)

    def _sweep_later(self) -> None:
        """Look for connections that were idle too long, once the first may be."""
        span = self._config.idle_timeout.total_seconds
        if span > 0 and self._sweeper is None and len(self._idle) > self._config.min_size:
            self._sweeper = asyncio.get_running_loop().call_later(span, self._sweep)

    def _sweep(self) -> None:
        self._sweeper = None
        span = self._config.idle_timeout.total_seconds
        now = time.monotonic()
        spare = len(self._idle) + len(self._lent) - self._config.min_size
        while spare > 0 and self._idle and now - self._idle[0].idle_since >= span:
            self._discard(self._idle.popleft())
            spare -= 1
        self._sweep_later()

    async def validate(self) -> int:
        """Ask each idle connection for a sign of life, and close those that give none.

        Returns:
            How many were dead.
        """
        asked, self._idle = list(self._idle), deque()
        for held in asked:
            self._lent[id(held.connection)] = held
        if asked:
            self._drained.clear()
        alive: list[bool | BaseException] = [False] * len(asked)
        try:
            alive = await asyncio.gather(*(self._answers(held.connection) for held in asked), return_exceptions=True)
        finally:
            for held, answers in zip(asked, alive, strict=True):
                if answers is not True:
                    held.connection.terminate()
                self.release(held.connection)
        return sum(answers is not True for answers in alive)

    async def _answers(self, connection: SqlConnection) -> bool:
        if not connection.is_alive:
            return False
        async with asyncio.timeout(self._connect_timeout):
            await connection.ping()
        return True

    async def close(self, grace: float = 5.0) -> None:
        """Close all connections. Closing twice does nothing.

        Args:
            grace: Seconds to wait for those that are lent; after it they are dropped.
        """
        self._closed = True
        if self._sweeper is not None:
            self._sweeper.cancel()
            self._sweeper = None
        for waiter in self._waiters:
            if not waiter.done():
                waiter.set_exception(self._refusal("the pool was closed while waiting", "Ask before disconnect()."))
        self._waiters.clear()
        while self._idle:
            self._discard(self._idle.popleft())
        try:
            async with asyncio.timeout(grace):
                await self._drained.wait()
        except TimeoutError:
            _log.warning("%d connections of %r were in use when it closed", len(self._lent), self._name)
        finally:
            dropped, self._lent = list(self._lent.values()), {}
            for held in dropped:
                held.connection.terminate()
                self._discard(held)
            await self._settled()

    def _refusal(self, message: str, hint: str, *, waited: float | None = None) -> ConnectionPoolError:
        return ConnectionPoolError(
            message,
            hint=hint,
            backend=self._backend,
            operation="acquire",
            in_use=len(self._lent),
            max_size=self._most,
            waited=waited,
        )

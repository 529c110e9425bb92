"""One connection to MySQL or MariaDB."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import aclosing, suppress
from typing import Any, TypeVar

from lexigram.contracts.data.sql.database import IsolationLevel
from lexigram.sql.backends.mysql.raw import RawConnection
from lexigram.sql.backends.mysql.values import encode_all
from lexigram.sql.driver import Executed, Records, Statement
from lexigram.sql.transactions.transaction import finished

__all__ = ["MySQLConnection"]

R = TypeVar("R")


class MySQLConnection:
    """A connection. Implements :class:`~lexigram.sql.driver.SqlConnection`.

    The answer of a statement is read in the task that asked. A task that is cancelled, or out of time, leaves it half
    read, so the connection is dropped then, and the server told to stop the statement.

    Args:
        raw: aiomysql's.
        kill: Tells the server, by another connection, to stop what a connection runs.
    """

    def __init__(self, raw: RawConnection, kill: Callable[[int], Awaitable[None]]) -> None:
        self._raw = raw
        self._kill = kill

    @property
    def native(self) -> RawConnection:
        """The connection as aiomysql has it."""
        return self._raw

    @property
    def is_alive(self) -> bool:
        """False once it is known to be lost."""
        return self._raw.is_open

    async def _ask(self, work: Callable[[], Awaitable[R]], timeout: float | None) -> R:  # noqa: ASYNC109 - the statement is ended at the server
        try:
            if timeout is None:
                return await work()
            async with asyncio.timeout(timeout):
                return await work()
        except (asyncio.CancelledError, TimeoutError):
            thread = self._raw.thread
            self.terminate()
            await finished(self._stop(thread))
            raise

    async def _stop(self, thread: int) -> None:
        with suppress(Exception):
            async with asyncio.timeout(2):
                await self._kill(thread)

    async def fetch(self, statement: Statement, params: Sequence[Any], timeout: float | None) -> Records:  # noqa: ASYNC109 - see _ask
        """Run a statement and return its rows."""
        values = encode_all(params)
        answer = await self._ask(lambda: self._raw.ask(statement.sql, values), timeout)
        return Records(answer.columns, answer.rows)

    async def execute(self, statement: Statement, params: Sequence[Any], timeout: float | None) -> Executed:  # noqa: ASYNC109 - see _ask
        """Run a statement and return what it did."""
        values = encode_all(params)
        answer = await self._ask(lambda: self._raw.ask(statement.sql, values), timeout)
        return Executed(answer.touched, answer.last_id)

    async def execute_many(
        self,
        statement: Statement,
        rows: Sequence[Sequence[Any]],
        timeout: float | None,  # noqa: ASYNC109 - see _ask
    ) -> int:
        """Run a statement for each row of parameters, all or none; inserts go as one statement of many rows."""
        own = not self._raw.in_transaction
        encoded = [encode_all(row) for row in rows]

        async def work() -> int:
            if own:
                await self._raw.command("BEGIN")
            try:
                count = await self._raw.ask_many(statement.sql, encoded)
            except Exception:
                if own:
                    await self._raw.command("ROLLBACK")
                raise
            if own:
                await self._raw.command("COMMIT")
            return count

        return await self._ask(work, timeout)

    async def stream(
        self,
        statement: Statement,
        params: Sequence[Any],
        batch_size: int,
        timeout: float | None,  # noqa: ASYNC109 - see _ask
    ) -> AsyncGenerator[Records]:
        """Run a query, and read its rows from the socket as they are asked for."""
        done = False
        try:
            async with aclosing(self._raw.batches(statement.sql, encode_all(params), batch_size)) as answers:
                while True:
                    answer = await self._ask(lambda: anext(answers, None), timeout)
                    if answer is None:
                        break
                    yield Records(answer.columns, answer.rows)
            done = True
        finally:
            if not done and self.is_alive:
                # The rest of the answer may be long; to drop the connection is quicker than to read it.
                thread = self._raw.thread
                self.terminate()
                await finished(self._stop(thread))

    async def begin(self, isolation: IsolationLevel | None, read_only: bool) -> None:
        """Begin a transaction."""
        if isolation is not None:
            await self._command(f"SET TRANSACTION ISOLATION LEVEL {isolation.value}")
        await self._command("START TRANSACTION READ ONLY" if read_only else "BEGIN")

    async def _command(self, sql: str) -> None:
        await self._ask(lambda: self._raw.command(sql), None)

    async def commit(self) -> None:
        """Make the transaction's changes lasting."""
        await self._command("COMMIT")

    async def rollback(self) -> None:
        """Undo the transaction's changes."""
        await self._command("ROLLBACK")

    async def savepoint(self, name: str) -> None:
        """Mark a place in the transaction."""
        await self._command(f"SAVEPOINT `{name}`")

    async def release_savepoint(self, name: str) -> None:
        """Forget a mark, and keep what was done since."""
        await self._command(f"RELEASE SAVEPOINT `{name}`")

    async def rollback_to_savepoint(self, name: str) -> None:
        """Undo what was done since a mark, and forget it."""
        await self._command(f"ROLLBACK TO SAVEPOINT `{name}`")
        await self._command(f"RELEASE SAVEPOINT `{name}`")

    async def reset(self) -> None:
        """Bring the session back to how it began: the server forgets all of it, and our settings are made again."""
        await self._ask(self._raw.start_over, None)

    async def ping(self) -> None:
        """Ask the server for a sign of life."""
        await self._ask(self._raw.ask_for_life, None)

    async def close(self) -> None:
        """End the connection."""
        await self._raw.end()

    def terminate(self) -> None:
        """Drop the connection at once."""
        self._raw.drop()

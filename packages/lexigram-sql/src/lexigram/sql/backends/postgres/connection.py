"""One connection to PostgreSQL."""

from __future__ import annotations

import enum
from collections.abc import AsyncGenerator, Sequence
from typing import Any, Final

import asyncpg
from lexigram.contracts.data.sql.database import IsolationLevel
from lexigram.sql.backends.postgres.arrays import ArrayInsert, array_insert, is_plain_insert
from lexigram.sql.driver import Executed, Records, Statement

__all__ = ["PostgresConnection"]

# What asyncpg's own reset leaves: temporary tables, sequences' last values, the role.
_RESET = "DISCARD TEMP; DISCARD SEQUENCES; SET SESSION AUTHORIZATION DEFAULT"

_ARRAY_ROWS: Final = 20_000
"""Rows in one statement with arrays, which are encoded without a pause."""
_PLANS: Final = 128
"""Inserts that a connection remembers the types of."""


class PostgresConnection:
    """A connection. Implements :class:`~lexigram.sql.driver.SqlConnection`.

    Args:
        raw: asyncpg's.
        prepares: False where statements cannot be prepared, as behind some poolers.
    """

    def __init__(self, raw: asyncpg.Connection[Any], *, prepares: bool = True) -> None:
        self._raw = raw
        self._prepares = prepares
        self._inserts: dict[str, ArrayInsert | None] = {}

    @property
    def native(self) -> asyncpg.Connection[Any]:
        """The connection as asyncpg has it."""
        return self._raw

    @property
    def is_alive(self) -> bool:
        """False once it is known to be lost."""
        return not self._raw.is_closed()

    async def fetch(self, statement: Statement, params: Sequence[Any], timeout: float | None) -> Records:  # noqa: ASYNC109 - asyncpg ends the statement at the server
        """Run a statement and return its rows."""
        rows = await self._raw.fetch(statement.sql, *_plain(params), timeout=timeout)
        return Records(tuple(rows[0].keys()) if rows else (), rows)

    async def execute(self, statement: Statement, params: Sequence[Any], timeout: float | None) -> Executed:  # noqa: ASYNC109 - see fetch
        """Run a statement and return what it did."""
        tag = await self._raw.execute(statement.sql, *_plain(params), timeout=timeout)
        return Executed(_touched(tag))

    async def execute_many(
        self,
        statement: Statement,
        rows: Sequence[Sequence[Any]],
        timeout: float | None,  # noqa: ASYNC109 - see fetch
    ) -> int:
        """Run a statement for each row of parameters, all or none; inserts as arrays, others in a pipeline."""
        if len(rows) > 1 and is_plain_insert(statement.sql, returning=False):
            insert = await self._as_arrays(statement.sql, timeout)
            batches = None if insert is None else _batches(insert, rows)
            if insert is not None and batches is not None:
                if len(batches) == 1:
                    return _touched(await self._raw.execute(insert.sql, *batches[0], timeout=timeout))
                async with self._raw.transaction():
                    tags = [await self._raw.execute(insert.sql, *columns, timeout=timeout) for columns in batches]
                return sum(map(_touched, tags))
        await self._raw.executemany(statement.sql, [_plain(row) for row in rows], timeout=timeout)
        return len(rows)

    async def fetch_many(
        self,
        statement: Statement,
        rows: Sequence[Sequence[Any]],
        timeout: float | None,  # noqa: ASYNC109 - see fetch
    ) -> Records | None:
        """Run an insert for each row of parameters, all or none, and return what it returns, in the order of the rows.

        Returns:
            The rows; None, and nothing is done, when the insert cannot go as arrays in one statement.
        """
        if not 1 < len(rows) <= _ARRAY_ROWS or not is_plain_insert(statement.sql, returning=True):
            return None
        insert = await self._as_arrays(statement.sql, timeout)
        columns = None if insert is None else insert.columns(rows)
        if insert is None or columns is None:
            return None
        found = await self._raw.fetch(insert.sql, *columns, timeout=timeout)
        return Records(tuple(found[0].keys()) if found else (), found)

    async def _as_arrays(self, sql: str, timeout: float | None) -> ArrayInsert | None:  # noqa: ASYNC109 - see fetch
        """An insert with arrays; the server is asked once for the types of its parameters."""
        if not self._prepares:
            return None
        if sql not in self._inserts:
            prepared = await self._raw.prepare(sql, timeout=timeout)
            kinds = [kind.name if kind.schema == "pg_catalog" else "" for kind in prepared.get_parameters()]
            if len(self._inserts) >= _PLANS:
                self._inserts.clear()
            self._inserts[sql] = array_insert(sql, kinds)
        return self._inserts[sql]

    async def stream(
        self,
        statement: Statement,
        params: Sequence[Any],
        batch_size: int,
        timeout: float | None,  # noqa: ASYNC109 - see fetch
    ) -> AsyncGenerator[Records]:
        """Run a query with a cursor, which needs a transaction: the one that is open, or one of its own."""
        own = not self._raw.is_in_transaction()
        done = False
        try:
            if own:
                await self._raw.execute("BEGIN READ ONLY" if statement.read_only else "BEGIN")
            cursor = await self._raw.cursor(statement.sql, *_plain(params), timeout=timeout)
            while rows := await cursor.fetch(batch_size, timeout=timeout):
                yield Records(tuple(rows[0].keys()), rows)
            done = True
        finally:
            if own and done:
                await self.commit()
            elif own and self.is_alive:
                # Whether it has begun asyncpg does not know yet, if that was cancelled.
                await self._raw.execute("ROLLBACK")

    async def begin(self, isolation: IsolationLevel | None, read_only: bool) -> None:
        """Begin a transaction."""
        level = "" if isolation is None else f" ISOLATION LEVEL {isolation.value}"
        await self._raw.execute(f"BEGIN{level}{' READ ONLY' if read_only else ''}")

    async def commit(self) -> None:
        """Make the transaction's changes lasting.

        A transaction that failed answers ``COMMIT`` with ``ROLLBACK`` and no error (manual, "COMMIT").
        """
        tag = await self._raw.execute("COMMIT")
        if tag == "ROLLBACK":
            raise asyncpg.InFailedSQLTransactionError("a statement of this transaction had failed")

    async def rollback(self) -> None:
        """Undo the transaction's changes."""
        if self._raw.is_in_transaction():
            await self._raw.execute("ROLLBACK")

    async def savepoint(self, name: str) -> None:
        """Mark a place in the transaction."""
        await self._raw.execute(f'SAVEPOINT "{name}"')

    async def release_savepoint(self, name: str) -> None:
        """Forget a mark, and keep what was done since."""
        await self._raw.execute(f'RELEASE SAVEPOINT "{name}"')

    async def rollback_to_savepoint(self, name: str) -> None:
        """Undo what was done since a mark, and forget it."""
        await self._raw.execute(f'ROLLBACK TO SAVEPOINT "{name}"; RELEASE SAVEPOINT "{name}"')

    async def reset(self) -> None:
        """Bring the session back to how it began; prepared statements stay."""
        # Of a statement that was cancelled a moment ago asyncpg does not know yet whether it began a transaction.
        await self._raw.execute("ROLLBACK")
        await self._raw.reset()
        await self._raw.execute(_RESET)

    async def ping(self) -> None:
        """Ask the server for a sign of life."""
        await self._raw.execute("SELECT 1")

    async def close(self) -> None:
        """End the connection."""
        await self._raw.close()

    def terminate(self) -> None:
        """Drop the connection at once."""
        self._raw.terminate()


def _touched(tag: str) -> int:
    """How many rows a statement touched: "UPDATE 3", "INSERT 0 1", "CREATE TABLE" (protocol, 55.7 CommandComplete)."""
    count = tag.rpartition(" ")[2]
    return int(count) if count.isdigit() else 0


def _batches(insert: ArrayInsert, rows: Sequence[Sequence[Any]]) -> list[list[Sequence[Any]]] | None:
    """The columns of rows, for one statement after another; None when arrays cannot hold them."""
    batches: list[list[Sequence[Any]]] = []
    for start in range(0, len(rows), _ARRAY_ROWS):
        columns = insert.columns(rows[start : start + _ARRAY_ROWS])
        if columns is None:
            return None
        batches.append(columns)
    return batches


def _plain(params: Sequence[Any]) -> Sequence[Any]:
    """The parameters, members of enumerations as their values."""
    for value in params:
        if isinstance(value, enum.Enum):
            return [value.value if isinstance(value, enum.Enum) else value for value in params]
    return params

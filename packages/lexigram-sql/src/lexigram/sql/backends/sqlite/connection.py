"""One SQLite connection: a thread that runs a function at a time."""

from __future__ import annotations

import asyncio
import re
import sqlite3
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import suppress
from typing import Any, TypeVar

import aiosqlite
from lexigram.contracts.data.sql.database import IsolationLevel
from lexigram.sql.backends.sqlite.values import encode_all, encode_rows
from lexigram.sql.driver import Executed, Records, Statement
from lexigram.sql.exceptions import DatabaseTimeoutError
from lexigram.sql.transactions.transaction import finished

__all__ = ["SQLiteConnection"]

R = TypeVar("R")

_AGAIN = 0.01
"""Seconds after which a thread that goes on is interrupted again."""


class _Worker(aiosqlite.Connection):
    """aiosqlite's connection, which runs whole functions: a statement and its rows are one turn to the thread."""

    stopping: asyncio.Future[Any] | None = None
    """Done when the thread has closed the file and ends; None before it was told to."""

    def stop(self) -> asyncio.Future[Any] | None:
        """Tell the thread to close the file and to end."""
        self.stopping = super().stop()  # pyright: ignore[reportUnknownMemberType]
        return self.stopping

    @property
    def raw(self) -> sqlite3.Connection:
        """The connection itself; only for functions that run on the thread, and to interrupt them."""
        return self._conn

    @property
    def is_open(self) -> bool:
        """False once it was closed or stopped."""
        return self._running and self._connection is not None

    async def run(self, function: Callable[..., R], *args: Any) -> R:
        """Run a function on the thread."""
        result: R = await self._execute(function, *args)  # type: ignore[no-untyped-call]  # pyright: ignore[reportUnknownMemberType]
        return result


def _nothing() -> None:
    """Ends when all that was given to the thread before has ended."""


class SQLiteConnection:
    """A connection. Implements :class:`~lexigram.sql.driver.SqlConnection`.

    Args:
        connector: Opens the ``sqlite3`` connection; runs on the thread.
        writes: True for one that may write, whose transactions take the write lock when they begin.
    """

    def __init__(self, connector: Callable[[], sqlite3.Connection], *, writes: bool) -> None:
        self._worker = _Worker(connector, 64)
        self._begin = "BEGIN IMMEDIATE" if writes else "BEGIN"
        self._pending: str | None = None
        self._in_transaction = False
        self._settings: Sequence[tuple[str, Any]] = ()
        self._deadline: float | None = None
        self._watch: asyncio.TimerHandle | None = None

    async def open(self) -> None:
        """Start the thread, and open the file on it."""
        try:
            await self._worker
            self._settings = await self._call(_settings, self._worker.raw)
        except BaseException:
            self.terminate()
            await self._ended()
            raise

    async def _ended(self) -> None:
        """Wait for a thread that was told to end: it reports to this event loop, which may close soon."""
        if self._worker.stopping is not None:
            await finished(self._worker.stopping)

    @property
    def native(self) -> aiosqlite.Connection:
        """The connection as aiosqlite has it."""
        return self._worker

    @property
    def is_alive(self) -> bool:
        """False once it was closed."""
        return self._worker.is_open

    async def _call(self, function: Callable[..., R], *args: Any, timeout: float | None = None) -> R:  # noqa: ASYNC109 - the statement itself is interrupted
        """Run a function on the thread; interrupt it and wait for it when cancelled or out of time."""
        if not timeout:
            return await self._run(function, *args)
        loop = asyncio.get_running_loop()
        self._deadline = deadline = loop.time() + timeout
        if self._watch is None or self._watch.when() > deadline:
            self._watch_until(deadline)
        try:
            return await self._run(function, *args)
        except sqlite3.OperationalError as error:
            if loop.time() >= deadline and error.sqlite_errorcode == sqlite3.SQLITE_INTERRUPT:
                raise DatabaseTimeoutError(
                    f"the statement took longer than {timeout:g} s",
                    hint="Make it faster, or raise operations.statement_timeout.",
                    timeout=timeout,
                    backend="sqlite",
                    native_code="SQLITE_INTERRUPT",
                ) from error
            raise
        finally:
            self._deadline = None

    async def _run(self, function: Callable[..., R], *args: Any) -> R:
        try:
            return await self._worker.run(function, *args)
        except asyncio.CancelledError:
            await self._stopped()
            raise

    def _watch_until(self, when: float) -> None:
        """Look after the deadline at a time; one timer serves one statement after another."""
        if self._watch is not None:
            self._watch.cancel()
        self._watch = asyncio.get_running_loop().call_at(when, self._watched)

    def _watched(self) -> None:
        self._watch = None
        deadline = self._deadline
        if deadline is None or not self._worker.is_open:
            return
        now = asyncio.get_running_loop().time()
        if now >= deadline:
            self._worker.raw.interrupt()
            # What the thread has not begun yet is not interrupted, so it is told again.
            deadline = now + _AGAIN
        self._watch_until(deadline)

    def _unwatched(self) -> None:
        if self._watch is not None:
            self._watch.cancel()
            self._watch = None

    async def _stopped(self) -> None:
        """Interrupt what runs, and wait until the thread is free."""
        if not self._worker.is_open:
            return
        waiting = asyncio.ensure_future(self._worker.run(_nothing))
        while not waiting.done():
            self._worker.raw.interrupt()
            # Another cancellation must not leave the thread busy behind a connection that is lent again.
            with suppress(asyncio.CancelledError):
                await asyncio.wait([waiting], timeout=_AGAIN)

    def _started(self) -> str | None:
        """The ``BEGIN`` that goes with the next statement, if one is due."""
        pending, self._pending = self._pending, None
        return pending

    async def fetch(self, statement: Statement, params: Sequence[Any], timeout: float | None) -> Records:  # noqa: ASYNC109 - see _call
        """Run a statement and return its rows."""
        return await self._call(
            _fetch, self._worker.raw, self._started(), statement.sql, encode_all(params), timeout=timeout
        )

    async def execute(self, statement: Statement, params: Sequence[Any], timeout: float | None) -> Executed:  # noqa: ASYNC109 - see _call
        """Run a statement and return what it did."""
        return await self._call(
            _execute, self._worker.raw, self._started(), statement.sql, encode_all(params), timeout=timeout
        )

    async def execute_many(
        self,
        statement: Statement,
        rows: Sequence[Sequence[Any]],
        timeout: float | None,  # noqa: ASYNC109 - see _call
    ) -> int:
        """Run a statement for each row of parameters, all or none."""
        encoded = encode_rows(rows)
        own = None if self._in_transaction else self._begin
        return await self._call(
            _execute_many, self._worker.raw, self._started(), statement.sql, encoded, own, timeout=timeout
        )

    async def fetch_many(
        self,
        statement: Statement,
        rows: Sequence[Sequence[Any]],
        timeout: float | None,  # noqa: ASYNC109 - see _call
    ) -> Records | None:
        """Run an insert for each row of parameters, all or none, and return what it returns, in the order of the rows.

        Returns:
            The rows; None, and nothing is done, when the rows are not at the end of the table afterwards, as with keys
            that are no counters.
        """
        insert = _INSERT.fullmatch(statement.sql)
        if insert is None or "_rowid_" in statement.sql.lower():
            return None
        encoded = encode_rows(rows)
        own = None if self._in_transaction else self._begin
        return await self._call(_fetch_many, self._worker.raw, self._started(), insert, encoded, own, timeout=timeout)

    async def stream(
        self,
        statement: Statement,
        params: Sequence[Any],
        batch_size: int,
        timeout: float | None,  # noqa: ASYNC109 - see _call
    ) -> AsyncGenerator[Records]:
        """Run a query, and fetch its rows batch by batch as they are asked for."""
        # Made here, so that it is closed even if nobody waits for it: until then it holds on to the database.
        cursor = self._worker.raw.cursor()
        try:
            columns = await self._call(
                _open_cursor, cursor, self._started(), statement.sql, encode_all(params), timeout=timeout
            )
            while rows := await self._call(cursor.fetchmany, batch_size, timeout=timeout):
                yield Records(columns, rows)
        finally:
            await self._call(cursor.close)

    async def begin(self, isolation: IsolationLevel | None, read_only: bool) -> None:
        """Begin with the next statement; every isolation level is served by SQLite's one, serialisable."""
        del isolation
        self._pending = "BEGIN" if read_only else self._begin
        self._in_transaction = True

    async def commit(self) -> None:
        """Make the transaction's changes lasting."""
        self._in_transaction = False
        if self._started() is None:
            await self._call(_end, self._worker.raw, "COMMIT")

    async def rollback(self) -> None:
        """Undo the transaction's changes."""
        self._in_transaction = False
        if self._started() is None and self._worker.is_open:
            await self._call(_end, self._worker.raw, "ROLLBACK")

    async def savepoint(self, name: str) -> None:
        """Mark a place in the transaction."""
        await self._call(_execute, self._worker.raw, self._started(), f'SAVEPOINT "{name}"', ())

    async def release_savepoint(self, name: str) -> None:
        """Forget a mark, and keep what was done since."""
        await self._call(_execute, self._worker.raw, None, f'RELEASE "{name}"', ())

    async def rollback_to_savepoint(self, name: str) -> None:
        """Undo what was done since a mark, and forget it."""
        await self._call(_undo, self._worker.raw, name)

    async def reset(self) -> None:
        """Undo what a borrower left open: a transaction, temporary tables, attached databases, settings."""
        self._pending, self._in_transaction = None, False
        await self._call(_reset, self._worker.raw, self._settings)

    async def ping(self) -> None:
        """Ask for a sign of life."""
        await self._call(_fetch, self._worker.raw, None, "SELECT 1", ())

    async def close(self) -> None:
        """Close the file, and end the thread."""
        self._unwatched()
        if self._worker.is_open:
            await self._worker.close()
        await self._ended()

    def terminate(self) -> None:
        """Interrupt what runs; the thread closes the file and ends."""
        self._unwatched()
        if self._worker.is_open:
            self._worker.raw.interrupt()
            self._worker.stop()


_PRAGMAS = (
    "automatic_index",
    "busy_timeout",
    "cache_size",
    "cell_size_check",
    "checkpoint_fullfsync",
    "defer_foreign_keys",
    "foreign_keys",
    "fullfsync",
    "ignore_check_constraints",
    "legacy_alter_table",
    "query_only",
    "read_uncommitted",
    "recursive_triggers",
    "reverse_unordered_selects",
    "secure_delete",
    "synchronous",
    "temp_store",
    "threads",
    "trusted_schema",
    "writable_schema",
)
"""The settings that a connection has for itself ("PRAGMA Statements"), as far as they can be read back."""


def _settings(raw: sqlite3.Connection) -> list[tuple[str, Any]]:
    found = [(name, raw.execute(f"PRAGMA {name}").fetchone()) for name in _PRAGMAS]
    return [(name, row[0]) for name, row in found if row is not None]


def _reset(raw: sqlite3.Connection, settings: Sequence[tuple[str, Any]]) -> None:
    if raw.in_transaction:
        raw.execute("ROLLBACK")
    raw.execute("PRAGMA query_only = OFF")
    for kind, name in raw.execute(
        "SELECT type, name FROM temp.sqlite_master WHERE type IN ('table', 'view', 'trigger')"
        " AND name NOT LIKE 'sqlite@_%' ESCAPE '@' ORDER BY type = 'table'"
    ).fetchall():
        quoted = name.replace('"', '""')
        raw.execute(f'DROP {kind} IF EXISTS temp."{quoted}"')
    for _, name, _ in raw.execute("PRAGMA database_list").fetchall():
        if name not in {"main", "temp"}:
            quoted = name.replace('"', '""')
            raw.execute(f'DETACH DATABASE "{quoted}"')
    for name, value in settings:
        raw.execute(f"PRAGMA {name} = {value}")


def _columns(cursor: sqlite3.Cursor) -> list[str]:
    return [column[0] for column in cursor.description or ()]


def _fetch(raw: sqlite3.Connection, begin: str | None, sql: str, params: Sequence[Any]) -> Records:
    if begin is not None:
        raw.execute(begin)
    cursor = raw.execute(sql, params)
    rows = cursor.fetchall()
    return Records(_columns(cursor), rows)


def _execute(raw: sqlite3.Connection, begin: str | None, sql: str, params: Sequence[Any]) -> Executed:
    if begin is not None:
        raw.execute(begin)
    cursor = raw.execute(sql, params)
    if cursor.description is not None:
        cursor.fetchall()
    return Executed(max(cursor.rowcount, 0), cursor.lastrowid)


def _execute_many(
    raw: sqlite3.Connection, begin: str | None, sql: str, rows: Sequence[Sequence[Any]], own: str | None
) -> int:
    """Run a statement often, in a transaction of its own unless one is running."""
    if begin is not None or own is not None:
        raw.execute(begin or own or "")
    try:
        cursor = raw.executemany(sql, rows)
    except BaseException:
        if own is not None and raw.in_transaction:
            raw.execute("ROLLBACK")
        raise
    if own is not None:
        raw.execute("COMMIT")
    return max(cursor.rowcount, 0)


_NAME = r'(?:"(?:[^"]|"")+"|[A-Za-z_]\w*)'
_INSERT = re.compile(
    rf"(?P<sql>INSERT INTO (?P<table>{_NAME}) ?\([^?']*\) VALUES \([?, ]*\))"  # noqa: S608 - a pattern, which nobody runs
    rf" RETURNING (?P<columns>{_NAME}(?:, ?{_NAME})*)",
    re.ASCII,
)


def _fetch_many(
    raw: sqlite3.Connection, begin: str | None, insert: re.Match[str], rows: Sequence[Sequence[Any]], own: str | None
) -> Records | None:
    """Insert rows behind the last one of a table, and read what they are; undo it when others stand there.

    A table with row ids gives a new row the one after the largest, and a transaction that may write is alone ("Rowid
    Tables", "Autoincrement"). What is found behind the largest of before are the new rows, in their order, unless
    triggers or keys of their own had a hand in it; then there are more or fewer, or the table has no row ids.
    """
    if begin is not None or own is not None:
        raw.execute(begin or own or "")
    if own is None:
        raw.execute("SAVEPOINT lexigram_many")
    kept = False
    try:
        try:
            sql = f"SELECT COALESCE(MAX(_rowid_), 0) FROM {insert['table']}"  # noqa: S608 - a name, as the pattern says
            last = raw.execute(sql).fetchone()[0]
        except sqlite3.OperationalError:
            return None  # a view, or a table without row ids
        raw.executemany(insert["sql"], rows)
        found = _counted(raw, insert, last) or _behind(raw, insert, last)
        kept = isinstance(last, int) and len(found.rows) == len(rows)
        return found if kept else None
    finally:
        # Some errors end the transaction themselves ("Response To Errors Within A Transaction").
        if raw.in_transaction and own is not None:
            raw.execute("COMMIT" if kept else "ROLLBACK")
        elif raw.in_transaction:
            if not kept:
                raw.execute("ROLLBACK TO lexigram_many")
            raw.execute("RELEASE lexigram_many")


def _counted(raw: sqlite3.Connection, insert: re.Match[str], last: Any) -> Records | None:
    """The keys behind a row, where they are the row ids and without a gap, so that two of them tell the others."""
    if "," in insert["columns"]:
        return None
    key = insert["columns"]
    sql = f"SELECT COUNT(*), MIN({key}), MAX({key}), COALESCE(SUM({key} IS NOT _rowid_), 1) FROM {insert['table']}"  # noqa: S608 - names
    count, first, most, others = raw.execute(f"{sql} WHERE _rowid_ > ?", (last,)).fetchone()
    if others or not (isinstance(first, int) and isinstance(most, int)) or most - first + 1 != count:
        return None
    name = key[1:-1].replace('""', '"') if key.startswith('"') else key
    return Records([name], [(number,) for number in range(first, most + 1)])


def _behind(raw: sqlite3.Connection, insert: re.Match[str], last: Any) -> Records:
    """What stands behind a row."""
    sql = f"SELECT {insert['columns']} FROM {insert['table']} WHERE _rowid_ > ? ORDER BY _rowid_"  # noqa: S608 - names
    cursor = raw.execute(sql, (last,))
    return Records(_columns(cursor), cursor.fetchall())


def _open_cursor(cursor: sqlite3.Cursor, begin: str | None, sql: str, params: Sequence[Any]) -> list[str]:
    if begin is not None:
        cursor.execute(begin)
    return _columns(cursor.execute(sql, params))


def _end(raw: sqlite3.Connection, statement: str) -> None:
    # Some errors end the transaction themselves ("Response To Errors Within A Transaction").
    if raw.in_transaction:
        raw.execute(statement)


def _undo(raw: sqlite3.Connection, name: str) -> None:
    if raw.in_transaction:
        raw.execute(f'ROLLBACK TO "{name}"')
        raw.execute(f'RELEASE "{name}"')

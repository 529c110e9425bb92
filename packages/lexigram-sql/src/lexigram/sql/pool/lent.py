"""A connection that a pool lends by itself, without a database around it."""

# ruff: noqa: ASYNC109 - the documented methods take their time limit as a parameter

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Any, cast

from lexigram.contracts.data.sql.database import QueryResult, Row
from lexigram.sql.driver import SqlConnection, SqlDriver
from lexigram.sql.exceptions import DatabaseError, DatabaseTimeoutError, DriverError, TransactionError
from lexigram.sql.observing.figures import QueryFigures
from lexigram.sql.statements.translate import translate

__all__ = ["LentConnection"]


class LentConnection:
    """One connection, for as long as its block lasts. Implements ``ConnectionProtocol``.

    Statements take the placeholders ``$1``, ``?``, ``%s`` and ``:name``; values follow one by one, or as one list or
    mapping.

    Args:
        connection: The driver's connection.
        driver: Knows its dialect and its errors.
        backend: Name of the backend, for errors.
        figures: Where its statements are counted.
    """

    def __init__(self, connection: SqlConnection, driver: SqlDriver, backend: str, figures: QueryFigures) -> None:
        self._figures = figures
        self._connection: SqlConnection | None = connection
        self._driver = driver
        self._backend = backend

    @property
    def native(self) -> Any:
        """The driver's own connection."""
        return self._held().native

    def _held(self) -> SqlConnection:
        if self._connection is None:
            raise TransactionError(
                "this connection was given back when its block ended", hint="Use it inside the block only."
            )
        return self._connection

    async def execute(self, query: str, *args: Any, timeout: float | None = None) -> QueryResult:
        """Run a statement.

        Args:
            query: The statement.
            *args: Its values.
            timeout: Seconds it may take; no limit when None.
        """
        started = time.perf_counter()
        connection = self._held()
        one = len(args) == 1 and isinstance(args[0], list | tuple | dict)
        given = cast("Sequence[Any] | Mapping[str, Any]", args[0] if one else args)
        translation = translate(query, self._driver.dialect, self._driver.param_style)
        statement = translation.statement
        values = translation.bind(given)
        self._figures.statements += 1
        try:
            if statement.returns_rows:
                columns, found = await connection.fetch(statement, values, timeout)
                rows = [dict(zip(columns, row, strict=True)) for row in found]
                return QueryResult(rows, len(rows), time.perf_counter() - started)
            done = await connection.execute(statement, values, timeout)
        except DatabaseError:
            self._figures.failures += 1
            raise
        except Exception as error:
            self._figures.failures += 1
            raise self._translated(error, query, timeout) from error
        return QueryResult((), done.rows, time.perf_counter() - started)

    def _translated(self, error: Exception, query: str, timeout: float | None) -> DatabaseError:
        if timeout is not None and type(error) is TimeoutError:
            return DatabaseTimeoutError(
                f"the statement took longer than {timeout:g} s", timeout=timeout, backend=self._backend
            )
        # The text of an unknown error may hold anything, a password included.
        unknown = DriverError(f"the driver failed: {type(error).__name__}", backend=self._backend)
        return self._driver.classify(error, query) or unknown

    async def fetch(self, query: str, *args: Any, timeout: float | None = None) -> list[Row]:
        """Run a query and return its rows; see :meth:`execute`."""
        return list((await self.execute(query, *args, timeout=timeout)).rows)

    async def fetchrow(self, query: str, *args: Any, timeout: float | None = None) -> Row | None:
        """Run a query and return its first row, or None; see :meth:`execute`."""
        rows = await self.fetch(query, *args, timeout=timeout)
        return rows[0] if rows else None

    async def close(self) -> None:
        """Use it no more; its block gives it back."""
        self._connection = None

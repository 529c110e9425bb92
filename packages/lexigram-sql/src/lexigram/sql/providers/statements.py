"""Runs the statements of an application: translated, bound, and with their rows as dictionaries."""

# ruff: noqa: ASYNC109 - the documented methods take their time limit as a parameter

from __future__ import annotations

import time
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing
from typing import Any

from lexigram.contracts.data.sql.database import (
    DeleteResult,
    InsertResult,
    Params,
    QueryResult,
    Row,
    UpdateResult,
    Where,
)
from lexigram.contracts.data.sql.sql_dialect import SQLDialect
from lexigram.sql.driver import Executed, Records, Statement
from lexigram.sql.providers.opening import Opening
from lexigram.sql.schema_queries import primary_key_query, table_exists_query
from lexigram.sql.statements import compose
from lexigram.sql.statements.translate import Translation, translate
from lexigram.sql.transactions.lease import Lease

__all__ = ["Statements"]


class Statements(Opening):
    """Runs statements; see :class:`~lexigram.sql.providers.database_service.DatabaseService`."""

    def _translate(self, sql: str) -> Translation:
        driver = self._driver
        if driver is None:
            raise self._not_connected()
        return translate(sql, driver.dialect, driver.param_style)

    async def fetch_records(self, sql: str, params: Params = None, *, timeout: float | None = None) -> Records:
        """Run a query and return its rows without making a dictionary of each.

        Args:
            sql: The statement, with ``$1``, ``?``, ``%s`` or ``:name`` placeholders.
            params: Its values, in order or by name.
            timeout: Seconds it may take; the configuration's ``statement_timeout`` when None.
        """
        translation = self._translate(sql)
        return await self.runner.fetch(translation.statement, translation.bind(params), None, timeout)

    async def fetch(self, sql: str, params: Params = None, *, timeout: float | None = None) -> list[Row]:
        """Run a query and return its rows; see :meth:`fetch_records`."""
        columns, rows = await self.fetch_records(sql, params, timeout=timeout)
        return [dict(zip(columns, row, strict=True)) for row in rows]

    async def fetch_one(self, sql: str, params: Params = None, *, timeout: float | None = None) -> Row | None:
        """Run a query and return its first row, or None."""
        columns, rows = await self.fetch_records(sql, params, timeout=timeout)
        return dict(zip(columns, rows[0], strict=True)) if rows else None

    async def fetch_value(self, sql: str, params: Params = None, *, timeout: float | None = None) -> Any:
        """Run a query and return the first value of its first row, or None."""
        rows = (await self.fetch_records(sql, params, timeout=timeout)).rows
        return rows[0][0] if rows else None

    async def execute_many(self, sql: str, rows: Sequence[Sequence[Any] | Mapping[str, Any]]) -> int:
        """Run a statement for each row of values, all or none.

        Returns:
            How many rows it touched.
        """
        translation = self._translate(sql)
        bound = [translation.bind(row) for row in rows]
        return await self.runner.execute_many(translation.statement, bound) if bound else 0

    async def stream(
        self, sql: str, params: Params = None, *, batch_size: int = 100, lease: Lease | None = None
    ) -> AsyncGenerator[Row]:
        """Run a query with a cursor at the server, and yield its rows as they come.

        Args:
            sql: The query.
            params: Its values.
            batch_size: How many rows are fetched at a time.
            lease: The connection to use; the task's own, or one lent for this query.
        """
        translation = self._translate(sql)
        batches = self.runner.stream(translation.statement, translation.bind(params), batch_size, lease)
        async with aclosing(batches):
            async for columns, rows in batches:
                for row in rows:
                    yield dict(zip(columns, row, strict=True))

    async def run_statement(
        self, sql: str, params: Params, lease: Lease | None = None, timeout: float | None = None
    ) -> QueryResult:
        """Run a statement of any kind; see :meth:`execute`."""
        started = time.perf_counter()
        translation = self._translate(sql)
        statement, values = translation.statement, translation.bind(params)
        if statement.returns_rows:
            columns, found = await self.runner.fetch(statement, values, lease, timeout)
            rows = [dict(zip(columns, row, strict=True)) for row in found]
            return QueryResult(rows, len(rows), time.perf_counter() - started)
        done = await self.runner.execute(statement, values, lease, timeout)
        return QueryResult((), done.rows, time.perf_counter() - started)

    async def execute(self, sql: str, params: Params = None) -> QueryResult:
        """Run a statement of any kind.

        Returns:
            Its rows; for statements without rows, how many it changed.
        """
        return await self.run_statement(sql, params)

    async def execute_query(self, sql: str, params: Params = None, *, timeout: float | None = None) -> QueryResult:
        """The same as :meth:`execute`, within *timeout* seconds."""
        return await self.run_statement(sql, params, None, timeout)

    async def execute_insert(
        self,
        table: str,
        data: Mapping[str, Any],
        *,
        returning: Sequence[str] | None = None,
        timeout: float | None = None,
    ) -> InsertResult:
        """Insert a row.

        Args:
            table: The table, checked and quoted.
            data: Values by column.
            returning: The columns that hold the key; the primary key when missing. MySQL has no RETURNING and gives
                its AUTO_INCREMENT value.
            timeout: Seconds it may take.

        Returns:
            The key that the database made, and how many rows were inserted.
        """
        started = time.perf_counter()
        wanted = list(returning or ())
        if self.dialect is SQLDialect.POSTGRESQL and not wanted:
            key = await self._primary_key(table)
            wanted = [] if key is None else [key]
        if self.dialect is SQLDialect.MYSQL:
            wanted = []
        sql, params = compose.insert(table, data, wanted, self.dialect)
        translation = self._translate(sql)
        values = translation.bind(params)
        if wanted:
            rows = (await self.runner.fetch(translation.statement, values, None, timeout)).rows
            return InsertResult(rows[0][0] if rows else None, len(rows), time.perf_counter() - started)
        done = await self.runner.execute(translation.statement, values, None, timeout)
        return InsertResult(done.last_id, done.rows, time.perf_counter() - started)

    async def _primary_key(self, table: str) -> str | None:
        """The only column of a table's primary key; asked once for each table."""
        if table not in self._keys:
            sql, params = primary_key_query(table)
            rows = (await self.fetch_records(sql, params)).rows
            self._keys[table] = rows[0][0] if len(rows) == 1 else None
        return self._keys[table]

    async def execute_update(
        self,
        table: str,
        data: Mapping[str, Any],
        where_clause: Where,
        where_params: Params = None,
        *,
        timeout: float | None = None,
    ) -> UpdateResult:
        """Change the rows that meet the condition.

        Args:
            table: The table, checked and quoted.
            data: New values by column.
            where_clause: SQL with placeholders, or columns that must equal values (None for IS NULL).
            where_params: Values for the placeholders.
            timeout: Seconds it may take.

        Raises:
            DataQueryError: There is no condition, or nothing to set.
        """
        started = time.perf_counter()
        translation = self._translate(
            (composed := compose.update(table, data, where_clause, where_params, self.dialect))[0]
        )
        done = await self.runner.execute(translation.statement, translation.bind(composed[1]), None, timeout)
        return UpdateResult(done.rows, time.perf_counter() - started)

    async def execute_delete(
        self, table: str, where_clause: Where, where_params: Params = None, *, timeout: float | None = None
    ) -> DeleteResult:
        """Remove the rows that meet the condition; see :meth:`execute_update`."""
        started = time.perf_counter()
        translation = self._translate((composed := compose.delete(table, where_clause, where_params, self.dialect))[0])
        done = await self.runner.execute(translation.statement, translation.bind(composed[1]), None, timeout)
        return DeleteResult(done.rows, time.perf_counter() - started)

    async def table_exists(self, table_name: str) -> bool:
        """True when there is a table or view of this name; ``schema.table`` is understood."""
        sql, params = table_exists_query(table_name, self.dialect)
        return bool((await self.fetch_records(sql, params)).rows)

    async def run_compiled(self, statement: Statement, params: Sequence[Any]) -> Records:
        """Run a statement that is compiled already, and return its rows."""
        return await self.runner.fetch(statement, params)

    async def execute_compiled(self, statement: Statement, params: Sequence[Any]) -> Executed:
        """Run a statement that is compiled already, and return what it did."""
        return await self.runner.execute(statement, params)

    async def execute_many_compiled(self, statement: Statement, rows: Sequence[Sequence[Any]]) -> int:
        """Run a statement that is compiled already for each row of values, all or none."""
        return await self.runner.execute_many(statement, rows)

    async def fetch_many_compiled(self, statement: Statement, rows: Sequence[Sequence[Any]]) -> Records | None:
        """Run an insert that is compiled already for each row of values, all or none, and return what it returns.

        Returns:
            The rows in the order of *rows*; None, and nothing is done, where the backend has no such way.
        """
        return await self.runner.fetch_many(statement, rows)

    def stream_compiled(self, statement: Statement, params: Sequence[Any], batch_size: int) -> AsyncGenerator[Records]:
        """Run a query that is compiled already, with a cursor at the server."""
        return self.runner.stream(statement, params, batch_size)

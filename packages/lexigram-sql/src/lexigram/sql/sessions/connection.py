"""A connection in the hands of an application."""

# ruff: noqa: ASYNC109 - the documented methods take their time limit as a parameter

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing
from typing import TYPE_CHECKING, Any, cast

from lexigram.contracts.data.sql.database import QueryResult, Row
from lexigram.contracts.data.sql.sql_dialect import SQLDialect
from lexigram.sql.driver import Executed, Records, Statement
from lexigram.sql.exceptions import TransactionError
from lexigram.sql.transactions.lease import Lease

if TYPE_CHECKING:
    from lexigram.sql.providers.database_service import DatabaseService

__all__ = ["HeldConnection"]


class HeldConnection:
    """One connection, for as long as its block lasts. Implements ``ConnectionProtocol``.

    Statements may have any of the placeholders ``$1``, ``?`` and ``%s``, and values follow the statement one by one.

    Args:
        database: What it is a connection of.
        lease: The connection.
    """

    def __init__(self, database: DatabaseService, lease: Lease) -> None:
        self._database = database
        self._lease: Lease | None = lease

    @property
    def lease(self) -> Lease:
        """The connection itself.

        Raises:
            TransactionError: Its block has ended.
        """
        if self._lease is None:
            raise TransactionError(
                "this connection was given back when its block ended", hint="Use it inside the block only."
            )
        return self._lease

    @property
    def native(self) -> Any:
        """The driver's own connection. Its session is reset when the connection goes back to the pool."""
        self.lease.clean = False
        return self.lease.connection.native

    async def execute(self, query: str, *args: Any, timeout: float | None = None) -> QueryResult:
        """Run a statement.

        Args:
            query: The statement.
            *args: Its values; or one list or mapping that holds them.
            timeout: Seconds it may take; the configuration's ``statement_timeout`` when None.
        """
        return await self._database.run_statement(query, _values(args), self.lease, timeout)

    async def fetch(self, query: str, *args: Any, timeout: float | None = None) -> list[Row]:
        """Run a query and return its rows; see :meth:`execute`."""
        return list((await self.execute(query, *args, timeout=timeout)).rows)

    async def fetchrow(self, query: str, *args: Any, timeout: float | None = None) -> Row | None:
        """Run a query and return its first row, or None; see :meth:`execute`."""
        rows = await self.fetch(query, *args, timeout=timeout)
        return rows[0] if rows else None

    fetch_row = fetchrow

    async def stream(self, query: str, *args: Any, batch_size: int = 100) -> AsyncGenerator[Row]:
        """Run a query with a cursor at the server, and yield its rows."""
        rows = self._database.stream(query, _values(args), batch_size=batch_size, lease=self.lease)
        async with aclosing(rows):
            async for row in rows:
                yield row

    @property
    def dialect(self) -> SQLDialect:
        """The SQL it speaks."""
        return self._database.dialect

    async def run_compiled(self, statement: Statement, params: Sequence[Any]) -> Records:
        """Run a statement that is compiled already, and return its rows."""
        return await self._database.runner.fetch(statement, params, self.lease)

    async def execute_compiled(self, statement: Statement, params: Sequence[Any]) -> Executed:
        """Run a statement that is compiled already, and return what it did."""
        return await self._database.runner.execute(statement, params, self.lease)

    async def execute_many_compiled(self, statement: Statement, rows: Sequence[Sequence[Any]]) -> int:
        """Run a statement that is compiled already for each row of values, all or none."""
        return await self._database.runner.execute_many(statement, rows, self.lease)

    def stream_compiled(self, statement: Statement, params: Sequence[Any], batch_size: int) -> AsyncGenerator[Records]:
        """Run a query that is compiled already, with a cursor at the server."""
        return self._database.runner.stream(statement, params, batch_size, self.lease)

    async def close(self) -> None:
        """Give the connection back. Closing twice does nothing."""
        lease, self._lease = self._lease, None
        if lease is not None and lease.task is None and lease.owner is not None:
            await self._database.give_back(lease)

    def ended(self) -> None:
        """Note that the block is over."""
        self._lease = None


def _values(args: tuple[Any, ...]) -> Sequence[Any] | Mapping[str, Any]:
    """Values as they were given: one by one, or as one list or mapping."""
    if len(args) == 1 and isinstance(args[0], list | tuple | dict):
        return cast("Sequence[Any] | Mapping[str, Any]", args[0])
    return args

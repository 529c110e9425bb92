"""A session: a connection with a transaction that begins by itself, for the length of a request.

::

    async with db.session() as session:
        await session.execute("INSERT INTO products (id) VALUES (?)", "a")   # begins the transaction
    # committed; an error inside the block would have rolled it back

or, where a container ends what its scope made::

    container.scoped(DbSession, create_session_factory())

A session holds a connection only from its first statement to its next ``commit`` or ``rollback``.
"""

# ruff: noqa: ASYNC109 - the documented methods take their time limit as a parameter

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import aclosing
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from lexigram.contracts.data.sql.database import DatabaseProviderProtocol, IsolationLevel, QueryResult, Row
from lexigram.contracts.data.sql.sql_dialect import SQLDialect
from lexigram.sql.driver import Executed, Records, Statement
from lexigram.sql.exceptions import ProtocolValidationError, TransactionError
from lexigram.sql.sessions.connection import HeldConnection
from lexigram.sql.transactions.transaction import TransactionScope, parse_isolation

if TYPE_CHECKING:
    from lexigram.sql.providers.database_service import DatabaseService

__all__ = ["DbSession", "create_session_factory"]


class DbSession:
    """Statements that belong together, in one transaction after another.

    Used by one task at a time.

    Args:
        database: Where it runs.
        isolation_level: What its transactions see of others; None for the database's default.
    """

    def __init__(self, database: DatabaseService, isolation_level: IsolationLevel | str | None = None) -> None:
        self._database = database
        self._isolation = parse_isolation(isolation_level)
        self._held: HeldConnection | None = None
        self._scope: TransactionScope | None = None
        self._closed = False

    @property
    def in_transaction(self) -> bool:
        """True from the first statement to the next commit or rollback."""
        return self._scope is not None

    async def _connection(self) -> HeldConnection:
        if self._closed:
            raise TransactionError("this session is closed", hint="Open another one with db.session().")
        if self._held is None:
            lease = await self._database.borrow(task=None)
            scope = TransactionScope(lease, self._isolation)
            try:
                await self._database.begin_scope(scope)
            except BaseException:
                await self._database.give_back(lease)
                raise
            self._held, self._scope = HeldConnection(self._database, lease), scope
        return self._held

    async def execute(self, query: str, *args: Any, timeout: float | None = None) -> QueryResult:
        """Run a statement in the session's transaction; see :meth:`HeldConnection.execute`."""
        return await (await self._connection()).execute(query, *args, timeout=timeout)

    async def fetch(self, query: str, *args: Any, timeout: float | None = None) -> list[Row]:
        """Run a query and return its rows."""
        return await (await self._connection()).fetch(query, *args, timeout=timeout)

    async def fetchrow(self, query: str, *args: Any, timeout: float | None = None) -> Row | None:
        """Run a query and return its first row, or None."""
        return await (await self._connection()).fetchrow(query, *args, timeout=timeout)

    @property
    def dialect(self) -> SQLDialect:
        """The SQL it speaks."""
        return self._database.dialect

    async def run_compiled(self, statement: Statement, params: Sequence[Any]) -> Records:
        """Run a statement that is compiled already, and return its rows."""
        return await (await self._connection()).run_compiled(statement, params)

    async def execute_compiled(self, statement: Statement, params: Sequence[Any]) -> Executed:
        """Run a statement that is compiled already, and return what it did."""
        return await (await self._connection()).execute_compiled(statement, params)

    async def execute_many_compiled(self, statement: Statement, rows: Sequence[Sequence[Any]]) -> int:
        """Run a statement that is compiled already for each row of values, all or none."""
        return await (await self._connection()).execute_many_compiled(statement, rows)

    async def stream_compiled(
        self, statement: Statement, params: Sequence[Any], batch_size: int
    ) -> AsyncGenerator[Records]:
        """Run a query that is compiled already, with a cursor at the server."""
        batches = (await self._connection()).stream_compiled(statement, params, batch_size)
        async with aclosing(batches):
            async for batch in batches:
                yield batch

    async def commit(self) -> None:
        """Make the transaction's changes lasting; the next statement begins another one."""
        await self._end(None)

    async def rollback(self) -> None:
        """Undo the transaction's changes; the next statement begins another one."""
        await self._end(TransactionError("rolled back"))

    async def _end(self, error: BaseException | None) -> None:
        held, scope = self._held, self._scope
        self._held = self._scope = None
        if held is None or scope is None:
            return
        lease = held.lease
        held.ended()
        try:
            await self._database.end_scope(scope, error)
        finally:
            await self._database.give_back(lease)

    async def close(self) -> None:
        """Roll back what was not committed, and give the connection back. Closing twice does nothing."""
        self._closed = True
        await self.rollback()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            await self._end(error)
        finally:
            self._closed = True


def create_session_factory(
    isolation_level: IsolationLevel | str | None = None,
) -> Callable[[DatabaseProviderProtocol], Awaitable[DbSession]]:
    """What makes a session for each scope of a container.

    Args:
        isolation_level: What the sessions' transactions see of others; None for the database's default.

    Returns:
        A function that makes a session of the primary database; the container closes it with its scope.
    """

    async def make(database: DatabaseProviderProtocol) -> DbSession:
        from lexigram.sql.providers.database_service import DatabaseService

        if not isinstance(database, DatabaseService):
            raise ProtocolValidationError(
                f"sessions need a DatabaseService, not {type(database).__name__}",
                hint="Register the database with DatabaseModule.",
            )
        return DbSession(database, isolation_level)

    return make

"""What a backend implements.

A driver opens connections and says what its database's errors mean; a connection runs statements. Everything a user
sees (pools, transactions, sessions, logs, translation of placeholders, time limits, hooks) is done once, above it, by
:class:`~lexigram.sql.providers.database_service.DatabaseService`. A backend is found under the entry point group
``lexigram.sql.backends``; see :mod:`lexigram.sql.backend`.

Statements come as :class:`Statement` objects, which are made once for each text and kept: the placeholders are already
the driver's own, and it is known whether a statement may leave something behind in the server's session, so that a
pool need not reset what is clean.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple, Protocol, runtime_checkable

from lexigram.contracts.data.sql.database import IsolationLevel
from lexigram.contracts.data.sql.sql_dialect import SQLDialect
from lexigram.contracts.exceptions.infra import DatabaseError

__all__ = [
    "Executed",
    "FetchesMany",
    "Limits",
    "ParamStyle",
    "Records",
    "SqlConnection",
    "SqlDriver",
    "Statement",
]

ParamStyle = Literal["numeric", "qmark", "format"]
"""How a driver writes placeholders: ``$1`` (numeric), ``?`` (qmark) or ``%s`` (format)."""


@dataclass(frozen=True, slots=True)
class Statement:
    """A statement in the driver's own form.

    Attributes:
        sql: The text, with the driver's placeholders.
        parameters: How many values it takes.
        returns_rows: True when it yields rows.
        read_only: True when it changes nothing, so that it may run on a connection that cannot write.
        keeps_session: True when it leaves nothing behind in the server's session (no settings, temporary tables,
            listeners, prepared names, locks that outlive the transaction). Unknown functions count as leaving
            something.
    """

    sql: str
    parameters: int = 0
    returns_rows: bool = True
    read_only: bool = False
    keeps_session: bool = False


class Records(NamedTuple):
    """Rows without the cost of a dictionary each.

    Attributes:
        columns: Their names, in order.
        rows: The rows; each can be read by position.
    """

    columns: Sequence[str]
    rows: Sequence[Sequence[Any]]


class Executed(NamedTuple):
    """What a statement without rows did.

    Attributes:
        rows: How many rows it touched; 0 when the database does not say.
        last_id: The key that the database made for an inserted row, where the database tells without being asked.
    """

    rows: int
    last_id: Any = None


@dataclass(frozen=True, slots=True)
class Limits:
    """What the database does not take.

    Attributes:
        parameters: Most values in one statement.
        rows: Most rows in one INSERT; 0 for no limit but that on parameters.
        statement_bytes: Longest text, in bytes; 0 for no limit.
    """

    parameters: int
    rows: int = 0
    statement_bytes: int = 0


@runtime_checkable
class SqlConnection(Protocol):
    """One connection. Used by one task at a time; the pool sees to that."""

    @property
    def native(self) -> Any:
        """The driver's own connection, for what the portable face does not offer."""
        ...

    @property
    def is_alive(self) -> bool:
        """False when the connection is known to be lost. Makes no call."""
        ...

    async def fetch(self, statement: Statement, params: Sequence[Any], timeout: float | None) -> Records:  # noqa: ASYNC109 - the driver ends the statement at the server
        """Run a statement and return its rows.

        Args:
            statement: The statement.
            params: A value for each placeholder, in order.
            timeout: Seconds it may take; None for no limit. A statement that takes longer is ended at the server, and
                the connection stays usable or is no longer alive.
        """
        ...

    async def execute(self, statement: Statement, params: Sequence[Any], timeout: float | None) -> Executed:  # noqa: ASYNC109 - see fetch
        """Run a statement and return what it did."""
        ...

    async def execute_many(
        self,
        statement: Statement,
        rows: Sequence[Sequence[Any]],
        timeout: float | None,  # noqa: ASYNC109 - see fetch
    ) -> int:
        """Run a statement for each row of parameters, all or none, in as few turns as the server takes.

        Returns:
            How many rows it touched.
        """
        ...

    def stream(
        self,
        statement: Statement,
        params: Sequence[Any],
        batch_size: int,
        timeout: float | None,
    ) -> AsyncGenerator[Records]:
        """Run a query with a cursor at the server. Closing the generator closes the cursor.

        Args:
            statement: The query.
            params: A value for each placeholder, in order.
            batch_size: How many rows are fetched at a time.
            timeout: Seconds that each batch may take; the time that the caller takes between them does not count.
        """
        ...

    async def begin(self, isolation: IsolationLevel | None, read_only: bool) -> None:
        """Begin a transaction; it may be sent together with its first statement.

        Raises:
            TransactionError: The database does not offer this isolation level.
        """
        ...

    async def commit(self) -> None:
        """Make the transaction's changes lasting."""
        ...

    async def rollback(self) -> None:
        """Undo the transaction's changes. Never fails on a connection that is alive."""
        ...

    async def savepoint(self, name: str) -> None:
        """Mark a place in the transaction; *name* is an identifier."""
        ...

    async def release_savepoint(self, name: str) -> None:
        """Forget a mark, and keep what was done since."""
        ...

    async def rollback_to_savepoint(self, name: str) -> None:
        """Undo what was done since a mark."""
        ...

    async def reset(self) -> None:
        """Bring the server's session back to how it began."""
        ...

    async def ping(self) -> None:
        """Ask the server for a sign of life."""
        ...

    async def close(self) -> None:
        """End the connection. Closing twice does nothing."""
        ...

    def terminate(self) -> None:
        """Drop the connection at once, without a word to the server; makes no call that waits."""
        ...


@runtime_checkable
class FetchesMany(Protocol):
    """What a connection may offer beside :class:`SqlConnection`."""

    async def fetch_many(
        self,
        statement: Statement,
        rows: Sequence[Sequence[Any]],
        timeout: float | None,  # noqa: ASYNC109 - see SqlConnection.fetch
    ) -> Records | None:
        """Run an insert for each row of parameters, all or none, and return what it returns, in the order of the rows.

        Returns:
            The rows; None, and nothing is done, when this insert cannot be run that way.
        """
        ...


@runtime_checkable
class SqlDriver(Protocol):
    """One database, as a backend sees it."""

    @property
    def dialect(self) -> SQLDialect:
        """The SQL it speaks."""
        ...

    @property
    def param_style(self) -> ParamStyle:
        """How it writes placeholders."""
        ...

    @property
    def limits(self) -> Limits:
        """What it does not take."""
        ...

    @property
    def max_writers(self) -> int:
        """Connections that may write at the same time; 0 for no limit. With 1, the pool lends a single writer."""
        ...

    async def connect(self, read_only: bool) -> SqlConnection:
        """Open a connection.

        Args:
            read_only: True for one that will only read; drivers without such a kind ignore it.

        Raises:
            DatabaseConnectionError: The server cannot be reached, or refuses.
        """
        ...

    async def close(self) -> None:
        """Release what the driver holds beside its connections. Called once, after they are closed."""
        ...

    def classify(self, error: BaseException, sql: str | None = None) -> DatabaseError | None:
        """Translate an error of the SDK by its code.

        Args:
            error: What the SDK raised.
            sql: The statement, if it was one.

        Returns:
            The error to raise, with constraint, table and column filled in where the server tells; None when *error*
            does not come from this backend.
        """
        ...

    def describe(self) -> Mapping[str, Any]:
        """Facts for health checks and logs, such as host and database; no secrets."""
        ...

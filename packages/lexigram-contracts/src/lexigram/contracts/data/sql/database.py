"""What an application may ask of an SQL database, whatever server stands behind it.

``DatabaseProviderProtocol`` is the whole. The narrow protocols before it are its parts, for code that needs no more; a
provider satisfies each of them.
"""

# ruff: noqa: ASYNC109 - the documented methods take their time limit as a parameter

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Protocol, TypeAlias, runtime_checkable

from lexigram.contracts.core.health import HealthCheckResult

__all__ = [
    "ConnectionPoolProtocol",
    "ConnectionProtocol",
    "CrudOperationsProtocol",
    "DatabaseMetricsProtocol",
    "DatabaseProviderProtocol",
    "DeleteResult",
    "HealthMonitorProtocol",
    "InsertResult",
    "IsolationLevel",
    "MigrationManagerProtocol",
    "MigrationRecord",
    "Params",
    "QueryResult",
    "Row",
    "SchemaManagerProtocol",
    "TransactionManagerProtocol",
    "UpdateResult",
    "Where",
]

Row: TypeAlias = dict[str, Any]
"""A row, by column."""

Params: TypeAlias = Sequence[Any] | Mapping[str, Any] | None
"""Values for a statement's placeholders: in order, or by name."""

Where: TypeAlias = str | Mapping[str, Any]
"""A condition: SQL with placeholders, or columns that must equal values."""


class IsolationLevel(StrEnum):
    """What a transaction sees of others (SQL:1992, 4.28)."""

    READ_UNCOMMITTED = "READ UNCOMMITTED"
    READ_COMMITTED = "READ COMMITTED"
    REPEATABLE_READ = "REPEATABLE READ"
    SERIALIZABLE = "SERIALIZABLE"


@dataclass(frozen=True, slots=True)
class QueryResult:
    """The rows of a query. Iterable, indexable, and true when it succeeded with at least one row.

    Attributes:
        rows: The rows, in order.
        row_count: How many there are; for statements without rows, how many rows they changed.
        execution_time: Seconds it took.
        success: False when it failed.
        error_message: Why it failed.
    """

    rows: Sequence[Row] = ()
    row_count: int = 0
    execution_time: float = 0.0
    success: bool = True
    error_message: str | None = None

    def __iter__(self) -> Iterator[Row]:
        return iter(self.rows)

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, index: int) -> Row:
        return self.rows[index]

    def __bool__(self) -> bool:
        return self.success and bool(self.rows)


@dataclass(frozen=True, slots=True)
class InsertResult:
    """What an insert did.

    Attributes:
        inserted_id: The key that the database made; None when it made none.
        affected_rows: How many rows were inserted.
        execution_time: Seconds it took.
        success: False when it failed.
        error_message: Why it failed.
    """

    inserted_id: Any = None
    affected_rows: int = 0
    execution_time: float = 0.0
    success: bool = True
    error_message: str | None = None


@dataclass(frozen=True, slots=True)
class UpdateResult:
    """What an update did.

    Attributes:
        affected_rows: How many rows it touched.
        execution_time: Seconds it took.
        success: False when it failed.
        error_message: Why it failed.
    """

    affected_rows: int = 0
    execution_time: float = 0.0
    success: bool = True
    error_message: str | None = None


@dataclass(frozen=True, slots=True)
class DeleteResult:
    """What a delete did.

    Attributes:
        affected_rows: How many rows it removed.
        execution_time: Seconds it took.
        success: False when it failed.
        error_message: Why it failed.
    """

    affected_rows: int = 0
    execution_time: float = 0.0
    success: bool = True
    error_message: str | None = None


@dataclass(frozen=True, slots=True)
class MigrationRecord:
    """A schema migration that was run.

    Attributes:
        version: Its version, which orders migrations.
        name: What it does, in a few words.
        applied_at: When, in UTC.
        success: False when it failed.
        error_message: Why it failed.
    """

    version: str
    name: str
    applied_at: datetime
    success: bool = True
    error_message: str | None = None


@runtime_checkable
class ConnectionProtocol(Protocol):
    """One connection to the server."""

    async def execute(self, query: str, *args: Any, timeout: float | None = None) -> Any:
        """Run a statement, and return the driver's own status."""
        ...

    async def fetch(self, query: str, *args: Any, timeout: float | None = None) -> list[Row]:
        """Run a query, and return its rows."""
        ...

    async def fetchrow(self, query: str, *args: Any, timeout: float | None = None) -> Row | None:
        """Run a query, and return its first row, or None."""
        ...

    async def close(self) -> None:
        """Close the connection. Closing twice does nothing."""
        ...


@runtime_checkable
class ConnectionPoolProtocol(Protocol):
    """Connections that are kept open and lent."""

    @property
    def max_connections(self) -> int:
        """The most that are open at once."""
        ...

    @property
    def connection_timeout(self) -> float:
        """The most seconds to wait for one."""
        ...

    async def initialize(self) -> None:
        """Open the first connections."""
        ...

    async def shutdown(self) -> None:
        """Close all connections, waiting for those that are lent."""
        ...

    def get_connection(self) -> AbstractAsyncContextManager[ConnectionProtocol]:
        """Lend a connection inside an ``async with`` block."""
        ...

    async def get_pool_stats(self) -> dict[str, int | float]:
        """Figures about the pool; see :class:`DatabaseMetricsProtocol`."""
        ...

    async def get_query_stats(self) -> dict[str, Any]:
        """Figures about the queries that ran."""
        ...

    async def health_check(self, timeout: float = 5.0) -> HealthCheckResult:
        """Whether a connection can be had, and answers. Never raises."""
        ...

    async def warm(self, count: int) -> None:
        """Open connections until there are *count*."""
        ...

    async def validate_connections(self) -> int:
        """Try the idle connections, close the dead ones, and return how many were dead."""
        ...


@runtime_checkable
class TransactionManagerProtocol(Protocol):
    """Transactions by hand; ``transaction()`` of the provider is safer."""

    async def begin_transaction(self) -> None:
        """Begin a transaction for the task that runs."""
        ...

    async def commit_transaction(self) -> None:
        """Make its changes lasting."""
        ...

    async def rollback_transaction(self) -> None:
        """Undo its changes."""
        ...


@runtime_checkable
class SchemaManagerProtocol(Protocol):
    """What there is in the schema."""

    async def table_exists(self, table_name: str) -> bool:
        """True when there is a table of this name."""
        ...


@runtime_checkable
class CrudOperationsProtocol(Protocol):
    """Statements, written or described. Values are always parameters, names always quoted and checked."""

    async def execute_query(self, sql: str, params: Params = None, *, timeout: float | None = None) -> QueryResult:
        """Run a query in the dialect's own placeholders, within *timeout* seconds."""
        ...

    async def execute_insert(
        self,
        table: str,
        data: Mapping[str, Any],
        *,
        returning: Sequence[str] | None = None,
        timeout: float | None = None,
    ) -> InsertResult:
        """Insert a row."""
        ...

    async def execute_update(
        self,
        table: str,
        data: Mapping[str, Any],
        where_clause: Where,
        where_params: Params = None,
        *,
        timeout: float | None = None,
    ) -> UpdateResult:
        """Change the rows that meet the condition."""
        ...

    async def execute_delete(
        self, table: str, where_clause: Where, where_params: Params = None, *, timeout: float | None = None
    ) -> DeleteResult:
        """Remove the rows that meet the condition."""
        ...


@runtime_checkable
class HealthMonitorProtocol(Protocol):
    """Whether the database answers."""

    async def health_check(self, timeout: float = 5.0) -> HealthCheckResult:
        """Whether it answers within *timeout* seconds, and how fast. Never raises."""
        ...


@runtime_checkable
class DatabaseMetricsProtocol(Protocol):
    """Figures about the connections."""

    async def get_pool_stats(self) -> dict[str, int | float]:
        """At least ``active_connections``, ``idle_connections`` and ``wait_time_ms``."""
        ...


@runtime_checkable
class DatabaseProviderProtocol(
    TransactionManagerProtocol, SchemaManagerProtocol, CrudOperationsProtocol, HealthMonitorProtocol, Protocol
):
    """An SQL database."""

    async def connect(self) -> None:
        """Open the connections. Connecting twice does nothing."""
        ...

    async def disconnect(self) -> None:
        """Close the connections. Disconnecting twice does nothing."""
        ...

    async def is_connected(self) -> bool:
        """True between a successful connect and disconnect."""
        ...

    def get_primary_pool(self) -> ConnectionPoolProtocol:
        """The pool of the primary database.

        Raises:
            NoPrimaryBackendError: There is none.
        """
        ...

    async def execute(self, sql: str, params: Params = None) -> QueryResult:
        """Run a statement of any kind."""
        ...

    def transaction(
        self, isolation_level: IsolationLevel | str | None = None
    ) -> AbstractAsyncContextManager[ConnectionProtocol]:
        """A transaction that every operation of the same task joins: commits on a clean exit, else rolls back.

        One inside another is a savepoint.
        """
        ...

    def scoped_context(self) -> AbstractAsyncContextManager[ConnectionProtocol]:
        """One connection for every operation of the same task inside the block."""
        ...

    def get_scoped_connection(self) -> ConnectionProtocol | None:
        """The connection of the transaction or scope that the task is in, or None."""
        ...

    async def acquire(self) -> ConnectionProtocol:
        """Borrow a connection; give it back with :meth:`release`."""
        ...

    async def release(self, connection: ConnectionProtocol) -> None:
        """Give a borrowed connection back."""
        ...


@runtime_checkable
class MigrationManagerProtocol(Protocol):
    """Keeps account of the migrations that were run."""

    async def initialize_migration_table(self) -> None:
        """Make the table of account, where it is missing."""
        ...

    async def get_applied_migrations(self) -> list[MigrationRecord]:
        """What was run, in order."""
        ...

    async def apply_migration(self, version: str, name: str, sql: str) -> MigrationRecord:
        """Run a migration and enter it, in one transaction where the database can."""
        ...

    async def rollback_migration(self, version: str) -> bool:
        """Undo a migration and strike it; False when it was not entered."""
        ...

    async def get_pending_migrations(self, available: Sequence[Any]) -> list[Any]:
        """Those of *available* that were not run, in order."""
        ...

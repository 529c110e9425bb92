"""The database that an application holds.

One class serves every backend: placeholders, pools, transactions, sessions, time limits, logs and errors are its work,
on top of a small :class:`~lexigram.sql.driver.SqlDriver`.
"""

# ruff: noqa: ASYNC109 - the documented methods take their time limit as a parameter

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing, asynccontextmanager
from dataclasses import replace
from types import TracebackType
from typing import Any, Self

from lexigram.contracts.core.health import HealthCheckResult, HealthStatus
from lexigram.contracts.core.hooks import HookRegistryProtocol
from lexigram.contracts.data.sql.database import (
    DeleteResult,
    InsertResult,
    IsolationLevel,
    Params,
    QueryResult,
    Row,
    UpdateResult,
    Where,
)
from lexigram.contracts.data.sql.query_log import QueryLoggerProtocol
from lexigram.contracts.data.sql.sql_dialect import SQLDialect
from lexigram.contracts.exceptions.config import ConfigurationError
from lexigram.sql.backend import SQL_BACKENDS, SqlBackendSpec
from lexigram.sql.config import DatabaseConfig, refuse_weak_password
from lexigram.sql.driver import Executed, Records, SqlDriver, Statement
from lexigram.sql.exceptions import DatabaseConnectionError, DatabaseError, TransactionError
from lexigram.sql.hooks import (
    ACQUIRED,
    BEGUN,
    ENDED,
    SQLConnectionReadyHook,
    SQLTransactionBegunHook,
    SQLTransactionEndedHook,
)
from lexigram.sql.logs.loggers import ConsoleQueryLogger
from lexigram.sql.logs.masking import ParameterMask
from lexigram.sql.pool.split import ConnectionPool
from lexigram.sql.providers.runner import Runner
from lexigram.sql.schema_queries import primary_key_query, table_exists_query
from lexigram.sql.sessions.connection import HeldConnection
from lexigram.sql.sessions.session import DbSession
from lexigram.sql.statements import compose
from lexigram.sql.statements.translate import Translation, translate
from lexigram.sql.transactions.lease import Lease, current_lease, hold, let_go
from lexigram.sql.transactions.transaction import TransactionScope, parse_isolation

__all__ = ["DatabaseService"]


class DatabaseService:
    """Tables in one database. Implements ``DatabaseProviderProtocol``.

    Args:
        config: The configuration or a URL; a database in memory when missing.
        query_logger: Told of every statement; with ``echo`` and without a logger, they go to Python's logging.
        hooks: Told of connections and transactions.
    """

    def __init__(
        self,
        config: DatabaseConfig | str | None = None,
        *,
        query_logger: QueryLoggerProtocol | None = None,
        hooks: HookRegistryProtocol | None = None,
    ) -> None:
        if config is None or isinstance(config, str):
            config = DatabaseConfig.from_url(config or "sqlite:///:memory:")
        self.config = config
        self._url = config.url
        self._spec: SqlBackendSpec | None = None
        self._hooks = hooks
        operations = config.operations
        self._own_logger: ConsoleQueryLogger | None = None
        if query_logger is None and operations.echo:
            query_logger = self._own_logger = ConsoleQueryLogger(
                operations.slow_query_threshold.total_seconds,
                sample_rate=operations.log_sample_rate,
                log_level=logging.INFO,
            )
        self._loggers: tuple[QueryLoggerProtocol, ...] = () if query_logger is None else (query_logger,)
        self._driver: SqlDriver | None = None
        self._pool: ConnectionPool | None = None
        self._runner: Runner | None = None
        self._changing = asyncio.Lock()
        self._keys: dict[str, str | None] = {}

    def resolve(self) -> SqlBackendSpec:
        """Find the backend that the URL names. Reads the metadata of distributions, so it is called off the loop.

        Raises:
            PluginNotFoundError: No installed distribution offers the scheme.
            ConfigurationError: The URL asks for a driver that the backend does not use.
        """
        if self._spec is None:
            spec = SQL_BACKENDS.load(self._url.backend)
            if self._url.driver is not None and self._url.driver not in spec.drivers:
                known = ", ".join(sorted(spec.drivers))
                raise ConfigurationError(
                    f"{self._url.scheme}+{self._url.driver} is not offered; {spec.name} uses {known}",
                    hint=f"Write {self._url.scheme}:// or {self._url.scheme}+{known}://.",
                )
            self._spec = spec
        return self._spec

    @property
    def spec(self) -> SqlBackendSpec:
        """The backend."""
        return self._spec or self.resolve()

    def __repr__(self) -> str:
        state = "connected" if self._runner is not None else "not connected"
        return f"<{type(self).__name__} {self.config.name!r} at {self._url}, {state}>"

    # Opening and closing

    @property
    def name(self) -> str:
        """Name of the database in the configuration."""
        return self.config.name

    @property
    def url(self) -> str:
        """Where it is, with the password hidden."""
        return str(self._url)

    @property
    def database_type(self) -> str:
        """Name of the backend, such as ``postgres``."""
        return self.spec.name

    @property
    def dialect(self) -> SQLDialect:
        """The SQL it speaks."""
        return self.spec.dialect

    async def connect(self) -> None:
        """Open the connections. Connecting twice does nothing.

        Raises:
            ConfigurationError: The password is a well-known one, and this is production.
            DatabaseConnectionError: The database cannot be reached.
        """
        async with self._changing:
            if self._runner is not None:
                return
            refuse_weak_password(self._url, self.config.name)
            spec = await asyncio.to_thread(self.resolve)
            driver = await asyncio.to_thread(spec.make, self._url, self.config)  # it imports the SDK
            pool = ConnectionPool(driver, self.config, readers=not self._url.in_memory, backend=self.spec.name)
            try:
                await pool.initialize()
            except BaseException as error:
                await driver.close()
                if isinstance(error, DatabaseError) or not isinstance(error, Exception):
                    raise
                translated = driver.classify(error) or DatabaseConnectionError(
                    f"connecting to {self.config.name!r} failed: {type(error).__name__}", backend=self.spec.name
                )
                raise translated from error
            limit = self.config.operations.statement_timeout.total_seconds
            self._driver, self._pool = driver, pool
            self._runner = Runner(
                self,
                driver,
                pool,
                backend=self.spec.name,
                timeout=limit or None,
                mask=ParameterMask(self.config.operations.mask_columns, spec.dialect),
            )
            self._runner.loggers = self._loggers
        await self._tell(ACQUIRED, SQLConnectionReadyHook(backend=self.spec.name))

    async def disconnect(self) -> None:
        """Close the connections, waiting a while for those in use. Disconnecting twice does nothing."""
        async with self._changing:
            driver, pool = self._driver, self._pool
            self._driver = self._pool = self._runner = None
            self._keys.clear()
            if pool is not None:
                await pool.shutdown()
            if driver is not None:
                await driver.close()
            if self._own_logger is not None:
                self._own_logger.close()

    boot = connect
    shutdown = disconnect

    async def __aenter__(self) -> Self:
        await self.connect()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.disconnect()

    async def is_connected(self) -> bool:
        """True between a successful connect and disconnect."""
        return self._runner is not None

    @property
    def runner(self) -> Runner:
        """What runs the statements.

        Raises:
            DatabaseConnectionError: The database is not connected.
        """
        if self._runner is None:
            raise self._not_connected()
        return self._runner

    def get_primary_pool(self) -> ConnectionPool:
        """The pool of this database.

        Raises:
            DatabaseConnectionError: The database is not connected.
        """
        if self._pool is None:
            raise self._not_connected()
        return self._pool

    def _not_connected(self) -> DatabaseConnectionError:
        return DatabaseConnectionError(
            f"the database {self.config.name!r} is not connected",
            hint="Await db.connect() first, or use `async with db:`.",
            backend=self._url.backend,
            retryable=False,
        )

    async def evict_dead_connections(self) -> int:
        """Try the idle connections, close the dead ones, and return how many were dead."""
        return await self.get_primary_pool().validate_connections()

    def set_hook_registry(self, hooks: HookRegistryProtocol | None) -> None:
        """Choose who is told of connections and transactions."""
        self._hooks = hooks

    def add_query_logger(self, logger: QueryLoggerProtocol) -> None:
        """Tell one more logger of every statement."""
        self._loggers = (*self._loggers, logger)
        if self._runner is not None:
            self._runner.loggers = self._loggers

    async def _tell(self, hook: str, payload: Any) -> None:
        if self._hooks is not None:
            await self._hooks.call_action(hook, payload=payload)

    # Statements

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

    def stream_compiled(self, statement: Statement, params: Sequence[Any], batch_size: int) -> AsyncGenerator[Records]:
        """Run a query that is compiled already, with a cursor at the server."""
        return self.runner.stream(statement, params, batch_size)

    # Connections and transactions

    async def borrow(self, *, task: asyncio.Task[Any] | None, read_only: bool = False) -> Lease:
        """Take a connection for a while; :meth:`give_back` ends it.

        Args:
            task: The task that holds it; None for one that is passed from hand to hand.
            read_only: True for one that will not write.
        """
        _ = self.runner
        pool = self.get_primary_pool().pool_for(read_only=read_only)
        connection = pool.acquire_idle()
        if connection is None:
            try:
                connection = await pool.acquire()
            except Exception as error:
                translated = self.runner.translate(error)
                if translated is error:
                    raise
                raise translated from error
        return Lease(self, connection, pool, task)

    async def give_back(self, lease: Lease) -> None:
        """Return what :meth:`borrow` took."""
        lease.owner = None
        lease.give_back()

    @asynccontextmanager
    async def transaction(
        self, isolation_level: IsolationLevel | str | None = None, *, read_only: bool = False
    ) -> AsyncGenerator[HeldConnection]:
        """A transaction that every operation of the same task joins: commits on a clean exit, else rolls back.

        One inside another is a savepoint.

        Args:
            isolation_level: What it sees of others; None for the database's default.
            read_only: True for one that will not write.

        Raises:
            SerializationError: Another transaction was first; run the block again.
        """
        level = parse_isolation(isolation_level)
        lease = current_lease(self)
        if lease is not None:
            async with self._transaction_on(lease, level, read_only) as held:
                yield held
            return
        async with self._holding(read_only) as lease, self._transaction_on(lease, level, read_only) as held:
            yield held

    @asynccontextmanager
    async def _holding(self, read_only: bool = False) -> AsyncGenerator[Lease]:
        """A connection that the running task holds."""
        lease = await self.borrow(task=asyncio.current_task(), read_only=read_only)
        token = hold(lease)
        try:
            yield lease
        finally:
            let_go(lease, token)
            lease.give_back()

    @asynccontextmanager
    async def _transaction_on(
        self, lease: Lease, level: IsolationLevel | None, read_only: bool
    ) -> AsyncGenerator[HeldConnection]:
        scope = TransactionScope(lease, level, read_only=read_only)
        try:
            await scope.begin()
        except Exception as error:
            translated = self.runner.translate(error)
            if translated is error:
                raise
            raise translated from error
        outermost = lease.level == 1
        if outermost:
            await self._tell(BEGUN, SQLTransactionBegunHook())
        held = HeldConnection(self, lease)
        try:
            yield held
        except BaseException as error:
            await scope.end(error)
            raise
        else:
            await self._commit(scope)
        finally:
            held.ended()
            if outermost:
                await self._tell(ENDED, SQLTransactionEndedHook(committed=scope.committed is True))

    async def _commit(self, scope: TransactionScope) -> None:
        try:
            await scope.end(None)
        except Exception as error:
            translated = self.runner.translate(error, "COMMIT")
            if translated is error:
                raise
            raise translated from error

    def session(self, isolation_level: IsolationLevel | str | None = None) -> DbSession:
        """A session, whose transaction begins with its first statement; see :mod:`lexigram.sql.sessions.session`."""
        return DbSession(self, isolation_level)

    @asynccontextmanager
    async def scoped_context(self) -> AsyncGenerator[HeldConnection]:
        """One connection for every operation of the same task inside the block."""
        lease = current_lease(self)
        if lease is not None:
            yield HeldConnection(self, lease)
            return
        async with self._holding() as lease:
            held = HeldConnection(self, lease)
            try:
                yield held
            finally:
                held.ended()

    def get_scoped_connection(self) -> HeldConnection | None:
        """The connection of the transaction or scope that the task is in, or None."""
        lease = current_lease(self)
        return None if lease is None else HeldConnection(self, lease)

    async def acquire(self) -> HeldConnection:
        """Borrow a connection; give it back with :meth:`release`. Operations of the task do not join it."""
        return HeldConnection(self, await self.borrow(task=None))

    async def release(self, connection: Any) -> None:
        """Give a borrowed connection back. Giving it back twice does nothing.

        Raises:
            TransactionError: It did not come from :meth:`acquire`.
        """
        if not isinstance(connection, HeldConnection):
            raise TransactionError(
                f"release() takes what acquire() gave, not {type(connection).__name__}", hint="Pass that object."
            )
        await connection.close()

    async def begin_transaction(self) -> None:
        """Begin a transaction for the task that runs; :meth:`transaction` is safer.

        Inside another one it is a savepoint.
        """
        lease = current_lease(self)
        if lease is None:
            lease = await self.borrow(task=asyncio.current_task())
            hold(lease)
            lease.by_hand = []
        if lease.by_hand is None:
            lease.by_hand = []
            lease.keeps = True
        scope = TransactionScope(lease)
        try:
            await scope.begin()
        except BaseException:
            self._let_go_by_hand(lease)
            raise
        lease.by_hand.append(scope)

    async def commit_transaction(self) -> None:
        """Make the changes of the transaction lasting that :meth:`begin_transaction` began.

        Raises:
            TransactionError: There is none.
        """
        await self._end_by_hand(None)

    async def rollback_transaction(self) -> None:
        """Undo the changes of the transaction that :meth:`begin_transaction` began.

        Raises:
            TransactionError: There is none.
        """
        await self._end_by_hand(TransactionError("rolled back"))

    async def _end_by_hand(self, error: BaseException | None) -> None:
        lease = current_lease(self)
        if lease is None or not lease.by_hand:
            raise TransactionError(
                "this task has begun no transaction by hand", hint="Call begin_transaction() first, in the same task."
            )
        scope = lease.by_hand.pop()
        try:
            if error is None:
                await self._commit(scope)
            else:
                await scope.end(error)
        finally:
            self._let_go_by_hand(lease)

    def _let_go_by_hand(self, lease: Lease) -> None:
        if not lease.by_hand and not lease.keeps:
            lease.owner = lease.task = None
            lease.give_back()

    # Health

    async def health_check(self, timeout: float = 5.0) -> HealthCheckResult:
        """Whether the database answers within *timeout* seconds, how fast, and the pool's figures. Never raises."""
        if self._pool is None or self._driver is None:
            return HealthCheckResult(
                component=f"database:{self.config.name}",
                status=HealthStatus.UNHEALTHY,
                message="the database is not connected",
                error="not_connected",
            )
        facts = dict(self._driver.describe())
        result = await self._pool.health_check(timeout)
        return replace(result, details={**result.details, **facts})

    async def get_pool_stats(self) -> dict[str, int | float]:
        """Figures about the connections; see :meth:`ConnectionPool.get_pool_stats`."""
        return await self.get_primary_pool().get_pool_stats()

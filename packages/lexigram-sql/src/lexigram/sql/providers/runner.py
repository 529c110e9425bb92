"""Runs statements: on the connection that the task holds, or on one lent for this statement alone.

This is where every statement passes, so three things happen here and nowhere else: the driver's errors become ours, the
loggers are told, and a connection goes back to its pool.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import aclosing
from typing import Any, Protocol, TypeVar

from lexigram.contracts.data.sql.query_log import QueryLogEntry, QueryLoggerProtocol
from lexigram.contracts.observability.tracing import TracerProtocol
from lexigram.sql.driver import Executed, FetchesMany, Records, SqlConnection, SqlDriver, Statement
from lexigram.sql.exceptions import (
    DatabaseConnectionError,
    DatabaseError,
    DatabaseTimeoutError,
    DriverError,
    TransactionRollbackError,
)
from lexigram.sql.logs.masking import ParameterMask
from lexigram.sql.observing.metrics import operation_of
from lexigram.sql.observing.resilience import DatabaseResilienceHandler
from lexigram.sql.pool.pool import Pool
from lexigram.sql.pool.split import ConnectionPool
from lexigram.sql.transactions.lease import Lease, current_lease

__all__ = ["LogContext", "Runner"]

R = TypeVar("R")

Call = Callable[[SqlConnection, Statement, Sequence[Any], float | None], Awaitable[R]]


class LogContext(Protocol):
    """Who a statement runs for."""

    def __call__(self) -> dict[str, str | None]:
        """The keys ``user_id``, ``request_id`` and ``trace_id``, as far as they are known."""
        ...


class Runner:
    """Runs the statements of one database.

    Args:
        owner: The service, by which leases are found.
        driver: Classifies errors.
        pool: Lends connections.
        backend: Name of the backend, for errors.
        timeout: Seconds that a statement may take; None for no limit.
        mask: Hides parameters in logs and errors.
    """

    def __init__(
        self,
        owner: object,
        driver: SqlDriver,
        pool: ConnectionPool,
        *,
        backend: str,
        timeout: float | None,
        mask: ParameterMask,
    ) -> None:
        self._owner = owner
        self._driver = driver
        self._pool = pool
        self._backend = backend
        self._timeout = timeout
        self._mask = mask
        self.figures = pool.queries
        self.loggers: tuple[QueryLoggerProtocol, ...] = ()
        self.tracer: TracerProtocol | None = None
        self.resilience: DatabaseResilienceHandler | None = None
        self.log_context: LogContext | None = None

    async def fetch(
        self,
        statement: Statement,
        params: Sequence[Any],
        lease: Lease | None = None,
        timeout: float | None = None,  # noqa: ASYNC109 - the driver ends the statement
    ) -> Records:
        """Run a statement and return its rows."""
        lease = lease or current_lease(self._owner)
        if lease is not None:
            return await self._on_lease(_fetch, lease, statement, params, timeout or self._timeout)
        return await self._alone(_fetch, statement, params, timeout or self._timeout)

    async def execute(
        self,
        statement: Statement,
        params: Sequence[Any],
        lease: Lease | None = None,
        timeout: float | None = None,  # noqa: ASYNC109 - see fetch
    ) -> Executed:
        """Run a statement and return what it did."""
        lease = lease or current_lease(self._owner)
        if lease is not None:
            return await self._on_lease(_execute, lease, statement, params, timeout or self._timeout)
        return await self._alone(_execute, statement, params, timeout or self._timeout)

    async def execute_many(
        self, statement: Statement, rows: Sequence[Sequence[Any]], lease: Lease | None = None
    ) -> int:
        """Run a statement for each row of parameters, all or none."""
        lease = lease or current_lease(self._owner)
        if lease is not None:
            return await self._on_lease(_execute_many, lease, statement, rows, self._timeout)
        return await self._alone(_execute_many, statement, rows, self._timeout)

    async def fetch_many(self, statement: Statement, rows: Sequence[Sequence[Any]]) -> Records | None:
        """Run an insert for each row of parameters, all or none, and return what it returns; None if no way."""
        lease = current_lease(self._owner)
        if lease is not None:
            return await self._on_lease(_fetch_many, lease, statement, rows, self._timeout)
        return await self._alone(_fetch_many, statement, rows, self._timeout)

    async def stream(
        self, statement: Statement, params: Sequence[Any], batch_size: int, lease: Lease | None = None
    ) -> AsyncGenerator[Records]:
        """Run a query with a cursor at the server. The connection is held until the generator is closed.

        The limit on time holds for each batch.
        """
        lease = lease or current_lease(self._owner)
        if lease is not None:
            self._check(lease)
            clean = lease.clean and statement.keeps_session
            lease.clean = clean and lease.in_transaction
            try:
                async with aclosing(self._batches(lease.connection, lease, statement, params, batch_size)) as batches:
                    async for batch in batches:
                        yield batch
            except GeneratorExit:
                lease.clean = clean
                raise
            lease.clean = clean
            return
        pool = self._pool.pool_for(read_only=statement.read_only)
        connection = await self._lent(pool)
        clean = False
        try:
            async with aclosing(self._batches(connection, None, statement, params, batch_size)) as batches:
                async for batch in batches:
                    yield batch
            clean = statement.keeps_session
        except GeneratorExit:
            clean = statement.keeps_session  # left early, and the cursor is closed
            raise
        finally:
            # Where it was cancelled, its transaction may have been anywhere.
            pool.release(connection, clean=clean)

    async def _batches(
        self, connection: SqlConnection, lease: Lease | None, statement: Statement, params: Sequence[Any], size: int
    ) -> AsyncGenerator[Records]:
        started = time.perf_counter()
        failure: BaseException | None = None
        try:
            async with aclosing(connection.stream(statement, params, size, self._timeout)) as batches:
                async for batch in batches:
                    yield batch
        except GeneratorExit:
            raise
        except BaseException as error:
            failure = self.translate(error, statement.sql, params, self._timeout)
            if failure is error:
                raise
            raise failure from error
        finally:
            self.figures.statements += 1
            self.figures.failures += failure is not None
            if self.loggers:
                self._note(statement, params, time.perf_counter() - started, failure, connection, lease)

    async def _lent(self, pool: Pool) -> SqlConnection:
        try:
            return pool.acquire_idle() or await pool.acquire()
        except (DatabaseError, asyncio.CancelledError):
            raise
        except Exception as error:
            translated = self._driver.classify(error)
            raise translated or self._unknown(error, connecting=True) from error

    async def _alone(
        self,
        run: Call[R],
        statement: Statement,
        params: Sequence[Any],
        timeout: float | None,  # noqa: ASYNC109 - see fetch
    ) -> R:
        """Run a statement on a connection lent for it."""
        if self.resilience is not None and statement.read_only:
            return await self.resilience.execute("read", self._once, run, statement, params, timeout)
        return await self._once(run, statement, params, timeout)

    async def _once(
        self,
        run: Call[R],
        statement: Statement,
        params: Sequence[Any],
        timeout: float | None,  # noqa: ASYNC109 - see fetch
    ) -> R:
        pool = self._pool.pool_for(read_only=statement.read_only)
        connection = pool.acquire_idle() or await self._lent(pool)
        clean = statement.keeps_session
        try:
            return await self._run(run, connection, None, statement, params, timeout)
        except DatabaseError:
            raise
        except BaseException:
            clean = False  # a cancelled statement may have been anywhere
            raise
        finally:
            pool.release(connection, clean=clean)

    async def _on_lease(
        self,
        run: Call[R],
        lease: Lease,
        statement: Statement,
        params: Sequence[Any],
        timeout: float | None,  # noqa: ASYNC109 - see fetch
    ) -> R:
        """Run a statement on a connection that is held."""
        self._check(lease)
        if not statement.keeps_session:
            lease.clean = False
        try:
            return await self._run(run, lease.connection, lease, statement, params, timeout)
        except asyncio.CancelledError:
            # It may have been anywhere; what it did in a transaction is undone with that.
            lease.clean = lease.clean and lease.in_transaction
            raise

    @staticmethod
    def _check(lease: Lease) -> None:
        if lease.failed is not None or not lease.connection.is_alive:
            raise TransactionRollbackError(
                "the connection of this transaction is lost, and with it what the transaction did",
                hint="Let the error leave the transaction's block, and run the whole block again.",
                retryable=True,
                cause=lease.failed,
            )

    async def _run(
        self,
        run: Call[R],
        connection: SqlConnection,
        lease: Lease | None,
        statement: Statement,
        params: Sequence[Any],
        timeout: float | None,  # noqa: ASYNC109 - see fetch
    ) -> R:
        self.figures.statements += 1
        if self.tracer is not None:
            return await self._traced(run, connection, lease, statement, params, timeout)
        if not self.loggers:
            try:
                return await run(connection, statement, params, timeout)
            except DatabaseError:
                self.figures.failures += 1
                raise
            except Exception as error:
                self.figures.failures += 1
                raise self._told(error, connection, statement, params, timeout) from error
        return await self._noted(run, connection, lease, statement, params, timeout)

    async def _traced(
        self,
        run: Call[R],
        connection: SqlConnection,
        lease: Lease | None,
        statement: Statement,
        params: Sequence[Any],
        timeout: float | None,  # noqa: ASYNC109 - see fetch
    ) -> R:
        """Run a statement inside a span, whose attributes are those of OpenTelemetry's conventions; no values."""
        assert self.tracer is not None  # noqa: S101 - asked by the caller
        operation = operation_of(statement.sql)
        attributes = {"db.system.name": self._backend, "db.operation.name": operation, "db.query.text": statement.sql}
        with self.tracer.start_span(f"{operation} {self._backend}", attributes) as span:
            try:
                return await self._noted(run, connection, lease, statement, params, timeout)
            except BaseException as error:
                span.record_exception(error)
                span.set_status("error", type(error).__name__)
                raise

    async def _noted(
        self,
        run: Call[R],
        connection: SqlConnection,
        lease: Lease | None,
        statement: Statement,
        params: Sequence[Any],
        timeout: float | None,  # noqa: ASYNC109 - see fetch
    ) -> R:
        """Run a statement, and tell the loggers of it."""
        started = time.perf_counter()
        failure: BaseException | None = None
        try:
            return await run(connection, statement, params, timeout)
        except Exception as error:
            failure = self._told(error, connection, statement, params, timeout)
            if failure is error:
                raise
            raise failure from error
        except BaseException as error:
            failure = error
            raise
        finally:
            self.figures.failures += failure is not None
            self._note(statement, params, time.perf_counter() - started, failure, connection, lease)

    def _told(
        self,
        error: Exception,
        connection: SqlConnection,
        statement: Statement,
        params: Sequence[Any],
        timeout: float | None,
    ) -> BaseException:
        """The error to raise for what a statement raised, which may be that its connection was lost meanwhile."""
        translated = self.translate(error, statement.sql, params, timeout)
        if isinstance(translated, DriverError) and not connection.is_alive:
            return DatabaseConnectionError(f"the connection was lost: {type(error).__name__}", backend=self._backend)
        return translated

    def translate(
        self,
        error: BaseException,
        sql: str | None = None,
        params: Any = None,
        timeout: float | None = None,
    ) -> BaseException:
        """The error to raise for what a driver raised.

        Args:
            error: What was raised.
            sql: The statement.
            params: Its parameters; only the masked ones stay with the error.
            timeout: Seconds that it was allowed.
        """
        if isinstance(error, DatabaseError | asyncio.CancelledError) or not isinstance(error, Exception):
            return error
        if timeout is not None and type(error) is TimeoutError:
            return DatabaseTimeoutError(
                f"the statement took longer than {timeout:g} s",
                hint="Make it faster, or raise operations.statement_timeout.",
                timeout=timeout,
                backend=self._backend,
            )
        translated = self._driver.classify(error, sql) or self._unknown(error)
        if params and "params" in translated.__dict__ and sql is not None:
            translated.__dict__["params"] = self._mask.apply(sql, params)
        return translated

    def _unknown(self, error: Exception, *, connecting: bool = False) -> DatabaseError:
        # The text of an unknown error may hold anything, a password included.
        name = type(error).__name__
        if connecting or isinstance(error, OSError):
            return DatabaseConnectionError(f"the database cannot be reached: {name}", backend=self._backend)
        return DriverError(f"the driver failed: {name}", backend=self._backend)

    def _note(
        self,
        statement: Statement,
        params: Sequence[Any],
        seconds: float,
        failure: BaseException | None,
        connection: SqlConnection,
        lease: Lease | None,
    ) -> None:
        """Tell the loggers of a statement."""
        who = self.log_context() if self.log_context is not None else {}
        entry = QueryLogEntry(
            sql=statement.sql,
            params=self._mask.apply(statement.sql, params),
            execution_time=seconds,
            success=failure is None,
            error_message=None if failure is None else getattr(failure, "message", type(failure).__name__),
            connection_id=f"{id(connection):x}",
            transaction_id=None if lease is None else lease.transaction_id,
            user_id=who.get("user_id"),
            request_id=who.get("request_id"),
            trace_id=who.get("trace_id"),
        )
        for logger in self.loggers:
            logger.log_query(entry)


def _fetch(
    connection: SqlConnection, statement: Statement, params: Sequence[Any], limit: float | None
) -> Awaitable[Records]:
    return connection.fetch(statement, params, limit)


def _execute(
    connection: SqlConnection, statement: Statement, params: Sequence[Any], limit: float | None
) -> Awaitable[Executed]:
    return connection.execute(statement, params, limit)


async def _fetch_many(
    connection: SqlConnection, statement: Statement, params: Sequence[Any], limit: float | None
) -> Records | None:
    return await connection.fetch_many(statement, params, limit) if isinstance(connection, FetchesMany) else None


def _execute_many(
    connection: SqlConnection, statement: Statement, params: Sequence[Any], limit: float | None
) -> Awaitable[int]:
    return connection.execute_many(statement, params, limit)

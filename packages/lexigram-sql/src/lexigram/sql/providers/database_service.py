"""The database that an application holds.

One class serves every backend: placeholders, pools, transactions, sessions, time limits, logs and errors are its work,
on top of a small :class:`~lexigram.sql.driver.SqlDriver`. It opens and closes in
:mod:`~lexigram.sql.providers.opening`, runs statements in :mod:`~lexigram.sql.providers.statements`, and holds
connections and transactions for the tasks that use it here.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from functools import partial
from typing import Any, Self

from lexigram.contracts.data.sql.database import (
    IsolationLevel,
)
from lexigram.sql.backend import SQL_BACKENDS, SqlBackendSpec
from lexigram.sql.config import DatabaseConfig
from lexigram.sql.exceptions import TransactionError
from lexigram.sql.hooks import BEGUN, ENDED, SQLTransactionBegunHook, SQLTransactionEndedHook
from lexigram.sql.providers.tables import Tables
from lexigram.sql.sessions.connection import HeldConnection
from lexigram.sql.sessions.session import DbSession
from lexigram.sql.transactions.block import TransactionBlock
from lexigram.sql.transactions.lease import Lease, current_lease, hold, let_go
from lexigram.sql.transactions.transaction import TransactionScope, parse_isolation

__all__ = ["DatabaseService"]


class DatabaseService(Tables):
    """Tables in one database. Implements ``DatabaseProviderProtocol``.

    Args:
        config: The configuration or a URL; a database in memory when missing.
        query_logger: Told of every statement; with ``echo`` and without a logger, they go to Python's logging.
        hooks: Told of connections and transactions.
        tracer: Puts each statement into a span.
        metrics: Told how long each statement took.
    """

    @classmethod
    def from_config(cls, config: DatabaseConfig | str, **options: Any) -> Self:
        """The database of a configuration or a URL.

        Args:
            config: Which.
            **options: Further arguments of the constructor.
        """
        return cls(config, **options)

    @classmethod
    def register_driver(cls, name: str, loader: Callable[[], SqlBackendSpec] | SqlBackendSpec) -> Callable[[], None]:
        """Offer a backend in this process, without packaging; see :mod:`lexigram.sql.backend`.

        Args:
            name: The scheme of its URLs.
            loader: What it is, or a function that tells.

        Returns:
            A function that takes it back.
        """
        return SQL_BACKENDS.register(name, loader if isinstance(loader, SqlBackendSpec) else loader())

    @classmethod
    def get_driver_loader(cls, name: str) -> Callable[[], SqlBackendSpec]:
        """A function that loads a backend by its name; it raises PluginNotFoundError where there is none."""
        return partial(SQL_BACKENDS.load, name)

    @asynccontextmanager
    async def get_connection(self) -> AsyncGenerator[HeldConnection]:
        """A connection of its own inside the block. Operations of the task do not join it."""
        connection = await self.acquire()
        try:
            yield connection
        finally:
            await connection.close()

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

    def transaction(
        self, isolation_level: IsolationLevel | str | None = None, *, read_only: bool = False
    ) -> AbstractAsyncContextManager[HeldConnection]:
        """A transaction that every operation of the same task joins: commits on a clean exit, else rolls back.

        One inside another is a savepoint.

        Args:
            isolation_level: What it sees of others; None for the database's default.
            read_only: True for one that will not write.

        Raises:
            SerializationError: Another transaction was first; run the block again.
        """
        return TransactionBlock(self, parse_isolation(isolation_level), read_only)

    async def begin_scope(self, scope: TransactionScope) -> None:
        """Begin a transaction on a connection that is held, and tell of it where it is the outermost.

        Without success nothing is left to be ended.
        """
        try:
            await scope.begin()
        except Exception as error:
            translated = self.runner.translate(error)
            if translated is error:
                raise
            raise translated from error
        if scope.is_outermost:
            try:
                await self.tell(BEGUN, SQLTransactionBegunHook())
            except BaseException as error:
                await scope.end(error)
                raise

    async def end_scope(self, scope: TransactionScope, error: BaseException | None) -> None:
        """End what :meth:`begin_scope` began: make it lasting without an error, else undo it."""
        try:
            await scope.end(error)
        except Exception as failure:
            translated = self.runner.translate(failure, "COMMIT")
            if translated is failure:
                raise
            raise translated from failure
        finally:
            if scope.is_outermost:
                await self.tell(ENDED, SQLTransactionEndedHook(committed=scope.committed is True))

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
        lease = await self.borrow(task=asyncio.current_task())
        token = hold(lease)
        held = HeldConnection(self, lease)
        try:
            yield held
        finally:
            held.ended()
            let_go(lease, token)
            lease.give_back()

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
            await self.begin_scope(scope)
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
            await self.end_scope(scope, error)
        finally:
            self._let_go_by_hand(lease)

    def _let_go_by_hand(self, lease: Lease) -> None:
        if not lease.by_hand and not lease.keeps:
            lease.owner = lease.task = None
            lease.give_back()

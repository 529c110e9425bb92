"""Begins, nests and ends transactions.

The outermost is the database's own transaction; one inside another is a savepoint. It commits when its block ends
without an error, and rolls back on any other way out, a cancellation included. The ends are waited for even when the
task is cancelled meanwhile: an answer that is on its way is not left half read, and a connection never goes back to
its pool with a transaction open.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from functools import partial
from typing import Any, TypeVar

from lexigram.contracts.data.sql.database import IsolationLevel
from lexigram.sql.exceptions import TransactionError, TransactionRollbackError
from lexigram.sql.transactions.lease import Lease

__all__ = ["TransactionScope", "finished", "parse_isolation"]

R = TypeVar("R")


def parse_isolation(level: IsolationLevel | str | None) -> IsolationLevel | None:
    """Read an isolation level; ``read committed``, ``READ_COMMITTED`` and ``read-committed`` are the same.

    Raises:
        TransactionError: There is no such level.
    """
    if level is None or isinstance(level, IsolationLevel):
        return level
    try:
        return IsolationLevel(str(level).strip().upper().replace("_", " ").replace("-", " "))
    except ValueError as error:
        known = ", ".join(IsolationLevel)
        raise TransactionError(f"there is no isolation level {level!r}", hint=f"Use one of: {known}.") from error


async def finished(work: Awaitable[R]) -> R:
    """Wait for *work* to its end, even when the waiting task is cancelled; the cancellation is raised afterwards."""
    task = asyncio.ensure_future(work)
    cancelled: asyncio.CancelledError | None = None
    while not task.done():
        # As asyncio.wait() does it for many, at half the cost.
        waiter: asyncio.Future[None] = task.get_loop().create_future()
        wake = partial(_wake, waiter)
        task.add_done_callback(wake)
        try:
            await waiter
        except asyncio.CancelledError as error:
            cancelled = error
            task.remove_done_callback(wake)
    if cancelled is not None:
        if not task.cancelled():
            task.exception()  # taken note of, or asyncio would log that nobody did
        raise cancelled
    return task.result()


def _wake(waiter: asyncio.Future[None], done: asyncio.Future[Any]) -> None:
    del done
    if not waiter.done():
        waiter.set_result(None)


class TransactionScope:
    """One transaction, or one savepoint inside it, from begin to end.

    Args:
        lease: The connection.
        isolation: What it sees of others; None for the database's default.
        read_only: True for one that will not write.
    """

    def __init__(self, lease: Lease, isolation: IsolationLevel | None = None, *, read_only: bool = False) -> None:
        self._lease = lease
        self._isolation = isolation
        self._read_only = read_only
        self._savepoint = lease.savepoint_name() if lease.level else None
        self.committed: bool | None = None

    @property
    def is_outermost(self) -> bool:
        """False for a savepoint."""
        return self._savepoint is None

    async def begin(self) -> None:
        """Begin it.

        Raises:
            TransactionError: An isolation level was asked for inside another transaction, or the outer one has failed.
        """
        lease = self._lease
        if self._savepoint is None:
            clean, lease.clean = lease.clean, False  # whoever is cancelled here does not know what the server has begun
            await lease.connection.begin(self._isolation, self._read_only)
            lease.clean = clean
            lease.begin_numbering()
        else:
            if self._isolation is not None:
                raise TransactionError(
                    "a transaction inside another is a savepoint, and cannot have an isolation level of its own",
                    hint="Ask for it in the outermost transaction.",
                )
            await lease.connection.savepoint(self._savepoint)
        lease.level += 1

    async def end(self, error: BaseException | None) -> None:
        """End it: commit without an error, else roll back.

        Raises:
            DatabaseError: Committing failed; the transaction is rolled back then.
        """
        lease = self._lease
        lease.level -= 1
        if error is None:
            try:
                await finished(self._commit())
            except BaseException:
                if self.committed is None:
                    await self._undo()
                raise
        else:
            await self._undo()
        if lease.level == 0:
            lease.transaction_id = None

    async def _commit(self) -> None:
        connection = self._lease.connection
        if not connection.is_alive:
            raise TransactionRollbackError(
                "the connection of this transaction was lost before it could be committed",
                hint="Run the whole block again.",
                retryable=True,
                cause=self._lease.failed,
            )
        if self._savepoint is not None:
            await connection.release_savepoint(self._savepoint)
        else:
            await connection.commit()
        self.committed = True

    async def _undo(self) -> None:
        self.committed = False
        connection = self._lease.connection
        if not connection.is_alive:
            return
        try:
            if self._savepoint is not None:
                await finished(connection.rollback_to_savepoint(self._savepoint))
            else:
                await finished(connection.rollback())
        except asyncio.CancelledError:
            raise
        except Exception as failure:  # noqa: BLE001 - the error that led here is the one to tell
            # What cannot be undone in order is undone by the server when the connection goes.
            self._lease.failed = failure
            connection.terminate()

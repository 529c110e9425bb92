"""Who holds which connection: one for each task and database, found by a ContextVar.

A task that opens a transaction holds its connection until the end, and every operation of that task joins it. A task
that is started meanwhile (``create_task``, ``gather``, ``TaskGroup``) inherits the variable but not the connection: it
is recognised by not being the task that the lease belongs to, and takes a connection of its own. So two tasks never
share one by accident; to hand a connection on, pass the object that ``transaction()`` gave.
"""

from __future__ import annotations

import asyncio
import itertools
from contextvars import ContextVar, Token
from typing import TYPE_CHECKING, Any

from lexigram.sql.driver import SqlConnection
from lexigram.sql.pool.pool import Pool

if TYPE_CHECKING:
    from lexigram.sql.transactions.transaction import TransactionScope

__all__ = ["Lease", "current_lease"]

_numbers = itertools.count(1)


class Lease:
    """A connection that is held for a while.

    Args:
        owner: The service that it belongs to.
        connection: The connection.
        pool: Where it goes back to.
        task: The task that holds it; None for one that is passed from hand to hand.

    Attributes:
        level: How many transactions are open on it, one inside another.
        clean: False once something ran that may have left its mark on the server's session.
        failed: The error that ended the transaction at the server, or that could not be undone.
        transaction_id: Number of the transaction in logs; None outside.
        by_hand: The transactions that were begun without a block; None when none ever was.
        keeps: True when the connection outlives them, since a block holds it.
    """

    __slots__ = (
        "by_hand",
        "clean",
        "connection",
        "failed",
        "keeps",
        "level",
        "outer",
        "owner",
        "pool",
        "task",
        "transaction_id",
    )

    def __init__(self, owner: object, connection: SqlConnection, pool: Pool, task: asyncio.Task[Any] | None) -> None:
        self.owner = owner
        self.connection = connection
        self.pool = pool
        self.task = task
        self.outer: Lease | None = None
        self.level = 0
        self.clean = True
        self.failed: BaseException | None = None
        self.transaction_id: str | None = None
        self.by_hand: list[TransactionScope] | None = None
        self.keeps = False

    @property
    def in_transaction(self) -> bool:
        """True while a transaction is open on it."""
        return self.level > 0

    def begin_numbering(self) -> None:
        """Give the transaction that begins its number."""
        self.transaction_id = f"tx-{next(_numbers)}"

    def savepoint_name(self) -> str:
        """The name of the savepoint of the current level."""
        return f"lexigram_{self.level}"

    def give_back(self) -> None:
        """Return the connection to its pool; waits for nothing."""
        self.pool.release(self.connection, clean=self.clean and self.failed is None)


_held: ContextVar[Lease | None] = ContextVar("lexigram_sql_lease", default=None)


def current_lease(owner: object) -> Lease | None:
    """The connection of *owner* that the running task holds, or None."""
    lease = _held.get()
    if lease is None:
        return None
    task = asyncio.current_task()
    while lease is not None:
        if lease.owner is owner and lease.task is task:
            return lease
        lease = lease.outer
    return None


def hold(lease: Lease) -> Token[Lease | None]:
    """Let the running task hold a connection."""
    lease.outer = _held.get()
    return _held.set(lease)


def let_go(lease: Lease, token: Token[Lease | None]) -> None:
    """End what :func:`hold` began."""
    # A lease that is over is never found again, wherever the variable still holds it.
    lease.task = None
    lease.owner = None
    try:
        _held.reset(token)
    except ValueError:
        # A generator, such as a test's fixture, may be finished in another context than it began in.
        return

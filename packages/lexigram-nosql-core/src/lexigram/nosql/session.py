"""Sessions and transactions, joined by the task that opened them.

``async with store.transaction():`` makes every operation of that store *in the same task* part of the transaction, so
repositories and services take part without being told. A task started inside (``gather``, ``create_task``, and before
Python 3.12 ``asyncio.wait_for``) inherits the context but is another task: it does not join by itself; pass it the
session explicitly (``session=``) if it should.

A transaction inside a transaction of the same store joins it: there is one commit, at the outermost end. When an inner
block ends with an error that the outer block swallows, the transaction can no longer commit and says so.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

from lexigram.nosql.driver import NO_CALL, Call, SupportsTransactions
from lexigram.nosql.exceptions import TransactionError
from lexigram.nosql.finishing import to_the_end

if TYPE_CHECKING:
    from lexigram.nosql.store import DocumentStore

__all__ = ["Session", "current_session", "open_session", "open_transaction"]

_log = logging.getLogger("lexigram.nosql")

# One variable for all stores, a linked list of open sessions: a variable per store would never be freed.
_current: ContextVar[Session | None] = ContextVar("lexigram_nosql_session", default=None)


class Session:
    """A conversation with one store, held by one task.

    Attributes:
        store: The store it belongs to.
    """

    __slots__ = ("_closed", "_failed", "_native", "_outer", "_task", "store")

    def __init__(self, store: DocumentStore, outer: Session | None) -> None:
        self.store = store
        self._outer = outer
        self._task = asyncio.current_task()
        self._native: Any = None
        self._closed = False
        self._failed = False

    @property
    def in_transaction(self) -> bool:
        """True between the start of a transaction and its end."""
        return self._native is not None

    @property
    def closed(self) -> bool:
        """True once the block that opened the session has ended."""
        return self._closed

    def find(self, store: DocumentStore, task: asyncio.Task[Any] | None) -> Session | None:
        """The innermost open session that *task* holds on *store*, of this one and those around it."""
        session: Session | None = self
        while session is not None:
            if session.store is store and session._task is task and not session._closed:
                return session
            session = session._outer
        return None

    def end(self) -> None:
        """Refuse every further operation."""
        self._closed = True

    def call(self, deadline: float | None = None) -> Call:
        """The circumstances of an operation that runs in this session.

        Raises:
            TransactionError: The session is closed.
        """
        if self._closed:
            raise TransactionError(
                "this session has ended", hint="Use it inside the `async with store.session()` block that opened it."
            )
        if self._native is None:
            return NO_CALL if deadline is None else Call(deadline=deadline)
        return Call(self._native, True, deadline)

    @asynccontextmanager
    async def transaction(self) -> AsyncGenerator[Session]:
        """Run the block as a transaction: commit on a clean exit, roll back on an error or a cancellation.

        Raises:
            UnsupportedFeatureError: The backend has no transactions.
            WriteConflictError: Another writer was first; run the block again.
            TransactionError: The commit failed, or an inner block had failed before.
        """
        if self._native is not None:
            try:
                yield self
            except BaseException:
                self._failed = True
                raise
            return
        driver = self.store.driver
        if not isinstance(driver, SupportsTransactions):
            raise self.store.unsupported("transactions")
        with self.store.translating("transaction"):
            self._native = native = await driver.begin()
        self._failed = False
        try:
            try:
                yield self
            finally:
                self._native = None
            if self._failed:
                raise _inner_failure()  # noqa: TRY301 - it must roll back like any other error
        except BaseException:
            try:
                await to_the_end(driver.rollback(native))
            except Exception:  # noqa: BLE001 - logged; the original error goes on
                # The block's own error says more; a server drops what was never committed.
                _log.exception("rollback on %s failed", self.store.backend)
            raise
        with self.store.translating("transaction"):
            await to_the_end(driver.commit(native))


def _inner_failure() -> TransactionError:
    return TransactionError(
        "a block inside this transaction failed, so it cannot commit",
        hint="Let the error leave the outer block, or run the inner work in a task of its own.",
    )


def current_session(store: DocumentStore) -> Session | None:
    """The session of *store* that the running task has open, or None."""
    session = _current.get()
    return None if session is None else session.find(store, asyncio.current_task())


@asynccontextmanager
async def open_session(store: DocumentStore) -> AsyncGenerator[Session]:
    """Open a session of *store* for the running task, or join the one that is open."""
    session = current_session(store)
    if session is not None:
        yield session
        return
    session = Session(store, _current.get())
    token = _current.set(session)
    try:
        yield session
    finally:
        session.end()
        _current.reset(token)


@asynccontextmanager
async def open_transaction(store: DocumentStore) -> AsyncGenerator[Session]:
    """Open a session of *store* with a transaction, or join the one that is running."""
    async with open_session(store) as session, session.transaction():
        yield session

"""Sessions and transactions, joined by the task that opened them.

``async with store.transaction():`` makes every operation of that store *in the same task* part of the transaction, so
repositories and services take part without being told. A task started inside (``gather``, ``create_task``, and before
Python 3.12 ``asyncio.wait_for``) inherits the context but is another task: it does not join by itself; pass it the
session explicitly (``session=``) if it should.

A transaction inside a transaction of the same store joins it: there is one commit, at the outermost end. As in MongoDB,
an operation that fails aborts its transaction: every further operation in it, and its commit, is refused, also when the
error was swallowed on the way. Indexes and collections cannot be made or dropped in a transaction.

Where the backend's server knows sessions (see :class:`~lexigram.nosql.abilities.SupportsSessions`), each is one of the
server's too, so that reads in it see its own earlier writes on whichever member of a cluster they run.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any
from weakref import WeakSet

from lexigram.nosql.cursor import Cursor
from lexigram.nosql.driver import NO_CALL, Call, Driver, SupportsSessions, SupportsTransactions
from lexigram.nosql.exceptions import NoSQLError, TransactionError
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

    __slots__ = (
        "_closed",
        "_cursors",
        "_driver",
        "_failure",
        "_native",
        "_outer",
        "_owner",
        "_server",
        "_task",
        "store",
    )

    def __init__(self, store: DocumentStore, outer: Session | None) -> None:
        self.store = store
        self._cursors: WeakSet[Cursor] | None = None
        self._outer = outer
        self._task = asyncio.current_task()
        self._owner: asyncio.Task[Any] | None = None
        self._driver: Driver | None = None
        self._native: Any = None
        self._server: Any = None
        self._closed = False
        self._failure: BaseException | None = None

    def __repr__(self) -> str:
        state = "ended" if self._closed else "in a transaction" if self.in_transaction else "open"
        return f"<Session of {self.store.name!r}, {state}>"

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

    async def begin(self) -> None:
        """Start the server's session, where it knows any and the store is connected."""
        driver = self.store.driver if self.store.is_connected() else None
        if isinstance(driver, SupportsSessions):
            with self.store.translating("session"):
                self._server = await driver.begin_session()
            self._driver = driver

    async def end(self) -> None:
        """Refuse every further operation, and end the server's session."""
        self._closed = True
        server, self._server = self._server, None
        driver = self._driver
        if server is not None and isinstance(driver, SupportsSessions):
            try:
                await to_the_end(driver.end_session(server))
            except Exception:  # noqa: BLE001 - logged; what the block did, or its error, matters more
                _log.exception("ending a session on %s failed", self.store.backend)

    def abort(self, error: BaseException) -> None:
        """Let the transaction, if there is one, never commit; *error* is why."""
        if self._native is not None and self._failure is None:
            self._failure = error

    def hold(self, cursor: Cursor) -> None:
        """End a cursor with the transaction, if there is one: what it reads is the transaction's."""
        if self._native is not None:
            if self._cursors is None:
                self._cursors = WeakSet()
            self._cursors.add(cursor)

    async def _end_cursors(self) -> None:
        cursors, self._cursors = self._cursors, None
        for cursor in list(cursors or ()):
            try:
                await cursor.end("the transaction in which this cursor reads has ended")
            except Exception:  # noqa: BLE001 - logged; the transaction's own end matters more
                _log.exception("closing a cursor of a transaction on %s failed", self.store.backend)

    def call(self, deadline: float | None = None) -> Call:
        """The circumstances of an operation that runs in this session.

        Raises:
            TransactionError: The session is closed, its transaction has been aborted, or the store has been
                disconnected since it began.
        """
        if self._closed:
            raise TransactionError(
                "this session has ended", hint="Use it inside the `async with store.session()` block that opened it."
            )
        if self._native is None:
            if self._server is None:
                return NO_CALL if deadline is None else Call(deadline=deadline)
            if self._driver is not self.store.driver:
                raise TransactionError("the store has been disconnected since this session began")
            return Call(self._server, False, deadline)
        if self._failure is not None:
            raise _aborted(self._failure)
        if self._driver is not self.store.driver:
            raise TransactionError("the store has been disconnected since this transaction began")
        return Call(self._native, True, deadline)

    @asynccontextmanager
    async def transaction(self) -> AsyncGenerator[Session]:
        """Run the block as a transaction: commit on a clean exit, roll back on an error or a cancellation.

        A commit that has begun is finished, also when the task is cancelled meanwhile.

        Raises:
            UnsupportedFeatureError: The backend has no transactions.
            WriteConflictError: Another writer was first; run the block again.
            TransactionError: The commit failed, something in the block had failed before, or another task runs a
                transaction in this session.
        """
        if self._native is not None:
            if self._owner is not asyncio.current_task():
                raise TransactionError(
                    "another task runs a transaction in this session", hint="Open a session for each task."
                )
            try:
                yield self
            except BaseException as error:
                self.abort(error)
                raise
            return
        self.call()
        driver = self.store.driver
        if not isinstance(driver, SupportsTransactions):
            raise self.store.unsupported("transactions")
        with self.store.translating("transaction"):
            if self._server is not None and isinstance(driver, SupportsSessions):
                native = await driver.begin_in(self._server)
            else:
                native = await driver.begin()
        self._native, self._driver, self._owner, self._failure = native, driver, asyncio.current_task(), None
        try:
            try:
                yield self
                if self._failure is not None:
                    raise _aborted(self._failure)
                self.call()
            finally:
                self._native = self._owner = None
                if self._cursors is not None:
                    await to_the_end(self._end_cursors())
            with self.store.translating("transaction"):
                await to_the_end(driver.commit(native))
        except BaseException:
            try:
                await to_the_end(driver.rollback(native))
            except Exception:  # noqa: BLE001 - logged; the original error goes on
                # The block's own error says more; a server drops what was never committed.
                _log.exception("rollback on %s failed", self.store.backend)
            raise


def _aborted(failure: BaseException) -> TransactionError:
    error = TransactionError(
        f"this transaction was aborted by an earlier error: {type(failure).__name__}",
        hint="Let the error leave the transaction's block, and run the whole block again.",
        retryable=isinstance(failure, NoSQLError) and failure.retryable,
    )
    return error.with_cause(failure)


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
    await session.begin()
    token = _current.set(session)
    try:
        yield session
    finally:
        # A generator (such as a test's fixture) may be finished in another context than it began in, where the variable
        # was never set; a session that has ended is passed over wherever it still stands.
        with suppress(ValueError):
            _current.reset(token)
        await session.end()


@asynccontextmanager
async def open_transaction(store: DocumentStore) -> AsyncGenerator[Session]:
    """Open a session of *store* with a transaction, or join the one that is running."""
    async with open_session(store) as session, session.transaction():
        yield session

"""``async with db.transaction():``, from the loan of a connection to its return."""

from __future__ import annotations

import asyncio
from contextlib import AbstractAsyncContextManager
from contextvars import Token
from types import TracebackType
from typing import TYPE_CHECKING

from lexigram.contracts.data.sql.database import IsolationLevel
from lexigram.sql.exceptions import TransactionError
from lexigram.sql.sessions.connection import HeldConnection
from lexigram.sql.transactions.lease import Lease, current_lease, hold, let_go
from lexigram.sql.transactions.transaction import TransactionScope

if TYPE_CHECKING:
    from lexigram.sql.providers.database_service import DatabaseService

__all__ = ["TransactionBlock"]


class TransactionBlock(AbstractAsyncContextManager[HeldConnection]):
    """The block of one transaction; a class, since every transaction pays for it.

    Args:
        database: Where.
        level: What it sees of others; None for the database's default.
        read_only: True for one that will not write.
    """

    __slots__ = ("_database", "_entered", "_held", "_lease", "_level", "_read_only", "_scope", "_token")

    def __init__(self, database: DatabaseService, level: IsolationLevel | None, read_only: bool) -> None:
        self._database = database
        self._level = level
        self._read_only = read_only
        self._entered = False
        self._token: Token[Lease | None] | None = None

    async def __aenter__(self) -> HeldConnection:
        if self._entered:
            raise TransactionError("this transaction has begun already", hint="Call transaction() for each block.")
        self._entered = True
        database = self._database
        lease = current_lease(database)
        if lease is None:
            lease = await database.borrow(task=asyncio.current_task(), read_only=self._read_only)
            self._token = hold(lease)
        self._lease = lease
        self._scope = scope = TransactionScope(lease, self._level, read_only=self._read_only)
        self._held = held = HeldConnection(database, lease)
        try:
            await database.begin_scope(scope)
        except BaseException:
            held.ended()
            self._give_back()
            raise
        return held

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._held.ended()
        try:
            await self._database.end_scope(self._scope, error)
        finally:
            self._give_back()

    def _give_back(self) -> None:
        """Return the connection, if this block has borrowed it."""
        if self._token is not None:
            let_go(self._lease, self._token)
            self._lease.give_back()

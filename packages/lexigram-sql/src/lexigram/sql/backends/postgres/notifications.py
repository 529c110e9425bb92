"""LISTEN and NOTIFY: messages between the clients of a PostgreSQL server.

::

    async with listen(db, "orders") as notifications:
        async for notification in notifications:
            print(notification.payload)

    async with db.transaction():
        await notify(db, "orders", "42")   # sent when the transaction commits

A listener holds a connection of the pool for as long as its block lasts. What is sent while nobody listens is lost
(manual, "NOTIFY"): after a lost connection, listen again and look for what was missed.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from lexigram.contracts.data.identifiers import Identifier
from lexigram.contracts.data.sql.sql_dialect import SQLDialect
from lexigram.sql.exceptions import DatabaseConnectionError, DataQueryError, ProtocolValidationError
from lexigram.sql.providers.database_service import DatabaseService

__all__ = ["Notification", "Notifications", "listen", "notify"]

_LONGEST = 7999
"""Bytes of a payload (manual, "NOTIFY": shorter than 8000)."""


@dataclass(frozen=True, slots=True)
class Notification:
    """A message.

    Attributes:
        channel: Where it was sent.
        payload: Its text.
        sender: The process of the server that sent it.
    """

    channel: str
    payload: str
    sender: int


class Notifications(AsyncIterator[Notification]):
    """The messages of some channels, in the order in which they came.

    Args:
        most: How many may wait to be read.
    """

    def __init__(self, most: int) -> None:
        self._waiting: asyncio.Queue[Notification | None] = asyncio.Queue()
        self._most = most
        self._ended: DatabaseConnectionError | DataQueryError | None = None

    def received(self, _connection: Any, sender: int, channel: str, payload: Any) -> None:
        """Take a message in."""
        if self._ended is not None:
            return
        if self._waiting.qsize() >= self._most:
            self._end(
                DataQueryError(
                    f"more than {self._most} notifications wait to be read", hint="Read faster, or in a task."
                )
            )
            return
        self._waiting.put_nowait(Notification(channel, payload, sender))

    def lost(self, _connection: Any) -> None:
        """Note that the connection is gone."""
        self._end(DatabaseConnectionError("the listening connection was lost", backend="postgres", operation="listen"))

    def _end(self, error: DatabaseConnectionError | DataQueryError) -> None:
        if self._ended is None:
            self._ended = error
            self._waiting.put_nowait(None)

    def __aiter__(self) -> Notifications:
        return self

    async def __anext__(self) -> Notification:
        found = await self._waiting.get()
        if found is None:
            self._waiting.put_nowait(None)
            assert self._ended is not None  # noqa: S101 - set before the end is queued
            raise self._ended
        return found


def _channel(name: str) -> str:
    return Identifier(name, dialect=SQLDialect.POSTGRESQL).name


def _postgres(db: DatabaseService) -> None:
    if db.dialect is not SQLDialect.POSTGRESQL:
        raise ProtocolValidationError(
            f"{db.database_type} has no notifications", hint="LISTEN and NOTIFY are PostgreSQL's."
        )


@asynccontextmanager
async def listen(db: DatabaseService, *channels: str, max_pending: int = 10_000) -> AsyncGenerator[Notifications]:
    """Listen to channels inside the block; everything sent after it has begun is heard.

    Args:
        db: The database.
        *channels: Their names, checked and quoted.
        max_pending: How many messages may wait to be read.

    Raises:
        ProtocolValidationError: The database is not PostgreSQL.
        DatabaseConnectionError: (by the iteration) The connection was lost.
        DataQueryError: No channel is named; or, by the iteration, too many messages wait.
    """
    _postgres(db)
    if not channels:
        raise DataQueryError("there is no channel to listen to", hint='Name one, as in listen(db, "orders").')
    names = [_channel(name) for name in channels]
    heard = Notifications(max_pending)
    async with db.get_connection() as connection:
        native = connection.native
        native.add_termination_listener(heard.lost)
        try:
            for name in names:
                await native.add_listener(name, heard.received)
            yield heard
        finally:
            native.remove_termination_listener(heard.lost)
            if not native.is_closed():
                for name in names:
                    await native.remove_listener(name, heard.received)


async def notify(db: DatabaseService, channel: str, payload: str = "") -> None:
    """Send a message to all who listen; in a transaction, when that commits.

    Args:
        db: The database.
        channel: Its name.
        payload: The text, at most 7999 bytes.

    Raises:
        ProtocolValidationError: The database is not PostgreSQL.
        DataQueryError: The text is too long.
    """
    _postgres(db)
    if len(payload.encode()) > _LONGEST:
        raise DataQueryError(f"a payload has at most {_LONGEST} bytes", hint="Store it, and send its key.")
    await db.execute("SELECT pg_notify(?, ?)", [_channel(channel), payload])

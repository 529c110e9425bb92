"""Keeps two runners from migrating one store at the same time.

The lock is one document. It is taken by a single upsert whose filter only an expired lock matches, so of two runners
the second hits the first one's ``_id`` and is refused. While it is held it is renewed; a runner that died stops
renewing, and its lock can be taken once it has expired. A runner that finds its lock gone (it slept longer than the
lock lives) stops where it is.

Expiry compares clocks of different machines, which must agree within a third of the lock's life.
"""

from __future__ import annotations

import asyncio
import logging
import os
import random
import socket
from collections.abc import Callable
from datetime import datetime, timedelta
from types import TracebackType
from typing import Self

from lexigram.contracts.data.nosql.nosql import CollectionProtocol
from lexigram.contracts.exceptions.infra import DuplicateKeyError
from lexigram.nosql.exceptions import MigrationLockedError, NoSQLError
from lexigram.nosql.finishing import to_the_end
from lexigram.nosql.ids import random_id
from lexigram.nosql.migration.versions import LOCK_ID

__all__ = ["MigrationLock", "new_runner"]

_log = logging.getLogger("lexigram.nosql")

_FIRST_PAUSE = 0.05
_LONGEST_PAUSE = 1.0


def new_runner() -> str:
    """A name for this runner: host, process and a random part."""
    return f"{socket.gethostname()}:{os.getpid()}:{random_id()}"


class MigrationLock:
    """The lock on one ledger, as an asynchronous context.

    Args:
        collection: Where the ledger is.
        owner: Who takes the lock.
        seconds: How long it lives without renewal.
        wait: Seconds to wait for another runner to finish; 0 to give up at once.
        now: Gives the time, aware.

    Raises:
        MigrationLockedError: On entry, another runner holds it; inside, it was lost to another runner.
    """

    def __init__(
        self, collection: CollectionProtocol, owner: str, *, seconds: float, wait: float, now: Callable[[], datetime]
    ) -> None:
        self._collection = collection
        self._owner = owner
        self._seconds = seconds
        self._wait = wait
        self._now = now
        self._renewal: asyncio.Task[None] | None = None
        self._holder: asyncio.Task[object] | None = None
        self._cancelling = 0
        self._lost = False

    async def __aenter__(self) -> Self:
        try:
            await self._acquire()
        except asyncio.CancelledError:
            # The request may have succeeded; the answer never came.
            await to_the_end(self._release())
            raise
        self._holder = asyncio.current_task()
        self._cancelling = self._holder.cancelling() if self._holder is not None else 0
        self._renewal = asyncio.create_task(self._keep(), name="lexigram migration lock")
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._renewal is not None:
            self._renewal.cancel()
            await asyncio.wait([self._renewal])
        await to_the_end(self._release())
        if self._lost and isinstance(error, asyncio.CancelledError):
            # The cancellation was ours, as in asyncio.timeout; one from outside goes on.
            holder = self._holder
            if holder is not None and holder.uncancel() <= self._cancelling:
                raise self._taken_away() from error

    @property
    def lost(self) -> bool:
        """True once another runner has it, or may have it."""
        return self._lost

    async def confirm(self) -> None:
        """Renew the lock.

        Raises:
            MigrationLockedError: It was lost.
        """
        if not await self._renew():
            self._lost = True
            raise self._taken_away()

    async def _acquire(self) -> None:
        loop = asyncio.get_running_loop()
        deadline = loop.time() + self._wait
        pause = _FIRST_PAUSE
        while True:
            if await self._try():
                return
            left = deadline - loop.time()
            if left <= 0:
                raise await self._refused()
            # The jitter keeps runners that started together from asking together.
            await asyncio.sleep(min(left, pause * random.uniform(0.5, 1)))  # noqa: S311 - nothing secret
            pause = min(_LONGEST_PAUSE, pause * 2)

    async def _try(self) -> bool:
        now = self._now()
        taken = {"owner": self._owner, "acquired_at": now, "expires_at": now + timedelta(seconds=self._seconds)}
        try:
            held = await self._collection.find_one_and_update(
                {"_id": LOCK_ID, "expires_at": {"$lte": now}}, {"$set": taken}, upsert=True
            )
        except DuplicateKeyError:
            return False
        return held is not None and held.get("owner") == self._owner

    async def _renew(self) -> bool:
        expires = self._now() + timedelta(seconds=self._seconds)
        result = await self._collection.update_one(
            {"_id": LOCK_ID, "owner": self._owner}, {"$set": {"expires_at": expires}}
        )
        return bool(result.matched_count)

    async def _keep(self) -> None:
        """Renew the lock until cancelled; when it is lost, cancel its holder."""
        loop = asyncio.get_running_loop()
        renewed = loop.time()
        while True:
            await asyncio.sleep(self._seconds / 3)
            try:
                held = await self._renew()
            except NoSQLError as error:
                # It may be a hiccup: the lock is still ours until it expires.
                held = loop.time() - renewed < self._seconds
                _log.warning("renewing the migration lock failed: %s", error.message)
            else:
                renewed = loop.time()
            if not held:
                self._lost = True
                if self._holder is not None:
                    self._holder.cancel()
                return

    async def _release(self) -> None:
        try:
            await self._collection.delete_one({"_id": LOCK_ID, "owner": self._owner})
        except NoSQLError as error:
            _log.warning("releasing the migration lock failed, it will expire: %s", error.message)

    async def _refused(self) -> MigrationLockedError:
        held = await self._collection.find_one({"_id": LOCK_ID}) or {}
        owner, expires = held.get("owner"), held.get("expires_at")
        until = f" until {expires:%Y-%m-%d %H:%M:%S} UTC unless it goes on" if isinstance(expires, datetime) else ""
        return MigrationLockedError(
            f"another runner ({owner or 'just finished'}) holds the migration lock{until}",
            hint="Let it finish, pass wait=seconds, or wait for the lock to expire if that runner died.",
            owner=owner,
            expires_at=expires,
        )

    def _taken_away(self) -> MigrationLockedError:
        return MigrationLockedError(
            "the migration lock was lost to another runner, so this one stopped",
            hint="It was not renewed in time: do not block the event loop, or raise lock_seconds.",
        )

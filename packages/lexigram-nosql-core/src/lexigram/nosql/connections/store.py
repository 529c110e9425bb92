"""A store whose settings are put together for each connect, and whose connection can be replaced."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from lexigram.nosql.backend import BackendConfig, BackendSpec
from lexigram.nosql.driver import Driver
from lexigram.nosql.exceptions import AuthenticationFailedError
from lexigram.nosql.observing import Command
from lexigram.nosql.store import DocumentStore
from lexigram.nosql.translating import Translating

__all__ = ["RenewableStore"]

_log = logging.getLogger("lexigram.nosql")


@dataclass(eq=False, slots=True)
class _Traffic:
    """The operations that began on one connection.

    Attributes:
        running: How many have not ended.
        over: No more begin.
        idle: Set when it is over and none is running.
    """

    running: int = 0
    over: bool = False
    idle: asyncio.Event = field(default_factory=asyncio.Event)

    def settle(self) -> None:
        if self.over and not self.running:
            self.idle.set()


class RenewableStore(DocumentStore):
    """A document store that looks up its settings, and so its credentials, each time it connects.

    Args:
        spec: The backend.
        config: What is known of its settings before they are looked up.
        configure: Gives the settings as of now.
        refused: Called when the database refuses the credentials in the middle of the work.
        name: Name of the connection.
        enable_ttl: False refuses indexes with ``expire_after_seconds``.
    """

    def __init__(
        self,
        spec: BackendSpec,
        config: BackendConfig,
        configure: Callable[[], Awaitable[BackendConfig]],
        refused: Callable[[], None],
        *,
        name: str,
        enable_ttl: bool = True,
    ) -> None:
        super().__init__(spec, config, name=name, enable_ttl=enable_ttl)
        self._configure = configure
        self._refused = refused
        self._traffic = _Traffic()
        self.observe(self)

    def start(self, command: Command) -> Callable[[BaseException | None], None]:
        """Told, as an observer of its own operations, that one begins."""
        traffic = self._traffic
        traffic.running += 1

        def finish(error: BaseException | None) -> None:
            traffic.running -= 1
            traffic.settle()
            if isinstance(error, AuthenticationFailedError) and not traffic.over:
                self._refused()

        return finish

    async def connect(self) -> None:
        """Look up the settings and open the connection. Connecting twice does nothing.

        Raises:
            NoSQLConnectionError: The database cannot be reached, or refuses the credentials although they were looked
                up a second time.
            ConfigurationError: A secret is missing, or the settings do not fit the backend.
        """
        async with self._changing:
            if self._driver is None:
                self.config, self._driver = await self._opened()

    async def renew(self, drain: float) -> bool:
        """Replace the connection if the settings have changed since it was opened.

        Args:
            drain: Seconds that operations on the old connection have to finish before it is closed. Cursors that are
                still being read and transactions end with it.

        Returns:
            False when nothing has changed, or the store is not connected.

        Raises:
            NoSQLConnectionError: The new connection failed; the old one stays.
            ConfigurationError: A secret is missing.
        """
        async with self._changing:
            old = self._driver
            if old is None:
                return False
            config = await self._configure()
            if config == self.config:
                return False
            self._driver = await self._open(config)
            self.config = config
            traffic, self._traffic = self._traffic, _Traffic()
        traffic.over = True
        traffic.settle()
        try:
            async with asyncio.timeout(drain):
                await traffic.idle.wait()
        except TimeoutError:
            _log.warning("%d operations still ran when the old connection of %r was closed", traffic.running, self.name)
        finally:
            with Translating(old, self.backend, None, "disconnect"):
                await old.close()
        return True

    async def _opened(self) -> tuple[BackendConfig, Driver]:
        config = await self._configure()
        try:
            return config, await self._open(config)
        except AuthenticationFailedError:
            # The secret may have changed between the look-up and the connect.
            fresh = await self._configure()
            if fresh == config:
                raise
            return fresh, await self._open(fresh)

    async def _open(self, config: BackendConfig) -> Driver:
        # A plain store knows how to open, and what to make of an SDK's errors.
        opener = DocumentStore(self.spec, config, name=self.name)
        await opener.connect()
        return opener.driver

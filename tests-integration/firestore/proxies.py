"""A place between client and server where connections can be cut, and answers held back."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

__all__ = ["Proxy", "between"]


class Proxy:
    """Passes bytes on, until it is told to cut.

    What the server sends can be held back, so that a request is carried out whose answer is then cut off.

    Args:
        server: ``host:port`` of the server.

    Attributes:
        place: ``host:port`` to connect to.
        answering: While it is not set, what the server sends stays here.
    """

    def __init__(self, server: str) -> None:
        self._server = server
        self._writers: set[asyncio.StreamWriter] = set()
        self.place = ""
        self.answering = asyncio.Event()
        self.answering.set()

    def cut(self) -> None:
        """Reset all connections that are open now; new ones are passed on again."""
        for writer in self._writers:
            writer.transport.abort()
        self._writers.clear()

    async def connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Pass on what one connection sends, in both directions."""
        host, _, port = self._server.rpartition(":")
        back_reader, back_writer = await asyncio.open_connection(host, int(port))
        self._writers |= {writer, back_writer}
        try:
            await asyncio.gather(_pass(reader, back_writer), _pass(back_reader, writer, self.answering))
        finally:
            for each in (writer, back_writer):
                self._writers.discard(each)
                each.close()


async def _pass(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, gate: asyncio.Event | None = None) -> None:
    with suppress(OSError):
        while data := await reader.read(65_536):
            if gate is not None:
                await gate.wait()
            writer.write(data)
            await writer.drain()
    writer.close()


@asynccontextmanager
async def between(server: str) -> AsyncIterator[Proxy]:
    """Listen on a free port, and pass on what comes.

    Args:
        server: ``host:port`` of the server.

    Yields:
        The proxy.
    """
    proxy = Proxy(server)
    listening = await asyncio.start_server(proxy.connected, "127.0.0.1", 0)
    try:
        host, port = listening.sockets[0].getsockname()[:2]
        proxy.place = f"{host}:{port}"
        yield proxy
    finally:
        listening.close()
        proxy.cut()
        await listening.wait_closed()

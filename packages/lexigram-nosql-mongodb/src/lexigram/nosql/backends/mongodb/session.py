"""Sessions of the server, and the two context managers that give one to code that holds only a client.

``store.session()`` and ``store.transaction()`` are what most code wants: operations join them by themselves.
:func:`mongodb_session` and :func:`mongodb_transaction` are for code that talks to motor or PyMongo directly and passes
``session=`` to its methods.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from lexigram.nosql.backends.mongodb.client import Client, wrap
from lexigram.nosql.finishing import to_the_end
from pymongo.errors import PyMongoError

if TYPE_CHECKING:
    from pymongo.asynchronous.client_session import AsyncClientSession

__all__ = ["ServerSession", "end", "mongodb_session", "mongodb_transaction", "open_session"]


@dataclass(slots=True)
class ServerSession:
    """What operations of one session or transaction carry.

    Attributes:
        native: The SDK's session.
        owned: True where it ends with the transaction; False where the transaction runs in a session that goes on.
    """

    native: AsyncClientSession
    owned: bool = True


async def open_session(client: Client) -> ServerSession:
    """Start a causally consistent session; no request is made."""
    return ServerSession(await client.start_session(causal=True))


async def end(session: AsyncClientSession) -> None:
    """End a session, and abort the transaction that runs in it; never fails for one that is over."""
    try:
        await session.end_session()
    except PyMongoError:
        # The server forgets a session that nobody uses; nothing else depends on it.
        return


@asynccontextmanager
async def mongodb_session(client: Any) -> AsyncGenerator[Any]:
    """A session of a client, without a transaction.

    Args:
        client: An ``AsyncIOMotorClient`` or an ``AsyncMongoClient``.

    Yields:
        The SDK's session, to be passed as ``session=``. It ends with the block.

    Raises:
        NoSQLConnectionError: *client* is neither.
    """
    session = await wrap(client).start_session(causal=True)
    try:
        yield session
    finally:
        await to_the_end(end(session))


@asynccontextmanager
async def mongodb_transaction(client: Any) -> AsyncGenerator[Any]:
    """A session of a client with a transaction: commits on a clean exit, rolls back otherwise.

    A commit of which nobody knows whether it arrived is repeated; the block itself runs once.

    Args:
        client: An ``AsyncIOMotorClient`` or an ``AsyncMongoClient``.

    Yields:
        The SDK's session, to be passed as ``session=``.

    Raises:
        NoSQLConnectionError: *client* is neither.
        PyMongoError: The commit failed, as the SDK says it.
    """
    from lexigram.nosql.backends.mongodb.transactions import abort, begin, commit

    wrapped = wrap(client)
    session = await wrapped.start_session()
    try:
        await begin(wrapped, session)
        try:
            yield session
        except BaseException:
            await to_the_end(abort(session))
            raise
        await to_the_end(commit(session))
    finally:
        await to_the_end(end(session))

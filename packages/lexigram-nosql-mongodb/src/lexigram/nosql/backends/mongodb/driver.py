"""An open connection to one database of a MongoDB deployment."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any, Final

import pymongo
from lexigram.nosql.backends.mongodb.access import Catalogue
from lexigram.nosql.backends.mongodb.cancellation import LOSES_CANCELLATIONS, Heeding
from lexigram.nosql.backends.mongodb.client import Client, open_client
from lexigram.nosql.backends.mongodb.codecs import configure_codecs
from lexigram.nosql.backends.mongodb.collection import MongoDBCollection
from lexigram.nosql.backends.mongodb.config import MongoDBConfig
from lexigram.nosql.backends.mongodb.errors import classify
from lexigram.nosql.backends.mongodb.indexes import read_indexes
from lexigram.nosql.backends.mongodb.opening import Openings
from lexigram.nosql.backends.mongodb.options import secrets_of
from lexigram.nosql.backends.mongodb.server import ServerDescription, describe
from lexigram.nosql.backends.mongodb.session import ServerSession, end, open_session
from lexigram.nosql.backends.mongodb.transactions import abort, begin, commit
from lexigram.nosql.driver import NO_CALL, Call
from lexigram.nosql.exceptions import NoSQLConnectionError, NoSQLError, UnsupportedFeatureError
from lexigram.nosql.finishing import to_the_end
from lexigram.nosql.indexes import IndexSpec
from pymongo.errors import PyMongoError
from pymongo.read_preferences import ReadPreference
from pymongo.write_concern import WriteConcern

__all__ = ["MongoDBDriver", "connect"]

_UNLIMITED: Final = nullcontext()
_GRACE: Final = 0.25
"""Seconds after a call's deadline in which requests end."""


async def connect(config: MongoDBConfig) -> MongoDBDriver:
    """Open a client, on the running event loop, and see that a server answers.

    Args:
        config: The configuration.

    Raises:
        NoSQLConnectionError: No server answers in time, or an option is not valid.
        AuthenticationFailedError: The server refuses the credentials.
    """
    try:
        # Files of certificates are read, and what machine this is found out, which no event loop should wait for.
        client = await asyncio.to_thread(open_client, config)
    except (PyMongoError, ValueError, TypeError, OSError) as error:
        raise _refused(error, config) from _harmless(error, config)
    try:
        server = await describe(client.database("admin"))
    except PyMongoError as error:
        await to_the_end(client.close())
        raise _refused(error, config) from _harmless(error, config)
    except BaseException:
        await to_the_end(client.close())
        raise
    driver = MongoDBDriver(client, config, server)
    if config.scan_policy == "deny":
        try:
            await driver.learn_indexes()
        except BaseException:
            await to_the_end(driver.close())
            raise
    return driver


def _reveals(error: BaseException, config: MongoDBConfig) -> bool:
    text = f"{error} {error!r} {error.__cause__!r} {error.__context__!r}"
    return any(secret in text for secret in secrets_of(config))


def _harmless(error: BaseException, config: MongoDBConfig) -> BaseException | None:
    """The error as a cause, unless its text holds what nobody may see."""
    return None if _reveals(error, config) else error


def _refused(error: BaseException, config: MongoDBConfig) -> NoSQLError:
    """Why no connection came about, in Lexigram's words."""
    if _reveals(error, config):
        return NoSQLConnectionError(
            f"the client could not be made: {type(error).__name__}",
            hint="Check the connection string: user and password must be percent-encoded (urllib.parse.quote_plus).",
            retryable=False,
        )
    found = classify(error)
    if found is not None:
        return found
    return NoSQLConnectionError(f"the client could not be made: {error}", retryable=False)


class MongoDBDriver:
    """An open connection.

    Args:
        client: The client.
        config: Its configuration.
        server: What it is connected to.

    Attributes:
        client: The client, of either SDK.
        server: What it is connected to.
        catalogue: The indexes of each collection, as far as they are known.
        openings: The first requests of cursors.
        acknowledges: False when writes return before the server has answered.
    """

    shares_documents = False

    def __init__(self, client: Client, config: MongoDBConfig, server: ServerDescription) -> None:
        self.client = client
        self.config = config
        self.server = server
        self.acknowledges: bool = client.write_concern.acknowledged
        # A transaction is always answered, also where writes are not.
        self._transaction_concern = None if self.acknowledges else WriteConcern("majority")
        self.catalogue = Catalogue(self.list_indexes)
        self.openings = Openings(interruptible=client.interruptible)
        self._loop = asyncio.get_running_loop()
        self._native = client.database(config.database)
        self.database = configure_codecs(self._native)

    @property
    def native(self) -> Any:
        """The SDK's own database, with the SDK's own codecs: an ``AsyncIOMotorDatabase`` or an ``AsyncDatabase``."""
        return self._native

    def collection(self, name: str) -> MongoDBCollection:
        """A handle on a collection; makes no call."""
        return MongoDBCollection(self, name)

    async def ping(self) -> Mapping[str, Any]:
        """Ask for a sign of life; the version and kind of the deployment come with it."""
        self.check_loop()
        with self.within(NO_CALL):
            await self.client.database("admin").command("ping")
        return {
            "client": self.config.client,
            "database": self.config.database,
            "version": self.server.version_text,
            "deployment": self.server.kind,
            "replica_set": self.server.replica_set,
        }

    async def list_collections(self) -> list[str]:
        """Names of the collections, without views and what the server keeps for itself."""
        self.check_loop()
        with self.within(NO_CALL):
            names = await self.database.list_collection_names(filter={"type": {"$ne": "view"}})
        return [name for name in names if not name.startswith("system.")]

    async def drop_collection(self, name: str) -> None:
        """Remove a collection."""
        self.check_loop()
        with self.within(NO_CALL):
            await self.database.drop_collection(name)
        self.catalogue.forget(name)

    async def close(self) -> None:
        """Close every connection."""
        await self.catalogue.close()
        await self.openings.end()
        await self.client.close()

    def classify(self, error: BaseException) -> NoSQLError | None:
        """Translate an error of the SDK by its code; it is the cause of what comes out."""
        found = classify(error)
        if found is not None:
            found.__cause__ = error
        return found

    # --- sessions and transactions

    async def begin_session(self) -> ServerSession:
        """Start a causally consistent session."""
        self.check_loop()
        return await open_session(self.client)

    async def end_session(self, session: ServerSession) -> None:
        """End a session."""
        await end(session.native)

    async def begin(self) -> ServerSession:
        """Start a transaction in a session of its own.

        Raises:
            UnsupportedFeatureError: The server is not a member of a replica set.
        """
        self._require_transactions()
        session = ServerSession(await self.client.start_session())
        try:
            await begin(self.client, session.native, write_concern=self._transaction_concern)
        except BaseException:
            await to_the_end(end(session.native))
            raise
        return session

    async def begin_in(self, session: ServerSession) -> ServerSession:
        """Start a transaction in a session that goes on afterwards.

        Raises:
            UnsupportedFeatureError: The server is not a member of a replica set.
        """
        self._require_transactions()
        await begin(self.client, session.native, write_concern=self._transaction_concern)
        return ServerSession(session.native, owned=False)

    async def commit(self, session: ServerSession) -> None:
        """Commit, again while nobody knows whether it arrived."""
        await commit(session.native)
        if session.owned:
            await end(session.native)

    async def rollback(self, session: ServerSession) -> None:
        """Abort what was not committed."""
        await abort(session.native)
        if session.owned:
            await end(session.native)

    def _require_transactions(self) -> None:
        self.check_loop()
        if not self.server.has_transactions:
            raise UnsupportedFeatureError(
                "transactions need a replica set, and this server stands alone",
                hint="Start mongod with --replSet and run rs.initiate() once; a single member is enough.",
                feature="transactions",
            )

    # --- for the collections

    def check_loop(self) -> None:
        """Refuse to work on another event loop than the one the client belongs to.

        Raises:
            NoSQLConnectionError: It is another one.
        """
        if asyncio.get_running_loop() is not self._loop:
            raise NoSQLConnectionError(
                "this store was connected on another event loop",
                hint="A client of MongoDB belongs to one event loop: connect a store on each loop that uses one.",
                retryable=False,
            )

    def within(self, call: Call) -> AbstractContextManager[Any]:
        """A context whose requests end soon after the call's deadline, on the server too."""
        if call.deadline is None:
            return Heeding() if LOSES_CANCELLATIONS else _UNLIMITED
        # The portable layer's own clock comes first, since it knows what limit to tell; this one ends what the server,
        # or a thread of motor, would go on with.
        limited = pymongo.timeout(max(0.0, call.deadline - self._loop.time()) + _GRACE)
        return Heeding(limited) if LOSES_CANCELLATIONS else limited

    async def list_indexes(self, collection: str) -> Sequence[IndexSpec]:
        """All indexes of a collection but the one on ``_id``."""
        return await read_indexes(self.database[collection].with_options(read_preference=ReadPreference.PRIMARY))

    async def learn_indexes(self) -> None:
        """Ask for the indexes of every collection there is."""
        for name in await self.list_collections():
            self.catalogue.note(name, await self.list_indexes(name))

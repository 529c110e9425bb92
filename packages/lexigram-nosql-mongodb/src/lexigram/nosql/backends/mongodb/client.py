"""The one place that knows which SDK is underneath: motor, or PyMongo's own async client.

Motor wraps PyMongo's synchronous client and runs it on threads; ``AsyncMongoClient`` is its successor. Their methods
have the same names and parameters, but not all are called the same way: where one gives a cursor, a session or a
transaction at once, the other has to be awaited for it. :class:`Client` evens that out. Everywhere else databases,
collections, cursors and sessions are typed as PyMongo's; motor's have what is used of them.

========================  =============================  ===============================
what                      motor                          PyMongo
========================  =============================  ===============================
``start_session``         awaited                        not awaited
``start_transaction``     not awaited                    awaited
``aggregate``, ``watch``  not awaited                    awaited
``close`` of the client   not awaited                    awaited
========================  =============================  ===============================

Motor's pipelines are run when their cursor is first read (:attr:`Client.opens_late`), and its requests go on in their
threads when the task that waits is cancelled (:attr:`Client.interruptible`).

Both belong to the event loop that they are first used on. A client is opened with :func:`open_client`, on that loop;
:func:`wrap` takes one that somebody else opened.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, cast

from lexigram.nosql.backends.mongodb.config import MongoDBConfig
from lexigram.nosql.backends.mongodb.options import client_options
from lexigram.nosql.exceptions import NoSQLConnectionError
from motor.motor_asyncio import AsyncIOMotorClient
from pymongo import AsyncMongoClient

if TYPE_CHECKING:
    from bson.timestamp import Timestamp
    from pymongo.asynchronous.change_stream import AsyncChangeStream
    from pymongo.asynchronous.client_session import AsyncClientSession
    from pymongo.asynchronous.collection import AsyncCollection
    from pymongo.asynchronous.command_cursor import AsyncCommandCursor
    from pymongo.asynchronous.database import AsyncDatabase
    from pymongo.read_concern import ReadConcern
    from pymongo.read_preferences import _ServerMode as ServerMode  # pyright: ignore[reportPrivateUsage]
    from pymongo.topology_description import TopologyDescription
    from pymongo.write_concern import WriteConcern

__all__ = ["Client", "MotorClient", "PyMongoClient", "open_client", "wrap"]

Document = dict[str, Any]


class Client(ABC):
    """A client of either SDK.

    Args:
        native: The SDK's own client.

    Attributes:
        opens_late: True where :meth:`aggregate` makes no request, and the first reading of its cursor does.
        interruptible: True where cancelling the task that waits for a request cuts the request off.
    """

    opens_late: ClassVar[bool]
    interruptible: ClassVar[bool]

    def __init__(self, native: Any) -> None:
        self.native: Any = native

    def database(self, name: str) -> AsyncDatabase[Document]:
        """The SDK's own handle on a database."""
        return cast("AsyncDatabase[Document]", self.native[name])

    @property
    def write_concern(self) -> WriteConcern:
        """How many members must have a write."""
        return cast("WriteConcern", self.native.write_concern)

    @property
    def topology(self) -> TopologyDescription:
        """What is known of the servers, without asking them."""
        return cast("TopologyDescription", self.native.topology_description)

    @property
    def cluster_time(self) -> Timestamp | None:
        """The latest moment of the cluster that any answer to this client told; None where none did."""
        # Neither SDK has a public name for it outside of sessions, and sessions know of their own requests only.
        topology: Any = getattr(self._core, "_topology", None)
        seen = None if topology is None else topology.max_cluster_time()
        return None if seen is None else cast("Timestamp", seen["clusterTime"])

    @property
    def _core(self) -> Any:
        """PyMongo's client."""
        return self.native

    @abstractmethod
    async def start_session(self, *, causal: bool | None = None) -> AsyncClientSession:
        """Start a session.

        Args:
            causal: Whether reads see the session's own earlier writes on every member.
        """

    @abstractmethod
    async def start_transaction(
        self,
        session: AsyncClientSession,
        *,
        read_concern: ReadConcern | None = None,
        write_concern: WriteConcern | None = None,
        read_preference: ServerMode | None = None,
    ) -> None:
        """Start a transaction in a session. No request is made before the first operation."""

    @abstractmethod
    async def aggregate(
        self, collection: AsyncCollection[Document], pipeline: Sequence[Mapping[str, Any]], **options: Any
    ) -> AsyncCommandCursor[Document]:
        """Run a pipeline; with motor, the request is made when the cursor is first read."""

    @abstractmethod
    async def watch(self, collection: AsyncCollection[Document], **options: Any) -> AsyncChangeStream[Document]:
        """Open a change stream."""

    @abstractmethod
    async def close(self) -> None:
        """Close every connection."""


class PyMongoClient(Client):
    """``pymongo.AsyncMongoClient``."""

    opens_late = False
    interruptible = True

    async def start_session(self, *, causal: bool | None = None) -> AsyncClientSession:
        """Start a session."""
        return cast("AsyncClientSession", self.native.start_session(causal_consistency=causal))

    async def start_transaction(
        self,
        session: AsyncClientSession,
        *,
        read_concern: ReadConcern | None = None,
        write_concern: WriteConcern | None = None,
        read_preference: ServerMode | None = None,
    ) -> None:
        """Start a transaction in a session."""
        await session.start_transaction(read_concern, write_concern, read_preference)

    async def aggregate(
        self, collection: AsyncCollection[Document], pipeline: Sequence[Mapping[str, Any]], **options: Any
    ) -> AsyncCommandCursor[Document]:
        """Run a pipeline."""
        return await collection.aggregate(pipeline, **options)

    async def watch(self, collection: AsyncCollection[Document], **options: Any) -> AsyncChangeStream[Document]:
        """Open a change stream."""
        return await collection.watch(**options)

    async def close(self) -> None:
        """Close every connection."""
        await self.native.close()


class MotorClient(Client):
    """``motor.motor_asyncio.AsyncIOMotorClient``."""

    opens_late = True
    interruptible = False

    @property
    def _core(self) -> Any:
        return self.native.delegate

    async def start_session(self, *, causal: bool | None = None) -> AsyncClientSession:
        """Start a session."""
        return cast("AsyncClientSession", await self.native.start_session(causal_consistency=causal))

    async def start_transaction(
        self,
        session: AsyncClientSession,
        *,
        read_concern: ReadConcern | None = None,
        write_concern: WriteConcern | None = None,
        read_preference: ServerMode | None = None,
    ) -> None:
        """Start a transaction in a session."""
        cast("Any", session).start_transaction(read_concern, write_concern, read_preference)

    async def aggregate(
        self, collection: AsyncCollection[Document], pipeline: Sequence[Mapping[str, Any]], **options: Any
    ) -> AsyncCommandCursor[Document]:
        """Run a pipeline."""
        return cast("AsyncCommandCursor[Document]", collection.aggregate(pipeline, **options))

    async def watch(self, collection: AsyncCollection[Document], **options: Any) -> AsyncChangeStream[Document]:
        """Open a change stream."""
        stream = cast("AsyncChangeStream[Document]", collection.watch(**options))
        # Without this the request would be made when it is first read.
        return await stream.__aenter__()

    async def close(self) -> None:
        """Close every connection."""
        self.native.close()


def open_client(config: MongoDBConfig) -> Client:
    """Make the client that the configuration asks for. No connection is made before it is used.

    Args:
        config: The configuration.

    Raises:
        PyMongoError: An option is not valid (also ValueError and TypeError, as PyMongo has it).
    """
    options = client_options(config)
    if config.client == "pymongo":
        return PyMongoClient(AsyncMongoClient[Document](config.uri, **options))
    return MotorClient(AsyncIOMotorClient[Document](config.uri, **options))


def wrap(native: Any) -> Client:
    """Take a client that somebody else opened, of either SDK.

    Args:
        native: An ``AsyncIOMotorClient`` or an ``AsyncMongoClient``.

    Raises:
        NoSQLConnectionError: It is neither.
    """
    if isinstance(native, AsyncMongoClient):
        return PyMongoClient(native)
    if isinstance(native, AsyncIOMotorClient):
        return MotorClient(native)
    raise NoSQLConnectionError(
        f"{type(native).__name__} is no client of MongoDB",
        hint="Pass an AsyncIOMotorClient or an AsyncMongoClient; of a connected store that is store.native.client.",
        retryable=False,
    )

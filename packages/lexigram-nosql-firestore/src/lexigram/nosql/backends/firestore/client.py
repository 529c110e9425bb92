"""Requests to Firestore, each in one place: protobuf's own messages on the SDK's channel.

``AsyncClient`` wraps every message in Python objects of proto-plus and every request in a task of an interceptor, which
takes more time than the request. Here the SDK's transport makes the channel (address, credentials, encryption), and
requests go over it as the messages that protobuf's C library makes. What the SDK's layers do besides is done here:
metadata that routes the request, deadlines, and repetition by status code.

Requests that change nothing are repeated when the service is busy or cannot be reached. A commit is repeated when the
service says that it was not done (``ABORTED``, ``RESOURCE_EXHAUSTED``); when its answer was lost, nobody knows, so it
is repeated only if a second time changes nothing: the caller says so. Where the connection is not up, a commit is sent
after a read that was answered: so of one that could not be sent, it is known that it was not made.
"""

# Messages of protobuf have no types.
# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false, reportUnknownMemberType=false

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncGenerator, Callable, Sequence
from typing import Any, Final

from google.api_core import client_options
from google.cloud.firestore_v1.services.firestore import FirestoreAsyncClient
from google.cloud.firestore_v1.services.firestore.transports import FirestoreGrpcAsyncIOTransport
from grpc import ChannelConnectivity, StatusCode, aio
from lexigram.nosql.backends.firestore.codec import messages
from lexigram.nosql.backends.firestore.config import FirestoreConfig
from lexigram.nosql.backends.firestore.credentials import emulator_of
from lexigram.nosql.backends.firestore.errors import classify, code_of, outcome_unknown, retryable_read, unanswered
from lexigram.nosql.exceptions import NoSQLConnectionError, NoSQLTimeoutError

__all__ = ["GRACE", "Client", "default_endpoint", "open_channel"]

GRACE: Final = 0.25
"""Seconds after a call's deadline in which requests end; the portable layer's own clock comes first."""

_CLOCK_DRIFT: Final = 2_000
"""One second in so many, that this machine's clock may be faster than the service's."""

_MOST_LAG: Final = 20_000
"""Microseconds that what is known of the service's time may be behind, before it is asked again."""

_SERVICE: Final = "/google.firestore.v1.Firestore/"
_REFUSED_WHOLE: Final = frozenset({StatusCode.ABORTED, StatusCode.RESOURCE_EXHAUSTED})
_GONE: Final = frozenset({StatusCode.NOT_FOUND, StatusCode.FAILED_PRECONDITION, StatusCode.ALREADY_EXISTS})
_LOST: Final = frozenset({StatusCode.UNAVAILABLE, StatusCode.INTERNAL, StatusCode.UNKNOWN})
_UNLIMITED: Final = [("grpc.max_send_message_length", -1), ("grpc.max_receive_message_length", -1)]


def default_endpoint() -> str:
    """Where Google's service is."""
    return str(client_options.ClientOptions().api_endpoint or FirestoreAsyncClient.DEFAULT_ENDPOINT)


def open_channel(config: FirestoreConfig, credentials: Any) -> aio.Channel:
    """Open a channel on the running event loop. It connects when it is first used.

    Args:
        config: The configuration.
        credentials: Credentials of ``google.auth``.
    """
    options = list(_UNLIMITED)
    if config.keepalive_ms is not None:
        options.append(("grpc.keepalive_time_ms", config.keepalive_ms))
    # After a server was away, the next attempt to connect comes soon.
    options += [("grpc.initial_reconnect_backoff_ms", 100), ("grpc.max_reconnect_backoff_ms", config.retry_max_ms)]
    # Two stores of one process do not share a connection, so that one of them can be closed.
    options.append(("grpc.use_local_subchannel_pool", 1))
    emulator = emulator_of(config)
    if emulator is not None:
        return aio.insecure_channel(emulator, options=options)
    place = config.endpoint or default_endpoint()
    return FirestoreGrpcAsyncIOTransport.create_channel(
        place if ":" in place else f"{place}:443",
        credentials=credentials,
        quota_project_id=config.quota_project_id,
        options=options,
    )


class Client:
    """Requests of one database, on one event loop.

    Args:
        channel: The channel.
        config: The configuration.

    Attributes:
        channel: The channel, for requests that have no method here.
        database: Full name of the database.
        root: Full name below which documents and collections stand.
        metadata: What every request carries.
    """

    def __init__(self, channel: aio.Channel, config: FirestoreConfig) -> None:
        self.channel = channel
        self.database = f"projects/{config.project_id}/databases/{config.database_id}"
        self.root = f"{self.database}/documents"
        self.metadata: tuple[tuple[str, str], ...] = (
            ("google-cloud-resource-prefix", self.database),
            ("x-goog-request-params", f"project_id={config.project_id}&database_id={config.database_id}"),
        )
        if emulator_of(config) is not None:
            self.metadata += (("authorization", "Bearer owner"),)
        self._loop = asyncio.get_running_loop()
        self._closed = False
        self._config = config
        self._seen: tuple[int, int] | None = None
        self._timeout = config.timeout_ms / 1000
        unary, stream = self._unary, self._stream
        self._get: Any = unary("GetDocument", messages.GetDocumentRequest, messages.Document)
        self._list: Any = unary("ListDocuments", messages.ListDocumentsRequest, messages.ListDocumentsResponse)
        self._list_ids: Any = unary(
            "ListCollectionIds", messages.ListCollectionIdsRequest, messages.ListCollectionIdsResponse
        )
        self._commit: Any = unary("Commit", messages.CommitRequest, messages.CommitResponse)
        self._batch_get: Any = stream(
            "BatchGetDocuments", messages.BatchGetDocumentsRequest, messages.BatchGetDocumentsResponse
        )
        self._query: Any = stream("RunQuery", messages.RunQueryRequest, messages.RunQueryResponse)
        self._aggregate: Any = stream(
            "RunAggregationQuery", messages.RunAggregationQueryRequest, messages.RunAggregationQueryResponse
        )

    def _unary(self, method: str, request: Any, response: Any) -> Any:
        return self.channel.unary_unary(
            _SERVICE + method,
            request_serializer=request.SerializeToString,
            response_deserializer=response.FromString,
        )

    def _stream(self, method: str, request: Any, response: Any) -> Any:
        return self.channel.unary_stream(
            _SERVICE + method,
            request_serializer=request.SerializeToString,
            response_deserializer=response.FromString,
        )

    async def close(self) -> None:
        """Close the channel; requests that are on their way are cancelled."""
        self._closed = True
        await self.channel.close()

    # --- time

    def check_loop(self) -> None:
        """Refuse to work on another event loop than the one the channel belongs to.

        Raises:
            NoSQLConnectionError: It is another one.
        """
        if asyncio.get_running_loop() is not self._loop:
            raise NoSQLConnectionError(
                "this store was connected on another event loop",
                hint="A connection to Firestore belongs to one event loop: connect a store on each loop that uses one.",
                retryable=False,
            )

    def end(self, deadline: float | None, most: float | None = None) -> float:
        """When a request must have ended, as ``loop.time()``.

        Args:
            deadline: That of the call, or None.
            most: Seconds that it may take; those of the configuration if missing.

        Raises:
            NoSQLConnectionError: This is another event loop.
        """
        if asyncio.get_running_loop() is not self._loop:
            self.check_loop()
        end = self._loop.time() + (self._timeout if most is None else most)
        return end if deadline is None else min(end, deadline + GRACE)

    def left(self, end: float) -> float:
        """Seconds until *end*.

        Raises:
            NoSQLTimeoutError: There are none.
        """
        seconds = end - self._loop.time()
        if seconds <= 0:
            raise NoSQLTimeoutError("the request did not end in time", hint="timeout_ms says how long it may take.")
        return seconds

    async def pause(self, attempt: int, end: float) -> bool:
        """Wait before a repetition.

        Args:
            attempt: How often the request has failed, from 1.
            end: When it must have ended.

        Returns:
            False where there is no time for another attempt.
        """
        config = self._config
        longest = min(config.retry_max_ms, config.retry_initial_ms * config.retry_multiplier ** (attempt - 1)) / 1000
        seconds = random.uniform(longest / 2, longest)  # noqa: S311 - jitter
        if self._loop.time() + seconds >= end:
            return False
        await asyncio.sleep(seconds)
        return True

    def ended(self) -> NoSQLConnectionError | None:
        """What a cancellation means that nobody asked for: gRPC cancels what is under way when its channel closes.

        Returns:
            The error to raise; None where somebody did ask, so that the cancellation must go on.
        """
        task = asyncio.current_task()
        if not self._closed or (task is not None and task.cancelling()):
            return None
        return NoSQLConnectionError("the connection was closed while a request was under way")

    @property
    def patience(self) -> float:
        """Seconds after which a feed that cannot go on gives up."""
        return self._timeout

    # --- the service's time

    def _see(self, time: Any) -> None:
        """Note a time that the service told, so that :meth:`now` is not before it."""
        told = time.seconds * 1_000_000 + time.nanos // 1000
        known = self.now()
        if known is None or told > known:
            self._seen = told, int(self._loop.time() * 1_000_000)

    def now(self) -> int | None:
        """The service's time in microseconds since 1970, or a little before, but not before what it has told.

        Returns:
            None where it has told nothing yet.
        """
        if self._seen is None:
            return None
        return self._time_at(self._seen, self.tick())

    @property
    def is_current(self) -> bool:
        """True while :meth:`now` can be at most :data:`_MOST_LAG` behind."""
        return self._seen is not None and self.tick() - self._seen[1] <= _MOST_LAG * _CLOCK_DRIFT

    def tick(self) -> int:
        """Microseconds of this loop's clock, for :meth:`time_of`."""
        return int(self._loop.time() * 1_000_000)

    async def time_of(self, tick: int) -> int:
        """The service's time at a moment of the loop's clock, or a little before; asked for.

        Args:
            tick: What :meth:`tick` was then, in microseconds.

        Returns:
            Microseconds since 1970, not before what was known of that moment.
        """
        known = None if self._seen is None else self._time_at(self._seen, tick)
        await self.ask_time()
        assert self._seen is not None  # noqa: S101 - the service has just told it
        asked = self._time_at(self._seen, tick)
        return asked if known is None else max(known, asked)

    @staticmethod
    def _time_at(seen: tuple[int, int], tick: int) -> int:
        told, then = seen
        passed = tick - then
        # The clocks of two machines do not run alike.
        return told + passed - abs(passed) // _CLOCK_DRIFT

    async def ask_time(self, deadline: float | None = None) -> int:
        """The service's time in microseconds since 1970, asked for."""
        request = messages.RunQueryRequest(parent=self.root)
        request.structured_query.from_.add(collection_id="~time")
        request.structured_query.limit.value = 1
        async for _, read_at in self.query(request, deadline, 1):
            if read_at is not None:
                self._see(read_at)
        now = self.now()
        if now is None:
            raise NoSQLConnectionError("the service did not tell the time")
        return now

    # --- reads

    async def _repeated(
        self, call: Callable[[float], Any], deadline: float | None, *, end: float | None = None, attempt: int = 0
    ) -> Any:
        """Send a request that changes nothing until it is answered, as often as the configuration says.

        Args:
            call: Sends it; told how many seconds are left.
            deadline: That of the call.
            end: When it must have ended, where it has begun before.
            attempt: How often it has failed before.
        """
        if end is None:
            end = self.end(deadline)
        while True:
            try:
                return await call(self.left(end))
            except aio.AioRpcError as error:
                attempt += 1
                if attempt >= self._config.retry_attempts or not retryable_read(error):
                    raise
                if not await self.pause(attempt, end):
                    raise
            except asyncio.CancelledError as error:
                ended = self.ended()
                if ended is None:
                    raise
                raise ended from error

    async def get(self, name: str, deadline: float | None) -> Any:
        """A document; None where there is none.

        Args:
            name: Full name of the document.
            deadline: That of the call.
        """
        request = messages.GetDocumentRequest(name=name)
        end = self.end(deadline)
        try:
            # The first attempt without the machinery of the others: it is nearly always the only one.
            return await self._get(request, timeout=self.left(end), metadata=self.metadata)
        except aio.AioRpcError as error:
            code = error.code()
            if code is StatusCode.NOT_FOUND:
                return None
            if self._config.retry_attempts == 1 or not retryable_read(error):
                raise
            if not await self.pause(1, end):
                raise
        except asyncio.CancelledError as error:
            ended = self.ended()
            if ended is None:
                raise
            raise ended from error
        try:
            return await self._repeated(
                lambda seconds: self._get(request, timeout=seconds, metadata=self.metadata),
                deadline,
                end=end,
                attempt=1,
            )
        except aio.AioRpcError as error:
            if error.code() is StatusCode.NOT_FOUND:
                return None
            raise

    async def batch_get(
        self, names: Sequence[str], deadline: float | None, *, at: Any = None, fields: Sequence[str] | None = None
    ) -> tuple[dict[str, Any], Any]:
        """Documents by name.

        Args:
            names: Full names of documents.
            deadline: That of the call.
            at: A time to read at, as a protobuf ``Timestamp``; None for now.
            fields: Paths of the fields that are wanted; None for all.

        Returns:
            Those that are there, by name, and the time they were read at.
        """
        request = messages.BatchGetDocumentsRequest(database=self.database, documents=names)
        if at is not None:
            request.read_time.CopyFrom(at)
        if fields is not None:
            request.mask.SetInParent()
            request.mask.field_paths.extend(fields)

        async def once(seconds: float) -> tuple[dict[str, Any], Any]:
            found: dict[str, Any] = {}
            read_at: Any = None
            call = self._batch_get(request, timeout=seconds, metadata=self.metadata)
            async for response in call:
                read_at = response.read_time
                if response.HasField("found"):
                    found[response.found.name] = response.found
            if read_at is not None:
                self._see(read_at)
            return found, read_at

        found: tuple[dict[str, Any], Any] = await self._repeated(once, deadline)
        return found

    async def query(self, request: Any, deadline: float | None, size: int) -> AsyncGenerator[tuple[list[Any], Any]]:
        """Run a query, and yield what comes in lists.

        Args:
            request: A ``RunQueryRequest``.
            deadline: That of the call.
            size: About how many documents to yield together.

        Yields:
            Documents, and the time they were read at; an empty list with the time where there are none.

        Raises:
            AioRpcError: The service refused, or went away after the first document.
        """
        end = self.end(deadline, self._config.query_timeout_ms / 1000)
        attempt = 0
        told = False
        while True:
            call = self._query(request, timeout=self.left(end), metadata=self.metadata)
            documents: list[Any] = []
            read_at: Any = None
            try:
                async for response in call:
                    read_at = response.read_time
                    if response.HasField("document"):
                        documents.append(response.document)
                        if len(documents) >= size:
                            told = True
                            yield documents, read_at
                            documents = []
                if read_at is not None:
                    self._see(read_at)
                if documents or not told:
                    # Also where nothing was found, the time counts: a snapshot may begin with it.
                    told = True
                    yield documents, read_at
            except aio.AioRpcError as error:
                attempt += 1
                if told or attempt >= self._config.retry_attempts or not retryable_read(error):
                    raise
                if not await self.pause(attempt, end):
                    raise
            except asyncio.CancelledError as error:
                ended = self.ended()
                if ended is None:
                    raise
                raise ended from error
            else:
                return
            finally:
                if call.cancel():
                    # Until its end has been told, the request is still open.
                    await call.code()

    async def aggregate(self, request: Any, deadline: float | None) -> Any:
        """Run an aggregation.

        Args:
            request: A ``RunAggregationQueryRequest``.
            deadline: That of the call.

        Returns:
            The results by alias, as ``Value`` messages.
        """

        async def once(seconds: float) -> Any:
            found: Any = None
            async for response in self._aggregate(request, timeout=seconds, metadata=self.metadata):
                if response.HasField("result"):
                    found = response.result.aggregate_fields
                    self._see(response.read_time)
            return found

        return await self._repeated(once, deadline)

    async def list_documents(self, request: Any, deadline: float | None) -> Any:
        """One page of the documents of a collection, in the order of their names."""
        return await self._repeated(
            lambda seconds: self._list(request, timeout=seconds, metadata=self.metadata), deadline
        )

    async def list_collection_ids(self, parent: str, deadline: float | None) -> list[str]:
        """Ids of the collections below a document, or of the database's own.

        Args:
            parent: Full name of the document, or :attr:`root`.
            deadline: That of the call.
        """
        names: list[str] = []
        request = messages.ListCollectionIdsRequest(parent=parent, page_size=1000)
        while True:
            page = await self._repeated(
                lambda seconds: self._list_ids(request, timeout=seconds, metadata=self.metadata), deadline
            )
            names += page.collection_ids
            if not page.next_page_token:
                return names
            request.page_token = page.next_page_token

    # --- writes

    async def _reach(self, deadline: float | None) -> None:
        """See that a connection is up, by a read that finds nothing.

        Raises:
            NoSQLConnectionError: The service cannot be reached.
        """
        request = messages.ListDocumentsRequest(parent=self.root, collection_id="~ping", page_size=1)
        try:
            await self.list_documents(request, deadline)
        except aio.AioRpcError as error:
            found = classify(error)
            if isinstance(found, NoSQLConnectionError | NoSQLTimeoutError):
                raise found from error
            # Refused, so it was reached.

    async def commit(self, writes: Sequence[Any], deadline: float | None, *, again: bool = False) -> Any:
        """Make writes, all or none.

        Args:
            writes: ``Write`` messages, at most 500.
            deadline: That of the call.
            again: True where doing them twice is the same as doing them once.

        Returns:
            The ``CommitResponse``.

        Raises:
            AioRpcError: Nothing was written, or (:data:`~lexigram.nosql.backends.firestore.errors.UNANSWERED`) nobody
                knows.
            NoSQLConnectionError: The service cannot be reached, and nothing was sent; or, if it is not to be repeated,
                an answer was lost, and what came after it does not tell.
        """
        request = messages.CommitRequest(database=self.database, writes=writes)
        end = self.end(deadline)
        if self.channel.get_state() is not ChannelConnectivity.READY:
            await self._reach(deadline)
        attempt = 0
        missed = False
        while True:
            try:
                answer = await self._commit(request, timeout=self.left(end), metadata=self.metadata)
            except aio.AioRpcError as error:
                attempt += 1
                code = code_of(error)
                busy = code in _REFUSED_WHOLE and attempt < self._config.commit_attempts
                lost = again and code in _LOST and attempt < self._config.retry_attempts
                if missed and code in _GONE:
                    # The first one may have been made, and the document removed since.
                    raise outcome_unknown() from error
                missed = missed or lost
                if not (busy or lost) or not await self.pause(attempt, end):
                    raise
            except asyncio.CancelledError as error:
                if self.ended() is None:
                    raise
                raise unanswered(error) from error
            else:
                self._see(answer.commit_time)
                return answer

"""The client: one aioboto3 client for each store, made on the loop that uses it, and closed with the store.

Everything that is said to it and that it says is DynamoDB's JSON as on the wire: binary values are base64 text, numbers
are text. Two ways lead to the service, with the same credentials, endpoints, connections and retries of the SDK:
:mod:`~lexigram.nosql.backends.dynamodb.wire.direct`, and
:mod:`~lexigram.nosql.backends.dynamodb.wire.through` for settings that need all of botocore's stages.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from contextlib import AsyncExitStack
from typing import Any, cast

from botocore.exceptions import ClientError
from lexigram.nosql.backends.dynamodb.config import DynamoDBConfig
from lexigram.nosql.backends.dynamodb.wire import Again
from lexigram.nosql.backends.dynamodb.wire.bodies import Bodies
from lexigram.nosql.backends.dynamodb.wire.direct import Direct, serves
from lexigram.nosql.backends.dynamodb.wire.opening import client_options, open_session
from lexigram.nosql.backends.dynamodb.wire.through import Through
from lexigram.nosql.exceptions import NoSQLConnectionError, StoreNotConnectedError

__all__ = ["DynamoClient"]


def _tables(request: Mapping[str, Any]) -> list[str]:
    """The tables that a request names."""
    if "TableName" in request:
        return [str(request["TableName"])]
    if "RequestItems" in request:
        return [*request["RequestItems"]]
    actions = [next(iter(action.values())) for action in request.get("TransactItems", ())]
    return [*dict.fromkeys(str(action.get("TableName", "")) for action in actions)]


class _Service:
    """One service of the SDK, with both ways to it.

    Args:
        native: The SDK's client.
        bodies: Writes and reads bodies.
    """

    def __init__(self, native: Any, bodies: Bodies) -> None:
        self.native = native
        self.long = Through(native, bodies)
        self.short = Direct(native, bodies) if serves(native) else None

    @property
    def requests(self) -> int:
        """How many requests were sent, repeated ones included."""
        return self.long.requests + (0 if self.short is None else self.short.requests)

    async def call(self, operation: str, request: Mapping[str, Any], again: Again | None = None) -> dict[str, Any]:
        """Send a request by the way that serves it."""
        if self.short is None or any(":" in table for table in _tables(request)):
            return await self.long(operation, request, again)
        return await self.short(operation, request, again)


class DynamoClient:
    """A client of DynamoDB, and of DynamoDB Streams when that is first asked for.

    Args:
        config: The configuration.
    """

    def __init__(self, config: DynamoDBConfig) -> None:
        self._config = config
        self._stack = AsyncExitStack()
        self._bodies = Bodies(marked=config.empty_values == "marked")
        self._loop: asyncio.AbstractEventLoop | None = None
        self._session: Any = None
        self._dynamodb: _Service | None = None
        self._streams: _Service | None = None
        self._opening = asyncio.Lock()

    def __repr__(self) -> str:
        place = self._config.endpoint_url or self._config.region
        return f"<{type(self).__name__} {place} {'open' if self._dynamodb is not None else 'closed'}>"

    async def open(self) -> None:
        """Make the SDK's client on the running loop. No request is sent yet.

        Raises:
            BotoCoreError: A setting, a profile or a file of the SDK is not valid.
        """
        self._loop = asyncio.get_running_loop()
        self._session = await open_session(self._config)
        self._dynamodb = await self._service("dynamodb")

    async def close(self) -> None:
        """Close every connection; again is not an error."""
        self._dynamodb = self._streams = None
        await self._stack.aclose()

    @property
    def native(self) -> Any:
        """The SDK's own client, for what has no portable form."""
        return self._open_service().native

    @property
    def requests(self) -> int:
        """How many requests were sent by this client, repeated ones included."""
        return sum(service.requests for service in (self._dynamodb, self._streams) if service is not None)

    async def call(self, operation: str, request: Mapping[str, Any], again: Again | None = None) -> dict[str, Any]:
        """Ask DynamoDB.

        Args:
            operation: Its name, such as ``PutItem``.
            request: Its parameters, as on the wire.
            again: Asked before the SDK sends the request again; None where that does no harm.

        Returns:
            What it answers, as on the wire.

        Raises:
            ClientError: The service refused it.
            BotoCoreError: It did not reach the service, or the answer did not arrive.
            DocumentTooLargeError: It holds an item of more than 400 KB. Nothing was sent.
            NoSQLConnectionError: The client is closed, or belongs to another event loop.
        """
        service = self._dynamodb
        if service is None or asyncio.get_running_loop() is not self._loop:
            service = self._open_service()
        try:
            return await service.call(operation, request, again)
        except ClientError as error:
            # The service does not say which table it means.
            cast("dict[str, Any]", error.response).setdefault("TableNames", _tables(request))
            raise

    async def streams_call(self, operation: str, request: Mapping[str, Any]) -> dict[str, Any]:
        """Ask DynamoDB Streams; as :meth:`call` otherwise.

        Args:
            operation: Its name, such as ``GetRecords``.
            request: Its parameters, as on the wire.

        Returns:
            What it answers, as on the wire; times are seconds since 1970.
        """
        self._open_service()
        if self._streams is None:
            async with self._opening:
                if self._streams is None:
                    self._streams = await self._service("dynamodbstreams")
        return await self._streams.call(operation, request)

    async def _service(self, name: str) -> _Service:
        options = client_options(self._config)
        return _Service(await self._stack.enter_async_context(self._session.client(name, **options)), self._bodies)

    def _open_service(self) -> _Service:
        """The client, if it can be used here."""
        if self._dynamodb is None:
            raise StoreNotConnectedError("the client of DynamoDB is closed", hint="Connect the store first.")
        if asyncio.get_running_loop() is not self._loop:
            raise NoSQLConnectionError(
                "this store was connected on another event loop",
                hint="A client of DynamoDB belongs to one event loop: connect a store on each loop that uses one.",
                retryable=False,
            )
        return self._dynamodb

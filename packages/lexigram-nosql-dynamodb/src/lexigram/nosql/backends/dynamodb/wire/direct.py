"""Requests by the shortest way: our body, botocore's signature and endpoint, aiobotocore's connections.

botocore takes a request through some twenty events, most of which nobody listens to. Those that matter are kept:
credentials are asked for each time, so that they may be renewed; the endpoint is what botocore's rules say; failures
go to botocore's own retry handlers, which decide, wait, and count against their quota. The checksum of an answer is
checked as botocore does. Who wants the events, has a client of the SDK in ``store.native``.
"""

from __future__ import annotations

import itertools
import os
import uuid
import zlib
from collections.abc import Mapping
from typing import Any, Final, NamedTuple
from urllib.parse import urlsplit

from aiobotocore.httpsession import AIOHTTPSession
from botocore.context import start_as_current_context
from botocore.exceptions import ChecksumError, HTTPClientError, NoCredentialsError
from botocore.utils import is_valid_ipv6_endpoint_url
from lexigram.nosql.backends.dynamodb.wire import ANSWER_LOST, UNCERTAIN, Again
from lexigram.nosql.backends.dynamodb.wire.bodies import Bodies, error_of, is_whole
from lexigram.nosql.backends.dynamodb.wire.connections import Connections, Reply
from lexigram.nosql.backends.dynamodb.wire.signing import Signer

__all__ = ["Direct", "serves"]

_RETRY_MODES: Final = frozenset({"legacy", "standard"})
_INTERNALS: Final = ("_endpoint", "_request_signer", "_resolve_endpoint_ruleset", "_user_agent_creator")
_FAILED: Final = 300
_WITHOUT_TABLES: Final[Mapping[str, str]] = {"dynamodb": "ListTables", "dynamodbstreams": "ListStreams"}
"""An operation of each service for whose endpoint no table matters."""


def serves(client: Any) -> bool:
    """Say whether a client's requests can go by the short way.

    Args:
        client: A client of the SDK.

    Returns:
        False where its settings ask for stages that only the long way has.
    """
    config = client.meta.config
    return (
        all(hasattr(client, name) for name in _INTERNALS)
        and config.retries.get("mode", "legacy") in _RETRY_MODES
        and not config.endpoint_discovery_enabled
        and config.signature_version == "v4"
        and "AWS_LAMBDA_FUNCTION_NAME" not in os.environ
        and isinstance(client._endpoint.http_session, AIOHTTPSession)
    )


class _Place(NamedTuple):
    """Where requests go."""

    connections: Connections
    signer: Signer


class Direct:
    """Sends requests of one service.

    Args:
        client: The SDK's client. It stays as it is.
        bodies: Writes and reads bodies.

    Attributes:
        requests: How many requests were sent, repeated ones included.
    """

    def __init__(self, client: Any, bodies: Bodies) -> None:
        self._client = client
        self._bodies = bodies
        self._endpoint = client._endpoint
        self._credentials = client._request_signer._credentials
        self._model = client.meta.service_model
        self._places: dict[object, _Place] = {}
        metadata = self._model.metadata
        self._target: str = metadata["targetPrefix"]
        self._content_type = f"application/x-amz-json-{metadata['jsonVersion']}"
        with start_as_current_context():
            self._agent: str = client._user_agent_creator.to_string()
        self._invocations = str(uuid.uuid4())[:-12]  # the rest is counted
        self._calls = itertools.count()
        self._retried = False
        self.requests = 0

    async def __call__(self, operation: str, request: Mapping[str, Any], again: Again | None = None) -> dict[str, Any]:
        """Send one request, again if need be, and return what the answer says.

        Args:
            operation: Its name.
            request: Its parameters.
            again: Asked before it is sent again.

        Raises:
            ClientError: The service refused it.
            BotoCoreError: It did not reach the service, or the answer did not arrive.
        """
        if operation == "TransactWriteItems" and "ClientRequestToken" not in request:
            # So that one that is sent again does not count twice.
            request = {**request, "ClientRequestToken": str(uuid.uuid4())}
        body = self._bodies.write(operation, request)
        headers = {
            "amz-sdk-invocation-id": f"{self._invocations}{next(self._calls):012x}",
            "amz-sdk-request": "attempt=1",
            "content-type": self._content_type,
        }
        reply, failure = await self._attempt(operation, headers, body)
        if reply is not None and reply.status < _FAILED and is_whole(reply.headers, reply.body):
            if self._retried:
                await self._succeeded(operation, reply, {})
            return self._bodies.read(reply.body)
        return await self._again(operation, headers, body, reply, failure, again)

    async def _attempt(
        self, operation: str, headers: Mapping[str, str], body: bytes
    ) -> tuple[Reply | None, Exception | None]:
        """Send a request once; what comes of it, or why nothing came."""
        try:
            return await self._sent(operation, headers, body), None
        except Exception as error:  # noqa: BLE001 - botocore's retry handlers are given whatever it was
            return None, error

    async def _sent(self, operation: str, headers: Mapping[str, str], body: bytes) -> Reply:
        if self._credentials is None:
            raise NoCredentialsError
        frozen = await self._credentials.get_frozen_credentials()
        place = self._places.get(getattr(frozen, "account_id", None))
        if place is None:
            place = await self._find_place(frozen)
        signed = place.signer.headers(frozen, body, headers, f"{self._target}.{operation}")
        signed["User-Agent"] = self._agent
        signed["Accept-Encoding"] = "identity"  # the checksum is that of the body as it travels
        self.requests += 1
        return await place.connections.post(signed, body)

    async def _find_place(self, frozen: Any) -> _Place:
        """Ask botocore's rules for the endpoint; it depends on the account, where that is known, and on no table."""
        model = self._model.operation_model(_WITHOUT_TABLES[self._model.service_name])
        context: dict[str, Any] = {"client_region": self._client.meta.region_name}
        signer = self._client._request_signer
        with start_as_current_context():
            found = await self._client._resolve_endpoint_ruleset(model, {}, context)
        url: str = found[0]
        signing = context.get("signing", {})
        parts = urlsplit(url)
        host = parts.hostname or ""
        if is_valid_ipv6_endpoint_url(url):
            host = f"[{host}]"
        if parts.port is not None and parts.port != {"http": 80, "https": 443}[parts.scheme]:
            host = f"{host}:{parts.port}"
        path = parts.path or "/"
        place = _Place(
            Connections(self._endpoint.http_session, f"{parts.scheme}://{parts.netloc}{path}"),
            Signer(
                signing.get("signing_name") or signer.signing_name,
                signing.get("region") or signer.region_name,
                host,
                path,
            ),
        )
        self._places[getattr(frozen, "account_id", None)] = place
        return place

    async def _again(
        self,
        operation: str,
        headers: dict[str, str],
        body: bytes,
        reply: Reply | None,
        failure: Exception | None,
        again: Again | None,
    ) -> dict[str, Any]:
        """Follow botocore's retry handlers after a first attempt that failed."""
        model = self._model.operation_model(operation)
        meta = self._client.meta
        context: dict[str, Any] = {"client_region": meta.region_name, "client_config": meta.config}
        attempts = 1
        lost = False
        self._endpoint._update_retries_context(context, attempts)
        self._retried = True
        while True:
            outcome: Exception
            answer: tuple[Any, Mapping[str, Any]] | None = None
            uncertain = reply is None or not _FAILED <= reply.status < UNCERTAIN
            if reply is None:
                outcome = failure or HTTPClientError(error="no answer")
            elif reply.status >= _FAILED:
                parsed = error_of(reply.status, reply.headers, reply.body)
                parsed["ResponseMetadata"]["RetryAttempts"] = attempts - 1
                parsed["ResponseMetadata"][ANSWER_LOST] = lost or uncertain
                outcome = self._client.exceptions.from_code(parsed["Error"]["Code"])(parsed, operation)
                answer = (reply.for_botocore(), parsed)
            elif is_whole(reply.headers, reply.body):
                await self._succeeded(operation, reply, context)
                return self._bodies.read(reply.body)
            else:
                told = str(reply.headers.get("x-amz-crc32"))
                outcome = ChecksumError(
                    checksum_type="crc32", expected_checksum=told, actual_checksum=str(zlib.crc32(reply.body))
                )
                answer = (reply.for_botocore(), {"ResponseMetadata": {}})
            lost = lost or uncertain
            if uncertain and again is not None and not await again(True):
                raise outcome
            if not await self._endpoint._needs_retry(attempts, model, {"context": context}, answer, failure):
                raise outcome
            if again is not None and not await again(False):
                raise outcome
            attempts += 1
            self._endpoint._update_retries_context(context, attempts, answer)
            most = context.get("retries", {}).get("max")
            headers["amz-sdk-request"] = f"attempt={attempts}" + (f"; max={most}" if most else "")
            reply, failure = await self._attempt(operation, headers, body)

    async def _succeeded(self, operation: str, reply: Reply, context: dict[str, Any]) -> None:
        """Give back to the quota of retries what an attempt that worked gives back."""
        service = self._model.service_id.hyphenize()
        await self._client.meta.events.emit(
            f"after-call.{service}.{operation}",
            http_response=reply.for_botocore(),
            parsed={"ResponseMetadata": {}},
            model=self._model.operation_model(operation),
            context=context,
        )

"""Requests through all of botocore's stages, with our serialiser and parser in the place of its own.

For what the direct way (:mod:`~lexigram.nosql.backends.dynamodb.wire.direct`) has no place for: adaptive retries, which
hold requests back; endpoint discovery; tables named by an ARN, whose account has an endpoint of its own; what an AWS
Lambda adds to its requests.
"""

from __future__ import annotations

import copy
import io
import uuid
from collections.abc import Mapping
from contextvars import ContextVar
from typing import Any, Final

from botocore.exceptions import HTTPClientError
from lexigram.nosql.backends.dynamodb.wire import UNCERTAIN, Again
from lexigram.nosql.backends.dynamodb.wire.bodies import Bodies, error_of
from lexigram.nosql.backends.dynamodb.wire.connections import LARGE

__all__ = ["Through"]

_FAILED = 300


class _Call:
    """One call, of which the SDK makes one attempt or several.

    Args:
        again: Asked before another attempt.
    """

    def __init__(self, again: Again | None) -> None:
        self.again = again
        self.attempts = 0
        self.uncertain = False

    async def may_be_sent(self) -> bool:
        """Say whether another attempt is wanted."""
        self.attempts += 1
        if self.attempts == 1 or self.again is None:
            return True
        return (not self.uncertain or await self.again(True)) and await self.again(False)


_call: Final[ContextVar[_Call | None]] = ContextVar("lexigram_dynamodb_call", default=None)
"""The call to which an attempt belongs; botocore's events do not tell."""


class _Serializer:
    """What botocore asks for the form of a request."""

    def __init__(self, bodies: Bodies, version: str) -> None:
        self._bodies = bodies
        self._content_type = f"application/x-amz-json-{version}"

    def serialize_to_request(self, parameters: Mapping[str, Any], operation: Any) -> dict[str, Any]:
        """A request in the form that botocore passes on."""
        if operation.name == "TransactWriteItems" and "ClientRequestToken" not in parameters:
            parameters = {**parameters, "ClientRequestToken": str(uuid.uuid4())}
        body = self._bodies.write(operation.name, parameters)
        return {
            "url_path": "/",
            "query_string": "",
            "method": "POST",
            "headers": {
                "X-Amz-Target": f"{operation.metadata['targetPrefix']}.{operation.name}",
                "Content-Type": self._content_type,
            },
            "body": body if len(body) < LARGE else io.BytesIO(body),
        }


class _Parser:
    """What botocore asks for the meaning of an answer."""

    def __init__(self, bodies: Bodies) -> None:
        self._bodies = bodies

    async def parse(self, response: Mapping[str, Any], _shape: object) -> dict[str, Any]:
        """An answer's contents, with what botocore's retries look at."""
        status, headers, body = response["status_code"], response["headers"], response["body"]
        if status >= _FAILED:
            return error_of(status, headers, body)
        found = self._bodies.read(body)
        found["ResponseMetadata"] = {"HTTPStatusCode": status, "HTTPHeaders": headers}
        return found


class _Parsers:
    """What botocore asks for a parser."""

    def __init__(self, parser: _Parser) -> None:
        self._parser = parser

    def create_parser(self, _protocol: str) -> _Parser:
        """The parser, which is the same for all protocols."""
        return self._parser


class Through:
    """Sends requests of one service.

    Args:
        client: The SDK's client. It stays as it is.
        bodies: Writes and reads bodies.
    """

    def __init__(self, client: Any, bodies: Bodies) -> None:
        # A client of the same connections, credentials and handlers, with other components.
        twin = copy.copy(client)
        twin._serializer = _Serializer(bodies, client.meta.service_model.metadata["jsonVersion"])
        twin._endpoint = copy.copy(client._endpoint)
        twin._endpoint._response_parser_factory = _Parsers(_Parser(bodies))
        self._client = twin
        self.requests = 0
        service = client.meta.service_model.service_id.hyphenize()
        client.meta.events.register(f"before-send.{service}", self._count)
        client.meta.events.register_first(f"needs-retry.{service}", self._note)

    async def _count(self, **_: object) -> None:
        """Count an attempt, before it is sent, unless it is a repetition that is not wanted."""
        call = _call.get()
        if call is not None and not await call.may_be_sent():
            raise HTTPClientError(error="the request was not sent again")
        self.requests += 1

    def _note(self, response: tuple[Any, Any] | None, **_: object) -> None:
        """Note whether an attempt may have been carried out, where botocore asks whether to send another."""
        call = _call.get()
        if call is not None:
            call.uncertain = response is None or not _FAILED <= response[0].status_code < UNCERTAIN

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
        token = _call.set(_Call(again))
        try:
            found: dict[str, Any] = await self._client._make_api_call(operation, dict(request))
        finally:
            _call.reset(token)
        found.pop("ResponseMetadata", None)
        return found

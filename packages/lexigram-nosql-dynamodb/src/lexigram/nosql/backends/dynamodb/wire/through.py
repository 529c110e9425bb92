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
from typing import Any

from lexigram.nosql.backends.dynamodb.wire.bodies import Bodies, error_of
from lexigram.nosql.backends.dynamodb.wire.connections import LARGE

__all__ = ["Through"]

_FAILED = 300


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
        client.meta.events.register(f"before-send.{client.meta.service_model.service_id.hyphenize()}", self._count)

    def _count(self, **_: object) -> None:
        self.requests += 1

    async def __call__(self, operation: str, request: Mapping[str, Any]) -> dict[str, Any]:
        """Send one request, again if need be, and return what the answer says.

        Args:
            operation: Its name.
            request: Its parameters.

        Raises:
            ClientError: The service refused it.
            BotoCoreError: It did not reach the service, or the answer did not arrive.
        """
        found: dict[str, Any] = await self._client._make_api_call(operation, dict(request))
        found.pop("ResponseMetadata", None)
        return found

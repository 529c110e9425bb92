"""Requests to a server without any of the code that is tested, for what must be set up and cleared away."""

from __future__ import annotations

import asyncio
import http.client
import json
from typing import Any
from urllib.parse import urlsplit

__all__ = ["drop_tables", "request"]

_AUTHORIZATION = (
    "AWS4-HMAC-SHA256 Credential=lexigram/20260101/us-east-1/dynamodb/aws4_request, SignedHeaders=host, Signature=0"
)


def _request(endpoint: str, operation: str, body: dict[str, Any]) -> dict[str, Any]:
    parts = urlsplit(endpoint)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=30)
    try:
        connection.request(
            "POST",
            "/",
            json.dumps(body),
            {
                "X-Amz-Target": f"DynamoDB_20120810.{operation}",
                "Content-Type": "application/x-amz-json-1.0",
                "Authorization": _AUTHORIZATION,
                "X-Amz-Date": "20260101T000000Z",
            },
        )
        answer = connection.getresponse()
        told: dict[str, Any] = json.loads(answer.read() or b"{}")
        if answer.status != http.HTTPStatus.OK:
            raise RuntimeError(f"{operation}: {answer.status} {told}")
        return told
    finally:
        connection.close()


async def request(endpoint: str, operation: str, body: dict[str, Any]) -> dict[str, Any]:
    """Send one request.

    Args:
        endpoint: Of the server, which takes any credentials.
        operation: Such as ``CreateTable``.
        body: As on the wire.

    Returns:
        The answer, as on the wire.

    Raises:
        RuntimeError: It was refused.
    """
    return await asyncio.to_thread(_request, endpoint, operation, body)


def _drop(endpoint: str, prefix: str) -> None:
    # The first name asked for comes after the one given.
    told = _request(endpoint, "ListTables", {"ExclusiveStartTableName": prefix[:-1]})
    for name in told.get("TableNames", ()):
        if name.startswith(prefix):
            _request(endpoint, "DeleteTable", {"TableName": name})


async def drop_tables(endpoint: str, prefix: str) -> None:
    """Remove all tables whose names begin with *prefix*."""
    await asyncio.to_thread(_drop, endpoint, prefix)

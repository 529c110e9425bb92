"""Bodies of requests and answers: JSON as DynamoDB speaks it, read and written once."""

from __future__ import annotations

import json
import zlib
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final, cast

from botocore.parsers import ResponseParserError
from lexigram.nosql.backends.dynamodb.codec import MAX_ITEM_BYTES, check_size

__all__ = ["Bodies", "error_of", "is_whole"]

_encode: Final[Callable[[Any], str]] = json.JSONEncoder(separators=(",", ":"), check_circular=False).encode

# A server that refuses empty values gets these instead. In JSON text a quotation mark inside a string is escaped, so
# the texts that are replaced stand only where a value is one of these.
_MARKS: Final = (
    ('{"S":""}', '{"S":"\\u0000lx-empty"}'),
    ('{"B":""}', '{"B":"AGx4LWVtcHR5"}'),
)


class Bodies:
    """Writes and reads bodies.

    Args:
        marked: Replace empty text and bytes by a mark, and the mark by them.
    """

    def __init__(self, *, marked: bool) -> None:
        self._marked = marked

    def write(self, operation: str, request: Mapping[str, Any]) -> bytes:
        """The body of a request.

        Args:
            operation: The operation.
            request: Its parameters.

        Raises:
            DocumentTooLargeError: An item in it is larger than DynamoDB stores.
        """
        text = _encode(request)
        # An item takes no more bytes than its JSON does, so only long bodies are looked into.
        if len(text) > MAX_ITEM_BYTES:
            items = _ITEMS.get(operation)
            if items is not None:
                check_size(items(request))
        if self._marked:
            for empty, mark in _MARKS:
                text = text.replace(empty, mark)
        return text.encode()

    def read(self, body: bytes) -> dict[str, Any]:
        """The contents of an answer.

        Args:
            body: The body.

        Raises:
            ResponseParserError: It is not JSON.
        """
        if self._marked:
            for empty, mark in _MARKS:
                body = body.replace(mark.encode(), empty.encode())
        try:
            found: dict[str, Any] = json.loads(body) if body else {}
        except ValueError as error:
            raise ResponseParserError(f"the answer is not JSON: {error}") from error
        return found


def _put(request: Mapping[str, Any]) -> Iterable[Any]:
    return [request["Item"]]


def _batch(request: Mapping[str, Any]) -> Iterable[Any]:
    return [
        write["PutRequest"]["Item"]
        for writes in request["RequestItems"].values()
        for write in writes
        if "PutRequest" in write
    ]


def _transaction(request: Mapping[str, Any]) -> Iterable[Any]:
    return [action["Put"]["Item"] for action in request["TransactItems"] if "Put" in action]


_ITEMS: Final[Mapping[str, Callable[[Mapping[str, Any]], Iterable[Any]]]] = {
    "PutItem": _put,
    "BatchWriteItem": _batch,
    "TransactWriteItems": _transaction,
}
"""The whole items that a request holds, by operation."""


_ECHOES: Final = frozenset({"IncompleteSignatureException", "InvalidSignatureException", "SignatureDoesNotMatch"})


def is_whole(headers: Mapping[str, str], body: bytes) -> bool:
    """Say whether an answer arrived as it was sent.

    Args:
        headers: Its headers, to be looked up by lower-case names.
        body: Its body.

    Returns:
        False where DynamoDB's checksum of the body is another.
    """
    told = headers.get("x-amz-crc32")
    return told is None or int(told) == zlib.crc32(body)


def error_of(status: int, headers: Mapping[str, str], body: bytes) -> dict[str, Any]:
    """What an answer that is an error says, in the form that botocore gives to errors.

    Args:
        status: The status of HTTP.
        headers: The answer's headers.
        body: The answer's body.

    Returns:
        ``Error`` with ``Code`` and ``Message``, ``ResponseMetadata``, and the fields of the error itself.
    """
    try:
        read: Any = json.loads(body) if body else None
    except ValueError:
        read = None  # from a proxy or a balancer, in HTML
    fields = cast("dict[str, Any]", read) if isinstance(read, dict) else {}
    code = str(fields.get("__type") or status).split(":", 1)[0].rsplit("#", 1)[-1]
    message = str(fields.pop("message", None) or fields.pop("Message", None) or "")
    if code in _ECHOES:
        # They repeat what was signed, a session's token among it.
        message = message.split("\n", 1)[0].split(". ", 1)[0]
    return {
        **fields,
        "Error": {"Code": code, "Message": message},
        "ResponseMetadata": {
            "RequestId": headers.get("x-amzn-requestid", ""),
            "HTTPStatusCode": status,
            "HTTPHeaders": {name.lower(): value for name, value in headers.items()},
        },
    }

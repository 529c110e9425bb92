"""Turns the errors of Google's client into Lexigram's, by gRPC status code and class.

What went wrong, the code says (:data:`CODES`, every one of them). Two codes mean different things for different
requests, and the places that send those requests know: a failed precondition of a commit is a document that changed
(:mod:`~lexigram.nosql.backends.firestore.writing.committing`), one of a query is an index that is missing
(:func:`missing_index`). Source: gRPC, "Status codes and their use"; Firestore, "Error codes".
"""

# The SDK below has no types that say more.
# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false, reportUnknownMemberType=false
# pyright: reportMissingTypeStubs=false

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

import google.auth.exceptions
import grpc
from google.api_core import exceptions as core
from google.rpc import error_details_pb2, status_pb2  # type: ignore[import-untyped]  # Google ships no types of these
from grpc import StatusCode, aio
from lexigram.nosql import exceptions as lexigram

__all__ = [
    "CODES",
    "UNANSWERED",
    "classify",
    "code_of",
    "missing_index",
    "outcome_unknown",
    "retryable_read",
    "unanswered",
]

_LOOK: Final = "Look at the data, and repeat the call if what you wanted is not the case."
_LONGEST: Final = 500
"""Characters of a message that are passed on."""

CODES: Final[Mapping[StatusCode, type[lexigram.NoSQLError]]] = {
    StatusCode.OK: lexigram.NoSQLError,
    StatusCode.CANCELLED: lexigram.NoSQLConnectionError,
    StatusCode.UNKNOWN: lexigram.NoSQLError,
    StatusCode.INVALID_ARGUMENT: lexigram.DocumentValidationError,
    StatusCode.DEADLINE_EXCEEDED: lexigram.NoSQLTimeoutError,
    StatusCode.NOT_FOUND: lexigram.DocumentNotFoundError,
    StatusCode.ALREADY_EXISTS: lexigram.DuplicateKeyError,
    StatusCode.PERMISSION_DENIED: lexigram.AuthenticationFailedError,
    StatusCode.RESOURCE_EXHAUSTED: lexigram.ThrottledError,
    StatusCode.FAILED_PRECONDITION: lexigram.NoSQLError,
    StatusCode.ABORTED: lexigram.WriteConflictError,
    StatusCode.OUT_OF_RANGE: lexigram.QueryOptionError,
    StatusCode.UNIMPLEMENTED: lexigram.UnsupportedFeatureError,
    StatusCode.INTERNAL: lexigram.NoSQLConnectionError,
    StatusCode.UNAVAILABLE: lexigram.NoSQLConnectionError,
    StatusCode.DATA_LOSS: lexigram.NoSQLError,
    StatusCode.UNAUTHENTICATED: lexigram.AuthenticationFailedError,
}
"""Which error a status code means."""

UNANSWERED: Final = frozenset(
    {
        StatusCode.UNAVAILABLE,
        StatusCode.INTERNAL,
        StatusCode.UNKNOWN,
        StatusCode.DEADLINE_EXCEEDED,
        StatusCode.CANCELLED,
    }
)
"""After which nobody knows whether a write that was sent has been made."""

_RETRYABLE: Final = frozenset(
    {StatusCode.UNAVAILABLE, StatusCode.RESOURCE_EXHAUSTED, StatusCode.INTERNAL, StatusCode.ABORTED}
)
_LINK: Final = re.compile(r"https://console\.(?:firebase\.google|cloud\.google|developers\.google)\.com/\S+")
_NUMBERS: Final[Mapping[int, StatusCode]] = {code.value[0]: code for code in StatusCode}


def code_of(error: BaseException) -> StatusCode | None:
    """The status code of an error of gRPC or of Google's client; None for others."""
    if isinstance(error, aio.AioRpcError):
        return error.code()
    if isinstance(error, core.GoogleAPICallError):
        code = error.grpc_status_code
        if code is not None:
            return code if isinstance(code, StatusCode) else _NUMBERS.get(int(code), StatusCode.UNKNOWN)
        return StatusCode.UNKNOWN
    if isinstance(error, grpc.RpcError):
        told = getattr(error, "code", None)
        found: Any = told() if callable(told) else None
        return found if isinstance(found, StatusCode) else StatusCode.UNKNOWN
    return None


def retryable_read(error: BaseException) -> bool:
    """Say whether a request that changes nothing may be sent again after this error."""
    return code_of(error) in _RETRYABLE


def status_error(code: int, message: str) -> aio.AioRpcError:
    """What a single write of a batch was told, as the error that it would have been alone.

    Args:
        code: Number of the status code.
        message: What the service says.
    """
    empty = aio.Metadata()
    return aio.AioRpcError(_NUMBERS.get(code, StatusCode.UNKNOWN), empty, empty, details=message)


def outcome_unknown() -> lexigram.NoSQLConnectionError:
    """The error for a write that was made or was not, which nobody can tell.

    Returns:
        It, not to be repeated: a second time may count the write twice.
    """
    return lexigram.NoSQLConnectionError(
        "the answer to a write was lost, and what is stored by now may be another writer's; "
        "whether it was made cannot be told",
        hint=_LOOK,
        retryable=False,
    )


def unanswered(error: BaseException) -> lexigram.NoSQLError:
    """The error for a write that was sent and never answered.

    Args:
        error: How the last attempt ended.

    Returns:
        It, not to be repeated: a second time may count the write twice.
    """
    if code_of(error) is StatusCode.DEADLINE_EXCEEDED or isinstance(error, lexigram.NoSQLTimeoutError):
        return lexigram.NoSQLTimeoutError(
            "a write was not answered in time; whether it was made cannot be told", hint=_LOOK, retryable=False
        )
    return lexigram.NoSQLConnectionError(
        "a write was not answered; whether it was made cannot be told", hint=_LOOK, retryable=False
    )


def classify(error: BaseException) -> lexigram.NoSQLError | None:
    """Translate an error of gRPC, of Google's client or of its authentication.

    Args:
        error: Any error.

    Returns:
        The error to raise, or None when *error* is not of Firestore.
    """
    code = code_of(error)
    if code is not None:
        return _made(CODES[code], code, _message(error))
    if isinstance(error, google.auth.exceptions.TransportError):
        return lexigram.NoSQLConnectionError("Google's authentication cannot be reached")
    if isinstance(error, google.auth.exceptions.GoogleAuthError):
        # What such an error says may show parts of the credentials.
        return lexigram.AuthenticationFailedError(
            f"the credentials cannot be used: {type(error).__name__}",
            hint="Give credentials_json, or log in with `gcloud auth application-default login`.",
        )
    if isinstance(error, core.GoogleAPIError):
        return lexigram.NoSQLConnectionError(_cut(str(error) or type(error).__name__))
    if isinstance(error, aio.UsageError | aio.InternalError | aio.BaseError):
        return lexigram.NoSQLConnectionError(f"the connection cannot be used: {type(error).__name__}")
    return None


def _made(kind: type[lexigram.NoSQLError], code: StatusCode, message: str) -> lexigram.NoSQLError:
    if issubclass(kind, lexigram.DuplicateKeyError):
        return kind(f"duplicate key: {message}", index="_id_")
    if code is StatusCode.PERMISSION_DENIED:
        return kind(message, hint="The account lacks a role such as roles/datastore.user, or the API is disabled.")
    if code is StatusCode.UNAVAILABLE:
        return kind(message, hint="Can the service be reached from here? A write may have happened all the same.")
    if issubclass(kind, lexigram.WriteConflictError):
        return kind(message, hint="Others keep changing the same documents; run it again, or spread the writes.")
    if issubclass(kind, lexigram.UnsupportedFeatureError):
        return kind(message, feature="")
    return kind(message)


def _cut(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"


def _message(error: BaseException) -> str:
    """What the service says, without the state of the connection that gRPC adds."""
    details = getattr(error, "details", None)
    text = details() if callable(details) else getattr(error, "message", None)
    return _cut(text) if isinstance(text, str) and text else type(error).__name__


def missing_index(error: BaseException, definition: Mapping[str, Any] | None) -> lexigram.NoSQLIndexError | None:
    """What a query means that was refused because of an index.

    Args:
        error: What the service answered to a query.
        definition: The index that would serve, made from the query; None where none would.

    Returns:
        The error to raise; None where the service refused for another reason.
    """
    if code_of(error) is not StatusCode.FAILED_PRECONDITION:
        return None
    link = _link(error)
    details: dict[str, Any] = {}
    if definition is not None:
        details["index"] = dict(definition)
    if link is not None:
        details["link"] = link
    return lexigram.NoSQLIndexError(
        "Firestore needs a composite index for this query",
        details,
        hint=f"Create it: {link}" if link else "`lexigram nosql indexes --driver firestore` writes its definition.",
    )


def _link(error: BaseException) -> str | None:
    """The address at which the console offers to make the index: from the error's details, else from its text."""
    if isinstance(error, aio.AioRpcError):
        for name, value in error.trailing_metadata() or ():
            if name == "grpc-status-details-bin" and isinstance(value, bytes):
                status: Any = status_pb2.Status.FromString(value)
                for part in status.details:
                    shown: Any = error_details_pb2.Help()
                    if part.Is(error_details_pb2.Help.DESCRIPTOR) and part.Unpack(shown):
                        for link in shown.links:
                            return str(link.url)
    found = _LINK.search(_full(error))
    return found.group(0).rstrip(".,)") if found else None


def _full(error: BaseException) -> str:
    details = getattr(error, "details", None)
    text = details() if callable(details) else str(error)
    return text if isinstance(text, str) else ""

"""Every status code and every class of Google's errors has a meaning, and no text decides it."""

from __future__ import annotations

import inspect
from typing import Any

import google.auth.exceptions
import pytest
from google.api_core import exceptions as core
from google.protobuf import any_pb2
from google.rpc import error_details_pb2, status_pb2
from grpc import StatusCode, aio
from lexigram.nosql import exceptions as lexigram
from lexigram.nosql.backends.firestore.errors import CODES, classify, code_of, missing_index, status_error


def rpc_error(code: StatusCode, details: str = "what the service says", trailing: Any = ()) -> aio.AioRpcError:
    return aio.AioRpcError(code, aio.Metadata(), aio.Metadata(*trailing), details=details)


@pytest.mark.parametrize("code", list(StatusCode))
def test_every_status_code_has_a_meaning(code: StatusCode) -> None:
    found = classify(rpc_error(code))
    assert found is not None
    assert type(found) is CODES[code]
    assert "what the service says" in str(found)


@pytest.mark.parametrize(
    "kind",
    [
        kind
        for _, kind in inspect.getmembers(core, inspect.isclass)
        if issubclass(kind, core.GoogleAPICallError) and kind is not core.GoogleAPICallError
    ],
)
def test_every_class_of_the_sdk_has_a_meaning(kind: type[core.GoogleAPICallError]) -> None:
    error = kind("what the service says")
    found = classify(error)
    assert found is not None
    if kind.grpc_status_code is not None:
        assert type(found) is CODES[kind.grpc_status_code]


@pytest.mark.parametrize(
    "kind",
    [
        kind
        for _, kind in inspect.getmembers(google.auth.exceptions, inspect.isclass)
        if issubclass(kind, google.auth.exceptions.GoogleAuthError)
    ],
)
def test_every_error_of_authentication_has_a_meaning_and_shows_nothing(kind: type[Exception]) -> None:
    found = classify(kind("-----BEGIN PRIVATE KEY-----"))
    assert isinstance(found, lexigram.NoSQLConnectionError)
    assert "PRIVATE" not in str(found)
    assert "PRIVATE" not in repr(found)


@pytest.mark.parametrize("error", [core.RetryError("", cause=None), aio.UsageError(), aio.InternalError()])
def test_other_errors_of_the_sdk_are_of_the_connection(error: Exception) -> None:
    assert type(classify(error)) is lexigram.NoSQLConnectionError


@pytest.mark.parametrize("error", [ValueError("x"), KeyError("x"), TimeoutError(), RuntimeError()])
def test_errors_of_others_are_left_alone(error: Exception) -> None:
    assert classify(error) is None
    assert code_of(error) is None


@pytest.mark.parametrize(
    ("code", "retryable"),
    [
        (StatusCode.UNAVAILABLE, True),
        (StatusCode.RESOURCE_EXHAUSTED, True),
        (StatusCode.ABORTED, True),
        (StatusCode.DEADLINE_EXCEEDED, True),
        (StatusCode.INVALID_ARGUMENT, False),
        (StatusCode.PERMISSION_DENIED, False),
        (StatusCode.ALREADY_EXISTS, False),
    ],
)
def test_what_may_be_tried_again_says_so(code: StatusCode, retryable: bool) -> None:
    found = classify(rpc_error(code))
    assert found is not None
    assert found.retryable is retryable


def test_long_messages_are_cut() -> None:
    found = classify(rpc_error(StatusCode.INTERNAL, "x" * 10_000))
    assert found is not None
    assert len(str(found)) < 700


def test_a_number_of_a_status_is_an_error_of_its_own() -> None:
    assert status_error(6, "there").code() is StatusCode.ALREADY_EXISTS
    assert status_error(99, "").code() is StatusCode.UNKNOWN


DEFINITION = {"collectionGroup": "things", "fields": [{"fieldPath": "a", "order": "ASCENDING"}]}
LINK = "https://console.firebase.google.com/project/p/firestore/indexes?create_composite=abc"


def test_a_missing_index_carries_its_definition_and_the_link_of_the_details() -> None:
    details = any_pb2.Any()
    details.Pack(error_details_pb2.Help(links=[error_details_pb2.Help.Link(description="make it", url=LINK)]))
    status = status_pb2.Status(code=9, message="text without a link", details=[details])
    error = rpc_error(
        StatusCode.FAILED_PRECONDITION, "text without a link", [("grpc-status-details-bin", status.SerializeToString())]
    )
    found = missing_index(error, DEFINITION)
    assert found is not None
    assert found.details == {"index": DEFINITION, "link": LINK}
    assert LINK in str(found.hint)


def test_the_link_stands_in_the_text_where_there_are_no_details() -> None:
    text = f"The query requires an index. You can create it here: {LINK}"
    found = missing_index(rpc_error(StatusCode.FAILED_PRECONDITION, text), None)
    assert found is not None
    assert found.details == {"link": LINK}


def test_without_a_link_the_command_is_named() -> None:
    found = missing_index(rpc_error(StatusCode.FAILED_PRECONDITION), DEFINITION)
    assert found is not None
    assert "lexigram nosql indexes" in str(found.hint)


def test_other_refusals_of_queries_are_no_missing_index() -> None:
    assert missing_index(rpc_error(StatusCode.INVALID_ARGUMENT, LINK), DEFINITION) is None

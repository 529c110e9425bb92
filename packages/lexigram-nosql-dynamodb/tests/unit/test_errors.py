"""Nothing that the service or the SDK raises comes through as itself."""

from __future__ import annotations

import inspect
from typing import Any

import pytest
from botocore import exceptions as boto
from botocore.loaders import Loader
from botocore.parsers import ResponseParserError
from lexigram.nosql import exceptions as lexigram
from lexigram.nosql.backends.dynamodb.errors import CODES, cancellation_reasons, classify, error_code
from lexigram.nosql.backends.dynamodb.wire.bodies import error_of

SERVICES = ("dynamodb", "dynamodbstreams")


def modelled() -> list[str]:
    """Every code of an error in the SDK's models of the services."""
    codes: set[str] = set()
    for service in SERVICES:
        shapes = Loader().load_service_model(service, "service-2")["shapes"]
        for name, shape in shapes.items():
            if shape.get("exception"):
                codes.add(shape.get("error", {}).get("code", name))
    return sorted(codes)


def refused(code: str, status: int = 400, operation: str = "PutItem", **fields: Any) -> boto.ClientError:
    response: Any = {
        "Error": {"Code": code, "Message": "as the service says"},
        "ResponseMetadata": {"HTTPStatusCode": status},
        **fields,
    }
    return boto.ClientError(response, operation)


def found(error: BaseException) -> lexigram.NoSQLError:
    made = classify(error)
    assert made is not None
    return made


@pytest.mark.parametrize("code", modelled())
def test_every_code_of_the_services_models_is_mapped(code: str) -> None:
    assert code in CODES
    assert isinstance(found(refused(code)), CODES[code] if code != "ResourceNotFoundException" else lexigram.NoSQLError)


def test_the_models_hold_the_codes_that_they_should() -> None:
    assert len(modelled()) > 30
    assert {"ConditionalCheckFailedException", "TrimmedDataAccessException", "TransactionCanceledException"} <= set(
        modelled()
    )


@pytest.mark.parametrize("service", SERVICES)
def test_every_error_that_an_operation_may_answer_is_mapped(service: str) -> None:
    model = Loader().load_service_model(service, "service-2")
    named = {error["shape"] for operation in model["operations"].values() for error in operation.get("errors", ())}
    assert named
    assert named <= set(CODES)


def sdk_errors() -> list[type[Exception]]:
    return [
        kind
        for _, kind in inspect.getmembers(boto, inspect.isclass)
        if issubclass(kind, boto.BotoCoreError | boto.ClientError)
    ]


@pytest.mark.parametrize("kind", sdk_errors(), ids=lambda kind: kind.__name__)
def test_every_class_of_the_sdk_is_mapped(kind: type[Exception]) -> None:
    error = kind.__new__(kind)
    Exception.__init__(error, "as the SDK says")
    if isinstance(error, boto.ClientError):
        error.response = {}
        error.operation_name = "GetItem"
    assert isinstance(classify(error), lexigram.NoSQLError)


@pytest.mark.parametrize(
    ("error", "kind", "retryable"),
    [
        (refused("ConditionalCheckFailedException"), lexigram.WriteConflictError, True),
        (refused("ProvisionedThroughputExceededException"), lexigram.ThrottledError, True),
        (refused("ValidationException"), lexigram.DocumentValidationError, False),
        (refused("ExpiredTokenException"), lexigram.AuthenticationFailedError, False),
        (refused("AccessDeniedException"), lexigram.AuthenticationFailedError, False),
        (refused("InternalServerError", 500), lexigram.NoSQLConnectionError, True),
        (refused("503", 503), lexigram.NoSQLConnectionError, True),
        (refused("SomethingOfTomorrow", 500), lexigram.NoSQLConnectionError, True),
        (refused("SomethingOfTomorrow", 400), lexigram.NoSQLError, False),
        (refused("TrimmedDataAccessException"), lexigram.CursorError, False),
        (boto.EndpointConnectionError(endpoint_url="http://x"), lexigram.NoSQLConnectionError, True),
        (boto.ConnectTimeoutError(endpoint_url="http://x"), lexigram.NoSQLTimeoutError, True),
        (boto.ReadTimeoutError(endpoint_url="http://x"), lexigram.NoSQLTimeoutError, True),
        (boto.ConnectionClosedError(endpoint_url="http://x"), lexigram.NoSQLConnectionError, True),
        (boto.NoCredentialsError(), lexigram.AuthenticationFailedError, False),
        (boto.ProfileNotFound(profile="x"), lexigram.NoSQLConnectionError, False),
        (ResponseParserError("not JSON"), lexigram.NoSQLConnectionError, True),
    ],
    ids=lambda value: str(value)[:60],
)
def test_the_usual_faults_have_their_own_errors(
    error: Exception, kind: type[lexigram.NoSQLError], retryable: bool
) -> None:
    made = found(error)
    assert type(made) is kind
    assert made.retryable is retryable


def test_errors_of_others_are_left_alone() -> None:
    assert classify(ValueError("x")) is None
    assert classify(lexigram.ThrottledError("x")) is None
    assert error_code(ValueError("x")) == ""
    assert cancellation_reasons(ValueError("x")) == []


def test_a_missing_table_says_how_to_make_it() -> None:
    made = found(refused("ResourceNotFoundException", TableNames=["shop.products"]))
    assert "'shop.products'" in str(made)
    assert made.hint is not None
    assert "table_creation" in made.hint
    assert "--table-name shop.products" in made.hint
    assert made.mongo_code == 26
    assert "one of the tables" in str(found(refused("ResourceNotFoundException", TableNames=["a", "b"])))
    assert found(refused("ResourceNotFoundException")).mongo_code == 26


REASONS = [
    {"Code": "None"},
    {"Code": "ConditionalCheckFailed", "Message": "The conditional request failed", "Item": {"_id": {"S": "1"}}},
    {"Code": "None", "Message": None},
    {"Code": "TransactionConflict", "Message": "Transaction is ongoing for the item"},
]


def test_the_reasons_of_a_cancelled_transaction_are_told_item_by_item() -> None:
    error = refused("TransactionCanceledException", CancellationReasons=REASONS)
    reasons = cancellation_reasons(error)
    assert [(reason.index, reason.code) for reason in reasons] == [
        (1, "ConditionalCheckFailed"),
        (3, "TransactionConflict"),
    ]
    assert reasons[0].item == {"_id": {"S": "1"}}
    made = found(error)
    assert type(made) is lexigram.WriteConflictError
    assert made.retryable
    assert [reason["index"] for reason in made.details["reasons"]] == [1, 3]
    assert "item 1: ConditionalCheckFailed" in str(made)
    assert "item 3: TransactionConflict" in str(made)


@pytest.mark.parametrize(
    ("codes", "kind"),
    [
        (["ThrottlingError", "None"], lexigram.ThrottledError),
        (["ProvisionedThroughputExceeded", "TransactionConflict"], lexigram.ThrottledError),
        (["TransactionConflict", "ValidationError"], lexigram.DocumentValidationError),
        (["ItemCollectionSizeLimitExceeded"], lexigram.DocumentTooLargeError),
        (["DuplicateItem", "ThrottlingError"], lexigram.DuplicateKeyError),
        (["AccessDenied"], lexigram.AuthenticationFailedError),
        (["SomethingOfTomorrow"], lexigram.TransactionError),
    ],
    ids=str,
)
def test_the_worst_reason_names_a_cancelled_transaction(codes: list[str], kind: type[lexigram.NoSQLError]) -> None:
    reasons = [{"Code": code, "Message": ""} for code in codes]
    made = found(refused("TransactionCanceledException", CancellationReasons=reasons))
    assert isinstance(made, kind)


def test_throttling_tells_the_tables_and_the_attempts() -> None:
    metadata = {"HTTPStatusCode": 400, "RetryAttempts": 9}
    made = found(refused("ThrottlingException", TableNames=["things"], ResponseMetadata=metadata))
    assert "'things'" in str(made)
    assert made.details["attempts"] == 10


def test_what_a_refused_signature_repeats_is_not_passed_on() -> None:
    body = (
        b'{"__type":"com.amazon.coral.service#InvalidSignatureException","message":"The request signature we '
        b"calculated does not match the signature you provided. Check your key.\\n\\nThe Canonical String for this "
        b"request should have been\\n'POST\\n/\\n\\nx-amz-security-token:hush-token\\n'\"}"
    )
    parsed = error_of(400, {}, body)
    assert parsed["Error"]["Code"] == "InvalidSignatureException"
    assert "hush-token" not in str(parsed)
    assert "does not match" in parsed["Error"]["Message"]


@pytest.mark.parametrize(
    ("status", "body", "code"),
    [
        (503, b"<html>Service Unavailable</html>", "503"),
        (500, b"", "500"),
        (400, b"[1]", "400"),
        (400, b'{"__type":"ns#ThrottlingException:http://x"}', "ThrottlingException"),
        (400, b'{"Message":"m","__type":"ValidationException"}', "ValidationException"),
    ],
)
def test_answers_of_any_kind_have_a_code(status: int, body: bytes, code: str) -> None:
    parsed = error_of(status, {"x-amzn-requestid": "R"}, body)
    assert parsed["Error"]["Code"] == code
    assert parsed["ResponseMetadata"]["HTTPStatusCode"] == status
    assert isinstance(classify(boto.ClientError(parsed, "GetItem")), lexigram.NoSQLError)

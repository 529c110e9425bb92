"""Turns the errors of the service and of the SDK into Lexigram's, by code and by class.

Codes are those of the service models of DynamoDB and of DynamoDB Streams, and those that every AWS service has (AWS API
references, "Common Errors"). What has no code stands in the table of the SDK's classes. What neither knows is a plain
:class:`~lexigram.nosql.exceptions.NoSQLError`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, cast

from botocore import exceptions as boto
from botocore.parsers import ResponseParserError
from lexigram.nosql import exceptions as lexigram

__all__ = ["CLASSES", "CODES", "Reason", "cancellation_reasons", "classify", "error_code"]

_LONGEST: Final = 500
"""Characters of a message that are passed on."""

_NAMESPACE_NOT_FOUND: Final = 26
_NAMESPACE_EXISTS: Final = 48

_CODES: Final[Mapping[type[lexigram.NoSQLError], Sequence[str]]] = {
    lexigram.WriteConflictError: (
        "ConditionalCheckFailedException",
        "ReplicatedWriteConflictException",
        "TransactionConflictException",
        # Reasons for which a transaction is cancelled
        "ConditionalCheckFailed",
        "TransactionConflict",
    ),
    lexigram.TransactionError: (
        "IdempotentParameterMismatchException",
        "TransactionCanceledException",
        "TransactionInProgressException",
    ),
    lexigram.DuplicateKeyError: ("DuplicateItem", "DuplicateItemException"),
    lexigram.ThrottledError: (
        "ProvisionedThroughputExceeded",
        "ProvisionedThroughputExceededException",
        "RequestLimitExceeded",
        "RequestThrottled",
        "RequestThrottledException",
        "SlowDown",
        "Throttling",
        "ThrottlingError",
        "ThrottlingException",
        "ThrottledException",
        "TooManyRequestsException",
    ),
    lexigram.DocumentTooLargeError: (
        "413",
        "ItemCollectionSizeLimitExceeded",
        "ItemCollectionSizeLimitExceededException",
        "RequestEntityTooLarge",
    ),
    lexigram.DocumentValidationError: (
        "InvalidParameterCombination",
        "InvalidParameterValue",
        "MalformedQueryString",
        "MissingParameter",
        "SerializationException",
        "ValidationError",
        "ValidationException",
    ),
    lexigram.AuthenticationFailedError: (
        "401",
        "403",
        "AccessDenied",
        "AccessDeniedException",
        "AuthFailure",
        "ExpiredToken",
        "ExpiredTokenException",
        "IncompleteSignature",
        "IncompleteSignatureException",
        "InvalidClientTokenId",
        "InvalidSignatureException",
        "KMSAccessDeniedException",
        "MissingAuthenticationToken",
        "MissingAuthenticationTokenException",
        "NotAuthorized",
        "OptInRequired",
        "RequestExpired",
        "SignatureDoesNotMatch",
        "SubscriptionRequiredException",
        "UnauthorizedOperation",
        "UnrecognizedClientException",
    ),
    lexigram.NoSQLConnectionError: (
        "500",
        "502",
        "503",
        "InternalFailure",
        "InternalServerError",
        "InternalServerErrorException",
        "InvalidEndpointException",
        "ServiceUnavailable",
        "ServiceUnavailableException",
    ),
    lexigram.NoSQLTimeoutError: ("408", "504", "RequestTimeout", "RequestTimeoutException"),
    lexigram.CursorError: ("ExpiredIteratorException", "TrimmedDataAccessException"),
    lexigram.NoSQLIndexError: ("IndexNotFoundException",),
    lexigram.UnsupportedFeatureError: (
        "ContinuousBackupsUnavailableException",
        "InvalidAction",
        "NotImplementedException",
        "PointInTimeRecoveryUnavailableException",
        "UnknownOperationException",
        "UnsupportedOperationException",
    ),
    lexigram.NoSQLError: (
        "404",
        "BackupInUseException",
        "BackupNotFoundException",
        "ExportConflictException",
        "ExportNotFoundException",
        "GlobalTableAlreadyExistsException",
        "GlobalTableNotFoundException",
        "ImportConflictException",
        "ImportNotFoundException",
        "InvalidExportTimeException",
        "InvalidRestoreTimeException",
        "LimitExceededException",
        "PolicyNotFoundException",
        "ReplicaAlreadyExistsException",
        "ReplicaNotFoundException",
        "ResourceInUseException",
        "ResourceNotFoundException",
        "TableAlreadyExistsException",
        "TableInUseException",
        "TableNotFoundException",
    ),
}

CODES: Final[Mapping[str, type[lexigram.NoSQLError]]] = {
    code: error for error, codes in _CODES.items() for code in codes
}
"""Which error a code of the service means."""

CLASSES: Final[Sequence[tuple[type[Exception], type[lexigram.NoSQLError]]]] = (
    (boto.ReadTimeoutError, lexigram.NoSQLTimeoutError),
    (boto.ConnectTimeoutError, lexigram.NoSQLTimeoutError),
    (boto.EndpointConnectionError, lexigram.NoSQLConnectionError),
    (boto.ConnectionError, lexigram.NoSQLConnectionError),
    (boto.HTTPClientError, lexigram.NoSQLConnectionError),
    (boto.ChecksumError, lexigram.NoSQLConnectionError),
    (boto.IncompleteReadError, lexigram.NoSQLConnectionError),
    (ResponseParserError, lexigram.NoSQLConnectionError),
    (boto.NoCredentialsError, lexigram.AuthenticationFailedError),
    (boto.PartialCredentialsError, lexigram.AuthenticationFailedError),
    (boto.CredentialRetrievalError, lexigram.AuthenticationFailedError),
    (boto.NoAuthTokenError, lexigram.AuthenticationFailedError),
    (boto.TokenRetrievalError, lexigram.AuthenticationFailedError),
    (boto.UnknownCredentialError, lexigram.AuthenticationFailedError),
    (boto.RefreshWithMFAUnsupportedError, lexigram.AuthenticationFailedError),
    (boto.MetadataRetrievalError, lexigram.AuthenticationFailedError),
    (boto.SSOError, lexigram.AuthenticationFailedError),
    (boto.ParamValidationError, lexigram.DocumentValidationError),
    (boto.ProfileNotFound, lexigram.NoSQLConnectionError),
    (boto.ConfigParseError, lexigram.NoSQLConnectionError),
    (boto.ConfigNotFound, lexigram.NoSQLConnectionError),
    (boto.InvalidConfigError, lexigram.NoSQLConnectionError),
    (boto.BaseEndpointResolverError, lexigram.NoSQLConnectionError),
    (boto.EndpointProviderError, lexigram.NoSQLConnectionError),
    (boto.InvalidEndpointConfigurationError, lexigram.NoSQLConnectionError),
    (boto.InvalidRegionError, lexigram.NoSQLConnectionError),
    (boto.UnknownRegionError, lexigram.NoSQLConnectionError),
    (boto.ServiceNotInRegionError, lexigram.NoSQLConnectionError),
    (boto.InvalidRetryConfigurationError, lexigram.NoSQLConnectionError),
    (boto.InvalidProxiesConfigError, lexigram.NoSQLConnectionError),
    (boto.WaiterError, lexigram.NoSQLTimeoutError),
    (boto.BotoCoreError, lexigram.NoSQLError),
)
"""Which error a class of the SDK means, the more special ones first."""

_TEMPORARY: Final = (boto.HTTPClientError, boto.ConnectionError, boto.ChecksumError, ResponseParserError)
_NO_CREDENTIALS: Final = (
    "Set access_key and secret_key, or profile; or let the SDK find them: AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, "
    "~/.aws/credentials, or the role of the container or instance."
)
_HINTS: Final[Mapping[str, str]] = {
    "AccessDeniedException": "The credentials lack a permission (IAM policy) for this operation or table.",
    "AccessDenied": "The credentials lack a permission (IAM policy) for this operation or table.",
    "ExpiredToken": "Temporary credentials have ended: fetch new ones, and connect again.",
    "ExpiredTokenException": "Temporary credentials have ended: fetch new ones, and connect again.",
    "RequestExpired": "Is this machine's clock right?",
    "InvalidSignatureException": "Is the secret_key right, and this machine's clock?",
    "SignatureDoesNotMatch": "Is the secret_key right, and this machine's clock?",
    "UnrecognizedClientException": "The access_key is unknown in this partition, or the session_token is missing.",
    "InvalidClientTokenId": "The access_key is unknown in this partition, or the session_token is missing.",
    "MissingAuthenticationTokenException": _NO_CREDENTIALS,
    "LimitExceededException": "A quota of the account, or too many tables or indexes are being made at the same time.",
    "ResourceInUseException": "The table exists, or is being made, changed or removed.",
    "ItemCollectionSizeLimitExceededException": "With local indexes, items of one partition key take 10 GB at most.",
    "TrimmedDataAccessException": "Streams keep changes for 24 hours; these are gone. Read anew, then watch from now.",
    "ExpiredIteratorException": "The place in the stream was held for more than 15 minutes; resume with the token.",
}
_MISSING_TABLE: Final = frozenset({"ResourceNotFoundException", "TableNotFoundException"})
_EXISTING_TABLE: Final = frozenset({"TableAlreadyExistsException"})
_MISTAKEN: Final = frozenset({"InvalidEndpointException"})


@dataclass(frozen=True, slots=True)
class Reason:
    """Why one item cancelled a transaction.

    Attributes:
        index: The item's position in the request, from 0.
        code: Such as ``ConditionalCheckFailed`` or ``TransactionConflict``.
        message: What the service says.
        item: The item as it was, on the wire, where the request asked for it.
    """

    index: int
    code: str
    message: str
    item: Mapping[str, Any] | None = None


def error_code(error: BaseException) -> str:
    """The service's code of an error.

    Args:
        error: Any error.

    Returns:
        The code; empty for what is no answer of the service.
    """
    if not isinstance(error, boto.ClientError):
        return ""
    return str(error.response.get("Error", {}).get("Code", ""))


def cancellation_reasons(error: BaseException) -> list[Reason]:
    """Which items cancelled a transaction, and why.

    Args:
        error: What the client raised.

    Returns:
        The reasons in the order of the items, without those that had none; empty for other errors.
    """
    if not isinstance(error, boto.ClientError):
        return []
    told = cast("Mapping[str, Any]", error.response).get("CancellationReasons") or ()
    return [
        Reason(index, reason["Code"], reason.get("Message") or "", reason.get("Item"))
        for index, reason in enumerate(told)
        if reason.get("Code", "None") != "None"
    ]


def classify(error: BaseException) -> lexigram.NoSQLError | None:
    """Translate an error of the SDK.

    Args:
        error: Any error.

    Returns:
        The error to raise, or None when *error* is not of the SDK.
    """
    if isinstance(error, lexigram.NoSQLError):
        return None
    if isinstance(error, boto.ClientError):
        return _of_service(error)
    for theirs, ours in CLASSES:
        if isinstance(error, theirs):
            return _of_sdk(error, ours)
    return None


def _cut(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"


def _of_service(error: boto.ClientError) -> lexigram.NoSQLError:
    code = error_code(error)
    response: Mapping[str, Any] = error.response
    message = _cut(str(response.get("Error", {}).get("Message") or response.get("message") or code))
    tables = response.get("TableNames") or ()
    if code in _MISSING_TABLE:
        return _missing(tables, message)
    reasons = cancellation_reasons(error)
    if reasons:
        return _cancelled(reasons, message)
    details: dict[str, Any] = {"code": code, "aws_operation": error.operation_name}
    if tables:
        details["tables"] = list(tables)
    attempts = response.get("ResponseMetadata", {}).get("RetryAttempts")
    if attempts:
        details["attempts"] = attempts + 1
    kind = CODES.get(code)
    if kind is None:
        # A code that AWS added since; its status tells at least whose fault it is.
        status = response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
        kind = lexigram.NoSQLConnectionError if status >= 500 else lexigram.NoSQLError
        return kind(f"{code}: {message}", details)
    hint = _HINTS.get(code)
    if issubclass(kind, lexigram.DocumentValidationError):
        # Requests are checked before they are sent, so this names what only the service could find.
        return kind(f"DynamoDB refuses the request: {message}", details, hint=hint)
    if code in _EXISTING_TABLE:
        return kind(message, details, hint=hint, mongo_code=_NAMESPACE_EXISTS)
    if code in _MISTAKEN:
        return kind(message, details, hint=hint, retryable=False)
    if kind is lexigram.ThrottledError:
        where = f" for {', '.join(map(repr, tables))}" if tables else ""
        return kind(
            f"DynamoDB kept refusing for load{where}: {message}",
            details,
            hint="Raise the table's capacity, spread the keys, or let the SDK try longer with max_attempts.",
        )
    return kind(message, details, hint=hint)


def _missing(tables: Sequence[str], message: str) -> lexigram.NoSQLError:
    if not tables:
        return lexigram.NoSQLError(message, {"code": "ResourceNotFoundException"}, mongo_code=_NAMESPACE_NOT_FOUND)
    names = ", ".join(map(repr, tables))
    return lexigram.NoSQLError(
        f"there is no table {names}" if len(tables) == 1 else f"one of the tables {names} is not there",
        {"code": "ResourceNotFoundException", "tables": list(tables)},
        hint="Let it be made with table_creation: create, or make it: aws dynamodb create-table "
        f"--table-name {tables[0]} --attribute-definitions AttributeName=_id,AttributeType=S "
        "--key-schema AttributeName=_id,KeyType=HASH --billing-mode PAY_PER_REQUEST",
        mongo_code=_NAMESPACE_NOT_FOUND,
    )


_WEIGHT: Final[Sequence[type[lexigram.NoSQLError]]] = (
    lexigram.AuthenticationFailedError,
    lexigram.DocumentTooLargeError,
    lexigram.DocumentValidationError,
    lexigram.DuplicateKeyError,
    lexigram.ThrottledError,
    lexigram.WriteConflictError,
)
"""Which of several reasons names the whole, the first of these that is among them."""


def _cancelled(reasons: Sequence[Reason], message: str) -> lexigram.NoSQLError:
    details = {
        "code": "TransactionCanceledException",
        "reasons": [
            {"index": reason.index, "code": reason.code, "message": _cut(reason.message)} for reason in reasons
        ],
    }
    kinds = [CODES.get(reason.code, lexigram.TransactionError) for reason in reasons]
    told = "; ".join(f"item {reason.index}: {reason.code} {reason.message}".rstrip() for reason in reasons[:5])
    text = _cut(f"the transaction was cancelled, and nothing of it took effect: {told or message}")
    for kind in _WEIGHT:
        if any(issubclass(found, kind) for found in kinds):
            hint = None
            if issubclass(kind, lexigram.TransactionError):
                hint = "Run the transaction again; store.run_transaction() does it for you."
            return kind(text, details, hint=hint)
    return lexigram.TransactionError(text, details)


def _of_sdk(error: BaseException, kind: type[lexigram.NoSQLError]) -> lexigram.NoSQLError:
    message = _cut(str(error) or type(error).__name__)
    if issubclass(kind, lexigram.AuthenticationFailedError):
        return kind(message, hint=_NO_CREDENTIALS)
    if isinstance(error, boto.EndpointConnectionError | boto.ConnectTimeoutError):
        return kind(
            message, hint="Is the endpoint right (region, endpoint_url), and can it be reached from here? Is it up?"
        )
    if isinstance(error, boto.ReadTimeoutError):
        return kind(message, hint="read_timeout says how long the service may be silent.")
    if isinstance(error, boto.ProfileNotFound):
        return kind(message, hint="`aws configure list-profiles` names those there are.", retryable=False)
    if issubclass(kind, lexigram.NoSQLConnectionError) and not isinstance(error, _TEMPORARY):
        return kind(message, retryable=False)
    return kind(message)

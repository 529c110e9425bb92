"""Turns the errors of PyMongo and of the server into Lexigram's, by code, label and class.

The server's code decides; where an error has none, or one that stands in no table, PyMongo's class does; what neither
knows is a plain :class:`~lexigram.nosql.exceptions.NoSQLError`. Codes: MongoDB manual, "Error Codes". An error that the
server or PyMongo labels as transient for a whole transaction is a
:class:`~lexigram.nosql.exceptions.TransactionError` that ``store.run_transaction()`` answers by another try.
"""

# Documents are of any type, and what is narrowed from Any has parts that are unknown to the checker.
# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false, reportUnknownMemberType=false

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Final

import bson.errors
from lexigram.nosql import exceptions as lexigram
from lexigram.nosql.backends.mongodb.spec import MAX_DOCUMENT_BYTES
from pymongo import errors as pymongo

__all__ = ["CLASSES", "CODES", "classify", "write_failures"]

_LONGEST = 500
"""Characters of an SDK's message that are passed on; some hold the whole topology."""


_NAMED: Final[Mapping[type[lexigram.NoSQLError], Mapping[int, str]]] = {
    lexigram.DuplicateKeyError: {11000: "DuplicateKey", 11001: "DuplicateKey", 12582: "DuplicateKey"},
    lexigram.NoSQLConnectionError: {
        6: "HostUnreachable",
        7: "HostNotFound",
        91: "ShutdownInProgress",
        133: "FailedToSatisfyReadPreference",
        134: "ReadConcernMajorityNotAvailableYet",
        189: "PrimarySteppedDown",
        216: "ElectionInProgress",
        279: "ClientDisconnect",
        317: "ConnectionPoolExpired",
        384: "ConnectionError",
        9001: "SocketException",
        10058: "LegacyNotPrimary",
        10107: "NotWritablePrimary",
        11600: "InterruptedAtShutdown",
        11602: "InterruptedDueToReplStateChange",
        13435: "NotPrimaryNoSecondaryOk",
        13436: "NotPrimaryOrSecondary",
    },
    lexigram.AuthenticationFailedError: {
        11: "UserNotFound",
        13: "Unauthorized",
        18: "AuthenticationFailed",
        214: "AuthenticationRestrictionUnmet",
        334: "MechanismUnavailable",
        337: "AuthenticationAbandoned",
        391: "ReauthenticationRequired",
    },
    lexigram.NoSQLTimeoutError: {
        24: "LockTimeout",
        50: "MaxTimeMSExpired",
        64: "WriteConcernTimeout",
        89: "NetworkTimeout",
        202: "NetworkInterfaceExceededTimeLimit",
        262: "ExceededTimeLimit",
        407: "PooledConnectionAcquisitionExceededTimeLimit",
    },
    lexigram.WriteConflictError: {112: "WriteConflict"},
    lexigram.TransactionError: {
        206: "NoSuchSession",
        217: "IncompleteTransactionHistory",
        225: "TransactionTooOld",
        239: "SnapshotTooOld",
        246: "SnapshotUnavailable",
        251: "NoSuchTransaction",
        256: "TransactionCommitted",
        257: "TransactionTooLarge",
        263: "OperationNotSupportedInTransaction",
        267: "PreparedTransactionInProgress",
        282: "TransactionCoordinatorReachedAbortDecision",
        290: "TransactionExceededLifetimeLimitSeconds",
        363: "RetryableTransactionInProgress",
        388: "TransactionTooLargeForCache",
    },
    lexigram.DocumentTooLargeError: {
        10334: "BSONObjectTooLarge",
        17419: "the document after an update",
        17420: "the document after an update",
    },
    lexigram.DocumentValidationError: {
        15: "Overflow",
        22: "InvalidBSON",
        52: "DollarPrefixedFieldName",
        53: "InvalidIdField",
        55: "InvalidDBRef",
        56: "EmptyFieldName",
        57: "DottedFieldName",
        73: "InvalidNamespace",
        116: "DocTooLargeForCapped",
        121: "DocumentValidationFailure",
        357: "InvalidBSONType",
        378: "NonConformantBSON",
    },
    lexigram.UpdateError: {28: "PathNotViable", 40: "ConflictingUpdateOperators", 66: "ImmutableField"},
    # Filters and updates have been checked before, so what is left to complain about are options.
    lexigram.QueryOptionError: {
        2: "BadValue",
        9: "FailedToParse",
        14: "TypeMismatch",
        16746: "an order by an ambiguous position in an array",
    },
    lexigram.NoSQLIndexError: {
        27: "IndexNotFound",
        67: "CannotCreateIndex",
        68: "IndexAlreadyExists",
        72: "InvalidOptions",
        85: "IndexOptionsConflict",
        86: "IndexKeySpecsConflict",
        171: "CannotIndexParallelArrays",
        197: "InvalidIndexSpecificationOption",
        201: "CannotBuildIndexKeys",
        276: "IndexBuildAborted",
        285: "IndexBuildAlreadyInProgress",
        359: "CannotConvertIndexToUnique",
    },
    lexigram.CursorError: {
        43: "CursorNotFound",
        136: "CappedPositionLost",
        143: "CursorInUse",
        175: "QueryPlanKilled",
        222: "CloseChangeStream",
        234: "RetryChangeStream",
        237: "CursorKilled",
        260: "InvalidResumeToken",
        280: "ChangeStreamFatalError",
        286: "ChangeStreamHistoryLost",
        346: "ChangeStreamInvalidated",
        351: "ChangeStreamStartAfterInvalidate",
    },
    lexigram.UnsupportedFeatureError: {
        20: "IllegalOperation",
        59: "CommandNotFound",
        115: "CommandNotSupported",
        123: "NotAReplicaSet",
        166: "CommandNotSupportedOnView",
        167: "OptionNotSupportedOnView",
        224: "QueryFeatureNotAllowed",
        235: "InternalErrorNotSupported",
        238: "NotImplemented",
        322: "APIVersionError",
        323: "APIStrictError",
        324: "APIDeprecationError",
        376: "ChangeStreamNotEnabled",
        40573: "change streams without a replica set",
    },
    lexigram.ScanDeniedError: {291: "NoQueryExecutionPlans"},
    lexigram.MemoryLimitError: {146: "ExceededMemoryLimit", 292: "QueryExceededMemoryLimitNoDiskUseAllowed"},
    lexigram.ThrottledError: {
        365: "TemporarilyUnavailable",
        402: "ResourceExhausted",
        433: "AdmissionQueueOverflow",
        449: "RateLimitExceeded",
        462: "IngressRequestRateLimitExceeded",
        16500: "RequestRateTooLarge of compatible services",
    },
}

CODES: Final[Mapping[int, type[lexigram.NoSQLError]]] = {
    code: error for error, names in _NAMED.items() for code in names
}
"""Which error a code of the server means."""

CLASSES: Final[Sequence[tuple[type[BaseException], type[lexigram.NoSQLError]]]] = (
    (pymongo.DuplicateKeyError, lexigram.DuplicateKeyError),
    (pymongo.DocumentTooLarge, lexigram.DocumentTooLargeError),
    (pymongo.WTimeoutError, lexigram.NoSQLTimeoutError),
    (pymongo.ExecutionTimeout, lexigram.NoSQLTimeoutError),
    (pymongo.NetworkTimeout, lexigram.NoSQLTimeoutError),
    (pymongo.WaitQueueTimeoutError, lexigram.NoSQLTimeoutError),
    (pymongo.CursorNotFound, lexigram.CursorError),
    (pymongo.ConnectionFailure, lexigram.NoSQLConnectionError),
    (pymongo.ProtocolError, lexigram.NoSQLConnectionError),
    (pymongo.ConfigurationError, lexigram.NoSQLConnectionError),
    (pymongo.InvalidName, lexigram.DocumentValidationError),
    (pymongo.CollectionInvalid, lexigram.DocumentValidationError),
    (pymongo.InvalidOperation, lexigram.NoSQLError),
    (pymongo.EncryptionError, lexigram.NoSQLError),
    (pymongo.OperationFailure, lexigram.NoSQLError),
    (bson.errors.InvalidBSON, lexigram.NoSQLError),
    (bson.errors.BSONError, lexigram.DocumentValidationError),
    (pymongo.PyMongoError, lexigram.NoSQLError),
)
"""Which error a class of PyMongo means, the more special ones first."""

_PERMANENT: Final = (pymongo.ConfigurationError, pymongo.ProtocolError)
_NEEDS_REPLICA_SET: Final = frozenset({20, 123, 40573})
_LARGE_NUMBER: Final = re.compile(r"\b\d{8,12}\b")
_INDEX_NAME: Final = re.compile(r"\bindex: (?P<index>\S+)")


def classify(error: BaseException) -> lexigram.NoSQLError | None:
    """Translate an error of PyMongo, motor or ``bson``.

    Args:
        error: Any error.

    Returns:
        The error to raise, or None when *error* is not of MongoDB.
    """
    if isinstance(error, pymongo.BulkWriteError):
        return _classify_bulk(error)
    if isinstance(error, UnicodeEncodeError):
        # The encoder lets Python refuse text; nothing has been sent.
        return lexigram.DocumentValidationError(
            f"text with a lone surrogate at position {error.start} has no UTF-8 form"
        )
    if not isinstance(error, pymongo.PyMongoError | bson.errors.BSONError):
        return None
    code = error.code if isinstance(error, pymongo.OperationFailure) else None
    found = CODES.get(code) if code is not None else None
    if found is None:
        found = _by_class(error)
    elif found is lexigram.QueryOptionError and isinstance(error, pymongo.WriteError):
        # What a single write is refused for is its update, which does not fit the document.
        found = lexigram.UpdateError
    labels = None if isinstance(error, bson.errors.BSONError) else error
    message = _message(error)
    if labels is not None and labels.has_error_label("UnknownTransactionCommitResult"):
        return lexigram.TransactionError(
            f"nobody knows whether the transaction was committed: {message}",
            hint="Look at the data before you run it again.",
            mongo_code=code,
            retryable=False,
        )
    if labels is not None and labels.has_error_label("TransientTransactionError"):
        kind = found if issubclass(found, lexigram.TransactionError) else lexigram.TransactionError
        return kind(
            message,
            hint="Run the transaction again; store.run_transaction() does it for you.",
            mongo_code=code,
            retryable=True,
        )
    if labels is not None and labels.has_error_label("SystemOverloadedError"):
        return lexigram.ThrottledError(message, mongo_code=code)
    return _made(found, error, code, message)


def _by_class(error: BaseException) -> type[lexigram.NoSQLError]:
    return next((ours for theirs, ours in CLASSES if isinstance(error, theirs)), lexigram.NoSQLError)


def _made(kind: type[lexigram.NoSQLError], error: BaseException, code: int | None, message: str) -> lexigram.NoSQLError:
    """An error of a kind, with what it carries beside its message."""
    if issubclass(kind, lexigram.DuplicateKeyError):
        return _duplicate_key(error, message)
    if issubclass(kind, lexigram.DocumentTooLargeError):
        # Only to tell how large it is; that it is too large, the code or the class says.
        sizes = [int(number) for number in _LARGE_NUMBER.findall(message)]
        size = max([MAX_DOCUMENT_BYTES + 1, *sizes])
        # The SDK refuses a filter that is too large with the same class as a document.
        return lexigram.DocumentTooLargeError(
            f"a document, or what a request asks, has {size} bytes or more, and MongoDB takes {MAX_DOCUMENT_BYTES}",
            hint="Split it: keep large contents elsewhere, and ask for long lists of values in several requests.",
            size=size,
            limit=MAX_DOCUMENT_BYTES,
            mongo_code=code,
        )
    if issubclass(kind, lexigram.UnsupportedFeatureError):
        feature = {20: "transactions", 40573: "change_streams"}.get(code or 0, "")
        hint = "Transactions and change streams need a replica set; a single server can be one of its own."
        return kind(message, hint=hint if code in _NEEDS_REPLICA_SET else None, feature=feature, mongo_code=code)
    if issubclass(kind, lexigram.AuthenticationFailedError) and code == 13:
        return kind(message, hint="The user lacks a role for this.", mongo_code=code)
    if isinstance(error, pymongo.ServerSelectionTimeoutError):
        hint = "Is the server up, and can it be reached from here? server_selection_timeout_ms says how long to look."
        return kind(message, hint=hint)
    if isinstance(error, pymongo.WaitQueueTimeoutError):
        hint = "All connections are in use: raise max_pool_size, or wait longer with wait_queue_timeout_ms."
        return kind(message, hint=hint)
    if isinstance(error, _PERMANENT):
        return kind(message, retryable=False)
    return kind(message) if code is None else kind(message, mongo_code=code)


def _duplicate_key(error: BaseException, message: str) -> lexigram.DuplicateKeyError:
    details = getattr(error, "details", None) or {}
    pattern, key = details.get("keyPattern"), details.get("keyValue")
    # Only to name the index; that it is a duplicate, the code says.
    named = _INDEX_NAME.search(message)
    index = named["index"] if named else None
    if index is None and isinstance(pattern, Mapping):
        index = "_id_" if list(pattern) == ["_id"] else "_".join(f"{path}_{way}" for path, way in pattern.items())
    # Services catch it by these words.
    text = message if "duplicate key" in message else f"duplicate key: {message}"
    return lexigram.DuplicateKeyError(text, index=index, key=key if isinstance(key, Mapping) else None)


def _message(error: BaseException) -> str:
    """What the SDK says, without the copy of the server's answer that it adds."""
    details = getattr(error, "details", None)
    if isinstance(details, Mapping) and isinstance(details.get("errmsg"), str):
        text: str = details["errmsg"]
    else:
        text = str(error) or type(error).__name__
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"


def write_failures(error: pymongo.BulkWriteError) -> list[tuple[int, pymongo.OperationFailure]]:
    """The failed writes of a bulk, by position, each as the error that it would have been alone.

    Args:
        error: What the SDK raised for the whole.
    """
    failures: list[tuple[int, pymongo.OperationFailure]] = []
    for details in error.details.get("writeErrors", ()):
        code = details.get("code")
        kind = pymongo.DuplicateKeyError if CODES.get(code) is lexigram.DuplicateKeyError else pymongo.WriteError
        failures.append((int(details["index"]), kind(details.get("errmsg", ""), code, details)))
    return failures


def _classify_bulk(error: pymongo.BulkWriteError) -> lexigram.NoSQLError | None:
    """A bulk that failed as a whole: its first failed write, or that its writes were not confirmed."""
    failures = write_failures(error)
    if failures:
        return classify(failures[0][1])
    concerns = error.details.get("writeConcernErrors") or [{}]
    first = concerns[0]
    if first.get("code") is None:
        return lexigram.NoSQLError(_message(error))
    return classify(pymongo.WriteConcernError(first.get("errmsg", ""), first["code"], first))

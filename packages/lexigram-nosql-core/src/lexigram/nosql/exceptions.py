"""The errors of document stores, in one tree.

* NoSQLError 001
  + NoSQLConnectionError 002
    - StoreNotConnectedError 008 (also RuntimeError)
    - AuthenticationFailedError 009
  + DocumentNotFoundError 003
  + DuplicateKeyError 004 (also contracts' DuplicateKeyError)
  + DocumentValidationError 005 (also ValueError)
    - DocumentTooLargeError 010
  + TransactionError 006
    - WriteConflictError 011
  + NoSQLFilterError 007 (also ValueError)
  + UpdateError 012 (also ValueError)
  + PipelineError 013 (also ValueError)
  + QueryOptionError 014 (also ValueError): sort, projection, hint, skip, limit, collation
  + NoSQLTimeoutError 015 (also TimeoutError)
  + UnsupportedFeatureError 016
  + ScanDeniedError 017
  + CursorError 018
    - PageTokenError 019 (also ValueError)
  + NoSQLIndexError 020
  + BulkWriteError 021
    - BulkDuplicateKeyError 030 (also DuplicateKeyError): every failure is a duplicate key
  + MigrationError 022
    - MigrationLockedError 023
    - MigrationChangedError 024
    - IrreversibleMigrationError 025
  + VersionConflictError 026
  + TenantRequiredError 027
  + MemoryLimitError 028
  + ThrottledError 029
  + UnknownConnectionError 031 (also ValueError)
  + ConnectionDisabledError 032 (also RuntimeError)

Codes are ``LEX_ERR_NOSQL_`` and the number. ``mongo_code`` carries MongoDB's own error code where MongoDB has one for
the fault, on every backend alike, since services branch on it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from lexigram.contracts.data.nosql.nosql import BulkWriteResult
from lexigram.contracts.exceptions import base, infra

__all__ = [
    "AuthenticationFailedError",
    "BulkDuplicateKeyError",
    "BulkWriteError",
    "BulkWriteFailure",
    "ConnectionDisabledError",
    "CursorError",
    "DocumentNotFoundError",
    "DocumentTooLargeError",
    "DocumentValidationError",
    "DuplicateKeyError",
    "IrreversibleMigrationError",
    "MemoryLimitError",
    "MigrationChangedError",
    "MigrationError",
    "MigrationLockedError",
    "NoSQLConnectionError",
    "NoSQLError",
    "NoSQLFilterError",
    "NoSQLIndexError",
    "NoSQLTimeoutError",
    "PageTokenError",
    "PipelineError",
    "QueryOptionError",
    "ScanDeniedError",
    "StoreNotConnectedError",
    "TenantRequiredError",
    "ThrottledError",
    "TransactionError",
    "UnknownConnectionError",
    "UnsupportedFeatureError",
    "UpdateError",
    "VersionConflictError",
    "WriteConflictError",
]


class NoSQLError(base.LexigramError):
    """A document store operation failed.

    Attributes:
        backend: Name of the driver, such as ``memory``; None when no backend was asked.
        collection: Name of the collection concerned.
        operation: Method that failed, such as ``insert_one``.
        mongo_code: MongoDB's error code for this fault, or None.
        retryable: True when the same call may succeed if repeated.
    """

    _code: ClassVar[str] = "LEX_ERR_NOSQL_001"
    _mongo_code: ClassVar[int | None] = None
    _retryable: ClassVar[bool] = False

    def __init__(
        self,
        message: str | None = None,
        details: Mapping[str, Any] | None = None,
        cause: BaseException | None = None,
        hint: str | None = None,
        *,
        backend: str | None = None,
        collection: str | None = None,
        operation: str | None = None,
        mongo_code: int | None = None,
        retryable: bool | None = None,
        **context: Any,
    ) -> None:
        super().__init__(message, details, cause, hint, **context)
        self.backend = backend
        self.collection = collection
        self.operation = operation
        self.mongo_code = self._mongo_code if mongo_code is None else mongo_code
        self.retryable = self._retryable if retryable is None else retryable


class NoSQLConnectionError(NoSQLError):
    """The database could not be reached."""

    _code = "LEX_ERR_NOSQL_002"
    _mongo_code = 6
    _retryable = True


class StoreNotConnectedError(NoSQLConnectionError, RuntimeError):
    """The store was used before ``connect()`` or after ``disconnect()``."""

    _code = "LEX_ERR_NOSQL_008"
    _retryable = False


class AuthenticationFailedError(NoSQLConnectionError):
    """The database refused the credentials."""

    _code = "LEX_ERR_NOSQL_009"
    _mongo_code = 18
    _retryable = False


class DocumentNotFoundError(NoSQLError):
    """A document that must exist does not."""

    _code = "LEX_ERR_NOSQL_003"


class DuplicateKeyError(NoSQLError, infra.DuplicateKeyError):
    """A unique index already holds this key.

    Attributes:
        index: Name of the index.
        key: The fields and values that stand twice.
    """

    _code = "LEX_ERR_NOSQL_004"
    _mongo_code = 11000

    def __init__(
        self,
        message: str | None = None,
        *args: Any,
        index: str | None = None,
        key: Mapping[str, Any] | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(message, *args, **kwargs)
        self.index = index
        self.key = dict(key) if key is not None else None


class DocumentValidationError(NoSQLError, ValueError):
    """A document holds something that documents may not hold.

    Attributes:
        path: Dotted path of the offending value; empty for the document itself.
    """

    _code = "LEX_ERR_NOSQL_005"
    _mongo_code = 2

    def __init__(self, message: str | None = None, *args: Any, path: str = "", **kwargs: Any) -> None:
        super().__init__(message, *args, **kwargs)
        self.path = path


class DocumentTooLargeError(DocumentValidationError):
    """A document is larger than the backend stores.

    Attributes:
        size: Its size in bytes, as the backend counts.
        limit: The most the backend takes, in bytes.
    """

    _code = "LEX_ERR_NOSQL_010"
    _mongo_code = 10334

    def __init__(self, message: str | None = None, *args: Any, size: int = 0, limit: int = 0, **kwargs: Any) -> None:
        super().__init__(message, *args, **kwargs)
        self.size = size
        self.limit = limit


class TransactionError(NoSQLError):
    """A session or transaction could not be started, used or committed."""

    _code = "LEX_ERR_NOSQL_006"
    _mongo_code = 251


class WriteConflictError(TransactionError):
    """Another writer changed the same document first; run the transaction again."""

    _code = "LEX_ERR_NOSQL_011"
    _mongo_code = 112
    _retryable = True


class NoSQLFilterError(NoSQLError, ValueError):
    """A filter is not valid, or uses an operator that is refused.

    Attributes:
        path: Where in the filter, as a dotted path of keys.
    """

    _code = "LEX_ERR_NOSQL_007"
    _mongo_code = 2

    def __init__(self, message: str | None = None, *args: Any, path: str = "", **kwargs: Any) -> None:
        super().__init__(message, *args, **kwargs)
        self.path = path


class UpdateError(NoSQLError, ValueError):
    """An update is not valid, or cannot be applied to a document."""

    _code = "LEX_ERR_NOSQL_012"
    _mongo_code = 9


class PipelineError(NoSQLError, ValueError):
    """A pipeline or expression is not valid, or cannot be evaluated."""

    _code = "LEX_ERR_NOSQL_013"
    _mongo_code = 9


class QueryOptionError(NoSQLError, ValueError):
    """A sort, projection, hint, skip, limit or collation is not valid."""

    _code = "LEX_ERR_NOSQL_014"
    _mongo_code = 2


class NoSQLTimeoutError(NoSQLError, TimeoutError):
    """The operation did not finish within its time.

    Attributes:
        timeout: The limit that passed, in seconds; None when the server set it.
    """

    _code = "LEX_ERR_NOSQL_015"
    _mongo_code = 50
    _retryable = True

    def __init__(self, message: str | None = None, *args: Any, timeout: float | None = None, **kwargs: Any) -> None:
        super().__init__(message, *args, **kwargs)
        self.timeout = timeout


class UnsupportedFeatureError(NoSQLError):
    """The backend does not offer this.

    Attributes:
        feature: Name of the capability that is missing.
    """

    _code = "LEX_ERR_NOSQL_016"
    _mongo_code = 115

    def __init__(self, message: str | None = None, *args: Any, feature: str = "", **kwargs: Any) -> None:
        super().__init__(message, *args, **kwargs)
        self.feature = feature


class ScanDeniedError(NoSQLError):
    """The request would read the whole collection, and ``scan_policy`` is ``deny``.

    Attributes:
        suggested_index: Key specification of an index that would serve the request.
    """

    _code = "LEX_ERR_NOSQL_017"
    _mongo_code = 291

    def __init__(
        self, message: str | None = None, *args: Any, suggested_index: Sequence[tuple[str, int]] = (), **kwargs: Any
    ) -> None:
        super().__init__(message, *args, **kwargs)
        self.suggested_index = tuple(suggested_index)


class CursorError(NoSQLError):
    """A cursor was used after it was closed, or the server lost it."""

    _code = "LEX_ERR_NOSQL_018"
    _mongo_code = 43


class PageTokenError(CursorError, ValueError):
    """A page token was altered, or belongs to another query."""

    _code = "LEX_ERR_NOSQL_019"
    _mongo_code = 2


class NoSQLIndexError(NoSQLError):
    """An index is not valid, conflicts with another, or does not exist."""

    _code = "LEX_ERR_NOSQL_020"
    _mongo_code = 67


@dataclass(frozen=True, slots=True)
class BulkWriteFailure:
    """One failed operation of a bulk.

    Attributes:
        index: Position of the operation in the list that was given, from 0.
        error: What went wrong with it.
    """

    index: int
    error: NoSQLError


class BulkWriteError(NoSQLError):
    """Some operations of a bulk failed; the others took effect.

    Attributes:
        result: What did take effect.
        failures: The failed operations with their positions.
    """

    _code = "LEX_ERR_NOSQL_021"

    def __init__(
        self,
        message: str | None = None,
        *args: Any,
        result: BulkWriteResult | None = None,
        failures: Sequence[BulkWriteFailure] = (),
        **kwargs: Any,
    ) -> None:
        super().__init__(message, *args, **kwargs)
        self.result = result if result is not None else BulkWriteResult()
        self.failures = tuple(failures)


class BulkDuplicateKeyError(BulkWriteError, DuplicateKeyError):
    """Some operations of a bulk failed, each for a duplicate key; the others took effect."""

    _code = "LEX_ERR_NOSQL_030"
    _mongo_code = 11000


class MigrationError(NoSQLError):
    """A migration is not valid or failed.

    Attributes:
        version: The migration concerned.
    """

    _code = "LEX_ERR_NOSQL_022"

    def __init__(self, message: str | None = None, *args: Any, version: str | None = None, **kwargs: Any) -> None:
        super().__init__(message, *args, **kwargs)
        self.version = version


class MigrationLockedError(MigrationError):
    """Another runner holds the migration lock."""

    _code = "LEX_ERR_NOSQL_023"
    _retryable = True


class MigrationChangedError(MigrationError):
    """A migration that was applied has been changed since."""

    _code = "LEX_ERR_NOSQL_024"


class IrreversibleMigrationError(MigrationError):
    """A migration cannot be rolled back, since an operation in it has no inverse."""

    _code = "LEX_ERR_NOSQL_025"


class VersionConflictError(NoSQLError):
    """An entity was changed by someone else since it was read.

    Attributes:
        document_id: The entity's id.
        expected: The version the caller had.
    """

    _code = "LEX_ERR_NOSQL_026"

    def __init__(
        self,
        message: str | None = None,
        *args: Any,
        document_id: Any = None,
        expected: int | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(message, *args, **kwargs)
        self.document_id = document_id
        self.expected = expected


class TenantRequiredError(NoSQLError):
    """A repository of tenants' data was used with no tenant set."""

    _code = "LEX_ERR_NOSQL_027"


class MemoryLimitError(NoSQLError):
    """A blocking stage would hold more than it is allowed."""

    _code = "LEX_ERR_NOSQL_028"
    _mongo_code = 292


class ThrottledError(NoSQLError):
    """The service kept refusing for load, after every retry."""

    _code = "LEX_ERR_NOSQL_029"
    _retryable = True


class UnknownConnectionError(NoSQLError, ValueError):
    """No connection has this name, or none is the default one.

    Attributes:
        connection: The name asked for; None when the default one was meant.
    """

    _code = "LEX_ERR_NOSQL_031"

    def __init__(self, message: str | None = None, *args: Any, connection: str | None = None, **kwargs: Any) -> None:
        super().__init__(message, *args, **kwargs)
        self.connection = connection


class ConnectionDisabledError(NoSQLError, RuntimeError):
    """The settings switch this connection off.

    Attributes:
        connection: Its name.
    """

    _code = "LEX_ERR_NOSQL_032"

    def __init__(self, message: str | None = None, *args: Any, connection: str | None = None, **kwargs: Any) -> None:
        super().__init__(message, *args, **kwargs)
        self.connection = connection

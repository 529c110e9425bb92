"""The errors of SQL databases, in one tree.

* DatabaseError (contracts, LEX_ERR_DB_001)
  + DatabaseConnectionError 001: the server cannot be reached, or refuses the connection
    - ConnectionRefusedError 002 (also the built-in ConnectionRefusedError)
    - ConnectionTimeoutError 003 (also TimeoutError)
    - ConnectionPoolError 004: no connection could be lent
  + QueryError 005: a statement failed
    - QuerySyntaxError 006
    - ParameterBindingError 007 (also ValueError)
  + IntegrityError 008 (also contracts' IntegrityError)
    - DuplicateKeyError 009 (also contracts' DuplicateKeyError)
    - ForeignKeyError 010
    - NotNullViolationError 011
    - CheckConstraintError 012
  + TransactionError 013
    - SerializationError 014
    - TransactionRollbackError 016
    - DeadlockError 018
  + LockError 017 (also contracts' LockError)
  + SchemaError 019
    - TableNotFoundError 020
    - ColumnNotFoundError 021
  + DatabaseTimeoutError 022 (also TimeoutError): a statement took too long
  + RepositoryError 023
    - OptimisticLockError 015
    - MappingError 037
    - TenantScopingError 038
      . NoSecurityPolicyError 039
  + UnitOfWorkError 024 (also contracts' UnitOfWorkError)
  + DriverError 025: the driver is missing, or was used wrongly
  + MigrationError (contracts, LEX_ERR_DB_002)
    - MigrationDependencyError 032
    - MigrationExecutionError 033
    - MigrationNotFoundError 034
    - MigrationValidationError 035
* DataError 026 (also contracts' DataError): what is asked of data, before and beside statements
  + DataQueryError 027 (also ValueError)
  + PaginationError 028 (also ValueError)
    - CursorError 031
  + EntityNotFoundError 029 (also contracts' DataNotFoundError)
  + DataRepositoryError 030
  + ProtocolValidationError 036 (also TypeError)

Codes are ``LEX_ERR_SQL_`` and the number. Drivers classify by the server's own code (SQLSTATE, errno, SQLite's extended
result code), which stays readable as ``native_code``; the driver's exception is the ``__cause__``. Parameters are kept
masked: a value that could be a secret never reaches an error.
"""

from __future__ import annotations

import builtins
from collections.abc import Mapping
from typing import Any, ClassVar

from lexigram.contracts.exceptions import base, infra
from lexigram.contracts.exceptions.infra import DatabaseError, InvalidIdentifierError, NoPrimaryBackendError

__all__ = [
    "CheckConstraintError",
    "ColumnNotFoundError",
    "ConnectionPoolError",
    "ConnectionRefusedError",
    "ConnectionTimeoutError",
    "CursorError",
    "DataError",
    "DataQueryError",
    "DataRepositoryError",
    "DatabaseConnectionError",
    "DatabaseError",
    "DatabaseTimeoutError",
    "DeadlockError",
    "DriverError",
    "DuplicateKeyError",
    "EntityNotFoundError",
    "ForeignKeyError",
    "IntegrityError",
    "InvalidIdentifierError",
    "LockError",
    "MappingError",
    "MigrationDependencyError",
    "MigrationExecutionError",
    "MigrationNotFoundError",
    "MigrationValidationError",
    "NoPrimaryBackendError",
    "NoSecurityPolicyError",
    "NotNullViolationError",
    "OptimisticLockError",
    "PaginationError",
    "ParameterBindingError",
    "ProtocolValidationError",
    "QueryError",
    "QuerySyntaxError",
    "RepositoryError",
    "SchemaError",
    "SerializationError",
    "TableNotFoundError",
    "TenantScopingError",
    "TransactionError",
    "TransactionRollbackError",
    "UnitOfWorkError",
]


class _Context(base.LexigramError):
    """What every error here says about where it happened.

    Attributes:
        backend: Name of the backend, such as ``postgres``; None when none was asked.
        operation: The method that failed, such as ``execute_query``.
        native_code: The server's own code: SQLSTATE, errno or SQLite's extended result code; None without one.
        retryable: True when the same work may succeed if it is done again from the start of its transaction.
    """

    _retryable: ClassVar[bool] = False

    def __init__(
        self,
        message: str | None = None,
        details: Mapping[str, Any] | None = None,
        cause: BaseException | None = None,
        hint: str | None = None,
        *,
        backend: str | None = None,
        operation: str | None = None,
        native_code: str | int | None = None,
        retryable: bool | None = None,
        **context: Any,
    ) -> None:
        super().__init__(message, details, cause, hint, **context)
        self.backend = backend
        self.operation = operation
        self.native_code = native_code
        self.retryable = self._retryable if retryable is None else retryable


class DatabaseConnectionError(_Context, DatabaseError):
    """The database could not be reached.

    Attributes:
        host: Where it was looked for; None for files.
        port: And at which port.
    """

    _code = "LEX_ERR_SQL_001"
    _retryable = True

    def __init__(
        self, message: str | None = None, *args: Any, host: str | None = None, port: int | None = None, **kwargs: Any
    ) -> None:
        super().__init__(message, *args, **kwargs)
        self.host = host
        self.port = port


class ConnectionRefusedError(DatabaseConnectionError, builtins.ConnectionRefusedError):  # noqa: A001 - the documented name
    """The server refused the connection: nothing listens there, or the credentials are wrong."""

    _code = "LEX_ERR_SQL_002"


class ConnectionTimeoutError(DatabaseConnectionError, TimeoutError):
    """The server did not answer in time."""

    _code = "LEX_ERR_SQL_003"


class ConnectionPoolError(DatabaseConnectionError):
    """No connection could be lent.

    Attributes:
        in_use: How many connections were lent when the wait ended.
        max_size: How many the pool may have.
        waited: Seconds that were waited.
    """

    _code = "LEX_ERR_SQL_004"

    def __init__(
        self,
        message: str | None = None,
        *args: Any,
        in_use: int | None = None,
        max_size: int | None = None,
        waited: float | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(message, *args, **kwargs)
        self.in_use = in_use
        self.max_size = max_size
        self.waited = waited


class QueryError(_Context, DatabaseError):
    """A statement failed.

    Attributes:
        sql: The statement.
        params: Its parameters, masked.
    """

    _code = "LEX_ERR_SQL_005"

    def __init__(
        self, message: str | None = None, *args: Any, sql: str | None = None, params: Any = None, **kwargs: Any
    ) -> None:
        super().__init__(message, *args, **kwargs)
        self.sql = sql
        self.params = params


class QuerySyntaxError(QueryError):
    """A statement is not SQL, as this database understands it."""

    _code = "LEX_ERR_SQL_006"


class ParameterBindingError(QueryError, ValueError):
    """The parameters do not fit the statement."""

    _code = "LEX_ERR_SQL_007"


class IntegrityError(_Context, infra.IntegrityError):
    """A write would break a rule that the database keeps.

    Attributes:
        constraint: Name of the constraint; None where the database does not tell.
        table: The table it belongs to.
        column: The column concerned, where it is one.
        sql: The statement.
    """

    _code = "LEX_ERR_SQL_008"

    def __init__(
        self,
        message: str | None = None,
        *args: Any,
        constraint: str | None = None,
        table: str | None = None,
        column: str | None = None,
        sql: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(message, *args, **kwargs)
        self.constraint = constraint
        self.table = table
        self.column = column
        self.sql = sql


class DuplicateKeyError(IntegrityError, infra.DuplicateKeyError):
    """A unique key is taken already."""

    _code = "LEX_ERR_SQL_009"


class ForeignKeyError(IntegrityError):
    """A row refers to one that does not exist, or is referred to by one that does."""

    _code = "LEX_ERR_SQL_010"


class NotNullViolationError(IntegrityError):
    """A column that must have a value has none."""

    _code = "LEX_ERR_SQL_011"


class CheckConstraintError(IntegrityError):
    """A row does not meet a CHECK constraint."""

    _code = "LEX_ERR_SQL_012"


class TransactionError(_Context, DatabaseError):
    """A transaction failed, or was used wrongly."""

    _code = "LEX_ERR_SQL_013"


class SerializationError(TransactionError):
    """Another transaction was first; run the whole transaction again."""

    _code = "LEX_ERR_SQL_014"
    _retryable = True


class TransactionRollbackError(TransactionError):
    """The transaction was rolled back, and takes no more statements."""

    _code = "LEX_ERR_SQL_016"


class DeadlockError(TransactionError):
    """Two transactions waited for each other, and this one was ended; run it again."""

    _code = "LEX_ERR_SQL_018"
    _retryable = True


class LockError(_Context, DatabaseError, infra.LockError):
    """A lock could not be had: a row, a table or the database is locked by another."""

    _code = "LEX_ERR_SQL_017"
    _retryable = True


class SchemaError(_Context, DatabaseError):
    """The schema is not as the statement needs it."""

    _code = "LEX_ERR_SQL_019"


class TableNotFoundError(SchemaError):
    """There is no such table.

    Attributes:
        table: Its name, where the database tells.
    """

    _code = "LEX_ERR_SQL_020"

    def __init__(self, message: str | None = None, *args: Any, table: str | None = None, **kwargs: Any) -> None:
        super().__init__(message, *args, **kwargs)
        self.table = table


class ColumnNotFoundError(SchemaError):
    """There is no such column.

    Attributes:
        column: Its name, where the database tells.
        table: The table it was looked for in, where that is known.
    """

    _code = "LEX_ERR_SQL_021"

    def __init__(
        self,
        message: str | None = None,
        *args: Any,
        column: str | None = None,
        table: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(message, *args, **kwargs)
        self.column = column
        self.table = table


class DatabaseTimeoutError(_Context, DatabaseError, TimeoutError):
    """A statement took longer than it may.

    Attributes:
        timeout: The limit, in seconds; None where the server set it.
    """

    _code = "LEX_ERR_SQL_022"
    _retryable = True

    def __init__(self, message: str | None = None, *args: Any, timeout: float | None = None, **kwargs: Any) -> None:
        super().__init__(message, *args, **kwargs)
        self.timeout = timeout


class RepositoryError(_Context, DatabaseError):
    """A repository could not do what it was asked."""

    _code = "LEX_ERR_SQL_023"


class OptimisticLockError(RepositoryError):
    """The row was changed since it was read.

    Attributes:
        entity_type: Name of the entity's class.
        entity_id: Its key.
        expected_version: The version that the caller had.
    """

    _code = "LEX_ERR_SQL_015"

    def __init__(
        self,
        entity_type: str = "entity",
        entity_id: Any = None,
        expected_version: int | None = None,
        message: str | None = None,
        **kwargs: Any,
    ) -> None:
        if message is None:
            message = f"{entity_type} {entity_id!r} is no longer at version {expected_version}"
        super().__init__(message, **kwargs)
        self.entity_type = entity_type
        self.entity_id = entity_id
        self.expected_version = expected_version


class MappingError(RepositoryError):
    """A row does not fit its entity, or an entity its table."""

    _code = "LEX_ERR_SQL_037"


class TenantScopingError(RepositoryError):
    """A statement on rows that belong to tenants does not say whose.

    Attributes:
        table: The table.
        operation: What was tried.
    """

    _code = "LEX_ERR_SQL_038"

    def __init__(
        self, table: str = "", operation: str | None = None, message: str | None = None, *args: Any, **kwargs: Any
    ) -> None:
        if message is None:
            message = f"{operation or 'the statement'} on {table!r} needs a tenant"
        super().__init__(message, *args, operation=operation, **kwargs)
        self.table = table


class NoSecurityPolicyError(TenantScopingError):
    """A table is guarded by a row-level security policy, and the task has none active."""

    _code = "LEX_ERR_SQL_039"


class UnitOfWorkError(_Context, infra.UnitOfWorkError):
    """A unit of work was used wrongly, or could not be completed."""

    _code = "LEX_ERR_SQL_024"


class DriverError(_Context, DatabaseError):
    """The driver is missing, too old, or failed in a way of its own.

    Attributes:
        driver: Its name, such as ``asyncpg``.
    """

    _code = "LEX_ERR_SQL_025"

    def __init__(self, message: str | None = None, *args: Any, driver: str | None = None, **kwargs: Any) -> None:
        super().__init__(message, *args, **kwargs)
        self.driver = driver


class MigrationDependencyError(_Context, infra.MigrationError):
    """A migration needs one that is missing, or two need each other."""

    _code = "LEX_ERR_SQL_032"


class MigrationExecutionError(_Context, infra.MigrationError):
    """A migration failed while it ran."""

    _code = "LEX_ERR_SQL_033"


class MigrationNotFoundError(_Context, infra.MigrationError):
    """There is no such migration."""

    _code = "LEX_ERR_SQL_034"


class MigrationValidationError(_Context, infra.MigrationError):
    """A migration was changed after it ran, or is not well formed."""

    _code = "LEX_ERR_SQL_035"


class DataError(_Context, infra.DataError):
    """Data could not be asked for, or could not be understood."""

    _code = "LEX_ERR_SQL_026"


class DataQueryError(DataError, ValueError):
    """A description of a query, a filter or a sort is not valid."""

    _code = "LEX_ERR_SQL_027"


class PaginationError(DataError, ValueError):
    """A page cannot be asked for like this."""

    _code = "LEX_ERR_SQL_028"


class CursorError(PaginationError):
    """A page cursor is not one of ours, or belongs to another query."""

    _code = "LEX_ERR_SQL_031"


class EntityNotFoundError(DataError, infra.DataNotFoundError):
    """An entity that must exist does not.

    Attributes:
        entity_type: Name of its class.
        entity_id: Its key.
    """

    _code = "LEX_ERR_SQL_029"

    def __init__(
        self, entity_type: str = "entity", entity_id: Any = None, message: str | None = None, **kwargs: Any
    ) -> None:
        DataError.__init__(self, message or f"{entity_type} {entity_id!r} does not exist", **kwargs)
        self.entity_type = self.item_type = entity_type
        self.entity_id = self.item_id = entity_id


class DataRepositoryError(DataError):
    """A repository outside a database failed."""

    _code = "LEX_ERR_SQL_030"


class ProtocolValidationError(DataError, TypeError):
    """An object does not implement the protocol that it is used as."""

    _code = "LEX_ERR_SQL_036"

"""Errors of what stands outside the program, and of using it.

* InfrastructureError INFRA_001
  + LockError INFRA_002
    - LockConflictError INFRA_003
  + DatabaseError DB_001
    - IntegrityError DB_003
      . ConstraintError DB_004
      . DuplicateKeyError DB_005
    - UnitOfWorkError DB_006
    - NoPrimaryBackendError DB_011
  + MigrationError DB_002
* DataError DB_007
  + DataNotFoundError DB_008
  + DataValidationError DB_009 (also ValueError)
* InvalidIdentifierError DB_010 (also ValueError)

Codes are ``LEX_ERR_`` and what is shown. The data errors are re-exported by ``lexigram.contracts.data.exceptions``.
"""

from __future__ import annotations

from typing import Any, ClassVar

from lexigram.contracts.exceptions.base import LexigramError

__all__ = [
    "ConstraintError",
    "DataError",
    "DataNotFoundError",
    "DataValidationError",
    "DatabaseError",
    "DuplicateKeyError",
    "InfrastructureError",
    "IntegrityError",
    "InvalidIdentifierError",
    "LockConflictError",
    "LockError",
    "MigrationError",
    "NoPrimaryBackendError",
    "UnitOfWorkError",
]


class InfrastructureError(LexigramError):
    """Something outside the program failed."""

    _code: ClassVar[str] = "LEX_ERR_INFRA_001"


class LockError(InfrastructureError):
    """A distributed lock could not be taken, kept or given back."""

    _code = "LEX_ERR_INFRA_002"


class LockConflictError(LockError):
    """Another owner holds the lock.

    Attributes:
        resource: What is locked.
        owner: Who holds it; None when that is not known.
    """

    _code = "LEX_ERR_INFRA_003"

    def __init__(
        self, resource: str = "", owner: str | None = None, message: str | None = None, *args: Any, **kwargs: Any
    ) -> None:
        if message is None:
            message = f"{resource!r} is locked" + (f" by {owner!r}" if owner else "")
        super().__init__(message, *args, **kwargs)
        self.resource = resource
        self.owner = owner
        self.details.setdefault("resource", resource)
        self.details.setdefault("owner", owner)


class DatabaseError(InfrastructureError):
    """A database operation failed."""

    _code = "LEX_ERR_DB_001"


class MigrationError(InfrastructureError):
    """A schema migration failed, or cannot be run."""

    _code = "LEX_ERR_DB_002"


class IntegrityError(DatabaseError):
    """A write would break a rule that the database keeps."""

    _code = "LEX_ERR_DB_003"


class ConstraintError(IntegrityError):
    """A write would break a named constraint."""

    _code = "LEX_ERR_DB_004"


class DuplicateKeyError(IntegrityError):
    """A unique key is taken already."""

    _code = "LEX_ERR_DB_005"


class UnitOfWorkError(DatabaseError):
    """A unit of work was used wrongly, or could not be completed."""

    _code = "LEX_ERR_DB_006"


class NoPrimaryBackendError(DatabaseError):
    """Several databases are configured and none of them is the primary one."""

    _code = "LEX_ERR_DB_011"


class DataError(LexigramError):
    """Data could not be read, written or understood."""

    _code = "LEX_ERR_DB_007"


class DataNotFoundError(DataError):
    """An item that must exist does not.

    Attributes:
        item_type: What kind of item, such as ``User``.
        item_id: Its identifier.
    """

    _code = "LEX_ERR_DB_008"

    def __init__(
        self, item_type: str = "item", item_id: Any = None, message: str | None = None, *args: Any, **kwargs: Any
    ) -> None:
        super().__init__(message or f"{item_type} {item_id!r} does not exist", *args, **kwargs)
        self.item_type = item_type
        self.item_id = item_id


class DataValidationError(DataError, ValueError):
    """Data does not have the form it must have.

    Attributes:
        field: The field concerned; None when it is the whole.
    """

    _code = "LEX_ERR_DB_009"

    def __init__(self, message: str | None = None, field: str | None = None, *args: Any, **kwargs: Any) -> None:
        super().__init__(message, *args, **kwargs)
        self.field = field


class InvalidIdentifierError(LexigramError, ValueError):
    """A name cannot be used as an SQL identifier."""

    _code = "LEX_ERR_DB_010"

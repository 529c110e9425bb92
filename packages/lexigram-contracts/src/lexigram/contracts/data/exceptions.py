"""The errors of data access, as the data layer's documents import them; defined in ``contracts.exceptions.infra``."""

from __future__ import annotations

from lexigram.contracts.exceptions.infra import (
    DataError,
    DataNotFoundError,
    DataValidationError,
    InvalidIdentifierError,
    NoPrimaryBackendError,
    UnitOfWorkError,
)

__all__ = [
    "DataError",
    "DataNotFoundError",
    "DataValidationError",
    "InvalidIdentifierError",
    "NoPrimaryBackendError",
    "UnitOfWorkError",
]

"""``SQLRepository``: for repositories that map rows themselves."""

from __future__ import annotations

from typing import TypeVar

from lexigram.sql.repositories.bulk import BulkRepository

__all__ = ["SQLRepository"]

T = TypeVar("T")
K = TypeVar("K")


class SQLRepository(BulkRepository[T, K]):
    """A table as objects that the subclass makes: it implements ``_entity_to_dict`` and ``_row_to_entity``.

    Implements ``RepositoryProtocol``. Statements read every column, and names of fields are names of columns.
    """

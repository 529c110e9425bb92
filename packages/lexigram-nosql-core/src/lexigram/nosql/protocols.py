"""The contracts that this distribution fulfils, by the path that its documents use."""

from __future__ import annotations

from lexigram.contracts.data.nosql.nosql import CollectionProtocol, DocumentStoreProtocol
from lexigram.contracts.data.nosql.nosql_repository import DocumentRepositoryProtocol

__all__ = ["CollectionProtocol", "DocumentRepositoryProtocol", "DocumentStoreProtocol"]

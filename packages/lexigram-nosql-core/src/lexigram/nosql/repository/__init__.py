"""Repositories: objects of one kind, kept as documents of one collection.

``DocumentRepository`` does everything; :mod:`~lexigram.nosql.repository.mapping` turns objects into documents and back;
:mod:`~lexigram.nosql.repository.tenancy` says whose data is meant.
"""

from lexigram.nosql.repository.base import DocumentRepository
from lexigram.nosql.repository.tenancy import current_tenant, tenant_scope

__all__ = ["DocumentRepository", "current_tenant", "tenant_scope"]

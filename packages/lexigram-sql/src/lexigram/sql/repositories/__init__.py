"""Repositories: the rows of a table as objects.

* :mod:`~lexigram.sql.repositories.generic`: ``GenericRepository``, what applications subclass or use as it is.
* :mod:`~lexigram.sql.repositories.base`: ``SQLRepository``, for those that map rows themselves.
* :mod:`~lexigram.sql.repositories.fields`: typed filters, ``F("age") >= 18``.
* :mod:`~lexigram.sql.repositories.rls`, :mod:`~lexigram.sql.repositories.tenancy`: whose rows a task sees;
  :mod:`~lexigram.sql.repositories.server_rls`: the same by PostgreSQL itself.
* :mod:`~lexigram.sql.repositories.reading`, :mod:`~lexigram.sql.repositories.paging`,
  :mod:`~lexigram.sql.repositories.writing`, :mod:`~lexigram.sql.repositories.bulk`: the methods, on
  :mod:`~lexigram.sql.repositories.core`.
* :mod:`~lexigram.sql.repositories.cached`: reads kept in a cache.
* :mod:`~lexigram.sql.repositories.append_log`: streams of events.
* :mod:`~lexigram.sql.repositories.audit`: who changed what.
* :mod:`~lexigram.sql.repositories.scopes`, :mod:`~lexigram.sql.repositories.decorators`: conditions with a name; what
  methods take, and what they return kept for a while.
* :mod:`~lexigram.sql.repositories.mapping`, :mod:`~lexigram.sql.repositories.converters`: objects and rows.
"""

from lexigram.sql.exceptions import NoSecurityPolicyError
from lexigram.sql.repositories.append_log import AppendLogRepository, DatabaseProviderAppendLog
from lexigram.sql.repositories.audit import (
    AuditEntry,
    AuditLoggerProtocol,
    AuditRepositoryMixin,
    TableAuditLogger,
)
from lexigram.sql.repositories.base import SQLRepository
from lexigram.sql.repositories.cached import CachedRepository
from lexigram.sql.repositories.decorators import cacheable, timed
from lexigram.sql.repositories.fields import F, Filter, field
from lexigram.sql.repositories.generic import GenericRepository
from lexigram.sql.repositories.mapping import EntityMapper
from lexigram.sql.repositories.rls import RowLevelSecurityPolicy, ScopeColumn
from lexigram.sql.repositories.scopes import (
    ActiveScope,
    OrderingScope,
    QueryScope,
    SoftDeleteScope,
    TenantScope,
    apply_scopes,
)
from lexigram.sql.repositories.server_rls import enforced, server_policy
from lexigram.sql.repositories.tenancy import tenant_scope

__all__ = [
    "ActiveScope",
    "AppendLogRepository",
    "AuditEntry",
    "AuditLoggerProtocol",
    "AuditRepositoryMixin",
    "CachedRepository",
    "DatabaseProviderAppendLog",
    "EntityMapper",
    "F",
    "Filter",
    "GenericRepository",
    "NoSecurityPolicyError",
    "OrderingScope",
    "QueryScope",
    "RowLevelSecurityPolicy",
    "SQLRepository",
    "ScopeColumn",
    "SoftDeleteScope",
    "TableAuditLogger",
    "TenantScope",
    "apply_scopes",
    "cacheable",
    "enforced",
    "field",
    "server_policy",
    "tenant_scope",
    "timed",
]

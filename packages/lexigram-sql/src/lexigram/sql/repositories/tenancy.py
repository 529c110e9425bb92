"""Whose rows a task works on, for repositories with ``multi_tenant``."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from lexigram.sql.context import DbContext
from lexigram.sql.exceptions import TenantScopingError

__all__ = ["TENANT_COLUMN", "require_tenant", "tenant_scope"]

TENANT_COLUMN = "tenant_id"
"""The column with the tenant of a row."""

_tenant: ContextVar[Any] = ContextVar("lexigram_sql_tenant")
_OUTSIDE: Any = object()


@contextmanager
def tenant_scope(tenant_id: Any) -> Generator[None]:
    """Work on one tenant's rows inside the block, in this task and in those it starts.

    Args:
        tenant_id: The tenant; None and blank text are nobody, so that what follows is refused.
    """
    token = _tenant.set(tenant_id)
    try:
        yield
    finally:
        _tenant.reset(token)


def require_tenant(table: str, operation: str, context: DbContext | None = None) -> Any:
    """The tenant of the innermost :func:`tenant_scope`; outside of one, that of *context*.

    Raises:
        TenantScopingError: There is none.
    """
    tenant = _tenant.get(_OUTSIDE)
    if tenant is _OUTSIDE:
        tenant = None if context is None else context.tenant_id
    if tenant is None or (isinstance(tenant, str) and not tenant.strip()):
        raise TenantScopingError(table, operation, hint="Run the code inside `with tenant_scope(tenant_id):`.")
    return tenant

"""Whose data a task works on."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from contextvars import ContextVar

from lexigram.nosql.exceptions import TenantRequiredError

__all__ = ["current_tenant", "require_tenant", "tenant_scope"]

_tenant: ContextVar[str | None] = ContextVar("lexigram_nosql_tenant", default=None)


@contextmanager
def tenant_scope(tenant: str) -> Generator[None]:
    """Work on one tenant's data inside the block, in this task and in those it starts.

    Args:
        tenant: The tenant's id, not blank.

    Raises:
        TenantRequiredError: The id is blank, or no text.
    """
    token = _tenant.set(_checked(tenant))
    try:
        yield
    finally:
        _tenant.reset(token)


def current_tenant() -> str | None:
    """The tenant of the innermost :func:`tenant_scope`, or None."""
    return _tenant.get()


def require_tenant(collection: str) -> str:
    """The tenant of the innermost :func:`tenant_scope`.

    Raises:
        TenantRequiredError: There is none.
    """
    tenant = _tenant.get()
    if tenant is None:
        raise TenantRequiredError(
            f"the repository of {collection!r} holds tenants' data, and no tenant is set",
            hint="Run the code inside `with tenant_scope(tenant_id):`.",
            collection=collection,
        )
    return tenant


def _checked(tenant: str) -> str:
    if not isinstance(tenant, str) or not tenant.strip():  # pyright: ignore[reportUnnecessaryIsInstance]
        raise TenantRequiredError(f"{tenant!r} is not the id of a tenant", hint="Use a text that is not blank.")
    return tenant

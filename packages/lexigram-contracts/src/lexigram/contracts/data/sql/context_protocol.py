"""The tenant of the request that is being served, as the database layer is told."""

from __future__ import annotations

from collections.abc import MutableMapping
from typing import Any, Protocol, runtime_checkable

__all__ = ["DatabaseContextProtocol"]


@runtime_checkable
class DatabaseContextProtocol(Protocol):
    """Holds the tenant for the task that runs."""

    def set_tenant_from_scope(self, scope: MutableMapping[str, Any], /) -> Any | None:
        """Take the tenant from an ASGI scope (``scope["state"]["tenant"]``, else ``scope["tenant"]``).

        Returns:
            A token for :meth:`reset_tenant`, or None when there is no tenant.
        """
        ...

    def reset_tenant(self, token: Any | None, /) -> None:
        """Go back to the tenant of before."""
        ...

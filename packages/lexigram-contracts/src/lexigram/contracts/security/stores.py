"""Secrets kept in a database."""

from __future__ import annotations

from typing import Protocol, runtime_checkable

__all__ = ["AsyncSecretStoreProtocol"]


@runtime_checkable
class AsyncSecretStoreProtocol(Protocol):
    """Secrets by name."""

    async def get(self, name: str) -> str | None:
        """The secret, or None."""
        ...

    async def get_bulk(self, *names: str) -> dict[str, str]:
        """Those of the secrets that there are."""
        ...

    async def set(self, name: str, value: str) -> None:
        """Keep a secret, in the place of an older one."""
        ...

    async def delete(self, name: str) -> bool:
        """Forget a secret; True when there was one."""
        ...

"""Running schema migrations."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol, runtime_checkable

__all__ = ["MigrationRunnerProtocol"]


@runtime_checkable
class MigrationRunnerProtocol(Protocol):
    """Brings a schema up to date, and back."""

    async def run_migrations(self) -> list[str]:
        """Apply what is pending, in order, and return the versions applied.

        Raises:
            MigrationError: One failed; those before it stay applied.
        """
        ...

    async def rollback(self, target: str | None = None) -> list[str]:
        """Undo the last migration, or all after *target*, and return the versions undone, last first.

        Raises:
            MigrationError: One failed or cannot be undone.
        """
        ...

    async def get_current_version(self) -> str | None:
        """The version applied last, or None."""
        ...

    async def get_pending_migrations(self) -> Sequence[Any]:
        """What is not applied yet, in order."""
        ...

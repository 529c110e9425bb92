"""Where new identifiers come from."""

from __future__ import annotations

from typing import Protocol, runtime_checkable

__all__ = ["IdGeneratorProtocol"]


@runtime_checkable
class IdGeneratorProtocol(Protocol):
    """Makes identifiers that no one else makes."""

    def generate(self) -> str:
        """A new identifier."""
        ...

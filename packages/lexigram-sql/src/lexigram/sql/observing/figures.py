"""What is counted of every statement, whether anybody watches or not."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

__all__ = ["QueryFigures"]


@dataclass(slots=True)
class QueryFigures:
    """Figures about the statements of one database.

    Attributes:
        statements: How many ran, or failed to.
        failures: How many of them failed.
    """

    statements: int = 0
    failures: int = 0

    def to_dict(self) -> dict[str, Any]:
        """The figures by name."""
        return {"statements": self.statements, "failures": self.failures}

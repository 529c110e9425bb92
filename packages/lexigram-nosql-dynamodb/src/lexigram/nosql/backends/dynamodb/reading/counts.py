"""What a request cost: for ``explain()``."""

# The class of an Any is Unknown to pyright, and this module asks for classes.
# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false, reportUnknownMemberType=false

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

__all__ = ["Counts"]


@dataclass(slots=True)
class Counts:
    """What the answers of one read said.

    Attributes:
        requests: Requests sent, pages and repetitions of what was left unprocessed among them.
        examined: Items that the service looked at.
        returned: Items that came back.
        capacity: Read units consumed.
    """

    requests: int = 0
    examined: int = 0
    returned: int = 0
    capacity: float = 0.0

    def add(self, answer: Mapping[str, Any], examined: int, returned: int) -> None:
        """Count one answer.

        Args:
            answer: The answer, with ``ConsumedCapacity``.
            examined: Items that the service looked at.
            returned: Items that came back.
        """
        self.requests += 1
        self.examined += examined
        self.returned += returned
        consumed: Any = answer.get("ConsumedCapacity") or []
        # Of a batch it is a list, by table.
        several: list[dict[str, Any]] = consumed if isinstance(consumed, list) else [consumed]
        for each in several:
            self.capacity += float(each.get("CapacityUnits") or 0)

    def to_dict(self) -> dict[str, Any]:
        """The counts as plain data."""
        return {
            "requests": self.requests,
            "items_examined": self.examined,
            "items_returned": self.returned,
            "consumed_read_units": self.capacity,
        }

"""The text of JSON that all backends store."""

from __future__ import annotations

import enum
import json
import uuid
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any

__all__ = ["to_json"]


def to_json(value: Any) -> str:
    """A value as JSON; dates, decimals, UUIDs and members of enumerations inside as text or what they stand for.

    Raises:
        TypeError: Something inside has no form in JSON.
    """
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), default=_inside)


def _inside(value: Any) -> Any:
    if isinstance(value, datetime | date | time):
        return value.isoformat()
    if isinstance(value, Decimal | uuid.UUID):
        return str(value)
    if isinstance(value, enum.Enum):
        return value.value
    raise TypeError(f"{type(value).__name__} has no JSON form")

"""Time: spans of it, and where the present comes from."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol, Self, runtime_checkable

__all__ = ["ClockProtocol", "Duration"]

_UNITS = {"d": 86_400.0, "h": 3_600.0, "m": 60.0, "s": 1.0, "ms": 0.001}
_PART = re.compile(r"(\d+(?:\.\d+)?)(ms|[dhms])")


@dataclass(frozen=True, slots=True, order=True)
class Duration:
    """A span of time, never negative.

    Written as numbers with units, largest first or in any order: ``30s``, ``5m``, ``1h30m``, ``250ms``, ``1d``.

    Attributes:
        total_seconds: The whole of it, in seconds.
    """

    total_seconds: float = 0.0

    def __post_init__(self) -> None:
        if not 0 <= self.total_seconds < float("inf"):
            raise ValueError(f"a duration cannot be {self.total_seconds} seconds")
        object.__setattr__(self, "total_seconds", float(self.total_seconds))

    @classmethod
    def parse(cls, text: str | float | timedelta | Duration) -> Self:
        """Read a duration; a number, or text without a unit, counts as seconds.

        Raises:
            ValueError: The text is no duration.
        """
        if isinstance(text, Duration):
            return cls(text.total_seconds)
        if isinstance(text, timedelta):
            return cls(text.total_seconds())
        if not isinstance(text, str):
            return cls(float(text))
        compact = text.strip().lower().replace(" ", "")
        if re.fullmatch(r"\d+(\.\d+)?", compact):
            return cls(float(compact))
        parts = _PART.findall(compact)
        if not parts or "".join(number + unit for number, unit in parts) != compact:
            raise ValueError(f"{text!r} is not a duration; write it like 30s, 5m, 1h30m or 250ms")
        return cls(sum(float(number) * _UNITS[unit] for number, unit in parts))

    @classmethod
    def zero(cls) -> Self:
        """No time at all."""
        return cls(0.0)

    @classmethod
    def milliseconds(cls, count: float) -> Self:
        """So many thousandths of a second."""
        return cls(count * _UNITS["ms"])

    @classmethod
    def seconds(cls, count: float) -> Self:
        """So many seconds."""
        return cls(count)

    @classmethod
    def minutes(cls, count: float) -> Self:
        """So many minutes."""
        return cls(count * _UNITS["m"])

    @classmethod
    def hours(cls, count: float) -> Self:
        """So many hours."""
        return cls(count * _UNITS["h"])

    @classmethod
    def days(cls, count: float) -> Self:
        """So many days of 24 hours."""
        return cls(count * _UNITS["d"])

    def to_timedelta(self) -> timedelta:
        """The same as the standard library has it."""
        return timedelta(seconds=self.total_seconds)

    def __add__(self, other: Duration) -> Duration:
        return Duration(self.total_seconds + other.total_seconds)

    def __sub__(self, other: Duration) -> Duration:
        return Duration(self.total_seconds - other.total_seconds)

    def __bool__(self) -> bool:
        return self.total_seconds > 0

    def __str__(self) -> str:
        rest = round(self.total_seconds * 1000)
        parts: list[str] = []
        for unit in ("d", "h", "m", "s", "ms"):
            size = round(_UNITS[unit] * 1000)
            count, rest = divmod(rest, size)
            if count:
                parts.append(f"{count}{unit}")
        return "".join(parts) or "0s"


@runtime_checkable
class ClockProtocol(Protocol):
    """Where the present comes from, so that tests can say when now is."""

    def now(self) -> datetime:
        """The present, in UTC, aware."""
        ...

    def monotonic(self) -> float:
        """Seconds since some moment, which only ever grow."""
        ...

    def timestamp(self) -> float:
        """Seconds since 1970 in UTC."""
        ...

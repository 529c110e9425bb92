"""The real present, and a source of identifiers: what services get for the contracts' protocols."""

from __future__ import annotations

import time
import uuid
from datetime import UTC, datetime

__all__ = ["SystemClock", "UuidGenerator"]


class SystemClock:
    """The computer's clock. Implements ``ClockProtocol``."""

    def now(self) -> datetime:
        """The present, in UTC, aware."""
        return datetime.now(UTC)

    def monotonic(self) -> float:
        """Seconds since some moment, which only ever grow."""
        return time.monotonic()

    def timestamp(self) -> float:
        """Seconds since 1970 in UTC."""
        return time.time()


class UuidGenerator:
    """Random identifiers (UUID, version 4). Implements ``IdGeneratorProtocol``."""

    def generate(self) -> str:
        """A new identifier."""
        return str(uuid.uuid4())

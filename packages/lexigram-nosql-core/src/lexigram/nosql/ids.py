"""Ids for documents that come without one.

``time_ordered_id`` is UUID version 7 (RFC 9562, section 5.7) as text: ids of one process grow, so indexes stay compact.
``random_id`` is version 4, for backends where growing keys make hot spots.
"""

from __future__ import annotations

import os
import threading
import time
import uuid

__all__ = ["random_id", "time_ordered_id"]

_lock = threading.Lock()
_last = 0


def time_ordered_id() -> str:
    """A new UUID version 7 as text, greater than every earlier one of this process."""
    global _last
    with _lock:
        # 48 bits of milliseconds, then 12 bits of sub-millisecond fraction (RFC 9562, section 6.2, method 3).
        nanoseconds = time.time_ns()
        milliseconds, rest = divmod(nanoseconds, 1_000_000)
        stamp = (milliseconds << 12) | (rest * 4096 // 1_000_000)
        _last = stamp = max(stamp, _last + 1)
    value = (stamp >> 12) << 80 | 0x7 << 76 | (stamp & 0xFFF) << 64 | 0b10 << 62
    value |= int.from_bytes(os.urandom(8)) & 0x3FFF_FFFF_FFFF_FFFF
    return str(uuid.UUID(int=value))


def random_id() -> str:
    """A new UUID version 4 as text."""
    return str(uuid.uuid4())

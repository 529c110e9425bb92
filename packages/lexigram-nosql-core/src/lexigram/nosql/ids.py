"""Ids for documents that come without one.

``time_ordered_id`` is UUID version 7 (RFC 9562, section 5.7) as text: ids of one process grow, so indexes stay compact.
``random_id`` is version 4, for backends where growing keys make hot spots.

An id costs about as much as MongoDB's own ``ObjectId``: random bits are asked of the system for many ids at once, and
the text is put together without a ``UUID`` in between.
"""

from __future__ import annotations

import os
import threading
import time
import uuid
from typing import Final

__all__ = ["random_id", "time_ordered_id", "time_ordered_ids"]

_HELD: Final = 256
_DIGITS: Final = 16
_VARIANTS: Final = {digit: "89ab"[int(digit, 16) & 3] for digit in "0123456789abcdef"}

_lock = threading.Lock()
_last = 0
_random = ""
_place = 0


def _next_stamp(count: int) -> int:
    """The first of several stamps in a row that were not used yet; the lock is held.

    A stamp is 48 bits of milliseconds, then 12 bits of sub-millisecond fraction (RFC 9562, section 6.2, method 3).
    """
    global _last
    milliseconds, rest = divmod(time.time_ns(), 1_000_000)
    stamp = milliseconds << 12 | rest * 4096 // 1_000_000
    if stamp <= _last:
        stamp = _last + 1
    _last = stamp + count - 1
    return stamp


def _text(stamp: int, random: str, start: int) -> str:
    when = f"{stamp:015x}"
    return (
        f"{when[:8]}-{when[8:12]}-7{when[12:]}-"
        f"{_VARIANTS[random[start]]}{random[start + 1 : start + 4]}-{random[start + 4 : start + 16]}"
    )


def time_ordered_id() -> str:
    """A new UUID version 7 as text, greater than every earlier one of this process."""
    global _place, _random
    with _lock:
        stamp = _next_stamp(1)
        start = _place
        if start >= len(_random):
            _random = os.urandom(_HELD * _DIGITS // 2).hex()
            start = 0
        _place = start + _DIGITS
        random = _random
    return _text(stamp, random, start)


def time_ordered_ids(count: int) -> list[str]:
    """Several such ids, in order.

    Args:
        count: How many, 1 or more.
    """
    with _lock:
        stamp = _next_stamp(count)
    random = os.urandom(count * _DIGITS // 2).hex()
    return [_text(stamp + number, random, number * _DIGITS) for number in range(count)]


def random_id() -> str:
    """A new UUID version 4 as text."""
    return str(uuid.uuid4())


def _forget_random() -> None:
    """A forked process must not use the bits that its parent holds."""
    global _lock, _random
    _lock = threading.Lock()
    _random = ""


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_random)

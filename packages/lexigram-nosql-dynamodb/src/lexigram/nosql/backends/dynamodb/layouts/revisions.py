"""Revisions: what tells whether an item is still as it was, and whether a write has taken place already.

Every write of ours gives its item a text that no other write has. It begins with the time of its making, so the texts
of one process are in their order, and those of several processes about in theirs, as far as their clocks agree. Native
updates keep the latest texts before theirs in the item; whole replacements of such items carry them on.

So it is known, when an answer was lost, whether the update took place: then its text is among those of the item. Where
it is not, the item must keep a text from well before the update was sent, so that it cannot have been pushed out by
later ones; else nobody knows, and the update is not sent again. What still arrives of an attempt that was given up is
refused by the update's own condition.
"""

from __future__ import annotations

import os
import secrets
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from lexigram.nosql.backends.dynamodb.codec import EARLIER
from lexigram.nosql.backends.dynamodb.codec.times import DIGITS, TIME_LENGTH, time_of, to_digits
from lexigram.nosql.backends.dynamodb.layouts.reserved import META

__all__ = ["Mark", "Revision", "carried", "covers", "has_seen", "is_latest", "mark_of", "new_revision"]

_REVISION: Final = "r"
_MOST: Final = 64 * 64


@dataclass(frozen=True, slots=True)
class Mark:
    """The revision of an item of ours.

    Attributes:
        text: That of its latest write.
        earlier: Those of the writes before, the latest first, as far as the item keeps them.
    """

    text: str
    earlier: tuple[str, ...] = ()


Revision = Mark | Mapping[str, Any]
"""What tells whether an item is still the same: its mark, or the whole item where somebody else wrote it."""


class _Revisions:
    """Makes texts that no other write has, in this process or another."""

    def __init__(self) -> None:
        self.begin()

    def begin(self) -> None:
        """Begin anew, as a process that is a copy of another one must."""
        # Another process would have to draw the same thirty bits, and write the same item in the same millisecond.
        process = secrets.randbits(30)
        self._process = to_digits(process, 5)
        self._lock = threading.Lock()
        self._time = 0
        self._prefix = ""
        self._writes = 0

    def next(self) -> str:
        """The next text, greater than all of this process before it."""
        now = time.time_ns() // 1_000_000
        with self._lock:
            if now > self._time or self._writes == _MOST:
                self._time = now if now > self._time else self._time + 1
                self._prefix = to_digits(self._time, TIME_LENGTH) + self._process
                self._writes = 0
            writes = self._writes
            self._writes += 1
            return f"{self._prefix}{DIGITS[writes >> 6]}{DIGITS[writes & 63]}"


_revisions: Final = _Revisions()
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_revisions.begin)


def new_revision() -> str:
    """A text that no other write has."""
    return _revisions.next()


def mark_of(item: Mapping[str, Any]) -> Mark | None:
    """The mark of an item; None where we have not written it.

    Args:
        item: The item.
    """
    ours: Mapping[str, Any] = item.get(META, {}).get("M", {})
    text: str | None = ours.get(_REVISION, {}).get("S")
    if text is None:
        return None
    return Mark(text, tuple([ours[name]["S"] for name in EARLIER if name in ours]))


def has_seen(item: Mapping[str, Any] | None, text: str) -> bool:
    """True when an item tells that a write has taken place.

    Args:
        item: The item; None where there is none.
        text: The write's revision.
    """
    mark = None if item is None else mark_of(item)
    return mark is not None and (mark.text == text or text in mark.earlier)


def is_latest(item: Mapping[str, Any], text: str) -> bool:
    """True when an item is as a write has left it.

    Args:
        item: The item.
        text: The write's revision.
    """
    mark = mark_of(item)
    return mark is not None and mark.text == text


def covers(item: Mapping[str, Any], text: str, under_way: float) -> bool:
    """True when an item would tell of a native write, had it taken place.

    Args:
        item: The item, which does not tell of it.
        text: The write's revision.
        under_way: Seconds that a write may take from the making of its revision until it is carried out.
    """
    mark = mark_of(item)
    if mark is None:
        return False
    if len(mark.earlier) < len(EARLIER):
        return mark.text < text
    oldest = mark.earlier[-1]
    if oldest == mark.earlier[-2]:
        # That is the document's first one; no other has been pushed out yet.
        return oldest < text
    return time_of(oldest) + 1000 * under_way < time_of(text)


def carried(before: Revision | None) -> dict[str, Any]:
    """What a whole item that replaces another one keeps of its earlier revisions.

    Args:
        before: The revision of the item that goes; None for none.

    Returns:
        Members of :data:`META`; none where no native update has written the item.
    """
    if not isinstance(before, Mark) or not before.earlier:
        return {}
    return {name: {"S": text} for name, text in zip(EARLIER, (before.text, *before.earlier), strict=False)}

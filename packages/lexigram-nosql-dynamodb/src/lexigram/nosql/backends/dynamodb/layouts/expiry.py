"""When documents go: an index with ``expire_after_seconds``, as a TTL attribute.

DynamoDB removes an item some time, up to days, after the second that its TTL attribute names. Until then, reading hides
it: what is due is told by the document's own dates, to the millisecond. A table has one TTL attribute, so with several
such indexes it holds the earliest of their times.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Final

from lexigram.nosql.backends.dynamodb.layouts.records import IndexRecord
from lexigram.nosql.backends.dynamodb.writing.unique import entries_of
from lexigram.nosql.driver import Document

__all__ = ["expiry_millis", "is_due", "now_millis"]

_DATE: Final = 45
"""Rank of dates among the engine's types; only they make a document expire."""


def now_millis() -> int:
    """Milliseconds from 1970 to now."""
    return time.time_ns() // 1_000_000


def expiry_millis(expiring: Sequence[IndexRecord], document: Document) -> int | None:
    """The moment at which a document is due.

    Args:
        expiring: The collection's indexes with ``expire_after_seconds``.
        document: The document.

    Returns:
        Milliseconds from 1970; None for a document without a date in any of their fields.
    """
    earliest: int | None = None
    for index in expiring:
        dates = [entry[0][1] for entry in entries_of(index, document) if entry[0][0] == _DATE]
        if dates:
            due = min(dates) + int((index.spec.expire_after_seconds or 0) * 1000)
            earliest = due if earliest is None else min(earliest, due)
    return earliest


def is_due(expiring: Sequence[IndexRecord], document: Document, now: int) -> bool:
    """True when a document has expired.

    Args:
        expiring: The collection's indexes with ``expire_after_seconds``.
        document: The document.
        now: Milliseconds from 1970.
    """
    due = expiry_millis(expiring, document)
    return due is not None and due <= now

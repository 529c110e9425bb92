"""The text of page cursors: where a page ended, and a check that it belongs to the query.

A cursor holds only what its reader has seen: the last row's value and key. It is checked against the query that it came
from, so that one of another query or a changed one is refused; with a key of the application's own it cannot be forged.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
import uuid
from collections.abc import Callable, Sequence
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any, Final, cast

from lexigram.sql.exceptions import CursorError

__all__ = ["decode_cursor", "encode_cursor"]

_TAGS: Final[list[tuple[str, type, Callable[[Any], str], Callable[[str], Any]]]] = [
    ("dt", datetime, datetime.isoformat, datetime.fromisoformat),
    ("d", date, date.isoformat, date.fromisoformat),
    ("t", time, time.isoformat, time.fromisoformat),
    ("n", Decimal, str, Decimal),
    ("u", uuid.UUID, str, uuid.UUID),
    ("b", bytes, bytes.hex, bytes.fromhex),
]


def _written(value: Any) -> Any:
    if value is None or isinstance(value, bool | int | float | str):
        return value
    for tag, kind, write, _ in _TAGS:
        if isinstance(value, kind):
            return [tag, write(value)]
    raise CursorError(f"pages cannot be ordered by a {type(value).__name__}", hint="Order by another field.")


def _read(value: Any) -> Any:
    if not isinstance(value, list):
        return value
    tag, text = cast("list[str]", value)
    return next(read for name, _, _, read in _TAGS if name == tag)(text)


def _digest(content: str, query: str, key: bytes) -> str:
    return hashlib.blake2b(f"{query}\0{content}".encode(), key=key[:64], digest_size=12).hexdigest()


def encode_cursor(values: Sequence[Any], backwards: bool, query: str, key: bytes) -> str:
    """The cursor of a place in a query.

    Args:
        values: The values of the row that it is next to.
        backwards: True for the page before that row.
        query: What describes the query.
        key: Makes it impossible to forge; at most 64 bytes count.

    Raises:
        CursorError: A value is of a kind that has no order on every database.
    """
    content = json.dumps([int(backwards), [_written(value) for value in values]], separators=(",", ":"))
    text = f"{_digest(content, query, key)}{content}"
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def decode_cursor(cursor: str, query: str, key: bytes) -> tuple[list[Any], bool]:
    """What :func:`encode_cursor` was given.

    Raises:
        CursorError: It is no cursor, or belongs to another query.
    """
    try:
        text = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True).decode()
        content = text[24:]
        if not hmac.compare_digest(text[:24].encode(), _digest(content, query, key).encode()):
            raise CursorError("this cursor belongs to another query", hint="Begin again without one.")
        backwards, values = json.loads(content)
        return [_read(value) for value in values], bool(backwards)
    except (ValueError, TypeError, AttributeError, binascii.Error, StopIteration, ArithmeticError) as error:
        if isinstance(error, CursorError):
            raise
        raise CursorError("this is no cursor of ours", hint="Pass next_cursor or prev_cursor unchanged.") from error

"""Cursors: the place where a page ended, as text for a URL.

A cursor is base64url (RFC 4648, 5) of JSON, in which each value stands with its type, behind an HMAC-SHA-256 of 16
bytes. What was altered or cut is refused. Without a secret the key is a well-known one, and that protects against
accidents only; with one, nobody else can make a cursor. Either way a cursor holds values of the rows in readable form,
and gives no access that the query itself does not give.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
from collections.abc import Callable, Mapping
from datetime import date, datetime, time
from decimal import Decimal
from enum import Enum
from typing import Any, Final, cast
from uuid import UUID

from lexigram.sql.exceptions import CursorError
from pydantic import SecretStr

__all__ = ["CursorCodec"]

_MAC: Final = 16
_LONGEST: Final = 8192

_WRITE: tuple[tuple[type, str, Callable[[Any], str]], ...] = (
    (datetime, "datetime", lambda value: value.isoformat()),
    (date, "date", lambda value: value.isoformat()),
    (time, "time", lambda value: value.isoformat()),
    (Decimal, "decimal", str),
    (UUID, "uuid", str),
    (bytes, "bytes", lambda value: value.hex()),
    (float, "float", repr),
)
_READ: dict[str, Callable[[str], Any]] = {
    "datetime": datetime.fromisoformat,
    "date": date.fromisoformat,
    "time": time.fromisoformat,
    "decimal": Decimal,
    "uuid": UUID,
    "bytes": bytes.fromhex,
    "float": float,
}


class CursorCodec:
    """Writes and reads cursors. Implements ``CursorCodecProtocol``.

    Args:
        secret: What cursors are signed with; the same on all servers of an application.
    """

    def __init__(self, secret: str | bytes | SecretStr | None = None) -> None:
        if isinstance(secret, SecretStr):
            secret = secret.get_secret_value()
        self._key = (secret.encode() if isinstance(secret, str) else secret) or b"lexigram.sql.cursor"

    def encode(self, position: Mapping[str, Any], /) -> str:
        """Write a position as text that is safe in a URL.

        Args:
            position: Values by name: None, booleans, numbers, text, bytes, dates and times, UUIDs, enums.

        Raises:
            CursorError: A value is of another type.
        """
        written = {str(name): _write(name, value) for name, value in position.items()}
        body = json.dumps(written, separators=(",", ":"), ensure_ascii=False).encode()
        return base64.urlsafe_b64encode(self._mac(body) + body).rstrip(b"=").decode()

    def decode(self, cursor: str, /) -> dict[str, Any]:
        """Read a position.

        Raises:
            CursorError: The text is no cursor, or was altered.
        """
        # Callers hand on what came over the network.
        if not isinstance(cursor, str) or len(cursor) > _LONGEST:  # pyright: ignore[reportUnnecessaryIsInstance]
            raise _unreadable()
        try:
            raw = base64.b64decode(cursor.encode("ascii") + b"=" * (-len(cursor) % 4), b"-_", validate=True)
        except (binascii.Error, ValueError) as error:
            raise _unreadable() from error
        mac, body = raw[:_MAC], raw[_MAC:]
        # More than one text stands for the same bytes; only ours is accepted.
        if (
            not hmac.compare_digest(mac, self._mac(body))
            or base64.urlsafe_b64encode(raw).rstrip(b"=") != cursor.encode()
        ):
            raise _unreadable()
        try:
            return {name: _read(value) for name, value in json.loads(body).items()}
        except (ValueError, TypeError, AttributeError, KeyError, ArithmeticError) as error:
            raise _unreadable() from error

    def _mac(self, body: bytes) -> bytes:
        return hmac.new(self._key, body, hashlib.sha256).digest()[:_MAC]


def _unreadable() -> CursorError:
    return CursorError("this is no cursor, or it was altered", hint="Use next_cursor or prev_cursor as it was given.")


def _write(name: Any, value: Any) -> Any:
    if isinstance(value, Enum):
        value = value.value
    if value is None or isinstance(value, bool | int | str):
        return value
    for kind, tag, write in _WRITE:
        if isinstance(value, kind):
            return [tag, write(value)]
    raise CursorError(
        f"a cursor cannot hold {name!r}, which is a {type(value).__name__}",
        hint="Order by numbers, text, times, UUIDs or bytes.",
    )


def _read(value: Any) -> Any:
    if isinstance(value, list):
        tag, text = cast("list[str]", value)
        return _READ[tag](text)
    return value

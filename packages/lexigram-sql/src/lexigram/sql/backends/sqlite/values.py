"""Values on their way into SQLite and out of it.

SQLite keeps integers, floats, text, bytes and NULL ("Datatypes In SQLite"). Everything else goes in as one of them and
comes back as what the column is declared as; the converters are those of Python's ``sqlite3``, which are chosen by the
first word of the declared type and only work on connections that ask for them.
"""

from __future__ import annotations

import enum
import json
import sqlite3
import uuid
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Any

from lexigram.sql.backends.json_text import to_json
from lexigram.sql.exceptions import ParameterBindingError

__all__ = ["encode", "encode_all", "encode_rows", "register_converters"]

_PLAIN = frozenset({int, float, str, bytes, type(None), bool})
_SMALLEST, _LARGEST = -(2**63), 2**63 - 1


def _datetime(value: datetime) -> str:
    """ISO 8601; aware ones in UTC, and all with microseconds, so that text sorts by time."""
    if value.tzinfo is not None:
        value = value.astimezone(UTC)
    return value.isoformat(" ", timespec="microseconds")


_ENCODERS: dict[type, Callable[[Any], Any]] = {
    Decimal: lambda value: format(value, "f") if value.is_finite() else str(value),
    uuid.UUID: str,
    datetime: _datetime,
    date: date.isoformat,
    time: time.isoformat,
    dict: to_json,
    list: to_json,
    tuple: to_json,
    bytearray: bytes,
    memoryview: bytes,
}


def encode(value: Any) -> Any:
    """A value as SQLite takes it.

    Raises:
        ParameterBindingError: SQLite has no form for it.
    """
    kind: type[Any] = value.__class__
    if kind in _PLAIN:
        if kind is int and not _SMALLEST <= value <= _LARGEST:
            raise ParameterBindingError(f"{value} does not fit SQLite's 64 bits", hint="Store it as text or Decimal.")
        return value
    if isinstance(value, enum.Enum):
        return encode(value.value)
    encoder = _ENCODERS.get(kind)
    if encoder is None:
        encoder = next((found for base in kind.__mro__ if (found := _ENCODERS.get(base)) is not None), None)
    if encoder is not None:
        try:
            return encoder(value)
        except (TypeError, ValueError) as error:
            raise ParameterBindingError(f"a {kind.__name__} cannot be stored: {error}") from error
    plain = next((base for base in kind.__mro__ if base in _PLAIN), None)
    if plain is not None:
        return plain(value)
    raise ParameterBindingError(
        f"a {kind.__name__} cannot be a parameter", hint="Give it as text, number, bytes, date, Decimal, UUID or JSON."
    )


def encode_all(values: Sequence[Any]) -> Sequence[Any]:
    """All values as SQLite takes them; the same sequence when none has to change."""
    for value in values:
        if type(value) not in _PLAIN or type(value) is int:
            return [encode(value) for value in values]
    return values


def encode_rows(rows: Sequence[Sequence[Any]]) -> Sequence[Sequence[Any]]:
    """The values of many rows as SQLite takes them; the same sequence when none has to change.

    Columns are looked at, since theirs are few kinds of values however many rows there are.
    """
    for column in zip(*rows, strict=False):
        kinds = set(map(type, column))
        if not kinds <= _PLAIN:
            return [encode_all(row) for row in rows]
        if int in kinds:
            numbers = column if len(kinds) == 1 else [value for value in column if type(value) is int]
            if min(numbers) < _SMALLEST or max(numbers) > _LARGEST:
                return [encode_all(row) for row in rows]
    return rows


class _Booleans(dict[bytes, bool]):
    """What text means as a boolean; looked up without a call into Python where it is the usual one."""

    def __missing__(self, data: bytes) -> bool:
        return data not in {b"false", b"FALSE", b"f", b""}


_to_bool = _Booleans({b"0": False, b"1": True}).__getitem__


def _to_datetime(data: bytes) -> Any:
    return datetime.fromisoformat(data.decode())


def _lenient(read: Callable[[bytes], Any]) -> Callable[[bytes], Any]:
    """What cannot be read as the declared type comes back as the text that it is."""

    def convert(data: bytes) -> Any:
        try:
            return read(data)
        except (ValueError, ArithmeticError):
            return data.decode(errors="replace")

    return convert


_CONVERTERS: dict[str, Callable[[bytes], Any]] = {
    "DECIMAL": lambda data: Decimal(data.decode()),
    "NUMERIC": lambda data: Decimal(data.decode()),
    "UUID": lambda data: uuid.UUID(data.decode()),
    "JSON": json.loads,
    "JSONB": json.loads,
    "DATE": lambda data: date.fromisoformat(data.decode()),
    "DATETIME": _to_datetime,
    "TIMESTAMP": _to_datetime,
    "TIMESTAMPTZ": _to_datetime,
    "TIME": lambda data: time.fromisoformat(data.decode()),
    "BOOLEAN": _to_bool,
    "BOOL": _to_bool,
}


def register_converters() -> None:
    """Teach ``sqlite3`` the declared types, in the one register that a process has; doing it twice is harmless."""
    for name, read in _CONVERTERS.items():
        sqlite3.register_converter(name, read if read is _to_bool else _lenient(read))

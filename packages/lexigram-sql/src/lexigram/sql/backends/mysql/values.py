"""Values on their way into MySQL and out of it."""

from __future__ import annotations

import enum
import json
import uuid
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

from lexigram.sql.backends.json_text import to_json
from lexigram.sql.exceptions import ParameterBindingError
from pymysql.constants import FIELD_TYPE
from pymysql.converters import conversions

__all__ = ["DECODERS", "encode_all"]

_PLAIN = frozenset({int, str, bytes, type(None), bool, date, time, Decimal})


def _number(value: float) -> float:
    if value != value or value in {float("inf"), float("-inf")}:
        raise ParameterBindingError(f"MySQL has no {value}", hint="Store NULL, or text.")
    return value


def _datetime(value: datetime) -> datetime:
    return value if value.tzinfo is None else value.astimezone(UTC).replace(tzinfo=None)


_ENCODERS: dict[type, Callable[[Any], Any]] = {
    float: _number,
    uuid.UUID: str,
    datetime: _datetime,
    dict: to_json,
    list: to_json,
    tuple: to_json,
    bytearray: bytes,
    memoryview: bytes,
}


def _encode(value: Any) -> Any:
    kind: type[Any] = value.__class__
    if kind in _PLAIN:
        return value
    if isinstance(value, enum.Enum):
        return _encode(value.value)
    for base in kind.__mro__:
        if base in _ENCODERS:
            try:
                return _ENCODERS[base](value)
            except TypeError as error:
                raise ParameterBindingError(f"a {kind.__name__} cannot be stored: {error}") from error
        if base in _PLAIN:
            return base(value) if base in {int, str, bytes} else value
    raise ParameterBindingError(
        f"a {kind.__name__} cannot be a parameter", hint="Give it as text, number, bytes, date, Decimal, UUID or JSON."
    )


def encode_all(values: Sequence[Any]) -> Sequence[Any]:
    """All values as MySQL takes them.

    Raises:
        ParameterBindingError: MySQL has no form for one of them.
    """
    for value in values:
        if value.__class__ not in _PLAIN:
            return [_encode(value) for value in values]
    return values


def _aware(text: str) -> Any:
    found = conversions[FIELD_TYPE.DATETIME](text)
    return found.replace(tzinfo=UTC) if isinstance(found, datetime) else found


def _time(text: str) -> Any:
    """A time of the day; MySQL's TIME is a span, which beyond a day comes back as one."""
    span = conversions[FIELD_TYPE.TIME](text)
    if isinstance(span, timedelta) and timedelta() <= span < timedelta(days=1):
        return (datetime.min.replace(tzinfo=UTC) + span).time()
    return span


DECODERS: dict[Any, Any] = {
    **conversions,
    FIELD_TYPE.TIME: _time,
    FIELD_TYPE.TIMESTAMP: _aware,
    FIELD_TYPE.JSON: json.loads,
}
"""aiomysql's converters, and ours."""

"""What becomes of a column's value, by the type that the entity declares for it.

Databases give some types back as others: SQLite has no dates, MySQL no UUID, and JSON may be text. A converter is only
called when the value is not of the declared type yet.
"""

# Types are looked at all the time here, and the class of an Any is Unknown to pyright.
# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false, reportUnknownMemberType=false

from __future__ import annotations

import json
import types
import typing
import uuid
from collections.abc import Callable
from dataclasses import dataclass, is_dataclass, replace
from datetime import UTC, date, datetime, time
from decimal import Decimal
from enum import Enum
from typing import Any

from pydantic import AwareDatetime, BaseModel, TypeAdapter
from pydantic.errors import PydanticUserError

__all__ = ["Converter", "converter_of", "json_of_text"]

Read = Callable[[Any], Any]


@dataclass(frozen=True, slots=True)
class Converter:
    """How one field's value is read and written.

    Attributes:
        exact: The class of values that are taken as they are; None when every value is looked at.
        optional: True when the field may be None.
        read: Makes the field's value of another one; raises ValueError, TypeError or ArithmeticError.
        write: Makes a parameter of the field's value; None when it is one already.
        json: True for what is kept as an object or an array of JSON.
    """

    exact: type | None
    optional: bool
    read: Read | None
    write: Read | None = None
    json: bool = False


def _exactly(kind: type) -> Read:
    def read(value: Any) -> Any:
        if isinstance(value, kind):
            return value
        raise TypeError(f"expected {kind.__name__}, found {type(value).__name__}")

    return read


def _integer(value: Any) -> int:
    if isinstance(value, Decimal | float) and value == int(value):
        return int(value)
    if isinstance(value, int):
        return int(value)
    raise TypeError(f"expected int, found {type(value).__name__}")


def _float(value: Any) -> float:
    if isinstance(value, int | Decimal | float):
        return float(value)
    raise TypeError(f"expected float, found {type(value).__name__}")


def _bool(value: Any) -> bool:
    if isinstance(value, int) and value in (0, 1):
        return bool(value)
    if value in (b"\x00", b"\x01"):  # MySQL's BIT(1)
        return bool(value == b"\x01")
    raise TypeError(f"expected bool, found {value.__class__.__name__}")


def _decimal(value: Any) -> Decimal:
    if isinstance(value, int | str | Decimal):
        return Decimal(value)
    if isinstance(value, float):
        return Decimal(repr(value))
    raise TypeError(f"expected Decimal, found {type(value).__name__}")


def _uuid(value: Any) -> uuid.UUID:
    if isinstance(value, uuid.UUID):
        # asyncpg's own subclass, made a plain one so that it pickles and compares like others
        return uuid.UUID(int=value.int)
    if isinstance(value, bytes) and len(value) == 16:
        return uuid.UUID(bytes=value)
    if isinstance(value, str):
        return uuid.UUID(value)
    raise TypeError(f"expected UUID, found {type(value).__name__}")


def _datetime(value: Any) -> datetime:
    if isinstance(value, datetime):
        return value
    if isinstance(value, str):
        return datetime.fromisoformat(value)
    raise TypeError(f"expected datetime, found {type(value).__name__}")


def _aware(value: Any) -> datetime:
    found = _datetime(value)
    # Drivers store aware datetimes in UTC where the column knows no time zone.
    return found if found.tzinfo is not None else found.replace(tzinfo=UTC)


def _date(value: Any) -> date:
    if isinstance(value, datetime):
        raise TypeError("expected date, found datetime")
    if isinstance(value, str):
        return date.fromisoformat(value)
    if isinstance(value, date):
        return value
    raise TypeError(f"expected date, found {type(value).__name__}")


def _time(value: Any) -> time:
    if isinstance(value, str):
        return time.fromisoformat(value)
    if isinstance(value, time):
        return value
    raise TypeError(f"expected time, found {type(value).__name__}")


def _bytes(value: Any) -> bytes:
    if isinstance(value, bytes | bytearray | memoryview):
        return bytes(value)
    raise TypeError(f"expected bytes, found {type(value).__name__}")


_READS: dict[Any, tuple[type | None, Read]] = {
    int: (int, _integer),
    str: (str, _exactly(str)),
    float: (float, _float),
    bool: (bool, _bool),
    bytes: (bytes, _bytes),
    Decimal: (Decimal, _decimal),
    uuid.UUID: (uuid.UUID, _uuid),
    datetime: (datetime, _datetime),
    AwareDatetime: (None, _aware),
    date: (date, _date),
    time: (time, _time),
}


def _enum(kind: type[Enum]) -> Converter:
    def read(value: Any) -> Any:
        return value if isinstance(value, kind) else kind(value)

    return Converter(kind, False, read, lambda value: value.value if isinstance(value, Enum) else value)


def json_of_text(value: Any) -> Any:
    """What JSON in a text column says; other values as they are."""
    return json.loads(value) if isinstance(value, str | bytes) else value


def _adapted(adapter: TypeAdapter[Any], in_json: bool) -> Converter:
    """Types that pydantic understands; containers and models are kept as JSON."""

    def read(value: Any) -> Any:
        return adapter.validate_python(json_of_text(value) if in_json else value, strict=False)

    return Converter(None, False, read, lambda value: adapter.dump_python(value, mode="json"), in_json)


def _plain_json(kind: type) -> Converter:
    check = _exactly(kind)
    return Converter(kind, False, lambda value: check(json_of_text(value)), json=True)


def converter_of(declared: Any, *, optional: bool = False) -> Converter:
    """The converter of a declared type.

    Args:
        declared: The type, as ``get_type_hints`` tells it.
        optional: True when the field may be None whatever its type says, as with a default of None.
    """
    plain = declared
    while True:
        origin = typing.get_origin(plain)
        if origin is typing.Annotated and plain is not AwareDatetime:
            plain = typing.get_args(plain)[0]
            continue
        if origin in (typing.Union, types.UnionType) and type(None) in typing.get_args(plain):
            rest = [part for part in typing.get_args(plain) if part is not type(None)]
            optional = True
            if len(rest) == 1:
                plain = rest[0]
                continue
        break
    made = _converter(plain, declared)
    return replace(made, optional=optional or made.optional)


def _converter(plain: Any, declared: Any) -> Converter:
    supertype = getattr(plain, "__supertype__", None)  # NewType
    if supertype is not None:
        return _converter(supertype, supertype)
    if plain in (Any, object) or isinstance(plain, typing.TypeVar):
        return Converter(None, True, None)
    if plain in _READS:
        exact, read = _READS[plain]
        return Converter(exact, False, read)
    if plain in (dict, list):
        return _plain_json(plain)
    if isinstance(plain, type) and issubclass(plain, Enum):
        return _enum(plain)
    try:
        adapter: TypeAdapter[Any] = TypeAdapter(declared)
    except PydanticUserError:
        return Converter(plain, False, _exactly(plain)) if isinstance(plain, type) else Converter(None, True, None)
    return _adapted(adapter, _in_json(plain))


def _in_json(plain: Any) -> bool:
    """True for types whose values are objects and arrays of JSON."""
    origin = typing.get_origin(plain) or plain
    if not isinstance(origin, type):
        return False
    return issubclass(origin, BaseModel | dict | list | tuple | set | frozenset) or is_dataclass(origin)

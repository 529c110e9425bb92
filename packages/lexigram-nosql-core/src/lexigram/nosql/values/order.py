"""MongoDB's one order over all values (manual, "Comparison and sort order").

``MinKey < missing, undefined < null < numbers < strings < objects < arrays < binary < ObjectId < bool < date <
timestamp < regular expression < code < MaxKey``. Numbers of all types compare by exact value, NaN lowest and equal to
itself, ``-0.0`` equal to 0; strings by code point, which is the order of their UTF-8 bytes; objects by each field's
type, name and value in turn; arrays by their elements; binary by length, subtype and bytes (a ``UUID`` is subtype 4);
dates by milliseconds, naive ones taken as UTC.

A value's place is a tuple, ``(rank, payload)``, made once by :func:`sort_key` and compared by Python itself. Tables by
exact class hold one small function each, so that nothing is asked twice about a class.
"""

# The class of an Any is Unknown to pyright, and this module asks for classes all the time.
# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false, reportUnknownMemberType=false

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, Final

from lexigram.nosql.values.bson_compat import BsonTag, binary_parts, bson_tag, code_scope, load, regex_parts
from lexigram.nosql.values.kinds import RANKS, Kind, class_kind
from lexigram.nosql.values.path import MISSING

__all__ = [
    "NAN_KEY",
    "compare",
    "date_millis",
    "equal",
    "hash_key",
    "make_equal",
    "make_sort_key",
    "number_value",
    "sort_key",
    "type_rank",
    "value_of_key",
]

Key = tuple[Any, ...]
KeyFunction = Callable[[Any], Key]

NAN_KEY: Final[Key] = (9, 0)
"""Place of NaN: after null, before every other number. No type has rank 9."""

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_NAIVE_EPOCH: Final = datetime(1970, 1, 1)  # noqa: DTZ001 - naive dates are counted from a naive epoch
_MILLISECOND: Final = timedelta(milliseconds=1)


def type_rank(value: Any) -> int:
    """Give the place of a value's type in the comparison order.

    Args:
        value: Any value, or ``MISSING``.

    Returns:
        Equal for types that compare with each other, such as all numbers.

    Raises:
        DocumentValidationError: The value has no BSON type.
    """
    kind = class_kind(type(value))
    if kind is Kind.JAVASCRIPT and code_scope(value) is not None:
        return RANKS[Kind.JAVASCRIPT_WITH_SCOPE]
    return RANKS[kind]


def date_millis(value: Any) -> int:
    """Count the milliseconds from 1970 to a date, downwards rounded.

    Args:
        value: A datetime (naive ones are UTC) or a ``bson.DatetimeMS``.

    Returns:
        Milliseconds.
    """
    if isinstance(value, datetime):
        return (value - (_NAIVE_EPOCH if value.tzinfo is None else _EPOCH)) // _MILLISECOND
    return int(value)


def number_value(value: Any) -> int | float | Decimal:
    """Turn any BSON number into one that Python computes with.

    Args:
        value: A number of any BSON type.

    Returns:
        The same number; a ``bson.Decimal128`` as ``Decimal``, a signaling NaN as a quiet one.
    """
    number: int | float | Decimal = value.to_decimal() if bson_tag(type(value)) is BsonTag.DECIMAL128 else value
    # Python compares no signaling NaN, and gives it no hash.
    return Decimal("NaN") if isinstance(number, Decimal) and number.is_snan() else number


def _constant(key: Key) -> KeyFunction:
    return lambda _value: key


def _number(value: Any) -> Key:
    return (10, value) if value == value else NAN_KEY


def _decimal(value: Decimal) -> Key:
    return NAN_KEY if value.is_nan() else (10, value)


def _binary(value: Any) -> Key:
    subtype, content = binary_parts(value)
    return 30, (len(content), subtype, content)


def _code(value: Any, sort_key: KeyFunction) -> Key:
    scope = code_scope(value)
    return (60, str(value)) if scope is None else (65, (str(value), sort_key(scope)))


_SIMPLE: Final[Mapping[BsonTag, KeyFunction]] = {
    BsonTag.OBJECT_ID: lambda value: (35, value.binary),
    BsonTag.INT64: lambda value: (10, int(value)),
    BsonTag.DECIMAL128: lambda value: _decimal(value.to_decimal()),
    BsonTag.BINARY: _binary,
    BsonTag.TIMESTAMP: lambda value: (47, (value.time, value.inc)),
    BsonTag.REGEX: lambda value: (50, regex_parts(value)),
    BsonTag.MIN_KEY: _constant((-1,)),
    BsonTag.MAX_KEY: _constant((127,)),
    BsonTag.DATETIME_MS: lambda value: (45, int(value)),
}

_BY_KIND: Final[Mapping[Kind, KeyFunction]] = {
    Kind.MISSING: _constant((0,)),
    Kind.NULL: _constant((5,)),
    Kind.BOOL: lambda value: (40, value),
    Kind.INT: lambda value: (10, value),
    Kind.DOUBLE: _number,
    Kind.DECIMAL: _decimal,
    Kind.BINARY: lambda value: (30, (16, 4, value.bytes)) if hasattr(value, "bytes") else _binary(value),
    Kind.DATE: lambda value: (45, date_millis(value)),
    Kind.REGEX: lambda value: (50, regex_parts(value)),
}


class _KeyTable(dict[type, KeyFunction]):
    """Key functions by exact class, for one way of comparing strings."""

    def __init__(self, string: KeyFunction) -> None:
        super().__init__()
        self._string = string

    def __missing__(self, cls: type) -> KeyFunction:
        function = self._choose(cls)
        self[cls] = function
        return function

    def key(self, value: Any) -> Key:
        return self[type(value)](value)

    def _object(self, value: Mapping[str, Any]) -> Key:
        return 20, tuple([(type_rank(item), name, self[type(item)](item)) for name, item in value.items()])

    def _array(self, value: Any) -> Key:
        return 25, tuple([self[type(item)](item) for item in value])

    def _choose(self, cls: type) -> KeyFunction:
        tag = bson_tag(cls)
        if tag is BsonTag.DB_REF:
            return lambda value: self._object(value.as_doc())
        if tag is BsonTag.CODE:
            return lambda value: _code(value, self.key)
        if tag is not None:
            return _SIMPLE[tag]
        kind = class_kind(cls)
        if kind is Kind.STRING:
            return self._string
        if kind is Kind.OBJECT:
            return self._object
        if kind is Kind.ARRAY:
            return self._array
        return _BY_KIND[kind]


def make_sort_key(string_key: Callable[[str], Any] | None = None) -> KeyFunction:
    """Make a key function for a way of comparing strings.

    Args:
        string_key: Gives the comparable of a string, such as a collation's; None compares by code point.

    Returns:
        A function like :func:`sort_key`.
    """
    if string_key is None:
        return sort_key
    table = _KeyTable(lambda value: (15, string_key(value)))
    return lambda value: table[type(value)](value)


_KEYS: Final = _KeyTable(lambda value: (15, value))


def sort_key(value: Any) -> Key:
    """Give the place of a value in the order.

    Args:
        value: Any value that documents hold, or ``MISSING``.

    Returns:
        A hashable tuple: less, equal or greater exactly as the values are.

    Raises:
        DocumentValidationError: The value has no BSON type.
    """
    return _KEYS[type(value)](value)


def compare(a: Any, b: Any) -> int:
    """Compare two values of any types.

    Args:
        a: A value.
        b: A value.

    Returns:
        -1, 0 or 1, as *a* is less than, equal to or greater than *b*.

    Raises:
        DocumentValidationError: One has no BSON type.
    """
    cls = type(a)
    if cls is type(b) and (cls is str or cls is int):
        return bool(a > b) - bool(a < b)
    left, right = _KEYS[cls](a), _KEYS[type(b)](b)
    return (left > right) - (left < right)


_SAME: Final = frozenset({str, int, bool, bytes, type(None), type(MISSING)})


def equal(a: Any, b: Any) -> bool:
    """Say whether two values are equal: by type family, and field by field in order.

    Args:
        a: A value.
        b: A value.

    Returns:
        True exactly if ``compare(a, b) == 0``.

    Raises:
        DocumentValidationError: One has no BSON type.
    """
    cls = type(a)
    if cls is type(b):
        if cls in _SAME:
            return bool(a == b)
        if cls is float:
            return bool(a == b) or (a != a and b != b)
        if cls is dict:
            return _equal_objects(a, b)
        if cls is list:
            return len(a) == len(b) and all(map(equal, a, b))
    return _KEYS[cls](a) == _KEYS[type(b)](b)


def _equal_objects(a: dict[str, Any], b: dict[str, Any]) -> bool:
    if len(a) != len(b):
        return False
    for (left_name, left), (right_name, right) in zip(a.items(), b.items(), strict=True):
        if left_name != right_name:
            return False
        cls = type(left)
        if cls is type(right) and cls in _SAME:
            if left != right:
                return False
        elif not equal(left, right):
            return False
    return True


def make_equal(key: KeyFunction) -> Callable[[Any, Any], bool]:
    """Make an equality for a key function.

    Args:
        key: :func:`sort_key`, or one of :func:`make_sort_key`.

    Returns:
        :func:`equal` for the first; otherwise equality of keys.
    """
    return equal if key is sort_key else lambda a, b: key(a) == key(b)


def hash_key(value: Any) -> Any:
    """Give something hashable that stands for a value in a dict or set.

    Args:
        value: Any value that documents hold, or ``MISSING``.

    Returns:
        Equal for two values exactly if :func:`equal` holds. Strings and numbers stand for themselves.

    Raises:
        DocumentValidationError: The value has no BSON type.
    """
    cls = type(value)
    if cls is str or cls is int:
        return value
    key = _KEYS[cls](value)
    return key[1] if key[0] == 10 or key[0] == 15 else key


def value_of_key(key: Key) -> Any:
    """Give a value that stands at a place.

    Args:
        key: What :func:`sort_key` gave, without a collation.

    Returns:
        A number, text, UUID, bytes, ObjectId, bool or date at that place; None for places of other types, of null, and
        of NaN.
    """
    match key:
        case (10 | 15 | 40, value):
            return value
        case (45, int(milliseconds)):
            try:
                return _EPOCH + milliseconds * _MILLISECOND
            except OverflowError:
                return None
        case (35, bytes(content)):
            return load(BsonTag.OBJECT_ID)(content)
        case (30, (16, 4, bytes(content))):
            return uuid.UUID(bytes=content)
        case (30, (_, 0, bytes(content))):
            return content
        case _:
            return None

"""Check and copy a document in one walk, before it is stored or compared.

What comes out is a new tree of plain dicts and lists over values that nobody can change, so the engine may share it.
What a document may not hold is refused here, with the path of the culprit, before anything is sent:

* keys that are not exactly ``str``, NUL in keys, text that has no UTF-8 form (lone surrogates);
* ints outside 64 bits; decimals outside Decimal128 (34 digits, exponents -6176 to 6111);
* nesting deeper than 100 levels, and so cycles; so many shared containers that the copy could not be a document;
* values of other types: sets, enums, dataclasses, dates without a time, subclasses of ``str``, ``int`` or ``float``,
  which would come back as something else than went in.

Datetimes become aware, in UTC, cut to milliseconds; naive ones are taken as UTC (as pymongo does). Tuples become lists,
other mappings dicts. Dots and ``$`` in field names are allowed, as MongoDB has allowed them since 5.0, except inside
``_id``, which also may not be an array or a regular expression.
"""

# The class of an Any is Unknown to pyright, and this module asks for classes all the time.
# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false, reportUnknownMemberType=false

from __future__ import annotations

import re
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Context, Decimal, DecimalException, Inexact, InvalidOperation, Overflow, Underflow
from enum import Enum
from typing import Any, Final, cast

from lexigram.nosql.exceptions import DocumentValidationError
from lexigram.nosql.values.bson_compat import BsonTag, bson_tag
from lexigram.nosql.values.kinds import INT64_MAX, INT64_MIN

__all__ = ["DECIMAL128", "DEFAULT_LIMITS", "DocumentLimits", "normalise_document", "normalise_value"]


@dataclass(frozen=True, slots=True)
class DocumentLimits:
    """How large a document may be in structure.

    Attributes:
        max_depth: Levels of dicts and lists, the document itself being the first.
        max_containers: Dicts and lists in all. An empty one takes 8 bytes in BSON, so more than two million cannot be
            in a 16 MiB document; a small tree whose parts are shared many times over could hold them.
    """

    max_depth: int = 100
    max_containers: int = 2_097_152


DEFAULT_LIMITS: Final = DocumentLimits()

DECIMAL128: Final = Context(
    prec=34, Emin=-6143, Emax=6144, clamp=1, capitals=1, traps=[InvalidOperation, Overflow, Inexact, Underflow]
)
"""The arithmetic of Decimal128, refusing what it cannot hold exactly."""

_KNOWN_KEYS_LIMIT: Final = 8192
_known_keys: set[str] = set()  # names that passed; bounded, and emptied when full
_STR_ONLY: Final = frozenset({str})
_ALWAYS_IDS: Final = frozenset({str, int})
_UNCHANGED: Final = frozenset({type(None), bool, float, bytes, uuid.UUID})
_SCALARS: Final[tuple[type, ...]] = (str, int, float, bytes, Decimal)


class _Culprit(Exception):  # noqa: N818 - never leaves this module
    """Carries the path upwards while the walk is abandoned."""

    def __init__(self, message: str, hint: str | None = None, mongo_code: int | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.mongo_code = mongo_code
        self.parts: list[str] = []


def _check_text(value: str) -> None:
    try:
        value.encode()
    except UnicodeEncodeError as error:
        raise _Culprit(f"text with a lone surrogate at position {error.start} has no UTF-8 form") from None


def _check_key(key: Any) -> None:
    if type(key) is not str:
        hint = "use its value: key.value" if isinstance(key, Enum) else "use str(key)"
        raise _Culprit(f"a field name is {type(key).__qualname__}, not str", hint)
    if "\0" in key:
        raise _Culprit("a field name holds a NUL character")
    if not key.isascii():
        _check_text(key)
    if len(_known_keys) >= _KNOWN_KEYS_LIMIT:
        _known_keys.clear()
    if len(key) <= 128:
        _known_keys.add(key)


def _stop(depth: int, left: list[int]) -> None:
    """Refuse to go deeper, or on."""
    if depth < 0:
        raise _Culprit(
            f"nested deeper than {left[1]} levels, or contains itself",
            "flatten the document or break the cycle",
            15,
        )
    raise _Culprit("too many dicts and lists for one document", None, 10334)


# The two walkers take the levels that may still follow, and a list: the containers that may still be made, and the
# levels there were at the start. They are functions with a list, not methods of an object, because most documents
# hold a container or two, and making an object for each document would take longer than walking it.


def _copy_mapping(value: Mapping[str, Any], depth: int, left: list[int]) -> dict[str, Any]:
    left[0] -= 1
    if depth < 0 or left[0] < 0:
        _stop(depth, left)
    if not (_STR_ONLY.issuperset(map(type, value)) and _known_keys.issuperset(value)):
        for key in value:
            _check_key(key)
    # Most values stay what they are, so the whole is copied at once and only the others are replaced.
    copy: dict[str, Any] = value.copy() if type(value) is dict else dict(value)
    name = ""
    try:
        for name, item in value.items():
            cls = type(item)
            if cls is str:
                if not item.isascii():
                    _check_text(item)
            elif cls is int:
                if not INT64_MIN <= item <= INT64_MAX:
                    _int(item)
            elif cls not in _UNCHANGED:
                if cls is dict:
                    copy[name] = _copy_mapping(item, depth - 1, left)
                elif cls is list:
                    copy[name] = _copy_sequence(item, depth - 1, left)
                else:
                    copy[name] = _RULES[cls](item, depth, left)
    except _Culprit as culprit:
        culprit.parts.append(name)
        raise
    return copy


def _copy_sequence(value: Any, depth: int, left: list[int]) -> list[Any]:
    left[0] -= 1
    if depth < 0 or left[0] < 0:
        _stop(depth, left)
    copy: list[Any] = [*value]
    index = -1
    try:
        for item in copy:
            index += 1
            cls = type(item)
            if cls is str:
                if not item.isascii():
                    _check_text(item)
            elif cls is dict:
                copy[index] = _copy_mapping(item, depth - 1, left)
            elif cls not in _UNCHANGED:
                copy[index] = _RULES[cls](item, depth, left)
    except _Culprit as culprit:
        culprit.parts.append(str(index))
        raise
    return copy


Rule = Callable[[Any, int, list[int]], Any]


def _as_is(value: Any, _depth: int, _left: list[int]) -> Any:
    return value


def _str(value: Any, _depth: int, _left: list[int]) -> Any:
    if not value.isascii():
        _check_text(value)
    return value


def _int(value: Any, _depth: int = 0, _left: list[int] | None = None) -> Any:
    if not INT64_MIN <= value <= INT64_MAX:
        raise _Culprit("an int outside 64 bits", "use Decimal or str")
    return value


def _decimal(value: Any, _depth: int, _left: list[int]) -> Decimal:
    if value.is_nan():
        return Decimal("NaN")
    try:
        DECIMAL128.create_decimal(value)
    except DecimalException:
        raise _Culprit(
            "a Decimal that 128 bits do not hold exactly", "round it to 34 digits: value.normalize(Context(prec=34))"
        ) from None
    return value if type(value) is Decimal else Decimal(value)


def _datetime(value: Any, _depth: int, _left: list[int]) -> datetime:
    micros = value.microsecond
    if value.tzinfo is UTC and not micros % 1000 and type(value) is datetime:
        return value
    try:
        moment = value.replace(tzinfo=UTC) if value.utcoffset() is None else value.astimezone(UTC)
    except (OverflowError, ValueError):
        raise _Culprit("a datetime outside the years 1 to 9999 in UTC") from None
    micros = moment.microsecond
    return datetime(
        moment.year,
        moment.month,
        moment.day,
        moment.hour,
        moment.minute,
        moment.second,
        micros - micros % 1000,
        UTC,
    )


def _mapping(value: Any, depth: int, left: list[int]) -> dict[str, Any]:
    return _copy_mapping(value, depth - 1, left)


def _sequence(value: Any, depth: int, left: list[int]) -> list[Any]:
    return _copy_sequence(value, depth - 1, left)


def _regex(value: Any, _depth: int, _left: list[int]) -> Any:
    source = value.pattern
    if isinstance(source, str):
        if "\0" in source:
            raise _Culprit("a regular expression holds a NUL character")
        _check_text(source)
    return value


def _code(value: Any, depth: int, left: list[int]) -> Any:
    _check_text(str(value))
    if value.scope is not None:
        _copy_mapping(value.scope, depth - 1, left)
    return value


def _reference(value: Any, depth: int, left: list[int]) -> Any:
    _copy_mapping(value.as_doc(), depth - 1, left)
    return value


def _refuse(value: Any, _depth: int, _left: list[int]) -> Any:
    cls = type(value)
    hint = "use None, bool, int, float, str, bytes, datetime, Decimal, UUID, list, dict or a type of bson"
    if isinstance(value, Enum):
        hint = "store its value: member.value"
    elif bases := [base for base in _SCALARS if issubclass(cls, base)]:
        base = bases[0]
        hint = f"it would come back as {base.__name__}: store {base.__name__}(value)"
    elif isinstance(value, set | frozenset):
        hint = "store a list: sorted(value) or list(value)"
    elif isinstance(value, date):
        hint = "store a datetime: datetime.combine(value, time(), timezone.utc)"
    elif isinstance(value, bytearray | memoryview):
        hint = "store bytes(value)"
    elif hasattr(cls, "__dataclass_fields__"):
        hint = "store a dict: dataclasses.asdict(value)"
    elif hasattr(cls, "model_dump"):
        hint = "store a dict: value.model_dump()"
    raise _Culprit(f"a value of type {cls.__module__}.{cls.__qualname__}, which documents do not hold", hint)


_TAG_RULES: Final[Mapping[BsonTag, Rule]] = {
    BsonTag.REGEX: _regex,
    BsonTag.CODE: _code,
    BsonTag.DB_REF: _reference,
}


class _Rules(dict[type, Rule]):
    """Rules by exact class; subclasses of containers and dates are taken for their bases."""

    def __missing__(self, cls: type) -> Rule:
        rule: Rule = _refuse
        tag = bson_tag(cls)
        if tag is not None:
            rule = _TAG_RULES.get(tag, _as_is)
        elif issubclass(cls, Mapping):
            rule = _mapping
        elif issubclass(cls, list | tuple):
            rule = _sequence
        elif issubclass(cls, datetime):
            rule = _datetime
        elif issubclass(cls, uuid.UUID):
            rule = _as_is
        if rule is not _refuse:  # classes that are refused are not kept alive by the table
            self[cls] = rule
        return rule


_RULES: Final = _Rules(
    {
        type(None): _as_is,
        bool: _as_is,
        int: _int,
        float: _as_is,
        str: _str,
        bytes: _as_is,
        datetime: _datetime,
        Decimal: _decimal,
        uuid.UUID: _as_is,
        re.Pattern: _regex,
        dict: _mapping,
        list: _sequence,
        tuple: _sequence,
    }
)


def _failure(culprit: _Culprit, prefix: str) -> DocumentValidationError:
    # A path through a cycle has as many parts as the depth allows; its beginning says enough.
    parts = culprit.parts[::-1]
    shown = ".".join([str(part)[:64].encode("utf-8", "backslashreplace").decode() for part in parts[:12]])
    path = ".".join([text for text in (prefix, shown + ("..." if len(parts) > 12 else "")) if text])
    return DocumentValidationError(
        f"{path}: {culprit.message}" if path else culprit.message,
        hint=culprit.hint,
        path=path,
        mongo_code=culprit.mongo_code,
    )


def _check_id(value: Any) -> None:
    cls = type(value)
    if cls is list or cls is re.Pattern or bson_tag(cls) is BsonTag.REGEX:
        raise DocumentValidationError(
            f"_id: an identifier cannot be {'an array' if cls is list else 'a regular expression'}",
            path="_id",
            mongo_code=53,
        )
    if cls is dict:
        for name in cast("dict[str, Any]", value):
            if name.startswith("$"):
                raise DocumentValidationError(
                    f"_id.{name}: field names inside an identifier cannot start with '$'",
                    path=f"_id.{name}",
                    mongo_code=52,
                )


def normalise_document(document: Mapping[str, Any], *, limits: DocumentLimits = DEFAULT_LIMITS) -> dict[str, Any]:
    """Check a document and copy it, in one walk.

    Args:
        document: What the caller wants stored.
        limits: How deep and how branched it may be.

    Returns:
        A new dict that shares nothing changeable with *document*.

    Raises:
        DocumentValidationError: It holds something documents may not hold; ``path`` says where.
    """
    # Callers are not all typed, and asking an abstract class takes time.
    if type(document) is not dict and not isinstance(document, Mapping):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise DocumentValidationError(f"a document is a mapping, not {type(document).__qualname__}")
    try:
        copy = _copy_mapping(document, limits.max_depth - 1, [limits.max_containers, limits.max_depth])
    except _Culprit as culprit:
        raise _failure(culprit, "") from None
    if "_id" in copy:
        identifier = copy["_id"]
        if type(identifier) not in _ALWAYS_IDS:
            _check_id(identifier)
    return copy


def normalise_value(value: Any, *, path: str = "", limits: DocumentLimits = DEFAULT_LIMITS) -> Any:
    """Check a value and copy it, in one walk: an operand of a filter or an update, say.

    Args:
        value: Any value.
        path: Where it stands, for the error.
        limits: How deep and how branched it may be.

    Returns:
        The value as a document would hold it.

    Raises:
        DocumentValidationError: Documents may not hold it; ``path`` says where.
    """
    try:
        return _RULES[type(value)](value, limits.max_depth, [limits.max_containers, limits.max_depth])
    except _Culprit as culprit:
        raise _failure(culprit, path) from None

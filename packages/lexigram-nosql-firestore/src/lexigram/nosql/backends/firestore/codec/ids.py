"""How an ``_id`` becomes the id of a Firestore document, and comes back.

=======================  =============================================================================================
``_id``                  document id
=======================  =============================================================================================
text                     itself, where Firestore takes it and it is none of the forms below
other text               ``~s`` and the text, with ``~0`` for ``~`` and ``~1`` for ``/``
a number                 ``~n`` and its exact value in decimal digits, so that 4, 4.0 and ``Decimal("4.00")`` are one
NaN                      ``~nNaN``
true, false, null        ``~b1``, ``~b0``, ``~z``
a date                   ``~d`` and its milliseconds
bytes                    ``~x`` and their hexadecimal digits
a UUID                   ``~u`` and its hexadecimal digits
``bson.ObjectId``        ``~o`` and its hexadecimal digits
anything else            ``~h`` and a hash: an object, what is too long, the other types of ``bson``
=======================  =============================================================================================

So ``~foo``, which another program may have given, is the ``_id`` ``"~foo"``, and ``~n007``, which no number becomes, is
text too: each document can be asked for by the ``_id`` that it is found with.

Where the id does not tell the value to the last bit, the document holds it as well, in a field named ``~id``.
"""

# Values are of any type, and what is narrowed from Any has parts that are unknown to the checker.
# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false

from __future__ import annotations

import hashlib
import re
import uuid
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any, Final

from lexigram.nosql.backends.firestore.codec.names import PREFIX, RESERVED
from lexigram.nosql.exceptions import DocumentValidationError
from lexigram.nosql.update.identical import identical
from lexigram.nosql.values.bson_compat import BsonTag, bson_tag, load
from lexigram.nosql.values.order import NAN_KEY, date_millis, sort_key

__all__ = ["MAX_ID_BYTES", "decode_id", "encode_id", "hash_of_key", "is_plain_id", "is_told", "stable_hash"]

MAX_ID_BYTES: Final = 1500
"""Longest id of a document, in bytes (Firestore, "Usage and limits")."""

_NOTHING: Final = object()
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_NUMERIC: Final = re.compile(r"__id(0|-?[1-9][0-9]{0,18})__")
"""Ids that Firestore takes for integers of 64 bits, which it reads in one form only."""
_HASHED: Final = re.compile(r"~h[0-9a-f]{64}")
_INT64: Final = range(-(2**63), 2**63)
_PLAIN_DIGITS: Final = 20


def encode_id(value: Any) -> str:
    """The id of the document whose ``_id`` is *value*; the same for values that are equal.

    Args:
        value: Any ``_id`` that documents may have.

    Raises:
        DocumentValidationError: It has no UTF-8 form, or is no value of documents.
    """
    cls = value.__class__
    if cls is str:
        return value if is_plain_id(value) else _encode_text(value)
    if cls is int:
        return f"~n{value}" if -(10**_PLAIN_DIGITS) < value < 10**_PLAIN_DIGITS else f"~n{_digits(value)}"
    if value is None:
        return "~z"
    if cls is bool:
        return "~b1" if value else "~b0"
    encoded = _encode_other(value, cls)
    return encoded if encoded is not None and len(encoded) <= MAX_ID_BYTES else f"~h{stable_hash(value)}"


def is_plain_id(value: Any) -> bool:
    """Say whether an ``_id`` is text that is a document's id as it stands."""
    if value.__class__ is not str:
        return False
    text: str = value
    if not text or text[0] == PREFIX or "/" in text or text in (".", ".."):
        return False
    if text[0] == "_" and RESERVED.fullmatch(text):
        number = _NUMERIC.fullmatch(text)
        return number is not None and int(number[1]) in _INT64
    return len(text) <= MAX_ID_BYTES // 4 or _bytes(text) <= MAX_ID_BYTES


def _bytes(text: str) -> int:
    try:
        return len(text.encode())
    except UnicodeEncodeError as error:
        raise DocumentValidationError(
            f"_id: text with a lone surrogate at position {error.start} has no UTF-8 form", path="_id"
        ) from None


def _encode_text(text: str) -> str:
    if text[:1] == PREFIX and "/" not in text and _bytes(text) <= MAX_ID_BYTES and not _is_form(text):
        return text
    encoded = _escaped(text)
    return encoded if _bytes(encoded) <= MAX_ID_BYTES else f"~h{stable_hash(text)}"


def _escaped(text: str) -> str:
    return "~s" + text.replace("~", "~0").replace("/", "~1")


def _is_form(encoded: str) -> bool:
    """Say whether an id that begins with ``~`` is what :func:`encode_id` makes of some value."""
    return _HASHED.fullmatch(encoded) is not None or _read(encoded) is not _NOTHING


def _read(encoded: str) -> Any:
    """The value that an id beginning with ``~`` was made of; ``_NOTHING`` where it was made of none, or is a hash."""
    reader = _READERS.get(encoded[1:2])
    if reader is None:
        return _NOTHING
    try:
        value = reader(encoded[2:])
    except (ValueError, OverflowError, InvalidOperation):
        return _NOTHING
    # Text is compared first, so that only text which was escaped so often is looked into again.
    if value.__class__ is str and _escaped(value) != encoded:
        return _NOTHING
    return value if encode_id(value) == encoded else _NOTHING


def _encode_other(value: Any, cls: type) -> str | None:
    if cls is bytes:
        return f"~x{value.hex()}"
    if isinstance(value, uuid.UUID):
        return f"~u{value.hex}"
    if isinstance(value, datetime):
        return f"~d{date_millis(value)}"
    tag = bson_tag(cls)
    if tag is BsonTag.OBJECT_ID:
        return f"~o{value}"
    if tag is BsonTag.DATETIME_MS:
        return f"~d{date_millis(value)}"
    if cls is dict or cls is list:
        return None
    key = sort_key(value)
    if key == NAN_KEY:
        return "~nNaN"
    match key:
        case (10, number):
            return f"~n{_digits(number)}"
        case (30, (16, 4, bytes(content))):
            return f"~u{content.hex()}"
        case _:
            return None


def _digits(number: Any) -> str:
    """A number's exact value, written in one way only."""
    if isinstance(number, int) and -(10**_PLAIN_DIGITS) < number < 10**_PLAIN_DIGITS:
        return str(int(number))
    exact = Decimal(number)
    if exact.is_infinite():
        return "Infinity" if exact > 0 else "-Infinity"
    sign, digits, exponent = exact.as_tuple()
    if not isinstance(exponent, int):
        return "NaN"
    text = "".join(map(str, digits)).lstrip("0")
    stripped = text.rstrip("0")
    if not stripped:
        return "0"
    exponent += len(text) - len(stripped)
    minus = "-" if sign else ""
    if exponent >= 0 and len(stripped) + exponent <= _PLAIN_DIGITS:
        return f"{minus}{stripped}{'0' * exponent}"
    return f"{minus}{stripped}E{exponent}"


def stable_hash(value: Any) -> str:
    """A hash that is the same for equal values, in every process.

    Args:
        value: Any value that documents hold.

    Returns:
        64 hexadecimal digits.
    """
    return hash_of_key(sort_key(value))


def hash_of_key(key: Any) -> str:
    """The same for a place in the engine's order, or several.

    Args:
        key: Tuples of text, bytes, numbers and None.
    """
    digest = hashlib.sha256()
    _feed(key, digest.update)
    return digest.hexdigest()


def _feed(part: Any, update: Callable[[bytes], object]) -> None:
    """Give the parts of a sort key to a hash, each with its kind and length, numbers by value."""
    if isinstance(part, tuple):
        update(b"(%d" % len(part))
        for inner in part:
            _feed(inner, update)
        return
    if isinstance(part, str):
        content, kind = part.encode("utf-8", "surrogatepass"), b"s"
    elif isinstance(part, bytes):
        content, kind = part, b"x"
    elif isinstance(part, int | float | Decimal):
        content, kind = _digits(part).encode(), b"n"
    elif part is None:
        content, kind = b"", b"z"
    else:
        raise DocumentValidationError(f"a value of type {type(part).__qualname__} cannot be hashed")
    update(b"%s%d:" % (kind, len(content)))
    update(content)


def decode_id(encoded: str) -> Any:
    """The ``_id`` that the id of a document stands for; for a hash, and for ids of other programs, the id itself."""
    if not encoded or encoded[0] != PREFIX:
        return encoded
    value = _read(encoded)
    return encoded if value is _NOTHING else value


def is_told(value: Any, encoded: str) -> bool:
    """Say whether the id of a document tells its ``_id`` to the last bit, so that no field is needed for it.

    Args:
        value: The ``_id``.
        encoded: What :func:`encode_id` made of it.
    """
    return value is encoded or (value.__class__ is str and encoded[:2] != "~h") or identical(decode_id(encoded), value)


def _read_number(text: str) -> Any:
    if text.lstrip("-").isdigit():
        return int(text)
    exact = Decimal(text)
    nearest = float(exact)
    return nearest if exact.is_nan() or exact == Decimal(nearest) else exact


def _read_date(text: str) -> Any:
    milliseconds = int(text)
    try:
        return _EPOCH + timedelta(milliseconds=milliseconds)
    except OverflowError:
        return load(BsonTag.DATETIME_MS)(milliseconds)


_READERS: Final[Mapping[str, Callable[[str], Any]]] = {
    "s": lambda text: text.replace("~1", "/").replace("~0", "~"),
    "n": _read_number,
    "b": lambda text: text == "1",
    "z": lambda _: None,
    "d": _read_date,
    "x": bytes.fromhex,
    "u": lambda text: uuid.UUID(hex=text),
    "o": lambda text: load(BsonTag.OBJECT_ID)(text),
}

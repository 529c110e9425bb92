"""Any ``_id`` as a key attribute, which may only be text, a number or bytes, and not empty.

In a text attribute, text stands as it is, unless it is empty or begins with ``$``; everything else is ``$``, a letter,
``:`` and a text that is the same for exactly those values which the engine takes for equal: ``1``, ``1.0`` and
``Decimal(1)`` are all ``$n:1``. Where the text does not tell the type, the item keeps the value itself (``_lx.i``,
:func:`key_is_exact`). What would be longer than a key may be is told by its SHA-256.

Key attributes of other types take what fits them, for tables that exist already.
"""

# The class of an Any is Unknown to pyright, and this module asks for classes all the time.
# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false, reportUnknownMemberType=false

from __future__ import annotations

import hashlib
import json
import uuid
from base64 import b64decode, b64encode
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, Final, Literal

from lexigram.nosql.backends.dynamodb.codec.numbers import fits_number, float_text, parse_number, plain_text
from lexigram.nosql.exceptions import DocumentValidationError
from lexigram.nosql.values.bson_compat import BsonTag, binary_parts, bson_tag, code_scope, load, regex_parts
from lexigram.nosql.values.kinds import INT64_MAX, INT64_MIN, RANKS, Kind, class_kind
from lexigram.nosql.values.order import date_millis, number_value

__all__ = ["LONGEST_KEY", "KeyType", "canonical_text", "decode_key", "encode_key", "key_is_exact"]

KeyType = Literal["S", "N", "B"]
AttributeValue = dict[str, Any]

LONGEST_KEY: Final = 1000
"""Bytes of key text beyond which it is hashed; a sort key has 1,024, and a layout needs some of them."""

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_PLAIN: Final = frozenset({str, int, bytes, uuid.UUID, datetime, bool, type(None)})
_DECIMAL128_DIGITS: Final = 34


def _number_text(value: float | Decimal) -> str:
    """The same text for equal numbers of any type."""
    if isinstance(value, int):
        return f"n:{value}"
    if value != value:
        return "n:nan"
    if value in (float("inf"), float("-inf")):
        return "n:inf" if value > 0 else "n:-inf"
    exact = Decimal(value)
    digits = exact.as_tuple().digits
    if isinstance(value, float) and len(digits) > _DECIMAL128_DIGITS and not value.is_integer():
        return f"f:{value!r}"  # no int, and no decimal of 34 digits, is equal to it
    text = plain_text(exact)
    # A decimal of thousands of digits is as well told by its exponent.
    return f"n:{text}" if len(text) <= 400 else f"n:{_short(exact)}"


def _short(value: Decimal) -> str:
    sign, digits, exponent = value.as_tuple()
    text = "".join(map(str, digits))
    kept = text.rstrip("0")
    return f"{'-' if sign else ''}{kept}e{int(exponent) + len(text) - len(kept)}"


def canonical_text(value: Any) -> str:
    """A text that two values share exactly if the engine takes them for equal.

    Args:
        value: Any value that documents hold.

    Returns:
        A letter, ``:`` and more; reversible for what :func:`key_is_exact` names.
    """
    cls = value.__class__
    if cls is str:
        return f"s:{value}"
    kind = class_kind(cls)
    match RANKS[kind]:
        case 10:
            return _number_text(number_value(value))
        case 15:
            return f"s:{value}"
        case 5 | 0:
            return "z:"
        case 40:
            return "b:1" if value else "b:0"
        case 45:
            return f"d:{date_millis(value)}"
        case 35:
            return f"o:{value.binary.hex()}"
        case 30:
            subtype, content = (4, value.bytes) if isinstance(value, uuid.UUID) else binary_parts(value)
            return f"x:{subtype:02x}{content.hex()}"
        case 47:
            return f"t:{value.time}.{value.inc}"
        case 50:
            source, letters = regex_parts(value)
            return f"r:{letters}/{source}"
        case -1:
            return "l:"
        case 127:
            return "g:"
        case 20:
            fields = value.as_doc() if bson_tag(cls) is BsonTag.DB_REF else value
            return f"m:{_json([[name, canonical_text(item)] for name, item in fields.items()])}"
        case 25:
            return f"a:{_json([canonical_text(item) for item in value])}"
        case _:
            scope = code_scope(value) if kind is Kind.JAVASCRIPT else None
            return f"c:{_json([str(value), None if scope is None else canonical_text(scope)])}"


def _json(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


def key_is_exact(value: Any) -> bool:
    """Say whether the key text of a value tells the value, with its type.

    Args:
        value: An ``_id``.

    Returns:
        False where the item must keep the value itself.
    """
    cls = value.__class__
    if cls is str:
        return len(value) <= LONGEST_KEY // 4 or len(value.encode()) <= LONGEST_KEY - 3
    if cls is bytes:
        return len(value) <= LONGEST_KEY // 2 - 5
    if cls is float:
        return not value.is_integer() and _parse(f"${canonical_text(value)}").__class__ is float and value == value
    return cls in _PLAIN or bson_tag(cls) is BsonTag.OBJECT_ID


def encode_key(value: Any, kind: KeyType = "S") -> AttributeValue:
    """A value as a key attribute.

    Args:
        value: An ``_id``, or a part of one.
        kind: The attribute's type: ``S``, ``N`` or ``B``.

    Returns:
        It on the wire: equal for exactly those values that the engine takes for equal.

    Raises:
        DocumentValidationError: The attribute's type cannot hold it.
    """
    if kind == "S":
        cls = value.__class__
        if cls is str and value and value[0] != "$" and len(value) <= LONGEST_KEY // 4:
            if not value.isascii():
                _check_text(value)
            return {"S": value}
        text = canonical_text(value)
        if cls is str:
            _check_text(value)
            text = value if value and value[0] != "$" else f"${text}"
        else:
            text = f"${text}"
        encoded = text.encode("utf-8", "surrogatepass")
        if len(encoded) > LONGEST_KEY:
            text = f"$h:{hashlib.sha256(encoded).hexdigest()}"
        return {"S": text}
    if kind == "B":
        if isinstance(value, bytes) and value.__class__ is bytes and value:
            return {"B": b64encode(value).decode("ascii")}
        raise _refusal(value, "bytes that are not empty")
    rank = RANKS[class_kind(value.__class__)]
    if rank == 10:
        number = _plain_number(number_value(value))
        if number is not None:
            return {"N": number}
    raise _refusal(value, "numbers of at most 38 digits")


def _check_text(value: str) -> None:
    try:
        value.encode()
    except UnicodeEncodeError as error:
        raise DocumentValidationError(
            f"_id: text with a lone surrogate at position {error.start} has no UTF-8 form", path="_id"
        ) from None


def _plain_number(value: float | Decimal) -> str | None:
    """A number in a numeric key; None where it is none, or would be taken for another."""
    if isinstance(value, int):
        return str(value) if INT64_MIN <= value <= INT64_MAX else None
    if isinstance(value, float):
        if value.is_integer():
            return plain_text(Decimal(value)) if fits_number(Decimal(value)) else None
        return float_text(value)
    if not fits_number(value):
        return None
    text = plain_text(value)
    # A fraction is read as the float that is written so, which may be another number than the decimal.
    found = parse_number(text)
    return text if found == value else None


def _refusal(value: Any, takes: str) -> DocumentValidationError:
    return DocumentValidationError(
        f"_id: the table's key attribute takes {takes}, not {value.__class__.__qualname__}",
        hint="Give ids of the key's type, or keep these documents in another table.",
        path="_id",
    )


def decode_key(key: Mapping[str, Any]) -> Any:
    """The value that a key attribute holds, as far as the attribute itself tells.

    Args:
        key: It on the wire.

    Returns:
        The value; for texts whose value is not in them (see :func:`key_is_exact`), the text itself, or an equal value
        of a simpler type.
    """
    if "S" in key:
        text: str = key["S"]
        return text if text[:1] != "$" else _parse(text)
    if "N" in key:
        return parse_number(key["N"])
    return b64decode(key["B"])


def _parse(text: str) -> Any:
    letter, content = text[1:3], text[3:]
    try:
        match letter:
            case "s:":
                return content
            case "n:":
                return parse_number(content) if content[-1:].isdecimal() else float(content)
            case "f:":
                return float(content)
            case "z:":
                return None
            case "b:":
                return content == "1"
            case "d:":
                return _EPOCH + timedelta(milliseconds=int(content))
            case "o:":
                return load(BsonTag.OBJECT_ID)(bytes.fromhex(content))
            case "x:":
                subtype, data = int(content[:2], 16), bytes.fromhex(content[2:])
                if subtype == 4 and len(data) == 16:
                    return uuid.UUID(bytes=data)
                return data if subtype == 0 else load(BsonTag.BINARY)(data, subtype)
            case _:
                return text
    except (ValueError, OverflowError):
        return text  # of somebody else's

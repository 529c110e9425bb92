"""Binary data to text and numbers and back, as ``$convert`` does it.

Binary of subtype 0 is ``bytes`` and of subtype 4, where it is a UUID, ``uuid.UUID``; other subtypes need
``bson.Binary``.
"""

from __future__ import annotations

import base64
import binascii
import struct
import uuid
from typing import Any, Final

from lexigram.nosql.aggregation.expressions.errors import CONVERSION_FAILURE, fault
from lexigram.nosql.aggregation.expressions.numbers import as_int32, as_long, is_numeric
from lexigram.nosql.aggregation.expressions.text import utf8
from lexigram.nosql.exceptions import PipelineError
from lexigram.nosql.values.bson_compat import BsonTag, binary_parts, load
from lexigram.nosql.values.kinds import INT32_MAX, INT32_MIN, Kind, type_name

__all__ = [
    "FORMATS",
    "binary_to_double",
    "binary_to_int",
    "binary_to_text",
    "check_subtype",
    "make_binary",
    "number_to_binary",
    "parts_of",
    "text_to_binary",
]

FORMATS: Final = ("auto", "base64", "base64url", "hex", "utf8", "uuid")
_UUID: Final = 4


def parts_of(value: Any) -> tuple[int, bytes]:
    """Take binary data apart.

    Args:
        value: Bytes, a UUID or a ``bson.Binary``.

    Returns:
        Its subtype and content.
    """
    return (_UUID, value.bytes) if isinstance(value, uuid.UUID) else binary_parts(value)


def make_binary(subtype: int, content: bytes) -> Any:
    """Make binary data.

    Args:
        subtype: Its subtype.
        content: Its bytes.

    Returns:
        Bytes, a UUID, or a ``bson.Binary``.

    Raises:
        UnsupportedFeatureError: The subtype needs bson, which is not installed.
    """
    if subtype == 0:
        return content
    if subtype == _UUID and len(content) == 16:
        return uuid.UUID(bytes=content)
    return load(BsonTag.BINARY)(content, subtype)


def check_subtype(value: Any) -> int:
    """Check the subtype that binary data is to have.

    Args:
        value: The subtype.

    Returns:
        The subtype.

    Raises:
        PipelineError: It is not a number (4341108), not whole (4341106), or not a subtype (4341107).
    """
    if not is_numeric(value):
        raise fault(4341108, f"'subtype' of $convert must be a number, not {type_name(value)}")
    number = as_int32(value)
    if number is None:
        raise fault(4341106, f"'subtype' of $convert must be a whole number, not {value}")
    if not (0 <= number <= 9 or 128 <= number <= 255):
        raise fault(4341107, f"there is no binary subtype {number}")
    return number


def text_to_binary(text: str, form: str, subtype: int) -> Any:
    """Read binary data.

    Args:
        text: The text.
        form: One of ``FORMATS``, not ``auto``.
        subtype: The subtype that it is to have.

    Returns:
        The binary data.

    Raises:
        PipelineError: The text is not in this form (241).
    """
    if (form == "uuid") != (subtype == _UUID):
        raise fault(CONVERSION_FAILURE, "the format 'uuid' and the subtype 4 go together only")
    try:
        if form == "base64":
            content = base64.b64decode(text, validate=True)
        elif form == "base64url":
            content = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
        elif form == "hex":
            content = binascii.unhexlify(text)
        elif form == "utf8":
            content = utf8(text)
        elif form == "uuid":
            content = _uuid_bytes(text)
        else:
            raise fault(CONVERSION_FAILURE, f"text cannot be read in the format {form!r}")
    except PipelineError:
        raise
    except ValueError as error:
        raise fault(CONVERSION_FAILURE, f"{text[:100]!r} is not {form}: {error}") from error
    return make_binary(subtype, content)


def _uuid_bytes(text: str) -> bytes:
    value = uuid.UUID(text)
    if str(value) != text.lower():
        raise ValueError("a UUID is written as 8-4-4-4-12 digits")
    return value.bytes


def binary_to_text(value: Any, form: str) -> str:
    """Write binary data.

    Args:
        value: The binary data.
        form: One of ``FORMATS``; ``auto`` writes UUIDs as such and everything else in base64.

    Returns:
        The text.

    Raises:
        PipelineError: It cannot be written in this form (241).
    """
    subtype, content = parts_of(value)
    is_uuid = subtype == _UUID and len(content) == 16
    if form == "uuid" or (form == "auto" and is_uuid):
        if not is_uuid:
            raise fault(CONVERSION_FAILURE, "the binary data is not a UUID")
        return str(uuid.UUID(bytes=content))
    if form == "hex":
        return content.hex().upper()
    if form == "base64url":
        return base64.urlsafe_b64encode(content).rstrip(b"=").decode("ascii")
    if form == "utf8":
        try:
            return content.decode("utf-8")
        except UnicodeDecodeError as error:
            raise fault(CONVERSION_FAILURE, "the binary data is not UTF-8") from error
    return base64.b64encode(content).decode("ascii")


def binary_to_int(value: Any, order: str, longest: int) -> int:
    """Read a whole number out of binary data.

    Args:
        value: The binary data.
        order: ``little`` or ``big``.
        longest: How many bytes it may have: 4 for an int, 8 for a long.

    Returns:
        The number.

    Raises:
        PipelineError: It has another length than 1, 2, 4 or 8 bytes (241).
    """
    content = parts_of(value)[1]
    if len(content) not in (1, 2, 4, 8) or len(content) > longest:
        raise fault(CONVERSION_FAILURE, f"a number cannot be read from {len(content)} bytes")
    number = int.from_bytes(content, "big" if order == "big" else "little", signed=True)
    return number if longest == 4 else as_long(number)


def binary_to_double(value: Any, order: str) -> float:
    """Read a double out of binary data.

    Args:
        value: The binary data.
        order: ``little`` or ``big``.

    Returns:
        The number.

    Raises:
        PipelineError: It has another length than 4 or 8 bytes (241).
    """
    content = parts_of(value)[1]
    if len(content) not in (4, 8):
        raise fault(CONVERSION_FAILURE, f"a double cannot be read from {len(content)} bytes")
    number: float = struct.unpack((">" if order == "big" else "<") + ("f" if len(content) == 4 else "d"), content)[0]
    return number


def number_to_binary(value: Any, kind: Kind, order: str, subtype: int) -> Any:
    """Write a number as binary data: 4 bytes for an int, 8 for a long or double.

    Args:
        value: The number.
        kind: Its kind, not decimal.
        order: ``little`` or ``big``.
        subtype: The subtype that the data is to have.

    Returns:
        The binary data.
    """
    sign = ">" if order == "big" else "<"
    if kind is Kind.DOUBLE:
        return make_binary(subtype, struct.pack(sign + "d", value))
    small = kind is Kind.INT and INT32_MIN <= value <= INT32_MAX
    return make_binary(subtype, struct.pack(sign + ("i" if small else "q"), int(value)))

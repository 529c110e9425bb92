"""The number under which a hashed index keeps a value, as ``$toHashedIndexKey`` gives it.

MD5 over a seed, each value's place in the comparison order and its BSON form; the first eight bytes, little-endian.
Numbers count as the 64-bit whole number they cut to, so that equal numbers of different types have one hash.
"""

# Values are of any type here, and what is narrowed from Any has parts that are unknown to the checker.
# pyright: reportUnknownArgumentType=false, reportUnknownLambdaType=false, reportUnknownMemberType=false
# pyright: reportUnknownParameterType=false, reportUnknownVariableType=false

from __future__ import annotations

import hashlib
import math
import struct
from typing import Any, Final

from lexigram.nosql.aggregation.expressions.binary_data import parts_of
from lexigram.nosql.aggregation.expressions.errors import BAD_VALUE, fault
from lexigram.nosql.aggregation.expressions.moments import millis_of
from lexigram.nosql.aggregation.expressions.numbers import as_decimal, as_long
from lexigram.nosql.aggregation.expressions.text import utf8
from lexigram.nosql.values.bson_compat import BsonTag, bson_tag, regex_parts
from lexigram.nosql.values.kinds import INT64_MAX, INT64_MIN, NUMBER_KINDS, Kind, kind_of
from lexigram.nosql.values.order import type_rank
from lexigram.nosql.values.path import MISSING

__all__ = ["hash_value"]

_SEED: Final = 0


def _place(rank: int) -> bytes:
    return struct.pack("<i", rank)


def _whole(value: Any) -> int:
    if isinstance(value, int):
        return int(value)
    number = value if isinstance(value, float) else as_decimal(value)
    if number != number:
        return 0
    if number >= INT64_MAX:
        return INT64_MAX
    return INT64_MIN if number <= INT64_MIN else math.trunc(number)


def _text(value: str) -> bytes:
    data = utf8(value)
    return struct.pack("<i", len(data) + 1) + data + b"\0"


def _content(value: Any, kind: Kind) -> bytes:
    if kind in NUMBER_KINDS:
        return struct.pack("<q", _whole(value))
    if kind is Kind.STRING or kind is Kind.JAVASCRIPT:
        return _text(value)
    if kind is Kind.BOOL:
        return b"\x01" if value else b"\0"
    if kind is Kind.DATE:
        return struct.pack("<q", millis_of(value))
    if kind is Kind.OBJECT_ID:
        return bytes(value.binary)
    if kind is Kind.TIMESTAMP:
        return struct.pack("<II", value.inc, value.time)
    if kind is Kind.BINARY:
        subtype, content = parts_of(value)
        return struct.pack("<iB", len(content), subtype) + content
    if kind is Kind.REGEX:
        source, options = regex_parts(value)
        return utf8(source) + b"\0" + utf8(options) + b"\0"
    return b""


def _feed(digest: Any, value: Any, name: str | None) -> None:
    kind = kind_of(value)
    digest.update(_place(type_rank(value)))
    if name is not None:
        digest.update(utf8(name) + b"\0")
    if kind is Kind.OBJECT or kind is Kind.ARRAY:
        items = enumerate(value) if kind is Kind.ARRAY else _fields(value)
        for key, item in items:
            _feed(digest, item, str(key))
        digest.update(_place(0))
        return
    if kind is Kind.JAVASCRIPT_WITH_SCOPE:
        raise fault(BAD_VALUE, "code with a scope is not hashed")
    digest.update(_content(value, kind))


def _fields(value: Any) -> Any:
    return (value.as_doc() if bson_tag(type(value)) is BsonTag.DB_REF else value).items()


def hash_value(value: Any) -> int:
    """Hash a value.

    Args:
        value: Any value; ``MISSING`` counts as null.

    Returns:
        A long.

    Raises:
        PipelineError: It is code with a scope (2).
    """
    digest = hashlib.md5(struct.pack("<i", _SEED), usedforsecurity=False)
    _feed(digest, None if value is MISSING else value, None)
    return as_long(int.from_bytes(digest.digest()[:8], "little", signed=True))

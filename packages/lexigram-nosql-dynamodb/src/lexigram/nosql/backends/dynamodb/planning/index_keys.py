r"""Key attributes of the indexes that we make: the engine's order over all values, written as text.

A global index of DynamoDB is keyed by top-level attributes of one type. So an index of ours has two attributes that are
computed from the indexed fields of each document: the *partition* value tells the leading fields by a hash of what the
engine takes for equal, and the *sort* value holds the others in one text whose order, by UTF-8 bytes, is the engine's
order: nested fields, values of any types, missing ones (which count as null there) and descending fields alike.

**Documents filed apart.** An array has as many keys as elements, and a key has at most 1,024 bytes. Documents with an
array in an indexed path, or with a longer key, are filed under one partition value of their own
(:func:`irregular_partition`), and every request on the index looks there too while such documents may exist.

**The text.** A value is a character for its type, then its content, then ``\x01``. Contents compare as the values do,
character by character; ``\x00`` to ``\x02`` in them are escaped, so that no content holds the terminator. Descending
fields have each byte of that turned round. So no value's text is the beginning of another's, and texts of several
fields simply follow one another.
"""

# The class of an Any is Unknown to pyright, and this module asks for classes all the time.
# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false, reportUnknownMemberType=false

from __future__ import annotations

import hashlib
import struct
from base64 import urlsafe_b64encode
from collections.abc import Mapping, Sequence
from decimal import Context, Decimal
from functools import lru_cache
from math import inf, nextafter
from typing import Any, Final

from lexigram.nosql.backends.dynamodb.planning.shape import AttributeValue, ComputedIndex
from lexigram.nosql.query.parse import parse_filter
from lexigram.nosql.values.bson_compat import reference_fields
from lexigram.nosql.values.order import sort_key
from lexigram.nosql.values.path import MISSING, split_path

__all__ = [
    "AFTER",
    "MAX_SORT_BYTES",
    "NotFiled",
    "before",
    "encode",
    "encode_prefix",
    "hash_partition",
    "index_entry",
    "irregular_partition",
    "rank_bounds",
]

MAX_SORT_BYTES: Final = 1024
"""Bytes of a sort key."""

AFTER: Final = "\xff"
"""Greater than any character with which the next field's text may begin."""

_END: Final = "\x01"
_BEFORE_TURNED_END: Final = "\xfd" + AFTER
"""Descending, the end of a text is the greatest character, and 0xFD the greatest that its content has."""

_ESCAPES: Final = {0: "\x02\x01", 1: "\x02\x02", 2: "\x02\x03"}
_NULL_KEY: Final = (5,)
_RANK_OF_TEXT: Final = 15
_TURNED: Final = bytes(0xFF - byte for byte in range(256))
_EXACT: Final = Context(prec=1200)
_KEPT: Final = 64
"""Longest text whose encoding is kept."""


class NotFiled(Exception):  # noqa: N818 - a way out, not a fault
    """The document is filed apart."""


# Values as text


def encode(value: Any, way: int = 1) -> str:
    """Write a value so that texts compare as values do.

    Args:
        value: Any value that documents hold, or ``MISSING``, which counts as null.
        way: 1 ascending, -1 descending.

    Returns:
        A text that is the beginning of no other value's.
    """
    cls = type(value)
    if cls is int or (cls is str and len(value) <= _KEPT):
        return _encode_kept(value, way)
    key = sort_key(value)
    return _way(_value(_NULL_KEY if key == (0,) else key), way)


@lru_cache(maxsize=4096)
def _encode_kept(value: int | str, way: int) -> str:
    """The values that indexes are asked for most often are few."""
    return _way(_value(sort_key(value)), way)


def before(text: str) -> str:
    """What lies just before a value's text, after the texts of all values that come before it.

    Args:
        text: What :func:`encode` gave.
    """
    if text[-1] == _END:  # the least character that there is, so all others end or go on with a greater one
        return text[:-1]
    return text[:-1] + _BEFORE_TURNED_END


def encode_prefix(text: str, way: int = 1) -> str:
    """What the texts of all strings with a certain beginning begin with.

    Args:
        text: The beginning.
        way: 1 ascending, -1 descending.
    """
    return _way(chr(_RANK_OF_TEXT) + _escaped(text), way)


def rank_bounds(value: Any, way: int = 1) -> tuple[str, str]:
    """Texts between which all values of a value's type lie.

    Args:
        value: A value.
        way: 1 ascending, -1 descending.

    Returns:
        A text before the first of them, and one after the last; neither is any value's.
    """
    rank = sort_key(value)[0]
    first = rank if way > 0 else 0xFF - rank
    return chr(first), chr(first + 1)


def _way(text: str, way: int) -> str:
    return text if way > 0 else text.encode().translate(_TURNED).decode("latin-1")


def _escaped(text: str) -> str:
    return text.translate(_ESCAPES)


def _value(key: tuple[Any, ...]) -> str:
    """A key of the engine's order (see ``values.order``) as text."""
    rank = key[0]
    content = "" if len(key) == 1 else _content(rank, key[1])
    return f"{chr(max(rank, 0) + 3) if rank < 5 else chr(rank)}{_escaped(content)}{_END}"


def _content(rank: int, payload: Any) -> str:
    match rank:
        case 10:
            return _number(payload)
        case 15 | 60:
            return str(payload)
        case 20:
            return "".join([f"{chr(kind + 3)}{_escaped(name)}{_END}{_value(key)}" for kind, name, key in payload])
        case 25:
            return "".join(map(_value, payload))
        case 30:
            length, subtype, content = payload
            head: bytes = struct.pack(">IB", length, subtype)
            return head.decode("latin-1") + bytes(content).decode("latin-1")
        case 35:
            return bytes(payload).decode("latin-1")
        case 40:
            return "1" if payload else "0"
        case 45:
            return struct.pack(">q", payload ^ -(2**63)).decode("latin-1")
        case 47:
            return struct.pack(">II", *payload).decode("latin-1")
        case 50:
            return "".join([f"{_escaped(part)}{_END}" for part in payload])
        case 65:
            text, scope = payload
            return f"{_escaped(text)}{_END}{_value(scope)}"
        case _:
            return ""


def _number(number: float | Decimal) -> str:
    """The greatest float that is not above a number, and after it the number's digits if they differ.

    Floats have an order by their bits, and between two of them lie only numbers of few digits: 64-bit ints and
    decimals of 34.
    """
    lower = _float_below(number)
    bits: int = struct.unpack(">Q", struct.pack(">d", lower + 0.0))[0]
    text = struct.pack(">Q", bits ^ (0xFFFFFFFFFFFFFFFF if bits >> 63 else 1 << 63)).decode("latin-1")
    return text if lower == number else text + _digits(Decimal(number))


def _float_below(number: float | Decimal) -> float:
    if isinstance(number, float):
        return number
    try:
        nearest = float(number)
    except OverflowError:  # pragma: no cover - ints of documents have 64 bits
        nearest = inf if number > 0 else -inf
    if nearest > number:
        return nextafter(nearest, -inf)
    return nearest


def _digits(number: Decimal) -> str:
    """A finite decimal that is not zero, so that texts compare as numbers do."""
    sign, digits, _ = number.normalize(_EXACT).as_tuple()
    text = f"{number.adjusted() + 10_000:05d}{''.join(map(str, digits))}"
    if not sign:
        return f"1{text}"
    # "~" is above all digits, so that of two texts the longer one, whose number is smaller, comes first.
    return f"0{text.translate(_NINES)}~"


_NINES: Final = {ord(str(digit)): str(9 - digit) for digit in range(10)}


# Entries of documents


def hash_partition(computed: ComputedIndex, values: Sequence[Any]) -> AttributeValue:
    """The partition value of documents with certain leading fields.

    Args:
        computed: The index.
        values: One for each of its hashed fields; missing ones as None.
    """
    return {"S": f"{computed.scope}:{_digest(''.join(map(encode, values)))}"}


@lru_cache(maxsize=1024)
def _digest(text: str) -> str:
    return urlsafe_b64encode(hashlib.blake2b(text.encode(), digest_size=18).digest()).decode("ascii")


def irregular_partition(computed: ComputedIndex) -> AttributeValue:
    """The partition value of documents that are filed apart.

    Args:
        computed: The index.
    """
    return {"S": f"{computed.scope}!"}


def index_entry(
    computed: ComputedIndex, document: Mapping[str, Any], key: str = ""
) -> tuple[AttributeValue, AttributeValue, bool] | None:
    """Where a document is filed in an index.

    Args:
        computed: The index.
        document: The document, normalised.
        key: Text that is the document's own, by which documents that are filed apart lie in some order.

    Returns:
        Partition value, sort value, and whether it is filed apart; None where the index leaves the document out.
    """
    spec = computed.spec
    if spec.partial_filter is not None and not parse_filter(dict(spec.partial_filter)).matches(dict(document)):
        return None
    try:
        values = [_value_at(document, split_path(path)) for path in spec.fields]
        if spec.sparse and all(value is MISSING for value in values):
            return None
        ways = [way if isinstance(way, int) else 1 for _, way in spec.keys]
        text = "".join(map(encode, values[computed.hashed :], ways[computed.hashed :]))
        # A key may not be empty, and this is all that an index of hashed fields alone has to say.
        text = text or key or "-"
        if len(text.encode("utf-8", "surrogatepass")) <= MAX_SORT_BYTES:
            return hash_partition(computed, values[: computed.hashed]), {"S": text}, False
    except NotFiled:
        pass
    return irregular_partition(computed), {"S": key or "-"}, True


def _value_at(document: Mapping[str, Any], path: Sequence[str]) -> Any:
    value: Any = document
    for part in path:
        if isinstance(value, list):
            raise NotFiled
        if isinstance(value, dict):
            value = value.get(part, MISSING)
        elif reference_fields(value) is not None:
            raise NotFiled
        else:
            return MISSING
    if isinstance(value, list):
        raise NotFiled
    return value

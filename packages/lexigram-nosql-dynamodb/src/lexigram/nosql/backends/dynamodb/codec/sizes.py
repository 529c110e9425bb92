"""Bytes of an item as DynamoDB counts them.

Names and text in UTF-8, bytes as they are, one byte for null and bool, one for every two digits of a number and one
more (and one for a minus), three for a map or list and one for each entry (Amazon DynamoDB Developer Guide, "DynamoDB
item sizes and formats"). Digits are paired from the decimal point, so ``1.5`` has two pairs; DynamoDB Local counts so.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any, Final

from lexigram.nosql.backends.dynamodb.codec.numbers import plain_text
from lexigram.nosql.exceptions import DocumentTooLargeError

__all__ = ["MAX_ITEM_BYTES", "check_size", "item_size", "value_size"]

MAX_ITEM_BYTES: Final = 409_600
"""The largest item, names included: 400 KB."""


def _text(value: str) -> int:
    return len(value) if value.isascii() else len(value.encode())


def _number(value: str) -> int:
    if value.isdecimal() and value[-1] != "0":  # most of them
        return (len(value.lstrip("0")) + 1) // 2 + 1
    if "E" in value or "e" in value:
        value = plain_text(Decimal(value))
    negative = value[:1] == "-"
    whole, _, fraction = value.lstrip("+-").partition(".")
    # Digits are kept in pairs, counted from the point to both sides, without those pairs of zeros that only fill up.
    digits = whole.rjust(len(whole) + len(whole) % 2, "0") + fraction.ljust(len(fraction) + len(fraction) % 2, "0")
    first, last = 0, len(digits)
    while last > first and digits[last - 2 : last] == "00":
        last -= 2
    while first < last and digits[first : first + 2] == "00":
        first += 2
    return (last - first) // 2 + 1 + negative


def _bytes(value: str) -> int:
    return len(value) // 4 * 3 - (value[-2:].count("=") if value else 0)


def value_size(value: Mapping[str, Any]) -> int:
    """Bytes of one attribute value, without its name.

    Args:
        value: It on the wire.
    """
    for kind, content in value.items():
        match kind:
            case "S":
                return _text(content)
            case "N":
                return _number(content)
            case "B":
                return _bytes(content)
            case "M":
                return 3 + len(content) + item_size(content)
            case "L":
                return 3 + len(content) + sum(map(value_size, content))
            case "SS":
                return sum(map(_text, content))
            case "NS":
                return sum(map(_number, content))
            case "BS":
                return sum(map(_bytes, content))
            case _:
                return 1
    return 0


def item_size(item: Mapping[str, Mapping[str, Any]]) -> int:
    """Bytes of an item.

    Args:
        item: Its attributes on the wire, keys and what is ours included.
    """
    size = 0
    for name, value in item.items():
        size += len(name) if name.isascii() else len(name.encode())
        if "S" in value:
            text = value["S"]
            size += len(text) if text.isascii() else len(text.encode())
        else:
            size += value_size(value)
    return size


def check_size(items: Iterable[Mapping[str, Mapping[str, Any]]]) -> None:
    """Refuse items of more than 400 KB.

    Args:
        items: Items on the wire, whole.

    Raises:
        DocumentTooLargeError: One is larger; its details say which.
    """
    for index, item in enumerate(items):
        size = item_size(item)
        if size > MAX_ITEM_BYTES:
            error = DocumentTooLargeError(
                f"the document takes {size} bytes as an item, and DynamoDB stores at most {MAX_ITEM_BYTES}",
                hint="Split it, or keep large contents elsewhere and their address in the document.",
                size=size,
                limit=MAX_ITEM_BYTES,
            )
            error.with_details(document_index=index)
            raise error

"""How names of collections become names of tables, and back.

A table's name holds ASCII letters, digits, ``_``, ``-`` and ``.``, 3 to 255 of them (Amazon DynamoDB Developer Guide,
"Naming rules"). A collection's table is called ``{prefix}-{collection}``; in the collection's name, every byte of UTF-8
that stands for anything but a letter, a digit or ``_`` becomes ``.`` and two hexadecimal digits. So ``with.dot`` is the
table ``lexigram-with.2edot``, and no two collections share one. The last ``-`` ends the prefix, so ``shop-eu-users``
belongs to the store ``shop-eu`` alone, and never to one that is called ``shop``.

The table called as the prefix itself is the catalogue (:mod:`~lexigram.nosql.backends.dynamodb.layouts.catalogue`).
That of ``shop-eu`` has the name that a collection ``eu`` of ``shop`` would have; its key tells them apart.
"""

from __future__ import annotations

import re
from typing import Final

from lexigram.nosql.exceptions import DocumentValidationError

__all__ = ["MAX_TABLE_NAME", "collection_of", "escape", "table_of"]

MAX_TABLE_NAME: Final = 255

_OTHER: Final = re.compile(rb"[^A-Za-z0-9_-]")
_NOT_IN_TABLES: Final = re.compile(rb"[^A-Za-z0-9_]")
_ESCAPED: Final = re.compile(rb"\.([0-9a-f]{2})")
_INVALID_NAMESPACE: Final = 73


def escape(name: str) -> str:
    """Write any name with the characters that a table's name may hold, for keys.

    Args:
        name: Of a collection.

    Returns:
        The same for the same name only.
    """
    return _escaped(_OTHER, name)


def _escaped(other: re.Pattern[bytes], name: str) -> str:
    return other.sub(lambda found: b".%02x" % found[0][0], name.encode("utf-8", "surrogatepass")).decode("ascii")


def table_of(prefix: str, collection: str) -> str:
    """Name a collection's table.

    Args:
        prefix: The setting ``table_name``.
        collection: Name of the collection.

    Returns:
        The table's name.

    Raises:
        DocumentValidationError: It would be too long.
    """
    name = f"{prefix}-{_escaped(_NOT_IN_TABLES, collection)}"
    if len(name) > MAX_TABLE_NAME:
        raise DocumentValidationError(
            f"the collection's table would have a name of {len(name)} characters, of which DynamoDB takes 255",
            hint="Choose a shorter name for the collection, or a shorter table_name.",
            mongo_code=_INVALID_NAMESPACE,
        )
    return name


def collection_of(prefix: str, table: str) -> str | None:
    """Tell which collection a table holds.

    Args:
        prefix: The setting ``table_name``.
        table: Name of a table.

    Returns:
        The collection's name, or None for a table that is not one of ours.
    """
    if not table.startswith(f"{prefix}-"):
        return None
    rest = table[len(prefix) + 1 :].encode("ascii")
    try:
        name = _ESCAPED.sub(lambda found: bytes([int(found[1], 16)]), rest).decode("utf-8", "surrogatepass")
    except UnicodeDecodeError:
        return None
    return name if name and _escaped(_NOT_IN_TABLES, name).encode("ascii") == rest else None

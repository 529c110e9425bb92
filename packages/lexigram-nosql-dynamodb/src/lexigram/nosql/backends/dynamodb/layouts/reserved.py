"""Names of attributes that are ours, and of partitions in which no document lies.

All of them begin with the codec's prefix (:data:`~lexigram.nosql.backends.dynamodb.codec.OURS`), so that no field of a
document can have such a name, and decoding leaves them out.
"""

from __future__ import annotations

from typing import Final

from lexigram.nosql.backends.dynamodb.codec import OURS

__all__ = [
    "CATALOGUE",
    "EXPIRY",
    "META",
    "PARTITION",
    "documents_of",
    "guards_of",
    "slot_attributes",
    "slot_index",
]

META: Final = OURS
"""The map of what is ours in an item: revision, order of fields and so on."""

PARTITION: Final = f"{OURS}p"
"""Partition key of the catalogue's table, which in the single-table layout holds the documents as well. Its sort key is
what the setting ``pk_field`` says."""

EXPIRY: Final = f"{OURS}t"
"""The second, counted from 1970, after which DynamoDB may remove an item."""

CATALOGUE: Final = "#catalogue"
"""The partition of records of collections, by name of collection."""


def documents_of(collection: str) -> str:
    """The partition of a collection's documents in a single table.

    Args:
        collection: Its name, escaped; escaped names never begin with ``#``.
    """
    return collection


def guards_of(collection: str, mark: str) -> str:
    """The beginning of the partitions of a unique index's guards.

    Args:
        collection: Its name, escaped.
        mark: Of the index.
    """
    return f"#unique#{collection}#{mark}#"


def slot_attributes(slot: int) -> tuple[str, str]:
    """Names of the key attributes of a global index of ours.

    Args:
        slot: Its number.

    Returns:
        Partition and sort attribute.
    """
    return f"{OURS}{slot}p", f"{OURS}{slot}s"


def slot_index(slot: int) -> str:
    """Name of a global index of ours.

    Args:
        slot: Its number.
    """
    return f"lexigram-{slot}"

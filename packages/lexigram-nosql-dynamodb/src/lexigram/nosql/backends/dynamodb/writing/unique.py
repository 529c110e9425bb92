"""Unique indexes: one small item, a *guard*, for each key that a document holds.

A guard is written in the same transaction as its document, on the condition that nobody has it, so two documents never
hold one key, whoever writes at the same time. It says whose it is; a guard whose document is gone without it (DynamoDB
removes expired items by itself) is taken over by the next who wants its key.

Which keys a document holds is what the engine's index says: one for each combination of array elements, a missing field
as null, none for documents that a sparse or partial index leaves out.
"""

# The class of an Any is Unknown to pyright, and this module asks for classes.
# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false, reportUnknownMemberType=false

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, Final

from lexigram.nosql.backends.dynamodb.codec.keys import canonical_text
from lexigram.nosql.backends.dynamodb.layouts.records import IndexRecord
from lexigram.nosql.backends.dynamodb.layouts.reserved import PARTITION, guards_of
from lexigram.nosql.backends.memory.index import Entry, Index
from lexigram.nosql.driver import Document
from lexigram.nosql.exceptions import DuplicateKeyError
from lexigram.nosql.values.copying import copy_value
from lexigram.nosql.values.path import MISSING, split_path

__all__ = ["duplicate_key", "entries_of", "guard_keys", "guard_partitions"]

_DIGITS: Final = "0123456789abcdef"


def guard_partitions(collection: str, mark: str) -> list[str]:
    """The partitions in which an index's guards lie.

    Args:
        collection: Its name, escaped.
        mark: Of the index.
    """
    return [guards_of(collection, mark) + digit for digit in _DIGITS]


@lru_cache(maxsize=256)
def _index(record: _Hashed) -> Index:
    return Index(record.record.spec)


class _Hashed:
    """An index's record as a key: specs may hold filters, which have no hash."""

    __slots__ = ("record",)

    def __init__(self, record: IndexRecord) -> None:
        self.record = record

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Hashed) and self.record.mark == other.record.mark

    def __hash__(self) -> int:
        return hash(self.record.mark)


def entries_of(index: IndexRecord, document: Document) -> frozenset[Entry]:
    """The keys of a document in an index.

    Args:
        index: The index.
        document: The document.

    Returns:
        Tuples of sort keys.

    Raises:
        NoSQLIndexError: The document cannot be indexed: two of the indexed fields hold arrays.
    """
    return _index(_Hashed(index)).entries_of(document)


def guard_keys(collection: str, sort: str, index: IndexRecord, document: Document) -> list[dict[str, Any]]:
    """The keys of the guards that a document needs.

    Args:
        collection: Its collection's name, escaped.
        sort: Name of the sort key of the catalogue's table.
        index: A unique index.
        document: The document.

    Returns:
        Keys in the catalogue's table, on the wire.
    """
    beginning = guards_of(collection, index.mark)
    keys: list[dict[str, Any]] = []
    for entry in entries_of(index, document):
        told = hashlib.sha256(_text(entry).encode("utf-8", "surrogatepass")).hexdigest()
        keys.append({PARTITION: {"S": beginning + told[0]}, sort: {"S": told}})
    return keys


def _text(key: Any) -> str:
    """The same text for equal sort keys: numbers of different types may be equal."""
    if isinstance(key, tuple):
        parts: tuple[Any, ...] = key
        return f"({','.join(map(_text, parts))})"
    if isinstance(key, str):
        return f"{len(key)}:{key}"
    if isinstance(key, bytes):
        return f"x{key.hex()}"
    return canonical_text(key)


def duplicate_key(collection: str, index: IndexRecord | None, document: Mapping[str, Any]) -> DuplicateKeyError:
    """The error for a document whose key stands already.

    Args:
        collection: Name of the collection.
        index: The index; None for the ``_id``.
        document: The document.
    """
    name = "_id_" if index is None else index.spec.name
    key: dict[str, Any] = {}
    for path in ("_id",) if index is None else index.spec.fields:
        value: Any = document
        for part in split_path(path):
            fields: Mapping[str, Any] = value if isinstance(value, Mapping) else {}
            value = fields.get(part, MISSING)
        key[path] = None if value is MISSING else copy_value(value)
    return DuplicateKeyError(
        f"duplicate key in {collection!r}, index {name!r}: {key!r}", index=name, key=key, collection=collection
    )

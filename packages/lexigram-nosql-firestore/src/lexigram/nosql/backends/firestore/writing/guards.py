"""Unique indexes, kept by guards.

For each entry that a document has in a unique index there is a document in the collection ``~guards``, whose id is a
hash of index and entry. Whatever writes a document makes and removes its guards in the same commit, on the condition
that the new ones are not there, so of two writers with the same key one fails, whoever they are. Entries are the
engine's own: arrays element by element, 1 and 1.0 the same, sparse, partial, with a collation.
"""

# Messages of protobuf have no types.
# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false, reportUnknownMemberType=false

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from lexigram.nosql.backends.firestore.catalogue import Indexes, Record
from lexigram.nosql.backends.firestore.codec import messages
from lexigram.nosql.backends.firestore.codec.ids import hash_of_key
from lexigram.nosql.backends.memory.index import Index
from lexigram.nosql.driver import Document
from lexigram.nosql.exceptions import DuplicateKeyError
from lexigram.nosql.values.copying import copy_value
from lexigram.nosql.values.path import get_path, split_path

__all__ = ["GUARDS", "MARK_FIELD", "OWNER_FIELD", "create", "duplicate", "duplicate_key", "guards_of", "remove"]

GUARDS: Final = "~guards"
"""The collection of the guards."""

MARK_FIELD: Final = "index"
OWNER_FIELD: Final = "document"


def guards_of(root: str, indexes: Indexes, document: Document | None) -> dict[str, Record]:
    """The guards that a document has.

    Args:
        root: Full name below which everything stands.
        indexes: The indexes of its collection.
        document: The document; None for none.

    Returns:
        Full names of the guards, and the index of each.

    Raises:
        NoSQLIndexError: The document cannot be indexed.
    """
    if document is None:
        return {}
    found: dict[str, Record] = {}
    for record, index in indexes.unique:
        for name in _names(root, record, index, document):
            found[name] = record
    return found


def _names(root: str, record: Record, index: Index, document: Document) -> Iterable[str]:
    for entry in index.entries_of(document):
        yield f"{root}/{GUARDS}/{hash_of_key((record.mark, entry))}"


def create(name: str, record: Record, owner: str) -> Any:
    """The write that makes a guard, if there is none.

    Args:
        name: Its full name.
        record: The index.
        owner: Full name of the document.
    """
    write = messages.Write()
    write.update.name = name
    write.update.fields[MARK_FIELD].string_value = record.mark
    write.update.fields[OWNER_FIELD].reference_value = owner
    write.current_document.exists = False
    return write


def remove(name: str) -> Any:
    """The write that removes a guard."""
    write = messages.Write()
    write.delete = name
    return write


def duplicate(collection: str, record: Record, document: Document) -> DuplicateKeyError:
    """The error for a document whose key in a unique index stands already."""
    key = {path: copy_value(get_path(document, split_path(path), None)) for path in record.spec.fields}
    return duplicate_key(collection, record.spec.name, key)


def duplicate_key(collection: str, index: str, key: dict[str, Any]) -> DuplicateKeyError:
    """The error for a key that stands already.

    Args:
        collection: Name of the collection.
        index: Name of the index.
        key: Fields and values.
    """
    return DuplicateKeyError(
        f"E11000 duplicate key in collection {collection!r}, index {index!r}: {key!r}",
        index=index,
        key=key,
        collection=collection,
    )

"""The parts of a transaction that store, change or remove one document with its guards."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from lexigram.nosql.backends.dynamodb.codec import item_size
from lexigram.nosql.backends.dynamodb.layouts.home import Home, Item
from lexigram.nosql.backends.dynamodb.layouts.records import IndexRecord
from lexigram.nosql.backends.dynamodb.layouts.reserved import PARTITION
from lexigram.nosql.backends.dynamodb.layouts.revisions import Revision
from lexigram.nosql.backends.dynamodb.reading.getting import key_text
from lexigram.nosql.backends.dynamodb.writing.conditions import Condition, absent_or_expired, unchanged
from lexigram.nosql.backends.dynamodb.writing.unique import guard_keys
from lexigram.nosql.driver import Document

__all__ = ["Guard", "Write", "deletion", "guards_of_document", "insertion", "replacement", "touched"]

OWNER = "owner"


@dataclass(frozen=True, slots=True)
class Guard:
    """One guard of a document.

    Attributes:
        index: Of which unique index.
        key: Where it lies.
    """

    index: IndexRecord
    key: Item

    @property
    def text(self) -> str:
        """The same text for the same guard."""
        return key_text(self.key)


@dataclass(slots=True)
class Write:
    """A write of one document.

    Attributes:
        document: The document as it is afterwards; as it was, for a deletion.
        main: The item's own part of the transaction.
        claims: Guards that it takes.
        releases: Guards that it gives up.
        size: Bytes that it sends, about.
        home: Where the document lies.
        key: The item's key.
    """

    home: Home
    key: Item
    document: Document
    main: dict[str, Any]
    claims: Sequence[Guard] = ()
    releases: Sequence[Guard] = ()
    size: int = field(default=0)

    @property
    def parts(self) -> int:
        """How many items of a transaction it takes."""
        return 1 + len(self.claims) + len(self.releases)

    def items(self) -> Iterator[dict[str, Any]]:
        """Its items: the document's, then the guards that it takes, then those that it gives up."""
        yield self.main
        for guard in self.claims:
            yield claim(self.home, guard.key, self.key)
        for guard in self.releases:
            yield release(self.home, guard.key, self.key)

    def touched(self) -> set[str]:
        """What it writes to, each as a text."""
        return {touched(self.home.table, self.key), *(guard.text for guard in (*self.claims, *self.releases))}


def touched(table: str, key: Mapping[str, Any]) -> str:
    """One item as a text that no other has."""
    return f"{table}\0{key_text(key)}"


def guards_of_document(home: Home, document: Document) -> dict[str, Guard]:
    """The guards that a document needs, by their text.

    Raises:
        NoSQLIndexError: A unique index cannot hold the document.
    """
    found: dict[str, Guard] = {}
    for index in home.unique:
        for key in guard_keys(home.escaped, home.catalogue_sort, index, document):
            guard = Guard(index, key)
            found[guard.text] = guard
    return found


def claim(home: Home, guard: Item, owner: Item) -> dict[str, Any]:
    """The part that takes a guard for a document."""
    return {
        "Put": {
            "TableName": home.catalogue,
            "Item": {**guard, OWNER: {"M": owner}},
            "ConditionExpression": "attribute_not_exists(#p) OR #o = :o",
            "ExpressionAttributeNames": {"#p": PARTITION, "#o": OWNER},
            "ExpressionAttributeValues": {":o": {"M": owner}},
        }
    }


def release(home: Home, guard: Item, owner: Item) -> dict[str, Any]:
    """The part that gives a document's guard up."""
    return {
        "Delete": {
            "TableName": home.catalogue,
            "Key": guard,
            "ConditionExpression": "attribute_not_exists(#p) OR #o = :o",
            "ExpressionAttributeNames": {"#p": PARTITION, "#o": OWNER},
            "ExpressionAttributeValues": {":o": {"M": owner}},
        }
    }


def insertion(home: Home, document: Document, item: Item, now: int) -> Write:
    """A new document.

    Args:
        home: Where it goes.
        document: The document.
        item: The same as an item.
        now: Milliseconds from 1970; what has expired by then may be written over.
    """
    guards = guards_of_document(home, document)
    return Write(
        home,
        home.key_of(item),
        document,
        put(home, item, absent_or_expired(home, now)),
        tuple(guards.values()),
        (),
        item_size(item) + 200 * len(guards),
    )


def replacement(home: Home, old: Document, new: Document, item: Item, condition: Condition) -> Write:
    """A document in the place of another one with the same ``_id``."""
    before, after = guards_of_document(home, old), guards_of_document(home, new)
    return Write(
        home,
        home.key_of(item),
        new,
        put(home, item, condition),
        tuple(guard for text, guard in after.items() if text not in before),
        tuple(guard for text, guard in before.items() if text not in after),
        item_size(item),
    )


def deletion(home: Home, old: Document, revision: Revision) -> Write:
    """The removal of a document as it was read."""
    key = home.key(old["_id"])
    condition = unchanged(home, revision)
    return Write(
        home,
        key,
        old,
        {"Delete": {"TableName": home.table, "Key": key, **condition.to_request()}},
        (),
        tuple(guards_of_document(home, old).values()),
        item_size(key),
    )


def put(home: Home, item: Item, condition: Condition) -> dict[str, Any]:
    """The part that stores an item on a condition."""
    return {"Put": {"TableName": home.table, "Item": item, **condition.to_request()}}

"""Where a collection's documents lie, and what they look like there.

A :class:`Home` is made once for each state of a collection (its table, its indexes), shared by everybody, and replaced
when one of them changes: two requests that see the same object work by the same rules.
"""

# The class of an Any is Unknown to pyright, and this module asks for classes.
# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false, reportUnknownMemberType=false

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

from lexigram.nosql.backends.dynamodb.codec import decode_document, decode_id, decode_key, encode_item, encode_key
from lexigram.nosql.backends.dynamodb.layouts.expiry import expiry_millis, is_due
from lexigram.nosql.backends.dynamodb.layouts.names import escape
from lexigram.nosql.backends.dynamodb.layouts.records import CollectionRecord, IndexRecord
from lexigram.nosql.backends.dynamodb.layouts.reserved import META, slot_attributes
from lexigram.nosql.backends.dynamodb.layouts.revisions import Revision, carried, mark_of, new_revision
from lexigram.nosql.backends.dynamodb.layouts.shapes import computed_index
from lexigram.nosql.backends.dynamodb.planning.choose import Planner
from lexigram.nosql.backends.dynamodb.planning.index_keys import index_entry
from lexigram.nosql.backends.dynamodb.planning.shape import KeyAttribute, TableShape
from lexigram.nosql.driver import Document
from lexigram.nosql.exceptions import DocumentValidationError
from lexigram.nosql.query.parse import parse_filter

__all__ = ["Home", "Item", "is_same"]

Item = dict[str, Any]
_REPLACED: Final = "w"


@dataclass(frozen=True)
class Home:
    """One collection in its table.

    Attributes:
        collection: Its name.
        shape: The table's keys and indexes, for the planner.
        record: The collection's indexes of ours.
        catalogue: Name of the table that holds guards.
        catalogue_sort: Name of its sort key.
        expiry: The attribute by which the table expires items.
        exists: False while the table is not there.
        stream: ARN of the table's stream, or None.
        described: What the service says of the table.
        expires_natively: True when others let items of the table expire, so that the attribute counts.
    """

    collection: str
    shape: TableShape
    record: CollectionRecord
    catalogue: str
    catalogue_sort: str
    expiry: str
    exists: bool
    stream: str | None = None
    described: Mapping[str, Any] | None = None
    expires_natively: bool = False

    @property
    def table(self) -> str:
        """Name of the table."""
        return self.shape.table

    @cached_property
    def planner(self) -> Planner:
        """Plans reads of the collection."""
        return Planner(self.shape)

    @cached_property
    def escaped(self) -> str:
        """The collection's name as it stands in keys."""
        return escape(self.collection)

    @cached_property
    def unique(self) -> tuple[IndexRecord, ...]:
        """The unique indexes."""
        return tuple(index for index in self.record.indexes if index.spec.unique)

    @cached_property
    def expiring(self) -> tuple[IndexRecord, ...]:
        """The indexes after whose dates documents go."""
        return tuple(index for index in self.record.indexes if index.expires)

    @cached_property
    def protected(self) -> frozenset[str]:
        """Paths whose change means more than a change of the field: they are indexed."""
        found: set[str] = set()
        for index in self.record.indexes:
            if not index.is_text:
                found.update(index.spec.fields)
            if index.spec.partial_filter is not None:
                found.update(parse_filter(dict(index.spec.partial_filter)).paths)
        return frozenset(found)

    @cached_property
    def key_names(self) -> frozenset[str]:
        """Names of the attributes of the table's key."""
        return frozenset(key.name for key in self.shape.primary.keys)

    @cached_property
    def partition_name(self) -> str:
        """Name of the partition key."""
        return self.shape.primary.partition[0].name

    # --- ids and keys

    def key(self, identity: Any) -> Item:
        """The key of the document with an ``_id``.

        Args:
            identity: The ``_id``.

        Raises:
            DocumentValidationError: The table's key cannot hold it.
        """
        found: Item = {}
        for attribute in self.shape.primary.keys:
            if attribute.constant is not None:
                found[attribute.name] = attribute.constant
            else:
                found[attribute.name] = _key_value(attribute, self._part(attribute, identity))
        return found

    def key_of(self, item: Mapping[str, Any]) -> Item:
        """The key of an item."""
        return {name: item[name] for name in self.key_names}

    def _part(self, attribute: KeyAttribute, identity: Any) -> Any:
        if attribute.path == "_id":
            return identity
        part = (attribute.path or "").partition(".")[2]
        if not isinstance(identity, Mapping) or part not in identity or len(identity) != len(self.shape.id_attributes):
            names = ", ".join((key.path or "").partition(".")[2] for key in self.shape.id_attributes)
            raise DocumentValidationError(
                f"_id: the ids of {self.collection!r} are documents with the fields {names}", path="_id"
            )
        return identity[part]

    def identity(self, item: Mapping[str, Any]) -> Any:
        """The ``_id`` of an item."""
        attributes = self.shape.id_attributes
        first = attributes[0]
        if first.path == "_id":
            return decode_id(item[first.name], item) if first.encoded else _raw(item[first.name])
        return {(key.path or "").partition(".")[2]: _raw(item[key.name]) for key in attributes}

    # --- documents and items

    def item(self, document: Document, *, whole: bool = False, before: Revision | None = None) -> Item:
        """A document as an item, with a revision of its own.

        Args:
            document: The document, with its ``_id``.
            whole: True when it replaces another as a whole.
            before: The revision of the item that it replaces; None for none.

        Raises:
            DocumentValidationError: It holds what items cannot hold.
            NoSQLIndexError: An index cannot hold it.
        """
        revision = new_revision()
        item = encode_item(self._inside(document), revision)
        if whole:
            item[META]["M"][_REPLACED] = {"S": revision}
        if before is not None:
            item[META]["M"].update(carried(before))
        item.update(self.key(document["_id"]))
        for index in self.record.indexes:
            for name, value in self.computed(document, index).items():
                if value is not None:
                    item[name] = value
        return item

    def computed(self, document: Document, index: IndexRecord) -> dict[str, Item | None]:
        """The attributes that an index wants of a document; None for one that must not be there.

        Args:
            document: The document, with its ``_id``.
            index: The index.
        """
        found: dict[str, Item | None] = {}
        if index.slot is not None:
            partition, sort = slot_attributes(index.slot)
            entry = index_entry(computed_index(index), document, self._own_text(document))
            found[partition], found[sort] = (None, None) if entry is None else entry[:2]
        if index.expires:
            due = expiry_millis(self.expiring, document)
            found[self.expiry] = None if due is None else {"N": str(-(-due // 1000))}
        return found

    def filed_apart(self, document: Document) -> list[IndexRecord]:
        """The indexes that do not say yet that documents may be filed apart, though this one is.

        Args:
            document: The document, with its ``_id``.
        """
        found: list[IndexRecord] = []
        for index in self.record.indexes:
            if index.slot is not None and not index.irregular:
                entry = index_entry(computed_index(index), document)
                if entry is not None and entry[2]:
                    found.append(index)
        return found

    def _own_text(self, document: Document) -> str:
        """A text that is the document's own, and no longer than a sort key may be."""
        return str(next(iter(encode_key(document["_id"]).values())))

    def document(self, item: Item) -> Document:
        """An item as a document."""
        return self._outside(decode_document(item, self.identity(item), self.key_names))

    def revision(self, item: Item) -> Revision:
        """What tells whether an item is still the same."""
        return mark_of(item) or item

    def is_replaced(self, item: Item) -> bool:
        """True when the latest write of an item gave the whole document."""
        ours = item.get(META, {}).get("M", {})
        return _REPLACED in ours and ours[_REPLACED] == ours.get("r")

    def is_hidden(self, document: Document, now: int) -> bool:
        """True when a document has expired.

        Args:
            document: The document.
            now: Milliseconds from 1970.
        """
        return bool(self.expiring) and is_due(self.expiring, document, now)

    def is_gone(self, item: Item, now: int) -> bool:
        """True when an item has expired by the attribute that others set.

        Args:
            item: The item.
            now: Milliseconds from 1970.
        """
        if not self.expires_natively:
            return False
        seconds = item.get(self.expiry, {}).get("N")
        return seconds is not None and float(seconds) * 1000 <= now

    @cached_property
    def _moved(self) -> dict[str, str]:
        """Field by the name that it has inside, where a key attribute has the field's own name."""
        taken = [key.name for key in self.shape.primary.keys if key.name != "_id"]
        return {name: f"$key:{name}" for name in taken if not name.startswith(META)}

    def _inside(self, document: Document) -> Document:
        moved = self._moved
        if not moved or moved.keys().isdisjoint(document):
            return document
        return {moved.get(name, name): value for name, value in document.items()}

    def _outside(self, document: Document) -> Document:
        moved = self._moved
        if not moved:
            return document
        back = {inside: name for name, inside in moved.items()}
        if back.keys().isdisjoint(document):
            return document
        return {back.get(name, name): value for name, value in document.items()}


def _raw(value: Mapping[str, Any]) -> Any:
    return value["S"] if "S" in value else decode_key(value)


def _key_value(attribute: KeyAttribute, value: Any) -> Item:
    if attribute.encoded:
        return encode_key(value, attribute.type)
    if attribute.type == "S":
        if not isinstance(value, str) or not value:
            raise DocumentValidationError(
                f"_id: the table's key attribute {attribute.name!r} takes text that is not empty, "
                f"not {type(value).__name__}",
                hint="Give ids of the key's type, or keep these documents in another table.",
                path="_id",
            )
        return {"S": value}
    return encode_key(value, attribute.type)


def is_same(home: Home, other: Home) -> bool:
    """True when what is written by the rules of one home is right for another as well.

    Args:
        home: One state of a collection.
        other: Another one.
    """
    return home is other or (
        home.exists == other.exists
        and home.record.indexes == other.record.indexes
        and home.shape.primary == other.shape.primary
        and (home.expiry, home.expires_natively) == (other.expiry, other.expires_natively)
    )

"""What the planner knows of a table: its keys and indexes, and how documents are laid out in it.

A layout makes one :class:`TableShape` for each collection, from what the service says of the table and from what the
layout itself decides. The planner never asks where a shape comes from: a table of our own, an existing one, and one
collection among many in a single table differ only in what their shapes say.

An attribute of a key holds one of three things, and :class:`KeyAttribute` says which: a value of the document as it is,
an ``_id`` (or a part of it) written as key text, or something that we compute. Key attributes with a fixed value
(``constant``) are how many collections share a table: the planner takes the condition for granted and puts it into
every request.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Final, Literal

from lexigram.nosql.indexes import IndexSpec

__all__ = [
    "ALL",
    "KEYS",
    "AttributeType",
    "AttributeValue",
    "ComputedIndex",
    "IndexShape",
    "KeyAttribute",
    "ScopeCondition",
    "TableShape",
]

AttributeValue = dict[str, Any]
"""A value as on the wire, such as ``{"S": "x"}``."""

AttributeType = Literal["S", "N", "B"]
Projection = Literal["all", "keys"] | frozenset[str]

ALL: Final = "all"
"""The projection of an index that holds whole items."""

KEYS: Final = "keys"
"""The projection of an index that holds nothing but its own keys and the table's."""


@dataclass(frozen=True, slots=True)
class KeyAttribute:
    """One attribute of a key.

    Attributes:
        name: Of the top-level attribute.
        type: What the key schema allows in it.
        path: The field of documents that it holds: ``_id``, ``_id.part`` of a declared pair, or a top-level field. None
            for a constant and for an attribute that we compute.
        encoded: True when it holds the codec's key text of the field (as for ``_id``), so that any value can be looked
            up, but no order is to be had beyond that of equal types; False when it holds the field as it is, so that
            items whose field has another type are not in the index.
        constant: The value it always has, or None.
    """

    name: str
    type: AttributeType
    path: str | None = None
    encoded: bool = False
    constant: AttributeValue | None = None

    def __hash__(self) -> int:
        return hash((self.name, self.type, self.path, self.encoded))


@dataclass(frozen=True, slots=True)
class ComputedIndex:
    """An index whose key attributes are ours, made of the fields of each document (see ``index_keys``).

    Attributes:
        spec: The index as the user described it.
        hashed: How many of its fields, from the first, make the partition value; the others make the sort value.
        scope: Text in front of every partition value, which keeps apart collections that share an index; perhaps empty.
        irregular: True while documents may exist that are filed apart, because an array stands in an indexed path or
            their key would be too long.
    """

    spec: IndexSpec
    hashed: int
    scope: str = ""
    irregular: bool = True

    def __hash__(self) -> int:
        return hash((self.spec.name, self.spec.keys, self.hashed, self.scope, self.irregular))


@dataclass(frozen=True, slots=True)
class IndexShape:
    """A table's own key, or an index.

    Attributes:
        name: Of the index; for the table, the table's.
        kind: Which of the three.
        partition: Attributes that a request must give with equality: one, or up to four in a global index.
        sort: Attributes that order a partition: none, one, or up to four in a global index.
        projection: Which fields of the items it holds.
        computed: How its key attributes are made, or None where they are fields of the items.
        consistent_ok: True when it can be read consistently.
    """

    name: str
    kind: Literal["table", "lsi", "gsi"]
    partition: tuple[KeyAttribute, ...]
    sort: tuple[KeyAttribute, ...] = ()
    projection: Projection = ALL
    computed: ComputedIndex | None = None
    consistent_ok: bool = True

    @property
    def keys(self) -> tuple[KeyAttribute, ...]:
        """All attributes of its key, partition first."""
        return self.partition + self.sort


@dataclass(frozen=True, slots=True)
class ScopeCondition:
    """What every item of the collection meets, and other items of the same table do not.

    Attributes:
        attribute: A top-level attribute.
        test: How it is compared.
        value: With what; None for ``present`` and ``absent``.
    """

    attribute: str
    test: Literal["equals", "begins_with", "present", "absent"]
    value: AttributeValue | None = None

    def __hash__(self) -> int:
        return hash((self.attribute, self.test))


@dataclass(frozen=True)
class TableShape:
    """A collection in its table.

    Attributes:
        table: Name of the table.
        primary: The table's own key.
        indexes: Indexes that are ready to be read.
        scope: Conditions that keep out what else is in the table, such as guards and other collections. A condition on
            a key attribute of the index that is read must not stand here, but in :attr:`KeyAttribute.constant`.
        foreign: True when items may exist that we did not write, which may hold sets and lack our own attribute.
        segments: How many parts a scan is read in at the same time.
        text_fields: Fields that ``$text`` searches; None without a text index.
        renamed: Attribute by top-level field, where the two names differ (``_id`` most often).
    """

    table: str
    primary: IndexShape
    indexes: tuple[IndexShape, ...] = ()
    scope: tuple[ScopeCondition, ...] = ()
    foreign: bool = False
    segments: int = 1
    text_fields: tuple[str, ...] | None = None
    renamed: Mapping[str, str] = field(default_factory=dict[str, str])

    def __hash__(self) -> int:
        return hash((self.table, self.primary, self.indexes))

    @cached_property
    def id_attributes(self) -> tuple[KeyAttribute, ...]:
        """The key attributes that hold ``_id`` or its parts, in the order of the key."""
        return tuple(key for key in self.primary.keys if key.path is not None and key.path.split(".")[0] == "_id")

    def attribute(self, name: str) -> str:
        """Name the attribute that holds a top-level field.

        Args:
            name: Of the field.

        Returns:
            Of the attribute.
        """
        return self.renamed.get(name, name)

    def index(self, name: str) -> IndexShape | None:
        """Look up an index.

        Args:
            name: Its name in DynamoDB or, for one we made, as the user knows it.

        Returns:
            The index, or None.
        """
        for shape in self.indexes:
            if name in (shape.name, shape.computed.spec.name if shape.computed is not None else None):
                return shape
        return None

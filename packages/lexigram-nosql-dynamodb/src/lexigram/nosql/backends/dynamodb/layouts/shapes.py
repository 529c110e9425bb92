"""What the planner is told of a collection's table, in each layout.

* **Table for each collection**: ``{table_name}-{collection}``, whose partition key (``pk_field``) is the ``_id``'s key
  text.
* **Single table**: ``table_name`` holds everything. The partition key ``_lxp`` is the collection's name (escaped), the
  sort key (``pk_field``) the ``_id``'s key text; so a collection is one item collection, is read by Query and never by
  Scan of its neighbours, and a key look-up is a GetItem as well. Partitions that begin with ``#`` are ours: the
  catalogue, and guards of unique indexes.
* **Existing tables**: keys are read from the service. The partition key is the ``_id``, or partition and sort key are
  the two fields of the ``_id``. Key attributes hold values as they are.

Indexes of ours are global secondary indexes on attributes that we compute, ``_lx1p`` and ``_lx1s`` for the first. In
the single table, collections share them: each index has a mark of its own in front of its partition values. Other
indexes of the table are offered to the planner as they are.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final, Literal

from lexigram.nosql.backends.dynamodb.layouts.names import escape
from lexigram.nosql.backends.dynamodb.layouts.records import CollectionRecord, IndexRecord
from lexigram.nosql.backends.dynamodb.layouts.reserved import (
    PARTITION,
    documents_of,
    slot_attributes,
    slot_index,
)
from lexigram.nosql.backends.dynamodb.planning.shape import (
    ALL,
    KEYS,
    AttributeType,
    ComputedIndex,
    IndexShape,
    KeyAttribute,
    TableShape,
)
from lexigram.nosql.exceptions import NoSQLError

__all__ = [
    "computed_index",
    "existing_primary",
    "has_slots",
    "hashed_fields",
    "is_catalogue",
    "key_schema",
    "own_primary",
    "single_primary",
    "table_shape",
]

Description = Mapping[str, Any]
_MOST_ID_PARTS: Final = 2


def own_primary(table: str, pk_field: str) -> IndexShape:
    """The key of a table of our own.

    Args:
        table: Its name.
        pk_field: Name of its partition key.
    """
    return IndexShape(table, "table", (KeyAttribute(pk_field, "S", "_id", encoded=True),))


def single_primary(table: str, pk_field: str, collection: str) -> IndexShape:
    """The key of the single table, as one collection sees it.

    Args:
        table: Its name.
        pk_field: Name of its sort key.
        collection: The collection's name.
    """
    return IndexShape(
        table,
        "table",
        (KeyAttribute(PARTITION, "S", constant={"S": documents_of(escape(collection))}),),
        (KeyAttribute(pk_field, "S", "_id", encoded=True),),
    )


def key_schema(description: Description) -> tuple[list[str], list[str]]:
    """Partition and sort attributes of a table or index, as the service tells them."""
    schema = description["KeySchema"]
    partition = [key["AttributeName"] for key in schema if key["KeyType"] == "HASH"]
    return partition, [key["AttributeName"] for key in schema if key["KeyType"] == "RANGE"]


def _types(description: Description) -> dict[str, AttributeType]:
    return {each["AttributeName"]: each["AttributeType"] for each in description["AttributeDefinitions"]}


def existing_primary(
    description: Description, id_attributes: Sequence[str] = (), *, table: str | None = None
) -> IndexShape:
    """The key of a table that was made elsewhere.

    Args:
        description: What the service says of the table.
        id_attributes: Which key attributes hold the ``_id``, as far as the configuration says so.
        table: What requests call the table; None for its name. An ARN is kept, since the bare name is that of another
            table where the account or the region is another.

    Raises:
        NoSQLError: The table's key is another one.
    """
    types = _types(description)
    partition, sort = key_schema(description)
    if id_attributes and list(id_attributes) != [*partition, *sort]:
        raise NoSQLError(
            f"the key of the table {description['TableName']!r} is {', '.join([*partition, *sort])}, and id_attributes "
            f"says {', '.join(id_attributes)}",
            hint="An _id must tell one item: name all attributes of the key, the partition key first.",
        )
    if not sort:
        keys = [KeyAttribute(name, types[name], "_id") for name in partition]
    else:
        keys = [KeyAttribute(name, types[name], f"_id.{name}") for name in (*partition, *sort)]
    if len(keys) > _MOST_ID_PARTS:
        raise NoSQLError(f"the table {description['TableName']!r} has a key of {len(keys)} attributes")
    return IndexShape(table or description["TableName"], "table", tuple(keys[:1]), tuple(keys[1:]))


def hashed_fields(index: IndexRecord) -> int:
    """How many fields of an index make its partition value.

    One where it has several: the others order the partition. None where it has but one, since ranges of it are wanted.
    """
    return 1 if len(index.spec.keys) > 1 else 0


def table_shape(
    collection: str,
    primary: IndexShape,
    record: CollectionRecord,
    description: Description | None,
    *,
    foreign: bool,
    segments: int,
) -> TableShape:
    """All that the planner is told.

    Args:
        collection: Name of the collection.
        primary: The table's key.
        record: Its indexes of ours.
        description: What the service says of the table; None where it is not there, or was not asked for yet. Then
            the indexes that the record calls ready are taken to be there.
        foreign: True when others write to it as well.
        segments: How many parts a scan is read in at the same time.
    """
    fields = {key.name: key.path for key in primary.keys if key.path is not None}
    indexes: list[IndexShape] = []
    slots = {slot_index(index.slot): index for index in record.indexes if index.slot and index.state == "ready"}
    if description is None:
        indexes += map(_computed, slots.values())
    else:
        types = _types(description)
        for kind, listed in (("lsi", "LocalSecondaryIndexes"), ("gsi", "GlobalSecondaryIndexes")):
            for each in description.get(listed) or ():
                if each.get("IndexStatus", "ACTIVE") != "ACTIVE":
                    continue
                name: str = each["IndexName"]
                if name in slots:
                    indexes.append(_computed(slots[name]))
                elif not _is_ours(each):
                    indexes.append(_native(each, "lsi" if kind == "lsi" else "gsi", types, fields))
    texts = (index.spec.keys for index in record.indexes if index.is_text and index.state == "ready")
    text = next((tuple(path for path, way in keys if way == "text") for keys in texts), None)
    return TableShape(
        primary.name,
        primary,
        tuple(indexes),
        foreign=foreign,
        segments=segments,
        text_fields=text,
        renamed={
            **{field: name for name, field in fields.items() if field == "_id"},
            # As the codec stores the name that Home gives such a field.
            **{name: f"$$key:{name}" for name in fields if name != "_id"},
        },
    )


def is_catalogue(description: Description) -> bool:
    """True for a table that holds the records of a store's collections.

    Args:
        description: What the service says of the table.
    """
    return key_schema(description)[0] == [PARTITION]


def has_slots(description: Description, record: CollectionRecord) -> bool:
    """True when a table has every global index that a record calls ready.

    Args:
        description: What the service says of the table.
        record: Indexes of ours.
    """
    wanted = {slot_index(index.slot) for index in record.indexes if index.slot and index.state == "ready"}
    return wanted <= {
        each["IndexName"]
        for each in description.get("GlobalSecondaryIndexes") or ()
        if each.get("IndexStatus", "ACTIVE") == "ACTIVE"
    }


def _is_ours(index: Description) -> bool:
    partition, _ = key_schema(index)
    return any(name.startswith("_lx") for name in partition)


def _computed(index: IndexRecord) -> IndexShape:
    slot = index.slot or 0
    partition, sort = slot_attributes(slot)
    return IndexShape(
        slot_index(slot),
        "gsi",
        (KeyAttribute(partition, "S"),),
        (KeyAttribute(sort, "S"),),
        ALL,
        computed_index(index),
        consistent_ok=False,
    )


def computed_index(index: IndexRecord) -> ComputedIndex:
    """How the key attributes of an index of ours are made."""
    return ComputedIndex(index.spec, hashed_fields(index), index.mark, index.irregular)


def _native(
    index: Description, kind: Literal["lsi", "gsi"], types: Mapping[str, AttributeType], fields: Mapping[str, str]
) -> IndexShape:
    partition, sort = key_schema(index)

    def attribute(name: str) -> KeyAttribute:
        return KeyAttribute(name, types[name], fields.get(name, name))

    projection = index["Projection"]
    projected: Literal["all", "keys"] | frozenset[str] = ALL
    if projection["ProjectionType"] == "KEYS_ONLY":
        projected = KEYS
    elif projection["ProjectionType"] == "INCLUDE":
        projected = frozenset(projection.get("NonKeyAttributes") or ())
    return IndexShape(
        index["IndexName"],
        kind,
        tuple(map(attribute, partition)),
        tuple(map(attribute, sort)),
        projected,
        consistent_ok=kind == "lsi",
    )

"""What the planner hands to the collection: a look-up by ids, or one or more queries."""

# Messages of protobuf have no types.
# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false, reportUnknownMemberType=false

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from lexigram.nosql.backends.firestore.codec.encoding import encode_value
from lexigram.nosql.backends.firestore.codec.messages import Value
from lexigram.nosql.backends.firestore.codec.names import ID_FIELD, ORDER_FIELD, encode_name, field_path
from lexigram.nosql.backends.firestore.planning.messages import StructuredQuery
from lexigram.nosql.backends.firestore.planning.terms import NAME
from lexigram.nosql.driver import NativeRead
from lexigram.nosql.query.projection import Projection
from lexigram.nosql.values.kinds import RANKS, Kind
from lexigram.nosql.values.order import value_of_key

__all__ = ["KeyRead", "Place", "QueryRead", "requests", "select_fields"]

_NULL_RANK = RANKS[Kind.NULL]


@dataclass(frozen=True, slots=True)
class Place:
    """Which documents a collection's name stands for.

    Attributes:
        collection_id: Last part of its path, such as ``orders``.
        prefix: What stands before the ids in the names of its documents
            (``projects/p/databases/d/documents/users/u1/orders/``); None for a collection group.
    """

    collection_id: str
    prefix: str | None = None

    @property
    def is_group(self) -> bool:
        """True for all collections of that id, wherever they are."""
        return self.prefix is None

    def name(self, encoded_id: str) -> str:
        """The name of a document of the collection."""
        return f"{self.prefix}{encoded_id}"


@dataclass(frozen=True, slots=True)
class KeyRead:
    """A look-up by ids.

    Attributes:
        ids: The ids, each once.
    """

    ids: tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class QueryRead:
    """Queries that together select what is wanted; a document may come from more than one of them.

    Attributes:
        queries: ``StructuredQuery`` messages, at least one. They are shared: copy them before changing them.
        order: Paths, as requests write them, and directions (1, -1) of the order in which they come; empty for none.
    """

    queries: tuple[Any, ...]
    order: tuple[tuple[str, int], ...] = ()


def requests(native: QueryRead, read: NativeRead, place: Place) -> list[Any]:
    """Put what a read asks for into the queries.

    A skip and a limit go into a single query; of several, each is told how much can be needed of it at most, and the
    reader counts once more, after it has left out what came twice.

    Args:
        native: The queries.
        read: The read.
        place: The collection.

    Returns:
        ``StructuredQuery`` messages that belong to the caller.
    """
    single = len(native.queries) == 1
    fields = None if read.projection is None or read.revisions else select_fields(read.projection)
    start = () if read.after is None or not native.order else _start(native.order, read.after, place)
    found: list[Any] = []
    for query in native.queries:
        own = StructuredQuery()
        own.CopyFrom(query)
        if read.limit:
            own.limit.value = read.limit if single else read.skip + read.limit
        if single and read.skip:
            own.offset = read.skip
        if fields is not None:
            for path in fields:
                own.select.fields.add().field_path = path
        if start:
            own.start_at.before = True
            own.start_at.values.extend(start)
        found.append(own)
    return found


def select_fields(projection: Projection) -> tuple[str, ...] | None:
    """The fields to ask for, as paths; None for all. The projection itself is applied to what comes back.

    Besides those that the projection reads, the entries that this codec keeps in a document.
    """
    needed = projection.fields_needed
    if needed is None:
        return None
    names = sorted(encode_name(name) for name in needed if name != "_id")
    return tuple([field_path([name]) for name in (*names, ID_FIELD, ORDER_FIELD)])


def _start(order: Sequence[tuple[str, int]], after: Sequence[Any], place: Place) -> list[Any]:
    """The place to begin at: as many values of the order as can be told."""
    values: list[Any] = []
    for (path, _), key in zip(order, after, strict=False):
        value = value_of_key(key)
        if value is None and key[0] != _NULL_RANK:
            break
        if path == NAME:
            if place.is_group or type(value) is not str:
                break
            values.append(Value(reference_value=place.name(value)))
            break
        values.append(encode_value(value))
    return values

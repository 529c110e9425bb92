"""What is kept of each collection in the catalogue: its indexes, and how far they are.

An index is ``building`` from the moment it is declared: every writer keeps it, no reader uses it. It is ``ready`` when
all documents that were there before are in it. While it is ``dropping``, readers leave it, and writers still keep it
for those who have not heard of its end; then it leaves the record.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final, Literal

from lexigram.nosql.indexes import IndexSpec
from lexigram.nosql.values.extended_json import dumps, loads

__all__ = ["NOTHING", "CollectionRecord", "IndexRecord"]

State = Literal["building", "ready", "dropping"]


@dataclass(frozen=True, slots=True)
class IndexRecord:
    """One index of ours.

    Attributes:
        spec: The index as it was asked for.
        mark: Text that no other index has, not even one of the same name that was dropped: stale keys in items, and
            guards of an index that is gone, never count for a new one.
        slot: Number of the global secondary index whose key attributes it fills; None for an index without one.
        state: How far it is.
        irregular: True when documents may exist whose keys cannot be filed in order.
        beat: Grows while somebody builds the index, so that others see whether it is still being built. It does not
            count when records are compared.
    """

    spec: IndexSpec
    mark: str
    slot: int | None = None
    state: State = "building"
    irregular: bool = False
    beat: int = field(default=0, compare=False)

    @property
    def expires(self) -> bool:
        """True when documents go some time after the date in its field."""
        return self.spec.expire_after_seconds is not None

    @property
    def is_text(self) -> bool:
        """True for a text index."""
        return any(way == "text" for _, way in self.spec.keys)

    def to_plain(self) -> dict[str, Any]:
        """The index as plain data."""
        spec = self.spec
        return {
            "keys": [list(pair) for pair in spec.keys],
            "name": spec.name,
            "unique": spec.unique,
            "sparse": spec.sparse,
            "partial": spec.partial_filter,
            "expires": spec.expire_after_seconds,
            "collation": spec.collation,
            "mark": self.mark,
            "slot": self.slot,
            "state": self.state,
            "irregular": self.irregular,
            "beat": self.beat,
        }

    @classmethod
    def from_plain(cls, data: Mapping[str, Any]) -> IndexRecord:
        """The index that plain data describes."""
        spec = IndexSpec(
            keys=tuple((path, way) for path, way in data["keys"]),
            name=data["name"],
            unique=data["unique"],
            sparse=data["sparse"],
            partial_filter=data["partial"],
            expire_after_seconds=data["expires"],
            collation=data["collation"],
        )
        return cls(spec, data["mark"], data["slot"], data["state"], data["irregular"], data.get("beat", 0))


@dataclass(frozen=True, slots=True)
class CollectionRecord:
    """What is known of a collection.

    Attributes:
        indexes: Its indexes.
        version: Number of the latest change; 0 for a collection that the catalogue does not hold.
    """

    indexes: tuple[IndexRecord, ...] = ()
    version: int = 0

    def index(self, name: str) -> IndexRecord | None:
        """The index called *name*, or None."""
        return next((index for index in self.indexes if index.spec.name == name), None)

    def marked(self, mark: str) -> IndexRecord | None:
        """The index with a mark, or None."""
        return next((index for index in self.indexes if index.mark == mark), None)

    def with_index(self, index: IndexRecord) -> CollectionRecord:
        """The same with an index more, or with a newer state of one."""
        if all(other.mark != index.mark for other in self.indexes):
            return replace(self, indexes=(*self.indexes, index))
        return replace(self, indexes=tuple(index if other.mark == index.mark else other for other in self.indexes))

    def without_index(self, mark: str) -> CollectionRecord:
        """The same with an index less."""
        return replace(self, indexes=tuple(other for other in self.indexes if other.mark != mark))

    def to_text(self) -> str:
        """The record as it is stored."""
        return dumps({"indexes": [index.to_plain() for index in self.indexes]})

    @classmethod
    def from_text(cls, text: str, version: int) -> CollectionRecord:
        """The record that was stored."""
        data = loads(text)
        return cls(tuple(IndexRecord.from_plain(index) for index in data["indexes"]), version)


NOTHING: Final = CollectionRecord()
"""The record of a collection that the catalogue does not hold."""

"""The writes that store, change and remove one document.

An update sends only the fields of the document that differ, and names those that are gone. So what other programs
stored in the other fields stays as it is, types included that this codec shows otherwise (references, geographical
points).
"""

# Messages of protobuf have no types.
# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false, reportUnknownMemberType=false

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from lexigram.nosql.backends.firestore.catalogue import Indexes, Record
from lexigram.nosql.backends.firestore.codec import (
    ID_FIELD,
    MAX_DOCUMENT_BYTES,
    ORDER_FIELD,
    encode_fields,
    encode_id,
    encode_into,
    encode_name,
    field_path,
    fields_size,
    is_told,
    messages,
    name_size,
    tags,
)
from lexigram.nosql.backends.firestore.codec.names import TTL_FIELD
from lexigram.nosql.backends.firestore.naming import Scope
from lexigram.nosql.backends.firestore.planning.hints import CollectionHints
from lexigram.nosql.backends.firestore.writing import guards
from lexigram.nosql.driver import Document
from lexigram.nosql.exceptions import DocumentTooLargeError, DocumentValidationError
from lexigram.nosql.indexes import IndexSpec
from lexigram.nosql.update.identical import identical

__all__ = ["Revision", "Step", "Target", "as_timestamp", "revision_of"]

_NEVER_LARGER: Final = MAX_DOCUMENT_BYTES // 8
"""A message of so many bytes is a document under the limit: an empty map takes 4 bytes of a message, and counts 32."""


@dataclass(slots=True)
class Step:
    """What happens to one document, with its guards.

    Attributes:
        name: Full name of the document.
        document: It, as it will be; for a removal, as it was.
        writes: ``Write`` messages: the document's first, then those of its guards.
        creates: Names that must not be there yet, and the index that each belongs to; None for ``_id``.
    """

    name: str
    document: Document
    writes: list[Any]
    creates: dict[str, Record | None] = field(default_factory=dict[str, "Record | None"])

    @property
    def size(self) -> int:
        """Bytes of the messages."""
        return sum([write.ByteSize() + 8 for write in self.writes])

    @property
    def touches(self) -> list[str]:
        """Full names of everything that is written."""
        return [write.delete or write.update.name for write in self.writes]


class Revision(tuple[int, int]):  # noqa: SLOT001 - no slot can be added to a tuple
    """What stands for a document's version: the time of its last update, in seconds and nanoseconds.

    Attributes:
        name: Full name of the document. Its ``_id`` need not tell it: that in a group is a path, and what is read of a
            document by its name alone does not hold an ``_id`` that the name only is a hash of.
    """

    name: str


def revision_of(message: Any) -> Revision:
    """The version of a document."""
    revision = Revision((message.update_time.seconds, message.update_time.nanos))
    revision.name = message.name
    return revision


def as_timestamp(revision: tuple[int, int], target: Any) -> None:
    """Write a revision into a ``Timestamp``."""
    target.seconds, target.nanos = revision


class Target:
    """Makes the writes of one collection.

    Args:
        scope: The collection; not a group.
        indexes: Its indexes.
        hints: What its fields hold.

    Attributes:
        scope: The collection.
    """

    __slots__ = ("_hints", "_indexes", "scope")

    def __init__(self, scope: Scope, indexes: Indexes, hints: CollectionHints) -> None:
        self.scope = scope
        self._indexes = indexes
        self._hints = hints

    @property
    def is_plain(self) -> bool:
        """True where nothing depends on what a document was before."""
        return not self._indexes.unique and not self._indexes.expiring

    def keeps(self, indexes: Indexes) -> bool:
        """True where a collection's indexes ask of writes what they did when this was made.

        Args:
            indexes: What they are now.
        """
        if indexes is self._indexes:
            return True
        return _asked(indexes) == _asked(self._indexes)

    def name(self, document: Document) -> str:
        """Full name of a document."""
        return self.scope.document(document["_id"])

    def message(self, document: Document) -> Any:
        """A document as it is stored.

        Raises:
            DocumentValidationError: It holds what Firestore does not take, or breaks a field hint.
            DocumentTooLargeError: It is too large.
        """
        if self._hints:
            self._hints.check(document)
        identity = document["_id"]
        encoded = encode_id(identity)
        message = messages.Document()
        message.name = self.scope.prefix + encoded
        fields = message.fields
        encode_fields(document, fields)
        if self._hints:
            self._refuse_packed(fields)
        if not is_told(identity, encoded):
            encode_into(identity, fields[ID_FIELD])
        self._indexes.put_due(document, fields)
        if message.ByteSize() > _NEVER_LARGER:
            self._measure(message)
        return message

    def _refuse_packed(self, fields: Any) -> None:
        """Refuse a document with a hinted field where no query sees it: beside very long names, or very deep."""
        for path in self._hints.dotted:
            inside = fields
            for name in path:
                if tags.PACKED in inside:
                    raise DocumentValidationError(
                        f"the field hint for {'.'.join(path)!r} cannot be kept beside names so long or levels so many",
                        path=".".join(path),
                    )
                encoded = encode_name(name)
                if encoded not in inside:
                    break
                inside = inside[encoded].map_value.fields

    def _measure(self, message: Any) -> None:
        size = fields_size(message.fields) + name_size(message.name[len(self.scope.root) + 1 :])
        if size > MAX_DOCUMENT_BYTES:
            raise DocumentTooLargeError(
                f"the document takes {size} bytes, and firestore stores at most {MAX_DOCUMENT_BYTES}",
                hint="Split it, or keep large contents elsewhere and their address in the document.",
                size=size,
                limit=MAX_DOCUMENT_BYTES,
                backend="firestore",
            )

    def insert(self, document: Document) -> Step:
        """Store a document that is not there yet."""
        write = messages.Write()
        write.update.CopyFrom(self.message(document))
        write.current_document.exists = False
        name = write.update.name
        step = Step(name, document, [write], {name: None})
        self._guard(step, None, document)
        return step

    def set(self, document: Document) -> Step:
        """Store a document in place of the one that is there, whatever it holds."""
        write = messages.Write()
        write.update.CopyFrom(self.message(document))
        write.current_document.exists = True
        return Step(write.update.name, document, [write])

    def replace(self, old: Document, new: Document, revision: tuple[int, int]) -> Step:
        """Change a document that is still as it was read."""
        write = messages.Write()
        write.update.CopyFrom(self.message(new))
        if isinstance(revision, Revision):
            write.update.name = revision.name
        _narrow(write, old, new)
        # Also where nothing expires: what an index that is gone has left there must not remove a document.
        write.update_mask.field_paths.append(field_path([TTL_FIELD]))
        as_timestamp(revision, write.current_document.update_time)
        step = Step(write.update.name, new, [write])
        self._guard(step, old, new)
        return step

    def delete(self, old: Document, revision: tuple[int, int]) -> Step:
        """Remove a document that is still as it was read."""
        write = messages.Write()
        write.delete = revision.name if isinstance(revision, Revision) else self.scope.document(old["_id"])
        as_timestamp(revision, write.current_document.update_time)
        step = Step(write.delete, old, [write])
        self._guard(step, old, None)
        return step

    def guards(self, document: Document | None) -> Mapping[str, Record]:
        """The guards that a document has."""
        return guards.guards_of(self.scope.root, self._indexes, document)

    def duplicate(self, step: Step, taken: str) -> Exception:
        """The error for a step one of whose names stands already."""
        record = step.creates[taken]
        if record is None:
            return guards.duplicate_key(self.scope.name, "_id_", {"_id": step.document["_id"]})
        return guards.duplicate(self.scope.name, record, step.document)

    def _guard(self, step: Step, old: Document | None, new: Document | None) -> None:
        if not self._indexes.unique:
            return
        before, after = self.guards(old), self.guards(new)
        for name, record in after.items():
            if name not in before:
                step.writes.append(guards.create(name, record, step.name))
                step.creates[name] = record
        step.writes += [guards.remove(name) for name in before if name not in after]


def _asked(indexes: Indexes) -> list[tuple[str, IndexSpec]]:
    """What writes have to keep; whether an index is ready does not matter to them."""
    return [(record.mark, record.spec) for record in indexes.records]


def _narrow(write: Any, old: Document, new: Document) -> None:
    """Leave in an update only the fields that differ, and name those that are gone."""
    fields, paths = write.update.fields, write.update_mask.field_paths
    write.update_mask.SetInParent()
    for name, value in new.items():
        if name == "_id":
            continue
        encoded = encode_name(name)
        if name in old and identical(old[name], value):
            del fields[encoded]
        else:
            paths.append(field_path([encoded]))
    paths.extend([field_path([encode_name(name)]) for name in old if name not in new])
    if list(old) == list(new):
        _drop(fields, ORDER_FIELD)
    else:
        paths.append(field_path([ORDER_FIELD]))
    _drop(fields, ID_FIELD)


def _drop(fields: Any, name: str) -> None:
    if name in fields:
        del fields[name]

"""Names of collections, and the documents that they stand for.

=================  ===================================================================================================
name               documents
=================  ===================================================================================================
``orders``         those of a collection of the database's own
``users/u1/items`` those of a collection below the document ``u1`` of ``users``; ids on the way are ids of Firestore
                   documents, so that of the ``_id`` 7 is ``~n7`` (:mod:`~lexigram.nosql.backends.firestore.codec.ids`)
``**/items``       the group: those of all collections with the id ``items``, wherever they are. The ``_id`` of a
                   document is then its path, ``users/u1/items/i5``
=================  ===================================================================================================

Ids of collections that Firestore keeps for itself (``__x__``), and those that begin with ``~``, which are this
backend's own, get the prefix ``~~``.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

from lexigram.nosql.backends.firestore.codec.ids import MAX_ID_BYTES, decode_id, encode_id
from lexigram.nosql.backends.firestore.codec.names import PREFIX, decode_name, encode_name
from lexigram.nosql.backends.firestore.planning.reading import Place
from lexigram.nosql.exceptions import DocumentValidationError

__all__ = ["GROUP", "Scope", "is_own", "name_of", "public_name", "scope_of"]

GROUP: Final = "**/"
"""What the name of a group begins with."""


@dataclass(frozen=True)
class Scope:
    """Where the documents of one collection, or of a group, stand.

    Attributes:
        name: Its name.
        root: Full name below which everything stands.
        path: Path of the collection below *root*; empty for a group.
        collection_id: Last part of the path.
    """

    name: str
    root: str
    path: str
    collection_id: str

    @property
    def is_group(self) -> bool:
        """True for a group."""
        return not self.path

    @cached_property
    def prefix(self) -> str:
        """What stands before the ids in the full names of documents; for a group, before their paths."""
        return f"{self.root}/{self.path}/" if self.path else f"{self.root}/"

    @cached_property
    def parent(self) -> str:
        """Full name of what the collection stands below, as queries name it."""
        above = self.path.rpartition("/")[0]
        return f"{self.root}/{above}" if above else self.root

    @cached_property
    def place(self) -> Place:
        """The same for the planner."""
        return Place(self.collection_id, None if self.is_group else self.prefix)

    def document(self, identity: Any) -> str:
        """Full name of the document with an ``_id``.

        Raises:
            DocumentValidationError: This is a group, and the ``_id`` no path of one of its documents.
        """
        if self.path:
            return self.prefix + encode_id(identity)
        return f"{self.root}/{self._checked(identity)}"

    def may_hold(self, identity: Any) -> bool:
        """False for what cannot be an ``_id`` here."""
        return bool(self.path) or self._fault(identity) is None

    def identity(self, name: str) -> Any:
        """The ``_id`` of a document, as its full name tells it."""
        encoded = name[len(self.prefix) :]
        return decode_id(encoded) if self.path and encoded[:1] == PREFIX else encoded

    def home(self, identity: Any) -> tuple[Scope, Any]:
        """The collection that a document belongs to, and its ``_id`` there.

        Args:
            identity: Its ``_id`` here.
        """
        if self.path:
            return self, identity
        path, _, encoded = self._checked(identity).rpartition("/")
        return Scope(path, self.root, path, self.collection_id), decode_id(encoded)

    def _fault(self, identity: Any) -> str | None:
        if not isinstance(identity, str):
            return "is text"
        segments = identity.split("/")
        if len(segments) < 2 or len(segments) % 2 or not all(segments):
            return "is the path of a document, such as users/u1/items/i5"
        return None if segments[-2] == self.collection_id else f"is in a collection {self.collection_id!r}"

    def _checked(self, identity: Any) -> str:
        fault = self._fault(identity)
        if fault is not None:
            raise DocumentValidationError(f"_id: an id in the group {self.name!r} {fault}", path="_id")
        text: str = identity
        return text


def scope_of(name: str, root: str) -> Scope:
    """Read the name of a collection.

    Args:
        name: As the user calls it.
        root: Full name below which everything stands.

    Raises:
        DocumentValidationError: It is not one.
    """
    if name.startswith(GROUP):
        collection = name.removeprefix(GROUP)
        if not collection or "/" in collection:
            raise _invalid(name, "a group is named by the id of its collections: **/items")
        return Scope(name, root, "", _collection_id(collection, name))
    segments = name.split("/")
    if len(segments) % 2 == 0:
        raise _invalid(name, "it is the path of a document: a collection's has an odd number of parts")
    encoded = [_document_id(part, name) if odd % 2 else _collection_id(part, name) for odd, part in enumerate(segments)]
    return Scope(name, root, "/".join(encoded), encoded[-1])


def _collection_id(part: str, name: str) -> str:
    encoded = encode_name(part) if part not in ("", ".", "..") else ""
    if not encoded or len(encoded.encode()) > MAX_ID_BYTES:
        raise _invalid(name, f"{part!r} cannot be the id of a collection")
    return encoded


def _document_id(part: str, name: str) -> str:
    if not part or part in (".", "..") or len(part.encode()) > MAX_ID_BYTES:
        raise _invalid(name, f"{part!r} cannot be the id of a document")
    return part


def _invalid(name: str, reason: str) -> DocumentValidationError:
    return DocumentValidationError(f"{name[:200]!r} cannot name a collection: {reason}", mongo_code=73)


def is_own(collection_id: str) -> bool:
    """True for collections that this backend keeps for itself."""
    return collection_id.startswith(PREFIX) and not collection_id.startswith(PREFIX * 2)


def public_name(collection_id: str) -> str:
    """The name of a collection of the database's own."""
    return decode_name(collection_id)


def name_of(path: str) -> str | None:
    """The name of a collection, wherever it is; None for one that this backend keeps for itself.

    Args:
        path: Its path, as Firestore has it.
    """
    segments = path.split("/")
    if any(is_own(segment) for segment in segments[::2]):
        return None
    segments[::2] = map(public_name, segments[::2])
    return "/".join(segments)

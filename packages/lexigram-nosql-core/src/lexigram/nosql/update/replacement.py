"""Replacing whole documents (manual, "db.collection.replaceOne()")."""

# Values are of any type, and what is narrowed from Any has parts that are unknown to the checker.
# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false, reportUnknownMemberType=false

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lexigram.nosql.query.parse import Query
from lexigram.nosql.update.errors import DOLLAR_PREFIXED_NAME, FAILED_TO_PARSE, IMMUTABLE_FIELD, fault, show
from lexigram.nosql.update.identical import identical
from lexigram.nosql.update.upsert import id_first, seed_id
from lexigram.nosql.values.copying import copy_document
from lexigram.nosql.values.normalise import normalise_document
from lexigram.nosql.values.order import equal

__all__ = ["Replacement", "check_replacement_id", "parse_replacement"]


class Replacement:
    """A document that takes the place of another, which keeps its ``_id``.

    Args:
        document: The new document, normalised; it may lack an ``_id``.

    Attributes:
        document: The same. It must not be changed.
    """

    __slots__ = ("document",)

    def __init__(self, document: dict[str, Any]) -> None:
        self.document = id_first(document)

    def apply(self, document: dict[str, Any], query: Query | None = None) -> tuple[dict[str, Any], bool]:
        """Compute the new document.

        Args:
            document: The document to be replaced; it is not changed.
            query: Not used; there so that updates and replacements are applied alike.

        Returns:
            A new document and True, or the same document and False if nothing would change.

        Raises:
            UpdateError: The replacement has another ``_id``.
        """
        new = check_replacement_id(document, copy_document(self.document))
        return (document, False) if identical(document, new) else (new, True)

    def build_upsert(self, query: Query) -> dict[str, Any]:
        """Compute the document that an upsert inserts.

        Args:
            query: The filter that matched nothing; it may give the ``_id``.

        Returns:
            A new document; it may lack an ``_id``.

        Raises:
            UpdateError: Filter and replacement give different ``_id``s.
        """
        return check_replacement_id(seed_id(query), copy_document(self.document))


def check_replacement_id(old: dict[str, Any], new: dict[str, Any]) -> dict[str, Any]:
    """See that a document keeps its ``_id``.

    Args:
        old: The document before, or one with just an ``_id``, or an empty one.
        new: The document after.

    Returns:
        The document after, with an ``_id``, which comes first, if there is one in either.

    Raises:
        UpdateError: The two differ in it.
    """
    if "_id" not in old:
        return id_first(new)
    if "_id" not in new:
        return {"_id": old["_id"], **new}
    if not equal(old["_id"], new["_id"]):
        raise fault(IMMUTABLE_FIELD, "the new document has another _id; the _id of a document never changes")
    return id_first(new)


def parse_replacement(document: Any) -> Replacement:
    """Read a replacement.

    Args:
        document: The new document; a :class:`Replacement` is returned as it is.

    Returns:
        The replacement, ready to be applied.

    Raises:
        UpdateError: It holds operators.
        DocumentValidationError: It holds something that documents do not hold.
    """
    if isinstance(document, Replacement):
        return document
    if not isinstance(document, Mapping):
        raise fault(FAILED_TO_PARSE, f"a replacement is a mapping, not {show(document)}")
    for name in document:
        if isinstance(name, str) and name.startswith("$"):
            raise fault(
                DOLLAR_PREFIXED_NAME,
                f"a replacement is a document and cannot have the field {show(name)}",
                hint="use update_one for operators",
            )
    return Replacement(normalise_document(document))

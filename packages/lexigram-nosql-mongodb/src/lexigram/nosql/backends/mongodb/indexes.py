"""Indexes: from portable descriptions to those of the server, and back.

Source: MongoDB manual, ``createIndexes`` and ``listIndexes``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from lexigram.nosql.backends.mongodb.codecs import CODEC_OPTIONS
from lexigram.nosql.exceptions import QueryOptionError
from lexigram.nosql.indexes import ID_INDEX, IndexSpec
from lexigram.nosql.values.collation import parse_collation
from pymongo.errors import OperationFailure
from pymongo.operations import IndexModel

if TYPE_CHECKING:
    from pymongo.asynchronous.collection import AsyncCollection

__all__ = ["from_server", "read_indexes", "to_server"]

_NO_COLLECTION: Final = 26


def to_server(spec: IndexSpec) -> IndexModel:
    """An index as the server makes it."""
    options: dict[str, Any] = {"name": spec.name}
    if spec.unique:
        options["unique"] = True
    if spec.sparse:
        options["sparse"] = True
    if spec.partial_filter is not None:
        options["partialFilterExpression"] = dict(spec.partial_filter)
    if spec.expire_after_seconds is not None:
        seconds = spec.expire_after_seconds
        options["expireAfterSeconds"] = int(seconds) if seconds == int(seconds) else seconds
    if spec.collation is not None:
        options["collation"] = dict(spec.collation)
    return IndexModel(list(spec.keys), **options)


def from_server(document: Mapping[str, Any]) -> IndexSpec:
    """An index as the server describes it, in portable form.

    Args:
        document: One document of ``listIndexes``.
    """
    weights: Mapping[str, Any] = document.get("weights") or {}
    keys: list[tuple[str, int | str]] = []
    for path, way in document["key"].items():
        if path == "_fts":
            keys += [(field, "text") for field in weights]
        elif path != "_ftsx":
            keys.append((path, way if isinstance(way, str) else 1 if way > 0 else -1))
    return IndexSpec(
        keys=tuple(keys),
        name=document["name"],
        unique=bool(document.get("unique")),
        sparse=bool(document.get("sparse")),
        partial_filter=document.get("partialFilterExpression"),
        expire_after_seconds=document.get("expireAfterSeconds"),
        collation=_collation(document.get("collation")),
    )


async def read_indexes(collection: AsyncCollection[dict[str, Any]]) -> list[IndexSpec]:
    """All indexes of a collection but the one on ``_id``; none where there is no such collection.

    Args:
        collection: A handle on it.
    """
    database, name = collection.database, collection.name
    try:
        # A single batch: a collection has 64 indexes at most.
        reply = await database.command("listIndexes", name, cursor={}, codec_options=CODEC_OPTIONS)
    except OperationFailure as error:
        if error.code == _NO_COLLECTION:
            return []
        raise
    found = [from_server(document) for document in reply["cursor"]["firstBatch"]]
    return [spec for spec in found if spec.name != ID_INDEX.name]


def _collation(document: Mapping[str, Any] | None) -> Mapping[str, Any] | None:
    """A collation without the version of the server's library, in which no other is equal."""
    if document is None:
        return None
    plain = {name: value for name, value in document.items() if name != "version"}
    try:
        order = parse_collation(plain)
    except QueryOptionError:
        # Made by somebody else, for a language that the engine does not know.
        return plain
    return None if order is None else order.document()

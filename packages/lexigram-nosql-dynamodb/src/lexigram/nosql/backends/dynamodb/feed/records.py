"""A record of a stream as an event."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lexigram.contracts.data.nosql.nosql import ChangeEvent
from lexigram.nosql.backends.dynamodb.layouts.home import Home
from lexigram.nosql.driver import Document
from lexigram.nosql.update.diff import describe_change
from lexigram.nosql.update.identical import identical

__all__ = ["event_of"]


def event_of(home: Home, record: Mapping[str, Any], token: str, *, full_document: bool) -> ChangeEvent | None:
    """Tell what a record means for a collection.

    Args:
        home: The collection.
        record: The record.
        token: The place after it.
        full_document: Give the document of an update.

    Returns:
        The event; None for an item of something else, and for a write that changed no field of the document.
    """
    change: Mapping[str, Any] = record["dynamodb"]
    keys: Mapping[str, Any] = change["Keys"]
    for key in home.shape.primary.keys:
        if key.constant is not None and keys.get(key.name) != key.constant:
            return None
    old, new = change.get("OldImage"), change.get("NewImage")
    before: Document | None = home.document(dict(old)) if old else None
    after: Document | None = home.document(dict(new)) if new else None
    identity = home.identity(dict(new or old or keys))
    moment = int(float(change.get("ApproximateCreationDateTime") or 0) * 1000)
    if before is not None and after is not None and home.is_hidden(before, moment):
        # It had expired, so what stands in its place is new.
        return ChangeEvent("insert", home.collection, identity, after, token)
    if after is None:
        return ChangeEvent("delete", home.collection, identity, None, token)
    if record["eventName"] == "INSERT":
        return ChangeEvent("insert", home.collection, identity, after, token)
    if before is not None and identical(before, after):
        return None
    if home.is_replaced(dict(new or {})):
        return ChangeEvent("replace", home.collection, identity, after, token)
    updated: dict[str, Any] | None = None
    removed: tuple[str, ...] = ()
    if before is not None:
        described = describe_change(before, after)
        updated, removed = described.updated_fields, tuple(described.removed_fields)
    shown = after if full_document else None
    return ChangeEvent("update", home.collection, identity, shown, token, updated, removed)

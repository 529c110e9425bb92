"""The document that an upsert begins with: what the filter says by equality (manual, "db.collection.updateOne()").

Equalities are those that must hold for the filter to match: a value or ``$eq``, ``$in`` and ``$all`` of one value, and
``$or`` of one condition, alone or joined by ``$and``. A path may be given once, and not together with one that leads to
it. Dotted paths make objects, also where a component is a number.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from lexigram.nosql.query.ast import All, And, Compare, In, Node, Or
from lexigram.nosql.query.parse import Query
from lexigram.nosql.update.errors import NOT_EXACT_VALUE, NOT_SINGLE_VALUE, fault
from lexigram.nosql.values.copying import copy_value
from lexigram.nosql.values.path import is_prefix, split_path

__all__ = ["id_first", "seed_document", "seed_id"]


def _equalities(root: Node) -> Iterator[tuple[str, Any]]:
    pending: list[Node] = [root]
    while pending:
        node = pending.pop()
        if isinstance(node, And):
            pending.extend(reversed(node.parts))
        elif isinstance(node, Or):
            if all(part == node.parts[0] for part in node.parts[1:]):
                pending.append(node.parts[0])
        elif isinstance(node, All):
            pending.extend(reversed(node.items))
        elif isinstance(node, In):
            if len(node.values) == 1 and not node.regexes and node.path is not None:
                yield node.path, node.values[0]
        elif isinstance(node, Compare) and node.op == "$eq" and node.path is not None:
            yield node.path, node.value


def _conflict(path: str, other: str) -> None:
    if path == other:
        raise fault(NOT_SINGLE_VALUE, f"the filter gives {path!r} two values, so an upsert cannot choose one")
    raise fault(NOT_SINGLE_VALUE, f"the filter gives both {other!r} and {path!r}, one of which is part of the other")


def seed_document(query: Query) -> dict[str, Any]:
    """Make the document that an upsert by operators or pipeline begins with.

    Args:
        query: The filter.

    Returns:
        A new document; it may lack an ``_id``.

    Raises:
        UpdateError: The filter gives a path twice, or together with part of it.
    """
    document: dict[str, Any] = {}
    seen: list[tuple[str, ...]] = []
    for path, value in _equalities(query.root):
        parts = split_path(path)
        for other in seen:
            if is_prefix(other, parts) or is_prefix(parts, other):
                _conflict(path, ".".join(other))
        seen.append(parts)
        target = document
        for part in parts[:-1]:
            target = target.setdefault(part, {})
        target[parts[-1]] = copy_value(value)
    return document


def seed_id(query: Query) -> dict[str, Any]:
    """Make the document that an upsert by replacement begins with.

    Args:
        query: The filter.

    Returns:
        A document with the ``_id`` that the filter gives, or an empty one.

    Raises:
        UpdateError: The filter gives ``_id`` twice, or a part of it.
    """
    document: dict[str, Any] = {}
    for path, value in _equalities(query.root):
        if path == "_id":
            if document:
                _conflict(path, path)
            document["_id"] = copy_value(value)
        elif path.startswith("_id."):
            if document:
                _conflict(path, "_id")
            raise fault(NOT_EXACT_VALUE, f"the filter gives {path!r}; an upsert by replacement needs the whole _id")
    return document


def id_first(document: dict[str, Any]) -> dict[str, Any]:
    """Put ``_id`` before all other fields.

    Args:
        document: A document.

    Returns:
        The same document, or a new one with another order.
    """
    if "_id" not in document or next(iter(document)) == "_id":
        return document
    return {"_id": document["_id"], **document}

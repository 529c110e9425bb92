"""Which composite index a query needs, read from the query itself.

Firestore indexes every single field by itself, and joins such indexes for equalities. A composite index is needed where
an equality or an array condition meets an order or an inequality, and where an order has several fields (Firestore,
"Index types"). A collection group needs indexes of its own scope, also for single fields.
"""

# Messages of protobuf have no types.
# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false, reportUnknownMemberType=false

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from lexigram.nosql.backends.firestore.planning.messages import (
    AND,
    ASCENDING,
    DESCENDING,
    FIELD_OPERATORS,
    UNARY_OPERATORS,
    StructuredQuery,
)
from lexigram.nosql.backends.firestore.planning.terms import NAME

__all__ = ["index_definitions", "index_file", "with_sum"]

Definition = Mapping[str, Any]

_ARRAY: Final = frozenset({FIELD_OPERATORS["array-contains"], FIELD_OPERATORS["array-contains-any"]})
_EQUAL: Final = frozenset({FIELD_OPERATORS["=="], FIELD_OPERATORS["in"]})
_UNARY_EQUAL: Final = frozenset({UNARY_OPERATORS["is-nan"], UNARY_OPERATORS["is-null"]})
_MOST_ALTERNATIVES: Final = 30


def index_definitions(queries: Sequence[Any]) -> list[Definition]:
    """The indexes that queries need beyond those that Firestore keeps by itself.

    Args:
        queries: ``StructuredQuery`` messages.

    Returns:
        Definitions in the form of ``firestore.indexes.json``, each once: composite ones with ``fields``, those of a
        single field for a collection group with ``fieldPath``.
    """
    found: list[Definition] = []
    for query in queries:
        for definition in _of_query(query):
            if definition not in found:
                found.append(definition)
    return found


def with_sum(query: Any, path: str) -> Any:
    """A query that needs the index that a sum over another one needs: its field comes last.

    Args:
        query: The ``StructuredQuery`` whose documents are summed.
        path: The path of what is summed.
    """
    found = StructuredQuery()
    found.CopyFrom(query)
    named = {order.field.field_path for order in found.order_by}
    alternatives = _alternatives(query.where) if query.HasField("where") else [[]]
    ranges = sorted({asked for own in alternatives for asked, kind in own if kind == "inequality"})
    for each in [*ranges, path]:
        if each not in named:
            named.add(each)
            found.order_by.add(direction=ASCENDING).field.field_path = each
    return found


def _of_query(query: Any) -> list[Definition]:
    (source,) = query.from_
    orders = [(order.field.field_path, order.direction == DESCENDING) for order in query.order_by]
    alternatives = _alternatives(query.where) if query.HasField("where") else [[]]
    inequalities = sorted({path for own in alternatives for path, kind in own if kind == "inequality"})
    descending = orders[-1][1] if orders else False
    named = {path for path, _ in orders}
    orders += [(path, descending) for path in inequalities if path not in named]
    return [
        definition
        for own in alternatives
        if (definition := _definition(source.collection_id, source.all_descendants, own, orders)) is not None
    ]


def _definition(
    collection: str, is_group: bool, conditions: list[tuple[str, str]], orders: list[tuple[str, bool]]
) -> Definition | None:
    scope = "COLLECTION_GROUP" if is_group else "COLLECTION"
    equal = sorted({path for path, kind in conditions if kind == "equal" and path != NAME})
    arrays = sorted({path for path, kind in conditions if kind == "array"})
    ordered = [(path, descending) for path, descending in orders if path not in equal]
    fields: list[dict[str, str]] = [{"fieldPath": path, "order": "ASCENDING"} for path in equal]
    fields += [{"fieldPath": path, "arrayConfig": "CONTAINS"} for path in arrays]
    kept = [(path, descending) for path, descending in ordered if path != NAME]
    last = kept[-1][1] if kept else False
    # The name follows by itself, in the direction of the last field.
    turned = [(path, descending) for path, descending in ordered if path == NAME and descending != last]
    if not kept and not turned:
        # Indexes of single fields are joined.
        return _single(collection, fields[0]) if is_group and len(fields) == 1 else None
    fields += [{"fieldPath": path, "order": "DESCENDING" if desc else "ASCENDING"} for path, desc in [*kept, *turned]]
    if len(fields) == 1:
        return _single(collection, fields[0]) if is_group and fields[0]["fieldPath"] != NAME else None
    return {"collectionGroup": collection, "queryScope": scope, "fields": fields}


def _single(collection: str, field: Mapping[str, str]) -> Definition:
    return {"collectionGroup": collection, "queryScope": "COLLECTION_GROUP", **field}


def _alternatives(condition: Any) -> list[list[tuple[str, str]]]:
    """What each alternative asks of which path, lists not multiplied out."""
    kind = condition.WhichOneof("filter_type")
    if kind == "composite_filter":
        parts = [_alternatives(part) for part in condition.composite_filter.filters]
        if condition.composite_filter.op != AND:
            return [own for part in parts for own in part]
        found: list[list[tuple[str, str]]] = [[]]
        for part in parts:
            found = [[*a, *b] for a in found for b in part][:_MOST_ALTERNATIVES]
        return found
    if kind == "unary_filter":
        unary = condition.unary_filter
        return [[(unary.field.field_path, "equal" if unary.op in _UNARY_EQUAL else "inequality")]]
    own = condition.field_filter
    asked = "equal" if own.op in _EQUAL else "array" if own.op in _ARRAY else "inequality"
    return [[(own.field.field_path, asked)]]


def index_file(definitions: list[Definition], existing: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """The content of ``firestore.indexes.json``, as the Firebase tools take it.

    Args:
        definitions: What is needed.
        existing: The file as it is; what it says is kept.

    Returns:
        The content.
    """
    content: dict[str, Any] = {**(existing or {})}
    indexes: list[Any] = list(content.get("indexes", ()))
    overrides: list[Any] = [dict(item) for item in content.get("fieldOverrides", ())]
    for definition in definitions:
        if "fields" in definition:
            if not any(_same(definition, held) for held in indexes):
                indexes.append(dict(definition))
        else:
            _override(overrides, definition)
    content["indexes"] = indexes
    content["fieldOverrides"] = overrides
    return content


def _same(definition: Definition, held: Mapping[str, Any]) -> bool:
    """True when a file's entry is that index; the tools may have written the name at its end."""
    fields = [dict(field) for field in held.get("fields", ())]
    if fields and fields[-1].get("fieldPath") == NAME and definition["fields"][-1]["fieldPath"] != NAME:
        fields.pop()
    return (held.get("collectionGroup"), held.get("queryScope"), fields) == (
        definition["collectionGroup"],
        definition["queryScope"],
        definition["fields"],
    )


_OWN_INDEXES: Final = (
    {"order": "ASCENDING", "queryScope": "COLLECTION"},
    {"order": "DESCENDING", "queryScope": "COLLECTION"},
    {"arrayConfig": "CONTAINS", "queryScope": "COLLECTION"},
)
"""What Firestore keeps for every field; an override takes their place, so it must name them."""


def _override(overrides: list[Any], definition: Definition) -> None:
    wanted = {name: definition[name] for name in ("order", "arrayConfig", "queryScope") if name in definition}
    for held in overrides:
        if (held.get("collectionGroup"), held.get("fieldPath")) == (
            definition["collectionGroup"],
            definition["fieldPath"],
        ):
            held["indexes"] = [*held.get("indexes", ())]
            if wanted not in held["indexes"]:
                held["indexes"].append(wanted)
            return
    overrides.append(
        {
            "collectionGroup": definition["collectionGroup"],
            "fieldPath": definition["fieldPath"],
            "indexes": [*map(dict, _OWN_INDEXES), wanted],
        }
    )

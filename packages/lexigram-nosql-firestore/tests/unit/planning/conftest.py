"""What Firestore answers to a StructuredQuery, on wire values, as its documents say. For tests.

Sources: Firestore documentation, "Perform simple and compound queries", "Order and limit data", "Data types"
(value type ordering); proto comments of ``google.firestore.v1.StructuredQuery``.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from typing import Any

import pytest
from lexigram.nosql.backends.firestore.codec.messages import Value

_ORDER = {
    "null_value": 0,
    "boolean_value": 1,
    "integer_value": 2,
    "double_value": 2,
    "timestamp_value": 3,
    "string_value": 4,
    "bytes_value": 5,
    "reference_value": 6,
    "geo_point_value": 7,
    "array_value": 8,
    "map_value": 9,
}
_LT, _LTE, _GT, _GTE, _EQ, _NE, _CONTAINS, _IN, _CONTAINS_ANY, _NOT_IN = range(1, 11)
_IS_NAN, _IS_NULL, _IS_NOT_NAN, _IS_NOT_NULL = 2, 3, 4, 5
_INEQUALITIES = {_LT, _LTE, _GT, _GTE, _NE, _NOT_IN}


class Refused(Exception):
    """Firestore refuses the request."""


def kind(value: Any) -> int:
    """Place of a value's type among the types."""
    return _ORDER[value.WhichOneof("value_type")]


def is_nan(value: Any) -> bool:
    """True for NaN."""
    return value.WhichOneof("value_type") == "double_value" and value.double_value != value.double_value


def key(value: Any) -> Any:
    """Something that compares as Firestore's values do."""
    name = value.WhichOneof("value_type")
    rank = _ORDER[name]
    if name == "null_value":
        return (rank,)
    if is_nan(value):
        return rank, 0
    if rank == 2:
        return rank, 1, getattr(value, name)
    if name == "timestamp_value":
        return rank, value.timestamp_value.seconds, value.timestamp_value.nanos
    if name == "string_value":
        return rank, value.string_value.encode()
    if name == "reference_value":
        return rank, tuple(value.reference_value.split("/"))
    if name == "array_value":
        return rank, tuple(key(item) for item in value.array_value.values)
    if name == "map_value":
        return rank, tuple((name, key(item)) for name, item in sorted(value.map_value.fields.items()))
    return rank, getattr(value, name)


def parts(path: str) -> list[str]:
    """The names in a path, backticks read."""
    found, at = [], 0
    while at < len(path):
        if path[at] == "`":
            name, at = "", at + 1
            while path[at] != "`":
                if path[at] == "\\":
                    at += 1
                name, at = name + path[at], at + 1
            found.append(name)
            at += 2
        else:
            end = path.find(".", at)
            end = len(path) if end < 0 else end
            found.append(path[at:end])
            at = end + 1
    return found


class Model:
    """A collection.

    Args:
        documents: Fields by the name of the document.
        nan_is_below: Whether a range with ``<`` selects NaN, which the documents leave open.
    """

    def __init__(self, documents: Mapping[str, Any], nan_is_below: bool = True) -> None:
        self.documents = documents
        self.nan_is_below = nan_is_below

    def value(self, name: str, path: str) -> Any | None:
        """What a document holds at a path."""
        if path == "__name__":
            return Value(reference_value=name)
        fields = self.documents[name]
        found = None
        for part in parts(path):
            if fields is None or part not in fields:
                return None
            found = fields[part]
            fields = found.map_value.fields if found.WhichOneof("value_type") == "map_value" else None
        return found

    def run(self, query: Any) -> list[str]:
        """Names of the documents that a query selects, in its order."""
        has_where = query.HasField("where")
        if has_where:
            check(query.where, {order.field.field_path for order in query.order_by})
        ordered = [order.field.field_path for order in query.order_by]
        implied = sorted(inequalities(query.where) - set(ordered)) if has_where else []
        if "__name__" in ordered and (ordered[-1] != "__name__" or implied):
            raise Refused("an order, also one that an inequality implies, after that by name")
        directions = {order.field.field_path: order.direction for order in query.order_by}
        last = query.order_by[-1].direction if query.order_by else 1
        fields = [*ordered, *implied]
        names = [
            name
            for name in self.documents
            if all(self.value(name, path) is not None for path in fields)
            and (not has_where or self.matches(name, query.where))
        ]
        if "__name__" not in fields:
            fields.append("__name__")

        def compare(a: str, b: str) -> int:
            for path in fields:
                x, y = key(self.value(a, path)), key(self.value(b, path))
                if x != y:
                    return (-1 if x < y else 1) * (1 if directions.get(path, last) == 1 else -1)
            return 0

        names.sort(key=functools.cmp_to_key(compare))
        if query.start_at.values:
            names = [name for name in names if self._from(name, query, fields, directions)]
        names = names[query.offset :]
        return names[: query.limit.value] if query.HasField("limit") else names

    def _from(self, name: str, query: Any, fields: list[str], directions: Mapping[str, int]) -> bool:
        assert query.start_at.before
        for path, bound in zip(fields, query.start_at.values, strict=False):
            x, y = key(self.value(name, path)), key(bound)
            if x != y:
                return (x > y) is (directions.get(path, 1) == 1)
        return True

    def matches(self, name: str, condition: Any) -> bool:
        """Whether a document meets a filter."""
        sort = condition.WhichOneof("filter_type")
        if sort == "composite_filter":
            results = (self.matches(name, part) for part in condition.composite_filter.filters)
            return all(results) if condition.composite_filter.op == 1 else any(results)
        if sort == "unary_filter":
            held = self.value(name, condition.unary_filter.field.field_path)
            if held is None:
                return False
            null = kind(held) == 0
            return {
                _IS_NULL: null,
                _IS_NOT_NULL: not null,
                _IS_NAN: is_nan(held),
                _IS_NOT_NAN: not null and not is_nan(held),
            }[condition.unary_filter.op]
        own = condition.field_filter
        held = self.value(name, own.field.field_path)
        return held is not None and self._compare(held, own.op, own.value)

    def _compare(self, held: Any, op: int, value: Any) -> bool:
        if op == _EQ:
            return equal(held, value)
        if op == _NE:
            return kind(held) != 0 and not equal(held, value)
        if op == _IN:
            return any(equal(held, item) for item in value.array_value.values)
        if op == _NOT_IN:
            return kind(held) != 0 and not any(
                kind(item) == 0 or equal(held, item) for item in value.array_value.values
            )
        if op in (_CONTAINS, _CONTAINS_ANY):
            wanted = [value] if op == _CONTAINS else value.array_value.values
            return kind(held) == 8 and any(equal(own, item) for own in held.array_value.values for item in wanted)
        if kind(held) != kind(value):
            return False
        if is_nan(held) and not is_nan(value) and not self.nan_is_below:
            return False
        a, b = key(held), key(value)
        return {_LT: a < b, _LTE: a <= b, _GT: a > b, _GTE: a >= b}[op]


def equal(a: Any, b: Any) -> bool:
    """Equality of values; NaN equals nothing by ``==``."""
    return not is_nan(a) and not is_nan(b) and key(a) == key(b)


def inequalities(condition: Any) -> set[str]:
    """Paths with an inequality: Firestore orders by them."""
    sort = condition.WhichOneof("filter_type")
    if sort == "composite_filter":
        return set().union(*(inequalities(part) for part in condition.composite_filter.filters))
    if sort == "unary_filter":
        unary = condition.unary_filter
        return {unary.field.field_path} if unary.op in (_IS_NOT_NAN, _IS_NOT_NULL) else set()
    own = condition.field_filter
    return {own.field.field_path} if own.op in _INEQUALITIES else set()


def alternatives(condition: Any) -> list[list[Any]]:
    """The disjunctive normal form, lists multiplied out."""
    sort = condition.WhichOneof("filter_type")
    if sort == "composite_filter":
        inner = [alternatives(part) for part in condition.composite_filter.filters]
        if condition.composite_filter.op == 2:
            return [own for part in inner for own in part]
        found: list[list[Any]] = [[]]
        for part in inner:
            found = [[*a, *b] for a in found for b in part]
        return found
    if sort == "field_filter" and condition.field_filter.op in (_IN, _CONTAINS_ANY):
        if not condition.field_filter.value.array_value.values:
            raise Refused("an empty list")
        return [[condition] for _ in condition.field_filter.value.array_value.values]
    return [[condition]]


def check(condition: Any, ordered: AbstractSet[str] = frozenset()) -> None:
    """Refuse what Firestore refuses."""
    found = alternatives(condition)
    if len(found) > 30:
        raise Refused(f"{len(found)} alternatives")
    filters = sum(map(len, found)) + len(inequalities(condition) | ordered)
    if filters > 98:  # of 100, the parent's path and the order by name taken off
        raise Refused(f"{filters} filters and orders")
    if len(inequalities(condition)) > 10:
        raise Refused("too many fields with inequalities")
    negative = 0
    for leaf in {id(leaf): leaf for own in found for leaf in own}.values():
        if leaf.WhichOneof("filter_type") == "unary_filter":
            negative += leaf.unary_filter.op in (_IS_NOT_NAN, _IS_NOT_NULL)
            continue
        op = leaf.field_filter.op
        negative += op in (_NE, _NOT_IN)
        if op == _NOT_IN and (len(found) > 1 or not 1 <= len(leaf.field_filter.value.array_value.values) <= 10):
            raise Refused("not-in with alternatives, or with too many values")
    if negative > 1:
        raise Refused("more than one negative condition")
    keys = [
        leaf
        for own in found
        for leaf in own
        if leaf.WhichOneof("filter_type") == "field_filter"
        and leaf.field_filter.field.field_path == "__name__"
        and leaf.field_filter.op in (_EQ, _IN)
    ]
    if keys and inequalities(condition):
        raise Refused("equality on key beside inequalities")  # as the emulator says
    for own in found:
        if sum(leaf.WhichOneof("filter_type") == "field_filter" and leaf.field_filter.op in (7, 9) for leaf in own) > 1:
            raise Refused("two array conditions in one alternative")


@pytest.fixture(scope="session")
def model() -> type[Model]:
    """The model's class."""
    return Model

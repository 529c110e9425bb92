"""The matcher against a naive evaluator, written separately and for clarity only."""

from __future__ import annotations

import math
import re
from datetime import datetime
from decimal import Decimal
from fractions import Fraction
from typing import Any
from uuid import UUID

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from lexigram.nosql.query.interpret import Context, document_matcher
from lexigram.nosql.query.parse import cache_clear, parse_filter
from lexigram.nosql.testing import strategies

MISSING = object()
FAMILIES = ["null", "number", "string", "object", "array", "binary", "bool", "date"]


# A naive model of MongoDB's query language for the types without bson.


def family(value: Any) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "bool"
    if isinstance(value, int | float | Decimal):
        return "number"
    names = {str: "string", dict: "object", list: "array", bytes: "binary", UUID: "binary", datetime: "date"}
    return names[type(value)]


def is_nan(value: Any) -> bool:
    return (isinstance(value, float) and math.isnan(value)) or (isinstance(value, Decimal) and value.is_nan())


def number_order(a: Any, b: Any) -> int:
    if is_nan(a) or is_nan(b):
        return is_nan(b) - is_nan(a)

    def exact(value: Any) -> Any:
        if isinstance(value, int):
            return Fraction(value)
        return Fraction(value) if math.isfinite(value) else (math.inf if value > 0 else -math.inf)

    x, y = exact(a), exact(b)
    return (x > y) - (x < y)


def order(a: Any, b: Any) -> int:
    fa, fb = FAMILIES.index(family(a)), FAMILIES.index(family(b))
    if fa != fb:
        return (fa > fb) - (fa < fb)
    kind = FAMILIES[fa]
    if kind == "null":
        return 0
    if kind == "number":
        return number_order(a, b)
    if kind == "string":
        x, y = a.encode(), b.encode()
        return (x > y) - (x < y)
    if kind == "binary":
        x = (len(a.bytes), 4, a.bytes) if isinstance(a, UUID) else (len(a), 0, a)
        y = (len(b.bytes), 4, b.bytes) if isinstance(b, UUID) else (len(b), 0, b)
        return (x > y) - (x < y)
    if kind == "array":
        for x, y in zip(a, b, strict=False):
            if found := order(x, y):
                return found
        return (len(a) > len(b)) - (len(a) < len(b))
    if kind == "object":
        for (name_a, x), (name_b, y) in zip(a.items(), b.items(), strict=False):
            gap = FAMILIES.index(family(x)) - FAMILIES.index(family(y))
            if gap:
                return 1 if gap > 0 else -1
            if name_a != name_b:
                return 1 if name_a > name_b else -1
            if found := order(x, y):
                return found
        return (len(a) > len(b)) - (len(a) < len(b))
    return (a > b) - (a < b)


def reach(value: Any, parts: list[str]) -> list[tuple[Any, bool]]:
    """What a path reaches, and whether an array there is taken apart."""
    if not parts:
        return [(value, True)]
    if isinstance(value, dict):
        return reach(value.get(parts[0], MISSING), parts[1:])
    if isinstance(value, list):
        return reach_array(value, parts)
    return [(MISSING, True)]


def reach_array(items: list[Any], parts: list[str]) -> list[tuple[Any, bool]]:
    found: list[tuple[Any, bool]] = []
    for index, item in enumerate(items):
        if isinstance(item, dict):
            found += reach(item, parts)
        if parts[0] == str(index):
            if len(parts) == 1:
                found.append((item, False))
            elif isinstance(item, dict):
                found += reach(item, parts[1:])
            elif isinstance(item, list):
                found += reach_array(item, parts[1:])
    return found


def compare(op: str, value: Any, constant: Any) -> bool:
    if value is MISSING:
        value = None
    if op == "$eq":
        return order(value, constant) == 0
    if family(value) != family(constant) or is_nan(value) != is_nan(constant):
        return False
    found = order(value, constant)
    return {"$gt": found > 0, "$gte": found >= 0, "$lt": found < 0, "$lte": found <= 0}[op]


def whole(value: Any) -> int | None:
    if family(value) != "number" or (not isinstance(value, int) and not math.isfinite(value)):
        return None
    cut = math.trunc(value)
    return cut if -(2**63) <= cut < 2**63 else None


TYPES = {
    "int": lambda v: type(v) is int and -(2**31) <= v < 2**31,
    "string": lambda v: type(v) is str,
    "array": lambda v: type(v) is list,
    "object": lambda v: type(v) is dict,
    "null": lambda v: v is None,
    "bool": lambda v: type(v) is bool,
    "number": lambda v: family(v) == "number",
    1: lambda v: type(v) is float,
}


def bit(value: Any, position: int) -> bool | None:
    if isinstance(value, bytes | UUID):
        content = value.bytes if isinstance(value, UUID) else value
        return position // 8 < len(content) and bool(content[position // 8] >> (position % 8) & 1)
    number = whole(value)
    return bool(number >> min(position, 63) & 1)


def bits(op: str, value: Any, argument: Any) -> bool:
    if not isinstance(value, bytes | UUID) and (whole(value) is None or whole(value) != value):
        return False
    positions = argument if isinstance(argument, list) else [p for p in range(63) if argument >> p & 1]
    wanted = op.endswith("Set")
    found = [bit(value, position) is wanted for position in positions]
    return all(found) if "All" in op else any(found)


def one(op: str, value: Any, argument: Any) -> bool:
    """Whether a single value meets one operator."""
    if op in {"$eq", "$gt", "$gte", "$lt", "$lte"}:
        return compare(op, value, argument)
    if op == "$in":
        return any(compare("$eq", value, item) for item in argument)
    if op == "$regex":
        return type(value) is str and re.search(argument, value) is not None
    if value is MISSING:
        return False
    if op == "$type":
        return TYPES[argument](value)
    if op == "$mod":
        number = whole(value)
        return number is not None and truncated_mod(number, argument[0]) == argument[1]
    if op.startswith("$bits"):
        return bits(op, value, argument)
    if op == "$size":
        return type(value) is list and len(value) == argument
    if op == "$elemMatch":
        return type(value) is list and any(element(item, argument) for item in value)
    raise AssertionError(op)


def truncated_mod(number: int, divisor: int) -> int:
    remainder = abs(number) % abs(divisor)
    return -remainder if number < 0 else remainder


def element(item: Any, condition: dict[str, Any]) -> bool:
    first = next(iter(condition))
    if first.startswith("$") and first not in {"$and", "$or", "$nor"}:
        return all(on_value(op, item, argument) for op, argument in condition.items())
    if isinstance(item, list):
        item = {str(index): part for index, part in enumerate(item)}
    return isinstance(item, dict) and matches(item, condition)


def on_value(op: str, value: Any, argument: Any) -> bool:
    if op == "$not":
        return not all(on_value(inner, value, operand) for inner, operand in argument.items())
    if op == "$ne":
        return not one("$eq", value, argument)
    if op == "$nin":
        return not one("$in", value, argument)
    if op == "$exists":
        return bool(argument)
    if op == "$all":
        return bool(argument) and all(one("$eq", value, item) for item in argument)
    return one(op, value, argument)


def on_path(op: str, document: Any, path: str, argument: Any) -> bool:
    if op == "$not":
        return not all(on_path(inner, document, path, operand) for inner, operand in argument.items())
    if op == "$ne":
        return not on_path("$eq", document, path, argument)
    if op == "$nin":
        return not on_path("$in", document, path, argument)
    if op == "$all":
        return bool(argument) and all(on_path("$eq", document, path, item) for item in argument)
    reached = reach(document, path.split("."))
    if op == "$exists":
        return any(value is not MISSING for value, _ in reached) is argument
    candidates = []
    for value, apart in reached:
        if apart and type(value) is list and op not in {"$size", "$elemMatch"}:
            candidates += value
        candidates.append(value)
    return any(one(op, value, argument) for value in candidates)


def matches(document: dict[str, Any], filter: dict[str, Any]) -> bool:
    for key, value in filter.items():
        if key == "$and":
            held = all(matches(document, part) for part in value)
        elif key in {"$or", "$nor"}:
            held = any(matches(document, part) for part in value) is (key == "$or")
        elif isinstance(value, re.Pattern):
            held = on_path("$regex", document, key, value.pattern)
        elif isinstance(value, dict) and value and next(iter(value)).startswith("$"):
            held = all(on_path(op, document, key, argument) for op, argument in value.items())
        else:
            held = on_path("$eq", document, key, value)
        if not held:
            return False
    return True


@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(strategies.documents(), min_size=1, max_size=5), strategies.filters())
def test_a_filter_selects_what_the_naive_evaluator_selects(documents: list[dict[str, Any]], filter: dict[str, Any]):
    """Generated code, closures and the naive evaluator agree on every document."""
    query = parse_filter(filter)
    expected = [document for document in documents if matches(document, filter)]

    assert query.select(documents) == expected or [id(d) for d in query.select(documents)] == [id(d) for d in expected]
    assert [id(d) for d in documents if query.matches(d)] == [id(d) for d in expected]
    interpreted = document_matcher(query.root, Context())
    assert [id(d) for d in documents if interpreted(d)] == [id(d) for d in expected]
    assert query.count(documents) == len(expected)
    assert query.first(documents) is (expected[0] if expected else None)
    assert [id(d) for d in query.select(documents, 1)] == [id(d) for d in expected[:1]]


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(strategies.documents(bson=True), min_size=1, max_size=5), strategies.filters(bson=True))
def test_a_kept_shape_means_what_a_fresh_parse_means(documents: list[dict[str, Any]], filter: dict[str, Any]):
    """A filter parsed from its kept shape selects what it selects with all shapes forgotten."""
    parse_filter(filter)
    kept = parse_filter(filter)
    found = [id(d) for d in kept.select(documents)]
    cache_clear()
    fresh = parse_filter(filter)

    assert found == [id(d) for d in fresh.select(documents)]
    assert [id(d) for d in documents if document_matcher(fresh.root, Context())(d)] == found
    assert kept.paths == fresh.paths

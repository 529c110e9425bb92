"""Sorting and projecting random documents."""

from __future__ import annotations

from functools import cmp_to_key
from typing import Any

from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from lexigram.nosql.exceptions import QueryOptionError
from lexigram.nosql.query.projection import parse_projection
from lexigram.nosql.query.sort import parse_sort
from lexigram.nosql.testing import strategies
from lexigram.nosql.values.order import compare

RELAXED = settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])
UNDEFINED = object()


def naive_values(value: Any, parts: list[str]) -> list[Any]:
    """What a field without positions sorts by, one of."""
    if not parts:
        if isinstance(value, list):
            return list(value) or [UNDEFINED]
        return [value]
    if isinstance(value, dict):
        return naive_values(value.get(parts[0]), parts[1:])
    if isinstance(value, list):
        found: list[Any] = []
        for item in value:
            found += naive_values(item, parts) if isinstance(item, dict) else [None]
        return found or [None]
    return [None]


def naive_compare(a: Any, b: Any) -> int:
    if a is UNDEFINED or b is UNDEFINED:
        return (a is not UNDEFINED) - (b is not UNDEFINED)
    return compare(a, b)


@RELAXED
@given(
    st.lists(strategies.documents(), max_size=8),
    st.sampled_from(["a", "b", "a.b", "c.a", "a.b.c"]),
    st.sampled_from([1, -1]),
)
def test_one_field_sorts_as_the_naive_way_does(documents: list[dict[str, Any]], path: str, direction: int):
    """By the least or greatest of all its values, equals in their order."""

    def place(document: dict[str, Any]) -> Any:
        values = naive_values(document, path.split("."))
        return (min if direction > 0 else max)(values, key=cmp_to_key(naive_compare))

    ordered = sorted(documents, key=cmp_to_key(lambda a, b: direction * naive_compare(place(a), place(b))))
    order = parse_sort({path: direction})
    assert order is not None
    assert [id(d) for d in order.sorted(documents)] == [id(d) for d in ordered]


@RELAXED
@given(st.lists(strategies.documents(bson=True), max_size=8), strategies.sorts(), st.integers(0, 4))
def test_the_first_are_the_first_of_all(documents: list[dict[str, Any]], spec: list[tuple[str, int]], n: int):
    """Taking the first n, sorting, and sorting by key agree; a second sort changes nothing."""
    order = parse_sort(spec)
    assert order is not None
    many = documents * 3
    try:
        whole = order.sorted(many)
    except QueryOptionError as error:
        assume(error.mongo_code not in (2, 16746))
        raise
    assert [id(d) for d in order.top(many, n)] == [id(d) for d in whole[:n]]
    assert [id(d) for d in sorted(many, key=order.key)] == [id(d) for d in whole]
    assert [id(d) for d in order.sorted(whole)] == [id(d) for d in whole]
    backwards = parse_sort([(path, -direction) for path, direction in spec])
    assert backwards is not None
    if len(spec) == 1 and not any(isinstance(value, list | dict) for d in documents for value in d.values()):
        assert [order.key(d) for d in whole] == [order.key(d) for d in backwards.sorted(many)][::-1]


def naive_project(document: Any, paths: list[list[str]], keep: bool) -> Any:
    if isinstance(document, list):
        parts = [naive_project(item, paths, keep) for item in document]
        return [part for part in parts if part is not UNDEFINED]
    if not isinstance(document, dict):
        return UNDEFINED if keep else document
    result: dict[str, Any] = {}
    for name, value in document.items():
        inner = [path[1:] for path in paths if path[0] == name]
        if not inner:
            if not keep:
                result[name] = value
        elif [] in inner:
            if keep:
                result[name] = value
        else:
            part = naive_project(value, inner, keep)
            if part is not UNDEFINED:
                result[name] = part
    return result


@RELAXED
@given(strategies.documents(bson=True), strategies.projections())
def test_a_projection_keeps_what_the_naive_way_keeps(document: dict[str, Any], spec: dict[str, int]):
    """Field by field and in order, in copies."""
    document = {"_id": 1, **document}
    try:
        projection = parse_projection(spec)
    except QueryOptionError as error:
        assume(error.mongo_code not in (31249, 31250))
        raise
    assert projection is not None
    keep = next(iter(spec.values())) == 1
    paths = [path.split(".") for path in spec] + ([["_id"]] if keep else [])
    result = projection.apply(document)

    assert repr(result) == repr(naive_project(document, paths, keep))
    _no_sharing(result, document)
    if projection.fields_needed is not None:
        needed = {name: value for name, value in document.items() if name in projection.fields_needed}
        assert repr(projection.apply(needed)) == repr(result)


def _no_sharing(result: Any, document: Any) -> None:
    def containers(value: Any) -> set[int]:
        found: set[int] = set()
        pending = [value]
        while pending:
            current = pending.pop()
            if isinstance(current, dict | list):
                found.add(id(current))
                pending.extend(current.values() if isinstance(current, dict) else current)
        return found

    assert containers(result).isdisjoint(containers(document))

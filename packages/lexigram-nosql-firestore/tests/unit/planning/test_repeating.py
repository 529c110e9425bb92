"""A request of a known shape becomes exactly what compiling it anew makes of it."""

from __future__ import annotations

import timeit
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lexigram.nosql.backends.firestore.planning import Place, Planner, parse_hints
from lexigram.nosql.query.parse import parse_filter
from lexigram.nosql.query.sort import parse_sort
from lexigram.nosql.testing.strategies import scalars

PLACE = Place("o", "projects/p/databases/d/documents/o/")
HINTS = parse_hints(
    {
        "o": {
            "a": "required text",
            "b": "number",
            "c": "scalar",
            "d": "required date",
            "t": "array of text",
            "_id": "text",
        }
    }
)["o"]

VALUES = st.one_of(
    st.sampled_from(["", "a", "b", "~", "a/b", "_x", "x" * 400, "x" * 2000]),
    st.sampled_from([0, 1, -1, 2**53, 2**60, 1.0, 2.5, -0.0, 1e300, float("inf"), float("nan")]),
    st.sampled_from([None, True, False, datetime(2026, 1, 1, tzinfo=UTC), datetime(9999, 12, 31, tzinfo=UTC)]),
    scalars(bson=True),
)
LISTS = st.lists(VALUES, max_size=4)


@st.composite
def asked(draw: Any) -> dict[str, Any]:
    """A filter of one of a few shapes."""
    field = draw(st.sampled_from(["a", "b", "c", "d", "t", "x", "_id", "a.b"]))
    match draw(st.integers(0, 6)):
        case 0:
            return {field: draw(VALUES)}
        case 1:
            return {field: {draw(st.sampled_from(["$gt", "$lte"])): draw(VALUES)}}
        case 2:
            return {field: {"$in": draw(LISTS)}}
        case 3:
            return {field: {"$ne": draw(VALUES)}, "a": draw(VALUES)}
        case 4:
            return {"$or": [{field: draw(VALUES)}, {"b": {"$gt": draw(VALUES)}}]}
        case 5:
            return {"a": {"$gte": draw(VALUES), "$lt": draw(VALUES)}}
        case _:
            return {field: {"$nin": draw(LISTS)}}


@given(st.lists(asked(), min_size=5, max_size=40), st.sampled_from([None, "a", [("d", -1), ("_id", 1)]]))
def test_what_is_repeated_is_what_would_be_compiled(batch: list[dict[str, Any]], sort: Any) -> None:
    """Messages, exactness, order, access and explanation."""
    planner, order = Planner(PLACE, HINTS), parse_sort(sort)
    for spec in batch:
        query = parse_filter(spec)
        ours, fresh = planner.compile(query, order), Planner(PLACE, HINTS).compile(query, order)
        assert repr(ours.native) == repr(fresh.native)
        assert (ours.access, ours.exact, ours.ordered) == (fresh.access, fresh.exact, fresh.ordered)
        assert repr(dict(ours.display)) == repr(dict(fresh.display))


@pytest.mark.parametrize("spec", [{"a": "x", "b": {"$gt": 5}}, {"x": "y"}, {"a": {"$in": ["x", "y", "z"]}}])
def test_a_known_shape_is_much_cheaper(spec: dict[str, Any]) -> None:
    """The filter is not translated again."""
    query, planner = parse_filter(spec), Planner(PLACE, HINTS)
    planner.compile(query, None)
    known = min(timeit.repeat(lambda: planner.compile(query, None), number=20, repeat=5))
    anew = min(timeit.repeat(lambda: Planner(PLACE, HINTS).compile(query, None), number=20, repeat=5))
    assert known < anew / 2


def test_messages_are_not_shared_between_requests() -> None:
    """A reader may change what it was given."""
    planner = Planner(PLACE, HINTS)
    for value in ("x", "y", "z"):
        (query,) = planner.compile(parse_filter({"a": value}), None).native.queries
        assert query.where.field_filter.value.string_value == value
        query.where.field_filter.value.string_value = "changed"

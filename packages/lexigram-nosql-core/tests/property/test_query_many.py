"""Functions over many documents say what the function over one document says, whatever fields documents lack."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lexigram.nosql.query.parse import parse_filter
from lexigram.nosql.testing import strategies

_RANGES: list[Any] = [
    {"a": {"$gt": 1, "$lt": 5}},
    {"a": {"$gte": "a", "$lt": "b"}, "b": 1},
    {"a.b": {"$gt": 0, "$lte": 2.5}},
    {"$or": [{"a": {"$gt": 1, "$lt": 2.0}}, {"b": {"$lt": 2, "$gt": -1}}]},
    {"a": {"$elemMatch": {"$gt": 1, "$lt": 5}}},
    {"a": {"$not": {"$gt": 1, "$lt": 5}}},
]


@given(
    st.one_of(strategies.filters(), st.sampled_from(_RANGES)),
    st.lists(st.lists(strategies.documents(), max_size=4), min_size=1, max_size=3),
    st.integers(1, 3),
)
def test_functions_over_many_documents_agree_with_the_one_over_one(
    filter: Any, collections: list[list[Any]], limit: int
) -> None:
    """Lists and iterators, with and without a limit, and again after a document that lacked a field."""
    query = parse_filter(filter)
    for documents in collections:
        expected = [document for document in documents if query.matches(document)]
        assert query.select(documents) == expected
        assert query.select(iter(documents)) == expected
        assert query.select(documents, limit) == expected[:limit]
        assert query.count(documents) == query.count(iter(documents)) == len(expected)
        first = expected[0] if expected else None
        assert query.first(documents) is first
        assert query.first(iter(documents)) is first


@pytest.mark.parametrize("kind", ["select", "count", "first"])
def test_a_document_without_the_field_is_passed_by(kind: str) -> None:
    """Before it, at it and after it, matches are found, and found again by the calls that follow."""
    documents = [{"a": 1}, {}, {"a": None}, {"a": 1, "b": 2}, {"a": [1]}]
    query = parse_filter({"a": 1, "b": {"$exists": False}})
    expected = {"select": [{"a": 1}, {"a": [1]}], "count": 2, "first": {"a": 1}}[kind]
    for _ in range(20):
        assert getattr(query, kind)(documents) == expected


def test_an_iterator_is_read_once() -> None:
    """What was read before a document that lacks the field is not lost."""
    documents = iter([{"a": 1}, {"b": 1}, {"a": 1}])
    query = parse_filter({"a": 1})
    assert query.select(documents) == [{"a": 1}, {"a": 1}]
    assert query.first(iter([{"b": 1}, {"a": 1}])) == {"a": 1}

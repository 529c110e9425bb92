"""Texts of index keys have the engine's order, by their bytes, whatever the values."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from lexigram.nosql.backends.dynamodb.planning.index_keys import (
    AFTER,
    MAX_SORT_BYTES,
    before,
    encode,
    encode_prefix,
    hash_partition,
    index_entry,
    irregular_partition,
    rank_bounds,
)
from lexigram.nosql.backends.dynamodb.planning.shape import ComputedIndex
from lexigram.nosql.indexes import parse_index
from lexigram.nosql.query.sort import parse_sort
from lexigram.nosql.testing.strategies import numbers, scalars, values
from lexigram.nosql.values.normalise import normalise_value
from lexigram.nosql.values.order import sort_key
from lexigram.nosql.values.path import MISSING

EXAMPLES = settings.default.max_examples * 2
SLOW = [HealthCheck.too_slow]  # many things are drawn at once, on machines that do other things as well
MANY = st.one_of(
    values(bson=True),
    numbers(),
    st.integers(-(2**63), 2**63 - 1),
    st.floats(),
    st.decimals(allow_nan=False, allow_infinity=False, places=3, min_value=-(10**9), max_value=10**9),
    st.text(alphabet="\x00\x01\x02\x03a\xff\U0010ffff", max_size=4),
    st.sampled_from([MISSING, None, Decimal("1E-6000"), Decimal("-1E-6000"), 5e-324, -5e-324, 2**53 + 1, 2.0**53]),
)


def sign(a: Any, b: Any) -> int:
    return (a > b) - (a < b)


def place(value: Any) -> Any:
    """As sorts see it: a missing field counts as null."""
    key = sort_key(value)
    return (5,) if key == (0,) else key


@given(st.lists(MANY, min_size=2, max_size=8))
@settings(max_examples=EXAMPLES, suppress_health_check=SLOW)
def test_texts_compare_as_values_do_in_both_directions(drawn: list[Any]) -> None:
    known = [value if value is MISSING else normalise_value(value) for value in drawn]
    for a in known:
        for b in known:
            wanted = sign(place(a), place(b))
            assert sign(encode(a).encode(), encode(b).encode()) == wanted
            assert sign(encode(a, -1).encode(), encode(b, -1).encode()) == -wanted


@given(st.lists(st.tuples(MANY, MANY), min_size=2, max_size=6), st.sampled_from([1, -1]), st.sampled_from([1, -1]))
@settings(max_examples=EXAMPLES, suppress_health_check=SLOW)
def test_texts_of_several_fields_compare_field_by_field(pairs: list[tuple[Any, Any]], one: int, two: int) -> None:
    known = [tuple([value if value is MISSING else normalise_value(value) for value in pair]) for pair in pairs]
    for a in known:
        for b in known:
            wanted = one * sign(place(a[0]), place(b[0])) or two * sign(place(a[1]), place(b[1]))
            left = encode(a[0], one) + encode(a[1], two)
            right = encode(b[0], one) + encode(b[1], two)
            assert sign(left.encode(), right.encode()) == wanted


@pytest.mark.parametrize(("greater", "value"), [("a", ""), ("ab", "a"), ("a\x00", "a"), ([1, 2], [1])])
def test_what_begins_with_a_value_comes_before_it_in_descending_order(greater: Any, value: Any) -> None:
    assert encode(greater, -1) + encode(0) < before(encode(value, -1)) < encode(value, -1)


@given(MANY, MANY, MANY, st.sampled_from([1, -1]))
@settings(max_examples=EXAMPLES, suppress_health_check=SLOW)
def test_nothing_that_follows_a_text_reaches_what_stands_after_it(a: Any, b: Any, more: Any, way: int) -> None:
    first = encode(a, way)
    follow = encode(more, -way)
    assert first < first + follow < first + AFTER
    second = encode(b, way)
    assert first == second or not second.startswith(first)
    if first < second:
        assert first + AFTER < second
        assert first + follow < before(second) < second


@given(MANY, st.sampled_from([1, -1]))
@settings(max_examples=EXAMPLES, suppress_health_check=SLOW)
def test_values_lie_within_the_bounds_of_their_type(value: Any, way: int) -> None:
    if place(value)[0] >= 9:
        low, high = rank_bounds(value, way)
        assert low < encode(value, way) < high


@given(
    st.text(alphabet="ab\x00\x01\xff", max_size=4),
    st.text(alphabet="ab\x00\x01\xff", max_size=6),
    st.sampled_from([1, -1]),
)
def test_texts_of_strings_begin_as_the_strings_do(start: str, text: str, way: int) -> None:
    assert encode(text, way).startswith(encode_prefix(start, way)) == text.startswith(start)


COMPUTED = ComputedIndex(parse_index([("a.b", 1), ("c", -1), ("d", 1)]), 1, "m")


def test_equal_values_share_a_partition_and_others_do_not() -> None:
    assert (
        hash_partition(COMPUTED, [1]) == hash_partition(COMPUTED, [1.0]) == hash_partition(COMPUTED, [Decimal("1.0")])
    )
    assert hash_partition(COMPUTED, [None]) == index_entry(COMPUTED, {"c": 1})[0]  # type: ignore[index]  # it is filed
    assert len({hash_partition(COMPUTED, [value])["S"] for value in (1, "1", True, None, b"1", {"a": 1}, 1.5)}) == 7


@pytest.mark.parametrize(
    "document", [{"a": [{"b": 1}]}, {"a": {"b": []}}, {"c": [1]}, {"c": "x" * 1100}, {"a": [], "c": 1}]
)
def test_arrays_and_long_keys_are_filed_apart(document: dict[str, Any]) -> None:
    assert index_entry(COMPUTED, document, "id") == (irregular_partition(COMPUTED), {"S": "id"}, True)


def test_keys_are_within_what_the_service_takes() -> None:
    entry = index_entry(COMPUTED, {"a": {"b": "x" * 5000}, "c": "é" * 400}, "id")
    assert entry is not None
    partition, sort, _ = entry
    assert len(partition["S"]) < 100
    assert 0 < len(sort["S"].encode()) <= MAX_SORT_BYTES


def test_sparse_and_partial_indexes_leave_documents_out() -> None:
    sparse = ComputedIndex(parse_index([("a", 1), ("b", 1)], sparse=True), 1)
    assert index_entry(sparse, {"c": 1}) is None
    assert index_entry(sparse, {"b": None}) is not None
    partial = ComputedIndex(parse_index("a", partial_filter={"b": {"$gt": 5}}), 0)
    assert index_entry(partial, {"a": 1, "b": 5}) is None
    assert index_entry(partial, {"a": 1, "b": 6}) is not None


@given(st.lists(st.fixed_dictionaries({}, optional=dict.fromkeys("abc", scalars(bson=True))), max_size=8))
@settings(max_examples=EXAMPLES, suppress_health_check=SLOW)
def test_entries_have_the_order_of_a_sort(documents: list[dict[str, Any]]) -> None:
    keys = [("a", 1), ("b", -1), ("c", 1)]
    computed = ComputedIndex(parse_index(keys), 0)
    known: list[dict[str, Any]] = [normalise_value(document) for document in documents]
    sort = parse_sort(keys)
    entries = [index_entry(computed, document) for document in known]
    filed = sorted(
        zip([entry[1]["S"].encode() for entry in entries if entry], known, strict=True), key=lambda pair: pair[0]
    )
    assert [sort.key(document) for _, document in filed] == [
        sort.key(document) for document in sort.sorted(list(known))
    ]

"""The three meanings of a dotted path."""

from __future__ import annotations

from typing import Any

import bson
import pytest
from lexigram.nosql.values.path import (
    MISSING,
    array_index,
    get_path,
    is_prefix,
    query_leaves,
    query_values,
    split_path,
)

DOCUMENT: dict[str, Any] = {
    "a": [{"b": 1, "0": "zero"}, {"b": [2, 3]}, {"c": 4}, 5, [{"b": 6}]],
    "o": {"p": {"q": 7}, "n": None},
    "s": 8,
    "": {"": 9},
    "e": [],
    "r": bson.DBRef("c", {"k": 1}),
    "l": [bson.DBRef("c", 2)],
}


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("s", [8]),
        ("o.p.q", [7]),
        ("o.n", [None]),
        ("o.x", [MISSING]),
        ("s.x", [MISSING]),
        ("o.n.x", [MISSING]),
        ("x.y.z", [MISSING]),
        (".", [9]),
        ("e", [[]]),
        ("e.b", []),
        ("a.b", [1, 2, 3, [2, 3], MISSING]),
        ("a.0", ["zero", MISSING, MISSING, DOCUMENT["a"][0]]),
        ("a.1.b", [MISSING, MISSING, MISSING, 2, 3, [2, 3]]),
        ("a.4.b", [MISSING, MISSING, MISSING, 6]),
        ("a.4.0", [MISSING, MISSING, MISSING, MISSING, {"b": 6}]),
        ("a.3.b", [MISSING, MISSING, MISSING]),
        ("r.$id.k", [1]),
        ("l.$id", [2]),
        ("l.0.$ref", [MISSING, "c"]),
    ],
)
def test_a_query_path_goes_through_arrays(path: str, expected: list[Any]):
    """Names apply to every object of an array, positions to one element, and the last array is taken apart."""
    assert query_values(DOCUMENT, split_path(path)) == expected


def test_an_array_reached_by_position_is_not_taken_apart():
    """A position leads to the element itself."""
    assert query_leaves({"a": [[1, 2]]}, ("a", "0")) == [([1, 2], False)]
    assert query_values({"a": [[1, 2]]}, ("a", "0")) == [[1, 2]]
    assert query_leaves({"a": [[1, 2]]}, ("a",)) == [([[1, 2]], True)]


@pytest.mark.parametrize(
    ("path", "expected"),
    [("o.p.q", 7), ("a.1.b.0", 2), ("a.b", None), ("a.9", None), ("s.x", None), ("x", None), ("a.01", None)],
)
def test_a_plain_path_takes_one_step_at_a_time(path: str, expected: Any):
    """Names in objects, positions in arrays, and the default where it ends."""
    assert get_path(DOCUMENT, split_path(path), None) == expected


def test_positions_are_numbers_written_plainly():
    """Signs, leading zeros, spaces and other digits make a name."""
    assert [array_index(part) for part in ("0", "10", "4294967295")] == [0, 10, 4294967295]
    assert {array_index(part) for part in ("", "01", "-1", "+1", " 1", "1.5", "a", "٣", "9" * 11)} == {-1}


def test_prefixes_are_counted_in_components():
    """A path leads to itself and to what is under it."""
    assert is_prefix(("a",), ("a", "b"))
    assert is_prefix(("a",), ("a",))
    assert not is_prefix(("a", "b"), ("a",))
    assert not is_prefix(("a",), ("ab",))

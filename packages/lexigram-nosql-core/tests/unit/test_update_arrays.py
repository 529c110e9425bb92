"""Operators on arrays."""

from __future__ import annotations

import re
from typing import Any

import pytest
from bson import Binary, Regex
from lexigram.nosql.exceptions import NoSQLError, UpdateError
from lexigram.nosql.update.parse import parse_update


def _apply(old: Any, operator: str, operand: Any, **options: Any) -> tuple[Any, bool]:
    document = {} if old is ... else {"a": old}
    new, changed = parse_update({operator: {"a": operand}}, **options).apply(document)
    return new.get("a", ...), changed


_QUIZ = [{"n": "b", "s": 5}, {"n": "a", "s": 9}, {"n": "c", "s": 5}]


@pytest.mark.parametrize(
    ("old", "operand", "expected"),
    [
        (..., 1, [1]),
        ([1], 2, [1, 2]),
        ([1], [2, 3], [1, [2, 3]]),
        ([1], {"$slice": 3}, [1, {"$slice": 3}]),
        ([1], {"$each": [2, 3]}, [1, 2, 3]),
        (..., {"$each": []}, []),
        ([1, 2], {"$each": [9], "$position": 0}, [9, 1, 2]),
        ([1, 2], {"$each": [8, 9], "$position": 1}, [1, 8, 9, 2]),
        ([1, 2], {"$each": [9], "$position": 7}, [1, 2, 9]),
        ([1, 2, 3], {"$each": [8, 9], "$position": -2}, [1, 8, 9, 2, 3]),
        ([1, 2, 3], {"$each": [9], "$position": -7}, [9, 1, 2, 3]),
        ([1, 2, 3], {"$each": [9], "$position": -3}, [9, 1, 2, 3]),
        (..., {"$each": [9], "$position": -3}, [9]),
        ([1, 2], {"$each": [3], "$slice": 2}, [1, 2]),
        ([1, 2], {"$each": [3], "$slice": -2}, [2, 3]),
        ([1, 2], {"$each": [3], "$slice": 0}, []),
        ([1, 2], {"$each": [3], "$slice": 9}, [1, 2, 3]),
        ([1, 2], {"$each": [3], "$slice": -9}, [1, 2, 3]),
        ([1, 2, 3], {"$each": [], "$slice": -1}, [3]),
        ([1, 2, 3], {"$each": [], "$slice": 1.0}, [1]),
        ([3, 1], {"$each": [2], "$sort": 1}, [1, 2, 3]),
        ([3, 1], {"$each": [2], "$sort": -1}, [3, 2, 1]),
        ([3, "x", None], {"$each": [{"b": 1}], "$sort": 1.0}, [None, 3, "x", {"b": 1}]),
        (_QUIZ, {"$each": [], "$sort": {"s": 1}}, [_QUIZ[0], _QUIZ[2], _QUIZ[1]]),
        (_QUIZ, {"$each": [], "$sort": {"s": -1}}, [_QUIZ[1], _QUIZ[0], _QUIZ[2]]),
        (_QUIZ, {"$each": [], "$sort": {"s": 1, "n": -1}}, [_QUIZ[2], _QUIZ[0], _QUIZ[1]]),
        (
            [{"b": {"c": 2}}],
            {"$each": [{"b": {"c": 1}}, {}, 5], "$sort": {"b.c": 1}},
            [{}, 5, {"b": {"c": 1}}, {"b": {"c": 2}}],
        ),
        ([5, 3], {"$each": [9, 1], "$sort": -1, "$slice": 3}, [9, 5, 3]),
        ([5, 3], {"$slice": -3, "$sort": 1, "$position": 0, "$each": [9, 1]}, [3, 5, 9]),
    ],
)
def test_push_adds_sorts_and_slices(old: Any, operand: Any, expected: list[Any]) -> None:
    """The modifiers work in MongoDB's order, whatever order they are written in."""
    new, changed = _apply(old, "$push", operand)
    assert new == expected
    assert changed


def test_pushing_nothing_changes_nothing() -> None:
    """An empty ``$each`` without sort, and a slice that cuts nothing, are no change."""
    assert _apply([1], "$push", {"$each": []}) == ([1], False)
    assert _apply([1], "$push", {"$each": [], "$slice": 5}) == ([1], False)


def test_pushing_sorts_by_collation() -> None:
    """Text is ordered as the collation says."""
    insensitive = {"locale": "en", "strength": 2}
    assert _apply(["b", "C"], "$push", {"$each": ["a"], "$sort": 1}, collation=insensitive)[0] == ["a", "b", "C"]
    assert _apply(["b", "C"], "$push", {"$each": ["a"], "$sort": 1})[0] == ["C", "a", "b"]


def test_a_sort_is_a_change_but_of_an_empty_array():
    """As MongoDB counts: it takes the elements out and adds them again, so that the same order is a change too."""
    assert _apply([], "$push", {"$each": [], "$sort": 1}) == ([], False)
    assert _apply([], "$push", {"$each": [], "$slice": 0, "$sort": {"b": -1}}) == ([], False)
    assert _apply([1, 2], "$push", {"$each": [], "$sort": 1}) == ([1, 2], True)
    assert _apply([1], "$push", {"$each": [], "$sort": -1, "$slice": 0}) == ([], True)


@pytest.mark.parametrize(
    ("old", "operand", "expected", "changed"),
    [
        (..., 1, [1], True),
        ([1], 1, [1], False),
        ([1], 1.0, [1], False),
        ([1], True, [1, True], True),
        (["x"], "x", ["x"], False),
        (["x"], "y", ["x", "y"], True),
        ([{"b": 1, "c": 2}], {"b": 1, "c": 2}, [{"b": 1, "c": 2}], False),
        ([{"b": 1, "c": 2}], {"c": 2, "b": 1}, [{"b": 1, "c": 2}, {"c": 2, "b": 1}], True),
        ([1], [2, 3], [1, [2, 3]], True),
        ([1], {"$each": [1, 2, 2, 3]}, [1, 2, 3], True),
        ([3, 1], {"$each": [1, 3]}, [3, 1], False),
        (..., {"$each": [2, 1, 2, 1.0]}, [2, 1], True),
        (..., {"$each": []}, [], True),
        ([1], {"x": 1, "$each": [2]}, [1, {"x": 1, "$each": [2]}], True),
        ([b"x"], Binary(b"x", 0), [b"x"], False),
        ([None], None, [None], False),
    ],
)
def test_add_to_set_adds_what_is_not_there(old: Any, operand: Any, expected: list[Any], changed: bool) -> None:
    """Membership is equality in MongoDB's sense; duplicates among the new elements count once."""
    assert _apply(old, "$addToSet", operand) == (expected, changed)


def test_add_to_set_compares_by_collation() -> None:
    """Text that the collation takes for equal is not added."""
    insensitive = {"locale": "en", "strength": 2}
    assert _apply(["a"], "$addToSet", "A", collation=insensitive) == (["a"], False)
    assert _apply(["a"], "$addToSet", {"$each": ["B", "b"]}, collation=insensitive) == (["a", "B"], True)


@pytest.mark.parametrize(
    ("old", "operand", "expected", "changed"),
    [
        ([1, 2, 3], 1, [1, 2], True),
        ([1, 2, 3], -1, [2, 3], True),
        ([1, 2, 3], 1.0, [1, 2], True),
        ([], 1, [], False),
        (..., 1, ..., False),
    ],
)
def test_pop_takes_from_an_end(old: Any, operand: Any, expected: Any, changed: bool) -> None:
    """1 takes the last element, -1 the first."""
    assert _apply(old, "$pop", operand) == (expected, changed)


_SCORES = [{"i": "A", "s": 5}, {"i": "B", "s": 8, "t": [1, 2]}, 8, "B", [8]]


@pytest.mark.parametrize(
    ("old", "operand", "expected"),
    [
        ([1, 2, 1], 1, [2]),
        ([1, 2, 1.0], 1, [2]),
        ([1, [1], 1], [1], [1, 1]),
        ([1, 5, 9], {"$gte": 5}, [1]),
        ([1, 5, 9], {"$gt": 1, "$lt": 9}, [1, 9]),
        ([1, 5, 9], {"$in": [1, 9]}, [5]),
        ([1, 5, 9], {"$nin": [1, 9]}, [1, 9]),
        ([1, 5, 9], {"$ne": 5}, [5]),
        (["ab", "b", 1], re.compile("^a"), ["b", 1]),
        (["ab", "b", 1], Regex("^A", "i"), ["b", 1]),
        (["ab", "b", 1], {"$regex": "^a"}, ["b", 1]),
        (_SCORES, {"s": 8}, [_SCORES[0], 8, "B", [8]]),
        (_SCORES, {"s": {"$gte": 5}, "i": "A"}, _SCORES[1:]),
        (_SCORES, {"t": 2}, [_SCORES[0], 8, "B", [8]]),
        (_SCORES, {"t": {"$elemMatch": {"$gt": 1}}}, [_SCORES[0], 8, "B", [8]]),
        (_SCORES, {"$or": [{"i": "A"}, {"i": "B"}]}, [8, "B", [8]]),
        (_SCORES, {}, [8, "B", [8]]),
        ([{"a": 1, "b": 2}, {"b": 2, "a": 1}, {"a": 1}], {"b": 2, "a": 1}, [{"a": 1}]),
        ([None, 1], None, [1]),
    ],
)
def test_pull_removes_what_meets_the_condition(old: Any, operand: Any, expected: list[Any]) -> None:
    """Values by equality, operators on each element, other mappings as filters on objects."""
    assert _apply(old, "$pull", operand) == (expected, True)


def test_pull_goes_through_a_path() -> None:
    """The array may be deep inside the document."""
    new, changed = parse_update({"$pull": {"a.b.1.c": {"x": 1}}}).apply({"a": {"b": [0, {"c": [{"x": 1}, {"x": 2}]}]}})
    assert changed
    assert new == {"a": {"b": [0, {"c": [{"x": 2}]}]}}


@pytest.mark.parametrize(
    ("operator", "operand"),
    [("$pull", 7), ("$pullAll", [7]), ("$pull", {"$gt": 100}), ("$pull", {"x": 1}), ("$pullAll", [])],
)
def test_pulling_what_is_not_there_changes_nothing(operator: str, operand: Any) -> None:
    """Neither on an array without such elements nor on a field that is not there."""
    assert _apply([1, {"y": 1}], operator, operand) == ([1, {"y": 1}], False)
    assert _apply(..., operator, operand) == (..., False)


def test_pull_compares_by_collation() -> None:
    """Equality and conditions follow the collation."""
    insensitive = {"locale": "en", "strength": 2}
    assert _apply(["a", "A", "b"], "$pull", "a", collation=insensitive) == (["b"], True)
    assert _apply(["a", "A", "b"], "$pull", {"$in": ["a"]}, collation=insensitive) == (["b"], True)
    assert _apply(["a", "A", "b"], "$pullAll", ["a"], collation=insensitive) == (["b"], True)


def test_pull_all_removes_equal_values() -> None:
    """Each listed value goes, wherever it stands; objects must be equal field by field."""
    assert _apply([0, 2, 5, 5, 1, 0], "$pullAll", [0, 5.0]) == ([2, 1], True)
    assert _apply([{"a": 1, "b": 2}, {"a": 1}], "$pullAll", [{"a": 1}]) == ([{"a": 1, "b": 2}], True)


@pytest.mark.parametrize(
    ("old", "operator", "operand", "code"),
    [
        (1, "$push", 1, 2),
        (None, "$push", 1, 2),
        ([], "$push", {"$each": 1}, 2),
        ([], "$push", {"$each": {"0": 1}}, 2),
        ([], "$push", {"$each": [], "$x": 1}, 2),
        ([], "$push", {"$each": [], 5: 1}, 2),
        ([], "$push", {"$each": [], "$slice": "x"}, 2),
        ([], "$push", {"$each": [], "$slice": 1.5}, 2),
        ([], "$push", {"$each": [], "$slice": None}, 2),
        ([], "$push", {"$each": [], "$position": True}, 2),
        ([], "$push", {"$each": [], "$sort": 2}, 2),
        ([], "$push", {"$each": [], "$sort": 1.5}, 2),
        ([], "$push", {"$each": [], "$sort": "x"}, 2),
        ([], "$push", {"$each": [], "$sort": True}, 2),
        ([], "$push", {"$each": [], "$sort": {}}, 2),
        ([], "$push", {"$each": [], "$sort": {"a": 0}}, 2),
        ([], "$push", {"$each": [], "$sort": {"a..b": 1}}, 2),
        ([], "$push", {"$each": [], "$sort": {"": 1}}, 2),
        ([], "$push", {"$each": [], "$sort": {5: 1}}, 2),
        (1, "$addToSet", 1, 2),
        ([], "$addToSet", {"$each": 5}, 14),
        ([], "$addToSet", {"$each": [], "$slice": 5}, 2),
        (1, "$pop", 1, 14),
        ([], "$pop", 2, 9),
        ([], "$pop", "x", 9),
        ([], "$pop", True, 9),
        ([], "$pop", 1.5, 9),
        ([], "$pop", None, 9),
        (1, "$pull", 1, 2),
        (1, "$pullAll", [1], 2),
        ([], "$pullAll", 1, 2),
        ([], "$pullAll", {"a": 1}, 2),
        ([], "$pull", {"$expr": {"$eq": [1, 1]}}, 224),
        ([], "$pull", {"$and": [{"$expr": 1}]}, 224),
        ([], "$pull", {"$jsonSchema": {}}, 224),
        ([], "$pull", {"$text": {"$search": "x"}}, 2),
    ],
)
def test_faults_carry_the_code_of_mongodb(old: Any, operator: str, operand: Any, code: int) -> None:
    """Each wrong operand or field is told by its code."""
    with pytest.raises(UpdateError) as caught:
        _apply(old, operator, operand)
    assert caught.value.mongo_code == code


def test_conditions_of_pull_that_are_no_filter_are_refused() -> None:
    """What a filter may not hold, ``$pull`` may not either."""
    for condition in ({"$foo": 1}, {"a": {"$foo": 1}}, {"$not": {"$gt": 1}}, {"$where": "1"}, {"a": {"$in": 5}}):
        with pytest.raises(NoSQLError):
            parse_update({"$pull": {"a": condition}})

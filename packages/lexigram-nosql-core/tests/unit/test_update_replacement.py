"""Replacing documents, and telling what changed."""

from __future__ import annotations

from typing import Any

import pytest
from lexigram.nosql.exceptions import DocumentValidationError, NoSQLError, UpdateError
from lexigram.nosql.update.diff import describe_change
from lexigram.nosql.update.parse import parse_replacement, parse_update


@pytest.mark.parametrize(
    ("old", "replacement", "expected"),
    [
        ({"_id": 1, "a": 1}, {"b": 2}, {"_id": 1, "b": 2}),
        ({"_id": 1, "a": 1}, {}, {"_id": 1}),
        ({"_id": 1, "a": 1}, {"b": 2, "_id": 1}, {"_id": 1, "b": 2}),
        ({"_id": 1, "a": 1}, {"_id": 1.0}, {"_id": 1.0}),
        ({"_id": 1}, {"a.b": 1, "c": {"$d": 1}}, {"_id": 1, "a.b": 1, "c": {"$d": 1}}),
        ({"a": 1}, {"b": 1}, {"b": 1}),
    ],
)
def test_everything_but_the_id_is_replaced(old: Any, replacement: Any, expected: Any) -> None:
    """The ``_id`` stays and comes first."""
    before = repr(old)
    new, changed = parse_replacement(replacement).apply(old)
    assert changed
    assert new == expected
    assert list(new) == list(expected)
    assert repr(old) == before


def test_replacing_by_the_same_is_no_change() -> None:
    """A document that stays what it was is handed back."""
    old = {"_id": 1, "a": [1, {"b": 2}]}
    new, changed = parse_replacement({"a": [1, {"b": 2}]}).apply(old)
    assert not changed
    assert new is old
    assert parse_replacement({"a": [1, {"b": 2.0}]}).apply(old)[1]


@pytest.mark.parametrize(
    ("replacement", "code"),
    [
        ({"_id": 2}, 66),
        ({"$set": {"a": 1}}, 52),
        ({"a": 1, "$b": 2}, 52),
        (5, 9),
        ([{"$set": {"a": 1}}], 9),
        (None, 9),
    ],
)
def test_what_is_no_replacement_is_refused(replacement: Any, code: int) -> None:
    """Operators, other ids and other types are faults."""
    with pytest.raises(UpdateError) as caught:
        parse_replacement(replacement).apply({"_id": 1})
    assert caught.value.mongo_code == code


def test_replacements_are_checked_like_documents() -> None:
    """What documents do not hold, replacements do not either."""
    for bad in ({"a": {1, 2}}, {5: 1}, {"_id": [1]}, {"a": "\ud800"}):
        with pytest.raises(DocumentValidationError):
            parse_replacement(bad)
    cyclic: dict[str, Any] = {}
    cyclic["a"] = cyclic
    with pytest.raises(NoSQLError):
        parse_replacement(cyclic)


def test_documents_that_were_replaced_share_nothing() -> None:
    """Two documents replaced by one replacement, and what the caller holds, are apart."""
    given = {"a": [1]}
    replacement = parse_replacement(given)
    first, second = replacement.apply({"_id": 1})[0], replacement.apply({"_id": 2})[0]
    first["a"].append(2)
    given["a"].append(3)
    assert second == {"_id": 2, "a": [1]}
    assert replacement.apply({"_id": 3})[0] == {"_id": 3, "a": [1]}


@pytest.mark.parametrize(
    ("old", "new", "updated", "removed"),
    [
        ({"a": 1}, {"a": 1}, {}, []),
        ({"a": 1}, {"a": 2}, {"a": 2}, []),
        ({"a": 1}, {"a": 1.0}, {"a": 1.0}, []),
        ({"a": 1, "b": 2}, {"b": 2, "c": 3}, {"c": 3}, ["a"]),
        ({"a": {"b": 1, "c": 2}}, {"a": {"b": 5, "d": 1}}, {"a.b": 5, "a.d": 1}, ["a.c"]),
        ({"a": {"b": 1}}, {"a": [1]}, {"a": [1]}, []),
        ({"a": {}}, {"a": {"b": 1}}, {"a.b": 1}, []),
        ({"a": [1, 2, 3, 4]}, {"a": [1, 9, 3, 4, 5]}, {"a.1": 9, "a.4": 5}, []),
        ({"a": [1]}, {"a": [1, 2]}, {"a.1": 2}, []),
        ({"a": []}, {"a": [1]}, {"a": [1]}, []),
        ({"a": [1, 2, 3]}, {"a": [1, 2]}, {"a": [1, 2]}, []),
        ({"a": [1, 2]}, {"a": [3, 4]}, {"a": [3, 4]}, []),
        ({"a": [{"b": 1}, 2]}, {"a": [{"b": 2}, 2]}, {"a.0.b": 2}, []),
        ({"a": [1, 2]}, {"a": [1, 2]}, {}, []),
        ({"a": {"b": [1]}, "c": [1, {}]}, {"a": {"b": [1]}, "c": [1, {}]}, {}, []),
        ({"a": 1.5}, {"a": float("1.5")}, {}, []),
        ({"a": 1, "b": 2}, {"b": 2, "a": 1}, {}, []),
    ],
)
def test_a_change_is_described_by_paths(old: Any, new: Any, updated: Any, removed: Any) -> None:
    """What was set, by the deepest path, and what went."""
    description = describe_change(old, new)
    assert description.updated_fields == updated
    assert description.removed_fields == removed


def test_updates_describe_their_changes() -> None:
    """The description holds copies."""
    old = {"_id": 1, "a": {"b": 1}, "c": [1]}
    new, _ = parse_update({"$set": {"a.d": [1]}, "$unset": {"c": 1}}).apply(old)
    description = parse_update({"$set": {"a": 1}}).diff(old, new)
    assert description.updated_fields == {"a.d": [1]}
    assert description.removed_fields == ["c"]
    description.updated_fields["a.d"].append(2)
    assert new["a"]["d"] == [1]

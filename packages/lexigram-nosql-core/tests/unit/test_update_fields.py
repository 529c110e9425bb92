"""Operators on any field: what they store, and when they count as a change."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from bson import Timestamp
from lexigram.nosql.exceptions import UpdateError
from lexigram.nosql.query.parse import parse_filter
from lexigram.nosql.update.parse import parse_update

_NAN = float("nan")


def _apply(document: dict[str, Any], update: Any, **options: Any) -> tuple[dict[str, Any], bool]:
    return parse_update(update, **options).apply(document)


def _new(document: dict[str, Any], update: Any, **options: Any) -> dict[str, Any]:
    return _apply(document, update, **options)[0]


def _code(document: dict[str, Any], update: Any) -> int | None:
    with pytest.raises(UpdateError) as caught:
        _apply(document, update)
    return caught.value.mongo_code


@pytest.mark.parametrize(
    ("document", "update", "expected"),
    [
        ({"a": 1}, {"$set": {"a": 2}}, {"a": 2}),
        ({"a": 1}, {"$set": {"b": None}}, {"a": 1, "b": None}),
        ({"a": 1}, {"$set": {"a": [1, {"b": 2}]}}, {"a": [1, {"b": 2}]}),
        ({"a": {"b": 1, "c": 2}}, {"$set": {"a.b": 5}}, {"a": {"b": 5, "c": 2}}),
        ({"a": 1}, {"$set": {"b": {"$c": 1, "d.e": 2}}}, {"a": 1, "b": {"$c": 1, "d.e": 2}}),
        ({"a": {}}, {"$set": {"a.$b": 1}}, {"a": {"$b": 1}}),
        ({"a": 1, "b": 2}, {"$unset": {"a": ""}}, {"b": 2}),
        ({"a": {"b": 1}}, {"$unset": {"a.b": 1}}, {"a": {}}),
        ({"a": [1, 2, 3]}, {"$unset": {"a.1": 1}}, {"a": [1, None, 3]}),
        ({"$x": 1}, {"$unset": {"$x": 1}}, {}),
        ({"a": 5}, {"$min": {"a": 3}}, {"a": 3}),
        ({"a": 5}, {"$max": {"a": 7}}, {"a": 7}),
        ({}, {"$min": {"a": 3}, "$max": {"b": 4}}, {"a": 3, "b": 4}),
        ({"a": 5}, {"$min": {"a": None}}, {"a": None}),
        ({"a": 5}, {"$max": {"a": "x"}}, {"a": "x"}),
        ({"a": "x"}, {"$max": {"a": {"b": 1}}}, {"a": {"b": 1}}),
        ({"a": 1}, {"$rename": {"a": "b"}}, {"b": 1}),
        ({"a": 1, "b": 2}, {"$rename": {"a": "b"}}, {"b": 1}),
        ({"a": {"b": 1, "c": 2}}, {"$rename": {"a.b": "a.d"}}, {"a": {"c": 2, "d": 1}}),
        ({"a": {"b": 1}}, {"$rename": {"a.b": "c.d"}}, {"a": {}, "c": {"d": 1}}),
        ({"a": {"b": {"c": 1}}}, {"$rename": {"a": "z.y"}}, {"z": {"y": {"b": {"c": 1}}}}),
        ({"a": [1, 2]}, {"$rename": {"a": "b"}}, {"b": [1, 2]}),
        ({"a": 1}, {"$set": {}}, {"a": 1}),
        ({"a": 1}, {"$set": {"b": 2}, "$unset": {"a": 1}, "$inc": {"c": 3}}, {"b": 2, "c": 3}),
    ],
)
def test_operators_give_the_documents_of_the_manual(
    document: dict[str, Any], update: Any, expected: dict[str, Any]
) -> None:
    """Each operator gives the document that MongoDB gives, fields in the same order."""
    new = _new(document, update)
    assert new == expected
    assert list(new) == list(expected)


@pytest.mark.parametrize(
    ("document", "update"),
    [
        ({"a": 1}, {"$set": {"a": 1}}),
        ({"a": _NAN}, {"$set": {"a": float("nan")}}),
        ({"a": {"b": [1, "x"]}}, {"$set": {"a": {"b": [1, "x"]}}}),
        ({"_id": 1}, {"$set": {"_id": 1}}),
        ({"a": 1}, {"$unset": {"b": 1}}),
        ({"a": 1}, {"$unset": {"a.b.c": 1}}),
        ({"a": [1]}, {"$unset": {"a.5": 1, "a.x": 1}}),
        ({"a": [None]}, {"$unset": {"a.0": 1}}),
        ({"a": 1}, {"$min": {"a": 1.0}}),
        ({"a": 1}, {"$min": {"a": 2}}),
        ({"a": 1}, {"$max": {"a": Decimal("1.00")}}),
        ({"a": 1}, {"$max": {"a": -1}}),
        ({"a": 1}, {"$rename": {"b": "c"}}),
        ({"a": {}}, {"$rename": {"a.b.c": "d"}}),
        ({"a": []}, {"$rename": {"a.0": "d"}}),
        ({"a": 1}, {"$rename": {"x": "a.b"}}),
        ({"a": 1}, {"$setOnInsert": {"a": 2, "b.c": 3, "a2.b": 4}}),
        ({"a": 1}, {"$set": {}}),
    ],
)
def test_what_changes_nothing_is_no_change_and_gives_the_same_document(document: dict[str, Any], update: Any) -> None:
    """An update without effect reports no change and hands back the very document."""
    new, changed = _apply(document, update)
    assert changed is False
    assert new is document


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (1, 1.0),
        (1, True),
        (0.0, -0.0),
        (Decimal("1.0"), Decimal("1.00")),
        ({"a": 1, "b": 2}, {"b": 2, "a": 1}),
        ([1, 2], [2, 1]),
        ([1], [1, 2]),
        ({"a": 1}, {"a": 1.0}),
        (b"x", b"y"),
        (1.5, _NAN),
        (None, 0),
    ],
)
def test_setting_another_form_of_an_equal_value_is_a_change(old: Any, new: Any) -> None:
    """What would be stored in other bytes counts as modified."""
    document, changed = _apply({"a": old}, {"$set": {"a": new}})
    assert changed is True
    assert type(document["a"]) is type(new)


def test_fields_are_made_in_order_of_their_names_and_numbers_by_size() -> None:
    """New fields come in the order of MongoDB 5.0 and later, whatever order was written."""
    new = _new({"x": 0}, {"$set": {"z": 1, "10": 1, "9": 1, "09": 1, "b.10": 1, "b.9": 1}, "$inc": {"a": 1}})
    assert list(new) == ["x", "09", "9", "10", "a", "b", "z"]
    assert list(new["b"]) == ["9", "10"]


def test_current_date_stores_the_time_in_milliseconds() -> None:
    """``true`` and ``date`` give a date in UTC that loses nothing when stored."""
    before = datetime.now(UTC)
    new, changed = _apply({"a": 1}, {"$currentDate": {"a": True, "b": {"$type": "date"}, "c": False}})
    assert changed
    for name in "abc":
        moment = new[name]
        assert moment.microsecond % 1000 == 0
        assert moment.tzinfo is not None
        assert abs((moment - before).total_seconds()) < 60


def test_current_date_stores_timestamps_that_grow() -> None:
    """``timestamp`` gives a ``bson.Timestamp``, each later than the one before."""
    update = parse_update({"$currentDate": {"a": {"$type": "timestamp"}}})
    first, second = update.apply({})[0]["a"], update.apply({})[0]["a"]
    assert isinstance(first, Timestamp)
    assert first < second


@pytest.mark.parametrize("spec", [1, "date", None, {"$type": "now"}, {"$type": 9}, {"$type": "date", "x": 1}, {}, []])
def test_current_date_refuses_other_specifications(spec: Any) -> None:
    """Everything but true, date and timestamp is a fault of the update."""
    assert _code({}, {"$currentDate": {"a": spec}}) == 2


def test_set_on_insert_works_only_while_an_upsert_builds_its_document() -> None:
    """``$setOnInsert`` leaves documents that are there alone."""
    update = parse_update({"$set": {"a": 1}, "$setOnInsert": {"b": [2]}})
    assert update.apply({})[0] == {"a": 1}
    assert update.build_upsert(parse_filter({"c": 3})) == {"c": 3, "a": 1, "b": [2]}
    assert update.build_upsert(parse_filter({"b": [2]})) == {"b": [2], "a": 1}


@pytest.mark.parametrize(
    ("document", "update", "code"),
    [
        ({"a": 1}, {"$rename": {"a": "a"}}, 2),
        ({"a": 1}, {"$rename": {"a": "a.b"}}, 2),
        ({"a": {"b": 1}}, {"$rename": {"a.b": "a"}}, 2),
        ({"a": 1}, {"$rename": {"a": 5}}, 2),
        ({"a": 1}, {"$rename": {"a": ""}}, 56),
        ({"a": 1}, {"$rename": {"a": "b..c"}}, 56),
        ({"a": 1}, {"$rename": {"a": "$b"}}, 52),
        ({"a": [1]}, {"$rename": {"a.0": "b"}}, 2),
        ({"a": [{"b": 1}]}, {"$rename": {"a.0.b": "c"}}, 2),
        ({"a": [{"b": 1}]}, {"$rename": {"a.b": "c"}}, 28),
        ({"a": 1}, {"$rename": {"a.b": "c"}}, 28),
        ({"a": 1, "b": [1]}, {"$rename": {"a": "b.0"}}, 2),
        ({"a": 1, "b": [{"c": 1}]}, {"$rename": {"a": "b.0.c"}}, 2),
        ({"a": 1, "b": 2}, {"$rename": {"a": "b.c"}}, 28),
        ({"a": 1}, {"$rename": {"a.$[]": "b"}}, 2),
        ({"a": 1}, {"$rename": {"a": "b.$"}}, 2),
        ({"a": 1}, {"$rename": {"a": "b", "b": "c"}}, 40),
        ({"a": 1}, {"$rename": {"a": "b"}, "$set": {"b": 2}}, 40),
        ({"a": 1}, {"$rename": {"a": "b"}, "$set": {"a.x": 2}}, 40),
        ({"_id": 1, "a": 1}, {"$rename": {"_id": "b"}}, 66),
        ({"_id": 1, "a": 1}, {"$rename": {"a": "_id"}}, 66),
        ({"_id": 1}, {"$set": {"_id": 2}}, 66),
        ({"_id": 1}, {"$set": {"_id": 1.0}}, 66),
        ({"_id": {"a": 1}}, {"$set": {"_id.a": 2}}, 66),
        ({"_id": {"a": 1}}, {"$unset": {"_id.a": 2}}, 66),
        ({"_id": 1}, {"$unset": {"_id": 2}}, 66),
        ({"_id": 1}, {"$inc": {"_id": 2}}, 66),
        ({"_id": 1}, {"$set": {"a": 1, "_id": 2}}, 66),
        ({}, {"$set": {"_id": [1]}}, 53),
        ({}, {"$set": {"$a": 1}}, 52),
        ({}, {"$inc": {"$a.b": 1}}, 52),
        ({}, {"$push": {"$a": 1}}, 52),
    ],
)
def test_faults_carry_the_code_of_mongodb(document: dict[str, Any], update: Any, code: int) -> None:
    """Services branch on these codes."""
    assert _code(document, update) == code


def test_errors_say_which_document_was_concerned() -> None:
    """The ``_id`` of the document is among the error's details."""
    with pytest.raises(UpdateError) as caught:
        _apply({"_id": 7, "a": "x"}, {"$inc": {"a": 1}})
    assert caught.value.details["document_id"] == 7


def test_renaming_may_not_nest_a_document_too_deep() -> None:
    """Moving a value deeper is refused where the document would get more than 100 levels."""
    value: Any = 1
    for _ in range(98):
        value = {"n": value}
    assert _code({"a": value}, {"$rename": {"a": "b.c.d"}}) == 15
    assert _new({"a": value}, {"$rename": {"a": "b.c"}})["b"]["c"] == value


def test_minimum_and_maximum_follow_the_collation() -> None:
    """With a collation that ignores case, text that differs in case only is neither less nor greater."""
    insensitive = {"locale": "en", "strength": 2}
    assert _new({"a": "b"}, {"$min": {"a": "B"}}) == {"a": "B"}
    assert _new({"a": "b"}, {"$min": {"a": "B"}}, collation=insensitive) == {"a": "b"}
    assert _new({"a": "b"}, {"$max": {"a": "C"}}, collation=insensitive) == {"a": "C"}

"""Reading updates: what is refused, what is kept, and what backends and planners are told."""

from __future__ import annotations

import re
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from enum import StrEnum
from types import MappingProxyType
from typing import Any

import pytest
from lexigram.nosql.exceptions import DocumentValidationError, NoSQLError, UpdateError
from lexigram.nosql.query.parse import parse_filter
from lexigram.nosql.update import parse
from lexigram.nosql.update.ast import AddToSet, Operation, Pull, Push, UpdatePath
from lexigram.nosql.update.parse import parse_replacement, parse_update


@pytest.mark.parametrize(
    ("update", "code"),
    [
        ({}, 9),
        ([], 9),
        ({"a": 1}, 9),
        ({"$set": {"a": 1}, "b": 2}, 9),
        ({"a": 1, "$set": {"b": 2}}, 9),
        ({"$foo": {"a": 1}}, 9),
        ({"$addFields": {"a": 1}}, 9),
        ({"$set": 5}, 9),
        ({"$set": "abc"}, 9),
        ({"$set": [["a", 1]]}, 9),
        ({"$set": None}, 9),
        ({5: {"a": 1}}, 9),
        ({("$set",): {"a": 1}}, 9),
        (None, 9),
        (5, 9),
        ("$set", 9),
        (b"$set", 9),
        ([5], 9),
        ([[]], 9),
    ],
)
def test_what_is_no_update_is_refused(update: Any, code: int) -> None:
    """An update is a mapping of operators, each with a mapping of fields, or a list of stages."""
    with pytest.raises(UpdateError) as caught:
        parse_update(update)
    assert caught.value.mongo_code == code


def test_unknown_operators_are_answered_with_a_suggestion() -> None:
    """A near miss is named."""
    with pytest.raises(UpdateError) as caught:
        parse_update({"$psuh": {"a": 1}})
    assert caught.value.hint is not None
    assert "$push" in caught.value.hint


def test_stages_outside_a_list_are_recognised() -> None:
    """The error says how a pipeline is given."""
    with pytest.raises(UpdateError) as caught:
        parse_update({"$addFields": {"a": 1}})
    assert caught.value.hint is not None
    assert "[{'$addFields'" in caught.value.hint


def _deep(depth: int) -> Any:
    value: Any = 1
    for _ in range(depth):
        value = {"a": value}
    return value


def _cyclic() -> Any:
    value: dict[str, Any] = {}
    value["self"] = [value]
    return value


@pytest.mark.parametrize("operator", ["$set", "$push", "$addToSet", "$pull", "$min", "$inc", "$bit", "$pop", "$rename"])
@pytest.mark.parametrize(
    "make",
    [lambda: _deep(10_000), _cyclic, lambda: "\ud800", lambda: {1, 2}, lambda: {"a": object()}, lambda: 2**64],
    ids=["deep", "cyclic", "surrogate", "set", "object", "huge"],
)
def test_values_that_documents_do_not_hold_are_refused(operator: str, make: Any) -> None:
    """Whatever the operator, the fault is one of ours, found while the update is read."""
    with pytest.raises(NoSQLError):
        parse_update({operator: {"a": make()}})


def test_constants_are_normalised() -> None:
    """Dates become UTC in milliseconds, tuples lists, other mappings dicts."""
    moment = datetime(2026, 1, 1, 12, 0, 0, 123456, timezone(timedelta(hours=2)))
    new, _ = parse_update({"$set": {"a": moment, "b": (1, 2), "c": MappingProxyType({"d": 1})}}).apply({})
    assert new["a"].utcoffset() == timedelta(0)
    assert new["a"].microsecond == 123000
    assert new["b"] == [1, 2]
    assert type(new["c"]) is dict


def test_mappings_and_enumerations_of_operators_are_understood() -> None:
    """Any mapping serves, and operators may be members of a text enumeration."""

    class Op(StrEnum):
        SET = "$set"
        INC = "$inc"

    update = parse_update(MappingProxyType({Op.SET: MappingProxyType({"a": 1}), Op.INC: {"b": 2}}))
    assert update.apply({})[0] == {"a": 1, "b": 2}
    assert [operation.operator for operation in update.operations] == ["$set", "$inc"]


def test_a_shape_is_compiled_once() -> None:
    """The same operators and paths with other constants need no second compilation."""
    parse._shapes.clear()
    for number in range(5):
        assert parse_update({"$set": {"a": number}, "$rename": {"x": "y"}}).apply({})[0] == {"a": number}
    assert len(parse._shapes) == 1
    parse_update({"$set": {"a": 1}, "$rename": {"x": "z"}})
    parse_update({"$set": {"b": 1}})
    assert len(parse._shapes) == 3


def test_shapes_that_are_kept_are_bounded() -> None:
    """Endlessly many shapes do not fill the memory, and updates of many fields are not kept."""
    parse._shapes.clear()
    for number in range(parse._MOST_SHAPES + 20):
        parse_update({"$set": {f"f{number}": 1}})
    assert len(parse._shapes) == parse._MOST_SHAPES
    parse._shapes.clear()
    wide = {"$set": {f"f{number}": number for number in range(500)}}
    assert parse_update(wide).apply({})[0] == dict(sorted(wide["$set"].items()))
    assert parse._shapes == {}


def test_shapes_are_told_apart() -> None:
    """Names that are spread over operators in another way, or filters with other names, are another shape."""
    parse._shapes.clear()
    parse_update({"$set": {"a": 1}, "$inc": {"b": 1}})
    with pytest.raises(UpdateError):
        parse_update({"$set": {"a": 1, None: 1, "$inc": 1, "b": 1}})
    parse_update({"$set": {"a.$[x]": 1}}, array_filters=[{"x": 1}])
    with pytest.raises(UpdateError):
        parse_update({"$set": {"a.$[x]": 1}}, array_filters=[{"y": 1}])
    assert parse_update({"$min": {"a": "B"}}).apply({"a": "b"})[1]
    assert not parse_update({"$min": {"a": "B"}}, collation={"locale": "en", "strength": 1}).apply({"a": "b"})[1]


def test_a_parsed_update_is_taken_as_it_is() -> None:
    """Parsing twice does nothing, and array filters cannot be added later."""
    update = parse_update({"$set": {"a": 1}})
    assert parse_update(update) is update
    with pytest.raises(UpdateError):
        parse_update(update, array_filters=[{"x": 1}])
    replacement = parse_replacement({"a": 1})
    assert parse_replacement(replacement) is replacement


_WRITTEN: dict[str, Any] = {
    "$set": {"a": {"b": [1]}},
    "$unset": {"b": ""},
    "$inc": {"c": 1},
    "$mul": {"d": 2.5},
    "$min": {"e": Decimal("1.5")},
    "$max": {"f": "x"},
    "$setOnInsert": {"g": [1]},
    "$currentDate": {"h": True, "i": {"$type": "timestamp"}},
    "$rename": {"j": "k"},
    "$push": {
        "l": 1,
        "m": {"$each": [1], "$position": 0, "$slice": -3, "$sort": {"x": -1}},
        "n.$[q]": {"$each": [2], "$sort": 1},
    },
    "$addToSet": {"o": 1, "p": {"$each": [1, 2]}},
    "$pop": {"q": -1},
    "$pull": {"r": {"$gt": 5}, "s": 3},
    "$pullAll": {"t": [1, 2]},
    "$bit": {"u": {"and": 5, "or": 1}},
}


def test_updates_are_written_as_they_were_read() -> None:
    """``to_document`` gives an update that means the same."""
    update = parse_update(_WRITTEN, array_filters=[{"q": 1}])
    assert update.to_document() == _WRITTEN
    assert update.to_document() is not update.to_document()
    assert [item.identifier for item in update.array_filters] == ["q"]
    assert not update.is_pipeline
    assert update.collation is None


def test_operations_describe_the_update_for_backends() -> None:
    """Operator, path and operand, in the order written."""
    operations = parse_update(
        {
            "$set": {"a.0.b": [1]},
            "$rename": {"c": "d"},
            "$push": {"e": {"$each": [1, 2], "$slice": 5, "$sort": {"x": 1.0}}},
            "$addToSet": {"f": 1},
            "$pull": {"g": {"x": 1}},
            "$currentDate": {"h": True},
            "$unset": {"i": 1},
        }
    ).operations
    assert operations[0] == Operation("$set", UpdatePath("a.0.b", ("a", "0", "b")), [1])
    assert operations[1].operand == UpdatePath("d", ("d",))
    assert str(operations[1].operand) == "d"
    assert operations[2].operand == Push((1, 2), None, 5, (("x", 1),), True)
    assert operations[3].operand == AddToSet((1,), False)
    assert operations[4].operand == Pull({"x": 1})
    assert operations[4].operand.query is not None
    assert operations[5].operand == "date"
    assert operations[6].operand is None


@pytest.mark.parametrize(
    ("path", "plain", "positional", "identifiers"),
    [
        ("a.b", True, False, ()),
        ("a.$.b", False, True, ()),
        ("a.$[].b", False, False, ()),
        ("a.$[x].b.$[y]", False, False, ("x", "y")),
    ],
)
def test_paths_tell_what_they_hold(path: str, plain: bool, positional: bool, identifiers: tuple[str, ...]) -> None:
    """A backend sees at once whether it can address a path."""
    read = UpdatePath(path, tuple(path.split(".")))
    assert (read.is_plain, read.is_positional, read.identifiers) == (plain, positional, identifiers)


@pytest.mark.parametrize(
    ("path", "touched"),
    [
        ("a", True),
        ("a.b", True),
        ("a.b.c", True),
        ("a.5.b", True),
        ("a.c", False),
        ("c", True),
        ("c.d", True),
        ("x", True),
        ("y.z", True),
        ("y", True),
        ("y.w", False),
        ("d", False),
    ],
)
def test_an_update_tells_which_paths_it_may_change(path: str, touched: bool) -> None:
    """Prefixes in both directions count, positions stand for anything."""
    update = parse_update({"$set": {"a.$[].b": 1, "c": 1}, "$rename": {"x": "y.z"}})
    assert update.touches(path) is touched


def test_positional_updates_are_told() -> None:
    """Only ``$`` makes an update depend on the filter's match."""
    assert parse_update({"$set": {"a.$.b": 1}}).has_positional
    assert not parse_update({"$set": {"a.$[].b": 1}}).has_positional


def test_constants_are_shared_neither_with_the_caller_nor_between_documents() -> None:
    """Changing one document, or the update's own operands, shows nowhere else."""
    constant = {"x": [1]}
    spec = {
        "$set": {"a": constant},
        "$setOnInsert": {"b": constant},
        "$push": {"c": constant, "d": {"$each": [constant]}},
        "$addToSet": {"e": constant},
        "$min": {"f": constant},
        "$max": {"g": constant},
    }
    update = parse_update(spec)
    first, second = update.apply({})[0], update.apply({})[0]
    upserted = update.build_upsert(parse_filter({"h": constant}))
    written = update.to_document()
    for document in (first, second, upserted):
        expected = {"a", "c", "d", "e", "f", "g"} | ({"b", "h"} if document is upserted else set())
        assert set(document) == expected
    for name in ("a", "f", "g"):
        first[name]["x"].append(2)
    for name in ("c", "d", "e"):
        first[name][0]["x"].append(2)
    upserted["h"]["x"].append(2)
    written["$set"]["a"]["x"].append(2)
    constant["x"].append(3)
    third = update.apply({})[0]
    assert second == third
    assert third["a"] == {"x": [1]}
    assert third["c"] == [{"x": [1]}]
    existing = update.apply({"c": [], "d": [], "e": []})[0]
    existing["e"][0]["x"].append(9)
    assert update.apply({"e": []})[0]["e"] == [{"x": [1]}]


def test_what_an_update_does_not_touch_is_shared() -> None:
    """The new document is made anew only along the paths that change."""
    document = {"_id": 1, "a": {"b": {"c": 1}, "d": {"e": [1]}}, "f": [{"g": 1}, {"h": 2}], "i": {"j": 1}}
    new, _ = parse_update({"$set": {"a.b.c": 2, "f.1.h": 3}}).apply(document)
    assert new["i"] is document["i"]
    assert new["a"]["d"] is document["a"]["d"]
    assert new["f"][0] is document["f"][0]
    assert new["f"] is not document["f"]
    assert document == {"_id": 1, "a": {"b": {"c": 1}, "d": {"e": [1]}}, "f": [{"g": 1}, {"h": 2}], "i": {"j": 1}}


def test_regular_expressions_are_values_to_set() -> None:
    """Where a value is stored, a pattern is one."""
    pattern = re.compile("^a")
    assert parse_update({"$set": {"a": pattern}}).apply({})[0] == {"a": pattern}
    with pytest.raises(UpdateError) as caught:
        parse_update({"$set": {"_id": pattern}}).apply({})
    assert caught.value.mongo_code == 53


def test_huge_documents_are_updated_without_being_walked() -> None:
    """An update of one field of a large document shares everything else."""
    document = {"_id": 1, "n": 1, "data": [{"x": "y" * 100} for _ in range(20_000)]}
    new, changed = parse_update({"$inc": {"n": 1}}).apply(document)
    assert changed
    assert new["data"] is document["data"]


def test_the_fault_of_a_value_names_its_path() -> None:
    """The path in the update leads to the value."""
    with pytest.raises(DocumentValidationError) as caught:
        parse_update({"$set": {"a.b": {"c": [{1, 2}]}}})
    assert caught.value.path == "a.b.c.0"

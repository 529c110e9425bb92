"""Paths of updates: what they make, where they may not go, and which elements they stand for."""

from __future__ import annotations

from typing import Any

import pytest
from lexigram.nosql.exceptions import DocumentValidationError, NoSQLError, UpdateError
from lexigram.nosql.query.parse import parse_filter
from lexigram.nosql.update.parse import parse_update


def _new(document: dict[str, Any], update: Any, filter: Any = None, array_filters: Any = None) -> dict[str, Any]:
    query = None if filter is None else parse_filter(filter)
    return parse_update(update, array_filters=array_filters).apply(document, query)[0]


def _code(document: dict[str, Any], update: Any, filter: Any = None, array_filters: Any = None) -> int | None:
    with pytest.raises(UpdateError) as caught:
        _new(document, update, filter, array_filters)
    return caught.value.mongo_code


@pytest.mark.parametrize(
    ("document", "update", "expected"),
    [
        ({}, {"$set": {"a.b.c": 1}}, {"a": {"b": {"c": 1}}}),
        ({}, {"$set": {"a.0": 1}}, {"a": {"0": 1}}),
        ({"a": []}, {"$set": {"a.0": 1}}, {"a": [1]}),
        ({"a": [1]}, {"$set": {"a.3": 4}}, {"a": [1, None, None, 4]}),
        ({"a": [1]}, {"$set": {"a.2.b.c": 4}}, {"a": [1, None, {"b": {"c": 4}}]}),
        ({"a": [1]}, {"$set": {"a.1.0": 4}}, {"a": [1, {"0": 4}]}),
        ({"a": [[1]]}, {"$set": {"a.0.1": 4}}, {"a": [[1, 4]]}),
        ({"a": [1, 2]}, {"$set": {"a.0": 9, "a.3": 8, "a.10": 7}}, {"a": [9, 2, None, 8, *[None] * 6, 7]}),
        ({"a": [1, 2]}, {"$set": {"a.00": 9}}, {"a": [9, 2]}),
        ({"a": {"b": 1}}, {"$set": {"a.c": 2, "a.d.e": 3}}, {"a": {"b": 1, "c": 2, "d": {"e": 3}}}),
        ({}, {"$push": {"a.b": 1}}, {"a": {"b": [1]}}),
        ({}, {"$pull": {"a.b": 1}, "$unset": {"c.d": 1}, "$pop": {"e.f": 1}}, {}),
        ({}, {"$unset": {"a.b": 1}, "$set": {"a.c": 1}}, {"a": {"c": 1}}),
        ({"a": [{"b": 1}, {"b": 2}]}, {"$inc": {"a.1.b": 5}}, {"a": [{"b": 1}, {"b": 7}]}),
        ({"a": [1]}, {"$pull": {"a.5": 1}, "$unset": {"a.7.x": 1}}, {"a": [1]}),
        ({"": 1}, {"$set": {"c": 5}}, {"": 1, "c": 5}),
        ({"a": {"$[x": 1}}, {"$inc": {"a.$[x": 1}}, {"a": {"$[x": 2}}),
    ],
)
def test_paths_make_what_is_not_there(document: dict[str, Any], update: Any, expected: dict[str, Any]) -> None:
    """Names make objects, positions beyond an array's end make nulls."""
    assert _new(document, update) == expected


@pytest.mark.parametrize(
    "operator", ["$set", "$inc", "$push", "$addToSet", "$pull", "$pullAll", "$pop", "$bit", "$min"]
)
@pytest.mark.parametrize("document", [{"a": 1}, {"a": None}, {"a": "x"}, {"a": [{"b": 1}]}])
def test_paths_through_values_without_fields_are_not_viable(document: dict[str, Any], operator: str) -> None:
    """A scalar has no fields, and an array only positions."""
    operand: Any = {"$pullAll": [1], "$bit": {"or": 1}}.get(operator, 1)
    assert _code(document, {operator: {"a.b": operand}}) == 28
    assert _code(document, {operator: {"a.b.c": operand}}) == 28


def test_a_fault_leaves_the_document_as_it_was() -> None:
    """What was computed before a fault shows nowhere."""
    document = {"_id": 1, "a": 1, "b": {"c": [1]}, "z": "x"}
    before = repr(document)
    assert _code(document, {"$set": {"a": 2, "b.c.0": 5}, "$inc": {"z": 1}}) == 14
    assert repr(document) == before


def test_padding_has_a_limit() -> None:
    """An update does not add more nulls to an array than MongoDB does."""
    assert len(_new({"a": []}, {"$set": {"a.1500000": 1}})["a"]) == 1_500_001
    assert _code({"a": []}, {"$set": {"a.1500001": 1}}) == 34
    assert _code({"a": []}, {"$set": {"a." + "9" * 40: 1}}) == 34


@pytest.mark.parametrize(
    ("update", "code"),
    [
        ({"$set": {"": 1}}, 56),
        ({"$set": {"a.": 1}}, 56),
        ({"$set": {".a": 1}}, 56),
        ({"$set": {"a..b": 1}}, 56),
        ({"$set": {"$": 1}}, 2),
        ({"$set": {"$.a": 1}}, 2),
        ({"$set": {"$[]": 1}}, 2),
        ({"$set": {"$[x].a": 1}}, 2),
        ({"$set": {"a.$.b.$": 1}}, 2),
        ({"$set": {"a.$[x]": 1}}, 2),
        ({"$set": {"a": 1, "a.b": 1}}, 40),
        ({"$set": {"a.b": 1, "a": 1}}, 40),
        ({"$set": {"a": 1}, "$inc": {"a": 1}}, 40),
        ({"$set": {"a.b.c": 1}, "$unset": {"a.b": 1}}, 40),
        ({"$set": {"a": 1}, "$setOnInsert": {"a": 1}}, 40),
        ({"$set": {"a.$[]": 1, "a.b": 1}}, 40),
        ({"$set": {"a.$[]": 1, "a.0": 1}}, 40),
        ({"$set": {"a.$[]": 1, "a.$": 1}}, 40),
        ({"$set": {"a.$": 1, "a.$.b": 1}}, 40),
        ({"$set": {"a.$[].b": 1}, "$inc": {"a.$[].b": 1}}, 40),
        ({"$set": {"a": 1}, "$push": {"a.$[]": 1}}, 40),
        ({"$set": {".".join("a" * 101): 1}}, 15),
    ],
)
def test_paths_that_cannot_be_are_refused_before_any_document(update: Any, code: int) -> None:
    """Empty components, misplaced placeholders and conflicts are faults of the update itself."""
    with pytest.raises(UpdateError) as caught:
        parse_update(update)
    assert caught.value.mongo_code == code


@pytest.mark.parametrize(
    ("document", "filter", "update", "expected"),
    [
        ({"a": [1, 2, 3]}, {"a": 2}, {"$set": {"a.$": 9}}, {"a": [1, 9, 3]}),
        ({"a": [1, 2, 3]}, {"a": {"$gt": 1}}, {"$inc": {"a.$": 10}}, {"a": [1, 12, 3]}),
        ({"a": [{"b": 1}, {"b": 2}]}, {"a.b": 2}, {"$set": {"a.$.c": 5}}, {"a": [{"b": 1}, {"b": 2, "c": 5}]}),
        (
            {"a": [{"b": 1, "c": 1}, {"b": 1, "c": 2}]},
            {"a": {"$elemMatch": {"b": 1, "c": 2}}},
            {"$set": {"a.$.d": 5}},
            {"a": [{"b": 1, "c": 1}, {"b": 1, "c": 2, "d": 5}]},
        ),
        ({"a": [1, 5, 9]}, {"a": {"$elemMatch": {"$gt": 4, "$lt": 9}}}, {"$set": {"a.$": 0}}, {"a": [1, 0, 9]}),
        ({"a": [1, 2]}, {"a": {"$in": [2, 7]}}, {"$unset": {"a.$": 1}}, {"a": [1, None]}),
        ({"a": [1, 2], "b": [3, 4]}, {"a": 1, "b": 4}, {"$set": {"a.$": 9}}, {"a": [9, 2], "b": [3, 4]}),
        ({"a": [{"b": [0, 1]}]}, {"a.0.b": 1}, {"$set": {"a.0.b.$": 2}}, {"a": [{"b": [0, 2]}]}),
        ({"a": [{"b": [0, 1]}]}, {"a.b.1": 1}, {"$set": {"a.$.b.1": 2}}, {"a": [{"b": [0, 2]}]}),
        ({"a": [{"b": [7]}, {"b": [0, 1]}]}, {"a.b": 1}, {"$set": {"a.$.b": 2}}, {"a": [{"b": [7]}, {"b": 2}]}),
        ({"a": [0, 1], "b": [0]}, {"a": 1, "b.0": 0}, {"$set": {"a.$": 2}}, {"a": [0, 2], "b": [0]}),
        ({"a": [[1], [2]]}, {"a": [2]}, {"$push": {"a.$": 3}}, {"a": [[1], [2, 3]]}),
        ({"a": ["xb", "ab"]}, {"a": {"$regex": "^a"}}, {"$set": {"a.$": "c"}}, {"a": ["xb", "c"]}),
        ({"a": [1, 2]}, {"a": {"$all": [2]}}, {"$set": {"a.$": 9}}, {"a": [1, 9]}),
        ({"a": [{"b": 1}]}, {"a.b": {"$exists": True}}, {"$set": {"a.$.b": 9}}, {"a": [{"b": 9}]}),
        ({"a": [1, 2]}, {"$and": [{"a": 2}, {"a": {"$size": 2}}]}, {"$set": {"a.$": 9}}, {"a": [1, 9]}),
        ({"a": [[3], [4]], "b": [7]}, {"b": 7, "a.1.0": 4}, {"$set": {"a.$": 9}}, {"a": [9, [4]], "b": [7]}),
        ({"a": [{"b": 1}], "z": [1, 2]}, {"a.b.c": None, "z": 2}, {"$set": {"z.$": 9}}, {"a": [{"b": 1}], "z": [1, 9]}),
        ({"a": 5, "z": [1, 2]}, {"z": 2, "a.b": None}, {"$set": {"z.$": 9}}, {"a": 5, "z": [1, 9]}),
        ({"a": [[{"b": 1}, {"b": 2}]]}, {"a.0.b": 2}, {"$set": {"a.0.$.b": 9}}, {"a": [[{"b": 1}, {"b": 9}]]}),
        (
            {"a": [{"b": 1}, {"b": 2}], "z": [3]},
            {"a.1.b": 2, "z": 3},
            {"$set": {"z.$": 9}},
            {"a": [{"b": 1}, {"b": 2}], "z": [9]},
        ),
        ({"a": [{"x": 1}, {"0": {"b": 2}}]}, {"a.0.b": 2}, {"$unset": {"a.$": 1}}, {"a": [{"x": 1}, None]}),
        ({"a": [5, {"1": {"b": 2}}]}, {"a.1.b": 2}, {"$set": {"a.$.1.b": 9}}, {"a": [5, {"1": {"b": 9}}]}),
        (
            {"a": [{"b": 1}, {"b": 2}]},
            {"a.b": 2},
            {"$set": {"a.$.b": 5, "a.0.b": 6, "a.1.c": 7}},
            {"a": [{"b": 6}, {"b": 5, "c": 7}]},
        ),
        (
            {"a": [{"b": 1}, {"b": 2}]},
            {"a.b": 2},
            {"$set": {"a.$.d": 5, "a.0.b": 6, "a.1.c": 7}},
            {"a": [{"b": 6}, {"b": 2, "c": 7, "d": 5}]},
        ),
    ],
)
def test_the_positional_operator_stands_for_the_element_that_matched(
    document: dict[str, Any], filter: Any, update: Any, expected: dict[str, Any]
) -> None:
    """``$`` is the index at which the filter met the outermost array."""
    new = _new(document, update, filter)
    assert new == expected


@pytest.mark.parametrize(
    ("document", "filter"),
    [
        ({"a": [1, 2]}, None),
        ({"a": [1, 2]}, {}),
        ({"a": [1, 2]}, {"_id": {"$exists": False}}),
        ({"a": [0]}, {"a.0": 0}),
        ({"a": [[0]]}, {"a.0": {"$elemMatch": {"$eq": 0}}}),
        ({"a": [1, 2]}, {"a": 5}),
        ({"a": [{"b": 1}]}, {"a.0.b": 5}),
        ({"a": [{"b": 0}]}, {"a.0.b": 0}),
        ({"a": [1, 2]}, {"a": [1, 2]}),
        ({"a": [1, 2]}, {"$or": [{"a": 1}, {"b": 7}]}),
        ({"a": [1, 2]}, {"$or": [{"a": 1}, {"a": {"$gt": 7}}]}),
        ({"a": [1, 2]}, {"$nor": [{"a": 7}]}),
        ({"a": [1, 2]}, {"a": {"$ne": 7}}),
        ({"a": [1, 2]}, {"a": {"$size": 2}}),
    ],
)
def test_the_positional_operator_needs_a_filter_that_names_an_element(document: dict[str, Any], filter: Any) -> None:
    """Where no element of an array decided the match, ``$`` stands for nothing."""
    assert _code(document, {"$set": {"a.$": 1}}, filter) == 2


def test_the_positional_operator_takes_alternatives_on_one_path_for_a_list_of_values() -> None:
    """``$or`` of equalities is an ``$in``."""
    assert _new({"a": [1, 2]}, {"$set": {"a.$": 0}}, {"$or": [{"a": 7}, {"a": 2}]}) == {"a": [1, 0]}
    assert _new({"a": [1, 2]}, {"$set": {"a.$": 0}}, {"$or": [{"a": 2}]}) == {"a": [1, 0]}


def test_what_is_said_of_the_matched_position_in_numbers_joins_or_conflicts() -> None:
    """``a.$`` and ``a.1`` meet when the filter matched position 1."""
    update = {"$set": {"a.$": 5, "a.1": 6}}
    assert _new({"a": [1, 2]}, update, {"a": 1}) == {"a": [5, 6]}
    assert _code({"a": [1, 2]}, update, {"a": 2}) == 40


def test_the_positional_operator_below_what_has_no_fields_is_not_viable() -> None:
    """Neither at a scalar nor below one."""
    assert _code({"a": [1], "b": 5}, {"$set": {"b.$": 1}}, {"a": 1}) == 28
    assert _code({"a": [1], "b": 5}, {"$set": {"b.c.$": 1}}, {"a": 1}) == 28
    assert _new({"a": [1]}, {"$set": {"b.c.$": 1}}, {"a": 1}) == {"a": [1], "b": {"c": {"0": 1}}}


def test_one_filter_gives_each_document_its_own_position() -> None:
    """An update of many documents finds the position in each."""
    update, query = parse_update({"$set": {"a.$": 0}}), parse_filter({"a": {"$gt": 4}})
    for items, expected in (([1, 5], [1, 0]), ([6, 1], [0, 1]), ([1, 2, 9], [1, 2, 0])):
        assert update.apply({"a": items}, query)[0] == {"a": expected}
    assert update.apply({"a": [7, 1]}, parse_filter({"a": 1}))[0] == {"a": [7, 0]}


def test_many_positions_do_not_fill_the_memory() -> None:
    """Positions are compiled as they come, and only so many are kept."""
    update = parse_update({"$set": {"a.$": -1}})
    numbers = list(range(600))
    for number in numbers:
        new, _ = update.apply({"a": numbers}, parse_filter({"a": number}))
        assert new["a"][number] == -1


@pytest.mark.parametrize(
    ("document", "update", "array_filters", "expected"),
    [
        ({"a": [1, 2]}, {"$inc": {"a.$[]": 10}}, None, {"a": [11, 12]}),
        ({"a": []}, {"$inc": {"a.$[]": 10}}, None, {"a": []}),
        ({"a": [{"b": 1}, {"b": 2}]}, {"$set": {"a.$[].b": 3}}, None, {"a": [{"b": 3}, {"b": 3}]}),
        ({"a": [1, None]}, {"$unset": {"a.$[]": 1}}, None, {"a": [None, None]}),
        ({"a": [[1, 2], [3]]}, {"$mul": {"a.$[].$[]": 2}}, None, {"a": [[2, 4], [6]]}),
        ({"a": [1, 5, 9]}, {"$set": {"a.$[x]": 0}}, [{"x": {"$gte": 5}}], {"a": [1, 0, 0]}),
        ({"a": [1, 5, 9]}, {"$set": {"a.$[x]": 0}}, [{"$or": [{"x": 1}, {"x": 9}]}], {"a": [0, 5, 0]}),
        ({"a": [1, 5, 9]}, {"$set": {"a.$[x]": 0}}, [{"x": {"$gt": 1}, "$and": [{"x": {"$lt": 9}}]}], {"a": [1, 0, 9]}),
        ({"a": [1, 5, 9]}, {"$set": {"a.$[x]": 0}}, [{"x": {"$not": {"$gt": 4}}}], {"a": [0, 5, 9]}),
        (
            {"a": [{"b": 1, "c": [1, 2]}, {"b": 2, "c": [1, 2]}]},
            {"$set": {"a.$[i].c.$[j]": 0}},
            [{"i.b": 2}, {"j": {"$gt": 1}}],
            {"a": [{"b": 1, "c": [1, 2]}, {"b": 2, "c": [1, 0]}]},
        ),
        ({"a": [[0, 1], [0, 2]]}, {"$set": {"a.$[].$[j]": 7}}, [{"j": 0}], {"a": [[7, 1], [7, 2]]}),
        ({"a": [[0], [1]]}, {"$push": {"a.$[i]": 2}}, [{"i": 0}], {"a": [[0, 2], [1]]}),
        (
            {"a": [{"x": 0, "y": 0}]},
            {"$set": {"a.$[i].b": 1, "a.$[j].c": 2}},
            [{"i.x": 0}, {"j.y": 0}],
            {"a": [{"x": 0, "y": 0, "b": 1, "c": 2}]},
        ),
        (
            {"a": [{"x": 0}, {"x": 1}, {"x": 2}]},
            {"$set": {"a.$[i].b": 1, "a.$[j].b": 2}},
            [{"i.x": 0}, {"j.x": 1}],
            {"a": [{"x": 0, "b": 1}, {"x": 1, "b": 2}, {"x": 2}]},
        ),
        (
            {"a": [{"x": 0, "b": [{"y": 0}, {"y": 1}]}]},
            {"$set": {"a.$[i].b.$[k].c": 1, "a.$[j].b.$[k].d": 2, "a.$[j].b.$[m].e": 3}},
            [{"i.x": 0}, {"j.x": 0}, {"k.y": 0}, {"m.y": 1}],
            {"a": [{"x": 0, "b": [{"y": 0, "c": 1, "d": 2}, {"y": 1, "e": 3}]}]},
        ),
        ({"a": [1, 2]}, {"$setOnInsert": {"a.$[]": 5}}, None, {"a": [1, 2]}),
        ({"a": [1, 2]}, {"$pull": {"a.$[].b": 5}}, None, None),
    ],
)
def test_elements_are_addressed_by_array_filters(
    document: dict[str, Any], update: Any, array_filters: Any, expected: dict[str, Any] | None
) -> None:
    """``$[]`` is every element, ``$[x]`` those that the filter for ``x`` accepts, also one inside the other."""
    if expected is None:
        assert _code(document, update, None, array_filters) == 28
    else:
        assert _new(document, update, None, array_filters) == expected


def test_elements_that_two_identifiers_address_must_not_be_given_two_values() -> None:
    """The conflict shows on the document where both filters accept one element."""
    update = {"$set": {"a.$[i].b.$[k].c": 1, "a.$[j].b.$[m].c": 2}}
    document = {"a": [{"x": 0, "b": [{"y": 0}]}]}
    assert _code(document, update, None, [{"i.x": 0}, {"j.x": 0}, {"k.y": 0}, {"m.y": 0}]) == 40
    assert _code({"a": [1]}, {"$set": {"a.$[i]": 1, "a.$[j]": 2}}, None, [{"i": 1}, {"j": 1}]) == 40
    positional = {"$set": {"a.$[i].b.$": 1, "a.$[j].b.$": 2}}
    assert _code({"z": [1], "a": [{"b": [1]}]}, positional, {"z": 1}, [{"i.b": 1}, {"j.b": 1}]) == 40
    apart = {"$set": {"a.$[i].b.$.x": 1, "a.$[j].b.$.y": 2}}
    assert _new({"z": [1], "a": [{"b": [{}]}]}, apart, {"z": 1}, [{"i.b": {}}, {"j.b": {}}]) == {
        "z": [1],
        "a": [{"b": [{"x": 1, "y": 2}]}],
    }


@pytest.mark.parametrize("document", [{}, {"a": 1}, {"a": {"b": 1}}, {"a": None}])
@pytest.mark.parametrize("operator", ["$set", "$unset", "$pull"])
def test_elements_of_what_is_no_array_cannot_be_updated(document: dict[str, Any], operator: str) -> None:
    """``$[]`` needs an array that is there."""
    assert _code(document, {operator: {"a.$[]": 1}}) == 2
    assert _code(document, {operator: {"a.$[].b": 1}}) == 2
    assert _code({"z": document}, {operator: {"z.a.$[].b": 1}}) == 2
    assert _code({"a": 5}, {operator: {"a.b.$[].c": 1}}) == 2


@pytest.mark.parametrize(
    ("array_filters", "code"),
    [
        ([{"x": 1}, {"y": 1}], 9),
        ([{"x": 1}, {"x": 2}], 9),
        ([{"x": 1, "y": 1}], 9),
        ([{"$or": [{"x": 1}, {"y.z": 1}]}], 9),
        ([{}], 9),
        ([], 2),
        (None, 2),
        ([{}, {"x": 1}], 9),
        ([{"X": 1}], 2),
        ([{"x y": 1}], 2),
        ([{"$x": 1}], 2),
        ({"x": 1}, 14),
        ("x", 14),
        (["x"], 14),
        ([5], 14),
        ([{"x": {"$foo": 1}}], 2),
        ([{"$expr": {"$eq": [1, 1]}}], 224),
        ([{"$text": {"$search": "x"}}], 2),
    ],
)
def test_array_filters_are_checked(array_filters: Any, code: int) -> None:
    """Each filter names one identifier, once, that a path uses; each identifier has a filter."""
    with pytest.raises(UpdateError) as caught:
        parse_update({"$set": {"a.$[x]": 1}}, array_filters=array_filters)
    assert caught.value.mongo_code == code


def test_many_identifiers_may_meet() -> None:
    """Every combination of filters that accept an element is compiled when it is met."""
    names = "abcdefghij"
    update = parse_update(
        {"$set": {f"v.$[{name}].{name}": 1 for name in names}},
        array_filters=[{f"{name}.n": {"$bitsAllSet": [bit]}} for bit, name in enumerate(names)],
    )
    new, _ = update.apply({"v": [{"n": number} for number in range(1024)]})
    for number, item in enumerate(new["v"]):
        assert item == {"n": number, **{name: 1 for bit, name in enumerate(names) if number >> bit & 1}}


def test_array_filters_compare_by_collation() -> None:
    """The collation of the update decides which elements a filter accepts."""
    update = parse_update(
        {"$set": {"a.$[x]": "z"}}, array_filters=[{"x": "foo"}], collation={"locale": "en", "strength": 2}
    )
    assert update.apply({"a": ["foo", "FOO", "bar"]})[0] == {"a": ["z", "z", "bar"]}


def test_paths_must_be_text_that_documents_hold() -> None:
    """Names that are no text, hold NUL or have no UTF-8 form are refused."""
    for name in (5, None, ("a",), b"a"):
        with pytest.raises(UpdateError) as caught:
            parse_update({"$set": {name: 1}})
        assert caught.value.mongo_code == 9
    for name in ("a\0b", "\ud800"):
        with pytest.raises(DocumentValidationError):
            parse_update({"$set": {name: 1}})


def test_values_are_checked_with_the_depth_that_the_path_adds() -> None:
    """A document may have 100 levels, whether the path or the value brings them."""
    deep: Any = 1
    for _ in range(90):
        deep = [deep]
    path = ".".join("abcdefghij")
    assert _new({}, {"$set": {path: deep}}) is not None
    for update in ({"$set": {path + ".k": deep}}, {"$push": {path: deep}}, {"$push": {path: {"$each": [deep]}}}):
        with pytest.raises(NoSQLError) as caught:
            parse_update(update)
        assert caught.value.mongo_code == 15

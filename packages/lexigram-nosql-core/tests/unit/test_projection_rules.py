"""Projections: what is kept, what is refused, and in which order the result stands."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import bson
import pytest
from lexigram.nosql.exceptions import NoSQLError, NoSQLFilterError, PipelineError, QueryOptionError
from lexigram.nosql.query.parse import parse_filter
from lexigram.nosql.query.projection import Projection, parse_projection

DOCUMENT: dict[str, Any] = {
    "_id": 1,
    "a": 1,
    "b": {"c": 1, "d": [1, 2, 3], "e": {"f": 1}},
    "arr": [{"x": 1, "y": 2}, {"x": 3, "y": 4}, 5, [{"x": 9, "z": 0}, 6]],
    "s": "text",
    "n": [10, 20, 30, 40],
}


def project(spec: Any, document: dict[str, Any] | None = None, filter: Any = None) -> dict[str, Any]:
    projection = parse_projection(spec, query=None if filter is None else parse_filter(filter))
    assert projection is not None
    given = DOCUMENT if document is None else document
    before = repr(given)
    result = projection.apply(given)
    assert repr(given) == before
    _check_no_sharing(result, given)
    return result


def _containers(value: Any) -> set[int]:
    if isinstance(value, dict):
        return {id(value)}.union(*[_containers(item) for item in value.values()])
    if isinstance(value, list):
        return {id(value)}.union(*[_containers(item) for item in value])
    return set()


def _check_no_sharing(result: Any, given: Any) -> None:
    assert _containers(result).isdisjoint(_containers(given))


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        ({"a": 1}, {"_id": 1, "a": 1}),
        ({"s": 1, "a": True}, {"_id": 1, "a": 1, "s": "text"}),
        ({"a": 1, "_id": 0}, {"a": 1}),
        ({"_id": 0, "a": 1}, {"a": 1}),
        ({"_id": 1}, {"_id": 1}),
        ({"_id": 1, "a": 1}, {"_id": 1, "a": 1}),
        ({"zzz": 1}, {"_id": 1}),
        ({"a": 2.5}, {"_id": 1, "a": 1}),
        ({"b": 1}, {"_id": 1, "b": DOCUMENT["b"]}),
        ({"b.c": 1}, {"_id": 1, "b": {"c": 1}}),
        ({"b.c": 1, "b.e.f": 1}, {"_id": 1, "b": {"c": 1, "e": {"f": 1}}}),
        ({"b": {"c": 1, "e": {"f": 1}}}, {"_id": 1, "b": {"c": 1, "e": {"f": 1}}}),
        ({"b": {"c": 1}, "b.e": 1}, {"_id": 1, "b": {"c": 1, "e": {"f": 1}}}),
        ({"b.zzz": 1}, {"_id": 1, "b": {}}),
        ({"a.b": 1}, {"_id": 1}),
        ({"arr.x": 1}, {"_id": 1, "arr": [{"x": 1}, {"x": 3}, [{"x": 9}]]}),
        ({"n.x": 1}, {"_id": 1, "n": []}),
        ({"arr.0": 1}, {"_id": 1, "arr": [{}, {}, [{}]]}),
        (["a", "s"], {"_id": 1, "a": 1, "s": "text"}),
        ("a", {"_id": 1, "a": 1}),
        ([], {"_id": 1}),
        ({"_id.x": 1}, {}),
        ({"b.c": 1, "b": {"d": 1}}, {"_id": 1, "b": {"c": 1, "d": [1, 2, 3]}}),
        ({"b": {"c": 1}, "b.d": 1}, {"_id": 1, "b": {"c": 1, "d": [1, 2, 3]}}),
    ],
)
def test_what_is_named_is_kept(spec: Any, expected: dict[str, Any]):
    """In the document's order, copies throughout."""
    result = project(spec)

    assert result == expected
    assert list(result) == list(expected)


@pytest.mark.parametrize(
    ("spec", "gone"),
    [
        ({"a": 0}, {"a"}),
        ({"a": False, "s": 0}, {"a", "s"}),
        ({"_id": 0}, {"_id"}),
        ({"_id": 0, "a": 0}, {"_id", "a"}),
        ({"_id": 1, "a": 0}, {"a"}),
        ({"zzz": 0}, set()),
    ],
)
def test_what_is_named_is_left_out(spec: Any, gone: set[str]):
    """All else stays as it is."""
    assert project(spec) == {name: value for name, value in DOCUMENT.items() if name not in gone}


def test_leaving_out_goes_into_objects_and_arrays():
    """Scalars in arrays stay, arrays in arrays are entered."""
    assert project({"b.c": 0})["b"] == {"d": [1, 2, 3], "e": {"f": 1}}
    assert project({"b": {"e": {"f": 0}}})["b"] == {"c": 1, "d": [1, 2, 3], "e": {}}
    assert project({"arr.x": 0})["arr"] == [{"y": 2}, {"y": 4}, 5, [{"z": 0}, 6]]
    assert project({"a.b": 0})["a"] == 1
    assert project({"b.c": 0, "_id": 1})["_id"] == 1


@pytest.mark.parametrize(
    ("argument", "expected"),
    [
        (2, [10, 20]),
        (0, []),
        (-1, [40]),
        (-9, [10, 20, 30, 40]),
        (99, [10, 20, 30, 40]),
        (2.9, [10, 20]),
        (float("nan"), []),
        (2**40, [10, 20, 30, 40]),
        ([1, 2], [20, 30]),
        ([-3, 2], [20, 30]),
        ([-9, 1], [10]),
        ([9, 1], []),
        ((1, 1.5), [20]),
    ],
)
def test_a_slice_cuts_arrays(argument: Any, expected: list[int]):
    """Alone it leaves everything else, beside kept fields only those."""
    assert project({"n": {"$slice": argument}}) == {**DOCUMENT, "n": expected}
    assert project({"n": {"$slice": argument}, "a": 1}) == {"_id": 1, "a": 1, "n": expected}
    assert project({"n": {"$slice": argument}, "_id": 1}) == {"_id": 1, "n": expected}
    assert project({"n": {"$slice": argument}, "a": 0}) == {
        name: expected if name == "n" else value for name, value in DOCUMENT.items() if name != "a"
    }
    assert project({"s": {"$slice": argument}})["s"] == "text"
    assert project({"b.d": {"$slice": argument}})["b"]["e"] == {"f": 1}


def test_a_slice_cuts_arrays_inside_arrays_of_objects():
    """One per object; and it is an expression where it names its array."""
    document = {"_id": 1, "a": [{"b": [1, 2]}, {"b": [3, 4]}, 5]}

    assert project({"a.b": {"$slice": 1}}, document) == {"_id": 1, "a": [{"b": [1]}, {"b": [3]}, 5]}
    assert project({"a": {"b": {"$slice": -1}}, "_id": 1}, document) == {"_id": 1, "a": [{"b": [2]}, {"b": [4]}]}
    assert project({"x": {"$slice": ["$n", 1]}}) == {"_id": 1, "x": [10]}
    assert project({"x": {"$slice": ["$n", 1, 2]}}) == {"_id": 1, "x": [20, 30]}


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        ({"arr": {"$elemMatch": {"x": 3}}}, {"_id": 1, "arr": [{"x": 3, "y": 4}]}),
        ({"arr": {"$elemMatch": {"x": 99}}}, {"_id": 1}),
        ({"n": {"$elemMatch": {"$gt": 15, "$lt": 35}}}, {"_id": 1, "n": [20]}),
        ({"s": {"$elemMatch": {"$eq": "text"}}}, {"_id": 1}),
        ({"arr": {"$elemMatch": {"x": 1}}, "s": 1, "a": 1}, {"_id": 1, "a": 1, "s": "text", "arr": [{"x": 1, "y": 2}]}),
        ({"n": {"$elemMatch": {"$gt": 15}}, "_id": 0}, {"n": [20]}),
        (
            {"n": {"$elemMatch": {"$gt": 15}}, "arr": {"$slice": 1}, "_id": 1},
            {"_id": 1, "arr": [{"x": 1, "y": 2}], "n": [20]},
        ),
    ],
)
def test_an_element_match_keeps_the_first_element(spec: Any, expected: dict[str, Any]):
    """After the fields that stand in the document's order."""
    result = project(spec)

    assert result == expected
    assert list(result) == list(expected)


def test_an_element_match_beside_what_is_left_out():
    """The field shows its element, or is not there."""
    assert project({"n": {"$elemMatch": {"$gt": 15}}, "arr": 0, "b": 0}) == {"_id": 1, "a": 1, "s": "text", "n": [20]}


@pytest.mark.parametrize(
    ("spec", "filter", "expected"),
    [
        ({"n.$": 1}, {"n": 20}, {"_id": 1, "n": [20]}),
        ({"n.$": 1}, {"n": {"$gt": 25}}, {"_id": 1, "n": [30]}),
        ({"arr.$": 1, "a": 1}, {"arr.x": 3}, {"_id": 1, "a": 1, "arr": [{"x": 3, "y": 4}]}),
        ({"arr.$": True}, {"arr": {"$elemMatch": {"x": 1}}}, {"_id": 1, "arr": [{"x": 1, "y": 2}]}),
        ({"b.d.$": 1}, {"b.d": 2}, {"_id": 1, "b": {"d": [2]}}),
        ({"b.d.$": 1, "b.c": 1}, {"b.d": 2}, {"_id": 1, "b": {"c": 1, "d": [2]}}),
        ({"b": {"d.$": 1}}, {"b.d": 3}, {"_id": 1, "b": {"d": [3]}}),
        ({"arr.x.$": 1}, {"arr.x": 3}, {"_id": 1, "arr": [{"x": 3}]}),
        ({"n.$": 1}, {"$or": [{"n": 99}, {"n": 40}]}, {"_id": 1, "n": [40]}),
        ({"s.$": 1}, {"s": "text"}, {"_id": 1, "s": "text"}),
        ({"zzz.y.$": 1}, {"zzz": None}, {"_id": 1}),
        ({"s.y.$": 1}, {"s": "text"}, {"_id": 1}),
        ({"n.$": 1}, {"arr.x": 3}, {"_id": 1, "n": [20]}),
        ({"n.$": 1}, {"$and": [{"arr.x": 1}, {"arr.x": 3}]}, {"_id": 1, "n": [20]}),
        ({"zzz.$": 1}, {}, {"_id": 1}),
        ({"b.c.$": 1}, {"a": 1}, {"_id": 1, "b": {"c": 1}}),
    ],
)
def test_the_positional_operator_keeps_the_element_that_matched(spec: Any, filter: Any, expected: dict[str, Any]):
    """Of the first array on its path."""
    assert project(spec, filter=filter) == expected


def test_the_positional_operator_needs_an_element():
    """Where the filter chose none, or one of a longer array, there is an error."""
    with pytest.raises(QueryOptionError) as caught:
        project({"n.$": 1}, filter={"n": {"$size": 4}})
    assert caught.value.mongo_code == 51246
    with pytest.raises(QueryOptionError) as caught:
        project({"a.$": 1}, {"a": [1], "b": [0, 5]}, {"b": 5, "a": {"$size": 1}})
    assert caught.value.mongo_code == 51247


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        ({"x": "$a"}, {"_id": 1, "x": 1}),
        ({"x": {"$add": ["$a", 1]}}, {"_id": 1, "x": 2}),
        ({"x": "literal"}, {"_id": 1, "x": "literal"}),
        ({"x": None}, {"_id": 1, "x": None}),
        ({"x": ["$a", "$zzz", 5]}, {"_id": 1, "x": [1, None, 5]}),
        ({"x": {"$literal": 1}}, {"_id": 1, "x": 1}),
        ({"x": "$zzz"}, {"_id": 1}),
        ({"a": "$s"}, {"_id": 1, "a": "text"}),
        ({"x": "$a", "s": 1, "w": "$b.c"}, {"_id": 1, "s": "text", "x": 1, "w": 1}),
        ({"_id": "$a"}, {"_id": 1}),
        ({"_id": 0, "x": "$a"}, {"x": 1}),
        ({"x.y": "$a"}, {"_id": 1, "x": {"y": 1}}),
        ({"x": {"y": "$a", "z": "$s"}}, {"_id": 1, "x": {"y": 1, "z": "text"}}),
        ({"b.x": "$a"}, {"_id": 1, "b": {"x": 1}}),
        ({"b": {"c": 1, "x": "$a"}}, {"_id": 1, "b": {"c": 1, "x": 1}}),
        ({"a.x": "$s"}, {"_id": 1, "a": {"x": "text"}}),
        ({"arr.q": "$a"}, {"_id": 1, "arr": [{"q": 1}, {"q": 1}, {"q": 1}, [{"q": 1}, {"q": 1}]]}),
        (
            {"arr": {"x": 1, "q": "$a"}},
            {"_id": 1, "arr": [{"x": 1, "q": 1}, {"x": 3, "q": 1}, {"q": 1}, [{"x": 9, "q": 1}, {"q": 1}]]},
        ),
        ({"x": "$b"}, {"_id": 1, "x": DOCUMENT["b"]}),
        ({"x": {"$eq": ["$$NOW", "$$NOW"]}}, {"_id": 1, "x": True}),
    ],
)
def test_fields_are_computed(spec: Any, expected: dict[str, Any]):
    """After those that are kept, in the projection's order."""
    result = project(spec)

    assert result == expected
    assert list(result) == list(expected)


def test_the_score_of_a_search_is_shown():
    """Alone it is added to everything."""
    document = {"_id": 1, "t": "coffee"}
    search = {"$text": {"$search": "coffee"}}

    assert project({"score": {"$meta": "textScore"}}, document, search) == {**document, "score": 1.1}
    assert project({"t": 1, "_id": 0, "score": {"$meta": "textScore"}}, document, search) == {
        "t": "coffee",
        "score": 1.1,
    }
    assert project({"t": 0, "score": {"$meta": "textScore"}}, document, search) == {"_id": 1, "score": 1.1}
    assert project({"_id": 0, "score": {"$meta": "textScore"}}, document, search) == {"t": "coffee", "score": 1.1}
    assert project({"_id": 1, "score": {"$meta": "textScore"}}, document, search) == {"_id": 1, "score": 1.1}


@pytest.mark.parametrize(
    ("spec", "filter", "code"),
    [
        (5, None, 14),
        ({1: 1}, None, 14),
        ([1], None, 14),
        ({"a": 1, "s": 0}, None, 31254),
        ({"a": 0, "s": 1}, None, 31253),
        ({"b": {"c": 1, "d": 0}}, None, 31254),
        ({"_id.x": 0, "a": 1}, None, 31253),
        ({"a": 0, "x": "$s"}, None, 31310),
        ({"a": 0, "x": {"$add": [1, 2]}}, None, 31252),
        ({"a": 0, "x": [1]}, None, 31310),
        ({"x": "$s", "a": 0}, None, 31254),
        ({"b": 1, "b.c": 1}, None, 31249),
        ({"b.c": 1, "b": 1}, None, 31250),
        ({"b.c": 1, "b.c.d": 1}, None, 31249),
        ({"b": 1, "b.c": {"$add": [1, 2]}}, None, 31249),
        ({"b.c": 1, "b": {"c": {"x": 1}}}, None, 31250),
        ({"b": {"c": {"x": 1}}, "b.c": 1}, None, 31250),
        ({"b": 1, "b.x": {"y": 1}}, None, 31249),
        ({"b": {}}, None, 51270),
        ({"": 1}, None, 40352),
        ({"a.": 1}, None, 40353),
        ({"a..b": 1}, None, 15998),
        ({"$a": 1}, None, 16410),
        ({"b.$a": 1}, None, 16410),
        ({"a\0": 1}, None, 16411),
        ({"x": {"$nosuch": 1}}, None, 31325),
        ({"x": {"$add": [1], "$subtract": [1, 2]}}, None, 16410),
        ({"x": "$$nosuch"}, None, 17276),
        ({"x": {1: 1}}, None, 14),
        ({"n": {"$slice": "x"}}, None, 28667),
        ({"n": {"$slice": []}}, None, 28667),
        ({"n": {"$slice": [1, 2, 3, 4]}}, None, 28667),
        ({"n": {"$slice": [1, "x"]}}, None, 28724),
        ({"n": {"$slice": [1, 0]}}, None, 28724),
        ({"n": {"$slice": [1, -1]}}, None, 28724),
        ({"n": {"$slice": [1, 2, 3]}}, None, 28724),
        ({"n": {"$elemMatch": 1}}, None, 31274),
        ({"b.d": {"$elemMatch": {"$gt": 1}}}, None, 31275),
        ({"b": {"d": {"$elemMatch": {"$gt": 1}}}}, None, 31275),
        ({"n.$": 1}, None, 51050),
        ({".$": 1}, {"a": 1}, 5392900),
        ({"n.$": 1}, {"n": 1, "$expr": {"$gt": ["$a", 0]}}, 224),
        ({"n.$": 1}, {"n": 1, "$or": [{"$jsonSchema": {}}]}, 224),
        ({"n.$": 1}, {"n": 1, "$text": {"$search": "x"}}, 2),
        ({"n": {"$elemMatch": {"$jsonSchema": {}}}}, None, 224),
        ({"n.$": 1, "arr.$": 1}, {"n": 1, "arr": 1}, 31276),
        ({"n.$": 1, "arr": {"$elemMatch": {"x": 1}}}, {"n": 1}, 31255),
        ({"arr": {"$elemMatch": {"x": 1}}, "n.$": 1}, {"n": 1}, 31256),
        ({"arr.$.x": 1}, {"arr.x": 1}, 31394),
        ({"arr.$.x.$": 1}, {"arr.x": 1}, 31394),
        ({"$": 1}, {"a": 1}, 16410),
        ({"n.$": {"$add": [1, 2]}}, {"n": 1}, 31271),
        ({"n.$": "x"}, {"n": 1}, 31308),
        ({"n.$": 0}, {"n": 1}, 31395),
        ({"a": 0, "n.$": 1}, {"n": 1}, 31253),
        ({"x": {"$meta": "textScore"}}, None, 40218),
        ({"x": {"$meta": "textScore"}}, {"a": 1}, 40218),
    ],
)
def test_a_wrong_projection_is_refused(spec: Any, filter: Any, code: int):
    """With MongoDB's code, before any document is looked at."""
    query = None if filter is None else parse_filter(filter)
    with pytest.raises(QueryOptionError) as caught:
        parse_projection(spec, query=query)
    assert caught.value.mongo_code == code, caught.value


def test_a_wrong_condition_is_the_filters_error():
    """And what an expression cannot evaluate is the pipeline's."""
    with pytest.raises(NoSQLFilterError):
        parse_projection({"n": {"$elemMatch": {"$foo": 1}}})
    with pytest.raises(PipelineError):
        project({"x": {"$add": ["$s", 1]}})
    deep: Any = 1
    for _ in range(5000):
        deep = {"a": deep}
    with pytest.raises(NoSQLError):
        parse_projection(deep)


def test_a_projection_says_what_it_needs():
    """Which fields are read, and whether a backend can do it alone."""

    def made(spec: Any, filter: Any = None) -> Projection:
        projection = parse_projection(spec, query=None if filter is None else parse_filter(filter))
        assert projection is not None
        return projection

    assert made({"a": 1, "b.c": 1}).fields_needed == {"_id", "a", "b"}
    assert made({"a": 1, "_id": 0}).fields_needed == {"a"}
    assert made({"x": {"$add": ["$a", "$b.c"]}}).fields_needed == {"_id", "a", "b"}
    assert made({"x": "$$ROOT"}).fields_needed is None
    assert made({"n": {"$elemMatch": {"$gt": 1}}}).fields_needed == {"_id", "n"}
    assert made({"a": 0}).fields_needed is None
    assert made({"n.$": 1}, {"n": 1}).fields_needed is None
    assert made({"a": 1}).fields == {"_id": True, "a": True}
    assert made({"a": 0}).fields == {"a": False}
    assert made({"b.c": 1}).fields is None
    assert made({"x": "$a"}).fields is None
    assert made({"a": 1}).inclusive
    assert not made({"a": 0}).inclusive
    assert "'a': True" in repr(made({"a": 1}))
    assert made({"a": 1}) is made({"a": True}) is not made({"a": 0})


def test_a_projection_is_a_projection_too():
    """Read again only if the filter matters to it."""
    plain = parse_projection({"a": 1})
    query = parse_filter({"n": 20})
    positional = parse_projection({"n.$": 1}, query=query)

    assert parse_projection(plain, query=query) is plain
    assert parse_projection(positional) is positional
    again = parse_projection(positional, query=parse_filter({"n": 30}))
    assert again is not None
    assert again.apply(DOCUMENT) == {"_id": 1, "n": [30]}
    assert parse_projection(None) is None
    assert parse_projection({}) is None


def test_a_collation_of_the_filter_holds_in_the_projection():
    """In element matches and in expressions."""
    query = parse_filter({}, collation={"locale": "en", "strength": 1})
    projection = parse_projection({"a": {"$elemMatch": {"$eq": "e"}}, "x": {"$eq": ["$b", "E"]}}, query=query)

    assert projection is not None
    assert projection.apply({"a": ["d", "É"], "b": "é"}) == {"a": ["É"], "x": True}


@pytest.mark.parametrize("argument", [[1, None], [None, 1]])
def test_a_slice_with_null_is_the_expression_whose_value_is_null(argument: list[Any]) -> None:
    assert project({"n": {"$slice": argument}}) == {"_id": 1, "n": None}


@pytest.mark.parametrize(
    "limit", [0.5, Decimal("NaN"), Decimal("sNaN"), bson.Decimal128("NaN"), bson.Decimal128("0.9")]
)
def test_the_limit_of_a_slice_is_cut_to_a_whole_number_before_it_is_judged(limit: Any) -> None:
    with pytest.raises(QueryOptionError) as caught:
        project({"n": {"$slice": [0, limit]}})
    assert caught.value.mongo_code == 28724

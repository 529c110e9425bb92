"""Filters that are refused: with a typed error, MongoDB's code, the place, and a hint where there is one."""

from __future__ import annotations

import re
from types import MappingProxyType
from typing import Any

import bson
import pytest
from lexigram.nosql.exceptions import NoSQLFilterError
from lexigram.nosql.query.guard import validate_field_name, validate_filter
from lexigram.nosql.query.parse import parse_filter
from lexigram.nosql.query.suggest import operator_hint, shown

NAN = float("nan")


def nest(levels: int, key: str = "$and") -> dict[str, Any]:
    nested: dict[str, Any] = {"a": 1}
    for _ in range(levels):
        nested = {key: [nested]}
    return nested


@pytest.mark.parametrize(
    ("filter", "code", "path"),
    [
        # unknown operators, and those in the wrong place
        ({"$foo": 1}, 2, "$foo"),
        ({"$gt": 1}, 2, "$gt"),
        ({"$not": {"a": 1}}, 2, "$not"),
        ({"a": {"$foo": 1}}, 2, "a.$foo"),
        ({"a": {"$and": [{}]}}, 2, "a.$and"),
        ({"a": {"$comment": "x"}}, 2, "a.$comment"),
        ({"a": {"$gt": 1, "b": 2}}, 2, "a.b"),
        ({"a": {"$gt": 1, 5: 2}}, 2, "a.5"),
        ({"a": {"$ref": "c"}}, 2, "a.$ref"),
        ({"a": {"$elemMatch": {"$gt": 1, "b": 2}}}, 2, "a.$elemMatch.b"),
        ({"$or": [{"b": 1}, {"a": {"$gte2": 1}}]}, 2, "$or.1.a.$gte2"),
        # never run
        ({"$where": "true"}, 2, "$where"),
        ({"a": {"$where": "true"}}, 2, "a.$where"),
        ({"a": {"$elemMatch": {"$where": "1"}}}, 2, "a.$elemMatch.$where"),
        ({"$function": {}}, 2, "$function"),
        ({"a": {"$accumulator": {}}}, 2, "a.$accumulator"),
        ({"$expr": {"$function": {"body": "", "args": [], "lang": "js"}}}, None, "$expr"),
        ({"a": {"$near": [0, 0]}}, 115, "a.$near"),
        ({"a": {"$geoWithin": {}}}, 115, "a.$geoWithin"),
        # names
        ({"a\0b": 1}, 2, ""),
        ({1: 1}, 2, ""),
        ({None: 1}, 2, ""),
        ({"a": {"b": {"c\0": 1}}}, 2, "a.b"),
        ({".".join("a" * 201): 1}, 5729100, ""),
        # logic
        ({"$and": {}}, 2, "$and"),
        ({"$or": []}, 2, "$or"),
        ({"$nor": [1]}, 2, "$nor.0"),
        ({"$and": [{}, "x"]}, 2, "$and.1"),
        ({"$alwaysTrue": 0}, 9, "$alwaysTrue"),
        ({"$alwaysFalse": "x"}, 9, "$alwaysFalse"),
        ({"$sampleRate": "x"}, 2, "$sampleRate"),
        ({"$sampleRate": 1.5}, 2, "$sampleRate"),
        ({"$sampleRate": NAN}, 2, "$sampleRate"),
        ({"a": {"$elemMatch": {"$sampleRate": 0.5}}}, 2, "a.$elemMatch.$sampleRate"),
        ({"a": {"$elemMatch": {"$expr": True}}}, 2, "a.$elemMatch.$expr"),
        ({"a": {"$elemMatch": {"$text": {"$search": "x"}}}}, 2, "a.$elemMatch.$text"),
        ({"$nor": [{"$text": {"$search": "x"}}]}, 2, "$nor.0.$text"),
        ({"$nor": [{"$or": [{"$text": {"$search": "x"}}]}]}, 2, "$nor.0.$or.0.$text"),
        ({"$text": {"$search": "x"}, "$or": [{"a": 1}, {"$text": {"$search": "y"}}]}, 2, "$or.1.$text"),
        ({"$expr": {"$foo": 1}}, 168, "$expr"),
        ({"$expr": "$$unknown"}, 17276, "$expr"),
        ({"$jsonSchema": 1}, 14, "$jsonSchema"),
        ({"$text": "x"}, 14, "$text"),
        # comparisons
        ({"a": {"$gt": re.compile("x")}}, 2, "a.$gt"),
        ({"a": {"$ne": bson.Regex("x")}}, 2, "a.$ne"),
        ({"a": {"$in": 1}}, 2, "a.$in"),
        ({"a": {"$nin": {}}}, 2, "a.$nin"),
        ({"a": {"$in": [{"$gt": 1}]}}, 2, "a.$in.0"),
        ({"a": {"$nin": [1, {"$foo": 1}]}}, 2, "a.$nin.1"),
        ({"a": {"$not": 1}}, 2, "a.$not"),
        ({"a": {"$not": {}}}, 2, "a.$not"),
        ({"a": {"$not": {"b": 1}}}, 2, "a.$not.b"),
        # elements
        ({"a": {"$type": "strin"}}, 2, "a.$type"),
        ({"a": {"$type": 0}}, 2, "a.$type"),
        ({"a": {"$type": 20}}, 2, "a.$type"),
        ({"a": {"$type": 1.5}}, 2, "a.$type"),
        ({"a": {"$type": []}}, 9, "a.$type"),
        ({"a": {"$type": [[]]}}, 14, "a.$type"),
        ({"a": {"$type": True}}, 14, "a.$type"),
        ({"a": {"$mod": 1}}, 2, "a.$mod"),
        ({"a": {"$mod": []}}, 2, "a.$mod"),
        ({"a": {"$mod": [1]}}, 2, "a.$mod"),
        ({"a": {"$mod": [1, 2, 3]}}, 2, "a.$mod"),
        ({"a": {"$mod": ["x", 1]}}, 2, "a.$mod"),
        ({"a": {"$mod": [1, "x"]}}, 2, "a.$mod"),
        ({"a": {"$mod": [0, 1]}}, 2, "a.$mod"),
        ({"a": {"$mod": [0.5, 1]}}, 2, "a.$mod"),
        ({"a": {"$mod": [NAN, 1]}}, 2, "a.$mod"),
        ({"a": {"$mod": [1, float("inf")]}}, 2, "a.$mod"),
        ({"a": {"$mod": [2.0**63, 1]}}, 2, "a.$mod"),
        ({"a": {"$size": "x"}}, 2, "a.$size"),
        ({"a": {"$size": -1}}, 2, "a.$size"),
        ({"a": {"$size": 1.5}}, 2, "a.$size"),
        ({"a": {"$size": NAN}}, 2, "a.$size"),
        ({"a": {"$size": 2.0**70}}, 2, "a.$size"),
        ({"a": {"$size": 2**31}}, 2, "a.$size"),
        ({"a": {"$size": {"$gt": 1}}}, 2, "a.$size"),
        ({"a": {"$size": True}}, 2, "a.$size"),
        ({"a": {"$bitsAllSet": "x"}}, 2, "a.$bitsAllSet"),
        ({"a": {"$bitsAllSet": -1}}, 9, "a.$bitsAllSet"),
        ({"a": {"$bitsAllSet": 1.5}}, 9, "a.$bitsAllSet"),
        ({"a": {"$bitsAllSet": 2**70}}, 9, "a.$bitsAllSet"),
        ({"a": {"$bitsAnyClear": [-1]}}, 2, "a.$bitsAnyClear"),
        ({"a": {"$bitsAnyClear": [2**31]}}, 2, "a.$bitsAnyClear"),
        ({"a": {"$bitsAnyClear": [1.5]}}, 2, "a.$bitsAnyClear"),
        ({"a": {"$bitsAnyClear": ["x"]}}, 2, "a.$bitsAnyClear"),
        # arrays
        ({"a": {"$all": 1}}, 2, "a.$all"),
        ({"a": {"$all": [{"$gt": 1}]}}, 2, "a.$all.0"),
        ({"a": {"$all": [{"$elemMatch": {}}, 1]}}, 2, "a.$all.1"),
        ({"a": {"$all": [{"$elemMatch": 1}]}}, 2, "a.$all.0"),
        ({"a": {"$elemMatch": 1}}, 2, "a.$elemMatch"),
        ({"a": {"$elemMatch": {"$foo": 1}}}, 2, "a.$elemMatch.$foo"),
        # regular expressions
        ({"a": {"$regex": 1}}, 2, "a.$regex"),
        ({"a": {"$regex": "x", "$options": 1}}, 2, "a.$regex"),
        ({"a": {"$options": "i"}}, 2, "a.$options"),
        ({"a": {"$regex": "x", "$options": "g"}}, 51108, ""),
        ({"a": {"$regex": re.compile("x", re.IGNORECASE), "$options": "m"}}, 51075, "a.$regex"),
        ({"a": {"$options": "m", "$regex": re.compile("x", re.IGNORECASE)}}, 51074, "a.$regex"),
        ({"a": {"$regex": "("}}, 51091, ""),
        ({"a": {"$regex": "a\0"}}, 2, ""),
        ({"a": {"$regex": "a" * 1025}}, 51091, ""),
        ({"a": {"$in": [re.compile("(?P<a>x)(?P=b)") if False else bson.Regex("(")]}}, 51091, ""),
        # constants that documents do not hold
        ({"a": {1, 2}}, 2, "a"),
        ({"a": {"b": [{1}]}}, 2, "a.b.0"),
        ({"a": {"$gt": object()}}, 2, "a"),
        ({"a": {"$in": [1, {1}]}}, 2, "a.1"),
        ({"a": 2**70}, 2, "a"),
        ({"a": {"$in": [2**70]}}, 2, "a.0"),
        ({"b": {"$in": [1, 2]}, "a": {"$in": [2**70]}}, 2, "a.0"),
        ({"a": {"x": {"\0": 1}}}, 2, "a.x"),
        # depth
        (nest(101), 15, None),
        (nest(10_000), 15, None),
        (nest(10_000, "$nor"), 15, None),
    ],
)
def test_a_wrong_filter_is_refused(filter: Any, code: int | None, path: str | None):
    """Nothing but the typed error, at its place, twice in a row: nothing of it was kept."""
    for _ in range(2):
        with pytest.raises(NoSQLFilterError) as caught:
            parse_filter(filter)
        assert code is None or caught.value.mongo_code == code, caught.value
        assert path is None or caught.value.path == path
        assert len(str(caught.value)) < 1000


@pytest.mark.parametrize("filter", [5, "a", [], (), [("a", 1)], object(), dict, True, b"x", re.compile("x")])
def test_what_is_no_filter_is_refused(filter: Any):
    """A filter is a mapping or something that has one."""
    with pytest.raises(NoSQLFilterError, match="mapping") as caught:
        parse_filter(filter)
    assert caught.value.mongo_code == 14


@pytest.mark.parametrize(
    ("filter", "hint"),
    [
        ({"a": {"$gte2": 1}}, "$gte"),
        ({"a": {"$elemmatch": {}}}, "$elemMatch"),
        ({"$an": []}, "$and"),
        ({"$gt": 1}, "inside a field"),
        ({"$not": {}}, "$nor"),
        ({"a": {"$or": []}}, "beside fields"),
        ({"a": {"$gt": 1, "b": 1}}, "dotted path"),
        ({"a": {"$type": "strng"}}, "string"),
        ({"a": {"$type": 0}}, "$exists"),
        ({"$where": ""}, "$expr"),
        ({"a": {"$ne": re.compile("x")}}, "$not"),
        ({"a": {"$not": 5}}, "$ne"),
    ],
)
def test_the_error_says_what_to_do(filter: dict[str, Any], hint: str):
    """Near misses are suggested, and the right form is shown."""
    with pytest.raises(NoSQLFilterError) as caught:
        parse_filter(filter)
    assert hint in (caught.value.hint or "")


def test_cycles_are_refused():
    """A filter that contains itself ends at the limit of depth, whichever way it does."""
    logic: dict[str, Any] = {}
    logic["$and"] = [logic]
    negation: dict[str, Any] = {}
    negation["$not"] = negation
    constant: list[Any] = []
    constant.append(constant)
    schema: dict[str, Any] = {}
    schema["not"] = schema
    for cyclic in (logic, {"a": negation}, {"a": constant}, {"a": {"$in": constant}}, {"$jsonSchema": schema}):
        with pytest.raises(NoSQLFilterError):
            parse_filter(cyclic)


def test_a_small_filter_cannot_unfold_into_a_huge_one():
    """Parts shared many times over are counted as often as they stand."""
    shared: dict[str, Any] = {"a": 1}
    for _ in range(60):
        shared = {"$and": [shared, shared]}
    with pytest.raises(NoSQLFilterError, match="conditions") as caught:
        parse_filter(shared)
    assert caught.value.mongo_code == 10334


def test_the_guard_checks_filters_and_names():
    """Without using them."""
    validate_filter({"a": 1})
    validate_filter(None)
    with pytest.raises(NoSQLFilterError):
        validate_filter({"$where": "1"})
    validate_field_name("a.b")
    validate_field_name("grün, mit Leerzeichen")
    for name in ("", "$a", "a\0", 5, None, ".".join("a" * 201)):
        with pytest.raises(NoSQLFilterError):
            validate_field_name(name)


def test_values_are_shown_briefly():
    """Whatever the value is, and however large."""
    assert shown("x" * 1000) == repr("x" * 64)[:64]
    assert shown(10**5000) == "a number of thousands of digits"
    assert shown([1]) == "a value of type list"
    assert shown(None) == "None"
    assert operator_hint("$zzzzzz", ["$gt"]) is None


def test_other_mappings_are_filters_too():
    """Names may be members of an enumeration of text, mappings need not be dicts."""
    from enum import StrEnum

    class Op(StrEnum):
        GTE = "$gte"
        OR = "$or"
        PRICE = "price"

    assert parse_filter({Op.OR: [{Op.PRICE: {Op.GTE: 10}}]}).select([{"price": 10}, {"price": 9}]) == [{"price": 10}]
    assert parse_filter(MappingProxyType({"a": MappingProxyType({"$gt": 1})})).matches({"a": 2})
    assert parse_filter(bson.SON([("a", bson.SON([("$gt", 1)]))])).matches({"a": 2})

"""Whatever is given to expressions, nothing but the package's own errors comes out; constants act as fields do."""

from __future__ import annotations

import copy
import math
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC
from decimal import Decimal
from typing import Any

import pytest
from bson import Decimal128
from hypothesis import example, given
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy
from lexigram.nosql.aggregation.expressions import compile_expression
from lexigram.nosql.aggregation.expressions.compile import CACHE, operators
from lexigram.nosql.aggregation.window_operators import window_operator, window_operator_names
from lexigram.nosql.exceptions import NoSQLError, PipelineError
from lexigram.nosql.testing.strategies import anything, documents, scalars, values
from lexigram.nosql.values.collation import Collation
from lexigram.nosql.values.normalise import normalise_value
from lexigram.nosql.values.path import MISSING

NAMES = sorted(operators())
ARGUMENTS = (
    "input", "in", "as", "cond", "vars", "if", "then", "else", "branches", "case", "default", "initialValue", "n",
    "field", "value", "sortBy", "output", "date", "startDate", "endDate", "unit", "amount", "binSize", "timezone",
    "startOfWeek", "format", "dateString", "year", "month", "isoWeekYear", "to", "onError", "onNull", "base",
    "byteOrder", "find", "replacement", "regex", "options", "chars", "p", "method", "inputs", "useLongestLength",
    "defaults", "limit", "iso8601", "by", "N", "alpha",
)  # fmt: skip
WORDS: SearchStrategy[Any] = st.sampled_from(
    [
        "$a", "$a.b", "$$ROOT", "$$NOW", "$$this", "$$value", "$$REMOVE", "$", "$$", "$a..b", "$$nope", "day", "month",
        "Europe/Berlin", "+05:30", "2024-02-29T12:00:00Z", "%Y-%m-%d", "approximate", "int", "string", "date",
        "binData", "(a+)+$", "^a", "i", "12", "0e-6500", "textScore", "x",
    ]
)  # fmt: skip
ODD_NUMBERS = [
    Decimal("sNaN"), Decimal128("sNaN"), Decimal("-0E-6176"), Decimal("9E+6144"), Decimal128("1E-6176"), 10**400,
    math.inf, math.nan, -0.0, 5e-324, 2**63, -(2**63),
]  # fmt: skip
DOCUMENTS = documents(bson=True).map(normalise_value)
LEAVES: SearchStrategy[Any] = st.one_of(WORDS, scalars(bson=True), st.sampled_from(ODD_NUMBERS))


def one_more(inner: SearchStrategy[Any]) -> SearchStrategy[Any]:
    arguments = st.dictionaries(st.sampled_from(ARGUMENTS), inner, max_size=5)
    specs = st.one_of(inner, st.lists(inner, max_size=4), arguments)
    return st.one_of(
        st.tuples(st.sampled_from(NAMES), specs).map(lambda pair: {pair[0]: pair[1]}),
        st.lists(inner, max_size=3),
        st.dictionaries(st.sampled_from(["a", "b", "$c", "d.e"]), inner, max_size=2),
    )


EXPRESSIONS = st.recursive(LEAVES, one_more, max_leaves=8)


def is_value(value: Any) -> bool:
    if isinstance(value, dict):
        return all(isinstance(name, str) for name in value) and all(map(is_value, value.values()))
    return all(map(is_value, value)) if isinstance(value, list) else value is not MISSING


@given(EXPRESSIONS, DOCUMENTS)
def test_only_our_errors_come_out(expression: Any, document: dict[str, Any]) -> None:
    before = copy.deepcopy(document)
    try:
        compiled = compile_expression(expression, variables=("this", "value"))
        result = compiled(document, {"this": 1, "value": [document]})
    except NoSQLError:
        pass
    else:
        assert result is MISSING or is_value(result)
    assert repr(document) == repr(before)


@given(anything(), DOCUMENTS)
def test_anything_may_be_given(expression: Any, document: dict[str, Any]) -> None:
    for spec in (expression, {"$add": expression}, {"$map": expression}):
        with suppress(NoSQLError):
            compile_expression(spec)(document, {})


@given(
    st.sampled_from(sorted(window_operator_names())),
    st.one_of(EXPRESSIONS, st.dictionaries(st.sampled_from(ARGUMENTS), EXPRESSIONS, max_size=4)),
    st.lists(DOCUMENTS, max_size=4),
    st.booleans(),
)
def test_window_operators_too(name: str, spec: Any, given_documents: list[dict[str, Any]], windowed: bool) -> None:
    bounds = [(0, index + 1) for index in range(len(given_documents))]
    try:
        operator = window_operator(name, spec, sort=(("a", 1),), has_window=windowed)
        results = list(operator.compute(given_documents, bounds, {}))
    except NoSQLError:
        return
    assert len(results) == len(given_documents)
    assert all(map(is_value, results))


# Constants and fields


_SPECIAL = {"$literal", "$const", "$rand", "$sampleRate", "$meta", "$let", "$switch", "$getField", "$toHashedIndexKey"}
LIST_OPERATORS = [name for name in NAMES if name not in _SPECIAL]
STORED = st.one_of(values(bson=True, max_leaves=4), st.sampled_from(ODD_NUMBERS[:5])).map(normalise_value)
OPERANDS = st.lists(STORED, max_size=4)


def outcome(expression: Any, document: Mapping[str, Any]) -> Any:
    try:
        compiled = compile_expression(expression)
        return repr(compiled(document, {}))
    except PipelineError as error:
        return error.mongo_code


@given(st.sampled_from(LIST_OPERATORS), OPERANDS)
@example("$add", [1, 2.0])
@example("$concat", ["a", "b"])
@example("$slice", [[1, 2, 3], 2])
@example("$in", [1, [1, 2]])
def test_constants_act_as_fields_do(name: str, operands: list[Any]) -> None:
    document = {f"f{number}": value for number, value in enumerate(operands)}
    with_fields = outcome({name: [f"${field}" for field in document]}, document)
    with_constants = outcome({name: [{"$literal": value} for value in operands]}, {})
    with_paths = outcome({name: [f"$inner.{field}" for field in document]}, {"inner": document})
    assert with_fields == with_constants == with_paths
    for number in range(len(operands)):
        mixed: list[Any] = [f"$f{index}" for index in range(len(operands))]
        mixed[number] = {"$literal": operands[number]}
        assert outcome({name: mixed}, document) == with_fields


WHOLE = st.one_of(st.integers(-3, 40), st.sampled_from([-(2**63), 2**31, 2**63 - 1, 1.5]))
MOMENTS = st.datetimes(timezones=st.just(UTC))
UNITS = st.sampled_from(["year", "quarter", "month", "week", "day", "hour", "minute", "second", "millisecond"])
ZONES = st.sampled_from(["Europe/Berlin", "America/New_York", "Asia/Kathmandu", "+05:30", "-0345", "UTC", "X", None])
WEEKDAYS = st.sampled_from(["monday", "Sun", "friday", "x"])
PATTERNS = st.sampled_from(["a", "^a", "(b)?", "a|b", "[", "(a+)+$", "\\d"])
TEXTS = st.text(alphabet="abé0 😀", max_size=6)
NUMERALS = st.sampled_from(["12", "-7", "FF", "1e3", "0.1", "2024-05-06", "aGk=", "6869", "5ab9cbfa31c2ab715d42129e"])
FORMATS = st.sampled_from(["%Y-%m-%d", "%d.%m.%Y %H:%M:%S.%L %z", "%G-%V-%u", "%j %U %w", "%q", "%"])
TYPES = st.sampled_from(["int", "long", "double", "decimal", "bool", "date", "string", "binData", "objectId", 1, 99])
LISTS = st.lists(STORED, max_size=4)
PAIRS = st.lists(LISTS, max_size=3)
PART = {"hour": WHOLE, "minute": WHOLE, "second": WHOLE, "millisecond": WHOLE, "timezone": ZONES}
NAMED: Mapping[str, Mapping[str, SearchStrategy[Any]]] = {
    "$year": {"date": MOMENTS, "timezone": ZONES},
    "$isoWeek": {"date": MOMENTS, "timezone": ZONES},
    "$week": {"date": MOMENTS, "timezone": ZONES},
    "$dateToParts": {"date": MOMENTS, "timezone": ZONES, "iso8601": st.booleans()},
    "$dateFromParts": {"year": st.one_of(WHOLE, st.integers(1, 9999)), "month": WHOLE, "day": WHOLE, **PART},
    "$dateToString": {"date": MOMENTS, "format": FORMATS, "timezone": ZONES, "onNull": STORED},
    "$dateFromString": {"dateString": NUMERALS, "format": FORMATS, "timezone": ZONES, "onNull": STORED},
    "$dateAdd": {"startDate": MOMENTS, "unit": UNITS, "amount": WHOLE, "timezone": ZONES},
    "$dateSubtract": {"startDate": MOMENTS, "unit": UNITS, "amount": WHOLE, "timezone": ZONES},
    "$dateDiff": {
        "startDate": MOMENTS, "endDate": MOMENTS, "unit": UNITS, "timezone": ZONES, "startOfWeek": WEEKDAYS,
    },
    "$dateTrunc": {"date": MOMENTS, "unit": UNITS, "binSize": WHOLE, "timezone": ZONES, "startOfWeek": WEEKDAYS},
    "$convert": {"input": st.one_of(STORED, NUMERALS), "to": TYPES, "base": WHOLE, "onError": STORED},
    "$trim": {"input": TEXTS, "chars": TEXTS},
    "$replaceAll": {"input": TEXTS, "find": TEXTS, "replacement": TEXTS},
    "$regexFind": {"input": TEXTS, "regex": PATTERNS, "options": st.sampled_from(["", "i", "q"])},
    "$regexFindAll": {"input": TEXTS, "regex": PATTERNS},
    "$regexMatch": {"input": TEXTS, "regex": PATTERNS},
    "$sortArray": {"input": LISTS},
    "$maxN": {"input": LISTS, "n": WHOLE},
    "$firstN": {"input": LISTS, "n": WHOLE},
    "$zip": {"inputs": PAIRS, "defaults": LISTS},
}  # fmt: skip


@given(st.data(), st.sampled_from(sorted(NAMED)))
def test_named_arguments_too(data: st.DataObject, name: str) -> None:
    fixed = {
        "$sortArray": {"sortBy": data.draw(st.sampled_from([1, -1, {"a": 1}]))},
        "$zip": {"useLongestLength": True},
    }
    arguments: dict[str, Any] = {}
    for key, strategy in NAMED[name].items():
        if data.draw(st.integers(0, 7)):  # else it is left out
            arguments[key] = data.draw(strategy if data.draw(st.integers(0, 9)) else STORED)
    arguments = normalise_value(arguments)
    more = fixed.get(name, {})
    document = dict(arguments)
    with_fields = outcome({name: {**{key: f"${key}" for key in arguments}, **more}}, document)
    with_constants = outcome({name: {**{key: {"$literal": value} for key, value in arguments.items()}, **more}}, {})
    # Constant units and time zones are checked at once: before other faults, and where a null ends the evaluation.
    early = isinstance(with_constants, int) and (isinstance(with_fields, int) or None in arguments.values())
    assert with_fields == with_constants or early


@given(EXPRESSIONS, DOCUMENTS)
def test_what_is_kept_acts_as_what_is_new(expression: Any, document: dict[str, Any]) -> None:
    if "$rand" in repr(expression) or "$sampleRate" in repr(expression) or "$$NOW" in repr(expression):
        return
    CACHE.clear()
    first = outcome(expression, document)
    assert outcome(expression, document) == first  # kept
    CACHE.clear()
    assert outcome(expression, document) == first


@given(EXPRESSIONS, DOCUMENTS)
def test_a_collation_changes_no_error(expression: Any, document: dict[str, Any]) -> None:
    with suppress(NoSQLError):
        compile_expression(expression, collation=Collation("en", strength=1))(document, {})


@pytest.mark.parametrize("depth", [99, 100, 101, 1000, 10_000])
@pytest.mark.parametrize("name", ["$abs", "$add", "$and", "$not", "$size", "$literal", "$map"])
def test_deep_expressions(name: str, depth: int) -> None:
    expression: Any = 1
    for _level in range(depth):
        expression = {name: {"input": expression, "in": 1}} if name == "$map" else {name: [expression]}
    with suppress(NoSQLError):
        compile_expression(expression)({}, {})


def test_expressions_that_contain_themselves() -> None:
    for name in ("$add", "$literal", "$map", "$switch", "n"):
        loop: dict[str, Any] = {}
        loop[name] = loop
        around: list[Any] = []
        around.append({name: around})
        for expression in (loop, around):
            with pytest.raises(NoSQLError):
                compile_expression(expression)

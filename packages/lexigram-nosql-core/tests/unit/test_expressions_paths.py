"""Field paths, variables, documents and arrays of expressions, and the shape of what compiling gives."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from bson import Binary, DBRef, Int64, Regex
from lexigram.nosql.aggregation.expressions import Compiled, compile_expression, validate_variable_name
from lexigram.nosql.aggregation.expressions.cache import CACHE_SIZE, CompiledCache
from lexigram.nosql.aggregation.expressions.compile import CACHE
from lexigram.nosql.exceptions import PipelineError
from lexigram.nosql.values.path import MISSING


def evaluate(expression: Any, document: dict[str, Any] | None = None, **variables: Any) -> Any:
    return compile_expression(expression, variables=variables.keys() - {"NOW"})(document or {}, variables)


def code_of(expression: Any, document: dict[str, Any] | None = None, **variables: Any) -> int | None:
    with pytest.raises(PipelineError) as caught:
        evaluate(expression, document, **variables)
    return caught.value.mongo_code


@pytest.mark.parametrize(
    ("path", "document", "expected"),
    [
        ("$a", {"a": 1}, 1),
        ("$a", {}, MISSING),
        ("$a", {"a": None}, None),
        ("$a.b", {"a": {"b": 2}}, 2),
        ("$a.b", {"a": {}}, MISSING),
        ("$a.b", {"a": 5}, MISSING),
        ("$a.b", {}, MISSING),
        ("$a.b.c", {"a": {"b": {"c": 3}}}, 3),
        ("$a.b.c", {"a": {"b": 1}}, MISSING),
        ("$a.b", {"a": [{"b": 1}, {"c": 2}, {"b": None}, 3, [{"b": 4}]]}, [1, None]),
        ("$a.b", {"a": []}, []),
        ("$a.b.c", {"a": [{"b": [{"c": 1}, {"c": 2}]}, {"b": {"c": 3}}]}, [[1, 2], 3]),
        ("$a.0", {"a": [7, 8]}, []),
        ("$a.0", {"a": {"0": 7}}, 7),
        ("$$ROOT", {"a": 1}, {"a": 1}),
        ("$$CURRENT", {"a": 1}, {"a": 1}),
        ("$$ROOT.a", {"a": 1}, 1),
        ("$$CURRENT.a.b", {"a": {"b": 1}}, 1),
        ("$$REMOVE", {"a": 1}, MISSING),
    ],
)
def test_a_path_reaches_what_stands_there(path: str, document: dict[str, Any], expected: Any) -> None:
    """Paths go through documents by name and through arrays by mapping."""
    result = evaluate(path, document)
    assert result is expected if expected is MISSING else result == expected


@pytest.mark.parametrize(
    ("path", "value", "expected"),
    [
        ("$$v", 5, 5),
        ("$$v", MISSING, MISSING),
        ("$$v.a", {"a": 1}, 1),
        ("$$v.a", {}, MISSING),
        ("$$v.a", [{"a": 1}, {"a": 2}], [1, 2]),
        ("$$v.a.b", {"a": {"b": 1}}, 1),
        ("$$v.a.b", 5, MISSING),
    ],
)
def test_a_variable_is_read_with_its_path(path: str, value: Any, expected: Any) -> None:
    """A variable's path goes on from its value."""
    result = evaluate(path, {}, v=value)
    assert result is expected if expected is MISSING else result == expected


def test_now_is_given_by_the_caller_or_read_from_the_clock() -> None:
    """The same value serves a whole run where the caller gives it."""
    now = datetime(2024, 1, 1, tzinfo=UTC)
    assert evaluate("$$NOW", NOW=now) == now
    clock = evaluate("$$NOW")
    assert clock.tzinfo is UTC
    assert clock.microsecond % 1000 == 0


@pytest.mark.parametrize(
    ("expression", "code"),
    [
        ("$", 16872),
        ("$a.", 40353),
        ("$a..b", 15998),
        ("$.a", 15998),
        ("$a.$b", 16410),
        ("$a\0b", 16419),
        ("$" + ".".join("a" * 201), 15),
        ("$$", 9),
        ("$$1a", 9),
        ("$$a-b", 9),
        ("$$nobody", 17276),
        ("$$nobody.a", 17276),
        ("$$CLUSTER_TIME", 51144),
        ("$$SEARCH_META", 51144),
        ("$$USER_ROLES", 51144),
        ("$$ROOT.", 40353),
        ({"a": 1, "$b": 2}, 16410),
        ({"a.b": 1}, 16412),
        ({"a\0": 1}, 16411),
        ({"": 1}, 15998),
        ({"$add": [1], "a": 2}, 15983),
        ({1: 2}, 2),
        ({"$nothing": 1}, 168),
        (object(), 2),
        ({"a": {1, 2}}, 2),
        (2**70, 2),
        ("\ud800", 2),
    ],
)
def test_what_is_not_valid_is_refused_with_mongodbs_code(expression: Any, code: int) -> None:
    """Faults are found when compiling, and carry the code that services branch on."""
    assert code_of(expression) == code


def test_an_unknown_operator_is_answered_with_the_nearest() -> None:
    """The hint names the operator that was probably meant."""
    with pytest.raises(PipelineError) as caught:
        compile_expression({"$mulitply": [1, 2]})
    assert caught.value.hint is not None
    assert "$multiply" in caught.value.hint


def test_documents_and_arrays_are_made_of_expressions() -> None:
    """Missing fields are left out of documents and are null in arrays."""
    made = evaluate({"x": "$a", "y": {"z": ["$a", "$b", 1]}, "gone": "$b"}, {"a": 5})
    assert made == {"x": 5, "y": {"z": [5, None, 1]}}
    assert evaluate({}) == {}
    assert evaluate(("$a", 2), {"a": 1}) == [1, 2]


def test_constants_come_out_as_documents_hold_them() -> None:
    """Naive dates are taken as UTC and other mappings become documents; each evaluation gives its own copy."""
    assert evaluate(datetime(2024, 1, 1)) == datetime(2024, 1, 1, tzinfo=UTC)  # noqa: DTZ001
    compiled = compile_expression({"$literal": {"a": ["$b"]}})
    first, second = compiled({}, {}), compiled({}, {})
    assert first == second == {"a": ["$b"]}
    first["a"].append(1)
    assert compiled({}, {}) == second


def test_compiled_expressions_say_what_they_read() -> None:
    """Planners learn fields and variables, and whether a value is constant."""
    compiled = compile_expression({"$add": ["$a.b", "$c", "$$v", 1]}, variables=("v",))
    assert compiled.fields_needed == {"a", "c"}
    assert compiled.variables_needed == {"v"}
    assert not compiled.is_constant
    assert compile_expression("$$ROOT").fields_needed is None
    assert compile_expression({"a": "$$ROOT", "b": "$c"}).fields_needed is None
    assert compile_expression("$a").field_name == "a"
    assert compile_expression("$a.b").field_name is None
    assert compile_expression("$$ROOT.a").field_name == "a"
    assert compile_expression({"$rand": {}}).volatile
    assert compile_expression({"$add": [{"$rand": {}}, 1]}).volatile
    assert compile_expression("$$NOW").variables_needed == {"NOW"}


def test_constants_are_folded_and_their_faults_found_at_once() -> None:
    """What depends on nothing is computed when compiling, wrong branches included."""
    folded = compile_expression({"$add": [1, {"$multiply": [2, 3]}]})
    assert folded.is_constant
    assert folded.value == 7
    assert code_of({"$cond": ["$a", 1, {"$divide": [1, 0]}]}) == 2


def test_many_documents_are_evaluated_together() -> None:
    """The batch form gives what the single form gives."""
    documents = [{"a": 1, "b": 2}, {"a": 3}, {}]
    assert compile_expression("$a").evaluate_many(documents[:2], {}) == [1, 3]
    assert compile_expression("$a").evaluate_many(documents, {}) == [1, 3, MISSING]
    assert compile_expression(7).evaluate_many(documents, {}) == [7, 7, 7]
    assert compile_expression({"$isNumber": "$b"}).evaluate_many(documents, {}) == [True, False, False]
    lists = compile_expression([1]).evaluate_many(documents, {})
    assert lists == [[1], [1], [1]]
    assert lists[0] is not lists[1]


def test_deep_and_cyclic_expressions_are_refused() -> None:
    """Ten thousand levels and endless ones end in an error of their own, not of the stack."""
    deep: Any = "$a"
    for _ in range(10_000):
        deep = {"$not": [deep]}
    assert code_of(deep) == 15
    listed: Any = []
    for _ in range(10_000):
        listed = [listed]
    assert code_of(listed) == 15
    assert code_of({"$literal": listed}) == 15
    cyclic: dict[str, Any] = {}
    cyclic["$add"] = [1, cyclic]
    assert code_of(cyclic) == 15
    circle: list[Any] = []
    circle.append(circle)
    assert code_of({"$literal": circle}) == 15


def test_ninety_levels_are_not_too_deep() -> None:
    """Nesting as deep as MongoDB's limit allows works."""
    nested: Any = "$a"
    for _ in range(90):
        nested = {"$add": [nested, 1]}
    assert evaluate(nested, {"a": 0}) == 90


def test_let_defines_variables_for_its_body() -> None:
    """Definitions see the outer scope only; the body sees both."""
    expression = {"$let": {"vars": {"x": "$a", "y": {"$add": ["$a", 1]}}, "in": {"$multiply": ["$$x", "$$y"]}}}
    assert evaluate(expression, {"a": 3}) == 12
    inner = {"$let": {"vars": {"x": 1}, "in": {"$let": {"vars": {"x": 2, "y": "$$x"}, "in": ["$$x", "$$y"]}}}}
    assert evaluate(inner) == [2, 1]
    assert evaluate({"$let": {"vars": {}, "in": 5}}) == 5
    compiled = compile_expression(expression)
    assert compiled.variables_needed == frozenset()
    assert compiled.fields_needed == {"a"}


def test_current_can_be_bound_to_another_document() -> None:
    """Field paths then start from the variable, while ROOT stays the document."""
    expression = {
        "$let": {"vars": {"CURRENT": "$sub"}, "in": ["$a", "$$CURRENT.a", "$$ROOT.a", {"$getField": "a"}, "$a.b"]}
    }
    assert evaluate(expression, {"a": 1, "sub": {"a": 2}}) == [2, 2, 1, 2, None]


@pytest.mark.parametrize(
    ("spec", "code"),
    [
        (1, 16874),
        ({"vars": {}, "in": 1, "more": 1}, 16875),
        ({"in": 1}, 16876),
        ({"vars": {}}, 16877),
        ({"vars": 1, "in": 1}, 10065),
        ({"vars": {1: 1}, "in": 1}, 10065),
        ({"vars": {"": 1}, "in": 1}, 9),
        ({"vars": {"X": 1}, "in": 1}, 9),
        ({"vars": {"a.b": 1}, "in": 1}, 9),
    ],
)
def test_let_checks_its_arguments(spec: Any, code: int) -> None:
    """Each fault of a definition has its own code."""
    assert code_of({"$let": spec}) == code


def test_variable_names_can_be_checked_alone() -> None:
    """Other parts of a pipeline define variables too."""
    for name in ("a", "aB_1", "CURRENT", "\u00e9t\u00e9"):
        validate_variable_name(name)
    for name in ("", "A", "_a", "a b"):
        with pytest.raises(PipelineError):
            validate_variable_name(name)


def test_literal_takes_its_value_as_it_is() -> None:
    """Dollars inside a literal mean nothing."""
    assert evaluate({"$literal": "$a"}, {"a": 1}) == "$a"
    assert evaluate({"$const": {"$add": [1, 2]}}) == {"$add": [1, 2]}


def test_the_same_expression_is_compiled_once() -> None:
    """A second compilation of an equal expression gives the first one's result, constants told apart by type."""
    CACHE.clear()
    first = compile_expression({"$add": ["$cached", 1]})
    assert compile_expression({"$add": ["$cached", 1]}) is first
    assert CACHE.hits == 1
    assert compile_expression({"$add": ["$cached", 1.0]}) is not first
    assert compile_expression({"$add": ["$cached", True]}) is not first
    assert str(compile_expression(0.0)({}, {})) == "0.0"
    assert str(compile_expression(-0.0)({}, {})) == "-0.0"
    assert compile_expression("$$v", variables=("v",)) is not first
    assert compile_expression("$$v", variables=("v",)) is compile_expression("$$v", variables=["v"])


def test_the_cache_is_bounded() -> None:
    """What was not asked for lately goes first, and what was asked for in between stays."""
    cache = CompiledCache()
    compiled = Compiled(lambda _document, _variables: None)
    for number in range(4 * CACHE_SIZE):
        cache.put(number, compiled)
        assert cache.get(0) is compiled
    assert cache.get(1) is None
    assert cache.get(4 * CACHE_SIZE - 1) is compiled
    assert len(cache) <= 2 * CACHE_SIZE


def test_constants_that_are_equal_in_python_are_told_apart() -> None:
    """Equality of values is not equality of expressions."""
    zone = ZoneInfo("Europe/Berlin")
    first, second = (datetime(2024, 10, 27, 2, 30, fold=fold, tzinfo=zone) for fold in (0, 1))
    for one, other in (
        ((1, 2), (1.0, 2)),
        ([1, [2]], [1, [2.0]]),
        (Decimal("1.0"), Decimal("1.00")),
        (Int64(1), 1),
        (b"a", Binary(b"a", 5)),
        (Regex("a"), Regex("a", "i")),
        (first, second),
        (DBRef("a", 1), DBRef("a", 1.0)),
    ):
        found = [compile_expression(each)({}, {}) for each in (one, other, one, other)]
        values = [(type(each), repr(each)) for each in found]
        assert values[0] == values[2] != values[1] == values[3]


def test_large_expressions_are_not_kept() -> None:
    """What a caller sends does not stay."""
    CACHE.clear()
    loop: list[Any] = []
    loop.append(loop)
    for large in ("x" * 5000, list(range(500)), {"y" * 5000: 1}, {"$literal": b"x" * 5000}, {"$size": [["x" * 5000]]}):
        assert compile_expression(large) is not compile_expression(large)
    with pytest.raises(PipelineError):
        compile_expression({"$size": loop})
    assert CACHE.hits == 0

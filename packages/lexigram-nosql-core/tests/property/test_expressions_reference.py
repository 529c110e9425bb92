"""Expressions against an interpreter written apart from them, which walks the tree anew for every document."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from fractions import Fraction
from typing import Any

from bson import Int64
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy
from lexigram.nosql.aggregation.expressions import compile_expression
from lexigram.nosql.exceptions import PipelineError
from lexigram.nosql.values.path import MISSING

_INT64 = 2**63


class Refused(Exception):
    """The interpreter's own error."""


# The interpreter


def is_int(number: int) -> bool:
    return type(number) is int and -(2**31) <= number < 2**31


def fit(number: int, operands: list[int]) -> int | float:
    if not -_INT64 <= number < _INT64:
        return float(number)
    # A long gives a long, of a class of its own where it is small.
    is_long = not all(map(is_int, operands))
    return Int64(number) if is_long and (is_int(number) or any(type(each) is Int64 for each in operands)) else number


def is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def nullish(value: Any) -> bool:
    return value is None or value is MISSING


def truth(value: Any) -> bool:
    return not (nullish(value) or value is False or (is_number(value) and value == 0))


def rank(value: Any) -> int:
    if value is MISSING:
        return 0
    order: list[tuple[type, int]] = [(bool, 8), (int, 2), (float, 2), (str, 3), (dict, 4), (list, 5)]
    return 1 if value is None else next(place for kind, place in order if isinstance(value, kind))


def compare(left: Any, right: Any) -> int:
    a, b = rank(left), rank(right)
    if a != b:
        return -1 if a < b else 1
    if a in (0, 1):
        return 0
    if a == 4:  # field by field: the value's type, the name, the value
        left = [[rank(value), name, value] for name, value in left.items()]
        right = [[rank(value), name, value] for name, value in right.items()]
    if a in (4, 5):
        differences = (compare(one, other) for one, other in zip(left, right, strict=False))
        sizes = (len(left) > len(right)) - (len(left) < len(right))
        return next((found for found in differences if found), sizes)
    return (left > right) - (left < right)


def numbers_of(name: str, values: list[Any]) -> list[Any] | None:
    if name not in ("$add", "$multiply") and any(nullish(value) for value in values):
        return None
    for value in values:  # sums and products look at one operand after another
        if nullish(value):
            return None
        if not is_number(value):
            raise Refused
    return values


def arithmetic(name: str, values: list[Any]) -> Any:
    numbers = numbers_of(name, values)
    if numbers is None:
        return None
    exact = all(isinstance(number, int) for number in numbers)
    if name == "$add":
        total = sum(numbers) if exact else math.fsum(numbers)
    elif name == "$subtract":
        total = numbers[0] - numbers[1]
    elif name == "$multiply":
        total = math.prod(numbers)
    elif name == "$divide":
        if numbers[1] == 0:
            raise Refused
        return numbers[0] / numbers[1]
    else:
        if numbers[1] == 0:
            raise Refused
        if not exact:
            return math.fmod(*map(float, numbers))
        rest = abs(numbers[0]) % abs(numbers[1])
        return fit(-rest if numbers[0] < 0 else rest, numbers)
    return fit(int(total), numbers) if exact else total


def rounded(value: Any, place: int) -> Any:
    if nullish(value):
        return None
    if not is_number(value):
        raise Refused
    scale = Fraction(10) ** place
    whole = round(Fraction(value) * scale) / scale  # Fraction rounds halves to even
    if isinstance(value, int):
        return value if place >= 0 else fit(int(whole), [value])
    return math.copysign(float(whole), value)


COMPARISONS: Mapping[str, Callable[[int], Any]] = {
    "$cmp": lambda found: found,
    "$eq": lambda found: found == 0,
    "$ne": lambda found: found != 0,
    "$lt": lambda found: found < 0,
    "$lte": lambda found: found <= 0,
    "$gt": lambda found: found > 0,
    "$gte": lambda found: found >= 0,
}


def interpret(expression: Any, document: Any, variables: dict[str, Any]) -> Any:
    if isinstance(expression, str):
        if expression.startswith("$$"):
            return walk(variables, expression[2:].split("."))
        return walk(document, expression[1:].split(".")) if expression.startswith("$") else expression
    if isinstance(expression, list):
        values = [interpret(item, document, variables) for item in expression]
        return [None if value is MISSING else value for value in values]
    if not isinstance(expression, dict):
        return expression
    ((name, spec),) = expression.items()
    if not name.startswith("$"):
        value = interpret(spec, document, variables)
        return {} if value is MISSING else {name: value}
    return operate(name, spec, document, variables)


def walk(value: Any, names: list[str]) -> Any:
    if not names:
        return value
    if isinstance(value, list):
        found = [walk(item, names) for item in value if isinstance(item, dict)]
        return [item for item in found if item is not MISSING]
    return walk(value[names[0]], names[1:]) if isinstance(value, dict) and names[0] in value else MISSING


def operate(name: str, spec: Any, document: Any, variables: dict[str, Any]) -> Any:
    def run(part: Any, **more: Any) -> Any:
        return interpret(part, document, {**variables, **more})

    if name == "$literal":
        return spec
    if name in ("$add", "$subtract", "$multiply", "$divide", "$mod"):
        return arithmetic(name, [run(part) for part in spec])
    if name == "$round":
        return rounded(run(spec[0]), spec[1])
    if name in COMPARISONS:
        return COMPARISONS[name](compare(run(spec[0]), run(spec[1])))
    if name == "$and":
        return all(truth(run(part)) for part in spec)
    if name == "$or":
        return any(truth(run(part)) for part in spec)
    if name == "$not":
        return not truth(run(spec[0]))
    if name == "$cond":
        return run(spec["then"] if truth(run(spec["if"])) else spec["else"])
    if name == "$ifNull":
        value = run(spec[0])
        return run(spec[1]) if nullish(value) else value
    if name == "$switch":
        chosen = next((branch["then"] for branch in spec["branches"] if truth(run(branch["case"]))), spec["default"])
        return run(chosen)
    if name == "$let":
        return run(spec["in"], **{key: run(value) for key, value in spec["vars"].items()})
    if name == "$concat":
        texts = [run(part) for part in spec]
        return None if any(nullish(text) for text in texts) else "".join(texts)
    if name == "$type":
        value = run(spec)
        names = {0: "missing", 1: "null", 3: "string", 4: "object", 5: "array", 8: "bool"}
        if rank(value) == 2:
            return "double" if isinstance(value, float) else "int" if is_int(value) else "long"
        return names[rank(value)]
    return operate_on_array(name, spec, run)


def array_of(value: Any) -> Any:
    if not nullish(value) and not isinstance(value, list):
        raise Refused
    return None if nullish(value) else value


def operate_on_array(name: str, spec: Any, run: Callable[..., Any]) -> Any:
    if name == "$concatArrays":
        joined: list[Any] = []
        for part in spec:
            array = array_of(run(part))
            if array is None:
                return None
            joined += array
        return joined
    if name == "$size":
        value = array_of(run(spec))
        if value is None:
            raise Refused
        return len(value)
    if name == "$in":
        values = run(spec[1])
        if not isinstance(values, list):
            raise Refused
        wanted = run(spec[0])
        return any(compare(wanted, value) == 0 for value in values)
    if name in ("$arrayElemAt", "$slice"):
        array, n = array_of(run(spec[0])), spec[1]
        if array is None:
            return None
        if name == "$slice":
            return array[:n] if n >= 0 else array[n:]
        return array[n] if -len(array) <= n < len(array) else MISSING
    if name == "$reverseArray":
        array = array_of(run(spec))
        return None if array is None else array[::-1]
    array = array_of(run(spec["input"]))
    if array is None:
        return None
    if name == "$map":
        values = [run(spec["in"], each=item) for item in array]
        return [None if value is MISSING else value for value in values]
    if name == "$filter":
        return [item for item in array if truth(run(spec["cond"], each=item))]
    value = run(spec["initialValue"])
    for item in array:
        value = run(spec["in"], value=value, this=item)
    return value


# Random expressions, nearly always of the types that their operators take

INTS = st.one_of(st.integers(-5, 5), st.sampled_from([2**31 - 1, 2**62, -(2**63)]))
NUMBERS: SearchStrategy[Any] = st.one_of(INTS, st.sampled_from([0.5, -1.5, 2.0, 1e18]))
TEXTS: SearchStrategy[Any] = st.sampled_from(["", "x", "y", "xy"])
SCALARS: SearchStrategy[Any] = st.one_of(st.none(), st.booleans(), NUMBERS, TEXTS)
VALUES: SearchStrategy[Any] = st.recursive(
    SCALARS,
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.sampled_from("ab"), inner, max_size=1)),
    max_leaves=5,
)
DOCUMENTS: SearchStrategy[Any] = st.fixed_dictionaries(
    {"n": NUMBERS, "s": TEXTS, "l": st.lists(NUMBERS, max_size=3)},
    optional={
        "m": NUMBERS,
        "a": VALUES,
        "o": st.one_of(
            st.fixed_dictionaries({}, optional={"n": NUMBERS, "l": st.lists(NUMBERS, max_size=3)}),
            st.lists(st.fixed_dictionaries({"n": NUMBERS}), max_size=2),
        ),
    },
)


def call(name: str, *parts: SearchStrategy[Any]) -> SearchStrategy[Any]:
    return st.tuples(*parts).map(lambda values: {name: list(values)})


def several(names: list[str], parts: SearchStrategy[Any], least: int, most: int) -> SearchStrategy[Any]:
    operands = st.lists(parts, min_size=least, max_size=most)
    return st.tuples(st.sampled_from(names), operands).map(lambda pair: {pair[0]: pair[1]})


def named(name: str, **parts: SearchStrategy[Any]) -> SearchStrategy[Any]:
    return st.fixed_dictionaries(parts).map(lambda spec: {name: spec})


def chosen(parts: SearchStrategy[Any]) -> list[SearchStrategy[Any]]:
    """Ways in which a value of any type comes out of others."""
    branches = st.lists(st.fixed_dictionaries({"case": TRUTHS, "then": parts}), min_size=1, max_size=2)
    return [
        named("$cond", **{"if": TRUTHS, "then": parts, "else": parts}),
        call("$ifNull", st.one_of(parts, st.just("$gone")), parts),
        named("$switch", branches=branches, default=parts),
        named("$let", vars=st.fixed_dictionaries({"each": ANY}), **{"in": parts}),
    ]


def deferred(make: Callable[[], SearchStrategy[Any]]) -> SearchStrategy[Any]:
    return st.deferred(make)


NUMERIC: SearchStrategy[Any] = deferred(
    lambda: st.one_of(
        NUMBERS,
        st.sampled_from(["$n", "$m", "$o.n"]),
        several(["$add", "$multiply"], NUMERIC, 1, 3),
        several(["$subtract", "$divide", "$mod"], NUMERIC, 2, 2),
        call("$round", NUMERIC, st.integers(-2, 3)),
        call("$cmp", ANY, ANY),
        ARRAYS.map(lambda part: {"$size": [part]}),
        call("$arrayElemAt", ARRAYS, st.integers(-2, 2)),
        named("$reduce", input=ARRAYS, initialValue=NUMERIC, **{"in": st.one_of(WITH_VALUE, NUMERIC)}),
        *chosen(NUMERIC),
    )
)
WITH_VALUE: SearchStrategy[Any] = st.sampled_from(
    [{"$add": ["$$value", "$$this"]}, {"$multiply": ["$$this", 2]}, "$$value"]
)
TRUTHS: SearchStrategy[Any] = deferred(
    lambda: st.one_of(
        st.booleans(),
        several([name for name in COMPARISONS if name != "$cmp"], ANY, 2, 2),
        several(["$and", "$or"], ANY, 0, 3),
        call("$not", ANY),
        call("$in", ANY, ARRAYS),
    )
)
STRINGS: SearchStrategy[Any] = deferred(
    lambda: st.one_of(
        TEXTS,
        st.just("$s"),
        several(["$concat"], STRINGS, 0, 3),
        ANY.map(lambda part: {"$type": [part]}),
        *chosen(STRINGS),
    )
)
EACH: SearchStrategy[Any] = deferred(
    lambda: st.one_of(st.sampled_from(["$$each", "$$each.n"]), call("$add", st.just("$$each"), NUMERIC), TRUTHS)
)
ARRAYS: SearchStrategy[Any] = deferred(
    lambda: st.one_of(
        st.lists(NUMERIC, max_size=3),
        st.sampled_from(["$l", "$o.l"]),
        several(["$concatArrays"], ARRAYS, 0, 2),
        call("$slice", ARRAYS, st.sampled_from([-2, -1, 1, 2])),
        ARRAYS.map(lambda part: {"$reverseArray": [part]}),
        named("$map", input=ARRAYS, **{"as": st.just("each"), "in": EACH}),
        named("$filter", input=ARRAYS, **{"as": st.just("each"), "cond": EACH}),
        *chosen(ARRAYS),
    )
)
ANY: SearchStrategy[Any] = deferred(
    lambda: st.one_of(
        SCALARS,
        VALUES.map(lambda value: {"$literal": value}),
        st.sampled_from(["$a", "$a.b", "$gone", "$o", "$l.n"]),
        NUMERIC,
        TRUTHS,
        STRINGS,
        ARRAYS,
        st.lists(NUMERIC, max_size=2),
        STRINGS.map(lambda part: {"n": part}),
    )
)
EXPRESSIONS: SearchStrategy[Any] = st.one_of(NUMERIC, TRUTHS, STRINGS, ARRAYS, ANY)


def unwrapped(expression: Any) -> Any:
    """Operators of one operand without the list, which the interpreter does not know."""
    if isinstance(expression, list):
        return [unwrapped(item) for item in expression]
    if not isinstance(expression, dict):
        return expression
    plain: dict[str, Any] = {}
    for name, spec in expression.items():
        single = name in ("$size", "$reverseArray", "$type") and isinstance(spec, list)
        plain[name] = spec if name == "$literal" else unwrapped(spec[0] if single else spec)
    return plain


def same(left: Any, right: Any) -> bool:
    if type(left) is not type(right):
        return False
    if isinstance(left, list):
        return len(left) == len(right) and all(map(same, left, right))
    if isinstance(left, dict):
        return list(left) == list(right) and all(same(left[name], right[name]) for name in left)
    if isinstance(left, float):
        return left == right or math.isclose(left, right, rel_tol=1e-15) or (left != left and right != right)
    return bool(left == right)


def outcome(run: Callable[[], Any], *errors: type[Exception]) -> Any:
    try:
        return run()
    except errors:
        return Refused


def interpreted(expression: Any, document: Any) -> Any:
    return outcome(lambda: interpret(expression, document, {}), Refused, TypeError, OverflowError)


def depends(expression: Any) -> bool:
    if isinstance(expression, str):
        return expression.startswith("$")
    if isinstance(expression, list):
        return any(map(depends, expression))
    if isinstance(expression, dict):
        return "$literal" not in expression and any(map(depends, expression.values()))
    return False


def fails_as_a_constant(expression: Any) -> bool:
    """Constants are evaluated when an expression is compiled, even where no document would reach them."""
    if isinstance(expression, dict) and "$literal" in expression:
        return False
    inner = expression.values() if isinstance(expression, dict) else expression if isinstance(expression, list) else ()
    if any(map(fails_as_a_constant, inner)):
        return True
    written = isinstance(expression, dict) and next(iter(expression), "").startswith("$")
    return written and not depends(expression) and interpreted(expression, {}) is Refused


@given(EXPRESSIONS, DOCUMENTS)
def test_expressions_do_what_the_interpreter_does(expression: Any, document: dict[str, Any]) -> None:
    plain = unwrapped(expression)
    expected = interpreted(plain, document)
    found = outcome(lambda: compile_expression(expression)(document, {}), PipelineError)
    if found is Refused:
        assert expected is Refused or fails_as_a_constant(plain)
    else:
        assert same(found, expected)

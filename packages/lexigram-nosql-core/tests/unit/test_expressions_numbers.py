"""Arithmetic, powers, rounding, trigonometry and bits: results, their types, and the codes of faults."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta
from decimal import Context, Decimal
from typing import Any

import pytest
from bson import Decimal128, Int64, Timestamp
from bson.datetime_ms import DatetimeMS
from lexigram.nosql.aggregation.expressions import compile_expression
from lexigram.nosql.aggregation.expressions.decimals import FUNCTIONS, pi
from lexigram.nosql.exceptions import PipelineError

NAN = float("nan")
INF = float("inf")
DAY = datetime(2024, 1, 1, tzinfo=UTC)
BIG = 2**63 - 1


def evaluate(operator: str, *operands: Any) -> Any:
    """Evaluate on fields, on constants, and on a mixture; all must agree."""
    document = {f"f{index}": operand for index, operand in enumerate(operands)}
    paths = [f"$f{index}" for index in range(len(operands))]
    result = compile_expression({operator: paths})(document, {})
    nested = compile_expression({operator: [{"$ifNull": [path, path]} for path in paths]})(document, {})
    constants = compile_expression({operator: [{"$literal": operand} for operand in operands]})(document, {})
    assert same(result, nested)
    assert same(result, constants)
    if len(operands) == 2:
        mixed = compile_expression({operator: [paths[0], {"$literal": operands[1]}]})(document, {})
        assert same(result, mixed)
    return result


def same(left: Any, right: Any) -> bool:
    if type(left) is not type(right):
        return False
    return bool(left == right or (left != left and right != right)) and str(left) == str(right)


def code_of(operator: str, *operands: Any) -> int | None:
    with pytest.raises(PipelineError) as caught:
        compile_expression({operator: [f"$f{index}" for index in range(len(operands))]})(
            {f"f{index}": operand for index, operand in enumerate(operands)}, {}
        )
    return caught.value.mongo_code


ARITHMETIC = [
    ("$add", (1, 2), 3),
    ("$add", (1, 2.5), 3.5),
    ("$add", (2.5, 1), 3.5),
    ("$add", (1.5, 2.5), 4.0),
    ("$add", (1, None), None),
    ("$add", (None, "x"), None),
    ("$add", (1, 2, 3), 6),
    ("$add", (1, 2.5, 3), 6.5),
    ("$add", (BIG, 1), float(BIG) + 1.0),
    ("$add", (BIG, 1, 1), float(BIG) + 2.0),
    ("$add", (Decimal("1.1"), 2), Decimal("3.1")),
    ("$add", (1, Decimal("1.1"), 2.0), Decimal("4.10000000000000")),
    ("$add", (0.1, Decimal(0)), Decimal("0.100000000000000")),
    ("$add", (Decimal128("1.1"), 1), Decimal128("2.1")),
    ("$add", (Int64(1), 2), Int64(3)),
    ("$add", (Int64(1), 2, 3), Int64(6)),
    ("$add", (Int64(1), 2.0), 3.0),
    ("$add", (DAY, 1000), DAY + timedelta(seconds=1)),
    ("$add", (500, DAY, 500), DAY + timedelta(seconds=1)),
    ("$add", (DAY, 1.5), DAY + timedelta(milliseconds=2)),
    ("$add", (DAY, -1.5), DAY - timedelta(milliseconds=2)),
    ("$add", (DAY, Decimal("2.5")), DAY + timedelta(milliseconds=2)),
    ("$add", (INF, -INF), NAN),
    ("$add", (), 0),
    ("$subtract", (5, 3), 2),
    ("$subtract", (5, 3.5), 1.5),
    ("$subtract", (None, 3), None),
    ("$subtract", (-BIG, 10), float(-BIG) - 10.0),
    ("$subtract", (Decimal("1.5"), 1), Decimal("0.5")),
    ("$subtract", (Int64(5), 3), Int64(2)),
    ("$subtract", (Int64(5), 1.5), 3.5),
    ("$subtract", (DAY, DAY - timedelta(days=1)), Int64(86_400_000)),
    ("$subtract", (DAY, 1000), DAY - timedelta(seconds=1)),
    ("$subtract", (DAY, 1.5), DAY - timedelta(milliseconds=2)),
    ("$subtract", (DatetimeMS(1000), 1000), datetime(1970, 1, 1, tzinfo=UTC)),
    ("$multiply", (4, 3), 12),
    ("$multiply", (4, 2.5), 10.0),
    ("$multiply", (BIG, 2), float(BIG) * 2.0),
    ("$multiply", (BIG, 2, 3), float(BIG) * 6.0),
    ("$multiply", (2, 3, 4), 24),
    ("$multiply", (2, None, "x"), None),
    ("$multiply", (2, 3.0, 4), 24.0),
    ("$multiply", (2, Decimal("1.5")), Decimal("3.0")),
    ("$multiply", (0.1, Decimal(1), 2), Decimal("0.200000000000000")),
    ("$multiply", (Int64(2), 3), Int64(6)),
    ("$multiply", (), 1),
    ("$divide", (7, 2), 3.5),
    ("$divide", (6, 2), 3.0),
    ("$divide", (7.0, 2), 3.5),
    ("$divide", (7, Decimal(2)), Decimal("3.5")),
    ("$divide", (None, 2), None),
    ("$divide", (2, None), None),
    ("$divide", (Int64(7), 2), 3.5),
    ("$divide", (INF, INF), NAN),
    ("$mod", (17, 5), 2),
    ("$mod", (-17, 5), -2),
    ("$mod", (17, -5), 2),
    ("$mod", (17.5, 5), 2.5),
    ("$mod", (-17.5, 5), -2.5),
    ("$mod", (17, 5.0), 2.0),
    ("$mod", (Int64(17), 5), Int64(2)),
    ("$mod", (INF, 5), NAN),
    ("$mod", (5, INF), 5.0),
    ("$mod", (Decimal("17.5"), 5), Decimal("2.5")),
    ("$mod", (Decimal("1E+40"), 7), Decimal(4)),
    ("$mod", (Decimal("Infinity"), 7), Decimal("NaN")),
    ("$mod", (None, 5), None),
    ("$abs", (-5,), 5),
    ("$abs", (-5.5,), 5.5),
    ("$abs", (Decimal("-1.50"),), Decimal("1.50")),
    ("$abs", (Int64(-5),), Int64(5)),
    ("$abs", (None,), None),
    ("$abs", (NAN,), NAN),
]


@pytest.mark.parametrize(("operator", "operands", "expected"), ARITHMETIC)
def test_arithmetic_keeps_mongodbs_types(operator: str, operands: tuple[Any, ...], expected: Any) -> None:
    """Whole numbers stay whole in 64 bits; doubles and decimals win over them."""
    assert same(evaluate(operator, *operands), expected)


def test_a_missing_operand_gives_null() -> None:
    """Missing counts as null."""
    for operator in ("$add", "$subtract", "$multiply", "$divide", "$mod", "$pow", "$log", "$atan2"):
        assert compile_expression({operator: [1, "$gone"]})({}, {}) is None
        assert compile_expression({operator: ["$gone", 1]})({}, {}) is None
    for operator in ("$abs", "$ceil", "$sqrt", "$sin", "$round", "$bitNot"):
        assert compile_expression({operator: "$gone"})({}, {}) is None


def test_large_whole_numbers_divide_as_doubles() -> None:
    """Operands are rounded to doubles first, as the server does."""
    assert evaluate("$divide", 2**62 + 1, 3) == float(2**62 + 1) / 3.0


@pytest.mark.parametrize(
    ("operator", "operands", "code"),
    [
        ("$add", (1, "x"), 14),
        ("$add", (True, 1), 14),
        ("$add", (DAY, DAY), 16612),
        ("$add", (DAY, 1e300), 15),
        ("$add", (DAY, Decimal("1E+30")), 15),
        ("$add", (DAY, NAN), 15),
        ("$add", (DAY, 2**60), 15),
        ("$subtract", ("x", 1), 14),
        ("$subtract", (DAY, "x"), 14),
        ("$subtract", (1, DAY), 14),
        ("$multiply", (1, "x"), 14),
        ("$divide", (1, 0), 2),
        ("$divide", (1, 0.0), 2),
        ("$divide", (1, Decimal(0)), 2),
        ("$divide", ("x", 1), 14),
        ("$mod", (1, 0), 16610),
        ("$mod", (1, Decimal(0)), 5733415),
        ("$mod", ("x", 1), 16611),
        ("$abs", ("x",), 28765),
        ("$abs", (-(2**63),), 28680),
        ("$exp", ("x",), 28765),
        ("$ln", (0,), 28766),
        ("$ln", (Decimal(-1),), 28766),
        ("$ln", ("x",), 28765),
        ("$log10", (-1,), 28761),
        ("$log", ("x", 2), 28756),
        ("$log", (2, "x"), 28757),
        ("$log", (0, 2), 28758),
        ("$log", (2, 1), 28759),
        ("$log", (Decimal(-2), Decimal(2)), 28758),
        ("$log", (Decimal(2), Decimal(1)), 28759),
        ("$pow", ("x", 2), 28762),
        ("$pow", (2, "x"), 28763),
        ("$pow", (0, -1), 28764),
        ("$pow", (Decimal(0), -1), 28764),
        ("$sqrt", (-1,), 28714),
        ("$sqrt", (Decimal(-1),), 28714),
        ("$ceil", ("x",), 28765),
        ("$round", ("x",), 51081),
        ("$round", (1, "x"), 16004),
        ("$round", (1, 1.5), 51082),
        ("$round", (1, 101), 51083),
        ("$trunc", (1, -21), 51083),
        ("$round", (BIG, -1), 51080),
        ("$sin", (INF,), 50989),
        ("$cos", (Decimal("-Infinity"),), 50989),
        ("$acos", (1.1,), 50989),
        ("$asin", (Decimal("-1.1"),), 50989),
        ("$acosh", (0.9,), 50989),
        ("$atanh", (2,), 50989),
        ("$atan2", ("x", 1), 51044),
        ("$atan2", (1, "x"), 51045),
        ("$tan", ("x",), 28765),
        ("$bitAnd", (1, 1.5), 14),
        ("$bitNot", (1.5,), 14),
        ("$bitNot", ("x",), 28765),
    ],
)
def test_faults_have_mongodbs_codes(operator: str, operands: tuple[Any, ...], code: int) -> None:
    """Services branch on these codes."""
    assert code_of(operator, *operands) == code


@pytest.mark.parametrize(
    ("spec", "code"),
    [
        ({"$subtract": [1]}, 16020),
        ({"$subtract": 1}, 16020),
        ({"$abs": [1, 2]}, 16020),
        ({"$round": [1, 2, 3]}, 28667),
        ({"$round": []}, 28667),
        ({"$pow": [1]}, 16020),
    ],
)
def test_the_number_of_operands_is_checked(spec: Any, code: int) -> None:
    """Too many and too few operands are found when compiling."""
    with pytest.raises(PipelineError) as caught:
        compile_expression(spec)
    assert caught.value.mongo_code == code


@pytest.mark.parametrize(
    ("operator", "operands", "expected"),
    [
        ("$pow", (2, 10), 1024),
        ("$pow", (2, 62), 2**62),
        ("$pow", (2, 63), 2.0**63),
        ("$pow", (-2, 63), -(2**63)),
        ("$pow", (2, -1), 0.5),
        ("$pow", (0, 0), 1),
        ("$pow", (0, 100), 0),
        ("$pow", (1, 10**10), Int64(1)),
        ("$pow", (-1, 10**10 + 1), Int64(-1)),
        ("$pow", (-1, -2), 1),
        ("$pow", (2, 0.5), math.sqrt(2)),
        ("$pow", (-8, 0.5), NAN),
        ("$pow", (10.0, 400), INF),
        ("$pow", (-10.0, 401), -INF),
        ("$pow", (Int64(2), 3), Int64(8)),
        ("$pow", (Decimal(2), 3), Decimal(8)),
        ("$pow", (Decimal("NaN"), 0), Decimal(1)),
        ("$exp", (0,), 1.0),
        ("$exp", (1000,), INF),
        ("$exp", (Decimal(0),), Decimal(1)),
        ("$ln", (math.e,), 1.0),
        ("$ln", (NAN,), NAN),
        ("$ln", (Decimal(1),), Decimal(0)),
        ("$ln", (Decimal("NaN"),), Decimal("NaN")),
        ("$log10", (1000,), math.log10(1000)),
        ("$log10", (Decimal(1000),), Decimal(3)),
        ("$log", (8, 2), 3.0),
        ("$log", (NAN, 2), NAN),
        ("$log", (Decimal(100), 10), Decimal(2)),
        ("$log", (Decimal("NaN"), 10), Decimal("NaN")),
        ("$trunc", (Decimal("1.298"), 100), Decimal("1.298000000000000000000000000000000")),
        ("$round", (Decimal("123.5"), 40), Decimal("123.5000000000000000000000000000000")),
        ("$sqrt", (16,), 4.0),
        ("$sqrt", (NAN,), NAN),
        ("$sqrt", (Decimal(16),), Decimal(4)),
        ("$sqrt", (Decimal("NaN"),), Decimal("NaN")),
        ("$ceil", (1.2,), 2.0),
        ("$ceil", (-0.5,), -0.0),
        ("$ceil", (0.0,), 0.0),
        ("$ceil", (7,), 7),
        ("$ceil", (INF,), INF),
        ("$ceil", (Decimal("1.2"),), Decimal(2)),
        ("$floor", (-1.2,), -2.0),
        ("$floor", (0.5,), 0.0),
        ("$floor", (Decimal("-1.2"),), Decimal(-2)),
        ("$floor", (Decimal("Infinity"),), Decimal("Infinity")),
        ("$round", (2.5,), 2.0),
        ("$round", (3.5,), 4.0),
        ("$round", (-2.5,), -2.0),
        ("$round", (2.675, 2), 2.67),
        ("$round", (1.298, 100), 1.298),
        ("$round", (23.298, -1), 20.0),
        ("$round", (-0.4,), -0.0),
        ("$round", (NAN, 0), NAN),
        ("$round", (15, -1), 20),
        ("$round", (25, -1), 20),
        ("$round", (2147483647, -1), 2147483650),
        ("$round", (Int64(25), -1), Int64(20)),
        ("$round", (7, 2), 7),
        ("$round", (None, 2), None),
        ("$round", (7, None), None),
        ("$round", (Decimal("1.298"), 1), Decimal("1.3")),
        ("$round", (Decimal("23.298"), -1), Decimal("2E+1")),
        ("$round", (Decimal("1.298912343250054252245154325"), 20), Decimal("1.29891234325005425225")),
        ("$round", (Decimal("Infinity"), 0), Decimal("Infinity")),
        ("$trunc", (1.999,), 1.0),
        ("$trunc", (-1.9,), -1.0),
        ("$trunc", (1.298, 1), 1.2),
        ("$trunc", (1999, -3), 1000),
        ("$trunc", (Decimal("-1.6"),), Decimal(-1)),
        ("$sin", (0,), 0.0),
        ("$cos", (0,), 1.0),
        ("$tan", (0.0,), 0.0),
        ("$asin", (1,), math.pi / 2),
        ("$acos", (1,), 0.0),
        ("$atan", (INF,), math.pi / 2),
        ("$sinh", (1000,), INF),
        ("$sinh", (-1000,), -INF),
        ("$cosh", (1000,), INF),
        ("$cosh", (-1000.0,), INF),
        ("$tanh", (INF,), 1.0),
        ("$acosh", (INF,), INF),
        ("$atanh", (1,), INF),
        ("$atanh", (-1,), -INF),
        ("$sin", (NAN,), NAN),
        ("$sin", (Decimal("NaN"),), Decimal("NaN")),
        ("$atan2", (3, 2), math.atan2(3, 2)),
        ("$degreesToRadians", (180,), math.pi),
        ("$radiansToDegrees", (math.pi,), 180.0),
        ("$degreesToRadians", (Decimal(180),), Decimal("3.141592653589793238462643383279503")),
        ("$radiansToDegrees", (INF,), INF),
        ("$sinh", (Decimal("Infinity"),), Decimal("Infinity")),
        ("$cosh", (Decimal("-Infinity"),), Decimal("Infinity")),
        ("$tanh", (Decimal("-Infinity"),), Decimal(-1)),
        ("$asinh", (Decimal("-Infinity"),), Decimal("-Infinity")),
        ("$acosh", (Decimal("Infinity"),), Decimal("Infinity")),
        ("$atanh", (Decimal(-1),), Decimal("-Infinity")),
        ("$atanh", (Decimal(0),), Decimal(0)),
        ("$asinh", (Decimal(0),), Decimal(0)),
        ("$acos", (Decimal(1),), Decimal(0)),
        ("$acos", (Decimal(-1),), Decimal("3.141592653589793238462643383279503")),
        ("$asin", (Decimal(-1),), Decimal("-1.570796326794896619231321691639751")),
        ("$atan", (Decimal("1E+50"),), Decimal("1.570796326794896619231321691639751")),
        ("$bitAnd", (12, 10), 8),
        ("$bitAnd", (), -1),
        ("$bitOr", (12, 10), 14),
        ("$bitXor", (12, 10, 1), 7),
        ("$bitXor", (12, None), None),
        ("$bitNot", (5,), -6),
        ("$bitNot", (Int64(5),), Int64(-6)),
        ("$bitAnd", (Int64(12), 10), Int64(8)),
    ],
)
def test_powers_rounding_angles_and_bits(operator: str, operands: tuple[Any, ...], expected: Any) -> None:
    """Each operator on each kind of number, with the edges of its range."""
    result = evaluate(operator, *operands)
    if isinstance(expected, Decimal) and not expected.is_nan():
        assert isinstance(result, Decimal)
        assert result == expected
    else:
        assert same(result, expected)


@pytest.mark.parametrize(
    ("y", "x", "expected"),
    [
        ("0", "1", "0"),
        ("0", "-1", "3.141592653589793238462643383279503"),
        ("-0", "-1", "-3.141592653589793238462643383279503"),
        ("1", "0", "1.570796326794896619231321691639751"),
        ("-1", "0", "-1.570796326794896619231321691639751"),
        ("1", "1", "0.7853981633974483096156608458198757"),
        ("1", "-1", "2.356194490192344928846982537459627"),
        ("-1", "-1", "-2.356194490192344928846982537459627"),
        ("Infinity", "1", "1.570796326794896619231321691639751"),
        ("Infinity", "Infinity", "0.7853981633974483096156608458198757"),
        ("-Infinity", "-Infinity", "-2.356194490192344928846982537459627"),
        ("1", "Infinity", "0"),
        ("1", "-Infinity", "3.141592653589793238462643383279503"),
    ],
)
def test_atan2_on_decimals_knows_all_quadrants(y: str, x: str, expected: str) -> None:
    """Signs of zeros and infinities choose the quadrant."""
    assert evaluate("$atan2", Decimal(y), Decimal(x)) == Decimal(expected)


def test_atan2_of_not_a_number_is_none() -> None:
    """NaN in either operand."""
    assert evaluate("$atan2", Decimal("NaN"), 1).is_nan()
    assert evaluate("$atan2", Decimal(1), NAN).is_nan()


def test_decimal_functions_have_34_digits() -> None:
    """Checked against known digits, near and far from where the series begin."""
    digits = {
        ("sin", "1"): "0.8414709848078965066525023216302990",
        ("cos", "1"): "0.5403023058681397174009366074429766",
        ("tan", "1"): "1.557407724654902230506974807458360",
        ("sin", "1E+10"): "-0.4875060250875106915277942943481060",
        ("asin", "0.5"): "0.5235987755982988730771072305465838",
        ("acos", "0.5"): "1.047197551196597746154214461093168",
        ("atan", "1"): "0.7853981633974483096156608458198757",
    }
    for (name, argument), expected in digits.items():
        assert FUNCTIONS[name](Decimal(argument)) == Decimal(expected), (name, argument)
    assert str(pi(30)).startswith("3.14159265358979323846264338327")


@pytest.mark.parametrize("argument", ["1", "0.5", "-3.25", "1E-20", "40", "-0.001"])
def test_hyperbolic_functions_on_decimals_follow_their_definitions(argument: str) -> None:
    """Computed from exponentials and logarithms with far more digits."""
    wide = Context(prec=200)
    x = Decimal(argument)
    grown, shrunk = wide.exp(x), wide.exp(x.copy_negate())
    sinh = wide.divide(wide.subtract(grown, shrunk), 2)
    cosh = wide.divide(wide.add(grown, shrunk), 2)
    root = wide.sqrt(wide.add(wide.multiply(x, x), 1))
    expected = {
        "sinh": sinh,
        "cosh": cosh,
        "tanh": wide.divide(sinh, cosh),
        "asinh": wide.ln(wide.add(x, root)),
    }
    if abs(x) < 1:
        ratio = wide.divide(wide.add(1, x), wide.subtract(1, x))
        expected["atanh"] = wide.divide(wide.ln(ratio), 2)
    if x >= 1:
        expected["acosh"] = wide.ln(wide.add(x, wide.sqrt(wide.subtract(wide.multiply(x, x), 1))))
    for name, value in expected.items():
        assert FUNCTIONS[name](x) == Context(prec=34).plus(value), name


def test_a_decimal_stays_in_its_class() -> None:
    """bson's decimals come out where they went in."""
    assert evaluate("$sqrt", Decimal128("16")) == Decimal128("4")
    assert evaluate("$round", Decimal128("1.25"), 1) == Decimal128("1.2")
    assert evaluate("$multiply", Decimal128("2"), Decimal(3)) == Decimal128("6")


def test_a_timestamp_is_no_number() -> None:
    """Types that look like numbers to Python are told apart."""
    assert code_of("$add", 1, Timestamp(1, 1)) == 14


@pytest.mark.parametrize(
    ("number", "expected"),
    [
        (0, 0.5),
        (5, 0.9933071490757153),
        (-(2**31), 0.0),
        (2**31, 1.0),
        (Decimal("-3.14"), Decimal("0.04148711930169585060767831941324486")),
        (None, None),
        (NAN, NAN),
    ],
)
def test_sigmoids(number: Any, expected: Any) -> None:
    assert same(compile_expression({"$sigmoid": "$v"})({"v": number}, {}), expected)


def test_a_sigmoid_may_name_what_it_gives_for_null() -> None:
    assert compile_expression({"$sigmoid": {"input": "$gone", "onNull": -1}})({}, {}) == -1
    assert compile_expression({"$sigmoid": {"input": {"$add": ["$v", 1]}}})({"v": -1}, {}) == 0.5
    assert compile_expression({"$sigmoid": {"$add": ["$v", 1]}})({"v": -1}, {}) == 0.5


@pytest.mark.parametrize(("spec", "code"), [("x", 14), ([1, 2], 14), ({"input": 1, "other": 1}, 40415)])
def test_wrong_sigmoids(spec: Any, code: int) -> None:
    with pytest.raises(PipelineError) as caught:
        compile_expression({"$sigmoid": spec})({}, {})
    assert caught.value.mongo_code == code


LARGE = 2**40


@pytest.mark.parametrize(
    ("operator", "operands", "result"),
    [
        ("$add", (LARGE, -LARGE), Int64(0)),
        ("$add", (1, LARGE, -LARGE), Int64(1)),
        ("$add", (LARGE, 1), LARGE + 1),
        ("$add", (2**31 - 1, 1), 2**31),
        ("$add", (LARGE, -LARGE, 0.5), 0.5),
        ("$subtract", (LARGE, LARGE - 5), Int64(5)),
        ("$subtract", (2**31, 1), Int64(2**31 - 1)),
        ("$subtract", (-LARGE, LARGE), -2 * LARGE),
        ("$multiply", (LARGE, 0), Int64(0)),
        ("$multiply", (LARGE, 0, 1), Int64(0)),
        ("$multiply", (2**16, 2**16), 2**32),
        ("$multiply", (LARGE, LARGE), float(2**80)),
        ("$mod", (LARGE + 5, 10), Int64((LARGE + 5) % 10)),
        ("$mod", (5, LARGE), Int64(5)),
        ("$pow", (LARGE, 0), Int64(1)),
        ("$pow", (1, LARGE), Int64(1)),
        ("$bitAnd", (LARGE + 1, 1), Int64(1)),
        ("$bitXor", (LARGE, LARGE + 1), Int64(1)),
        ("$round", (LARGE, -20), Int64(0)),
        ("$add", (3, 4), 7),
        ("$multiply", (3, 4), 12),
    ],
)
def test_what_is_computed_from_a_long_is_a_long_however_small(operator: str, operands: Any, result: Any) -> None:
    """An int too large for 32 bits is a long, and its type goes on in the result."""
    assert same(evaluate(operator, *operands), result)


def test_a_small_long_converts_to_a_date_and_a_small_int_does_not() -> None:
    """So the type of a remainder of milliseconds matters."""
    millis = 1_600_000_000_123
    remainder = {"$toDate": {"$mod": ["$t", 1000]}}
    assert compile_expression(remainder)({"t": millis}, {}) == datetime(1970, 1, 1, 0, 0, 0, 123_000, tzinfo=UTC)
    with pytest.raises(PipelineError) as caught:
        compile_expression(remainder)({"t": 1_123}, {})
    assert caught.value.mongo_code == 241

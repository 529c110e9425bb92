"""``$inc``, ``$mul`` and ``$bit``: types of results, limits and faults."""

from __future__ import annotations

import math
from decimal import Decimal
from typing import Any

import pytest
from bson import Decimal128, Int64
from lexigram.nosql.exceptions import DocumentValidationError, UpdateError
from lexigram.nosql.update.parse import parse_update

_MAX = 2**63 - 1


def _apply(old: Any, operator: str, operand: Any) -> tuple[Any, bool]:
    new, changed = parse_update({operator: {"a": operand}}).apply({} if old is ... else {"a": old})
    return new["a"], changed


@pytest.mark.parametrize(
    ("old", "operator", "operand", "expected"),
    [
        (1, "$inc", 2, 3),
        (1, "$inc", -2, -1),
        (..., "$inc", 2, 2),
        (..., "$inc", 2.5, 2.5),
        (..., "$inc", Decimal("2.50"), Decimal("2.50")),
        (1, "$inc", 2.5, 3.5),
        (1.5, "$inc", 2, 3.5),
        (2**31 - 1, "$inc", 1, 2**31),
        (_MAX - 1, "$inc", 1, _MAX),
        (1, "$inc", Decimal("0.10"), Decimal("1.10")),
        (Decimal("1.5"), "$inc", 1, Decimal("2.5")),
        (Decimal("1.5"), "$inc", 0.25, Decimal("1.75")),
        (1e308, "$inc", 1e308, math.inf),
        (3, "$mul", 4, 12),
        (3, "$mul", 0.5, 1.5),
        (..., "$mul", 4, 0),
        (..., "$mul", 4.5, 0.0),
        (..., "$mul", Decimal(4), Decimal(0)),
        (Decimal("1.5"), "$mul", 2, Decimal("3.0")),
        (2**31, "$mul", 2**31, 2**62),
        (13, "$bit", {"and": 10}, 8),
        (3, "$bit", {"or": 5}, 7),
        (1, "$bit", {"xor": 5}, 4),
        (5, "$bit", {"and": 4, "or": 3, "xor": 1}, 6),
        (-1, "$bit", {"and": 255}, 255),
        (..., "$bit", {"or": 6}, 6),
        (..., "$bit", {"and": 6}, 0),
    ],
)
def test_numbers_keep_the_wider_type(old: Any, operator: str, operand: Any, expected: Any) -> None:
    """Whole numbers stay whole, a double makes a double, a decimal a decimal."""
    new, changed = _apply(old, operator, operand)
    assert changed
    assert new == expected
    assert type(new) is type(expected)


@pytest.mark.parametrize(
    ("old", "operator", "operand"),
    [
        (1, "$inc", 0),
        (1.5, "$inc", 0),
        (1.5, "$inc", 0.0),
        (Decimal(1), "$inc", 0),
        (7, "$mul", 1),
        (0, "$mul", 5),
        (7, "$bit", {"or": 3}),
    ],
)
def test_results_of_the_same_type_and_value_are_no_change(old: Any, operator: str, operand: Any) -> None:
    """Adding nothing, or multiplying by one, modifies nothing."""
    assert _apply(old, operator, operand) == (old, False)


def test_adding_zero_of_a_wider_type_is_a_change() -> None:
    """An int plus 0.0 becomes a double."""
    new, changed = _apply(1, "$inc", 0.0)
    assert changed
    assert type(new) is float


def test_long_integers_stay_long() -> None:
    """``bson.Int64`` takes part as MongoDB's long does, and keeps its class."""
    assert type(_apply(Int64(5), "$inc", 1)[0]) is Int64
    assert type(_apply(5, "$inc", Int64(1))[0]) is Int64
    assert _apply(5, "$inc", Int64(0))[1] is True
    assert type(_apply(..., "$mul", Int64(3))[0]) is Int64
    assert type(_apply(1, "$bit", {"or": Int64(2)})[0]) is Int64
    assert type(_apply(Int64(3), "$bit", {"and": 1})[0]) is Int64
    assert _apply(Int64(3), "$bit", {"or": 1}) == (Int64(3), False)


def test_decimals_of_bson_stay_what_they_are() -> None:
    """A ``bson.Decimal128`` on either side makes the result one."""
    assert _apply(Decimal128("1.5"), "$inc", 1)[0] == Decimal128("2.5")
    assert _apply(2, "$mul", Decimal128("1.5"))[0] == Decimal128("3.0")


def test_decimals_round_to_34_digits() -> None:
    """Decimal arithmetic is that of Decimal128."""
    assert _apply(Decimal(1), "$inc", Decimal("1e-40"))[0] == Decimal(1)
    assert str(_apply(Decimal("9.999999999999999999999999999999999e6144"), "$mul", 10)[0]) == "Infinity"


def test_nan_passes_through() -> None:
    """Arithmetic with NaN gives NaN, without a fault."""
    assert math.isnan(_apply(1, "$inc", float("nan"))[0])
    assert math.isnan(_apply(..., "$mul", math.inf)[0])


@pytest.mark.parametrize(
    ("old", "operator", "operand", "code"),
    [
        ("x", "$inc", 1, 14),
        (None, "$inc", 1, 14),
        (True, "$inc", 1, 14),
        ([1], "$mul", 1, 14),
        ({}, "$mul", 1, 14),
        (1, "$inc", "x", 14),
        (1, "$inc", True, 14),
        (1, "$mul", None, 14),
        (1, "$mul", [1], 14),
        (_MAX, "$inc", 1, 2),
        (-_MAX - 1, "$inc", -1, 2),
        (_MAX, "$mul", 2, 2),
        (Int64(_MAX), "$inc", 1, 2),
        (1.0, "$bit", {"and": 1}, 2),
        ("x", "$bit", {"and": 1}, 2),
        (True, "$bit", {"and": 1}, 2),
        (1, "$bit", {}, 2),
        (1, "$bit", 5, 2),
        (1, "$bit", {"not": 5}, 2),
        (1, "$bit", {5: 5}, 2),
        (1, "$bit", {"and": 1.0}, 2),
        (1, "$bit", {"and": True}, 2),
    ],
)
def test_faults_carry_the_code_of_mongodb(old: Any, operator: str, operand: Any, code: int) -> None:
    """Wrong types are 14, what leaves 64 bits and wrong bit operations are 2."""
    with pytest.raises(UpdateError) as caught:
        _apply(old, operator, operand)
    assert caught.value.mongo_code == code


def test_operands_outside_64_bits_are_refused() -> None:
    """An int that no document holds is refused when the update is read."""
    with pytest.raises(DocumentValidationError):
        parse_update({"$inc": {"a": 2**63}})
    with pytest.raises(DocumentValidationError):
        parse_update({"$bit": {"a": {"or": -(2**64)}}})

"""Filter expressions: what they accept, how they look things up, and what they refuse."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from lexigram.contracts.data.protocols import (
    AndExpr,
    CursorPaginationSpec,
    FieldContains,
    FieldEq,
    FieldGt,
    FieldGte,
    FieldIn,
    FieldLt,
    FieldLte,
    FieldNeq,
    FilterExpression,
    NotExpr,
    OrExpr,
    PaginationSpec,
    ProjectionSpec,
    SortSpecification,
    is_filter_expression,
)
from lexigram.contracts.domain.specification import SpecificationProtocol
from lexigram.contracts.exceptions.infra import DataValidationError


@dataclass
class Product:
    """An object in memory."""

    name: str
    price: float
    tags: tuple[str, ...] = ()
    maker: Any = None


LAMP = Product("Lamp", 12.5, ("new", "light"), {"country": "IT", "address": {"city": "Milan"}})


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        (FieldEq("name", "Lamp"), True),
        (FieldEq("name", "lamp"), False),
        (FieldNeq("name", "lamp"), True),
        (FieldGt("price", 12), True),
        (FieldGt("price", 12.5), False),
        (FieldGte("price", 12.5), True),
        (FieldLt("price", 12.5), False),
        (FieldLte("price", 12.5), True),
        (FieldIn("name", ("Lamp", "Chair")), True),
        (FieldIn("name", ()), False),
        (FieldContains("name", "am"), True),
        (FieldContains("name", 3), False),
        (FieldContains("tags", "new"), True),
        (FieldContains("tags", "ne"), False),
        (FieldContains("price", 1), False),
        (FieldContains("colour", "red"), False),
        (FieldEq("maker.address.city", "Milan"), True),
        (FieldEq("maker.address.city.name", None), True),
        (FieldEq("colour", None), True),
        (FieldNeq("colour", "red"), True),
        (FieldGt("colour", 1), False),
        (FieldLt("price", None), False),
        (FieldLt("name", 3), False),
    ],
)
def test_single_conditions(expression: Any, expected: bool) -> None:
    """Mappings and attributes, dotted paths, missing fields, values without an order."""
    assert expression.is_satisfied_by(LAMP) is expected


def test_operators_build_expressions() -> None:
    """``&``, ``|`` and ``~`` bind as Python binds them."""
    a, b, c = FieldEq("a", 1), FieldGt("b", 2), FieldIn("c", (3,))

    assert (a & b | ~c) == OrExpr(AndExpr(a, b), NotExpr(c))
    assert str(a & b) == "AndExpr(left=FieldEq(field='a', value=1), right=FieldGt(field='b', value=2))"


@pytest.mark.parametrize("other", [True, {"a": 1}, "a", None])
def test_only_expressions_combine(other: Any) -> None:
    """``&`` with something else is a TypeError, not a wrong expression."""
    with pytest.raises(TypeError, match="unsupported operand"):
        _ = FieldEq("a", 1) & other
    with pytest.raises(TypeError, match="unsupported operand"):
        _ = FieldEq("a", 1) | other
    assert not is_filter_expression(other)


def test_other_specifications_may_take_part() -> None:
    """An object that knows how to combine with an expression is asked."""

    class Everything:
        def __rand__(self, left: object) -> str:
            return f"{left.__class__.__name__} and everything"

    other: Any = Everything()

    assert FieldEq("a", 1) & other == "FieldEq and everything"


@pytest.mark.parametrize("expression", [FieldEq("a", 1), FieldIn("a", (1,)), FieldEq("a", 1) & FieldEq("b", 1)])
def test_expressions_are_specifications(expression: Any) -> None:
    """They have what the protocol asks for."""
    assert isinstance(expression, SpecificationProtocol)
    assert is_filter_expression(expression)


def test_values_of_in_are_kept_as_a_tuple() -> None:
    """Any collection will do, but text, which is one by accident, and single values are refused."""
    given: Any = [1, 2]

    assert FieldIn("a", given) == FieldIn("a", (1, 2))
    for wrong in ("ab", b"ab", 3, None):
        wrong_values: Any = wrong
        with pytest.raises(DataValidationError, match=r"FieldIn\('a'\) needs a collection of values") as caught:
            FieldIn("a", wrong_values)
        assert caught.value.field == "a"


def test_deep_expressions_are_evaluated() -> None:
    """Nesting is not limited by the interpreter's stack."""
    expression: Any = FieldEq("a", 1)
    for number in range(10_000):
        expression = ~(expression & FieldEq("a", 1)) | FieldGt("b", number)

    assert expression.is_satisfied_by({"a": 1, "b": 0}) is True
    assert (~expression).is_satisfied_by({"a": 1, "b": 0}) is False


def test_evaluation_stops_when_the_answer_is_known() -> None:
    """The right side of a decided ``&`` or ``|`` is not looked at."""

    class Refuses:
        def __eq__(self, other: object) -> bool:
            raise AssertionError("compared")

        __hash__ = None  # type: ignore[assignment]

    never = FieldEq("a", Refuses())

    assert (FieldEq("a", 2) & never).is_satisfied_by({"a": 1}) is False
    assert (FieldEq("a", 1) | never).is_satisfied_by({"a": 1}) is True


def test_pages_and_orders_are_checked() -> None:
    """Numbers start at 1, directions are two, projections go one way."""
    wrong: Any = "up"

    assert PaginationSpec(page=3, size=10).offset == 20
    assert PaginationSpec().offset == 0
    assert SortSpecification("a", "desc").direction == "desc"
    for make in (
        lambda: PaginationSpec(page=0),
        lambda: PaginationSpec(size=0),
        lambda: CursorPaginationSpec(size=0),
        lambda: SortSpecification("a", wrong),
        lambda: ProjectionSpec(include=("a",), exclude=("b",)),
        lambda: ProjectionSpec(exclude="name"),
    ):
        with pytest.raises(DataValidationError):
            make()


def test_projections_keep_tuples() -> None:
    """Lists are accepted and not shared."""
    names = ["a", "b"]
    projection = ProjectionSpec(include=names)
    names.append("c")

    assert projection == ProjectionSpec(include=("a", "b"))


@pytest.mark.parametrize(
    "combine",
    [lambda a, b: a and b, lambda a, b: a or b, lambda a, b: not a, lambda a, b: 1 if a & b else 0],
    ids=["and", "or", "not", "if"],
)
def test_the_words_of_python_do_not_combine(combine: Callable[[FieldEq, FieldEq], object]) -> None:
    """They would leave one of the conditions out, silently."""
    with pytest.raises(TypeError, match=re.escape("combine them with &, | and ~")):
        combine(FieldEq("a", 1), FieldEq("b", 2))


def _chain(length: int, *, last: int = 0) -> FilterExpression:
    expression: FilterExpression = FieldEq("a", last)
    for number in range(length):
        kind = number % 3
        leaf = FieldEq("a", number)
        expression = ~expression if kind == 0 else expression & leaf if kind == 1 else leaf | expression
    return expression


def test_chains_of_any_length_are_compared_hashed_and_shown() -> None:
    """Far beyond what Python would recurse."""
    long, same, other = _chain(30_000), _chain(30_000), _chain(30_000, last=-1)

    assert long == same
    assert hash(long) == hash(same)
    assert long != other
    assert long != _chain(29_997)
    shown = repr(long)
    assert shown.count("(") == shown.count(")")
    assert shown.count("NotExpr(expr=") == 10_000
    assert {long: 1}[same] == 1


def test_nested_expressions_are_shown_as_they_are_written() -> None:
    """The text can be read back."""
    expression = ~(FieldEq("a", 1) & FieldIn("b", [2])) | FieldEq("c", "x")

    assert repr(expression) == (
        "OrExpr(left=NotExpr(expr=AndExpr(left=FieldEq(field='a', value=1), right=FieldIn(field='b', values=(2,)))), "
        "right=FieldEq(field='c', value='x'))"
    )
    assert eval(repr(expression)) == expression


def test_nested_expressions_are_equal_only_to_their_like() -> None:
    """The kind, the order and the leaves count."""
    a, b = FieldEq("a", 1), FieldEq("b", 2)

    assert (a & b) == (FieldEq("a", 1) & FieldEq("b", 2))
    assert (a & b) != (b & a)
    assert (a & b) != (a | b)
    assert ~a != a
    assert (a & b) != "a & b"
    with pytest.raises(TypeError, match="unhashable"):
        hash(FieldEq("a", []) & b)

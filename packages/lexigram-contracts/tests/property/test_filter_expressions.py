"""Filter expressions mean what Python's own operators mean."""

from __future__ import annotations

import copy
import pickle
from types import SimpleNamespace
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from lexigram.contracts.data.protocols import (
    AndExpr,
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
)

fields = st.sampled_from(["a", "b", "c.d", "c.e"])
scalars = st.one_of(st.none(), st.integers(-3, 3), st.sampled_from(["", "x", "xy"]))
leaves = st.one_of(
    st.builds(FieldEq, fields, scalars),
    st.builds(FieldNeq, fields, scalars),
    st.builds(FieldGt, fields, scalars),
    st.builds(FieldGte, fields, scalars),
    st.builds(FieldLt, fields, scalars),
    st.builds(FieldLte, fields, scalars),
    st.builds(FieldIn, fields, st.lists(scalars, max_size=3).map(tuple)),
    st.builds(FieldContains, fields, scalars),
)
expressions: st.SearchStrategy[Any] = st.recursive(
    leaves,
    lambda inner: st.one_of(
        st.builds(AndExpr, inner, inner), st.builds(OrExpr, inner, inner), st.builds(NotExpr, inner)
    ),
    max_leaves=12,
)
documents = st.fixed_dictionaries(
    {},
    optional={
        "a": st.one_of(scalars, st.lists(scalars, max_size=3)),
        "b": scalars,
        "c": st.one_of(scalars, st.fixed_dictionaries({}, optional={"d": scalars, "e": scalars})),
    },
)


def holds(expression: FilterExpression, document: dict[str, Any]) -> bool:
    """Evaluate the plainest way, for comparison."""
    match expression:
        case AndExpr(left, right):
            return holds(left, document) and holds(right, document)
        case OrExpr(left, right):
            return holds(left, document) or holds(right, document)
        case NotExpr(inner):
            return not holds(inner, document)
        case FieldIn(field, candidates):
            return any(look_up(document, field) == candidate for candidate in candidates)
        case FieldEq(field, value):
            return bool(look_up(document, field) == value)
        case FieldNeq(field, value):
            return bool(look_up(document, field) != value)
        case FieldContains(field, value):
            found = look_up(document, field)
            if isinstance(found, str):
                return isinstance(value, str) and value in found
            return isinstance(found, list) and value in found
        case FieldGt(field, value) | FieldGte(field, value) | FieldLt(field, value) | FieldLte(field, value):
            found = look_up(document, field)
            if found is None or value is None or type(found) is not type(value):
                return False
            less, equal = found < value, found == value
            return {
                FieldGt: not less and not equal,
                FieldGte: not less,
                FieldLt: less,
                FieldLte: less or equal,
            }[type(expression)]


def look_up(document: dict[str, Any], path: str) -> Any:
    """Walk a dotted path through dicts."""
    value: Any = document
    for key in path.split("."):
        value = value.get(key) if isinstance(value, dict) else None
    return value


@given(expressions, documents)
def test_expressions_agree_with_the_plain_evaluation(expression: FilterExpression, document: dict[str, Any]) -> None:
    """Without recursion the answer is the same."""
    assert expression.is_satisfied_by(document) is holds(expression, document)


@given(expressions, expressions, documents)
def test_operators_are_logic(p: FilterExpression, q: FilterExpression, document: dict[str, Any]) -> None:
    """``&``, ``|`` and ``~`` are and, or and not."""
    left, right = p.is_satisfied_by(document), q.is_satisfied_by(document)

    assert (p & q).is_satisfied_by(document) is (left and right)
    assert (p | q).is_satisfied_by(document) is (left or right)
    assert (~p).is_satisfied_by(document) is (not left)
    assert (~(p & q)).is_satisfied_by(document) is (~p | ~q).is_satisfied_by(document)
    assert (~(p | q)).is_satisfied_by(document) is (~p & ~q).is_satisfied_by(document)
    assert (~~p).is_satisfied_by(document) is left


@given(expressions, documents)
def test_attributes_are_fields_too(expression: FilterExpression, document: dict[str, Any]) -> None:
    """An object with the same content gets the same answer."""
    parts = {key: SimpleNamespace(**value) if isinstance(value, dict) else value for key, value in document.items()}

    assert expression.is_satisfied_by(SimpleNamespace(**parts)) is expression.is_satisfied_by(document)


@given(expressions)
def test_expressions_are_values(expression: FilterExpression) -> None:
    """Equal, hashable, copied and pickled by what they say."""
    back = pickle.loads(pickle.dumps(expression))

    assert back == copy.copy(expression) == expression
    assert hash(back) == hash(expression)


@given(st.lists(leaves, min_size=1, max_size=5), documents)
def test_evaluation_leaves_the_document_alone(parts: list[Any], document: dict[str, Any]) -> None:
    """Looking does not change."""
    before = copy.deepcopy(document)
    whole = parts[0]
    for part in parts[1:]:
        whole = whole | part

    whole.is_satisfied_by(document)

    assert document == before

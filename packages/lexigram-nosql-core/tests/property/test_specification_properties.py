"""A filter expression and its filter mean the same."""

from __future__ import annotations

import string
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st
from lexigram.contracts.data.types import (
    FieldContains,
    FieldEq,
    FieldGt,
    FieldGte,
    FieldIn,
    FieldLt,
    FieldLte,
    FieldNeq,
    FilterExpression,
)
from lexigram.nosql.query.parse import parse_filter
from lexigram.nosql.specification import to_filter

# Values on which the language and Python agree; the module's docstring names the others.
_TEXT = st.text(string.ascii_letters + string.punctuation + " \n\té𐐷\0", max_size=3)
_SCALARS = st.one_of(
    st.none(),
    st.integers(-3, 3),
    st.sampled_from([0.5, -1.5, 2.0, float("inf"), -0.0]),
    st.sampled_from([Decimal("0.5"), Decimal(1), Decimal("-2.25")]),
    _TEXT,
    st.integers(0, 2).map(lambda days: datetime(2026, 1, 1, tzinfo=UTC) + timedelta(days=days)),
    st.integers(0, 2).map(lambda number: UUID(int=number)),
)
_FIELDS = st.sampled_from(["a", "b", "c.d", "c.e"])
_LEAVES: st.SearchStrategy[FilterExpression] = st.one_of(
    *[st.builds(kind, _FIELDS, _SCALARS) for kind in (FieldEq, FieldNeq, FieldGt, FieldGte, FieldLt, FieldLte)],
    st.builds(FieldIn, _FIELDS, st.lists(_SCALARS, max_size=3).map(tuple)),
    st.builds(FieldContains, _FIELDS, _SCALARS),
)
_SPECS = st.recursive(
    _LEAVES,
    lambda inner: st.one_of(
        st.tuples(inner, inner).map(lambda pair: pair[0] & pair[1]),
        st.tuples(inner, inner).map(lambda pair: pair[0] | pair[1]),
        inner.map(lambda spec: ~spec),
    ),
    max_leaves=8,
)
_DOCUMENTS = st.fixed_dictionaries(
    {},
    optional={
        "a": _SCALARS,
        "b": _SCALARS,
        "c": st.fixed_dictionaries({}, optional={"d": _SCALARS, "e": _SCALARS}),
    },
)


@given(_SPECS, _DOCUMENTS)
def test_the_filter_selects_what_satisfies_the_expression(spec: Any, document: dict[str, Any]) -> None:
    """On documents of scalars, nested or missing."""
    assert parse_filter(to_filter(spec)).matches(document) is spec.is_satisfied_by(document)


@given(st.lists(st.one_of(st.integers(-2, 2), _TEXT), max_size=3), st.one_of(st.integers(-2, 2), _TEXT))
def test_an_element_of_an_array_is_found_by_both(array: list[Any], value: Any) -> None:
    """``FieldContains`` means the same on arrays, too."""
    spec = FieldContains("a", value)

    assert parse_filter(to_filter(spec)).matches({"a": array}) is spec.is_satisfied_by({"a": array})

"""Laws of the order, of copies and of collations."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import bson
from hypothesis import given, settings
from hypothesis import strategies as st
from lexigram.nosql.exceptions import DocumentValidationError
from lexigram.nosql.testing import strategies
from lexigram.nosql.values.collation import LOCALES, parse_collation
from lexigram.nosql.values.copying import copy_document
from lexigram.nosql.values.kinds import type_name
from lexigram.nosql.values.normalise import normalise_document
from lexigram.nosql.values.order import compare, equal, hash_key, sort_key
from lexigram.nosql.values.size import bson_size

VALUES = strategies.values(bson=True)


@settings(max_examples=300, deadline=None)
@given(VALUES, VALUES, VALUES)
def test_the_order_is_total(a: Any, b: Any, c: Any):
    """Antisymmetric, transitive, and in agreement with equality, keys and hashes."""
    assert compare(a, a) == 0
    assert compare(a, b) == -compare(b, a)
    assert equal(a, b) is (compare(a, b) == 0)
    assert (hash_key(a) == hash_key(b)) is equal(a, b)
    assert (sort_key(a) < sort_key(b)) is (compare(a, b) < 0)
    if equal(a, b):
        assert hash(hash_key(a)) == hash(hash_key(b))
        assert compare(a, c) == compare(b, c)
    first, second, third = sorted([a, b, c], key=sort_key)
    assert compare(first, second) <= 0
    assert compare(second, third) <= 0
    assert compare(first, third) <= 0


@settings(max_examples=200, deadline=None)
@given(strategies.documents(bson=True))
def test_a_normalised_document_is_equal_and_shares_nothing(document: dict[str, Any]):
    """Normalising again changes nothing, and copies behave alike."""
    made = normalise_document(document)

    assert equal(made, document)
    assert repr(normalise_document(made)) == repr(made)
    copied = copy_document(made)
    assert repr(copied) == repr(made)
    for a, b in ((made, document), (copied, made)):
        pending: list[tuple[Any, Any]] = [(a, b)]
        while pending:
            x, y = pending.pop()
            assert type(x) is type(y)
            if isinstance(x, dict | list):
                assert x is not y
                pending.extend(
                    zip(x.values(), y.values(), strict=True) if isinstance(x, dict) else zip(x, y, strict=True)
                )


def _encodable(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _encodable(item) for name, item in value.items()}
    if isinstance(value, list):
        return [_encodable(item) for item in value]
    if type_name(value) == "decimal" and not isinstance(value, bson.Decimal128):
        return bson.Decimal128(value)
    return bson.Binary.from_uuid(value) if hasattr(value, "hex") and hasattr(value, "urn") else value


@settings(max_examples=200, deadline=None)
@given(strategies.documents(bson=True))
def test_a_size_is_what_bson_writes(document: dict[str, Any]):
    """Byte for byte."""
    assert bson_size(document) == len(bson.encode(_encodable(document)))


@settings(max_examples=300, deadline=None)
@given(strategies.anything())
def test_anything_is_normalised_or_refused(value: Any):
    """By a typed error, whatever it is; what passed has an order, a size and a hash."""
    try:
        made = normalise_document({"a": value})
    except DocumentValidationError as error:
        if not error.path.startswith("a"):
            raise
        return
    assert equal(made, made)
    assert bson_size(made) > 0
    hash(hash_key(made))


@settings(max_examples=200, deadline=None)
@given(
    st.sampled_from(sorted(LOCALES)),
    st.integers(1, 5),
    st.booleans(),
    st.booleans(),
    st.sampled_from(["non-ignorable", "shifted"]),
    st.lists(st.text(alphabet="aAbBéÉñåÅøłcChH019 -_ßæ\u0301ж\u200d", max_size=5), min_size=2, max_size=4),
)
def test_a_collation_is_an_order(
    locale: str, strength: int, case: bool, numeric: bool, alternate: str, words: list[str]
):
    """Keys compare, a higher strength only tells more apart, and words made differently of the same letters are
    equal."""
    # What a locale sets of itself may contradict a low strength, which is refused.
    of_locale = {"da": {"caseFirst": "off"}, "fr_CA": {"backwards": False}}.get(locale, {})
    settings = {"locale": locale, "caseLevel": case, "numericOrdering": numeric, "alternate": alternate, **of_locale}
    order = parse_collation({**settings, "strength": strength})
    assert order is not None
    ranked = sorted(words, key=order.string_key)
    assert all(order.compare(a, b) <= 0 for a, b in pairwise(ranked))
    if strength < 5:
        stronger = parse_collation({**settings, "strength": strength + 1})
        assert stronger is not None
        for a in words:
            for b in words:
                assert not stronger.equal(a, b) or order.equal(a, b)

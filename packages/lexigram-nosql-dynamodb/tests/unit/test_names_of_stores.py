"""Names of tables, which tell store and collection."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lexigram.nosql.backends.dynamodb.layouts.names import collection_of, table_of

PREFIXES = st.from_regex(r"[A-Za-z0-9_.-]{3,20}", fullmatch=True)
COLLECTIONS = st.text(min_size=1, max_size=20)


@given(PREFIXES, COLLECTIONS)
def test_a_table_tells_its_collection(prefix: str, collection: str) -> None:
    assert collection_of(prefix, table_of(prefix, collection)) == collection


@given(PREFIXES, COLLECTIONS, PREFIXES)
def test_a_table_belongs_to_one_store(prefix: str, collection: str, more: str) -> None:
    table = table_of(f"{prefix}-{more}", collection)
    assert collection_of(prefix, table) is None


@pytest.mark.parametrize("table", ["shop", "shop-", "shop-eu-users", "shop-.zz", "shop-a.b", "shopper-a"])
def test_other_tables_hold_no_collection(table: str) -> None:
    assert collection_of("shop", table) is None

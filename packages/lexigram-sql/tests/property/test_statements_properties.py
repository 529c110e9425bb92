from __future__ import annotations

import sqlite3

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lexigram.contracts.data.sql.sql_dialect import SQLDialect
from lexigram.sql.exceptions import ParameterBindingError, QuerySyntaxError
from lexigram.sql.statements import tokenize, translate

dialects = st.sampled_from(SQLDialect)
hostile = st.text(st.sampled_from("'\"`\\;-#/*$?%:[]() abc1\n\0é"), max_size=30)


@given(sql=hostile, dialect=dialects)
def test_the_tokens_of_any_text_are_the_text(sql: str, dialect: SQLDialect) -> None:
    try:
        tokens = list(tokenize(sql, dialect))
    except QuerySyntaxError:
        return
    assert "".join(token.text for token in tokens) == sql


@given(sql=hostile, dialect=dialects)
def test_no_text_makes_another_error(sql: str, dialect: SQLDialect) -> None:
    try:
        translate(sql, dialect, "qmark")
    except (QuerySyntaxError, ParameterBindingError):
        return


@given(texts=st.lists(hostile, min_size=1, max_size=5), comments=st.lists(st.sampled_from(["", "/* ? */", "-- ?\n"])))
def test_sqlite_reads_quoted_text_as_we_do(texts: list[str], comments: list[str]) -> None:
    parts = ["'" + text.replace("'", "''").replace("\0", "") + "'" for text in texts]
    sql = "SELECT " + ", ".join(f"{part} {comment}" for part, comment in zip(parts, comments + [""] * 5, strict=False))
    translation = translate(f"{sql}, ?", SQLDialect.SQLITE, "qmark")
    assert translation.count == 1
    with sqlite3.connect(":memory:") as connection:
        row = connection.execute(translation.statement.sql, ["last"]).fetchone()
    connection.close()
    assert list(row) == [*(text.replace("\0", "") for text in texts), "last"]


@pytest.mark.parametrize("style", ["numeric", "qmark", "format"])
@given(values=st.lists(st.integers(0, 4), min_size=1, max_size=8))
def test_each_placeholder_gets_the_value_that_its_number_names(style: str, values: list[int]) -> None:
    used = sorted(set(values))
    numbers = [used.index(value) for value in values]
    sql = "SELECT " + ", ".join(f"${number + 1}" for number in numbers)
    translation = translate(sql, SQLDialect.POSTGRESQL, style)  # type: ignore[arg-type]
    bound = translation.bind([f"v{number}" for number in range(len(used))])
    if style == "numeric":
        places = [int(part.strip(" $")) - 1 for part in translation.statement.sql.removeprefix("SELECT ").split(",")]
        assert [bound[place] for place in places] == [f"v{number}" for number in numbers]
    else:
        assert list(bound) == [f"v{number}" for number in numbers]

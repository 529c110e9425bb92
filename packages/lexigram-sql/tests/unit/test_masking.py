"""Which parameters are hidden in logs and errors: those of columns of certain names, or all where that is not clear."""

from __future__ import annotations

import string
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lexigram.contracts.data.sql.sql_dialect import SQLDialect
from lexigram.sql.logs.masking import MASK, ParameterMask

WORDS = ("password", "token")


def shown(sql: str, *params: Any, dialect: SQLDialect = SQLDialect.POSTGRESQL) -> Any:
    """The parameters as they would stand in a log."""
    return ParameterMask(WORDS, dialect).apply(sql, list(params))


@pytest.mark.parametrize(
    ("sql", "params", "expected"),
    [
        ("INSERT INTO a (id, password) VALUES ($1, $2)", [1, "x"], [1, MASK]),
        ("INSERT INTO a (id, password) VALUES ($2, $1)", ["x", 1], [MASK, 1]),
        ('INSERT INTO a (id, "Password_Hash") VALUES ($1, $2)', [1, "x"], [1, MASK]),
        ("INSERT INTO a (id, password, b) VALUES (?, lower(?), ?)", [1, "x", 2], [1, MASK, 2]),
        ("INSERT INTO a (id, password) VALUES (%s, %s), (%s, %s)", [1, "x", 2, "y"], [1, MASK, 2, MASK]),
        ("UPDATE a SET password = ?, b = ? WHERE id = ?", ["x", 2, 3], [MASK, 2, 3]),
        ("SELECT password FROM a WHERE id = ?", [3], [3]),
        ("SELECT * FROM a WHERE a.api_token IN (?, ?) AND id < ?", ["x", "y", 3], [MASK, MASK, 3]),
        ("SELECT * FROM a WHERE token LIKE ? LIMIT ?", ["x", 3], [MASK, 3]),
        ("SELECT * FROM a WHERE token = ANY ($1)", [["x"]], [MASK]),
        ("SELECT * FROM password_resets WHERE id = ?", [3], [3]),
        ("SELECT * FROM a WHERE id = ?", [3], [3]),
        ("SELECT check_password(?, ?)", ["x", "y"], [MASK, MASK]),
        ("SELECT * FROM a WHERE ? = password", ["x"], [MASK]),
        ("DELETE FROM a WHERE b = ? AND password IS NULL", [1], [1]),
        ("INSERT INTO a (id, password) SELECT ?, ?", [1, "x"], [MASK, MASK]),
    ],
)
def test_values_of_secret_columns_are_hidden(sql: str, params: list[Any], expected: list[Any]) -> None:
    """And no others, where the statement tells."""
    assert shown(sql, *params) == expected


def test_values_by_name_are_hidden_by_their_own_name() -> None:
    """Of a mapping."""
    mask = ParameterMask(WORDS, SQLDialect.SQLITE)
    assert mask.apply("…", {"PASSWORD": "x", "id": 1}) == {"PASSWORD": MASK, "id": 1}


def test_long_values_are_shortened() -> None:
    """Text and bytes, with their length."""
    (text, data) = shown("SELECT ?, ?", "a" * 5000, b"b" * 5000)
    assert len(text) < 300
    assert "5000 characters" in text
    assert "5000 bytes" in data


def test_without_words_nothing_is_hidden() -> None:
    """Whoever wants it so."""
    assert ParameterMask((), SQLDialect.SQLITE).apply("INSERT INTO a (password) VALUES (?)", ["x"]) == ["x"]


def test_a_statement_that_cannot_be_read_hides_everything() -> None:
    """Rather too much than too little."""
    assert shown("SELECT password = ? AND 'open", "x", 1) == [MASK, MASK]


NAMES = st.text(string.ascii_lowercase + "_", min_size=1, max_size=8).map("c_".__add__)
SECRET = "s3cr3t-value"


@given(
    columns=st.lists(NAMES, min_size=0, max_size=5, unique=True),
    place=st.integers(0, 5),
    word=st.sampled_from(WORDS),
    style=st.sampled_from(["?", "%s", "$"]),
    wrapper=st.sampled_from(["{}", "lower({})", "coalesce({}, 'x')", "({})", "{}::text"]),
    kind=st.sampled_from(["insert", "update", "where", "rows"]),
)
def test_a_secret_never_shows(columns: list[str], place: int, word: str, style: str, wrapper: str, kind: str) -> None:
    """Wherever its column stands, whatever is done to its value."""
    names = [*columns]
    names.insert(min(place, len(names)), f"user_{word}_hash")
    values = [SECRET if word in name else number for number, name in enumerate(names)]
    marks = [f"${number + 1}" if style == "$" else style for number in range(len(names))]
    wrapped = [wrapper.format(mark) for mark in marks]
    assigned = [f"{name} = {mark}" for name, mark in zip(names, wrapped, strict=True)]
    sql = {
        "insert": f"INSERT INTO t ({', '.join(names)}) VALUES ({', '.join(wrapped)})",
        "rows": f"INSERT INTO t ({', '.join(names)}) VALUES ({', '.join(wrapped)}) ON CONFLICT DO NOTHING",
        "update": f"UPDATE t SET {', '.join(assigned)}",
        "where": f"SELECT * FROM t WHERE {' AND '.join(assigned)}",
    }[kind]
    assert SECRET not in repr(shown(sql, *values))

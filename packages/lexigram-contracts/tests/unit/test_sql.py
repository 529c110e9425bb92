"""Identifiers, dialects, results of statements and pages."""

from __future__ import annotations

import pickle
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lexigram.contracts.data.identifiers import (
    DEFAULT_MAX_IDENTIFIER_LENGTH,
    MAX_IDENTIFIER_LENGTHS,
    Column,
    Identifier,
    InvalidIdentifierError,
    QualifiedTable,
    Schema,
    Table,
    column,
    schema,
    table,
)
from lexigram.contracts.data.sql import (
    DeleteResult,
    InsertResult,
    IsolationLevel,
    QueryLogEntry,
    QueryResult,
    RawSQL,
    SQLDialect,
    UpdateResult,
)
from lexigram.contracts.domain.pagination import CursorPage, Page


@pytest.mark.parametrize(
    ("dialect", "quoted"),
    [(SQLDialect.POSTGRESQL, '"users"'), (SQLDialect.MYSQL, "`users`"), (SQLDialect.SQLITE, '"users"')],
)
def test_names_are_written_quoted(dialect: SQLDialect, quoted: str) -> None:
    """In the dialect's own marks."""
    for name in (table("users", dialect), column("users", dialect), schema("users", dialect)):
        assert f"{name}" == name.quoted == quoted
        assert (name.name, name.dialect) == ("users", dialect)


@pytest.mark.parametrize(
    "name", ["", " ", "1a", "a-b", "a b", 'a"b', "a;b", "a.b", "users\n", "é", "a\x00", "$a", None, 3, b"a"]
)
@pytest.mark.parametrize("make", [Identifier, Table, Column, Schema, table, column, schema])
def test_other_names_are_refused(make: Any, name: Any) -> None:
    """Whatever could end a quotation, or is no text."""
    with pytest.raises(InvalidIdentifierError) as caught:
        make(name)

    assert caught.value.code == "LEX_ERR_DB_010"


@pytest.mark.parametrize(("dialect", "longest"), [("postgresql", 63), ("mysql", 64), ("sqlite", 128)])
def test_names_are_as_long_as_the_dialect_allows(dialect: str, longest: int) -> None:
    """PostgreSQL would cut a longer one off silently."""
    spoken = SQLDialect(dialect)

    assert len(Table("a" * longest, spoken).name) == longest == MAX_IDENTIFIER_LENGTHS[spoken]
    with pytest.raises(InvalidIdentifierError, match=f"{dialect} allows {longest}"):
        Table("a" * (longest + 1), spoken)
    assert DEFAULT_MAX_IDENTIFIER_LENGTH == 63


@given(st.from_regex(r"[a-zA-Z_][a-zA-Z0-9_]{0,62}", fullmatch=True), st.sampled_from(SQLDialect))
def test_every_plain_name_is_accepted(name: str, dialect: SQLDialect) -> None:
    """And stands between its marks unchanged."""
    assert str(Identifier(name, dialect))[1:-1] == name


@given(st.text(), st.sampled_from(SQLDialect))
def test_quoting_closes_no_quotation(text: str, dialect: SQLDialect) -> None:
    """Marks inside a name are doubled."""
    inside, mark = dialect.quote(text)[1:-1], dialect.quote_character

    assert inside.replace(mark * 2, "").count(mark) == 0
    assert inside.replace(mark * 2, mark) == text


def test_names_are_values() -> None:
    """Equal by kind, name and dialect; the factories give the same object again."""
    assert Table("a") == Table("a") != Column("a")
    assert Table("a") != Table("a", SQLDialect.MYSQL)
    assert hash(Table("a")) == hash(Table("a"))
    assert table("a") is table("a")
    assert pickle.loads(pickle.dumps(table("a"))) == table("a")
    assert repr(Column("a", dialect=SQLDialect.MYSQL)).startswith("Column(name='a'")


@pytest.mark.parametrize(
    ("name", "reserved"), [("select", True), ("ORDER", True), ("users", False), ("selection", False)]
)
def test_keywords_are_known(name: str, reserved: bool) -> None:
    """Whatever their case."""
    assert Column(name).is_reserved is reserved


def test_a_table_in_a_schema() -> None:
    """Text is checked and takes the other part's dialect; mixed dialects are refused."""
    whole = QualifiedTable("app", Table("users", SQLDialect.MYSQL))

    assert (str(whole), whole.quoted, whole.name, whole.dialect) == (
        "`app`.`users`",
        "`app`.`users`",
        "app.users",
        "mysql",
    )
    assert QualifiedTable("app", "users") == QualifiedTable(schema("app"), table("users"))
    assert str(QualifiedTable("app", "users", dialect=SQLDialect.SQLITE)) == '"app"."users"'
    with pytest.raises(InvalidIdentifierError, match="mixes SQL dialects"):
        QualifiedTable(schema("app"), Table("users", SQLDialect.MYSQL))
    with pytest.raises(InvalidIdentifierError, match="is not a schema name"):
        QualifiedTable("app;", "users")


@pytest.mark.parametrize(
    ("scheme", "dialect"),
    [
        ("postgres", "postgresql"),
        ("postgresql+asyncpg", "postgresql"),
        ("MariaDB", "mysql"),
        ("sqlite+aiosqlite", "sqlite"),
    ],
)
def test_schemes_name_dialects(scheme: str, dialect: str) -> None:
    """With the aliases that URLs use."""
    assert SQLDialect.from_scheme(scheme) == dialect


def test_an_unknown_scheme_is_refused() -> None:
    """No dialect is guessed."""
    with pytest.raises(ValueError, match="oracle"):
        SQLDialect.from_scheme("oracle")


def test_query_results_are_sequences_of_rows() -> None:
    """True only with rows, and only when the query succeeded."""
    rows = [{"id": 1}, {"id": 2}]
    result = QueryResult(rows, 2, 0.1)

    assert (list(result), len(result), result[1], bool(result)) == (rows, 2, {"id": 2}, True)
    assert not QueryResult()
    assert not QueryResult(rows, 2, 0.1, success=False, error_message="no")


def test_other_results_and_levels() -> None:
    """Documented fields and values."""
    assert (InsertResult(7, 1).inserted_id, UpdateResult(3).affected_rows, DeleteResult().success) == (7, 3, True)
    assert IsolationLevel.SERIALIZABLE == "SERIALIZABLE"
    assert IsolationLevel["READ_COMMITTED"] == "READ COMMITTED"
    assert str(RawSQL("now()")) == "now()"
    assert QueryLogEntry("SELECT 1").timestamp.tzinfo is not None


@pytest.mark.parametrize(
    ("page", "expected"),
    [
        (Page[int]([], 0, 1, 10), (0, False, False)),
        (Page([1], 11, 1, 10), (2, True, False)),
        (Page([1], 11, 2, 10), (2, False, True)),
        (Page([1], 20, 2, 10), (2, False, True)),
        (Page[int]([], 11, 3, 10), (2, False, True)),
    ],
)
def test_pages_know_their_neighbours(page: Page[int], expected: tuple[int, bool, bool]) -> None:
    """Counted from the total."""
    assert (page.pages, page.has_next, page.has_prev) == expected


def test_a_cursor_page_is_empty_by_default() -> None:
    """And last."""
    assert CursorPage[int]() == CursorPage([], None, None, has_more=False, has_previous=False, total_count=None)

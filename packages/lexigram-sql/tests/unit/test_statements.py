from __future__ import annotations

import pytest
from lexigram.contracts.data.sql.sql_dialect import SQLDialect
from lexigram.sql.exceptions import ParameterBindingError, QuerySyntaxError
from lexigram.sql.statements import translate

POSTGRES, MYSQL, SQLITE = SQLDialect.POSTGRESQL, SQLDialect.MYSQL, SQLDialect.SQLITE
STYLES = {POSTGRES: "numeric", MYSQL: "format", SQLITE: "qmark"}


def sql_of(text: str, dialect: SQLDialect) -> str:
    return translate(text, dialect, STYLES[dialect]).statement.sql


@pytest.mark.parametrize(
    ("dialect", "expected"),
    [(POSTGRES, "a = $1 AND b = $2"), (MYSQL, "a = %s AND b = %s"), (SQLITE, "a = ? AND b = ?")],
    ids=str,
)
@pytest.mark.parametrize("text", ["a = $1 AND b = $2", "a = ? AND b = ?", "a = %s AND b = %s"])
def test_every_kind_of_placeholder_is_understood_on_every_database(
    text: str, dialect: SQLDialect, expected: str
) -> None:
    assert sql_of(text, dialect) == expected


@pytest.mark.parametrize(
    ("dialect", "text"),
    [
        (POSTGRES, "SELECT 'it''s ? $1 %s', $1"),
        (POSTGRES, "SELECT E'a\\'? ', $1"),
        (POSTGRES, "SELECT $$ ? $1 $$, $1"),
        (POSTGRES, "SELECT $a$ $$ ? $a$, $1"),
        (POSTGRES, 'SELECT "odd ? name", $1'),
        (POSTGRES, "SELECT 1 -- ? \n, $1"),
        (POSTGRES, "/* one /* two ? */ ? */ SELECT $1"),
        (POSTGRES, "SELECT a::text, $1"),
        (POSTGRES, "SELECT data ? 'key', data ?| array['a'], $1"),
        (SQLITE, "SELECT [odd ? name], `and ?`, ?"),
        (SQLITE, "/* ? */ SELECT ?"),
    ],
)
def test_strings_names_comments_and_operators_are_left_alone(dialect: SQLDialect, text: str) -> None:
    translation = translate(text, dialect, STYLES[dialect])
    assert translation.statement.sql == text
    assert translation.count == 1


def test_a_backslash_escapes_in_mysql_strings_only() -> None:
    assert translate(r"SELECT 'a\'?', ?", MYSQL, "format").count == 1
    assert translate(r"SELECT 'a\', ?", POSTGRES, "numeric").count == 1


def test_a_hash_begins_a_comment_in_mysql_only() -> None:
    assert translate("SELECT 1 # ?\n, ?", MYSQL, "format").count == 1
    assert translate("SELECT data #> '{a}', ?", POSTGRES, "numeric").count == 1


def test_percent_signs_are_doubled_for_a_driver_that_formats() -> None:
    assert (
        sql_of("SELECT * FROM t WHERE a LIKE 'x%' AND b = ?", MYSQL) == "SELECT * FROM t WHERE a LIKE 'x%%' AND b = %s"
    )
    assert sql_of("SELECT 5 % 2", MYSQL) == "SELECT 5 % 2"


def test_doubled_marks_stand_for_themselves() -> None:
    assert sql_of("SELECT a ?? 'k' FROM t WHERE b = ?", POSTGRES) == "SELECT a ? 'k' FROM t WHERE b = $1"
    assert sql_of("SELECT 5 %% 2, %s", POSTGRES) == "SELECT 5 % 2, $1"


def test_numbered_values_may_stand_twice_and_in_any_order() -> None:
    text = "SELECT $2, $1, $2"
    assert translate(text, SQLITE, "qmark").bind(["a", "b"]) == ["b", "a", "b"]
    numeric = translate(text, POSTGRES, "numeric")
    assert numeric.statement.sql == "SELECT $1, $2, $1"
    assert numeric.bind(["a", "b"]) == ["b", "a"]


def test_names_take_their_values_from_a_mapping() -> None:
    translation = translate("SELECT :b, :a, :b, c::int", POSTGRES, "numeric")
    assert translation.statement.sql == "SELECT $1, $2, $1, c::int"
    assert translation.bind({"a": 1, "b": 2}) == [2, 1]
    assert translate("SELECT :b, :a, :b", MYSQL, "format").bind({"a": 1, "b": 2}) == [2, 1, 2]


@pytest.mark.parametrize(
    ("text", "params", "says"),
    [
        ("SELECT ?", [], "1 placeholder and got no value"),
        ("SELECT ?", [1, 2], "1 placeholder and got 2 values"),
        ("SELECT ?", {"a": 1}, "need :name placeholders"),
        ("SELECT ?", "a", "a list or a tuple, not str"),
        ("SELECT :a", [1], "come in a mapping"),
        ("SELECT :a", {"b": 1}, "missing values: a; values too many: b"),
        ("SELECT 1", [1], "no placeholders and got 1 value"),
    ],
)
def test_values_that_do_not_fit_are_refused_before_anything_is_sent(text: str, params: object, says: str) -> None:
    translation = translate(text, POSTGRES, "numeric")
    with pytest.raises(ParameterBindingError, match=says):
        translation.bind(params)  # type: ignore[arg-type]


@pytest.mark.parametrize("text", ["SELECT ?, %s", "SELECT $1, :a", "SELECT $1, $3", "SELECT $0"])
def test_mixed_and_missing_placeholders_are_refused(text: str) -> None:
    with pytest.raises(ParameterBindingError):
        translate(text, POSTGRES, "numeric")


@pytest.mark.parametrize("text", ["SELECT 'a", 'SELECT "a', "SELECT /* a", "SELECT /* a /* b */"])
def test_what_never_ends_is_named_with_its_place(text: str) -> None:
    with pytest.raises(QuerySyntaxError, match="character 8 never ends"):
        translate(text, POSTGRES, "numeric")


@pytest.mark.parametrize(
    ("text", "rows", "reads", "clean"),
    [
        ("SELECT * FROM t WHERE a IN (1)", True, True, True),
        ("with x (a) as (select 1) select count(*) from x", True, True, True),
        ("WITH gone AS (DELETE FROM t RETURNING *) SELECT * FROM gone", True, False, True),
        ("SELECT * FROM t FOR UPDATE", True, False, True),
        ("SELECT * INTO u FROM t", True, False, True),
        ("INSERT INTO t (a) VALUES (1)", False, False, True),
        ("INSERT INTO t (a) VALUES (1) RETURNING id", True, False, True),
        ("UPDATE t SET a = lower(b)", False, False, True),
        ("SELECT set_config('a', 'b', false)", True, False, False),
        ("SELECT pg_advisory_lock(1)", True, False, False),
        ('SELECT "set_config"(1)', True, False, False),
        ("SET search_path TO x", False, False, False),
        ("CREATE TEMP TABLE t (a int)", False, False, False),
        ("LISTEN news", False, False, False),
        ("SELECT * INTO TEMPORARY u FROM t", True, False, False),
        ("SELECT * INTO pg_temp.u FROM t", True, False, False),
        ("SELECT @x := 1", True, False, False),
        ("SELECT * FROM t WHERE a @> b", True, True, True),
        ("CREATE TABLE t (id SERIAL PRIMARY KEY, a VARCHAR(5), CHECK (a <> ''))", False, False, True),
        ("CREATE UNIQUE INDEX i ON t (lower(a))", False, False, True),
        ("CREATE TABLE t AS SELECT set_config('a', 'b', false)", False, False, False),
        ("ALTER TABLE t ADD COLUMN b int DEFAULT set_config('a', 'b', false)::int", False, False, False),
        ("ALTER TABLE t ADD COLUMN b int", False, False, True),
        ("CREATE TEMPORARY TABLE t (a int)", False, False, False),
        ("CREATE GLOBAL TEMP TABLE t (a int)", False, False, False),
        ("DROP TABLE t", False, False, True),
        ("CREATE ROLE r", False, False, False),
        ("SELECT 1;", True, True, True),
        ("-- why\nSELECT 1", True, True, True),
    ],
)
def test_what_a_statement_leaves_behind_is_known(text: str, rows: bool, reads: bool, clean: bool) -> None:
    statement = translate(text, POSTGRES, "numeric").statement
    assert (statement.returns_rows, statement.read_only, statement.keeps_session) == (rows, reads, clean)


def test_functions_of_sqlite_leave_nothing_behind() -> None:
    statement = translate("SELECT last_insert_rowid(), json_each(a) FROM t", SQLDialect.SQLITE, "qmark").statement
    assert (statement.read_only, statement.keeps_session) == (True, True)
    assert not translate("SELECT load_extension('x')", SQLDialect.SQLITE, "qmark").statement.keeps_session
    assert not translate("PRAGMA foreign_keys = OFF", SQLDialect.SQLITE, "qmark").statement.keeps_session


@pytest.mark.parametrize(
    "text", ["SELECT 1; SELECT 2", "DELETE FROM t; DROP TABLE t;", "CREATE TABLE a (b int); SELECT 1"]
)
def test_several_statements_in_one_text_are_refused(text: str) -> None:
    with pytest.raises(QuerySyntaxError, match="several statements"):
        translate(text, POSTGRES, "numeric")


@pytest.mark.parametrize(
    "text",
    [
        "SELECT ';', 1 -- ; no",
        "CREATE TRIGGER x AFTER INSERT ON t BEGIN UPDATE t SET a = 1; UPDATE t SET a = 2; END",
        "CREATE FUNCTION f() RETURNS int AS $$ SELECT 1; SELECT 2 $$ LANGUAGE sql",
    ],
)
def test_semicolons_inside_one_statement_are_no_end(text: str) -> None:
    assert translate(text, POSTGRES, "numeric").statement.sql == text


def test_a_text_is_translated_once() -> None:
    first = translate("SELECT once, ?", POSTGRES, "numeric")
    assert translate("SELECT once, ?", POSTGRES, "numeric") is first

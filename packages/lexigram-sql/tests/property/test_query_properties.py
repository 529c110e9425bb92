"""Hostile names and values through every method, and the same rows from SQL as from Python."""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st
from lexigram.contracts.data.sql.sql_dialect import SQLDialect
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
from lexigram.contracts.exceptions.infra import InvalidIdentifierError
from lexigram.sql.exceptions import CursorError, DataQueryError
from lexigram.sql.providers import DatabaseService
from lexigram.sql.query import AsyncQueryBuilder as Q
from lexigram.sql.query import CursorCodec, Operator, PredicateCompiler
from lexigram.sql.query.patterns import unfinished
from lexigram.sql.repositories.fields import F, Filter
from lexigram.sql.specification import FieldBetween, FieldEquals, FieldLike, SqlSpecification
from lexigram.sql.statements import compose
from lexigram.sql.statements.tokens import Kind, tokenize

dialects = st.sampled_from(SQLDialect)
# No database but SQLite keeps NUL in text, and none takes half of a surrogate pair.
texts = st.text(
    st.one_of(
        st.sampled_from("'\"`\\;-#/*$?%:[]_() aAbB1\n"),
        st.characters(exclude_categories=["Cs"], exclude_characters="\0"),
    ),
    max_size=12,
)
names = st.one_of(texts, st.sampled_from(["a", "a b", "a.b", "a AS b", "x; DROP TABLE t", "1=1 OR a", "*", "a.*"]))
values = st.one_of(texts, st.integers(-(2**63), 2**63 - 1), st.none(), st.booleans())


class Marked(str):
    """Text that tells where it ends up."""

    __slots__ = ()


# Nothing reaches the SQL unquoted

NAMED: dict[str, Callable[[str], Q]] = {
    "table": Q,
    "from_table": lambda name: Q().from_table(name),
    "select": lambda name: Q("t").select(name),
    "select_count": lambda name: Q("t").select_count(name),
    "select_sum": lambda name: Q("t").select_sum(name),
    "select_avg": lambda name: Q("t").select_avg(name, "n"),
    "select_min": lambda name: Q("t").select_min("a", name),
    "select_max": lambda name: Q("t").select_max(name, name),
    "select_window": lambda name: Q("t").select_window("lag", name, partition_by=name, order_by=name, alias=name),
    "where": lambda name: Q("t").where(name, 1),
    "or_where": lambda name: Q("t").or_where(name, "in", [1]),
    "where_if": lambda name: Q("t").where_if(True, name, 1),
    "where_mapping": lambda name: Q("t").where({name: 1}),
    "where_between": lambda name: Q("t").where_between(name, 1, 2),
    "where_not_between": lambda name: Q("t").where_not_between(name, 1, 2),
    "where_in": lambda name: Q("t").where_in(name, [1]),
    "where_not_in": lambda name: Q("t").where_not_in(name, [1]),
    "where_null": lambda name: Q("t").where_null(name),
    "where_not_null": lambda name: Q("t").where_not_null(name),
    "where_column": lambda name: Q("t").where_column("a", "=", name),
    "where_in_subquery": lambda name: Q("t").where_in_subquery(name, Q("u").select("a")),
    "where_not_in_subquery": lambda name: Q("t").where_not_in_subquery("a", Q(name).select(name)),
    "where_exists": lambda name: Q("t").where_exists(Q(name)),
    "where_not_exists": lambda name: Q("t").where_not_exists(Q("u").where(name, 1)),
    "filter": lambda name: Q("t").where(F(name) == 1),
    "expression": lambda name: Q("t").where(FieldNeq(name, 1)),
    "specification": lambda name: Q("t").where(~FieldEquals(name, 1)),
    "join": lambda name: Q("t").join(name, "t.a = u.b"),
    "join_on": lambda name: Q("t").join("u", f"t.a = {name}"),
    "left_join": lambda name: Q("t").left_join("u", f"{name} = t.a"),
    "group_by": lambda name: Q("t").group_by(name),
    "having": lambda name: Q("t").having(name, ">", 1),
    "order_by": lambda name: Q("t").order_by(name, "DESC"),
    "order_by_field": lambda name: Q("t").order_by(F(name).desc(), nulls="first"),
    "insert": lambda name: Q("t").insert({name: 1}),
    "insert_into": lambda name: Q(name).insert({"a": 1}),
    "update": lambda name: Q("t").update({name: 1}).where("a", 1),
    "update_of": lambda name: Q(name).update({"a": 1}).where("a", 1),
    "delete": lambda name: Q(name).delete().where("a", 1),
    "returning": lambda name: Q("t").insert({"a": 1}).returning(name),
    "on_conflict": lambda name: Q("t").insert({"a": 1}).on_conflict(name).do_update("a"),
    "on_conflict_nothing": lambda name: Q("t").insert({"a": 1}).on_conflict(name).do_nothing(),
    "do_update": lambda name: Q("t").insert({"a": 1}).on_conflict("a").do_update(name),
    "do_update_to": lambda name: Q("t").insert({"a": 1}).on_conflict("a").do_update({name: 1}),
    "with_cte": lambda name: Q("t").with_cte(name, Q("u")),
    "with_cte_columns": lambda name: Q("t").with_cte("c", "SELECT 1", columns=[name]),
    "with_recursive_cte": lambda name: Q("t").with_recursive_cte(name, Q(name)),
    "union": lambda name: Q("t").union(Q(name)),
    "union_all": lambda name: Q("t").union_all(Q("u").select(name)),
    "intersect": lambda name: Q("t").intersect(Q("u").order_by(name).limit(1)),
    "except_": lambda name: Q("t").except_(Q("u").group_by(name)),
}

_OURS = frozenset(
    """
    SELECT FROM WHERE AND OR NOT IN IS NULL AS ON JOIN INNER LEFT OUTER BETWEEN EXISTS GROUP BY HAVING ORDER ASC DESC
    NULLS FIRST LAST LIMIT OFFSET INSERT INTO VALUES UPDATE SET DELETE RETURNING CONFLICT DO NOTHING DUPLICATE KEY
    WITH RECURSIVE UNION ALL INTERSECT EXCEPT OVER PARTITION DISTINCT FALSE TRUE COALESCE COUNT SUM AVG MIN MAX LAG
    EXCLUDED ANON_1 ANON_2 T U A B C
    """.split()  # noqa: SIM905 - a list would be thirty lines
)


def unquoted(sql: str, dialect: SQLDialect) -> set[str]:
    """The words of a statement that stand outside quotation marks."""
    return {token.text.upper() for token in tokenize(sql, dialect) if token.kind is Kind.WORD}


@pytest.mark.parametrize("method", NAMED)
@given(name=names, dialect=dialects)
@example(name='a" OR 1=1 --', dialect=SQLDialect.POSTGRESQL)
@example(name="a` = 1; DROP TABLE t; --", dialect=SQLDialect.MYSQL)
def test_a_name_is_quoted_or_refused(method: str, name: str, dialect: SQLDialect) -> None:
    try:
        sql = NAMED[method](name).build(dialect).sql
    except (InvalidIdentifierError, DataQueryError):
        return
    kinds = [token.kind for token in tokenize(sql, dialect)]
    assert Kind.COMMENT not in kinds
    assert ";" not in sql
    assert "'" not in sql
    assert unquoted(sql, dialect) <= _OURS


VALUED: dict[str, Callable[[Any], Q]] = {
    "where": lambda value: Q("t").where("a", "=", value),
    "where_not": lambda value: Q("t").where("a", Operator.NE, value),
    "or_where": lambda value: Q("t").where("a", 1).or_where("b", value),
    "where_if": lambda value: Q("t").where_if(True, "a", "=", value),
    "where_mapping": lambda value: Q("t").where({"a": value}),
    "where_in": lambda value: Q("t").where_in("a", [value, 1]),
    "where_not_in": lambda value: Q("t").where_not_in("a", [1, value]),
    "where_raw": lambda value: Q("t").where_raw("a = ?", value),
    "having": lambda value: Q("t").group_by("a").having("a", "=", value),
    "having_raw": lambda value: Q("t").group_by("a").having_raw("a = $1", value),
    "select_raw": lambda value: Q("t").select_raw("%s AS a", value),
    "order_by_raw": lambda value: Q("t").order_by_raw("a = ?", value),
    "filter": lambda value: Q("t").where(F("a") == value),
    "expression": lambda value: Q("t").where(~FieldEq("a", value) & FieldIn("b", (value,))),
    "specification": lambda value: Q("t").where(FieldEquals("a", value)),
    "insert": lambda value: Q("t").insert([{"a": value, "b": 1}, {"a": 2, "b": value}]),
    "update": lambda value: Q("t").update({"a": value}).where("b", value),
    "delete": lambda value: Q("t").delete().where("a", value),
    "do_update": lambda value: Q("t").insert({"a": 1}).on_conflict("a").do_update(b=value),
    "with_cte": lambda value: Q("c").with_cte("c", "SELECT ? AS a", value, columns=["a"]),
    "subquery": lambda value: Q("t").where_in_subquery("a", Q("u").select("b").where("c", value)),
    "union": lambda value: Q("t").union(Q("u").where("a", value)),
}


@pytest.mark.parametrize("method", VALUED)
@given(value=texts.filter(bool), dialect=dialects)
def test_a_value_is_a_parameter_and_never_text(method: str, value: str, dialect: SQLDialect) -> None:
    make = VALUED[method]
    sql, params = make(Marked(value)).build(dialect)
    assert any(type(param) is Marked and param == value for param in params)
    assert sql == make("another").build(dialect).sql


@pytest.mark.parametrize("operator", ["like", "not like", "ilike", "contains", "icontains", "startswith", "endswith"])
@given(value=texts, dialect=dialects)
def test_a_pattern_is_a_parameter_and_never_text(operator: str, value: str, dialect: SQLDialect) -> None:
    assume(not unfinished(value))
    query = Q("t").where("a", operator, value).build(dialect)
    assert query.sql == Q("t").where("a", operator, "another").build(dialect).sql
    assert len(query.params) == 1


@given(table=names, column=names, value=texts, dialect=dialects)
def test_composed_statements_quote_names_and_bind_values(
    table: str, column: str, value: str, dialect: SQLDialect
) -> None:
    calls: list[Callable[[], tuple[str, Any]]] = [
        lambda: compose.insert(table, {column: value}, [column], dialect),
        lambda: compose.update(table, {column: value}, {column: value}, None, dialect),
        lambda: compose.update(table, {column: value}, "a = ?", [value], dialect),
        lambda: compose.delete(table, {column: value}, None, dialect),
    ]
    for call in calls:
        try:
            sql, params = call()
        except InvalidIdentifierError:
            continue
        assert unquoted(sql, dialect) <= _OURS
        assert not {"'", ";"} & set(sql)
        assert Kind.COMMENT not in {token.kind for token in tokenize(sql, dialect)}
        assert value in (params.values() if isinstance(params, Mapping) else params)


# Values come back unharmed


@pytest.fixture(scope="module")
def run() -> Iterator[Callable[[Callable[[DatabaseService], Any]], Any]]:
    """Yield what runs a function on one database in memory, on an event loop of its own."""
    with asyncio.Runner() as runner:

        async def opened() -> DatabaseService:
            db = DatabaseService(":memory:")
            await db.connect()
            await db.execute("CREATE TABLE t (id INTEGER PRIMARY KEY, a, b)")
            return db

        db = runner.run(opened())
        yield lambda function: runner.run(function(db))
        runner.run(db.disconnect())


@given(first=values, second=texts)
def test_values_come_back_unharmed(run: Any, first: Any, second: str) -> None:
    async def written_and_read(db: DatabaseService) -> None:
        with contextlib.suppress(RuntimeError):
            async with db.transaction():
                await Q("t").insert({"id": 1, "a": first, "b": second}).execute(db)
                row = {"id": 1, "a": first, "b": second}
                assert await Q("t").where({"a": first, "b": second}).fetch(db) == [row]
                assert await Q("t").where("b", "contains", second).fetch(db) == [row]
                assert await Q("t").where("b", "startswith", second).fetch(db) == [row]
                assert await Q("t").where("b", "endswith", second).fetch(db) == [row]
                await Q("t").update({"a": second}).where(FieldEq("b", second)).execute(db)
                assert await Q("t").select("a").where_in("a", [second, 1]).fetch_value(db) == second
                await db.execute_update("t", {"a": first}, {"b": second})
                assert await Q("t").where("id", 1).fetch_one(db) == row
                assert (await db.execute_delete("t", {"a": first, "b": second})).affected_rows == 1
                await db.execute_insert("t", {"id": 2, "a": second, "b": first})
                assert await Q("t").delete().where("a", second).execute(db) == 1
                raise RuntimeError("nothing is kept")

    run(written_and_read)


# SQL and Python choose the same rows

ROWS = st.lists(
    st.fixed_dictionaries(
        {
            "n": st.one_of(st.none(), st.integers(-2, 2)),
            "m": st.one_of(st.none(), st.integers(-2, 2)),
            "s": st.one_of(st.none(), st.text("aAbB%_*[]?\\\n", max_size=3)),
        }
    ),
    max_size=8,
)
numbers = st.one_of(st.none(), st.integers(-2, 2))
words = st.text("aAbB%_*[]?\\\n", max_size=2)
fields = st.sampled_from(["n", "m"])

leaves: st.SearchStrategy[FilterExpression] = st.one_of(
    *(st.builds(kind, fields, numbers) for kind in (FieldEq, FieldNeq, FieldGt, FieldGte, FieldLt, FieldLte)),
    st.builds(FieldEq, st.just("s"), st.one_of(st.none(), words)),
    st.builds(FieldNeq, st.just("s"), st.one_of(st.none(), words)),
    st.builds(FieldGt, st.just("s"), words),
    st.builds(FieldContains, st.just("s"), words),
    st.builds(FieldIn, fields, st.lists(numbers, max_size=3).map(tuple)),
)


def combined(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.one_of(
        st.builds(lambda a, b: a & b, inner, inner),
        st.builds(lambda a, b: a | b, inner, inner),
        inner.map(lambda a: ~a),
    )


expressions = st.recursive(leaves, combined, max_leaves=8)

definite = st.integers(-2, 2)
patterns = words.filter(lambda text: not unfinished(text))
filters: st.SearchStrategy[Filter] = st.recursive(
    st.one_of(
        st.builds(lambda f, op, v: Filter(f, op, v), fields, st.sampled_from(["<", "<=", ">", ">="]), definite),
        st.builds(lambda f, op, v: Filter(f, op, v), fields, st.sampled_from(["=", "!="]), numbers),
        st.builds(
            lambda f, op, v: Filter(f, op, v),
            fields,
            st.sampled_from(["in", "not in"]),
            st.lists(numbers, max_size=3),
        ),
        st.builds(
            lambda f, op, a, b: Filter(f, op, (a, b)),
            fields,
            st.sampled_from(["between", "not between"]),
            definite,
            definite,
        ),
        st.builds(lambda f, op: Filter(f, op), fields, st.sampled_from(["is null", "is not null"])),
        st.builds(
            lambda op, v: Filter("s", op, v),
            st.sampled_from(
                ["like", "not like", "ilike", "contains", "icontains", "startswith", "endswith", "=", "!="]
            ),
            patterns,
        ),
    ),
    combined,
    max_leaves=8,
)
specifications: st.SearchStrategy[SqlSpecification] = st.recursive(
    st.one_of(
        st.builds(FieldEquals, fields, numbers),
        st.builds(FieldBetween, fields, definite, definite),
        st.builds(FieldLike, st.just("s"), patterns),
    ),
    combined,
    max_leaves=6,
)


def chosen(rows: list[dict[str, Any]], sql: str, params: tuple[Any, ...]) -> list[int]:
    """The positions of the rows that SQLite chooses."""
    with contextlib.closing(sqlite3.connect(":memory:")) as connection:
        connection.execute("CREATE TABLE t (i INTEGER, n INTEGER, m INTEGER, s TEXT)")
        connection.executemany(
            "INSERT INTO t VALUES (?, ?, ?, ?)", [(i, row["n"], row["m"], row["s"]) for i, row in enumerate(rows)]
        )
        return [found[0] for found in connection.execute(f"SELECT i FROM t WHERE {sql} ORDER BY i", params)]


@given(rows=ROWS, expression=expressions)
def test_a_filter_expression_chooses_the_same_rows_in_sql_and_in_python(
    rows: list[dict[str, Any]], expression: FilterExpression
) -> None:
    compiler = PredicateCompiler(SQLDialect.SQLITE)
    predicate = compiler.compile(expression)
    assert chosen(rows, *compiler.to_sql(expression)) == [i for i, row in enumerate(rows) if predicate(row)]


@given(rows=ROWS, condition=st.one_of(filters, specifications))
def test_filters_and_specifications_choose_the_same_rows_in_sql_and_in_python(
    rows: list[dict[str, Any]], condition: Filter | SqlSpecification
) -> None:
    expected = [i for i, row in enumerate(rows) if condition.is_satisfied_by(row)]
    assert chosen(rows, *condition.to_sql(SQLDialect.SQLITE)) == expected


@given(rows=ROWS, conditions=st.lists(st.tuples(st.booleans(), filters), min_size=1, max_size=4))
def test_conditions_of_a_builder_are_joined_from_left_to_right(
    rows: list[dict[str, Any]], conditions: list[tuple[bool, Filter]]
) -> None:
    query = Q("t", dialect=SQLDialect.SQLITE)
    for also, condition in conditions:
        query = query.where(condition) if also else query.or_where(condition)

    def meets(row: dict[str, Any]) -> bool:
        result = conditions[0][1].is_satisfied_by(row)
        for also, condition in conditions[1:]:
            met = condition.is_satisfied_by(row)
            result = (result and met) if also else (result or met)
        return result

    sql, params = query.build()
    found = chosen(rows, sql.partition(" WHERE ")[2] or "1 = 1", params)
    assert found == [i for i, row in enumerate(rows) if meets(row)]


# Cursors


@given(position=st.dictionaries(texts, st.one_of(values, st.decimals(allow_nan=False), st.datetimes(), st.uuids())))
def test_any_position_comes_back_from_its_cursor(position: dict[str, Any]) -> None:
    assert CursorCodec("secret").decode(CursorCodec("secret").encode(position)) == position


@given(cursor=st.one_of(texts, st.text("abcXYZ019-_=", max_size=60)))
def test_no_text_of_a_stranger_is_a_cursor(cursor: str) -> None:
    with pytest.raises(CursorError):
        CursorCodec("secret").decode(cursor)

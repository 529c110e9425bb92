"""What a builder refuses, keeps and shares: immutability, the cache by shape, operators, clear errors."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from lexigram.contracts.data.types import FieldContains, FieldEq, FieldGt, NotExpr
from lexigram.contracts.exceptions.infra import InvalidIdentifierError
from lexigram.sql.exceptions import DataQueryError, ParameterBindingError
from lexigram.sql.query import AsyncQueryBuilder as Q
from lexigram.sql.query import (
    JoinType,
    Operator,
    PredicateCompiler,
    QueryOperatorRegistry,
    RawSQL,
    SQLDialect,
    operator_registry,
)
from lexigram.sql.query.compile import compile_shape
from sqlalchemy.dialects.postgresql.base import PGCompiler, PGDialect


def where(query: Q, dialect: SQLDialect = SQLDialect.POSTGRESQL) -> str:
    return query.build(dialect).sql.partition(" WHERE ")[2]


# Sharing


def test_every_step_makes_a_new_builder() -> None:
    base = Q("users").where("active", True)
    before = base.build()
    first, second = base.where("id", 1).limit(1), base.order_by("name")
    assert base.build() == before
    assert first.build().params == (True, 1, 1)
    assert second.build().params == (True,)
    assert base == Q("users").where("active", True)
    assert hash(base) == hash(Q("users").where("active", False))
    assert base != first
    assert base != "users"


def test_a_builder_shows_no_values() -> None:
    assert "hunter2" not in repr(Q("users").where("password", "hunter2"))


def test_the_same_shape_with_other_values_compiles_once() -> None:
    def query(number: int) -> Q:
        inner = Q("visits").select("user_id").where("day", ">", number)
        return Q("cache_probe").where("id", number).where_in("a", [number, number + 1]).where_in_subquery("id", inner)

    for dialect in SQLDialect:
        query(0).build(dialect)
    before = compile_shape.cache_info()
    texts = {query(number).build(dialect).sql for number in range(1, 51) for dialect in SQLDialect}
    after = compile_shape.cache_info()
    assert (after.misses - before.misses, after.hits - before.hits) == (0, 150)
    assert len(texts) == 3


def test_another_length_of_in_is_another_shape() -> None:
    before = compile_shape.cache_info().misses
    assert Q("length_probe").where_in("a", [1]).build().sql != Q("length_probe").where_in("a", [1, 2]).build().sql
    assert compile_shape.cache_info().misses - before == 2


def test_values_keep_their_places_through_nested_queries() -> None:
    inner = Q("c").select("id").where("x", "in-c").union(Q("d").select("id").where("x", "in-d"))
    query = (
        Q("a")
        .with_cte("early", Q("e").where("x", "in-e"))
        .select(RawSQL("? AS mark", "mark"))
        .where("x", "in-a")
        .where_in_subquery("id", inner)
        .limit(9)
    )
    assert query.build().params == ("in-e", "mark", "in-a", "in-c", "in-d", 9)


# Operators

SPELLINGS = {
    '"a" = $1': ["=", "==", "eq", "EQ", " = ", Operator.EQ],
    '"a" != $1': ["!=", "<>", "ne", "neq", Operator.NE, Operator.NEQ],
    '"a" < $1': ["<", "lt", Operator.LT],
    '"a" <= $1': ["<=", "le", "lte", Operator.LE, Operator.LTE],
    '"a" > $1': [">", "gt", Operator.GT],
    '"a" >= $1': [">=", "ge", "gte", Operator.GE, Operator.GTE],
    '"a" LIKE $1': ["like", "LIKE", Operator.LIKE, "contains", "starts with", "startswith", "ends_with", "endswith"],
    '"a" NOT LIKE $1': ["not like", "not_like", Operator.NOT_LIKE],
    '"a" ILIKE $1': ["ilike", Operator.ILIKE, "icontains"],
}


@pytest.mark.parametrize(
    ("sql", "spelling"), [(sql, spelling) for sql, spellings in SPELLINGS.items() for spelling in spellings], ids=str
)
def test_an_operator_has_the_documented_spellings(sql: str, spelling: Any) -> None:
    assert where(Q("t").where("a", spelling, "x")) == sql


@pytest.mark.parametrize("spelling", ["in", "IN", Operator.IN])
def test_in_takes_any_collection(spelling: Any) -> None:
    for values in ([1, 2], (1, 2), {1: None, 2: None}.keys(), iter([1, 2])):
        assert Q("t").where("a", spelling, values).build().params == (1, 2)


@pytest.mark.parametrize("spelling", ["not in", "NOT_IN", "nin", Operator.NOT_IN])
def test_not_in_has_its_spellings(spelling: Any) -> None:
    assert where(Q("t").where("a", spelling, [1])) == '("a" NOT IN ($1))'


@pytest.mark.parametrize(
    ("spelling", "sql"),
    [
        ("is null", '"a" IS NULL'),
        ("isnull", '"a" IS NULL'),
        (Operator.IS_NULL, '"a" IS NULL'),
        ("is not null", '"a" IS NOT NULL'),
        ("IS_NOT_NULL", '"a" IS NOT NULL'),
        ("notnull", '"a" IS NOT NULL'),
    ],
)
def test_tests_for_null_take_no_value_or_a_boolean(spelling: Any, sql: str) -> None:
    other = '"a" IS NULL' if "NOT" in sql else '"a" IS NOT NULL'
    assert where(Q("t").where("a", spelling, None)) == sql
    assert where(Q("t").where("a", spelling, True)) == sql
    assert where(Q("t").where("a", spelling, False)) == other


@pytest.mark.parametrize("text", ["like", "in", "=", "is", "IS NOT", ">", "between", "active", ""])
def test_of_two_arguments_the_second_is_a_value_whatever_it_spells(text: str) -> None:
    assert Q("t").where("a", text).build() == ('SELECT * FROM "t" WHERE "a" = $1', (text,))


@pytest.mark.parametrize("text", ["is null", "IS NOT NULL", "isnull", "notnull", "is_null"])
def test_a_stranger_cannot_turn_a_value_into_a_test_for_null(text: str) -> None:
    with pytest.raises(DataQueryError, match="a value or an operator") as caught:
        Q("t").where("token", text)
    assert "where_null" in (caught.value.hint or "")
    assert Q("t").where("token", "=", text).build().params == (text,)
    assert where(Q("t").where("a", Operator.IS_NULL).or_where("a", Operator.IS_NOT_NULL)) == (
        '"a" IS NULL OR "a" IS NOT NULL'
    )


@pytest.fixture
def register() -> Iterator[Callable[..., None]]:
    undo: list[Callable[[], None]] = []
    yield lambda *args: undo.append(operator_registry.register_operator(*args))
    for function in undo:
        function()


def test_an_operator_can_be_added_and_taken_away(register: Callable[..., None]) -> None:
    register("~*", lambda column, values: column.op("~*")(values[0]))
    register("Within", lambda column, values: column.between(*values), "two")
    query = Q("t").where("a", "~*", "^x").or_where("b", "within", (1, 2))
    assert query.build() == ('SELECT * FROM "t" WHERE ("a" ~* $1) OR "b" BETWEEN $2 AND $3', ("^x", 1, 2))
    assert operator_registry.names() == ["within", "~*"]


def test_another_operator_of_the_same_name_means_what_it_says() -> None:
    for sign in ("@>", "<@"):
        undo = operator_registry.register_operator("holds", lambda column, values, s=sign: column.op(s)(values[0]))
        assert where(Q("t").where("a", "holds", 1)) == f'"a" {sign} $1'
        undo()


def test_an_added_operator_may_take_no_value(register: Callable[..., None]) -> None:
    register("missing", lambda column, values: column.is_(None), "none")
    assert where(Q("t").where("a", "missing", None)) == '"a" IS NULL'


def test_a_name_that_is_taken_is_no_new_operator() -> None:
    registry = QueryOperatorRegistry()
    undo = registry.register_operator("soundslike", lambda column, values: column == values[0])
    for taken in ("SoundsLike", "=", "gte", "not in"):
        with pytest.raises(DataQueryError, match="already"):
            registry.register_operator(taken, lambda column, values: column == values[0])
    undo()
    assert registry.names() == []
    assert registry.find("soundslike") is None


# Filter expressions


def test_a_filter_expression_is_a_condition_with_parameters() -> None:
    compiler = PredicateCompiler(SQLDialect.MYSQL)
    sql, params = compiler.to_sql(FieldEq("a", 1) & ~FieldContains("b", "50%"))
    assert sql == "`a` = %s AND coalesce(`b` LIKE (%s COLLATE utf8mb4_bin), false) = 0"
    assert params == (1, "%50\\%%")
    assert compiler.to_sql(FieldGt("a", 1), "sqlite") == ('"a" > ?', (1,))
    assert compiler.compile(FieldGt("a", 1))({"a": 2})


def test_a_long_chain_stays_flat_and_deep_nesting_is_refused() -> None:
    chain: Any = FieldEq("a", 0)
    for number in range(1, 2000):
        chain |= FieldEq("a", number)
    assert len(PredicateCompiler().to_sql(chain).params) == 2000
    nested: Any = FieldEq("a", 0)
    for number in range(40):
        nested = ~nested & FieldEq("a", number)
    with pytest.raises(DataQueryError, match="nested deeper than"):
        PredicateCompiler().to_sql(nested)
    assert PredicateCompiler().to_sql(NotExpr(NotExpr(FieldEq("a", 1)))).sql == '"a" = $1'


@pytest.mark.parametrize("given", [None, "a = 1", {"a": 1}, object()])
def test_what_is_no_expression_is_refused(given: Any) -> None:
    with pytest.raises(DataQueryError, match="no filter expression"):
        PredicateCompiler().to_sql(given)
    with pytest.raises(DataQueryError, match="no filter expression"):
        PredicateCompiler().compile(given)


def test_a_related_database_writes_its_family_in_its_own_way() -> None:
    class Shouting(PGCompiler):
        def limit_clause(self, select: Any, **kw: Any) -> str:
            return f" FETCH FIRST {self.process(select._limit_clause, **kw)} ROWS ONLY"

    class ShoutingDialect(PGDialect):
        statement_compiler = Shouting
        supports_statement_cache = True

    query = Q("t").limit(2)
    plain = query.build()
    undo = PredicateCompiler.register_dialect("postgresql", ShoutingDialect(paramstyle="numeric_dollar"))
    try:
        assert query.build() == ('SELECT * FROM "t" FETCH FIRST $1 ROWS ONLY', (2,))
    finally:
        undo()
    assert query.build() == plain
    with pytest.raises(DataQueryError, match="numeric_dollar placeholders, not qmark"):
        PredicateCompiler.register_dialect("postgresql", ShoutingDialect(paramstyle="qmark"))


# Errors

BAD: list[tuple[str, Callable[[], Any], str]] = [
    ("no table", lambda: Q().build(), "names no table"),
    ("three words", lambda: Q("a b c").build(), "is no table"),
    ("database.schema.table", lambda: Q("a.b.c").build(), "is no table"),
    ("unknown operator", lambda: Q("t").where("a", "=~", 1), "no operator '=~'"),
    ("operator of no type", lambda: Q("t").where("a", 5, 1), "no operator 5"),
    ("no value", lambda: Q("t").where("a", Operator.GT), "> takes a value"),
    ("is with a value", lambda: Q("t").where("a", "is", True), "takes no value but None"),
    ("null with a value", lambda: Q("t").where("a", "isnull", 3), "takes no value"),
    ("less than None", lambda: Q("t").where("a", "<", None), "nothing is < None"),
    ("between None", lambda: Q("t").where_between("a", None, 3), "nothing is BETWEEN None"),
    ("between three", lambda: Q("t").where("a", "between", (1, 2, 3)), "takes two values, not 3"),
    ("in text", lambda: Q("t").where_in("a", "abc"), "takes a collection"),
    ("in a number", lambda: Q("t").where("a", "in", 3), "takes a collection"),
    ("in nothing given", lambda: Q("t").where("a", Operator.IN), "takes a collection"),
    ("like a number", lambda: Q("t").where("a", "like", 5), "LIKE takes text"),
    ("contains a number", lambda: Q("t").where("a", "contains", 5), "CONTAINS takes text"),
    ("unfinished pattern", lambda: Q("t").where("a", "like", "a\\"), "ends with a backslash"),
    ("columns by like", lambda: Q("t").where_column("a", "like", "b"), "does not compare two columns"),
    ("direction", lambda: Q("t").order_by("a", "down"), "no order 'down'"),
    ("two directions", lambda: Q("t").order_by("a", "ASC", desc=True), "given twice"),
    ("nulls", lambda: Q("t").order_by("a", nulls="top"), "no nulls='top'"),  # type: ignore[arg-type]
    ("negative limit", lambda: Q("t").limit(-1), "limit is a number of rows"),
    ("limit of text", lambda: Q("t").limit("5"), "limit is a number of rows"),  # type: ignore[arg-type]
    ("offset of a boolean", lambda: Q("t").offset(True), "offset is a number of rows"),
    ("join without on", lambda: Q("t").join("u"), "a join needs a condition"),
    ("join on a value", lambda: Q("t").join("u", "u.a"), "is not a comparison of columns"),
    ("join on a number", lambda: Q("t").join("u", 5), "text or RawSQL"),
    ("unknown join", lambda: Q("t").join("u", "u.a = t.a", "sideways"), "no join 'sideways'"),
    ("window function", lambda: Q("t").select_window("pg_sleep"), "no window function"),
    ("two results of one name", lambda: Q("t").select_sum("a").select_sum("b").build(), "two results are called 'sum'"),
    ("insert of nothing", lambda: Q("t").insert([]), "at least one row"),
    ("insert of an empty row", lambda: Q("t").insert({}), "at least one row"),
    ("rows that differ", lambda: Q("t").insert([{"a": 1}, {"b": 1}]), "differ in their columns"),
    ("two inserts", lambda: Q("t").insert({"a": 1}).insert({"a": 2}).build(), "takes its rows at once"),
    ("update of nothing", lambda: Q("t").update({}).where("a", 1).build(), "at least one column"),
    ("update of all", lambda: Q("t").update({"a": 1}).build(), "would reach every row"),
    ("delete of all", lambda: Q("t").delete().build(), "would reach every row"),
    ("update with a limit", lambda: Q("t").update({"a": 1}).where("a", 1).limit(1).build(), "limit() has no place"),
    ("delete with a join", lambda: Q("t").join("u", "u.a = t.a").where("a", 1).delete().build(), "join() has no place"),
    ("insert with where", lambda: Q("t").insert({"a": 1}).where("a", 1).build(), "where() has no place"),
    ("select with returning", lambda: Q("t").returning("a").build(), "returning() has no place"),
    ("columns of an update", lambda: Q("t").select("a").update({"a": 1}).build(), "select() has no place"),
    ("alias of an update", lambda: Q("t u").update({"a": 1}).where("a", 1).build(), "has an alias"),
    ("upsert without a key", lambda: Q("t").insert({"a": 1}).on_conflict().do_update("a"), "columns of the key"),
    ("upsert of nothing", lambda: Q("t").insert({"a": 1}).on_conflict("a").do_update(), "columns of the key"),
    ("both ways to wait", lambda: Q("t").for_update(skip_locked=True, no_wait=True), "not both"),
    ("lock of a union", lambda: Q("t").union(Q("u")).for_update().build(), "cannot be locked"),
    ("lock of groups", lambda: Q("t").select("a").group_by("a").for_share().build(), "cannot be locked"),
    ("lock inside a union", lambda: Q("t").union(Q("u").for_update()).build(), "cannot be locked"),
    ("FULL on MySQL", lambda: Q("t").join("u", "u.a = t.a", JoinType.FULL).build("mysql"), "MySQL has no FULL join"),
    ("union with text", lambda: Q("t").union("SELECT 1"), "is an AsyncQueryBuilder"),  # type: ignore[arg-type]
    ("names of a builder", lambda: Q("c").with_cte("c", Q("t"), columns=["a"]).build(), "a builder names its own"),
    ("values twice", lambda: Q("t").where_raw(RawSQL("a = ?", 1), 2), "has its values with it"),
    ("raw of no text", lambda: Q("t").where_raw(5), "raw SQL is text"),  # type: ignore[arg-type]
    ("too many values", lambda: Q("t").where_in("a", range(40_000)).build("sqlite"), "takes 32,766 in one"),
    ("too many for PostgreSQL", lambda: Q("t").insert([{"a": 1}] * 65_536).build(), "takes 65,535 in one"),
]


@pytest.mark.parametrize(("make", "message"), [case[1:] for case in BAD], ids=[case[0] for case in BAD])
def test_bad_input_is_refused_with_a_hint(make: Callable[[], Any], message: str) -> None:
    with pytest.raises(DataQueryError) as caught:
        make()
    assert message.replace("()", "(") in str(caught.value).replace("()", "(")
    assert caught.value.hint


def test_mysql_writes_values_into_the_text_and_has_no_limit_on_their_number() -> None:
    assert len(Q("t").where_in("a", range(40_000)).build("mysql").params) == 40_000


@pytest.mark.parametrize("values", [(), (1, 2)])
def test_raw_sql_takes_as_many_values_as_it_has_placeholders(values: tuple[int, ...]) -> None:
    with pytest.raises(ParameterBindingError, match="1 placeholders"):
        Q("t").where_raw("a = ?", *values).build()


@pytest.mark.parametrize("dialect", SQLDialect)
def test_raw_sql_keeps_what_is_no_placeholder(dialect: SQLDialect) -> None:
    raw = "a = ? AND b = ':x' AND c LIKE '5%' AND d = '?' -- not $1\n"
    sql, params = Q("t", dialect=dialect).where_raw(raw, 1).where("e", 2).build()
    percent = "%%" if dialect is SQLDialect.MYSQL else "%"
    first, second = {"postgresql": ("$1", "$2"), "sqlite": ("?", "?"), "mysql": ("%s", "%s")}[dialect]
    assert f"(a = {first} AND b = ':x' AND c LIKE '5{percent}' AND d = '?' -- not $1\n) AND" in sql
    assert sql.endswith(f"= {second}")
    assert params == (1, 2)


@pytest.mark.parametrize("name", ["", " ", "1a", "a;b", 'a"b', "a`b", "a--", "é", "a.b.c.d", "a b c", "*", "a.*", "\0"])
@pytest.mark.parametrize("dialect", SQLDialect)
def test_what_is_no_name_is_refused_wherever_a_name_stands(name: str, dialect: SQLDialect) -> None:
    made: list[Callable[[], Q]] = [
        lambda: Q("t").where(name, 1),
        lambda: Q("t").order_by(name),
        lambda: Q("t").group_by(name),
        lambda: Q("t").insert({name: 1}),
        lambda: Q("t").update({name: 1}).where("a", 1),
        lambda: Q("t").select_sum(name),
        lambda: Q("t").select_count("*", name or "1"),
        lambda: Q("t").where_column("a", "=", name),
        lambda: Q("t").with_cte(name, Q("u")),
    ]
    for make in made:
        with pytest.raises(InvalidIdentifierError):
            make().build(dialect)


@pytest.mark.parametrize("name", [5, None, b"a", RawSQL("a")])
def test_a_name_is_text(name: Any) -> None:
    with pytest.raises(InvalidIdentifierError, match="a name is text"):
        Q("t").order_by(name)

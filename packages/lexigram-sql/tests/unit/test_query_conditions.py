"""Typed filters, specifications, and descriptions of queries."""

from __future__ import annotations

import pickle
from dataclasses import FrozenInstanceError, dataclass
from typing import Any

import pytest
from lexigram.contracts.data.types import (
    AndExpr,
    CursorPaginationSpec,
    FieldContains,
    FieldEq,
    FieldGt,
    OrExpr,
    PaginationSpec,
    SortSpecification,
)
from lexigram.contracts.domain.specification import SpecificationProtocol
from lexigram.sql.exceptions import DataQueryError, PaginationError
from lexigram.sql.query import AsyncQueryBuilder as Q
from lexigram.sql.query import Operator, Query, QueryBuilder, SearchQueryBuilder, SQLDialect, operator_registry
from lexigram.sql.repositories.fields import F, Filter, field
from lexigram.sql.specification import (
    AndSqlSpecification,
    FieldBetween,
    FieldEquals,
    FieldGreaterThan,
    FieldIn,
    FieldIsNotNull,
    FieldIsNull,
    FieldLessThan,
    FieldLike,
    MemorySpecification,
    MemorySpecificationBuilder,
    NotSqlSpecification,
    OrSqlSpecification,
    RawSpecification,
    SqlSpecification,
)

FILTERS: list[tuple[Any, str, tuple[Any, ...]]] = [
    (F("a") == 1, '"a" = $1', (1,)),
    (F("a") == None, '"a" IS NULL', ()),  # noqa: E711
    (F("a") != 1, '"a" != $1', (1,)),
    (F("a") > 1, '"a" > $1', (1,)),
    (F("a") >= 1, '"a" >= $1', (1,)),
    (F("a") < 1, '"a" < $1', (1,)),
    (F("a") <= 1, '"a" <= $1', (1,)),
    (F("a").in_([1, 2]), '"a" IN ($1, $2)', (1, 2)),
    (F("a").not_in({1}), '("a" NOT IN ($1))', (1,)),
    (F("a").like("x%"), '"a" LIKE $1', ("x%",)),
    (F("a").ilike("x%"), '"a" ILIKE $1', ("x%",)),
    (F("a").contains("5%"), '"a" LIKE $1', ("%5\\%%",)),
    (F("a").starts_with("x"), '"a" LIKE $1', ("x%",)),
    (F("a").ends_with("x"), '"a" LIKE $1', ("%x",)),
    (F("a").is_null(), '"a" IS NULL', ()),
    (F("a").is_not_null(), '"a" IS NOT NULL', ()),
    (F("a").between(1, 2), '"a" BETWEEN $1 AND $2', (1, 2)),
    (~(F("a") == 1), 'NOT coalesce("a" = $1, false)', (1,)),
    ((F("a") == 1) & (F("b") == 2) | (F("c") == 3), '"a" = $1 AND "b" = $2 OR "c" = $3', (1, 2, 3)),
    (Filter("status", "==", "active"), '"status" = $1', ("active",)),
    (Filter("gone", "is null"), '"gone" IS NULL', ()),
    (Filter("gone", "isnull", False), '"gone" IS NOT NULL', ()),
    (Filter("field", "gte", 5), '"field" >= $1', (5,)),
    (Filter("field", "a", Operator.GT, 5), '"a" > $1', (5,)),
    (Filter("and", children=(F("a") == 1, F("b") == 2)), '"a" = $1 AND "b" = $2', (1, 2)),
]


@pytest.mark.parametrize(("condition", "sql", "params"), FILTERS, ids=[case[1] for case in FILTERS])
def test_a_typed_filter_is_a_condition(condition: Filter, sql: str, params: tuple[Any, ...]) -> None:
    assert condition.to_sql() == (sql, params)
    assert Q("t").where("z", 0).where(condition).build().params == (0, *params)
    assert pickle.loads(pickle.dumps(condition)) == condition


def test_a_filter_is_frozen_and_keeps_its_parts() -> None:
    both = (field("a") > 1) & ~(field("b") == "x")
    assert (both.kind, both.field_name, both.operator, both.value) == ("and", None, None, None)
    assert [child.kind for child in both.children] == ["field", "not"]
    first = both.children[0]
    assert (first.kind, first.field_name, first.operator, first.value) == ("field", "a", ">", 1)
    assert ~~both == both
    with pytest.raises(FrozenInstanceError):
        first.value = 2  # type: ignore[misc]


def test_python_words_do_not_combine_filters() -> None:
    with pytest.raises(TypeError, match="&"):
        _ = (F("a") == 1) and (F("b") == 2)
    with pytest.raises(TypeError, match="combines with filters"):
        _ = (F("a") == 1) & True  # type: ignore[operator]


@pytest.mark.parametrize(
    "make",
    [
        lambda: Filter("a", "~~", 1),
        lambda: Filter("a", "in", 5),
        lambda: Filter("a", "<", None),
        lambda: Filter("sideways", "a", "=", 5),
        lambda: Filter("and"),
        lambda: Filter("not", children=(F("a") == 1, F("b") == 1)),
        lambda: F("a").between(1, None),
        lambda: F("a").like(5),  # type: ignore[arg-type]
        lambda: FieldLike("a", 5),  # type: ignore[arg-type]
        lambda: FieldIn("a", "abc"),  # type: ignore[arg-type]
        lambda: FieldGreaterThan("a", None),
        lambda: MemorySpecificationBuilder().where("a", "=~", 1),
        lambda: MemorySpecificationBuilder().where_in("a", "abc"),
        lambda: MemorySpecificationBuilder().matching("a = 1"),  # type: ignore[arg-type]
    ],
)
def test_what_does_not_fit_is_told_where_it_is_written(make: Any) -> None:
    with pytest.raises(DataQueryError) as caught:
        make()
    assert caught.value.hint


def test_fields_order_queries() -> None:
    assert (F("a").asc(), F("b").desc()) == (SortSpecification("a"), SortSpecification("b", "desc"))
    assert Q("t").order_by(F("b").desc()).build().sql.endswith('ORDER BY "b" DESC')
    assert len({F("a"): 1, F("b"): 2}) == 2
    assert repr(F("a")) == "F('a')"


SPECIFICATIONS: list[tuple[SqlSpecification, str, tuple[Any, ...]]] = [
    (FieldEquals("a", 1), '"a" = ?', (1,)),
    (FieldEquals("a", None), '"a" IS NULL', ()),
    (FieldIn("a", [1, None]), '"a" IN (?) OR "a" IS NULL', (1,)),  # type: ignore[arg-type]
    (FieldIn("a", ()), "0 = 1", ()),
    (FieldBetween("a", 1, 2), '"a" BETWEEN ? AND ?', (1, 2)),
    (FieldLike("a", "x%"), '"a" GLOB ?', ("x*",)),
    (FieldIsNull("a"), '"a" IS NULL', ()),
    (FieldIsNotNull("a"), '"a" IS NOT NULL', ()),
    (FieldGreaterThan("a", 1), '"a" > ?', (1,)),
    (FieldLessThan("a", 1), '"a" < ?', (1,)),
    (RawSpecification("a % ? = 0", 3), "(a % ? = 0)", (3,)),
    (FieldEquals("a", 1) & FieldEquals("b", 2) & FieldIsNull("c"), '"a" = ? AND "b" = ? AND "c" IS NULL', (1, 2)),
    (FieldEquals("a", 1) | FieldEquals("b", 2), '"a" = ? OR "b" = ?', (1, 2)),
    (~FieldEquals("a", 1), 'coalesce("a" = ?, 0) = 0', (1,)),
]


@pytest.mark.parametrize(("wanted", "sql", "params"), SPECIFICATIONS, ids=[case[1] for case in SPECIFICATIONS])
def test_a_specification_is_a_condition(wanted: SqlSpecification, sql: str, params: tuple[Any, ...]) -> None:
    assert wanted.to_sql("sqlite") == (sql, params)
    assert wanted.to_sql("sqlite").dialect is SQLDialect.SQLITE
    assert isinstance(wanted, SpecificationProtocol)
    assert Q("t").where("z", 9).or_where(wanted).build().params[0] == 9


def test_specifications_combine_into_named_kinds() -> None:
    one, two = FieldIsNull("a"), FieldIsNull("b")
    assert one & two == AndSqlSpecification(one, two)
    assert one | two == OrSqlSpecification(one, two)
    assert ~one == NotSqlSpecification(one)
    with pytest.raises(TypeError):
        _ = one and two
    with pytest.raises(TypeError):
        _ = one & 5  # type: ignore[operator]


def test_only_the_database_knows_what_raw_sql_means() -> None:
    with pytest.raises(DataQueryError, match="no meaning outside"):
        (FieldIsNull("a") & RawSpecification("1 = 1")).is_satisfied_by({})


@dataclass
class Person:
    name: str
    age: int | None
    tags: dict[str, str]


PEOPLE = [Person("Ann", 31, {"city": "Rome"}), Person("bob", None, {}), Person("Bo_", 17, {"city": "Oslo"})]


@pytest.mark.parametrize(
    ("builder", "expected"),
    [
        (MemorySpecificationBuilder(), ["Ann", "bob", "Bo_"]),
        (MemorySpecificationBuilder().where("age", ">=", 18), ["Ann"]),
        (MemorySpecificationBuilder().where("age", "!=", 31), ["Bo_"]),
        (MemorySpecificationBuilder().where_between("age", 17, 30), ["Bo_"]),
        (MemorySpecificationBuilder().where_in("age", iter([None, 17])), ["bob", "Bo_"]),
        (MemorySpecificationBuilder().where_null("age"), ["bob"]),
        (MemorySpecificationBuilder().where_not_null("tags.city").where("name", "ilike", "B%"), ["Bo_"]),
        (MemorySpecificationBuilder().where("name", "like", "%\\_"), ["Bo_"]),
        (MemorySpecificationBuilder().matching(FieldGt("age", 18), F("name") == "Ann"), ["Ann"]),
        (MemorySpecificationBuilder().any_of(FieldEq("age", 17), FieldEquals("name", "bob")), ["bob", "Bo_"]),
        (MemorySpecificationBuilder().any_of(), []),
    ],
)
def test_a_specification_in_memory_chooses_objects(builder: MemorySpecificationBuilder, expected: list[str]) -> None:
    chosen = builder.build()
    assert [person.name for person in chosen.filter(PEOPLE)] == expected
    assert [person.name for person in (~chosen).filter(PEOPLE)] == [p.name for p in PEOPLE if p.name not in expected]


def test_predicates_combine_in_memory() -> None:
    long: MemorySpecification[str] = MemorySpecification(lambda text: len(text) > 2)
    low: MemorySpecification[str] = MemorySpecification(str.islower)
    assert (long & low).filter(["abc", "ABC", "a"]) == ["abc"]
    assert (long | low).filter(["abc", "ABC", "a", "A"]) == ["abc", "ABC", "a"]
    with pytest.raises(TypeError):
        _ = long and low


def test_a_query_describes_what_is_wanted() -> None:
    base = QueryBuilder().filter(FieldEq("a", 1))
    query = base.filter(FieldGt("b", 2)).order_by("c").order_by("d", direction="desc").page(page=3, size=10).build()
    sort = (SortSpecification("c"), SortSpecification("d", "desc"))
    assert query == Query(AndExpr(FieldEq("a", 1), FieldGt("b", 2)), sort, PaginationSpec(3, 10))
    assert base.build() == Query(FieldEq("a", 1))
    assert Q("t").apply(query).build() == (
        'SELECT * FROM "t" WHERE "a" = $1 AND "b" > $2 ORDER BY "c" ASC, "d" DESC LIMIT $3 OFFSET $4',
        (1, 2, 10, 20),
    )
    assert Q("t").apply(Query()) == Q("t")


def test_an_object_that_says_its_expression_is_a_condition() -> None:
    class Wanted:
        def __init__(self, expression: FieldEq | None) -> None:
            self.expression = expression

        def to_expression(self) -> FieldEq | None:
            return self.expression

    assert Q("t").where(Wanted(FieldEq("a", 1))).build() == ('SELECT * FROM "t" WHERE "a" = $1', (1,))
    assert Q("t").where("b", 2).where(Wanted(None)).build().params == (2,)


def test_an_added_operator_has_no_meaning_in_memory() -> None:
    undo = operator_registry.register_operator("near", lambda column, values: column == values[0])
    try:
        condition = Filter("a", "near", 1)
        assert condition.to_sql().sql == '"a" = $1'
        with pytest.raises(DataQueryError, match="no meaning outside"):
            condition.is_satisfied_by({"a": 1})
        with pytest.raises(DataQueryError, match="no meaning outside"):
            MemorySpecificationBuilder().where("a", "near", 1)
    finally:
        undo()


def test_a_page_by_cursor_is_described_and_left_to_its_paginator() -> None:
    query = QueryBuilder().page(page=2).cursor(cursor="x", size=5).build()
    assert query == Query(cursor_pagination=CursorPaginationSpec("x", 5))
    with pytest.raises(DataQueryError, match="page by cursor"):
        Q("t").apply(query)
    with pytest.raises(PaginationError, match="not both"):
        Query(pagination=PaginationSpec(), cursor_pagination=CursorPaginationSpec())


@pytest.mark.parametrize(
    ("make", "error"),
    [
        (lambda: QueryBuilder().page(page=0), PaginationError),
        (lambda: QueryBuilder().page(size=0), PaginationError),
        (lambda: QueryBuilder().cursor(size=-1), PaginationError),
        (lambda: QueryBuilder().order_by("a", direction="down"), DataQueryError),  # type: ignore[arg-type]
        (lambda: QueryBuilder().filter("a = 1"), DataQueryError),  # type: ignore[arg-type]
        (lambda: SearchQueryBuilder().search("a"), DataQueryError),
    ],
)
def test_a_description_that_makes_no_sense_is_refused(make: Any, error: type[Exception]) -> None:
    with pytest.raises(error):
        make()


def test_a_search_looks_for_each_word_in_any_field() -> None:
    found = SearchQueryBuilder().filter_expr(FieldEq("a", 1)).search(" red  car ", "title", "text").build()
    red = OrExpr(FieldContains("title", "red"), FieldContains("text", "red"))
    car = OrExpr(FieldContains("title", "car"), FieldContains("text", "car"))
    assert found.filter == AndExpr(AndExpr(FieldEq("a", 1), red), car)
    assert SearchQueryBuilder().search("  ", "title").build() == Query()

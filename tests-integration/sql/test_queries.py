"""The same query gives the same rows on every database."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
import pytest_asyncio
import sqlalchemy as sa
from lexigram.contracts.data.types import (
    FieldContains,
    FieldEq,
    FieldGt,
    FieldIn,
    FieldLte,
    FieldNeq,
    FilterExpression,
)
from lexigram.sql import specification
from lexigram.sql.exceptions import DataQueryError, DuplicateKeyError, NotNullViolationError
from lexigram.sql.providers import DatabaseService
from lexigram.sql.query import AsyncQueryBuilder as Q
from lexigram.sql.query import (
    CursorPaginator,
    JoinType,
    OffsetPaginator,
    Operator,
    PredicateCompiler,
    RawSQL,
    SqlQueryBuilder,
)
from lexigram.sql.repositories.fields import F
from lexigram.sql.specification import FieldBetween, FieldEquals, FieldLike
from sql.place import Opener, Place

USERS: list[dict[str, Any]] = [
    {"id": 1, "name": "Ann", "age": 31, "city": "Rome", "boss": None},
    {"id": 2, "name": "ann", "age": None, "city": "Oslo", "boss": 1},
    {"id": 3, "name": "Bob", "age": 25, "city": None, "boss": 1},
    {"id": 4, "name": "b_b", "age": 25, "city": "Rome", "boss": 2},
    {"id": 5, "name": "50%", "age": 70, "city": None, "boss": None},
    {"id": 6, "name": "a*[b]?\\", "age": None, "city": "Rome", "boss": 5},
]
ORDERS: list[dict[str, Any]] = [
    {"id": 10, "user_id": 1, "total": 5},
    {"id": 11, "user_id": 1, "total": 7},
    {"id": 12, "user_id": 3, "total": 100},
    {"id": 13, "user_id": None, "total": 1},
]


@pytest_asyncio.fixture
async def shop(open_db: Opener) -> DatabaseService:
    """Return a connected database with users and orders."""
    db = await open_db()
    await db.execute(
        "CREATE TABLE users (id INTEGER PRIMARY KEY, name VARCHAR(50) UNIQUE, age INTEGER, city VARCHAR(20),"
        " boss INTEGER)"
        if db.database_type != "mysql"
        else "CREATE TABLE users (id INTEGER PRIMARY KEY, name VARCHAR(50) COLLATE utf8mb4_bin UNIQUE, age INTEGER,"
        " city VARCHAR(20), boss INTEGER)"
    )
    await db.execute("CREATE TABLE orders (id INTEGER PRIMARY KEY, user_id INTEGER, total INTEGER NOT NULL)")
    assert await Q("users").execute_many(db, USERS) == len(USERS)
    assert await Q("orders").insert(ORDERS).execute(db) == len(ORDERS)
    return db


def ids(rows: list[dict[str, Any]]) -> list[Any]:
    return [row["id"] for row in rows]


users = Q("users").select("id").order_by("id")
spenders = Q("orders").select("user_id").where("total", ">", 6).where_not_null("user_id")

CHOSEN: list[tuple[str, Q, list[int]]] = [
    ("like minds case", users.where("name", "like", "a%"), [2, 6]),
    ("not like", users.where("name", "not like", "%b%"), [1, 2, 5]),
    ("like any character", users.where("name", "like", "_n_"), [1, 2]),
    ("like escaped", users.where("name", "like", "b\\_b"), [4]),
    ("like escaped percent", users.where("name", "like", "%\\%"), [5]),
    ("like backslash", users.where("name", "like", "%\\\\"), [6]),
    ("ilike", users.where("name", "ilike", "A%"), [1, 2, 6]),
    ("contains", users.where("name", "contains", "n"), [1, 2]),
    ("contains minds case", users.where("name", "contains", "A"), [1]),
    ("contains itself", users.where("name", "contains", "*[b]?\\"), [6]),
    ("contains percent", users.where("name", "contains", "%"), [5]),
    ("contains underscore", users.where("name", "contains", "_"), [4]),
    ("icontains", users.where("name", "icontains", "B"), [3, 4, 6]),
    ("starts with", users.where("name", "startswith", "b_"), [4]),
    ("starts with marks", users.where("name", "startswith", "a*["), [6]),
    ("ends with", users.where("name", "endswith", "b"), [3, 4]),
    ("ends with a backslash", users.where("name", "endswith", "?\\"), [6]),
    ("in", users.where_in("age", [25, 70]), [3, 4, 5]),
    ("in with None", users.where_in("age", [70, None]), [2, 5, 6]),
    ("not in", users.where_not_in("age", [25]), [1, 5]),
    ("not in with None", users.where_not_in("age", [25, None]), [1, 5]),
    ("in nothing", users.where_in("age", []), []),
    ("not in nothing", users.where_not_in("age", []), [1, 2, 3, 4, 5, 6]),
    ("between", users.where_between("age", 25, 31), [1, 3, 4]),
    ("not between", users.where_not_between("age", 25, 31), [5]),
    ("null", users.where("age", None), [2, 6]),
    ("left to right", users.where("age", 25).or_where("age", 70).where("city", None), [3, 5]),
    ("raw with or", users.where_raw("age = ? OR age = ?", 25, 70).where("id", "<", 5), [3, 4]),
    ("raw percent", users.where_raw("name LIKE '%b' AND id % 2 = 1"), [3]),
    ("raw percent and a value", users.where_raw("name LIKE '%b' AND id % ? = 1", 2), [3]),
    ("columns", users.where_column("id", ">", "boss").where_column("boss", "!=", "age"), [3, 4]),
    ("in subquery", users.where_in_subquery("id", spenders), [1, 3]),
    ("not in subquery", users.where_not_in_subquery("id", spenders), [2, 4, 5, 6]),
    ("exists", users.where_exists(Q("orders").where_column("orders.user_id", "=", "users.id")), [1, 3]),
    ("not exists", users.where_not_exists(Q("orders").where_column("orders.user_id", "=", "users.id")), [2, 4, 5, 6]),
    ("offset alone", users.offset(4), [5, 6]),
    ("limit and offset", users.limit(2).offset(1), [2, 3]),
    ("nothing", users.limit(0), []),
    ("locked", users.where("id", 1).for_update(), [1]),
    ("shared", users.where("id", 1).for_share(), [1]),
    ("null is greatest", Q("users").select("id").order_by("age").order_by("id"), [3, 4, 1, 5, 2, 6]),
    ("null first", Q("users").select("id").order_by("age", "DESC").order_by("id"), [2, 6, 5, 1, 3, 4]),
    ("nulls first", Q("users").select("id").order_by("age", nulls="first").order_by("id"), [2, 6, 3, 4, 1, 5]),
    ("nulls last", Q("users").select("id").order_by("age", True, nulls="last").order_by("id"), [5, 1, 3, 4, 2, 6]),
    ("order by raw", Q("users").select("id").order_by_raw("id % ?", 2).order_by("id"), [2, 4, 6, 1, 3, 5]),
    ("union", Q("users").select("id").where("id", 1).union(users.limit(2)).order_by("id", "DESC"), [2, 1]),
    (
        "intersection after union",
        Q("users").select("id").where("id", 1).union(Q("users").select("id").where("id", 2)).intersect(users.limit(1)),
        [1],
    ),
    (
        "difference of unions",
        Q("users").select("id").union_all(Q("users").select("id")).except_(users.limit(4)).order_by("id"),
        [5, 6],
    ),
    (
        "union with nulls in order",
        Q("users")
        .select("age AS id")
        .where("id", "<", 4)
        .union(Q("users").select("age").where("id", 5))
        .order_by("id"),
        [25, 31, 70, None],  # type: ignore[list-item]
    ),
    ("cte", Q("s").select("user_id AS id").with_cte("s", spenders).order_by("user_id"), [1, 3]),
    (
        "recursive cte",
        Q("chain")
        .with_recursive_cte(
            "chain",
            "SELECT id FROM users WHERE id = ? UNION ALL SELECT u.id FROM users u JOIN chain c ON u.boss = c.id",
            2,
            columns=["id"],
        )
        .order_by("id"),
        [2, 4],
    ),
]


@pytest.mark.parametrize(("query", "expected"), [case[1:] for case in CHOSEN], ids=[case[0] for case in CHOSEN])
async def test_a_query_chooses_the_same_rows_everywhere(shop: DatabaseService, query: Q, expected: list[int]) -> None:
    assert ids(await query.fetch(shop)) == expected
    assert [row["id"] async for row in query.stream(shop, batch_size=2)] == expected
    one = await query.fetch_one(shop)
    assert (None if one is None else one["id"]) == (expected[0] if expected else None)


COUNTED = [case for case in CHOSEN if not {"limit", "offset"} & {clause[0] for clause in case[1]._shape.clauses}]


@pytest.mark.parametrize(("query", "expected"), [case[1:] for case in COUNTED], ids=[case[0] for case in COUNTED])
async def test_a_count_is_the_number_of_rows(shop: DatabaseService, query: Q, expected: list[int]) -> None:
    assert await query.count(shop) == len(expected)
    assert await query.limit(1).offset(1).count(shop) == len(expected)


RESULTS: list[tuple[str, Q, list[dict[str, Any]]]] = [
    (
        "groups",
        Q("users")
        .select("age")
        .select_count()
        .select_count("city", "cities")
        .select_max("id")
        .group_by("age")
        .having("count", ">", 1)
        .order_by("age"),
        [
            {"age": 25, "count": 2, "cities": 1, "max": 4},
            {"age": None, "count": 2, "cities": 2, "max": 6},
        ],
    ),
    (
        "order by an aggregate",
        Q("orders").select("user_id").select_sum("total").group_by("user_id").order_by("sum", "DESC"),
        [{"user_id": 3, "sum": 100}, {"user_id": 1, "sum": 12}, {"user_id": None, "sum": 1}],
    ),
    (
        "order by a window and an alias",
        Q("orders")
        .select("id AS key1")
        .select_window("rank", order_by="total")
        .order_by("rank", True)
        .order_by("key1"),
        [{"key1": k, "rank": r} for k, r in ((12, 4), (11, 3), (10, 2), (13, 1))],
    ),
    ("mean", Q("orders").where("user_id", 1).select_avg("total").select_min("total"), [{"avg": 6, "min": 5}]),
    ("distinct", Q("users").select("city").distinct().order_by("city"), [{"city": c} for c in ("Oslo", "Rome", None)]),
    (
        "window",
        Q("orders")
        .select("id")
        .select_window("row_number", partition_by="user_id", order_by=("total", "DESC"), alias="place")
        .select_window("ntile", 2, order_by="id", alias="half")
        .order_by("id"),
        [
            {"id": 10, "place": 2, "half": 1},
            {"id": 11, "place": 1, "half": 1},
            {"id": 12, "place": 1, "half": 2},
            {"id": 13, "place": 1, "half": 2},
        ],
    ),
    (
        "left join",
        Q("users u")
        .select("u.name", "o.total")
        .left_join("orders o", "o.user_id = u.id AND o.id > u.id")
        .where("u.id", "<=", 2)
        .order_by("u.id")
        .order_by("o.id"),
        [{"name": "Ann", "total": 5}, {"name": "Ann", "total": 7}, {"name": "ann", "total": None}],
    ),
    (
        "right join",
        Q("users").select("name", "total").join("orders", "orders.user_id = users.id", "RIGHT").order_by("total"),
        [
            {"name": None, "total": 1},
            {"name": "Ann", "total": 5},
            {"name": "Ann", "total": 7},
            {"name": "Bob", "total": 100},
        ],
    ),
    (
        "join on raw",
        Q("users u").select("u.id").join("orders o", RawSQL("o.user_id = u.id AND o.total > ?", 50)),
        [{"id": 3}],
    ),
    ("cross join", Q("users").join("orders", join_type="CROSS").select_count(), [{"count": 24}]),
    ("raw column", Q("orders").select_raw("total + ? AS more", 1).where("id", 10), [{"more": 6}]),
]


@pytest.mark.parametrize(("query", "expected"), [case[1:] for case in RESULTS], ids=[case[0] for case in RESULTS])
async def test_a_query_returns_the_same_values_everywhere(
    shop: DatabaseService, query: Q, expected: list[dict[str, Any]]
) -> None:
    assert await query.fetch(shop) == expected


async def test_a_count_of_joined_tables_minds_no_name_twice(shop: DatabaseService) -> None:
    joined = Q("users").join("orders", "orders.user_id = users.id")
    assert await joined.count(shop) == 3
    assert await joined.select("users.id").distinct().count(shop) == 2
    assert await Q("users").select("age").group_by("age").count(shop) == 4


async def test_a_full_join_is_there_or_refused_by_name(shop: DatabaseService) -> None:
    query = Q("users").select("users.id", "total").join("orders", "orders.user_id = users.id", JoinType.FULL)
    if shop.database_type == "mysql":
        with pytest.raises(DataQueryError, match="MySQL has no FULL join"):
            await query.fetch(shop)
    else:
        assert len(await query.fetch(shop)) == 8


EXPRESSIONS: list[FilterExpression] = [
    FieldNeq("age", 25),
    ~FieldGt("age", 30),
    ~(FieldEq("city", "Rome") | FieldGt("age", 30)),
    FieldIn("age", (25, None)) & ~FieldIn("city", ("Rome",)),
    ~~FieldContains("name", "b"),
    ~FieldLte("age", 31) | FieldEq("age", None),
    FieldGt("age", None),
    ~FieldGt("age", None),
    FieldNeq("city", None) & FieldNeq("city", "Oslo"),
]


@pytest.mark.parametrize("expression", EXPRESSIONS, ids=str)
async def test_a_filter_expression_finds_what_its_python_predicate_finds(
    shop: DatabaseService, expression: FilterExpression
) -> None:
    predicate = PredicateCompiler().compile(expression)
    assert ids(await users.where(expression).fetch(shop)) == [row["id"] for row in USERS if predicate(row)]


# Writing


async def test_an_insert_that_meets_an_old_row_keeps_or_changes_it(shop: DatabaseService) -> None:
    new = {"id": 1, "name": "Zoe", "age": 99, "city": "Bern", "boss": None}
    touched = await Q("users").insert(new).on_conflict("id").do_nothing().execute(shop)
    assert touched == (1 if shop.database_type == "mysql" else 0)
    assert await Q("users").where("id", 1).fetch_one(shop) == USERS[0]
    await Q("users").insert(new).on_conflict("id").do_update("name", city="Paris").execute(shop)
    changed = await Q("users").where("id", 1).fetch_one(shop)
    assert changed == {**USERS[0], "name": "Zoe", "city": "Paris"}
    with pytest.raises(DuplicateKeyError):
        await Q("users").insert(new).execute(shop)


async def test_an_insert_that_keeps_old_rows_still_minds_other_rules(shop: DatabaseService) -> None:
    await shop.execute("CREATE TABLE strict_one (id INTEGER PRIMARY KEY, n INTEGER NOT NULL)")
    with pytest.raises(NotNullViolationError):
        await Q("strict_one").insert({"id": 1, "n": None}).on_conflict("id").do_nothing().execute(shop)


async def test_many_rows_keep_those_that_exist(shop: DatabaseService) -> None:
    rows = [{"id": number, "user_id": 1, "total": number} for number in range(10, 3000)]
    await Q("orders").on_conflict("id").do_nothing().execute_many(shop, rows)
    assert await Q("orders").count(shop) == 2990
    assert (await Q("orders").select("total").where("id", 11).fetch_value(shop)) == 7


async def test_more_rows_than_one_statement_takes_go_in_together_or_not_at_all(shop: DatabaseService) -> None:
    rows = [{"id": number, "user_id": None, "total": number} for number in range(100, 30_000)]
    assert await Q("orders").execute_many(shop, rows) == len(rows)
    with pytest.raises(DuplicateKeyError):
        await Q("orders").execute_many(shop, [{"id": 99, "user_id": 1, "total": 1}, rows[5]])
    assert await Q("orders").where("id", 99).count(shop) == 0


@pytest.mark.parametrize(
    "wrong",
    [
        [{"id": 1, "total": 1}, {"id": 2}],
        [{"id": 1, "total": RawSQL("1")}],
    ],
)
async def test_many_rows_are_of_one_kind(shop: DatabaseService, wrong: list[dict[str, Any]]) -> None:
    with pytest.raises(DataQueryError):
        await Q("orders").execute_many(shop, wrong)
    assert await Q("orders").execute_many(shop, []) == 0


async def test_an_update_and_a_delete_reach_what_they_name(shop: DatabaseService) -> None:
    assert await Q("orders").update({"total": RawSQL("total * ?", 2)}).where("user_id", 1).execute(shop) == 2
    assert await Q("orders").select_sum("total").execute_scalar(shop) == 125
    assert await Q("orders").delete().where("total", Operator.LT, 20).execute(shop) == 3
    assert await Q("orders").update({"total": 0}).all_rows().execute(shop) == 1
    assert await Q("orders").delete().all_rows().execute(shop) == 1
    assert await Q("orders").fetch(shop) == []


async def test_written_rows_are_returned_or_the_lack_is_told(shop: DatabaseService) -> None:
    query = Q("orders").update({"total": RawSQL("total + 1")}).where("id", 10).returning("id", "total AS now")
    if shop.database_type == "mysql":
        with pytest.raises(DataQueryError, match="MySQL has no RETURNING"):
            await query.fetch(shop)
        return
    assert await query.fetch_one(shop) == {"id": 10, "now": 6}
    assert await query.execute(shop) == 1
    assert await Q("orders").insert({"id": 1, "total": 2}).returning().fetch(shop) == [
        {"id": 1, "user_id": None, "total": 2}
    ]


async def test_connections_and_sessions_run_queries_too(shop: DatabaseService) -> None:
    add = Q("orders").insert({"id": 1, "total": 2})
    async with shop.session() as session:
        await add.execute(session)
        await Q("orders").execute_many(session, [{"id": 2, "total": 3}, {"id": 3, "total": 3}])
        assert await Q("orders").where("id", "<=", 3).count(session) == 3
        assert [row["id"] async for row in Q("orders").order_by("id").stream(session, 1)][:3] == [1, 2, 3]
        await session.rollback()
    assert await Q("orders").count(shop) == len(ORDERS)
    async with shop.transaction() as connection:
        await add.execute(connection)
        assert await Q("orders").where("id", 1).fetch_value(connection) == 1
        assert len([row async for row in Q("orders").stream(connection, 2)]) == len(ORDERS) + 1
    assert await Q("orders").count(shop) == len(ORDERS) + 1


async def test_locked_rows_are_skipped(shop: DatabaseService, place: Place) -> None:
    if place.kind == "sqlite":
        pytest.skip("SQLite locks the file, not rows")
    free = Q("users").select("id").order_by("id", nulls="database").for_update(skip_locked=True)
    async with shop.transaction() as first:
        assert (await free.fetch_one(first)) == {"id": 1}

        async def second() -> dict[str, Any] | None:
            async with shop.transaction() as other:
                return await free.fetch_one(other)

        assert await asyncio.create_task(second()) == {"id": 2}


async def test_a_select_of_sqlalchemy_runs_here_too(shop: DatabaseService) -> None:
    table = sa.table("users", sa.column("id", sa.Integer), sa.column("name", sa.String))
    query = SqlQueryBuilder(sa.select(table.c.id).where(table.c.id.in_([1, 3, 5]), table.c.name != "Bob"))
    assert ids(await query.order_by(table.c.id).limit(5).fetch(shop)) == [1, 5]
    assert await query.count(shop) == 2
    assert [row["id"] async for row in query.order_by(table.c.id.desc()).stream(shop, 1)] == [5, 1]
    like = SqlQueryBuilder(sa.select(table.c.id).where(sa.text("name LIKE '50%'")))
    assert ids(await like.fetch(shop)) == [5]


@pytest.mark.parametrize(
    "order",
    ["id", ["age", "id"], [("age", "DESC"), ("id", "DESC")], [F("city").asc(), F("age").desc(), F("id").desc()]],
)
async def test_pages_by_cursor_follow_the_order_of_the_whole(shop: DatabaseService, order: Any) -> None:
    paginator = CursorPaginator(order)
    page = await paginator.fetch(shop, Q("users"), size=100)
    whole = ids(page.items)
    assert len(whole) == len(USERS)
    for size in (1, 2, 4):
        cursor, found = None, list[int]()
        while True:
            page = await paginator.fetch(shop, Q("users"), cursor, size)
            found += ids(page.items)
            cursor = page.next_cursor
            if cursor is None:
                break
        assert found == whole
        assert page.prev_cursor is not None
        before = await paginator.fetch(shop, Q("users"), page.prev_cursor, size)
        assert ids(before.items) == whole[: -len(page.items)][-size:]


async def test_pages_by_number_are_counted(shop: DatabaseService) -> None:
    page = await OffsetPaginator().fetch(shop, Q("users").order_by("id"), 2, 4)
    assert (ids(page.items), page.total, page.pages) == ([5, 6], 6, 2)


CONDITIONS: list[Any] = [
    F("age") != 25,
    ~(F("age") == 25),
    ~F("age").between(20, 40) & F("city").is_not_null(),
    F("name").ilike("a%") | F("age").in_([None, 70]),
    ~F("name").contains("b"),
    F("name").starts_with("b_") | F("name").ends_with("\\"),
    ~(FieldEquals("city", "Rome") & FieldLike("name", "%n%")),
    FieldBetween("age", 25, 31) | specification.FieldIn("city", ("Oslo",)),
]


@pytest.mark.parametrize("condition", CONDITIONS, ids=range(len(CONDITIONS)))
async def test_filters_and_specifications_choose_what_they_choose_in_memory(
    shop: DatabaseService, condition: Any
) -> None:
    found = ids(await users.where(condition).fetch(shop))
    assert found == [row["id"] for row in USERS if condition.is_satisfied_by(row)]
    assert 0 < len(found) < len(USERS)


HOSTILE = [
    "'",
    "''",
    "\\",
    "\\'",
    "a\\",
    '"',
    "`",
    "%",
    "%%s",
    "%s",
    "$1",
    "?",
    ":x",
    "--",
    "#",
    "/*",
    ";",
    "\n",
    "\r\t\x1a",
    "☃é\U0001f600",
    "' OR '1'='1",
    "\\' OR 1=1 -- ",
    "%' OR 1=1 #",
    "$$; DROP TABLE users; $$",
    "is null",
]


async def test_hostile_values_come_back_unharmed_by_every_way(shop: DatabaseService) -> None:
    columns = "id INTEGER PRIMARY KEY, v VARCHAR(60)"
    await shop.execute(f"CREATE TABLE hostile ({columns}{' COLLATE utf8mb4_bin' * (shop.database_type == 'mysql')})")
    rows = [{"id": index, "v": value} for index, value in enumerate(HOSTILE)]
    await Q("hostile").insert(rows[:10]).execute(shop)
    await Q("hostile").execute_many(shop, rows[10:20])
    for row in rows[20:]:
        await shop.execute_insert("hostile", row)
    assert await Q("hostile").order_by("id").fetch(shop) == rows
    for row in rows:
        value = row["v"]
        assert ids(await Q("hostile").where({"v": value}).fetch(shop)) == [row["id"]]
        for operator in ("contains", "startswith", "endswith"):
            found = await Q("hostile").where("v", operator, value).order_by("id").fetch(shop)
            test = {"contains": str.__contains__, "startswith": str.startswith, "endswith": str.endswith}[operator]
            assert found == [other for other in rows if test(other["v"], value)], (operator, value)
        await Q("hostile").update({"v": value + "x"}).where("v", "=", value).execute(shop)
        assert (await shop.execute_update("hostile", {"v": value}, {"v": value + "x"})).affected_rows == 1
        assert await Q("hostile").select_raw("? AS v", value).where("id", 0).fetch_value(shop) == value
    for row in rows:
        assert (await shop.execute_delete("hostile", {"v": row["v"]})).affected_rows == 1
    assert await Q("hostile").count(shop) == 0


async def test_text_is_never_sql(shop: DatabaseService) -> None:
    hostile = "'; DROP TABLE users; -- \" ` \\ % %s $1 ? :x /* "
    await Q("users").insert({"id": 7, "name": hostile}).execute(shop)
    for operator in ("=", "like", "contains", "startswith", "endswith", "ilike", "icontains"):
        value = hostile.replace("\\", "\\\\").replace("%", "\\%") if operator in {"like", "ilike"} else hostile
        found = await Q("users").select("id", "name").where("name", operator, value).fetch(shop)
        assert found == [{"id": 7, "name": hostile}], operator
    assert await Q("users").count(shop) == 7

"""Repositories read: conditions of every kind, orders, pages, sums and streams."""

from __future__ import annotations

import enum
from collections.abc import AsyncIterator
from contextlib import aclosing
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from lexigram.contracts.data.repository import RepositoryProtocol
from lexigram.contracts.data.types import FieldContains, FieldEq, FieldGt, FieldIn, FieldNeq
from lexigram.sql.config import DatabaseConfig
from lexigram.sql.exceptions import CursorError, DataQueryError, MappingError, PaginationError, ProtocolValidationError
from lexigram.sql.providers import DatabaseService
from lexigram.sql.repositories import F, GenericRepository
from lexigram.sql.specification import FieldEquals, FieldLike


class Status(enum.Enum):
    ACTIVE = "active"
    GONE = "gone"


@dataclass
class User:
    id: int
    name: str
    status: Status = Status.ACTIVE
    age: int | None = None
    credit: Decimal = Decimal(0)
    joined: date | None = None
    flag: str = "on"


ROWS = [
    User(1, "Ada", Status.ACTIVE, 36, Decimal("10.50"), date(2024, 1, 1)),
    User(2, "Bob", Status.GONE, 20, Decimal("2.25"), date(2024, 2, 1), "true"),
    User(3, "Cyd", Status.ACTIVE, None, Decimal(0), None, "2024-01-01"),
    User(4, "Dan", Status.ACTIVE, 36, Decimal("7.75"), date(2025, 1, 1)),
    User(5, "ada%", Status.GONE, 50, Decimal(1), None),
]


@pytest.fixture
async def users() -> AsyncIterator[GenericRepository[User, int]]:
    async with DatabaseService() as db:
        await db.execute(
            "CREATE TABLE users (id INTEGER PRIMARY KEY, name TEXT, status TEXT, age INTEGER, credit DECIMAL(10, 2),"
            " joined DATE, flag TEXT)"
        )
        repository = GenericRepository[User, int](db, "users", User)
        await repository.bulk_create(ROWS)
        yield repository


Users = GenericRepository[User, int]


async def ids(users: Users, *exprs: Any, **keywords: Any) -> list[int]:
    return [user.id for user in await users.find_many(*exprs, **{"sort_by": "id", **keywords})]


async def test_it_is_a_repository_of_the_contracts(users: Users) -> None:
    assert isinstance(users, RepositoryProtocol)
    with pytest.raises(ProtocolValidationError, match="DatabaseService"):
        GenericRepository(object(), "users", User)


async def test_an_object_is_found_by_its_key(users: Users) -> None:
    assert await users.find_by_id(1) == await users.get(1) == ROWS[0]
    assert await users.get(99) is None


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        ({}, [1, 2, 3, 4, 5]),
        ({"status": Status.ACTIVE}, [1, 3, 4]),
        ({"age": None}, [3]),
        ({"age__gt": 36}, [5]),
        ({"age__gte": 36}, [1, 4, 5]),
        ({"age__lt": 36}, [2]),
        ({"age__lte": 36}, [1, 2, 4]),
        ({"age__ne": 36}, [2, 5]),
        ({"age__in": [20, 50]}, [2, 5]),
        ({"age__in": []}, []),
        ({"age__in": [20, None]}, [2, 3]),
        ({"age__isnull": True}, [3]),
        ({"age__isnull": False}, [1, 2, 4, 5]),
        ({"age__between": (20, 36)}, [1, 2, 4]),
        ({"name__contains": "da"}, [1, 5]),
        ({"name__contains": "%"}, [5]),
        ({"name__icontains": "AD"}, [1, 5]),
        ({"name__startswith": "A"}, [1]),
        ({"name__endswith": "n"}, [4]),
        ({"credit__gt": Decimal("7.5")}, [1, 4]),
        ({"joined": date(2024, 1, 1)}, [1]),
        ({"joined__gte": date(2024, 2, 1)}, [2, 4]),
        ({"flag": "on"}, [1, 4, 5]),
        ({"flag": "true"}, [2]),
        ({"flag": "2024-01-01"}, [3]),
        ({"age__gte": 30, "status": Status.GONE}, [5]),
        ({"search": "BO", "search_fields": ["name", "flag"]}, [2]),
        ({"search": "TRU", "search_fields": ["name", "flag"]}, [2]),
        ({"search": "", "search_fields": ["name"]}, [1, 2, 3, 4, 5]),
    ],
)
async def test_keywords_say_what_is_wanted(users: Users, filters: dict[str, Any], expected: list[int]) -> None:
    assert await ids(users, **filters) == expected
    assert await users.count(**filters) == len(expected)


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        (F("age") > 36, [5]),
        ((F("age") == 36) & ~(F("name") == "Ada"), [4]),
        (F("age").is_null() | (F("status") == Status.GONE), [2, 3, 5]),
        (FieldEq("status", Status.ACTIVE) & FieldGt("age", 1), [1, 4]),
        (FieldNeq("age", 36), [2, 3, 5]),
        (FieldIn("id", (1, 2)), [1, 2]),
        (~FieldContains("name", "d"), [2, 4]),
        ({"age__gte": 36, "status": Status.ACTIVE}, [1, 4]),
        ([F("age") == 36, {"name": "Dan"}], [4]),
        (None, [1, 2, 3, 4, 5]),
    ],
)
async def test_expressions_say_what_is_wanted(users: Users, expression: Any, expected: list[int]) -> None:
    assert await ids(users, expression) == expected
    assert [user.id for user in await users.find(expression, order_by=[F("id").desc()])] == expected[::-1]
    assert await users.count_by_spec(expression) == len(await users.find_by_spec(expression)) == len(expected)


@pytest.mark.parametrize(
    ("exprs", "keywords", "message"),
    [
        ((), {"nmae": 1}, "did you mean 'name'"),
        ((), {"age__gtr": 1}, "did you mean 'gt"),
        ((F("agee") > 1,), {}, "did you mean 'age'"),
        ((FieldEq("stats", 1) | FieldEq("id", 1),), {}, "did you mean 'status'"),
        (({"stats": 1},), {}, "did you mean 'status'"),
        ((5,), {}, "int is no condition"),
        ((), {"age__isnull": "yes"}, "True or False"),
        ((), {"age__gt": None}, "None"),
        ((), {"age__in": 5}, "collection"),
        ((), {"search": "x"}, "needs fields"),
    ],
)
async def test_a_condition_that_means_nothing_is_refused(
    users: Users, exprs: Any, keywords: dict[str, Any], message: str
) -> None:
    with pytest.raises(DataQueryError, match=message):
        await users.find_many(*exprs, **keywords)
    with pytest.raises(DataQueryError, match=message):
        await users.count(*exprs, **keywords)


async def test_rows_come_in_the_order_that_is_asked_for(users: Users) -> None:
    assert await ids(users, sort_by="age", sort_order="desc") == [3, 5, 1, 4, 2]
    assert await ids(users, sort_by=["age", F("id").desc()]) == [2, 4, 1, 5, 3]
    assert await ids(users, sort_by="name", limit=2, offset=1, allowed_sort_fields=["name"]) == [2, 3]
    with pytest.raises(DataQueryError, match="no field to order by"):
        await ids(users, sort_by="age", allowed_sort_fields=["name"])
    with pytest.raises(DataQueryError, match="no order"):
        await ids(users, sort_by="age", sort_order="up")
    with pytest.raises(DataQueryError, match="limit is a number"):
        await ids(users, limit=-1)


async def test_columns_can_be_chosen_where_the_others_have_defaults(users: Users) -> None:
    assert (await users.find_many(columns=["name"], id=1)) == [User(1, "Ada")]
    with pytest.raises(MappingError, match="without name"):
        await users.find_many(columns=["age"])


async def test_one_or_none_is_found(users: Users) -> None:
    assert await users.find_one(age=36, sort_by="name", sort_order="desc") == ROWS[3]
    assert await users.find_one(age=1) is None
    assert await users.exists(age=36)
    assert not await users.exists(F("age") > 99)
    assert [user.id for user in await users.list(skip=1, limit=2, status=Status.ACTIVE)] == [3, 4]


async def test_objects_are_summed_up(users: Users) -> None:
    assert await users.aggregate(count=True, sum="age", min="age", max=["age", "id"]) == {
        "count": 5,
        "sum_age": 142,
        "min_age": 20,
        "max_age": 50,
        "max_id": 5,
    }
    groups = await users.aggregate(count="age", avg="age", group_by="status", age__isnull=False)
    assert groups == [
        {"status": "active", "avg_age": 36, "count_age": 2},
        {"status": "gone", "avg_age": 35, "count_age": 2},
    ]
    with pytest.raises(DataQueryError, match="nothing to sum up"):
        await users.aggregate(group_by="status")
    with pytest.raises(DataQueryError, match="did you mean 'age'"):
        await users.aggregate(sum="agee")


async def test_a_page_by_number_tells_how_many_there_are(users: Users) -> None:
    page = await users.paginate(page=2, per_page=2, sort_by="age", age__isnull=False)
    assert [user.id for user in page.pop("data")] == [4, 5]
    assert page == {"total": 4, "page": 2, "per_page": 2, "total_pages": 2}
    assert (await users.paginate(page=9))["data"] == []
    with pytest.raises(PaginationError):
        await users.paginate(page=0)


@pytest.mark.parametrize("order", ["asc", "desc"])
@pytest.mark.parametrize("sort_by", ["id", "age", "name", "credit", "joined", None])
@pytest.mark.parametrize("limit", [1, 2, 5])
async def test_pages_by_cursor_show_every_row_once_in_both_directions(
    users: Users, sort_by: str | None, order: str, limit: int
) -> None:
    key = [F(sort_by or "id").asc(), F("id").asc()] if order == "asc" else [F(sort_by or "id").desc(), F("id").desc()]
    expected = [user.id for user in await users.find_many(sort_by=key)]
    seen: list[int] = []
    cursor, pages = None, []
    while True:
        page = await users.paginate_cursor(cursor=cursor, limit=limit, sort_by=sort_by, sort_order=order)
        pages.append(page)
        seen += [user.id for user in page.items]
        assert page.has_more is (page.next_cursor is not None) is (len(seen) < len(expected))
        assert page.has_previous is (len(pages) > 1)
        if page.next_cursor is None:
            break
        cursor = page.next_cursor
    assert seen == expected
    for earlier in pages[-2::-1]:
        page = await users.paginate_cursor(
            cursor=page.prev_cursor, limit=limit, sort_by=sort_by, sort_order=order, include_total=True
        )
        assert (page.items, page.has_more, page.total_count) == (earlier.items, True, 5)
        assert page.has_previous is earlier.has_previous


async def test_a_cursor_of_another_query_or_a_changed_one_is_refused(users: Users) -> None:
    cursor = (await users.paginate_cursor(limit=1, sort_by="age", flag="on")).next_cursor
    assert cursor is not None
    for other in ({"sort_by": "name", "flag": "on"}, {"sort_by": "age"}, {"sort_by": "age", "flag": "off"}):
        with pytest.raises(CursorError, match="another query"):
            await users.paginate_cursor(cursor=cursor, **other)  # type: ignore[arg-type]
    for bad in ("", "x", "äöü", cursor[:-4], "A" + cursor[1:], cursor[:-1] + ("A" if cursor[-1] != "A" else "Q")):
        with pytest.raises(CursorError):
            await users.paginate_cursor(cursor=bad, limit=1, sort_by="age", flag="on")
    users.cursor_key = b"secret"
    with pytest.raises(CursorError, match="another query"):
        await users.paginate_cursor(cursor=cursor, sort_by="age", flag="on")


async def test_a_stream_can_be_left_early(users: Users) -> None:
    assert [user.id async for user in users.stream(batch_size=2, sort_by="id", age=36)] == [1, 4]
    async with aclosing(users.stream(batch_size=1, sort_by="id")) as stream:
        assert (await anext(stream)).id == 1
    assert (await users.provider.get_pool_stats())["active_connections"] == 0  # type: ignore[attr-defined]


async def test_specifications_of_sql_say_what_is_wanted(users: Users) -> None:
    spec = FieldEquals("age", 36) & ~FieldLike("name", "A%")
    assert [user.id for user in await users.find_by_spec(spec)] == [4]
    assert await users.count_by_spec(spec) == 1
    with pytest.raises(DataQueryError, match="did you mean 'age'"):
        await users.find_by_spec(FieldEquals("agee", 36))


async def test_how_long_pages_are_is_a_setting() -> None:
    """What holds where nobody asks, and the most that may be asked for."""
    data = {"default_page_size": 2, "default_cursor_size": 3, "max_page_size": 4}
    async with DatabaseService(DatabaseConfig.model_validate({"url": "sqlite:///:memory:", "data": data})) as db:
        await db.execute("CREATE TABLE users (id INTEGER PRIMARY KEY, name TEXT)")
        names = GenericRepository[Named, int](db, "users", Named)
        await names.bulk_create([Named(name=str(number)) for number in range(9)])
        assert len((await names.paginate())["data"]) == 2
        assert len((await names.paginate_cursor()).items) == 3
        assert len((await names.paginate(per_page=4))["data"]) == 4
        with pytest.raises(PaginationError, match="longer than 4"):
            await names.paginate(per_page=5)
        with pytest.raises(PaginationError, match="longer than 4"):
            await names.paginate_cursor(limit=5)


@dataclass
class Named:
    id: int | None = None
    name: str = ""

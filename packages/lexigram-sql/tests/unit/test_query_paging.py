"""Cursors and pages, and queries of SQLAlchemy, on SQLite in memory."""

from __future__ import annotations

import base64
from collections.abc import AsyncIterator
from datetime import UTC, date, datetime, time
from decimal import Decimal
from enum import Enum
from typing import Any
from uuid import UUID

import pytest
import sqlalchemy as sa
from lexigram.contracts.data.protocols import CursorCodecProtocol
from lexigram.sql.exceptions import CursorError, DataQueryError, PaginationError
from lexigram.sql.providers import DatabaseService
from lexigram.sql.query import AsyncQueryBuilder as Q
from lexigram.sql.query import CursorCodec, CursorPaginator, OffsetPaginator, SqlQueryBuilder
from lexigram.sql.repositories.fields import F
from pydantic import SecretStr


class Colour(Enum):
    RED = "red"


POSITION: dict[str, Any] = {
    "none": None,
    "yes": True,
    "int": 2**70,
    "float": 0.1,
    "text": "é ☃ \" \\ '",
    "bytes": b"\0\xff",
    "decimal": Decimal("1.10"),
    "uuid": UUID(int=7),
    "datetime": datetime(2026, 1, 2, 3, 4, 5, 6, tzinfo=UTC),
    "date": date(2026, 1, 2),
    "time": time(3, 4, 5),
}


@pytest.mark.parametrize("codec", [CursorCodec(), CursorCodec("s"), CursorCodec(b"s"), CursorCodec(SecretStr("s"))])
def test_a_position_comes_back_from_its_cursor(codec: CursorCodec) -> None:
    cursor = codec.encode(POSITION)
    found = codec.decode(cursor)
    assert found == POSITION
    assert {name: type(value) for name, value in found.items()} == {n: type(v) for n, v in POSITION.items()}
    assert cursor.replace("-", "").replace("_", "").isalnum()
    assert isinstance(codec, CursorCodecProtocol)


def test_an_enum_is_its_value() -> None:
    assert CursorCodec().decode(CursorCodec().encode({"a": Colour.RED})) == {"a": "red"}


@pytest.mark.parametrize("value", [object(), [1], {"a": 1}, {1}])
def test_a_cursor_holds_plain_values_only(value: Any) -> None:
    with pytest.raises(CursorError, match="cannot hold 'a'"):
        CursorCodec().encode({"a": value})


def test_a_cursor_that_was_altered_anywhere_is_refused() -> None:
    codec = CursorCodec("secret")
    cursor = codec.encode({"id": 5, "name": "Ann"})
    for index, character in enumerate(cursor):
        for other in "A_z":
            if other != character:
                with pytest.raises(CursorError):
                    codec.decode(cursor[:index] + other + cursor[index + 1 :])
    for cut in range(len(cursor)):
        with pytest.raises(CursorError):
            codec.decode(cursor[:cut])


@pytest.mark.parametrize("cursor", ["", "=", "é", "a b", "AAAA", "{}", "x" * 9000, None, 5, b"AAAA"])
def test_what_is_no_cursor_is_refused(cursor: Any) -> None:
    with pytest.raises(CursorError):
        CursorCodec().decode(cursor)


def test_a_cursor_signed_with_another_secret_is_refused() -> None:
    cursor = CursorCodec("one").encode({"id": 1})
    for codec in (CursorCodec("two"), CursorCodec()):
        with pytest.raises(CursorError):
            codec.decode(cursor)
    body = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))[16:]
    assert body == b'{"id":1}'


NUMBERS: list[int | None] = [3, None, 1, 2, None, 2, 3, 1, None, 2]


@pytest.fixture
async def db() -> AsyncIterator[DatabaseService]:
    async with DatabaseService(":memory:") as database:
        await database.execute("CREATE TABLE t (id INTEGER PRIMARY KEY, n INTEGER, name TEXT)")
        rows = [{"id": index, "n": n, "name": f"x{index}"} for index, n in enumerate(NUMBERS)]
        await Q("t").execute_many(database, rows)
        yield database


ORDERS: list[tuple[Any, list[int]]] = [
    ("id", [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]),
    (("id", "DESC"), [9, 8, 7, 6, 5, 4, 3, 2, 1, 0]),
    (["n", "id"], [2, 7, 3, 5, 9, 0, 6, 1, 4, 8]),
    ([F("n").desc(), F("id").asc()], [1, 4, 8, 0, 6, 3, 5, 9, 2, 7]),
    ([("n", "ASC", "first"), ("id", "DESC")], [8, 4, 1, 7, 2, 9, 5, 3, 6, 0]),
    ([("n", "DESC", "last"), ("id", "DESC", "database")], [6, 0, 9, 5, 3, 7, 2, 8, 4, 1]),
]


@pytest.mark.parametrize(("order", "expected"), ORDERS, ids=[str(index) for index in range(len(ORDERS))])
@pytest.mark.parametrize("size", [1, 3, 10, 11])
async def test_pages_by_cursor_go_forth_and_back_without_gap_or_double(
    db: DatabaseService, order: Any, expected: list[int], size: int
) -> None:
    paginator = CursorPaginator(order, codec=CursorCodec("secret"))
    cursor: str | None = None
    forth: list[list[int]] = []
    back: list[list[int]] = []
    while True:
        page = await paginator.fetch(db, Q("t"), cursor, size, count=True)
        forth.append([row["id"] for row in page.items])
        assert page.total_count == len(expected)
        assert page.has_more is (page.next_cursor is not None)
        assert page.has_previous is (page.prev_cursor is not None) is (len(forth) > 1)
        if page.next_cursor is None:
            break
        cursor = page.next_cursor
    while page.prev_cursor is not None:
        page = await paginator.fetch(db, Q("t"), page.prev_cursor, size)
        back.insert(0, [row["id"] for row in page.items])
        assert page.has_more
    assert [key for keys in forth for key in keys] == expected
    assert back == forth[:-1]


async def test_rows_that_come_and_go_shift_no_page(db: DatabaseService) -> None:
    paginator = CursorPaginator(["n", "id"])
    first = await paginator.fetch(db, Q("t"), size=4)
    await Q("t").delete().where_in("id", [2, 7]).execute(db)
    await Q("t").insert({"id": 20, "n": 0}).execute(db)
    second = await paginator.fetch(db, Q("t"), first.next_cursor, 4)
    assert [row["id"] for row in second.items] == [9, 0, 6, 1]


async def test_pages_of_groups_and_unions_stand_around_them(db: DatabaseService) -> None:
    groups = Q("t").select("n").select_count("*", "many").group_by("n")
    paginator = CursorPaginator([("many", "DESC"), "n"])
    first = await paginator.fetch(db, groups, size=2)
    second = await paginator.fetch(db, groups, first.next_cursor, 2)
    assert [row["n"] for row in (*first.items, *second.items)] == [2, None, 1, 3]
    both = Q("t").select("id").where("id", "<", 2).union(Q("t").select("id").where("id", ">", 7))
    page = await CursorPaginator("id").fetch(
        db, both, (await CursorPaginator("id").fetch(db, both, size=1)).next_cursor
    )
    assert [row["id"] for row in page.items] == [1, 8, 9]


async def test_a_cursor_belongs_to_its_order(db: DatabaseService) -> None:
    page = await CursorPaginator("id").fetch(db, Q("t"), size=1)
    for other in (CursorPaginator("name"), CursorPaginator(("id", "DESC")), CursorPaginator(["id", "n"])):
        with pytest.raises(CursorError, match="another order"):
            await other.fetch(db, Q("t"), page.next_cursor)
    with pytest.raises(CursorError):
        await CursorPaginator("id").fetch(db, Q("t"), CursorCodec().encode({"id": 1}))


@pytest.mark.parametrize("query", [Q("t").order_by("id"), Q("t").limit(1), Q("t").offset(1), Q("t").for_update()])
async def test_the_order_of_pages_is_the_paginators(db: DatabaseService, query: Q) -> None:
    with pytest.raises(PaginationError, match="paginator's"):
        await CursorPaginator("id").fetch(db, query)


async def test_what_orders_the_pages_is_returned_by_the_query(db: DatabaseService) -> None:
    with pytest.raises(PaginationError, match="does not return 'id'"):
        await CursorPaginator("id").fetch(db, Q("t").select("name"), size=2)
    with pytest.raises(PaginationError, match="need an order"):
        CursorPaginator([])


async def test_pages_by_number_count_and_skip(db: DatabaseService) -> None:
    paginator = OffsetPaginator(max_size=5)
    query = Q("t").where_not_null("n").order_by("n").order_by("id")
    page = await paginator.fetch(db, query, 2, 3)
    assert ([row["id"] for row in page.items], page.total, page.pages) == ([5, 9, 0], 7, 3)
    assert (page.has_next, page.has_prev) == (True, True)
    assert (await paginator.fetch(db, query, 4, 3)).items == []
    cut = paginator.paginate("abcdefg", 3, 3)
    assert (cut.items, cut.total, cut.has_next) == (["g"], 7, False)


@pytest.mark.parametrize(("page", "size"), [(0, 1), (1, 0), (-1, 1), (1, 6), ("1", 1), (True, 1), (1, 1.5)])
async def test_pages_are_counted_from_one_and_are_not_too_large(db: DatabaseService, page: Any, size: Any) -> None:
    paginator = OffsetPaginator(max_size=5)
    with pytest.raises(PaginationError) as caught:
        paginator.paginate("abc", page, size)
    assert caught.value.hint
    with pytest.raises(PaginationError):
        await paginator.fetch(db, Q("t"), page, size)


TABLE = sa.table("t", sa.column("id", sa.Integer), sa.column("n", sa.Integer), sa.column("name", sa.String))


async def test_a_select_of_sqlalchemy_runs_on_our_connections(db: DatabaseService) -> None:
    base = SqlQueryBuilder(sa.select(TABLE.c.id).where(TABLE.c.n.in_([1, 2])))
    query = base.where(TABLE.c.name != "x2").order_by(TABLE.c.id).limit(2).offset(1)
    assert await query.fetch(db) == [{"id": 5}, {"id": 7}]
    assert await query.fetch_one(db) == {"id": 5}
    assert await query.fetch_value(db) == 5
    assert [row["id"] async for row in query.stream(db, 1)] == [5, 7]
    assert await query.count(db) == 4
    assert await base.where(TABLE.c.id > 99).fetch_one(db) is None


def test_a_select_of_sqlalchemy_is_written_in_each_dialect() -> None:
    query = SqlQueryBuilder(sa.select(TABLE.c.id).where(TABLE.c.n.in_([1, 2]), TABLE.c.name == "a"))
    sql, params = query.build()
    assert sql.split("WHERE ")[1] == "t.n IN ($2::INTEGER, $3::INTEGER) AND t.name = $1::VARCHAR"
    assert params == ("a", 1, 2)
    assert query.build("sqlite").sql.split("WHERE ")[1] == "t.n IN (?, ?) AND t.name = ?"
    assert query.build("mysql").sql.split("WHERE ")[1] == "t.n IN (%s, %s) AND t.name = %s"
    assert query.build("mysql").params == (1, 2, "a")
    percent = SqlQueryBuilder(sa.select(TABLE.c.id).where(sa.text("name LIKE '5%'")))
    assert percent.build("mysql").sql.endswith("'5%'")


def test_only_selects_are_queries_of_sqlalchemy() -> None:
    with pytest.raises(DataQueryError, match="no select"):
        SqlQueryBuilder(sa.delete(TABLE))  # type: ignore[arg-type]
    both = SqlQueryBuilder(sa.union(sa.select(TABLE.c.id), sa.select(TABLE.c.n)))
    assert both.limit(1).build().params == (1,)
    with pytest.raises(DataQueryError, match="a union has no condition"):
        both.where(TABLE.c.id > 1)

"""Repositories do the same on every database: types, keys, pages, many rows at once, callers at the same time."""

from __future__ import annotations

import asyncio
import enum
import uuid
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest
import pytest_asyncio
from lexigram.sql.exceptions import DuplicateKeyError, OptimisticLockError, TenantScopingError
from lexigram.sql.providers import DatabaseService
from lexigram.sql.repositories import F, GenericRepository, RowLevelSecurityPolicy, ScopeColumn
from pydantic import AwareDatetime
from sql.place import Opener, Place


class Colour(enum.Enum):
    """A choice."""

    RED = "r"
    BLUE = "b"


@dataclass
class Thing:
    """One field of each kind."""

    id: int | None = None
    name: str = ""
    price: Decimal | None = None
    token: uuid.UUID | None = None
    seen: AwareDatetime | None = None
    made: date | None = None
    data: bytes | None = None
    colour: Colour | None = None
    active: bool | None = None
    extra: dict[str, Any] | None = None
    tags: list[str] = field(default_factory=list)
    version: int | None = None
    tenant: str | None = None


Things = GenericRepository[Thing, int]
SEEN = datetime(2026, 3, 1, 12, 30, 15, 123456, tzinfo=UTC)


@pytest_asyncio.fixture
async def things(open_db: Opener, place: Place) -> Things:
    """Return a repository on an empty table."""
    db: DatabaseService = await open_db()
    stamp = place["TIMESTAMP | TIMESTAMPTZ | DATETIME(6)"]
    await db.execute(
        f"CREATE TABLE thing (id {place.key}, name VARCHAR(50) NOT NULL UNIQUE, price DECIMAL(10, 2),"
        f" token {place['UUID | UUID | CHAR(36)']}, seen {stamp}, made DATE, data {place['BLOB | BYTEA | BLOB']},"
        f" colour VARCHAR(10), active BOOLEAN, extra {place['JSON | JSONB | JSON']},"
        f" tags {place['JSON | JSONB | JSON']}, version INTEGER, tenant VARCHAR(20), deleted_at {stamp})"
    )
    return GenericRepository[Thing, int](db, "thing", Thing, soft_delete_enabled=True)


def full(name: str) -> Thing:
    """A thing with every field set."""
    return Thing(
        name=name,
        price=Decimal("12.50"),
        token=uuid.UUID(int=5),
        seen=SEEN,
        made=date(2026, 1, 2),
        data=b"\x00\xff",
        colour=Colour.BLUE,
        active=True,
        extra={"a": [1, {"b": None}]},
        tags=["x", "ü"],
    )


async def test_values_come_back_as_they_went_in(things: Things) -> None:
    """Of every type, and NULL in its place; and they can be looked for."""
    whole, empty = await things.create(full("full")), await things.create(Thing(name="empty"))
    assert (whole.id, empty.id, whole.version) == (1, 2, 1)
    assert await things.get(1) == whole
    assert await things.get(2) == empty
    for name in ("price", "token", "seen", "made", "data", "colour", "active"):
        assert await things.find_many(**{name: getattr(whole, name)}) == [whole], name
        assert await things.find_many(**{name: None}) == [empty], name
    assert await things.find_many((F("price") > Decimal("12.4")) & (F("seen") <= SEEN)) == [whole]
    assert [one async for one in things.stream(batch_size=1, sort_by="id")] == [whole, empty]


async def test_a_changed_row_is_noticed(things: Things) -> None:
    """By its version."""
    mine = await things.create(full("a"))
    theirs = await things.get(1)
    assert theirs is not None
    await things.update(theirs)
    with pytest.raises(OptimisticLockError):
        await things.update(mine)
    assert await things.delete(1)
    assert await things.restore(1)
    assert await things.get(1) == theirs


async def test_many_objects_are_written_at_once(things: Things) -> None:
    """With the keys that the database makes, versions counted, all or none."""
    made = await things.bulk_create(full(f"n{n:04}") for n in range(700))
    assert {one.id: one.name for one in made} == {one.id: one.name for one in await things.find_many()}
    assert await things.get(made[699].id or 0) == made[699]
    for one in made:
        one.price = Decimal(one.id or 0)
        one.extra = {"id": one.id}
        one.colour = None
    assert await things.bulk_update(made) == 700
    assert await things.find_many(sort_by="id") == made
    await things.bulk_create(Thing(5000 + n, f"k{n}") for n in range(300))
    made[3].version = 1
    made[0].price = Decimal(-1)
    with pytest.raises(OptimisticLockError):
        await things.bulk_update(made)
    assert await things.count(price=-1) == 0
    with pytest.raises(DuplicateKeyError):
        await things.bulk_create([Thing(name="new"), Thing(name="k1")])
    assert not await things.exists(name="new")
    assert await things.delete_many([1, 2, 3]) == 3
    assert await things.bulk_delete(range(1, 701)) == 700
    assert await things.count(include_deleted=True) == 300


async def test_an_upsert_keeps_the_row(things: Things) -> None:
    """By a unique column that is not the key."""
    first = await things.upsert(full("a"), ["name"])
    again = await things.upsert(Thing(name="a", active=False), ["name"])
    assert again.id == first.id
    stored = await things.find_one(name="a")
    assert stored is not None
    assert (stored.active, stored.price) == (False, None)


async def test_of_callers_at_the_same_time_one_makes_the_object(things: Things) -> None:
    """And all get it, also inside a transaction of their own."""
    made = await asyncio.gather(*(things.find_or_create(name="a") for _ in range(12)))
    assert sum(new for _, new in made) == 1
    async with things.provider.transaction():
        assert not (await things.update_or_create({"active": True}, name="a"))[1]
        saved = await things.save(Thing(77, "b"))
    assert saved.id == 77
    assert await things.count() == 2


@pytest.mark.parametrize("order", ["asc", "desc"])
@pytest.mark.parametrize("sort_by", ["price", "seen", "name", "made"])
async def test_pages_by_cursor_show_every_row_once(things: Things, sort_by: str, order: str) -> None:
    """With ties and NULL, forwards and back."""
    days = [None, 3, 1, None, 2, 1, 1]
    await things.bulk_create(
        Thing(
            name=f"n{n}",
            price=None if day is None else Decimal(day) / 4,
            seen=None if day is None else SEEN.replace(day=day),
            made=None if day is None else date(2026, 1, day),
        )
        for n, day in enumerate(days)
    )
    sorts = [getattr(F(name), order)() for name in (sort_by, "id")]
    expected = [one.id for one in await things.find_many(sort_by=sorts)]
    page = await things.paginate_cursor(limit=2, sort_by=sort_by, sort_order=order)
    seen = [one.id for one in page.items]
    while page.next_cursor is not None:
        page = await things.paginate_cursor(cursor=page.next_cursor, limit=2, sort_by=sort_by, sort_order=order)
        seen += [one.id for one in page.items]
    assert seen == expected
    back = await things.paginate_cursor(cursor=page.prev_cursor, limit=6, sort_by=sort_by, sort_order=order)
    assert [one.id for one in back.items] == expected[:6]


async def test_a_lent_connection_knows_nothing_of_who_had_it(open_db: Opener, things: Things) -> None:
    """One connection, many tasks of two tenants."""
    del things
    db: DatabaseService = await open_db(pool_size=1)
    policy = RowLevelSecurityPolicy([ScopeColumn("tenant")])
    guarded = GenericRepository[Thing, int](db, "thing", Thing, rls_policy=policy)

    async def work(number: int) -> None:
        tenant = "ab"[number % 2]
        with policy.activate(tenant=tenant):
            await guarded.create(Thing(name=f"{tenant}{number}"))
            assert {one.tenant for one in await guarded.find_many()} == {tenant}
            await guarded.upsert(Thing(name=f"{tenant}{number}", active=True), ["name"])
            with pytest.raises(DuplicateKeyError):
                await guarded.upsert(Thing(name="c", active=True), ["name"])

    with policy.activate(tenant="c"):
        await guarded.create(Thing(name="c"))
    await asyncio.gather(*(work(number) for number in range(10)))
    with pytest.raises(TenantScopingError):
        await guarded.find_many()
    with policy.activate(tenant="c"):
        assert [(one.name, one.active) for one in await guarded.find_many()] == [("c", None)]

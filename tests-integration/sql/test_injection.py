"""Hostile names and values go through every method of repositories, on every database, and do nothing but be stored."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

import pytest
import pytest_asyncio
from lexigram.sql.exceptions import CursorError, DataQueryError, InvalidIdentifierError
from lexigram.sql.providers import DatabaseService
from lexigram.sql.repositories import F, GenericRepository, SQLRepository
from sql.place import Opener, Place

_VALUES = [
    "'; DROP TABLE guard; --",
    '"; DROP TABLE guard; --',
    "`; DROP TABLE guard; --",
    "\\'; DROP TABLE guard; -- ",
    "\\",
    "'' OR 1=1 /*",
    "%s %(x)s $1 ? :name {0}",
    "100%_\\%",
    "\x1a\b\t\r\n",
    "\u02bc OR \uff07 \u2019",
    "$$; DROP TABLE guard; $$",
    "E'\\x27'",
]
_NAMES = [
    "name'; DROP TABLE guard; --",
    'name" OR 1=1 --',
    "name` = 1; --",
    "name) OR (1=1",
    "name, (SELECT 1)",
    "na me",
    "1=1 OR name",
    "",
    "name\x00",
    "item.name; --",
]


@dataclass
class Item:
    """A row of ``item``."""

    id: int | None = None
    name: str = ""
    note: str | None = None


class Unchecked(SQLRepository[dict[str, Any], int]):
    """Knows no fields, so that names reach the statements unless something stops them."""

    def _entity_to_dict(self, entity: dict[str, Any]) -> dict[str, Any]:
        return entity

    def _row_to_entity(self, row: Mapping[str, Any]) -> dict[str, Any]:
        return dict(row)


@pytest_asyncio.fixture
async def guarded(open_db: Opener, place: Place) -> DatabaseService:
    """Return a database with a table that nothing here may touch."""
    db = await open_db()
    await db.execute("CREATE TABLE guard (a INTEGER)")
    await db.execute("INSERT INTO guard VALUES (1)")
    binary = place["| | COLLATE utf8mb4_bin"]
    await db.execute(
        f"CREATE TABLE item (id {place.key}, name VARCHAR(100) {binary} NOT NULL UNIQUE, note VARCHAR(100) {binary})"
    )
    return db


@pytest.mark.parametrize("value", _VALUES)
async def test_values_are_stored_and_found_and_nothing_else(guarded: DatabaseService, value: str) -> None:
    """Through every method that takes one; the row beside it never answers."""
    items = GenericRepository[Item, int](guarded, "item", Item)
    other = await items.create(Item(name="other", note="other"))
    made = await items.create(Item(name=value, note=value))
    assert await items.get(made.id or 0) == made
    assert await items.find_many(name=value) == [made]
    assert await items.find_many(F("name") == value) == [made]
    assert await items.find_many(name__in=[value, "absent"]) == [made]
    assert await items.find_many(name__contains=value) == [made]
    assert await items.find_many(name__startswith=value, name__endswith=value) == [made]
    assert await items.find_many(search=value, search_fields=["name", "note"]) == [made]
    assert await items.find_one(F("name").between(value, value)) == made
    assert await items.count(name__ne=value) == 1
    assert not await items.exists(name=value, note="other")
    assert [found async for found in items.stream(name=value)] == [made]
    assert (await items.paginate(name=value))["data"] == [made]
    first = await items.paginate_cursor(limit=1, sort_by="name", note__in=[value, "other"])
    second = await items.paginate_cursor(limit=1, sort_by="name", note__in=[value, "other"], cursor=first.next_cursor)
    assert sorted([*first.items, *second.items], key=lambda one: one.id or 0) == [other, made]
    with pytest.raises(CursorError):
        await items.paginate_cursor(cursor=value)
    assert (await items.aggregate(count=True, group_by="name", name=value)) == [{"name": value, "count": 1}]
    made.note = f"{value}!"
    assert await items.update(made) == made
    assert (await items.upsert(Item(name=value, note=value), ["name"], ["note"])).id == made.id
    assert await items.find_or_create(name=value) == (Item(made.id, value, value), False)
    found, new = await items.update_or_create({"note": f"{value}?"}, name=value)
    assert (found.note, new) == (f"{value}?", False)
    found.note = value
    assert await items.bulk_update([found]) == 1
    await items.bulk_create([Item(name=f"{value}{number}", note=value) for number in range(30)])
    assert await items.count(note=value) == 31
    assert await items.bulk_delete(await items.find_many(note=value)) == 31
    assert await items.find_many() == [other]
    assert await guarded.fetch_value("SELECT count(*) FROM guard") == 1


async def test_a_key_of_text_is_a_value_like_others(guarded: DatabaseService) -> None:
    """However it reads."""
    items = GenericRepository[Item, str](guarded, "item", Item, key_field="name")
    await items.bulk_create([Item(number, value) for number, value in enumerate(_VALUES, start=1)])
    for value in _VALUES:
        found = await items.get(value)
        assert found is not None
        assert found.name == value
        assert await items.delete_by_id(value)
        assert not await items.delete(value)
    assert await guarded.fetch_value("SELECT count(*) FROM guard") == 1


Method = Callable[[Any, str], Awaitable[Any]]

_METHODS: dict[str, Method] = {
    "find_many": lambda items, name: items.find_many(**{name: 1}),
    "find_many operator": lambda items, name: items.find_many(**{f"{name}__gt": 1}),
    "find_many typed": lambda items, name: items.find_many(F(name) == 1),
    "find mapping": lambda items, name: items.find({name: 1}),
    "find columns": lambda items, name: items.find_many(columns=[name]),
    "find sorted": lambda items, name: items.find_many(sort_by=name),
    "find ordered": lambda items, name: items.find(order_by=[F(name).desc()]),
    "search": lambda items, name: items.find_many(search="a", search_fields=[name]),
    "find_one": lambda items, name: items.find_one(**{name: 1}),
    "count": lambda items, name: items.count(**{name: 1}),
    "exists": lambda items, name: items.exists(**{name: 1}),
    "aggregate sum": lambda items, name: items.aggregate(sum=name),
    "aggregate group": lambda items, name: items.aggregate(count=True, group_by=name),
    "paginate": lambda items, name: items.paginate(sort_by=name),
    "paginate_cursor": lambda items, name: items.paginate_cursor(sort_by=name),
    "stream": lambda items, name: _drained(items.stream(sort_by=name)),
    "create": lambda items, name: items.create({name: 1}),
    "update": lambda items, name: items.update({"id": 1, name: 1}),
    "upsert": lambda items, name: items.upsert({"id": 1, "name": "a"}, [name]),
    "upsert fields": lambda items, name: items.upsert({"id": 1, "name": "a", name: 1}, ["id"], [name]),
    "find_or_create": lambda items, name: items.find_or_create(**{name: 1}),
    "bulk_create": lambda items, name: items.bulk_create([{name: 1}, {name: 2}]),
    "bulk_update": lambda items, name: items.bulk_update([{"id": 1, name: 1}]),
}


async def _drained(stream: Any) -> list[Any]:
    return [one async for one in stream]


@pytest.mark.parametrize("method", _METHODS)
async def test_names_that_are_none_are_refused(guarded: DatabaseService, method: str) -> None:
    """Where fields are known as unknown ones, elsewhere since they are no names."""
    for name in _NAMES:
        with pytest.raises((InvalidIdentifierError, DataQueryError)):
            await _METHODS[method](Unchecked(guarded, "item"), name)
        if method.startswith(("find", "search", "count", "exists", "aggregate", "paginate", "stream")):
            with pytest.raises((InvalidIdentifierError, DataQueryError)):
                await _METHODS[method](GenericRepository[Item, int](guarded, "item", Item), name)
    assert await guarded.fetch_value("SELECT count(*) FROM guard") == 1
    assert await guarded.fetch_value("SELECT count(*) FROM item") == 0


async def test_tables_and_keys_that_are_no_names_are_refused(guarded: DatabaseService) -> None:
    """Before anything is sent; a second word is a table's other name."""
    for name in _NAMES:
        if name == "na me":
            continue
        with pytest.raises((InvalidIdentifierError, DataQueryError)):
            await GenericRepository[Item, int](guarded, name, Item).get(1)
        with pytest.raises((InvalidIdentifierError, DataQueryError)):
            await Unchecked(guarded, "item", key_field=name).delete_by_id(1)
    assert await guarded.fetch_value("SELECT count(*) FROM guard") == 1

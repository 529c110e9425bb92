"""A cached repository asks the database once, until something is written."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import pytest
from lexigram.sql.exceptions import DuplicateKeyError, ProtocolValidationError
from lexigram.sql.providers import DatabaseService
from lexigram.sql.repositories import CachedRepository, F, GenericRepository


@dataclass
class Item:
    id: int | None = None
    name: str = ""


class DictCache:
    def __init__(self) -> None:
        self.values: dict[str, Any] = {}
        self.ttls: dict[str, int | None] = {}

    async def get(self, key: str) -> Any | None:
        return self.values.get(key)

    async def set(self, key: str, value: Any, ttl: int | None = None) -> None:
        self.values[key] = value
        self.ttls[key] = ttl


@pytest.fixture
async def db() -> AsyncIterator[DatabaseService]:
    async with DatabaseService() as database:
        await database.execute("CREATE TABLE item (id INTEGER PRIMARY KEY, name TEXT UNIQUE)")
        await database.execute("INSERT INTO item VALUES (1, 'a')")
        yield database


@pytest.fixture
def cache() -> DictCache:
    return DictCache()


@pytest.fixture
def items(db: DatabaseService, cache: DictCache) -> CachedRepository[Item, int]:
    return CachedRepository(GenericRepository[Item, int](db, "item", Item), cache, ttl=60, hasher=lambda text: text)


async def test_a_read_is_kept_with_its_time(
    db: DatabaseService, items: CachedRepository[Item, int], cache: DictCache
) -> None:
    assert await items.get(1) == Item(1, "a")
    assert await items.get(2) is None
    assert await items.find_many(F("id") > 0, limit=5) == [Item(1, "a")]
    await db.execute("UPDATE item SET name = 'behind its back'")
    await db.execute("INSERT INTO item VALUES (2, 'b')")
    assert await items.get(1) == Item(1, "a")
    assert await items.get(2) is None
    assert await items.find_many(F("id") > 0, limit=5) == [Item(1, "a")]
    assert len(await items.find_many(F("id") > 0, limit=6)) == 2
    kept = [ttl for key, ttl in cache.ttls.items() if not key.endswith(":version")]
    assert kept == [60] * 4
    assert all(key.startswith("repo:item:v") for key in cache.values)


@pytest.mark.parametrize("method", ["create", "save", "bulk_create", "delete", "find_or_create"])
async def test_a_write_forgets_what_was_kept(items: CachedRepository[Item, int], method: str) -> None:
    before = await items.count()
    match method:
        case "bulk_create":
            await items.bulk_create(Item(name=name) for name in "xy")
        case "delete":
            await items.delete(1)
        case "find_or_create":
            await items.find_or_create(name="x")
        case _:
            await getattr(items, method)(Item(name="x"))
    assert await items.count() != before


async def test_a_failed_write_forgets_as_well(db: DatabaseService, items: CachedRepository[Item, int]) -> None:
    assert await items.count() == 1
    await db.execute("INSERT INTO item VALUES (2, 'b')")
    with pytest.raises(DuplicateKeyError):
        await items.create(Item(1, "c"))
    assert await items.count() == 2


async def test_a_transaction_reads_the_database(db: DatabaseService, items: CachedRepository[Item, int]) -> None:
    assert await items.count() == 1
    async with db.transaction():
        await db.execute("INSERT INTO item VALUES (2, 'b')")
        assert await items.count() == 2
    assert await items.count() == 1
    await items.invalidate()
    assert await items.count() == 2


async def test_other_methods_are_those_of_the_repository(items: CachedRepository[Item, int]) -> None:
    assert [item async for item in items.stream()] == [Item(1, "a")]
    assert items.table_name == "item"
    with pytest.raises(AttributeError):
        _ = items.absent


async def test_guarded_repositories_are_not_cached(db: DatabaseService, cache: DictCache) -> None:
    guarded = GenericRepository[Item, int](db, "item", Item, multi_tenant=True)
    with pytest.raises(ProtocolValidationError, match="another"):
        CachedRepository(guarded, cache)

"""Repositories write: keys, times, versions, marks of deletion, one row or many, and callers at the same time."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from lexigram.contracts.data.sql.query_log import QueryLogEntry
from lexigram.sql.exceptions import (
    DataQueryError,
    DuplicateKeyError,
    EntityNotFoundError,
    MappingError,
    OptimisticLockError,
    RepositoryError,
)
from lexigram.sql.logs import MemoryQueryLogger
from lexigram.sql.providers import DatabaseService
from lexigram.sql.repositories import GenericRepository, SQLRepository
from pydantic import BaseModel


@dataclass
class Item:
    id: int | None = None
    name: str = ""
    amount: int = 0
    version: int | None = None
    created_at: datetime | None = None
    updated_at: datetime | None = None


@dataclass(frozen=True)
class Plain:
    name: str
    amount: int = 0
    id: int | None = None


Items = GenericRepository[Item, int]
TABLE = (
    "CREATE TABLE item (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, amount INTEGER NOT NULL DEFAULT 0,"
    " version INTEGER, created_at TIMESTAMP, updated_at TIMESTAMP, deleted_at TIMESTAMP)"
)


class Log(MemoryQueryLogger):
    def __init__(self) -> None:
        super().__init__()
        self.entries: list[QueryLogEntry] = []

    def write(self, entry: QueryLogEntry) -> None:
        self.entries.append(entry)


@pytest.fixture
def log() -> Log:
    return Log()


@pytest.fixture
async def db(log: Log, tmp_path: Path) -> AsyncIterator[DatabaseService]:
    async with DatabaseService(f"sqlite:///{tmp_path / 'items.db'}", query_logger=log) as database:
        await database.execute(TABLE)
        yield database


@pytest.fixture
def items(db: DatabaseService) -> Items:
    return GenericRepository[Item, int](db, "item", Item)


async def test_a_new_object_gets_its_key_its_times_and_its_version(items: Items) -> None:
    before = datetime.now(UTC)
    item = Item(name="a")
    assert await items.create(item) is item
    assert (item.id, item.version) == (1, 1)
    assert item.created_at is not None
    assert before <= item.created_at == item.updated_at
    assert await items.get(1) == item
    known = await items.create(Item(9, "b", created_at=before))
    assert (known.id, known.created_at) == (9, before)
    with pytest.raises(DuplicateKeyError):
        await items.create(Item(9, "c"))


async def test_times_and_versions_are_left_out_where_the_class_has_none(db: DatabaseService) -> None:
    plain = GenericRepository[Plain, int](db, "item", Plain)
    before = Plain("a", 1)
    made = await plain.create(before)
    assert (before.id, made) == (None, Plain("a", 1, 1))
    assert await plain.update(Plain("b", 2, 1)) == Plain("b", 2, 1)
    assert await plain.find_many() == [Plain("b", 2, 1)]
    assert await db.fetch_one("SELECT created_at, updated_at, version FROM item") == {
        "created_at": None,
        "updated_at": None,
        "version": None,
    }


async def test_an_update_of_what_was_changed_since_is_refused(items: Items) -> None:
    mine = await items.create(Item(name="a"))
    assert mine.id is not None
    assert mine.updated_at is not None
    theirs = await items.get(mine.id)
    assert theirs is not None
    theirs.amount = 5
    await items.update(theirs)
    assert theirs.version == 2
    assert theirs.updated_at is not None
    assert theirs.updated_at >= mine.updated_at
    with pytest.raises(OptimisticLockError) as caught:
        await items.update(mine)
    assert (caught.value.entity_type, caught.value.entity_id, caught.value.expected_version) == ("Item", 1, 1)
    await items.update(mine, check_version=False)
    stored = await items.get(1)
    assert stored is not None
    assert (stored.amount, stored.created_at) == (0, mine.created_at)
    with pytest.raises(EntityNotFoundError):
        await items.update(Item(99, "z", version=1))
    with pytest.raises(DataQueryError, match="no integer version"):
        await items.update(Item(1, "z"), check_version=True)
    with pytest.raises(RepositoryError, match="its id is None"):
        await items.update(Item(name="z"))


async def test_saving_inserts_what_is_new_and_changes_what_is_known(items: Items) -> None:
    item = await items.save(Item(name="a"))
    item.amount = 3
    await items.save(item)
    await items.save(Item(7, "b"))
    assert [(i.id, i.amount, i.version) for i in await items.find_many(sort_by="id")] == [(1, 3, 2), (7, 0, 1)]
    with pytest.raises(DuplicateKeyError):
        await items.save(Item(8, "b"))


async def test_rows_are_removed_or_marked_and_brought_back(db: DatabaseService, items: Items) -> None:
    marked = GenericRepository[Item, int](db, "item", Item, soft_delete_enabled=True)
    one = await marked.create(Item(name="a"))
    two = await marked.create(Item(name="b"))
    assert await marked.delete(one)
    assert await marked.soft_delete(2)
    assert not await marked.delete(1)
    assert await marked.find_many() == []
    assert await marked.count() == 0
    assert not await marked.exists(id=1)
    assert await marked.get(1) is None
    assert await marked.find_by_id(1, include_deleted=True) == one
    assert await marked.count(include_deleted=True) == 2
    with pytest.raises(EntityNotFoundError):
        await marked.update(two)
    assert await marked.restore(2)
    assert not await marked.restore(2)
    assert await marked.get(2) == two
    assert await marked.delete_by_id(1)
    assert not await marked.delete_by_id(1)
    assert await marked.delete_many([1, 2]) == 1
    assert await items.delete(2)
    assert not await items.delete(2)
    with pytest.raises(RepositoryError, match="marks no rows"):
        await items.soft_delete(1)


async def test_an_upsert_inserts_or_changes_by_any_unique_key(items: Items) -> None:
    first = await items.upsert(Item(name="a", amount=1), ["name"])
    again = await items.upsert(Item(name="a", amount=2), ["name"])
    assert first.id == again.id == 1
    await items.upsert(Item(1, "c", 9), update_fields=["amount"])
    assert [(i.name, i.amount) for i in await items.find_many()] == [("a", 9)]
    assert (await items.upsert(Item(name="b"))).id == 2
    with pytest.raises(DataQueryError, match="did you mean 'name'"):
        await items.upsert(Item(name="a"), ["nane"])


async def test_of_callers_at_the_same_time_one_makes_the_object(items: Items) -> None:
    made = await asyncio.gather(*(items.find_or_create({"amount": n}, name="a") for n in range(8)))
    assert sorted(new for _, new in made) == [False] * 7 + [True]
    assert len({item.id for item, _ in made}) == 1
    assert await items.count() == 1
    item, new = await items.update_or_create({"amount": 42}, name="a")
    assert (new, item.amount) == (False, 42)
    assert (await items.update_or_create({"amount": 1}, name="b"))[1]
    with pytest.raises(DataQueryError, match="amount__gt"):
        await items.find_or_create(amount__gt=100)


async def test_many_objects_take_few_statements(items: Items, log: Log) -> None:
    log.entries.clear()
    made = await items.bulk_create(Item(name=f"n{n}", amount=n) for n in range(1000))
    assert [item.id for item in made] == list(range(1, 1001))
    assert made[-1].version == 1
    assert len(log.entries) == 1
    log.entries.clear()
    await items.bulk_create(Item(5000 + n, f"k{n}") for n in range(1000))
    assert len(log.entries) == 1
    log.entries.clear()
    for item in made:
        item.amount += 1
    assert await items.bulk_update(made) == 1000
    assert len(log.entries) == 10
    stored = await items.find_many(id__lte=1000, sort_by="id")
    assert [(i.amount, i.version) for i in stored] == [(n + 1, 2) for n in range(1000)]
    assert stored == made
    log.entries.clear()
    assert await items.bulk_delete([*made[:500], *range(501, 1001), 99999]) == 1000
    assert len(log.entries) == 1
    assert await items.count() == 1000


async def test_keys_of_objects_that_come_mixed_stay_with_their_objects(items: Items) -> None:
    made = await items.bulk_create([Item(name="a"), Item(50, "b"), Item(name="c")])
    for item in made:
        assert item.id is not None
        assert (await items.get(item.id)) == item
    assert await items.bulk_create([]) == []


async def test_many_objects_are_written_all_or_none(items: Items) -> None:
    with pytest.raises(DuplicateKeyError):
        await items.bulk_create([*(Item(name=f"n{n}") for n in range(600)), Item(name="n1")])
    assert await items.count() == 0
    made = await items.bulk_create(Item(name=f"n{n}") for n in range(150))
    await items.update(Item(150, "other", version=1))
    for item in made:
        item.amount = 7
    with pytest.raises(OptimisticLockError, match="1 of 150"):
        await items.bulk_update(made)
    assert await items.count(amount=7) == 0
    assert await items.bulk_update(made[:3], ["amount"]) == 3
    with pytest.raises(DataQueryError, match="twice"):
        await items.bulk_update([made[0], made[0]])


async def test_known_and_new_objects_are_saved_together(items: Items, log: Log) -> None:
    known = await items.bulk_create(Item(name=f"n{n}") for n in range(3))
    log.entries.clear()
    for item in known:
        item.amount = 4
    saved = await items.save_many([known[0], Item(name="x"), known[1], Item(77, "y"), known[2]])
    assert len(log.entries) == 4
    assert [item.id for item in saved] == [1, 4, 2, 77, 3]
    assert await items.count(amount=4) == 3
    assert await items.count() == 5


class Note(BaseModel):
    id: int | None = None
    name: str
    amount: int = 0


async def test_pydantic_models_are_stored(db: DatabaseService) -> None:
    notes = GenericRepository[Note, int](db, "item", Note)
    note = await notes.create(Note(name="a"))
    assert await notes.get(1) == note == Note(id=1, name="a")
    assert await notes.find_or_create(name="b") == (Note(id=2, name="b"), True)


class Pairs(SQLRepository[tuple[int, str], int]):
    read_only_fields = frozenset({"amount"})

    def __init__(self, provider: DatabaseService) -> None:
        super().__init__(provider, "items_view")

    @property
    def write_table_name(self) -> str:
        return "item"

    def _entity_to_dict(self, entity: tuple[int, str]) -> dict[str, Any]:
        return {"id": entity[0], "name": entity[1], "amount": -1}

    def _row_to_entity(self, row: Mapping[str, Any]) -> tuple[int, str]:
        return row["id"], row["name"]


async def test_a_repository_can_map_rows_itself_and_read_a_view(db: DatabaseService) -> None:
    await db.execute("CREATE VIEW items_view AS SELECT id, name, amount FROM item WHERE name <> 'hidden'")
    pairs = Pairs(db)
    await pairs.bulk_create([(1, "a"), (2, "hidden")])
    await pairs.update((1, "b"))
    assert await pairs.find_many() == [(1, "b")]
    assert await pairs.find_many(amount=0, name__in=["b"]) == [(1, "b")]
    assert await pairs.get(2) is None
    assert await pairs.delete_by_id(2)


async def test_what_is_not_of_the_class_is_refused(items: Items) -> None:
    with pytest.raises(MappingError, match="stores Item, not Plain"):
        await items.create(Plain("a"))  # type: ignore[arg-type]


async def test_hooks_are_told_of_what_was_written(items: Items) -> None:
    """Objects that were saved, keys that are gone; and no longer once they were taken back."""
    saved: list[str] = []
    gone: list[int] = []

    async def note(item: Item) -> None:
        saved.append(item.name)

    undo = items.register_post_save_hook(note)
    items.register_post_delete_hook(gone.append)
    ada = await items.create(Item(name="Ada"))
    ada.name = "Ada L."
    await items.update(ada)
    bob, eve = await items.bulk_insert([Item(name="Bob"), Item(name="Eve")])
    await items.bulk_update([bob])
    await items.upsert(eve)
    assert saved == ["Ada", "Ada L.", "Bob", "Eve", "Bob", "Eve"]
    assert await items.delete(ada)
    assert not await items.delete(ada)
    await items.bulk_delete([bob, eve])
    assert gone == [ada.id, bob.id, eve.id]
    undo()
    undo()
    await items.create(Item(name="Zoe"))
    assert len(saved) == 6


async def test_an_error_of_a_hook_undoes_the_callers_transaction(db: DatabaseService, items: Items) -> None:
    """Since it reaches the caller."""

    def refuse(item: Item) -> None:
        raise LookupError(item.name)

    items.register_post_save_hook(refuse)
    with pytest.raises(LookupError):
        async with db.transaction():
            await items.create(Item(name="Ada"))
    assert await items.count() == 0
